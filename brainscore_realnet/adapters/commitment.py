"""From a backbone and its weights to a Brain-Score model with its areas committed to layers."""

import functools
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from brainscore_vision.model_helpers.activations.pytorch import load_preprocess_images
from brainscore_vision.model_helpers.brain_transformation import ModelCommitment
from torch import nn

from brainscore_realnet.adapters.activations import AreaActivations
from brainscore_realnet.errors import MissingWeightsError
from brainscore_realnet.networks.backbones import NAMES, Backbone, backbone
from brainscore_realnet.networks.pretrained import find_weights, how_to_get, network_with
from brainscore_realnet.networks.published import Published
from brainscore_realnet.store import weights
from brainscore_realnet.store.folders import folder

VISUAL_DEGREES = 8
"""Field of view of the models, degrees: Brain-Score's convention."""

SIMULATED_VISUAL_DEGREES = 7
"""The same of simulated models: virtual subjects saw the images at seven degrees and filling their field of view."""

READOUT = "readout"
"""Region of the layer before the classifier, from which behaviour is read out; no cortical area."""


def committed_model(
    identifier: str,
    backbone_name: str | None = None,
    published: Published | None = None,
    trained_on: Mapping[str, str] | None = None,
) -> ModelCommitment:
    """Build the Brain-Score model of an identifier, with a network of its own.

    Weights come from the store when it holds a model card for the identifier, else from the published checkpoint when
    there is one; never are they random.

    Parameters
    ----------
    identifier : str
    backbone_name : str, optional
        As ``networks.backbones.backbone`` takes it; by default what the model card says, with the layers that it names.
    published : Published, optional
        The checkpoint that its authors published for this identifier.
    trained_on : mapping, optional
        ``dataset`` and ``subject`` that the model was trained on, shown with its scores.

    Returns
    -------
    ModelCommitment

    Raises
    ------
    MissingWeightsError
        The message names every way to get the weights.
    BadFileError
        When weights do not fit the backbone or are not the bytes that were saved.
    BadInputError
        When the card of a library's network names no layers, or such as it does not have; the message shows some.
    """
    read = find_weights(identifier, published)
    if read is None:
        raise MissingWeightsError(
            f"There are no weights of {identifier}: the store ({folder('weights')}) has no model card for it and none "
            f"were published. {how_to_get(identifier)}"
        )
    card = weights.find_card(identifier) or {}
    chosen = backbone(backbone_name or _backbone_of(identifier, card), card.get("layers"))
    # a model sees images of the size that it was trained on
    chosen = replace(chosen, image_size=card.get("image_size", chosen.image_size))
    network, origin = network_with(chosen, read)
    degrees = SIMULATED_VISUAL_DEGREES if card.get("simulated") else VISUAL_DEGREES
    return commit(identifier, network, chosen, {"trained_on": trained_on} | origin, degrees)


def commit(
    identifier: str,
    network: nn.Module,
    chosen: Backbone,
    origin: Mapping[str, Any],
    visual_degrees: int = VISUAL_DEGREES,
) -> ModelCommitment:
    """Commit a network's layers to areas as its backbone says; the network is used by this model alone."""
    regions = {**chosen.areas, READOUT: chosen.readout}
    layers = list(dict.fromkeys(regions.values()))
    preprocessing = functools.partial(
        load_preprocess_images, image_size=chosen.image_size, normalize_mean=chosen.mean, normalize_std=chosen.std
    )
    activations_model = AreaActivations(identifier, network, preprocessing, layers, chosen.image_size, origin)
    return ModelCommitment(
        identifier=identifier,
        activations_model=activations_model,
        layers=layers,
        behavioral_readout_layer=chosen.readout,
        # Without an explicit map upstream selects layers with data that it downloads.
        region_layer_map=regions,
        visual_degrees=visual_degrees,
    )


def _backbone_of(identifier: str, card: Mapping[str, Any]) -> str:
    if "backbone" not in card:
        raise MissingWeightsError(
            f"The model card of {identifier} names no backbone; expected one of {', '.join(NAMES)}. Train it again."
        )
    return card["backbone"]
