"""The responses of single time points, gathered in blocks.

Responses are stored with time last, statistics are computed at every time point: gathered point by point, each value
would cost a cache line.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa._device import on_device

BLOCK_BYTES = 32 * 2**20
"""Size of a block of time points in main memory: larger ones are no faster."""

DEVICE_BLOCK_BYTES = 256 * 2**20
"""Size of a block on a device, where few large transfers are faster."""


def time_points(
    trials: NDArray[Any],
    times: NDArray[np.integer],
    used: NDArray[np.integer] | slice = slice(None),
    device: Any = None,
) -> Iterator[tuple[Any, Any]]:
    """Go through the responses at the given time points.

    Parameters
    ----------
    trials : (n_images, n_trials, n_channels, n_times) array of real numbers
        Responses; memory maps are read in blocks of time points.
    times : (n,) array of int
        Indices of the time points.
    used : array of int or slice
        The trials wanted; all by default.
    device : None or torch device
        Where the responses are to be.

    Yields
    ------
    module
        `numpy` or `torch`.
    responses : (n_images, trials used, n_channels) float64 array or tensor
        Contiguous responses less those of the first trial of the first image, so that large common offsets lose no
        digits and channels that never vary are exactly zero. They may be changed, and are gone at the next step.

    Raises
    ------
    BadInputError
        NaN or infinity in the trials used at these times, or squares that overflow.
    """
    for module, block_times, block in _blocks(trials, times, used, device):
        for time, responses in zip(block_times, block, strict=True):
            flat = responses.reshape(-1)
            with np.errstate(invalid="ignore", over="ignore"):
                # Repeated for all trials, it is subtracted in long runs.
                responses -= module.zeros_like(responses[0]) + responses[0, 0]
                # NaN and infinity survive a sum of squares; only then is it worth looking where they are.
                suspect = not np.isfinite(float(flat @ flat))
            if suspect:
                refuse_not_finite(trials, time, np.arange(trials.shape[1])[used])
                raise BadInputError(
                    "Got responses whose squares exceed float64; expected magnitudes below 1e150. Rescale them."
                )
            yield module, responses


def _blocks(
    trials: NDArray[Any], times: NDArray[np.integer], used: NDArray[np.integer] | slice, device: Any
) -> Iterator[tuple[Any, NDArray[np.integer], Any]]:
    """Yield module, times and a contiguous block (block_times, n_images, trials used, n_channels)."""
    size = BLOCK_BYTES if device is None else DEVICE_BLOCK_BYTES
    shape = trials[..., 0][:, used].shape
    width = min(len(times), max(1, size // (8 * int(np.prod(shape)))))
    buffer = np.empty((width, *shape)) if device is None else None
    for start in range(0, len(times), width):
        block_times = times[start : start + width]
        chosen = _as_slice(block_times)
        if buffer is None:
            module, tensor = on_device(trials[..., chosen][:, used], device)
            yield module, block_times, module.moveaxis(tensor, -1, 0).clone(memory_format=module.contiguous_format)
        else:
            block = buffer[: len(block_times)]
            # Image by image, the cache lines read for one time point serve the next ones too.
            for image, responses in enumerate(trials):
                block[:, image] = np.moveaxis(responses[..., chosen][used], -1, 0)
            yield np, block_times, block


def _as_slice(times: NDArray[np.integer]) -> slice | NDArray[np.integer]:
    # A slice is a view, an array of indices a copy.
    return slice(int(times[0]), int(times[-1]) + 1) if (np.diff(times) == 1).all() else times


def refuse_not_finite(trials: NDArray[Any], time: int, used: NDArray[np.integer]) -> None:
    """Raise BadInputError, naming the place, if the trials used hold NaN or infinity at a time point."""
    bad = np.argwhere(~np.isfinite(trials[..., time][:, used]))
    if bad.size:
        image, place, channel = bad[0]
        value = trials[image, used[place], channel, time]
        raise BadInputError(
            f"Got {value} in image {image}, trial {used[place]}, channel {channel}, time {time}; expected finite "
            "responses. Leave out the channels or trials that have no data."
        )
