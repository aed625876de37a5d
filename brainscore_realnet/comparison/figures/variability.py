"""How much personal models differ from each other, by area (R24 Fig. 4)."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Tables,
    about_benchmark,
    broken_name,
    caption,
    file_stem,
    head,
    is_simulated,
    looks,
    new_figure,
    styled,
    table_rows,
)


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw dissimilarities between the RDMs of a family's personal models, and their mean by depth.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        As `schema.TABLES` describes them.

    Returns
    -------
    list of Drawing
        One a benchmark, whose stimuli the RDMs are of; none without families of several personal models.
    """
    table = tables["variability"].dropna(subset="dissimilarity")
    drawings = []
    for benchmark in comparison.benchmarks:
        rows = table_rows(table, benchmark=benchmark.identifier)
        families = [family for family in comparison.families if (rows["family"] == family.name).any()]
        if families:
            drawings.append(_draw_benchmark(comparison, rows, benchmark, families))
    return drawings


def matrix(rows: Any, models: Sequence[str]) -> NDArray[np.float64]:
    """Arrange pairs of models as a symmetric matrix.

    Parameters
    ----------
    rows : DataFrame
        Of the table of variability, one a pair, of one family and area.
    models : sequence of str
        In the order wanted.

    Returns
    -------
    (n_models, n_models) float64 array
        1 - Spearman; NaN on the diagonal, and for pairs that are not in the table.
    """
    values = np.full((len(models), len(models)), np.nan)
    for row in rows.itertuples():
        first, second = models.index(row.model_a), models.index(row.model_b)
        values[first, second] = values[second, first] = row.dissimilarity
    return values


def _draw_benchmark(comparison: Comparison, rows: Any, benchmark: Measured, families: Sequence[Family]) -> Drawing:
    areas = list(benchmark.areas)
    figure = new_figure(7.0, 1.45 * len(families) + 3.2)
    parts: Any = figure.subfigures(2, 1, height_ratios=[1.45 * len(families) + 0.5, 2.7])
    above, below = parts
    axes = above.subplots(len(families), max(4, len(areas)), squeeze=False)
    low, high = float(rows["dissimilarity"].min()), float(rows["dissimilarity"].max())
    for family, line in zip(families, axes, strict=True):
        of_family = table_rows(rows, family=family.name)
        for axis, area in zip(line, areas, strict=False):
            values = matrix(table_rows(of_family, area=area), family.models)
            image = axis.imshow(values, cmap="cividis", vmin=low, vmax=high, interpolation="nearest")
            _label(axis, family, first=axis is line[0], last=family is families[-1])
            if family is families[0]:
                axis.set_title(area)
        for axis in line[len(areas) :]:
            axis.remove()
    bar = above.colorbar(image, ax=axes[:, : len(areas)], label="1 − Spearman ρ", shrink=0.8 / len(families) ** 0.5)
    bar.outline.set_visible(False)
    _draw_depth(below.subplots(), comparison, rows, families, areas)
    simulated = is_simulated(comparison, benchmark)
    head(figure, f"Individual variability on the stimuli of {benchmark.identifier}", simulated)
    counts = ", ".join(
        f"{family.name} ({len(family.models)} models, {len(family.models) * (len(family.models) - 1) // 2} pairs)"
        for family in families
    )
    return Drawing(
        name=file_stem("variability", benchmark.identifier),
        title=f"Individual variability of personal models on the stimuli of {benchmark.identifier}",
        caption=caption(
            about_benchmark(benchmark),
            "Above: 1 − Spearman correlation between the RDMs of two personal models, which are labelled by the "
            f"subject that they were trained on: {counts}. Grey: a model with itself.",
            "Below: mean over pairs of models by depth; error bars: ±1 SD over pairs. Pairs share models and are not "
            "independent; no test is run.",
            simulated=simulated,
        ),
        figure=figure,
        source="R24 Fig. 4",
    )


def _label(axis: Any, family: Family, first: bool, last: bool) -> None:
    labels = [subject.removeprefix("sub-") for subject in family.subjects]
    every = 1 + len(labels) // 7
    places = range(0, len(labels), every)
    axis.set_xticks(places, labels[::every] if last else [])
    axis.set_yticks(places, labels[::every] if first else [])
    axis.tick_params(length=0, labelsize=7)
    axis.spines[:].set_visible(False)
    axis.set_facecolor("0.9")
    if first:
        axis.set_ylabel(broken_name(family.name, 18), fontsize=8)


def _draw_depth(axis: Any, comparison: Comparison, rows: Any, families: Sequence[Family], areas: Sequence[str]) -> None:
    look = looks(comparison)
    for place, family in enumerate(families):
        grouped = table_rows(rows, family=family.name).groupby("area")["dissimilarity"]
        mean = grouped.mean().reindex(areas).to_numpy()
        deviation = grouped.std(ddof=1).reindex(areas).to_numpy()
        x = np.arange(1, len(areas) + 1) + 0.08 * (place - (len(families) - 1) / 2)
        style = look[family.name]
        axis.errorbar(
            x,
            mean,
            np.nan_to_num(deviation),
            color=style.colour,
            marker=style.marker,
            linestyle=style.line,
            capsize=2,
            markersize=5,
            linewidth=1.4,
            label=family.name,
        )
    axis.set_xticks(range(1, len(areas) + 1), areas)
    axis.set_xlim(0.6, len(areas) + 0.4)
    axis.set_ylim(min(0, axis.get_ylim()[0]), 1.15 * axis.get_ylim()[1])
    axis.set_xlabel("area of the models, early to late")
    axis.set_ylabel("1 − Spearman ρ")
    axis.legend(loc="center left", bbox_to_anchor=(1.01, 0.5), fontsize=8)
