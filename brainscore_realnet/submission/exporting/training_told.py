"""What a model card tells of a training, in the words of Brain-Score's metadata."""

from collections.abc import Mapping
from typing import Any

from brainscore_realnet.networks.backbones import Backbone
from brainscore_realnet.training.recipes import Recipe

Entry = dict[str, Any]

ARCHITECTURES = {
    "cornet_s": "CORnet-S: V1, V2 (twice), V4 (four times), IT (twice), linear decoder",
    "sim_cornet_s_narrow": "CORnet-S with a quarter of the channels",
    "resnet_101": "ResNet-101 of torchvision",
    "clip_rn101": "Visual tower of CLIP RN101: a modified ResNet-101 with attention pooling",
}
IMAGENET = {"identifier": "imagenet-1k", "name": "ImageNet-1k (ILSVRC-2012)"}
PRETRAINED_ON = {
    "cornet_s": IMAGENET,
    "resnet_101": IMAGENET,
    "clip_rn101": {"identifier": "wit-400m", "name": "WIT-400M (OpenAI WebImageText)"},
}
"""Backbone to what its published weights were trained on."""
BASES = {
    "cornet_s": {"identifier": "CORnet-S", "name": "CORnet-S"},
    "resnet_101": {"identifier": "resnet_101_v1", "name": "ResNet-101"},
    "clip_rn101": {"name": "CLIP RN101"},
}
"""Backbone to the model with its published weights, with the identifier that it has on Brain-Score."""
DATA_SETS = {"things-eeg2": {"identifier": "things-eeg2", "name": "THINGS EEG2"}}
"""Data sets that Brain-Score lists; others are written as `other` with their names."""
SIGNALS = {"eeg": "EEG", "fmri": "fMRI"}
LAST = "last epoch"
"""How weights were picked that were not picked."""
CORRELATIONS = {"spearman": "Spearman", "pearson": "Pearson"}


def training_told(identifier: str, card: Mapping[str, Any], backbone: Backbone) -> Entry:
    """Tell of a model what its card knows: the recipe that led to it, or what was said when it was imported.

    Parameters
    ----------
    identifier : str
    card : mapping
        As the store keeps it.
    backbone : Backbone

    Returns
    -------
    dict
        Sections model, training, data, io, provenance, use and lineage of an entry, so far as they are known.

    Raises
    ------
    BadInputError
        The card's recipe is of another version of this package.
    """
    return _trained(card, backbone) if card.get("recipe") else _imported(identifier, card)


def _imported(identifier: str, card: Mapping[str, Any]) -> Entry:
    """Tell of weights that no recipe led to: what whoever put them into the store said."""
    trained_on = card.get("trained_on") or {}
    imported = card.get("imported") or {}
    data = [_data_set(trained_on["dataset"], trained_on.get("subject"), None)] if trained_on else []
    base, file, sha256 = (imported.get(key) for key in ("fine_tuned_from", "file", "sha256"))
    bases = [{"identifier": base, "name": base, "relationship": "fine_tuned_from"}]
    return {
        "model": {"display_name": identifier},
        **({"training": {"process": f"Trained on {card['pretrained_on']}"}} if "pretrained_on" in card else {}),
        **({"data": {"training_datasets": data}} if data else {}),
        "io": {"modality": "image"},
        "provenance": {"checkpoint": f"{file} (sha256:{sha256})" if sha256 else file} if file else {},
        **({"lineage": {"base_models": bases}} if base else {}),
    }


def _trained(card: Mapping[str, Any], backbone: Backbone) -> Entry:
    """Tell of a model that a recipe led to."""
    recipe = Recipe.from_record(card["recipe"])
    signal, whose = SIGNALS[recipe.signal], _whose(recipe)
    labels = "labels that the pretrained network gives"
    aligned = f"{signal} of {whose}"
    generated = f"; generation of {signal} from {', '.join((card.get('head') or {}).get('layers', []))}"
    base = _base(card, backbone)
    pretrained_on = PRETRAINED_ON.get(recipe.backbone) if base is BASES.get(recipe.backbone) else None
    return {
        "model": {
            "display_name": f"{ARCHITECTURES.get(recipe.backbone, recipe.backbone).partition(':')[0]}, "
            f"{aligned if recipe.beta else 'no subject'}, β = {recipe.beta:g}{_variant(recipe)}{_best_epoch(card)}",
            "supervision": {
                "type": "supervised_neural_alignment" if recipe.beta else "supervised",
                "description": f"{labels}, and {aligned}" if recipe.beta else labels,
            },
        },
        "training": {
            "process": _process(card, recipe, base),
            "objective": f"Classification by {labels}{generated if recipe.beta else ''}",
            "loss": _loss(recipe),
            "learning_rate": f"{recipe.learning_rate:g} (Adam{_adam(recipe)})",
            "batch_size": str(recipe.batch_size),
            "preprocessing": f"Resized to {recipe.image_size} × {recipe.image_size}, channels normalised with mean "
            f"{_three(backbone.mean)} and standard deviation {_three(backbone.std)}, no augmentation",
        },
        "data": {
            "training_datasets": [
                *([{**pretrained_on, "role": "pretraining"}] if pretrained_on else []),
                _data_set(recipe.dataset, whose if recipe.beta else None, card, signal),
            ]
        },
        "io": {"modality": "image"},
        **({"use": {"limitations": list(card["departures"])}} if card.get("departures") else {}),
        "lineage": {"base_models": [{**base, "relationship": "fine_tuned_from"}]},
    }


def _process(card: Mapping[str, Any], recipe: Recipe, base: Entry) -> str:
    epoch = card.get("epoch", recipe.epochs)
    kept = "" if epoch == recipe.epochs else f", weights of epoch {epoch} ({card.get('selected_by')})"
    digest = f"; recipe {card['recipe_digest']}" if card.get("recipe_digest") else ""
    return f"{recipe.epochs} epochs from {base['name']}, β = {recipe.beta:g}{_variant(recipe)}{kept}{digest}"


def _best_epoch(card: Mapping[str, Any]) -> str:
    """Tell weights of a picked epoch from those of the last one, which the same training led to."""
    return "" if card.get("selected_by") in (None, LAST) else f", best epoch ({card.get('epoch')})"


def _variant(recipe: Recipe) -> str:
    """Say in what a recipe is a control."""
    told = {
        "without the contrastive term": bool(recipe.beta) and recipe.contrastive == "none",
        "images and signals paired at random": recipe.unpaired,
        "as the released code trains": recipe.reference,
    }
    return "".join(f", {what}" for what, so in told.items() if so)


def _loss(recipe: Recipe) -> str:
    """Write the loss that a recipe minimises; the terms are those of `training.losses`."""
    if not recipe.beta:
        return "L^C (cross entropy with the labels)"
    if recipe.contrastive == "none":
        return f"L^C + {recipe.beta:g} L^MSE"
    how = "without gradient, as in the released code"
    if recipe.contrastive in CORRELATIONS:
        how = f"with {CORRELATIONS[recipe.contrastive]} correlations"
    return f"L^C + {recipe.beta:g} (L^MSE + L^Cont), L^Cont {how}"


def _adam(recipe: Recipe) -> str:
    decay = f", weight decay {recipe.weight_decay:g}" if recipe.weight_decay else ""
    return decay + (f", gradients clipped at {recipe.clip_norm:g}" if recipe.clip_norm else "")


def _whose(recipe: Recipe) -> str:
    return "all subjects" if recipe.subject is None else f"subject {recipe.subject}"


def _data_set(name: str, whose: str | None, card: Mapping[str, Any] | None, signal: str = "") -> Entry:
    """Describe a data set that a model was fine-tuned on."""
    listed = next((found for known, found in DATA_SETS.items() if name == known or name.startswith(f"{known}-")), None)
    simulated = " (simulated)" if name.startswith("sim-") else ""
    used = " of ".join(filter(None, [signal, whose])) if whose else "images alone" if signal else ""
    images = f"{card['n_images']} training images" if card and "n_images" in card else ""
    description = ", ".join(filter(None, [used, images]))
    return {
        **(listed or {"identifier": "other", "name": f"{name}{simulated}"}),
        **({"description": description} if description else {}),
        "role": "fine_tuning",
    }


def _base(card: Mapping[str, Any], backbone: Backbone) -> Entry:
    """Name the model that training started from: Brain-Score's where a hash says so, never because of a file's name."""
    start = card.get("pretrained") or {}
    before = start.get("card") or {}
    imported = before.get("imported") or {}
    hashes = {f"{algorithm}:{place.get(algorithm)}" for place in (start, imported) for algorithm in ("sha1", "sha256")}
    if backbone.published and backbone.published.known_hash in {start.get("hash"), *hashes}:
        return BASES[backbone.name]
    from_store = imported.get("file") or backbone.name
    name = start.get("file") or (from_store if start.get("weights") == "store" else start.get("weights"))
    return {"name": f"{name or backbone.name}{' (simulated)' if before.get('simulated') else ''}"[:200]}


def _three(values: tuple[float, float, float]) -> str:
    return ", ".join(f"{value:g}" for value in values)
