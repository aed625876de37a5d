import numpy as np
import pytest

from brainscore_realnet.rsa import averaged_times, smoothed, tied


@pytest.mark.parametrize(
    ("index", "smooth", "window"),
    [
        (4, None, [4]),
        (4, 1, [4]),
        (4, 5, [2, 3, 4, 5, 6]),
        (0, 5, [0, 1, 2]),
        (9, 5, [7, 8, 9]),
        (1, 7, [0, 1, 2, 3, 4]),
    ],
)
def test_windows_are_centred_and_end_with_the_epoch(index, smooth, window):
    assert averaged_times([index], 10, smooth) == window


def test_averaged_times_of_several_are_named_once_in_order():
    assert averaged_times(np.array([5, 4]), 10, 3) == [3, 4, 5, 6]


def test_smoothing_keeps_leading_dimensions_and_the_order_asked_for():
    rdms = {at: np.full((2, 3, 3), float(at)) for at in range(10)}
    result = smoothed(rdms, [8, 0], 10, 3)
    assert result.shape == (2, 2, 3, 3)
    assert np.unique(result[0]) == 8
    assert np.unique(result[1]) == 0.5


def test_sums_in_any_order_are_tied():
    one, other = (0.1 + 0.2 + 0.3) / 3, (0.3 + 0.2 + 0.1) / 3
    assert one != other
    assert tied(np.array(one)) == tied(np.array(other))
