"""What is at a path: a submission as a zip, a folder or an export, or one plugin's folder."""

import os
import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NoReturn

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store.archives import extract
from brainscore_realnet.submission.layout import REGISTRIES, Plugin, Submission
from brainscore_realnet.submission.uploads import UPLOADS

LARGEST_BYTES = 10**9
"""That are read into memory; a submission is far smaller."""

MOST_FILES = 5000
"""Brain-Score's largest plugin has 202."""

_LITTER = {"__pycache__", ".git", ".DS_Store", "__MACOSX"}
_Seeds = tuple[Path | None, Path | None]

_EXPECTED = (
    "a zip, a folder with models/, benchmarks/, data/ or metrics/ inside, the folder of `submit export`, or one "
    "plugin's folder with its __init__.py"
)


@dataclass(frozen=True)
class Opened:
    """A submission, and what its path told beside the plugins."""

    submission: Submission
    folders: Mapping[str, Path] = field(default_factory=dict)
    """Label of a plugin to its own folder; empty for a zip."""
    entries: tuple[str, ...] | None = None
    """Names in the zip; None for a folder."""
    n_bytes: int = 0
    """Of the zip, or of all files in the folder."""
    loose: tuple[str, ...] = ()
    """Files outside of plugins, below the root folder."""
    other_than_zip: tuple[str, ...] = ()
    """Files of an export's folder that differ from its zip, which is what is read."""
    weights: Path | None = None
    """Folder laid out as ``$BRAINSCORE_HOME``."""
    data: Path | None = None
    """Folder laid out as ``$BRAINIO_HOME``."""


def label(plugin: Plugin) -> str:
    """Name a plugin as its folder below the submission's root: ``models/realnet_eeg``."""
    return f"{plugin.type}/{plugin.name}"


def opened(path: str | Path) -> Opened:
    """Read a submission, and find the weights and data that an export put beside it.

    Raises
    ------
    BadInputError
        There is nothing of the kind, or it is larger than `LARGEST_BYTES`, or has more files than `MOST_FILES`, or it
        holds a link to a folder.
    BadFileError, UnsafeFileError
        The zip is broken, or could do harm when it is unpacked.
    """
    path = Path(path).expanduser()
    if not path.exists():
        raise BadInputError(f"Got {path}, which is not there: expected {_EXPECTED}. Check the path.")
    path = path.resolve()
    if path.is_file():
        return _zip(path, _seeds(path.parent))
    if (path / UPLOADS).is_file() and not (path / "__init__.py").is_file():
        return _export(path)
    if (path / "__init__.py").is_file() and (path.parent.name in REGISTRIES or not _has_plugins(path)):
        return _one_plugin(path)
    if _has_plugins(path):
        return _folder(path, _seeds(path.parent))
    raise BadInputError(f"Got {path}, which holds no plugin: expected {_EXPECTED}.")


def _export(out: Path) -> Opened:
    """Read the submission of an export's folder: its zip if there is one, which is what will be uploaded."""
    zips = sorted(out.glob("*.zip"))
    folders = sorted(one for one in out.iterdir() if one.is_dir() and _has_plugins(one))
    found = zips or folders
    if len(found) != 1:
        names = ", ".join(one.name for one in found) or "none"
        raise BadInputError(
            f"Got {out} with {UPLOADS} and {len(found)} submissions ({names}), expected one. Name the zip that you "
            "mean."
        )
    if not zips:
        return _folder(folders[0], _seeds(out))
    read = _zip(zips[0], _seeds(out))
    beside = out / read.submission.name
    if not beside.is_dir():
        return read
    zipped, unzipped = read.submission.files, _folder(beside, (None, None)).submission.files
    differ = [path for path in sorted({*zipped, *unzipped}) if zipped.get(path) != unzipped.get(path)]
    return replace(read, other_than_zip=tuple(differ))


def _seeds(out: Path) -> _Seeds:
    """Find the folders of an export that stand in for Brain-Score's storage."""
    if not (out / UPLOADS).is_file():
        return None, None
    weights, data = (out / name if (out / name).is_dir() else None for name in ("weights", "data"))
    return weights, data


def _zip(path: Path, seeds: _Seeds) -> Opened:
    try:
        with zipfile.ZipFile(path) as archive:
            entries = tuple(archive.namelist())
            _require_small(path, [member.file_size for member in archive.infolist()])
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as error:
        raise BadInputError(f"Got the file {path}, which is no zip ({error}): expected {_EXPECTED}.") from error
    folder = Path(tempfile.mkdtemp(prefix="brainscore-submission-"))
    try:
        # An archive of folders alone holds no file to unpack, but it is a zip all the same.
        if all(entry.endswith("/") for entry in entries):
            return Opened(Submission(path.stem, ()), entries=entries, n_bytes=path.stat().st_size)
        root = _unpacked(path, folder / "unpacked")
        found = [(base, plugin) for base in _bases(root) for plugin in _plugins(base)]
        plugins = tuple(plugin for _, plugin in found)
        names = [base.relative_to(root).as_posix() for base, _ in found if base != root]
        inside = {
            (base / label(plugin) / file).relative_to(root).as_posix()
            for base, plugin in found
            for file in plugin.files
        }
        files = {file.relative_to(root).as_posix() for file in _files(root)}
        return Opened(
            Submission(names[0] if names else path.stem, plugins),
            entries=entries,
            n_bytes=path.stat().st_size,
            loose=tuple(sorted(files - inside)),
            weights=seeds[0],
            data=seeds[1],
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _unpacked(path: Path, target: Path) -> Path:
    """Unpack a zip that somebody made of an own folder, which is advised otherwise than one that was downloaded."""
    try:
        return extract(path, target)
    except BadFileError as error:
        got = str(error).partition(": expected")[0]
        raise type(error)(
            f"{got}: expected plain files inside one folder. Zip the folder again, without a password: zip -r "
            f"{path.stem}.zip {path.stem}. What is refused then as well has to be left out."
        ) from error


def _folder(root: Path, seeds: _Seeds) -> Opened:
    _require_small(root, [file.stat().st_size for file in _files(root)])
    submission = Submission(root.name, tuple(_plugins(root)))
    inside = {f"{label(plugin)}/{file}" for plugin in submission.plugins for file in plugin.files}
    files = {file.relative_to(root).as_posix() for file in _files(root)}
    return Opened(
        submission,
        folders={label(plugin): root / label(plugin) for plugin in submission.plugins},
        n_bytes=sum(map(len, submission.files.values())),
        loose=tuple(sorted(files - inside)),
        weights=seeds[0],
        data=seeds[1],
    )


def _one_plugin(path: Path) -> Opened:
    """Read a single plugin, whose type its parent's name tells, or else the registry in its text."""
    _require_small(path, [file.stat().st_size for file in _files(path)])
    plugin_type = path.parent.name
    if plugin_type not in REGISTRIES:
        text = (path / "__init__.py").read_text(encoding="utf-8", errors="replace")
        types = [one for one, names in REGISTRIES.items() if re.search(rf"\b({'|'.join(names)})\b", text)]
        if len(types) != 1:
            raise BadInputError(
                f"Got the folder {path}, whose __init__.py names {len(types)} types of Brain-Score's registries, "
                f"expected one: its type cannot be told. Put it into a folder called {' or '.join(REGISTRIES)}."
            )
        (plugin_type,) = types
    plugin = _plugin(path, plugin_type)
    submission = Submission(path.name, (plugin,))
    return Opened(submission, {label(plugin): path}, n_bytes=sum(map(len, plugin.files.values())))


def _bases(root: Path) -> list[Path]:
    """Find the folders of an unpacked zip in which types of plugins lie: its root folders, or the zip itself."""
    folders = sorted(one for one in root.iterdir() if one.is_dir())
    return [one for one in (root, *folders) if _has_plugins(one)]


def _has_plugins(folder: Path) -> bool:
    return any(True for plugin_type in REGISTRIES for _ in _plugin_folders(folder / plugin_type))


def _plugins(root: Path) -> Iterable[Plugin]:
    return [
        _plugin(folder, plugin_type) for plugin_type in REGISTRIES for folder in _plugin_folders(root / plugin_type)
    ]


def _plugin_folders(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(one for one in folder.iterdir() if one.is_dir() and one.name not in _LITTER)


def _plugin(folder: Path, plugin_type: str) -> Plugin:
    try:
        files = {file.relative_to(folder).as_posix(): file.read_bytes() for file in _files(folder)}
    except OSError as error:
        _unreadable(error)
    return Plugin(plugin_type, folder.name, files)


def _files(folder: Path) -> list[Path]:
    """Give the files below a folder, links to files among them, but for what tools leave behind."""
    found = []
    for here, folders, names in os.walk(folder, onerror=_unreadable):
        folders[:] = sorted(name for name in folders if name not in _LITTER)
        if links := [name for name in folders if Path(here, name).is_symlink()]:
            raise BadInputError(
                f"Got {Path(here, links[0])}, a link to a folder: expected folders. Put the files there in its place."
            )
        found += [Path(here, name) for name in sorted(names) if name not in _LITTER and not name.endswith(".pyc")]
    if broken := [file for file in found if not file.is_file()]:
        raise MissingDataError(f"Got {broken[0]}, which is no file or leads nowhere: expected a file. Remove it.")
    return found


def _unreadable(error: OSError) -> NoReturn:
    raise BadInputError(f"Got {error.filename}, which cannot be read ({error.strerror}): expected files that can be.")


def _require_small(path: Path, sizes: Sequence[int]) -> None:
    if len(sizes) > MOST_FILES:
        raise BadInputError(
            f"Got {path} with {len(sizes)} files, expected at most {MOST_FILES}: a submission holds the code of "
            "plugins and nothing else. Remove the other files."
        )
    if (n_bytes := sum(sizes)) > LARGEST_BYTES:
        raise BadInputError(
            f"Got {path} with {n_bytes / 1e9:.1f} GB, expected at most {LARGEST_BYTES / 1e9:.0f} GB: a submission "
            "holds neither weights nor data. Upload those to Brain-Score's storage and load them with "
            "load_weight_file or load_assembly_from_s3."
        )
