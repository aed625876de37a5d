import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import pdist, squareform
from scipy.stats import pearsonr, rankdata, spearmanr
from scipy.stats import t as student

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import bootstrap, compare_rdms, upper_triangle
from brainscore_realnet.rsa.bootstrap import (
    TwoFactorBootstrap,
    bootstrap_both,
    bootstrap_stimuli,
    bootstrap_subjects,
    resampled_similarity,
)


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
    monkeypatch.setattr(bootstrap, "DRAWS_AT_ONCE", 4)
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


@pytest.mark.parametrize(("draws", "seed"), [(0, 0), (-1, 0), (5, -1), (2.5, 0), (5, 0.5)])
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


def literal_draws(seed: int, sizes: tuple[int, ...], draws: int) -> list[np.ndarray]:
    """How often each image, then each subject, is drawn."""
    rng = np.random.default_rng(seed)
    return [rng.multinomial(n, np.full(n, 1 / n), size=draws) for n in sizes]


def test_bootstrap_over_subjects_averages_the_drawn_subjects():
    values = np.random.default_rng(0).standard_normal((6, 3, 2))
    (counts,) = literal_draws(4, (6,), 9)
    expected = [np.repeat(values, row, axis=0).mean(axis=0) for row in counts]
    np.testing.assert_allclose(bootstrap_subjects(values, draws=9, seed=4), expected, atol=1e-14)


def test_bootstrap_over_subjects_scatters_as_the_standard_error_of_the_mean():
    values = np.random.default_rng(1).standard_normal((10, 50))
    scatter = bootstrap_subjects(values, draws=2000).std(axis=0)
    np.testing.assert_allclose(scatter, values.std(axis=0) / np.sqrt(10), rtol=0.08)


def test_the_same_subjects_are_drawn_for_all_entries():
    values = np.random.default_rng(2).standard_normal((5, 4))
    together = bootstrap_subjects(values, draws=20, seed=7)
    for column in range(4):
        np.testing.assert_allclose(together[:, column], bootstrap_subjects(values[:, column], 20, 7), atol=1e-14)
    assert (together != bootstrap_subjects(values, draws=20, seed=8)).any()


def test_variances_and_their_correction_equal_rsatoolbox_on_the_same_draws(random_rdms, rsatoolbox):
    from rsatoolbox.util.inference_util import extract_variances

    n_images, n_subjects, n_draws = 12, 5, 30
    models = random_rdms(20, 2, n=n_images)
    neural = models.mean(axis=0) + 2 * random_rdms(21, n_subjects, n=n_images)
    result = bootstrap_both(models, neural, draws=n_draws, seed=3)

    def of_ranks(rdms: np.ndarray) -> rsatoolbox.rdm.RDMs:
        return rsatoolbox.rdm.RDMs(rankdata(upper_triangle(rdms), axis=-1))

    def mean_similarity(image_counts: np.ndarray, subject_counts: np.ndarray) -> np.ndarray:
        images, subjects = (np.repeat(np.arange(len(row)), row) for row in (image_counts, subject_counts))
        data = of_ranks(neural).subsample("index", subjects).subsample_pattern("index", images)
        predicted = of_ranks(models).subsample_pattern("index", images)
        return rsatoolbox.rdm.compare(predicted, data, "corr").mean(axis=1)

    all_images, all_subjects = np.ones(n_images, dtype=int), np.ones(n_subjects, dtype=int)
    drawn = list(zip(*literal_draws(3, (n_images, n_subjects), n_draws), strict=True))
    both = np.cov([mean_similarity(images, subjects) for images, subjects in drawn], rowvar=False)
    of_subjects = np.cov([mean_similarity(all_images, subjects) for _, subjects in drawn], rowvar=False)
    of_images = np.cov([mean_similarity(images, all_subjects) for images, _ in drawn], rowvar=False)
    np.testing.assert_allclose(result.estimate, compare_rdms(models[:, None], neural).mean(axis=1), atol=1e-13)
    np.testing.assert_allclose(result.variance_both, np.diag(both), rtol=1e-10)
    np.testing.assert_allclose(result.variance_subjects, np.diag(of_subjects), rtol=1e-10)
    np.testing.assert_allclose(result.variance_images, np.diag(of_images), rtol=1e-10)
    corrected, _, _ = extract_variances(np.stack([both, of_subjects, of_images]), nc_included=False)
    np.testing.assert_allclose(result.variance, corrected, rtol=1e-10)


def two_factor(images: float, subjects: float, both: float) -> TwoFactorBootstrap:
    arrays = (np.array([value]) for value in (0.3, images, subjects, both))
    return TwoFactorBootstrap(*arrays, n_images=20, n_subjects=6)


@pytest.mark.parametrize(
    ("images", "subjects", "both", "expected"),
    [(2, 3, 6, 4), (2, 3, 9, 3), (4, 3, 12, 4), (4, 3, 6, 6)],
    ids=["corrected", "at least that of subjects", "at least that of images", "at most that of both"],
)
def test_the_corrected_variance_stays_between_its_bounds(images, subjects, both, expected):
    result = two_factor(images, subjects, both)
    assert result.variance == expected
    assert result.standard_error == np.sqrt(expected)


@settings(max_examples=50, deadline=None)
@given(variances=st.lists(st.floats(0, 10), min_size=3, max_size=3))
def test_the_corrected_variance_equals_rsatoolbox_wherever_the_bounds_lie(variances):
    from rsatoolbox.util.inference_util import _dual_bootstrap

    images, subjects, both = variances
    expected = _dual_bootstrap(np.array([[both], [subjects], [images]]))
    np.testing.assert_allclose(two_factor(images, subjects, both).variance, expected, atol=1e-14)


def test_the_interval_is_students_with_the_smaller_factors_degrees_of_freedom():
    low, high = two_factor(2, 3, 6).interval(0.9)
    np.testing.assert_allclose((low[0], high[0]), student.interval(0.9, df=5, loc=0.3, scale=2), rtol=1e-12)


@pytest.mark.parametrize("level", [0, 1, 95, np.nan])
def test_impossible_levels_are_refused(level):
    with pytest.raises(BadInputError, match=r"level=.*between 0 and 1"):
        two_factor(2, 3, 6).interval(level)


def simulated_experiment(rng: np.random.Generator, n_images: int = 20, n_subjects: int = 8):
    """New images and new subjects: subjects share what the model has, by different weights, beside noise."""
    shared = rng.standard_normal((n_images, 6))
    neural = np.empty((n_subjects, n_images, n_images))
    for subject in neural:
        own = np.exp(0.2 * rng.standard_normal()) * shared
        distances = pdist(np.hstack([own, rng.standard_normal((n_images, 6))]))
        subject[:] = squareform(distances + rng.standard_normal(len(distances)))
    return squareform(pdist(shared)), neural


def test_the_corrected_variance_is_the_true_one_over_new_images_and_subjects_and_that_of_both_is_not():
    rng = np.random.default_rng(1)
    similarities = [compare_rdms(*simulated_experiment(rng)).mean() for _ in range(600)]
    mean, truth = np.mean(similarities), np.var(similarities, ddof=1)
    results = [bootstrap_both(*simulated_experiment(rng), draws=100, seed=seed) for seed in range(100)]
    assert np.mean([result.variance for result in results]) / truth == pytest.approx(1, abs=0.25)
    assert np.mean([result.variance_both for result in results]) / truth > 1.35
    covered = [low < mean < high for low, high in (result.interval() for result in results)]
    assert np.mean(covered) > 0.9


def test_bootstrap_over_both_keeps_the_leading_dimensions_and_is_seeded(random_rdms):
    models, neural = random_rdms(22, 2, n=12), random_rdms(23, 5, 3, n=12)
    result = bootstrap_both(models, neural, draws=20, seed=1)
    assert result.estimate.shape == result.variance.shape == result.interval()[0].shape == (2, 3)
    alone = bootstrap_both(models[1], neural[:, 2], draws=20, seed=1)
    np.testing.assert_allclose(alone.variance, result.variance[1, 2], rtol=1e-10)
    images = bootstrap_stimuli(models, neural, draws=20, seed=1).mean(axis=2).var(axis=0, ddof=1)
    np.testing.assert_allclose(result.variance_images, images, rtol=1e-10)
    assert (result.variance_both != bootstrap_both(models, neural, draws=20, seed=2).variance_both).all()


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_estimate_and_variance_over_images_do_not_depend_on_the_order_of_subjects(random_rdms, seed):
    model, neural = random_rdms(seed, n=12), random_rdms(seed + 1, 5, n=12)
    shuffled = neural[np.random.default_rng(seed).permutation(5)]
    first, second = (bootstrap_both(model, rdms, draws=10, seed=seed) for rdms in (neural, shuffled))
    assert first.estimate == pytest.approx(second.estimate, abs=1e-13)
    assert first.variance_images == pytest.approx(second.variance_images, rel=1e-9)


def test_identical_subjects_have_no_variance_over_subjects(random_rdms):
    model = random_rdms(24, n=12)
    neural = np.repeat((model + random_rdms(25, n=12))[None], 5, axis=0)
    result = bootstrap_both(model, neural, draws=30)
    assert result.variance_subjects < 1e-25
    assert result.standard_error == pytest.approx(np.sqrt(result.variance_images), rel=1e-9)


@pytest.mark.parametrize("n_subjects", [1, 3])
def test_few_subjects_are_to_be_shown_and_not_resampled(n_subjects, random_rdms):
    message = f"{n_subjects} subject.*at least 4.*Show every subject.*bootstrap_stimuli"
    with pytest.raises(BadInputError, match=f"similarities of {message}"):
        bootstrap_subjects(np.arange(n_subjects))
    with pytest.raises(BadInputError, match=f"neural_rdms of {message}"):
        bootstrap_both(random_rdms(0), random_rdms(1, n_subjects))
    with pytest.raises(BadInputError, match="neural_rdms of no subject"):
        bootstrap_both(random_rdms(0), random_rdms(1))


def test_impossible_draws_and_seeds_of_subjects_are_refused(random_rdms):
    with pytest.raises(BadInputError, match="draws=0 and seed=0; expected whole numbers, at least 1 draw"):
        bootstrap_subjects(np.arange(5), draws=0)
    with pytest.raises(BadInputError, match="seed=-1"):
        bootstrap_subjects(np.arange(5), seed=-1)
    with pytest.raises(BadInputError, match="draws=1 and seed=0; expected whole numbers, at least 2 draw"):
        bootstrap_both(random_rdms(0), random_rdms(1, 4), draws=1)
    with pytest.raises(BadInputError, match="seed=-3"):
        bootstrap_both(random_rdms(0), random_rdms(1, 4), seed=-3)


def test_similarities_that_are_not_finite_are_refused_with_their_place():
    values = np.ones((5, 2))
    values[3, 1] = np.nan
    with pytest.raises(BadInputError, match=r"nan at \(3, 1\) of similarities"):
        bootstrap_subjects(values)
