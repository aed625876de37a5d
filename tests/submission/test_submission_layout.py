import json
import zipfile

import pytest

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store import file_hash
from brainscore_realnet.submission.exporting.folder_names import folder_names
from brainscore_realnet.submission.layout import Plugin, Submission, write
from brainscore_realnet.submission.uploads import (
    UPLOADS,
    copy_beside,
    described,
    placed,
    read_uploads,
    write_uploads,
)


def submission_of(n_identifiers, **files):
    lines = [f'model_registry["mine-{number}"] = lambda: None' for number in range(n_identifiers)]
    contents = {"__init__.py": "\n".join(lines).encode(), **{f"{name}.txt": value for name, value in files.items()}}
    data = Plugin("data", "pictures", {"__init__.py": b"", "parts/a.csv": b"1"})
    return Submission("mine", (Plugin("models", "mine", contents), data))


def snapshot(folder):
    return {path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_zip_holds_the_folder_under_one_root_with_entries_of_folders(tmp_path):
    root, archive = write(submission_of(2), tmp_path)
    assert (root, archive) == (tmp_path / "mine", tmp_path / "mine.zip")
    with zipfile.ZipFile(archive) as zipped:
        names = zipped.namelist()
        content = {name.removeprefix("mine/"): zipped.read(name) for name in names if not name.endswith("/")}
        assert {entry.date_time for entry in zipped.infolist()} == {(1980, 1, 1, 0, 0, 0)}
    assert names[0] == "mine/"
    folders = [name for name in names if name.endswith("/")]
    below = ["data/", "data/pictures/", "data/pictures/parts/", "models/", "models/mine/"]
    assert folders == ["mine/", *(f"mine/{folder}" for folder in below)]
    assert content == {path.as_posix(): value for path, value in snapshot(root).items()}


def test_bytes_of_the_zip_follow_from_the_files_alone(tmp_path):
    first = write(submission_of(2), tmp_path / "a")[1].read_bytes()
    assert write(submission_of(2), tmp_path / "b")[1].read_bytes() == first
    assert write(submission_of(3), tmp_path / "b")[1].read_bytes() != first


def test_what_was_there_is_replaced(tmp_path):
    write(submission_of(1, old=b"old"), tmp_path)
    root, archive = write(submission_of(1, new=b"new"), tmp_path)
    assert (root / "models" / "mine" / "new.txt").read_bytes() == b"new"
    assert not (root / "models" / "mine" / "old.txt").exists()
    assert "mine/models/mine/old.txt" not in zipfile.ZipFile(archive).namelist()


@pytest.mark.parametrize(
    ("submission", "told"),
    [
        (submission_of(6), r"Got 6 identifiers in one submission; the website takes 5\. Divide"),
        (submission_of(1, large=bytes(51 * 10**6)), r"Got 51\.0 MB in one submission; the website takes 50 MB"),
    ],
    ids=["identifiers", "bytes"],
)
def test_website_refuses_what_a_pull_request_may_have(tmp_path, submission, told):
    with pytest.raises(BadInputError, match=told):
        write(submission, tmp_path)
    assert not list(tmp_path.iterdir())
    assert write(submission, tmp_path, "pull-request")[1].is_file()


@pytest.fixture
def uploaded(tmp_path):
    """A file, and what an export says of it."""
    path = tmp_path / "made" / "a.safetensors"
    path.parent.mkdir()
    path.write_bytes(b"weights")
    return path, described(path, "weights", "brainscore-vision/models/mine")


def edited(tmp_path, upload, **changes):
    path = write_uploads(tmp_path, [upload])
    content = json.loads(path.read_text())
    content[upload.name] |= changes
    path.write_text(json.dumps(content))
    return path


def test_uploads_lie_where_brain_score_looks_for_them_offline(tmp_path, uploaded):
    path, upload = uploaded
    copied = copy_beside(upload, path, tmp_path / "out")
    assert copied == tmp_path / "out" / "weights" / "brainscore-vision" / "models" / "mine" / "a.safetensors"
    assert copied.read_bytes() == b"weights"
    data = described(path, "data", "brainio-brainscore")
    assert copy_beside(data, path, tmp_path) == tmp_path / "data" / file_hash(path, "sha1") / "a.safetensors"
    assert (upload.bytes, upload.sha1, upload.version_id) == (7, file_hash(path, "sha1"), None)


def test_uploads_are_read_back_as_they_were_written(tmp_path, uploaded):
    upload = uploaded[1]
    assert read_uploads(write_uploads(tmp_path, [upload])) == {"a.safetensors": upload}
    assert placed(upload, {}) is upload


def test_entered_places_are_taken_and_nothing_else(tmp_path, uploaded):
    upload = uploaded[1]
    path = edited(tmp_path, upload, bucket="other", folder="x/y", version_id="7sU_x.", bytes=0, sha1="wrong")
    found = placed(upload, read_uploads(path))
    assert (found.bucket, found.folder, found.version_id) == ("other", "x/y", "7sU_x.")
    assert (found.bytes, found.sha1, found.sha256) == (upload.bytes, upload.sha1, upload.sha256)


def test_places_of_other_bytes_are_refused(tmp_path, uploaded):
    upload = uploaded[1]
    with pytest.raises(BadInputError, match=rf"with sha256 0+ for a\.safetensors, expected {upload.sha256}"):
        placed(upload, read_uploads(edited(tmp_path, upload, sha256="0" * 64)))


@pytest.mark.parametrize(
    "change",
    [
        {"folder": "../elsewhere"},
        {"folder": "/etc"},
        {"folder": ""},
        {"folder": "models//mine"},
        {"bucket": None},
        {"bucket": "two words"},
        {"version_id": ""},
        {"version_id": 3},
    ],
    ids=str,
)
def test_wrong_places_are_refused_with_their_key(tmp_path, uploaded, change):
    (key,) = change
    with pytest.raises(BadFileError, match=rf"for {key} of a\.safetensors .*expected the text"):
        read_uploads(edited(tmp_path, uploaded[1], **change))


@pytest.mark.parametrize("content", ["[]", '{"a": 1}', '{"a": {"kind": "weights"}}', "{"])
def test_files_that_are_no_uploads_are_refused(tmp_path, content):
    (tmp_path / UPLOADS).write_text(content)
    with pytest.raises(BadFileError, match=r"Got .*expected"):
        read_uploads(tmp_path / UPLOADS)
    with pytest.raises(MissingDataError):
        read_uploads(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        ({"cornet_s": ["realnet-eeg-sub01"]}, ["realnet_eeg_sub01"]),
        ({"cornet_s": ["realnet-eeg-sub01", "realnet-eeg-sub02"]}, ["realnet_eeg"]),
        ({"cornet_s": ["mine.1", "yours"]}, ["cornet_s_realnet"]),  # Brain-Score has cornet_s
        ({"cornet_s": ["2024"], "timm:test_vit": ["class"]}, ["model_2024", "model_class"]),
        ({"cornet_s": ["a-1", "a-2"], "resnet_101": ["a-3", "a-4"]}, ["a", "a_realnet"]),
        ({"cornet_s": ["_hidden"]}, ["hidden"]),
    ],
)
def test_folders_are_named_after_their_models_and_unlike_brain_scores(groups, names):
    assert list(folder_names(groups).values()) == names
