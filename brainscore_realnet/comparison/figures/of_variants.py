"""What figures of a recipe's variants have in common: values with the same subjects, panels, words."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from brainscore_realnet.comparison.comparison import Comparison, Matched, Measured
from brainscore_realnet.comparison.figures.captions import about_benchmark, about_matched, counted, over_subjects
from brainscore_realnet.comparison.figures.rows import table_rows
from brainscore_realnet.comparison.figures.style import Tables, new_figure
from brainscore_realnet.errors import BadInputError

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

ByBenchmark = Mapping[str, Mapping[str, Matched]]
"""Similarities by benchmark and family, the variants' and then the baselines', all with the same subjects."""

MOST_BENCHMARKS = 3
"""Panels side by side that are legible at the width of a page; further benchmarks come on figures of their own."""
MEASURES = {"score": "similarity (Spearman ρ)", "variability": "variability (1 − Spearman ρ)"}


@dataclass(frozen=True, eq=False)
class Recipe:
    """A recipe's variants on as many benchmarks as a figure holds."""

    name: str
    rows: "DataFrame"
    """Of the table of variants"""
    benchmarks: tuple[Measured, ...]
    matched: ByBenchmark
    baselines: Mapping[str, Sequence[str]]
    """By benchmark, names of the baselines that are no variants"""


def recipes(comparison: Comparison, tables: Tables) -> Iterator[Recipe]:
    """Give every recipe, once for each figure."""
    for recipe, rows in tables["variants"].groupby("recipe", sort=False):
        names = list(rows["benchmark"].unique())
        for start in range(0, len(names), MOST_BENCHMARKS):
            of = rows[rows["benchmark"].isin(names[start : start + MOST_BENCHMARKS])]
            benchmarks = tuple(comparison.benchmark(name) for name in names[start : start + MOST_BENCHMARKS])
            matched = {one.identifier: _matched(comparison, of, one) for one in benchmarks}
            variants = set(of["family"])
            others = {name: [one for one in found if one not in variants] for name, found in matched.items()}
            yield Recipe(str(recipe), of, benchmarks, matched, others)


def panels(
    rows: "DataFrame", benchmarks: Sequence[Measured], height: float
) -> tuple["Figure", dict[tuple[str, str], "Axes"]]:
    """Make one panel a measure (rows) and benchmark (columns) that there are values of."""
    measures = [name for name in MEASURES if (rows["measure"] == name).any()]
    figure = new_figure(max(6.4, 3.2 * len(benchmarks)) if len(benchmarks) > 1 else 4.6, height * len(measures) + 0.4)
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


def deviation(tables: Tables, benchmark: str, family: str) -> float:
    """Give the SD over pairs of models of their dissimilarity, mean over areas; NaN of a single pair."""
    rows = table_rows(tables["variability"], benchmark=benchmark, family=family)
    of_pairs = rows.astype({"dissimilarity": float}).groupby(["model_a", "model_b"])["dissimilarity"].mean()
    return float(of_pairs.std(ddof=1))


def about_values(benchmarks: Sequence[Measured], matched: ByBenchmark) -> list[str]:
    """Sentences of a caption on what was compared, and on similarities and their errors."""
    sentences = [f"{about_benchmark(one)} {about_matched(matched[one.identifier])}" for one in benchmarks]
    n = max((len(one.subjects) for of in matched.values() for one in of.values()), default=0)
    over = over_subjects(n, " and over subjects; error bars: ±1 SEM over subjects")
    return [*sentences, f"Similarity: Spearman correlation between RDMs, mean over the parts of the score{over}."]


def about_pairs(rows: "DataFrame") -> str:
    """Sentence of a caption on variability, how many pairs, and its errors; none where it is not shown."""
    pairs = rows[rows["measure"] == "variability"][["family", "n"]].drop_duplicates()
    counts = ", ".join(f"{row.family} ({counted(row.n, 'pair')})" for row in pairs.itertuples())
    words = (
        "Variability: 1 − Spearman between the RDMs of two personal models, mean over areas and pairs; error bars: "
        "±1 SD over pairs of their means over areas"
    )
    return f"{words}: {counts}." if counts else ""


def _matched(comparison: Comparison, rows: "DataFrame", benchmark: Measured) -> dict[str, Matched]:
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


def _subjects(comparison: Comparison, rows: "DataFrame", benchmark: Measured) -> tuple[str, ...] | None:
    """Subjects on whom all variants were compared, as the table of variants has them; None for each one's own."""
    variants = [family for family in comparison.families if family.name in set(rows["family"])]
    of_variants = [comparison.matched(family, benchmark).subjects for family in variants]
    return tuple(name for name in benchmark.subjects if all(name in subjects for subjects in of_variants)) or None
