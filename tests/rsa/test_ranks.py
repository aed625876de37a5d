import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from brainscore_realnet.rsa._ranks import DIGITS_FROM, LEVELS, insert, pack, rank_levels, rank_vectors

KINDS = {
    "uniform": lambda rng, shape: rng.uniform(0.1, 1.5, shape),
    "of both signs": lambda rng, shape: rng.standard_normal(shape),
    "tied": lambda rng, shape: rng.integers(0, 20, shape) / 20,
    "constant": lambda rng, shape: np.full(shape, 0.3),
    "zeros of both signs": lambda rng, shape: rng.choice([-0.0, 0.0, -1e-300, 1e-300, 1.0], shape),
    "subnormal": lambda rng, shape: rng.integers(-(10**4), 10**4, shape) * 5e-324,
    "huge": lambda rng, shape: rng.uniform(-1, 1, shape) * 1.7e308,
    "of all magnitudes": lambda rng, shape: 10.0 ** rng.uniform(-320, 308, shape) * rng.choice([-1, 1], shape),
    "sorted": lambda rng, shape: np.sort(rng.standard_normal(shape), axis=-1),
    "reversed": lambda rng, shape: -np.sort(rng.standard_normal(shape), axis=-1),
    "all but one nearly equal": lambda rng, shape: np.where(
        np.arange(shape[-1]) == shape[-1] // 2, 1e-200, 1 + 1e-12 * rng.uniform(0, 1, shape)
    ),
    "a few steps apart": lambda rng, shape: 1 + rng.integers(0, 50, shape) * np.finfo(float).eps,
}


def ranked(vectors: np.ndarray) -> np.ndarray:
    result = vectors.copy()
    rank_vectors(result)
    return result


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n", [1, 2, 3, DIGITS_FROM - 1, DIGITS_FROM, 4096, 4097])
def test_mid_ranks_are_exactly_scipys(kind, n):
    vectors = KINDS[kind](np.random.default_rng(n), (19, n))
    np.testing.assert_array_equal(ranked(vectors), rankdata(vectors, axis=-1))


@settings(max_examples=200, deadline=None)
@given(
    pool=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=40),
    n=st.integers(1, 400),
    seed=st.integers(0, 10_000),
)
def test_mid_ranks_of_any_finite_numbers_are_exactly_scipys(pool, n, seed):
    vectors = np.random.default_rng(seed).choice(pool, (2, n))
    np.testing.assert_array_equal(ranked(vectors), rankdata(vectors, axis=-1))


@settings(max_examples=200, deadline=None)
@given(bits=arrays(np.uint64, (1, 150), elements=st.integers(0, 2**64 - 1), fill=st.nothing()))
def test_mid_ranks_of_any_bits_that_are_numbers_are_exactly_scipys(bits):
    vectors = np.where(np.isfinite(bits.view(np.float64)), bits.view(np.float64), 0)
    np.testing.assert_array_equal(ranked(vectors), rankdata(vectors, axis=-1))


@pytest.mark.parametrize(("n_levels", "counted"), [(1, True), (LEVELS, True), (LEVELS + 1, False), (5 * LEVELS, False)])
def test_few_levels_are_counted_and_many_are_left(n_levels, counted):
    rng = np.random.default_rng(n_levels)
    levels = 10.0 ** rng.uniform(-300, 300, n_levels) * rng.choice([-1, 1], n_levels)
    vector = rng.permutation(np.concatenate([levels, rng.choice(levels, 5000)]))
    result = vector.copy()
    assert rank_levels(result, np.empty(vector.size, dtype=np.uint64)) == counted
    np.testing.assert_array_equal(result, rankdata(vector) if counted else vector)


def test_half_a_million_numbers_are_ranked_as_scipy_does():
    vectors = np.random.default_rng(0).standard_normal((1, 499_500)).round(5)
    np.testing.assert_array_equal(ranked(vectors), rankdata(vectors, axis=-1))


@pytest.mark.parametrize("kind", ["uniform", "of both signs", "of all magnitudes", "subnormal", "huge"])
def test_packed_integers_are_in_the_order_of_the_numbers(kind):
    vector = np.unique(KINDS[kind](np.random.default_rng(1), 50))
    vector = np.random.default_rng(2).permutation(vector)
    packed = np.empty(vector.size, dtype=np.uint64)
    pack(vector, np.uint64(63), packed)
    assert (np.sort(packed) & np.uint64(63)).tolist() == np.argsort(vector).tolist()


def test_no_vectors_have_no_ranks():
    assert ranked(np.empty((0, 5))).shape == (0, 5)


def test_insertion_gives_up_when_it_takes_too_many_steps():
    order = np.arange(100, dtype=np.uint64)
    assert not insert(np.arange(100.0)[::-1].copy(), np.uint64(127), order.copy(), 1, 800)
    assert insert(np.arange(100.0)[::-1].copy(), np.uint64(127), order, 1, 100 * 99 // 2)
    assert order.tolist() == list(range(99, -1, -1))


def test_threads_of_python_may_compare_at_once_on_the_layer_that_forbids_it():
    code = """
from concurrent.futures import ThreadPoolExecutor
import numpy as np
from brainscore_realnet.rsa.compare import compare_rdms
upper = np.triu(np.random.default_rng(0).uniform(0.1, 2, (60, 100, 100)), 1)
rdms = upper + np.swapaxes(upper, -2, -1)
with ThreadPoolExecutor(8) as pool:
    results = list(pool.map(lambda _: compare_rdms(rdms[:1], rdms), range(80)))
import numba
print(numba.threading_layer(), all((result == results[0]).all() for result in results))
"""
    environment = {**os.environ, "NUMBA_THREADING_LAYER": "workqueue", "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert done.stdout.strip() == "workqueue True", done.stderr
