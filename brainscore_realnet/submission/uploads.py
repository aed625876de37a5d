"""Files that are too large for a plugin and lie in Brain-Score's storage: weights and packaged data.

An export leaves them where Brain-Score finds them without a network, ``weights/`` being laid out as
``$BRAINSCORE_HOME`` and ``data/`` as ``$BRAINIO_HOME``, and names them in ``uploads.json``:

    {"realnet-eeg-sub01-1a2b3c4d.safetensors": {
        "kind": "weights", "bucket": "brainscore-storage", "folder": "brainscore-vision/models/realnet_eeg_sub01",
        "version_id": null, "sha1": "…", "sha256": "…", "bytes": 213800000}}

After uploading, `bucket`, `folder` and `version_id` become those that Brain-Score tells, and the export is run again
with the edited file.
"""

import json
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Literal

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store.atomic import atomic_file, write_json
from brainscore_realnet.store.hashing import file_hash, sha256_file

UPLOADS = "uploads.json"
BUCKET = "brainscore-storage"
"""Brain-Score's own."""

FOLDERS = {"weights": "brainscore-vision/models", "data": "brainio-brainscore"}
"""Kind of file to the folder of the bucket in which Brain-Score keeps such files."""

# No part begins with a dot or is empty: a folder is also a path below the export's.
_PATH = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)
_MEND = "Correct it: what was entered there is nowhere else."
_TOLD = "the text that Brain-Score showed after the upload"


def _matches(pattern: str | re.Pattern[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None


_FIELDS: dict[str, tuple[Callable[[Any], bool], str]] = {
    "kind": (_matches("|".join(FOLDERS)), f"one of {', '.join(FOLDERS)}, as the export wrote it"),
    "bytes": (lambda value: type(value) is int and value >= 0, "the number of bytes, as the export wrote it"),
    "sha1": (_matches("[0-9a-f]{40}"), "40 hexadecimal digits, as the export wrote them"),
    "sha256": (_matches("[0-9a-f]{64}"), "64 hexadecimal digits, as the export wrote them"),
    "bucket": (_matches(_PATH), f"{_TOLD}, such as {BUCKET}"),
    "folder": (_matches(_PATH), f"{_TOLD}, below the bucket and without the file's name, such as {FOLDERS['weights']}"),
    "version_id": (
        lambda value: value is None or _matches("[!-~]+")(value),
        f"{_TOLD}, without spaces, or null for the newest version",
    ),
}
"""Key of an entry to whether a value can be, and what is expected."""


@dataclass(frozen=True)
class Upload:
    """One file and its place in the storage."""

    name: str
    """File name; in the storage it stands in `folder`."""
    kind: Literal["weights", "data"]
    sha1: str
    sha256: str
    bytes: int
    folder: str
    bucket: str = BUCKET
    version_id: str | None = None
    """None: the newest version."""

    @property
    def local(self) -> Path:
        """Path below the export's folder."""
        return Path("weights", self.folder, self.name) if self.kind == "weights" else Path("data", self.sha1, self.name)


def described(path: str | Path, kind: Literal["weights", "data"], folder: str) -> Upload:
    """Describe a file that is to be uploaded under its own name to a folder of the storage."""
    path = Path(path)
    return Upload(path.name, kind, file_hash(path, "sha1"), sha256_file(path), path.stat().st_size, folder)


def placed(upload: Upload, places: Mapping[str, Upload]) -> Upload:
    """Give an upload the place that it was uploaded to.

    Raises
    ------
    BadInputError
        What was uploaded under the name has other bytes.
    """
    known = places.get(upload.name)
    if known is None:
        return upload
    if (known.sha256, known.kind) != (upload.sha256, upload.kind):
        raise BadInputError(
            f"Got {UPLOADS} with sha256 {known.sha256} for {upload.name}, expected {upload.sha256}: other bytes were "
            "uploaded. Upload the new file, and enter its place."
        )
    return replace(upload, bucket=known.bucket, folder=known.folder, version_id=known.version_id)


def copy_beside(upload: Upload, path: str | Path, out: str | Path) -> Path:
    """Copy an upload's file to its place below the export's folder; raises StoreError when that cannot be written."""
    target = Path(out) / upload.local
    with atomic_file(target) as part:
        shutil.copyfile(path, part)
    return target


def write_uploads(out: str | Path, uploads: Sequence[Upload]) -> Path:
    """Write ``uploads.json``."""
    path = Path(out) / UPLOADS
    write_json(path, {one.name: {key: value for key, value in asdict(one).items() if key != "name"} for one in uploads})
    return path


def read_uploads(path: str | Path) -> dict[str, Upload]:
    """Read an edited ``uploads.json``: file name to upload.

    Raises
    ------
    MissingDataError, BadFileError
        It is not there; it is not such a file, or something in it is wrong: the entry and the key are named.
    """
    path = Path(path)
    if path.is_dir():
        raise BadFileError(f"Got the folder {path} for {UPLOADS}: expected the file. Give {path / UPLOADS}.")
    try:
        entries = json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_each_once)
    except FileNotFoundError as error:
        raise MissingDataError(f"Got no file at {path}: expected an edited {UPLOADS}. Check the path.") from error
    except (ValueError, RecursionError) as error:
        raise BadFileError(f"Got {path}, which cannot be read ({error}): expected JSON. {_MEND}") from error
    if not isinstance(entries, dict) or not entries:
        got = "no entry" if entries == {} else f"a {type(entries).__name__}"
        raise BadFileError(f"Got {got} in {path}: expected an entry for each file, as an export wrote them. {_MEND}")
    return {name: _upload(name, entry, path) for name, entry in entries.items()}


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of JSON, of which Python would keep the last of equal keys alone."""
    keys = [key for key, _ in pairs]
    if twice := sorted({key for key in keys if keys.count(key) > 1}):
        raise ValueError(f"{', '.join(twice)} stands in it twice")
    return dict(pairs)


def _upload(name: str, entry: Any, path: Path) -> Upload:
    if not isinstance(entry, dict) or set(entry) != set(_FIELDS):
        got = ", ".join(sorted(entry)) if isinstance(entry, dict) else type(entry).__name__
        raise BadFileError(f"Got {got} for {name} in {path}, expected the keys {', '.join(sorted(_FIELDS))}. {_MEND}")
    if isinstance(entry["folder"], str):  # Brain-Score shows a slash at the end, and drops it itself
        entry["folder"] = entry["folder"].rstrip("/")
    for key, (can_be, expected) in _FIELDS.items():
        if not can_be(entry[key]):
            raise BadFileError(f"Got {entry[key]!r} for {key} of {name} in {path}, expected {expected}. Correct it.")
    return Upload(name, **entry)
