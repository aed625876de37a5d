"""What changes while a network is trained, what a checkpoint holds of it, and what it leads to."""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.backbones import backbone as described
from brainscore_realnet.networks.checkpoint_forms import join_state_dict
from brainscore_realnet.networks.generation_head import GenerationHead
from brainscore_realnet.training.data import AcrossSubjects, TrainingData
from brainscore_realnet.training.devices import memory_layout, random_state, set_random_state
from brainscore_realnet.training.recipes import Recipe

PARTS = ("loss", "classification", "mse", "contrastive")
"""Parts of the loss in the curves: L^A, L^C, L^MSE and L^Cont; the last two are 0 without signals."""

MILDER = "Train with a lower learning rate, with clip_norm, or with precision fp32."


@dataclass(frozen=True)
class Examples:
    """Generated beside measured signals to a few held-out images."""

    images: tuple[Path, ...]
    """(n,)"""
    generated: dict[str, np.ndarray]
    """Subject to (n, n_signals) float32, z-scored"""
    measured: dict[str, np.ndarray]
    """The same of what was measured"""


@dataclass(frozen=True)
class Trained:
    """What training leads to; all tensors are on the CPU, of float32 where they are floating."""

    weights: dict[str, Tensor]
    """Of the last epoch, in the form of `join_state_dict`; several heads have their subject in front"""
    best: dict[str, Tensor] | None
    """The same of the epoch with the lowest validation loss; None when no concept is held out"""
    best_epoch: int | None
    """That epoch, from 1"""
    curves: list[dict[str, float]]
    """One an epoch: ``epoch``, ``steps``, ``seconds``, ``training_…`` and ``validation_…`` of each of `PARTS`,
    ``validation_spearman`` of generated and measured signals, the mean over held-out images, and ``validation_rsa_…``
    of each layer with the brain and their mean ``validation_rsa``. The validation losses are over all held-out images
    at once, so that L^Cont compares more images than in a batch"""
    steps: int
    """Steps done"""
    seconds: float
    """Time that they took, interruptions left out"""
    examples: Examples | None
    """Signals to a few held-out images after the last epoch; None without held-out concepts or signals"""


class RunState:
    """All that changes while a network is trained, and that a checkpoint holds."""

    def __init__(
        self, recipe: Recipe, network: nn.Module, data: TrainingData | AcrossSubjects, device: torch.device
    ) -> None:
        self.backbone = deepcopy(network).float().requires_grad_(True)
        self.layers = layers_of(recipe)
        by_subject = by_subject_of(recipe, data)
        heads = [
            GenerationHead.for_backbone(self.backbone, self.layers, one.n_signals, recipe.image_size, recipe.hidden)
            for one in by_subject
        ]
        self.subjects = [str(one.subject) for one in by_subject]
        self.backbone.to(device).to(memory_format=memory_layout(device, recipe.precision))
        self.heads = nn.ModuleList(heads).to(device)
        self.device = device
        self.parameters = [*self.backbone.parameters(), *self.heads.parameters()]
        self._capturable = device.type == "cuda" and not recipe.reference
        self.optimiser = torch.optim.Adam(
            self.parameters,
            lr=recipe.learning_rate,
            betas=recipe.adam_betas,
            eps=recipe.adam_epsilon,
            weight_decay=recipe.weight_decay,
            fused=device.type in ("cpu", "cuda"),
            capturable=self._capturable,
        )
        self.step = 0
        self.seconds = 0.0
        self.sums = torch.zeros(len(PARTS), dtype=torch.float64, device=device)
        self.curves: list[dict[str, float]] = []
        self.best: dict[str, Tensor] | None = None
        self.best_epoch: int | None = None

    def weights(self) -> dict[str, Tensor]:
        """Copy the weights to the CPU, in the form in which the store keeps them."""
        heads = [_on_cpu(head) for head in self.heads]
        if len(heads) > 1:
            heads = [
                {f"{who}.{name}": value for name, value in head.items()}
                for who, head in zip(self.subjects, heads, strict=True)
            ]
        return join_state_dict(_on_cpu(self.backbone), {name: value for head in heads for name, value in head.items()})

    def record(self) -> dict[str, Any]:
        """Copy everything as a checkpoint holds it, so that training may go on while it is written."""
        self._refuse_broken_weights()
        changing = {
            "backbone": self.backbone.state_dict(),
            "heads": self.heads.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "random": random_state(self.device),
            "sums": self.sums,
            "curves": self.curves,
        }
        # the best weights are replaced as a whole, never changed
        fixed = {"step": self.step, "seconds": self.seconds, "best": self.best, "best_epoch": self.best_epoch}
        return {**_copied(changing), **fixed}

    def restore(self, saved: dict[str, Any]) -> None:
        """Take over what `record` gave."""
        self.backbone.load_state_dict(saved["backbone"])
        self.heads.load_state_dict(saved["heads"])
        self.optimiser.load_state_dict(saved["optimiser"])
        for group in self.optimiser.param_groups:
            group["capturable"] = self._capturable  # the run may go on on another kind of device
        self.sums.copy_(saved["sums"])
        for name in ("step", "seconds", "curves", "best", "best_epoch"):
            setattr(self, name, saved[name])
        set_random_state(saved["random"], self.device)

    def trained(self, examples: Examples | None) -> Trained:
        """Give the result."""
        curves = list(self.curves)
        return Trained(self.weights(), self.best, self.best_epoch, curves, self.step, self.seconds, examples)

    def _refuse_broken_weights(self) -> None:
        norms = torch.stack(torch._foreach_norm([value.detach() for value in self.parameters]))
        if not bool(norms.isfinite().all()):
            raise BadInputError(
                f"Got weights that are not finite after step {self.step}: expected numbers. The last checkpoint is "
                f"kept. {MILDER}"
            )


def by_subject_of(recipe: Recipe, data: TrainingData | AcrossSubjects) -> tuple[TrainingData, ...]:
    """Give the data of every subject that has a head; none without signals."""
    if not recipe.beta:
        return ()
    return data.by_subject if isinstance(data, AcrossSubjects) else (data,)


def layers_of(recipe: Recipe) -> tuple[str, ...]:
    """Name the layers whose features generate signals; none without signals."""
    if not recipe.beta:
        return ()
    return recipe.layers or tuple(described(recipe.backbone).areas.values())


def _copied(value: Any) -> Any:
    """Copy lists, dicts and tensors, the latter to the CPU."""
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {name: _copied(item) for name, item in value.items()}
    return [_copied(item) for item in value] if isinstance(value, list) else value


def _on_cpu(module: nn.Module) -> dict[str, Tensor]:
    """Copy a module's weights, in memory order as safetensors wants them."""
    return {name: value.detach().to("cpu", copy=True).contiguous() for name, value in module.state_dict().items()}
