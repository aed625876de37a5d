"""A step captured as a CUDA graph: Python then starts one thing a step instead of some thousand kernels.

What is captured is trusted only after it did to the weights what plain steps do.
"""

import logging
import warnings
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from brainscore_realnet.training.devices import random_state, set_random_state
from brainscore_realnet.training.run_state import RunState
from brainscore_realnet.training.steps import Objective, Step

WARM_UP_STEPS = 3
COMPARED_STEPS = 2
LOSS_TOLERANCE = 1e-2
"""Greatest relative difference of the losses of captured and plain steps: bfloat16 may round otherwise."""
CHANGE_TOLERANCE = 0.3
"""Greatest difference of the changed weights, as a share of the change; steps that change nothing have 1."""

Capture = Callable[[Objective, Tensor, Tensor], Step]

_logger = logging.getLogger(__name__)


def fastest_step(objective: Objective, rows: Tensor, images: Tensor) -> Step:
    """Give the quickest way to run `Objective.step`; weights, optimiser and random numbers stay as they are.

    On a CUDA device the step is captured as a graph for batches of this size, and `verified`.

    Parameters
    ----------
    objective : Objective
        In training mode, on its device.
    rows, images : Tensor
        A batch, as `Step` takes it.
    """
    device = objective.state.device
    if device.type != "cuda" or objective.teacher is not None:
        return objective.step
    # the last batch of an epoch, of another size, runs plainly
    warnings.filterwarnings("ignore", message=".*capturable=True, but step.* is running without CUDA graph capture")
    with torch.cuda.device(device):
        return verified(objective, rows, images, _captured)


def verified(objective: Objective, rows: Tensor, images: Tensor, capture: Capture) -> Step:
    """Give what `capture` makes of the step if it does what plain steps do from the same weights, else the plain step.

    Where capturing fails, or losses, weights, batch norm statistics or the optimiser's count of steps differ, a warning
    is logged.
    """
    before = _Snapshot(objective.state)
    try:
        captured = capture(objective, rows, images)
        plain, replayed = (_effect(step, objective, rows, images, before) for step in (objective.step, captured))
        _refuse_other_effect(plain, replayed, before)
    except RuntimeError as error:
        _logger.warning("training without CUDA graph: %s", str(error).partition("\n")[0])
        captured = objective.step
    finally:
        before.restore()
    return captured


def _captured(objective: Objective, rows: Tensor, images: Tensor) -> Step:
    """Capture a step on the current CUDA device, which changes the weights; batches of another size run plainly."""
    static_rows, static_images = rows.clone(), images.clone(memory_format=torch.preserve_format)
    beside = torch.cuda.Stream()
    beside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(beside):
        for _ in range(WARM_UP_STEPS):
            objective.step(static_rows, static_images)
    torch.cuda.current_stream().wait_stream(beside)
    graph = torch.cuda.CUDAGraph()
    # thread_local: other threads, which load images and write checkpoints, may use CUDA meanwhile
    with torch.cuda.graph(graph, stream=beside, capture_error_mode="thread_local"):
        static_parts = objective.step(static_rows, static_images)

    def replay(rows: Tensor, images: Tensor) -> Tensor:
        if images.shape != static_images.shape:
            return objective.step(rows, images)
        static_rows.copy_(rows)
        static_images.copy_(images)
        graph.replay()
        return static_parts.clone()

    return replay


class _Snapshot:
    """All that steps change, to be put back in place: weights, buffers, optimiser, random numbers."""

    def __init__(self, state: RunState) -> None:
        self.state = state
        self.parameters = [parameter.detach().clone() for parameter in state.parameters]
        self.buffers = [buffer.clone() for buffer in _buffers(state)]
        self.of_optimiser = [
            {name: value.clone() for name, value in slot.items() if isinstance(value, Tensor)} for slot in _slots(state)
        ]
        self.random = random_state(state.device)

    def counts(self) -> list[float]:
        """Give the numbers of steps that the optimiser counted."""
        return [float(slot["step"]) for slot in self.of_optimiser if "step" in slot]

    @torch.no_grad()
    def restore(self) -> None:
        """Put everything back; what the optimiser had not yet made becomes 0, as when it makes it."""
        for parameter, kept in zip(self.state.parameters, self.parameters, strict=True):
            parameter.copy_(kept)
        for buffer, kept in zip(_buffers(self.state), self.buffers, strict=True):
            buffer.copy_(kept)
        for slot, its in zip(_slots(self.state), self.of_optimiser, strict=True):
            for name, value in slot.items():
                if isinstance(value, Tensor):
                    value.copy_(its[name]) if name in its else value.zero_()
        self.state.optimiser.zero_grad(set_to_none=True)
        set_random_state(self.random, self.state.device)


def _effect(
    step: Step, objective: Objective, rows: Tensor, images: Tensor, before: _Snapshot
) -> tuple[Tensor, _Snapshot]:
    """Take a few steps from the same weights: the parts of their losses, (steps, 4), and what they led to."""
    before.restore()
    parts = torch.stack([step(rows, images) for _ in range(COMPARED_STEPS)])
    return parts, _Snapshot(objective.state)


def _refuse_other_effect(
    plain: tuple[Tensor, _Snapshot], replayed: tuple[Tensor, _Snapshot], before: _Snapshot
) -> None:
    """Raise RuntimeError unless captured steps lose and change what plain ones do."""
    (parts, after), (replayed_parts, replayed_after) = plain, replayed
    if not torch.allclose(parts, replayed_parts, rtol=LOSS_TOLERANCE, atol=LOSS_TOLERANCE):
        raise RuntimeError(f"captured steps lose {replayed_parts.tolist()}, plain ones {parts.tolist()}")
    for what in ("parameters", "buffers"):
        first, one, other = (getattr(snapshot, what) for snapshot in (before, after, replayed_after))
        difference, change = _distance(one, other), _distance(one, first)
        if difference > CHANGE_TOLERANCE * change:
            raise RuntimeError(f"captured steps change {what} otherwise: by {difference:.3g} of {change:.3g}")
    if after.counts() != replayed_after.counts():
        raise RuntimeError("captured steps are not counted by the optimiser")


def _distance(some: list[Tensor], others: list[Tensor]) -> float:
    """Give the Euclidean distance over all tensors."""
    squares = [(one - other).double().square().sum() for one, other in zip(some, others, strict=True)]
    return float(torch.stack(squares).sum().sqrt()) if squares else 0.0


def _buffers(state: RunState) -> list[Tensor]:
    return [*state.backbone.buffers(), *state.heads.buffers()]


def _slots(state: RunState) -> list[dict[str, Any]]:
    return [state.optimiser.state[parameter] for parameter in state.parameters]
