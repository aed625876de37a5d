import shutil
from types import SimpleNamespace

import pytest

from brainscore_realnet import load_benchmark, load_model
from brainscore_realnet.errors import BadFileError, UnknownIdentifierError
from brainscore_realnet.scoring.identifiers import package_identifiers
from brainscore_realnet.scoring.provenance import provenance
from brainscore_realnet.scoring.record import as_record
from brainscore_realnet.store import weights
from brainscore_realnet.store.folders import home


def label(identifier, origin, benchmark_provenance):
    model = SimpleNamespace(
        identifier=identifier, visual_degrees=lambda: 8, activations_model=SimpleNamespace(origin=origin)
    )
    benchmark = SimpleNamespace(identifier="Some-rsa", version=1)
    score = SimpleNamespace(attrs={"benchmark_provenance": benchmark_provenance})
    return provenance(model, benchmark, score, {})["simulated"]


def test_real_models_whose_name_begins_with_sim_are_not_called_simulated():
    assert label("SimVP", {}, {}) is False
    assert label("simclr_naive_tutorial", "chosen by the model's own plugin", {"simulated": False}) is False


def test_everything_simulated_is_called_so_whatever_its_name():
    assert label("my-model", {"trained_on": {"dataset": "sim-things-eeg2-abc"}}, {}) is True
    assert label("my-model", {"simulated": True}, {}) is True
    assert label("sim-my-model", {"weights": "store"}, {}) is True
    assert label("alexnet", {}, {"simulated": True}) is True


def test_values_of_upstream_that_are_no_single_number_do_not_lose_the_score():
    import numpy as np
    from brainscore_core.metrics import Score

    score = Score(0.5)
    score.attrs.update(
        raw=Score(np.array([0.4, 0.6]), coords={"neuroid": [0, 1]}, dims=["neuroid"]),
        ceiling=Score(0.8),
        error=0.1,
        model_identifier="a",
        benchmark_identifier="b",
        provenance={"model": {"origin": "elsewhere"}, "benchmark": {}, "simulated": False},
    )
    record = as_record(score)
    assert record["score"] == 0.5
    assert record["raw"] is None
    assert record["ceiling"] == {"lower": None, "upper": 0.8, "n_subjects": None}


@pytest.mark.parametrize("deleted", ["simulated", "data"])
def test_simulated_data_that_were_deleted_are_made_again(own_store, deleted):
    before = float(load_benchmark("SimThingsEEG2-rsa")(load_model("sim-noise")))
    shutil.rmtree(home() / deleted)
    assert float(load_benchmark("SimThingsEEG2-rsa")(load_model("sim-noise"))) == before


def test_one_broken_model_card_does_not_hide_the_other_models(own_store):
    cards = home() / "weights" / "cards"
    cards.mkdir(parents=True)
    (cards / "broken.json").write_text("{")
    assert "sim-noise" in package_identifiers("model")
    assert load_model("sim-noise").identifier == "sim-noise"
    with pytest.raises(BadFileError, match=r"broken\.json"):
        load_model("broken")


def test_card_with_the_identifier_of_an_upstream_model_is_refused_and_not_passed_over(own_store):
    import torch

    weights.save("alexnet", {"x": torch.zeros(1)}, {"backbone": "cornet_s"})
    with pytest.raises(UnknownIdentifierError, match="'alexnet' is a model card in your store"):
        load_model("alexnet")
