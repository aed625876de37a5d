"""Stimulus sets and assemblies of the fMRI sets' simulated twins through Brain-Score's own loaders."""

import re
from pathlib import Path

import h5py
import numpy as np
import pytest

from brainscore_realnet import load_dataset, load_metric, load_stimulus_set
from brainscore_realnet.adapters.kamitani import SOURCES
from brainscore_realnet.simulation import kamitani as simulation

IMAGE_SPLITS = [(name, split) for name in ("SimShen2019", "SimHorikawa2017") for split in SOURCES[name].splits]


@pytest.fixture(scope="module")
def assembly():
    return load_dataset("SimShen2019.sub01_test")


@pytest.mark.parametrize(("name", "split"), IMAGE_SPLITS)
def test_stimulus_set_is_named_by_content_and_lists_existing_images(name, split):
    stimuli = load_stimulus_set(f"{name}_{split}")
    assert re.fullmatch(rf"{name}_{split}--[0-9a-f]{{12}}", stimuli.identifier)
    assert list(stimuli["stimulus_id"]) == sorted(stimuli["stimulus_id"])
    assert all(Path(stimuli.get_stimulus(stimulus)).is_file() for stimulus in stimuli["stimulus_id"])


@pytest.mark.parametrize(("name", "split"), IMAGE_SPLITS)
def test_every_subject_has_an_assembly_of_the_stimuli(name, split):
    stimuli = load_stimulus_set(f"{name}_{split}")
    for subject in SOURCES[name].subjects:
        assembly = load_dataset(f"{name}.{subject.replace('-', '')}_{split}")
        assert assembly.attrs["stimulus_set_identifier"] == stimuli.identifier
        assert set(assembly["stimulus_id"].values) == set(stimuli["stimulus_id"])
        assert np.isfinite(assembly.values).all()


def test_assembly_has_the_full_coordinates(assembly):
    assert assembly.dims == ("presentation", "neuroid")
    for name in ("stimulus_id", "repetition"):
        assert assembly[name].dims == ("presentation",)
    for name in ("neuroid_id", "subject", "region", "voxel", "voxel_x", "voxel_y", "voxel_z"):
        assert assembly[name].dims == ("neuroid",)
    assert list(dict.fromkeys(assembly["region"].values)) == ["V1", "V2", "V3", "V4", "LOC"]
    assert len(set(assembly["neuroid_id"].values)) == assembly.sizes["neuroid"]
    assert assembly.sizes["presentation"] == simulation.SHEN2019.test_images * simulation.SHEN2019.test_repetitions


def test_values_are_those_of_the_file(assembly):
    """The file is read here by h5py alone, by the meaning of its metadata."""
    path = next(simulation.ensure(simulation.SHEN2019).rglob("sub-01_perceptionNaturalImageTest*.h5"))
    with h5py.File(path) as file:
        data = file["dataset"][:]
        keys = [key.decode() if isinstance(key, bytes) else key for key in file["metadata/key"][:]]
        value = file["metadata/value"][:]
    in_v1 = value[keys.index("ROI_V1")] == 1
    label = data[:, value[keys.index("Label")] == 1]
    stimulus = assembly["stimulus_id"].values[0]
    synset, image = (int(part) for part in stimulus.removeprefix("n").split("_"))
    expected = data[np.abs(label[:, 1] - (synset + image / 1e6)) < 1e-7][:, in_v1]
    found = assembly.values[assembly["stimulus_id"].values == stimulus][:, assembly["region"].values == "V1"]
    np.testing.assert_array_equal(found, expected)


def test_selecting_a_region_keeps_the_dimension(assembly):
    region = assembly.sel(region="V4")
    assert "neuroid" in region.dims
    assert region.sizes["neuroid"] == simulation.SHEN2019.voxels


def test_metric_of_the_package_takes_the_assemblies():
    averaged = [load_dataset(f"SimShen2019.sub{number}_test") for number in ("01", "02")]
    averaged = [each.multi_groupby(["stimulus_id", "filename"]).mean(dim="presentation") for each in averaged]
    assert 0.2 < float(load_metric("rdm-spearman")(*averaged)) < 1
