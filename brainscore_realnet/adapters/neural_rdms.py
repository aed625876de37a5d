"""EEG representational dissimilarity matrices of a subject, decoded once and kept by content."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from brainscore_realnet.datasets.things_eeg2 import SubjectRecording
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import decoding_rdm, estimate_seconds
from brainscore_realnet.store.results import cached

SPLITS = 3
"""Random halves of one subject's trials that its reliability is averaged over."""

Progress = Callable[[int], None]
"""Told how many matrices were computed since the last call."""


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
    """Seed of the shuffles, not negative."""

    def __post_init__(self) -> None:
        if min(self.pseudotrial_size, self.repeats) < 1 or self.folds < 2 or self.seed < 0:
            raise BadInputError(
                f"Got pseudotrial_size={self.pseudotrial_size}, folds={self.folds}, repeats={self.repeats}, "
                f"seed={self.seed}; expected at least 1, 2, 1 and 0."
            )


Key = tuple[str | int, ...]


def eeg_rdms(
    recording: SubjectRecording,
    time_indices: np.ndarray,
    decoding: Decoding,
    progress: Progress | None = None,
    version: int = 1,
) -> np.ndarray:
    """RDMs of one subject; each time point is computed once and kept.

    Parameters
    ----------
    recording : SubjectRecording
    time_indices : (n_times,) int array
        Into ``recording.times``.
    decoding : Decoding
    progress : callable, optional
        Called with 1 after each time point that was not in the store.
    version : int
        Of the benchmark that asks; another version computes anew.

    Returns
    -------
    (n_times, n_images, n_images) float64 array
        Pairwise decoding accuracy, 0 … 1.
    """
    key = _key(recording, decoding, version)
    return np.stack([_rdm(key, int(index), recording, decoding, progress) for index in time_indices])


def eeg_half_rdms(
    recording: SubjectRecording,
    time_indices: np.ndarray,
    decoding: Decoding,
    progress: Progress | None = None,
    version: int = 1,
) -> np.ndarray:
    """RDMs of random halves of one subject's trials, for its reliability.

    Parameters
    ----------
    recording, time_indices, decoding, progress, version
        As in :func:`eeg_rdms`; a time point counts ``2 * SPLITS``.

    Returns
    -------
    (2, SPLITS, n_times, n_images, n_images) float64 array
    """
    key = _key(recording, decoding, version)
    halves = [_half_rdms(key, int(index), SPLITS, recording, decoding, progress) for index in time_indices]
    return np.stack(halves, axis=2)


def missing_seconds(
    recording: SubjectRecording, time_indices: np.ndarray, decoding: Decoding, with_halves: bool, version: int = 1
) -> float:
    """Estimate of the time that the RDMs not in the store yet will take, seconds; measured on this machine."""
    key = _key(recording, decoding, version)
    n_trials = recording.data.shape[1]
    missing = sum(not _rdm.is_stored(key, int(index), recording, decoding, None) for index in time_indices)
    seconds = _estimate(recording, decoding, missing, n_trials, recording.data)
    if with_halves:
        stored = [_half_rdms.is_stored(key, int(at), SPLITS, recording, decoding, None) for at in time_indices]
        seconds += 2 * SPLITS * _estimate(recording, decoding, stored.count(False), n_trials // 2, None)
    return seconds


def _estimate(
    recording: SubjectRecording, decoding: Decoding, n_times: int, n_trials: int, trials: np.ndarray | None
) -> float:
    """Seconds for RDMs at ``n_times`` time points, timed on ``trials`` or on noise."""
    if n_times == 0:
        return 0.0
    n_images, _, n_channels, _ = recording.data.shape
    return estimate_seconds(
        n_images,
        n_times,
        n_trials,
        n_channels,
        pseudotrial_size=decoding.pseudotrial_size,
        folds=decoding.folds,
        repeats=decoding.repeats,
        trials=trials,
    )


def _key(recording: SubjectRecording, decoding: Decoding, version: int) -> Key:
    """Everything but the time that determines a matrix: data, classifier and its options, version."""
    options = (decoding.pseudotrial_size, decoding.folds, decoding.repeats, decoding.seed)
    return (recording.sha256[:32], "svm", *options, version)


@cached(identifier_ignore=["recording", "decoding", "progress"])
def _rdm(
    key: Key, time_index: int, recording: SubjectRecording, decoding: Decoding, progress: Progress | None
) -> np.ndarray:
    """(n_images, n_images) RDM at one time point."""
    (rdm,) = _decode(recording.data, decoding, decoding.seed, [time_index])
    if progress is not None:
        progress(1)
    return rdm


@cached(identifier_ignore=["recording", "decoding", "progress"])
def _half_rdms(
    key: Key, time_index: int, splits: int, recording: SubjectRecording, decoding: Decoding, progress: Progress | None
) -> np.ndarray:
    """(2, splits, n_images, n_images) RDMs of disjoint halves of the trials at one time point."""
    responses = np.array(recording.data[..., time_index, None])
    n_images, n_trials = responses.shape[:2]
    rng = np.random.default_rng([decoding.seed, time_index])
    rdms = np.empty((2, splits, n_images, n_images))
    for split in range(splits):
        for half, trials in enumerate(np.split(rng.permutation(n_trials)[: n_trials // 2 * 2], 2)):
            (rdms[half, split],) = _decode(responses[:, trials], decoding, int(rng.integers(2**31)), None)
            if progress is not None:
                progress(1)
    return rdms


def _decode(trials: np.ndarray, decoding: Decoding, seed: int, times: list[int] | None) -> np.ndarray:
    """(n_times, n_images, n_images) RDMs of (n_images, n_trials, n_channels, all times) trials."""
    return decoding_rdm(
        trials,
        pseudotrial_size=decoding.pseudotrial_size,
        folds=decoding.folds,
        repeats=decoding.repeats,
        seed=seed,
        times=times,
    )
