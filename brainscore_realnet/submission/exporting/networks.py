"""How the network of each backbone is built inside a submission, where this package is not installed."""

import importlib.metadata
from dataclasses import dataclass
from functools import partial
from typing import Any

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.backbones import backbone
from brainscore_realnet.networks.families import FAMILIES

NETWORK = "brainscore_realnet.submission.exporting.travels.network"
"""Module whose `build_network` builds CORnet-S."""


@dataclass(frozen=True)
class TravellingNetwork:
    """A network that is built by a submission's `network.py`."""

    source: str | None
    """What travels in the place of `NETWORK`; None for `NETWORK` itself."""
    requirements: tuple[str, ...] = ()
    """Lines for requirements.txt beside those of every submission."""


_CORNET = "from brainscore_realnet.networks.cornet_s import CORnetS"
_TOWER = "from brainscore_realnet.networks.visual_tower import"

_TABLE: dict[str, tuple[tuple[str, ...], str, tuple[str, ...]]] = {
    "sim_cornet_s_narrow": (("from torch import nn", "", _CORNET), "CORnetS(width=16)", ()),
    "resnet_101": (
        ("from torch import nn", "from torchvision.models import resnet101"),
        "resnet101(weights=None)",
        (),
    ),
    "clip_rn101": (
        (
            "from open_clip.modified_resnet import ModifiedResNet",
            "from torch import nn",
            "",
            f"{_TOWER} RN101, VisualTower",
        ),
        "VisualTower(ModifiedResNet(**RN101))",
        ("open_clip_torch",),
    ),
}
"""Backbone to the imports of its `network.py`, what builds it, and the packages that it needs."""

_LIBRARIES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "torchvision": (("from torch import nn", "from torchvision.models import get_model"), ()),
    "timm": (("from timm import create_model", "from torch import nn"), ("timm",)),
    "open_clip": (("from torch import nn", "", f"{_TOWER} build_visual_tower"), ("open_clip_torch",)),
}
"""Library to the imports and packages; its networks are built by the very call that `networks.families` makes."""


def travelling_network(name: str) -> TravellingNetwork:
    """Say how a backbone's network is built inside a submission.

    Parameters
    ----------
    name : str
        As `networks.backbones.backbone` takes it.

    Raises
    ------
    BadInputError
        The network was added by `networks.backbones.register`, so that its source is not known.
    UnknownIdentifierError
        There is no such backbone.
    """
    if name == "cornet_s":
        return TravellingNetwork(source=None)
    family, _, name_there = name.partition(":")
    if name in _TABLE:
        imports, expression, packages = _TABLE[name]
    elif family in FAMILIES and name_there:
        imports, packages = _LIBRARIES[family]
        expression = _call(backbone(name).build)
    else:
        backbone(name)
        raise BadInputError(
            f"Got the backbone {name}, which was registered in this process: expected one of this package "
            f"(cornet_s, {', '.join(_TABLE)}) or of a library (timm:…), whose source can travel. Write its plugin by "
            "hand, after one that is exported of another backbone."
        )
    pinned = tuple(f"{package}=={importlib.metadata.version(package)}" for package in packages)
    return TravellingNetwork(_source(imports, expression), pinned)


def _call(build: Any) -> str:
    """Write a call out, whose arguments are plain values."""
    if not isinstance(build, partial):
        raise BadInputError(f"Got {build!r} as what builds a library's network, expected a call with its arguments.")
    arguments = [*map(repr, build.args), *(f"{name}={value!r}" for name, value in build.keywords.items())]
    return f"{build.func.__name__}({', '.join(arguments)})"


def _source(imports: tuple[str, ...], expression: str) -> str:
    lines = [
        '"""The network of this folder\'s models."""',
        "",
        *imports,
        "",
        "",
        "def build_network() -> nn.Module:",
        '    """Build the network anew, with random weights; nothing is downloaded."""',
        f"    return {expression}",
    ]
    return "\n".join(lines) + "\n"
