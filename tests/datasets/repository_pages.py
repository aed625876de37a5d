"""Pages of a local server that answers as OSF's and figshare's listings and downloads do."""

import hashlib
import importlib
import io
import json
import zipfile
from urllib.parse import urlsplit, urlunsplit

from faulty_server import Page

from brainscore_realnet.datasets.catalogue import repositories

PER_PAGE = 2


def osf_pages(node, files, hashes=True, url=""):
    """Give the pages of an OSF node by path: the listings of its folders, `PER_PAGE` entries each, and the files."""
    root = f"/v2/nodes/{node}/files/osfstorage/"
    pages = {f"/osf/{node}/{path}": Page(body) for path, body in files.items()}
    tree = {}
    for path, body in files.items():
        *folders, _ = path.split("/")
        for depth in range(len(folders)):
            tree.setdefault("/".join(folders[:depth]), {})["/".join(folders[: depth + 1]) + "/"] = None
        tree.setdefault("/".join(folders), {})[path] = body
    for folder, members in tree.items():
        entries = [_osf_entry(url, node, root, path, body, hashes) for path, body in members.items()]
        address = f"{root}{folder}/" if folder else root
        pages |= _osf_listing(url, address, entries)
    return pages


def _osf_entry(url, node, root, path, body, hashes):
    name = path.rstrip("/").split("/")[-1]
    if body is None:
        related = {"links": {"related": {"href": f"{url}{root}{path}"}}}
        attributes = {"name": name, "kind": "folder", "materialized_path": f"/{path}"}
        return {"attributes": attributes, "relationships": {"files": related}, "links": {}}
    digests = {kind: hashlib.new(kind, body).hexdigest() for kind in ("md5", "sha256")} if hashes else {}
    attributes = {"name": name, "kind": "file", "size": len(body), "materialized_path": f"/{path}"}
    attributes["extra"] = {"hashes": digests}
    return {"attributes": attributes, "links": {"download": f"{url}/osf/{node}/{path}"}}


def _osf_listing(url, address, entries):
    chunks = [entries[start : start + PER_PAGE] for start in range(0, len(entries), PER_PAGE)]
    pages = {}
    for number, chunk in enumerate(chunks, 1):
        following = f"{url}{address}?page={number + 1}" if number < len(chunks) else None
        key = address if number == 1 else f"{address}?page={number}"
        pages[key] = json_page({"data": chunk, "links": {"next": following}})
    return pages


def figshare_pages(article, files, url="", numbers=None):
    """Give the pages of a figshare article by path: its listing and its files."""
    numbers = numbers or {name: index for index, name in enumerate(files, 1)}
    entries = [
        {
            "id": numbers[name],
            "name": name,
            "size": len(body),
            "is_link_only": False,
            "supplied_md5": "",
            "computed_md5": hashlib.md5(body).hexdigest(),
            "download_url": f"{url}/files/{numbers[name]}",
        }
        for name, body in files.items()
    ]
    pages = {f"/files/{numbers[name]}": Page(body) for name, body in files.items()}
    return {f"/v2/articles/{article}/files": json_page(entries), **pages}


def json_page(content, **faults):
    return Page(json.dumps(content).encode(), content_type="application/json", **faults)


def here(address, url):
    """Give an address on the local server instead of the real one."""
    return urlunsplit((*urlsplit(url)[:2], *urlsplit(address)[2:]))


def zipped(files):
    """Give a zip archive of these files as bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, body in files.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def patched_apis(monkeypatch, url):
    """Let listings be asked for at the local server, and failures be told at once."""
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(repositories, "OSF_API", f"{url}/v2")
    monkeypatch.setattr(repositories, "FIGSHARE_API", f"{url}/v2")
    monkeypatch.setattr(repositories, "FIRST_DELAY_SECONDS", 0)
    monkeypatch.setattr(importlib.import_module("brainscore_realnet.store.download"), "_FIRST_DELAY_SECONDS", 0)
