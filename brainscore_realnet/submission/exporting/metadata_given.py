"""What whoever submits models adds to their metadata: a file in Brain-Score's schema 2.0, merged over what is known."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.submission.exporting.metadata import SIMULATED, Entry

_COUNTED = (
    "/model/parameter_count",
    "/model/parameter_count_exact",
    "/model/input_resolution",
    "/model/visual_degrees",
    "/provenance/checkpoint",
    "/legacy",
)
"""Paths of what the export counts or hashes: nobody knows better."""


def given_metadata(path: str | Path, identifiers: Sequence[str]) -> dict[str, Entry]:
    """Read what is to be added or changed: identifier to entry.

    Parameters
    ----------
    path : path
        YAML or JSON: ``{"models": {identifier: entry}}``; `schema_version` and `domain` may be left out.
    identifiers : sequence of str
        Models that are exported.

    Raises
    ------
    MissingDataError
        There is no such file.
    BadFileError
        Brain-Score would not take it (its reason is given), or it tells of a model that is not exported.
    """
    from brainscore_core.metadata.contract import MetadataError, read_yaml, validate

    expected = "expected YAML or JSON of Brain-Score's schema 2.0 with `models`, identifier to entry"
    try:
        content = read_yaml(Path(path).read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise MetadataError("no mapping")
        whole = {"schema_version": "2.0", "domain": "vision", **content}
        validate(_with_all_sources(whole), "vision")
    except FileNotFoundError as error:
        raise MissingDataError(f"Got no file at {path}: expected metadata of models. Check the path.") from error
    except (MetadataError, ValueError, IsADirectoryError) as error:
        raise BadFileError(
            f"Got {path}, which Brain-Score would not take ({error}): {expected}. Correct it."
        ) from error
    models: dict[str, Entry] = whole["models"]
    if strange := sorted(models.keys() - set(identifiers)):
        raise BadFileError(
            f"Got {', '.join(strange)} in {path}, which is not exported: expected some of "
            f"{', '.join(identifiers) or 'no model'}. Correct the identifier, or leave it away."
        )
    return models


def with_given(identifier: str, known: Entry, given: Entry, *, simulated: bool) -> Entry:
    """Merge what was given over what is known; what is given is `probable` where nothing else is asserted of it.

    Mappings are merged and lists replaced, but assertions are merged by their path, and what is simulated stays told.

    Raises
    ------
    BadInputError
        Something is given that the export counts, or an assertion names a source that there is not.
    """
    from brainscore_core.metadata.contract import MetadataError, get_path, validate

    for path in _COUNTED:
        got, ours = get_path(given, path), get_path(known, path)
        if got is not None and not _agrees(got, ours):
            raise BadInputError(
                f"Got {got!r} for {path} of {identifier} in the file of --metadata: expected {ours!r}, as counted. "
                "Leave it away."
            )
    found: Entry = _merged(known, given)
    asserted = {one["path"]: one for one in known.get("assertions", [])}
    asserted |= {path: {"path": path, "status": "probable", "sources": []} for path in _changed(known, given)}
    asserted |= {one.get("path"): one for one in given.get("assertions", [])}
    found["assertions"] = list(asserted.values())
    if simulated:
        _keep_simulated(found)
    try:
        validate({"schema_version": "2.0", "domain": "vision", "models": {identifier: found}}, "vision")
    except MetadataError as error:
        raise BadInputError(
            f"Got metadata of {identifier} in the file of --metadata that Brain-Score would not take ({error}): "
            f"expected sources of the file or of the export ({', '.join(known.get('sources', {})) or 'none'}). "
            "Correct them."
        ) from error
    return found


def _keep_simulated(entry: Entry) -> None:
    use = entry.setdefault("use", {})
    if SIMULATED not in (limitations := use.get("limitations") or []):
        use["limitations"] = [*limitations, SIMULATED]
    if "simulated" not in (name := entry["model"].get("display_name") or "A model"):
        entry["model"]["display_name"] = f"{name} (simulated)"


def _agrees(given: Any, known: Any) -> bool:
    """Whether a given value keeps all that is known; what is None is not."""
    if isinstance(given, Mapping) and isinstance(known, Mapping):
        return all(_agrees(value, known.get(key)) for key, value in given.items())
    return known is None or given == known


def _merged(known: Any, given: Any) -> Any:
    if not (isinstance(known, Mapping) and isinstance(given, Mapping)):
        return known if given is None else copy.deepcopy(given)
    return {
        **known,
        **{key: _merged(known[key], value) if key in known else value for key, value in given.items()},
    }


def _changed(known: Entry, given: Entry) -> Iterator[str]:
    """Paths of all fields of which something else is given than was known."""
    from brainscore_core.metadata.contract import FIELD_SPECS, LIST_PATHS, get_path

    return (path for path in (*FIELD_SPECS, *LIST_PATHS) if get_path(given, path) not in (None, get_path(known, path)))


def _with_all_sources(document: Mapping[str, Any]) -> dict[str, Any]:
    """Add the sources that assertions name: they may be the export's own, and are judged when all is merged."""
    copied = copy.deepcopy(dict(document))
    models = copied.get("models")
    for entry in models.values() if isinstance(models, dict) else ():
        if isinstance(entry, dict) and isinstance(entry.get("assertions"), list):
            stated = [one.get("sources") for one in entry["assertions"] if isinstance(one, dict)]
            named = {name for names in stated if isinstance(names, list) for name in names if isinstance(name, str)}
            if isinstance(sources := entry.setdefault("sources", {}), dict):
                sources |= {name: {"kind": "other", "citation": name} for name in named - sources.keys()}
    return copied
