"""The table of backbones: how each is built, which layers stand for which areas, where its weights were published."""

import difflib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from brainscore_realnet.errors import UnknownIdentifierError
from brainscore_realnet.networks import clip_rn101, cornet_s
from brainscore_realnet.networks.checkpoints import read_backbone
from brainscore_realnet.networks.published import CLIP_RN101, CORNET_S, RESNET_101, Published

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


@dataclass(frozen=True)
class Backbone:
    """An architecture and what is agreed about it."""

    name: str
    """Key in the table."""

    build: Callable[[], nn.Module]
    """Makes a new network with random weights; needs no network connection."""

    areas: dict[str, str]
    """Cortical area (V1, V2, V4, IT, in this order) to the layer that stands for it."""

    readout: str
    """Layer from which behaviour is read out."""

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
    )
}

NAMES = tuple(_BACKBONES)
"""All valid names."""


def backbone(name: str) -> Backbone:
    """Look a backbone up.

    Raises
    ------
    UnknownIdentifierError
        No backbone has this name; the nearest names are given.
    """
    if name not in _BACKBONES:
        near = difflib.get_close_matches(name, NAMES, n=2, cutoff=0.4) or NAMES
        raise UnknownIdentifierError(
            f"no backbone is called {name!r}; nearest: {', '.join(near)} (all: {', '.join(NAMES)})"
        )
    return _BACKBONES[name]


def build(name: str) -> nn.Module:
    """Build a network with random weights of its own (torch's global generator); raises as `backbone` does."""
    return backbone(name).build()
