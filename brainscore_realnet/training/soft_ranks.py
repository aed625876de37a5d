"""Differentiable ranks, for Spearman correlations that a network can be trained with."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.training._tensors import centred, check_tensors, computed, unit

TAU = 0.01
"""Temperature of soft ranks, in standard deviations of the signal.

Between Gaussian signals, the soft Spearman correlation is within 1.4e-3 of the exact one for 340 values (the worst of
1000 pairs) and within 0.5e-3 for 1024 (of 300); at 0.02, the first is 2e-3. A greater τ gives smoother gradients.
"""

BLOCK_DIFFERENCES = {"cpu": 2**18, "cuda": 2**25}
"""Differences between values that soft ranks hold at a time: on a CPU what its cache holds, on a GPU one launch."""


def soft_ranks(signals: Tensor, tau: float = TAU) -> Tensor:
    """Rank the values of each row differentiably.

    With z the row less its mean, over its standard deviation (of the population), and σ the logistic function:

        r_a = 1/2 + Σ_b σ((z_a − z_b) / τ)

    As τ → 0 these are the ranks 1 … d, ties sharing their mean. Ranks are of z and not of the signal, so that τ means
    the same whatever the units: like exact ranks, soft ones do not change when a row is shifted or scaled. A row of
    equal values has ranks (d + 1)/2 and gets no gradient. Time is O(n·d²); memory beyond input and output is bounded
    by `BLOCK_DIFFERENCES`, as the differences are computed again for the gradient.

    Parameters
    ----------
    signals : Tensor, shape (n, d), floating
        One row a signal.
    tau : float
        Temperature τ, above 0.

    Returns
    -------
    Tensor, shape (n, d), float32 or float64
        Soft ranks in [1/2, d + 1/2], once differentiable.

    Raises
    ------
    BadInputError
        τ is not above 0, the tensor is no floating matrix, or a value is NaN or infinite.
    """
    check_tensors({"signals": signals})
    if not 0 < tau < float("inf"):
        raise BadInputError(f"tau is {tau}, expected a finite number above 0, such as {TAU}")
    if signals.ndim != 2 or not signals.numel():
        raise BadInputError(f"signals have shape {tuple(signals.shape)}, expected (n, d) with at least one value")
    return computed(lambda rows: centred_ranks(rows, tau) + (rows.shape[1] + 1) / 2, {"signals": signals})


def centred_ranks(signals: Tensor, tau: float = TAU) -> Tensor:
    """Return soft ranks less their mean (d + 1)/2, which float32 holds more exactly, of rows (n, d)."""
    z = unit(centred(signals, dim=1)) * signals.shape[1] ** 0.5
    return _CentredRanks.apply(z, tau)


class _CentredRanks(torch.autograd.Function):
    """Soft ranks of standardised rows z (n, d), less their mean.

    With σ(x) = ½ + ½ tanh(x/2):

        r_a = ½ Σ_b t_ab,    t_ab = tanh((z_a − z_b) / 2τ)
        ∂L/∂z_a = Σ_b (1 − t_ab²) (g_a − g_b) / 4τ,    g = ∂L/∂r

    Keeping the (n, d, d) values of t for the gradient would take more memory than small networks do.
    """

    @staticmethod
    def forward(ctx: Any, z: Tensor, tau: float) -> Tensor:
        ctx.save_for_backward(z)
        ctx.tau = tau
        return torch.cat([t.sum(-1) for _, t in _tanh_blocks(z, tau)], dim=1) / 2

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (z,) = ctx.saved_tensors
        g = gradients[0]
        blocks = []
        for part, t in _tanh_blocks(z, ctx.tau):
            slope = t.square_().neg_().add_(1)
            blocks.append(slope.mul_(g[:, part, None] - g[:, None, :]).sum(-1))
        return torch.cat(blocks, dim=1) / (4 * ctx.tau), None


def _tanh_blocks(z: Tensor, tau: float) -> Iterator[tuple[slice, Tensor]]:
    """Yield slices of a and tanh((z_a − z_b) / 2τ), shape (n, width, d), for all b."""
    n, d = z.shape
    scaled = z / (2 * tau)
    width = max(1, BLOCK_DIFFERENCES.get(z.device.type, 2**22) // (n * d))
    for start in range(0, d, width):
        part = slice(start, start + width)
        yield part, (scaled[:, part, None] - scaled[:, None, :]).tanh_()
