"""Similarity between RDMs."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa.rdm import check_rdm, upper_triangle

METHODS = ("spearman", "pearson", "cosine", "rho_a")


def compare_rdms(a: ArrayLike, b: ArrayLike, method: str = "spearman") -> NDArray[np.float64]:
    """Compare RDMs over their upper triangles.

    Parameters
    ----------
    a, b : (..., n, n) array
        RDMs of the same images in the same order; the leading dimensions broadcast.
    method : {"spearman", "pearson", "cosine", "rho_a"}
        Spearman is what R24 and RF24 use; "rho_a" (S23) does not favour tied models.

    Returns
    -------
    (...) float64 array, a scalar for two single RDMs
        Similarities in [-1, 1].

    Raises
    ------
    BadInputError
        An unknown method; NaN, asymmetric or constant RDMs; different numbers of images; leading dimensions that do
        not broadcast.
    """
    # With r(x) the mid-ranks of the N = n(n-1)/2 dissimilarities x, and x̄ their mean,
    #   pearson  = (a - ā)ᵀ(b - b̄) / (‖a - ā‖ ‖b - b̄‖)
    #   spearman = pearson of r(a), r(b)
    #   cosine   = aᵀb / (‖a‖ ‖b‖)
    #   rho_a    = 12 r(a)ᵀr(b) / (N³ - N) - 3(N + 1)/(N - 1)
    # each of which is one inner product of the vectors that `comparison_vectors` makes.
    check_method(method)
    first, second = check_rdm(a, "a"), check_rdm(b, "b")
    shapes = f"a of shape {first.shape} and b of shape {second.shape}"
    if first.shape[-1] != second.shape[-1]:
        raise BadInputError(
            f"Got {shapes}; expected the same number of images. Select the images that both have, in the same order."
        )
    try:
        np.broadcast_shapes(first.shape[:-2], second.shape[:-2])
    except ValueError:
        raise BadInputError(
            f"Got {shapes}, whose leading dimensions do not broadcast; insert dimensions of length 1 where needed."
        ) from None
    left, right = comparison_vectors(first, method, "a"), comparison_vectors(second, method, "b")
    return np.clip(np.einsum("...p,...p->...", left, right), -1, 1)


def comparison_vectors(rdms: NDArray[np.float64], method: str, name: str = "rdms") -> NDArray[np.float64]:
    """Turn checked RDMs into the vectors whose inner product is the similarity.

    Parameters
    ----------
    rdms : (..., n, n) float64 array
        RDMs that `check_rdm` has let pass.
    method : str
        One of `METHODS`.
    name : str
        How messages call the argument.

    Returns
    -------
    (..., n(n-1)/2) float64 array
        Unit vectors (for "rho_a" of unit length if there are no ties).

    Raises
    ------
    BadInputError
        An RDM is constant.
    """
    vectors = upper_triangle(rdms)
    constant = vectors.max(axis=-1) == vectors.min(axis=-1)
    if constant.any():
        where = tuple(int(index) for index in np.argwhere(constant)[0])
        place = f"at {where} of {name}" if where else f"for {name}"
        raise BadInputError(
            f"Got a constant RDM {place}, of shape {rdms.shape}: its similarity with others is undefined. Expected "
            "dissimilarities that vary over at least 3 images: check data and layer."
        )
    return vectors_in_metric_space(vectors, method)


def vectors_in_metric_space(vectors: NDArray[np.float64], method: str) -> NDArray[np.float64]:
    """Rank, centre and scale vectors (..., N), as `compare_rdms` explains, without checks."""
    n_pairs = vectors.shape[-1]
    if method in ("spearman", "rho_a"):
        vectors = rankdata(vectors, axis=-1)
    if method != "cosine":
        vectors = vectors - vectors.mean(axis=-1, keepdims=True)
    if method == "rho_a":
        # Σ (r - r̄)(s - s̄) = Σ r s - N(N + 1)²/4, so centred ranks give rho_a's constant term too.
        return vectors * np.sqrt(12 / (float(n_pairs) ** 3 - n_pairs))
    # Dividing by the largest entry first keeps the squares of very small dissimilarities from underflowing.
    vectors = vectors / np.abs(vectors).max(axis=-1, keepdims=True)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


def check_method(method: str) -> None:
    """Raise BadInputError, naming the methods there are, unless `method` is one of them."""
    if method not in METHODS:
        raise BadInputError(f"Got method {method!r}; expected one of {', '.join(METHODS)}.")
