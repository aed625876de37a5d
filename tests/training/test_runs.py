import json
import os
import signal
from dataclasses import replace

import pytest
import torch

from brainscore_realnet.datasets import things_eeg2
from brainscore_realnet.errors import BadInputError, MissingDataError
from brainscore_realnet.networks.backbones import build
from brainscore_realnet.networks.checkpoints import split_state_dict
from brainscore_realnet.simulation import things_eeg2 as simulation
from brainscore_realnet.store import weights
from brainscore_realnet.training import runs, trainer
from brainscore_realnet.training.checkpoints import Interrupted
from brainscore_realnet.training.recipes import REALNET_EEG
from brainscore_realnet.training.runs import BEST, finished, run_folder, train_model

SPECIFICATION = simulation.Specification(
    subjects=2, test_images=6, test_repetitions=2, training_concepts=8, training_exemplars=2, image_size=64
)
RECIPE = REALNET_EEG.changed(
    dataset=f"sim-things-eeg2-{SPECIFICATION.digest}",
    subject=1,
    backbone="sim_cornet_s_narrow",
    image_size=64,
    epochs=2,
    batch_size=4,
    holdout=0.5,
    hidden=8,
    precision="fp32",
)


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def subjects(tmp_path_factory):
    """Files of two virtual subjects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path_factory.mktemp("subjects")))
        return simulation.ensure(SPECIFICATION)


@pytest.fixture(scope="module")
def store(tmp_path_factory, subjects):
    """A store with two virtual subjects and the weights that trainings start from."""
    with pytest.MonkeyPatch.context() as patch:
        home = tmp_path_factory.mktemp("store")
        patch.setenv("BRAINSCORE_REALNET_HOME", str(home))
        things_eeg2.add(subjects, RECIPE.dataset, progress=False)
        torch.manual_seed(3)
        weights.save("sim-cornet-s-narrow", build("sim_cornet_s_narrow").state_dict(), {"backbone": RECIPE.backbone})
        yield home


def run(recipe=RECIPE, **more):
    return train_model(recipe, device="cpu", progress=False, **more)


@pytest.fixture(scope="module")
def card(store):
    return run()


def test_model_and_best_epoch_are_in_the_store_and_checkpoints_are_gone(card):
    state, kept = weights.load(RECIPE.identifier)
    assert kept == card == finished(RECIPE)
    backbone, head = split_state_dict(state)
    assert backbone.keys() == build("sim_cornet_s_narrow").state_dict().keys()
    assert head["fc.weight"].shape == (340, 4 * 8)
    best = weights.find_card(RECIPE.identifier + BEST)
    losses = [curve["validation_loss"] for curve in card["curves"]]
    assert best["epoch"] == 1 + losses.index(min(losses))
    assert (best["selected_by"], card["selected_by"]) == ("lowest validation loss", "last epoch")
    folder = run_folder(RECIPE)
    assert not list(folder.glob("checkpoint-*"))
    assert {"curves.csv", "curves.png", "examples.png"} <= {path.name for path in folder.iterdir()}


def test_card_says_what_the_model_was_made_of(card):
    assert card["trained_on"] == {"dataset": RECIPE.dataset, "subject": "sub-01"}
    assert card["simulated"] is True
    assert (card["recipe"], card["recipe_digest"]) == (json.loads(json.dumps(RECIPE.record())), RECIPE.digest)
    assert card["head"] == {"layers": ["V1", "V2", "V4", "IT"], "n_signals": 340}
    assert (card["steps"], card["n_images"], len(card["curves"])) == (2 * 2, 16, 2)
    assert card["pretrained"]["sha256"] == weights.find_card("sim-cornet-s-narrow")["weights_sha256"]
    assert (card["device"], card["threads"]) == ("cpu", 1)
    for key in ("data_sha256", "images_sha256", "versions", "machine", "seconds"):
        assert card[key], key
    assert {"validation_rsa", "validation_rsa_V1", "validation_spearman"} <= card["curves"][0].keys()


def test_finished_training_is_not_repeated_unless_asked_for(card, monkeypatch):
    calls = []
    original = runs.train
    monkeypatch.setattr(runs, "train", lambda *args, **more: calls.append(1) or original(*args, **more))
    assert run() == card
    assert not calls
    again = run(replace=True)
    assert calls == [1]
    assert again["weights_sha256"] == card["weights_sha256"]


def test_model_of_another_training_is_not_overwritten_unasked(card, store):
    other = RECIPE.changed(subject=2)
    state, _ = weights.load(RECIPE.identifier)
    weights.save(other.identifier, state, {"backbone": RECIPE.backbone, "imported": {"file": "mine.pt"}})
    with pytest.raises(BadInputError, match=r"has models that were imported .* Give --replace"):
        run(other)
    assert "imported" in weights.find_card(other.identifier)
    run(other, replace=True)
    assert finished(other)["trained_on"]["subject"] == "sub-02"


def test_best_epoch_of_another_model_is_not_overwritten_unasked(card, store):
    other = RECIPE.changed(seed=5, epochs=1)
    weights.save(other.identifier + BEST, weights.load(RECIPE.identifier)[0], {"backbone": RECIPE.backbone})
    with pytest.raises(BadInputError, match=f"Got {other.identifier}{BEST}, of which the store has models"):
        run(other)


def test_checkpoints_that_a_killed_training_left_are_removed(card):
    (run_folder(RECIPE) / "checkpoint-00000004.pt").touch()
    assert run()["weights_sha256"] == card["weights_sha256"]
    assert not list(run_folder(RECIPE).glob("checkpoint-*"))


def test_interrupted_training_goes_on_and_ends_with_the_same_weights(card, monkeypatch, caplog):
    caplog.set_level("INFO")
    step = trainer._Trainer._step

    def asked(self, rows, images):
        if self.state.step == 2:
            os.kill(os.getpid(), signal.SIGTERM)
        step(self, rows, images)

    with monkeypatch.context() as patch:
        patch.setattr(trainer._Trainer, "_step", asked)
        with pytest.raises(Interrupted, match="SIGTERM: stopped after step 3 of 4") as stopped:
            run(replace=True)
    assert stopped.value.exit_status == 128 + signal.SIGTERM
    assert list(run_folder(RECIPE).glob("checkpoint-*.pt"))
    assert (
        weights.find_card(RECIPE.identifier)["weights_sha256"] == card["weights_sha256"]
    )  # the old one stays till then
    assert run(replace=True)["weights_sha256"] == card["weights_sha256"]
    assert "going on after step 3" in caplog.text


def test_across_subjects_every_head_is_kept(store):
    recipe = RECIPE.changed(subject=None)
    assert recipe.identifier.startswith("sim-realnet-eeg-all")
    card = run(recipe)
    _, heads = split_state_dict(weights.load(recipe.identifier)[0])
    assert {name.partition(".")[0] for name in heads} == {"sub-01", "sub-02"}
    assert [one["subject"] for one in card["signals"]] == ["sub-01", "sub-02"]
    assert split_state_dict(weights.load(recipe.identifier + BEST)[0])[1].keys() == heads.keys()


def test_control_without_signals_has_no_head(store):
    recipe = RECIPE.changed(subject=None, beta=0)
    card = run(recipe)
    assert card["head"] is None
    assert "subject" not in card["trained_on"]
    assert split_state_dict(weights.load(recipe.identifier)[0])[1] == {}


def test_reference_is_picked_on_the_test_images_and_says_so(store):
    recipe = RECIPE.changed(reference=True)
    card = run(recipe)
    losses = [curve["validation_loss"] for curve in card["curves"]]
    assert card["epoch"] == 1 + losses.index(min(losses))
    assert "test images" in card["selected_by"]
    assert any(text.startswith("checkpoint: ") for text in card["departures"])
    assert weights.find_card(recipe.identifier + BEST) is None


def test_missing_data_and_weights_are_told_before_anything_is_made(own_store, subjects):
    with pytest.raises(MissingDataError, match="sim-things-eeg2"):
        run()
    things_eeg2.add(subjects, RECIPE.dataset, progress=False)
    with pytest.raises(MissingDataError, match=r"none\.pt"):
        run(pretrained_weights="none.pt")
    assert not (own_store / "runs").exists()


def test_weights_of_a_file_can_be_started_from(store, tmp_path):
    torch.manual_seed(9)
    network = build("sim_cornet_s_narrow")
    torch.save(network.state_dict(), tmp_path / "start.pt")
    recipe = RECIPE.changed(epochs=1, learning_rate=1e-12)
    card = run(recipe, pretrained_weights=tmp_path / "start.pt")
    trained, _ = split_state_dict(weights.load(recipe.identifier)[0])
    torch.testing.assert_close(trained["V1.conv1.weight"], network.V1.conv1.weight.detach(), atol=1e-9, rtol=0)
    assert card["pretrained"]["file"] == "start.pt"
    assert run(recipe, pretrained_weights=tmp_path / "start.pt") == card
    torch.save(build("sim_cornet_s_narrow").state_dict(), tmp_path / "other.pt")
    with pytest.raises(BadInputError, match=r"trained from other weights: .* Give --replace"):
        run(recipe, pretrained_weights=tmp_path / "other.pt")


def test_full_disk_at_the_figures_does_not_cost_the_model(store, monkeypatch, caplog):
    def full(*_args, **_more):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(runs.figures, "draw_curves", full)
    recipe = replace(RECIPE, epochs=1)
    assert run(recipe)["epoch"] == 1
    assert "could not be written" in caplog.text
