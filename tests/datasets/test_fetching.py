import errno
import gzip
import importlib
import json
import os
import shutil
import threading
from collections import namedtuple
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from faulty_server import Page, serving
from kamitani_files import image_table, presentation, write_original
from repository_pages import figshare_pages, here, osf_pages, patched_apis, zipped
from things_eeg2_downloads import responses

from brainscore_realnet.datasets import catalogue, kamitani, things, things_eeg2
from brainscore_realnet.datasets.catalogue import fetching
from brainscore_realnet.datasets.catalogue.fetching import downloads_folder, fetch
from brainscore_realnet.datasets.catalogue.parts import DataSet
from brainscore_realnet.datasets.catalogue.removal import removable, remove
from brainscore_realnet.errors import BadInputError, MissingDataError, StoreError, UnknownIdentifierError
from brainscore_realnet.store import DownloadError, archives, sha256_bytes
from brainscore_realnet.store.transfer import UnreachableError

NAME = "things-eeg2"
RECORDINGS = ["sub-01 test", "sub-01 training", "sub-02 test", "sub-02 training"]
IMAGES = ["image_metadata.npy", "test images", "training images"]
ZIP_1, ZIP_2 = "/osf/anp5v/sub-01.zip", "/osf/anp5v/sub-02.zip"
THINGS = Path(__file__).parents[1] / "data" / "things"


def localised(data_set, url, subjects):
    """Give a data set whose files are on the local server."""
    parts = tuple(
        replace(part, files=tuple(replace(file, url=here(file.url, url)) for file in part.files), typical_bytes=10**4)
        for part in data_set.parts
    )
    return replace(data_set, parts=parts, subjects=subjects)


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda descriptor: None)  # a crash of the machine is not what is tested here
    with serving({}) as running:
        patched_apis(monkeypatch, running.url)
        for name, data_set in catalogue.DATA_SETS.items():
            subjects = data_set.subjects[:2]
            monkeypatch.setitem(catalogue.DATA_SETS, name, localised(data_set, running.url, subjects))
        yield running


def content(folder, below="", base=None):
    base = base or folder
    return {
        f"{below}{path.relative_to(base).as_posix()}": path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture
def published(server, download):
    """THINGS-EEG2 as it is published, but small: an archive a subject, two archives of images and their lists."""
    subjects = {f"sub-0{n}.zip": zipped(content(download / f"sub-0{n}", base=download)) for n in (1, 2)}
    server.pages.update(osf_pages("anp5v", subjects, url=server.url))
    images = {"qkgtf": (download / "image_metadata.npy").read_bytes()}
    for identifier, split in (("znu7b", "test"), ("3v527", "training")):
        images[identifier] = zipped(content(download / f"{split}_images", base=download))
    server.pages.update({f"/download/{identifier}/": Page(body) for identifier, body in images.items()})
    return server


def run(name=NAME, **options):
    return fetch(name, progress=False, **options)


def states():
    return {row["what"]: row["state"] for row in things_eeg2.status()}


def ready():
    return sorted(what for what, state in states().items() if state == "ready")


def assert_whole():
    """Everything opens with the values that were published, and nothing but what is used lies in the downloads."""
    for number in (1, 2):
        np.testing.assert_array_equal(things_eeg2.open_subject(f"sub-0{number}", "test").data, responses(number))
        training = responses(10 + number, images=5, repetitions=2)
        np.testing.assert_array_equal(things_eeg2.open_subject(f"sub-0{number}", "training").data, training)
    for split, count in (("test", 4), ("training", 5)):
        table = things_eeg2.open_images(split)
        assert len(table.rows) == count
        assert all(Path(row["path"]).is_relative_to(downloads_folder(NAME)) for row in table.rows)
    assert {path.suffix for path in files_left()} <= {".json", ".npy", ".jpg"}
    assert [path.name for path in files_left() if path.suffix == ".npy"] == ["image_metadata.npy"]


def files_left(name=NAME):
    return [path for path in downloads_folder(name).rglob("*") if path.is_file()]


def test_a_data_set_is_fetched_registered_and_not_fetched_again(published):
    summary = run()
    assert summary["fetched"] == sorted(IMAGES + RECORDINGS)
    assert (summary["ready"], summary["requests"]) == ([], [])
    assert_whole()
    published.requests.clear()
    summary = run()
    assert (summary["fetched"], summary["ready"]) == ([], sorted(IMAGES + RECORDINGS))
    assert published.requests == []


def test_hashes_of_deleted_archives_stay_recorded(published):
    run()
    records = [json.loads(path.read_text()) for path in downloads_folder(NAME).rglob("sha256.json")]
    recorded = {name: entry["sha256"] for record in records for name, entry in record.items()}
    assert recorded["sub-01.zip"] == sha256_bytes(published.pages[ZIP_1].body)
    assert recorded["training_images.zip"] == sha256_bytes(published.pages["/download/3v527/"].body)
    shutil.rmtree(downloads_folder(NAME) / "images" / "training_images")
    published.pages["/download/3v527/"] = Page(zipped({"training_images/a/a.jpg": b"others"}))
    with pytest.raises(DownloadError, match="recorded in"):
        run()
    assert states()["training images"] == "missing"


SHAPES = {
    "flat": lambda name: "",
    "nested": lambda name: f"{name}/",
    "deep": lambda name: f"Preprocessed data/{name}/",
    "beside litter": lambda name: f"{name}/",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("hashes", [True, False])
def test_archives_of_any_nesting_are_understood(published, download, shape, hashes):
    def archive(name):
        litter = {"__MACOSX/._x": b"", "read me.txt": b"words"} if shape == "beside litter" else {}
        return zipped(content(download / name, below=SHAPES[shape](name)) | litter)

    files = {f"sub-0{n}.zip": archive(f"sub-0{n}") for n in (1, 2)}
    published.pages.update(osf_pages("anp5v", files, hashes=hashes, url=published.url))
    for identifier, split in (("znu7b", "test"), ("3v527", "training")):
        published.pages[f"/download/{identifier}/"] = Page(archive(f"{split}_images"))
    run()
    assert_whole()


def test_files_that_are_not_archived_are_taken_as_they_are(published, download):
    files = {f"Data/{path}": body for path, body in content(download).items() if path.startswith("sub-")}
    published.pages.update(osf_pages("anp5v", files, url=published.url))
    run(parts=["preprocessed"])
    assert ready() == RECORDINGS
    run()
    assert_whole()


def test_only_what_is_named_is_fetched(published):
    assert run(parts=["preprocessed"], subjects=["2"], splits=["test"])["fetched"] == ["sub-02 test"]
    assert ready() == ["sub-02 test"]
    assert published.count(ZIP_1) == 0
    assert run(subjects=[2])["fetched"] == sorted([*IMAGES, "sub-02 training"])
    run()
    assert_whole()


def test_archives_are_kept_on_request(published):
    run(keep_archives=True)
    kept = {path.name for path in files_left()}
    assert {"sub-01.zip", "sub-02.zip", "test_images.zip", "preprocessed_eeg_test.npy"} <= kept
    remove(NAME, ("converted",))
    published.pages.clear()
    summary = run()
    assert summary["fetched"] == sorted(IMAGES + RECORDINGS)


def test_a_connection_that_drops_is_resumed(published, download):
    recordings = content(download / "sub-01", base=download)
    body = zipped(recordings | {"sub-01/notes.bin": np.random.default_rng(0).bytes(3 * 2**20)})
    published.pages.update(osf_pages("anp5v", {"sub-01.zip": body}, url=published.url))
    published.pages[ZIP_1] = Page(body, drop_after=2 * 2**20, faults=1)
    assert run(parts=["preprocessed"], subjects=[1])["fetched"] == ["sub-01 test", "sub-01 training"]
    first, second = [request.range for request in published.requests if request.path == ZIP_1]
    assert first is None
    assert 0 < int(second.removeprefix("bytes=").removesuffix("-")) <= 2 * 2**20


def test_a_listing_that_was_read_once_serves_without_the_network(published):
    run(parts=["preprocessed"], subjects=[1])
    for path in [path for path in published.pages if path.startswith("/v2/")]:
        del published.pages[path]
    assert run(parts=["preprocessed"])["fetched"] == ["sub-02 test", "sub-02 training"]


FAULTS = {
    "dropped for ever": ({"drop_after": 500}, "sub-02.zip"),
    "too short": ({"length_error": 10}, "sub-02.zip"),
    "too long": ({"body": b"more"}, "sub-02.zip"),
    "wrong bytes": ({"body": "swapped"}, "wrong bytes"),
    "HTML page": ({"status": 200}, "web page"),
    "not found": ({"status": 404}, "404"),
    "server error": ({"status": 500}, "500"),
}


@pytest.mark.parametrize(("fault", "told"), FAULTS.values(), ids=FAULTS)
def test_one_subject_that_fails_does_not_stop_the_others_and_is_fetched_next_time(published, fault, told, monkeypatch):
    monkeypatch.setattr(importlib.import_module("brainscore_realnet.store.download"), "_RETRIES", 1)
    good = published.pages[ZIP_1]
    body = {"swapped": good.body[::-1], b"more": good.body + b"more"}.get(fault.get("body"), good.body)
    published.pages[ZIP_1] = replace(good, **{**fault, "body": body})
    with pytest.raises(DownloadError) as raised:
        run()
    message = str(raised.value)
    assert "- sub-01 test, sub-01 training: " in message
    assert message.count("\n- ") == 1
    assert told.replace("02", "01") in message
    assert "Run the same command again" in message
    assert ready() == sorted([*IMAGES, "sub-02 test", "sub-02 training"])
    published.pages[ZIP_1] = good
    published.requests.clear()
    assert run()["fetched"] == ["sub-01 test", "sub-01 training"]
    assert published.count(ZIP_2) == published.count("/download/3v527/") == 0
    wrong = [path for path in files_left() if ".wrong-" in path.name]
    for path in wrong:
        path.unlink()
    assert len(wrong) == (fault.get("body") == "swapped")
    assert_whole()


def test_a_broken_archive_that_nobody_published_a_hash_of_is_not_used_again(published):
    good = published.pages["/download/znu7b/"]
    published.pages["/download/znu7b/"] = Page(good.body[:-30])
    with pytest.raises(DownloadError, match="test images"):
        run()
    assert states()["training images"] == "ready"
    published.pages["/download/znu7b/"] = good
    run()
    assert_whole()


def test_a_recording_that_is_not_what_it_should_be_is_told_and_fetched_anew(published, download):
    files = {name: published.pages[f"/osf/anp5v/{name}"].body for name in ("sub-01.zip", "sub-02.zip")}
    broken = files | {"sub-01.zip": zipped({"sub-01/preprocessed_eeg_test.npy": b"no array"})}
    published.pages.update(osf_pages("anp5v", broken, hashes=False, url=published.url))
    with pytest.raises(DownloadError, match="- sub-01 test"):
        run()
    assert ready() == sorted([*IMAGES, "sub-02 test", "sub-02 training"])
    published.pages.update(osf_pages("anp5v", files, hashes=False, url=published.url))
    run()
    assert_whole()


def test_an_archive_without_one_split_is_told(published, download):
    files = {
        "sub-01.zip": zipped(
            {"sub-01/preprocessed_eeg_test.npy": content(download)["sub-01/preprocessed_eeg_test.npy"]}
        )
    }
    published.pages.update(osf_pages("anp5v", files, url=published.url))
    with pytest.raises(DownloadError, match="- sub-01 training: still missing"):
        run(parts=["preprocessed"], subjects=[1])
    assert ready() == ["sub-01 test"]


def test_an_archive_that_leads_out_of_its_folder_is_refused(published, store_home):
    files = {"sub-01.zip": zipped({"../../../evil.txt": b"evil", "sub-01/preprocessed_eeg_test.npy": b""})}
    published.pages.update(osf_pages("anp5v", files, url=published.url))
    with pytest.raises(DownloadError, match="evil"):
        run(parts=["preprocessed"], subjects=[1])
    assert not list(store_home.parent.rglob("evil.txt"))


def test_a_subject_that_the_listing_lacks_is_told_with_what_there_is(published):
    published.pages.update(osf_pages("anp5v", {"sub-01.zip": published.pages[ZIP_1].body}, url=published.url))
    with pytest.raises(DownloadError, match=r"- sub-02 test, sub-02 training: not among .*sub-01\.zip"):
        run()
    assert ready() == sorted([*IMAGES, "sub-01 test", "sub-01 training"])


def test_a_repository_that_is_out_of_order_leaves_the_other_parts(published):
    published.pages["/v2/nodes/anp5v/files/osfstorage/"] = Page(b"<html>maintenance</html>")
    with pytest.raises(DownloadError, match=r"- part preprocessed: .*nodes/anp5v"):
        run()
    assert ready() == sorted(IMAGES)


STEPS = {
    "in the first download": (fetching, "download", 0),
    "in a later download": (fetching, "download", 3),
    "while unpacking images": (fetching, "extract", 0),
    "while unpacking recordings": (fetching, "extract", 2),
    "while registering": (DataSet, "add", 0),
    "while converting": (DataSet, "add", 1),
    "when archives are deleted": (fetching, "_finish", 0),
    "when pickles are deleted": (fetching, "_finish", 2),
}


@pytest.mark.parametrize(("place", "step", "calls"), STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("after", [False, True])
def test_an_interrupted_run_is_continued_by_the_next(published, monkeypatch, place, step, calls, after):
    original = getattr(place, step)
    made = []

    def interrupted(*arguments, **options):
        made.append(step)
        if len(made) <= calls:
            return original(*arguments, **options)
        if after:
            original(*arguments, **options)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(place, step, interrupted)
        with pytest.raises(KeyboardInterrupt):
            run()
    summary = run()
    assert sorted(summary["fetched"] + summary["ready"]) == sorted(IMAGES + RECORDINGS)
    assert_whole()
    assert max(published.count(path) for path in (ZIP_1, ZIP_2, "/download/znu7b/", "/download/3v527/")) == 1


def test_a_deletion_of_pickles_that_was_interrupted_is_finished_by_the_next_run(published, monkeypatch):
    real = shutil.rmtree

    def interrupted(path, *arguments, **options):
        if (Path(path) / "preprocessed_eeg_test.npy").exists() and path.name == path.parent.name == "sub-02":
            (path / "preprocessed_eeg_test.npy").unlink()
            raise KeyboardInterrupt
        real(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run()
    assert ready() == sorted(IMAGES + RECORDINGS)
    assert [path.name for path in files_left() if "preprocessed_eeg" in path.name] == ["preprocessed_eeg_training.npy"]
    run()
    assert_whole()


def test_too_little_space_for_the_whole_is_told_before_anything_is_downloaded(published, monkeypatch):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(10, 10, 1000))
    with pytest.raises(StoreError, match="Free space"):
        run()
    assert all(request.path.startswith("/v2/") for request in published.requests)
    assert files_left() == [downloads_folder(NAME) / "listing.json"]


def test_the_space_asked_for_covers_what_is_written_at_most(published, monkeypatch):
    asked = []
    monkeypatch.setattr(fetching, "require_space", lambda folder, n_bytes: asked.append(n_bytes))
    run(parts=["preprocessed"], keep_archives=True)
    run_bytes = sum(removable(NAME).values())
    assert run_bytes <= asked[0] <= 1.5 * run_bytes
    remove(NAME)
    run(parts=["preprocessed"])
    sizes = [len(published.pages[path].body) for path in (ZIP_1, ZIP_2)]
    assert asked[1] == pytest.approx(1.1 * sum(sizes) + 2.1 * max(sizes), abs=1)


def test_a_disk_that_fills_up_ends_the_run_and_the_next_one_continues(published, monkeypatch):
    real = archives.atomic_folder

    def full(path):
        if path.name == ".sub-02.unpacked":
            raise StoreError(f"Cannot write {path}: {os.strerror(errno.ENOSPC)}.")
        return real(path)

    with monkeypatch.context() as patch:
        patch.setattr(archives, "atomic_folder", full)
        with pytest.raises(StoreError, match="No space left"):
            run()
    assert ready() == sorted([*IMAGES, "sub-01 test", "sub-01 training"])
    run()
    assert_whole()


def test_a_server_that_was_there_is_asked_for_the_rest_when_it_is_away_for_a_while(published, monkeypatch):
    original = fetching.download

    def away_once(url, folder, filename, *arguments, **options):
        if filename == "test_images.zip":
            raise UnreachableError("no connection")
        return original(url, folder, filename, *arguments, **options)

    monkeypatch.setattr(fetching, "download", away_once)
    with pytest.raises(DownloadError, match="- test images: no connection\nWhat"):
        run()
    assert ready() == sorted(["image_metadata.npy", "training images", *RECORDINGS])


def test_two_runs_at_once_share_the_work(published):
    summaries = []
    threads = [threading.Thread(target=lambda: summaries.append(run())) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(len(summary["fetched"]) for summary in summaries) == [0, 7]
    assert published.count(ZIP_1) == 1
    assert_whole()


def test_a_converted_recording_that_was_damaged_is_fetched_again(published, store_home):
    run()
    file = next((store_home / "data" / NAME).glob("sub-02_training-*.npy"))
    file.write_bytes(file.read_bytes()[:-8])
    assert states()["sub-02 training"] == "broken"
    assert run()["fetched"] == ["sub-02 training"]
    assert_whole()


def test_images_that_are_there_are_registered_without_the_network(published):
    run(parts=["images"])
    remove(NAME, ("converted",))
    published.pages.clear()
    assert run(parts=["images"])["fetched"] == sorted(IMAGES)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"name": "things-eeg"}, "did you mean things-eeg2"),
        ({"parts": ["image"]}, "did you mean images"),
        ({"subjects": ["11"]}, "sub-01"),
        ({"splits": ["tests"]}, "did you mean test"),
        ({"name": "things-dimensions", "splits": ["test"]}, "no splits"),
        ({"name": "shen2019", "parts": ["natural"], "splits": ["letters"]}, "Leave one of the two options away"),
    ],
)
def test_wrong_names_are_told_before_anything_is_asked_for(server, options, told):
    with pytest.raises((BadInputError, UnknownIdentifierError), match=told):
        run(**options)
    assert server.requests == []


def test_files_with_published_hashes_are_fetched_and_one_that_is_gone_is_told(server):
    spose = gzip.decompress((THINGS / "spose_embedding_49d_sorted.txt.gz").read_bytes())
    names = (THINGS / "item_names.tsv").read_bytes()
    (table,) = [file.url for file in catalogue.find("things-dimensions").parts[0].files if "item" in file.path]
    server.pages[table.removeprefix(server.url)] = Page(names)
    server.pages.update(osf_pages("z2784", {"data/spose_embedding_49d_sorted.txt": spose}, url=server.url))
    with pytest.raises(DownloadError, match=r"- things_concepts\.tsv: .*404"):
        run("things-dimensions")
    dimensions = things.open_dimensions()
    assert dimensions.values.shape == (1854, 49)
    assert {path.name for path in files_left("things-dimensions")} == {"sha256.json", "listing.json"}


@pytest.fixture
def shen2019(server, tmp_path):
    """Responses of two subjects to the 50 natural test images, in the first publication's form; of few voxels."""
    ids = image_table("test")[1]
    numbers = {"sub-01_perceptionNaturalImageTest_original_VC.h5": 14830631}
    numbers["sub-02_perceptionNaturalImageTest_original_VC.h5"] = 14830697
    files = {}
    for seed, name in enumerate(numbers):
        write_original(tmp_path / name, ids, presentation(50, 24, seed), seed=seed)
        files[name] = (tmp_path / name).read_bytes()
    server.pages.update(figshare_pages(7033577, files, server.url, numbers))
    data_set = catalogue.DATA_SETS["shen2019"]
    natural = replace(
        data_set.parts[0], files=tuple(replace(file, known_hash=None) for file in data_set.parts[0].files)
    )
    catalogue.DATA_SETS["shen2019"] = replace(data_set, parts=(natural, *data_set.parts[1:]))
    return server


def test_files_that_are_used_where_they_lie_stay(shen2019):
    summary = run("shen2019", parts=["natural"], splits=["test"])
    assert summary["fetched"] == ["sub-01 test", "sub-02 test"]
    assert kamitani.open_subject("sub-02", "test", "shen2019").responses("V1").shape[:2] == (50, 24)
    assert sum(path.suffix == ".h5" for path in files_left("shen2019")) == 2
    remove("shen2019", ("downloads",))
    assert "sub-01 test" not in {row["what"] for row in kamitani.status("shen2019") if row["state"] == "ready"}
    assert run("shen2019", parts=["natural"], splits=["test"])["fetched"] == ["sub-01 test", "sub-02 test"]


def test_what_must_be_asked_for_is_told_after_the_rest_was_fetched(shen2019):
    everything = {"parts": ["natural", "images"], "splits": ["test"]}
    (sentence,) = run("shen2019", **everything)["requests"]
    assert "https://forms.gle/ujvA34948Xg49jdn9" in sentence


def test_md5s_that_only_the_listing_tells_are_verified(shen2019):
    path = "/files/14830697"
    shen2019.pages[path] = Page(shen2019.pages[path].body[::-1])
    with pytest.raises(DownloadError, match=r"- sub-02 test: .*md5"):
        run("shen2019", parts=["natural"], splits=["test"])
    assert kamitani.open_subject("sub-01", "test", "shen2019").stimuli


def test_raw_eeg_is_fetched_on_request_only_and_stays_unpacked(server):
    files = {f"ses-0{n}/raw_eeg_{split}.npy": b"samples" for n in range(1, 5) for split in ("test", "training")}
    listed = {"sub-01.zip": zipped({f"sub-01/{path}": body for path, body in files.items()})}
    server.pages.update(figshare_pages(18470912, listed, server.url))
    assert run(parts=["raw"], subjects=[1])["fetched"] == ["sub-01 raw"]
    folder = downloads_folder(NAME) / "raw" / "sub-01" / "sub-01"
    assert content(folder) == files
    assert not list(downloads_folder(NAME).rglob("*.zip"))
    server.requests.clear()
    assert run(parts=["raw"], subjects=[1])["ready"] == ["sub-01 raw"]
    assert server.requests == []


@pytest.mark.parametrize("name", ["shen2019", "horikawa2017"])
def test_what_must_be_asked_for_is_told_with_the_pages(server, name):
    with pytest.raises(MissingDataError) as raised:
        run(name, parts=["images"])
    for told in ("https://forms.gle/ujvA34948Xg49jdn9", "image-net.org", f"brainscore data add {name} FOLDER"):
        assert told in str(raised.value)
    assert server.requests == []


def test_removing_frees_what_is_told_and_leaves_a_users_own_folder(published, download, store_home):
    things_eeg2.add(download, progress=False)
    before = content(download)
    found = removable(NAME)
    assert list(found) == [store_home / "data" / NAME]
    assert sum(found.values()) == sum(path.stat().st_size for path in (store_home / "data" / NAME).iterdir())
    assert remove(NAME) == found
    assert content(download) == before
    assert not (store_home / "data" / NAME).exists()
    assert remove(NAME) == {}


def test_removing_takes_the_kind_that_is_named_and_prepared_sets(published, store_home):
    run()
    prepared = store_home / "data" / "things-eeg2-mvnn-training-100hz"
    other = store_home / "data" / "things-eeg2-of-mine"
    for folder in (prepared, other):
        folder.mkdir()
        (folder / "file").write_bytes(b"12345")
    assert list(remove(NAME, ("downloads",))) == [downloads_folder(NAME)]
    assert not downloads_folder(NAME).exists()
    assert ready() == sorted(["image_metadata.npy", *RECORDINGS])
    assert remove(NAME, ("converted",))[prepared] == 5
    assert (other / "file").exists()
    assert ready() == []


def test_removing_takes_away_a_link_but_not_what_it_leads_to(store_home, tmp_path):
    elsewhere = tmp_path / "big disk"
    elsewhere.mkdir()
    (elsewhere / "file").write_bytes(b"12345")
    (store_home / "data").mkdir(parents=True)
    (store_home / "data" / NAME).symlink_to(elsewhere)
    assert remove(NAME) == {store_home / "data" / NAME: 0}
    assert (elsewhere / "file").exists()
    assert not (store_home / "data" / NAME).is_symlink()


def test_a_removal_that_was_interrupted_is_finished_by_the_next(published, monkeypatch):
    run()

    def interrupted(path, *options, **more):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", interrupted)
        with pytest.raises(KeyboardInterrupt):
            remove(NAME, ("downloads",))
    assert not downloads_folder(NAME).exists()
    run()
    remove(NAME)
    assert [path.name for path in downloads_folder(NAME).parent.iterdir()] == []


def test_unknown_kinds_are_refused():
    with pytest.raises(BadInputError, match="downloads or converted"):
        remove(NAME, ("everything",))
