"""How much more similar than its baseline a family is, and how similar it is: differences, ratios and intervals."""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.tables.blocks import Block, Pair
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import bootstrap_subjects, improvement
from brainscore_realnet.rsa.statistics import FEWEST_SUBJECTS, standard_error
from brainscore_realnet.rsa.two_factor import student_interval, two_factor_bootstrap

FEWEST_DRAWS = 2
"""Bootstrap samples of the stimuli that a variance needs."""

Ends = tuple[NDArray[np.float64], NDArray[np.float64]]


def families(comparison: Comparison, settings: Settings) -> Iterator[dict[str, Any]]:
    """Give the rows of the table ``families``."""
    for benchmark in comparison.benchmarks:
        for family in comparison.families:
            of = comparison.matched(family, benchmark)
            draws = of.part_draws.mean(axis=-1) if len(of.part_draws) else None
            ends, how = interval(of.raw, draws, benchmark.n_images, settings)
            yield {
                "benchmark": benchmark.identifier,
                "family": family.name,
                "role": family.role,
                "n_models": of.n_models,
                "own": of.own,
                "n": len(of.subjects),
                "raw": float(of.raw.mean()),
                "sem": standard_error(of.raw),
                "score": float(of.raw.mean() / benchmark.score_ceiling[1]),
                "low": None if ends is None else float(ends[0]),
                "high": None if ends is None else float(ends[1]),
                "interval": how,
            }


def improvements(compared: Sequence[Pair], settings: Settings) -> Iterator[dict[str, Any]]:
    """Give the rows of the table ``improvements``: in the window, at the peak, in regions, and of the score."""
    for pair in compared:
        for block in _improved(pair):
            ends, how = _interval_of(block, pair, settings)
            for place, where in enumerate(block.places):
                ours, theirs = block.ours[:, place], block.theirs[:, place]
                yield {
                    **pair.names,
                    "scope": block.scope,
                    **where._asdict(),
                    "n": len(ours),
                    "own": pair.ours.own,
                    "baseline_raw": float(theirs.mean()),
                    "difference": float((ours - theirs).mean()),
                    "sem": standard_error(ours - theirs),
                    "ratio": _ratio(ours, theirs),
                    "low": None if ends is None else float(ends[0][place]),
                    "high": None if ends is None else float(ends[1][place]),
                    "interval": how,
                }


def improvements_of_subjects(compared: Sequence[Pair]) -> Iterator[dict[str, Any]]:
    """Give the rows of the table ``improvements_of_subjects``."""
    for pair in compared:
        for block in _improved(pair):
            for place, where in enumerate(block.places):
                for row, subject in enumerate(pair.ours.subjects):
                    ours, theirs = block.ours[row : row + 1, place], block.theirs[row : row + 1, place]
                    yield {
                        **pair.names,
                        "scope": block.scope,
                        **where._asdict(),
                        "subject": subject,
                        "model": pair.family.model_of(subject) if pair.ours.own else None,
                        "baseline_raw": float(theirs[0]),
                        "difference": float(ours[0] - theirs[0]),
                        "ratio": _ratio(ours, theirs),
                    }


def interval(
    values: NDArray[np.float64], draws: NDArray[np.float64] | None, n_images: int, settings: Settings
) -> tuple[Ends | None, str | None]:
    """Compute the 95 % interval of a mean over subjects, and tell how.

    With enough subjects for a statement about others, they are drawn, too; with fewer the stimuli alone. Student's t is
    taken with one degree of freedom less than there are subjects or images, whichever are fewer and were drawn.

    Parameters
    ----------
    values : (n_subjects, ...) float64 array
        Similarities, or differences.
    draws : (n_draws, n_subjects, ...) float64 array, optional
        The same in bootstrap samples of the stimuli.
    n_images : int
        Stimuli.
    settings : Settings
        Draws of subjects and their seed.

    Returns
    -------
    (low, high) of shape (...) or None, text or None
        None if there is nothing to draw.
    """
    few = len(values) < FEWEST_SUBJECTS
    of_subjects = f"{settings.draws} draws of subjects, seed {settings.seed}"
    if draws is None or len(draws) < FEWEST_DRAWS:
        if few:
            return None, None
        spread = bootstrap_subjects(values, settings.draws, settings.seed).std(axis=0, ddof=1)
        ends = student_interval(values.mean(axis=0), spread, len(values) - 1)
        return ends, f"bootstrap over subjects alone: {of_subjects}"
    of_stimuli = f"{len(draws)} draws of stimuli"
    if few:
        spread = draws.mean(axis=1).std(axis=0, ddof=1)
        ends = student_interval(values.mean(axis=0), spread, n_images - 1)
        return ends, f"bootstrap over stimuli alone: {of_stimuli}"
    both = two_factor_bootstrap(values, draws, n_images, settings.draws, settings.seed)
    how = f"bootstrap over stimuli and subjects (Schütt et al. 2023): {of_stimuli}, {of_subjects}"
    return both.interval(), how


def _improved(pair: Pair) -> Iterator[Block]:
    return (block for block in pair.blocks if block.scope != "course")


def _interval_of(block: Block, pair: Pair, settings: Settings) -> tuple[Ends | None, str | None]:
    """Give the interval of the differences; none at the peak, of which there are no samples of the stimuli."""
    if block.scope == "peak":
        return None, None
    return interval(block.difference, block.draws, pair.benchmark.n_images, settings)


def _ratio(ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> float | None:
    """Give the ratio of means over subjects (n_subjects,), or None where the baseline is not positive."""
    try:
        return float(improvement(ours[:, None], theirs[:, None]).window.ratio)
    except BadInputError:
        return None
