"""Scores of several models on several benchmarks, matched subject by subject.

Personal models are compared subject by subject: model k with subject k (R24, RF24). Where they meet other people (a
benchmark of another data set), similarities are averaged over the models first, and the unit is the subject that was
measured.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.scored import Scored
from brainscore_realnet.datasets.things_eeg2 import parent_of
from brainscore_realnet.errors import BadInputError

FEWEST_OWN = 2
"""Personal models from which a family is compared subject by subject; a single one is compared on all subjects."""


@dataclass(frozen=True, eq=False)
class Measured:
    """What was measured: the side of a benchmark that is the same for all models."""

    identifier: str
    kind: Literal["eeg", "fmri"]
    dataset: str
    subjects: tuple[str, ...]
    areas: tuple[str, ...]
    """Of the models, early to late"""
    conditions: tuple[Any, ...]
    """Times in seconds (EEG) or regions of interest (fMRI)"""
    in_score: NDArray[np.bool_]
    """(n_conditions,) which the score is the mean of"""
    parts: tuple[str, ...]
    """Areas (EEG) or regions (fMRI) that raw is the mean of"""
    ceiling: NDArray[np.float64]
    """(2, n_conditions) lower and upper noise ceiling; the lower one of a single subject is NaN"""
    n_images: int
    simulated: bool
    provenance: dict[str, Any]
    """What `scoring.provenance` says of the benchmark"""
    neural_rdms: NDArray[np.float32]
    """(n_recordings, n_pairs) mean over subjects, upper triangles"""
    recordings: tuple[str, ...]
    """What they are of"""

    @property
    def times(self) -> NDArray[np.float64]:
        """(n_conditions,) seconds after stimulus onset, of EEG."""
        return np.array(self.conditions, dtype=np.float64)

    @property
    def score_ceiling(self) -> tuple[float, float]:
        """Lower and upper noise ceiling of raw: means over the conditions in the score."""
        lower, upper = self.ceiling[:, self.in_score].mean(axis=1)
        return float(lower), float(upper)

    @classmethod
    def of(cls, scored: Scored) -> "Measured":
        """Read it off any model's score."""
        record = scored.record
        coords, about = record["values"]["coords"], record["provenance"]["benchmark"]
        eeg = "time" in coords
        conditions = tuple(coords["time" if eeg else "roi"])
        return cls(
            identifier=record["benchmark"],
            kind="eeg" if eeg else "fmri",
            dataset=about["dataset"],
            subjects=tuple(coords["subject"]),
            areas=tuple(coords["area"]),
            conditions=conditions,
            in_score=np.array(record["in_window"] if eeg else [True] * len(conditions)),
            parts=tuple(coords["area"]) if eeg else conditions,
            ceiling=np.array(record["ceiling_values"]["data"], dtype=np.float64),
            n_images=about["n_stimuli"],
            simulated=about["simulated"],
            provenance=about,
            neural_rdms=scored.neural_rdms,
            recordings=scored.recordings,
        )


@dataclass(frozen=True, eq=False)
class Matched:
    """A family's similarities with subjects, or of its baseline with the same subjects."""

    subjects: tuple[str, ...]
    own: bool
    """Whether each is of the subject's own model; else they are means over the family's models"""
    n_models: int
    values: NDArray[np.float64]
    """(n_subjects, n_areas, n_conditions)"""
    scored_values: NDArray[np.float64]
    """(n_subjects, n_conditions) after the choice of, or mean over, the model's areas"""
    part_values: NDArray[np.float64]
    """(n_subjects, n_parts) of which raw is the mean"""
    part_draws: NDArray[np.float64]
    """(n_draws, n_subjects, n_parts) in bootstrap samples of the stimuli, the same for all families"""

    @property
    def raw(self) -> NDArray[np.float64]:
        """(n_subjects,) similarity that a score is made of."""
        return self.part_values.mean(axis=1)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models, what they are compared with, and all their scores."""

    models: tuple[Family, ...]
    baselines: tuple[Family, ...]
    scored: Mapping[tuple[str, str], Scored]
    """By identifiers of model and benchmark: every model of every family on every benchmark"""

    @cached_property
    def benchmarks(self) -> tuple[Measured, ...]:
        """What was measured, in the order of the scores."""
        first: dict[str, Scored] = {}
        for (_, benchmark), scored in self.scored.items():
            first.setdefault(benchmark, scored)
        return tuple(map(Measured.of, first.values()))

    @property
    def families(self) -> tuple[Family, ...]:
        """Models, then baselines."""
        return (*self.models, *self.baselines)

    @property
    def simulated(self) -> bool:
        """Whether anything in it is simulated."""
        return any(one.record["provenance"]["simulated"] for one in self.scored.values())

    def benchmark(self, identifier: str) -> Measured:
        """What a benchmark measured."""
        return next(one for one in self.benchmarks if one.identifier == identifier)

    def of_kind(self, kind: str) -> tuple[Measured, ...]:
        """Benchmarks with ``eeg`` or ``fmri``."""
        return tuple(one for one in self.benchmarks if one.kind == kind)

    def pairs(self) -> Iterator[tuple[Family, Family]]:
        """Every family of models with every baseline."""
        for family in self.models:
            for baseline in self.baselines:
                yield family, baseline

    def own_subjects(self, family: Family, benchmark: Measured) -> tuple[str, ...]:
        """Name the subjects of a benchmark whose own models a family has; none where it measured other people.

        Raises
        ------
        BadInputError
            A model was trained on another subject than its identifier says.
        """
        if len(family.models) < FEWEST_OWN or not family.personal:
            return ()
        for model, subject in zip(family.models, family.subjects, strict=True):
            scored = self.scored[model, benchmark.identifier]
            if not trained_on_people_of(scored, benchmark):
                return ()
            if (said := scored.trained_on.get("subject")) != subject:
                raise BadInputError(
                    f"Got {model}, which was trained on {said}: expected {subject}, as its identifier says. Import or "
                    "train it under another identifier."
                )
        return tuple(subject for subject in family.subjects if subject in benchmark.subjects)

    def matched(self, family: Family, benchmark: Measured, subjects: Sequence[str] | None = None) -> Matched:
        """Give a family's similarities: of each subject with its own model, or means over its models.

        Parameters
        ----------
        family : Family
        benchmark : Measured
        subjects : sequence of str, optional
            Of those that were measured; a family that meets its own subjects is taken on those of them that it has a
            model of. Default: its own subjects if it meets them, else all.

        Raises
        ------
        BadInputError
            The family meets its own subjects, and has a model of none of those wanted.
        """
        own = self.own_subjects(family, benchmark)
        wanted = tuple(subjects or own or benchmark.subjects)
        if own and not (wanted := tuple(subject for subject in wanted if subject in own)):
            raise BadInputError(
                f"Got {family.name} with models of {', '.join(family.subjects)} on {', '.join(subjects or ())} of "
                f"{benchmark.identifier}: expected a model of one of these. Add it, or leave the family away."
            )
        rows = [benchmark.subjects.index(subject) for subject in wanted]
        scores = [self.scored[model, benchmark.identifier] for model in family.models]

        # Samples of the stimuli in which one model's similarities are undefined are none of the family's.
        n_draws = min(len(one.part_draws) for one in scores)

        def take(of: Callable[[Scored], NDArray[Any]], axis: int = 0) -> NDArray[np.float64]:
            if not own:
                return np.mean([np.take(of(one), rows, axis).astype(np.float64) for one in scores], axis=0)
            each = [scores[family.subjects.index(subject)] for subject in wanted]
            picked = [np.take(of(one), row, axis) for one, row in zip(each, rows, strict=True)]
            return np.stack(picked, axis).astype(np.float64)

        return Matched(
            subjects=wanted,
            own=bool(own),
            n_models=len(family.models),
            values=take(lambda one: one.values),
            scored_values=take(lambda one: one.scored_values),
            part_values=take(lambda one: one.part_values),
            part_draws=take(lambda one: one.part_draws[:n_draws], axis=1),
        )

    def against(self, family: Family, baseline: Family, benchmark: Measured) -> tuple[Matched, Matched]:
        """Give a family's and a baseline's similarities with the same subjects: those that both can be taken on.

        Raises
        ------
        BadInputError
            There are none.
        """
        theirs = self.matched(baseline, benchmark, self.matched(family, benchmark).subjects)
        return self.matched(family, benchmark, theirs.subjects), theirs

    def generalisation(self, family: Family, benchmark: Measured) -> NDArray[np.float64] | None:
        """Give raw of every personal model with every subject, or None unless several of them met.

        Returns
        -------
        (n_subjects, n_subjects) float64 array or None
            Row m: the model of subject m; column k: measured subject k. Both are `own_subjects`.
        """
        subjects = self.own_subjects(family, benchmark)
        if len(subjects) < FEWEST_OWN:
            return None
        columns = [benchmark.subjects.index(subject) for subject in subjects]
        models = [family.model_of(subject) for subject in subjects]
        raw = [self.scored[model, benchmark.identifier].part_values.mean(axis=1) for model in models]
        return np.array(raw)[:, columns]


def trained_on_people_of(scored: Scored, benchmark: Measured) -> bool:
    """Whether a model was trained on people that a benchmark measured, with recordings prepared in whatever way."""
    dataset = scored.trained_on.get("dataset")
    return dataset is not None and parent_of(dataset) == parent_of(benchmark.dataset)
