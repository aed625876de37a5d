"""Writing so that a reader sees a whole file or none, and locks between processes."""

import contextlib
import errno
import itertools
import json
import logging
import math
import os
import re
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.errors import BadFileError, MissingDataError, StoreError
from brainscore_realnet.store.folders import folder, make_folder, store_error
from brainscore_realnet.store.hashing import array_blocks, sha256_bytes

_logger = logging.getLogger(__name__)
_counter = itertools.count()
_HOST = re.sub(r"[^A-Za-z0-9]", "_", socket.gethostname())[:32] or "host"
_PART = re.compile(r"^\..+\.([A-Za-z0-9_]+)-(\d+)-\d+\.part$")
_EXPECTED_PATH = "Expected a path where a file can be written; choose another."
_FOREIGN_PART_SECONDS = 24 * 3600
_active: set[str] = set()


@contextlib.contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Give a temporary path beside ``path``; what was written there takes its place at the end, or nothing does.

    The file is flushed to disk before it is renamed. On any failure, KeyboardInterrupt included, it is removed; what a
    killed process left behind is swept by the next writer in the same folder.

    Raises
    ------
    StoreError
        No space, no permission, a read-only file system, a file, folder or device in the way.
    """
    path = Path(path)
    _require_no_device(path)
    make_folder(path.parent)
    part = _part(path)
    try:
        with _explained(path):
            _sweep(path.parent)
            yield part
            _flush(part)
            os.replace(part, path)
            _flush_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)
        _active.discard(part.name)


def require_writable(path: str | Path) -> None:
    """Check, before long work, that a file could be written to ``path``; its folder is made if absent.

    Raises
    ------
    StoreError
        It could not be: a folder or device is there, no permission, no space, a read-only file system.
    """
    path = Path(path)
    if path.is_dir():
        raise StoreError(f"Got {path}, which is a folder. {_EXPECTED_PATH}")
    _require_no_device(path)
    probe = _part(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        probe.touch()
    except OSError as error:
        raise StoreError(f"Got {path}, where nothing can be written ({error.strerror}). {_EXPECTED_PATH}") from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink(missing_ok=True)


def _require_no_device(path: Path) -> None:
    """Refuse a path at which a device, pipe or socket is: a file would take the place of it, even of ``/dev/null``."""
    is_open_file = os.path.islink(path) and os.readlink(path).startswith("/proc/")  # as /dev/stdout
    if is_open_file or (os.path.exists(path) and not os.path.isfile(path) and not os.path.isdir(path)):
        raise StoreError(f"Got {path}, which is a device, pipe or socket and no file. {_EXPECTED_PATH}")


@contextlib.contextmanager
def atomic_folder(path: str | Path) -> Iterator[Path]:
    """Give a temporary empty folder beside ``path`` that becomes ``path`` at the end, or disappears on failure.

    When ``path`` exists by then (another process was faster), the existing folder is kept and ours is dropped.

    Raises
    ------
    StoreError
        As `atomic_file`.
    """
    path = Path(path)
    make_folder(path.parent)
    part = _part(path)
    try:
        with _explained(path):
            _sweep(path.parent)
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            yield part
            for file in part.rglob("*"):
                if file.is_file():
                    _flush(file)
            try:
                os.rename(part, path)
            except OSError:
                if not path.is_dir():
                    raise
            _flush_folder(path.parent)
    finally:
        shutil.rmtree(part, ignore_errors=True)
        _active.discard(part.name)


def folder_made_once(path: str | Path, write: Callable[[Path], None]) -> Path:
    """Give a folder, written by ``write`` into an empty one if it is not there; other processes wait meanwhile.

    Raises
    ------
    StoreError
        As `atomic_file`.
    """
    path = Path(path)
    with lock(path.name):
        if not path.is_dir():
            with atomic_folder(path) as unfinished:
                write(unfinished)
    return path


def write_text(path: str | Path, text: str) -> None:
    """Write a UTF-8 text file atomically. Raises StoreError when it cannot be written."""
    with atomic_file(path) as part, open(part, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)


def write_array(path: str | Path, array: np.ndarray) -> None:
    """Write an array of any shape as a plain ``.npy`` file in C order, little-endian, atomically and block by block.

    Raises
    ------
    StoreError
        It cannot be written.
    BadInputError
        It holds Python objects.
    """
    header = {"descr": array.dtype.newbyteorder("<").str, "fortran_order": False, "shape": array.shape}
    with atomic_file(path) as part, open(part, "wb") as file:
        np.lib.format.write_array_header_1_0(file, header)
        for block in array_blocks(array):
            file.write(block)


def write_json(path: str | Path, value: Any) -> None:
    """Write strict JSON atomically; NaN and infinities become null, NumPy scalars and arrays become numbers and lists.

    Raises
    ------
    StoreError
        It cannot be written.
    TypeError
        The value holds something that JSON cannot express.
    """
    write_text(path, json.dumps(_plain(value), indent=2, allow_nan=False, ensure_ascii=False) + "\n")


def read_json(path: str | Path) -> Any:
    """Read a JSON file.

    Raises
    ------
    MissingDataError
        There is no such file.
    BadFileError
        It is not JSON.
    """
    try:
        return json.loads(Path(path).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise MissingDataError(f"Got no file at {path}: expected JSON there. Check the path.") from error
    except ValueError as error:
        raise BadFileError(
            f"Got a broken file {path} ({Path(path).stat().st_size} bytes): expected JSON, {error}. "
            "Delete it and make it anew."
        ) from error


@contextlib.contextmanager
def lock(name: str) -> Iterator[None]:
    """Hold a lock that only one process of this machine can hold at a time; it is released when the process dies.

    Parameters
    ----------
    name : str
        Any text; equal names are one lock.

    Raises
    ------
    StoreError
        The lock's file cannot be made.
    """
    from filelock import FileLock, Timeout

    legible = re.sub(r"[^A-Za-z0-9._-]", "_", name)[:100]
    path = folder("locks") / f"{legible}-{sha256_bytes(name.encode())[:8]}.lock"
    file_lock = FileLock(path)
    with _explained(path):
        try:
            file_lock.acquire(timeout=2)
        except Timeout:
            _logger.warning("waiting for another process that holds %s", path)
            file_lock.acquire()
    try:
        yield
    finally:
        file_lock.release()


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn operating-system errors about this place into StoreError; errors about other files pass."""
    try:
        yield
    except OSError as error:
        named = path if error.filename is None else Path(os.fsdecode(error.filename))
        elsewhere = named.absolute().parent != path.absolute().parent
        if elsewhere and error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise store_error(error, path) or error from error


def _part(path: Path) -> Path:
    """Name a temporary sibling so that a later process can tell whose it was."""
    part = path.with_name(f".{path.name[:100]}.{_HOST}-{os.getpid()}-{next(_counter)}.part")
    _active.add(part.name)
    return part


def _sweep(parent: Path) -> None:
    """Remove what dead processes left half-written in a folder."""
    for entry in parent.glob(".*.part"):
        match = _PART.match(entry.name)
        if match is None or _may_be_alive(match[1], int(match[2]), entry):
            continue
        if entry.is_dir():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                entry.unlink()


def _may_be_alive(host: str, pid: int, entry: Path) -> bool:
    # Another machine's processes cannot be asked (shared file systems), and on Windows os.kill would end the process.
    if host != _HOST or os.name == "nt":
        try:
            return time.time() - entry.stat().st_mtime < _FOREIGN_PART_SECONDS
        except OSError:
            return True
    if pid == os.getpid():  # in containers processes get the same number again and again
        return entry.name in _active
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


def _flush(path: Path) -> None:
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def _flush_folder(path: Path) -> None:
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _plain(value: Any) -> Any:
    """Turn a value into what JSON knows."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
