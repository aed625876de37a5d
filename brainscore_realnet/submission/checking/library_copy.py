"""A copy of the installed library in which the plugins of a submission take the place of installed ones.

Of 5900 files and folders 5100 are installed models, and making them takes seconds: those that the submission names are
copied, the others are links to folders. No guard keeps compiled code from writing through these, but it is found.
"""

import os
import shutil
from collections.abc import Iterable, Sequence
from importlib.util import find_spec
from pathlib import Path

from brainscore_realnet.errors import UnsafeFileError
from brainscore_realnet.submission.layout import REGISTRIES, Plugin

LIBRARY = "brainscore_vision"

LARGEST_COPY = 1_000_000
"""Bytes of a file that is copied. The few that are larger, most of the library's bytes, are links to the installed."""

_LINKED = "models"
_IMAGES = ("rgb1.jpg", "rgb2.jpg", "rgb3.png")


def copy_library(target: Path, plugins: Sequence[Plugin]) -> None:
    """Copy the installed library, so that what is done to its files is not done to the installed ones.

    Parameters
    ----------
    target : Path
        New folder for the package.
    plugins : sequence of Plugin
        Each takes the place of an installed one in a folder of the same name.

    Raises
    ------
    UnsafeFileError
        A plugin's file lies outside its folder.
    """
    installed = _installed()
    for plugin in plugins:
        for name in plugin.files:
            if Path(plugin.name).name != plugin.name or ".." in Path(name).parts or Path(name).is_absolute():
                raise UnsafeFileError(
                    f"Got {plugin.name!r} with file {name!r}: expected a folder and a path inside it."
                )
    left_out = {installed / kind: {one.name for one in plugins if one.type == kind} for kind in REGISTRIES}
    models = installed / _LINKED
    text = b"\n".join(content for plugin in plugins for content in plugin.files.values())
    linked = [path for path in models.iterdir() if path.is_dir() and path.name.encode() not in text]
    linked = [path for path in linked if path.name not in {"__pycache__", *left_out[models]}]
    left_out[models].update(path.name for path in linked)
    shutil.copytree(
        installed,
        target,
        ignore=lambda folder, names: {"__pycache__", *left_out.get(Path(folder), ())},
        copy_function=_copy,
    )
    for path in linked:
        (target / _LINKED / path.name).symlink_to(path, target_is_directory=True)
    _add(target, plugins)


def restore_library(target: Path, plugins: Sequence[Plugin], paths: Iterable[Path]) -> None:
    """Make files of such a copy what they were.

    Parameters
    ----------
    target, plugins
        As for `copy_library`.
    paths : iterable of Path
        What was changed, added or removed below the folder. What lies beyond a link to a folder is let be.
    """
    own = [target / plugin.type / plugin.name for plugin in plugins]
    for path in paths:
        if not path.parent.resolve().is_relative_to(target):
            continue
        path.unlink(missing_ok=True)
        source = _installed() / path.relative_to(target)
        if source.is_file() and not any(path.is_relative_to(folder) for folder in own):
            path.parent.mkdir(parents=True, exist_ok=True)
            _copy(str(source), str(path))
    _add(target, plugins)


def sizes_and_times(*folders: Path) -> dict[str, tuple[int, int]]:
    """Give bytes and time of change (ns) of all files in folders, those of links for what they lead to."""
    found = {}
    for top in folders:
        for folder, below, names in os.walk(top, followlinks=True):
            below[:] = [name for name in below if name != "__pycache__"]
            for name in names:
                path = os.path.join(folder, name)
                status = os.stat(path) if os.path.exists(path) else os.lstat(path)
                found[path] = (status.st_size, status.st_mtime_ns)
    return found


def _installed() -> Path:
    return Path(str(find_spec(LIBRARY).origin)).parent  # type: ignore[union-attr]


def _copy(source: str, target: str) -> None:
    if os.path.getsize(source) > LARGEST_COPY:
        os.symlink(source, target)
    else:
        shutil.copyfile(source, target)


def _add(target: Path, plugins: Sequence[Plugin]) -> None:
    """Write what the installed library lacks."""
    for plugin in plugins:
        for name, content in plugin.files.items():
            path = target / plugin.type / plugin.name / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    _draw_images(target / "model_helpers" / "generic_plugin_tests_resources")


def _draw_images(folder: Path) -> None:
    """Draw the images that Brain-Score's own tests want and its wheel lacks."""
    import numpy as np
    from PIL import Image

    folder.mkdir(exist_ok=True)
    for seed, name in enumerate(_IMAGES):
        pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        if not (folder / name).exists():
            Image.fromarray(pixels).save(folder / name)
