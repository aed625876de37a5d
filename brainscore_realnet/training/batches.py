"""Normalised batches of decoded images on any device, bit-equal to the reference transform."""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache, partial
from time import perf_counter
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD
from brainscore_realnet.training.images import ImageCache

RESIDENT_FRACTION = 0.25
"""Share of a GPU's free memory that the images may take; the rest is for the network and its optimiser."""

_BATCHES_AHEAD = 4

_logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")


def to_device(cache: ImageCache, device: str | torch.device, fraction: float = RESIDENT_FRACTION) -> ImageCache:
    """Copy all images to a GPU if they fit into a fraction of its free memory, otherwise leave them where they are.

    `batches` then reads the GPU's copy, or the memory map through pinned memory.

    Parameters
    ----------
    cache : ImageCache
    device : str or torch.device
        On any but a CUDA device the memory map itself is used.
    fraction : float
        Of the memory that is free now.
    """
    device = torch.device(device)
    if device.type != "cuda":
        return cache
    free, _ = torch.cuda.mem_get_info(device)
    if cache.pixels.nbytes > fraction * free:
        sizes = cache.pixels.nbytes / 1e9, free / 1e9
        _logger.info("images stay in main memory: %.1f GB are too much beside %.1f GB of free GPU memory", *sizes)
        return cache
    return replace(cache, pixels=cache.pixels.to(device))


def batches(
    cache: ImageCache,
    order: Sequence[int] | np.ndarray | Tensor,
    batch_size: int,
    device: str | torch.device,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
) -> Iterator[Tensor]:
    """Give normalised images in an order, batch after batch; the last one may be smaller.

    Parameters
    ----------
    cache : ImageCache
        From `image_cache`, or from `to_device` for a GPU.
    order : sequence of int, (m,)
        Rows of the cache; may repeat.
    batch_size : int
    device : str or torch.device
        Where the batches are wanted.
    mean, std : sequence of 3 float
        Statistics of the channels, RGB in 0 … 1.

    Returns
    -------
    iterator of Tensor, (batch, 3, size, size)
        float32, channels-last, on ``device``.

    Raises
    ------
    BadInputError
        (At the call.) The order is not of whole numbers from 0 to n − 1, or the batch size is below 1.
    """
    rows = _checked_order(order, len(cache))
    if batch_size < 1:
        raise BadInputError(f"Got batch size {batch_size}: expected 1 or more. Give another number.")
    device = torch.device(device)
    rows = rows.to(cache.pixels.device)  # once, not batch by batch: each transfer would wait for the GPU
    parts = [rows[start : start + batch_size] for start in range(0, len(rows), batch_size)]
    if cache.pixels.device.type == "cpu" and device.type == "cuda":
        loaded = _ahead(partial(_pinned, cache.pixels, device), parts)
    else:
        loaded = (cache.pixels.index_select(0, part) for part in parts)
    return (normalised(batch.to(device, non_blocking=True), mean, std) for batch in loaded)


def normalised(batch: Tensor, mean: Sequence[float] = IMAGENET_MEAN, std: Sequence[float] = IMAGENET_STD) -> Tensor:
    """Turn pixels into a network's input, bit-equal to torchvision's ToTensor and Normalize.

        y = (x / 255 − mean) / std

    Values are looked up among the 256 that each channel can have, which were computed on the CPU: GPUs divide by
    multiplying with a rounded reciprocal, and compilers fuse what should be rounded twice.

    Parameters
    ----------
    batch : Tensor, (n, height, width, 3)
        uint8, on any device.
    mean, std : sequence of 3 float
        Statistics of the channels, RGB in 0 … 1.

    Returns
    -------
    Tensor, (n, 3, height, width)
        float32, channels-last, on the batch's device.

    Raises
    ------
    BadInputError
        Another shape or dtype; a mean or std that is not three finite numbers (std: above 0).
    """
    if batch.dtype != torch.uint8 or batch.ndim != 4 or batch.shape[3] != 3:
        raise BadInputError(
            f"Got a batch of shape {tuple(batch.shape)} and dtype {batch.dtype}: expected (n, height, width, 3) of "
            "torch.uint8. Take rows of ImageCache.pixels."
        )
    table, starts = _lookup(tuple(mean), tuple(std), batch.device)
    values = table.index_select(0, (batch.to(torch.int32) + starts).view(-1))
    return values.view(batch.shape).permute(0, 3, 1, 2)


def loading_seconds(cache: ImageCache, device: str | torch.device, batch_size: int = 16, n_batches: int = 50) -> float:
    """Measure the mean time that `batches` takes for one batch in random order, in seconds.

    Nothing is computed meanwhile, so a training step waits for at most this long.
    """
    device = torch.device(device)
    generator = torch.Generator().manual_seed(0)
    order = torch.randint(len(cache), ((n_batches + 1) * batch_size,), generator=generator)
    source = batches(cache, order, batch_size, device)
    next(source)  # the first starts threads and fills tables
    _wait_for(device)
    start = perf_counter()
    for _ in source:
        pass
    _wait_for(device)
    return (perf_counter() - start) / n_batches


def _checked_order(order: Sequence[int] | np.ndarray | Tensor, n: int) -> Tensor:
    rows = np.asarray(order.cpu() if isinstance(order, Tensor) else order)
    whole = rows.dtype.kind in "iu" or not rows.size  # an empty list has no whole numbers
    if rows.ndim != 1 or not whole or (rows.size and (rows.min() < 0 or rows.max() >= n)):
        raise BadInputError(
            f"Got an order of shape {rows.shape} and dtype {rows.dtype} ({np.array2string(rows, threshold=6)}): "
            f"expected a list of whole numbers from 0 to {n - 1}. Give rows of the cache."
        )
    return torch.from_numpy(rows.astype(np.int64))


@lru_cache(maxsize=8)
def _lookup(mean: tuple[float, ...], std: tuple[float, ...], device: torch.device) -> tuple[Tensor, Tensor]:
    """Normalised values, (768,) float32 (256 a channel), and where each channel's start, (3,) int32."""
    statistics = [torch.tensor(values, dtype=torch.float32, device="cpu") for values in (mean, std)]
    if any(values.shape != (3,) or not values.isfinite().all() for values in statistics) or min(std) <= 0:
        raise BadInputError(
            f"Got mean {mean} and std {std}: expected three finite numbers each, std above 0, e.g. "
            f"{IMAGENET_MEAN} and {IMAGENET_STD}."
        )
    values = torch.arange(256, dtype=torch.float32, device="cpu").div(255)
    table = values.sub(statistics[0][:, None]).div(statistics[1][:, None])
    return table.view(-1).to(device), torch.tensor([0, 256, 512], dtype=torch.int32, device=device)


def _pinned(pixels: Tensor, device: torch.device, rows: Tensor) -> Tensor:
    """Rows of the memory map in memory that the GPU copies from by itself."""
    with torch.cuda.device(device):
        return pixels.index_select(0, rows).pin_memory()


def _ahead(load: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """Give ``load(item)`` in order, computed in a thread a few items ahead of the consumer."""
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(1) as beside:
        for item in items:
            waiting.append(beside.submit(load, item))
            if len(waiting) > _BATCHES_AHEAD:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _wait_for(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
