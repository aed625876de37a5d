"""The models of a plugin folder: what `models.json` says of each, with weights from Brain-Score's storage.

Travels inside submissions; `network.py` beside it builds the network.
"""

import functools
import hashlib
import json
from pathlib import Path
from typing import Any

from brainscore_core.supported_data_standards.brainio.s3 import load_weight_file
from brainscore_vision.model_helpers.activations.pytorch import load_preprocess_images
from brainscore_vision.model_helpers.brain_transformation import ModelCommitment
from safetensors.torch import load
from torch import Tensor

from brainscore_realnet.adapters.activations import AreaActivations
from brainscore_realnet.submission.exporting.travels.network import build_network

TABLE = Path(__file__).with_name("models.json")
"""Identifier to areas, images, weights and citation."""


def get_model(identifier: str) -> ModelCommitment:
    """Build a model, with a network of its own.

    Raises
    ------
    ValueError
        The file of weights holds other bytes than those that were submitted.
    """
    about = _table()[identifier]
    network = build_network()
    network.load_state_dict(_weights(**about["weights"]), strict=True)
    preprocessing = functools.partial(
        load_preprocess_images,
        image_size=about["image_size"],
        normalize_mean=about["mean"],
        normalize_std=about["std"],
    )
    layers = list(dict.fromkeys([*about["areas"].values(), about["readout"]]))
    origin = {"weights": about["weights"]["relative_path"], "sha256": about["weights"]["sha256"]}
    return ModelCommitment(
        identifier=identifier,
        activations_model=AreaActivations(
            identifier, network, preprocessing, layers, about["image_size"], origin=origin
        ),
        layers=layers,
        behavioral_readout_layer=about["readout"],
        region_layer_map=about["areas"],
        visual_degrees=about["visual_degrees"],
    )


def get_bibtex(identifier: str) -> str:
    """Citation of the model."""
    return _table()[identifier]["bibtex"]


def _table() -> dict[str, Any]:
    return json.loads(TABLE.read_text(encoding="utf-8"))


def _weights(sha256: str, **place: Any) -> dict[str, Tensor]:
    """Read weights; Brain-Score fetches them, but looks at no hash."""
    path = load_weight_file(**place)
    content = path.read_bytes()
    got = hashlib.sha256(content).hexdigest()
    if got != sha256:
        raise ValueError(
            f"Got sha256 {got} ({len(content)} bytes) for {path}, expected {sha256}: other weights, or a download that "
            "broke off. Delete the file, so that it is fetched again."
        )
    return load(content)
