"""THINGS concepts and their 49 SPoSE dimensions (Hebart et al. 2020, doi 10.1038/s41562-020-00951-3).

The rows of the embedding follow the table of item names. The number in a THINGS-EEG2 folder name follows plain ASCII
order, which differs for 20 concepts: concepts are joined by their uniqueID, never by number.

In the store: ``data/<name>/`` with copies of the files, named by content, and ``card.json``, which says which they are.
"""

import csv
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets._registered import (
    download_folder,
    progress_bar,
    read_record,
    refuse_simulated,
    set_folder,
    stamp,
    state_row,
)
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store import atomic_file, lock, sha256_array, sha256_bytes, sha256_file, write_json

NAME = "things-dimensions"
PAGE = "https://osf.io/z2784/"
"""The embedding, CC BY 4.0."""
TABLES_PAGE = "https://github.com/ViCCo-Group/thingsvision/tree/master/data/files"
"""The tables of concepts."""
ITEM_NAMES_FILE = "item_names.tsv"
CONCEPTS_FILE = "things_concepts.tsv"
SPOSE_FILE = "spose_embedding_49d_sorted.txt"
N_CONCEPTS = 1854
N_DIMENSIONS = 49
FORMAT_VERSION = 1

_PATTERNS = {
    ITEM_NAMES_FILE: (ITEM_NAMES_FILE,),
    SPOSE_FILE: (SPOSE_FILE, f"{SPOSE_FILE}.gz"),
    CONCEPTS_FILE: (CONCEPTS_FILE,),
}


@dataclass(frozen=True)
class Dimensions:
    """How much of each dimension is in each concept."""

    unique_ids: tuple[str, ...]
    """The 1854 concepts"""
    values: np.ndarray
    """(1854, 49), float64, no unit; a few values are slightly negative"""
    names: tuple[str, ...]
    """``dim-01`` … ``dim-49``, sorted by their weight in the published embedding"""
    sha256: str
    """Hash of concepts and values"""

    def of(self, unique_ids: Sequence[str]) -> np.ndarray:
        """Give the rows of concepts, joined by uniqueID: (n, 49), float64. Raises BadInputError for unknown ones."""
        return self.values[concept_rows(unique_ids, self.unique_ids)]


def unique_id(concept_folder: str) -> str:
    """Give the uniqueID in the name of a concept's folder: ``"00001_aircraft_carrier"`` gives ``"aircraft_carrier"``.

    Raises
    ------
    BadInputError
        The name is not a number, ``_`` and a uniqueID.
    """
    match = re.fullmatch(r"\d+_(.+)", concept_folder)
    if match is None:
        raise BadInputError(
            f"Got concept folder {concept_folder!r}: expected a number, '_' and a uniqueID, "
            "as in '00001_aircraft_carrier'. "
            "Check the image metadata."
        )
    return match[1]


def read_item_names(path: str | Path) -> list[str]:
    """Read the uniqueIDs of the THINGS concepts in the order of the table's rows, which is that of the embedding's.

    Parameters
    ----------
    path : path
        ``item_names.tsv``: tab-separated with a header that names ``uniqueID``.

    Raises
    ------
    MissingDataError
        There is no such file.
    BadFileError
        The column is missing, or a uniqueID is empty or stands twice.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = csv.DictReader(file, delimiter="\t")
            if "uniqueID" not in (rows.fieldnames or ()):
                raise BadFileError(
                    f"Got columns {rows.fieldnames} in {path}: expected a tab-separated table with a column uniqueID. "
                    "Download item_names.tsv again."
                )
            names = [row["uniqueID"] for row in rows]
    except FileNotFoundError as error:
        raise MissingDataError(
            f"Got no file at {path}: expected the table item_names.tsv of THINGS. Check the path."
        ) from error
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadFileError(f"Got {path}, which is no text table ({error}): download item_names.tsv again.") from error
    if not all(names) or len(set(names)) != len(names):
        raise BadFileError(
            f"Got {len(names)} rows with {len(set(filter(None, names)))} different uniqueIDs in {path}: expected one "
            "in each row. Download item_names.tsv again."
        )
    return names


def read_spose(path: str | Path) -> np.ndarray:
    """Read the SPoSE embedding.

    Parameters
    ----------
    path : path
        ``spose_embedding_49d_sorted.txt``, plain or compressed as ``.gz``.

    Returns
    -------
    ndarray, shape (1854, 49), float64
        Concept × dimension, rows in the order of `read_item_names`, no unit; a few values are slightly negative.

    Raises
    ------
    MissingDataError
        There is no such file.
    BadFileError
        It is no table of finite numbers of that shape.
    """
    try:
        embedding = np.loadtxt(path, dtype=np.float64, ndmin=2)
    except FileNotFoundError as error:
        raise MissingDataError(
            f"Got no file at {path}: expected the SPoSE embedding (https://osf.io/z2784/)."
        ) from error
    except (ValueError, EOFError, OSError) as error:
        raise BadFileError(
            f"Got {path}, which cannot be read as a table of numbers ({error}): expected {N_CONCEPTS} rows of "
            f"{N_DIMENSIONS}. Download it again from https://osf.io/z2784/."
        ) from error
    if embedding.shape != (N_CONCEPTS, N_DIMENSIONS) or not np.isfinite(embedding).all():
        raise BadFileError(
            f"Got an array of shape {embedding.shape} with {int((~np.isfinite(embedding)).sum())} values that are not "
            f"finite in {path}: expected {N_CONCEPTS} × {N_DIMENSIONS} finite numbers. "
            "Download it again from https://osf.io/z2784/."
        )
    return embedding


def concept_rows(unique_ids: Sequence[str], item_names: Sequence[str]) -> np.ndarray:
    """Give the embedding's row of each concept, joined by uniqueID.

    Parameters
    ----------
    unique_ids : sequence of str, length n
        Concepts in any order; repeats are allowed.
    item_names : sequence of str
        From `read_item_names`.

    Returns
    -------
    ndarray, shape (n,), int64
        ``item_names[rows[i]] == unique_ids[i]``.

    Raises
    ------
    BadInputError
        Some concepts are not in the table; they are named.
    """
    row_of = {name: row for row, name in enumerate(item_names)}
    unknown = sorted(set(unique_ids) - row_of.keys())
    if unknown:
        raise BadInputError(
            f"Got {len(unknown)} concepts that are not in the table of {len(row_of)}: {', '.join(unknown[:10])}"
            f"{' …' if len(unknown) > 10 else ''}. Expected uniqueIDs of THINGS; check names and their spelling."
        )
    return np.array([row_of[name] for name in unique_ids], dtype=np.int64)


def add(folder: str | Path, name: str = NAME, progress: bool = True) -> dict[str, Any]:
    """Register a download: check its files and copy them into the store.

    Looked for in the folder and below it: ``item_names.tsv``, ``spose_embedding_49d_sorted.txt`` (plain or ``.gz``) and
    ``things_concepts.tsv``, which nothing depends on. Every file may be absent and be added later.

    Parameters
    ----------
    folder : path
        Where the files are; they are left as they are.
    name : str
        What the data set is called in the store.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict
        ``name``, ``folder`` (str), ``converted`` and ``kept`` (file names), ``images`` (empty), ``absent`` (sentences).

    Raises
    ------
    MissingDataError
        The folder is not there or holds none of the files.
    BadFileError
        A file is not what it should be; what was copied before it stays.
    BadInputError
        The folder says that it was simulated, and the name does not.
    StoreError
        The store cannot be written.
    """
    root = download_folder(folder, name, "the THINGS dimensions")
    found = {what: path for what, patterns in _PATTERNS.items() if (path := _first(root, patterns))}
    if not found:
        raise MissingDataError(f"Got {root}, which holds none of {', '.join(_PATTERNS)}. {_how_to_get(name)}")
    refuse_simulated(found.values(), root, name)
    summary: dict[str, Any] = {"name": name, "folder": str(root), "converted": [], "kept": [], "images": {}}
    with lock(f"{name}-files"):
        for what, source in progress_bar(list(found.items()), "files", progress):
            summary["converted" if _copy(what, source, name) else "kept"].append(what)
        copied = (_card(name) or {"files": {}})["files"]
    summary["absent"] = [
        f"{what} (from {PAGE if what == SPOSE_FILE else TABLES_PAGE})" for what in _PATTERNS if what not in copied
    ]
    return summary


def open_dimensions(name: str = NAME) -> Dimensions:
    """Read the concepts and their dimensions from the store, verified.

    Raises
    ------
    MissingDataError
        They are not in the store; the message tells how to get them.
    BadFileError
        A file in the store was changed.
    """
    unique_ids = tuple(_read(ITEM_NAMES_FILE, _verified(ITEM_NAMES_FILE, name)))
    values = _read(SPOSE_FILE, _verified(SPOSE_FILE, name))
    values.setflags(write=False)
    sha256 = sha256_bytes("\n".join(unique_ids).encode(), sha256_array(values).encode())
    return Dimensions(unique_ids, values, tuple(f"dim-{one:02d}" for one in range(1, N_DIMENSIONS + 1)), sha256)


def status(name: str = NAME, thorough: bool = False) -> list[dict[str, str]]:
    """Tell the state of every file of the data set.

    Parameters
    ----------
    name : str
    thorough : bool
        Hash every content again, whether or not its size and time are those recorded.

    Returns
    -------
    list of dict
        ``what`` (the published file name), ``state`` (``"ready"``, ``"missing"``, ``"broken"``), ``detail``, ``how``
        (how to get it; empty when ready).
    """
    return [state_row(what, partial(_detail, what, name, thorough), _how_to_get(name)) for what in _PATTERNS]


def _detail(what: str, name: str, thorough: bool) -> str:
    return f"{N_CONCEPTS} concepts, sha256 {_verified(what, name, thorough).name.split('.')[0][-16:]}"


def _first(root: Path, patterns: Sequence[str]) -> Path | None:
    """Give the file of the first of the names that lies least deep."""
    found = [path for pattern in patterns for path in sorted(root.rglob(pattern)) if path.is_file()]
    return min(found, key=lambda path: len(path.parts), default=None)


def _read(what: str, path: Path) -> Any:
    if what == SPOSE_FILE:
        return read_spose(path)
    names = read_item_names(path)
    if len(names) != N_CONCEPTS:
        raise BadFileError(f"Got {len(names)} concepts in {path}: expected {N_CONCEPTS}. Download {what} again.")
    return names


def _copy(what: str, source: Path, name: str) -> bool:
    """Copy a file into the store unless it is there; tell whether it was copied now."""
    sha256 = sha256_file(source)
    stem, _, suffix = source.name.partition(".")
    target = set_folder(name) / f"{stem}-{sha256[:16]}.{suffix}"
    if target.is_file() and sha256_file(target) == sha256:
        new = False
    else:
        with atomic_file(target) as part:
            shutil.copyfile(source, part)
        new = True
    try:
        _read(what, target)
    except BadFileError as error:
        target.unlink()
        raise BadFileError(str(error).replace(str(target), str(source))) from error
    files = (_card(name) or {"files": {}})["files"]
    entry = {"file": target.name, "sha256": sha256, **stamp(target), "source": str(source)}
    write_json(_card_path(name), {"format_version": FORMAT_VERSION, "files": {**files, what: entry}})
    for other in target.parent.glob(f"{stem}-*"):
        if other != target:
            other.unlink(missing_ok=True)
    return new


def _card_path(name: str) -> Path:
    return set_folder(name) / "card.json"


def _card(name: str) -> dict[str, Any] | None:
    return read_record(_card_path(name), {"files"}, FORMAT_VERSION, f"Delete it. {_how_to_get(name)}")


def _verified(what: str, name: str, thorough: bool = False) -> Path:
    """Give a file of the store, whose content is hashed when its size or time has changed or when asked for."""
    entry = (_card(name) or {"files": {}})["files"].get(what)
    path = set_folder(name) / entry["file"] if entry else None
    if path is None or not path.is_file():
        raise MissingDataError(f"Got no {what} in {set_folder(name)}: expected a copy of it. {_how_to_get(name)}")
    unchanged = stamp(path) == {key: entry[key] for key in ("bytes", "mtime_ns")}
    if (thorough or not unchanged) and (sha256 := sha256_file(path)) != entry["sha256"]:
        raise BadFileError(
            f"Got {path} with sha256 {sha256}: expected {entry['sha256']}. Add the download again. {_how_to_get(name)}"
        )
    return path


def _how_to_get(name: str) -> str:
    if name != NAME:
        return f"Run: brainscore_realnet.datasets.things.add(FOLDER, name={name!r})"
    return (
        f"Run: brainscore data fetch {NAME} (or download {SPOSE_FILE} from {PAGE} and {ITEM_NAMES_FILE} from "
        f"{TABLES_PAGE} into one folder and run: brainscore data add {NAME} FOLDER)"
    )
