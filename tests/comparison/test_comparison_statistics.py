"""Tables of a comparison: tests, clusters and listings, against literal computations over the records."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from synthetic_comparison import EEG, FMRI, TIMES, comparison

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.summaries import summaries
from brainscore_realnet.comparison.tables import tables
from brainscore_realnet.comparison.tables.schema import TABLES
from brainscore_realnet.errors import BadInputError

BASELINE = "sim-cornet-s-narrow"
FAMILY = "sim-realnet-eeg"
PAIR = {"family": FAMILY, "baseline": BASELINE, "contrast": "family - baseline"}
PERSONAL = tuple(f"sim-realnet-eeg-sub{number:02d}" for number in range(1, 7))
QUICK = Settings(draws=50)


@pytest.fixture(scope="module")
def compared():
    return comparison()


@pytest.fixture(scope="module")
def found(compared):
    return tables(compared, Settings())


def where(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column].isna() if value is None else table[column] == value]
    return table


def literal_values(compared, benchmark):
    """(n_subjects, n_areas, n_conditions) of the personal models with their own subjects, and of the baseline."""
    own = [compared.scored[model, benchmark].record["values"]["data"][row] for row, model in enumerate(PERSONAL)]
    return np.array(own), np.array(compared.scored[BASELINE, benchmark].record["values"]["data"])


def benjamini_hochberg(p):
    """For each p: the least level at which its step-up procedure rejects it, one after the other."""
    ordered = sorted(p)
    return [
        min(value * len(p) / (rank + 1) for rank, value in enumerate(ordered) if value >= one) for one in p
    ]  # fmt: skip


def with_values(compared, model, benchmark, change):
    """Put other similarities in place of a model's."""
    scored = compared.scored[model, benchmark]
    record = json.loads(json.dumps(scored.record))
    values = change(np.array(record["values"]["data"]))
    record["values"]["data"] = values.tolist()
    eeg = record["in_window"] is not None
    record["scored_values"]["data"] = (values.mean(axis=1) if eeg else values.max(axis=1)).tolist()
    return Comparison(
        compared.models, compared.baselines, {**compared.scored, (model, benchmark): replace(scored, record=record)}
    )


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"baselines": ()},
        {"models": PERSONAL[:1]},
        {"models": ("sim-hidden",)},
        {"models": ("sim-hidden",), "baselines": (), "benchmarks": (FMRI,)},
        {"benchmarks": (EEG,)},
        {"benchmarks": (FMRI,)},
        {"benchmarks": ("SimThingsEEG2.readout-rsa",)},
        {"n_subjects": 1},
        {"n_subjects": 2},
        {"n_subjects": 3},
        {"models": ("sim-realnet-fmri-sub01", "sim-realnet-fmri-sub02", "sim-realnet-fmri-sub03")},
        {"baselines": ("sim-realnet-fmri-sub01", "sim-realnet-fmri-sub02")},
        {"baselines": (*(f"{one}-beta10" for one in PERSONAL), "sim-realnet-eeg-beta0")},
    ],
)
def test_every_table_has_its_columns_whatever_is_compared(arguments):
    compared = comparison(**arguments)
    found = tables(compared, QUICK)
    assert list(found) == list(TABLES)
    assert {name: list(table) for name, table in found.items()} == {name: list(TABLES[name]) for name in TABLES}
    for name in ("similarities", "ceilings", "scores", "families"):
        assert len(found[name])
    assert len(summaries(compared, found)) == len(compared.models)


def test_similarities_are_those_of_the_records(compared, found):
    for benchmark, condition in ((EEG, "time"), (FMRI, "roi")):
        table = where(found["similarities"], benchmark=benchmark)
        assert len(table) == 7 * sum(1 for _ in np.nditer(compared.scored[BASELINE, benchmark].values))
        for model in (PERSONAL[3], BASELINE):
            values = compared.scored[model, benchmark].record["values"]
            rows = where(table, model=model).itertuples()
            for row, (place, similarity) in zip(rows, np.ndenumerate(np.array(values["data"])), strict=True):
                names = [values["coords"][dim][index] for dim, index in zip(values["dims"], place, strict=True)]
                assert [row.subject, row.area, getattr(row, condition), row.similarity] == [*names, similarity]
    own = where(found["similarities"], own=True)
    assert set(zip(own["model"], own["subject"], strict=True)) == {
        (model, f"sub-0{number}") for number, model in enumerate(PERSONAL, 1)
    }
    assert set(own["benchmark"]) == {EEG}
    inside = where(found["similarities"], benchmark=EEG, in_score=True)["time"].unique()
    np.testing.assert_allclose(inside, np.arange(0.05, 0.201, 0.01))


def test_ceilings_and_scores_are_those_of_the_records(compared, found):
    record = compared.scored[PERSONAL[1], EEG].record
    (row,) = where(found["scores"], model=PERSONAL[1], benchmark=EEG).to_dict("records")
    assert [row["score"], row["raw"], row["error"], row["n"]] == [record["score"], record["raw"], record["error"], 6]
    assert (row["error_over"], row["own_subject"], row["simulated"]) == ("subject", "sub-02", True)
    assert row["own_raw"] == pytest.approx(record["subjects"]["sub-02"], rel=1e-12)
    assert row["own_score"] == pytest.approx(row["own_raw"] / record["ceiling"]["upper"], rel=1e-12)
    assert where(found["scores"], benchmark=FMRI)["own_raw"].isna().all()
    record = compared.scored[PERSONAL[0], EEG].record
    bounds = where(found["ceilings"], benchmark=EEG)
    np.testing.assert_array_equal(bounds[["lower", "upper"]].to_numpy().T, record["ceiling_values"]["data"])
    assert bounds["time"].tolist() == list(TIMES)
    assert where(found["ceilings"], benchmark=FMRI)["roi"].tolist() == ["V1", "V2", "V3", "V4", "LOC"]


def literal_places(ours, theirs, inside):
    """What is tested: scope, area and time to the values of subjects."""
    areas = ("V1", "V2", "V4", "IT")
    places = {}
    for scope_of_mean, of_areas in (
        (False, [(area, [row]) for row, area in enumerate(areas)]),
        (True, [("mean", range(4))]),
    ):
        for area, rows in of_areas:
            after, before = (np.mean([values[:, row] for row in rows], axis=0) for values in (ours, theirs))
            peak = int(np.argmax(before.mean(axis=0)))
            for index, moment in enumerate(TIMES):
                places["course", area, moment] = after[:, index], before[:, index]
            places["peak", area, TIMES[peak]] = after[:, peak], before[:, peak]
            places["window", area, None] = after[:, inside].mean(axis=1), before[:, inside].mean(axis=1)
            if scope_of_mean:
                places["score", area, None] = places["window", area, None]
    return places


def test_eeg_tests_equal_scipy_and_a_literal_correction(compared, found):
    inside = np.array([0.05 <= moment <= 0.2 for moment in TIMES])
    places = literal_places(*literal_values(compared, EEG), inside)
    table = where(found["tests"], benchmark=EEG, **PAIR)
    assert len(table) == len(places) == 36 * 5 + 5 + 5 + 1
    p = {}
    for row in table.itertuples():
        key = row.scope, row.area, None if np.isnan(row.time) else row.time
        after, before = places[key]
        expected = stats.ttest_rel(after, before)
        assert [row.statistic, row.p] == pytest.approx([expected.statistic, expected.pvalue], rel=1e-9)
        assert row.difference == pytest.approx(np.mean(after - before), rel=1e-12)
        assert row.sem == pytest.approx(stats.sem(after - before), rel=1e-9)
        assert (row.n, row.df, row.unit, row.test) == (6, 5, "subject", "paired t test")
        assert row.n_positive == sum(after > before)
        p.setdefault((row.scope, row.area == "mean"), []).append(expected.pvalue)
    for (scope, mean), values in p.items():
        rows = table[(table["scope"] == scope) & ((table["area"] == "mean") == mean)]
        np.testing.assert_allclose(rows["q"], benjamini_hochberg(values), rtol=1e-9)
    assert {key: len(values) for key, values in p.items()} == {
        ("course", False): 144, ("course", True): 36, ("window", False): 4, ("window", True): 1, ("peak", False): 4,
        ("peak", True): 1, ("score", True): 1,
    }  # fmt: skip


def test_corrections_name_their_family_of_tests(found):
    table = where(found["tests"], benchmark=EEG, **PAIR)
    said = {(row.scope, row.area == "mean"): row.correction for row in table.itertuples()}
    assert said == {
        ("course", False): "BH-FDR over 4 areas x 36 times",
        ("course", True): "BH-FDR over 36 times",
        ("window", False): "BH-FDR over 4 areas",
        ("window", True): "none",
        ("peak", False): "BH-FDR over 4 areas",
        ("peak", True): "none",
        ("score", True): "none",
    }
    alone = where(table, correction="none")
    np.testing.assert_array_equal(alone["p"], alone["q"])


def test_fmri_tests_equal_scipy_over_regions_and_their_mean():
    models = ("sim-hidden",)
    compared = comparison(models=models, benchmarks=(FMRI,))
    # Five people instead of three, so that there is a test.
    scored = {
        key: replace(one, record=_five_subjects(one.record, seed), part_draws=np.empty((0, 5, 5), np.float32))
        for seed, (key, one) in enumerate(compared.scored.items())
    }
    compared = Comparison(compared.models, compared.baselines, scored)
    found = tables(compared, QUICK)
    after, before = (np.array(scored[model, FMRI].record["scored_values"]["data"]) for model in (*models, BASELINE))
    regions = where(found["tests"], scope="roi")
    assert regions["roi"].tolist() == ["V1", "V2", "V3", "V4", "LOC"]
    assert regions["area"].isna().all()
    expected = stats.ttest_rel(after, before)
    np.testing.assert_allclose(regions["statistic"], expected.statistic, rtol=1e-9)
    np.testing.assert_allclose(regions["q"], benjamini_hochberg(expected.pvalue), rtol=1e-9)
    assert set(regions["correction"]) == {"BH-FDR over 5 regions"}
    (score,) = where(found["tests"], scope="score").to_dict("records")
    assert score["p"] == pytest.approx(stats.ttest_rel(after.mean(axis=1), before.mean(axis=1)).pvalue, rel=1e-9)
    assert (score["roi"], score["correction"]) == ("mean", "none")
    assert len(found["tests"]) == 6
    assert not len(found["clusters"])
    # Without draws of stimuli, subjects alone are drawn.
    assert set(found["families"]["interval"]) == {"bootstrap over subjects alone: 50 draws of subjects, seed 0"}


def _five_subjects(record, seed):
    record = json.loads(json.dumps(record))
    rng = np.random.default_rng(seed)
    subjects = [f"sub-0{number}" for number in range(1, 6)]
    values = rng.uniform(0.1, 0.4, (5, 4, 5))
    for name, data in (("values", values), ("scored_values", values.max(axis=1))):
        record[name]["data"] = data.tolist()
        record[name]["coords"]["subject"] = subjects
    return record


def test_own_and_other_subjects_are_contrasted_subject_by_subject(compared, found):
    _, baseline = literal_values(compared, EEG)
    inside = np.array([0.05 <= moment <= 0.2 for moment in TIMES])
    every = np.array([compared.scored[model, EEG].record["values"]["data"] for model in PERSONAL])[..., inside].mean(-1)
    own = np.array([every[k, k] for k in range(6)])
    others = np.array([np.mean([every[j, k] for j in range(6) if j != k], axis=0) for k in range(6)])
    without = baseline[..., inside].mean(axis=-1)
    contrasts = {("own - others", None): (own, others), ("others - baseline", BASELINE): (others, without)}
    for (contrast, against), (after, before) in contrasts.items():
        rows = where(found["tests"], contrast=contrast, baseline=against)
        assert rows["scope"].tolist() == ["window"] * 4 + ["score"]
        expected = stats.ttest_rel(after, before)
        np.testing.assert_allclose(rows["statistic"][:4], expected.statistic, rtol=1e-8)
        np.testing.assert_allclose(rows["q"][:4], benjamini_hochberg(expected.pvalue), rtol=1e-8)
        whole = stats.ttest_rel(after.mean(axis=1), before.mean(axis=1))
        assert rows["p"].iloc[4] == pytest.approx(whole.pvalue, rel=1e-8)
    assert set(where(found["tests"], contrast="own - others")["benchmark"]) == {EEG}


def test_own_against_others_needs_no_baseline():
    found = tables(comparison(baselines=()), QUICK)
    assert set(found["tests"]["contrast"]) == {"own - others"}
    assert not len(found["improvements"])


def test_generalisation_holds_every_model_with_every_subject(compared, found):
    table = found["generalisation"]
    assert len(table) == 36
    for row in table.itertuples():
        subjects = compared.scored[row.model, EEG].record["subjects"]
        assert row.raw == pytest.approx(subjects[row.subject], rel=1e-12)
        assert row.own == (row.trained_on == row.subject)
        assert row.trained_on == "sub-" + row.model[-2:]


def literal_clusters(differences, threshold):
    """All sign flips, one after the other: clusters (start, stop, mass) and their p."""

    def runs(t):
        above = [0 if abs(one) <= threshold else int(np.sign(one)) for one in t]
        groups = [
            (side, [k for k, _ in of]) for side, of in itertools.groupby(enumerate(above), key=lambda one: one[1])
        ]
        return [(of[0], of[-1], sum(t[k] for k in of)) for side, of in groups if side]

    def t_of(values):
        return values.mean(axis=0) / (values.std(axis=0, ddof=1) / np.sqrt(len(values)))

    null = []
    for signs in itertools.product((1, -1), repeat=len(differences)):
        found = runs(t_of(np.array(signs)[:, None] * differences))
        null.append(max((abs(mass) for _, _, mass in found), default=0.0))
    return [(*run, np.mean(np.array(null) >= abs(run[2]) - 1e-9)) for run in runs(t_of(differences))]


def test_clusters_equal_all_sign_flips(compared, found):
    ours, theirs = literal_values(compared, EEG)
    threshold = stats.t.ppf(0.975, 5)
    for row, area in enumerate(("V1", "V2", "V4", "IT", "mean")):
        difference = (ours - theirs)[:, row] if row < 4 else (ours - theirs).mean(axis=1)
        expected = literal_clusters(difference, threshold)
        rows = where(found["clusters"], area=area)
        assert rows["start"].tolist() == [TIMES[start] for start, *_ in expected]
        assert rows["stop"].tolist() == [TIMES[stop] for _, stop, *_ in expected]
        np.testing.assert_allclose(rows["mass"], [mass for *_, mass, _ in expected], rtol=1e-9)
        np.testing.assert_allclose(rows["p"], [p for *_, p in expected], rtol=1e-12)
    assert set(found["clusters"]["n_permutations"]) == {64}
    assert found["clusters"]["exact"].all()
    np.testing.assert_allclose(found["clusters"]["threshold"], threshold)
    assert set(found["clusters"]["benchmark"]) == {EEG}


def test_drawn_sign_flips_depend_on_the_seed_and_say_so(compared):
    first, again, other = (
        tables(compared, Settings(permutations=50, draws=50, seed=seed))["clusters"] for seed in (3, 3, 4)
    )
    pd.testing.assert_frame_equal(first, again)
    assert not first["exact"].any()
    assert set(first["n_permutations"]) == {50}
    assert set(other["seed"]) == {4}
    assert (first["p"] != other["p"]).any()


@pytest.mark.parametrize("n_subjects", [1, 3])
def test_fewer_than_four_subjects_are_not_tested(n_subjects):
    found = tables(comparison(models=PERSONAL[:n_subjects], n_subjects=n_subjects), QUICK)
    assert not len(found["tests"])
    assert not len(found["clusters"])
    subjects = where(found["improvements_of_subjects"], scope="score", benchmark=EEG)
    assert len(subjects) == n_subjects


def test_four_subjects_are_tested():
    found = tables(comparison(models=PERSONAL[:4], n_subjects=4), QUICK)
    assert set(found["tests"]["n"]) == {4}


def test_same_models_differ_in_nothing():
    compared = comparison(models=("sim-hidden",), baselines=("sim-random",), benchmarks=(EEG,))
    values = compared.scored["sim-random", EEG].values
    found = tables(with_values(compared, "sim-hidden", EEG, lambda _: values), QUICK)
    assert (found["tests"]["statistic"] == 0).all()
    assert (found["tests"]["q"] == 1).all()
    assert len(found["tests"]) == 191
    assert not len(found["clusters"])


def test_tests_that_are_not_defined_are_left_out_and_do_not_count():
    compared = comparison(models=("sim-hidden",), baselines=("sim-random",), benchmarks=(EEG,))
    other = compared.scored["sim-random", EEG].values

    def same_difference(values):
        values[:, 1, :2] = other[:, 1, :2] + 0.25
        return values

    table = tables(with_values(compared, "sim-hidden", EEG, same_difference), QUICK)["tests"]
    course = table[(table["scope"] == "course") & (table["area"] != "mean")]
    assert len(course) == 142
    assert not len(course[(course["area"] == "V2") & (course["time"] < -0.035)])
    assert set(course["correction"]) == {"BH-FDR over 4 areas x 36 times less 2 without a test"}
    np.testing.assert_allclose(course["q"], benjamini_hochberg(course["p"].tolist()), rtol=1e-12)


def test_area_whose_differences_have_one_size_at_some_time_has_no_clusters(compared, found):
    baseline = compared.scored[BASELINE, EEG].values
    changed = compared
    for model in PERSONAL:
        changed = with_values(
            changed, model, EEG, lambda values: np.concatenate([baseline[..., :1], values[..., 1:]], -1)
        )
    # At the first time nothing differs now, in no area.
    assert len(found["clusters"])
    assert not len(tables(changed, QUICK)["clusters"])


def test_all_numbers_are_the_same_again(compared, found):
    again = tables(compared, Settings())
    for name, table in found.items():
        pd.testing.assert_frame_equal(table, again[name])


def relabelled(compared, order):
    """Call the person (and the model) that was number order[k] number k."""
    scored = {}
    for (model, benchmark), one in compared.scored.items():
        eeg = benchmark == EEG
        source = PERSONAL[order[PERSONAL.index(model)]] if model in PERSONAL else model
        old = compared.scored[source, benchmark]
        record = json.loads(json.dumps(old.record))
        record["model"] = model
        record["provenance"]["model"]["origin"] = one.record["provenance"]["model"]["origin"]
        # It is the same for all models of a real benchmark.
        record["ceiling_values"] = one.record["ceiling_values"]
        rows = list(order) if eeg else [0, 1, 2]
        for name in ("values", "scored_values"):
            record[name]["data"] = [record[name]["data"][row] for row in rows]
        scored[model, benchmark] = replace(old, record=record, part_draws=old.part_draws[:, rows])
    return Comparison(compared.models, compared.baselines, scored)


@settings(max_examples=6, deadline=None)
@given(order=st.permutations(range(6)))
def test_relabelling_subjects_changes_no_statistic(order):
    compared = comparison()
    first, second = tables(compared, QUICK), tables(relabelled(compared, order), QUICK)
    drawn = ["low", "high"]  # other subjects are drawn
    for name in ("tests", "clusters", "improvements", "families", "correlations"):
        kept = [column for column in first[name] if column not in drawn]
        pd.testing.assert_frame_equal(first[name][kept], second[name][kept], rtol=1e-8, atol=1e-12)


def test_thirty_models_have_all_their_rows():
    models = [f"{one[:23]}{option}" for option in ("", "-beta10", "-nocont") for one in _ten()]
    compared = comparison(tuple(models), ("sim-realnet-eeg-beta0", BASELINE), n_subjects=10, n_images=200)
    scored = {key: replace(one, part_draws=np.tile(one.part_draws, (10, 1, 1))) for key, one in compared.scored.items()}
    compared = Comparison(compared.models, compared.baselines, scored)
    found = tables(compared, Settings())
    assert len(where(found["tests"], scope="course")) == 3 * 2 * 36 * 5
    assert len(where(found["variability"], benchmark=EEG, family=FAMILY, area="IT")) == 45


def _ten():
    return [f"sim-realnet-eeg-sub{number:02d}" for number in range(1, 11)]


@pytest.mark.parametrize("wrong", [{"permutations": 0}, {"draws": 1}, {"seed": -1}, {"draws": 10.5}])
def test_settings_that_mean_nothing_are_refused(wrong):
    with pytest.raises(BadInputError, match=r"whole numbers: at least 1 permutation"):
        Settings(**wrong)
