"""Brain-Score benchmark: similarity between a model's areas and EEG over time (R24 §2.4).

Conditions are time points; all areas weigh the same, and the score is the mean over the window's time points. See
:mod:`brainscore_realnet.adapters.rsa_benchmark`.
"""

from functools import cached_property
from typing import Any

import numpy as np

from brainscore_realnet.adapters.neural_rdms import Recording
from brainscore_realnet.adapters.options import PUBLISHED, EEGOptions
from brainscore_realnet.adapters.rsa_benchmark import CEILING_OF_ONE, CEILING_OF_SUBJECTS, RSABenchmark
from brainscore_realnet.datasets.things_eeg2 import SubjectRecording
from brainscore_realnet.errors import BadInputError

FORMULA = (
    "score = raw / ceiling; raw = mean over subjects, areas and window of Spearman(1 - Pearson RDM of the area, "
    "EEG RDM at t: {rdm}); ceiling = mean over window of {ceiling}"
)


class EEGRSABenchmark(RSABenchmark):
    """RSA of a model's areas with EEG over time; parameters as of :class:`RSABenchmark`."""

    condition = "time"
    options_type = EEGOptions

    @property
    def formula(self) -> str:
        """The score's formula as text."""
        ceiling = CEILING_OF_SUBJECTS if len(self.subjects) > 1 else CEILING_OF_ONE
        return FORMULA.format(rdm=self.options.method, ceiling=ceiling)

    @property
    def _which_recordings(self) -> dict[str, str]:
        return {} if self.options.recordings == PUBLISHED else {"recordings": self.options.recordings}

    @property
    def _conditions(self) -> dict[str, Any]:
        return {"time": self._times, "in_window": ("time", self._in_score)}

    @property
    def _in_score(self) -> np.ndarray:
        return self.options.in_window(self._times)

    @property
    def _extent(self) -> str:
        return f"the window {self.options.window}"

    @property
    def _time_bin(self) -> tuple[int, int]:
        first, last = (round(1000 * edge) for edge in self.options.window)
        return first, last

    def _recordings_of(self, subject: str) -> list[tuple[Recording, np.ndarray]]:
        return [(self._recordings[subject], self._indices)]

    def _check_recording(self, subject: str, recording: SubjectRecording, first: SubjectRecording) -> None:
        if len(recording.data) != len(self._stimuli):
            raise BadInputError(
                f"{self.identifier}: {subject} has {len(recording.data)} images, "
                f"expected the {len(self._stimuli)} of the stimulus set."
            )
        if not np.array_equal(recording.times, first.times):
            raise BadInputError(f"{self.identifier}: {subject} was sampled at other times than {self.subjects[0]}.")

    def _scored_values(self, models: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return values.mean(axis=1), np.full(values.shape, 1 / len(self.areas))

    @property
    def _parts(self) -> tuple[str, ...]:
        return self.areas

    def _values_of_parts(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return values.mean(axis=-1)

    def _mean_rdms(self) -> dict[str, np.ndarray]:
        return {"mean over the window": self._neural_rdms[:, self._in_score].mean(axis=(0, 1))}

    @cached_property
    def _indices(self) -> np.ndarray:
        """(n_times,) time points of the recordings that the time courses consist of."""
        return self.options.time_indices(self._recordings[self.subjects[0]].times)

    @cached_property
    def _times(self) -> np.ndarray:
        """(n_times,) seconds of the time courses."""
        return self._recordings[self.subjects[0]].times[self._indices]
