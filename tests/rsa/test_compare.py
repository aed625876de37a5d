import tracemalloc
import warnings
from collections.abc import Callable

import numpy as np
import pytest
import torch
from brainscore_vision.metrics.rdm.metric import RDM, RDMMetric, RDMSimilarity
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import squareform
from scipy.stats import pearsonr, rankdata, spearmanr

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import compare, compare_rdms, correlation_rdm, rdm, upper_triangle
from brainscore_realnet.rsa.compare import METHODS, partial_compare


def literal_rho_a(x: np.ndarray, y: np.ndarray) -> float:
    n = len(x)
    return 12 * (rankdata(x) @ rankdata(y)) / (n**3 - n) - 3 * (n + 1) / (n - 1)


def literal_whitened_cosine(x: np.ndarray, y: np.ndarray) -> float:
    n = len(squareform(x))
    contrasts = np.stack([np.eye(n)[i] - np.eye(n)[j] for i in range(n) for j in range(i + 1, n)])
    inverse = np.linalg.inv((contrasts @ contrasts.T) ** 2)
    return x @ inverse @ y / np.sqrt((x @ inverse @ x) * (y @ inverse @ y))


ORACLES = {
    "spearman": lambda x, y: spearmanr(x, y).statistic,
    "pearson": lambda x, y: pearsonr(x, y).statistic,
    "cosine": lambda x, y: x @ y / np.sqrt((x @ x) * (y @ y)),
    "cosine_cov": literal_whitened_cosine,
    "rho_a": literal_rho_a,
}
RSATOOLBOX_NAMES = {
    "spearman": "spearman",
    "pearson": "corr",
    "cosine": "cosine",
    "cosine_cov": "cosine_cov",
    "rho_a": "rho-a",
}
INCREASING: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "exp": np.expm1,
    "cube": lambda x: x**3,
    "root": np.sqrt,
    "decreasing twice": lambda x: x / (1 + x),
}


@pytest.fixture(params=["compiled", "not compiled"])
def compiled(request, monkeypatch):
    size = 0 if request.param == "compiled" else np.inf
    monkeypatch.setattr(rdm, "COMPILED_FROM", size)
    monkeypatch.setattr(compare, "COMPILED_FROM", size)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("decimals", [0, 1, 12])
@pytest.mark.parametrize("n", [4, 7, 20])
def test_methods_equal_their_formulas_with_and_without_ties(method, decimals, n, random_rdms, compiled):
    a, b = random_rdms(0, n=n).round(decimals), random_rdms(1, n=n).round(decimals)
    expected = ORACLES[method](upper_triangle(a), upper_triangle(b))
    assert compare_rdms(a, b, method) == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_methods_equal_rsatoolbox(method, random_rdms, rsatoolbox):
    a, b = random_rdms(2, 3), random_rdms(3, 4)
    expected = rsatoolbox.rdm.compare(
        rsatoolbox.rdm.RDMs(upper_triangle(a)), rsatoolbox.rdm.RDMs(upper_triangle(b)), RSATOOLBOX_NAMES[method]
    )
    np.testing.assert_allclose(compare_rdms(a[:, None], b, method), expected, atol=1e-13)


@pytest.mark.parametrize("n", range(3, 10))
def test_whitened_cosine_equals_its_formula_with_the_covariance_of_noisy_distances(n, random_rdms):
    a, b = random_rdms(0, n=n), random_rdms(1, n=n) - 0.8 * (1 - np.eye(n))
    expected = literal_whitened_cosine(upper_triangle(a), upper_triangle(b))
    assert compare_rdms(a, b, "cosine_cov") == pytest.approx(expected, abs=1e-13)


def test_whitened_cosine_is_the_linear_cka_of_patterns_with_these_squared_distances():
    x, y = (np.random.default_rng(seed).standard_normal((9, 5)) for seed in (0, 1))
    squared = [((z[:, None] - z) ** 2).sum(axis=-1) for z in (x, y)]
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    cka = np.sum((x.T @ y) ** 2) / np.sqrt(np.sum((x.T @ x) ** 2) * np.sum((y.T @ y) ** 2))
    assert compare_rdms(*squared, "cosine_cov") == pytest.approx(cka, abs=1e-14)


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
@pytest.mark.parametrize(
    ("a", "b"),
    [
        ((3, 1), (2,)),
        ((4, 1, 1), (2, 3)),
        ((1, 4, 1), (2, 1, 3)),
        ((2, 3), (2, 3)),
        ((2, 1, 3), (2, 4, 1)),
        ((), (3,)),
        ((0, 1), (2,)),
    ],
)
def test_leading_dimensions_broadcast(method, a, b, random_rdms, compiled):
    first, second = random_rdms(10, *a), random_rdms(11, *b)
    result = compare_rdms(first, second, method)
    assert result.shape == np.broadcast_shapes(a, b)
    left, right = (np.broadcast_to(each, (*result.shape, 7, 7)) for each in (first, second))
    for place in np.ndindex(result.shape):
        expected = ORACLES[method](upper_triangle(left[place]), upper_triangle(right[place]))
        assert result[place] == pytest.approx(expected, abs=1e-14)


@pytest.mark.parametrize("method", METHODS)
def test_two_single_rdms_give_a_scalar(method, random_rdms):
    assert isinstance(compare_rdms(random_rdms(0), random_rdms(1), method), np.float64)
    assert isinstance(compare_rdms(random_rdms(0), random_rdms(1), method, device="cpu"), np.float64)


def test_arrays_of_any_layout_and_dtype_give_the_same(random_rdms, compiled):
    rdms = random_rdms(12, 3, 2).round(1)
    expected = compare_rdms(rdms, rdms[1, 1])
    mirrored = compare_rdms(np.asfortranarray(rdms)[..., ::-1, ::-1], rdms[1, 1, ::-1, ::-1])
    np.testing.assert_allclose(mirrored, expected, atol=1e-15)
    swapped = compare_rdms(np.swapaxes(rdms, 0, 1), rdms[1, 1])
    np.testing.assert_allclose(swapped, expected.T, atol=1e-15)
    tenths = np.rint(10 * rdms).astype(np.uint8)
    np.testing.assert_allclose(compare_rdms(tenths, tenths[1, 1]), expected, atol=1e-15)


@pytest.mark.parametrize("method", METHODS)
def test_the_arguments_are_left_as_they_are(method, random_rdms, compiled):
    a, b = random_rdms(13, 2), random_rdms(14, 2)
    compare_rdms(a, b, method)
    partial_compare(a, b, random_rdms(15, 3))
    np.testing.assert_array_equal(a, random_rdms(13, 2))
    np.testing.assert_array_equal(b, random_rdms(14, 2))


@pytest.mark.parametrize("method", METHODS)
def test_many_rdms_are_not_copied_beyond_their_triangles(method, random_rdms):
    rdms = random_rdms(16, 100, n=100)
    compare_rdms(rdms[0], rdms, method)
    tracemalloc.start()
    compare_rdms(rdms[0], rdms, method)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 0.6 * rdms.nbytes


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


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), offset=st.floats(-5, 5))
def test_adding_to_all_dissimilarities_leaves_pearson_alone(random_rdms, seed, offset):
    a, b = random_rdms(seed), random_rdms(seed + 1)
    moved = a + offset * (1 - np.eye(7))
    assert compare_rdms(moved, b, "pearson") == pytest.approx(compare_rdms(a, b, "pearson"), abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    increasing=st.sampled_from(sorted(INCREASING)),
    method=st.sampled_from(["spearman", "rho_a"]),
)
def test_rank_methods_see_only_the_order(random_rdms, seed, increasing, method):
    a, b = random_rdms(seed), random_rdms(seed + 1)
    assert compare_rdms(INCREASING[increasing](a), b, method) == compare_rdms(a, b, method)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1e-250, 1e307])
def test_tiny_and_huge_dissimilarities_neither_underflow_nor_overflow(method, scale, random_rdms, compiled):
    a, b = random_rdms(15, 2, n=20), random_rdms(16, n=20)
    np.testing.assert_allclose(compare_rdms(a * scale, b, method), compare_rdms(a, b, method), atol=1e-14)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("decimals", [1, 12])
def test_a_torch_device_gives_what_numpy_gives(method, decimals, random_rdms):
    a, b = random_rdms(17, 3, 1, n=20).round(decimals), random_rdms(18, 4, n=20).round(decimals)
    a[0, 0, 0, 1] = a[0, 0, 1, 0] = -0.0
    a[0, 0, 0, 2] = a[0, 0, 2, 0] = 0.0
    result = compare_rdms(a, b, method, device="cpu")
    assert isinstance(result, np.ndarray)
    np.testing.assert_allclose(result, compare_rdms(a, b, method), atol=1e-13)


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_tensors_are_taken_with_and_without_gradients(device, dtype, random_rdms):
    a = torch.from_numpy(random_rdms(19, 3)).to(dtype).requires_grad_()
    expected = compare_rdms(a.detach().double().numpy(), random_rdms(20))
    np.testing.assert_allclose(compare_rdms(a, random_rdms(20), device=device), expected, atol=1e-13)


def test_memory_that_must_not_be_written_to_goes_to_a_device_without_a_warning(random_rdms):
    a = np.broadcast_to(random_rdms(21), (3, 7, 7))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = compare_rdms(a, a[:, ::-1, ::-1], device="cpu")
    np.testing.assert_allclose(result, compare_rdms(a, a[:, ::-1, ::-1]), atol=1e-13)


def test_a_device_that_is_not_there_is_refused(random_rdms):
    with pytest.raises(BadInputError, match="'cuda:97'"):
        compare_rdms(random_rdms(0), random_rdms(1), device="cuda:97")


def test_an_unknown_method_is_answered_with_the_valid_ones(random_rdms):
    with pytest.raises(BadInputError, match="'kendall'; expected one of spearman, pearson, cosine, cosine_cov, rho_a"):
        compare_rdms(random_rdms(0), random_rdms(1), "kendall")


@pytest.mark.usefixtures("compiled")
@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize("method", METHODS)
def test_constant_rdms_are_refused_with_their_place(method, device, random_rdms):
    stack = random_rdms(0, 2, 3)
    stack[1, 2] = 0.3 * (1 - np.eye(7))
    with pytest.raises(BadInputError, match=r"constant RDM at \(1, 2\) of b, of shape \(2, 3, 7, 7\)"):
        compare_rdms(random_rdms(1), stack, method, device)
    with pytest.raises(BadInputError, match="constant RDM for a"):
        compare_rdms(stack[1, 2], random_rdms(1), method, device)
    with pytest.raises(BadInputError, match=r"constant RDM for a, of shape \(2, 2\)"):
        compare_rdms(1 - np.eye(2), 1 - np.eye(2), method, device)


@pytest.mark.parametrize("method", METHODS)
def test_two_images_are_too_few_to_compare(method, random_rdms):
    with pytest.raises(BadInputError, match="at least 3 images"):
        compare_rdms(random_rdms(0, n=2), random_rdms(1, n=2), method)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_different_numbers_of_images_are_refused_with_both_shapes(device, random_rdms):
    with pytest.raises(BadInputError, match=r"a of shape \(2, 7, 7\) and b of shape \(8, 8\)"):
        compare_rdms(random_rdms(0, 2), random_rdms(1, n=8), device=device)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_leading_dimensions_that_do_not_broadcast_are_refused_with_both_shapes(device, random_rdms):
    with pytest.raises(BadInputError, match=r"a of shape \(2, 7, 7\) and b of shape \(3, 7, 7\)"):
        compare_rdms(random_rdms(0, 2), random_rdms(1, 3), device=device)


@pytest.mark.parametrize("device", [None, "cpu"])
@pytest.mark.parametrize(("value", "message"), [(np.nan, r"nan at \(0, 1\) of b"), (9.0, "symmetric")])
def test_nan_and_asymmetric_rdms_are_refused(value, message, device, random_rdms, compiled):
    bad = random_rdms(0)
    bad[0, 1] = value
    with pytest.raises(BadInputError, match=message):
        compare_rdms(random_rdms(1), bad, device=device)


def literal_partial(a: np.ndarray, b: np.ndarray, covariates: np.ndarray) -> float:
    """From the inverse of the correlation matrix of all ranks."""
    ranks = rankdata(upper_triangle(np.stack([a, b, *covariates])), axis=-1)
    inverse = np.linalg.inv(np.corrcoef(ranks))
    return -inverse[0, 1] / np.sqrt(inverse[0, 0] * inverse[1, 1])


def literal_partial_by_least_squares(a: np.ndarray, b: np.ndarray, covariates: np.ndarray) -> float:
    x, y, *others = rankdata(upper_triangle(np.stack([a, b, *covariates])), axis=-1)
    design = np.stack([np.ones_like(x), *others], axis=1)
    residuals = [each - design @ np.linalg.lstsq(design, each, rcond=None)[0] for each in (x, y)]
    return pearsonr(*residuals).statistic


@pytest.mark.parametrize("oracle", [literal_partial, literal_partial_by_least_squares])
@pytest.mark.parametrize("k", [1, 2, 9])
@pytest.mark.parametrize("decimals", [1, 12])
def test_partial_spearman_equals_its_definitions(oracle, k, decimals, random_rdms):
    covariates = random_rdms(2, k).round(decimals)
    a, b = (random_rdms(seed).round(decimals) + covariates.mean(axis=0) for seed in (0, 1))
    assert partial_compare(a, b, covariates) == pytest.approx(oracle(a, b, covariates), abs=1e-12)


def test_each_dimension_beyond_the_others_equals_one_inverse_of_all_correlations(random_rdms):
    dimensions, models = random_rdms(3, 6), random_rdms(4, 2) + random_rdms(3, 6)[1]
    for d, dimension in enumerate(dimensions):
        others = np.delete(dimensions, d, axis=0)
        for model, result in zip(models, partial_compare(dimension, models, others), strict=True):
            inverse = np.linalg.inv(spearmanr(upper_triangle(np.stack([*dimensions, model])).T).statistic)
            expected = -inverse[d, -1] / np.sqrt(inverse[d, d] * inverse[-1, -1])
            assert result == pytest.approx(expected, abs=1e-12)


def test_without_covariates_partial_spearman_is_spearman(random_rdms):
    a, b = random_rdms(5, 3, 1).round(1), random_rdms(6, 2).round(1)
    result = partial_compare(a, b, np.empty((0, 7, 7)))
    np.testing.assert_allclose(result, compare_rdms(a, b), atol=1e-15)


@pytest.mark.parametrize(("a", "b"), [((3, 1), (2,)), ((2, 3), (2, 3)), ((), (4,)), ((), ())])
def test_leading_dimensions_of_both_broadcast_against_the_same_covariates(a, b, random_rdms):
    first, second, covariates = random_rdms(7, *a), random_rdms(8, *b), random_rdms(9, 4)
    result = partial_compare(first, second, covariates)
    assert np.shape(result) == np.broadcast_shapes(a, b)
    left, right = (np.broadcast_to(each, (*np.shape(result), 7, 7)) for each in (first, second))
    for place in np.ndindex(np.shape(result)):
        assert result[place] == pytest.approx(literal_partial(left[place], right[place], covariates), abs=1e-12)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), increasing=st.sampled_from(sorted(INCREASING)))
def test_order_of_images_and_covariates_and_scales_leave_partial_spearman_alone(random_rdms, seed, increasing):
    a, b, covariates = random_rdms(seed), random_rdms(seed + 1), random_rdms(seed + 2, 3)
    order = np.ix_(*2 * [np.random.default_rng(seed).permutation(7)])
    changed = [INCREASING[increasing](each)[..., order[0], order[1]] for each in (a, b, covariates[::-1])]
    assert partial_compare(*changed) == pytest.approx(partial_compare(a, b, covariates), abs=1e-12)
    assert partial_compare(b, a, covariates) == pytest.approx(partial_compare(a, b, covariates), abs=1e-14)


def test_what_two_rdms_share_only_through_a_covariate_is_taken_out():
    rng = np.random.default_rng(23)
    shared, own = rng.standard_normal(4950), rng.standard_normal((2, 4950))
    a, b, covariate = (squareform(vector) for vector in (shared + own[0], shared + own[1], shared))
    assert compare_rdms(a, b) > 0.4
    assert abs(partial_compare(a, b, covariate[None])) < 0.05


def test_covariates_that_others_determine_are_refused_by_number(random_rdms):
    first, second, third = random_rdms(10, 3)
    reversed_first = (first.max() + 1 - first) * (1 - np.eye(7))
    with pytest.raises(BadInputError, match=r"5 covariates, of which number\(s\) 2, 4 \(from 0\)"):
        partial_compare(first + third, third, np.stack([first, second, second**3, third, reversed_first]))


def test_rdms_that_covariates_explain_completely_are_refused_with_their_place(random_rdms):
    covariates, a = random_rdms(11, 3), random_rdms(12, 2, 2)
    a[1, 0] = covariates[2] ** 2
    with pytest.raises(BadInputError, match=r"RDM at \(1, 0\) of a whose ranks the 3 covariates explain"):
        partial_compare(a, random_rdms(13), covariates)
    with pytest.raises(BadInputError, match="RDM for b whose ranks the 3 covariates explain"):
        partial_compare(random_rdms(13), a[1, 0], covariates)


def test_covariates_of_other_shapes_are_refused_with_the_shape_wanted(random_rdms):
    a, b = random_rdms(14), random_rdms(15)
    for covariates in (random_rdms(16), random_rdms(16, 2, 3), random_rdms(16, 2, n=8)):
        with pytest.raises(BadInputError, match=r"expected \(k, 7, 7\) with k at most 18"):
            partial_compare(a, b, covariates)


def test_covariates_that_leave_too_few_degrees_of_freedom_are_refused(random_rdms):
    a, b = random_rdms(17, n=4), random_rdms(18, n=4)
    assert -1 < partial_compare(a, b, random_rdms(19, 3, n=4)) < 1
    with pytest.raises(BadInputError, match="k at most 3"):
        partial_compare(a, b, random_rdms(19, 4, n=4))


@pytest.mark.parametrize("place", range(3))
def test_constant_and_broken_rdms_have_no_partial_correlation(place, random_rdms):
    name = ("a", "b", "covariates")[place]
    constant, broken = random_rdms(20, 3, 1), random_rdms(20, 3, 1)
    constant[place] = 1 - np.eye(7)
    with pytest.raises(BadInputError, match=rf"constant RDM at \(0,\) of {name}"):
        partial_compare(*constant)
    broken[place, 0, 2, 3] = np.nan
    with pytest.raises(BadInputError, match=rf"nan at \(0, 2, 3\) of {name}"):
        partial_compare(*broken)


def test_partial_correlation_needs_the_same_images_in_shapes_that_broadcast(random_rdms):
    with pytest.raises(BadInputError, match=r"a of shape \(7, 7\) and b of shape \(8, 8\)"):
        partial_compare(random_rdms(0), random_rdms(1, n=8), random_rdms(2, 2))
    with pytest.raises(BadInputError, match="do not broadcast"):
        partial_compare(random_rdms(0, 2), random_rdms(1, 3), random_rdms(2, 2))
