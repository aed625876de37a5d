import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa.clusters import cluster_permutation
from brainscore_realnet.rsa.improvement import improvement
from brainscore_realnet.rsa.statistics import fdr, paired_test

SEEDS = st.integers(0, 10_000)


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
