"""Bars of regions of interest, a series beside the other, with every subject as a dot."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.captions import (
    RATIOS,
    about_both,
    about_intervals,
    about_stars,
    counted,
    stars,
)
from brainscore_realnet.comparison.figures.rows import table_rows, tests_against_baselines
from brainscore_realnet.comparison.figures.style import SUBJECT_MARKERS, Look, Tables

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from pandas import DataFrame

SCOPES = ("roi", "score")
GROUP = 0.8
"""Width of a region's bars together; regions are 1 apart."""
GAP = 0.35
"""Between the regions and their mean."""
FAR = 3.0
"""Ratios of subjects so many times larger than all bars are not shown: they would press them flat."""
DOT = 2.8
"""Size of a subject's marker in points."""
MEASURES = {"difference": "Δ Spearman ρ", "ratio": "Δ / baseline (%)"}
_DOTS, _INTERVAL = (-0.36, 0.14), 0.34  # parts of a bar's width, from its middle: dots left, interval right
_DOT: dict[str, Any] = {
    "linestyle": "none",
    "markerfacecolor": "white",
    "markeredgecolor": "0.2",
    "markeredgewidth": 0.6,
    "markersize": DOT,
}


@dataclass(frozen=True, eq=False)
class Series:
    """Improvements of one family on one baseline, on one benchmark: a bar in every region."""

    label: str
    look: Look
    rows: "DataFrame"
    """Of the table of improvements: one a region, and their mean"""
    of_subjects: "DataFrame"
    """The same of every subject"""
    tests: "DataFrame"
    """Of the table of tests; none with few subjects"""


def series(tables: Tables, family: Family, baseline: Family, benchmark: Measured, label: str, look: Look) -> Series:
    """Take from the tables what one series of bars shows: rows of single regions and of their mean."""
    where = {"benchmark": benchmark.identifier, "family": family.name, "baseline": baseline.name}
    gains, each = (table_rows(tables[name], **where) for name in ("improvements", "improvements_of_subjects"))
    return Series(
        label,
        look,
        gains[gains["scope"].isin(SCOPES)],
        each[each["scope"].isin(SCOPES)],
        tests_against_baselines(tables, SCOPES, **where),
    )


def about_series(shown: Sequence[Series], n: int, outside: int, further: Sequence[Any] = ()) -> list[str]:
    """Sentences of a caption on ratios, intervals and tests of several series.

    Parameters
    ----------
    shown : sequence of Series
        At least one.
    n : int
        The fewest subjects of any.
    outside : int
        Subjects' ratios that are not shown.
    further : sequence, optional
        How other intervals of the figure were computed.
    """
    import pandas

    tests = pandas.concat([one.tests for one in shown])
    intervals = [text for one in shown for text in one.rows["interval"]]
    return [
        RATIOS,
        f"Outside the axes: {counted(outside, 'ratio')} of single subjects." if outside else "",
        about_intervals([*further, *intervals]),
        about_stars(tests, n),
        about_both(intervals, tests),
    ]


def draw_improvements(
    axis: "Axes", shown: Sequence[Series], rois: Sequence[str], markers: Mapping[str, str], measure: str
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
        axis.bar(x, means, width, label=one.label, **one.look.bar)
        dots = _subjects_by_roi(one.of_subjects, measure, rois, markers) * scale
        draw_dots(axis, x, width, dots, markers)
        low, high = (_by_roi(one.rows, name, rois) for name in ("low", "high"))
        if measure == "difference" and np.isfinite(low).any():
            drawn = np.isfinite(low)
            draw_intervals(axis, x[drawn], width, means[drawn], np.stack([low, high])[:, drawn])
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


def name_regions(axis: "Axes", rois: Sequence[str]) -> None:
    """Label the groups of bars, and set their mean apart."""
    axis.set_xticks([*range(len(rois)), len(rois) + GAP], [*rois, "mean"])
    axis.tick_params(axis="x", length=0)
    axis.axvline(len(rois) - 0.5 + GAP / 2, color="0.85", linewidth=0.8, zorder=0)
    axis.set_xlim(-0.6, len(rois) + GAP + 0.6)


def subject_markers(subjects: Sequence[str]) -> dict[str, str]:
    """Give every subject its own marker, or all of them the same if there are not as many."""
    enough = len(subjects) <= len(SUBJECT_MARKERS)
    return {subject: SUBJECT_MARKERS[place if enough else 0] for place, subject in enumerate(subjects)}


def subject_handles(markers: Mapping[str, str]) -> list["Artist"]:
    """Make the legend's entries of subjects: one for all if they are too many to name."""
    from matplotlib.lines import Line2D

    enough = len(markers) <= len(SUBJECT_MARKERS)
    named = markers if enough else {f"{len(markers)} subjects": SUBJECT_MARKERS[0]}
    return [Line2D([], [], marker=marker, label=subject, **_DOT) for subject, marker in named.items()]


def draw_dots(
    axis: "Axes", x: NDArray[np.float64], width: float, values: NDArray[np.float64], markers: Mapping[str, str]
) -> None:
    """Draw (n_subjects, n_regions) values side by side within their bars."""
    offsets = np.linspace(*_DOTS, len(markers)) * width if len(markers) > 1 else [0.0]
    for marker, offset, row in zip(markers.values(), offsets, values, strict=True):
        if np.isfinite(row).any():
            axis.plot(x + offset, row, marker=marker, zorder=3, **_DOT)


def draw_intervals(
    axis: "Axes",
    x: NDArray[np.float64],
    width: float,
    means: NDArray[np.float64],
    ends: NDArray[np.float64],
) -> None:
    """Draw intervals (2, n) of bars beside their dots."""
    bars: dict[str, Any] = {"ecolor": "0.1", "elinewidth": 1, "capsize": 1.5, "zorder": 3}
    shift = _INTERVAL * width
    axis.errorbar(x + shift, means, np.abs(ends - means), fmt="none", **bars)


def _draw_marks(
    axis: "Axes",
    tops: Sequence[tuple[NDArray[np.float64], NDArray[np.float64], Series]],
    rois: Sequence[str],
    span: float,
) -> None:
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
