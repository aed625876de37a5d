import pytest

from brainscore_realnet import load_benchmark, load_model, score
from brainscore_realnet.errors import BadFileError, MissingDataError, MissingWeightsError
from brainscore_realnet.scoring.identifiers import package_identifiers
from brainscore_realnet.store import weights


@pytest.fixture
def cornet_state():
    import torch

    from brainscore_realnet.networks.cornet_s import CORnetS

    torch.manual_seed(3)
    return CORnetS().state_dict()


def test_any_model_card_in_the_store_is_listed_loadable_and_traced(own_store, cornet_state):
    card = {"backbone": "cornet_s", "trained_on": {"dataset": "sim-anything", "subject": "sub-01"}}
    weights.save("sim-my-model", {f"realnet.module.{key}": value for key, value in cornet_state.items()}, card)
    assert "sim-my-model" in package_identifiers("model")
    model = load_model("sim-my-model")
    assert model.identifier == "sim-my-model"
    loaded = model.activations_model._model.state_dict()
    assert all((loaded[key] == value).all() for key, value in cornet_state.items())
    assert model.activations_model.origin["card"]["trained_on"]["subject"] == "sub-01"
    # A second card, written after the plugin was imported, is found too.
    weights.save("sim-second-model", cornet_state, card)
    assert load_model("sim-second-model").identifier == "sim-second-model"


def test_card_without_backbone_says_what_is_missing(own_store, cornet_state):
    weights.save("sim-incomplete", cornet_state, {})
    with pytest.raises(MissingWeightsError, match=r"names no backbone.*cornet_s"):
        load_model("sim-incomplete")


def test_weights_of_another_architecture_are_refused(own_store, cornet_state):
    del cornet_state["V1.conv1.weight"]
    weights.save("realnet-fmri-sub02", cornet_state, {"backbone": "cornet_s"})
    with pytest.raises(BadFileError, match=r"V1\.conv1\.weight"):
        load_model("realnet-fmri-sub02")


def test_missing_data_are_reported_before_missing_weights(own_store):
    with pytest.raises(MissingDataError, match=r"(?s)sub-01 test.*brainscore data add things-eeg2"):
        score("realnet-fmri-sub01", "ThingsEEG2-rsa")


def test_missing_weights_name_what_to_do(own_store):
    with pytest.raises(
        MissingWeightsError,
        match=r"(?s)fmri-sub01.*no model card.*weights import FILE --model realnet-fmri",
    ):
        score("realnet-fmri-sub01", load_benchmark("SimThingsEEG2-rsa"))
