"""Registered recordings: a card of each subject and split in the store, and reading responses from the user's files.

``data/<name>/<subject>_<split>.json`` tells where the file is, its content's hash, and what of it belongs to the split:
samples of each stimulus and columns of each region. Opening reads the card only.
"""

import contextlib
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets import _registered
from brainscore_realnet.datasets.kamitani.bdata import open_bdata, read_columns, runs
from brainscore_realnet.datasets.kamitani.generations import Content, Source
from brainscore_realnet.datasets.kamitani.sets import ROIS, again, check_split, data_set, how_to_get
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, StoreError
from brainscore_realnet.store import sha256_bytes, sha256_file, write_json

FORMAT_VERSION = 1
"""Increased whenever the reading of the same file changes, so that everything computed from it is computed again."""
_CARD_KEYS = (
    "path",
    "file_sha256",
    "bytes",
    "mtime_ns",
    "sha256",
    "generation",
    "stimuli",
    "rows",
    "columns",
    "without",
    "vc_marked",
)
_COORDINATES = ("voxel_x", "voxel_y", "voxel_z")


@dataclass(frozen=True)
class FMRIRecording:
    """One subject's responses to the stimuli of one split."""

    subject: str
    """``sub-01`` …"""
    split: str
    stimuli: tuple[str, ...]
    """Names, sorted"""
    n_repetitions: int
    """Of every stimulus"""
    rois: tuple[str, ...]
    """Regions in the file, in the order V1 V2 V3 V4 LOC FFA PPA VC; VC is the union of the others if not marked"""
    sha256: str
    """Hash of the file's content and of what of it belongs to the split"""
    generation: str
    """Release of the file: ``original``, ``v2``, ``fmriprep`` or ``horikawa2017``"""
    path: Path
    """The user's file"""
    _rows: np.ndarray = field(repr=False, compare=False)
    _columns: dict[str, np.ndarray] = field(repr=False, compare=False)

    def n_voxels(self, roi: str) -> int:
        """Give the number of voxels of a region. Raises as `responses`."""
        return len(self._roi(roi))

    def responses(self, roi: str) -> np.ndarray:
        """Read the responses of a region's voxels.

        Parameters
        ----------
        roi : str
            One of ``rois``.

        Returns
        -------
        ndarray, shape (stimuli, repetitions, voxels), float64
            In the order of ``stimuli``, repetitions in the order of presentation, voxels in that of the file's columns;
            in the file's unit (per-cent signal change or z values, by release).

        Raises
        ------
        BadFileError
            The file does not have the region, or a value is NaN or infinite.
        MissingDataError
            The file is gone.
        """
        columns = self._roi(roi)
        values = read_columns(self.path, columns, self._rows.ravel())
        return values.reshape(*self._rows.shape, len(columns))

    def voxel_coordinates(self, roi: str) -> np.ndarray | None:
        """Read where a region's voxels are.

        Returns
        -------
        ndarray, shape (voxels, 3), float64, or None
            ``voxel_x``, ``voxel_y``, ``voxel_z`` as the file has them (millimetres), in the order of `responses`; None
            when the file does not tell them for every voxel.

        Raises
        ------
        BadFileError, MissingDataError
            As `responses`.
        """
        columns = self._roi(roi)
        file = open_bdata(self.path)
        axes = [file.metadata(key) for key in _COORDINATES]
        if any(axis is None for axis in axes):
            return None
        coordinates = np.stack([axis[columns] for axis in axes if axis is not None], axis=1)
        return coordinates if np.isfinite(coordinates).all() else None

    def _roi(self, roi: str) -> np.ndarray:
        if roi in self._columns:
            return self._columns[roi]
        if roi not in ROIS:
            raise BadInputError(f"Got region {roi!r}: expected one of {', '.join(self.rois)}.")
        raise BadFileError(
            f"Got no region {roi} of {self.subject} ({self.split}) in {self.path}: expected it among "
            f"{', '.join(self.rois)}. Use another region, or another release of the file."
        )


def make_card(source: Source, file_sha256: str, content: Content) -> dict[str, Any]:
    """Give the card of a recording, but for the split's place in the store."""
    meaning = {
        "stimuli": content.stimuli,
        "rows": content.rows.tolist(),
        "columns": {roi: runs(columns) for roi, columns in content.rois.items()},
        "format_version": FORMAT_VERSION,
    }
    return {
        "path": str(source.path),
        **_registered.stamp(source.path),
        "file_sha256": file_sha256,
        "sha256": sha256_bytes(file_sha256.encode(), json.dumps(meaning, sort_keys=True).encode()),
        "generation": source.generation.name,
        "n_repetitions": content.rows.shape[1],
        "n_voxels": {roi: len(columns) for roi, columns in content.rois.items()},
        "without": content.without,
        "vc_marked": content.vc_marked,
        **meaning,
    }


def card_path(subject: str, split: str, name: str) -> Path:
    """Give the path of a recording's card, which need not exist. Raises BadInputError for malformed arguments."""
    check_split(split, name)
    return _registered.card_path(subject, split, name)


def read_card(subject: str, split: str, name: str) -> dict[str, Any] | None:
    """Give a recording's card, or None when it is not registered. Raises BadFileError when the card is broken."""
    return _registered.read_record(card_path(subject, split, name), _CARD_KEYS, FORMAT_VERSION, again(name))


def open_subject(subject: str, split: str, name: str, thorough: bool = False) -> FMRIRecording:
    """Open a registered recording without reading its responses.

    Parameters
    ----------
    subject : str
        ``"sub-01"`` …
    split : str
        Shen2019: ``"training"``, ``"test"``, ``"shapes"``, ``"letters"``; Horikawa2017: ``"training"``, ``"test"``,
        ``"imagery"``.
    name : str
        The data set's name in the store: ``"shen2019"``, ``"horikawa2017"`` or a simulated set's.
    thorough : bool
        Hash the file's content even if its size and time have not changed.

    Raises
    ------
    MissingDataError
        It is not registered, or its file is gone; the message tells how to get it.
    BadFileError
        The file was changed since it was registered.
    BadInputError
        There is no such split, or a name is malformed.
    """
    card = read_card(subject, split, name)
    if card is None:
        raise MissingDataError(
            f"Got no {split} data of {subject} in {_registered.set_folder(name)}: expected a registered file. To get "
            f"them, {how_to_get(name)}"
        )
    verify(card, subject, split, name, thorough)
    rows = np.array(card["rows"], dtype=np.int64)
    columns = {
        roi: np.concatenate([np.arange(first, end) for first, end in pieces]) for roi, pieces in card["columns"].items()
    }
    return FMRIRecording(
        subject,
        split,
        tuple(card["stimuli"]),
        rows.shape[1],
        tuple(columns),
        card["sha256"],
        card["generation"],
        Path(card["path"]),
        rows,
        columns,
    )


def verify(card: dict[str, Any], subject: str, split: str, name: str, thorough: bool = False) -> None:
    """Check a file against its card: size and time, and the content when these differ or when it is to be thorough.

    Raises
    ------
    MissingDataError
        The file is gone.
    BadFileError
        The file's content is not what was registered.
    """
    path = Path(card["path"])
    if not path.is_file():
        raise MissingDataError(
            f"Got no file {path}: expected {subject}'s {split} data there, as registered. Put it back, or if it was "
            f"moved: {again(name)}"
        )
    now = _registered.stamp(path)
    as_it_was = now == {key: card[key] for key in now}
    if as_it_was and not thorough:
        return
    sha256 = sha256_file(path)
    if sha256 != card["file_sha256"]:
        raise BadFileError(
            f"Got {path} with sha256 {sha256} ({now['bytes']} bytes): expected {card['file_sha256']} ({card['bytes']} "
            f"bytes), it was changed since it was registered. {again(name)}"
        )
    if not as_it_was:
        # a read-only store is usable: the file is verified again next time
        with contextlib.suppress(StoreError):
            write_json(card_path(subject, split, name), {**card, **now})


def subjects(split: str, name: str) -> list[str]:
    """Give the subjects that are registered for a split, sorted."""
    check_split(split, name)
    return _registered.registered_subjects(split, name)


def same_stimuli(split: str, name: str) -> tuple[str, ...]:
    """Give the stimuli of a split, which every registered subject must have seen.

    Raises
    ------
    MissingDataError
        No subject is registered.
    BadFileError
        Two subjects have different stimuli; both files and the first difference are named.
    """
    known = subjects(split, name)
    cards = {subject: card for subject in known if (card := read_card(subject, split, name))}
    if not cards:
        raise MissingDataError(
            f"Got no {split} data in {_registered.set_folder(name)}: expected those of {data_set(name).subjects[0]} or "
            f"another subject. To get them, {how_to_get(name)}"
        )
    first, *others = cards
    for other in others:
        if cards[other]["stimuli"] != cards[first]["stimuli"]:
            difference = sorted(set(cards[first]["stimuli"]) ^ set(cards[other]["stimuli"]))
            raise BadFileError(
                f"Got different {split} stimuli in {cards[first]['path']} ({cards[first]['generation']}) and "
                f"{cards[other]['path']} ({cards[other]['generation']}): only one has {', '.join(difference[:3])}. "
                "Expected the same; use files of one release."
            )
    return tuple(cards[first]["stimuli"])
