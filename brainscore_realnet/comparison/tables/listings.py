"""What was computed of every model by itself: similarities, ceilings, scores, generalisation over subjects."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Measured, trained_on_people_of
from brainscore_realnet.comparison.scored import Scored

Columns = Mapping[str, Any]
"""Name of a column to its cells, or to the one value of them all."""


def similarities(comparison: Comparison) -> Iterator[Columns]:
    """Give the table ``similarities`` by columns, one model on one benchmark after the other."""
    for benchmark in comparison.benchmarks:
        for family in comparison.families:
            for model in family.models:
                scored = comparison.scored[model, benchmark.identifier]
                of_conditions = _conditions(benchmark)
                subjects, areas, conditions = (indices.ravel() for indices in np.indices(scored.values.shape))
                measured = np.array(benchmark.subjects, dtype=object)[subjects]
                yield {
                    "benchmark": benchmark.identifier,
                    "model": model,
                    "family": family.name,
                    "role": family.role,
                    "trained_on": scored.trained_on.get("subject"),
                    "subject": measured,
                    "own": measured == own_subject(scored, benchmark),
                    "area": np.array(benchmark.areas, dtype=object)[areas],
                    **{name: cells[conditions] for name, cells in of_conditions.items()},
                    "similarity": scored.values.ravel(),
                }


def ceilings(comparison: Comparison) -> Iterator[Columns]:
    """Give the table ``ceilings`` by columns, one benchmark after the other."""
    for benchmark in comparison.benchmarks:
        lower, upper = benchmark.ceiling
        bounds = {"lower": lower, "upper": upper, "n": len(benchmark.subjects)}
        yield {"benchmark": benchmark.identifier, **_conditions(benchmark), **bounds}


def scores(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Give the rows of the table ``scores``."""
    for benchmark in comparison.benchmarks:
        for family in comparison.families:
            for model in family.models:
                scored = comparison.scored[model, benchmark.identifier]
                record = scored.record
                subject = own_subject(scored, benchmark)
                raw = scored.part_values.mean(axis=1)
                own_raw = float(raw[benchmark.subjects.index(subject)]) if subject else None
                yield {
                    "benchmark": benchmark.identifier,
                    "model": model,
                    "family": family.name,
                    "role": family.role,
                    "score": record["score"],
                    "error": record["error"],
                    "error_over": " and ".join(record["error_over"] or ()) or None,
                    "error_stimulus": record["error_stimulus"],
                    "raw": record["raw"],
                    "ceiling_lower": record["ceiling"]["lower"],
                    "ceiling_upper": record["ceiling"]["upper"],
                    "n": len(benchmark.subjects),
                    "own_subject": subject,
                    "own_raw": own_raw,
                    "own_score": None if own_raw is None else own_raw / record["ceiling"]["upper"],
                    "simulated": record["provenance"]["simulated"],
                }


def generalisation(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Give the rows of the table ``generalisation``: personal models with each other's subjects."""
    for benchmark in comparison.benchmarks:
        for family in comparison.families:
            matrix = comparison.generalisation(family, benchmark)
            subjects = comparison.own_subjects(family, benchmark)
            for (row, column), raw in np.ndenumerate(np.empty((0, 0)) if matrix is None else matrix):
                yield {
                    "benchmark": benchmark.identifier,
                    "family": family.name,
                    "model": family.model_of(subjects[row]),
                    "trained_on": subjects[row],
                    "subject": subjects[column],
                    "own": row == column,
                    "raw": float(raw),
                }


def own_subject(scored: Scored, benchmark: Measured) -> str | None:
    """Name the subject that a model was trained on if the benchmark measured the same person."""
    subject = scored.trained_on.get("subject")
    return subject if subject in benchmark.subjects and trained_on_people_of(scored, benchmark) else None


def _conditions(benchmark: Measured) -> dict[str, NDArray[Any]]:
    """Give the cells ``roi``, ``time`` and ``in_score`` of each condition."""
    eeg = benchmark.kind == "eeg"
    none = np.full(len(benchmark.conditions), None, dtype=object)
    return {
        "roi": none if eeg else np.array(benchmark.conditions, dtype=object),
        "time": benchmark.times if eeg else np.full(len(none), np.nan),
        "in_score": benchmark.in_score,
    }
