"""Losses of alignment training.

Lu et al., ReAlnet, arXiv 2401.17231, §2.3 (equations 1–5), and Dapello et al., ICLR 2023 (CKA). With S_i the generated
and Ŝ_i the measured signals of image i, and means where the paper writes sums, as in the released code that β was
tuned with:

    L^A = L^C + β·L^G                                                      (1)
    L^C = cross entropy against the teacher's labels                       (2)
    L^G = L^MSE + L^Cont                                                   (3)
    L^MSE = mean squared error between S and Ŝ                             (4)
    L^Cont = mean_i [1 − ρ(S_i, Ŝ_i)] − mean_{i≠j} [1 − ρ(S_i, Ŝ_j)]        (5)

Everything is computed in float32, or in float64 where an argument is float64, also within autocast. bfloat16 and
float16 arguments are converted first: soft ranks in bfloat16 are off by more than a rank. On CUDA, the matrix products
of CKA follow `torch.set_float32_matmul_precision`; no other loss contains one. Call `backward` outside autocast.

On a CPU a loss that is not finite raises, and the message names the value that caused it. On a GPU, which would have to
be waited for, and inside `torch.compile` values are not looked at: there NaN goes through to the loss and is never
masked.
"""

import difflib
from collections.abc import Callable, Mapping
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.training._tensors import centred, check_tensors, computed, unit, values_can_be_read
from brainscore_realnet.training.soft_ranks import centred_ranks

LOG_CKA_FLOOR = 1e-6
"""Least 1 − CKA that `log_cka_loss` takes the logarithm of: float32 does not resolve it any further."""


class GenerationLoss(NamedTuple):
    """Equation 3 and its parts, each a tensor of shape ().

    A tuple and no dataclass, because it goes through `torch.compile` and CUDA graphs as a tuple of tensors.
    """

    mse: Tensor
    """L^MSE (equation 4)."""
    contrastive: Tensor
    """L^Cont (equation 5)."""
    total: Tensor
    """L^G (equation 3), the one to differentiate."""


def alignment_loss(classification: Tensor, generation: Tensor, beta: float) -> Tensor:
    """Weigh classification against generation (equation 1).

    Parameters
    ----------
    classification, generation : Tensor, shape ()
        L^C and L^G.
    beta : float
        Weight β of L^G. At 0, generation is left out and gets no gradient, not even a zero one.

    Returns
    -------
    Tensor, shape ()
        L^A.

    Raises
    ------
    BadInputError
        β is negative, infinite or NaN.
    """
    if not 0 <= beta < float("inf"):
        raise BadInputError(f"beta is {beta}, expected a finite number of at least 0: 0 trains without brain signals")
    return classification + beta * generation if beta else classification


def classification_loss(logits: Tensor, labels: Tensor) -> Tensor:
    """Compute the cross entropy against the teacher's labels (equation 2).

    Parameters
    ----------
    logits : Tensor, shape (n, n_classes), floating
        Outputs of the network's classifier.
    labels : Tensor, shape (n,), int64
        For each image the class that the frozen pretrained backbone rates highest, in [0, n_classes).

    Returns
    -------
    Tensor, shape (), float32 or float64
        L^C, the mean over images.

    Raises
    ------
    BadInputError
        Shapes, dtypes or devices do not fit, a label is no class, or a logit is NaN or infinite.
    """
    check_tensors({"logits": logits, "labels": labels}, whole=("labels",))
    if logits.ndim != 2 or labels.shape != logits.shape[:1] or not logits.numel():
        raise BadInputError(
            f"logits have shape {tuple(logits.shape)} and labels {tuple(labels.shape)}, expected (n, n_classes) and "
            "(n,) with at least one image: pass both of one batch"
        )
    if values_can_be_read(logits.device):
        lowest, highest = (int(value) for value in torch.stack(labels.aminmax()))
        if lowest < 0 or highest >= logits.shape[1]:
            raise BadInputError(
                f"labels lie in [{lowest}, {highest}], expected classes in [0, {logits.shape[1] - 1}]: "
                "take the labels of a teacher with as many classes as the network"
            )
    return computed(functional.cross_entropy, {"logits": logits}, labels)


def mse_loss(generated: Tensor, measured: Tensor) -> Tensor:
    """Compute the mean squared error between generated and measured signals (equation 4).

    Parameters
    ----------
    generated, measured : Tensor, shape (n, n_signals), floating
        Signals of the same images in the same order, in the same units (z-scored).

    Returns
    -------
    Tensor, shape (), float32 or float64
        L^MSE, the mean over images and signals.

    Raises
    ------
    BadInputError
        Shapes, dtypes or devices do not fit, or a value is NaN, infinite, or too large to be squared.
    """
    _check_signals(generated, measured)
    return computed(functional.mse_loss, {"generated": generated, "measured": measured})


def contrastive_loss(generated: Tensor, measured: Tensor, mode: str = "spearman") -> Tensor:
    """Compute the contrastive loss (equation 5).

    It lies in [−2, 2]; below 0, generated signals are more like the measured signals of their own image than like
    those of other images. Signals of an image that are all equal correlate 0 with everything and get no gradient.

    Parameters
    ----------
    generated, measured : Tensor, shape (n, n_signals), floating
        Signals of the same images in the same order; at least two images and two signals.
    mode : {"spearman", "pearson", "published", "none"}
        What ρ is. `spearman`: Pearson correlation of soft ranks (`soft_ranks`). `pearson`: Pearson correlation.
        `published`: as in the authors' released code, Pearson correlation whose values were wrapped in a new tensor,
        so that the loss has the value of `pearson` and **no gradient**, and training equals that on L^MSE alone.
        `none`: the loss is left out; 0 without gradient, for any number of images.

    Returns
    -------
    Tensor, shape (), float32 or float64
        L^Cont.

    Raises
    ------
    BadInputError
        The mode is unknown, there is one image or one signal only, shapes, dtypes or devices do not fit, or a value is
        NaN or infinite.
    """
    _check_contrastive(generated, measured, mode)
    return computed(CONTRASTIVE_MODES[mode], {"generated": generated, "measured": measured})


def generation_loss(generated: Tensor, measured: Tensor, contrastive: str = "spearman") -> GenerationLoss:
    """Compute the loss on the brain side and its parts (equation 3).

    Parameters
    ----------
    generated, measured : Tensor, shape (n, n_signals), floating
        Signals of the same images in the same order, in the same units (z-scored).
    contrastive : {"spearman", "pearson", "published", "none"}
        See `contrastive_loss`. The gradients of `published` and `none` are exactly those of `mse_loss`.

    Returns
    -------
    GenerationLoss
        `mse`, `contrastive` and their sum `total`; differentiate the sum.

    Raises
    ------
    BadInputError
        As `contrastive_loss` and `mse_loss`.
    """
    mse, cont = mse_loss(generated, measured), contrastive_loss(generated, measured, contrastive)
    return GenerationLoss(mse, cont, mse + cont)


def cka(x: Tensor, y: Tensor) -> Tensor:
    """Compute the linear centred kernel alignment of two sets of features (Kornblith et al. 2019, equation 4).

    With columns centred, K = X Xᵀ and L = Y Yᵀ:

        CKA(X, Y) = ‖Yᵀ X‖²_F / (‖Xᵀ X‖_F ‖Yᵀ Y‖_F) = ⟨K, L⟩ / (‖K‖_F ‖L‖_F)

    The form with kernels is computed, whose memory is O(n²) however many features there are. Features that are the
    same for all images have a CKA of 0 with everything and get no gradient.

    Parameters
    ----------
    x, y : Tensor, shapes (n, …), floating
        Features of the same images in the same order, flattened but for the first axis. At least three images: of two,
        the CKA is always 1.

    Returns
    -------
    Tensor, shape (), float32 or float64
        In [0, 1] up to rounding; 1 where the features are equal up to a rotation and a common scale.

    Raises
    ------
    BadInputError
        Numbers of images differ or are below 3, there is no feature, dtypes or devices do not fit, or a value is NaN or
        infinite.
    """
    _check_features(x, y)
    return computed(_cka, {"x": x, "y": y})


def log_cka_loss(x: Tensor, y: Tensor) -> Tensor:
    """Compute log(1 − CKA), the loss on the brain side of Dapello et al. (ICLR 2023).

    Parameters
    ----------
    x, y : Tensor, shapes (n, …), floating
        As `cka`: features of the network and recorded rates of the same images.

    Returns
    -------
    Tensor, shape (), float32 or float64
        At most 0 up to rounding. 1 − CKA is kept at `LOG_CKA_FLOOR` or above; below it, the loss is constant and its
        gradient is zero.

    Raises
    ------
    BadInputError
        As `cka`.
    """
    _check_features(x, y)
    return computed(lambda x, y: (1 - _cka(x, y)).clamp(min=LOG_CKA_FLOOR).log(), {"x": x, "y": y})


def _contrastive(generated: Tensor, measured: Tensor) -> Tensor:
    """Compute equation 5 with Pearson correlation as ρ.

    The ones cancel, and with unit vectors u_i and v_i of the centred signals, ρ_ij = u_i · v_j and

        L^Cont = (Σ_ij ρ_ij − Σ_i ρ_ii) / (n² − n) − Σ_i ρ_ii / n,    Σ_ij ρ_ij = (Σ_i u_i) · (Σ_j v_j)

    Without the matrix of correlations there is no matrix product either that a GPU may compute in TF32.
    """
    n = len(generated)
    u, v = (unit(centred(signals, dim=1)) for signals in (generated, measured))
    own = (u * v).sum()
    return ((u.sum(0) * v.sum(0)).sum() - own) / (n * n - n) - own / n


def _cka(x: Tensor, y: Tensor) -> Tensor:
    """Compute ⟨K, L⟩ / (‖K‖_F ‖L‖_F) of two tensors of shapes (n, …)."""
    kernels = []
    for features in (x, y):
        columns = centred(features.flatten(1), dim=0)
        # CKA does not depend on scale; squares of squares would soon leave float32.
        columns = unit(columns.flatten()).view_as(columns)
        kernels.append(unit((columns @ columns.T).flatten()))
    return (kernels[0] * kernels[1]).sum()


CONTRASTIVE_MODES: Mapping[str, Callable[[Tensor, Tensor], Tensor]] = {
    "spearman": lambda generated, measured: _contrastive(centred_ranks(generated), centred_ranks(measured)),
    "pearson": _contrastive,
    "published": lambda generated, measured: _contrastive(generated.detach(), measured.detach()),
    "none": lambda generated, measured: generated.new_zeros(()),
}
"""How the contrastive loss of each mode is computed from two tensors of shape (n, n_signals)."""


def _check_signals(generated: Tensor, measured: Tensor) -> None:
    check_tensors({"generated": generated, "measured": measured})
    if generated.ndim != 2 or generated.shape != measured.shape or not generated.numel():
        raise BadInputError(
            f"generated has shape {tuple(generated.shape)} and measured {tuple(measured.shape)}, expected the same "
            "(n, n_signals) with at least one image: pass signals of one batch from a head of the measured size"
        )


def _check_contrastive(generated: Tensor, measured: Tensor, mode: str) -> None:
    if mode not in CONTRASTIVE_MODES:
        near = difflib.get_close_matches(str(mode), CONTRASTIVE_MODES, n=1, cutoff=0.4) or CONTRASTIVE_MODES
        raise BadInputError(
            f"got contrastive mode {mode!r}, expected one of {', '.join(CONTRASTIVE_MODES)}: "
            f"did you mean {' or '.join(near)}?"
        )
    _check_signals(generated, measured)
    if mode != "none" and min(generated.shape) < 2:
        raise BadInputError(
            f"got {len(generated)} image(s) of {generated.shape[1]} signal(s), expected at least 2 of each for the "
            "contrastive loss: it compares images with one another; use larger batches and drop a last one of one image"
        )


def _check_features(x: Tensor, y: Tensor) -> None:
    check_tensors({"x": x, "y": y})
    if min(x.ndim, y.ndim) < 2 or len(x) != len(y) or len(x) < 3 or not x.numel() or not y.numel():
        raise BadInputError(
            f"x has shape {tuple(x.shape)} and y {tuple(y.shape)}, expected (n, …) with the same n of at least 3 "
            "images: the CKA of two images is always 1; pass features of one batch, and drop a smaller last one"
        )
