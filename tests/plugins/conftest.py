"""What Brain-Score itself finds for an identifier."""

import functools
import importlib
from collections.abc import Callable

import pytest

from brainscore_realnet import enable
from brainscore_realnet.scoring.enable import PACKAGE
from brainscore_realnet.scoring.identifiers import FOLDER_OF

REGISTRY_OF = {
    "model": "model_registry",
    "benchmark": "benchmark_registry",
    "dataset": "data_registry",
    "stimulus_set": "stimulus_set_registry",
    "metric": "metric_registry",
}


@functools.cache
def find_plugin(kind: str, identifier: str) -> tuple[str, dict]:
    enable()
    import brainscore_vision
    from brainscore_core.plugin_management.import_plugin import ImportPlugin

    registry = REGISTRY_OF[kind]
    importer = ImportPlugin("brainscore_vision", FOLDER_OF[kind], identifier, registry.removesuffix("_registry"))
    assert importer.plugins_dir == PACKAGE / FOLDER_OF[kind], identifier
    importlib.import_module(f"brainscore_vision.{FOLDER_OF[kind]}.{importer.plugin_dirname}")
    return importer.plugin_dirname, getattr(brainscore_vision, registry)


@pytest.fixture
def plugin_of(own_store) -> Callable:
    """Import the plugin that Brain-Score finds for an identifier; give its folder's name and its registry."""
    return find_plugin


@pytest.fixture
def entries_of() -> Callable:
    """Read a citation with the parser that Brain-Score's database uses."""

    def entries(bibtex):
        from pybtex.database.input.bibtex import Parser

        return list(Parser().parse_string(bibtex).entries.values())

    return entries
