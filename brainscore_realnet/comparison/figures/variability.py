"""How much personal models differ from each other, by area (R24 Fig. 4)."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.captions import about_benchmark, caption, counted, source
from brainscore_realnet.comparison.figures.rows import is_simulated, table_rows
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Tables,
    broken_name,
    file_stem,
    head,
    looks,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase
    from pandas import DataFrame


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw dissimilarities between the RDMs of personal models on each benchmark's stimuli, and their mean by depth."""
    table = tables["variability"].dropna(subset="dissimilarity")
    drawings = []
    for benchmark in comparison.benchmarks:
        rows = table_rows(table, benchmark=benchmark.identifier)
        families = [family for family in comparison.families if (rows["family"] == family.name).any()]
        if families:
            drawings.append(_draw_benchmark(comparison, rows, benchmark, families))
    return drawings


def matrix(rows: "DataFrame", models: Sequence[str]) -> NDArray[np.float64]:
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


def _draw_benchmark(
    comparison: Comparison, rows: "DataFrame", benchmark: Measured, families: Sequence[Family]
) -> Drawing:
    areas = list(benchmark.areas)
    above = 1.45 * len(families) + 0.5
    if len(areas) > 1:
        figure = new_figure(7.0, above + 2.7)
        parts: Any = figure.subfigures(2, 1, height_ratios=[above, 2.7])
        _draw_matrices(parts[0], rows, families, areas, max(4, len(areas)))
        _draw_depth(parts[1].subplots(), comparison, rows, families, areas)
    else:
        figure = new_figure(4.0, above + 0.3)
        _draw_matrices(figure, rows, families, areas, 1)
    simulated = is_simulated(comparison, benchmark)
    head(figure, f"Individual variability on the stimuli of {benchmark.identifier}", simulated)
    counts = ", ".join(
        f"{family.name} ({len(family.models)} models, {counted(_n_pairs(family), 'pair')})" for family in families
    )
    return Drawing(
        name=file_stem("variability", benchmark.identifier),
        title=f"Individual variability of personal models on the stimuli of {benchmark.identifier}",
        caption=caption(
            about_benchmark(benchmark),
            "1 − Spearman correlation between the RDMs of two personal models, which are labelled by the subject that "
            f"they were trained on: {counts}. Grey: a model with itself.",
            "Below: mean over pairs of models by depth; error bars: ±1 SD over pairs. Pairs share models and are not "
            "independent; no test is run."
            if len(areas) > 1
            else "No test is run.",
            simulated=simulated,
        ),
        figure=figure,
        source=source("variability", families, comparison.baselines),
        simulated=simulated,
    )


def _n_pairs(family: Family) -> int:
    return len(family.models) * (len(family.models) - 1) // 2


def _draw_matrices(
    figure: "FigureBase", rows: "DataFrame", families: Sequence[Family], areas: Sequence[str], columns: int
) -> None:
    axes = figure.subplots(len(families), columns, squeeze=False)
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
    shown: list[Axes] = list(axes[:, : len(areas)].flat)
    bar = figure.colorbar(image, ax=shown, label="1 − Spearman ρ", shrink=0.8 / len(families) ** 0.5)
    bar.outline.set_visible(False)


def _label(axis: "Axes", family: Family, first: bool, last: bool) -> None:
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


def _draw_depth(
    axis: "Axes", comparison: Comparison, rows: "DataFrame", families: Sequence[Family], areas: Sequence[str]
) -> None:
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
