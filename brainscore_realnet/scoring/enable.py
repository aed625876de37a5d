"""Teach Brain-Score to find this package's plugins.

Brain-Score's registry stays the only one. Its finder scans plugin folders as text for literal registrations; after
:func:`enable` it scans ours too, and our folders are importable as ``brainscore_vision.<type>.<folder>`` and only so: a
second import under another name would register everything twice.
"""

import importlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from brainscore_realnet.store import weights
from brainscore_realnet.store.results import use_store

PACKAGE = Path(__file__).resolve().parents[1]
PLUGIN_TYPES = ("models", "benchmarks", "data", "metrics")
TRAINED = "trained"
"""Plugin folder that registers every model card of the store."""


def enable() -> None:
    """Make stock ``brainscore_vision.load_*`` and ``score`` find this package's plugins; more than once does nothing.

    Also sets ``BS_INSTALL_DEPENDENCIES=no`` (Brain-Score otherwise calls pip silently) and points Brain-Score's result
    cache at this package's store, each unless the user has set the variable.
    """
    os.environ.setdefault("BS_INSTALL_DEPENDENCIES", "no")
    use_store()
    from brainscore_core.plugin_management.import_plugin import ImportPlugin

    if getattr(ImportPlugin.locate_plugin, "finds_realnet", False):
        return
    for plugin_type in PLUGIN_TYPES:
        package = importlib.import_module(f"brainscore_vision.{plugin_type}")
        package.__path__.append(str(PACKAGE / plugin_type))
    ImportPlugin.locate_plugin = _looking_here_too(ImportPlugin.locate_plugin)


def _looking_here_too(stock: Callable[[Any], str]) -> Callable[[Any], str]:
    """Wrap Brain-Score's finder: its own folders first, then ours, then the store's model cards."""

    def locate_plugin(importer: Any) -> str:
        theirs = importer.plugins_dir
        try:
            return stock(importer)
        except AssertionError as not_found:
            ours = PACKAGE / importer.plugin_type
            if theirs.parent.name != "brainscore_vision" or not ours.is_dir():
                raise
            # Brain-Score reads plugins_dir again when it looks up a plugin's revision for its caches.
            importer.plugins_dir = ours
            try:
                return stock(importer)
            except AssertionError:
                if importer.plugin_type == "models" and importer.identifier in weights.identifiers():
                    _register_new_cards()
                    return TRAINED
                importer.plugins_dir = theirs
                raise not_found from None

    locate_plugin.finds_realnet = True  # type: ignore[attr-defined]
    return locate_plugin


def _register_new_cards() -> None:
    """Register cards that were written after the plugin of trained models was imported."""
    trained = sys.modules.get(f"brainscore_vision.models.{TRAINED}")
    if trained is not None:
        trained.register_cards(trained.model_registry)
