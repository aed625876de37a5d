"""Downloads that are resumed, verified, atomic and usable offline once they are there.

Every folder of downloads keeps ``sha256.json``: what each file's bytes were when it was first downloaded. Where a
publisher gives no checksum, later downloads are verified against that.
"""

import logging
import os
import re
import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from brainscore_realnet.errors import BadFileError, BadInputError, StoreError
from brainscore_realnet.store.atomic import lock, read_json, write_json
from brainscore_realnet.store.folders import make_folder, store_error
from brainscore_realnet.store.hashing import file_hash, sha256_file
from brainscore_realnet.store.transfer import (
    DownloadError,
    Transfer,
    bring,
    is_data,
    is_web_page,
    origin,
    partial_prefix,
    refusal,
)

RECORD = "sha256.json"

_HEX_DIGITS = {"sha256": 64, "sha1": 40, "md5": 32}
_RETRIES = 5
_FIRST_DELAY_SECONDS = 0.5

_logger = logging.getLogger(__name__)

__all__ = ["RECORD", "DownloadError", "download"]


@dataclass(frozen=True)
class _Expected:
    """What a file must be; None where nothing is known."""

    known_hash: str | None
    size: int | None
    told_by: str
    is_data: bool

    def problem(self, path: Path) -> str | None:
        """Say what is wrong with a file that exists, or None."""
        size = path.stat().st_size
        if self.size not in (None, size):
            return f"{size} bytes, expected {self.size}"
        if self.known_hash is None:
            with open(path, "rb") as file:
                page = self.is_data and is_web_page(file.read(1000))
            return "a web page, expected data" if page else None
        algorithm = self.known_hash.partition(":")[0]
        found = f"{algorithm}:{file_hash(path, algorithm)}"
        return None if found == self.known_hash else f"{found}, expected {self.known_hash} {self.told_by}"


def download(
    url: str,
    folder: str | Path,
    filename: str,
    known_hash: str | None = None,
    *,
    size: int | None = None,
    progress: bool = True,
) -> Path:
    """Download a file unless a verified one is there already.

    What arrives is kept in a hidden folder beside the target, and continued by a later try, call or process. Of two
    processes one downloads and the other waits. A file that is there but wrong is moved aside, named
    ``<filename>.wrong-<first 8 digits of its sha256>``, and so is a download that turns out wrong. A server that sends
    more than it announces can only be told by ``known_hash`` or ``size``.

    Parameters
    ----------
    url : str
        Where the file is, by http or https.
    folder : path
        Where it goes; made if absent.
    filename : str
        What it is called there.
    known_hash : str, optional
        ``"sha256:…"``, ``"sha1:…"`` or ``"md5:…"``. Without it the sha256 that ``sha256.json`` in the folder recorded
        at the first download is expected; at the first download, or for a file that was put there by hand, it is
        recorded.
    size : int, optional
        Bytes of the file.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        The verified file.

    Raises
    ------
    DownloadError
        The network failed, or what came is a web page, of another length, or not the expected bytes.
    StoreError
        The folder cannot be written, or there is too little space; what has arrived is kept.
    BadInputError
        The address, the hash, the size or the filename is malformed.
    BadFileError
        ``sha256.json`` is broken.
    """
    known = _checked(url, filename, known_hash, size)
    path = Path(folder) / filename
    if path.is_dir():
        raise StoreError(f"Got a folder at {path}: expected a file or nothing there. Move it away.")
    if path.is_file() and (expected := _expected(path, known, size)).known_hash and not expected.problem(path):
        return path
    make_folder(path.parent)
    with lock(f"download-{path.absolute()}"):
        expected = _expected(path, known, size)
        if path.is_file():
            problem = expected.problem(path)
            if problem is None:
                if expected.known_hash is None:
                    _record(path, path, url, by_hand=True)
                return path
            _logger.warning("%s holds %s: moved to %s", path, problem, _set_aside(path, path))
        _fetch(Transfer(url, path, size, expected.known_hash, progress), expected)
    return path


def _checked(url: str, filename: str, known_hash: str | None, size: int | None) -> str | None:
    """Refuse malformed arguments; give the known hash in lower case."""
    if not _is_web_address(url):
        raise BadInputError(f"Got url={url!r}: expected an address that starts with http:// or https://.")
    if Path(filename).name != filename or filename in ("", ".", "..", RECORD):
        raise BadInputError(
            f"Got filename={filename!r}: expected a plain file name without folders, other than {RECORD}."
        )
    if size is not None and size < 0:
        raise BadInputError(f"Got size={size}: expected a number of bytes, or None where it is not known.")
    if known_hash is None:
        return None
    algorithm, _, digest = known_hash.partition(":")
    if re.fullmatch(r"[0-9a-fA-F]+", digest) is None or _HEX_DIGITS.get(algorithm) != len(digest):
        raise BadInputError(
            f"Got known_hash={known_hash!r}: expected 'sha256:…', 'sha1:…' or 'md5:…' and "
            f"{', '.join(map(str, _HEX_DIGITS.values()))} hexadecimal digits."
        )
    return known_hash.lower()


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def _expected(path: Path, known: str | None, size: int | None) -> _Expected:
    """Gather what is known of a file: its published hash, or what was recorded when it first came."""
    if known is not None:
        return _Expected(known, size, "as published", is_data(path))
    entry = _records(path.parent).get(path.name)
    if entry is None:
        return _Expected(None, size, "", is_data(path))
    told_by = f"as recorded in {path.parent / RECORD} (delete its entry there if the publisher has changed the file)"
    return _Expected(f"sha256:{entry['sha256']}", size, told_by, is_data(path))


def _fetch(transfer: Transfer, expected: _Expected) -> None:
    """Bring a file, verify and record it, and put it in its place."""
    arrived = _through_pooch(transfer)
    problem = expected.problem(arrived)
    if problem is not None and origin(transfer).joined:
        # some servers give parts of another version without telling
        shutil.rmtree(transfer.folder)
        arrived = _through_pooch(transfer)
        problem = expected.problem(arrived)
    if problem is not None:
        aside = _set_aside(arrived, transfer.target)
        shutil.rmtree(transfer.folder)
        what = f"wrong bytes, {problem}, kept aside as {aside} and never used,"
        raise refusal(transfer, what, "Try again later")
    _record(arrived, transfer.target, transfer.url)
    try:
        os.replace(arrived, transfer.target)
    except OSError as error:
        raise store_error(error, transfer.target) or error from error
    for left in transfer.target.parent.iterdir():
        if left.name.startswith(partial_prefix(transfer.target)):
            shutil.rmtree(left, ignore_errors=True)


def _through_pooch(transfer: Transfer) -> Path:
    """Let pooch bring the file into the transfer's folder; one that arrived there whole before is not asked for."""
    import pooch

    name, whole = transfer.target.name, transfer.folder / "whole"
    make_folder(whole)
    registry = pooch.create(whole, base_url="", registry={name: None}, urls={name: transfer.url})

    def downloader(url: str, output_file: str, _: Any) -> None:
        os.replace(bring(transfer, _RETRIES, _FIRST_DELAY_SECONDS), output_file)

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("WARNING")  # the progress bar says what is downloaded, if one is wanted
    try:
        return Path(registry.fetch(name, downloader=downloader))
    finally:
        logger.setLevel(level)
        if not transfer.arrived and not (whole / name).exists():
            shutil.rmtree(transfer.folder, ignore_errors=True)


def _set_aside(path: Path, target: Path) -> Path:
    """Move wrong bytes to where they are never used but can be looked at."""
    aside = target.with_name(f"{target.name}.wrong-{sha256_file(path)[:8]}")
    try:
        os.replace(path, aside)
    except OSError as error:
        raise store_error(error, aside) or error from error
    return aside


def _records(folder: Path) -> dict[str, dict[str, Any]]:
    """Read what was recorded in a folder of downloads."""
    path = folder / RECORD
    if not path.is_file():
        return {}
    records = read_json(path)
    entries = records.values() if isinstance(records, dict) else [None]
    for entry in entries:
        if not isinstance(entry, dict) or re.fullmatch(r"[0-9a-f]{64}", str(entry.get("sha256"))) is None:
            raise BadFileError(
                f"Got {entry!r} in {path}: expected for each file name an object with its sha256 (64 hexadecimal "
                "digits). Restore the file, or delete it and the downloads beside it."
            )
    return records


def _record(path: Path, target: Path, url: str, by_hand: bool = False) -> None:
    """Record a file's bytes under its target's name."""
    entry = {
        "sha256": sha256_file(path),
        "bytes": path.stat().st_size,
        "url": None if by_hand else url,
        "downloaded": None if by_hand else datetime.now(UTC).isoformat(timespec="seconds"),
    }
    folder = target.parent
    with lock(f"records-{folder.absolute()}"):
        write_json(folder / RECORD, _records(folder) | {target.name: entry})
