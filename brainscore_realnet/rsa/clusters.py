"""Sign-flip cluster permutation over time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa.statistics import ROUNDING, check_draws, values_of_subjects

FLIPS_BYTES = 8 * 2**20
"""Size of the sign-flipped differences that `cluster_permutation` holds in memory together."""


@dataclass(frozen=True)
class Cluster:
    """Neighbouring time points start … stop - 1 beyond the threshold on one side."""

    start: int
    stop: int
    mass: float
    """Sum of t, negative for a negative cluster."""
    p: float


@dataclass(frozen=True, eq=False)
class ClusterTest:
    """Two-sided sign-flip cluster permutation test over time."""

    clusters: tuple[Cluster, ...]
    """In order of time; empty if no time point is beyond the threshold."""
    p: NDArray[np.float64]
    """(n_times,) p of the cluster that holds the time point, 1 outside clusters."""
    t: NDArray[np.float64]
    """(n_times,) t over subjects."""
    threshold: float
    """Clusters are formed where |t| is above it."""
    n_permutations: int
    """Sign flips in the null distribution, the identity included."""
    exact: bool
    """Whether they are all 2ⁿ sign flips."""


def cluster_permutation(
    differences: ArrayLike, threshold: float | None = None, draws: int = 10_000, seed: int = 0
) -> ClusterTest:
    """Test a course of differences over time by cluster mass under sign flips (Maris & Oostenveld 2007).

    The null distribution holds the largest |mass| of each sign flip, so the family-wise error over time is controlled.
    All 2ⁿ flips are used if these are at most `draws`: five subjects cannot go below p = 2/2⁵ = .0625. Otherwise
    flips are drawn at random, and the identity counts as one of them, so that p is never 0.

    Parameters
    ----------
    differences : (n_subjects, n_times) array
        Differences of at least 4 subjects, for example aligned - baseline.
    threshold : float, optional
        |t| above which clusters are formed; by default where the two-sided p of a t test is .05.
    draws : int
        Most sign flips to use, at least 1.
    seed : int
        Seed of random flips, not negative; without effect on an exact test.

    Returns
    -------
    ClusterTest
        Clusters with mass and p, p and t of every time point, and how they were computed.

    Raises
    ------
    BadInputError
        Another shape, fewer than 4 subjects, NaN or infinity (with their place), a time point at which the differences
        of all subjects are of the same size (some flip makes t infinite), a threshold that is not positive, fewer than
        one draw, or a negative seed.
    """
    # p = #{flips whose largest |mass| ≥ |mass of the cluster|} / #{flips}
    check_draws(draws, seed)
    values = values_of_subjects(differences, "differences")
    if values.ndim != 2:
        raise BadInputError(
            f"Got differences of shape {values.shape}; expected (n_subjects, n_times). Test every area on its own."
        )
    n, n_times = values.shape
    sizes = np.abs(values)
    same = np.flatnonzero(np.ptp(sizes, axis=0) <= ROUNDING * sizes.max(axis=0))
    if same.size:
        raise BadInputError(
            f"Got differences of size {sizes[0, same[0]]:.3g} in all {n} subjects at time {same[0]}; expected sizes "
            "that vary. Leave out time points without data, and check that every subject has its own values."
        )
    if threshold is None:
        threshold = float(stats.t.ppf(0.975, n - 1))
    if not 0 < threshold < np.inf:
        raise BadInputError(f"Got threshold={threshold!r}; expected a positive value of t, or None.")
    exact = 2**n <= draws
    signs = _all_sign_flips(n) if exact else _random_sign_flips(n, draws, seed)
    null = np.concatenate([_largest_masses(t, threshold) for t in _t_of_flips(values, signs)])
    (t,) = next(_t_of_flips(values, signs[:1]))
    _, starts, stops, masses = _runs(t[None], threshold)
    p = np.ones(n_times)
    clusters = []
    for start, stop, mass in zip(starts.tolist(), stops.tolist(), masses.tolist(), strict=True):
        # Flips with the same mass differ by rounding.
        p[start:stop] = np.mean(null >= abs(mass) * (1 - ROUNDING))
        clusters.append(Cluster(start, stop, mass, float(p[start])))
    return ClusterTest(tuple(clusters), p, t, threshold, 2**n if exact else draws, exact)


def _all_sign_flips(n: int) -> NDArray[np.int8]:
    """Half of all flips, the identity first: the other half are mirror images, with the same largest |mass|."""
    flipped = np.arange(2 ** (n - 1))[:, None] >> np.arange(n) & 1
    return (1 - 2 * flipped).astype(np.int8)


def _random_sign_flips(n: int, draws: int, seed: int) -> NDArray[np.int8]:
    """Independent flips (draws, n), the identity first."""
    flipped = np.random.default_rng(seed).integers(0, 2, (draws, n), dtype=np.int8)
    flipped[0] = 0
    return 1 - 2 * flipped


def _t_of_flips(values: NDArray[np.float64], signs: NDArray[np.int8]) -> Iterator[NDArray[np.float64]]:
    """Yield t (n_flips, n_times) for blocks of flips."""
    block = max(1, FLIPS_BYTES // values.nbytes)
    for start in range(0, len(signs), block):
        flipped = signs[start : start + block, :, None] * values
        yield flipped.mean(axis=1) / (flipped.std(axis=1, ddof=1) / np.sqrt(len(values)))


def _largest_masses(t: NDArray[np.float64], threshold: float) -> NDArray[np.float64]:
    rows, _, _, masses = _runs(t, threshold)
    largest = np.zeros(len(t))
    np.maximum.at(largest, rows, np.abs(masses))
    return largest


def _runs(t: NDArray[np.float64], threshold: float) -> tuple[NDArray, NDArray, NDArray, NDArray]:
    """Find runs beyond the threshold on one side in each row of t: row, start, stop and mass of each."""
    side = np.pad(np.sign(t) * (np.abs(t) > threshold), ((0, 0), (1, 1)))
    inside, change = side[:, 1:-1] != 0, np.diff(side) != 0
    first, last = inside & change[:, :-1], inside & change[:, 1:]
    rows, starts = np.nonzero(first)
    masses = np.bincount(np.cumsum(first)[inside.ravel()] - 1, weights=t[inside], minlength=len(rows))
    return rows, starts, np.nonzero(last)[1] + 1, masses
