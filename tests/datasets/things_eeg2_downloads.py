"""Writers of small THINGS-EEG2 downloads in the published formats."""

import pickle

import numpy as np

from brainscore_realnet.datasets.things_eeg2 import CHANNELS

# 100 Hz as published, with the noise that -0.2 + 0.01 * i leaves
TIMES = -0.2 + 0.01 * np.arange(6)


def responses(seed, images=4, repetitions=3, channels=17, times=6):
    return np.random.default_rng(seed).normal(size=(images, repetitions, channels, times))


def write_responses(path, data, ch_names=CHANNELS, times=TIMES, raw_pickle=False, without=None, **more):
    content = {"preprocessed_eeg_data": data, "ch_names": list(ch_names), "times": np.asarray(times)} | more
    content.pop(without, None)
    path.parent.mkdir(parents=True, exist_ok=True)
    if raw_pickle:
        path.write_bytes(pickle.dumps(content, protocol=4))
    else:
        np.save(path, content, allow_pickle=True)
    return path


def write_metadata(path, test=4, training=5, **changes):
    content = {}
    for prefix, count in (("test", test), ("train", training)):
        content[f"{prefix}_img_concepts"] = [f"{number:05d}_thing_{number}" for number in range(1, count + 1)]
        content[f"{prefix}_img_concepts_THINGS"] = [
            f"{number + 7:05d}_thing_{number}" for number in range(1, count + 1)
        ]
        content[f"{prefix}_img_files"] = [f"thing_{number}_{prefix}.jpg" for number in range(1, count + 1)]
    content = {key: value for key, value in (content | changes).items() if value is not None}
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, content, allow_pickle=True)
    return path


def write_images(folder, metadata_path):
    content = np.load(metadata_path, allow_pickle=True).item()
    for prefix, name in (("test", "test_images"), ("train", "training_images")):
        files = zip(content[f"{prefix}_img_concepts"], content[f"{prefix}_img_files"], strict=True)
        for concept, file in files:
            path = folder / name / concept / file
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(f"content of {file}".encode())
