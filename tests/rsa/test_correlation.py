import subprocess
import sys
import tracemalloc

import numpy as np
import pytest
import torch
from brainscore_vision.metrics.rdm.metric import RDM
from hypothesis import given, settings
from hypothesis import strategies as st

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import BadRowsError, correlation, correlation_rdm, rdm_stream


def features(seed: int, n: int = 8, d: int = 50) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d))


def test_importing_rsa_loads_only_numpy_and_scipy():
    heavy = "{'torch', 'numba', 'sklearn', 'brainscore_vision', 'brainscore_core', 'xarray', 'pandas', 'threadpoolctl'}"
    code = f"import sys, brainscore_realnet.rsa; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16, np.int16])
def test_correlation_rdm_is_one_minus_numpys_corrcoef(dtype):
    matrix = (features(0) * 100).astype(dtype)
    np.testing.assert_allclose(correlation_rdm(matrix), 1 - np.corrcoef(matrix.astype(np.float64)), atol=1e-14)


def test_correlation_rdm_is_exactly_symmetric_with_a_zero_diagonal_and_nonnegative():
    matrix = features(1)
    result = correlation_rdm(np.concatenate([matrix, matrix]))
    assert (result == result.T).all()
    assert (np.diag(result) == 0).all()
    assert result.min() >= 0


def test_correlation_rdm_equals_brainscores_rdm(assembly_of):
    matrix = features(2, n=6)
    np.testing.assert_allclose(correlation_rdm(matrix), RDM()(assembly_of(matrix)).values, atol=1e-14)


def test_blocks_of_any_width_give_the_same_rdm():
    matrix = features(3)
    whole = 1 - np.corrcoef(matrix)
    for width in (1, 3, 49, 50):
        stream = rdm_stream(len(matrix))
        for start in range(0, matrix.shape[1], width):
            assert stream.update(matrix[:, start : start + width]) is stream
        np.testing.assert_allclose(stream.rdm(), whole, atol=1e-14)


def test_a_stream_goes_on_after_an_rdm_was_taken():
    matrix = features(4)
    stream = rdm_stream(len(matrix)).update(matrix[:, :20])
    np.testing.assert_allclose(stream.rdm(), 1 - np.corrcoef(matrix[:, :20]), atol=1e-14)
    np.testing.assert_allclose(stream.update(matrix[:, 20:]).rdm(), 1 - np.corrcoef(matrix), atol=1e-14)


@pytest.mark.parametrize("width", [7, 50])
def test_large_means_do_not_cancel(width, monkeypatch):
    monkeypatch.setattr(correlation, "BLOCK_FEATURES", width)
    # Multiples of 1/64 around 2^40 are exact in float64, so the offset loses nothing that could excuse an error.
    matrix = np.round(features(5) * 64) / 64
    np.testing.assert_allclose(correlation_rdm(matrix + 2.0**40), 1 - np.corrcoef(matrix), atol=1e-13)


def test_means_that_differ_between_blocks_do_not_cancel():
    matrix = features(6)
    matrix[:, :10] += 1e6
    stream = rdm_stream(len(matrix)).update(matrix[:, :10]).update(matrix[:, 10:])
    exact = 1 - np.corrcoef(matrix.astype(np.longdouble))
    np.testing.assert_allclose(stream.rdm(), exact.astype(float), atol=1e-14)


@pytest.mark.parametrize("offset", [0, 1000])
def test_float32_features_lose_less_than_a_millionth(offset):
    rng = np.random.default_rng(1)
    matrix = np.maximum(rng.standard_normal((20, 50_000)) + 2 * rng.standard_normal(50_000), 0) + offset
    matrix = matrix.astype(np.float32)
    np.testing.assert_allclose(correlation_rdm(matrix), 1 - np.corrcoef(matrix.astype(np.float64)), atol=1e-6)


@pytest.mark.parametrize("scale", [1e-25, 1e-12, 1e25])
def test_float32_features_whose_products_leave_float32_are_multiplied_in_float64(scale):
    matrix = features(10)
    matrix[3] *= scale
    matrix = matrix.astype(np.float32)
    np.testing.assert_allclose(correlation_rdm(matrix), 1 - np.corrcoef(matrix.astype(np.float64)), atol=1e-6)


def test_a_torch_device_gives_the_same_from_arrays_and_tensors(monkeypatch):
    monkeypatch.setattr(correlation, "DEVICE_BLOCK_FEATURES", 7)
    matrix = features(11)
    expected = correlation_rdm(matrix)
    np.testing.assert_allclose(correlation_rdm(matrix, device="cpu"), expected, atol=1e-13)
    np.testing.assert_allclose(correlation_rdm(torch.tensor(matrix), device="cpu"), expected, atol=1e-13)
    stream = rdm_stream(len(matrix), "cpu").update(torch.tensor(matrix[:, :9])).update(matrix[:, 9:])
    np.testing.assert_allclose(stream.rdm(), expected, atol=1e-13)
    matrix[3, 27] = np.nan
    with pytest.raises(BadRowsError, match="nan in row 3, feature 27"):
        correlation_rdm(torch.tensor(matrix), device="cpu")


@pytest.mark.parametrize("device", ["cuda:99", "abacus", 1.5])
def test_devices_that_are_not_there_are_refused(device):
    with pytest.raises(BadInputError, match="expected None for NumPy, 'cpu', or"):
        correlation_rdm(features(12), device=device)


def test_float16_memmaps_are_never_copied_whole(tmp_path):
    stored = np.lib.format.open_memmap(tmp_path / "features.npy", "w+", np.float16, (20, 100_000))
    stored[:] = np.random.default_rng(0).standard_normal(stored.shape)
    tracemalloc.start()
    result = correlation_rdm(stored)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < stored.nbytes / 2
    np.testing.assert_allclose(result, 1 - np.corrcoef(stored.astype(np.float64)), atol=1e-13)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_permuting_images_permutes_the_rdm(seed):
    matrix = features(seed)
    order = np.random.default_rng(seed + 1).permutation(len(matrix))
    np.testing.assert_allclose(
        correlation_rdm(matrix[order]), correlation_rdm(matrix)[np.ix_(order, order)], atol=1e-14
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_scaling_and_offset_of_each_row_leave_the_rdm_alone(seed):
    rng = np.random.default_rng(seed)
    matrix = features(seed)
    moved = matrix * rng.uniform(0.01, 100, (len(matrix), 1)) + rng.uniform(-100, 100, (len(matrix), 1))
    np.testing.assert_allclose(correlation_rdm(moved), correlation_rdm(matrix), atol=1e-10)


def test_constant_rows_are_refused_by_number():
    matrix = features(7)
    matrix[2], matrix[5] = 0.1, 1e8
    with pytest.raises(BadRowsError, match=r"row\(s\) 2, 5 of 8") as caught:
        correlation_rdm(matrix)
    assert caught.value.rows == (2, 5)
    assert isinstance(caught.value, BadInputError)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused_with_their_place(value, monkeypatch):
    monkeypatch.setattr(correlation, "BLOCK_FEATURES", 5)
    matrix = features(8)
    matrix[3, 27] = value
    with pytest.raises(BadRowsError, match=f"{value} in row 3, feature 27") as caught:
        correlation_rdm(matrix)
    assert caught.value.rows == (3,)


def test_features_whose_squares_overflow_are_refused():
    with pytest.raises(BadInputError, match="exceed float64"):
        correlation_rdm(features(9) * 1e200)


def test_many_bad_rows_are_shortened_in_the_message():
    with pytest.raises(BadRowsError, match="8, 9 and 5 more"):
        correlation_rdm(np.ones((15, 4)))


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.ones((1, 5)), "1 row"),
        (np.ones(5), r"shape \(5,\)"),
        (np.ones((3, 4, 5)), r"shape \(3, 4, 5\)"),
        (np.ones((3, 5), dtype=complex), "complex128"),
        (np.array([["a", "b"], ["c", "d"]]), "dtype"),
        (np.arange(3.0)[:, None], "1 feature"),
        (np.ones((3, 0)), "at least one feature"),
    ],
)
def test_features_of_another_kind_are_refused(matrix, message):
    with pytest.raises(BadInputError, match=message):
        correlation_rdm(matrix)


@pytest.mark.parametrize("shape", [(7, 3), (8, 0), (8,)])
def test_blocks_that_do_not_hold_all_rows_are_refused(shape):
    with pytest.raises(BadInputError, match="block"):
        rdm_stream(8).update(np.ones(shape))


def test_an_empty_stream_has_no_rdm():
    with pytest.raises(BadInputError, match="0 feature"):
        rdm_stream(8).rdm()


def test_a_refused_block_leaves_the_stream_as_it_was(monkeypatch):
    monkeypatch.setattr(correlation, "BLOCK_FEATURES", 5)
    matrix = features(13)
    stream = rdm_stream(len(matrix)).update(matrix[:, :20])
    broken = matrix[:, 20:].copy()
    broken[3, 12] = np.nan
    with pytest.raises(BadRowsError, match="nan in row 3, feature 32"):
        stream.update(broken)
    assert stream.n_features == 20
    np.testing.assert_allclose(stream.update(matrix[:, 20:]).rdm(), 1 - np.corrcoef(matrix), atol=1e-13)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.float16, torch.bfloat16, torch.int64])
@pytest.mark.parametrize("device", [None, "cpu"])
def test_tensors_of_a_running_network_are_taken_as_they_are(dtype, device):
    tensor = (100 * torch.tensor(features(14))).to(dtype)
    tensor.requires_grad_(tensor.is_floating_point())
    expected = 1 - np.corrcoef(tensor.detach().double().numpy())
    np.testing.assert_allclose(correlation_rdm(tensor, device), expected, atol=1e-12)


@pytest.mark.parametrize("device", [None, "cpu"])
def test_complex_features_are_refused(device):
    for matrix in (features(15) + 1j, torch.tensor(features(15) + 1j)):
        with pytest.raises(BadInputError, match="complex128; expected real numbers"):
            correlation_rdm(matrix, device)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_gpu_gives_the_same_to_five_digits():
    from brainscore_realnet.rsa import compare_rdms, crossnobis_rdm, decoding_rdm

    matrix = features(16, n=20, d=5000).astype(np.float32)
    trials = np.random.default_rng(0).standard_normal((20, 20, 5, 3))
    rdms = decoding_rdm(trials, "lda")
    for call in (
        lambda device: correlation_rdm(matrix, device=device),
        lambda device: decoding_rdm(trials, "lda", device=device),
        lambda device: crossnobis_rdm(trials, device=device),
        lambda device: compare_rdms(rdms[0], rdms, device=device),
    ):
        np.testing.assert_allclose(call("cuda"), call(None), atol=1e-5)
