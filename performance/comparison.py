"""Cost of comparing twelve models on two cached benchmarks beside bare forward passes; prints JSON.

Eight personal models and four baselines of CORnet-S's size with random weights (speed does not depend on them) on
virtual subjects. Stimuli are placed and neural RDMs cached before anything is timed. The forward passes are those of
one model over both sets of images in one process with all threads, reading and resizing included, times the number of
models. All else is what the comparison, one process a core, costs besides: starting processes, loading and hashing
weights, RDMs, similarities, bootstraps, statistics, figures and the page.

    python performance/comparison.py [--smoke] [--rounds 1]
"""

import argparse
import json
import logging
import os
import platform
import statistics
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

N_PERSONAL, BASELINES = 8, ("sim-baseline-a", "sim-baseline-b", "sim-baseline-c", "sim-baseline-d")


def benchmarks(smoke: bool) -> list[Any]:
    """EEG of eight virtual subjects (48 images) and fMRI of three (24), with placed stimuli and cached RDMs."""
    from brainscore_realnet import load_benchmark

    eeg = "SimThingsEEG2-rsa" if smoke else "SimThingsEEG2concepts-rsa"
    options = {"rdm": "crossnobis"} if smoke else {"rdm": "lda", "course": (-0.05, 0.3)}
    found = [load_benchmark(eeg).with_options(**options), load_benchmark("SimShen2019-rsa")]
    for benchmark in found:
        benchmark.require_data()
        float(benchmark.ceiling)
    return found


def models(smoke: bool) -> list[str]:
    """Put models into the store: one network's weights under twelve identifiers."""
    import torch

    from brainscore_realnet.networks.backbones import backbone
    from brainscore_realnet.store import weights

    name = "sim_cornet_s_narrow" if smoke else "cornet_s"
    torch.manual_seed(0)
    state = backbone(name).build().state_dict()
    personal = [f"sim-model-sub{number:02d}" for number in range(1, (2 if smoke else N_PERSONAL) + 1)]
    dataset = benchmarks(smoke)[0].data.name
    for number, identifier in enumerate([*personal, *BASELINES[: 1 if smoke else None]], 1):
        trained_on = {"dataset": dataset, "subject": f"sub-{number:02d}"} if identifier in personal else None
        weights.save(identifier, state, {"backbone": name, "simulated": True, "trained_on": trained_on})
    return personal


def forward(model: Any, stimuli: list[Any]) -> float:
    """Seconds of one model's forward passes over all images, reading and resizing included."""
    import torch

    wrapper = model.activations_model
    size = wrapper._extractor._batch_size
    paths = [str(one.get_stimulus(stimulus)) for one in stimuli for stimulus in one["stimulus_id"]]
    started = time.perf_counter()
    with torch.inference_mode():
        for start in range(0, len(paths), size):
            wrapper._model(torch.from_numpy(wrapper._extractor.preprocess(paths[start : start + size])))
    return time.perf_counter() - started


def measure(smoke: bool, rounds: int) -> dict[str, Any]:
    """Seconds of the forward passes and of whole comparisons, in turns, and what lies between them."""
    from brainscore_realnet.adapters.screen import show
    from brainscore_realnet.comparison.compare import compare
    from brainscore_realnet.scoring import load_model
    from brainscore_realnet.store import folder

    personal, loaded = models(smoke), benchmarks(smoke)
    baselines = BASELINES[: 1 if smoke else None]
    n_models = len(personal) + len(baselines)
    first = load_model(personal[0])
    shown = [show(one._stimuli, first, one.data.visual_degrees, "degrees") for one in loaded]
    forward(first, shown)
    passes, whole, parts = [], [], []
    with tempfile.TemporaryDirectory() as out:
        for number in range(rounds):
            passes.append(n_models * forward(first, shown))
            started = time.perf_counter()
            found = compare(personal, loaded, Path(out, str(number)), baselines=baselines, rescore=True, progress=False)
            whole.append(time.perf_counter() - started)
            parts.append(found.seconds)
            size = found.page.stat().st_size
        started = time.perf_counter()
        compare(personal, loaded, Path(out, "again"), baselines=baselines, progress=False)
        again = time.perf_counter() - started
    kept = sum(path.stat().st_size for path in folder("scores").iterdir())
    return {
        "models": n_models,
        "benchmarks": [{"identifier": one.identifier, "images": len(one._stimuli)} for one in loaded],
        "seconds": {
            "forward passes": statistics.median(passes),
            "comparison": statistics.median(whole),
            "comparison - forward passes": statistics.median(b - a for a, b in zip(passes, whole, strict=True)),
            "comparison again, nothing to score": again,
            "parts": parts[-1],
        },
        "page_bytes": size,
        "bytes_of_kept_scores": kept,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="few models of a narrow network: does it run?")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        os.environ.setdefault("BRAINSCORE_REALNET_HOME", temporary)
        os.environ.setdefault("BRAINSCORE_HOME", str(Path(temporary) / "brain-score"))
        warnings.simplefilter("ignore")
        from brainscore_realnet import enable

        enable()
        logging.disable(logging.INFO)
        result = {
            "what": "comparison of eight personal models with four baselines on EEG and fMRI of virtual subjects",
            "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
            **measure(arguments.smoke, arguments.rounds),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
