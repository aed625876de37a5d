import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.covariance import ledoit_wolf

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import _time_points
from brainscore_realnet.rsa.crossnobis import crossnobis_rdm
from brainscore_realnet.rsa.noise import noise_covariance
from brainscore_realnet.rsa.rdm import upper_triangle

LABELS = np.array(["c", "a", "b", "a", "c", "b", "b", "a", "c", "c"])
FOLDS = {
    "every_trial": (None, [[trial] for trial in range(10)]),
    "contiguous": (4, [[0, 1, 2], [3, 4, 5], [6, 7], [8, 9]]),
    "as_many_as_trials": (10, [[trial] for trial in range(10)]),
    "labels": (LABELS, [[1, 3, 7], [2, 5, 6], [0, 4, 8, 9]]),
    "two_labels": ([3, 1] * 5, [[0, 2, 4, 6, 8], [1, 3, 5, 7, 9]]),
}


def responses(seed: int, n: int = 5, trials: int = 10, channels: int = 4, times: int = 3, signal: float = 1):
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((channels, channels)) + np.eye(channels)
    noise = np.einsum("cd,ikdt->ikct", mixing, rng.standard_normal((n, trials, channels, times)))
    return noise + signal * rng.standard_normal((n, 1, channels, times))


def positive_definite(seed: int, *shape: int, channels: int = 4) -> np.ndarray:
    root = np.random.default_rng(seed).standard_normal((*shape, channels, channels))
    return root @ np.swapaxes(root, -2, -1) + np.eye(channels)


def literal_crossnobis(trials: np.ndarray, folds: list[list[int]], covariance: np.ndarray) -> np.ndarray:
    n_images, _, n_channels, n_times = trials.shape
    rdms = np.zeros((n_times, n_images, n_images))
    for time in range(n_times):
        precision = np.linalg.inv(covariance[time])
        means = np.array([trials[..., time][:, fold].mean(axis=1) for fold in folds])
        for i in range(n_images):
            for j in range(n_images):
                products = [
                    (means[a, i] - means[a, j]) @ precision @ (means[b, i] - means[b, j]) / n_channels
                    for a in range(len(folds))
                    for b in range(len(folds))
                    if a != b
                ]
                rdms[time, i, j] = np.mean(products)
    return rdms


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("noise", ["identity", "array", "array_of_time"])
@pytest.mark.parametrize("name", FOLDS)
def test_distances_equal_a_literal_loop_over_pairs_of_folds(name, noise, device):
    data = responses(0)
    folds, members = FOLDS[name]
    given_noise = {"identity": "identity", "array": positive_definite(1), "array_of_time": positive_definite(2, 3)}
    covariance = np.eye(4) if noise == "identity" else given_noise[noise]
    expected = literal_crossnobis(data, members, np.broadcast_to(covariance, (3, 4, 4)))
    result = crossnobis_rdm(data, folds, given_noise[noise], device=device)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("name", FOLDS)
def test_mvnn_takes_the_ledoit_wolf_covariance_of_all_trials_at_each_time(name, device):
    data = responses(3)
    folds, members = FOLDS[name]
    covariance = [np.mean([ledoit_wolf(image[..., time])[0] for image in data], axis=0) for time in range(3)]
    expected = literal_crossnobis(data, members, covariance)
    np.testing.assert_allclose(crossnobis_rdm(data, folds, device=device), expected, rtol=1e-10, atol=1e-11)
    of_time = crossnobis_rdm(data, folds, noise_covariance(data, "time"), device=device)
    np.testing.assert_allclose(of_time, expected, rtol=1e-10, atol=1e-11)


def rsatoolbox_crossnobis(rsatoolbox, responses_at_a_time, labels, precision):
    n_images, n_trials, n_channels = responses_at_a_time.shape
    dataset = rsatoolbox.data.Dataset(
        responses_at_a_time.reshape(-1, n_channels),
        obs_descriptors={"image": np.repeat(np.arange(n_images), n_trials), "fold": np.tile(labels, n_images)},
    )
    rdm = rsatoolbox.rdm.calc_rdm(dataset, "crossnobis", descriptor="image", noise=precision, cv_descriptor="fold")
    return rdm.dissimilarities[0]


@pytest.mark.parametrize("noise", ["identity", "array"])
@pytest.mark.parametrize(
    ("folds", "labels"),
    [(None, np.arange(10)), (5, np.arange(10) // 2), ([4, 2] * 5, [4, 2] * 5)],
    ids=["every_trial", "contiguous", "labels"],
)
def test_distances_equal_rsatoolbox(folds, labels, noise, rsatoolbox):
    data = responses(4)
    covariance = np.eye(4) if noise == "identity" else positive_definite(5)
    result = crossnobis_rdm(data, folds, "identity" if noise == "identity" else covariance)
    for time in range(3):
        expected = rsatoolbox_crossnobis(rsatoolbox, data[..., time], labels, np.linalg.inv(covariance))
        np.testing.assert_allclose(upper_triangle(result[time]), expected, rtol=1e-10, atol=1e-11)


def mean_and_standard_error(rdms: np.ndarray) -> tuple[float, float]:
    # Time points are independent here, the pairs of one time point are not.
    of_time = upper_triangle(rdms).mean(axis=1)
    return of_time.mean(), of_time.std() / np.sqrt(of_time.size)


@pytest.mark.parametrize("noise", ["identity", "covariance_of_other_trials"])
def test_without_signal_distances_average_to_zero_and_some_are_negative(noise):
    data, others = np.split(responses(6, trials=24, times=600, signal=0), 2, axis=1)
    result = crossnobis_rdm(data, noise=noise if noise == "identity" else noise_covariance(others, "time"))
    mean, standard_error = mean_and_standard_error(result)
    assert abs(mean) < 3 * standard_error
    assert standard_error < 0.05 * result.std()
    assert 0.4 < (upper_triangle(result) < 0).mean() < 0.7


def test_a_covariance_from_the_same_trials_leaves_the_small_bias_that_theory_gives():
    # For Gaussian noise and the pooled covariance of n images, f trials as folds and c channels the residuals are
    # Wishart with v = n (f - 1) degrees of freedom, which gives 2 (c + 1) / ((f - 1) (v - c - 1)).
    data = responses(6, times=2000, trials=12, signal=0)
    mean, standard_error = mean_and_standard_error(crossnobis_rdm(data, noise=noise_covariance(data, "time", None)))
    assert abs(mean - 2 * 5 / (11 * (55 - 5))) < 3 * standard_error
    assert mean > 5 * standard_error


@pytest.mark.parametrize("folds", [None, 4, [0, 1] * 20])
def test_true_mahalanobis_distances_are_recovered_from_noise_that_is_not_isotropic(folds):
    rng = np.random.default_rng(7)
    scales = np.array([0.3, 1, 3, 6])
    rotation = np.linalg.qr(rng.standard_normal((4, 4)))[0]
    covariance = (rotation * scales**2) @ rotation.T
    patterns = rng.standard_normal((5, 4))
    noise = np.einsum("cd,ikdt->ikct", rotation * scales, rng.standard_normal((5, 40, 4, 400)))
    differences = patterns[:, None] - patterns
    expected = np.einsum("ijc,cd,ijd->ij", differences, np.linalg.inv(covariance), differences) / 4

    trials = patterns[:, None, :, None] + noise
    with_true_noise = crossnobis_rdm(trials, folds, covariance)
    standard_error = with_true_noise.std(axis=0) / np.sqrt(400)
    assert (np.abs(with_true_noise.mean(axis=0) - expected) <= 4 * standard_error).all()
    assert upper_triangle(standard_error / np.maximum(expected, 1e-9)).max() < 0.05
    # Divided by the number of trials, 40, and not by one less, the estimate is that much too small.
    estimated = upper_triangle(crossnobis_rdm(trials, folds, noise_covariance(trials, shrinkage=None)).mean(axis=0))
    np.testing.assert_allclose(estimated, upper_triangle(expected) * 40 / 39, rtol=0.03)
    euclidean = upper_triangle(crossnobis_rdm(trials, folds, "identity").mean(axis=0))
    assert np.abs(euclidean / upper_triangle(expected) - 1).max() > 0.5


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("noise", ["mvnn", "identity"])
def test_rdms_are_exactly_symmetric_with_an_exactly_zero_diagonal(noise, device):
    result = crossnobis_rdm(responses(8, n=23), noise=noise, device=device)
    assert result.shape == (3, 23, 23)
    assert (result == np.swapaxes(result, 1, 2)).all()
    assert (np.diagonal(result, axis1=1, axis2=2) == 0).all()


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), noise=st.sampled_from(["mvnn", "identity"]))
def test_the_order_of_images_trials_and_channels_does_not_matter(seed, noise):
    data = responses(9)
    rng = np.random.default_rng(seed)
    images, trials, channels = (rng.permutation(length) for length in data.shape[:3])
    permuted = data[images][:, trials][:, :, channels]
    expected = crossnobis_rdm(data, noise=noise)[:, images][:, :, images]
    np.testing.assert_allclose(crossnobis_rdm(permuted, noise=noise), expected, rtol=1e-9, atol=1e-11)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_mixing_channels_and_covariance_alike_changes_nothing(seed):
    data, covariance = responses(10), positive_definite(11)
    mixing = np.random.default_rng(seed).standard_normal((4, 4)) + 3 * np.eye(4)
    mixed = np.einsum("cd,ikdt->ikct", mixing, data)
    expected = crossnobis_rdm(data, noise=covariance)
    result = crossnobis_rdm(mixed, noise=mixing @ covariance @ mixing.T)
    np.testing.assert_allclose(result, expected, rtol=1e-6, atol=1e-7)


def test_distances_follow_the_square_of_the_units_and_lose_them_by_noise_normalisation():
    data = responses(12)
    in_other_units = data * 1e-6
    np.testing.assert_allclose(
        crossnobis_rdm(in_other_units, noise="identity"), 1e-12 * crossnobis_rdm(data, noise="identity"), rtol=1e-10
    )
    np.testing.assert_allclose(crossnobis_rdm(in_other_units), crossnobis_rdm(data), rtol=1e-10, atol=1e-11)


@pytest.mark.parametrize("noise", ["mvnn", "identity"])
def test_large_offsets_that_images_share_lose_no_digits(noise):
    whole = np.random.default_rng(13).integers(-50, 50, (5, 10, 4, 3)).astype(float)
    expected = crossnobis_rdm(whole, noise=noise)
    np.testing.assert_allclose(crossnobis_rdm(whole + 2.0**45, noise=noise), expected, rtol=1e-11, atol=1e-10)


def test_large_responses_that_images_share_in_a_trial_cancel():
    whole = np.random.default_rng(14).integers(-50, 50, (5, 10, 4, 3)).astype(float)
    shared = 2.0**30 * np.random.default_rng(15).integers(-50, 50, (1, 10, 4, 3))
    expected = crossnobis_rdm(whole, noise="identity")
    np.testing.assert_allclose(crossnobis_rdm(whole + shared, noise="identity"), expected, rtol=1e-11, atol=1e-6)


def test_times_are_computed_in_the_order_asked_for():
    data = responses(16, times=6)
    whole = crossnobis_rdm(data)
    for times in ([4, 1, 1], np.array([2]), range(1, 5), [0, 2, 4]):
        np.testing.assert_allclose(crossnobis_rdm(data, times=times), whole[list(times)], rtol=1e-12, atol=1e-13)
    covariance = positive_definite(17, 6)
    expected = crossnobis_rdm(data, noise=covariance)[[5, 0]]
    np.testing.assert_array_equal(crossnobis_rdm(data, noise=covariance, times=[5, 0]), expected)


@pytest.mark.parametrize("block_times", [0, 1, 3])
def test_float32_memmaps_and_small_blocks_give_the_same(block_times, tmp_path, monkeypatch):
    data = responses(18, times=7).astype(np.float32)
    np.save(tmp_path / "trials.npy", data)
    mapped = np.load(tmp_path / "trials.npy", mmap_mode="r")
    expected = crossnobis_rdm(data.astype(np.float64), folds=4)
    monkeypatch.setattr(_time_points, "BLOCK_BYTES", block_times * 8 * data[..., 0].size)
    monkeypatch.setattr(_time_points, "DEVICE_BLOCK_BYTES", block_times * 8 * data[..., 0].size)
    np.testing.assert_array_equal(crossnobis_rdm(mapped, folds=4), expected)
    np.testing.assert_array_equal(crossnobis_rdm(mapped, folds=4, times=[3, 5]), expected[[3, 5]])
    np.testing.assert_allclose(crossnobis_rdm(mapped, folds=4, device="cpu"), expected, rtol=1e-10, atol=1e-11)


def test_trials_in_any_memory_order_stay_as_they_are():
    data = responses(19)
    transposed = np.asfortranarray(data)
    integers = (100 * data).astype(np.int16)
    np.testing.assert_array_equal(crossnobis_rdm(transposed), crossnobis_rdm(data))
    np.testing.assert_array_equal(crossnobis_rdm(integers), crossnobis_rdm(integers.astype(float)))
    np.testing.assert_array_equal(data, responses(19))
    crossnobis_rdm(data, device="cpu")
    np.testing.assert_array_equal(data, responses(19))


def test_memory_is_bounded_by_the_block_and_not_by_the_data(monkeypatch):
    data = np.random.default_rng(20).standard_normal((20, 20, 10, 100))
    monkeypatch.setattr(_time_points, "BLOCK_BYTES", data.nbytes // 20)
    crossnobis_rdm(data)
    tracemalloc.start()
    try:
        crossnobis_rdm(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < data.nbytes / 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"noise": "mahalanobis"}, "noise='mahalanobis'; expected one of mvnn, identity, or a covariance"),
        ({"noise": np.eye(3)}, r"shape \(3, 3\).*expected real numbers of shape \(4, 4\) or \(3, 4, 4\)"),
        ({"noise": np.ones((2, 4, 4))}, r"shape \(2, 4, 4\)"),
        ({"noise": np.ones((4, 4))}, "no inverse"),
        ({"noise": np.diag([1.0, 1, 0, 1])}, "variance 0 of channel 2"),
        ({"noise": np.arange(16).reshape(4, 4)}, "expected symmetric"),
        ({"folds": 1}, r"folds=1 for 10 trial\(s\) an image; expected a number from 2"),
        ({"folds": 11}, "folds=11 for 10"),
        ({"folds": True}, r"folds of shape \(\)"),
        ({"folds": 2.0}, r"folds of shape \(\)"),
        ({"folds": [0, 1]}, r"folds of shape \(2,\).*expected 10 labels"),
        ({"folds": [0.5, 1] * 5}, "dtype float64"),
        ({"folds": ["a"] * 10}, r"10 trial\(s\) an image in 1 fold; expected at least 2"),
        ({"times": [0, 3]}, "between 0 and 3; expected indices of 0 to 2"),
        ({"times": [-1]}, "between -1 and -1"),
        ({"times": []}, "times="),
        ({"device": "nowhere"}, "device='nowhere'"),
    ],
)
def test_options_that_cannot_be_computed_are_refused(options, message):
    with pytest.raises(BadInputError, match=message):
        crossnobis_rdm(responses(21), **options)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (responses(22, trials=1), r"1 trial\(s\) an image in 1 fold; expected at least 2 folds"),
        (responses(22, n=1), "at least 2 images"),
        (np.ones((5, 10, 4)), r"\(5, 10, 4\)"),
        (np.ones((5, 10, 0, 3)), r"\(5, 10, 0, 3\)"),
        (np.ones((5, 10, 4, 3), dtype=complex), "complex128"),
        (responses(22) * 1e200, "magnitudes below"),
    ],
)
@pytest.mark.parametrize("noise", ["mvnn", "identity"])
def test_trials_without_distances_are_refused(data, message, noise):
    with pytest.raises(BadInputError, match=message):
        crossnobis_rdm(data, noise=noise)


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("noise", ["mvnn", "identity"])
@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_values_that_are_not_finite_are_refused_with_their_place(value, noise, device):
    data = responses(23)
    data[1, 2, 3, 0] = value
    with pytest.raises(BadInputError, match=f"{value} in image 1, trial 2, channel 3, time 0"):
        crossnobis_rdm(data, noise=noise, device=device)
    assert np.isfinite(crossnobis_rdm(data, noise=noise, times=[1, 2], device=device)).all()


def test_two_images_with_the_same_trials_are_refused_by_name():
    data = responses(24)
    data[3] = data[1]
    with pytest.raises(BadInputError, match="the same trials for images 1 and 3"):
        crossnobis_rdm(data)
    data[3, 9, 0, 2] += 1
    assert np.isfinite(crossnobis_rdm(data)).all()
    with pytest.raises(BadInputError, match="the same trials for images 1 and 3"):
        crossnobis_rdm(data, times=[0, 1])


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("noise", ["mvnn", "identity", "array"])
def test_a_channel_that_never_varies_is_refused_by_name(noise, device):
    data = responses(25)
    data[:, :, 2, 1] = 0.1
    with pytest.raises(BadInputError, match="channel 2 without any variation between trials at time 1"):
        crossnobis_rdm(data, noise=np.eye(4) if noise == "array" else noise, device=device)


def test_a_channel_without_noise_has_distances_but_no_covariance():
    data = responses(26, trials=2)
    data[:, :, 2] = np.arange(5)[:, None, None]
    assert np.isfinite(crossnobis_rdm(data, noise="identity")).all()
    with pytest.raises(BadInputError, match="channel 2 without any variation"):
        crossnobis_rdm(data)
