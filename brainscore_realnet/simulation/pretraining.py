"""The narrow CORnet-S of simulated models before its alignment: briefly trained to name concepts that no benchmark has.

It is to virtual subjects what CORnet-S trained on ImageNet is to people: a network that knows such images, and nobody's
responses to them. The store keeps it as ``sim-cornet-s-narrow``, the baseline of the models that are aligned.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from tqdm import tqdm

from brainscore_realnet.networks.backbones import backbone
from brainscore_realnet.networks.pretrained import baseline_identifier
from brainscore_realnet.simulation.images import draw_image
from brainscore_realnet.store import lock, weights

BACKBONE = "sim_cornet_s_narrow"
IDENTIFIER = baseline_identifier(BACKBONE)
VERSION = 1
"""Increased whenever the same numbers come to lead to other weights."""


@dataclass(frozen=True)
class Pretraining:
    """Every number of it."""

    concepts: int = 120
    """Concepts to be told apart"""
    exemplars: int = 6
    """Images of a concept"""
    first_concept: int = 100_000
    """Number of the first one: far from those of any simulated data set"""
    epochs: int = 4
    batch_size: int = 16
    learning_rate: float = 1e-3
    """Step size of Adam"""
    seed: int = 3
    """Seed of the images, the first weights and the order"""


def make_if_missing(name: str = BACKBONE, progress: bool = True) -> None:
    """Pretrain the narrow CORnet-S and put it into the store, unless the store has it; other backbones are let be.

    Raises
    ------
    StoreError
        The store cannot be written.
    """
    if name != BACKBONE or _is_there():
        return
    with lock(IDENTIFIER):  # of several trainings that begin at once, one pretrains
        if not _is_there():
            network, about = pretrain(progress=progress)
            weights.save(IDENTIFIER, network.state_dict(), about)


def pretrain(numbers: Pretraining | None = None, progress: bool = False) -> tuple[nn.Module, dict[str, Any]]:
    """Train the narrow CORnet-S on cross entropy over concepts.

    Returns
    -------
    network : nn.Module
        In evaluation mode, on the CPU.
    card : dict
        What is to be known of it, with ``accuracy``, the share of images named rightly in the last epoch.
    """
    numbers = numbers or Pretraining()
    chosen = backbone(BACKBONE)
    labels = torch.arange(numbers.concepts).repeat_interleave(numbers.exemplars)
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (chosen.mean, chosen.std))
    images = (_images(numbers, chosen.image_size) / 255 - mean) / std
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(numbers.seed)
        network = chosen.build()
    network.to(memory_format=torch.channels_last).train()
    with one_thread():
        right = _train(network, images, labels, numbers, progress)
    network.eval()
    card = {
        "backbone": BACKBONE,
        "image_size": chosen.image_size,
        "simulated": True,
        "pretrained_on": f"{numbers.concepts} simulated concepts that no benchmark has; no subject's responses",
        "pretraining": _record(numbers),
        "accuracy": right / len(labels),
    }
    return network, card


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute with one thread: the same weights whatever the machine's processors, and no wait for busy ones."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, numbers: Pretraining, progress: bool) -> int:
    """Change the weights; give how many images were named rightly in the last epoch."""
    generator = torch.Generator().manual_seed(numbers.seed)
    optimiser = torch.optim.Adam(network.parameters(), lr=numbers.learning_rate)
    with tqdm(total=numbers.epochs * len(labels), desc=IDENTIFIER, unit="image", disable=not progress) as bar:
        for _ in range(numbers.epochs):
            right = 0
            for rows in torch.randperm(len(labels), generator=generator).split(numbers.batch_size):
                logits = network(images[rows])
                optimiser.zero_grad(set_to_none=True)
                functional.cross_entropy(logits, labels[rows]).backward()
                optimiser.step()
                right += int((logits.argmax(1) == labels[rows]).sum())
                bar.update(len(rows))
    return right


def _is_there() -> bool:
    """Whether the store has the network: pretrained by the same numbers, or put there by somebody else."""
    card = weights.find_card(IDENTIFIER)
    return card is not None and card.get("pretraining", _record(Pretraining())) == _record(Pretraining())


def _record(numbers: Pretraining) -> dict[str, Any]:
    return {**asdict(numbers), "version": VERSION}


def _images(numbers: Pretraining, size: int) -> torch.Tensor:
    """Draw all images, (n, 3, size, size) uint8."""
    concepts = range(numbers.first_concept, numbers.first_concept + numbers.concepts)
    drawn = [draw_image(one, number, numbers.seed, size) for one in concepts for number in range(numbers.exemplars)]
    return torch.from_numpy(np.stack([np.asarray(image) for image in drawn])).permute(0, 3, 1, 2)
