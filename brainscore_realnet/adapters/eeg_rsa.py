"""Brain-Score benchmark: similarity between a model's areas and EEG over time (R24 §2.4).

s_k,a(t)  = Spearman(model RDM of area a, EEG RDM of subject k at time t), upper triangles
raw       = mean of s over subjects, areas and the window's time points
ceiling   = mean over the window of the upper noise ceiling c(t)        (N14, pooled in rank space)
score     = raw / ceiling
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import xarray as xr
from brainscore_core.metrics import Score
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet
from brainscore_vision.benchmarks import BenchmarkBase
from tqdm import tqdm

from brainscore_realnet.adapters.eeg_options import Options
from brainscore_realnet.adapters.model_rdms import AREAS, model_rdms
from brainscore_realnet.adapters.neural_rdms import COMPUTE, NeuralRDMs, Progress, Work, count_missing, stacked, work
from brainscore_realnet.adapters.screen import show
from brainscore_realnet.datasets.things_eeg2 import SubjectRecording
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import (
    bootstrap_stimuli,
    compare_rdms,
    noise_ceiling,
    single_subject_ceiling,
    split_half_reliability,
)

FORMULA = (
    "score = raw / ceiling; raw = mean over subjects, areas and window of Spearman(1 - Pearson RDM of the area, "
    "EEG RDM at t: {rdm}); ceiling = mean over window of {ceiling}"
)
CEILING_OF_SUBJECTS = "the upper noise ceiling (Nili et al. 2014, pooled in rank space)"
CEILING_OF_ONE = "sqrt(Spearman-Brown corrected split-half reliability), one subject"


@dataclass(frozen=True)
class EEGData:
    """Where the benchmark's stimuli and recordings come from.

    Attributes
    ----------
    name : str
        Of the data set, as model cards name it.
    subjects : tuple of str
    visual_degrees : float
        Width of the stimuli in the experiment.
    simulated : bool
    require : callable
        Takes subjects; raises MissingDataError unless all that the benchmark needs is there.
    stimuli : callable returning StimulusSet
    recording : callable
        Takes a subject; returns its SubjectRecording.
    """

    name: str
    subjects: tuple[str, ...]
    visual_degrees: float
    simulated: bool
    require: Callable[[tuple[str, ...]], None]
    stimuli: Callable[[], StimulusSet]
    recording: Callable[[str], SubjectRecording]


class EEGRSABenchmark(BenchmarkBase):
    """RSA of a model's areas with EEG over time.

    Parameters
    ----------
    identifier : str
        As registered; variants append theirs.
    data : EEGData
    subjects : tuple of str, optional
        All of the data set's by default. One subject is scored against its own reliability.
    areas : tuple of str
        The model's areas that the raw score is the mean of.
    options : Options
    parent : str
        Brain-Score's place for the benchmark: a region, or the benchmark that this one is a part of.
    version : int
    bibtex : str
    """

    def __init__(
        self,
        identifier: str,
        data: EEGData,
        *,
        subjects: tuple[str, ...] | None = None,
        areas: tuple[str, ...] = AREAS,
        options: Options | None = None,
        parent: str,
        version: int,
        bibtex: str,
    ):
        self.options = options or Options()
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

    def with_options(self, **changes: Any) -> "EEGRSABenchmark":
        """Return a variant of this benchmark; ``changes`` are fields of :class:`Options`. Raises BadInputError."""
        return EEGRSABenchmark(
            self.registered_identifier,
            self.data,
            subjects=self.subjects,
            areas=self.areas,
            options=self.options.changed(changes),
            parent=self.parent,
            version=self.version,
            bibtex=self.bibtex,
        )

    def require_data(self) -> None:
        """Raise MissingDataError, naming all that is missing and how to get it, unless the data are there."""
        self.data.require(self.subjects)

    def work(self) -> list[Work]:
        """Tell for every subject which RDMs are in the store and how long the others will take."""
        return [
            work(recording, self._indices, self.options, kind, int(self.version))
            for recording in self._recordings.values()
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
        """
        return COMPUTE[kind](self._recordings[subject], self._indices, self.options, progress, int(self.version))

    @property
    def ceiling(self) -> Score:
        """Noise ceiling over the window: the upper bound, with ``lower``, ``upper`` and ``n_subjects`` as attributes.

        For one subject the bound is the square root of its reliability, and there is no lower one (NaN).
        """
        # Upstream's own property stores ceilings by identifier alone, whatever the data.
        lower, upper = (float(bound[self._in_window].mean()) for bound in self._ceiling_course)
        ceiling = Score(upper)
        ceiling.attrs.update(lower=lower, upper=upper, n_subjects=len(self.subjects))
        return ceiling

    def __call__(self, candidate: Any) -> Score:
        """Score a BrainModel; see the module's formulas.

        Returns
        -------
        Score
            With attributes ``raw``, ``ceiling``, ``error`` (SEM over subjects of raw_s / ceiling; over stimuli when
            there is one subject), ``error_over``, ``error_stimulus`` (bootstrap over stimuli), ``formula``, ``values``
            (subject × area × time), ``ceiling_course`` (bound × time) and ``benchmark_provenance``.

        Raises
        ------
        MissingDataError, BadInputError
        """
        self.require_data()
        stimuli = self._stimuli
        shown = show(stimuli, candidate, self.data.visual_degrees, self.options.screen)
        bin_edges = tuple(round(1000 * edge) for edge in self.options.window)
        models = model_rdms(candidate, shown, self.areas, (bin_edges[0], bin_edges[1]))
        return self._compare(models)

    def _compare(self, models: np.ndarray) -> Score:
        """Score from the model's RDMs (n_areas, n_images, n_images)."""
        neural = self._neural_rdms
        values = compare_rdms(models[None, :, None], neural[:, None])  # subject × area × time
        raw_of_subject = values[..., self._in_window].mean(axis=(1, 2))
        ceiling = self.ceiling
        bound = float(ceiling)
        if not bound > 0:
            raise BadInputError(
                f"The noise ceiling of {self.identifier} is {bound:.3g}: these recordings are not reliable in the "
                f"window {self.options.window}; choose another window or more trials."
            )
        error_stimulus, nan_reason = self._stimulus_error(models, neural, bound)
        score = Score(raw_of_subject.mean() / bound)
        score.attrs["raw"] = Score(raw_of_subject.mean())
        score.attrs["ceiling"] = ceiling
        if len(self.subjects) > 1:
            error, over = raw_of_subject.std(ddof=1) / np.sqrt(len(self.subjects)) / bound, "subject"
        else:
            error, over = error_stimulus, "stimulus"
        if np.isnan(error):
            score.attrs["error_nan_reason"] = nan_reason
        score.attrs.update(
            error=float(error),
            error_over=[over],
            error_stimulus=error_stimulus,
            formula=self.formula,
            values=xr.DataArray(
                values,
                dims=("subject", "area", "time"),
                coords={
                    "subject": list(self.subjects),
                    "area": list(self.areas),
                    "time": self._times,
                    "in_window": ("time", self._in_window),
                },
                name="similarity",
            ),
            ceiling_course=xr.DataArray(
                np.stack(self._ceiling_course),
                dims=("bound", "time"),
                coords={"bound": ["lower", "upper"], "time": self._times},
            ),
            benchmark_provenance=self.provenance(),
        )
        return score

    def _stimulus_error(self, models: np.ndarray, neural: np.ndarray, bound: float) -> tuple[float, str]:
        """Standard deviation of the score over bootstrap samples of the stimuli, or NaN and why it is undefined.

        ``models`` (n_areas, n_images, n_images), ``neural`` (n_subjects, n_times, n_images, n_images).
        """
        try:
            draws = bootstrap_stimuli(models, neural[:, self._in_window])
        except BadInputError as error:  # few images, most of them told apart perfectly
            return np.nan, str(error)
        return float(draws.mean(axis=(1, 2, 3)).std(ddof=1) / bound), ""

    @property
    def formula(self) -> str:
        """The score's formula as text."""
        ceiling = CEILING_OF_SUBJECTS if len(self.subjects) > 1 else CEILING_OF_ONE
        return FORMULA.format(rdm=self.options.method, ceiling=ceiling)

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

    @cached_property
    def _stimuli(self) -> StimulusSet:
        return self.data.stimuli()

    @cached_property
    def _recordings(self) -> dict[str, SubjectRecording]:
        recordings = {subject: self.data.recording(subject) for subject in self.subjects}
        for subject, recording in recordings.items():
            if len(recording.data) != len(self._stimuli):
                raise BadInputError(
                    f"{self.identifier}: {subject} has {len(recording.data)} images, "
                    f"expected the {len(self._stimuli)} of the stimulus set."
                )
            if not np.array_equal(recording.times, next(iter(recordings.values())).times):
                raise BadInputError(f"{self.identifier}: {subject} was sampled at other times than {self.subjects[0]}.")
        return recordings

    @property
    def _kinds(self) -> tuple[str, ...]:
        """Of RDMs: one subject alone is held against its own reliability."""
        return ("whole",) if len(self.subjects) > 1 else ("whole", "halves")

    @cached_property
    def _indices(self) -> np.ndarray:
        """(n_times,) time points of the recordings that the time courses consist of."""
        return self.options.time_indices(next(iter(self._recordings.values())).times)

    @cached_property
    def _times(self) -> np.ndarray:
        """(n_times,) seconds of the time courses."""
        return next(iter(self._recordings.values())).times[self._indices]

    @property
    def _in_window(self) -> np.ndarray:
        return self.options.in_window(self._times)

    @cached_property
    def _neural_rdms(self) -> np.ndarray:
        """(n_subjects, n_times, n_images, n_images) dissimilarities."""
        return stacked([self._with_bar(subject, "whole") for subject in self.subjects]).values

    @cached_property
    def _ceiling_course(self) -> tuple[np.ndarray, np.ndarray]:
        """Lower and upper noise ceiling, each (n_times,)."""
        if len(self.subjects) > 1:
            return noise_ceiling(self._neural_rdms)
        halves = self._with_bar(self.subjects[0], "halves").values
        upper = single_subject_ceiling(split_half_reliability(halves[0], halves[1]))
        return np.full_like(upper, np.nan), upper

    def _with_bar(self, subject: str, kind: str) -> NeuralRDMs:
        """RDMs of a subject; a bar is shown from the first one on that has to be computed."""
        bars: list[tqdm] = []

        def advance(steps: int) -> None:
            if not bars:
                bars.append(tqdm(desc=f"EEG RDMs {subject} ({kind})", total=missing, unit="RDM"))
            bars[0].update(steps)

        missing = count_missing(self._recordings[subject], self._indices, self.options, kind, int(self.version))
        try:
            return self.compute(subject, kind, advance)
        finally:
            for bar in bars:
                bar.close()
