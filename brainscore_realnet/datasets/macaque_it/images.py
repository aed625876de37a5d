"""The images of the macaque recordings as files, in the order of the recordings' stimuli.

Pixels of an ``.h5`` file are written once as PNG into ``data/<name>/<collection>-images-<16 digits of its sha256>/``;
the public images are unpacked there from their archive, or stay where the user unpacked them.
"""

import csv
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets._registered import progress_bar, read_record, set_folder, stamps
from brainscore_realnet.datasets.macaque_it import hdf5
from brainscore_realnet.datasets.macaque_it.sources import (
    FORMAT_VERSION,
    NAME,
    Collection,
    card_path,
    check_count,
    find,
    how_to_get,
    registration,
    rows_of_levels,
)
from brainscore_realnet.errors import BadFileError, MissingDataError
from brainscore_realnet.store import atomic_folder, extract, sha256_file, sha256_files, write_json

_CARD_KEYS = {"source", "folder", "stimuli", "files", "levels", "categories", "sha256", "bytes", "mtime_ns"}


@dataclass(frozen=True)
class ImageTable:
    """The images of a collection in the order of the recordings' stimuli."""

    collection: str
    rows: tuple[dict[str, Any], ...]
    """A dict an image: stimulus_id, filename, path (str), and where the file tells them level and category"""
    sha256: str
    """Hash over the contents of all images in their order"""


def open_images(collection: str = "public", name: str = NAME, levels: Sequence[int] | None = None) -> ImageTable:
    """Give a collection's images; contents are hashed again when a file's size or time has changed.

    Parameters
    ----------
    collection : {"public", "majajhong", "many-monkeys", "coco"}
    name : str
        The data set's name in the store.
    levels : sequence of int, optional
        Variation levels of the images to keep; all without it.

    Raises
    ------
    MissingDataError
        They are not registered, or images are missing.
    BadFileError
        The card is broken, or an image was changed.
    BadInputError
        There is no such collection or level.
    """
    one = find(collection)
    card = check_images(one, name)
    rows = rows_of_levels(card, levels, f"{collection} images")
    folder = _folder(card, name)
    told = {key: card[plural] for key, plural in (("level", "levels"), ("category", "categories")) if card[plural]}
    table = tuple(
        {
            "stimulus_id": card["stimuli"][row],
            "filename": Path(card["files"][row]).name,
            "path": str(folder / card["files"][row]),
            **{key: values[row] for key, values in told.items()},
        }
        for row in rows
    )
    sha256 = card["sha256"] if levels is None else sha256_files([row["path"] for row in table])
    return ImageTable(collection, table, sha256)


def check_images(collection: Collection, name: str, thorough: bool = False) -> dict[str, Any]:
    """Give the card of images that are all there, unchanged.

    Raises
    ------
    MissingDataError
        They are not registered, or images are missing.
    BadFileError
        The card is broken, or an image was changed.
    """
    card = read_card(collection, name)
    if card is None:
        raise MissingDataError(
            f"Got no {collection.name} images in {set_folder(name)}: expected registered ones. To get them, "
            f"{how_to_get(collection, name)}"
        )
    paths = [_folder(card, name) / file for file in card["files"]]
    missing = [path for path in paths if not path.is_file()]
    if missing:
        raise MissingDataError(
            f"Got no {len(missing)} of {len(paths)} {collection.name} images, the first {missing[0]}: expected all. "
            f"Run again: {registration(name)}"
        )
    changed = thorough or stamps(paths) != {key: card[key] for key in ("bytes", "mtime_ns")}
    if changed and sha256_files(paths) != card["sha256"]:
        raise BadFileError(
            f"Got {collection.name} images in {card['folder']} that are not those that were registered. Run again: "
            f"{registration(name)}"
        )
    return card


def read_card(collection: Collection, name: str) -> dict[str, Any] | None:
    """Give the card of a collection's images, or None. Raises BadFileError when it is broken."""
    advice = f"Delete it and run again: {registration(name)}"
    return read_record(card_path(collection, "images", name), _CARD_KEYS, FORMAT_VERSION, advice)


def write_pixels(collection: Collection, source: dict[str, Any], name: str, progress: bool) -> str:
    """Write the pixels of an ``.h5`` file as PNG and their card; give the hash over the images' contents.

    Raises
    ------
    BadFileError
        They are no pixels.
    StoreError
        The store cannot be written.
    """
    path = Path(source["path"])
    target = set_folder(name) / f"{collection.name}-images-{source['sha256'][:16]}"
    with hdf5.opened(path) as file:
        stimuli = hdf5.stimuli_of(file, path)
        check_count(len(stimuli), collection, path, name)
        levels, categories = hdf5.levels_and_categories(file, len(stimuli), path)
        names = hdf5.stimulus_names(collection, len(stimuli))
        shutil.rmtree(target, ignore_errors=True)  # what stands there is broken, or it would have been kept
        _write_all(stimuli, names, target, path, progress)
    files = [f"{one}.png" for one in names]
    return _register(
        collection, source, target, {"stimuli": names, "levels": levels, "categories": categories}, files, name
    )


def register_public(archive: Path | None, source: dict[str, Any], name: str) -> str:
    """Register the public images: those beside or below their table, or else those in the archive.

    Parameters
    ----------
    archive : Path, optional
        ``stimulus_hvm-public.zip``; unpacked into the store when images are missing beside the table.
    source : dict
        ``path`` of the table ``stimulus_hvm-public.csv`` with ``stimulus_id`` (older: ``image_id``) and ``filename``;
        ``sha256``, ``bytes``, ``mtime_ns``.
    name : str
        The data set's name in the store.

    Returns
    -------
    str
        Hash over the images' contents.

    Raises
    ------
    BadFileError
        The table is none, or the archive is broken.
    MissingDataError
        Images are missing.
    """
    collection, table = find("public"), Path(source["path"])
    told, files = _read_table(table)
    check_count(len(files), collection, table, name)
    folder = table.parent
    places = _places(folder, files)
    if len(places) < len(files) and archive is not None:
        folder = set_folder(name) / f"public-images-{sha256_file(archive)[:16]}"
        shutil.rmtree(folder, ignore_errors=True)  # what stands there is broken, or it would have been kept
        extract(archive, folder)
        places = _places(folder, files)
    missing = [file for file in files if file not in places]
    if missing:
        raise MissingDataError(
            f"Got no {len(missing)} of {len(files)} images of {table}, the first {missing[0]}: expected them below "
            f"{folder} or in {table.stem}.zip beside the table. Put them there and run again: {registration(name)}"
        )
    return _register(collection, source, folder, told, [places[file] for file in files], name)


def _register(
    collection: Collection, source: dict[str, Any], folder: Path, told: dict[str, Any], files: list[str], name: str
) -> str:
    paths = [folder / file for file in files]
    sha256 = sha256_files(paths)
    inside = folder.parent == set_folder(name)  # then the store may move
    card = {
        "source": source,
        "folder": folder.name if inside else str(folder),
        **told,
        "files": files,
        "sha256": sha256,
        **stamps(paths),
    }
    write_json(card_path(collection, "images", name), {"format_version": FORMAT_VERSION, **card})
    for other in set_folder(name).glob(f"{collection.name}-images-*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return sha256


def _folder(card: dict[str, Any], name: str) -> Path:
    """Give where the images are: a folder of the user, or one in the store."""
    return set_folder(name) / card["folder"]


def _places(folder: Path, files: list[str]) -> dict[str, str]:
    """Give where below a folder each file lies."""
    wanted = set(files)
    found = [path for path in sorted(folder.rglob("*")) if path.name in wanted and path.is_file()]
    return {path.name: path.relative_to(folder).as_posix() for path in reversed(found)}


def _read_table(path: Path) -> tuple[dict[str, Any], list[str]]:
    """Read identifiers, levels, categories and file names, sorted by identifier as the recordings are."""
    try:
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (UnicodeDecodeError, csv.Error) as error:
        raise BadFileError(f"Got {path}, which is no text table ({error}): get it again.") from error
    columns = set(rows[0]) if rows else set()
    key = next((one for one in ("stimulus_id", "image_id") if one in columns), None)
    if key is None or "filename" not in columns:
        raise BadFileError(f"Got columns {sorted(map(str, columns))} in {path}: expected stimulus_id and filename.")
    for column in (key, "filename"):
        values = {row[column] for row in rows}
        if len(values) != len(rows) or not all(values) or any(Path(one).name != one for one in values if column != key):
            raise BadFileError(
                f"Got {len(rows)} rows with {len(values)} values of {column} in {path}: expected plain, different ones."
            )
    rows.sort(key=lambda row: row[key])
    try:
        levels = [int(float(row["variation"])) for row in rows] if "variation" in columns else None
    except ValueError as error:
        raise BadFileError(f"Got {path} with a variation that is no number ({error}): get it again.") from error
    categories = [row["category_name"] for row in rows] if "category_name" in columns else None
    told = {"stimuli": [row[key] for row in rows], "levels": levels, "categories": categories}
    return told, [row["filename"] for row in rows]


def _write_all(stimuli: Any, names: list[str], target: Path, path: Path, progress: bool) -> None:
    from PIL import Image

    scale = _scale(stimuli, path)
    with atomic_folder(target) as part:
        for rows in progress_bar(list(hdf5.blocks(stimuli, 0)), f"images of {path.name}", progress):
            for number, image in enumerate(_colours_last(stimuli[rows]), rows.start):
                pixels = image if image.dtype == np.uint8 else np.rint(image * scale).astype(np.uint8)
                Image.fromarray(np.ascontiguousarray(pixels)).save(part / f"{names[number]}.png")


def _colours_last(images: np.ndarray) -> np.ndarray:
    return images.transpose(0, 2, 3, 1) if images.shape[1] == 3 else images


def _scale(stimuli: Any, path: Path) -> int:
    """Give by what values are multiplied to be 0 to 255: whole numbers by 1; the files hold 0 to 255 or 0 to 1."""
    if stimuli.dtype == np.uint8:
        return 1
    low, high = np.inf, -np.inf
    for one_low, one_high in _extremes(stimuli):
        low, high = min(low, one_low), max(high, one_high)
    if stimuli.dtype.kind not in "fiu" or not (low >= 0 and high <= 255):
        raise BadFileError(
            f"Got pixels of {stimuli.dtype} from {low:g} to {high:g} in {path}: expected 0 to 1 or 0 to 255. "
            "Get it again."
        )
    return 255 if stimuli.dtype.kind == "f" and high <= 1 else 1


def _extremes(stimuli: Any) -> Iterator[tuple[float, float]]:
    for rows in hdf5.blocks(stimuli, 0):
        block = np.asarray(stimuli[rows], dtype=np.float64)
        # NaN becomes infinite, which is no pixel either.
        yield float(np.nan_to_num(block, nan=np.inf).min()), float(np.nan_to_num(block, nan=np.inf).max())
