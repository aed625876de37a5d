import dataclasses
import inspect
import json
import os
import subprocess
import sys
from pathlib import Path

import brainscore_vision
import numpy as np
import pytest
import yaml

from brainscore_realnet import load_benchmark
from brainscore_realnet.comparison.selection import expand
from brainscore_realnet.errors import BadInputError, MissingDataError, UnknownIdentifierError
from brainscore_realnet.store import file_hash
from brainscore_realnet.submission.exporting import benchmarks
from brainscore_realnet.submission.exporting.benchmarks import benchmark_plugins, of_wildcards_left_out
from brainscore_realnet.submission.exporting.scored_benchmark import neural_assembly, scored_by_stand_in
from brainscore_realnet.submission.uploads import copy_beside

EEG = ["SimThingsEEG2-rsa", "SimThingsEEG2.V4-rsa", "SimThingsEEG2.sub02-rsa"]
FMRI = ["SimShen2019-rsa", "SimShen2019.LOC-rsa", "SimShen2019.sub03-rsa"]
ABSENT = ("brainscore_realnet", "numba", "llvmlite")


def thumbnails():
    """Model whose areas are images of different sizes: the same numbers in every process, and quickly."""
    from collections import OrderedDict

    from brainscore_vision.model_helpers.activations.core import ActivationsExtractorHelper
    from brainscore_vision.model_helpers.brain_transformation import ModelCommitment
    from PIL import Image

    sizes = {"V1": 32, "V2": 16, "V4": 8, "IT": 5}

    class Thumbnails:
        def __init__(self):
            self._extractor = ActivationsExtractorHelper(self.of_paths, preprocessing=None, identifier="thumbnails")
            self._extractor.insert_attrs(self)

        def __call__(self, *args, **kwargs):
            return self._extractor(*args, **kwargs)

        def of_paths(self, paths, layer_names):
            images = [Image.open(path).convert("RGB") for path in paths]
            shown = [(area, size) for area, size in sizes.items() if area in layer_names]
            return OrderedDict(
                (area, np.array([np.asarray(one.resize((n, n))) for one in images])) for area, n in shown
            )

    return ModelCommitment("thumbnails", Thumbnails(), list(sizes), region_layer_map={area: area for area in sizes})


ALONE = f"""
import json, sys
import importlib.abc


class Absent(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in {ABSENT}:
            raise ModuleNotFoundError(name)


sys.meta_path.insert(0, Absent())
import numpy as np
import pytest
import brainscore_vision

{inspect.getsource(thumbnails)}

identifiers, tests = json.loads(sys.argv[1])
found = {{}}
for identifier in identifiers:
    score = brainscore_vision.load_benchmark(identifier)(thumbnails())
    ceiling = score.attrs["ceiling"]
    found[identifier] = {{
        "score": float(score), "raw": float(score.attrs["raw"]), "error": score.attrs["error"],
        "ceiling": float(ceiling), "lower": ceiling.attrs["lower"], "error_over": score.attrs["error_over"],
        "formula": score.attrs["formula"], "caveat": score.attrs.get("caveat"),
    }}
status = pytest.main(["-q", "-p", "no:cacheprovider", "-p", "no:randomly", "-W", "ignore", *tests])
absent = [name for name in {ABSENT} if name in sys.modules]
print(json.dumps([found, int(status), brainscore_vision.__file__, absent]))
"""


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    return benchmark_plugins([*EEG, *FMRI], {}, tmp_path_factory.mktemp("work"))


@pytest.fixture(scope="module")
def library(tmp_path_factory, exported):
    """Brain-Score's library with the plugins in it, made of links, and its storage offline."""
    folder = tmp_path_factory.mktemp("library")
    copy, original = folder / "brainscore_vision", Path(brainscore_vision.__file__).parent
    opened = {"benchmarks", "data"}
    for inside, shown in [(original, copy), *((original / name, copy / name) for name in opened)]:
        shown.mkdir()
        for each in inside.iterdir():
            if not (inside == original and each.name in opened) and each.name != "__pycache__":
                (shown / each.name).symlink_to(each)
    for each in exported:
        plugin = copy / each.plugin.type / each.plugin.name
        plugin.mkdir()
        for name, content in each.plugin.files.items():
            (plugin / name).write_bytes(content)
        for upload, path in each.files:
            copy_beside(upload, path, folder)
    return folder


@pytest.fixture(scope="module")
def alone(library, exported):
    """Scores, status of the plugins' tests, where the library was, and what of ours was imported."""
    tests = [str(library / "brainscore_vision" / each.plugin.type / each.plugin.name / "test.py") for each in exported]
    homes = {"BRAINSCORE_HOME": "brain-score", "RESULTCACHING_HOME": "cache", "HOME": "home", "BRAINIO_HOME": "data"}
    environment = {
        **os.environ,
        **{name: str(library / folder) for name, folder in homes.items()},
        "PYTHONPATH": str(library),
        "PYTHONDONTWRITEBYTECODE": "1",
        "BS_INSTALL_DEPENDENCIES": "no",
    }
    result = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ALONE, json.dumps([[*EEG, *FMRI], tests])],
        env=environment,
        capture_output=True,
        text=True,
        cwd=library,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-3000:]
    scores, status, place, absent = json.loads(result.stdout.splitlines()[-1])
    return {"scores": scores, "status": status, "place": place, "absent": absent, "output": result.stdout}


def test_exported_benchmarks_score_as_ours_in_brain_score_alone(alone):
    for identifier, there in alone["scores"].items():
        ours = load_benchmark(identifier)(thumbnails())
        ceiling = ours.attrs["ceiling"]
        expected = {"score": ours, "raw": ours.attrs["raw"], "ceiling": ceiling, "error": ours.attrs["error"]}
        for name, value in expected.items():
            assert there[name] == pytest.approx(float(value), abs=1e-9), (identifier, name)
        assert there["lower"] == pytest.approx(ceiling.attrs["lower"], abs=1e-9, nan_ok=True)
        for name in ("error_over", "formula", "caveat"):
            assert there[name] == ours.attrs.get(name), (identifier, name)
    assert len({round(each["raw"], 9) for each in alone["scores"].values()}) == len([*EEG, *FMRI])


def test_plugins_own_tests_pass_in_brain_score_alone(alone, library):
    assert alone["status"] == 0, alone["output"][-3000:]
    assert alone["place"].startswith(str(library))
    assert alone["absent"] == []
    # 3 of every benchmark, 4 of every data plugin
    assert f"{3 * len([*EEG, *FMRI]) + 2 * 4} passed" in alone["output"]


def test_a_data_plugin_and_a_benchmark_plugin_are_made_of_each_data_set(exported):
    names = [(each.plugin.type, each.plugin.name) for each in exported]
    assert names == [
        ("data", "sim_things_eeg2_rsa"),
        ("benchmarks", "sim_things_eeg2_rsa"),
        ("data", "sim_shen2019_rsa"),
        ("benchmarks", "sim_shen2019_rsa"),
    ]
    assert exported[0].plugin.identifiers == ("SimThingsEEG2_test", "SimThingsEEG2_test_rdms")
    assert exported[1].plugin.identifiers == tuple(EEG)
    assert exported[3].plugin.identifiers == tuple(FMRI)
    assert [path.suffix for _, path in exported[0].files] == [".csv", ".zip", ".nc"]
    assert exported[1].files == ()


def test_nothing_of_this_package_is_imported_by_what_travels(exported):
    for each in exported:
        for name, content in each.plugin.files.items():
            if name.endswith(".py"):
                assert b"import brainscore_realnet" not in content
                assert b"from brainscore_realnet" not in content


def test_metadata_is_the_entry_of_the_benchmark(exported):
    entries = yaml.safe_load(exported[1].plugin.files["metadata.yml"])["benchmarks"]
    assert list(entries) == EEG
    assert entries["SimThingsEEG2-rsa"]["data"]["datatype"] == "simulated EEG"


def test_exporting_twice_gives_the_same_bytes(exported, tmp_path):
    again = benchmark_plugins([*EEG, *FMRI], {}, tmp_path)
    assert [each.plugin for each in again] == [each.plugin for each in exported]
    hashes = [
        [file_hash(path, "sha256") for each in plugins for _, path in each.files] for plugins in (exported, again)
    ]
    assert hashes[0] == hashes[1]


def test_places_of_uploaded_files_are_in_the_data_plugin(exported, tmp_path):
    uploads = [upload for upload, _ in exported[0].files]
    places = {
        upload.name: dataclasses.replace(upload, bucket="ours", folder="user_7/data", version_id=f"v{number}")
        for number, upload in enumerate(uploads)
    }
    data, _ = benchmark_plugins(EEG, places, tmp_path)
    found = json.loads(data.plugin.files["data.json"])
    assert found["stimulus_set"]["bucket"] == found["assembly"]["bucket"] == "ours/user_7/data"
    assert (found["stimulus_set"]["csv_version_id"], found["stimulus_set"]["zip_version_id"]) == ("v0", "v1")
    assert found["assembly"]["version_id"] == "v2"
    apart = {uploads[1].name: dataclasses.replace(uploads[1], folder="elsewhere")}
    with pytest.raises(BadInputError, match=r"Upload them to the same place"):
        benchmark_plugins(EEG, apart, tmp_path)


def test_simulated_data_are_not_to_be_uploaded(exported):
    assert all("simulated" in " ".join(each.notes) for each in exported if each.plugin.type == "data")


def test_a_part_alone_is_told_to_need_its_parent(tmp_path):
    _, alone = benchmark_plugins(["SimShen2019letters.V1-rsa"], {}, tmp_path)
    assert "SimShen2019letters-rsa" in alone.notes[0]
    _, _, *rest = benchmark_plugins(["SimShen2019letters.V1-rsa", "SimShen2019letters-rsa"], {}, tmp_path)
    assert rest == []


def test_rights_to_the_images_are_asked_for_where_data_are_real(tmp_path, monkeypatch):
    def as_if_real(identifier):
        benchmark = load_benchmark(identifier)
        benchmark.data = dataclasses.replace(benchmark.data, simulated=False)
        return benchmark

    monkeypatch.setattr(benchmarks, "load_benchmark", as_if_real)
    data, _ = benchmark_plugins(["SimShen2019letters-rsa"], {}, tmp_path)
    assert any("right to share" in note and "private bucket" in note for note in data.notes)
    assert not any("simulated" in note for note in data.notes)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnknownMarkWarning")
def test_wrong_ceilings_fail_the_data_plugins_tests():
    from brainscore_realnet.submission.exporting.travels import data_tests

    scored = scored_by_stand_in("SimShen2019letters-rsa", load_benchmark("SimShen2019letters-rsa"))
    stimuli = scored.benchmark.data.stimuli()
    assembly = neural_assembly([scored], stimuli, "SimShen2019_letters_rdms")
    data_tests.test_upper_ceiling_is_that_of_averaged_ranks(assembly, stimuli)
    ceilings = json.loads(assembly.attrs["ceilings"])
    ceilings["SimShen2019letters-rsa"]["upper"][1] += 1e-6
    assembly.attrs["ceilings"] = json.dumps(ceilings)
    with pytest.raises(AssertionError):
        data_tests.test_upper_ceiling_is_that_of_averaged_ranks(assembly, stimuli)


def test_recordings_of_different_times_are_not_put_together():
    scored = [scored_by_stand_in(identifier, load_benchmark(identifier)) for identifier in EEG[:2]]
    other = load_benchmark(EEG[1]).with_options(window=(0.05, 0.1))
    later = scored_by_stand_in(EEG[1], other)
    assert later.conditions == scored[0].conditions[:6]
    with pytest.raises(BadInputError, match=r"expected the same times in both"):
        neural_assembly([scored[0], later], other.data.stimuli(), "rdms")


def test_time_points_outside_the_window_do_not_travel():
    wide = load_benchmark(EEG[0]).with_options(course=(0.03, 0.22))
    scored = scored_by_stand_in(EEG[0], wide)
    assembly = neural_assembly([scored], wide.data.stimuli(), "rdms")
    assert list(assembly["time_bin_start"].values) == list(range(50, 210, 10)) == scored.conditions
    assert len(scored.ceilings["upper"]) == 16
    np.testing.assert_array_equal(assembly["time_bin_end"].values - assembly["time_bin_start"].values, 10)


def test_readout_is_refused_because_other_models_name_no_layer_for_it(tmp_path):
    with pytest.raises(BadInputError, match=r"export SimThingsEEG2-rsa"):
        benchmark_plugins(["SimThingsEEG2.readout-rsa"], {}, tmp_path)


def test_of_wildcards_readout_is_left_out_unless_it_is_named():
    identifiers = expand(["SimThingsEEG2.*", "ThingsEEG2.readout-rsa"], "benchmark")
    left_out = of_wildcards_left_out(identifiers, ["SimThingsEEG2.*", "ThingsEEG2.readout-rsa"])
    assert left_out == ("SimThingsEEG2.readout-rsa",)


def test_other_benchmarks_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(benchmarks, "load_benchmark", lambda identifier: object())
    with pytest.raises(BadInputError, match=r"no RSA benchmark of this package"):
        benchmark_plugins(["MajajHong2015public.V4-pls"], {}, tmp_path)


def test_variants_by_options_are_not_registered_and_so_unknown(tmp_path):
    with pytest.raises(UnknownIdentifierError):
        benchmark_plugins(["SimThingsEEG2-rsa-fullfield"], {}, tmp_path)


def test_missing_data_are_told_before_anything_is_written(own_store, tmp_path):
    with pytest.raises(MissingDataError):
        benchmark_plugins(["SimShen2019letters-rsa", "ThingsEEG2-rsa"], {}, tmp_path / "work")
    assert not (tmp_path / "work").exists()
