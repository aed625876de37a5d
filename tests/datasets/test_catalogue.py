import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from faulty_server import serving
from repository_pages import figshare_pages, here, osf_pages, patched_apis

import brainscore_realnet
from brainscore_realnet.datasets.catalogue import DATA_SETS, find
from brainscore_realnet.datasets.catalogue.parts import (
    available_files,
    choose,
    choose_subjects,
    part_rows,
    select_files,
)
from brainscore_realnet.datasets.catalogue.repositories import RemoteFile
from brainscore_realnet.errors import BadInputError, UnknownIdentifierError

DOCUMENTATION = Path(brainscore_realnet.__file__).parents[1] / "docs" / "data.md"
PARTS = [(data_set, part) for data_set in DATA_SETS.values() for part in data_set.parts]
SHEN = DATA_SETS["shen2019"]


def part_of(name, part):
    return next(one for one in find(name).parts if one.name == part)


def remote(*paths):
    return [RemoteFile(path, f"https://example.org/{number}") for number, path in enumerate(paths)]


@pytest.mark.parametrize("data_set", DATA_SETS.values(), ids=DATA_SETS)
def test_every_data_set_says_what_it_is_and_is_documented(data_set):
    told = (data_set.title, data_set.citation, data_set.doi, data_set.licence, data_set.page)
    assert all(told)
    assert re.match(r"10\.\d{4,}/", data_set.doi)
    text = DOCUMENTATION.read_text()
    assert f"## {data_set.name}" in text
    for part in data_set.parts:
        assert f"`{part.name}`" in text
    for fact in (data_set.doi, data_set.page):
        assert fact in text


@pytest.mark.parametrize("data_set", DATA_SETS.values(), ids=DATA_SETS)
def test_every_reader_adds_and_has_a_row_for_what_every_part_brings(data_set, own_store):
    assert callable(data_set.module().add)
    rows = {row["what"]: row["state"] for row in data_set.status(thorough=True)}
    assert set(rows.values()) == {"missing"}
    for part in data_set.parts:
        for subject in data_set.subjects if part.per_subject else [None]:
            # raw EEG is optional, its rows appear once it is registered
            lacking = part_rows(part, subject, None) - rows.keys() - {f"{subject} raw"}
            assert not lacking
    assert (data_set.prepare_options is not None) == hasattr(data_set.module(), "prepare")
    for request in data_set.requests:
        assert request.lacking(rows)


@pytest.mark.parametrize(("data_set", "part"), PARTS, ids=[f"{one.name} {part.name}" for one, part in PARTS])
def test_files_of_known_address_bring_rows_of_their_part_and_their_hashes_are_whole(data_set, part):
    assert part.files or part.listings
    for file in part.files:
        found = [
            one
            for subject in (data_set.subjects if part.per_subject else [None])
            for one in select_files(part, subject, None, [file])
        ]
        assert len(found) == 1
        assert file.url.startswith("https://")
        if file.known_hash:
            algorithm, _, digest = file.known_hash.partition(":")
            assert re.fullmatch(r"[0-9a-f]+", digest)
            assert len(digest) == {"sha256": 64, "sha1": 40, "md5": 32}[algorithm]
    urls = [file.url for file in part.files]
    assert len(set(urls)) == len(urls)


def test_published_numbers_and_md5s_of_shen2019():
    files = {file.path: file for file in part_of("shen2019", "natural").files}
    test = files["sub-02_perceptionNaturalImageTest_original_VC.h5"]
    assert test.url == "https://ndownloader.figshare.com/files/14830697"
    assert test.known_hash == "md5:3767c08b4b138d3114ec69cfaa8274ab"
    training = files["sub-03_perceptionNaturalImageTraining_original_VC.h5"]
    assert (training.url.rpartition("/")[2], training.known_hash) == ("14830862", None)


def test_public_macaque_files_are_those_that_brain_score_registers():
    source = Path(__import__("brainscore_vision").__file__).parent / "data" / "majajhong2015" / "__init__.py"
    registered = source.read_text()
    for file in part_of("macaque-it", "public").files:
        assert file.known_hash.removeprefix("sha1:") in registered
        assert file.url.startswith("https://brainscore-storage.s3.amazonaws.com/brainio-brainscore/")
        assert file.url.endswith("?versionId=null")


@pytest.mark.parametrize(
    ("paths", "chosen"),
    [
        (["sub-01.zip", "sub-02.zip", "notes.txt"], ["sub-01.zip"]),
        (["Preprocessed data/sub-01.zip", "Preprocessed data/sub-11.zip"], ["sub-01.zip"]),
        (
            ["sub-01/preprocessed_eeg_test.npy", "sub-01/preprocessed_eeg_training.npy", "sub-02/x.npy"],
            ["sub-01/preprocessed_eeg_test.npy", "sub-01/preprocessed_eeg_training.npy"],
        ),
        (["sub-01/preprocessed_eeg_test.npy", "sub-01.zip"], ["sub-01.zip"]),
        (["xsub-01.zip", "sub-01.zip.txt", "sub-10.zip"], []),
    ],
)
def test_a_subject_is_taken_as_the_listing_has_it(paths, chosen):
    found = select_files(part_of("things-eeg2", "preprocessed"), "sub-01", None, remote(*paths))
    assert [one.local for one in found] == chosen
    if chosen:
        assert {row for one in found for row in one.rows} == {"sub-01 test", "sub-01 training"}


def test_all_sessions_of_raw_eeg_are_taken():
    paths = [f"sub-02/ses-{n:02d}/raw_eeg_{split}.npy" for n in range(1, 5) for split in ("test", "training")]
    found = select_files(part_of("things-eeg2", "raw"), "sub-02", None, remote(*paths, "sub-03.zip"))
    assert [one.local for one in found] == paths


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        (["sub-01_perceptionArtificialImage_original_VC.h5", "sub-01_perceptionArtificialImage_VC_v2.h5"], 0),
        (["sub-01_ArtificialShapes_fmriprep_volume_native.h5", "sub-01_perceptionArtificialImage_VC_v2.h5"], 1),
        (["sub-01_ArtificialShapes_fmriprep_volume_native.h5", "sub-01_perceptionLetterImage_original_VC.h5"], 0),
    ],
)
def test_the_first_generation_of_shapes_is_preferred(names, chosen):
    found = select_files(part_of("shen2019", "shapes"), "sub-01", None, remote(*names))
    assert [one.local for one in found] == [names[chosen]]
    assert found[0].rows == {"sub-01 shapes": "shapes"}


def test_splits_restrict_what_is_taken():
    files = part_of("shen2019", "natural").files
    found = select_files(part_of("shen2019", "natural"), "sub-01", ("test",), files)
    assert [one.local for one in found] == ["sub-01_perceptionNaturalImageTest_original_VC.h5"]
    assert select_files(part_of("shen2019", "natural"), "sub-01", ("shapes",), files) == []


@pytest.fixture
def server(monkeypatch):
    with serving({}) as running:
        patched_apis(monkeypatch, running.url)
        yield running


def test_known_addresses_get_sizes_and_hashes_that_are_listed(server, tmp_path):
    name = "sub-01_perceptionNaturalImageTraining_original_VC.h5"
    others = {"sub-01_perceptionNaturalImageTest_original_VC.h5": b"new", "sub-09_notes.txt": b""}
    numbers = dict(zip([name, *others], [14830643, 99, 7], strict=True))
    server.pages.update(figshare_pages(7033577, {name: b"content", **others}, server.url, numbers))
    available = available_files(part_of("shen2019", "natural"), tmp_path)
    files = {file.path: file for file in available.files}
    assert available.problem == ""
    assert (files[name].size, files[name].known_hash) == (7, "md5:9a0364b9e99bb480dd25e1f0284c8555")
    assert files[name].url == "https://ndownloader.figshare.com/files/14830643"
    # another version of the file has another number: its size is not this one's
    assert files["sub-01_perceptionNaturalImageTest_original_VC.h5"].size is None
    assert len(files) == len(part_of("shen2019", "natural").files)


def test_known_addresses_serve_without_any_listing(server, tmp_path):
    available = available_files(part_of("shen2019", "natural"), tmp_path)
    assert available.files == part_of("shen2019", "natural").files
    assert "404" in available.problem


def test_the_second_repository_serves_when_the_first_has_nothing(server, tmp_path):
    server.pages.update(figshare_pages(18470912, {"readme.txt": b""}, server.url))
    server.pages.update(osf_pages("crxs4", {"raw/sub-01.zip": b"zip"}, url=server.url))
    files = available_files(part_of("things-eeg2", "raw"), tmp_path).files
    assert [file.path for file in files] == ["raw/sub-01.zip"]


def test_a_known_hash_stands_above_the_listed_one(server, tmp_path):
    server.pages.update(osf_pages("z2784", {"data/spose_embedding_49d_sorted.txt": b"changed"}, url=server.url))
    part = replace(part_of("things-dimensions", "dimensions"), files=())
    (file,) = available_files(part, tmp_path).files
    assert file.known_hash.startswith("sha256:b934fac338b8")


@pytest.mark.parametrize(
    ("wanted", "subjects"),
    [
        (None, None),
        ([1], ("sub-01",)),
        (["1", "03"], ("sub-01", "sub-03")),
        (["3", "1-2", "sub-02"], ("sub-01", "sub-02", "sub-03")),
        (["sub-1", "Subject2"], ("sub-01", "sub-02")),
    ],
)
def test_subjects_are_read_as_users_write_them(wanted, subjects):
    assert choose_subjects(wanted, SHEN) == subjects


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        (["4"], "sub-03"),
        (["1-9"], "sub-04"),
        (["3-1"], "1-3"),
        (["one"], "expected one of sub-01, sub-02, sub-03"),
        (["-1"], "sub-01"),
        ([""], "sub-01"),
    ],
)
def test_subjects_that_are_not_there_are_told(wanted, told):
    with pytest.raises(BadInputError, match=told):
        choose_subjects(wanted, SHEN)


def test_sets_without_subjects_take_none():
    with pytest.raises(BadInputError, match="no subjects"):
        choose_subjects([1], find("things-dimensions"))


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("things-eg2", "did you mean things-eeg2"),
        ("SHEN2019", "did you mean shen2019"),
        ("x", "expected one of things"),
    ],
)
def test_the_nearest_data_sets_are_named(name, told):
    with pytest.raises(UnknownIdentifierError, match=told):
        find(name)


def test_choices_come_in_the_order_of_the_valid_ones():
    assert choose("split", ["test", "training"], ("training", "test"), "it") == ("training", "test")


def test_the_catalogue_is_light(python_command):
    code = (
        "import sys, brainscore_realnet.datasets.catalogue.removal, brainscore_realnet.cli.data\n"
        "heavy = {'torch', 'pandas', 'brainscore_vision', 'h5py', 'pooch', 'scipy', 'xarray', 'mne'}\n"
        "assert not heavy & set(sys.modules), heavy & set(sys.modules)"
    )
    subprocess.run([*python_command, code], check=True)


def test_addresses_on_the_local_server_keep_their_paths():
    assert here("https://osf.io/download/qkgtf/", "http://127.0.0.1:1") == "http://127.0.0.1:1/download/qkgtf/"
