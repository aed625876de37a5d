"""Group statistics over subjects: paired tests and the false discovery rate."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from brainscore_realnet.errors import BadInputError

FEWEST_SUBJECTS = 4
"""Subjects that a test or bootstrap over subjects needs; three fMRI subjects are shown one by one instead."""

ROUNDING = 1e-12
"""Relative size below which a difference between subjects is rounding error."""


@dataclass(frozen=True, eq=False)
class PairedTest:
    """Two-sided paired t test; float64 arrays (...), scalars for one value a subject."""

    difference: NDArray[np.float64]
    """Mean over subjects of a - b."""
    sem: NDArray[np.float64]
    """Standard error of the mean difference."""
    t: NDArray[np.float64]
    p: NDArray[np.float64]
    n: int
    """Number of subjects."""
    degrees_of_freedom: int


def paired_test(a: ArrayLike, b: ArrayLike) -> PairedTest:
    """Test whether two similarities of the same subjects differ: two-sided paired t test.

    Parameters
    ----------
    a, b : (n_subjects, ...) arrays
        Subject-matched similarities (row k: model k with subject k), at least 4 subjects, equal shapes.

    Returns
    -------
    PairedTest
        Mean difference, its standard error, t and uncorrected p of shape (...). Where a and b are the same in all
        subjects, up to rounding, t = 0 and p = 1.

    Raises
    ------
    BadInputError
        Fewer than 4 subjects, different shapes, NaN or infinity (with their place), or differences that are not zero
        but the same in all subjects, for which t is infinite.
    """
    # t = mean(d) / sem,    sem = sd(d) / √n,    d = a - b,    n - 1 degrees of freedom
    first, second = matched(a, b, ("a", "b"))
    refuse_few_subjects(first.shape, "a")
    n, shape = len(first), first.shape[1:]
    differences = (first - second).reshape(n, -1)
    tolerance = ROUNDING * np.maximum(np.abs(first), np.abs(second)).reshape(n, -1).max(axis=0)
    same = np.ptp(differences, axis=0) <= tolerance
    equal = np.abs(differences).max(axis=0) <= tolerance
    if (same & ~equal).any():
        place = np.flatnonzero(same & ~equal)[0]
        where = tuple(int(index) for index in np.unravel_index(place, shape))
        raise BadInputError(
            f"Got the same difference a - b = {differences[0, place]:.3g} in all {n} subjects{at(where)}, for which t "
            "is infinite; expected differences that vary. Check that every subject has its own values."
        )
    t, p = np.zeros(differences.shape[1]), np.ones(differences.shape[1])
    t[~equal], p[~equal] = stats.ttest_1samp(differences[:, ~equal], 0)
    return PairedTest(
        difference=differences.mean(axis=0).reshape(shape)[()],
        sem=stats.sem(differences).reshape(shape)[()],
        t=t.reshape(shape)[()],
        p=p.reshape(shape)[()],
        n=n,
        degrees_of_freedom=n - 1,
    )


def fdr(p: ArrayLike) -> NDArray[np.float64]:
    """Correct p values for the false discovery rate (Benjamini & Hochberg 1995).

    Parameters
    ----------
    p : (...) array
        p values of one family of tests, for example areas × times.

    Returns
    -------
    (...) float64 array
        q values: rejecting q ≤ α keeps the false discovery rate at α over all entries together.

    Raises
    ------
    BadInputError
        No p values, NaN, or values outside [0, 1] (with their place).
    """
    # q of the i-th smallest of m:  q_(i) = min over j ≥ i of  p_(j) m / j
    values = np.asarray(p, dtype=np.float64)
    bad = ~((values >= 0) & (values <= 1))
    if values.size == 0 or bad.any():
        where = tuple(int(index) for index in np.argwhere(bad)[0]) if bad.any() else ()
        got = f"{values[where]}{at(where)} of p" if bad.any() else "no p values"
        raise BadInputError(f"Got {got} (shape {values.shape}); expected p values in [0, 1]. Leave out tests not run.")
    return stats.false_discovery_control(values.ravel(), method="bh").reshape(values.shape)[()]


def standard_error(values: NDArray[np.float64]) -> float | None:
    """Give the standard error of the mean of values (n,), or None for a single one."""
    return float(stats.sem(values)) if len(values) > 1 else None


def check_draws(draws: int, seed: int, fewest: int = 1) -> None:
    """Refuse too few draws, negative seeds, and numbers that are not whole."""
    whole = all(isinstance(number, int | np.integer) for number in (draws, seed))
    if not whole or draws < fewest or seed < 0:
        raise BadInputError(
            f"Got draws={draws} and seed={seed}; expected whole numbers, at least {fewest} draw(s) and a seed of 0 or "
            "more."
        )


def values_of_subjects(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return the values (n_subjects, ...) as float64 if they are finite and of enough subjects for a test."""
    checked = finite(values, name)
    refuse_few_subjects(checked.shape, name)
    return checked


def refuse_few_subjects(shape: tuple[int, ...], name: str) -> None:
    """Refuse shapes (n_subjects, ...) with fewer subjects than a test needs."""
    if not shape or shape[0] < FEWEST_SUBJECTS:
        raise BadInputError(
            f"Got {name} of {shape[0] if shape else 'no'} subject(s); expected at least {FEWEST_SUBJECTS} for a "
            "statement about others. Show every subject, and bootstrap stimuli instead (`bootstrap_stimuli`)."
        )


def matched(a: ArrayLike, b: ArrayLike, names: tuple[str, str]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return two finite arrays of equal shape (n_subjects, ...) as float64."""
    first, second = finite(a, names[0]), finite(b, names[1])
    if first.shape != second.shape:
        raise BadInputError(
            f"Got {names[0]} of shape {first.shape} and {names[1]} of shape {second.shape}; expected equal shapes "
            "(n_subjects, ...), the same subjects in the same order."
        )
    return first, second


def finite(values: ArrayLike, name: str) -> NDArray[np.float64]:
    """Return the values as float64 if all are finite real numbers; the message names the first that is not."""
    given = np.asarray(values)
    if given.dtype.kind not in "fiu" or given.ndim == 0 or given.size == 0:
        raise BadInputError(
            f"Got {name} of shape {given.shape} and dtype {given.dtype}; expected real numbers of shape (n_subjects, "
            "...)."
        )
    bad = np.argwhere(~np.isfinite(given))
    if bad.size:
        where = tuple(int(index) for index in bad[0])
        raise BadInputError(
            f"Got {given[where]} at {where} of {name} of shape {given.shape}; expected finite values. Leave out the "
            "subjects or times that have no data, in all arrays."
        )
    return given.astype(np.float64, copy=False)


def at(where: tuple[int, ...]) -> str:
    """Tell a place within an array for a message; nothing for scalars."""
    return f" at {where}" if where else ""
