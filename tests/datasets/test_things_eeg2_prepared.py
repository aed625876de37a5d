"""Raw EEG registered, preprocessed once, stored under a name of its own and opened."""

import json
import os
import subprocess

import numpy as np
import pytest
from things_eeg2_downloads import write_images, write_metadata

from brainscore_realnet.datasets import things_eeg2
from brainscore_realnet.datasets.things_eeg2 import prepared, preprocessing, raw, raw_folders
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, StoreError
from brainscore_realnet.simulation.raw_eeg import RawSpecification, simulate_session, write_raw
from brainscore_realnet.store import sha256_bytes, sha256_file

NAME = "sim-raw"
PREPARED = "sim-raw-mvnn-training-100hz"
SMALL = RawSpecification(subjects=2, test_images=2, test_repetitions=20, training_images=4, training_repetitions=2)
BOTH = ["sub-01 test", "sub-01 training", "sub-02 test", "sub-02 training"]


@pytest.fixture(scope="module")
def simulated(tmp_path_factory):
    target = tmp_path_factory.mktemp("sim-raw")
    write_raw(target, SMALL)
    write_images(target, write_metadata(target / "image_metadata.npy", test=2, training=4))
    return target


@pytest.fixture
def download(simulated, tmp_path):
    """The simulated download as links, so that a test can take files away or put others in their place."""
    target = tmp_path / "sim-download"
    for path in simulated.rglob("*"):
        if path.is_file():
            (target / path.relative_to(simulated)).parent.mkdir(parents=True, exist_ok=True)
            os.link(path, target / path.relative_to(simulated))
    return target


@pytest.fixture
def registered(download):
    things_eeg2.add(download, NAME, progress=False)
    return download


@pytest.fixture
def quick(monkeypatch):
    """Stand in for the preprocessing: numbers that the raw files' contents determine."""

    def preprocess(paths, mvnn, sfreq, expect, report):
        content = "".join(sha256_file(path) for path in paths.values())
        rng = np.random.default_rng(int(sha256_bytes(content.encode())[:8], 16))
        return {split: rng.standard_normal((expect[split], 4, 17, sfreq)) for split in ("training", "test")}

    monkeypatch.setattr(prepared, "preprocess", preprocess)


def prepare(*subjects, **options):
    return things_eeg2.prepare(subjects or None, progress=False, **({"name": NAME} | options))


def replace(path, content):
    path.unlink()
    np.save(path, content, allow_pickle=True)


def test_add_records_where_raw_eeg_is_and_converts_none_of_it(download, store_home):
    summary = things_eeg2.add(download, NAME, progress=False)
    assert summary["raw"] == ["sub-01", "sub-02"]
    assert summary["converted"] == []
    assert not any("raw" in line for line in summary["absent"])
    assert raw_folders.raw_folders(NAME) == {f"sub-0{n}": download / f"sub-0{n}" for n in (1, 2)}
    assert list((store_home / "data" / NAME).glob("*.npy")) == []


def test_raw_eeg_alone_and_in_a_sub_folder_is_found(download, tmp_path):
    (tmp_path / "only" / "raw_data").mkdir(parents=True)
    (download / "sub-02").rename(tmp_path / "only" / "raw_data" / "sub-02")
    assert things_eeg2.add(tmp_path / "only", NAME, progress=False)["raw"] == ["sub-02"]


def test_add_names_missing_sessions(download):
    (download / "sub-02" / "ses-03" / "raw_eeg_test.npy").unlink()
    absent = things_eeg2.add(download, NAME, progress=False)["absent"]
    assert [line for line in absent if "raw" in line] == [
        f"raw EEG of sub-02 (ses-03/raw_eeg_test.npy, from {raw.RAW_PAGE})"
    ]


def test_prepared_subjects_open_with_the_images_of_their_set(registered):
    summary = prepare()
    assert summary["name"] == PREPARED
    assert (sorted(summary["converted"]), summary["kept"], summary["absent"]) == (BOTH, [], [])
    assert summary["images"]["test"] == things_eeg2.open_images("test", NAME).sha256
    assert things_eeg2.subjects("test", PREPARED) == ["sub-01", "sub-02"]
    expected = preprocessing.preprocess(raw.raw_paths(registered / "sub-02"), "training", 100)
    for split, data in expected.items():
        recording = things_eeg2.open_subject("sub-02", split, PREPARED)
        np.testing.assert_array_equal(recording.data, data)
        assert recording.ch_names == things_eeg2.CHANNELS
        np.testing.assert_array_equal(recording.times, np.arange(-20, 80) / 100)
        assert things_eeg2.open_images(split, PREPARED) == things_eeg2.open_images(split, NAME)
    things_eeg2.require(["sub-01", "sub-02"], "test", PREPARED)


@pytest.mark.parametrize(
    ("options", "name", "times"),
    [({"mvnn": None}, "sim-raw-mvnn-none-100hz", 100), ({"mvnn": "authors", "sfreq": 250}, None, 250)],
)
def test_the_options_stand_in_the_name(registered, options, name, times):
    summary = prepare("sub-01", **options)
    assert summary["name"] == (name or "sim-raw-mvnn-authors-250hz")
    recording = things_eeg2.open_subject("sub-01", "training", summary["name"])
    assert recording.data.shape == (4, 4, 17, times)
    assert recording.times[-1] == round(0.8 - 1 / times, 3)
    assert things_eeg2.subjects("test", summary["name"]) == ["sub-01"]
    assert things_eeg2.subjects("test", NAME) == []


def test_the_card_tells_how_it_was_made(registered, store_home):
    prepare("sub-01")
    card = json.loads((store_home / "data" / PREPARED / "sub-01_test.json").read_text())
    source = card["source"]
    assert {key: source["method"][key] for key in ("mvnn", "sfreq", "seed")} == {
        "mvnn": "training",
        "sfreq": 100,
        "seed": 20200220,
    }
    assert source["method"]["repetitions_a_session"] == {"training": 2, "test": 20}
    assert source["versions"].keys() == {"mne", "scikit-learn", "numpy"}
    hashes = {file["path"]: file["sha256"] for file in source["files"]}
    assert hashes == {str(path): sha256_file(path) for path in (registered / "sub-01").rglob("*.npy")}
    assert len(hashes) == 8


def test_prepared_subjects_are_kept_and_their_raw_files_not_even_hashed_again(quick, registered, monkeypatch):
    prepare()
    monkeypatch.setattr(prepared, "preprocess", lambda *arguments: pytest.fail("preprocessed"))
    monkeypatch.setattr(raw_folders, "sha256_file", lambda path: pytest.fail("hashed"))
    summary = prepare()
    assert (summary["converted"], sorted(summary["kept"])) == ([], BOTH)


def test_touched_raw_files_are_hashed_again_and_nothing_is_redone(quick, registered, monkeypatch):
    prepare("sub-01")
    for path in registered.rglob("raw_eeg_*.npy"):
        content = path.read_bytes()
        path.unlink()  # it is a link to the file of all tests
        path.write_bytes(content)
        os.utime(path, ns=(5, 5))
    monkeypatch.setattr(prepared, "preprocess", lambda *arguments: pytest.fail("preprocessed"))
    assert prepare("sub-01")["kept"] == BOTH[1::-1]


def test_raw_eeg_may_be_deleted_once_it_was_prepared(quick, registered):
    prepare("sub-01")
    (registered / "sub-01" / "ses-02" / "raw_eeg_test.npy").unlink()
    assert prepare("sub-01")["converted"] == []
    with pytest.raises(MissingDataError, match=r"Got no ses-02/raw_eeg_test\.npy in .*sub-01"):
        prepare("sub-01", mvnn=None)


def test_changed_raw_eeg_or_a_new_method_is_prepared_anew(quick, registered, monkeypatch):
    prepare("sub-01")
    before = things_eeg2.open_subject("sub-01", "test", PREPARED).sha256
    content = simulate_session(RawSpecification(**vars(SMALL) | {"seed": 99}), 1, 2, "test")
    replace(registered / "sub-01" / "ses-03" / "raw_eeg_test.npy", content)
    assert prepare("sub-01")["converted"] == ["sub-01 training", "sub-01 test"]
    assert things_eeg2.open_subject("sub-01", "test", PREPARED).sha256 != before
    assert prepare("sub-01")["converted"] == []
    monkeypatch.setattr(prepared, "METHOD_VERSION", 2)
    assert prepare("sub-01")["converted"] == ["sub-01 training", "sub-01 test"]


def test_a_damaged_result_is_made_again(quick, registered, store_home):
    prepare("sub-01")
    file = next((store_home / "data" / PREPARED).glob("sub-01_test-*.npy"))
    file.write_bytes(file.read_bytes()[:-8])
    with pytest.raises(BadFileError, match=r"things_eeg2\.prepare\(mvnn='training', sfreq=100, name='sim-raw'\)"):
        things_eeg2.open_subject("sub-01", "test", PREPARED)
    assert prepare("sub-01")["converted"] == ["sub-01 training", "sub-01 test"]
    assert things_eeg2.open_subject("sub-01", "test", PREPARED).data.shape == (2, 4, 17, 100)


@pytest.mark.parametrize("moment", ["preprocess", "write_recording"])
def test_an_interrupted_run_keeps_finished_subjects_and_the_next_continues(quick, registered, monkeypatch, moment):
    done, real = [], getattr(prepared, moment)
    calls_before = {"preprocess": 1, "write_recording": 3}[moment]

    def interrupt(*arguments):
        if len(done) == calls_before:
            raise KeyboardInterrupt
        done.append(moment)
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(prepared, moment, interrupt)
        with pytest.raises(KeyboardInterrupt):
            prepare()
    assert things_eeg2.subjects("test", PREPARED) == ["sub-01"]
    summary = prepare()
    assert sorted(summary["kept"]) == BOTH[:2]
    assert sorted(summary["converted"]) == BOTH[2:]


def test_a_bad_subject_raises_and_what_was_prepared_before_stays(registered):
    path = registered / "sub-02" / "ses-01" / "raw_eeg_training.npy"
    content = np.load(path, allow_pickle=True).item()
    content["raw_eeg_data"][content["ch_names"].index("Oz"), 7] = np.nan
    replace(path, content)
    with pytest.raises(BadFileError, match=r"channel Oz of .*sub-02.*first at sample 7"):
        prepare()
    assert things_eeg2.subjects("test", PREPARED) == ["sub-01"]


def test_the_image_metadata_say_how_many_images_there_are(registered):
    prepare("sub-01")
    write_metadata(registered / "more" / "image_metadata.npy", test=2, training=6)
    things_eeg2.add(registered / "more", NAME, progress=False)
    for _ in range(2):
        with pytest.raises(BadFileError, match=r"Got 2 of 6 training images .* first event 5 with 0"):
            prepare("sub-01")


def test_two_processes_at_once_prepare_each_subject_once(registered, python_command):
    code = (
        "import json; from brainscore_realnet.datasets import things_eeg2\n"
        f"print(json.dumps(things_eeg2.prepare(name={NAME!r}, mvnn=None, progress=False)))"
    )
    processes = [subprocess.Popen([*python_command, code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    summaries = [json.loads(process.communicate()[0]) for process in processes]
    assert sorted(summaries[0]["converted"] + summaries[1]["converted"]) == BOTH
    assert sorted(summaries[0]["kept"] + summaries[1]["kept"]) == BOTH


def test_a_folder_can_be_given_at_once(download):
    assert prepare("sub-01", folder=download)["converted"] == ["sub-01 training", "sub-01 test"]
    assert list(raw_folders.raw_folders(NAME)) == ["sub-01", "sub-02"]


def test_what_is_not_registered_is_told():
    with pytest.raises(MissingDataError, match=r"Got no raw EEG in .*register the raw EEG"):
        prepare()


def test_a_subject_that_is_not_registered_is_told_with_those_that_are(registered):
    with pytest.raises(MissingDataError, match=r"Got no raw EEG of sub-07 .*registered: sub-01, sub-02"):
        prepare("sub-07")


def test_malformed_requests_are_refused_before_long_work(registered, tmp_path, monkeypatch):
    monkeypatch.setattr(prepared, "preprocess", lambda *arguments: pytest.fail("preprocessed"))
    with pytest.raises(BadInputError, match="mvnn='none'"):
        prepare(mvnn="none")
    with pytest.raises(BadInputError, match="Got subject 'one'"):
        prepare("one")
    with pytest.raises(BadInputError, match="is a prepared set"):
        prepare(name=PREPARED)
    with pytest.raises(BadInputError, match="which sets prepared from raw EEG have"):
        things_eeg2.add(registered, PREPARED, progress=False)
    with pytest.raises(BadInputError, match="says that it was simulated"):
        prepare(folder=registered, name="things-eeg2")
    with pytest.raises(BadInputError, match="says that it was simulated"):
        prepare(folder=registered.parent, name="things-eeg2")
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingDataError, match=r"holds no sub-XX/ses-01"):
        prepare(folder=tmp_path / "empty")


def test_a_full_disk_is_a_store_error(quick, registered, monkeypatch):
    def fill_up(content, origin, subject, split, name):
        raise StoreError("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(prepared, "write_recording", fill_up)
        with pytest.raises(StoreError, match="full"):
            prepare("sub-01", mvnn=None)
    assert prepare("sub-01", mvnn=None)["converted"] == ["sub-01 training", "sub-01 test"]


def test_how_to_get_a_prepared_set_is_the_command_that_prepares_it():
    with pytest.raises(MissingDataError, match="brainscore data prepare things-eeg2 --mvnn none --sfreq 250"):
        things_eeg2.open_subject("sub-01", "test", "things-eeg2-mvnn-none-250hz")


@pytest.mark.parametrize("name", ["things-eeg2", "things-eeg2-mvnn-test-100hz", "-mvnn-none-100hz", "a-mvnn-none-99hz"])
def test_other_names_are_no_variants(name):
    assert things_eeg2.variant_of(name) is None


@pytest.mark.parametrize("mvnn", things_eeg2.MVNN)
@pytest.mark.parametrize("sfreq", things_eeg2.RATES)
def test_a_variants_name_tells_its_options(mvnn, sfreq):
    variant = things_eeg2.Variant("a-mvnn-none-100hz", mvnn, sfreq)
    assert things_eeg2.variant_of(variant.name) == variant


@pytest.mark.parametrize("record", ["[]", "{", '{"format_version": 1, "subjects": {"sub-01": 3}}'])
def test_a_broken_record_of_raw_folders_is_a_bad_file(registered, store_home, record):
    (store_home / "data" / NAME / "raw.json").write_text(record)
    with pytest.raises(BadFileError, match=r"raw\.json"):
        prepare()
    assert {row["what"]: row["state"] for row in things_eeg2.status(NAME)}["raw EEG"] == "broken"


def test_status_tells_registered_raw_eeg_and_prepared_subjects(quick, registered):
    prepare("sub-01")
    (registered / "sub-02" / "ses-04" / "raw_eeg_test.npy").unlink()
    rows = {row["what"]: row for row in things_eeg2.status(NAME)}
    assert rows["sub-01 raw"]["state"] == "ready"
    assert rows["sub-02 raw"]["state"] == "missing"
    assert "ses-04/raw_eeg_test.npy" in rows["sub-02 raw"]["detail"]
    rows = {row["what"]: row["state"] for row in things_eeg2.status(PREPARED)}
    assert rows == dict.fromkeys(["sub-01 test", "sub-01 training", "test images", "training images"], "ready") | {
        "image_metadata.npy": "ready"
    }


def forge(path):
    """Change a file's content but neither its size nor its time."""
    stat = path.stat()
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


@pytest.mark.parametrize("part", ["recording", "image", "raw"])
def test_only_thorough_status_notices_what_size_and_time_do_not_show(quick, registered, store_home, part):
    prepare("sub-01")
    path, what = {
        "recording": (next((store_home / "data" / PREPARED).glob("sub-01_test-*.npy")), "sub-01 test"),
        "image": (next((registered / "test_images").rglob("*.jpg")), "test images"),
        "raw": (registered / "sub-01" / "ses-02" / "raw_eeg_test.npy", "sub-01 raw"),
    }[part]
    name = PREPARED if part == "recording" else NAME
    assert {row["state"] for row in things_eeg2.status(name, thorough=True)} == {"ready"}
    forge(path)
    assert {row["state"] for row in things_eeg2.status(name)} == {"ready"}
    rows = {row["what"]: row["state"] for row in things_eeg2.status(name, thorough=True)}
    assert {key for key, state in rows.items() if state == "broken"} == {what}


def test_importing_data_sets_stays_light(python_command):
    code = (
        "import sys; import brainscore_realnet.datasets.things_eeg2\n"
        "print(sorted({'mne', 'scipy', 'sklearn', 'torch', 'pandas', 'numba'} & set(sys.modules)))"
    )
    assert subprocess.run([*python_command, code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
