import contextlib
import errno
import gzip
import hashlib
import importlib
import io
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import requests
import tqdm
from faulty_server import Page, serving
from hypothesis import given, settings
from hypothesis import strategies as st

from brainscore_realnet.errors import BadFileError, BadInputError, StoreError
from brainscore_realnet.store import DownloadError, download, require_space, sha256_bytes, transfer

module = importlib.import_module("brainscore_realnet.store.download")
CHUNK = 256
CONTENT = np.random.default_rng(0).bytes(5000)
OTHER = np.random.default_rng(1).bytes(6000)
KNOWN = {name: f"{name}:{hashlib.new(name, CONTENT).hexdigest()}" for name in ("sha256", "sha1", "md5")}
NOBODY = "http://127.0.0.1:1/gone"


@pytest.fixture(autouse=True)
def small_chunks_and_no_waiting(monkeypatch):
    monkeypatch.setattr(transfer, "_CHUNK_BYTES", CHUNK)
    monkeypatch.setattr(module, "_FIRST_DELAY_SECONDS", 0.0)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "downloads"
    path.mkdir()
    return path


@pytest.fixture
def server():
    with serving({"/good": Page(CONTENT)}) as running:
        yield running


def fetch(server, folder, page="/good", known=None, **options):
    return download(f"{server.url}{page}", folder, "file.bin", known, **{"progress": False} | options)


def visible(folder):
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def arrived(folder):
    return sum(path.stat().st_size for path in folder.glob(".*/bytes"))


def ranges(server):
    return [request.range for request in server.requests]


def records(folder):
    return json.loads((folder / "sha256.json").read_text())


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
def test_a_good_file_is_downloaded_once_and_served_offline(server, folder, algorithm):
    path = fetch(server, folder / "new", known=KNOWN[algorithm])
    assert path == folder / "new" / "file.bin"
    assert path.read_bytes() == CONTENT
    assert sorted(entry.name for entry in path.parent.iterdir()) == ["file.bin", "sha256.json"]
    upper = KNOWN[algorithm].upper().replace(algorithm.upper(), algorithm)
    assert download(NOBODY, folder / "new", "file.bin", upper) == path
    assert len(server.requests) == 1
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


@pytest.mark.parametrize(
    "page",
    [
        Page(status=404),
        Page(status=503),
        Page(CONTENT[::-1]),
        Page(CONTENT, drop_after=500, ranges=False),
        Page(CONTENT, reset=True, drop_after=500, ranges=False),
        Page(CONTENT, length_error=10),
        Page(CONTENT, length_error=-10),
        Page(CONTENT, content_type="text/html; charset=utf-8"),
        Page(location="/page"),
    ],
)
def test_a_failed_download_names_address_and_remedy_and_leaves_no_file(server, folder, page):
    server.pages["/page"] = page
    with pytest.raises(DownloadError) as caught:
        fetch(server, folder, "/page", KNOWN["sha256"])
    assert f"{server.url}/page" in str(caught.value)
    assert f"put it at {folder / 'file.bin'}" in str(caught.value)
    assert not (folder / "file.bin").exists()
    assert all(".wrong-" in name for name in visible(folder))


def test_a_closed_port_is_a_download_error_and_leaves_an_empty_folder(folder):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file"
    with pytest.raises(transfer.UnreachableError, match=r"no connection \(.*refused\).*put it at"):
        download(url, folder, "file.bin", KNOWN["sha256"], progress=False)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("page", [Page(CONTENT, drop_after=0), Page(CONTENT, status=503), Page(CONTENT, drop_after=9)])
def test_a_server_that_answers_is_not_unreachable(server, folder, page):
    server.pages["/bad"] = page
    with pytest.raises(DownloadError) as caught:
        fetch(server, folder, "/bad", KNOWN["sha256"])
    assert not isinstance(caught.value, transfer.UnreachableError)


@pytest.mark.parametrize("status", [202, 408, 429, 500, 502, 503, 504])
def test_a_status_that_may_pass_is_tried_again(server, folder, status):
    server.pages["/flaky"] = Page(CONTENT, status=status, faults=2, error_body=b"")
    assert fetch(server, folder, "/flaky", "md5:" + hashlib.md5(CONTENT).hexdigest()).read_bytes() == CONTENT
    assert len(server.requests) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 416])
def test_a_refusal_is_final(server, folder, status):
    server.pages["/refused"] = Page(CONTENT, status=status)
    with pytest.raises(DownloadError, match=str(status)):
        fetch(server, folder, "/refused")
    assert len(server.requests) == 1


def test_waits_double_are_bounded_and_heed_the_server(server, folder, monkeypatch):
    waits = []
    monkeypatch.setattr(transfer, "time", SimpleNamespace(sleep=waits.append))
    monkeypatch.setattr(module, "_FIRST_DELAY_SECONDS", 0.5)
    monkeypatch.setattr(module, "_RETRIES", 9)
    for wait, expected in ((None, [0.5, 1, 2, 4, 8, 16, 32, 60, 60]), ("5", [5, 5, 5, 5, 8, 16, 32, 60, 60])):
        server.pages["/busy"] = Page(status=429, headers={} if wait is None else {"Retry-After": wait})
        with pytest.raises(DownloadError, match="429 at try 10"):
            fetch(server, folder, "/busy")
        assert waits == expected
        waits.clear()


@pytest.mark.parametrize("reset", [False, True])
def test_a_dropped_connection_is_resumed(server, folder, reset):
    server.pages["/drops"] = Page(CONTENT, drop_after=2000, reset=reset, faults=1)
    assert fetch(server, folder, "/drops").read_bytes() == CONTENT
    assert len(server.requests) == 2
    assert reset or ranges(server) == [None, f"bytes={2000 // CHUNK * CHUNK}-"]


def test_a_server_that_stalls_is_asked_again(server, folder, monkeypatch):
    monkeypatch.setattr(transfer, "_TIMEOUT_SECONDS", 0.1)
    server.pages["/slow"] = Page(CONTENT, pause_seconds=0.5, block_bytes=4000, faults=1)
    assert fetch(server, folder, "/slow").read_bytes() == CONTENT
    assert len(server.requests) == 2


@given(
    splits=st.lists(st.integers(0, len(CONTENT)), min_size=1, max_size=3),
    known=st.sampled_from([None, KNOWN["md5"]]),
    etag=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_whatever_the_points_of_interruption_the_bytes_are_the_same(splits, known, etag):
    with serving({}) as server, tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_RETRIES", 0)
        for split in splits:
            server.pages["/file"] = Page(CONTENT, drop_after=split, etag=etag)
            with contextlib.suppress(DownloadError):
                fetch(server, Path(name), "/file", known)
        server.pages["/file"] = Page(CONTENT, etag=etag)
        assert fetch(server, Path(name), "/file", known).read_bytes() == CONTENT


def test_a_later_call_continues_where_an_earlier_one_failed(server, folder, monkeypatch):
    monkeypatch.setattr(module, "_RETRIES", 0)
    server.pages["/file"] = Page(CONTENT, drop_after=1024, faults=1)
    with pytest.raises(DownloadError, match="broke with 1024 bytes here"):
        fetch(server, folder, "/file")
    assert visible(folder) == []
    assert arrived(folder) == 1024
    assert fetch(server, folder, "/file").read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=1024-"]


def test_parts_from_another_address_are_not_continued_and_go_when_the_file_is_there(server, folder, monkeypatch):
    monkeypatch.setattr(module, "_RETRIES", 0)
    server.pages["/file"] = Page(OTHER, drop_after=1024)
    with pytest.raises(DownloadError):
        fetch(server, folder, "/file")
    assert fetch(server, folder).read_bytes() == CONTENT
    assert ranges(server) == [None, None]
    assert sorted(path.name for path in folder.iterdir()) == ["file.bin", "sha256.json"]


def test_resumption_survives_redirects(server, folder):
    server.pages["/page"] = Page(location="/there?token=1")
    server.pages["/there"] = Page(CONTENT, drop_after=1024, faults=1)
    assert fetch(server, folder, "/page").read_bytes() == CONTENT
    assert ranges(server) == [None, None, "bytes=1024-", "bytes=1024-"]


def test_long_files_outlive_more_drops_than_there_are_tries(server, folder, monkeypatch):
    monkeypatch.setattr(module, "_RETRIES", 1)
    server.pages["/drops"] = Page(CONTENT, drop_after=CHUNK)
    with pytest.raises(DownloadError, match="at try 2"):
        fetch(server, folder, "/drops")
    monkeypatch.setattr(transfer, "_PROGRESS_BYTES", CHUNK)
    assert fetch(server, folder, "/drops").read_bytes() == CONTENT


def test_bytes_that_come_again_do_not_count_as_progress(server, folder, monkeypatch):
    monkeypatch.setattr(transfer, "_PROGRESS_BYTES", CHUNK)
    monkeypatch.setattr(module, "_RETRIES", 2)
    server.pages["/drops"] = Page(CONTENT, drop_after=1024, ranges=False)
    with pytest.raises(DownloadError, match="at try 3"):
        fetch(server, folder, "/drops")
    assert len(server.requests) == 3


def test_a_part_from_another_position_is_not_joined(server, folder, monkeypatch):
    monkeypatch.setattr(module, "_RETRIES", 1)  # which the drop uses up
    server.pages["/file"] = Page(CONTENT, drop_after=1024, faults=1, range_error=100)
    assert fetch(server, folder, "/file").read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=1024-", None]


def test_a_server_without_ranges_sends_everything_again(server, folder):
    server.pages["/file"] = Page(CONTENT, drop_after=1024, faults=1, ranges=False)
    assert fetch(server, folder, "/file").read_bytes() == CONTENT
    assert ranges(server) == [None, "bytes=1024-"]


@pytest.mark.parametrize("validator", [{}, {"etag": False, "last_modified": "Mon, 01 Jan 2024 00:00:00 GMT"}])
def test_a_file_is_resumed_on_condition_that_it_has_not_changed(server, folder, validator):
    server.pages["/file"] = Page(CONTENT, drop_after=1024, faults=1, **validator)
    assert fetch(server, folder, "/file").read_bytes() == CONTENT
    headers = server.requests[1].headers
    assert headers["Range"] == "bytes=1024-"
    assert headers["If-Range"] == validator.get("last_modified", f'"{sha256_bytes(CONTENT)[:16]}"')


@pytest.mark.parametrize("if_range", [True, False])
def test_a_file_that_changed_meanwhile_is_begun_anew(server, folder, if_range):
    server.pages["/file"] = Page((CONTENT, OTHER), drop_after=1024, faults=1, if_range=if_range)
    assert fetch(server, folder, "/file").read_bytes() == OTHER
    assert records(folder)["file.bin"]["sha256"] == sha256_bytes(OTHER)


def test_a_weak_tag_is_compared_but_is_no_condition(server, folder):
    page = Page(CONTENT, drop_after=1024, faults=1, etag=False, headers={"ETag": 'W/"1"'})
    server.pages["/file"] = page
    assert fetch(server, folder, "/file").read_bytes() == CONTENT
    assert "If-Range" not in server.requests[1].headers
    assert ranges(server) == [None, "bytes=1024-"]


def test_parts_are_joined_without_a_tag_only_when_a_hash_will_tell(server, folder):
    server.pages["/file"] = Page((CONTENT, OTHER), drop_after=1024, faults=1, etag=False)
    assert fetch(server, folder / "a", "/file").read_bytes() == OTHER
    assert ranges(server) == [None, None]
    server.requests.clear()
    known = "sha1:" + hashlib.sha1(OTHER).hexdigest()
    server.pages["/file"] = Page((CONTENT + bytes(1000), OTHER), drop_after=1024, faults=1, etag=False)
    assert fetch(server, folder / "b", "/file", known).read_bytes() == OTHER
    assert ranges(server) == [None, "bytes=1024-", None]
    assert visible(folder / "b") == ["file.bin", "sha256.json"]


def test_a_file_that_became_shorter_than_what_arrived_is_begun_anew(server, folder):
    server.pages["/file"] = Page((OTHER, CONTENT[:1000]), drop_after=2048, faults=1, if_range=False)
    assert fetch(server, folder, "/file").read_bytes() == CONTENT[:1000]
    assert ranges(server) == [None, "bytes=2048-", None]


@pytest.mark.parametrize("text", ["", "[]", '{"total": 1}', '{"etag": 1, "last_modified": 2, "total": 3, "joined": 4}'])
def test_a_lost_note_of_the_version_means_to_begin_anew(server, folder, monkeypatch, text):
    monkeypatch.setattr(module, "_RETRIES", 0)
    server.pages["/file"] = Page((OTHER, CONTENT), drop_after=1024, faults=1)
    with pytest.raises(DownloadError):
        fetch(server, folder, "/file")
    next(folder.glob(".*/origin.json")).write_text(text)
    assert fetch(server, folder, "/file").read_bytes() == CONTENT
    assert ranges(server) == [None, None]


@pytest.mark.parametrize(
    ("page", "told"),
    [
        (Page(CONTENT[:-10]), "a file of 4990 bytes instead of 5000"),
        (Page(CONTENT + bytes(10)), "a file of 5010 bytes instead of 5000"),
        (Page(CONTENT, length_error=-10), "a file of 4990 bytes instead of 5000"),
        (Page(CONTENT, length_error=10), "a file of 5010 bytes instead of 5000"),
        (Page(CONTENT[:-10], length=False), "an end after 4990 of 5000 bytes"),
        (Page(CONTENT + bytes(10), length=False), "more than the expected 5000 bytes"),
    ],
)
def test_another_length_than_expected_is_told(server, folder, page, told):
    server.pages["/file"] = page
    with pytest.raises(DownloadError, match=told):
        fetch(server, folder, "/file", size=5000)
    assert visible(folder) == []


def test_what_fits_by_chance_is_not_taken_from_a_body_that_is_too_long(server, folder):
    server.pages["/file"] = Page(CONTENT, length=False)
    with pytest.raises(DownloadError, match="more than the expected 1024 bytes"):
        fetch(server, folder, "/file", size=4 * CHUNK)


def test_a_length_that_was_a_lie_once_is_mended_by_the_next_try(server, folder):
    server.pages["/file"] = Page(CONTENT, length_error=7, faults=1)
    assert fetch(server, folder, "/file").read_bytes() == CONTENT
    server.pages["/file"] = Page(CONTENT, length_error=-7, faults=3)
    assert fetch(server, folder / "sized", "/file", size=len(CONTENT)).read_bytes() == CONTENT


def test_an_empty_answer_is_no_file_unless_one_is_expected(server, folder):
    server.pages["/empty"] = Page(b"")
    with pytest.raises(DownloadError, match="empty"):
        fetch(server, folder, "/empty")
    assert fetch(server, folder, "/empty", size=0).read_bytes() == b""


def test_content_that_is_encoded_all_the_same_is_decoded(server, folder):
    page = Page(gzip.compress(CONTENT), headers={"Content-Encoding": "gzip"}, drop_after=2000, faults=1)
    server.pages["/file"] = page
    assert fetch(server, folder, "/file", size=len(CONTENT)).read_bytes() == CONTENT
    assert ranges(server) == [None, None]


@pytest.mark.parametrize(
    "start", [b"<!DOCTYPE html><html>", b"\xef\xbb\xbf \r\n<HTML lang='en'>", b"\n<!doctype HTML >"]
)
def test_a_web_page_is_never_kept_as_data(server, folder, monkeypatch, start):
    server.pages["/page"] = Page(start + CONTENT)
    with pytest.raises(DownloadError, match="a web page"):
        fetch(server, folder, "/page")
    assert list(folder.iterdir()) == []
    assert len(server.requests) == 1
    page = download(f"{server.url}/page", folder, "page.html", progress=False)
    assert page.read_bytes() == start + CONTENT


def test_a_web_page_in_the_middle_costs_nothing_that_has_arrived(server, folder, monkeypatch):
    monkeypatch.setattr(module, "_RETRIES", 0)
    server.pages["/file"] = Page(CONTENT, drop_after=1024, faults=1)
    with pytest.raises(DownloadError, match="broke with 1024"):
        fetch(server, folder, "/file")
    for page in (Page(status=200), Page(b"<html>", content_type="application/zip")):
        server.pages["/file"] = page
        with pytest.raises(DownloadError, match="a web page"):
            fetch(server, folder, "/file")
        assert arrived(folder) == 1024
    server.pages["/file"] = Page(CONTENT)
    assert fetch(server, folder, "/file").read_bytes() == CONTENT
    assert ranges(server)[-1] == "bytes=1024-"


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
def test_wrong_bytes_are_kept_aside_and_never_used(server, folder, algorithm):
    server.pages["/wrong"] = Page(OTHER)
    aside = folder / f"file.bin.wrong-{sha256_bytes(OTHER)[:8]}"
    with pytest.raises(DownloadError) as caught:
        fetch(server, folder, "/wrong", KNOWN[algorithm])
    for told in (KNOWN[algorithm].partition(":")[2], hashlib.new(algorithm, OTHER).hexdigest(), str(aside)):
        assert told in str(caught.value)
    assert aside.read_bytes() == OTHER
    assert list(folder.iterdir()) == [aside]
    assert fetch(server, folder, known=KNOWN[algorithm]).read_bytes() == CONTENT


def test_the_first_download_is_recorded_and_later_ones_are_verified_against_it(server, folder):
    fetch(server, folder)
    entry = records(folder)["file.bin"]
    assert entry.pop("downloaded").endswith("+00:00")
    assert entry == {"sha256": sha256_bytes(CONTENT), "bytes": len(CONTENT), "url": f"{server.url}/good"}
    assert download(NOBODY, folder, "file.bin", progress=False).read_bytes() == CONTENT
    (folder / "file.bin").unlink()
    server.pages["/good"] = Page(OTHER)
    with pytest.raises(DownloadError) as caught:
        fetch(server, folder)
    for told in (sha256_bytes(CONTENT), sha256_bytes(OTHER), "sha256.json", "delete its entry"):
        assert told in str(caught.value)
    assert visible(folder) == [f"file.bin.wrong-{sha256_bytes(OTHER)[:8]}", "sha256.json"]


@pytest.mark.parametrize("known", [None, KNOWN["md5"]])
def test_a_file_that_is_there_but_wrong_is_moved_aside_and_fetched_anew(server, folder, known):
    path = fetch(server, folder, known=known)
    path.write_bytes(b"changed")
    assert fetch(server, folder, known=known).read_bytes() == CONTENT
    aside = f"file.bin.wrong-{sha256_bytes(b'changed')[:8]}"
    assert visible(folder) == ["file.bin", aside, "sha256.json"]
    assert (folder / aside).read_bytes() == b"changed"


def test_a_file_put_there_by_hand_is_taken_and_recorded(folder):
    (folder / "file.bin").write_bytes(CONTENT)
    assert download(NOBODY, folder, "file.bin", size=len(CONTENT)).read_bytes() == CONTENT
    entry = {"sha256": sha256_bytes(CONTENT), "bytes": len(CONTENT), "url": None, "downloaded": None}
    assert records(folder) == {"file.bin": entry}


@pytest.mark.parametrize("content", [b"<!DOCTYPE html>" + CONTENT[15:], CONTENT[:-1]])
def test_a_wrong_file_put_there_by_hand_is_moved_aside(server, folder, content):
    (folder / "file.bin").write_bytes(content)
    assert fetch(server, folder, size=len(CONTENT)).read_bytes() == CONTENT
    assert (folder / f"file.bin.wrong-{sha256_bytes(content)[:8]}").read_bytes() == content


@pytest.mark.parametrize("text", ["", "[]", '{"file.bin": "abc"}', '{"file.bin": {"sha256": "abc"}}'])
def test_a_broken_record_is_named_and_nothing_is_asked(server, folder, text):
    (folder / "sha256.json").write_text(text)
    with pytest.raises(BadFileError, match=r"sha256\.json"):
        fetch(server, folder)
    assert server.requests == []


def test_files_that_come_at_once_are_all_recorded(server, folder):
    names = [f"file-{number}" for number in range(4)]
    server.pages |= {f"/{name}": Page(name.encode()) for name in names}
    threads = [
        threading.Thread(target=download, args=(f"{server.url}/{name}", folder, name), kwargs={"progress": False})
        for name in names
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {name: entry["sha256"] for name, entry in records(folder).items()} == {
        name: sha256_bytes(name.encode()) for name in names
    }


def free_space(monkeypatch, n_bytes):
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(10**12, 0, n_bytes + 10**8))


@pytest.mark.parametrize("page", [Page(CONTENT), Page(CONTENT, length=False)])
def test_space_is_checked_before_anything_is_written(server, folder, monkeypatch, page):
    server.pages["/file"] = page
    free_space(monkeypatch, len(CONTENT) - 1)
    with pytest.raises(StoreError, match="free space"):
        fetch(server, folder, "/file", size=len(CONTENT))
    assert arrived(folder) == 0
    free_space(monkeypatch, len(CONTENT))
    assert fetch(server, folder, "/file", size=len(CONTENT)).read_bytes() == CONTENT


def test_what_has_arrived_needs_no_more_space(server, folder, monkeypatch):
    server.pages["/file"] = Page(CONTENT, drop_after=1024, faults=1)
    monkeypatch.setattr(module, "_RETRIES", 0)
    with pytest.raises(DownloadError):
        fetch(server, folder, "/file")
    free_space(monkeypatch, len(CONTENT) - 1024)
    assert fetch(server, folder, "/file").read_bytes() == CONTENT


def test_space_is_told_in_gigabytes_for_folders_that_need_not_exist(folder, monkeypatch):
    free_space(monkeypatch, 10**9)
    require_space(folder / "new" / "deep", 10**9)
    with pytest.raises(StoreError, match=r"1\.10 GB of free space.*expected 1\.11 GB \(1\.01 GB to be written"):
        require_space(folder / "new" / "deep", 10**9 + 10**7)
    free_space(monkeypatch, -(10**8))
    require_space(folder, 0)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize(("number", "advice"), [(errno.ENOSPC, "free space"), (errno.EIO, "healthy disk")])
def test_a_disk_that_fails_is_a_store_error_and_the_next_call_continues(server, folder, monkeypatch, number, advice):
    class Full(io.FileIO):
        def write(self, chunk):
            if self.tell() >= 4 * CHUNK:
                raise OSError(number, os.strerror(number))
            return super().write(chunk)

    with monkeypatch.context() as patch:
        patch.setattr(transfer, "open", Full, raising=False)
        with pytest.raises(StoreError, match=advice):
            fetch(server, folder)
    assert visible(folder) == []
    assert fetch(server, folder).read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={4 * CHUNK}-"]


def test_ctrl_c_keeps_what_has_arrived_and_makes_no_file(server, folder, monkeypatch):
    whole = requests.Response.iter_content

    def interrupted(self, size):
        for number, chunk in enumerate(whole(self, size)):
            if number == 3:
                raise KeyboardInterrupt
            yield chunk

    with monkeypatch.context() as patch:
        patch.setattr(requests.Response, "iter_content", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(server, folder)
    assert visible(folder) == []
    assert fetch(server, folder).read_bytes() == CONTENT
    assert ranges(server) == [None, f"bytes={3 * CHUNK}-"]


def test_ctrl_c_between_tries_is_not_swallowed(server, folder, monkeypatch):
    def interrupt(seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(transfer, "time", SimpleNamespace(sleep=interrupt))
    server.pages["/file"] = Page(CONTENT, drop_after=1024, faults=1)
    with pytest.raises(KeyboardInterrupt):
        fetch(server, folder, "/file")
    assert arrived(folder) == 1024


@pytest.mark.parametrize("step", ["arrived", "recorded"])
def test_ctrl_c_after_the_last_byte_costs_no_second_download(server, folder, monkeypatch, step):
    replace = os.replace

    def interrupted(source, target):
        if Path(source).name == "bytes" if step == "arrived" else Path(target) == folder / "file.bin":
            raise KeyboardInterrupt
        replace(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", interrupted)
        with pytest.raises(KeyboardInterrupt):
            fetch(server, folder)
    assert not (folder / "file.bin").exists()
    server.pages.clear()
    assert fetch(server, folder).read_bytes() == CONTENT
    assert len(server.requests) == 1


CODE = "import sys; from brainscore_realnet.store import download; download(*sys.argv[1:], 'file.bin', progress=False)"


def test_a_killed_process_leaves_no_file_and_the_next_continues(server, folder, python_command):
    content = np.random.default_rng(2).bytes(2**20)
    server.pages["/slow"] = Page(content, pause_seconds=0.02, block_bytes=2**14)
    process = subprocess.Popen([*python_command, CODE, f"{server.url}/slow", str(folder)])
    while arrived(folder) < 2**16 and process.poll() is None:
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    assert visible(folder) == []
    held = arrived(folder)
    server.pages["/slow"] = Page(content)
    assert fetch(server, folder, "/slow").read_bytes() == content
    assert ranges(server) == [None, f"bytes={held}-"]
    assert sorted(path.name for path in folder.iterdir()) == ["file.bin", "sha256.json"]


def test_of_two_processes_one_downloads_and_the_other_waits(server, folder, python_command):
    server.pages["/slow"] = Page(CONTENT, pause_seconds=0.5)
    command = [*python_command, CODE, f"{server.url}/slow", str(folder)]
    processes = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in processes] == [0, 0]
    assert (folder / "file.bin").read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_two_at_once_download_one_file(server, folder):
    arguments = (server, folder)
    threads = [threading.Thread(target=fetch, args=arguments) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (folder / "file.bin").read_bytes() == CONTENT
    assert len(server.requests) == 1


def test_the_progress_bar_starts_where_the_file_does(server, folder, monkeypatch):
    bars = []

    class Bar(tqdm.tqdm):
        def __init__(self, *args, **kwargs):
            bars.append(self)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(tqdm, "tqdm", Bar)
    server.pages["/drops"] = Page(CONTENT, drop_after=1024, faults=1)
    fetch(server, folder, "/drops", progress=True)
    assert [(bar.desc, bar.initial, bar.n, bar.total) for bar in bars] == [
        ("file.bin", 0, 1024, len(CONTENT)),
        ("file.bin", 1024, len(CONTENT), len(CONTENT)),
    ]
    fetch(server, folder / "quiet")
    assert bars[-1].n == 0


@pytest.mark.parametrize(
    ("filename", "known"),
    [
        ("file", "abc"),
        ("file", "crc:12"),
        ("file", "sha256:xyz"),
        ("file", "sha256:12"),
        ("file", KNOWN["md5"] + "00"),
        ("../file", KNOWN["md5"]),
        ("", None),
        ("..", None),
        ("sha256.json", None),
    ],
)
def test_malformed_arguments_are_refused_before_anything_is_asked(server, folder, filename, known):
    with pytest.raises(BadInputError):
        download(f"{server.url}/good", folder, filename, known)
    assert server.requests == []


@pytest.mark.parametrize(
    "url", ["ftp://host/file", "file:///etc/passwd", "/etc/passwd", "http:///file", "host/file", "http://[", ""]
)
def test_only_web_addresses_are_asked(folder, url):
    with pytest.raises(BadInputError, match="http://"):
        download(url, folder, "file")


@pytest.mark.parametrize("location", ["file:///etc/passwd", "http://[", "/loop"])
def test_a_redirect_to_nowhere_is_final(server, folder, location):
    server.pages["/loop"] = Page(location=location)
    with pytest.raises(DownloadError, match="no answer"):
        fetch(server, folder, "/loop")


def test_a_negative_size_and_a_folder_in_the_way_are_told(server, folder):
    with pytest.raises(BadInputError, match="size=-1"):
        fetch(server, folder, size=-1)
    (folder / "file.bin").mkdir()
    with pytest.raises(StoreError, match="Move it away"):
        fetch(server, folder)
    assert server.requests == []
