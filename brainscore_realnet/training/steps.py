"""One step of a training: a forward pass in which features are kept, the losses of both sides, a change of the weights.

On a GPU a step can be captured once as a CUDA graph and replayed, so that Python starts one thing a step instead of
some thousand kernels.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from brainscore_realnet.networks.backbones import backbone as described
from brainscore_realnet.training.batches import batches
from brainscore_realnet.training.devices import memory_layout
from brainscore_realnet.training.images import ImageCache
from brainscore_realnet.training.losses import alignment_loss, classification_loss, generation_loss
from brainscore_realnet.training.recipes import Recipe
from brainscore_realnet.training.run_state import RunState

Step = Callable[[Tensor, Tensor], Tensor]
"""From images' indices (n,) and pixels (n, 3, size, size) to the parts of their loss, (4,) float64 on the device."""

_WARM_UP_STEPS = 3
_COMPARED_STEPS = 2
_TOLERANCE = 1e-2
"""Relative difference of the losses of captured and plain steps: other kernels round otherwise, bfloat16 most."""
_logger = logging.getLogger(__name__)


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
        with self._precision():
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


def fastest_step(objective: Objective, rows: Tensor, images: Tensor) -> Step:
    """Give the quickest way to run `Objective.step` on batches like these; the weights stay as they are.

    On a CUDA device the step is captured as a graph, and some captured steps are compared with plain ones from the same
    weights: where capturing fails or their losses differ, a warning is logged and the plain step given.
    """
    if objective.state.device.type != "cuda" or objective.teacher is not None:
        return objective.step
    before = _Snapshot(objective.state)
    try:
        captured = _captured(objective, rows, images, before)
        _refuse_other_losses(objective, captured, rows, images, before)
    except RuntimeError as error:
        _logger.warning("training without CUDA graph: %s", str(error).partition("\n")[0])
        captured = objective.step
    finally:
        before.restore()
        objective.state.optimiser.zero_grad(set_to_none=True)
    return captured


def _captured(objective: Objective, rows: Tensor, images: Tensor, before: "_Snapshot") -> Step:
    """Capture a step; batches of another size run plainly."""
    static_rows, static_images = rows.clone(), images.clone(memory_format=torch.preserve_format)
    beside = torch.cuda.Stream(objective.state.device)
    beside.wait_stream(torch.cuda.current_stream(objective.state.device))
    with torch.cuda.stream(beside):
        for _ in range(_WARM_UP_STEPS):
            objective.step(static_rows, static_images)
    torch.cuda.current_stream(objective.state.device).wait_stream(beside)
    before.restore()
    objective.state.optimiser.zero_grad(set_to_none=True)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        static_parts = objective.step(static_rows, static_images)

    def replay(rows: Tensor, images: Tensor) -> Tensor:
        if images.shape != static_images.shape:
            return objective.step(rows, images)
        static_rows.copy_(rows)
        static_images.copy_(images)
        graph.replay()
        return static_parts.clone()

    return replay


def _refuse_other_losses(
    objective: Objective, captured: Step, rows: Tensor, images: Tensor, before: "_Snapshot"
) -> None:
    """Raise RuntimeError unless captured steps lose as much as plain ones from the same weights."""
    found = []
    for step in (objective.step, captured):
        before.restore()
        found.append(torch.stack([step(rows, images) for _ in range(_COMPARED_STEPS)]))
    plain, replayed = found
    if not torch.allclose(plain, replayed, rtol=_TOLERANCE, atol=_TOLERANCE):
        raise RuntimeError(f"captured steps lose {replayed[:, 0].tolist()}, plain ones {plain[:, 0].tolist()}")


class _Snapshot:
    """All that steps change, to be put back in place: weights, buffers, optimiser, random numbers."""

    def __init__(self, state: RunState) -> None:
        self.state = state
        self.kept = [tensor.clone() for tensor in self._modules()]
        self.of_optimiser = [
            {name: value.clone() if isinstance(value, Tensor) else value for name, value in slot.items()}
            for slot in self._slots()
        ]
        self.random = torch.cuda.get_rng_state(state.device)

    @torch.no_grad()
    def restore(self) -> None:
        """Put everything back; what the optimiser had not yet made becomes 0, as when it makes it."""
        for tensor, kept in zip(self._modules(), self.kept, strict=True):
            tensor.copy_(kept)
        for slot, its in zip(self._slots(), self.of_optimiser, strict=True):
            for name, value in slot.items():
                if isinstance(value, Tensor):
                    value.copy_(its[name]) if name in its else value.zero_()
        torch.cuda.set_rng_state(self.random, self.state.device)

    def _modules(self) -> list[Tensor]:
        return [*self.state.backbone.state_dict().values(), *self.state.heads.state_dict().values()]

    def _slots(self) -> list[dict[str, Any]]:
        return [self.state.optimiser.state[parameter] for parameter in self.state.parameters]
