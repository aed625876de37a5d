"""Networks of torchvision, timm and open_clip as Brain-Score models, from nothing but a model card in the store."""

import sys

import numpy as np
import pytest
import torch
from PIL import Image

from brainscore_realnet import load_model
from brainscore_realnet.errors import BadFileError, BadInputError
from brainscore_realnet.networks.backbones import backbone
from brainscore_realnet.networks.checkpoint_forms import join_state_dict
from brainscore_realnet.networks.generation_head import GenerationHead
from brainscore_realnet.networks.recording import recorded_layers
from brainscore_realnet.scoring.identifiers import package_identifiers
from brainscore_realnet.store import weights

AREAS = ("V1", "V2", "V4", "IT")
CASES = {
    "torchvision:resnet18": ("torchvision", ["layer1", "layer2", "layer3", "layer4"]),
    "timm:resnet10t": ("timm", ["layer1", "layer2", "layer3", "layer4"]),
    "timm:test_vit": ("timm", ["blocks.0", "blocks.2", "blocks.5"]),
    "open_clip:ViT-S-32-alt": ("open_clip", [f"visual.transformer.resblocks.{n}" for n in (0, 2, 4, 7, 9)]),
}


@pytest.fixture(autouse=True)
def one_thread(own_store):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def images(tmp_path):
    rng = np.random.default_rng(0)
    paths = [tmp_path / f"image{number}.png" for number in range(3)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(path)
    return [str(path) for path in paths]


@pytest.mark.parametrize("name", CASES)
def test_a_card_of_a_librarys_network_is_listed_loaded_and_recorded_at_its_layers(name, images):
    library, layers = CASES[name]
    pytest.importorskip(library)
    chosen = backbone(name, layers)
    torch.manual_seed(8)
    network = chosen.build().eval()
    head = GenerationHead.for_backbone(network, layers, n_signals=3, input_size=chosen.image_size, hidden=2)
    identifier = f"sim-{library}-{len(layers)}"
    state = join_state_dict(network.state_dict(), head.state_dict())
    weights.save(identifier, state, {"backbone": name, "layers": layers})

    assert identifier in package_identifiers("model")
    model = load_model(identifier)
    assert dict(model.layer_model.region_layer_map) == {**chosen.areas, "readout": layers[-1]}
    assert list(chosen.areas) == list(AREAS)
    assert model.layers == list(dict.fromkeys([*chosen.areas.values(), layers[-1]]))
    wrapper = model.activations_model
    assert wrapper.image_size == chosen.image_size

    pixels = torch.from_numpy(np.asarray(wrapper._extractor.preprocess(images), dtype=np.float32))
    for index, path in enumerate(images):
        size = (chosen.image_size, chosen.image_size)
        resized = np.asarray(Image.open(path).resize(size, Image.Resampling.BILINEAR)) / 255
        expected = (resized - np.array(chosen.mean)) / np.array(chosen.std)
        assert np.abs(pixels[index].numpy().transpose(1, 2, 0) - expected).max() < 0.05
    with torch.no_grad(), recorded_layers(network, layers) as features:
        network(pixels)
    for area in AREAS:
        layer = chosen.areas[area]
        recorded = wrapper(images, layers=[layer])
        expected = features[layer].flatten(1).numpy()
        np.testing.assert_allclose(recorded.transpose("presentation", "neuroid").values, expected, rtol=1e-3, atol=1e-4)


def test_a_card_without_layers_shows_layers_to_choose_from(images):
    chosen = backbone("torchvision:squeezenet1_1")
    weights.save("sim-no-layers", chosen.build().state_dict(), {"backbone": chosen.name, "layers": None})
    with pytest.raises(BadInputError, match=r"got no layers of torchvision:squeezenet1_1, .*features\.3"):
        load_model("sim-no-layers")


def test_a_card_of_layers_that_are_not_there_names_the_nearest(images):
    chosen = backbone("torchvision:squeezenet1_1")
    weights.save("sim-wrong-layers", chosen.build().state_dict(), {"backbone": chosen.name, "layers": ["feature.3"]})
    with pytest.raises(BadInputError, match=r"no layer 'feature\.3'; the nearest are .*features\.3"):
        load_model("sim-wrong-layers")


def test_weights_of_another_network_are_refused(images):
    state = backbone("torchvision:squeezenet1_0").build().state_dict()
    weights.save("sim-other", state, {"backbone": "torchvision:squeezenet1_1", "layers": ["features.3"]})
    with pytest.raises(BadFileError, match=r"weights \(store\) as torchvision:squeezenet1_1: .*do not fit SqueezeNet"):
        load_model("sim-other")


def test_a_library_that_is_missing_says_what_to_install(monkeypatch):
    weights.save("sim-timm", {"any": torch.zeros(1)}, {"backbone": "timm:resnet10t", "layers": ["layer4"]})
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(BadInputError, match=r"pip install 'brainscore_realnet\[timm\]'"):
        load_model("sim-timm")
