"""Images decoded once: one uint8 array in the store, memory-mapped; `training.batches` makes batches of it.

Bit-equal to the reference transform: ``Image.convert("RGB")``, torchvision's ``Resize((size, size))`` of PIL images
(bilinear, antialiased, in uint8; an EXIF orientation is not applied), ``ToTensor`` and ``Normalize``. Models are scored
with the same transform.

The array is (n, size, size, 3), as PIL decodes. Seen as (n, 3, size, size) it is channels-last, the layout in which
convolutions are fastest: no batch is ever transposed.
"""

import hashlib
import io
import logging
import math
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import PIL
import torch
from PIL import Image, ImageFile
from torch import Tensor

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, RealnetError
from brainscore_realnet.store import (
    atomic_file,
    folder,
    lock,
    read_json,
    require_space,
    sha256_bytes,
    sha256_file,
    write_json,
)

FORMAT_VERSION = 1

_BLOCK_IMAGES = 256

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class ImageCache:
    """Decoded images."""

    path: Path
    """The ``.npy`` file in the store."""

    sha256: str
    """Hash of that file: what is computed from these pixels can be kept under it."""

    pixels: Tensor
    """(n, size, size, 3) uint8, RGB: a private view of the memory-mapped file, or a copy on a GPU."""

    def __len__(self) -> int:
        return len(self.pixels)


def image_cache(
    paths: Sequence[str | Path], size: int = 224, *, progress: bool = True, workers: int | None = None
) -> ImageCache:
    """Decode and resize images once, or find them decoded in the store.

    The file is named by the images' contents in their order, the size, the version of this format and that of Pillow.
    It is verified whenever it is opened (about half a second a gigabyte) and made anew when it is damaged. A build that
    was killed leaves nothing that is read; of several processes one builds and the others wait.

    Parameters
    ----------
    paths : sequence of path
        Image files in any format and mode that Pillow reads; may repeat.
    size : int
        Width and height to resize to, in pixels.
    progress : bool
        Show a progress bar while decoding.
    workers : int, optional
        Threads that decode. Default: one for each processor that this process may use.

    Returns
    -------
    ImageCache
        Row i is the image of ``paths[i]``.

    Raises
    ------
    BadInputError
        No paths; a size or a number of workers below 1.
    MissingDataError
        An image is not there.
    BadFileError
        An image cannot be read: truncated, not an image, more than 8 bits a channel, no permission, changed meanwhile.
    StoreError
        Too little space (found before decoding), or the store cannot be written.
    """
    files = [Path(path) for path in paths]
    if not files:
        raise BadInputError("Got no images: expected the paths of at least one. Check the data set's folder.")
    if size < 1 or (workers is not None and workers < 1):
        raise BadInputError(f"Got size {size} and {workers} workers: expected 1 or more of each. Give other numbers.")
    # Pillow frees the interpreter while it decodes and resizes, nine tenths of the time: two threads are 1.8 × as fast
    # as one and faster than two processes, which send the pixels through pipes.
    with ThreadPoolExecutor(workers or _processors()) as pool:
        digests = _content_digests(files, pool)
        identity = sha256_bytes(
            f"{FORMAT_VERSION} {size} {PIL.__version__} ".encode(), *(bytes.fromhex(digest) for digest in digests)
        )
        path = folder("cache") / f"images-{identity[:16]}.npy"
        shape = (len(files), size, size, 3)
        cache = _opened(path, shape)
        if cache is None:
            with lock(path.name):
                cache = _opened(path, shape)
                if cache is None:
                    cache = _built(path, files, digests, size, pool, progress)
    return cache


def _processors() -> int:
    # A cluster gives a job some of a machine's processors.
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _content_digests(files: Sequence[Path], pool: ThreadPoolExecutor) -> list[str]:
    """Hash each image's file; all missing ones are counted before the first is read."""
    missing = [file for file in files if not os.path.isfile(file)]
    if missing:
        raise MissingDataError(
            f"Got no image at {missing[0]} ({len(missing)} of {len(files)} images are missing): expected image files. "
            "Check the paths, or fetch the data set's images again."
        )
    return list(pool.map(lambda file: sha256_bytes(_content(file)), files))


def _content(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise _bad_image(file, error) from error


def _decoded(file: Path, digest: str, size: int) -> bytes:
    """Decode an image whose content was hashed before: size × size × 3 bytes."""
    content = _content(file)
    if sha256_bytes(content) != digest:
        raise BadFileError(
            f"Got other content in {file} than a moment ago: expected images that do not change while they are "
            "decoded. Wait until they are written, then run again."
        )
    try:
        with Image.open(io.BytesIO(content)) as image:
            if image.mode.startswith(("I", "F")):  # Pillow would make every value above 255 white
                raise ValueError(f"mode {image.mode} has more than 8 bits a channel")
            return image.convert("RGB").resize((size, size), Image.Resampling.BILINEAR).tobytes()
    except MemoryError:
        raise
    except Exception as error:  # broken images raise nearly anything
        raise _bad_image(file, error) from error


def _bad_image(file: Path, error: Exception) -> BadFileError:
    return BadFileError(
        f"Got {file}, which cannot be read ({type(error).__name__}: {error}): expected a whole image (JPEG, PNG, …). "
        "Fetch it again from its publisher, or make it readable."
    )


def _built(
    path: Path, files: Sequence[Path], digests: Sequence[str], size: int, pool: ThreadPoolExecutor, progress: bool
) -> ImageCache:
    """Decode all images into a ``.npy`` file, with its sha256 in a card beside it."""
    if path.is_file():
        _logger.warning("%s is damaged or unfinished: decoding the images again", path)
        path.unlink()  # its space may be needed
    shape = (len(files), size, size, 3)
    require_space(path.parent, math.prod(shape))
    sha256 = hashlib.sha256()
    # Written block by block and not into a memory map: there a full disk ends the process.
    with atomic_file(path) as part, open(part, "wb") as file, _whole_images_only():
        for block in _blocks(shape, files, digests, pool, progress):
            file.write(block)
            sha256.update(block)
    write_json(_card(path), {"sha256": sha256.hexdigest(), "images": len(files), "size": size})
    return ImageCache(path, sha256.hexdigest(), _mapped(path))


def _blocks(
    shape: tuple[int, ...], files: Sequence[Path], digests: Sequence[str], pool: ThreadPoolExecutor, progress: bool
) -> Iterator[bytes]:
    """Give the bytes of the ``.npy`` file: the header, then the pixels of a few images at a time."""
    from tqdm import tqdm

    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": shape})
    yield header.getvalue()
    with tqdm(desc="decoding images", total=len(files), unit="image", disable=not progress) as bar:
        for start in range(0, len(files), _BLOCK_IMAGES):
            some = slice(start, start + _BLOCK_IMAGES)
            yield b"".join(pool.map(partial(_decoded, size=shape[1]), files[some], digests[some]))
            bar.update(len(files[some]))


@contextmanager
def _whole_images_only() -> Iterator[None]:
    """Have Pillow refuse truncated images even where a program told it to fill them up with grey."""
    before = ImageFile.LOAD_TRUNCATED_IMAGES
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    try:
        yield
    finally:
        ImageFile.LOAD_TRUNCATED_IMAGES = before


def _opened(path: Path, shape: tuple[int, ...]) -> ImageCache | None:
    """Open a cache file, or give None when there is none or it is not what was written."""
    if not path.is_file():
        return None
    try:
        sha256 = read_json(_card(path))["sha256"]
        if sha256_file(path) == sha256:
            pixels = _mapped(path)
            if pixels.shape == shape:
                return ImageCache(path, sha256, pixels)
    except (RealnetError, OSError, ValueError, TypeError, KeyError) as error:
        _logger.debug("%s: %s", path, error)
    return None


def _mapped(path: Path) -> Tensor:
    # Copy-on-write: torch wants memory that it may write to, and the file must never change.
    return torch.from_numpy(np.load(path, mmap_mode="c"))


def _card(path: Path) -> Path:
    return path.with_suffix(".json")
