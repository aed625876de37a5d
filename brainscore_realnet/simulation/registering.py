"""Simulated data sets in the store: made and registered where they are not there yet."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from brainscore_realnet.errors import MissingDataError


def registered(
    reader: Any, stored_as: str, subjects: Sequence[str], splits: Sequence[str], make: Callable[[], Path]
) -> str:
    """Make and register a simulated data set unless all of it is in the store; give its name there.

    Parameters
    ----------
    reader : module
        With ``require`` and ``add``, as of ``datasets.things_eeg2``.
    stored_as : str
        Name in the store.
    subjects, splits : sequence of str
    make : callable
        Makes the files, in the form that the reader registers.

    Raises
    ------
    StoreError
        The store cannot be written.
    """
    try:
        for split in splits:
            reader.require(subjects, split, stored_as)
    except MissingDataError:  # not made yet, or some of it was deleted from the store
        reader.add(make(), stored_as, progress=False)
    return stored_as


def virtual_subjects(count: int) -> tuple[str, ...]:
    """Name the subjects of a simulated data set: ``sub-01`` …."""
    return tuple(f"sub-{number:02d}" for number in range(1, count + 1))
