"""What every loss does with tensors: checks, the precision that it is computed in, centred and unit rows."""

from collections.abc import Callable, Collection, Mapping

import torch
from torch import Tensor

from brainscore_realnet.errors import BadInputError


def centred(values: Tensor, dim: int) -> Tensor:
    """Subtract the mean along an axis, so that equal values become exactly 0 and a large mean does not cancel."""
    shifted = values - values.detach().narrow(dim, 0, 1)
    return shifted - shifted.mean(dim, keepdim=True)


def unit(values: Tensor) -> Tensor:
    """Divide by the norm along the last axis; zeros stay zero and get no gradient, as the norm has none there."""
    largest = values.detach().abs().amax(-1, keepdim=True)
    zero = largest < torch.finfo(values.dtype).tiny
    scaled = values / largest.masked_fill(zero, 1)
    norm = scaled.square().sum(-1, keepdim=True).masked_fill(zero, 1).sqrt()
    return (scaled / norm).masked_fill(zero, 0)


def computed(compute: Callable[..., Tensor], tensors: Mapping[str, Tensor], *others: Tensor) -> Tensor:
    """Compute in float32 or float64 without autocast, and refuse a result that is not finite."""
    dtype = torch.float32
    for tensor in tensors.values():
        dtype = torch.promote_types(dtype, tensor.dtype)
    device = next(iter(tensors.values())).device
    with torch.autocast(device.type, enabled=False):
        value = compute(*(tensor.to(dtype) for tensor in tensors.values()), *others)
    # NaN and infinity survive; only then is it worth looking where they are.
    if values_can_be_read(device) and not bool(value.isfinite().all()):
        _refuse_not_finite(tensors)
    return value


def values_can_be_read(device: torch.device) -> bool:
    """Tell whether Python may look at values now: not while code is compiled, nor on a GPU: it would have to wait."""
    return device.type == "cpu" and not torch.compiler.is_compiling()


def _refuse_not_finite(tensors: Mapping[str, Tensor]) -> None:
    for name, tensor in tensors.items():
        places = (~tensor.detach().isfinite()).nonzero()
        if len(places):
            place = tuple(places[0].tolist())
            raise BadInputError(
                f"{name}, of shape {tuple(tensor.shape)}, holds {tensor[place].item()} at {place} and {len(places)} "
                "such value(s) in all, expected finite numbers: look at the data of that image and at the step before"
            )
    raise BadInputError(
        f"{' and '.join(tensors)} hold values whose squares exceed their dtype, expected z-scored signals or ordinary "
        "features: rescale them"
    )


def check_tensors(tensors: Mapping[str, Tensor], whole: Collection[str] = ()) -> None:
    """Refuse what is no tensor, of another kind of numbers (integers for those in ``whole``), or on another device."""
    for name, tensor in tensors.items():
        if not isinstance(tensor, Tensor):
            raise BadInputError(f"{name} is of type {type(tensor).__name__}, expected a torch.Tensor: convert it first")
        if not (tensor.dtype == torch.int64 if name in whole else tensor.is_floating_point()):
            expected = "torch.int64" if name in whole else "a floating dtype"
            raise BadInputError(f"{name} has dtype {tensor.dtype}, expected {expected}: convert it with .to()")
    devices = {name: str(tensor.device) for name, tensor in tensors.items()}
    if len(set(devices.values())) > 1:
        listed = ", ".join(f"{name} on {device}" for name, device in devices.items())
        raise BadInputError(f"got {listed}, expected one device: move them with .to()")
