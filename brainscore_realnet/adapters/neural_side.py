"""What was measured: the RDMs and the noise ceiling of an RSA benchmark's recordings.

A condition is a time point of EEG or a region of interest of fMRI.
"""

import abc
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from brainscore_core.metrics import Score
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet
from tqdm import tqdm

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
from brainscore_realnet.rsa import noise_ceiling, single_subject_ceiling, split_half_reliability

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


class NeuralSide(abc.ABC):
    """RDMs of subjects in conditions, computed once and kept, and their noise ceiling.

    Attributes
    ----------
    data : NeuralData
    subjects : tuple of str
    options : Options
    version : int
        Of the benchmark; another version computes anew.
    """

    data: NeuralData
    subjects: tuple[str, ...]
    options: Any
    version: Any

    def require_data(self) -> None:
        """Raise MissingDataError, naming all that is missing and how to get it, unless the data are there.

        Raises BadInputError where recordings and stimuli do not fit.
        """
        self.data.require(self.subjects, **self._which_recordings)
        # Opening them checks them: what does not fit is told before a model is run.
        _ = self._recordings

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

    @property
    def caveat(self) -> str | None:
        """What the ceiling of so few subjects can and cannot mean; None when there are enough."""
        n_subjects = len(self.subjects)
        if n_subjects == 1:
            return (
                "One subject: the ceiling is this subject's own reliability. It tells how well a model of this subject "
                "could do with these recordings, nothing about other people."
            )
        if not float(self.ceiling.attrs["lower"]) > 0:
            return (
                f"{n_subjects} subjects: the lower bound of the ceiling is not above zero, so these recordings hardly "
                "share any signal. The upper bound is positive even for noise: a score relative to it means nothing."
            )
        if n_subjects > FEW_SUBJECTS:
            return None
        return (
            f"{n_subjects} subjects: each is a large part of the pool that it is compared with, so the upper bound of "
            "the ceiling is inflated (even a perfect model may stay below a score of 1) and the lower bound, which "
            "leaves the subject out, is too low. The truth lies between them. Compare models on the same benchmark, "
            "look at every subject, and do not test over subjects."
        )

    @property
    @abc.abstractmethod
    def _conditions(self) -> dict[str, Any]:
        """Coordinates of the dimension of conditions, its own first."""

    @property
    @abc.abstractmethod
    def _in_score(self) -> np.ndarray:
        """(n_conditions,) bool: which conditions the score is the mean of."""

    @abc.abstractmethod
    def _recordings_of(self, subject: str) -> list[tuple[Recording, np.ndarray]]:
        """Recordings whose time points are the conditions, and the indices of these time points."""

    @abc.abstractmethod
    def _check_recording(self, subject: str, recording: Any, first: Any) -> None:
        """Raise BadInputError unless a subject's recording fits the stimuli and the first subject's recording."""

    @property
    def _which_recordings(self) -> dict[str, str]:
        """Arguments for the data set's own functions where there are several recordings of the same responses."""
        return {}

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
        """Lower and upper noise ceiling, each (n_conditions,): means over the sets of images that are scored."""
        if len(self.subjects) > 1:
            rdms = self._neural_rdms
            bounds = [noise_ceiling(rdms[..., images[:, None], images]) for images in self._scored_images]
            lower, upper = np.mean(bounds, axis=0)
            return lower, upper
        halves = self._half_rdms
        reliabilities = [
            split_half_reliability(*halves[..., images[:, None], images]) for images in self._scored_images
        ]
        # Averaged before negative ones count as zero: the roots of noise alone would add up to a bound.
        upper = single_subject_ceiling(np.mean(reliabilities, axis=0))
        return np.full_like(upper, np.nan), upper

    @property
    def _scored_images(self) -> list[np.ndarray]:
        """Sets of images, each (n,) int, that the score is the mean over."""
        return [np.arange(len(self._stimuli))]

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
