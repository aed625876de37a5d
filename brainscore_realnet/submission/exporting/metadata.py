"""What is told of exported models: ``metadata.yaml`` in Brain-Score's schema 2.0, from model cards and by counting.

A key that is absent is not known. Brain-Score adds what it counts itself to an entry that lacks it, by a pull request
of its own; entries written here lack nothing of that.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

from torch import nn

from brainscore_realnet.errors import BadFileError, BadInputError
from brainscore_realnet.networks.backbones import Backbone
from brainscore_realnet.scoring.bibtex import entries_of_bibtex, problems_of_bibtex
from brainscore_realnet.scoring.model_cards import card_path, require_sound
from brainscore_realnet.submission.exporting.training_told import ARCHITECTURES, training_told

Entry = dict[str, Any]

FAMILIES = {
    "cornet_s": ("recurrent_convolutional_neural_network", True),
    "sim_cornet_s_narrow": ("recurrent_convolutional_neural_network", True),
    "resnet_101": ("convolutional_neural_network", False),
    "clip_rn101": ("convolutional_neural_network", False),
}
"""Backbone to its family and whether it is recurrent; of networks of libraries neither is told."""
ATTENTION = (nn.MultiheadAttention, nn.LayerNorm)
"""Modules by which Brain-Score tells transformers."""

COUNTED = {"kind": "other", "citation": "brainscore_realnet: counted by its own code"}
RECORDED = {"kind": "other", "citation": "brainscore_realnet: counted, or recorded during training, by its own code"}
TOLD = {"kind": "unreviewed", "citation": "What was said when the weights were imported"}
OF_TRAINED = {
    "/model/supervision": ("paper", "code"),
    "/training": ("paper", "code"),
    "/data/training_datasets": ("code",),
    "/lineage/base_models": ("code",),
}
OF_IMPORTED = {"/data/training_datasets": ("paper", "said"), "/lineage/base_models": ("paper", "said")}
"""What is stated beside what was counted, with its sources so far as they are there."""
SIMULATED = "Simulated: trained on virtual subjects or images. It says nothing about brains."
LINK = "https://github.com/brain-score/vision/tree/master/brainscore_vision/models"


@dataclass(frozen=True)
class Told:
    """What is known of an exported model."""

    identifier: str
    plugin: str
    """Its folder."""
    backbone: Backbone
    network: nn.Module
    """With the weights that are exported."""
    visual_degrees: float
    checkpoint: str
    """File name of the exported weights, and their hash."""
    card: Mapping[str, Any]
    """The model card; empty for published weights."""
    known: Mapping[str, Any] | None
    """The entry that this package has of a model whose weights were published."""
    bibtex: str


def entry(told: Told) -> Entry:
    """Tell what is known of a model, as an entry of schema 2.0; sections are in the order of the schema.

    Raises
    ------
    BadFileError
        The model card holds other kinds of values than it should, or bibtex that Brain-Score cannot read.
    BadInputError
        The card's recipe is of another version of this package.
    """
    require_sound(told.identifier, told.card)
    about = dict(told.known or training_told(told.identifier, told.card, told.backbone))
    simulated = bool(told.card.get("simulated"))
    limitations = [*about.get("use", {}).get("limitations", []), *([SIMULATED] if simulated else [])]
    origin = about.get("provenance", {})
    checkpoint = f"{told.checkpoint}, from {origin['checkpoint']}" if "checkpoint" in origin else told.checkpoint
    described = {**about.get("model", {}), **_counted(told)}
    if simulated:
        described["display_name"] += " (simulated)"
    return {
        **about,
        "model": described,
        "provenance": {**origin, "checkpoint": checkpoint},
        **({"use": {"limitations": limitations}} if limitations else {}),
        **_evidence(told, about),
        "legacy": legacy(told.network, told.backbone, told.plugin),
    }


def legacy(network: nn.Module, backbone: Backbone, plugin: str) -> Entry:
    """Count what Brain-Score would count of a network; what it does not know either is None."""
    parameters = list(network.parameters())
    trainable = [parameter for parameter in parameters if parameter.requires_grad]
    return {
        "architecture": ", ".join(_tags(network, backbone)),
        "model_family": _base_name(backbone).lower(),
        "total_parameter_count": sum(parameter.numel() for parameter in parameters),
        "trainable_parameter_count": sum(parameter.numel() for parameter in trainable),
        "total_layers": sum(1 for _ in network.modules()),
        "trainable_layers": sum(parameter.dim() > 1 for parameter in trainable),
        "model_size_mb": round(sum(parameter.element_size() * parameter.numel() for parameter in parameters) / 1e6, 2),
        "training_dataset": None,
        "task_specialization": None,
        "brainscore_link": f"{LINK}/{plugin}",
        "huggingface_link": None,
        "extra_notes": None,
        "runnable": True,
    }


def document(entries: Mapping[str, Entry]) -> bytes:
    """Write entries as ``metadata.yaml``, without anchors, which Brain-Score refuses.

    Raises
    ------
    BadInputError
        Brain-Score would not take it; its reason is given.
    """
    import yaml
    from brainscore_core.metadata import MetadataError, load

    unshared = json.loads(json.dumps({"schema_version": "2.0", "domain": "vision", "models": entries}))
    text = yaml.safe_dump(unshared, sort_keys=False, allow_unicode=True, width=120)
    try:
        load(text, "vision")
    except MetadataError as error:
        raise BadInputError(
            f"Got metadata of {', '.join(entries)} that Brain-Score does not take ({error}): expected what its schema "
            "2.0 allows. Look into the model cards for what is unusual."
        ) from error
    return text.encode()


def _counted(told: Told) -> Entry:
    size = told.backbone.image_size
    family = FAMILIES.get(told.backbone.name)
    return {
        "architecture": {
            **({"family": family[0]} if family else {}),
            "description": ARCHITECTURES.get(told.backbone.name, told.backbone.name),
        },
        "parameter_count": sum(parameter.numel() for parameter in told.network.parameters()),
        "parameter_count_exact": True,
        **({"recurrent": family[1]} if family else {}),
        "input_resolution": {"channels": 3, "height": size, "width": size},
        "visual_degrees": told.visual_degrees,
    }


def _tags(network: nn.Module, backbone: Backbone) -> list[str]:
    named = [type(module).__name__.lower() for module in network.modules()]
    attends = any(isinstance(module, ATTENTION) for module in network.modules())
    found = ["DCNN"] + (["RNN", "SKIP_CONNECTIONS"] if "cornet_s" in backbone.name else [])
    return found + (["Transformer"] if attends or any("transf" in name or "attent" in name for name in named) else [])


def _base_name(backbone: Backbone) -> str:
    """Name the family of a backbone: `cornet`, `resnet`, `convnext`."""
    for family in ("cornet", "clip"):
        if family in backbone.name:
            return family
    name = backbone.name.partition(":")[2] or backbone.name
    return re.split(r"[\d._/-]", name)[0] or name


def _evidence(told: Told, about: Mapping[str, Any]) -> Entry:
    """Sources and what they stand for; only what code can count is called verified."""
    if told.known:
        sources, stated = told.known["sources"], told.known["assertions"]
        return {"sources": sources, "assertions": [*stated, _asserted("/provenance", "verified", "code")]}
    paper, trained = _paper(told), bool(told.card.get("recipe"))
    sources = {**({"paper": paper} if paper else {}), "code": RECORDED if trained else COUNTED, "said": TOLD}
    stated = [
        _asserted(path, "probable" if trained else "uncertain", *(one for one in named if one in sources))
        for path, named in (OF_TRAINED if trained else OF_IMPORTED).items()
        if path.split("/")[1] in about
    ]
    stated = [_asserted("/model", "verified", "code"), *stated, _asserted("/provenance", "verified", "code")]
    used = {one for assertion in stated for one in assertion["sources"]}
    return {"sources": {name: source for name, source in sources.items() if name in used}, "assertions": stated}


def _asserted(path: str, status: str, *sources: str) -> Entry:
    return {"path": path, "status": status, "sources": list(sources)}


def _paper(told: Told) -> Entry | None:
    """Give the citation as a source; None where there is none."""
    if not told.bibtex:
        return None
    if problems := problems_of_bibtex(told.bibtex):
        raise BadFileError(
            f"Got {'; '.join(problems)} in the model card {card_path(told.identifier)}: expected one entry with "
            "author, year, and url or doi. Correct it."
        )
    (cited,) = entries_of_bibtex(told.bibtex).values()
    fields = {name.lower(): re.sub(r"[{}]", "", value) for name, value in cited.fields.items()}
    authors = [re.sub(r"[{}\\]", "", " ".join(person.last_names)) for person in cited.persons["author"]]
    url = fields.get("url") or f"https://doi.org/{fields['doi']}"
    known = [", ".join(authors[:3]), fields.get("title"), fields["year"]]
    return {
        "kind": "huggingface" if (urlparse(url).hostname or "").endswith("huggingface.co") else "paper",
        **({"url": url} if url.startswith("https://") else {}),
        "citation": ". ".join(filter(None, known)),
    }
