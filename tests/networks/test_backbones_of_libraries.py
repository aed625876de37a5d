import socket
import sys

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from brainscore_realnet.errors import BadInputError, UnknownIdentifierError
from brainscore_realnet.networks import backbones
from brainscore_realnet.networks.backbones import backbone, require_layers
from brainscore_realnet.networks.families import FAMILIES, LibraryNetwork
from brainscore_realnet.networks.generation_head import GenerationHead, module_name
from brainscore_realnet.networks.recording import recorded_layers
from brainscore_realnet.networks.visual_tower import VisualTower

LAYERS = {
    "torchvision:resnet18": ("layer1", "layer2", "layer3", "layer4"),
    "timm:resnet10t": ("layer1", "layer2", "layer3", "layer4"),
    "timm:test_vit": ("patch_embed", "blocks.1", "blocks.5"),
    "open_clip:ViT-S-32-alt": ("visual.transformer.resblocks.1", "visual.transformer.resblocks.9"),
}
NEEDS = {"timm": "timm", "open_clip": "open_clip"}


@pytest.fixture(autouse=True)
def no_network_and_one_thread(monkeypatch):
    def refuse(*_):
        raise AssertionError("building a network asked for a connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def require_library(name):
    family = name.partition(":")[0]
    if family in NEEDS:
        pytest.importorskip(NEEDS[family])


@pytest.fixture(scope="module", params=LAYERS)
def built(request):
    require_library(request.param)
    chosen = backbone(request.param, LAYERS[request.param])
    torch.manual_seed(3)
    return chosen, chosen.build().eval()


def test_layers_of_every_library_generate_signals_with_gradients_for_the_network(built):
    chosen, network = built
    layers = LAYERS[chosen.name]
    require_layers(chosen, network)
    head = GenerationHead.for_backbone(network, layers, n_signals=5, input_size=chosen.image_size, hidden=4)
    images = torch.randn(2, 3, chosen.image_size, chosen.image_size)
    with recorded_layers(network, layers) as features:
        logits = network(images)
    signals = head(features)
    assert logits.shape[0] == 2
    assert logits.ndim == 2
    hidden = []
    for layer in layers:
        linear = head.get_submodule(module_name(layer))
        hidden.append((features[layer].reshape(2, -1) @ linear.weight.T + linear.bias).clamp(min=0))
    expected = torch.cat(hidden, dim=1) @ head.fc.weight.T + head.fc.bias
    torch.testing.assert_close(signals, expected, rtol=1e-5, atol=1e-5)
    (gradient,) = torch.autograd.grad(signals.square().sum(), next(network.parameters()))
    assert gradient.isfinite().all()
    assert gradient.abs().max() > 0


def test_tokens_are_among_the_tested_layers():
    pytest.importorskip("timm")
    network = backbone("timm:test_vit").build().eval()
    with torch.no_grad(), recorded_layers(network, ["blocks.5"]) as features:
        network(torch.zeros(2, 3, 160, 160))
    assert features["blocks.5"].shape == (2, 101, 64)  # 10 × 10 patches of 16 pixels, and the class token


def test_two_builds_share_no_tensor(built):
    chosen, network = built
    memory = [{value.data_ptr() for value in one.state_dict().values()} for one in (network, chosen.build())]
    assert memory[0].isdisjoint(memory[1])


def test_torchvisions_images_are_those_of_its_weights():
    from torchvision.models import EfficientNet_B1_Weights, ResNet50_Weights

    for name, weights in (
        ("resnet50", ResNet50_Weights.DEFAULT),
        ("efficientnet_b1", EfficientNet_B1_Weights.DEFAULT),
        ("efficientnet_b1/IMAGENET1K_V1", EfficientNet_B1_Weights.IMAGENET1K_V1),
    ):
        chosen, transform = backbone(f"torchvision:{name}"), weights.transforms()
        image = torch.rand(3, chosen.image_size, chosen.image_size)
        normalised = (image - torch.tensor(chosen.mean)[:, None, None]) / torch.tensor(chosen.std)[:, None, None]
        transform.resize_size = transform.crop_size
        torch.testing.assert_close(transform(image), normalised)


@pytest.mark.parametrize("name", ["resnet10t", "test_vit", "test_vit.r160_in1k"])
def test_timms_images_are_those_of_the_network_that_it_builds(name):
    timm = pytest.importorskip("timm")
    chosen = backbone(f"timm:{name}")
    images = timm.data.resolve_model_data_config(timm.create_model(name))
    assert images["input_size"] == (3, chosen.image_size, chosen.image_size)
    assert (images["mean"], images["std"]) == (chosen.mean, chosen.std)


def test_the_visual_tower_is_open_clips_and_gives_the_embedding_of_images():
    open_clip = pytest.importorskip("open_clip")
    torch.manual_seed(5)
    whole = open_clip.create_model("ViT-S-32-alt").eval()
    chosen = backbone("open_clip:ViT-S-32-alt")
    network = chosen.build().eval()
    assert isinstance(network, VisualTower)
    network.load_state_dict({key: value for key, value in whole.state_dict().items() if key.startswith("visual.")})
    about = open_clip.get_model_preprocess_cfg(whole)
    assert about["size"] in (chosen.image_size, (chosen.image_size, chosen.image_size))
    assert (about["mean"], about["std"]) == (chosen.mean, chosen.std)
    images = torch.randn(2, 3, chosen.image_size, chosen.image_size)
    with torch.no_grad():
        assert torch.equal(network(images), whole.encode_image(images))


def test_weights_of_a_tag_decide_the_images_and_the_activation_function_of_open_clip():
    pytest.importorskip("open_clip")
    chosen = backbone("open_clip:MobileCLIP2-S0/dfndr2b")
    assert (chosen.image_size, chosen.mean, chosen.std) == (256, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))
    # OpenAI trained its transformers with an approximation of GELU; open_clip's own ones have the exact function.
    gelus = [
        {type(module).__name__ for module in backbone(f"open_clip:ViT-B-32{tag}").build().modules()}
        for tag in ("/openai", "/laion2b_s34b_b79k", "-quickgelu")
    ]
    assert ["QuickGELU" in names for names in gelus] == [True, False, True]


@pytest.mark.parametrize("name", ["googlenet", "inception_v3"])
def test_networks_with_a_second_classifier_put_out_one_tensor_in_training_too(name):
    chosen = backbone(f"torchvision:{name}")
    network = chosen.build().train()
    assert network(torch.zeros(2, 3, chosen.image_size, chosen.image_size)).shape == (2, 1000)
    assert network.transform_input, "torchvision's weights of it expect that"


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("torchvision:resnet5", "torchvision has no network called 'resnet5'; nearest: resnet50, "),
        ("torchvision:resnet50/V2", "torchvision:resnet50 has no weights called 'V2'.*IMAGENET1K_V2"),
        ("torchvision:mnasnet1_0", "torchvision has no network called 'mnasnet1_0'"),
        ("timm:convnext_tny", "timm has no network called 'convnext_tny'; nearest: convnext_tiny, "),
        ("timm:hf-hub:timm/resnet10t", "timm has no network .*nearest: resnet10t, "),
        ("timm:resnet10t.none", "timm has no network .*resnet10t"),
        ("open_clip:rn50", "open_clip has no network called 'rn50'; nearest: RN50, "),
        ("open_clip:RN50/openia", "open_clip:RN50 has no weights called 'openia'; nearest: openai"),
        ("keras:resnet50", "no backbone is called 'keras:resnet50'; nearest: .*timm:convnext_tiny"),
        ("timm:", "no backbone is called 'timm:'"),
    ],
)
def test_a_miss_names_the_nearest_of_that_library(name, told):
    require_library(name)
    with pytest.raises(UnknownIdentifierError, match=told):
        backbone(name)


def test_images_that_are_not_square_are_refused(monkeypatch):
    timm = pytest.importorskip("timm")
    monkeypatch.setattr(timm.data, "resolve_data_config", lambda **_: {"input_size": (3, 1024, 768)})
    with pytest.raises(BadInputError, match="3 × 1024 × 768, expected square ones"):
        backbone("timm:resnet10t")


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("timm:resnet10t", "timm", "timm"), ("open_clip:RN50/openai", "open_clip", "clip")],
)
def test_a_library_that_is_missing_names_what_installs_it(monkeypatch, name, module, extra):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(BadInputError, match=rf"{module}.*pip install 'brainscore_realnet\[{extra}\]'"):
        backbone(name)


@pytest.fixture
def a_library(monkeypatch):
    def describe(_name):
        numbers = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)
        return LibraryNetwork(lambda: nn.Sequential(nn.Linear(1, 1)), 8, *numbers, fetch=lambda: ({}, {}))

    monkeypatch.setitem(FAMILIES, "any", describe)


@pytest.mark.parametrize(
    ("layers", "areas"),
    [
        ("a", "aaaa"),
        ("ab", "aabb"),
        ("abc", "abbc"),
        ("abcd", "abcd"),
        ("abcde", "abde"),
        ("abcdefgh", "acfh"),
    ],
)
def test_areas_are_spread_evenly_over_the_layers(a_library, layers, areas):
    chosen = backbone("any:thing", list(layers))
    assert chosen.areas == dict(zip(("V1", "V2", "V4", "IT"), areas, strict=True))
    assert chosen.readout == layers[-1]


@given(n_layers=st.integers(1, 200))
def test_areas_are_those_of_rounding_a_line_of_four(n_layers):
    np = pytest.importorskip("numpy")
    layers = [str(number) for number in range(n_layers)]
    expected = [str(int(index)) for index in np.round(np.linspace(0, n_layers - 1, 4))]
    assert list(backbones._areas_of(layers).values()) == expected


def test_backbones_of_the_table_keep_their_areas_whatever_layers_are_given():
    assert backbone("cornet_s", ["V1.conv1"]) is backbone("cornet_s")


@pytest.mark.parametrize("layers", ["layer1", [], [1, 2], {"layer1": 1}])
def test_layers_that_are_no_names_are_refused(a_library, layers):
    with pytest.raises(BadInputError, match="expected a list of names"):
        backbone("any:thing", layers)


def test_without_layers_some_are_shown_that_the_network_has_and_that_run(built):
    chosen, network = built
    bare = backbone(chosen.name)
    assert (bare.areas, bare.readout) == ({}, "")
    with pytest.raises(BadInputError, match=f"got no layers of {chosen.name}, expected some") as caught:
        require_layers(bare, network)
    shown = str(caught.value).partition("name such as ")[2].split(", ")
    assert len(shown) == 8
    with torch.no_grad(), recorded_layers(network, shown) as features:
        network(torch.zeros(1, 3, chosen.image_size, chosen.image_size))
    assert set(features) == set(shown)


def test_a_layer_that_is_not_there_names_the_nearest():
    chosen = backbone("torchvision:resnet18", ["layer1", "layr4"])
    with pytest.raises(BadInputError, match=r"ResNet has no layer 'layr4'; the nearest are layer4"):
        require_layers(chosen, chosen.build())
    table = backbone("sim_cornet_s_narrow")
    with pytest.raises(BadInputError, match="CORnetS has no layer 'V3'"):
        require_layers(table, table.build(), ["V3"])
