import hashlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from brainscore_realnet.errors import BadInputError, MissingDataError
from brainscore_realnet.store import file_hash, hashing, sha256_array, sha256_bytes, sha256_file, sha256_files

ARRAYS = hnp.arrays(
    dtype=st.sampled_from(["<f8", ">f4", "<i2", ">i8", "|u1", "|b1", "<U3", ">c16"]), shape=hnp.array_shapes(min_dims=0)
)


def test_chunks_hash_as_their_concatenation():
    assert sha256_bytes(b"ab", b"", b"c") == hashlib.sha256(b"abc").hexdigest()


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
def test_file_hashes_equal_hashlib(tmp_path, algorithm):
    content = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(content)
    assert file_hash(tmp_path / "file", algorithm) == hashlib.new(algorithm, content).hexdigest()
    assert sha256_file(tmp_path / "file") == hashlib.sha256(content).hexdigest()


def test_an_unknown_algorithm_and_an_absent_file_are_errors(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(BadInputError, match="crc32"):
        file_hash(tmp_path / "file", "crc32")
    with pytest.raises(MissingDataError, match="absent"):
        sha256_file(tmp_path / "absent")


def test_the_hash_of_several_files_knows_contents_order_and_boundaries_but_not_names(tmp_path):
    for name, content in {"a": b"12", "b": b"3", "c": b"1", "d": b"23", "e": b"12"}.items():
        (tmp_path / name).write_bytes(content)
    a, b, c, d, e = (tmp_path / name for name in "abcde")
    assert sha256_files([a, b]) == sha256_files([e, b])
    assert len({sha256_files(files) for files in ([a, b], [b, a], [c, d], [a], [])}) == 5


@given(ARRAYS)
def test_an_arrays_hash_does_not_depend_on_memory_or_byte_order(array):
    other_bytes = array.astype(array.dtype.newbyteorder("S"))
    expected = sha256_array(array)
    assert sha256_array(other_bytes) == expected
    if array.ndim:
        assert sha256_array(np.asfortranarray(array)) == expected
        assert sha256_array(np.repeat(array, 2, axis=0)[::2]) == expected


@given(ARRAYS)
def test_an_arrays_hash_equals_the_hash_of_its_bytes_at_once(array):
    little = array.dtype.newbyteorder("<")
    content = f"{little.str}{array.shape}".encode() + array.astype(little).tobytes(order="C")
    assert sha256_array(array) == hashlib.sha256(content).hexdigest()


def test_hashing_block_by_block_changes_nothing(monkeypatch):
    array = np.random.default_rng(0).normal(size=(7, 3, 5))
    expected = sha256_array(array)
    monkeypatch.setattr(hashing, "BLOCK_BYTES", 250)
    assert len(list(hashing.array_blocks(array))) == 4
    assert sha256_array(array) == expected


def test_dtype_shape_and_one_changed_value_change_the_hash():
    array = np.zeros((2, 3))
    changed = array.copy()
    changed[1, 2] = 1e-300
    variants = [
        array,
        changed,
        array.astype("f4"),
        array.reshape(3, 2),
        array.astype("i8"),
        np.zeros((2, 0)),
        np.zeros(0),
    ]
    assert len({sha256_array(variant) for variant in variants}) == len(variants)


def test_a_memory_mapped_array_hashes_as_itself(tmp_path):
    array = np.arange(24.0).reshape(2, 3, 4)
    np.save(tmp_path / "array.npy", array)
    assert sha256_array(np.load(tmp_path / "array.npy", mmap_mode="r")) == sha256_array(array)


def test_python_objects_are_refused():
    with pytest.raises(BadInputError, match="object"):
        sha256_array(np.array([{}], dtype=object))
