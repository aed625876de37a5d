"""Speed and memory of ``brainscore_realnet.rsa`` beside the field's references, in turns in one run; prints JSON.

References are timed on a sample and scaled to the whole (`scale`); ratios are medians over rounds. Responses are
simulated: white noise of unit variance and, growing over the epoch, differences between images (mean accuracy from .5
to .87). NeuroRA does not install beside Brain-Score: give the interpreter of an environment that has it (as
tests/data/neurora/make_golden.py says); without it only scikit-learn's loop is timed.

    python performance/rsa.py [--smoke] [--rounds 3] [--neurora PYTHON] [--device cuda:0]
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

FEATURES = (200704, 100352, 50176, 25088)
"""Of CORnet-S's four areas at 224²."""


@dataclass(frozen=True)
class Size:
    """Of the problems that are timed."""

    images: int = 200
    trials: int = 80
    channels: int = 17
    times: int = 20
    long: int = 100
    subjects: int = 10
    features: tuple[int, ...] = FEATURES


SMOKE = Size(images=10, trials=20, channels=5, times=2, long=3, subjects=2, features=(300, 200, 100, 50))


@dataclass(frozen=True)
class Case:
    """One row: what is timed and what it is held against."""

    inputs: Callable[[], Any]
    ours: Callable[[Any], Any]
    references: dict[str, tuple[Callable[[Any], Any], float]]
    """By name: a computation on a sample of the input, and by how much the whole is more."""


def cases(size: Size) -> dict[str, Case]:
    """All rows by name."""
    from brainscore_realnet.rsa import compare_rdms, correlation_rdm, crossnobis_rdm, decoding_rdm

    pairs = size.images * (size.images - 1) / 2
    spearman_pairs = 4 * size.long * size.subjects
    sklearn = {"scikit-learn": (sklearn_loop, pairs * size.times * 5)}
    return {
        "svm": Case(lambda: responses(size, size.times), decoding_rdm, sklearn),
        "svm, 100 times": Case(lambda: responses(size, size.long), decoding_rdm, {}),
        "lda, 5 repeats": Case(lambda: responses(size, size.times), lambda trials: decoding_rdm(trials, "lda"), {}),
        "lda, 100 repeats": Case(
            lambda: responses(size, size.times), lambda trials: decoding_rdm(trials, "lda", repeats=100), {}
        ),
        "crossnobis": Case(
            lambda: responses(size, size.long),
            lambda trials: crossnobis_rdm(trials, noise="identity"),
            {"rsatoolbox": (rsatoolbox_crossnobis, size.long)},
        ),
        "crossnobis, mvnn": Case(lambda: responses(size, size.long), crossnobis_rdm, {}),
        "model RDMs": Case(
            lambda: features(size),
            lambda areas: [correlation_rdm(area) for area in areas],
            {"pairwise loop": (pearson_loop, pairs)},
        ),
        "spearman": Case(
            lambda: (rdms(size, 4, seed=0), rdms(size, size.subjects, size.long, seed=1)),
            lambda given: compare_rdms(given[0][:, None, None], given[1]),
            {"scipy": (scipy_loop, spearman_pairs)},
        ),
    }


def responses(size: Size, n_times: int) -> np.ndarray:
    """Simulate responses (n_images, n_trials, n_channels, n_times)."""
    rng = np.random.default_rng(0)
    differences = np.linspace(0, 0.25, n_times) * rng.standard_normal((size.images, 1, size.channels, n_times))
    trials = rng.standard_normal((size.images, size.trials, size.channels, n_times))
    trials += differences
    return trials


def features(size: Size) -> list[np.ndarray]:
    """Simulate the rectified features (n_images, n_features) of four areas, float32."""
    rng = np.random.default_rng(0)
    areas = []
    for width in size.features:
        area = rng.standard_normal((size.images, width), dtype=np.float32)
        area += rng.standard_normal(width, dtype=np.float32)
        areas.append(np.maximum(area, 0, out=area))
    return areas


def rdms(size: Size, *shape: int, seed: int) -> np.ndarray:
    """Simulate RDMs (*shape, n_images, n_images) whose entries are proportions of 160, as accuracies are."""
    upper = np.random.default_rng(seed).integers(60, 160, (*shape, size.images, size.images)) / 160
    upper *= np.triu(np.ones((size.images, size.images)), 1)
    return upper + np.swapaxes(upper, -1, -2)


def sklearn_loop(trials: np.ndarray) -> None:
    """One pair, time point and repeat with scikit-learn: 4 fits of 24 pseudotrials."""
    from sklearn.svm import SVC

    m = trials.shape[1] // 5
    pseudotrials = trials[:2, : 5 * m, :, -1].reshape(2, m, 5, -1).mean(axis=2)
    image = np.repeat([0, 1], m)
    for held_out in np.array_split(np.arange(m), 4):
        test = np.concatenate([held_out, held_out + m])
        training = np.setdiff1d(np.arange(2 * m), test)
        samples = np.concatenate(list(pseudotrials))
        SVC(kernel="linear", tol=1e-4).fit(samples[training], image[training]).score(samples[test], image[test])


def rsatoolbox_crossnobis(trials: np.ndarray) -> None:
    """One time point with rsatoolbox, every trial its own fold."""
    from rsatoolbox.data import Dataset
    from rsatoolbox.rdm import calc_rdm

    n_images, n_trials, _, _ = trials.shape
    dataset = Dataset(
        trials[..., 0].reshape(n_images * n_trials, -1),
        obs_descriptors={
            "image": np.repeat(np.arange(n_images), n_trials),
            "fold": np.tile(np.arange(n_trials), n_images),
        },
    )
    calc_rdm(dataset, method="crossnobis", descriptor="image", cv_descriptor="fold")


def pearson_loop(areas: list[np.ndarray]) -> None:
    """One pair of images in every area."""
    for area in areas:
        np.corrcoef(area[0], area[1])


def scipy_loop(given: tuple[np.ndarray, np.ndarray]) -> None:
    """One pair of RDMs."""
    from scipy.stats import spearmanr

    model, neural = given
    upper = np.triu_indices(model.shape[-1], 1)
    _ = spearmanr(model[0][upper], neural[0, 0][upper]).statistic


NEURORA = """
import contextlib, io, json, time
import numpy as np
from neurora.rdm_cal import eegRDM_bydecoding
trials = np.load(r"{path}")
with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
    started = time.perf_counter()
    eegRDM_bydecoding(trials[:, None], time_win=1, time_step=1, navg=5, nfolds=4, nrepeats=5)
print(json.dumps(time.perf_counter() - started))
"""


def neurora_seconds(python: str, size: Size, folder: Path) -> float:
    """Seconds of NeuroRA on one core for one pair of images, which it decodes in both orders."""
    path = folder / "trials.npy"
    np.save(path, responses(size, size.times)[:2])
    single = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    run = subprocess.run([python, "-c", NEURORA.format(path=path)], capture_output=True, text=True, env=single)
    if run.returncode:
        raise SystemExit(f"{python} cannot run NeuroRA:\n{run.stderr}")
    return float(json.loads(run.stdout.splitlines()[-1]))


def timed(function: Callable[[Any], Any], given: Any, at_least: float = 0.0) -> float:
    """Seconds of one call, averaged over as many as `at_least` seconds take."""
    calls, started = 0, time.perf_counter()
    while calls == 0 or time.perf_counter() - started < at_least:
        function(given)
        calls += 1
    return (time.perf_counter() - started) / calls


def measure(size: Size, rounds: int, neurora: str | None, folder: Path) -> dict[str, Any]:
    """Time every case and its references in turns."""
    rows = {}
    for name, case in cases(size).items():
        given = case.inputs()
        seconds: dict[str, list[float]] = {"ours": [], **{reference: [] for reference in case.references}}
        for function in (case.ours, *(function for function, _ in case.references.values())):
            function(given)  # imports and compilation
        for _ in range(rounds):
            seconds["ours"].append(timed(case.ours, given))
            for reference, (function, scale) in case.references.items():
                seconds[reference].append(scale * timed(function, given, at_least=0.2))
            if name == "svm" and neurora is not None:
                pairs = size.images * (size.images - 1) / 2
                seconds.setdefault("NeuroRA 1.1.6, one core", []).append(pairs * neurora_seconds(neurora, size, folder))
        rows[name] = {
            "seconds": {who: [round(each, 4) for each in times] for who, times in seconds.items()},
            "median_seconds": {who: round(statistics.median(times), 4) for who, times in seconds.items()},
            "ratios": {
                f"{who} / ours": round(statistics.median(np.divide(times, seconds["ours"])), 1)
                for who, times in seconds.items()
                if who != "ours"
            },
        }
        rows[name]["peak_memory_mb"] = peak_memory_mb(name, size)
    return rows


def peak_memory_mb(name: str, size: Size) -> float | None:
    """Peak memory of a case beyond its input, measured in a process of its own (Linux)."""
    if not Path("/proc/self/clear_refs").exists():
        return None
    command = [sys.executable, __file__, "--peak-of", name, *(["--smoke"] if size == SMOKE else [])]
    return float(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))


def peak_of(name: str, size: Size) -> float:
    """Megabytes by which the peak of resident memory exceeds what is resident with the input alone."""
    case = cases(size)[name]
    small = cases(SMOKE)[name]
    small.ours(small.inputs())  # imports and compiled code are not the computation's
    given = case.inputs()
    before = resident("VmRSS")
    Path("/proc/self/clear_refs").write_text("5")
    case.ours(given)
    return round((resident("VmHWM") - before) / 1e6, 1)


def resident(which: str) -> int:
    """Bytes of memory now (VmRSS) or at its peak (VmHWM)."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[which].split()[0]) * 1024


def errors(size: Size) -> dict[str, float]:
    """Largest difference between model RDMs of float32 features and those of the same in float64."""
    from brainscore_realnet.rsa import correlation_rdm

    areas = features(size)
    return {
        "model RDMs": max(float(np.abs(correlation_rdm(x) - correlation_rdm(x.astype(float))).max()) for x in areas)
    }


def on_device(size: Size, device: str, rounds: int) -> dict[str, Any]:
    """Time what runs on torch devices, input and output in main memory, and compare it with NumPy's results."""
    from brainscore_realnet.rsa import compare_rdms, correlation_rdm, crossnobis_rdm, decoding_rdm

    trials, areas = responses(size, size.times), features(size)
    model, neural = rdms(size, 4, seed=0), rdms(size, size.subjects, size.long, seed=1)
    calls: dict[str, Callable[[Any], Any]] = {
        "model RDMs": lambda at: [correlation_rdm(area, device=at) for area in areas],
        "crossnobis, mvnn": lambda at: crossnobis_rdm(trials, device=at),
        "lda, 5 repeats": lambda at: decoding_rdm(trials, "lda", device=at),
        "spearman": lambda at: compare_rdms(model[:, None, None], neural, device=at),
    }
    rows = {}
    for name, call in calls.items():
        expected, found = np.stack(call(None)), np.stack(call(device))
        rows[name] = {
            "seconds": {
                "cpu": statistics.median(timed(call, None) for _ in range(rounds)),
                device: statistics.median(timed(call, device) for _ in range(rounds)),
            },
            "largest difference": float(np.abs(found - expected).max()),
        }
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small problems, one round: does it run?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--neurora", help="interpreter of an environment with NeuroRA 1.1.6")
    parser.add_argument("--device", help="torch device to time as well, such as cuda:0")
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    size = SMOKE if arguments.smoke else Size()
    warnings.simplefilter("ignore")
    if arguments.peak_of:
        print(json.dumps(peak_of(arguments.peak_of, size)))
        return
    import tempfile

    rounds = 1 if arguments.smoke else arguments.rounds
    with tempfile.TemporaryDirectory() as folder:
        result: dict[str, Any] = {
            "what": "representational similarity analysis on simulated data",
            "size": size.__dict__,
            "machine": {"processor": platform.machine(), "cores": os.cpu_count()},
            "cases": measure(size, rounds, arguments.neurora, Path(folder)),
            "errors": errors(size),
        }
    device = arguments.device or ("cpu" if arguments.smoke else None)
    if device is not None:
        result["device"] = {"name": device_name(device), "cases": on_device(size, device, rounds)}
    print(json.dumps(result, indent=2))


def device_name(device: str) -> str:
    """Say which accelerator a torch device is."""
    import torch

    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


if __name__ == "__main__":
    main()
