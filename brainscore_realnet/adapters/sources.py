"""Where the benchmarks' and data plugins' data come from: one data set in the store, and how identifiers name it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainscore_realnet.errors import MissingDataError


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
    prepare: Callable[[], None]

    @property
    def simulated(self) -> bool:
        """Whether the subjects are virtual."""
        return self.name.startswith("Sim")


def made_when_missing(
    reader: Any, stored_as: str, subjects: Sequence[str], splits: Sequence[str], make: Callable[[], Path]
) -> Callable[[], None]:
    """Give the function that makes and registers a simulated data set unless all of it is in the store.

    Parameters
    ----------
    reader : module
        With ``require`` and ``add``, as of ``datasets.things_eeg2``.
    stored_as : str
        Name in the store.
    subjects, splits : sequence of str
    make : callable
        Makes the files, in the form that the reader registers.
    """

    def prepare() -> None:
        try:
            for split in splits:
                reader.require(subjects, split, stored_as)
        except MissingDataError:  # not made yet, or some of it was deleted from the store
            reader.add(make(), stored_as, progress=False)

    return prepare


def virtual_subjects(count: int) -> tuple[str, ...]:
    """Names of the subjects of a simulated data set."""
    return tuple(f"sub-{number:02d}" for number in range(1, count + 1))


def subject_of(part: str) -> str | None:
    """Turn ``sub01`` into ``sub-01``; None for anything else."""
    return f"sub-{part[3:]}" if part.startswith("sub") else None
