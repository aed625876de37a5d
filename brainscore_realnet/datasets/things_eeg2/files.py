"""The files of THINGS-EEG2 as published: preprocessed responses, image metadata and images.

Gifford et al. 2022, doi 10.1016/j.neuroimage.2022.119754.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets.things import unique_id
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store import load_dict_npy

NAME = "things-eeg2"
# fmt: off
CHANNELS = ("Pz", "P3", "P7", "O1", "Oz", "O2", "P4", "P8", "P1", "P5", "PO7", "PO3", "POz", "PO4", "PO8", "P6", "P2")
# fmt: on
SUBJECTS = tuple(f"sub-{number:02d}" for number in range(1, 11))
SPLITS = ("training", "test")
DIMS = ("image", "repetition", "channel", "time")
SHAPES = {"training": (16540, 4, 17, 100), "test": (200, 80, 17, 100)}
IMAGE_FOLDERS = {"training": "training_images", "test": "test_images"}
METADATA_FILE = "image_metadata.npy"
DATA_PAGE = "https://osf.io/anp5v/"
IMAGES_PAGE = "https://osf.io/y63gw/"

_LONGEST_SECONDS = 10
_METADATA_PREFIXES = {"training": "train_img", "test": "test_img"}


@dataclass(frozen=True)
class ImageList:
    """The images of a split in the order of their event numbers: event n is item n − 1."""

    concepts: tuple[str, ...]
    """Concept folders, numbered within the split: ``00001_aircraft_carrier``."""
    concepts_THINGS: tuple[str, ...]  # noqa: N815 - the published key
    """The same concepts with their number among all 1854 in plain ASCII order."""
    files: tuple[str, ...]
    """File names: ``aircraft_carrier_06s.jpg``."""
    unique_ids: tuple[str, ...]
    """THINGS uniqueIDs: ``aircraft_carrier``."""


ImageMetadata = dict[str, ImageList]
"""The image lists by split, ``"training"`` and ``"test"``."""


def check_split(split: str) -> None:
    """Raise BadInputError unless the split is ``"training"`` or ``"test"``."""
    if split not in SPLITS:
        raise BadInputError(f"Got split {split!r}: expected one of {', '.join(SPLITS)}.")


def data_file(subject: str, split: str) -> str:
    """Name a subject's published file relative to the download's folder."""
    return f"{subject}/preprocessed_eeg_{split}.npy"


def read_preprocessed(path: str | Path, split: str, expect: int | None = None) -> dict[str, Any]:
    """Read a subject's preprocessed responses and check them.

    Parameters
    ----------
    path : path
        ``preprocessed_eeg_test.npy`` or ``preprocessed_eeg_training.npy``.
    split : {"training", "test"}
        Which of the two it is.
    expect : int, optional
        How many images the image metadata list.

    Returns
    -------
    dict
        ``data``: ndarray, shape (images, repetitions, 17, times), the source's float dtype, whitened amplitude without
        unit, channels in the order of CHANNELS. ``ch_names``: list of 17 str. ``times``: ndarray, shape (times,),
        float64, seconds from image onset, rounded to 2 decimals (more where the sampling is finer than 100 Hz).

    Raises
    ------
    MissingDataError
        There is no such file.
    UnsafeFileError
        The file would run code.
    BadFileError
        Truncated, a key or channel missing, wrong shape, NaN or infinite values (the place is named), times that are
        not increasing seconds.
    """
    check_split(split)
    path = Path(path)
    content = load_dict_npy(path)
    missing = [key for key in ("preprocessed_eeg_data", "ch_names", "times") if key not in content]
    if missing:
        raise BadFileError(
            f"Got keys {sorted(map(str, content))} in {path}: expected also {', '.join(missing)}. "
            f"Download the preprocessed data again from {DATA_PAGE}."
        )
    data = np.asanyarray(content.pop("preprocessed_eeg_data"))
    ch_names = [str(name) for name in np.ravel(content["ch_names"])]
    times = _times(content["times"], path)
    _check_shape(data, ch_names, times, path, split, expect)
    data = _in_channel_order(data, _channel_order(ch_names, path))
    _check_finite(data, path)
    return {"data": data, "ch_names": list(CHANNELS), "times": times}


def read_image_metadata(path: str | Path) -> ImageMetadata:
    """Read ``image_metadata.npy``: which image each event number stands for.

    Returns
    -------
    dict of ImageList
        By split. The order is the file's own: event n is item n − 1.

    Raises
    ------
    MissingDataError
        There is no such file.
    BadFileError
        A list is missing, the lists' lengths differ, a name contains a folder, two images share a file stem.
    """
    path = Path(path)
    content = load_dict_npy(path)
    metadata = {}
    for split, prefix in _METADATA_PREFIXES.items():
        keys = [f"{prefix}_{what}" for what in ("concepts", "concepts_THINGS", "files")]
        if missing := [key for key in keys if key not in content]:
            raise BadFileError(
                f"Got keys {sorted(map(str, content))} in {path}: expected also {', '.join(missing)}. "
                f"Download {METADATA_FILE} again from {IMAGES_PAGE}."
            )
        concepts, concepts_things, files = (tuple(str(name) for name in np.ravel(content[key])) for key in keys)
        metadata[split] = image_list(path, concepts, concepts_things, files)
    return metadata


def image_list(
    source: Path, concepts: Sequence[str], concepts_things: Sequence[str], files: Sequence[str]
) -> ImageList:
    """Check the lists of a split and join them; ``source`` is named in the errors.

    Raises
    ------
    BadFileError
        The lengths differ, a name contains a folder, two images share a file stem, a concept has no number.
    """
    if not len(concepts) == len(concepts_things) == len(files):
        raise BadFileError(
            f"Got {len(concepts)} concepts, {len(concepts_things)} THINGS concepts and {len(files)} files in {source}: "
            f"expected as many of each. Download {METADATA_FILE} again from {IMAGES_PAGE}."
        )
    for name in (*concepts, *files):
        if name in ("", ".", "..") or "/" in name or "\\" in name:
            raise BadFileError(f"Got the name {name!r} in {source}: expected plain names. Do not use this file.")
    seen: set[str] = set()
    for file in files:
        if Path(file).stem in seen:
            raise BadFileError(f"Got two images called {Path(file).stem!r} in {source}: expected different names.")
        seen.add(Path(file).stem)
    try:
        unique_ids = tuple(unique_id(concept) for concept in concepts)
    except BadInputError as error:
        raise BadFileError(f"{error} The file is {source}.") from error
    return ImageList(tuple(concepts), tuple(concepts_things), tuple(files), unique_ids)


def image_paths(folder: str | Path, metadata: ImageMetadata, split: str) -> list[Path]:
    """Give the image files of a split in the order of their event numbers.

    Parameters
    ----------
    folder : path
        Holds ``test_images/`` or ``training_images/``.
    metadata : dict of ImageList
        From `read_image_metadata`.
    split : {"training", "test"}

    Raises
    ------
    MissingDataError
        Images are missing: how many, and which is the first.
    """
    check_split(split)
    images = metadata[split]
    root = Path(folder) / IMAGE_FOLDERS[split]
    paths = [root / concept / file for concept, file in zip(images.concepts, images.files, strict=True)]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise MissingDataError(
            f"Got {len(paths) - len(missing)} of {len(paths)} {split} images in {root}: {len(missing)} are missing, "
            f"the first is {missing[0]}. Download and unpack {IMAGE_FOLDERS[split]}.zip from {IMAGES_PAGE}."
        )
    return paths


def _times(values: Any, path: Path) -> np.ndarray:
    """Round away the float noise: to 2 decimals, or to the fewest that move no sample by 5 % of the sampling step."""
    try:
        times = np.ravel(np.asarray(values, dtype=np.float64))
    except (TypeError, ValueError) as error:
        raise BadFileError(
            f"Got times that are no numbers in {path} ({error}): expected seconds. Download it again."
        ) from error
    steps = np.diff(times)
    if times.size == 0 or not np.isfinite(times).all() or (steps <= 0).any() or np.abs(times).max() > _LONGEST_SECONDS:
        raise BadFileError(
            f"Got times {np.array2string(times, threshold=6, edgeitems=2)} in {path}: expected increasing seconds, as "
            "-0.2 … 0.79. Download it again."
        )
    tolerance = 0.05 * steps.min() if steps.size else 0.005
    for decimals in range(2, 6):
        rounded = np.round(times, decimals)
        if np.abs(rounded - times).max() <= tolerance:
            return rounded
    return times


def _check_shape(
    data: np.ndarray, ch_names: list[str], times: np.ndarray, path: Path, split: str, expect: int | None
) -> None:
    wanted = (expect or "images", "repetitions", len(ch_names), len(times))
    fits = (
        data.ndim == 4
        and np.issubdtype(data.dtype, np.floating)
        and data.shape[2:] == wanted[2:]
        and data.size > 0
        and expect in (None, data.shape[0])
    )
    if not fits:
        shape = " × ".join(map(str, wanted))
        raise BadFileError(
            f"Got {data.dtype} data of shape {data.shape} in {path}: expected floats of shape {shape} for "
            f"{len(ch_names)} channel names, {len(times)} times and the {split} images of {METADATA_FILE} (published: "
            f"{SHAPES[split]}). Check that data and metadata belong together, or download again from {DATA_PAGE}."
        )


def _channel_order(ch_names: list[str], path: Path) -> list[int]:
    for name in CHANNELS:
        if ch_names.count(name) != 1:
            raise BadFileError(
                f"Got channel {name} {ch_names.count(name)} times among {ch_names} in {path}: expected it once. "
                f"Expected the 17 channels {', '.join(CHANNELS)} in any order; use the data of {DATA_PAGE}."
            )
    return [ch_names.index(name) for name in CHANNELS]


def _in_channel_order(data: np.ndarray, order: list[int]) -> np.ndarray:
    if order == list(range(data.shape[2])):
        return data
    if len(order) == data.shape[2] and data.flags.writeable:
        for image in data:  # in place: a second array of 900 MB is not needed
            image[...] = image[:, order]
        return data
    return data[:, :, order]


def _check_finite(data: np.ndarray, path: Path) -> None:
    count, first = 0, None
    for index, image in enumerate(data):
        bad = ~np.isfinite(image)
        if bad.any():
            count += int(bad.sum())
            first = first or (index, *map(int, np.argwhere(bad)[0]))
    if first:
        image_index, repetition, channel, time = first
        raise BadFileError(
            f"Got {count} NaN or infinite values in {path}, the first at image {image_index}, repetition {repetition}, "
            f"channel {CHANNELS[channel]}, time index {time} (counted from 0): expected finite numbers. "
            f"Download it again from {DATA_PAGE}."
        )
