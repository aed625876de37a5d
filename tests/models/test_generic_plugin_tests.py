"""Brain-Score's own tests for every model plugin, on one identifier of each family."""

import functools
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from PIL import Image

import brainscore_realnet
from brainscore_realnet.networks.backbones import backbone
from brainscore_realnet.store import folder, read_json, weights, write_json

BACKBONE_OF = {
    "realnet-eeg-sub01": "cornet_s",
    "realnet-fmri-sub01": "cornet_s",
    "cornet-s": "cornet_s",
    "sim-my-cornet": "cornet_s",
    "resnet-101": "resnet_101",
    "clip-rn101": "clip_rn101",
    "sim-hidden": None,
}
GENERIC_TESTS = (
    "test_identifier",
    "test_visual_degrees",
    "test_start_task_or_recording",
    "test_look_at_neural_V1",
    "test_look_at_behavior_probabilities",
)


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """Give an identifier seeded weights in a store of this file's; equal backbones share their bytes."""
    cards: dict[str, Path] = {}

    def store(identifier, name):
        target = folder("weights", "cards") / f"{identifier}.json"
        if name not in cards:
            torch.manual_seed(7)
            weights.save(identifier, backbone(name).build().state_dict(), {"backbone": name})
            cards[name] = target
        elif not target.is_file():
            write_json(target, {**read_json(cards[name]), "identifier": identifier})

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path_factory.mktemp("store")))
        yield store


@pytest.fixture
def generic_tests(tmp_path, monkeypatch):
    """Upstream's module with the three images that its wheel lacks; each model is loaded once."""
    brainscore_realnet.enable()
    # It tells pytest which identifiers to test, and needs pytest-check for that.
    unused = ModuleType("brainscore_core.plugin_management.generic_plugin_tests_helper")
    unused.pytest_generate_tests = None
    monkeypatch.setitem(sys.modules, unused.__name__, unused)
    from brainscore_vision.model_helpers import generic_plugin_tests

    images = tmp_path / "generic_plugin_tests_resources"
    images.mkdir()
    rng = np.random.default_rng(0)
    for name in ("rgb1.jpg", "rgb2.jpg", "rgb3.png"):
        Image.fromarray(rng.integers(0, 256, (32, 48, 3), dtype=np.uint8)).save(images / name)
    monkeypatch.setattr(generic_plugin_tests, "__file__", str(tmp_path / "generic_plugin_tests.py"))
    load_once = functools.cache(generic_plugin_tests.load_model)

    def load_model(identifier):
        model = load_once(identifier)
        model.start_task(generic_plugin_tests.BrainModel.Task.passive)  # as a new one
        return model

    monkeypatch.setattr(generic_plugin_tests, "load_model", load_model)
    monkeypatch.setattr(generic_plugin_tests, "loaded", load_once, raising=False)
    return generic_plugin_tests


@pytest.mark.parametrize("identifier", BACKBONE_OF)
def test_upstreams_generic_plugin_tests_pass(stored, generic_tests, identifier):
    name = BACKBONE_OF[identifier]
    if name == "clip_rn101":
        pytest.importorskip("open_clip")
    if name is not None:
        stored(identifier, name)
    written = [name for name in vars(generic_tests) if name.startswith("test_")]
    assert sorted(written) == sorted(GENERIC_TESTS), "Brain-Score has other tests now: list them here"
    for test in GENERIC_TESTS:
        getattr(generic_tests, test)(identifier)
    # Upstream's tests also pass models that can neither record nor behave: this one did both, behaviour last.
    model = generic_tests.loaded(identifier)
    assert model.identifier == identifier
    assert model.layer_model._time_bins is not None
    assert model.do_behavior
    if name is not None:
        expected = weights.load(identifier)[0]
        loaded = model.activations_model._model.state_dict()
        assert all(torch.equal(loaded[key], value) for key, value in expected.items())
