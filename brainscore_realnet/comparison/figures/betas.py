"""What the weight of the generation loss does (R24 Fig. 6, RF24 Fig. S2)."""

from typing import TYPE_CHECKING, Any

import numpy as np

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures.captions import caption, over_subjects, source
from brainscore_realnet.comparison.figures.of_variants import (
    Recipe,
    about_pairs,
    about_values,
    deviation,
    panels,
    recipes,
)
from brainscore_realnet.comparison.figures.rows import is_simulated, table_rows
from brainscore_realnet.comparison.figures.style import (
    MODEL_COLOURS,
    Drawing,
    Tables,
    file_stem,
    head,
    legend_below,
    looks,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D
    from pandas import DataFrame

FEWEST_BETAS = 2
"""Weights above zero from which there is a curve."""
TO_ZERO = 0.25
"""From the lowest weight to zero, as a part of the axis between the others."""


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw similarity and variability against β, for every recipe of which there are several β."""
    drawings = []
    for recipe in recipes(comparison, tables):
        rows = recipe.rows[recipe.rows["control"].isin(["none", "beta0"])]
        if rows.loc[rows["beta"].astype(float) > 0, "beta"].nunique() >= FEWEST_BETAS:
            drawings.append(_draw_recipe(comparison, tables, recipe, rows))
    return drawings


def _draw_recipe(comparison: Comparison, tables: Tables, recipe: Recipe, rows: "DataFrame") -> Drawing:
    look = looks(comparison)
    figure, axes = panels(rows, recipe.benchmarks, 2.6)
    lines: dict[str, Line2D] = {}
    for (measure, identifier), axis in axes.items():
        of_panel = table_rows(rows, measure=measure, benchmark=identifier).sort_values("beta")
        if measure == "variability":
            of_panel = of_panel.assign(sem=[deviation(tables, identifier, name) for name in of_panel["family"]])
        _draw_curve(axis, of_panel)
        if measure == "variability":
            axis.set_ylim(0, 1.05 * axis.get_ylim()[1])
        for name in recipe.baselines[identifier] if measure == "score" else ():
            raw, style = recipe.matched[identifier][name].raw.mean(), look[name]
            lines[name] = axis.axhline(raw, color=style.colour, linestyle=style.line, linewidth=1.1, zorder=0)
    if lines:
        for name, line in lines.items():
            line.set_label(name)
        legend_below(figure, list(lines.values()))
    simulated = is_simulated(comparison, *recipe.benchmarks)
    head(figure, f"{recipe.name}: weight β of the generation loss", simulated)
    shown = {*rows["family"], *lines}
    matched = {name: {key: one for key, one in of.items() if key in shown} for name, of in recipe.matched.items()}
    n = max(len(one.subjects) for of in matched.values() for one in of.values())
    return Drawing(
        name=file_stem("betas", recipe.name, *matched),
        title=f"{recipe.name} with different weights β of the generation loss",
        caption=caption(
            *about_values(recipe.benchmarks, matched),
            "β is on a logarithmic axis; β = 0 (no signals: one model, of no subject) stands left of the break."
            if (rows["control"] == "beta0").any()
            else "β is on a logarithmic axis.",
            f"Horizontal lines: baselines{over_subjects(n, ', mean over the same subjects')}." if lines else "",
            about_pairs(rows),
            "No test is shown.",
            simulated=simulated,
        ),
        figure=figure,
        source=source(
            "betas", [one for one in comparison.families if one.name in {*rows["family"]}], comparison.baselines
        ),
        simulated=simulated,
    )


def _draw_curve(axis: "Axes", rows: "DataFrame") -> None:
    """Draw values and errors against the logarithm of β, and those of β = 0 left of a break."""
    beta, value, error = (rows[name].astype(float).to_numpy() for name in ("beta", "value", "sem"))
    positive = beta > 0
    places = np.log10(beta, where=positive, out=np.zeros_like(beta))
    first, span = places[positive].min(), np.ptp(places[positive])
    places[~positive] = first - TO_ZERO * span
    style: dict[str, Any] = {"color": MODEL_COLOURS[0], "marker": "o", "markersize": 5, "capsize": 2}
    for chosen in (positive, ~positive):
        if chosen.any():
            axis.errorbar(places[chosen], value[chosen], np.nan_to_num(error[chosen]), **style)
    axis.set_xticks(places, [f"{one:g}" for one in beta])
    axis.set_xlabel("β")
    axis.margins(x=0.1)
    if not positive.all():
        _draw_break(axis, first - TO_ZERO * span / 2)


def _draw_break(axis: "Axes", place: float) -> None:
    from matplotlib.path import Path

    # Markers have their size in points, whatever the axis.
    strokes = Path([(-0.7, -1), (-0.1, 1), (0.1, -1), (0.7, 1)], [Path.MOVETO, Path.LINETO] * 2)
    where: dict[str, Any] = {"transform": axis.get_xaxis_transform(), "clip_on": False, "linestyle": "none"}
    axis.plot([place], [0], marker="s", color="white", markersize=4, zorder=9, **where)
    axis.plot([place], [0], marker=strokes, color="0.2", markersize=7, markeredgewidth=0.9, zorder=10, **where)
