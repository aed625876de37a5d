"""Reading dictionaries that NumPy pickled into ``.npy`` files, without running what else a pickle may ask for."""

import pickle
from pathlib import Path
from typing import IO, Any

import numpy as np

from brainscore_realnet.errors import BadFileError, MissingDataError, UnsafeFileError

_MAGIC = b"\x93NUMPY"

# NumPy 2 moved numpy.core to numpy._core; files name whichever wrote them.
_NUMPY_GLOBALS = {
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy._core.multiarray", "scalar"),
    ("numpy.core.numeric", "_frombuffer"),
    ("numpy._core.numeric", "_frombuffer"),
}


class _ForeignGlobalError(Exception):
    """The pickle names something that is not NumPy's."""


def _latin1(text: str, encoding: str) -> bytes:
    """Stand in for ``_codecs.encode``, by which pickles of protocol 2 express bytes."""
    if encoding != "latin1":
        raise _ForeignGlobalError(f"_codecs.encode to {encoding}")
    return text.encode("latin1")


class _NumpyUnpickler(pickle.Unpickler):
    """An unpickler that knows NumPy's arrays, dtypes and scalars and nothing else."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("_codecs", "encode"):
            return _latin1
        if (module, name) not in _NUMPY_GLOBALS:
            raise _ForeignGlobalError(f"{module}.{name}")
        if module == "numpy":
            return getattr(np, name)
        return getattr(_numpy_module(module.rsplit(".", 1)[1]), name)


def _numpy_module(name: str) -> Any:
    """Give ``numpy.core.<name>`` under the spelling of the installed NumPy."""
    import importlib

    core = "numpy._core" if np.lib.NumpyVersion(np.__version__) >= "2.0.0" else "numpy.core"
    return importlib.import_module(f"{core}.{name}")


def load_dict_npy(path: str | Path) -> dict[str, Any]:
    """Read a dictionary from a ``.npy`` file.

    Two forms are read: what ``numpy.save`` makes of a dictionary (an object array of one item), and a plain pickle of
    the dictionary that was named ``.npy``. Both may stem from NumPy 1 or 2.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    dict
        Strings, numbers, lists and NumPy arrays, as they were saved. Arrays may be read-only.

    Raises
    ------
    MissingDataError
        There is no such file.
    UnsafeFileError
        The pickle names a global that is not one of NumPy's; nothing of it was executed.
    BadFileError
        The file is truncated, something else (an HTML page, an archive) or holds no dictionary.
    """
    path = Path(path)
    try:
        with open(path, "rb") as file:
            value = _read(file, path)
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingDataError(
            f"Got no file at {path}: expected a dictionary in a .npy file. Check the path."
        ) from error
    except _ForeignGlobalError as error:
        raise UnsafeFileError(
            f"Got {path}, which asks for {error} when it is read: expected NumPy arrays, text and numbers only. "
            "Nothing was executed. Download the file again from its publisher."
        ) from error
    if isinstance(value, np.ndarray) and value.dtype == object and value.size == 1:
        value = value.item()
    if not isinstance(value, dict):
        raise _bad(path, f"it holds {_described(value)}")
    return value


def _read(file: IO[bytes], path: Path) -> Any:
    start = file.read(len(_MAGIC))
    file.seek(0)
    if start.lstrip().startswith((b"<", b"PK")):
        raise _bad(path, f"it starts with {start!r} like a web page or an archive")
    try:
        if start == _MAGIC:
            version = np.lib.format.read_magic(file)
            readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
            shape, _, dtype = readers[version](file)
            if not dtype.hasobject:
                raise _bad(path, f"it holds a plain array of dtype {dtype} and shape {shape}")
        return _NumpyUnpickler(file, encoding="latin1").load()
    except (BadFileError, _ForeignGlobalError, OSError):
        raise
    except Exception as error:  # a broken pickle raises nearly anything
        raise _bad(path, f"reading ended in {type(error).__name__}: {error}") from error


def _described(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of dtype {value.dtype} and shape {value.shape}"
    return f"a value of type {type(value).__name__}"


def _bad(path: Path, what: str) -> BadFileError:
    return BadFileError(
        f"Got {path} ({path.stat().st_size} bytes), but {what}: expected a dictionary saved with numpy.save. "
        "The file may be truncated or another one; download it again."
    )
