import shutil

import numpy as np
import pytest
import torch
from synthetic_comparison import scored_as

from brainscore_realnet import load_benchmark
from brainscore_realnet.comparison.scored import ARRAYS
from brainscore_realnet.comparison.scores import kept
from brainscore_realnet.errors import BadFileError, MissingDataError
from brainscore_realnet.store import weights

MODEL = "sim-hidden"


@pytest.fixture(scope="module", autouse=True)
def _store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path_factory.mktemp("store")))
        yield


@pytest.fixture(scope="module")
def benchmark():
    found = load_benchmark("SimShen2019-rsa")
    found.require_data()
    return found


@pytest.fixture
def scored(benchmark):
    yield scored_as(MODEL, benchmark.identifier)
    shutil.rmtree(kept.path_of(MODEL, benchmark).parent, ignore_errors=True)


def test_a_kept_score_is_found_again_and_equal(benchmark, scored):
    assert kept.find(MODEL, benchmark) is None
    path = kept.keep(scored, benchmark)
    assert path.name.startswith("sim-hidden--SimShen2019-rsa--")
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    found = kept.find(MODEL, load_benchmark("SimShen2019-rsa"))
    assert found.record == scored.record
    assert found.recordings == tuple(scored.recordings)
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(found, name), getattr(scored, name))


def test_other_models_parts_options_and_versions_of_a_benchmark_are_others(benchmark):
    eeg = load_benchmark("SimThingsEEG2-rsa")
    eeg.require_data()
    newer, fewer = (
        type(benchmark)(
            benchmark.registered_identifier, benchmark.data, rois=rois, parent="IT", version=version, bibtex=""
        )
        for rois, version in ((benchmark.rois, benchmark.version + 1), (benchmark.rois[:2], benchmark.version))
    )
    wanted = [
        (MODEL, benchmark),
        ("sim-noise", benchmark),
        (MODEL, benchmark.with_options(area="cv")),
        (MODEL, newer),
        (MODEL, fewer),
        (MODEL, eeg),
        (MODEL, eeg.with_options(course=(-0.1, 0.3))),  # which does not change the identifier
        (MODEL, load_benchmark("SimThingsEEG2.V1-rsa")),
    ]
    paths = [kept.path_of(*one) for one in wanted]
    assert len({path.name.rpartition("--")[2] for path in paths}) == len(wanted)
    assert paths == [kept.path_of(*one) for one in wanted]


def test_other_weights_under_the_same_identifier_are_another_model(benchmark):
    paths = []
    for value in (0.0, 1.0):
        weights.save("sim-mine", {"weight": torch.full((1,), value)}, {"backbone": "cornet_s"})
        paths.append(kept.path_of("sim-mine", benchmark))
    assert paths[0] != paths[1]


def test_a_changed_source_of_the_plugin_is_another_model(benchmark, monkeypatch, tmp_path):
    shutil.copytree(kept.PACKAGE / "models" / "simulated", tmp_path / "simulated")
    before = kept.path_of(MODEL, benchmark)
    monkeypatch.setattr(kept, "_plugin_folder", lambda model: tmp_path / "simulated")
    assert kept.path_of(MODEL, benchmark) == before
    with open(tmp_path / "simulated" / "model.py", "a") as source:
        source.write("# changed\n")
    assert kept.path_of(MODEL, benchmark) != before


def test_plugins_are_found_where_their_models_are_registered():
    folders = {model: kept._plugin_folder(model) for model in (MODEL, "alexnet", "realnet-eeg-sub01", "trained-by-me")}
    assert folders["alexnet"].parts[-3:] == ("brainscore_vision", "models", "alexnet")
    ours = {
        model: folder.relative_to(kept.PACKAGE).as_posix() for model, folder in folders.items() if model != "alexnet"
    }
    assert ours == {
        MODEL: "models/simulated",
        "realnet-eeg-sub01": "models/realnet_eeg",
        "trained-by-me": "models/trained",
    }


def test_identifiers_that_cannot_be_names_of_files_are_kept_apart(benchmark):
    names = ["vit:base/16", "vit_base_16", "alexnet_less_variation_iteration=1", "x" * 300]
    paths = [kept.path_of(name, benchmark) for name in names]
    assert len(set(paths)) == len(names)
    assert {path.parent for path in paths} == {kept.path_of(MODEL, benchmark).parent}
    assert all(len(path.name) < 255 for path in paths)


def test_other_packages_or_another_source_of_this_one_compute_again(benchmark, scored, monkeypatch):
    kept.keep(scored, benchmark)
    for name, other in (("versions", lambda: {"torch": "0"}), ("code_hash", lambda: "0" * 64)):
        with monkeypatch.context() as patch:
            patch.setattr(kept, name, other)
            assert kept.find(MODEL, benchmark) is None
    assert kept.find(MODEL, benchmark) is not None


def test_every_module_that_computes_is_in_the_hash_of_the_source(monkeypatch):
    hashed = []
    monkeypatch.setattr(kept, "sha256_files", lambda paths: hashed.extend(paths) or "")
    kept.code_hash.__wrapped__()
    names = {path.relative_to(kept.PACKAGE).as_posix() for path in hashed}
    assert {
        "rsa/rdm.py",
        "networks/published.py",
        "datasets/kamitani/recordings.py",
        "adapters/eeg_rsa.py",
        "simulation/hidden_network.py",
        "benchmarks/things_eeg2/benchmark.py",
        "scoring/record.py",
        "comparison/scored.py",
    } <= names
    assert all(path.is_file() for path in hashed)


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "of another score", "of no record"])
def test_a_damaged_file_is_as_good_as_none_and_told(benchmark, scored, damage):
    path = kept.keep(scored, benchmark)
    content = bytearray(path.read_bytes())
    if damage == "of another score":
        scored_as("sim-noise", benchmark.identifier).save(path)
    elif damage == "of no record":
        type(scored)({}, *(getattr(scored, name) for name in ARRAYS), recordings=()).save(path)
    else:
        content[len(content) // 2] ^= 255
        path.write_bytes({"truncated": content[:-200], "flipped": content, "empty": b""}[damage])
    with pytest.warns(UserWarning, match="is damaged and is computed again"):
        assert kept.find(MODEL, benchmark) is None
    kept.keep(scored, benchmark)
    assert kept.find(MODEL, benchmark).record == scored.record


def test_a_broken_model_card_is_told_of(benchmark):
    weights.save("sim-broken", {"weight": torch.zeros(1)}, {})
    card = weights.home() / "weights" / "cards" / "sim-broken.json"
    card.write_text(card.read_text()[:50])
    with pytest.raises(BadFileError, match=r"sim-broken\.json"):
        kept.find("sim-broken", benchmark)


def test_data_that_are_not_there_are_told_of(own_store):
    with pytest.raises(MissingDataError):
        kept.find(MODEL, load_benchmark("Shen2019-rsa"))
