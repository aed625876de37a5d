"""The preprocessing beside the published steps written out one after the other, slowly, without MNE and ours."""

import functools
import sys

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.fft import irfft, rfft
from sklearn import config_context
from sklearn.covariance import ledoit_wolf
from sklearn.utils import shuffle

from brainscore_realnet.datasets.things_eeg2 import CHANNELS, preprocessing, raw
from brainscore_realnet.datasets.things_eeg2.mvnn import mean_covariance, whitener
from brainscore_realnet.errors import BadFileError, BadInputError, RealnetError
from brainscore_realnet.simulation.raw_eeg import RawSpecification, write_raw

SEED = 20200220
KEPT = {"training": 2, "test": 20}
SMALL = RawSpecification(test_images=2, training_images=6, signal=1.5)
COUNTS = {"training": 6, "test": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    target = tmp_path_factory.mktemp("sim-raw")
    write_raw(target, SMALL)
    return target / "sub-01"


def resampled(epoch, rate):
    """Resample (channels, 1001) to `rate` Hz as MNE does: 2048 samples with repeated edges, spectrum cut off."""
    length, wanted = epoch.shape[1], round(epoch.shape[1] * rate / 1000)
    before = (2048 - length) // 2
    after = 2048 - length - before
    padded = np.concatenate(
        [np.repeat(epoch[:, :1], before, axis=1), epoch, np.repeat(epoch[:, -1:], after, axis=1)], axis=1
    )
    kept = round(2048 * rate / 1000)
    spectrum = rfft(padded, axis=1)[:, : kept // 2 + 1]
    if kept % 2 == 0:
        # what lies at the new Nyquist frequency stands for both of its aliases
        spectrum[:, -1] = 2 * spectrum[:, -1].real
    signal = irfft(spectrum, n=kept, axis=1) * kept / 2048
    start = round(before * rate / 1000)
    return signal[:, start : start + wanted]


def plain_epochs(content, split, rate):
    """Steps 1 to 4 for one file: (images, repetitions, 17, times) and the images' event numbers."""
    names, data = list(content["ch_names"]), content["raw_eeg_data"]
    rows = [names.index(name) for name in CHANNELS]
    stim = data[names.index("stim")]
    trials, numbers = [], []
    for sample in range(data.shape[1]):
        if stim[sample] in (0, 99999):
            continue
        epoch = data[rows, sample - 200 : sample + 801]
        trials.append(resampled(epoch - epoch[:, :201].mean(axis=1, keepdims=True), rate))
        numbers.append(int(stim[sample]))
    images = sorted(set(numbers))
    chosen = []
    for image in images:
        indices = [index for index, number in enumerate(numbers) if number == image]
        chosen.append([trials[index] for index in shuffle(indices, random_state=SEED)[: KEPT[split]]])
    return np.array(chosen), images


def plain_covariance(trials):
    """Mean over images of the mean over times of the covariance that linear discriminant analysis takes."""
    of_images = []
    for image in trials:
        of_times = []
        for time in range(image.shape[2]):
            mean, scale = image[:, :, time].mean(axis=0), image[:, :, time].std(axis=0)
            with config_context(assume_finite=True, skip_parameter_validation=True):
                covariance = ledoit_wolf((image[:, :, time] - mean) / scale)[0]
            of_times.append(covariance * np.outer(scale, scale))
        of_images.append(np.mean(of_times, axis=0))
    return np.mean(of_images, axis=0)


@pytest.fixture(scope="module")
def plain_sessions(folder):
    """Steps 1 to 4, and the covariances of both splits, of all sessions at a rate; computed once a rate."""
    contents = {key: np.load(path, allow_pickle=True).item() for key, path in raw.raw_paths(folder).items()}

    @functools.cache
    def at_rate(rate):
        sessions = []
        for session in raw.SESSIONS:
            epochs = {split: plain_epochs(contents[session, split], split, rate) for split in KEPT}
            sessions.append((epochs, {split: plain_covariance(trials) for split, (trials, _) in epochs.items()}))
        return sessions

    return at_rate


def plain_preprocessing(sessions, mvnn):
    whitened = {"training": [], "test": []}
    for epochs, sigma in sessions:
        covariance = {
            "training": sigma["training"],
            "authors": np.mean([sigma["test"], sigma["training"]], axis=0),
            None: np.eye(17),
        }[mvnn]
        root = scipy.linalg.fractional_matrix_power(covariance, -0.5)
        for split, (trials, images) in epochs.items():
            turned = np.moveaxis(np.moveaxis(trials, 2, 3) @ root, 3, 2)
            whitened[split] += list(zip(images, turned, strict=True))
    result = {}
    for split, parts in whitened.items():
        merged = [
            np.concatenate([trials for number, trials in parts if number == image])
            for image in range(1, COUNTS[split] + 1)
        ]
        order = shuffle(np.arange(len(merged[0])), random_state=SEED)
        result[split] = np.array(merged)[:, order]
    return result


@pytest.mark.parametrize("rate", [100, 250])
@pytest.mark.parametrize("mvnn", ["training", "authors", None])
def test_every_step_is_the_published_one(folder, plain_sessions, mvnn, rate):
    ours = preprocessing.preprocess(raw.raw_paths(folder), mvnn, rate, COUNTS)
    plain = plain_preprocessing(plain_sessions(rate), mvnn)
    assert ours["test"].shape == (2, 80, 17, rate)
    assert ours["training"].shape == (6, 4, 17, rate)
    for split, expected in plain.items():
        assert ours[split].dtype == np.float64
        np.testing.assert_allclose(ours[split], expected, rtol=0, atol=1e-9 * np.abs(expected).max())


def test_events_are_those_that_mne_finds(folder):
    mne = pytest.importorskip("mne")
    content = np.load(folder / "ses-02" / "raw_eeg_test.npy", allow_pickle=True).item()
    info = mne.create_info(content["ch_names"], 1000, content["ch_types"])
    events = mne.find_events(
        mne.io.RawArray(content["raw_eeg_data"], info, verbose="error"), stim_channel="stim", verbose="error"
    )
    recording = raw.read_raw(folder / "ses-02" / "raw_eeg_test.npy", "test")
    np.testing.assert_array_equal(recording.onsets, events[:, 0])
    np.testing.assert_array_equal(recording.events, events[:, 2])


@pytest.mark.parametrize("rate", [100, 250])
def test_times_are_those_of_mnes_resampled_epochs(rate):
    mne = pytest.importorskip("mne")
    silence = mne.io.RawArray(np.zeros((1, 3000)), mne.create_info(1, 1000.0, "eeg"), verbose="error")
    epochs = mne.Epochs(silence, [[1500, 0, 1]], tmin=-0.2, tmax=0.8, baseline=None, preload=True, verbose="error")
    np.testing.assert_allclose(preprocessing.epoch_times(rate), epochs.resample(rate).times, atol=1e-12)
    assert preprocessing.epoch_times(100)[[0, 20, -1]].tolist() == [-0.2, 0.0, 0.79]


def test_the_whiteners_of_authors_and_training_differ_and_training_never_sees_test():
    rng = np.random.default_rng(0)
    training, test = rng.standard_normal((30, 2, 17, 8)), 3 * rng.standard_normal((5, 20, 17, 8))
    alone = whitener(training, test, "training")
    np.testing.assert_array_equal(alone, whitener(training, test[::-1] + 7, "training"))
    assert np.abs(alone - whitener(training, test, "authors")).max() > 0.1
    assert whitener(training, test, None) is None


def test_changed_test_data_leave_the_training_responses_as_they_are(folder, tmp_path):
    before = preprocessing.preprocess(raw.raw_paths(folder), "training", 100, COUNTS)["training"]
    paths = raw.raw_paths(folder)
    for session in raw.SESSIONS:
        content = np.load(paths[session, "test"], allow_pickle=True).item()
        content["raw_eeg_data"][:-1] *= np.linspace(1, 5, 63)[:, None]
        paths[session, "test"] = tmp_path / f"{session}.npy"
        np.save(paths[session, "test"], content, allow_pickle=True)
    np.testing.assert_array_equal(preprocessing.preprocess(paths, "training", 100, COUNTS)["training"], before)
    assert np.abs(preprocessing.preprocess(paths, "authors", 100, COUNTS)["training"] - before).max() > 0.1


@pytest.mark.parametrize(("images", "repetitions"), [(3, 20), (9, 2), (4, 3)])
def test_the_mean_covariance_is_that_of_scikit_learn(images, repetitions):
    rng = np.random.default_rng(repetitions)
    trials = 1e-5 * np.einsum("irct,cd->irdt", rng.standard_normal((images, repetitions, 17, 6)), rng.random((17, 17)))
    expected = plain_covariance(trials)
    np.testing.assert_allclose(mean_covariance(trials), expected, rtol=0, atol=1e-12 * expected.max())


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20, deadline=None)
def test_the_mean_covariance_follows_a_rescaling_and_reordering_of_channels(seed):
    rng = np.random.default_rng(seed)
    trials = rng.standard_normal((4, 5, 6, 3))
    scales, order = rng.uniform(0.1, 10, 6), rng.permutation(6)
    changed = (trials * scales[:, None])[:, :, order]
    expected = (mean_covariance(trials) * np.outer(scales, scales))[np.ix_(order, order)]
    np.testing.assert_allclose(mean_covariance(changed), expected, rtol=1e-9, atol=1e-12)


@given(st.lists(st.integers(1, 5), min_size=20, max_size=60), st.integers(1, 3))
@settings(max_examples=30, deadline=None)
def test_the_choice_of_repetitions_is_the_shuffle_of_each_images_trials(numbers, repetitions):
    events = np.array(numbers + [1, 2, 3, 4, 5] * 3)
    images, chosen = preprocessing.choose_repetitions(events, repetitions, "file")
    assert images.tolist() == [1, 2, 3, 4, 5]
    for image, own in zip(images, chosen, strict=True):
        indices = np.flatnonzero(events == image)
        np.testing.assert_array_equal(own, shuffle(indices, random_state=SEED, n_samples=repetitions))


def test_trials_cut_off_by_the_ends_of_the_recording_are_not_counted(folder):
    whole = raw.read_raw(folder / "ses-01" / "raw_eeg_test.npy", "test")
    first, last = whole.onsets[0], whole.onsets[-1]
    path = folder / "ses-01" / "raw_eeg_test.npy"
    fits = raw.RawRecording(whole.data[:, first - 200 : last + 801], whole.onsets - (first - 200), whole.events)
    same = preprocessing.chosen_epochs(fits, "test", 100, path)
    np.testing.assert_array_equal(same.data, preprocessing.chosen_epochs(whole, "test", 100, path).data)
    for cut in (slice(first - 199, None), slice(None, last + 800)):
        shorter = raw.RawRecording(whole.data[:, cut], whole.onsets - (cut.start or 0), whole.events)
        whole_trials = (shorter.onsets >= 200) & (shorter.onsets + 800 < shorter.data.shape[1])
        assert whole_trials.sum() == len(whole.onsets) - 1
        less = raw.RawRecording(shorter.data, shorter.onsets[whole_trials], shorter.events[whole_trials])
        np.testing.assert_array_equal(
            preprocessing.chosen_epochs(shorter, "test", 100, path).data,
            preprocessing.chosen_epochs(less, "test", 100, path).data,
        )


def test_blocks_of_epochs_do_not_matter(folder, monkeypatch):
    path = folder / "ses-01" / "raw_eeg_training.npy"
    recording = raw.read_raw(path, "training")
    whole = preprocessing.chosen_epochs(recording, "training", 100, path)
    monkeypatch.setattr(preprocessing, "_EPOCHS_AT_ONCE", 4)
    np.testing.assert_array_equal(preprocessing.chosen_epochs(recording, "training", 100, path).data, whole.data)


def test_too_few_repetitions_are_refused_with_the_image(folder):
    path = folder / "ses-03" / "raw_eeg_test.npy"
    recording = raw.read_raw(path, "test")
    seldom = np.flatnonzero(recording.events == 2)[:2]
    fewer = raw.RawRecording(recording.data, np.delete(recording.onsets, seldom), np.delete(recording.events, seldom))
    with pytest.raises(BadFileError, match=r"Got 19 trials of 1 images, the first event 2, in .*raw_eeg_test\.npy.*20"):
        preprocessing.chosen_epochs(fewer, "test", 100, path)


def test_a_session_in_anothers_place_is_refused_with_the_image(folder):
    paths = raw.raw_paths(folder)
    paths["ses-02", "training"] = paths["ses-01", "training"]
    with pytest.raises(
        BadFileError, match=r"training images with fewer than .* repetitions over the 4 sessions.*event"
    ):
        preprocessing.preprocess(paths, None, 100, COUNTS)


def test_fewer_images_than_the_metadata_list_are_refused(folder):
    with pytest.raises(BadFileError, match=r"Got 1 of 7 training images .* first event 7 with 0"):
        preprocessing.preprocess(raw.raw_paths(folder), None, 100, {"training": 7, "test": 2})


def test_a_dead_channel_is_refused_by_its_name_and_session(folder, tmp_path):
    paths = raw.raw_paths(folder)
    content = np.load(paths["ses-02", "training"], allow_pickle=True).item()
    content["raw_eeg_data"][content["ch_names"].index("PO3")] = 0
    damaged = tmp_path / "ses-02" / "raw_eeg_training.npy"
    damaged.parent.mkdir()
    np.save(damaged, content, allow_pickle=True)
    with pytest.raises(BadFileError, match=r"never vary: PO3;.*ses-02"):
        preprocessing.preprocess({**paths, ("ses-02", "training"): damaged}, "training", 100, COUNTS)


@pytest.mark.parametrize(("options", "message"), [({"mvnn": "test"}, "mvnn='test'"), ({"sfreq": 200}, "sfreq=200")])
def test_options_that_there_are_not_are_refused_before_anything_is_read(options, message):
    with pytest.raises(BadInputError, match=message):
        preprocessing.preprocess({}, **options)


def test_without_mne_the_extra_to_install_is_named(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "mne", None)
    with pytest.raises(RealnetError, match=r"pip install 'brainscore_realnet\[eeg\]'"):
        preprocessing.preprocess(raw.raw_paths(folder), None, 100, COUNTS)
