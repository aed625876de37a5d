"""Reading Brain-Score's public file ``assy_dicarlo_MajajHong2015_public.nc``: every presentation of 3200 images.

One variable, presentation × neuroid × time_bin (70 to 170 ms), with coordinates ``image_id`` (or ``stimulus_id``),
``variation``, ``category_name``; ``animal`` and ``region`` (IT and V4) a neuroid.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.errors import BadFileError, MissingDataError

_BLOCK_BYTES = 32 * 2**20
_WINDOW = (70, 170)


@dataclass(frozen=True)
class Presentations:
    """The file's variable, not read, and what its axes are."""

    values: Any
    """DataArray of presentation and neuroid, in either order"""
    stimuli: tuple[str, ...]
    """Sorted identifiers"""
    rows: np.ndarray
    """(presentations,), which of the stimuli was shown"""
    animals: dict[str, np.ndarray]
    """The neuroids in IT of each animal"""
    sites: np.ndarray
    """(neuroids,), their names"""
    levels: list[int] | None
    """Variation level of each stimulus"""
    categories: list[str] | None
    """Category of each stimulus"""


@contextmanager
def presentations(path: Path) -> Iterator[Presentations]:
    """Open the file and check its form.

    Raises
    ------
    MissingDataError
        There is no such file.
    BadFileError
        It is no netCDF file of that form.
    """
    import xarray

    if not path.is_file():
        raise MissingDataError(f"Got no file {path}: expected macaque recordings there. Add their folder again.")
    try:
        with xarray.open_dataset(path, engine="netcdf4") as file:
            yield _described(file, path)
    except (OSError, ValueError, RuntimeError) as error:
        raise BadFileError(
            f"Got {path} ({path.stat().st_size} bytes), which cannot be read as netCDF ({error}): expected "
            "Brain-Score's public recordings. Get it again."
        ) from error


def mean_rates(found: Presentations, path: Path) -> dict[str, np.ndarray]:
    """Average the presentations of each stimulus, those that are not NaN.

    Returns
    -------
    dict
        By animal (stimuli, sites), float64.

    Raises
    ------
    BadFileError
        A value is infinite, or a site has no valid value for a stimulus; the site is named.
    """
    n_neuroids = found.values.sizes["neuroid"]
    sums = np.zeros((len(found.stimuli), n_neuroids))
    counts = np.zeros((len(found.stimuli), n_neuroids), dtype=np.int64)
    step = max(1, _BLOCK_BYTES // (8 * n_neuroids))
    for start in range(0, len(found.rows), step):
        block = _read(found.values.isel(presentation=slice(start, start + step)))
        valid = ~np.isnan(block)
        np.add.at(sums, found.rows[start : start + step], np.where(valid, block, 0))
        np.add.at(counts, found.rows[start : start + step], valid)
    wrong = (counts == 0) | ~np.isfinite(sums)
    means = {}
    for animal, columns in found.animals.items():
        if wrong[:, columns].any():
            row, column = np.argwhere(wrong[:, columns])[0]
            others = int(wrong[:, columns].any(axis=0).sum()) - 1
            raise BadFileError(
                f"Got no finite mean of site {found.sites[columns[column]]} for stimulus {found.stimuli[row]} in "
                f"{path}, and likewise for {others} other sites of {animal}: expected finite responses to every "
                "stimulus. Get the file again."
            )
        means[animal] = sums[:, columns] / counts[:, columns]
    return means


def read_trials(path: Path, animal: str) -> np.ndarray:
    """Read an animal's responses of single trials: (stimuli, sites, trials), float64, NaN after a stimulus's last."""
    with presentations(path) as found:
        order = np.argsort(found.rows, kind="stable")
        counts = np.bincount(found.rows, minlength=len(found.stimuli))
        trial = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts)
        columns = found.animals[animal]
        trials = np.full((len(found.stimuli), len(columns), counts.max()), np.nan)
        trials[found.rows[order], :, trial] = _read(found.values.isel(neuroid=columns))[order]
    return trials


def _described(file: Any, path: Path) -> Presentations:
    values = _variable(file, path)
    ids, regions, animals = (
        _coordinate(values, names, path) for names in (("stimulus_id", "image_id"), "region", "animal")
    )
    stimuli, first, rows = np.unique(ids, return_index=True, return_inverse=True)
    columns = np.flatnonzero(regions == "IT")
    if not len(columns):
        raise BadFileError(
            f"Got neuroids in {', '.join(sorted(set(regions)))} in {path}: expected some in IT. Get it again."
        )
    named = (
        _coordinate(values, "neuroid_id", path)
        if "neuroid_id" in values.coords
        else np.arange(len(regions)).astype(str)
    )
    return Presentations(
        values=values,
        stimuli=tuple(stimuli.tolist()),
        rows=rows,
        animals={one.lower(): columns[animals[columns] == one] for one in sorted(set(animals[columns]))},
        sites=named,
        levels=None
        if (levels := _of_stimuli(values, "variation", rows, first, path)) is None
        else list(map(int, levels)),
        categories=_of_stimuli(values, "category_name", rows, first, path),
    )


def _read(part: Any) -> np.ndarray:
    """Read a part of the variable as presentation × neuroid; it is turned in memory, as the file's axes may be."""
    values: np.ndarray = part.load().transpose("presentation", "neuroid").values.astype(np.float64)
    return values


def _variable(file: Any, path: Path) -> Any:
    """Give the only variable, without its single time bin."""
    variables = [one for one in file.data_vars.values() if {"presentation", "neuroid"} <= set(one.dims)]
    if len(variables) != 1 or set(variables[0].dims) - {"presentation", "neuroid", "time_bin"} or not variables[0].size:
        there = {name: dict(one.sizes) for name, one in file.data_vars.items()}
        raise BadFileError(
            f"Got variables {there} in {path}: expected one of presentation × neuroid × time_bin. Get it again."
        )
    values = variables[0]
    window = tuple(int(values[name].values[0]) for name in ("time_bin_start", "time_bin_end") if name in values.coords)
    if values.sizes.get("time_bin", 1) != 1 or window not in ((), _WINDOW):
        raise BadFileError(
            f"Got {values.sizes['time_bin']} time bins, the first {window} in {path}: expected one from 70 to 170 ms. "
            "Get the file that is not called temporal."
        )
    return values.isel(time_bin=0) if "time_bin" in values.dims else values


def _coordinate(values: Any, names: str | tuple[str, ...], path: Path) -> np.ndarray:
    for name in (names,) if isinstance(names, str) else names:
        if name in values.coords and values[name].ndim == 1:
            return values[name].values.astype(str)
    raise BadFileError(
        f"Got coordinates {', '.join(map(str, values.coords))} in {path}: expected {names} among them. Get it again."
    )


def _of_stimuli(values: Any, name: str, rows: np.ndarray, first: np.ndarray, path: Path) -> list[Any] | None:
    """Give a coordinate of presentations a stimulus, for which it must always be the same."""
    if name not in values.coords:
        return None
    found = values[name].values
    if (found != found[first][rows]).any():
        raise BadFileError(f"Got one stimulus with different values of {name} in {path}: expected one. Get it again.")
    each: list[Any] = found[first].tolist()
    return each
