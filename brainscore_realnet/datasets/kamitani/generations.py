"""Releases of the Kamitani laboratory's files: how each is named, and where its labels stand.

The table is the place to add a release. A file that tells a split in its name but is of no release here is refused.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from brainscore_realnet.datasets.kamitani import labels
from brainscore_realnet.datasets.kamitani.bdata import BData
from brainscore_realnet.datasets.kamitani.sets import (
    HORIKAWA2017,
    ROI_KEYS,
    ROIS,
    SHEN2019,
    VISUAL_CORTEX,
    check_split,
    data_set,
    is_published,
)
from brainscore_realnet.errors import BadFileError


@dataclass(frozen=True)
class Generation:
    """One release of one data set."""

    name: str
    form: str
    """The data set"""
    suffix: str
    """Regular expression for what follows the split in a file's name, the suffix ``.h5`` left out"""
    names: tuple[str, ...]
    """Keys that may hold natural stimuli, the most trusted first"""
    indices: tuple[str, ...]
    """Keys that may hold the number of a shape or letter, the most trusted first"""


# Labels as KamitaniLab's own repositories read them: `Label` in DeepImageReconstruction, `stimulus_id` and `DataType`
# in GenericObjectDecoding, `image_index` and `stimulus_name` in feature-decoding and later ones.
GENERATIONS = (
    Generation("original", SHEN2019, r"_original(_VC)?", ("Label", "stimulus_id"), ("image_index", "Label[0]")),
    Generation("v2", SHEN2019, r"_VC_v2", ("Label", "stimulus_id"), ("image_index", "Label")),
    Generation(
        "fmriprep",
        SHEN2019,
        r"_fmriprep(_[A-Za-z0-9_-]+)?",
        (labels.NAMES_KEY, "stimulus_id"),
        (labels.NAMES_KEY, "image_index"),
    ),
    Generation("horikawa2017", HORIKAWA2017, "", ("stimulus_id", "Label"), ()),
)
"""Of several releases of a recording the one that stands first here is taken."""


@dataclass(frozen=True)
class Source:
    """A file that holds one split of a subject, or all of them."""

    path: Path
    subject: str
    splits: tuple[str, ...]
    generation: Generation


@dataclass(frozen=True)
class Content:
    """What of a file belongs to one split."""

    stimuli: list[str]
    """Different, sorted"""
    rows: np.ndarray
    """(stimuli, repetitions), int64: samples in the order of presentation"""
    rois: dict[str, np.ndarray]
    """Columns of each region, ascending, int64"""
    without: tuple[str, ...]
    """Regions of the set that the file does not have"""
    vc_marked: bool
    """Whether the file marks the whole visual cortex; VC is the union of the other regions where it does not"""


def find_sources(paths: Iterable[Path], name: str) -> tuple[list[Source], list[str]]:
    """Choose the files of a data set among all paths.

    Parameters
    ----------
    paths : iterable of Path
    name : str
        The data set.

    Returns
    -------
    sources : list of Source
        Sorted by subject, no recording twice.
    notes : list of str
        Which files were left aside because another release of the same recording was preferred.

    Raises
    ------
    BadFileError
        A file's name tells a split, but no known release.
    """
    found = [source for path in paths if path.suffix.lower() == ".h5" and (source := _source(path, name))]
    found.sort(key=lambda one: (one.subject, one.splits, GENERATIONS.index(one.generation), str(one.path)))
    chosen: dict[tuple[str, tuple[str, ...]], Source] = {}
    notes = []
    for source in found:
        taken = chosen.setdefault((source.subject, source.splits), source)
        if taken is not source:
            notes.append(
                f"{source.path} ({source.generation.name}) was left aside: {taken.path} ({taken.generation.name}) has "
                f"{source.subject} {', '.join(source.splits)} too"
            )
    return list(chosen.values()), notes


def read_content(file: BData, source: Source, split: str, name: str) -> Content:
    """Tell which samples and columns of a file belong to a split.

    Raises
    ------
    BadFileError
        The labels are not what they should be, or the file has none of the set's regions.
    """
    what = check_split(split, name)
    n_stimuli, n_repetitions = (what.n_stimuli, what.n_repetitions) if is_published(name) else (None, None)
    samples = _samples(file, what.data_type, split)
    generation = source.generation
    keys = generation.names if what.kind in ("natural", "category") else generation.indices
    names = labels.sample_names(file, what.kind, keys, samples, n_stimuli)
    stimuli, rows = labels.arrange(names, samples, file.path, n_repetitions)
    if n_stimuli not in (None, len(stimuli)):
        raise BadFileError(
            f"Got {len(stimuli)} {split} stimuli in {file.path}: expected {n_stimuli}. Download it again from "
            f"{data_set(name).page}."
        )
    rois = _rois(file)
    without = tuple(roi for roi in data_set(name).rois if roi not in rois)
    if not rois:
        raise BadFileError(
            f"Got keys {', '.join(file.keys[:30])} in {file.path}: expected regions such as ROI_V1 among them. "
            f"Download it again from {data_set(name).page}."
        )
    return Content(stimuli, rows, rois, without, bool(file.columns(ROI_KEYS[VISUAL_CORTEX][0]).size))


def _source(path: Path, name: str) -> Source | None:
    """Tell what a file holds by its name, or None when it is none of the set's."""
    what = data_set(name)
    generations = [generation for generation in GENERATIONS if generation.form == what.form]
    if what.form == HORIKAWA2017:
        match = re.fullmatch(r"Subject(\d+)", path.stem)
        return Source(path, f"sub-{int(match[1]):02d}", tuple(what.splits), generations[0]) if match else None
    for split, one in what.splits.items():
        match = re.fullmatch(rf"sub-(\d+)_(?:{one.file_pattern})(?P<suffix>_.*)?", path.stem)
        if match is None:
            continue
        suffix = match["suffix"] or ""
        for generation in generations:
            if re.fullmatch(generation.suffix, suffix):
                return Source(path, f"sub-{int(match[1]):02d}", (split,), generation)
        raise BadFileError(
            f"Got {path}, whose name ends in {suffix!r}: expected _original_VC, _VC_v2 or _fmriprep_volume_native, the "
            f"releases that are known here. Move it away or download another release from {what.page}."
        )
    return None


def _samples(file: BData, data_type: int | None, split: str) -> np.ndarray:
    """Give the samples of a split: those of its DataType, or all."""
    if data_type is None:
        return np.arange(file.n_samples)
    columns = file.select("DataType")
    types = columns[:, 0] if columns.shape[1] == 1 else np.array([])
    samples = np.flatnonzero(types == data_type)
    if not samples.size or not np.isin(types, (1, 2, 3)).all():
        found = f"values {np.unique(types)[:10].tolist()}" if types.size else f"{columns.shape[1]} columns"
        raise BadFileError(
            f"Got {found} of DataType in {file.path}: expected one column with 1 (training), 2 (test) and 3 (imagery), "
            f"for the split {split} {data_type}. Download it again."
        )
    return samples


def _rois(file: BData) -> dict[str, np.ndarray]:
    """Give the columns of each region; VC is the union of the others where the file does not mark it."""
    rois = {}
    for roi in ROIS:
        marked = {key: columns for key in ROI_KEYS[roi] if (columns := file.columns(key)).size}
        if len({tuple(columns.tolist()) for columns in marked.values()}) > 1:
            raise BadFileError(
                f"Got {' and '.join(marked)} in {file.path}, and they differ: expected one of them for {roi}. Its "
                "generation is unknown here."
            )
        if marked:
            rois[roi] = next(iter(marked.values()))
    if rois and VISUAL_CORTEX not in rois:
        rois[VISUAL_CORTEX] = np.unique(np.concatenate(list(rois.values())))
    return rois
