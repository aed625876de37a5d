"""The 49 SPoSE dimensions of the concepts of THINGS-EEG2's images as Brain-Score sees them."""

from typing import Any

import numpy as np
from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly

from brainscore_realnet.adapters.assemblies import static_assembly
from brainscore_realnet.adapters.things_eeg2 import REAL
from brainscore_realnet.datasets import things


def assembly(split: str) -> NeuroidAssembly:
    """Dimensions of a split's images, joined by uniqueID, as presentation × neuroid; raises MissingDataError.

    A neuroid is a dimension of the behavioural embedding (Hebart et al. 2020), not a recording site.
    """
    stimuli = REAL.stimuli(split)
    dimensions = things.open_dimensions()
    neuroids: dict[str, Any] = {
        "neuroid_id": dimensions.names,
        "dimension": np.arange(1, len(dimensions.names) + 1),
        "region": ["behaviour"] * len(dimensions.names),
    }
    values = dimensions.of(list(stimuli["uniqueID"].values))
    return static_assembly(values, neuroids, stimuli, f"ThingsDimensions.ThingsEEG2_{split}")
