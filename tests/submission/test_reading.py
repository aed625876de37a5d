import stat
import zipfile

import pytest
from broken_plugins import good_benchmark_plugin, good_data_plugin, good_model_plugin

from brainscore_realnet.errors import BadInputError, MissingDataError, UnsafeFileError
from brainscore_realnet.submission.checking import reading
from brainscore_realnet.submission.checking.reading import label, opened
from brainscore_realnet.submission.layout import write


@pytest.fixture
def folder(tmp_path):
    good_model_plugin(tmp_path / "sim")
    good_data_plugin(tmp_path / "sim")
    good_benchmark_plugin(tmp_path / "sim")
    return tmp_path / "sim"


def zipped(path, files, folders=("sim/",)):
    with zipfile.ZipFile(path, "w") as archive:
        for entry in (*((name, "") for name in folders), *files.items()):
            archive.writestr(*entry)
    return path


def labels(read):
    return {label(plugin) for plugin in read.submission.plugins}


ALL = {"models/sim_tiny_cnn", "data/sim_tiny_2026", "benchmarks/sim_tiny_2026"}
PLUGIN = {"sim/models/one/__init__.py": 'model_registry["sim-one"] = 1\n'}


def test_a_folder_and_its_zip_are_the_same_submission(folder, tmp_path):
    from_folder = opened(folder)
    _, archive = write(from_folder.submission, tmp_path / "out")
    from_zip = opened(archive)
    assert labels(from_folder) == ALL
    assert from_zip.submission.name == from_folder.submission.name == "sim"
    assert from_zip.submission.files == from_folder.submission.files
    assert from_zip.entries is not None
    assert "sim/models/" in from_zip.entries
    assert from_zip.n_bytes == archive.stat().st_size
    assert from_folder.entries is None
    assert set(from_folder.folders) == ALL
    assert not from_zip.folders


def test_the_zip_of_an_export_is_read_with_the_seeds_beside_it(folder, tmp_path):
    write(opened(folder).submission, tmp_path / "out")
    (tmp_path / "out" / "uploads.json").write_text("{}")
    (tmp_path / "out" / "weights").mkdir()
    for path in (tmp_path / "out", tmp_path / "out" / "sim.zip", tmp_path / "out" / "sim"):
        read = opened(path)
        assert labels(read) == ALL
        assert read.weights == tmp_path / "out" / "weights"
        assert read.data is None
    assert opened(tmp_path / "out").entries is not None


def test_folders_beside_are_no_seeds_without_uploads(folder):
    (folder.parent / "weights").mkdir()
    assert opened(folder).weights is None


def test_an_export_with_two_zips_asks_for_one(folder, tmp_path):
    write(opened(folder).submission, tmp_path / "out")
    (tmp_path / "out" / "uploads.json").write_text("{}")
    zipped(tmp_path / "out" / "other.zip", PLUGIN)
    with pytest.raises(BadInputError, match=r"2 submissions \(other.zip, sim.zip\)"):
        opened(tmp_path / "out")


def test_a_single_plugin_has_the_type_of_its_parent(tmp_path):
    path = good_model_plugin(tmp_path)
    read = opened(path)
    assert labels(read) == {"models/sim_tiny_cnn"}
    assert read.folders == {"models/sim_tiny_cnn": path}


def test_a_single_plugin_elsewhere_has_the_type_of_the_registry_it_names(tmp_path):
    path = good_data_plugin(tmp_path).rename(tmp_path / "elsewhere")
    assert labels(opened(path)) == {"data/elsewhere"}


def test_a_plugin_that_names_two_registries_cannot_be_told(tmp_path):
    path = good_data_plugin(tmp_path).rename(tmp_path / "elsewhere")
    with open(path / "__init__.py", "a") as file:
        file.write("# not a model_registry\n")
    with pytest.raises(BadInputError, match=r"names 2 types of Brain-Score's registries.*folder called models or"):
        opened(path)


def test_what_tools_leave_behind_is_left_out(folder):
    plugin = folder / "models" / "sim_tiny_cnn"
    for path in ("__pycache__/model.cpython-311.pyc", ".git/HEAD", ".DS_Store", "model.pyc"):
        (plugin / path).parent.mkdir(exist_ok=True)
        (plugin / path).write_bytes(b"x")
    (found,) = (one for one in opened(folder).submission.plugins if one.type == "models")
    assert set(found.files) == {"__init__.py", "model.py", "test.py", "metadata.yaml", "requirements.txt"}


def test_files_outside_of_plugins_are_named(folder, tmp_path):
    (folder / "README.md").write_text("x")
    (folder / "models" / "notes.txt").write_text("x")
    assert opened(folder).loose == ("README.md", "models/notes.txt")
    archive = zipped(tmp_path / "one.zip", {**PLUGIN, "sim/README.md": "x"})
    assert opened(archive).loose == ("sim/README.md",)


def test_a_zip_with_several_roots_is_read_all_the_same(tmp_path):
    archive = zipped(tmp_path / "two.zip", {**PLUGIN, "other/data/two/__init__.py": "", "__MACOSX/._x": "x"})
    read = opened(archive)
    assert labels(read) == {"models/one", "data/two"}
    assert read.entries is not None
    assert "__MACOSX/._x" in read.entries


def test_a_zip_without_root_is_read_all_the_same(tmp_path):
    read = opened(zipped(tmp_path / "flat.zip", {"models/one/__init__.py": ""}, ()))
    assert labels(read) == {"models/one"}
    assert read.submission.name == "flat"


@pytest.mark.parametrize("files", [{}, {"sim/readme.txt": "x"}])
def test_a_zip_without_plugin_is_an_empty_submission(tmp_path, files):
    assert opened(zipped(tmp_path / "empty.zip", files)).submission.plugins == ()


def test_a_zip_that_leads_out_of_its_folder_is_refused(tmp_path):
    with pytest.raises(UnsafeFileError, match="leads out of its folder"):
        opened(zipped(tmp_path / "evil.zip", {**PLUGIN, "sim/../../evil.py": "x"}))
    assert not (tmp_path.parent / "evil.py").exists()


def test_a_zip_with_a_link_is_refused(tmp_path):
    link = zipfile.ZipInfo("sim/models/one/link")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(UnsafeFileError, match="link or device"):
        opened(tmp_path / "link.zip")


def repeated(archive):
    with pytest.warns(UserWarning, match=r"Duplicate name"):
        archive.writestr("sim/models/one/__init__.py", "")


UNSAFE = {
    "sim/models/one/__init__.py' has a name that stands twice": repeated,
    r"models\\\\one.py' has a backslash": lambda archive: archive.writestr("sim/models\\one.py", ""),
    "zeros.bin' has 2000000 bytes in": lambda archive: archive.writestr(
        "sim/models/one/zeros.bin", bytes(2_000_000), zipfile.ZIP_DEFLATED
    ),
}


@pytest.mark.parametrize("got", UNSAFE)
def test_who_made_an_unsafe_zip_is_told_to_zip_again(tmp_path, got):
    path = zipped(tmp_path / "sim.zip", PLUGIN)
    with zipfile.ZipFile(path, "a") as archive:
        UNSAFE[got](archive)
    with pytest.raises(UnsafeFileError, match=rf"{got}.*: expected plain files.*zip -r sim.zip sim") as raised:
        opened(path)
    assert "publisher" not in str(raised.value)


def test_far_too_many_files_are_refused_before_they_are_unpacked(folder, tmp_path, monkeypatch):
    archive = write(opened(folder).submission, tmp_path / "out")[1]
    monkeypatch.setattr(reading, "MOST_FILES", 4)
    for path in (archive, folder, folder / "models" / "sim_tiny_cnn"):
        with pytest.raises(BadInputError, match=r"with \d+ files, expected at most 4: .* Remove the other files"):
            opened(path)


def test_what_is_far_too_large_is_refused_before_it_is_unpacked(folder, tmp_path, monkeypatch):
    archive = write(opened(folder).submission, tmp_path / "out")[1]
    monkeypatch.setattr(reading, "LARGEST_BYTES", 1000)
    for path in (archive, folder, folder / "models" / "sim_tiny_cnn"):
        with pytest.raises(BadInputError, match=r"expected at most .* neither weights nor data"):
            opened(path)


def test_nothing_is_left_in_the_temporary_folder(tmp_path, monkeypatch):
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr(reading.tempfile, "tempdir", str(tmp_path / "temporary"))
    opened(zipped(tmp_path / "one.zip", PLUGIN))
    assert not list((tmp_path / "temporary").iterdir())


def test_a_link_to_a_file_is_read_and_one_to_a_folder_refused(tmp_path):
    plugin = good_model_plugin(tmp_path)
    (plugin / "model.py").rename(tmp_path / "kept.py")
    (plugin / "model.py").symlink_to(tmp_path / "kept.py")
    assert b"TinyCNN" in opened(plugin).submission.plugins[0].files["model.py"]
    (plugin / "more").symlink_to(tmp_path)
    with pytest.raises(BadInputError, match="a link to a folder"):
        opened(plugin)


def test_a_link_that_leads_nowhere_is_refused(tmp_path):
    plugin = good_model_plugin(tmp_path)
    (plugin / "gone.py").symlink_to(tmp_path / "absent")
    with pytest.raises(MissingDataError, match="leads nowhere"):
        opened(plugin)


def test_other_paths_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "page.zip").write_text("<html>")
    for path, got in (
        ("absent", r"absent, which is not there"),
        ("empty", r"empty, which holds no plugin"),
        ("page.zip", r"page.zip, which is no zip"),
    ):
        with pytest.raises(BadInputError, match=rf"{got}.*expected a zip, a folder with models/"):
            opened(tmp_path / path)
