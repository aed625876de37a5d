"""The labels that a pretrained network gives, which the trained one is to keep (equation 2).

They are computed once for all trainings that start from the same network with the same images.
"""

from copy import deepcopy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.backbones import Backbone
from brainscore_realnet.store import folder, sha256_array, sha256_bytes, write_array
from brainscore_realnet.training.batches import batches
from brainscore_realnet.training.checkpoints import Interrupted, Stop
from brainscore_realnet.training.devices import memory_layout
from brainscore_realnet.training.images import ImageCache

_LABELLED_AT_ONCE = 64


def teacher_labels(
    network: nn.Module,
    cache: ImageCache,
    device: torch.device,
    about: Backbone,
    stop: Stop,
    network_sha256: str,
) -> Tensor:
    """Give for each image the class that the pretrained network rates highest, computed once and kept in the store.

    The network is copied, and runs in evaluation mode and in float32.

    Returns
    -------
    Tensor, shape (images,), int64
        On the device.

    Raises
    ------
    BadInputError
        The network puts out something other than finite logits of shape (n, classes).
    Interrupted
        A signal asked to stop; nothing is kept.
    """
    key = sha256_bytes(f"{network_sha256} {cache.sha256} {about.mean} {about.std}".encode())
    path = folder("cache") / f"labels-{key[:16]}.npy"
    found = _kept_labels(path, len(cache))
    if found is None:  # trainings that begin at once all compute them: a lock could not be left when asked to stop
        found = _labels(network, cache, device, about, stop)
        write_array(path, found.numpy())
    return found.to(device)


def _labels(network: nn.Module, cache: ImageCache, device: torch.device, about: Backbone, stop: Stop) -> Tensor:
    layout = memory_layout(device, "fp32")
    teacher = deepcopy(network).float().to(device).to(memory_format=layout).eval()
    labels = []
    with torch.no_grad():
        for images in batches(cache, range(len(cache)), _LABELLED_AT_ONCE, device, about.mean, about.std):
            if stop.name:
                raise Interrupted(f"Got {stop.name} before the first step: expected to go on. Start again.")
            logits = teacher(images.contiguous(memory_format=layout))
            if not isinstance(logits, Tensor) or logits.ndim != 2 or not bool(logits.isfinite().all()):
                got = f"shape {tuple(logits.shape)}" if isinstance(logits, Tensor) else f"a {type(logits).__name__}"
                raise BadInputError(
                    f"Got {got} from {type(network).__name__} for {len(images)} images: expected finite logits of "
                    f"shape ({len(images)}, classes). Give a network with its classifier."
                )
            labels.append(logits.argmax(1).cpu())
    return torch.cat(labels)


def weights_sha256(network: nn.Module) -> str:
    """Hash a network's weights and buffers with their names; dtypes of floating values do not count."""
    parts = []
    for name, value in network.state_dict().items():
        plain = value.detach().cpu()
        plain = plain.float() if plain.is_floating_point() else plain
        parts.append(f"{name} {sha256_array(plain.numpy())}")
    return sha256_bytes("\n".join(parts).encode())


def _kept_labels(path: Path, n_images: int) -> Tensor | None:
    try:
        labels = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return torch.from_numpy(labels) if labels.shape == (n_images,) and labels.dtype == np.int64 else None
