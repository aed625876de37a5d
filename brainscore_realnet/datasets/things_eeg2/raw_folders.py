"""Where a user keeps the raw EEG of THINGS-EEG2: it stays there, and its hashes are kept once they were computed.

``data/<name>/raw.json`` records the subjects' folders.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from brainscore_realnet.datasets._registered import read_record, set_folder, stamp
from brainscore_realnet.datasets.things_eeg2.raw import raw_file, raw_paths
from brainscore_realnet.datasets.things_eeg2.recordings import FORMAT_VERSION, again
from brainscore_realnet.errors import BadFileError, MissingDataError
from brainscore_realnet.store import lock, sha256_file, write_json


def register_raw(folders: Mapping[str, Path], name: str) -> None:
    """Record the folders of subjects (``sub-01`` …) that hold ``ses-01`` …; hashes of unchanged files are kept."""
    if not folders:
        return
    with lock(f"{name}-raw"):
        record = _read_record(name)
        for subject, folder in folders.items():
            kept = record["subjects"].get(subject, {}).get("files", {})
            record["subjects"][subject] = {"folder": str(folder.absolute()), "files": kept}
        write_json(_record_path(name), record)


def raw_folders(name: str) -> dict[str, Path]:
    """Give the registered folders by subject, sorted.

    Raises
    ------
    BadFileError
        The record is broken.
    """
    subjects = _read_record(name)["subjects"]
    return {subject: Path(subjects[subject]["folder"]) for subject in sorted(subjects)}


def raw_sources(subject: str, name: str, thorough: bool = False) -> list[dict[str, Any]]:
    """Give path, size, time and hash of each of a subject's raw files; what has not changed is not hashed again.

    Parameters
    ----------
    subject : str
    name : str
    thorough : bool
        Hash everything, and refuse a file whose content is not what was hashed before.

    Returns
    -------
    list of dict
        ``path``, ``bytes``, ``mtime_ns``, ``sha256``.

    Raises
    ------
    MissingDataError
        The subject is not registered, or files are missing.
    BadFileError
        The record is broken, or (thorough) a file was changed.
    """
    record = _require_subject(subject, name)
    known = record["files"]
    sources = []
    for (session, split), path in raw_paths(record["folder"]).items():
        current = stamp(path)
        before = known.get(raw_file(session, split))
        same = before is not None and all(before[key] == current[key] for key in current)
        sha256 = before["sha256"] if before and same and not thorough else sha256_file(path)
        if thorough and before and sha256 != before["sha256"]:
            raise BadFileError(
                f"Got {path} with sha256 {sha256}: expected {before['sha256']}, as when it was prepared. Restore the "
                "published file, or prepare the data set again."
            )
        sources.append({"path": str(path), **current, "sha256": sha256})
    return sources


def remember_hashes(subject: str, sources: list[dict[str, Any]], name: str) -> None:
    """Record what `raw_sources` gave, so that it need not be hashed again."""
    with lock(f"{name}-raw"):
        record = _read_record(name)
        known = record["subjects"][subject]
        files = {
            str(Path(source["path"]).relative_to(known["folder"]).as_posix()): {
                key: source[key] for key in ("bytes", "mtime_ns", "sha256")
            }
            for source in sources
        }
        if files != known["files"]:
            known["files"] = files
            write_json(_record_path(name), record)


def _require_subject(subject: str, name: str) -> dict[str, Any]:
    subjects = _read_record(name)["subjects"]
    if subject not in subjects:
        raise MissingDataError(
            f"Got no raw EEG of {subject} in {set_folder(name)} (registered: {', '.join(subjects) or 'none'}): "
            f"expected a folder {subject} with {raw_file('ses-01', 'training')} … that was registered. {again(name)}"
        )
    return subjects[subject]


def _record_path(name: str) -> Path:
    return set_folder(name) / "raw.json"


def _read_record(name: str) -> dict[str, Any]:
    path = _record_path(name)
    record = read_record(path, {"subjects"}, FORMAT_VERSION, f"Delete it. {again(name)}")
    if record is None:
        return {"format_version": FORMAT_VERSION, "subjects": {}}
    subjects = record["subjects"]
    complete = isinstance(subjects, dict) and all(
        isinstance(one, dict) and {"folder", "files"} <= one.keys() for one in subjects.values()
    )
    if not complete:
        raise BadFileError(
            f"Got a broken record {path}: expected subjects with their folders. Delete it. {again(name)}"
        )
    return record
