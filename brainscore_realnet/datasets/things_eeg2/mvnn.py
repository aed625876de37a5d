"""Multivariate noise normalisation of a session of THINGS-EEG2, x ← Σ^(−1/2) x, as its authors published it.

Guggenmos, Sterzer & Cichy, NeuroImage 173, 434-447 (2018); Gifford et al. 2022, doi 10.1016/j.neuroimage.2022.119754.
"""

import numpy as np

from brainscore_realnet.datasets.things_eeg2.files import CHANNELS
from brainscore_realnet.errors import BadInputError

MVNN = ("training", "authors", None)
"""Whose covariance whitens: that of the training trials, the mean of training and test as the authors did, none."""


def whitener(training: np.ndarray, test: np.ndarray, mvnn: str | None) -> np.ndarray | None:
    """Compute Σ^(−1/2) of a session from its trials, (images, repetitions, channels, times) float64 arrays.

    Returns
    -------
    (channels, channels) float64 array or None
        Symmetric; from `training` alone, from both with ``mvnn="authors"``, None with ``mvnn=None``.

    Raises
    ------
    BadInputError
        Σ has no inverse: a channel is constant or a sum of others.
    """
    from brainscore_realnet.rsa.noise import inverse_root

    if mvnn is None:
        return None
    sigma = mean_covariance(training)
    if mvnn == "authors":
        sigma = (sigma + mean_covariance(test)) / 2
    flat = [name for name, variance in zip(CHANNELS, np.diag(sigma), strict=False) if not variance > 0]
    if flat:
        raise BadInputError(
            f"Got channels that never vary: {', '.join(flat)}; expected noise in every channel. The recording is "
            "damaged or was zeroed; use the published files."
        )
    return inverse_root(sigma)


def mean_covariance(trials: np.ndarray) -> np.ndarray:
    """Average over images and time points the covariance of an image's trials.

    The published computation is that of `sklearn.discriminant_analysis`: trials are z-scored, shrunk after Ledoit and
    Wolf, and scaled back. With S an image's covariance at a time point (divided by the number of trials) and w the
    weight of Ledoit and Wolf for the z-scored trials,

        Σ = (1 − w) S + w diag(S):

    variances stay, covariances shrink. With two trials w is 0. A channel that does not vary contributes nothing.

    Parameters
    ----------
    trials : (images, repetitions, channels, times) float64 array

    Returns
    -------
    (channels, channels) float64 array
    """
    from brainscore_realnet.rsa.noise import shrunk_covariances

    n_images, _, n_channels, n_times = trials.shape
    total = np.zeros((n_channels, n_channels))
    diagonal = np.arange(n_channels)
    for time in range(n_times):
        responses = trials[..., time]
        scale = responses.std(axis=1)
        z = (responses - responses.mean(axis=1, keepdims=True)) / np.where(scale > 0, scale, 1.0)[:, None]
        covariance, weight, _ = shrunk_covariances(np, z, "ledoit-wolf")
        kept = (1 - weight)[:, None, None] * covariance
        kept[:, diagonal, diagonal] += weight[:, None] * covariance[:, diagonal, diagonal]
        total += (kept * scale[:, :, None] * scale[:, None, :]).sum(axis=0)
    return total / (n_images * n_times)


def whiten(trials: np.ndarray, root: np.ndarray) -> None:
    """Multiply trials (images, repetitions, channels, times) by Σ^(−1/2) in place."""
    for image in trials:
        image[...] = root @ image
