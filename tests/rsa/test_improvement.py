import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa.improvement import improvement

SEEDS = st.integers(0, 10_000)
TIMES = np.arange(-0.1, 0.305, 0.01)


def courses(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Similarities (6 subjects, 3 areas, times) with a peak at 100, 110 and 120 ms."""
    rng = np.random.default_rng(seed)
    peaks = np.array([0.10, 0.11, 0.12])[:, None]
    baseline = 0.05 + 0.2 * np.exp(-(((TIMES - peaks) / 0.05) ** 2)) + 0.002 * rng.standard_normal((6, 3, TIMES.size))
    return baseline * rng.uniform(1, 1.4, (6, 3, 1)), baseline


def test_improvement_equals_its_formulas_area_by_area():
    aligned, baseline = courses(0)
    result = improvement(aligned, baseline, TIMES, (0.05, 0.20))
    np.testing.assert_array_equal(result.difference, aligned - baseline)
    window = slice(15, 31)
    assert (TIMES[window][0], TIMES[window][-1]) == (pytest.approx(0.05), pytest.approx(0.20))
    for area in range(3):
        after, before = aligned[:, area], baseline[:, area]
        peak = int(np.argmax(before.mean(axis=0)))
        assert result.peak_index[area] == peak
        for gain, x, y in (
            (result.peak, after[:, peak], before[:, peak]),
            (result.window, after[:, window].mean(axis=1), before[:, window].mean(axis=1)),
        ):
            assert gain.difference[area] == pytest.approx((x - y).mean(), rel=1e-10)
            assert gain.ratio[area] == pytest.approx(x.mean() / y.mean() - 1, rel=1e-10)
            np.testing.assert_allclose(gain.subject_difference[:, area], x - y, atol=1e-14)
            np.testing.assert_allclose(gain.subject_ratio[:, area], x / y - 1, rtol=1e-10)


def test_the_window_ratio_is_one_of_means_and_no_mean_of_ratios():
    result = improvement([[0.2, 1.0], [0.4, 2.0]], [[0.1, 1.0], [0.1, 1.0]])
    assert result.window.ratio == pytest.approx(3.6 / 2.2 - 1)
    np.testing.assert_allclose(result.window.subject_ratio, [1.2 / 1.1 - 1, 2.4 / 1.1 - 1])
    assert (result.peak_index, result.peak.ratio) == (1, pytest.approx(0.5))


def test_both_ends_of_the_window_belong_to_it_although_times_are_rounded():
    times = np.array([0.1, 0.1 + 0.2, 0.4])
    values = np.array([[1.0, 2.0, 4.0]])
    assert improvement(2 * values, values, times, (0.1, 0.3)).window.difference == pytest.approx(1.5)
    assert improvement(2 * values, values, times, (0.3, 0.4)).window.difference == pytest.approx(3)
    assert improvement(2 * values, values, times).window.difference == pytest.approx(7 / 3)


def test_the_peak_is_that_of_the_group_and_not_of_each_subject():
    baseline = np.array([[0.1, 0.5, 0.2], [0.3, 0.1, 0.1]])
    assert improvement(baseline, baseline).peak_index == 1


@settings(max_examples=15, deadline=None)
@given(seed=SEEDS)
def test_improvement_of_the_group_ignores_the_order_of_subjects_and_ratios_the_scale(seed):
    aligned, baseline = courses(seed)
    order = np.random.default_rng(seed).permutation(6)
    result, shuffled = improvement(aligned, baseline), improvement(aligned[order], baseline[order])
    scaled = improvement(3 * aligned, 3 * baseline)
    np.testing.assert_allclose(shuffled.peak.ratio, result.peak.ratio, rtol=1e-10)
    np.testing.assert_allclose(shuffled.window.subject_ratio, result.window.subject_ratio[order], rtol=1e-10)
    np.testing.assert_allclose(scaled.window.ratio, result.window.ratio, rtol=1e-10)


def test_a_subject_without_a_positive_baseline_has_no_ratio_of_its_own_but_counts_in_the_group():
    result = improvement([[0.3], [0.2]], [[0.3], [-0.1]])
    np.testing.assert_array_equal(result.peak.subject_ratio, [0, np.nan])
    assert result.peak.ratio == pytest.approx(0.15 / 0.1)


def test_a_group_baseline_that_is_not_positive_is_refused_with_its_place():
    aligned, baseline = courses(1)
    baseline[:, 2] = -0.1
    with pytest.raises(BadInputError, match=r"-0.1 at its peak at \(2,\)"):
        improvement(aligned, baseline)
    baseline[:, 2, 0] = 0.2
    with pytest.raises(BadInputError, match=r"over the window at \(2,\)"):
        improvement(aligned, baseline)


@pytest.mark.parametrize(
    ("times", "window", "message"),
    [
        (None, (0.05, 0.2), r"window=\(0.05, 0.2\) without times"),
        (TIMES[:-1], (0.05, 0.2), r"times of shape \(40,\); expected 41 finite"),
        (np.full(41, np.nan), None, "expected 41 finite"),
        (TIMES, (0.5, 0.9), r"window=\(0.5, 0.9\), which holds none of the times -0.1 to 0.3 s"),
        (TIMES, (0.2, 0.05), "holds none"),
    ],
)
def test_times_and_windows_that_do_not_fit_are_refused(times, window, message):
    with pytest.raises(BadInputError, match=message):
        improvement(*courses(2), times, window)
