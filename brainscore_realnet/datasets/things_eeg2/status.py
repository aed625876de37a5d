"""What of THINGS-EEG2 is in the store, and asking for all that is needed at once."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from brainscore_realnet.datasets.things_eeg2 import images
from brainscore_realnet.datasets.things_eeg2.files import METADATA_FILE, NAME, SPLITS, SUBJECTS, check_split
from brainscore_realnet.datasets.things_eeg2.recordings import how_to_get, open_subject, set_folder, subjects
from brainscore_realnet.errors import MissingDataError, RealnetError


def status(name: str = NAME) -> list[dict[str, str]]:
    """Tell the state of every part of a data set.

    Returns
    -------
    list of dict
        ``what`` (``"sub-01 test"``, ``"test images"``, ``"image_metadata.npy"``), ``state`` (``"ready"``,
        ``"missing"``, ``"broken"``), ``detail``, ``how`` (how to get it; empty when ready).
    """
    known = set(SUBJECTS) if name == NAME else set()
    rows = [_row(METADATA_FILE, partial(_metadata_detail, name), name)]
    for split in reversed(SPLITS):
        rows.append(_row(f"{split} images", partial(_images_detail, split, name), name))
        for subject in sorted(known | set(subjects(split, name))):
            rows.append(_row(f"{subject} {split}", partial(_subject_detail, subject, split, name), name))
    return rows


def require(subjects: Sequence[str], split: str, name: str = NAME) -> None:
    """Check that the images of a split and these subjects' recordings are ready.

    Raises
    ------
    MissingDataError
        Something is missing or broken; everything that is, is listed at once.
    """
    check_split(split)
    rows = [_row(f"{split} images", partial(_images_detail, split, name), name)]
    rows += [_row(f"{subject} {split}", partial(_subject_detail, subject, split, name), name) for subject in subjects]
    lacking = [f"{row['what']} ({row['state']})" for row in rows if row["state"] != "ready"]
    if lacking:
        raise MissingDataError(
            f"Got no {', '.join(lacking)} in {set_folder(name)}: expected all of them. To get them, {how_to_get(name)}"
        )


def _row(what: str, detail: Callable[[], str], name: str) -> dict[str, str]:
    try:
        return {"what": what, "state": "ready", "detail": detail(), "how": ""}
    except MissingDataError as error:
        return {"what": what, "state": "missing", "detail": str(error), "how": how_to_get(name)}
    except RealnetError as error:
        return {"what": what, "state": "broken", "detail": str(error), "how": how_to_get(name)}


def _metadata_detail(name: str) -> str:
    lists: Any = images.metadata(name)
    if lists is None:
        raise MissingDataError(f"no image metadata are registered in {set_folder(name)}")
    return ", ".join(f"{len(lists[split].files)} {split} images" for split in SPLITS)


def _images_detail(split: str, name: str) -> str:
    table = images.open_images(split, name)
    return f"{len(table.rows)} images, sha256 {table.sha256[:16]}"


def _subject_detail(subject: str, split: str, name: str) -> str:
    recording = open_subject(subject, split, name)
    return f"{' × '.join(map(str, recording.data.shape))} {recording.data.dtype}, sha256 {recording.sha256[:16]}"
