"""Where a model's weights are found, and pretrained networks to start a training from; never are weights random."""

import re
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from brainscore_realnet.errors import BadFileError, MissingWeightsError
from brainscore_realnet.networks.backbones import Backbone, backbone, require_layers
from brainscore_realnet.networks.checkpoints import load_backbone, split_state_dict
from brainscore_realnet.networks.families import Weights
from brainscore_realnet.networks.published import Published
from brainscore_realnet.store import weights as stored_weights
from brainscore_realnet.store.download import DownloadError, download
from brainscore_realnet.store.folders import folder
from brainscore_realnet.store.hashing import file_hash

_TRAINED_WITH = {"nocont": "--contrastive none", "unpaired": "--unpaired", "all": "--all"}
"""Variant in the identifier of a trained model to the option that trains it."""

Read = Callable[[Backbone], Weights]
"""Reads the weights of a backbone's network."""


def pretrained(
    name: str, weights: str | Path | None = None, layers: Sequence[str] | None = None
) -> tuple[nn.Module, dict[str, Any]]:
    """Build a network with pretrained weights.

    They are those of the given file; else those that the store has under `baseline_identifier`; else those that their
    authors published; else, for a network of torchvision, timm or open_clip, those that the library downloads.

    Of a CLIP model, the logits are the image's embedding: the pseudo-labels that a training keeps are then the largest
    dimension of the embedding.

    Parameters
    ----------
    name : str
        As `networks.backbones.backbone` takes it.
    weights : path, optional
        A file of weights, as `networks.checkpoints.read_checkpoint` takes it; a generation head in it is left out.
    layers : sequence of str, optional
        Layers that signals are to be generated from; needed for a library's network.

    Returns
    -------
    network : nn.Module
        On the CPU, shared with nobody.
    origin : dict
        Where the weights come from, expressible as JSON.

    Raises
    ------
    MissingWeightsError
        No weights can be had; the message names every way to get them.
    MissingDataError, BadFileError, UnsafeFileError
        The file is not there, is no checkpoint, wants to run code, or does not fit the network.
    UnknownIdentifierError, BadInputError
        There is no such backbone or layer, a library is not installed, or no layers were given for its network.
    """
    chosen = backbone(name, layers)
    identifier = baseline_identifier(name)
    read = partial(_from_file, Path(weights)) if weights is not None else find_weights(identifier, chosen.published)
    try:
        return network_with(chosen, read or partial(_from_library, identifier), layers)
    except MissingWeightsError as error:
        raise MissingWeightsError(f"{error} Or start from a file of them: `--pretrained FILE`.") from error


def baseline_identifier(name: str) -> str:
    """Name the model that has a backbone's pretrained weights: `cornet-s` for `cornet_s`, `timm-resnet10t`."""
    return re.sub(r"[^A-Za-z0-9.-]+", "-", name)


def find_weights(identifier: str, published: Published | None = None) -> Read | None:
    """Give what reads a model's weights: from the store when it has a model card, else from the published file.

    Returns
    -------
    callable or None
        None when there are neither. It raises MissingWeightsError when the file cannot be downloaded, and BadFileError
        when the card is of another backbone, or a file does not hold the bytes that were saved.
    """
    if stored_weights.find_card(identifier) is not None:
        return partial(_from_store, identifier)
    return None if published is None else partial(_from_published, identifier, published)


def how_to_get(identifier: str, backbone_name: str | None = None) -> str:
    """Say how weights of a model come into the store; the backbone is named where none follows from the identifier."""
    training = _training_command(identifier)
    named = f" --backbone {backbone_name}" if backbone_name else ""
    return (
        f"{f'Train it: `{training}`. ' if training else ''}Weights that you have are put into the store by "
        f"`brainscore weights import FILE --model {identifier}{named}`."
    )


def network_with(chosen: Backbone, read: Read, layers: Sequence[str] | None = None) -> tuple[nn.Module, dict[str, Any]]:
    """Build a backbone's network, which must have the layers, and load what is read; give it and the origin."""
    network = chosen.build()  # before any download: a package or a layer may be missing
    require_layers(chosen, network, layers)
    state, origin = read(chosen)
    try:
        load_backbone(network, state)
    except BadFileError as error:
        source = origin.get("file", origin["weights"])
        raise BadFileError(f"Cannot load weights ({source}) as {chosen.name}: {error}") from error
    return network, origin


def _from_file(path: Path, chosen: Backbone) -> Weights:
    state = chosen.read(path)
    # sha1, too: by it, some published weights are known
    hashes = {algorithm: file_hash(path, algorithm) for algorithm in ("sha256", "sha1")}
    return state, {"weights": "file", "file": path.name, **hashes, "bytes": path.stat().st_size}


def _from_store(identifier: str, chosen: Backbone) -> Weights:
    state, card = stored_weights.load(identifier)
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


def _from_published(identifier: str, published: Published, chosen: Backbone) -> Weights:
    try:
        path = download(published.url, folder("weights", "published"), published.filename, published.known_hash)
    except DownloadError as error:
        raise MissingWeightsError(
            f"The store has no weights of {identifier} and the published ones could not be fetched: {error} "
            f"{how_to_get(identifier)}"
        ) from error
    origin = {"weights": published.url, "hash": published.known_hash, "source": published.source}
    return chosen.read(path), origin


def _from_library(identifier: str, chosen: Backbone) -> Weights:
    why = "none were published."
    try:
        if chosen.fetch is not None:
            return chosen.fetch()
    except MissingWeightsError as error:
        why = str(error)
    raise MissingWeightsError(
        f"The store has no weights of {identifier}, and {why} {how_to_get(identifier, chosen.name)}"
    )


def _training_command(identifier: str) -> str | None:
    named = re.fullmatch(r"(realnet-(?:eeg|fmri))(?:-sub(\d\d))?(?:-(?:beta(\d+)|(\w+)))?", identifier)
    if named is None or named[4] not in (None, *_TRAINED_WITH):
        return None
    options = [
        f"--subject {int(named[2])}" if named[2] else "",
        f"--beta {named[3]}" if named[3] else "",
        _TRAINED_WITH[named[4]] if named[4] else "",
    ]
    return " ".join(["brainscore train", named[1], *filter(None, options)])
