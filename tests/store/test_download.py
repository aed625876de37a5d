import errno
import hashlib
import http.server
import socket
import threading

import pooch
import pytest

from brainscore_realnet.errors import BadInputError, StoreError
from brainscore_realnet.store import DownloadError, download

CONTENT = b"the file's content " * 1000
KNOWN = {name: f"{name}:{hashlib.new(name, CONTENT).hexdigest()}" for name in ("sha256", "sha1", "md5")}


class _Handler(http.server.BaseHTTPRequestHandler):
    asked: list[str]
    fail_first = 0

    def do_GET(self):
        type(self).asked.append(self.path)
        if self.path == "/absent" or (self.path == "/flaky" and len(self.asked) <= self.fail_first):
            self.send_error(404)
            return
        body = b"other bytes" if self.path == "/wrong" else CONTENT
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT) if self.path == "/truncated" else len(body)))
        self.end_headers()
        self.wfile.write(body[:500] if self.path == "/truncated" else body)

    def log_message(self, *args):
        pass


@pytest.fixture(autouse=True)
def no_waiting_between_retries(monkeypatch):
    monkeypatch.setattr(pooch.core.time, "sleep", lambda seconds: None)
    monkeypatch.setenv("NO_PROXY", "*")


@pytest.fixture
def server():
    handler = type("Handler", (_Handler,), {"asked": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        running.url = f"http://127.0.0.1:{running.server_port}"
        running.handler = handler
        yield running
        running.shutdown()


@pytest.mark.parametrize("algorithm", ["sha256", "sha1", "md5"])
def test_a_good_file_is_downloaded_once_and_served_offline(server, tmp_path, algorithm):
    path = download(f"{server.url}/good", tmp_path / "new", "file.bin", KNOWN[algorithm], progress=False)
    assert path == tmp_path / "new" / "file.bin"
    assert path.read_bytes() == CONTENT
    again = download(
        "http://127.0.0.1:1/gone",
        tmp_path / "new",
        "file.bin",
        KNOWN[algorithm].upper().replace(algorithm.upper(), algorithm),
    )
    assert again == path
    assert server.handler.asked == ["/good"]


@pytest.mark.parametrize("page", ["absent", "wrong", "truncated"])
def test_a_failed_download_names_address_and_remedy_and_leaves_no_file(server, tmp_path, page):
    with pytest.raises(DownloadError) as caught:
        download(f"{server.url}/{page}", tmp_path, "file.bin", KNOWN["sha256"], progress=False)
    message = str(caught.value)
    assert f"{server.url}/{page}" in message
    assert f"put it at {tmp_path / 'file.bin'}" in message
    assert list(tmp_path.glob("file*")) == []
    assert [path for path in tmp_path.iterdir() if path.is_file()] == []


def test_a_closed_port_is_a_download_error(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{free.getsockname()[1]}/file"
    with pytest.raises(DownloadError, match="put it at"):
        download(url, tmp_path, "file.bin", KNOWN["sha256"], progress=False)


def test_a_passing_failure_is_retried(server, tmp_path):
    server.handler.fail_first = 1
    assert (
        download(f"{server.url}/flaky", tmp_path, "file.bin", KNOWN["sha256"], progress=False).read_bytes() == CONTENT
    )
    assert server.handler.asked == ["/flaky", "/flaky"]


def test_a_changed_file_is_downloaded_again(server, tmp_path):
    (tmp_path / "file.bin").write_bytes(b"changed")
    download(f"{server.url}/good", tmp_path, "file.bin", KNOWN["sha256"], progress=False)
    assert (tmp_path / "file.bin").read_bytes() == CONTENT


def test_two_at_once_download_one_file(server, tmp_path):
    arguments = (f"{server.url}/good", tmp_path, "file.bin", KNOWN["sha256"], False)
    threads = [threading.Thread(target=download, args=arguments) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (tmp_path / "file.bin").read_bytes() == CONTENT
    assert server.handler.asked == ["/good"]


def test_a_full_disk_is_a_store_error(server, tmp_path, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(pooch.HTTPDownloader, "__call__", refuse)
    with pytest.raises(StoreError, match="free space"):
        download(f"{server.url}/good", tmp_path, "file.bin", KNOWN["sha256"], progress=False)


@pytest.mark.parametrize(
    ("filename", "known"),
    [("file", "abc"), ("file", "crc:12"), ("file", "sha256:xyz"), ("../file", KNOWN["md5"]), ("", KNOWN["md5"])],
)
def test_malformed_arguments_are_refused_before_anything_is_asked(server, tmp_path, filename, known):
    with pytest.raises(BadInputError):
        download(f"{server.url}/good", tmp_path, filename, known)
    assert server.handler.asked == []
