"""The folder of an export: what is replaced, what never is, what an end half way leaves."""

import json
import os
import shutil

import pytest

from brainscore_realnet.errors import BadFileError, BadInputError, StoreError
from brainscore_realnet.store import atomic
from brainscore_realnet.submission.exporting import folder
from brainscore_realnet.submission.exporting.folder import export_folder, refuse_unwritable, resolved
from brainscore_realnet.submission.layout import Plugin, Submission, write
from brainscore_realnet.submission.uploads import copy_beside, described, write_uploads


@pytest.fixture(autouse=True)
def store(tmp_path_factory, monkeypatch):
    monkeypatch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path_factory.mktemp("store")))


def snapshot(path):
    return {str(one.relative_to(path)): one.read_bytes() for one in path.rglob("*") if one.is_file()}


def write_export(part, text):
    files = {"__init__.py": b"", "metadata.yaml": text.encode()}
    write(Submission("mine", (Plugin("models", "plugin", files),)), part)
    made = part.with_name("a.safetensors")
    made.write_text("weights")
    kind, place = (
        ("data", "brainio-brainscore") if text == "with data" else ("weights", "brainscore-vision/models/plugin")
    )
    upload = described(made, kind, place)
    copy_beside(upload, made, part)
    made.unlink()
    write_uploads(part, [upload])
    (part / "README.md").write_text(text)


def exported(out, text="first", replace=False):
    with export_folder(out, replace) as (part, _):
        write_export(part, text)
    return out


@pytest.fixture
def out(tmp_path):
    return exported(tmp_path / "place" / "out")


def test_an_earlier_export_is_replaced_only_when_that_is_wanted(out):
    before = snapshot(out)
    with pytest.raises(BadInputError, match=r"holds an earlier export.*--replace"):
        exported(out, "second")
    assert snapshot(out) == before
    exported(out, "second", replace=True)
    assert (out / "mine" / "models" / "plugin" / "metadata.yaml").read_text() == "second"
    assert list(out.parent.iterdir()) == [out]


@pytest.mark.parametrize("name", ["mine.txt", "weights/mine.txt", "data/precious/x", "mine/models/plugin/weights.pt"])
def test_files_of_others_are_named_and_never_deleted(out, name):
    (out / name).parent.mkdir(parents=True, exist_ok=True)
    (out / name).write_text("precious")
    before = snapshot(out.parent)
    with pytest.raises(BadInputError, match=rf"where {name} would be lost.*Move away"):
        exported(out, "second", replace=True)
    assert snapshot(out.parent) == before


def write_by_hand(out, name):
    (out / name).write_text("by hand")


def zip_again(out, _):
    shutil.make_archive(str(out / "mine"), "zip", out, "mine")


@pytest.mark.parametrize(
    ("edit", "name"),
    [
        (write_by_hand, "mine/models/plugin/metadata.yaml"),
        (write_by_hand, "weights/brainscore-vision/models/plugin/a.safetensors"),
        (zip_again, "mine.zip"),
    ],
)
def test_what_was_edited_is_named_and_never_deleted(out, edit, name):
    edit(out, name)
    before = snapshot(out.parent)
    with pytest.raises(BadInputError, match=rf"where {name} would be lost.*--metadata"):
        exported(out, "second", replace=True)
    assert snapshot(out.parent) == before


def test_links_in_an_export_are_not_lost(out, tmp_path):
    (tmp_path / "disk").mkdir()
    (out / "data").symlink_to(tmp_path / "disk")
    with pytest.raises(BadInputError, match=r"where data would be lost"):
        exported(out, "second", replace=True)
    assert (out / "data").is_symlink()


def test_what_systems_leave_in_folders_does_not_count(out, tmp_path):
    for name in (".DS_Store", "weights/Thumbs.db"):
        (out / name).touch()
    exported(out, "with data", replace=True)
    exported(out, "second", replace=True)
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".DS_Store").touch()
    exported(tmp_path / "empty")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["empty", "place"]


def test_entered_places_do_not_make_files_foreign_and_broken_ones_are_told(out):
    path = out / "uploads.json"
    content = json.loads(path.read_text())
    content["a.safetensors"] |= {"folder": "brainscore-vision/models/user_1", "version_id": ".x"}
    path.write_text(json.dumps(content))
    with export_folder(out, True) as (part, places):
        assert places["a.safetensors"].version_id == ".x"
        write_export(part, "second")
    path.write_text("{")
    with pytest.raises(BadFileError, match=r"which cannot be read.*Correct it"):
        exported(out, "third", replace=True)
    assert path.read_text() == "{"


@pytest.mark.parametrize("replace", [True, False])
def test_a_folder_that_appears_during_an_export_is_kept(tmp_path, replace):
    out = tmp_path / "out"
    changed = pytest.raises(BadInputError, match=r"where something was changed during the export")
    with changed, export_folder(out, replace) as (part, _):
        write_export(part, "ours")
        (out / "sub").mkdir(parents=True)
        (out / "sub" / "theirs").write_text("theirs")
    assert snapshot(tmp_path) == {"out/sub/theirs": b"theirs"}


def test_edits_during_an_export_are_kept(out):
    changed = pytest.raises(BadInputError, match=r"where something was changed during the export")
    with changed, export_folder(out, True) as (part, _):
        write_export(part, "second")
        (out / "uploads.json").write_text("edited")
    assert (out / "uploads.json").read_text() == "edited"
    assert list(out.parent.iterdir()) == [out]


def test_two_exports_to_one_folder_wait_for_each_other(tmp_path, monkeypatch):
    held = []
    monkeypatch.setattr(folder, "lock", lambda name: held.append(name) or atomic.lock(name))
    exported(tmp_path / "out")
    assert held == [f"export to {tmp_path / 'out'}"]


def test_the_earlier_export_is_in_place_until_the_new_one_is_on_the_disk(out, monkeypatch):
    before, flush, seen = snapshot(out), atomic._flush, []

    def seeing(path):
        seen.append(snapshot(out) == before)
        flush(path)

    monkeypatch.setattr(atomic, "_flush", seeing)
    exported(out, "second", replace=True)
    assert len(seen) > 5
    assert all(seen)


@pytest.mark.parametrize("step", [0, 1])
def test_a_failing_swap_leaves_the_earlier_export(out, monkeypatch, step):
    before, rename, renamed = snapshot(out), os.rename, []

    def failing(source, target):
        if ".part" not in str(source) and len(renamed) <= step:
            renamed.append(target)
            if len(renamed) == step + 1:
                raise PermissionError(13, "no permission")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(PermissionError):
        exported(out, "second", replace=True)
    assert snapshot(out) == before
    assert list(out.parent.iterdir()) == [out]


def killed_before_the_new_one_was_in_place(out):
    out.rename(out.with_name(".out.replaced"))
    shutil.copytree(out.with_name(".out.replaced"), out.with_name(".out.new"))


def killed_before_the_old_one_was_deleted(out):
    shutil.copytree(out, out.with_name(".out.replaced"))


@pytest.mark.parametrize("kill", [killed_before_the_new_one_was_in_place, killed_before_the_old_one_was_deleted])
def test_the_next_export_puts_right_what_a_killed_one_left(out, kill):
    before = snapshot(out)
    kill(out)
    with pytest.raises(BadInputError, match=r"holds an earlier export"):
        exported(out)
    assert snapshot(out) == before
    assert list(out.parent.iterdir()) == [out]
    kill(out)
    assert snapshot(exported(out, "second", replace=True)) != before
    assert list(out.parent.iterdir()) == [out]


def test_the_folder_that_is_meant_is_found_through_parents_and_links(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert resolved(tmp_path / "nothere" / ".." / "other") == tmp_path / "other"
    assert resolved(tmp_path / "link" / "out") == tmp_path / "real" / "out"
    for link, target in [("link", tmp_path / "real"), ("dangling", tmp_path / "gone")]:
        (tmp_path / "dangling").unlink(missing_ok=True)
        (tmp_path / "dangling").symlink_to(tmp_path / "gone")
        with pytest.raises(BadInputError, match=rf"which is a link to {target}"):
            resolved(tmp_path / link)
    with pytest.raises(BadInputError, match=r"root of the file system"):
        resolved("/")


def test_files_in_the_way_and_missing_room_name_the_option(tmp_path, monkeypatch):
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError, match=r"which is no folder"):
        exported(tmp_path / "file", replace=True)
    with pytest.raises(StoreError, match=r"folders can be made in .*file\. .*--out"):
        refuse_unwritable(tmp_path / "file" / "out", 0)
    with pytest.raises(StoreError, match=r"GB of free space for .*out: expected .*--out"):
        refuse_unwritable(tmp_path / "out", 10**18)
    monkeypatch.setattr(atomic, "_flush", lambda _: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(StoreError, match=r"No space left on device.*--out\."):
        exported(tmp_path / "out")
    assert list(tmp_path.iterdir()) == [tmp_path / "file"]
