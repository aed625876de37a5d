import subprocess
import sys

import pytest
import torch

from brainscore_realnet.cli import main
from brainscore_realnet.cli.table import size
from brainscore_realnet.networks import backbones
from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD, Backbone
from brainscore_realnet.networks.cornet_s import CORnetS
from brainscore_realnet.networks.generation_head import GenerationHead
from brainscore_realnet.simulation.hidden_network import AREAS, INPUT_SIZE, HiddenNetwork
from brainscore_realnet.store import file_hash, weights

pytestmark = pytest.mark.usefixtures("own_store")


def run(capsys, *arguments):
    status = main(["weights", *map(str, arguments)])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Weights in the form in which ReAlnet's authors published theirs: the file and the backbone's state dict."""
    torch.manual_seed(6)
    state = CORnetS().state_dict()
    head = GenerationHead({"V1": 40, "V2": 30, "V4": 20, "IT": 10}, n_signals=340).state_dict()
    path = tmp_path_factory.mktemp("published") / "ReAlnet01_best_model_params.pt"
    torch.save({**{f"realnet.module.{name}": value for name, value in state.items()}, **head}, path)
    yield path, state
    path.unlink()


@pytest.fixture
def small(tmp_path, monkeypatch):
    """A file of weights of a small backbone."""
    entry = Backbone(
        "small", HiddenNetwork, {area: area for area in AREAS}, "IT", INPUT_SIZE, IMAGENET_MEAN, IMAGENET_STD
    )
    monkeypatch.setitem(backbones._BACKBONES, "small", entry)
    torch.save(HiddenNetwork(seed=3).state_dict(), tmp_path / "small.pt")
    return tmp_path / "small.pt"


def test_a_published_checkpoint_is_imported_and_loaded_as_the_model_of_its_family(published, capsys):
    from brainscore_realnet import load_model

    path, state = published
    status, out, _ = run(capsys, "import", path, "--model", "realnet-eeg-sub01")
    assert status == 0
    card = weights.find_card("realnet-eeg-sub01")
    assert out == (
        f"realnet-eeg-sub01 from {path}\n  backbone  cornet_s\n  head      340 signals from V1, V2, V4, IT\n"
        f"  weights   {size(card['bytes'])} (sha256 {card['weights_sha256'][:12]})\n"
    )
    model = load_model("realnet-eeg-sub01")
    loaded = model.activations_model._model.state_dict()
    assert all(torch.equal(loaded[name], value) for name, value in state.items())
    assert model.activations_model.origin["weights"] == "store"
    assert model.activations_model.origin["trained_on"] == {"dataset": "things-eeg2", "subject": "sub-01"}


def test_an_imported_model_is_listed_scored_exported_and_removed(small, tmp_path, capsys):
    note = ["--dataset", "sim-things-eeg2", "--subject", "1", "--note", "for this test"]
    assert run(capsys, "import", small, "--model", "sim-mine", "--backbone", "small", *note)[0] == 0
    assert main(["list", "models"]) == 0
    assert "sim-mine" in capsys.readouterr().out.splitlines()
    scoring = ["score", "--model", "sim-mine", "--benchmark", "SimThingsEEG2-rsa", "--screen", "fullfield"]
    assert main(scoring) == 0
    out = capsys.readouterr().out
    assert out.startswith("SIMULATED")
    assert "sim-mine on SimThingsEEG2-rsa" in out

    _, out, _ = run(capsys, "list")
    card = weights.find_card("sim-mine")
    shown = size(card["bytes"])
    origin = "imported from small.pt, trained on sim-things-eeg2 sub-01"
    assert out == f"sim-mine  small  {card['created'][:10]}  {shown:>9}  {origin}\n"
    status, out, _ = run(capsys, "export", "sim-mine", tmp_path / "out.pth.tar")
    assert (status, out.startswith(str(tmp_path / "out.pth.tar"))) == (0, True)
    run(capsys, "import", tmp_path / "out.pth.tar", "--model", "sim-again", "--backbone", "small")
    assert weights.find_card("sim-again")["weights_sha256"] == card["weights_sha256"]

    status, _, error = run(capsys, "remove", "sim-mine")
    assert (status, "--yes" in error, weights.find_card("sim-mine")) == (2, True, card)
    assert run(capsys, "remove", "sim-mine", "--yes")[0] == 0
    assert weights.identifiers() == ["sim-again"]


def test_reference_and_lineage_are_kept_in_the_card(small, tmp_path, capsys):
    reference = "@article{a, author={A. Author}, title={T}, year=2024, doi={10.1/x}}\n"
    (tmp_path / "mine.bib").write_text(reference)
    given = ["--backbone", "small", "--bibtex", tmp_path / "mine.bib", "--fine-tuned-from", "CORnet-S"]
    assert run(capsys, "import", small, "--model", "sim-mine", *given)[0] == 0
    card = weights.find_card("sim-mine")
    assert (card["bibtex"], card["imported"]["fine_tuned_from"]) == (reference, "CORnet-S")
    assert card["imported"]["sha1"] == file_hash(small, "sha1")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (b"@misc{a, year=2024}", "lacks author"),
        (b"@misc{a}@misc{b}", "with 2 entries"),
        (b"any", "with 0 entries"),
        (b"\xff", "no text"),
    ],
)
def test_files_that_are_no_reference_are_refused(small, tmp_path, capsys, text, told):
    (tmp_path / "mine.bib").write_bytes(text)
    given = ["--backbone", "small", "--bibtex", tmp_path / "mine.bib"]
    status, _, error = run(capsys, "import", small, "--model", "sim-mine", *given)
    assert (status, told in error, "mine.bib" in error) == (2, True, True)
    assert weights.identifiers() == []


def test_an_empty_store_says_how_to_fill_it(own_store, capsys):
    status, out, _ = run(capsys, "list")
    assert status == 0
    assert out == f"No weights in {own_store / 'weights'} yet: `brainscore weights import FILE --model IDENTIFIER`.\n"
    assert not own_store.exists()


def test_a_model_without_weights_says_how_to_import_them(capsys):
    assert main(["score", "--model", "realnet-fmri-sub02", "--benchmark", "SimThingsEEG2-rsa"]) == 2
    assert "`brainscore weights import FILE --model realnet-fmri-sub02`" in capsys.readouterr().err


WRONG = {
    "no file": (["import", "no/such.pt", "--model", "sim-x"], "no/such.pt is not a file"),
    "folder": (["import", ".", "--model", "sim-x"], "is not a file"),
    "no checkpoint": (["import", __file__, "--model", "sim-x"], "cannot be read as a torch checkpoint"),
    "upstream's identifier": (["import", __file__, "--model", "alexnet"], "a model of Brain-Score"),
    "simulated": (["import", __file__, "--model", "x", "--dataset", "sim-things-eeg2"], "begins with 'sim-'"),
    "backbone": (["import", __file__, "--model", "sim-x", "--backbone", "cornet"], "nearest: cornet_s"),
    "no bibtex": (["import", __file__, "--model", "sim-x", "--bibtex", "no.bib"], "no file at no.bib"),
    "no such base": (["import", __file__, "--model", "sim-x", "--fine-tuned-from", "CORnetS"], "mean CORnet-S"),
    "base of ours": (["import", __file__, "--model", "sim-x", "--fine-tuned-from", "cornet-s"], "mean CORnet-S"),
    "unknown to export": (["export", "sim-x", "out.pt"], "no model card for 'sim-x'"),
    "ending": (["export", "sim-x", "out.h5"], "ends in .pt"),
    "unknown to remove": (["remove", "sim-x"], "no model card for 'sim-x'"),
    "unknown to remove at once": (["remove", "sim-x", "--yes"], "no model card for 'sim-x'"),
}


@pytest.mark.parametrize(("arguments", "told"), WRONG.values(), ids=WRONG)
def test_wrong_input_gives_one_message_and_status_2(arguments, told, own_store, capsys):
    status, out, error = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert error.startswith("brainscore: ")
    assert told in error
    assert not own_store.exists()


def test_weights_of_another_network_are_told_by_the_first_names(small, capsys):
    status, _, error = run(capsys, "import", small, "--model", "sim-x")
    assert status == 2
    assert f"Cannot import {small} as sim-x: the weights do not fit CORnetS: " in error
    assert "missing (V1.conv1.weight, " in error
    assert weights.identifiers() == []


def test_listing_loads_nothing_heavy():
    code = (
        "import sys\n"
        "from brainscore_realnet.cli import main; main(['weights', 'list'])\n"
        "assert not {'torch', 'pandas', 'brainscore_vision'} & set(sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_network_of_a_library_is_imported_with_its_layers_and_scored(tmp_path, capsys):
    from torchvision.models import resnet18

    from brainscore_realnet import load_model

    torch.manual_seed(4)
    torch.save(resnet18(weights=None).state_dict(), tmp_path / "mine.pt")
    given = ("import", tmp_path / "mine.pt", "--model", "my-resnet18", "--backbone", "torchvision:resnet18")
    status, _, err = run(capsys, *given, "--layers", "relu", "layer1", "layer9")
    assert (status, "has no layer 'layer9'" in err) == (2, True)
    assert run(capsys, *given, "--layers", "relu", "layer1", "layer3", "layer4")[0] == 0
    model = load_model("my-resnet18")
    areas = {"V1": "relu", "V2": "layer1", "V4": "layer3", "IT": "layer4"}
    assert dict(model.layer_model.region_layer_map) == {**areas, "readout": "layer4"}
