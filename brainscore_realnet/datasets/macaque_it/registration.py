"""Registering a user's files of macaque recordings, and the state of what is registered."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from brainscore_realnet.datasets._registered import download_folder, progress_bar, refuse_simulated, stamp, state_row
from brainscore_realnet.datasets.macaque_it import images, recordings
from brainscore_realnet.datasets.macaque_it.sources import (
    COLLECTIONS,
    NAME,
    PUBLIC_TABLES,
    Collection,
    card_path,
    find,
    how_to_get,
)
from brainscore_realnet.errors import BadFileError, MissingDataError
from brainscore_realnet.store import lock, sha256_file, write_json


def add(folder: str | Path, name: str = NAME, progress: bool = True) -> dict[str, Any]:
    """Register a download: average each file's responses into the store, and make its images files.

    Looked for in the folder and below it: the files of `COLLECTIONS` and ``stimulus_hvm-public.csv`` with its ``.zip``
    or the images themselves. Every part may be absent and be added later; what is finished is not done again.

    Parameters
    ----------
    folder : path
        Where the files are. They stay there: single trials are read from them.
    name : str
        What the data set is called in the store; names that begin with ``sim-`` may hold any number of stimuli.
    progress : bool
        Show progress bars.

    Returns
    -------
    dict
        ``name``, ``folder`` (str), ``converted`` and ``kept`` (lists such as ``"public recordings"``), ``images`` (hash
        by collection), ``absent`` (sentences).

    Raises
    ------
    MissingDataError
        The folder is not there or holds none of the files, or images are missing.
    BadFileError
        A file is not what it is called; what was converted before it stays.
    BadInputError
        The folder says that it was simulated, and the name does not.
    StoreError
        The store cannot be written.
    """
    root = download_folder(folder, name, "macaque IT recordings")
    files = {one: path for one in COLLECTIONS.values() if (path := _first(root, one.file))}
    table = next((path for table in PUBLIC_TABLES if (path := _first(root, table))), None)
    if not files and table is None:
        wanted = ", ".join([*(one.file for one in COLLECTIONS.values()), PUBLIC_TABLES[0]])
        raise MissingDataError(
            f"Got {root}, which holds none of {wanted}. To get them, {how_to_get(find('public'), name)}; "
            f"{how_to_get(find('majajhong'), name)}"
        )
    refuse_simulated(files.values(), root, name)
    summary: dict[str, Any] = {"name": name, "folder": str(root), "converted": [], "kept": [], "images": {}}
    with lock(f"{name}-macaque-it"):
        for collection, path in progress_bar(list(files.items()), "recordings", progress):
            _add_file(collection, path, name, progress, summary)
        if table is not None:
            _add_images(table, _first(root, f"{table.stem}.zip"), name, summary)
    summary["absent"] = [
        f"{collection.name} {what} ({how_to_get(collection, name)})"
        for collection in COLLECTIONS.values()
        for what in ("recordings", "images")
        if not card_path(collection, what, name).is_file()
    ]
    return summary


def status(name: str = NAME, thorough: bool = False) -> list[dict[str, str]]:
    """Tell the state of every collection's recordings and images.

    Parameters
    ----------
    name : str
    thorough : bool
        Hash every content again, whether or not its size and time are those recorded.

    Returns
    -------
    list of dict
        ``what`` (``"public recordings"``, ``"majajhong images"``), ``state`` (``"ready"``, ``"missing"``,
        ``"broken"``), ``detail``, ``how`` (how to get it; empty when ready).
    """
    return [
        state_row(
            f"{collection.name} {what}", partial(detail, collection, name, thorough), how_to_get(collection, name)
        )
        for collection in COLLECTIONS.values()
        for what, detail in (("recordings", _recordings_detail), ("images", _images_detail))
    ]


def _recordings_detail(collection: Collection, name: str, thorough: bool) -> str:
    card = recordings.check_store(collection, name, thorough)
    sites = ", ".join(f"{animal} {len(entry['sites'])} sites" for animal, entry in card["animals"].items())
    return f"{len(card['stimuli'])} stimuli; {sites}"


def _images_detail(collection: Collection, name: str, thorough: bool) -> str:
    card = images.check_images(collection, name, thorough)
    return f"{len(card['files'])} images, sha256 {card['sha256'][:16]}"


def _add_file(collection: Collection, path: Path, name: str, progress: bool, summary: dict[str, Any]) -> None:
    """Convert what the store does not hold of this file yet."""
    source = _source(path, recordings.read_card, collection, name)
    steps: list[tuple[str, Any, Any]] = [("recordings", recordings.check_store, recordings.convert)]
    if collection.name != "public":
        steps.append(("images", images.check_images, partial(images.write_pixels, progress=progress)))
    for what, check, convert in steps:
        new = not _is_kept(what, check, collection, source, name)
        if new:
            convert(collection, source, name)
        _note(summary, collection, what, new, name)


def _add_images(table: Path, archive: Path | None, name: str, summary: dict[str, Any]) -> None:
    """Register the public images unless they are."""
    collection = find("public")
    source = _source(table, images.read_card, collection, name)
    new = not _is_kept("images", images.check_images, collection, source, name)
    if new:
        images.register_public(archive, source, name)
    _note(summary, collection, "images", new, name)


def _source(path: Path, read: Callable[..., Any], collection: Collection, name: str) -> dict[str, Any]:
    """Describe a file; its content is hashed unless its card has its size and time."""
    try:
        card = read(collection, name)
    except BadFileError:  # it is written anew
        card = None
    told = {"path": str(path), **stamp(path)}
    if card and told == {key: card["source"].get(key) for key in told}:
        return {**told, "sha256": card["source"]["sha256"]}
    return {**told, "sha256": sha256_file(path)}


def _is_kept(
    what: str, check: Callable[..., dict[str, Any]], collection: Collection, source: dict[str, Any], name: str
) -> bool:
    """Tell whether the store has what a file with these bytes brings; its card then gets the file's present place."""
    try:
        card = check(collection, name)
    except (MissingDataError, BadFileError):
        return False
    if card["source"]["sha256"] != source["sha256"]:
        return False
    if card["source"] != source:
        write_json(card_path(collection, what, name), {**card, "source": source})
    return True


def _note(summary: dict[str, Any], collection: Collection, what: str, new: bool, name: str) -> None:
    summary["converted" if new else "kept"].append(f"{collection.name} {what}")
    if what == "images":
        summary["images"][collection.name] = images.check_images(collection, name)["sha256"]


def _first(root: Path, file: str) -> Path | None:
    """Give the file of this name that lies least deep."""
    found = (path for path in root.rglob(file) if path.is_file())
    return min(found, key=lambda path: (len(path.parts), path), default=None)
