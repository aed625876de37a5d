"""What a decoding RDM can be computed from: every check raises BadInputError and says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.errors import BadInputError

CLASSIFIERS = ("svm",)


def check_options(classifier: str, smooth: int | None, weighting: str | None) -> None:
    """Refuse classifiers, smoothing and weighting that there are not."""
    if classifier not in CLASSIFIERS:
        raise BadInputError(f"Got classifier={classifier!r}; expected one of {', '.join(CLASSIFIERS)}.")
    if smooth is not None:
        raise BadInputError(f"Got smooth={smooth!r}; the only valid value is None. Smooth the trials beforehand.")
    if weighting is not None:
        raise BadInputError(f"Got weighting={weighting!r}; the only valid value is None.")


def pseudotrial_count(n_trials: int, pseudotrial_size: int, folds: int, repeats: int, seed: int) -> int:
    """Return the number m of pseudotrials of each image; refuse sizes and counts that leave a fold empty."""
    for name, value, least in (
        ("pseudotrial_size", pseudotrial_size, 1),
        ("folds", folds, 2),
        ("repeats", repeats, 1),
        ("seed", seed, 0),
    ):
        if not isinstance(value, int | np.integer) or isinstance(value, bool) or value < least:
            raise BadInputError(f"Got {name}={value!r}; expected a whole number of at least {least}.")
    m = n_trials // pseudotrial_size
    if m < folds:
        raise BadInputError(
            f"Got {n_trials} trials an image, which make {m} pseudotrial(s) of {pseudotrial_size}; expected at least "
            f"one a fold ({folds}). Use a smaller pseudotrial_size, fewer folds, or more trials."
        )
    return int(m)


def checked_trials(trials: NDArray[Any]) -> NDArray[Any]:
    """Return the trials (n_images, n_trials, n_channels, n_times) as an array, memory maps as they are."""
    data = np.asanyarray(trials)
    if data.ndim != 4 or data.dtype.kind not in "fiub" or data.shape[0] < 2 or 0 in data.shape:
        raise BadInputError(
            f"Got trials of shape {data.shape} and dtype {data.dtype}; expected real numbers of shape "
            "(n_images, n_trials, n_channels, n_times) with at least 2 images."
        )
    return data


def checked_times(times: Sequence[int] | NDArray[np.integer] | None, n_times: int) -> NDArray[np.integer]:
    """Return the indices of the time points to compute."""
    if times is None:
        return np.arange(n_times)
    indices = np.asarray(times)
    if indices.ndim != 1 or indices.size == 0 or indices.dtype.kind not in "iu":
        raise BadInputError(f"Got times={times!r}; expected a sequence of indices of time points, or None for all.")
    if indices.min() < 0 or indices.max() >= n_times:
        raise BadInputError(
            f"Got times between {indices.min()} and {indices.max()}; expected indices of 0 to {n_times - 1}."
        )
    return indices


def refuse_not_finite(data: NDArray[Any], indices: NDArray[np.integer]) -> None:
    """Refuse NaN and infinity at the given time points, with their place."""
    for index in indices:
        bad = np.argwhere(~np.isfinite(data[..., index]))
        if bad.size:
            image, trial, channel = bad[0]
            raise BadInputError(
                f"Got {data[image, trial, channel, index]} in image {image}, trial {trial}, channel {channel}, time "
                f"{index}; expected finite responses. Leave out the channels or trials that have no data."
            )


def check_folds(labels: NDArray[Any], shape: tuple[int, ...]) -> None:
    """Refuse labels that are not whole numbers of `shape` (n_images, m), or leave an image without training samples."""
    if labels.shape != shape or labels.dtype.kind not in "iu":
        raise BadInputError(
            f"Got folds of shape {labels.shape} and dtype {labels.dtype}; expected whole numbers of shape {shape}, one "
            "label a pseudotrial."
        )
    lone = np.flatnonzero((labels == labels[:, :1]).all(axis=1))
    if lone.size:
        raise BadInputError(
            f"Got image {lone[0]} with all {shape[1]} pseudotrials in one fold, which leaves none to train on; "
            "expected at least 2 folds an image."
        )
