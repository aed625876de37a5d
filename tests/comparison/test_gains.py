"""Improvements and intervals of a comparison, against literal computations over the records."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from synthetic_comparison import EEG, FMRI, TIMES, comparison

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.tables import tables
from brainscore_realnet.rsa import improvement

BASELINE = "sim-cornet-s-narrow"
PERSONAL = tuple(f"sim-realnet-eeg-sub{number:02d}" for number in range(1, 7))
SETTINGS = Settings(draws=70, seed=5)
INSIDE = np.array([0.05 <= moment <= 0.2 for moment in TIMES])
AREAS = ("V1", "V2", "V4", "IT")


@pytest.fixture(scope="module")
def compared():
    return comparison()


@pytest.fixture(scope="module")
def found(compared):
    return tables(compared, SETTINGS)


def rows_of(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


def values_of(compared, benchmark, name="values"):
    """Of the family (own subjects with EEG, mean over models with fMRI) and of the baseline."""
    each = [np.array(compared.scored[model, benchmark].record[name]["data"]) for model in PERSONAL]
    ours = np.array([one[row] for row, one in enumerate(each)]) if benchmark == EEG else np.mean(each, axis=0)
    return ours, np.array(compared.scored[BASELINE, benchmark].record[name]["data"])


def draws_of(compared, benchmark):
    """(n_draws, n_subjects, n_parts) of the family and of the baseline."""
    each = [compared.scored[model, benchmark].part_draws.astype(float) for model in PERSONAL]
    ours = np.stack([one[:, row] for row, one in enumerate(each)], 1) if benchmark == EEG else np.mean(each, axis=0)
    return ours, compared.scored[BASELINE, benchmark].part_draws.astype(float)


def literal_interval(values, draws, n_images):
    """Schütt et al. 2023 with Student's t, one draw after the other; values (n_subjects,), draws (n_draws, ...)."""
    n = len(values)
    rng = np.random.default_rng(np.random.SeedSequence(SETTINGS.seed).spawn(1)[0])
    counts = rng.multinomial(n, np.full(n, 1 / n), size=SETTINGS.draws)
    drawn = [np.repeat(np.arange(n), row) for row in counts]
    images = np.var([np.mean(one) for one in draws], ddof=1)
    subjects = np.var([np.mean(values[who]) for who in drawn], ddof=1)
    both = np.var([np.mean(draws[k % len(draws)][who]) for k, who in enumerate(drawn)], ddof=1)
    variance = min(max(2 * (images + subjects) - both, images, subjects), both)
    return stats.t.interval(0.95, min(n, n_images) - 1, np.mean(values), np.sqrt(variance))


def test_improvements_with_eeg_equal_those_of_rsa(compared, found):
    ours, theirs = (
        np.concatenate([values, values.mean(axis=1, keepdims=True)], axis=1) for values in values_of(compared, EEG)
    )
    expected = improvement(ours, theirs, TIMES, (0.05, 0.2))
    for scope, gain in (("window", expected.window), ("peak", expected.peak)):
        rows = rows_of(found["improvements"], benchmark=EEG, scope=scope)
        assert rows["area"].tolist() == [*AREAS, "mean"]
        np.testing.assert_allclose(rows["difference"], gain.difference, rtol=1e-10)
        np.testing.assert_allclose(rows["ratio"], gain.ratio, rtol=1e-10)
        np.testing.assert_allclose(rows["sem"], stats.sem(gain.subject_difference), rtol=1e-10)
        subjects = rows_of(found["improvements_of_subjects"], benchmark=EEG, scope=scope)
        for row, (subject, model) in enumerate(zip([f"sub-0{k}" for k in range(1, 7)], PERSONAL, strict=True)):
            of_subject = rows_of(subjects, subject=subject)
            np.testing.assert_allclose(of_subject["difference"], gain.subject_difference[row], rtol=1e-8)
            np.testing.assert_allclose(of_subject["ratio"], gain.subject_ratio[row], rtol=1e-8)
            assert set(of_subject["model"]) == {model}
    peaks = rows_of(found["improvements"], benchmark=EEG, scope="peak")
    assert peaks["time"].tolist() == [TIMES[index] for index in expected.peak_index]
    np.testing.assert_allclose(
        peaks["baseline_raw"], [theirs[:, row, index].mean() for row, index in enumerate(expected.peak_index)]
    )
    assert peaks["low"].isna().all()
    window, score = (rows_of(found["improvements"], benchmark=EEG, scope=scope) for scope in ("window", "score"))
    columns = ["area", "n", "own", "baseline_raw", "difference", "sem", "ratio", "low", "high", "interval"]
    assert score[columns].iloc[0].tolist() == window[columns].iloc[-1].tolist()


def test_improvements_with_fmri_are_of_the_mean_over_models(compared, found):
    ours, theirs = values_of(compared, FMRI, "scored_values")
    rows = rows_of(found["improvements"], benchmark=FMRI, scope="roi")
    assert rows["roi"].tolist() == ["V1", "V2", "V3", "V4", "LOC", "mean"]
    expected = (ours - theirs).mean(axis=0)
    np.testing.assert_allclose(rows["difference"], [*expected, expected.mean()], rtol=1e-10)
    ratios = [*expected / theirs.mean(axis=0), expected.mean() / theirs.mean()]
    np.testing.assert_allclose(rows["ratio"], ratios, rtol=1e-10)
    assert not rows["own"].any()
    subjects = rows_of(found["improvements_of_subjects"], benchmark=FMRI, scope="score")
    np.testing.assert_allclose(subjects["difference"], (ours - theirs).mean(axis=1), rtol=1e-10)
    assert subjects["model"].isna().all()


def test_intervals_with_enough_subjects_draw_stimuli_and_subjects(compared, found):
    difference = np.subtract(*(values[..., INSIDE].mean(axis=-1) for values in values_of(compared, EEG)))
    draws = np.subtract(*draws_of(compared, EEG))
    rows = rows_of(found["improvements"], benchmark=EEG, scope="window")
    for place in range(4):
        row = rows.iloc[place]
        expected = literal_interval(difference[:, place], draws[..., place], 12)
        assert (row["low"], row["high"]) == pytest.approx(expected, rel=1e-9)
    expected = literal_interval(difference.mean(axis=1), draws.mean(axis=-1), 12)
    assert rows[["low", "high"]].iloc[4].tolist() == pytest.approx(expected, rel=1e-9)
    assert set(rows["interval"]) == {
        "bootstrap over stimuli and subjects (Schütt et al. 2023): 20 draws of stimuli, 70 draws of subjects, seed 5"
    }


def test_intervals_with_three_subjects_draw_stimuli_alone(compared, found):
    ours, theirs = values_of(compared, FMRI, "scored_values")
    draws = np.subtract(*draws_of(compared, FMRI))
    rows = rows_of(found["improvements"], benchmark=FMRI, scope="roi")
    for place in range(5):
        spread = np.std([np.mean(one[:, place]) for one in draws], ddof=1)
        expected = stats.t.interval(0.95, 11, np.mean((ours - theirs)[:, place]), spread)
        assert rows[["low", "high"]].iloc[place].tolist() == pytest.approx(expected, rel=1e-9)
    assert set(rows["interval"]) == {"bootstrap over stimuli alone: 20 draws of stimuli"}


def test_families_have_means_errors_and_intervals(compared, found):
    for benchmark, n, own in ((EEG, 6, True), (FMRI, 3, False)):
        (row,) = rows_of(found["families"], benchmark=benchmark, role="model").to_dict("records")
        name = "values" if own else "scored_values"
        ours, _ = values_of(compared, benchmark, name)
        parts = ours[..., INSIDE].mean(axis=-1) if own else ours
        raw = parts.mean(axis=1)
        draws = draws_of(compared, benchmark)[0].mean(axis=-1)
        assert (row["n"], row["n_models"], row["own"]) == (n, 6, own)
        assert [row["raw"], row["sem"]] == pytest.approx([raw.mean(), stats.sem(raw)], rel=1e-9)
        assert row["score"] == pytest.approx(raw.mean() / compared.benchmark(benchmark).score_ceiling[1], rel=1e-12)
        spread = np.std(draws.mean(axis=1), ddof=1)
        alone = stats.t.interval(0.95, 11, raw.mean(), spread)
        expected = literal_interval(raw, draws, 12) if own else alone
        assert [row["low"], row["high"]] == pytest.approx(expected, rel=1e-9)


def without_draws(compared, *models):
    scored = {
        key: replace(one, part_draws=one.part_draws[:0]) if key[0] in models else one
        for key, one in compared.scored.items()
    }
    return Comparison(compared.models, compared.baselines, scored)


def test_without_draws_of_stimuli_subjects_alone_are_drawn_if_there_are_enough(compared):
    found = tables(without_draws(compared, *PERSONAL, BASELINE), SETTINGS)
    difference = np.subtract(*(values[..., INSIDE].mean(axis=(1, 2)) for values in values_of(compared, EEG)))
    row = rows_of(found["improvements"], benchmark=EEG, scope="score").iloc[0]
    counts = np.random.default_rng(5).multinomial(6, np.full(6, 1 / 6), size=70)
    spread = np.std([np.mean(np.repeat(difference, one)) for one in counts], ddof=1)
    expected = stats.t.interval(0.95, 5, difference.mean(), spread)
    assert [row["low"], row["high"]] == pytest.approx(expected, rel=1e-9)
    assert row["interval"] == "bootstrap over subjects alone: 70 draws of subjects, seed 5"
    with_fmri = rows_of(found["improvements"], benchmark=FMRI)
    assert with_fmri[["low", "high", "interval"]].isna().all(axis=None)


def test_draws_that_one_side_lacks_are_not_compared(compared):
    found = tables(without_draws(compared, BASELINE), SETTINGS)
    score = rows_of(found["improvements"], benchmark=EEG, scope="score").iloc[0]
    assert score["interval"].startswith("bootstrap over subjects alone")
    of_family = rows_of(found["families"], benchmark=EEG, role="model").iloc[0]
    assert "stimuli and subjects" in of_family["interval"]


def test_ratio_to_a_baseline_that_is_not_positive_is_null(compared):
    baseline = compared.scored[BASELINE, EEG]
    changed = np.array(baseline.record["values"]["data"])
    changed[:, 0] = -0.1 - 0.01 * np.arange(6)[:, None]
    changed[2, 1] -= 5
    record = {**baseline.record, "values": {**baseline.record["values"], "data": changed.tolist()}}
    scored = {**compared.scored, (BASELINE, EEG): replace(baseline, record=record)}
    found = tables(Comparison(compared.models, compared.baselines, scored), SETTINGS)
    ours, _ = values_of(compared, EEG)
    window = rows_of(found["improvements"], benchmark=EEG, scope="window").set_index("area")
    assert np.isnan(window.loc["V1", "ratio"])
    difference = (ours - changed)[:, 0][:, INSIDE].mean()
    assert window.loc["V1", "difference"] == pytest.approx(difference, rel=1e-10)
    assert window.loc["V4", "ratio"] > 0
    subjects = rows_of(found["improvements_of_subjects"], benchmark=EEG, scope="window", area="V1")
    assert subjects["ratio"].isna().all()
    # One subject's baseline is below zero: no ratio of its own, nor of the mean that it pulls below zero.
    second = rows_of(found["improvements_of_subjects"], benchmark=EEG, scope="window", area="V2")
    assert second[second["ratio"].isna()]["subject"].tolist() == ["sub-03"]
    assert np.isnan(window.loc["V2", "ratio"])


def test_one_subject_has_no_standard_error():
    found = tables(comparison(models=("sim-hidden",), n_subjects=1, benchmarks=(EEG,)), SETTINGS)
    assert found["improvements"]["sem"].isna().all()
    assert found["families"]["sem"].isna().all()
    assert found["ceilings"]["n"].unique().tolist() == [1]
    assert set(found["families"]["interval"]) == {"bootstrap over stimuli alone: 20 draws of stimuli"}


def test_seed_changes_intervals_and_nothing_else(compared, found):
    other = tables(compared, Settings(draws=70, seed=6))["improvements"]
    kept = ["difference", "sem", "ratio"]
    assert found["improvements"][kept].equals(other[kept])
    drawn = rows_of(found["improvements"], benchmark=EEG, scope="window").index
    assert (found["improvements"]["low"][drawn] != other["low"][drawn]).all()


def test_personal_baseline_without_one_of_the_subjects_is_compared_on_the_others():
    fmri = ("sim-realnet-fmri-sub01", "sim-realnet-fmri-sub02")
    found = tables(comparison(baselines=(*fmri, BASELINE)), SETTINGS)
    of_fmri = rows_of(found["improvements"], benchmark=FMRI)
    assert set(rows_of(of_fmri, baseline=BASELINE)["n"]) == {3}
    assert set(rows_of(of_fmri, baseline="sim-realnet-fmri")["n"]) == {2}
    assert set(rows_of(found["improvements"], benchmark=EEG)["n"]) == {6}
