import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.scoring.personal import others, own, personal_comparisons

RNG = np.random.default_rng(0)
ALIGNED = 0.1 + 0.02 * RNG.standard_normal((6, 6)) + 0.05 * np.eye(6)
BASELINE, UNPAIRED = 0.08 + 0.02 * RNG.standard_normal((2, 6))


def test_tests_are_paired_over_subjects():
    compared = personal_comparisons(BASELINE, ALIGNED, UNPAIRED)
    assert [one.name for one in compared] == ["aligned > baseline", "aligned > unpaired", "own > others"]
    mine = [ALIGNED[k, k] for k in range(6)]
    of_others = [np.mean([ALIGNED[m, k] for m in range(6) if m != k]) for k in range(6)]
    for one, worse in zip(compared, (BASELINE, UNPAIRED, of_others), strict=True):
        t, p = stats.ttest_rel(mine, worse)
        assert (one.test.t, one.test.p) == (pytest.approx(t), pytest.approx(p))
        assert one.test.difference == pytest.approx(np.mean(np.subtract(mine, worse)))
        assert one.test.sem == pytest.approx(stats.sem(np.subtract(mine, worse)))
        assert one.n_better == sum(a > b for a, b in zip(mine, worse, strict=True))


def test_others_are_averaged_at_every_time():
    courses = RNG.standard_normal((4, 4, 3))
    for k in range(4):
        np.testing.assert_allclose(others(courses)[k], courses[[m for m in range(4) if m != k], k].mean(axis=0))
        np.testing.assert_array_equal(own(courses)[k], courses[k, k])


@settings(max_examples=20, deadline=None)
@given(order=st.permutations(range(6)), shift=st.floats(-0.5, 0.5))
def test_neither_the_order_of_subjects_nor_how_clear_their_signals_are_matters(order, shift):
    moved = ALIGNED + shift * np.arange(6)  # a subject's column: the same for all models
    usual = personal_comparisons(BASELINE, ALIGNED, UNPAIRED)
    again = personal_comparisons(
        (BASELINE + shift * np.arange(6))[order], moved[np.ix_(order, order)], (UNPAIRED + shift * np.arange(6))[order]
    )
    for one, other in zip(usual, again, strict=True):
        assert other.test.t == pytest.approx(one.test.t, rel=1e-6)


def test_difference_holds_only_in_the_expected_direction():
    better, *_ = personal_comparisons(BASELINE, ALIGNED, UNPAIRED)
    worse, *_ = personal_comparisons(2 * np.diag(ALIGNED) - BASELINE, ALIGNED, UNPAIRED)
    assert better.holds()
    assert worse.test.p == pytest.approx(better.test.p)
    assert not worse.holds()
    assert not better.holds(alpha=better.test.p / 2)


def test_record_is_strict_json():
    records = [one.record() for one in personal_comparisons(BASELINE, ALIGNED, UNPAIRED)]
    again = json.loads(json.dumps(records, allow_nan=False))
    assert again[0]["n_subjects"] == 6
    assert again[2]["worse"] == others(ALIGNED).tolist()


@pytest.mark.parametrize(
    ("aligned", "message"),
    [
        (ALIGNED[:5], r"shape \(5, 6\); expected \(n_subjects, n_subjects\)"),
        (ALIGNED[:3, :3], "at least 4"),
        (np.where(np.eye(6), np.nan, ALIGNED), "finite"),
    ],
)
def test_what_cannot_be_compared_is_refused(aligned, message):
    n = len(aligned)
    with pytest.raises(BadInputError, match=message):
        personal_comparisons(BASELINE[:n], aligned, UNPAIRED[:n])
