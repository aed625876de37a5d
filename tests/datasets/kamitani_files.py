"""Writers of small Kamitani files in the published forms, with stimulus ids from the real tables."""

import csv
from pathlib import Path

import h5py
import numpy as np

TABLES = Path(__file__).parents[1] / "data" / "god"
VOXELS = {"V1": 5, "V2": 4, "V3": 3, "V4": 4, "LOC": 6}
SHEN = "sim-shen2019-tests"
HORIKAWA = "sim-horikawa2017-tests"


def image_table(split):
    """Ids as text, ids and names of the real images, in the published order."""
    with open(TABLES / f"imageID_{split}.csv", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    return [text for text, _ in rows], [float(text) for text, _ in rows], [name.split(".")[0] for _, name in rows]


def presentation(n_stimuli, n_repetitions, seed):
    """Which stimulus each sample shows: every stimulus once in a random order, then all again."""
    rng = np.random.default_rng([seed, 1])
    return np.concatenate([rng.permutation(n_stimuli) for _ in range(n_repetitions)])


def write_bdata(
    path, data, metadata, vmap=None, names=("dataset", "metadata"), keys=np.bytes_, layout=None, header=True
):
    """Write ``data`` (samples × columns) with ``metadata``, a dict of key to (columns,) values."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = {np.bytes_: lambda words: np.array(words, dtype=np.bytes_), str: lambda words: words}[keys]
    with h5py.File(path, "w") as file:
        file.create_dataset(names[0], data=data, **(layout or {}))
        group = file.create_group(names[1])
        group["key"] = text(list(metadata))
        group["description"] = text([f"about {key}" for key in metadata])
        group["value"] = np.stack([np.asarray(value, dtype=np.float64) for value in metadata.values()])
        if header:
            file["header/ctime"] = "2019-01-14"
        for key, labels in (vmap or {}).items():
            for number, label in labels.items():
                file[f"vmap/{key}/{number}"] = label
    return path


def write_samples(path, n_samples, labels, rois=VOXELS, seed=0, vmap=None, marked_vc=True, v4="V4", **form):
    """Write voxels of regions that are scattered over the columns, and ``labels``: pairs of keys and values.

    Returns the responses of each region, (samples, voxels).
    """
    rng = np.random.default_rng(seed)
    region = np.random.default_rng([1, len(rois)]).permutation(np.repeat(list(rois), list(rois.values())))
    voxels = rng.normal(size=(n_samples, len(region)))
    blank = np.full(len(labels), np.nan)
    metadata = {"VoxelData": np.r_[np.ones(len(region)), blank]}
    for roi in rois:
        metadata[f"ROI_{v4 if roi == 'V4' else roi}"] = np.r_[(region == roi).astype(float), blank]
    if marked_vc:
        metadata["ROI_VC"] = np.r_[np.ones(len(region)), blank]
    for number, axis in enumerate("xyz"):
        metadata[f"voxel_{axis}"] = np.r_[np.arange(len(region)) * 3.0 + number, blank]
    for column, (keys, _) in enumerate(labels, len(region)):
        for key in keys:
            metadata.setdefault(key, np.full(len(region) + len(labels), np.nan))[column] = 1.0
    data = np.column_stack([voxels, *(values for _, values in labels)])
    write_bdata(path, data, metadata, vmap, **form)
    return {roi: voxels[:, region == roi] for roi in rois} | {"VC": voxels}


def write_original(path, ids, shown, **form):
    """The first release: Label holds the index and the stimulus id."""
    labels = [(("Label",), shown + 1.0), (("Label",), np.asarray(ids)[shown])]
    return write_samples(path, len(shown), labels, **form)


def write_v2(path, ids, shown, order=(0, 1, 2), **form):
    """The second release: image_index, and Label with index, category and id in an order of the subject's own."""
    ids = np.asarray(ids)
    columns = [shown + 1.0, np.floor(ids)[shown], ids[shown]]
    labels = [(("Label",), columns[place]) for place in order] + [(("image_index",), shown + 1.0)]
    return write_samples(path, len(shown), labels, **form)


def write_fmriprep(path, names, shown, **form):
    """The third release: names in the vmap, V4 called hV4."""
    vmap = {"stimulus_name": {f"{index}.0": name for index, name in enumerate(names, 1)}}
    labels = [(("Run",), shown * 0.0 + 1), (("stimulus_name",), shown + 1.0)]
    return write_samples(path, len(shown), labels, vmap=vmap, v4="hV4", **form)


def write_horikawa(path, sizes=((6, 1), (4, 3), (4, 2)), label="stimulus_id", seed=0, **form):
    """One subject: training, test and imagery, each (stimuli, repetitions)."""
    (_, training, _), (_, test, _) = image_table("training"), image_table("test")
    ids = [np.array(training), np.array(test), np.floor(test)]
    shown = [presentation(*size, seed + number) for number, size in enumerate(sizes)]
    values = np.concatenate([one[order] for one, order in zip(ids, shown, strict=True)])
    types = np.repeat([1.0, 2.0, 3.0], [len(order) for order in shown])
    labels = [(("DataType",), types), ((label,), values), (("Run",), types * 0 + 1)]
    rois = VOXELS | {"FFA": 3, "PPA": 2}
    return write_samples(path, len(types), labels, rois=rois, seed=seed, **form), shown


def write_images(folder, names, suffix=".JPEG"):
    folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (folder / f"{name}{suffix}").write_bytes(f"picture of {name}".encode())
