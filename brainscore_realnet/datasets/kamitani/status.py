"""What of a Kamitani set is in the store, and asking for all that is needed at once."""

from collections.abc import Sequence
from functools import partial

from brainscore_realnet.datasets import _registered
from brainscore_realnet.datasets.kamitani import images
from brainscore_realnet.datasets.kamitani.recordings import open_subject, same_stimuli, subjects
from brainscore_realnet.datasets.kamitani.sets import check_split, data_set, how_to_get, is_published
from brainscore_realnet.errors import MissingDataError


def status(name: str, thorough: bool = False) -> list[dict[str, str]]:
    """Tell the state of every part of a data set.

    Parameters
    ----------
    name : str
        The data set's name in the store.
    thorough : bool
        Hash every file again instead of looking at sizes and times.

    Returns
    -------
    list of dict
        ``what`` (``"sub-01 test"``, ``"test images"``), ``state`` (``"ready"``, ``"missing"``, ``"broken"``),
        ``detail``, ``how`` (how to get it; empty when ready).
    """
    what = data_set(name)
    known = set(what.subjects) if is_published(name) else set()
    rows = []
    for split in what.splits:
        if split in what.image_splits:
            rows.append(_images_row(split, name, thorough))
        for subject in sorted(known | set(subjects(split, name))):
            rows.append(_subject_row(subject, split, name, thorough))
    return rows


def require(subjects: Sequence[str], split: str, name: str) -> None:
    """Check that the images of a split and these subjects' recordings are ready.

    Parameters
    ----------
    subjects : sequence of str
        ``"sub-01"`` …
    split : str
    name : str
        The data set's name in the store.

    Raises
    ------
    MissingDataError
        Something is missing or broken; everything that is, is listed at once.
    BadFileError
        The subjects have different stimuli.
    """
    check_split(split, name)
    rows = [_subject_row(subject, split, name, False) for subject in subjects]
    if split in data_set(name).image_splits:
        rows.insert(0, _images_row(split, name, False))
    lacking = [row for row in rows if row["state"] != "ready"]
    if lacking:
        # how to get them is said once, at the end
        told = "".join(f"\n- {row['what']} ({row['state']}): {row['detail'].split(' To get ')[0]}" for row in lacking)
        raise MissingDataError(f"Got not all of {name}; lacking:{told}\nTo get them, {how_to_get(name)}")
    same_stimuli(split, name)


def _images_row(split: str, name: str, thorough: bool) -> dict[str, str]:
    return _registered.state_row(f"{split} images", partial(_images_detail, split, name, thorough), how_to_get(name))


def _subject_row(subject: str, split: str, name: str, thorough: bool) -> dict[str, str]:
    detail = partial(_subject_detail, subject, split, name, thorough)
    return _registered.state_row(f"{subject} {split}", detail, how_to_get(name))


def _images_detail(split: str, name: str, thorough: bool) -> str:
    table = images.open_images(split, name, thorough)
    return f"{len(table.rows)} images, sha256 {table.sha256[:16]}"


def _subject_detail(subject: str, split: str, name: str, thorough: bool) -> str:
    recording = open_subject(subject, split, name, thorough)
    voxels = ", ".join(f"{roi} {recording.n_voxels(roi)}" for roi in recording.rois)
    return (
        f"{len(recording.stimuli)} stimuli × {recording.n_repetitions}, voxels: {voxels}; {recording.generation}, "
        f"sha256 {recording.sha256[:16]}"
    )
