"""Seconds and memory of a training step beside a literal one of the released code, in turns in one run; prints JSON.

CORnet-S with random weights (speed does not depend on them) and a head of 340 signals, batch 16 at 224², on the CPU.
The released step reads its batch from JPEG files of 500 pixels with torchvision's transforms, ours from the image
cache, as in training. ``cpu_seconds`` are of all threads together: on a machine that computes something else beside,
their ratios with ``--threads 1`` are closer to the truth than those of the seconds that passed. bfloat16 is measured
where the processor has it.

    python performance/training.py [--smoke] [--rounds 3] [--threads 2]
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

DATASET = "sim-things-eeg2"


@dataclass(frozen=True)
class Size:
    """Of the problem that is timed."""

    width: int = 64
    """Channels of V1; CORnet-S has 64"""
    side: int = 224
    """Of the network's input"""
    file_side: int = 500
    """Of the JPEG files"""
    batch: int = 16
    drawn: int = 64
    """Different images"""
    images: int = 64
    """Training images; files repeat"""
    signals: int = 340


SMOKE = Size(width=4, side=64, file_side=64, batch=4, drawn=8, images=8, signals=20)


@dataclass(frozen=True)
class Problem:
    """What both sides train on, and what they begin with."""

    size: Size
    paths: tuple[Path, ...]
    data: Any
    """TrainingData; the signals are white noise"""
    cache: Any
    """ImageCache of the paths"""
    network: Any
    """Seeded CORnet-S, in evaluation mode; sides copy it"""

    def recipe(self, **changes: Any) -> Any:
        """The EEG recipe on these images, without held-out concepts."""
        from brainscore_realnet.training.recipes import REALNET_EEG

        size = {"image_size": self.size.side, "batch_size": self.size.batch}
        return REALNET_EEG.changed(dataset=DATASET, subject=1, holdout=0, **size).changed(**changes)


def prepare(size: Size, folder: Path) -> Problem:
    """Draw images, write them as JPEG files, decode them once."""
    import torch

    from brainscore_realnet.networks.cornet_s import CORnetS
    from brainscore_realnet.simulation.images import draw_image
    from brainscore_realnet.training.data import TrainingData
    from brainscore_realnet.training.images import image_cache

    drawn = [folder / f"image-{number:04d}.jpg" for number in range(size.drawn)]
    for number, path in enumerate(drawn):
        if not path.exists():
            draw_image(number // 4, number % 4, 0, size.file_side).save(path, quality=90)
    paths = tuple(drawn[number % size.drawn] for number in range(size.images))
    data = TrainingData(
        dataset=DATASET,
        subject="sub-01",
        images=paths,
        concepts=tuple(f"concept-{number % size.drawn // 4}" for number in range(size.images)),
        signals=np.random.default_rng(0).standard_normal((size.images, size.signals), dtype=np.float32),
        signal_shape=(size.signals,),
        mean=0.0,
        std=1.0,
        ch_names=(),
        times=(),
        images_sha256="",
        sha256="",
    )
    torch.manual_seed(0)
    return Problem(size, paths, data, image_cache(paths, size.side, progress=False), CORnetS(size.width).eval())


class OurTraining:
    """The package's training, driven step by step; close it to take its hooks off.

    Parameters
    ----------
    problem : Problem
    device : str or torch.device
    recipe : Recipe, optional
        Default: the EEG recipe.
    compiled : str, optional
        Backend of `torch.compile` for the backbone; not compiled by default.
    """

    def __init__(self, problem: Problem, device: Any, recipe: Any = None, compiled: str | None = None) -> None:
        import torch

        from brainscore_realnet.networks.recording import recorded_layers
        from brainscore_realnet.training.batches import to_device
        from brainscore_realnet.training.devices import own_randomness
        from brainscore_realnet.training.run_state import RunState
        from brainscore_realnet.training.steps import Objective
        from brainscore_realnet.training.trainer import _as_released

        self.device, self.recipe = torch.device(device), recipe or problem.recipe()
        self._closing = ExitStack()
        # As in training: runs on one GPU are identical, and float32 is float32.
        self._closing.enter_context(torch.backends.cudnn.flags(enabled=True, deterministic=True, allow_tf32=False))
        with own_randomness(self.recipe.seed, self.device):
            self.state = RunState(self.recipe, problem.network, problem.data, self.device)
        self.state.backbone.train()
        features = self._closing.enter_context(recorded_layers(self.state.backbone, self.state.layers))
        if compiled:
            self.state.backbone = torch.compile(self.state.backbone, backend=compiled)
        self.cache = to_device(problem.cache, self.device)
        labels = torch.randint(1000, (len(self.cache),), generator=torch.Generator().manual_seed(0)).to(self.device)
        signals = torch.from_numpy(problem.data.signals).to(self.device)
        teacher = _as_released(self.recipe, problem.network, self.device) if self.recipe.reference else None
        self.objective = Objective(self.recipe, self.state, features, labels, [signals], teacher)

    def batches(self) -> Iterator[tuple[Any, Any]]:
        """Rows and pixels of the whole batches of epoch after epoch, as the trainer gives them."""
        import torch

        from brainscore_realnet.training.trainer import epoch_order

        n_images, size, epoch = len(self.cache), self.recipe.batch_size, 0
        while True:
            order = epoch_order(n_images, self.recipe.seed, epoch)[: n_images // size * size]
            rows = torch.from_numpy(order).to(self.device).split(size)
            yield from zip(rows, self.objective.pixels(self.cache, order, size), strict=True)
            epoch += 1

    def stepper(self) -> Callable[[], None]:
        """A function that takes a step with the next batch."""
        source = self.batches()

        def step() -> None:
            self.state.sums += self.objective.step(*next(source))

        return step

    def close(self) -> None:
        """Take hooks off and give back PyTorch's settings."""
        self._closing.close()


def our_steps(problem: Problem, precision: str) -> Callable[[], None]:
    return OurTraining(problem, "cpu", problem.recipe(precision=precision)).stepper()


def released_training(problem: Problem, device: Any = "cpu") -> Any:
    """The released code's training, which begins with the same weights as ours."""
    import torch
    from references.released_training import AREAS, ReleasedTraining

    from brainscore_realnet.networks.generation_head import GenerationHead

    recipe = problem.recipe()
    torch.manual_seed(recipe.seed)
    head = GenerationHead.for_backbone(problem.network, AREAS, problem.size.signals, problem.size.side)
    return ReleasedTraining(problem.network, head, recipe.beta, recipe.learning_rate, device)


def released_steps(problem: Problem, device: Any = "cpu") -> Callable[[], Any]:
    """A function that takes the released code's step with the next batch, epoch after epoch."""
    from references.released_training import ImagesWithSignals

    training = released_training(problem, device)
    dataset = ImagesWithSignals(problem.paths, problem.data.signals, problem.size.side)

    def epochs() -> Iterator[Any]:
        while True:
            yield from training.epoch(dataset, problem.size.batch)

    return partial(next, epochs())


def forward_passes(problem: Problem, precision: str) -> Callable[[], None]:
    """A forward pass of a batch and nothing else: no step can be faster."""
    from copy import deepcopy

    import torch

    from brainscore_realnet.training.batches import normalised
    from brainscore_realnet.training.devices import memory_layout

    layout = memory_layout(torch.device("cpu"), precision)
    network = deepcopy(problem.network).to(memory_format=layout)
    images = normalised(problem.cache.pixels[: problem.size.batch]).contiguous(memory_format=layout)

    def run() -> None:
        with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == "bf16"):
            network(images)

    return run


def routes() -> dict[str, Callable[[Problem], Callable[[], Any]]]:
    """What is timed, by name: from a problem to a function that takes a step."""
    import torch

    from brainscore_realnet.training.devices import computes_in_bf16

    precisions = ("fp32", "bf16") if computes_in_bf16(torch.device("cpu")) else ("fp32",)
    ours = {f"ours {precision}": partial(our_steps, precision=precision) for precision in precisions}
    bare = {f"forward pass {precision}": partial(forward_passes, precision=precision) for precision in precisions}
    return {"released": released_steps, **ours, **bare}


def measure(problem: Problem, rounds: int) -> dict[str, Any]:
    """Seconds of a step of every route, in turns, their ratios, and the share of loading."""
    from brainscore_realnet.training.batches import loading_seconds

    steps = {name: route(problem) for name, route in routes().items()}
    passed: dict[str, list[float]] = {name: [] for name in steps}
    computed: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds + 1):
        for name, step in steps.items():
            started, computing = time.perf_counter(), time.process_time()
            step()
            if number:  # the first step makes what the others keep
                passed[name].append(time.perf_counter() - started)
                computed[name].append(time.process_time() - computing)
    ours = [name for name in steps if name.startswith("ours")]
    loading = loading_seconds(problem.cache, "cpu", problem.size.batch, 20)
    return {
        "seconds": {name: [round(one, 3) for one in each] for name, each in passed.items()},
        "cpu_seconds": {name: [round(one, 3) for one in each] for name, each in computed.items()},
        "ratios": {f"released / {name}": ratio(passed["released"], passed[name]) for name in ours},
        "ratios_of_cpu_seconds": {f"released / {name}": ratio(computed["released"], computed[name]) for name in ours},
        "loading": {
            "seconds": round(loading, 5),
            "share of a step": {name: round(loading / statistics.median(passed[name]), 5) for name in ours},
        },
    }


def ratio(one: list[float], other: list[float]) -> float:
    return round(statistics.median(np.divide(one, other)), 2)


def peak_memory_gb(arguments: argparse.Namespace, folder: str) -> dict[str, float]:
    """Peak resident memory of processes that take two steps each, GB."""
    peaks = {}
    options = ["--threads", str(arguments.threads), *(["--smoke"] if arguments.smoke else [])]
    names = [name for name in routes() if not name.startswith("forward")]
    for name in names[:1] if arguments.smoke else names:
        command = [sys.executable, __file__, "--alone", name, "--folder", folder, *options]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        peaks[name] = round(json.loads(output)["peak_gb"], 2)
    return peaks


def alone(name: str, problem: Problem) -> dict[str, float]:
    step = routes()[name](problem)
    step()
    step()
    # Not getrusage: after fork and exec its maximum still holds that of the parent process.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {"peak_gb": int(status["VmHWM"].split()[0]) * 1024 / 1e9}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="a tiny network, one round: does it run?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=os.cpu_count(), help="of PyTorch")
    parser.add_argument("--alone", help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    size = SMOKE if arguments.smoke else Size()
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.folder or temporary
        os.environ["BRAINSCORE_REALNET_HOME"] = folder
        import torch

        torch.set_num_threads(1 if arguments.smoke else arguments.threads)
        problem = prepare(size, Path(folder))
        if arguments.alone:
            print(json.dumps(alone(arguments.alone, problem)))
            return
        result = {
            "what": f"a training step, batch {size.batch}, {size.side}², head of {size.signals} signals, CPU",
            "machine": {
                "processor": platform.machine(),
                "instructions": torch.backends.cpu.get_cpu_capability(),
                "cores": os.cpu_count(),
                "threads": torch.get_num_threads(),
                "torch": torch.__version__,
            },
            **measure(problem, 1 if arguments.smoke else arguments.rounds),
            "peak_memory_gb": peak_memory_gb(arguments, folder),
        }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
