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
    image = np.repeat(np.arange(n_images), n_repetitions)
    starts = np.round(np.asarray(times) * 1000).astype(int)
    width = int(np.round(np.median(np.diff(starts)))) if n_times > 1 else 10
    assembly = NeuroidAssembly(
        data.reshape(n_images * n_repetitions, n_channels, n_times),
        coords={
            **{column: ("presentation", stimuli[column].values[image]) for column in stimuli.columns},
            "repetition": ("presentation", np.tile(np.arange(n_repetitions), n_images)),
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
