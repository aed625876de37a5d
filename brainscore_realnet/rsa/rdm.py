"""Representational dissimilarity matrices of feature vectors, built in one pass over blocks of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainscore_realnet.errors import BadInputError

BLOCK_BYTES = 32 * 2**20
"""Size of the float64 copy that `correlation_rdm` makes of one block of features."""

SYMMETRY_TOLERANCE = 1e-6
"""How far, relative to its largest entry, a matrix may be from symmetric with a zero diagonal: float32 RDMs pass."""


class BadRowsError(BadInputError):
    """Some rows of a feature matrix have no defined correlation.

    Parameters
    ----------
    message : str
        What was got, what was expected, what to do.
    rows : sequence of int
        The rows, kept as the attribute `rows` so that a caller can name the stimuli.
    """

    def __init__(self, message: str, rows: Sequence[int]) -> None:
        super().__init__(message)
        self.rows = tuple(int(row) for row in rows)


class RdmStream:
    """Correlation distances between `n` rows whose features arrive in blocks; made by `rdm_stream`.

    Each row is shifted by its first value, so that a large common offset does not cancel and a constant row stays
    exactly zero. Blocks are centred and merged as in Chan, Golub & LeVeque (1983): for means μ and scatter S of d
    features, a block (μ_b, S_b, d_b) gives, with δ = μ_b - μ,

        S ← S + S_b + δ δᵀ d d_b / (d + d_b),    μ ← μ + δ d_b / (d + d_b)
    """

    def __init__(self, n: int) -> None:
        self.n = n
        self.n_features = 0
        self._first = np.zeros((n, 1))
        self._mean = np.zeros(n)
        self._scatter = np.zeros((n, n))

    def update(self, block: ArrayLike) -> RdmStream:
        """Add features.

        Parameters
        ----------
        block : (n, d_block) array of real numbers
            Features of all rows; the columns of all blocks together are the feature vectors.

        Returns
        -------
        RdmStream
            The stream itself.

        Raises
        ------
        BadInputError
            The block has another shape or holds no real numbers.
        BadRowsError
            The block holds NaN or infinity; the message names row and feature.
        """
        given = _real_matrix(block, "block")
        if given.shape[0] != self.n or given.shape[1] == 0:
            raise BadInputError(
                f"Got a block of shape {given.shape}; expected ({self.n}, d_block) with at least one feature. "
                "Every block must hold all rows."
            )
        values = given.astype(np.float64)
        _refuse_not_finite(values, self.n_features)
        if self.n_features == 0:
            self._first = values[:, :1].copy()
        width = values.shape[1]
        total = self.n_features + width
        values -= self._first
        block_mean = values.mean(axis=1)
        values -= block_mean[:, None]
        delta = block_mean - self._mean
        with np.errstate(over="ignore", invalid="ignore"):
            self._scatter += values @ values.T
            self._scatter += np.outer(delta, delta) * (self.n_features * width / total)
        self._mean += delta * (width / total)
        self.n_features = total
        return self

    def rdm(self) -> NDArray[np.float64]:
        """Return the RDM of the features so far; more may follow.

        Returns
        -------
        (n, n) float64 array
            1 - Pearson correlation between rows, in [0, 2], exactly symmetric, with an exactly zero diagonal.

        Raises
        ------
        BadInputError
            Fewer than two features have arrived, or their squares overflow float64.
        BadRowsError
            Rows are constant.
        """
        # D_ij = 1 - S_ij / sqrt(S_ii S_jj)
        if self.n_features < 2:
            raise BadInputError(
                f"Got {self.n_features} feature(s); a correlation needs at least 2. Feed blocks with `update` first."
            )
        if not np.isfinite(self._scatter).all():
            raise BadInputError(
                "Got features whose squares exceed float64; expected magnitudes below 1e150. Rescale the features."
            )
        norm = np.sqrt(np.diag(self._scatter))
        constant = np.flatnonzero(norm == 0)
        if constant.size:
            raise BadRowsError(
                f"Got constant features in row(s) {_listed(constant)} of {self.n}; their correlation with other rows "
                "is undefined. Expected features that vary within every row: check these stimuli and the layer.",
                constant.tolist(),
            )
        correlation = self._scatter / norm[:, None] / norm[None, :]
        rdm = 1 - np.clip((correlation + correlation.T) / 2, -1, 1)
        np.fill_diagonal(rdm, 0)
        return rdm


def rdm_stream(n: int) -> RdmStream:
    """Start a correlation RDM of `n` rows whose features arrive block by block.

    Parameters
    ----------
    n : int
        Number of rows (images), at least 2.

    Returns
    -------
    RdmStream
        `stream.update(block)` adds features, `stream.rdm()` gives the RDM.

    Raises
    ------
    BadInputError
        `n` is below 2.
    """
    if n < 2:
        raise BadInputError(f"Got {n} row(s); an RDM needs at least 2 images. Pass features of more images.")
    return RdmStream(n)


def correlation_rdm(features: ArrayLike) -> NDArray[np.float64]:
    """Compute the RDM 1 - Pearson between feature vectors (R24 §2.4; Kriegeskorte et al. 2008).

    Parameters
    ----------
    features : (n, d) array of real numbers, any float or integer dtype, memory maps too
        One row an image. It is read in blocks of columns and never copied whole; sums are float64.

    Returns
    -------
    (n, n) float64 array
        Correlation distances in [0, 2], exactly symmetric, with an exactly zero diagonal.

    Raises
    ------
    BadInputError
        Not a matrix of real numbers, one image, or one feature.
    BadRowsError
        A constant row, NaN or infinity; `rows` holds the row numbers.
    """
    matrix = _real_matrix(features, "features")
    n_images, n_features = matrix.shape
    stream = rdm_stream(n_images)
    width = max(1, BLOCK_BYTES // (8 * n_images))
    for start in range(0, n_features, width):
        stream.update(matrix[:, start : start + width])
    return stream.rdm()


def upper_triangle(rdm: ArrayLike) -> NDArray[Any]:
    """Flatten the entries above the diagonal.

    Parameters
    ----------
    rdm : (..., n, n) array
        Square matrices.

    Returns
    -------
    (..., n(n-1)/2) array
        Entries in the order of `np.triu_indices(n, 1)`, in the dtype of the input.

    Raises
    ------
    BadInputError
        The last two dimensions are not square or hold fewer than two images.
    """
    matrices = np.asarray(rdm)
    _refuse_not_square(matrices, "rdm")
    rows, columns = np.triu_indices(matrices.shape[-1], 1)
    return matrices[..., rows, columns]


def check_rdm(rdm: ArrayLike, name: str = "rdm") -> NDArray[np.float64]:
    """Return the RDMs as float64 if they are RDMs.

    Parameters
    ----------
    rdm : (..., n, n) array
        One or more RDMs.
    name : str
        How messages call the argument.

    Returns
    -------
    (..., n, n) float64 array
        The same numbers.

    Raises
    ------
    BadInputError
        Not square, not finite, not symmetric, or a diagonal that is not zero (relative tolerance 1e-6).
    """
    given = np.asarray(rdm)
    if given.dtype.kind not in "fiub":
        raise BadInputError(f"Got {name} of dtype {given.dtype}; expected real numbers. Convert it first.")
    matrices = given.astype(np.float64, copy=False)
    _refuse_not_square(matrices, name)
    if not np.isfinite(matrices).all():
        where = tuple(int(index) for index in np.argwhere(~np.isfinite(matrices))[0])
        raise BadInputError(
            f"Got {matrices[where]} at {where} of {name} of shape {matrices.shape}; expected finite dissimilarities. "
            "Leave out the images or neuroids that have no data."
        )
    scale = np.abs(matrices).max(axis=(-2, -1), initial=0)
    asymmetry = np.abs(matrices - np.swapaxes(matrices, -2, -1)).max(axis=(-2, -1), initial=0)
    if (asymmetry > SYMMETRY_TOLERANCE * scale).any():
        raise BadInputError(
            f"Got {name} of shape {matrices.shape} whose entries (i, j) and (j, i) differ by up to "
            f"{asymmetry.max():.3g}; expected symmetric matrices. Pass (rdm + rdm.T) / 2 if that is what you mean."
        )
    diagonal = np.abs(np.diagonal(matrices, axis1=-2, axis2=-1)).max(axis=-1, initial=0)
    if (diagonal > SYMMETRY_TOLERANCE * scale).any():
        raise BadInputError(
            f"Got {name} of shape {matrices.shape} with up to {diagonal.max():.3g} on the diagonal; expected zeros "
            "there. Similarities (ones on the diagonal) must be passed as 1 - similarity."
        )
    return matrices


def _real_matrix(features: ArrayLike, name: str) -> NDArray[Any]:
    matrix = np.asarray(features)
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiub":
        raise BadInputError(
            f"Got {name} of shape {matrix.shape} and dtype {matrix.dtype}; expected real numbers of shape (n, d). "
            "Flatten the features of every image first."
        )
    return matrix


def _refuse_not_finite(values: NDArray[np.float64], first_column: int) -> None:
    # NaN and infinity survive a sum; only then is it worth looking where they are.
    with np.errstate(over="ignore", invalid="ignore"):
        suspect = not np.isfinite(values.sum())
    if not suspect:
        return
    where = np.argwhere(~np.isfinite(values))
    if where.size:
        row, column = where[0]
        rows = np.unique(where[:, 0])
        raise BadRowsError(
            f"Got {values[row, column]} in row {row}, feature {first_column + column} (rows with such values: "
            f"{_listed(rows)}); expected finite features. Check the data or the model on these stimuli.",
            rows.tolist(),
        )


def _refuse_not_square(matrices: NDArray[Any], name: str) -> None:
    if matrices.ndim < 2 or matrices.shape[-1] != matrices.shape[-2] or matrices.shape[-1] < 2:
        raise BadInputError(
            f"Got {name} of shape {matrices.shape}; expected (..., n, n) with at least 2 images. "
            "Pass square matrices (scipy.spatial.distance.squareform makes them of vectors)."
        )


def _listed(rows: NDArray[np.intp]) -> str:
    shown = ", ".join(str(row) for row in rows[:10])
    return shown if rows.size <= 10 else f"{shown} and {rows.size - 10} more"
