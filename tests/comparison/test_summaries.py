"""Sentences that say what a comparison shows."""

import json
import re
from dataclasses import replace

import numpy as np
import pytest
from synthetic_comparison import EEG, FMRI, comparison

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.summaries import summaries
from brainscore_realnet.comparison.tables import tables

BASELINE = "sim-cornet-s-narrow"
PERSONAL = tuple(f"sim-realnet-eeg-sub{number:02d}" for number in range(1, 7))
QUICK = Settings(draws=20)


def sentences(compared, settings=QUICK):
    return summaries(compared, tables(compared, settings))


def row_of(table, **wanted):
    for column, value in wanted.items():
        table = table[table[column] == value]
    (row,) = table.to_dict("records")
    return row


def test_sentence_holds_the_numbers_of_the_tables():
    compared = comparison(benchmarks=(EEG,))
    found = tables(compared, QUICK)
    (sentence,) = summaries(compared, found)
    gain, test = (row_of(found[name], scope="score", **wanted) for name, wanted in (
        ("improvements", {}), ("tests", {"contrast": "family - baseline"}),
    ))  # fmt: skip
    course = found["tests"].query("scope == 'course' and area != 'mean' and q < 0.05 and difference > 0")
    most = course.loc[course["difference"].idxmax()]
    assert sentence == (
        "Simulated: sim-realnet-eeg (6 personal models) is more similar to its own 6 subjects' EEG than "
        f"sim-cornet-s-narrow on SimThingsEEG2-rsa: +{gain['difference']:.3f} (+{100 * gain['ratio']:.1f} %), paired "
        f"t(5) = {test['statistic']:.2f}, p < .001 (uncorrected), higher at {len(course)} of 144 areas × times "
        f"(BH-FDR, q < .05), most in {most['area']} at {1000 * most['time']:.0f} ms."
    )
    assert test["p"] < 0.001


def test_difference_that_is_not_significant_is_called_so():
    (sentence,) = sentences(comparison(benchmarks=(EEG,), gain=0.0))
    assert "is not significantly more or less similar to" in sentence
    assert re.search(
        r"p = \.\d+ \(uncorrected\), significant at none of 144 areas × times \(BH-FDR, q < \.05\)", sentence
    )


def test_lower_similarity_is_called_lower():
    compared = comparison(models=(BASELINE,), baselines=PERSONAL, benchmarks=(EEG,))
    better = comparison(benchmarks=(EEG,)).scored
    (sentence,) = sentences(Comparison(compared.models, compared.baselines, better))
    assert "is less similar to the EEG of 6 subjects than sim-realnet-eeg" in sentence
    assert re.search(r": −0\.\d+ \(−\d+\.\d %\), paired t\(5\) = −\d", sentence)
    assert re.search(r"lower at \d+ of 144", sentence)


def test_three_subjects_are_counted_and_not_tested():
    (sentence,) = sentences(comparison(benchmarks=(FMRI,)))
    assert "is on average more similar to the fMRI of 3 subjects than" in sentence
    assert sentence.endswith("higher in 3 of 3 subjects, no test with so few.")
    assert "paired" not in sentence


def test_benchmarks_are_joined_and_families_have_a_sentence_each():
    models = (*PERSONAL, "sim-hidden")
    found = sentences(comparison(models=models, baselines=(BASELINE, "sim-random")))
    assert [sentence.split()[1] for sentence in found] == ["sim-realnet-eeg", "sim-hidden"]
    for sentence in found:
        assert sentence.count("; ") == 3
        assert sentence.count(f"than {BASELINE} on ") == sentence.count("than sim-random on ") == 2
    assert "sim-hidden is" in found[1]


def test_without_a_baseline_the_scores_are_told():
    compared = comparison(baselines=(), benchmarks=(EEG,))
    of = row_of(tables(compared, QUICK)["families"])
    lower, upper = compared.benchmarks[0].score_ceiling
    assert sentences(compared) == [
        f"Simulated: sim-realnet-eeg (6 personal models) scores {of['score']:.3f} on SimThingsEEG2-rsa (similarity "
        f"{of['raw']:.3f} to its own 6 subjects' EEG, 95 % interval {of['low']:.3f} to {of['high']:.3f}; noise ceiling "
        f"{lower:.3f} to {upper:.3f}), without a baseline."
    ]


def test_one_subject_is_named_as_one():
    compared = comparison(models=("sim-hidden",), n_subjects=1, benchmarks=(EEG,))
    assert re.search(
        r"the EEG of 1 subject than .* in [01] of 1 subject, no test with so few\.", sentences(compared)[0]
    )


def test_regions_are_counted_where_enough_people_were_measured():
    compared = comparison(models=("sim-hidden",), benchmarks=(FMRI,))
    people = [f"sub-0{number}" for number in range(1, 6)]
    rng = np.random.default_rng(1)
    baseline = rng.uniform(0.2, 0.3, (5, 5))
    ours = baseline + rng.normal(scale=0.01, size=(5, 5)) + [0.0, 0.1, 0.2, 0.0, -0.1]
    scored = {}
    for (model, benchmark), one in compared.scored.items():
        record = json.loads(json.dumps(one.record))
        scores = ours if model == "sim-hidden" else baseline
        for name, data in (("values", np.stack([scores] * 4, axis=1)), ("scored_values", scores)):
            record[name]["data"] = data.tolist()
            record[name]["coords"]["subject"] = people
        scored[model, benchmark] = replace(one, record=record, part_draws=np.empty((0, 5, 5), np.float32))
    (sentence,) = sentences(Comparison(compared.models, compared.baselines, scored))
    assert "the fMRI of 5 subjects" in sentence
    assert sentence.endswith("higher in 2 and lower in 1 of 5 regions (BH-FDR, q < .05), most in V3.")


def test_same_difference_in_all_subjects_has_no_t():
    compared = comparison(models=("sim-hidden",), baselines=("sim-random",), benchmarks=(EEG,))
    record = json.loads(json.dumps(compared.scored["sim-random", EEG].record))
    record["values"]["data"] = (compared.scored["sim-random", EEG].values + 0.25).tolist()
    ours = replace(compared.scored["sim-hidden", EEG], record=record)
    scored = {**compared.scored, ("sim-hidden", EEG): ours}
    (sentence,) = sentences(Comparison(compared.models, compared.baselines, scored))
    assert "+0.250" in sentence
    assert "higher in 6 of 6 subjects, the same difference in all, so that t is not defined" in sentence


@pytest.mark.parametrize(("simulated", "start"), [(True, "Simulated: "), (False, "sim-hidden ")])
def test_real_results_are_not_called_simulated(simulated, start):
    compared = comparison(models=("sim-hidden",), benchmarks=(EEG,))
    scored = {}
    for key, one in compared.scored.items():
        provenance = {**one.record["provenance"], "simulated": simulated and key[0] == BASELINE}
        scored[key] = replace(one, record={**one.record, "provenance": provenance})
    assert sentences(Comparison(compared.models, compared.baselines, scored))[0].startswith(start)
