import json
import os
import shutil
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest
import xarray as xr
from faulty_server import Page, serving
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from brainscore_realnet.datasets import catalogue, macaque_it
from brainscore_realnet.datasets.catalogue import fetching
from brainscore_realnet.datasets.macaque_it import COLLECTIONS, PUBLIC_LEVELS, hdf5, images, public, recordings
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store import sha256_array, sha256_files

SIM = "sim-macaque-it"
RNG = np.random.default_rng(0)
PIXELS = RNG.integers(0, 256, (6, 3, 8, 10), dtype=np.uint8)
LEVELS = np.array([0, 3, 6, 6, 3, 0])
CATEGORIES = np.array([b"Faces", b"Cars", b"Faces", b"Cars", b"Fruits", b"Fruits"])
BINS = RNG.standard_normal((39, 6, 5))
TRIALS = RNG.standard_normal((6, 4, 7))
TRIALS[1, 2, 3:] = np.nan
TRIALS[4, 0, :6] = np.nan
PUBLIC_FILE = "assy_dicarlo_MajajHong2015_public.nc"


def write_majajhong(path, pixels=PIXELS, bins=BINS, **more):
    with h5py.File(path, "w") as file:
        file["stimuli"] = pixels
        file["var"] = LEVELS
        file["category_name"] = CATEGORIES
        file["chabo/left"] = bins
        file["tito/left"] = bins[:, :, :3] + 1
        for key, value in more.items():
            if key in file:
                del file[key]
            if value is not None:
                file[key] = value


def write_trials(path, prefix="", trials=TRIALS):
    with h5py.File(path, "w") as file:
        file["stimuli"] = PIXELS.transpose(0, 2, 3, 1) / 255
        file["category_name_HVM_aligned"] = np.arange(6) % 3
        file[f"nano/left{prefix}/rates"] = trials
        file[f"nano/right{prefix}/rates"] = trials[:, :2]
        file["bento/left/other"] = np.zeros(3)


def public_assembly(turned=True):
    """Six stimuli with one to six presentations, in no order; two animals, two regions."""
    order = np.random.default_rng(1).permutation(np.repeat(np.arange(6), np.arange(1, 7)))
    values = np.random.default_rng(2).standard_normal((len(order), 7, 1))
    values[np.flatnonzero(order == 5)[:2], 1] = np.nan
    assembly = xr.DataArray(
        values,
        dims=["presentation", "neuroid", "time_bin"],
        coords={
            "image_id": ("presentation", [f"hash{5 - one}" for one in order]),
            "variation": ("presentation", LEVELS[order]),
            "category_name": ("presentation", CATEGORIES.astype(str)[order]),
            "neuroid_id": ("neuroid", [f"site_{number}" for number in range(7)]),
            "animal": ("neuroid", ["Tito", "Chabo", "Tito", "Chabo", "Tito", "Chabo", "Chabo"]),
            "region": ("neuroid", ["IT", "IT", "V4", "IT", "IT", "V4", "IT"]),
            "time_bin_start": ("time_bin", [70]),
            "time_bin_end": ("time_bin", [170]),
        },
        name="dicarlo.MajajHong2015.public",
    )
    return assembly.transpose("neuroid", "presentation", "time_bin") if turned else assembly


def write_public(folder, zipped=True):
    public_assembly().to_netcdf(folder / PUBLIC_FILE)
    rows = ["id,image_id,filename,variation,category_name"]
    for number in range(6):
        Image.fromarray(PIXELS[number].transpose(1, 2, 0)).save(folder / f"image {number}.png")
        rows.append(f"{number},hash{5 - number},image {number}.png,{LEVELS[number]},{CATEGORIES[number].decode()}")
    (folder / "stimulus_hvm-public.csv").write_text("\n".join(rows) + "\n")
    if zipped:
        with zipfile.ZipFile(folder / "stimulus_hvm-public.zip", "w") as archive:
            for number in range(6):
                archive.write(folder / f"image {number}.png", f"image {number}.png")
                (folder / f"image {number}.png").unlink()


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Small files in the forms of all four collections, and a store that holds them."""
    root = tmp_path_factory.mktemp("macaque")
    folder = root / "simulated"
    (folder / "h5").mkdir(parents=True)
    (folder / "SIMULATED.json").write_text("{}")
    write_majajhong(folder / "h5" / "SachiMajajHong2015.h5")
    write_trials(folder / "h5" / "many_monkeys2.h5")
    write_trials(folder / "h5" / "bento_nano_COCO.h5", "/coco")
    write_public(folder)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("BRAINSCORE_REALNET_HOME", str(root / "home"))
        macaque_it.add(folder, SIM, progress=False)
    return root


@pytest.fixture
def simulated(made, tmp_path):
    """A copy of the files for a test to change."""
    return Path(shutil.copytree(made / "simulated", tmp_path / "simulated"))


@pytest.fixture
def added(made, store_home):
    """A copy of the store for a test to change."""
    shutil.copytree(made / "home", store_home)
    return store_home / "data" / SIM


def states(**options):
    return {row["what"]: row["state"] for row in macaque_it.status(SIM, **options)}


def test_everything_in_a_folder_is_converted_once(simulated):
    summary = macaque_it.add(simulated, SIM, progress=False)
    parts = [f"{name} {what}" for name in COLLECTIONS for what in ("recordings", "images")]
    assert sorted(summary["converted"]) == sorted(parts)
    assert (summary["name"], summary["folder"], summary["kept"], summary["absent"]) == (SIM, str(simulated), [], [])
    assert summary["images"] == {name: macaque_it.open_images(name, SIM).sha256 for name in COLLECTIONS}
    again = macaque_it.add(simulated, SIM, progress=False)
    assert (again["converted"], sorted(again["kept"])) == ([], sorted(parts))
    assert again["images"] == summary["images"]
    assert states() == dict.fromkeys(parts, "ready")


def test_majajhong_is_the_mean_of_the_five_bins_from_70_to_170_ms(added):
    recording = macaque_it.open_animal("chabo.left", "majajhong", SIM)
    # the bins of the authors' code, one after the other
    expected = (BINS[14] + BINS[16] + BINS[18] + BINS[20] + BINS[22]) / 5
    np.testing.assert_allclose(recording.rates, expected, rtol=1e-13)
    assert recording.rates.dtype == np.float64
    assert recording.stimuli == tuple(f"majajhong_{number:04d}" for number in range(1, 7))
    assert recording.sites[:2] == ("chabo.left.001", "chabo.left.002")
    assert recording.levels == tuple(LEVELS)
    assert recording.categories == ("Faces", "Cars", "Faces", "Cars", "Fruits", "Fruits")
    assert recording.sha256 == sha256_array(np.asarray(recording.rates))
    assert macaque_it.animals("majajhong", SIM) == ["chabo.left", "tito.left"]
    with pytest.raises(BadInputError, match="averages over trials"):
        recording.trials()


@pytest.mark.parametrize("collection", ["many-monkeys", "coco"])
def test_trials_are_averaged_with_their_counts(added, collection):
    recording = macaque_it.open_animal("nano.left", collection, SIM)
    for stimulus in range(6):
        for site in range(4):
            valid = [value for value in TRIALS[stimulus, site] if value == value]
            assert recording.rates[stimulus, site] == pytest.approx(sum(valid) / len(valid), rel=1e-12)
    np.testing.assert_array_equal(recording.trials(), TRIALS)
    assert macaque_it.animals(collection, SIM) == ["nano.left", "nano.right"]
    assert macaque_it.open_animal("nano.right", collection, SIM).rates.shape == (6, 2)
    assert (recording.levels, recording.categories) == (None, ("0", "1", "2", "0", "1", "2"))


@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_valid_means_do_not_depend_on_padding_or_the_order_of_trials(seed, padding):
    rng = np.random.default_rng(seed)
    block = rng.standard_normal((3, 2, 5))
    block[rng.random(block.shape) < 0.4] = np.nan
    block[..., 0] = rng.standard_normal((3, 2))
    padded = np.concatenate([block, np.full((3, 2, padding), np.nan)], axis=-1)[..., rng.permutation(5 + padding)]
    means = [hdf5._valid_mean(one, 0, ["a", "b"], Path("any")) for one in (block, padded)]
    np.testing.assert_allclose(means[1], means[0], rtol=1e-12)
    np.testing.assert_allclose(means[0], np.nanmean(block, axis=-1), rtol=1e-12)


@pytest.mark.parametrize("block", [1, 10**9])
def test_public_presentations_are_averaged_by_stimulus_and_animal(simulated, monkeypatch, block):
    monkeypatch.setattr(public, "_BLOCK_BYTES", block)
    macaque_it.add(simulated, SIM, progress=False)
    plain = public_assembly(turned=False).isel(time_bin=0)
    assert macaque_it.animals("public", SIM) == ["chabo", "tito"]
    for animal, sites in (("Tito", [0, 4]), ("Chabo", [1, 3, 6])):
        recording = macaque_it.open_animal(animal.lower(), "public", SIM)
        assert recording.stimuli == tuple(f"hash{number}" for number in range(6))
        assert recording.sites == tuple(f"site_{number}" for number in sites)
        assert recording.levels == tuple(LEVELS[::-1])
        for row, stimulus in enumerate(recording.stimuli):
            shown = plain.values[plain["image_id"].values == stimulus][:, sites]
            np.testing.assert_allclose(recording.rates[row], np.nanmean(shown, axis=0), rtol=1e-12)
            trials = recording.trials()[row]
            assert trials.shape == (len(sites), 6)
            np.testing.assert_array_equal(trials[:, : len(shown)].T, shown)
            assert np.isnan(trials[:, len(shown) :]).all()


def test_levels_choose_stimuli_alike_in_recordings_trials_and_images(added):
    whole = macaque_it.open_animal("chabo", "public", SIM)
    kept = [0, 1, 4, 5]
    chosen = macaque_it.open_animal("chabo", "public", SIM, levels=PUBLIC_LEVELS)
    np.testing.assert_array_equal(chosen.rates, whole.rates[kept])
    np.testing.assert_array_equal(chosen.trials(), whole.trials()[kept])
    assert chosen.stimuli == tuple(whole.stimuli[row] for row in kept)
    assert chosen.sha256 != whole.sha256
    table = macaque_it.open_images("public", SIM, levels=PUBLIC_LEVELS)
    assert [row["stimulus_id"] for row in table.rows] == list(chosen.stimuli)
    assert table.sha256 == sha256_files([row["path"] for row in table.rows])
    for levels, collection, message in (([9], "public", r"levels \[0, 3, 6\]"), ([0], "coco", "no variation levels")):
        with pytest.raises(BadInputError, match=message):
            macaque_it.open_images(collection, SIM, levels=levels)


@pytest.mark.parametrize("collection", list(COLLECTIONS))
def test_images_hold_the_pixels_in_the_order_of_the_recordings(added, collection):
    table = macaque_it.open_images(collection, SIM)
    animal = macaque_it.animals(collection, SIM)[0]
    assert tuple(row["stimulus_id"] for row in table.rows) == macaque_it.open_animal(animal, collection, SIM).stimuli
    pixels = PIXELS[::-1] if collection == "public" else PIXELS
    for row, expected in zip(table.rows, pixels, strict=True):
        assert Path(row["path"]).name == row["filename"]
        with Image.open(row["path"]) as image:
            np.testing.assert_array_equal(np.asarray(image), expected.transpose(1, 2, 0))
    assert table.sha256 == sha256_files([row["path"] for row in table.rows])
    assert ("level" in table.rows[0], "category" in table.rows[0]) == (collection in ("public", "majajhong"), True)


def test_pixels_in_floats_of_255_are_kept(tmp_path, store_home):
    write_majajhong(tmp_path / "SachiMajajHong2015.h5", pixels=PIXELS.astype(np.float32))
    macaque_it.add(tmp_path, SIM, progress=False)
    with Image.open(macaque_it.open_images("majajhong", SIM).rows[2]["path"]) as image:
        np.testing.assert_array_equal(np.asarray(image), PIXELS[2].transpose(1, 2, 0))


def test_recordings_that_were_fetched_have_their_single_trials(tmp_path, store_home, monkeypatch):
    write_public(tmp_path)
    data_set = catalogue.find("macaque-it")
    (part,) = data_set.parts
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setitem(COLLECTIONS, "public", replace(COLLECTIONS["public"], n_stimuli=6))
    with serving({f"/{file.path}": Page((tmp_path / file.path).read_bytes()) for file in part.files}) as server:
        files = tuple(replace(file, url=f"{server.url}/{file.path}", known_hash=None) for file in part.files)
        local = replace(data_set, parts=(replace(part, files=files, typical_bytes=10**4),))
        monkeypatch.setitem(catalogue.DATA_SETS, "macaque-it", local)
        summary = fetching.fetch("macaque-it", progress=False)
    assert summary["fetched"] == ["public images", "public recordings"]
    recording = macaque_it.open_animal("chabo")
    np.testing.assert_allclose(np.nanmean(recording.trials(), axis=2), recording.rates, rtol=1e-12)
    assert len(macaque_it.open_images().rows) == 6


def test_unpacked_public_images_stay_where_they_are(tmp_path, store_home):
    folder = tmp_path / "unpacked"
    folder.mkdir()
    write_public(folder, zipped=False)
    macaque_it.add(folder, SIM, progress=False)
    assert {Path(row["path"]).parent for row in macaque_it.open_images("public", SIM).rows} == {folder}
    assert not list((store_home / "data" / SIM).glob("public-images-*"))


def test_real_and_simulated_are_never_mixed_up(simulated):
    with pytest.raises(BadInputError, match=r"SIMULATED\.json.*sim-"):
        macaque_it.add(simulated, progress=False)
    (simulated / "SIMULATED.json").unlink()
    with pytest.raises(BadFileError, match=r"6 stimuli in .*\.nc: expected 3200"):
        macaque_it.add(simulated, progress=False)


def test_parts_can_be_added_one_after_the_other(simulated, tmp_path):
    first = tmp_path / "first"
    first.mkdir()
    shutil.copy(simulated / "h5" / "many_monkeys2.h5", first)
    summary = macaque_it.add(first, SIM, progress=False)
    assert summary["converted"] == ["many-monkeys recordings", "many-monkeys images"]
    assert len(summary["absent"]) == 6
    with pytest.raises(MissingDataError, match=r"public recordings.*add\(FOLDER, name='sim-macaque-it'\)"):
        macaque_it.open_animal("chabo", "public", SIM)
    macaque_it.add(simulated, SIM, progress=False)
    assert set(states().values()) == {"ready"}


def test_status_of_an_empty_store_says_how_to_get_each_collection(store_home):
    rows = {row["what"]: row for row in macaque_it.status()}
    assert list(rows)[:4] == ["public recordings", "public images", "majajhong recordings", "majajhong images"]
    assert {row["state"] for row in rows.values()} == {"missing"}
    assert "brainscore data fetch macaque-it" in rows["public images"]["how"]
    assert "https://openreview.net/forum?id=SMYdcXjJh1q" in rows["coco recordings"]["how"]
    assert not store_home.exists()


def test_status_tells_ready_missing_and_broken_apart(added):
    next(added.glob("majajhong_chabo.left-*.npy")).write_bytes(b"no array")
    next(added.glob("coco_nano.left-*.npy")).unlink()
    next(added.glob("coco-images-*/coco_0003.png")).unlink()
    next(added.glob("many-monkeys-images-*/many-monkeys_0002.png")).write_bytes(b"another picture")
    found = states()
    wrong = {
        "majajhong recordings": "broken",
        "coco recordings": "missing",
        "coco images": "missing",
        "many-monkeys images": "broken",
    }
    assert {what: state for what, state in found.items() if state != "ready"} == wrong
    with pytest.raises(BadFileError, match="not what was averaged"):
        macaque_it.open_animal("chabo.left", "majajhong", SIM)
    with pytest.raises(MissingDataError, match=r"1 of 6 coco images, the first .*coco_0003\.png"):
        macaque_it.open_images("coco", SIM)
    (detail,) = (row["detail"] for row in macaque_it.status(SIM) if row["what"] == "public recordings")
    assert detail == "6 stimuli; chabo 3 sites, tito 2 sites"


def test_adding_again_mends_what_is_broken(simulated, store_home):
    macaque_it.add(simulated, SIM, progress=False)
    added = store_home / "data" / SIM
    for path in (*added.glob("*.npy"), *added.glob("*-images-*/*1.png")):
        path.write_bytes(b"broken")
    (added / "coco_recordings.json").write_text("{}")
    macaque_it.add(simulated, SIM, progress=False)
    assert set(states(thorough=True).values()) == {"ready"}


def test_thorough_status_sees_a_change_that_left_size_and_time(added):
    for path in (next(added.glob("coco_*.npy")), next(added.glob("public-images-*/*.png"))):
        stat = path.stat()
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert set(states().values()) == {"ready"}
    assert [what for what, state in states(thorough=True).items() if state != "ready"] == [
        "public images",
        "coco recordings",
    ]


def test_the_same_bytes_elsewhere_are_kept_and_their_place_is_noted(simulated, tmp_path, store_home):
    macaque_it.add(simulated, SIM, progress=False)
    folder = store_home / "data" / SIM
    before = {path: path.stat().st_ino for path in folder.rglob("*.png")}
    moved = Path(shutil.copytree(simulated, tmp_path / "moved"))
    shutil.rmtree(simulated / "h5")
    summary = macaque_it.add(moved, SIM, progress=False)
    assert {path: path.stat().st_ino for path in folder.rglob("*.png")} == before
    assert "many-monkeys recordings" in summary["kept"]
    recording = macaque_it.open_animal("nano.left", "many-monkeys", SIM)
    assert recording.source["path"].startswith(str(moved))
    assert recording.trials().shape == TRIALS.shape


def test_a_changed_file_is_converted_anew_and_its_old_copies_go(simulated, store_home):
    macaque_it.add(simulated, SIM, progress=False)
    added = store_home / "data" / SIM
    before = macaque_it.open_animal("nano.left", "coco", SIM)
    write_trials(simulated / "h5" / "bento_nano_COCO.h5", "/coco", TRIALS + 1)
    with pytest.raises(BadFileError, match="changed since it was registered"):
        before.trials()
    summary = macaque_it.add(simulated, SIM, progress=False)
    assert summary["converted"] == ["coco recordings", "coco images"]
    after = macaque_it.open_animal("nano.left", "coco", SIM)
    np.testing.assert_allclose(after.rates, np.nanmean(TRIALS + 1, axis=-1), rtol=1e-12)
    assert len(list(added.glob("coco_nano.left-*.npy"))) == len(list(added.glob("coco-images-*"))) == 1
    (simulated / "h5" / "bento_nano_COCO.h5").unlink()
    with pytest.raises(MissingDataError, match=r"bento_nano_COCO\.h5"):
        after.trials()


@pytest.mark.parametrize("step", [1, 2])
def test_an_interruption_leaves_nothing_half_written_and_the_next_run_finishes(simulated, monkeypatch, step):
    calls = []

    def interrupted(real):
        def run(*given, **options):
            calls.append(given)
            if len(calls) > step:
                raise KeyboardInterrupt
            return real(*given, **options)

        return run

    with monkeypatch.context() as patched:
        patched.setattr(recordings, "write_array", interrupted(recordings.write_array))
        patched.setattr(Image.Image, "save", interrupted(Image.Image.save))
        with pytest.raises(KeyboardInterrupt):
            macaque_it.add(simulated, SIM, progress=False)
    assert "broken" not in states().values()
    macaque_it.add(simulated, SIM, progress=False)
    assert set(states(thorough=True).values()) == {"ready"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pixels": PIXELS[:, 0]}, r"6 × 8 × 10 uint8 as 'stimuli'.*stimulus × 3 × height"),
        ({"pixels": PIXELS[:, :2]}, "6 × 2 × 8 × 10 uint8"),
        ({"pixels": PIXELS - 1.0}, "pixels of float64 from -1 to"),
        ({"pixels": PIXELS * 2.0}, "expected 0 to 1 or 0 to 255"),
        ({"pixels": np.full(PIXELS.shape, np.nan)}, "pixels of float64 from inf"),
        ({"bins": BINS[:20]}, r"20 × 6 × 5 float64 at /chabo/left.*at least 23 time bins, 6 stimuli"),
        ({"bins": BINS.transpose(1, 0, 2)}, "6 × 39 × 5 float64 at /chabo/left"),
        ({"var": LEVELS[:4]}, "4 int64 as 'var'.*each of the 6 stimuli"),
        ({"var": LEVELS * np.nan}, "as 'var'"),
        ({"category_name": CATEGORIES[:2]}, "'category_name'"),
        ({"stimuli": None}, "NoneType as 'stimuli' in .*beside category_name, chabo"),
    ],
)
def test_a_file_of_another_form_is_refused_with_what_was_found(tmp_path, change, message):
    write_majajhong(tmp_path / "SachiMajajHong2015.h5", **change)
    with pytest.raises(BadFileError, match=message):
        macaque_it.add(tmp_path, SIM, progress=False)


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ((slice(None), 3), np.nan, r"no valid value of site nano\.left\.004 for stimulus 0 .* 1 sites in all"),
        ((4, slice(1, 3)), np.nan, r"no valid value of site nano\.left\.002 for stimulus 4 .* 2 sites in all"),
        ((2, 1, 0), np.inf, r"an infinite value of site nano\.left\.002 for stimulus 2"),
    ],
)
def test_a_site_without_finite_responses_is_named(tmp_path, place, value, message):
    trials = TRIALS.copy()
    trials[place] = value
    write_trials(tmp_path / "many_monkeys2.h5", trials=trials)
    with pytest.raises(BadFileError, match=message):
        macaque_it.add(tmp_path, SIM, progress=False)
    assert states()["many-monkeys recordings"] == "missing"


def test_a_file_without_the_expected_responses_is_refused_with_what_it_holds(tmp_path):
    write_trials(tmp_path / "many_monkeys2.h5", "/coco")
    with pytest.raises(BadFileError, match=r"bento/left.*expected responses at \{animal\}/\{hemisphere\}/rates"):
        macaque_it.add(tmp_path, SIM, progress=False)


@pytest.mark.parametrize("file", ["many_monkeys2.h5", PUBLIC_FILE])
@pytest.mark.parametrize("content", [b"<!doctype html><html>", b"", b"truncated"])
def test_what_is_no_such_file_is_refused(simulated, tmp_path, file, content):
    target = tmp_path / "wrong" / file
    target.parent.mkdir()
    whole = next(simulated.rglob(file)).read_bytes()
    target.write_bytes(whole[: len(whole) // 2] if content == b"truncated" else content)
    with pytest.raises(BadFileError, match=f"{file}.*expected"):
        macaque_it.add(target.parent, SIM, progress=False)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.drop_vars("region"), "expected region among them"),
        (lambda a: a.drop_vars("image_id"), "stimulus_id"),
        (lambda a: a.assign_coords(region=("neuroid", ["V4"] * 7)), "neuroids in V4 .*expected some in IT"),
        (lambda a: xr.concat([a, a], "time_bin"), "2 time bins.*temporal"),
        (lambda a: a.assign_coords(time_bin_start=("time_bin", [80])), r"the first \(80, 170\)"),
        (lambda a: a.assign_coords(variation=("presentation", np.arange(21))), "different values of variation"),
        (lambda a: a.where(a["neuroid_id"] != "site_3"), "site_3 for stimulus hash0 .* 0 other sites of chabo"),
        (lambda a: a.rename(neuroid="channel"), "expected one of presentation × neuroid"),
    ],
)
def test_a_public_file_of_another_form_is_refused(tmp_path, change, message):
    change(public_assembly()).to_netcdf(tmp_path / PUBLIC_FILE)
    with pytest.raises(BadFileError, match=message):
        macaque_it.add(tmp_path, SIM, progress=False)


@pytest.mark.parametrize(
    ("table", "error", "message"),
    [
        ("image_id,name\na,b\n", BadFileError, "expected stimulus_id and filename"),
        ("", BadFileError, r"columns \[\]"),
        ("image_id,filename\na,x.png\na,y.png\n", BadFileError, "2 rows with 1 values of image_id"),
        ("image_id,filename\na,../x.png\n", BadFileError, "values of filename"),
        ("image_id,filename,variation\na,x.png,V6\n", BadFileError, "'V6'"),
        ("stimulus_id,filename\na,x.png\n", MissingDataError, r"1 of 1 images .*x\.png.*stimulus_hvm-public\.zip"),
    ],
)
def test_a_wrong_table_of_public_images_is_told(tmp_path, table, error, message):
    (tmp_path / "stimulus_hvm-public.csv").write_text(table)
    with pytest.raises(error, match=message):
        macaque_it.add(tmp_path, SIM, progress=False)


def test_unknown_names_are_answered_with_the_known_ones(added, tmp_path):
    with pytest.raises(BadInputError, match="expected one of public, majajhong, many-monkeys, coco"):
        macaque_it.open_animal("chabo", "majaj", SIM)
    with pytest.raises(BadInputError, match=r"expected one of chabo\.left, tito\.left"):
        macaque_it.open_animal("solo.left", "majajhong", SIM)
    with pytest.raises(MissingDataError, match=r"none of assy_dicarlo.*openreview"):
        macaque_it.add(tmp_path / "home")
    with pytest.raises(MissingDataError, match="absent"):
        macaque_it.add(tmp_path / "absent")
    (added / "coco_images.json").write_text("[]")
    with pytest.raises(BadFileError, match=r"coco_images\.json"):
        images.read_card(COLLECTIONS["coco"], SIM)


def test_importing_it_loads_no_heavy_library(python_command):
    code = (
        "import json, sys, brainscore_realnet.datasets.macaque_it; "
        "print(json.dumps([name for name in ('h5py', 'xarray', 'pandas', 'PIL') if name in sys.modules]))"
    )
    done = subprocess.run([*python_command, code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
