"""Time courses as the page's script draws them: means over subjects, their errors, noise ceilings, marks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.style import Tables
from brainscore_realnet.comparison.settings import ALPHA

MEAN = "mean"
"""Name of the course that is averaged over areas."""

Course = dict[str, Any]


def time_courses(comparison: Comparison, tables: Tables) -> list[Course]:
    """Give the time courses of every benchmark with EEG as plain values that JSON can express.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        ``tests`` says where families differ from their baselines.

    Returns
    -------
    list of dict
        One a benchmark: times and window in milliseconds; ceiling; for each family and area the mean over subjects and
        its standard error (None for one subject), over time and over the window; for each family and baseline the
        indices of times at which the family is above or below the baseline, by area.
    """
    return [_course(comparison, benchmark, tables) for benchmark in comparison.of_kind("eeg")]


def _course(comparison: Comparison, benchmark: Measured, tables: Tables) -> Course:
    lower, upper = benchmark.ceiling
    several = [MEAN] if len(benchmark.areas) > 1 else []
    milliseconds = 1000 * benchmark.times
    return {
        "benchmark": benchmark.identifier,
        "simulated": is_simulated(comparison, benchmark),
        "times": _plain(milliseconds),
        "window": _plain(milliseconds[benchmark.in_score][[0, -1]]),
        "areas": [*benchmark.areas, *several],
        "ceiling": {"lower": None if np.isnan(lower).any() else _plain(lower), "upper": _plain(upper)},
        "n": len(benchmark.subjects),
        "families": [_family(comparison, family, benchmark) for family in comparison.families],
        "marks": [
            {"family": family.name, "baseline": baseline.name, "at": marked}
            for family, baseline in comparison.pairs()
            if (marked := _marks(tables, benchmark, family, baseline))
        ],
    }


def is_simulated(comparison: Comparison, benchmark: Measured, family: Family | None = None) -> bool:
    """Whether anything about a benchmark's scores, or about those of one family, is simulated."""
    return any(
        scored.record["provenance"]["simulated"]
        for (model, name), scored in comparison.scored.items()
        if name == benchmark.identifier and (family is None or model in family.models)
    )


def _family(comparison: Comparison, family: Family, benchmark: Measured) -> dict[str, Any]:
    matched = comparison.matched(family, benchmark)
    values = dict(zip(benchmark.areas, np.moveaxis(matched.values, 1, 0), strict=True))
    if len(values) > 1:
        values[MEAN] = matched.values.mean(axis=1)
    families = comparison.models if family.role == "model" else comparison.baselines
    return {
        "name": family.name,
        "role": family.role,
        "place": families.index(family),
        "n": len(matched.subjects),
        "own": matched.own,
        "mean": {area: _plain(of.mean(axis=0)) for area, of in values.items()},
        "sem": {area: _standard_error(of) for area, of in values.items()},
        "window": {
            area: [_plain(inside.mean()), _standard_error(inside)]
            for area, of in values.items()
            for inside in [of[:, benchmark.in_score].mean(axis=1)]
        },
    }


def _marks(
    tables: Tables, benchmark: Measured, family: Family, baseline: Family
) -> dict[str, dict[str, list[int]]] | None:
    """Give, by area, the indices of times at which the family is above or below; None where none was tested."""
    tests = tables["tests"]
    of_pair = (tests["benchmark"] == benchmark.identifier) & (tests["family"] == family.name)
    of_course = (tests["scope"] == "course") & (tests["contrast"] == "family - baseline")
    rows = tests[of_pair & of_course & (tests["baseline"] == baseline.name)]
    if not len(rows):
        return None
    index = {round(float(time), 6): place for place, time in enumerate(benchmark.times)}
    found: dict[str, dict[str, list[int]]] = {str(area): {"above": [], "below": []} for area in rows["area"]}
    for area, time, q, difference in zip(rows["area"], rows["time"], rows["q"], rows["difference"], strict=True):
        if q < ALPHA:
            found[str(area)]["above" if difference > 0 else "below"].append(index[round(float(time), 6)])
    return found


def _standard_error(values: NDArray[np.float64]) -> Any:
    """Over the first axis, as plain values; None for one subject."""
    return None if len(values) < 2 else _plain(values.std(axis=0, ddof=1) / np.sqrt(len(values)))


def _plain(values: Any) -> Any:
    """Turn numbers into floats of six digits, which is more than a screen shows."""
    if np.ndim(values):
        return [_plain(value) for value in values]
    return float(f"{float(values):.6g}")
