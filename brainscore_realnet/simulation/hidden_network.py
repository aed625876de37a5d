"""The hidden network: four areas whose activity the virtual subjects' signals are made of.

Random weights from a seed, no training. Each area normalises its input and rectifies what it computes from it, so that
the four areas hold clearly different geometries of the same images.
"""

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn
from torch.nn import functional

from brainscore_realnet.simulation.eeg import AREAS

INPUT_SIZE = 64
GENERATOR_SEED = 5
IMAGENET_MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
IMAGENET_STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


class Area(nn.Module):
    """One stage: divisive normalisation, random convolution, rectification, pooling."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, pool: int):
        super().__init__()
        self.convolution = nn.Conv2d(in_channels, out_channels, kernel, padding=kernel // 2)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        """Map (n, channels, height, width) to (n, out_channels, height / pool, width / pool)."""
        x = x - x.mean(dim=(2, 3), keepdim=True)
        x = x / (x.square().mean(dim=(1, 2, 3), keepdim=True) + 1e-6).sqrt()
        return functional.avg_pool2d(functional.relu(self.convolution(x)), self.pool)


class HiddenNetwork(nn.Module):
    """Four areas V1, V2, V4 and IT on 64 × 64 images; ``seed`` determines every weight on any machine."""

    def __init__(self, seed: int = GENERATOR_SEED):
        super().__init__()
        # Few channels: with many, random networks of any seed come to hold the same geometry.
        self.V1 = Area(3, 8, kernel=5, pool=2)
        self.V2 = Area(8, 12, kernel=3, pool=2)
        self.V4 = Area(12, 16, kernel=3, pool=4)
        self.IT = Area(16, 24, kernel=3, pool=2)
        # NumPy's generator and not torch's: its stream is the same on every version and device.
        rng = np.random.default_rng(seed)
        for parameter in self.parameters():
            fan_in = int(np.prod(parameter.shape[1:])) or 1
            values = rng.standard_normal(tuple(parameter.shape)) / np.sqrt(fan_in)
            parameter.data = torch.from_numpy(values.astype(np.float32))
            parameter.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, 3, 64, 64) to the features of IT (n, features)."""
        return self.IT(self.V4(self.V2(self.V1(images)))).flatten(1)


def activity(paths: Sequence[Path], batch_size: int = 256) -> dict[str, np.ndarray]:
    """Activity of the generator's areas for images, preprocessed as its Brain-Score model preprocesses them.

    Parameters
    ----------
    paths : sequence of pathlib.Path
        Image files.
    batch_size : int

    Returns
    -------
    dict of area to (n_images, n_features) float32 array
    """
    network = HiddenNetwork().eval()
    batches: dict[str, list[np.ndarray]] = {area: [] for area in AREAS}
    for start in range(0, len(paths), batch_size):
        x = torch.stack([_preprocess(path) for path in paths[start : start + batch_size]])
        with torch.inference_mode():
            for area in AREAS:
                x = getattr(network, area)(x)
                batches[area].append(x.flatten(1).numpy())
    return {area: np.concatenate(parts) for area, parts in batches.items()}


def _preprocess(path: Path) -> Tensor:
    with Image.open(path) as image:
        pixels = np.asarray(image.convert("RGB").resize((INPUT_SIZE, INPUT_SIZE), Image.Resampling.BILINEAR))
    scaled = (pixels.astype(np.float32) / 255 - IMAGENET_MEAN) / IMAGENET_STD
    return torch.from_numpy(scaled.transpose(2, 0, 1).copy())


class NoiseNetwork(nn.Module):
    """Areas whose answers are determined by an image's bytes and otherwise random: a model that knows nothing.

    Every pixel enters a hash that seeds each area's Gaussian features, so equal images are answered equally.
    """

    N_FEATURES = 256

    def __init__(self) -> None:
        super().__init__()
        self.V1, self.V2, self.V4, self.IT = (SeededNoise(index, self.N_FEATURES) for index in range(len(AREAS)))
        # Wrappers read a network's device and dtype off its first parameter.
        self.anchor = nn.Parameter(torch.zeros(1), requires_grad=False)

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, 3, height, width) to the features of IT (n, features)."""
        for area in AREAS:
            features = getattr(self, area)(images)
        return features


class SeededNoise(nn.Module):
    """Gaussian features from a hash of each image."""

    def __init__(self, area: int, n_features: int):
        super().__init__()
        self.area = area
        self.n_features = n_features

    def forward(self, images: Tensor) -> Tensor:
        """Map images (n, 3, height, width) to noise (n, n_features)."""
        pixels = (images * 1000).round().to(torch.int64).cpu().numpy()
        seeds = [zlib.crc32(np.ascontiguousarray(image).tobytes()) for image in pixels]
        noise = [np.random.default_rng([self.area, seed]).standard_normal(self.n_features) for seed in seeds]
        return torch.from_numpy(np.array(noise, dtype=np.float32)).to(images.device)
