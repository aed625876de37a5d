"""Heat maps of areas × times: every family's similarity with EEG, and its difference from each baseline."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Tables,
    about_benchmark,
    about_matched,
    about_tests,
    caption,
    file_stem,
    head,
    is_simulated,
    new_figure,
    styled,
    table_rows,
)
from brainscore_realnet.comparison.figures.time_courses import matched_families, window_words
from brainscore_realnet.comparison.settings import ALPHA
from brainscore_realnet.rsa.statistics import FEWEST_SUBJECTS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SIMILARITY, _DIFFERENCE = "viridis", "RdBu_r"
_AREA, _AROUND, _WIDTH = 0.17, 0.42, 10.0  # inches: height of an area, of a map's title and labels; of the figure


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw all families' similarities, and differences from the baselines, for each EEG benchmark of several areas.

    Parameters
    ----------
    comparison : Comparison
    tables : Tables
        What is outlined is taken from ``tests``.

    Returns
    -------
    list of Drawing
    """
    return [_drawing(comparison, tables, one) for one in comparison.of_kind("eeg") if len(one.areas) > 1]


def _drawing(comparison: Comparison, tables: Tables, benchmark: Measured) -> Drawing:
    matched = matched_families(comparison, benchmark)
    where = {"benchmark": benchmark.identifier, "scope": "course", "contrast": "family - baseline"}
    tests = table_rows(tables["tests"], **where)
    tests = tests[tests["area"].isin(benchmark.areas)]
    n = min(len(one.subjects) for one in matched.values())
    simulated = is_simulated(comparison, benchmark)
    differences = "; other columns: differences from a baseline with the same subjects" if comparison.baselines else ""
    outlined = f"Outlined: q < {ALPHA:.2g}".replace("0.", ".")
    return Drawing(
        name=file_stem("heat-maps", benchmark.identifier),
        title=f"Similarity with EEG by area and time, {benchmark.identifier}",
        caption=caption(
            f"Left: similarity of models with EEG (Spearman ρ between RDMs), mean over subjects{differences}.",
            about_benchmark(benchmark),
            about_matched(matched),
            f"Dashed lines: window of the score, {window_words(benchmark)}; dotted line: stimulus onset.",
            about_tests(tests, n, outlined) if comparison.baselines and (len(tests) or n < FEWEST_SUBJECTS) else "",
            simulated=simulated,
        ),
        figure=_figure(comparison, tables, benchmark, simulated),
        source="",
    )


def differences(comparison: Comparison, family: Family, baseline: Family, benchmark: Measured) -> NDArray[np.float64]:
    """(n_areas, n_times) difference between a family and a baseline, mean over the same subjects."""
    ours, theirs = comparison.against(family, baseline, benchmark)
    return (ours.values - theirs.values).mean(axis=0)


def significant(tables: Tables, family: Family, baseline: Family, benchmark: Measured) -> NDArray[np.bool_]:
    """(n_areas, n_times) where the corrected p of the course's tests is below `settings.ALPHA`."""
    pair = {"benchmark": benchmark.identifier, "family": family.name, "baseline": baseline.name}
    tests = table_rows(tables["tests"], scope="course", contrast="family - baseline", **pair)
    tests = tests[tests["q"] < ALPHA]
    found = np.zeros((len(benchmark.areas), len(benchmark.times)), dtype=bool)
    for area, time in zip(tests["area"], tests["time"].astype(float), strict=True):
        if area in benchmark.areas:
            found[benchmark.areas.index(area)] |= np.isclose(benchmark.times, time, rtol=0, atol=1e-6)
    return found


def outline(cells: NDArray[np.bool_], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give the border of marked cells as one line.

    Parameters
    ----------
    cells : (n_rows, n_columns) bool array
    edges : (n_columns + 1,) array
        Where columns begin and end; row r reaches from r - 0.5 to r + 0.5.

    Returns
    -------
    (n_points, 2) array
        x and y; straight pieces of two points each, with NaN between them.
    """
    padded = np.pad(cells, 1)
    sides = padded[1:-1, 1:] != padded[1:-1, :-1]  # (n_rows, n_columns + 1)
    levels = padded[1:, 1:-1] != padded[:-1, 1:-1]  # (n_rows + 1, n_columns)
    gap = (np.nan, np.nan)
    pieces = [((edges[x], y - 0.5), (edges[x], y + 0.5), gap) for y, x in np.argwhere(sides)]
    pieces += [((edges[x], y - 0.5), (edges[x + 1], y - 0.5), gap) for y, x in np.argwhere(levels)]
    return np.array(pieces, dtype=np.float64).reshape(-1, 2)


def _figure(comparison: Comparison, tables: Tables, benchmark: Measured, simulated: bool) -> "Figure":
    from matplotlib.ticker import MaxNLocator

    rows, n_columns = (*comparison.baselines, *comparison.models), 1 + len(comparison.baselines)
    height = len(rows) * (_AROUND + _AREA * len(benchmark.areas)) + 1.1
    figure = new_figure(_WIDTH if n_columns > 2 else 3.6 * n_columns + 0.4, height)
    grid = figure.add_gridspec(len(rows), n_columns)
    means = {name: one.values.mean(axis=0) for name, one in matched_families(comparison, benchmark).items()}
    gains = {
        (family.name, baseline.name): differences(comparison, family, baseline, benchmark)
        for family, baseline in comparison.pairs()
    }
    low, high = min(0.0, np.nanmin(list(means.values()))), np.nanmax(list(means.values()))
    limit = max((float(np.abs(gain).max()) for gain in gains.values()), default=0.0) or 1e-3
    similarity: dict[str, Any] = {"cmap": _SIMILARITY, "vmin": low, "vmax": max(high, low + 1e-3)}
    difference: dict[str, Any] = {"cmap": _DIFFERENCE, "vmin": -limit, "vmax": limit}
    images: dict[bool, list[Any]] = {True: [], False: []}
    for row, family in enumerate(rows):
        axis = figure.add_subplot(grid[row, 0])
        images[True].append(_draw_map(axis, means[family.name], benchmark, "0.75", **similarity))
        _finish(axis, family.name, benchmark.areas, last=row == len(rows) - 1)
        for column, baseline in enumerate(comparison.baselines if family.role == "model" else (), start=1):
            axis = figure.add_subplot(grid[row, column])
            images[False].append(_draw_map(axis, gains[family.name, baseline.name], benchmark, "0.4", **difference))
            line = outline(significant(tables, family, baseline, benchmark), _edges(benchmark))
            axis.plot(*line.T, color="black", linewidth=0.9, solid_capstyle="projecting", gid="outline")
            _finish(axis, f"− {baseline.name}", (), last=row == len(rows) - 1)
    for left, of_kind in images.items():
        if of_kind:
            bar: dict[str, Any] = {"location": "bottom", "aspect": 30, "pad": 0.02, "shrink": 1 if left else 0.6}
            label = "similarity (Spearman ρ)" if left else "difference in similarity (Δρ)"
            figure.colorbar(of_kind[0], ax=[image.axes for image in of_kind], label=label, ticks=MaxNLocator(5), **bar)
    head(figure, benchmark.identifier, simulated)
    return figure


def _edges(benchmark: Measured) -> NDArray[np.float64]:
    times = 1000 * benchmark.times
    step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 10.0
    return times[0] + step * (np.arange(len(times) + 1) - 0.5)


def _draw_map(axis: "Axes", values: NDArray[np.float64], benchmark: Measured, ink: str, **scale: Any) -> Any:
    edges = _edges(benchmark)
    extent = (edges[0], edges[-1], len(values) - 0.5, -0.5)
    image = axis.imshow(values, aspect="auto", interpolation="nearest", extent=extent, **scale)
    inside = edges[:-1][benchmark.in_score][0], edges[1:][benchmark.in_score][-1]
    for place, line in ((0.0, ":"), *((edge, "--") for edge in inside)):
        axis.axvline(place, color=ink, linewidth=0.8, linestyle=line)
    return image


def _finish(axis: "Axes", title: str, areas: Sequence[str], last: bool) -> None:
    axis.set_title(title, loc="left", fontsize=8.5)
    axis.set_yticks(range(len(areas)), areas, fontsize=8)
    axis.tick_params(labelbottom=last)
    if last:
        axis.set_xlabel("time after stimulus onset (ms)")
