"""The EEG benchmark on networks: stock wrappers, batch sizes, devices and changed weights."""

import numpy as np
import pytest
import torch

from brainscore_realnet.adapters.neural_side import NeuralData

AREAS = ("V1", "V2", "V4", "IT")
SUBJECTS = ("sub-01", "sub-02", "sub-03")


@pytest.fixture(scope="module", autouse=True)
def _one_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESULTCACHING_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.mark.parametrize("screen", ["degrees", "fullfield"])
def test_stock_commitment_of_the_same_network_scores_the_same(
    hidden_model, benchmark_of, data_of, recording_of, image_paths, stimuli_of, preprocessing, tmp_path, screen
):
    from brainscore_vision.model_helpers.activations.pytorch import PytorchWrapper
    from brainscore_vision.model_helpers.brain_transformation import ModelCommitment

    from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD
    from brainscore_realnet.simulation.hidden_network import HiddenNetwork

    normalised = type(preprocessing)(
        preprocessing.func, image_size=64, normalize_mean=IMAGENET_MEAN, normalize_std=IMAGENET_STD
    )
    stock = ModelCommitment(
        "stock-tiny",
        PytorchWrapper(HiddenNetwork(1), normalised, identifier=f"stock-tiny-{tmp_path.name}"),
        list(AREAS),
        region_layer_map={area: area for area in AREAS},
        visual_degrees=8,
    )
    base = data_of(visual_degrees=6)
    stimuli = stimuli_of(image_paths, content_hash=f"{tmp_path.name:>012}"[-12:])
    data = NeuralData("sim", SUBJECTS, 6, True, base.require, lambda: stimuli, recording_of)
    benchmark = benchmark_of(data, options={"screen": screen})
    ours, theirs = benchmark(hidden_model("tiny", seed=1)), benchmark(stock)
    assert float(ours) == pytest.approx(float(theirs), abs=1e-5)
    np.testing.assert_allclose(ours.attrs["values"].values, theirs.attrs["values"].values, atol=1e-5)


@pytest.mark.parametrize("batch_size", [1, 3])
def test_score_does_not_depend_on_batch_size(
    hidden_model, benchmark_of, recording_of, image_paths, stimuli_of, batch_size
):
    stimuli = stimuli_of(image_paths)
    data = NeuralData("sim", SUBJECTS, 7, True, lambda subjects: None, lambda: stimuli, recording_of)
    benchmark = benchmark_of(data)
    whole, parts = benchmark(hidden_model(batch_size=12)), benchmark(hidden_model(batch_size=batch_size))
    assert float(parts) == pytest.approx(float(whole), abs=1e-6)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_score_does_not_depend_on_the_device(hidden_model, benchmark_of, recording_of, image_paths, stimuli_of):
    stimuli = stimuli_of(image_paths)
    benchmark = benchmark_of(NeuralData("sim", SUBJECTS, 7, True, lambda subjects: None, lambda: stimuli, recording_of))
    on_cpu, on_gpu = hidden_model(), hidden_model()
    on_cpu.activations_model.to("cpu")
    on_gpu.activations_model.to("cuda")
    assert float(benchmark(on_gpu)) == pytest.approx(float(benchmark(on_cpu)), abs=1e-4)


def test_changed_weights_under_the_same_identifier_change_the_score(
    hidden_model, benchmark_of, recording_of, image_paths, stimuli_of
):
    stimuli = stimuli_of(image_paths)
    data = NeuralData("sim", SUBJECTS, 7, True, lambda subjects: None, lambda: stimuli, recording_of)
    benchmark = benchmark_of(data)
    model, other = hidden_model("same-name", seed=1), hidden_model("same-name", seed=2)
    before = float(benchmark(model))
    with torch.no_grad():
        model.activations_model._model.load_state_dict(other.activations_model._model.state_dict())
    after = float(benchmark(model))
    assert after != before
    assert after == pytest.approx(float(benchmark(other)), abs=1e-12)
