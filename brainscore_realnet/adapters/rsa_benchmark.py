"""What the RSA benchmarks with EEG and with fMRI have in common.

s_k,a(c)  = Spearman(model RDM of area a, neural RDM of subject k in condition c), upper triangles
s_k(c)    = Σ_a w_k,a(c) s_k,a(c), weights that sum to one over the areas
raw_k     = mean of s_k(c) over conditions, raw = mean of raw_k over subjects
ceiling   = mean over conditions of the upper noise ceiling               (N14, pooled in rank space)
score     = raw / ceiling

A condition is a time point of EEG or a region of interest of fMRI. The weights and the conditions are what a benchmark
adds.
"""

import abc
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any, Self

import numpy as np
import xarray as xr
from brainscore_core.metrics import Score
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet
from brainscore_vision.benchmarks import BenchmarkBase
from tqdm import tqdm

from brainscore_realnet.adapters.model_rdms import AREAS, model_rdms
from brainscore_realnet.adapters.neural_rdms import (
    COMPUTE,
    NeuralRDMs,
    Progress,
    Recording,
    Work,
    count_missing,
    stacked,
    work,
)
from brainscore_realnet.adapters.options import Options
from brainscore_realnet.adapters.screen import show
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import (
    bootstrap_stimuli,
    compare_rdms,
    noise_ceiling,
    single_subject_ceiling,
    split_half_reliability,
)

CEILING_OF_SUBJECTS = "the upper noise ceiling (Nili et al. 2014, pooled in rank space)"
CEILING_OF_ONE = "sqrt(Spearman-Brown corrected split-half reliability), one subject"
FEW_SUBJECTS = 5
"""Up to so many subjects a score says what its ceiling cannot tell."""


@dataclass(frozen=True)
class NeuralData:
    """Where a benchmark's stimuli and recordings come from.

    Attributes
    ----------
    name : str
        Of the data set, as model cards name it.
    subjects : tuple of str
    visual_degrees : float
        Width of the stimuli in the experiment.
    simulated : bool
    require : callable
        Takes subjects, and ``recordings=`` of an option of that name; raises MissingDataError unless all that the
        benchmark needs is there.
    stimuli : callable returning StimulusSet
    recording : callable
        Takes a subject, and ``recordings=`` likewise; returns its recording as the data set opens it.
    """

    name: str
    subjects: tuple[str, ...]
    visual_degrees: float
    simulated: bool
    require: Callable[..., None]
    stimuli: Callable[[], StimulusSet]
    recording: Callable[..., Any]


class RSABenchmark(BenchmarkBase, abc.ABC):
    """RSA of a model's areas with one kind of recordings.

    Parameters
    ----------
    identifier : str
        As registered; variants append theirs.
    data : NeuralData
    subjects : tuple of str, optional
        All of the data set's by default. One subject is scored against its own reliability.
    areas : tuple of str
        The model's areas that are compared.
    options : Options
    parent : str
        Brain-Score's place for the benchmark: a region, or the benchmark that this one is a part of.
    version : int
    bibtex : str
    """

    condition: str
    """Name of the dimension of conditions."""
    options_type: type[Options]
    """What can be varied."""

    def __init__(
        self,
        identifier: str,
        data: NeuralData,
        *,
        subjects: Sequence[str] | None = None,
        areas: Sequence[str] = AREAS,
        options: Options | None = None,
        parent: str,
        version: int,
        bibtex: str,
    ):
        self.options: Any = options or self.options_type()
        super().__init__(
            identifier=identifier + self.options.suffix(),
            ceiling_func=lambda: self.ceiling,
            version=version,
            parent=parent,
            bibtex=bibtex,
        )
        self.registered_identifier = identifier
        self.data = data
        self.subjects = tuple(subjects or data.subjects)
        self.areas = tuple(areas)

    def with_options(self, **changes: Any) -> Self:
        """Return a variant of this benchmark; ``changes`` are fields of its options. Raises BadInputError."""
        return type(self)(
            self.registered_identifier,
            self.data,
            options=self.options.changed(changes),
            parent=self.parent,
            version=self.version,
            bibtex=self.bibtex,
            **self._part(),
        )

    def require_data(self) -> None:
        """Raise MissingDataError, naming all that is missing and how to get it, unless the data are there."""
        self.data.require(self.subjects, **self._which_recordings)

    def work(self) -> list[Work]:
        """Tell for every subject which RDMs are in the store and how long the others will take."""
        return [
            _sum([work(*of_conditions, self.options, kind, int(self.version)) for of_conditions in recordings])
            for subject in self.subjects
            for recordings in [self._recordings_of(subject)]
            for kind in self._kinds
        ]

    def missing_seconds(self) -> float:
        """Estimate how long the RDMs will take that are not in the store yet, seconds."""
        return sum(each.seconds for each in self.work())

    def compute(self, subject: str, kind: str, progress: Progress | None = None) -> NeuralRDMs:
        """RDMs of a subject, found in the store or computed and kept.

        Parameters
        ----------
        subject : str
        kind : {"whole", "halves"}
            Of all trials, or of random halves of them.
        progress : callable, optional
            Called with the number of RDMs computed since its last call; not for those found in the store.

        Returns
        -------
        NeuralRDMs
            (n_conditions, n_images, n_images) or, of halves, (2, n_splits, n_conditions, n_images, n_images).
        """
        parts = [
            COMPUTE[kind](*of_conditions, self.options, progress, int(self.version))
            for of_conditions in self._recordings_of(subject)
        ]
        return NeuralRDMs(np.concatenate([part.values for part in parts], axis=-3), parts[0].method)

    @property
    def ceiling(self) -> Score:
        """Noise ceiling of the score: the upper bound, with ``lower``, ``upper`` and ``n_subjects`` as attributes.

        For one subject the bound is the square root of its reliability, and there is no lower one (NaN).
        """
        # Upstream's own property stores ceilings by identifier alone, whatever the data.
        lower, upper = (float(bound[self._in_score].mean()) for bound in self._bounds)
        ceiling = Score(upper)
        ceiling.attrs.update(lower=lower, upper=upper, n_subjects=len(self.subjects))
        return ceiling

    def __call__(self, candidate: Any) -> Score:
        """Score a BrainModel; see the module's formulas.

        Returns
        -------
        Score
            With attributes ``raw``, ``ceiling``, ``error`` (SEM over subjects of raw_k / ceiling; over stimuli when
            there is one subject), ``error_over``, ``error_stimulus`` (bootstrap over stimuli), ``formula``, ``values``
            (subject × area × condition), ``weights`` (likewise), ``scored_values`` (subject × condition: s_k(c)),
            ``ceiling_values`` (bound × condition), ``benchmark_provenance``, and ``caveat`` where there are few
            subjects.

        Raises
        ------
        MissingDataError, BadInputError
        """
        self.require_data()
        shown = show(self._stimuli, candidate, self.data.visual_degrees, self.options.screen)
        return self._compare(model_rdms(candidate, shown, self.areas, self._time_bin))

    def provenance(self) -> dict[str, Any]:
        """All that determines the neural side of a score, as plain values."""
        return {
            "dataset": self.data.name,
            "simulated": self.data.simulated,
            "version": self.version,
            "stimulus_set": self._stimuli.identifier,
            "n_stimuli": len(self._stimuli),
            "visual_degrees": self.data.visual_degrees,
            "options": asdict(self.options),
            "recordings": {subject: recording.sha256 for subject, recording in self._recordings.items()},
        }

    @property
    def caveat(self) -> str | None:
        """What the ceiling of so few subjects can and cannot mean; None when there are enough."""
        n_subjects = len(self.subjects)
        if n_subjects == 1:
            return (
                "One subject: the ceiling is this subject's own reliability. It tells how well a model of this subject "
                "could do with these recordings, nothing about other people."
            )
        if n_subjects > FEW_SUBJECTS:
            return None
        return (
            f"{n_subjects} subjects: each is a large part of the pool that it is compared with, so the upper bound of "
            "the ceiling is inflated (no model need reach a score of 1) and the lower bound, which leaves the subject "
            "out, is too low. The truth lies between them. Compare models on the same benchmark, look at every "
            "subject, and do not test over subjects."
        )

    @property
    @abc.abstractmethod
    def formula(self) -> str:
        """The score's formula as text."""

    @property
    @abc.abstractmethod
    def _conditions(self) -> dict[str, Any]:
        """Coordinates of the dimension of conditions, its own first."""

    @property
    @abc.abstractmethod
    def _in_score(self) -> np.ndarray:
        """(n_conditions,) bool: which conditions the score is the mean of."""

    @property
    @abc.abstractmethod
    def _time_bin(self) -> tuple[int, int]:
        """Milliseconds of the one bin that the model is recorded in."""

    @abc.abstractmethod
    def _recordings_of(self, subject: str) -> list[tuple[Recording, np.ndarray]]:
        """Recordings whose time points are the conditions, and the indices of these time points."""

    @abc.abstractmethod
    def _check_recording(self, subject: str, recording: Any, first: Any) -> None:
        """Raise BadInputError unless a subject's recording fits the stimuli and the first subject's recording."""

    @abc.abstractmethod
    def _scored_values(self, models: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give s_k(c) (n_subjects, n_conditions) and the weights (n_subjects, n_areas, n_conditions).

        ``models`` are the model's RDMs (n_areas, n_images, n_images), ``values`` its similarities (n_subjects, n_areas,
        n_conditions).
        """

    @property
    def _which_recordings(self) -> dict[str, str]:
        """Arguments for the data set's own functions where there are several recordings of the same responses."""
        return {}

    def _part(self) -> dict[str, Any]:
        """Give the arguments that say which part of the data set is scored."""
        return {"subjects": self.subjects, "areas": self.areas}

    def _compare(self, models: np.ndarray) -> Score:
        """Score from the model's RDMs (n_areas, n_images, n_images)."""
        values = compare_rdms(models[None, :, None], self._neural_rdms[:, None])  # subject × area × condition
        scored, weights = self._scored_values(models, values)
        of_subject = scored[:, self._in_score].mean(axis=1)
        ceiling = self.ceiling
        bound = float(ceiling)
        if not bound > 0:
            raise BadInputError(
                f"The noise ceiling of {self.identifier} is {bound:.3g}: these recordings are not reliable in "
                f"{self._extent}; use another one or more trials."
            )
        error_stimulus, nan_reason = self._stimulus_error(models, weights, bound)
        score = Score(of_subject.mean() / bound)
        score.attrs["raw"] = Score(of_subject.mean())
        score.attrs["ceiling"] = ceiling
        if len(self.subjects) > 1:
            error, over = of_subject.std(ddof=1) / np.sqrt(len(self.subjects)) / bound, "subject"
        else:
            error, over = error_stimulus, "stimulus"
        if np.isnan(error):
            score.attrs["error_nan_reason"] = nan_reason
        if self.caveat:
            score.attrs["caveat"] = self.caveat
        coordinates = {"subject": list(self.subjects), "area": list(self.areas), **self._conditions}
        dims = ("subject", "area", self.condition)
        score.attrs.update(
            error=float(error),
            error_over=[over],
            error_stimulus=error_stimulus,
            formula=self.formula,
            values=xr.DataArray(values, dims=dims, coords=coordinates, name="similarity"),
            weights=xr.DataArray(weights, dims=dims, coords=coordinates, name="weight"),
            scored_values=xr.DataArray(
                scored,
                dims=("subject", self.condition),
                coords={"subject": list(self.subjects), **self._conditions},
                name="similarity",
            ),
            ceiling_values=xr.DataArray(
                np.stack(self._bounds),
                dims=("bound", self.condition),
                coords={"bound": ["lower", "upper"], **self._conditions},
            ),
            benchmark_provenance=self.provenance(),
        )
        return score

    @property
    def _extent(self) -> str:
        """Where the recordings are looked at, in words."""
        return ", ".join(map(str, self._conditions[self.condition]))

    def _stimulus_error(self, models: np.ndarray, weights: np.ndarray, bound: float) -> tuple[float, str]:
        """Standard deviation of the score over bootstrap samples of the stimuli, or NaN and why it is undefined."""
        scored = self._in_score
        try:
            draws = bootstrap_stimuli(models, self._neural_rdms[:, scored])  # draw × area × subject × condition
        except BadInputError as error:  # few images, most of them told apart perfectly
            return np.nan, str(error)
        raw = np.einsum("dakc,kac->d", draws, weights[..., scored]) / (len(self.subjects) * scored.sum())
        return float(raw.std(ddof=1) / bound), ""

    @cached_property
    def _stimuli(self) -> StimulusSet:
        return self.data.stimuli()

    @cached_property
    def _recordings(self) -> dict[str, Any]:
        recordings = {subject: self.data.recording(subject, **self._which_recordings) for subject in self.subjects}
        for subject, recording in recordings.items():
            self._check_recording(subject, recording, recordings[self.subjects[0]])
        return recordings

    @property
    def _kinds(self) -> tuple[str, ...]:
        """Of RDMs: one subject alone is held against its own reliability."""
        return ("whole",) if len(self.subjects) > 1 else ("whole", "halves")

    @cached_property
    def _neural_rdms(self) -> np.ndarray:
        """(n_subjects, n_conditions, n_images, n_images) dissimilarities."""
        return stacked([self._with_bar(subject, "whole") for subject in self.subjects]).values

    @cached_property
    def _half_rdms(self) -> np.ndarray:
        """(2, n_splits, n_conditions, n_images, n_images) dissimilarities of the only subject."""
        return self._with_bar(self.subjects[0], "halves").values

    @cached_property
    def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper noise ceiling, each (n_conditions,)."""
        return self._bounds_of(np.arange(len(self._stimuli)))

    def _bounds_of(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper noise ceiling of these images' RDMs, each (n_conditions,)."""
        chosen = np.ix_(images, images)
        if len(self.subjects) > 1:
            return noise_ceiling(self._neural_rdms[..., chosen[0], chosen[1]])
        first, second = self._half_rdms[..., chosen[0], chosen[1]]
        upper = single_subject_ceiling(split_half_reliability(first, second))
        return np.full_like(upper, np.nan), upper

    def _with_bar(self, subject: str, kind: str) -> NeuralRDMs:
        """RDMs of a subject; a bar is shown from the first one on that has to be computed."""
        bars: list[tqdm] = []

        def advance(steps: int) -> None:
            if not bars:
                bars.append(tqdm(desc=f"neural RDMs {subject} ({kind})", total=missing, unit="RDM"))
            bars[0].update(steps)

        missing = sum(
            count_missing(*of_conditions, self.options, kind, int(self.version))
            for of_conditions in self._recordings_of(subject)
        )
        try:
            return self.compute(subject, kind, advance)
        finally:
            for bar in bars:
                bar.close()


def _sum(works: list[Work]) -> Work:
    """Add up the work on one subject's recordings."""
    totals = [sum(getattr(each, name) for each in works) for name in ("matrices", "missing", "seconds")]
    return Work(works[0].subject, works[0].kind, int(totals[0]), int(totals[1]), totals[2])
