import subprocess
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from brainscore_realnet.errors import BadInputError, UnknownIdentifierError
from brainscore_realnet.networks import backbones
from brainscore_realnet.networks.backbones import (
    IMAGENET_MEAN,
    IMAGENET_STD,
    NAMES,
    Backbone,
    backbone,
    build,
    register,
)
from brainscore_realnet.networks.recording import recorded_layers

PARAMETERS = {
    "cornet_s": 53_416_616,
    "resnet_101": 44_549_160,
    "clip_rn101": 56_259_936,
    "sim_cornet_s_narrow": 3_445_400,
}
SHAPES = {
    "cornet_s": {
        "V1": (64, 56, 56),
        "V2": (128, 28, 28),
        "V4": (256, 14, 14),
        "IT": (512, 7, 7),
        "readout": (512, 1, 1),
    },
    "resnet_101": {
        "V1": (64, 112, 112),
        "V2": (256, 56, 56),
        "V4": (1024, 14, 14),
        "IT": (2048, 7, 7),
        "readout": (2048, 1, 1),
    },
    "clip_rn101": {"V1": (64, 112, 112), "V2": (256, 56, 56), "V4": (1024, 14, 14), "IT": (512,), "readout": (512,)},
    "sim_cornet_s_narrow": {
        "V1": (16, 16, 16),
        "V2": (32, 8, 8),
        "V4": (64, 4, 4),
        "IT": (128, 2, 2),
        "readout": (128, 1, 1),
    },
}


def test_the_table_holds_exactly_the_backbones_that_are_tested_here() -> None:
    assert set(NAMES) == set(PARAMETERS) == set(SHAPES)


@pytest.fixture(scope="module", params=NAMES)
def built(request: pytest.FixtureRequest) -> tuple[Backbone, nn.Module]:
    if request.param == "clip_rn101":
        pytest.importorskip("open_clip")
    return backbone(request.param), build(request.param).eval()


def test_areas_and_readout_exist_and_put_out_their_shapes(built: tuple[Backbone, nn.Module]) -> None:
    entry, network = built
    assert list(entry.areas) == ["V1", "V2", "V4", "IT"]
    assert sum(parameter.numel() for parameter in network.parameters()) == PARAMETERS[entry.name]
    layers = {**entry.areas, "readout": entry.readout}
    with torch.no_grad(), recorded_layers(network, layers.values()) as features:
        network(torch.randn(2, 3, entry.image_size, entry.image_size))
    assert {area: tuple(features[layer].shape) for area, layer in layers.items()} == {
        area: (2, *shape) for area, shape in SHAPES[entry.name].items()
    }


def test_two_builds_share_no_parameter_and_no_buffer(built: tuple[Backbone, nn.Module]) -> None:
    first, second = built[1], build(built[0].name)
    memory = [{value.untyped_storage().data_ptr() for value in n.state_dict().values()} for n in (first, second)]
    assert memory[0].isdisjoint(memory[1])
    assert {id(module) for module in first.modules()}.isdisjoint(id(module) for module in second.modules())


@pytest.mark.parametrize(
    ("typed", "nearest"), [("cornet-s", "cornet_s"), ("resnet101", "resnet_101"), ("clip", "clip_rn101")]
)
def test_a_miss_names_the_nearest_backbone_first(typed: str, nearest: str) -> None:
    with pytest.raises(UnknownIdentifierError, match=f"no backbone is called '{typed}'; nearest: {nearest}"):
        build(typed)


def test_a_miss_far_from_everything_names_all() -> None:
    with pytest.raises(UnknownIdentifierError, match="nearest: cornet_s, resnet_101, clip_rn101"):
        backbone("zzz")


def test_importing_the_folder_imports_no_torch() -> None:
    code = "import sys, brainscore_realnet.networks; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_network_of_ones_own_is_registered_once_with_layers_that_it_has(monkeypatch):
    monkeypatch.setattr(backbones, "_BACKBONES", dict(backbones._BACKBONES))
    layers = {"V1": "0", "V2": "1", "V4": "2", "IT": "3"}

    def made():
        return torch.nn.Sequential(*(torch.nn.Conv2d(3, 3, 1) for _ in range(4)))

    mine = Backbone("mine", made, layers, "3", 32, IMAGENET_MEAN, IMAGENET_STD)
    register(mine)
    assert backbone("mine") is mine
    for wrong, message in (
        (mine, "taken: .*mine"),
        (replace(mine, name="timm:mine"), "of letters, digits and '_'"),
        (replace(mine, name="other", areas={"V1": "0"}), "got areas V1 of other"),
        (replace(mine, name="other", areas={**layers, "IT": "9"}), "no layer '9'"),
    ):
        with pytest.raises(BadInputError, match=message):
            register(wrong)
    assert "other" not in backbones._BACKBONES
