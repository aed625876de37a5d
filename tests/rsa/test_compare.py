import numpy as np
import pytest
from brainscore_vision.metrics.rdm.metric import RDM, RDMMetric, RDMSimilarity
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import squareform
from scipy.stats import pearsonr, rankdata, spearmanr

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import compare_rdms, correlation_rdm, upper_triangle
from brainscore_realnet.rsa.compare import METHODS


def literal_rho_a(x: np.ndarray, y: np.ndarray) -> float:
    n = len(x)
    return 12 * (rankdata(x) @ rankdata(y)) / (n**3 - n) - 3 * (n + 1) / (n - 1)


ORACLES = {
    "spearman": lambda x, y: spearmanr(x, y).statistic,
    "pearson": lambda x, y: pearsonr(x, y).statistic,
    "cosine": lambda x, y: x @ y / np.sqrt((x @ x) * (y @ y)),
    "rho_a": literal_rho_a,
}
RSATOOLBOX_NAMES = {"spearman": "spearman", "pearson": "corr", "cosine": "cosine", "rho_a": "rho-a"}


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("decimals", [0, 1, 12])
def test_methods_equal_their_formulas_with_and_without_ties(method, decimals, random_rdms):
    a, b = random_rdms(0).round(decimals), random_rdms(1).round(decimals)
    expected = ORACLES[method](upper_triangle(a), upper_triangle(b))
    assert compare_rdms(a, b, method) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_methods_equal_rsatoolbox(method, random_rdms, rsatoolbox):
    a, b = random_rdms(2, 3), random_rdms(3, 4)
    expected = rsatoolbox.rdm.compare(
        rsatoolbox.rdm.RDMs(upper_triangle(a)), rsatoolbox.rdm.RDMs(upper_triangle(b)), RSATOOLBOX_NAMES[method]
    )
    np.testing.assert_allclose(compare_rdms(a[:, None], b, method), expected, atol=1e-13)


def test_rho_a_is_the_mean_spearman_over_random_ways_to_break_ties(random_rdms):
    a = random_rdms(4, n=5)
    b = a.round(0)
    jitter = np.random.default_rng(0).uniform(0, 1e-6, (4000, 10))
    untied = np.stack([b + squareform(row) for row in jitter])
    assert compare_rdms(a, b, "rho_a") == pytest.approx(compare_rdms(a, untied).mean(), abs=0.01)
    assert compare_rdms(a, b, "rho_a") < compare_rdms(a, b) - 0.02


def test_spearman_equals_brainscores_metric_and_similarity(assembly_of):
    first, second = (np.random.default_rng(seed).standard_normal((9, 30)) for seed in (6, 7))
    ours = compare_rdms(correlation_rdm(first), correlation_rdm(second))
    assert ours == pytest.approx(float(RDMMetric()(assembly_of(first), assembly_of(second))), abs=1e-14)
    theirs = RDMSimilarity()(RDM()(assembly_of(first)), RDM()(assembly_of(second)))
    assert ours == pytest.approx(theirs, abs=1e-14)


def test_monkey_and_human_it_correlate_as_in_the_published_vectors(k92_vectors):
    monkey, human = squareform(k92_vectors["mIT"].ravel()), squareform(k92_vectors["hIT"].ravel())
    assert round(float(compare_rdms(monkey, human, "pearson")), 4) == 0.4912


@pytest.mark.parametrize("method", METHODS)
def test_leading_dimensions_broadcast(method, random_rdms):
    a, b = random_rdms(10, 3, 1), random_rdms(11, 2)
    result = compare_rdms(a, b, method)
    assert result.shape == (3, 2)
    for i in range(3):
        for j in range(2):
            assert result[i, j] == pytest.approx(compare_rdms(a[i, 0], b[j], method), abs=1e-15)


@pytest.mark.parametrize("method", METHODS)
def test_an_rdm_is_perfectly_similar_to_itself(method, random_rdms):
    assert compare_rdms(random_rdms(12), random_rdms(12), method) == pytest.approx(1, abs=1e-14)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(METHODS))
def test_permuting_images_of_both_leaves_the_similarity_alone(random_rdms, seed, method):
    a, b = random_rdms(seed), random_rdms(seed + 1)
    order = np.ix_(*2 * [np.random.default_rng(seed).permutation(len(a))])
    assert compare_rdms(a[order], b[order], method) == pytest.approx(compare_rdms(a, b, method), abs=1e-13)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), scale=st.floats(1e-12, 1e12), method=st.sampled_from(METHODS))
def test_scaling_an_rdm_leaves_the_similarity_alone(random_rdms, seed, scale, method):
    a, b = random_rdms(seed), random_rdms(seed + 1)
    assert compare_rdms(a * scale, b, method) == pytest.approx(compare_rdms(a, b, method), abs=1e-12)


@pytest.mark.parametrize("method", ["spearman", "rho_a"])
def test_rank_methods_see_only_the_order(method, random_rdms):
    a, b = random_rdms(13), random_rdms(14)
    assert compare_rdms(a**5, b, method) == compare_rdms(a, b, method)


def test_tiny_dissimilarities_do_not_underflow(random_rdms):
    a, b = random_rdms(15), random_rdms(16)
    assert compare_rdms(a * 1e-250, b, "cosine") == pytest.approx(compare_rdms(a, b, "cosine"), abs=1e-14)


def test_an_unknown_method_is_answered_with_the_valid_ones(random_rdms):
    with pytest.raises(BadInputError, match="'kendall'; expected one of spearman, pearson, cosine, rho_a"):
        compare_rdms(random_rdms(0), random_rdms(1), "kendall")


@pytest.mark.parametrize("method", METHODS)
def test_constant_rdms_are_refused_with_their_place(method, random_rdms):
    stack = random_rdms(0, 2, 3)
    stack[1, 2] = 0.3 * (1 - np.eye(7))
    with pytest.raises(BadInputError, match=r"constant RDM at \(1, 2\) of b"):
        compare_rdms(random_rdms(1), stack, method)
    with pytest.raises(BadInputError, match="constant RDM for a"):
        compare_rdms(stack[1, 2], random_rdms(1), method)


def test_two_images_are_too_few_to_compare(random_rdms):
    with pytest.raises(BadInputError, match="at least 3 images"):
        compare_rdms(random_rdms(0, n=2), random_rdms(1, n=2))


def test_different_numbers_of_images_are_refused_with_both_shapes(random_rdms):
    with pytest.raises(BadInputError, match=r"a of shape \(2, 7, 7\) and b of shape \(8, 8\)"):
        compare_rdms(random_rdms(0, 2), random_rdms(1, n=8))


def test_leading_dimensions_that_do_not_broadcast_are_refused_with_both_shapes(random_rdms):
    with pytest.raises(BadInputError, match=r"a of shape \(2, 7, 7\) and b of shape \(3, 7, 7\)"):
        compare_rdms(random_rdms(0, 2), random_rdms(1, 3))


@pytest.mark.parametrize(("value", "message"), [(np.nan, r"nan at \(0, 1\) of b"), (9.0, "symmetric")])
def test_nan_and_asymmetric_rdms_are_refused(value, message, random_rdms):
    bad = random_rdms(0)
    bad[0, 1] = value
    with pytest.raises(BadInputError, match=message):
        compare_rdms(random_rdms(1), bad)
