import numpy as np
import pytest

from brainscore_realnet.adapters.model_rdms import model_rdms
from brainscore_realnet.errors import BadInputError

AREAS = ("V1", "V2", "V4", "IT")
NAMES = ["c", "a", "d", "b", "e"]
BIN = (50, 200)


@pytest.fixture
def stimuli(stimuli_of):
    return stimuli_of([f"/images/{name}.png" for name in NAMES])


@pytest.fixture
def features(random_features):
    return random_features(NAMES)


def literal_rdm(features, area):
    return 1 - np.corrcoef(np.stack([features[area][name] for name in NAMES]))


def test_rdms_are_correlation_distances_in_the_order_of_the_stimuli(stimuli, features, stub_brain):
    rdms = model_rdms(stub_brain(features), stimuli, AREAS, BIN)
    assert rdms.shape == (4, 5, 5)
    for rdm, area in zip(rdms, AREAS, strict=True):
        np.testing.assert_allclose(rdm, literal_rdm(features, area), atol=1e-12)


def test_answers_in_another_order_are_put_right(stimuli, features, stub_brain):
    shuffled = stub_brain(features, answer=sorted)
    np.testing.assert_array_equal(
        model_rdms(shuffled, stimuli, AREAS, BIN), model_rdms(stub_brain(features), stimuli, AREAS, BIN)
    )


@pytest.mark.parametrize(
    "answer",
    [lambda names: names[:-1], lambda names: [*names, names[0]], lambda names: [*names[:-1], names[0]]],
    ids=["one missing", "one too many", "one twice"],
)
def test_answers_to_other_stimuli_are_refused(stimuli, features, stub_brain, answer):
    with pytest.raises(BadInputError, match=r"stub V1.*expected one of each of the 5 stimuli"):
        model_rdms(stub_brain(features, answer=answer), stimuli, ("V1",), BIN)


def test_answer_with_a_stimulus_that_was_not_shown_is_refused(stimuli, features, stub_brain):
    features["V1"]["stranger"] = features["V1"]["a"]
    brain = stub_brain(features, answer=lambda names: [*names[:-1], "stranger"])
    with pytest.raises(BadInputError, match="expected one of each of the 5 stimuli"):
        model_rdms(brain, stimuli, ("V1",), BIN)


@pytest.mark.parametrize("value", [0.25, np.nan, np.inf])
def test_features_that_cannot_be_correlated_name_area_and_stimulus(stimuli, features, stub_brain, value):
    features["V4"]["d"] = np.full(6, value)
    with pytest.raises(BadInputError, match=r"stub in V4 \(stimulus d\)"):
        model_rdms(stub_brain(features), stimuli, AREAS, BIN)


def test_exactly_one_time_bin_is_asked_for(stimuli, features, stub_brain):
    brain = stub_brain(features)
    model_rdms(brain, stimuli, ("IT",), BIN)
    assert brain.time_bins == [BIN]


def test_more_time_bins_than_asked_for_are_refused(stimuli, features, stub_brain):
    class TwoBins(stub_brain):
        def start_recording(self, area, time_bins):
            super().start_recording(area, [*time_bins, (200, 300)])

    with pytest.raises(BadInputError, match="stub IT: got 2 time bins, expected the one"):
        model_rdms(TwoBins(features), stimuli, ("IT",), BIN)


def test_model_that_was_behaving_before_is_told_to_look_only(stimuli, features, stub_brain):
    brain = stub_brain(features)
    model_rdms(brain, stimuli, AREAS, BIN)
    assert brain.calls == ["task passive", *(f"record {area}" for area in AREAS)]


def test_committed_model_records_after_a_behavioural_task(hidden_model, image_paths, stimuli_of):
    from brainscore_vision.model_interface import BrainModel

    stimuli = stimuli_of(image_paths)
    expected = model_rdms(hidden_model(), stimuli, AREAS, BIN)
    model = hidden_model()
    labelled = stimuli_of(image_paths)
    labelled["image_label"] = ["even", "odd"] * 6
    model.start_task(BrainModel.Task.probabilities, fitting_stimuli=labelled)
    model.look_at(labelled)
    np.testing.assert_allclose(model_rdms(model, stimuli, AREAS, BIN), expected, atol=1e-6)


@pytest.mark.parametrize("batch_size", [1, 5])
def test_rdms_do_not_depend_on_batch_size(hidden_model, image_paths, stimuli_of, batch_size):
    stimuli = stimuli_of(image_paths)
    whole = model_rdms(hidden_model(batch_size=12), stimuli, AREAS, BIN)
    parts = model_rdms(hidden_model(batch_size=batch_size), stimuli, AREAS, BIN)
    np.testing.assert_allclose(parts, whole, atol=1e-6)


def test_upstreams_cornet_family_is_recorded_area_by_area(image_paths):
    """Its commitment remembers an answer by the names of model and stimulus set alone."""
    import functools

    import torch
    from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet
    from brainscore_vision.model_helpers.activations.pytorch import load_preprocess_images
    from brainscore_vision.models.cornet_s.helpers.helpers import CORnetCommitment, TemporalPytorchWrapper

    class Tiny(torch.nn.Module):
        def __init__(self):
            super().__init__()
            for area, (n_in, n_out) in {"V1": (3, 4), "V2": (4, 5), "V4": (5, 6), "IT": (6, 7)}.items():
                setattr(self, area, torch.nn.Sequential(torch.nn.Conv2d(n_in, n_out, 3), torch.nn.ReLU()))

        def forward(self, images):
            return self.IT(self.V4(self.V2(self.V1(images))))

    torch.manual_seed(0)
    preprocessing = functools.partial(load_preprocess_images, image_size=32)
    wrapper = TemporalPytorchWrapper(Tiny(), preprocessing, identifier="sim-tiny-cornet", batch_size=4)
    layers = [f"{area}.1-t0" for area in AREAS]
    mapping = {area: {0: BIN} for area in AREAS}
    commitment = CORnetCommitment("sim-tiny-cornet", wrapper, layers, time_mapping=mapping)
    stimuli = StimulusSet({"stimulus_id": [f"image{index}" for index in range(len(image_paths))]})
    stimuli.stimulus_paths = dict(zip(stimuli["stimulus_id"], image_paths, strict=True))
    stimuli.identifier = "sim-tiny--set"
    rdms = model_rdms(commitment, stimuli, AREAS, BIN)
    for first in range(4):
        for second in range(first):
            assert not np.allclose(rdms[first], rdms[second])
