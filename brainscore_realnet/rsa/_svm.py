"""Linear support vector machines for every pair of images at once, compiled.

Solves libsvm's C-SVC dual exactly, by sequential minimal optimisation with second-order working-set selection
(Fan, Chen & Lin 2005; Chang & Lin 2011, section 4):

    min_α ½ Σ_ij y_i y_j α_i α_j K_ij - Σ_i α_i    subject to  0 ≤ α_i ≤ C_i,  Σ_i y_i α_i = 0

A held-out sample is one with C_i = 0: it never enters the working set, and its decision value is there at the end,
because the solver keeps F_i = Σ_j y_j α_j K_ij for every sample (libsvm's gradient is G_i = y_i F_i - 1).
"""

import numpy as np
from numba import njit, prange

CURVATURE_FLOOR = 1e-12


@njit(cache=True, nogil=True)
def solve(K, y, box, eps, max_iterations, alpha, F):
    """Fill `alpha` and `F` with the solution; return whether it was reached within `max_iterations`.

    Stops when max over I_up minus min over I_low of -y_t G_t = y_t - F_t is below `eps` (libsvm's criterion).
    """
    n = y.size
    alpha[:] = 0.0
    F[:] = 0.0
    for _ in range(max_iterations):
        i = -1
        highest = -np.inf
        for t in range(n):
            if (alpha[t] < box[t]) if y[t] > 0 else (alpha[t] > 0.0):
                violation = y[t] - F[t]
                if violation >= highest:
                    highest = violation
                    i = t
        j = -1
        lowest = np.inf
        best_gain = -1.0
        best_step = 0.0
        for t in range(n):
            if (alpha[t] > 0.0) if y[t] > 0 else (alpha[t] < box[t]):
                violation = y[t] - F[t]
                lowest = min(lowest, violation)
                difference = highest - violation
                if difference > 0.0:
                    curvature = K[i, i] + K[t, t] - 2.0 * K[i, t]
                    if curvature <= 0.0:
                        curvature = CURVATURE_FLOOR
                    gain = difference * difference / curvature
                    if gain >= best_gain:
                        best_gain = gain
                        best_step = difference / curvature
                        j = t
        if j < 0 or highest - lowest < eps:
            return True
        room_i = box[i] - alpha[i] if y[i] > 0 else alpha[i]
        room_j = alpha[j] if y[j] > 0 else box[j] - alpha[j]
        step = min(best_step, room_i, room_j)
        # A bound is set, not approached: a rounding error away from it the sample would count as free.
        alpha[i] = _moved(alpha[i], box[i], y[i] * step, step == room_i)
        alpha[j] = _moved(alpha[j], box[j], -y[j] * step, step == room_j)
        for t in range(n):
            F[t] += step * (K[i, t] - K[j, t])
    return False


@njit(cache=True, nogil=True)
def _moved(value, upper, change, to_bound):
    if to_bound:
        return upper if change > 0.0 else 0.0
    return min(max(value + change, 0.0), upper)


@njit(cache=True, nogil=True)
def offset(y, box, alpha, F):
    """Return libsvm's rho: the mean of y_i G_i = F_i - y_i over free samples, else the middle of its allowed interval.

    F and y are kept apart until the end: with data in volts or tesla, F is so small that F - y would be y.
    """
    n_free = 0
    total = 0.0
    # Bounds of rho: below, from samples with y = +1 at C and y = -1 at 0; above, from the others.
    below_plus = -np.inf
    below_minus = -np.inf
    above_plus = np.inf
    above_minus = np.inf
    for t in range(y.size):
        if box[t] <= 0.0:
            continue
        if 0.0 < alpha[t] < box[t]:
            n_free += 1
            total += F[t] - y[t]
        elif y[t] > 0:
            if alpha[t] >= box[t]:
                below_plus = max(below_plus, F[t])
            else:
                above_plus = min(above_plus, F[t])
        elif alpha[t] >= box[t]:
            above_minus = min(above_minus, F[t])
        else:
            below_minus = max(below_minus, F[t])
    if n_free > 0:
        return total / n_free
    below, below_y = (below_plus, 1.0) if below_plus - 1.0 >= below_minus + 1.0 else (below_minus, -1.0)
    above, above_y = (above_plus, 1.0) if above_plus - 1.0 <= above_minus + 1.0 else (above_minus, -1.0)
    return ((below + above) - (below_y + above_y)) / 2.0


@njit(cache=True, nogil=True, parallel=True)
def pair_decision_values(gram, folds, n_folds, first, second, C, eps, max_iterations, values, converged):
    """Fill `values` (n_pairs, 2m) with held-out decision values, `converged` (n_pairs,) with whether all folds were.

    gram: (n m, n m) inner products of all pseudotrials; folds: (n, m) labels 0 … n_folds - 1; first, second:
    (n_pairs,) images of each pair. Positive values mean the second image.
    """
    m = folds.shape[1]
    for pair in prange(first.size):
        a = first[pair]
        b = second[pair]
        K = np.empty((2 * m, 2 * m))
        K[:m, :m] = gram[a * m : (a + 1) * m, a * m : (a + 1) * m]
        K[:m, m:] = gram[a * m : (a + 1) * m, b * m : (b + 1) * m]
        K[m:, :m] = gram[b * m : (b + 1) * m, a * m : (a + 1) * m]
        K[m:, m:] = gram[b * m : (b + 1) * m, b * m : (b + 1) * m]
        y = np.empty(2 * m)
        y[:m] = -1.0
        y[m:] = 1.0
        label = np.empty(2 * m, dtype=np.int64)
        label[:m] = folds[a]
        label[m:] = folds[b]
        box = np.empty(2 * m)
        alpha = np.empty(2 * m)
        F = np.empty(2 * m)
        all_folds = True
        for fold in range(n_folds):
            for t in range(2 * m):
                box[t] = 0.0 if label[t] == fold else C
            all_folds &= solve(K, y, box, eps, max_iterations, alpha, F)
            rho = offset(y, box, alpha, F)
            for t in range(2 * m):
                if label[t] == fold:
                    values[pair, t] = F[t] - rho
        converged[pair] = all_folds
