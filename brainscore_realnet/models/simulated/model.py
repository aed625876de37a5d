"""Reference models of the simulated benchmarks.

``sim-hidden`` is the generator of the virtual subjects itself, ``sim-random`` the same architecture with other weights,
and the answers of ``sim-noise`` have nothing to do with the images.
"""

from typing import Any

from brainscore_realnet.adapters.commitment import SIMULATED_VISUAL_DEGREES, commit
from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD, Backbone
from brainscore_realnet.simulation.hidden_network import AREAS, INPUT_SIZE, HiddenNetwork, NoiseNetwork

BUILDERS = {
    "sim-hidden": HiddenNetwork,
    "sim-random": lambda: HiddenNetwork(seed=1),
    "sim-noise": NoiseNetwork,
}

BIBTEX = """@misc{brainscore_realnet_simulation,
    title = {Simulated reference models of brainscore\\_realnet},
    author = {{brainscore\\_realnet contributors}},
    year = {2026},
    url = {https://www.brain-score.org},
}"""


def get_model(identifier: str) -> Any:
    """Load a simulated reference model."""
    chosen = Backbone(
        name=identifier,
        build=BUILDERS[identifier],
        areas={area: area for area in AREAS},
        readout="IT",
        image_size=INPUT_SIZE,
        mean=IMAGENET_MEAN,
        std=IMAGENET_STD,
    )
    origin = {"weights": "simulated, from a seed", "simulated": True}
    return commit(identifier, chosen.build(), chosen, origin, SIMULATED_VISUAL_DEGREES)


def get_bibtex(identifier: str) -> str:
    """Citation of the simulation."""
    return BIBTEX
