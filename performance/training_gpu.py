"""Speed of training on a GPU: one command, any CUDA device, within ten minutes; prints JSON.

An epoch of THINGS-EEG2's 16,540 training images with CORnet-S (random weights, speed does not depend on them), a head
of 340 signals, batch 16 at 224²: every way to take our step, the literal restatement of the released step with its JPEG
files (drawn, 500 pixels), `train` as a user calls it, several models at once, loading, memory, and whether the values
are right. What fails is reported with its error and the rest is measured; what does not fit in time is left out and
said. Steps that are timed for a part of an epoch are scaled to the whole.

    python performance/training_gpu.py [--smoke] [--minutes 8] [--only epochs]

Without a CUDA device nothing is measured; ``--smoke`` then runs every measurement in a tiny size on the CPU.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from training import SMOKE, OurTraining, Problem, Size, prepare, released_steps, released_training

from brainscore_realnet.training.batches import loading_seconds

FULL = Size(drawn=256, images=16540)
NO_DEVICE = "no CUDA device: nothing measured"


@dataclass(frozen=True)
class Run:
    """What every measurement gets."""

    problem: Problem
    device: torch.device
    smoke: bool
    folder: Path
    deadline: float
    """In `time.monotonic`'s seconds; what has begun may take longer"""

    @property
    def precision(self) -> str:
        """That of the recipe, except where nothing is measured anyway."""
        return "fp32" if self.smoke else "bf16"

    @property
    def steps_an_epoch(self) -> int:
        """The last, smaller batch counts as one."""
        return -(-len(self.problem.paths) // self.problem.size.batch)

    def training(self, compiled: str | None = None, **changes: Any) -> OurTraining:
        """Our training, in the precision of the recipe unless another is named."""
        recipe = self.problem.recipe(**{"precision": self.precision, **changes})
        return OurTraining(self.problem, self.device, recipe, compiled)

    def wait(self) -> None:
        """Until the device has done all it was given."""
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)

    def attempt(self, measure: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """Measure; an error, or that no time is left, is a result too."""
        if time.monotonic() > self.deadline:
            return {"left out": "no time left"}
        try:
            return measure()
        except Exception as error:  # whatever a variant raises, the others are to be measured
            return {"error": f"{type(error).__name__}: {error}".partition("\n")[0]}

    @contextmanager
    def memory(self, found: dict[str, Any]) -> Iterator[None]:
        """Note the peak of the device's memory inside."""
        if self.device.type != "cuda":
            yield
            return
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(self.device)
        yield
        found["peak_memory_gb"] = round(torch.cuda.max_memory_allocated(self.device) / 1e9, 2)


def seconds_of_epoch(run: Run, step: Callable[[], Any], warm_up: int = 20, most_seconds: float = 25) -> dict[str, Any]:
    """Time an epoch's steps, or as many as there is time for, scaled."""
    for _ in range(2 if run.smoke else warm_up):
        step()
    run.wait()
    started, done, part = time.perf_counter(), 0, max(1, run.steps_an_epoch // 10)
    while done < run.steps_an_epoch and time.perf_counter() - started < most_seconds:
        for _ in range(min(part, run.steps_an_epoch - done)):
            step()
            done += 1
        run.wait()
    a_step = (time.perf_counter() - started) / done
    return {
        "epoch_seconds": round(a_step * run.steps_an_epoch, 3),
        "milliseconds_a_step": round(1e3 * a_step, 3),
        "steps_timed": done,
    }


def plain(ours: OurTraining) -> Callable[[], None]:
    return ours.stepper()


def captured(ours: OurTraining) -> Callable[[], None]:
    """A function that takes a step as the trainer does: as a CUDA graph where that is possible."""
    from brainscore_realnet.training.captured import fastest_step

    change_weights = fastest_step(ours.objective, *next(ours.batches()))
    source = ours.batches()
    if ours.device.type == "cuda" and change_weights == ours.objective.step:
        raise RuntimeError("the step could not be captured; a warning in stderr says why")

    def step() -> None:
        ours.state.sums += change_weights(*next(source))

    return step


def epochs(run: Run) -> dict[str, Any]:
    """Our epoch in every way to take a step, and the released one."""
    backend = "eager" if run.smoke else "inductor"
    variants: dict[str, Callable[[], dict[str, Any]]] = {
        "plain": partial(ours_epoch, run, plain),
        "cuda graph": partial(ours_epoch, run, captured),
        "cuda graph, fp32": partial(ours_epoch, run, captured, precision="fp32"),
        "compiled": partial(ours_epoch, run, plain, compiled=backend),
        "compiled, cuda graph": partial(ours_epoch, run, captured, compiled=backend),
        "released": partial(released_epoch, run),
        "released, images decoded before": partial(released_epoch, run, decoded=True),
    }
    found = {name: run.attempt(measure) for name, measure in variants.items()}
    released = found["released"].get("epoch_seconds")
    for name, one in found.items():
        if released and "epoch_seconds" in one and not name.startswith("released"):
            one["released / this"] = round(released / one["epoch_seconds"], 1)
    return found


def ours_epoch(
    run: Run, way: Callable[[OurTraining], Callable[[], None]], compiled: str | None = None, **changes: Any
) -> dict[str, Any]:
    found: dict[str, Any] = {}
    started = time.perf_counter()
    with run.memory(found):
        ours = run.training(compiled, **changes)
        try:
            step = way(ours)
            step()
            run.wait()
            found["seconds_until_first_step"] = round(time.perf_counter() - started, 2)
            found |= seconds_of_epoch(run, step)
        finally:
            ours.close()
    return found


def released_epoch(run: Run, decoded: bool = False) -> dict[str, Any]:
    """A part of an epoch as released; `decoded`: the same batch again and again, so that no image is read."""
    found: dict[str, Any] = {}
    size = run.problem.size
    with run.memory(found):
        if decoded:
            batch = torch.randn(size.batch, 3, size.side, size.side), torch.randn(size.batch, size.signals)
            step = partial(released_training(run.problem, run.device).step, *batch)
        else:
            step = released_steps(run.problem, run.device)
        found |= seconds_of_epoch(run, step, warm_up=5, most_seconds=15)
    return found


def whole_training(run: Run) -> dict[str, Any]:
    """`train` as a user calls it, for two epochs: the first begins with capturing, the second is a usual one."""
    from brainscore_realnet.training.trainer import train

    problem, started = run.problem, time.perf_counter()
    recipe = problem.recipe(epochs=2, precision=run.precision, checkpoint_every=10**9)
    trained = train(
        recipe, problem.network, problem.data, problem.cache, run.folder / "run", device=run.device, progress=False
    )
    first, second = (curve["seconds"] for curve in trained.curves)
    return {
        "first_epoch_seconds": round(first, 3),
        "second_epoch_seconds": round(second - first, 3),
        "seconds_with_labels_and_checkpoint": round(time.perf_counter() - started, 3),
    }


def several_models(run: Run) -> dict[str, Any]:
    """Total throughput of models in processes of their own, and of models in one process with streams of their own."""
    found: dict[str, Any] = {}
    for kind, measure in {"processes": in_processes, "streams of one process": in_streams}.items():
        rates = {}
        for n_models in (1, 2) if run.smoke else (1, 2, 3):
            rates[n_models] = run.attempt(partial(measure, run, n_models))
        one = rates[1].get("images_a_second")
        for rate in rates.values():
            if one and "images_a_second" in rate:
                rate["total / one"] = round(rate["images_a_second"] / one, 2)
        found[kind] = {f"{n_models} at once": rate for n_models, rate in rates.items()}
    return found


def in_processes(run: Run, n_models: int) -> dict[str, Any]:
    """Start processes, wait until all have warmed up, and let them train for the same seconds."""
    seconds = 0.2 if run.smoke else 10
    command = [sys.executable, __file__, "--alone", str(seconds), "--folder", str(run.folder)]
    command += ["--smoke"] if run.smoke else []
    processes = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(n_models)
    ]
    try:
        if any(process.stdout.readline() != "ready\n" for process in processes):
            raise RuntimeError("a process ended before it had warmed up; stderr says why")
        for process in processes:
            process.stdin.write("go\n")
            process.stdin.flush()
        results = [json.loads(process.communicate(timeout=120)[0]) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    return {"images_a_second": round(sum(one["images_a_second"] for one in results), 1)}


def alone(run: Run, seconds: float) -> dict[str, Any]:
    """Train for some seconds, from when a line comes in."""
    step = captured(run.training())
    for _ in range(10):
        step()
    run.wait()
    print("ready", flush=True)
    sys.stdin.readline()
    return throughput(run, [step], seconds)


def in_streams(run: Run, n_models: int) -> dict[str, Any]:
    """Take steps of models in turns, each in a stream of its own, so that the device may compute them beside."""
    trainings = [run.training(seed=seed) for seed in range(n_models)]
    try:
        steps = [captured(ours) for ours in trainings]
        if run.device.type == "cuda":
            steps = [partial(in_stream, torch.cuda.Stream(run.device), step) for step in steps]
        for step in steps * 10:
            step()
        run.wait()
        return throughput(run, steps, 0.2 if run.smoke else 10)
    finally:
        for ours in reversed(trainings):  # each gives back the settings that it found
            ours.close()


def in_stream(stream: Any, step: Callable[[], None]) -> None:
    with torch.cuda.stream(stream):
        step()


def throughput(run: Run, steps: list[Callable[[], None]], seconds: float) -> dict[str, Any]:
    started, done = time.perf_counter(), 0
    while time.perf_counter() - started < seconds:
        for _ in range(10):
            for step in steps:
                step()
                done += 1
        run.wait()
    return {"images_a_second": round(done * run.problem.size.batch / (time.perf_counter() - started), 1)}


def loading(run: Run) -> dict[str, Any]:
    """Seconds that a batch takes with nothing computed beside, from the device and from main memory, and shares."""
    from brainscore_realnet.training.batches import to_device

    batch = run.problem.size.batch
    caches = {"on the device": to_device(run.problem.cache, run.device), "in main memory": run.problem.cache}
    ours = run.training()
    try:
        a_step = seconds_of_epoch(run, captured(ours), most_seconds=5)["milliseconds_a_step"]
    finally:
        ours.close()
    found: dict[str, Any] = {"milliseconds_a_step": a_step}
    for place, cache in caches.items():
        milliseconds = 1e3 * loading_seconds(cache, run.device, batch, 5 if run.smoke else 200)
        found[place] = {"milliseconds": round(milliseconds, 4), "share of a step": round(milliseconds / a_step, 4)}
    return found


def values(run: Run) -> dict[str, Any]:
    """Check that the values are right: against the released step, of two runs, captured against plain."""
    checks = {
        "first step against the released one, fp32": parity,
        "two runs, plain": partial(two_runs, ways=(plain, plain)),
        "two runs, captured": partial(two_runs, ways=(captured, captured)),
        "captured against plain": partial(two_runs, ways=(plain, captured)),
        "captured against plain, fp32": partial(two_runs, ways=(plain, captured), precision="fp32"),
    }
    return {name: run.attempt(partial(check, run)) for name, check in checks.items()}


def parity(run: Run) -> dict[str, Any]:
    """Greatest relative differences of outputs and losses of the first step, in float32 without TF32."""
    from brainscore_realnet.training.run_state import PARTS

    ours = run.training(precision="fp32", reference=True)  # leaves TF32 off until it is closed
    try:
        rows, images = next(ours.batches())
        outputs: list[Any] = []
        forward = ours.objective.forward
        ours.objective.forward = lambda images: outputs.append(forward(images)) or outputs[-1]
        parts = ours.objective.step(rows, images).tolist()
        signals = torch.from_numpy(run.problem.data.signals)[rows.cpu()]
        theirs = released_training(run.problem, run.device).step(images.contiguous(), signals)
    finally:
        ours.close()
    logits, (generated,) = outputs[0]
    expected = (theirs.total, theirs.classification, theirs.mse, theirs.contrastive)
    losses = zip(PARTS, parts, expected, strict=True)
    return {
        "logits": relative(logits, theirs.logits),
        "generated": relative(generated, theirs.generated),
        **{name: abs(one - other) / abs(other) for name, one, other in losses},
    }


def two_runs(run: Run, ways: tuple[Callable[[OurTraining], Callable[[], None]], ...], **changes: Any) -> dict[str, Any]:
    """Tell whether two trainings of some steps end with the same weights to the bit, and how far apart they are."""
    ends = []
    for way in ways:
        ours = run.training(**changes)
        try:
            step = way(ours)
            for _ in range(3 if run.smoke else 10):
                step()
            run.wait()
            ends.append({"sums": ours.state.sums.cpu(), **ours.state.weights()})
        finally:
            ours.close()
    one, other = ends
    return {
        "identical": all(torch.equal(one[name], other[name]) for name in one),
        "greatest relative difference of losses": relative(one.pop("sums"), other.pop("sums")),
        "greatest relative difference of weights": max(relative(one[name], other[name]) for name in one),
    }


def relative(one: Any, other: Any) -> float:
    one, other = one.detach().double(), other.detach().double()
    return float((one - other).abs().max() / other.abs().max().clamp(min=1e-300))


MEASUREMENTS: dict[str, Callable[[Run], dict[str, Any]]] = {
    "values": values,
    "epochs": epochs,
    "train": whole_training,
    "loading": loading,
    "several models": several_models,
}
"""By name; each is a function of the run."""


def machine(device: torch.device) -> dict[str, Any]:
    found = {"processor": platform.machine(), "cores": os.cpu_count(), "torch": torch.__version__}
    if device.type == "cuda":
        found |= {"gpu": torch.cuda.get_device_name(device), "cuda": torch.version.cuda}
        found["cudnn"] = torch.backends.cudnn.version()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="a tiny network, few steps: does it run?")
    parser.add_argument("--minutes", type=float, default=8, help="no measurement begins later")
    parser.add_argument("--only", default="", help="beginning of a measurement's name")
    parser.add_argument("--alone", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    deadline = time.monotonic() + 60 * arguments.minutes
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    if device.type == "cpu":
        if not arguments.smoke:
            print(json.dumps({"what": "training on a GPU", "note": NO_DEVICE, "machine": machine(device)}, indent=2))
            return
        torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(arguments.folder or temporary)
        os.environ["BRAINSCORE_REALNET_HOME"] = str(folder)
        problem = prepare(SMOKE if arguments.smoke else FULL, folder)
        run = Run(problem, device, arguments.smoke, folder, deadline)
        if arguments.alone:
            print(json.dumps(alone(run, arguments.alone)))
            return
        size = problem.size
        result: dict[str, Any] = {"what": f"training, batch {size.batch}, {size.side}², {size.images} images"}
        if device.type == "cpu":
            result["note"] = NO_DEVICE
        result["machine"] = machine(device)
        result["kilobytes_a_file"] = round(sum(path.stat().st_size for path in problem.paths) / size.images / 1e3, 1)
        for name, measure in MEASUREMENTS.items():
            if name.startswith(arguments.only):
                result[name] = run.attempt(partial(measure, run))
                print(f"{name}: done", file=sys.stderr)
    print(json.dumps(result, indent=2, ensure_ascii=False))


if __name__ == "__main__":
    main()
