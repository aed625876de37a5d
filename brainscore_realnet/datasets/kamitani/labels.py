"""Which stimulus each sample of a BData file belongs to.

Natural images have the names of ImageNet, ``n01518878_5958``. In the files they stand as float64 ids, 1518878.005958:
the synset before the point, six decimals of the image's number behind it. Trailing zeros are lost in such a number's
shortest text (…005958 but also …01491 for 14910), so that only ``'%f'`` gives the name back; in single precision the
decimals are gone. A label is believed only when its values are what it should be: the meaning of the columns ``Label``
differs between subjects of the release VC_v2.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from brainscore_realnet.datasets.kamitani.bdata import BData
from brainscore_realnet.errors import BadFileError

NAMES_KEY = "stimulus_name"
_SMALLEST_SYNSET, _LARGEST_SYNSET = 1000, 99_999_999
_NATURAL = re.compile(r"n(\d{1,8})_(\d+)(\.\w+)?")
_SHAPE_NUMBER = re.compile(r"colorExpStim(\d+)_.*")
"""The laboratory's shapes are called ``colorExpStim08_green_largering``: the number is the index."""


def natural_name(stimulus_id: float) -> str:
    """Give the image's name of a float64 stimulus id: 1518878.005958 gives ``n01518878_5958``."""
    synset, number = f"{stimulus_id:f}".split(".")
    return f"n{int(synset):08d}_{int(number)}"


def canonical_name(text: str, kind: str) -> str | None:
    """Give the name under which a stimulus is known from a name in a file, or None when it is no name of that kind.

    Parameters
    ----------
    text : str
        As it stands in the file, with or without the suffix of an image file.
    kind : {"natural", "shape", "letter", "category"}
    """
    if kind == "natural":
        match = _NATURAL.fullmatch(text)
        return f"n{int(match[1]):08d}_{int(match[2])}" if match else None
    if kind == "shape" and (match := _SHAPE_NUMBER.fullmatch(text)):
        return indexed_name(int(match[1]), kind)
    stem = re.sub(r"\.(tiff?|png|jpe?g|bmp)$", "", text, flags=re.IGNORECASE)
    return stem if re.fullmatch(r"[^/\\\s.][^/\\\s]*", stem) else None


def indexed_name(index: int, kind: str) -> str:
    """Name a stimulus that has only a number, counted from 1: ``shape_01``, ``letter_01``."""
    return f"{kind}_{index:02d}"


def sample_names(file: BData, kind: str, keys: tuple[str, ...], samples: np.ndarray, expected: int | None) -> list[str]:
    """Name the stimulus of each sample.

    Parameters
    ----------
    file : BData
    kind : {"natural", "shape", "letter", "category"}
    keys : tuple of str
        Metadata keys whose columns may hold labels, the most trusted first. ``Label[0]`` means the first of a key's
        columns only; `NAMES_KEY` means the names in the file's vmap.
    samples : ndarray of int, shape (n,)
        The samples in question.
    expected : int, optional
        How many different stimuli there must be.

    Returns
    -------
    list of str
        Length n.

    Raises
    ------
    BadFileError
        No column holds what it should, two columns contradict each other, or the ids lost their decimals: what was
        found is told column by column.
    """
    found: dict[str, list[str]] = {}
    refused: list[str] = []
    for key in keys:
        if key == NAMES_KEY and key in file.vmaps:
            found[key] = _named(file, kind, samples)
        elif key != NAMES_KEY:
            for label, column in _label_columns(file, key):
                values = column[samples]
                problem = _problem(values, kind, expected)
                if problem:
                    refused.append(f"{label}: {problem}")
                else:
                    found[label] = [_name(value, kind) for value in values]
        if found:
            break
    if not found:
        raise BadFileError(
            f"Got {file.path}, in which no label tells the {kind} stimuli ({'; '.join(refused) or 'it has none'}; "
            f"keys: {', '.join(file.keys[:30])}): expected {' or '.join(keys)} with "
            f"{f'{expected} different ' if expected else ''}{_WANTED[kind]}. Its generation is unknown here."
        )
    first, *others = found
    for other in others:
        if found[other] != found[first]:
            raise BadFileError(
                f"Got {file.path}, in which {first} and {other} both hold {kind} stimuli, and different ones: expected "
                "one label. Its generation is unknown here."
            )
    return found[first]


_WANTED = {
    "natural": "float64 image ids such as 1518878.005958",
    "category": "float64 synset ids such as 1443537.0",
    "shape": "numbers from 1, each equally often",
    "letter": "numbers from 1, each equally often",
}


def _label_columns(file: BData, key: str) -> Iterator[tuple[str, np.ndarray]]:
    """Give each column of a key, with a name for messages."""
    key, _, only = key.rstrip("]").partition("[")
    for index, column in enumerate(file.select(key).T):
        if only in ("", str(index)):
            yield f"{key}[{index}]", column


def _named(file: BData, kind: str, samples: np.ndarray) -> list[str]:
    columns = file.select(NAMES_KEY)
    if columns.shape[1] != 1:
        raise BadFileError(
            f"Got {columns.shape[1]} columns {NAMES_KEY} in {file.path}: expected one. Its generation is unknown here."
        )
    vmap = file.vmaps[NAMES_KEY]
    names = []
    for value in columns[samples, 0]:
        text = vmap.get(float(value))
        name = canonical_name(text, kind) if text is not None else None
        if name is None:
            raise BadFileError(
                f"Got {NAMES_KEY} {value:g}, which is {text!r} in the vmap of {file.path}: expected a name"
                f"{' such as n01518878_5958' if kind == 'natural' else ''} for every number. Download it again."
            )
        names.append(name)
    return names


def _problem(values: np.ndarray, kind: str, expected: int | None) -> str | None:
    """Tell why values are no labels of this kind, or None when they are."""
    if not np.isfinite(values).all():
        return f"{int((~np.isfinite(values)).sum())} NaN or infinite values"
    different = np.unique(values)
    seen = f"{len(different)} different values from {different[0]:.15g} to {different[-1]:.15g}"
    if kind in ("natural", "category"):
        synsets, numbers = np.divmod(values, 1.0)
        if ((synsets < _SMALLEST_SYNSET) | (synsets > _LARGEST_SYNSET)).any():
            return seen
        if kind == "natural":
            if not numbers.any():
                return f"{seen}, without decimals (of synsets, or lost in single precision)"
            if len(different) > 1 and np.array_equal(different, different.astype(np.float32)):
                return f"{seen}, in single precision, which has lost the images' numbers"
            # float64 keeps ids below 1e8 to within 1.5e-8
            if (np.abs(numbers * 1e6 - np.round(numbers * 1e6)) > 0.05).any() or (numbers < 0.5e-6).any():
                return f"{seen}, which have not six decimals"
    elif not np.array_equal(different, np.arange(1, len(different) + 1)) or len(different) < 2:
        return seen
    elif len(set(np.unique(values, return_counts=True)[1])) > 1:
        return f"{seen}, not equally often"
    if expected not in (None, len({_name(value, kind) for value in different})):
        return f"{seen}, where {expected} different ones are expected"
    return None


def _name(value: float, kind: str) -> str:
    if kind == "natural":
        return natural_name(float(value))
    if kind == "category":  # an image imagined stands for its synset, whatever its decimals
        return f"n{int(value):08d}"
    return indexed_name(int(value), kind)


def arrange(names: list[str], samples: np.ndarray, path: Path, expected: int | None) -> tuple[list[str], np.ndarray]:
    """Sort the stimuli and give each one's samples in the order of presentation.

    Parameters
    ----------
    names : list of str, length n
        The stimulus of each sample.
    samples : ndarray of int, shape (n,)
        Ascending.
    path : Path
        Named in the errors.
    expected : int, optional
        How many repetitions there must be.

    Returns
    -------
    stimuli : list of str
        Different, sorted.
    rows : ndarray of int64, shape (stimuli, repetitions)
        Samples of each stimulus.

    Raises
    ------
    BadFileError
        Stimuli were not repeated equally often, or not as often as expected.
    """
    rows_of: dict[str, list[int]] = {}
    for name, sample in zip(names, samples.tolist(), strict=True):
        rows_of.setdefault(name, []).append(sample)
    stimuli = sorted(rows_of)
    counts = {name: len(rows_of[name]) for name in stimuli}
    usual = expected or sorted(counts.values())[len(counts) // 2]
    unequal = [name for name in stimuli if counts[name] != usual]
    if unequal:
        raise BadFileError(
            f"Got {counts[unequal[0]]} samples of {unequal[0]} in {path}, and {len(unequal) - 1} more of "
            f"{len(stimuli)} stimuli that have not {usual}: expected every stimulus {usual} times. Ids are duplicated "
            "or trials are missing; download it again."
        )
    return stimuli, np.array([rows_of[name] for name in stimuli], dtype=np.int64)
