"""One step of a training: a forward pass that keeps features, the losses of both sides, a change of the weights."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext

import numpy as np
import torch
from torch import Tensor, nn

from brainscore_realnet.networks.backbones import backbone as described
from brainscore_realnet.training.batches import batches
from brainscore_realnet.training.convolutions import FasterConvolutions
from brainscore_realnet.training.devices import memory_layout
from brainscore_realnet.training.images import ImageCache
from brainscore_realnet.training.losses import alignment_loss, classification_loss, generation_loss
from brainscore_realnet.training.recipes import Recipe
from brainscore_realnet.training.run_state import RunState

Step = Callable[[Tensor, Tensor], Tensor]
"""From images' indices (n,) and pixels (n, 3, size, size) to the parts of their loss, (4,) float64 on the device."""


class Objective:
    """What a training minimises, and how one batch changes the weights.

    Parameters
    ----------
    recipe : Recipe
    state : RunState
    features : dict of str to Tensor
        What `recorded_layers` fills when the backbone runs.
    labels : Tensor, shape (images,), int64
        The pretrained network's, on the device.
    signals : sequence of Tensor, each of shape (images, n_signals)
        One a head, on the device.
    teacher : nn.Module, optional
        Gives labels batch by batch instead, where the released code is followed.
    """

    def __init__(
        self,
        recipe: Recipe,
        state: RunState,
        features: dict[str, Tensor],
        labels: Tensor,
        signals: Sequence[Tensor],
        teacher: nn.Module | None = None,
    ) -> None:
        self.recipe, self.state, self.features = recipe, state, features
        self.about = described(recipe.backbone)
        self.labels, self.signals, self.teacher = labels, signals, teacher

    def step(self, rows: Tensor, images: Tensor) -> Tensor:
        """Change the weights once; see `Step`. Nothing waits for the device but the checks on a CPU."""
        labels = self.labels[rows] if self.teacher is None else self._labels_as_released(self.teacher, images)
        logits, generated = self.forward(images)
        loss, parts = self.losses(logits, generated, labels, [measured[rows] for measured in self.signals])
        self.state.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        if self.recipe.clip_norm is not None:
            nn.utils.clip_grad_norm_(self.state.parameters, self.recipe.clip_norm)
        self.state.optimiser.step()
        self.features.clear()
        return parts

    def pixels(self, cache: ImageCache, order: np.ndarray, size: int) -> Iterator[Tensor]:
        """Give images of a cache in an order, (n, 3, height, width), `size` at a time, as the network takes them."""
        device = self.state.device
        layout = memory_layout(device, self.recipe.precision)
        found = batches(cache, order, size, device, self.about.mean, self.about.std)
        return (images.contiguous(memory_format=layout) for images in found)

    def forward(self, images: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Run the network: logits (n, classes), and every head's signals (n, n_signals)."""
        with self._precision(), self._convolutions():
            logits = self.state.backbone(images)
            if self.teacher is not None and self.state.backbone.training:
                self.state.backbone(images)  # the released code generates from the features of a second pass
            return logits, [head(self.features) for head in self.state.heads]

    def losses(
        self,
        logits: Tensor,
        generated: Sequence[Tensor],
        labels: Tensor,
        measured: Sequence[Tensor],
        mode: str | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Compute L^A of a batch, and its parts without gradient, (4,) float64; `mode` is in place of the recipe's."""
        classification = classification_loss(logits, labels)
        by_head = [
            generation_loss(signals, its, mode or self.recipe.contrastive)
            for signals, its in zip(generated, measured, strict=True)
        ]
        mse, contrastive, total = (
            [torch.stack(values).mean() for values in zip(*by_head, strict=True)]
            if by_head
            else [torch.zeros_like(classification)] * 3
        )
        loss = alignment_loss(classification, total, self.recipe.beta)
        return loss, torch.stack([loss, classification, mse, contrastive]).detach().double()

    @torch.no_grad()
    def _labels_as_released(self, teacher: nn.Module, images: Tensor) -> Tensor:
        with self._precision():
            return teacher(images).argmax(1)

    def _precision(self) -> torch.autocast:
        low = self.recipe.precision == "bf16"
        return torch.autocast(self.state.device.type, dtype=torch.bfloat16, enabled=low)

    def _convolutions(self) -> AbstractContextManager[object]:
        exact = self.recipe.precision == "fp32" and self.state.device.type == "cpu"
        return FasterConvolutions() if exact else nullcontext()
