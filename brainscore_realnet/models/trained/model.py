"""Models that were trained on this machine, whatever their backbone, subject or beta."""

import functools
from collections.abc import Callable
from typing import Any

from brainscore_realnet.adapters.commitment import committed_model
from brainscore_realnet.store import weights

from ..realnet_eeg.model import BIBTEX as REALNET_EEG
from ..realnet_fmri.model import BIBTEX as REALNET_FMRI

_BIBTEX = {"eeg": REALNET_EEG, "fmri": REALNET_FMRI}
"""What a recipe learns to generate, to the paper whose recipe it is."""


def register_cards(registry: dict[str, Callable[[], Any]]) -> None:
    """Register each card that is not registered yet."""
    for identifier in weights.identifiers():
        registry.setdefault(identifier, functools.partial(committed_model, identifier))


def get_bibtex(identifier: str) -> str | None:
    """Citation that the model's card carries, or of the paper whose recipe it was trained by."""
    card = weights.find_card(identifier) or {}
    recipe = card.get("recipe")
    signal = recipe.get("signal", "") if isinstance(recipe, dict) else ""
    return card.get("bibtex") or _BIBTEX.get(signal)
