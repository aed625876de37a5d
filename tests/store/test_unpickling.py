import pickle
import subprocess
from pathlib import Path

import numpy as np
import pytest

from brainscore_realnet.errors import BadFileError, MissingDataError, UnsafeFileError
from brainscore_realnet.store import load_dict_npy

METADATA = Path(__file__).parents[1] / "data" / "eeg2" / "image_metadata.npy"
CONTENT = {
    "data": np.arange(24, dtype=np.float64).reshape(2, 3, 4),
    "fortran": np.asfortranarray(np.arange(6, dtype=np.float32).reshape(2, 3)),
    "big": np.arange(3, dtype=">i4"),
    "scalar": np.float64(0.25),
    "text": np.array(["Pz", "P3"]),
    "names": ["Pz", "P3"],
    "objects": np.array(["a", 1, None], dtype=object),
    "deep": {"times": (1, 2.5, True, None)},
}


def assert_is_content(value):
    assert value.keys() == CONTENT.keys()
    for key in ("data", "fortran", "big", "scalar", "text", "objects"):
        np.testing.assert_array_equal(value[key], CONTENT[key])
        assert value[key].dtype.newbyteorder("=") == CONTENT[key].dtype.newbyteorder("=")
    assert value["names"] == CONTENT["names"]
    assert value["deep"] == CONTENT["deep"]


def test_a_dictionary_saved_by_numpy_is_read(tmp_path):
    np.save(tmp_path / "file.npy", CONTENT, allow_pickle=True)
    assert_is_content(load_dict_npy(tmp_path / "file.npy"))


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_plain_pickle_of_any_protocol_is_read(tmp_path, protocol):
    (tmp_path / "file.npy").write_bytes(pickle.dumps(CONTENT, protocol=protocol))
    assert_is_content(load_dict_npy(tmp_path / "file.npy"))


@pytest.mark.parametrize(("old", "new"), [(b"numpy.core", b"numpy._core"), (b"numpy._core", b"numpy.core")])
def test_both_spellings_of_numpys_core_are_read(tmp_path, old, new):
    np.save(tmp_path / "file.npy", CONTENT, allow_pickle=True)
    content = (tmp_path / "file.npy").read_bytes().replace(old, new)
    assert b"c" + new + b".multiarray\n" in content
    (tmp_path / "file.npy").write_bytes(content)
    assert_is_content(load_dict_npy(tmp_path / "file.npy"))


def test_the_real_image_metadata_are_read_as_numpy_reads_them():
    assert load_dict_npy(METADATA) == np.load(METADATA, allow_pickle=True).item()


class _Runs:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class _CallsEval:
    def __init__(self, path):
        self.code = f"open({str(path)!r}, 'w')"

    def __reduce__(self):
        return eval, (self.code,)


@pytest.mark.parametrize("culprit", [_Runs, _CallsEval])
@pytest.mark.parametrize("save", [np.save, lambda path, value: path.write_bytes(pickle.dumps(value))])
def test_a_file_that_would_run_code_is_refused_by_name_and_nothing_runs(tmp_path, culprit, save):
    path, trace = tmp_path / "file.npy", tmp_path / "executed"
    save(path, {"data": np.zeros(3), "culprit": culprit(trace)})
    with pytest.raises(UnsafeFileError) as caught:
        load_dict_npy(path)
    assert str(path) in str(caught.value)
    assert ("eval" if culprit is _CallsEval else "getattr") in str(caught.value) or "pathlib" in str(caught.value)
    assert not trace.exists()
    np.load(path, allow_pickle=True)  # the culprit works where nothing stops it
    assert trace.exists()


@pytest.mark.parametrize("value", [subprocess.Popen, np.load, np.memmap, np.fromfile])
def test_globals_beyond_arrays_are_refused_though_numpy_owns_them(tmp_path, value):
    (tmp_path / "file.npy").write_bytes(pickle.dumps({"value": value}))
    with pytest.raises(UnsafeFileError, match=value.__name__):
        load_dict_npy(tmp_path / "file.npy")


def test_codecs_encode_is_allowed_for_latin1_only(tmp_path):
    (tmp_path / "good.npy").write_bytes(pickle.dumps({"bytes": b"\xff\x00"}, protocol=2))
    assert load_dict_npy(tmp_path / "good.npy") == {"bytes": b"\xff\x00"}
    other = pickle.dumps({"bytes": b"\xff\x00"}, protocol=2).replace(b"latin1", b"utf-16")
    (tmp_path / "other.npy").write_bytes(other)
    with pytest.raises(UnsafeFileError, match="utf-16"):
        load_dict_npy(tmp_path / "other.npy")


@pytest.mark.parametrize("form", ["saved", "pickled"])
def test_a_file_cut_off_anywhere_is_a_bad_file(tmp_path, form):
    path = tmp_path / "file.npy"
    np.save(path, {"data": np.arange(5.0)})
    whole = path.read_bytes() if form == "saved" else pickle.dumps({"data": np.arange(5.0)})
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(BadFileError) as caught:
            load_dict_npy(path)
        assert str(path) in str(caught.value)
        assert f"{length} bytes" in str(caught.value)


def test_garbage_is_a_bad_file(tmp_path):
    random = np.random.default_rng(0)
    path = tmp_path / "file.npy"
    for start in (b"", b"\x93NUMPY", b"\x93NUMPY\x01\x00v\x00", b"\x80\x04", b"\x80\x05\x8e"):
        for _ in range(60):
            path.write_bytes(start + random.bytes(200))
            with pytest.raises(BadFileError):
                load_dict_npy(path)


@pytest.mark.parametrize("start", [b"<!DOCTYPE html><html>", b"\n <html>", b"PK\x03\x04archive"])
def test_a_web_page_or_an_archive_is_told_as_such(tmp_path, start):
    (tmp_path / "file.npy").write_bytes(start * 3)
    with pytest.raises(BadFileError, match="web page or an archive"):
        load_dict_npy(tmp_path / "file.npy")


@pytest.mark.parametrize("value", [np.zeros((3, 4)), [1, 2], np.array([{"a": 1}, {"b": 2}]), "text", None])
def test_what_is_no_dictionary_is_a_bad_file(tmp_path, value):
    np.save(tmp_path / "file.npy", value)
    with pytest.raises(BadFileError, match="expected a dictionary"):
        load_dict_npy(tmp_path / "file.npy")


def test_an_absent_file_is_named(tmp_path):
    with pytest.raises(MissingDataError, match=r"absent\.npy"):
        load_dict_npy(tmp_path / "absent.npy")
