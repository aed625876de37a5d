"""Registering a user's download: finding the files of a set and its images; both stay where they are."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets import _registered
from brainscore_realnet.datasets.kamitani import images
from brainscore_realnet.datasets.kamitani.bdata import BData, open_bdata, read_columns
from brainscore_realnet.datasets.kamitani.generations import Source, find_sources, read_content
from brainscore_realnet.datasets.kamitani.recordings import card_path, make_card, read_card, subjects
from brainscore_realnet.datasets.kamitani.sets import HORIKAWA2017, SHEN2019, data_set, how_to_get, is_published
from brainscore_realnet.errors import BadFileError, MissingDataError
from brainscore_realnet.store import folder as store_folder
from brainscore_realnet.store import lock, sha256_file, write_json


def add(folder: str | Path, name: str, progress: bool = True) -> dict[str, Any]:
    """Register a download: check every recording that is new and record where files and images are.

    Looked for in the folder and all its sub-folders: the ``.h5`` files of the set, natural images by their names
    (``n01443537_22563.JPEG``), shapes and letters in folders whose names say so. Every part may be absent and be added
    later. It is safe to interrupt it, to run it again and to run it twice at once.

    Parameters
    ----------
    folder : path
        Where the download is. Everything stays there; nothing is copied.
    name : str
        ``"shen2019"``, ``"horikawa2017"``, or a name that begins with ``sim-shen2019`` or ``sim-horikawa2017``.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict
        ``name``, ``folder`` (str), ``converted`` and ``kept`` (lists such as ``"sub-01 test"``), ``images`` (hash by
        split), ``absent`` and ``notes`` (sentences; notes tell which releases were left aside and what is unusual).

    Raises
    ------
    MissingDataError
        The folder is not there or holds none of the parts.
    BadFileError
        A file is not what it should be; what was registered before it stays.
    BadInputError
        The folder says that it was simulated and the name does not, or the name is no set's.
    StoreError
        The store cannot be written.
    """
    what = data_set(name)
    root = _registered.download_folder(folder, name, what.title)
    paths = list(_files(root))
    sources, notes = find_sources(paths, name)
    pictures = images.find(paths, root)
    if not sources and not pictures:
        raise MissingDataError(
            f"Got {root}, in which and below which is no file of {what.title} and no image of it. Expected files "
            f"such as {_EXAMPLES[what.form]} from {what.page}."
        )
    _registered.refuse_simulated([source.path for source in sources], root, name)
    if not sources and not any(subjects(split, name) for split in what.splits):
        raise MissingDataError(
            f"Got {root}, which holds images and no responses: expected .h5 files of {what.title} in it or registered "
            f"before, since they tell which images are theirs. To get them, {how_to_get(name)}"
        )
    store_folder("data", name)
    summary: dict[str, Any] = {"name": name, "folder": str(root), "converted": [], "kept": [], "images": {}}
    for source in _registered.progress_bar(sources, "recordings", progress):
        for split, new in _register(source, name):
            summary["converted" if new else "kept"].append(f"{source.subject} {split}")
    absent = []
    for split in what.image_splits:
        if subjects(split, name):
            sha256, lacking = images.register(pictures, split, name)
            if sha256:
                summary["images"][split] = sha256
            absent += lacking
    summary["absent"] = _absent(sources, name) + absent
    summary["notes"] = notes + _unusual(sources, name)
    return summary


_VALUES_AT_ONCE = 2**24
_EXAMPLES = {SHEN2019: "sub-01_perceptionNaturalImageTest_original_VC.h5", HORIKAWA2017: "Subject1.h5"}


def _files(root: Path) -> Iterator[Path]:
    """Give all files below a folder, sorted, hidden ones left out; links to folders are followed once."""
    seen = set()
    for place, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if real not in seen else []
        if real not in seen:
            yield from (Path(place, name) for name in sorted(files) if not name.startswith("."))
        seen.add(real)


def _register(source: Source, name: str) -> Iterator[tuple[str, bool]]:
    """Register the splits of a file that are not; tell of each whether it is new."""
    with lock(f"{name}-{source.subject}-{'-'.join(source.splits)}"):
        sha256 = _known_hash(source, name) or sha256_file(source.path)
        file: BData | None = None
        for split in source.splits:
            card = _usable_card(source, split, sha256, name)
            if card is None:
                file = file or open_bdata(source.path)
                content = read_content(file, source, split, name)
                everywhere = np.unique(np.concatenate(list(content.rois.values())))
                samples = np.sort(content.rows, axis=None)
                for part in np.array_split(samples, 1 + samples.size * everywhere.size // _VALUES_AT_ONCE):
                    read_columns(source.path, everywhere, part)  # refuses values that are not finite
                write_json(card_path(source.subject, split, name), make_card(source, sha256, content))
            yield split, card is None


def _known_hash(source: Source, name: str) -> str | None:
    """Give the hash of a file that is as it was when it was registered."""
    for split in source.splits:
        card = _card(source.subject, split, name)
        if card and card["path"] == str(source.path):
            now = _registered.stamp(source.path)
            if now == {key: card[key] for key in now}:
                return card["file_sha256"]
    return None


def _usable_card(source: Source, split: str, sha256: str, name: str) -> dict[str, Any] | None:
    """Give the card of a recording that need not be registered again, its place and time brought up to date."""
    card = _card(source.subject, split, name)
    if card is None or card["file_sha256"] != sha256 or card["generation"] != source.generation.name:
        return None
    current = {**card, "path": str(source.path), **_registered.stamp(source.path)}
    if current != card:
        write_json(card_path(source.subject, split, name), current)
    return card


def _card(subject: str, split: str, name: str) -> dict[str, Any] | None:
    """Give a recording's card, or None when there is none that can be used."""
    try:
        return read_card(subject, split, name)
    except BadFileError:
        return None


def _absent(sources: list[Source], name: str) -> list[str]:
    """Say which recordings and regions of the set are not registered."""
    what = data_set(name)
    known = what.subjects if is_published(name) else tuple(sorted({source.subject for source in sources}))
    absent = []
    for split in what.splits:
        for subject in known:
            card = _card(subject, split, name)
            if card is None:
                absent.append(f"{split} data of {subject} (from {what.page})")
            elif card["without"]:
                absent.append(f"{', '.join(card['without'])} of {subject} {split}: {card['path']} does not have them")
    return absent


def _unusual(sources: list[Source], name: str) -> list[str]:
    """Say where the whole visual cortex was put together from regions."""
    return [
        f"{card['path']} has no ROI_VC: VC is the union of its regions"
        for source in sources
        for split in source.splits[:1]
        if (card := _card(source.subject, split, name)) and not card["vc_marked"]
    ]
