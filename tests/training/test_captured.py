import copy
import logging
import math

import pytest
import torch
from test_trainer import LAYERS, RECIPE, run_toy, same, tiny, toy

from brainscore_realnet.networks.recording import recorded_layers
from brainscore_realnet.training import captured, trainer
from brainscore_realnet.training.captured import fastest_step, verified
from brainscore_realnet.training.devices import random_state
from brainscore_realnet.training.run_state import RunState
from brainscore_realnet.training.steps import Objective

cuda = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")


@pytest.fixture
def objective():
    data, _ = toy()
    torch.manual_seed(0)
    state = RunState(RECIPE, tiny(), data, torch.device("cpu"))
    state.backbone.train()
    with recorded_layers(state.backbone, LAYERS) as features:
        labels = torch.zeros(40, dtype=torch.int64)
        yield Objective(RECIPE, state, features, labels, [torch.from_numpy(data.signals)])


@pytest.fixture
def batch():
    return torch.arange(8), torch.randn(8, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def everything(objective):
    state = objective.state
    tensors = [*state.backbone.state_dict().values(), *state.heads.state_dict().values()]
    slots = [state.optimiser.state.get(parameter, {}) for parameter in state.parameters]
    return copy.deepcopy((tensors, slots, random_state(state.device)))


def assert_nothing_changed(before, after):
    for one, other in zip(before[0], after[0], strict=True):
        assert torch.equal(one, other)
    for one, other in zip(before[1], after[1], strict=True):
        for name, value in other.items():
            assert torch.equal(value, one[name] if one else torch.zeros_like(value)), name
    assert torch.equal(before[2]["torch"], after[2]["torch"])


def failing(*_):
    raise RuntimeError("operation not permitted when stream is capturing\nmore")


def idle(objective, rows, images):
    parts = objective.step(rows, images)  # as a graph that was captured on another device: it ran once
    return lambda rows, images: parts.clone()


def other_batch(objective, rows, images):
    return lambda rows, images: objective.step(rows.flip(0), -3 * images)


def without_batch_norm(objective, rows, images):
    def step(rows, images):
        kept = [buffer.clone() for buffer in objective.state.backbone.buffers()]
        parts = objective.step(rows, images)
        for buffer, old in zip(objective.state.backbone.buffers(), kept, strict=True):
            buffer.copy_(old)
        return parts

    return step


@pytest.mark.parametrize("steps_before", [0, 2])
@pytest.mark.parametrize("capture", [failing, idle, other_batch, without_batch_norm])
def test_what_does_not_do_as_plain_steps_is_not_used_and_leaves_no_trace(
    objective, batch, capture, steps_before, caplog
):
    for _ in range(steps_before):
        objective.step(*batch)
    before = everything(objective)
    step = verified(objective, *batch, capture)
    assert step == objective.step
    assert "training without CUDA graph: " in caplog.text
    assert_nothing_changed(before, everything(objective))


def test_idle_replays_are_found_out_although_the_loss_hardly_changes(objective, batch, caplog):
    objective.state.backbone.drop.p = 0.0
    for group in objective.state.optimiser.param_groups:
        group["lr"] = 1e-9
    assert verified(objective, *batch, idle) == objective.step
    assert "captured steps change parameters otherwise" in caplog.text


def test_what_does_as_plain_steps_is_used_and_leaves_no_trace(objective, batch, caplog):
    caplog.set_level(logging.WARNING)
    before = everything(objective)

    def faithful(objective, rows, images):
        objective.step(rows, images)  # warming up
        return lambda rows, images: objective.step(rows, images)

    step = verified(objective, *batch, faithful)
    assert step != objective.step
    assert not caplog.records
    assert_nothing_changed(before, everything(objective))


def test_on_a_cpu_steps_are_plain(objective, batch):
    assert fastest_step(objective, *batch) == objective.step


def test_the_first_whole_batch_is_captured_and_a_smaller_last_one_never(tmp_path, monkeypatch):
    sizes = []

    def noted(objective, rows, images):
        sizes.append(len(rows))
        return objective.step

    monkeypatch.setattr(trainer, "fastest_step", noted)
    with pytest.raises(trainer.Interrupted):
        run_toy(tmp_path, RECIPE.changed(holdout=0), n_images=36, until=4)
    run_toy(tmp_path, RECIPE.changed(holdout=0), n_images=36)  # goes on with the last batch, of 4 images
    assert sizes == [8, 8]


@cuda
def test_captured_training_is_that_of_plain_steps(tmp_path, monkeypatch):
    data, cache = toy(44)
    recipe = RECIPE.changed(epochs=3)

    def run(name):
        return trainer.train(recipe, tiny(), data, cache, tmp_path / name, device="cuda", progress=False)

    graph = run("graph")
    assert same(graph.weights, run("again").weights)
    with pytest.raises(trainer.Interrupted):
        trainer.train(recipe, tiny(), data, cache, tmp_path / "cut", device="cuda", progress=False, until=7)
    assert same(graph.weights, run("cut").weights)
    monkeypatch.setattr(captured, "_captured", failing)
    plain = run("plain")
    for name, value in plain.weights.items():
        torch.testing.assert_close(graph.weights[name], value, rtol=1e-4, atol=1e-5)


@cuda
def test_capturing_works(objective, batch, caplog):
    data, _ = toy()
    device = torch.device(
        "cuda", torch.cuda.device_count() - 1
    )  # another than the current one, where there are several
    state = RunState(RECIPE, tiny(), data, device)
    state.backbone.train()
    with recorded_layers(state.backbone, LAYERS) as features:
        labels = torch.zeros(40, dtype=torch.int64, device=device)
        on_gpu = Objective(RECIPE, state, features, labels, [torch.from_numpy(data.signals).to(device)])
        step = fastest_step(on_gpu, *(part.to(device) for part in batch))
    assert not caplog.records
    assert step != on_gpu.step
    assert math.isfinite(step(*(part.to(device) for part in batch))[0].item())
