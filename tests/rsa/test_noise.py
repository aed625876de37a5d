import tracemalloc

import numpy as np
import pytest
from scipy.linalg import sqrtm
from sklearn.covariance import empirical_covariance, ledoit_wolf, shrunk_covariance

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import _time_points
from brainscore_realnet.rsa.noise import noise_covariance, whiten


def responses(seed: int, n: int = 4, trials: int = 9, channels: int = 5, times: int = 3) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((times, channels, channels))
    noise = np.einsum("tcd,ikdt->ikct", mixing, rng.standard_normal((n, trials, channels, times)))
    return noise + 3 * rng.standard_normal((n, 1, channels, times))


def literal_covariance(trials, estimate):
    n_times = trials.shape[-1]
    return np.array([np.mean([estimate(image[..., time]) for image in trials], axis=0) for time in range(n_times)])


@pytest.mark.parametrize(
    "shape",
    [{}, {"channels": 12}, {"channels": 1}, {"trials": 2}, {"n": 2, "trials": 60, "times": 1}],
    ids=["usual", "more_channels_than_trials", "one_channel", "two_trials", "many_trials"],
)
def test_ledoit_wolf_equals_scikit_learn_for_every_image_and_time(shape):
    data = responses(0, **shape)
    expected = literal_covariance(data, lambda trials: ledoit_wolf(trials)[0])
    np.testing.assert_allclose(noise_covariance(data, "time"), expected, rtol=1e-10, atol=1e-12)


def test_fixed_shrinkage_equals_scikit_learn():
    data = responses(1)
    expected = literal_covariance(data, lambda trials: shrunk_covariance(empirical_covariance(trials), 0.3))
    np.testing.assert_allclose(noise_covariance(data, "time", shrinkage=0.3), expected, rtol=1e-10, atol=1e-12)
    scaled_identity = noise_covariance(data, "time", shrinkage=1)
    np.testing.assert_allclose(scaled_identity, scaled_identity[:, :1, :1] * np.eye(5), atol=1e-12)


def test_without_shrinkage_the_squares_are_divided_by_the_number_of_trials():
    data = responses(2)
    expected = literal_covariance(data, lambda trials: np.cov(trials.T, ddof=0))
    np.testing.assert_allclose(noise_covariance(data, "time", shrinkage=None), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("shrinkage", ["ledoit-wolf", 0.2, None])
def test_the_covariance_of_the_epoch_is_the_mean_over_time(shrinkage):
    data = responses(3)
    result = noise_covariance(data, shrinkage=shrinkage)
    assert result.shape == (5, 5)
    np.testing.assert_allclose(result, noise_covariance(data, "time", shrinkage).mean(axis=0), rtol=1e-12)


def test_sessions_are_estimated_one_by_one_in_the_order_of_their_sorted_labels():
    data = responses(4)
    sessions = np.array(["c", "a", "b", "a", "c", "b", "b", "a", "c"])
    for over in ("epoch", "time"):
        result = noise_covariance(data, over, sessions=sessions)
        expected = [noise_covariance(data[:, sessions == label], over) for label in "abc"]
        np.testing.assert_allclose(result, expected, rtol=1e-12)
    assert noise_covariance(data, sessions=[7] * 9).shape == (1, 5, 5)


@pytest.mark.parametrize("training", [np.arange(9) % 3 > 0, [1, 2, 4, 5, 7, 8], [8, 7, 5, 4, 2, 1]])
def test_only_training_trials_are_used(training):
    data = responses(5)
    expected = noise_covariance(np.delete(data, [0, 3, 6], axis=1))
    data[:, [0, 3, 6]] = np.nan
    np.testing.assert_allclose(noise_covariance(data, training=training), expected, rtol=1e-12)


def test_sessions_and_training_combine():
    data = responses(6)
    sessions, training = np.arange(9) // 5, [0, 2, 3, 5, 7]
    expected = [noise_covariance(data[:, [0, 2, 3]]), noise_covariance(data[:, [5, 7]])]
    np.testing.assert_allclose(noise_covariance(data, sessions=sessions, training=training), expected, rtol=1e-12)


def test_a_large_common_offset_loses_no_digits():
    whole = np.random.default_rng(7).integers(-50, 50, (4, 9, 5, 3)).astype(float)
    np.testing.assert_allclose(noise_covariance(whole + 2.0**45), noise_covariance(whole), rtol=1e-13)


def test_float32_memmaps_and_small_blocks_give_the_same(tmp_path, monkeypatch):
    data = responses(8, times=7).astype(np.float32)
    np.save(tmp_path / "trials.npy", data)
    mapped = np.load(tmp_path / "trials.npy", mmap_mode="r")
    expected = noise_covariance(data.astype(np.float64), "time")
    monkeypatch.setattr(_time_points, "BLOCK_BYTES", 3 * 8 * data[..., 0].size)
    np.testing.assert_array_equal(noise_covariance(mapped, "time"), expected)
    monkeypatch.setattr(_time_points, "BLOCK_BYTES", 1)
    np.testing.assert_array_equal(noise_covariance(mapped, "time"), expected)


def test_memory_is_bounded_by_the_block_and_not_by_the_data(monkeypatch):
    data = np.random.default_rng(9).standard_normal((20, 20, 10, 100))
    monkeypatch.setattr(_time_points, "BLOCK_BYTES", data.nbytes // 20)
    noise_covariance(data)
    tracemalloc.start()
    try:
        noise_covariance(data)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < data.nbytes / 4


@pytest.mark.parametrize("shrinkage", ["ledoit-wolf", 0.2, None])
def test_torch_gives_the_same_covariance(shrinkage):
    data = responses(10, times=6)
    options = {"shrinkage": shrinkage, "sessions": np.arange(9) // 5, "training": np.arange(9) != 4}
    result = noise_covariance(data, device="cpu", **options)
    assert isinstance(result, np.ndarray)
    np.testing.assert_allclose(result, noise_covariance(data, **options), rtol=1e-10, atol=1e-12)


def test_torch_takes_read_only_memory(tmp_path):
    np.save(tmp_path / "trials.npy", responses(11))
    mapped = np.load(tmp_path / "trials.npy", mmap_mode="r")
    np.testing.assert_allclose(noise_covariance(mapped, device="cpu"), noise_covariance(mapped), rtol=1e-10)


@pytest.mark.parametrize("over", ["epoch", "time"])
def test_whitened_responses_are_the_inverse_root_times_the_responses(over):
    data = responses(12)
    covariance = noise_covariance(data, over)
    of_time = np.broadcast_to(covariance, (3, 5, 5))
    expected = [np.linalg.inv(sqrtm(of_time[time])) @ data[1, 2, :, time] for time in range(3)]
    result = whiten(data, covariance)
    assert result.shape == data.shape
    assert result.dtype == np.float64
    np.testing.assert_allclose(result[1, 2].T, expected, rtol=1e-9, atol=1e-12)


def test_the_noise_of_whitened_responses_is_the_identity():
    data = responses(13)
    of_time = whiten(data, noise_covariance(data, "time", None))
    np.testing.assert_allclose(noise_covariance(of_time, "time", None), [np.eye(5)] * 3, atol=1e-10)
    of_epoch = whiten(data, noise_covariance(data, "epoch", None))
    np.testing.assert_allclose(noise_covariance(of_epoch, "epoch", None), np.eye(5), atol=1e-10)


@pytest.mark.parametrize("over", ["epoch", "time"])
def test_every_session_is_whitened_by_its_own_covariance(over):
    data = responses(14, trials=16)
    data[:, ::2] *= 100
    sessions = ["even", "odd"] * 8
    result = whiten(data, noise_covariance(data, over, None, sessions), sessions)
    identity = np.eye(5) if over == "epoch" else [np.eye(5)] * 3
    np.testing.assert_allclose(noise_covariance(result, over, None, sessions), [identity] * 2, atol=1e-10)


def test_float32_memmaps_are_whitened_in_float64(tmp_path):
    data = responses(15).astype(np.float32)
    np.save(tmp_path / "trials.npy", data)
    covariance = noise_covariance(data)
    mapped = np.load(tmp_path / "trials.npy", mmap_mode="r")
    np.testing.assert_array_equal(whiten(mapped, covariance), whiten(data.astype(np.float64), covariance))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"over": "trial"}, "over='trial'; expected one of epoch, time"),
        ({"shrinkage": "oas"}, "shrinkage='oas'; expected 'ledoit-wolf'"),
        ({"shrinkage": 1.5}, r"shrinkage=1.5; expected 'ledoit-wolf', a number in \[0, 1\]"),
        ({"shrinkage": np.nan}, "shrinkage=nan"),
        ({"shrinkage": True}, "shrinkage=True"),
        ({"sessions": [0, 1]}, r"sessions of shape \(2,\).*expected 9 labels"),
        ({"sessions": [0.5] * 9}, "dtype float64; expected 9 labels"),
        ({"sessions": [0] * 8 + [1]}, r"1 trial\(s\) an image in session 1 to estimate.*at least 2"),
        ({"training": [3]}, r"1 trial\(s\) an image to estimate.*at least 2"),
        ({"training": [3, 3]}, r"1 trial\(s\) an image to estimate"),
        ({"training": [0, 9]}, "indices of 0 to 8"),
        ({"training": [-1, 2]}, "indices of 0 to 8"),
        ({"training": [True, False]}, "mask of 9 bools"),
        ({"training": [0.0, 1.0]}, "mask of 9 bools"),
        ({"device": "nowhere"}, "device='nowhere'"),
    ],
)
def test_options_that_cannot_be_computed_are_refused(options, message):
    with pytest.raises(BadInputError, match=message):
        noise_covariance(responses(16), **options)


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_with_their_place(value, device):
    data = responses(17)
    data[1, 2, 3, 0] = value
    with pytest.raises(BadInputError, match=f"{value} in image 1, trial 2, channel 3, time 0"):
        noise_covariance(data, device=device)
    with pytest.raises(BadInputError, match=f"{value} in image 1, trial 2, channel 3, time 0"):
        noise_covariance(data, training=[1, 2, 5], device=device)
    with pytest.raises(BadInputError, match=f"{value} in image 1, trial 2, channel 3, time 0"):
        whiten(data, np.eye(5))


@pytest.mark.parametrize("device", [None, "cpu"])
def test_a_channel_without_noise_is_refused_by_name(device):
    data = responses(18)
    data[:, :, 3, 1] = 0.1 * np.arange(4)[:, None]
    with pytest.raises(BadInputError, match="channel 3 without any variation between trials at time 1"):
        noise_covariance(data, device=device)
    data[2, 0, 3, 1] += 1
    assert np.isfinite(noise_covariance(data, device=device)).all()


def test_a_channel_without_noise_in_one_session_is_refused():
    data = responses(19)
    data[:, 5:, 2] = 7
    assert np.isfinite(noise_covariance(data)).all()
    with pytest.raises(BadInputError, match="channel 2 without any variation"):
        noise_covariance(data, sessions=np.arange(9) // 5)


def test_responses_whose_squares_overflow_are_refused():
    with pytest.raises(BadInputError, match="magnitudes below 1e150"):
        noise_covariance(responses(20) * 1e160)


@pytest.mark.parametrize("unit", [1e-100, 1e-12, 1e100])
def test_units_do_not_matter(unit):
    data = responses(20)
    np.testing.assert_allclose(noise_covariance(data * unit) / unit**2, noise_covariance(data), rtol=1e-10)


def changed(place: tuple[int, int], value: float) -> np.ndarray:
    covariance = np.eye(5)
    covariance[place] = value
    return covariance


@pytest.mark.parametrize(
    ("covariance", "message"),
    [
        (np.eye(4), r"shape \(4, 4\).*\(5, 5\) or \(3, 5, 5\)"),
        (np.ones((2, 5, 5)), r"shape \(2, 5, 5\)"),
        (np.eye(5) * 1j, "complex128"),
        (changed((2, 2), np.nan), r"nan at \(2, 2\)"),
        (changed((0, 1), 0.5), "differ by up to 0.5; expected symmetric"),
        (changed((2, 2), 0.0), "variance 0 of channel 2"),
        (changed((2, 2), -1.0), "variance -1 of channel 2"),
        (np.ones((5, 5)), "no inverse; expected a positive definite"),
        (np.eye(5) - 0.5, "eigenvalues from -1.5 to 1"),
        (np.stack([np.eye(5), np.eye(5), np.ones((5, 5))]), r"covariance at \(2,\) with eigenvalues"),
        (np.stack([np.eye(5), changed((4, 4), 0.0), np.eye(5)]), r"covariance at \(1,\) with variance 0 of channel 4"),
    ],
)
def test_covariances_that_cannot_whiten_are_refused(covariance, message):
    with pytest.raises(BadInputError, match=message):
        whiten(responses(21), covariance)


def test_sessions_and_covariances_that_do_not_fit_are_refused():
    with pytest.raises(BadInputError, match=r"expected real numbers of shape \(2, 5, 5\) or \(2, 3, 5, 5\)"):
        whiten(responses(22), np.stack([np.eye(5)] * 3), sessions=np.arange(9) // 5)
    with pytest.raises(BadInputError, match="expected 9 labels"):
        whiten(responses(22), np.stack([np.eye(5)] * 2), sessions=[0, 1])


def test_an_average_reference_needs_shrinkage():
    data = responses(23)
    data -= data.mean(axis=2, keepdims=True)
    assert np.isfinite(whiten(data, noise_covariance(data))).all()
    with pytest.raises(BadInputError, match="average reference"):
        whiten(data, noise_covariance(data, shrinkage=None))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((4, 9, 5)), r"\(4, 9, 5\)"),
        (np.ones((1, 9, 5, 3)), "at least 2 images"),
        (np.ones((4, 1, 5, 3)), r"1 trial\(s\) an image"),
        (np.ones((4, 9, 5, 3), dtype=complex), "complex128"),
    ],
)
def test_trials_of_another_kind_are_refused(data, message):
    with pytest.raises(BadInputError, match=message):
        noise_covariance(data)
