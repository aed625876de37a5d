"""Similarity with regions of interest, and how much models improve on baselines there (R24 Fig. 3A, RF24 Fig. 1B–C)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Matched, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.style import (
    SUBJECT_MARKERS,
    Drawing,
    Look,
    Tables,
    about_benchmark,
    about_intervals,
    about_matched,
    about_tests,
    caption,
    file_stem,
    head,
    is_simulated,
    legend_below,
    looks,
    new_figure,
    stars,
    styled,
    table_rows,
)

if TYPE_CHECKING:
    from pandas import DataFrame

GROUP = 0.8
"""Width of a region's bars together; regions are 1 apart."""
GAP = 0.35
"""Between the regions and their mean."""
FAR = 3.0
"""A noise ceiling that is so many times higher than all bars and dots is told in words: it would press them flat."""
DOT, NARROW = 3.4, 0.14
"""Size of a subject's marker in points, and width of bars up to which it is smaller."""
MEASURES = {"difference": "Δ Spearman ρ", "ratio": "Δ / baseline (%)"}
_DOT: dict[str, Any] = {
    "linestyle": "none",
    "markerfacecolor": "white",
    "markeredgecolor": "0.2",
    "markeredgewidth": 0.6,
}


@dataclass(frozen=True, eq=False)
class Series:
    """Improvements of one family on one baseline, on one benchmark: a bar in every region."""

    label: str
    colour: str
    rows: "DataFrame"
    """Of the table of improvements: one a region, and their mean"""
    of_subjects: "DataFrame"
    """The same of every subject"""
    tests: "DataFrame"
    """Of the table of tests; none with few subjects"""


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw, for every fMRI benchmark, each family's similarity with each region, and its improvements on baselines.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        As `schema.TABLES` describes them.

    Returns
    -------
    list of Drawing
        One a benchmark; none without fMRI.
    """
    return [_draw_benchmark(comparison, tables, benchmark) for benchmark in comparison.of_kind("fmri")]


def series(tables: Tables, family: Family, baseline: Family, benchmark: Measured, label: str, colour: str) -> Series:
    """Take from the tables what one series of bars shows.

    Parameters
    ----------
    tables : mapping of str to DataFrame
    family, baseline : Family
    benchmark : Measured
        With fMRI.
    label, colour : str
        Of its bars.

    Returns
    -------
    Series
        Rows of single regions and of their mean.
    """

    def of(name: str) -> "DataFrame":
        table = tables[name]
        table = table[table["scope"].isin(["roi", "score"])]
        return table_rows(table, benchmark=benchmark.identifier, family=family.name, baseline=baseline.name)

    tests = table_rows(of("tests"), contrast="family - baseline")
    return Series(label, colour, of("improvements"), of("improvements_of_subjects"), tests)


def draw_improvements(
    axis: Any, shown: Sequence[Series], rois: Sequence[str], markers: Mapping[str, str], measure: str
) -> int:
    """Draw bars of improvement, side by side in each region, with every subject as a dot.

    Parameters
    ----------
    axis : matplotlib.axes.Axes
    shown : sequence of Series
    rois : sequence of str
        Regions from left to right; their mean follows.
    markers : mapping of str to str
        Every subject's marker.
    measure : {"difference", "ratio"}
        Differences have their 95 % interval and marks; ratios are in percent.

    Returns
    -------
    int
        Dots that lie outside the axis: ratios to baselines near zero have no bound.
    """
    scale = 100 if measure == "ratio" else 1
    tops, all_dots, bars = [], [], []
    for place, one in enumerate(shown):
        x, width = bar_places(len(rois), place, len(shown))
        means = scale * _by_roi(one.rows, measure, rois)
        axis.bar(x, means, width, color=one.colour, alpha=0.75, label=one.label, linewidth=0)
        dots = _subjects_by_roi(one.of_subjects, measure, rois, markers) * scale
        _draw_dots(axis, x, width, dots, markers)
        low, high = (_by_roi(one.rows, name, rois) for name in ("low", "high"))
        if measure == "difference" and np.isfinite(low).any():
            drawn = np.isfinite(low)
            reach = np.abs(np.stack([low, high]) - means)[:, drawn]
            axis.errorbar(x[drawn], means[drawn], reach, fmt="none", ecolor="0.1", elinewidth=1, capsize=1.5)
            bars += [*low[drawn], *high[drawn]]
        tops.append((x, np.fmax.reduce([means, high if measure == "difference" else means, *dots]), one))
        bars += [*means[np.isfinite(means)]]
        all_dots += [*dots[np.isfinite(dots)]]
    largest = max(np.abs(bars), default=0.0)
    inside = [value for value in all_dots if measure == "difference" or abs(value) <= FAR * largest]
    bottom, top = float(min([0, *bars, *inside])), float(max([0, *bars, *inside]))
    span = (top - bottom) or 1.0
    axis.set_ylim(bottom - 0.06 * span * (bottom < 0), top + 0.16 * span)
    if measure == "difference":
        _draw_marks(axis, tops, rois, span)
    axis.axhline(0, color="0.3", linewidth=0.8)
    axis.set_ylabel(MEASURES[measure])
    name_regions(axis, rois)
    return len(all_dots) - len(inside)


def bar_places(n_rois: int, place: int, n_series: int) -> tuple[NDArray[np.float64], float]:
    """Give the centres (n_rois + 1,) of a series' bars, the mean's last, and their width."""
    width = GROUP / n_series
    centres = np.append(np.arange(n_rois, dtype=np.float64), n_rois + GAP)
    return centres + (place + 0.5) * width - GROUP / 2, 0.92 * width


def name_regions(axis: Any, rois: Sequence[str]) -> None:
    """Label the groups of bars, and set their mean apart."""
    axis.set_xticks([*range(len(rois)), len(rois) + GAP], [*rois, "mean"])
    axis.tick_params(axis="x", length=0)
    axis.axvline(len(rois) - 0.5 + GAP / 2, color="0.85", linewidth=0.8, zorder=0)
    axis.set_xlim(-0.6, len(rois) + GAP + 0.6)


def subject_markers(subjects: Sequence[str]) -> dict[str, str]:
    """Give every subject its own marker, or all of them the same if there are not as many."""
    enough = len(subjects) <= len(SUBJECT_MARKERS)
    return {subject: SUBJECT_MARKERS[place if enough else 0] for place, subject in enumerate(subjects)}


def subject_handles(markers: Mapping[str, str]) -> list[Any]:
    """Make the legend's entries of subjects: one for all if they are too many to name."""
    from matplotlib.lines import Line2D

    enough = len(markers) <= len(SUBJECT_MARKERS)
    named = markers if enough else {f"{len(markers)} subjects": SUBJECT_MARKERS[0]}
    return [Line2D([], [], marker=marker, label=subject, markersize=DOT, **_DOT) for subject, marker in named.items()]


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
            series(tables, family, baseline, benchmark, family.name, look[family.name].colour)
            for family in comparison.models
        ]
        for column, measure in enumerate(MEASURES):
            axis = figure.add_subplot(grid[row, column])
            outside += draw_improvements(axis, lines, benchmark.conditions, markers, measure)
            axis.set_title(f"improvement on {baseline.name}", loc="left")
        shown += lines
    entries = dict(zip(*reversed(top.get_legend_handles_labels()), strict=True))
    in_order = [*matched, *(name for name in entries if name not in matched)]
    legend_below(figure, [*(entries[name] for name in in_order), *subject_handles(markers)])
    simulated = is_simulated(comparison, benchmark)
    head(figure, f"{benchmark.identifier}: similarity with regions of interest", simulated)
    return Drawing(
        name=file_stem("rois", benchmark.identifier),
        title=f"Similarity with regions of interest on {benchmark.identifier}",
        caption=caption(
            about_benchmark(benchmark),
            "Above: Spearman correlation between the models' and the measured RDM, for each region that of the model's "
            f"area which the benchmark chose ({benchmark.provenance.get('options', {}).get('area', 'its own rule')}).",
            f"Bars are means over subjects, markers are single subjects: {about_matched(matched)}",
            ceiling_words,
            about_intervals(_intervals(tables, benchmark)),
            "Below: difference to each baseline, and its ratio to the baseline's mean, on the same subjects."
            if shown
            else "",
            f"{outside} ratios of single subjects lie outside their axes." if outside else "",
            about_significance(shown, min((len(one.subjects) for one in matched.values()), default=0)) if shown else "",
            simulated=simulated,
        ),
        figure=figure,
        source="R24 Fig. 3A, RF24 Fig. 1B–C",
    )


def about_significance(shown: Sequence[Series], n: int) -> str:
    """Sentence of a caption on the tests of several series."""
    import pandas

    return about_tests(pandas.concat([one.tests for one in shown]), n)


def _draw_similarities(
    axis: Any,
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
        axis.bar(x, means, width, color=look[name].colour, alpha=0.75, label=name, linewidth=0)
        dots = np.full((len(markers), len(rois) + 1), np.nan)
        dots[[list(markers).index(subject) for subject in one.subjects]] = of_subjects
        _draw_dots(axis, x, width, dots, markers)
        row = table_rows(table, benchmark=benchmark.identifier, family=name)
        low, high = (row[bound].astype(float).to_numpy() for bound in ("low", "high"))
        if np.isfinite(low).any():
            reach = np.abs(np.stack([low, high]) - means[-1])
            axis.errorbar(x[-1:], means[-1:], reach, fmt="none", ecolor="0.1", elinewidth=1, capsize=1.5)
            highest = max(highest, *high)
        highest = max(highest, of_subjects.max())
    axis.axhline(0, color="0.3", linewidth=0.8)
    axis.set_ylabel("similarity with fMRI\n(Spearman ρ)")
    name_regions(axis, rois)
    return _draw_ceilings(axis, benchmark, highest)


def _draw_ceilings(axis: Any, benchmark: Measured, highest: float) -> str:
    bounds = np.column_stack([benchmark.ceiling, benchmark.score_ceiling])
    places = [*range(len(benchmark.conditions)), len(benchmark.conditions) + GAP]
    single = bool(np.isnan(bounds[0]).any())
    if np.nanmax(bounds) > FAR * highest > 0:
        axis.margins(y=0.12)
        for x, (low, high) in zip(places, bounds.T, strict=True):
            text = f"{high:.2f} ↑" if single else f"{low:.2f}–{high:.2f} ↑"
            axis.annotate(text, (x, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom", fontsize=7.5)
        return f"The noise ceiling is more than {FAR:g} times as high; it is written above each region."
    for x, (low, high) in zip(places, bounds.T, strict=True):
        left, right = x - GROUP / 2 - 0.04, x + GROUP / 2 + 0.04
        if single:
            axis.hlines(high, left, right, color="0.6", linestyle="--", linewidth=1)
        else:
            axis.fill_between([left, right], low, high, color="0.85", linewidth=0, zorder=0)
    if single:
        axis.plot([], [], color="0.6", linestyle="--", label="noise ceiling")
        return "Dashed: noise ceiling, from the reliability of the single subject."
    axis.fill_between([], [], color="0.85", linewidth=0, label="noise ceiling")
    return "Grey bands: lower to upper noise ceiling."


def _draw_dots(
    axis: Any, x: NDArray[np.float64], width: float, values: NDArray[np.float64], markers: Mapping[str, str]
) -> None:
    """Draw (n_subjects, n_regions) values side by side within their bars."""
    offsets = np.linspace(-0.32, 0.32, len(markers)) * width if len(markers) > 1 else [0.0]
    for marker, offset, row in zip(markers.values(), offsets, values, strict=True):
        if np.isfinite(row).any():
            axis.plot(x + offset, row, marker=marker, markersize=DOT if width > NARROW else 0.7 * DOT, zorder=3, **_DOT)


def _draw_marks(axis: Any, tops: Sequence[tuple[Any, Any, Series]], rois: Sequence[str], span: float) -> None:
    for x, top, one in tops:
        for place, q in enumerate(_by_roi(one.tests, "q", rois)):
            if np.isfinite(q) and stars(q):
                height = max(top[place], 0) + 0.02 * span
                axis.text(x[place], height, stars(q), ha="center", va="bottom", fontsize=7, rotation=90)


def _by_roi(rows: "DataFrame", column: str, rois: Sequence[str]) -> NDArray[np.float64]:
    """Give a column (n_rois + 1,) in the order of regions, their mean last; NaN for what has no row or no value."""
    single = rows[rows["scope"] == "roi"].set_index("roi")[column].astype(float).reindex(rois).to_numpy()
    mean = rows.loc[rows["scope"] == "score", column].astype(float).to_numpy()
    return np.append(single, mean[0] if len(mean) else np.nan)


def _subjects_by_roi(
    rows: "DataFrame", column: str, rois: Sequence[str], markers: Mapping[str, str]
) -> NDArray[np.float64]:
    """Give (n_subjects, n_rois + 1) values."""
    return np.array([_by_roi(rows[rows["subject"] == subject], column, rois) for subject in markers])


def _intervals(tables: Tables, benchmark: Measured) -> list[Any]:
    """How the intervals of a benchmark's bars were computed."""
    families, gains = tables["families"], tables["improvements"]
    rows = gains[(gains["benchmark"] == benchmark.identifier) & gains["scope"].isin(["roi", "score"])]
    return [*families.loc[families["benchmark"] == benchmark.identifier, "interval"], *rows["interval"]]
