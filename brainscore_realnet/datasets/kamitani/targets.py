"""What a network learns to generate from a Kamitani set: principal components of the visual cortex's responses.

Repetitions are averaged, each voxel is z-scored and the components are taken, all with numbers from the training split;
test data are projected with the same numbers (ReAlnet-fMRI, arXiv 2407.10414: 1024 components of the mean of five
repetitions). ``data/<name>/targets/<subject>_<roi>-<components>.json`` is the card of two plain arrays beside it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets import _registered
from brainscore_realnet.datasets.kamitani import components
from brainscore_realnet.datasets.kamitani.recordings import FMRIRecording, card_path, open_subject, subjects
from brainscore_realnet.datasets.kamitani.sets import VISUAL_CORTEX, data_set, how_to_get
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError
from brainscore_realnet.store import lock, sha256_array, write_array, write_json

N_COMPONENTS = 1024
FORMAT_VERSION = 1
"""Increased whenever the same responses lead to other targets."""
_SPLITS = ("training", "test")
_CARD_KEYS = ("subject", "roi", "sources", "splits", "explained_variance_ratio", "n_voxels", "exact")


@dataclass(frozen=True)
class TrainingTargets:
    """One subject's targets."""

    subject: str
    roi: str
    training_stimuli: tuple[str, ...]
    """Names, sorted"""
    training: np.ndarray
    """(training stimuli, components) float64, memory-mapped read-only: scores, the components' variance falling"""
    test_stimuli: tuple[str, ...]
    """Names, sorted; none when no test split is registered"""
    test: np.ndarray
    """(test stimuli, components) float64, memory-mapped read-only: scores with the training data's numbers"""
    explained_variance_ratio: np.ndarray
    """(components,) float64: share of the variance of the z-scored training data"""
    sha256: str
    """Hash of the training targets"""

    @property
    def n_components(self) -> int:
        """Number of components, which may be smaller than what was asked for."""
        return int(self.training.shape[1])


def prepare(
    name: str,
    subjects: Sequence[str] | None = None,
    n_components: int = N_COMPONENTS,
    roi: str = VISUAL_CORTEX,
    progress: bool = True,
) -> dict[str, Any]:
    """Compute and keep the targets of some subjects; those that are there and fit the data are kept.

    Parameters
    ----------
    name : str
        The data set's name in the store.
    subjects : sequence of str, optional
        All with a training split by default.
    n_components : int
        As many, or min(stimuli − 1, voxels) where that is smaller.
    roi : str
        Region whose voxels are taken; VC is the whole visual cortex.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict
        ``name``, ``prepared`` and ``kept`` (lists of subjects), ``notes`` (sentences).

    Raises
    ------
    MissingDataError
        A subject's training split is not registered, or nobody's.
    BadFileError
        Responses are not what they should be, or the test split has other voxels than the training split.
    StoreError
        The store cannot be written.
    """
    chosen = list(subjects) if subjects is not None else _registered_for_training(name)
    summary: dict[str, Any] = {"name": name, "prepared": [], "kept": [], "notes": []}
    for subject in _registered.progress_bar(chosen, "targets", progress):
        path = _card_path(subject, name, n_components, roi)
        with lock(f"{name}-targets-{path.stem}"):
            recordings = _recordings(subject, name)
            card = _usable_card(path, recordings)
            if card is None:
                card = _compute(recordings, n_components, roi, path)
                summary["prepared"].append(subject)
            else:
                summary["kept"].append(subject)
        summary["notes"] += _notes(card, n_components)
    return summary


def open_targets(
    subject: str, name: str, n_components: int = N_COMPONENTS, roi: str = VISUAL_CORTEX
) -> TrainingTargets:
    """Open a subject's targets, which `prepare` has computed.

    Parameters
    ----------
    subject : str
    name : str
        The data set's name in the store.
    n_components : int
        As in `prepare`.
    roi : str
        As in `prepare`.

    Raises
    ------
    MissingDataError
        They were not prepared, or the responses are not registered.
    BadFileError
        They were prepared from other responses than are registered now, or were changed.
    """
    advice = (
        f"Prepare them: brainscore_realnet.datasets.kamitani.prepare({name!r}, [{subject!r}], "
        f"n_components={n_components}, roi={roi!r})"
    )
    path = _card_path(subject, name, n_components, roi)
    recordings = _recordings(subject, name)
    card = _registered.read_record(path, _CARD_KEYS, FORMAT_VERSION, advice)
    if card is None:
        raise MissingDataError(f"Got no targets {path.stem} in {path.parent}: expected prepared ones. {advice}")
    if card["sources"] != _sources(recordings):
        raise BadFileError(f"Got targets {path} of other responses than are registered now. {advice}")
    arrays = {split: _open_array(path.parent, card["splits"][split], advice) for split in _SPLITS}
    stimuli = {split: tuple(card["splits"][split]["stimuli"]) for split in _SPLITS}
    return TrainingTargets(
        subject,
        roi,
        stimuli["training"],
        arrays["training"],
        stimuli["test"],
        arrays["test"],
        np.array(card["explained_variance_ratio"]),
        card["splits"]["training"]["sha256"],
    )


def _registered_for_training(name: str) -> list[str]:
    known = subjects("training", name)
    if not known:
        raise MissingDataError(
            f"Got no training data in {_registered.set_folder(name)}: expected those of {data_set(name).subjects[0]} "
            f"or another subject. To get them, {how_to_get(name)}"
        )
    return known


def _card_path(subject: str, name: str, n_components: int, roi: str) -> Path:
    if n_components < 1 or re.fullmatch(r"[A-Za-z0-9]+", roi) is None:
        raise BadInputError(f"Got {n_components} components of {roi!r}: expected at least one, of a region such as VC.")
    card_path(subject, "training", name)  # refuses malformed names
    return _registered.set_folder(name) / "targets" / f"{subject}_{roi}-{n_components}.json"


def _recordings(subject: str, name: str) -> dict[str, FMRIRecording]:
    """Open the training split, and the test split where it is registered."""
    splits = [split for split in _SPLITS if split == "training" or card_path(subject, split, name).is_file()]
    return {split: open_subject(subject, split, name) for split in splits}


def _sources(recordings: dict[str, FMRIRecording]) -> dict[str, str]:
    return {split: recording.sha256 for split, recording in recordings.items()}


def _usable_card(path: Path, recordings: dict[str, FMRIRecording]) -> dict[str, Any] | None:
    """Give the card of targets that need not be computed again."""
    try:
        card = _registered.read_record(path, _CARD_KEYS, FORMAT_VERSION, "")
        if card is None or card["sources"] != _sources(recordings):
            return None
        for split in _SPLITS:
            _open_array(path.parent, card["splits"][split], "")
    except (BadFileError, MissingDataError):
        return None
    return card


def _compute(recordings: dict[str, FMRIRecording], n_components: int, roi: str, path: Path) -> dict[str, Any]:
    """Fit on the training split, project both splits, and keep the scores."""
    training = recordings["training"]
    averages = training.responses(roi).mean(axis=1)
    fitted = components.fit(averages, n_components)
    scores: dict[str, tuple[Sequence[str], np.ndarray]] = {
        "training": (training.stimuli, fitted.project(averages)),
        "test": ((), np.empty((0, len(fitted.axes)))),
    }
    if "test" in recordings:
        _require_same_voxels(training, recordings["test"], roi)
        scores["test"] = (recordings["test"].stimuli, fitted.project(recordings["test"].responses(roi).mean(axis=1)))
    card: dict[str, Any] = {
        "subject": training.subject,
        "roi": roi,
        "sources": _sources(recordings),
        "splits": {split: _keep(path, split, names, values) for split, (names, values) in scores.items()},
        "explained_variance_ratio": fitted.explained_variance_ratio,
        "n_voxels": len(fitted.mean),
        "exact": fitted.exact,
        "format_version": FORMAT_VERSION,
    }
    write_json(path, card)
    current = {card["splits"][split]["file"] for split in _SPLITS}
    for other in path.parent.glob(f"{path.stem}-*.npy"):
        if other.name not in current:
            other.unlink(missing_ok=True)
    return card


def _keep(path: Path, split: str, stimuli: Sequence[str], scores: np.ndarray) -> dict[str, Any]:
    sha256 = sha256_array(scores)
    file = path.with_name(f"{path.stem}-{split}-{sha256[:16]}.npy")
    write_array(file, scores)
    return {"file": file.name, "sha256": sha256, **_registered.stamp(file), "stimuli": stimuli, "shape": scores.shape}


def _open_array(folder: Path, part: dict[str, Any], advice: str) -> np.ndarray:
    """Open kept scores; they are hashed again when size or time have changed."""
    path = folder / Path(part["file"]).name
    try:
        stamp = _registered.stamp(path)
        array = np.load(path, mmap_mode="r" if part["shape"][0] else None)
    except FileNotFoundError as error:
        raise MissingDataError(f"Got no file {path}: expected prepared targets there. {advice}") from error
    except (ValueError, EOFError, OSError) as error:
        raise BadFileError(f"Got {path}, which is no array ({error}). {advice}") from error
    if stamp != {key: part[key] for key in stamp} and sha256_array(array) != part["sha256"]:
        raise BadFileError(f"Got {path}, which was changed since it was prepared. {advice}")
    return array


def _require_same_voxels(training: FMRIRecording, test: FMRIRecording, roi: str) -> None:
    place, test_place = training.voxel_coordinates(roi), test.voxel_coordinates(roi)
    moved = place is not None and test_place is not None and not np.array_equal(place, test_place)
    if training.generation != test.generation or training.n_voxels(roi) != test.n_voxels(roi) or moved:
        raise BadFileError(
            f"Got {training.n_voxels(roi)} voxels of {roi} in {training.path} ({training.generation}) and "
            f"{test.n_voxels(roi)} in {test.path} ({test.generation}){', at other places' if moved else ''}: expected "
            "the same voxels for training and test. Use files of one release."
        )


def _notes(card: dict[str, Any], n_components: int) -> list[str]:
    n_stimuli, n_kept = card["splits"]["training"]["shape"]
    notes = []
    if n_kept < n_components:
        notes.append(
            f"{card['subject']}: {n_kept} components instead of {n_components}, since there are {n_stimuli} training "
            f"stimuli and {card['n_voxels']} voxels"
        )
    if not card["splits"]["test"]["stimuli"]:
        notes.append(f"{card['subject']}: no test data are registered, so none were projected")
    return notes
