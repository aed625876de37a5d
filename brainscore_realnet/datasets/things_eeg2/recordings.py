"""Converted THINGS-EEG2 recordings in the store, and opening them verified.

``data/<name>/<subject>_<split>-<first 16 digits of the array's sha256>.npy`` with the card
``data/<name>/<subject>_<split>.json``.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets import _registered
from brainscore_realnet.datasets._registered import set_folder
from brainscore_realnet.datasets.things_eeg2.files import DATA_PAGE, DIMS, IMAGES_PAGE, NAME, check_split
from brainscore_realnet.datasets.things_eeg2.variants import parent_of, variant_of
from brainscore_realnet.errors import BadFileError, MissingDataError, StoreError
from brainscore_realnet.store import sha256_array, write_json

FORMAT_VERSION = 1
_CARD_KEYS = {
    "file",
    "sha256",
    "bytes",
    "mtime_ns",
    "shape",
    "dtype",
    "dims",
    "ch_names",
    "times",
    "source",
    "format_version",
}


@dataclass(frozen=True)
class SubjectRecording:
    """One subject's responses to one split."""

    subject: str
    """``sub-01`` …"""
    split: str
    """``training`` or ``test``"""
    data: np.ndarray
    """(images, repetitions, 17, times), memory-mapped read-only, float64 in the published data, no unit"""
    ch_names: tuple[str, ...]
    """The 17 channels"""
    times: np.ndarray
    """(times,), float64, seconds from image onset"""
    sha256: str
    """Hash of the array's dtype, shape and values"""
    dims: tuple[str, ...] = DIMS

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of ``data``."""
        return self.data.shape


def how_to_get(name: str = NAME) -> str:
    """Say how a user gets the data set into the store."""
    if variant_of(name):
        fetch = f"run: brainscore data fetch {NAME} --parts images raw; or " if parent_of(name) == NAME else ""
        return f"{fetch}register the raw EEG with images; then run: {_registration(name)}"
    if name != NAME:
        return f"make it and run: {_registration(name)}"
    return (
        f"run: brainscore data fetch {NAME}. Or download the preprocessed data from {DATA_PAGE} and images with "
        f"image_metadata.npy from {IMAGES_PAGE}, unpack them into one folder and run: {_registration(name)}"
    )


def card_path(subject: str, split: str, name: str) -> Path:
    """Give the path of a recording's card, which need not exist."""
    check_split(split)
    return _registered.card_path(subject, split, name)


def read_card(subject: str, split: str, name: str) -> dict[str, Any] | None:
    """Give a recording's card, or None when it is not converted.

    Raises
    ------
    BadFileError
        The card is broken or of another version.
    """
    path = card_path(subject, split, name)
    card = _registered.read_record(path, _CARD_KEYS, FORMAT_VERSION, again(name))
    if card and Path(card["file"]).name != card["file"]:
        raise BadFileError(f"Got a card {path} of {card['file']!r}: expected a file beside it. {again(name)}")
    return card


def verify(card: dict[str, Any], subject: str, split: str, name: str, thorough: bool = False) -> Path:
    """Check a converted file against its card: size and time, and the content when these differ or `thorough`.

    Returns
    -------
    Path
        The converted file.

    Raises
    ------
    MissingDataError
        The file is gone.
    BadFileError
        The file's content is not what was converted.
    """
    path = set_folder(name) / card["file"]
    try:
        stat = path.stat()
    except FileNotFoundError as error:
        raise MissingDataError(f"Got no file {path}: expected {subject}'s {split} data there. {again(name)}") from error
    untouched = (stat.st_size, stat.st_mtime_ns) == (card["bytes"], card["mtime_ns"])
    if untouched and not thorough:
        return path
    try:
        sha256 = sha256_array(np.load(path, mmap_mode="r"))
    except (ValueError, EOFError, OSError) as error:
        raise BadFileError(f"Got {path} ({stat.st_size} bytes), which is no array ({error}). {again(name)}") from error
    if stat.st_size != card["bytes"] or sha256 != card["sha256"]:
        raise BadFileError(
            f"Got {path} with sha256 {sha256} ({stat.st_size} bytes): expected {card['sha256']} "
            f"({card['bytes']} bytes). {again(name)}"
        )
    if untouched:
        return path
    # a read-only store is usable: the file is verified again next time
    with contextlib.suppress(StoreError):
        write_json(card_path(subject, split, name), {**card, "mtime_ns": stat.st_mtime_ns})
    return path


def again(name: str) -> str:
    """Tell the user to convert anew."""
    return f"Run again: {_registration(name)}"


def open_subject(subject: str, split: str, name: str = NAME, thorough: bool = False) -> SubjectRecording:
    """Open a converted recording without reading it into memory.

    Parameters
    ----------
    subject : str
        ``"sub-01"`` …
    split : {"training", "test"}
    name : str
        The data set's name in the store; simulated sets have other names.
    thorough : bool
        Hash the content even when size and time are those of the conversion.

    Raises
    ------
    MissingDataError
        It is not in the store; the message tells how to get it.
    BadFileError
        The converted file was changed.
    """
    card = read_card(subject, split, name)
    if card is None:
        raise MissingDataError(
            f"Got no {split} data of {subject} in {set_folder(name)}: expected converted data. "
            f"To get them, {how_to_get(name)}"
        )
    path = verify(card, subject, split, name, thorough)
    data = np.load(path, mmap_mode="r")
    return SubjectRecording(
        subject, split, data, tuple(card["ch_names"]), np.array(card["times"]), card["sha256"], tuple(card["dims"])
    )


def subjects(split: str = "test", name: str = NAME) -> list[str]:
    """Give the subjects that have a card for a split, sorted."""
    check_split(split)
    return _registered.registered_subjects(split, name)


def _registration(name: str) -> str:
    if name == NAME:
        return f"brainscore data add {NAME} FOLDER"
    if variant := variant_of(name):
        if variant.parent == NAME:
            return f"brainscore data prepare {NAME} --mvnn {variant.mvnn or 'none'} --sfreq {variant.sfreq}"
        return (
            f"brainscore_realnet.datasets.things_eeg2.prepare(mvnn={variant.mvnn!r}, sfreq={variant.sfreq}, "
            f"name={variant.parent!r})"
        )
    return f"brainscore_realnet.datasets.things_eeg2.add(FOLDER, name={name!r})"
