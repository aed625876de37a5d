"""Bringing a file over HTTP through drops, restarts and servers that lie; what has arrived is kept and continued.

A transfer has a hidden folder of its own: ``bytes`` (what has arrived) and ``origin.json`` (of which version of the
file). Each try asks for the rest of that version; a server that has another one, or cannot give a part, starts it anew.
"""

import contextlib
import logging
import os
import re
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from http import HTTPStatus
from pathlib import Path
from typing import Any

from brainscore_realnet.errors import RealnetError, StoreError
from brainscore_realnet.store.atomic import read_json, write_json
from brainscore_realnet.store.folders import make_folder, require_space, store_error
from brainscore_realnet.store.hashing import sha256_bytes

_CONNECTION_SECONDS = 10.0
_TIMEOUT_SECONDS = 60.0
_LONGEST_DELAY_SECONDS = 60.0
# A drop loses what is left of a chunk.
_CHUNK_BYTES = 2**14
# So many more bytes than ever before and the tries are counted anew: long files outlive any number of drops.
_PROGRESS_BYTES = 2**20
_PASSING = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}

_CONTINUES = "Check the network and try again (what has arrived is kept)"

_logger = logging.getLogger(__name__)


class DownloadError(RealnetError):
    """A file could not be downloaded, or came with other bytes than expected."""


class UnreachableError(DownloadError):
    """No connection to the server could be made."""


@dataclass(frozen=True)
class Transfer:
    """What is to be brought, and where it arrives."""

    url: str
    target: Path
    """Where it goes when it is verified."""
    size: int | None
    """Bytes of the whole file, where known."""
    known_hash: str | None
    """``<algorithm>:<digest>`` where known: it will tell if parts of two versions were joined."""
    progress: bool

    @property
    def folder(self) -> Path:
        """The hidden folder beside the target in which it arrives."""
        return self.target.with_name(f"{partial_prefix(self.target)}{sha256_bytes(self.url.encode())[:8]}.partial")

    @property
    def partial(self) -> Path:
        """What has arrived."""
        return self.folder / "bytes"

    @property
    def arrived(self) -> int:
        """Bytes that have arrived."""
        return self.partial.stat().st_size if self.partial.is_file() else 0


@dataclass(frozen=True)
class Origin:
    """The version of the file that the arrived bytes are of."""

    etag: str | None = None
    last_modified: str | None = None
    total: int | None = None
    """Bytes of the whole file."""
    joined: bool = False
    """Whether the bytes came in several answers."""


_ORIGIN_TYPES = {"etag": str | None, "last_modified": str | None, "total": int | None, "joined": bool}


class _PassingError(Exception):
    """Something that another try may mend."""

    def __init__(self, what: str, delay_seconds: float = 0.0, final: type[DownloadError] = DownloadError):
        super().__init__(what)
        self.delay_seconds = delay_seconds
        self.final = final


class _StartAnewError(Exception):
    """The arrived bytes are of no use with this server."""


def partial_prefix(target: Path) -> str:
    """Give the start of the name of every folder in which this target may be arriving."""
    return f".{target.name[:50]}.{sha256_bytes(target.name.encode())[:8]}."


def bring(transfer: Transfer, retries: int, first_delay_seconds: float) -> Path:
    """Bring a file, continuing what an earlier call left, and give the path of its bytes, which are not verified yet.

    Parameters
    ----------
    transfer : Transfer
        What and where.
    retries : int
        Further tries after a failure that may pass (dropped connection, timeout, short body, status 408, 429, 5xx).
    first_delay_seconds : float
        Wait before the first of them; it doubles with each.

    Raises
    ------
    DownloadError
        The file cannot be had: the tries are used up, the server refuses, or it sends a web page; `UnreachableError`
        when no connection could be made at the last try.
    StoreError
        There is no space, or the folder cannot be written. What has arrived is kept.
    """
    make_folder(transfer.folder)
    failures, most = 0, transfer.arrived
    while True:
        try:
            with _failures_told(transfer):
                _continue(transfer)
            return transfer.partial
        except _StartAnewError:
            discard(transfer)
        except _PassingError as failure:
            failures = 1 if transfer.arrived >= most + _PROGRESS_BYTES else failures + 1
            most = max(most, transfer.arrived)
            if failures > retries:
                raise refusal(transfer, f"{failure} at try {failures}", _CONTINUES, failure.final) from failure
            delay = min(first_delay_seconds * 2 ** (failures - 1), _LONGEST_DELAY_SECONDS)
            delay = max(delay, min(failure.delay_seconds, _LONGEST_DELAY_SECONDS))
            _logger.warning("%s from %s: trying again in %.3g s", failure, transfer.url, delay)
            time.sleep(delay)


def refusal(transfer: Transfer, what: str, advice: str, kind: type[DownloadError] = DownloadError) -> DownloadError:
    """Say what was got and what to do."""
    expected = (
        transfer.target.name if transfer.known_hash is None else f"{transfer.target.name} ({transfer.known_hash})"
    )
    return kind(
        f"Got {what} from {transfer.url}: expected {expected}. {advice}, or download it by hand and put it at "
        f"{transfer.target}."
    )


def discard(transfer: Transfer) -> None:
    """Forget the bytes that have arrived."""
    transfer.partial.unlink(missing_ok=True)
    _origin_path(transfer).unlink(missing_ok=True)


def origin(transfer: Transfer) -> Origin:
    """Give the version that the arrived bytes are of; an unreadable record says nothing about it."""
    with contextlib.suppress(RealnetError):
        content = read_json(_origin_path(transfer))
        known = isinstance(content, dict) and content.keys() == _ORIGIN_TYPES.keys()
        if known and all(isinstance(content[key], kinds) for key, kinds in _ORIGIN_TYPES.items()):
            return Origin(**content)
    return Origin()


def is_data(path: Path) -> bool:
    """Tell whether a file of this name is to hold something else than a page of HTML."""
    return path.suffix.lower() not in (".html", ".htm")


def is_web_page(start: bytes) -> bool:
    """Tell whether a file that starts with these bytes is a page of HTML; the first 1000 bytes suffice."""
    return start.removeprefix(b"\xef\xbb\xbf").lstrip()[:20].lower().startswith((b"<!doctype html", b"<html"))


@contextlib.contextmanager
def _failures_told(transfer: Transfer) -> Iterator[None]:
    """Sort what the network and the disk raise into what may pass, what is the store's, and what is final."""
    import requests

    passing = (requests.ConnectionError, requests.Timeout, requests.exceptions.ChunkedEncodingError)
    try:
        yield
    except (*passing, requests.exceptions.ContentDecodingError) as error:
        if (reason := getattr(error.args[0] if error.args else None, "reason", None)) is not None:
            why = str(reason).partition("): ")[2] or str(reason)  # without the pool of connections that it begins with
            raise _PassingError(f"no connection ({why})", final=UnreachableError) from error
        raise _PassingError(f"a connection that broke with {transfer.arrived} bytes here ({error})") from error
    except (requests.RequestException, ValueError) as error:  # a redirect to a malformed address is a ValueError
        raise refusal(transfer, f"no answer ({error})", "Check the address") from error
    except OSError as error:
        told = StoreError(f"Cannot write {transfer.partial}: {error}. Expected a healthy disk; check it.")
        raise store_error(error, transfer.partial) or told from error


def _continue(transfer: Transfer) -> None:
    """Ask once for what is missing and keep what comes."""
    import requests

    known, start = origin(transfer), transfer.arrived
    if start and start == known.total:
        return
    if start and not _can_continue(transfer, known):
        raise _StartAnewError
    headers = {"Accept-Encoding": "identity"} | (_range(known, start) if start else {})
    limits = (_CONNECTION_SECONDS, _TIMEOUT_SECONDS)
    with requests.get(transfer.url, headers=headers, stream=True, timeout=limits) as response:
        start = _accepted_start(transfer, response, known, start)
        version = _version(response, start)
        if version.total is not None and transfer.size not in (None, version.total):
            raise _PassingError(f"a file of {version.total} bytes instead of {transfer.size}")
        total = transfer.size if version.total is None else version.total
        chunks = response.iter_content(_CHUNK_BYTES)
        first = next(chunks, b"")
        if not start and is_data(transfer.target) and is_web_page(first):
            raise _web_page(transfer)
        if start:
            version = replace(known, joined=True)
        else:
            discard(transfer)
        require_space(transfer.folder, (total or 0) - start)
        write_json(_origin_path(transfer), asdict(replace(version, total=total)))
        _append(transfer, first, chunks, start, total)
    if total is not None and transfer.arrived != total:
        raise _PassingError(f"an end after {transfer.arrived} of {total} bytes")
    if not transfer.arrived and transfer.size is None and transfer.known_hash is None:
        raise _PassingError("an empty file")


def _can_continue(transfer: Transfer, known: Origin) -> bool:
    """Tell whether parts can be joined: something must show whether they are of one version."""
    return (transfer.known_hash, known.etag, known.last_modified) != (None, None, None)


def _range(known: Origin, start: int) -> dict[str, str]:
    strong = known.etag is not None and not known.etag.startswith("W/")
    condition = known.etag if strong else known.last_modified
    return {"Range": f"bytes={start}-"} | ({} if condition is None else {"If-Range": condition})


def _accepted_start(transfer: Transfer, response: Any, known: Origin, start: int) -> int:
    """Judge status and headers of an answer; give the position that its first byte belongs to."""
    status = response.status_code
    if status == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE and start:
        raise _StartAnewError
    if status in _PASSING or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        after = response.headers.get("Retry-After", "")
        raise _PassingError(f"HTTP status {status}", float(after) if re.fullmatch(r"\d{1,9}", after) else 0.0)
    if status >= HTTPStatus.BAD_REQUEST:
        raise refusal(transfer, f"HTTP status {status} ({response.reason})", "Check the address")
    if status != HTTPStatus.OK and (status != HTTPStatus.PARTIAL_CONTENT or not start):
        raise _PassingError(f"HTTP status {status}")
    if is_data(transfer.target) and response.headers.get("Content-Type", "").lower().startswith("text/html"):
        raise _web_page(transfer)
    if status == HTTPStatus.OK:
        return 0
    if not _is_continuation(response, known, start):
        raise _StartAnewError
    return start


def _is_continuation(response: Any, known: Origin, start: int) -> bool:
    """Tell whether an answer continues the known version at a position."""
    given = _version(response, start)
    pairs = [(known.etag, given.etag), (known.last_modified, given.last_modified), (known.total, given.total)]
    same = all(before == now for before, now in pairs if None not in (before, now))
    return same and response.headers.get("Content-Range", "").startswith(f"bytes {start}-")


def _version(response: Any, start: int) -> Origin:
    """Read from an answer's headers which version of the file it is of."""
    if response.headers.get("Content-Encoding", "identity") != "identity":
        return Origin()  # its length and tag are of the encoded bytes
    total = None
    if start:
        span = re.fullmatch(r"bytes \d+-\d+/(\d+)", response.headers.get("Content-Range", ""))
        total = int(span[1]) if span else None
    elif re.fullmatch(r"\d+", response.headers.get("Content-Length", "")):
        total = int(response.headers["Content-Length"])
    return Origin(response.headers.get("ETag"), response.headers.get("Last-Modified"), total)


def _append(transfer: Transfer, first: bytes, rest: Iterator[bytes], start: int, total: int | None) -> None:
    """Write an answer's body after what is there, with a progress bar that starts where the file does."""
    from tqdm import tqdm

    bar = tqdm(
        desc=transfer.target.name,
        total=total,
        initial=start,
        unit="B",
        unit_scale=True,
        unit_divisor=1000,
        disable=not transfer.progress,
    )
    chunk: bytes = first
    with bar, open(transfer.partial, "ab") as file:
        while chunk:
            if total is not None and file.tell() + len(chunk) > total:
                file.truncate(0)
                raise _PassingError(f"more than the expected {total} bytes")
            file.write(chunk)
            bar.update(len(chunk))
            chunk = next(rest, b"")
        file.flush()
        os.fsync(file.fileno())


def _web_page(transfer: Transfer) -> DownloadError:
    return refusal(transfer, "a web page instead of data", "Open the address in a browser to read what it says")


def _origin_path(transfer: Transfer) -> Path:
    return transfer.folder / "origin.json"
