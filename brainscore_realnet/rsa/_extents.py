"""What `check_rdm` compares, of many RDMs at once, compiled."""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from brainscore_realnet.rsa._kernels import kernel

_MAGNITUDE = np.uint64(2**63 - 1)


@kernel(parallel=True)
def measure_rdms(rdms: NDArray[np.float64], extents: NDArray[np.float64]) -> None:
    """Measure the extents of each RDM.

    Parameters
    ----------
    rdms : (m, n, n) contiguous float64 array
        Matrices.
    extents : (3, m) float64 array
        Filled with the largest magnitude of each matrix, the largest difference of its entries (i, j) and (j, i), and
        the largest magnitude on its diagonal. The first is NaN or infinite if any entry is; only then the others mean
        nothing.
    """
    m, n, _ = rdms.shape
    for k in prange(m):
        rdm = rdms[k]
        # Without the sign, the bits of numbers are in their order, those of infinity and NaN last.
        largest = np.zeros(1, dtype=np.uint64)
        for bits in rdm.reshape(-1).view(np.uint64):
            largest[0] = max(largest[0], bits & _MAGNITUDE)
        asymmetry = diagonal = 0.0
        for i in range(n):
            diagonal = max(diagonal, abs(rdm[i, i]))
            for j in range(i):
                asymmetry = max(asymmetry, abs(rdm[i, j] - rdm[j, i]))
        extents[0, k] = largest.view(np.float64)[0]
        extents[1, k] = asymmetry
        extents[2, k] = diagonal
