from dataclasses import replace

import numpy as np
import pytest

from brainscore_realnet.adapters import neural_rdms
from brainscore_realnet.adapters.neural_rdms import Decoding, eeg_half_rdms, eeg_rdms, missing_seconds
from brainscore_realnet.rsa import decoding_rdm

QUICK = Decoding(pseudotrial_size=2, folds=2, repeats=1)
TIMES = np.array([3, 4, 5])


@pytest.fixture(autouse=True)
def empty_cache(own_store, monkeypatch):
    monkeypatch.setenv("RESULTCACHING_HOME", str(own_store / "cache"))


@pytest.fixture
def decoded(monkeypatch):
    """Trials that were decoded, a list that grows."""
    seen: list[np.ndarray] = []

    def watch(data, **options):
        seen.append(np.array(data))
        return decoding_rdm(data, **options)

    monkeypatch.setattr(neural_rdms, "decoding_rdm", watch)
    return seen


def test_rdms_are_those_of_pairwise_decoding(recording_of):
    recording = recording_of()
    expected = decoding_rdm(recording.data, pseudotrial_size=2, folds=2, repeats=1, seed=0, times=TIMES)
    np.testing.assert_array_equal(eeg_rdms(recording, TIMES, QUICK), expected)


def test_second_call_decodes_nothing_and_gives_the_same(recording_of, decoded):
    first = eeg_rdms(recording_of(), TIMES, QUICK)
    steps: list[int] = []
    second = eeg_rdms(recording_of(), TIMES, QUICK, steps.append)
    assert len(decoded) == 1
    assert steps == []
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "change",
    [
        {"recording": {"seed": 1}},
        {"times": np.array([3, 4])},
        {"times": np.array([4, 5, 6])},
        {"options": {"pseudotrial_size": 3}},
        {"options": {"folds": 3}},
        {"options": {"repeats": 2}},
        {"options": {"seed": 1}},
    ],
    ids=lambda change: " ".join(f"{key} {value}" for key, value in change.items()),
)
def test_other_data_times_or_options_are_decoded_anew(recording_of, decoded, change):
    eeg_rdms(recording_of(), TIMES, QUICK)
    recording = recording_of(**change.get("recording", {}))
    eeg_rdms(recording, change.get("times", TIMES), replace(QUICK, **change.get("options", {})))
    assert len(decoded) == 2


def test_higher_version_is_decoded_anew(recording_of, decoded, monkeypatch):
    eeg_rdms(recording_of(), TIMES, QUICK)
    monkeypatch.setattr(neural_rdms, "VERSION", neural_rdms.VERSION + 1)
    eeg_rdms(recording_of(), TIMES, QUICK)
    assert len(decoded) == 2


def test_rdm_at_a_time_does_not_depend_on_the_other_times(recording_of):
    recording = recording_of()
    alone = eeg_rdms(recording, np.array([5]), QUICK)[0]
    np.testing.assert_array_equal(eeg_rdms(recording, TIMES, QUICK)[2], alone)


@pytest.mark.parametrize("n_trials", [12, 13])
def test_halves_share_no_trial_and_hold_whole_trials(recording_of, decoded, n_trials):
    recording = recording_of(n_trials=n_trials)
    halves = eeg_half_rdms(recording, TIMES, QUICK)
    assert halves.shape == (2, neural_rdms.SPLITS, len(TIMES), 12, 12)
    trial_of = {recording.data[0, trial, 0, 0]: trial for trial in range(n_trials)}
    # The first halves of all splits are decoded first, then the second halves.
    used = [[trial_of[value] for value in data[0, :, 0, 0]] for data in decoded]
    assert len(used) == 2 * neural_rdms.SPLITS
    for first, second in zip(used[: neural_rdms.SPLITS], used[neural_rdms.SPLITS :], strict=True):
        assert len(first) == len(second) == n_trials // 2
        assert not set(first) & set(second)
    assert len({tuple(first) for first in used}) == 2 * neural_rdms.SPLITS
    for data, trials in zip(decoded, used, strict=True):
        np.testing.assert_array_equal(data, recording.data[:, trials])


def test_halves_are_stored_too(recording_of, decoded):
    first = eeg_half_rdms(recording_of(), TIMES, QUICK)
    n_decoded = len(decoded)
    np.testing.assert_array_equal(eeg_half_rdms(recording_of(), TIMES, QUICK), first)
    assert len(decoded) == n_decoded


def test_progress_advances_once_a_time_point(recording_of):
    steps: list[int] = []
    eeg_rdms(recording_of(), TIMES, QUICK, steps.append)
    assert steps == [1] * len(TIMES)
    steps.clear()
    eeg_half_rdms(recording_of(), TIMES, QUICK, steps.append)
    assert steps == [1] * (2 * neural_rdms.SPLITS * len(TIMES))


def test_nothing_is_missing_once_it_is_stored(recording_of, monkeypatch):
    asked: list[int] = []
    monkeypatch.setattr(neural_rdms, "estimate_seconds", lambda *sizes, **_: asked.append(sizes[2]) or 1.0)
    recording = recording_of()
    assert missing_seconds(recording, TIMES, QUICK, with_halves=True) == 1 + 2 * neural_rdms.SPLITS
    assert asked == [12] + [6] * (2 * neural_rdms.SPLITS)
    eeg_rdms(recording, TIMES, QUICK)
    assert missing_seconds(recording, TIMES, QUICK, with_halves=False) == 0
    assert missing_seconds(recording, TIMES, QUICK, with_halves=True) == 2 * neural_rdms.SPLITS
    eeg_half_rdms(recording, TIMES, QUICK)
    assert missing_seconds(recording, TIMES, QUICK, with_halves=True) == 0


def test_estimate_is_positive_and_grows_with_the_work(recording_of, monkeypatch):
    monkeypatch.setattr(
        neural_rdms, "estimate_seconds", lambda n_images, n_times, *_, **options: n_times * options["repeats"]
    )
    recording = recording_of()
    once = missing_seconds(recording, TIMES, QUICK, with_halves=False)
    assert missing_seconds(recording, TIMES, replace(QUICK, repeats=5), with_halves=False) == 5 * once > 0
