"""What metadata tell of a model follows from hashes and records, never from names; unusual cards are refused."""

import importlib

import pytest
import torch
from brainscore_core.metadata import load
from torch import nn

from brainscore_realnet.errors import BadFileError
from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD, NAMES, Backbone, backbone
from brainscore_realnet.networks.published import CORNET_S, RESNET_101
from brainscore_realnet.scoring.enable import enable
from brainscore_realnet.scoring.weight_files import stored_models
from brainscore_realnet.store import weights
from brainscore_realnet.submission.exporting.folder_names import folder_names
from brainscore_realnet.submission.exporting.metadata import FAMILIES, Told, document, entry
from brainscore_realnet.training.recipes import REALNET_EEG

SHA1 = CORNET_S.known_hash.removeprefix("sha1:")
BIBTEX = "@article{a, author={A. Author}, title={T}, year=2024, url={https://example.org}}"
IMPORTED = {"file": "x.pt", "sha256": "0" * 64, "sha1": "1" * 40}


def told(card, name="cornet_s", bibtex="", network=None):
    """The entry of a model, as Brain-Score reads it."""
    about = Told("mine", "mine", backbone(name), network or nn.Linear(2, 2), 8, "mine.safetensors", card, None, bibtex)
    return load(document({"mine": entry(about)}).decode(), "vision")["models"]["mine"]


def trained(start, **more):
    recipe = REALNET_EEG.changed(subject=1, backbone=more.pop("backbone", "cornet_s"))
    return {"recipe": recipe.record(), "head": {"layers": ["V1"]}, "pretrained": start, **more}


@pytest.mark.parametrize(
    ("identifiers", "name"),
    [
        (["realnet-eeg-sub01"], "realnet_eeg_sub01"),
        ([f"realnet-eeg-sub{n:02d}" for n in range(1, 6)], "realnet_eeg_sub01_sub05"),
        ([f"realnet-eeg-sub{n:02d}" for n in range(6, 11)], "realnet_eeg_sub06_sub10"),
        (["realnet-eeg-sub01", "realnet-eeg-sub01-best"], "realnet_eeg_sub01_best"),
        (["mine.v2", "other"], "mine_v2_other"),
        (["voneresnet_50"], "voneresnet_50_realnet"),
    ],
)
def test_folders_are_named_after_the_first_and_the_last_model(identifiers, name):
    assert folder_names({"cornet_s": identifiers}) == {"cornet_s": name}


STARTS = {
    "downloaded": ({"weights": CORNET_S.url, "hash": CORNET_S.known_hash}, "CORnet-S"),
    "the published file under another name": ({"weights": "file", "file": "my.pt", "sha1": SHA1}, "CORnet-S"),
    "another file under the published name": (
        {"weights": "file", "file": CORNET_S.filename, "sha1": "1" * 40, "sha256": "0" * 64},
        None,
    ),
    "a card of before": ({"weights": "file", "file": CORNET_S.filename, "sha256": "0" * 64}, None),
    "the store's, imported from the published file": (
        {"weights": "store", "card": {"imported": {"file": "my.pt", "sha1": SHA1}}},
        "CORnet-S",
    ),
    "the store's, imported from another": ({"weights": "store", "card": {"imported": IMPORTED}}, None),
}


@pytest.mark.parametrize(("start", "identifier"), STARTS.values(), ids=STARTS)
def test_lineage_is_told_by_hashes(start, identifier):
    made = told(trained(start))
    (base,) = made["lineage"]["base_models"]
    roles = [one["role"] for one in made["data"]["training_datasets"]]
    assert (base.get("identifier"), "pretraining" in roles) == (identifier, identifier is not None)


def test_lineage_is_told_by_sha256_too():
    start = {"weights": "file", "file": "my.pt", "sha256": RESNET_101.known_hash.removeprefix("sha256:")}
    made = told(trained(start, backbone="resnet_101"), "resnet_101")
    assert made["lineage"]["base_models"][0]["identifier"] == "resnet_101_v1"


def test_imported_weights_tell_what_they_were_fine_tuned_from():
    card = {"imported": {**IMPORTED, "fine_tuned_from": "CORnet-S"}}
    base = {"identifier": "CORnet-S", "name": "CORnet-S", "relationship": "fine_tuned_from"}
    assert told(card)["lineage"]["base_models"] == [base]
    assert "lineage" not in told({"imported": IMPORTED})


@pytest.mark.parametrize(
    ("card", "bibtex", "sources"),
    [
        ({"imported": IMPORTED}, "", ["code"]),
        ({"imported": IMPORTED}, BIBTEX, ["code"]),
        ({"imported": IMPORTED, "trained_on": {"dataset": "shen2019"}}, "", ["code", "said"]),
        ({"imported": {**IMPORTED, "fine_tuned_from": "CORnet-S"}}, BIBTEX, ["paper", "code", "said"]),
        (trained({}), BIBTEX, ["paper", "code"]),
    ],
)
def test_sources_are_those_that_assertions_name_and_nothing_imported_was_recorded(card, bibtex, sources):
    made = told(card, bibtex=bibtex)
    assert list(made["sources"]) == sources
    assert {one for assertion in made["assertions"] for one in assertion["sources"]} == set(sources)
    assert ("recorded" in made["sources"]["code"]["citation"]) is ("recipe" in card)
    assert all(one["status"] == "uncertain" for one in made["assertions"] if "said" in one["sources"])


def test_families_are_told_of_the_tables_backbones_alone():
    assert FAMILIES.keys() == set(NAMES)
    mixer = nn.Sequential(nn.Conv2d(3, 2, 16, 16), nn.Linear(2, 2))
    unknown = Backbone("timm:resmlp_12_224", nn.Identity, {}, "", 224, IMAGENET_MEAN, IMAGENET_STD)
    made = entry(Told("mine", "mine", unknown, mixer, 8, "f", {}, None, ""))["model"]
    assert made["architecture"] == {"description": "timm:resmlp_12_224"}
    assert "recurrent" not in made


def test_a_model_and_that_of_its_best_epoch_have_different_names():
    about = {"epoch": 30, "selected_by": "last epoch"}
    last = told(trained({}, **about))["model"]["display_name"]
    best = told(trained({}, **{**about, "selected_by": "lowest validation loss"}))["model"]["display_name"]
    assert (last, best) == ("CORnet-S, EEG of subject 1, β = 100", f"{last}, best epoch (30)")


UNUSUAL = {
    "no text for bibtex": ({"bibtex": 5}, r"bibtex = 5, expected str"),
    "no recipe in it": ({"recipe": 5}, r"recipe = 5, expected an object"),
    "no data set": ({"trained_on": {"dataset": None}}, r"trained_on\.dataset = None, expected str"),
    "a number for the subject": (
        {"trained_on": {"dataset": "a", "subject": 1}},
        r"trained_on\.subject = 1, expected str",
    ),
    "no file": ({"imported": {"sha256": "0"}}, r"imported\.file = None, expected str"),
    "no object in it": ({"pretrained": {"card": 5}}, r"pretrained\.card = 5, expected an object"),
}


@pytest.mark.parametrize(("card", "wrong"), UNUSUAL.values(), ids=UNUSUAL)
def test_unusual_cards_are_refused_with_their_path_and_listed_as_broken(own_store, card, wrong):
    with pytest.raises(BadFileError, match=rf"Got {wrong}.* in the model card {own_store}/weights/cards/mine\.json"):
        told(card)
    weights.save("mine", {"a": torch.zeros(1)}, {"backbone": "cornet_s", **card})
    (listed,) = stored_models()
    assert listed.origin.startswith("broken: Got ")


@pytest.mark.parametrize(
    ("bibtex", "wrong"),
    [
        (BIBTEX.replace("https://example.org", "https://[bad"), r"bibtex a has a url that cannot be one"),
        (BIBTEX.replace("https://example.org", "{https://[bad}"), r"bibtex a has a url that cannot be one"),
        ("@article{a, year=2024", r"bibtex cannot be read"),
        ("@misc{a, year=2024}", r"bibtex a lacks author; bibtex a lacks url or doi"),
    ],
)
def test_citations_that_cannot_be_one_are_refused_with_the_cards_path(own_store, bibtex, wrong):
    with pytest.raises(BadFileError, match=rf"Got {wrong}.* in the model card {own_store}/weights/cards/mine\.json"):
        told({"bibtex": bibtex, **trained({})}, bibtex=bibtex)


def test_null_stands_for_nothing(own_store):
    nothing = dict.fromkeys(("recipe", "bibtex", "trained_on", "imported", "head", "departures", "pretrained"))
    assert told(nothing)["model"]["display_name"] == "mine"
    enable()
    model = importlib.import_module("brainscore_vision.models.trained.model")
    for identifier, recipe in (("sim-null", None), ("sim-five", 5)):
        weights.save(identifier, {"a": torch.zeros(1)}, {"backbone": "cornet_s", "recipe": recipe})
        assert model.get_bibtex(identifier) is None
