"""Mean responses of macaque IT sites in the store, and opening them verified.

``data/<name>/<collection>_<animal>-<16 digits of the array's sha256>.npy`` with the card
``<collection>_recordings.json``; single trials stay in the user's file and are read from there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets._registered import read_record, set_folder, stamp
from brainscore_realnet.datasets.macaque_it import hdf5, public
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
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store import sha256_array, sha256_file, write_array, write_json

_CARD_KEYS = {"source", "stimuli", "levels", "categories", "animals"}


@dataclass(frozen=True)
class MacaqueRecording:
    """One animal's responses to the images of a collection."""

    animal: str
    """``chabo.left``; without hemisphere in the public collection"""
    collection: str
    rates: np.ndarray
    """(stimuli, sites), float64, mean over valid trials from 70 to 170 ms after onset, in the file's unit"""
    stimuli: tuple[str, ...]
    """Identifiers, as in the collection's images"""
    sites: tuple[str, ...]
    """Names of the recording sites"""
    levels: tuple[int, ...] | None
    """Variation level of each stimulus, where the file tells it"""
    categories: tuple[str, ...] | None
    """Category of each stimulus, where the file tells it"""
    sha256: str
    """Hash of the rates"""
    source: dict[str, Any]
    """The file they were averaged from: ``path``, ``sha256``, ``bytes``, ``mtime_ns``"""
    rows: tuple[int, ...]
    """Which of the file's stimuli these are"""

    def trials(self) -> np.ndarray:
        """Read single trials from the file that was registered: (stimuli, sites, trials), float64, NaN where none was.

        Raises
        ------
        BadInputError
            The collection's file holds averages over trials only.
        MissingDataError
            The file is no longer there.
        BadFileError
            The file was changed.
        """
        collection = find(self.collection)
        if "trial" not in collection.dims:
            raise BadInputError(
                f"Got trials() for {self.collection}, whose {collection.file} holds averages over trials: use rates."
            )
        path = verified_source(self.source)
        trials = (
            public.read_trials(path, self.animal)
            if collection.name == "public"
            else hdf5.read_trials(path, collection, self.animal)
        )
        return trials[list(self.rows)]


def open_animal(
    animal: str, collection: str = "public", name: str = NAME, levels: Sequence[int] | None = None
) -> MacaqueRecording:
    """Open an animal's mean responses.

    Parameters
    ----------
    animal : str
        One of `animals`.
    collection : {"public", "majajhong", "many-monkeys", "coco"}
    name : str
        The data set's name in the store.
    levels : sequence of int, optional
        Variation levels of the stimuli to keep, such as ``PUBLIC_LEVELS``; all without it.

    Raises
    ------
    MissingDataError
        It is not in the store; the message tells how to get it.
    BadFileError
        The file in the store was changed.
    BadInputError
        There is no such collection, animal or level.
    """
    one = find(collection)
    card = _require_card(one, name)
    if animal not in card["animals"]:
        raise BadInputError(f"Got animal {animal!r} of {collection}: expected one of {', '.join(card['animals'])}.")
    entry = card["animals"][animal]
    rows = rows_of_levels(card, levels, f"{collection} recordings")
    rates = np.load(_verified_array(one, animal, card, name), mmap_mode="r")
    if levels is not None:
        rates = rates[rows]
    chosen = {
        key: None if card[key] is None else tuple(card[key][row] for row in rows)
        for key in ("stimuli", "levels", "categories")
    }
    return MacaqueRecording(
        animal=animal,
        collection=collection,
        rates=rates,
        stimuli=chosen["stimuli"] or (),
        sites=tuple(entry["sites"]),
        levels=chosen["levels"],
        categories=chosen["categories"],
        sha256=entry["sha256"] if levels is None else sha256_array(rates),
        source=card["source"],
        rows=tuple(rows),
    )


def animals(collection: str = "public", name: str = NAME) -> list[str]:
    """Give the animals of a collection that are in the store, sorted; none when it is not there."""
    card = read_card(find(collection), name)
    return sorted(card["animals"]) if card else []


def open_animals(collection: str = "public", name: str = NAME) -> list[MacaqueRecording]:
    """Open the mean responses of all animals of a collection, sorted by animal. Raises as `open_animal`."""
    card = _require_card(find(collection), name)
    return [open_animal(animal, collection, name) for animal in sorted(card["animals"])]


def read_card(collection: Collection, name: str) -> dict[str, Any] | None:
    """Give the card of a collection's recordings, or None. Raises BadFileError when it is broken."""
    advice = f"Delete it and run again: {registration(name)}"
    return read_record(card_path(collection, "recordings", name), _CARD_KEYS, FORMAT_VERSION, advice)


def _require_card(collection: Collection, name: str) -> dict[str, Any]:
    card = read_card(collection, name)
    if card is None:
        raise MissingDataError(
            f"Got no {collection.name} recordings in {set_folder(name)}: expected averaged responses. To get them, "
            f"{how_to_get(collection, name)}"
        )
    return card


def convert(collection: Collection, source: dict[str, Any], name: str) -> None:
    """Average the responses of all animals of a file and write them with their card.

    Parameters
    ----------
    collection : Collection
    source : dict
        ``path``, ``sha256``, ``bytes``, ``mtime_ns`` of the file.
    name : str
        The data set's name in the store.

    Raises
    ------
    BadFileError
        The file is not what it is called.
    StoreError
        The store cannot be written.
    """
    card, rates = (_read_public if collection.name == "public" else _read_hdf5)(collection, Path(source["path"]), name)
    written = []
    for animal, mean in rates.items():
        sha256 = sha256_array(mean)
        path = set_folder(name) / f"{collection.name}_{animal}-{sha256[:16]}.npy"
        write_array(path, mean)
        written.append(path)
        card["animals"][animal] |= {"file": path.name, "sha256": sha256, **stamp(path)}
    card |= {"format_version": FORMAT_VERSION, "source": source}
    write_json(card_path(collection, "recordings", name), card)
    for other in set_folder(name).glob(f"{collection.name}_*.npy"):
        if other not in written:
            other.unlink(missing_ok=True)


def check_store(collection: Collection, name: str, thorough: bool = False) -> dict[str, Any]:
    """Give the card of recordings whose arrays are all in the store, unchanged.

    Raises
    ------
    MissingDataError
        They are not there.
    BadFileError
        One was changed.
    """
    card = read_card(collection, name)
    if card is None:
        raise MissingDataError(f"no {collection.name} recordings in {set_folder(name)}")
    for animal in card["animals"]:
        _verified_array(collection, animal, card, name, thorough)
    return card


def verified_source(source: dict[str, Any]) -> Path:
    """Give the registered file; its content is hashed when its size or time has changed.

    Raises
    ------
    MissingDataError
        It is no longer there.
    BadFileError
        Its content is another.
    """
    path = Path(source["path"])
    if not path.is_file():
        raise MissingDataError(f"Got no file {path}, which was registered: expected it there. Add its folder again.")
    if stamp(path) != {key: source[key] for key in ("bytes", "mtime_ns")} and sha256_file(path) != source["sha256"]:
        raise BadFileError(f"Got {path}, which was changed since it was registered. Add its folder again.")
    return path


def _verified_array(
    collection: Collection, animal: str, card: dict[str, Any], name: str, thorough: bool = False
) -> Path:
    entry = card["animals"][animal]
    path = set_folder(name) / entry["file"]
    if not path.is_file():
        raise MissingDataError(
            f"Got no file {path}: expected {animal}'s {collection.name} responses. Run again: {registration(name)}"
        )
    if not thorough and stamp(path) == {key: entry[key] for key in ("bytes", "mtime_ns")}:
        return path
    try:
        same = sha256_array(np.load(path, mmap_mode="r")) == entry["sha256"]
    except (ValueError, EOFError, OSError):
        same = False
    if not same:
        raise BadFileError(
            f"Got {path}, whose content is not what was averaged (sha256 {entry['sha256']} expected). Run again: "
            f"{registration(name)}"
        )
    return path


def _read_hdf5(collection: Collection, path: Path, name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with hdf5.opened(path) as file:
        count = len(hdf5.stimuli_of(file, path))
        check_count(count, collection, path, name)
        levels, categories = hdf5.levels_and_categories(file, count, path)
        found = hdf5.rates_of(file, collection, count, path)
        rates = {animal: hdf5.mean_rates(one, collection, animal, path) for animal, one in found.items()}
    card = {"stimuli": hdf5.stimulus_names(collection, count), "levels": levels, "categories": categories}
    sites = {animal: {"sites": hdf5.site_names(animal, mean.shape[1])} for animal, mean in rates.items()}
    return {**card, "animals": sites}, rates


def _read_public(collection: Collection, path: Path, name: str) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    with public.presentations(path) as found:
        check_count(len(found.stimuli), collection, path, name)
        rates = public.mean_rates(found, path)
        card = {"stimuli": found.stimuli, "levels": found.levels, "categories": found.categories}
        sites = {animal: {"sites": found.sites[columns].tolist()} for animal, columns in found.animals.items()}
    return {**card, "animals": sites}, rates
