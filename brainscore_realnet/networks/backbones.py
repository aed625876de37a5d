"""Backbones by name: how each is built, which layers stand for which areas, where its weights were published.

Beside the table there are the networks of torchvision, timm and open_clip, for which the layers are given.
"""

import difflib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from torch import Tensor, nn

from brainscore_realnet.errors import BadInputError, UnknownIdentifierError
from brainscore_realnet.networks import clip_rn101, cornet_s
from brainscore_realnet.networks.checkpoints import read_backbone
from brainscore_realnet.networks.families import FAMILIES, Weights, library_network
from brainscore_realnet.networks.published import CLIP_RN101, CORNET_S, RESNET_101, Published
from brainscore_realnet.networks.recording import find_layer

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Backbone:
    """An architecture and what is agreed about it."""

    name: str
    """Key in the table, or `<library>:<name there>`."""

    build: Callable[[], nn.Module]
    """Makes a new network with random weights; needs no network connection."""

    areas: dict[str, str]
    """Cortical area (V1, V2, V4, IT, in this order) to the layer that stands for it; empty for a library's network
    whose layers were not given."""

    readout: str
    """Layer from which behaviour is read out; empty where `areas` is."""

    image_size: int
    """Side of the input images, in pixels."""

    mean: tuple[float, float, float]
    """Mean of the channels that inputs are normalised with (RGB in 0 … 1)."""

    std: tuple[float, float, float]
    """Standard deviation of the channels that inputs are normalised with."""

    published: Published | None = None
    """Pretrained weights, if their authors published them."""

    read: Callable[[str | Path], dict[str, Tensor]] = read_backbone
    """Reads the published file's weights for `load_backbone`."""

    fetch: Callable[[], Weights] | None = None
    """Gives the pretrained weights of a library's network."""


def _resnet_101() -> nn.Module:
    from torchvision.models import resnet101

    return resnet101(weights=None)


# CORnet-S has its areas from its authors. Those of ResNet-101 and CLIP RN101 are a choice of this package: the stem for
# V1, early and late stages for V2 and V4, the last layer that is still visual for IT.
_BACKBONES = {
    entry.name: entry
    for entry in (
        Backbone(
            name="cornet_s",
            build=cornet_s.CORnetS,
            areas={area: area for area in cornet_s.AREAS},
            readout="decoder.avgpool",
            image_size=224,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            published=CORNET_S,
        ),
        Backbone(
            name="resnet_101",
            build=_resnet_101,
            areas={"V1": "relu", "V2": "layer1", "V4": "layer3", "IT": "layer4"},
            readout="avgpool",
            image_size=224,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
            published=RESNET_101,
        ),
        Backbone(
            name="clip_rn101",
            build=clip_rn101.ClipRN101,
            areas={"V1": "visual.act3", "V2": "visual.layer1", "V4": "visual.layer3", "IT": "visual.attnpool"},
            readout="visual.attnpool",
            image_size=224,
            mean=clip_rn101.MEAN,
            std=clip_rn101.STD,
            published=CLIP_RN101,
            read=clip_rn101.read_visual_weights,
        ),
        # The network of a simulated model: its pretrained weights exist only when the store has a card of them.
        Backbone(
            name="sim_cornet_s_narrow",
            build=partial(cornet_s.CORnetS, width=16),
            areas={area: area for area in cornet_s.AREAS},
            readout="decoder.avgpool",
            image_size=64,
            mean=IMAGENET_MEAN,
            std=IMAGENET_STD,
        ),
    )
}

AREAS = list(cornet_s.AREAS)

NAMES = tuple(_BACKBONES)
"""Names in the table as it comes with the package."""

_SHOWN_LAYERS = 8


def backbone(name: str, layers: Sequence[str] | None = None) -> Backbone:
    """Look a backbone up.

    Parameters
    ----------
    name : str
        Key in the table, or a network of a library: `torchvision:resnet50` (or with weights other than its default,
        `torchvision:resnet50/IMAGENET1K_V1`), `timm:convnext_tiny`, `open_clip:RN50/openai` (the visual tower, with
        the weights of that tag). What images it takes is then what the library says.
    layers : sequence of str, optional
        For a library's network, its layers that signals are generated from, from shallow to deep. Four are V1, V2, V4
        and IT; of n layers, the areas are those at round(k (n − 1) / 3), k = 0 … 3, and the last one is the readout.
        Backbones of the table keep their own areas.

    Raises
    ------
    UnknownIdentifierError
        No backbone has this name; the nearest names are given.
    BadInputError
        The library is not installed; its network takes images that are not square; or `layers` are no names.
    """
    if name in _BACKBONES:
        return _BACKBONES[name]
    family, _, name_there = name.partition(":")
    if family not in FAMILIES or not name_there:
        near = difflib.get_close_matches(name, NAMES, n=2, cutoff=0.4) or NAMES
        raise UnknownIdentifierError(
            f"no backbone is called {name!r}; nearest: {', '.join(near)} (all: {', '.join(NAMES)}, and networks of "
            "libraries, such as torchvision:resnet50, timm:convnext_tiny and open_clip:RN50/openai)"
        )
    found = library_network(family, name_there)
    return Backbone(
        name=name,
        build=found.build,
        areas=_areas_of(layers),
        readout=layers[-1] if layers else "",
        image_size=found.image_size,
        mean=found.mean,
        std=found.std,
        read=found.read,
        fetch=found.fetch,
    )


def register(entry: Backbone) -> None:
    """Add a network of your own to the table, so that it is trained and scored by its name in this process.

    Raises
    ------
    BadInputError
        The name is taken or not of letters, digits and `_`, an area is missing, or the network lacks a layer.
    """
    if entry.name in _BACKBONES or not re.fullmatch(r"[A-Za-z0-9_]+", entry.name):
        raise BadInputError(
            f"got the name {entry.name!r} for a network, expected a new one of letters, digits and '_' "
            f"(taken: {', '.join(_BACKBONES)}): choose another"
        )
    if list(entry.areas) != AREAS:
        raise BadInputError(
            f"got areas {', '.join(entry.areas) or 'none'} of {entry.name}, expected a layer for each of "
            f"{', '.join(AREAS)}, in this order"
        )
    require_layers(entry, entry.build())
    _BACKBONES[entry.name] = entry


def build(name: str) -> nn.Module:
    """Build a network with random weights of its own (torch's global generator); raises as `backbone` does."""
    return backbone(name).build()


def require_layers(chosen: Backbone, network: nn.Module, layers: Sequence[str] | None = None) -> None:
    """Refuse a backbone without areas, or layers that its network does not have.

    Parameters
    ----------
    chosen : Backbone
    network : nn.Module
        What it builds.
    layers : sequence of str, optional
        Further layers that the network must have.

    Raises
    ------
    BadInputError
        The message shows layers to choose from.
    """
    if not chosen.areas:
        raise BadInputError(
            f"got no layers of {chosen.name}, expected some, from shallow to deep: name such as "
            f"{', '.join(_some_layers(network))}"
        )
    for layer in dict.fromkeys([*chosen.areas.values(), chosen.readout, *(layers or ())]):
        find_layer(network, layer)


def _areas_of(layers: Sequence[str] | None) -> dict[str, str]:
    if layers is None:
        return {}
    if not isinstance(layers, list | tuple) or not layers or not all(isinstance(layer, str) for layer in layers):
        raise BadInputError(f"got layers {layers!r}, expected a list of names: name layers from shallow to deep")
    last = len(cornet_s.AREAS) - 1
    return {area: layers[round(k * (len(layers) - 1) / last)] for k, area in enumerate(cornet_s.AREAS)}


def _some_layers(network: nn.Module) -> list[str]:
    """Give names of layers with weights over the whole depth, of as few levels of nesting as there are enough names."""
    n_all = sum(1 for _ in network.parameters())
    names = [
        name
        for name, module in network.named_modules()
        if 0 < sum(1 for _ in module.parameters()) < n_all and not isinstance(module, nn.ModuleList)  # lists never run
    ]
    for level in range(max((name.count(".") for name in names), default=0) + 1):
        shown = [name for name in names if name.count(".") <= level]
        if len(shown) >= _SHOWN_LAYERS:
            return [shown[round(k * (len(shown) - 1) / (_SHOWN_LAYERS - 1))] for k in range(_SHOWN_LAYERS)]
    return names
