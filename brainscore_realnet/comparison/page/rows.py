"""Tables of a page: what stands in their cells, and by what they are sorted."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import compress
from typing import TYPE_CHECKING, Any

import numpy as np

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures.captions import level_text, p_text
from brainscore_realnet.comparison.figures.rows import table_rows, tests_against_baselines
from brainscore_realnet.comparison.figures.style import Tables
from brainscore_realnet.comparison.settings import ALPHA
from brainscore_realnet.rsa.statistics import FEWEST_SUBJECTS

if TYPE_CHECKING:
    from pandas import DataFrame

NOTHING = "–"
MINUS = "−"


@dataclass(frozen=True)
class Column:
    """A column's heading."""

    label: str
    meaning: str
    numeric: bool = True
    lowest_first: bool = False
    """Whether the first click sorts the lowest number first, as of a p value"""


@dataclass(frozen=True)
class Cell:
    """What is shown, and what it is sorted by (None comes last)."""

    text: str
    order: str | float | None
    strong: bool = False


@dataclass(frozen=True)
class Row:
    """A row's cells, one a column."""

    cells: tuple[Cell, ...]
    simulated: bool
    baseline: bool


@dataclass(frozen=True)
class PageTable:
    """A table that can be sorted."""

    name: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    notes: tuple[str, ...] = ()


FAMILY_COLUMNS = (
    Column("Family", "models of one recipe, one of each subject, or one model of no subject", numeric=False),
    Column("Benchmark", "what the models are compared with", numeric=False),
    Column("Against", "baseline of the difference", numeric=False),
    Column("Score", "raw similarity / upper noise ceiling"),
    Column("Raw", "mean similarity over subjects"),
    Column("95 % interval", "of raw"),
    Column("Noise ceiling", "lower – upper bound of raw"),
    Column("Difference", "family − baseline, mean over subjects"),
    Column("Ratio", "difference / raw of the baseline"),
    Column("p", "two-sided, uncorrected", lowest_first=True),
    Column("q", "p corrected as the notes say", lowest_first=True),
    Column("n", "subjects"),
)

MODEL_COLUMNS = (
    Column("Model", "identifier", numeric=False),
    Column("Benchmark", "what the model is compared with", numeric=False),
    Column("Role", "model or baseline", numeric=False),
    Column("Score", "raw similarity / upper noise ceiling, all subjects"),
    Column(
        "Error",
        "standard error of the score over subjects, or over stimuli where there is one subject",
        lowest_first=True,
    ),
    Column("Raw", "mean similarity over all subjects"),
    Column("Noise ceiling", "lower – upper bound of raw"),
    Column("n", "subjects"),
    Column("Own subject", "subject that the model was trained on, where measured", numeric=False),
    Column("Own raw", "similarity with that subject"),
    Column("Own score", "the same / upper noise ceiling"),
)


def table_of_families(comparison: Comparison, tables: Tables) -> PageTable:
    """Lay out every family on every benchmark, once for each baseline that it is compared with.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        ``families``, and the rows of ``improvements`` and ``tests`` whose scope is the score.

    Returns
    -------
    PageTable
        Without a column of q where no test was corrected.
    """
    rows = []
    kept = [column.label != "q" or _corrected(tables) for column in FAMILY_COLUMNS]
    for family in comparison.families:
        for benchmark in comparison.benchmarks:
            where = {"benchmark": benchmark.identifier, "family": family.name}
            found = _records(tables["families"], **where)
            simulated = bool(table_rows(tables["scores"], **where)["simulated"].any())
            lower, upper = benchmark.score_ceiling
            baselines = [one.name for one in comparison.baselines] if family.role == "model" else []
            for record in found:
                for baseline in baselines or [""]:
                    cells = (
                        Cell(family.name, family.name),
                        Cell(benchmark.identifier, benchmark.identifier),
                        _name(baseline or None),
                        _number(record["score"]),
                        _number(record["raw"]),
                        _interval(record["low"], record["high"], order=record["raw"]),
                        _interval(lower, upper, order=upper),
                        *_difference(tables, benchmark.identifier, family.name, baseline),
                        _count(record["n"]),
                    )
                    rows.append(Row(tuple(compress(cells, kept)), simulated, family.role == "baseline"))
    return PageTable(
        "families",
        "Families on benchmarks, with the difference to each baseline",
        tuple(compress(FAMILY_COLUMNS, kept)),
        tuple(rows),
        _notes(tables),
    )


def table_of_models(comparison: Comparison, tables: Tables) -> PageTable:
    """Lay out every model on every benchmark, all subjects taken together."""
    rows = []
    for record in tables["scores"].to_dict("records"):
        cells = (
            Cell(record["model"], record["model"]),
            Cell(record["benchmark"], record["benchmark"]),
            Cell(record["role"], record["role"]),
            _number(record["score"]),
            _number(record["error"]),
            _number(record["raw"]),
            _interval(record["ceiling_lower"], record["ceiling_upper"], order=record["ceiling_upper"]),
            _count(record["n"]),
            _name(record["own_subject"]),
            _number(record["own_raw"]),
            _number(record["own_score"]),
        )
        rows.append(Row(cells, bool(record["simulated"]), record["role"] == "baseline"))
    return PageTable("models", "Every model on every benchmark, mean over all subjects", MODEL_COLUMNS, tuple(rows))


def number(value: Any, digits: int = 3, signed: bool = False) -> str:
    """Write a number for readers: a true minus sign, a fixed number of digits."""
    return f"{value:{'+' if signed else ''}.{digits}f}".replace("-", MINUS)


def probability(value: float) -> str:
    """Write a p value as journals do: without the zero, and not smaller than .001."""
    return p_text(value).removeprefix("p ").removeprefix("= ")


def _difference(tables: Tables, benchmark: str, family: str, baseline: str) -> tuple[Cell, ...]:
    """Give the cells of difference, ratio, p and q."""
    nothing = Cell(NOTHING, None)
    if not baseline:
        return (nothing,) * 4
    pair = {"benchmark": benchmark, "family": family, "baseline": baseline}
    improved = next(iter(_records(tables["improvements"], scope="score", **pair)), None)
    tested = next(iter(_records(tests_against_baselines(tables, ["score"]), **pair)), None)
    strong = tested is not None and tested["q"] < ALPHA
    return (
        nothing if improved is None else _number(improved["difference"], signed=True, strong=strong),
        nothing if improved is None else _number(improved["ratio"], _percent),
        nothing if tested is None else _number(tested["p"], probability),
        nothing if tested is None else _number(tested["q"], probability, strong=strong),
    )


def _notes(tables: Tables) -> tuple[str, ...]:
    families, scores = tables["families"], tests_against_baselines(tables, ["score"])
    notes = []
    own = families[families["own"].astype(bool)]
    if len(own):
        pairs = ", ".join(f"{family} on {name}" for family, name in zip(own["family"], own["benchmark"], strict=True))
        notes.append(
            f"Each subject is compared with its own model: {pairs}. Otherwise a family is the mean of its models."
        )
    for text in dict.fromkeys(text for text in families["interval"] if isinstance(text, str)):
        notes.append(f"Interval: {text}.")
    for test, correction in dict.fromkeys(zip(scores["test"], scores["correction"], strict=True)):
        if correction == "none":
            notes.append(f"p: {test}, uncorrected. Bold: p < {level_text()}, uncorrected.")
        else:
            notes.append(f"p and q: {test}; q: {correction}. Bold: q < {level_text()}.")
    if (tables["improvements"]["n"] < FEWEST_SUBJECTS).any():
        notes.append(f"No p: fewer than {FEWEST_SUBJECTS} subjects, which are shown one by one in the figures.")
    return tuple(notes)


def _corrected(tables: Tables) -> bool:
    """Whether a test of a score was corrected for the number of tests, so that its q is not its p."""
    return bool((tests_against_baselines(tables, ["score"])["correction"] != "none").any())


def _records(table: "DataFrame", **wanted: object) -> list[dict[Hashable, Any]]:
    return table_rows(table, **wanted).to_dict("records")


def _number(
    value: Any, write: Callable[[float], str] | None = None, *, signed: bool = False, strong: bool = False
) -> Cell:
    if _absent(value):
        return Cell(NOTHING, None)
    return Cell(write(value) if write else number(value, signed=signed), float(value), strong)


def _percent(value: float) -> str:
    return f"{number(100 * value, 1, signed=True)} %"


def _interval(low: Any, high: Any, order: Any) -> Cell:
    if _absent(high):
        return Cell(NOTHING, None)
    text = number(high) if _absent(low) else f"{number(low)} – {number(high)}"
    return Cell(text, None if _absent(order) else float(order))


def _count(value: Any) -> Cell:
    return Cell(NOTHING, None) if _absent(value) else Cell(f"{int(value)}", float(value))


def _name(value: Any) -> Cell:
    return Cell(NOTHING, None) if _absent(value) else Cell(str(value), str(value))


def _absent(value: Any) -> bool:
    return value is None or (isinstance(value, float) and np.isnan(value))
