import importlib.util
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader, Subset

from brainscore_realnet.networks.checkpoints import split_state_dict
from brainscore_realnet.networks.cornet_s import AREAS, CORnetS
from brainscore_realnet.networks.generation_head import GenerationHead
from brainscore_realnet.networks.recording import recorded_layers
from brainscore_realnet.simulation.images import draw_image
from brainscore_realnet.training import run_state, steps, trainer
from brainscore_realnet.training.data import TrainingData
from brainscore_realnet.training.images import image_cache
from brainscore_realnet.training.recipes import REALNET_EEG

N_IMAGES, N_SIGNALS, SIZE = 16, 20, 160
DEFAULT = REALNET_EEG.changed(
    dataset="sim-things-eeg2-toy", subject=1, image_size=SIZE, batch_size=8, epochs=2, holdout=0, precision="fp32"
)
RELEASED = DEFAULT.changed(reference=True)


def _released_training():
    path = Path(__file__).parents[2] / "performance" / "references" / "released_training.py"
    specification = importlib.util.spec_from_file_location("released_training", path)
    sys.modules["released_training"] = module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module


released_training = _released_training()


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class Problem:
    data: TrainingData
    cache: object
    dataset: object

    def batch(self, rows):
        """The released code's images and signals of some rows."""
        return next(iter(DataLoader(Subset(self.dataset, list(rows)), batch_size=len(rows))))


@pytest.fixture(scope="module")
def problem(tmp_path_factory):
    folder = tmp_path_factory.mktemp("images")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSCORE_REALNET_HOME", str(folder / "store"))
        paths = tuple(folder / f"image{number:02d}.jpg" for number in range(N_IMAGES))
        for number, path in enumerate(paths):
            draw_image(number % 8, number // 8, 0, 100).save(path)
        signals = np.random.default_rng(0).standard_normal((N_IMAGES, N_SIGNALS), dtype=np.float32)
        concepts = tuple(f"c{number % 8}" for number in range(N_IMAGES))
        names = ("sim", "sub-01", paths, concepts, signals, (N_SIGNALS,), 0.0, 1.0, (), (), "aa", "ab")
        cache = image_cache(paths, SIZE, progress=False, workers=1)
        yield Problem(TrainingData(*names), cache, released_training.ImagesWithSignals(paths, signals, SIZE))


def network_of(width):
    with torch.random.fork_rng():
        torch.manual_seed(5)
        return CORnetS(width).eval()


def head_of(network, recipe):
    """The head as training begins with it."""
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        return GenerationHead.for_backbone(network, AREAS, N_SIGNALS, SIZE, recipe.hidden)


def released(network, recipe):
    return released_training.ReleasedTraining(
        network, head_of(network, recipe), recipe.beta, recipe.learning_rate, areas=AREAS
    )


class Watched(steps.Objective):
    def forward(self, images):
        self.outputs = super().forward(images)
        return self.outputs


def our_first_step(problem, network, recipe, rows):
    """Logits, generated signals and the parts of the loss."""
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        state = run_state.RunState(recipe, network, problem.data, torch.device("cpu"))
    teacher = trainer._as_released(recipe, network, torch.device("cpu")) if recipe.reference else None
    labels, signals = torch.zeros(N_IMAGES, dtype=torch.int64), [torch.from_numpy(problem.data.signals)]
    state.backbone.train()
    with recorded_layers(state.backbone, AREAS) as features:
        objective = Watched(recipe, state, features, labels, signals, teacher)
        images = next(objective.pixels(problem.cache, rows, len(rows)))
        parts = objective.step(torch.as_tensor(rows), images)
    logits, (generated,) = objective.outputs
    return logits.detach(), generated.detach(), parts


def relative(ours, theirs):
    return float((ours - theirs).abs().max() / theirs.abs().max())


@pytest.mark.parametrize("width", [4, 16])
def test_first_step_equals_the_released_one(problem, width):
    network, rows = network_of(width), np.array([3, 12, 0, 9, 7, 14, 1, 10])
    theirs = released(network, RELEASED).step(*problem.batch(rows))
    logits, generated, parts = our_first_step(problem, network, RELEASED, rows)
    assert relative(logits, theirs.logits) < 1e-5
    assert relative(generated, theirs.generated) < 1e-5
    expected = [theirs.total, theirs.classification, theirs.mse]
    assert parts[:3].tolist() == pytest.approx(expected, rel=1e-5)
    # a difference of two means near 1, which nearly cancel as long as all images generate about the same
    assert parts[3].item() == pytest.approx(theirs.contrastive, rel=1e-5, abs=1e-6)
    assert abs(theirs.contrastive) > 1e-3


def test_first_step_of_one_pass_puts_out_what_the_released_one_does(problem):
    network, rows = network_of(4), np.arange(8)
    theirs = released(network, DEFAULT).step(*problem.batch(rows))
    logits, generated, parts = our_first_step(problem, network, DEFAULT, rows)
    assert relative(logits, theirs.logits) < 1e-5
    assert relative(generated, theirs.generated) < 1e-5
    assert parts[2].item() == pytest.approx(theirs.mse, rel=1e-5)
    assert parts[3].item() != pytest.approx(theirs.contrastive, rel=1e-5)  # ranks, not values


def test_training_stays_close_to_the_released_one(problem, tmp_path):
    network = network_of(4)
    ours = trainer.train(RELEASED, network, problem.data, problem.cache, tmp_path, device="cpu", progress=False)
    theirs, losses = released(network, RELEASED), []
    for epoch in range(RELEASED.epochs):
        order = trainer.epoch_order(N_IMAGES, RELEASED.seed, epoch)
        losses.append([one.total for one in theirs.epoch(Subset(problem.dataset, list(order)), 8, shuffle=False)])
    assert ours.steps == sum(map(len, losses)) == 4
    assert [one["training_loss"] for one in ours.curves] == pytest.approx(np.mean(losses, axis=1), rel=1e-5)
    backbone, _ = split_state_dict(ours.weights)
    for name, expected in theirs.network.backbone.state_dict().items():
        if name.endswith("num_batches_tracked"):
            assert backbone[name] == expected == 8
            continue
        moved = (expected - network.state_dict()[name]).norm()
        assert moved > 0, name
        # Adam takes a step of the same size where a gradient is nothing but rounding.
        assert (backbone[name] - expected).norm() < 0.05 * moved, name


def test_released_training_gives_the_contrastive_term_no_gradient():
    generated = torch.randn(4, 6, generator=torch.Generator().manual_seed(0)).requires_grad_()
    term = released_training.contrastive_term(generated, generated.detach().flip(0))
    assert term.grad_fn is None
    assert not term.requires_grad
