"""EEG representational dissimilarity matrices of a subject, decoded once and kept by content."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from brainscore_realnet.datasets.things_eeg2 import SubjectRecording
from brainscore_realnet.rsa import decoding_rdm, estimate_seconds
from brainscore_realnet.store.results import cached

VERSION = 1
"""Increased whenever the same recording and options lead to other RDMs."""

SPLITS = 3
"""Random halves of one subject's trials that its reliability is averaged over."""


@dataclass(frozen=True)
class Decoding:
    """How EEG RDMs are decoded; the defaults follow NeuroRA's convention."""

    pseudotrial_size: int = 5
    """Trials averaged into one pseudotrial."""
    folds: int = 4
    """Folds of the cross-validation."""
    repeats: int = 5
    """Shuffles of the trials that accuracy is averaged over."""
    seed: int = 0
    """Seed of the shuffles."""


def eeg_rdms(
    recording: SubjectRecording,
    time_indices: np.ndarray,
    decoding: Decoding,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """RDMs of one subject at consecutive time points, from the store when they were computed before.

    Parameters
    ----------
    recording : SubjectRecording
    time_indices : (n_times,) int array
        Consecutive indices into ``recording.times``.
    decoding : Decoding
    progress : callable, optional
        Called with 1 after each time point.

    Returns
    -------
    (n_times, n_images, n_images) float64 array
        Pairwise decoding accuracy, 0 … 1.
    """
    return _eeg_rdms(*_key(recording, time_indices, decoding), recording=recording, progress=progress)


def eeg_half_rdms(
    recording: SubjectRecording,
    time_indices: np.ndarray,
    decoding: Decoding,
    progress: Callable[[int], None] | None = None,
) -> np.ndarray:
    """RDMs of random halves of one subject's trials, for its reliability.

    Returns
    -------
    (2, SPLITS, n_times, n_images, n_images) float64 array
    """
    return _eeg_half_rdms(
        *_key(recording, time_indices, decoding), splits=SPLITS, recording=recording, progress=progress
    )


def missing_seconds(
    recording: SubjectRecording, time_indices: np.ndarray, decoding: Decoding, with_halves: bool
) -> float:
    """Estimate of the time that the RDMs not in the store yet will take, seconds; measured on this machine."""
    key = _key(recording, time_indices, decoding)
    n_images, n_trials, n_channels, _ = recording.data.shape
    jobs: list[tuple[int, np.ndarray | None]] = []  # trials of a decoding, and the data where they can be timed
    if not _eeg_rdms.is_stored(*key, recording=recording, progress=None):
        jobs.append((n_trials, recording.data))
    if with_halves and not _eeg_half_rdms.is_stored(*key, splits=SPLITS, recording=recording, progress=None):
        jobs += [(n_trials // 2, None)] * 2 * SPLITS
    return sum(
        estimate_seconds(
            n_images,
            len(time_indices),
            size,
            n_channels,
            pseudotrial_size=decoding.pseudotrial_size,
            folds=decoding.folds,
            repeats=decoding.repeats,
            trials=trials,
        )
        for size, trials in jobs
    )


def _key(recording: SubjectRecording, time_indices: np.ndarray, decoding: Decoding) -> tuple[str, str, str, int]:
    """Short arguments that name a result by all that determines it: data, times, decoding, version."""
    options = f"svm-{decoding.pseudotrial_size}-{decoding.folds}-{decoding.repeats}-{decoding.seed}"
    return recording.sha256[:32], f"{time_indices[0]}-{time_indices[-1]}", options, VERSION


@cached(identifier_ignore=["recording", "progress"])
def _eeg_rdms(
    data: str,
    times: str,
    options: str,
    version: int,
    recording: SubjectRecording,
    progress: Callable[[int], None] | None,
) -> np.ndarray:
    return _decode(recording.data, times, options, progress)


@cached(identifier_ignore=["recording", "progress"])
def _eeg_half_rdms(
    data: str,
    times: str,
    options: str,
    version: int,
    splits: int,
    recording: SubjectRecording,
    progress: Callable[[int], None] | None,
) -> np.ndarray:
    n_trials = recording.data.shape[1]
    rng = np.random.default_rng([int(options.split("-")[-1]), n_trials])
    halves = [np.array_split(rng.permutation(n_trials)[: n_trials // 2 * 2], 2) for _ in range(splits)]
    return np.stack(
        [
            [_decode(recording.data[:, np.sort(pair[half])], times, options, progress) for pair in halves]
            for half in (0, 1)
        ]
    )


def _decode(data: np.ndarray, times: str, options: str, progress: Callable[[int], None] | None) -> np.ndarray:
    first, last = (int(index) for index in times.split("-"))
    classifier, *numbers = options.split("-")
    pseudotrial_size, folds, repeats, seed = (int(number) for number in numbers)
    return decoding_rdm(
        data,
        classifier=classifier,
        pseudotrial_size=pseudotrial_size,
        folds=folds,
        repeats=repeats,
        seed=seed,
        times=np.arange(first, last + 1),
        progress=progress,
    )
