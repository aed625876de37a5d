"""What a comparison shows, in a sentence for each family of models."""

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.settings import ALPHA
from brainscore_realnet.comparison.tables.blocks import MEAN, Pair, counted, pairs
from brainscore_realnet.comparison.tables.contrasts import AGAINST_BASELINE
from brainscore_realnet.rsa.statistics import FEWEST_SUBJECTS

if TYPE_CHECKING:
    from pandas import DataFrame

SIMULATED = "Simulated: "
"""What sentences begin with that rest on simulated models, subjects or recordings"""

LARGEST_RATIO = 10
"""A larger ratio to the baseline, which is next to nothing then, stands in the tables alone."""

_SIGNALS = {"eeg": "EEG", "fmri": "fMRI"}


def summaries(comparison: Comparison, tables: "Mapping[str, DataFrame]") -> list[str]:
    """Say of every family of models how it differs from each baseline on each benchmark.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        What `tables.tables` gives.

    Returns
    -------
    list of str
        A sentence a family, in their order, with differences, n, test and correction; without a baseline, the scores.
    """
    compared = tuple(pairs(comparison))
    sentences = []
    for family in comparison.models:
        own_pairs = [pair for pair in compared if pair.family == family]
        clauses = [_against(pair, tables) for pair in own_pairs]
        reached = {pair.benchmark.identifier for pair in own_pairs}
        clauses += [
            _alone(family, benchmark, tables)
            for benchmark in comparison.benchmarks
            if benchmark.identifier not in reached
        ]
        start = SIMULATED if _is_simulated(comparison, family) else ""
        sentences.append(f"{start}{_named(family)} {'; '.join(clauses)}.")
    return sentences


def _against(pair: Pair, tables: "Mapping[str, DataFrame]") -> str:
    """Give the clause of a family, a baseline and a benchmark."""
    (gain,) = _rows(tables["improvements"], scope="score", **pair.names)
    tests = _rows(tables["tests"], scope="score", contrast=AGAINST_BASELINE, **pair.names)
    told = abs(_number(gain["ratio"])) < LARGEST_RATIO  # NaN is not
    ratio = f" ({_signed(100 * gain['ratio'], '.1f')} %)" if told else ""
    found = [f"{_signed(gain['difference'])}{ratio}"]
    if tests:
        (test,) = tests
        found.append(f"paired t({test['df']}) = {_signed(test['statistic'], '.2f', plus='')}, {_p(test['p'])}")
        found[-1] += " (uncorrected)"
    else:
        difference = pair.ours.raw - pair.theirs.raw
        few = len(difference) < FEWEST_SUBJECTS
        why = "no test with so few" if few else "the same difference in all, so that t is not defined"
        found.append(f"higher in {(difference > 0).sum()} of {counted(len(difference), 'subject')}, {why}")
    found += _places(pair, tables["tests"])
    verb = _verb(gain["difference"], tests[0]["p"] if tests else None)
    whose = _whose(pair.benchmark, pair.ours.own, len(pair.ours.subjects))
    return f"{verb} {whose} than {pair.baseline.name} on {pair.benchmark.identifier}: {', '.join(found)}"


def _places(pair: Pair, tests: "DataFrame") -> Iterator[str]:
    """Tell at how many areas and times, or in how many regions, the difference is significant, and where most so."""
    eeg = pair.benchmark.kind == "eeg"
    scope, where, noun = ("course", "at", "areas × times") if eeg else ("roi", "in", "regions")
    rows = _rows(tests, scope=scope, contrast=AGAINST_BASELINE, **pair.names)
    rows = [row for row in rows if row["area"] != MEAN]
    if not rows:
        return
    correction = f"BH-FDR, q < {_level(ALPHA)}"
    significant = [row for row in rows if row["q"] < ALPHA]
    higher = [row for row in significant if row["difference"] > 0]
    if not significant:
        yield f"significant {where} none of {len(rows)} {noun} ({correction})"
        return
    lower = len(significant) - len(higher)
    sides = [f"{word} {where} {count}" for word, count in (("higher", len(higher)), ("lower", lower)) if count]
    yield f"{' and '.join(sides)} of {len(rows)} {noun} ({correction})"
    if higher:
        yield f"most in {_place(max(higher, key=lambda row: row['difference']))}"


def _alone(family: Family, benchmark: Measured, tables: "Mapping[str, DataFrame]") -> str:
    """Give the clause of a family that nothing is compared with on a benchmark."""
    (of,) = _rows(tables["families"], family=family.name, benchmark=benchmark.identifier, role="model")
    lower, upper = benchmark.score_ceiling
    bounds = f"upper noise ceiling {upper:.3f}" if np.isnan(lower) else f"noise ceiling {lower:.3f} to {upper:.3f}"
    interval = "" if np.isnan(_number(of["low"])) else f", 95 % interval {of['low']:.3f} to {of['high']:.3f}"
    whose = _whose(benchmark, of["own"], of["n"])
    return (
        f"scores {of['score']:.3f} on {benchmark.identifier} (similarity {of['raw']:.3f} to {whose}{interval}; "
        f"{bounds}), without a baseline"
    )


def _verb(difference: float, p: float | None) -> str:
    if p is not None and not p < ALPHA:
        return "is not significantly more or less similar to"
    word = "more" if difference > 0 else "less" if difference < 0 else "neither more nor less"
    return f"is {'' if p is not None else 'on average '}{word} similar to"


def _whose(benchmark: Measured, own: bool, n_subjects: int) -> str:
    signal = _SIGNALS[benchmark.kind]
    return f"its own {n_subjects} subjects' {signal}" if own else f"the {signal} of {counted(n_subjects, 'subject')}"


def _named(family: Family) -> str:
    return f"{family.name} ({counted(len(family.models), 'personal model')})" if family.personal else family.name


def _is_simulated(comparison: Comparison, family: Family) -> bool:
    """Tell whether a sentence rests on anything simulated: models, baselines or recordings."""
    models = {model for one in (family, *comparison.baselines) for model in one.models}
    return any(
        scored.record["provenance"]["simulated"] for (model, _), scored in comparison.scored.items() if model in models
    )


def _rows(table: "DataFrame", **wanted: Any) -> list[dict[str, Any]]:
    """Give the rows whose cells are those wanted."""
    chosen = np.ones(len(table), dtype=bool)
    for column, value in wanted.items():
        chosen &= (table[column] == value).to_numpy(dtype=bool)
    return table[chosen].to_dict("records")


def _place(row: Mapping[str, Any]) -> str:
    return row["roi"] if isinstance(row["roi"], str) else f"{row['area']} at {1000 * row['time']:.0f} ms"


def _number(cell: Any) -> float:
    return np.nan if cell is None else float(cell)


def _signed(number: float, form: str = "", plus: str = "+") -> str:
    """Write a difference with its sign and, unless told otherwise, three decimals, or two digits if it is small."""
    form = form or (".3f" if abs(number) >= 0.01 else ".2g")
    return f"{number:{plus}{form}}".replace("-", "−")


def _p(p: float) -> str:
    return "p < .001" if p < 0.001 else f"p = {_level(round(p, 3))}"


def _level(number: float) -> str:
    return f"{number:g}".removeprefix("0")
