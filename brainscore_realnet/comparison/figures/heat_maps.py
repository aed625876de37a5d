"""Heat maps of areas × times: every family's similarity with EEG, and its difference from each baseline."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.captions import (
    about_benchmark,
    about_matched,
    about_tests,
    caption,
    level_text,
    over_subjects,
    window_words,
)
from brainscore_realnet.comparison.figures.rows import (
    fewest_subjects,
    is_simulated,
    matched_families,
    tests_against_baselines,
)
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Tables,
    broken_name,
    file_stem,
    head,
    new_figure,
    styled,
    window_edges,
)
from brainscore_realnet.comparison.settings import ALPHA

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import SubplotSpec
    from matplotlib.image import AxesImage

_SIMILARITY, _DIFFERENCE = "viridis", "RdBu_r"
_AREA, _AROUND, _WIDTH = 0.17, 0.42, 10.0  # inches: height of an area, of a map's title and labels; of the figure
_BAR = 0.12  # inches: height of a scale


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw all families' similarities, and differences from the baselines, for each EEG benchmark of several areas."""
    return [_drawing(comparison, tables, one) for one in comparison.of_kind("eeg") if len(one.areas) > 1]


def _drawing(comparison: Comparison, tables: Tables, benchmark: Measured) -> Drawing:
    matched = matched_families(comparison, benchmark)
    tests = tests_against_baselines(tables, ["course"], benchmark=benchmark.identifier)
    tests = tests[tests["area"].isin(benchmark.areas)]
    n, simulated = fewest_subjects(matched), is_simulated(comparison, benchmark)
    others = "; other columns: differences from a baseline with the same subjects" if comparison.baselines else ""
    outlined = f"Outlined: {{symbol}} < {level_text()}"
    return Drawing(
        name=file_stem("heat-maps", benchmark.identifier),
        title=f"Similarity with EEG by area and time, {benchmark.identifier}",
        caption=caption(
            "Left: similarity of models with EEG (Spearman ρ between RDMs)"
            f"{over_subjects(n, ', mean over subjects')}{others}.",
            about_benchmark(benchmark),
            about_matched(matched),
            f"Dashed lines: window of the score, {window_words(benchmark)}; dotted line: stimulus onset.",
            about_tests(tests, n, outlined) if comparison.baselines else "",
            simulated=simulated,
        ),
        figure=_figure(comparison, tables, benchmark, simulated),
        simulated=simulated,
    )


def differences(comparison: Comparison, family: Family, baseline: Family, benchmark: Measured) -> NDArray[np.float64]:
    """(n_areas, n_times) difference between a family and a baseline, mean over the same subjects."""
    ours, theirs = comparison.against(family, baseline, benchmark)
    return (ours.values - theirs.values).mean(axis=0)


def significant(tables: Tables, family: Family, baseline: Family, benchmark: Measured) -> NDArray[np.bool_]:
    """(n_areas, n_times) where the corrected p of the course's tests is below `settings.ALPHA`."""
    pair = {"benchmark": benchmark.identifier, "family": family.name, "baseline": baseline.name}
    tests = tests_against_baselines(tables, ["course"], **pair)
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
    rows, n_columns = comparison.families, 1 + len(comparison.baselines)
    # Without a baseline there is no free place for the bar of colours at the lower right.
    height = len(rows) * (_AROUND + _AREA * len(benchmark.areas)) + (0.6 if comparison.baselines else 1.1)
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
    left: list[AxesImage] = []
    right: list[AxesImage] = []
    for row, family in enumerate(rows):
        axis = figure.add_subplot(grid[row, 0])
        left.append(_draw_map(axis, means[family.name], benchmark, "0.75", **similarity))
        _finish(axis, broken_name(family.name, 48), benchmark.areas, last=row == len(rows) - 1)
        for column, baseline in enumerate(comparison.baselines if family.role == "model" else (), start=1):
            axis = figure.add_subplot(grid[row, column])
            right.append(_draw_map(axis, gains[family.name, baseline.name], benchmark, "0.4", **difference))
            line = outline(significant(tables, family, baseline, benchmark), _edges(benchmark))
            axis.plot(*line.T, color="black", linewidth=0.9, solid_capstyle="projecting", gid="outline")
            heading = broken_name(f"minus {baseline.name}", 48) if row == 0 else ""
            _finish(axis, heading, (), last=row == len(comparison.models) - 1)
    _add_bars(figure, grid[len(comparison.models) :, 1:] if right else None, left, right)
    head(figure, benchmark.identifier, simulated)
    return figure


def _add_bars(
    figure: "Figure", free: "SubplotSpec | None", left: Sequence["AxesImage"], right: Sequence["AxesImage"]
) -> None:
    """Write both scales in the free place beside the baselines, or below without one."""
    from matplotlib.ticker import MaxNLocator

    scales = [("similarity (Spearman ρ)", left), ("difference in similarity (Δρ)", right)]
    if free is None:
        place: dict[str, Any] = {"location": "bottom", "aspect": 30, "pad": 0.02}
        figure.colorbar(left[0], ax=[image.axes for image in left], label=scales[0][0], ticks=MaxNLocator(5), **place)
        return
    axis = figure.add_subplot(free)
    axis.set_axis_off()
    # As constrained layouts leave room for what is written in a panel, not for what panels are made within one.
    n_rows = free.rowspan.stop - free.rowspan.start
    part = _BAR / (n_rows * (_AROUND + _AREA * 4))
    n_ticks = 5
    for number, (label, images) in enumerate(scales):
        inset = axis.inset_axes((0.12 + 0.46 * number, 0.45 - part, 0.38, part))
        if free.colspan.stop - free.colspan.start == 1:  # scales are short
            n_ticks, label = 2, label.replace(" ", "\n", 1)
        # A locator belongs to one scale.
        figure.colorbar(images[0], cax=inset, orientation="horizontal", label=label, ticks=MaxNLocator(n_ticks))


def _edges(benchmark: Measured) -> NDArray[np.float64]:
    times = 1000 * benchmark.times
    step = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else 10.0
    return times[0] + step * (np.arange(len(times) + 1) - 0.5)


def _draw_map(axis: "Axes", values: NDArray[np.float64], benchmark: Measured, ink: str, **scale: Any) -> "AxesImage":
    edges = _edges(benchmark)
    extent = (edges[0], edges[-1], len(values) - 0.5, -0.5)
    image = axis.imshow(values, aspect="auto", interpolation="nearest", extent=extent, **scale)
    for place, line in ((0.0, ":"), *((edge, "--") for edge in window_edges(benchmark))):
        axis.axvline(place, color=ink, linewidth=0.8, linestyle=line)
    return image


def _finish(axis: "Axes", title: str, areas: Sequence[str], last: bool) -> None:
    axis.set_title(title, loc="left", fontsize=8.5)
    axis.set_yticks(range(len(areas)), areas, fontsize=8)
    axis.tick_params(labelbottom=last)
    if last:
        axis.set_xlabel("time after stimulus onset (ms)")
