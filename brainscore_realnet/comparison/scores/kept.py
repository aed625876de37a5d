"""Scores that are kept in the store, and found again while nothing that they depend on has changed.

``scores/<model>--<benchmark>--<16 digits>.npz``, the digits being of a hash over

- the model: its card in the store, which names its weights by content, and the source of its plugin (published weights
  are pinned by hash in `networks.published`; those of Brain-Score's models belong to their plugin's source);
- the benchmark: recordings and stimuli by content, version, options (the extent of time courses too), subjects, areas
  and regions;
- versions of the packages that numbers depend on, and the source of this package's own computing.

Whatever changed in the source may change numbers: when in doubt, a score is computed again. The device and the number
of threads are not among it: they change model RDMs in the last digit of float32.
"""

import functools
import importlib.util
import json
import re
import warnings
from pathlib import Path
from typing import Any

from brainscore_realnet.comparison import scored as scored_module
from brainscore_realnet.comparison.scored import Scored
from brainscore_realnet.errors import BadFileError
from brainscore_realnet.scoring.enable import PACKAGE, TRAINED
from brainscore_realnet.scoring.identifiers import upstream_identifiers
from brainscore_realnet.store import folder, home, sha256_bytes, sha256_files, weights
from brainscore_realnet.store.versions import versions

FOLDER = "scores"

_COMPUTING = ("rsa", "networks", "datasets", "simulation", "adapters", "benchmarks", "data")
"""Folders of this package whose source decides scores."""
_RECORDING = ("scores.py", "record.py", "provenance.py")
"""Files of `scoring` that decide what is kept of them."""
_SOURCE = (".py", ".json")
"""Endings of a plugin's files that decide what its model is; Brain-Score keeps layers in JSON."""
_LONGEST_NAME = 100


def path_of(model: str, benchmark: Any) -> Path:
    """Give the file in which a score is kept, whether it is there or not.

    Parameters
    ----------
    model : str
        Identifier, registered.
    benchmark : RSABenchmark

    Raises
    ------
    MissingDataError
        The benchmark's data are not in the store.
    BadFileError
        The model's card cannot be read.
    """
    depends_on = {
        "model": model,
        "card": weights.find_card(model) if model in weights.identifiers() else None,
        "plugin": sha256_files(_source_files(_plugin_folder(model))),
        "benchmark": benchmark.identifier,
        "registered": benchmark.registered_identifier,
        "measured": benchmark.provenance(),
        "subjects": benchmark.subjects,
        "areas": benchmark.areas,
        "rois": getattr(benchmark, "rois", None),
        "versions": versions(),
        "code": code_hash(),
    }
    digits = sha256_bytes(json.dumps(depends_on, sort_keys=True).encode())[:16]
    return home() / FOLDER / f"{_file_name(model)}--{_file_name(benchmark.identifier)}--{digits}.npz"


def find(model: str, benchmark: Any) -> Scored | None:
    """Give the score of a model on a benchmark if the store has it; one that cannot be read is as good as none.

    Raises
    ------
    MissingDataError, BadFileError
        As `path_of`.
    """
    path = path_of(model, benchmark)
    if not path.is_file():
        return None
    try:
        scored = Scored.load(path)
        problem = "" if (scored.model, scored.benchmark) == (model, benchmark.identifier) else "it is of another score"
    except (BadFileError, KeyError, TypeError) as error:
        problem = str(error) if isinstance(error, BadFileError) else f"it lacks {error}"
    if problem:
        warnings.warn(f"{path} is damaged and is computed again: {problem}", stacklevel=2)
        return None
    return scored


def keep(scored: Scored, benchmark: Any) -> Path:
    """Keep a score of a benchmark, whole or not at all; give the file.

    Raises
    ------
    MissingDataError, BadFileError
        As `path_of`.
    StoreError
        The store cannot be written.
    """
    path = path_of(scored.model, benchmark)
    folder(FOLDER)
    scored.save(path)
    return path


@functools.cache
def code_hash() -> str:
    """Hash the source of all that computes scores: 64 hexadecimal digits."""
    computing = [path for name in _COMPUTING for path in sorted((PACKAGE / name).rglob("*.py"))]
    recording = [PACKAGE / "scoring" / name for name in _RECORDING]
    return sha256_files([*computing, *recording, Path(scored_module.__file__)])


def _plugin_folder(model: str) -> Path:
    """Folder of the plugin that registers a model, found as Brain-Score's finder does; else that of trained models."""
    root = PACKAGE
    if model in upstream_identifiers("model"):
        spec = importlib.util.find_spec("brainscore_vision")
        root = Path(next(iter(getattr(spec, "submodule_search_locations", ()))))
    return _registering(root / "models", model) or PACKAGE / "models" / TRAINED


@functools.cache
def _registering(models: Path, model: str) -> Path | None:
    registration = re.compile(rf"""model_registry\[["']{re.escape(model)}["']\]""")
    sources = sorted(models.glob("[!._]*/__init__.py"))
    named = (one for one in sources if registration.search(one.read_text(encoding="utf-8", errors="replace")))
    return next((source.parent for source in named), None)


def _source_files(plugin: Path) -> list[Path]:
    return sorted(path for path in plugin.rglob("*") if path.suffix in _SOURCE and path.is_file())


def _file_name(identifier: str) -> str:
    """Make an identifier part of a file's name; the hash tells apart what becomes the same."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", identifier)[:_LONGEST_NAME]
