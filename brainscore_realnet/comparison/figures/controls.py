"""Controls of a recipe beside the recipe itself (R24 Fig. 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures.captions import about_stars, caption, over_subjects, source, stars
from brainscore_realnet.comparison.figures.of_variants import (
    Recipe,
    about_pairs,
    about_values,
    deviation,
    panels,
    recipes,
)
from brainscore_realnet.comparison.figures.rows import is_simulated, mean_sem, tests_against_baselines
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Tables,
    broken_name,
    file_stem,
    head,
    looks,
    slanted_labels,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

CONTROLS = ("none", "nocont", "unpaired", "all", "beta0")
"""In the order of the bars; others follow."""
WORDS = {
    "none": "recipe itself",
    "nocont": "no contrastive\nloss",
    "unpaired": "images and\nsignals unpaired",
    "all": "one model\nof all subjects",
    "beta0": "β = 0",
}
FEWEST_FAMILIES = 2
"""Of which a measure is drawn: one bar has nothing to be compared with."""
LONGEST = 16
"""Letters in a line of a bar's name."""


@dataclass(frozen=True, eq=False)
class Bar:
    """One family's value in a panel."""

    family: str
    value: float
    error: float
    """NaN where there is none"""
    raw: NDArray[np.float64] | None = None
    """(n_subjects,) of which it is the mean"""

    @classmethod
    def of(cls, family: str, raw: NDArray[np.float64]) -> "Bar":
        """Make a bar of similarities with subjects."""
        mean, sem = mean_sem(raw)
        return cls(family, float(mean), float(sem) if len(raw) > 1 else np.nan, raw)


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw similarity and variability of every recipe beside its controls, if there are others than β = 0."""
    drawings = []
    for recipe in recipes(comparison, tables):
        rows = recipe.rows
        rows = rows[(rows["control"] != "none") | (rows["family"] == recipe.name)]
        families = rows.groupby("measure")["family"].nunique()
        rows = rows[rows["measure"].map(families) >= FEWEST_FAMILIES]
        if not rows["control"].isin(["none", "beta0"]).all():
            drawings.append(_draw_recipe(comparison, tables, recipe, rows))
    return drawings


def _draw_recipe(comparison: Comparison, tables: Tables, recipe: Recipe, rows: "DataFrame") -> Drawing:
    import pandas

    order = {name: place for place, name in enumerate(CONTROLS)}
    rows = rows.sort_values("control", key=lambda names: names.map(lambda name: order.get(name, len(order))))
    words = _words(rows)
    figure, axes = panels(rows, recipe.benchmarks, 3.1)
    tests, shown, untested = [], dict.fromkeys(words), dict.fromkeys(words, False)
    for (measure, identifier), axis in axes.items():
        of_panel = rows[(rows["measure"] == measure) & (rows["benchmark"] == identifier)]
        p: dict[str, float] = {}
        if measure == "score":
            names = [*of_panel["family"], *recipe.baselines[identifier]]
            bars = [Bar.of(name, recipe.matched[identifier][name].raw) for name in names]
            found = tests_against_baselines(tables, ["score"], benchmark=identifier, family=recipe.name)
            found = found[found["baseline"].isin(names)]
            p = dict(zip(found["baseline"], found["q"], strict=True))
            tests.append(found)
            shown |= dict.fromkeys(names)
            if p:
                untested |= {name: True for name in names if name not in p and name != recipe.name}
        else:
            bars = [
                Bar(row.family, row.value, deviation(tables, identifier, row.family)) for row in of_panel.itertuples()
            ]
        _draw_bars(axis, comparison, bars, p, words)
    simulated = is_simulated(comparison, *recipe.benchmarks)
    head(figure, f"{recipe.name}: controls", simulated)
    matched = {name: {key: one for key, one in of.items() if key in shown} for name, of in recipe.matched.items()}
    n = min(len(one.subjects) for of in matched.values() for one in of.values())
    without = [name for name, left_out in untested.items() if left_out]
    every_test = pandas.concat(tests)
    return Drawing(
        name=file_stem("controls", recipe.name, *matched),
        title=f"{recipe.name} and its controls",
        caption=caption(
            *about_values(recipe.benchmarks, matched),
            over_subjects(n, "Dots: single subjects."),
            about_pairs(rows),
            "Nothing is marked: no test of the recipe itself against these, or too few subjects for one."
            if every_test.empty
            else about_stars(every_test, n, "Marks: difference from the recipe itself, "),
            f"Not tested: {', '.join(without)}." if without else "",
            simulated=simulated,
        ),
        figure=figure,
        source=source("controls", [one for one in comparison.families if one.name in words], comparison.baselines),
        simulated=simulated,
    )


def _words(rows: "DataFrame") -> dict[str, str]:
    """Give the names of the variants' bars; the same control of another β is told by its identifier."""
    controls = rows[["family", "control"]].drop_duplicates()
    alike = controls["control"].duplicated(keep=False)
    return {
        row.family: broken_name(row.family, LONGEST) if same else WORDS.get(row.control, row.control)
        for row, same in zip(controls.itertuples(), alike, strict=True)
    }


def _draw_bars(
    axis: "Axes", comparison: Comparison, bars: Sequence[Bar], p: Mapping[str, float], words: Mapping[str, str]
) -> None:
    """Draw bars with their subjects as dots, and marks where a test says that they differ."""
    look, top = looks(comparison), 0.0
    for place, bar in enumerate(bars):
        axis.bar(place, bar.value, 0.72, **look[bar.family].bar)
        highest = bar.value
        if np.isfinite(bar.error):
            axis.errorbar(place, bar.value, bar.error, color="0.1", elinewidth=1, capsize=2)
            highest += bar.error
        if bar.raw is not None:
            x = place + (np.linspace(-0.22, 0.22, len(bar.raw)) if len(bar.raw) > 1 else np.zeros(1))
            face: dict[str, Any] = {"markerfacecolor": "white", "markeredgecolor": "0.2", "markeredgewidth": 0.6}
            axis.plot(x, bar.raw, "o", markersize=3, **face)
            highest = max(highest, bar.raw.max())
        mark = stars(p.get(bar.family, np.inf))
        if mark:
            axis.annotate(mark, (place, highest), (0, 2), textcoords="offset points", ha="center")
        top = max(top, highest)
    axis.axhline(0, color="0.3", linewidth=0.8)
    low = axis.get_ylim()[0]
    axis.set_ylim(low, top + 0.12 * ((top - low) or 1.0))
    slanted_labels(axis, [words.get(bar.family, broken_name(bar.family, LONGEST)) for bar in bars])
    axis.tick_params(axis="x", length=0)
    middle, half = (len(bars) - 1) / 2, max(len(bars), 3) / 2 + 0.1
    axis.set_xlim(middle - half, middle + half)
