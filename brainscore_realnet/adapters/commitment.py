"""From a backbone and its weights to a Brain-Score model with its areas committed to layers."""

import functools
from collections.abc import Callable, Mapping
from typing import Any

from brainscore_vision.model_helpers.activations.pytorch import load_preprocess_images
from brainscore_vision.model_helpers.brain_transformation import ModelCommitment
from torch import Tensor, nn

from brainscore_realnet.adapters.activations import AreaActivations
from brainscore_realnet.errors import BadFileError, MissingWeightsError
from brainscore_realnet.networks.backbones import NAMES, Backbone, backbone
from brainscore_realnet.networks.checkpoints import load_backbone, split_state_dict
from brainscore_realnet.networks.published import Published
from brainscore_realnet.store import weights
from brainscore_realnet.store.download import DownloadError, download
from brainscore_realnet.store.folders import folder

VISUAL_DEGREES = 8
"""Field of view of the models, degrees: Brain-Score's convention."""

HOW_TO_STORE = "Weights that you have are put into the store by `brainscore weights import FILE --model {identifier}`."


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
        Key of ``networks.backbones``; by default what the model card says.
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
    """
    card = weights.find_card(identifier)
    read: Callable[..., tuple[dict[str, Tensor], dict[str, Any]]]
    if card is not None:
        read = _stored
    elif published is not None:
        read = functools.partial(_fetched, published)
    else:
        raise MissingWeightsError(
            f"There are no weights of {identifier}: the store ({folder('weights')}) has no model card for it and none "
            f"were published. {HOW_TO_STORE.format(identifier=identifier)}"
        )
    chosen = backbone(backbone_name or _backbone_of(identifier, card))
    network = chosen.build()  # before any download: a package may be missing
    state, origin = read(identifier, chosen)
    load_backbone(network, state)
    return commit(identifier, network, chosen, {"trained_on": trained_on} | origin)


def commit(
    identifier: str,
    network: nn.Module,
    chosen: Backbone,
    origin: Mapping[str, Any],
    visual_degrees: int = VISUAL_DEGREES,
) -> ModelCommitment:
    """Commit a network's layers to areas as its backbone says; the network is used by this model alone."""
    layers = list(dict.fromkeys([*chosen.areas.values(), chosen.readout]))
    preprocessing = functools.partial(
        load_preprocess_images, image_size=chosen.image_size, normalize_mean=chosen.mean, normalize_std=chosen.std
    )
    activations_model = AreaActivations(
        identifier, network, preprocessing, list(dict.fromkeys(chosen.areas.values())), chosen.image_size, origin
    )
    return ModelCommitment(
        identifier=identifier,
        activations_model=activations_model,
        layers=layers,
        behavioral_readout_layer=chosen.readout,
        # Without an explicit map upstream selects layers with data that it downloads.
        region_layer_map=dict(chosen.areas),
        visual_degrees=visual_degrees,
    )


def _backbone_of(identifier: str, card: Mapping[str, Any] | None) -> str:
    if card is None or "backbone" not in card:
        raise MissingWeightsError(
            f"The model card of {identifier} names no backbone; expected one of {', '.join(NAMES)}. Train it again."
        )
    return card["backbone"]


def _stored(identifier: str, chosen: Backbone) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights of the backbone from the store, and where they come from."""
    state, card = weights.load(identifier)
    if card.get("backbone", chosen.name) != chosen.name:
        raise BadFileError(
            f"The model card of {identifier} is of the backbone {card['backbone']}, expected {chosen.name}. "
            "Save the model under another identifier."
        )
    origin = {
        "weights": "store",
        "sha256": card["weights_sha256"],
        "card": {key: value for key, value in card.items() if key not in ("identifier", "weights_file")},
    }
    if "trained_on" in card:
        origin["trained_on"] = card["trained_on"]
    return split_state_dict(state)[0], origin


def _fetched(published: Published, identifier: str, chosen: Backbone) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights of the backbone from the published checkpoint, downloaded once, and where they come from."""
    try:
        path = download(published.url, folder("weights", "published"), published.filename, published.known_hash)
    except DownloadError as error:
        raise MissingWeightsError(
            f"The store has no weights of {identifier} and the published ones could not be fetched: {error} "
            f"{HOW_TO_STORE.format(identifier=identifier)}"
        ) from error
    origin = {"weights": published.url, "hash": published.known_hash, "source": published.source}
    return chosen.read(path), origin
