"""Neural representational dissimilarity matrices of a subject, computed once and kept by content."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Protocol

import numpy as np

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import (
    averaged_times,
    check_decoding_options,
    correlation_rdm,
    crossnobis_rdm,
    decoding_rdm,
    estimate_seconds,
    smoothed,
    tied,
)
from brainscore_realnet.store.results import cached

DECODERS = ("svm", "lda")
"""Classifiers whose accuracy tells two images' responses apart."""

RDMS = (*DECODERS, "crossnobis", "correlation")
"""What two images' responses can be compared by."""

SPLITS = {"svm": 3, "lda": 3, "crossnobis": 3, "correlation": 50}
"""Random halves of one subject's trials that its reliability is averaged over: as many as are quickly computed."""

ENGINE = 3
"""To be counted up when the engine's numbers change: what is stored is then computed anew."""

Progress = Callable[[int], None]
"""Told how many matrices were computed since the last call."""


class Recording(Protocol):
    """One subject's responses."""

    @property
    def subject(self) -> str:
        """Name, such as ``sub-01``."""

    @property
    def sha256(self) -> str:
        """Hash of the responses."""

    @property
    def data(self) -> np.ndarray:
        """(n_images, n_trials, n_channels, n_times) responses; of fMRI, channels are voxels at a single time."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the responses, known before they are read."""


@dataclass(frozen=True)
class Dissimilarity:
    """How neural RDMs are computed; the defaults follow NeuroRA's convention for EEG."""

    rdm: str = "svm"
    """``svm`` or ``lda``: pairwise decoding accuracy; ``crossnobis``: cross-validated Mahalanobis distance (every trial
    a fold, noise covariance of the trials at the same time); ``correlation``: 1 − Pearson over channels between the
    means of the trials. The options of decoding mean nothing to the last two."""
    pseudotrial_size: int = 5
    """Trials averaged into one pseudotrial."""
    folds: int = 4
    """Folds of the cross-validation."""
    repeats: int = 5
    """Shuffles of the trials that accuracy is averaged over."""
    seed: int = 0
    """Seed of the shuffles, not negative."""
    smooth: int | None = None
    """Neighbouring time points that RDMs are averaged over, an odd number."""
    weighting: str | None = None
    """``decision``: mean decision value instead of accuracy."""

    def __post_init__(self) -> None:
        if self.rdm not in RDMS:
            raise BadInputError(f"Got rdm={self.rdm!r}; expected one of {', '.join(RDMS)}.")
        decoding = {name: getattr(self, name) for name in (*_DECODING, "smooth")}
        check_decoding_options(self.rdm if self.rdm in DECODERS else "svm", **decoding)
        if self.rdm not in DECODERS:
            meaningless = [name for name in _DECODING if getattr(self, name) != _DEFAULTS[name]]
            if meaningless:
                raise BadInputError(
                    f"Got {', '.join(meaningless)} with rdm={self.rdm!r}, which does not decode; leave them away."
                )

    @property
    def method(self) -> str:
        """What the entries of an RDM are; only RDMs of one method are compared with each other."""
        smoothed = f", mean of {self.smooth} time points" if self.smooth else ""
        if self.rdm == "crossnobis":
            return f"crossnobis distance, every trial a fold, noise covariance of the trials at the same time{smoothed}"
        if self.rdm == "correlation":
            return f"1 - Pearson between mean responses{smoothed}"
        what = "decision value" if self.weighting == "decision" else "accuracy"
        how = f"{self.pseudotrial_size} trials a pseudotrial, {self.folds} folds, {self.repeats} repeats"
        return f"{self.rdm} {what}, {how}, seed {self.seed}{smoothed}"

    @property
    def unsmoothed_method(self) -> str:
        """What the entries are before smoothing, as RDMs are stored."""
        return replace(self, smooth=None).method

    @property
    def is_accuracy(self) -> bool:
        """Whether entries are proportions of correct classifications."""
        return self.rdm in DECODERS and self.weighting is None

    @property
    def splits(self) -> int:
        """Random halves of the trials that a subject's reliability is averaged over."""
        return SPLITS[self.rdm]

    @property
    def matrices(self) -> dict[str, int]:
        """RDMs at a time point of each kind: of all trials, and of both halves of every split."""
        return {"whole": 1, "halves": 2 * self.splits}


_DECODING = ("pseudotrial_size", "folds", "repeats", "seed", "weighting")
_DEFAULTS = {field.name: field.default for field in fields(Dissimilarity)}


@dataclass(frozen=True, eq=False)
class NeuralRDMs:
    """RDMs and what their entries are."""

    values: np.ndarray
    """(..., n_images, n_images) float64."""
    method: str
    """As :attr:`Dissimilarity.method`."""


def stacked(rdms: Sequence[NeuralRDMs]) -> NeuralRDMs:
    """Put RDMs behind each other along a new first axis; raises BadInputError unless their methods are the same."""
    methods = sorted({each.method for each in rdms})
    if len(methods) != 1:
        raise BadInputError(
            f"Got RDMs of different methods ({'; '.join(methods)}); expected one. Their scales differ: compute all of "
            "them with the same options."
        )
    return NeuralRDMs(np.stack([each.values for each in rdms]), methods[0])


Key = tuple[str | int | None, ...]


def whole_rdms(
    recording: Recording,
    time_indices: np.ndarray,
    dissimilarity: Dissimilarity,
    progress: Progress | None = None,
    version: int = 1,
) -> NeuralRDMs:
    """RDMs of one subject; each time point is computed once and kept.

    Parameters
    ----------
    recording : Recording
    time_indices : (n_times,) int array
        Into the last dimension of ``recording.data``.
    dissimilarity : Dissimilarity
    progress : callable, optional
        Called with 1 after each time point that was not in the store.
    version : int
        Of the benchmark that asks; another version computes anew.

    Returns
    -------
    NeuralRDMs
        (n_times, n_images, n_images).

    Raises
    ------
    BadInputError
        The recording cannot be decoded so, or the store holds an RDM of another method under this key.
    """
    key = _key(recording, dissimilarity, version)
    needed = _needed(recording, time_indices, dissimilarity)
    found = {at: _stored_rdm(key, at, recording, dissimilarity, progress) for at in needed}
    return _averaged(found, recording, time_indices, dissimilarity)


def half_rdms(
    recording: Recording,
    time_indices: np.ndarray,
    dissimilarity: Dissimilarity,
    progress: Progress | None = None,
    version: int = 1,
) -> NeuralRDMs:
    """RDMs of random halves of one subject's trials, for its reliability.

    Parameters
    ----------
    recording, time_indices, dissimilarity, progress, version
        As in :func:`whole_rdms`; a time point counts two for each split.

    Returns
    -------
    NeuralRDMs
        (2, n_splits, n_times, n_images, n_images).
    """
    key = _key(recording, dissimilarity, version)
    needed = _needed(recording, time_indices, dissimilarity)
    found = {at: _stored_half_rdms(key, at, dissimilarity.splits, recording, dissimilarity, progress) for at in needed}
    halves = _averaged(found, recording, time_indices, dissimilarity)
    return NeuralRDMs(np.moveaxis(halves.values, 0, 2), halves.method)


COMPUTE = {"whole": whole_rdms, "halves": half_rdms}
"""The kinds of RDMs of a subject: of all trials, and of random halves of them."""


@dataclass(frozen=True)
class Work:
    """How much of one kind of a subject's RDMs is in the store."""

    subject: str
    kind: str
    """``whole`` or ``halves``."""
    matrices: int
    """RDMs that are wanted."""
    missing: int
    """Those that are not in the store yet."""
    seconds: float
    """Estimate of the time that they will take on this machine, measured."""


def work(
    recording: Recording, time_indices: np.ndarray, dissimilarity: Dissimilarity, kind: str, version: int = 1
) -> Work:
    """Look up what is stored and estimate how long the rest will take; arguments as in :func:`whole_rdms`."""
    stored = _stored(recording, time_indices, dissimilarity, kind, version)
    missing, n_trials = stored.count(False), recording.shape[1]
    if kind == "whole":
        seconds = _estimate(recording, dissimilarity, missing, n_trials, recording.data)
    else:
        seconds = dissimilarity.matrices[kind] * _estimate(recording, dissimilarity, missing, n_trials // 2, None)
    matrices = dissimilarity.matrices[kind]
    return Work(recording.subject, kind, matrices * len(stored), matrices * missing, seconds)


def count_missing(
    recording: Recording, time_indices: np.ndarray, dissimilarity: Dissimilarity, kind: str, version: int = 1
) -> int:
    """Count the RDMs that are not in the store; arguments as in :func:`work`."""
    return dissimilarity.matrices[kind] * _stored(recording, time_indices, dissimilarity, kind, version).count(False)


def _stored(
    recording: Recording, time_indices: np.ndarray, dissimilarity: Dissimilarity, kind: str, version: int
) -> list[bool]:
    """Whether the RDMs are in the store, for every time point that is needed."""
    key = _key(recording, dissimilarity, version)
    needed = _needed(recording, time_indices, dissimilarity)
    if kind == "whole":
        return [_stored_rdm.is_stored(key, at, recording, dissimilarity, None) for at in needed]
    return [_stored_half_rdms.is_stored(key, at, dissimilarity.splits, recording, dissimilarity, None) for at in needed]


def _estimate(
    recording: Recording, dissimilarity: Dissimilarity, n_times: int, n_trials: int, trials: np.ndarray | None
) -> float:
    """Seconds for RDMs of ``n_trials`` at ``n_times`` time points, timed on ``trials`` or on noise."""
    if n_times == 0:
        return 0.0
    if dissimilarity.rdm not in DECODERS:
        started = time.perf_counter()
        _compute(recording.data, dissimilarity, dissimilarity.seed, [0])
        return (time.perf_counter() - started) * n_times * n_trials / recording.shape[1]
    n_images, _, n_channels, _ = recording.shape
    return estimate_seconds(
        n_images,
        n_times,
        n_trials,
        n_channels,
        dissimilarity.rdm,
        dissimilarity.pseudotrial_size,
        dissimilarity.folds,
        dissimilarity.repeats,
        trials,
    )


def _key(recording: Recording, dissimilarity: Dissimilarity, version: int) -> Key:
    """Everything but the time that determines a matrix: data, method and its options, version."""
    options = [getattr(dissimilarity, name) for name in _DECODING]
    return (recording.sha256[:32], dissimilarity.rdm, *options, ENGINE, version)


def _needed(recording: Recording, time_indices: np.ndarray, dissimilarity: Dissimilarity) -> list[int]:
    """Time points whose RDMs the wanted ones are averages of."""
    return averaged_times(time_indices, recording.shape[3], dissimilarity.smooth)


def _averaged(
    found: dict[int, dict[str, Any]],
    recording: Recording,
    time_indices: np.ndarray,
    dissimilarity: Dissimilarity,
) -> NeuralRDMs:
    method = dissimilarity.unsmoothed_method
    for at, entry in found.items():
        if entry["method"] != method:
            raise BadInputError(
                f"Got a stored RDM of {recording.subject} at time point {at} that is '{entry['method']}'; expected "
                f"'{method}'. Delete the store's cache folder: it was changed by hand."
            )
    rdms = {at: entry["rdm"] for at, entry in found.items()}
    values = smoothed(rdms, time_indices, recording.shape[3], dissimilarity.smooth)
    return NeuralRDMs(tied(values) if dissimilarity.is_accuracy else values, dissimilarity.method)


@cached(identifier_ignore=["recording", "dissimilarity", "progress"])
def _stored_rdm(
    key: Key, time_index: int, recording: Recording, dissimilarity: Dissimilarity, progress: Progress | None
) -> dict[str, Any]:
    """RDM (n_images, n_images) at one time point, with its method."""
    (rdm,) = _compute(recording.data, dissimilarity, dissimilarity.seed, [time_index])
    if progress is not None:
        progress(1)
    return {"rdm": rdm, "method": dissimilarity.unsmoothed_method}


@cached(identifier_ignore=["recording", "dissimilarity", "progress"])
def _stored_half_rdms(
    key: Key,
    time_index: int,
    splits: int,
    recording: Recording,
    dissimilarity: Dissimilarity,
    progress: Progress | None,
) -> dict[str, Any]:
    """RDMs (2, splits, n_images, n_images) of disjoint halves of the trials at one time point, with their method."""
    responses = np.array(recording.data[..., time_index, None])
    n_images, n_trials = responses.shape[:2]
    rdms = np.empty((2, splits, n_images, n_images))
    for split in range(splits):
        # The same halves at all time points: noise outlasts a sample, and smoothing must not bring it to both.
        order = np.random.default_rng([dissimilarity.seed, split]).permutation(n_trials)
        for half, trials in enumerate(np.split(order[: n_trials // 2 * 2], 2)):
            (seed,) = np.random.SeedSequence([dissimilarity.seed, split, half, time_index]).generate_state(1)
            (rdms[half, split],) = _compute(responses[:, trials], dissimilarity, int(seed), None)
            if progress is not None:
                progress(1)
    return {"rdm": rdms, "method": dissimilarity.unsmoothed_method}


def _compute(trials: np.ndarray, dissimilarity: Dissimilarity, seed: int, times: list[int] | None) -> np.ndarray:
    """(n_times, n_images, n_images) RDMs of (n_images, n_trials, n_channels, all times) trials, not smoothed."""
    if dissimilarity.rdm == "crossnobis":
        return crossnobis_rdm(trials, times=times)
    if dissimilarity.rdm == "correlation":
        wanted = range(trials.shape[3]) if times is None else times
        return np.stack([correlation_rdm(trials[..., at].mean(axis=1)) for at in wanted])
    return decoding_rdm(
        trials,
        dissimilarity.rdm,
        pseudotrial_size=dissimilarity.pseudotrial_size,
        folds=dissimilarity.folds,
        repeats=dissimilarity.repeats,
        seed=seed,
        weighting=dissimilarity.weighting,
        times=times,
    )
