import re
import zipfile

import pytest
from broken_plugins import (
    BREAKS,
    adding,
    breaking,
    good_benchmark_plugin,
    good_data_plugin,
    good_model_plugin,
    identified,
    removing,
    replacing,
)

from brainscore_realnet.submission.checking.check import OF_PLUGINS, OF_SUBMISSIONS, found_by_text
from brainscore_realnet.submission.checking.naming import library
from brainscore_realnet.submission.checking.reading import opened
from brainscore_realnet.submission.checking.registrations import registered, scanned
from brainscore_realnet.submission.layout import write

GOOD = [good_model_plugin, good_data_plugin, good_benchmark_plugin]


def found(path, check, form="website"):
    """Make one check of what is at a path; for several plugins the worst is given."""
    read = opened(path)
    if check in OF_SUBMISSIONS:
        return OF_SUBMISSIONS[check](read, form)
    all_found = [one for plugin in read.submission.plugins if (one := OF_PLUGINS[check](plugin, read)) is not None]
    return min(all_found, key=lambda one: ("fail", "note", "not run", "pass").index(one.status))


@pytest.mark.parametrize("name", BREAKS)
def test_what_is_broken_fails_its_check_and_says_what_to_do(name, tmp_path):
    breaking(tmp_path, name)
    one = found(tmp_path, BREAKS[name].check)
    assert (one.status, bool(one.found), bool(one.advice)) == ("fail", True, True), one


def test_every_check_of_plugins_has_something_that_breaks_it():
    assert {one.check for one in BREAKS.values()} >= set(OF_PLUGINS)


@pytest.mark.parametrize("form", ["website", "pull-request"])
@pytest.mark.parametrize("kind", ["folder", "zip"])
def test_good_plugins_pass_every_check(tmp_path, form, kind):
    for good in GOOD:
        good(tmp_path / "sim")
    path = tmp_path / "sim" if kind == "folder" else write(opened(tmp_path / "sim").submission, tmp_path / "out")[1]
    all_found = found_by_text(opened(path), form)
    assert {one.status for one in all_found} == {"pass"}, [one for one in all_found if one.status != "pass"]
    assert {one.check for one in all_found} == {*OF_SUBMISSIONS, *OF_PLUGINS}
    (registrations,) = (one for one in all_found if (one.check, one.plugin[:6]) == ("registrations", "models"))
    assert registrations.found == "1 identifier: sim-tiny-cnn"


ROOT = {"sim/": "", "sim/models/one/__init__.py": "", "sim/models/one/test.py": ""}
ARCHIVES = {
    "two roots": ({**ROOT, "more/readme.txt": ""}, "2 folders or files at the root"),
    "no root": ({"models/": "", "models/one/__init__.py": ""}, "1 folders or files at the root \\(models\\)"),
    "what macOS adds": ({**ROOT, "__MACOSX/._sim": ""}, "__MACOSX at the root"),
    "no entries of folders": (
        {name: text for name, text in ROOT.items() if not name.endswith("/")},
        "no entries for folders",
    ),
    "no plugin": ({"sim/": "", "sim/one/__init__.py": ""}, "it holds no plugin"),
}


@pytest.mark.parametrize("name", ARCHIVES)
def test_archives_that_the_website_stumbles_over_fail(name, tmp_path):
    entries, message = ARCHIVES[name]
    with zipfile.ZipFile(tmp_path / "sim.zip", "w") as archive:
        for entry, text in entries.items():
            archive.writestr(entry, text)
    one = found(tmp_path / "sim.zip", "archive")
    assert one.status == "fail"
    assert re.search(message, one.found), one.found
    assert one.advice


def test_the_website_takes_five_identifiers_and_a_pull_request_any_number(tmp_path):
    for number in range(6):
        good_model_plugin(tmp_path, f"sim-{number}", f"sim_{number}")
    assert found(tmp_path, "archive").found == "6 identifiers, the website takes 5"
    assert found(tmp_path, "archive", "pull-request").status == "pass"


def test_the_website_takes_fifty_megabytes(tmp_path):
    plugin = good_model_plugin(tmp_path)
    (plugin / "table.csv").write_bytes(50_000_000 * b"1")
    assert "50.0 MB, the website takes 50 MB" in found(plugin, "archive").found
    assert found(plugin, "archive", "pull-request").status == "pass"


def test_what_belongs_to_no_plugin_is_noted(tmp_path):
    good_model_plugin(tmp_path)
    (tmp_path / "README.md").write_text("x")
    assert found(tmp_path, "archive").found == "README.md belongs to no plugin"


def test_one_identifier_in_two_plugins_fails(tmp_path):
    good_model_plugin(tmp_path, name="one")
    good_model_plugin(tmp_path, name="two")
    one = found(tmp_path, "duplicates")
    assert one.status == "fail"
    assert "models/one, line 7 and models/two, line 7" in one.found


def test_data_and_benchmarks_may_share_an_identifier(tmp_path):
    good_data_plugin(tmp_path, "SimSame")
    good_benchmark_plugin(tmp_path, "SimSame")
    assert found(tmp_path, "duplicates").status == "pass"


def test_an_identifier_that_is_taken_but_for_its_case_is_noted(tmp_path):
    plugin = good_model_plugin(tmp_path)
    identified("AlexNet")(plugin)
    one = found(plugin, "collisions")
    assert (one.status, one.found) == ("note", "AlexNet differs by case only from one of models/alexnet")


def test_a_copy_of_an_installed_plugin_collides_and_the_installed_one_does_not(tmp_path):
    pixels = library() / "models" / "pixels"
    (tmp_path / "models").mkdir()
    copy = tmp_path / "models" / "pixels"
    copy.mkdir()
    for file in pixels.glob("*.py"):
        (copy / file.name).write_bytes(file.read_bytes())
    for check in ("layout", "collisions"):
        assert (found(copy, check).status, found(pixels, check).status) == ("fail", "pass")
    assert found(copy, "collisions").found == "pixels is registered by models/pixels"


def test_registries_are_followed_under_other_names(tmp_path):
    plugin = good_model_plugin(tmp_path)
    replacing("__init__.py", "import model_registry", "import model_registry as known")(plugin)
    replacing("__init__.py", "model_registry[", "known[")(plugin)
    assert "model_registry['sim-tiny-cnn'] is not found by the text scan" in found(plugin, "registrations").found


def test_an_attribute_of_the_library_is_a_registry_too(tmp_path):
    plugin = good_model_plugin(tmp_path)
    replacing("__init__.py", "from brainscore_vision import model_registry", "import brainscore_vision")(plugin)
    replacing("__init__.py", "model_registry[", "brainscore_vision.model_registry[")(plugin)
    assert found(plugin, "registrations").status == "pass"
    assert found(plugin, "parser").status == "pass"


def test_a_registry_that_is_only_looked_into_is_no_matter(tmp_path):
    plugin = good_model_plugin(tmp_path)
    adding("__init__.py", 'assert "sim-tiny-cnn" in model_registry\n')(plugin)
    adding("__init__.py", "print(len(model_registry), sorted(model_registry))\n")(plugin)
    adding("test.py", "\nfrom brainscore_vision import model_registry\nmodel_registry.copy()\n")(plugin)
    assert found(plugin, "registrations").status == "pass"


@pytest.mark.parametrize("text", ["_known = {}", "del {}", "try:\n    print({})\nfinally:\n    pass"])
def test_a_registration_that_is_read_again_is_told_with_its_line(tmp_path, text):
    plugin = good_model_plugin(tmp_path)
    adding("__init__.py", text.format('model_registry["sim-tiny-cnn"]') + "\n")(plugin)
    assert re.fullmatch(r"reads 'sim-tiny-cnn' again in line [89]", found(plugin, "parser").found)


def test_lines_and_identifiers_of_registrations_are_told(tmp_path):
    plugin = opened(good_data_plugin(tmp_path)).submission.plugins[0]
    expected = [("stimulus_set_registry", "SimTiny2026", 7), ("data_registry", "SimTiny2026", 8)]
    for one in (registered(plugin)[0], scanned(plugin.files["__init__.py"].decode(), "data")):
        assert [(each.registry, each.identifier, each.line) for each in one] == expected


def test_checks_that_need_code_are_not_run_where_it_cannot_be_read(tmp_path):
    plugin = good_model_plugin(tmp_path)
    adding("__init__.py", "return = 1\n")(plugin)
    assert found(plugin, "syntax").status == "fail"
    assert {found(plugin, check).status for check in ("registrations", "parser")} == {"not run"}


@pytest.mark.parametrize("content", [b"x = '\0'\n", b"# coding: sim\n", b"\xff\n", b"x = " + 500 * b"(" + 500 * b")"])
def test_files_of_any_content_are_judged(tmp_path, content):
    plugin = good_model_plugin(tmp_path)
    (plugin / "__init__.py").write_bytes(content)
    all_found = found_by_text(opened(plugin))
    assert "fail" in {one.status for one in all_found if one.check == "syntax"}


HARD_TO_READ = {
    "registrations": ("__init__.py", "model_registry[{}] = 1\n".format("+".join(400 * ['"a"']))),
    "imports": ("model.py", "import sim_unheard_of\nif {}: pass\n".format("+".join(400 * ["a"]))),
    "requirements": ("requirements.txt", f"torch; {900 * '('}python_version>'3'{900 * ')'}\n"),
    "files": ("environment.yml", 2000 * "["),
}


@pytest.mark.parametrize("check", HARD_TO_READ)
def test_what_is_nested_too_deeply_is_judged(tmp_path, check):
    plugin = good_model_plugin(tmp_path)
    adding(*HARD_TO_READ[check])(plugin)
    assert (found(plugin, check).status, bool(found(plugin, check).advice)) == ("fail", True)


def test_what_a_terminal_would_obey_is_escaped(tmp_path):
    plugin = good_model_plugin(tmp_path, name="sim\x1b[31m\udcff")
    adding("__init__.py", 'model_registry["sim-\\ud800"] = 1\n')(plugin)
    all_found = found_by_text(opened(plugin))
    assert {one.plugin for one in all_found[2:]} == {r"models/sim\x1b[31m\udcff"}
    assert all(text.isprintable() for one in all_found for text in (one.plugin, one.found, one.advice))


def test_small_data_of_tests_are_noted(tmp_path):
    plugin = good_model_plugin(tmp_path)
    adding("test_resources/responses.nc", b"CDF")(plugin)
    assert found(plugin, "files").found == "test_resources/responses.nc holds data (0.0 MB)"
    assert found(plugin, "files").status == "note"
    adding("test_resources/responses.nc", bytes(1_200_000))(plugin)
    assert found(plugin, "files").status == "fail"
    removing("test_resources/responses.nc")(plugin)
    adding("test_resources/weights.pt", b"x")(plugin)
    assert found(plugin, "files").status == "fail"


def test_what_is_not_forbidden_is_noted(tmp_path):
    plugin = good_model_plugin(tmp_path)
    adding(".env", "x")(plugin)
    assert (found(plugin, "files").status, found(plugin, "files").found) == ("note", ".env is hidden")
    (plugin / "test.py").write_text("x = 1\n")
    assert (found(plugin, "tests").status, found(plugin, "tests").found) == ("note", "test.py has no test")
    removing("test.py")(plugin)
    assert found(plugin, "tests").found == "no test.py"


def test_large_text_is_allowed(tmp_path):
    plugin = good_model_plugin(tmp_path)
    (plugin / "table.csv").write_bytes(1_200_000 * b"1")
    assert found(plugin, "files").status == "pass"


def test_models_without_bibtex_or_with_a_broken_one_are_noted(tmp_path):
    plugin = good_model_plugin(tmp_path)
    replacing("model.py", "  year={2026},\n", "")(plugin)
    assert (found(plugin, "bibtex").status, found(plugin, "bibtex").found) == ("note", "bibtex sim_tiny_cnn lacks year")
    replacing("model.py", "def get_bibtex", "def get_reference")(plugin)
    assert found(plugin, "bibtex").found.startswith("no get_bibtex in model.py")


def test_bibtex_that_stands_elsewhere_is_left_to_the_run(tmp_path):
    plugin = good_benchmark_plugin(tmp_path)
    replacing("benchmark.py", "bibtex=BIBTEX", "bibtex=REFERENCE")(plugin)
    assert [one for one in found_by_text(opened(plugin)) if one.check == "bibtex"] == []


def test_an_export_whose_folder_was_changed_after_zipping_fails(tmp_path):
    good_model_plugin(tmp_path / "sim")
    out = tmp_path / "out"
    write(opened(tmp_path / "sim").submission, out)
    (out / "uploads.json").write_text("{}")
    assert found(out, "archive").status == "pass"
    (out / "sim" / "models" / "sim_tiny_cnn" / "metadata.yaml").write_text("garbage: [")
    judged = found(out, "archive")
    assert (judged.status, judged.found) == (
        "fail",
        "models/sim_tiny_cnn/metadata.yaml differs between the folder and the zip",
    )


def test_two_entries_of_bibtex_fail(tmp_path):
    plugin = good_benchmark_plugin(tmp_path)
    replacing("benchmark.py", '}"""', '}\n@misc{two, title={Two}, author={N, N}, year={2026}, doi={1}}"""')(plugin)
    assert found(plugin, "bibtex").found == "bibtex with 2 entries, expected one"


def test_many_problems_are_told_in_part(tmp_path):
    plugin = good_model_plugin(tmp_path)
    for number in range(9):
        adding(f"weights{number}.pt", b"x")(plugin)
    assert found(plugin, "files").found.endswith("; and 4 more")
