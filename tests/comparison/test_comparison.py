"""Families of personal models, and their similarities matched with subjects."""

import copy
from dataclasses import replace

import numpy as np
import pytest
from synthetic_comparison import EEG, FMRI, comparison

from brainscore_realnet.comparison.families import families, require_matching
from brainscore_realnet.comparison.scored import Scored
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.tables import tables
from brainscore_realnet.errors import BadFileError, BadInputError


def test_personal_models_of_one_recipe_are_a_family():
    names = ["realnet-eeg-sub02", "cornet-s", "realnet-eeg-sub01", "realnet-eeg-sub01-beta10", "realnet-eeg-beta0"]
    found = {family.name: family for family in families(names, "model")}
    assert list(found) == ["realnet-eeg", "cornet-s", "realnet-eeg-beta10", "realnet-eeg-beta0"]
    assert found["realnet-eeg"].models == ("realnet-eeg-sub01", "realnet-eeg-sub02")
    assert found["realnet-eeg"].subjects == ("sub-01", "sub-02")
    assert found["realnet-eeg"].model_of("sub-02") == "realnet-eeg-sub02"
    assert not found["cornet-s"].personal


def test_baseline_without_a_subject_is_refused():
    models = families([f"realnet-eeg-sub{number:02d}" for number in (1, 2, 3)], "model")
    lacking = families(["realnet-eeg-sub01-unpaired", "realnet-eeg-sub03-unpaired"], "baseline")
    with pytest.raises(BadInputError, match=r"sub-02 is missing\. Add its model"):
        require_matching(models, lacking)
    require_matching(models, families(["cornet-s", "realnet-fmri-sub01"], "baseline"))


def test_two_families_of_one_name_are_refused():
    personal = [f"sim-mine-sub{number:02d}" for number in (1, 2)]
    mixed = families(["sim-mine", *personal], "model")
    assert [(family.models, family.subjects) for family in mixed] == [
        (("sim-mine",), ()),
        (tuple(personal), ("sub-01", "sub-02")),
    ]
    with pytest.raises(BadInputError, match="several families called sim-mine"):
        require_matching(mixed, ())
    with pytest.raises(BadInputError, match="several families called sim-mine"):
        require_matching(families(["sim-mine"], "model"), families(personal, "baseline"))


def test_subjects_are_named_alike_however_their_numbers_are_written():
    (family,) = families(["sim-mine-sub2", "sim-mine-sub010"], "model")
    assert family.subjects == ("sub-02", "sub-10")


def test_model_among_the_baselines_is_refused():
    with pytest.raises(BadInputError, match="cornet-s as model and as baseline"):
        require_matching(families(["cornet-s"], "model"), families(["cornet-s"], "baseline"))


def test_own_subjects_are_matched_and_others_averaged_over_models():
    compared = comparison()
    (family,), (baseline,) = compared.models, compared.baselines
    eeg, fmri = compared.benchmark(EEG), compared.benchmark(FMRI)
    mine = compared.matched(family, eeg)
    assert mine.own
    for row, model in enumerate(family.models):
        np.testing.assert_array_equal(mine.values[row], compared.scored[model, EEG].values[row])
        np.testing.assert_allclose(mine.part_draws[:, row], compared.scored[model, EEG].part_draws[:, row], atol=1e-7)
    across = compared.matched(family, fmri)
    assert (across.own, across.subjects, across.n_models) == (False, fmri.subjects, 6)
    every = np.mean([compared.scored[model, FMRI].scored_values for model in family.models], axis=0)
    np.testing.assert_allclose(across.scored_values, every, atol=1e-12)
    ours, theirs = compared.against(family, baseline, eeg)
    assert ours.subjects == theirs.subjects
    matrix = compared.generalisation(family, eeg)
    np.testing.assert_allclose(np.diag(matrix), ours.raw, atol=1e-12)
    assert compared.generalisation(baseline, eeg) is None


def test_baseline_is_taken_on_the_subjects_of_the_models():
    compared = comparison(models=("sim-realnet-eeg-sub02", "sim-realnet-eeg-sub05"))
    ours, theirs = compared.against(compared.models[0], compared.baselines[0], compared.benchmark(EEG))
    assert ours.subjects == theirs.subjects == ("sub-02", "sub-05")
    assert ours.own
    assert not theirs.own


def test_a_single_personal_model_is_compared_on_all_subjects():
    compared = comparison(models=("sim-realnet-eeg-sub02",))
    assert compared.matched(compared.models[0], compared.benchmark(EEG)).subjects == compared.benchmark(EEG).subjects


def test_models_trained_on_a_prepared_set_meet_the_same_people():
    compared = comparison()
    scored = dict(compared.scored)
    for model in compared.models[0].models:
        trained_on = {**scored[model, EEG].trained_on, "dataset": "sim-things-eeg2-mvnn-training-100hz"}
        scored[model, EEG] = with_training(scored[model, EEG], trained_on)
    changed = replace(compared, scored=scored)
    assert changed.own_subjects(changed.models[0], changed.benchmark(EEG)) == changed.models[0].subjects
    np.testing.assert_array_equal(
        changed.matched(changed.models[0], changed.benchmark(EEG)).values,
        compared.matched(compared.models[0], compared.benchmark(EEG)).values,
    )


def test_model_whose_card_names_another_subject_than_its_identifier_is_refused():
    compared = comparison()
    model = compared.models[0].models[1]
    other = with_training(compared.scored[model, EEG], {"dataset": "sim-things-eeg2", "subject": "sub-04"})
    changed = replace(compared, scored={**compared.scored, (model, EEG): other})
    with pytest.raises(BadInputError, match=f"{model}, which was trained on sub-04: expected sub-02"):
        changed.matched(changed.models[0], changed.benchmark(EEG))


def test_benchmark_of_some_subjects_meets_their_models_alone():
    compared = comparison(benchmarks=(EEG,), n_subjects=4)
    (family,), (benchmark,) = compared.models, compared.benchmarks
    assert len(family.models) == 6
    mine = compared.matched(family, benchmark)
    assert (mine.own, mine.subjects) == (True, ("sub-01", "sub-02", "sub-03", "sub-04"))
    assert compared.generalisation(family, benchmark).shape == (4, 4)
    tables_of = tables(compared, Settings(draws=20))
    assert set(tables_of["generalisation"]["trained_on"]) == set(mine.subjects)
    assert set(tables_of["tests"]["n"]) == {4}
    one = comparison(benchmarks=(EEG,), n_subjects=1)
    alone = one.matched(one.models[0], one.benchmarks[0])
    assert (alone.own, alone.subjects) == (True, ("sub-01",))
    np.testing.assert_array_equal(alone.values, one.scored[one.models[0].models[0], EEG].values)
    assert one.generalisation(one.models[0], one.benchmarks[0]) is None


def with_training(scored, trained_on):
    """Give a score whose model says that it was trained on something else."""
    record = copy.deepcopy(scored.record)
    record["provenance"]["model"]["origin"]["trained_on"] = trained_on
    return replace(scored, record=record)


def test_scores_survive_their_file(tmp_path):
    scored = comparison().scored["sim-cornet-s-narrow", EEG]
    scored.save(tmp_path / "score.npz")
    again = Scored.load(tmp_path / "score.npz")
    assert (again.record, again.recordings) == (scored.record, scored.recordings)
    for name in ("part_draws", "model_rdms", "neural_rdms"):
        np.testing.assert_array_equal(getattr(again, name), getattr(scored, name))
    whole = (tmp_path / "score.npz").read_bytes()
    (tmp_path / "score.npz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadFileError, match="cannot be read"):
        Scored.load(tmp_path / "score.npz")
