"""Mid-ranks of many vectors at once, compiled.

The bits of float64 numbers, those of negative numbers inverted and the sign bit of the others set, are integers in the
order of the numbers. Less the smallest and shifted up as far as they fit, their leading bits nearly always tell numbers
apart: these are sorted digit by digit, the least significant first (Knuth, The Art of Computer Programming, vol. 3,
5.2.5), with the position of each number carried along in the trailing bits. What little is then out of order is
inserted in its place; if it is not little, by Shell's sort (5.2.1).

Accuracies have few levels: as long as a vector has no more than `LEVELS`, they are counted in a hash table instead.
"""

from __future__ import annotations

import numpy as np
from numba import prange
from numpy.typing import NDArray

from brainscore_realnet.rsa._kernels import kernel

DIGIT_BITS = 11
"""Bits of a digit: its counts fit into the processor's first cache."""

DIGITS = 3
"""Digits that are sorted."""

DIGITS_FROM = 100
"""Length of a vector from which counting digits pays."""

STEPS_OF_INSERTION = 8
"""Steps for each number after which insertion stops and Shell's sort starts: most leading bits are the same."""

LEVELS = 256
"""Different numbers that are counted instead of sorted; as many repeats of decoding as are common make fewer."""

TABLE_BITS = 10
"""Bits of a place in the hash table, which is to stay a quarter full."""

VECTORS_OF_A_TASK = 8

_DIGIT = np.uint64(2**DIGIT_BITS - 1)
_SIGN = np.uint64(2**63)
_ZERO = np.uint64(0)
_ONE = np.uint64(1)
_PLACES = 2**TABLE_BITS
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ divided by the golden ratio: the leading bits of multiples of it are well spread (Knuth, vol. 3, 6.4)."""


@kernel()
def pack(vector: NDArray[np.float64], position: np.uint64, packed: NDArray[np.uint64]) -> None:
    """Fill `packed` (n,) with the order of the numbers in the leading bits and 0 … n - 1 in those of `position`."""
    smallest = ~_ZERO
    largest = _ZERO
    bits = vector.view(np.uint64)
    for p in range(bits.size):
        packed[p] = ~bits[p] if bits[p] >= _SIGN else bits[p] | _SIGN
        smallest = min(smallest, packed[p])
        largest = max(largest, packed[p])
    shift = _ZERO
    while shift < 63 and (largest - smallest) << shift < _SIGN:
        shift += _ONE
    for p in range(packed.size):
        packed[p] = ((packed[p] - smallest) << shift) & ~position | np.uint64(p)


@kernel()
def sort_digits(packed: NDArray[np.uint64], spare: NDArray[np.uint64], counts: NDArray[np.int32]) -> NDArray[np.uint64]:
    """Sort integers (n,) by their leading digits and return them, in either array."""
    counts[:] = 0
    for value in packed:
        for digit in range(DIGITS):
            counts[digit, (value >> np.uint64(64 - DIGIT_BITS * (DIGITS - digit))) & _DIGIT] += 1
    for digit in range(DIGITS):
        shift = np.uint64(64 - DIGIT_BITS * (DIGITS - digit))
        places = counts[digit]
        before = np.int32(0)
        for d in range(places.size):
            count = places[d]
            places[d] = before
            before += count
        for value in packed:
            d = (value >> shift) & _DIGIT
            spare[places[d]] = value
            places[d] += 1
        packed, spare = spare, packed
    return packed


@kernel()
def insert(vector: NDArray[np.float64], position: np.uint64, packed: NDArray[np.uint64], gap: int, steps: int) -> bool:
    """Put every `gap`-th of the integers in the order of the numbers (n,) at their positions; False if out of steps."""
    for p in range(gap, packed.size):
        moving = packed[p]
        number = vector[moving & position]
        place = p
        while place >= gap and vector[packed[place - gap] & position] > number:
            packed[place] = packed[place - gap]
            place -= gap
            steps -= 1
        packed[place] = moving
        if steps < 0:
            return False
    return True


@kernel()
def rank_levels(vector: NDArray[np.float64], place_of: NDArray[np.uint64]) -> bool:
    """Replace one vector (n,) by its mid-ranks if it has few levels, else leave it and return False; scratch: (n,)."""
    level = np.empty(_PLACES)
    count = np.zeros(_PLACES, dtype=np.int64)
    bits = vector.view(np.uint64)
    n_levels = 0
    for p in range(vector.size):
        number = vector[p]
        # Both zeros are equal, and have different bits.
        place = (bits[p] * _SPREAD) >> np.uint64(64 - TABLE_BITS) if number != 0 else _ZERO
        while count[place] > 0 and level[place] != number:
            place = (place + _ONE) & np.uint64(_PLACES - 1)
        if count[place] == 0:
            if n_levels == LEVELS:
                return False
            n_levels += 1
            level[place] = number
        count[place] += 1
        place_of[p] = place
    used = np.flatnonzero(count)
    before = 0
    for place in used[np.argsort(level[used])]:
        level[place] = before + (count[place] + 1) / 2
        before += count[place]
    for p in range(vector.size):
        vector[p] = level[place_of[p]]
    return True


@kernel()
def rank_vector(
    vector: NDArray[np.float64], packed: NDArray[np.uint64], spare: NDArray[np.uint64], counts: NDArray[np.int32]
) -> None:
    """Replace one vector (n,) by its mid-ranks; the other arrays are scratch."""
    if rank_levels(vector, packed):
        return
    n = vector.size
    position = _ZERO
    while position < n - 1:
        position = position << _ONE | _ONE
    pack(vector, position, packed)
    if n >= DIGITS_FROM:
        packed = sort_digits(packed, spare, counts)
    if not insert(vector, position, packed, 1, STEPS_OF_INSERTION * n):
        gap = 1
        while gap < n // 3:
            gap = 3 * gap + 1
        while gap > 0:
            insert(vector, position, packed, gap, n * n)
            gap //= 3
    start = 0
    while start < n:
        number = vector[packed[start] & position]
        stop = start + 1
        while stop < n and vector[packed[stop] & position] == number:
            stop += 1
        # Ranks start + 1 … stop are shared.
        for p in range(start, stop):
            vector[packed[p] & position] = (start + 1 + stop) / 2
        start = stop


@kernel(parallel=True)
def rank_vectors(vectors: NDArray[np.float64]) -> None:
    """Replace each vector by its mid-ranks.

    Parameters
    ----------
    vectors : (m, n) contiguous float64 array
        Finite numbers; overwritten with ranks from 1, tied numbers sharing the mean of theirs.
    """
    m, n = vectors.shape
    for task in prange((m + VECTORS_OF_A_TASK - 1) // VECTORS_OF_A_TASK):
        packed = np.empty((2, n), dtype=np.uint64)
        counts = np.empty((DIGITS, 2**DIGIT_BITS), dtype=np.int32)
        for row in range(task * VECTORS_OF_A_TASK, min(m, (task + 1) * VECTORS_OF_A_TASK)):
            rank_vector(vectors[row], packed[0], packed[1], counts)


@kernel(parallel=True)
def unit_ranks(rdms: NDArray[np.float64], vectors: NDArray[np.float64]) -> None:
    """Rank the upper triangle of each RDM, and centre and scale the ranks.

    Parameters
    ----------
    rdms : (m, n, n) contiguous float64 array
        Matrices of finite numbers.
    vectors : (m, n(n-1)/2) contiguous float64 array
        Filled with centred mid-ranks of unit length, in the order of `np.triu_indices(n, 1)`; zero where all entries
        are equal.
    """
    m, n_pairs = vectors.shape
    n = rdms.shape[1]
    for task in prange((m + VECTORS_OF_A_TASK - 1) // VECTORS_OF_A_TASK):
        packed = np.empty((2, n_pairs), dtype=np.uint64)
        counts = np.empty((DIGITS, 2**DIGIT_BITS), dtype=np.int32)
        for row in range(task * VECTORS_OF_A_TASK, min(m, (task + 1) * VECTORS_OF_A_TASK)):
            vector = vectors[row]
            start = 0
            for i in range(n - 1):
                vector[start : start + n - 1 - i] = rdms[row, i, i + 1 :]
                start += n - 1 - i
            rank_vector(vector, packed[0], packed[1], counts)
            squares = 0.0
            for p in range(n_pairs):
                vector[p] -= (n_pairs + 1) / 2
                squares += vector[p] ** 2
            scale = 1 / np.sqrt(squares) if squares > 0 else 0.0
            for p in range(n_pairs):
                vector[p] *= scale
