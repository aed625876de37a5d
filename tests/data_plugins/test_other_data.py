"""THINGS dimensions and macaque IT as Brain-Score data."""

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from PIL import Image

from brainscore_realnet import enable, load_dataset, load_stimulus_set
from brainscore_realnet.adapters import macaque_it as adapter
from brainscore_realnet.datasets import macaque_it, things, things_eeg2
from brainscore_realnet.errors import MissingDataError

DATA = Path(__file__).parents[1] / "data"
SIM = "sim-macaque-it"


@pytest.fixture
def things_in_store(own_store, tmp_path):
    """The real tables, and blank images under the real names of the 200 test images."""
    download = tmp_path / "download"
    download.mkdir()
    shutil.copy(DATA / "eeg2" / "image_metadata.npy", download)
    images = things_eeg2.read_image_metadata(download / "image_metadata.npy")["test"]
    for concept, file in zip(images.concepts, images.files, strict=True):
        (download / "test_images" / concept).mkdir(parents=True)
        Image.new("RGB", (2, 2)).save(download / "test_images" / concept / file)
    things_eeg2.add(download, progress=False)
    things.add(DATA / "things", progress=False)


def test_dimensions_of_the_test_images_are_joined_by_name(things_in_store):
    assembly = load_dataset("ThingsDimensions.ThingsEEG2_test")
    assert assembly.dims == ("presentation", "neuroid")
    assert assembly.shape == (200, 49)
    for name in ("neuroid_id", "dimension", "region"):
        assert assembly[name].dims == ("neuroid",)
    names = (DATA / "things" / "item_names.tsv").read_text().splitlines()
    column = names[0].split("\t").index("uniqueID")
    row_of = {line.split("\t")[column]: row for row, line in enumerate(names[1:])}
    embedding = np.loadtxt(DATA / "things" / "spose_embedding_49d_sorted.txt.gz")
    for row in (0, 77, 199):
        expected = embedding[row_of[assembly["uniqueID"].values[row]]]
        np.testing.assert_array_equal(assembly.values[row], expected)


@pytest.fixture
def recorded(own_store, tmp_path):
    """Two animals' time-resolved responses to six images, in the form of SachiMajajHong2015.h5."""
    rng = np.random.default_rng(0)
    rates = rng.standard_normal((39, 6, 5))
    with h5py.File(tmp_path / "SachiMajajHong2015.h5", "w") as file:
        file["stimuli"] = rng.integers(0, 256, (6, 3, 8, 8), dtype=np.uint8)
        file["var"] = [0, 3, 6, 6, 3, 0]
        file["category_name"] = np.array([b"Faces", b"Cars"] * 3)
        file["chabo/left"] = rates
        file["tito/left"] = rates[:, :, :3] + 1
    macaque_it.add(tmp_path, SIM, progress=False)
    return rates[[14, 16, 18, 20, 22]].mean(axis=0)


def test_macaque_assembly_holds_the_sites_of_all_animals(recorded):
    assembly = adapter.assembly("majajhong", SIM)
    np.testing.assert_allclose(assembly.values, np.concatenate([recorded, recorded[:, :3] + 1], axis=1), rtol=1e-12)
    assert list(assembly["subject"].values) == ["chabo.left"] * 5 + ["tito.left"] * 3
    assert set(assembly["region"].values) == {"IT"}
    assert len(set(assembly["neuroid_id"].values)) == 8
    assert list(assembly["category"].values[:2]) == ["Faces", "Cars"]
    assert assembly.attrs["identifier"] == "SimMacaqueIT_majajhong"
    stimuli = assembly.attrs["stimulus_set"]
    assert stimuli.identifier.startswith("SimMacaqueIT_majajhong--")
    assert all(Path(stimuli.get_stimulus(one)).is_file() for one in assembly["stimulus_id"].values)


@pytest.mark.parametrize("collection", macaque_it.COLLECTIONS)
def test_macaque_data_that_are_not_there_say_how_to_get_them(own_store, collection):
    enable()
    way = "brainscore data fetch macaque-it" if collection == "public" else "brainscore data add macaque-it FOLDER"
    for load in (load_dataset, load_stimulus_set):
        with pytest.raises(MissingDataError, match=way):
            load(f"MacaqueIT_{collection}")
