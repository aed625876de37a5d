"""Alignment on virtual subjects: a small demonstration as a whole, and with other seeds the effects that it shows."""

import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from brainscore_realnet.errors import RealnetError
from brainscore_realnet.scoring import demonstration
from brainscore_realnet.scoring.demonstration import BENCHMARK, demonstrate
from brainscore_realnet.scoring.figures import draw_alignment
from brainscore_realnet.simulation import pretraining
from brainscore_realnet.simulation.things_eeg2 import ALIGNMENT, Specification
from brainscore_realnet.store import weights
from brainscore_realnet.training import child, runs
from brainscore_realnet.training.child import Ending
from brainscore_realnet.training.recipes import SIM_REALNET_EEG
from brainscore_realnet.training.runs import train_model

SMALL = Specification(
    subjects=4,
    test_images=10,
    test_repetitions=20,
    training_concepts=6,
    training_exemplars=2,
    training_repetitions=2,
    image_size=64,
    late="concepts",
    epoch=(-0.05, 0.3),
)
QUICK = SIM_REALNET_EEG.changed(dataset=SMALL.stored_as, epochs=1)


def benchmark_of(specification, **options):
    from brainscore_realnet.adapters.eeg_rsa import EEGRSABenchmark
    from brainscore_realnet.adapters.things_eeg2 import simulated_source

    source = simulated_source(specification)
    benchmark = EEGRSABenchmark("SimSmall-rsa", source.neural_data(), parent="IT", version=1, bibtex="")
    return benchmark.with_options(**options)


def trained_here(job):
    """Stand in for a process of its own."""
    train_model(job.recipe, device=job.device, progress=False)
    return Ending("trained")


@pytest.fixture
def quick(own_store, monkeypatch):
    import torch

    few = pretraining.Pretraining(concepts=4, exemplars=4, epochs=1)
    pretrain = pretraining.pretrain
    monkeypatch.setattr(pretraining, "pretrain", lambda **_: pretrain(few))
    monkeypatch.setattr(pretraining, "Pretraining", lambda: few)
    monkeypatch.setattr(child, "train_in_child", trained_here)
    monkeypatch.setattr(runs, "_draw", lambda *_: None)
    monkeypatch.setattr(demonstration.os, "cpu_count", lambda: 1)
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_demonstration_trains_scores_and_compares_once(quick, tmp_path, monkeypatch):
    benchmark = benchmark_of(SMALL, rdm="crossnobis")
    shown = demonstrate(QUICK, benchmark, progress=False)
    models = {f"sim-realnet-eeg-sub{number:02d}{kind}-epochs1" for number in range(1, 5) for kind in ("", "-unpaired")}
    assert models | {"sim-cornet-s-narrow"} == {name for name in weights.identifiers() if not name.endswith("-best")}
    assert shown.subjects == SMALL.subject_names
    assert (shown.n_images, shown.baseline) == (10, "sim-cornet-s-narrow")
    assert shown.matrix.shape == (4, 4)
    np.testing.assert_array_equal(np.diag(shown.matrix), shown.scores["aligned"])
    for name, course in shown.courses.items():
        assert course.shape == (4, 36)
        np.testing.assert_allclose(course[:, shown.in_window].mean(axis=1), shown.scores[name], atol=1e-12)
    np.testing.assert_allclose(shown.times[shown.in_window][[0, -1]], (0.05, 0.2))
    aligned = demonstration._similarities("sim-realnet-eeg-sub03-epochs1", benchmark.with_options(screen="fullfield"))
    np.testing.assert_allclose(shown.matrix[2], aligned.values.mean(axis=1), atol=1e-12)
    assert json.loads(json.dumps(shown.record(), allow_nan=False))["simulated"] is True
    draw_alignment(shown, tmp_path / "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 20_000

    monkeypatch.setattr(child, "train_in_child", lambda job: pytest.fail("trained again"))
    again = demonstrate(QUICK, benchmark, progress=False)
    np.testing.assert_array_equal(again.matrix, shown.matrix)


def test_model_that_fails_is_named_with_its_reason(quick, monkeypatch):
    monkeypatch.setattr(child, "train_in_child", lambda job: Ending("failed", "the disk is full"))
    with pytest.raises(RealnetError, match=r"sim-realnet-eeg-sub0\d.* failed: the disk is full"):
        demonstrate(QUICK, benchmark_of(SMALL, rdm="crossnobis"), progress=False)


def test_interruption_stops_all_trainings_and_waits_for_their_checkpoints(quick, monkeypatch):
    stopped, ended = threading.Event(), []

    def train(job):
        assert stopped.wait(60)
        ended.append(job.recipe.identifier)
        return Ending("stopped", "as asked")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(child, "train_in_child", train)
    monkeypatch.setattr(child, "stop_trainings", lambda sweep: stopped.set())
    monkeypatch.setattr(demonstration, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        demonstrate(QUICK, benchmark_of(SMALL, rdm="crossnobis"), progress=False)
    assert len(ended) == 8


def test_recipe_and_benchmark_of_the_demonstration_are_about_the_same_subjects():
    from brainscore_realnet import load_benchmark

    benchmark = load_benchmark(BENCHMARK)
    assert benchmark.data.name == SIM_REALNET_EEG.dataset == ALIGNMENT.stored_as
    assert benchmark.subjects == ALIGNMENT.subject_names
    assert SIM_REALNET_EEG.backbone == pretraining.BACKBONE


@pytest.mark.slow
@pytest.mark.parametrize("seed", [12, 13])
def test_alignment_pays_off_on_other_concepts_with_other_seeds_too(own_store, request, seed):
    if "slow" not in request.config.option.markexpr:
        pytest.skip("takes minutes; run it with: pytest -m slow")
    specification = replace(ALIGNMENT, seed=seed)
    recipe = SIM_REALNET_EEG.changed(dataset=specification.stored_as, seed=seed)
    shown = demonstrate(recipe, benchmark_of(specification), progress=False)
    for one in shown.comparisons:
        assert one.holds(), one.record()
        assert one.n_better >= 5
