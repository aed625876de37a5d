"""Every personal model with every subject, and own subject against others (RF24 Fig. 3)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.captions import (
    about_benchmark,
    about_matched,
    about_tests,
    caption,
    p_text,
    source,
    symbol_of,
)
from brainscore_realnet.comparison.figures.rows import is_simulated, mean_sem, table_rows
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Tables,
    broken_name,
    file_stem,
    head,
    looks,
    new_figure,
    slanted_labels,
    styled,
)
from brainscore_realnet.comparison.tables.contrasts import OTHERS_AGAINST_BASELINE, OWN_AGAINST_OTHERS, own_and_others

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

MOST_WRITTEN = 6
"""Models up to which the matrix says its numbers."""
CONTRASTS = (OTHERS_AGAINST_BASELINE, OWN_AGAINST_OTHERS)


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw, for each family that meets its own subjects, matrices of model × subject, and own models against others."""
    return [
        _draw_family(comparison, tables, family, benchmark, raw)
        for benchmark in comparison.benchmarks
        for family in comparison.models
        if (raw := comparison.generalisation(family, benchmark)) is not None
    ]


def _draw_family(
    comparison: Comparison, tables: Tables, family: Family, benchmark: Measured, raw: NDArray[np.float64]
) -> Drawing:
    subjects = comparison.own_subjects(family, benchmark)
    matched = {baseline.name: comparison.matched(baseline, benchmark, subjects) for baseline in comparison.baselines}
    gains = {name: raw - one.raw for name, one in matched.items()}
    n_panels = 2 + len(gains)
    columns = 3 if n_panels in (3, 5, 6) else 2
    rows = -(-n_panels // columns)
    figure = new_figure(3.3 * columns, 3.3 * rows + 0.2)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[n_panels:]:
        axis.remove()
    labels = [subject.removeprefix("sub-") for subject in subjects]
    _draw_matrix(figure, axes[0], raw, labels, "similarity (Spearman ρ)", "cividis", (raw.min(), raw.max()))
    axes[0].set_title("similarity", loc="left", fontsize=8.5)
    limit = max((np.abs(gain).max() for gain in gains.values()), default=0.0) or 1.0
    for axis, (name, gain) in zip(axes[1:], gains.items(), strict=False):
        _draw_matrix(figure, axis, gain, labels, "Δ Spearman ρ", "RdBu_r", (-limit, limit))
        axis.set_title(f"gain on\n{broken_name(name, 30)}", loc="left", fontsize=8.5)
    tests = _tests(tables, family, benchmark)
    _draw_pairs(axes[n_panels - 1], raw, {name: one.raw for name, one in matched.items()}, tests, comparison, family)
    simulated = is_simulated(comparison, benchmark)
    head(figure, f"{family.name} on {benchmark.identifier}: across subjects", simulated)
    n = len(subjects)
    return Drawing(
        name=file_stem("generalisation", benchmark.identifier, family.name),
        title=f"Every model of {family.name} with every subject, on {benchmark.identifier}",
        caption=caption(
            about_benchmark(benchmark),
            f"Similarity of the {n} personal models (rows) with the {n} subjects that they were trained on (columns): "
            f"Spearman correlation between RDMs, mean over {_parts(benchmark)}. Framed: each subject's own model.",
            about_matched(matched, "Gain: the same minus the baseline's similarity with that subject")
            if matched
            else "",
            f"Last panel: lines are single subjects (n = {n}); others: mean over the {n - 1} models of other "
            "subjects. Black: mean over subjects ±1 SEM.",
            about_tests(tests, n, "Brackets, {symbol}"),
            simulated=simulated,
        ),
        figure=figure,
        source=source("generalisation", [family], comparison.baselines),
        simulated=simulated,
    )


def _draw_matrix(
    figure: "Figure",
    axis: "Axes",
    values: NDArray[np.float64],
    labels: list[str],
    words: str,
    colours: str,
    limits: tuple[float, float],
) -> None:
    from matplotlib.patches import Rectangle

    image = axis.imshow(values, cmap=colours, vmin=limits[0], vmax=limits[1], interpolation="nearest")
    for place in range(len(values)):
        axis.add_patch(Rectangle((place - 0.5, place - 0.5), 1, 1, fill=False, edgecolor="black", linewidth=1.6))
    if len(values) <= MOST_WRITTEN:
        colours_of = image.to_rgba(values)
        for (row, column), value in np.ndenumerate(values):
            red, green, blue = colours_of[row, column, :3]
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            colour = "white" if dark else "black"
            axis.text(
                column, row, f"{value:.3f}".replace("-", "−"), ha="center", va="center", fontsize=6.5, color=colour
            )
    axis.set_xticks(range(len(labels)), labels)
    axis.set_yticks(range(len(labels)), labels)
    axis.tick_params(length=0, labelsize=8)
    axis.set_xlabel("measured subject")
    axis.set_ylabel("model trained on subject")
    axis.spines[:].set_visible(False)
    bar = figure.colorbar(image, ax=axis, shrink=0.75, aspect=18)
    bar.set_label(words, fontsize=8)
    bar.ax.tick_params(labelsize=8)
    bar.outline.set_visible(False)


def _draw_pairs(
    axis: "Axes",
    raw: NDArray[np.float64],
    baselines: Mapping[str, NDArray[np.float64]],
    tests: "DataFrame",
    comparison: Comparison,
    family: Family,
) -> None:
    """Draw each subject as a line from the baselines over others' models to its own, and what the tests say."""
    own, others = own_and_others(raw)
    look = looks(comparison)
    names = [*baselines, "others' models", "own model"]
    values = np.stack([*baselines.values(), others, own])
    colours = [*(look[name].colour for name in baselines), look[family.name].colour, look[family.name].colour]
    axis.plot(range(len(names)), values, color="0.75", linewidth=0.8, zorder=1)
    for place, (row, colour) in enumerate(zip(values, colours, strict=True)):
        face = colour if place == len(names) - 1 else "white"
        axis.plot([place] * len(row), row, "o", markersize=4.5, color=colour, markerfacecolor=face, zorder=2)
        axis.errorbar(place + 0.2, *mean_sem(row), fmt="_", color="black", markersize=9, capsize=2, zorder=3)
    low, high = values.min(), values.max()
    span = (high - low) or 1.0
    level = high
    for left, right, words in _brackets(list(baselines), tests):
        level += 0.1 * span
        axis.plot(
            [left, left, right, right],
            [level - 0.02 * span, level, level, level - 0.02 * span],
            color="0.3",
            linewidth=0.8,
        )
        axis.text((left + right) / 2, level, words, ha="center", va="bottom", fontsize=7.5)
        level += 0.03 * span
    axis.set_ylim(low - 0.06 * span, level + 0.1 * span)
    axis.set_xlim(-0.4, len(names) - 0.4)
    slanted_labels(axis, [broken_name(name, 16) for name in names], rotation=35)
    axis.set_ylabel("similarity (Spearman ρ)")
    axis.set_title(f"by subject (n = {len(own)})", loc="left", fontsize=8.5)


def _brackets(baselines: list[str], tests: "DataFrame") -> list[tuple[int, int, str]]:
    """Give places and p or q of what was tested, the narrowest first."""
    others, own = len(baselines), len(baselines) + 1
    found = {}
    for row in tests.itertuples():
        words = p_text(row.q, symbol_of(row.correction))
        if row.contrast == OWN_AGAINST_OTHERS:
            found[others, own] = words
        elif row.baseline in baselines:
            found[baselines.index(row.baseline), others] = words
    return [
        (left, right, found[left, right])
        for left, right in sorted(found, key=lambda ends: (ends[1] - ends[0], -ends[1]))
    ]


def _tests(tables: Tables, family: Family, benchmark: Measured) -> "DataFrame":
    tests = table_rows(tables["tests"], benchmark=benchmark.identifier, family=family.name, scope="score")
    return tests[tests["contrast"].isin(CONTRASTS)]


def _parts(benchmark: Measured) -> str:
    return "areas and the window of the score" if benchmark.kind == "eeg" else "regions"
