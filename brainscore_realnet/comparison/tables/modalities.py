"""Whether models that improve more with EEG also improve more with fMRI (R24 Fig. 3B)."""

from collections.abc import Callable, Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.tables.listings import own_subject
from brainscore_realnet.errors import BadInputError

FEWEST_MODELS = 4
"""Personal models from which their improvements are correlated."""

MOST_PERMUTED = 7
"""Models up to which all permutations give the p of Spearman, whose usual approximation is bad for so few."""


def modalities(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Give the rows of the table ``modalities``: the personal models of families with enough of them."""
    for family, baseline in comparison.pairs():
        if not family.personal or len(family.models) < FEWEST_MODELS:
            continue
        for eeg, fmri in product(comparison.of_kind("eeg"), comparison.of_kind("fmri")):
            try:
                gains = [_gains(comparison, family, baseline, benchmark) for benchmark in (eeg, fmri)]
            except BadInputError:  # a personal baseline lacks a subject
                continue
            for model, with_eeg, with_fmri in zip(family.models, *gains, strict=True):
                yield {
                    "family": family.name,
                    "baseline": baseline.name,
                    "model": model,
                    "eeg_benchmark": eeg.identifier,
                    "fmri_benchmark": fmri.identifier,
                    "eeg_improvement": with_eeg,
                    "fmri_improvement": with_fmri,
                }


def correlations(of_models: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give the rows of the table ``correlations`` from those of ``modalities``.

    Improvements that are the same for all models have no correlation, and no row.
    """
    keys = ("family", "baseline", "eeg_benchmark", "fmri_benchmark")
    groups: dict[tuple[str, ...], list[tuple[float, float]]] = {}
    for row in of_models:
        both = row["eeg_improvement"], row["fmri_improvement"]
        groups.setdefault(tuple(row[key] for key in keys), []).append(both)
    for names, improvements in groups.items():
        eeg, fmri = np.array(improvements).T
        if np.ptp(eeg) == 0 or np.ptp(fmri) == 0:
            continue
        for test, correlate in CORRELATIONS.items():
            statistic, p = correlate(eeg, fmri)
            found = {"test": test, "unit": "model", "n": len(eeg), "statistic": statistic, "p": p, "correction": "none"}
            yield {**dict(zip(keys, names, strict=True)), **found}


def _gains(comparison: Comparison, family: Family, baseline: Family, benchmark: Measured) -> list[float]:
    """Give model - baseline of each model: with its own subject, or the mean over subjects if that was not measured."""
    gains = []
    for model in family.models:
        scored = comparison.scored[model, benchmark.identifier]
        subject = own_subject(scored, benchmark)
        theirs = comparison.matched(baseline, benchmark, (subject,) if subject else benchmark.subjects)
        rows = [benchmark.subjects.index(name) for name in theirs.subjects]
        gains.append(float(scored.part_values[rows].mean() - theirs.raw.mean()))
    return gains


def _pearson(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    from scipy import stats

    found = stats.pearsonr(first, second)
    return float(found.statistic), float(found.pvalue)


def _spearman(first: NDArray[np.float64], second: NDArray[np.float64]) -> tuple[float, float]:
    from scipy import stats

    found = stats.spearmanr(first, second)
    if len(first) > MOST_PERMUTED:
        return float(found.statistic), float(found.pvalue)
    x, y = (ranks - ranks.mean() for ranks in map(stats.rankdata, (first, second)))
    # ρ is proportional to the sum of products of centred ranks.
    exact = stats.permutation_test(
        (x,),
        lambda permuted, axis: (permuted * y).sum(axis=axis),
        permutation_type="pairings",
        vectorized=True,
        n_resamples=np.inf,
    )
    return float(found.statistic), float(exact.pvalue)


CORRELATIONS: dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], tuple[float, float]]] = {
    "Pearson correlation over models": _pearson,
    "Spearman correlation over models": _spearman,
}
