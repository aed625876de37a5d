"""Comparisons of made-up scores, in the form in which benchmarks give them, for tests of statistics and figures."""

import numpy as np

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.families import families
from brainscore_realnet.comparison.scored import Scored

AREAS = ("V1", "V2", "V4", "IT")
ROIS = ("V1", "V2", "V3", "V4", "LOC")
TIMES = tuple(np.round(np.arange(-0.05, 0.305, 0.01), 3).tolist())
EEG = "SimThingsEEG2-rsa"
FMRI = "SimShen2019-rsa"
PEAKS = {"V1": 0.09, "V2": 0.10, "V4": 0.12, "IT": 0.15, "readout": 0.16}
N_DRAWS = 20


def comparison(
    models=tuple(f"sim-realnet-eeg-sub{number:02d}" for number in range(1, 7)),
    baselines=("sim-cornet-s-narrow",),
    benchmarks=(EEG, FMRI),
    n_subjects=6,
    n_images=12,
    gain=0.04,
    seed=0,
):
    """Make a Comparison: models of ``models`` gain on the baselines, most so on their own subject."""
    scored = {
        (model, benchmark): scored_as(model, benchmark, n_subjects, n_images, gain * (model in models), seed)
        for benchmark in benchmarks
        for model in (*models, *baselines)
    }
    return Comparison(families(models, "model"), families(baselines, "baseline"), scored)


def scored_as(model, benchmark, n_subjects=6, n_images=12, gain=0.0, seed=0):
    """Make one model's score: the same subjects and recordings for all models of a benchmark."""
    eeg = "EEG" in benchmark
    dataset = "sim-things-eeg2" if eeg else "sim-shen2019"
    own = model.partition("-sub")[2][:2] if "-sub" in model else None
    trained_on = {"dataset": "sim-shen2019" if "fmri" in model else "sim-things-eeg2"} | (
        {"subject": f"sub-{own}"} if own else {}
    )
    n_subjects = n_subjects if eeg else 3
    subjects = [f"sub-{number:02d}" for number in range(1, n_subjects + 1)]
    areas = ["readout"] if "readout" in benchmark else list(AREAS)
    conditions = list(TIMES) if eeg else list(ROIS)
    measured = np.random.default_rng([seed, *benchmark.encode()])
    rng = np.random.default_rng([seed, *benchmark.encode(), *model.encode()])
    in_score = np.array([0.05 - 1e-9 <= time <= 0.2 + 1e-9 for time in TIMES]) if eeg else np.ones(len(ROIS), bool)
    shape = _courses(areas) if eeg else np.linspace(0.2, 0.35, 20).reshape(4, 5)[: len(areas)]
    clarity = measured.uniform(0.7, 1.3, n_subjects)
    gains = np.full(n_subjects, 0.6 * gain)
    if own and trained_on["dataset"] == dataset and f"sub-{own}" in subjects:
        gains[subjects.index(f"sub-{own}")] = gain
    gains = gains * rng.uniform(0.6, 1.4, n_subjects)
    values = (clarity[:, None, None] * shape) * (1 + gains[:, None, None] * 5)
    values = values + rng.normal(scale=0.01, size=values.shape)
    scored_values = values.mean(axis=1) if eeg else values.max(axis=1)
    part_values = values[..., in_score].mean(axis=-1) if eeg else scored_values
    upper = clarity.mean() * np.abs(shape.mean(axis=0)) * 1.8 + 0.05
    ceiling = np.stack([0.8 * upper, upper])
    bound = float(upper[in_score].mean())
    raw = float(part_values.mean())
    condition = "time" if eeg else "roi"
    coords = {"subject": subjects, "area": areas, condition: conditions}
    n_pairs = n_images * (n_images - 1) // 2
    base = measured.uniform(0.2, 1.4, (len(areas), n_pairs))
    window = {"window": [0.05, 0.2]} if eeg else {"area": "best"}
    record = {
        "model": model,
        "benchmark": benchmark,
        "score": raw / bound,
        "raw": raw,
        "ceiling": {"lower": 0.8 * bound, "upper": bound, "n_subjects": n_subjects},
        "error": float(part_values.mean(axis=1).std(ddof=1) / np.sqrt(n_subjects) / bound) if n_subjects > 1 else 0.02,
        "error_over": ["subject"],
        "error_stimulus": 0.02,
        "caveat": None if eeg else "3 subjects: look at every subject.",
        "areas": None,
        "rois": None,
        "subjects": dict(zip(subjects, part_values.mean(axis=1).tolist(), strict=True)),
        "matched_subject": None,
        "values": {"dims": ["subject", "area", condition], "coords": coords, "data": values.tolist()},
        "in_window": in_score.tolist() if eeg else None,
        "scored_values": {
            "dims": ["subject", condition],
            "coords": {"subject": subjects, condition: conditions},
            "data": scored_values.tolist(),
        },
        "ceiling_values": {
            "dims": ["bound", condition],
            "coords": {"bound": ["lower", "upper"], condition: conditions},
            "data": ceiling.tolist(),
        },
        "provenance": {
            "model": {
                "identifier": model,
                "visual_degrees": 7,
                "layers": {area: area for area in areas},
                "origin": {"weights": "made up", "simulated": True, "trained_on": trained_on if own else None},
                "weights_sha256": "0" * 64,
                "device": "cpu",
            },
            "benchmark": {
                "identifier": benchmark,
                "version": 1,
                "parent": "IT",
                "formula": "score = raw / ceiling",
                "dataset": dataset,
                "simulated": True,
                "stimulus_set": f"{dataset}_test--0123abcd",
                "n_stimuli": n_images,
                "visual_degrees": 7.0,
                "options": {"rdm": "svm" if eeg else "correlation", "screen": "degrees", "seed": 0, **window},
                "recordings": {subject: "f" * 64 for subject in subjects},
            },
            "simulated": True,
            "versions": {"python": "3.11", "numpy": np.__version__},
            "machine": {"processor": "made up", "cores": 2},
            "seconds": {"loading": 0.1, "scoring": 1.0},
            "finished": "2026-01-01T00:00:00+00:00",
        },
    }
    draws = (
        part_values
        + measured.normal(scale=0.02, size=(N_DRAWS, 1, 1))
        + rng.normal(scale=0.005, size=(N_DRAWS, *part_values.shape))
    )
    n_recordings = 1 if eeg else len(ROIS)
    return Scored(
        record,
        part_draws=draws.astype(np.float32),
        model_rdms=(base + rng.uniform(-0.1, 0.1, base.shape)).astype(np.float32),
        neural_rdms=measured.uniform(0.4, 0.9, (n_recordings, n_pairs)).astype(np.float32),
        recordings=("mean over the window",) if eeg else ROIS,
    )


def _courses(areas):
    times = np.array(TIMES)
    return np.stack([0.3 * np.exp(-0.5 * ((times - PEAKS[area]) / 0.04) ** 2) for area in areas])
