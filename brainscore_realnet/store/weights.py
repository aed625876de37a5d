"""The weight store: safetensors files named by content, and a model card for each identifier.

``weights/<first 16 digits of the sha256>.safetensors`` and ``weights/cards/<identifier>.json``.
"""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainscore_realnet.errors import BadFileError, BadInputError, MissingWeightsError, RealnetError
from brainscore_realnet.store.atomic import atomic_file, lock, read_json, write_json
from brainscore_realnet.store.folders import folder, home
from brainscore_realnet.store.hashing import sha256_bytes, sha256_file

if TYPE_CHECKING:
    from torch import Tensor

FORMAT_VERSION = 1

_LOCK = "weights"
_verified: set[tuple[str, int, int, str]] = set()


def save(identifier: str, state_dict: "Mapping[str, Tensor]", card: Mapping[str, Any]) -> Path:
    """Keep a model's weights and its card under an identifier; an earlier card of that identifier is replaced.

    Weights that the replaced card was of are deleted, unless another card is of the same ones.

    Parameters
    ----------
    identifier : str
        Letters, digits, ``.``, ``_`` and ``-``.
    state_dict : mapping of str to Tensor
        Any shapes and dtypes; copied to the CPU.
    card : mapping
        What is to be known of the model (recipe, data hash, …), expressible as JSON. The keys identifier, weights_file,
        weights_sha256, bytes, created (UTC, ISO 8601) and format_version are ours.

    Returns
    -------
    Path
        The safetensors file.

    Raises
    ------
    BadInputError
        The identifier has other characters, or the state holds something that is not a tensor.
    StoreError
        The store cannot be written.
    """
    import safetensors.torch
    import torch

    card_path = _card_path(identifier)
    for key, value in state_dict.items():
        if not isinstance(value, torch.Tensor):
            raise BadInputError(
                f"Got {type(value).__name__} under {key!r} in the weights of {identifier!r}: expected tensors."
            )
    # safetensors refuses tensors that share memory (tied weights) or are not contiguous
    tensors = {
        key: value.detach().cpu().clone(memory_format=torch.contiguous_format) for key, value in state_dict.items()
    }
    content = safetensors.torch.save(tensors, metadata={"format": "pt"})
    sha256 = sha256_bytes(content)
    path = folder("weights") / f"{sha256[:16]}.safetensors"
    own = {
        "identifier": identifier,
        "weights_file": path.name,
        "weights_sha256": sha256,
        "bytes": len(content),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "format_version": FORMAT_VERSION,
    }
    with lock(_LOCK):
        replaced = _weights_file(card_path)
        with atomic_file(path) as part:
            part.write_bytes(content)
        write_json(card_path, {**card, **own})
        if replaced:
            _drop_unused(replaced)
    return path


def remove(identifier: str) -> int:
    """Delete a model card, and its weights unless another card is of the same ones.

    Returns
    -------
    int
        Bytes that were freed; 0 also when there is no card.

    Raises
    ------
    BadFileError
        The card cannot be read.
    """
    with lock(_LOCK):
        card = find_card(identifier)
        if card is None:
            return 0
        _card_path(identifier).unlink(missing_ok=True)
        return _drop_unused(card["weights_file"])


def find_card(identifier: str) -> dict[str, Any] | None:
    """Give the model card of an identifier, or None when there is none.

    Raises
    ------
    BadFileError
        The card is broken.
    BadInputError
        The identifier has other characters than letters, digits, ``.``, ``_`` and ``-``.
    """
    path = _card_path(identifier)
    return _read_card(path) if path.is_file() else None


def identifiers() -> list[str]:
    """Give the identifiers that have a model card, sorted; the cards themselves are not read."""
    return sorted(path.stem for path in (home() / "weights" / "cards").glob("[!.]*.json"))


def load(identifier: str) -> "tuple[dict[str, Tensor], dict[str, Any]]":
    """Give a model's weights (on the CPU) and its card.

    The file's sha256 is verified at first use in a process, and again when its size or modification time changes.

    Raises
    ------
    MissingWeightsError
        There is no card for the identifier.
    BadFileError
        The card is broken, or the weights are missing or not the bytes that were saved.
    """
    import safetensors.torch

    card = find_card(identifier)
    if card is None:
        known = ", ".join(identifiers()) or "none"
        raise MissingWeightsError(
            f"Got no model card for {identifier!r} in {home() / 'weights'}: expected one of: {known}. "
            "Train the model first."
        )
    path = home() / "weights" / card["weights_file"]
    _verify(path, card)
    return safetensors.torch.load_file(path), card


def _weights_file(card_path: Path) -> str | None:
    """Name the weights that a card is of; None when there is none, or a broken one."""
    try:
        return _read_card(card_path)["weights_file"] if card_path.is_file() else None
    except BadFileError:
        return None


def _drop_unused(weights_file: str) -> int:
    """Delete weights that no card is of; give the bytes that were freed. A card that cannot be read may be of them."""
    try:
        used = {(find_card(identifier) or {}).get("weights_file") for identifier in identifiers()}
    except RealnetError:
        return 0
    path = home() / "weights" / weights_file
    if weights_file in used or not path.is_file():
        return 0
    freed = path.stat().st_size
    path.unlink(missing_ok=True)
    return freed


def _verify(path: Path, card: Mapping[str, Any]) -> None:
    try:
        stat = path.stat()
    except FileNotFoundError as error:
        raise BadFileError(
            f"Got no weights file {path}: expected the weights of {card['identifier']!r}. "
            "Train the model again or restore the file."
        ) from error
    seen = (str(path), stat.st_size, stat.st_mtime_ns, card["weights_sha256"])
    if seen in _verified:
        return
    sha256 = sha256_file(path)
    if sha256 != card["weights_sha256"]:
        raise BadFileError(
            f"Got sha256 {sha256} ({stat.st_size} bytes) for {path}: expected {card['weights_sha256']} "
            f"({card['bytes']} bytes), the weights of {card['identifier']!r}. Train the model again or restore it."
        )
    _verified.add(seen)


def _card_path(identifier: str) -> Path:
    if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", identifier) is None:
        raise BadInputError(
            f"Got identifier {identifier!r}: expected letters, digits, '.', '_' and '-', "
            "not starting with '.'. Choose another name."
        )
    return home() / "weights" / "cards" / f"{identifier}.json"


def _read_card(path: Path) -> dict[str, Any]:
    card = read_json(path)
    problem = None
    if not isinstance(card, dict):
        problem = "no JSON object"
    elif missing := {"weights_file", "weights_sha256", "bytes", "format_version"} - card.keys():
        problem = f"no {', '.join(sorted(missing))}"
    elif card["format_version"] != FORMAT_VERSION:
        problem = f"format_version {card['format_version']}"
    elif card.get("identifier") != path.stem:
        problem = f"identifier {card.get('identifier')!r}"
    elif Path(str(card["weights_file"])).name != card["weights_file"]:
        problem = f"weights_file {card['weights_file']!r}"
    if problem:
        raise BadFileError(
            f"Got {problem} in the model card {path}: expected a card of format_version {FORMAT_VERSION} "
            f"for {path.stem!r}. Train the model again or delete the card."
        )
    return card
