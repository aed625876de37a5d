"""The preprocessing of THINGS-EEG2 from raw EEG, step by step as its authors published it.

Gifford et al. 2022, doi 10.1016/j.neuroimage.2022.119754, section 2.6. For each session and split

1. epochs of the 17 channels from 0.2 s before to 0.8 s after each image, targets left out;
2. the mean of the samples up to the onset is subtracted (baseline);
3. resampled in the frequency domain to 100 Hz (or 250 Hz): samples at −0.20, −0.19 … 0.79 s;
4. of every image's trials, 2 (training) or 20 (test) are chosen at random, with one seed;
5. multivariate noise normalisation, x ← Σ^(−1/2) x, with Σ the mean over images and time points of the covariance of an
   image's trials; the authors average the Σ of the training and the test split, which lets the whitener see test data;

then the repetitions of an image from all sessions are put together, in the order of the sessions, and shuffled with the
same seed and the same order for every image.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets.things_eeg2.files import CHANNELS, SPLITS
from brainscore_realnet.datasets.things_eeg2.mvnn import MVNN, whiten, whitener
from brainscore_realnet.datasets.things_eeg2.raw import SAMPLING_HZ, SESSIONS, TARGET_EVENT, RawRecording, read_raw
from brainscore_realnet.errors import BadFileError, BadInputError, RealnetError

SEED = 20200220
REPETITIONS = {"training": 2, "test": 20}
"""Trials of an image that are kept in a session."""
RATES = (100, 250)
START, STOP = -0.2, 0.8
_EPOCHS_AT_ONCE = 500
"""Limits memory; epochs do not depend on each other."""


@dataclass(frozen=True)
class Epochs:
    """The chosen trials of one split of one session."""

    data: np.ndarray
    """(images, repetitions, 17, times), float64, volts"""
    events: np.ndarray
    """(images,), int64: event number of each image, ascending"""


def preprocess(
    paths: Mapping[tuple[str, str], Path],
    mvnn: str | None = "training",
    sfreq: int = 100,
    expect: Mapping[str, int | None] | None = None,
    report: Callable[[], None] = lambda: None,
) -> dict[str, np.ndarray]:
    """Preprocess a subject's raw EEG.

    One raw file is held in memory at a time. With as many trials as published, one every 200 ms and no breaks, the
    peak is 3.5 GB at 100 Hz and 5.2 GB at 250 Hz; a session's breaks add the size of their samples.

    Parameters
    ----------
    paths : mapping of (session, split) to path
        From `raw.raw_paths`.
    mvnn : {"training", "authors", None}
        Whose covariance whitens, as of `mvnn.whitener`.
    sfreq : {100, 250}
        Samples a second of the result.
    expect : mapping of split to int, optional
        How many images there are; the published numbers by default.
    report : callable
        Called when a session is done.

    Returns
    -------
    dict of split to (images, repetitions, 17, times) float64 array
        Image n − 1 is event n, channels in the order of CHANNELS, times as `epoch_times`. In units of the noise's
        standard deviation, volts without MVNN.

    Raises
    ------
    MissingDataError, UnsafeFileError, BadFileError
        As `raw.read_raw`; an image shown too rarely in a session, or not equally often.
    BadInputError
        An option that there is not, or MNE is not installed.
    """
    check_options(mvnn, sfreq)
    expect = expect or {}
    sessions: dict[str, list[Epochs]] = {split: [] for split in SPLITS}
    for session in SESSIONS:
        epochs = {}
        for split in SPLITS:
            path = paths[session, split]
            recording = read_raw(path, split, expect.get(split))
            epochs[split] = chosen_epochs(recording, split, sfreq, path)
            del recording
        try:
            root = whitener(epochs["training"].data, epochs["test"].data, mvnn)
        except BadInputError as error:
            raise BadFileError(f"{error} The session is {paths[session, 'training'].parent}.") from error
        for split in SPLITS:
            if root is not None:
                whiten(epochs[split].data, root)
            sessions[split].append(epochs[split])
        report()
    return {split: merge(sessions[split], expect.get(split), split) for split in SPLITS}


def check_options(mvnn: str | None, sfreq: int) -> None:
    """Raise BadInputError unless these are options of `preprocess`."""
    for name, value, options in (("mvnn", mvnn, MVNN), ("sfreq", sfreq, RATES)):
        if value not in options:
            raise BadInputError(f"Got {name}={value!r}: expected one of {', '.join(map(repr, options))}.")


def epoch_times(sfreq: int) -> np.ndarray:
    """Give the times of an epoch's samples, seconds from image onset: float64, shape (100,) at 100 Hz."""
    return np.round(START + np.arange(round((STOP - START) * sfreq)) / sfreq, 3)


def chosen_epochs(recording: RawRecording, split: str, sfreq: int, path: Path) -> Epochs:
    """Cut, baseline and resample the trials that are kept (steps 1 to 4).

    Parameters
    ----------
    recording : RawRecording
    split : {"training", "test"}
        Says how many repetitions are kept.
    sfreq : {100, 250}
    path : Path
        Named in errors.

    Raises
    ------
    BadFileError
        An image has too few trials.
    BadInputError
        MNE is not installed.
    """
    before, after = round(-START * SAMPLING_HZ), round(STOP * SAMPLING_HZ)
    whole = (recording.onsets >= before) & (recording.onsets + after < recording.data.shape[1])
    trials = np.flatnonzero(whole & (recording.events != TARGET_EVENT))
    if len(trials) == 0:
        raise BadFileError(
            f"Got no trial of an image with all samples from {START} s to {STOP} s in {path}: expected at least "
            f"{REPETITIONS[split]} of every image. Download it again."
        )
    images, chosen = choose_repetitions(recording.events[trials], REPETITIONS[split], path)
    data = _epochs(recording, trials[chosen].ravel(), sfreq)
    return Epochs(data.reshape(*chosen.shape, *data.shape[1:]), images)


def choose_repetitions(events: np.ndarray, repetitions: int, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Choose the trials of every image: the first of its trials after shuffling them with `SEED`.

    Parameters
    ----------
    events : (trials,) int64 array
        Event number of each trial, in the order of the recording.
    repetitions : int
    path : Path
        Named in errors.

    Returns
    -------
    images : (images,) int64 array
        Event numbers, ascending.
    chosen : (images, repetitions) int64 array
        Indices of trials.

    Raises
    ------
    BadFileError
        An image has too few trials.
    """
    from sklearn.utils import shuffle

    images, counts = np.unique(events, return_counts=True)
    if counts.min() < repetitions:
        rare = images[counts < repetitions]
        raise BadFileError(
            f"Got {int(counts.min())} trials of {len(rare)} images, the first event {rare[0]}, in {path}: expected at "
            f"least {repetitions} of every image in a session. The file may be of another experiment or cut short; "
            "download it again."
        )
    orders = {
        int(count): shuffle(np.arange(count), random_state=SEED, n_samples=repetitions) for count in np.unique(counts)
    }
    trials = np.split(np.argsort(events, kind="stable"), np.cumsum(counts)[:-1])
    return images, np.stack([own[orders[len(own)]] for own in trials])


def merge(sessions: list[Epochs], n_images: int | None, split: str) -> np.ndarray:
    """Put the repetitions of every image from all sessions together and shuffle them; empties the list.

    Parameters
    ----------
    sessions : list of Epochs
        In the order of the sessions; an image need not occur in all of them.
    n_images : int, optional
        How many images there are; the largest event number by default.
    split : {"training", "test"}
        Named in errors.

    Returns
    -------
    (images, repetitions, channels, times) float64 array
        Image n − 1 is event n.

    Raises
    ------
    BadFileError
        An image was not shown, or less often than others.
    """
    from sklearn.utils import shuffle

    n_images = n_images or max(int(epochs.events.max()) for epochs in sessions)
    shown = np.zeros(n_images, dtype=np.int64)
    for epochs in sessions:
        shown[epochs.events - 1] += epochs.data.shape[1]
    if shown.min() < shown.max():
        rare = np.flatnonzero(shown < shown.max()) + 1
        raise BadFileError(
            f"Got {len(rare)} of {n_images} {split} images with fewer than {shown.max()} repetitions over the "
            f"{len(sessions)} sessions, the first event {rare[0]} with {shown[rare[0] - 1]}: expected equally many of "
            "every image. A session's file may stand in another's place; download the raw data again."
        )
    # position[k] is where the shuffled order has the k-th repetition
    position = np.argsort(shuffle(np.arange(shown.max()), random_state=SEED))
    merged = np.empty((n_images, int(shown.max()), *sessions[0].data.shape[2:]))
    filled = np.zeros(n_images, dtype=np.int64)
    while sessions:
        epochs = sessions.pop(0)
        rows, repetitions = epochs.events - 1, epochs.data.shape[1]
        merged[rows[:, None], position[filled[rows, None] + np.arange(repetitions)]] = epochs.data
        filled[rows] += repetitions
        del epochs
    return merged


def _epochs(recording: RawRecording, trials: np.ndarray, sfreq: int) -> np.ndarray:
    """Cut, baseline and resample trials (steps 1 to 3): (trials, 17, times) float64 array, volts."""
    mne = _mne()
    info = mne.create_info(list(CHANNELS), SAMPLING_HZ, "eeg")
    raw = mne.io.RawArray(recording.data, info, verbose="error")
    data = np.empty((len(trials), len(CHANNELS), len(epoch_times(sfreq))))
    for start in range(0, len(trials), _EPOCHS_AT_ONCE):
        block = trials[start : start + _EPOCHS_AT_ONCE]
        # MNE wants onsets in ascending order
        order = np.argsort(block)
        events = np.zeros((len(block), 3), dtype=np.int64)
        events[:, 0] = recording.onsets[block[order]]
        events[:, 2] = 1
        epochs = mne.Epochs(raw, events, tmin=START, tmax=STOP, baseline=(None, 0), preload=True, verbose="error")
        resampled = epochs.resample(sfreq, verbose="error").get_data(copy=False)
        if len(resampled) != len(block):
            raise BadInputError(
                f"Got {len(resampled)} epochs from MNE {mne.__version__}: expected {len(block)}. Please report this."
            )
        data[start + order] = resampled
    return data


def _mne() -> Any:
    try:
        import mne
    except ImportError as error:
        raise RealnetError(
            f"Preprocessing raw EEG needs MNE, which cannot be imported ({error}): "
            "pip install 'brainscore_realnet[eeg]'."
        ) from error
    return mne
