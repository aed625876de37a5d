"""Where the store lies, and its folders.

Top-level folders: ``data`` (converted data sets), ``weights`` (with model cards), ``scores``, ``simulated``, ``cache``
and ``locks``. All but ``weights`` may be deleted at any time.
"""

import errno
import os
import shutil
from pathlib import Path

from brainscore_realnet.errors import BadInputError, StoreError

HOME_VARIABLE = "BRAINSCORE_REALNET_HOME"
SPARE_BYTES = 100 * 10**6

_ADVICE = {
    errno.ENOSPC: "the disk is full: free space there",
    errno.EDQUOT: "your disk quota is used up: free space there",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission is missing: make the folder writable",
    errno.EPERM: "permission is missing: make the folder writable",
    errno.ENOTDIR: "a file stands where a folder should be: move it away",
    errno.EEXIST: "a file stands where a folder should be: move it away",
    errno.EISDIR: "a folder stands where a file should be: move it away",
}


def home() -> Path:
    """Give the store's root folder, which need not exist yet.

    Returns
    -------
    Path
        ``$BRAINSCORE_REALNET_HOME`` when it is set and not empty, otherwise the platform's user cache folder.
    """
    chosen = os.environ.get(HOME_VARIABLE)
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("brainscore_realnet", appauthor=False))


def folder(*parts: str) -> Path:
    """Give a folder of the store and make it if it is absent.

    Parameters
    ----------
    *parts : str
        Names below the root, e.g. ``"data", "things-eeg2"``; none gives the root itself.

    Returns
    -------
    Path
        The folder, which exists.

    Raises
    ------
    StoreError
        A file stands in its place, permission is missing or there is no space.
    BadInputError
        A part is absolute or leads out of the store.
    """
    for part in parts:
        if Path(part).is_absolute() or ".." in Path(part).parts:
            raise BadInputError(
                f"Got {part!r} as a folder of the store: expected a plain name inside it. Choose another name."
            )
    path = home().joinpath(*parts)
    make_folder(path)
    return path


def make_folder(path: Path) -> None:
    """Make a folder and its parents; one that exists is left as it is.

    Raises
    ------
    StoreError
        A file stands in its place, permission is missing or there is no space.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        in_the_way = next((parent for parent in (path, *path.parents) if parent.exists() and not parent.is_dir()), path)
        raise store_error(error, in_the_way) or error from error


def store_error(error: OSError, path: Path) -> StoreError | None:
    """Say what the user can do about an operating-system error while writing, or None when it is not about the store.

    Parameters
    ----------
    error : OSError
        What the operating system reported.
    path : Path
        The file or folder that was to be written.
    """
    advice = _ADVICE.get(error.errno or 0)
    if advice is None:
        return None
    return StoreError(
        f"Cannot write {path}: {error.strerror or error}. Expected a writable place; {advice}, "
        f"or set {HOME_VARIABLE} to another folder."
    )


def require_space(folder: str | Path, n_bytes: int) -> None:
    """Check, before long work, that so many bytes can be written and `SPARE_BYTES` remain free; nothing is made.

    Parameters
    ----------
    folder : path
        Where they would go; it need not exist yet.
    n_bytes : int
        Bytes still to be written; none needs no space.

    Raises
    ------
    StoreError
        There is less space.
    """
    folder = Path(folder).absolute()
    disk = next(place for place in (folder, *folder.parents) if place.is_dir())
    free = shutil.disk_usage(disk).free
    if 0 < n_bytes > free - SPARE_BYTES:
        raise StoreError(
            f"Got {free / 1e9:.2f} GB of free space for {folder}: expected {(n_bytes + SPARE_BYTES) / 1e9:.2f} GB "
            f"({n_bytes / 1e9:.2f} GB to be written and a reserve). Free space there, or set {HOME_VARIABLE} to a "
            "folder on another disk."
        )
