import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from brainscore_realnet.rsa import compare_rdms, decoding_rdm


def responses(
    seed: int, n: int = 5, trials: int = 12, channels: int = 6, times: int = 2, snr: float = 0.5
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    mixing = rng.standard_normal((channels, channels))
    noise = np.einsum("cd,ntdk->ntck", mixing, rng.standard_normal((n, trials, channels, times)))
    return noise + snr * rng.standard_normal((n, 1, channels, times))


def shuffled_pseudotrials(trials, size, repeat, seed, time):
    n_images, n_trials, _, _ = trials.shape
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(repeat, time)))
    order = rng.permuted(np.array([range(n_trials)] * n_images), axis=1)
    m = n_trials // size
    return np.array(
        [
            [trials[i, order[i, k * size : (k + 1) * size], :, time].mean(axis=0) for k in range(m)]
            for i in range(n_images)
        ]
    )


class Given:
    """A covariance estimator of scikit-learn that answers with a given matrix."""

    def __init__(self, covariance=None):
        self.covariance = covariance

    def fit(self, _):
        self.covariance_ = self.covariance
        return self


def literal_lda(means, folds, weighted):
    """One LDA of scikit-learn for each pair and fold, with the covariance of all images' training residuals."""
    n, m, channels = means.shape
    rdm = np.zeros((n, n))
    for held_out in np.array_split(np.arange(m), folds):
        training = np.setdiff1d(np.arange(m), held_out)
        residuals = means[:, training] - means[:, training].mean(axis=1, keepdims=True)
        covariance = LedoitWolf(assume_centered=True).fit(residuals.reshape(-1, channels)).covariance_
        for i in range(n):
            for j in range(i + 1, n):
                lda = LinearDiscriminantAnalysis(solver="lsqr", covariance_estimator=Given(covariance))
                lda.fit(np.concatenate([means[i, training], means[j, training]]), np.repeat([0, 1], len(training)))
                decisions = [lda.decision_function(means[k, held_out]) for k in (i, j)]
                signed = np.concatenate([-decisions[0], decisions[1]])
                rdm[i, j] += (signed if weighted else signed > 0).mean() / folds
                rdm[j, i] = rdm[i, j]
    return rdm


@pytest.mark.parametrize("weighting", [None, "decision"])
@pytest.mark.parametrize(("size", "folds", "trials"), [(1, 4, 12), (2, 3, 13), (2, 4, 13)])
def test_entries_equal_a_literal_loop_over_scikit_learn(size, folds, trials, weighting):
    data = responses(0, trials=trials)
    result = decoding_rdm(data, "lda", pseudotrial_size=size, folds=folds, repeats=2, seed=3, weighting=weighting)
    for time in range(2):
        expected = [
            literal_lda(shuffled_pseudotrials(data, size, repeat, 3, time), folds, weighting == "decision")
            for repeat in range(2)
        ]
        np.testing.assert_allclose(result[time], np.mean(expected, axis=0), atol=1e-9)


def test_rdms_are_exactly_symmetric_accuracies_with_a_zero_diagonal():
    result = decoding_rdm(responses(1), "lda", pseudotrial_size=2)
    assert result.shape == (2, 5, 5)
    assert (result == np.swapaxes(result, 1, 2)).all()
    assert (np.diagonal(result, axis1=1, axis2=2) == 0).all()
    assert result.min() >= 0
    assert result.max() <= 1


@pytest.mark.parametrize("weighting", [None, "decision"])
def test_a_torch_device_gives_the_same(weighting):
    data = responses(2, n=8)
    options = {"pseudotrial_size": 2, "repeats": 3, "weighting": weighting}
    np.testing.assert_allclose(
        decoding_rdm(data, "lda", device="cpu", **options), decoding_rdm(data, "lda", **options), atol=1e-10
    )


def test_units_change_nothing():
    data = responses(3, n=10)
    plain = decoding_rdm(data, "lda", pseudotrial_size=2)
    np.testing.assert_allclose(decoding_rdm(1e-6 * data, "lda", pseudotrial_size=2), plain, atol=1e-12)


def test_responses_without_signal_give_half():
    result = decoding_rdm(responses(4, n=8, trials=40, times=80, snr=0), "lda", repeats=1)
    of_time = result[:, *np.triu_indices(8, 1)].mean(axis=1)
    standard_error = of_time.std() / np.sqrt(of_time.size)
    assert standard_error < 0.01
    assert abs(of_time.mean() - 0.5) < 3 * standard_error


def test_lda_orders_pairs_as_their_true_distances_do_and_beats_the_svm():
    rng = np.random.default_rng(5)
    patterns = 0.3 * rng.standard_normal((20, 1, 8, 1))
    data = patterns + rng.standard_normal((20, 200, 8, 1))
    truth = np.linalg.norm(patterns[:, None, 0, :, 0] - patterns[None, :, 0, :, 0], axis=-1)
    lda, svm = decoding_rdm(data, "lda")[0], decoding_rdm(data)[0]
    assert compare_rdms(lda, truth) > 0.8
    assert lda[np.triu_indices(20, 1)].mean() > svm[np.triu_indices(20, 1)].mean()
