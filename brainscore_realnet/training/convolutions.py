"""Wide 3 × 3 convolutions in float32 on a CPU, with fewer multiplications or a faster gradient than PyTorch's.

PyTorch convolves directly there, about as fast as the processor multiplies matrices: only fewer products are faster.
Networks stay as they are: inside `FasterConvolutions`, these functions take the place of their convolutions.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.grad import conv2d_input
from torch.overrides import TorchFunctionMode

from brainscore_realnet.errors import BadInputError

LEAST_CHANNELS = 256
"""Of inputs and of outputs: with fewer, moving tiles takes longer than the products that they save."""

LEAST_ROWS = 512
"""Of the matrix products, tiles or pixels of a batch: with fewer, transforming weights takes longer than they do."""

FEW_PIXELS = 64
"""Of one output: PyTorch's gradient of the weights is fast with more, and takes half as long again at 7 × 7."""

G = ((1.0, 0.0, 0.0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0.0, 0.0, 1.0))
"""Transforms three weights in `winograd_convolution`; Bᵀ and Aᵀ hold 0 and ±1, and are written as additions."""

_ARGUMENTS = ("input", "weight", "bias", "stride", "padding", "dilation", "groups")
_DEFAULTS = {"bias": None, "stride": 1, "padding": 0, "dilation": 1, "groups": 1}
_Parts = Sequence[Tensor] | Tensor
"""Tensors of one shape, along a list or the first axis."""


class FasterConvolutions(TorchFunctionMode):
    """Compute suited convolutions faster in the `with` block, and all others as they are.

    Suited are `torch.nn.functional.conv2d` of (n, C, h, w) with weights (K, C, 3, 3), C and K at least
    `LEAST_CHANNELS`, in float32 on a CPU without autocast, padding 1, no bias, no dilation, one group, and either
    stride 1 and `LEAST_ROWS` tiles of 2 × 2 outputs, or stride 1 or 2 and outputs of at most `FEW_PIXELS` pixels but
    `LEAST_ROWS` in the batch. Whether gradients are recorded makes no difference: validation sees the network that is
    trained. Gradients of these convolutions are faster wherever they are computed, inside the block or after it.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Call a function of PyTorch or what takes its place."""
        if func is torch.conv2d:
            asked = _DEFAULTS | dict(zip(_ARGUMENTS, args, strict=False)) | (kwargs or {})
            faster = _faster(asked["input"], asked["weight"], _pair(asked["stride"])) if _is_wide(asked) else None
            if faster is not None:
                return faster()
        return func(*args, **(kwargs or {}))


def winograd_convolution(x: Tensor, w: Tensor) -> Tensor:
    """Convolve with 3 × 3 kernels at stride 1 and padding 1 by Winograd's minimal filtering F(2 × 2, 3 × 3).

    A tile d of 4 × 4 inputs and a kernel g give 2 × 2 outputs with 16 products where the sum has 36; ⊙ is elementwise:

        Y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A

             ⎡1  0 −1  0⎤       ⎡ 1    0    0 ⎤
        Bᵀ = ⎢0  1  1  0⎥   G = ⎢1/2  1/2  1/2⎥   Aᵀ = ⎡1  1  1  0⎤
             ⎢0 −1  1  0⎥       ⎢1/2 −1/2  1/2⎥        ⎣0  1 −1 −1⎦
             ⎣0  1  0 −1⎦       ⎣ 0    0    1 ⎦

    With the sum over channels, the elementwise products are 16 matrix products. The gradients are those of each step;
    inputs and weights are transformed again for them, as keeping them so would take four and 16/9 of their memory.

    Parameters
    ----------
    x : Tensor, shape (n, C, h, w), float32 or float64
    w : Tensor, shape (K, C, 3, 3), as `x`

    Returns
    -------
    Tensor, shape (n, K, h, w)
        As `torch.nn.functional.conv2d` but for rounding, contiguous; differentiable once.

    Raises
    ------
    BadInputError
        The shapes are others.

    References
    ----------
    Winograd, "Arithmetic Complexity of Computations", SIAM 1980; Lavin & Gray, "Fast Algorithms for Convolutional
    Neural Networks", CVPR 2016.
    """
    _check(x, w)
    return _Winograd.apply(x, w)


def direct_convolution(x: Tensor, w: Tensor, stride: int) -> Tensor:
    """Convolve with 3 × 3 kernels at padding 1 as PyTorch does; the gradient of the weights is one matrix product.

    It copies the inputs nine times, and so is for small images with many channels.

    Parameters
    ----------
    x : Tensor, shape (n, C, h, w), float32 or float64
    w : Tensor, shape (K, C, 3, 3), as `x`
    stride : int

    Returns
    -------
    Tensor, shape (n, K, ⌈h/stride⌉, ⌈w/stride⌉)
        Exactly `torch.nn.functional.conv2d`; differentiable once.

    Raises
    ------
    BadInputError
        The shapes are others.
    """
    _check(x, w)
    return _Direct.apply(x, w, stride)


def _check(x: Tensor, w: Tensor) -> None:
    if x.ndim != 4 or w.shape[1:] != (x.shape[1], 3, 3):
        raise BadInputError(
            f"images have shape {tuple(x.shape)} and weights {tuple(w.shape)}, expected (n, C, h, w) and (K, C, 3, 3): "
            "use torch.nn.functional.conv2d for other kernels"
        )


def _faster(x: Tensor, w: Tensor, stride: Any) -> Callable[[], Tensor] | None:
    """Give the function that computes a wide convolution faster, if there is one."""
    n = len(x)
    if stride == (1, 1) and n * math.prod(_grid(x.shape)) >= LEAST_ROWS:
        return partial(winograd_convolution, x, w)
    pixels = math.prod(-(-side // stride[0]) for side in x.shape[2:])
    if stride in ((1, 1), (2, 2)) and pixels <= FEW_PIXELS and n * pixels >= LEAST_ROWS:
        return partial(direct_convolution, x, w, stride[0])
    return None


def _is_wide(asked: dict[str, Any]) -> bool:
    """Tell whether the arguments of a convolution are as `FasterConvolutions` says, stride and pixels aside."""
    x, w = asked["input"], asked["weight"]
    return (
        x.ndim == w.ndim == 4
        and w.shape[2:] == (3, 3)
        and x.shape[1] == w.shape[1]
        and min(w.shape[:2]) >= LEAST_CHANNELS
        and x.dtype == w.dtype == torch.float32
        and x.device.type == w.device.type == "cpu"
        and not torch.is_autocast_enabled("cpu")
        and asked["bias"] is None
        and (_pair(asked["padding"]), _pair(asked["dilation"]), asked["groups"]) == ((1, 1), (1, 1), 1)
    )


def _pair(asked: Any) -> Any:
    """Give an argument of both axes as a pair, whichever way it was written."""
    if isinstance(asked, int):
        return asked, asked
    return tuple(asked) * 2 if len(asked) == 1 else tuple(asked)


class _Winograd(torch.autograd.Function):
    """`winograd_convolution`: V = Bᵀ d B, U = G g Gᵀ, M = V Uᵀ of each of 16 places; V̄ = M̄ U and Ū = M̄ᵀ V."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor) -> Tensor:
        ctx.save_for_backward(x, w)
        return _outputs(torch.bmm(_tiles(x), _kernels(w).mT), x.shape)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        x, w = ctx.saved_tensors
        of_products = _products_gradient(gradients[0])
        of_x = of_w = None
        if ctx.needs_input_grad[0]:
            of_x = _inputs_gradient(torch.bmm(of_products, _kernels(w)), x.shape)
        if ctx.needs_input_grad[1]:
            of_kernels = torch.bmm(of_products.mT, _tiles(x))
            of_w = (of_kernels.view(16, -1).T @ _both_axes_of_g(w)).view(w.shape)
        return of_x, of_w


class _Direct(torch.autograd.Function):
    """`direct_convolution`: with the outputs' gradient ȳ (pixels, K) and the 9 C inputs of each, X, w̄ = ȳᵀ X."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, stride: int) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.stride = stride
        return functional.conv2d(x, w, stride=stride, padding=1)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, w = ctx.saved_tensors
        of_x = of_w = None
        if ctx.needs_input_grad[0]:
            of_x = conv2d_input(x.shape, w, gradients[0], ctx.stride, padding=1)
        if ctx.needs_input_grad[1]:
            of_y = gradients[0].permute(1, 0, 2, 3).reshape(len(w), -1)
            of_w = torch.mm(of_y, _patches(x, ctx.stride)).view(len(w), 9, -1).mT.reshape(w.shape)
        return of_x, of_w, None


def _patches(x: Tensor, stride: int) -> Tensor:
    """Gather the inputs (n · pixels, 9 C) that each output of images (n, C, h, w) sees."""
    padded = functional.pad(x.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    seen = padded.unfold(1, 3, stride).unfold(2, 3, stride)  # (n, rows, columns, C, 3, 3)
    return seen.permute(0, 1, 2, 4, 5, 3).reshape(-1, 9 * x.shape[1])


def _grid(shape: torch.Size) -> tuple[int, int]:
    """Count the tiles of images (n, C, h, w) along both axes: one for two outputs."""
    return (shape[2] + 1) // 2, (shape[3] + 1) // 2


def _both_axes_of_g(like: Tensor) -> Tensor:
    """Give G ⊗ G, (16, 9): what transforms a kernel whose weights are in a row."""
    g = like.new_tensor(G)
    return torch.kron(g, g)


def _kernels(w: Tensor) -> Tensor:
    """Transform kernels (K, C, 3, 3) to U = G g Gᵀ, (16, K, C)."""
    n_out, n_in = w.shape[:2]
    return (_both_axes_of_g(w) @ w.reshape(-1, 9).T).view(16, n_out, n_in)


def _tiles(x: Tensor) -> Tensor:
    """Cut images (n, C, h, w) into tiles and transform them to V = Bᵀ d B, (16, n · tiles, C)."""
    n, channels, height, width = x.shape
    rows, columns = _grid(x.shape)
    padded = x.new_zeros(2 * rows + 2, 2 * columns + 2, channels)
    halves = x.new_empty(4, rows, 2 * columns + 2, channels)
    tiles = x.new_empty(4, 4, n, rows, columns, channels)
    for number, image in enumerate(x):
        padded[1 : 1 + height, 1 : 1 + width] = image.permute(1, 2, 0)
        _times_b(_windows(padded, 0), halves)
        for half, out in zip(halves, tiles, strict=True):
            _times_b(_windows(half, 1), out[:, number])
    return tiles.view(16, -1, channels)


def _outputs(products: Tensor, shape: torch.Size) -> Tensor:
    """Transform products (16, n · tiles, K) to Y = Aᵀ M A, outputs (n, K, h, w) of images with `shape` (n, C, h, w)."""
    n, _, height, width = shape
    (rows, columns), n_out = _grid(shape), products.shape[-1]
    by_image = products.view(4, 4, n, rows, columns, n_out).unbind(2)
    y = products.new_empty(n, n_out, height, width)
    halves = products.new_empty(2, 4, rows, columns, n_out)
    whole = products.new_empty(rows, 2, columns, 2, n_out)
    for m, image in zip(by_image, y, strict=True):
        _times_a_transposed(m, halves)
        for row, half in enumerate(halves):
            _times_a_transposed(half, whole[:, row].unbind(2))
        image.copy_(whole.view(2 * rows, 2 * columns, n_out)[:height, :width].permute(2, 0, 1))
    return y


def _products_gradient(of_y: Tensor) -> Tensor:
    """Take the gradient of outputs (n, K, h, w) back through `_outputs`: A Ȳ Aᵀ, (16, n · tiles, K)."""
    n, n_out, height, width = of_y.shape
    rows, columns = _grid(of_y.shape)
    padded = of_y.new_zeros(2 * rows, 2 * columns, n_out)
    halves = of_y.new_empty(4, rows, 2 * columns, n_out)
    of_products = of_y.new_empty(4, 4, n, rows, columns, n_out)
    for number, image in enumerate(of_y):
        padded[:height, :width] = image.permute(1, 2, 0)
        _times_a(padded[0::2], padded[1::2], halves)
        for half, out in zip(halves, of_products, strict=True):
            _times_a(half[:, 0::2], half[:, 1::2], out[:, number])
    return of_products.view(16, -1, n_out)


def _inputs_gradient(of_tiles: Tensor, shape: torch.Size) -> Tensor:
    """Take the gradient of tiles (16, n · tiles, C) back through `_tiles`: B V̄ Bᵀ, where tiles overlap their sum."""
    n, channels, height, width = shape
    rows, columns = _grid(shape)
    by_image = of_tiles.view(4, 4, n, rows, columns, channels).unbind(2)
    of_x = of_tiles.new_empty(shape)
    halves = of_tiles.new_empty(4, rows, 2 * columns + 2, channels)
    padded = of_tiles.new_empty(2 * rows + 2, 2 * columns + 2, channels)
    for tiles, image in zip(by_image, of_x, strict=True):
        halves.zero_()
        for tile, half in zip(tiles, halves, strict=True):
            _add_times_b_transposed(tile, _windows(half, 1))
        padded.zero_()
        _add_times_b_transposed(halves, _windows(padded, 0))
        image.copy_(padded[1 : 1 + height, 1 : 1 + width].permute(2, 0, 1))
    return of_x


def _windows(values: Tensor, axis: int) -> list[Tensor]:
    """View the first, second, third and fourth entries along an axis of all tiles: of 2t, 2t + 1, 2t + 2, 2t + 3."""
    covered = values.shape[axis] - 3
    index = (slice(None),) * axis
    return [values.narrow(axis, first, covered)[(*index, slice(None, None, 2))] for first in range(4)]


def _times_b(d: _Parts, out: _Parts) -> None:
    """Write Bᵀ d: the transform of inputs along one axis."""
    torch.sub(d[0], d[2], out=out[0])
    torch.add(d[1], d[2], out=out[1])
    torch.sub(d[2], d[1], out=out[2])
    torch.sub(d[1], d[3], out=out[3])


def _add_times_b_transposed(v: _Parts, out: _Parts) -> None:
    """Add B v to `out`: the gradient of `_times_b`."""
    out[0].add_(v[0])
    out[1].add_(v[1]).sub_(v[2]).add_(v[3])
    out[2].sub_(v[0]).add_(v[1]).add_(v[2])
    out[3].sub_(v[3])


def _times_a_transposed(m: _Parts, out: _Parts) -> None:
    """Write Aᵀ m: the transform of products along one axis."""
    torch.add(m[0], m[1], out=out[0]).add_(m[2])
    torch.sub(m[1], m[2], out=out[1]).sub_(m[3])


def _times_a(first: Tensor, second: Tensor, out: _Parts) -> None:
    """Write A (first, second): the gradient of the transform Aᵀ of products along one axis."""
    out[0].copy_(first)
    torch.add(first, second, out=out[1])
    torch.sub(first, second, out=out[2])
    torch.neg(second, out=out[3])
