"""Every benchmark and model has metadata that Brain-Score accepts, and they are what the tables and the code say."""

import functools
import importlib.util
from pathlib import Path

import pytest
import yaml

from brainscore_realnet import load_benchmark
from brainscore_realnet.scoring.enable import PACKAGE
from brainscore_realnet.scoring.identifiers import package_identifiers

TOOL = Path(__file__).parents[2] / "tools" / "metadata.py"
spec = importlib.util.spec_from_file_location("metadata", TOOL)
metadata = importlib.util.module_from_spec(spec)
spec.loader.exec_module(metadata)

FILES_OF = {kind: sorted(PACKAGE.glob(pattern)) for kind, pattern in metadata.PATTERNS.items()}


@functools.cache
def entries_in(path):
    (kind,) = (kind for kind in FILES_OF if path in FILES_OF[kind])
    return yaml.safe_load(path.read_text())[f"{kind}s"]


def entries(kind):
    return {identifier: entry for path in FILES_OF[kind] for identifier, entry in entries_in(path).items()}


@pytest.mark.parametrize("name", metadata.FILES)
def test_written_metadata_are_current(own_store, name):
    if name == "models/baselines/metadata.yaml":
        pytest.importorskip("open_clip")
    document, folder = metadata.FILES[name]
    assert (PACKAGE / name).read_text(encoding="utf-8") == metadata.text(document(folder))


@pytest.mark.parametrize("kind", FILES_OF)
def test_every_identifier_has_an_entry_in_its_folder_and_nothing_else_has(own_store, kind):
    assert len(FILES_OF[kind]) > 2
    assert set(entries(kind)) == set(package_identifiers(kind))
    for path in FILES_OF[kind]:
        registrations = (path.parent / "__init__.py").read_text()
        for identifier in entries_in(path):
            assert f'{kind}_registry["{identifier}"]' in registrations


@pytest.mark.parametrize("path", FILES_OF["model"], ids=lambda path: path.parent.name)
def test_brain_scores_validation_accepts_metadata_of_models_without_a_warning(path, monkeypatch, capsys):
    from brainscore_core.metadata import cli, load, vocabulary_warnings

    assert vocabulary_warnings(load(path.read_text(), "vision")) == []
    monkeypatch.setattr("sys.argv", ["metadata", str(path), "--domain", "vision"])
    cli.main()
    assert "valid" in capsys.readouterr().out


@pytest.mark.parametrize("path", FILES_OF["benchmark"], ids=lambda path: path.parent.name)
def test_brain_scores_validation_accepts_metadata_of_benchmarks(path):
    from brainscore_core.plugin_management.handle_metadata import validate_metadata_file

    errors, document = validate_metadata_file(path)
    assert errors == []
    assert set(document) == {"benchmarks"}


def test_metadata_of_benchmarks_fit_brain_scores_database():
    from brainscore_core.submission.database_models import (
        BenchmarkDataMeta,
        BenchmarkMetricMeta,
        BenchmarkStimuliMeta,
    )

    tables = {"stimulus_set": BenchmarkStimuliMeta, "data": BenchmarkDataMeta, "metric": BenchmarkMetricMeta}
    for identifier, entry in entries("benchmark").items():
        assert set(entry) == set(tables)
        for part, values in entry.items():
            for key, value in values.items():
                column = getattr(tables[part], key)
                assert column.adapt(value) == value
                assert len(str(value)) <= getattr(column, "max_length", len(str(value))), (identifier, key)


@pytest.mark.parametrize("identifier", package_identifiers("benchmark"))
def test_metadata_of_a_benchmark_say_what_it_scores(identifier):
    benchmark, entry = load_benchmark(identifier), entries("benchmark")[identifier]
    simulated = identifier.startswith("Sim")
    assert entry["data"]["num_subjects"] == len(benchmark.subjects)
    assert ("imulated" in entry["data"]["extra_notes"]) if simulated else (entry["data"]["species"] == "human")
    assert ("simulated" in entry["data"]["datatype"]) is ("simulated" in entry["data"]["species"]) is simulated
    if simulated:
        assert entry["stimulus_set"]["num_stimuli"] == len(benchmark.data.stimuli())
    part = identifier.partition(".")[2].removesuffix("-rsa")
    if part and not part.startswith("sub"):
        assert part in f"{entry['data']['region']} {entry['metric']['extra_notes']}"


@pytest.mark.parametrize("identifier", package_identifiers("model"))
def test_metadata_of_a_model_say_what_it_is(identifier):
    entry = entries("model")[identifier]
    assert ("simulated" in entry["model"]["display_name"]) is identifier.startswith("sim-")
    if not identifier.startswith("realnet"):
        return
    assert entry["model"]["recurrent"] is True
    assert entry["model"]["parameter_count"] == 53416616
    assert entry["lineage"]["base_models"][0]["identifier"] == "CORnet-S"
    assert [each["role"] for each in entry["data"]["training_datasets"]] == ["pretraining", "fine_tuning"]
    published = identifier.startswith("realnet-eeg-sub") and identifier.count("-") == 2
    assert ("checkpoint" in entry["provenance"]) is published


def test_documents_are_written_without_anchors():
    shared = {"known": [1, 2]}
    assert "&" not in metadata.text({"first": shared, "second": shared})
    assert yaml.safe_load(metadata.text({"β": shared})) == {"β": shared}
