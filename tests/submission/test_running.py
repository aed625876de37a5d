import io
from contextlib import redirect_stderr

import pytest
from broken_plugins import good_benchmark_plugin, good_data_plugin, good_model_plugin

from brainscore_realnet.submission.checking.running import found_by_running
from brainscore_realnet.submission.layout import Plugin, Submission

CHECKS = {
    "models/sim_tiny_cnn": {
        *("loads", "identifier", "cacheable", "bibtex", "regions", "determinism", "mixed up", "behaviour"),
        *("own network", "recording", "generic tests", "plugin tests", "network", "writes", "imports when run"),
    },
    "data/sim_tiny_2026": {
        *("loads", "identifier", "stimuli", "assembly", "plugin tests", "network", "writes", "imports when run"),
    },
    "benchmarks/sim_tiny_2026": {
        *("loads", "identifier", "described", "ceiling", "score", "error", "determinism", "plugin tests"),
        *("network", "writes", "imports when run"),
    },
}


def plugin_in(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return Plugin(folder.parent.name, folder.name, {str(path.relative_to(folder)): path.read_bytes() for path in files})


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("good")
    good = [plugin_in(make(folder)) for make in (good_model_plugin, good_data_plugin, good_benchmark_plugin)]
    with pytest.MonkeyPatch.context() as patch, redirect_stderr(io.StringIO()) as told:
        patch.setenv("BRAINIO_HOME", str(folder / "brainio"))
        found = found_by_running(Submission("good", tuple(good)), n_images=4, progress=True)
    return found, told.getvalue().splitlines()


def test_good_plugins_fail_nothing(found):
    assert [one for one in found[0] if one.status in ("fail", "not run")] == []


@pytest.mark.parametrize("plugin", CHECKS)
def test_every_check_has_a_line(found, plugin):
    assert {one.check for one in found[0] if one.plugin == plugin} == CHECKS[plugin]


def test_a_recording_is_told_with_time_and_memory(found):
    (recording,) = [one.found for one in found[0] if one.check == "recording"]
    assert recording.startswith("4 images, four regions in turn: ")
    assert recording.endswith(" GB")


def test_a_score_without_an_error_is_noted(found):
    assert [one.check for one in found[0] if one.status == "note"] == ["error"]


def test_each_step_is_told_on_standard_error(found):
    steps = {
        name: ("questions", "recording of sim-tiny-cnn", "generic tests", "plugin tests")
        for name in CHECKS
        if name.startswith("models")
    }
    steps |= {name: ("questions", "plugin tests") for name in CHECKS if name not in steps}
    assert found[1] == [f"{plugin}: {step}" for plugin in CHECKS for step in steps[plugin]]


def test_a_plugin_that_registers_nothing_is_not_run():
    (found,) = found_by_running(Submission("none", (Plugin("models", "none", {"__init__.py": b""}),)))
    assert (found.check, found.status) == ("loads", "not run")
