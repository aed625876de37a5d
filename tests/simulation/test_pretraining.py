import pytest
import torch

from brainscore_realnet.networks.pretrained import pretrained
from brainscore_realnet.simulation import pretraining
from brainscore_realnet.simulation.pretraining import BACKBONE, IDENTIFIER, Pretraining, make_if_missing, pretrain
from brainscore_realnet.simulation.public import PUBLIC
from brainscore_realnet.store import weights

FEW = Pretraining(concepts=4, exemplars=4, epochs=2, batch_size=8)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def test_same_numbers_lead_to_the_same_weights_and_leave_others_random_numbers_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    (first, card), (second, _) = pretrain(FEW), pretrain(FEW)
    assert torch.equal(torch.rand(3), expected)
    other, _ = pretrain(Pretraining(concepts=4, exemplars=4, epochs=2, batch_size=8, seed=4))
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name])
    assert not torch.equal(first.V1.conv1.weight, other.V1.conv1.weight)
    assert not first.training
    assert card["simulated"] is True
    assert "no subject" in card["pretrained_on"]


def test_training_moves_the_weights_and_names_concepts_better_than_chance():
    network, card = pretrain(Pretraining(concepts=3, exemplars=8, epochs=5, batch_size=8))
    assert card["accuracy"] > 0.6
    assert float(network.V1.norm1.running_mean.abs().max()) > 0


def test_no_simulated_set_has_the_concepts():
    used = [one.test_images + one.training_concepts for one in PUBLIC]
    assert Pretraining().first_concept > max(used)
    assert Pretraining().seed not in [one.seed for one in PUBLIC]


def test_trainings_start_from_what_was_pretrained_once(own_store, monkeypatch):
    made = []
    monkeypatch.setattr(pretraining, "pretrain", lambda **_: made.append(1) or pretrain(FEW))
    monkeypatch.setattr(pretraining, "Pretraining", lambda: FEW)
    make_if_missing("cornet_s")
    assert weights.identifiers() == []
    for _ in range(2):
        make_if_missing(BACKBONE, progress=False)
    assert len(made) == 1
    assert weights.identifiers() == [IDENTIFIER] == ["sim-cornet-s-narrow"]
    network, origin = pretrained(BACKBONE)
    assert torch.equal(network.V1.conv1.weight, weights.load(IDENTIFIER)[0]["V1.conv1.weight"])
    assert origin["card"]["simulated"] is True


def test_network_of_other_numbers_is_replaced_and_an_imported_one_kept(own_store, monkeypatch):
    network, card = pretrain(FEW)
    weights.save(IDENTIFIER, network.state_dict(), card)
    other = Pretraining(concepts=4, exemplars=4, epochs=1, batch_size=8)
    monkeypatch.setattr(pretraining, "pretrain", lambda **_: pretrain(other))
    monkeypatch.setattr(pretraining, "Pretraining", lambda: other)
    make_if_missing(progress=False)
    assert weights.find_card(IDENTIFIER)["pretraining"]["epochs"] == 1
    weights.save(IDENTIFIER, network.state_dict(), {"backbone": BACKBONE, "imported": {"file": "mine.pt"}})
    make_if_missing(progress=False)
    assert "imported" in weights.find_card(IDENTIFIER)
