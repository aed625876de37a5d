"""How far similarities of RDMs would scatter with other images, other subjects, or both: bootstrap."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa.compare import comparison_vectors
from brainscore_realnet.rsa.rdm import check_rdm
from brainscore_realnet.rsa.statistics import check_draws, refuse_few_subjects, values_of_subjects
from brainscore_realnet.rsa.two_factor import TwoFactorBootstrap, combined, multiplicities_of

DRAWS_AT_ONCE = 100
"""Draws whose pair weights are held in memory together (200 images: 16 MB)."""


def bootstrap_stimuli(
    model_rdms: ArrayLike, neural_rdms: ArrayLike, draws: int = 200, seed: int = 0
) -> NDArray[np.float64]:
    """Bootstrap the Spearman similarity over images.

    Parameters
    ----------
    model_rdms : (A, n, n) array, or any leading dimensions
        RDMs of a model's areas.
    neural_rdms : (..., n, n) array
        Measured RDMs of the same images, for example (n_subjects, n_times, n, n).
    draws : int
        Number of bootstrap samples, at least 1.
    seed : int
        Seed of the draws, not negative; the same draws for every pair of RDMs.

    Returns
    -------
    (draws, A, ...) float64 array
        Similarities, one for each draw and pair of RDMs; see `resampled_similarity` for the linearisation.

    Raises
    ------
    BadInputError
        What `compare_rdms` refuses, fewer than one draw, a negative seed, or so few images that a draw leaves nothing
        to correlate.
    """
    check_draws(draws, seed)
    n_images = check_rdm(model_rdms, "model_rdms").shape[-1]
    multiplicities = multiplicities_of(np.random.default_rng(seed), n_images, draws)
    return resampled_similarity(model_rdms, neural_rdms, multiplicities)


def bootstrap_subjects(similarities: ArrayLike, draws: int = 1000, seed: int = 0) -> NDArray[np.float64]:
    """Bootstrap the mean similarity over subjects.

    Parameters
    ----------
    similarities : (n_subjects, ...) array
        Similarities of at least 4 subjects, for example (n_subjects, n_areas, n_times).
    draws : int
        Number of bootstrap samples, at least 1.
    seed : int
        Seed of the draws, not negative; the same draws for all trailing entries.

    Returns
    -------
    (draws, ...) float64 array
        Mean over the subjects of each draw.

    Raises
    ------
    BadInputError
        Fewer than 4 subjects, NaN or infinity (with their place), fewer than one draw, or a negative seed.
    """
    check_draws(draws, seed)
    values = values_of_subjects(similarities, "similarities")
    n_subjects = len(values)
    weights = multiplicities_of(np.random.default_rng(seed), n_subjects, draws) / n_subjects
    return np.tensordot(weights, values, axes=1)


def bootstrap_both(
    model_rdms: ArrayLike, neural_rdms: ArrayLike, draws: int = 1000, seed: int = 0
) -> TwoFactorBootstrap:
    """Bootstrap the mean Spearman similarity over images, over subjects, and over both (Schütt et al. 2023).

    The same draws serve all three, and every pair of RDMs. A pair of an image with its own copy is dropped; see
    `resampled_similarity` for the ranks.

    Parameters
    ----------
    model_rdms : (A, n, n) array, or any leading dimensions
        RDMs of a model's areas.
    neural_rdms : (n_subjects, ..., n, n) array
        Measured RDMs of the same images of at least 4 subjects.
    draws : int
        Number of bootstrap samples, at least 2.
    seed : int
        Seed of the draws, not negative; images are drawn as by `bootstrap_stimuli`.

    Returns
    -------
    TwoFactorBootstrap
        Estimate and variances of shape (A, ...), the corrected variance, standard error and interval.

    Raises
    ------
    BadInputError
        What `compare_rdms` refuses, fewer than 4 subjects or 2 draws, a negative seed, or so few images that a draw
        leaves nothing to correlate.
    """
    check_draws(draws, seed, fewest=2)
    model, neural = check_rdm(model_rdms, "model_rdms"), check_rdm(neural_rdms, "neural_rdms")
    refuse_few_subjects(neural.shape[:-2], "neural_rdms")
    n_images, n_subjects = model.shape[-1], len(neural)
    rng = np.random.default_rng(seed)
    images = np.vstack([np.ones((1, n_images), dtype=np.int64), multiplicities_of(rng, n_images, draws)])
    subjects = multiplicities_of(rng, n_subjects, draws) / n_subjects
    similarity = np.moveaxis(resampled_similarity(model, neural, images), model.ndim - 1, 1)
    return combined(similarity[0], similarity[1:], subjects, n_images)


def resampled_similarity(
    model_rdms: ArrayLike, neural_rdms: ArrayLike, multiplicities: ArrayLike
) -> NDArray[np.float64]:
    """Compute the Spearman similarity of resampled images, with the ranks of the full set of images.

    An image drawn c times counts c times; a pair of an image with its own copy is dropped (S23). Ranks are those of
    all images and are not computed anew in every draw: the similarity is Pearson of fixed mid-ranks. This linearises
    Spearman around the full sample; with all multiplicities one it is Spearman exactly.

    Parameters
    ----------
    model_rdms : (..., n, n) array
        RDMs of a model.
    neural_rdms : (..., n, n) array
        Measured RDMs of the same images.
    multiplicities : (draws, n) array of int
        How often each image is drawn.

    Returns
    -------
    (draws, ..., ...) float64 array
        Leading dimensions of `model_rdms`, then those of `neural_rdms`.

    Raises
    ------
    BadInputError
        What `compare_rdms` refuses, different numbers of images, or a draw that leaves nothing to correlate.
    """
    # w_ij = c_i c_j for i < j, scaled to Σ w = 1; x, y: mid-ranks of the dissimilarities
    #   ρ = (Σ w x y - Σ w x Σ w y) / √[(Σ w x² - (Σ w x)²) (Σ w y² - (Σ w y)²)]
    model, neural = check_rdm(model_rdms, "model_rdms"), check_rdm(neural_rdms, "neural_rdms")
    counts = np.asarray(multiplicities, dtype=np.float64)
    n_images = model.shape[-1]
    if neural.shape[-1] != n_images or counts.ndim != 2 or counts.shape[1] != n_images:
        raise BadInputError(
            f"Got model_rdms of shape {model.shape}, neural_rdms of shape {neural.shape} and multiplicities of shape "
            f"{counts.shape}; expected the same number of images in all. Select the images that both have."
        )
    n_pairs = n_images * (n_images - 1) // 2
    x = comparison_vectors(model, "spearman", "model_rdms").reshape(-1, n_pairs)
    y = comparison_vectors(neural, "spearman", "neural_rdms").reshape(-1, n_pairs)
    similarity = np.empty((len(counts), len(x), len(y)))
    for start in range(0, len(counts), DRAWS_AT_ONCE):
        block = counts[start : start + DRAWS_AT_ONCE]
        similarity[start : start + len(block)] = _weighted_correlation(_pair_weights(block), x, y)
    return similarity.reshape(len(counts), *model.shape[:-2], *neural.shape[:-2])


def _pair_weights(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    rows, columns = np.triu_indices(counts.shape[1], 1)
    weights = counts[:, rows] * counts[:, columns]
    total = weights.sum(axis=1, keepdims=True)
    if (total == 0).any():
        raise _nothing_left(counts.shape[1])
    return weights / total


def _weighted_correlation(
    weights: NDArray[np.float64], x: NDArray[np.float64], y: NDArray[np.float64]
) -> NDArray[np.float64]:
    mean_x, mean_y = weights @ x.T, weights @ y.T
    variance_x, variance_y = weights @ (x**2).T - mean_x**2, weights @ (y**2).T - mean_y**2
    # x and y are unit vectors: the variance of all pairs is 1 / n_pairs.
    if min(variance_x.min(), variance_y.min()) < 1e-12 / x.shape[1]:
        raise _nothing_left(None)
    similarity = np.empty((len(weights), len(x), len(y)))
    for row, ranks in enumerate(x):
        covariance = (weights * ranks) @ y.T - mean_x[:, row, None] * mean_y
        similarity[:, row] = covariance / np.sqrt(variance_x[:, row, None] * variance_y)
    return np.clip(similarity, -1, 1)


def _nothing_left(n_images: int | None) -> BadInputError:
    images = "images" if n_images is None else f"{n_images} images"
    return BadInputError(
        f"Got a bootstrap draw of {images} in which all dissimilarities are equal, so that no correlation is defined. "
        "Expected at least about 10 images with few ties."
    )
