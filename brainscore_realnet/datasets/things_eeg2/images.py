"""The registered images of THINGS-EEG2: where they are, in which order, and the hash of their contents.

``data/<name>/images.json`` records the user's image folders; images are not copied. Sets that were prepared from raw
EEG share the images of the set that the raw EEG belongs to.
"""

import contextlib
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from brainscore_realnet.datasets._registered import ImageTable, read_record, set_folder, stamps
from brainscore_realnet.datasets.things_eeg2.files import (
    IMAGE_FOLDERS,
    IMAGES_PAGE,
    NAME,
    SPLITS,
    ImageMetadata,
    check_split,
    image_list,
    image_paths,
    read_image_metadata,
)
from brainscore_realnet.datasets.things_eeg2.recordings import FORMAT_VERSION, again, how_to_get
from brainscore_realnet.datasets.things_eeg2.variants import parent_of
from brainscore_realnet.errors import BadFileError, MissingDataError, StoreError
from brainscore_realnet.store import lock, sha256_file, sha256_files, write_json

_logger = logging.getLogger(__name__)
_LISTS = ("concepts", "concepts_THINGS", "files")


def register_metadata(path: Path, name: str) -> None:
    """Record the lists of an ``image_metadata.npy``; image folders registered with other lists are forgotten."""
    metadata = read_image_metadata(path)
    sha256 = sha256_file(path)
    with lock(f"{name}-images"):
        record = _read_record(name)
        if record and record["metadata"]["sha256"] == sha256:
            return
        lists = {split: {key: getattr(images, key) for key in _LISTS} for split, images in metadata.items()}
        recorded = {"source": str(path), "sha256": sha256, **lists}
        write_json(_record_path(name), {"format_version": FORMAT_VERSION, "metadata": recorded, "splits": {}})


def register_images(folder: Path, split: str, name: str) -> str:
    """Record the folder that holds ``test_images/`` or ``training_images/``; give the hash over the images' contents.

    Raises
    ------
    MissingDataError
        Images are missing (how many and the first), or no metadata are registered.
    """
    with lock(f"{name}-images"):
        record = _require_record(name)
        paths = image_paths(folder, _metadata(record, name), split)
        return _write_split(record, folder, split, paths, name)


def metadata(name: str = NAME) -> ImageMetadata | None:
    """Give the registered image lists by split, or None when none are registered."""
    record = _read_record(name)
    return _metadata(record, name) if record else None


def has_images(split: str, name: str = NAME) -> bool:
    """Tell whether an image folder is registered for a split."""
    check_split(split)
    record = _read_record(name)
    return record is not None and split in record["splits"]


def open_images(split: str, name: str = NAME, thorough: bool = False) -> ImageTable:
    """Give the registered images of a split; contents are hashed again when a file's size or time has changed.

    Parameters
    ----------
    split : {"training", "test"}
    name : str
        The data set's name in the store.
    thorough : bool
        Hash the contents anyway, and refuse other contents than those that were registered.

    Raises
    ------
    MissingDataError
        No image folder is registered, or images are missing from it.
    BadFileError
        The record is broken, or (thorough) images were changed.
    """
    check_split(split)
    name = parent_of(name)
    record = _require_record(name)
    recorded = record["splits"].get(split)
    if recorded is None:
        raise MissingDataError(
            f"Got no {split} images of {name}: expected a registered folder with {IMAGE_FOLDERS[split]}. To get them, "
            f"{how_to_get(name)}"
        )
    lists = _metadata(record, name)
    paths = image_paths(recorded["folder"], lists, split)
    sha256 = recorded["sha256"]
    if thorough and sha256_files(paths) != sha256:
        raise BadFileError(
            f"Got {split} images in {recorded['folder']} that are not those that were registered: expected unchanged "
            f"files. Unpack {IMAGE_FOLDERS[split]}.zip from {IMAGES_PAGE} again. {again(name)}"
        )
    current = stamps(paths)
    if current != {key: recorded[key] for key in current}:
        sha256 = sha256_files(paths)
        if sha256 != recorded["sha256"]:
            _logger.warning("the %s images in %s are not those that were registered", split, recorded["folder"])
        # a read-only store is usable: the images are hashed again next time
        with contextlib.suppress(StoreError), lock(f"{name}-images"):
            _write_split(_require_record(name), Path(recorded["folder"]), split, paths, name)
    images = lists[split]
    rows = tuple(
        {
            "stimulus_id": path.stem,
            "filename": path.name,
            "concept": concept,
            "unique_id": unique_id,
            "path": str(path),
            "event": event,
        }
        for event, (path, concept, unique_id) in enumerate(
            zip(paths, images.concepts, images.unique_ids, strict=True), 1
        )
    )
    return ImageTable(split, rows, sha256)


def _record_path(name: str) -> Path:
    return set_folder(parent_of(name)) / "images.json"


def _read_record(name: str) -> dict[str, Any] | None:
    path = _record_path(name)
    record = read_record(path, {"metadata", "splits"}, FORMAT_VERSION, f"Delete it. {again(name)}")
    if record is None:
        return None
    complete = {"sha256", *SPLITS} <= {*record["metadata"]} and all(
        {"folder", "sha256", "bytes", "mtime_ns"} <= one.keys() for one in record["splits"].values()
    )
    if not complete:
        raise BadFileError(
            f"Got a broken record {path}: expected one of format_version {FORMAT_VERSION}. Delete it. {again(name)}"
        )
    return record


def _require_record(name: str) -> dict[str, Any]:
    record = _read_record(name)
    if record is None:
        raise MissingDataError(
            f"Got no images in {set_folder(name)}: expected registered image metadata. To get them, {how_to_get(name)}"
        )
    return record


def _metadata(record: dict[str, Any], name: str) -> ImageMetadata:
    lists = record["metadata"]
    return {split: image_list(_record_path(name), *(lists[split][key] for key in _LISTS)) for split in SPLITS}


def _write_split(record: dict[str, Any], folder: Path, split: str, paths: Sequence[Path], name: str) -> str:
    current = stamps(paths)
    sha256 = sha256_files(paths)
    record["splits"][split] = {"folder": str(folder.absolute()), "sha256": sha256, **current}
    write_json(_record_path(name), record)
    return sha256
