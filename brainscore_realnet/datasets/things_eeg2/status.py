"""What of THINGS-EEG2 is in the store, and asking for all that is needed at once."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from brainscore_realnet.datasets._registered import set_folder, state_row
from brainscore_realnet.datasets.things_eeg2 import images
from brainscore_realnet.datasets.things_eeg2.files import METADATA_FILE, NAME, SPLITS, SUBJECTS, check_split
from brainscore_realnet.datasets.things_eeg2.raw import raw_paths
from brainscore_realnet.datasets.things_eeg2.raw_folders import raw_folders, raw_sources
from brainscore_realnet.datasets.things_eeg2.recordings import how_to_get, open_subject, subjects
from brainscore_realnet.errors import MissingDataError, RealnetError


def status(name: str = NAME, thorough: bool = False) -> list[dict[str, str]]:
    """Tell the state of every part of a data set.

    Parameters
    ----------
    name : str
        The data set's name in the store.
    thorough : bool
        Hash every content again: recordings, images, and raw EEG that was hashed when it was prepared.

    Returns
    -------
    list of dict
        ``what`` (``"sub-01 test"``, ``"sub-01 raw"``, ``"test images"``, ``"image_metadata.npy"``), ``state``
        (``"ready"``, ``"missing"``, ``"broken"``), ``detail``, ``how`` (how to get it; empty when ready).
    """
    how = how_to_get(name)
    known = set(SUBJECTS) if name == NAME else set()
    rows = [state_row(METADATA_FILE, partial(_metadata_detail, name), how)]
    for split in reversed(SPLITS):
        rows.append(state_row(f"{split} images", partial(_images_detail, split, name, thorough), how))
        for subject in sorted(known | set(subjects(split, name))):
            rows.append(state_row(f"{subject} {split}", partial(_subject_detail, subject, split, name, thorough), how))
    return rows + _raw_rows(name, thorough)


def require(subjects: Sequence[str], split: str, name: str = NAME) -> None:
    """Check that the images of a split and these subjects' recordings are ready.

    Raises
    ------
    MissingDataError
        Something is missing or broken; everything that is, is listed at once.
    """
    check_split(split)
    how = how_to_get(name)
    rows = [state_row(f"{split} images", partial(_images_detail, split, name), how)]
    rows += [
        state_row(f"{subject} {split}", partial(_subject_detail, subject, split, name), how) for subject in subjects
    ]
    lacking = [f"{row['what']} ({row['state']})" for row in rows if row["state"] != "ready"]
    if lacking:
        raise MissingDataError(
            f"Got no {', '.join(lacking)} in {set_folder(name)}: expected all of them. To get them, {how}"
        )


def _metadata_detail(name: str) -> str:
    lists: Any = images.metadata(name)
    if lists is None:
        raise MissingDataError(f"no image metadata are registered in {set_folder(name)}")
    return ", ".join(f"{len(lists[split].files)} {split} images" for split in SPLITS)


def _raw_rows(name: str, thorough: bool) -> list[dict[str, str]]:
    """Raw EEG is optional: only what was registered has a row."""
    how = how_to_get(name)
    try:
        folders = raw_folders(name)
    except RealnetError:
        return [state_row("raw EEG", partial(_raw_detail, "sub-01", name, False), how)]
    return [state_row(f"{subject} raw", partial(_raw_detail, subject, name, thorough), how) for subject in folders]


def _raw_detail(subject: str, name: str, thorough: bool) -> str:
    paths = raw_paths(raw_folders(name)[subject])
    if thorough:
        raw_sources(subject, name, thorough)
    return f"{len(paths)} files in {raw_folders(name)[subject]}"


def _images_detail(split: str, name: str, thorough: bool = False) -> str:
    table = images.open_images(split, name, thorough)
    return f"{len(table.rows)} images, sha256 {table.sha256[:16]}"


def _subject_detail(subject: str, split: str, name: str, thorough: bool = False) -> str:
    recording = open_subject(subject, split, name, thorough)
    return f"{' × '.join(map(str, recording.data.shape))} {recording.data.dtype}, sha256 {recording.sha256[:16]}"
