"""Rows of significance marks below courses over time, on the same axis.

For each baseline a line with its name, then a row for each family, whose colour and marker say which.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures.captions import about_tests, level_text
from brainscore_realnet.comparison.figures.rows import table_rows, tests_against_baselines
from brainscore_realnet.comparison.figures.style import Look, Tables
from brainscore_realnet.comparison.settings import ALPHA
from brainscore_realnet.rsa.statistics import FEWEST_SUBJECTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.lines import Line2D
    from pandas import DataFrame

MOST_VECTORS = 300
"""Marks up to which vector files hold them as vectors; more are stored as pixels, as they would make a large file."""


@dataclass(frozen=True)
class Row:
    """Marks of one family against one baseline; times in seconds."""

    family: str
    above: tuple[float, ...]
    """Where it is significantly more similar than the baseline"""
    below: tuple[float, ...]
    """Where it is less"""
    clusters: tuple[tuple[float, float, float], ...]
    """Start, stop and mass of the significant ones"""


def marks(comparison: Comparison, tables: Tables, benchmark: str, area: str) -> dict[str, list[Row]]:
    """Give an area's marks: by baseline, a row for each family that is tested against it over time."""
    course = tests_against_baselines(tables, ["course"], benchmark=benchmark, area=area)
    clusters = table_rows(tables["clusters"], benchmark=benchmark, area=area)
    found: dict[str, list[Row]] = {baseline.name: [] for baseline in comparison.baselines}
    for family, baseline in comparison.pairs():
        pair = {"family": family.name, "baseline": baseline.name}
        tests, joined = table_rows(course, **pair), table_rows(clusters, **pair)
        if len(tests) or len(joined):
            found[baseline.name].append(_row(family.name, tests, joined))
    return {baseline: rows for baseline, rows in found.items() if rows}


def _row(family: str, tests: "DataFrame", clusters: "DataFrame") -> Row:
    marked, joined = tests[tests["q"] < ALPHA], clusters[clusters["p"] < ALPHA]
    return Row(
        family=family,
        above=tuple(marked["time"][marked["difference"] > 0].astype(float)),
        below=tuple(marked["time"][marked["difference"] < 0].astype(float)),
        clusters=tuple(joined[["start", "stop", "mass"]].astype(float).itertuples(index=False, name=None)),
    )


def draw_marks(
    axis: "Axes",
    rows: Mapping[str, Sequence[Row]],
    times: NDArray[np.float64],
    style: Mapping[str, Look],
    height: float,
) -> None:
    """Draw rows of marks below the curves.

    Parameters
    ----------
    axis : matplotlib Axes
        In milliseconds; its lower limit is moved to make room.
    rows : mapping of str to sequence of Row
        By baseline, as `marks` gives them.
    times : (n_times,) float64 array
        Seconds.
    style : mapping of str to Look
    height : float
        Of a row, as a part of the curves' height.
    """
    low, high = axis.get_ylim()
    step = (high - low) * height
    place, guides = low - 0.2 * step, [(np.nan, np.nan)]
    for baseline, of_families in rows.items():
        place -= 1.1 * step
        axis.text(1000 * times[0], place, f"against {baseline}", fontsize=6.5, color="0.3", va="center")
        for row in of_families:
            place -= step
            guides += [(1000 * times[0], place), (1000 * times[-1], place), (np.nan, np.nan)]
            _draw_row(axis, row, place, times, style[row.family], f"{row.family} {baseline}")
    if rows:
        axis.plot(*np.transpose(guides), color="0.88", linewidth=0.5, zorder=1)
        axis.set_ylim(place - 0.8 * step, high)


def _draw_row(axis: "Axes", row: Row, place: float, times: NDArray[np.float64], look: Look, name: str) -> None:
    half = 500 * float(times[1] - times[0]) if len(times) > 1 else 5.0  # a cluster of one time point is seen
    for start, stop, mass in row.clusters:
        ends = [1000 * start - half, 1000 * stop + half]
        bar: dict[str, Any] = {"solid_capstyle": "butt", "zorder": 2}
        axis.plot(ends, [place, place], color=look.colour, alpha=0.45, linewidth=4.8, gid=f"cluster {name}", **bar)
        if mass < 0:
            axis.plot(ends, [place, place], color="white", linewidth=3.2, **bar)
    size = float(np.clip(160 / len(times), 1.6, 2.8))  # points: dots of neighbouring times hardly touch
    for side, face in (("above", look.colour), ("below", "white")):
        at = 1000 * np.array(getattr(row, side))
        dots: dict[str, Any] = {"markersize": size, "markeredgewidth": 0.5, "zorder": 3, "gid": f"{side} {name}"}
        dots |= {"marker": look.marker, "markerfacecolor": face, "color": look.colour, "linestyle": "none"}
        axis.plot(at, np.full(len(at), place), **dots)


def too_many(rows: Sequence[Mapping[str, Sequence[Row]]]) -> bool:
    """Whether the marks of all panels are more than a vector file should hold."""
    return sum(len(row.above) + len(row.below) for each in rows for of in each.values() for row in of) > MOST_VECTORS


def marks_as_pixels(figure: "Figure") -> None:
    """Let vector files hold pixels of what is drawn with markers."""
    for axis in figure.axes:
        for line in axis.get_lines():
            line.set_rasterized(line.get_linestyle() == "None")


def mark_handles() -> list["Line2D"]:
    """Make a legend's entries of marks."""
    from matplotlib.lines import Line2D

    dot: dict[str, Any] = {"color": "0.2", "linestyle": "none", "marker": "o", "markersize": 3.5}
    dot |= {"markeredgewidth": 0.5}
    return [
        Line2D([], [], label=f"above the baseline, q < {level_text()}", **dot),
        Line2D([], [], label="below the baseline", markerfacecolor="white", **dot),
        Line2D([], [], color="0.2", alpha=0.45, linewidth=4.8, label=f"cluster, p < {level_text()}"),
    ]


def about_marks(comparison: Comparison, tests: "DataFrame", clusters: "DataFrame", n: int) -> list[str]:
    """Sentences on dots and bars below the curves, from what was tested there, or on why there are none."""
    if not comparison.baselines:
        return ["Without a baseline nothing is tested."]
    dots = (
        "Dots below the curves, a row for each family in the legend's order: difference from the baseline named there, "
        f"filled if above and open if below it, {{symbol}} < {level_text()}"
    )
    if tests.empty and n < FEWEST_SUBJECTS:
        return [about_tests(tests, n, dots)]
    how = dict.fromkeys(
        f"{row.test}, two-sided, n = {row.n} subjects, |t| > {row.threshold:.2f}, {row.n_permutations} sign flips"
        f"{' (all that there are)' if row.exact else f', seed {row.seed}'}"
        for row in clusters.itertuples()
    )
    bars = f"Bars: clusters with p < {level_text()}, hollow if below the baseline: {'; '.join(how)}." if how else ""
    return [about_tests(tests, n, dots), bars]
