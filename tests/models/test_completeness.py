"""Whatever this package registers is found by Brain-Score's own finder, can be called and is cited."""

import functools
import importlib

import pytest

from brainscore_realnet import enable
from brainscore_realnet.networks.backbones import NAMES, backbone
from brainscore_realnet.scoring.enable import PACKAGE
from brainscore_realnet.scoring.identifiers import FOLDER_OF, package_identifiers
from brainscore_realnet.store import weights

AREAS = ["V1", "V2", "V4", "IT"]
REGISTRY_OF = {
    "model": "model_registry",
    "benchmark": "benchmark_registry",
    "dataset": "data_registry",
    "stimulus_set": "stimulus_set_registry",
    "metric": "metric_registry",
}


@functools.cache
def find_plugin(kind, identifier):
    enable()
    import brainscore_vision
    from brainscore_core.plugin_management.import_plugin import ImportPlugin

    importer = ImportPlugin(
        "brainscore_vision", FOLDER_OF[kind], identifier, REGISTRY_OF[kind].removesuffix("_registry")
    )
    assert importer.plugins_dir == PACKAGE / FOLDER_OF[kind], identifier
    importlib.import_module(f"brainscore_vision.{FOLDER_OF[kind]}.{importer.plugin_dirname}")
    return importer.plugin_dirname, getattr(brainscore_vision, REGISTRY_OF[kind])


@pytest.fixture
def plugin_of(own_store):
    """Import the plugin that Brain-Score finds for an identifier; give its folder's name and its registry."""
    return find_plugin


def citation(bibtex):
    """Read an entry with the parser that Brain-Score's database uses."""
    from pybtex.database.input.bibtex import Parser

    (entry,) = Parser().parse_string(bibtex).entries.values()
    assert entry.fields.get("url") or entry.fields.get("doi")
    assert entry.persons["author"][0].last()[0]
    assert int(entry.fields["year"]) > 1900
    return entry


@pytest.mark.parametrize("kind", REGISTRY_OF)
def test_every_identifier_is_found_in_our_folder_and_can_be_called(plugin_of, kind):
    identifiers = package_identifiers(kind)
    assert identifiers
    assert len(identifiers) == len(set(identifiers))
    for identifier in identifiers:
        _, registry = plugin_of(kind, identifier)
        assert callable(registry[identifier]), identifier


def test_table_of_models_is_the_documented_one(own_store):
    eeg = [f"realnet-eeg-sub{number:02d}" for number in range(1, 11)]
    fmri = [f"realnet-fmri-sub{number:02d}" for number in range(1, 4)]
    expected = {
        *eeg,
        *(f"{one}-{variant}" for one in eeg for variant in ("beta1", "beta10", "beta1000", "nocont", "unpaired")),
        *("realnet-eeg-beta0", "realnet-eeg-all"),
        *fmri,
        *(f"{one}-beta{beta}" for one in fmri for beta in (10, 20, 30, 50)),
        "realnet-fmri-beta0",
        *("cornet-s", "resnet-101", "clip-rn101"),
        *("sim-hidden", "sim-random", "sim-noise"),
    }
    assert set(package_identifiers("model")) == expected


def test_every_model_is_cited(plugin_of):
    for identifier in package_identifiers("model"):
        folder, _ = plugin_of("model", identifier)
        citation(importlib.import_module(f"brainscore_vision.models.{folder}.model").get_bibtex(identifier))


def test_card_can_carry_a_citation(plugin_of):
    import torch

    weights.save("sim-cited", {"any": torch.zeros(1)}, {"backbone": "cornet_s", "bibtex": "@misc{any}"})
    weights.save("sim-uncited", {"any": torch.zeros(1)}, {"backbone": "cornet_s"})
    folder, registry = plugin_of("model", "sim-cited")
    assert folder == "trained"
    model = importlib.import_module(f"brainscore_vision.models.{folder}.model")
    assert (model.get_bibtex("sim-cited"), model.get_bibtex("sim-uncited")) == ("@misc{any}", None)
    assert {"sim-cited", "sim-uncited"} <= set(registry)


@pytest.mark.parametrize("name", NAMES)
def test_every_backbone_has_a_layer_for_each_area_in_order(name):
    assert list(backbone(name).areas) == AREAS


def test_simulated_models_commit_all_areas(plugin_of):
    for identifier in ("sim-hidden", "sim-random", "sim-noise"):
        model = plugin_of("model", identifier)[1][identifier]()
        assert list(model.layer_model.region_layer_map) == AREAS
        assert model.activations_model.origin["weights"].startswith("simulated")


def test_every_benchmark_is_cited_versioned_and_has_its_parent(plugin_of):
    identifiers = package_identifiers("benchmark")
    for identifier in identifiers:
        benchmark = plugin_of("benchmark", identifier)[1][identifier]()
        assert benchmark.identifier == identifier
        assert int(benchmark.version) >= 1
        citation(benchmark.bibtex)
        headline, child, _ = identifier.partition(".")
        assert benchmark.parent == (f"{headline}-rsa" if child else "IT")
        assert benchmark.parent in ("IT", *identifiers)
        assert benchmark.data.simulated is identifier.startswith("Sim")


def test_area_and_subject_benchmarks_are_what_their_names_say(plugin_of):
    _, registry = plugin_of("benchmark", "ThingsEEG2-rsa")
    headline = registry["ThingsEEG2-rsa"]()
    assert (headline.areas, len(headline.subjects)) == (tuple(AREAS), 10)
    v4, sub03 = registry["ThingsEEG2.V4-rsa"](), registry["ThingsEEG2.sub03-rsa"]()
    assert (v4.areas, v4.subjects) == (("V4",), headline.subjects)
    assert (sub03.areas, sub03.subjects) == (tuple(AREAS), ("sub-03",))


def test_everything_simulated_says_so():
    for kind in ("benchmark", "dataset", "stimulus_set"):
        names = package_identifiers(kind)
        real = {name for name in names if not name.startswith("Sim")}
        twins = {name.removeprefix("Sim") for name in names if name.startswith("Sim")}
        assert twins
        assert twins <= real
