"""Decoding with the very random numbers of NeuroRA 1.1.6 (``eegRDM_bydecoding``)."""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

HIGHEST_SEED = np.iinfo("i").max

DecisionValues = Callable[..., NDArray[np.float64]]


def replayed_rdm(
    responses: NDArray[np.float64],
    time: int,
    n_times: int,
    pseudotrial_size: int,
    folds: int,
    repeats: int,
    seed: int,
    decision_values: DecisionValues,
) -> NDArray[np.float64]:
    """Decode every ordered pair of images as NeuroRA 1.1.6 does after ``numpy.random.seed(seed)``, without smoothing.

    Parameters
    ----------
    responses : (n_images, n_trials, n_channels) array
        Responses at one time point; NeuroRA is taken to have been given time windows and steps of one sample.
    time, n_times : int
        Index of the time point, and how many NeuroRA was given.
    pseudotrial_size, folds, repeats, seed : int
        NeuroRA's navg, nfolds, nrepeats, and the seed of NumPy's global generator.
    decision_values : callable
        ``decision_values(pseudotrials, folds, n_folds, first, second, C)``, the solver.

    Returns
    -------
    (n_images, n_images) float64 array
        Accuracies; entry (i, j) and entry (j, i) come from other shuffles.
    """
    n_images, n_trials, n_channels = responses.shape
    m = n_trials // pseudotrial_size
    draws = _random_numbers(n_images, n_trials, n_times, folds, repeats, seed)
    pseudotrials = np.empty((len(draws), 2, m, n_channels))
    labels = np.empty((len(draws), 2, m), dtype=np.int64)
    for draw, (i, j, order, states) in enumerate(draws):
        for side, image in enumerate((i, j)):
            chosen = order[order // n_trials == side][: m * pseudotrial_size] % n_trials
            pseudotrials[draw, side] = responses[image, chosen].reshape(m, pseudotrial_size, -1).mean(axis=1)
        labels[draw] = _folds(m, folds, states[time])
    first = np.arange(0, 2 * len(draws), 2)
    decisions = decision_values(
        pseudotrials.reshape(-1, m, n_channels), labels.reshape(-1, m), folds, first, first + 1, 1.0
    )
    correct = (decisions >= 0) == np.repeat([False, True], m)
    held_out = labels.reshape(len(draws), 2 * m, 1) == np.arange(folds)
    accuracies = ((correct[:, :, None] & held_out).sum(axis=1) / held_out.sum(axis=1)).mean(axis=1)
    rdm = np.zeros((n_images, n_images))
    for (i, j, _, _), accuracy in zip(draws, accuracies, strict=True):
        rdm[i, j] += accuracy / repeats
    return rdm


@functools.lru_cache(maxsize=1)
def _random_numbers(
    n_images: int, n_trials: int, n_times: int, folds: int, repeats: int, seed: int
) -> list[tuple[int, int, NDArray[np.intp], list[int]]]:
    """List both images, the order of their trials together, and the seed of the folds at each time point."""
    rng = np.random.RandomState(seed)
    draws = []
    for i in range(n_images):
        for j in range(n_images):
            if i == j:
                continue
            for _ in range(repeats):
                order = rng.permutation(2 * n_trials)
                states = []
                for _ in range(n_times):
                    states.append(int(rng.randint(0, 100)))
                    for _ in range(folds):
                        rng.randint(HIGHEST_SEED)  # scikit-learn seeds libsvm, which does not use it
                draws.append((i, j, order, states))
    return draws


@functools.cache
def _folds(m: int, folds: int, state: int) -> NDArray[np.int64]:
    """Return the folds (2, m) of the pseudotrials of both images."""
    from sklearn.model_selection import StratifiedKFold

    image = np.repeat([0, 1], m)
    labels = np.empty(2 * m, dtype=np.int64)
    for fold, (_, held_out) in enumerate(StratifiedKFold(folds, shuffle=True, random_state=state).split(image, image)):
        labels[held_out] = fold
    return labels.reshape(2, m)
