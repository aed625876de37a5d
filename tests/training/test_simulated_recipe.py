"""The recipe of virtual subjects: its models are named after it, and it can be trained without any data or download."""

import numpy as np
import pytest

from brainscore_realnet.networks.backbones import backbone
from brainscore_realnet.networks.pretrained import baseline_identifier
from brainscore_realnet.simulation.kamitani import SHEN2019
from brainscore_realnet.simulation.pretraining import BACKBONE, IDENTIFIER
from brainscore_realnet.simulation.things_eeg2 import ALIGNMENT
from brainscore_realnet.training.recipes import (
    REALNET_EEG,
    RECIPES,
    SIM_REALNET_EEG,
    SIM_REALNET_FMRI,
    controls,
    known_subjects,
)

SUBJECT = SIM_REALNET_EEG.changed(subject=1)


def test_recipe_trains_the_narrow_network_on_the_set_for_alignment():
    assert RECIPES["sim-realnet-eeg"] is SIM_REALNET_EEG
    assert SIM_REALNET_EEG.simulated
    assert SIM_REALNET_EEG.dataset == ALIGNMENT.stored_as
    assert SIM_REALNET_EEG.backbone == BACKBONE
    assert baseline_identifier(BACKBONE) == IDENTIFIER
    assert SIM_REALNET_EEG.image_size == backbone(BACKBONE).image_size == ALIGNMENT.image_size
    assert (SIM_REALNET_EEG.beta, SIM_REALNET_EEG.holdout) == (REALNET_EEG.beta, REALNET_EEG.holdout)
    assert SIM_REALNET_EEG.contrastive == "pearson"


def test_recipe_of_fmri_trains_the_same_network_on_the_set_that_is_scored():
    assert RECIPES["sim-realnet-fmri"] is SIM_REALNET_FMRI
    assert (SIM_REALNET_FMRI.dataset, SIM_REALNET_FMRI.backbone) == (SHEN2019.stored_as, BACKBONE)
    assert len(known_subjects(SIM_REALNET_FMRI.dataset)) == SHEN2019.subjects
    training_images = SHEN2019.training_concepts * SHEN2019.training_exemplars
    assert SIM_REALNET_FMRI.n_components < training_images
    assert list(controls(SIM_REALNET_FMRI.changed(subject=1))) == ["beta10", "beta20", "beta30", "beta50", "beta0"]


def test_window_of_the_recipe_lies_within_the_simulated_epochs():
    first, last = SIM_REALNET_EEG.window
    assert np.isclose(ALIGNMENT.times, first).any()
    assert ALIGNMENT.times[-1] >= last


@pytest.mark.parametrize(
    ("recipe", "identifier"),
    [
        (SUBJECT, "sim-realnet-eeg-sub01"),
        (SUBJECT.changed(unpaired=True), "sim-realnet-eeg-sub01-unpaired"),
        (SIM_REALNET_EEG.changed(beta=0), "sim-realnet-eeg-beta0"),
        (SIM_REALNET_EEG, "sim-realnet-eeg-all"),
        (SUBJECT.changed(contrastive="spearman"), "sim-realnet-eeg-sub01-spearman"),
        (SUBJECT.changed(reference=True), "sim-realnet-eeg-sub01-reference"),
        (SUBJECT.changed(dataset="sim-things-eeg2-0123abc"), "sim-realnet-eeg-sub01"),
        (SUBJECT.changed(dataset="sim-raw"), "sim-realnet-eeg-sub01-raw"),
        (SIM_REALNET_FMRI.changed(subject=2), "sim-realnet-fmri-sub02"),
        (SIM_REALNET_FMRI.changed(dataset="sim-shen2019-1"), "sim-realnet-fmri-all"),
    ],
)
def test_models_of_virtual_subjects_are_named_by_what_differs_from_their_recipe(recipe, identifier):
    assert recipe.identifier == identifier


def test_papers_recipe_on_virtual_subjects_names_its_numbers():
    named = REALNET_EEG.changed(dataset=ALIGNMENT.stored_as, subject=1).identifier
    assert named.startswith("sim-realnet-eeg-sub01-cornet_s-imagesize224-spearman-epochs30")


def test_controls_of_virtual_subjects_are_those_of_the_paper():
    assert list(controls(SUBJECT)) == ["beta1", "beta10", "beta1000", "beta0", "nocont", "unpaired", "all"]
    assert all(control.identifier.startswith("sim-realnet-eeg-") for control in controls(SUBJECT).values())
