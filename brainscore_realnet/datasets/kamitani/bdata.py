"""BData files of the Kamitani laboratory (HDF5): samples × columns, and what each column is.

``/dataset`` (samples × columns, float) and ``/metadata`` {``key``, ``description``, ``value``: keys × columns, with NaN
where a key does not apply}; ``/vmap/<key>/<number as text>`` names the numbers in a key's column. Older files have
``/dataSet`` and ``/metaData``. ``/header`` is of no use here and may be absent. The layout is that of
BrainDecoderToolbox2 and bdpy.
"""

import contextlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError

_DATA_NAMES = ("dataset", "dataSet")
_METADATA_NAMES = ("metadata", "metaData")
_OTHER_KINDS = {b"MATLAB": "a MATLAB file", b"PK": "a zip archive", b"<": "a web page", b"\x1f\x8b": "a gzip file"}
_BLOCK_BYTES = 8 * 2**20
_SPARE = 0.1
"""So much more than what is wanted may be read to read in fewer pieces."""


@dataclass(frozen=True)
class BData:
    """What a BData file says of itself; its values are read on demand and the file is not kept open."""

    path: Path
    n_samples: int
    n_columns: int
    keys: tuple[str, ...]
    """Metadata keys in the file's order"""
    values: np.ndarray = field(repr=False)
    """(keys, columns), float64, NaN where a key does not apply to a column"""
    vmaps: dict[str, dict[float, str]] = field(repr=False)
    """Names of the numbers in a key's column, by key"""

    def columns(self, key: str) -> np.ndarray:
        """Give the columns that a key marks with 1: ascending, int64, empty when the file does not have the key."""
        if key not in self.keys:
            return np.array([], dtype=np.int64)
        return np.flatnonzero(self.values[self.keys.index(key)] == 1)

    def metadata(self, key: str) -> np.ndarray | None:
        """Give a key's value for each column, shape (columns,), float64, or None when there is no such key."""
        return self.values[self.keys.index(key)] if key in self.keys else None

    def select(self, key: str) -> np.ndarray:
        """Read the columns that a key marks with 1, shape (samples, marked columns), float64, NaN as it stands.

        Raises
        ------
        BadFileError
            The file cannot be read any more.
        """
        return read_columns(self.path, self.columns(key), finite=False)


def open_bdata(path: str | Path) -> BData:
    """Read everything of a BData file but its values.

    Raises
    ------
    MissingDataError
        There is no such file.
    BadFileError
        It is no BData file: the message says what it is instead.
    """
    path = Path(path)
    with _opened(path) as file:
        data = _dataset(file, path)
        keys, values = _metadata(file, data.shape[1], path)
        return BData(path, data.shape[0], data.shape[1], keys, values, _vmaps(file, path))


def read_columns(
    path: str | Path, columns: Sequence[int] | np.ndarray, samples: np.ndarray | None = None, finite: bool = True
) -> np.ndarray:
    """Read some columns of some samples, and little more than these.

    Parameters
    ----------
    path : path
        A BData file.
    columns : sequence of int
        Different and ascending, counted from 0.
    samples : ndarray of int, shape (n,), optional
        Which samples, counted from 0, in any order and with repeats; all of them by default.
    finite : bool
        Refuse NaN and infinite values.

    Returns
    -------
    ndarray, shape (n, columns), float64

    Raises
    ------
    MissingDataError
        There is no such file.
    BadFileError
        It is no BData file, is too small for these columns or samples, or a value is NaN or infinite (its
        place is named).
    BadInputError
        The columns are not ascending.
    """
    columns = np.asarray(columns, dtype=np.int64)
    if columns.size and (columns[0] < 0 or (np.diff(columns) <= 0).any()):
        raise BadInputError(f"Got columns {columns[:5]} …: expected different ones from 0, ascending.")
    path = Path(path)
    with _opened(path) as file:
        data = _dataset(file, path)
        samples = np.arange(data.shape[0]) if samples is None else np.asarray(samples, dtype=np.int64)
        wanted, place_of = np.unique(samples, return_inverse=True)
        largest = (int(wanted[-1]) if wanted.size else -1, int(columns[-1]) if columns.size else -1)
        if largest[0] >= data.shape[0] or largest[1] >= data.shape[1]:
            raise BadFileError(
                f"Got {data.shape[0]} samples × {data.shape[1]} columns in {path}: expected more than {largest[0]} and "
                f"{largest[1]}. The file has changed; register it again."
            )
        values = np.empty((len(wanted), len(columns)))
        for rows, block in _blocks(data, wanted, columns):
            if finite:
                _check_finite(block, wanted[rows], columns, path)
            values[rows] = block
    return values if np.array_equal(wanted, samples) else values[place_of.reshape(samples.shape)]


def runs(columns: np.ndarray) -> list[tuple[int, int]]:
    """Give ascending column numbers as runs ``(first, end)``, end not included."""
    columns = np.asarray(columns, dtype=np.int64)
    if not columns.size:
        return []
    breaks = np.flatnonzero(np.diff(columns) > 1)
    firsts, lasts = columns[np.r_[0, breaks + 1]], columns[np.r_[breaks, columns.size - 1]]
    return [(int(first), int(last) + 1) for first, last in zip(firsts, lasts, strict=True)]


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open an HDF5 file so that narrow reads stay narrow, and explain what cannot be opened or read."""
    import h5py

    try:
        with open(path, "rb") as plain:
            start = plain.read(16).lstrip()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingDataError(f"Got no file at {path}: expected a BData file (.h5). Check the path.") from error
    except OSError as error:
        raise BadFileError(f"Got {path}, which cannot be read ({error.strerror}). Check its permissions.") from error
    access = h5py.h5p.create(h5py.h5p.FILE_ACCESS)
    # HDF5 otherwise reads 64 KiB for every row segment of a contiguous dataset: nearly the whole file
    access.set_sieve_buf_size(1)
    access.set_file_locking(False, True)  # only read, and some network and read-only file systems know no locks
    try:
        with h5py.File(h5py.h5f.open(bytes(path), h5py.h5f.ACC_RDONLY, fapl=access)) as file:
            yield file
    except (OSError, RuntimeError, KeyError) as error:
        kind = next((kind for magic, kind in _OTHER_KINDS.items() if start.startswith(magic)), "")
        found = f"{kind} ({start!r} …)" if kind else f"a file that HDF5 cannot read ({error})"
        raise _bad(path, found) from error


def _dataset(file: Any, path: Path) -> Any:
    import h5py

    name = next((name for name in _DATA_NAMES if name in file), None)
    if name is None:
        raise _bad(path, f"an HDF5 file that holds {', '.join(sorted(file)) or 'nothing'} and no dataset")
    data = file[name]
    if not isinstance(data, h5py.Dataset) or data.dtype.kind not in "fiu":
        raise _bad(path, f"'{name}' that is no array of numbers")
    if data.ndim != 2 or 0 in data.shape:
        raise _bad(path, f"'{name}' of shape {data.shape}")
    return data


def _metadata(file: Any, n_columns: int, path: Path) -> tuple[tuple[str, ...], np.ndarray]:
    import h5py

    name = next((name for name in _METADATA_NAMES if name in file), None)
    group = file[name] if name else None
    if not isinstance(group, h5py.Group) or not {"key", "value"} <= set(group):
        raise _bad(path, f"no metadata with 'key' and 'value' beside {', '.join(sorted(file))}")
    keys = tuple(_text(key) for key in np.ravel(group["key"][()]))
    value = group["value"]
    if value.shape != (len(keys), n_columns) or value.dtype.kind not in "fiu":
        raise _bad(
            path, f"metadata values of shape {value.shape} for {len(keys)} keys and {n_columns} columns of the dataset"
        )
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _bad(path, f"the metadata key {twice!r} more than once")
    return keys, np.asarray(value[()], dtype=np.float64)


def _vmaps(file: Any, path: Path) -> dict[str, dict[float, str]]:
    import h5py

    if "vmap" not in file:
        return {}
    vmaps = {}
    for key, group in file["vmap"].items():
        if not isinstance(group, h5py.Group):
            raise _bad(path, f"'vmap/{key}' that is no group")
        try:
            vmaps[key] = {float(number): _text(np.ravel(label[()])[0]) for number, label in group.items()}
        except (ValueError, AttributeError, IndexError, TypeError) as error:
            raise _bad(path, f"a 'vmap/{key}' that does not name numbers ({error})") from error
    return vmaps


def _text(value: Any) -> str:
    """Give text that was stored as bytes or str, of fixed or variable length."""
    return value.decode("utf-8", "replace").rstrip("\0") if isinstance(value, bytes) else str(value)


def _blocks(data: Any, samples: np.ndarray, columns: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Read band by band of samples; give which of the samples a band holds, and their values at the columns."""
    spans = _chunk_spans(columns, data.chunks[1]) if data.chunks else _merged_spans(columns)
    height = _band_height(data, max(len(columns), 1))
    for first_row in range(0, data.shape[0], height):
        begin, end = (int(place) for place in np.searchsorted(samples, (first_row, first_row + height)))
        if begin == end:
            continue
        rows = samples[begin:end]
        block = np.empty((len(rows), len(columns)))
        for first, last in spans:
            here = slice(*np.searchsorted(columns, (first, last)))
            piece = data[rows[0] : rows[-1] + 1, first:last]
            block[:, here] = piece[np.ix_(rows - rows[0], columns[here] - first)]
        yield slice(begin, end), block


def _band_height(data: Any, width: int) -> int:
    """Give how many samples are read at once: the height of a chunk, or what fits a block of memory."""
    if data.chunks:
        return int(data.chunks[0])
    return max(1, _BLOCK_BYTES // (data.dtype.itemsize * width))


def _merged_spans(columns: np.ndarray) -> list[tuple[int, int]]:
    """Give the runs to read from contiguous data: the smallest gaps are read over, as far as ``_SPARE`` allows."""
    pieces = runs(columns)
    gaps = np.array([after[0] - before[1] for before, after in itertools.pairwise(pieces)], dtype=np.int64)
    order = np.argsort(gaps, kind="stable")
    closed = set(order[np.cumsum(gaps[order]) <= _SPARE * len(columns)].tolist())
    spans = pieces[:1]
    for index, piece in enumerate(pieces[1:]):
        if index in closed:
            spans[-1] = (spans[-1][0], piece[1])
        else:
            spans.append(piece)
    return spans


def _chunk_spans(columns: np.ndarray, width: int) -> list[tuple[int, int]]:
    """Give the span of the columns in each chunk, so that a chunk is read (and decompressed) once."""
    edges = np.flatnonzero(np.diff(columns // width)) + 1
    return [(int(part[0]), int(part[-1]) + 1) for part in np.split(columns, edges) if part.size]


def _check_finite(block: np.ndarray, samples: np.ndarray, columns: np.ndarray, path: Path) -> None:
    bad = ~np.isfinite(block)
    if bad.any():
        row, column = (int(index) for index in np.argwhere(bad)[0])
        raise BadFileError(
            f"Got {int(bad.sum())} NaN or infinite values in {path}, the first at sample {samples[row]}, column "
            f"{columns[column]} (counted from 0): expected finite numbers. Download it again."
        )


def _bad(path: Path, found: str) -> BadFileError:
    return BadFileError(
        f"Got {path} ({path.stat().st_size} bytes), which is or has {found}: expected a BData file, HDF5 with "
        "'dataset' (samples × columns) and 'metadata' {key, value}. Download it again."
    )
