"""Time and memory of preparing data sets once and of opening them ever after; prints JSON.

Files are simulated, of full size and in the published forms. Preparing is held against moving the same bytes: a copy
with its SHA-256, block by block, and ``numpy.load`` with ``numpy.save``; everything is flushed to disk, in turns in one
run, each in a fresh process, whose peak memory is taken.

    python performance/data.py [--smoke] [--rounds 3] [--only "things-eeg2: preparing"]
"""

import argparse
import hashlib
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

NAME = "sim-things-eeg2"
BLOCK = 16 * 2**20


@dataclass(frozen=True)
class Size:
    """Of the simulated files."""

    things_eeg2: dict[str, tuple[int, int, int, int]] = field(
        default_factory=lambda: {"training": (16540, 4, 17, 100), "test": (200, 80, 17, 100)}
    )
    """Shape of a subject's preprocessed responses by split."""
    rounds: int = 3
    bdata: tuple[int, int, int] = (3450, 4466, 1004)
    """Samples and columns of a Kamitani file and voxels of one region: subject 1 of Horikawa2017, about V1."""


SMOKE = Size({"training": (12, 4, 17, 100), "test": (4, 8, 17, 100)}, rounds=1, bdata=(120, 400, 90))


def preparing_things_eeg2(size: Size, folder: Path) -> dict[str, Any]:
    """One subject's pickles into the store."""
    routes = ("add", "copy with sha256", "numpy load and save")
    measured: dict[str, list[dict[str, float]]] = {route: [] for route in routes}
    source = things_eeg2_download(size, folder)
    for _ in range(size.rounds):
        for route in routes:
            target = folder / "target"
            target.mkdir()
            measured[route].append(in_fresh_process(route, source, target))
            shutil.rmtree(target)
    seconds = {route: [one["seconds"] for one in each] for route, each in measured.items()}
    return {
        "gigabytes": sum(path.stat().st_size for path in source.rglob("*.npy")) / 1e9,
        "seconds": {route: [round(each, 3) for each in times] for route, times in seconds.items()},
        "ratios": {
            f"add / {route}": round(statistics.median(np.divide(seconds["add"], seconds[route])), 2)
            for route in routes[1:]
        },
        "peak_memory_gb": {route: round(max(one["peak_gb"] for one in each), 2) for route, each in measured.items()},
    }


def opening_things_eeg2(size: Size, folder: Path) -> dict[str, Any]:
    """Both splits of a prepared subject, after the imports; growth of memory with them open."""
    source, target = things_eeg2_download(size, folder), folder / "target"
    target.mkdir()
    in_fresh_process("add", source, target)
    opened = [in_fresh_process("open", source, target) for _ in range(size.rounds)]
    return {
        "milliseconds": [round(1e3 * one["seconds"], 2) for one in opened],
        "growth_of_memory_mb": round(max(one["growth_mb"] for one in opened), 2),
    }


def reading_a_region(size: Size, folder: Path) -> dict[str, Any]:
    """One region of a Kamitani file against the whole dataset, by layout of the file and place of the region's columns.

    Bytes are those that the process asks the system for, metadata of the file included, as a multiple of the region's.
    """
    results = {}
    samples, _, voxels = size.bdata
    for layout, options in BDATA_LAYOUTS.items():
        for place, run_length in {"in two runs": voxels // 2, "in runs of 8": 8}.items():
            path = bdata_file(size, folder / "file.h5", run_length, options)
            measured: dict[str, list[dict[str, float]]] = {"region": [], "whole dataset": []}
            for _ in range(size.rounds):
                for route, each in measured.items():
                    each.append(in_fresh_process(route, path, folder))
            results[f"{layout}, {place}"] = {
                "bytes_read / region": {
                    route: round(each[0]["bytes_read"] / (8 * samples * voxels), 2) for route, each in measured.items()
                },
                "milliseconds": {
                    route: [round(1e3 * one["seconds"], 1) for one in each] for route, each in measured.items()
                },
                "growth_of_peak_memory_mb": {
                    route: round(max(one["growth_mb"] for one in each), 1) for route, each in measured.items()
                },
            }
    return {"region_mb": 8 * samples * voxels / 1e6, **results}


BDATA_LAYOUTS: dict[str, dict[str, Any]] = {
    "contiguous": {},
    "chunked": {"chunks": True},
    "compressed": {"chunks": True, "compression": "gzip", "compression_opts": 1},
}
MEASUREMENTS: dict[str, Callable[[Size, Path], dict[str, Any]]] = {
    "things-eeg2: preparing a subject": preparing_things_eeg2,
    "things-eeg2: opening a subject": opening_things_eeg2,
    "kamitani: reading a region": reading_a_region,
}
"""By name: a function of the size and an empty folder of its own, which is deleted afterwards."""


def things_eeg2_download(size: Size, folder: Path) -> Path:
    """Write one virtual subject's files as they are published, dictionaries pickled into ``.npy``."""
    from brainscore_realnet.datasets.things_eeg2 import CHANNELS, SIMULATED_FILE

    source = folder / "download"
    (source / "sub-01").mkdir(parents=True)
    (source / SIMULATED_FILE).write_text("{}\n")
    rng = np.random.default_rng(0)
    for split, shape in size.things_eeg2.items():
        content = {
            "preprocessed_eeg_data": rng.standard_normal(shape),
            "ch_names": list(CHANNELS),
            "times": np.arange(-20, 80) / 100,
        }
        np.save(source / "sub-01" / f"preprocessed_eeg_{split}.npy", np.array(content, dtype=object), allow_pickle=True)
    os.sync()
    return source


def bdata_file(size: Size, path: Path, run_length: int, options: dict[str, Any]) -> Path:
    """Write a file whose region ROI_V1 stands in runs of columns that are spread evenly."""
    import h5py

    samples, columns, voxels = size.bdata
    keys = ["ROI_V1", *(f"key_{number}" for number in range(30))]
    value = np.full((len(keys), columns), np.nan)
    runs = -(-voxels // run_length)
    starts = np.linspace(0, columns - run_length, runs).astype(int)
    marked = np.concatenate([np.arange(start, start + run_length) for start in starts])[:voxels]
    value[0, marked] = 1
    with h5py.File(path, "w") as file:
        file.create_dataset("dataset", data=np.random.default_rng(0).standard_normal((samples, columns)), **options)
        file["metadata/key"] = np.array(keys, dtype=np.bytes_)
        file["metadata/value"] = value
    return path


def read_region(source: Path) -> dict[str, float]:
    from brainscore_realnet.datasets.kamitani import open_bdata

    return reading(lambda: open_bdata(source).select("ROI_V1"))


def read_whole(source: Path) -> dict[str, float]:
    import h5py

    def run() -> np.ndarray:
        with h5py.File(source) as file:
            marked = file["metadata/value"][0] == 1
            return file["dataset"][()][:, marked]

    return reading(run)


def reading(run: Callable[[], np.ndarray]) -> dict[str, float]:
    """Time, bytes read and growth of the peak of memory, after the imports."""
    import h5py  # noqa: F401 - its import reads many files

    before, peak = bytes_read(), memory("VmHWM")
    result = timed(run)
    return result | {"bytes_read": bytes_read() - before, "growth_mb": (memory("VmHWM") - peak) / 1e6}


def bytes_read() -> int:
    """Bytes that this process has asked the system for."""
    counts = dict(line.split(":") for line in Path("/proc/self/io").read_text().splitlines())
    return int(counts["rchar"])


def add(source: Path) -> dict[str, float]:
    from brainscore_realnet.datasets import things_eeg2

    return timed(lambda: things_eeg2.add(source, NAME, progress=False))


def copy(source: Path) -> dict[str, float]:
    def run() -> None:
        for path in source.rglob("*.npy"):
            digest = hashlib.sha256()
            with open(path, "rb") as reading, open(target_folder() / path.name, "wb") as writing:
                while block := reading.read(BLOCK):
                    digest.update(block)
                    writing.write(block)
                flushed(writing)
            digest.hexdigest()

    return timed(run)


def load_and_save(source: Path) -> dict[str, float]:
    def run() -> None:
        for path in source.rglob("*.npy"):
            content = np.load(path, allow_pickle=True).item()
            with open(target_folder() / path.name, "wb") as writing:
                np.save(writing, content["preprocessed_eeg_data"])
                flushed(writing)

    return timed(run)


def open_subject(source: Path) -> dict[str, float]:
    from brainscore_realnet.datasets import things_eeg2

    before = memory("VmRSS")
    started = time.perf_counter()
    opened = [things_eeg2.open_subject("sub-01", split, NAME) for split in things_eeg2.SPLITS]
    seconds = time.perf_counter() - started
    growth = memory("VmRSS") - before
    for recording in opened:
        np.asarray(recording.data[0])
    return {"seconds": seconds, "growth_mb": growth / 1e6}


ALONE: dict[str, Callable[[Path], dict[str, float]]] = {
    "add": add,
    "copy with sha256": copy,
    "numpy load and save": load_and_save,
    "open": open_subject,
    "region": read_region,
    "whole dataset": read_whole,
}
"""What is run in a fresh process, by name: a function of the folder it reads."""


def in_fresh_process(name: str, source: Path, target: Path) -> dict[str, float]:
    """Run one of `ALONE` with the store in ``target``; what it measured and the peak of its memory."""
    command = [sys.executable, __file__, "--alone", name, "--source", str(source)]
    environment = os.environ | {"BRAINSCORE_REALNET_HOME": str(target)}
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True, env=environment).stdout)


def target_folder() -> Path:
    return Path(os.environ["BRAINSCORE_REALNET_HOME"])


def timed(run: Callable[[], Any]) -> dict[str, float]:
    started = time.perf_counter()
    run()
    return {"seconds": time.perf_counter() - started}


def flushed(file: Any) -> None:
    file.flush()
    os.fsync(file.fileno())


def memory(key: str) -> int:
    """Bytes of resident memory: now (VmRSS) or at most so far (VmHWM)."""
    # Not getrusage: after fork and exec its maximum still holds that of the parent process.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(status[key].split()[0]) * 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--smoke", action="store_true", help="small files, one round: does it run?")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="", help="beginning of a measurement's name")
    parser.add_argument("--alone", choices=ALONE, help=argparse.SUPPRESS)
    parser.add_argument("--source", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.alone:
        result = ALONE[arguments.alone](arguments.source)
        print(json.dumps(result | {"peak_gb": memory("VmHWM") / 1e9}))
        return
    size = SMOKE if arguments.smoke else Size(rounds=arguments.rounds)
    results = {}
    for name, measure in MEASUREMENTS.items():
        if name.startswith(arguments.only):
            with tempfile.TemporaryDirectory() as folder:
                results[name] = measure(size, Path(folder))
    machine = {"processor": platform.machine(), "cores": os.cpu_count()}
    print(json.dumps({"what": "data sets, simulated, of full size", "machine": machine, **results}, indent=2))


if __name__ == "__main__":
    main()
