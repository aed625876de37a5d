"""How similar to the measured RDMs any model could be, given that subjects and halves of the data differ."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa.compare import check_method, compare_rdms, comparison_vectors, vectors_in_metric_space
from brainscore_realnet.rsa.rdm import check_rdm

VANISHING = 1e-12
"""Length below which the mean of unit vectors is rounding error."""


def noise_ceiling(rdms: ArrayLike, method: str = "spearman") -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Bound the mean similarity of the best possible model with the subjects (Nili et al. 2014).

    Subjects are pooled in the metric's own space, so that the pool maximises the mean similarity and `upper` bounds
    every model: for Spearman, z-scored ranks are averaged and correlated by Pearson without ranking again; Pearson
    averages z-scored dissimilarities, cosine unit vectors, cosine_cov whitened ones of unit length; rho_a, whose
    candidates are rank vectors, ranks the mean of the ranks.

    Parameters
    ----------
    rdms : (n_subjects, ..., n, n) array
        RDMs of at least two subjects.
    method : {"spearman", "pearson", "cosine", "cosine_cov", "rho_a"}
        As in `compare_rdms`.

    Returns
    -------
    lower, upper : (...) float64 arrays, scalars for one RDM a subject
        Mean over subjects of the similarity with the pool of the others and with the pool of all.

    Raises
    ------
    BadInputError
        An unknown method, fewer than two subjects, RDMs that `compare_rdms` would refuse, or subjects that cancel.
    """
    # u_s: the unit vector of subject s in the metric's space; p(x): x scaled to unit length (rho_a: ranked again)
    #   upper = mean_s u_sᵀ p(Σ_t u_t),    lower = mean_s u_sᵀ p(Σ_{t≠s} u_t)
    check_method(method)
    checked = check_rdm(rdms, "rdms")
    if checked.ndim < 3 or checked.shape[0] < 2:
        raise BadInputError(
            f"Got rdms of shape {checked.shape}; expected (n_subjects, ..., n, n) with at least 2 subjects. For one "
            "subject use `split_half_reliability` and `single_subject_ceiling`."
        )
    subjects = comparison_vectors(checked, method)
    total = subjects.sum(axis=0)
    upper = _similarity_with_pool(subjects, np.broadcast_to(total, subjects.shape), method)
    lower = _similarity_with_pool(subjects, total - subjects, method)
    return lower, upper


def _similarity_with_pool(
    subjects: NDArray[np.float64], pools: NDArray[np.float64], method: str
) -> NDArray[np.float64]:
    if (np.linalg.norm(pools, axis=-1) < VANISHING).any():
        raise BadInputError(
            "Got subjects whose RDMs cancel when they are averaged, so the ceiling is undefined; expected RDMs with "
            "something in common. Check the order of the images and the sign of the dissimilarities."
        )
    # Equal sums of ranks must stay tied although their rounding errors differ.
    best = vectors_in_metric_space(np.round(pools, 12), method) if method == "rho_a" else _unit(pools)
    return np.clip(np.einsum("s...p,s...p->s...", subjects, best), -1, 1).mean(axis=0)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def split_half_reliability(rdms_a: ArrayLike, rdms_b: ArrayLike, method: str = "spearman") -> NDArray[np.float64]:
    """Estimate the reliability of one subject's RDM from halves of the trials.

    Parameters
    ----------
    rdms_a, rdms_b : (n_splits, ..., n, n) array
        RDMs of the two halves of every split; equal shapes.
    method : {"spearman", "pearson", "cosine", "cosine_cov", "rho_a"}
        As in `compare_rdms`.

    Returns
    -------
    (...) float64 array, a scalar for one RDM a split
        Correlation of the halves, averaged over splits, then corrected for the full number of trials (Spearman-Brown).
        Negative where the halves disagree.

    Raises
    ------
    BadInputError
        Shapes differ or lack the dimension of the splits, or the halves are exactly opposite; and what `compare_rdms`
        refuses.
    """
    # r: mean over splits of the similarity of the halves;  reliability = 2 r / (1 + r)
    first, second = np.shape(rdms_a), np.shape(rdms_b)
    if first != second or len(first) < 3 or first[0] == 0:
        raise BadInputError(
            f"Got rdms_a of shape {first} and rdms_b of shape {second}; expected two equal shapes "
            "(n_splits, ..., n, n). Insert a first dimension of length 1 for a single split."
        )
    half = np.asarray(compare_rdms(rdms_a, rdms_b, method)).mean(axis=0)
    if (half <= -1 + VANISHING).any():
        raise BadInputError(
            "Got halves whose RDMs correlate at -1, for which 2r/(1+r) is undefined; expected halves of the same data. "
            "Check the order of the images in both halves."
        )
    return 2 * half / (1 + half)


def single_subject_ceiling(reliability: ArrayLike) -> NDArray[np.float64]:
    """Bound the similarity of a perfect model with one subject's RDM.

    The reliability itself is no bound: a noise-free model correlates with the data by the square root of it.

    Parameters
    ----------
    reliability : (...) array
        What `split_half_reliability` returns, at most 1.

    Returns
    -------
    (...) float64 array
        Ceilings in [0, 1]; 0 where the reliability is negative.

    Raises
    ------
    BadInputError
        NaN, infinite, or above 1.
    """
    # ceiling = √max(reliability, 0)
    values = np.asarray(reliability, dtype=np.float64)
    if not np.isfinite(values).all() or (values > 1 + 1e-9).any():
        raise BadInputError(
            f"Got reliabilities between {values.min()} and {values.max()}; expected finite values of at most 1. "
            "Pass what `split_half_reliability` returns."
        )
    return np.sqrt(np.clip(values, 0, 1))
