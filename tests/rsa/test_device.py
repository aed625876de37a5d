import numpy as np
import pytest
import torch

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa._device import as_numpy, on_device, real_numbers


def test_without_a_device_numpy_computes_on_the_same_memory():
    array = np.arange(4.0)
    module, given = on_device(array)
    assert module is np
    assert np.shares_memory(given, array)


@pytest.mark.parametrize("dtype", [np.float32, np.int16, np.float64, ">f8"])
def test_arrays_of_any_kind_reach_the_device_as_float64(dtype):
    array = np.arange(6, dtype=dtype).reshape(2, 3)[:, ::-1]
    array.flags.writeable = False
    module, given = on_device(array, "cpu")
    assert module is torch
    assert given.dtype == torch.float64
    np.testing.assert_array_equal(as_numpy(given), array)


@pytest.mark.parametrize("device", ["cuda:99", "abacus"])
def test_a_device_that_is_not_there_is_named(device):
    with pytest.raises(BadInputError, match=f"device='{device}'"):
        on_device(np.ones(2), device)


def test_what_holds_no_real_numbers_is_refused_by_name():
    for array in (np.ones(2) * 1j, np.array(["a"]), torch.ones(2) * 1j):
        with pytest.raises(BadInputError, match="features of dtype"):
            real_numbers(array, "features")
