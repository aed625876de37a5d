import signal
import subprocess
import sys
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import numba
import numpy as np
import pytest
from sklearn.svm import SVC

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import decoding, decoding_rdm, estimate_seconds


def responses(seed: int, n: int = 5, trials: int = 12, channels: int = 6, times: int = 3, snr: float = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, trials, channels, times)) + snr * rng.standard_normal((n, 1, channels, times))


def literal_decoding_rdm(trials, pseudotrial_size, folds, repeats, seed, time):
    n_images, n_trials, _, _ = trials.shape
    m = n_trials // pseudotrial_size
    accuracy = np.zeros((n_images, n_images))
    for repeat in range(repeats):
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(repeat, time)))
        order = rng.permuted(np.array([range(n_trials)] * n_images), axis=1)
        groups = [
            [order[i, k * pseudotrial_size : (k + 1) * pseudotrial_size] for k in range(m)] for i in range(n_images)
        ]
        means = np.array([[trials[i, group, :, time].mean(axis=0) for group in groups[i]] for i in range(n_images)])
        for i in range(n_images):
            for j in range(n_images):
                if i != j:
                    accuracy[i, j] += literal_accuracy(means[min(i, j)], means[max(i, j)], folds) / repeats
    return accuracy


def literal_accuracy(first, second, folds):
    image = [0] * len(first) + [1] * len(second)
    samples = np.concatenate([first, second])
    scores = []
    for held_out in np.array_split(np.arange(len(first)), folds):
        test = np.concatenate([held_out, held_out + len(first)])
        train = np.setdiff1d(np.arange(len(samples)), test)
        svm = SVC(kernel="linear", C=1, tol=1e-6).fit(samples[train], np.take(image, train))
        scores.append(svm.score(samples[test], np.take(image, test)))
    return np.mean(scores)


@pytest.mark.parametrize(
    ("size", "folds", "trials"),
    [(1, 4, 12), (2, 3, 13), (3, 4, 12), (2, 4, 13)],
    ids=["single_trials", "left_over_trials", "leave_one_out", "uneven_folds"],
)
def test_accuracies_equal_a_literal_loop_over_scikit_learn(size, folds, trials):
    data = responses(0, trials=trials)
    result = decoding_rdm(data, pseudotrial_size=size, folds=folds, repeats=2, seed=3)
    expected = [literal_decoding_rdm(data, size, folds, 2, 3, time) for time in range(3)]
    np.testing.assert_allclose(result, expected, atol=1e-12)


def test_the_defaults_are_five_trials_four_folds_five_repeats():
    data = responses(1, n=3, trials=20, times=1)
    np.testing.assert_allclose(decoding_rdm(data)[0], literal_decoding_rdm(data, 5, 4, 5, 0, 0), atol=1e-12)


def test_rdms_are_exactly_symmetric_accuracies_with_a_zero_diagonal():
    result = decoding_rdm(responses(2), pseudotrial_size=2)
    assert result.shape == (3, 5, 5)
    assert result.dtype == np.float64
    assert (result == np.swapaxes(result, 1, 2)).all()
    assert (np.diagonal(result, axis1=1, axis2=2) == 0).all()
    assert result.min() >= 0
    assert result.max() <= 1


def test_images_far_apart_are_told_apart_perfectly():
    result = decoding_rdm(responses(3, snr=100), pseudotrial_size=2)
    np.testing.assert_array_equal(result, np.broadcast_to(1 - np.eye(5), (3, 5, 5)))


def test_responses_without_signal_give_half():
    result = decoding_rdm(responses(4, n=8, trials=40, times=80, snr=0), repeats=1)
    # Pairs share images and so are correlated; time points are independent here.
    of_time = result[:, *np.triu_indices(8, 1)].mean(axis=1)
    standard_error = of_time.std() / np.sqrt(of_time.size)
    assert standard_error < 0.007
    assert abs(of_time.mean() - 0.5) < 3 * standard_error


def test_a_time_point_does_not_depend_on_which_others_are_asked_for():
    data = responses(5, times=4)
    whole = decoding_rdm(data, pseudotrial_size=2)
    np.testing.assert_array_equal(decoding_rdm(data, pseudotrial_size=2, times=[3, 1]), whole[[3, 1]])
    np.testing.assert_array_equal(decoding_rdm(data, pseudotrial_size=2, times=np.array([2])), whole[[2]])


def test_the_number_of_threads_changes_nothing():
    data = responses(6, n=12)
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = decoding_rdm(data, pseudotrial_size=2)
    finally:
        numba.set_num_threads(before)
    np.testing.assert_array_equal(decoding_rdm(data, pseudotrial_size=2), alone)


def test_seeds_repeats_and_times_draw_different_shuffles():
    data = np.repeat(responses(7, times=1, snr=0.3), 2, axis=3)
    result = decoding_rdm(data, pseudotrial_size=3, repeats=1)
    assert (result[0] != result[1]).any()
    assert (result != decoding_rdm(data, pseudotrial_size=3, repeats=1, seed=1)).any()
    assert (result != decoding_rdm(data, pseudotrial_size=3, repeats=2)).any()
    np.testing.assert_array_equal(result, decoding_rdm(data, pseudotrial_size=3, repeats=1))


def test_float32_memmaps_give_the_same_rdm(tmp_path):
    data = responses(8).astype(np.float32)
    np.save(tmp_path / "trials.npy", data)
    mapped = np.load(tmp_path / "trials.npy", mmap_mode="r")
    expected = decoding_rdm(data.astype(np.float64), pseudotrial_size=2)
    np.testing.assert_array_equal(decoding_rdm(mapped, pseudotrial_size=2), expected)


def test_progress_is_told_of_every_time_point():
    told = []
    decoding_rdm(responses(9), pseudotrial_size=2, repeats=1, times=[0, 2], progress=told.append)
    assert told == [1, 1]


def test_nan_outside_the_times_asked_for_does_not_matter():
    data = responses(10)
    data[1, 2, 3, 0] = np.nan
    assert np.isfinite(decoding_rdm(data, pseudotrial_size=2, times=[1, 2])).all()
    with pytest.raises(BadInputError, match="nan in image 1, trial 2, channel 3, time 0"):
        decoding_rdm(data, pseudotrial_size=2)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"classifier": "knn"}, "'knn'; expected one of svm, lda"),
        ({"smooth": 4}, "smooth=4; expected an odd number"),
        ({"smooth": -1}, "smooth=-1; expected an odd number"),
        ({"weighting": "accuracy"}, "weighting='accuracy'; expected one of None, 'decision'"),
        ({"device": "cpu"}, "device='cpu' with classifier='svm', which is computed on the CPU; expected None"),
        ({"preset": "neurora"}, "preset='neurora'; expected one of neurora-1, neurora-2, gifford"),
        ({"preset": ["gifford"]}, r"preset=\['gifford'\]; expected one of"),
        ({"preset": "neurora-1", "replay": True, "seed": 2**32}, "seed=4294967296 with replay=True"),
        ({"classifier": "lda", "pseudotrial_size": 4, "folds": 2}, "leave 1 pseudotrial of 4 to train on with 2 folds"),
        ({"replay": True}, "replay=True with preset=None"),
        ({"pseudotrial_size": 0}, "pseudotrial_size=0; expected a whole number of at least 1"),
        ({"pseudotrial_size": 2.5}, "pseudotrial_size=2.5"),
        ({"folds": 1}, "folds=1; expected a whole number of at least 2"),
        ({"repeats": 0}, "repeats=0"),
        ({"repeats": True}, "repeats=True"),
        ({"seed": -1}, "seed=-1"),
        ({"pseudotrial_size": 4}, r"12 trials an image, which make 3 pseudotrial\(s\) of 4.*16 trials for 4 folds"),
        ({"seed": 1.5}, "seed=1.5"),
        ({"times": [0, 3]}, "between 0 and 3; expected indices of 0 to 2"),
        ({"times": [-1]}, "between -1 and -1"),
        ({"times": []}, "times="),
        ({"times": [0.5]}, "times="),
        ({"times": [[0]]}, "times="),
    ],
)
def test_options_that_cannot_be_computed_are_refused(options, message):
    with pytest.raises(BadInputError, match=message):
        decoding_rdm(responses(11), **{"pseudotrial_size": 2, **options})


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((5, 12, 6)), r"\(5, 12, 6\)"),
        (np.ones((1, 12, 6, 3)), "at least 2 images"),
        (np.ones((5, 12, 0, 3)), r"\(5, 12, 0, 3\)"),
        (np.ones((5, 12, 6, 3), dtype=complex), "complex128"),
        ([np.ones((12, 6, 3)), np.ones((11, 6, 3))], "expected equally many for every image"),
    ],
)
def test_trials_of_another_kind_are_refused(data, message):
    with pytest.raises(BadInputError, match=message):
        decoding_rdm(data, pseudotrial_size=2)


@pytest.mark.parametrize("classifier", ["svm", "lda"])
def test_a_channel_that_never_varies_is_refused_with_its_place(classifier):
    data = responses(12)
    data[:, :, 4, 1] = 3.7
    with pytest.raises(BadInputError, match=r"channel 4 .* time 1"):
        decoding_rdm(data, classifier, pseudotrial_size=2)
    assert decoding_rdm(data, classifier, pseudotrial_size=2, times=[0, 2]).shape == (2, 5, 5)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("options", [{}, {"classifier": "lda"}, {"preset": "neurora-1", "replay": True}], ids=str)
def test_values_that_are_not_finite_are_refused_with_their_place(value, options):
    data = responses(20, trials=20)
    data[3, 2, 1, 2] = value
    with pytest.raises(BadInputError, match=f"{value} in image 3, trial 2, channel 1, time 2"):
        decoding_rdm(data, **options)


@pytest.mark.parametrize("classifier", ["svm", "lda"])
def test_magnitudes_beyond_float64_are_refused_and_tiny_ones_are_decoded_or_refused(classifier):
    data = responses(21)
    with pytest.raises(BadInputError, match="magnitudes below 1e150"):
        decoding_rdm(1e160 * data, classifier, pseudotrial_size=2)
    if classifier == "lda":
        with pytest.raises(BadInputError, match="expected noise to estimate a covariance from"):
            decoding_rdm(1e-170 * data, "lda", pseudotrial_size=2)
    else:
        with pytest.warns(RuntimeWarning, match="volts"):
            tiny, volts = (decoding_rdm(unit * data, pseudotrial_size=2) for unit in (1e-170, 1e-9))
        np.testing.assert_array_equal(tiny, volts)


def test_masked_arrays_are_refused():
    with pytest.raises(BadInputError, match="trials with a mask"):
        decoding_rdm(np.ma.masked_greater(responses(22), 1))


def test_what_is_given_beside_a_preset_wins():
    data = responses(23, n=3, trials=16, times=1)
    expected = decoding_rdm(data, pseudotrial_size=4, folds=4, repeats=3)
    np.testing.assert_array_equal(decoding_rdm(data, preset="gifford", folds=4, repeats=3), expected)


@pytest.mark.parametrize("classifier", ["svm", "lda"])
def test_two_images_with_the_same_trials_are_refused_by_name(classifier):
    data = responses(13)
    data[4] = data[1]
    with pytest.raises(BadInputError, match="same trials for images 1 and 4"):
        decoding_rdm(data, classifier, pseudotrial_size=2)


def test_smoothing_averages_accuracies_over_the_neighbouring_time_points():
    data = responses(14, times=8)
    plain = decoding_rdm(data, pseudotrial_size=2)
    smoothed = decoding_rdm(data, pseudotrial_size=2, smooth=5)
    windows = [(0, 3), (0, 4), (0, 5), (1, 6), (2, 7), (3, 8), (4, 8), (5, 8)]
    np.testing.assert_allclose(smoothed, [plain[a:b].mean(axis=0) for a, b in windows], atol=1e-12)
    np.testing.assert_array_equal(decoding_rdm(data, pseudotrial_size=2, smooth=5, times=[6, 0]), smoothed[[6, 0]])


def test_decision_weighting_averages_the_decision_values_for_the_right_image():
    data = responses(15, n=3, times=1)
    result = decoding_rdm(data, pseudotrial_size=2, folds=3, repeats=1, weighting="decision")[0]
    rng = np.random.default_rng(np.random.SeedSequence(0, spawn_key=(0, 0)))
    order = rng.permuted(np.tile(np.arange(12), (3, 1)), axis=1)
    means = np.stack([data[i, order[i], :, 0].reshape(6, 2, -1).mean(axis=1) for i in range(3)])
    for i, j in ((0, 1), (0, 2), (1, 2)):
        values = []
        for held_out in np.split(np.arange(6), 3):
            training = np.setdiff1d(np.arange(6), held_out)
            samples, image = np.concatenate([means[i, training], means[j, training]]), np.repeat([0, 1], 4)
            svm = SVC(kernel="linear", C=1, tol=1e-8).fit(samples, image)
            values += [*-svm.decision_function(means[i, held_out]), *svm.decision_function(means[j, held_out])]
        assert result[i, j] == result[j, i] == pytest.approx(np.mean(values), abs=2e-4)
    assert (np.diag(result) == 0).all()


def test_data_in_volts_are_decoded_with_a_warning():
    data = responses(16)
    with pytest.warns(RuntimeWarning, match=r"standard deviation near 2e-06, which look like volts"):
        decoding_rdm(data * 1e-6, pseudotrial_size=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        decoding_rdm(data, pseudotrial_size=2)
        decoding_rdm(data * 1e-6, "lda", pseudotrial_size=2)


def test_equal_accuracies_are_exactly_tied_whatever_the_number_of_repeats():
    rdm = decoding_rdm(responses(17, n=20, trials=12, times=1), pseudotrial_size=2, folds=3, repeats=7)[0]
    levels = np.unique(rdm[np.triu_indices(20, 1)])
    assert np.diff(levels).min() > 1e-3


def test_decision_values_of_any_size_keep_their_digits():
    data = responses(19, n=3, times=1)
    small, plain = (decoding_rdm(unit * data, "lda", pseudotrial_size=2, weighting="decision") for unit in (1e-9, 1))
    np.testing.assert_allclose(small, plain, rtol=1e-6)
    with pytest.warns(RuntimeWarning, match="volts"):
        volts = decoding_rdm(1e-9 * data, pseudotrial_size=2, weighting="decision")
    assert (np.abs(volts[:, *np.triu_indices(3, 1)]) > 0).all()


LONG_WORK = {
    "many pairs": ("data = rng.standard_normal((300, 80, 17, 30))", "repeats=50"),
    "classifiers that hardly converge": (
        "data = rng.standard_normal((40, 40, 6, 2)); data[:, :, 2] *= 3000",
        "repeats=5",
    ),
}


@pytest.mark.parametrize("work", LONG_WORK)
def test_ctrl_c_stops_the_kernel_within_seconds(work):
    make, options = LONG_WORK[work]
    script = f"""
import signal
import numpy as np
from brainscore_realnet.rsa import decoding_rdm
signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored in processes of tests that run in the background
rng = np.random.default_rng(0)
decoding_rdm(rng.standard_normal((3, 20, 4, 1)))
{make}
print("ready", flush=True)
decoding_rdm(data, {options})
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    try:
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode != 0
    assert errors.rstrip().endswith("KeyboardInterrupt")


def test_two_threads_may_decode_at_once():
    data = responses(18, n=10)
    alone = decoding_rdm(data, pseudotrial_size=2)
    with ThreadPoolExecutor(2) as pool:
        for result in pool.map(lambda _: decoding_rdm(data, pseudotrial_size=2), range(8)):
            np.testing.assert_array_equal(result, alone)


@pytest.fixture
def clock_of_two_seconds(monkeypatch):
    """Let whatever is timed seem to have taken two seconds."""
    readings = iter([100.0, 102.0])
    monkeypatch.setattr(decoding, "time", SimpleNamespace(perf_counter=lambda: next(readings)))


@pytest.mark.usefixtures("clock_of_two_seconds")
def test_the_estimate_scales_with_pairs_times_and_repeats():
    # 40 images and 3 times in one repeat are what is timed.
    expected = 2 * (200 * 199) / (40 * 39) * (100 / 3) * 7
    assert estimate_seconds(200, 100, 20, 4, repeats=7) == pytest.approx(expected)


@pytest.mark.usefixtures("clock_of_two_seconds")
def test_the_estimate_times_a_part_of_the_given_trials(monkeypatch):
    timed = []

    def recorded(trials, *args, **kwargs):
        timed.append((trials, args, kwargs))

    monkeypatch.setattr(decoding, "decoding_rdm", recorded)
    data = responses(12, n=50, trials=8, channels=2, times=5)
    assert estimate_seconds(50, 5, 8, 2, pseudotrial_size=2, repeats=2, trials=data) == pytest.approx(
        2 * (50 * 49) / (40 * 39) * (5 / 3) * 2
    )
    sample, options, _ = timed[-1]
    assert sample.shape == (40, 8, 2, 3)
    assert np.isin(sample, data).all()
    assert options == ("svm", 2, 4, 1)


def test_the_estimate_of_a_small_job_is_a_positive_number():
    assert 0 < estimate_seconds(3, 1, 8, 4, pseudotrial_size=2) < 60


@pytest.mark.parametrize(
    ("arguments", "options", "message"),
    [
        ((1, 1, 20), {}, "n_images=1"),
        ((5, 0, 20), {}, "n_times=0"),
        ((5, 1, 20), {"classifier": "knn"}, "expected one of svm, lda"),
        ((5, 1, 10), {}, "10 trials an image"),
        ((5, 3, 20), {"trials": np.ones((5, 10, 6, 3))}, r"trials of shape \(5, 10, 6, 3\)"),
    ],
)
def test_jobs_that_cannot_run_have_no_estimate(arguments, options, message):
    with pytest.raises(BadInputError, match=message):
        estimate_seconds(*arguments, **options)
