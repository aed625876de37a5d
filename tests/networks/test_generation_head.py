import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.cornet_s import AREAS, CORnetS
from brainscore_realnet.networks.generation_head import GenerationHead, measure_layers, module_name

SIZES_AT_224 = {"V1": 200_704, "V2": 100_352, "V4": 50_176, "IT": 25_088}


class Tiny(nn.Module):
    """Two layers under a dotted name, one that does not run, one that puts out a tuple, a batch norm."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 4, 3, stride=2), nn.BatchNorm2d(4))
        self.late = nn.Conv2d(4, 2, 1)
        self.idle = nn.Linear(2, 2)
        self.memory = nn.GRU(2, 2, batch_first=True)

    def forward(self, images: Tensor) -> Tensor:
        x = self.late(self.stem(images))
        return self.memory(x.flatten(2).transpose(1, 2))[0]


@pytest.fixture(scope="module")
def cornet() -> CORnetS:
    return CORnetS()


def small_head() -> GenerationHead:
    torch.manual_seed(1)
    return GenerationHead({"V1": 12, "visual.layer1": 5}, n_signals=7, hidden=3)


def small_features(n: int = 4) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(2)
    shapes = {"V1": (n, 3, 2, 2), "visual.layer1": (n, 5)}
    return {layer: torch.randn(shape, generator=generator) for layer, shape in shapes.items()}


def test_submodules_bear_the_published_names_and_shapes() -> None:
    with torch.device("meta"):
        head = GenerationHead(SIZES_AT_224, n_signals=340)
    shapes = {name: tuple(value.shape) for name, value in head.state_dict().items()}
    assert shapes == {
        "fc_v1.weight": (128, 200_704),
        "fc_v1.bias": (128,),
        "fc_v2.weight": (128, 100_352),
        "fc_v2.bias": (128,),
        "fc_v4.weight": (128, 50_176),
        "fc_v4.bias": (128,),
        "fc_it.weight": (128, 25_088),
        "fc_it.bias": (128,),
        "fc.weight": (340, 512),
        "fc.bias": (340,),
    }


def test_dots_in_layer_names_become_underscores() -> None:
    assert module_name("visual.layer1") == "fc_visual_layer1"
    assert set(dict(small_head().named_children())) == {"fc_v1", "fc_visual_layer1", "fc"}


def test_sizes_of_cornet_s_at_224_are_the_published_ones(cornet: CORnetS) -> None:
    assert measure_layers(cornet, AREAS) == SIZES_AT_224


def test_head_for_another_input_size_fits_what_the_backbone_puts_out(cornet: CORnetS) -> None:
    head = GenerationHead.for_backbone(cornet, ["IT", "V4"], n_signals=5, input_size=70, hidden=2)
    assert head.in_features == {"IT": 512 * 3 * 3, "V4": 256 * 5 * 5}


def test_signals_equal_the_formula_written_out() -> None:
    head, features = small_head().double(), {name: value.double() for name, value in small_features().items()}
    weights = head.state_dict()
    hidden = []
    for layer, name in (("V1", "fc_v1"), ("visual.layer1", "fc_visual_layer1")):
        flat = features[layer].reshape(4, -1)
        hidden.append((flat @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]).clamp(min=0))
    expected = torch.cat(hidden, 1) @ weights["fc.weight"].T + weights["fc.bias"]
    torch.testing.assert_close(head(features), expected, rtol=1e-12, atol=1e-12)


@given(order=st.permutations(range(4)))
@settings(deadline=None, max_examples=15)
def test_permuting_images_permutes_signals(order: list[int]) -> None:
    head, features = small_head(), small_features()
    permuted = head({layer: value[order] for layer, value in features.items()})
    torch.testing.assert_close(permuted, head(features)[order], rtol=1e-6, atol=1e-6)


def test_order_of_the_features_and_further_layers_do_not_matter() -> None:
    head, features = small_head(), small_features()
    shuffled = {"decoder": torch.ones(4, 9), **dict(reversed(features.items()))}
    assert torch.equal(head(shuffled), head(features))


def test_memory_layout_of_the_features_does_not_matter() -> None:
    head, features = small_head(), small_features()
    last = {**features, "V1": features["V1"].contiguous(memory_format=torch.channels_last)}
    assert torch.equal(head(last), head(features))


def test_gradient_reaches_features_and_every_parameter() -> None:
    head, features = small_head(), small_features()
    for value in features.values():
        value.requires_grad_()
    head(features).square().sum().backward()
    assert all(value.grad is not None and value.grad.abs().sum() > 0 for value in features.values())
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in head.parameters())


def test_measuring_leaves_statistics_modes_and_hooks_as_they_were() -> None:
    network = Tiny().train()
    network.stem[1].eval()
    modes = [module.training for module in network.modules()]
    before = {name: value.clone() for name, value in network.state_dict().items()}
    assert measure_layers(network, ["stem", "stem.0", "late"], 11) == {"stem": 100, "stem.0": 100, "late": 50}
    assert [module.training for module in network.modules()] == modes
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert not any(module._forward_hooks for module in network.modules())


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        (["late", "lat"], "no layer 'lat'.*late"),
        ([""], "no layer ''"),
        (["idle"], "'idle' did not run"),
        (["memory"], "'memory' puts out a tuple, expected one tensor"),
    ],
)
def test_a_layer_that_cannot_be_measured_is_named_and_the_network_restored(layers: list[str], message: str) -> None:
    network = Tiny().train()
    with pytest.raises(BadInputError, match=message):
        measure_layers(network, layers, 11)
    assert all(module.training for module in network.modules())
    assert not any(module._forward_hooks for module in network.modules())


def test_a_missing_layer_is_named_with_what_was_got_and_expected() -> None:
    with pytest.raises(BadInputError, match=r"'visual.layer1' are missing: got V1, expected V1, visual.layer1"):
        small_head()({"V1": small_features()["V1"]})


@pytest.mark.parametrize("shape", [(4, 3, 2, 3), (4,), (4, 11)])
def test_a_layer_of_another_size_is_named_with_both_sizes(shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInputError, match=r"layer 'V1' has \d+ features an image .* expected 12"):
        small_head()({**small_features(), "V1": torch.ones(shape)})


def test_layers_of_different_batches_are_refused() -> None:
    with pytest.raises(BadInputError, match=r"'visual\.layer1' holds 3 images, the first layer 4"):
        small_head()({**small_features(), "visual.layer1": torch.ones(3, 5)})


@pytest.mark.parametrize(
    ("in_features", "n_signals", "hidden", "message"),
    [
        ({}, 1, 1, "no layer"),
        ({"V1": 0}, 1, 1, r"in_features\['V1'\] is 0"),
        ({"V1": 3}, 0, 1, "n_signals is 0"),
        ({"V1": 3}, 1, 0, "hidden is 0"),
        ({"a.b": 3, "a_b": 3}, 1, 1, "'a.b' and 'a_b' would both be called 'fc_a_b'"),
    ],
)
def test_a_head_that_cannot_be_built_says_why(in_features: dict, n_signals: int, hidden: int, message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        GenerationHead(in_features, n_signals, hidden)


class FixedSize(nn.Module):
    """Takes images of one size only, as vision transformers do."""

    def __init__(self) -> None:
        super().__init__()
        self.only = nn.Conv2d(3, 1, 3)

    def forward(self, images: Tensor) -> Tensor:
        assert images.shape[-1] == 8, "Input height doesn't match model (8)"
        return self.only(images)


def test_image_size_that_a_network_does_not_take_is_told():
    assert measure_layers(FixedSize(), ["only"], 8) == {"only": 36}
    with pytest.raises(
        BadInputError, match=r"FixedSize takes no images of 16 × 16 pixels \(Input height doesn't match"
    ):
        measure_layers(FixedSize(), ["only"], 16)
