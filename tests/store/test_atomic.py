import contextlib
import errno
import json
import os
import subprocess
import threading
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from brainscore_realnet.errors import BadFileError, MissingDataError, StoreError
from brainscore_realnet.store import (
    atomic,
    atomic_file,
    atomic_folder,
    hashing,
    lock,
    read_json,
    write_array,
    write_json,
    write_text,
)
from brainscore_realnet.store.atomic import require_writable


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_only_when_it_is_whole(tmp_path):
    target = tmp_path / "new" / "file.txt"
    with atomic_file(target) as part:
        part.write_text("half")
        assert part.parent == target.parent
        assert not target.exists()
        part.write_text("whole")
    assert target.read_text() == "whole"
    assert names(target.parent) == ["file.txt"]


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit])
def test_on_failure_the_old_file_stays_and_nothing_else(tmp_path, failure):
    target = tmp_path / "file.txt"
    target.write_text("old")

    def fail():
        with atomic_file(target) as part:
            part.write_text("half")
            raise failure

    with pytest.raises(failure):
        fail()
    assert target.read_text() == "old"
    assert names(tmp_path) == ["file.txt"]


@pytest.mark.parametrize(
    ("number", "advice"),
    [(errno.ENOSPC, "free space"), (errno.EDQUOT, "quota"), (errno.EROFS, "read-only"), (errno.EACCES, "permission")],
)
@pytest.mark.parametrize("writer", [lambda p: write_text(p, "new"), lambda p: write_array(p, np.ones(3))])
def test_what_the_system_refuses_is_a_store_error_and_the_old_file_stays(tmp_path, monkeypatch, number, advice, writer):
    target = tmp_path / "file"
    target.write_text("old")

    def refuse(descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(StoreError, match=advice) as caught:
        writer(target)
    assert str(target) in str(caught.value)
    assert names(tmp_path) == ["file"]
    assert target.read_text() == "old"


@pytest.mark.parametrize("what", ["pipe", "link to a device", "link to an open file"])
@pytest.mark.parametrize("write", [lambda path: write_text(path, "new"), require_writable], ids=["write", "require"])
def test_what_is_no_file_stays_what_it_is(tmp_path, what, write):
    target = tmp_path / "target"
    if what == "pipe":
        os.mkfifo(target)
    else:
        target.symlink_to("/dev/null" if what == "link to a device" else "/proc/self/fd/1")
    before = os.lstat(target)
    with pytest.raises(StoreError, match=r"target, which is a device, pipe or socket.*choose another"):
        write(target)
    assert os.lstat(target) == before
    assert names(tmp_path) == ["target"]


def test_a_really_full_disk_is_a_store_error(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with pytest.raises(StoreError, match="free space"), atomic_file(tmp_path / "file"), open("/dev/full", "wb") as full:
        full.write(bytes(10**6))
    assert names(tmp_path) == []


def test_an_unreadable_source_is_not_blamed_on_the_store(tmp_path):
    with pytest.raises(PermissionError), atomic_file(tmp_path / "file"):
        raise PermissionError(errno.EACCES, "refused", "/elsewhere/source")


def test_a_folder_in_place_of_the_file_and_a_file_in_place_of_the_folder_are_store_errors(tmp_path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="a folder stands"):
        write_text(tmp_path / "folder", "text")
    with pytest.raises(StoreError, match="a file stands"):
        write_text(tmp_path / "file" / "below", "text")
    with pytest.raises(StoreError), atomic_folder(tmp_path / "file"):
        pass


def test_what_a_killed_process_left_is_swept_by_the_next_writer(tmp_path, python_command):
    code = (
        "import os, sys; from brainscore_realnet.store import atomic_file, atomic_folder\n"
        "with atomic_folder(sys.argv[1] + '/folder') as folder, atomic_file(sys.argv[1] + '/file') as part:\n"
        "    (folder / 'inside').write_text('half'); part.write_text('half'); os.kill(os.getpid(), 9)"
    )
    assert subprocess.run([*python_command, code, str(tmp_path)]).returncode == -9
    assert len(names(tmp_path)) == 2
    with atomic_file(tmp_path / "alive") as alive:
        alive.write_text("mine")
        write_text(tmp_path / "file", "whole")
        assert alive.exists()
    assert names(tmp_path) == ["alive", "file"]


def test_parts_of_another_machine_are_swept_only_when_they_are_old(tmp_path):
    fresh, old = tmp_path / ".file.elsewhere-1-0.part", tmp_path / ".file.elsewhere-2-0.part"
    for part in (fresh, old):
        part.write_text("half")
    os.utime(old, (0, 0))
    write_text(tmp_path / "file", "whole")
    assert names(tmp_path) == [fresh.name, "file"]


def test_parts_of_an_earlier_process_with_our_number_are_swept_but_not_our_own(tmp_path):
    (tmp_path / f".file.{atomic._HOST}-{os.getpid()}-999999.part").write_text("half")
    with atomic_file(tmp_path / "slow") as slow:
        slow.write_text("mine")
        write_text(tmp_path / "file", "whole")
    assert names(tmp_path) == ["file", "slow"]


def test_files_that_only_look_alike_are_not_swept(tmp_path):
    (tmp_path / ".mine.part").write_text("user's")
    write_text(tmp_path / "file", "whole")
    assert names(tmp_path) == [".mine.part", "file"]


def test_threads_writing_one_file_leave_one_whole_file(tmp_path):
    texts = [str(number) * 10000 for number in range(8)]
    threads = [threading.Thread(target=write_text, args=(tmp_path / "file", text)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file").read_text() in texts
    assert names(tmp_path) == ["file"]


def test_very_long_names_can_be_written(tmp_path):
    write_text(tmp_path / ("n" * 250), "text")
    assert names(tmp_path) == ["n" * 250]


def test_a_folder_appears_whole_or_not_at_all(tmp_path):
    def fail():
        with atomic_folder(tmp_path / "folder") as part:
            (part / "a").write_text("half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert names(tmp_path) == []
    with atomic_folder(tmp_path / "folder") as part:
        (part / "deep").mkdir()
        (part / "deep" / "a").write_text("whole")
    assert names(tmp_path) == ["folder"]
    assert (tmp_path / "folder" / "deep" / "a").read_text() == "whole"


def test_a_folder_that_exists_by_then_is_kept(tmp_path):
    with atomic_folder(tmp_path / "folder") as part:
        (part / "a").write_text("slower")
        (tmp_path / "folder").mkdir()
        (tmp_path / "folder" / "a").write_text("faster")
    assert (tmp_path / "folder" / "a").read_text() == "faster"
    assert names(tmp_path) == ["folder"]


def test_json_is_strict_and_knows_numpy(tmp_path):
    value = {
        "nan": float("nan"),
        "deep": [(np.float32("inf"), -np.inf)],
        "array": np.array([[1.5, np.nan], [0, 1]]),
        "integer": np.int64(3),
        "flag": np.True_,
        "path": Path("a/b"),
        3: "ρ = 0.1",
    }
    write_json(tmp_path / "value.json", value)
    text = (tmp_path / "value.json").read_text(encoding="utf-8")
    expected = {
        "nan": None,
        "deep": [[None, None]],
        "array": [[1.5, None], [0.0, 1.0]],
        "integer": 3,
        "flag": True,
        "path": "a/b",
        "3": "ρ = 0.1",
    }
    assert json.loads(text, parse_constant=pytest.fail) == expected
    assert read_json(tmp_path / "value.json") == expected
    assert list(read_json(tmp_path / "value.json")) == list(expected)
    assert "ρ" in text


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(JSON_VALUES)
def test_plain_values_pass_through_json_unchanged(value):
    assert json.loads(json.dumps(atomic._plain(value), allow_nan=False)) == value


def test_what_json_cannot_express_is_an_error_and_leaves_no_file(tmp_path):
    with pytest.raises(TypeError):
        write_json(tmp_path / "value.json", {"a": object()})
    assert names(tmp_path) == []


def test_broken_and_absent_json_are_named(tmp_path):
    (tmp_path / "broken.json").write_text('{"a": 1')
    with pytest.raises(BadFileError, match=r"broken\.json"):
        read_json(tmp_path / "broken.json")
    with pytest.raises(MissingDataError, match=r"absent\.json"):
        read_json(tmp_path / "absent.json")


def test_arrays_are_written_in_c_order_and_little_endian_block_by_block(tmp_path, monkeypatch):
    monkeypatch.setattr(hashing, "BLOCK_BYTES", 100)
    array = np.random.default_rng(0).normal(size=(6, 5, 4))
    for variant in (array, np.asfortranarray(array), array.astype(">f8"), array[::-1][::-1]):
        write_array(tmp_path / "array.npy", variant)
        loaded = np.load(tmp_path / "array.npy", mmap_mode="r")
        assert loaded.flags.c_contiguous
        assert loaded.dtype.str == "<f8"
        np.testing.assert_array_equal(loaded, array)


@pytest.mark.parametrize("array", [np.float32(3.5), np.zeros((0, 3)), np.arange(3, dtype="u1")])
def test_scalars_and_empty_arrays_can_be_written(tmp_path, array):
    write_array(tmp_path / "array.npy", np.asarray(array))
    loaded = np.load(tmp_path / "array.npy")
    assert (loaded.shape, loaded.dtype) == (np.shape(array), np.asarray(array).dtype)
    np.testing.assert_array_equal(loaded, array)


def test_a_lock_is_held_by_one_process_at_a_time(tmp_path, python_command):
    code = (
        "import sys, time; from brainscore_realnet.store import lock\n"
        "for _ in range(15):\n"
        "    with lock('count/er'):\n"
        "        path = sys.argv[1]; count = int(open(path).read()); time.sleep(0.002)\n"
        "        open(path, 'w').write(str(count + 1))"
    )
    counter = tmp_path / "counter"
    counter.write_text("0")
    processes = [subprocess.Popen([*python_command, code, str(counter)]) for _ in range(3)]
    assert [process.wait() for process in processes] == [0, 0, 0]
    assert counter.read_text() == "45"


def test_a_killed_process_does_not_keep_the_lock(python_command):
    code = "import os; from brainscore_realnet.store import lock\nwith lock('name'): os.kill(os.getpid(), 9)"
    subprocess.run([*python_command, code])
    with lock("name"):
        pass


def test_a_lock_is_released_on_failure_and_other_names_are_free():
    with contextlib.suppress(ValueError), lock("a/b"), lock("a_b"):
        raise ValueError
    with lock("a/b"):
        pass


def test_a_file_in_place_of_the_locks_folder_is_a_store_error(store_home):
    store_home.mkdir()
    (store_home / "locks").write_text("")
    with pytest.raises(StoreError, match="locks"), lock("name"):
        pass
