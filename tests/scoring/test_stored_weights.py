"""Files of weights into the store and out of it; shown on a small backbone."""

import errno
import hashlib
import os

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from brainscore_realnet.errors import (
    BadFileError,
    BadInputError,
    MissingDataError,
    MissingWeightsError,
    StoreError,
    UnknownIdentifierError,
    UnsafeFileError,
)
from brainscore_realnet.networks import backbones
from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD, Backbone
from brainscore_realnet.networks.generation_head import GenerationHead
from brainscore_realnet.scoring import load_model
from brainscore_realnet.scoring.identifiers import package_identifiers
from brainscore_realnet.scoring.weight_files import (
    export_weights,
    import_weights,
    remove_weights,
    require_stored,
    stored_models,
)
from brainscore_realnet.store import sha256_file, weights

AREAS = ("V1", "V2", "V4", "IT")


class Small(nn.Module):
    """Four areas, so that a head of the published names can read them."""

    def __init__(self):
        super().__init__()
        self.V1 = nn.Conv2d(3, 2, 3, stride=8)
        self.V2, self.V4 = nn.BatchNorm2d(2), nn.ReLU()
        self.IT = nn.Sequential(nn.Flatten(), nn.Linear(128, 5))

    def forward(self, images):
        return self.IT(self.V4(self.V2(self.V1(images))))


@pytest.fixture(autouse=True)
def small_backbone(own_store, monkeypatch):
    small = Backbone("small", Small, {area: area for area in AREAS}, "IT", 64, IMAGENET_MEAN, IMAGENET_STD)
    monkeypatch.setitem(backbones._BACKBONES, "small", small)


@pytest.fixture
def state():
    torch.manual_seed(4)
    return Small().state_dict()


@pytest.fixture
def head():
    torch.manual_seed(5)
    return GenerationHead({"V1": 128, "V2": 128, "V4": 128, "IT": 5}, n_signals=6, hidden=3).state_dict()


@pytest.fixture
def file(tmp_path, state):
    """A plain state dict."""
    torch.save(state, tmp_path / "mine.pt")
    return tmp_path / "mine.pt"


def bring(file, identifier="sim-small", **given):
    return import_weights(file, identifier, **{"backbone_name": "small", **given})


def prefixed(state, prefix):
    return {prefix + name: value for name, value in state.items()}


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def stored_files(own_store):
    """The files of weights, then the cards."""
    found = [path.name for path in (own_store / "weights").rglob("*") if path.is_file()]
    return sorted(found, key=lambda name: (name.endswith(".json"), name))


FORMS = {
    "published ReAlnet": (lambda state, head: {**prefixed(state, "realnet.module."), **head}, True),
    "ReAlnet": (lambda state, head: {**prefixed(state, "realnet."), **head}, True),
    "plain with a head": (lambda state, head: {**state, **head}, True),
    "published CORnet-S": (lambda state, head: {"epoch": 43, "state_dict": prefixed(state, "module.")}, False),
    "plain": (lambda state, head: state, False),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", ["weights.pth.tar", "weights.safetensors"])
def test_every_form_is_listed_and_loaded_under_its_identifier_with_its_weights(form, name, tmp_path, state, head):
    lay_out, has_head = FORMS[form]
    content = lay_out(state, head)
    if name.endswith(".safetensors"):
        save_file(content.get("state_dict", content), tmp_path / name)
    else:
        torch.save(content, tmp_path / name)
    card = bring(tmp_path / name)
    assert "sim-small" in package_identifiers("model")
    model = load_model("sim-small")
    assert same(model.activations_model._model.state_dict(), state)
    assert card["backbone"] == "small"
    assert card["imported"] == {
        "file": name,
        "sha1": hashlib.sha1((tmp_path / name).read_bytes()).hexdigest(),
        "sha256": hashlib.sha256((tmp_path / name).read_bytes()).hexdigest(),
        "bytes": (tmp_path / name).stat().st_size,
    }
    assert card["head"] == ({"layers": list(AREAS), "n_signals": 6} if has_head else None)
    stored = weights.load("sim-small")[0]
    assert all(torch.equal(stored[key], value) for key, value in head.items()) if has_head else same(stored, state)


def test_the_order_of_a_files_entries_does_not_change_the_hash(tmp_path, file, state):
    torch.save(dict(reversed(state.items())), tmp_path / "reversed.pt")
    assert bring(file)["weights_sha256"] == bring(tmp_path / "reversed.pt", "sim-other")["weights_sha256"]


@pytest.mark.parametrize("has_head", [True, False])
@pytest.mark.parametrize("ending", [".pt", ".pth", ".pth.tar", ".safetensors"])
def test_a_round_trip_keeps_the_hash_and_every_tensor(ending, has_head, tmp_path, state, head):
    torch.save({**prefixed(state, "realnet.module."), **head} if has_head else state, tmp_path / "mine.pt")
    first = bring(tmp_path / "mine.pt")
    out = export_weights("sim-small", tmp_path / "deep" / f"out{ending}")
    second = bring(out, "sim-again")
    assert first["weights_sha256"] == second["weights_sha256"]
    assert same(weights.load("sim-small")[0], weights.load("sim-again")[0])
    assert (
        load_model("sim-small").activations_model.weights_hash()
        == load_model("sim-again").activations_model.weights_hash()
    )
    if ending == ".safetensors":
        assert sha256_file(out) == first["weights_sha256"]
        assert same(load_file(out), weights.load("sim-small")[0])
    else:
        content = torch.load(out, weights_only=True)
        assert same(
            content if has_head else content["state_dict"],
            {**prefixed(state, "realnet.module."), **head} if has_head else prefixed(state, "module."),
        )


def test_the_card_says_what_the_user_said_and_scores_show_it(file):
    card = bring(file, dataset="sim-things-eeg2", subject="3", note="lent by a colleague")
    assert card["trained_on"] == {"dataset": "sim-things-eeg2", "subject": "sub-03"}
    assert card["note"] == "lent by a colleague"
    origin = load_model("sim-small").activations_model.origin
    assert origin["trained_on"] == card["trained_on"]
    assert origin["card"]["imported"]["file"] == "mine.pt"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({}, None),
        ({"dataset": "things-eeg2"}, {"dataset": "things-eeg2", "subject": "sub-01"}),
        ({"dataset": "things-eeg2", "subject": "01"}, {"dataset": "things-eeg2", "subject": "sub-01"}),
    ],
)
def test_the_subject_that_an_identifier_names_need_not_be_said(given, found, file):
    assert bring(file, "my-sub01-model", **given).get("trained_on") == found


def test_weights_are_replaced_only_when_asked_and_the_old_ones_deleted(tmp_path, file, state, own_store):
    old = bring(file)
    torch.save({key: value + 1 for key, value in state.items()}, tmp_path / "other.pt")
    with pytest.raises(BadInputError, match=r"sim-small.*has weights.*--replace"):
        bring(tmp_path / "other.pt")
    assert weights.find_card("sim-small") == old
    new = bring(tmp_path / "other.pt", replace=True)
    assert new["weights_sha256"] != old["weights_sha256"]
    assert stored_files(own_store) == [new["weights_file"], "sim-small.json"]


def test_weights_that_another_card_is_of_stay(file, own_store):
    card = bring(file)
    bring(file, "sim-twin")
    assert remove_weights("sim-small") == 0
    assert stored_files(own_store) == [card["weights_file"], "sim-twin.json"]
    assert load_model("sim-twin").identifier == "sim-twin"
    assert remove_weights("sim-twin") == card["bytes"]
    assert stored_files(own_store) == []


def test_weights_that_an_unreadable_card_may_be_of_stay(file, own_store):
    card = bring(file)
    (own_store / "weights" / "cards" / "broken.json").write_text("{")
    assert remove_weights("sim-small") == 0
    assert stored_files(own_store) == [card["weights_file"], "broken.json"]


def test_stored_models_are_told_with_their_origin_and_broken_cards_do_not_hide_them(file, state, own_store):
    card = bring(file, dataset="sim-things-eeg2", subject="1")
    weights.save("sim-trained", state, {"backbone": "small", "trained_on": {"dataset": "sim-any"}})
    weights.save("sim-plain", state, {})
    (own_store / "weights" / "cards" / "broken.json").write_text("{")
    broken, plain, small, trained = stored_models()
    assert broken.origin.startswith("broken: Got a broken file")
    assert (plain.backbone, plain.origin) == ("-", "-")
    assert small.origin == "imported from mine.pt, trained on sim-things-eeg2 sub-01"
    assert (small.backbone, small.created, small.n_bytes) == ("small", card["created"], card["bytes"])
    assert trained.origin == "trained on sim-any"


class Spy:
    """Leaves a trace if it is unpickled."""

    def __init__(self, trace):
        self.trace = trace

    def __reduce__(self):
        return os.mkdir, (str(self.trace),)


def truncated(path, state):
    torch.save(state, path)
    path.write_bytes(path.read_bytes()[:2000])


BAD_FILES = {
    "absent": (lambda path, state: None, MissingDataError, "is not a file"),
    "a folder": (lambda path, state: path.mkdir(), MissingDataError, "is not a file"),
    "HTML": (lambda path, state: path.write_text("<html>404</html>"), BadFileError, "cannot be read as a torch"),
    "truncated": (truncated, BadFileError, r"2000 bytes\) cannot be read"),
    "code": (lambda path, state: torch.save({"a": Spy(path.with_name("trace"))}, path), UnsafeFileError, "mkdir"),
    "nothing": (lambda path, state: torch.save({}, path), BadFileError, "an empty dict"),
    "no tensors": (lambda path, state: torch.save({**state, "epoch": 3}, path), BadFileError, "'epoch' is a int"),
    "another network": (
        lambda path, state: torch.save(nn.Linear(2, 2).state_dict(), path),
        BadFileError,
        r"Small: 8 missing \(V1\.weight, V1\.bias, V2\.weight, …\); 2 unexpected \(weight, bias\)",
    ),
    "another shape": (
        lambda path, state: torch.save({**state, "V1.bias": torch.ones(7)}, path),
        BadFileError,
        r"V1\.bias \(7,\) instead of \(2,\)",
    ),
    "NaN": (
        lambda path, state: torch.save({**state, "V1.bias": torch.tensor([0, torch.nan])}, path),
        BadFileError,
        r"NaN or infinite values in 1 entries \(V1\.bias\)",
    ),
    "a head of other layers": (
        lambda path, state: torch.save({**state, "fc_v9.weight": torch.ones(2, 2)}, path),
        BadFileError,
        "'fc_v9' reads no layer",
    ),
}


@pytest.mark.parametrize(("write", "error", "told"), BAD_FILES.values(), ids=BAD_FILES)
def test_a_bad_file_is_refused_by_name_and_leaves_nothing(write, error, told, tmp_path, state, own_store):
    path = tmp_path / "bad.pt"
    write(path, state)
    with pytest.raises(error, match=rf"(?s)bad\.pt.*{told}"):
        bring(path)
    assert not own_store.exists()
    assert not (tmp_path / "trace").exists()


def test_a_bad_file_does_not_touch_the_weights_that_it_was_to_replace(tmp_path, file, state, own_store):
    card = bring(file)
    before = stored_files(own_store)
    truncated(tmp_path / "bad.pt", state)
    with pytest.raises(BadFileError):
        bring(tmp_path / "bad.pt", replace=True)
    assert weights.find_card("sim-small") == card
    assert stored_files(own_store) == before


BAD_NAMES = {
    "upstream": ({"identifier": "alexnet"}, "a model of Brain-Score"),
    "reference model": ({"identifier": "sim-hidden"}, "made from a seed"),
    "no file name": ({"identifier": "a/b"}, "expected letters"),
    "simulated under a real name": ({"identifier": "mine", "dataset": "sim-things-eeg2"}, "begins with 'sim-'"),
    "subject without data set": ({"subject": "1"}, "--dataset"),
    "another subject": (
        {"identifier": "my-sub01", "dataset": "things-eeg2", "subject": "2"},
        "sub-02 for 'my-sub01', the model of sub-01",
    ),
    "backbone of a family": ({"identifier": "realnet-eeg-sub01"}, "small for 'realnet-eeg-sub01', whose .* cornet_s"),
    "backbone of a baseline": ({"identifier": "resnet-101"}, "small for 'resnet-101', whose backbone is resnet_101"),
}


@pytest.mark.parametrize(("given", "told"), BAD_NAMES.values(), ids=BAD_NAMES)
def test_an_identifier_that_cannot_be_is_refused(given, told, file, own_store):
    with pytest.raises(BadInputError, match=told):
        bring(file, **given)
    assert not own_store.exists()


def test_an_unknown_backbone_names_the_nearest(file):
    with pytest.raises(UnknownIdentifierError, match=r"resnet101.*nearest: resnet_101"):
        bring(file, backbone_name="resnet101")


def test_an_identifier_keeps_its_backbone(file):
    bring(file)
    with pytest.raises(BadInputError, match="resnet_101 for 'sim-small', whose backbone is small"):
        bring(file, backbone_name="resnet_101", replace=True)
    assert bring(file, backbone_name=None, replace=True)["backbone"] == "small"


def test_a_file_that_is_there_is_replaced_only_when_asked(tmp_path, file):
    bring(file)
    out = tmp_path / "out.pt"
    out.write_text("mine")
    with pytest.raises(BadInputError, match=r"out\.pt, which is there.*--replace"):
        export_weights("sim-small", out)
    assert out.read_text() == "mine"
    export_weights("sim-small", out, replace=True)
    assert bring(out, "sim-again")["weights_sha256"] == weights.find_card("sim-small")["weights_sha256"]


@pytest.mark.parametrize("name", ["out.npz", "out", "out.pt.gz"])
def test_a_file_of_another_ending_is_not_written(name, tmp_path, file):
    bring(file)
    with pytest.raises(BadInputError, match=r"ends in \.pt, \.pth, \.pth\.tar or \.safetensors"):
        export_weights("sim-small", tmp_path / name)
    assert not (tmp_path / name).exists()


def test_a_folder_is_not_written_to(tmp_path, file):
    bring(file)
    (tmp_path / "out.pt").mkdir()
    with pytest.raises(StoreError, match=r"out\.pt, which is a folder"):
        export_weights("sim-small", tmp_path / "out.pt", replace=True)


@pytest.mark.parametrize("use", [require_stored, remove_weights, lambda name: export_weights(name, "out.pt")])
def test_an_unknown_identifier_names_those_there_are(use, file):
    bring(file)
    with pytest.raises(MissingWeightsError, match=r"'sim-smal'.*one of: sim-small"):
        use("sim-smal")


@pytest.mark.parametrize("failure", [OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)), KeyboardInterrupt()])
def test_an_export_that_cannot_be_finished_leaves_the_file_as_it_was(failure, tmp_path, file, monkeypatch):
    bring(file)
    out = tmp_path / "elsewhere" / "out.pt"
    export_weights("sim-small", out)
    before = out.read_bytes()

    def half(content, stream):
        stream.write(b"half")
        raise failure

    monkeypatch.setattr(torch, "save", half)
    with pytest.raises(StoreError if isinstance(failure, OSError) else KeyboardInterrupt):
        export_weights("sim-small", out, replace=True)
    assert out.read_bytes() == before
    assert list(out.parent.iterdir()) == [out]
