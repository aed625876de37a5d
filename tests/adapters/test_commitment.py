"""Where a model's weights come from; shown on a small backbone."""

import hashlib
import importlib
import re

import pytest
import torch
from torch import nn

from brainscore_realnet.adapters.commitment import committed_model
from brainscore_realnet.errors import BadFileError, MissingWeightsError, UnknownIdentifierError
from brainscore_realnet.networks import backbones
from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD, Backbone
from brainscore_realnet.networks.published import Published
from brainscore_realnet.scoring.identifiers import package_identifiers
from brainscore_realnet.store import folder, weights
from brainscore_realnet.training.recipes import RECIPES

AREAS = {"V1": "0", "V2": "1", "V4": "2", "IT": "2"}


def network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 2, 3, stride=8), nn.ReLU(), nn.Flatten(), nn.Linear(128, 5))


@pytest.fixture(autouse=True)
def small_backbone_and_no_second_download(own_store, monkeypatch):
    small = Backbone("small", network, AREAS, "3", 64, IMAGENET_MEAN, IMAGENET_STD)
    monkeypatch.setattr(importlib.import_module("brainscore_realnet.store.download"), "_RETRIES", 0)
    monkeypatch.setitem(backbones._BACKBONES, "small", small)


@pytest.fixture
def state():
    torch.manual_seed(4)
    return network().state_dict()


@pytest.fixture
def published(tmp_path, state):
    """A published file that was downloaded before, so that no network is needed."""

    def make(content):
        file = folder("weights", "published") / "small.pt"
        torch.save(content, file)
        sha1 = hashlib.sha1(file.read_bytes()).hexdigest()
        return Published("http://127.0.0.1:9/small.pt", "small.pt", f"sha1:{sha1}", "nobody")

    return make


def loaded(model):
    return model.activations_model._model.state_dict()


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


def test_weights_of_the_store_come_before_published_ones(state, published):
    other = published({key: value + 1 for key, value in state.items()})
    weights.save("small-model", state, {"backbone": "small", "recipe": "none"})
    model = committed_model("small-model", "small", other, {"dataset": "any"})
    assert same(loaded(model), state)
    origin = model.activations_model.origin
    assert origin["weights"] == "store"
    assert origin["sha256"] == weights.find_card("small-model")["weights_sha256"]
    assert origin["card"]["recipe"] == "none"
    assert origin["trained_on"] == {"dataset": "any"}


def test_what_a_card_was_trained_on_comes_before_what_the_identifier_says(state):
    weights.save("small-model", state, {"backbone": "small", "trained_on": {"dataset": "mine"}})
    model = committed_model("small-model", trained_on={"dataset": "any"})
    assert model.activations_model.origin["trained_on"] == {"dataset": "mine"}


def test_published_weights_are_used_and_named(state, published):
    known = published({"state_dict": {f"module.{key}": value for key, value in state.items()}})
    model = committed_model("small-model", "small", known)
    assert same(loaded(model), state)
    assert model.activations_model.origin["weights"] == known.url
    assert model.activations_model.origin["hash"] == known.known_hash


def test_published_weights_of_another_architecture_are_refused(state, published):
    del state["3.bias"]
    with pytest.raises(BadFileError, match=r"do not fit.*3\.bias"):
        committed_model("small-model", "small", published(state))


def test_no_weights_say_where_was_looked_and_what_to_do(own_store):
    with pytest.raises(MissingWeightsError, match="small-model") as caught:
        committed_model("small-model", "small")
    assert str(own_store / "weights") in str(caught.value)
    assert "brainscore weights import FILE --model" in str(caught.value)


OPTIONS = {"subject": int, "beta": float, "contrastive": str}


@pytest.mark.parametrize("identifier", [name for name in package_identifiers("model") if name.startswith("realnet-")])
def test_no_weights_of_a_trained_family_name_the_command_whose_recipe_leads_to_them(identifier):
    with pytest.raises(MissingWeightsError) as caught:
        committed_model(identifier, "small")
    command = re.search(r"Train it: `brainscore train (\S+)([^`]*)`\. Weights that you have", str(caught.value))
    options = re.findall(r"--(\w+)(?: (\w+))?", command[2])
    typed = {name: OPTIONS[name](value) if value else True for name, value in options}
    assert typed.pop("all", False) is identifier.endswith("-all")
    assert RECIPES[command[1]].changed(**typed).identifier == identifier


@pytest.mark.parametrize("identifier", ["small-model", "realnet-eeg-sub01-other", "my-realnet-eeg-sub01"])
def test_no_command_is_named_that_would_train_another_model(identifier):
    with pytest.raises(MissingWeightsError) as caught:
        committed_model(identifier, "small")
    assert "brainscore train" not in str(caught.value)


def test_failed_download_of_a_trained_model_names_its_training():
    nowhere = Published("http://127.0.0.1:9/small.pt", "small.pt", "sha1:" + "0" * 40, "nobody")
    with pytest.raises(MissingWeightsError, match=r"refused.*brainscore train realnet-eeg --subject 7`"):
        committed_model("realnet-eeg-sub07", "small", nowhere)


def test_failed_download_names_address_cause_and_what_to_do():
    nowhere = Published("http://127.0.0.1:9/small.pt", "small.pt", "sha1:" + "0" * 40, "nobody")
    with pytest.raises(MissingWeightsError) as caught:
        committed_model("small-model", "small", nowhere)
    message = str(caught.value)
    assert "http://127.0.0.1:9/small.pt" in message
    assert "refused" in message
    assert "brainscore weights import FILE --model" in message


def test_model_whose_card_was_deleted_has_no_weights(state):
    weights.save("small-model", state, {"backbone": "small"})
    committed_model("small-model")
    next(weights.home().glob("weights/cards/small-model.json")).unlink()
    with pytest.raises(MissingWeightsError, match="There are no weights of small-model"):
        committed_model("small-model")


def test_card_of_an_unknown_backbone_names_those_there_are(state):
    weights.save("small-model", state, {"backbone": "cornet_z"})
    with pytest.raises(UnknownIdentifierError, match=r"cornet_z.*cornet_s"):
        committed_model("small-model")


def test_areas_are_committed_to_the_backbones_layers_and_shown_together(state):
    weights.save("small-model", state, {"backbone": "small"})
    model = committed_model("small-model")
    assert dict(model.layer_model.region_layer_map) == {**AREAS, "readout": "3"}
    assert model.layers == ["0", "1", "2", "3"]
    assert model.activations_model._layers == ["0", "1", "2", "3"]
    assert model.identifier == model.activations_model.identifier == "small-model"
    assert model.visual_degrees() == 8
    assert not model.activations_model._model.training


def test_a_model_is_shown_images_of_the_size_that_it_was_trained_on(state):
    weights.save("mine", state, {"backbone": "small", "image_size": 72})
    weights.save("other", state, {"backbone": "small"})
    assert committed_model("mine").activations_model.image_size == 72
    assert committed_model("other").activations_model.image_size == 64


def test_simulated_models_see_as_virtual_subjects_do(state):
    weights.save("sim-mine", state, {"backbone": "small", "simulated": True})
    weights.save("mine", state, {"backbone": "small", "simulated": False})
    assert (committed_model("sim-mine").visual_degrees(), committed_model("mine").visual_degrees()) == (7, 8)
