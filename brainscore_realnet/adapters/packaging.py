"""Stimulus sets and assemblies as the files that Brain-Score's own loaders read: ``.csv`` + ``.zip`` and ``.nc``.

The bytes follow from the content alone: not from hash seeds, dates, file times or the order in which columns and
coordinates were added. Only another release of the netCDF library writes other bytes: it signs its files.
"""

import shutil
import stat
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from brainscore_core.supported_data_standards.brainio.assemblies import DataAssembly
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store import atomic_file, file_hash

BUCKET = "brainscore-storage/brainio-brainscore"
"""Where Brain-Score keeps its own data sets; offline, files in ``BRAINIO_HOME`` go before it."""

_FIRST_COLUMNS = ("stimulus_id", "filename")
# Brain-Score's packaging leaves these out too: they are about the machine that packaged.
_COLUMNS_LEFT_OUT = {"stimulus_current_local_file_path", "stimulus_path_within_store"}
_REQUIRED_COORDINATES = {
    # With fewer, Brain-Score's xarray loses the coordinate's name on reading, or the dimension's on selecting.
    "presentation": (2, {"stimulus_id"}),
    "neuroid": (3, {"neuroid_id"}),
    "time_bin": (2, {"time_bin_start", "time_bin_end"}),
}
_DTYPES = {
    f"{kind}{size}" for kind, sizes in {"i": (1, 2, 4, 8), "u": (1, 2, 4, 8), "f": (4, 8)}.items() for size in sizes
}
_FIXED_DATE = (1980, 1, 1, 0, 0, 0)
_VERSION_ID = "null"


@dataclass(frozen=True)
class Packaged:
    """One stimulus set or assembly in files."""

    identifier: str
    """As in Brain-Score's registries and loaders"""
    files: tuple[Path, ...]
    """``.csv`` and ``.zip`` of a stimulus set, ``.nc`` of an assembly"""
    sha1s: tuple[str, ...]
    """40 hexadecimal digits a file"""

    def loading_arguments(self, bucket: str = BUCKET) -> dict[str, str]:
        """Give what ``load_stimulus_set_from_s3`` or ``load_assembly_from_s3`` take; the latter also wants ``cls``.

        Parameters
        ----------
        bucket : str
            Where the files were uploaded, a folder after ``/`` included; without meaning offline.
        """
        arguments = {"identifier": self.identifier, "bucket": bucket}
        if len(self.files) == 1:
            return {**arguments, "version_id": _VERSION_ID, "sha1": self.sha1s[0]}
        for path, sha1 in zip(self.files, self.sha1s, strict=True):
            kind = path.suffix.removeprefix(".")
            arguments |= {f"{kind}_sha1": sha1, f"{kind}_version_id": _VERSION_ID}
        return arguments


def package_stimulus_set(stimuli: StimulusSet, folder: str | Path) -> Packaged:
    """Write ``stimulus_<identifier>.csv`` and a flat ``stimulus_<identifier>.zip`` of the images.

    Parameters
    ----------
    stimuli : StimulusSet
        With ``identifier``, ``stimulus_paths`` and a column ``stimulus_id``; it is left as it is. The table keeps its
        order of rows; its columns are ``stimulus_id``, ``filename`` and the others by name.
    folder : path
        Made if absent; files there are replaced, each at once.

    Raises
    ------
    BadInputError
        No usable identifier; stimuli that share an identifier or a file name; an identifier that is missing; a value
        that ``pandas.read_csv``, with which Brain-Score reads the table, would change.
    MissingDataError
        An image is not there.
    StoreError
        The folder cannot be written.
    """
    identifier = _identifier(getattr(stimuli, "identifier", None), "StimulusSet.identifier")
    images = _images(stimuli, identifier)
    table = _table(stimuli, [path.name for path in images], identifier)
    csv_path, zip_path = (Path(folder) / f"{_stem('stimulus', identifier)}.{kind}" for kind in ("csv", "zip"))
    with atomic_file(csv_path) as part:
        table.to_csv(part, index=False, lineterminator="\n", encoding="utf-8")
        _check_reading(table, pd.read_csv(part), identifier)
    with atomic_file(zip_path) as part, zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(images, key=lambda path: path.name):
            _add(archive, path)
    return _packaged(identifier, csv_path, zip_path)


def package_assembly(assembly: DataAssembly, folder: str | Path) -> Packaged:
    """Write ``assy_<identifier>.nc``.

    Parameters
    ----------
    assembly : DataAssembly, presentation × neuroid or presentation × neuroid × time_bin
        With ``attrs["identifier"]`` and the coordinates that Brain-Score needs; it is left as it is. Memory-mapped
        values are not copied. Attributes that hold tables, such as ``stimulus_set``, or None are left out.
    folder : path
        Made if absent; a file there is replaced at once.

    Raises
    ------
    BadInputError
        No usable identifier, other dimensions, too few coordinates, coordinates or attributes that netCDF cannot hold,
        missing identifiers.
    StoreError
        The folder cannot be written.
    """
    identifier = _identifier(assembly.attrs.get("identifier"), "attrs['identifier']")
    dataset = _dataset(assembly, identifier)
    path = Path(folder) / f"{_stem('assy', identifier)}.nc"
    with atomic_file(path) as part:
        dataset.to_netcdf(
            part,
            format="NETCDF4",
            engine="netcdf4",
            encoding={name: _encoding(dataset[name]) for name in dataset.variables},
        )
    return _packaged(identifier, path)


def into_brainio_home(packaged: Packaged, home: str | Path) -> list[Path]:
    """Copy packaged files to ``<home>/<sha1>/<file name>``, where Brain-Score's loaders find them without a network.

    Parameters
    ----------
    packaged : Packaged
    home : path
        The folder in the environment variable ``BRAINIO_HOME``.

    Returns
    -------
    list of Path
        The copies.

    Raises
    ------
    MissingDataError
        A packaged file is gone.
    BadFileError
        A packaged file was changed since.
    StoreError
        The folder cannot be written.
    """
    copies = []
    for path, sha1 in zip(packaged.files, packaged.sha1s, strict=True):
        copy = Path(home) / sha1 / path.name
        if not copy.is_file() or file_hash(copy, "sha1") != sha1:
            found = file_hash(path, "sha1")
            if found != sha1:
                raise BadFileError(
                    f"Got {path} with sha1 {found}: expected {sha1}. Package {packaged.identifier} again."
                )
            with atomic_file(copy) as part:
                shutil.copyfile(path, part)
        copies.append(copy)
    return copies


def _identifier(identifier: Any, where: str) -> str:
    if (
        not isinstance(identifier, str)
        or not identifier
        or set(identifier) & set('/\\:*?"<>|\0')
        or identifier[0] == "."
    ):
        raise BadInputError(
            f"Got {where} {identifier!r}: expected text that can be part of a file name, such as 'ThingsEEG2_test'."
        )
    return identifier


def _stem(prefix: str, identifier: str) -> str:
    return f"{prefix}_{identifier.replace('.', '_')}"


def _packaged(identifier: str, *files: Path) -> Packaged:
    return Packaged(identifier, files, tuple(file_hash(path, "sha1") for path in files))


def _images(stimuli: StimulusSet, identifier: str) -> list[Path]:
    """Give the image of every row, all there and all of different names."""
    if "stimulus_id" not in stimuli.columns or not len(stimuli):
        raise BadInputError(
            f"{identifier}: got {len(stimuli)} stimuli with columns {list(stimuli.columns)}; expected at least one "
            "and a column stimulus_id."
        )
    ids = stimuli["stimulus_id"]
    if ids.isna().any():
        raise BadInputError(
            f"{identifier}: got {int(ids.isna().sum())} stimuli without a stimulus_id; name all of them."
        )
    paths: Mapping[Any, Any] = getattr(stimuli, "stimulus_paths", None) or {}
    missing = [f"{one} ({paths.get(one)})" for one in ids if one not in paths or not Path(paths[one]).is_file()]
    if missing:
        raise MissingDataError(
            f"{identifier}: got no images for {len(missing)} of {len(ids)} stimuli, the first {missing[0]}; expected "
            "all files in stimulus_paths. Check that their folder is still there."
        )
    images = [Path(paths[one]) for one in ids]
    _refuse_repeated("stimulus_id", list(ids), identifier)
    # Files that differ by case only overwrite one another where file systems ignore it.
    _refuse_repeated("file name", [path.name.casefold() for path in images], identifier)
    odd = [path.name for path in images if path.suffix.lower() in (".csv", ".zip") or "\\" in path.name]
    if odd:
        raise BadInputError(
            f"{identifier}: got file name {odd[0]!r}; Brain-Score's loader takes .csv and .zip for its own files and "
            "reads backslashes as folders. Rename the image."
        )
    return images


def _refuse_repeated(what: str, values: list[Any], identifier: str) -> None:
    repeated = pd.Series(values, dtype=object)
    repeated = repeated[repeated.duplicated()]
    if len(repeated):
        raise BadInputError(
            f"{identifier}: {repeated.nunique()} values of {what} occur more than once, the first "
            f"{repeated.iloc[0]!r}; expected one of its own for every stimulus, whatever the case of its letters."
        )


def _table(stimuli: StimulusSet, file_names: list[str], identifier: str) -> pd.DataFrame:
    """Give the columns in their fixed order, as a plain table of its own."""
    if stimuli.columns.duplicated().any() or not all(isinstance(column, str) for column in stimuli.columns):
        raise BadInputError(f"{identifier}: got columns {list(stimuli.columns)}; expected different names of text.")
    others = sorted(set(stimuli.columns) - {*_FIRST_COLUMNS, *_COLUMNS_LEFT_OUT})
    columns = {"stimulus_id": stimuli["stimulus_id"].to_numpy(), "filename": file_names}
    return pd.DataFrame({**columns, **{column: stimuli[column].to_numpy() for column in others}})


def _check_reading(written: pd.DataFrame, read: pd.DataFrame, identifier: str) -> None:
    """Refuse values that the text of a table does not keep: '007' becomes 7, 'NA' and '' become missing."""
    for column in written:
        before, after = written[column], read[column]
        changed = before.isna() != after.isna()
        if before.dtype.kind == "f" and column != "stimulus_id":
            changed |= ~np.isclose(before, after.astype(float), rtol=1e-12, atol=0, equal_nan=True)
        else:
            changed |= (before.astype(object) != after.astype(object)) & before.notna()
        if changed.any():
            row = int(changed.to_numpy().argmax())
            raise BadInputError(
                f"{identifier}: got {before[row]!r} in column {column}, which Brain-Score would read from the table as "
                f"{after[row]!r}. Expected values that stay: rename them, or leave the column out."
            )


def _add(archive: zipfile.ZipFile, path: Path) -> None:
    """Store a file under its name, with nothing of the machine: no date, no owner, no permissions of its own."""
    entry = zipfile.ZipInfo(path.name, _FIXED_DATE)
    entry.compress_type = zipfile.ZIP_STORED
    entry.create_system = 3
    entry.external_attr = (stat.S_IFREG | 0o644) << 16
    entry.file_size = path.stat().st_size
    with open(path, "rb") as source, archive.open(entry, "w") as target:
        shutil.copyfileobj(source, target, 2**20)


def _dataset(assembly: DataAssembly, identifier: str) -> xr.Dataset:
    """Give the assembly as plain variables in a fixed order, without a copy of its values."""
    plain = assembly.reset_index(list(assembly.indexes))
    coordinates = {str(name): plain.coords[name].variable for name in plain.coords}
    _check_form(plain, coordinates, identifier)
    # Made anew and not lazy: what was read from a file would be written in its encoding, and after the rest.
    values = xr.Variable(plain.dims, plain.values, dict(_attributes(assembly.attrs, identifier)))
    # xarray would list them in the order of a set.
    values.encoding["coordinates"] = " ".join(sorted(coordinates))
    made = {name: xr.Variable(one.dims, one.values) for name, one in sorted(coordinates.items())}
    return xr.Dataset({"data": values}, coords=made)


def _check_form(plain: xr.DataArray, coordinates: dict[str, xr.Variable], identifier: str) -> None:
    dims = set(plain.dims)
    if dims not in ({"presentation", "neuroid"}, set(_REQUIRED_COORDINATES)) or not plain.size:
        raise BadInputError(
            f"{identifier}: got dimensions {dict(plain.sizes)}; expected presentation, neuroid and perhaps time_bin, "
            "none of them empty."
        )
    if f"{plain.dtype.kind}{plain.dtype.itemsize}" not in _DTYPES:
        raise BadInputError(f"{identifier}: got values of {plain.dtype}; expected integers or float32 or float64.")
    for dim, (count, names) in _REQUIRED_COORDINATES.items():
        found = {name for name, one in coordinates.items() if one.dims == (dim,)}
        if dim in dims and (len(found) < count or not names <= found):
            raise BadInputError(
                f"{identifier}: got coordinates {sorted(found)} on {dim}; expected at least {count}, among them "
                f"{', '.join(sorted(names))}: with fewer Brain-Score's reader loses names."
            )
    for name, one in coordinates.items():
        values = one.values
        texts = values.dtype.kind == "U" or all(isinstance(value, str) for value in values.flat)
        if any(mark.isspace() for mark in name) or not (texts or values.dtype.kind in "iufb"):
            raise BadInputError(
                f"{identifier}: got coordinate {name!r} of {values.dtype}; expected a name without spaces and text "
                "only, numbers only or truth values only, none of them missing. Convert or leave it out."
            )
        if name in ("stimulus_id", "neuroid_id") and values.dtype.kind == "f" and np.isnan(values).any():
            raise BadInputError(f"{identifier}: got NaN in {name}; expected an identifier everywhere.")


def _attributes(attributes: Mapping[Any, Any], identifier: str) -> Iterator[tuple[str, Any]]:
    for name, value in sorted(attributes.items(), key=lambda item: str(item[0])):
        if value is None or isinstance(value, pd.DataFrame | xr.DataArray):
            continue
        if isinstance(value, bool) or not isinstance(value, str | int | float | np.integer | np.floating):
            raise BadInputError(
                f"{identifier}: got attribute {name!r} of {type(value).__name__}; expected text or a number. Convert "
                "it or leave it out."
            )
        yield str(name), value


def _encoding(one: xr.DataArray) -> dict[str, Any]:
    # Otherwise xarray declares a fill value for floats.
    return {"_FillValue": None} if one.dtype.kind == "f" else {}
