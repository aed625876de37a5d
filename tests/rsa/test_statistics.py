import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import squareform
from scipy.stats import pearsonr, rankdata, spearmanr

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import bootstrap_stimuli, compare_rdms, statistics, upper_triangle
from brainscore_realnet.rsa.statistics import resampled_similarity


def literal_resampling(model: np.ndarray, neural: np.ndarray, counts: np.ndarray) -> float:
    """Pearson of the fixed ranks of all pairs of drawn images, without pairs of an image and its own copy."""
    drawn = np.repeat(np.arange(len(counts)), counts)
    ranks = [squareform(rankdata(upper_triangle(rdm))) for rdm in (model, neural)]
    pairs = [(i, j) for k, i in enumerate(drawn) for j in drawn[k + 1 :] if i != j]
    x, y = ([matrix[pair] for pair in pairs] for matrix in ranks)
    return pearsonr(x, y).statistic


@pytest.mark.parametrize("decimals", [1, 12])
def test_multiplicities_of_one_give_spearman_exactly(decimals, random_rdms):
    model, neural = random_rdms(0, 3, n=12).round(decimals), random_rdms(1, 2, n=12).round(decimals)
    result = resampled_similarity(model, neural, np.ones((1, 12)))
    expected = [[spearmanr(upper_triangle(a), upper_triangle(b)).statistic for b in neural] for a in model]
    np.testing.assert_allclose(result[0], expected, atol=1e-13)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), decimals=st.sampled_from([1, 12]))
def test_resampling_equals_pearson_of_the_ranks_of_the_drawn_pairs(random_rdms, seed, decimals):
    model, neural = (random_rdms(seed + k, n=10).round(decimals) for k in range(2))
    counts = np.random.default_rng(seed).multinomial(10, np.full(10, 0.1), size=2)
    result = resampled_similarity(model, neural, counts)
    np.testing.assert_allclose(result, [literal_resampling(model, neural, row) for row in counts], atol=1e-12)


def test_bootstrap_is_seeded_and_the_same_draws_serve_every_rdm(random_rdms):
    model, neural = random_rdms(2, 3, n=12), random_rdms(3, 2, 4, n=12)
    result = bootstrap_stimuli(model, neural, draws=7, seed=5)
    assert result.shape == (7, 3, 2, 4)
    np.testing.assert_array_equal(result, bootstrap_stimuli(model, neural, draws=7, seed=5))
    assert (result != bootstrap_stimuli(model, neural, draws=7, seed=6)).all()
    single = bootstrap_stimuli(model[1:2], neural[1, 2], draws=7, seed=5)
    np.testing.assert_allclose(single[:, 0], result[:, 1, 1, 2], atol=1e-13)


def test_draws_are_multinomial_over_images(random_rdms):
    model, neural = random_rdms(4, n=15), random_rdms(5, n=15)
    counts = np.random.default_rng(3).multinomial(15, np.full(15, 1 / 15), size=20)
    np.testing.assert_allclose(
        bootstrap_stimuli(model, neural, draws=20, seed=3),
        [literal_resampling(model, neural, row) for row in counts],
        atol=1e-12,
    )


def test_blocks_of_draws_do_not_change_the_result(random_rdms, monkeypatch):
    model, neural = random_rdms(6, 2, n=12), random_rdms(7, n=12)
    whole = bootstrap_stimuli(model, neural, draws=11)
    monkeypatch.setattr(statistics, "DRAWS_AT_ONCE", 4)
    np.testing.assert_allclose(bootstrap_stimuli(model, neural, draws=11), whole, atol=1e-13)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_permuting_images_with_their_multiplicities_changes_nothing(random_rdms, seed):
    rng = np.random.default_rng(seed)
    model, neural = random_rdms(seed, n=10), random_rdms(seed + 1, n=10)
    counts, order = rng.multinomial(10, np.full(10, 0.1), size=3), rng.permutation(10)
    grid = np.ix_(order, order)
    np.testing.assert_allclose(
        resampled_similarity(model[grid], neural[grid], counts[:, order]),
        resampled_similarity(model, neural, counts),
        atol=1e-12,
    )


def test_a_model_equal_to_the_data_scores_one_in_every_draw(random_rdms):
    rdm = random_rdms(8, n=12)
    np.testing.assert_allclose(bootstrap_stimuli(rdm, rdm**3, draws=50), 1, atol=1e-12)


def test_draws_scatter_around_the_point_estimate(random_rdms):
    model = random_rdms(9, n=40)
    neural = model + random_rdms(10, n=40)
    draws = bootstrap_stimuli(model, neural, draws=300)
    point = compare_rdms(model, neural)
    assert draws.mean() == pytest.approx(point, abs=0.02)
    assert 0.005 < draws.std() < 0.1


@pytest.mark.parametrize(("draws", "seed"), [(0, 0), (-1, 0), (5, -1)])
def test_impossible_draws_and_seeds_are_refused(draws, seed, random_rdms):
    with pytest.raises(BadInputError, match=f"draws={draws} and seed={seed}"):
        bootstrap_stimuli(random_rdms(0), random_rdms(1), draws, seed)


def test_different_numbers_of_images_are_refused_with_their_shapes(random_rdms):
    with pytest.raises(BadInputError, match=r"\(7, 7\), neural_rdms of shape \(8, 8\)"):
        bootstrap_stimuli(random_rdms(0), random_rdms(1, n=8))
    with pytest.raises(BadInputError, match=r"multiplicities of shape \(2, 6\)"):
        resampled_similarity(random_rdms(0), random_rdms(1), np.ones((2, 6)))


@pytest.mark.parametrize("counts", [[7, 0, 0, 0, 0, 0, 0], [4, 3, 0, 0, 0, 0, 0]])
def test_draws_that_leave_nothing_to_correlate_are_refused(counts, random_rdms):
    with pytest.raises(BadInputError, match="at least about 10 images"):
        resampled_similarity(random_rdms(0), random_rdms(1), [counts])


@pytest.mark.parametrize(("value", "message"), [(np.nan, "finite"), (9.0, "symmetric")])
def test_broken_rdms_are_refused_by_the_bootstrap(value, message, random_rdms):
    bad = random_rdms(0)
    bad[0, 1] = value
    with pytest.raises(BadInputError, match=message):
        bootstrap_stimuli(bad, random_rdms(1))
    with pytest.raises(BadInputError, match=message):
        bootstrap_stimuli(random_rdms(1), bad)


def test_constant_rdms_are_refused_by_the_bootstrap(random_rdms):
    with pytest.raises(BadInputError, match="constant RDM for neural_rdms"):
        bootstrap_stimuli(random_rdms(0), 1 - np.eye(7))
