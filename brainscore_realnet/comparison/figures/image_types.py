"""Improvements in each region for natural images, shapes and letters, side by side (RF24 Fig. 2)."""

import re
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.bars import (
    MEASURES,
    about_series,
    draw_improvements,
    series,
    subject_handles,
    subject_markers,
)
from brainscore_realnet.comparison.figures.captions import (
    about_benchmark,
    about_matched,
    caption,
    over_subjects,
    source,
)
from brainscore_realnet.comparison.figures.rows import fewest_subjects, is_simulated
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Look,
    Tables,
    broken_name,
    file_stem,
    head,
    legend_below,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

TYPES = {
    "": ("natural images", Look("#009E73", "o", "-")),
    "shapes": ("shapes", Look("#E69F00", "s", "-")),
    "letters": ("letters", Look("#56B4E9", "^", "-")),
}
"""What benchmarks of Shen et al. (2019) have in their identifier, to name and look of the image type."""


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw the improvements of each family on every baseline, with the types of images side by side."""
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
        axes[0, column].set_title(broken_name(f"improvement on {baseline.name}", 46), loc="left")
        shown += lines
    _finish(figure, axes, markers)
    simulated = is_simulated(comparison, *benchmarks)
    head(figure, f"{family.name}: improvement by type of images", simulated)
    matched = {benchmark.identifier: comparison.matched(family, benchmark) for benchmark in benchmarks}
    n = fewest_subjects(matched)
    return Drawing(
        name=file_stem("image-types", stem, family.name),
        title=f"Improvement of {family.name} by type of images, on {stem}",
        caption=caption(
            *(about_benchmark(benchmark) for benchmark in benchmarks),
            f"Difference between the similarity (Spearman ρ) of {family.name} and of each baseline with each region "
            "(above), and its ratio to the baseline (below).",
            over_subjects(n, "Bars are means over subjects, markers are single subjects."),
            about_matched(matched),
            *about_series(shown, n, outside),
            simulated=simulated,
        ),
        figure=figure,
        source=source("image types", [family], comparison.baselines),
        simulated=simulated,
    )


def _finish(figure: "Figure", axes: NDArray[Any], markers: dict[str, str]) -> None:
    handles = [*axes[0, 0].get_legend_handles_labels()[0], *subject_handles(markers)]
    legend_below(figure, handles)
    for axis in axes[:, 1:].flat:
        axis.set_ylabel("")
    for row in axes:
        lows, highs = zip(*(axis.get_ylim() for axis in row), strict=True)
        for axis in row:
            axis.set_ylim(min(lows), max(highs))
