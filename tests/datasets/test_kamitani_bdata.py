import itertools
import shutil

import bdpy
import h5py
import hypothesis.strategies as st
import numpy as np
import pytest
import scipy.io
from hypothesis import given, settings
from kamitani_files import image_table, presentation, write_bdata, write_fmriprep, write_horikawa, write_original

from brainscore_realnet.datasets.kamitani.bdata import open_bdata, read_columns, runs
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError


@pytest.fixture
def small(tmp_path):
    data = np.random.default_rng(0).normal(size=(7, 5))
    metadata = {"ROI_V1": [1, 0, 1, np.nan, 0], "Label": [np.nan, np.nan, np.nan, 1, 1]}
    return write_bdata(tmp_path / "small.h5", data, metadata), data


LAYOUTS = {
    "contiguous": {},
    "chunked": {"chunks": (3, 4)},
    "compressed": {"chunks": (5, 7), "compression": "gzip"},
    "one chunk": {"chunks": (40, 60), "compression": "gzip", "shuffle": True},
}


@pytest.fixture(scope="module", params=LAYOUTS)
def laid_out(request, tmp_path_factory):
    data = np.random.default_rng(1).normal(size=(40, 60))
    path = tmp_path_factory.mktemp("layout") / "file.h5"
    return write_bdata(path, data, {"a": np.ones(60)}, layout=LAYOUTS[request.param]), data


@pytest.mark.parametrize("write", ["original", "fmriprep", "horikawa"])
def test_everything_is_read_as_bdpy_reads_it(tmp_path, write):
    path = tmp_path / "file.h5"
    _, ids, names = image_table("test")
    shown = presentation(6, 3, seed=2)
    if write == "horikawa":
        write_horikawa(path)
    else:
        write_original(path, ids, shown) if write == "original" else write_fmriprep(path, names, shown)
    ours, theirs = open_bdata(path), bdpy.BData(str(path))
    assert (ours.n_samples, ours.n_columns) == theirs.dataset.shape
    assert list(ours.keys) == list(theirs.metadata.key)
    for key in ours.keys:
        np.testing.assert_array_equal(ours.metadata(key), theirs.get_metadata(key))
        selected = theirs.select(key)
        np.testing.assert_array_equal(ours.select(key), selected if selected.size else np.empty((ours.n_samples, 0)))
    assert ours.vmaps == {key: theirs.get_vmap(key) for key in theirs.get_vmap_keys()}


@pytest.mark.parametrize("names", [("dataset", "metadata"), ("dataSet", "metaData")])
@pytest.mark.parametrize("keys", [np.bytes_, str])
@pytest.mark.parametrize("header", [True, False])
def test_old_and_new_names_and_any_kind_of_text_are_the_same_file(tmp_path, names, keys, header):
    data = np.arange(6.0).reshape(2, 3)
    metadata = {"ROI_V1": [1, 0, np.nan], "Größe": [0, 1, 1]}
    if keys is np.bytes_:
        metadata = {"ROI_V1": metadata["ROI_V1"], "Size": metadata["Größe"]}
    vmap = {"ROI_V1": {"1": "one", "2.0": b"two"}}
    path = write_bdata(tmp_path / "file.h5", data, metadata, vmap, names=names, keys=keys, header=header)
    file = open_bdata(path)
    assert file.keys == tuple(metadata)
    assert file.columns(file.keys[1]).tolist() == [1, 2]
    assert file.vmaps == {"ROI_V1": {1.0: "one", 2.0: "two"}}
    np.testing.assert_array_equal(file.select("ROI_V1"), data[:, :1])
    np.testing.assert_array_equal(theirs_select(path, "ROI_V1"), data[:, :1])


def theirs_select(path, key):
    return bdpy.BData(str(path)).select(key)


@settings(max_examples=60, deadline=None)
@given(
    columns=st.sets(st.integers(0, 59)),
    samples=st.one_of(st.none(), st.lists(st.integers(0, 39), max_size=60)),
)
def test_columns_and_samples_in_any_order_are_those_of_the_whole_dataset(laid_out, columns, samples):
    path, data = laid_out
    columns = sorted(columns)
    values = read_columns(path, columns, None if samples is None else np.array(samples, dtype=np.int64))
    expected = data[:, columns] if samples is None else data[np.ix_(samples, columns)]
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, expected)


@pytest.mark.parametrize("dtype", [">f8", "<f4", "i2"])
def test_other_number_types_become_float64(tmp_path, dtype):
    data = np.arange(12).reshape(3, 4).astype(dtype)
    path = write_bdata(tmp_path / "file.h5", data, {"a": np.ones(4)})
    values = read_columns(path, [1, 3])
    assert values.dtype == np.float64
    np.testing.assert_array_equal(values, data[:, [1, 3]].astype(np.float64))


@given(columns=st.sets(st.integers(0, 50)))
def test_runs_cover_the_columns_and_nothing_else(columns):
    pieces = runs(np.array(sorted(columns)))
    assert [column for first, end in pieces for column in range(first, end)] == sorted(columns)
    assert all(before[1] < after[0] for before, after in itertools.pairwise(pieces))


@pytest.mark.parametrize(
    ("layout", "most"), [({}, 1.15), ({"chunks": (100, 50)}, 1.45), ({"chunks": (64, 50), "compression": "gzip"}, 1.45)]
)
@pytest.mark.parametrize("spread", ["together", "in runs"])
def test_little_more_than_the_columns_is_read(tmp_path, monkeypatch, layout, most, spread):
    data = np.random.default_rng(3).normal(size=(600, 2000))
    path = write_bdata(tmp_path / "large.h5", data, {"a": np.ones(2000)}, layout=layout)
    columns = (
        np.arange(430, 630) if spread == "together" else np.concatenate([np.arange(8) + 80 * k for k in range(25)])
    )
    if spread == "in runs" and layout:
        columns = np.concatenate([np.arange(50) + 400 * k for k in range(4)])
    before = bytes_read()
    values = read_columns(path, columns)
    used = bytes_read() - before
    np.testing.assert_array_equal(values, data[:, columns])
    assert used < most * values.nbytes + 20_000
    assert used < 0.2 * path.stat().st_size


def bytes_read():
    try:
        with open("/proc/self/io", encoding="ascii") as file:
            return int(file.readline().split()[1])
    except OSError:
        pytest.skip("this system does not count the bytes that are read")


def test_columns_must_be_ascending(small):
    for columns in ([2, 1], [1, 1], [-1, 0]):
        with pytest.raises(BadInputError, match="ascending"):
            read_columns(small[0], columns)


def test_columns_and_samples_that_are_not_there_are_a_changed_file(small):
    with pytest.raises(BadFileError, match=r"7 samples × 5 columns .*small\.h5"):
        read_columns(small[0], [5])
    with pytest.raises(BadFileError, match=r"7 samples × 5 columns .*small\.h5"):
        read_columns(small[0], [0], np.array([7]))


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_not_finite_is_told_with_its_place(tmp_path, value):
    data = np.zeros((6, 4))
    data[4, 2] = data[5, 2] = value
    path = write_bdata(tmp_path / "holes.h5", data, {"a": np.ones(4)})
    with pytest.raises(BadFileError, match=r"Got 2 NaN or infinite .*holes\.h5.* sample 4, column 2 "):
        read_columns(path, [1, 2], np.array([5, 4]))
    np.testing.assert_array_equal(read_columns(path, [0, 1, 3]), data[:, [0, 1, 3]])
    assert not np.isfinite(read_columns(path, [2], finite=False)[4:]).any()


def test_a_file_that_is_not_there_is_missing(tmp_path):
    for path in (tmp_path / "no.h5", tmp_path):
        with pytest.raises(MissingDataError, match=r"BData file"):
            open_bdata(path)


def replace(path, name, value):
    with h5py.File(path, "r+") as file:
        del file[name]
        if value is not None:
            file[name] = value


BROKEN = {
    "a web page": lambda path: path.write_bytes(b"<!DOCTYPE html><html>403 Forbidden</html>"),
    "a zip archive": lambda path: path.write_bytes(b"PK\x03\x04" + bytes(100)),
    "a MATLAB file": lambda path: scipy.io.savemat(path, {"dataSet": np.ones((2, 2))}, appendmat=False),
    "HDF5 cannot read": lambda path: path.write_bytes(path.read_bytes()[:-200]),
    "cannot read .*signature": lambda path: path.write_bytes(b""),
    "holds header, metadata and no dataset": lambda path: replace(path, "dataset", None),
    "no metadata with": lambda path: replace(path, "metadata", None),
    r"'dataset' of shape \(5,\)": lambda path: replace(path, "dataset", np.ones(5)),
    r"'dataset' of shape \(0, 5\)": lambda path: replace(path, "dataset", np.ones((0, 5))),
    "no array of numbers": lambda path: replace(path, "dataset", [[b"a", b"b"]]),
    r"metadata values of shape \(2, 4\) for 2 keys and 5 columns": lambda path: replace(
        path, "metadata/value", np.ones((2, 4))
    ),
    r"metadata values of shape \(2, 5\) for 3 keys": lambda path: replace(path, "metadata/key", [b"a", b"b", b"c"]),
    "'a' more than once": lambda path: replace(path, "metadata/key", [b"a", b"a"]),
    "does not name numbers": lambda path: add(path, "vmap/Label/one", b"x"),
    "that is no group": lambda path: add(path, "vmap/Label", b"x"),
}


def add(path, name, value):
    with h5py.File(path, "r+") as file:
        file[name] = value


@pytest.mark.parametrize("found", BROKEN)
def test_what_is_no_bdata_is_refused_with_what_was_found(small, found):
    path, _ = small
    BROKEN[found](path)
    with pytest.raises(BadFileError, match=rf"small\.h5 .*{found}"):
        open_bdata(path)


def test_a_truncated_file_is_refused_at_every_length(small, tmp_path):
    path, _ = small
    whole = path.read_bytes()
    short = tmp_path / "short.h5"
    for length in range(0, len(whole), 331):
        short.write_bytes(whole[:length])
        with pytest.raises(BadFileError, match=r"short\.h5"):
            open_bdata(short)


def test_a_file_is_not_kept_open(small, tmp_path):
    path, data = small
    file = open_bdata(path)
    shutil.move(path, tmp_path / "moved.h5")
    with pytest.raises(MissingDataError):
        file.select("ROI_V1")
    write_bdata(path, data + 1, {"a": np.ones(5)})
    np.testing.assert_array_equal(file.select("ROI_V1"), data[:, [0, 2]] + 1)
