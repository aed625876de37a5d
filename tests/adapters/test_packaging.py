import json
import os
import random
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet

from brainscore_realnet.adapters.assemblies import eeg_assembly, stimulus_set
from brainscore_realnet.adapters.packaging import into_brainio_home, package_assembly, package_stimulus_set
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, StoreError

CHANNELS = ["Oz", "O1", "O2"]

# Builds the same content in an order of its own, in a process of its own, and prints what was packaged.
PACKAGE = """
import json, sys
from test_packaging import made_set, static_assembly, temporal_assembly
from brainscore_realnet.adapters.packaging import package_assembly, package_stimulus_set
images, target, seed, date = sys.argv[1:]
stimuli = made_set(images, int(seed), int(date))
parts = [package_stimulus_set(stimuli, target)]
parts += [package_assembly(make(stimuli, int(seed)), target) for make in (temporal_assembly, static_assembly)]
print(json.dumps([part.sha1s for part in parts]))
"""

# What a plugin of Brain-Score does; BRAINIO_HOME is read once a process.
LOAD = """
import json, socket, sys
from pathlib import Path
from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly, walk_coords
from brainscore_core.supported_data_standards.brainio.s3 import load_assembly_from_s3, load_stimulus_set_from_s3
from brainscore_realnet.adapters.packaging import package_assembly

def refuse(*_, **__):
    raise SystemExit("went to the network")

socket.socket.connect = refuse
stimulus_arguments, *assembly_arguments = json.loads(sys.argv[1])
stimuli = load_stimulus_set_from_s3(**stimulus_arguments)
told = {
    "identifier": stimuli.identifier,
    "table": stimuli.to_dict("list"),
    "images": {one: stimuli.get_stimulus(one).read_bytes().hex() for one in stimuli["stimulus_id"]},
    "assemblies": [],
}
for arguments in assembly_arguments:
    alone = load_assembly_from_s3(**arguments, cls=NeuroidAssembly)
    assembly = load_assembly_from_s3(**arguments, cls=NeuroidAssembly, stimulus_set_loader=lambda: stimuli)
    assembly.validate()
    told["assemblies"].append({
        "identifier": assembly.attrs["identifier"],
        "set": assembly.stimulus_set.identifier,
        "dims": assembly.dims,
        "dtype": str(assembly.dtype),
        "values": assembly.values.tolist(),
        "coords": {name: [dims, values.tolist()] for name, dims, values in walk_coords(assembly)},
        "again": package_assembly(alone, sys.argv[2]).sha1s[0],
    })
print(json.dumps(told))
"""


def shuffled(items, seed):
    return random.Random(seed).sample(list(items), len(items))


def made_set(folder, seed=0, date=10**9):
    """Three images; the seed shuffles what has no meaning: columns, index labels, the order of paths."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    names = ["b", "C", "a"]
    columns = {
        "stimulus_id": [f"sim_{name}" for name in names],
        "concept": ["00002_bee", "00003_cat", "00001_ant"],
        "object": ["bee", 'a, "quoted" cät', None],
        "event": [2, 3, 1],
        "size": [0.1, 1 / 3, np.nan],
        "animate": [True, False, True],
    }
    stimuli = StimulusSet(
        {column: columns[column] for column in shuffled(columns, seed)}, index=shuffled(range(3), seed)
    )
    paths = {}
    for name in shuffled(names, seed):
        path = folder / f"{name}.{'png' if name == 'a' else 'jpg'}"
        path.write_bytes(f"picture {name}".encode() * 50)
        os.utime(path, (date, date))
        paths[f"sim_{name}"] = path
    stimuli.stimulus_paths = paths
    stimuli.identifier = "SimTiny.v1_test--0123456789ab"
    return stimuli


def in_any_order(assembly, seed):
    """Add the coordinates and attributes in another order."""
    plain = assembly.reset_index(list(assembly.indexes))
    coords = {name: (plain[name].dims, plain[name].values) for name in shuffled(plain.coords, seed)}
    again = NeuroidAssembly(plain.values, coords=coords, dims=plain.dims)
    again.attrs = {name: assembly.attrs[name] for name in shuffled(assembly.attrs, seed)}
    return again


def temporal_assembly(stimuli, seed=0):
    epochs = np.random.default_rng(0).standard_normal((3, 4, len(CHANNELS), 5))
    rows = stimulus_set(
        [
            {"stimulus_id": one, "path": stimuli.stimulus_paths[one], "event": event}
            for one, event in zip(stimuli["stimulus_id"], stimuli["event"], strict=True)
        ],
        "any",
        "0" * 12,
    )
    made = eeg_assembly(epochs, rows, "sub-01", CHANNELS, np.arange(5) / 100, "SimTiny.v1.sub01_test")
    made.attrs |= {"stimulus_set": stimuli, "stimulus_set_identifier": stimuli.identifier, "unit": None}
    return in_any_order(made, seed)


def static_assembly(stimuli, seed=0):
    values = np.random.default_rng(1).standard_normal((3, 4)).astype(np.float32)
    values[1, 2] = np.nan
    made = NeuroidAssembly(
        values,
        coords={
            "stimulus_id": ("presentation", list(stimuli["stimulus_id"])),
            "repetition": ("presentation", [0, 0, 0]),
            "neuroid_id": ("neuroid", [f"site {number}" for number in range(4)]),
            "region": ("neuroid", ["V1", "V1", "V2", ""]),
            "depth": ("neuroid", [0.5, np.nan, 2.0, -1.0]),
            "good": ("neuroid", [True, False, True, True]),
        },
        dims=["presentation", "neuroid"],
    )
    made.attrs = {"identifier": "SimTiny_fmri", "stimulus_set_identifier": stimuli.identifier, "version": 2}
    return in_any_order(made, seed)


@pytest.fixture
def stimuli(tmp_path):
    return made_set(tmp_path / "images")


def run(code, *arguments, **environment):
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code, *map(str, arguments)],
        env={**os.environ, "PYTHONPATH": path, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_brain_score_reads_back_offline_what_was_packaged(tmp_path, stimuli):
    assemblies = [temporal_assembly(stimuli), static_assembly(stimuli)]
    parts = [package_stimulus_set(stimuli, tmp_path / "packages")]
    parts += [package_assembly(assembly, tmp_path / "packages") for assembly in assemblies]
    for part in parts:
        into_brainio_home(part, tmp_path / "brainio")
    arguments = json.dumps([part.loading_arguments() for part in parts])
    told = run(LOAD, arguments, tmp_path / "again", BRAINIO_HOME=str(tmp_path / "brainio"))

    assert told["identifier"] == stimuli.identifier
    assert list(told["table"]) == ["stimulus_id", "filename", "animate", "concept", "event", "object", "size"]
    for column in stimuli.columns:
        pd.testing.assert_series_equal(
            pd.Series(told["table"][column]), stimuli[column].reset_index(drop=True), check_names=False, rtol=1e-15
        )
    assert told["images"] == {one: path.read_bytes().hex() for one, path in stimuli.stimulus_paths.items()}

    for read, assembly, part in zip(told["assemblies"], assemblies, parts[1:], strict=True):
        assert read["identifier"] == assembly.attrs["identifier"]
        assert read["set"] == stimuli.identifier
        assert read["dtype"] == str(assembly.dtype)
        assert tuple(read["dims"]) == assembly.dims
        np.testing.assert_array_equal(np.array(read["values"], dtype=assembly.dtype), assembly.values)
        plain = assembly.reset_index(list(assembly.indexes))
        on = {dim: sorted(name for name in plain.coords if plain[name].dims == (dim,)) for dim in plain.dims}
        assert len(on["neuroid"]) >= 3
        for dim, names in on.items():
            for name in names:
                assert read["coords"][name][0] == [dim]
                np.testing.assert_array_equal(np.array(read["coords"][name][1]), plain[name].values)
        joined = dict(zip(stimuli["stimulus_id"], stimuli["concept"], strict=True))
        assert read["coords"]["concept"][1] == [joined[one] for one in read["coords"]["stimulus_id"][1]]
        assert read["again"] == part.sha1s[0]


def test_bytes_are_the_same_under_any_hash_seed_time_zone_file_date_and_order(tmp_path):
    told = [
        run(PACKAGE, tmp_path / f"images {seed}", tmp_path / f"to {seed}", seed, date, PYTHONHASHSEED=hashing, TZ=zone)
        for seed, date, hashing, zone in (
            (0, 10**9, "0", "UTC"),
            (1, 5 * 10**8, "1", "Asia/Tokyo"),
            (2, 10**9 + 3601, "random", "America/New_York"),
        )
    ]
    assert told[0] == told[1] == told[2]
    assert [len(sha1s) for sha1s in told[0]] == [2, 1, 1]


def test_archive_is_flat_sorted_stored_and_without_dates_or_owners(tmp_path, stimuli):
    path = stimuli.stimulus_paths["sim_a"]
    path.chmod(0o600)
    _, archive = package_stimulus_set(stimuli, tmp_path).files
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        entries = opened.infolist()
        assert opened.read("a.png") == path.read_bytes()
    assert [entry.filename for entry in entries] == ["C.jpg", "a.png", "b.jpg"]
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    assert {(entry.compress_type, entry.external_attr >> 16, entry.extra) for entry in entries} == {(0, 0o100644, b"")}


def test_netcdf_objects_carry_no_time_stamp(tmp_path, stimuli):
    with h5py.File(package_assembly(static_assembly(stimuli), tmp_path).files[0]) as file:
        assert {h5py.h5g.get_objinfo(file.id, name.encode()).mtime for name in file} == {0}
        assert file["data"].attrs["coordinates"].split() == sorted(file["data"].attrs["coordinates"].split())


def test_content_decides_about_the_bytes(tmp_path, stimuli):
    before = package_stimulus_set(stimuli, tmp_path / "1").sha1s
    reversed_rows = stimuli.iloc[::-1]
    assert [
        one == two for one, two in zip(package_stimulus_set(reversed_rows, tmp_path / "2").sha1s, before, strict=True)
    ] == [False, True]
    stimuli.stimulus_paths["sim_a"].write_bytes(b"another picture")
    assert [
        one == two for one, two in zip(package_stimulus_set(stimuli, tmp_path / "3").sha1s, before, strict=True)
    ] == [True, False]
    assembly = static_assembly(stimuli)
    sha1 = package_assembly(assembly, tmp_path).sha1s
    assembly[0, 0] += 1
    assert package_assembly(assembly, tmp_path).sha1s != sha1


def test_what_is_packaged_stays_as_it_was(tmp_path, stimuli):
    assembly = temporal_assembly(stimuli)
    attributes, indexes, columns = dict(assembly.attrs), {**assembly.indexes}, list(stimuli.columns)
    table, paths = pd.DataFrame(stimuli).copy(), dict(stimuli.stimulus_paths)
    values = assembly.values.copy()
    package_stimulus_set(stimuli, tmp_path)
    package_assembly(assembly, tmp_path)
    pd.testing.assert_frame_equal(pd.DataFrame(stimuli), table)
    assert (list(stimuli.columns), stimuli.stimulus_paths) == (columns, paths)
    assert assembly.attrs == attributes
    assert all(assembly.indexes[name].equals(index) for name, index in indexes.items())
    np.testing.assert_array_equal(assembly.values, values)


def test_files_are_named_as_brain_score_names_them(tmp_path, stimuli):
    packaged = package_stimulus_set(stimuli, tmp_path)
    assert [path.name for path in packaged.files] == [
        "stimulus_SimTiny_v1_test--0123456789ab.csv",
        "stimulus_SimTiny_v1_test--0123456789ab.zip",
    ]
    assert packaged.loading_arguments("bucket/folder") == {
        "identifier": "SimTiny.v1_test--0123456789ab",
        "bucket": "bucket/folder",
        "csv_sha1": packaged.sha1s[0],
        "csv_version_id": "null",
        "zip_sha1": packaged.sha1s[1],
        "zip_version_id": "null",
    }
    packaged = package_assembly(temporal_assembly(stimuli), tmp_path)
    assert [path.name for path in packaged.files] == ["assy_SimTiny_v1_sub01_test.nc"]
    assert set(packaged.loading_arguments()) == {"identifier", "bucket", "version_id", "sha1"}
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".")) == []


def test_memory_mapped_values_are_not_copied_into_memory(tmp_path, stimuli):
    # In a process of its own: tracemalloc sees what NumPy asks for, and not the pages of the map.
    code = """
import json, sys, tracemalloc
import numpy as np
from test_packaging import CHANNELS, made_set
from brainscore_realnet.adapters.assemblies import eeg_assembly
from brainscore_realnet.adapters.packaging import package_assembly
data = np.lib.format.open_memmap(sys.argv[1] + "/epochs.npy", "w+", float, (3, 1000, 17, 100))
stimuli = made_set(sys.argv[1]).drop(columns="object")
assembly = eeg_assembly(data, stimuli, "sub-01", [f"E{n}" for n in range(17)], np.arange(100) / 100, "SimBig")
tracemalloc.start()
package_assembly(assembly, sys.argv[1])
print(json.dumps([tracemalloc.get_traced_memory()[1], data.nbytes]))
"""
    peak, size = run(code, tmp_path)
    assert peak < 0.25 * size


def test_packaged_files_are_verified_when_copied(tmp_path, stimuli):
    packaged = package_stimulus_set(stimuli, tmp_path)
    copies = into_brainio_home(packaged, tmp_path / "home")
    assert copies == [
        tmp_path / "home" / sha1 / path.name for sha1, path in zip(packaged.sha1s, packaged.files, strict=True)
    ]
    copies[0].write_bytes(b"broken")
    assert into_brainio_home(packaged, tmp_path / "home") == copies
    assert copies[0].read_bytes() == packaged.files[0].read_bytes()
    packaged.files[1].write_bytes(b"another archive")
    with pytest.raises(BadFileError, match=r"\.zip with sha1 .*expected .*again"):
        into_brainio_home(packaged, tmp_path / "elsewhere")
    packaged.files[0].unlink()
    with pytest.raises(MissingDataError, match=r"\.csv"):
        into_brainio_home(packaged, tmp_path / "nowhere")


def test_a_file_in_the_way_is_told(tmp_path, stimuli):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="file"):
        package_stimulus_set(stimuli, tmp_path / "file")


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda s: setattr(s, "identifier", None), BadInputError, "identifier None"),
        (lambda s: setattr(s, "identifier", "a/b"), BadInputError, "identifier 'a/b'"),
        (lambda s: s.drop(columns="stimulus_id", inplace=True), BadInputError, "a column stimulus_id"),
        (lambda s: s.drop(index=list(s.index), inplace=True), BadInputError, "got 0 stimuli"),
        (lambda s: s.__setitem__("stimulus_id", ["sim_b", np.nan, "sim_a"]), BadInputError, "1 stimuli without"),
        (lambda s: s.__setitem__("stimulus_id", ["sim_b", "sim_b", "sim_a"]), BadInputError, "stimulus_id occur more"),
        (lambda s: s.stimulus_paths.pop("sim_C"), MissingDataError, r"1 of 3 stimuli, the first sim_C \(None\)"),
        (lambda s: s.stimulus_paths["sim_a"].unlink(), MissingDataError, r"sim_a \(.*a\.png"),
        (lambda s: setattr(s, "stimulus_paths", None), MissingDataError, "3 of 3 stimuli"),
        (lambda s: s.__setitem__("code", ["007", "8", "9"]), BadInputError, "'007' in column code.* as 7"),
        (lambda s: s.__setitem__("code", ["x", "NA", "z"]), BadInputError, "'NA' in column code.* as nan"),
        (lambda s: s.__setitem__("code", ["x", "", "z"]), BadInputError, "'' in column code"),
        (lambda s: s.__setitem__(7, ["x", "y", "z"]), BadInputError, "different names of text"),
    ],
)
def test_a_stimulus_set_that_would_not_come_back_is_refused(tmp_path, stimuli, change, error, message):
    change(stimuli)
    with pytest.raises(error, match=message):
        package_stimulus_set(stimuli, tmp_path / "packages")
    assert not list(tmp_path.glob("packages/*"))


@pytest.mark.parametrize(
    ("name", "message"),
    [("B.JPG", "file name occur more than once"), ("x.zip", "Rename"), ("x.csv", "Rename"), ("x\\y.png", "Rename")],
)
def test_file_names_that_brain_score_would_lose_are_refused(tmp_path, stimuli, name, message):
    path = tmp_path / "other" / name
    path.parent.mkdir()
    path.write_bytes(b"picture")
    stimuli.stimulus_paths["sim_C"] = path
    with pytest.raises(BadInputError, match=message):
        package_stimulus_set(stimuli, tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a: a.assign_attrs(identifier=None), "identifier'] None"),
        (lambda a: a.assign_attrs(identifier="../up"), r"'\.\./up'"),
        (lambda a: a.assign_attrs(settings={"a": 1}), "attribute 'settings' of dict"),
        (lambda a: a.rename(neuroid="voxel"), "got dimensions .*voxel"),
        (lambda a: a.isel(neuroid=slice(0)), "none of them empty"),
        (lambda a: a.astype(complex), "complex128"),
        (lambda a: a.astype(np.float16), "float16"),
        (lambda a: a.reset_index("neuroid").drop_vars(["region", "depth"]), "on neuroid; expected at least 3"),
        (lambda a: a.reset_index("presentation").rename(stimulus_id="image"), "among them stimulus_id"),
        (lambda a: a.assign_coords({"two words": ("neuroid", [1, 2, 3, 4])}), "'two words'"),
        (lambda a: a.assign_coords(mixed=("neuroid", np.array([1, "a", 2, 3], dtype=object))), "'mixed' of object"),
        (lambda a: a.assign_coords(gap=("neuroid", np.array(["a", None, "b", "c"], dtype=object))), "'gap'"),
        (
            lambda a: a.reset_index("presentation").assign_coords(stimulus_id=("presentation", [1, np.nan, 2])),
            "NaN in stimulus_id",
        ),
    ],
)
def test_an_assembly_that_would_not_come_back_is_refused(tmp_path, stimuli, change, message):
    with pytest.raises(BadInputError, match=message):
        package_assembly(change(static_assembly(stimuli)), tmp_path / "packages")
    assert not list(tmp_path.glob("packages/*"))
