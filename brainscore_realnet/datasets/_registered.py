"""What every reader of a data set keeps in the store: its folder, cards of its files, and the state of its parts.

A file that stays where the user has it is known by a card: its path, its content's hash, and its size and modification
time, by which a change is noticed without reading it.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, RealnetError
from brainscore_realnet.store import home, read_json

SIMULATED_FILE = "SIMULATED.json"
"""Stands in the folder of a set that was made and not recorded."""

_Item = TypeVar("_Item")


def set_folder(name: str) -> Path:
    """Give the store's folder of a data set, which need not exist.

    Raises
    ------
    BadInputError
        The name has other characters than letters, digits, ``.``, ``_`` and ``-``.
    """
    if re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", name) is None:
        raise BadInputError(f"Got data set name {name!r}: expected letters, digits, '.', '_' and '-'.")
    return home() / "data" / name


def check_split(split: str, splits: Collection[str]) -> None:
    """Raise BadInputError unless the split is one of the set's."""
    if split not in splits:
        raise BadInputError(f"Got split {split!r}: expected one of {', '.join(splits)}.")


def card_path(subject: str, split: str, name: str) -> Path:
    """Give the path of the card of a subject's recording, which need not exist.

    Raises
    ------
    BadInputError
        The subject is not ``sub-`` and digits.
    """
    if re.fullmatch(r"sub-\d+", subject) is None:
        raise BadInputError(f"Got subject {subject!r}: expected 'sub-' and digits, as in 'sub-01'.")
    return set_folder(name) / f"{subject}_{split}.json"


def registered_subjects(split: str, name: str) -> list[str]:
    """Give the subjects that have a card for a split, sorted."""
    return sorted(path.name[: -len(f"_{split}.json")] for path in set_folder(name).glob(f"sub-*_{split}.json"))


def read_record(path: Path, keys: Collection[str], version: int, advice: str) -> dict[str, Any] | None:
    """Give the content of a card, or None when there is no such file.

    Parameters
    ----------
    path : Path
    keys : collection of str
        What the card must have.
    version : int
        The ``format_version`` it must have.
    advice : str
        What the user can do when it is broken.

    Raises
    ------
    BadFileError
        It is no JSON object, lacks a key or is of another version.
    """
    if not path.is_file():
        return None
    record = read_json(path)
    if not isinstance(record, dict) or set(keys) - record.keys() or record.get("format_version") != version:
        raise BadFileError(f"Got a broken card {path}: expected one of format_version {version}. {advice}")
    return record


def stamp(path: Path) -> dict[str, int]:
    """Give size and modification time, by which a changed file is noticed cheaply: ``bytes`` and ``mtime_ns``."""
    stat = path.stat()
    return {"bytes": stat.st_size, "mtime_ns": stat.st_mtime_ns}


def stamps(paths: Sequence[Path]) -> dict[str, list[int]]:
    """Give the sizes and modification times of several files, in their order: ``bytes`` and ``mtime_ns``."""
    each = [stamp(path) for path in paths]
    return {key: [one[key] for one in each] for key in ("bytes", "mtime_ns")}


def download_folder(folder: str | Path, name: str, of: str) -> Path:
    """Check a folder that a user wants to register under a name, and give its absolute path.

    Raises
    ------
    MissingDataError
        There is no such folder.
    BadInputError
        The folder says that it was simulated, and the name does not.
    """
    root = Path(folder).expanduser().absolute()
    if not root.is_dir():
        raise MissingDataError(f"Got {root}: expected the folder of a download of {of}. Check the path.")
    refuse_simulated([root / SIMULATED_FILE], root, name)
    return root


def refuse_simulated(files: Iterable[Path], root: Path, name: str) -> None:
    """Raise BadInputError when a file below a folder lies where it says that it was simulated and the name does not."""
    if name.startswith("sim-"):
        return
    for folder in {parent for file in files for parent in file.parents if parent.is_relative_to(root)}:
        if (folder / SIMULATED_FILE).exists():
            raise BadInputError(
                f"Got {folder}, whose {SIMULATED_FILE} says that it was simulated: expected recordings. Simulated sets "
                "are stored under names that begin with 'sim-'."
            )


def state_row(what: str, detail: Callable[[], str], how: str) -> dict[str, str]:
    """Tell the state of one part of a data set.

    Parameters
    ----------
    what : str
        The part's name.
    detail : callable
        Opens the part and describes it; raises when it cannot.
    how : str
        How to get it.

    Returns
    -------
    dict
        ``what``, ``state`` (``"ready"``, ``"missing"``, ``"broken"``), ``detail``, ``how`` (empty when ready).
    """
    try:
        return {"what": what, "state": "ready", "detail": detail(), "how": ""}
    except MissingDataError as error:
        return {"what": what, "state": "missing", "detail": str(error), "how": how}
    except RealnetError as error:
        return {"what": what, "state": "broken", "detail": str(error), "how": how}


def progress_bar(items: Sequence[_Item], what: str, show: bool) -> Iterator[_Item]:
    """Go through items, with a progress bar if one is wanted."""
    if not show or not items:
        yield from items
        return
    from tqdm import tqdm

    yield from tqdm(items, desc=what, unit="file")


@dataclass(frozen=True)
class ImageTable:
    """The images of a split in the order in which the set's stimuli stand."""

    split: str
    rows: tuple[dict[str, Any], ...]
    """A dict an image: stimulus_id, filename, path (str) and what else the set knows of it"""
    sha256: str
    """Hash over the contents of all images in their order"""
