import hashlib
import json
import logging

import pytest
from faulty_server import Page, serving
from repository_pages import figshare_pages, json_page, osf_pages, patched_apis

from brainscore_realnet.datasets.catalogue import repositories
from brainscore_realnet.datasets.catalogue.repositories import RemoteFile, figshare_files, listed_files, osf_files
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store import DownloadError

FILES = {f"sub-{number:02d}.zip": bytes(number) for number in range(1, 6)} | {
    "extra/readme.txt": b"read me",
    "extra/deep/table.tsv": b"a\tb",
}
OSF = "/v2/nodes/anp5v/files/osfstorage/"
FIGSHARE = "/v2/articles/7033577/files"


@pytest.fixture
def server(monkeypatch):
    with serving({}) as running:
        patched_apis(monkeypatch, running.url)
        running.pages.update(osf_pages("anp5v", FILES, url=running.url))
        running.pages.update(figshare_pages(7033577, {"a.h5": b"first", "b.h5": b"second"}, url=running.url))
        yield running


def test_osf_gives_all_pages_and_folders_with_sizes_and_hashes(server):
    files = {file.path: file for file in osf_files("anp5v")}
    assert files.keys() == FILES.keys()
    for path, body in FILES.items():
        assert files[path].size == len(body)
        assert files[path].url == f"{server.url}/osf/anp5v/{path}"
        assert files[path].known_hash == f"sha256:{hashlib.sha256(body).hexdigest()}"


def test_figshare_gives_names_sizes_and_md5(server):
    first, second = figshare_files(7033577)
    assert first == RemoteFile("a.h5", f"{server.url}/files/1", 5, "md5:8b04d5e3775d298e78455efc5ca404d5")
    assert second.known_hash == "md5:a9f0e61a137d86aa9db53465e0801612"


def test_figshare_is_asked_page_by_page_and_links_to_elsewhere_are_left_out(server, monkeypatch):
    monkeypatch.setitem(repositories._PAGE_SIZE, "figshare", 2)
    entries = json.loads(server.pages[FIGSHARE].body)
    link = {**entries[0], "is_link_only": True, "name": "elsewhere.h5"}
    server.pages[f"{FIGSHARE}?page_size=2&page=1"] = json_page(entries)
    server.pages[f"{FIGSHARE}?page_size=2&page=2"] = json_page([link])
    assert [file.path for file in figshare_files(7033577)] == ["a.h5", "b.h5"]
    assert server.count(FIGSHARE) == 2


@pytest.mark.parametrize("fault", [{"status": 503}, {"status": 429}, {"drop_after": 7}])
def test_a_listing_that_fails_in_passing_is_asked_for_again(server, fault):
    server.pages[FIGSHARE] = Page(server.pages[FIGSHARE].body, faults=2, **fault)
    assert len(figshare_files(7033577)) == 2
    assert server.count(FIGSHARE) == 3


def test_a_listing_that_is_not_there_is_asked_for_once(server):
    with pytest.raises(DownloadError, match="404"):
        figshare_files(1)
    assert server.count("/v2/articles/1/files") == 1


def osf_page(**changes):
    attributes = {"name": "a.zip", "kind": "file", "size": 3, "materialized_path": "/a.zip", "extra": {"hashes": {}}}
    attributes = {key: value for key, value in {**attributes, **changes}.items() if value is not ...}
    return {"data": [{"attributes": attributes, "links": {"download": "http://127.0.0.1/a"}}], "links": {}}


MALFORMED = {
    "HTML page": Page(b"<!DOCTYPE html><html>maintenance</html>", content_type="text/html"),
    "half a body": Page(b'{"data": ['),
    "no data": json_page({"errors": []}),
    "a list": json_page([]),
    "data that is no list": json_page({"data": {}}),
    "entry without attributes": json_page({"data": [{"links": {}}]}),
    "entry without kind": json_page(osf_page(kind=...)),
    "size that is text": json_page(osf_page(size="3")),
    "path out of the folder": json_page(osf_page(materialized_path="/../../a.zip")),
    "Windows path": json_page(osf_page(materialized_path="C:\\a.zip")),
    "no address": json_page({"data": [{**osf_page()["data"][0], "links": {"download": None}}]}),
    "file address": json_page({"data": [{**osf_page()["data"][0], "links": {"download": "file:///etc/passwd"}}]}),
    "next page that is a number": json_page({**osf_page(), "links": {"next": 5}}),
}


@pytest.mark.parametrize("page", MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_osf_listing_is_refused(server, page):
    server.pages[OSF] = page
    with pytest.raises(DownloadError, match=r"[Ee]xpected"):
        osf_files("anp5v")


def test_pages_that_lead_in_a_circle_are_refused(server):
    server.pages[OSF] = json_page({**osf_page(), "links": {"next": f"{server.url}{OSF}?page[size]=100"}})
    with pytest.raises(DownloadError, match="next page"):
        osf_files("anp5v")


@pytest.mark.parametrize("page", [json_page({}), json_page([{"name": "a.h5"}]), json_page([5])])
def test_a_malformed_figshare_listing_is_refused(server, page):
    server.pages[FIGSHARE] = page
    with pytest.raises(DownloadError, match=r"[Ee]xpected"):
        figshare_files(7033577)


def test_hashes_that_are_none_are_left_away(server):
    server.pages[OSF] = json_page(osf_page(extra={"hashes": {"sha256": "", "md5": "no"}}))
    assert osf_files("anp5v") == [RemoteFile("a.zip", "http://127.0.0.1/a", 3, None)]


def test_without_the_network_the_remembered_listing_serves(server, tmp_path, caplog):
    online = listed_files("osf:anp5v", tmp_path)
    listed_files("figshare:7033577", tmp_path)
    server.pages.clear()
    with caplog.at_level(logging.WARNING):
        assert listed_files("osf:anp5v", tmp_path) == online
    assert "Using the listing of 20" in caplog.text
    assert len(listed_files("figshare:7033577", tmp_path)) == 2
    with pytest.raises(DownloadError, match="no listing"):
        listed_files("osf:other", tmp_path)


@pytest.mark.parametrize("content", ["{", "[]", '{"osf:anp5v": {"files": [{"path": "../a", "url": "http://a"}]}}'])
def test_a_broken_remembered_listing_is_not_used_and_replaced(server, tmp_path, content):
    path = tmp_path / repositories.LISTING_FILE
    path.write_text(content)
    assert len(listed_files("osf:anp5v", tmp_path)) == len(FILES)
    assert len(json.loads(path.read_text())["osf:anp5v"]["files"]) == len(FILES)
    path.write_text(content)
    server.pages.clear()
    with pytest.raises(DownloadError):
        listed_files("osf:anp5v", tmp_path)


@pytest.mark.parametrize("path", ["", "/a", "a//b", "../a", "a/../b", "a\\b", "C:/a", "."])
def test_paths_that_leave_the_folder_are_refused(path):
    with pytest.raises(BadInputError):
        RemoteFile(path, "https://osf.io/a")


def test_unknown_repositories_are_refused(tmp_path):
    with pytest.raises(BadInputError, match="osf:"):
        listed_files("zenodo:5", tmp_path)
