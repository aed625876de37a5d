"""Data sets as the files from which Brain-Score itself loads them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from brainscore_realnet.errors import UnknownIdentifierError
from brainscore_realnet.scoring.identifiers import require_identifier
from brainscore_realnet.scoring.loading import load_dataset, load_stimulus_set

if TYPE_CHECKING:
    from brainscore_realnet.adapters.packaging import Packaged


def export(identifier: str, folder: str | Path, brainio_home: str | Path | None = None) -> "list[Packaged]":
    """Write a data set or a stimulus set as the files that Brain-Score's ``load_*_from_s3`` read.

    Parameters
    ----------
    identifier : str
        Of a data assembly, which is written with its stimulus set, or of a stimulus set alone.
    folder : path
        Made if absent; files of the same names are replaced.
    brainio_home : path, optional
        Folder into which the files are copied too, in the way in which Brain-Score finds them offline.

    Returns
    -------
    list of Packaged
        The stimulus set's ``.csv`` and ``.zip``, then the assembly's ``.nc``.

    Raises
    ------
    UnknownIdentifierError
        Neither is registered under the identifier.
    MissingDataError
        The data are not in the store.
    StoreError
        The folder cannot be written.
    """
    load = _loader(identifier)
    from brainscore_realnet.adapters.packaging import into_brainio_home, package_assembly, package_stimulus_set

    found = load(identifier)
    if load is load_stimulus_set:
        packaged = [package_stimulus_set(found, folder)]
    else:
        packaged = [package_stimulus_set(found.attrs["stimulus_set"], folder), package_assembly(found, folder)]
    if brainio_home is not None:
        for each in packaged:
            into_brainio_home(each, brainio_home)
    return packaged


def _loader(identifier: str) -> Callable:
    """Give the function that loads an identifier; of one that names both, the assembly has the stimuli with it."""
    for kind, load in (("dataset", load_dataset), ("stimulus_set", load_stimulus_set)):
        try:
            require_identifier(kind, identifier)
        except UnknownIdentifierError as error:
            unknown = error
        else:
            return load
    raise unknown
