"""What the public repositories OSF and figshare list: names, sizes, hashes and addresses of files.

A listing that was read once is kept beside the downloads and serves when the network is gone.
"""

import http.client
import json
import logging
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, StoreError
from brainscore_realnet.store import DownloadError, read_json, write_json

OSF_API = "https://api.osf.io/v2"
FIGSHARE_API = "https://api.figshare.com/v2"
ATTEMPTS = 4
FIRST_DELAY_SECONDS = 0.5
LISTING_FILE = "listing.json"

_PAGE_SIZE = {"osf": 100, "figshare": 1000}
_MOST_PAGES = 1000
_TIMEOUT_SECONDS = 30
_WORTH_A_RETRY = {408, 429, 500, 502, 503, 504}
_HASH_DIGITS = {"sha256": 64, "sha1": 40, "md5": 32}
_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class RemoteFile:
    """A file of a public repository."""

    path: str
    """Relative path with ``/``: ``sub-01.zip``, ``data/spose_embedding_49d_sorted.txt``"""
    url: str
    """Where it can be downloaded"""
    size: int | None = None
    """Bytes, when the repository tells"""
    known_hash: str | None = None
    """``sha256:…``, ``sha1:…`` or ``md5:…``, when one is published"""

    def __post_init__(self) -> None:
        parts = self.path.split("/")
        if "\\" in self.path or {"", ".", ".."} & set(parts) or ":" in parts[0]:
            raise BadInputError(f"Got the path {self.path!r} in a listing: expected a relative one. Do not use it.")
        if re.fullmatch(r"https?://\S+", self.url) is None:
            raise BadInputError(f"Got the address {self.url!r} for {self.path}: expected http:// or https://.")


def osf_files(node: str) -> list[RemoteFile]:
    """List the files of an OSF project, folders included.

    Parameters
    ----------
    node : str
        The project's five letters: ``"anp5v"``.

    Raises
    ------
    DownloadError
        The listing cannot be had, or is not what OSF's API version 2 gives.
    """
    files, folders = [], [f"{OSF_API}/nodes/{node}/files/osfstorage/?page[size]={_PAGE_SIZE['osf']}"]
    seen: set[str] = set()
    while folders:
        for entry in _osf_entries(folders.pop(0), seen):
            if _field(entry, "attributes", "kind") == "folder":
                folders.append(_field(entry, "relationships", "files", "links", "related", "href"))
            else:
                files.append(_osf_file(entry))
    return files


def figshare_files(article: int | str) -> list[RemoteFile]:
    """List the files of a figshare article; those that figshare only links to are left out.

    Parameters
    ----------
    article : int or str
        The article's number: 7033577.

    Raises
    ------
    DownloadError
        The listing cannot be had, or is not what figshare's API version 2 gives.
    """
    size = _PAGE_SIZE["figshare"]
    files = []
    for page in range(1, _MOST_PAGES):
        url = f"{FIGSHARE_API}/articles/{article}/files?page_size={size}&page={page}"
        entries = _get_json(url)
        if not isinstance(entries, list):
            raise _malformed(url, f"{type(entries).__name__} instead of a list")
        files += [_figshare_file(entry) for entry in entries if not _field(entry, "is_link_only", default=False)]
        if len(entries) < size:
            break
    return files


_LISTERS: dict[str, Callable[[str], list[RemoteFile]]] = {
    "osf": osf_files,
    "figshare": figshare_files,
}


def listed_files(source: str, folder: Path) -> list[RemoteFile]:
    """List a source and remember the listing; without the network, give the remembered one.

    Parameters
    ----------
    source : str
        ``"osf:anp5v"`` or ``"figshare:7033577"``.
    folder : Path
        Where ``listing.json`` is kept.

    Raises
    ------
    DownloadError
        It cannot be listed and was never listed before.
    """
    repository, _, identifier = source.partition(":")
    if repository not in _LISTERS or not identifier:
        raise BadInputError(f"Got source {source!r}: expected 'osf:…' or 'figshare:…'.")
    remembered = _remembered(folder)
    try:
        files = _LISTERS[repository](identifier)
    except DownloadError as error:
        if source not in remembered:
            raise
        _logger.warning("%s Using the listing of %s.", error, remembered[source]["retrieved"])
        return [RemoteFile(**file) for file in remembered[source]["files"]]
    remembered[source] = {
        "retrieved": time.strftime("%Y-%m-%d", time.gmtime()),
        "files": [asdict(file) for file in files],
    }
    try:
        write_json(folder / LISTING_FILE, remembered)
    except StoreError as error:  # what is listed can be used all the same
        _logger.warning("the listing is not remembered: %s", error)
    return files


def _remembered(folder: Path) -> dict[str, Any]:
    """Give the remembered listings that can be used."""
    try:
        content = read_json(folder / LISTING_FILE)
        for listing in content.values():
            _ = listing["retrieved"], [RemoteFile(**file) for file in listing["files"]]
    except MissingDataError:
        return {}
    except (BadFileError, BadInputError, AttributeError, KeyError, TypeError):
        _logger.warning("%s is broken and is not used", folder / LISTING_FILE)
        return {}
    return content


def _osf_entries(url: str, seen: set[str]) -> Iterator[Any]:
    """Give the entries of a folder, page after page."""
    following: Any = url
    while following:
        if not isinstance(following, str) or following in seen or len(seen) >= _MOST_PAGES:
            raise _malformed(url, f"the next page {following!r}")
        seen.add(following)
        page = _get_json(following)
        entries = _field(page, "data")
        if not isinstance(entries, list):
            raise _malformed(following, "no list under 'data'")
        yield from entries
        following = _field(page, "links", "next", default=None)


def _osf_file(entry: Any) -> RemoteFile:
    hashes = _field(entry, "attributes", "extra", "hashes", default={}) or {}
    path = _field(entry, "attributes", "materialized_path", default=None) or _field(entry, "attributes", "name")
    return _remote_file(
        str(path).lstrip("/"),
        _field(entry, "links", "download"),
        _field(entry, "attributes", "size", default=None),
        [("sha256", hashes.get("sha256")), ("md5", hashes.get("md5"))],
    )


def _figshare_file(entry: Any) -> RemoteFile:
    return _remote_file(
        _field(entry, "name"),
        _field(entry, "download_url"),
        _field(entry, "size", default=None),
        [("md5", _field(entry, key, default=None)) for key in ("computed_md5", "supplied_md5")],
    )


def _remote_file(path: Any, url: Any, size: Any, hashes: list[tuple[str, Any]]) -> RemoteFile:
    usable = [f"{kind}:{value.lower()}" for kind, value in hashes if _is_hash(kind, value)]
    try:
        if isinstance(size, bool) or not isinstance(size, int | None):
            raise BadInputError(f"Got the size {size!r} for {path}: expected a number of bytes.")
        return RemoteFile(str(path), str(url), size, usable[0] if usable else None)
    except BadInputError as error:
        raise DownloadError(f"{error} The listing cannot be used; try again later.") from error


def _is_hash(kind: str, value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(rf"[0-9a-fA-F]{{{_HASH_DIGITS[kind]}}}", value) is not None


_REQUIRED = object()


def _field(entry: Any, *keys: str, default: Any = _REQUIRED) -> Any:
    """Give a nested field, or raise DownloadError when it is not there and has no default."""
    value = entry
    for key in keys:
        if not isinstance(value, dict) or key not in value:
            if default is _REQUIRED:
                raise _malformed("the repository", f"an entry without {'.'.join(keys)}")
            return default
        value = value[key]
    return value


def _malformed(url: str, found: str) -> DownloadError:
    return DownloadError(
        f"Got a listing from {url} with {found}: expected a list of files. The repository may have changed its form or "
        "be out of order: try again later, or download by hand and run `brainscore data add`."
    )


def _get_json(url: str) -> Any:
    """Read JSON from an address; what may pass (no connection, overload) is tried again after growing pauses."""
    request = urllib.request.Request(url, headers={"Accept": "application/json", "User-Agent": "brainscore_realnet"})
    for attempt in range(ATTEMPTS):
        try:
            with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as response:
                return json.loads(response.read())
        except urllib.error.HTTPError as error:
            problem: Exception = error
            if error.code not in _WORTH_A_RETRY:
                break
        except ValueError as error:  # half a body, or an HTML page in its place
            problem = error
        except (OSError, http.client.HTTPException) as error:
            problem = error
        if attempt + 1 < ATTEMPTS:
            time.sleep(FIRST_DELAY_SECONDS * 2**attempt)
    raise DownloadError(
        f"Got no listing from {url}: {problem}. Expected a list of files as JSON. Check the network and try again, or "
        "download by hand and run `brainscore data add`."
    ) from problem
