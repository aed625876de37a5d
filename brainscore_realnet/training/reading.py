"""From the data sets in the store to what a network is trained on.

Lu et al., arXiv 2401.17231 §2.1 (EEG) and arXiv 2407.10414 §2.1 (fMRI): repetitions are averaged, and one scalar mean
and one scalar standard deviation of the training split standardise a subject's signals,

    signals = (x − mean(x)) / SD(x),    x: (images, signals).

For fMRI x are principal components; one scalar keeps the weights that their variances give them (our choice).
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from brainscore_realnet.datasets import kamitani, things_eeg2
from brainscore_realnet.datasets.things_eeg2.recordings import how_to_get
from brainscore_realnet.errors import BadFileError, BadInputError
from brainscore_realnet.store import sha256_array, sha256_bytes
from brainscore_realnet.training.data import (
    AcrossSubjects,
    TrainingData,
    across_subjects,
    refuse_other_counts,
    refuse_unusable,
)
from brainscore_realnet.training.leakage import eeg_test_side, fmri_test_side, refuse_test_images
from brainscore_realnet.training.recipes import Recipe

FORMAT_VERSION = 1
"""Increased whenever the same recordings come to lead to other signals."""

_IMAGES_AT_ONCE = 256


def training_data(recipe: Recipe) -> TrainingData | AcrossSubjects:
    """Give what a recipe trains on: a subject's data, all registered subjects', or images alone with β = 0.

    Raises
    ------
    MissingDataError, BadFileError, BadInputError
        As `eeg_training_data`, `fmri_training_data` and `across_subjects`.
    """
    eeg = recipe.signal == "eeg"
    if not recipe.beta:
        return without_signals(recipe.dataset, fmri=not eeg)

    def of(subject: str) -> TrainingData:
        if eeg:
            return eeg_training_data(subject, recipe.dataset, recipe.window or (0.0, 0.2))
        return fmri_training_data(subject, recipe.dataset, recipe.n_components or kamitani.N_COMPONENTS)

    if recipe.subject_name:
        return of(recipe.subject_name)
    reader: Any = things_eeg2 if eeg else kamitani
    known = reader.subjects("training", recipe.dataset)
    return across_subjects([of(subject) for subject in known or ["sub-01"]])  # none: the reader says how to get it


def eeg_training_data(
    subject: str, name: str = things_eeg2.NAME, window: tuple[float, float] = (0.0, 0.2)
) -> TrainingData:
    """Give a subject's mean EEG to the training images of THINGS-EEG2.

    The recording stays on disk and is read a few images at a time.

    Parameters
    ----------
    subject : str
        ``"sub-01"`` …
    name : str
        The data set's name in the store.
    window : tuple of float
        First time, included, and last time, excluded, in seconds after image onset.

    Raises
    ------
    MissingDataError
        Recording or images are not there (the first missing image is named); the message says how to get them.
    BadFileError
        The recording was changed or has not the 17 channels.
    BadInputError
        No sample lies in the window, recording and images differ in number, a value is not finite, all are equal, or
        a test image or concept is among the training images.
    """
    data = _eeg("training", subject, name, window)
    refuse_test_images(data, *eeg_test_side(name))
    return data


def _eeg(
    split: str, subject: str, name: str, window: tuple[float, float], scale: tuple[float, float] | None = None
) -> TrainingData:
    """Give a subject's mean EEG to the images of a split; `scale` is in place of their own mean and deviation."""
    table = things_eeg2.open_images(split, name)
    recording = things_eeg2.open_subject(subject, split, name)
    if recording.ch_names != things_eeg2.CHANNELS or recording.data.shape[2:3] != (len(things_eeg2.CHANNELS),):
        raise BadFileError(
            f"Got {recording.data.shape[2]} channels ({', '.join(recording.ch_names)}) of {subject} in {name}: "
            f"expected {', '.join(things_eeg2.CHANNELS)}. To get them, {how_to_get(name)}"
        )
    inside = _samples(recording.times, window)
    averages = _averages(recording.data, inside)
    times = tuple(float(time) for time in recording.times[inside])
    about = {"subject": subject, "dataset": name, "ch_names": recording.ch_names, "times": times}
    return _standardised(averages, table, [row["unique_id"] for row in table.rows], about, recording.sha256, scale)


def fmri_training_data(
    subject: str, name: str = kamitani.SHEN2019, n_components: int = kamitani.N_COMPONENTS
) -> TrainingData:
    """Give principal components of a subject's responses in the whole visual cortex to the training images.

    They are computed at first use and kept in the store. Concepts are ImageNet synsets.

    Parameters
    ----------
    subject : str
        ``"sub-01"`` …
    name : str
        ``"shen2019"``, ``"horikawa2017"`` or a simulated set's name in the store.
    n_components : int
        As many, or min(images − 1, voxels) where that is smaller.

    Raises
    ------
    MissingDataError
        Responses or images are not there (the first missing images are named); the message says how to get them.
    BadFileError
        A file was changed since it was registered, or has values that are not finite.
    BadInputError
        Components and images differ in number, or a test image or concept is among the training images.
    """
    kamitani.prepare(name, [subject], n_components, progress=False)
    data = _fmri("training", subject, name, n_components)
    refuse_test_images(data, *fmri_test_side(name))
    return data


def _fmri(
    split: str, subject: str, name: str, n_components: int, scale: tuple[float, float] | None = None
) -> TrainingData:
    """Give a subject's prepared components to the images of a split; `scale` as in `_eeg`."""
    targets = kamitani.open_targets(subject, name, n_components)
    table = kamitani.open_images(split, name)
    about = {"subject": subject, "dataset": name, "ch_names": (), "times": ()}
    values = np.asarray(getattr(targets, split))
    return _standardised(values, table, [row["synset"] for row in table.rows], about, targets.sha256, scale)


def without_signals(name: str, fmri: bool = False) -> TrainingData:
    """Give the training images of a data set alone, for the control with β = 0; no subject's EEG is needed.

    Raises
    ------
    MissingDataError
        The images are not there.
    BadInputError
        A test image or concept is among them.
    """
    data = _images_alone("training", name, fmri)
    refuse_test_images(data, *(fmri_test_side if fmri else eeg_test_side)(name))
    return data


def _images_alone(split: str, name: str, fmri: bool) -> TrainingData:
    table: Any = kamitani.open_images(split, name) if fmri else things_eeg2.open_images(split, name)
    concepts = tuple(row["synset" if fmri else "unique_id"] for row in table.rows)
    images = tuple(Path(row["path"]) for row in table.rows)
    signals = np.empty((len(images), 0), dtype=np.float32)
    sha256 = _hash(table.sha256, concepts, signals, "no signals")
    return TrainingData(name, None, images, concepts, signals, (0,), 0.0, 1.0, (), (), table.sha256, sha256)


def selection_data(recipe: Recipe, data: TrainingData | AcrossSubjects) -> TrainingData | AcrossSubjects:
    """Give the test images and the signals to them, on which the released code picks its checkpoint.

    That leaks them: nothing but a recipe with ``reference=True`` asks for this. The signals are standardised with the
    mean and the standard deviation of the training signals.

    Parameters
    ----------
    recipe : Recipe
    data : TrainingData or AcrossSubjects
        What it trains on.

    Raises
    ------
    MissingDataError, BadFileError
        As `eeg_training_data` and `fmri_training_data`, of the test split.
    """
    eeg = recipe.signal == "eeg"

    def of(one: TrainingData) -> TrainingData:
        scale = one.mean, one.std
        if one.subject is None:
            return _images_alone("test", recipe.dataset, fmri=not eeg)
        if eeg:
            return _eeg("test", one.subject, recipe.dataset, recipe.window or (0.0, 0.2), scale)
        return _fmri("test", one.subject, recipe.dataset, recipe.n_components or kamitani.N_COMPONENTS, scale)

    return across_subjects([of(one) for one in data.by_subject]) if isinstance(data, AcrossSubjects) else of(data)


def _samples(times: np.ndarray, window: tuple[float, float]) -> slice:
    """Find the samples in a window; half a microsecond of slack, since times and edges may carry float noise."""
    inside = np.flatnonzero((times >= window[0] - 5e-7) & (times < window[1] - 5e-7))
    if not inside.size:
        raise BadInputError(
            f"Got the window {window[0]} ≤ t < {window[1]} s, in which no sample lies: expected times from {times[0]} "
            f"to {times[-1]} s."
        )
    return slice(int(inside[0]), int(inside[-1]) + 1)


def _averages(epochs: np.ndarray, inside: slice) -> np.ndarray:
    """Average (images, repetitions, channels, times) over repetitions: (images, channels, samples) float64."""
    averages = np.empty((len(epochs), epochs.shape[2], inside.stop - inside.start))
    for start in range(0, len(epochs), _IMAGES_AT_ONCE):
        block = slice(start, start + _IMAGES_AT_ONCE)
        np.mean(epochs[block, :, :, inside], axis=1, dtype=np.float64, out=averages[block])
    return averages


def _standardised(
    values: np.ndarray,
    table: things_eeg2.ImageTable,
    concepts: Sequence[str],
    about: dict[str, Any],
    source: str,
    scale: tuple[float, float] | None = None,
) -> TrainingData:
    """Standardise float64 values of shape (images, …) and join them with their images; `source` is their hash."""
    images = tuple(Path(row["path"]) for row in table.rows)
    whose = f"{about['subject']} in {about['dataset']}"
    refuse_other_counts(len(values), len(images), len(concepts), whose)
    refuse_unusable(values, images, whose)
    mean, std = scale or (float(values.mean()), float(values.std()))
    signals = ((values - mean) / std).astype(np.float32).reshape(len(values), -1)
    return TrainingData(
        **about,
        images=images,
        concepts=tuple(concepts),
        signals=signals,
        signal_shape=values.shape[1:],
        mean=mean,
        std=std,
        images_sha256=table.sha256,
        sha256=_hash(table.sha256, concepts, signals, source, about["ch_names"], about["times"]),
    )


def _hash(images_sha256: str, concepts: Sequence[str], signals: np.ndarray, *sources: Any) -> str:
    content = [FORMAT_VERSION, images_sha256, list(concepts), sha256_array(signals), *sources]
    return sha256_bytes(json.dumps(content).encode())
