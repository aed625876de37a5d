"""Similarity with EEG over time: the course of every family in each area of the models."""

from collections.abc import Mapping, Sequence

import numpy as np

from brainscore_realnet.comparison.comparison import Comparison, Matched, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.courses import MEAN, Panel, ceiling_fits, courses_figure
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Tables,
    about_benchmark,
    about_matched,
    about_tests,
    caption,
    file_stem,
    is_simulated,
    styled,
    table_rows,
)
from brainscore_realnet.rsa.statistics import FEWEST_SUBJECTS

READOUT = ".readout-rsa"
"""How the identifiers of benchmarks of the layer before the classifier end, but for their options."""


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw the courses of all families in every area and their mean, a figure for each EEG benchmark (R24 Fig. 2A).

    Parameters
    ----------
    comparison : Comparison
    tables : Tables
        Marks are taken from ``tests`` and ``clusters``.

    Returns
    -------
    list of Drawing
        None of a benchmark of the layer before the classifier that is there with its whole: `early_late` draws both.
    """
    names = {one.identifier for one in comparison.of_kind("eeg")}
    return [
        _drawing(comparison, tables, one)
        for one in comparison.of_kind("eeg")
        if not (READOUT in one.identifier and one.identifier.replace(READOUT, "-rsa") in names)
    ]


def _drawing(comparison: Comparison, tables: Tables, benchmark: Measured) -> Drawing:
    matched = matched_families(comparison, benchmark)
    titles = {area: area for area in benchmark.areas} | ({MEAN: "mean over areas"} if len(benchmark.areas) > 1 else {})
    panels = [Panel.of(benchmark, matched, area, title) for area, title in titles.items()]
    return Drawing(
        name=file_stem("time-courses", benchmark.identifier),
        title=f"Similarity with EEG over time, {benchmark.identifier}",
        caption=courses_caption(comparison, tables, panels, matched),
        figure=courses_figure(comparison, tables, panels, benchmark.identifier),
        source=source(comparison.models, "R24 Fig. 2A"),
    )


def source(models: Sequence[Family], of_eeg: str) -> str:
    """Name the papers' figures: one of models of EEG, and RF24's of models of fMRI that meet EEG."""
    of_fmri = ["fmri" in family.name.split("-") for family in models]
    return "; ".join([of_eeg] * (not all(of_fmri)) + ["RF24 Fig. 4 (EEG of fMRI models)"] * any(of_fmri))


def matched_families(comparison: Comparison, benchmark: Measured) -> dict[str, Matched]:
    """Give all families' similarities by name, models first.

    Baselines are taken on the subjects of the models where these are the same for all; else on all that they meet.
    """
    models = {family.name: comparison.matched(family, benchmark) for family in comparison.models}
    groups = {one.subjects for one in models.values()}
    subjects = groups.pop() if len(groups) == 1 else None
    return models | {family.name: comparison.matched(family, benchmark, subjects) for family in comparison.baselines}


def courses_caption(
    comparison: Comparison, tables: Tables, panels: Sequence[Panel], matched: Mapping[str, Matched]
) -> str:
    """Say what a figure of courses shows: n, errors, ceiling, window, and what marks mean."""
    benchmarks = tuple(dict.fromkeys(one.benchmark for one in panels))
    errors = "; bands: ±1 SEM over subjects" if any(len(one.subjects) > 1 for one in matched.values()) else ""
    return caption(
        "Similarity of models with EEG at every time point (Spearman ρ between the upper triangles of their RDMs)"
        f"{errors and ', mean over subjects'}{errors}.",
        *(about_benchmark(benchmark) for benchmark in benchmarks),
        about_matched(matched),
        _about_ceiling(panels),
        f"Shaded: window of the score, {window_words(benchmarks[0])}; dotted line: stimulus onset.",
        *_about_marks(comparison, tables, panels, min(len(one.subjects) for one in matched.values())),
        simulated=is_simulated(comparison, *benchmarks),
    )


def window_words(benchmark: Measured) -> str:
    """Give first and last time of the score's window, such as ``50–200 ms``."""
    inside = 1000 * benchmark.times[benchmark.in_score]
    return f"{inside[0]:.0f}–{inside[-1]:.0f} ms"


def _about_ceiling(panels: Sequence[Panel]) -> str:
    lower = panels[0].benchmark.ceiling[0]
    what = (
        "Grey band: noise ceiling, lower to upper bound"
        if np.isfinite(lower).all()
        else ("Dashed grey line: noise ceiling of the one subject (square root of the reliability)")
    )
    return f"{what}{'' if ceiling_fits(panels) else ', in a panel of its own since it is far above the curves'}."


def _about_marks(comparison: Comparison, tables: Tables, panels: Sequence[Panel], n: int) -> list[str]:
    """Sentences on dots and bars below the curves, or on why there are none."""
    if not comparison.baselines:
        return ["Without a baseline nothing is tested."]
    names = {one.benchmark.identifier for one in panels}
    areas = {one.area for one in panels}
    tests, clusters = (
        table[table["benchmark"].isin(names) & table["area"].isin(areas)]
        for table in (tables["tests"], tables["clusters"])
    )
    course = table_rows(tests, scope="course", contrast="family - baseline")
    if course.empty:
        return [about_tests(course, n)] if n < FEWEST_SUBJECTS else ["No test is defined, and nothing is marked."]
    dots = (
        "Dots below the curves, a row for each family in the legend's order: difference from the baseline named there, "
        "filled if above and open if below it, q < .05"
    )
    bars = "Bars: clusters with p < .05, hollow if below the baseline"
    how = dict.fromkeys(
        f"{row.test}, two-sided, n = {row.n} subjects, |t| > {row.threshold:.2f}, {row.n_permutations} sign flips"
        f"{' (all that there are)' if row.exact else f', seed {row.seed}'}"
        for row in clusters.itertuples()
    )
    return [about_tests(course, n, dots), f"{bars}: {'; '.join(how)}." if how else ""]
