"""What each image is trained with, and how a network does on images that it is not trained on."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.training.batches import to_device
from brainscore_realnet.training.data import AcrossSubjects, TrainingData
from brainscore_realnet.training.division import derangement
from brainscore_realnet.training.images import ImageCache
from brainscore_realnet.training.recipes import Recipe
from brainscore_realnet.training.run_state import PARTS, Examples, by_subject_of
from brainscore_realnet.training.steps import Objective
from brainscore_realnet.training.validation import ConceptMeans, spearman_by_image

VALIDATED_AT_ONCE = 128
"""Held-out images in a batch on a GPU, which small ones would leave idle."""

N_EXAMPLES = 32
"""Held-out images, at most, whose generated signals are kept as examples."""


@dataclass(frozen=True)
class HeldOut:
    """What a training is validated on: held-out concepts, or test images where the released code is followed."""

    images: tuple[Path, ...]
    """All images of the cache"""
    concepts: tuple[str, ...]
    """One an image"""
    cache: ImageCache
    rows: np.ndarray
    """(n,) int64, which of the images"""
    labels: Tensor
    """(images,) int64 of the pretrained network, on the device"""
    signals: list[Tensor]
    """(images, n_signals) a head, on the device"""

    @property
    def concepts_of_rows(self) -> list[str]:
        """Concepts of the images that are validated on, (n,)."""
        return [self.concepts[row] for row in self.rows]


def training_signals(
    recipe: Recipe, data: TrainingData | AcrossSubjects, training: np.ndarray, device: torch.device
) -> list[Tensor]:
    """Give the signals that images are trained with, (images, n_signals) a head, on the device.

    With ``recipe.unpaired`` the training images get each other's; held-out ones always keep their own.
    """
    rows = np.arange(len(data.images))
    if recipe.unpaired and len(training):
        rows[training] = training[derangement([data.concepts[index] for index in training], recipe.seed)]
    return [torch.from_numpy(one.signals[rows]).to(device) for one in by_subject_of(recipe, data)]


def released_selection(
    recipe: Recipe,
    data: TrainingData | AcrossSubjects,
    cache: ImageCache,
    label: Callable[[ImageCache], Tensor],
    device: torch.device,
) -> HeldOut:
    """Give the test images, on which the released code picks its checkpoint; refuse them for other recipes."""
    if not recipe.reference:
        raise BadInputError("Got test images to validate on: expected them with reference=True alone. Leave them away.")
    every = np.arange(len(data.images))
    signals = training_signals(recipe, data, every[:0], device)
    return HeldOut(data.images, data.concepts, to_device(cache, device), every, label(cache), signals)


@torch.no_grad()
def validated(objective: Objective, held_out: HeldOut, between: Callable[[], None]) -> dict[str, float]:
    """Compute losses and similarities on held-out images.

    Parameters
    ----------
    objective : Objective
    held_out : HeldOut
    between : callable
        Called before every batch.

    Returns
    -------
    dict
        ``validation_…`` of each of `PARTS`, ``validation_spearman``, ``validation_rsa_…`` of each layer and their mean
        ``validation_rsa``; without signals the losses alone, and nothing without held-out images.
    """
    on_cpu = objective.state.device.type == "cpu"
    size = objective.recipe.batch_size if on_cpu else VALIDATED_AT_ONCE
    if not len(held_out.rows):
        return {}
    objective.state.backbone.eval()
    means, outputs = ConceptMeans(held_out.concepts_of_rows), []
    for batch, images in enumerate(objective.pixels(held_out.cache, held_out.rows, size)):
        between()
        logits, generated = objective.forward(images)
        outputs.append((logits.float(), *(signals.float() for signals in generated)))
        means.add(objective.features, slice(batch * size, batch * size + len(images)))
    objective.features.clear()
    logits, *generated = (torch.cat(batch) for batch in zip(*outputs, strict=True))
    rows = torch.from_numpy(held_out.rows).to(objective.state.device)
    measured = [signals[rows] for signals in held_out.signals]
    # The contrastive term compares images: one alone has none.
    mode = "none" if len(rows) == 1 else None
    _, parts = objective.losses(logits, generated, held_out.labels[rows], measured, mode)
    found = {f"validation_{name}": value for name, value in zip(PARTS, parts.tolist(), strict=True)}
    if not all(map(math.isfinite, found.values())):
        raise BadInputError(f"Got losses {parts.tolist()} of held-out images: expected finite numbers")
    if generated:
        correlations = [spearman_by_image(*pair).mean() for pair in zip(generated, measured, strict=True)]
        found["validation_spearman"] = float(torch.stack(correlations).mean())
    by_layer = means.similarity(*measured)
    if by_layer:
        found |= {f"validation_rsa_{layer}": value for layer, value in by_layer.items()}
        found["validation_rsa"] = sum(by_layer.values()) / len(by_layer)
    return found


@torch.no_grad()
def examples(objective: Objective, held_out: HeldOut) -> Examples | None:
    """Generate signals to some held-out images, each of another concept; None without such images or signals."""
    state = objective.state
    _, first = np.unique(held_out.concepts_of_rows, return_index=True)
    chosen = held_out.rows[np.sort(first)[:N_EXAMPLES]]
    if not len(chosen) or not held_out.signals:
        return None
    state.backbone.eval()
    _, generated = objective.forward(next(objective.pixels(held_out.cache, chosen, len(chosen))))
    rows = torch.from_numpy(chosen).to(state.device)

    def by_subject(signals: Iterable[Tensor]) -> dict[str, np.ndarray]:
        return {who: one.float().cpu().numpy() for who, one in zip(state.subjects, signals, strict=True)}

    measured = by_subject(one[rows] for one in held_out.signals)
    return Examples(tuple(held_out.images[index] for index in chosen), by_subject(generated), measured)
