"""What figures take from a comparison and its tables, each the same way everywhere."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Matched, Measured
from brainscore_realnet.comparison.figures.style import Tables
from brainscore_realnet.comparison.tables.contrasts import AGAINST_BASELINE

if TYPE_CHECKING:
    from pandas import DataFrame


def table_rows(table: "DataFrame", **wanted: object) -> "DataFrame":
    """Select the rows of a table that hold what is wanted of their columns."""
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


def tests_against_baselines(tables: Tables, scopes: Sequence[str], **wanted: object) -> "DataFrame":
    """Select tests of families against baselines in these scopes, such as ``course``."""
    tests = table_rows(tables["tests"], contrast=AGAINST_BASELINE, **wanted)
    return tests[tests["scope"].isin(scopes)]


def matched_families(comparison: Comparison, benchmark: Measured) -> dict[str, Matched]:
    """Give all families' similarities by name, models first.

    Baselines are taken on the subjects of the models where these are the same for all; else on all that they meet.
    """
    models = {family.name: comparison.matched(family, benchmark) for family in comparison.models}
    groups = {one.subjects for one in models.values()}
    subjects = groups.pop() if len(groups) == 1 else None
    return models | {family.name: comparison.matched(family, benchmark, subjects) for family in comparison.baselines}


def fewest_subjects(matched: dict[str, Matched]) -> int:
    """Give the smallest number of subjects of any family."""
    return min((len(one.subjects) for one in matched.values()), default=0)


def is_simulated(comparison: Comparison, *benchmarks: Measured) -> bool:
    """Whether recordings of these benchmarks, or any model scored on them, are simulated."""
    names = {benchmark.identifier for benchmark in benchmarks}
    return any(one.record["provenance"]["simulated"] for (_, name), one in comparison.scored.items() if name in names)


def mean_sem(values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give mean and standard error over subjects, the first axis; the error of one subject is 0."""
    n = len(values)
    sem = values.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.zeros(values.shape[1:])
    return values.mean(axis=0), np.asarray(sem)
