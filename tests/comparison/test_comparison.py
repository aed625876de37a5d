"""Families of personal models, and their similarities matched with subjects."""

import numpy as np
import pytest
from synthetic_comparison import EEG, FMRI, comparison

from brainscore_realnet.comparison.families import families, require_matching
from brainscore_realnet.comparison.scored import Scored
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
