"""Z-scoring and principal components, fitted on training data and applied to any.

    Z = (X − μ) / σ per voxel,  Z = U S Vᵀ,  scores T = Z V_k

with μ, σ and V from training data only. Scores of training data are U_k S_k: uncorrelated, with variance falling.
"""

from dataclasses import dataclass

import numpy as np

from brainscore_realnet.errors import BadInputError

EXACT_UP_TO = 3000
"""Smaller side of the training data up to which the decomposition is exact; beyond it is randomised."""
_EXACT_SHARE = 0.5
"""From this share of all components on the randomised decomposition is no gain, and the exact one is used."""
_SEED = 0


@dataclass(frozen=True)
class Components:
    """What was fitted."""

    mean: np.ndarray
    """(voxels,) float64: μ"""
    scale: np.ndarray
    """(voxels,) float64: σ with n in the denominator; 1 for a voxel that never changes"""
    axes: np.ndarray
    """(components, voxels) float64: rows of V_kᵀ, orthonormal, the largest entry of each positive"""
    explained_variance_ratio: np.ndarray
    """(components,) float64: share of the variance of Z"""
    exact: bool
    """Whether the decomposition was exact"""

    def project(self, responses: np.ndarray) -> np.ndarray:
        """Give scores, shape (stimuli, components), of responses, shape (stimuli, voxels), with the fitted numbers."""
        return ((responses - self.mean) / self.scale) @ self.axes.T


def fit(responses: np.ndarray, n_components: int) -> Components:
    """Fit z-scoring and principal components.

    Parameters
    ----------
    responses : ndarray, shape (stimuli, voxels)
        Training data, float64, finite.
    n_components : int
        As many at most; there are no more than min(stimuli − 1, voxels), since the mean takes one.

    Returns
    -------
    Components

    Raises
    ------
    BadInputError
        Fewer than two stimuli, no component, or no voxel that changes.
    """
    if responses.ndim != 2 or responses.shape[0] < 2 or responses.shape[1] < 1 or n_components < 1:
        raise BadInputError(
            f"Got responses of shape {responses.shape} for {n_components} components: expected at least two "
            "stimuli, one voxel and one component."
        )
    # the mean of equal numbers may be off by a rounding, and a deviation of 1e-17 would count as one
    constant = np.ptp(responses, axis=0) == 0
    mean = np.where(constant, responses[0], responses.mean(axis=0))
    scale = np.where(constant, 1.0, responses.std(axis=0))
    z = (responses - mean) / scale
    total = float((z**2).sum())
    if total == 0:
        raise BadInputError("Got responses that are the same to every stimulus: expected voxels that change.")
    smaller = min(responses.shape)
    n_kept = min(n_components, responses.shape[0] - 1, responses.shape[1])
    exact = smaller <= EXACT_UP_TO or n_kept >= _EXACT_SHARE * smaller
    singular_values, axes = _exact(z) if exact else _randomised(z, n_kept)
    singular_values, axes = singular_values[:n_kept], axes[:n_kept]
    # singular vectors are known up to their sign: make the largest entry positive, so that machines agree
    signs = np.sign(axes[np.arange(n_kept), np.abs(axes).argmax(axis=1)])
    return Components(mean, scale, axes * signs[:, None], singular_values**2 / total, exact)


def _exact(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    _, singular_values, axes = np.linalg.svd(z, full_matrices=False)
    return singular_values, axes


def _randomised(z: np.ndarray, n_components: int) -> tuple[np.ndarray, np.ndarray]:
    from sklearn.utils.extmath import randomized_svd

    _, singular_values, axes = randomized_svd(z, n_components, n_oversamples=20, n_iter=7, random_state=_SEED)
    return singular_values, axes
