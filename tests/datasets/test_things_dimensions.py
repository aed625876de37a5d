import gzip
import os
import shutil
from pathlib import Path

import numpy as np
import pytest

from brainscore_realnet.datasets import things
from brainscore_realnet.datasets.things_eeg2 import read_image_metadata
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, StoreError
from brainscore_realnet.store import sha256_file

DATA = Path(__file__).parents[1] / "data"
ITEM_NAMES = DATA / "things" / "item_names.tsv"
SPOSE = DATA / "things" / "spose_embedding_49d_sorted.txt.gz"
WHATS = ["item_names.tsv", "spose_embedding_49d_sorted.txt", "things_concepts.tsv"]


@pytest.fixture
def published(tmp_path):
    """What a user has after the download, one table in a sub-folder; the table of concepts is shortened."""
    folder = tmp_path / "download"
    (folder / "tables" / "more").mkdir(parents=True)
    shutil.copy(ITEM_NAMES, folder / "tables")
    shutil.copy(SPOSE, folder)
    names = things.read_item_names(ITEM_NAMES)
    (folder / "tables" / "more" / "things_concepts.tsv").write_text("\n".join(["uniqueID", *names]) + "\n")
    return folder


@pytest.fixture
def copied(published, store_home):
    things.add(published, progress=False)
    return store_home / "data" / "things-dimensions"


def states(**options):
    return {row["what"]: row["state"] for row in things.status(**options)}


def test_added_files_open_as_dimensions_by_concept(published):
    summary = things.add(published, progress=False)
    assert summary == {
        "name": "things-dimensions",
        "folder": str(published),
        "converted": WHATS,
        "kept": [],
        "images": {},
        "absent": [],
    }
    shutil.rmtree(published)
    dimensions = things.open_dimensions()
    assert list(dimensions.unique_ids) == things.read_item_names(ITEM_NAMES)
    np.testing.assert_array_equal(dimensions.values, things.read_spose(SPOSE))
    assert (dimensions.values.shape, dimensions.values.dtype) == ((1854, 49), np.float64)
    assert (dimensions.names[0], dimensions.names[-1], len(set(dimensions.names))) == ("dim-01", "dim-49", 49)
    assert not dimensions.values.flags.writeable


def test_test_images_are_joined_by_unique_id(copied):
    unique_ids = read_image_metadata(DATA / "eeg2" / "image_metadata.npy")["test"].unique_ids
    dimensions = things.open_dimensions()
    joined = dimensions.of(unique_ids)
    assert joined.shape == (200, 49)
    for row, unique_id in zip(joined, unique_ids, strict=True):
        np.testing.assert_array_equal(row, dimensions.values[dimensions.unique_ids.index(unique_id)])
    with pytest.raises(BadInputError, match="unicorn"):
        dimensions.of(["aardvark", "unicorn"])


def test_plain_and_compressed_embedding_have_the_same_hash_and_replace_one_another(copied, tmp_path):
    compressed = things.open_dimensions()
    plain = tmp_path / "plain"
    plain.mkdir()
    (plain / "spose_embedding_49d_sorted.txt").write_bytes(gzip.decompress(SPOSE.read_bytes()))
    summary = things.add(plain, progress=False)
    assert (summary["converted"], summary["absent"]) == ([WHATS[1]], [])
    assert things.open_dimensions().sha256 == compressed.sha256
    assert [path.suffix for path in copied.glob("spose*")] == [".txt"]


def test_adding_again_keeps_what_is_there(copied, published):
    before = {path: path.stat().st_mtime_ns for path in copied.iterdir() if path.name != "card.json"}
    summary = things.add(published, progress=False)
    assert (summary["converted"], summary["kept"]) == ([], WHATS)
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_parts_can_be_added_one_after_the_other(published, tmp_path):
    summary = things.add(published / "tables" / "more", progress=False)
    assert summary["converted"] == ["things_concepts.tsv"]
    assert [sentence.split()[0] for sentence in summary["absent"]] == WHATS[:2]
    with pytest.raises(MissingDataError, match=r"item_names\.tsv.*thingsvision.*brainscore data add things-dimensions"):
        things.open_dimensions()
    assert states() == dict(zip(WHATS, ["missing", "missing", "ready"], strict=True))
    things.add(published, progress=False)
    assert things.open_dimensions().values.shape == (1854, 49)


def test_status_tells_ready_missing_and_broken_apart(copied):
    assert states() == dict.fromkeys(WHATS, "ready")
    next(copied.glob("item_names-*")).write_text("changed")
    next(copied.glob("things_concepts-*")).unlink()
    rows = {row["what"]: row for row in things.status()}
    assert [rows[what]["state"] for what in WHATS] == ["broken", "ready", "missing"]
    assert sha256_file(SPOSE)[:16] in rows[WHATS[1]]["detail"]
    assert (bool(rows[WHATS[0]]["how"]), rows[WHATS[1]]["how"]) == (True, "")
    with pytest.raises(BadFileError, match="expected"):
        things.open_dimensions()


def test_thorough_status_sees_a_change_that_left_size_and_time(copied):
    path = next(copied.glob("item_names-*"))
    stat = path.stat()
    path.write_bytes(path.read_bytes().replace(b"aardvark", b"aardvarc"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert states()[WHATS[0]] == "ready"
    assert states(thorough=True)[WHATS[0]] == "broken"


def test_untouched_content_with_another_time_is_ready_and_a_broken_copy_is_mended(copied, published):
    path = next(copied.glob("spose*"))
    os.utime(path, (5, 5))
    assert states()[WHATS[1]] == "ready"
    path.write_bytes(path.read_bytes()[:100])
    assert things.add(published, progress=False)["converted"] == [WHATS[1]]
    assert states() == dict.fromkeys(WHATS, "ready")


def test_a_wrong_file_is_refused_by_its_place_and_nothing_of_it_stays(copied, tmp_path):
    wrong = tmp_path / "wrong"
    wrong.mkdir()
    (wrong / "item_names.tsv").write_text("uniqueID\naardvark\n")
    with pytest.raises(BadFileError, match=r"1 concepts in .*wrong/item_names\.tsv: expected 1854"):
        things.add(wrong, progress=False)
    (wrong / "item_names.tsv").write_text("<html>404</html>")
    with pytest.raises(BadFileError, match=r"wrong/item_names\.tsv"):
        things.add(wrong, progress=False)
    assert len(list(copied.glob("item_names-*"))) == 1
    assert states() == dict.fromkeys(WHATS, "ready")


def test_an_interrupted_copy_leaves_nothing_and_the_next_run_finishes(published, monkeypatch, store_home):
    real = shutil.copyfile

    def interrupted(source, target):
        Path(target).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(shutil, "copyfile", interrupted)
    with pytest.raises(KeyboardInterrupt):
        things.add(published, progress=False)
    assert [path for path in (store_home / "data").rglob("*") if path.is_file()] == []
    monkeypatch.setattr(shutil, "copyfile", real)
    things.add(published, progress=False)
    assert states() == dict.fromkeys(WHATS, "ready")


def test_folders_without_the_files_are_told(tmp_path):
    with pytest.raises(MissingDataError, match="absent"):
        things.add(tmp_path / "absent")
    with pytest.raises(MissingDataError, match=r"none of item_names\.tsv.*osf\.io/z2784"):
        things.add(tmp_path)


def test_malformed_names_broken_cards_and_blocked_stores_are_told(published, store_home):
    with pytest.raises(BadInputError, match="up"):
        things.add(published, "../up", progress=False)
    card = store_home / "data" / "things-dimensions" / "card.json"
    card.parent.mkdir(parents=True)
    card.write_text("[]")
    with pytest.raises(BadFileError, match=r"card\.json.*Delete it"):
        things.open_dimensions()
    (store_home / "data" / "mine").write_text("in the way")
    with pytest.raises(StoreError, match="mine"):
        things.add(published, "mine", progress=False)


def test_another_name_is_told_how_to_fill(store_home):
    assert all("add(FOLDER, name='my-dimensions')" in row["how"] for row in things.status("my-dimensions"))
    assert not store_home.exists()
