import os
import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from brainscore_realnet.errors import BadFileError, MissingDataError, UnsafeFileError
from brainscore_realnet.networks.checkpoints import (
    is_torchscript,
    load_backbone,
    read_backbone,
    read_checkpoint,
    split_state_dict,
)
from brainscore_realnet.networks.cornet_s import CORnetS

BACKBONE = {"V1.conv1.weight": torch.arange(6.0).reshape(2, 3), "decoder.linear.bias": torch.ones(4)}
HEAD = {
    f"{name}.{part}": torch.ones(2)
    for name in ("fc_v1", "fc_v2", "fc_v4", "fc_it", "fc")
    for part in ("weight", "bias")
}
RESNET = {"conv1.weight": torch.ones(2), "layer1.0.conv1.weight": torch.ones(3), "fc.weight": torch.ones(4)}


def prefixed(weights: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {prefix + name: value for name, value in weights.items()}


NAMINGS: dict[str, Callable[[], tuple[dict, dict]]] = {
    "plain": lambda: (BACKBONE, {}),
    "published CORnet-S": lambda: ({"epoch": 43, "state_dict": prefixed(BACKBONE, "module."), "optimizer": {}}, {}),
    "data-parallel": lambda: (prefixed(BACKBONE, "module."), {}),
    "published ReAlnet": lambda: ({**prefixed(BACKBONE, "realnet.module."), **HEAD}, HEAD),
    "ReAlnet": lambda: ({**prefixed(BACKBONE, "realnet."), **HEAD}, HEAD),
    "ReAlnet, all data-parallel": lambda: (prefixed({**prefixed(BACKBONE, "realnet."), **HEAD}, "module."), HEAD),
    "ReAlnet, data-parallel twice": lambda: (
        prefixed({**prefixed(BACKBONE, "realnet.module."), **HEAD}, "module."),
        HEAD,
    ),
    "ReAlnet inside a checkpoint": lambda: ({"state_dict": {**prefixed(BACKBONE, "realnet."), **HEAD}}, HEAD),
    "ReAlnet without a head": lambda: (prefixed(BACKBONE, "realnet."), {}),
    "plain with a head": lambda: ({**BACKBONE, **HEAD}, HEAD),
}


class Spy:
    """Leaves a trace if it is unpickled."""

    def __init__(self, trace: Path) -> None:
        self.trace = trace

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.trace),)


@pytest.mark.parametrize("naming", NAMINGS)
def test_every_naming_splits_into_the_same_backbone_and_head(naming: str) -> None:
    state_dict, head = NAMINGS[naming]()
    got_backbone, got_head = split_state_dict(state_dict)
    assert got_backbone.keys() == BACKBONE.keys()
    assert all(got_backbone[name] is value for name, value in BACKBONE.items())
    assert got_head.keys() == head.keys()
    assert all(got_head[name] is value for name, value in head.items())


@given(
    outer=st.sampled_from(["", "module."]),
    inner=st.sampled_from(["realnet.", "realnet.module."]),
    order=st.permutations([*BACKBONE, *HEAD]),
)
def test_order_of_the_entries_does_not_matter(outer: str, inner: str, order: list[str]) -> None:
    names = [outer + (inner + name if name in BACKBONE else name) for name in order]
    backbone, head = split_state_dict({name: torch.zeros(1) for name in names})
    assert backbone.keys() == BACKBONE.keys()
    assert head.keys() == HEAD.keys()


@pytest.mark.parametrize("prefix", ["", "module."])
def test_a_resnet_keeps_its_classifier_fc(prefix: str) -> None:
    backbone, head = split_state_dict(prefixed(RESNET, prefix))
    assert backbone.keys() == RESNET.keys()
    assert head == {}


def test_a_resnet_under_realnet_keeps_its_classifier_beside_the_heads_fc() -> None:
    backbone, head = split_state_dict({**prefixed(RESNET, "realnet."), **HEAD})
    assert backbone.keys() == RESNET.keys()
    assert head.keys() == HEAD.keys()


def test_module_is_kept_where_it_is_part_of_a_name() -> None:
    weights = {"module.conv.weight": torch.ones(1), "stem.module.weight": torch.ones(1)}
    assert split_state_dict(weights)[0].keys() == weights.keys()


@pytest.mark.parametrize(
    ("state_dict", "message"),
    [
        ({}, "an empty dict"),
        ({"state_dict": {}}, "an empty dict"),
        ([1], "a list"),
        ({"V1.conv1.weight": torch.ones(1), "epoch": 3}, "'epoch' is a int, expected a tensor"),
        ({"realnet.V1.a": torch.ones(1), "V2.b": torch.ones(1)}, "'V2.b' stands beside"),
    ],
)
def test_what_is_no_state_dict_is_refused(state_dict: dict, message: str) -> None:
    with pytest.raises(BadFileError, match=message):
        split_state_dict(state_dict)


@pytest.fixture(scope="module")
def cornet_weights() -> dict[str, Tensor]:
    return CORnetS().state_dict()


@pytest.mark.parametrize("outer", ["", "module.", "realnet.module.", "realnet.", "module.realnet."])
def test_cornet_s_loads_strictly_from_every_naming(cornet_weights: dict[str, Tensor], outer: str) -> None:
    with torch.device("meta"):
        network = CORnetS()
    network.to_empty(device="cpu")
    load_backbone(network, split_state_dict(prefixed(cornet_weights, outer))[0])
    assert all(torch.equal(value, cornet_weights[name]) for name, value in network.state_dict().items())


def small_network() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(1, 2, 1), nn.BatchNorm2d(2))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("0.weight"), r"Sequential: 1 missing \(0\.weight\)"),
        (lambda w: w.update({"2.bias": torch.ones(1)}), r"1 unexpected \(2\.bias\)"),
        (
            lambda w: w.update({"0.weight": torch.ones(2, 1, 3, 3)}),
            r"1 of another shape \(0\.weight \(2, 1, 3, 3\) instead of \(2, 1, 1, 1\)\)",
        ),
        (lambda w: w["1.running_var"].fill_(float("nan")), r"NaN or infinite values in 1 entries \(1\.running_var\)"),
    ],
)
def test_weights_that_do_not_fit_are_named_and_the_network_is_left_as_it_was(change: Callable, message: str) -> None:
    network = small_network()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    weights = {name: value.clone() for name, value in small_network().state_dict().items()}
    change(weights)
    with pytest.raises(BadFileError, match=message):
        load_backbone(network, weights)
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())


def test_all_faults_are_told_at_once_with_the_first_names_of_each() -> None:
    weights = {f"stray{i}": torch.ones(1) for i in range(5)}
    with pytest.raises(BadFileError, match=r"6 missing \(0\.weight, 0\.bias, 1\.weight, …\); 5 unexpected \(stray0, "):
        load_backbone(small_network(), weights)


def test_checkpoints_from_before_num_batches_tracked_load() -> None:
    network, weights = small_network(), small_network().state_dict()
    del weights["1.num_batches_tracked"]
    load_backbone(network, weights)
    assert torch.equal(network[0].weight, weights["0.weight"])


@pytest.mark.parametrize("zipped", [True, False])
def test_files_of_both_torch_formats_come_back_as_written_with_numpy_numbers_beside(
    tmp_path: Path, zipped: bool
) -> None:
    path = tmp_path / "weights.pth.tar"
    content = {"epoch": 43, "lr": np.float64(0.1), "step": np.int64(7), "state_dict": prefixed(BACKBONE, "module.")}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    got = read_checkpoint(path)
    assert (got["epoch"], got["lr"], got["step"]) == (43, 0.1, 7)
    assert torch.equal(read_backbone(path)["V1.conv1.weight"], BACKBONE["V1.conv1.weight"])


def test_safetensors_come_back_as_written(tmp_path: Path) -> None:
    save_file({**prefixed(BACKBONE, "realnet."), **HEAD}, tmp_path / "weights.safetensors")
    got = read_backbone(tmp_path / "weights.safetensors")
    assert got.keys() == BACKBONE.keys()
    assert all(torch.equal(value, BACKBONE[name]) for name, value in got.items())


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("writer", ["zip", "legacy", "pickle 2", "pickle 4"])
def test_a_file_that_wants_to_call_something_is_refused_by_name_and_not_run(tmp_path: Path, writer: str) -> None:
    path, trace = tmp_path / "weights.pt", tmp_path / "trace"
    content = {**BACKBONE, "extra": Spy(trace)}
    if writer.startswith("pickle"):
        path.write_bytes(pickle.dumps({"extra": Spy(trace)}, protocol=int(writer[-1])))
    else:
        torch.save(content, path, _use_new_zipfile_serialization=writer == "zip")
    with pytest.raises(UnsafeFileError, match=rf"asks to call {os.mkdir.__module__}\.mkdir"):
        read_checkpoint(path)
    assert not trace.exists()


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.999])
def test_a_truncated_file_is_refused_with_its_size_and_without_unsafe_advice(
    tmp_path: Path, zipped: bool, share: float
) -> None:
    path = tmp_path / "weights.pt"
    torch.save({"a": torch.randn(100, 100)}, path, _use_new_zipfile_serialization=zipped)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(
        BadFileError, match=rf"\({int(len(whole) * share)} bytes\) cannot be read as a torch checkpoint"
    ) as e:
        read_checkpoint(path)
    assert not isinstance(e.value, UnsafeFileError)
    assert "weights_only" not in str(e.value)


@pytest.mark.parametrize("name", ["weights.pt", "weights.safetensors"])
def test_a_page_of_html_in_place_of_weights_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("<html><body>404 Not Found</body></html>")
    with pytest.raises(BadFileError, match="cannot be read as a"):
        read_checkpoint(tmp_path / name)


def test_a_truncated_safetensors_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "weights.safetensors"
    save_file(BACKBONE, path)
    path.write_bytes(path.read_bytes()[:-8])
    with pytest.raises(BadFileError, match="cannot be read as a safetensors file"):
        read_checkpoint(path)


def test_a_file_that_is_not_there_is_told_as_missing(tmp_path: Path) -> None:
    with pytest.raises(MissingDataError, match=r"nowhere\.pt is not a file"):
        read_checkpoint(tmp_path / "nowhere.pt")


def test_a_checkpoint_that_is_no_dict_is_refused(tmp_path: Path) -> None:
    torch.save([torch.ones(1)], tmp_path / "list.pt")
    with pytest.raises(BadFileError, match="holds a list, expected a dict"):
        read_checkpoint(tmp_path / "list.pt")


def test_a_torchscript_archive_is_told_apart(tmp_path: Path) -> None:
    torch.jit.save(torch.jit.script(nn.Linear(1, 1)), tmp_path / "script.pt")
    torch.save(BACKBONE, tmp_path / "weights.pt")
    assert is_torchscript(tmp_path / "script.pt")
    assert not is_torchscript(tmp_path / "weights.pt")
    with pytest.raises(BadFileError, match="is a TorchScript archive"):
        read_checkpoint(tmp_path / "script.pt")


def test_norm_before_a_classifier_is_no_generation_head():
    state = {name: torch.ones(1) for name in ("blocks.0.weight", "fc_norm.weight", "fc_norm.bias", "head.weight")}
    assert split_state_dict(state) == (state, {})
