"""Correlation distances between feature vectors, in one pass over blocks of features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa._device import as_numpy, on_device, real_numbers

BLOCK_FEATURES = 1024
"""Features that are multiplied together: in float32, more of them at once lose digits."""

DEVICE_BLOCK_FEATURES = 65536
"""The same on a device, where everything is float64 and few large products are faster."""

FLOAT32_NORM = 1e-20
"""Sum of squares of a row's block of float32 features up to which they are multiplied in float64 instead."""


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

    S and μ are float64. Products of float32 features are added up in float32 within a full block.
    """

    def __init__(self, n: int, device: Any = None) -> None:
        self.n = n
        self.n_features = 0
        self._device = device
        self._module, self._scatter = on_device(np.zeros((n, n)), device)
        self._first = self._mean = self._module.zeros_like(self._scatter[0])

    def update(self, block: Any) -> RdmStream:
        """Add features.

        Parameters
        ----------
        block : (n, d_block) array or tensor of real numbers
            Features of all rows; the columns of all blocks together are the feature vectors. It is read in narrower
            blocks and never copied whole, unless it has to be moved to the device.

        Returns
        -------
        RdmStream
            The stream itself.

        Raises
        ------
        BadInputError
            The block has another shape or holds no real numbers.
        BadRowsError
            The block holds NaN or infinity; the message names row and feature. The stream is as it was before.
        """
        given = _real_matrix(block, "block", self._device)
        if given.shape[0] != self.n or given.shape[1] == 0:
            raise BadInputError(
                f"Got a block of shape {tuple(given.shape)}; expected ({self.n}, d_block) with at least one feature. "
                "Every block must hold all rows."
            )
        width = BLOCK_FEATURES if self._device is None else DEVICE_BLOCK_FEATURES
        before = self.n_features, self._first, self._mean, self._scatter
        try:
            for start in range(0, given.shape[1], width):
                self._merge(given[:, start : start + width])
        except BadInputError:
            self.n_features, self._first, self._mean, self._scatter = before
            raise
        return self

    def _merge(self, block: Any) -> None:
        if self._device is not None or block.dtype != np.float32 or block.shape[1] < BLOCK_FEATURES:
            block = on_device(block, self._device)[1]
        if self.n_features == 0:
            self._first = self._module.zeros_like(self._mean) + block[:, 0]
        with np.errstate(over="ignore", invalid="ignore"):
            mean, scatter = _moments(block, self._first)
            # NaN and infinity survive; only then is it worth looking where they are.
            if not bool(self._module.isfinite(scatter).all()):
                _refuse_not_finite(as_numpy(block), self.n_features)
            width = block.shape[1]
            delta = mean - self._mean
            weight = width / (self.n_features + width)
            self._scatter = self._scatter + scatter + delta[:, None] * delta * (self.n_features * weight)
        self._mean = self._mean + delta * weight
        self.n_features += width

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
        scatter = as_numpy(self._scatter)
        if not np.isfinite(scatter).all():
            raise BadInputError(
                "Got features whose squares exceed float64; expected magnitudes below 1e150. Rescale the features."
            )
        norm = np.sqrt(np.diag(scatter))
        constant = np.flatnonzero(norm == 0)
        if constant.size:
            raise BadRowsError(
                f"Got constant features in row(s) {_listed(constant)} of {self.n}; their correlation with other rows "
                "is undefined. Expected features that vary within every row: check these stimuli and the layer.",
                constant.tolist(),
            )
        correlation = scatter / norm[:, None] / norm[None, :]
        rdm = 1 - np.clip((correlation + correlation.T) / 2, -1, 1)
        np.fill_diagonal(rdm, 0)
        return rdm


def _moments(block: Any, origin: Any) -> tuple[Any, Any]:
    """Return means (n,) and scatter (n, n) of the rows of a block (n, d) less their origin (n,)."""
    values = block - origin.astype(np.float32)[:, None] if block.dtype == np.float32 else block - origin[:, None]
    mean = values.mean(axis=1)
    values -= mean[:, None]
    scatter = values @ values.T
    if block.dtype == np.float32:
        norm = scatter.diagonal()
        if not ((norm > FLOAT32_NORM) & np.isfinite(norm)).all():
            return _moments(block.astype(np.float64), origin)
    return mean, scatter


def rdm_stream(n: int, device: Any = None) -> RdmStream:
    """Start a correlation RDM of `n` rows whose features arrive block by block.

    Parameters
    ----------
    n : int
        Number of rows (images), at least 2.
    device : None or torch device, such as "cuda:0"
        Where to compute; None is NumPy. Tensors that are there already are not moved.

    Returns
    -------
    RdmStream
        `stream.update(block)` adds features, `stream.rdm()` gives the RDM.

    Raises
    ------
    BadInputError
        `n` is below 2, or the device is not there.
    """
    if not isinstance(n, int | np.integer) or n < 2:
        raise BadInputError(f"Got {n} row(s); an RDM needs at least 2 images. Pass features of more images.")
    return RdmStream(n, device)


def correlation_rdm(features: Any, device: Any = None) -> NDArray[np.float64]:
    """Compute the RDM 1 - Pearson between feature vectors (R24 §2.4; Kriegeskorte et al. 2008).

    Parameters
    ----------
    features : (n, d) array of real numbers, any float or integer dtype, memory maps too
        One row an image. It is read in blocks of columns and never copied whole; sums over blocks are float64.
    device : None or torch device, such as "cuda:0"
        Where to compute; None is NumPy.

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
    matrix = _real_matrix(features, "features", device)
    return rdm_stream(len(matrix), device).update(matrix).rdm()


def _real_matrix(features: Any, name: str, device: Any) -> Any:
    matrix = real_numbers(features, name, device)
    if matrix.ndim != 2:
        raise BadInputError(
            f"Got {name} of shape {tuple(matrix.shape)}; expected (n, d). Flatten the features of every image first."
        )
    return matrix


def _refuse_not_finite(values: NDArray[np.float64], first_column: int) -> None:
    where = np.argwhere(~np.isfinite(values))
    if where.size:
        row, column = where[0]
        rows = np.unique(where[:, 0])
        raise BadRowsError(
            f"Got {values[row, column]} in row {row}, feature {first_column + column} (rows with such values: "
            f"{_listed(rows)}); expected finite features. Check the data or the model on these stimuli.",
            rows.tolist(),
        )


def _listed(rows: NDArray[np.intp]) -> str:
    shown = ", ".join(str(row) for row in rows[:10])
    return shown if rows.size <= 10 else f"{shown} and {rows.size - 10} more"
