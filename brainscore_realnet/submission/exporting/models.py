"""Plugins of models, from what this package has: one folder a backbone, and a file of weights a model."""

import contextlib
import importlib
import io
import json
import math
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import safetensors.torch
import torch

from brainscore_realnet.errors import BadFileError
from brainscore_realnet.networks.backbones import AREAS, backbone
from brainscore_realnet.scoring.enable import enable
from brainscore_realnet.scoring.loading import load_model
from brainscore_realnet.store import weights
from brainscore_realnet.store.atomic import atomic_file
from brainscore_realnet.store.hashing import sha256_bytes
from brainscore_realnet.submission.exporting.chosen_models import grouped
from brainscore_realnet.submission.exporting.exportable import Exportable
from brainscore_realnet.submission.exporting.folder_names import folder_names
from brainscore_realnet.submission.exporting.metadata import Entry, Told, document, entry
from brainscore_realnet.submission.exporting.metadata_given import with_given
from brainscore_realnet.submission.exporting.networks import NETWORK, travelling_network
from brainscore_realnet.submission.exporting.travelling import PACKAGE, travelling
from brainscore_realnet.submission.exporting.travels.model_tests import areas_of_one_image, magnitudes
from brainscore_realnet.submission.layout import Plugin
from brainscore_realnet.submission.uploads import FOLDERS, Upload, described, placed

MODEL = "brainscore_realnet.submission.exporting.travels.model"
MODEL_TESTS = "brainscore_realnet.submission.exporting.travels.model_tests"
REQUIREMENTS = ("safetensors>=0.4",)
"""Of every plugin; all else that the modules import comes with Brain-Score."""

_INIT = '''"""{title}"""

from brainscore_vision import model_registry

from .model import get_model

{registrations}
'''


@dataclass(frozen=True)
class _Model:
    """What a plugin says of one model."""

    row: dict[str, Any]
    """Its entry of models.json."""
    entry: dict[str, Any]
    """Its entry of metadata.yaml."""
    file: tuple[Upload, Path]
    notes: tuple[str, ...]


def model_plugins(
    identifiers: Sequence[str], places: Mapping[str, Upload], work: Path, given: Mapping[str, Entry] | None = None
) -> list[Exportable]:
    """Make the plugins of models, one folder a backbone; stderr tells which model it is about.

    Parameters
    ----------
    identifiers : sequence of str
        Models of this package or of the store, with weights.
    places : mapping of str to Upload
        File name to where it was uploaded.
    work : Path
        Folder that files of weights are written to.
    given : mapping of str to dict, optional
        Identifier to what `metadata_given.given_metadata` read of it.

    Raises
    ------
    UnknownIdentifierError, MissingWeightsError
        There is no such model (the nearest are named), or it has no weights.
    BadInputError
        An identifier is given twice or is taken on Brain-Score; a model is made from a seed; its backbone was
        registered in this process; or other bytes were uploaded under a name.
    BadFileError
        Weights are not the bytes that were saved, or do not fit.
    StoreError
        There is no space for the weights.
    """
    groups = grouped(identifiers)
    names = folder_names(groups)
    return [_plugin(names[name], name, members, places, work, given or {}) for name, members in groups.items()]


def is_simulated(identifier: str) -> bool:
    """Tell whether a model was trained on virtual subjects or images."""
    return identifier.startswith("sim-") or bool((weights.find_card(identifier) or {}).get("simulated"))


def _plugin(
    folder: str,
    backbone_name: str,
    identifiers: Sequence[str],
    places: Mapping[str, Upload],
    work: Path,
    given: Mapping[str, Entry],
) -> Exportable:
    """Make one plugin; the networks are loaded one after the other, since all may not fit into memory."""
    network = travelling_network(backbone_name)
    sources = travelling({MODEL: "model"}, {NETWORK: network.source} if network.source else {})
    models = {
        identifier: _model(identifier, folder, backbone_name, places, work, given.get(identifier))
        for identifier in identifiers
    }
    table = {identifier: model.row for identifier, model in models.items()}
    registrations = [f'model_registry["{name}"] = lambda: get_model("{name}")' for name in identifiers]
    texts = {
        **sources,
        **travelling({MODEL_TESTS: "test"}),
        "__init__.py": _INIT.format(
            title=f"Models of brainscore_realnet: {backbone_name}.", registrations="\n".join(registrations)
        ),
        "models.json": json.dumps(table, indent=2, ensure_ascii=False) + "\n",
        "requirements.txt": "\n".join([*REQUIREMENTS, *network.requirements]) + "\n",
    }
    files = {name: text.encode() for name, text in texts.items()}
    files["metadata.yaml"] = document({identifier: model.entry for identifier, model in models.items()})
    return Exportable(
        Plugin("models", folder, files),
        tuple(model.file for model in models.values()),
        (*(note for model in models.values() for note in model.notes), *_equal(models)),
    )


def _equal(models: Mapping[str, _Model]) -> Iterator[str]:
    """Name models that differ in their identifiers alone, such as those of the last epoch, which was the best."""
    of_weights: dict[str, list[str]] = {}
    for identifier, model in models.items():
        of_weights.setdefault(model.file[0].sha256, []).append(identifier)
    for same in of_weights.values():
        if len(same) > 1:
            yield f"{' and '.join(same)} have equal weights: submit one of them."


def _model(
    identifier: str,
    folder: str,
    backbone_name: str,
    places: Mapping[str, Upload],
    work: Path,
    given: Entry | None,
) -> _Model:
    """Load a model, write its weights and say all that the plugin needs of it."""
    print(f"exporting {identifier}", file=sys.stderr, flush=True)
    model = load_model(identifier)
    activations = model.activations_model.to("cpu")
    network, images = activations._model, activations._extractor.preprocess.keywords
    regions = model.layer_model.region_layer_map
    card = {**(weights.find_card(identifier) or {}), "simulated": is_simulated(identifier)}
    chosen = replace(backbone(backbone_name, card.get("layers")), image_size=activations.image_size)
    path = _write_weights(identifier, network, work)
    upload = placed(described(path, "weights", f"{FOLDERS['weights']}/{folder}"), places)
    known, bibtex = _published_entry(identifier, card), _bibtex(identifier, card)
    told = Told(
        identifier=identifier,
        plugin=folder,
        backbone=chosen,
        network=network,
        visual_degrees=model.visual_degrees(),
        checkpoint=f"{upload.name} (sha256:{upload.sha256})",
        card=card,
        known=known,
        bibtex=bibtex,
    )
    row = {
        "areas": {area: regions[area] for area in AREAS},
        "readout": regions["readout"],
        "image_size": activations.image_size,
        "mean": list(images["normalize_mean"]),
        "std": list(images["normalize_std"]),
        "visual_degrees": model.visual_degrees(),
        "weights": {
            "bucket": upload.bucket,
            "folder_name": upload.folder,
            "relative_path": upload.name,
            "version_id": upload.version_id,
            "sha1": upload.sha1,
            "sha256": upload.sha256,
        },
        "expected": _expected(identifier, model),
        "bibtex": bibtex,
    }
    about = entry(told) if given is None else with_given(identifier, entry(told), given, simulated=card["simulated"])
    return _Model(row, about, (upload, path), tuple(_notes(told, activations.origin, given)))


def _write_weights(identifier: str, network: torch.nn.Module, work: Path) -> Path:
    # safetensors takes no tensors that share memory or lie in memory with channels last
    state = {
        name: value.detach().clone(memory_format=torch.contiguous_format)
        for name, value in network.state_dict().items()
    }
    content = safetensors.torch.save(state, metadata={"format": "pt"})
    path = work / f"{identifier}-{sha256_bytes(content)[:8]}.safetensors"
    with atomic_file(path) as part:
        part.write_bytes(content)
    return path


def _expected(identifier: str, model: Any) -> dict[str, float]:
    """Compute what the plugin's test compares with."""
    # Brain-Score's progress bar is about one image
    with TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        found = magnitudes(areas_of_one_image(model, Path(folder)))
    if not all(map(math.isfinite, found.values())):
        raise BadFileError(
            f"Got activations {found} of {identifier}, expected finite numbers: its weights are broken. Train it again."
        )
    return found


def _notes(told: Told, origin: Mapping[str, Any], given: Entry | None) -> Iterator[str]:
    """Say what whoever submits a model should know or see to."""
    source = str(origin.get("source", ""))
    if told.card["simulated"]:
        yield f"{told.identifier} is simulated: export it to try things, but do not upload it."
    if "Brain-Score's model" in source:
        yield f"{told.identifier} has the weights of a model that is on Brain-Score already ({source})."
    if not told.bibtex:
        yield (
            f"{told.identifier} has no citation: import its weights again, with `--bibtex FILE --replace` added to "
            f"`brainscore weights import WEIGHTS --model {shlex.quote(told.identifier)}`, and export again."
        )
    if told.known is None and not told.card.get("recipe") and "training" not in (given or {}):
        yield (
            f"{told.identifier} has no recipe in its model card, so that little is known of its training: tell it with "
            "`brainscore submit export … --metadata FILE`."
        )


def _module_of(identifier: str) -> Any:
    """Import the module that the identifier's plugin of this package loads it with."""
    enable()
    from brainscore_core.plugin_management.import_plugin import ImportPlugin

    folder = ImportPlugin("brainscore_vision", "models", identifier).plugin_dirname
    return importlib.import_module(f"brainscore_vision.models.{folder}.model")


def _bibtex(identifier: str, card: Mapping[str, Any]) -> str:
    """Give the citation; of imported weights only the one that came with them: an identifier says nothing of them."""
    given = card.get("bibtex")
    return given or ("" if card.get("imported") else _module_of(identifier).get_bibtex(identifier) or "")


def _published_entry(identifier: str, card: Mapping[str, Any]) -> dict[str, Any] | None:
    """Give this package's metadata of a model whose published weights are exported."""
    if "weights_file" in card:
        return None
    import yaml

    folder = _module_of(identifier).__name__.split(".")[-2]
    text = (PACKAGE / "models" / folder / "metadata.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)["models"][identifier]
