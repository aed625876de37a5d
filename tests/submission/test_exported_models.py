"""Exported models: what is written, what Brain-Score sees of it without this package, what is refused."""

import copy
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import brainscore_vision
import numpy as np
import pytest
import torch
import yaml
from brainscore_core.metadata import load as load_metadata
from brainscore_core.metadata import vocabulary_warnings
from brainscore_core.metadata.storage import from_legacy
from brainscore_core.plugin_management.generate_model_metadata import merge_v2_entry
from brainscore_core.plugin_management.parse_plugin_changes import get_plugin_ids
from brainscore_vision.plugin_management.vision_domain_plugin import VisionDomainPlugin
from PIL import Image

from brainscore_realnet.cli.submit_export import SubmitExport
from brainscore_realnet.errors import BadFileError, BadInputError, RealnetError
from brainscore_realnet.networks import backbones
from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD, Backbone, backbone
from brainscore_realnet.networks.published import CORNET_S
from brainscore_realnet.scoring.loading import load_model
from brainscore_realnet.simulation.pretraining import one_thread
from brainscore_realnet.store import sha256_file, weights
from brainscore_realnet.submission.exporting import chosen_models, models
from brainscore_realnet.submission.exporting.export import export
from brainscore_realnet.submission.exporting.metadata import Told, document, entry
from brainscore_realnet.submission.exporting.travelling import PACKAGE
from brainscore_realnet.submission.exporting.travels.model_tests import areas_of_one_image
from brainscore_realnet.training.recipes import REALNET_EEG, REALNET_FMRI, SIM_REALNET_EEG

MODELS = ("sim-exported-sub01", "sim-exported-sub02")
PLUGIN = "sim_exported_sub01_sub02"
IMPORTED = "my-exported"
NETWORK = "sim_cornet_s_narrow"
AREAS = ("V1", "V2", "V4", "IT")


def card_of(recipe, **changes):
    """The card that a training by a recipe leaves."""
    start = {"weights": CORNET_S.url, "hash": CORNET_S.known_hash, "source": CORNET_S.source}
    if recipe.simulated:
        start = {"weights": "store", "card": {"simulated": True}}
    return {
        "backbone": recipe.backbone,
        "layers": None,
        "image_size": recipe.image_size,
        "simulated": recipe.simulated,
        "head": {"layers": list(AREAS), "n_signals": 3},
        "recipe": recipe.record(),
        "recipe_digest": recipe.digest,
        "departures": list(recipe.departures),
        "n_images": 120,
        "pretrained": start,
        "epoch": recipe.epochs,
        "selected_by": "last epoch",
        **changes,
    }


def snapshot(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Give each test of this file a store with two simulated models of one backbone and an imported one."""
    with pytest.MonkeyPatch.context() as patch, one_thread():
        patch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path_factory.mktemp("store")))
        for subject, identifier in enumerate((*MODELS, IMPORTED), start=1):
            torch.manual_seed(subject)
            state = backbone(NETWORK).build().state_dict()
            head = {"fc_v1.weight": torch.ones(2, 2), "fc.bias": torch.ones(2)}
            card = card_of(SIM_REALNET_EEG.changed(subject=min(subject, 2)))
            if identifier == IMPORTED:
                card = {"backbone": NETWORK, "imported": {"file": "x.pt", "sha256": "0" * 64}, "note": "private"}
            weights.save(identifier, state | head, card)
        yield


@pytest.fixture(scope="module")
def exported(store, tmp_path_factory):
    return export(MODELS, (), tmp_path_factory.mktemp("exported") / "out")


@pytest.fixture(scope="module")
def plugin(exported):
    return exported.root / "models" / PLUGIN


RUN = """
import json, os, sys
from pathlib import Path

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "brainscore_realnet":
            raise ImportError("this package is not to be imported")

sys.meta_path.insert(0, Blocker())
import numpy as np, pytest
import brainscore_vision
from brainscore_vision import load_model

work, image, plugin, *identifiers = sys.argv[1:]
found = {"library": brainscore_vision.__file__, "models": {}}
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet
kept = []
for identifier in (*identifiers, identifiers[0]):
    model = load_model(identifier)
    stimuli = StimulusSet([{"stimulus_id": "one"}])
    stimuli.stimulus_paths, stimuli.identifier = {"one": image}, None
    for area in ("V1", "V2", "V4", "IT"):
        model.start_recording(area, [(70, 170)])
        np.save(Path(work) / f"{identifier}-{area}.npy", np.asarray(model.look_at(stimuli)).ravel())
    found["models"][identifier] = {
        "regions": dict(model.layer_model.region_layer_map),
        "layers": model.layers,
        "degrees": model.visual_degrees(),
    }
    kept = [*kept, model]
folder = Path(brainscore_vision.__file__).parent / "models" / plugin
from importlib import import_module
found["bibtex"] = import_module(f"brainscore_vision.models.{plugin}.model").get_bibtex(identifiers[0])
found["tests"] = int(pytest.main(["-q", "-p", "no:cacheprovider", "-m", "not slow", "-c", os.devnull,
                                  "--rootdir", str(folder), str(folder / "test.py")]))
os.environ["BRAINSCORE_HOME"] = str(Path(work) / "spoilt")
try:
    load_model(identifiers[0])
except ValueError as error:
    found["spoilt"] = str(error)
found["networks"] = len({id(model.activations_model._model) for model in kept})
found["ours"] = [name for name in sys.modules if name.startswith("brainscore_realnet")]
(Path(work) / "found.json").write_text(json.dumps(found))
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    path = tmp_path_factory.mktemp("image") / "noise.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (90, 90, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture(scope="module")
def elsewhere(exported, plugin, image, tmp_path_factory):
    """Run the plugin in a Brain-Score of links, in a process that cannot import this package."""
    work = tmp_path_factory.mktemp("elsewhere")
    library, theirs = work / "overlay" / "brainscore_vision", Path(brainscore_vision.__file__).parent
    (library / "models").mkdir(parents=True)
    for path in theirs.iterdir():
        if path.name != "models":
            (library / path.name).symlink_to(path)
    for path in (theirs / "models").glob("__init__.py"):
        (library / "models" / path.name).symlink_to(path)
    shutil.copytree(plugin, library / "models" / plugin.name)
    home = plugin.parents[2] / "weights"
    shutil.copytree(home, work / "spoilt")
    spoilt = next((work / "spoilt").rglob(f"{MODELS[0]}-*"))
    spoilt.write_bytes(spoilt.read_bytes()[:-1] + b"?")
    (work / "run.py").write_text(RUN)
    settings = {
        "PYTHONPATH": str(work / "overlay"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "BRAINSCORE_HOME": str(home),
        "BS_INSTALL_DEPENDENCIES": "no",
        "OMP_NUM_THREADS": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", work / "run.py", work, image, PLUGIN, *MODELS],
        env={**os.environ, **settings},
        cwd=work,
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr[-2000:]
    return work, json.loads((work / "found.json").read_text()), ended.stdout


def test_plugin_runs_without_this_package_and_computes_the_same(store, elsewhere, image):
    work, found, _ = elsewhere
    assert found["library"].startswith(str(work))
    assert found["ours"] == []
    assert found["networks"] == 3  # two of them are of one model that was loaded twice
    for identifier in MODELS:
        ours = load_model(identifier)
        about = found["models"][identifier]
        regions = ours.layer_model.region_layer_map
        assert about["regions"] == {area: regions[area] for area in AREAS}
        assert about["layers"] == ours.layers
        assert about["degrees"] == ours.visual_degrees()
        activations = ours.activations_model.to("cpu").from_paths([image], list(AREAS))
        for area in AREAS:
            expected = activations.sel(layer=area).values.ravel()
            assert np.ptp(expected) > 0
            np.testing.assert_allclose(np.load(work / f"{identifier}-{area}.npy"), expected, rtol=1e-4, atol=1e-5)
    assert found["bibtex"].startswith("@article{lu_realnet_2024,")


def test_plugins_own_tests_pass_there(elsewhere):
    _, found, printed = elsewhere
    assert found["tests"] == 0, printed[-2000:]
    assert "6 passed" in printed


def test_other_bytes_of_weights_are_refused_there(elsewhere):
    work, found, _ = elsewhere
    path = next((work / "spoilt").rglob(f"{MODELS[0]}-*"))
    size = path.stat().st_size
    assert found["spoilt"].startswith(f"Got sha256 {sha256_file(path)} ({size} bytes) for {path}, expected ")
    assert "Delete the file" in found["spoilt"]


def test_folder_holds_the_plugin_its_weights_and_the_next_steps(exported, plugin):
    out = exported.root.parent
    assert exported.archive == out / f"{PLUGIN}.zip"
    assert {path.name for path in plugin.iterdir()} == {
        *("__init__.py", "model.py", "network.py", "activations.py", "cornet_s.py", "test.py"),
        *("models.json", "requirements.txt", "metadata.yaml"),
    }
    assert (plugin / "requirements.txt").read_text() == "safetensors>=0.4\n"
    assert get_plugin_ids("models", [plugin.name], str(exported.root)) == list(MODELS)
    assert VisionDomainPlugin().find_registered_models(plugin) == list(MODELS)
    assert {path.name for path in out.iterdir()} == {*("README.md", "uploads.json", "weights", PLUGIN, f"{PLUGIN}.zip")}
    readme = (out / "README.md").read_text()
    for upload in exported.uploads:
        assert sha256_file(out / upload.local) == upload.sha256
        assert upload.name == f"{upload.name[:18]}-{upload.sha256[:8]}.safetensors"
        for fact in (upload.local, upload.bytes, upload.sha1, upload.sha256):
            assert str(fact) in readme
        assert f"{upload.name[:18]} is simulated: export it to try things, but do not upload it." in readme
    assert "--model sim-exported-sub01" in readme


def test_weights_are_the_backbones_alone(exported):
    from safetensors.torch import load_file

    upload = exported.uploads[0]
    state = load_file(exported.root.parent / upload.local)
    kept = weights.load(MODELS[0])[0]
    assert state.keys() == kept.keys() - {"fc_v1.weight", "fc.bias"}
    assert all(torch.equal(state[name], kept[name]) for name in state)


def test_two_exports_are_byte_for_byte_equal(exported, tmp_path):
    again = export(MODELS, (), tmp_path / "again")
    assert snapshot(again.root.parent) == snapshot(exported.root.parent)
    assert again.uploads == exported.uploads


def test_entered_places_reach_the_plugin_and_are_not_lost(exported, tmp_path):
    out = tmp_path / "out"
    shutil.copytree(exported.root.parent, out)
    content = json.loads((out / "uploads.json").read_text())
    chosen = exported.uploads[1].name
    content[chosen] |= {"folder": "brainscore-vision/models/other", "version_id": ".7sUx"}
    content["gone.safetensors"] = content[exported.uploads[0].name]
    (out / "uploads.json").write_text(json.dumps(content))
    before = snapshot(out)
    with pytest.raises(BadInputError, match=rf"other places of {chosen}.*Give --uploads {out}/uploads\.json"):
        export(MODELS, (), out, replace=True)
    assert snapshot(out) == before

    again = export(MODELS, (), out, replace=True, uploads=out / "uploads.json")
    table = json.loads((again.root / "models" / PLUGIN / "models.json").read_text())
    assert table[MODELS[1]]["weights"]["folder_name"] == "brainscore-vision/models/other"
    assert table[MODELS[1]]["weights"]["version_id"] == ".7sUx"
    assert table[MODELS[0]]["weights"]["version_id"] is None
    assert (out / "weights" / "brainscore-vision" / "models" / "other" / chosen).is_file()
    assert "version `.7sUx`" in (out / "README.md").read_text()
    assert "gone.safetensors stands in uploads.json" in again.notes[-1]
    assert list(tmp_path.iterdir()) == [out]


@pytest.mark.parametrize(
    ("chosen", "options", "told"),
    [
        ((), {}, r"Got no model and no benchmark"),
        (("sim-exported-sub1",), {}, r"Did you mean sim-exported-sub01"),
        (("alexnet",), {}, r"Got alexnet, which is on Brain-Score already"),
        (("cornet-s",), {}, r"already \(as CORnet-S\)"),
        (("sim-hidden",), {}, r"Got sim-hidden, a simulated reference model, which is made from a seed"),
        (("realnet-eeg-sub01-beta1",), {}, r"no weights of realnet-eeg-sub01-beta1"),
        ((MODELS[0], MODELS[0]), {}, r"Got sim-exported-sub01 2 times"),
        (("sim-exported-own",), {}, r"Got the backbone registered_here, which was registered in this process"),
        (("a", "b", "c", "d", "e", "f"), {}, r"Got 6 identifiers .*--form pull-request"),
        ((MODELS[0],), {"form": "post"}, r"Got the form 'post': expected one of website, pull-request"),
        ((*MODELS, "realnet-eeg-sub01-beta1"), {}, r"no weights of realnet-eeg-sub01-beta1"),
        (("-dash",), {}, r"Got the identifier '-dash', which commands take for an option"),
        ((MODELS[0],), {"name": "../up"}, r"Got the name '\.\./up'"),
        ((MODELS[0],), {"name": "-up"}, r"Got the name '-up'.*none of '\.' and '-' at the beginning"),
        ((MODELS[0],), {"name": "weights"}, r"Got the name 'weights'"),
        ((MODELS[0],), {"name": "models"}, r"Got the name 'models'"),
        ((MODELS[0],), {"name": "mine.zip"}, r"Got the name 'mine\.zip'.*without \.zip"),
        ((MODELS[0],), {"name": "a" * 101}, r"at most 100 characters"),
        ((MODELS[0],), {"metadata": "none.yaml"}, r"Got no file at none\.yaml"),
        ((MODELS[0],), {"uploads": "none.json"}, r"Got no file at none\.json"),
        ((MODELS[0],), {"uploads": "."}, r"Got the folder \. for uploads\.json"),
    ],
)
def test_refusals_say_why_before_anything_is_exported(store, tmp_path, monkeypatch, chosen, options, told):
    own = Backbone("registered_here", backbone(NETWORK).build, {}, "", 64, IMAGENET_MEAN, IMAGENET_STD)
    monkeypatch.setitem(backbones._BACKBONES, own.name, own)
    made = []
    monkeypatch.setattr(models, "_model", lambda *made_of: made.append(made_of))
    weights.save("sim-exported-own", {"a": torch.zeros(1)}, {"backbone": own.name})
    weights.save("-dash", {"a": torch.zeros(1)}, {"backbone": NETWORK})
    try:
        with pytest.raises(RealnetError, match=told):
            export(chosen, (), tmp_path / "parent" / "out", **options)
    finally:
        weights.remove("sim-exported-own")
        weights.remove("-dash")
    assert made == []
    assert list(tmp_path.iterdir()) == []


def test_folders_that_cannot_be_replaced_are_told_before_models_are_looked_at(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    (out / "mine.zip").touch()
    (out / "uploads.json").write_text("{")
    with pytest.raises(BadFileError, match=r"out/uploads\.json, which cannot be read .*Correct it"):
        export(("unknown",), (), out, replace=True)
    assert snapshot(tmp_path) == {"out/mine.zip": b"", "out/uploads.json": b"{"}


def test_other_places_than_those_that_were_entered_are_refused(exported, tmp_path):
    out, other = tmp_path / "out", tmp_path / "other.json"
    shutil.copytree(exported.root.parent, out)
    shutil.copy(out / "uploads.json", other)
    content = json.loads((out / "uploads.json").read_text())
    content[exported.uploads[0].name]["version_id"] = "entered"
    (out / "uploads.json").write_text(json.dumps(content))
    before = snapshot(out)
    refused = pytest.raises(
        BadInputError, match=rf"tells something else of {exported.uploads[0].name}: expected the same"
    )
    with refused, pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "_model", None)  # nothing is exported before
        export(MODELS, (), out, replace=True, uploads=other)
    with pytest.raises(BadInputError, match=rf"other places of {exported.uploads[0].name}"):
        export((IMPORTED,), (), out, replace=True)
    assert snapshot(out) == before


def test_identifiers_of_shared_data_count_before_anything_is_computed(tmp_path):
    chosen = ("SimThingsEEG2-rsa", "SimThingsEEG2.IT-rsa", "SimShen2019shapes-rsa")
    with pytest.raises(BadInputError, match=r"Got 7 identifiers in one submission \(4 of them of data"):
        export((), chosen, tmp_path / "out")


def test_failure_half_way_leaves_nothing_behind(store, tmp_path, monkeypatch):
    weights.save("sim-exported-broken", {**weights.load(MODELS[0])[0]}, card_of(SIM_REALNET_EEG.changed(subject=1)))
    monkeypatch.setattr("brainscore_realnet.submission.exporting.models.magnitudes", lambda _: {"V1": float("nan")})
    (tmp_path / "out").mkdir()
    with pytest.raises(RealnetError, match=r"of sim-exported-broken, expected finite numbers"):
        export(["sim-exported-broken"], (), tmp_path / "out")
    weights.remove("sim-exported-broken")
    assert list(tmp_path.rglob("*")) == [tmp_path / "out"]


def test_each_backbone_has_a_folder_of_its_own(store, tmp_path, capsys):
    timm = pytest.importorskip("timm")
    layers = ["patch_embed", "blocks.1", "blocks.3", "blocks.5"]
    torch.manual_seed(0)
    state = backbone("timm:test_vit", layers).build().state_dict()
    weights.save("my-vit", state, {"backbone": "timm:test_vit", "layers": layers})
    SubmitExport(tmp_path, model=("sim-exported-sub01..02", "my-vit")).run()
    weights.remove("my-vit")
    capsys.readouterr()
    root = tmp_path / "realnet_submission"
    assert sorted(path.name for path in (root / "models").iterdir()) == ["my_vit", PLUGIN]
    plugin = root / "models" / "my_vit"
    assert (plugin / "requirements.txt").read_text() == f"safetensors>=0.4\ntimm=={timm.__version__}\n"
    assert not (plugin / "cornet_s.py").exists()
    about = json.loads((plugin / "models.json").read_text())["my-vit"]
    assert (list(about["areas"].values()), about["readout"]) == (layers, layers[-1])
    assert about["image_size"] == backbone("timm:test_vit").image_size
    family = load_metadata((plugin / "metadata.yaml").read_text())["models"]["my-vit"]["model"]["architecture"]
    assert family == {"description": "timm:test_vit"}  # what a library's network is is not told apart


def test_equal_weights_are_noted_and_only_given_citations_travel(own_store, tmp_path):
    torch.manual_seed(4)
    state = backbone("sim_cornet_s_narrow").build().state_dict()
    citation = "@misc{a_2026, author={A, B}, year={2026}, url={https://a.example}}"
    for identifier, given in (("sim-my-a", {"bibtex": citation}), ("sim-my-b", {})):
        imported = {"backbone": "sim_cornet_s_narrow", "imported": {"file": "x.pt"}, "simulated": True, **given}
        weights.save(identifier, state, imported)
    found = export(["sim-my-a", "sim-my-b"], [], tmp_path / "out")
    assert "sim-my-a and sim-my-b have equal weights: submit one of them." in found.notes
    (table,) = found.root.glob("models/*/models.json")
    assert {name: row["bibtex"] for name, row in json.loads(table.read_text()).items()} == {
        "sim-my-a": citation,
        "sim-my-b": "",
    }


def test_published_weights_keep_what_this_package_tells_of_them(store, tmp_path, monkeypatch):
    narrow = load_model(MODELS[0])
    narrow.activations_model.origin = {"weights": "https://…", "source": "Brain-Score's model ReAlnet01"}
    monkeypatch.setattr(models, "load_model", lambda _: narrow)
    monkeypatch.setattr(chosen_models, "_backbone_name", lambda _: NETWORK)
    (made,) = models.model_plugins(["realnet-eeg-sub01"], {}, tmp_path)
    told = load_metadata(made.plugin.files["metadata.yaml"].decode())["models"]["realnet-eeg-sub01"]
    ours = known("realnet-eeg-sub01")
    assert {key: told[key] for key in ("training", "data", "lineage", "use")} == {
        key: ours[key] for key in ("training", "data", "lineage", "use")
    }
    assert told["provenance"]["checkpoint"].endswith(f", from {ours['provenance']['checkpoint']}")
    assert [note for note in made.notes if "on Brain-Score already (Brain-Score's model ReAlnet01)" in note]


def test_command_prints_what_to_upload_and_what_to_see_to(exported, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    out = Path("my out")
    about = tmp_path / "about.yaml"
    about.write_text(f"models: {{{IMPORTED}: {{legal: {{license: MIT}}}}}}")
    others = exported.root.parent / "uploads.json"
    SubmitExport(out, model=(IMPORTED,), form="pull-request", name="mine", metadata=about, uploads=others).run()
    captured = capsys.readouterr()
    printed = " ".join(captured.out.split())
    assert captured.err.splitlines() == [f"exporting {IMPORTED}"]
    assert f"submission {out / 'mine.zip'}" in printed
    assert f"to upload {out / 'weights' / 'brainscore-vision' / 'models' / 'my_exported' / IMPORTED}-" in printed
    assert "my-exported has no citation: import its weights again, with `--bibtex FILE --replace`" in printed
    assert "my-exported has no recipe in its model card, so that little is known of its training" in printed
    assert ".safetensors has no entry in the given uploads.json: see where it has to go." in printed
    assert "`brainscore submit check 'my out' --form pull-request`" in printed
    readme = (out / "README.md").read_text()
    assert "cp -r FOLDER/mine/models/my_exported brainscore_vision/models/" in readme
    assert "--metadata FILE \\\n        --out FOLDER --uploads FOLDER/uploads.json --replace" in readme
    assert "brainscore weights import WEIGHTS --model IDENTIFIER --bibtex FILE --replace" in readme
    told = (out / "mine" / "models" / "my_exported" / "metadata.yaml").read_text()
    assert "x.pt (sha256:" in told
    assert "license: MIT" in told
    assert "private" not in told


def known(identifier):
    text = (PACKAGE / "models" / "realnet_eeg" / "metadata.yaml").read_text()
    return yaml.safe_load(text)["models"][identifier]


IMPORTED_CARD = {"imported": {"file": "x.pt", "sha256": "0" * 64}, "trained_on": {"dataset": "shen2019"}}
KINDS = {
    "eeg": ("cornet_s", card_of(REALNET_EEG.changed(subject=1)), None),
    "unpaired": ("cornet_s", card_of(REALNET_EEG.changed(subject=1, unpaired=True)), None),
    "no contrastive term": ("cornet_s", card_of(REALNET_EEG.changed(subject=1, contrastive="none")), None),
    "as released": ("cornet_s", card_of(REALNET_EEG.changed(subject=1, reference=True)), None),
    "across subjects": ("cornet_s", card_of(REALNET_EEG, epoch=7, selected_by="lowest validation loss"), None),
    "beta 0": ("cornet_s", card_of(REALNET_EEG.changed(beta=0), head=None), None),
    "fmri": ("cornet_s", card_of(REALNET_FMRI.changed(subject=1)), None),
    "from a file": ("cornet_s", card_of(REALNET_FMRI.changed(subject=1), pretrained={"file": "my.pt"}), None),
    "simulated": (NETWORK, card_of(SIM_REALNET_EEG.changed(subject=1)), None),
    "imported": ("cornet_s", IMPORTED_CARD, None),
    "library": ("timm:test_vit", {}, None),
    "published": ("cornet_s", {}, "realnet-eeg-sub01"),
}
EXPECTED = {
    "eeg": {
        "/training/loss": "L^C + 100 (L^MSE + L^Cont), L^Cont with Spearman correlations",
        "/training/learning_rate": "2e-05 (Adam)",
        "/training/batch_size": "16",
        "/model/display_name": "CORnet-S, EEG of subject 1, β = 100",
    },
    "unpaired": {"/model/display_name": "CORnet-S, EEG of subject 1, β = 100, images and signals paired at random"},
    "no contrastive term": {"/training/loss": "L^C + 100 L^MSE"},
    "as released": {"/training/loss": "L^C + 100 (L^MSE + L^Cont), L^Cont without gradient, as in the released code"},
    "across subjects": {
        "/model/supervision/description": "labels that the pretrained network gives, and EEG of all subjects"
    },
    "beta 0": {"/model/supervision/type": "supervised", "/training/loss": "L^C (cross entropy with the labels)"},
    "fmri": {"/training/loss": "L^C + 40 (L^MSE + L^Cont), L^Cont with Spearman correlations"},
    "simulated": {"/model/input_resolution/height": 64},
    "imported": {"/provenance/checkpoint": f"mine.safetensors (sha256:1), from x.pt (sha256:{'0' * 64})"},
    "library": {"/model/architecture/description": "timm:test_vit"},
    "published": {"/model/display_name": "ReAlnet, subject 1, β = 100"},
}
"""Kind to what its entry says, by path; of every kind more is compared below."""


@pytest.fixture(params=KINDS)
def told(request):
    name, card, published = KINDS[request.param]
    if name.startswith("timm"):
        pytest.importorskip("timm")
    chosen = backbone(name)
    with torch.device("meta"):
        network = chosen.build()
    bibtex = "" if request.param == "library" else "@article{a, author={A. Author}, title={T}, year=2024, doi={10.1/x}}"
    return request.param, Told(
        identifier="mine",
        plugin="mine",
        backbone=chosen,
        network=network,
        visual_degrees=8,
        checkpoint="mine.safetensors (sha256:1)",
        card=card,
        known=known(published) if published else None,
        bibtex=bibtex,
    )


def test_metadata_of_every_kind_are_what_brain_score_takes_without_a_warning(told):
    from brainscore_core.metadata.contract import get_path

    kind, about = told
    content = load_metadata(document({"mine": entry(about)}).decode(), "vision")
    assert vocabulary_warnings(content) == []
    (made,) = content["models"].values()
    for path, value in EXPECTED.get(kind, {}).items():
        assert get_path(made, path) == value
    assert made["model"]["parameter_count"] == sum(parameter.numel() for parameter in about.network.parameters())
    assert made["provenance"]["checkpoint"].startswith("mine.safetensors (sha256:1)")
    for assertion in made["assertions"]:
        assert (assertion["status"] == "verified") == (assertion["path"] in ("/model", "/provenance"))


def test_brain_scores_own_count_adds_nothing(told, monkeypatch):
    monkeypatch.setattr(VisionDomainPlugin, "get_huggingface_link", lambda *_: None)
    computed = VisionDomainPlugin().create_model_metadata(told[1].network, "mine", "mine")
    made = json.loads(json.dumps(entry(told[1])))
    merged = merge_v2_entry(copy.deepcopy(made), from_legacy(computed, "vision"))
    assert merged == made
    for key in ("total_parameter_count", "trainable_parameter_count", "total_layers", "trainable_layers"):
        assert made["legacy"][key] == computed[key]
    assert made["legacy"]["model_size_mb"] == computed["model_size_mb"]


def test_lineage_and_data_sets_are_those_of_the_training():
    def made(kind):
        name, card, _ = KINDS[kind]
        with torch.device("meta"):
            network = backbone(name).build()
        return entry(Told("mine", "mine", backbone(name), network, 8, "f", card, None, ""))

    base = {"identifier": "CORnet-S", "name": "CORnet-S", "relationship": "fine_tuned_from"}
    assert made("eeg")["lineage"]["base_models"] == [base]
    assert made("from a file")["lineage"]["base_models"] == [{"name": "my.pt", "relationship": "fine_tuned_from"}]
    roles = {
        kind: [(one["identifier"], one["role"]) for one in made(kind)["data"]["training_datasets"]]
        for kind in KINDS
        if kind in ("eeg", "fmri", "from a file", "imported", "simulated")
    }
    assert roles == {
        "eeg": [("imagenet-1k", "pretraining"), ("things-eeg2", "fine_tuning")],
        "fmri": [("imagenet-1k", "pretraining"), ("other", "fine_tuning")],
        "from a file": [("other", "fine_tuning")],
        "simulated": [("other", "fine_tuning")],
        "imported": [("other", "fine_tuning")],
    }
    simulated = made("simulated")
    assert simulated["model"]["display_name"].endswith("(simulated)")
    assert simulated["lineage"]["base_models"][0]["name"].endswith("(simulated)")
    assert simulated["data"]["training_datasets"][0]["name"].endswith("(simulated)")
    assert simulated["use"]["limitations"][-1].startswith("Simulated: ")


def test_metadata_that_brain_score_would_refuse_are_not_written():
    with pytest.raises(BadInputError, match=r"Got metadata of mine that Brain-Score does not take"):
        document({"mine": {"unknown": 1}})


def test_recorded_areas_of_a_network_that_ignores_images_are_told_apart(tmp_path):
    class Constant:
        def start_recording(self, area, _):
            self.area = area

        def look_at(self, stimuli):
            assert Image.open(stimuli.stimulus_paths["computed"]).size == (128, 128)
            return np.full((1, 3), ord(self.area[0]))

    assert [int(values[0]) for values in areas_of_one_image(Constant(), tmp_path).values()] == [86, 86, 86, 73]
