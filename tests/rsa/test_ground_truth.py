"""The whole engine on simulated responses whose true distances are known."""

import numpy as np
import pytest

from brainscore_realnet.rsa import compare_rdms, crossnobis_rdm, decoding_rdm, noise_ceiling, noise_covariance, whiten

SUBJECTS, IMAGES, TRIALS, CHANNELS = 6, 16, 40, 10

METHODS = {
    "svm": lambda trials: decoding_rdm(trials)[0],
    "lda": lambda trials: decoding_rdm(trials, "lda")[0],
    "decision values": lambda trials: decoding_rdm(trials, "lda", weighting="decision")[0],
    "crossnobis": lambda trials: crossnobis_rdm(trials)[0],
    "whitened svm": lambda trials: decoding_rdm(whiten(trials, noise_covariance(trials)))[0],
}


@pytest.fixture(scope="module")
def patterns():
    return 0.3 * np.random.default_rng(0).standard_normal((IMAGES, CHANNELS))


@pytest.fixture(scope="module")
def truth(patterns):
    """Euclidean distances between the images' patterns."""
    return np.linalg.norm(patterns[:, None] - patterns, axis=-1)


@pytest.fixture(scope="module")
def subjects(patterns):
    """Trials (n_images, n_trials, n_channels, 1) of subjects with the same distances, seen through other channels."""
    trials = []
    for seed in range(1, SUBJECTS + 1):
        rng = np.random.default_rng(seed)
        rotation = np.linalg.qr(rng.standard_normal((CHANNELS, CHANNELS)))[0]
        noise = rng.standard_normal((IMAGES, TRIALS, CHANNELS))
        trials.append(((patterns @ rotation)[:, None] + noise)[..., None])
    return trials


@pytest.mark.parametrize("method", METHODS)
def test_the_order_of_true_distances_is_recovered(method, subjects, truth):
    rdms = np.stack([METHODS[method](trials) for trials in subjects])
    assert compare_rdms(rdms, truth).mean() > 0.6
    assert compare_rdms(rdms.mean(axis=0), truth) > 0.85


@pytest.mark.parametrize("metric", ["spearman", "pearson", "cosine"])
@pytest.mark.parametrize("method", ["svm", "crossnobis"])
def test_the_ceilings_bracket_the_true_model(method, metric, subjects, truth):
    rdms = np.stack([METHODS[method](trials) for trials in subjects])
    lower, upper = noise_ceiling(rdms, metric)
    # Crossnobis distances are squared ones; for accuracies only the order is known.
    model = truth**2 if method == "crossnobis" else truth
    similarity = compare_rdms(rdms, model, metric).mean()
    assert similarity < upper
    if metric == "spearman" or method == "crossnobis":
        assert similarity > lower


@pytest.mark.parametrize(("method", "chance"), [("svm", 0.5), ("lda", 0.5), ("decision values", 0), ("crossnobis", 0)])
def test_without_differences_entries_are_at_chance_within_their_error(method, chance):
    means = []
    for seed in range(30):
        noise = np.random.default_rng(seed).standard_normal((IMAGES, TRIALS, CHANNELS, 1))
        means.append(METHODS[method](noise)[np.triu_indices(IMAGES, 1)].mean())
    error = np.std(means, ddof=1) / np.sqrt(len(means))
    assert abs(np.mean(means) - chance) < 3 * error


def test_more_repeats_bring_the_rdm_nearer_to_the_truth(subjects, truth):
    few, many = (
        np.mean([compare_rdms(decoding_rdm(trials, repeats=repeats)[0], truth) for trials in subjects])
        for repeats in (1, 50)
    )
    assert many > few + 0.02
