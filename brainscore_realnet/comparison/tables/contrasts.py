"""Tests of a family against its baselines, subject by subject: paired t tests and cluster permutation.

With fewer than `rsa.statistics.FEWEST_SUBJECTS` subjects nothing is tested: subjects are shown instead. A test that is
not defined, because all subjects have the same difference, is left out and does not count for the correction.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import FEWEST_OWN, Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.tables.blocks import MEAN, Block, Pair, parts
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import PairedTest, cluster_permutation, fdr, paired_test
from brainscore_realnet.rsa.statistics import FEWEST_SUBJECTS

AGAINST_BASELINE = "family - baseline"
OWN_AGAINST_OTHERS = "own - others"
OTHERS_AGAINST_BASELINE = "others - baseline"

T_TEST = "paired t test"
CLUSTERS = "sign-flip cluster permutation of t over time"


def tests(comparison: Comparison, compared: Sequence[Pair]) -> Iterator[dict[str, Any]]:
    """Give the rows of the table ``tests``; ``compared`` are the comparison's `blocks.pairs`."""
    for pair in compared:
        for block in pair.blocks:
            # For regions, the mean is the score.
            if not (block.scope == "roi" and block.places[0].roi == MEAN):
                yield from _tested(block, {**pair.names, "contrast": AGAINST_BASELINE})
    for benchmark in comparison.benchmarks:
        for family in comparison.models:
            yield from _generalisation(comparison, compared, family, benchmark)


def clusters(compared: Sequence[Pair], settings: Settings) -> Iterator[dict[str, Any]]:
    """Give the rows of the table ``clusters``: of every area, and of the mean over areas."""
    for pair in compared:
        if pair.benchmark.kind == "eeg" and len(pair.ours.subjects) >= FEWEST_SUBJECTS:
            difference = pair.ours.values - pair.theirs.values
            courses = zip(pair.benchmark.areas, np.moveaxis(difference, 1, 0), strict=True)
            for area, course in (*courses, (MEAN, difference.mean(axis=1))):
                yield from _clusters_of(course, pair, area, settings)


def of_own_and_others(
    comparison: Comparison, family: Family, benchmark: Measured
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the similarities of each subject with its own model, and the mean over the family's other models.

    Parameters
    ----------
    family : Family
        Which meets at least two of its own subjects.
    benchmark : Measured

    Returns
    -------
    own, others : (n_subjects, n_parts) float64 arrays
        Of the subjects whose own models the family has.
    """
    subjects = comparison.own_subjects(family, benchmark)
    rows = [benchmark.subjects.index(subject) for subject in subjects]
    models = [family.model_of(subject) for subject in subjects]
    every = np.stack([comparison.scored[model, benchmark.identifier].part_values[rows] for model in models])
    return own_and_others(every)


def own_and_others(every: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give each subject's similarity with its own model, and the mean over the other models.

    Parameters
    ----------
    every : (n_models, n_subjects, ...) array
        The same people in the same order, at least two.

    Returns
    -------
    own, others : (n_subjects, ...) float64 arrays
    """
    own = every[np.arange(len(every)), np.arange(len(every))]
    return own, (every.sum(axis=0) - own) / (len(every) - 1)


def defined(block: Block) -> tuple[PairedTest, NDArray[np.intp]] | None:
    """Test every place of a block at which the test is defined.

    Returns
    -------
    PairedTest, (n_tested,) array of int, or None
        The tests and the numbers of their places; None if there is none, or there are too few subjects.
    """
    everywhere = np.arange(len(block.places))
    if len(block.ours) < FEWEST_SUBJECTS:
        return None
    try:
        return paired_test(block.ours, block.theirs), everywhere
    except BadInputError:
        kept = np.array([place for place in everywhere if _is_defined(block, place)], dtype=np.intp)
        return (paired_test(block.ours[:, kept], block.theirs[:, kept]), kept) if kept.size else None


def _is_defined(block: Block, place: int) -> bool:
    try:
        paired_test(block.ours[:, place], block.theirs[:, place])
    except BadInputError:
        return False
    return True


def _tested(block: Block, names: dict[str, Any]) -> Iterator[dict[str, Any]]:
    found = defined(block)
    if found is None:
        return
    test, kept = found
    alone = len(block.places) == 1
    corrected = test.p if alone else fdr(test.p)
    left_out = len(block.places) - len(kept)
    correction = f"BH-FDR over {block.of}" + (f" less {left_out} without a test" if left_out else "")
    positive = (block.difference > 0).sum(axis=0)
    for row, place in enumerate(kept):
        yield {
            **names,
            "scope": block.scope,
            **block.places[place]._asdict(),
            "test": T_TEST,
            "unit": "subject",
            "n": test.n,
            "difference": float(test.difference[row]),
            "sem": float(test.sem[row]),
            "statistic": float(test.t[row]),
            "df": test.degrees_of_freedom,
            "p": float(test.p[row]),
            "q": float(corrected[row]),
            "correction": "none" if alone else correction,
            "n_positive": int(positive[place]),
        }


def _generalisation(
    comparison: Comparison, compared: Sequence[Pair], family: Family, benchmark: Measured
) -> Iterator[dict[str, Any]]:
    subjects = comparison.own_subjects(family, benchmark)
    if len(subjects) < FEWEST_OWN:
        return
    own, others = of_own_and_others(comparison, family, benchmark)
    names = {"benchmark": benchmark.identifier, "family": family.name}
    for block in _parts_tested(benchmark, own, others):
        yield from _tested(block, {**names, "baseline": None, "contrast": OWN_AGAINST_OTHERS})
    for pair in compared:
        if (pair.family, pair.benchmark) == (family, benchmark):
            rows = [subjects.index(subject) for subject in pair.ours.subjects]
            for block in _parts_tested(benchmark, others[rows], pair.theirs.part_values):
                yield from _tested(block, {**pair.names, "contrast": OTHERS_AGAINST_BASELINE})


def _parts_tested(benchmark: Measured, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Iterator[Block]:
    """Give each part, and the score."""
    return (block for block in parts(benchmark, ours, theirs) if block.of or block.scope == "score")


def _clusters_of(course: NDArray[np.float64], pair: Pair, area: str, settings: Settings) -> Iterator[dict[str, Any]]:
    try:
        test = cluster_permutation(course, draws=settings.permutations, seed=settings.seed)
    except BadInputError:
        return
    times = pair.benchmark.times.tolist()
    for cluster in test.clusters:
        yield {
            **pair.names,
            "area": area,
            "start": times[cluster.start],
            "stop": times[cluster.stop - 1],
            "mass": cluster.mass,
            "p": cluster.p,
            "threshold": test.threshold,
            "test": CLUSTERS,
            "n": len(course),
            "n_permutations": test.n_permutations,
            "exact": test.exact,
            "seed": settings.seed,
        }
