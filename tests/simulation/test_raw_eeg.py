import json

import numpy as np
import pytest

from brainscore_realnet.datasets.things_eeg2 import CHANNELS as POSTERIOR
from brainscore_realnet.datasets.things_eeg2 import SIMULATED_FILE, raw
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.simulation.raw_eeg import CHANNELS, RawSpecification, simulate_session, write_raw

SMALL = RawSpecification(test_images=2, test_repetitions=3, training_images=6, training_repetitions=2)


def events_of(content):
    stim = content["raw_eeg_data"][-1]
    return stim[stim != 0]


def test_a_file_holds_what_the_published_ones_hold():
    content = simulate_session(SMALL, 1, 0, "test")
    assert list(content) == ["raw_eeg_data", "ch_names", "ch_types", "sfreq", "highpass", "lowpass"]
    assert content["raw_eeg_data"].dtype == np.float64
    assert content["raw_eeg_data"].shape == (64, 2 * 1500 + 200 * (2 * 3 + 3))
    assert content["ch_names"] == [*CHANNELS, "stim"]
    assert len(set(CHANNELS)) == 63
    assert content["ch_types"] == ["eeg"] * 63 + ["stim"]
    assert (content["sfreq"], content["highpass"], content["lowpass"]) == (1000, 0.01, 100)
    assert 5e-6 < content["raw_eeg_data"][:-1].std() < 5e-5


def test_the_authors_pattern_chooses_exactly_the_17_channels_in_their_published_order():
    mne = pytest.importorskip("mne")
    chosen = mne.pick_channels_regexp(list(CHANNELS), "^O *|^P *")
    assert tuple(CHANNELS[index] for index in chosen) == POSTERIOR


def test_every_session_shows_every_test_image_and_half_of_the_training_images():
    shown = []
    for session in range(4):
        numbers, counts = np.unique(events_of(simulate_session(SMALL, 1, session, "test")), return_counts=True)
        assert numbers.tolist() == [1, 2, 99999]
        assert counts.tolist() == [3, 3, 3]
        numbers, counts = np.unique(events_of(simulate_session(SMALL, 1, session, "training")), return_counts=True)
        assert counts.tolist() == [2, 2, 2, 3]
        shown.append(set(numbers[:-1]))
    assert shown[0] | shown[1] == shown[2] | shown[3] == set(range(1, 7))
    assert shown[0] != shown[2]


def test_equal_specifications_write_equal_files_and_say_that_they_are_simulated(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / SIMULATED_FILE).write_text('{"seed": 1}')
        write_raw(tmp_path / name, SMALL)
    files = sorted(path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*.npy"))
    assert len(files) == 8
    for file in files:
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    mark = json.loads((tmp_path / "a" / SIMULATED_FILE).read_text())
    assert mark["seed"] == 1
    assert mark["raw_eeg"]["training_images"] == 6
    assert next(iter(raw.raw_paths(tmp_path / "a" / "sub-01").values())).is_file()


def test_sessions_subjects_and_splits_have_noise_of_their_own():
    first = [
        simulate_session(SMALL, number, session, split)["raw_eeg_data"][0, 0]
        for number, session, split in ((1, 0, "test"), (1, 1, "test"), (2, 0, "test"), (1, 0, "training"))
    ]
    assert len(set(first)) == 4


def test_responses_of_an_image_resemble_each_other_more_than_those_of_others():
    loud = RawSpecification(test_images=4, test_repetitions=12, interval=800, signal=3.0, targets=0)
    data = simulate_session(loud, 1, 0, "test")["raw_eeg_data"]
    onsets = np.flatnonzero(data[-1])
    epochs = np.stack([data[:-1, onset + 60 : onset + 220].ravel() for onset in onsets])
    means = [epochs[data[-1, onsets] == image] for image in range(1, 5)]
    halves = np.corrcoef([own[half::2].mean(axis=0) for half in (0, 1) for own in means])[:4, 4:]
    assert np.diag(halves).min() > 0.8
    assert halves[~np.eye(4, dtype=bool)].max() < 0.6


@pytest.mark.parametrize("sizes", [{"training_images": 5}, {"subjects": 0}, {"targets": -1}])
def test_sizes_that_cannot_be_simulated_are_refused(sizes):
    with pytest.raises(BadInputError, match="even number of training images"):
        RawSpecification(**sizes)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(BadInputError, match="absent"):
        write_raw(tmp_path / "absent", SMALL)
