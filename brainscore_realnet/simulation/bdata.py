"""Writing simulated fMRI as BData h5 files, the form in which the Kamitani laboratory publishes its data.

``/dataset`` (samples × columns, float64), ``/metadata/{key,description,value}`` with 1 where a key holds, 0 for other
voxels and NaN where it does not apply, ``/vmap/<key>/<number as text>`` and ``/header``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from brainscore_realnet.simulation.fmri import VirtualCortex

LOWER, HIGHER = ("V1", "V2", "V3"), ("LOC", "FFA", "PPA")


@dataclass(frozen=True)
class LabelColumn:
    """One column of labels beside the voxels.

    Attributes
    ----------
    keys : tuple of str
        Metadata keys that name it.
    values : (n_trials,) float64 array
    names : dict of number to str
        What its numbers mean, under the first key; empty when they are plain numbers.
    """

    keys: tuple[str, ...]
    values: np.ndarray
    names: Mapping[float, str] = field(default_factory=dict)


def roi_keys(cortex: VirtualCortex, name_of_v4: str, groups: bool) -> dict[str, np.ndarray]:
    """Metadata keys of regions, each with its voxels.

    Parameters
    ----------
    cortex : VirtualCortex
    name_of_v4 : {"V4", "hV4"}
        Which of its two names a generation of files gives to V4.
    groups : bool
        Whether to name lower and higher visual cortex (LVC, HVC) beside all of it (VC).

    Returns
    -------
    dict of key to (n_voxels,) bool array
    """
    keys = {"ROI_VC": np.ones(len(cortex.roi), dtype=bool)}
    if groups:
        keys["ROI_LVC"] = np.isin(cortex.roi, LOWER)
        keys["ROI_HVC"] = np.isin(cortex.roi, HIGHER)
    for roi in cortex.mixing:
        keys[f"ROI_{name_of_v4 if roi == 'V4' else roi}"] = cortex.roi == roi
    return keys


def write_bdata(
    path: Path,
    responses: np.ndarray,
    coordinates: np.ndarray,
    rois: Mapping[str, np.ndarray],
    labels: list[LabelColumn],
) -> None:
    """Write one file; the same arguments give the same bytes.

    Parameters
    ----------
    path : pathlib.Path
    responses : (n_trials, n_voxels) float64 array
        Percent signal change.
    coordinates : (n_voxels, 3) float64 array
        mm.
    rois : dict of key to (n_voxels,) bool array
        From :func:`roi_keys`.
    labels : list of LabelColumn
    """
    import h5py

    n_voxels = responses.shape[1]
    rows = {"VoxelData": _row(np.ones(n_voxels), labels)}
    rows |= {key: _row(voxels.astype(np.float64), labels) for key, voxels in rois.items()}
    rows |= {f"voxel_{axis}": _row(coordinates[:, index], labels) for index, axis in enumerate("xyz")}
    for column, label in enumerate(labels, start=n_voxels):
        for key in label.keys:
            row = rows.setdefault(key, np.full(n_voxels + len(labels), np.nan))
            row[column] = 1.0
    with h5py.File(path, "w", track_order=False) as file:

        def put(name: str, values: np.ndarray | np.bytes_) -> None:
            file.create_dataset(name, data=values, track_times=False)

        put("dataset", np.column_stack([responses, *(label.values for label in labels)]))
        put("metadata/key", np.array([key.encode() for key in rows]))
        put("metadata/description", np.array([f"simulated: {key}".encode() for key in rows]))
        put("metadata/value", np.stack(list(rows.values())))
        put("header/description", np.bytes_(b"simulated responses of a virtual subject"))
        file.create_group("vmap")
        for label in labels:
            for number, name in label.names.items():
                put(f"vmap/{label.keys[0]}/{float(number)}", np.bytes_(name.encode()))


def _row(of_voxels: np.ndarray, labels: list[LabelColumn]) -> np.ndarray:
    return np.concatenate([of_voxels, np.full(len(labels), np.nan)])
