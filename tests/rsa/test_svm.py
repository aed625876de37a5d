import itertools

import numpy as np
import pytest
from sklearn.svm import SVC

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import held_out_decision_values, svm


def responses(seed: int, n: int = 5, m: int = 8, channels: int = 12, snr: float = 0.5) -> np.ndarray:
    """Responses in noise whose variance differs 200-fold between directions."""
    rng = np.random.default_rng(seed)
    directions = np.linalg.qr(rng.standard_normal((channels, channels)))[0]
    noise = rng.standard_normal((n, m, channels)) * np.linspace(0.2, 3, channels)
    return (noise + snr * rng.standard_normal((n, 1, channels))) @ directions


def sklearn_decision_values(pseudotrials: np.ndarray, folds: np.ndarray, C: float, tol: float) -> np.ndarray:
    n, m, _ = pseudotrials.shape
    values = []
    for i in range(n):
        for j in range(i + 1, n):
            samples = np.concatenate([pseudotrials[i], pseudotrials[j]])
            label = np.concatenate([folds[i], folds[j]])
            image = np.repeat([0, 1], m)
            row = np.empty(2 * m)
            for fold in np.unique(label):
                inside = label == fold
                svm = SVC(kernel="linear", C=C, tol=tol).fit(samples[~inside], image[~inside])
                row[inside] = svm.decision_function(samples[inside])
            values.append(row)
    return np.array(values)


def contiguous(n: int, m: int, folds: int) -> np.ndarray:
    return np.tile(np.sort(np.arange(m) % folds), (n, 1))


def test_of_10000_predictions_at_least_9999_equal_scikit_learn_over_snrs_units_and_sizes():
    different = total = 0
    for seed, (unit, snr, m) in enumerate(itertools.product([1e-6, 1e-3, 1, 10], [0, 0.5, 2], [2, 5, 16, 20])):
        data, folds = responses(seed, n=9, m=m, snr=snr) * unit, contiguous(9, m, min(m, 4))
        theirs = sklearn_decision_values(data, folds, C=1, tol=1e-6)
        different += np.count_nonzero((held_out_decision_values(data, folds) >= 0) != (theirs >= 0))
        total += theirs.size
    assert total > 30_000
    assert different <= total * 1e-4


def test_more_samples_than_there_are_lanes_are_solved_in_float64():
    data, folds = responses(7, n=4, m=33), contiguous(4, 33, 4)
    theirs = sklearn_decision_values(data, folds, C=1, tol=1e-9)
    assert np.abs(held_out_decision_values(data, folds) - theirs).max() < 1e-3 * np.abs(theirs).max()


@pytest.mark.parametrize("unit", [1e-6, 1, 10])
def test_decision_values_in_float32_are_within_the_tolerance_of_the_solution(unit):
    data, folds = responses(8, n=8, m=16) * unit, contiguous(8, 16, 4)
    theirs = sklearn_decision_values(data, folds, C=1, tol=1e-9)
    ours = held_out_decision_values(data, folds)
    assert 0 < np.abs(ours - theirs).max() < 1e-3 * np.abs(theirs).max()


def test_folds_that_do_not_converge_in_float32_are_solved_in_float64(monkeypatch):
    data, folds = responses(9, n=8, m=16), contiguous(8, 16, 4)
    fast = held_out_decision_values(data, folds)
    monkeypatch.setattr(svm, "FLOAT32_STEPS", 3)
    exact = held_out_decision_values(data, folds)
    assert (exact != fast).any()
    theirs = sklearn_decision_values(data, folds, C=1, tol=1e-9)
    assert np.abs(exact - theirs).max() < 1e-3 * np.abs(theirs).max()


@pytest.mark.parametrize("unit", [1e-6, 1, 10])
@pytest.mark.parametrize("C", [0.01, 1, 30])
def test_decision_values_converge_to_scikit_learn(unit, C, monkeypatch):
    monkeypatch.setattr(svm, "SOLVER_TOLERANCE", 1e-9)
    data, folds = responses(1) * unit, contiguous(5, 8, 4)
    theirs = sklearn_decision_values(data, folds, C=C, tol=1e-9)
    ours = held_out_decision_values(data, folds, C)
    # In volts scikit-learn itself has 6 digits: libsvm subtracts two numbers near 1 that differ by x² = 1e-11.
    np.testing.assert_allclose(ours, theirs, atol=(1e-4 if unit == 1e-6 else 1e-6) * np.abs(theirs).max())


@pytest.mark.parametrize("unit", [1e-6, 1e-13])
def test_in_volts_all_alphas_are_at_c_and_the_classifier_is_the_difference_of_class_sums(unit):
    data, folds = responses(2, n=2) * unit, contiguous(2, 8, 4)
    ours = held_out_decision_values(data, folds)[0]
    for fold in range(4):
        first, second = (data[k][folds[k] != fold] for k in range(2))
        weights = second.sum(axis=0) - first.sum(axis=0)
        offset = ((second @ weights).max() + (first @ weights).min()) / 2
        inside = np.concatenate([folds[0] == fold, folds[1] == fold])
        expected = np.concatenate(data)[inside] @ weights - offset
        np.testing.assert_allclose(ours[inside], expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_a_shift_common_to_all_responses_changes_nothing(monkeypatch):
    monkeypatch.setattr(svm, "SOLVER_TOLERANCE", 1e-11)
    data, folds = responses(3), contiguous(5, 8, 4)
    shifted = data + 1000 * np.arange(1, 13)
    np.testing.assert_allclose(
        held_out_decision_values(shifted, folds), held_out_decision_values(data, folds), atol=1e-8
    )


def test_exchanging_two_images_flips_the_sign(monkeypatch):
    monkeypatch.setattr(svm, "SOLVER_TOLERANCE", 1e-10)
    data, folds = responses(4, n=2), contiguous(2, 8, 4)
    there, back = held_out_decision_values(data, folds)[0], held_out_decision_values(data[::-1], folds)[0]
    np.testing.assert_allclose(np.concatenate([back[8:], back[:8]]), -there, atol=1e-7)


def test_folds_may_have_any_labels_in_any_order_and_differ_between_images():
    data = responses(5, n=3)
    rng = np.random.default_rng(0)
    folds = np.stack([rng.permutation([-7, -7, 3, 3, 90, 90, 91, 91]) for _ in range(3)])
    theirs = sklearn_decision_values(data, folds, C=1, tol=1e-8)
    np.testing.assert_allclose(held_out_decision_values(data, folds), theirs, atol=1e-3)


def test_identical_pseudotrials_are_decided_without_failing():
    data = np.ones((3, 8, 4))
    values = held_out_decision_values(data, contiguous(3, 8, 4))
    np.testing.assert_array_equal(values, 0)


def test_one_channel_is_enough():
    data = np.array([[0.0, 1.0, 0.5, 0.2], [5.0, 6.0, 5.5, 7.0]])[:, :, None]
    values = held_out_decision_values(data, contiguous(2, 4, 4))[0]
    assert (values[:4] < 0).all()
    assert (values[4:] > 0).all()


def test_classifiers_that_do_not_converge_are_reported(monkeypatch):
    monkeypatch.setattr(svm, "MAX_STEPS", 1)
    with pytest.warns(RuntimeWarning, match="10 of 10 pairs of images did not converge within 1 steps"):
        held_out_decision_values(responses(6), contiguous(5, 8, 4))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.ones((3, 8)), r"shape \(3, 8\)"),
        (np.ones((1, 8, 4)), "at least 2 images"),
        (np.ones((3, 8, 0)), r"shape \(3, 8, 0\)"),
        (np.ones((3, 8, 4), dtype=complex), "complex128"),
        (np.where(np.arange(96).reshape(3, 8, 4) == 46, np.nan, 1), "nan in image 1, pseudotrial 3, channel 2"),
    ],
)
def test_pseudotrials_of_another_kind_are_refused(data, message):
    with pytest.raises(BadInputError, match=message):
        held_out_decision_values(data, contiguous(len(data), 8, 4))


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        (np.zeros((3, 7), dtype=int), r"shape \(3, 7\)"),
        (np.zeros((3, 8)), "float64"),
        (np.array([[0, 1] * 4, [1] * 8, [0, 1] * 4]), "image 1 with all 8 pseudotrials in one fold"),
        (
            np.array([[0, 1] * 4, [0, 1] * 4, [0] * 3 + [1] * 5]),
            r"\[4, 4\] pseudotrials of image 0 and \[3, 5\] of image 2",
        ),
    ],
)
def test_folds_that_cannot_be_trained_on_are_refused(folds, message):
    with pytest.raises(BadInputError, match=message):
        held_out_decision_values(np.ones((3, 8, 4)), folds)


@pytest.mark.parametrize("C", [0, -1, np.nan, np.inf, "1"])
def test_penalties_that_are_not_positive_are_refused(C):
    with pytest.raises(BadInputError, match=f"C={C!r}"):
        held_out_decision_values(responses(7), contiguous(5, 8, 4), C)
