"""Improvements in each region for natural images, shapes and letters, side by side (RF24 Fig. 2)."""

import re
from typing import Any

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.rois import (
    MEASURES,
    about_significance,
    draw_improvements,
    series,
    subject_handles,
    subject_markers,
)
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Tables,
    about_benchmark,
    about_intervals,
    about_matched,
    caption,
    file_stem,
    head,
    is_simulated,
    legend_below,
    new_figure,
    styled,
)

TYPES = {"": ("natural images", "#009E73"), "shapes": ("shapes", "#E69F00"), "letters": ("letters", "#56B4E9")}
"""What benchmarks of Shen et al. (2019) have in their identifier, to name and colour of the image type."""


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw the improvements of every family on every baseline, with the types of images side by side.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        As `schema.TABLES` describes them.

    Returns
    -------
    list of Drawing
        One a family of models; none unless at least two types of images of the same recordings were compared.
    """
    if not comparison.baselines:
        return []
    return [
        _draw_family(comparison, tables, family, stem, types)
        for stem, types in by_recordings(comparison).items()
        if len(types) > 1
        for family in comparison.models
    ]


def by_recordings(comparison: Comparison) -> dict[str, dict[str, Measured]]:
    """Group benchmarks of Shen et al. (2019) that differ in the type of images alone.

    Parameters
    ----------
    comparison : Comparison

    Returns
    -------
    dict of str to dict of str to Measured
        By the identifier without the type, then by type (as `TYPES`, and in its order).
    """
    groups: dict[str, dict[str, Measured]] = {}
    for benchmark in comparison.of_kind("fmri"):
        found = re.fullmatch(r"(Sim)?Shen2019(shapes|letters)?(\..+)?(-rsa.*)", benchmark.identifier)
        if found:
            stem = f"{found[1] or ''}Shen2019{found[3] or ''}{found[4]}"
            groups.setdefault(stem, {})[found[2] or ""] = benchmark
    return {stem: {name: types[name] for name in TYPES if name in types} for stem, types in groups.items()}


def _draw_family(
    comparison: Comparison, tables: Tables, family: Family, stem: str, types: dict[str, Measured]
) -> Drawing:
    benchmarks = tuple(types.values())
    rois = list(dict.fromkeys(roi for benchmark in benchmarks for roi in benchmark.conditions))
    markers = subject_markers(list(dict.fromkeys(name for benchmark in benchmarks for name in benchmark.subjects)))
    figure = new_figure(max(6.4, 3.7 * len(comparison.baselines)), 5.0)
    axes = figure.subplots(2, len(comparison.baselines), squeeze=False)
    outside, shown = 0, []
    for column, baseline in enumerate(comparison.baselines):
        lines = [series(tables, family, baseline, benchmark, *TYPES[name]) for name, benchmark in types.items()]
        for row, measure in enumerate(MEASURES):
            outside += draw_improvements(axes[row, column], lines, rois, markers, measure)
        axes[0, column].set_title(f"improvement on {baseline.name}", loc="left")
        shown += lines
    _finish(figure, axes, markers)
    simulated = is_simulated(comparison, *benchmarks)
    head(figure, f"{family.name}: improvement by type of images", simulated)
    matched = {benchmark.identifier: comparison.matched(family, benchmark) for benchmark in benchmarks}
    return Drawing(
        name=file_stem("image-types", stem, family.name),
        title=f"Improvement of {family.name} by type of images, on {stem}",
        caption=caption(
            *(about_benchmark(benchmark) for benchmark in benchmarks),
            f"Difference between the similarity (Spearman ρ) of {family.name} and of each baseline with each region "
            "(above), and its ratio to the baseline's mean (below).",
            f"Bars are means over subjects, markers are single subjects: {about_matched(matched)}",
            about_intervals(_intervals(shown)),
            f"{outside} ratios of single subjects lie outside their axes." if outside else "",
            about_significance(shown, min(len(one.subjects) for one in matched.values())),
            simulated=simulated,
        ),
        figure=figure,
        source="RF24 Fig. 2",
    )


def _finish(figure: Any, axes: Any, markers: dict[str, str]) -> None:
    handles = [*axes[0, 0].get_legend_handles_labels()[0], *subject_handles(markers)]
    legend_below(figure, handles)
    for axis in axes[:, 1:].flat:
        axis.set_ylabel("")
    for row in axes:
        low, high = (
            limit(bound[side] for bound in map(lambda axis: axis.get_ylim(), row))
            for side, limit in enumerate((min, max))
        )
        for axis in row:
            axis.set_ylim(low, high)


def _intervals(shown: Any) -> list[Any]:
    return [text for one in shown for text in one.rows["interval"]]
