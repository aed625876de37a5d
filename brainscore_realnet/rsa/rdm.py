"""What a representational dissimilarity matrix is: square, finite, symmetric, with a zero diagonal."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa._device import as_numpy, is_tensor, on_device, real_numbers
from brainscore_realnet.rsa._threads import one_at_a_time

COMPILED_FROM = 500_000
"""Number of entries of RDMs (13 of 200 images) from which compiled code pays; it takes half a second to load."""

SYMMETRY_TOLERANCE = 1e-6
"""How far, relative to its largest entry, a matrix may be from symmetric with a zero diagonal: float32 RDMs pass."""


def upper_triangle(rdm: Any) -> Any:
    """Flatten the entries above the diagonal.

    Parameters
    ----------
    rdm : (..., n, n) array or torch.Tensor
        Square matrices.

    Returns
    -------
    (..., n(n-1)/2) array, or a tensor for a tensor
        Entries in the order of `np.triu_indices(n, 1)`, contiguous, in the dtype of the input.

    Raises
    ------
    BadInputError
        The last two dimensions are not square or hold fewer than two images.
    """
    module: Any = np
    matrices = rdm
    if is_tensor(rdm):
        import torch as module
    else:
        matrices = np.asarray(rdm)
    _refuse_not_square(matrices, "rdm")
    return module.concatenate([matrices[..., i, i + 1 :] for i in range(matrices.shape[-1] - 1)], -1)


def check_rdm(rdm: Any, name: str = "rdm") -> NDArray[np.float64]:
    """Return the RDMs as float64 if they are RDMs.

    Parameters
    ----------
    rdm : (..., n, n) array or torch.Tensor
        One or more RDMs.
    name : str
        How messages call the argument.

    Returns
    -------
    (..., n, n) float64 array
        The same numbers; not copied if they fit.

    Raises
    ------
    BadInputError
        Not square, not finite, not symmetric, or a diagonal that is not zero (relative tolerance 1e-6).
    """
    return check_rdm_on_device(rdm, name)[1]


def check_rdm_on_device(rdm: Any, name: str = "rdm", device: Any = None) -> tuple[Any, Any]:
    """Return the RDMs as float64 where they are to be compared, if they are RDMs.

    Parameters
    ----------
    rdm : (..., n, n) array or torch.Tensor
        One or more RDMs, anywhere.
    name : str
        How messages call the argument.
    device : None or torch device
        None: NumPy.

    Returns
    -------
    module, matrices
        As from `on_device`.

    Raises
    ------
    BadInputError
        What `check_rdm` refuses, or a device that cannot compute in float64.
    """
    module, matrices = on_device(real_numbers(rdm, name, device), device)
    _refuse_not_square(matrices, name)
    scale, asymmetry, diagonal = _extents(module, matrices)
    if not np.isfinite(scale).all():
        values = as_numpy(matrices)
        where = tuple(int(index) for index in np.argwhere(~np.isfinite(values))[0])
        raise BadInputError(
            f"Got {values[where]} at {where} of {name} of shape {values.shape}; expected finite dissimilarities. "
            "Leave out the images or neuroids that have no data."
        )
    shape = tuple(matrices.shape)
    if (asymmetry > SYMMETRY_TOLERANCE * scale).any():
        raise BadInputError(
            f"Got {name} of shape {shape} whose entries (i, j) and (j, i) differ by up to "
            f"{asymmetry.max():.3g}; expected symmetric matrices. Pass (rdm + rdm.T) / 2 if that is what you mean."
        )
    if (diagonal > SYMMETRY_TOLERANCE * scale).any():
        raise BadInputError(
            f"Got {name} of shape {shape} with up to {diagonal.max():.3g} on the diagonal; expected zeros "
            "there. Similarities (ones on the diagonal) must be passed as 1 - similarity."
        )
    return module, matrices


def _extents(module: Any, matrices: Any) -> NDArray[np.float64]:
    """Return the largest magnitude, asymmetry and diagonal entry of each RDM, (3, n_rdms); NaN where there is one."""
    if module is np and matrices.size >= COMPILED_FROM:
        from brainscore_realnet.rsa._extents import measure_rdms

        rdms = np.ascontiguousarray(matrices).reshape(-1, *matrices.shape[-2:])
        extents = np.empty((3, len(rdms)))
        with one_at_a_time:
            measure_rdms(rdms, extents)
        return extents
    with np.errstate(invalid="ignore", over="ignore"):
        asymmetries = abs(matrices - module.swapaxes(matrices, -2, -1))
    diagonals = abs(module.diagonal(matrices, 0, -2, -1))
    largest = (module.amax(abs(matrices), (-2, -1)), module.amax(asymmetries, (-2, -1)), module.amax(diagonals, -1))
    return as_numpy(module.stack(largest))


def _refuse_not_square(matrices: Any, name: str) -> None:
    if matrices.ndim < 2 or matrices.shape[-1] != matrices.shape[-2] or matrices.shape[-1] < 2:
        raise BadInputError(
            f"Got {name} of shape {tuple(matrices.shape)}; expected (..., n, n) with at least 2 images. "
            "Pass square matrices (scipy.spatial.distance.squareform makes them of vectors)."
        )
