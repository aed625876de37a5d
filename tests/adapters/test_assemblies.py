import numpy as np
import pytest

from brainscore_realnet.adapters.assemblies import eeg_assembly, ordered_values, stimulus_set
from brainscore_realnet.errors import BadInputError

CHANNELS = ["Oz", "O1", "O2"]
TIMES = np.array([-0.02, -0.01, 0.0, 0.01])


@pytest.fixture
def stimuli(stimuli_of):
    return stimuli_of(["/images/b.jpg", "/images/a.jpg"])


@pytest.fixture
def epochs():
    return np.random.default_rng(0).standard_normal((2, 5, len(CHANNELS), len(TIMES)))


@pytest.fixture
def assembly(epochs, stimuli):
    return eeg_assembly(epochs, stimuli, "sub-07", CHANNELS, TIMES, "SimTiny.sub07_test")


def test_stimulus_set_is_named_by_content_and_keeps_columns_and_paths(stimuli):
    assert stimuli.identifier == "SimTiny_test--0123456789ab"
    assert list(stimuli["stimulus_id"]) == ["b", "a"]
    assert list(stimuli["concept"]) == ["concept b", "concept a"]
    assert list(stimuli["filename"]) == ["b.jpg", "a.jpg"]
    assert str(stimuli.get_stimulus("a")) == "/images/a.jpg"
    assert "path" not in stimuli.columns


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([("a", "/1/a.jpg"), ("a", "/1/b.jpg")], r"1 values of stimulus_id .*'a'"),
        ([("a", "/1/same.jpg"), ("b", "/2/same.jpg")], r"1 values of file name .*'same\.jpg'"),
    ],
)
def test_stimuli_that_brain_score_would_overwrite_are_refused(rows, message):
    with pytest.raises(BadInputError, match=message):
        stimulus_set([{"stimulus_id": one, "path": path} for one, path in rows], "SimTiny_test", "0" * 64)


def test_eeg_assembly_holds_every_epoch_under_its_coordinates(assembly, epochs):
    assert assembly.dims == ("presentation", "neuroid", "time_bin")
    for image, name in enumerate("ba"):
        for repetition in range(5):
            rows = (assembly["stimulus_id"].values == name) & (assembly["repetition"].values == repetition)
            assert rows.sum() == 1
            np.testing.assert_array_equal(assembly.values[rows][0], epochs[image, repetition])


def test_eeg_assembly_has_full_coordinates(assembly, stimuli):
    assert list(assembly["channel"].values) == CHANNELS
    assert set(assembly["subject"].values) == {"sub-07"}
    assert list(assembly["neuroid_id"].values) == ["sub-07.Oz", "sub-07.O1", "sub-07.O2"]
    assert set(assembly["region"].values) == {"IT"}
    assert set(assembly["concept"].values) == {"concept a", "concept b"}
    assert assembly["time_bin_start"].values.tolist() == [-20, -10, 0, 10]
    assert assembly["time_bin_end"].values.tolist() == [-10, 0, 10, 20]
    assert assembly.attrs["identifier"] == "SimTiny.sub07_test"
    assert assembly.attrs["stimulus_set_identifier"] == stimuli.identifier
    assert assembly.attrs["stimulus_set"] is stimuli


def test_dimensions_keep_their_names_when_selected(assembly):
    # xarray 2022.3 renames a dimension that is left with too few coordinates.
    selected = assembly.sel(channel="O1", subject="sub-07")
    assert selected.dims == ("presentation", "neuroid", "time_bin")
    assert assembly.sel(stimulus_id="a").dims == ("presentation", "neuroid", "time_bin")


def test_one_sample_is_ten_milliseconds_long(epochs, stimuli):
    one = eeg_assembly(epochs[..., :1], stimuli, "sub-01", CHANNELS, TIMES[:1], "any")
    assert (one["time_bin_start"].values.tolist(), one["time_bin_end"].values.tolist()) == ([-20], [-10])


def test_memory_map_is_not_copied(tmp_path, epochs, stimuli):
    np.save(tmp_path / "epochs.npy", epochs)
    mapped = np.load(tmp_path / "epochs.npy", mmap_mode="r")
    assembly = eeg_assembly(mapped, stimuli, "sub-01", CHANNELS, TIMES, "any")
    assert np.shares_memory(assembly.values, mapped)


def test_ordered_values_sorts_rows_by_stimulus(assembly, epochs):
    averaged = assembly.isel(time_bin=0, presentation=[0, 5])
    np.testing.assert_array_equal(ordered_values(averaged), epochs[[1, 0], 0, :, 0])
    np.testing.assert_array_equal(
        ordered_values(averaged.transpose("neuroid", "presentation")), epochs[[1, 0], 0, :, 0]
    )


def test_ordered_values_refuses_repetitions_and_times(assembly):
    with pytest.raises(BadInputError, match="more than once"):
        ordered_values(assembly.isel(time_bin=0))
    with pytest.raises(BadInputError, match="time_bin"):
        ordered_values(assembly)
