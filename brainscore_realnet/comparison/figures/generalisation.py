"""Every personal model with every subject, and own subject against others (RF24 Fig. 3)."""

from typing import Any

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
    broken_name,
    caption,
    file_stem,
    head,
    is_simulated,
    looks,
    new_figure,
    p_text,
    styled,
    table_rows,
)

MOST_WRITTEN = 6
"""Models up to which the matrix says its numbers."""
CONTRASTS = ("others - baseline", "own - others")


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw model × subject matrices of similarity and of gain, and each subject's own model against the others.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        As `schema.TABLES` describes them.

    Returns
    -------
    list of Drawing
        One a benchmark and family that meets its own subjects; none otherwise.
    """
    return [
        _draw_family(comparison, tables, family, benchmark, raw)
        for benchmark in comparison.benchmarks
        for family in comparison.models
        if (raw := comparison.generalisation(family, benchmark)) is not None
    ]


def own_and_others(raw: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give each subject's similarity with its own model, and its mean over the models of others.

    Parameters
    ----------
    raw : (n_models, n_subjects) array
        The same people in the same order, at least two.

    Returns
    -------
    own, others : (n_subjects,) float64 arrays
    """
    own = np.diag(raw)
    return own, (raw.sum(axis=0) - own) / (len(raw) - 1)


def _draw_family(
    comparison: Comparison, tables: Tables, family: Family, benchmark: Measured, raw: NDArray[np.float64]
) -> Drawing:
    matched = {
        baseline.name: comparison.matched(baseline, benchmark, family.subjects) for baseline in comparison.baselines
    }
    gains = {name: raw - one.raw for name, one in matched.items()}
    n_panels = 2 + len(gains)
    columns = 3 if n_panels in (3, 5, 6) else 2
    rows = -(-n_panels // columns)
    figure = new_figure(3.3 * columns, 3.3 * rows + 0.2)
    axes = list(figure.subplots(rows, columns, squeeze=False).flat)
    for axis in axes[n_panels:]:
        axis.remove()
    labels = [subject.removeprefix("sub-") for subject in family.subjects]
    _draw_matrix(figure, axes[0], raw, labels, "similarity (Spearman ρ)", "cividis", (raw.min(), raw.max()))
    axes[0].set_title("similarity", loc="left", fontsize=8.5)
    limit = max((np.abs(gain).max() for gain in gains.values()), default=0.0) or 1.0
    for axis, (name, gain) in zip(axes[1:], gains.items(), strict=False):
        _draw_matrix(figure, axis, gain, labels, "Δ Spearman ρ", "RdBu_r", (-limit, limit))
        axis.set_title(f"gain on\n{name}", loc="left", fontsize=8.5)
    tests = _tests(tables, family, benchmark)
    _draw_pairs(axes[n_panels - 1], raw, {name: one.raw for name, one in matched.items()}, tests, comparison, family)
    simulated = is_simulated(comparison, benchmark)
    head(figure, f"{family.name} on {benchmark.identifier}: across subjects", simulated)
    n = len(family.subjects)
    return Drawing(
        name=file_stem("generalisation", benchmark.identifier, family.name),
        title=f"Every model of {family.name} with every subject, on {benchmark.identifier}",
        caption=caption(
            about_benchmark(benchmark),
            f"Similarity of the {n} personal models (rows) with the {n} subjects that they were trained on (columns): "
            f"Spearman correlation between RDMs, mean over {_parts(benchmark)}. Framed: each subject's own model.",
            f"Gain: the same minus the baseline's similarity with that subject: {about_matched(matched)}"
            if matched
            else "",
            f"Last panel: lines are single subjects (n = {n}); others: mean over the {n - 1} models of other "
            "subjects. Black: mean over subjects ±1 SEM.",
            about_tests(tests, n, "p values"),
            simulated=simulated,
        ),
        figure=figure,
        source="RF24 Fig. 3",
    )


def _draw_matrix(
    figure: Any,
    axis: Any,
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
        for (row, column), value in np.ndenumerate(values):
            red, green, blue = image.to_rgba(value)[:3]
            dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
            colour = "white" if dark else "black"
            axis.text(column, row, f"{value:.3f}", ha="center", va="center", fontsize=6.5, color=colour)
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
    axis: Any,
    raw: NDArray[np.float64],
    baselines: dict[str, NDArray[np.float64]],
    tests: Any,
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
        sem = row.std(ddof=1) / np.sqrt(len(row))
        axis.errorbar(place + 0.2, row.mean(), sem, fmt="_", color="black", markersize=9, capsize=2, zorder=3)
    low, high = values.min(), values.max()
    span = (high - low) or 1.0
    level = high
    for left, right, p in _brackets(list(baselines), tests):
        level += 0.1 * span
        axis.plot(
            [left, left, right, right],
            [level - 0.02 * span, level, level, level - 0.02 * span],
            color="0.3",
            linewidth=0.8,
        )
        axis.text((left + right) / 2, level, p_text(p), ha="center", va="bottom", fontsize=7.5)
        level += 0.03 * span
    axis.set_ylim(low - 0.06 * span, level + 0.1 * span)
    axis.set_xlim(-0.4, len(names) - 0.4)
    axis.set_xticks(range(len(names)), [broken_name(name, 12) for name in names], rotation=35)
    axis.tick_params(axis="x", labelsize=7.5)
    for label in axis.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")
    axis.set_ylabel("similarity (Spearman ρ)")
    axis.set_title(f"by subject (n = {len(own)})", loc="left", fontsize=8.5)


def _brackets(baselines: list[str], tests: Any) -> list[tuple[int, int, float]]:
    """Give places and q of what was tested, the narrowest first."""
    others, own = len(baselines), len(baselines) + 1
    found = {}
    for row in tests.itertuples():
        if row.contrast == CONTRASTS[1]:
            found[others, own] = row.q
        elif row.baseline in baselines:
            found[baselines.index(row.baseline), others] = row.q
    return [
        (left, right, found[left, right])
        for left, right in sorted(found, key=lambda ends: (ends[1] - ends[0], -ends[1]))
    ]


def _tests(tables: Tables, family: Family, benchmark: Measured) -> Any:
    tests = table_rows(tables["tests"], benchmark=benchmark.identifier, family=family.name, scope="score")
    return tests[tests["contrast"].isin(CONTRASTS)]


def _parts(benchmark: Measured) -> str:
    return "areas and the window of the score" if benchmark.kind == "eeg" else "regions"
