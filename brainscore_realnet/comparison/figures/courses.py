"""Panels of courses over time: curves with errors, noise ceiling, window of the score, and rows of marks below."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Matched, Measured
from brainscore_realnet.comparison.figures.marks import draw_marks, mark_handles, marks, marks_as_pixels, too_many
from brainscore_realnet.comparison.figures.rows import is_simulated, mean_sem
from brainscore_realnet.comparison.figures.style import (
    Look,
    Tables,
    head,
    legend_below,
    looks,
    new_figure,
    shade_window,
)
from brainscore_realnet.comparison.tables.blocks import MEAN

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

CEILING_FITS = 2.0
"""A ceiling up to so many times the curves' maximum is drawn beside them; a higher one, which would squash them, has a
panel of its own."""

MOST_POINTS = 2500
"""Points of error bands up to which vector files hold them as vectors, as of `marks.MOST_VECTORS`."""

_CURVES, _ROW, _AROUND = 2.15, 0.105, 0.6  # inches: height of curves, of a row of marks, and of titles and labels
_ENTRIES, _CHARACTERS = 14, 36  # of a legend that fits in a free panel


@dataclass(frozen=True, eq=False)
class Panel:
    """Courses of one area."""

    title: str
    benchmark: Measured
    area: str
    """Of the models, or `MEAN` of them"""
    courses: dict[str, NDArray[np.float64]]
    """By family: (n_subjects, n_times)"""

    @classmethod
    def of(cls, benchmark: Measured, matched: Mapping[str, Matched], area: str, title: str) -> "Panel":
        """Take one area, or the mean over areas, of all families."""
        place = None if area == MEAN else benchmark.areas.index(area)
        courses = {name: one.scored_values if place is None else one.values[:, place] for name, one in matched.items()}
        return cls(title, benchmark, area, courses)


def limits(panels: Sequence[Panel]) -> tuple[float, float]:
    """Give the lowest and highest similarity of all curves with their errors, 0 among them, and a margin."""
    curves = [mean_sem(course) for one in panels for course in one.courses.values()]
    edges = [mean + side * sem for mean, sem in curves for side in (-1, 1)]
    low, high = min(0.0, np.nanmin(edges)), max(0.0, np.nanmax(edges))
    margin = 0.06 * (high - low) or 0.01
    return float(low - margin), float(high + margin)


def ceiling_fits(panels: Sequence[Panel]) -> bool:
    """Whether the noise ceiling can be drawn at the curves' scale."""
    return highest_ceiling(panels) <= CEILING_FITS * limits(panels)[1]


def highest_ceiling(panels: Sequence[Panel]) -> float:
    """Give the maximum of the noise ceilings; 0 where none is defined, as when a reliability is negative."""
    return max(float(np.nan_to_num(one.benchmark.ceiling, nan=0.0).max()) for one in panels)


def courses_figure(comparison: Comparison, tables: Tables, panels: Sequence[Panel], title: str) -> "Figure":
    """Draw panels at one scale, and the legend in a free place among them or below.

    Parameters
    ----------
    comparison : Comparison
    tables : Tables
        Marks are taken from ``tests`` and ``clusters``.
    panels : sequence of Panel
        The last one is drawn again beside a ceiling that is far above the curves.
    title : str

    Returns
    -------
    matplotlib Figure
    """
    style, fits, (low, high) = looks(comparison), ceiling_fits(panels), limits(panels)
    ceiling = 1.05 * highest_ceiling(panels)
    rows = [marks(comparison, tables, one.benchmark.identifier, one.area) for one in panels]
    n_lines = max(sum(1 + len(of) for of in each.values()) for each in rows)
    n_cells = len(panels) + (not fits)
    handles = legend_handles(comparison, panels[0].benchmark, n_lines > 0)
    among = _fits_among(handles)
    n_columns = min(3, n_cells + among)
    n_rows = -(-n_cells // n_columns)
    figure = new_figure(3 * n_columns + 0.3, n_rows * (_CURVES + _AROUND + n_lines * _ROW) + 0.3)
    axes = list(figure.subplots(n_rows, n_columns, squeeze=False).flat)
    for axis, one, of_panel in zip(axes, panels, rows, strict=False):
        _draw_courses(axis, one, style, with_ceiling=fits)
        _frame(axis, one.title, low, max(high, ceiling) if fits else high)
        draw_marks(axis, of_panel, one.benchmark.times, style, _ROW / _CURVES)
    if not fits:
        _draw_courses(axes[len(panels)], panels[-1], style, with_ceiling=True)
        _frame(axes[len(panels)], f"{panels[-1].title}, at the ceiling's scale", low, ceiling)
    if too_many(rows):
        marks_as_pixels(figure)
    if sum(len(one.courses) * len(one.benchmark.times) for one in panels) > MOST_POINTS:
        _bands_as_pixels(figure)
    _label(axes, n_cells, n_columns)
    if among and len(axes) > n_cells:
        legend = axes[n_cells].legend(handles=handles, loc="center left", fontsize=8, borderaxespad=0)
        legend.set_in_layout(False)  # it would widen its column
    else:
        legend_below(figure, handles)
    head(figure, title, is_simulated(comparison, *(one.benchmark for one in panels)))
    return figure


def _draw_courses(axis: "Axes", one: Panel, style: Mapping[str, Look], with_ceiling: bool) -> None:
    times = 1000 * one.benchmark.times
    shade_window(axis, one.benchmark)
    axis.axhline(0, color="0.3", linewidth=0.6, zorder=1.5)
    lower, upper = one.benchmark.ceiling
    if with_ceiling and np.isfinite(lower).all():
        axis.fill_between(times, lower, upper, color="0.8", linewidth=0, zorder=1, gid="ceiling")
    elif with_ceiling:
        axis.plot(times, upper, color="0.6", linestyle="--", linewidth=1, zorder=1, gid="ceiling")
    for name, values in reversed(one.courses.items()):  # models above baselines
        (mean, sem), look = mean_sem(values), style[name]
        if len(values) > 1:
            band: dict[str, Any] = {"color": look.colour, "alpha": 0.2, "linewidth": 0, "zorder": 2}
            axis.fill_between(times, mean - sem, mean + sem, gid=f"error {name}", **band)
        axis.plot(times, mean, color=look.colour, linestyle=look.line, linewidth=1.4, zorder=3, gid=f"mean {name}")


def _frame(axis: "Axes", title: str, low: float, high: float) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.set_title(title)
    axis.set_ylim(low, high)
    axis.vlines(0, low, high, color="0.3", linewidth=0.6, linestyle=":", zorder=1.5)
    axis.set_yticks([tick for tick in MaxNLocator(5).tick_values(low, high) if low <= tick <= high])
    axis.spines["left"].set_bounds(low, high)
    axis.margins(x=0.01)


def _bands_as_pixels(figure: "Figure") -> None:
    for axis in figure.axes:
        for collection in axis.collections:
            collection.set_rasterized((collection.get_gid() or "").startswith("error "))


def _label(axes: Sequence["Axes"], n_cells: int, n_columns: int) -> None:
    for place, axis in enumerate(axes):
        if place >= n_cells:
            axis.set_axis_off()
        if place % n_columns == 0:
            axis.set_ylabel("similarity (Spearman ρ)")
        if place + n_columns >= n_cells:
            axis.set_xlabel("time after stimulus onset (ms)")


def legend_handles(comparison: Comparison, benchmark: Measured, with_marks: bool) -> list["Artist"]:
    """Give what a legend says: families, ceiling, window and, where there are any, marks."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    handles: list[Artist] = []
    models = {family.name for family in comparison.models}
    for name, look in looks(comparison).items():
        marker = look.marker if with_marks and name in models else ""
        line: dict[str, Any] = {"linestyle": look.line, "linewidth": 1.4, "marker": marker, "markersize": 3.5}
        handles.append(Line2D([], [], color=look.colour, label=name, **line))
    if np.isfinite(benchmark.ceiling[0]).all():
        handles.append(Patch(color="0.8", linewidth=0, label="noise ceiling, lower to upper"))
    else:
        handles.append(Line2D([], [], color="0.6", linestyle="--", linewidth=1, label="noise ceiling of one subject"))
    handles.append(Patch(color="0.94", linewidth=0, label="window of the score"))
    if with_marks:
        handles += mark_handles()
    return handles


def _fits_among(handles: Sequence["Artist"]) -> bool:
    """Whether a legend fits in a free panel."""
    return len(handles) <= _ENTRIES and max(len(str(handle.get_label())) for handle in handles) <= _CHARACTERS
