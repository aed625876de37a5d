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
