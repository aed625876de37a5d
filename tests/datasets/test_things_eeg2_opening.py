import dataclasses
import json
import os

import numpy as np
import pytest
from things_eeg2_downloads import responses

from brainscore_realnet.datasets import things_eeg2
from brainscore_realnet.datasets.things_eeg2 import CHANNELS, images, recordings
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store import sha256_array, sha256_files


@pytest.fixture
def converted(download, store_home):
    things_eeg2.add(download, progress=False)
    return store_home / "data" / "things-eeg2"


def test_a_recording_opens_memory_mapped_with_its_labels(converted):
    recording = things_eeg2.open_subject("sub-02", "training")
    assert isinstance(recording.data, np.memmap)
    assert not recording.data.flags.writeable
    np.testing.assert_array_equal(recording.data, responses(12, images=5, repetitions=2))
    assert recording.ch_names == CHANNELS
    assert recording.times.tolist() == [-0.2, -0.19, -0.18, -0.17, -0.16, -0.15]
    assert (recording.subject, recording.split) == ("sub-02", "training")
    assert recording.dims == ("image", "repetition", "channel", "time")
    assert recording.sha256 == sha256_array(recording.data)
    with pytest.raises(dataclasses.FrozenInstanceError):
        recording.split = "test"


def test_an_untouched_file_is_not_hashed_again(converted, monkeypatch):
    monkeypatch.setattr(recordings, "sha256_array", lambda array: pytest.fail("hashed"))
    things_eeg2.open_subject("sub-01", "test")


def test_a_touched_file_is_hashed_once_and_its_card_refreshed(converted, monkeypatch):
    os.utime(next(converted.glob("sub-01_test-*.npy")), ns=(5, 5))
    np.testing.assert_array_equal(things_eeg2.open_subject("sub-01", "test").data, responses(1))
    assert json.loads((converted / "sub-01_test.json").read_text())["mtime_ns"] == 5
    monkeypatch.setattr(recordings, "sha256_array", lambda array: pytest.fail("hashed"))
    things_eeg2.open_subject("sub-01", "test")


@pytest.mark.parametrize(
    "change", [lambda c: c[:-8] + bytes(8), lambda c: c[:-8], lambda c: c + b"\0", lambda c: b"<html>", lambda c: b""]
)
def test_a_changed_file_is_refused_with_the_command_that_mends_it(converted, change):
    file = next(converted.glob("sub-01_test-*.npy"))
    file.write_bytes(change(file.read_bytes()))
    os.utime(file, ns=(5, 5))
    with pytest.raises(BadFileError, match=r"sub-01_test-.*brainscore data add things-eeg2 FOLDER"):
        things_eeg2.open_subject("sub-01", "test")


@pytest.mark.parametrize("card", ["[]", "{}", '{"format_version": 2}', "{"])
def test_a_broken_card_is_a_bad_file(converted, card):
    (converted / "sub-01_test.json").write_text(card)
    with pytest.raises(BadFileError, match=r"sub-01_test\.json"):
        things_eeg2.open_subject("sub-01", "test")


def test_a_card_cannot_point_out_of_its_folder(converted):
    path = converted / "sub-01_test.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"file": "../sub-02_test.npy"}))
    with pytest.raises(BadFileError, match=r"sub-01_test\.json"):
        things_eeg2.open_subject("sub-01", "test")


def test_what_is_not_there_is_told_with_pages_and_command():
    with pytest.raises(MissingDataError) as caught:
        things_eeg2.open_subject("sub-07", "test")
    for text in ("sub-07", "https://osf.io/anp5v/", "https://osf.io/y63gw/", "brainscore data add things-eeg2 FOLDER"):
        assert text in str(caught.value)


def test_a_deleted_file_is_missing(converted):
    next(converted.glob("sub-01_test-*.npy")).unlink()
    with pytest.raises(MissingDataError, match="sub-01"):
        things_eeg2.open_subject("sub-01", "test")


@pytest.mark.parametrize(
    ("subject", "split", "name"),
    [
        ("sub-1/..", "test", "a"),
        ("01", "test", "a"),
        ("sub-01", "train", "a"),
        ("sub-01", "test", "../a"),
        ("sub-01", "test", ""),
    ],
)
def test_malformed_names_are_refused(subject, split, name):
    with pytest.raises(BadInputError, match="Got"):
        things_eeg2.open_subject(subject, split, name)


def test_images_open_as_a_table_in_the_order_of_events(converted, download):
    table = things_eeg2.open_images("test")
    assert table.split == "test"
    assert [row["event"] for row in table.rows] == [1, 2, 3, 4]
    path = download / "test_images" / "00002_thing_2" / "thing_2_test.jpg"
    assert table.rows[1] == {
        "stimulus_id": "thing_2_test",
        "filename": "thing_2_test.jpg",
        "concept": "00002_thing_2",
        "unique_id": "thing_2",
        "path": str(path),
        "event": 2,
    }
    assert table.sha256 == sha256_files([row["path"] for row in table.rows])


def test_untouched_images_are_not_hashed_again_and_touched_ones_once(converted, download, monkeypatch):
    expected = things_eeg2.open_images("test").sha256
    os.utime(next(download.rglob("thing_2_test.jpg")), ns=(5, 5))
    assert things_eeg2.open_images("test").sha256 == expected
    monkeypatch.setattr(images, "sha256_files", lambda paths: pytest.fail("hashed"))
    assert things_eeg2.open_images("test").sha256 == expected


def test_changed_images_have_another_hash_and_say_so(converted, download, caplog):
    before = things_eeg2.open_images("test").sha256
    next(download.rglob("thing_2_test.jpg")).write_bytes(b"another picture")
    after = things_eeg2.open_images("test").sha256
    assert after != before
    assert "not those that were registered" in caplog.text
    assert things_eeg2.open_images("test").sha256 == after


def test_missing_images_and_unregistered_ones_are_errors(converted, download):
    next(download.rglob("thing_2_test.jpg")).unlink()
    with pytest.raises(MissingDataError, match=r"thing_2_test\.jpg"):
        things_eeg2.open_images("test")
    with pytest.raises(MissingDataError, match=r"things_eeg2\.add\(FOLDER, name='another-set'\)"):
        things_eeg2.open_images("test", "another-set")
    (converted / "images.json").unlink()
    with pytest.raises(MissingDataError, match=r"osf\.io/y63gw"):
        things_eeg2.open_images("test")


@pytest.mark.parametrize("record", ["[]", "{}", "{", '{"format_version": 1, "metadata": {}, "splits": {}}'])
def test_a_broken_image_record_is_a_bad_file(converted, record):
    (converted / "images.json").write_text(record)
    with pytest.raises(BadFileError, match=r"images\.json"):
        things_eeg2.open_images("test")


def test_subjects_are_those_converted_for_the_split(converted, download):
    assert things_eeg2.subjects() == things_eeg2.subjects("training") == ["sub-01", "sub-02"]
    (converted / "sub-02_training.json").unlink()
    assert things_eeg2.subjects("training") == ["sub-01"]


def test_status_tells_ready_missing_and_broken_apart(converted, download):
    file = next(converted.glob("sub-02_test-*.npy"))
    file.write_bytes(file.read_bytes()[:-8])
    (download / "training_images").rename(download / "hidden")
    rows = {row["what"]: row for row in things_eeg2.status()}
    assert len(rows) == 3 + 2 * 10
    assert rows["sub-01 test"]["state"] == "ready"
    assert rows["sub-01 test"]["detail"].startswith("4 × 3 × 17 × 6 float64")
    assert rows["sub-01 test"]["how"] == ""
    assert rows["sub-02 test"]["state"] == "broken"
    assert rows["sub-03 test"]["state"] == "missing"
    assert "https://osf.io/anp5v/" in rows["sub-03 test"]["how"]
    assert rows["test images"]["state"] == "ready"
    assert rows["training images"]["state"] == "missing"
    assert rows["image_metadata.npy"]["detail"] == "5 training images, 4 test images"


def test_status_of_an_empty_store_is_all_missing(store_home):
    assert {row["state"] for row in things_eeg2.status()} == {"missing"}
    assert not store_home.exists()


def test_require_lists_everything_missing_at_once(converted):
    things_eeg2.require(["sub-01", "sub-02"], "test")
    next(converted.glob("sub-02_test-*.npy")).write_bytes(b"")
    (converted / "images.json").unlink()
    with pytest.raises(MissingDataError) as caught:
        things_eeg2.require(["sub-01", "sub-02", "sub-05", "sub-09"], "test")
    for text in ("test images (missing)", "sub-02 test (broken)", "sub-05 test (missing)", "sub-09 test (missing)"):
        assert text in str(caught.value)
    assert "sub-01 test" not in str(caught.value)
    assert "brainscore data add things-eeg2 FOLDER" in str(caught.value)
