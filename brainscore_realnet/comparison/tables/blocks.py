"""Where a family and its baseline are compared: the values of one family of tests after the other.

A block is what one correction for the number of tests goes over: all areas and times of a course, all areas in the
window, all areas at the baseline's peak, all regions, or a single mean.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Matched, Measured
from brainscore_realnet.comparison.families import Family

MEAN = "mean"
"""Area or region that stands for the mean over all."""


class Place(NamedTuple):
    """Cells ``area``, ``roi`` and ``time`` of a table."""

    area: str | None = None
    roi: str | None = None
    time: float | None = None


@dataclass(frozen=True, eq=False)
class Block:
    """Similarities at some places, subject by subject."""

    scope: str
    """``course``, ``window``, ``peak``, ``roi`` or ``score``"""
    places: tuple[Place, ...]
    ours: NDArray[np.float64]
    """(n_subjects, n_places)"""
    theirs: NDArray[np.float64]
    """(n_subjects, n_places) of what is subtracted"""
    of: str = ""
    """What the places are, for the correction: ``4 areas x 36 times``; nothing for a single place"""
    draws: NDArray[np.float64] | None = None
    """(n_draws, n_subjects, n_places) ours - theirs in bootstrap samples of the stimuli; None without them"""

    @property
    def difference(self) -> NDArray[np.float64]:
        """(n_subjects, n_places) ours - theirs."""
        return self.ours - self.theirs


@dataclass(frozen=True, eq=False)
class Pair:
    """A family, its baseline, and a benchmark's subjects that both are compared on."""

    family: Family
    baseline: Family
    benchmark: Measured
    ours: Matched
    theirs: Matched

    @property
    def names(self) -> dict[str, str]:
        """Cells that say which pair a row is of."""
        return {
            "benchmark": self.benchmark.identifier,
            "family": self.family.name,
            "baseline": self.baseline.name,
        }

    @property
    def blocks(self) -> Iterator[Block]:
        """Everything that is compared."""
        if self.benchmark.kind == "eeg":
            yield from courses(self.benchmark, self.ours.values, self.theirs.values)
            yield from peaks(self.benchmark, self.ours.values, self.theirs.values)
        yield from parts(self.benchmark, self.ours.part_values, self.theirs.part_values, self.draws)

    @property
    def draws(self) -> NDArray[np.float64] | None:
        """(n_draws, n_subjects, n_parts) family - baseline, or None: the same samples of the stimuli for both."""
        ours, theirs = self.ours.part_draws, self.theirs.part_draws
        return ours - theirs if len(ours) == len(theirs) > 0 else None


def pairs(comparison: Comparison) -> Iterator[Pair]:
    """Give every family with every baseline on every benchmark."""
    for benchmark in comparison.benchmarks:
        for family, baseline in comparison.pairs():
            yield Pair(family, baseline, benchmark, *comparison.against(family, baseline, benchmark))


def courses(benchmark: Measured, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Iterator[Block]:
    """Give all areas (n_subjects, n_areas, n_times) at all times, then the mean over areas at all times."""
    areas, times = benchmark.areas, benchmark.times.tolist()
    places = tuple(Place(area=area, time=time) for area in areas for time in times)
    of = f"{counted(len(areas), 'area')} x {counted(len(times), 'time')}"
    yield Block("course", places, ours.reshape(len(ours), -1), theirs.reshape(len(theirs), -1), of)
    places = tuple(Place(area=MEAN, time=time) for time in times)
    yield Block("course", places, ours.mean(axis=1), theirs.mean(axis=1), counted(len(times), "time"))


def peaks(benchmark: Measured, ours: NDArray[np.float64], theirs: NDArray[np.float64]) -> Iterator[Block]:
    """Give all areas at the time of the maximum of their baseline's mean course, then the mean over areas at its own.

    All times are searched, in the window of the score or not; the time is the same for all subjects.
    """
    with_mean = [np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1) for values in (ours, theirs)]
    at = with_mean[1].mean(axis=0).argmax(axis=-1)
    here, there = (values[:, np.arange(len(at)), at] for values in with_mean)
    times = benchmark.times[at].tolist()
    names = (*benchmark.areas, MEAN)
    places = tuple(Place(area=area, time=time) for area, time in zip(names, times, strict=True))
    of = counted(len(benchmark.areas), "area")
    yield Block("peak", places[:-1], here[:, :-1], there[:, :-1], of)
    yield Block("peak", places[-1:], here[:, -1:], there[:, -1:])


def parts(
    benchmark: Measured,
    ours: NDArray[np.float64],
    theirs: NDArray[np.float64],
    draws: NDArray[np.float64] | None = None,
) -> Iterator[Block]:
    """Give the parts (n_subjects, n_parts) that the score is the mean of, their mean, and the mean as the score."""
    eeg = benchmark.kind == "eeg"
    scope, noun = ("window", "area") if eeg else ("roi", "region")
    *places, whole = (Place(area=part) if eeg else Place(roi=part) for part in (*benchmark.parts, MEAN))
    yield Block(scope, tuple(places), ours, theirs, counted(len(places), noun), draws)
    here, there = ours.mean(axis=-1, keepdims=True), theirs.mean(axis=-1, keepdims=True)
    mean_draws = None if draws is None else draws.mean(axis=-1, keepdims=True)
    yield Block(scope, (whole,), here, there, draws=mean_draws)
    yield Block("score", (whole,), here, there, draws=mean_draws)


def counted(number: int, noun: str) -> str:
    """Give a number with its noun: ``1 area``, ``2 areas``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
