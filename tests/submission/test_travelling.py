import ast
import importlib
import sys

import pytest
import torch
from torch import nn

from brainscore_realnet.errors import BadInputError, UnknownIdentifierError
from brainscore_realnet.networks import backbones
from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD, Backbone, backbone
from brainscore_realnet.submission.exporting.networks import NETWORK, travelling_network
from brainscore_realnet.submission.exporting.travelling import PACKAGE, travelling

MODEL = "brainscore_realnet.submission.exporting.travels.model"
NETWORKS = {
    "cornet_s": None,
    "sim_cornet_s_narrow": None,
    "resnet_101": None,
    "clip_rn101": "open_clip",
    "torchvision:resnet18": None,
    "torchvision:inception_v3": None,
    "timm:test_vit": "timm",
    "open_clip:ViT-S-32-alt": "open_clip",
}
"""Backbone to the optional package that it needs."""


def copies_for(name):
    source = travelling_network(name).source
    return travelling({MODEL: "model"}, {NETWORK: source} if source else {})


def imported_by(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            yield node.level, node.module
        elif isinstance(node, ast.Import):
            yield from ((0, alias.name) for alias in node.names)


@pytest.fixture
def built_by_a_copy(tmp_path, monkeypatch):
    """Import a submission's `network.py` as a package's, and build with it; parameters are not filled."""

    def build(name):
        folder = tmp_path / "copied_plugin"
        folder.mkdir()
        (folder / "__init__.py").touch()
        for file, source in copies_for(name).items():
            (folder / file).write_text(source)
        monkeypatch.syspath_prepend(tmp_path)
        with torch.device("meta"):
            return importlib.import_module("copied_plugin.network").build_network()

    yield build
    for module in [module for module in sys.modules if module.startswith("copied_plugin")]:
        del sys.modules[module]


@pytest.mark.parametrize("name", NETWORKS)
def test_copies_need_nothing_of_this_package_but_each_other(name):
    if NETWORKS[name]:
        pytest.importorskip(NETWORKS[name])
    copies = copies_for(name)
    assert {"model.py", "network.py", "activations.py"} <= copies.keys()
    for source in copies.values():
        for level, module in imported_by(source):
            assert level in (0, 1)
            assert f"{module}.py" in copies if level else not module.startswith("brainscore_realnet")


@pytest.mark.parametrize("name", NETWORKS)
def test_copied_network_is_the_backbone(name, built_by_a_copy):
    if NETWORKS[name]:
        pytest.importorskip(NETWORKS[name])
    with torch.device("meta"):
        ours = backbone(name).build()
    copied = built_by_a_copy(name)
    shapes = [{key: value.shape for key, value in network.state_dict().items()} for network in (ours, copied)]
    assert shapes[0] == shapes[1]
    assert [layer for layer, _ in ours.named_modules()] == [layer for layer, _ in copied.named_modules()]


def test_libraries_are_required_in_the_version_that_is_installed():
    timm = pytest.importorskip("timm")
    assert travelling_network("timm:test_vit").requirements == (f"timm=={timm.__version__}",)
    assert travelling_network("torchvision:resnet18").requirements == ()


def test_registered_backbone_cannot_travel(monkeypatch):
    mine = Backbone("mine", nn.Identity, {}, "", 32, IMAGENET_MEAN, IMAGENET_STD)
    monkeypatch.setitem(backbones._BACKBONES, "mine", mine)
    with pytest.raises(BadInputError, match=r"Got the backbone mine, which was registered.*by hand"):
        travelling_network("mine")
    with pytest.raises(UnknownIdentifierError, match=r"nearest: cornet_s"):
        travelling_network("cornet")


def test_copies_say_where_they_come_from():
    copies = travelling({"brainscore_realnet.networks.cornet_s": "network"})
    assert list(copies) == ["network.py"]
    first, rest = copies["network.py"].split("\n", 1)
    assert first.startswith("# A copy of brainscore_realnet/networks/cornet_s.py of brainscore_realnet ")
    assert rest == (PACKAGE / "networks" / "cornet_s.py").read_text()


def test_what_is_written_travels_in_the_place_of_the_module():
    copies = travelling(
        {"brainscore_realnet.networks.cornet_s": "network"},
        {"brainscore_realnet.networks.cornet_s": "from brainscore_realnet.errors import (\n    BadInputError,\n)\n"},
    )
    assert list(copies) == ["errors.py", "network.py"]
    first, rest = copies["network.py"].split("\n", 1)
    assert first.startswith("# Written by brainscore_realnet ")
    assert rest == "from .errors import (\n    BadInputError,\n)\n"


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("from brainscore_realnet.store import folder", r"got brainscore_realnet\.store\.folder, which is no module"),
        ("from brainscore_realnet.nothing import thing", r"line 2: got brainscore_realnet\.nothing"),
        ("from brainscore_realnet import store", r"got brainscore_realnet\.store, which is no module"),
        ("import brainscore_realnet.errors", r"line 2: got a plain import"),
        ("from .cornet_s import CORnetS", r"line 2: got a relative import"),
    ],
)
def test_imports_that_cannot_travel_are_refused(line, told):
    module = "brainscore_realnet.networks.cornet_s"
    with pytest.raises(BadInputError, match=told):
        travelling({module: "network"}, {module: f"import torch\n{line}\n"})


def test_modules_can_be_taken_from_their_package():
    module = "brainscore_realnet.networks.cornet_s"
    line = "from brainscore_realnet.store import hashing as hashes"
    with pytest.raises(BadInputError, match=r"hashing travels as other"):
        travelling({module: "network", "brainscore_realnet.store.hashing": "other"}, {module: line})
    assert "from .  import" not in travelling({module: "network"}, {module: line})["network.py"]
    assert "from . import hashing as hashes" in travelling({module: "network"}, {module: line})["network.py"]


def test_two_modules_of_one_name_are_refused():
    with pytest.raises(BadInputError, match=r"two of which have the same name"):
        travelling({"brainscore_realnet.networks.cornet_s": "one", "brainscore_realnet.errors": "one"})
