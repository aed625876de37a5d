"""Brain-Score benchmark: similarity between a model's areas and fMRI of regions of interest (R24, RF24).

Conditions are regions; each is compared with one of the model's areas, chosen as the option ``area`` says. See
:mod:`brainscore_realnet.adapters.rsa_benchmark`.

best         a(c) = argmax_a mean_k s_k,a(c): one area for all subjects, so that the noise ceiling, which is a bound for
             one RDM, holds for it
cv           a(c) so chosen on half of the images, s and ceiling computed on the other half; mean over both directions
             of CV_SPLITS random halvings
cv-subjects  a_k(c) = argmax_a mean_{j≠k} s_j,a(c)
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from brainscore_realnet.adapters.neural_rdms import Recording
from brainscore_realnet.adapters.neural_side import NeuralData
from brainscore_realnet.adapters.options import FMRIOptions
from brainscore_realnet.adapters.rsa_benchmark import CEILING_OF_ONE, CEILING_OF_SUBJECTS, RSABenchmark
from brainscore_realnet.datasets.kamitani import FMRIRecording
from brainscore_realnet.errors import BadInputError, MissingDataError
from brainscore_realnet.rsa import compare_rdms
from brainscore_realnet.store import sha256_bytes

CV_SPLITS = 20
"""Random halvings of the images that a cross-validated choice is averaged over."""

CV_FEWEST = 8
"""Images that a halving needs: a half of four has six pairs."""

FORMULA = (
    "score = raw / ceiling; raw = mean over subjects and regions of Spearman(1 - Pearson RDM of {area}, fMRI RDM of "
    "the region: {rdm}); ceiling = mean over regions of {ceiling}"
)
_CHOSEN = {
    "best": "the area most similar to the region on average over subjects (chosen on the same data)",
    "cv": f"the area chosen on half of the images, scored and bounded on the others, {CV_SPLITS} halvings",
    "cv-subjects": "the area most similar to the region on average over the other subjects",
}


@dataclass(frozen=True)
class ROIRecording:
    """Responses of one region of one subject."""

    of: FMRIRecording
    roi: str

    @property
    def subject(self) -> str:
        """Name, such as ``sub-01``."""
        return self.of.subject

    @property
    def sha256(self) -> str:
        """Hash that stands for the file's content and the region."""
        return sha256_bytes(f"{self.of.sha256} {self.of.split} {self.roi}".encode())

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the responses."""
        return len(self.of.stimuli), self.of.n_repetitions, self.of.n_voxels(self.roi), 1

    @cached_property
    def data(self) -> np.ndarray:
        """(n_images, n_repetitions, n_voxels, 1) responses."""
        return self.of.responses(self.roi)[..., None]


class FMRIRSABenchmark(RSABenchmark):
    """RSA of a model's areas with fMRI of regions of interest.

    Parameters
    ----------
    rois : sequence of str
        Regions that the raw score is the mean of.
    identifier, data, subjects, areas, options, parent, version, bibtex
        As of :class:`RSABenchmark`.

    Raises
    ------
    BadInputError
        When the area is to be chosen on other subjects and there are none.
    """

    condition = "roi"
    options_type = FMRIOptions

    def __init__(self, identifier: str, data: NeuralData, *, rois: Sequence[str], **arguments: Any):
        super().__init__(identifier, data, **arguments)
        self.rois = tuple(rois)
        if self.options.area == "cv-subjects" and len(self.subjects) == 1:
            raise BadInputError(
                f"Got area='cv-subjects' for {identifier}, which has one subject; expected several to choose the area "
                "on the others. Use area='cv', which chooses it on other images."
            )

    @property
    def formula(self) -> str:
        """The score's formula as text."""
        ceiling = CEILING_OF_SUBJECTS if len(self.subjects) > 1 else CEILING_OF_ONE
        area = _CHOSEN.get(self.options.area, f"area {self.options.area}")
        return FORMULA.format(area=area, rdm=self.options.method, ceiling=ceiling)

    def _part(self) -> dict[str, Any]:
        return {**super()._part(), "rois": self.rois}

    @property
    def _conditions(self) -> dict[str, Any]:
        return {"roi": list(self.rois)}

    @property
    def _in_score(self) -> np.ndarray:
        return np.ones(len(self.rois), dtype=bool)

    @property
    def _time_bin(self) -> tuple[int, int]:
        # fMRI has no time that a model could answer for; this is Brain-Score's usual bin.
        return 70, 170

    def _recordings_of(self, subject: str) -> list[tuple[Recording, np.ndarray]]:
        return [(self._regions[subject, roi], np.array([0])) for roi in self.rois]

    @cached_property
    def _regions(self) -> dict[tuple[str, str], ROIRecording]:
        return {
            (subject, roi): ROIRecording(recording, roi)
            for subject, recording in self._recordings.items()
            for roi in self.rois
        }

    def _check_recording(self, subject: str, recording: FMRIRecording, first: FMRIRecording) -> None:
        stimuli = list(self._stimuli["stimulus_id"].values)
        if list(recording.stimuli) != stimuli:
            different = sorted(set(recording.stimuli) ^ set(stimuli))
            raise BadInputError(
                f"{self.identifier}: {subject} saw {len(recording.stimuli)} images, expected the {len(stimuli)} of the "
                f"stimulus set in its order; different: {', '.join(different[:5]) or 'the order alone'}."
            )
        absent = [roi for roi in self.rois if roi not in recording.rois]
        if absent:
            raise MissingDataError(
                f"{self.identifier}: the recording of {subject} has no {', '.join(absent)}, expected "
                f"{', '.join(self.rois)} among its regions ({', '.join(recording.rois)}). Use the benchmark of another "
                "region or subject, or another file of this subject."
            )

    def _scored_values(self, models: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        if self.options.area == "cv":
            return self._chosen_on_other_images(models)
        weights = self._chosen(values)
        return (values * weights).sum(axis=1), weights

    @property
    def _parts(self) -> tuple[str, ...]:
        return self.rois

    def _values_of_parts(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return (values * weights).sum(axis=-2)

    def _mean_rdms(self) -> dict[str, np.ndarray]:
        return dict(zip(self.rois, self._neural_rdms.mean(axis=0), strict=True))

    def _chosen(self, values: np.ndarray) -> np.ndarray:
        """Weights (n_subjects, n_areas, n_rois) of the chosen areas from similarities of that shape."""
        if self.options.area in self.areas:
            return self._one_area(np.full((1, len(self.rois)), self.areas.index(self.options.area)))
        if self.options.area == "cv-subjects":
            others = values.sum(axis=0) - values
            return self._one_area(others.argmax(axis=1))
        return self._one_area(values.mean(axis=0, keepdims=True).argmax(axis=1))

    def _one_area(self, chosen: np.ndarray) -> np.ndarray:
        """Weights (n_subjects, n_areas, n_rois) of one area for each (n_subjects or 1, n_rois)."""
        weights = (np.arange(len(self.areas))[:, None] == chosen[:, None]).astype(float)
        return np.broadcast_to(weights, (len(self.subjects), len(self.areas), len(self.rois)))

    def _chosen_on_other_images(self, models: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean over the halvings of s_k(c) (n_subjects, n_rois) and of the weights (n_subjects, n_areas, n_rois)."""
        found = []
        for here, there in self._halvings:
            weights = self._chosen(self._similarities(models, here))
            found.append(((self._similarities(models, there) * weights).sum(axis=1), weights))
        scored, weights_of_halvings = zip(*found, strict=True)
        return np.mean(scored, axis=0), np.mean(weights_of_halvings, axis=0)

    def _similarities(self, models: np.ndarray, images: np.ndarray) -> np.ndarray:
        """(n_subjects, n_areas, n_rois) Spearman correlations over the pairs of some images."""
        rows, columns = np.ix_(images, images)
        return compare_rdms(models[None, :, None, rows, columns], self._neural_rdms[:, None, :, rows, columns])

    @cached_property
    def _halvings(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """Random halves of the images, each with the other, in both directions."""
        n_images = len(self._stimuli)
        if n_images < CV_FEWEST:
            raise BadInputError(
                f"Got area='cv' for {self.identifier} with {n_images} images; expected at least {CV_FEWEST}, so that "
                "the area can be chosen on half of them. Use area='best' or 'cv-subjects'."
            )
        orders = [np.random.default_rng([self.options.seed, split]).permutation(n_images) for split in range(CV_SPLITS)]
        halves = [np.array_split(order, 2) for order in orders]
        return [(np.sort(here), np.sort(there)) for pair in halves for here, there in (pair, pair[::-1])]

    @property
    def _scored_images(self) -> list[np.ndarray]:
        return [there for _, there in self._halvings] if self.options.area == "cv" else super()._scored_images
