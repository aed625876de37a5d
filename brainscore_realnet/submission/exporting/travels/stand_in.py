"""A model without a network: whoever scores it gets the same number everywhere."""

from typing import Any

import numpy as np
from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
from brainscore_vision.model_interface import BrainModel

AREAS = ("V1", "V2", "V4", "IT")
N_FEATURES = 40


class StandIn(BrainModel):
    """A model whose features follow from a stimulus's number alone: x_ij = sin((i + 1) (j + 1 + k / 10)) in area k.

    Parameters
    ----------
    visual_degrees : float
        Width of the stimuli, which are then shown as they are.
    """

    def __init__(self, visual_degrees: float):
        self._visual_degrees = visual_degrees
        self.time_bin = (0, 0)
        """Milliseconds, as asked for."""
        self._area = ""

    @property
    def identifier(self) -> str:
        """Name of the model."""
        return "stand-in"

    def visual_degrees(self) -> float:
        """Width of the field of view."""
        return self._visual_degrees

    def start_task(self, task: Any, fitting_stimuli: Any = None) -> None:
        """Accept the passive task."""

    def start_recording(self, recording_target: Any, time_bins: Any) -> None:
        """Record an area in one time bin."""
        self._area = str(recording_target)
        ((first, last),) = time_bins
        self.time_bin = (int(first), int(last))

    def look_at(self, stimuli: Any, number_of_trials: int = 1, require_variance: bool = False) -> NeuroidAssembly:
        """Give presentation × neuroid × time_bin features."""
        image = np.arange(len(stimuli))
        frequency = np.arange(N_FEATURES) + 1 + AREAS.index(self._area) / 10
        return NeuroidAssembly(
            np.sin((image[:, None, None] + 1) * frequency[:, None]),
            coords={
                "stimulus_id": ("presentation", stimuli["stimulus_id"].values),
                "place": ("presentation", image),
                "neuroid_id": ("neuroid", np.arange(N_FEATURES)),
                "region": ("neuroid", [self._area] * N_FEATURES),
                "time_bin_start": ("time_bin", [self.time_bin[0]]),
                "time_bin_end": ("time_bin", [self.time_bin[1]]),
            },
            dims=["presentation", "neuroid", "time_bin"],
        )
