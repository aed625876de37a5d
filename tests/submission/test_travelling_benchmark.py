import json

import numpy as np
import pytest
from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet
from scipy.stats import spearmanr

from brainscore_realnet.rsa import bootstrap_stimuli
from brainscore_realnet.submission.exporting.travels import rsa_benchmark
from brainscore_realnet.submission.exporting.travels.stand_in import StandIn

N_IMAGES = 9
PAIRS = np.triu_indices(N_IMAGES, 1)
AREAS = ["V1", "V2", "V4", "IT"]
SUBJECTS = ["sub-01", "sub-02", "sub-03"]
REGIONS = ["V1", "LOC"]
TIMES = [50, 60, 70]
OWN = {"areas": AREAS, "parent": "IT", "version": 1, "formula": "f", "caveat": None}
COMMON = {"stimulus_set": "s", "assembly": "a", "visual_degrees": 7.0, "time_bin": [50, 200], "bibtex": "b"}


@pytest.fixture
def stimuli():
    found = StimulusSet({"stimulus_id": [f"image{number}" for number in range(N_IMAGES)]})
    found.stimulus_paths = {}
    found.identifier = "s"
    return found


def symmetric(shape, seed):
    values = np.round(np.random.default_rng(seed).random((*shape, N_IMAGES, N_IMAGES)), 1)
    return (values + np.swapaxes(values, -1, -2)) * (1 - np.eye(N_IMAGES))


def assembly_of(rdms, regions, bounds, times=None):
    """Assembly of RDMs (subject, region, image, image[, time]), its stimuli and neuroids in another order."""
    subjects = SUBJECTS[: len(rdms)]
    keys = [(subject, region, f"image{n}") for subject in subjects for region in regions for n in range(N_IMAGES)]
    values = np.concatenate([rdm for of_subject in rdms for rdm in of_subject], axis=1)
    rng = np.random.default_rng(5)
    rows, columns = rng.permutation(N_IMAGES), rng.permutation(len(keys))
    shuffled = [keys[column] for column in columns]
    coords = {
        "stimulus_id": ("presentation", [f"image{row}" for row in rows]),
        "place": ("presentation", rows),
        "neuroid_id": ("neuroid", [".".join(key) for key in shuffled]),
        **{
            name: ("neuroid", list(column))
            for name, column in zip(
                ("subject", "region", "compared_stimulus_id"), zip(*shuffled, strict=True), strict=True
            )
        },
    }
    dims = ["presentation", "neuroid"]
    if times:
        coords |= {"time_bin_start": ("time_bin", times), "time_bin_end": ("time_bin", np.add(times, 10))}
        dims = [*dims, "time_bin"]
    assembly = NeuroidAssembly(values[rows][:, columns], coords=coords, dims=dims)
    assembly.attrs["ceilings"] = json.dumps({"X-rsa": {"subjects": subjects, **bounds}})
    return assembly


@pytest.fixture
def benchmark_of(monkeypatch, stimuli):
    """Benchmark of an assembly, which the library would load."""

    def build(assembly, choice, **changes):
        monkeypatch.setattr(rsa_benchmark, "load_stimulus_set", {"s": stimuli}.__getitem__)
        monkeypatch.setattr(rsa_benchmark, "load_dataset", {"a": assembly}.__getitem__)
        return rsa_benchmark.RSABenchmark("X-rsa", COMMON, {**OWN, "choice": choice, **changes})

    return build


@pytest.fixture
def eeg(benchmark_of):
    def build(n_subjects=3):
        rdms = np.moveaxis(symmetric((n_subjects, 1, len(TIMES)), 1), 2, -1)
        lower = [None] * 3 if n_subjects == 1 else [0.1, 0.2, 0.3]
        bounds = {"conditions": TIMES, "lower": lower, "upper": [0.5, 0.6, 0.7]}
        return rdms, benchmark_of(assembly_of(rdms, ["IT"], bounds, TIMES), "mean")

    return build


def areas_rdms(stimuli):
    model = StandIn(7.0)
    rdms = []
    for area in AREAS:
        model.start_recording(area, time_bins=[(50, 200)])
        features = model.look_at(stimuli).values[:, :, 0]
        rdms.append([[1 - np.corrcoef(one, other)[0, 1] for other in features] for one in features])
    return np.array(rdms)


def spearman(model, neural):
    return spearmanr(model[PAIRS], neural[PAIRS])[0]


def test_eeg_score_is_that_of_literal_loops_with_scipy(eeg, stimuli):
    rdms, benchmark = eeg()
    score = benchmark(StandIn(7.0))
    models = areas_rdms(stimuli)
    raws = [np.mean([[spearman(one, of[0][..., t]) for t in range(3)] for one in models]) for of in rdms]
    assert float(score.attrs["raw"]) == pytest.approx(np.mean(raws), abs=1e-12)
    assert float(score) == pytest.approx(np.mean(raws) / 0.6, abs=1e-12)
    assert score.attrs["error"] == pytest.approx(np.std(raws, ddof=1) / 3**0.5 / 0.6, abs=1e-12)
    assert score.attrs["error_over"] == ["subject"]
    assert float(score.attrs["ceiling"]) == pytest.approx(0.6)
    assert score.attrs["ceiling"].attrs["lower"] == pytest.approx(0.2)


def test_fmri_score_takes_one_area_a_region_for_all_subjects(benchmark_of, stimuli):
    rdms = symmetric((3, 2), 2)
    bounds = {"conditions": REGIONS, "lower": [0.1, 0.2], "upper": [0.5, 0.8]}
    score = benchmark_of(assembly_of(rdms, REGIONS, bounds), "best")(StandIn(7.0))
    models = areas_rdms(stimuli)
    raw = np.empty((3, 2))
    for roi in range(2):
        of_areas = [np.mean([spearman(one, rdms[subject, roi]) for subject in range(3)]) for one in models]
        raw[:, roi] = [spearman(models[int(np.argmax(of_areas))], rdms[subject, roi]) for subject in range(3)]
    assert float(score.attrs["raw"]) == pytest.approx(raw.mean(), abs=1e-12)
    assert float(score) == pytest.approx(raw.mean() / 0.65, abs=1e-12)
    assert score.attrs["error"] == pytest.approx(raw.mean(axis=1).std(ddof=1) / 3**0.5 / 0.65, abs=1e-12)


def test_error_of_one_subject_is_this_packages_bootstrap_over_stimuli(eeg, stimuli):
    rdms, benchmark = eeg(n_subjects=1)
    score = benchmark(StandIn(7.0))
    draws = bootstrap_stimuli(areas_rdms(stimuli), np.moveaxis(rdms[0, 0], -1, 0))
    assert score.attrs["error"] == pytest.approx(draws.mean(axis=(1, 2)).std(ddof=1) / 0.6, abs=1e-9)
    assert score.attrs["error_over"] == ["stimulus"]
    assert np.isnan(score.attrs["ceiling"].attrs["lower"])


class Drawing:
    def __init__(self, counts):
        self.counts = counts

    def multinomial(self, n, probabilities, size):
        return np.tile(self.counts, (size, 1))


@pytest.mark.filterwarnings("error::RuntimeWarning")
@pytest.mark.parametrize("counts", [[8, 1, 0, 0, 0, 0, 0, 0, 0], [9, 0, 0, 0, 0, 0, 0, 0, 0]])
def test_error_is_missing_with_a_reason_where_a_bootstrap_sample_has_one_pair_or_none(eeg, monkeypatch, counts):
    _, benchmark = eeg(n_subjects=1)
    monkeypatch.setattr(rsa_benchmark.np.random, "default_rng", lambda seed: Drawing(counts))
    score = benchmark(StandIn(7.0))
    assert np.isnan(score.attrs["error"])
    assert "bootstrap" in score.attrs["error_nan_reason"]


def test_areas_are_recorded_one_after_the_other_under_names_of_their_own(eeg):
    asked = []

    class Remembering(StandIn):
        def start_task(self, task, fitting_stimuli=None):
            asked.append(task)

        def start_recording(self, recording_target, time_bins):
            asked.append((recording_target, time_bins))
            super().start_recording(recording_target, time_bins)

        def look_at(self, stimuli, number_of_trials=1, require_variance=False):
            asked.append(stimuli.identifier)
            return super().look_at(stimuli, number_of_trials)

    eeg()[1](Remembering(7.0))
    expected = [[(area, [(50, 200)]), f"s--{area}-50-200ms"] for area in AREAS]
    assert asked == ["passive", *(one for pair in expected for one in pair)]


def test_ceiling_is_that_of_the_data_and_not_of_the_identifier(benchmark_of):
    ceilings = []
    for upper in (0.5, 0.9):
        bounds = {"conditions": TIMES, "lower": [0.1] * 3, "upper": [upper] * 3}
        assembly = assembly_of(np.moveaxis(symmetric((2, 1, 3), 3), 2, -1), ["IT"], bounds, TIMES)
        ceilings.append(float(benchmark_of(assembly, "mean").ceiling))
    assert ceilings == [0.5, 0.9]


def spoiled(change):
    """Stand-in whose answers are changed."""

    class Spoiled(StandIn):
        def look_at(self, stimuli, number_of_trials=1, require_variance=False):
            return change(super().look_at(stimuli))

    return Spoiled(7.0)


def with_row(value):
    def change(answer):
        answer.values[4] = value
        return answer

    return spoiled(change)


@pytest.mark.parametrize("value", [3.25, np.nan, np.inf])
def test_constant_or_infinite_features_are_refused_with_the_stimulus_named(eeg, value):
    with pytest.raises(ValueError, match=r"stand-in V1: .* 1 stimuli \(image4\)"):
        eeg()[1](with_row(value))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda answer: answer.isel(presentation=slice(1, None)), r"got 8 stimuli, expected one answer to each of 9"),
        (lambda answer: answer.isel(presentation=[0, 1, 2, 3, 4, 5, 6, 7, 7]), r"got 8 stimuli"),
        (lambda answer: answer.isel(neuroid=0), r"expected presentation and neuroid"),
        (lambda answer: answer.isel(time_bin=[0, 0]), r"got 2 time bins"),
    ],
)
def test_answers_that_do_not_fit_the_stimuli_are_refused(eeg, change, message):
    with pytest.raises(ValueError, match=message):
        eeg()[1](spoiled(change))


def test_answers_in_another_order_give_the_same_score(eeg):
    _, benchmark = eeg()
    shuffled = benchmark(spoiled(lambda answer: answer.isel(presentation=[3, 1, 8, 0, 2, 5, 4, 7, 6])))
    assert float(shuffled) == pytest.approx(float(benchmark(StandIn(7.0))), abs=1e-12)


def test_constant_neural_rdms_are_refused(benchmark_of):
    bounds = {"conditions": REGIONS, "lower": [0.1, 0.2], "upper": [0.5, 0.8]}
    benchmark = benchmark_of(assembly_of(np.ones((3, 2, N_IMAGES, N_IMAGES)), REGIONS, bounds), "best")
    with pytest.raises(ValueError, match=r"all equal"):
        benchmark(StandIn(7.0))
