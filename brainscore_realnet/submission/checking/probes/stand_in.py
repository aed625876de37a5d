"""A small model that records and does every task, made of Brain-Score's own parts, for benchmarks to score."""

import functools
import zlib
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
from brainscore_vision.model_helpers.activations.core import ActivationsExtractorHelper
from brainscore_vision.model_helpers.brain_transformation import ModelCommitment
from PIL import Image

from .recordings import REGIONS

IMAGES = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")
"""How the names of images end."""

_SIDE = 32
_N_CLASSES = 1000
"""Of ImageNet, which labels are chosen from."""


def stand_in() -> ModelCommitment:
    """Make a model whose answers depend on the stimuli alone."""
    return ModelCommitment(
        identifier="stand-in",
        activations_model=_Activations(),
        layers=list(REGIONS),
        behavioral_readout_layer="IT",
        region_layer_map={region: region for region in REGIONS},
        visual_degrees=8,
    )


class _Activations:
    """Pixels, and sums of them with weights drawn from a seed."""

    def __init__(self) -> None:
        # Without an identifier nothing is stored: what is stored would outlive a benchmark's change.
        self._extractor = ActivationsExtractorHelper(
            identifier=False, preprocessing=_pixels, get_activations=_layers, batch_size=8
        )
        self._extractor.insert_attrs(self)
        self.identifier = "stand-in"

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._extractor(*arguments, **options)


def _pixels(paths: list[str]) -> np.ndarray:
    """Read stimuli, (stimulus, channel, y, x) in 0 to 1; what is no image gives noise of its own."""
    return np.stack([_image(Path(path)) for path in paths])


def _image(path: Path) -> np.ndarray:
    if path.suffix.lower() not in IMAGES:
        return np.random.default_rng(zlib.crc32(path.read_bytes())).random((3, _SIDE, _SIDE), dtype=np.float32)
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB").resize((_SIDE, _SIDE)), dtype=np.float32)
    return pixels.transpose(2, 0, 1) / 255


def _layers(images: list[np.ndarray], layers: list[str]) -> OrderedDict[str, np.ndarray]:
    flat = np.stack(images).reshape(len(images), -1)
    return OrderedDict((layer, flat @ _weights(layer, flat.shape[1])) for layer in layers)


@functools.cache
def _weights(layer: str, n_pixels: int) -> np.ndarray:
    n_units = _N_CLASSES if layer == "logits" else 256
    weights = np.random.default_rng(zlib.crc32(layer.encode())).normal(size=(n_pixels, n_units))
    return (weights / np.sqrt(n_pixels)).astype(np.float32)
