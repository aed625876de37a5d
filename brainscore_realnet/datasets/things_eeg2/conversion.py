"""Registering a user's download of THINGS-EEG2: finding its parts and converting each recording once.

The published files are pickles, which cannot be memory-mapped; plain arrays can.
"""

import os
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from brainscore_realnet.datasets._registered import download_folder, progress_bar, set_folder, stamp
from brainscore_realnet.datasets.things_eeg2 import images
from brainscore_realnet.datasets.things_eeg2.files import (
    DATA_PAGE,
    DIMS,
    IMAGE_FOLDERS,
    IMAGES_PAGE,
    METADATA_FILE,
    NAME,
    SPLITS,
    SUBJECTS,
    data_file,
    read_image_metadata,
    read_preprocessed,
)
from brainscore_realnet.datasets.things_eeg2.raw import RAW_PAGE, SESSIONS, raw_file
from brainscore_realnet.datasets.things_eeg2.raw_folders import register_raw
from brainscore_realnet.datasets.things_eeg2.recordings import (
    FORMAT_VERSION,
    card_path,
    read_card,
    subjects,
    verify,
)
from brainscore_realnet.datasets.things_eeg2.variants import variant_of
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store import folder as store_folder
from brainscore_realnet.store import lock, sha256_array, sha256_file, write_array, write_json

_USUAL_FOLDERS = (
    "Preprocessed_data_250Hz",
    "preprocessed",
    "Preprocessed data",
    "preprocessed_data",
    "images",
    "Image_set",
    "image_set",
)


def add(folder: str | Path, name: str = NAME, progress: bool = True) -> dict[str, Any]:
    """Register a download: convert the recordings that are new and record where the images are.

    Looked for in the folder and in its sub-folders: ``sub-XX/preprocessed_eeg_{training,test}.npy``,
    ``image_metadata.npy``, ``test_images/``, ``training_images/``, and raw EEG (``sub-XX/ses-0Y/raw_eeg_test.npy`` …),
    whose place is recorded for `prepare`. Every part may be absent and be added later. It is safe to interrupt it, to
    run it again and to run it twice at once: finished recordings stay and are not redone.

    Parameters
    ----------
    folder : path
        Where the download was unpacked. Images and raw EEG stay there; the recordings are converted into the store.
    name : str
        What the data set is called in the store.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict
        ``name``, ``folder`` (str), ``converted`` and ``kept`` (lists such as ``"sub-01 test"``), ``images`` (hash by
        split), ``raw`` (subjects whose raw EEG was found), ``absent`` (sentences).

    Raises
    ------
    MissingDataError
        The folder is not there or holds none of the parts, or images are missing from an image folder.
    BadFileError
        A file is not what it should be; what was converted before it stays.
    BadInputError
        The folder says that it was simulated, and the name does not; a name that is kept for prepared sets.
    StoreError
        The store cannot be written.
    """
    root = _checked_root(folder, name)
    places = _places(root)
    found, raw = _find(places), _find_raw(places)
    if not found and not raw:
        raise MissingDataError(
            f"Got {root}, which holds no {data_file('sub-XX', 'test')}, {METADATA_FILE}, test_images or "
            f"training_images and no raw EEG, nor do its sub-folders. {_unpacked(places)}"
            f"Expected a download of {DATA_PAGE} and {IMAGES_PAGE}."
        )
    lists = read_image_metadata(found[METADATA_FILE]) if METADATA_FILE in found else images.metadata(name)
    expected = {split: len(lists[split].files) if lists else None for split in SPLITS}
    _check_counts(expected, found, name)
    if METADATA_FILE in found:
        images.register_metadata(found[METADATA_FILE], name)
    hashes = {
        split: images.register_images(found[image_folder].parent, split, name)
        for split, image_folder in IMAGE_FOLDERS.items()
        if lists and image_folder in found
    }
    register_raw(raw, name)
    summary: dict[str, Any] = {"name": name, "folder": str(root), "converted": [], "kept": [], "images": hashes}
    summary["raw"] = list(raw)
    for subject, split, source in progress_bar(sorted(_recordings(found)), "recordings", progress):
        new = _convert(source, subject, split, expected[split], name)
        summary["converted" if new else "kept"].append(f"{subject} {split}")
    summary["absent"] = _absent(found, lists is not None, places, name) + _absent_raw(raw)
    return summary


def register_raw_folder(folder: str | Path, name: str) -> None:
    """Record where raw EEG lies, in a folder or its sub-folders; raises as `add` does."""
    root = _checked_root(folder, name)
    raw = _find_raw(_places(root))
    if not raw:
        raise MissingDataError(
            f"Got {root}, which holds no sub-XX/{raw_file('ses-01', 'training')} …, nor do its sub-folders: expected "
            f"the unpacked raw EEG of {RAW_PAGE}."
        )
    register_raw(raw, name)


def _checked_root(folder: str | Path, name: str) -> Path:
    """Give a download's folder if it may become a set of that name, whose folder in the store is made."""
    root = download_folder(folder, name, "THINGS-EEG2")
    for place in _places(root):
        download_folder(place, name, "THINGS-EEG2")
    if variant_of(name):
        raise BadInputError(
            f"Got the name {name!r}, which sets prepared from raw EEG have: expected another one. Choose a name "
            "without '-mvnn-…-…hz' at its end."
        )
    store_folder("data", set_folder(name).name)
    return root


def _convert(source: Path, subject: str, split: str, expected: int | None, name: str) -> bool:
    """Convert a recording unless it is there; tell whether it was converted now."""
    with lock(f"{name}-{subject}-{split}"):
        card = usable_card(subject, split, name)
        if card and expected not in (None, card["shape"][0]):
            card = None
        current = stamp(source)
        if card and current == {key: card["source"].get(key) for key in current}:
            return False
        with ThreadPoolExecutor(1) as beside:  # hashing leaves the interpreter free to read meanwhile
            hashing = beside.submit(sha256_file, source)
            if card and card["source"]["sha256"] == hashing.result():
                origin = {"path": str(source), **current, "sha256": hashing.result()}
                write_json(card_path(subject, split, name), {**card, "source": origin})
                return False
            content = read_preprocessed(source, split, expected)
            origin = {"path": str(source), **current, "sha256": hashing.result()}
        write_recording(content, origin, subject, split, name)
        return True


def usable_card(subject: str, split: str, name: str) -> dict[str, Any] | None:
    """Give the card of a recording that need not be converted again."""
    try:
        card = read_card(subject, split, name)
        if card:
            verify(card, subject, split, name)
            card = read_card(subject, split, name)  # verifying may have refreshed it
    except (BadFileError, MissingDataError):
        return None
    return card


def write_recording(content: dict[str, Any], origin: dict[str, Any], subject: str, split: str, name: str) -> None:
    """Write a recording (``data``, ``ch_names``, ``times``) and then its card; ``origin`` tells what it was made of."""
    data = content["data"]
    # its name is known when it is hashed, which takes as long as writing it
    unnamed = set_folder(name) / f"{subject}_{split}-unnamed.npy"
    with ThreadPoolExecutor(1) as beside:
        hashing = beside.submit(sha256_array, data)
        write_array(unnamed, data)
        sha256 = hashing.result()
    path = unnamed.with_name(f"{subject}_{split}-{sha256[:16]}.npy")
    os.replace(unnamed, path)
    card = {
        "file": path.name,
        "sha256": sha256,
        **stamp(path),
        "shape": data.shape,
        "dtype": str(data.dtype),
        "dims": DIMS,
        "ch_names": content["ch_names"],
        "times": content["times"],
        "source": origin,
        "format_version": FORMAT_VERSION,
    }
    write_json(card_path(subject, split, name), card)
    for other in path.parent.glob(f"{subject}_{split}-*.npy"):
        if other != path:
            other.unlink(missing_ok=True)


def _places(root: Path) -> list[Path]:
    """Give the folders to look in: the folder itself, the usual sub-folders, then all others."""
    below = [path for path in sorted(root.iterdir()) if path.is_dir() and not path.name.startswith(".")]
    usual = [path for path in below if path.name in _USUAL_FOLDERS]
    return [root, *usual, *(path for path in below if path not in usual)]


def _find(places: list[Path]) -> dict[str, Path]:
    """Give the first place of each part, by its relative name."""
    found: dict[str, Path] = {}
    for place in places:
        parts = [*sorted(place.glob("sub-*/preprocessed_eeg_*.npy")), place / METADATA_FILE]
        parts += [place / image_folder for image_folder in IMAGE_FOLDERS.values()]
        for part in parts:
            if part.exists():
                found.setdefault(part.relative_to(place).as_posix(), part)
    return found


def _find_raw(places: list[Path]) -> dict[str, Path]:
    """Give the first folder of each subject that holds raw EEG of some session."""
    raw: dict[str, Path] = {}
    for place in places:
        for path in sorted(place.glob("sub-*/ses-*/raw_eeg_*.npy")):
            subject = path.parents[1]
            if re.fullmatch(r"sub-\d+", subject.name):
                raw.setdefault(subject.name, subject)
    return raw


def _absent_raw(raw: dict[str, Path]) -> list[str]:
    """Name the sessions that are missing of the subjects whose raw EEG was begun."""
    return [
        f"raw EEG of {subject} ({raw_file(session, split)}, from {RAW_PAGE})"
        for subject, folder in raw.items()
        for session in SESSIONS
        for split in SPLITS
        if not (folder / raw_file(session, split)).is_file()
    ]


def _recordings(found: dict[str, Path]) -> Iterator[tuple[str, str, Path]]:
    for part, path in found.items():
        for split in SPLITS:
            subject = part.split("/")[0]
            if part == data_file(subject, split):
                yield subject, split, path


def _check_counts(expected: dict[str, int | None], found: dict[str, Path], name: str) -> None:
    """Refuse metadata that do not fit the recordings in the store that this download does not bring again."""
    for split, count in expected.items():
        for subject in subjects(split, name):
            if data_file(subject, split) in found:
                continue
            card = usable_card(subject, split, name)
            if card and count not in (None, card["shape"][0]):
                raise BadFileError(
                    f"Got {METADATA_FILE} with {count} {split} images, but {subject}'s converted {split} data have "
                    f"{card['shape'][0]}: expected as many. "
                    "Use metadata and data of one set, or add it under another name."
                )


def _absent(found: dict[str, Path], has_lists: bool, places: list[Path], name: str) -> list[str]:
    known = (
        SUBJECTS if name == NAME else tuple(sorted({part.split("/")[0] for part in found if part.startswith("sub-")}))
    )
    absent = [
        f"{split} data of {subject} ({data_file(subject, split)}, from {DATA_PAGE})"
        for split in SPLITS
        for subject in known
        if data_file(subject, split) not in found and not card_path(subject, split, name).is_file()
    ]
    if not has_lists:
        absent.append(f"{METADATA_FILE} (from {IMAGES_PAGE}): without it images cannot be registered")
    absent += [
        f"{split} images ({image_folder}, from {IMAGES_PAGE})"
        for split, image_folder in IMAGE_FOLDERS.items()
        if image_folder not in found and not images.has_images(split, name)
    ]
    if absent and (hint := _unpacked(places)):
        absent.append(hint.strip())
    return absent


def _unpacked(places: list[Path]) -> str:
    """Hint at archives that were not unpacked."""
    archives = [path.name for place in places for path in sorted(place.glob("*.zip"))]
    return f"Archives that are not unpacked: {', '.join(archives[:12])}. " if archives else ""
