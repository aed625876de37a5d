"""Which weights a training starts from; the libraries' caches are filled by the tests, and no network is asked."""

import hashlib
import importlib
import json
import re

import pytest
import torch
from torch import nn

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, MissingWeightsError
from brainscore_realnet.networks import backbones
from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD, Backbone, backbone
from brainscore_realnet.networks.checkpoint_forms import join_state_dict
from brainscore_realnet.networks.generation_head import GenerationHead
from brainscore_realnet.networks.pretrained import baseline_identifier, pretrained
from brainscore_realnet.networks.published import Published
from brainscore_realnet.store import folder, weights

LAYERS = ("0", "1", "2", "3")


def network():
    return nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 2), nn.Linear(2, 3))


def state_of(seed):
    torch.manual_seed(seed)
    return network().state_dict()


def same(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[key], second[key]) for key in first)


@pytest.fixture(autouse=True)
def no_second_attempt_and_one_thread(own_store, monkeypatch):
    monkeypatch.setattr(importlib.import_module("brainscore_realnet.store.download"), "_RETRIES", 0)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture
def entry(monkeypatch):
    """Put a small backbone into the table, with published weights that were downloaded before."""

    def make(published=None, fetch=None):
        known = None
        if published is not None:
            file = folder("weights", "published") / "small.pt"
            torch.save(published, file)
            sha1 = hashlib.sha1(file.read_bytes()).hexdigest()
            known = Published("http://127.0.0.1:9/small.pt", "small.pt", f"sha1:{sha1}", "nobody")
        areas = dict(zip(("V1", "V2", "V4", "IT"), LAYERS, strict=True))
        small = Backbone("a_small", network, areas, "3", 8, IMAGENET_MEAN, IMAGENET_STD, known, fetch=fetch)
        monkeypatch.setitem(backbones._BACKBONES, "a_small", small)

    return make


def test_a_file_comes_before_the_store_before_published_weights_before_the_library(entry, tmp_path):
    torch.save(state_of(1), tmp_path / "mine.pt")
    given, stored, published, fetched = (state_of(seed) for seed in (1, 2, 3, 4))
    entry(published, fetch=lambda: (fetched, {"weights": "a library"}))
    weights.save("a-small", stored, {"backbone": "a_small"})

    loaded, origin = pretrained("a_small", tmp_path / "mine.pt")
    assert same(loaded.state_dict(), given)
    content = (tmp_path / "mine.pt").read_bytes()
    hashes = {name: hashlib.new(name, content).hexdigest() for name in ("sha256", "sha1")}
    assert origin == {"weights": "file", "file": "mine.pt", **hashes, "bytes": len(content)}

    loaded, origin = pretrained("a_small")
    assert same(loaded.state_dict(), stored)
    assert (origin["weights"], origin["sha256"]) == ("store", weights.find_card("a-small")["weights_sha256"])

    (folder("weights", "cards") / "a-small.json").unlink()
    loaded, origin = pretrained("a_small")
    assert same(loaded.state_dict(), published)
    assert (origin["weights"], origin["source"]) == ("http://127.0.0.1:9/small.pt", "nobody")

    entry(fetch=lambda: (fetched, {"weights": "a library"}))
    loaded, origin = pretrained("a_small")
    assert same(loaded.state_dict(), fetched)
    assert origin == {"weights": "a library"}


def test_origins_can_be_kept_in_model_cards(entry, tmp_path):
    entry()
    weights.save("a-small", state_of(2), {"backbone": "a_small", "note": "any"})
    torch.save(state_of(1), tmp_path / "mine.pt")
    for given in (None, tmp_path / "mine.pt"):
        origin = pretrained("a_small", given)[1]
        assert json.loads(json.dumps(origin)) == origin


def test_of_a_trained_models_file_the_backbone_is_taken_and_its_head_left(entry, tmp_path):
    entry()
    head = GenerationHead(dict.fromkeys(LAYERS, 2) | {"3": 3}, n_signals=4, hidden=2).state_dict()
    torch.save(join_state_dict(state_of(1), head), tmp_path / "trained.pt")
    assert same(pretrained("a_small", str(tmp_path / "trained.pt"))[0].state_dict(), state_of(1))


def test_no_weights_name_every_way_to_them_and_none_are_random(entry):
    entry()
    with pytest.raises(MissingWeightsError) as caught:
        pretrained("a_small")
    message = str(caught.value)
    assert "no weights of a-small, and none were published" in message
    assert "`brainscore weights import FILE --model a-small --backbone a_small`" in message
    assert "`--pretrained FILE`" in message


def test_published_weights_that_cannot_be_fetched_name_address_cause_and_what_to_do(entry):
    entry(state_of(1))
    (folder("weights", "published") / "small.pt").unlink()
    with pytest.raises(MissingWeightsError) as caught:
        pretrained("a_small")
    message = str(caught.value)
    for told in ("http://127.0.0.1:9/small.pt", "refused", "weights import FILE --model a-small", "--pretrained FILE"):
        assert told in message


def test_files_that_are_absent_or_of_another_network_are_refused_by_name(entry, tmp_path):
    entry(state_of(1))
    with pytest.raises(MissingDataError, match=r"nothing\.pt is not a file"):
        pretrained("a_small", tmp_path / "nothing.pt")
    torch.save({**state_of(1), "3.bias": torch.zeros(4)}, tmp_path / "other.pt")
    with pytest.raises(BadFileError, match=r"weights \(other\.pt\) as a_small: .*3\.bias \(4,\) instead of \(3,\)"):
        pretrained("a_small", tmp_path / "other.pt")


def test_a_card_of_another_backbone_is_refused(entry):
    entry()
    weights.save("a-small", state_of(1), {"backbone": "cornet_s"})
    with pytest.raises(BadFileError, match="a-small is of the backbone cornet_s, expected a_small"):
        pretrained("a_small")


def test_layers_are_checked_before_weights_are_looked_for(entry):
    entry(fetch=lambda: pytest.fail("weights were fetched"))
    with pytest.raises(BadInputError, match="Sequential has no layer '7'"):
        pretrained("a_small", layers=["0", "7"])
    with pytest.raises(BadInputError, match=r"got no layers of torchvision:squeezenet1_1, .*features\.3, "):
        pretrained("torchvision:squeezenet1_1")


def test_the_narrow_cornet_has_weights_only_in_the_store():
    with pytest.raises(MissingWeightsError, match=r"no weights of sim-cornet-s-narrow, and none were published"):
        pretrained("sim_cornet_s_narrow")
    torch.manual_seed(1)
    state = backbone("sim_cornet_s_narrow").build().state_dict()
    weights.save("sim-cornet-s-narrow", state, {"backbone": "sim_cornet_s_narrow"})
    assert same(pretrained("sim_cornet_s_narrow")[0].state_dict(), state)


def test_baselines_of_libraries_have_identifiers_that_the_store_takes():
    names = ["cornet_s", "timm:convnext_tiny.fb_in1k", "open_clip:RN50/openai", "torchvision:resnet50"]
    identifiers = [baseline_identifier(name) for name in names]
    assert identifiers == ["cornet-s", "timm-convnext-tiny.fb-in1k", "open-clip-RN50-openai", "torchvision-resnet50"]
    for identifier in identifiers:
        assert weights.find_card(identifier) is None


@pytest.fixture
def torchvisions_cache(tmp_path, monkeypatch):
    """Give a function that puts a file into torchvision's cache, and makes torchvision know its hash."""
    from torchvision import models

    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    checkpoints = tmp_path / "torch" / "hub" / "checkpoints"
    checkpoints.mkdir(parents=True)

    def put(name, state):
        torch.save(state, checkpoints / "new.pth")
        sha256 = hashlib.sha256((checkpoints / "new.pth").read_bytes()).hexdigest()
        known = models.get_model_weights(name).DEFAULT
        monkeypatch.setattr(known.value, "url", f"http://127.0.0.1:9/{name}-{sha256[:8]}.pth")
        (checkpoints / "new.pth").rename(checkpoints / f"{name}-{sha256[:8]}.pth")
        return known, checkpoints / f"{name}-{sha256[:8]}.pth", sha256

    return put


def in_old_form(name):
    """Seeded weights as torchvision's file of them is."""
    from torchvision import models

    torch.manual_seed(2)
    options = {"aux_logits": True, "init_weights": False} if name == "googlenet" else {}
    state = models.get_model(name, weights=None, **options).state_dict()
    return {
        re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", key): value
        for key, value in state.items()
        if not key.endswith("num_batches_tracked")
    }


@pytest.mark.parametrize(
    ("name", "layer", "old"),
    [
        ("squeezenet1_1", "features.3", "features.0.weight"),
        ("densenet121", "features.denseblock1", "features.denseblock1.denselayer1.norm.1.weight"),
        ("googlenet", "inception3a", "aux1.fc1.weight"),
    ],
)
def test_torchvisions_weights_are_loaded_as_torchvision_does(torchvisions_cache, name, layer, old):
    from torchvision import models

    state = in_old_form(name)
    assert old in state
    known, _, sha256 = torchvisions_cache(name, state)
    loaded, origin = pretrained(f"torchvision:{name}", layers=[layer])
    expected = models.get_model(name, weights=known)
    assert same(loaded.state_dict(), expected.state_dict())
    assert origin == {"weights": known.url, "sha256": sha256, "source": f"torchvision, {known}"}
    images = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(loaded.eval()(images), expected.eval()(images))


def test_a_cached_file_with_other_bytes_than_torchvision_published_is_refused(torchvisions_cache):
    _, path, _ = torchvisions_cache("squeezenet1_1", {"any": torch.zeros(1)})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(BadFileError, match=rf"{path.name}: expected one that begins with .*Delete the file"):
        pretrained("torchvision:squeezenet1_1", layers=["features.3"])


def test_torchvisions_weights_that_cannot_be_downloaded_say_why_and_what_to_do(torchvisions_cache):
    known, path, _ = torchvisions_cache("squeezenet1_1", {"any": torch.zeros(1)})
    path.unlink()
    with pytest.raises(MissingWeightsError) as caught:
        pretrained("torchvision:squeezenet1_1", layers=["features.3"])
    message = str(caught.value)
    how = "weights import FILE --model torchvision-squeezenet1-1 --backbone torchvision:squeezenet1_1`"
    for told in (known.url, "refused", how, "--pretrained FILE"):
        assert told in message
    assert not list(path.parent.iterdir())


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Give a function that puts a file into the Hugging Face hub's cache, which is offline."""
    constants = pytest.importorskip("huggingface_hub.constants")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    def put(repository, filename, state):
        from safetensors.torch import save_file

        place = tmp_path / "hub" / f"models--{repository.replace('/', '--')}"
        commit = "0" * 40
        (place / "refs").mkdir(parents=True)
        (place / "refs" / "main").write_text(commit)
        (place / "snapshots" / commit).mkdir(parents=True)
        save_file({key: value.contiguous() for key, value in state.items()}, place / "snapshots" / commit / filename)

    return put


def test_timms_weights_are_loaded_from_its_cache(hub):
    timm = pytest.importorskip("timm")
    torch.manual_seed(4)
    state = timm.create_model("resnet10t").state_dict()
    hub("timm/resnet10t.c3_in1k", "model.safetensors", state)
    loaded, origin = pretrained("timm:resnet10t", layers=["layer4"])
    assert same(loaded.state_dict(), state)
    assert origin == {"weights": "timm resnet10t.c3_in1k", "source": "timm, timm/resnet10t.c3_in1k"}


@pytest.fixture
def tiny_clip(tmp_path, monkeypatch):
    """Make open_clip know a small model, with weights in a repository of the hub."""
    open_clip = pytest.importorskip("open_clip")
    known = open_clip.factory._MODEL_CONFIGS
    vision = {"image_size": 32, "patch_size": 16, "width": 64, "layers": 2}
    text = {"context_length": 4, "vocab_size": 8, "width": 16, "heads": 1, "layers": 1}
    monkeypatch.setitem(known, "tiny", {"embed_dim": 8, "vision_cfg": vision, "text_cfg": text})
    about = {"hf_hub": "nobody/tiny/", "mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "quick_gelu": True}
    monkeypatch.setitem(open_clip.pretrained._PRETRAINED, "tiny", {"any": about})
    return open_clip


def test_open_clips_weights_are_loaded_from_its_cache_without_the_text_encoder(hub, tiny_clip):
    torch.manual_seed(4)
    whole = tiny_clip.create_model("tiny", force_quick_gelu=True).eval()
    hub("nobody/tiny", "open_clip_model.safetensors", whole.state_dict())
    loaded, origin = pretrained("open_clip:tiny/any", layers=["visual.transformer.resblocks.1"])
    images = torch.randn(2, 3, 32, 32)
    with torch.no_grad():
        assert torch.equal(loaded.eval()(images), whole.encode_image(images))
    chosen = backbone("open_clip:tiny/any")
    assert (chosen.image_size, chosen.mean, chosen.std) == (32, (0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
    sha256 = origin.pop("sha256")
    assert re.fullmatch("[0-9a-f]{64}", sha256)
    assert origin == {"weights": "open_clip tiny/any", "source": "open_clip, nobody/tiny/"}


@pytest.mark.parametrize(
    ("name", "layer", "told"),
    [
        ("timm:resnet10t", "layer4", r"timm could not get the weights of resnet10t \("),
        ("timm:darknet17", "stages.1", r"timm has no pretrained weights of darknet17; it has those of .*darknet"),
        ("open_clip:RN50/openai", "visual.layer4", r"open_clip could not get the weights openai of RN50 \("),
        ("open_clip:RN50", "visual.layer4", "open_clip:RN50 names no pretrained weights; with weights: .*RN50/openai"),
    ],
)
def test_weights_that_a_library_cannot_give_say_why_and_what_to_do(hub, name, layer, told):
    pytest.importorskip(name.partition(":")[0])
    identifier = baseline_identifier(name)
    how = f"weights import FILE --model {identifier} --backbone {name}`.*--pretrained FILE"
    with pytest.raises(MissingWeightsError, match=f"no weights of {identifier}, and {told}.*{how}"):
        pretrained(name, layers=[layer])
