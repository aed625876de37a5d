"""Reading the ``.h5`` files of Dapello et al. (2023) piece by piece.

Top level: ``stimuli`` (stimulus × three colours × height × width, or colours last), ``var`` (variation level of each
stimulus), ``category_name`` or ``category_name_HVM_aligned``, and a group an animal.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets.macaque_it.sources import HEMISPHERES, WINDOW_BINS, Collection
from brainscore_realnet.errors import BadFileError, MissingDataError

BLOCK_BYTES = 32 * 2**20
_CATEGORIES = ("category_name", "category_name_HVM_aligned")


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """Open an HDF5 file for reading; errors while reading name the file.

    Raises
    ------
    MissingDataError
        There is no such file.
    BadFileError
        It is no HDF5 file, or it is truncated.
    """
    import h5py

    if not path.is_file():
        raise MissingDataError(f"Got no file {path}: expected macaque recordings there. Add their folder again.")
    try:
        with h5py.File(path, "r") as file:
            yield file
    except (OSError, RuntimeError) as error:
        raise BadFileError(
            f"Got {path} ({path.stat().st_size} bytes), which cannot be read as HDF5 ({error}): expected a whole .h5 "
            "file. Get it again."
        ) from error


def stimuli_of(file: Any, path: Path) -> Any:
    """Give the data set with the pixels, which is not read.

    Raises
    ------
    BadFileError
        There is none, or its axes are not stimuli, colours and two of space.
    """
    import h5py

    stimuli = file.get("stimuli")
    if not isinstance(stimuli, h5py.Dataset) or stimuli.ndim != 4 or (stimuli.shape[1] == 3) == (stimuli.shape[3] == 3):
        raise BadFileError(
            f"Got {_described(stimuli)} as 'stimuli' in {path}, beside {', '.join(file)}: expected pixels as "
            "stimulus × 3 × height × width or stimulus × height × width × 3. Check that it is the file it is called."
        )
    return stimuli


def levels_and_categories(file: Any, count: int, path: Path) -> tuple[list[int] | None, list[str] | None]:
    """Read the variation level and the category of each stimulus; None for what the file does not tell.

    Raises
    ------
    BadFileError
        They are not one a stimulus.
    """
    levels = _one_each(file, "var", count, path)
    named = [key for key in _CATEGORIES if key in file]
    categories = _one_each(file, named[0], count, path) if named else None
    return (
        None if levels is None else [int(level) for level in levels],
        None if categories is None else [one.decode() if isinstance(one, bytes) else str(one) for one in categories],
    )


def rates_of(file: Any, collection: Collection, count: int, path: Path) -> dict[str, Any]:
    """Give each animal's responses, which are not read, by animal and hemisphere: ``"chabo.left"``.

    Raises
    ------
    BadFileError
        There are none, or their axes do not fit.
    """
    import h5py

    found = {}
    for animal in sorted(key for key, value in file.items() if isinstance(value, h5py.Group)):
        for hemisphere in HEMISPHERES:
            rates = file.get(collection.rates.format(animal=animal, hemisphere=hemisphere))
            if isinstance(rates, h5py.Dataset):
                _check_axes(rates, collection, count, path)
                found[f"{animal}.{hemisphere}"] = rates
    if not found:
        groups: list[str] = []
        file.visit(groups.append)
        raise BadFileError(
            f"Got {', '.join(groups[:12]) or 'nothing'} in {path}: expected responses at {collection.rates}. Check "
            "that it is the file it is called."
        )
    return found


def mean_rates(rates: Any, collection: Collection, animal: str, path: Path) -> np.ndarray:
    """Average an animal's responses over what is valid: over trials, or over the bins from 70 to 170 ms.

    Returns
    -------
    ndarray, shape (stimuli, sites), float64
        ``mean[i, s] = Σ_t x[i, s, t] / n[i, s]`` over the ``n[i, s]`` trials or bins that are not NaN; the file's
        unit.

    Raises
    ------
    BadFileError
        A value is infinite, or a site has no valid value for a stimulus; the site is named.
    """
    along = collection.dims.index("stimulus")
    shape = dict(zip(collection.dims, rates.shape, strict=True))
    mean = np.empty((shape["stimulus"], shape["site"]))
    for rows in blocks(rates, along):
        if along:
            block = np.stack([np.asarray(rates[bin, rows], dtype=np.float64) for bin in WINDOW_BINS], axis=-1)
        else:
            block = np.asarray(rates[rows], dtype=np.float64)
        mean[rows] = _valid_mean(block, rows.start, site_names(animal, shape["site"]), path)
    return mean


def read_trials(path: Path, collection: Collection, animal: str) -> np.ndarray:
    """Read an animal's responses of single trials: (stimuli, sites, trials), float64, NaN where there was none."""
    with opened(path) as file:
        count = len(stimuli_of(file, path))
        return np.asarray(rates_of(file, collection, count, path)[animal][()], dtype=np.float64)


def stimulus_names(collection: Collection, count: int) -> list[str]:
    """Name the stimuli by their place in the file, which tells no names: ``majajhong_0001`` …."""
    return [f"{collection.name}_{number:04d}" for number in range(1, count + 1)]


def site_names(animal: str, count: int) -> list[str]:
    """Name the sites by their place in the file, which tells no names: ``chabo.left.001`` …."""
    return [f"{animal}.{number:03d}" for number in range(1, count + 1)]


def blocks(array: Any, axis: int) -> Iterator[slice]:
    """Give slices along an axis that need little memory."""
    step = max(1, int(BLOCK_BYTES * array.shape[axis] // max(1, array.size * 8)))
    for start in range(0, array.shape[axis], step):
        yield slice(start, min(start + step, array.shape[axis]))


def _check_axes(rates: Any, collection: Collection, count: int, path: Path) -> None:
    shape = dict(zip(collection.dims, rates.shape, strict=False))
    fits = rates.ndim == 3 and rates.size and shape["stimulus"] == count and rates.dtype.kind in "fiu"
    if not fits or shape.get("time_bin", max(WINDOW_BINS) + 1) <= max(WINDOW_BINS):
        bins = f"at least {max(WINDOW_BINS) + 1} time bins, " if "time_bin" in collection.dims else ""
        raise BadFileError(
            f"Got {_described(rates)} at {rates.name} in {path}: expected numbers as {' × '.join(collection.dims)}, "
            f"{bins}{count} stimuli. Check that it is the file it is called."
        )


def _valid_mean(block: np.ndarray, first: int, sites: list[str], path: Path) -> np.ndarray:
    valid = ~np.isnan(block)
    counts = valid.sum(axis=-1)
    wrong = (counts == 0) | np.isinf(block).any(axis=-1)
    if wrong.any():
        stimulus, site = np.argwhere(wrong)[0]
        reason = "no valid value" if counts[stimulus, site] == 0 else "an infinite value"
        raise BadFileError(
            f"Got {reason} of site {sites[site]} for stimulus {first + stimulus} in {path}, and likewise for "
            f"{int(wrong.any(axis=0).sum())} sites in all: expected finite responses to every stimulus. Get the file "
            "again, or leave the sites out of it."
        )
    total: np.ndarray = np.where(valid, block, 0).sum(axis=-1)
    return total / counts


def _one_each(file: Any, key: str, count: int, path: Path) -> np.ndarray | None:
    if key not in file:
        return None
    values = np.asarray(file[key][()])
    if values.shape != (count,) or (key == "var" and (values.dtype.kind not in "fiu" or not np.isfinite(values).all())):
        raise BadFileError(
            f"Got {_described(values)} as {key!r} in {path}: expected one value for each of the {count} stimuli. Check "
            "that it is the file it is called."
        )
    return values


def _described(found: Any) -> str:
    shape = getattr(found, "shape", None)
    return type(found).__name__ if shape is None else f"{' × '.join(map(str, shape)) or 'one value'} {found.dtype}"
