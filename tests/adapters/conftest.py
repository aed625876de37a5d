"""Small networks, images, recordings and brain models that the tests of this folder share."""

import functools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainscore_realnet.datasets.things_eeg2 import SubjectRecording
from brainscore_realnet.store import sha256_array

AREAS = ("V1", "V2", "V4", "IT")
EEG_SUBJECTS = ("sub-01", "sub-02", "sub-03")
EEG_NAMES = [f"image{number:02d}" for number in range(12)]
QUICK_OPTIONS = {"window": (0.05, 0.15), "screen": "fullfield", "pseudotrial_size": 2, "folds": 2, "repeats": 1}


@pytest.fixture
def image_paths(tmp_path: Path) -> list[str]:
    """Twelve images of smooth random colours."""
    rng = np.random.default_rng(0)
    paths = [str(tmp_path / f"image{number:02d}.png") for number in range(12)]
    for path in paths:
        Image.fromarray(rng.integers(0, 256, (4, 4, 3), dtype=np.uint8)).resize((48, 48)).save(path)
    return paths


@pytest.fixture
def stimuli_of() -> Callable:
    """Stimulus set of images, or of names alone."""
    from brainscore_realnet.adapters.assemblies import stimulus_set

    def make(paths, name="SimTiny_test", content_hash="0123456789abcdef"):
        rows = [
            {"stimulus_id": Path(path).stem, "path": path, "concept": f"concept {Path(path).stem}"} for path in paths
        ]
        return stimulus_set(rows, name, content_hash)

    return make


@pytest.fixture
def preprocessing() -> Callable:
    from brainscore_vision.model_helpers.activations.pytorch import load_preprocess_images

    return functools.partial(load_preprocess_images, image_size=64)


@pytest.fixture
def hidden_model() -> Callable:
    """A cheap model of this package with four areas."""
    from brainscore_realnet.adapters.commitment import commit
    from brainscore_realnet.networks.backbones import IMAGENET_MEAN, IMAGENET_STD, Backbone
    from brainscore_realnet.simulation.hidden_network import HiddenNetwork

    def make(identifier="tiny", seed=1, batch_size=16, visual_degrees=8):
        areas = {area: area for area in AREAS}
        chosen = Backbone(identifier, HiddenNetwork, areas, "IT", 64, IMAGENET_MEAN, IMAGENET_STD)
        model = commit(identifier, HiddenNetwork(seed), chosen, {}, visual_degrees)
        model.activations_model._extractor._batch_size = batch_size
        return model.activations_model if visual_degrees is None else model

    return make


@pytest.fixture
def recording_of() -> Callable:
    """Epochs of (images, trials, channels, times) in which every image has a response of its own."""

    def make(subject="sub-01", n_images=12, n_trials=12, n_channels=5, n_times=10, seed=0):
        rng = np.random.default_rng([seed, int(subject[-2:])])
        shared = np.random.default_rng(99).standard_normal((n_images, 1, n_channels, 1))
        own = shared + 0.3 * rng.standard_normal(shared.shape)
        data = own + rng.standard_normal((n_images, n_trials, n_channels, n_times))
        times = np.round(np.arange(n_times) * 0.02, 10)
        names = tuple(f"channel{number}" for number in range(n_channels))
        return SubjectRecording(subject, "test", data, names, times, sha256_array(data))

    return make


class StubBrain:
    """A BrainModel that answers with given features: area -> stimulus_id -> (n_neuroids,)."""

    identifier = "stub"

    def __init__(self, features, visual_degrees=7, answer=None):
        self.features = features
        self.degrees = visual_degrees
        self.answer = answer or (lambda stimulus_ids: stimulus_ids)
        self.time_bins = None
        self.task = "behaviour"
        self.calls = []

    def visual_degrees(self):
        return self.degrees

    def start_task(self, task, *_):
        self.task = str(task)
        self.calls.append(f"task {task}")

    def start_recording(self, area, time_bins):
        self.area, self.time_bins = area, time_bins
        self.calls.append(f"record {area}")

    def look_at(self, stimuli, number_of_trials=1):
        from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly

        assert self.task == "passive", "looked at stimuli while doing a behavioural task"
        shown = self.answer(list(stimuli["stimulus_id"].values))
        values = np.stack([self.features[self.area][stimulus] for stimulus in shown])
        n_neuroids = values.shape[1]
        values = np.repeat(values[:, :, None], len(self.time_bins), axis=2)
        return NeuroidAssembly(
            values,
            coords={
                "stimulus_id": ("presentation", shown),
                "concept": ("presentation", ["any"] * len(shown)),
                "neuroid_id": ("neuroid", np.arange(n_neuroids)),
                "layer": ("neuroid", [self.area] * n_neuroids),
                "time_bin_start": ("time_bin", [start for start, _ in self.time_bins]),
                "time_bin_end": ("time_bin", [end for _, end in self.time_bins]),
            },
            dims=["presentation", "neuroid", "time_bin"],
        )


@pytest.fixture
def stub_brain() -> type[StubBrain]:
    return StubBrain


@pytest.fixture
def random_features() -> Callable:
    """Area -> stimulus -> features."""

    def make(stimulus_ids, seed=0, n_neuroids=6):
        rng = np.random.default_rng(seed)
        return {area: {one: rng.standard_normal(n_neuroids) for one in stimulus_ids} for area in AREAS}

    return make


@pytest.fixture
def data_of(recording_of, stimuli_of):
    """Stimuli and recordings of three virtual subjects."""
    from brainscore_realnet.adapters.neural_side import NeuralData

    def make(
        subjects=EEG_SUBJECTS, names=EEG_NAMES, recording=recording_of, visual_degrees=7, require=lambda subjects: None
    ):
        return NeuralData(
            name="sim-tiny",
            subjects=tuple(subjects),
            visual_degrees=visual_degrees,
            simulated=True,
            require=require,
            stimuli=lambda: stimuli_of([f"/images/{name}.png" for name in names]),
            recording=recording,
        )

    return make


@pytest.fixture
def benchmark_of(data_of):
    """A benchmark that is computed in a moment."""
    from brainscore_realnet.adapters.eeg_rsa import EEGRSABenchmark

    def make(data=None, **changes):
        options = {**QUICK_OPTIONS, **changes.pop("options", {})}
        benchmark = EEGRSABenchmark(
            "SimTiny-rsa", data or data_of(), parent="IT", version=1, bibtex="@misc{any}", **changes
        )
        return benchmark.with_options(**options)

    return make
