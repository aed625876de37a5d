"""Build Brain-Score's stimulus sets and neuroid assemblies from plain tables and arrays."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet

from brainscore_realnet.errors import BadInputError


def stimulus_set(rows: Sequence[Mapping[str, Any]], name: str, content_hash: str) -> StimulusSet:
    """Build a stimulus set that is named by its content.

    Parameters
    ----------
    rows : sequence of mappings
        One a stimulus, each with ``stimulus_id``, ``path`` and any further columns.
    name : str
        Registered identifier of the set, such as ``ThingsEEG2_test``.
    content_hash : str
        Hash over the images' contents.

    Returns
    -------
    StimulusSet
        Its identifier is ``<name>--<12 digits of the hash>``: Brain-Score looks up what stands before ``--`` and keys
        its caches with the whole.

    Raises
    ------
    BadInputError
        When two stimuli share an identifier or a file name (Brain-Score would silently overwrite one with the other).
    """
    for column, values in (("stimulus_id", [row["stimulus_id"] for row in rows]), ("file name", _file_names(rows))):
        repeated = sorted({value for value in values if values.count(value) > 1})
        if repeated:
            raise BadInputError(
                f"{name}: {len(repeated)} values of {column} occur more than once, the first {repeated[0]!r}; "
                "expected one of its own for every stimulus."
            )
    columns = [key for key in rows[0] if key != "path"]
    stimuli = StimulusSet({column: [row[column] for row in rows] for column in columns})
    stimuli["filename"] = _file_names(rows)
    stimuli.stimulus_paths = {row["stimulus_id"]: Path(row["path"]) for row in rows}
    stimuli.identifier = f"{name}--{content_hash[:12]}"
    return stimuli


def _file_names(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [Path(row["path"]).name for row in rows]


def eeg_assembly(
    data: np.ndarray, stimuli: StimulusSet, subject: str, channels: Sequence[str], times: np.ndarray, identifier: str
) -> NeuroidAssembly:
    """Build the assembly of one subject's epochs.

    Parameters
    ----------
    data : (n_images, n_repetitions, n_channels, n_times) array
        In the order of ``stimuli``; the unit of the source is kept. A memory map is not read.
    stimuli : StimulusSet
        Its columns become coordinates of ``presentation``.
    subject : str
    channels : sequence of str
        Electrode names.
    times : (n_times,) float array
        Start of each sample, seconds after stimulus onset.
    identifier : str
        Of the assembly.

    Returns
    -------
    NeuroidAssembly
        presentation × neuroid × time_bin with coordinates ``stimulus_id``, ``repetition`` and the stimulus columns;
        ``channel``, ``subject``, ``region``, ``neuroid_id``; ``time_bin_start`` and ``time_bin_end`` in milliseconds.
    """
    n_images, n_repetitions, n_channels, n_times = data.shape
    starts = np.round(np.asarray(times) * 1000).astype(int)
    width = int(np.round(np.median(np.diff(starts)))) if n_times > 1 else 10
    assembly = NeuroidAssembly(
        data.reshape(n_images * n_repetitions, n_channels, n_times),
        coords={
            **_presentations(stimuli, n_repetitions),
            "neuroid_id": ("neuroid", [f"{subject}.{channel}" for channel in channels]),
            "channel": ("neuroid", list(channels)),
            "subject": ("neuroid", [subject] * n_channels),
            # EEG has no cortical area; Brain-Score's convention maps it to IT.
            "region": ("neuroid", ["IT"] * n_channels),
            "time_bin_start": ("time_bin", starts),
            "time_bin_end": ("time_bin", starts + width),
        },
        dims=["presentation", "neuroid", "time_bin"],
    )
    return _named(assembly, stimuli, identifier)


def fmri_assembly(
    responses: Mapping[str, np.ndarray],
    coordinates: Mapping[str, np.ndarray | None],
    stimuli: StimulusSet,
    subject: str,
    identifier: str,
) -> NeuroidAssembly:
    """Build the assembly of one subject's voxels.

    Parameters
    ----------
    responses : mapping of str to (n_images, n_repetitions, n_voxels) array
        Of each region of interest, in the order of ``stimuli``; the unit of the source is kept. A voxel that belongs to
        two regions occurs twice.
    coordinates : mapping of str to (n_voxels, 3) array or None
        Where the voxels lie, millimetres; None where the source does not say, which becomes NaN.
    stimuli : StimulusSet
        Its columns become coordinates of ``presentation``.
    subject : str
    identifier : str
        Of the assembly.

    Returns
    -------
    NeuroidAssembly
        presentation × neuroid with coordinates ``stimulus_id``, ``repetition`` and the stimulus columns;
        ``neuroid_id``, ``subject``, ``region``, ``voxel`` (number within the region), ``voxel_x``, ``voxel_y``,
        ``voxel_z``.
    """
    n_images, n_repetitions, _ = next(iter(responses.values())).shape
    n_voxels = {roi: values.shape[2] for roi, values in responses.items()}
    region = np.repeat(list(n_voxels), list(n_voxels.values()))
    voxel = np.concatenate([np.arange(count) for count in n_voxels.values()])
    places = [np.full((n_voxels[roi], 3), np.nan) if place is None else place for roi, place in coordinates.items()]
    x, y, z = np.concatenate(places).T
    neuroids = {
        "neuroid_id": [f"{subject}.{roi}.{number}" for roi, number in zip(region, voxel, strict=True)],
        "subject": [subject] * len(voxel),
        "region": region,
        "voxel": voxel,
        "voxel_x": x,
        "voxel_y": y,
        "voxel_z": z,
    }
    values = [of_roi.reshape(n_images * n_repetitions, -1) for of_roi in responses.values()]
    return static_assembly(np.concatenate(values, axis=1), neuroids, stimuli, identifier)


def static_assembly(
    values: np.ndarray, neuroids: Mapping[str, Sequence[Any] | np.ndarray], stimuli: StimulusSet, identifier: str
) -> NeuroidAssembly:
    """Build an assembly without time.

    Parameters
    ----------
    values : (n_images × n_repetitions, n_neuroids) array
        All repetitions of the first image of ``stimuli``, then those of the second, …
    neuroids : mapping of str to sequence, length n_neuroids
        Coordinates of ``neuroid``, at least three: with fewer, xarray loses their names.
    stimuli : StimulusSet
        Its columns become coordinates of ``presentation``.
    identifier : str
        Of the assembly.

    Returns
    -------
    NeuroidAssembly
        presentation × neuroid.
    """
    presentations = _presentations(stimuli, len(values) // len(stimuli))
    assembly = NeuroidAssembly(
        values,
        coords={**presentations, **{name: ("neuroid", list(each)) for name, each in neuroids.items()}},
        dims=["presentation", "neuroid"],
    )
    return _named(assembly, stimuli, identifier)


def _presentations(stimuli: StimulusSet, n_repetitions: int) -> dict[str, tuple[str, np.ndarray]]:
    """Coordinates of all repetitions of each image in turn."""
    image = np.repeat(np.arange(len(stimuli)), n_repetitions)
    repetition = np.tile(np.arange(n_repetitions), len(stimuli))
    columns = {column: ("presentation", stimuli[column].values[image]) for column in stimuli.columns}
    return {**columns, "repetition": ("presentation", repetition)}


def _named(assembly: NeuroidAssembly, stimuli: StimulusSet, identifier: str) -> NeuroidAssembly:
    assembly.attrs["stimulus_set"] = stimuli
    assembly.attrs["stimulus_set_identifier"] = stimuli.identifier
    assembly.attrs["identifier"] = identifier
    return assembly


def ordered_values(assembly: NeuroidAssembly) -> np.ndarray:
    """(n_images, n_neuroids) values of an assembly, rows sorted by ``stimulus_id``.

    Raises
    ------
    BadInputError
        When a stimulus occurs more than once (average repetitions first) or there are other dimensions.
    """
    if set(assembly.dims) != {"presentation", "neuroid"}:
        raise BadInputError(f"Got dimensions {assembly.dims}; expected presentation and neuroid.")
    stimulus_ids = assembly["stimulus_id"].values
    order = np.argsort(stimulus_ids, kind="stable")
    if len(np.unique(stimulus_ids)) != len(stimulus_ids):
        raise BadInputError("A stimulus occurs more than once; average repetitions first.")
    return assembly.transpose("presentation", "neuroid").values[order]
