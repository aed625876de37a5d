import inspect
import json
import re
import subprocess
import sys
from dataclasses import fields

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.scoring.identifiers import package_identifiers
from brainscore_realnet.training.recipes import (
    REALNET_EEG,
    REALNET_FMRI,
    RECIPES,
    RELEASED,
    SIM_REALNET_EEG,
    SIM_REALNET_FMRI,
    Recipe,
    controls,
)

SUBJECT = REALNET_EEG.changed(subject=1)
SIM_SUBJECT = SIM_REALNET_EEG.changed(subject=1)
CHANGES = {
    "subject": st.sampled_from([None, 1, 10]),
    "layers": st.sampled_from([None, ("V1",), ("V1", "IT"), ("IT", "V1")]),
    "backbone": st.sampled_from(["cornet_s", "resnet_101"]),
    "image_size": st.sampled_from([64, 224]),
    "beta": st.sampled_from([1, 2.5, 100.0, 1e-7, 1e20]),
    "contrastive": st.sampled_from(["spearman", "pearson", "published", "none"]),
    "unpaired": st.booleans(),
    "window": st.sampled_from([(0, 0.2), (-0.1, 0.2), (0.05, 0.2)]),
    "epochs": st.sampled_from([1, 30]),
    "learning_rate": st.sampled_from([2e-5, 2e-6]),
    "adam_betas": st.sampled_from([(0.9, 0.999), (0.5, 0.9)]),
    "clip_norm": st.sampled_from([None, 1, 0.5]),
    "holdout": st.sampled_from([0, 0.05]),
    "precision": st.sampled_from(["bf16", "fp32"]),
    "seed": st.sampled_from([0, 1]),
    "checkpoint_every": st.sampled_from([10, 1000]),
}
RECIPE = st.fixed_dictionaries({}, optional=CHANGES).map(lambda changes: REALNET_EEG.changed(**changes))


def test_recipes_are_those_of_the_papers():
    for recipe, beta, epochs, dataset in ((REALNET_EEG, 100, 30, "things-eeg2"), (REALNET_FMRI, 40, 5, "shen2019")):
        assert (recipe.beta, recipe.epochs, recipe.dataset) == (beta, epochs, dataset)
        assert (recipe.batch_size, recipe.learning_rate, recipe.hidden) == (16, 2e-5, 128)
        assert (recipe.contrastive, recipe.clip_norm, recipe.image_size) == ("spearman", None, 224)
        assert (recipe.reference, recipe.holdout) == (False, 0.05)
    assert (REALNET_EEG.window, REALNET_EEG.n_components) == ((0.0, 0.2), None)
    assert (REALNET_FMRI.window, REALNET_FMRI.n_components) == (None, 1024)


@pytest.mark.parametrize(("family", "n_subjects"), [("realnet-eeg", 10), ("realnet-fmri", 3)])
def test_recipes_and_controls_are_exactly_the_registered_models(own_store, family, n_subjects):
    ours = set()
    for subject in range(1, n_subjects + 1):
        recipe = RECIPES[family].changed(subject=subject)
        ours |= {recipe.identifier, *(control.identifier for control in controls(recipe).values())}
    assert ours == {name for name in package_identifiers("model") if name.startswith(f"{family}-")}


def test_controls_say_what_they_vary():
    found = controls(SUBJECT)
    assert list(found) == ["beta1", "beta10", "beta1000", "beta0", "nocont", "unpaired", "all"]
    changed = {name: set(SUBJECT.differences(control)) for name, control in found.items()}
    assert changed == {
        "beta1": {"beta"},
        "beta10": {"beta"},
        "beta1000": {"beta"},
        "beta0": {"beta", "subject"},
        "nocont": {"contrastive"},
        "unpaired": {"unpaired"},
        "all": {"subject"},
    }
    assert "beta10" not in controls(SUBJECT.changed(beta=10))
    assert "unpaired" not in controls(SUBJECT.changed(unpaired=True))
    assert list(controls(REALNET_FMRI.changed(subject=1))) == ["beta10", "beta20", "beta30", "beta50", "beta0"]


def test_control_without_signals_has_no_controls():
    with pytest.raises(BadInputError, match="realnet-eeg-beta0, which is a control"):
        controls(REALNET_EEG.changed(beta=0))


@pytest.mark.parametrize(
    ("recipe", "changes", "identifier"),
    [
        (SUBJECT, {}, "realnet-eeg-sub01"),
        (SUBJECT, {"beta": 10, "contrastive": None}, "realnet-eeg-sub01-beta10-nocont"),
        (SIM_SUBJECT, {"dataset": "sim-things-eeg2-0123abc"}, "sim-realnet-eeg-sub01"),
        (SIM_SUBJECT, {"dataset": "sim-things-eeg2", "subject": 12}, "sim-realnet-eeg-sub12"),
        (SUBJECT, {"dataset": "things-eeg2-mvnn-training-250hz"}, "realnet-eeg-sub01-mvnn-training-250hz"),
        (SIM_SUBJECT, {"dataset": "sim-things-eeg2-1-mvnn-none-100hz"}, "sim-realnet-eeg-sub01-mvnn-none-100hz"),
        (SIM_SUBJECT, {"dataset": "sim-raw"}, "sim-realnet-eeg-sub01-raw"),
        (SUBJECT, {"backbone": "resnet_101", "seed": 3}, "realnet-eeg-sub01-resnet_101-seed3"),
        (SUBJECT, {"backbone": "hf-hub:timm/tiny"}, "realnet-eeg-sub01-hf-hub_timm_tiny"),
        (SUBJECT, {"reference": True}, "realnet-eeg-sub01-reference"),
        (SUBJECT, {"reference": True, "learning_rate": 2e-6}, "realnet-eeg-sub01-learningrate2e-06-reference"),
        (SUBJECT, {"window": (0.05, 0.2)}, "realnet-eeg-sub01-window0.05-0.2s"),
        (REALNET_EEG, {"beta": 0, "seed": 1}, "realnet-eeg-beta0-seed1"),
        (REALNET_FMRI, {"subject": 5, "dataset": "horikawa2017"}, "realnet-fmri-sub05-horikawa2017"),
        (SIM_REALNET_FMRI, {"dataset": "sim-horikawa2017-1"}, "sim-realnet-fmri-all-horikawa2017-1"),
        (REALNET_FMRI, {"n_components": 8}, "realnet-fmri-all-ncomponents8"),
    ],
)
def test_identifier_names_what_differs_from_the_paper(recipe, changes, identifier):
    assert recipe.changed(**changes).identifier == identifier


@settings(max_examples=300, deadline=None)
@given(one=RECIPE, other=RECIPE)
def test_identifiers_are_equal_exactly_when_results_are(one, other):
    assert (one.identifier == other.identifier) is (one.digest == other.digest)
    assert (one.digest == other.digest) is (set(one.differences(other)) <= {"checkpoint_every"})
    assert re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", one.identifier)


@settings(max_examples=50, deadline=None)
@given(recipe=RECIPE)
def test_recipes_survive_json(recipe):
    again = Recipe.from_record(json.loads(json.dumps(recipe.record())))
    assert again == recipe
    assert (again.digest, again.identifier) == (recipe.digest, recipe.identifier)


def test_without_signals_what_is_about_signals_changes_nothing():
    control = REALNET_EEG.changed(beta=0)
    same = control.changed(contrastive="pearson", hidden=64, layers=("IT",), window=(0, 0.1), checkpoint_every=5)
    assert (same.digest, same.identifier) == (control.digest, control.identifier)
    assert control.digest not in (REALNET_EEG.digest, control.changed(seed=1).digest)


def test_equal_numbers_of_other_types_are_one_recipe():
    given_otherwise = Recipe(
        subject=np.int64(1), beta=np.float32(100), window=[0, np.float64(0.2)], contrastive="spearman", layers=["V1"]
    )
    plain = SUBJECT.changed(layers=("V1",))
    assert given_otherwise == plain
    assert given_otherwise.digest == plain.digest
    assert type(given_otherwise.beta) is float
    assert hash(given_otherwise) == hash(plain)


def test_reference_is_the_released_code_and_names_its_departures():
    recipe = SUBJECT.changed(reference=True)
    assert {name: getattr(recipe, name) for name in RELEASED} == RELEASED
    assert recipe.learning_rate == SUBJECT.learning_rate
    told = "\n".join(recipe.departures)
    for about in ("batch norm", "train mode", "test images", "no gradient", "learning rate: 2e-05"):
        assert about in told
    assert SUBJECT.departures == ()
    without_term = SUBJECT.changed(contrastive="none").changed(reference=True)
    assert without_term.contrastive == "none"
    assert "no gradient" not in "\n".join(without_term.departures)


@pytest.mark.parametrize("changes", [{"contrastive": "spearman"}, {"holdout": 0.05}, {"precision": "bf16"}])
def test_reference_with_what_the_released_code_has_not_is_refused(changes):
    with pytest.raises(BadInputError, match=rf"{next(iter(changes))} = .* with reference = True \(expected"):
        SUBJECT.changed(reference=True, **changes)


BAD = {
    "signal": ["meg", None, ["eeg"]],
    "dataset": ["", "a b", "../x", None, ".hidden"],
    "subject": [0, -1, 1.5, "1", True],
    "backbone": ["", " ", None],
    "layers": [(), "V1", ("V1", "V1"), ("",), 4],
    "image_size": [0, 224.0],
    "beta": [-1, float("nan"), float("inf"), "100", None, True, 10**400, 1j],
    "contrastive": ["kendall", 0, False],
    "unpaired": [1, "yes", None],
    "hidden": [0, 1.5],
    "window": [(0.2, 0.0), (0.1, 0.1), (0.1,), ("a", "b"), 3, (0, float("nan"))],
    "n_components": [0, -5, "many"],
    "epochs": [0, 2.5],
    "batch_size": [1, 0],
    "learning_rate": [0, -1e-5, None],
    "adam_betas": [(0.9,), (0.9, 1.0), (-0.1, 0.9)],
    "adam_epsilon": [0],
    "weight_decay": [-0.1],
    "clip_norm": [0, -1, "off"],
    "holdout": [-0.1, 0.6, None],
    "precision": ["fp16", 32],
    "seed": [-1, 2**32, 0.5],
    "reference": [1, None],
    "checkpoint_every": [0, -1],
}


def test_every_field_has_bad_values_to_be_tested_and_a_documentation():
    assert set(BAD) == {field.name for field in fields(Recipe)}
    text = inspect.getsource(Recipe)
    for field in fields(Recipe):
        assert re.search(rf'^    {field.name}: .*\n    """\S', text, re.MULTILINE), field.name


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_bad_values_are_refused_by_name(name, value):
    with pytest.raises(BadInputError, match=rf"(?s){name} = .*\(expected .+\)"):
        REALNET_EEG.changed(**{name: value})


def test_all_bad_values_are_named_at_once():
    with pytest.raises(BadInputError) as error:
        SUBJECT.changed(beta=-1, batch_size=1, epochs=0)
    assert all(f"{name} = " in str(error.value) for name in ("beta", "batch_size", "epochs"))


@pytest.mark.parametrize(
    ("recipe", "changes", "message"),
    [
        (SUBJECT, {"beta": 0}, "subject = 1 with beta = 0"),
        (REALNET_EEG, {"beta": 0, "unpaired": True}, "unpaired = True with beta = 0"),
        (REALNET_EEG, {"dataset": "shen2019"}, "dataset = 'shen2019' with signal = 'eeg'"),
        (REALNET_FMRI, {"dataset": "things-eeg2"}, "dataset = 'things-eeg2' with signal = 'fmri'"),
        (REALNET_EEG, {"window": None}, r"window = None with signal = 'eeg' \(expected a value\)"),
        (REALNET_EEG, {"n_components": 5}, r"n_components = 5 with signal = 'eeg' \(expected None\)"),
        (REALNET_FMRI, {"window": (0, 0.2)}, "window = .* with signal = 'fmri'"),
        (REALNET_EEG, {"subject": 11}, r"subject = 11 \(expected 1 to 10, the subjects of things-eeg2\)"),
        (REALNET_FMRI, {"subject": 4}, r"subject = 4 \(expected 1 to 3, the subjects of shen2019\)"),
    ],
)
def test_contradictions_are_refused(recipe, changes, message):
    with pytest.raises(BadInputError, match=message):
        recipe.changed(**changes)


def test_unknown_fields_are_refused_with_the_nearest_names():
    with pytest.raises(BadInputError, match=r"'learning_rat', which no recipe has.*Did you mean learning_rate"):
        SUBJECT.changed(learning_rat=1)
    with pytest.raises(BadInputError, match="'colour'"):
        Recipe.from_record({**SUBJECT.record(), "colour": "red"})


def test_incomplete_records_are_refused():
    record = SUBJECT.record()
    del record["beta"], record["seed"]
    with pytest.raises(BadInputError, match="without beta, seed"):
        Recipe.from_record(record)


def test_differences_tell_both_values():
    assert SUBJECT.differences(SUBJECT.changed(beta=10, seed=4)) == {"beta": (100.0, 10.0), "seed": (0, 4)}
    assert SUBJECT.differences(SUBJECT.changed(beta=100)) == {}


def test_subject_is_named_as_in_the_data_sets():
    assert (SUBJECT.subject_name, REALNET_EEG.subject_name) == ("sub-01", None)


def test_fields_become_options_of_the_command_line():
    import tyro

    parsed = tyro.cli(Recipe, default=REALNET_EEG, args=["--subject", "2", "--beta", "10", "--contrastive", "none"])
    assert parsed == REALNET_EEG.changed(subject=2, beta=10, contrastive="none")


def test_recipes_are_imported_without_torch():
    code = "import sys, brainscore_realnet.training.recipes; sys.exit(bool({'torch', 'pandas'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
