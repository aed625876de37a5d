"""Small, honest plugins that pass every check of a submission, and the same with one thing broken.

>>> good_model_plugin(folder)                # writes folder/models/sim_tiny_cnn
>>> breaking(folder, "registered in a loop")  # writes the plugin, breaks it, and returns its folder
>>> BREAKS["registered in a loop"].check      # the check that must fail
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

MODEL = "sim-tiny-cnn"
BENCHMARK = "SimTiny2026.IT-rdm"
STIMULI = "SimTiny2026"

_MODEL_FILES = {
    "__init__.py": '''"""A tiny convolutional network with weights drawn at random."""

from brainscore_vision import model_registry

from .model import get_model

model_registry["IDENTIFIER"] = lambda: get_model("IDENTIFIER")
''',
    "model.py": '''"""A tiny convolutional network, whose weights are drawn from a seed."""

import functools

import torch
from brainscore_vision.model_helpers.activations.pytorch import PytorchWrapper, load_preprocess_images
from brainscore_vision.model_helpers.brain_transformation import ModelCommitment

BIBTEX = """@misc{sim_tiny_cnn,
  title={A tiny convolutional network with random weights},
  author={Nobody, N.},
  year={2026},
  url={https://example.org/sim-tiny-cnn}
}"""
LAYERS = {"V1": "first", "V2": "second", "V4": "third", "IT": "fourth"}


class TinyCNN(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Conv2d(3, 4, 3, stride=2)
        self.second = torch.nn.Conv2d(4, 4, 3, stride=2)
        self.third = torch.nn.Conv2d(4, 4, 3)
        self.fourth = torch.nn.Conv2d(4, 4, 3)
        self.pooled = torch.nn.AdaptiveAvgPool2d(1)
        self.readout = torch.nn.Linear(4, 10)

    def forward(self, images):
        areas = images
        for layer in (self.first, self.second, self.third, self.fourth):
            areas = torch.relu(layer(areas))
        return self.readout(self.pooled(areas).flatten(1))


def get_bibtex(identifier):
    return BIBTEX


def get_model(identifier):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = TinyCNN().eval()
    wrapper = PytorchWrapper(
        identifier=identifier,
        model=network,
        preprocessing=functools.partial(load_preprocess_images, image_size=32),
        batch_size=4,
    )
    wrapper.image_size = 32
    return ModelCommitment(
        identifier=identifier,
        activations_model=wrapper,
        layers=list(LAYERS.values()),
        behavioral_readout_layer="pooled",
        region_layer_map=LAYERS,
        visual_degrees=8,
    )
''',
    "test.py": """from brainscore_vision import load_model


def test_the_model_bears_its_identifier():
    assert load_model("IDENTIFIER").identifier == "IDENTIFIER"
""",
    "metadata.yaml": """schema_version: '2.0'
domain: vision
models:
  IDENTIFIER:
    model:
      display_name: Tiny network with random weights
      parameter_count: 606
      input_resolution: {channels: 3, height: 32, width: 32}
      visual_degrees: 8
    legacy:
      architecture: DCNN
      total_parameter_count: 606
      trainable_parameter_count: 606
      total_layers: 6
      trainable_layers: 5
      model_size_mb: 0.01
      runnable: true
    sources:
      page: {kind: other, url: 'https://example.org/sim-tiny-cnn'}
    assertions:
    - {path: /model/parameter_count, status: verified, sources: [page]}
""",
    "requirements.txt": "torch\n",
}

_DATA_FILES = {
    "__init__.py": '''"""Eight images of noise, and responses drawn at random."""

from brainscore_vision import data_registry, stimulus_set_registry

from .data import get_assembly, get_stimulus_set

stimulus_set_registry["IDENTIFIER"] = lambda: get_stimulus_set("IDENTIFIER")
data_registry["IDENTIFIER"] = lambda: get_assembly("IDENTIFIER")
''',
    "data.py": '''"""Images and responses, both made from a seed; images lie in the folder of packaged data."""

import os
from pathlib import Path

import numpy as np
from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet
from PIL import Image

N_IMAGES, N_NEUROIDS = 8, 6


def get_stimulus_set(identifier):
    folder = Path(os.getenv("BRAINIO_HOME", os.path.expanduser("~/.brainio"))) / identifier
    folder.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(0).integers(0, 256, (N_IMAGES, 32, 32, 3), dtype=np.uint8)
    names = [f"image{number}" for number in range(N_IMAGES)]
    for name, image in zip(names, pixels):
        Image.fromarray(image).save(folder / f"{name}.png")
    stimuli = StimulusSet({"stimulus_id": names, "object_name": ["noise"] * N_IMAGES})
    stimuli.stimulus_paths = {name: folder / f"{name}.png" for name in names}
    stimuli.identifier = identifier
    return stimuli


def get_assembly(identifier):
    stimuli = get_stimulus_set(identifier)
    assembly = NeuroidAssembly(
        np.random.default_rng(1).normal(size=(N_IMAGES, N_NEUROIDS)),
        coords={
            "stimulus_id": ("presentation", list(stimuli["stimulus_id"])),
            "object_name": ("presentation", list(stimuli["object_name"])),
            "neuroid_id": ("neuroid", list(range(N_NEUROIDS))),
            "region": ("neuroid", ["IT"] * N_NEUROIDS),
            "subject": ("neuroid", ["simulated"] * N_NEUROIDS),
        },
        dims=["presentation", "neuroid"],
    )
    assembly.attrs["identifier"] = identifier
    assembly.attrs["stimulus_set"] = stimuli
    return assembly
''',
    "test.py": """from brainscore_vision import load_dataset, load_stimulus_set


def test_every_image_has_responses():
    assert set(load_dataset("IDENTIFIER")["stimulus_id"].values) == set(load_stimulus_set("IDENTIFIER")["stimulus_id"])
""",
}

_BENCHMARK_FILES = {
    "__init__.py": '''"""Similarity of RDMs with responses drawn at random."""

from brainscore_vision import benchmark_registry

from .benchmark import TinyRDM

benchmark_registry["IDENTIFIER"] = lambda: TinyRDM("IDENTIFIER")
''',
    "benchmark.py": '''"""Spearman correlation of the RDM of IT with that of responses drawn at random."""

import numpy as np
from brainscore_core.metrics import Score
from brainscore_vision import load_dataset, load_metric
from brainscore_vision.benchmark_helpers.screen import place_on_screen
from brainscore_vision.benchmarks import BenchmarkBase

BIBTEX = """@misc{sim_tiny_2026,
  title={Responses drawn at random},
  author={Nobody, N.},
  year={2026},
  url={https://example.org/sim-tiny-2026}
}"""


class TinyRDM(BenchmarkBase):
    def __init__(self, identifier):
        self._data = load_dataset("SimTiny2026")
        super().__init__(
            identifier=identifier, ceiling_func=lambda: Score(1.0), version=1, parent="IT", bibtex=BIBTEX
        )

    def __call__(self, candidate):
        candidate.start_recording("IT", time_bins=[(70, 170)])
        stimuli = place_on_screen(
            self._data.attrs["stimulus_set"],
            target_visual_degrees=candidate.visual_degrees(),
            source_visual_degrees=8,
        )
        recorded = candidate.look_at(stimuli, number_of_trials=1)
        if "time_bin" in recorded.dims:
            recorded = recorded.squeeze("time_bin")
        raw = load_metric("rdm")(recorded, self._data)
        score = Score(float(np.clip(raw, 0, 1)))
        score.attrs["raw"] = raw
        score.attrs["ceiling"] = self.ceiling
        return score
''',
    "test.py": """from brainscore_vision import load_benchmark


def test_the_benchmark_bears_its_identifier():
    assert load_benchmark("IDENTIFIER").identifier == "IDENTIFIER"
""",
    "metadata.yml": """benchmarks:
  IDENTIFIER:
    stimulus_set: {num_stimuli: 8, datatype: image}
    data: {benchmark_type: neural, region: IT, species: simulated, num_subjects: 1}
    metric: {type: rdm, public: true}
""",
}


def good_model_plugin(folder: str | Path, identifier: str = MODEL, name: str = "sim_tiny_cnn") -> Path:
    """Write ``<folder>/models/<name>``, a tiny network with random weights, and return that folder."""
    return _written(Path(folder) / "models" / name, _MODEL_FILES, identifier)


def good_data_plugin(folder: str | Path, identifier: str = STIMULI, name: str = "sim_tiny_2026") -> Path:
    """Write ``<folder>/data/<name>``, eight images of noise with random responses, and return that folder."""
    return _written(Path(folder) / "data" / name, _DATA_FILES, identifier)


def good_benchmark_plugin(folder: str | Path, identifier: str = BENCHMARK, name: str = "sim_tiny_2026") -> Path:
    """Write ``<folder>/benchmarks/<name>``, which loads what `good_data_plugin` registers, and return that folder."""
    return _written(Path(folder) / "benchmarks" / name, _BENCHMARK_FILES, identifier)


def _written(plugin: Path, files: dict[str, str], identifier: str) -> Path:
    plugin.mkdir(parents=True)
    for name, text in files.items():
        (plugin / name).write_text(text.replace("IDENTIFIER", identifier), encoding="utf-8")
    return plugin


Change = Callable[[Path], object]


@dataclass(frozen=True)
class Break:
    """One thing that is wrong with a plugin that is good otherwise."""

    check: str
    """That must fail."""
    change: Change
    """Is given the plugin's folder."""
    type: str = "models"


def breaking(folder: str | Path, name: str) -> Path:
    """Write the plugin of a break below the folder, break it, and return the plugin's folder."""
    one = BREAKS[name]
    plugin = {"models": good_model_plugin, "data": good_data_plugin, "benchmarks": good_benchmark_plugin}[one.type]
    if one.type == "benchmarks":
        good_data_plugin(folder)
    changed = one.change(path := plugin(folder))
    return changed if isinstance(changed, Path) else path


def replacing(file: str, old: str, new: str) -> Change:
    """Exchange text in one file; the text must be there."""

    def change(plugin: Path) -> None:
        text = (plugin / file).read_text(encoding="utf-8")
        assert old in text, f"{old!r} is not in {file}"
        (plugin / file).write_text(text.replace(old, new), encoding="utf-8")

    return change


def adding(file: str, content: str | bytes) -> Change:
    """Append to a file, which is made where it lacks."""

    def change(plugin: Path) -> None:
        (plugin / file).parent.mkdir(parents=True, exist_ok=True)
        with open(plugin / file, "ab") as opened:
            opened.write(content if isinstance(content, bytes) else content.encode())

    return change


def removing(file: str) -> Change:
    """Delete a file."""
    return lambda plugin: (plugin / file).unlink()


def named(name: str) -> Change:
    """Give the plugin's folder another name."""
    return lambda plugin: plugin.rename(plugin.parent / name)


def both(*changes: Change) -> Change:
    """Make several changes one after another."""
    return lambda plugin: [change(plugin) for change in changes] and None


def identified(identifier: str) -> Change:
    """Register the model under another identifier everywhere."""

    def change(plugin: Path) -> None:
        for file in ("__init__.py", "test.py", "metadata.yaml"):
            text = (plugin / file).read_text(encoding="utf-8")
            (plugin / file).write_text(text.replace(MODEL, identifier), encoding="utf-8")

    return change


def recoded(plugin: Path) -> None:
    """Save ``__init__.py`` in another coding, which it declares."""
    file = plugin / "__init__.py"
    file.write_text(f"# coding: latin-1\n# café\n{file.read_text(encoding='utf-8')}", encoding="latin-1")


_REGISTRATION = f'model_registry["{MODEL}"] = lambda: get_model("{MODEL}")'


def _registered(text: str) -> Change:
    return replacing("__init__.py", _REGISTRATION, text)


BREAKS = {
    "a folder that upstream skips": Break("layout", named("_sim_tiny_cnn")),
    "a folder that cannot be imported": Break("layout", named("sim.tiny_cnn")),
    "a folder that the library has": Break("layout", named("alexnet")),
    "no __init__.py": Break("layout", removing("__init__.py")),
    "an __init__.py in another coding": Break("syntax", recoded),
    "a file that is no Python": Break("syntax", adding("model.py", "\nreturn = 1\n")),
    "no registration": Break("registrations", _registered("")),
    "registered in a loop": Break(
        "registrations",
        _registered(f'for one in ("{MODEL}",):\n    model_registry[one] = lambda: get_model("{MODEL}")'),
    ),
    "registered by an f-string": Break(
        "registrations", _registered(f'model_registry[f"{MODEL}-{{1}}"] = lambda: get_model("{MODEL}")')
    ),
    "registered by update": Break(
        "registrations", _registered(f'model_registry.update({{"{MODEL}": lambda: get_model("{MODEL}")}})')
    ),
    "registered by setdefault": Break(
        "registrations", _registered(f'model_registry.setdefault("{MODEL}", lambda: get_model("{MODEL}"))')
    ),
    "registered under another name of the registry": Break(
        "registrations",
        _registered(f'registry = model_registry\nregistry["{MODEL}"] = lambda: get_model("{MODEL}")'),
    ),
    "registered with spaces in the brackets": Break(
        "registrations", _registered(f'model_registry[ "{MODEL}" ] = lambda: get_model("{MODEL}")')
    ),
    "registered in another file": Break(
        "registrations",
        both(
            _registered("from . import registered"),
            adding("registered.py", f"from brainscore_vision import model_registry\n{_REGISTRATION}\n"),
        ),
    ),
    "a registration commented out": Break("registrations", adding("__init__.py", '# model_registry["sim-old"] = 1\n')),
    "a registration in a docstring": Break(
        "registrations", replacing("__init__.py", '"""A tiny', '"""As model_registry["sim-old"], a tiny')
    ),
    "a registration over two lines": Break(
        "parser", _registered(f'model_registry[\n    "{MODEL}"\n] = lambda: get_model("{MODEL}")')
    ),
    "a second bracket on the line": Break(
        "parser", _registered(f'model_registry["{MODEL}"] = [lambda: get_model("{MODEL}")][0]')
    ),
    "a bracket in a comment on the line": Break("parser", _registered(f"{_REGISTRATION}  # see [1]")),
    "an identifier read again": Break("parser", adding("__init__.py", f'_known = model_registry["{MODEL}"]\n')),
    "one identifier twice": Break("duplicates", adding("__init__.py", f"{_REGISTRATION}\n")),
    "identifiers that differ by case": Break(
        "duplicates", adding("__init__.py", f'model_registry["{MODEL.upper()}"] = lambda: get_model("{MODEL}")\n')
    ),
    "an identifier that is taken": Break("collisions", identified("alexnet")),
    "an identifier with a slash": Break("identifiers", identified("sim/tiny")),
    "an identifier with a blank": Break("identifiers", identified("sim tiny")),
    "an identifier with brackets": Break("identifiers", identified("sim[tiny]")),
    "an identifier like an option": Break("identifiers", identified("-rf")),
    "an identifier with an invisible character": Break("identifiers", identified("sim-\u202ereal")),
    "too long an identifier": Break("identifiers", identified("sim-" + 200 * "a")),
    "no test.py": Break("tests", removing("test.py")),
    "tests under another name only": Break("tests", lambda plugin: (plugin / "test.py").rename(plugin / "test_me.py")),
    "tests in a subfolder": Break("tests", adding("more/test_more.py", "def test_more(): assert 1 + 1 == 2\n")),
    "weights in the plugin": Break("files", adding("weights/tiny.pth", b"\x80\x02weights")),
    "packaged data in the plugin": Break("files", adding("assembly.nc", b"CDF")),
    "a large binary file": Break("files", adding("table.bin", bytes(1_200_000))),
    "an environment of another Python": Break(
        "files", adding("environment.yml", "dependencies:\n- python=3.9\n- pip\n")
    ),
    "an environment with a name": Break("files", adding("environment.yml", "name: tiny\ndependencies:\n- pip\n")),
    "an import of brainscore_realnet": Break("imports", adding("model.py", "import brainscore_realnet.scoring\n")),
    "an import of brainio": Break("imports", adding("model.py", "from brainio.stimuli import StimulusSet\n")),
    "an import that nothing declares": Break("imports", adding("model.py", "import sim_unheard_of\n")),
    "an import of a module that is not there": Break("imports", adding("model.py", "from .absent import weights\n")),
    "a path of one machine": Break("paths", adding("model.py", 'WEIGHTS = "/home/me/weights.pth"\n')),
    "a path of a Windows machine": Break("paths", adding("model.py", 'WEIGHTS = r"C:\\Users\\me\\weights.pth"\n')),
    "a path on a disk of one machine": Break("paths", adding("model.py", 'WEIGHTS = "/mnt/me/weights"\n')),
    "a path in somebody's home": Break("paths", adding("model.py", 'WEIGHTS = "~/weights.pth"\n')),
    "numpy 2": Break("requirements", adding("requirements.txt", "numpy>=2\n")),
    "numpy 2 in setup.py": Break(
        "requirements", adding("setup.py", 'needed = ["torch", "numpy>=2"]\nsetup(install_requires=needed)\n')
    ),
    "a new xarray": Break("requirements", adding("requirements.txt", "xarray==2024.1\n")),
    "a new scikit-learn": Break("requirements", adding("requirements.txt", "scikit_learn >= 1.6\n")),
    "the unrelated brainio": Break("requirements", adding("requirements.txt", "brainio\n")),
    "a malicious release": Break("requirements", adding("requirements.txt", "lightning==2.6.2\n")),
    "a requirement that cannot be read": Break("requirements", adding("requirements.txt", "numpy=<1.26 1\n")),
    "brainscore_realnet required": Break("requirements", adding("requirements.txt", "brainscore-realnet\n")),
    "both metadata files": Break("metadata", adding("metadata.yml", "models: {}\n")),
    "metadata of another model": Break("metadata", replacing("metadata.yaml", f"  {MODEL}:", "  sim-other:")),
    "metadata with a source over http": Break("metadata", replacing("metadata.yaml", "https://", "http://")),
    "metadata with an unknown field": Break("metadata", replacing("metadata.yaml", "display_name", "displayed")),
    "metadata of another domain": Break("metadata", replacing("metadata.yaml", "domain: vision", "domain: language")),
    "metadata that is no YAML": Break("metadata", adding("metadata.yaml", "  : : [\n")),
    "old metadata with an unknown key": Break(
        "metadata",
        both(removing("metadata.yaml"), adding("metadata.yml", f"models:\n  {MODEL}:\n    colour: red\n")),
    ),
    "benchmark metadata with an unknown key": Break(
        "metadata", replacing("metadata.yml", "num_stimuli", "stimuli"), "benchmarks"
    ),
    "no bibtex": Break("bibtex", replacing("benchmark.py", "bibtex=BIBTEX", "bibtex=None"), "benchmarks"),
    "a bibtex without year": Break("bibtex", replacing("benchmark.py", "  year={2026},\n", ""), "benchmarks"),
    "a bibtex without address": Break("bibtex", replacing("benchmark.py", "  url=", "  note="), "benchmarks"),
    "a bibtex that cannot be read": Break("bibtex", replacing("benchmark.py", '"""@misc{', '"""@misc'), "benchmarks"),
    "a stimulus set that seems derived": Break(
        "identifiers",
        replacing("__init__.py", f'stimulus_set_registry["{STIMULI}"]', 'stimulus_set_registry["sim--derived"]'),
        "data",
    ),
    "data registered by a model's plugin": Break(
        "registrations",
        adding("__init__.py", "from brainscore_vision import data_registry\ndata_registry['sim-x'] = lambda: None\n"),
    ),
    "a benchmark registered in a loop": Break(
        "registrations",
        replacing("__init__.py", f'benchmark_registry["{BENCHMARK}"]', f'for one in ("{BENCHMARK}",): '
                  "benchmark_registry[one]"),
        "benchmarks",
    ),
    "a stimulus set registered by an f-string": Break(
        "registrations",
        replacing("__init__.py", f'stimulus_set_registry["{STIMULI}"]', f'stimulus_set_registry[f"{STIMULI}{{1}}"]'),
        "data",
    ),
}  # fmt: skip
