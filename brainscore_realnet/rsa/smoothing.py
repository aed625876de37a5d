"""RDMs averaged over neighbouring time points."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray


def averaged_times(indices: ArrayLike, n_times: int, smooth: int | None) -> list[int]:
    """Return all time points whose RDMs are averaged by `smoothed`, sorted."""
    return sorted({at for index in np.asarray(indices) for at in _window(int(index), n_times, smooth)})


def smoothed(
    rdms: Mapping[int, NDArray[np.float64]], indices: ArrayLike, n_times: int, smooth: int | None
) -> NDArray[np.float64]:
    """Average RDMs over neighbouring time points, fewer at the ends of the epoch, as NeuroRA 1.1.6 does.

    Parameters
    ----------
    rdms : mapping of int to (..., n, n) float64 array
        RDMs of the `averaged_times`.
    indices : (n,) array of int
        Time points wanted.
    n_times : int
        Time points of the epoch.
    smooth : odd int, optional
        How many are averaged; None: one.

    Returns
    -------
    (n, ..., n, n) float64 array
        Averages.
    """
    windows = [_window(int(index), n_times, smooth) for index in np.asarray(indices)]
    return np.stack([np.mean([rdms[at] for at in window], axis=0) for window in windows])


def tied(accuracies: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round accuracies to 12 digits: equal ones must be tied whatever the order in which they were summed."""
    return np.round(accuracies, 12)


def _window(index: int, n_times: int, smooth: int | None) -> range:
    reach = 0 if smooth is None else smooth // 2
    return range(max(0, index - reach), min(n_times, index + reach + 1))
