import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import check_rdm, correlation_rdm, rdm, upper_triangle
from brainscore_realnet.rsa._extents import measure_rdms


def rdm_of(seed: int, n: int = 8) -> np.ndarray:
    return correlation_rdm(np.random.default_rng(seed).standard_normal((n, 50)))


def test_upper_triangle_follows_triu_indices_over_leading_dimensions():
    stack = np.arange(2 * 3 * 16).reshape(2, 3, 4, 4)
    result = upper_triangle(stack)
    assert result.shape == (2, 3, 6)
    assert result[1, 2].tolist() == [stack[1, 2, i, j] for i in range(4) for j in range(i + 1, 4)]


@pytest.mark.parametrize("shape", [(4,), (3, 4), (1, 1), (2, 4, 3)])
def test_upper_triangle_refuses_what_is_not_square(shape):
    with pytest.raises(BadInputError, match="n, n"):
        upper_triangle(np.zeros(shape))


def test_upper_triangle_of_a_tensor_is_a_tensor():
    stack = torch.arange(2 * 16).reshape(2, 4, 4)
    assert upper_triangle(stack)[1].tolist() == upper_triangle(stack.numpy())[1].tolist()
    assert upper_triangle(stack).dtype == torch.int64


@pytest.fixture(params=["compiled", "not compiled"])
def compiled(request, monkeypatch):
    monkeypatch.setattr(rdm, "COMPILED_FROM", 0 if request.param == "compiled" else np.inf)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.int64])
def test_check_rdm_takes_tensors_of_real_numbers(dtype):
    given_rdm = torch.tensor([[0, 1, 2], [1, 0, 3], [2, 3, 0]], dtype=dtype)
    checked = check_rdm(given_rdm)
    assert checked.dtype == np.float64
    assert checked.tolist() == [[0, 1, 2], [1, 0, 3], [2, 3, 0]]
    with pytest.raises(BadInputError, match="complex64"):
        check_rdm(given_rdm.to(torch.complex64))


def test_check_rdm_passes_float32_rdms_and_returns_float64(compiled):
    given_rdm = rdm_of(10).astype(np.float32)
    checked = check_rdm(given_rdm)
    assert checked.dtype == np.float64
    assert (checked == given_rdm).all()


def test_check_rdm_copies_nothing_that_fits():
    given_rdm = rdm_of(10)
    assert np.shares_memory(check_rdm(given_rdm), given_rdm)


@pytest.mark.parametrize("place", [(0, 1), (1, 0), (3, 3), (5, 2)])
@pytest.mark.parametrize("value", [np.nan, -np.nan, np.inf, -np.inf])
def test_check_rdm_finds_what_is_not_finite_anywhere_in_a_stack(place, value, compiled):
    stack = np.stack([rdm_of(seed) for seed in range(6)]).reshape(2, 3, 8, 8)
    stack[1, 1][place] = value
    with pytest.raises(BadInputError, match=rf"{value} at \(1, 1, {place[0]}, {place[1]}\) of rdm"):
        check_rdm(stack)


def test_the_tolerance_is_relative_to_each_rdm_of_a_stack(compiled):
    large, small = 1e6 * rdm_of(12), rdm_of(13)
    scale, small_scale = large.max(), small.max()
    large[0, 1] += 0.9e-6 * scale
    large[2, 2] = 0.9e-6 * scale
    check_rdm(np.stack([large, small]))
    small[0, 1] += 1.1e-6 * small_scale
    with pytest.raises(BadInputError, match="symmetric"):
        check_rdm(np.stack([large, small]))
    small[0, 1] = small[1, 0]
    small[7, 7] = -1.1e-6 * small_scale
    with pytest.raises(BadInputError, match="diagonal"):
        check_rdm(np.stack([large, small]))


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_compiled_extents_are_exactly_numpys(seed):
    rng = np.random.default_rng(seed)
    shape = (*rng.integers(0, 4, rng.integers(0, 3)), *2 * [rng.integers(2, 9)])
    matrices = rng.standard_normal(shape) * 10.0 ** rng.integers(-300, 300, shape)
    flat = matrices.reshape(-1, *shape[-2:])
    expected = [[abs(each).max(), abs(each - each.T).max(), abs(np.diag(each)).max()] for each in flat]
    extents = np.empty((3, len(flat)))
    measure_rdms(flat, extents)
    np.testing.assert_array_equal(extents, np.reshape(expected, (-1, 3)).T)


def broken(**entries: float) -> np.ndarray:
    matrix = rdm_of(11, n=4)
    for place, value in entries.items():
        matrix[int(place[1]), int(place[2])] = value
    return matrix


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (broken(_12=np.nan, _21=np.nan), r"nan at \(1, 2\) of neural"),
        (broken(_12=np.inf, _21=np.inf), r"inf at \(1, 2\) of neural"),
        (broken(_12=5), "symmetric"),
        (broken(_22=1), "diagonal"),
        (np.zeros((3, 4)), r"\(3, 4\)"),
        (np.zeros((3, 3), dtype=complex), "complex128"),
    ],
)
def test_check_rdm_refuses_what_is_no_rdm(matrix, message, compiled):
    with pytest.raises(BadInputError, match=message):
        check_rdm(matrix, "neural")
