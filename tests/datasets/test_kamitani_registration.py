import dataclasses
import json
import os
import subprocess
import sys

import h5py
import numpy as np
import pytest
from kamitani_files import (
    HORIKAWA,
    SHEN,
    VOXELS,
    image_table,
    presentation,
    write_fmriprep,
    write_horikawa,
    write_images,
    write_original,
    write_v2,
)

from brainscore_realnet.datasets import kamitani
from brainscore_realnet.datasets.kamitani import images, recordings, registration
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store import sha256_file, sha256_files

_, IDS, NAMES = image_table("test")
TEST_FILES = [
    "sub-01_perceptionNaturalImageTest_original_VC.h5",
    "sub-02_perceptionNaturalImageTest_VC_v2.h5",
    "sub-03_ImageNetTest_fmriprep_volume_native.h5",
]
SHAPES = [f"colorExpStim{number:02d}_red_square" for number in range(1, 13)]
LETTERS = ["A", "C", "E", "I"]


@pytest.fixture
def truth(tmp_path):
    """Write a download with a subject of each release; give which stimuli were shown and the responses."""
    folder = tmp_path / "shen"
    shown = {number: presentation(6, 3, number) for number in (1, 2, 3)}
    values = {
        1: write_original(folder / TEST_FILES[0], IDS, shown[1], seed=1),
        2: write_v2(folder / "fmri" / TEST_FILES[1], IDS, shown[2], (2, 1, 0), seed=2),
        3: write_fmriprep(folder / "fmri" / TEST_FILES[2], NAMES[:6], shown[3], seed=3),
    }
    write_original(
        folder / "sub-01_perceptionArtificialImage_original_VC.h5", np.arange(1.0, 13), presentation(12, 2, 4)
    )
    write_fmriprep(folder / "sub-03_ArtificialShapes_fmriprep_volume_native.h5", SHAPES, presentation(12, 2, 5))
    write_original(folder / "sub-01_perceptionLetterImage_original_VC.h5", np.arange(1.0, 5), presentation(4, 2, 6))
    write_images(folder / "images" / "test", NAMES[:6])
    write_images(folder / "ArtificialShapes" / "ArtificialImage", SHAPES, ".tiff")
    write_images(folder / "Letters", LETTERS, ".tif")
    return folder, shown, values


@pytest.fixture
def shen(truth):
    kamitani.add(truth[0], SHEN, progress=False)
    return truth[0]


def card(store_home, subject="sub-01", split="test", name=SHEN):
    return store_home / "data" / name / f"{subject}_{split}.json"


def test_a_download_is_registered_once_and_then_kept(truth):
    folder, _, _ = truth
    summary = kamitani.add(folder, SHEN, progress=False)
    first = [f"sub-01 {split}" for split in ("letters", "shapes", "test")]
    assert summary["converted"] == [*first, "sub-02 test", "sub-03 shapes", "sub-03 test"]
    assert summary["kept"] == summary["notes"] == []
    assert (summary["name"], summary["folder"]) == (SHEN, str(folder))
    assert summary["images"].keys() == {"test", "shapes", "letters"}
    again = kamitani.add(folder, SHEN, progress=False)
    assert (again["kept"], again["converted"]) == (summary["converted"], [])
    assert again["images"] == summary["images"]


def test_what_was_kept_is_not_read_again(shen, monkeypatch):
    for module, function in ((registration, "sha256_file"), (registration, "read_columns"), (images, "sha256_files")):
        monkeypatch.setattr(module, function, lambda *arguments: pytest.fail("read"))
    assert len(kamitani.add(shen, SHEN, progress=False)["kept"]) == 6


def test_responses_are_those_of_the_file_in_the_order_of_names_and_of_presentation(truth, shen):
    _, shown, values = truth
    for number, generation in ((1, "original"), (2, "v2"), (3, "fmriprep")):
        recording = kamitani.open_subject(f"sub-{number:02d}", "test", SHEN)
        assert recording.stimuli == tuple(sorted(NAMES[:6]))
        assert (recording.n_repetitions, recording.generation) == (3, generation)
        assert recording.rois == ("V1", "V2", "V3", "V4", "LOC", "VC")
        for roi in recording.rois:
            responses = recording.responses(roi)
            assert responses.shape == (6, 3, recording.n_voxels(roi))
            for index, name in enumerate(recording.stimuli):
                rows = np.flatnonzero(shown[number] == NAMES.index(name))
                np.testing.assert_array_equal(responses[index], values[number][roi][rows])


def test_coordinates_are_those_of_the_responses_voxels(truth, shen):
    recording = kamitani.open_subject("sub-01", "test", SHEN)
    whole = kamitani.open_subject("sub-01", "test", SHEN).responses("VC")
    everywhere = recording.voxel_coordinates("VC")
    np.testing.assert_array_equal(everywhere, np.arange(whole.shape[2])[:, None] * 3.0 + np.arange(3))
    places = recording.voxel_coordinates("V4")
    assert places.shape == (VOXELS["V4"], 3)
    np.testing.assert_array_equal(recording.responses("V4"), whole[..., (places[:, 0] / 3).astype(int)])


@pytest.mark.parametrize("broken", ["absent", "nan"])
def test_coordinates_that_are_not_told_are_none(truth, broken):
    folder, _, _ = truth
    with h5py.File(folder / TEST_FILES[0], "r+") as file:
        row = [key.decode() for key in file["metadata/key"][()]].index("voxel_y")
        if broken == "nan":
            values = file["metadata/value"][()]
            values[row, 0] = np.nan
            file["metadata/value"][...] = values
        else:
            keys = file["metadata/key"][()]
            keys[row] = b"y"
            file["metadata/key"][...] = keys
    kamitani.add(folder, SHEN, progress=False)
    assert kamitani.open_subject("sub-01", "test", SHEN).voxel_coordinates("VC") is None


def test_a_recording_is_opened_without_the_file_being_read(shen, monkeypatch):
    monkeypatch.setattr(recordings, "open_bdata", lambda path: pytest.fail("opened"))
    monkeypatch.setattr(recordings, "sha256_file", lambda path: pytest.fail("hashed"))
    recording = kamitani.open_subject("sub-01", "test", SHEN)
    with pytest.raises(dataclasses.FrozenInstanceError):
        recording.split = "training"


def test_the_hash_tells_splits_of_one_file_apart_and_follows_the_content(tmp_path):
    write_horikawa(tmp_path / "Subject1.h5", seed=1)
    kamitani.add(tmp_path, HORIKAWA, progress=False)
    before = [kamitani.open_subject("sub-01", split, HORIKAWA).sha256 for split in ("training", "test", "imagery")]
    assert len(set(before)) == 3
    write_horikawa(tmp_path / "Subject1.h5", seed=2)
    assert kamitani.add(tmp_path, HORIKAWA, progress=False)["converted"] == [
        f"sub-01 {split}" for split in ("training", "test", "imagery")
    ]
    after = [kamitani.open_subject("sub-01", split, HORIKAWA).sha256 for split in ("training", "test", "imagery")]
    assert not set(before) & set(after)


def test_horikawa_has_its_regions_and_its_imagery_has_no_images(tmp_path):
    (_, (_, test, _)) = write_horikawa(tmp_path / "Subject5.h5")
    write_images(tmp_path, image_table("training")[2][:6] + NAMES[:4], ".jpg")
    summary = kamitani.add(tmp_path, HORIKAWA, progress=False)
    recording = kamitani.open_subject("sub-05", "test", HORIKAWA)
    assert recording.rois == ("V1", "V2", "V3", "V4", "LOC", "FFA", "PPA", "VC")
    assert recording.generation == "horikawa2017"
    assert recording.responses("FFA").shape == (4, len(test) // 4, 3)
    assert summary["images"].keys() == {"training", "test"}
    assert kamitani.open_subject("sub-05", "imagery", HORIKAWA).stimuli[0] == "n01443537"
    with pytest.raises(BadInputError, match=r"'imagery'.* no images: expected one of training, test"):
        kamitani.open_images("imagery", HORIKAWA)


def test_the_same_bytes_elsewhere_are_recognised_by_their_hash(shen, tmp_path, monkeypatch):
    os.rename(shen, tmp_path / "moved")
    with pytest.raises(
        MissingDataError, match=r"if it was moved: .*kamitani\.add\(FOLDER, name='sim-shen2019-tests'\)"
    ):
        kamitani.open_subject("sub-01", "test", SHEN)
    monkeypatch.setattr(registration, "read_columns", lambda *arguments: pytest.fail("read"))
    summary = kamitani.add(tmp_path / "moved", SHEN, progress=False)
    assert len(summary["kept"]) == 6
    assert kamitani.open_subject("sub-01", "test", SHEN).path.parent == tmp_path / "moved"
    assert kamitani.open_images("test", SHEN).rows[0]["path"].startswith(str(tmp_path / "moved"))


def test_the_first_release_is_preferred_and_the_summary_says_so(truth):
    folder, shown, _ = truth
    write_v2(folder / "sub-01_perceptionNaturalImageTest_VC_v2.h5", IDS, shown[1])
    write_fmriprep(folder / "sub-02_ImageNetTest_fmriprep_volume_native.h5", NAMES[:6], shown[2])
    summary = kamitani.add(folder, SHEN, progress=False)
    assert kamitani.open_subject("sub-01", "test", SHEN).generation == "original"
    assert kamitani.open_subject("sub-02", "test", SHEN).generation == "v2"
    assert len(summary["notes"]) == 2
    assert "sub-01_perceptionNaturalImageTest_VC_v2.h5 (v2) was left aside" in summary["notes"][0]
    assert "sub-02_ImageNetTest_fmriprep_volume_native.h5 (fmriprep) was left aside" in summary["notes"][1]


def test_a_union_of_regions_and_regions_that_are_not_there_are_told(tmp_path):
    rois = {roi: size for roi, size in VOXELS.items() if roi != "LOC"}
    write_original(tmp_path / TEST_FILES[0], IDS, presentation(4, 2, 1), rois=rois, marked_vc=False)
    summary = kamitani.add(tmp_path, SHEN, progress=False)
    assert summary["notes"] == [f"{tmp_path / TEST_FILES[0]} has no ROI_VC: VC is the union of its regions"]
    assert f"LOC of sub-01 test: {tmp_path / TEST_FILES[0]} does not have them" in summary["absent"]


def test_the_summary_lists_what_is_absent(truth):
    folder, _, _ = truth
    next(folder.rglob(f"{NAMES[2]}.JPEG")).unlink()
    absent = kamitani.add(folder, SHEN, progress=False)["absent"]
    assert [line for line in absent if line.startswith("letters data of")] == [
        f"letters data of {subject} (from {kamitani.DATA_SETS['shen2019'].page})" for subject in ("sub-02", "sub-03")
    ]
    (images_line,) = [line for line in absent if "images" in line]
    assert images_line.startswith(f"1 of 6 test images are missing: {NAMES[2]} (.JPEG)")
    assert "https://forms.gle/ujvA34948Xg49jdn9" in images_line
    assert "https://image-net.org/download" in images_line


def test_images_open_in_the_order_of_the_stimuli(shen):
    table = kamitani.open_images("test", SHEN)
    assert [row["stimulus_id"] for row in table.rows] == sorted(NAMES[:6])
    assert table.rows[0] == {
        "stimulus_id": sorted(NAMES[:6])[0],
        "filename": f"{sorted(NAMES[:6])[0]}.JPEG",
        "kind": "natural",
        "synset": sorted(NAMES[:6])[0][:9],
        "path": str(shen / "images" / "test" / f"{sorted(NAMES[:6])[0]}.JPEG"),
    }
    assert table.sha256 == sha256_files([row["path"] for row in table.rows])
    assert kamitani.has_images("test", SHEN)
    assert not kamitani.has_images("training", SHEN)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".JPG", ".tif"])
def test_natural_images_are_found_by_name_whatever_their_suffix(truth, suffix):
    folder, _, _ = truth
    for path in (folder / "images" / "test").iterdir():
        path.rename(path.with_suffix(suffix))
    kamitani.add(folder, SHEN, progress=False)
    assert kamitani.open_images("test", SHEN).rows[0]["filename"].endswith(suffix)


def test_shapes_and_letters_are_the_sorted_files_of_their_folder(shen):
    rows = kamitani.open_images("shapes", SHEN).rows
    assert [(row["stimulus_id"], row["filename"]) for row in rows] == [
        (f"shape_{number:02d}", f"{name}.tiff") for number, name in enumerate(SHAPES, 1)
    ]
    rows = kamitani.open_images("letters", SHEN).rows
    assert [(row["stimulus_id"], row["filename"]) for row in rows] == [
        (f"letter_{number:02d}", f"{name}.tif") for number, name in enumerate(LETTERS, 1)
    ]


def test_numbers_in_names_are_sorted_as_numbers(truth):
    folder, _, _ = truth
    for number, path in enumerate(sorted((folder / "ArtificialShapes").rglob("*.tiff")), 1):
        path.rename(path.with_name(f"stimulus{number}.tiff"))
    kamitani.add(folder, SHEN, progress=False)
    files = [row["filename"] for row in kamitani.open_images("shapes", SHEN).rows]
    assert files == [f"stimulus{number}.tiff" for number in range(1, 13)]


def test_a_published_table_of_names_and_indices_comes_before_the_sorted_order(truth):
    folder, _, _ = truth
    (folder / "stimulus_LetterImage.tsv").write_text("".join(f"{name}\t{4 - n}\n" for n, name in enumerate(LETTERS)))
    kamitani.add(folder, SHEN, progress=False)
    files = [row["filename"] for row in kamitani.open_images("letters", SHEN).rows]
    assert files == [f"{name}.tif" for name in reversed(LETTERS)]


def test_a_picture_more_beside_published_names_does_not_matter(truth):
    folder, _, _ = truth
    write_images(folder / "ArtificialShapes" / "ArtificialImage", ["another"], ".tiff")
    kamitani.add(folder, SHEN, progress=False)
    assert [row["filename"] for row in kamitani.open_images("shapes", SHEN).rows] == [f"{name}.tiff" for name in SHAPES]


def test_shapes_of_another_number_are_not_taken(truth):
    folder, _, _ = truth
    for number, path in enumerate((folder / "ArtificialShapes").rglob("*.tiff")):
        path.rename(path.with_name(f"picture{number}.tiff"))
    write_images(folder / "ArtificialShapes" / "ArtificialImage", ["one_more"], ".tiff")
    absent = kamitani.add(folder, SHEN, progress=False)["absent"]
    (line,) = [line for line in absent if line.startswith("12 of 12 shapes are missing")]
    assert "has 13 images, which are not the 12" in line
    with pytest.raises(MissingDataError, match=r"Got 0 of 12 shapes images .*shape_01, shape_02"):
        kamitani.open_images("shapes", SHEN)


def test_images_from_several_folders_add_up(truth, tmp_path):
    folder, _, _ = truth
    moved = tmp_path / "elsewhere" / f"{NAMES[0]}.JPEG"
    moved.parent.mkdir()
    next(folder.rglob(moved.name)).rename(moved)
    assert "test" not in kamitani.add(folder, SHEN, progress=False)["images"]
    with pytest.raises(MissingDataError, match=rf"Got 5 of 6 test images .* missing: {NAMES[0]} "):
        kamitani.open_images("test", SHEN)
    assert "test" in kamitani.add(moved.parent, SHEN, progress=False)["images"]
    assert {os.path.dirname(row["path"]) for row in kamitani.open_images("test", SHEN).rows} == {
        str(moved.parent),
        str(folder / "images" / "test"),
    }


def test_images_that_are_not_registered_or_gone_are_named_with_the_pages(shen):
    pages = r".*forms\.gle/ujvA34948Xg49jdn9.*image-net\.org/download"
    next(shen.rglob(f"{NAMES[3]}.JPEG")).unlink()
    with pytest.raises(MissingDataError, match=rf"{NAMES[3]} \(\.JPEG\){pages}"):
        kamitani.open_images("test", SHEN)
    with pytest.raises(MissingDataError, match="Got no training data"):
        kamitani.open_images("training", SHEN)


def test_changed_images_have_another_hash_and_say_so(shen, caplog, monkeypatch):
    before = kamitani.open_images("test", SHEN).sha256
    next(shen.rglob(f"{NAMES[3]}.JPEG")).write_bytes(b"another picture")
    after = kamitani.open_images("test", SHEN).sha256
    assert after != before
    assert "not those that were registered" in caplog.text
    monkeypatch.setattr(images, "sha256_files", lambda paths: pytest.fail("hashed"))
    assert kamitani.open_images("test", SHEN).sha256 == after


def test_a_touched_file_is_hashed_once_and_a_changed_one_is_refused(shen, store_home, monkeypatch):
    file = shen / TEST_FILES[0]
    os.utime(file, ns=(5, 5))
    kamitani.open_subject("sub-01", "test", SHEN)
    assert json.loads(card(store_home).read_text())["mtime_ns"] == 5
    write_original(file, IDS, presentation(6, 3, 1), seed=99)
    with pytest.raises(BadFileError, match=rf"{file.name} .*changed since it was registered\. Run again: "):
        kamitani.open_subject("sub-01", "test", SHEN)
    kamitani.add(shen, SHEN, progress=False)
    kamitani.open_subject("sub-01", "test", SHEN)


def test_a_change_that_leaves_size_and_time_is_seen_when_thorough(shen):
    file = shen / TEST_FILES[0]
    stat = file.stat()
    with h5py.File(file, "r+") as opened:
        opened["dataset"][0, 0] += 1
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert file.stat().st_size == stat.st_size
    states = {row["what"]: row["state"] for row in kamitani.status(SHEN)}
    assert states["sub-01 test"] == "ready"
    states = {row["what"]: row["state"] for row in kamitani.status(SHEN, thorough=True)}
    assert (states["sub-01 test"], states["sub-02 test"]) == ("broken", "ready")


def test_the_card_tells_what_was_registered(shen, store_home):
    content = json.loads(card(store_home).read_text())
    file = shen / TEST_FILES[0]
    assert content["path"] == str(file)
    assert content["file_sha256"] == sha256_file(file)
    assert content["bytes"] == file.stat().st_size
    assert (content["generation"], content["n_repetitions"]) == ("original", 3)
    assert content["n_voxels"] == VOXELS | {"VC": sum(VOXELS.values())}


@pytest.mark.parametrize("text", ["[]", "{}", '{"format_version": 1}', "{"])
def test_a_broken_card_is_a_bad_file_and_registering_mends_it(shen, store_home, text):
    card(store_home).write_text(text)
    with pytest.raises(BadFileError, match=r"sub-01_test\.json"):
        kamitani.open_subject("sub-01", "test", SHEN)
    assert kamitani.add(shen, SHEN, progress=False)["converted"] == ["sub-01 test"]


@pytest.mark.parametrize("text", ["[]", '{"format_version": 1, "splits": {"test": {}}}', "{"])
def test_a_broken_image_record_is_a_bad_file(shen, store_home, text):
    (store_home / "data" / SHEN / "images.json").write_text(text)
    with pytest.raises(BadFileError, match=r"images\.json"):
        kamitani.open_images("test", SHEN)


def test_a_value_that_is_not_finite_is_refused_at_registration_with_its_place(truth, store_home):
    folder, _, _ = truth
    with h5py.File(folder / TEST_FILES[0], "r+") as file:
        file["dataset"][5, 2] = np.nan
    with pytest.raises(BadFileError, match=rf"Got 1 NaN .*{TEST_FILES[0]}.* sample 5, column 2 "):
        kamitani.add(folder, SHEN, progress=False)
    assert not card(store_home).exists()
    assert card(store_home, split="letters").exists()


def test_a_file_that_is_no_bdata_is_refused_by_name(truth):
    folder, _, _ = truth
    (folder / TEST_FILES[0]).write_bytes(b"<html>Error 503</html>")
    with pytest.raises(BadFileError, match=rf"{TEST_FILES[0]} .*a web page"):
        kamitani.add(folder, SHEN, progress=False)


def test_a_folder_without_any_part_is_told_what_is_expected(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing")
    with pytest.raises(
        MissingDataError, match=r"sub-01_perceptionNaturalImageTest_original_VC\.h5 from https://figshare"
    ):
        kamitani.add(tmp_path, SHEN, progress=False)
    with pytest.raises(MissingDataError, match="expected the folder of a download of Horikawa2017"):
        kamitani.add(tmp_path / "no", HORIKAWA, progress=False)


@pytest.mark.parametrize("name", ["shen2019", "horikawa2017"])
def test_a_simulated_folder_is_only_taken_under_a_simulated_name(truth, name):
    folder, _, _ = truth
    (folder / "SIMULATED.json").write_text("{}")
    with pytest.raises(BadInputError, match=r"simulated.*begin with 'sim-'"):
        kamitani.add(folder, name, progress=False)
    kamitani.add(folder, SHEN, progress=False)


def test_a_simulated_folder_below_the_one_given_is_noticed(truth):
    folder, _, _ = truth
    (folder / "fmri" / "SIMULATED.json").write_text("{}")
    with pytest.raises(BadInputError, match=r"fmri, whose SIMULATED\.json says"):
        kamitani.add(folder.parent, "shen2019", progress=False)


def test_images_alone_are_refused_until_responses_tell_which_are_theirs(truth, tmp_path):
    write_images(tmp_path / "alone", NAMES[:6])
    with pytest.raises(MissingDataError, match="holds images and no responses"):
        kamitani.add(tmp_path / "alone", SHEN, progress=False)
    kamitani.add(truth[0], SHEN, progress=False)
    assert "test" in kamitani.add(tmp_path / "alone", SHEN, progress=False)["images"]


def test_subjects_are_those_registered_for_the_split(shen):
    assert kamitani.subjects("test", SHEN) == ["sub-01", "sub-02", "sub-03"]
    assert kamitani.subjects("shapes", SHEN) == ["sub-01", "sub-03"]
    assert kamitani.subjects("training", SHEN) == []


@pytest.mark.parametrize(
    ("subject", "split", "name"),
    [("01", "test", SHEN), ("sub-01", "imagery", SHEN), ("sub-01", "test", "things-eeg2"), ("sub-1/..", "test", SHEN)],
)
def test_malformed_names_are_refused(subject, split, name):
    with pytest.raises(BadInputError, match="Got"):
        kamitani.open_subject(subject, split, name)


def test_what_is_not_registered_is_told_with_pages_and_command():
    with pytest.raises(MissingDataError) as caught:
        kamitani.open_subject("sub-02", "test", "shen2019")
    for text in ("figshare.com", "https://forms.gle/ujvA34948Xg49jdn9", "brainscore data add shen2019 FOLDER"):
        assert text in str(caught.value)


def test_status_tells_ready_missing_and_broken_apart(shen):
    (shen / TEST_FILES[0]).write_bytes(b"other")
    (shen / "fmri" / TEST_FILES[1]).unlink()
    rows = {row["what"]: row for row in kamitani.status(SHEN)}
    assert rows["sub-01 test"]["state"] == "broken"
    assert rows["sub-02 test"]["state"] == "missing"
    assert (rows["sub-03 test"]["state"], rows["sub-03 test"]["how"]) == ("ready", "")
    assert rows["sub-03 test"]["detail"].startswith("6 stimuli × 3, voxels: V1 5, V2 4, V3 3, V4 4, LOC 6, VC 22")
    assert (rows["test images"]["state"], rows["training images"]["state"]) == ("ready", "missing")


def test_status_of_an_empty_store_is_all_missing(store_home):
    rows = kamitani.status("shen2019")
    assert {row["state"] for row in rows} == {"missing"}
    assert len(rows) == 4 + 4 * 3
    assert len(kamitani.status("horikawa2017")) == 2 + 3 * 5
    assert not store_home.exists()


def test_require_lists_everything_missing_at_once(shen):
    kamitani.require(["sub-01", "sub-02"], "test", SHEN)
    next(shen.rglob(f"{NAMES[3]}.JPEG")).unlink()
    with pytest.raises(MissingDataError) as caught:
        kamitani.require(["sub-01", "sub-02", "sub-07"], "test", SHEN)
    for text in ("test images (missing", NAMES[3], "sub-07 test (missing"):
        assert text in str(caught.value)
    assert "sub-01" not in str(caught.value)


def test_reading_a_region_that_a_file_lacks_names_the_file(truth):
    folder, shown, _ = truth
    rois = {roi: size for roi, size in VOXELS.items() if roi != "V4"}
    write_v2(folder / "fmri" / TEST_FILES[1], IDS, shown[2], rois=rois)
    kamitani.add(folder, SHEN, progress=False)
    kamitani.require(["sub-01", "sub-02"], "test", SHEN)
    with pytest.raises(BadFileError, match=rf"no region V4 of sub-02 \(test\) in .*{TEST_FILES[1]}"):
        kamitani.open_subject("sub-02", "test", SHEN).responses("V4")
    with pytest.raises(BadInputError, match="'V7'"):
        kamitani.open_subject("sub-02", "test", SHEN).responses("V7")


def test_subjects_with_other_stimuli_are_refused_with_both_files(truth):
    folder, _, _ = truth
    write_v2(folder / "fmri" / TEST_FILES[1], IDS, presentation(5, 3, 2))
    with pytest.raises(BadFileError, match=rf"{TEST_FILES[0]} .*{TEST_FILES[1]} .*only one has {NAMES[5]}"):
        kamitani.add(folder, SHEN, progress=False)
    with pytest.raises(BadFileError, match=f"only one has {NAMES[5]}"):
        kamitani.same_stimuli("test", SHEN)


def test_importing_the_reader_is_light(python_command):
    code = (
        "import sys; from brainscore_realnet.datasets import kamitani; "
        "print([name for name in ('h5py', 'pandas', 'scipy', 'sklearn', 'torch', 'xarray') if name in sys.modules])"
    )
    answer = subprocess.run([*python_command, code], capture_output=True, text=True, check=True)
    assert (answer.stdout.strip(), sys.executable) == ("[]", python_command[0])
