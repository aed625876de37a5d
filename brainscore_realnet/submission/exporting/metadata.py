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

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.backbones import NAMES, Backbone
from brainscore_realnet.submission.exporting.training_told import ARCHITECTURES, training_told

Entry = dict[str, Any]

RECURRENT, CONVOLUTIONAL = "recurrent_convolutional_neural_network", "convolutional_neural_network"
ATTENTION = (nn.MultiheadAttention, nn.LayerNorm)
"""Modules by which Brain-Score tells transformers."""

CODE = {"kind": "other", "citation": "brainscore_realnet: counted, or recorded during training, by its own code"}
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
    """Tell what is known of a model, as an entry of schema 2.0; sections are in the order of the schema."""
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
    family, recurrent = _family(told.network, told.backbone)
    return {
        "architecture": {
            **({"family": family} if family else {}),
            "description": ARCHITECTURES.get(told.backbone.name, told.backbone.name),
        },
        "parameter_count": sum(parameter.numel() for parameter in told.network.parameters()),
        "parameter_count_exact": True,
        **({} if recurrent is None else {"recurrent": recurrent}),
        "input_resolution": {"channels": 3, "height": size, "width": size},
        "visual_degrees": told.visual_degrees,
    }


def _family(network: nn.Module, backbone: Backbone) -> tuple[str | None, bool | None]:
    """Give the family and whether it is recurrent; None where a library's network does not show it."""
    if "cornet_s" in backbone.name:
        return RECURRENT, True
    if backbone.name in NAMES:
        return CONVOLUTIONAL, False
    return (None if "Transformer" in _tags(network, backbone) else CONVOLUTIONAL), None


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
    paper = _paper(told.bibtex)
    sources = {**({"paper": paper} if paper else {}), "code": CODE}
    stated = [_asserted("/model", "verified", "code")]
    if told.card.get("recipe"):
        stated += [_asserted("/model/supervision", "probable", *sources), _asserted("/training", "probable", *sources)]
    if "data" in about:
        stated.append(_asserted("/data/training_datasets", "probable", "code"))
    if "lineage" in about:
        stated.append(_asserted("/lineage/base_models", "probable", "code"))
    return {"sources": sources, "assertions": [*stated, _asserted("/provenance", "verified", "code")]}


def _asserted(path: str, status: str, *sources: str) -> Entry:
    return {"path": path, "status": status, "sources": list(sources)}


def _paper(bibtex: str) -> Entry | None:
    """Give a citation as a source; None where there is none that can be read."""
    from pybtex.database import BibliographyData, PybtexError

    try:
        entries = BibliographyData.from_string(bibtex, "bibtex").entries.values()
    except PybtexError:
        return None
    for cited in entries:
        fields = {name.lower(): re.sub(r"[{}]", "", value) for name, value in cited.fields.items()}
        authors = [re.sub(r"[{}\\]", "", " ".join(person.last_names)) for person in cited.persons.get("author", [])]
        url = fields.get("url") or (f"https://doi.org/{fields['doi']}" if "doi" in fields else "")
        known = [", ".join(authors[:3]), fields.get("title"), fields.get("year")]
        return {
            "kind": "huggingface" if (urlparse(url).hostname or "").endswith("huggingface.co") else "paper",
            **({"url": url} if url.startswith("https://") else {}),
            "citation": ". ".join(filter(None, known)) or cited.key,
        }
    return None
