"""Pairwise decoding RDMs: how well a linear classifier tells two images apart from held-out responses."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa._decoding_input import (
    check_folds,
    check_options,
    checked_times,
    checked_trials,
    pseudotrial_count,
    refuse_not_finite,
)

SOLVER_TOLERANCE = 1e-5
"""libsvm's stopping criterion for the dual; its default is 1e-3, scikit-learn's and NeuroRA's are 1e-3 and 1e-4."""

MAX_ITERATIONS = 10_000_000
"""libsvm's bound on the iterations of one classifier."""


def decoding_rdm(
    trials: NDArray[Any],
    classifier: str = "svm",
    pseudotrial_size: int = 5,
    folds: int = 4,
    repeats: int = 5,
    seed: int = 0,
    smooth: int | None = None,
    weighting: str | None = None,
    times: Sequence[int] | NDArray[np.integer] | None = None,
    *,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
    """Compute the pairwise decoding accuracy of all images at every time point (R24 §2.4).

    For every time point and repeat the trials of each image are shuffled and averaged in groups of
    `pseudotrial_size`; left-over trials are dropped. The m pseudotrials are cut into contiguous folds (as
    `np.array_split` cuts). For each pair of images a linear SVM with C = 1, trained on the pseudotrials outside a
    fold, classifies those inside. The entry is the accuracy, averaged over folds and repeats. Features are not
    scaled, as in NeuroRA, so results depend on the units: in volts the SVM turns into a nearest-mean classifier.

    The random numbers of a repeat and time point follow from `seed`, the repeat and the index of the time point
    alone: neither the selection of times nor the number of threads changes a matrix.

    Parameters
    ----------
    trials : (n_images, n_trials, n_channels, n_times) array of real numbers
        Responses, usually in µV.
    classifier : {"svm"}
        Linear SVM.
    pseudotrial_size : int
        Trials averaged into one pseudotrial.
    folds : int
        Folds of the cross-validation, at least 2 and at most m = n_trials // pseudotrial_size.
    repeats : int
        How often everything is done with newly shuffled trials.
    seed : int
        Seed of the shuffling, not negative.
    smooth, weighting : None
        Reserved; only None is valid.
    times : sequence of int, optional
        Indices of the time points to compute, in the order wanted; all by default.
    progress : callable, optional
        Called with 1 after each time point.

    Returns
    -------
    (n_times, n_images, n_images) float64 array
        Accuracies in [0, 1], exactly symmetric, with a zero diagonal; `len(times)` matrices if `times` is given.

    Raises
    ------
    BadInputError
        Trials of another shape or dtype or with NaN or infinity, or an option that cannot be computed.

    Warns
    -----
    RuntimeWarning
        Classifiers did not converge within libsvm's bound on iterations.
    """
    check_options(classifier, smooth, weighting)
    data = checked_trials(trials)
    n_images, n_trials, _, n_times = data.shape
    m = pseudotrial_count(n_trials, pseudotrial_size, folds, repeats, seed)
    indices = checked_times(times, n_times)
    refuse_not_finite(data, indices)
    rdms = np.zeros((len(indices), n_images, n_images))
    rows, columns = np.triu_indices(n_images, 1)
    for position, index in enumerate(indices):
        responses = np.asarray(data[..., index], dtype=np.float64)
        accuracy = np.zeros(len(rows))
        for repeat in range(repeats):
            rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(repeat, int(index))))
            accuracy += _accuracies(_pseudotrials(responses, m, pseudotrial_size, rng), folds)
        rdms[position, rows, columns] = rdms[position, columns, rows] = accuracy / repeats
        if progress is not None:
            progress(1)
    return rdms


def held_out_decision_values(pseudotrials: ArrayLike, folds: ArrayLike, C: float = 1.0) -> NDArray[np.float64]:
    """Compute the decision value of every pseudotrial for every pair of images, from the fold that held it out.

    Parameters
    ----------
    pseudotrials : (n_images, m, n_channels) array of real numbers
        Responses.
    folds : (n_images, m) array of int
        Label of the fold that holds out each pseudotrial.
    C : float
        Penalty of the SVM, positive.

    Returns
    -------
    (n_images (n_images - 1) / 2, 2 m) float64 array
        Pairs in the order of `np.triu_indices(n_images, 1)`, the samples of the first image first. Negative values
        mean the first image, others the second (scikit-learn's `decision_function` of labels 0 and 1).

    Raises
    ------
    BadInputError
        Shapes that do not fit, NaN or infinity, a C that is not positive, or a fold that holds all pseudotrials of an
        image and so leaves none to train on.

    Warns
    -----
    RuntimeWarning
        Classifiers did not converge within libsvm's bound on iterations.
    """
    from brainscore_realnet.rsa import _svm

    values = np.asarray(pseudotrials)
    labels = np.asarray(folds)
    if values.ndim != 3 or values.dtype.kind not in "fiub" or values.shape[0] < 2 or values.shape[2] < 1:
        raise BadInputError(
            f"Got pseudotrials of shape {values.shape} and dtype {values.dtype}; expected real numbers of shape "
            "(n_images, m, n_channels) with at least 2 images."
        )
    check_folds(labels, values.shape[:2])
    if not (np.isfinite(C) and C > 0):
        raise BadInputError(f"Got C={C}; expected a positive number.")
    if not np.isfinite(values).all():
        image, pseudotrial, channel = np.argwhere(~np.isfinite(values))[0]
        raise BadInputError(
            f"Got {values[image, pseudotrial, channel]} in image {image}, pseudotrial {pseudotrial}, channel {channel};"
            " expected finite responses. Leave out the channels or trials that have no data."
        )
    n_images, m, _ = values.shape
    distinct, codes = np.unique(labels, return_inverse=True)
    flat = values.reshape(n_images * m, -1).astype(np.float64)
    # Σ y α = 0 makes the solution independent of a common shift, and without it inner products keep their digits.
    flat -= flat.mean(axis=0)
    rows, columns = np.triu_indices(n_images, 1)
    decisions = np.empty((len(rows), 2 * m))
    converged = np.empty(len(rows), dtype=np.bool_)
    _svm.pair_decision_values(
        flat @ flat.T,
        codes.reshape(n_images, m).astype(np.int64),
        len(distinct),
        rows.astype(np.int64),
        columns.astype(np.int64),
        float(C),
        SOLVER_TOLERANCE,
        MAX_ITERATIONS,
        decisions,
        converged,
    )
    if not converged.all():
        warnings.warn(
            f"{np.count_nonzero(~converged)} of {len(rows)} pairs of images did not converge within {MAX_ITERATIONS} "
            "iterations; their accuracies are approximate. Scale the responses down (µV rather than nV).",
            RuntimeWarning,
            stacklevel=2,
        )
    return decisions


def estimate_seconds(
    n_images: int,
    n_times: int,
    n_trials: int,
    n_channels: int = 17,
    classifier: str = "svm",
    pseudotrial_size: int = 5,
    folds: int = 4,
    repeats: int = 5,
    trials: NDArray[Any] | None = None,
) -> float:
    """Estimate how long `decoding_rdm` takes on this machine, by timing a small part of it.

    Parameters
    ----------
    n_images, n_times, n_trials, n_channels : int
        Size of the job.
    classifier, pseudotrial_size, folds, repeats
        As in `decoding_rdm`.
    trials : (n_images, n_trials, n_channels, n_times) array, optional
        The data themselves: up to 40 of their images and 3 of their time points are timed. Without them noise of unit
        variance is timed, on which classifiers work longer than on clear differences.

    Returns
    -------
    float
        Seconds, without the compilation on first use.

    Raises
    ------
    BadInputError
        As in `decoding_rdm`.
    """
    check_options(classifier, None, None)
    if min(n_images, n_times, n_trials, n_channels) < 1 or n_images < 2:
        raise BadInputError(
            f"Got n_images={n_images}, n_times={n_times}, n_trials={n_trials}, n_channels={n_channels}; expected "
            "positive numbers and at least 2 images."
        )
    pseudotrial_count(n_trials, pseudotrial_size, folds, repeats, seed=0)
    rng = np.random.default_rng(0)
    sample_images, sample_times = min(n_images, 40), min(n_times, 3)
    if trials is None:
        sample = rng.standard_normal((sample_images, n_trials, n_channels, sample_times))
    else:
        data = checked_trials(trials)
        if data.shape[0] < sample_images or data.shape[1] != n_trials or data.shape[3] < sample_times:
            raise BadInputError(
                f"Got trials of shape {data.shape} for a job of {n_images} images, {n_trials} trials and {n_times} "
                "times; expected the trials of that job."
            )
        images = np.sort(rng.choice(len(data), sample_images, replace=False))
        moments = np.sort(rng.choice(data.shape[3], sample_times, replace=False))
        sample = np.stack([np.asarray(data[..., moment])[images] for moment in moments], axis=-1)
    decoding_rdm(np.zeros((2, 2, 1, 1)), pseudotrial_size=1, folds=2, repeats=1)
    start = time.perf_counter()
    decoding_rdm(sample, classifier, pseudotrial_size, folds, 1)
    elapsed = time.perf_counter() - start
    pairs, sample_pairs = n_images * (n_images - 1), sample_images * (sample_images - 1)
    return elapsed * (pairs / sample_pairs) * (n_times / sample_times) * repeats


def _pseudotrials(responses: NDArray[np.float64], m: int, size: int, rng: np.random.Generator) -> NDArray[np.float64]:
    n_images, n_trials, n_channels = responses.shape
    order = rng.permuted(np.tile(np.arange(n_trials), (n_images, 1)), axis=1)[:, : m * size]
    shuffled = np.take_along_axis(responses, order[:, :, None], axis=1)
    return shuffled.reshape(n_images, m, size, n_channels).mean(axis=2)


def _accuracies(pseudotrials: NDArray[np.float64], folds: int) -> NDArray[np.float64]:
    n_images, m, _ = pseudotrials.shape
    sizes = np.array([len(part) for part in np.array_split(np.arange(m), folds)])
    labels = np.repeat(np.arange(folds), sizes)
    decisions = held_out_decision_values(pseudotrials, np.tile(labels, (n_images, 1)))
    correct = (decisions[:, :m] < 0).astype(np.int64) + (decisions[:, m:] >= 0)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    return (np.add.reduceat(correct, starts, axis=1) / (2 * sizes)).mean(axis=1)
