import io
from contextlib import redirect_stderr

import pytest
from broken_plugins import adding, both, good_benchmark_plugin, good_data_plugin, good_model_plugin, replacing

from brainscore_realnet.scoring.bibtex import problems_of_bibtex
from brainscore_realnet.submission.checking.probes.benchmarks import wrong_bibtex
from brainscore_realnet.submission.checking.reading import opened
from brainscore_realnet.submission.checking.running import found_by_running
from brainscore_realnet.submission.layout import Plugin, Submission

OF_MODELS = {
    *("loads", "identifier", "cacheable", "bibtex", "regions", "determinism", "mixed up", "behaviour"),
    *("own network", "recording", "generic tests", "plugin tests", "network", "writes", "reads", "imports when run"),
}
CHECKS = {
    "models/sim_tiny_cnn": OF_MODELS,
    "models/sim_layers": OF_MODELS,
    "data/sim_tiny_2026": {
        *(
            "loads",
            "identifier",
            "stimuli",
            "assembly",
            "plugin tests",
            "network",
            "writes",
            "reads",
            "imports when run",
        ),
    },
    "benchmarks/sim_tiny_2026": {
        *("loads", "identifier", "described", "ceiling", "score", "error", "determinism", "plugin tests"),
        *("network", "writes", "reads", "imports when run"),
    },
}
MODELS = {"models/sim_tiny_cnn": ("sim-tiny-cnn",), "models/sim_layers": ("sim-layers", "sim-video")}

VIDEO = """

class TinyVideo(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = torch.nn.Conv3d(3, 4, 3), torch.nn.Conv3d(4, 4, (1, 3, 3))

    def forward(self, clips):
        return self.second(torch.relu(self.first(clips)))


def get_video_model(identifier):
    from brainscore_vision.model_helpers.activations.temporal.model import PytorchWrapper

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = TinyVideo().eval()
    wrapper = PytorchWrapper(
        identifier,
        network,
        lambda video: torch.as_tensor(video.set_size((16, 16)).to_numpy()).permute(3, 0, 1, 2).float() / 255,
        layer_activation_format={"first": "CTHW", "second": "CTHW"},
        fps=5,
        max_workers=1,
    )
    regions = {"V1": "first", "V2": "first", "V4": "second", "IT": ["second", "first"]}
    return ModelCommitment(identifier, wrapper, ["first", "second"], region_layer_map=regions)
"""
LAYERS_AND_VIDEO = both(
    replacing("model.py", '"V2": "second"', '"V2": ["second", "first"]'),
    replacing("model.py", "layers=list(LAYERS.values())", 'layers=["first", "second", "third", "fourth"]'),
    replacing("model.py", '"IT": "fourth"', '"IT": ["fourth", "first"]'),
    adding("model.py", VIDEO),
    replacing("__init__.py", "import get_model", "import get_model, get_video_model"),
    adding("__init__.py", 'model_registry["sim-video"] = lambda: get_video_model("sim-video")\n'),
)
"""Regions of several layers, and a network of videos: upstream's store gives their neuroids in another order."""

TASKS = """

class Tasks(TinyRDM):
    def __call__(self, candidate):
        from brainscore_vision.model_interface import BrainModel

        stimuli = self._data.attrs["stimulus_set"]
        stimuli["image_label"] = ["dog", "cat"] * 4
        candidate.start_task(BrainModel.Task.label, ["dog", "cat"])
        labels = candidate.look_at(stimuli, number_of_trials=1)
        assert set(labels.transpose("presentation", "choice").values.ravel()) <= {"dog", "cat"}
        candidate.start_task(BrainModel.Task.label, "imagenet")
        assert candidate.look_at(stimuli, number_of_trials=1).shape == (1, 8)
        candidate.start_task(BrainModel.Task.probabilities, fitting_stimuli=stimuli)
        probabilities = candidate.look_at(stimuli, number_of_trials=1)
        assert set(probabilities["choice"].values) == {"dog", "cat"}
        candidate.start_task(BrainModel.Task.odd_one_out)
        assert candidate.look_at(stimuli.iloc[:6], number_of_trials=1).shape == (1, 2)
        candidate.start_task(BrainModel.Task.passive)
        candidate.start_recording("V4", time_bins=[(0, 100), (100, 200)])
        assert candidate.look_at(stimuli, number_of_trials=1).sizes["time_bin"] == 2
        return super().__call__(candidate)
"""
WITH_TASKS = both(
    adding("benchmark.py", TASKS),
    replacing("__init__.py", "import TinyRDM", "import Tasks, TinyRDM"),
    adding("__init__.py", 'benchmark_registry["SimTiny2026-tasks"] = lambda: Tasks("SimTiny2026-tasks")\n'),
)


@pytest.fixture(scope="module")
def found(tmp_path_factory, once):
    return once("good-plugins", lambda: found_in(tmp_path_factory.mktemp("good")))


def found_in(folder):
    paths = [good_model_plugin(folder), good_model_plugin(folder, "sim-layers", "sim_layers")]
    LAYERS_AND_VIDEO(paths[-1])
    paths += [good_data_plugin(folder), good_benchmark_plugin(folder)]
    WITH_TASKS(paths[-1])
    good = [plugin for path in paths for plugin in opened(path).submission.plugins]
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
    recording, _ = [one.found for one in found[0] if one.check == "recording"]
    assert recording.startswith("4 images, four regions in turn: ")
    assert recording.endswith(" GB")


def test_a_score_without_an_error_and_a_model_without_a_task_are_noted(found):
    notes = {(one.plugin, one.check): one.found for one in found[0] if one.status == "note"}
    # Upstream's readout does not take answers over time.
    assert set(notes) == {("models/sim_layers", "behaviour"), ("benchmarks/sim_tiny_2026", "error")}
    assert notes["models/sim_layers", "behaviour"] == "sim-video: no probabilities (ValueError)"


def test_each_step_is_told_on_standard_error(found):
    steps = {
        plugin: ("questions", *(f"recording of {model}" for model in models), "generic tests", "plugin tests")
        for plugin, models in MODELS.items()
    }
    steps |= {name: ("questions", "plugin tests") for name in CHECKS if name not in steps}
    assert found[1] == [f"{plugin}: {step}" for plugin in CHECKS for step in steps[plugin]]


def test_a_plugin_that_registers_nothing_is_not_run():
    (found,) = found_by_running(Submission("none", (Plugin("models", "none", {"__init__.py": b""}),)))
    assert (found.check, found.status) == ("loads", "not run")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("@misc{a, author={A, B}, year={2026}, doi={10.1/x}}", None),
        ("@misc{a, author={A, B}, year={2026}}", "bibtex without url or doi"),
        ("@misc{a, url={https://a.example}}", "bibtex without author, year"),
        ("nothing", "bibtex with 0 entries"),
        ("@misc{a, author={A", "bibtex cannot be read"),
    ],
)
def test_bibtex_of_a_benchmark_that_is_run_is_judged_as_by_text(text, wrong):
    judged = wrong_bibtex(text)
    assert judged == wrong or (wrong and judged.startswith(wrong))
    assert bool(problems_of_bibtex(text)) == bool(wrong)
