"""Which weights a model of this package gets, and that no two models share them."""

import functools
import hashlib
import http.server
import importlib
import shutil
import threading
from dataclasses import replace

import pytest
import torch

from brainscore_realnet import enable, load_model
from brainscore_realnet.errors import MissingWeightsError
from brainscore_realnet.networks import backbones
from brainscore_realnet.networks.cornet_s import CORnetS
from brainscore_realnet.networks.published import REALNET_EEG_PUBLISHED, Published
from brainscore_realnet.store import folder, weights, write_json


@pytest.fixture(autouse=True)
def no_second_attempt(monkeypatch):
    monkeypatch.setattr(importlib.import_module("brainscore_realnet.store.download"), "_RETRIES", 0)


@pytest.fixture
def server(tmp_path):
    """Serve a folder on this machine; give the folder and its address."""
    served = tmp_path / "served"
    served.mkdir()

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(served)))
    thread = threading.Thread(target=httpd.serve_forever)
    thread.start()
    yield served, f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def network_of(model):
    return model.activations_model._model


@pytest.mark.parametrize(
    "identifier", ["realnet-fmri-sub02", "realnet-fmri-beta0", "realnet-eeg-sub01-beta10", "realnet-eeg-all"]
)
def test_family_without_published_weights_says_what_to_do(own_store, identifier):
    with pytest.raises(MissingWeightsError, match=f"There are no weights of {identifier}") as caught:
        load_model(identifier)
    assert "brainscore weights import FILE --model" in str(caught.value)
    assert str(own_store) in str(caught.value)


def test_download_without_network_names_address_and_cause(own_store, monkeypatch):
    closed = Published("http://127.0.0.1:9/ReAlnet01.pt", "ReAlnet01.pt", "sha1:" + "0" * 40, "nobody")
    monkeypatch.setitem(REALNET_EEG_PUBLISHED, 1, closed)
    with pytest.raises(MissingWeightsError) as caught:
        load_model("realnet-eeg-sub01")
    message = str(caught.value)
    assert "realnet-eeg-sub01" in message
    assert "http://127.0.0.1:9/ReAlnet01.pt" in message
    assert "refused" in message
    assert closed.known_hash in message


def test_published_realnet_checkpoint_is_fetched_verified_and_loaded_strictly(own_store, server, monkeypatch):
    served, address = server
    torch.manual_seed(11)
    state = CORnetS().state_dict()
    head = {f"fc_{area}.weight": torch.zeros(128, 3) for area in ("v1", "v2", "v4", "it")} | {"fc.bias": torch.zeros(2)}
    torch.save({f"realnet.module.{key}": value for key, value in state.items()} | head, served / "ReAlnet01.pt")
    sha1 = hashlib.sha1((served / "ReAlnet01.pt").read_bytes()).hexdigest()
    known = Published(f"{address}/ReAlnet01.pt", "ReAlnet01.pt", f"sha1:{sha1}", "this test")
    monkeypatch.setitem(REALNET_EEG_PUBLISHED, 1, known)

    model = load_model("realnet-eeg-sub01")
    loaded = network_of(model).state_dict()
    assert loaded.keys() == state.keys()
    assert all(torch.equal(loaded[key], value) for key, value in state.items())
    assert model.activations_model.origin == {
        "weights": known.url,
        "hash": known.known_hash,
        "source": known.source,
        "trained_on": {"dataset": "things-eeg2", "subject": "sub-01"},
    }

    # Other bytes than the known ones are never loaded.
    (served / "other.pt").write_bytes(b"other bytes")
    wrong = Published(f"{address}/other.pt", "other.pt", known.known_hash, "this test")
    monkeypatch.setitem(REALNET_EEG_PUBLISHED, 1, wrong)
    with pytest.raises(MissingWeightsError, match=r"(?s)/other\.pt.*" + sha1):
        load_model("realnet-eeg-sub01")
    assert not list(own_store.rglob("other.pt"))


def test_two_models_never_share_weights(own_store):
    torch.manual_seed(12)
    state = CORnetS().state_dict()
    weights.save("realnet-eeg-sub01", state, {"backbone": "cornet_s"})
    card = weights.find_card("realnet-eeg-sub01")
    write_json(folder("weights", "cards") / "realnet-eeg-sub02.json", {**card, "identifier": "realnet-eeg-sub02"})
    networks = [
        network_of(load_model(name)) for name in ("realnet-eeg-sub01", "realnet-eeg-sub02", "realnet-eeg-sub01")
    ]
    addresses = [{value.data_ptr() for value in network.state_dict().values()} for network in networks]
    assert len(set.union(*addresses)) == sum(len(each) for each in addresses)
    with torch.no_grad():
        for parameter in networks[0].parameters():
            parameter.zero_()
    for network in networks[1:]:
        assert all(torch.equal(value, state[key]) for key, value in network.state_dict().items())


@pytest.mark.parametrize(
    ("identifier", "trained_on", "url"),
    [
        ("realnet-eeg-sub07", {"dataset": "things-eeg2", "subject": "sub-07"}, REALNET_EEG_PUBLISHED[7].url),
        ("realnet-eeg-sub07-beta10", {"dataset": "things-eeg2", "subject": "sub-07"}, None),
        ("realnet-eeg-beta0", {"dataset": "things-eeg2"}, None),
        ("realnet-eeg-all", {"dataset": "things-eeg2"}, None),
        ("realnet-fmri-sub03", {"dataset": "shen2019", "subject": "sub-03"}, None),
        ("realnet-fmri-beta0", {"dataset": "shen2019"}, None),
    ],
)
def test_data_subject_and_published_weights_follow_from_the_identifier(monkeypatch, identifier, trained_on, url):
    enable()
    family = "_".join(identifier.split("-")[:2])
    plugin = importlib.import_module(f"brainscore_vision.models.{family}.model")
    monkeypatch.setattr(plugin, "committed_model", lambda *given: given)
    got_identifier, backbone_name, published, got_trained_on = plugin.get_model(identifier)
    assert (got_identifier, backbone_name, got_trained_on) == (identifier, "cornet_s", trained_on)
    assert (published and published.url) == url


def as_cornet_was_published(network, path):
    torch.save(
        {"epoch": 43, "state_dict": {f"module.{key}": value for key, value in network.state_dict().items()}}, path
    )


def as_resnet_was_published(network, path):
    torch.save(network.state_dict(), path)


def as_clip_was_published(network, path):
    with torch.no_grad():
        script = torch.jit.trace(network, torch.zeros(1, 3, 224, 224), check_trace=False)
    torch.jit.save(script.half(), path)


BASELINES = {
    "cornet-s": (as_cornet_was_published, ["V1", "V2", "V4", "IT", "decoder.avgpool"]),
    "resnet-101": (as_resnet_was_published, ["relu", "layer1", "layer3", "layer4", "avgpool"]),
    "clip-rn101": (
        as_clip_was_published,
        ["visual.act3", "visual.layer1", "visual.layer3", "visual.attnpool", "visual.attnpool"],
    ),
}
"""Baseline to how its authors saved it, and its layers of V1, V2, V4, IT and the readout."""


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
@pytest.mark.parametrize("identifier", BASELINES)
def test_published_weights_of_baselines_are_fetched_verified_and_committed(own_store, server, monkeypatch, identifier):
    served, address = server
    save, layers = BASELINES[identifier]
    entry = backbones.backbone(identifier.replace("-", "_"))
    torch.manual_seed(13)
    network = entry.build().eval()
    expected = {key: value.clone() for key, value in network.state_dict().items()}
    save(network, served / entry.published.filename)
    sha256 = hashlib.sha256((served / entry.published.filename).read_bytes()).hexdigest()
    here = Published(f"{address}/{entry.published.filename}", entry.published.filename, f"sha256:{sha256}", "this test")
    monkeypatch.setitem(backbones._BACKBONES, entry.name, replace(entry, published=here))

    model = load_model(identifier)
    for key, value in network_of(model).state_dict().items():
        due = (
            expected[key].half().float() if identifier == "clip-rn101" and value.is_floating_point() else expected[key]
        )
        assert torch.equal(value, due), key
    assert model.activations_model.origin["hash"] == here.known_hash
    assert list(model.layer_model.region_layer_map.values()) == layers

    # Other bytes than the known ones are never loaded.
    (served / entry.published.filename).write_bytes(b"other bytes")
    shutil.rmtree(own_store)
    with pytest.raises(MissingWeightsError, match=sha256):
        load_model(identifier)
