from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from brainscore_realnet.adapters import activations
from brainscore_realnet.adapters.activations import AreaActivations

AREAS = ["V1", "V2", "V4", "IT"]


class EveryShape(nn.Module):
    """Layers with one to five feature dimensions."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(3, 4, 5, stride=13)
        self.tokens = nn.Flatten(2)
        self.video = nn.Unflatten(2, (1, 5))
        self.deep = nn.Unflatten(1, (2, 2))
        self.flat = nn.Flatten(1)
        self.logits = nn.Linear(100, 7)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        x = self.convolution(images)
        self.tokens(x)
        self.deep(self.video(x))
        return self.logits(self.flat(x))


LAYERS = {"convolution": 3, "tokens": 2, "video": 4, "deep": 5, "logits": 1}


@pytest.fixture
def forward_sizes():
    """Give a list that a network's batch sizes are appended to."""

    def watch(wrapper):
        sizes: list[int] = []
        wrapper._model.register_forward_pre_hook(lambda _module, inputs: sizes.append(len(inputs[0])))
        return sizes

    return watch


@pytest.fixture
def every_shape(preprocessing):
    def make(**changes):
        torch.manual_seed(0)
        return AreaActivations("tiny", EveryShape(), preprocessing, list(LAYERS), 64, {}, **changes)

    return make


def coordinates(assembly):
    from brainscore_core.supported_data_standards.brainio.assemblies import walk_coords

    return {name: (dims, values) for name, dims, values in walk_coords(assembly)}


def features(wrapper, paths, layer="IT"):
    return wrapper.from_paths(paths, [layer]).values


def test_four_areas_recorded_in_turn_cost_one_forward_pass(hidden_model, image_paths, stimuli_of, forward_sizes):
    model = hidden_model()
    sizes = forward_sizes(model.activations_model)
    widths = []
    for area in AREAS:
        model.start_recording(area, time_bins=[(50, 200)])
        widths.append(model.look_at(stimuli_of(image_paths)).sizes["neuroid"])
    assert sizes == [len(image_paths)]
    assert len(set(widths)) == 4


def test_last_batch_is_not_filled_up(hidden_model, image_paths, forward_sizes):
    model = hidden_model(batch_size=5).activations_model
    sizes = forward_sizes(model)
    model.from_paths(image_paths, ["V1"])
    # The first forward pass of one image tells how much memory the layers would take.
    assert sizes == [1, 5, 5, 2]


def test_layers_that_are_not_committed_are_extracted_and_kept_too(every_shape, image_paths, forward_sizes):
    model = every_shape()
    sizes = forward_sizes(model)
    model.from_paths(image_paths, ["logits"])
    flat = model.from_paths(image_paths, ["flat"])
    again = model.from_paths(image_paths, ["flat"])
    assert sizes == [len(image_paths)] * 2
    np.testing.assert_array_equal(flat.values, again.values)


def test_without_layers_the_last_module_answers(every_shape, image_paths):
    model = every_shape()
    default = model.from_paths(image_paths[:2], None)
    np.testing.assert_array_equal(default.values, model.from_paths(image_paths[:2], ["logits"]).values)


@pytest.mark.parametrize("batch_size", [1, 5, 7])
def test_activations_do_not_depend_on_batch_size(hidden_model, image_paths, batch_size):
    whole = hidden_model(batch_size=12).activations_model
    parts = hidden_model(batch_size=batch_size).activations_model
    for area in AREAS:
        expected = features(whole, image_paths, area)
        assert np.abs(features(parts, image_paths, area) - expected).max() < 1e-6 * np.abs(expected).max()


@pytest.mark.parametrize("layers", [*([layer] for layer in LAYERS), ["convolution", "logits"]], ids="+".join)
def test_values_and_coordinates_are_those_of_upstreams_wrapper(every_shape, preprocessing, image_paths, layers):
    from brainscore_vision.model_helpers.activations.pytorch import PytorchWrapper

    ours = every_shape()
    upstream = PytorchWrapper(ours._model, preprocessing, identifier="tiny")
    expected = upstream.from_paths(image_paths[:3], layers=layers)
    got = ours.from_paths(image_paths[:3], layers)
    np.testing.assert_allclose(got.values, expected.values, rtol=1e-5, atol=1e-6)
    assert (got.dims, got.values.dtype) == (expected.dims, expected.values.dtype)
    expected_coordinates, got_coordinates = coordinates(expected), coordinates(got)
    assert set(got_coordinates) == set(expected_coordinates)
    assert {"layer", "neuroid_id", "neuroid_num", "model", "stimulus_path"} <= set(got_coordinates)
    for name, (dims, values) in expected_coordinates.items():
        assert got_coordinates[name][0] == dims
        np.testing.assert_array_equal(got_coordinates[name][1], values, err_msg=name)


def test_columns_of_the_stimulus_set_become_coordinates(hidden_model, image_paths, stimuli_of):
    stimuli = stimuli_of(image_paths)
    assembly = hidden_model().activations_model(stimuli, layers=["V2"])
    assert list(assembly["stimulus_id"].values) == [Path(path).stem for path in image_paths]
    assert list(assembly["concept"].values) == list(stimuli["concept"])


def test_repeated_paths_are_run_once_and_answered_each(hidden_model, image_paths, forward_sizes):
    model = hidden_model().activations_model
    sizes = forward_sizes(model)
    first, second, third = image_paths[:3]
    asked = [second, first, second, third, first]
    assembly = model.from_paths(asked, ["V1"])
    assert sizes == [3]
    assert list(assembly["stimulus_path"].values) == asked
    np.testing.assert_array_equal(
        assembly.values, np.concatenate([features(model, [path], "V1") for path in asked]).astype(np.float32)
    )


def test_weights_changed_in_place_are_run_anew(hidden_model, image_paths):
    model = hidden_model().activations_model
    before = features(model, image_paths)
    with torch.no_grad():
        model._model.V2.convolution.weight[0, 0, 0, 0] += 1
    after = features(model, image_paths)
    assert not np.array_equal(before, after)
    fresh = hidden_model().activations_model
    fresh._model.load_state_dict(model._model.state_dict())
    np.testing.assert_array_equal(after, features(fresh, image_paths))


def test_image_changed_under_the_same_path_is_run_anew(hidden_model, image_paths):
    model = hidden_model().activations_model
    before = features(model, image_paths)
    Path(image_paths[3]).write_bytes(Path(image_paths[4]).read_bytes())
    after = features(model, image_paths)
    changed = np.flatnonzero((before != after).any(axis=1))
    assert changed.tolist() == [3]
    np.testing.assert_array_equal(after[3], before[4])


def test_images_with_the_same_contents_elsewhere_are_not_run_again(hidden_model, image_paths, tmp_path, forward_sizes):
    model = hidden_model().activations_model
    sizes = forward_sizes(model)
    before = features(model, image_paths)
    moved = [str(tmp_path / f"moved-{Path(path).name}") for path in image_paths]
    for old, new in zip(image_paths, moved, strict=True):
        Path(old).rename(new)
    assembly = model.from_paths(moved, ["IT"])
    assert list(assembly["stimulus_path"].values) == moved
    np.testing.assert_array_equal(assembly.values, before)
    assert sizes == [len(image_paths)]


def test_order_of_images_is_kept_when_it_is_reversed(hidden_model, image_paths):
    model = hidden_model().activations_model
    forwards, backwards = features(model, image_paths), features(model, image_paths[::-1])
    np.testing.assert_allclose(backwards, forwards[::-1], rtol=1e-5, atol=1e-6)


def test_fingerprint_tells_weights_and_preprocessing_apart(preprocessing):
    def fingerprint(seed, image_size):
        torch.manual_seed(seed)
        prepare = type(preprocessing)(preprocessing.func, image_size=image_size)
        return AreaActivations("tiny", EveryShape(), prepare, ["flat"], 64, {}).fingerprint()

    prints = [fingerprint(0, 64), fingerprint(1, 64), fingerprint(0, 63)]
    assert len(set(prints)) == 3
    assert fingerprint(0, 64) == prints[0]


def test_caller_cannot_change_what_is_kept(hidden_model, image_paths):
    model = hidden_model().activations_model
    expected = features(model, image_paths).copy()
    assembly = model.from_paths(image_paths, ["IT"])
    with pytest.raises(ValueError, match="read-only"):
        assembly.values[:] = 0
    np.testing.assert_array_equal(features(model, image_paths), expected)


def test_hooks_on_batches_are_applied_and_leave_nothing_behind(hidden_model, image_paths):
    model = hidden_model().activations_model
    expected = features(model, image_paths).copy()
    doubled = model.register_batch_activations_hook(
        lambda batch: OrderedDict((layer, 2 * values) for layer, values in batch.items())
    )
    np.testing.assert_array_equal(features(model, image_paths), 2 * expected)
    doubled.remove()
    np.testing.assert_array_equal(features(model, image_paths), expected)


def test_required_variance_gives_a_row_for_each_trial_and_plain_calls_still_work(hidden_model, image_paths, stimuli_of):
    model = hidden_model().activations_model
    stimuli = stimuli_of(image_paths[:2])
    plain = model(stimuli, layers=["V1"])
    varied = model(stimuli, layers=["V1"], number_of_trials=3, require_variance=True)
    assert varied.sizes["presentation"] == 6
    assert {"microsaccade_shift_x_pixels", "microsaccade_shift_y_degrees"} <= set(coordinates(varied))
    assert not np.array_equal(varied.values[0], varied.values[1])
    again = model(stimuli, layers=["V1"])
    np.testing.assert_array_equal(again.values, plain.values)


def test_layers_too_large_to_keep_are_run_one_by_one_with_the_same_values(
    hidden_model, image_paths, forward_sizes, monkeypatch
):
    expected = {area: features(hidden_model().activations_model, image_paths, area) for area in AREAS}
    monkeypatch.setattr(activations, "LARGEST_KEPT_BYTES", 1000)
    model = hidden_model(batch_size=6).activations_model
    sizes = forward_sizes(model)
    for area in AREAS:
        np.testing.assert_allclose(features(model, image_paths, area), expected[area], rtol=1e-5, atol=1e-6)
    assert sizes == [1, *[6, 6] * 4]
    assert model._extractor._kept == {}


def test_network_is_in_evaluation_mode_and_gets_no_gradients(preprocessing, image_paths):
    network = nn.Sequential(OrderedDict(drop=nn.Dropout(0.5), flat=nn.Flatten(), out=nn.Linear(3 * 64 * 64, 4)))
    model = AreaActivations("tiny", network.train(), preprocessing, ["drop", "out"], 64, {})
    np.testing.assert_array_equal(
        features(model, image_paths[:2], "drop"), preprocessing(image_paths[:2]).reshape(2, -1)
    )
    assert all(parameter.grad is None for parameter in network.parameters())


def test_moving_to_a_device_chooses_its_batch_size_unless_one_was_given(every_shape):
    model = every_shape(device="cpu")
    assert model.device == "cpu"
    assert model._extractor._batch_size == 16
    assert every_shape(batch_size=3).to("cpu")._extractor._batch_size == 3


class EveryWeight(nn.Module):
    """Parameters and buffers of every layout and type that a network may have."""

    def __init__(self) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(4, 6, 3)
        self.norm = nn.BatchNorm2d(6)
        self.odd = nn.Parameter(torch.randn(3, 5))
        self.transposed = nn.Parameter(torch.randn(4, 7).t())
        self.register_buffer("scalar", torch.tensor(3.0))
        self.register_buffer("short", torch.randn(5).half())
        self.register_buffer("flags", torch.tensor([True, False, True]))
        self.register_buffer("part", torch.randn(9)[1:6])
        self.register_buffer("empty", torch.empty(0))


def changed_by_one_bit(tensor):
    """Flip the lowest bit of a tensor's last value without PyTorch taking notice."""
    raw = tensor.data.reshape(-1).clone()
    bits = raw.view({1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64}[raw.element_size()])
    bits[-1] ^= 1
    tensor.data.copy_(raw.reshape(tensor.shape))


@pytest.mark.parametrize("name", [name for name, value in EveryWeight().state_dict().items() if value.numel()])
def test_hash_of_weights_is_kept_until_one_bit_of_them_changes(preprocessing, monkeypatch, name):
    torch.manual_seed(0)
    wrapper = AreaActivations("tiny", EveryWeight(), preprocessing, ["norm"], 64, {})
    computed = []
    sha256 = activations.hashlib.sha256
    monkeypatch.setattr(activations.hashlib, "sha256", lambda *given: computed.append(1) or sha256(*given))
    before = wrapper.weights_hash()
    assert [wrapper.weights_hash(), wrapper.weights_hash(), len(computed)] == [before, before, 1]
    changed_by_one_bit(wrapper._model.state_dict()[name])
    after = wrapper.weights_hash()
    assert after != before
    assert len(computed) == 2
    wrapper._hashed = ([], "")
    assert wrapper.weights_hash() == after
