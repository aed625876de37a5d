"""What the weight of the generation loss and the controls do (R24 Fig. 6 and 7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Matched, Measured
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
    legend_below,
    looks,
    new_figure,
    stars,
    styled,
    table_rows,
)
from brainscore_realnet.errors import BadInputError

ByBenchmark = Mapping[str, Mapping[str, Matched]]
"""Similarities by benchmark and family, the variants' and then the baselines', all with the same subjects."""

FEWEST_BETAS = 2
"""Weights above zero from which there is a curve."""
MOST_BENCHMARKS = 3
"""Panels side by side that are legible at the width of a page; further benchmarks come on figures of their own."""
CONTROLS = ("none", "nocont", "unpaired", "all", "beta0")
"""In the order of the bars; others follow."""
WORDS = {
    "none": "recipe itself",
    "nocont": "no contrastive\nloss",
    "unpaired": "images and\nsignals unpaired",
    "all": "one model\nof all subjects",
    "beta0": "β = 0",
}
MEASURES = {"score": "similarity (Spearman ρ)", "variability": "variability (1 − Spearman ρ)"}


@dataclass(frozen=True, eq=False)
class Bar:
    """One family's value in a panel."""

    family: str
    value: float
    sem: float | None
    raw: NDArray[np.float64] | None = None
    """(n_subjects,) of which it is the mean"""

    @classmethod
    def of(cls, family: str, raw: NDArray[np.float64]) -> "Bar":
        """Make a bar of similarities with subjects."""
        sem = float(raw.std(ddof=1) / np.sqrt(len(raw))) if len(raw) > 1 else None
        return cls(family, float(raw.mean()), sem, raw)


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw similarity and variability against β, and those of the controls beside the recipe's own.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        As `schema.TABLES` describes them.

    Returns
    -------
    list of Drawing
        For each recipe a figure of several β if there are, and one of controls if there are.
    """
    drawings = []
    for recipe, rows in tables["variants"].groupby("recipe", sort=False):
        names = list(rows["benchmark"].unique())
        for start in range(0, len(names), MOST_BENCHMARKS):
            of_benchmarks = rows[rows["benchmark"].isin(names[start : start + MOST_BENCHMARKS])]
            drawings += _draw_recipe(comparison, tables, str(recipe), of_benchmarks)
    return drawings


def _draw_recipe(comparison: Comparison, tables: Tables, recipe: str, rows: Any) -> list[Drawing]:
    drawings = []
    matched = {name: _matched(comparison, rows, comparison.benchmark(name)) for name in rows["benchmark"].unique()}
    others = {name: [one for one in of if one not in set(rows["family"])] for name, of in matched.items()}
    betas = rows[rows["control"].isin(["none", "beta0"])]
    if betas.loc[betas["beta"].astype(float) > 0, "beta"].nunique() >= FEWEST_BETAS:
        drawings.append(_draw_betas(comparison, recipe, betas, matched, others))
    controls = rows[(rows["control"] != "none") | (rows["family"] == recipe)]
    if (controls["control"] != "none").any():
        drawings.append(_draw_controls(comparison, tables, recipe, controls, matched, others))
    return drawings


def _draw_betas(
    comparison: Comparison, recipe: str, rows: Any, matched: ByBenchmark, others: Mapping[str, Sequence[str]]
) -> Drawing:
    benchmarks, look = [comparison.benchmark(name) for name in matched], looks(comparison)
    figure, axes = _panels(rows, benchmarks, 2.6)
    lines: dict[str, Any] = {}
    for (measure, identifier), axis in axes.items():
        _draw_curve(axis, table_rows(rows, measure=measure, benchmark=identifier).sort_values("beta"))
        for name in others[identifier] if measure == "score" else ():
            raw, style = matched[identifier][name].raw.mean(), look[name]
            lines[name] = axis.axhline(raw, color=style.colour, linestyle=style.line, linewidth=1.1, zorder=0)
    if lines:
        for name, line in lines.items():
            line.set_label(name)
        legend_below(figure, list(lines.values()))
    simulated = is_simulated(comparison, *benchmarks)
    head(figure, f"{recipe}: weight β of the generation loss", simulated)
    of_betas = {
        name: {family: one for family, one in of.items() if family in {*rows["family"], *lines}}
        for name, of in matched.items()
    }
    return Drawing(
        name=file_stem("betas", recipe, *matched),
        title=f"{recipe} with different weights β of the generation loss",
        caption=caption(
            *_about_values(benchmarks, of_betas),
            "β is on a logarithmic axis; β = 0 (no signals: one model, of no subject) stands left of the break."
            if (rows["control"] == "beta0").any()
            else "β is on a logarithmic axis.",
            "Horizontal lines: baselines, mean over the same subjects." if lines else "",
            _about_pairs(rows),
            "No test is shown.",
            simulated=simulated,
        ),
        figure=figure,
        source="R24 Fig. 6",
    )


def _draw_controls(
    comparison: Comparison,
    tables: Tables,
    recipe: str,
    rows: Any,
    matched: ByBenchmark,
    others: Mapping[str, Sequence[str]],
) -> Drawing:
    import pandas

    benchmarks = [comparison.benchmark(name) for name in matched]
    order = {name: place for place, name in enumerate(CONTROLS)}
    rows = rows.sort_values("control", key=lambda names: names.map(lambda name: order.get(name, len(order))))
    controls = rows[["family", "control"]].drop_duplicates()
    # The same control of another β is told by its name.
    alike = controls["control"].duplicated(keep=False)
    words = {
        row.family: broken_name(row.family, 14) if same else WORDS.get(row.control, row.control)
        for row, same in zip(controls.itertuples(), alike, strict=True)
    }
    figure, axes = _panels(rows, benchmarks, 3.1)
    tests, shown = [], set(words)
    for (measure, identifier), axis in axes.items():
        of_panel = rows[(rows["measure"] == measure) & (rows["benchmark"] == identifier)]
        bars = [Bar(row.family, row.value, row.sem) for row in of_panel.itertuples()]
        q: dict[str, float] = {}
        if measure == "score":
            bars = [Bar(bar.family, bar.value, bar.sem, matched[identifier][bar.family].raw) for bar in bars]
            bars += [Bar.of(name, matched[identifier][name].raw) for name in others[identifier]]
            found = _tests(tables, recipe, identifier, [bar.family for bar in bars])
            q = dict(zip(found["baseline"], found["q"], strict=True))
            tests.append(found)
            shown |= {*others[identifier]}
        _draw_bars(axis, comparison, bars, q, words)
    simulated = is_simulated(comparison, *benchmarks)
    head(figure, f"{recipe}: controls", simulated)
    of_shown = {name: {key: one for key, one in of.items() if key in shown} for name, of in matched.items()}
    every_test = pandas.concat(tests)
    marks = "Marks: difference from the recipe itself, * q < .05, ** q < .01, *** q < .001"
    return Drawing(
        name=file_stem("controls", recipe, *matched),
        title=f"{recipe} and its controls",
        caption=caption(
            *_about_values(benchmarks, of_shown),
            "Dots: single subjects." if tests else "",
            _about_pairs(rows),
            "Nothing is marked: no test of the recipe itself against these, or too few subjects for one."
            if every_test.empty
            else about_tests(every_test, 0, marks),
            simulated=simulated,
        ),
        figure=figure,
        source="R24 Fig. 7",
    )


def _about_values(benchmarks: Sequence[Measured], matched: ByBenchmark) -> list[str]:
    sentences = [f"{about_benchmark(one)} Compared: {about_matched(matched[one.identifier])}" for one in benchmarks]
    return [
        *sentences,
        "Similarity: Spearman correlation between RDMs, mean over the parts of the score and over subjects; error "
        "bars: ±1 SEM over subjects.",
    ]


def _about_pairs(rows: Any) -> str:
    pairs = rows[rows["measure"] == "variability"][["family", "n"]].drop_duplicates()
    counts = ", ".join(f"{row.family} ({row.n} pairs)" for row in pairs.itertuples())
    words = "Variability: 1 − Spearman between the RDMs of two personal models, mean over areas and pairs"
    return f"{words}: {counts}." if counts else ""


def _panels(rows: Any, benchmarks: Sequence[Measured], height: float) -> tuple[Any, dict[tuple[str, str], Any]]:
    """Make one panel a measure (rows) and benchmark (columns) that there are values of."""
    measures = [name for name in MEASURES if (rows["measure"] == name).any()]
    figure = new_figure(max(6.4, 3.2 * len(benchmarks)), height * len(measures) + 0.4)
    grid = figure.subplots(len(measures), len(benchmarks), squeeze=False)
    axes = {}
    for line, name in zip(grid, measures, strict=True):
        for axis, benchmark in zip(line, benchmarks, strict=True):
            if ((rows["measure"] == name) & (rows["benchmark"] == benchmark.identifier)).any():
                axes[name, benchmark.identifier] = axis
                axis.set_title(benchmark.identifier, loc="left")
                axis.set_ylabel(MEASURES[name])
            else:
                axis.remove()
    return figure, axes


def _draw_curve(axis: Any, rows: Any) -> None:
    beta, value, sem = (rows[name].astype(float).to_numpy() for name in ("beta", "value", "sem"))
    positive = beta > 0
    places = np.log10(beta, where=positive, out=np.zeros_like(beta))
    zero = places[positive].min() - 0.8
    places[~positive] = zero
    for chosen in (positive, ~positive):
        if chosen.any():
            axis.errorbar(
                places[chosen],
                value[chosen],
                np.nan_to_num(sem[chosen]),
                color="#0072B2",
                marker="o",
                markersize=5,
                capsize=2,
            )
    axis.set_xticks(places, [f"{one:g}" for one in beta])
    axis.set_xlabel("β")
    axis.margins(x=0.1)
    if not positive.all():
        between = (zero + places[positive].min()) / 2
        across = axis.get_xaxis_transform()
        axis.plot([between], [0], marker="s", color="white", markersize=5, transform=across, clip_on=False, zorder=9)
        for shift in (-0.03, 0.03):
            ends = [between + shift - 0.02, between + shift + 0.02]
            axis.plot(ends, [-0.025, 0.025], color="0.2", linewidth=0.9, transform=across, clip_on=False, zorder=10)


def _draw_bars(
    axis: Any, comparison: Comparison, bars: Sequence[Bar], q: Mapping[str, float], words: Mapping[str, str]
) -> None:
    """Draw bars with their subjects as dots, and marks where a test says that they differ."""
    look, top = looks(comparison), 0.0
    for place, bar in enumerate(bars):
        axis.bar(place, bar.value, 0.72, color=look[bar.family].colour, alpha=0.75, linewidth=0)
        highest = bar.value
        if bar.sem is not None and np.isfinite(bar.sem):
            axis.errorbar(place, bar.value, bar.sem, color="0.1", elinewidth=1, capsize=2)
            highest += bar.sem
        if bar.raw is not None:
            x = place + (np.linspace(-0.22, 0.22, len(bar.raw)) if len(bar.raw) > 1 else np.zeros(1))
            axis.plot(
                x, bar.raw, "o", markersize=3, markerfacecolor="white", markeredgecolor="0.2", markeredgewidth=0.6
            )
            highest = max(highest, bar.raw.max())
        mark = stars(q.get(bar.family, np.inf))
        if mark:
            axis.annotate(mark, (place, highest), (0, 2), textcoords="offset points", ha="center")
        top = max(top, highest)
    axis.axhline(0, color="0.3", linewidth=0.8)
    low = axis.get_ylim()[0]
    axis.set_ylim(low, top + 0.12 * ((top - low) or 1.0))
    axis.set_xlim(-0.6, max(len(bars), 4) - 0.4)
    axis.set_xticks(range(len(bars)), [words.get(bar.family, bar.family) for bar in bars], rotation=40)
    axis.tick_params(axis="x", labelsize=7.5, length=0)
    for label in axis.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")


def _subjects(comparison: Comparison, rows: Any, benchmark: Measured) -> tuple[str, ...] | None:
    """Subjects on whom all variants were compared, as the table of variants has them; None for each one's own."""
    variants = [family for family in comparison.families if family.name in set(rows["family"])]
    of_variants = [comparison.matched(family, benchmark).subjects for family in variants]
    return tuple(name for name in benchmark.subjects if all(name in subjects for subjects in of_variants)) or None


def _matched(comparison: Comparison, rows: Any, benchmark: Measured) -> dict[str, Matched]:
    """Give similarities of the variants, then of the baselines that are none of them, with the same subjects."""
    subjects = _subjects(comparison, rows, benchmark)
    variants = dict.fromkeys(rows["family"])
    by_name = {family.name: family for family in comparison.families}
    names = [*variants, *(family.name for family in comparison.baselines if family.name not in variants)]
    found = {}
    for name in names:
        try:
            found[name] = comparison.matched(by_name[name], benchmark, subjects)
        except BadInputError:  # personal models of other subjects: nothing to set beside
            continue
    return found


def _tests(tables: Tables, recipe: str, benchmark: str, names: Sequence[str]) -> Any:
    """Rows that compare the recipe itself with bars of the figure."""
    tests = table_rows(tables["tests"], benchmark=benchmark, family=recipe, scope="score", contrast="family - baseline")
    return tests[tests["baseline"].isin(names)]
