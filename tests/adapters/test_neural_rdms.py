from dataclasses import replace

import numpy as np
import pytest

from brainscore_realnet.adapters import neural_rdms
from brainscore_realnet.adapters.neural_rdms import Dissimilarity, NeuralRDMs, half_rdms, stacked, whole_rdms, work
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import compare_rdms, crossnobis_rdm, decoding_rdm

QUICK = Dissimilarity(pseudotrial_size=2, folds=2, repeats=1)
TIMES = np.array([3, 4, 5])


@pytest.fixture(autouse=True)
def empty_cache(own_store, monkeypatch):
    monkeypatch.setenv("RESULTCACHING_HOME", str(own_store / "cache"))


@pytest.fixture
def decoded(monkeypatch):
    """Trials that were decoded, a list that grows."""
    seen: list[np.ndarray] = []

    def watch(data, *classifier, **options):
        seen.append(np.array(data))
        return decoding_rdm(data, *classifier, **options)

    monkeypatch.setattr(neural_rdms, "decoding_rdm", watch)
    return seen


def test_rdms_are_those_of_pairwise_decoding(recording_of):
    recording = recording_of()
    expected = decoding_rdm(recording.data, pseudotrial_size=2, folds=2, repeats=1, seed=0, times=TIMES)
    found = whole_rdms(recording, TIMES, QUICK)
    np.testing.assert_array_equal(found.values, expected)
    assert found.method == "svm accuracy, 2 trials a pseudotrial, 2 folds, 1 repeats, seed 0"


def test_second_call_decodes_nothing_and_gives_the_same(recording_of, decoded):
    first = whole_rdms(recording_of(), TIMES, QUICK)
    steps: list[int] = []
    second = whole_rdms(recording_of(), TIMES, QUICK, steps.append)
    assert len(decoded) == len(TIMES)
    assert steps == []
    np.testing.assert_array_equal(first.values, second.values)


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
        ({"options": {"weighting": "decision"}}, 3),
        ({"version": 2}, 3),
    ],
    ids=str,
)
def test_only_what_was_not_decoded_with_these_data_and_options_is_decoded(recording_of, decoded, change, n_new):
    whole_rdms(recording_of(), TIMES, QUICK)
    recording, options = recording_of(**change.get("recording", {})), replace(QUICK, **change.get("options", {}))
    whole_rdms(recording, change.get("times", TIMES), options, version=change.get("version", 1))
    assert len(decoded) == len(TIMES) + n_new


@pytest.mark.parametrize(
    "wrong", [{"seed": -1}, {"folds": 1}, {"repeats": 0}, {"repeats": "5"}, {"pseudotrial_size": 0}], ids=str
)
def test_options_that_cannot_be_computed_are_refused(wrong):
    with pytest.raises(BadInputError, match="expected a whole number of at least"):
        Dissimilarity(**wrong)


def test_rdm_at_a_time_does_not_depend_on_the_other_times(recording_of):
    recording = recording_of()
    alone = whole_rdms(recording, np.array([5]), QUICK).values[0]
    np.testing.assert_array_equal(whole_rdms(recording, TIMES, QUICK).values[2], alone)


@pytest.mark.parametrize("n_trials", [12, 13])
def test_halves_share_no_trial_and_hold_whole_trials(recording_of, decoded, n_trials):
    recording = recording_of(n_trials=n_trials)
    halves = half_rdms(recording, TIMES, QUICK).values
    assert halves.shape == (2, neural_rdms.SPLITS["svm"], len(TIMES), 12, 12)
    assert len(decoded) == 2 * neural_rdms.SPLITS["svm"] * len(TIMES)
    trial_of = [{recording.data[0, trial, 0, at]: trial for trial in range(n_trials)} for at in TIMES]
    # At each time point the two halves of a split are decoded one after the other.
    for position, (first, second) in enumerate(zip(decoded[::2], decoded[1::2], strict=True)):
        names = trial_of[position // neural_rdms.SPLITS["svm"]]
        used = [[names[value] for value in data[0, :, 0, 0]] for data in (first, second)]
        assert len(used[0]) == len(used[1]) == n_trials // 2
        assert not set(used[0]) & set(used[1])
        for data, trials in zip((first, second), used, strict=True):
            at = TIMES[position // neural_rdms.SPLITS["svm"]]
            np.testing.assert_array_equal(data[..., 0], recording.data[..., at][:, trials])


def test_halves_are_stored_too(recording_of, decoded):
    first = half_rdms(recording_of(), TIMES, QUICK).values
    n_decoded = len(decoded)
    np.testing.assert_array_equal(half_rdms(recording_of(), TIMES, QUICK).values, first)
    assert len(decoded) == n_decoded


def test_progress_advances_once_a_time_point(recording_of):
    steps: list[int] = []
    whole_rdms(recording_of(), TIMES, QUICK, steps.append)
    assert steps == [1] * len(TIMES)
    steps.clear()
    half_rdms(recording_of(), TIMES, QUICK, steps.append)
    assert steps == [1] * (2 * neural_rdms.SPLITS["svm"] * len(TIMES))


def test_work_counts_what_is_not_stored_and_estimates_its_time(recording_of, monkeypatch):
    asked: list[tuple[int, int]] = []
    monkeypatch.setattr(
        neural_rdms, "estimate_seconds", lambda _, n_times, n_trials, *__: asked.append((n_times, n_trials)) or n_times
    )
    recording = recording_of()

    def missing(kind):
        found = work(recording, TIMES, QUICK, kind)
        assert (found.subject, found.kind) == ("sub-01", kind)
        return found.matrices, found.missing, found.seconds

    splits = 2 * neural_rdms.SPLITS["svm"]
    assert missing("whole") == (3, 3, 3)
    assert missing("halves") == (3 * splits, 3 * splits, 3 * splits)
    assert asked == [(3, 12), (3, 6)]
    whole_rdms(recording, TIMES[:2], QUICK)
    assert missing("whole") == (3, 1, 1)
    whole_rdms(recording, TIMES, QUICK)
    assert missing("whole") == (3, 0, 0)
    assert missing("halves") == (3 * splits, 3 * splits, 3 * splits)
    half_rdms(recording, TIMES, QUICK)
    assert missing("halves") == (3 * splits, 0, 0)


@pytest.mark.parametrize("rdm", ["svm", "lda"])
def test_estimates_are_positive(recording_of, rdm):
    assert work(recording_of(), TIMES, replace(QUICK, rdm=rdm), "whole").seconds > 0


@pytest.mark.parametrize("options", [{"rdm": "lda"}, {"weighting": "decision"}, {"rdm": "lda", "repeats": 3}], ids=str)
def test_other_methods_are_those_of_the_engine(recording_of, options):
    recording = recording_of()
    wanted = {"pseudotrial_size": 2, "folds": 2, "repeats": 1, **options}
    found = whole_rdms(recording, TIMES, Dissimilarity(**wanted))
    wanted["classifier"] = wanted.pop("rdm", "svm")
    np.testing.assert_array_equal(found.values, decoding_rdm(recording.data, times=TIMES, **wanted))


def test_crossnobis_distances_are_those_of_the_engine_in_whole_and_halves(recording_of):
    recording = recording_of()
    crossnobis = Dissimilarity(rdm="crossnobis")
    found = whole_rdms(recording, TIMES, crossnobis)
    np.testing.assert_allclose(found.values, crossnobis_rdm(recording.data, times=TIMES), atol=1e-12)
    assert half_rdms(recording, TIMES, crossnobis).values.shape == (2, neural_rdms.SPLITS["svm"], 3, 12, 12)


def test_smoothed_rdms_are_averages_of_stored_ones(recording_of, decoded):
    recording = recording_of()
    smooth = replace(QUICK, smooth=5)
    found = whole_rdms(recording, TIMES, smooth)
    options = {"pseudotrial_size": 2, "folds": 2, "repeats": 1}
    np.testing.assert_array_equal(found.values, decoding_rdm(recording.data, times=TIMES, smooth=5, **options))
    assert len(decoded) == 7  # time points 1 to 7
    whole_rdms(recording, TIMES, QUICK)
    assert len(decoded) == 7


@pytest.mark.parametrize(
    "options",
    [{"rdm": "lda"}, {"rdm": "crossnobis"}, {"weighting": "decision"}, {"repeats": 6}, {"seed": 1}, {"smooth": 5}],
    ids=str,
)
def test_rdms_of_different_methods_are_not_mixed(options):
    values = np.zeros((2, 3, 3))
    svm, other = (NeuralRDMs(values, Dissimilarity(**given).method) for given in ({}, options))
    assert stacked([svm, svm]).values.shape == (2, 2, 3, 3)
    with pytest.raises(BadInputError, match="different methods"):
        stacked([svm, other])


def test_a_stored_rdm_of_another_method_is_refused(recording_of, monkeypatch):
    recording = recording_of()
    monkeypatch.setattr(neural_rdms, "_key", lambda *_: ("the same for all",))
    whole_rdms(recording, TIMES, QUICK)
    with pytest.raises(BadInputError, match=r"sub-01 at time point 3 that is 'svm accuracy.*expected 'lda accuracy"):
        whole_rdms(recording, TIMES, replace(QUICK, rdm="lda"))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"rdm": "knn"}, "rdm='knn'; expected one of svm, lda, crossnobis"),
        ({"smooth": 2}, "smooth=2; expected an odd number"),
        ({"weighting": "votes"}, "weighting='votes'"),
        ({"rdm": "crossnobis", "repeats": 3, "folds": 2}, "folds, repeats with rdm='crossnobis'"),
        ({"rdm": "crossnobis", "seed": 1}, "seed with rdm='crossnobis'"),
    ],
)
def test_methods_that_there_are_not_are_refused(wrong, message):
    with pytest.raises(BadInputError, match=message):
        Dissimilarity(**wrong)


@pytest.mark.parametrize("rdm", ["lda", "crossnobis"])
def test_smoothing_does_not_make_noise_that_lasts_look_reliable(recording_of, rdm):
    # Halves that differed between time points would share trials, and their noise, with the neighbours of the others.
    rng = np.random.default_rng(0)
    reliabilities = []
    for seed in range(6):
        noise = rng.standard_normal((12, 40, 5, 10))
        for at in range(1, 10):
            noise[..., at] = 0.95 * noise[..., at - 1] + np.sqrt(1 - 0.95**2) * noise[..., at]
        recording = replace(recording_of(), data=noise, sha256=f"{rdm}{seed}")
        halves = half_rdms(recording, np.arange(10), Dissimilarity(rdm=rdm, smooth=9)).values
        reliabilities.append(compare_rdms(halves[0], halves[1]).mean())
    error = np.std(reliabilities, ddof=1) / np.sqrt(len(reliabilities))
    assert abs(np.mean(reliabilities)) < 3 * error
    assert error < 0.1


def test_halves_are_shuffled_anew_at_every_time_point(recording_of, monkeypatch):
    seeds = []
    monkeypatch.setattr(neural_rdms, "decoding_rdm", lambda *_, seed, **__: seeds.append(seed) or np.zeros((1, 12, 12)))
    half_rdms(recording_of(), TIMES, QUICK)
    assert len(set(seeds)) == len(seeds) == 2 * neural_rdms.SPLITS["svm"] * len(TIMES)
