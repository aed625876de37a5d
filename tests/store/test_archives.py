import errno
import io
import os
import random
import shutil
import signal
import stat
import subprocess
import tempfile
import warnings
import zipfile
from pathlib import Path

import pytest
import tqdm
from hypothesis import given, settings
from hypothesis import strategies as st

from brainscore_realnet.errors import BadFileError, MissingDataError, StoreError, UnsafeFileError
from brainscore_realnet.store import archives, extract

FILES = {"sub-01/training.npy": random.Random(0).randbytes(3000), "sub-01/deep/test.npy": b"test", "notes.txt": b""}


def zipped(path, files=FILES, method=zipfile.ZIP_DEFLATED):
    """Write a zip of contents by name; a ZipInfo as name sets whatever else."""
    with zipfile.ZipFile(path, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # duplicate names
        for name, content in files.items() if isinstance(files, dict) else files:
            archive.writestr(name, content)
    return path


def content_of(folder):
    return {str(path.relative_to(folder).as_posix()): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def place(tmp_path):
    path = tmp_path / "place"
    path.mkdir()
    return path


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_everything_in_an_archive_is_unpacked(place, method):
    archive = zipped(place / "a.zip", method=method)
    assert extract(archive, place / "new" / "a") == place / "new" / "a"
    assert content_of(place / "new" / "a") == FILES
    assert names(place / "new") == ["a"]


def test_folders_stand_in_archives_too_and_only_files_are_counted(place):
    archive = zipped(place / "a.zip", [("sub-01/", b""), ("sub-01/", b""), ("sub-01/x", b"x"), ("empty/", b"")])
    assert content_of(extract(archive, place / "a")) == {"sub-01/x": b"x"}


def test_only_what_is_wanted_is_unpacked(place):
    archive = zipped(place / "a.zip")
    asked = []
    extract(archive, place / "a", wanted=lambda name: asked.append(name) or name.endswith(".npy"))
    assert content_of(place / "a") == {name: content for name, content in FILES.items() if name.endswith(".npy")}
    assert asked == list(FILES)


def test_nothing_wanted_is_told(place):
    with pytest.raises(BadFileError, match=r"3 files, none of them wanted"):
        extract(zipped(place / "a.zip"), place / "a", wanted=lambda name: False)
    assert names(place) == ["a.zip"]


def test_what_mac_os_adds_is_left_out(place):
    litter = {"__MACOSX/sub-01/._test.npy": b"m", "sub-01/.DS_Store": b"d", ".DS_Store": b"d", "__MACOSX/../x": b""}
    assert content_of(extract(zipped(place / "a.zip", FILES | litter), place / "a")) == FILES


def test_a_folder_that_is_there_is_kept_as_it_is(place):
    (place / "a").mkdir()
    extract(zipped(place / "a.zip"), place / "a")
    assert content_of(place / "a") == {}


def test_zip64_is_read(place):
    with zipfile.ZipFile(place / "a.zip", "w") as archive:
        with archive.open("large.bin", "w", force_zip64=True) as member:
            member.write(b"content")
        for number in range(66_000):  # more members than 16 bits count
            archive.writestr(f"{number:05d}", b"")
    extract(place / "a.zip", place / "a", wanted=lambda name: name == "large.bin")
    assert content_of(place / "a") == {"large.bin": b"content"}


def member(name, **attributes):
    info = zipfile.ZipInfo("placeholder")
    info.filename = name
    for key, value in attributes.items():
        setattr(info, key, value)
    return info


@pytest.mark.parametrize(
    ("culprits", "told"),
    [
        ([("/etc/passwd", b"")], "absolute"),
        ([("C:/Windows/x", b"")], "absolute"),
        ([("c:x", b"")], "absolute"),
        ([("../x", b"")], "leads out"),
        ([("a/../../x", b"")], "leads out"),
        ([("a/..", b"")], "leads out"),
        ([("./x", b"")], "leads out"),
        ([("a//x", b"")], "leads out"),
        ([(member("..\\x"), b"")], "backslash"),
        ([("n" * 256, b"")], "too long"),
        ([("é" * 128, b"")], "too long"),
        ([("notes.txt", b"")], "twice"),
        ([("NOTES.TXT", b"")], "twice"),
        ([("caf\u00e9", b""), ("cafe\u0301", b"")], "twice"),
        ([("sub-01", b"")], "both a file and a folder"),
        ([("notes.txt/x", b"")], "both a file and a folder"),
        ([("Notes.txt/", b"")], "both a file and a folder"),
        ([(member("link", external_attr=(stat.S_IFLNK | 0o777) << 16), b"/etc/passwd")], "link"),
        ([(member("pipe", external_attr=stat.S_IFIFO << 16), b"")], "link or device"),
        ([(member("device", external_attr=stat.S_IFCHR << 16), b"")], "link or device"),
    ],
)
@pytest.mark.parametrize("wanted", [None, lambda name: name == "sub-01/training.npy"])
def test_a_dangerous_member_is_named_and_nothing_is_written(place, culprits, told, wanted):
    archive = zipped(place / "a.zip", [*FILES.items(), *culprits])
    with pytest.raises(UnsafeFileError, match=told) as caught:
        extract(archive, place / "a", wanted=wanted)
    assert str(archive) in str(caught.value)
    assert names(place) == ["a.zip"]


def patched(path, old, new, where="central"):
    """Change bytes in the directory (or in a member's own header) of an archive."""
    content = bytearray(path.read_bytes())
    start = content.index(b"PK\x01\x02") if where == "central" else 0
    at = content.index(old, start)
    content[at : at + len(old)] = new
    path.write_bytes(content)
    return path


def test_a_nul_in_a_name_is_refused(place):
    archive = patched(zipped(place / "a.zip", {"safe.npy0.exe": b"x"}), b"safe.npy0", b"safe.npy\0")
    with pytest.raises(UnsafeFileError, match="NUL"):
        extract(archive, place / "a")


def test_encrypted_members_are_refused(place):
    archive = zipped(place / "a.zip", {"secret": b"x"})
    flags = archive.read_bytes().index(b"PK\x01\x02") + 8
    content = bytearray(archive.read_bytes())
    content[flags] |= 1
    archive.write_bytes(content)
    with pytest.raises(UnsafeFileError, match="'secret' has encrypted content"):
        extract(archive, place / "a")


def test_a_bomb_is_refused_by_its_declared_size_and_dense_or_small_files_are_not(place):
    bomb = zipped(place / "bomb.zip", {"zeros": bytes(2 * 10**6)})
    with pytest.raises(UnsafeFileError, match=r"'zeros' has 2000000 bytes in .* more than 200 : 1"):
        extract(bomb, place / "bomb")
    assert names(place) == ["bomb.zip"]
    harmless = {"small": bytes(10**6), "dense": random.Random(0).randbytes(10**6) + bytes(10**6)}
    assert content_of(extract(zipped(place / "a.zip", harmless), place / "a")) == harmless


def test_members_that_share_their_bytes_are_refused(place):
    archive = zipped(place / "a.zip", {"a": FILES["sub-01/training.npy"], "b": FILES["sub-01/training.npy"]})
    with zipfile.ZipFile(archive) as opened:
        second = opened.getinfo("b").header_offset
        end = opened.start_dir
    content = archive.read_bytes()
    directory = bytearray(content[end:])
    at = directory.rindex(b"PK\x01\x02")
    directory[at + 42 : at + 46] = (0).to_bytes(4, "little")  # b is to begin where a does
    last = directory.rindex(b"PK\x05\x06")
    directory[last + 16 : last + 20] = second.to_bytes(4, "little")
    archive.write_bytes(content[:second] + directory)
    with pytest.raises(UnsafeFileError, match="share"):
        extract(archive, place / "a")


@pytest.mark.parametrize(("declared", "told"), [(2999, "CRC"), (3001, "3000 bytes, declared are 3001")])
def test_a_member_of_another_size_than_declared_is_broken(place, declared, told):
    archive = zipped(place / "a.zip")
    patched(archive, (3000).to_bytes(4, "little"), declared.to_bytes(4, "little"))
    with pytest.raises(BadFileError, match=told) as caught:
        extract(archive, place / "a")
    assert "sub-01/training.npy" in str(caught.value)
    assert names(place) == ["a.zip"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_changed_byte_is_a_bad_file_that_names_the_member(place, method):
    archive = zipped(place / "a.zip", method=method)
    content = bytearray(archive.read_bytes())
    content[200] ^= 0xFF
    archive.write_bytes(content)
    with pytest.raises(BadFileError, match=r"'sub-01/training\.npy' is broken"):
        extract(archive, place / "a")
    assert names(place) == ["a.zip"]


def test_an_archive_cut_off_anywhere_is_a_bad_file(place):
    whole = zipped(place / "a.zip").read_bytes()
    for length in range(0, len(whole), 37):
        (place / "a.zip").write_bytes(whole[:length])
        with pytest.raises(BadFileError, match=f"{length} bytes"):
            extract(place / "a.zip", place / "a")
    assert names(place) == ["a.zip"]


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_damaged_archives_are_refused_or_give_the_right_bytes(data):
    with tempfile.TemporaryDirectory() as name:
        archive = zipped(Path(name) / "a.zip")
        content = bytearray(archive.read_bytes())
        directory = content.index(b"PK\x01\x02")
        at = data.draw(st.one_of(st.integers(0, len(content) - 1), st.integers(directory, len(content) - 1)))
        content[at] = data.draw(st.integers(0, 255))
        archive.write_bytes(content)
        try:
            unpacked = content_of(extract(archive, Path(name) / "a"))
        except BadFileError:
            assert names(Path(name)) == ["a.zip"]
        else:
            assert set(unpacked.values()) <= set(FILES.values())


@pytest.mark.parametrize(
    ("content", "told"), [(b"<!DOCTYPE html><html>", "a web page"), (b"", "not a zip file"), (b"\x89HDF" * 99, "HDF")]
)
def test_what_is_no_archive_is_told_as_what_it_is(place, content, told):
    (place / "a.zip").write_bytes(content)
    with pytest.raises(BadFileError, match=told):
        extract(place / "a.zip", place / "a")


def test_an_absent_archive_is_named(place):
    with pytest.raises(MissingDataError, match=r"absent\.zip"):
        extract(place / "absent.zip", place / "a")


def test_space_for_what_is_wanted_is_checked_first(place, monkeypatch):
    archive = zipped(place / "a.zip")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 0, 10**8 + 100))
    with pytest.raises(StoreError, match="free space"):
        extract(archive, place / "new" / "a")
    assert names(place) == ["a.zip"]
    extract(archive, place / "a", wanted=lambda name: name.endswith("test.npy"))


def reads(monkeypatch, failure):
    """Let the second member's content end in a failure."""
    read = zipfile.ZipExtFile.read

    def failing(self, count=-1):
        if self.name != "sub-01/training.npy":
            raise failure
        return read(self, count)

    monkeypatch.setattr(zipfile.ZipExtFile, "read", failing)


def test_ctrl_c_leaves_no_folder_and_the_next_call_unpacks_all(place, monkeypatch):
    archive = zipped(place / "a.zip")
    with monkeypatch.context() as patch:
        reads(patch, KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            extract(archive, place / "a")
    assert names(place) == ["a.zip"]
    assert content_of(extract(archive, place / "a")) == FILES


def test_a_disk_that_fills_up_is_a_store_error_and_leaves_no_folder(place, monkeypatch):
    class Full(io.FileIO):
        def write(self, block):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    archive = zipped(place / "a.zip")
    monkeypatch.setattr(archives, "open", Full, raising=False)
    with pytest.raises(StoreError, match="free space"):
        extract(archive, place / "a")
    assert names(place) == ["a.zip"]


def test_a_killed_process_leaves_no_folder_and_the_next_call_unpacks_all(place, python_command):
    archive = zipped(place / "a.zip")
    code = (
        "import os, sys, zipfile; from brainscore_realnet.store import extract\n"
        "read = zipfile.ZipExtFile.read\n"
        "def killed(self, count=-1):\n"
        "    return read(self, count) if self.name != 'notes.txt' else os.kill(os.getpid(), 9)\n"
        "zipfile.ZipExtFile.read = killed\n"
        "extract(*sys.argv[1:])"
    )
    assert subprocess.run([*python_command, code, str(archive), str(place / "a")]).returncode == -signal.SIGKILL
    assert not (place / "a").exists()
    assert content_of(extract(archive, place / "a")) == FILES
    assert names(place) == ["a", "a.zip"]


def test_the_progress_bar_ends_at_the_bytes_unpacked(place, monkeypatch):
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, *args, **kwargs):
            bars.append(self)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    extract(zipped(place / "a.zip"), place / "a", progress=True)
    extract(place / "a.zip", place / "quiet")
    total = sum(map(len, FILES.values()))
    assert (bars[0].desc, bars[0].total) == ("a.zip", total)
    assert [bar.n for bar in bars] == [total, 0]
