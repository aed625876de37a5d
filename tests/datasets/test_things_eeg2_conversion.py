import errno
import json
import os
import subprocess
import sys

import numpy as np
import pytest
from things_eeg2_downloads import responses, write_metadata, write_responses

from brainscore_realnet.datasets import things_eeg2
from brainscore_realnet.datasets.things_eeg2 import CHANNELS, conversion
from brainscore_realnet.errors import BadFileError, MissingDataError, StoreError
from brainscore_realnet.store import atomic, sha256_array, sha256_file, sha256_files

ALL = ["sub-01 test", "sub-01 training", "sub-02 test", "sub-02 training"]


@pytest.fixture
def converted(store_home):
    return store_home / "data" / "things-eeg2"


def add(folder, **options):
    return things_eeg2.add(folder, progress=False, **options)


def assert_complete(folder):
    """Every recording opens with the values that were downloaded, and nothing half-written lies about."""
    for number in (1, 2):
        recording = things_eeg2.open_subject(f"sub-{number:02d}", "test")
        np.testing.assert_array_equal(recording.data, responses(number))
        recording = things_eeg2.open_subject(f"sub-{number:02d}", "training")
        np.testing.assert_array_equal(recording.data, responses(10 + number, images=5, repetitions=2))
    assert len(list(folder.glob("*.npy"))) == 4
    assert [path.name for path in folder.iterdir() if path.suffix == ".part"] == []


def test_a_download_is_converted_once_and_then_kept(download, converted):
    summary = add(download)
    assert summary["converted"] == ALL
    assert summary["kept"] == []
    assert_complete(converted)
    before = {path: path.stat().st_mtime_ns for path in converted.glob("*.npy")}
    summary = add(download)
    assert summary["converted"] == []
    assert summary["kept"] == ALL
    assert {path: path.stat().st_mtime_ns for path in converted.glob("*.npy")} == before


def test_a_kept_recording_is_not_even_read(download, monkeypatch):
    add(download)
    monkeypatch.setattr(conversion, "read_preprocessed", lambda *arguments: pytest.fail("read"))
    monkeypatch.setattr(conversion, "sha256_file", lambda path: pytest.fail("hashed"))
    assert add(download)["kept"] == ALL


def test_the_same_bytes_elsewhere_are_recognised_by_their_hash(download, tmp_path, monkeypatch):
    add(download)
    os.rename(download, tmp_path / "moved")
    for path in (tmp_path / "moved").rglob("*.npy"):
        os.utime(path, ns=(1, 1))
    monkeypatch.setattr(conversion, "read_preprocessed", lambda *arguments: pytest.fail("read"))
    assert add(tmp_path / "moved")["kept"] == ALL
    monkeypatch.setattr(conversion, "sha256_file", lambda path: pytest.fail("hashed"))
    assert add(tmp_path / "moved")["kept"] == ALL


def test_the_card_tells_what_was_converted_from_what(download, converted):
    add(download)
    card = json.loads((converted / "sub-01_test.json").read_text())
    source = download / "sub-01" / "preprocessed_eeg_test.npy"
    file = converted / card["file"]
    assert card["sha256"] == sha256_array(responses(1))
    assert card["file"] == f"sub-01_test-{card['sha256'][:16]}.npy"
    assert (card["bytes"], card["mtime_ns"]) == (file.stat().st_size, file.stat().st_mtime_ns)
    assert (card["shape"], card["dtype"], card["format_version"]) == ([4, 3, 17, 6], "float64", 1)
    assert card["dims"] == ["image", "repetition", "channel", "time"]
    assert card["ch_names"] == list(CHANNELS)
    assert card["times"] == [-0.2, -0.19, -0.18, -0.17, -0.16, -0.15]
    assert card["source"]["path"] == str(source)
    assert card["source"]["bytes"] == source.stat().st_size
    assert card["source"]["sha256"] == sha256_file(source)


def test_converted_files_are_plain_arrays_of_the_sources_dtype(download, converted):
    write_responses(download / "sub-01" / "preprocessed_eeg_test.npy", np.asfortranarray(responses(1).astype("f4")))
    add(download)
    recording = things_eeg2.open_subject("sub-01", "test")
    assert recording.data.dtype == np.float32
    assert recording.data.flags.c_contiguous
    np.load(next(converted.glob("sub-01_test-*.npy")), allow_pickle=False)


def test_equal_values_in_another_channel_order_have_the_same_hash(download, tmp_path):
    add(download)
    order = np.random.default_rng(0).permutation(17)
    names = np.array(CHANNELS)[order]
    write_responses(download / "sub-01" / "preprocessed_eeg_test.npy", responses(1)[:, :, order], ch_names=names)
    assert add(download)["converted"] == ["sub-01 test"]
    assert things_eeg2.open_subject("sub-01", "test").sha256 == sha256_array(responses(1))


def test_a_changed_source_replaces_the_recording(download, converted):
    add(download)
    write_responses(download / "sub-01" / "preprocessed_eeg_test.npy", responses(99))
    assert add(download)["converted"] == ["sub-01 test"]
    np.testing.assert_array_equal(things_eeg2.open_subject("sub-01", "test").data, responses(99))
    assert len(list(converted.glob("sub-01_test-*.npy"))) == 1


@pytest.mark.parametrize("damage", ["deleted", "changed", "truncated", "card"])
def test_a_damaged_conversion_is_made_again(download, converted, damage):
    add(download)
    file = next(converted.glob("sub-01_test-*.npy"))
    if damage == "deleted":
        file.unlink()
    elif damage == "card":
        (converted / "sub-01_test.json").write_text("{")
    else:
        content = file.read_bytes()
        file.write_bytes(content[:-8] if damage == "truncated" else content[:-8] + bytes(8))
        os.utime(file, ns=(1, 1))
    assert add(download)["converted"] == ["sub-01 test"]
    assert_complete(converted)


@pytest.mark.parametrize("nesting", ["preprocessed", "Preprocessed data", "Preprocessed_data_250Hz", "anything"])
def test_parts_are_found_in_sub_folders(download, converted, nesting):
    for number in (1, 2):
        (download / nesting).mkdir(exist_ok=True)
        os.rename(download / f"sub-{number:02d}", download / nesting / f"sub-{number:02d}")
    (download / "Image_set").mkdir()
    for part in ("image_metadata.npy", "test_images", "training_images"):
        os.rename(download / part, download / "Image_set" / part)
    summary = add(download)
    assert summary["converted"] == ALL
    assert summary["images"].keys() == {"test", "training"}
    assert_complete(converted)


def test_the_summary_lists_what_is_absent(download):
    (download / "sub-02" / "preprocessed_eeg_training.npy").unlink()
    (download / "sub-03.zip").write_bytes(b"PK")
    os.rename(download / "training_images", download / "hidden")
    absent = add(download)["absent"]
    assert not any("sub-01" in line for line in absent)
    assert not any(line.startswith("test data of sub-02") for line in absent)
    assert any(line.startswith("training data of sub-02") for line in absent)
    assert any(line.startswith("test data of sub-03") for line in absent)
    assert any("training images" in line for line in absent)
    assert not any(line.startswith("test images") for line in absent)
    assert any("sub-03.zip" in line for line in absent)


def test_parts_can_be_added_one_after_the_other(download, tmp_path, converted):
    later = tmp_path / "later"
    later.mkdir()
    for part in ("image_metadata.npy", "test_images", "training_images"):
        os.rename(download / part, later / part)
    summary = add(download)
    assert summary["converted"] == ALL
    assert any("image_metadata.npy" in line for line in summary["absent"])
    summary = add(later)
    assert summary["images"].keys() == {"test", "training"}
    assert not any("sub-01" in line or "images" in line for line in summary["absent"])
    assert len(things_eeg2.open_images("test").rows) == 4


def test_sets_of_other_names_are_kept_apart(download, store_home):
    summary = add(download, name="sim-things-eeg2-v1")
    assert summary["absent"] == []
    assert things_eeg2.subjects("test", "sim-things-eeg2-v1") == ["sub-01", "sub-02"]
    assert things_eeg2.subjects("test") == []
    assert (store_home / "data" / "sim-things-eeg2-v1").is_dir()


def test_a_bad_subject_raises_and_what_was_converted_before_stays(download, converted):
    data = responses(2)
    data[1, 2, 3, 4] = np.nan
    write_responses(download / "sub-02" / "preprocessed_eeg_test.npy", data)
    with pytest.raises(BadFileError, match=r"sub-02.preprocessed_eeg_test\.npy"):
        add(download)
    np.testing.assert_array_equal(things_eeg2.open_subject("sub-01", "test").data, responses(1))
    write_responses(download / "sub-02" / "preprocessed_eeg_test.npy", responses(2))
    summary = add(download)
    assert summary["kept"] == ALL[:2]
    assert_complete(converted)


@pytest.mark.parametrize("first_without", [False, True])
def test_images_and_responses_must_be_as_many(download, first_without):
    if first_without:
        (download / "image_metadata.npy").rename(download / "hidden")
        add(download)
    write_metadata(download / "image_metadata.npy", test=3)
    with pytest.raises(BadFileError, match=r"expected floats of shape 3 ×"):
        add(download)


def test_metadata_that_do_not_fit_earlier_recordings_are_refused_and_not_registered(download, tmp_path):
    add(download)
    write_metadata(tmp_path / "other" / "image_metadata.npy", test=3)
    with pytest.raises(BadFileError, match=r"3 test images, but sub-01's converted test data have 4"):
        add(tmp_path / "other")
    assert len(things_eeg2.open_images("test").rows) == 4


def test_a_missing_image_is_named(download):
    next((download / "test_images").rglob("thing_3*")).unlink()
    with pytest.raises(MissingDataError, match=r"1 are missing.*thing_3_test\.jpg"):
        add(download)


def test_images_are_hashed_by_content_in_their_order(download):
    summary = add(download)
    paths = [download / "test_images" / f"{n:05d}_thing_{n}" / f"thing_{n}_test.jpg" for n in range(1, 5)]
    assert summary["images"]["test"] == sha256_files(paths)


@pytest.mark.parametrize("make", [False, True])
def test_a_folder_that_is_absent_or_holds_nothing_of_it_is_refused(tmp_path, make):
    if make:
        (tmp_path / "empty").mkdir()
    with pytest.raises(MissingDataError, match="empty"):
        add(tmp_path / "empty")


def test_a_file_in_place_of_the_stores_folder_is_a_store_error(download, store_home):
    (store_home / "data").mkdir(parents=True)
    (store_home / "data" / "things-eeg2").write_text("")
    with pytest.raises(StoreError, match=r"things-eeg2.*a file stands"):
        add(download)


def test_a_full_disk_is_a_store_error_and_the_next_run_completes(download, converted, monkeypatch):
    flush, calls = atomic._flush, []

    def fill_up(path):
        calls.append(path)
        if "sub-02_test" in path.name:
            raise OSError(errno.ENOSPC, "No space left on device")
        flush(path)

    monkeypatch.setattr(atomic, "_flush", fill_up)
    with pytest.raises(StoreError, match="free space"):
        add(download)
    assert things_eeg2.subjects("test") == ["sub-01"]
    monkeypatch.setattr(atomic, "_flush", flush)
    assert add(download)["kept"] == ALL[:2]
    assert_complete(converted)


@pytest.mark.parametrize("moment", ["write_array", "write_json"])
def test_an_interrupted_conversion_is_completed_by_the_next_run(download, converted, monkeypatch, moment):
    with monkeypatch.context() as patch:

        def interrupt(path, value):
            raise KeyboardInterrupt

        patch.setattr(conversion, moment, interrupt)
        with pytest.raises(KeyboardInterrupt):
            add(download)
    assert things_eeg2.subjects("test") == []
    assert add(download)["converted"] == ALL
    assert_complete(converted)


def test_a_conversion_killed_in_mid_write_is_completed_by_the_next_run(download, converted, python_command):
    code = (
        "import os, sys; from brainscore_realnet.store import atomic, hashing\n"
        "from brainscore_realnet.datasets import things_eeg2\n"
        "hashing.BLOCK_BYTES = 1000; blocks = hashing.array_blocks\n"
        "def dying(array):\n"
        "    for number, block in enumerate(blocks(array)):\n"
        "        if number == 2: os._exit(9)\n"
        "        yield block\n"
        "atomic.array_blocks = dying\n"
        "things_eeg2.add(sys.argv[1], progress=False)"
    )
    assert subprocess.run([*python_command, code, str(download)]).returncode == 9
    assert len(list(converted.glob(".*.part"))) == 1
    assert things_eeg2.subjects("test") == []
    add(download)
    assert_complete(converted)


def test_two_processes_at_once_give_one_result(download, converted, python_command):
    code = (
        "import json, sys; from brainscore_realnet.datasets import things_eeg2\n"
        "print(json.dumps(things_eeg2.add(sys.argv[1], progress=False)))"
    )
    command = [*python_command, code, str(download)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    summaries = [json.loads(process.communicate()[0]) for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(summaries[0]["converted"] + summaries[1]["converted"]) == ALL
    assert sorted(summaries[0]["kept"] + summaries[1]["kept"]) == ALL
    assert_complete(converted)


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss has other units elsewhere")
def test_memory_stays_near_one_source_array(tmp_path, python_command):
    write_responses(tmp_path / "d" / "sub-01" / "preprocessed_eeg_test.npy", responses(0, images=400, repetitions=80))
    code = (
        "import resource, sys; from brainscore_realnet.datasets import things_eeg2\n"
        "import brainscore_realnet.store.atomic, filelock, numpy\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "things_eeg2.add(sys.argv[1], progress=False)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)"
    )
    grown = subprocess.run(
        [*python_command, code, str(tmp_path / "d")], capture_output=True, text=True, check=True
    ).stdout
    assert int(grown) * 1024 < 1.6 * 400 * 80 * 17 * 6 * 8 + 40 * 2**20
