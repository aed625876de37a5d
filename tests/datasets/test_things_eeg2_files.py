from pathlib import Path

import numpy as np
import pytest
from things_eeg2_downloads import TIMES, responses, write_images, write_metadata, write_responses

from brainscore_realnet.datasets.things_eeg2 import (
    CHANNELS,
    SHAPES,
    SUBJECTS,
    image_paths,
    read_image_metadata,
    read_preprocessed,
)
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, UnsafeFileError

METADATA = Path(__file__).parents[1] / "data" / "eeg2" / "image_metadata.npy"


def test_constants_are_those_of_the_published_set():
    assert len(CHANNELS) == len(set(CHANNELS)) == 17
    assert (SUBJECTS[0], SUBJECTS[-1], len(SUBJECTS)) == ("sub-01", "sub-10", 10)
    assert SHAPES == {"training": (16540, 4, 17, 100), "test": (200, 80, 17, 100)}


@pytest.mark.parametrize("raw_pickle", [False, True])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_a_published_file_reads_as_it_was_written(tmp_path, raw_pickle, dtype):
    data = responses(0).astype(dtype)
    path = write_responses(tmp_path / "file.npy", data, raw_pickle=raw_pickle)
    content = read_preprocessed(path, "test", expect=4)
    np.testing.assert_array_equal(content["data"], data)
    assert content["data"].dtype == dtype
    assert content["ch_names"] == list(CHANNELS)
    assert content["times"].tolist() == [-0.2, -0.19, -0.18, -0.17, -0.16, -0.15]


@pytest.mark.parametrize(("old", "new"), [(b"numpy.core", b"numpy._core"), (b"numpy._core", b"numpy.core")])
def test_files_of_numpy_1_and_2_are_read(tmp_path, old, new):
    path = write_responses(tmp_path / "file.npy", responses(0))
    path.write_bytes(path.read_bytes().replace(old, new))
    assert new + b".multiarray" in path.read_bytes()
    np.testing.assert_array_equal(read_preprocessed(path, "test")["data"], responses(0))


@pytest.mark.parametrize("extra", [[], ["Fp1", "Cz"]])
@pytest.mark.parametrize("raw_pickle", [False, True])
@pytest.mark.parametrize("order", ["C", "F"])
def test_channels_are_found_by_name_in_any_order_beside_others(tmp_path, extra, raw_pickle, order):
    data = responses(0)
    names = [*CHANNELS, *extra]
    shuffled = np.random.default_rng(1).permutation(len(names))
    full = np.concatenate([data, responses(2, channels=len(extra))], axis=2)[:, :, shuffled]
    path = write_responses(
        tmp_path / "file.npy",
        np.asarray(full, order=order),
        ch_names=np.array(names)[shuffled],
        raw_pickle=raw_pickle,
    )
    content = read_preprocessed(path, "test")
    np.testing.assert_array_equal(content["data"], data)
    assert content["ch_names"] == list(CHANNELS)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (100, [-0.2, -0.19, -0.18]),
        (250, [-0.2, -0.196, -0.192]),
        (1000, [-0.2, -0.199, -0.198]),
        (50, [-0.2, -0.18, -0.16]),
    ],
)
def test_float_noise_of_times_is_rounded_away_at_any_sampling_rate(tmp_path, rate, expected):
    noisy = -0.2 + np.arange(3) / rate + np.array([1e-12, -3e-11, 2e-10])
    path = write_responses(tmp_path / "file.npy", responses(0, times=3), times=noisy)
    assert read_preprocessed(path, "test")["times"].tolist() == expected


@pytest.mark.parametrize("name", ["Pz", "PO8", "P2"])
def test_a_missing_channel_is_named(tmp_path, name):
    names = [other if other != name else "Cz" for other in CHANNELS]
    path = write_responses(tmp_path / "file.npy", responses(0), ch_names=names)
    with pytest.raises(BadFileError, match=f"Got channel {name} 0 times"):
        read_preprocessed(path, "test")


def test_a_channel_that_stands_twice_is_named(tmp_path):
    path = write_responses(tmp_path / "file.npy", responses(0, channels=18), ch_names=[*CHANNELS, "Oz"])
    with pytest.raises(BadFileError, match="Got channel Oz 2 times"):
        read_preprocessed(path, "test")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_and_infinite_values_are_counted_and_the_first_is_placed(tmp_path, value):
    data = responses(0)
    data[2, 1, 4, 5] = data[3, 0, 0, 0] = data[2, 2, 0, 0] = value
    path = write_responses(tmp_path / "file.npy", data)
    with pytest.raises(BadFileError, match=r"3 NaN.*image 2, repetition 1, channel Oz, time index 5"):
        read_preprocessed(path, "test")


def test_nan_in_a_channel_that_is_not_used_is_no_error(tmp_path):
    data = responses(0, channels=18)
    data[:, :, 17] = np.nan
    path = write_responses(tmp_path / "file.npy", data, ch_names=[*CHANNELS, "Cz"])
    np.testing.assert_array_equal(read_preprocessed(path, "test")["data"], data[:, :, :17])


@pytest.mark.parametrize("key", ["preprocessed_eeg_data", "ch_names", "times"])
def test_a_missing_key_is_named(tmp_path, key):
    path = write_responses(tmp_path / "file.npy", responses(0), without=key)
    with pytest.raises(BadFileError, match=rf"expected also {key}"):
        read_preprocessed(path, "test")


@pytest.mark.parametrize(
    "data",
    [
        responses(0)[0],
        responses(0, channels=16),
        responses(0, times=5),
        responses(0, images=0),
        responses(0).astype(int),
        "no array",
    ],
)
def test_a_wrong_shape_or_dtype_is_a_bad_file(tmp_path, data):
    path = write_responses(tmp_path / "file.npy", data)
    with pytest.raises(BadFileError, match=r"expected floats of shape images × repetitions × 17 × 6"):
        read_preprocessed(path, "test")


def test_the_number_of_images_must_be_that_of_the_metadata(tmp_path):
    path = write_responses(tmp_path / "file.npy", responses(0))
    with pytest.raises(BadFileError, match=r"shape \(4, 3, 17, 6\).*expected floats of shape 200 ×"):
        read_preprocessed(path, "test", expect=200)


@pytest.mark.parametrize(
    "times",
    [
        TIMES[::-1],
        np.full(6, 0.1),
        [0, 1, 2, 3, 4, np.nan],
        1000 * TIMES,
        ["a"] * 6,
        [-0.2, -0.1, 0, -0.1, 0.1, 0.2],
    ],
)
def test_times_that_are_not_increasing_seconds_are_a_bad_file(tmp_path, times):
    path = write_responses(tmp_path / "file.npy", responses(0), times=times)
    with pytest.raises(BadFileError, match="seconds"):
        read_preprocessed(path, "test")


def test_truncated_foreign_absent_and_unknown_are_told_apart(tmp_path):
    path = write_responses(tmp_path / "file.npy", responses(0))
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(BadFileError, match=r"file\.npy"):
        read_preprocessed(path, "test")
    write_responses(path, responses(0), culprit=Path("a"))
    with pytest.raises(UnsafeFileError, match="pathlib"):
        read_preprocessed(path, "test")
    with pytest.raises(MissingDataError, match=r"absent\.npy"):
        read_preprocessed(tmp_path / "absent.npy", "test")
    with pytest.raises(BadInputError, match="'train'"):
        read_preprocessed(path, "train")


def test_the_real_metadata_list_200_and_16540_images_in_the_order_of_folder_and_file():
    metadata = read_image_metadata(METADATA)
    assert {split: len(images.files) for split, images in metadata.items()} == {"training": 16540, "test": 200}
    for images in metadata.values():
        places = [f"{concept}/{file}" for concept, file in zip(images.concepts, images.files, strict=True)]
        assert places == sorted(places)
    training = metadata["training"].files
    assert sum(one != other for one, other in zip(training, sorted(training), strict=True)) > 0
    test = metadata["test"]
    assert (test.concepts[0], test.concepts_THINGS[0]) == ("00001_aircraft_carrier", "00010_aircraft_carrier")
    assert (test.files[0], test.unique_ids[0]) == ("aircraft_carrier_06s.jpg", "aircraft_carrier")
    assert set(test.unique_ids).isdisjoint(metadata["training"].unique_ids)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_img_files": None}, "expected also test_img_files"),
        ({"test_img_files": ["one.jpg"]}, "4 concepts, 4 THINGS concepts and 1 files"),
        ({"test_img_files": ["a.jpg", "b.jpg", "c.jpg", "a.png"]}, "two images called 'a'"),
        ({"test_img_files": ["a.jpg", "b.jpg", "c.jpg", "../d.jpg"]}, "'../d.jpg'"),
        ({"test_img_concepts": ["1_a", "2_b", "3_c", "d"]}, "'d'.*image_metadata"),
    ],
)
def test_wrong_metadata_are_a_bad_file(tmp_path, changes, message):
    path = write_metadata(tmp_path / "image_metadata.npy", **changes)
    with pytest.raises(BadFileError, match=message):
        read_image_metadata(path)


def test_image_paths_follow_the_events_and_all_missing_images_are_counted(tmp_path):
    metadata = read_image_metadata(write_metadata(tmp_path / "image_metadata.npy"))
    write_images(tmp_path, tmp_path / "image_metadata.npy")
    paths = image_paths(tmp_path, metadata, "training")
    assert paths[1] == tmp_path / "training_images" / "00002_thing_2" / "thing_2_train.jpg"
    assert len(paths) == 5
    for path in image_paths(tmp_path, metadata, "test")[1:3]:
        path.unlink()
    with pytest.raises(MissingDataError, match=r"2 of 4 test images.*2 are missing, the first is .*thing_2_test\.jpg"):
        image_paths(tmp_path, metadata, "test")
