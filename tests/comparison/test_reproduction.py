"""A paper done again on few virtual subjects: what it needs, all steps, and what is skipped the second time."""

import dataclasses

import numpy as np
import pytest
from small_training import QUICK, SMALL, benchmark_of, quick_training

from brainscore_realnet.adapters import kamitani
from brainscore_realnet.adapters.fmri_rsa import FMRIRSABenchmark
from brainscore_realnet.comparison import papers
from brainscore_realnet.comparison.papers import PAPERS, Study
from brainscore_realnet.comparison.reproduction import needs, reproduce, require
from brainscore_realnet.errors import MissingDataError, RealnetError
from brainscore_realnet.simulation import kamitani as simulated_fmri
from brainscore_realnet.simulation import public, things_eeg2
from brainscore_realnet.store import weights
from brainscore_realnet.training import runs, side_by_side, sweep
from brainscore_realnet.training.outcomes import Outcome
from brainscore_realnet.training.recipes import SIM_REALNET_EEG, controls
from brainscore_realnet.training.runs import train_model

SMALL_FMRI = simulated_fmri.Specification(
    test_images=10, training_concepts=4, training_exemplars=2, shapes=12, image_size=64
)


@pytest.fixture
def paper(own_store, monkeypatch):
    """ReAlnet on four virtual subjects and the images of a small set, trained for one epoch."""
    monkeypatch.setenv("RESULTCACHING_HOME", str(own_store / "cache"))  # no neural RDMs of other tests
    monkeypatch.setitem(public.PUBLIC, SMALL, things_eeg2.stored)
    monkeypatch.setattr(side_by_side, "train_side_by_side", trained_here)
    eeg = benchmark_of(SMALL, rdm="crossnobis")
    readout = benchmark_of(SMALL, ("readout",), "SimSmall.readout-rsa", rdm="crossnobis")
    small = kamitani.simulated_source("SimShen2019", kamitani.SHEN2019, SMALL_FMRI)
    fmri = FMRIRSABenchmark(
        "SimFew-rsa", small.neural_data("test"), rois=kamitani.ROIS, parent="IT", version=1, bibtex=""
    )

    def personal(variant=""):
        return tuple(f"sim-realnet-eeg-sub{number:02d}{variant}-epochs1" for number in range(1, 5))

    studies = (
        Study("main", "Fig. 2", personal(), ("sim-cornet-s-narrow",), (eeg, fmri)),
        Study("models", "Fig. 1B", (*personal(), "sim-random"), ("sim-cornet-s-narrow",), (eeg, readout)),
        Study(
            "controls",
            "Fig. 7",
            (*personal(), *personal("-unpaired"), "sim-realnet-eeg-all-epochs1"),
            ("sim-cornet-s-narrow", "sim-realnet-eeg-beta0-epochs1"),
            (eeg, fmri),
        ),
    )
    with quick_training(monkeypatch):
        yield dataclasses.replace(PAPERS["realnet-2024"](True), recipe=QUICK, studies=studies)


def trained_here(recipes, progress):
    """Stand in for processes of their own."""
    for recipe in recipes:
        train_model(recipe, device="cpu", progress=progress)


def test_paper_is_trained_compared_and_set_beside_the_reported_numbers_once(paper, tmp_path, monkeypatch):
    before = {need.what: need.state for need in needs(paper)}
    n_models = 4 * (1 + 3 + 2) + 2
    assert before[f"{n_models} trained models"] == f"0 there, {n_models} to be trained"
    assert before["neural RDMs of SimSmall-rsa-crossnobis"] == "to be computed"
    assert before["weights of sim-cornet-s-narrow"] == "made here"
    studies, numbers = reproduce(paper, tmp_path, progress=False)
    assert list(studies) == ["main", "models", "controls"]
    for name, found in studies.items():
        assert found.page == tmp_path / name / "index.html"
        assert "SIMULATED" in found.page.read_text()
    trained = {recipe.identifier for recipe in paper.recipes}
    assert trained <= set(weights.identifiers())
    assert len(trained) == n_models
    drawn = {path.stem.rpartition("-Sim")[0] or path.stem for path in tmp_path.rglob("figures/*.svg")}
    assert len(drawn) >= 8, drawn
    assert [one.theirs for one in numbers] == [one.theirs for one in paper.reported]
    gains = studies["main"].tables["improvements"]
    window = gains[
        (gains["scope"] == "window") & (gains["area"] != "mean") & (gains["benchmark"].str.contains("Small"))
    ]
    assert numbers[2].ours == pytest.approx(window["ratio"].mean(), nan_ok=True)
    assert abs(numbers[-1].ours) <= 1

    # Everything is done now: nothing is trained, computed or scored a second time.
    after = {need.what: need.state for need in needs(paper)}
    assert after[f"{n_models} trained models"] == f"{n_models} there, 0 to be trained"
    assert not any("to be computed" in state for state in after.values())
    monkeypatch.setattr(runs, "train", lambda *_, **__: pytest.fail("trained again"))
    again, same = reproduce(paper, tmp_path, progress=False)
    np.testing.assert_array_equal([one.ours for one in same], [one.ours for one in numbers])
    assert again["main"].tables["tests"].equals(studies["main"].tables["tests"])


def test_what_is_missing_is_named_before_anything_is_done(own_store):
    paper = papers.realnet_2024()
    found = needs(paper)
    states = {need.what: need.state for need in found}
    assert [what for what in states if what.startswith("data of")] == ["data of ThingsEEG2-rsa", "data of Shen2019-rsa"]
    assert states["data of ThingsEEG2-rsa"] == states["training data things-eeg2 of 10 subjects"] == "missing"
    assert states["weights of clip-rn101"].startswith("published")
    assert states["62 trained models"] == "0 there, 62 to be trained"
    with pytest.raises(MissingDataError) as caught:
        reproduce(paper, own_store / "out")
    for what in ("brainscore data fetch things-eeg2", "brainscore data fetch shen2019", "run the same command"):
        assert what in str(caught.value)
    assert not (own_store / "out").exists()
    require([need for need in found if not need.missing])


def test_model_that_fails_stops_the_reproduction_with_its_reason(paper, tmp_path, monkeypatch, capsys):
    def failing(plan, **_):
        return [Outcome.of(one.recipe, "failed", (), "the disk is full") for one in plan]

    monkeypatch.setattr(sweep, "sweep", failing)
    with pytest.raises(RealnetError, match="models that failed"):
        reproduce(paper, tmp_path, scheduler="tcp://127.0.0.1:1", progress=False)
    assert "the disk is full" in capsys.readouterr().out


def test_controls_of_the_paper_are_those_that_the_recipes_know():
    assert set(controls(SIM_REALNET_EEG.changed(subject=1))) == {
        "beta1", "beta10", "beta1000", "beta0", "nocont", "unpaired", "all",
    }  # fmt: skip
