"""Time courses as the page's script draws them: means over subjects, their errors, noise ceilings, marks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Matched, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.captions import (
    about_benchmark,
    about_ceiling,
    about_matched,
    caption,
    over_subjects,
    window_words,
)
from brainscore_realnet.comparison.figures.courses import Panel, ceiling_fits
from brainscore_realnet.comparison.figures.marks import about_marks, marks
from brainscore_realnet.comparison.figures.rows import (
    fewest_subjects,
    is_simulated,
    matched_families,
    mean_sem,
    tests_against_baselines,
)
from brainscore_realnet.comparison.figures.style import Tables, window_edges
from brainscore_realnet.comparison.tables.blocks import MEAN

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
        One a benchmark: caption; times and window in milliseconds; ceiling, and whether it can be drawn beside the
        curves; for each family and area the mean over subjects and its standard error (None for one subject), over
        time and over the window; for each family and baseline the indices of times at which the family is above or
        below the baseline, by area. A number that is not defined is None.
    """
    return [_course(comparison, benchmark, tables) for benchmark in comparison.of_kind("eeg")]


def _course(comparison: Comparison, benchmark: Measured, tables: Tables) -> Course:
    several = [MEAN] if len(benchmark.areas) > 1 else []
    matched = matched_families(comparison, benchmark)
    panels = {area: Panel.of(benchmark, matched, area, area) for area in [*benchmark.areas, *several]}
    lower, upper = benchmark.ceiling
    fits = ceiling_fits(list(panels.values()))
    return {
        "caption": _caption(comparison, tables, benchmark, matched, fits),
        "benchmark": benchmark.identifier,
        "simulated": is_simulated(comparison, benchmark),
        "times": _plain(1000 * benchmark.times),
        "window": _plain(window_edges(benchmark)),
        "areas": list(panels),
        "ceiling": {
            "lower": None if np.isnan(lower).any() else _plain(lower),
            "upper": _plain(upper),
            "fits": fits,
        },
        "families": [_family(comparison, family, panels) for family in comparison.families],
        "marks": _marks(comparison, tables, panels),
    }


def _caption(
    comparison: Comparison, tables: Tables, benchmark: Measured, matched: dict[str, Matched], fits: bool
) -> str:
    tests = tests_against_baselines(tables, ["course"], benchmark=benchmark.identifier)
    apart = "" if fits else ", far above the curves and drawn once it is chosen in the legend"
    n_most = max(len(one.subjects) for one in matched.values())
    return caption(
        "Similarity of models with EEG at every time point (Spearman ρ between the upper triangles of their RDMs)"
        f"{over_subjects(n_most, ', mean over subjects; bands: ±1 standard error over subjects')}.",
        about_benchmark(benchmark),
        about_matched(matched),
        about_ceiling(benchmark, f"Grey band: noise ceiling{apart}", f"Dashed grey line{apart}"),
        f"Grey area: window of the score, {window_words(benchmark)}.",
        *about_marks(comparison, tests, tables["clusters"][:0], fewest_subjects(matched)),  # clusters are not drawn
    )


def _family(comparison: Comparison, family: Family, panels: Mapping[str, Panel]) -> dict[str, Any]:
    families = comparison.models if family.role == "model" else comparison.baselines
    values = {area: panel.courses[family.name] for area, panel in panels.items()}
    inside = {area: values[area][:, panel.benchmark.in_score].mean(axis=1) for area, panel in panels.items()}
    return {
        "name": family.name,
        "role": family.role,
        "place": families.index(family),
        "mean": {area: _mean_and_error(of)[0] for area, of in values.items()},
        "sem": {area: _mean_and_error(of)[1] for area, of in values.items()},
        "window": {area: _mean_and_error(of) for area, of in inside.items()},
    }


def _marks(comparison: Comparison, tables: Tables, panels: Mapping[str, Panel]) -> list[dict[str, Any]]:
    """Give, for each family that was tested against a baseline, the indices of marked times by area."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for area, panel in panels.items():
        index = {round(float(time), 6): place for place, time in enumerate(panel.benchmark.times)}
        for baseline, rows in marks(comparison, tables, panel.benchmark.identifier, area).items():
            for row in rows:
                sides = {"above": row.above, "below": row.below}
                at = {side: [index[round(time, 6)] for time in times] for side, times in sides.items()}
                found.setdefault((baseline, row.family), {})[area] = at
    return [{"family": family, "baseline": baseline, "at": at} for (baseline, family), at in found.items()]


def _mean_and_error(values: NDArray[np.float64]) -> list[Any]:
    """Over the first axis, as plain values; an error of None for one subject."""
    mean, error = mean_sem(values)
    return [_plain(mean), _plain(error) if len(values) > 1 else None]


def _plain(values: Any) -> Any:
    """Turn numbers into floats of six digits, which is more than a screen shows; NaN into None."""
    if np.ndim(values):
        return [_plain(value) for value in values]
    return float(f"{float(values):.6g}") if np.isfinite(values) else None
