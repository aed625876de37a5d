"""Files that are too large for a plugin and lie in Brain-Score's storage: weights and packaged data.

An export leaves them where Brain-Score finds them without a network, ``weights/`` being laid out as
``$BRAINSCORE_HOME`` and ``data/`` as ``$BRAINIO_HOME``, and names them in ``uploads.json``:

    {"realnet-eeg-sub01-1a2b3c4d.safetensors": {
        "kind": "weights", "bucket": "brainscore-storage", "folder": "brainscore-vision/models/realnet_eeg_sub01",
        "version_id": null, "sha1": "…", "sha256": "…", "bytes": 213800000}}

After uploading, `bucket`, `folder` and `version_id` become those that Brain-Score tells, and the export is run again
with the edited file.
"""

import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal

from brainscore_realnet.errors import BadFileError, BadInputError
from brainscore_realnet.store.atomic import atomic_file, read_json, write_json
from brainscore_realnet.store.hashing import file_hash, sha256_file

UPLOADS = "uploads.json"
BUCKET = "brainscore-storage"
"""Brain-Score's own."""

FOLDERS = {"weights": "brainscore-vision/models", "data": "brainio-brainscore"}
"""Kind of file to the folder of the bucket in which Brain-Score keeps such files."""

_PLACE: dict[str, Any] = {"bucket": str, "folder": str, "version_id": (str, type(None))}
# No part begins with a dot or is empty: a folder is also a path below the export's.
_PLACE_TEXT = re.compile(r"[\w-][\w.-]*(/[\w-][\w.-]*)*", re.ASCII)


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
        It is not there; it is not such a file, or an entry lacks something; the entry is named.
    """
    entries = read_json(Path(path))
    if not isinstance(entries, dict):
        raise BadFileError(f"Got a {type(entries).__name__} in {path}, expected what an export wrote as {UPLOADS}.")
    return {name: _upload(name, entry, path) for name, entry in entries.items()}


def _upload(name: str, entry: Any, path: str | Path) -> Upload:
    expected = {field.name for field in fields(Upload)} - {"name"}
    if not isinstance(entry, dict) or set(entry) != expected:
        got = sorted(entry) if isinstance(entry, dict) else type(entry).__name__
        raise BadFileError(f"Got {got} for {name} in {path}, expected the keys {', '.join(sorted(expected))}.")
    for key, kind in _PLACE.items():
        value = entry[key]
        if not isinstance(value, kind) or (value is not None and not _PLACE_TEXT.fullmatch(value)):
            raise BadFileError(
                f"Got {value!r} for {key} of {name} in {path}, expected the text that Brain-Score showed after the "
                "upload, folders as in brainscore-vision/models/name (version_id may be null). Correct it."
            )
    return Upload(name, **entry)
