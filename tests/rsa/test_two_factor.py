import numpy as np
import pytest
from scipy.stats import t as student

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa.bootstrap import bootstrap_stimuli
from brainscore_realnet.rsa.two_factor import student_interval, two_factor_bootstrap


def similarities(seed=0, n_subjects=5, n_draws=7, shape=(3,)):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n_subjects, *shape))
    return values, values + rng.normal(scale=0.3, size=(n_draws, n_subjects, *shape))


def literal_variances(values, image_draws, draws, seed):
    """Variance over images, subjects and both, one draw after the other."""
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
    n = len(values)
    drawn = [np.repeat(np.arange(n), row) for row in rng.multinomial(n, np.full(n, 1 / n), size=draws)]
    images = [sum(one) / n for one in image_draws]
    subjects = [sum(values[k] for k in who) / n for who in drawn]
    both = [sum(image_draws[number % len(image_draws)][k] for k in who) / n for number, who in enumerate(drawn)]
    return [np.var(of, axis=0, ddof=1) for of in (images, subjects, both)]


@pytest.mark.parametrize("draws", [5, 7, 30])
def test_variances_equal_a_literal_resampling(draws):
    values, image_draws = similarities()
    result = two_factor_bootstrap(values, image_draws, n_images=20, draws=draws, seed=3)
    found = (result.variance_images, result.variance_subjects, result.variance_both)
    np.testing.assert_allclose(found, literal_variances(values, image_draws, draws, seed=3), rtol=1e-12)
    np.testing.assert_allclose(result.estimate, values.mean(axis=0), rtol=1e-14)
    assert (result.n_images, result.n_subjects) == (20, 5)


def test_all_entries_get_the_same_draws():
    values, image_draws = similarities()
    together = two_factor_bootstrap(values, image_draws, 20, draws=50, seed=1)
    for place in range(3):
        alone = two_factor_bootstrap(values[:, place], image_draws[..., place], 20, draws=50, seed=1)
        np.testing.assert_allclose(alone.variance, together.variance[place], rtol=1e-12)


def test_draws_of_subjects_do_not_repeat_those_of_as_many_images():
    # With the stream of the images, five subjects would be drawn as the first five images of five are.
    values, image_draws = similarities(n_draws=400)
    images = np.random.default_rng(0).multinomial(5, np.full(5, 0.2), size=400)
    weighted = np.var(images @ values / 5, axis=0, ddof=1)
    assert (two_factor_bootstrap(values, image_draws, 5, draws=400, seed=0).variance_subjects != weighted).all()


def test_corrected_variance_of_independent_factors_is_their_sum():
    rng = np.random.default_rng(5)
    subjects, images = rng.normal(size=40), rng.normal(size=4000)
    values = subjects
    result = two_factor_bootstrap(values, values + images[:, None], n_images=50, draws=4000, seed=2)
    assert result.variance == pytest.approx(subjects.var() / 40 + images.var(), rel=0.06)


def test_draws_of_stimuli_of_rdms_are_what_it_takes(random_rdms):
    model, neural = random_rdms(0, n=15), random_rdms(1, 5, n=15)
    drawn = bootstrap_stimuli(model, neural, draws=20)
    whole = bootstrap_stimuli(model, neural, draws=1)[0]
    low, high = two_factor_bootstrap(whole, drawn, n_images=15, draws=20).interval()
    assert low < whole.mean() < high


def test_interval_is_students():
    np.testing.assert_allclose(student_interval(0.3, 2.0, 5, 0.9), student.interval(0.9, df=5, loc=0.3, scale=2.0))
    with pytest.raises(BadInputError, match="level=95; expected a number between 0 and 1"):
        student_interval(0.3, 2.0, 5, 95)


@pytest.mark.parametrize(
    ("values", "image_draws", "message"),
    [
        (np.zeros((3, 2)), np.zeros((9, 3, 2)), "similarities of 3 subject.*Show every subject"),
        (np.zeros((5, 2)), np.zeros((9, 4, 2)), r"\(5, 2\) and image_draws of shape \(9, 4, 2\)"),
        (np.zeros((5, 2)), np.zeros((1, 5, 2)), "at least 2 draws"),
        (np.zeros((5, 2)), np.full((9, 5, 2), np.nan), r"nan at \(0, 0, 0\) of image_draws"),
    ],
)
def test_what_cannot_be_drawn_is_refused(values, image_draws, message):
    with pytest.raises(BadInputError, match=message):
        two_factor_bootstrap(values, image_draws, n_images=20)


def test_impossible_draws_of_subjects_are_refused():
    with pytest.raises(BadInputError, match="draws=1 and seed=0; expected whole numbers, at least 2"):
        two_factor_bootstrap(*similarities(), 20, draws=1)
    with pytest.raises(BadInputError, match="seed=-1"):
        two_factor_bootstrap(*similarities(), 20, seed=-1)
