"""The same formulas on NumPy arrays and on torch devices.

Functions that take a device are written against the names that NumPy and torch share (`einsum`, `linalg.eigh`,
`mean(axis=…, keepdims=True)`, `@`, …); `on_device` gives the module to call and the array to call it with.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from brainscore_realnet.errors import BadInputError


def on_device(array: Any, device: Any = None) -> tuple[Any, Any]:
    """Return the array module and the array as float64 where it is to be computed.

    Parameters
    ----------
    array : array or torch.Tensor
        Real numbers.
    device : None or torch device, such as "cuda:0" or "cpu"
        None: NumPy.

    Returns
    -------
    module, array
        `numpy` and a float64 array, or `torch` and a float64 tensor on the device. Neither is copied if it fits.

    Raises
    ------
    BadInputError
        The device is unknown, absent, or has no float64.
    """
    if device is None:
        return np, np.asarray(array, dtype=np.float64)
    import torch

    if not is_tensor(array):
        # torch warns of memory that it must not write to, and knows neither negative strides nor other byte orders.
        array = np.asarray(array)
        array = np.require(array, array.dtype.newbyteorder("="), requirements=["C", "W"])
    try:
        return torch, torch.as_tensor(array).to(device=torch.device(device), dtype=torch.float64)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise BadInputError(
            f"Got device={device!r}, which cannot compute in float64 here ({str(error).splitlines()[0]}); expected "
            "None for NumPy, 'cpu', or 'cuda:0' and so on where there is a GPU."
        ) from error


def as_numpy(array: Any) -> Any:
    """Return what was computed as a NumPy array."""
    return array if isinstance(array, np.ndarray | np.generic) else array.cpu().numpy()


def is_tensor(array: Any) -> bool:
    """Tell torch tensors from all else, without importing torch for those who have none."""
    return hasattr(array, "detach")


def real_numbers(array: Any, name: str, device: Any = None) -> Any:
    """Return what can be computed with: a tensor without its gradient if there is a device, else an array.

    Raises
    ------
    BadInputError
        It holds no real numbers; `name` is what the message calls it.
    """
    tensor = is_tensor(array)
    given: Any = array.detach() if tensor else np.asarray(array)
    if given.is_complex() if tensor else given.dtype.kind not in "fiub":
        raise BadInputError(f"Got {name} of dtype {given.dtype}; expected real numbers. Convert it first.")
    if not tensor or device is not None:
        return given
    # NumPy has no bfloat16.
    return (given.float() if given.is_floating_point() and given.itemsize < 4 else given).cpu().numpy()
