from dataclasses import replace

import numpy as np
import pytest

from brainscore_realnet.adapters import neural_rdms
from brainscore_realnet.adapters.neural_rdms import Decoding, eeg_half_rdms, eeg_rdms, missing_seconds
from brainscore_realnet.errors import BadInputError
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
    assert len(decoded) == len(TIMES)
    assert steps == []
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    ("change", "n_new"),
    [
        ({"recording": {"seed": 1}}, 3),
        ({"times": np.array([3, 4])}, 0),
        ({"times": np.array([4, 5, 6])}, 1),
        ({"options": {"pseudotrial_size": 3}}, 3),
        ({"options": {"folds": 3}}, 3),
        ({"options": {"repeats": 2}}, 3),
        ({"options": {"seed": 1}}, 3),
        ({"version": 2}, 3),
    ],
    ids=str,
)
def test_only_what_was_not_decoded_with_these_data_and_options_is_decoded(recording_of, decoded, change, n_new):
    eeg_rdms(recording_of(), TIMES, QUICK)
    recording, options = recording_of(**change.get("recording", {})), replace(QUICK, **change.get("options", {}))
    eeg_rdms(recording, change.get("times", TIMES), options, version=change.get("version", 1))
    assert len(decoded) == len(TIMES) + n_new


@pytest.mark.parametrize("wrong", [{"seed": -1}, {"folds": 1}, {"repeats": 0}, {"pseudotrial_size": 0}], ids=str)
def test_options_that_cannot_be_computed_are_refused(wrong):
    with pytest.raises(BadInputError, match="expected at least 1, 2, 1 and 0"):
        Decoding(**wrong)


def test_rdm_at_a_time_does_not_depend_on_the_other_times(recording_of):
    recording = recording_of()
    alone = eeg_rdms(recording, np.array([5]), QUICK)[0]
    np.testing.assert_array_equal(eeg_rdms(recording, TIMES, QUICK)[2], alone)


@pytest.mark.parametrize("n_trials", [12, 13])
def test_halves_share_no_trial_and_hold_whole_trials(recording_of, decoded, n_trials):
    recording = recording_of(n_trials=n_trials)
    halves = eeg_half_rdms(recording, TIMES, QUICK)
    assert halves.shape == (2, neural_rdms.SPLITS, len(TIMES), 12, 12)
    assert len(decoded) == 2 * neural_rdms.SPLITS * len(TIMES)
    trial_of = [{recording.data[0, trial, 0, at]: trial for trial in range(n_trials)} for at in TIMES]
    # At each time point the two halves of a split are decoded one after the other.
    for position, (first, second) in enumerate(zip(decoded[::2], decoded[1::2], strict=True)):
        names = trial_of[position // neural_rdms.SPLITS]
        used = [[names[value] for value in data[0, :, 0, 0]] for data in (first, second)]
        assert len(used[0]) == len(used[1]) == n_trials // 2
        assert not set(used[0]) & set(used[1])
        for data, trials in zip((first, second), used, strict=True):
            at = TIMES[position // neural_rdms.SPLITS]
            np.testing.assert_array_equal(data[..., 0], recording.data[..., at][:, trials])


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
    monkeypatch.setattr(neural_rdms, "estimate_seconds", lambda *sizes, **_: asked.append(sizes[1:3]) or 1.0)
    recording = recording_of()
    assert missing_seconds(recording, TIMES, QUICK, with_halves=True) == 1 + 2 * neural_rdms.SPLITS
    assert asked == [(3, 12), (3, 6)]
    eeg_rdms(recording, TIMES[:2], QUICK)
    assert missing_seconds(recording, TIMES, QUICK, with_halves=False) == 1
    assert asked[-1] == (1, 12)
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
