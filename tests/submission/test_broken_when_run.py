"""What only running tells: each fault fails the check that is there for it, and no other check of its plugin."""

import re
from pathlib import Path

import brainscore_vision
import pytest
from broken_plugins import adding, both, good_benchmark_plugin, good_data_plugin, good_model_plugin, replacing

from brainscore_realnet.submission.checking.reading import opened
from brainscore_realnet.submission.checking.running import found_by_running
from brainscore_realnet.submission.layout import Submission

REMEMBERING = """
class Remembering(ModelCommitment):
    def __init__(self, **details):
        super().__init__(**details)
        self._remembered = {}

    def look_at(self, stimuli, number_of_trials=1, require_variance=False):
        if stimuli.identifier not in self._remembered:
            self._remembered[stimuli.identifier] = super().look_at(stimuli, number_of_trials)
        return self._remembered[stimuli.identifier]


def get_bibtex"""
SWALLOWING = """
import contextlib
import pathlib
import urllib.request

with contextlib.suppress(Exception):
    urllib.request.urlopen("https://sim.example.org/weights")
with contextlib.suppress(Exception):
    pathlib.Path(__file__).with_name("cache.txt").write_text("x")
with contextlib.suppress(Exception):
    import brainscore_realnet.scoring
"""
NEEDING_NETWORK = """
from brainscore_core.supported_data_standards.brainio.s3 import load_weight_file

load_weight_file("sim-bucket", "weights.pth", "null", "0" * 40, folder_name="sim")
"""
CONSTANT_ROW = replacing("data.py", "np.random.default_rng(1).normal(size=(N_IMAGES, N_NEUROIDS))", "np.ones((8, 6))")
UNDESCRIBED = both(
    replacing("benchmark.py", "bibtex=BIBTEX", 'bibtex=""'),
    replacing("benchmark.py", "ceiling_func=lambda: Score(1.0)", "ceiling_func=lambda: Score(0.0)"),
)

TASKS_ONLY = """
from brainscore_vision.model_interface import BrainModel


class TasksOnly(BrainModel):
    def __init__(self, identifier):
        self._identifier = identifier

    identifier = property(lambda self: self._identifier)

    def visual_degrees(self):
        return 8

    def start_task(self, task, choice_labels=None):
        if task != BrainModel.Task.label:
            raise KeyError(task)

    def start_recording(self, recording_target, time_bins):
        raise ValueError("nothing is recorded")

    def look_at(self, stimuli, number_of_trials=1):
        return ["dog"] * len(stimuli)


def get_bibtex"""
MAPS = """MAPS = {
    "": dict.fromkeys(LAYERS, "fifth"),
    "-none": {},
    "-lower": {name.lower(): layer for name, layer in LAYERS.items()},
}


def get_bibtex"""
FAULTY_DATA = """

def get_loose(identifier):
    assembly = get_assembly(identifier)
    assembly["depth"] = "neuroid", list(range(N_NEUROIDS))
    return assembly


def get_strange(identifier):
    assembly = get_assembly(identifier)
    assembly.attrs["stimulus_set"] = assembly.attrs["stimulus_set"][1:]
    return assembly


def get_alone(identifier):
    assembly = get_assembly(identifier)
    del assembly.attrs["stimulus_set"]
    return assembly


def get_choices(identifier):
    from brainscore_core.supported_data_standards.brainio.assemblies import BehavioralAssembly

    stimuli = get_stimulus_set(identifier)
    coords = {name: ("presentation", list(stimuli[name])) for name in ("stimulus_id", "object_name")}
    values = np.full((N_IMAGES, 2), 0.5)
    values[0, 1] = np.nan
    choices = BehavioralAssembly(values, coords={**coords, "choice": ["cat", "dog"]}, dims=["presentation", "choice"])
    choices.attrs.update(identifier=identifier, stimulus_set=stimuli)
    return choices


def get_exiting(identifier):
    import os

    os._exit(3)


def get_stimuli(identifier, name, content):
    stimuli = get_stimulus_set(identifier)
    path = stimuli.stimulus_paths["image0"].with_name(name)
    path.write_bytes(content)
    stimuli.stimulus_paths["image0"] = path
    return stimuli
"""
DATA_LINES = {
    "exiting": 'data_registry["SimExiting"] = lambda: data.get_exiting("SimExiting")',
    "loose": 'data_registry["SimLoose"] = lambda: data.get_loose("SimLoose")',
    "strange": 'data_registry["SimStrange"] = lambda: data.get_strange("SimStrange")',
    "alone": 'data_registry["SimAlone"] = lambda: data.get_alone("SimAlone")',
    "renamed": 'data_registry["SimRenamed"] = lambda: data.get_assembly("SimOther")',
    "choices": 'data_registry["SimChoices"] = lambda: data.get_choices("SimChoices")',
    "empty": 'stimulus_set_registry["SimEmpty"] = lambda: data.get_stimuli("SimEmpty", "image.txt", b"")',
    "broken": 'stimulus_set_registry["SimBroken"] = lambda: data.get_stimuli("SimBroken", "image.JPG", b"no image")',
    "video": 'stimulus_set_registry["SimVideo"] = lambda: data.get_stimuli("SimVideo", "clip.mp4", b"no image")',
}
FAULTY = both(
    adding("data.py", FAULTY_DATA),
    adding("__init__.py", "\nfrom . import data\n\n" + "\n".join(DATA_LINES.values()) + "\n"),
)

MODEL_TEXTS = {
    "no region map": ("region_layer_map=LAYERS", "region_layer_map=None"),
    "hash": ("identifier=identifier,\n        model=", 'identifier=identifier + "-1a2b3c",\n        model='),
    "wrong": ("identifier=identifier,\n        activations", 'identifier="sim-wrong",\n        activations'),
    "shared": (
        "torch.manual_seed(0)\n        network = TinyCNN().eval()",
        "torch.manual_seed(len(identifier))\n        NETWORK.load_state_dict(TinyCNN().state_dict())\n"
        "        network = NETWORK.eval()",
    ),
    "module's": ("def get_bibtex", "NETWORK = TinyCNN()\n\n\ndef get_bibtex"),
    "dropout": ("torch.relu(layer(areas))", "torch.nn.functional.dropout(layer(areas))"),
    "remembering": ("\ndef get_bibtex", REMEMBERING),
    "remembers": ("return ModelCommitment", "return Remembering"),
    "exit": (
        "    wrapper = ",
        "    import os\n\n    if identifier != 'sim-exiting':\n        raise ValueError('\\x1b[31m \\ud800')\n"
        "    print('no memory \\x1b[31m', flush=True)\n    os._exit(0)\n    wrapper = ",
    ),
    "maps": ("region_layer_map=LAYERS", 'region_layer_map=MAPS[identifier.removeprefix("sim-wrong_maps")]'),
    "wrong maps": ("def get_bibtex", MAPS),
    "tasks only": ("def get_bibtex", TASKS_ONLY),
    "tasks": ("    wrapper = ", "    return TasksOnly(identifier)\n    wrapper = "),
}


def changed(*names):
    return both(*(replacing("model.py", *MODEL_TEXTS[name]) for name in names))


FAULTS = {
    "no_region_map": changed("no region map"),
    "misnamed": both(
        changed("hash", "wrong"),
        replacing("test.py", '== "sim-misnamed"', '== "sim-misnamed", "\\x1b[31m\\ud800"'),
    ),
    "shared_network": both(
        changed("shared", "module's"),
        adding("__init__.py", 'model_registry["sim-shared-network-2"] = lambda: get_model("sim-shared-network-2")\n'),
    ),
    "remembered": changed("remembering", "remembers"),
    "unsteady": both(changed("dropout"), adding("model.py", SWALLOWING)),
    "needing_network": adding("model.py", NEEDING_NETWORK),
    "exiting": both(
        changed("exit"),
        adding("__init__.py", 'model_registry["sim-exiting-2"] = lambda: get_model("sim-exiting-2")\n'),
    ),
    "wrong_maps": both(
        changed("maps", "wrong maps"),
        adding("__init__.py", 'model_registry["sim-wrong_maps-none"] = lambda: get_model("sim-wrong_maps-none")\n'),
        adding("__init__.py", 'model_registry["sim-wrong_maps-lower"] = lambda: get_model("sim-wrong_maps-lower")\n'),
    ),
    "tasks_only": changed("tasks only", "tasks"),
    "undeclared": adding("model.py", "import sim_unheard_of\n"),
    "declared": both(adding("model.py", "import sim_unheard_of\n"), adding("requirements.txt", "sim-unheard-of\n")),
}
FAILS = {
    "no_region_map": {"regions"},
    "misnamed": {"cacheable", "identifier", "plugin tests"},
    "shared_network": {"own network"},
    "remembered": {"mixed up"},
    "unsteady": {"determinism", "network", "writes", "imports when run"},
    "needing_network": {"network"},
    "exiting": {"loads"},
    "wrong_maps": {"regions"},
    "tasks_only": set(),
    "undeclared": {"loads"},
    "declared": set(),
}
SAYS = {
    ("no_region_map", "regions"): "region_layer_map=",
    ("misnamed", "cacheable"): "sim-misnamed-1a2b3c",
    ("misnamed", "identifier"): "sim-wrong",
    ("misnamed", "plugin tests"): "1 of 1 failed: test_the_model_bears_its_identifier",
    ("shared_network", "own network"): "once sim-shared-network-2 was loaded",
    ("remembered", "mixed up"): "remembered by the set's name",
    ("unsteady", "determinism"): "differ by",
    ("unsteady", "network"): "sim.example.org:443 (model.py, line",
    ("unsteady", "writes"): "models/unsteady/cache.txt (model.py, line",
    ("unsteady", "imports when run"): "brainscore_realnet",
    ("needing_network", "network"): "sim-bucket",
    ("undeclared", "loads"): "Name the package of sim_unheard_of in requirements.txt",
}


def plugin_in(folder):
    (plugin,) = opened(folder).submission.plugins
    return plugin


@pytest.fixture(scope="module")
def found(tmp_path_factory, once):
    return once("broken-plugins", lambda: found_in(tmp_path_factory.mktemp("broken")))


def found_in(folder):
    plugins = []
    for name, change in FAULTS.items():
        change(path := good_model_plugin(folder, f"sim-{name}", name))
        plugins.append(plugin_in(path))
    plugins.append(plugin_in(Path(brainscore_vision.__file__).parent / "models" / "pixels"))
    UNDESCRIBED(path := good_benchmark_plugin(folder))
    plugins.append(plugin_in(path))
    for change, names in ((CONSTANT_ROW, ()), (FAULTY, ("SimFaulty2026", "sim_faulty_2026"))):
        change(path := good_data_plugin(folder, *names))
        plugins.append(plugin_in(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINIO_HOME", str(folder / "brainio"))
        return found_by_running(Submission("broken", tuple(plugins)), n_images=0)


def checks(found, plugin):
    return {one.check: one for one in found if one.plugin == plugin}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_fails_its_own_check_and_no_other(found, name):
    assert {one.check for one in found if one.plugin == f"models/{name}" and one.status == "fail"} == FAILS[name]


@pytest.mark.parametrize(("name", "check"), SAYS)
def test_a_failure_says_what_was_found_and_what_to_do(found, name, check):
    failed = checks(found, f"models/{name}")[check]
    assert SAYS[name, check] in failed.found + failed.advice
    assert failed.advice


def test_a_package_that_is_declared_and_not_installed_is_not_run(found):
    loads = checks(found, "models/declared")["loads"]
    assert (loads.status, "sim-unheard-of" in loads.advice) == ("not run", True)


def test_what_fails_for_want_of_the_network_is_told_once(found):
    assert checks(found, "models/needing_network")["loads"].status == "not run"


def test_nothing_is_tested_of_what_does_not_load(found):
    for name in ("exiting", "undeclared", "declared", "needing_network"):
        lines = checks(found, f"models/{name}")
        assert (lines["generic tests"].status, lines["plugin tests"].status) == ("not run", "not run")


def test_other_questions_are_put_after_one_that_fails(found):
    lines = checks(found, "models/misnamed")
    assert {lines[check].status for check in ("regions", "determinism", "mixed up", "own network")} == {"pass"}


def test_answers_of_several_models_stand_in_one_line(found):
    loads = checks(found, "models/shared_network")["loads"]
    assert loads.found == "sim-shared_network, sim-shared-network-2: load_model"


def test_a_model_that_ends_the_process_hides_no_other(found):
    other, one = [line.found for line in found if (line.plugin, line.check) == ("models/exiting", "loads")]
    assert "exit status 0: no memory" in other
    assert one.startswith("sim-exiting-2: ValueError")


def test_what_a_terminal_would_obey_is_escaped(found):
    told = [line.found + line.advice for line in found]
    assert all(text.isprintable() for text in told)
    assert sum(r"\x1b[31m" in text for text in told) == 2


def test_a_map_that_is_wrong_throughout_fails_with_the_reason(found):
    told = checks(found, "models/wrong_maps")["regions"].found
    for reason in ("sim-wrong_maps: V1, V2, V4, IT cannot be recorded (AssertionError: No submodule found", "'V1'"):
        assert reason in told
    assert told.count("cannot be recorded (KeyError: 'V1'") == 2


def test_a_model_of_tasks_is_noted_to_record_nothing(found):
    regions = checks(found, "models/tasks_only")["regions"]
    assert (regions.status, regions.found) == ("note", "no region can be recorded; the model does tasks")


@pytest.mark.parametrize(
    ("identifier", "check", "status", "expected"),
    [
        ("SimExiting", "loads", "fail", "exit status 3"),
        ("SimLoose", "assembly", "fail", "depth set after the assembly was made"),
        ("SimStrange", "assembly", "fail", "1 stimulus_ids are not in the stimulus set, the first image0"),
        ("SimChoices", "assembly", "fail", "1 of 16 values are not finite"),
        ("SimAlone", "assembly", "note", "no stimulus_set in attrs"),
        ("SimRenamed", "assembly", "note", "calls itself 'SimOther'"),
        ("SimFaulty2026", "assembly", "pass", "8 presentation × 6 neuroid"),
        ("SimEmpty", "stimuli", "fail", "1 of 8 stimuli cannot be opened, the first image.txt"),
        ("SimBroken", "stimuli", "fail", "1 of 8 stimuli cannot be opened, the first image.JPG"),
        ("SimVideo", "stimuli", "pass", "8 stimuli, all there"),
    ],
)
def test_each_fault_of_data_is_told_by_its_identifier(found, identifier, check, status, expected):
    lines = [one for one in found if (one.plugin, one.check, one.status) == ("data/sim_faulty_2026", check, status)]
    assert any(re.search(rf"{identifier}\b[^;]*{re.escape(expected)}", line.found) for line in lines), lines


def test_a_constant_row_of_data_fails(found):
    lines = checks(found, "data/sim_tiny_2026")
    assert {check for check, one in lines.items() if one.status == "fail"} == {"assembly"}
    assert "8 rows are constant" in lines["assembly"].found


def test_a_benchmark_without_bibtex_ceiling_and_score_fails_each(found):
    failed = {
        check: one.found for check, one in checks(found, "benchmarks/sim_tiny_2026").items() if one.status == "fail"
    }
    assert set(failed) == {"described", "ceiling", "score"}
    assert failed["described"] == "no bibtex"
    assert "nan" in failed["score"]


def test_an_installed_plugin_passes(found):
    lines = checks(found, "models/pixels")
    others = {check: one.status for check, one in lines.items() if one.status != "pass"}
    # Its own test scores it on data that are not public.
    assert others == {"bibtex": "note", "plugin tests": "not run", "network": "note"}
    assert {"regions", "mixed up", "own network", "generic tests"} <= set(lines)
