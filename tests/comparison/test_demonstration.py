"""Alignment on virtual subjects: a small demonstration as a whole, and with other seeds the effects that it shows."""

from dataclasses import replace

import numpy as np
import pytest
from small_training import QUICK, SMALL, benchmark_of, quick_training

from brainscore_realnet.comparison.demonstration import BENCHMARK, demonstrate
from brainscore_realnet.scoring import score
from brainscore_realnet.simulation import pretraining
from brainscore_realnet.simulation.things_eeg2 import ALIGNMENT
from brainscore_realnet.store import weights
from brainscore_realnet.training import side_by_side
from brainscore_realnet.training.child import Ending
from brainscore_realnet.training.recipes import SIM_REALNET_EEG
from brainscore_realnet.training.runs import train_model


def trained_here(job):
    """Stand in for a process of its own."""
    train_model(job.recipe, device=job.device, progress=False)
    return Ending("trained")


@pytest.fixture
def quick(own_store, monkeypatch):
    monkeypatch.setattr(side_by_side, "train_in_child", trained_here)
    monkeypatch.setattr(side_by_side.os, "cpu_count", lambda: 1)
    with quick_training(monkeypatch):
        yield


def test_demonstration_trains_scores_and_compares_once(quick, tmp_path, monkeypatch):
    benchmark = benchmark_of(SMALL, rdm="crossnobis")
    found = demonstrate(tmp_path / "demo", QUICK, benchmark, progress=False)
    names = {f"sim-realnet-eeg-sub{number:02d}{kind}-epochs1" for number in range(1, 5) for kind in ("", "-unpaired")}
    assert names | {"sim-cornet-s-narrow"} == {name for name in weights.identifiers() if not name.endswith("-best")}
    (family,), (narrow, unpaired) = found.comparison.models, found.comparison.baselines
    assert (family.name, narrow.name) == ("sim-realnet-eeg-epochs1", "sim-cornet-s-narrow")
    assert unpaired.name == "sim-realnet-eeg-unpaired-epochs1"
    (measured,) = found.comparison.benchmarks
    assert measured.subjects == SMALL.subject_names
    assert (measured.n_images, len(measured.times)) == (10, 36)
    np.testing.assert_allclose(measured.times[measured.in_score][[0, -1]], (0.05, 0.2))
    scores = found.tables["scores"].set_index("model")
    for number, subject in enumerate(SMALL.subject_names, 1):
        aligned = score(f"sim-realnet-eeg-sub{number:02d}-epochs1", benchmark.with_options(screen="fullfield"))
        own = aligned.attrs["values"].sel(subject=subject)
        assert scores.loc[f"sim-realnet-eeg-sub{number:02d}-epochs1", "own_raw"] == pytest.approx(float(own.mean()))
    assert found.comparison.simulated
    assert "simulated" in found.page.read_text().lower()

    monkeypatch.setattr(side_by_side, "train_in_child", lambda job: pytest.fail("trained again"))
    again = demonstrate(tmp_path / "demo", QUICK, benchmark, progress=False)
    assert again.tables["tests"].equals(found.tables["tests"])


def test_recipe_and_benchmark_of_the_demonstration_are_about_the_same_subjects():
    from brainscore_realnet import load_benchmark

    benchmark = load_benchmark(BENCHMARK)
    assert benchmark.data.name == SIM_REALNET_EEG.dataset == ALIGNMENT.stored_as
    assert benchmark.subjects == ALIGNMENT.subject_names
    assert SIM_REALNET_EEG.backbone == pretraining.BACKBONE


@pytest.mark.slow
@pytest.mark.parametrize("seed", [12, 13])
def test_alignment_pays_off_on_other_concepts_with_other_seeds_too(own_store, tmp_path, request, seed):
    if "slow" not in request.config.option.markexpr:
        pytest.skip("takes minutes; run it with: pytest -m slow")
    specification = replace(ALIGNMENT, seed=seed)
    recipe = SIM_REALNET_EEG.changed(dataset=specification.stored_as, seed=seed)
    found = demonstrate(tmp_path, recipe, benchmark_of(specification), progress=False)
    tests = found.tables["tests"]
    tests = tests[(tests["scope"] == "score") & (tests["contrast"] != "others - baseline")]
    assert len(tests.drop_duplicates(["contrast", "difference"])) == 3
    assert (tests["difference"] > 0).all()
    assert (tests["p"] < 0.05).all()
    assert (tests["n_positive"] >= 5).all()
