"""Downloads that are verified, atomic and usable offline once they are there."""

import re
from pathlib import Path

from brainscore_realnet.errors import BadInputError, RealnetError
from brainscore_realnet.store.atomic import lock
from brainscore_realnet.store.folders import make_folder, store_error
from brainscore_realnet.store.hashing import file_hash

_HASH = re.compile(r"(sha256|sha1|md5):([0-9a-fA-F]+)")
_TIMEOUT_SECONDS = 60
_RETRIES = 2


class DownloadError(RealnetError):
    """A file could not be downloaded, or came with other bytes than expected."""


def download(url: str, folder: str | Path, filename: str, known_hash: str, progress: bool = True) -> Path:
    """Download a file unless a verified one is there already.

    Parameters
    ----------
    url : str
        Where the file is.
    folder : path
        Where it goes; made if absent.
    filename : str
        What it is called there.
    known_hash : str
        ``"sha256:…"``, ``"sha1:…"`` or ``"md5:…"``.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        The verified file.

    Raises
    ------
    DownloadError
        The network failed or the bytes are not the expected ones; no unverified download is kept.
    StoreError
        The folder cannot be written.
    BadInputError
        The hash or the filename is malformed.
    """
    match = _HASH.fullmatch(known_hash)
    if match is None:
        raise BadInputError(
            f"Got known_hash={known_hash!r}: expected 'sha256:…', 'sha1:…' or 'md5:…' and hexadecimal digits."
        )
    if Path(filename).name != filename or filename in ("", ".", ".."):
        raise BadInputError(f"Got filename={filename!r}: expected a plain file name without folders.")
    path = Path(folder) / filename
    if _verified(path, match):
        return path
    make_folder(path.parent)
    with lock(f"download-{path.absolute()}"):
        if not _verified(path, match):
            _fetch(url, path, known_hash, progress)
    return path


def _verified(path: Path, known: re.Match[str]) -> bool:
    return path.is_file() and file_hash(path, known[1]) == known[2].lower()


def _fetch(url: str, path: Path, known_hash: str, progress: bool) -> None:
    import pooch

    registry = pooch.create(
        path=path.parent,
        base_url="",
        registry={path.name: known_hash.lower()},
        urls={path.name: url},
        retry_if_failed=_RETRIES,
    )
    try:
        # By default pooch reads a kilobyte at a time: seconds of work for a file of weights.
        downloader = pooch.HTTPDownloader(progressbar=progress, chunk_size=2**20, timeout=_TIMEOUT_SECONDS)
        registry.fetch(path.name, downloader=downloader)
    except (OSError, ValueError) as error:
        if isinstance(error, OSError) and (told := store_error(error, path)):
            raise told from error
        raise DownloadError(
            f"Got no usable file from {url}: {error}. Expected {path.name} with {known_hash}. Check the network and "
            f"try again, or download it by hand and put it at {path}."
        ) from error
