"""Linear support vector machines that tell every pair of images apart."""

from __future__ import annotations

import time
import warnings
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa._threads import one_at_a_time
from brainscore_realnet.rsa._trials import check_folds, checked_pseudotrials

SOLVER_TOLERANCE = 1e-4
"""libsvm's stopping criterion for the dual; NeuroRA sets the same, libsvm's and scikit-learn's default is 1e-3."""

MAX_STEPS = 10_000_000
"""libsvm's bound on the steps of one classifier."""

FLOAT32_STEPS = 50_000
"""Steps of a fold after which float64 takes over: float32 would have converged, or never will."""

SMALLEST_C = 1e-300
"""Of responses so small that all samples are support vectors at the bound, whatever it is."""

FEWEST_PAIRS = 4
"""Pairs of the first call of the compiled solver; the next ones follow from its speed."""

CALL_SECONDS = 0.5
"""How long a call is to last: Ctrl-C is heard between calls."""


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
        Shapes that do not fit, NaN or infinity, a C that is not positive, a fold that holds all pseudotrials of an
        image and so leaves none to train on, or folds that hold out more of one image than of another.

    Warns
    -----
    RuntimeWarning
        Classifiers did not converge within libsvm's bound on steps.
    """
    values = checked_pseudotrials(pseudotrials)
    labels = np.asarray(folds)
    check_folds(labels, values.shape[:2])
    if not isinstance(C, int | float | np.number) or not (np.isfinite(C) and C > 0):
        raise BadInputError(f"Got C={C!r}; expected a positive number.")
    distinct, codes = np.unique(labels, return_inverse=True)
    rows, columns = np.triu_indices(len(values), 1)
    return decision_values(values, codes.reshape(labels.shape), len(distinct), rows, columns, C)


def svm_evidence(
    module: Any, pseudotrials: NDArray[np.float64], fold_sizes: list[int], weighting: str | None
) -> NDArray[np.float64]:
    """Average over repeats and folds how well an SVM tells the images of each pair apart; as `lda_evidence`."""
    repeats, n_images, m, n_channels = pseudotrials.shape
    rows, columns = np.triu_indices(n_images, 1)
    # All repeats are solved together: a few long calls keep the cores busier than many short ones.
    first = (n_images * np.arange(repeats)[:, None] + rows).ravel()
    second = first + np.tile(columns - rows, repeats)
    labels = np.tile(np.repeat(np.arange(len(fold_sizes)), fold_sizes), (repeats * n_images, 1))
    decisions = decision_values(pseudotrials.reshape(-1, m, n_channels), labels, len(fold_sizes), first, second, 1.0)
    is_second = np.repeat([False, True], m)
    correct = (decisions >= 0) == is_second
    evidence = np.where(is_second, decisions, -decisions) if weighting == "decision" else correct
    # Every fold weighs the same, whatever its size.
    share = np.repeat(1 / (2 * len(fold_sizes) * np.array(fold_sizes)), fold_sizes)
    rdm = np.zeros((n_images, n_images))
    rdm[rows, columns] = (evidence @ np.tile(share, 2)).reshape(repeats, -1).mean(axis=0)
    return rdm + rdm.T


def decision_values(
    pseudotrials: NDArray[Any],
    folds: NDArray[np.integer],
    n_folds: int,
    first: NDArray[np.integer],
    second: NDArray[np.integer],
    C: float,
) -> NDArray[np.float64]:
    """Return the held-out decision values (n_pairs, 2m) of some pairs of images; folds are labelled 0 … n_folds - 1."""
    from brainscore_realnet.rsa import _smo

    centred = pseudotrials - pseudotrials.mean(axis=(0, 1), dtype=np.float64)
    # In units of their spread, with C in its square, decision values stay the same and nothing overflows.
    peak = float(np.abs(centred).max()) or 1.0
    spread = peak * (float(np.sqrt(np.mean((centred / peak) ** 2))) or 1.0)
    lanes, penalty = _smo.precision(2 * folds.shape[1], max(C * spread**2, SMALLEST_C), SOLVER_TOLERANCE)
    centred /= spread
    folds, first, second = (numbers.astype(np.int64) for numbers in (folds, first, second))
    decisions = np.empty((len(first), 2 * folds.shape[1]))
    found = np.empty(len(first), dtype=np.bool_)
    start, at_once = 0, FEWEST_PAIRS
    while start < len(first):
        part = slice(start, start + at_once)
        started = time.perf_counter()
        with one_at_a_time:
            _smo.solve_pairs(
                lanes, centred, folds, n_folds, first[part], second[part], penalty, SOLVER_TOLERANCE, FLOAT32_STEPS,
                MAX_STEPS, decisions[part], found[part],
            )  # fmt: skip
        start += at_once
        growth = CALL_SECONDS / (time.perf_counter() - started)
        at_once = max(1, int(at_once * min(growth, 8.0)))
    if not found.all():
        warnings.warn(
            f"{np.count_nonzero(~found)} of {len(found)} pairs of images did not converge within {MAX_STEPS} steps; "
            "their accuracies are approximate. Bring all channels to units of their noise (`whiten`).",
            RuntimeWarning,
            stacklevel=3,
        )
    return decisions
