"""What RDMs of trials can be computed from: every check raises BadInputError and says what to do."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa._device import as_numpy

CLASSIFIERS = ("svm", "lda")
WEIGHTINGS = (None, "decision")


def check_decoding_options(
    classifier: str = "svm",
    pseudotrial_size: int = 5,
    folds: int = 4,
    repeats: int = 5,
    seed: int = 0,
    smooth: int | None = None,
    weighting: str | None = None,
    device: Any = None,
) -> None:
    """Raise BadInputError if `decoding_rdm` cannot compute with these options, whatever the trials."""
    if classifier not in CLASSIFIERS:
        raise BadInputError(f"Got classifier={classifier!r}; expected one of {', '.join(CLASSIFIERS)}.")
    least = {"pseudotrial_size": 1, "folds": 2, "repeats": 1, "seed": 0}
    for (name, fewest), value in zip(least.items(), (pseudotrial_size, folds, repeats, seed), strict=True):
        if not _is_whole(value) or value < fewest:
            raise BadInputError(f"Got {name}={value!r}; expected a whole number of at least {fewest}.")
    if smooth is not None and (not _is_whole(smooth) or smooth < 1 or smooth % 2 == 0):
        raise BadInputError(f"Got smooth={smooth!r}; expected an odd number of time points, or None.")
    if weighting not in WEIGHTINGS:
        raise BadInputError(f"Got weighting={weighting!r}; expected one of {', '.join(map(repr, WEIGHTINGS))}.")
    if classifier == "svm" and device is not None:
        raise BadInputError(
            f"Got device={device!r} with classifier='svm', which is computed on the CPU; expected None."
        )


def pseudotrial_count(n_trials: int, pseudotrial_size: int, folds: int, classifier: str = "svm") -> int:
    """Return the number m of pseudotrials of each image; refuse sizes and counts that leave too few in a fold."""
    m = n_trials // pseudotrial_size
    if m < folds:
        raise BadInputError(
            f"Got {n_trials} trials an image, which make {m} pseudotrial(s) of {pseudotrial_size}; expected at least "
            f"one a fold, {folds * pseudotrial_size} trials for {folds} folds. Use a smaller pseudotrial_size, fewer "
            "folds, or more trials."
        )
    training = m - -(-m // folds)
    if classifier == "lda" and training < 2:
        raise BadInputError(
            f"Got {n_trials} trials an image, which leave {training} pseudotrial of {pseudotrial_size} to train on "
            f"with {folds} folds; LDA needs at least 2 to estimate the noise. Use a smaller pseudotrial_size or more "
            "folds."
        )
    return int(m)


def checked_trials(trials: ArrayLike) -> NDArray[Any]:
    """Return the trials (n_images, n_trials, n_channels, n_times) as an array, memory maps as they are."""
    data = _rectangular(trials, "trials")
    if data.ndim != 4 or data.dtype.kind not in "fiub" or data.shape[0] < 2 or 0 in data.shape:
        raise BadInputError(
            f"Got trials of shape {data.shape} and dtype {data.dtype}; expected real numbers of shape "
            "(n_images, n_trials, n_channels, n_times) with at least 2 images."
        )
    return data


def checked_pseudotrials(pseudotrials: ArrayLike) -> NDArray[np.float64]:
    """Return the pseudotrials (n_images, m, n_channels) as finite float64."""
    values = _rectangular(pseudotrials, "pseudotrials")
    if values.ndim != 3 or values.dtype.kind not in "fiub" or values.shape[0] < 2 or values.shape[2] < 1:
        raise BadInputError(
            f"Got pseudotrials of shape {values.shape} and dtype {values.dtype}; expected real numbers of shape "
            "(n_images, m, n_channels) with at least 2 images."
        )
    if not np.isfinite(values).all():
        image, pseudotrial, channel = np.argwhere(~np.isfinite(values))[0]
        raise BadInputError(
            f"Got {values[image, pseudotrial, channel]} in image {image}, pseudotrial {pseudotrial}, channel {channel};"
            " expected finite responses. Leave out the channels or trials that have no data."
        )
    return values.astype(np.float64, copy=False)


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


def refuse_same_trials(data: NDArray[Any], indices: NDArray[np.integer]) -> None:
    """Refuse two images with the same responses at the given time points."""
    by_first_trial: dict[bytes, list[int]] = {}
    for image, responses in enumerate(data):
        by_first_trial.setdefault(responses[0][:, indices].tobytes(), []).append(image)
    for images in by_first_trial.values():
        for first, second in combinations(images, 2):
            if np.array_equal(data[first][..., indices], data[second][..., indices]):
                raise BadInputError(
                    f"Got the same trials for images {first} and {second}; expected responses of their own for every "
                    "image. Leave one of them out."
                )


def refuse_flat_channels(responses: Any, reference: Any, time: int) -> None:
    """Raise BadInputError if a channel equals its reference throughout.

    Parameters
    ----------
    responses : (n_images, n_trials, n_channels) array or tensor
        Responses at one time point.
    reference : (n_images or 1, 1, n_channels) array or tensor
        Responses in one trial.
    time : int
        What the message calls the time point.
    """
    # As good as never is the first image flat, so that the others are not looked at.
    if (responses[0] == reference[0]).all(axis=0).any():
        flat = np.flatnonzero(as_numpy((responses == reference).all(axis=0).all(axis=0)))
        if flat.size:
            raise BadInputError(
                f"Got channel {flat[0]} without any variation between trials at time {time}; expected channels that "
                "vary. Leave out the flat ones."
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
    held_out = (labels[:, :, None] == np.unique(labels)).sum(axis=1)
    unequal = np.flatnonzero((held_out != held_out[0]).any(axis=1))
    if unequal.size:
        raise BadInputError(
            f"Got folds that hold out {held_out[0].tolist()} pseudotrials of image 0 and "
            f"{held_out[unequal[0]].tolist()} of image {unequal[0]}; expected as many of every image. Classifiers "
            "favour the image that they are trained on more often."
        )


def _rectangular(values: ArrayLike, name: str) -> NDArray[Any]:
    if isinstance(values, np.ma.MaskedArray):
        raise BadInputError(f"Got {name} with a mask; expected responses everywhere. Leave out what is masked.")
    try:
        return np.asanyarray(values)
    except ValueError as error:
        raise BadInputError(
            f"Got {name} that make no array ({error}); expected equally many for every image. Leave out the surplus of "
            "the images that have more: classifiers would favour them."
        ) from error


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
