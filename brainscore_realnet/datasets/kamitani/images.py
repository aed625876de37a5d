"""The images of the Kamitani sets: finding them by name, and the registered ones in the order of their stimuli.

``data/<name>/images.json`` records where they are; images are not copied. Natural images are ImageNet's and are had on
request only.
"""

import contextlib
import csv
import logging
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainscore_realnet.datasets import _registered
from brainscore_realnet.datasets._registered import ImageTable
from brainscore_realnet.datasets.kamitani.labels import canonical_name, indexed_name
from brainscore_realnet.datasets.kamitani.recordings import same_stimuli
from brainscore_realnet.datasets.kamitani.sets import (
    FORM_PAGE,
    IMAGENET_PAGE,
    Split,
    again,
    check_split,
    data_set,
)
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, StoreError
from brainscore_realnet.store import lock, sha256_files, write_json

FORMAT_VERSION = 1
_logger = logging.getLogger(__name__)
_SUFFIXES = {".jpeg", ".jpg", ".png", ".tif", ".tiff", ".bmp"}
_RECORD_KEYS = ("splits",)
_SPLIT_KEYS = {"stimuli", "paths", "sha256", "bytes", "mtime_ns"}
_FOLDERS = {"shape": re.compile("shape|artificial", re.I), "letter": re.compile("letter|alphabet", re.I)}
# stimulus_ArtificialImage.tsv and stimulus_LetterImage.tsv are published beside the responses: name and index
_TABLES = {"shape": re.compile(r".*ArtificialImage\.tsv", re.I), "letter": re.compile(r".*LetterImage\.tsv", re.I)}


@dataclass(frozen=True)
class Pictures:
    """Image files of a folder that may be stimuli."""

    natural: dict[str, Path]
    """By the stimulus's name; the first in sorted order where there are several"""
    folders: dict[str, dict[Path, list[Path]]]
    """Files of each folder of shapes and of letters, sorted with numbers as numbers"""
    tables: dict[str, list[Path]]
    """Tables of names and indices of shapes and of letters"""

    def __bool__(self) -> bool:
        return bool(self.natural or any(self.folders.values()))


def find(paths: Iterable[Path], root: Path) -> Pictures:
    """Sort out the image files among paths below a root."""
    natural: dict[str, Path] = {}
    folders: dict[str, dict[Path, list[Path]]] = {kind: {} for kind in _FOLDERS}
    tables: dict[str, list[Path]] = {kind: [] for kind in _TABLES}
    for path in paths:
        if path.suffix.lower() in _SUFFIXES:
            if name := canonical_name(path.stem, "natural"):
                natural.setdefault(name, path)
            elif kind := _folder_kind(path.parent, root):
                folders[kind].setdefault(path.parent, []).append(path)
        for kind, pattern in _TABLES.items():
            if pattern.fullmatch(path.name):
                tables[kind].append(path)
    for by_folder in folders.values():
        for files in by_folder.values():
            files.sort(key=_natural_order)
    return Pictures(natural, folders, tables)


def register(pictures: Pictures, split: str, name: str) -> tuple[str | None, list[str]]:
    """Record where the images of a split are, those that are known from before included.

    Returns
    -------
    sha256 : str or None
        Hash over the images' contents, None while some are missing.
    absent : list of str
        What is missing, in sentences.
    """
    what = check_split(split, name)
    stimuli = same_stimuli(split, name)
    found, hints = _match(pictures, stimuli, what)
    with lock(f"{name}-images"):
        record = _read(name) or {"format_version": FORMAT_VERSION, "splits": {}}
        old = record["splits"].get(split)
        known = dict(zip(old["stimuli"], old["paths"], strict=True)) if old else {}
        known = {one: Path(path) for one, path in known.items() if path and Path(path).is_file()}
        paths = [found.get(one) or known.get(one) for one in stimuli]
        if old and old["sha256"] and old == _entry(stimuli, paths, old["sha256"]):
            return old["sha256"], []
        sha256 = _write(record, split, stimuli, paths, name)
    missing = [one for one, path in zip(stimuli, paths, strict=True) if path is None]
    if not missing:
        return sha256, []
    return None, [f"{_missing(missing, len(stimuli), split, what)}{''.join(f' {hint}' for hint in hints)}"]


def has_images(split: str, name: str) -> bool:
    """Tell whether all images of a split are registered."""
    check_split(split, name)
    record = _read(name)
    return bool(record and record["splits"].get(split, {}).get("sha256"))


def open_images(split: str, name: str, thorough: bool = False) -> ImageTable:
    """Give the registered images of a split in the order of the sorted stimulus names.

    Contents are hashed again when a file's size or time has changed.

    Parameters
    ----------
    split : str
    name : str
        The data set's name in the store.
    thorough : bool
        Hash the contents even if sizes and times have not changed.

    Returns
    -------
    ImageTable
        Rows of ``stimulus_id``, ``filename``, ``kind`` (``natural``, ``shape``, ``letter``), ``synset`` (of natural
        images, else empty), ``path``.

    Raises
    ------
    MissingDataError
        Images are not registered or missing: they are named, with the pages where they can be asked for.
    BadFileError
        The record is broken or belongs to other stimuli.
    BadInputError
        The split has no images.
    """
    what = check_split(split, name)
    if split not in data_set(name).image_splits:
        raise BadInputError(
            f"Got split {split!r} of {name}, of which there are no images: expected one of "
            f"{', '.join(data_set(name).image_splits)}."
        )
    stimuli = same_stimuli(split, name)
    record = _read(name)
    recorded = record["splits"].get(split) if record else None
    if record is None or recorded is None:
        raise MissingDataError(f"Got no {split} images of {name}: {_missing(stimuli, len(stimuli), split, what)}")
    if recorded["stimuli"] != list(stimuli):
        raise BadFileError(f"Got {split} images of other stimuli than the responses of {name}. {again(name)}")
    paths = [Path(path) if path and Path(path).is_file() else None for path in recorded["paths"]]
    missing = [one for one, path in zip(stimuli, paths, strict=True) if path is None]
    if missing:
        raise MissingDataError(
            f"Got {len(stimuli) - len(missing)} of {len(stimuli)} {split} images of {name}: "
            f"{_missing(missing, len(stimuli), split, what)} {again(name)}"
        )
    sha256 = recorded["sha256"]
    if thorough or recorded != _entry(stimuli, paths, sha256):
        sha256 = sha256_files([path for path in paths if path])
        if sha256 != recorded["sha256"]:
            _logger.warning("the %s images of %s are not those that were registered", split, name)
        # a read-only store is usable: the images are hashed again next time
        with contextlib.suppress(StoreError), lock(f"{name}-images"):
            _write(_read(name) or record, split, stimuli, paths, name)
    rows = [_row(one, path, what.kind) for one, path in zip(stimuli, paths, strict=True) if path]
    return ImageTable(split, tuple(rows), sha256)


def _row(stimulus: str, path: Path, kind: str) -> dict[str, Any]:
    row = {"stimulus_id": stimulus, "filename": path.name, "kind": kind, "path": str(path)}
    return row | ({"synset": stimulus.partition("_")[0]} if kind == "natural" else {})


def _match(pictures: Pictures, stimuli: Sequence[str], what: Split) -> tuple[dict[str, Path], list[str]]:
    """Give the picture of each stimulus that has one, and hints why others have none."""
    if what.kind == "natural":
        return {one: pictures.natural[one] for one in stimuli if one in pictures.natural}, []
    hints = []
    for folder, files in pictures.folders[what.kind].items():
        by_name = {canonical_name(file.name, what.kind): file for file in files}
        if set(stimuli) <= by_name.keys():
            return {one: by_name[one] for one in stimuli if one in by_name}, []
        if all(re.fullmatch(rf"{what.kind}_\d+", one) for one in stimuli):
            ordered = _by_table(files, pictures.tables[what.kind]) or files
            if len(ordered) == len(stimuli):
                numbered = {indexed_name(index, what.kind): file for index, file in enumerate(ordered, 1)}
                return {one: numbered[one] for one in stimuli if one in numbered}, []
        hints.append(f"{folder} has {len(files)} images, which are not the {len(stimuli)}.")
    return {}, hints


def _by_table(files: Sequence[Path], tables: Sequence[Path]) -> list[Path] | None:
    """Order files by the first table that gives each of them another index from 1, or None without such a table."""
    by_stem = {file.stem: file for file in files}
    for table in tables:
        with open(table, encoding="utf-8", errors="replace", newline="") as text:
            rows = [row for row in csv.reader(text, delimiter="\t") if len(row) > 1]
        index_of = {row[0].strip(): row[1].strip() for row in rows}
        order = {index_of.get(stem, index_of.get(file.name)): file for stem, file in by_stem.items()}
        wanted = [str(index) for index in range(1, len(files) + 1)]
        if set(order) == set(wanted):
            return [order[index] for index in wanted]
    return None


def _folder_kind(folder: Path, root: Path) -> str | None:
    """Tell by the names of the folders, the deepest first, whether shapes or letters are in it."""
    for name in reversed((root.name, *folder.relative_to(root).parts)):
        for kind, pattern in _FOLDERS.items():
            if pattern.search(name):
                return kind
        if folder == root:
            return None
    return None


def _natural_order(path: Path) -> list[tuple[int, str]]:
    """Sort numbers in names as numbers, so that shape_10 follows shape_9."""
    pieces = re.split(r"(\d+)", path.name)
    return [(int(piece), "") if piece.isdigit() else (-1, piece) for piece in pieces]


def _missing(names: Sequence[str], n_stimuli: int, split: str, what: Split) -> str:
    named = f"{', '.join(names[:3])}{' …' if len(names) > 3 else ''}"
    if what.kind == "natural":
        return (
            f"{len(names)} of {n_stimuli} {split} images are missing: {named} (.JPEG). Ask for them at {FORM_PAGE} or "
            f"take them from ImageNet ({IMAGENET_PAGE})."
        )
    return (
        f"{len(names)} of {n_stimuli} {split} are missing: {named}. Expected as many images in a folder whose name has "
        f"'{what.kind}' in it; ask for them at {FORM_PAGE}."
    )


def _read(name: str) -> dict[str, Any] | None:
    path = _record_path(name)
    record = _registered.read_record(path, _RECORD_KEYS, FORMAT_VERSION, f"Delete it. {again(name)}")
    splits = record["splits"] if record else {}
    if not isinstance(splits, dict) or any(
        not isinstance(one, dict) or _SPLIT_KEYS - one.keys() or len(one["paths"]) != len(one["stimuli"])
        for one in splits.values()
    ):
        raise BadFileError(f"Got a broken record {path}: expected the images of each split. Delete it. {again(name)}")
    return record


def _record_path(name: str) -> Path:
    return _registered.set_folder(name) / "images.json"


def _write(
    record: dict[str, Any], split: str, stimuli: Sequence[str], paths: Sequence[Path | None], name: str
) -> str | None:
    """Record the images of a split; give the hash over their contents, or None while some are missing."""
    files = [path for path in paths if path]
    sha256 = sha256_files(files) if len(files) == len(paths) else None
    record["splits"][split] = _entry(stimuli, paths, sha256)
    write_json(_record_path(name), record)
    return sha256


def _entry(stimuli: Sequence[str], paths: Sequence[Path | None], sha256: str | None) -> dict[str, Any]:
    """Give what is recorded of a split, with the files' present sizes and times."""
    return {
        "stimuli": list(stimuli),
        "paths": [str(path) if path else None for path in paths],
        "sha256": sha256,
        **_registered.stamps([path for path in paths if path]),
    }
