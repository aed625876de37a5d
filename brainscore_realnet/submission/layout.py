"""A submission as plugins and files, and as the folder and the zip that Brain-Score takes.

    <name>/models/<plugin>/__init__.py
    <name>/benchmarks/<plugin>/…
    <name>/data/<plugin>/…

The website takes zips of that form, with one folder at the root. For a pull request the plugin folders are copied into
``brainscore_vision/models``, ``brainscore_vision/benchmarks`` and ``brainscore_vision/data`` of a clone.
"""

import re
import stat
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store.atomic import atomic_file, atomic_folder

REGISTRIES = {
    "models": ("model_registry",),
    "benchmarks": ("benchmark_registry",),
    "data": ("data_registry", "stimulus_set_registry"),
    "metrics": ("metric_registry",),
}
"""Type of plugins, which is the name of their folder in Brain-Score, to the registries that they register in."""

Form = Literal["website", "pull-request"]

WEBSITE_PLUGINS = 5
"""Identifiers that the website takes in one zip."""

WEBSITE_BYTES = 50 * 10**6
"""Size of a zip that the website takes."""

_FIXED_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Plugin:
    """One plugin folder."""

    type: str
    """Key of `REGISTRIES`."""
    name: str
    """Of the folder."""
    files: Mapping[str, bytes]
    """Path below the folder, with ``/``, to content."""

    @property
    def registrations(self) -> tuple[tuple[str, str], ...]:
        """Registry and identifier of each line that Brain-Score takes for a registration, comments included."""
        text = self.files.get("__init__.py", b"").decode("utf-8", "replace")
        return tuple(_registrations(text, self.type))

    @property
    def identifiers(self) -> tuple[str, ...]:
        """Identifiers of all registries."""
        return tuple(identifier for _, identifier in self.registrations)


@dataclass(frozen=True)
class Submission:
    """Plugins that are submitted together."""

    name: str
    """Of the root folder and the zip."""
    plugins: tuple[Plugin, ...]

    @property
    def files(self) -> dict[str, bytes]:
        """Path below the root folder to content, in the order of the paths."""
        found = {
            f"{plugin.type}/{plugin.name}/{path}": content
            for plugin in self.plugins
            for path, content in plugin.files.items()
        }
        return dict(sorted(found.items()))


def write(submission: Submission, folder: str | Path, form: Form = "website") -> tuple[Path, Path]:
    """Write ``<folder>/<name>/`` and ``<folder>/<name>.zip``; neither may be there.

    The zip's bytes follow from the files alone.

    Returns
    -------
    folder, zip : Path

    Raises
    ------
    BadInputError
        The website would not take it; the message says how to divide it, or to send a pull request. Or something is
        there.
    StoreError
        The folder cannot be written.
    """
    refuse_too_large(submission, form)
    root, archive = Path(folder) / submission.name, Path(folder) / f"{submission.name}.zip"
    if root.exists() or archive.exists():
        raise BadInputError(
            f"Got {root}, which is there already (or its zip is): expected neither. Choose a new folder."
        )
    with atomic_folder(root) as part:
        for path, content in submission.files.items():
            (part / path).parent.mkdir(parents=True, exist_ok=True)
            (part / path).write_bytes(content)
    with atomic_file(archive) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as zipped:
        # The website looks for the folders' own entries, the root's first.
        for entry in _folders(submission):
            zipped.writestr(_entry(entry, stat.S_IFDIR | 0o755), b"")
        for path, content in submission.files.items():
            zipped.writestr(_entry(f"{submission.name}/{path}", stat.S_IFREG | 0o644), content)
    return root, archive


def read_back(archive: str | Path) -> dict[str, bytes]:
    """Read the files that `write` put into a zip: path, that begins with the submission's name, to content.

    Raises
    ------
    BadInputError
        It is no zip, or not as `write` made it.
    """
    try:
        with zipfile.ZipFile(archive) as zipped:
            entries = zipped.infolist()
            strange = [entry.filename for entry in entries if entry.date_time != _FIXED_DATE]
            found = {entry.filename: zipped.read(entry) for entry in entries if not entry.is_dir()}
    except (zipfile.BadZipFile, ValueError, NotImplementedError, RuntimeError, zlib.error) as error:
        raise BadInputError(f"Got {archive}, which is no zip ({error}): expected that of an export.") from error
    if strange:
        raise BadInputError(f"Got {archive}, which was zipped by hand: expected that of an export.")
    return found


def refuse_too_large(submission: Submission, form: Form) -> None:
    """Raise BadInputError where the website would not take a submission of its form."""
    if form != "website":
        return
    identifiers = [identifier for plugin in submission.plugins for identifier in plugin.identifiers]
    n_bytes = sum(map(len, submission.files.values()))
    if len(identifiers) > WEBSITE_PLUGINS:
        raise BadInputError(
            f"Got {len(identifiers)} identifiers in one submission; the website takes {WEBSITE_PLUGINS}. Divide them, "
            "or send a pull request (--form pull-request)."
        )
    if n_bytes > WEBSITE_BYTES:
        raise BadInputError(
            f"Got {n_bytes / 1e6:.1f} MB in one submission; the website takes {WEBSITE_BYTES / 1e6:.0f} MB. Keep "
            "weights and data out of the plugin, or send a pull request (--form pull-request)."
        )


def _registrations(text: str, plugin_type: str) -> Iterator[tuple[str, str]]:
    """Read registrations as Brain-Score does: line by line, up to the last bracket of the line."""
    for line in text.splitlines():
        for registry in REGISTRIES[plugin_type]:
            if found := re.search(rf"\b{registry}\[.*\]", line.replace('"', "'")):
                yield registry, found.group(0)[len(registry) + 2 : -2]


def _folders(submission: Submission) -> Sequence[str]:
    """Give every folder of a submission, each before what is in it."""
    paths = [Path(submission.name, path) for path in submission.files]
    folders = {parent.as_posix() for path in paths for parent in path.parents if parent != Path()}
    return [f"{folder}/" for folder in sorted(folders)]


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    """Describe an entry with nothing of the machine in it."""
    entry = zipfile.ZipInfo(name, _FIXED_DATE)
    entry.create_system = 3
    entry.external_attr = mode << 16
    return entry
