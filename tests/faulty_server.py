"""A local HTTP server whose every page has its own faults, for tests of downloads.

>>> with serving({"/file": Page(b"content", drop_after=3, faults=1)}) as server:
...     download(f"{server.url}/file", …)
>>> server.requests
[Request("GET", "/file", None), Request("GET", "/file", "bytes=3-")]
"""

import contextlib
import hashlib
import http.server
import re
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

_ALWAYS = 10**9
_BLOCK_BYTES = 8192


@dataclass(frozen=True)
class Page:
    """What is served at one path. Faults are shown to the first ``faults`` requests of that path, by default to all."""

    body: bytes | tuple[bytes, ...] | Callable[[str], bytes] = b""
    """The content; several are served one after another (the last one for ever); a callable gets path and query."""
    faults: int = _ALWAYS
    status: int | None = None
    """Fault: answer this status and ``error_body`` instead, e.g. 404, 500, 503, or 200 with a page of HTML."""
    error_body: bytes = b"<!DOCTYPE html><html>An error page</html>"
    drop_after: int | None = None
    """Fault: end the connection after so many bytes of the answer's body."""
    reset: bool = False
    """Drop by a reset (the peer's ECONNRESET) instead of an early end."""
    length_error: int = 0
    """Fault: announce so many bytes more (or, negative, fewer) than are sent."""
    pause_seconds: float = 0.0
    """Fault: wait so long before each block of ``block_bytes``."""
    block_bytes: int = _BLOCK_BYTES
    location: str | None = None
    """Redirect (302) there."""
    ranges: bool = True
    """Whether Range requests are understood."""
    if_range: bool = True
    """Whether If-Range is understood; without it a part of a changed file is sent."""
    range_error: int = 0
    """Parts begin so many bytes before what was asked, as their Content-Range says."""
    etag: bool = True
    """Whether an ETag (of the content) is sent."""
    last_modified: str | None = None
    length: bool = True
    """Whether Content-Length is sent."""
    content_type: str = "application/octet-stream"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Request:
    """One request that arrived."""

    method: str
    path: str
    range: str | None
    headers: dict[str, str] = field(default_factory=dict, compare=False)


@dataclass
class Server:
    """A running server: its address, its pages (which a test may exchange) and the requests so far."""

    url: str
    pages: dict[str, Page]
    requests: list[Request] = field(default_factory=list)

    def count(self, path: str) -> int:
        """Count the requests of one path, whatever their query."""
        return sum(request.path.partition("?")[0] == path for request in self.requests)


@contextlib.contextmanager
def serving(pages: dict[str, Page]) -> Iterator[Server]:
    """Serve pages by path on a free local port; a path's query is ignored unless it is part of the key."""
    handler = type("Handler", (_Handler,), {})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        handler.served = Server(f"http://127.0.0.1:{running.server_port}", dict(pages))
        running.daemon_threads = True
        threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        try:
            yield handler.served
        finally:
            running.shutdown()


class _Handler(http.server.BaseHTTPRequestHandler):
    served: Server

    def do_GET(self):
        served = self.served
        asked = self.headers.get("Range")
        path = self.path.partition("?")[0]
        before = served.count(path)
        served.requests.append(Request("GET", self.path, asked, dict(self.headers)))
        page = served.pages.get(self.path, served.pages.get(path))
        with contextlib.suppress(ConnectionError):  # the client may have had enough
            if page is None:
                self._send(404, Page(content_type="text/html"), b"<html>Not found</html>", {})
            elif page.location is not None:
                self._send(302, page, b"", {"Location": page.location})
            elif page.status is not None and before < page.faults:
                self._send(page.status, Page(content_type="text/html"), page.error_body, page.headers)
            else:
                self._serve(page, before, asked)

    def _serve(self, page, before, asked):
        body = page.body
        if callable(body):
            body = body(self.path)
        elif isinstance(body, tuple):
            body = body[min(before, len(body) - 1)]
        headers = dict(page.headers)
        if page.etag:
            headers["ETag"] = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if page.last_modified:
            headers["Last-Modified"] = page.last_modified
        status, part = 200, body
        start = re.fullmatch(r"bytes=(\d+)-", asked or "")
        condition = self.headers.get("If-Range")
        unchanged = (
            not page.if_range or condition is None or condition in (headers.get("ETag"), headers.get("Last-Modified"))
        )
        if start and page.ranges and unchanged:
            offset = int(start[1]) - page.range_error
            status, part = (206, body[offset:]) if offset < len(body) else (416, b"")
            span = f"{offset}-{len(body) - 1}" if part else "*"
            headers["Content-Range"] = f"bytes {span}/{len(body)}"
        faulty = before < page.faults
        self._send(status, page if faulty else Page(length=page.length, content_type=page.content_type), part, headers)

    def _send(self, status, page, body, headers):
        self.send_response(status)
        self.send_header("Content-Type", page.content_type)
        if page.length:
            self.send_header("Content-Length", str(len(body) + page.length_error))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        sent = body if page.drop_after is None else body[: page.drop_after]
        for start in range(0, len(sent), page.block_bytes):
            time.sleep(page.pause_seconds)
            self.wfile.write(sent[start : start + page.block_bytes])
        if page.reset and page.drop_after is not None:
            self.wfile.flush()
            # closing with no lingering makes the kernel send a reset
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def log_message(self, *args):
        pass
