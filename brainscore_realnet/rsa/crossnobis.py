"""Cross-validated Mahalanobis distances between images, at every time point.

Walther et al., NeuroImage 137, 188-200 (2016); Guggenmos et al., NeuroImage 173, 434-447 (2018).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa._device import as_numpy, on_device
from brainscore_realnet.rsa._time_points import time_points
from brainscore_realnet.rsa._trials import checked_times, checked_trials, refuse_flat_channels, refuse_same_trials
from brainscore_realnet.rsa.noise import (
    check_covariance,
    checked_labels,
    inverse_root,
    mean_covariance,
)

NOISES = ("mvnn", "identity")


def crossnobis_rdm(
    trials: NDArray[Any],
    folds: int | ArrayLike | None = None,
    noise: str | ArrayLike = "mvnn",
    times: Sequence[int] | NDArray[np.integer] | None = None,
    device: Any = None,
) -> NDArray[np.float64]:
    """Compute the cross-validated Mahalanobis distance of all pairs of images at every time point.

    Distances are squared and, with a given covariance, unbiased: their expectation is zero where two images evoke the
    same response, so that some of them are negative. They are kept as they are.

    Parameters
    ----------
    trials : (n_images, n_trials, n_channels, n_times) array of real numbers
        Responses. Memory maps are read in blocks of time points and never copied whole.
    folds : None, int or (n_trials,) array of labels
        What is averaged before images are compared: nothing (every trial is a fold), contiguous groups of trials (as
        `np.array_split` cuts them), or the trials of one label, such as a session. All folds weigh the same.
    noise : {"mvnn", "identity"} or array
        "mvnn": the covariance of all trials at that time point, `noise_covariance(trials, over="time")`; "identity":
        none, squared Euclidean distances; or a covariance (not a precision) of shape (n_channels, n_channels) or
        (n_times, n_channels, n_channels), such as that of the whole epoch, `noise_covariance(trials)`. Estimated from
        the same trials, a covariance fits them too well, which leaves a bias of about
        2 (n_channels + 1) / (n_images n_trials²): 3e-5 for 200 images, 80 trials and 17 channels.
    times : sequence of int, optional
        Indices of the time points to compute, in the order wanted; all by default.
    device : None or torch device, such as "cuda:0"
        Where to compute; None is NumPy.

    Returns
    -------
    (n_times, n_images, n_images) float64 array
        Distances divided by the number of channels, exactly symmetric, with an exactly zero diagonal; `len(times)`
        matrices if `times` is given.

    Raises
    ------
    BadInputError
        Trials of another shape or dtype or with NaN or infinity, two images with the same trials, a channel that does
        not vary, fewer than two folds, a covariance that does not fit or has no inverse, or an unknown noise.
    """
    data = checked_trials(trials)
    n_images, n_trials, n_channels, n_times = data.shape
    averaging = _averaging_matrix(folds, n_trials)
    indices = checked_times(times, n_times)
    roots = _given_roots(noise, n_channels, n_times)
    refuse_same_trials(data, indices)
    rdms = np.empty((len(indices), n_images, n_images))
    for position, (module, responses) in enumerate(time_points(data, indices, device=device)):
        time = indices[position]
        if isinstance(noise, str) and noise == "mvnn":
            refuse_flat_channels(responses, responses[:, :1], time)
            roots[time] = inverse_root(mean_covariance(module, responses, "ledoit-wolf"))
        else:
            refuse_flat_channels(responses, responses[:1, :1], time)
        root = None if roots[time] is None else on_device(roots[time], device)[1]
        means = responses if averaging is None else on_device(averaging, device)[1] @ responses
        rdms[position] = as_numpy(_distances(module, means, root))
    if not np.isfinite(rdms).all():
        raise BadInputError(
            "Got responses whose squares exceed float64; expected magnitudes below 1e150. Rescale the responses."
        )
    return rdms


def _distances(module: Any, means: Any, root: Any | None) -> Any:
    """Return the distances (n, n) between images from their means (n, n_folds, n_channels), which are overwritten."""
    # With x_i^a the mean of image i in fold a, whitened by the root, of f folds and c channels, the sum of the products
    # of all folds less those of each fold with itself,
    #   P_ij = (Σ_a x_i^a)ᵀ (Σ_a x_j^a) - Σ_a (x_i^a)ᵀ x_j^a,
    # gives the mean over the pairs of folds a ≠ b of (x_i^a - x_j^a)ᵀ (x_i^b - x_j^b) / c:
    #   d_ij = (P_ii + P_jj - 2 P_ij) / (c f (f - 1))
    n_images, n_folds, n_channels = means.shape
    with np.errstate(invalid="ignore", over="ignore"):
        # A response common to all images leaves their differences as they are, but would cost the products digits.
        means -= means.mean(axis=0)
        if root is not None:
            means = (means.reshape(-1, n_channels) @ root).reshape(n_images, n_folds, n_channels)
        sums = module.einsum("ifc->ic", means)
        flat = means.reshape(n_images, -1)
        products = sums @ sums.T - flat @ flat.T
        own = module.diagonal(products)
        distances = own[:, None] + own - (products + products.T)
        return distances / (n_channels * n_folds * (n_folds - 1))


def _averaging_matrix(folds: int | ArrayLike | None, n_trials: int) -> NDArray[np.float64] | None:
    """Return the matrix (folds, n_trials) that averages the trials of every fold, None if each trial is one."""
    if folds is None:
        labels: NDArray[Any] = np.arange(n_trials)
    elif isinstance(folds, int | np.integer) and not isinstance(folds, bool):
        if not 2 <= folds <= n_trials:
            raise BadInputError(
                f"Got folds={folds} for {n_trials} trial(s) an image; expected a number from 2 to the number of trials."
            )
        labels = np.repeat(np.arange(folds), [len(part) for part in np.array_split(np.arange(n_trials), folds)])
    else:
        labels = checked_labels(folds, n_trials, "folds")
    distinct = np.unique(labels)
    if len(distinct) < 2:
        raise BadInputError(
            f"Got {n_trials} trial(s) an image in {len(distinct)} fold; expected at least 2 folds, because distances "
            "are products of independent differences. Use more trials or other folds."
        )
    if len(distinct) == n_trials:
        return None
    members = (labels == distinct[:, None]).astype(np.float64)
    return members / members.sum(axis=1, keepdims=True)


def _given_roots(noise: str | ArrayLike, n_channels: int, n_times: int) -> list[NDArray[np.float64] | None]:
    """Return the inverse root of a given covariance for every time point, None for the other kinds of noise."""
    if isinstance(noise, str):
        if noise not in NOISES:
            raise BadInputError(f"Got noise={noise!r}; expected one of {', '.join(NOISES)}, or a covariance.")
        return [None] * n_times
    roots = inverse_root(check_covariance(noise, n_channels, n_times))
    return list(roots) if roots.ndim == 3 else [roots] * n_times
