"""Linear support vector machines for every pair of images at once, compiled.

Solves libsvm's C-SVC dual by sequential minimal optimisation with second-order working-set selection (Fan, Chen & Lin
2005; Chang & Lin 2011, section 4), written in β_t = y_t α_t:

    min_β ½ Σ_st β_s β_t K_st - Σ_t y_t β_t    subject to  lower_t ≤ β_t ≤ upper_t,  Σ_t β_t = 0

with bounds [-C, 0] for the first image (y = -1) and [0, C] for the second (y = +1). A held-out sample has bounds
[0, 0]: it never enters the working set, and its decision value is there at the end, because the solver keeps
G_t = -Σ_s β_s K_st for every sample. -y_t times libsvm's gradient is y_t + G_t. The sum is never stored: with data in
volts G is so small that in float32 the sum would be y.

All folds of a pair share K and advance together, one step each in turn, so that the processor works on one while
another waits. Samples are vector lanes in float32; folds that do not converge so are solved again in float64.
"""

import numpy as np
from numba import prange

from brainscore_realnet.rsa._kernels import kernel

# numba does not look into this module: after changing it, delete the compiled files of this one (__pycache__/*.nb?).
from brainscore_realnet.rsa._lanes import keyed, larger, place_of

WIDTHS = (32, 64)
"""Numbers of samples (both images) that there is a float32 solver for; more are solved in float64."""

FLOAT32_TOLERANCE = 1e-5
"""The smallest tolerance that float32 reaches."""

CURVATURE_FLOOR = 1e-12
"""libsvm's, for samples that are equal."""

PAIRS_OF_A_TASK = 8

_FAST = {"nnan", "ninf", "nsz", "contract", "reassoc"}
_FAR = np.float32(1e30)
_ZERO = np.float32(0)
_ONE = np.float32(1)
_FLOOR = np.float32(CURVATURE_FLOOR)
_LEAST = np.int32(-(2**31))


def precision(n_samples: int, C: float, tolerance: float) -> tuple[tuple[int, ...], float]:
    """Choose between float32 and float64 for data of unit variance.

    Returns
    -------
    lanes : tuple
        For `solve_pairs`.
    C : float
        The penalty, rounded to float32 if that is chosen.
    """
    fits = 1e-30 < C < 1e30 and tolerance >= FLOAT32_TOLERANCE
    width = next((width for width in WIDTHS if n_samples <= width and fits), 0)
    return (0,) * width, float(np.float32(C)) if width else C


@kernel()
def centre(pseudotrials, a, b, samples):
    """Fill `samples` (n_channels, ≥ 2m) with the pseudotrials of both images around their common mean."""
    m, n_channels = pseudotrials.shape[1:]
    for channel in range(n_channels):
        total = 0.0
        for t in range(m):
            total += pseudotrials[a, t, channel] + pseudotrials[b, t, channel]
        mean = total / (2 * m)
        for t in range(m):
            samples[channel, t] = pseudotrials[a, t, channel] - mean
            samples[channel, m + t] = pseudotrials[b, t, channel] - mean


@kernel(fastmath=_FAST)
def inner_products(samples, K):
    """Fill `K` (n, n) with the inner products of the columns of `samples` (n_channels, n)."""
    n_channels, n = samples.shape
    K[:] = 0
    for channel in range(n_channels):
        for s in range(n):
            value = samples[channel, s]
            for t in range(n):
                K[s, t] += value * samples[channel, t]


@kernel(fastmath=_FAST)
def inverse_curvatures(K, diagonal, inverse):
    """Fill `inverse` (n, n) with 1 / (K_ss + K_tt - 2 K_st)."""
    n = diagonal.size
    for t in range(n):
        diagonal[t] = K[t, t]
    for s in range(n):
        for t in range(n):
            curvature = diagonal[s] + diagonal[t] - K[s, t] - K[s, t]
            inverse[s, t] = _ONE / (curvature if curvature > _ZERO else _FLOOR)


@kernel()
def set_bounds(folds, a, b, fold, C, lower, upper):
    """Fill the bounds (2m,) of one fold."""
    m = folds.shape[1]
    for t in range(m):
        lower[t] = 0 if folds[a, t] == fold else -C
        upper[m + t] = 0 if folds[b, t] == fold else C


@kernel()
def offset(y, lower, upper, beta, G):
    """Return libsvm's rho: the mean of -(y + G) over free samples, else the middle of its allowed interval.

    y and G are kept apart until the end, as in the solver.
    """
    n_free = 0
    total = 0.0
    # Of all bounds on rho the tightest: from samples that may only rise or only fall, for each sign of y.
    below = np.full(2, -np.inf)
    above = np.full(2, np.inf)
    for t in range(y.size):
        if lower[t] == upper[t]:
            continue
        sign = 1 if y[t] > 0 else 0
        if lower[t] < beta[t] < upper[t]:
            n_free += 1
            total -= G[t] + y[t]
        elif beta[t] >= upper[t]:
            below[sign] = max(below[sign], -G[t])
        else:
            above[sign] = min(above[sign], -G[t])
    if n_free > 0:
        return total / n_free
    low, low_y = (below[1], 1.0) if below[1] - 1.0 >= below[0] + 1.0 else (below[0], -1.0)
    high, high_y = (above[1], 1.0) if above[1] - 1.0 <= above[0] + 1.0 else (above[0], -1.0)
    return ((low + high) - (low_y + high_y)) / 2.0


@kernel()
def solve(K, y, lower, upper, tolerance, max_steps, beta, G):
    """Fill `beta` and `G` with one fold's solution in float64; return whether it was reached within `max_steps`.

    Stops when the largest y + G of samples that may rise exceeds the smallest of those that may fall by less than
    `tolerance` (libsvm's criterion).
    """
    n = y.size
    beta[:] = 0.0
    G[:] = 0.0
    for _ in range(max_steps):
        i = -1
        top = -np.inf
        for t in range(n):
            if beta[t] < upper[t] and y[t] + G[t] >= top:
                top = y[t] + G[t]
                i = t
        j = -1
        bottom = np.inf
        best_gain = -1.0
        best_step = 0.0
        for t in range(n):
            if beta[t] > lower[t]:
                bottom = min(bottom, y[t] + G[t])
                gap = top - (y[t] + G[t])
                if gap > 0.0:
                    curvature = K[i, i] + K[t, t] - 2.0 * K[i, t]
                    if curvature <= 0.0:
                        curvature = CURVATURE_FLOOR
                    if gap * gap / curvature >= best_gain:
                        best_gain = gap * gap / curvature
                        best_step = gap / curvature
                        j = t
        if j < 0 or top - bottom < tolerance:
            return True
        room_i = upper[i] - beta[i]
        room_j = beta[j] - lower[j]
        step = min(best_step, room_i, room_j)
        # A bound is set, not approached: a rounding error away from it the sample would count as free.
        beta[i] = upper[i] if step == room_i else beta[i] + step
        beta[j] = lower[j] if step == room_j else beta[j] - step
        for t in range(n):
            G[t] -= step * (K[i, t] - K[j, t])
    return False


@kernel(fastmath=_FAST)
def solve_folds(lanes, K, inverse, y, lower, upper, tolerance, max_steps, beta, G, rising, falling, done):
    """Fill `beta`, `G` and `done` with the solutions of all folds in float32, as `solve` does for one.

    `lanes` is a tuple of as many entries as there are samples: its length is known to the compiler.
    """
    # rising_t is y_t where β_t may rise and far below it elsewhere, falling_t likewise far above: adding G gives what
    # the working set is chosen by without asking for bounds.
    width = len(lanes)
    n_folds, size = G.shape
    for fold in range(n_folds):
        done[fold] = False
        for t in range(size):
            beta[fold, t] = 0
            G[fold, t] = 0
            rising[fold, t] = y[t] if upper[fold, t] > 0 else -_FAR
            falling[fold, t] = y[t] if lower[fold, t] < 0 else _FAR
    small = keyed(tolerance, 0)
    left = n_folds
    for _ in range(max_steps):
        for fold in range(n_folds):
            if done[fold]:
                continue
            best = _LEAST
            for t in range(width):
                best = larger(best, keyed(G[fold, t] + rising[fold, t], t))
            i = place_of(best)
            top = G[fold, i] + y[i]
            widest = best = _LEAST
            for t in range(width):
                gap = top - (G[fold, t] + falling[fold, t])
                gap = gap if gap > _ZERO else _ZERO
                widest = larger(widest, keyed(gap, 0))
                best = larger(best, keyed(gap * gap * inverse[i, t], t))
            if widest < small:
                done[fold] = True
                left -= 1
                continue
            j = place_of(best)
            step = (top - (G[fold, j] + y[j])) * inverse[i, j]
            room_i = upper[fold, i] - beta[fold, i]
            room_j = beta[fold, j] - lower[fold, j]
            room = room_i if room_i < room_j else room_j
            step = step if step < room else room
            beta[fold, i] = upper[fold, i] if step >= room_i else beta[fold, i] + step
            beta[fold, j] = lower[fold, j] if step >= room_j else beta[fold, j] - step
            rising[fold, i] = -_FAR if step >= room_i else y[i]
            falling[fold, i] = y[i]
            rising[fold, j] = y[j]
            falling[fold, j] = _FAR if step >= room_j else y[j]
            for t in range(size):
                G[fold, t] -= step * (K[i, t] - K[j, t])
        if left == 0:
            return


@kernel()
def solve_some(
    lanes, pseudotrials, folds, n_folds, first, second, C, tolerance, fast_steps, max_steps, start, stop, values, found
):
    """Solve the pairs from `start` to `stop`, one after the other; see `solve_pairs`."""
    width = len(lanes)
    m, n_channels = pseudotrials.shape[1:]
    n = 2 * m
    samples = np.empty((n_channels, n))
    K = np.empty((n, n))
    y = np.repeat(np.array([-1.0, 1.0]), m)
    lower = np.zeros((n_folds, n))
    upper = np.zeros((n_folds, n))
    beta = np.zeros((n_folds, n))
    G = np.zeros((n_folds, n))
    done = np.zeros(n_folds, dtype=np.bool_)
    lane_samples = np.zeros((n_channels, width), dtype=np.float32)
    lane_K = np.zeros((width, width), dtype=np.float32)
    lane_inverse = np.zeros((width, width), dtype=np.float32)
    lane_diagonal = np.zeros(width, dtype=np.float32)
    lane_y = np.zeros(width, dtype=np.float32)
    lane_lower = np.zeros((n_folds, width), dtype=np.float32)
    lane_upper = np.zeros((n_folds, width), dtype=np.float32)
    lane_beta = np.zeros((n_folds, width), dtype=np.float32)
    lane_G = np.zeros((n_folds, width), dtype=np.float32)
    rising = np.zeros((n_folds, width), dtype=np.float32)
    falling = np.zeros((n_folds, width), dtype=np.float32)
    lane_y[:n] = y[:width]
    for pair in range(start, stop):
        a = first[pair]
        b = second[pair]
        for fold in range(n_folds):
            set_bounds(folds, a, b, fold, C, lower[fold], upper[fold])
        done[:] = False
        if width > 0:
            centre(pseudotrials, a, b, lane_samples)
            inner_products(lane_samples, lane_K)
            inverse_curvatures(lane_K, lane_diagonal, lane_inverse)
            lane_lower[:, :n] = lower
            lane_upper[:, :n] = upper
            steps = min(max_steps, fast_steps)
            solve_folds(
                lanes, lane_K, lane_inverse, lane_y, lane_lower, lane_upper, np.float32(tolerance), steps,
                lane_beta, lane_G, rising, falling, done,
            )  # fmt: skip
            beta[:] = lane_beta[:, :n]
            G[:] = lane_G[:, :n]
        found[pair] = True
        if not done.all():
            centre(pseudotrials, a, b, samples)
            inner_products(samples, K)
        for fold in range(n_folds):
            if not done[fold]:
                found[pair] &= solve(K, y, lower[fold], upper[fold], tolerance, max_steps, beta[fold], G[fold])
            rho = offset(y, lower[fold], upper[fold], beta[fold], G[fold])
            for t in range(n):
                if lower[fold, t] == upper[fold, t]:
                    values[pair, t] = -G[fold, t] - rho


@kernel(parallel=True)
def solve_pairs(lanes, pseudotrials, folds, n_folds, first, second, C, tolerance, fast_steps, max_steps, values, found):
    """Solve all folds of all pairs.

    Parameters
    ----------
    lanes : tuple
        Of 32 or 64 entries, at least as many as a pair has samples; empty: float64 only, for any number.
    pseudotrials : (n_images, m, n_channels) float64 array
        Responses.
    folds : (n_images, m) int64 array
        Labels 0 … n_folds - 1.
    n_folds : int
        Number of folds.
    first, second : (n_pairs,) int64 arrays
        Images of each pair.
    C : float
        Penalty, a number of float32.
    tolerance : float
        Of libsvm's criterion.
    fast_steps, max_steps : int
        Bounds on the steps of one fold in float32 and in float64.
    values : (n_pairs, 2m) float64 array
        Filled with held-out decision values, positive for the second image.
    found : (n_pairs,) bool array
        Filled with whether all folds were solved.
    """
    for task in prange((first.size + PAIRS_OF_A_TASK - 1) // PAIRS_OF_A_TASK):
        start = task * PAIRS_OF_A_TASK
        stop = min(start + PAIRS_OF_A_TASK, first.size)
        solve_some(
            lanes, pseudotrials, folds, n_folds, first, second, C, tolerance, fast_steps, max_steps, start, stop,
            values, found,
        )  # fmt: skip
