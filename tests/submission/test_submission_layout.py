import json
import re
import zipfile
from pathlib import Path

import brainscore_vision
import pytest

from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store import file_hash
from brainscore_realnet.submission.exporting.folder_names import folder_names
from brainscore_realnet.submission.layout import Plugin, Submission, read_back, write
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
    assert write(submission_of(3), tmp_path / "c")[1].read_bytes() != first


def test_what_is_there_is_not_replaced(tmp_path):
    write(submission_of(1, old=b"old"), tmp_path)
    before = snapshot(tmp_path)
    with pytest.raises(BadInputError, match=r"mine, which is there already"):
        write(submission_of(1, new=b"new"), tmp_path)
    assert snapshot(tmp_path) == before


def test_zips_are_read_back_unless_they_were_made_by_hand(tmp_path):
    archive = write(submission_of(2), tmp_path)[1]
    assert read_back(archive) == {f"mine/{path}": content for path, content in submission_of(2).files.items()}
    with zipfile.ZipFile(tmp_path / "hand.zip", "w") as zipped:
        zipped.writestr("mine/models/mine/__init__.py", "")
    with pytest.raises(BadInputError, match=r"zipped by hand"):
        read_back(tmp_path / "hand.zip")
    (tmp_path / "none.zip").write_bytes(b"none")
    with pytest.raises(BadInputError, match=r"which is no zip"):
        read_back(tmp_path / "none.zip")


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
    path = edited(tmp_path, upload, bucket="other", folder="x/y", version_id="7sU_x.", bytes=0, sha1="0" * 40)
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
        {"version_id": "two words"},
        {"kind": "video"},
        {"kind": ["weights"]},
        {"bytes": "7"},
        {"bytes": True},
        {"sha1": "1"},
        {"sha256": None},
    ],
    ids=str,
)
def test_wrong_places_are_refused_with_their_key(tmp_path, uploaded, change):
    (key,) = change
    with pytest.raises(BadFileError, match=rf"for {key} of a\.safetensors .*expected .*Correct it"):
        read_uploads(edited(tmp_path, uploaded[1], **change))


def places_of_the_library():
    """Folders and versions of weights that stand in Brain-Score's models, one of each form."""
    found = {}
    for path in Path(brainscore_vision.__file__).parent.glob("models/*/model.py"):
        text = path.read_text(encoding="utf-8", errors="replace")
        for key, value in re.findall(r"""(folder_name|version_id)=["']([^"']+)["']""", text):
            form = re.sub(r"[0-9]+", "0", re.sub(r"[A-Za-z]+", "a", value)) if key == "folder_name" else value[:2]
            found.setdefault((key.removesuffix("_name"), form), value)
    return [(key, value) for (key, _), value in sorted(found.items())]


def test_places_that_brain_score_gives_are_taken(tmp_path, uploaded):
    places = places_of_the_library()
    assert ("folder", "brainscore-vision/models/user_672/") in places
    for key, value in [*places, ("version_id", ".hWjA5kCrxTbX.0b4s56ABGtk5aVbBm.")]:
        (found,) = read_uploads(edited(tmp_path, uploaded[1], **{key: value})).values()
        assert getattr(found, key) == value.rstrip("/")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("[]", r"Got a list in .*expected an entry for each file"),
        ("{}", r"Got no entry in .*expected an entry for each file"),
        ('{"a": 1}', r"Got int for a in .*expected the keys bucket, "),
        ('{"a": {"kind": "weights"}}', r"Got kind for a in .*expected the keys bucket, "),
        ('{"a": 1, "a": 1}', r"a stands in it twice"),
        ("{", r"which cannot be read .*expected JSON"),
    ],
)
def test_files_that_are_no_uploads_are_to_be_corrected(tmp_path, content, told):
    (tmp_path / UPLOADS).write_text(content)
    with pytest.raises(BadFileError, match=rf"{told}.*Correct it"):
        read_uploads(tmp_path / UPLOADS)
    with pytest.raises(BadFileError, match=rf"Got the folder .* Give {tmp_path / UPLOADS}"):
        read_uploads(tmp_path)
    with pytest.raises(MissingDataError):
        read_uploads(tmp_path / "none.json")


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        ({"cornet_s": ["realnet-eeg-sub01"]}, ["realnet_eeg_sub01"]),
        ({"cornet_s": ["realnet-eeg-sub01", "realnet-eeg-sub02"]}, ["realnet_eeg_sub01_sub02"]),
        ({"cornet_s": ["mine.1", "yours"]}, ["mine_1_yours"]),
        ({"cornet_s": ["cornet-s"]}, ["cornet_s_realnet"]),  # Brain-Score has cornet_s
        ({"cornet_s": ["2024"], "timm:test_vit": ["class"]}, ["model_2024", "model_class"]),
        ({"cornet_s": ["a-1", "a-2"], "resnet_101": ["a-3", "a-4"]}, ["a_1_2", "a_3_4"]),
        ({"cornet_s": ["_hidden"]}, ["hidden"]),
    ],
)
def test_folders_are_named_after_their_models_and_unlike_brain_scores(groups, names):
    assert list(folder_names(groups).values()) == names
