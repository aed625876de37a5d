"""What is computed over the models of a family: modalities, variability, variants."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats
from synthetic_comparison import EEG, FMRI, comparison

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.tables import tables
from brainscore_realnet.comparison.tables.modalities import correlations
from brainscore_realnet.comparison.tables.variability import dissimilarities
from brainscore_realnet.comparison.tables.variants import Variant

BASELINE = "sim-cornet-s-narrow"
QUICK = Settings(draws=20)


def personal(count, option="", kind="eeg"):
    return tuple(f"sim-realnet-{kind}-sub{number:02d}{option}" for number in range(1, count + 1))


def raw_of(compared, model, benchmark):
    return np.array(list(compared.scored[model, benchmark].record["subjects"].values()))


def test_modalities_take_the_own_subject_where_it_was_measured():
    compared = comparison()
    table = tables(compared, QUICK)["modalities"]
    assert table["model"].tolist() == list(personal(6))
    for row, (_, found) in enumerate(table.iterrows()):
        eeg, fmri = (raw_of(compared, found["model"], name) - raw_of(compared, BASELINE, name) for name in (EEG, FMRI))
        assert found["eeg_improvement"] == pytest.approx(eeg[row], rel=1e-9)
        assert found["fmri_improvement"] == pytest.approx(fmri.mean(), rel=1e-9)


def test_personal_baseline_is_taken_subject_by_subject():
    compared = comparison(baselines=personal(6, "-nocont"))
    table = tables(compared, QUICK)["modalities"]
    for row, model in enumerate(personal(6)):
        expected = raw_of(compared, model, EEG)[row] - raw_of(compared, f"{model}-nocont", EEG)[row]
        assert table["eeg_improvement"].iloc[row] == pytest.approx(expected, rel=1e-9)


def test_correlations_over_models_equal_scipy():
    compared = comparison(models=personal(9), n_subjects=9)
    found = tables(compared, QUICK)
    x, y = found["modalities"]["eeg_improvement"], found["modalities"]["fmri_improvement"]
    for row, expected in zip(
        found["correlations"].itertuples(), (stats.pearsonr(x, y), stats.spearmanr(x, y)), strict=True
    ):
        assert (row.n, row.unit) == (9, "model")
        assert [row.statistic, row.p] == pytest.approx([expected.statistic, expected.pvalue], rel=1e-9)


def test_spearman_of_few_models_is_tested_by_all_permutations():
    found = tables(comparison(models=personal(5)), QUICK)
    x, y = (found["modalities"][f"{kind}_improvement"].to_numpy() for kind in ("eeg", "fmri"))
    rho = stats.spearmanr(x, y).statistic
    every = [stats.spearmanr(x[list(order)], y).statistic for order in itertools.permutations(range(5))]
    row = found["correlations"].iloc[1]
    assert row["statistic"] == pytest.approx(rho)
    # Both tails, each counted once and the larger probability taken twice, as scipy defines two-sided.
    tails = [np.mean(np.array(every) >= rho - 1e-9), np.mean(np.array(every) <= rho + 1e-9)]
    assert row["p"] == pytest.approx(min(1, 2 * min(tails)))


def test_perfect_order_of_four_models_is_not_significant():
    rows = [
        {
            "family": "a", "baseline": "b", "eeg_benchmark": "c", "fmri_benchmark": "d",
            "eeg_improvement": float(number), "fmri_improvement": float(number**2),
        }
        for number in range(4)
    ]  # fmt: skip
    found = {row["test"]: row for row in correlations(rows)}
    assert found["Spearman correlation over models"]["statistic"] == 1
    assert found["Spearman correlation over models"]["p"] == pytest.approx(2 / 24)
    assert not list(correlations([{**row, "fmri_improvement": 0.1} for row in rows]))


@pytest.mark.parametrize(
    "arguments", [{"models": personal(3)}, {"benchmarks": (EEG,)}, {"models": ("sim-hidden",)}, {"baselines": ()}]
)
def test_modalities_need_four_personal_models_both_signals_and_a_baseline(arguments):
    found = tables(comparison(**arguments), QUICK)
    assert not len(found["modalities"])
    assert not len(found["correlations"])


def test_variability_is_one_minus_spearman_of_every_pair():
    compared = comparison(models=personal(4), n_images=15)
    table = tables(compared, QUICK)["variability"]
    assert len(table) == 2 * 4 * 6
    for row in table.itertuples():
        area = ("V1", "V2", "V4", "IT").index(row.area)
        pair = [compared.scored[model, row.benchmark].model_rdms[area] for model in (row.model_a, row.model_b)]
        assert row.dissimilarity == pytest.approx(1 - stats.spearmanr(*pair).statistic, abs=1e-12)
        assert row.depth == area + 1
    pairs = set(zip(table["model_a"], table["model_b"], strict=True))
    assert pairs == set(itertools.combinations(personal(4), 2))


def test_ties_share_their_ranks_and_constant_rdms_have_no_correlation():
    rdms = np.random.default_rng(0).integers(0, 4, (3, 40)).astype(np.float32)
    found = dissimilarities(np.concatenate([rdms, np.ones((1, 40), np.float32)]))
    np.testing.assert_allclose(found[:3, :3], 1 - stats.spearmanr(rdms.T).statistic, atol=1e-12)
    assert np.isnan(found[3]).all()


def test_models_of_no_subject_have_no_variability():
    assert not len(tables(comparison(models=("sim-hidden", "sim-random")), QUICK)["variability"])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("realnet-eeg", ("realnet-eeg", 100, "none")),
        ("realnet-eeg-beta10", ("realnet-eeg", 10, "none")),
        ("realnet-eeg-beta0.5", ("realnet-eeg", 0.5, "none")),
        ("realnet-eeg-beta1e-05", ("realnet-eeg", 1e-5, "none")),
        ("realnet-eeg-beta0", ("realnet-eeg", 0, "beta0")),
        ("realnet-eeg-nocont", ("realnet-eeg", 100, "nocont")),
        ("realnet-eeg-unpaired", ("realnet-eeg", 100, "unpaired")),
        ("realnet-eeg-all", ("realnet-eeg", 100, "all")),
        ("realnet-eeg-beta10-nocont", ("realnet-eeg", 10, "nocont")),
        ("realnet-eeg-beta0-seed1", ("realnet-eeg", 0, "beta0-seed1")),
        ("realnet-fmri", ("realnet-fmri", 40, "none")),
        ("realnet-fmri-beta50", ("realnet-fmri", 50, "none")),
        ("sim-realnet-eeg-epochs5", ("sim-realnet-eeg", 100, "epochs5")),
    ],
)
def test_names_tell_recipe_beta_and_control(name, expected):
    assert Variant.of(name) == Variant(*expected)


@pytest.mark.parametrize("name", ["cornet-s", "realnet", "realnet-eegs", "my-realnet-eeg"])
def test_other_names_are_no_variants(name):
    assert Variant.of(name) is None


def test_variants_of_a_recipe_are_compared_on_the_same_subjects():
    models = (*personal(6), *personal(4, "-beta10"))
    compared = comparison(models=models, baselines=("sim-realnet-eeg-beta0", BASELINE), benchmarks=(EEG,))
    found = tables(compared, QUICK)
    table = found["variants"]
    assert table[["family", "measure", "n"]].to_numpy().tolist() == [
        ["sim-realnet-eeg", "score", 4],
        ["sim-realnet-eeg", "variability", 15],
        ["sim-realnet-eeg-beta10", "score", 4],
        ["sim-realnet-eeg-beta10", "variability", 6],
        ["sim-realnet-eeg-beta0", "score", 4],
    ]
    assert set(table["recipe"]) == {"sim-realnet-eeg"}
    scores = table[table["measure"] == "score"]
    assert scores[["beta", "control"]].to_numpy().tolist() == [[100, "none"], [10, "none"], [0, "beta0"]]
    own = [raw_of(compared, model, EEG)[row] for row, model in enumerate(personal(4, "-beta10"))]
    assert scores["value"].iloc[1] == pytest.approx(np.mean(own), rel=1e-9)
    assert scores["sem"].iloc[1] == pytest.approx(stats.sem(own), rel=1e-9)
    control = raw_of(compared, "sim-realnet-eeg-beta0", EEG)[:4]
    assert scores["value"].iloc[2] == pytest.approx(control.mean(), rel=1e-9)
    variability = found["variability"][found["variability"]["family"] == "sim-realnet-eeg"]
    assert table["value"].iloc[1] == pytest.approx(variability["dissimilarity"].mean(), rel=1e-12)


def test_single_family_of_a_recipe_has_no_variants():
    assert not len(tables(comparison(), QUICK)["variants"])


@pytest.mark.parametrize("where", ["recipe", "card"])
def test_beta_of_the_provenance_counts_more_than_the_name(where):
    compared = comparison(models=personal(4), baselines=("sim-realnet-eeg-beta0",), benchmarks=(EEG,))
    recipe = {"beta": 25.0}
    scored = {}
    for (model, benchmark), one in compared.scored.items():
        provenance = one.record["provenance"]
        added = {"recipe": recipe} if where == "recipe" else {"card": {"recipe": recipe}}
        about = {**provenance["model"], "origin": {**provenance["model"]["origin"], **added}}
        changed = {**one.record, "provenance": {**provenance, "model": about}}
        scored[model, benchmark] = replace(one, record=changed) if model in personal(4) else one
    table = tables(Comparison(compared.models, compared.baselines, scored), QUICK)["variants"]
    assert set(table["beta"]) == {25, 0}
