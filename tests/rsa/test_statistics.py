import itertools
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import clusters
from brainscore_realnet.rsa.clusters import cluster_permutation
from brainscore_realnet.rsa.improvement import improvement
from brainscore_realnet.rsa.statistics import fdr, paired_test

SEEDS = st.integers(0, 10_000)


@pytest.fixture(scope="module")
def mne() -> ModuleType:
    """Import MNE's statistics, quietly and only when a test needs them."""
    import mne
    import mne.stats

    mne.set_log_level("error")
    return mne


def effects(seed: int, n_subjects: int, n_times: int = 40) -> np.ndarray:
    """Noise with a positive effect, then a negative one right after it."""
    values = np.random.default_rng(seed).standard_normal((n_subjects, n_times))
    values[:, n_times // 4 : n_times // 2] += 1.5
    values[:, n_times // 2 : n_times // 2 + 5] -= 1.5
    return values


def test_paired_test_equals_scipys_and_its_formula():
    a, b = np.random.default_rng(0).standard_normal((2, 9, 4, 5))
    result = paired_test(a, b)
    expected = stats.ttest_rel(a, b)
    np.testing.assert_allclose(result.t, expected.statistic, rtol=1e-12)
    np.testing.assert_allclose(result.p, expected.pvalue, rtol=1e-12)
    np.testing.assert_allclose(result.difference, a.mean(axis=0) - b.mean(axis=0), atol=1e-14)
    np.testing.assert_allclose(result.sem, np.std(a - b, axis=0, ddof=1) / 3, rtol=1e-12)
    np.testing.assert_allclose(result.p, 2 * stats.t.sf(np.abs(result.difference / result.sem), 8), rtol=1e-10)
    assert (result.n, result.degrees_of_freedom) == (9, 8)


def test_one_value_a_subject_gives_scalars():
    a, b = np.random.default_rng(1).standard_normal((2, 6))
    result = paired_test(a, b)
    assert result.p == pytest.approx(stats.ttest_rel(a, b).pvalue, rel=1e-12)
    assert np.shape(result.difference) == np.shape(result.sem) == np.shape(result.t) == np.shape(result.p) == ()


def test_paired_test_keeps_its_level_under_the_null_and_finds_an_effect():
    a, b = np.random.default_rng(2).standard_normal((2, 10, 5000))
    assert np.mean(paired_test(a, b).p < 0.05) == pytest.approx(0.05, abs=0.012)
    assert np.mean(paired_test(a + 2, b).p < 0.05) > 0.9


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS)
def test_paired_test_ignores_the_order_of_subjects_and_changing_sides_changes_the_sign(seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((2, 7, 3))
    order = rng.permutation(7)
    result, shuffled, swapped = paired_test(a, b), paired_test(a[order], b[order]), paired_test(b, a)
    np.testing.assert_allclose(shuffled.p, result.p, rtol=1e-10)
    np.testing.assert_allclose(swapped.t, -result.t, rtol=1e-12)
    np.testing.assert_allclose(swapped.p, result.p, rtol=1e-12)


def test_equal_values_have_no_difference_and_p_of_one():
    a = np.random.default_rng(3).uniform(0.1, 0.3, (5, 3))
    b = a.copy()
    b[:, 1] += np.linspace(-0.1, 0.2, 5)
    b[:, 2] = b[:, 2] * 3 / 3 + np.array([1, -1, 1, 0, 0]) * 2e-17
    result = paired_test(a, b)
    assert (result.t[[0, 2]] == 0).all()
    assert (result.p[[0, 2]] == 1).all()
    assert result.p[1] == pytest.approx(stats.ttest_rel(a[:, 1], b[:, 1]).pvalue, rel=1e-10)


def test_the_same_difference_in_all_subjects_is_refused_with_its_place():
    a = np.random.default_rng(4).uniform(0.1, 0.3, (5, 2, 3))
    b = np.random.default_rng(5).uniform(0.1, 0.3, (5, 2, 3))
    b[:, 1, 2] = a[:, 1, 2] - 0.1
    with pytest.raises(BadInputError, match=r"same difference a - b = 0.1 in all 5 subjects at \(1, 2\)"):
        paired_test(a, b)


@pytest.mark.parametrize("n_subjects", [1, 3])
def test_tests_of_few_subjects_are_refused(n_subjects):
    message = f"{n_subjects} subject.*at least 4.*Show every subject.*bootstrap_stimuli"
    values = np.random.default_rng(6).standard_normal((n_subjects, 5))
    with pytest.raises(BadInputError, match=message):
        paired_test(values, -values)
    with pytest.raises(BadInputError, match=message):
        cluster_permutation(values)


def test_arrays_that_do_not_match_are_refused_with_their_shapes():
    with pytest.raises(BadInputError, match=r"a of shape \(5, 2\) and b of shape \(5, 3\)"):
        paired_test(np.ones((5, 2)), np.ones((5, 3)))
    with pytest.raises(BadInputError, match=r"aligned of shape \(4, 2\) and baseline of shape \(5, 2\)"):
        improvement(np.ones((4, 2)), np.ones((5, 2)))
    with pytest.raises(BadInputError, match=r"differences of shape \(5, 2, 3\); expected \(n_subjects, n_times\)"):
        cluster_permutation(np.ones((5, 2, 3)))
    with pytest.raises(BadInputError, match=r"aligned of shape \(5,\); expected \(n_subjects, ..., n_times\)"):
        improvement(np.ones(5), np.ones(5))


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_values_that_are_not_finite_are_refused_with_their_place(bad):
    good = np.random.default_rng(7).uniform(0.1, 1, (5, 3))
    values = good.copy()
    values[2, 1] = bad
    for call, name in (
        (lambda: paired_test(values, good), "a"),
        (lambda: paired_test(good, values), "b"),
        (lambda: cluster_permutation(values), "differences"),
        (lambda: improvement(values, good), "aligned"),
        (lambda: improvement(good, values), "baseline"),
    ):
        with pytest.raises(BadInputError, match=rf"{bad} at \(2, 1\) of {name} "):
            call()


@pytest.mark.parametrize("values", [np.array(["a"] * 5), np.zeros((5, 0)), 1.0, np.ones(5) * 1j])
def test_what_holds_no_real_numbers_of_subjects_is_refused(values):
    with pytest.raises(BadInputError, match="expected real numbers of shape"):
        paired_test(values, values)


def literal_benjamini_hochberg(p: np.ndarray) -> np.ndarray:
    m = p.size
    ordered = sorted(p.ravel())
    of_rank = [min(ordered[j] * m / (j + 1) for j in range(i, m)) for i in range(m)]
    return np.array([of_rank[ordered.index(value)] for value in p.ravel()]).reshape(p.shape)


@settings(max_examples=25, deadline=None)
@given(seed=SEEDS, decimals=st.sampled_from([1, 12]))
def test_fdr_equals_the_step_up_formula_over_all_entries(seed, decimals):
    p = np.random.default_rng(seed).uniform(0, 1, (3, 4, 2)).round(decimals) ** 2
    q = fdr(p)
    if decimals == 12:
        np.testing.assert_allclose(q, literal_benjamini_hochberg(p), rtol=1e-12)
    order = np.argsort(p, axis=None)
    assert (np.diff(q.ravel()[order]) >= 0).all()
    assert (q >= p).all()
    assert (q <= 1).all()


def test_fdr_of_one_test_is_its_p():
    assert fdr(0.03) == pytest.approx(0.03)


def test_fdr_keeps_its_level_under_the_global_null_and_finds_effects():
    rng = np.random.default_rng(8)
    rejected = [(fdr(rng.uniform(size=(4, 10))) < 0.05).any() for _ in range(2000)]
    assert np.mean(rejected) == pytest.approx(0.05, abs=0.02)
    p = rng.uniform(size=(4, 10))
    p[1] *= 1e-4
    assert (fdr(p)[1] < 0.05).all()


@pytest.mark.parametrize(("bad", "shown"), [(np.nan, "nan"), (-0.1, "-0.1"), (1.5, "1.5")])
def test_values_that_are_no_p_are_refused_with_their_place(bad, shown):
    p = np.full((2, 3), 0.5)
    p[1, 2] = bad
    with pytest.raises(BadInputError, match=rf"Got {shown} at \(1, 2\) of p"):
        fdr(p)


def test_no_p_values_are_refused():
    with pytest.raises(BadInputError, match="no p values"):
        fdr([])


def literal_clusters(t: np.ndarray, threshold: float) -> list[tuple[int, int, float]]:
    side = [0 if abs(value) <= threshold else int(np.sign(value)) for value in t]
    clusters, start = [], 0
    for sign, run in itertools.groupby(side):
        stop = start + len(list(run))
        if sign:
            clusters.append((start, stop, float(sum(t[start:stop]))))
        start = stop
    return clusters


def literal_null(differences: np.ndarray, threshold: float) -> np.ndarray:
    largest = []
    for signs in itertools.product([1, -1], repeat=len(differences)):
        t = stats.ttest_1samp(differences * np.array(signs)[:, None], 0).statistic
        largest.append(max((abs(mass) for _, _, mass in literal_clusters(t, threshold)), default=0))
    return np.array(largest)


@pytest.mark.parametrize("seed", range(3))
def test_clusters_equal_a_literal_enumeration_of_all_flips(seed):
    differences = effects(seed, 6)
    threshold = stats.t.isf(0.025, 5)
    null = literal_null(differences, threshold)
    result = cluster_permutation(differences)
    t = stats.ttest_1samp(differences, 0).statistic
    expected = literal_clusters(t, threshold)
    assert [(cluster.start, cluster.stop) for cluster in result.clusters] == [(a, b) for a, b, _ in expected]
    np.testing.assert_allclose([cluster.mass for cluster in result.clusters], [mass for *_, mass in expected])
    p = [np.mean(null >= abs(mass) - 1e-9) for *_, mass in expected]
    assert [cluster.p for cluster in result.clusters] == p
    assert (result.n_permutations, result.exact) == (64, True)
    assert result.threshold == pytest.approx(threshold)
    np.testing.assert_allclose(result.t, t, rtol=1e-12)
    of_times = np.ones(40)
    for (start, stop, _), value in zip(expected, p, strict=True):
        of_times[start:stop] = value
    np.testing.assert_array_equal(result.p, of_times)


@pytest.mark.parametrize(("n_subjects", "threshold"), [(5, None), (8, None), (8, 1.0)])
def test_clusters_masses_and_exact_p_equal_mne(n_subjects, threshold, mne):
    differences = effects(10 + n_subjects, n_subjects)
    # More than half of 2ⁿ permutations make MNE enumerate all; its "all" leaves one flip out, drawn at random.
    _, places, p, null = mne.stats.permutation_cluster_1samp_test(
        differences.copy(), threshold, n_permutations=2**n_subjects, out_type="mask", adjacency=None, seed=0
    )
    result = cluster_permutation(differences, threshold)
    expected = sorted((place[0].start, place[0].stop, value) for place, value in zip(places, p, strict=True))
    assert [(cluster.start, cluster.stop, cluster.p) for cluster in result.clusters] == expected
    assert len(null) == result.n_permutations / 2
    assert max(abs(cluster.mass) for cluster in result.clusters) == pytest.approx(np.abs(null[0]), rel=1e-12)


def test_random_flips_agree_with_the_exact_test_and_are_seeded():
    differences = effects(20, 12) * 0.6
    exact = cluster_permutation(differences, draws=4096)
    random = cluster_permutation(differences, draws=4095, seed=1)
    assert (exact.exact, exact.n_permutations, random.exact, random.n_permutations) == (True, 4096, False, 4095)
    np.testing.assert_allclose(random.p, exact.p, atol=0.03)
    np.testing.assert_array_equal(random.p, cluster_permutation(differences, draws=4095, seed=1).p)
    assert (random.p != cluster_permutation(differences, draws=4095, seed=2).p).any()


def test_p_of_random_flips_is_never_zero():
    result = cluster_permutation(effects(21, 16) + 5, draws=50)
    assert min(cluster.p for cluster in result.clusters) == 1 / 50


def test_five_subjects_cannot_go_below_one_in_sixteen():
    result = cluster_permutation(np.random.default_rng(22).uniform(1, 2, (5, 10)))
    assert [(cluster.start, cluster.stop, cluster.p) for cluster in result.clusters] == [(0, 10, 0.0625)]


def test_flips_with_the_same_mass_tie_although_they_are_rounded_otherwise():
    differences = np.random.default_rng(0).standard_normal((6, 30))
    differences[1:5] += 1.5
    # Flipping this opposite pair gives the same numbers, added in another order.
    differences[5] = -differences[0]
    (cluster,) = cluster_permutation(differences, threshold=0.5).clusters
    assert cluster.p == np.mean(literal_null(differences, 0.5) >= cluster.mass - 1e-9)


def test_neighbouring_clusters_of_opposite_sign_stay_apart():
    differences = np.random.default_rng(23).uniform(1, 2, (6, 10)) * np.repeat([1, -1], [4, 6])
    assert [(c.start, c.stop, np.sign(c.mass)) for c in cluster_permutation(differences).clusters] == [
        (0, 4, 1),
        (4, 10, -1),
    ]


def test_no_time_beyond_the_threshold_gives_no_cluster_and_p_of_one():
    result = cluster_permutation(effects(24, 6), threshold=1000)
    assert result.clusters == ()
    assert (result.p == 1).all()


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_exact_clusters_ignore_order_of_subjects_sign_and_scale(seed):
    differences = effects(seed, 6)
    order = np.random.default_rng(seed).permutation(6)
    result = cluster_permutation(differences)
    for same in (differences[order], -differences, 1e-6 * differences):
        np.testing.assert_array_equal(cluster_permutation(same).p, result.p)
    np.testing.assert_allclose(
        [cluster.mass for cluster in cluster_permutation(-differences).clusters],
        [-cluster.mass for cluster in result.clusters],
    )


def test_blocks_of_flips_do_not_change_the_result(monkeypatch):
    differences = effects(25, 8)
    whole = cluster_permutation(differences)
    monkeypatch.setattr(clusters, "FLIPS_BYTES", 10 * differences.nbytes)
    assert cluster_permutation(differences).clusters == whole.clusters


def test_clusters_keep_their_family_wise_level_under_the_null_and_find_an_effect():
    rng = np.random.default_rng(26)
    noise = rng.standard_normal((600, 8, 30))
    found = [(cluster_permutation(values).p < 0.05).any() for values in noise]
    assert 0.02 < np.mean(found) < 0.075
    with_effect = noise[:100] + np.where(np.arange(30) < 10, 1.2, 0)
    assert np.mean([(cluster_permutation(values).p[:10] < 0.05).any() for values in with_effect]) > 0.9


def test_times_at_which_a_flip_makes_all_differences_equal_are_refused():
    for column in (np.zeros(5), np.array([0.2, -0.2, 0.2, 0.2, -0.2]), np.array([0.3, 0.1 + 0.2, -0.3, 0.3, 0.3])):
        differences = effects(27, 5)
        differences[:, 7] = column
        with pytest.raises(BadInputError, match=f"size {np.abs(column[0]):.3g} in all 5 subjects at time 7"):
            cluster_permutation(differences)


@pytest.mark.parametrize("options", [{"draws": 0}, {"seed": -1}, {"threshold": 0}, {"threshold": np.nan}])
def test_impossible_options_of_clusters_are_refused(options):
    (name,) = options
    with pytest.raises(BadInputError, match=f"{name}={options[name]}"):
        cluster_permutation(effects(28, 5), **options)


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
