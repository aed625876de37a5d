"""Simulated data sets that have benchmarks and recipes: made where they are asked for."""

from typing import Any

from brainscore_realnet.simulation import kamitani, things_eeg2

PUBLIC: dict[Any, Any] = {
    things_eeg2.DEFAULT: things_eeg2.stored,
    things_eeg2.ALIGNMENT: things_eeg2.stored,
    kamitani.SHEN2019: kamitani.stored,
    kamitani.HORIKAWA2017: kamitani.stored,
}
"""Specification to what makes and registers it."""


def make_if_public(name: str, progress: bool = True) -> None:
    """Make and register the simulated set of `PUBLIC` that is called so in the store; any other name does nothing.

    Raises
    ------
    StoreError
        When the store cannot be written.
    """
    for specification, stored in PUBLIC.items():
        if specification.stored_as == name:
            stored(specification, progress)


def public_subjects(name: str) -> tuple[str, ...]:
    """Name the subjects of the set of `PUBLIC` that is called so in the store; none of any other."""
    return next((one.subject_names for one in PUBLIC if one.stored_as == name), ())
