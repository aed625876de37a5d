"""Cost of ``score`` beside a bare forward pass and beside upstream's route; prints JSON.

Stimuli are placed and neural RDMs cached before anything is timed. CORnet-S with random weights (speed does not depend
on them), simulated EEG, 200 images at 224² by default. Upstream's route is four ``RSABenchmark`` regions with a default
``PytorchWrapper`` and its caches off.

    python performance/scoring.py [--smoke] [--rounds 3]
"""

import argparse
import json
import logging
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

AREAS = ("V1", "V2", "V4", "IT")


def prepare(n_images: int) -> tuple[Any, Any]:
    """Benchmark on virtual subjects with placed stimuli and cached RDMs, and the set as the model will see it."""
    from brainscore_realnet.adapters.eeg_rsa import EEGRSABenchmark
    from brainscore_realnet.adapters.screen import show
    from brainscore_realnet.adapters.things_eeg2 import simulated_source
    from brainscore_realnet.simulation.things_eeg2 import Specification

    source = simulated_source(Specification(test_images=n_images, test_repetitions=20, image_size=500))
    benchmark = EEGRSABenchmark("SimThingsEEG2-rsa", source.neural_data(), parent="IT", version=1, bibtex="")
    benchmark.require_data()
    float(benchmark.ceiling)
    return benchmark, show(source.stimuli(), cornet_s(), benchmark.data.visual_degrees, "degrees")


def cornet_s() -> Any:
    """CORnet-S as this package commits it, with seeded random weights."""
    import torch

    from brainscore_realnet.adapters.commitment import commit
    from brainscore_realnet.networks.backbones import backbone

    torch.manual_seed(0)
    chosen = backbone("cornet_s")
    return commit("sim-cornet-s", chosen.build(), chosen, {"weights": "random, for timing"})


def bare_forward(model: Any, paths: list[str], preprocessed: bool) -> Callable[[], None]:
    """Forward passes over all images in the wrapper's batches, with or without reading and resizing the images."""
    import torch

    wrapper = model.activations_model
    size = wrapper._extractor._batch_size
    batches = [paths[start : start + size] for start in range(0, len(paths), size)]
    inputs = [torch.from_numpy(wrapper._extractor.preprocess(batch)) for batch in batches] if preprocessed else None

    def run() -> None:
        with torch.inference_mode():
            for index, batch in enumerate(batches):
                images = inputs[index] if inputs else torch.from_numpy(wrapper._extractor.preprocess(batch))
                wrapper._model(images)

    return run


def upstream_route(stimuli: Any, smoke: bool) -> Callable[[], None]:
    """Four RSABenchmark regions of two subjects with a default PytorchWrapper (small batches in smoke mode)."""
    import functools

    from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
    from brainscore_vision.benchmark_helpers.neural_common import RSABenchmark
    from brainscore_vision.model_helpers.activations.pytorch import PytorchWrapper, load_preprocess_images
    from brainscore_vision.model_helpers.brain_transformation import ModelCommitment

    # Placed already: without its column the set passes upstream's own placing untouched, at eight degrees.
    shown = stimuli.drop(columns="degrees")
    shown.stimulus_paths, shown.identifier = stimuli.stimulus_paths, stimuli.identifier
    network = cornet_s().activations_model._model
    preprocessing = functools.partial(load_preprocess_images, image_size=224)
    # The last batch is filled up to 64: a few images would cost as many passes as 64.
    batches = {"batch_size": len(stimuli)} if smoke else {}
    wrapper = PytorchWrapper(network, preprocessing, identifier="upstream", **batches)
    model = ModelCommitment("upstream", wrapper, list(AREAS), region_layer_map={area: area for area in AREAS})

    def assembly(area: str) -> Any:
        values = np.random.default_rng(0).standard_normal((len(stimuli), 40))
        neural = NeuroidAssembly(
            values[..., None],
            coords={
                "stimulus_id": ("presentation", stimuli["stimulus_id"].values),
                "concept": ("presentation", stimuli["concept"].values),
                "neuroid_id": ("neuroid", range(40)),
                "subject": ("neuroid", ["a"] * 20 + ["b"] * 20),
                "region": ("neuroid", [area] * 40),
                "time_bin_start": ("time_bin", [50]),
                "time_bin_end": ("time_bin", [200]),
            },
            dims=["presentation", "neuroid", "time_bin"],
        ).squeeze("time_bin")
        neural.attrs["stimulus_set"] = shown
        return neural

    benchmarks = [RSABenchmark(f"upstream.{area}", 1, assembly(area), area, 8, 1, "") for area in AREAS]

    def run() -> None:
        os.environ["RESULTCACHING_DISABLE"] = "1"
        try:
            for benchmark in benchmarks:
                benchmark(model)
        finally:
            del os.environ["RESULTCACHING_DISABLE"]

    return run


def measure(n_images: int, rounds: int, smoke: bool) -> dict[str, Any]:
    """Seconds of every route, in turns, and their ratios."""
    from brainscore_realnet import score

    benchmark, stimuli = prepare(n_images)
    model = cornet_s()
    paths = [str(stimuli.get_stimulus(stimulus)) for stimulus in stimuli["stimulus_id"]]

    def ours() -> None:
        model.activations_model._extractor._kept.clear()
        score(model, benchmark)

    routes = {
        "score": ours,
        "bare forward": bare_forward(model, paths, preprocessed=True),
        "bare forward with images": bare_forward(model, paths, preprocessed=False),
        "upstream": upstream_route(stimuli, smoke),
    }
    seconds: dict[str, list[float]] = {name: [] for name in routes}
    routes["bare forward with images"]()
    for _ in range(rounds):
        for name, route in routes.items():
            started = time.perf_counter()
            route()
            seconds[name].append(time.perf_counter() - started)
    ratios = {
        f"score / {name}": statistics.median(np.divide(seconds["score"], seconds[name]))
        for name in ("bare forward", "bare forward with images")
    }
    ratios["upstream / score"] = statistics.median(np.divide(seconds["upstream"], seconds["score"]))
    return {"seconds": {name: [round(each, 2) for each in times] for name, times in seconds.items()}, "ratios": ratios}


def peak_memory_gb(n_images: int) -> float:
    """Peak resident memory of a process that does nothing but score once, GB."""
    command = [sys.executable, __file__, "--images", str(n_images), "--score-once"]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)["peak_gb"]


def score_once(n_images: int) -> dict[str, float]:
    from brainscore_realnet import score

    benchmark, _ = prepare(n_images)
    score(cornet_s(), benchmark)
    # Not getrusage: after fork and exec its maximum still holds that of the parent process.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {"peak_gb": int(status["VmHWM"].split()[0]) * 1024 / 1e9}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="few images, one round: does it run?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--score-once", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    n_images = 12 if arguments.smoke else arguments.images
    with tempfile.TemporaryDirectory() as temporary:
        os.environ.setdefault("BRAINSCORE_REALNET_HOME", temporary)
        os.environ.setdefault("BRAINSCORE_HOME", str(Path(temporary) / "brain-score"))
        warnings.simplefilter("ignore")
        from brainscore_realnet import enable

        enable()
        logging.disable(logging.INFO)
        if arguments.score_once:
            print(json.dumps(score_once(n_images)))
            return
        result = {
            "what": "score of CORnet-S on SimThingsEEG2-rsa, stimuli placed and neural RDMs cached",
            "images": n_images,
            "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
            **measure(n_images, 1 if arguments.smoke else arguments.rounds, arguments.smoke),
            "peak_memory_gb": peak_memory_gb(n_images),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
