"""Similarity between RDMs."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa._device import as_numpy
from brainscore_realnet.rsa._threads import one_at_a_time
from brainscore_realnet.rsa.rdm import COMPILED_FROM, check_rdm, check_rdm_on_device, upper_triangle

METHODS = ("spearman", "pearson", "cosine", "cosine_cov", "rho_a")

EXPLAINED = 1e-8
"""Length of a unit vector's residual below which covariates explain it: what is left is rounding error."""


def compare_rdms(a: Any, b: Any, method: str = "spearman", device: Any = None) -> NDArray[np.float64]:
    """Compare RDMs over their upper triangles.

    Parameters
    ----------
    a, b : (..., n, n) array or torch.Tensor
        RDMs of the same images in the same order; the leading dimensions broadcast.
    method : {"spearman", "pearson", "cosine", "cosine_cov", "rho_a"}
        Spearman is what R24 and RF24 use; "rho_a" (S23) does not favour tied models; "cosine_cov" is the whitened
        cosine (D21), which weighs dissimilarities by how independent their noise is.
    device : None or torch device, such as "cuda:0"
        Where to compute; by default NumPy.

    Returns
    -------
    (...) float64 array, a scalar for two single RDMs
        Similarities in [-1, 1].

    Raises
    ------
    BadInputError
        An unknown method; NaN, asymmetric or constant RDMs; different numbers of images; leading dimensions that do
        not broadcast; a device that cannot compute in float64.
    """
    # With r(x) the mid-ranks of the N = n(n-1)/2 dissimilarities x, and x̄ their mean,
    #   pearson    = (a - ā)ᵀ(b - b̄) / (‖a - ā‖ ‖b - b̄‖)
    #   spearman   = pearson of r(a), r(b)
    #   cosine     = aᵀb / (‖a‖ ‖b‖)
    #   cosine_cov = aᵀV⁻¹b / √(aᵀV⁻¹a · bᵀV⁻¹b), see `_whitened`
    #   rho_a      = 12 r(a)ᵀr(b) / (N³ - N) - 3(N + 1)/(N - 1)
    # each of which is one inner product of the vectors that `comparison_vectors` makes.
    check_method(method)
    module, first = check_rdm_on_device(a, "a", device)
    second = check_rdm_on_device(b, "b", device)[1]
    _refuse_unmatched(first, second)
    left = comparison_vectors(first, method, "a", module)
    right = comparison_vectors(second, method, "b", module)
    return np.clip(as_numpy(_inner_products(left, right, module)), -1, 1)


def partial_compare(a: ArrayLike, b: ArrayLike, covariates: ArrayLike) -> NDArray[np.float64]:
    """Compare RDMs by partial Spearman correlation: what they share beyond some other RDMs.

    Parameters
    ----------
    a, b : (..., n, n) array
        RDMs of the same images in the same order; the leading dimensions broadcast.
    covariates : (k, n, n) array
        RDMs whose ranks are regressed out of the ranks of both; at most n(n-1)/2 - 3 of them, or none (k = 0).

    Returns
    -------
    (...) float64 array, a scalar for two single RDMs
        Pearson correlations of the residuals, in [-1, 1]. The square is the explained variance of RF24 §2.4.

    Raises
    ------
    BadInputError
        What `compare_rdms` refuses; another number of images or too many covariates; covariates that those before
        determine; RDMs of which the covariates leave nothing.
    """
    # u(x): centred mid-ranks of x, of unit length;  QR = [u(c_1) … u(c_k)];  e(x) = u(x) - Q Qᵀu(x)
    #   partial = e(a)ᵀe(b) / (‖e(a)‖ ‖e(b)‖)
    # The ranks being centred, the intercept is part of the regression.
    first, second, others = check_rdm(a, "a"), check_rdm(b, "b"), check_rdm(covariates, "covariates")
    _refuse_unmatched(first, second)
    n_pairs = first.shape[-1] * (first.shape[-1] - 1) // 2
    if others.ndim != 3 or others.shape[-1] != first.shape[-1] or len(others) > n_pairs - 3:
        raise BadInputError(
            f"Got covariates of shape {others.shape} for RDMs of {first.shape[-1]} images; expected "
            f"(k, {first.shape[-1]}, {first.shape[-1]}) with k at most {n_pairs - 3}. Select the same images in the "
            "same order, or fewer covariates."
        )
    basis = _orthonormal_basis(comparison_vectors(others, "spearman", "covariates"))
    left = _residuals(comparison_vectors(first, "spearman", "a"), basis, "a")
    right = _residuals(comparison_vectors(second, "spearman", "b"), basis, "b")
    return np.clip(_inner_products(left, right), -1, 1)


def comparison_vectors(rdms: Any, method: str, name: str = "rdms", module: Any = np) -> Any:
    """Turn checked RDMs into the vectors whose inner product is the similarity.

    Parameters
    ----------
    rdms : (..., n, n) float64 array or tensor
        RDMs that `check_rdm` has let pass.
    method : str
        One of `METHODS`.
    name : str
        How messages call the argument.
    module
        `numpy`, or `torch` for tensors.

    Returns
    -------
    (..., n(n-1)/2) float64 array or tensor
        Unit vectors (for "rho_a" of unit length if there are no ties).

    Raises
    ------
    BadInputError
        An RDM is constant.
    """
    compiled = module is np and method == "spearman" and rdms.size >= COMPILED_FROM
    if compiled:
        vectors = _unit_ranks(rdms)
        constant = ~vectors[..., :2].any(axis=-1)
        if constant.any():
            constant = ~vectors.any(axis=-1)
    else:
        vectors = upper_triangle(rdms)
        constant = as_numpy(module.amax(vectors, -1) == module.amin(vectors, -1))
    if constant.any():
        raise BadInputError(
            f"Got a constant RDM {_first_place(constant, name)}, of shape {tuple(rdms.shape)}: its similarity with "
            "others is undefined. Expected dissimilarities that vary over at least 3 images: check data and layer."
        )
    return vectors if compiled else vectors_in_metric_space(vectors, method, module)


def vectors_in_metric_space(vectors: Any, method: str, module: Any = np) -> Any:
    """Rank, centre, whiten and scale vectors (..., N), as `compare_rdms` explains, without checks; overwrites them."""
    n_pairs = vectors.shape[-1]
    if method in ("spearman", "rho_a"):
        vectors = _mid_ranks(vectors, module)
        vectors -= (n_pairs + 1) / 2
    else:
        # Neither the squares of very small dissimilarities shall underflow nor sums of very large ones overflow.
        vectors /= module.maximum(module.amax(vectors, -1), -module.amin(vectors, -1))[..., None]
    if method == "cosine_cov":
        vectors = _whitened(vectors, module)
    elif method == "pearson":
        vectors -= vectors.mean(axis=-1, keepdims=True)
    if method == "rho_a":
        # Σ (r - r̄)(s - s̄) = Σ r s - N(N + 1)²/4, so centred ranks give rho_a's constant term too.
        vectors *= (12 / (float(n_pairs) ** 3 - n_pairs)) ** 0.5
        return vectors
    vectors /= _lengths(vectors, module)[..., None]
    return vectors


def check_method(method: str) -> None:
    """Raise BadInputError, naming the methods there are, unless `method` is one of them."""
    if method not in METHODS:
        raise BadInputError(f"Got method {method!r}; expected one of {', '.join(METHODS)}.")


def _unit_ranks(rdms: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return centred mid-ranks (..., N) of unit length of RDMs (..., n, n); zeros for constant ones."""
    from brainscore_realnet.rsa._ranks import unit_ranks

    n = rdms.shape[-1]
    vectors = np.empty((*rdms.shape[:-2], n * (n - 1) // 2))
    with one_at_a_time:
        unit_ranks(np.ascontiguousarray(rdms).reshape(-1, n, n), vectors.reshape(-1, vectors.shape[-1]))
    return vectors


def _mid_ranks(vectors: Any, module: Any) -> Any:
    """Rank each vector, tied entries sharing the mean of their ranks; may overwrite the vectors."""
    if module is not np:
        ordered = module.sort(vectors, -1).values
        smaller = module.searchsorted(ordered, vectors)
        not_larger = module.searchsorted(ordered, vectors, right=True)
        return (smaller + 1 + not_larger).to(vectors.dtype) / 2
    if 2 * vectors.size < COMPILED_FROM:
        return rankdata(vectors, axis=-1)
    from brainscore_realnet.rsa._ranks import rank_vectors

    vectors = np.ascontiguousarray(vectors)
    with one_at_a_time:
        rank_vectors(vectors.reshape(-1, vectors.shape[-1]))
    return vectors


def _whitened(vectors: Any, module: Any) -> Any:
    """Multiply vectors (..., N) by √2 V^(-½), V being the covariance of distances between noisy patterns (D21)."""
    # With ξ_p = e_i - e_j the contrast of pair p, V_pq ∝ (ξ_pᵀξ_q)²: 4 for p = q, 1 for pairs that share an image, else
    # 0. So V ∝ 2I + MᵀM, with M (n, N) telling which images a pair holds. As MMᵀ = (n - 2)I + 11ᵀ, its eigenvalues are
    # 2n for the constant vector, n for the vectors z_i + z_j with Σ z = 0, and 2 for all that is orthogonal to them.
    # The first two parts of a vector x are its mean x̄ and, with s = Mx the sums over the pairs of each image,
    # z = (s - s̄) / (n - 2):
    #   (√2 V^(-½) x)_ij = x_ij + (√(2/n) - 1)(z_i + z_j) + (√(1/n) - 1) x̄
    # This is linear CKA: xᵀV⁻¹y = ¼ ⟨HXH, HYH⟩ with X, Y the square RDMs and H = I - 11ᵀ/n.
    n = round((1 + (1 + 8 * vectors.shape[-1]) ** 0.5) / 2)
    ends = np.cumsum(np.arange(n - 1, 0, -1))
    pairs = [slice(end - (n - 1 - i), end) for i, end in enumerate(ends)]
    sums = module.zeros_like(vectors[..., :n])
    for i, with_later in enumerate(pairs):
        sums[..., i] += vectors[..., with_later].sum(-1)
        sums[..., i + 1 :] += vectors[..., with_later]
    mean_sum = sums.mean(axis=-1, keepdims=True)
    of_images = (sums - mean_sum) * (((2 / n) ** 0.5 - 1) / (n - 2))
    of_images += mean_sum * (((1 / n) ** 0.5 - 1) / (2 * (n - 1)))
    for i, with_later in enumerate(pairs):
        vectors[..., with_later] += of_images[..., i : i + 1] + of_images[..., i + 1 :]
    return vectors


def _lengths(vectors: Any, module: Any = np) -> Any:
    # Unlike linalg.norm, without the squares of everything in memory.
    return module.einsum("...p,...p->...", vectors, vectors) ** 0.5


def _inner_products(left: Any, right: Any, module: Any = np) -> Any:
    """Sum the products over the last dimension; the others broadcast."""
    n_leading = max(left.ndim, right.ndim) - 1
    left = left.reshape((1,) * (n_leading + 1 - left.ndim) + tuple(left.shape))
    right = right.reshape((1,) * (n_leading + 1 - right.ndim) + tuple(right.shape))
    if any(m > 1 and n > 1 for m, n in zip(left.shape[:-1], right.shape[:-1], strict=True)):
        return module.einsum("...p,...p->...", left, right)
    # Every vector with every other: a product of matrices, whose dimensions come in the order left, right.
    products = module.tensordot(left, right, ([-1], [-1]))
    products = module.moveaxis(products, tuple(range(n_leading)), tuple(range(0, 2 * n_leading, 2)))
    return products.reshape(np.broadcast_shapes(left.shape[:-1], right.shape[:-1]))


def _orthonormal_basis(covariates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return an orthonormal basis (N, k) of the space of k unit vectors (k, N)."""
    basis, triangle = np.linalg.qr(covariates.T)
    # |R_jj| is the length of what the covariates before j leave of covariate j.
    determined = np.flatnonzero(np.abs(np.diag(triangle)) < EXPLAINED)
    if determined.size:
        raise BadInputError(
            f"Got {len(covariates)} covariates, of which number(s) {', '.join(map(str, determined))} (from 0) follow "
            "from those before; expected ranks that are linearly independent. Leave these out: the result is the same."
        )
    return basis


def _residuals(vectors: NDArray[np.float64], basis: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Return what is orthogonal to the basis (N, k), scaled to unit length."""
    residuals = vectors - (vectors @ basis) @ basis.T
    lengths = _lengths(residuals)
    explained = lengths < EXPLAINED
    if explained.any():
        raise BadInputError(
            f"Got an RDM {_first_place(explained, name)} whose ranks the {basis.shape[1]} covariates explain "
            "completely, so that its partial correlation is undefined. Leave it out of the covariates."
        )
    residuals /= lengths[..., None]
    return residuals


def _refuse_unmatched(first: Any, second: Any) -> None:
    """Raise BadInputError unless the checked RDMs a and b can be compared."""
    shapes = f"a of shape {tuple(first.shape)} and b of shape {tuple(second.shape)}"
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


def _first_place(found: NDArray[np.bool_], name: str) -> str:
    where = tuple(int(index) for index in np.argwhere(found)[0])
    return f"at {where} of {name}" if where else f"for {name}"
