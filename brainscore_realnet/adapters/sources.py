"""Where the benchmarks' and data plugins' data come from: one data set in the store, and how identifiers name it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Source:
    """One data set in the store.

    Attributes
    ----------
    name : str
        Prefix of its Brain-Score identifiers.
    stored_as : str
        Its name in the store.
    subjects : tuple of str
    prepare : callable
        Makes the data set when this package can make it.
    """

    name: str
    stored_as: str
    subjects: tuple[str, ...]
    prepare: Callable[[], object]

    @property
    def simulated(self) -> bool:
        """Whether the subjects are virtual."""
        return self.name.startswith("Sim")


def subject_of(part: str) -> str | None:
    """Turn ``sub01`` into ``sub-01``; None for anything else."""
    return f"sub-{part[3:]}" if part.startswith("sub") else None
