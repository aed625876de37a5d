import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import squareform
from scipy.stats import pearsonr, rankdata, spearmanr, zscore

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import (
    compare,
    compare_rdms,
    noise_ceiling,
    single_subject_ceiling,
    split_half_reliability,
    upper_triangle,
)
from brainscore_realnet.rsa.compare import METHODS


def similar_subjects(seed: int, n_subjects: int = 5, n: int = 7, noise: float = 1.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    shared = rng.uniform(1, 2, n * (n - 1) // 2)
    scale = rng.uniform(0.2, 5, (n_subjects, 1))
    vectors = scale * (shared + noise * rng.uniform(0, 1, (n_subjects, shared.size)))
    return np.stack([squareform(vector) for vector in vectors])


def whitening(n: int) -> np.ndarray:
    contrasts = np.stack([np.eye(n)[i] - np.eye(n)[j] for i in range(n) for j in range(i + 1, n)])
    return np.linalg.inv((contrasts @ contrasts.T) ** 2)


def literal_spearman_ceiling(rdms: np.ndarray) -> tuple[float, float]:
    ranks = [zscore(rankdata(upper_triangle(rdm))) for rdm in rdms]
    upper = np.mean([pearsonr(own, np.mean(ranks, axis=0)).statistic for own in ranks])
    others = [np.mean(ranks[:s] + ranks[s + 1 :], axis=0) for s in range(len(ranks))]
    lower = np.mean([pearsonr(own, other).statistic for own, other in zip(ranks, others, strict=True)])
    return lower, upper


@pytest.mark.parametrize("n_subjects", [2, 3, 10])
@pytest.mark.parametrize("decimals", [1, 12])
def test_spearman_ceiling_pools_z_scored_ranks(n_subjects, decimals):
    rdms = similar_subjects(0, n_subjects).round(decimals)
    np.testing.assert_allclose(noise_ceiling(rdms), literal_spearman_ceiling(rdms), atol=1e-14)


@pytest.mark.parametrize(("method", "theirs"), [("pearson", "corr"), ("cosine", "cosine"), ("rho_a", "rho-a")])
@pytest.mark.parametrize("n_subjects", [2, 6])
@pytest.mark.parametrize("compiled_from", [0, np.inf])
def test_other_ceilings_equal_rsatoolbox(method, theirs, n_subjects, compiled_from, rsatoolbox, monkeypatch):
    monkeypatch.setattr(compare, "COMPILED_FROM", compiled_from)
    rdms = similar_subjects(1, n_subjects)
    expected = rsatoolbox.inference.noise_ceiling.boot_noise_ceiling(rsatoolbox.rdm.RDMs(upper_triangle(rdms)), theirs)
    np.testing.assert_allclose(noise_ceiling(rdms, method), expected, atol=1e-13)


@pytest.mark.parametrize("n_subjects", [2, 6])
def test_whitened_ceiling_pools_vectors_of_unit_whitened_length(n_subjects):
    rdms = similar_subjects(1, n_subjects)
    inverse = whitening(7)
    units = [vector / np.sqrt(vector @ inverse @ vector) for vector in upper_triangle(rdms)]
    expected = []
    for pools in ([np.sum(units, axis=0) - own for own in units], [np.sum(units, axis=0)] * n_subjects):
        cosines = [own @ inverse @ p / np.sqrt(p @ inverse @ p) for own, p in zip(units, pools, strict=True)]
        expected.append(np.mean(cosines))
    np.testing.assert_allclose(noise_ceiling(rdms, "cosine_cov"), expected, atol=1e-13)


def test_pooling_by_unwhitened_length_as_rsatoolbox_does_stays_below_the_whitened_ceiling(rsatoolbox):
    rdms = similar_subjects(1) ** np.array([1, 2, 3, 4, 5])[:, None, None]
    theirs = rsatoolbox.inference.noise_ceiling.boot_noise_ceiling(
        rsatoolbox.rdm.RDMs(upper_triangle(rdms)), "cosine_cov"
    )
    upper = noise_ceiling(rdms, "cosine_cov")[1]
    assert upper - 0.01 < theirs[1] < upper - 0.001


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(METHODS))
def test_no_candidate_exceeds_the_upper_ceiling(seed, method):
    rdms = similar_subjects(seed)
    _, upper = noise_ceiling(rdms, method)
    rng = np.random.default_rng(seed + 1)
    pools = [rankdata(upper_triangle(rdms), axis=-1).mean(axis=0), upper_triangle(rdms).mean(axis=0)]
    pools += [rankdata(pools[0]), *rng.uniform(0, 1, (20, 21)), *(pools[0] + rng.normal(0, 0.5, (20, 21)))]
    for candidate in pools:
        rdm = squareform(candidate)
        assert compare_rdms(rdms, rdm, method).mean() <= upper + 1e-12


def test_the_rank_average_reaches_the_upper_ceiling_without_ranking_again():
    rdms = similar_subjects(2)
    ranks = rankdata(upper_triangle(rdms), axis=-1)
    average = ranks.mean(axis=0)
    reached = np.mean([pearsonr(own, average).statistic for own in ranks])
    assert noise_ceiling(rdms)[1] == pytest.approx(reached, abs=1e-14)
    reranked = np.mean([spearmanr(own, average).statistic for own in ranks])
    assert reranked < reached


def test_averaging_raw_distances_as_upstream_does_would_be_no_bound():
    rdms = similar_subjects(3)
    raw_average = compare_rdms(rdms, rdms.mean(axis=0)).mean()
    rank_average = compare_rdms(rdms, squareform(rankdata(upper_triangle(rdms), axis=-1).mean(axis=0))).mean()
    assert raw_average < rank_average <= noise_ceiling(rdms)[1]


@pytest.mark.parametrize("method", METHODS)
def test_lower_lies_below_upper_and_both_are_one_for_equal_subjects(method):
    lower, upper = noise_ceiling(similar_subjects(4), method)
    assert lower < upper < 1
    same = np.stack([similar_subjects(4)[0]] * 3)
    np.testing.assert_allclose(noise_ceiling(same, method), 1, atol=1e-13)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), method=st.sampled_from(METHODS))
def test_relabelling_subjects_and_images_leaves_ceilings_alone(seed, method):
    rng = np.random.default_rng(seed)
    rdms = similar_subjects(seed)
    images = rng.permutation(7)
    shuffled = rdms[rng.permutation(5)][:, images][:, :, images]
    np.testing.assert_allclose(noise_ceiling(shuffled, method), noise_ceiling(rdms, method), atol=1e-13)


@pytest.mark.parametrize("method", ["spearman", "pearson", "cosine", "cosine_cov"])
def test_scaling_one_subject_leaves_ceilings_alone(method):
    rdms = similar_subjects(5)
    scaled = rdms * np.array([1, 1e-3, 7, 1e4, 1])[:, None, None]
    np.testing.assert_allclose(noise_ceiling(scaled, method), noise_ceiling(rdms, method), atol=1e-13)


@pytest.mark.parametrize("method", METHODS)
def test_leading_dimensions_are_kept(method):
    stack = np.stack([[similar_subjects(10 * i + j) for j in range(3)] for i in range(2)])
    lower, upper = noise_ceiling(np.moveaxis(stack, 2, 0), method)
    assert lower.shape == upper.shape == (2, 3)
    for i in range(2):
        for j in range(3):
            expected = noise_ceiling(stack[i, j], method)
            np.testing.assert_allclose((lower[i, j], upper[i, j]), expected, atol=1e-14)


@pytest.mark.parametrize("shape", [(7, 7), (1, 7, 7)])
def test_one_subject_has_no_ceiling_across_subjects(shape, random_rdms):
    with pytest.raises(BadInputError, match="at least 2 subjects"):
        noise_ceiling(random_rdms(0).reshape(shape))


def test_subjects_that_cancel_are_refused(random_rdms):
    rdm = random_rdms(0)
    opposite = (rdm.max() + 1 - rdm) * (1 - np.eye(7))
    with pytest.raises(BadInputError, match="cancel"):
        noise_ceiling(np.stack([rdm, opposite]))


def test_a_ceiling_by_an_unknown_method_is_refused(random_rdms):
    with pytest.raises(BadInputError, match="expected one of spearman"):
        noise_ceiling(random_rdms(0, 3), "kendall")


@pytest.mark.parametrize(("value", "message"), [(np.nan, "finite"), (9.0, "symmetric")])
def test_subjects_with_broken_rdms_are_refused(value, message, random_rdms):
    rdms = random_rdms(0, 3)
    rdms[1, 0, 1] = value
    with pytest.raises(BadInputError, match=message):
        noise_ceiling(rdms)


def test_a_constant_subject_is_refused_with_its_number(random_rdms):
    rdms = random_rdms(0, 3)
    rdms[1] = 1 - np.eye(7)
    with pytest.raises(BadInputError, match=r"\(1,\)"):
        noise_ceiling(rdms)


@pytest.mark.parametrize("method", METHODS)
def test_split_half_reliability_corrects_the_mean_over_splits(method, random_rdms):
    first, second = random_rdms(20, 4, 2), random_rdms(21, 4, 2)
    second = first + 0.3 * second
    r = np.mean([[compare_rdms(first[s, k], second[s, k], method) for k in range(2)] for s in range(4)], axis=0)
    np.testing.assert_allclose(split_half_reliability(first, second, method), 2 * r / (1 + r), atol=1e-14)


def test_spearman_brown_predicts_the_reliability_of_twice_the_data():
    rng = np.random.default_rng(22)
    n_pairs = 190
    truth = rng.normal(0, 1, n_pairs)
    measured = truth + rng.normal(0, 1, (2000, n_pairs))
    rdms = np.stack([squareform(vector) for vector in measured])
    halves = split_half_reliability(rdms[:500], rdms[500:1000], "pearson")
    full = (rdms[:1000:2] + rdms[1:1000:2], rdms[1000::2] + rdms[1001::2])
    assert halves == pytest.approx(compare_rdms(*full, "pearson").mean(), abs=0.01)
    to_truth = compare_rdms(full[0], squareform(truth), "pearson").mean()
    assert single_subject_ceiling(halves) == pytest.approx(to_truth, abs=0.01)


@pytest.mark.parametrize(
    ("a", "b"), [((7, 7), (7, 7)), ((2, 7, 7), (3, 7, 7)), ((1, 7, 7), (2, 7, 7)), ((0, 7, 7),) * 2]
)
def test_halves_of_other_shapes_are_refused(a, b):
    with pytest.raises(BadInputError, match="equal shapes"):
        split_half_reliability(np.zeros(a), np.zeros(b))


def test_exactly_opposite_halves_are_refused(random_rdms):
    rdm = random_rdms(0, 1)
    with pytest.raises(BadInputError, match="undefined"):
        split_half_reliability(rdm, (rdm.max() + 1 - rdm) * (1 - np.eye(7)))


def test_single_subject_ceiling_is_the_root_and_zero_below():
    np.testing.assert_array_equal(single_subject_ceiling([0.25, 0.0, -0.4, 1.0]), [0.5, 0, 0, 1])


@pytest.mark.parametrize("value", [np.nan, np.inf, 1.1])
def test_impossible_reliabilities_are_refused(value):
    with pytest.raises(BadInputError, match="at most 1"):
        single_subject_ceiling(value)
