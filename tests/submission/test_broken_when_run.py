"""What only running tells: each fault fails the check that is there for it, and no other check of its plugin."""

from pathlib import Path

import brainscore_vision
import pytest
from broken_plugins import adding, both, good_benchmark_plugin, good_data_plugin, good_model_plugin, replacing

from brainscore_realnet.submission.checking.running import found_by_running
from brainscore_realnet.submission.layout import Plugin, Submission

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
    "exit": ("    wrapper = ", "    import os\n\n    print('no memory', flush=True)\n    os._exit(0)\n    wrapper = "),
}


def changed(*names):
    return both(*(replacing("model.py", *MODEL_TEXTS[name]) for name in names))


FAULTS = {
    "no_region_map": changed("no region map"),
    "misnamed": both(changed("hash", "wrong"), replacing("test.py", ".identifier ==", ".identifier + 'x' ==")),
    "shared_network": both(
        changed("shared", "module's"),
        adding("__init__.py", 'model_registry["sim-shared-network-2"] = lambda: get_model("sim-shared-network-2")\n'),
    ),
    "remembered": changed("remembering", "remembers"),
    "unsteady": both(changed("dropout"), adding("model.py", SWALLOWING)),
    "needing_network": adding("model.py", NEEDING_NETWORK),
    "exiting": changed("exit"),
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
    ("exiting", "loads"): "exit status 0: no memory",
    ("undeclared", "loads"): "Name the package of sim_unheard_of in requirements.txt",
}


def plugin_in(folder):
    files = [path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return Plugin(folder.parent.name, folder.name, {str(path.relative_to(folder)): path.read_bytes() for path in files})


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    folder = tmp_path_factory.mktemp("broken")
    plugins = []
    for name, change in FAULTS.items():
        change(path := good_model_plugin(folder, f"sim-{name}", name))
        plugins.append(plugin_in(path))
    plugins.append(plugin_in(Path(brainscore_vision.__file__).parent / "models" / "pixels"))
    UNDESCRIBED(path := good_benchmark_plugin(folder))
    plugins.append(plugin_in(path))
    CONSTANT_ROW(path := good_data_plugin(folder))
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
