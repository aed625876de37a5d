"""Reading the raw files, finding them, and what is refused."""

import pickle

import numpy as np
import pytest

from brainscore_realnet.datasets.things_eeg2 import CHANNELS, raw
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, UnsafeFileError
from brainscore_realnet.simulation.raw_eeg import RawSpecification, simulate_session

SMALL = RawSpecification(test_images=2, test_repetitions=3, training_images=2, targets=2)


@pytest.fixture
def content():
    return simulate_session(SMALL, 1, 0, "test")


def saved(tmp_path, content):
    path = tmp_path / "raw_eeg_test.npy"
    np.save(path, content, allow_pickle=True)
    return path


def test_the_17_channels_and_all_events_are_read(tmp_path, content):
    recording = raw.read_raw(saved(tmp_path, content), "test", 2)
    rows = [content["ch_names"].index(name) for name in CHANNELS]
    np.testing.assert_array_equal(recording.data, content["raw_eeg_data"][rows])
    stim = content["raw_eeg_data"][-1]
    np.testing.assert_array_equal(recording.onsets, np.flatnonzero(stim))
    np.testing.assert_array_equal(recording.events, stim[stim != 0])
    assert sorted(set(recording.events)) == [1, 2, 99999]


def test_rows_in_another_order_are_read_by_name(tmp_path, content):
    expected = raw.read_raw(saved(tmp_path, content), "test", 2)
    order = np.random.default_rng(0).permutation(64)
    content["raw_eeg_data"] = content["raw_eeg_data"][order]
    for key in ("ch_names", "ch_types"):
        content[key] = [content[key][row] for row in order]
    shuffled = raw.read_raw(saved(tmp_path, content), "test", 2)
    np.testing.assert_array_equal(shuffled.data, expected.data)
    np.testing.assert_array_equal(shuffled.events, expected.events)


def test_both_spellings_of_the_channel_types_are_read(tmp_path, content):
    content["ch_type"] = content.pop("ch_types")
    assert raw.read_raw(saved(tmp_path, content), "test", 2).data.shape[0] == 17


def test_single_precision_is_read_as_double(tmp_path, content):
    content["raw_eeg_data"] = content["raw_eeg_data"].astype(np.float32)
    assert raw.read_raw(saved(tmp_path, content), "test", 2).data.dtype == np.float64


def test_an_event_that_lasts_counts_once(tmp_path, content):
    stim = content["raw_eeg_data"][-1]
    expected = np.flatnonzero(stim)
    stim[expected + 1] = stim[expected]
    np.testing.assert_array_equal(raw.read_raw(saved(tmp_path, content), "test", 2).onsets, expected)


def test_the_published_numbers_of_images_are_the_default(tmp_path, content):
    first = int(np.flatnonzero(content["raw_eeg_data"][-1])[0])
    content["raw_eeg_data"][-1, first] = 200
    assert raw.read_raw(saved(tmp_path, content), "test").events[0] == 200
    content["raw_eeg_data"][-1, first] = 201
    with pytest.raises(BadFileError, match=rf"Got 1 events .* the first 201 at sample {first}: expected 1 … 200"):
        raw.read_raw(saved(tmp_path, content), "test")
    assert raw.read_raw(saved(tmp_path, content), "training").events[0] == 201


@pytest.mark.parametrize("code", [-1, 1.5, 3, 99998])
def test_unknown_events_are_refused_with_their_place(tmp_path, content, code):
    content["raw_eeg_data"][-1, 100] = code
    with pytest.raises(BadFileError, match=rf"the first {code} at sample 100: expected 1 … 2 or 99999"):
        raw.read_raw(saved(tmp_path, content), "test", 2)


def test_events_without_a_gap_are_refused(tmp_path, content):
    content["raw_eeg_data"][-1, 100:102] = [1, 2]
    with pytest.raises(BadFileError, match=r"the first 2 at sample 101.*zeros between"):
        raw.read_raw(saved(tmp_path, content), "test", 2)


def test_a_file_without_events_is_refused(tmp_path, content):
    content["raw_eeg_data"][-1] = 0
    with pytest.raises(BadFileError, match="Got no events"):
        raw.read_raw(saved(tmp_path, content), "test", 2)


@pytest.mark.parametrize("key", ["raw_eeg_data", "ch_names", "ch_types", "sfreq"])
def test_a_missing_key_is_named(tmp_path, content, key):
    del content[key]
    with pytest.raises(BadFileError, match=f"expected also {key}"):
        raw.read_raw(saved(tmp_path, content), "test", 2)


def without_stim(content):
    content["raw_eeg_data"] = content["raw_eeg_data"][:-1]
    content["ch_names"], content["ch_types"] = content["ch_names"][:-1], content["ch_types"][:-1]


def with_stim_as_eeg(content):
    content["ch_types"][-1] = "eeg"


def with_few_types(content):
    content["ch_types"] = content["ch_types"][:10]


def with_few_names(content):
    content["ch_names"] = content["ch_names"][1:]


def as_integers(content):
    content["raw_eeg_data"] = content["raw_eeg_data"].astype(int)


def in_epochs(content):
    content["raw_eeg_data"] = content["raw_eeg_data"][None]


def at_250_hz(content):
    content["sfreq"] = 250


def at_no_rate(content):
    content["sfreq"] = "fast"


def without_po3(content):
    content["ch_names"][content["ch_names"].index("PO3")] = "X3"


def with_po9(content):
    content["ch_names"][0] = "PO9"


def with_pz_twice(content):
    content["ch_names"][0] = "Pz"


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (without_stim, "Got 0 rows called 'stim'"),
        (with_stim_as_eeg, "expected one row 'stim' of type 'stim'"),
        (with_few_types, "10 channel types for 64 channels"),
        (with_few_names, r"shape \(64, \d+\) and 63 channel names"),
        (as_integers, "Got int64 data"),
        (in_epochs, r"Got float64 data of shape \(1, 64, \d+\)"),
        (at_250_hz, "Got a sampling rate of 250 Hz.*expected 1000"),
        (at_no_rate, "Got a sampling rate of fast Hz"),
        (without_po3, "no other name that begins with O or P"),
        (with_po9, "PO9.*no other name that begins with O or P"),
        (with_pz_twice, "expected each of Pz, P3"),
    ],
)
def test_another_layout_is_refused(tmp_path, content, damage, message):
    damage(content)
    with pytest.raises(BadFileError, match=message):
        raw.read_raw(saved(tmp_path, content), "test", 2)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_with_their_place(tmp_path, content, value):
    content["raw_eeg_data"][content["ch_names"].index("POz"), [70, 90]] = value
    with pytest.raises(BadFileError, match=r"Got 2 NaN or infinite values in channel POz .*first at sample 70"):
        raw.read_raw(saved(tmp_path, content), "test", 2)
    content["raw_eeg_data"][-1, 80] = value
    with pytest.raises(BadFileError, match="at sample 80 of the stim row"):
        raw.read_raw(saved(tmp_path, content), "test", 2)


def test_a_channel_that_is_not_used_may_hold_anything(tmp_path, content):
    content["raw_eeg_data"][content["ch_names"].index("Cz"), 70] = np.nan
    assert np.isfinite(raw.read_raw(saved(tmp_path, content), "test", 2).data).all()


def test_a_truncated_file_is_refused(tmp_path, content):
    path = saved(tmp_path, content)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(BadFileError, match=r"raw_eeg_test\.npy"):
        raw.read_raw(path, "test", 2)


def test_a_file_that_would_run_code_is_refused(tmp_path):
    class Harmful:
        def __reduce__(self):
            return print, ("run",)

    path = tmp_path / "raw_eeg_test.npy"
    path.write_bytes(pickle.dumps({"raw_eeg_data": Harmful()}))
    with pytest.raises(UnsafeFileError, match="print"):
        raw.read_raw(path, "test", 2)


def test_a_file_that_is_not_there_and_a_split_that_there_is_not_are_refused(tmp_path):
    with pytest.raises(MissingDataError, match="absent"):
        raw.read_raw(tmp_path / "absent.npy", "test")
    with pytest.raises(BadInputError, match="'validation'"):
        raw.read_raw(tmp_path / "absent.npy", "validation")


def test_missing_sessions_are_all_named(tmp_path):
    for session in ("ses-01", "ses-02", "ses-04"):
        for split in ("training", "test"):
            path = tmp_path / "sub-03" / raw.raw_file(session, split)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"")
    (tmp_path / "sub-03" / "ses-04" / "raw_eeg_test.npy").unlink()
    message = r"Got no ses-03/raw_eeg_training\.npy, ses-03/raw_eeg_test\.npy, ses-04/raw_eeg_test\.npy in .*sub-03"
    with pytest.raises(MissingDataError, match=message):
        raw.raw_paths(tmp_path / "sub-03")
