"""Content hashes of bytes, files and arrays."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.errors import BadInputError, MissingDataError

BLOCK_BYTES = 16 * 2**20
ALGORITHMS = ("sha256", "sha1", "md5")


def sha256_bytes(*chunks: bytes) -> str:
    """Hash the concatenation of byte strings; 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return digest.hexdigest()


def file_hash(path: str | Path, algorithm: str) -> str:
    """Hash a file's content with sha256, sha1 or md5; hexadecimal digits.

    Raises
    ------
    BadInputError
        The algorithm is not one of the three.
    MissingDataError
        There is no such file.
    """
    if algorithm not in ALGORITHMS:
        raise BadInputError(f"Got hash algorithm {algorithm!r}: expected one of {', '.join(ALGORITHMS)}.")
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, algorithm).hexdigest()
    except (FileNotFoundError, IsADirectoryError) as error:
        raise MissingDataError(f"Got no file at {path}: expected one to hash. Check the path.") from error


def sha256_file(path: str | Path) -> str:
    """Hash a file's content; 64 hexadecimal digits. Raises MissingDataError when there is no such file."""
    return file_hash(path, "sha256")


def sha256_files(paths: Iterable[str | Path]) -> str:
    """Hash the contents of several files in their order, whatever they are called.

    Returns
    -------
    str
        SHA-256 of the concatenated 32-byte digests, so that moving bytes from one file to the next changes it.
    """
    return sha256_bytes(*(bytes.fromhex(sha256_file(path)) for path in paths))


def sha256_array(array: np.ndarray) -> str:
    """Hash an array's dtype, shape and values.

    Memory order and byte order do not matter: the bytes hashed are little-endian and in C order. Memory-mapped arrays
    are read block by block.

    Parameters
    ----------
    array : ndarray, any shape
        Any dtype but object.

    Raises
    ------
    BadInputError
        The array holds Python objects.
    """
    array = np.asanyarray(array)
    digest = hashlib.sha256(f"{array.dtype.newbyteorder('<').str}{array.shape}".encode())
    for block in array_blocks(array):
        digest.update(block)
    return digest.hexdigest()


def array_blocks(array: np.ndarray) -> Iterator[memoryview]:
    """Give an array's bytes, little-endian and in C order, in blocks that need little memory.

    Raises
    ------
    BadInputError
        The array holds Python objects.
    """
    if array.dtype.hasobject:
        raise BadInputError(
            f"Got an array of dtype {array.dtype}: expected numbers or fixed-width text. Convert it first."
        )
    if array.size == 0:
        return
    rows: np.ndarray[Any, Any] = array if array.ndim else array.reshape(1)
    dtype = array.dtype.newbyteorder("<")
    step = max(1, BLOCK_BYTES // max(1, rows[0].nbytes))
    for start in range(0, len(rows), step):
        block = np.ascontiguousarray(rows[start : start + step], dtype=dtype)
        yield block.reshape(-1).view(np.uint8).data
