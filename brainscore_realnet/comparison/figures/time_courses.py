"""Similarity with EEG over time: the course of every family in each area of the models."""

from collections.abc import Mapping, Sequence

from brainscore_realnet.comparison.comparison import Comparison, Matched, Measured
from brainscore_realnet.comparison.figures.captions import (
    about_benchmark,
    about_ceiling,
    about_matched,
    caption,
    over_subjects,
    source,
    window_words,
)
from brainscore_realnet.comparison.figures.courses import Panel, ceiling_fits, courses_figure
from brainscore_realnet.comparison.figures.marks import about_marks
from brainscore_realnet.comparison.figures.rows import is_simulated, matched_families, tests_against_baselines
from brainscore_realnet.comparison.figures.style import Drawing, Tables, file_stem, styled
from brainscore_realnet.comparison.tables.blocks import MEAN

READOUT = ".readout-rsa"
"""How the identifiers of benchmarks of the layer before the classifier end, but for their options."""


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw the courses of all families in every area and their mean, for each EEG benchmark.

    A benchmark of the layer before the classifier that is there with its whole is left to `early_late`.
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
        source=source("time courses", comparison.models, comparison.baselines),
        simulated=is_simulated(comparison, benchmark),
    )


def courses_caption(
    comparison: Comparison, tables: Tables, panels: Sequence[Panel], matched: Mapping[str, Matched]
) -> str:
    """Say what a figure of courses shows: n, errors, ceiling, window, and what marks mean."""
    benchmarks = tuple(dict.fromkeys(one.benchmark for one in panels))
    n_most = max(len(one.subjects) for one in matched.values())
    n_fewest = min(len(one.subjects) for one in matched.values())
    shown = ([one.identifier for one in benchmarks], [one.area for one in panels])
    tests, clusters = (
        table[table["benchmark"].isin(shown[0]) & table["area"].isin(shown[1])]
        for table in (tests_against_baselines(tables, ["course"]), tables["clusters"])
    )
    apart = "" if ceiling_fits(panels) else ", in a panel of its own since it is far above the curves"
    return caption(
        "Similarity of models with EEG at every time point (Spearman ρ between the upper triangles of their RDMs)"
        f"{over_subjects(n_most, ', mean over subjects; bands: ±1 SEM over subjects')}.",
        *map(about_benchmark, benchmarks),
        about_matched(matched),
        about_ceiling(panels[0].benchmark, f"Grey band: noise ceiling{apart}", f"Dashed grey line{apart}"),
        f"Shaded: window of the score, {window_words(benchmarks[0])}; dotted line: stimulus onset.",
        *about_marks(comparison, tests, clusters, n_fewest),
        simulated=is_simulated(comparison, *benchmarks),
    )
