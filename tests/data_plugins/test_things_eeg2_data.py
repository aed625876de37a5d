"""Stimulus sets and assemblies of THINGS-EEG2's simulated twin through Brain-Score's own loaders."""

import re
from pathlib import Path

import numpy as np
import pytest

from brainscore_realnet import enable, load_dataset, load_stimulus_set
from brainscore_realnet.adapters.things_eeg2 import SIMULATED
from brainscore_realnet.errors import MissingDataError
from brainscore_realnet.simulation import things_eeg2 as simulation


@pytest.fixture(scope="module")
def stimuli():
    return load_stimulus_set("SimThingsEEG2_test")


@pytest.fixture(scope="module")
def assembly():
    return load_dataset("SimThingsEEG2.sub01_test")


@pytest.fixture(scope="module")
def published_file(stimuli):
    """The simulated file in the format of the published ones, read by NumPy alone."""
    folder = simulation.ensure(simulation.DEFAULT)
    return np.load(folder / "sub-01" / "preprocessed_eeg_test.npy", allow_pickle=True).item()


def test_stimulus_set_is_named_by_content_and_lists_existing_images(stimuli):
    assert re.fullmatch(r"SimThingsEEG2_test--[0-9a-f]{12}", stimuli.identifier)
    assert len(stimuli) == simulation.DEFAULT.test_images
    assert {"stimulus_id", "filename", "concept", "uniqueID"} <= set(stimuli.columns)
    for stimulus, filename in zip(stimuli["stimulus_id"], stimuli["filename"], strict=True):
        path = Path(stimuli.get_stimulus(stimulus))
        assert path.is_file()
        assert (path.stem, path.name) == (stimulus, filename)


def test_stimuli_stand_in_the_order_of_the_metadata(stimuli):
    metadata = np.load(simulation.ensure(simulation.DEFAULT) / "image_metadata.npy", allow_pickle=True).item()
    assert list(stimuli["filename"]) == list(metadata["test_img_files"])
    assert list(stimuli["concept"]) == list(metadata["test_img_concepts"])


def test_assembly_has_the_full_coordinates(assembly, stimuli, published_file):
    assert assembly.dims == ("presentation", "neuroid", "time_bin")
    assert assembly.attrs["identifier"] == "SimThingsEEG2.sub01_test"
    assert assembly.attrs["stimulus_set_identifier"] == stimuli.identifier
    presentation = {"stimulus_id", "repetition", "concept", "uniqueID"}
    for name in presentation:
        assert assembly[name].dims == ("presentation",)
    neuroid = {"neuroid_id", "channel", "subject", "region"}
    for name in neuroid:
        assert assembly[name].dims == ("neuroid",)
    assert list(assembly["channel"].values) == list(published_file["ch_names"])
    assert set(assembly["subject"].values) == {"sub-01"}
    np.testing.assert_allclose(assembly["time_bin_start"].values, 1000 * published_file["times"], atol=1e-9)
    assert set(assembly["time_bin_end"].values - assembly["time_bin_start"].values) == {10}


def test_values_are_those_of_the_file(assembly, stimuli, published_file):
    data = published_file["preprocessed_eeg_data"]
    n_repetitions = data.shape[1]
    assert assembly.shape == (len(stimuli) * n_repetitions, *data.shape[2:])
    for image, stimulus in ((0, stimuli["stimulus_id"].values[0]), (13, stimuli["stimulus_id"].values[13])):
        of_image = assembly.isel(presentation=np.flatnonzero(assembly["stimulus_id"].values == stimulus))
        order = np.argsort(of_image["repetition"].values)
        assert of_image["repetition"].values[order].tolist() == list(range(n_repetitions))
        np.testing.assert_array_equal(of_image.values[order], data[image])


def test_training_images_share_no_concept_with_test_images(stimuli):
    training = load_stimulus_set("SimThingsEEG2_training")
    specification = simulation.DEFAULT
    assert len(training) == specification.training_concepts * specification.training_exemplars
    assert not set(training["uniqueID"]) & set(stimuli["uniqueID"])
    assert not set(training["stimulus_id"]) & set(stimuli["stimulus_id"])


def test_stock_loaders_give_the_same_after_enable(stimuli):
    import brainscore_vision

    enable()
    stock = brainscore_vision.load_stimulus_set("SimThingsEEG2_test")
    assert stock.identifier == stimuli.identifier
    assert brainscore_vision.load_dataset("SimThingsEEG2.sub02_test").attrs["identifier"] == "SimThingsEEG2.sub02_test"


def test_upstreams_revisions_of_our_plugins_resolve(stimuli, monkeypatch):
    from brainscore_vision.model_helpers.activations import cache_key

    enable()
    monkeypatch.setenv("BRAINSCORE_CACHE_PLUGIN_REVISION", "1")
    cache_key._plugin_revision.cache_clear()
    try:
        for identifier in ("sim-hidden", "realnet-eeg-sub01", "cornet-s"):
            found = cache_key.model_cache_identifier(identifier)
            assert re.fullmatch(rf"{identifier}@[0-9a-f]{{12}}", found or "")
        placed = f"{stimuli.identifier}--target8.00--source7.00"
        found = cache_key.stimulus_set_cache_identifier(placed)
        assert re.fullmatch(rf"{re.escape(placed)}@[0-9a-f]{{12}}", found or "")
        assert cache_key.model_cache_identifier("nobody-registered-this") is None
    finally:
        cache_key._plugin_revision.cache_clear()


@pytest.mark.parametrize(
    "load", [lambda: load_stimulus_set("ThingsEEG2_test"), lambda: load_dataset("ThingsEEG2.sub03_test")]
)
def test_missing_real_data_say_how_to_get_them(own_store, load):
    with pytest.raises(MissingDataError, match="brainscore data add things-eeg2") as caught:
        load()
    assert str(own_store) in str(caught.value)


def test_simulated_set_is_kept_apart_from_the_real_one():
    assert "sim" in SIMULATED.stored_as
