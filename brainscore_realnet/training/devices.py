"""Where a training runs: the device, what it computes in, and random numbers of its own."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import numpy as np
import torch

from brainscore_realnet.errors import BadInputError


@contextmanager
def arithmetic(device: torch.device) -> Iterator[None]:
    """Make the device the current one inside, deterministic, and float32 be float32: no TF32."""
    matmul = torch.backends.cuda.matmul
    before = matmul.allow_tf32
    # a CUDA graph is captured on the current device, whatever device its tensors are on
    current = torch.cuda.device(device) if device.type == "cuda" else nullcontext()
    with current, torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False):
        matmul.allow_tf32 = False
        try:
            yield
        finally:
            matmul.allow_tf32 = before


@contextmanager
def own_randomness(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch and NumPy inside, and leave the caller's generators as they were."""
    before = np.random.get_state()
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        np.random.seed(seed)
        try:
            yield
        finally:
            np.random.set_state(before)


def random_state(device: torch.device) -> dict[str, Any]:
    """Give the states of all generators that training may draw from, as a checkpoint keeps them."""
    kind, keys, *rest = np.random.get_state(legacy=True)
    state = {"torch": torch.get_rng_state(), "numpy": [str(kind), [int(key) for key in keys], *rest]}
    return {**state, "cuda": torch.cuda.get_rng_state(device)} if device.type == "cuda" else state


def set_random_state(saved: dict[str, Any], device: torch.device) -> None:
    """Restore what `random_state` gave."""
    torch.set_rng_state(saved["torch"])
    kind, keys, *rest = saved["numpy"]
    np.random.set_state((kind, np.array(keys, dtype=np.uint32), *rest))
    if device.type == "cuda" and "cuda" in saved:
        torch.cuda.set_rng_state(saved["cuda"], device)


def checked_device(device: str | torch.device | None, precision: str) -> torch.device:
    """Give the device to train on, or refuse one that is not there or cannot compute in this precision."""
    try:
        place = torch.device(device or ("cuda" if torch.cuda.is_available() else "cpu"))
        torch.zeros(1, device=place).item()
    except (RuntimeError, AssertionError) as error:
        reason = str(error).partition("\n")[0]
        raise BadInputError(
            f"Got device {str(device)!r}, which cannot be used ({reason}): expected one of this computer, such as cpu"
            f"{' or cuda' if torch.cuda.is_available() else ''}. Name another."
        ) from error
    if precision == "bf16" and not computes_in_bf16(place):
        raise BadInputError(
            f"Got precision bf16 on {place}, which has no arithmetic for it: expected a device with it (a GPU since "
            "2020, a processor with avx512_bf16 or AMX). Train with precision fp32."
        )
    return place


def device_name(device: torch.device) -> str:
    """Name the device as its maker does, so far as that is known: ``NVIDIA H200``, or ``cpu``."""
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device)


def memory_layout(device: torch.device, precision: str) -> torch.memory_format:
    """Give the order in memory in which images and weights are right to 1e-5 and fastest.

    Batch norm of channels-last images in float32 is off by 3e-5 on a CPU (torch 2.15), and convolutions are no faster.
    """
    return torch.contiguous_format if device.type == "cpu" and precision == "fp32" else torch.channels_last


def computes_in_bf16(device: torch.device) -> bool:
    """Tell whether the device computes in bfloat16 and does not emulate it."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return False
    known = ("_is_avx512_bf16_supported", "_is_amx_tile_supported")
    return any(getattr(torch.cpu, name, bool)() for name in known)
