"""Similarity with regions of interest, and how much models improve on baselines there (R24 Fig. 3A, RF24 Fig. 1B–C)."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from brainscore_realnet.comparison.comparison import Comparison, Matched, Measured
from brainscore_realnet.comparison.figures.bars import (
    FAR,
    GAP,
    GROUP,
    MEASURES,
    about_series,
    bar_places,
    draw_dots,
    draw_improvements,
    draw_intervals,
    name_regions,
    series,
    subject_handles,
    subject_markers,
)
from brainscore_realnet.comparison.figures.captions import (
    about_benchmark,
    about_ceiling,
    about_intervals,
    about_matched,
    caption,
    over_subjects,
    source,
)
from brainscore_realnet.comparison.figures.rows import fewest_subjects, is_simulated, table_rows
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Look,
    Tables,
    broken_name,
    file_stem,
    head,
    legend_below,
    looks,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw, for every fMRI benchmark, each family's similarity with each region, and its improvements on baselines."""
    return [_draw_benchmark(comparison, tables, benchmark) for benchmark in comparison.of_kind("fmri")]


def _draw_benchmark(comparison: Comparison, tables: Tables, benchmark: Measured) -> Drawing:
    look, markers = looks(comparison), subject_markers(benchmark.subjects)
    figure = new_figure(7.4, 2.9 + 2.1 * len(comparison.baselines))
    rows = 1 + len(comparison.baselines)
    grid = figure.add_gridspec(rows, 2, height_ratios=[1.35] + [1] * (rows - 1))
    matched = {family.name: comparison.matched(family, benchmark) for family in comparison.families}
    top = figure.add_subplot(grid[0, :])
    ceiling_words = _draw_similarities(top, tables, benchmark, matched, look, markers)
    outside, shown = 0, []
    for row, baseline in enumerate(comparison.baselines, 1):
        lines = [
            series(tables, family, baseline, benchmark, family.name, look[family.name]) for family in comparison.models
        ]
        for column, measure in enumerate(MEASURES):
            axis = figure.add_subplot(grid[row, column])
            outside += draw_improvements(axis, lines, benchmark.conditions, markers, measure)
            axis.set_title(broken_name(f"improvement on {baseline.name}", 46), loc="left")
        shown += lines
    entries = dict(zip(*reversed(top.get_legend_handles_labels()), strict=True))
    in_order = [*matched, *(name for name in entries if name not in matched)]
    legend_below(figure, [*(entries[name] for name in in_order), *subject_handles(markers)])
    simulated, n = is_simulated(comparison, benchmark), fewest_subjects(matched)
    head(figure, f"{benchmark.identifier}: similarity with regions of interest", simulated)
    intervals = table_rows(tables["families"], benchmark=benchmark.identifier)["interval"]
    kind = "rois of image types" if re.search("shapes|letters", benchmark.identifier) else "rois"
    rule = benchmark.provenance.get("options", {}).get("area", "its own rule")
    return Drawing(
        name=file_stem("rois", benchmark.identifier),
        title=f"Similarity with regions of interest on {benchmark.identifier}",
        caption=caption(
            about_benchmark(benchmark),
            "Above: Spearman correlation between the models' and the measured RDM, for each region that of the model's "
            f"area which the benchmark chose ({rule}).",
            over_subjects(n, "Bars are means over subjects, markers are single subjects."),
            about_matched(matched),
            ceiling_words,
            "Below: difference to each baseline (left), and its ratio to the baseline (right), on the same subjects."
            if shown
            else "",
            *(about_series(shown, n, outside, list(intervals)) if shown else [about_intervals(intervals)]),
            simulated=simulated,
        ),
        figure=figure,
        source=source(kind, comparison.models, comparison.baselines),
        simulated=simulated,
    )


def _draw_similarities(
    axis: "Axes",
    tables: Tables,
    benchmark: Measured,
    matched: Mapping[str, Matched],
    look: Mapping[str, Look],
    markers: Mapping[str, str],
) -> str:
    """Draw bars, dots and noise ceilings, and give the caption's sentence on the ceilings."""
    rois, highest = benchmark.conditions, 0.0
    table = tables["families"]
    for place, (name, one) in enumerate(matched.items()):
        x, width = bar_places(len(rois), place, len(matched))
        of_subjects = np.column_stack([one.scored_values, one.raw])
        means = of_subjects.mean(axis=0)
        axis.bar(x, means, width, label=name, **look[name].bar)
        dots = np.full((len(markers), len(rois) + 1), np.nan)
        dots[[list(markers).index(subject) for subject in one.subjects]] = of_subjects
        draw_dots(axis, x, width, dots, markers)
        row = table_rows(table, benchmark=benchmark.identifier, family=name)
        low, high = (row[bound].astype(float).to_numpy() for bound in ("low", "high"))
        if np.isfinite(low).any():
            draw_intervals(axis, x[-1:], width, means[-1:], np.stack([low, high]))
            highest = max(highest, *high)
        highest = max(highest, of_subjects.max())
    axis.axhline(0, color="0.3", linewidth=0.8)
    axis.set_ylabel("similarity with fMRI\n(Spearman ρ)")
    name_regions(axis, rois)
    return _draw_ceilings(axis, benchmark, highest)


def _draw_ceilings(axis: "Axes", benchmark: Measured, highest: float) -> str:
    bounds = np.column_stack([benchmark.ceiling, benchmark.score_ceiling])
    places = [*range(len(benchmark.conditions)), len(benchmark.conditions) + GAP]
    single = bool(np.isnan(bounds[0]).any())
    if np.nanmax(bounds) > FAR * highest > 0:
        axis.margins(y=0.12)
        for x, (low, high) in zip(places, bounds.T, strict=True):
            text = f"{high:.2f} ↑" if single else f"{low:.2f}–{high:.2f} ↑"
            axis.annotate(text, (x, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=7.5)
        far = f"more than {FAR:g} times as high as the bars, written above each region"
        return about_ceiling(benchmark, f"Noise ceiling, {far}", f"Numbers, {far}")
    for x, (low, high) in zip(places, bounds.T, strict=True):
        left, right = x - GROUP / 2 - 0.04, x + GROUP / 2 + 0.04
        if single:
            axis.hlines(high, left, right, color="0.6", linestyle="--", linewidth=1)
        else:
            axis.fill_between([left, right], low, high, color="0.85", linewidth=0, zorder=0)
    if single:
        axis.plot([], [], color="0.6", linestyle="--", label="noise ceiling")
    else:
        axis.fill_between([], [], color="0.85", linewidth=0, label="noise ceiling")
    return about_ceiling(benchmark, "Grey bands: noise ceiling", "Dashed")
