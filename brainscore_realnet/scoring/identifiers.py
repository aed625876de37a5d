"""Which identifiers there are, read from the plugins' source text without importing any of them."""

import difflib
import importlib.util
import re
from functools import cache
from pathlib import Path

from brainscore_realnet.errors import UnknownIdentifierError
from brainscore_realnet.scoring.enable import PACKAGE
from brainscore_realnet.store import weights

FOLDER_OF = {
    "model": "models",
    "benchmark": "benchmarks",
    "dataset": "data",
    "stimulus_set": "data",
    "metric": "metrics",
}
"""Kind of plugin -> folder of Brain-Score that holds it."""

_REGISTRY_OF = {"dataset": "data"}


def package_identifiers(kind: str) -> list[str]:
    """Identifiers of one kind that this package registers, in the order of its source; trained models last."""
    found = _registered(PACKAGE, kind)
    if kind == "model":
        found += [identifier for identifier in weights.identifiers() if identifier not in found]
    return found


def upstream_identifiers(kind: str) -> list[str]:
    """Identifiers of one kind that the installed ``brainscore_vision`` registers."""
    spec = importlib.util.find_spec("brainscore_vision")
    if spec is None or not spec.submodule_search_locations:
        return []
    return list(_upstream_registered(Path(spec.submodule_search_locations[0]), kind))


def require_identifier(kind: str, identifier: str) -> None:
    """Raise :class:`UnknownIdentifierError`, naming the nearest valid ones, unless ``identifier`` is registered."""
    ours, upstream = package_identifiers(kind), upstream_identifiers(kind)
    if identifier in ours and identifier in upstream:
        raise UnknownIdentifierError(
            f"{identifier!r} is a model card in your store and a model of Brain-Score, which would be scored instead. "
            "Save your model under another identifier."
        )
    if identifier in ours or identifier in upstream:
        return
    noun = kind.replace("_", " ")
    nearest = _nearest(identifier, ours) or _nearest(identifier, upstream)
    suggestion = f"Did you mean {' or '.join(nearest)}?" if nearest else f"This package has: {', '.join(ours[:8])} …"
    raise UnknownIdentifierError(
        f"No {noun} is registered as {identifier!r}. {suggestion} `brainscore list {FOLDER_OF[kind]}` shows all."
    )


def _nearest(identifier: str, valid: list[str]) -> list[str]:
    by_lower_case = {name.lower(): name for name in valid}
    return [by_lower_case[match] for match in difflib.get_close_matches(identifier.lower(), by_lower_case, n=3)]


def _registered(root: Path, kind: str) -> list[str]:
    registration = re.compile(rf"""{_REGISTRY_OF.get(kind, kind)}_registry\[["']([^"'\]]+)["']\]""")
    found: dict[str, None] = {}
    for source in sorted((root / FOLDER_OF[kind]).glob("[!._]*/__init__.py")):
        found.update(dict.fromkeys(registration.findall(source.read_text(encoding="utf-8", errors="replace"))))
    return list(found)


@cache
def _upstream_registered(root: Path, kind: str) -> tuple[str, ...]:
    return tuple(_registered(root, kind))
