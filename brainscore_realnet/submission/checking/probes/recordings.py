"""Recordings of models on images made from a seed, and how far two of them are apart."""

import itertools
import os
from pathlib import Path
from typing import Any

import numpy as np
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet
from brainscore_vision.model_interface import BrainModel
from PIL import Image

from .answers import Failed

REGIONS = ("V1", "V2", "V4", "IT")
TIME_BIN = (70, 170)
"""Milliseconds after the image."""

_IDS = {"presentation": "stimulus_id", "neuroid": "neuroid_id"}

_names = itertools.count(1)


def fresh_name() -> str:
    """Give a stimulus set's name that nobody has heard before."""
    return f"submission-check-{os.getpid()}-{next(_names)}"


def stimuli(name: str, n: int = 3, size: int = 96) -> Any:
    """Make a stimulus set of `n` images of `size` × `size` pixels; files of one size are shared by all names."""
    folder = Path(os.environ["TMPDIR"]) / f"images-{size}"
    folder.mkdir(exist_ok=True)
    paths = {f"image{number}": folder / f"image{number}.png" for number in range(n)}
    for number, path in enumerate(paths.values()):
        if not path.exists():
            _image(size, number).save(path)
    table = {
        "stimulus_id": list(paths),
        "filename": [path.name for path in paths.values()],
        "object_name": ["noise"] * n,
        "image_label": [f"label{number % 2}" for number in range(n)],
    }
    made = StimulusSet(table)
    made.stimulus_paths = paths
    made.identifier = name
    return made


def _image(size: int, seed: int) -> Image.Image:
    """Draw coarse patches with fine noise, so that neither early nor late layers are still."""
    rng = np.random.default_rng(seed)
    patches = rng.integers(0, 256, (6, 6, 3), dtype=np.uint8)
    coarse = np.asarray(Image.fromarray(patches).resize((size, size), Image.Resampling.BICUBIC), dtype=np.float64)
    return Image.fromarray(np.clip(coarse + rng.normal(0, 20, coarse.shape), 0, 255).astype(np.uint8))


def recorded(model: Any, region: str, shown: Any) -> Any:
    """Record one region; presentation × neuroid."""
    model.start_recording(getattr(BrainModel.RecordingTarget, region), time_bins=[TIME_BIN])
    assembly = model.look_at(shown, number_of_trials=1)
    for dim in set(assembly.dims) - {"presentation", "neuroid"}:
        assembly = assembly.isel({dim: 0}, drop=True)
    if set(assembly.dims) != {"presentation", "neuroid"}:
        raise Failed(
            f"{region}: dimensions {', '.join(map(str, assembly.dims))}",
            "Give an assembly of presentation × neuroid, with or without time_bin.",
        )
    return assembly.transpose("presentation", "neuroid")


def difference(one: Any, other: Any) -> float:
    """Give the largest difference over the largest value, each neuroid with itself; infinite for others or none."""
    one, other = _in_order(one), _in_order(other)
    if any(list(one[name].values) != list(other[name].values) for name in _IDS.values()):
        return float("inf")
    first, second = np.asarray(one, dtype=np.float64), np.asarray(other, dtype=np.float64)
    largest = float(np.abs(first).max())
    return float(np.abs(first - second).max()) / (largest or 1.0)


def _in_order(assembly: Any) -> Any:
    """Sort by the identifiers: upstream's store gives neuroids of several layers, and of time, in another order."""
    return assembly[{dim: np.argsort(assembly[name].values, kind="stable") for dim, name in _IDS.items()}]


def faults(assembly: Any, shown: Any) -> list[str]:
    """Name what is wrong with a recording of `shown`; empty when nothing is."""
    values = np.asarray(assembly, dtype=np.float64)
    found = []
    if sorted(assembly["stimulus_id"].values) != sorted(shown["stimulus_id"]):
        found.append(f"stimulus_id {list(assembly['stimulus_id'].values)} for {list(shown['stimulus_id'])}")
    neuroids = assembly["neuroid_id"].values
    if len(set(neuroids)) < len(neuroids):
        found.append(f"{len(neuroids) - len(set(neuroids))} of {len(neuroids)} neuroid_ids occur before")
    if not np.isfinite(values).all():
        found.append(f"{int((~np.isfinite(values)).sum())} of {values.size} values are not finite")
    elif not values.size or (np.ptp(values, axis=1) == 0).any():
        found.append("an image for which all neuroids answer the same")
    elif (np.ptp(values, axis=0) == 0).all():
        found.append("the same answer to every image")
    return found
