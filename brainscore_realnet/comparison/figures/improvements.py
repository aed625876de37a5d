"""Improvement on baselines: every subject, in each area, at the baseline's peak and over the window of the score."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.captions import (
    about_benchmark,
    about_both,
    about_intervals,
    about_matched,
    about_stars,
    caption,
    over_subjects,
    source,
    stars,
    window_words,
)
from brainscore_realnet.comparison.figures.marks import marks_as_pixels
from brainscore_realnet.comparison.figures.rows import (
    is_simulated,
    matched_families,
    table_rows,
    tests_against_baselines,
)
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Tables,
    file_stem,
    head,
    legend_below,
    looks,
    new_figure,
    styled,
)
from brainscore_realnet.comparison.tables.blocks import MEAN

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

SCOPES = ("peak", "window")
MEASURES = {"difference": "difference (Δρ)", "ratio": "difference /\nbaseline (%)"}
"""Column of the tables, and its axis"""

FURTHEST = 4.0
"""Subjects' ratios beyond so many times the largest mean ratio are drawn as arrows at the edge: they are of subjects
whose baseline is hardly above zero, and would squash all others."""

SIDE_BY_SIDE = 3
"""Pairs of a family and a baseline up to which the panels of peak and window stand side by side."""

MANY = 6
"""Pairs from which each baseline has a figure of its own."""

FILLS = ("full", "none", "left", "top")
"""How a subject's dot is filled: by the place of the baseline."""

MOST_LEVEL = 6
"""Pairs up to which stars lie; those of more pairs stand, so that they do not touch."""

MOST_VECTORS = 900
"""Points up to which vector files hold subjects as vectors; more are stored as pixels, as of courses."""

_SPREAD = 0.86  # of an area's room, taken by its pairs
_TABLES = ("improvements_of_subjects", "improvements", "tests")

Styles = Mapping[tuple[str, str], dict[str, Any]]
"""By names of family and baseline: how their dots are drawn"""


@dataclass(frozen=True, eq=False)
class Column:
    """What is shown of a family and a baseline in one area."""

    pair: tuple[Family, Family]
    centre: float
    width: float
    subjects: NDArray[np.float64]
    """(n_subjects,) NaN where a subject has no ratio"""
    mean: float
    interval: tuple[float, float]
    """NaN where there is none"""
    sem: float
    """NaN where there is an interval"""
    marks: str


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw every subject's improvement on the baselines with each EEG benchmark; many pairs on a figure a baseline."""
    together = len(list(comparison.pairs())) < MANY
    of_figures = [comparison.baselines] if together else [(one,) for one in comparison.baselines]
    return [
        _drawing(comparison, tables, benchmark, baselines)
        for benchmark in comparison.of_kind("eeg")
        for baselines in of_figures
        if baselines
    ]


def _drawing(comparison: Comparison, tables: Tables, benchmark: Measured, baselines: Sequence[Family]) -> Drawing:
    names = [one.name for one in (*comparison.models, *baselines)]
    matched = {name: one for name, one in matched_families(comparison, benchmark).items() if name in names}
    tests = tests_against_baselines(tables, SCOPES, benchmark=benchmark.identifier)
    tests = tests[tests["area"].isin(_areas(benchmark)) & tests["baseline"].isin(names)]
    shown = table_rows(tables["improvements"], benchmark=benchmark.identifier)
    shown = shown[shown["scope"].isin(SCOPES) & shown["baseline"].isin(names)]
    n, simulated = int(shown["n"].min()), is_simulated(comparison, benchmark)
    figure = _figure(comparison, tables, benchmark, baselines)
    over = "baselines" if len(baselines) > 1 else baselines[0].name
    head(figure, f"{benchmark.identifier}: improvement over {over}", simulated)
    beyond = any(line.get_gid() == "beyond" for axis in figure.axes for line in axis.get_lines())
    alone = [] if len(baselines) == len(comparison.baselines) else [over]
    return Drawing(
        name=file_stem("improvements", benchmark.identifier, *alone),
        title=f"Improvement over {over if alone else 'the baseline'}, {benchmark.identifier}",
        caption=caption(
            "Difference in similarity (Spearman ρ) between models and baseline with the same subject, and its ratio to "
            "the baseline's similarity; a dot is a subject"
            f"{over_subjects(n, ', a line the mean difference or the ratio of means')}.",
            about_intervals(shown["interval"]),
            over_subjects(n, "Whiskers with caps (where there is no interval): ±1 SEM over subjects."),
            _about_peaks(table_rows(shown, scope="peak"), _areas(benchmark)),
            "A subject whose baseline is not positive has no ratio.",
            "Arrows at the edge: ratios beyond it." if beyond else "",
            about_benchmark(benchmark),
            about_matched(matched),
            about_stars(tests, n),
            about_both(shown["interval"], table_rows(tests, scope="window")),
            simulated=simulated,
        ),
        figure=figure,
        source=source("improvements", comparison.models, baselines),
        simulated=simulated,
    )


def _about_peaks(peaks: "DataFrame", areas: Sequence[str]) -> str:
    """Sentence of a caption: when the baselines' mean courses have their maxima."""
    found: dict[str, list[str]] = {}
    for row in peaks[["baseline", "area", "time"]].drop_duplicates().itertuples():
        if row.area in areas:
            found.setdefault(row.baseline, []).append(f"{row.area} {1000 * row.time:.0f} ms")
    words = "; ".join(f"{baseline} {', '.join(of)}" for baseline, of in found.items())
    return f"Peaks: {words}." if found else ""


def _figure(comparison: Comparison, tables: Tables, benchmark: Measured, baselines: Sequence[Family]) -> "Figure":
    pairs = [(family, baseline) for baseline in baselines for family in comparison.models]
    areas, styles = _areas(benchmark), _styles(comparison, pairs)
    titles = {"peak": "at the baseline's peak", "window": f"mean over {window_words(benchmark)}"}
    beside = len(pairs) <= SIDE_BY_SIDE
    figure = new_figure(9.3 if len(areas) > 1 else 7.2, 5.2 if beside else 9.0)
    # Measures stand below one another: in two columns, or all four panels in one.
    axes = figure.subplots(2, 2).T if beside else figure.subplots(4, 1).reshape(2, 2)
    for scope, of_scope in zip(SCOPES, axes, strict=True):
        where = {"benchmark": benchmark.identifier, "scope": scope}
        selected = {name: table_rows(tables[name], **where) for name in _TABLES}
        selected["tests"] = tests_against_baselines(tables, [scope], benchmark=benchmark.identifier)
        for measure, axis in zip(MEASURES, of_scope, strict=True):
            columns = _columns(selected, pairs, areas, measure)
            _draw_panel(axis, styles, columns, measure)
            if measure == "difference":
                axis.set_title(f"{titles[scope]}{_error(columns)}")
            _frame(axis, areas, measure, rotated=len(pairs) > MOST_LEVEL)
    if sum(np.size(line.get_xdata()) for axis in figure.axes for line in axis.get_lines()) > MOST_VECTORS:
        marks_as_pixels(figure)
    figure.align_ylabels()
    _add_legend(figure, styles)
    return figure


def _areas(benchmark: Measured) -> tuple[str, ...]:
    """Give the areas that are shown: a mean over one area is the same again."""
    return (*benchmark.areas, MEAN) if len(benchmark.areas) > 1 else benchmark.areas


def _columns(
    tables: Tables, pairs: Sequence[tuple[Family, Family]], areas: Sequence[str], measure: str
) -> list[Column]:
    """Take what is shown of a scope, pair by pair and area by area, from its rows of the tables."""
    keys = ["family", "baseline", "area"]
    by_key = {name: dict(iter(tables[name].groupby(keys))) for name in _TABLES}
    factor, width = 100 if measure == "ratio" else 1, min(_SPREAD / len(pairs), 0.45)
    found = []
    for place, (family, baseline) in enumerate(pairs):
        for number, area in enumerate(areas):
            each, means, tests = (by_key[name].get((family.name, baseline.name, area)) for name in _TABLES)
            if each is None or means is None:
                continue
            shown = measure == "difference"
            mean, low, high, sem = means[[measure, "low", "high", "sem"]].to_numpy(np.float64)[0]
            found.append(
                Column(
                    pair=(family, baseline),
                    centre=number + (place - (len(pairs) - 1) / 2) * width,
                    width=width,
                    subjects=factor * each[measure].to_numpy(np.float64),
                    mean=factor * mean,
                    interval=(low, high) if shown else (np.nan, np.nan),
                    sem=sem if shown and np.isnan(low) else np.nan,
                    marks=stars(tests["q"].iloc[0]) if shown and tests is not None else "",
                )
            )
    return found


def _error(columns: Sequence[Column]) -> str:
    """Name the error that a panel shows."""
    if any(np.isfinite(one.interval).all() for one in columns):
        return ", 95 % interval"
    return ", ±1 SEM" if any(np.isfinite(one.sem) for one in columns) else ""


def _draw_panel(axis: "Axes", styles: Styles, columns: Sequence[Column], measure: str) -> None:
    largest = np.abs([one.mean for one in columns])
    bounded = measure == "ratio" and np.isfinite(largest).any()
    edge = max(FURTHEST * float(np.nanmax(largest)), 10.0) if bounded else np.inf
    for one in columns:
        _draw_subjects(axis, one, edge, styles[_key(one.pair)])
        if one.marks:
            top = np.nanmax([*one.subjects, one.mean, one.interval[1]])
            stands = len({each.pair for each in columns}) > MOST_LEVEL
            style: dict[str, Any] = {"rotation": 90, "fontsize": 6} if stands else {"fontsize": 8}
            style |= {"ha": "center", "va": "bottom", "gid": "stars", "textcoords": "offset points", "in_layout": False}
            axis.annotate(one.marks, (one.centre, top), (0, 2), **style)
    ink: dict[str, Any] = {"color": "black", "zorder": 4}
    level = [([one.centre - 0.38 * one.width, one.centre + 0.38 * one.width], [one.mean, one.mean]) for one in columns]
    upright = [([one.centre, one.centre], one.interval) for one in columns]
    for name, width, pieces in (("means", 1.8, level), ("intervals", 1.2, upright)):
        # One line with gaps: hundreds of lines would make a large file.
        joined = [np.ravel([(*piece[side], np.nan) for piece in pieces]) for side in (0, 1)]
        axis.plot(*joined, linewidth=width, solid_capstyle="butt", gid=name, **ink)
    centres, means, sems = np.array([(one.centre, one.mean, one.sem) for one in columns]).reshape(-1, 3).T
    if np.isfinite(sems).any():
        axis.errorbar(centres, means, sems, linestyle="none", capsize=2, elinewidth=0.9, gid="errors", **ink)


def _frame(axis: "Axes", areas: Sequence[str], measure: str, rotated: bool) -> None:
    axis.axhline(0, color="0.3", linewidth=0.8, zorder=1)
    for border in np.arange(len(areas) - 1) + 0.5:
        axis.axvline(border, color="0.9", linewidth=0.8, zorder=0)
    axis.set_xticks(range(len(areas)), areas)
    axis.set_xlim(-0.5, len(areas) - 0.5)
    axis.set_ylabel(MEASURES[measure])
    low, high = axis.get_ylim()
    if measure == "difference":
        axis.set_ylim(low, high + (0.2 if rotated else 0.1) * (high - low))  # room for stars


def _styles(comparison: Comparison, pairs: Sequence[tuple[Family, Family]]) -> Styles:
    """Give the look of every pair: the family's colour and marker, filled by the baseline if there are several."""
    look, baselines = looks(comparison), list(dict.fromkeys(baseline for _, baseline in pairs))
    return {
        _key((family, baseline)): {
            "color": look[family.name].colour,
            "marker": look[family.name].marker,
            "fillstyle": FILLS[baselines.index(baseline) % len(FILLS)],
            "linestyle": "none",
            "markeredgewidth": 0.7,
        }
        for family, baseline in pairs
    }


def _key(pair: tuple[Family, Family]) -> tuple[str, str]:
    return pair[0].name, pair[1].name


def _draw_subjects(axis: "Axes", one: Column, edge: float, look: dict[str, Any]) -> None:
    """Draw a dot a subject, each at the same place of every column, and arrows for those beyond the edge."""
    n = len(one.subjects)
    places = one.centre + one.width * (np.linspace(-0.3, 0.3, n) if n > 1 else np.zeros(n))
    size = float(np.clip(20 * one.width, 1.8, 4))
    inside = np.abs(one.subjects) <= edge
    above = 5 if n == 1 else 2  # than the line of the mean, which would hide it
    axis.plot(places[inside], one.subjects[inside], markersize=size, zorder=above, gid="subjects", **look)
    for marker, beyond in (("^", one.subjects > edge), ("v", one.subjects < -edge)):
        if beyond.any():
            arrows = look | {"marker": marker, "markersize": size + 1.5, "gid": "beyond"}
            axis.plot(places[beyond], np.sign(one.subjects[beyond]) * edge, zorder=2, **arrows)


def _add_legend(figure: "Figure", styles: Styles) -> None:
    from matplotlib.lines import Line2D

    several = len({baseline for _, baseline in styles}) > 1
    handles = [
        Line2D([], [], markersize=4, label=f"{family} − {baseline}" if several else family, **style)
        for (family, baseline), style in styles.items()
    ]
    legend_below(figure, handles)
