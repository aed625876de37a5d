"""Stock Brain-Score after ``enable()``, alone in a process, with plugin revisions in the keys of its caches."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import brainscore_realnet

CODE = r"""
import importlib, json, logging, shutil, sys, tempfile
from pathlib import Path

messages = []
class Kept(logging.Handler):
    def emit(self, record):
        messages.append(record.getMessage())
logging.getLogger().addHandler(Kept())

import brainscore_realnet
brainscore_realnet.enable()
import brainscore_vision
from brainscore_vision.model_helpers.activations import cache_key

BENCHMARK, TRAINED = "SimThingsEEG2.V4-rsa", "sim-trained-small"

def save_trained():
    import torch
    from brainscore_realnet.networks.backbones import backbone
    from brainscore_realnet.store import weights
    torch.manual_seed(3)
    card = {"backbone": "sim_cornet_s_narrow", "simulated": True, "recipe": {"signal": "eeg"},
            "trained_on": {"dataset": "sim-things-eeg2", "subject": "sub-01"}}
    weights.save(TRAINED, backbone("sim_cornet_s_narrow").build().state_dict(), card)

save_trained()
stimuli = brainscore_vision.load_stimulus_set("SimThingsEEG2_test")
dataset = brainscore_vision.load_dataset("SimThingsEEG2.sub01_test")
benchmark = brainscore_vision.load_benchmark(BENCHMARK)
models = {name: brainscore_vision.load_model(name) for name in ("sim-hidden", TRAINED)}
scores = {name: [float(brainscore_vision.score(name, BENCHMARK)) for _ in range(times)]
          for name, times in {"sim-hidden": 2, TRAINED: 1, "pixels": 2}.items()}

def revisions():
    cache_key._plugin_revision.cache_clear()
    return {
        "sim-hidden": cache_key.model_cache_identifier("sim-hidden"),
        TRAINED: cache_key.model_cache_identifier(TRAINED),
        "pixels": cache_key.model_cache_identifier("pixels"),
        "stimuli": cache_key.stimulus_set_cache_identifier(stimuli.identifier),
        "on screen": cache_key.stimulus_set_cache_identifier(stimuli.identifier + "--target8.00--source7.00--V1"),
    }

def changed_copies():
    # The folders alone are a copy: what is imported stays.
    enable = importlib.import_module("brainscore_realnet.scoring.enable")
    package, copy = enable.PACKAGE, Path(tempfile.mkdtemp())
    for kind in enable.PLUGIN_TYPES:
        shutil.copytree(package / kind, copy / kind, ignore=shutil.ignore_patterns("__pycache__"))
    enable.PACKAGE = copy
    found = [revisions()]
    for changed in ("models/simulated/model.py", "models/trained/model.py", "data/things_eeg2/data.py"):
        with open(copy / changed, "a") as file:
            file.write("# changed\n")
        found.append(revisions())
    enable.PACKAGE = package
    shutil.rmtree(copy)
    return found

found = {
    "library": brainscore_vision.__file__,
    "stimuli": stimuli.identifier,
    "dataset": list(dataset.dims),
    "benchmark": benchmark.identifier,
    "models": {name: model.identifier for name, model in models.items()},
    "bibtex": {name: brainscore_vision.load_model_bibtex(name) for name in models},
    "scores": scores,
    "ours": float(brainscore_realnet.score("sim-hidden", BENCHMARK)),
    "revisions": revisions(),
    "copies": changed_copies(),
}
cache_key.model_cache_identifier("nothing-of-this-name")
print(json.dumps(found | {"messages": messages}))
"""
SCORES_FILE = "conda_score--{}_SimThingsEEG2.V4-rsa.pkl"
"""What stock ``score`` writes beside the library."""


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("stock-calls")


@pytest.fixture(scope="module")
def stock(place) -> dict:
    """Everything that the process found."""
    import brainscore_vision

    # Stock score writes beside the library: through a link that is this folder, not the installation's.
    (place / "library").mkdir()
    (place / "library" / "brainscore_vision").symlink_to(Path(brainscore_vision.__file__).parent)
    # The virtual subjects are those of the other tests; the model cards are not for them to see.
    shared = Path(os.environ["BRAINSCORE_REALNET_HOME"])
    (place / "store").mkdir()
    for name in ("data", "simulated", "locks"):
        (shared / name).mkdir(parents=True, exist_ok=True)
        (place / "store" / name).symlink_to(shared / name)
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(place / "library"), str(Path(brainscore_realnet.__file__).parents[1])]),
        "BRAINSCORE_REALNET_HOME": str(place / "store"),
        "BRAINSCORE_CACHE_PLUGIN_REVISION": "1",
    }
    done = subprocess.run(
        [sys.executable, "-c", CODE], capture_output=True, text=True, check=False, cwd=place, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


def keys_of_activations() -> list[str]:
    """Names of what the stock extractor keeps with revisions."""
    cache = Path(os.environ["RESULTCACHING_HOME"])
    found = cache.glob("*ActivationsExtractorHelper._from_paths_stored/*@*")
    return [path.name for path in found]


def test_every_stock_loader_finds_ours(stock):
    assert stock["models"] == {"sim-hidden": "sim-hidden", "sim-trained-small": "sim-trained-small"}
    assert stock["benchmark"] == "SimThingsEEG2.V4-rsa"
    assert stock["stimuli"].startswith("SimThingsEEG2_test--")
    assert stock["dataset"] == ["presentation", "neuroid", "time_bin"]
    assert "@misc{brainscore_realnet_simulation" in stock["bibtex"]["sim-hidden"]
    assert "@article{lu_realnet_2024" in stock["bibtex"]["sim-trained-small"]


def test_stock_score_repeats_exactly_and_is_ours(stock):
    assert set(stock["scores"]) == {"sim-hidden", "sim-trained-small", "pixels"}
    for name in ("sim-hidden", "pixels"):
        first, second = stock["scores"][name]
        assert first == second
    assert stock["scores"]["sim-hidden"][0] == stock["ours"]
    assert len({scores[0] for scores in stock["scores"].values()}) == 3


def test_stock_score_keeps_its_file_beside_the_library_that_it_was_imported_from(stock, place):
    assert Path(stock["library"]).parent == place / "library" / "brainscore_vision"
    written = {path.name for path in (place / "library").iterdir()} - {"brainscore_vision"}
    assert written == {SCORES_FILE.format(name) for name in stock["scores"]}


def test_nothing_of_ours_is_refused_a_place_in_the_cache(stock):
    (refused,) = [message for message in stock["messages"] if "Refusing to cache" in message]
    assert "'nothing-of-this-name'" in refused
    for name, keyed in stock["revisions"].items():
        assert keyed, name
        identifier, _, revision = keyed.partition("@")
        assert identifier
        assert len(revision) == 12


def test_a_model_of_brain_score_on_our_benchmark_is_kept_under_both_revisions(stock):
    (key,) = keys_of_activations()
    stimuli, revision = stock["stimuli"], stock["revisions"]["stimuli"].partition("@")[2]
    assert key.startswith(f"identifier={stock['revisions']['pixels']},stimuli_identifier={stimuli}--")
    assert re.search(rf"--target8\.00--source7\.00--V4[^@,]*@{revision},", key)


def test_our_models_are_not_kept_by_name(stock):
    assert not [key for key in keys_of_activations() if key.startswith("identifier=sim-")]


@pytest.mark.parametrize(
    ("step", "changed"),
    [(1, {"sim-hidden"}), (2, {"sim-trained-small"}), (3, {"stimuli", "on screen"})],
)
def test_a_revision_changes_with_a_file_of_its_plugin_folder_and_no_other(step, changed, stock):
    before, after = stock["copies"][step - 1], stock["copies"][step]
    assert {name for name in before if before[name] != after[name]} == changed
