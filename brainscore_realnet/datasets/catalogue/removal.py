"""Deleting a data set's downloads and converted data; nothing outside the store is ever touched."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from brainscore_realnet.datasets.catalogue.fetching import downloads_folder
from brainscore_realnet.datasets.catalogue.table import find
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store import home, lock
from brainscore_realnet.store.folders import store_error

KINDS = ("downloads", "converted")


def removable(name: str, kinds: tuple[str, ...] = KINDS) -> dict[Path, int]:
    """Give the folders of a data set in the store and the bytes in them.

    Parameters
    ----------
    name : str
        A data set of the catalogue.
    kinds : tuple of {"downloads", "converted"}
        What was downloaded; what was converted or prepared from it, and the records of files that lie elsewhere.

    Raises
    ------
    UnknownIdentifierError, BadInputError
        There is no such data set or kind.
    """
    if unknown := set(kinds) - set(KINDS):
        raise BadInputError(f"Got {', '.join(sorted(unknown))} to remove: expected {' or '.join(KINDS)}.")
    converted = [name, *find(name).prepared_names()]
    folders = {
        "downloads": [downloads_folder(name)],
        "converted": [home() / "data" / one for one in converted],
    }
    return {folder: _bytes(folder) for kind in kinds for folder in folders[kind] if os.path.lexists(folder)}


def remove(name: str, kinds: tuple[str, ...] = KINDS) -> dict[Path, int]:
    """Delete folders of a data set from the store.

    A folder that was only registered and a folder that a link in the store leads to stay as they are.

    Returns
    -------
    dict
        What `removable` gave: folders and the bytes that were freed.

    Raises
    ------
    UnknownIdentifierError, BadInputError
        There is no such data set or kind.
    StoreError
        Something cannot be deleted; what was deleted before it is gone.
    """
    find(name)  # before a lock of this name is made
    with lock(f"fetch-{name}"):
        found = removable(name, kinds)
        for folder in found:
            _delete(folder)
    return found


def _delete(folder: Path) -> None:
    """Delete a folder; under another name first, so that nothing half-deleted is ever read."""
    leaving = folder.with_name(f".{folder.name}.removed")
    try:
        if folder.is_symlink():
            folder.unlink()
            return
        if leaving.is_dir():  # of a run that was interrupted
            shutil.rmtree(leaving)
        os.rename(folder, leaving)
        shutil.rmtree(leaving)
    except OSError as error:
        raise store_error(error, folder) or error from error


def _bytes(folder: Path) -> int:
    if folder.is_symlink():
        return 0
    return sum(path.lstat().st_size for path in _files(folder))


def _files(folder: Path) -> Iterator[Path]:
    for parent, _, names in os.walk(folder):
        for name in names:
            yield Path(parent) / name
