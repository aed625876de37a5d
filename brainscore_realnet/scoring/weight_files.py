"""Weights from files into the store, out of it as files, and what it holds."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainscore_realnet.errors import (
    BadFileError,
    BadInputError,
    MissingWeightsError,
    RealnetError,
    UnknownIdentifierError,
)
from brainscore_realnet.scoring.bibtex import read_bibtex
from brainscore_realnet.scoring.identifiers import package_identifiers, upstream_identifiers
from brainscore_realnet.scoring.model_cards import require_sound
from brainscore_realnet.store import atomic_file, file_hash, home, lock, require_space, weights
from brainscore_realnet.store.atomic import require_writable

if TYPE_CHECKING:
    from torch import Tensor

    from brainscore_realnet.networks.backbones import Backbone

TORCH_ENDINGS = (".pt", ".pth", ".pth.tar")
SAFETENSORS_ENDING = ".safetensors"


@dataclass(frozen=True)
class StoredModel:
    """One model card of the store."""

    identifier: str
    backbone: str
    """Key of `networks.backbones`; `-` where the card names none or cannot be read."""

    created: str
    """UTC, ISO 8601; `-` where the card cannot be read."""

    n_bytes: int
    """Size of the weights; 0 where the card cannot be read."""

    origin: str
    """Where the weights come from and what the model was trained on, or why the card cannot be read."""


def import_weights(
    file: str | Path,
    identifier: str,
    *,
    backbone_name: str | None = None,
    layers: Sequence[str] | None = None,
    dataset: str | None = None,
    subject: str | None = None,
    fine_tuned_from: str | None = None,
    bibtex: str | Path | None = None,
    note: str | None = None,
    replace: bool = False,
) -> dict[str, Any]:
    """Put a file of weights into the store, as the model of an identifier; code in the file is never run.

    Parameters
    ----------
    file : path
        A published ReAlnet checkpoint, whose generation head is kept; a CORnet-S checkpoint; a plain state dict; as
        `torch.save` or safetensors wrote it. Every weight of the backbone must be there.
    identifier : str
        Of this package (`realnet-eeg-sub01`) or a new one.
    backbone_name : str, optional
        As `networks.backbones.backbone` takes it. Default: that of the identifier, and `cornet_s` for a new one.
    layers : sequence of str, optional
        Of a library's network, the layers that stand for its areas, see there.
    dataset, subject : str, optional
        What the model was trained on: `things-eeg2`, `sub-01` or `1` (default: the subject that the identifier names).
    fine_tuned_from : str, optional
        Identifier of Brain-Score's model that training started from.
    bibtex : path, optional
        File with the model's reference: one entry with author, year, and url or doi.
    note : str, optional
        Anything else to be kept in the model card.
    replace : bool
        Replace weights that the store has under the identifier.

    Returns
    -------
    dict
        The model card as `store.weights.find_card` gives it, with `backbone`, `imported` (file, sha256, sha1, bytes,
        fine_tuned_from), `head` (layers, n_signals) or None, and what was given of the rest.

    Raises
    ------
    MissingDataError
        No such file.
    BadFileError, UnsafeFileError
        The file is no checkpoint, wants to run code, or does not fit the backbone: names, shapes, values. Or
        Brain-Score could not make a reference of the bibtex.
    BadInputError, UnknownIdentifierError
        The identifier is taken, or contradicts what was said of the weights; or Brain-Score has no model of the
        identifier `fine_tuned_from`.
    StoreError
        The store cannot be written.
    """
    file = Path(file)
    trained_on = _trained_on(identifier, dataset, subject)
    _require_on_brain_score(fine_tuned_from)
    told = {"trained_on": trained_on, "bibtex": read_bibtex(bibtex) if bibtex is not None else None, "note": note}
    _require_free(identifier, replace)
    chosen = _backbone_of(identifier, backbone_name, layers)
    state, head = _read(file, identifier, chosen)
    hashes = {algorithm: file_hash(file, algorithm) for algorithm in ("sha256", "sha1")}
    base = {"fine_tuned_from": fine_tuned_from} if fine_tuned_from else {}
    card = {
        "backbone": chosen.name,
        **({"layers": list(layers)} if layers else {}),
        "imported": {"file": file.name, **hashes, "bytes": file.stat().st_size, **base},
        "head": head,
        **{key: value for key, value in told.items() if value},
    }
    with lock(f"weights-{identifier}"):
        _require_free(identifier, replace)
        weights.save(identifier, state, card)
    return require_stored(identifier)


def export_weights(identifier: str, file: str | Path, *, replace: bool = False) -> Path:
    """Write a stored model's weights to a file that `import_weights`, and others' code, can read.

    Parameters
    ----------
    identifier : str
        With a model card in the store.
    file : path
        Ending in `.pt`, `.pth` or `.pth.tar`: as published, see `networks.checkpoint_forms.published_form`.
        Ending in `.safetensors`: backbone and head as `join_state_dict` names them.
    replace : bool
        Replace a file that is there.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    MissingWeightsError
        The store has no weights of the identifier.
    BadFileError
        They are not the bytes that were saved.
    BadInputError
        The ending is another one, or the file is there.
    StoreError
        The file cannot be written.
    """
    file = Path(file)
    if not file.name.endswith((*TORCH_ENDINGS, SAFETENSORS_ENDING)):
        raise BadInputError(
            f"Got {file} to write weights to: expected a name that ends in {', '.join(TORCH_ENDINGS)} or "
            f"{SAFETENSORS_ENDING}. Choose another name."
        )
    if file.is_file() and not replace:
        raise BadInputError(f"Got {file}, which is there: expected a new file. Choose another, or give --replace.")
    card = require_stored(identifier)
    require_writable(file)
    require_space(file.parent, card["bytes"])
    import safetensors.torch
    import torch

    from brainscore_realnet.networks.checkpoint_forms import join_state_dict, published_form
    from brainscore_realnet.networks.checkpoints import split_state_dict

    parts = split_state_dict(weights.load(identifier)[0])
    with atomic_file(file) as part:
        if file.name.endswith(SAFETENSORS_ENDING):
            part.write_bytes(safetensors.torch.save(join_state_dict(*parts), metadata={"format": "pt"}))
        else:
            with part.open("wb") as stream:
                torch.save(published_form(*parts), stream)
    return file


def stored_models() -> list[StoredModel]:
    """Give the models whose cards are in the store, by identifier; a card that cannot be read says so."""
    return [_stored_model(identifier) for identifier in weights.identifiers()]


def remove_weights(identifier: str) -> int:
    """Delete a model card, and its weights unless another card is of the same ones.

    Returns
    -------
    int
        Bytes that were freed.

    Raises
    ------
    MissingWeightsError
        There is no card for the identifier.
    BadFileError
        The card cannot be read.
    """
    require_stored(identifier)
    return weights.remove(identifier)


def require_stored(identifier: str) -> dict[str, Any]:
    """Give the model card of an identifier; raises MissingWeightsError, which names those there are, without one."""
    card = weights.find_card(identifier)
    if card is None:
        raise MissingWeightsError(
            f"Got no model card for {identifier!r} in {home() / 'weights'}: expected one of: "
            f"{', '.join(weights.identifiers()) or 'none'}. `brainscore weights list` shows all."
        )
    return card


def _trained_on(identifier: str, dataset: str | None, subject: str | None) -> dict[str, str]:
    """What a model was trained on, as its card says it, checked against what its identifier says."""
    if subject and not dataset:
        raise BadInputError(f"Got the subject {subject!r} without its data set: give --dataset, such as things-eeg2.")
    if dataset and dataset.startswith("sim-") and not identifier.startswith("sim-"):
        raise BadInputError(
            f"Got {identifier!r} for weights trained on {dataset}, which is simulated: expected an identifier that "
            "begins with 'sim-'. Choose such a one."
        )
    if subject and (number := re.fullmatch(r"(?:sub-?)?(\d+)", subject)):
        subject = f"sub-{int(number[1]):02d}"
    named = re.search(r"-sub(\d\d)", identifier)
    if named and dataset:
        own = f"sub-{named[1]}"
        if subject not in (None, own):
            raise BadInputError(
                f"Got the subject {subject} for {identifier!r}, the model of {own}. Correct one of them."
            )
        subject = own
    return {key: value for key, value in {"dataset": dataset, "subject": subject}.items() if value}


def _require_on_brain_score(base: str | None) -> None:
    """Refuse a model that weights were fine-tuned from unless Brain-Score has it under this very identifier."""
    known = {identifier.lower(): identifier for identifier in upstream_identifiers("model")}
    if base is None or base in known.values():
        return
    nearest = [known[name] for name in difflib.get_close_matches(base.lower(), known, n=3)]
    advice = f"Did you mean {' or '.join(nearest)}? " if nearest else ""
    raise UnknownIdentifierError(
        f"Got {base!r} as what the weights were fine-tuned from: expected a model of Brain-Score. "
        f"{advice}`brainscore list models --upstream` shows all."
    )


def _read(file: Path, identifier: str, chosen: "Backbone") -> "tuple[dict[str, Tensor], dict[str, Any] | None]":
    """Give a file's weights as the store keeps them, checked, and what its head is if it has one."""
    from brainscore_realnet.networks.checkpoint_forms import check_weights, join_state_dict
    from brainscore_realnet.networks.checkpoints import read_checkpoint, split_state_dict

    content = read_checkpoint(file)
    try:
        backbone, head = split_state_dict(content)
        checked = check_weights(chosen.build, backbone, head)
    except BadFileError as error:
        raise BadFileError(f"Cannot import {file} as {identifier}: {error}") from error
    told = {"layers": list(checked.in_features), "n_signals": checked.n_signals} if checked else None
    return join_state_dict(backbone, head), told


def _require_free(identifier: str, replace: bool) -> None:
    """Refuse identifiers under which imported weights would not be loaded, or would replace others unasked."""
    card = weights.find_card(identifier)
    if identifier in upstream_identifiers("model"):
        raise BadInputError(
            f"Got {identifier!r}, a model of Brain-Score, which would be loaded instead of your weights. "
            "Choose another identifier."
        )
    if card is None and identifier.startswith("sim-") and identifier in package_identifiers("model"):
        raise BadInputError(
            f"Got {identifier!r}, a simulated reference model, which is made from a seed. Choose another identifier."
        )
    if card is not None and not replace:
        raise BadInputError(
            f"Got {identifier!r}, of which the store has weights (created {card.get('created', '?')}): "
            "expected a new identifier. Choose another, or give --replace."
        )


def _backbone_of(identifier: str, wanted: str | None, layers: Sequence[str] | None) -> "Backbone":
    """Give the backbone that was asked for, which must be that with which the identifier is loaded."""
    from brainscore_realnet.networks.backbones import NAMES, backbone, require_layers

    chosen = backbone(wanted, layers) if wanted else None
    if chosen and layers:
        require_layers(chosen, chosen.build(), layers)
    card = weights.find_card(identifier)
    due = card.get("backbone") if card else None
    if due is None and identifier in package_identifiers("model"):
        baseline = identifier.replace("-", "_")
        due = baseline if baseline in NAMES else "cornet_s"
    if chosen and due and chosen.name != due:
        raise BadInputError(
            f"Got the backbone {chosen.name} for {identifier!r}, whose backbone is {due}. Choose another identifier."
        )
    return chosen or backbone(due or "cornet_s")


def _stored_model(identifier: str) -> StoredModel:
    try:
        card = weights.find_card(identifier) or {}
        require_sound(identifier, card)
    except RealnetError as error:
        return StoredModel(identifier, "-", "-", 0, f"broken: {error}")
    trained_on = card.get("trained_on") or {}
    told = [
        f"imported from {card['imported']['file']}" if card.get("imported") else "",
        f"trained on {' '.join(filter(None, trained_on.values()))}" if trained_on else "",
    ]
    return StoredModel(
        identifier,
        card.get("backbone", "-"),
        card.get("created", "-"),
        card.get("bytes", 0),
        ", ".join(filter(None, told)) or "-",
    )
