"""Which models can be exported, and which of them share a plugin."""

from collections import Counter
from collections.abc import Sequence

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.backbones import NAMES
from brainscore_realnet.scoring.identifiers import package_identifiers, require_identifier, upstream_identifiers
from brainscore_realnet.scoring.loading import load_model
from brainscore_realnet.scoring.model_cards import require_sound
from brainscore_realnet.store import weights
from brainscore_realnet.submission.exporting.networks import travelling_network

LARGEST_PLUGIN = 100
"""Models that Brain-Score's metadata has room for in one folder."""


def require_models(identifiers: Sequence[str]) -> int:
    """Check, before long work, that models can be exported, and fetch their weights; raises as `models.model_plugins`.

    Returns
    -------
    int
        Bytes of those weights that were in the store.
    """
    grouped(identifiers)
    cards = {identifier: weights.find_card(identifier) for identifier in identifiers}
    for identifier, card in cards.items():
        require_sound(identifier, card or {})
        if card is None:
            load_model(identifier)
    return sum(card["bytes"] for card in cards.values() if card is not None)


def grouped(identifiers: Sequence[str]) -> dict[str, list[str]]:
    """Give backbones with the models of their plugins; raises unless all can be exported."""
    for identifier in identifiers:
        _require_exportable(identifier, identifiers)
    groups: dict[str, list[str]] = {}
    for identifier in identifiers:
        groups.setdefault(_backbone_name(identifier), []).append(identifier)
    for name, members in groups.items():
        travelling_network(name)
        if len(members) > LARGEST_PLUGIN:
            raise BadInputError(
                f"Got {len(members)} models of {name}, which make one plugin: expected at most {LARGEST_PLUGIN}. "
                "Export them in several submissions."
            )
    return groups


def _require_exportable(identifier: str, all_of_them: Sequence[str]) -> None:
    """Refuse what cannot be, or need not be, submitted."""
    if (n := Counter(all_of_them)[identifier]) > 1:
        raise BadInputError(f"Got {identifier} {n} times: expected it once. Leave it away.")
    require_identifier("model", identifier)
    if identifier.startswith("-"):
        raise BadInputError(
            f"Got the identifier {identifier!r}, which commands take for an option: expected one that begins with a "
            "letter or a digit. Save your weights under another identifier."
        )
    taken = [other for other in upstream_identifiers("model") if other.lower() == identifier.lower()]
    if taken:
        raise BadInputError(
            f"Got {identifier}, which is on Brain-Score already (as {taken[0]}): expected a model of this package or "
            "of your store. Leave it away, or save your weights under another identifier."
        )
    reference = identifier.startswith("sim-") and identifier in package_identifiers("model")
    if reference and weights.find_card(identifier) is None:
        raise BadInputError(
            f"Got {identifier}, a simulated reference model, which is made from a seed and has no weights: expected a "
            "model with weights (`brainscore weights list`)."
        )


def _backbone_name(identifier: str) -> str:
    """Name the backbone that an identifier is loaded with."""
    card = weights.find_card(identifier) or {}
    baseline = identifier.replace("-", "_")
    return card.get("backbone") or (baseline if baseline in NAMES else "cornet_s")
