"""Registering a user's download of THINGS-EEG2: finding its parts and converting each recording once.

The published files are pickles, which cannot be memory-mapped; plain arrays can.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from brainscore_realnet.datasets.things_eeg2 import images
from brainscore_realnet.datasets.things_eeg2.files import (
    DATA_PAGE,
    DIMS,
    IMAGE_FOLDERS,
    IMAGES_PAGE,
    METADATA_FILE,
    NAME,
    SIMULATED_FILE,
    SPLITS,
    SUBJECTS,
    data_file,
    read_image_metadata,
    read_preprocessed,
)
from brainscore_realnet.datasets.things_eeg2.recordings import (
    FORMAT_VERSION,
    card_path,
    read_card,
    set_folder,
    subjects,
    verify,
)
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
    ``image_metadata.npy``, ``test_images/``, ``training_images/``. Every part may be absent and be added later. It is
    safe to interrupt it, to run it again and to run it twice at once: finished recordings stay and are not redone.

    Parameters
    ----------
    folder : path
        Where the download was unpacked. The images stay there; the recordings are copied.
    name : str
        What the data set is called in the store.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict
        ``name``, ``folder`` (str), ``converted`` and ``kept`` (lists such as ``"sub-01 test"``), ``images`` (hash by
        split), ``absent`` (sentences).

    Raises
    ------
    MissingDataError
        The folder is not there or holds none of the parts, or images are missing from an image folder.
    BadFileError
        A file is not what it should be; what was converted before it stays.
    BadInputError
        The folder says that it was simulated, and the name does not.
    StoreError
        The store cannot be written.
    """
    root = Path(folder).expanduser().absolute()
    if not root.is_dir():
        raise MissingDataError(f"Got {root}: expected the folder of a THINGS-EEG2 download. Check the path.")
    if (root / SIMULATED_FILE).exists() and not name.startswith("sim-"):
        raise BadInputError(
            f"Got {root}, whose {SIMULATED_FILE} says that it was simulated: expected recordings. Simulated sets are "
            "stored under names that begin with 'sim-'."
        )
    store_folder("data", set_folder(name).name)
    places = _places(root)
    found = _find(places)
    if not found:
        raise MissingDataError(
            f"Got {root}, which holds no {data_file('sub-XX', 'test')}, {METADATA_FILE}, test_images or "
            f"training_images, nor do its sub-folders. {_unpacked(places)}"
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
    summary: dict[str, Any] = {"name": name, "folder": str(root), "converted": [], "kept": [], "images": hashes}
    for subject, split, source in _progress(sorted(_recordings(found)), progress):
        new = _convert(source, subject, split, expected[split], name)
        summary["converted" if new else "kept"].append(f"{subject} {split}")
    summary["absent"] = _absent(found, lists is not None, places, name)
    return summary


def _convert(source: Path, subject: str, split: str, expected: int | None, name: str) -> bool:
    """Convert a recording unless it is there; tell whether it was converted now."""
    with lock(f"{name}-{subject}-{split}"):
        card = _usable_card(subject, split, name)
        if card and expected not in (None, card["shape"][0]):
            card = None
        stat = source.stat()
        stamp = {"bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}
        if card and stamp == {key: card["source"].get(key) for key in stamp}:
            return False
        origin = {"path": str(source), **stamp, "sha256": sha256_file(source)}
        if card and card["source"]["sha256"] == origin["sha256"]:
            write_json(card_path(subject, split, name), {**card, "source": origin})
            return False
        _write(read_preprocessed(source, split, expected), origin, subject, split, name)
        return True


def _usable_card(subject: str, split: str, name: str) -> dict[str, Any] | None:
    """Give the card of a recording that need not be converted again."""
    try:
        card = read_card(subject, split, name)
        if card:
            verify(card, subject, split, name)
            card = read_card(subject, split, name)  # verifying may have refreshed it
    except (BadFileError, MissingDataError):
        return None
    return card


def _write(content: dict[str, Any], origin: dict[str, Any], subject: str, split: str, name: str) -> None:
    data = content["data"]
    sha256 = sha256_array(data)
    path = set_folder(name) / f"{subject}_{split}-{sha256[:16]}.npy"
    write_array(path, data)
    stat = path.stat()
    card = {
        "file": path.name,
        "sha256": sha256,
        "bytes": stat.st_size,
        "mtime_ns": stat.st_mtime_ns,
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
            card = _usable_card(subject, split, name)
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


def _progress(items: list[tuple[str, str, Path]], show: bool) -> Iterator[tuple[str, str, Path]]:
    if not show:
        yield from items
        return
    from tqdm import tqdm

    yield from tqdm(items, desc="recordings", unit="file")
