"""Macaque IT responses to HVM and COCO images as Brain-Score sees them."""

import numpy as np
from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet

from brainscore_realnet.adapters.assemblies import static_assembly, stimulus_set
from brainscore_realnet.datasets import macaque_it


def stimuli(collection: str, name: str = macaque_it.NAME) -> StimulusSet:
    """Images of a collection in the order of its recordings; raises MissingDataError."""
    table = macaque_it.open_images(collection, name)
    return stimulus_set(table.rows, _identifier(collection, name), table.sha256)


def assembly(collection: str, name: str = macaque_it.NAME) -> NeuroidAssembly:
    """Mean rates of all animals of a collection as presentation × neuroid; raises MissingDataError."""
    recordings = macaque_it.open_animals(collection, name)
    sites = [(one.animal, site) for one in recordings for site in one.sites]
    neuroids = {
        "neuroid_id": [site for _, site in sites],
        "subject": [animal for animal, _ in sites],
        "region": ["IT"] * len(sites),
    }
    rates = np.concatenate([one.rates for one in recordings], axis=1)
    return static_assembly(rates, neuroids, stimuli(collection, name), _identifier(collection, name))


def _identifier(collection: str, name: str) -> str:
    return f"{'Sim' if name.startswith('sim-') else ''}MacaqueIT_{collection}"
