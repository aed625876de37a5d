import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.networks.checkpoints import load_backbone
from brainscore_realnet.networks.clip_rn101 import MEAN, STD, ClipRN101, read_visual_weights

open_clip = pytest.importorskip("open_clip")


@pytest.fixture(scope="module")
def network() -> ClipRN101:
    torch.manual_seed(5)
    return ClipRN101().eval()


def fit(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    with torch.device("meta"):
        network = ClipRN101()
    network.to_empty(device="cpu")
    load_backbone(network, weights)
    return network.state_dict()


def test_names_and_shapes_are_those_of_open_clips_rn101() -> None:
    with torch.device("meta"):
        whole, ours = open_clip.create_model("RN101", pretrained=None, device="meta"), ClipRN101()
    expected = {name: value.shape for name, value in whole.state_dict().items() if name.startswith("visual.")}
    assert {name: value.shape for name, value in ours.state_dict().items()} == expected


def test_normalisation_is_clips() -> None:
    assert (MEAN, STD) == (open_clip.OPENAI_DATASET_MEAN, open_clip.OPENAI_DATASET_STD)


@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning")
def test_a_half_precision_torchscript_archive_is_read_as_float32(network: ClipRN101, tmp_path: Path) -> None:
    with torch.no_grad():
        script = torch.jit.trace(network, torch.zeros(1, 3, 224, 224), check_trace=False)
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    torch.jit.save(script.half(), tmp_path / "RN101.pt")
    network.load_state_dict(weights)
    network.float()
    loaded = fit(read_visual_weights(tmp_path / "RN101.pt"))
    for name, value in weights.items():
        assert loaded[name].dtype == value.dtype
        assert torch.equal(loaded[name], value.half().float() if value.is_floating_point() else value), name


@pytest.mark.parametrize("ending", ["pt", "safetensors"])
def test_a_state_dict_of_the_whole_model_gives_its_visual_part(network: ClipRN101, tmp_path: Path, ending: str) -> None:
    network.float()
    path = tmp_path / f"open_clip.{ending}"
    whole = {**network.state_dict(), "logit_scale": torch.ones(()), "transformer.weight": torch.ones(2)}
    if ending == "pt":
        torch.save({"state_dict": {f"module.{name}": value for name, value in whole.items()}}, path)
    else:
        save_file(whole, path)
    loaded = fit(read_visual_weights(path))
    assert all(torch.equal(loaded[name], value) for name, value in network.state_dict().items())


def test_files_without_a_visual_tower_are_refused(tmp_path: Path) -> None:
    torch.save({"V1.conv1.weight": torch.ones(1)}, tmp_path / "weights.pt")
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), tmp_path / "script.pt")
    for name in ("weights.pt", "script.pt"):
        with pytest.raises(BadFileError, match=r"holds no entry 'visual\.…'"):
            read_visual_weights(tmp_path / name)
    with pytest.raises(MissingDataError, match="is not a file"):
        read_visual_weights(tmp_path / "nowhere.pt")


def test_a_missing_open_clip_is_told_with_the_command_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "open_clip", None)
    monkeypatch.setitem(sys.modules, "open_clip.modified_resnet", None)
    with pytest.raises(BadInputError, match=r"pip install 'brainscore_realnet\[clip\]'"):
        ClipRN101()
