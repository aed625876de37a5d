"""What this package tells of models by their cards, in which anything may stand, since they are plain files."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from brainscore_realnet.errors import BadFileError
from brainscore_realnet.store import home

_IMPORTED = {"file": str, "sha256": str | None, "sha1": str | None, "fine_tuned_from": str | None}
_EXPECTED: dict[str, Any] = {
    "bibtex": str | None,
    "departures": list | None,
    "head": {"layers": list},
    "imported": _IMPORTED,
    "pretrained": {"card": {"imported": _IMPORTED}},
    "recipe": {},
    "trained_on": {"dataset": str, "subject": str | None},
}
"""Key to the type of its value, or to those of the values of a mapping, which may be absent."""


def card_path(identifier: str) -> Path:
    """Give the file of a model card."""
    return home() / "weights" / "cards" / f"{identifier}.json"


def require_sound(identifier: str, card: Mapping[str, Any]) -> None:
    """Raise BadFileError, which names the card's file, where a card holds other kinds of values than it should."""
    wrong = list(_wrong(card, _EXPECTED, ""))
    if wrong:
        raise BadFileError(
            f"Got {'; '.join(wrong)} in the model card {card_path(identifier)}. Correct it, or import or train the "
            "model again."
        )


def _wrong(mapping: Mapping[str, Any], expected: Mapping[str, Any], above: str) -> Iterator[str]:
    for key, kind in expected.items():
        value, name = mapping.get(key), f"{above}{key}"
        if not isinstance(kind, Mapping):
            if not isinstance(value, kind):
                yield f"{name} = {value!r}, expected {getattr(kind, '__name__', kind)}"
        elif isinstance(value, Mapping):
            yield from _wrong(value, kind if value else {}, f"{name}.")
        elif value is not None:
            yield f"{name} = {value!r}, expected an object"
