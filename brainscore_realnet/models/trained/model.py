"""Models that were trained on this machine, whatever their backbone, subject or beta."""

import functools
from collections.abc import Callable
from typing import Any

from brainscore_realnet.adapters.commitment import committed_model
from brainscore_realnet.store import weights


def register_cards(registry: dict[str, Callable[[], Any]]) -> None:
    """Register each card that is not registered yet."""
    for identifier in weights.identifiers():
        registry.setdefault(identifier, functools.partial(committed_model, identifier))


def get_bibtex(identifier: str) -> str | None:
    """Citation that the model's card carries."""
    card = weights.find_card(identifier)
    return card.get("bibtex") if card else None
