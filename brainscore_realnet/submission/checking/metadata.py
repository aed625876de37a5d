"""Whether Brain-Score takes a plugin's metadata, by its own code, and whether they tell of what is registered."""

import contextlib
import io
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

from brainscore_realnet.submission.checking.reading import Opened, label
from brainscore_realnet.submission.checking.registrations import UNREADABLE, counted, registered
from brainscore_realnet.submission.checking.report import Found, Problem, judged
from brainscore_realnet.submission.layout import REGISTRIES, Plugin

FILES = ("metadata.yml", "metadata.yaml")
_TYPES = ("models", "benchmarks")
_GENERATED = "Brain-Score will compute values and open a pull request of its own that waits for a review."
_SECONDS = 120
# With -m the module ends with status 0 whatever it finds.
_OWN_MAIN = "from brainscore_core.metadata.cli import main; main()"


def check_metadata(plugin: Plugin, opened: Opened) -> Found | None:
    """Judge the metadata of models and benchmarks; other plugins have none."""
    if plugin.type not in _TYPES:
        return None
    where = label(plugin)
    files = [file for file in FILES if file in plugin.files]
    if not files:
        return judged("metadata", where, "", notes=[("there is no metadata.yaml", f"Write it, else {_GENERATED}")])
    if len(files) > 1:
        return judged("metadata", where, "", [(" and ".join(files), "Keep one: Brain-Score refuses both.")])
    with tempfile.TemporaryDirectory(prefix="brainscore-metadata-") as folder:
        path = Path(folder, files[0])
        path.write_bytes(plugin.files[files[0]])
        problems, notes, document = _validated(path)
    if not isinstance(document, dict):
        return judged("metadata", where, "", problems, notes)
    described = document.get(plugin.type)
    described = described if isinstance(described, dict) else {}
    if other := sorted(set(document) & set(_TYPES) - {plugin.type}):
        problems.append((f"{files[0]} tells of {other[0]}", f"Tell of {plugin.type}, which this plugin registers."))
    problems += _of_identifiers(plugin, described)
    second = document.get("schema_version") == "2.0"
    if second:
        unscored = [name for name, entry in described.items() if isinstance(entry, dict) and not entry.get("legacy")]
        if unscored:
            notes.append((f"{', '.join(unscored)} without `legacy`", f"Fill it in, else {_GENERATED}"))
    passed = f"{files[0]}, {'schema 2.0' if second else 'older schema'}, {counted(list(map(str, described)))}"
    return judged("metadata", where, passed, problems, notes)


def _validated(path: Path) -> tuple[list[Problem], list[Problem], Any]:
    """Let Brain-Score's own code judge a file: problems, notes, and the document."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from brainscore_core.plugin_management.handle_metadata import validate_metadata_file

    told = io.StringIO()
    try:
        with contextlib.redirect_stderr(told):
            errors, document = validate_metadata_file(path)
    # A document of a shape that its code did not think of breaks it in any way; so it would there.
    except Exception as error:
        errors, document = [f"{type(error).__name__}: {error}"], None
    notes = [
        (_one_line(line.removeprefix("WARNING: ")), "Use the listed name if one fits.")
        for line in told.getvalue().splitlines()
    ]
    if _is_second(path):
        errors = _by_own_main(path)
    advice = "Correct the file; the schema is in brainscore_core.metadata."
    return [(f"{path.name}: {_one_line(str(error))}", advice) for error in errors], notes, document


def _is_second(path: Path) -> bool:
    """Say whether a file claims schema 2.0, also one that cannot be read."""
    return b"schema_version" in path.read_bytes()


def _by_own_main(path: Path) -> list[str]:
    """Run core's own command, as Brain-Score does, in a process of its own."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
    try:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", _OWN_MAIN, str(path), "--domain", "vision"],
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            env=environment,
        )
    except subprocess.TimeoutExpired:
        return [f"Brain-Score's validation did not end in {_SECONDS} s"]
    if done.returncode == 0:
        return []
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    return [lines[-1].partition("error: ")[2] or lines[-1] if lines else f"status {done.returncode}"]


def _of_identifiers(plugin: Plugin, described: dict[Any, Any]) -> list[Problem]:
    """Compare the identifiers that are described with those that are registered."""
    try:
        names = {one.identifier for one in registered(plugin)[0] if one.registry in REGISTRIES[plugin.type]}
    except UNREADABLE:
        return []
    advice = "Let the metadata have one entry for each registered identifier, and no others."
    lacking, strange = sorted(names - set(described)), sorted(map(str, set(described) - names))
    problems = [(f"no entry for {', '.join(lacking)}", advice)] if lacking else []
    return problems + ([(f"{', '.join(strange)} is described but not registered", advice)] if strange else [])


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]
