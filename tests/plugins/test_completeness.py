"""Whatever this package registers is found by Brain-Score's own finder, once, is cited and has its twin."""

import importlib
import re
from collections import Counter
from pathlib import Path

import pytest

from brainscore_realnet.networks.backbones import NAMES, backbone
from brainscore_realnet.scoring.enable import PACKAGE, PLUGIN_TYPES
from brainscore_realnet.scoring.identifiers import FOLDER_OF, package_identifiers, upstream_identifiers
from brainscore_realnet.store import weights

AREAS = ["V1", "V2", "V4", "IT"]
REGISTERED = [(kind, identifier) for kind in FOLDER_OF for identifier in package_identifiers(kind)]
SAME_BUT_FOR_CASE = {"cornet-s"}
"""The same network with the same weights as Brain-Score's CORnet-S, in the form of this package's other models."""


def headline_of(identifier):
    return re.split(r"[.-]", identifier)[0]


def test_every_kind_has_identifiers():
    assert {kind for kind, _ in REGISTERED} == set(FOLDER_OF)


@pytest.mark.parametrize(("kind", "identifier"), REGISTERED)
def test_identifier_is_found_in_our_folder_and_can_be_called(plugin_of, kind, identifier):
    _, registry = plugin_of(kind, identifier)
    assert callable(registry[identifier])


@pytest.mark.parametrize("plugin_type", PLUGIN_TYPES)
def test_nothing_is_registered_twice_and_no_line_confuses_the_finder(plugin_type):
    lines = [
        line
        for source in (PACKAGE / plugin_type).glob("*/__init__.py")
        for line in source.read_text().splitlines()
        if re.search(r"_registry\[", line)
    ]
    assert all(line.count("]") == 1 and not line.startswith("#") for line in lines)
    counts = Counter(re.match(r"(\w+_registry)\[\"([^\"]+)\"\] = ", line).groups() for line in lines)
    assert [identifier for identifier, count in counts.items() if count > 1] == []
    kinds = [kind for kind, folder in FOLDER_OF.items() if folder == plugin_type]
    assert len(counts) == sum(len(package_identifiers(kind)) for kind in kinds)
    assert len({(registry, identifier.lower()) for registry, identifier in counts}) == len(counts)


@pytest.mark.parametrize("kind", FOLDER_OF)
def test_nothing_shadows_an_upstream_identifier(kind):
    upstream = upstream_identifiers(kind)
    assert len(upstream) > 10
    ours = set(package_identifiers(kind))
    assert ours.isdisjoint(upstream)
    lower = {identifier.lower() for identifier in upstream}
    assert {identifier for identifier in ours if identifier.lower() in lower} <= SAME_BUT_FOR_CASE


@pytest.mark.parametrize("plugin_type", PLUGIN_TYPES)
def test_no_plugin_folder_has_the_name_of_an_upstream_one(plugin_type):
    package = importlib.import_module(f"brainscore_vision.{plugin_type}")
    upstream = {path.name.lower() for path in Path(package.__path__[0]).iterdir() if path.is_dir()}
    ours = {source.parent.name for source in (PACKAGE / plugin_type).glob("*/__init__.py")}
    assert len(upstream) > 10
    assert ours
    assert ours.isdisjoint(upstream)


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


def assert_cites(entry):
    assert entry.fields.get("url") or entry.fields.get("doi")
    assert entry.persons["author"][0].last()[0]
    assert int(entry.fields["year"]) > 1900


@pytest.mark.parametrize("identifier", package_identifiers("model"))
def test_model_is_cited(plugin_of, entries_of, identifier):
    folder, _ = plugin_of("model", identifier)
    (entry,) = entries_of(importlib.import_module(f"brainscore_vision.models.{folder}.model").get_bibtex(identifier))
    assert_cites(entry)


@pytest.mark.parametrize("folder", sorted({path.parent.name for path in (PACKAGE / "data").glob("*/__init__.py")}))
def test_data_are_cited(own_store, entries_of, folder):
    entries = entries_of(importlib.import_module(f"brainscore_vision.data.{folder}.data").BIBTEX)
    assert entries
    for entry in entries:
        assert_cites(entry)


@pytest.mark.parametrize("identifier", package_identifiers("benchmark"))
def test_benchmark_is_cited_versioned_and_has_its_parent(plugin_of, entries_of, identifier):
    benchmark = plugin_of("benchmark", identifier)[1][identifier]()
    assert benchmark.identifier == identifier
    assert int(benchmark.version) >= 1
    (entry,) = entries_of(benchmark.bibtex)
    assert_cites(entry)
    headline, child, _ = identifier.partition(".")
    assert benchmark.parent == (f"{headline}-rsa" if child else "IT")
    assert benchmark.parent in ("IT", *package_identifiers("benchmark"))
    assert benchmark.data.simulated is identifier.startswith("Sim")


def test_card_can_carry_a_citation(plugin_of):
    import torch

    weights.save("sim-cited", {"any": torch.zeros(1)}, {"backbone": "cornet_s", "bibtex": "@misc{any}"})
    weights.save("sim-uncited", {"any": torch.zeros(1)}, {"backbone": "cornet_s"})
    weights.save("sim-trained", {"any": torch.zeros(1)}, {"backbone": "cornet_s", "recipe": {"signal": "fmri"}})
    folder, registry = plugin_of("model", "sim-cited")
    assert folder == "trained"
    model = importlib.import_module(f"brainscore_vision.models.{folder}.model")
    assert (model.get_bibtex("sim-cited"), model.get_bibtex("sim-uncited")) == ("@misc{any}", None)
    assert "fMRI" in model.get_bibtex("sim-trained")
    assert {"sim-cited", "sim-uncited"} <= set(registry)


@pytest.mark.parametrize("name", NAMES)
def test_every_backbone_has_a_layer_for_each_area_in_order(name):
    assert list(backbone(name).areas) == AREAS


def test_simulated_models_commit_all_areas_and_the_layer_before_the_classifier(plugin_of):
    for identifier in ("sim-hidden", "sim-random", "sim-noise"):
        model = plugin_of("model", identifier)[1][identifier]()
        assert list(model.layer_model.region_layer_map) == [*AREAS, "readout"]
        assert model.activations_model.origin["weights"].startswith("simulated")


def test_parts_of_benchmarks_are_what_their_names_say(plugin_of):
    def benchmark(identifier):
        return plugin_of("benchmark", identifier)[1][identifier]()

    headline = benchmark("ThingsEEG2-rsa")
    assert (headline.areas, len(headline.subjects)) == (tuple(AREAS), 10)
    v4, sub03 = benchmark("ThingsEEG2.V4-rsa"), benchmark("ThingsEEG2.sub03-rsa")
    assert (v4.areas, v4.subjects) == (("V4",), headline.subjects)
    assert (sub03.areas, sub03.subjects) == (tuple(AREAS), ("sub-03",))
    headline = benchmark("Horikawa2017-rsa")
    assert (headline.rois, len(headline.subjects)) == (("V1", "V2", "V3", "V4", "LOC"), 5)
    ffa, sub03 = benchmark("Horikawa2017.FFA-rsa"), benchmark("Horikawa2017.sub03-rsa")
    assert (ffa.rois, ffa.areas, ffa.subjects) == (("FFA",), tuple(AREAS), headline.subjects)
    assert (sub03.rois, sub03.subjects) == (headline.rois, ("sub-03",))


@pytest.mark.parametrize(
    "identifier",
    [name for name in package_identifiers("benchmark") if not name.startswith("Sim") and ".sub" not in name],
)
def test_real_benchmark_has_a_simulated_twin_with_subjects(identifier):
    names = package_identifiers("benchmark")
    assert f"Sim{identifier}" in names
    assert f"Sim{headline_of(identifier)}.sub01-rsa" in names


@pytest.mark.parametrize(("kind", "identifier"), [(kind, name) for kind, name in REGISTERED if name.startswith("Sim")])
def test_simulated_twin_is_the_twin_of_something_real(kind, identifier):
    # subjects who respond to concepts are a second twin of the same real ones
    assert identifier.removeprefix("Sim").replace("concepts", "") in package_identifiers(kind)
