"""Networks of torchvision, timm and open_clip by their names there.

Each is described by what its library says of it: how it is built, what images it takes, where its pretrained weights
are. Describing and building need no network connection; fetching weights downloads into the library's own cache.
"""

import difflib
import importlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from torch import Tensor, nn

from brainscore_realnet.errors import BadFileError, BadInputError, MissingWeightsError, UnknownIdentifierError
from brainscore_realnet.networks.checkpoints import read_backbone
from brainscore_realnet.networks.clip_rn101 import read_visual_weights
from brainscore_realnet.networks.visual_tower import build_visual_tower
from brainscore_realnet.store.hashing import sha256_file

Weights = tuple[dict[str, Tensor], dict[str, Any]]
"""A state dict, and where it comes from."""


@dataclass(frozen=True)
class LibraryNetwork:
    """What a library says of one of its networks."""

    build: Callable[[], nn.Module]
    """Makes a new network with random weights."""

    image_size: int
    """Side of the input images, in pixels."""

    mean: tuple[float, float, float]
    """Mean of the channels that inputs are normalised with (RGB in 0 … 1)."""

    std: tuple[float, float, float]
    """Standard deviation of the channels that inputs are normalised with."""

    fetch: Callable[[], Weights]
    """Gives the pretrained weights, downloaded by the library; raises MissingWeightsError with the reason."""

    read: Callable[[str | Path], dict[str, Tensor]] = read_backbone
    """Reads a file of weights for `load_backbone`."""


# These two have a second classifier in training and take other channels with pretrained weights than without.
_TORCHVISION_OPTIONS = {
    name: {"aux_logits": False, "transform_input": True, "init_weights": False}
    for name in ("googlenet", "inception_v3")
}


def _torchvision(name: str) -> LibraryNetwork:
    from torchvision import models

    architecture, _, tag = name.partition("/")
    # MNASNet cannot be loaded from plain tensors: torchvision wants a version beside them, which no file here keeps.
    names = [known for known in models.list_models(module=models) if not known.startswith("mnasnet")]
    _require_known("torchvision", architecture, names)
    published = models.get_model_weights(architecture)
    _require_known(f"torchvision:{architecture}", tag or "DEFAULT", published.__members__, "weights")
    weights = published[tag or "DEFAULT"]
    transform = weights.transforms()
    return LibraryNetwork(
        build=partial(models.get_model, architecture, weights=None, **_TORCHVISION_OPTIONS.get(architecture, {})),
        image_size=transform.crop_size[0],
        mean=_three(transform.mean),
        std=_three(transform.std),
        fetch=partial(_fetch_torchvision, weights),
    )


def _fetch_torchvision(weights: Any) -> Weights:
    filename = weights.url.rpartition("/")[2]
    path = Path(torch.hub.get_dir()) / "checkpoints" / filename
    # torchvision's file names end in the first digits of the sha256.
    known = re.search(r"-([0-9a-f]{8,})\.", filename)
    digits = known[1] if known else ""
    if not path.is_file():
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            torch.hub.download_url_to_file(weights.url, str(path), digits or None)
        except (OSError, RuntimeError) as error:
            raise MissingWeightsError(f"torchvision could not download {weights.url} ({_reason(error)}).") from error
    sha256 = sha256_file(path)
    if not sha256.startswith(digits):
        raise BadFileError(f"Got sha256 {sha256} for {path}: expected one that begins with {digits}. Delete the file.")
    # Files of old versions have the second classifiers, and DenseNet's layers under other names.
    state = {
        re.sub(r"(denselayer\d+\.(?:norm|conv))\.([12]\.)", r"\1\2", key): value
        for key, value in read_backbone(path).items()
        if not key.startswith(("aux1.", "aux2.", "AuxLogits."))
    }
    return state, {"weights": weights.url, "sha256": sha256, "source": f"torchvision, {weights}"}


def _timm(name: str) -> LibraryNetwork:
    timm = _library("timm", "timm")
    _require_known("timm", name, {*timm.list_models(), *timm.list_models(include_tags=True)})
    about = timm.get_pretrained_cfg(name)
    images = timm.data.resolve_data_config(pretrained_cfg=about.to_dict())
    channels, height, width = images["input_size"]
    if channels != 3 or height != width:
        raise BadInputError(
            f"timm:{name} takes images of {channels} × {height} × {width}, expected square ones of 3 channels: "
            "choose another network"
        )
    return LibraryNetwork(
        build=partial(timm.create_model, name, pretrained=False),
        image_size=height,
        mean=_three(images["mean"]),
        std=_three(images["std"]),
        fetch=partial(_fetch_timm, name),
    )


def _fetch_timm(name: str) -> Weights:
    timm = _library("timm", "timm")
    if not timm.get_pretrained_cfg(name).has_weights:
        near = _nearest(name, timm.list_models(pretrained=True))
        raise MissingWeightsError(f"timm has no pretrained weights of {name}; it has those of {', '.join(near)}.")
    try:
        network = timm.create_model(name, pretrained=True)
    except Exception as error:  # timm and the hub have no error of their own for a download that failed
        raise MissingWeightsError(f"timm could not get the weights of {name} ({_reason(error)}).") from error
    about = network.pretrained_cfg
    place = about.get("hf_hub_id") or about.get("url") or "its own place"
    return network.state_dict(), {"weights": f"timm {about['architecture']}.{about['tag']}", "source": f"timm, {place}"}


def _open_clip(name: str) -> LibraryNetwork:
    open_clip = _library("open_clip", "clip")
    architecture, _, tag = name.partition("/")
    _require_known("open_clip", architecture, open_clip.list_models())
    if tag:
        _require_known(
            f"open_clip:{architecture}", tag, open_clip.list_pretrained_tags_by_model(architecture), "weights"
        )
    about = open_clip.get_model_config(architecture)
    images = {
        "mean": open_clip.OPENAI_DATASET_MEAN,
        "std": open_clip.OPENAI_DATASET_STD,
        **(open_clip.get_pretrained_cfg(architecture, tag) if tag else {}),
    }
    return LibraryNetwork(
        build=partial(build_visual_tower, about, bool(about.get("quick_gelu") or images.get("quick_gelu"))),
        image_size=about["vision_cfg"].get("image_size", 224),
        mean=_three(images["mean"]),
        std=_three(images["std"]),
        fetch=partial(_fetch_open_clip, architecture, tag),
        read=read_visual_weights,
    )


def _fetch_open_clip(architecture: str, tag: str) -> Weights:
    open_clip = _library("open_clip", "clip")
    tags = open_clip.list_pretrained_tags_by_model(architecture)
    if not tag:
        named = ", ".join(f"open_clip:{architecture}/{known}" for known in tags) or "none"
        raise MissingWeightsError(f"open_clip:{architecture} names no pretrained weights; with weights: {named}.")
    about = open_clip.get_pretrained_cfg(architecture, tag)
    try:
        path = Path(open_clip.download_pretrained(about))
    except Exception as error:  # open_clip and the hub have no error of their own for a download that failed
        raise MissingWeightsError(
            f"open_clip could not get the weights {tag} of {architecture} ({_reason(error)})."
        ) from error
    place = about.get("hf_hub") or about.get("url")
    origin = {
        "weights": f"open_clip {architecture}/{tag}",
        "sha256": sha256_file(path),
        "source": f"open_clip, {place}",
    }
    return read_visual_weights(path), origin


FAMILIES: dict[str, Callable[[str], LibraryNetwork]] = {
    "torchvision": _torchvision,
    "timm": _timm,
    "open_clip": _open_clip,
}
"""Library to what describes one of its networks by name: `resnet50` or `resnet50/IMAGENET1K_V1` of torchvision,
`convnext_tiny` or `convnext_tiny.fb_in1k` of timm, `RN50/openai` of open_clip."""


def library_network(family: str, name: str) -> LibraryNetwork:
    """Describe a library's network.

    Raises
    ------
    UnknownIdentifierError
        The library has no network, or no weights of it, of this name; the nearest names are given.
    BadInputError
        The library is not installed (the extra that installs it is named), or the network's images are not square.
    """
    return FAMILIES[family](name)


def _library(module: str, extra: str) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise BadInputError(
            f"networks of {module} need {module}, which cannot be imported ({error}): "
            f"pip install 'brainscore_realnet[{extra}]'"
        ) from error


def _require_known(where: str, name: str, known: Iterable[str], what: str = "network") -> None:
    if name not in set(known):
        near = ", ".join(_nearest(name, known)) or "none"
        raise UnknownIdentifierError(f"{where} has no {what} called {name!r}; nearest: {near}")


def _nearest(name: str, known: Iterable[str]) -> list[str]:
    by_lower_case = {other.lower(): other for other in sorted(known)}
    near = difflib.get_close_matches(name.lower(), by_lower_case, n=3, cutoff=0.4)
    return [by_lower_case[match] for match in near] or list(by_lower_case.values())[:3]


def _three(values: Iterable[float]) -> tuple[float, float, float]:
    red, green, blue = values
    return float(red), float(green), float(blue)


def _reason(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
