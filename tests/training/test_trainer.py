import csv
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr
from torch import nn

import brainscore_realnet
from brainscore_realnet.errors import BadInputError, StoreError
from brainscore_realnet.networks.backbones import backbone as described
from brainscore_realnet.networks.checkpoints import split_state_dict
from brainscore_realnet.networks.generation_head import GenerationHead
from brainscore_realnet.networks.recording import recorded_layers
from brainscore_realnet.training import checkpoints, devices, trainer
from brainscore_realnet.training.batches import batches
from brainscore_realnet.training.checkpoints import Interrupted, Stop
from brainscore_realnet.training.data import TrainingData, across_subjects
from brainscore_realnet.training.division import derangement, holdout
from brainscore_realnet.training.images import ImageCache
from brainscore_realnet.training.recipes import REALNET_EEG
from brainscore_realnet.training.teacher import teacher_labels, weights_sha256
from brainscore_realnet.training.trainer import epoch_order, train

LAYERS = ("one", "two", "three", "four")
RECIPE = REALNET_EEG.changed(
    dataset="sim-things-eeg2-toy",
    subject=1,
    layers=LAYERS,
    image_size=32,
    hidden=16,
    batch_size=8,
    epochs=2,
    holdout=0.2,
    learning_rate=1e-3,
    precision="fp32",
    checkpoint_every=3,
)
N_SIGNALS = 20


class Tiny(nn.Module):
    """Ten classes, four layers, and dropout, so that the random state matters."""

    def __init__(self):
        super().__init__()
        widths = (3, 6, 6, 8, 8)
        for name, before, after in zip(LAYERS, widths, widths[1:], strict=False):
            block = nn.Sequential(nn.Conv2d(before, after, 3, 2, 1), nn.BatchNorm2d(after), nn.ReLU())
            self.add_module(name, block)
        self.drop = nn.Dropout(0.2)
        self.classify = nn.Linear(8, 10)

    def forward(self, images):
        features = images
        for name in LAYERS:
            features = self.get_submodule(name)(features)
        return self.classify(self.drop(features.mean((2, 3))))


def tiny():
    with torch.random.fork_rng():
        torch.manual_seed(5)
        network = Tiny()
        for module in network.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.running_mean.normal_()
        return network.eval()


def toy(n_images=40, n_concepts=10, subject="sub-01", seed=0):
    """Images of four random colours, and signals that are linear in them: what a network can learn."""
    rng = np.random.default_rng(seed)
    colours = np.random.default_rng(1).integers(0, 256, (n_images, 2, 2, 3))
    pixels = colours.repeat(16, axis=1).repeat(16, axis=2).astype(np.uint8)
    values = colours.reshape(n_images, 12) / 255 @ rng.normal(size=(12, N_SIGNALS))
    signals = ((values - values.mean()) / values.std()).astype(np.float32)
    images = tuple(Path(f"image{number:02d}.png") for number in range(n_images))
    concepts = tuple(f"c{number % n_concepts}" for number in range(n_images))
    names = ("sim", subject, images, concepts, signals, (N_SIGNALS,), 0.0, 1.0, (), (), "aa", "ab" if seed else "aa")
    return TrainingData(*names), ImageCache(Path("toy.npy"), "cc", torch.from_numpy(pixels))


def run_toy(run, recipe=RECIPE, n_images=40, network=None, **kwargs):
    data, cache = toy(n_images)
    return train(recipe, network or tiny(), data, cache, run, device="cpu", progress=False, **kwargs)


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    """Sums depend on how they are shared out, and other tests and processes may share them out otherwise."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Training without interruption: 2 epochs of 4 steps."""
    return run_toy(tmp_path_factory.mktemp("whole"))


def raising_at(monkeypatch, step, error):
    """Have the step after `step` others fail before it changes a weight."""
    original = trainer._Trainer._step

    def failing(self, rows, images):
        if self.state.step == step:
            error()
        return original(self, rows, images)

    monkeypatch.setattr(trainer._Trainer, "_step", failing)


class PowerCutError(Exception):
    pass


def power_cut():
    raise PowerCutError


def test_two_runs_are_identical_and_another_seed_differs(whole, tmp_path):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    again = run_toy(tmp_path / "again")
    assert same(whole.weights, again.weights)
    assert same(whole.best, again.best)
    seconds = {"seconds": 0.0}
    assert [one | seconds for one in whole.curves] == [one | seconds for one in again.curves]
    assert not same(whole.weights, run_toy(tmp_path / "other", RECIPE.changed(seed=1)).weights)
    assert torch.equal(torch.get_rng_state(), before[0])
    np.testing.assert_array_equal(np.random.get_state()[1], before[1])


@pytest.mark.parametrize("step", [0, 1, 3, 5, 7])
def test_run_cut_off_anywhere_ends_with_the_same_weights(whole, tmp_path, monkeypatch, step):
    with monkeypatch.context() as patch:
        raising_at(patch, step, power_cut)
        with pytest.raises(PowerCutError):
            run_toy(tmp_path)
    resumed = run_toy(tmp_path)
    assert same(whole.weights, resumed.weights)
    assert same(whole.best, resumed.best)
    assert (whole.steps, whole.best_epoch) == (resumed.steps, resumed.best_epoch)
    for one, other in zip(whole.curves, resumed.curves, strict=True):
        assert {**one, "seconds": 0} == {**other, "seconds": 0}


@pytest.mark.parametrize("place", ["_validate", "_save"])
def test_run_cut_off_between_steps_ends_with_the_same_weights(whole, tmp_path, monkeypatch, place):
    with monkeypatch.context() as patch:
        patch.setattr(trainer._Trainer, place, lambda self: power_cut())
        with pytest.raises(PowerCutError):
            run_toy(tmp_path)
    assert same(whole.weights, run_toy(tmp_path).weights)


def test_run_killed_again_and_again_ends_with_the_same_weights(whole, tmp_path):
    run, done = tmp_path / "run", tmp_path / "done"
    code = (
        "import sys, time; sys.path.insert(0, sys.argv[1]); import test_trainer as toy\n"
        "step = toy.trainer._Trainer._step\n"
        "def slow(self, rows, images): time.sleep(0.05); return step(self, rows, images)\n"
        "toy.trainer._Trainer._step = slow\n"
        "toy.torch.set_num_threads(1)\n"
        "print('begun', flush=True)\n"
        "toy.run_toy(sys.argv[2], toy.RECIPE.changed(checkpoint_every=1))\n"
        "open(sys.argv[3], 'w').close()"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(brainscore_realnet.__file__).parents[1])}
    command = [sys.executable, "-c", code, str(Path(__file__).parent), str(run), str(done)]
    seed = int(time.time())
    print(f"delays drawn with seed {seed}")
    rng, kills = np.random.default_rng(seed), 0
    while not done.exists() and kills < 6:  # each time for long enough that some steps are done
        with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE) as child:
            child.stdout.readline()
            time.sleep(rng.uniform(0.1, 0.6))
            child.kill()
        kills += 1
    assert kills > 1
    assert same(whole.weights, run_toy(run).weights)


@pytest.mark.parametrize(("name", "step"), [("SIGTERM", 1), ("SIGINT", 4), ("SIGUSR1", 6)])
def test_signal_finishes_the_step_saves_and_stops(whole, tmp_path, monkeypatch, name, step):
    handler = signal.getsignal(getattr(signal, name))
    with monkeypatch.context() as patch:
        raising_at(patch, step, lambda: os.kill(os.getpid(), getattr(signal, name)))
        with pytest.raises(Interrupted, match=f"Got {name}: stopped after step {step + 1} of 8, .*to go on"):
            run_toy(tmp_path)
    assert (tmp_path / f"checkpoint-{step + 1:08d}.pt").is_file()
    assert signal.getsignal(getattr(signal, name)) is handler
    assert same(whole.weights, run_toy(tmp_path).weights)


def test_signal_during_validation_stops_before_the_next_epoch(whole, tmp_path, monkeypatch):
    validate = trainer._Trainer._validate
    with monkeypatch.context() as patch:

        def asked(self):
            os.kill(os.getpid(), signal.SIGTERM)
            return validate(self)

        patch.setattr(trainer._Trainer, "_validate", asked)
        with pytest.raises(Interrupted, match="after step 4 of 8"):
            run_toy(tmp_path)
    resumed = run_toy(tmp_path)
    assert same(whole.weights, resumed.weights)
    assert resumed.curves[0]["validation_loss"] == whole.curves[0]["validation_loss"]


def test_until_stops_after_so_many_steps_in_all(whole, tmp_path):
    for steps in (2, 5, 5):
        with pytest.raises(Interrupted, match=f"Got until={steps}: stopped after step {steps} of 8"):
            run_toy(tmp_path, until=steps)
    assert same(whole.weights, run_toy(tmp_path).weights)


def test_checkpoint_that_cannot_be_written_stops_the_run_and_the_one_before_stays(whole, tmp_path, monkeypatch):
    save = checkpoints.save

    def full(run, step, state, origin):
        if step == 6:
            raise StoreError("Got no space")
        return save(run, step, state, origin)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "save", full)
        with pytest.raises(StoreError, match="Got no space"):
            run_toy(tmp_path)
    assert [path.name for path in tmp_path.glob("*.pt")] == ["checkpoint-00000003.pt"]
    assert same(whole.weights, run_toy(tmp_path).weights)


def test_checkpoint_is_also_written_when_the_last_one_is_old(tmp_path, monkeypatch):
    monkeypatch.setattr(trainer, "CHECKPOINT_SECONDS", 0.0)
    with monkeypatch.context() as patch:
        raising_at(patch, 3, power_cut)
        with pytest.raises(PowerCutError):
            run_toy(tmp_path, RECIPE.changed(checkpoint_every=10**6))
    assert list(tmp_path.glob("checkpoint-*3.pt"))


def test_second_trainer_of_a_run_is_refused(tmp_path):
    with checkpoints.only_trainer(tmp_path), pytest.raises(StoreError, match=f"process {os.getpid()} on .* trains"):
        run_toy(tmp_path)


def test_too_little_memory_says_what_to_do(tmp_path, monkeypatch):
    def failing(*_):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB. GPU 0 has")

    monkeypatch.setattr(trainer.Objective, "step", failing)
    with pytest.raises(BadInputError, match=r"\(CUDA out of memory\): use a smaller batch_size.* step 1, in epoch 1"):
        run_toy(tmp_path)


def test_finished_run_is_not_trained_again(whole, tmp_path, monkeypatch):
    run_toy(tmp_path)
    raising_at(monkeypatch, 8, power_cut)
    again = run_toy(tmp_path)
    assert same(again.weights, whole.weights)
    assert (again.steps, len(again.curves)) == (8, 2)


def test_network_learns_what_can_be_learned(tmp_path):
    trained = run_toy(tmp_path, RECIPE.changed(epochs=15, learning_rate=3e-3), n_images=100)
    first, last = trained.curves[0], trained.curves[-1]
    for name in ("training_loss", "training_mse", "validation_loss"):
        assert last[name] < 0.8 * first[name]
    assert last["validation_spearman"] > 0.5
    assert last["validation_spearman"] > first["validation_spearman"]


def test_curves_are_those_of_the_weights(tmp_path):
    trained = run_toy(tmp_path)
    data, cache = toy()
    _, held = holdout(data.concepts, 0.2, 0)
    network = tiny()
    backbone, head = split_state_dict(trained.weights)
    network.load_state_dict(backbone)
    reader = GenerationHead.for_backbone(network, LAYERS, N_SIGNALS, 32, 16)
    reader.load_state_dict(head)
    images = torch.cat(list(batches(cache, held, 8, "cpu")))
    with torch.no_grad(), recorded_layers(network, LAYERS) as features:
        network(images)
        generated = reader(features).numpy()
    expected = np.mean([spearmanr(*pair).statistic for pair in zip(generated, data.signals[held], strict=True)])
    assert trained.curves[-1]["validation_spearman"] == pytest.approx(expected, abs=1e-6)
    mse = ((generated - data.signals[held]) ** 2).mean()
    assert trained.curves[-1]["validation_mse"] == pytest.approx(mse, rel=1e-5)
    curve = trained.curves[-1]
    for side in ("training", "validation"):
        generation = curve[f"{side}_mse"] + curve[f"{side}_contrastive"]
        assert curve[f"{side}_loss"] == pytest.approx(curve[f"{side}_classification"] + 100 * generation, rel=1e-5)
    rows = list(csv.DictReader((tmp_path / "curves.csv").open()))
    assert [{name: float(value) for name, value in row.items()} for row in rows] == trained.curves


def test_first_step_is_adam_on_the_literal_loss(tmp_path):
    recipe = RECIPE.changed(contrastive="pearson", epochs=1, batch_size=32, holdout=0.2)
    trained = run_toy(tmp_path, recipe)
    assert trained.steps == 1
    data, cache = toy()
    taught, _ = holdout(data.concepts, 0.2, 0)
    order = taught[epoch_order(32, 0, 0)]
    images = torch.from_numpy((cache.pixels[order].numpy() / 255 - trainer_mean()) / trainer_std())
    images = images.float().permute(0, 3, 1, 2)
    network = tiny()
    with torch.no_grad():
        labels = network(images).argmax(1)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        head = GenerationHead.for_backbone(network, LAYERS, N_SIGNALS, 32, 16)
        network.train()
        with recorded_layers(network, LAYERS) as features:
            logits = network(images)
    generated, measured = head(features), torch.from_numpy(data.signals[order])
    rho = torch.corrcoef(torch.cat([generated, measured]))[:32, 32:]
    contrastive = (1 - rho.diagonal()).mean() - (1 - rho[~torch.eye(32, dtype=torch.bool)]).mean()
    loss = nn.functional.cross_entropy(logits, labels) + 100 * (((generated - measured) ** 2).mean() + contrastive)
    assert trained.curves[0]["training_loss"] == pytest.approx(loss.item(), rel=1e-5)
    loss.backward()
    torch.optim.Adam([*network.parameters(), *head.parameters()], lr=1e-3).step()
    backbone, _ = split_state_dict(trained.weights)
    for name, value in network.state_dict().items():
        # biases before batch norm have no gradient but rounding, which Adam makes as large as any
        if not name.endswith("0.bias"):
            torch.testing.assert_close(backbone[name], value, rtol=1e-4, atol=2e-5)


def trainer_mean():
    return np.array(described("cornet_s").mean)


def trainer_std():
    return np.array(described("cornet_s").std)


def test_published_contrastive_term_changes_no_weight(tmp_path):
    runs = {mode: run_toy(tmp_path / mode, RECIPE.changed(contrastive=mode)) for mode in ("published", "none")}
    assert same(runs["published"].weights, runs["none"].weights)
    assert runs["none"].curves[0]["training_contrastive"] == 0 != runs["published"].curves[0]["training_contrastive"]


def test_without_signals_there_is_no_head(tmp_path):
    data, cache = toy()
    bare = replace(data, subject=None, signals=np.empty((40, 0), np.float32), signal_shape=(0,))
    recipe = RECIPE.changed(beta=0, subject=None)
    trained = train(recipe, tiny(), bare, cache, tmp_path, device="cpu", progress=False)
    assert trained.weights.keys() == tiny().state_dict().keys()
    assert not same(trained.weights, tiny().state_dict())
    assert "validation_spearman" not in trained.curves[0]
    assert trained.curves[0]["training_loss"] == trained.curves[0]["training_classification"]


def test_across_subjects_each_has_a_head_and_an_equal_share_of_the_loss(tmp_path, whole):
    one, cache = toy()
    other, _ = toy(subject="sub-02", seed=7)
    recipe = RECIPE.changed(subject=None, dataset="sim-things-eeg2-toy")
    both = train(recipe, tiny(), across_subjects([one, other]), cache, tmp_path, device="cpu", progress=False)
    backbone, heads = split_state_dict(both.weights)
    assert backbone.keys() == tiny().state_dict().keys()
    assert [*dict.fromkeys(name.partition(".")[0] for name in heads)] == ["sub-01", "sub-02"]
    assert both.best.keys() == both.weights.keys()
    first, second = (
        {name[7:]: value for name, value in heads.items() if name.startswith(who)} for who in ("sub-01", "sub-02")
    )
    assert first["fc.weight"].shape == second["fc.weight"].shape == (N_SIGNALS, 64)
    assert not same(first, second)
    assert split_state_dict(whole.weights)[1].keys() == first.keys()


def test_unpaired_trains_on_the_derangement_of_the_training_images(tmp_path):
    data, cache = toy()
    taught, _ = holdout(data.concepts, 0.2, 0)
    mixed = data.signals.copy()
    mixed[taught] = data.signals[taught[derangement([data.concepts[index] for index in taught], 0)]]
    by_hand = train(
        RECIPE, tiny(), replace(data, signals=mixed), cache, tmp_path / "hand", device="cpu", progress=False
    )
    unpaired = run_toy(tmp_path / "unpaired", RECIPE.changed(unpaired=True))
    assert same(by_hand.weights, unpaired.weights)
    assert by_hand.curves[0]["validation_mse"] == unpaired.curves[0]["validation_mse"]


def test_a_step_is_one_forward_pass_and_the_network_given_stays_as_it_is(own_store, tmp_path, monkeypatch):
    passes, network = [], tiny().train()
    before = weights_sha256(network)
    forward = Tiny.forward

    def counted(self, images):
        passes.append((self.training, len(images)))
        return forward(self, images)

    monkeypatch.setattr(Tiny, "forward", counted)
    run_toy(tmp_path, network=network)
    # the head's sizes, the teacher, then by epoch four steps and one batch of held-out images, at the end two examples
    epoch = [(True, 8)] * 4 + [(False, 8)]
    assert passes == [(False, 1), (False, 40), *epoch, *epoch, (False, 2)]
    assert network.training
    assert weights_sha256(network) == before
    assert not network.one._forward_hooks


def test_reference_runs_teacher_and_network_as_the_released_code_does(own_store, tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    recipe = RECIPE.changed(reference=True, epochs=1, batch_size=40)
    passes, forward = [], Tiny.forward

    def counted(self, images):
        passes.append((self.training, len(images)))
        return forward(self, images)

    with monkeypatch.context() as patch:
        patch.setattr(Tiny, "forward", counted)
        twice = run_toy(tmp_path / "twice", recipe)
    assert passes == [(False, 1), (False, 40), *[(True, 40)] * 3]  # the teacher's is the first of the three
    once = tiny()
    for module in once.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = 0.19  # 1 - 0.9 ** 2
    plain = run_toy(tmp_path / "once", recipe.changed(reference=False), network=once)
    for name, value in plain.weights.items():
        if "running" in name:
            torch.testing.assert_close(twice.weights[name], value, rtol=1e-5, atol=1e-6)
    for word in ("batch norm: ", "teacher: ", "contrastive term: ", "learning rate: ", "picked on the test images"):
        assert word in caplog.text


def test_reference_picks_its_checkpoint_on_the_test_images(tmp_path):
    recipe = RECIPE.changed(reference=True, epochs=3)
    test, test_cache = toy(12, seed=4)
    picked = run_toy(tmp_path / "picked", recipe, selection=(test, test_cache))
    plain = run_toy(tmp_path / "plain", recipe)
    assert same(picked.weights, plain.weights)
    losses = [one["validation_loss"] for one in picked.curves]
    assert picked.best_epoch == 1 + int(np.argmin(losses))
    assert plain.best is None
    assert "validation_loss" not in plain.curves[0]
    network, head = tiny(), None
    backbone, weights = split_state_dict(picked.weights)
    network.load_state_dict(backbone)
    head = GenerationHead.for_backbone(network, LAYERS, N_SIGNALS, 32, 16)
    head.load_state_dict(weights)
    with torch.no_grad(), recorded_layers(network, LAYERS) as features:
        network(torch.cat(list(batches(test_cache, range(12), 8, "cpu"))))
        mse = ((head(features).numpy() - test.signals) ** 2).mean()
    assert picked.curves[-1]["validation_mse"] == pytest.approx(mse, rel=1e-5)
    with pytest.raises(BadInputError, match="expected them with reference=True alone"):
        run_toy(tmp_path / "honest", selection=(test, test_cache))


def test_interrupted_reference_run_ends_with_the_same_weights(tmp_path):
    recipe = RECIPE.changed(reference=True)
    with pytest.raises(Interrupted):
        run_toy(tmp_path / "cut", recipe, until=4)
    assert same(run_toy(tmp_path / "cut", recipe).weights, run_toy(tmp_path / "whole", recipe).weights)


def test_teacher_runs_once_for_all_trainings_in_evaluation_mode(own_store):
    _, cache = toy()
    with torch.no_grad():
        expected = tiny()(torch.cat(list(batches(cache, range(40), 8, "cpu")))).argmax(1)
    given = (cache, torch.device("cpu"), described("cornet_s"), Stop(), "dd")
    assert torch.equal(teacher_labels(tiny().train(), *given), expected)
    assert torch.equal(teacher_labels(nn.Identity(), *given), expected)  # kept: no network runs
    next((own_store / "cache").glob("labels-*.npy")).write_bytes(b"broken")
    assert torch.equal(teacher_labels(tiny(), *given), expected)


@pytest.mark.parametrize("n_images", [37, 33])
def test_last_batch_of_one_image_is_left_out_and_said(tmp_path, caplog, n_images):
    caplog.set_level(logging.INFO)
    seen = run_toy(tmp_path, RECIPE.changed(holdout=0), n_images=n_images)
    left_over = n_images % 8
    assert seen.steps == 2 * (n_images // 8 + (left_over > 1))
    assert ("leaves out 1 image" in caplog.text) is (left_over == 1)
    assert (seen.best, seen.best_epoch) == (None, None)


def test_each_epoch_has_an_order_of_its_own():
    orders = [epoch_order(100, seed, epoch) for seed in (0, 1) for epoch in (0, 1)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(100))
    assert len({tuple(order) for order in orders}) == 4
    np.testing.assert_array_equal(epoch_order(100, 0, 1), orders[1])


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (3, r"nan.* This was in the validation after step 4. The last checkpoint in .* is kept"),
        (4, r"nan.* This was step 6, in epoch 2, whose batch of 8 images begins with image\d\d.png, .* in .* is kept"),
        (5, "Got weights that are not finite after step 6: .* last checkpoint is kept"),
    ],
)
def test_what_is_not_finite_stops_the_training_and_is_never_saved(whole, tmp_path, monkeypatch, step, message):
    original = trainer._Trainer._step

    def spoiled(self, rows, images):
        original(self, rows, images)
        if self.state.step == step + 1:
            self.state.parameters[0].data[0] = float("nan")

    with monkeypatch.context() as patch:
        patch.setattr(trainer._Trainer, "_step", spoiled)
        with pytest.raises(BadInputError, match=message):
            run_toy(tmp_path)
    assert [path.name for path in tmp_path.glob("*.pt")] == ["checkpoint-00000003.pt"]
    assert same(whole.weights, run_toy(tmp_path).weights)


def test_diverging_training_names_the_batch(tmp_path):
    recipe = RECIPE.changed(learning_rate=1e30, checkpoint_every=100)
    with pytest.raises(BadInputError, match=r"step 2, in epoch 1, whose batch of 8 images begins with image\d\d.png"):
        run_toy(tmp_path, recipe)


def test_too_little_space_is_said_before_the_first_step(tmp_path, monkeypatch):
    raising_at(monkeypatch, 0, power_cut)
    usage = type("Usage", (), {"free": 10**8 + 1000})
    monkeypatch.setattr("shutil.disk_usage", lambda _: usage)
    with pytest.raises(StoreError, match="GB of free space for"):
        run_toy(tmp_path)


def test_clipping_changes_the_result_only_when_asked_for(whole, tmp_path):
    assert same(whole.weights, run_toy(tmp_path / "wide", RECIPE.changed(clip_norm=1e9)).weights)
    narrow = run_toy(tmp_path / "narrow", RECIPE.changed(clip_norm=1e-9)).weights
    assert not same(whole.weights, narrow)


def test_bf16_keeps_fp32_weights_or_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(devices, "computes_in_bf16", lambda _: False)
    with pytest.raises(BadInputError, match=r"bf16 on cpu, which has no arithmetic .* Train with precision fp32"):
        run_toy(tmp_path, RECIPE.changed(precision="bf16"))
    monkeypatch.setattr(devices, "computes_in_bf16", lambda _: True)
    trained = run_toy(tmp_path, RECIPE.changed(precision="bf16"))
    assert {value.dtype for value in trained.weights.values()} == {torch.float32, torch.int64}
    exact = run_toy(tmp_path / "exact")
    assert trained.curves[0]["training_mse"] == pytest.approx(exact.curves[0]["training_mse"], rel=0.02)
    assert not same(trained.weights, exact.weights)


@pytest.mark.parametrize("device", ["cuda:99", "nonsense", "xpu", "meta"])
def test_device_that_is_not_there_is_refused(tmp_path, device):
    data, cache = toy()
    with pytest.raises(BadInputError, match=f"Got device '{device}', which cannot be used .* such as cpu"):
        train(RECIPE, tiny(), data, cache, tmp_path, device=device)


def test_what_does_not_belong_together_is_refused(tmp_path):
    data, cache = toy()
    wrong = [
        (RECIPE, data, replace(cache, pixels=cache.pixels[:-1]), "Got 40 training images and decoded ones of shape"),
        (RECIPE.changed(image_size=64), data, cache, r"expected \(40, 64, 64, 3\)"),
        (RECIPE.changed(subject=2), data, cache, "Got data of sub-01 .* expected sub-02"),
        (RECIPE.changed(subject=None), data, cache, "Got data of sub-01 .* expected those of all subjects"),
        (RECIPE.changed(layers=("one", "nowhere")), data, cache, "has no layer 'nowhere'"),
    ]
    for recipe, signals, images, message in wrong:
        with pytest.raises(BadInputError, match=message):
            train(recipe, tiny(), signals, images, tmp_path, device="cpu", progress=False)
    with pytest.raises(BadInputError, match="Got 1 image to train on"):
        run_toy(tmp_path, RECIPE.changed(holdout=0), n_images=1)
    with pytest.raises(BadInputError, match=r"Got shape \(40, 3, 32, 32\) from Sequential .*: expected finite logits"):
        run_toy(tmp_path, RECIPE.changed(beta=100, layers=("0",)), network=nn.Sequential(nn.Identity()))
