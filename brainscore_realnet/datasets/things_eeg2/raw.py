"""The raw EEG of THINGS-EEG2 as published: continuous recordings of a session, and where a user keeps them.

``sub-XX/ses-0Y/raw_eeg_{training,test}.npy``: a dictionary with the channels' voltages over the whole session and, as
one more row, ``stim``: 0 except at the sample where an image appears, which holds its event number.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets.things_eeg2.files import CHANNELS, SHAPES, check_split
from brainscore_realnet.errors import BadFileError, MissingDataError
from brainscore_realnet.store import load_dict_npy

SESSIONS = ("ses-01", "ses-02", "ses-03", "ses-04")
SAMPLING_HZ = 1000
TARGET_EVENT = 99999
"""Marks a trial that showed the target the subject had to count, which is not one of the images."""
RAW_PAGE = "https://doi.org/10.25452/figshare.plus.18470912"
_KEYS = ("raw_eeg_data", "ch_names", "sfreq")
_TYPE_KEYS = ("ch_types", "ch_type")
"""The published files have the first, the page that describes them the second."""
_STIM = "stim"


@dataclass(frozen=True)
class RawRecording:
    """One split of one session, the 17 channels over occipital and parietal cortex only."""

    data: np.ndarray
    """(17, samples), float64, volts, channels in the order of CHANNELS, 1000 samples a second"""
    onsets: np.ndarray
    """(events,), int64: sample at which each trial's image appeared, ascending"""
    events: np.ndarray
    """(events,), int64: event number of each trial, targets included"""


def raw_file(session: str, split: str) -> str:
    """Name a session's published file relative to the subject's folder."""
    return f"{session}/raw_eeg_{split}.npy"


def raw_paths(subject_folder: str | Path, splits: Sequence[str] = ("training", "test")) -> dict[tuple[str, str], Path]:
    """Give the files of all four sessions of a subject.

    Parameters
    ----------
    subject_folder : path
        Holds ``ses-01`` … ``ses-04``.
    splits : sequence of str

    Returns
    -------
    dict of (session, split) to Path
        In the order of the sessions.

    Raises
    ------
    MissingDataError
        Files are missing; all that are, are named.
    """
    root = Path(subject_folder)
    paths = {(session, split): root / raw_file(session, split) for session in SESSIONS for split in splits}
    missing = [raw_file(*key) for key, path in paths.items() if not path.is_file()]
    if missing:
        raise MissingDataError(
            f"Got no {', '.join(missing)} in {root}: expected the raw EEG of all {len(SESSIONS)} sessions, over which "
            f"the repetitions of an image are spread. Download and unpack {root.name} from {RAW_PAGE}."
        )
    return paths


def read_raw(path: str | Path, split: str, expect: int | None = None) -> RawRecording:
    """Read one split of a session and check it.

    Parameters
    ----------
    path : path
        ``raw_eeg_test.npy`` or ``raw_eeg_training.npy``, up to 2.5 GB, which is held in memory once while it is read.
    split : {"training", "test"}
        Which of the two it is.
    expect : int, optional
        How many images the image metadata list: the largest event number; 16540 and 200 by default.

    Raises
    ------
    MissingDataError
        There is no such file.
    UnsafeFileError
        The file would run code.
    BadFileError
        Truncated, a key, a channel or the ``stim`` row missing, wrong shape, another sampling rate, NaN or infinite
        values (the place is named), event numbers that belong to no image.
    """
    check_split(split)
    path = Path(path)
    content = load_dict_npy(path)
    _check_keys(content, path)
    samples = np.asanyarray(content.pop("raw_eeg_data"))
    names = [str(name) for name in np.ravel(content["ch_names"])]
    _check_layout(samples, names, content, path)
    onsets, events = _events(samples[names.index(_STIM)], expect or SHAPES[split][0], path)
    data = samples[_rows_of_channels(names, path)].astype(np.float64, copy=False)
    del samples, content
    _check_finite(data, path)
    return RawRecording(data, onsets, events)


def _check_keys(content: dict[str, Any], path: Path) -> None:
    missing = [key for key in _KEYS if key not in content]
    if not any(key in content for key in _TYPE_KEYS):
        missing.append(_TYPE_KEYS[0])
    if missing:
        raise BadFileError(
            f"Got keys {sorted(map(str, content))} in {path}: expected also {', '.join(missing)}. "
            f"Download the raw data again from {RAW_PAGE}."
        )


def _check_layout(samples: np.ndarray, names: list[str], content: dict[str, Any], path: Path) -> None:
    if samples.ndim != 2 or samples.dtype.kind != "f" or samples.shape[0] != len(names) or samples.shape[1] < 2:
        raise BadFileError(
            f"Got {samples.dtype} data of shape {samples.shape} and {len(names)} channel names in {path}: expected "
            f"floats of shape channels × samples, a name for each row (published: 64). Download it again from "
            f"{RAW_PAGE}."
        )
    kinds = [str(kind) for kind in np.ravel(next(content[key] for key in _TYPE_KEYS if key in content))]
    kind_of_stim = [kind for name, kind in zip(names, kinds, strict=False) if name == _STIM]
    if len(kinds) != len(names) or kind_of_stim != [_STIM]:
        raise BadFileError(
            f"Got {names.count(_STIM)} rows called {_STIM!r} and {len(kinds)} channel types for {len(names)} channels "
            f"in {path}: expected one row {_STIM!r} of type {_STIM!r} that holds the events. Download it again from "
            f"{RAW_PAGE}."
        )
    try:
        rate = float(np.asarray(content["sfreq"]).item())
    except (TypeError, ValueError):
        rate = float("nan")
    if rate != SAMPLING_HZ:
        raise BadFileError(
            f"Got a sampling rate of {content['sfreq']} Hz in {path}: expected {SAMPLING_HZ}, as recorded. Use the raw "
            f"files of {RAW_PAGE}, not resampled ones."
        )


def _rows_of_channels(names: list[str], path: Path) -> list[int]:
    """Find the rows of the 17 channels: those whose names begin with O or P, as the authors chose them."""
    chosen = [name for name in names if name.startswith(("O", "P"))]
    if sorted(chosen) != sorted(CHANNELS):
        raise BadFileError(
            f"Got the occipital and parietal channels {', '.join(chosen) or 'none'} in {path}: expected each of "
            f"{', '.join(CHANNELS)} once and no other name that begins with O or P. Use the data of {RAW_PAGE}."
        )
    return [names.index(name) for name in CHANNELS]


def _events(stim: np.ndarray, n_images: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Find where ``stim`` rises from 0, and to what.

    The first sample cannot be the onset of a trial: what was before it is not known.
    """
    if not np.isfinite(stim).all():
        raise BadFileError(
            f"Got NaN or infinity at sample {int(np.flatnonzero(~np.isfinite(stim))[0])} of the {_STIM} row of {path}: "
            f"expected event numbers. Download it again from {RAW_PAGE}."
        )
    onsets = np.flatnonzero((stim[1:] != 0) & (stim[1:] != stim[:-1])) + 1
    touching = stim[onsets - 1] != 0
    events = stim[onsets]
    known = ((events >= 1) & (events <= n_images) & (events == np.round(events))) | (events == TARGET_EVENT)
    if len(onsets) == 0:
        raise BadFileError(f"Got no events in {path}: expected some in its {_STIM} row. Download it again.")
    if touching.any() or not known.all():
        bad = np.flatnonzero(touching | ~known)
        first = int(bad[0])
        raise BadFileError(
            f"Got {len(bad)} events that belong to no image in {path}, the first {events[first]:g} "
            f"at sample {onsets[first]}: expected 1 … {n_images} or {TARGET_EVENT} (target), with zeros between them. "
            "Check that the file and the image metadata belong together."
        )
    return onsets.astype(np.int64), events.astype(np.int64)


def _check_finite(data: np.ndarray, path: Path) -> None:
    for name, row in zip(CHANNELS, data, strict=True):
        bad = ~np.isfinite(row)
        if bad.any():
            raise BadFileError(
                f"Got {int(bad.sum())} NaN or infinite values in channel {name} of {path}, the first at sample "
                f"{int(bad.argmax())} (counted from 0): expected finite voltages. Download it again from {RAW_PAGE}."
            )
