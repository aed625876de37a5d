import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from brainscore_realnet.adapters import neural_side, rsa_benchmark
from brainscore_realnet.adapters.eeg_rsa import EEGRSABenchmark
from brainscore_realnet.adapters.neural_rdms import Dissimilarity, NeuralRDMs, half_rdms
from brainscore_realnet.adapters.neural_side import NeuralData
from brainscore_realnet.datasets.things_eeg2 import SubjectRecording
from brainscore_realnet.errors import BadInputError, MissingDataError
from brainscore_realnet.rsa import decoding_rdm

AREAS = ("V1", "V2", "V4", "IT")
SUBJECTS = ("sub-01", "sub-02", "sub-03")
NAMES = [f"image{number:02d}" for number in range(12)]
QUICK = {"pseudotrial_size": 2, "folds": 2, "repeats": 1}
WINDOW = slice(3, 8)  # 0.06 … 0.14 s of samples every 0.02 s
SECONDS = (0.05, 0.15)


@pytest.fixture(scope="module", autouse=True)
def _one_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESULTCACHING_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def candidate(stub_brain, random_features):
    return stub_brain(random_features(NAMES))


@pytest.fixture
def scored(benchmark_of, candidate):
    return benchmark_of()(candidate)


def triangle(rdm):
    return rdm[np.triu_indices(len(rdm), 1)]


def literal_values(recording_of, candidate):
    """Subject × area × time Spearman correlations, one scipy call each."""
    values = np.empty((len(SUBJECTS), len(AREAS), 10))
    for s, subject in enumerate(SUBJECTS):
        rdms = decoding_rdm(recording_of(subject).data, seed=0, **QUICK)
        for (a, area), t in itertools.product(enumerate(AREAS), range(10)):
            features = np.stack([candidate.features[area][name] for name in NAMES])
            values[s, a, t] = spearmanr(triangle(1 - np.corrcoef(features)), triangle(rdms[t])).statistic
    return values


def literal_ceiling(recording_of):
    """Upper noise ceiling at each time: every subject against the mean of the subjects' z-scored ranks."""
    upper = np.empty(10)
    for t in range(10):
        rdms = [
            triangle(decoding_rdm(recording_of(subject).data, seed=0, times=[t], **QUICK)[0]) for subject in SUBJECTS
        ]
        ranks = [rankdata(rdm) for rdm in rdms]
        pool = np.mean([(rank - rank.mean()) / rank.std() for rank in ranks], axis=0)
        upper[t] = np.mean([np.corrcoef(rank, pool)[0, 1] for rank in ranks])
    return upper


def test_score_is_the_literal_computation_of_the_formula(scored, recording_of, candidate):
    values, ceiling = literal_values(recording_of, candidate)[..., WINDOW], literal_ceiling(recording_of)[WINDOW].mean()
    np.testing.assert_allclose(scored.attrs["values"].values, values, atol=1e-10)
    assert float(scored.attrs["raw"]) == pytest.approx(values.mean(), abs=1e-10)
    assert float(scored.attrs["ceiling"]) == pytest.approx(ceiling, abs=1e-10)
    assert float(scored) == pytest.approx(values.mean() / ceiling, abs=1e-10)


def test_error_is_the_standard_error_over_subjects_on_the_ceiled_scale(scored, recording_of, candidate):
    raw = literal_values(recording_of, candidate)[..., WINDOW].mean(axis=(1, 2))
    expected = np.std(raw / float(scored.attrs["ceiling"]), ddof=1) / np.sqrt(3)
    assert scored.attrs["error"] == pytest.approx(expected, abs=1e-10)
    assert scored.attrs["error_over"] == ["subject"]
    assert scored.attrs["error_stimulus"] > 0


def test_values_carry_subject_area_and_time(scored):
    values = scored.attrs["values"]
    assert values.dims == ("subject", "area", "time")
    assert values["subject"].values.tolist() == list(SUBJECTS)
    assert values["area"].values.tolist() == list(AREAS)
    np.testing.assert_allclose(values["time"].values, [0.06, 0.08, 0.1, 0.12, 0.14])
    course = scored.attrs["ceiling_values"]
    assert course["bound"].values.tolist() == ["lower", "upper"]
    assert (course.sel(bound="lower") <= course.sel(bound="upper")).all()


@pytest.mark.parametrize("subjects", [SUBJECTS, ("sub-02",)], ids=["three subjects", "one subject"])
def test_brain_score_accepts_score_and_error(benchmark_of, candidate, subjects):
    from brainscore_core.submission.database import _retrieve_score_center, _retrieve_score_error
    from brainscore_vision.benchmark_helpers.validate_error import assert_valid_uncertainty, validate_score_uncertainty

    score = benchmark_of(subjects=subjects)(candidate)
    assert_valid_uncertainty(score)
    assert validate_score_uncertainty(score).warnings == []
    assert score.ndim == score.raw.ndim == score.ceiling.ndim == 0
    assert _retrieve_score_center(score) == float(score)
    assert _retrieve_score_center(score.raw) == pytest.approx(float(score) * float(score.ceiling), abs=1e-12)
    assert _retrieve_score_center(score.ceiling) == score.ceiling.attrs["upper"]
    assert _retrieve_score_error(score) == score.attrs["error"] > 0
    assert _retrieve_score_error(score.ceiling) is None


def test_error_that_images_cannot_tell_is_nan_with_a_reason(benchmark_of, data_of, recording_of, candidate):
    from brainscore_vision.benchmark_helpers.validate_error import assert_valid_uncertainty

    few = data_of(names=NAMES[:5], recording=lambda subject: recording_of(subject, n_images=5))
    score = benchmark_of(few, subjects=("sub-01",))(candidate)
    assert np.isnan(score.attrs["error"])
    assert "bootstrap draw" in score.attrs["error_nan_reason"]
    assert_valid_uncertainty(score)
    assert np.isfinite(float(score))


def test_database_accepts_the_score(benchmark_of, candidate):
    from brainscore_core.submission import database
    from brainscore_core.submission.database_models import Score as Entry

    score = benchmark_of()(candidate)
    entry = Entry()
    entry.save = lambda: None
    database.update_score(score, entry)
    assert entry.score_ceiled == float(score)
    assert entry.score_raw == float(score.raw)
    assert entry.error == score.attrs["error"]


def test_window_includes_both_edges_in_spite_of_rounding(benchmark_of, candidate):
    score = benchmark_of(options={"window": (0.02 * 3, 0.02 * 7)})(candidate)
    assert len(score.attrs["values"]["time"]) == 5


def test_course_shows_more_times_and_leaves_the_score_alone(benchmark_of, candidate, scored):
    longer = benchmark_of(options={"course": (0.0, 0.18)})(candidate)
    assert len(longer.attrs["values"]["time"]) == 10
    assert float(longer) == float(scored)
    assert longer.attrs["error"] == scored.attrs["error"]
    assert longer.attrs["error_stimulus"] == pytest.approx(scored.attrs["error_stimulus"], abs=1e-12)
    assert float(longer.attrs["ceiling"]) == pytest.approx(float(scored.attrs["ceiling"]), abs=1e-12)


def test_mean_of_the_area_benchmarks_is_the_headline(benchmark_of, candidate, scored):
    of_area = [benchmark_of(areas=(area,))(candidate) for area in AREAS]
    assert np.mean([float(each.raw) for each in of_area]) == pytest.approx(float(scored.raw), abs=1e-12)
    assert len({float(each.ceiling) for each in of_area} | {float(scored.ceiling)}) == 1


def test_one_subject_is_scored_against_the_root_of_its_reliability(benchmark_of, candidate, scored, recording_of):
    score = benchmark_of(subjects=("sub-02",))(candidate)
    halves = half_rdms(recording_of("sub-02"), np.arange(3, 8), Dissimilarity(**QUICK)).values
    r = np.mean(
        [
            [spearmanr(triangle(a), triangle(b)).statistic for a, b in zip(*split, strict=True)]
            for split in zip(*halves, strict=True)
        ],
        axis=0,
    )
    expected = np.sqrt(np.clip(2 * r / (1 + r), 0, None)).mean()
    assert float(score.ceiling) == pytest.approx(expected, abs=1e-10)
    assert np.isnan(score.ceiling.attrs["lower"])
    assert score.ceiling.attrs["n_subjects"] == 1
    np.testing.assert_array_equal(score.attrs["values"].values[0], scored.attrs["values"].sel(subject="sub-02").values)
    assert score.attrs["error_over"] == ["stimulus"]
    assert score.attrs["error"] == score.attrs["error_stimulus"] > 0
    assert "Spearman-Brown" in score.attrs["formula"]
    assert "upper noise ceiling" in scored.attrs["formula"]


@settings(max_examples=10, deadline=None)
@given(st.permutations(range(len(NAMES))))
def test_order_of_images_does_not_change_the_score(order):
    # The shuffles of the decoding belong to an image's place, so RDMs are permuted here, not trials.
    patch = pytest.MonkeyPatch()
    names = [NAMES[number] for number in order]
    features = {name: np.random.default_rng(number).standard_normal(6) for number, name in enumerate(NAMES)}
    upper = np.triu(np.random.default_rng(5).uniform(size=(3, 10, 12, 12)), 1)
    rdms = upper + np.swapaxes(upper, -1, -2)

    def score(numbers, names):
        permuted = rdms[..., numbers, :][..., numbers]
        recording = {
            subject: SubjectRecording(subject, "test", np.zeros((12, 1, 1, 10)), ("Oz",), TIMES, subject)
            for subject in SUBJECTS
        }
        patch.setattr(
            neural_side,
            "COMPUTE",
            {"whole": lambda recorded, times, *_: NeuralRDMs(permuted[SUBJECTS.index(recorded.subject), times], "")},
        )
        stimuli = StimuliNamed(names)
        data = NeuralData("sim", SUBJECTS, 7, True, lambda subjects: None, lambda: stimuli, recording.__getitem__)
        benchmark = EEGRSABenchmark("SimTiny-rsa", data, parent="IT", version=1, bibtex="")
        patch.setattr(
            rsa_benchmark,
            "model_rdms",
            lambda *_: np.stack([1 - np.corrcoef([features[name] for name in names])] * 4),
        )
        patch.setattr(rsa_benchmark, "show", lambda stimuli, *_: stimuli)
        return benchmark.with_options(window=SECONDS)(None)

    try:
        plain, permuted = score(list(range(12)), NAMES), score(list(order), names)
    finally:
        patch.undo()
    assert float(permuted) == pytest.approx(float(plain), abs=1e-10)
    assert permuted.attrs["error"] == pytest.approx(plain.attrs["error"], abs=1e-10)


TIMES = np.round(np.arange(10) * 0.02, 10)


class StimuliNamed(list):
    identifier = "SimTiny_test--0"


@pytest.mark.parametrize("order", list(itertools.permutations(SUBJECTS))[1:], ids="-".join)
def test_order_of_subjects_does_not_change_the_score(benchmark_of, data_of, candidate, scored, order):
    score = benchmark_of(data_of(subjects=order))(candidate)
    assert float(score) == pytest.approx(float(scored), abs=1e-12)
    assert score.attrs["error"] == pytest.approx(scored.attrs["error"], abs=1e-12)
    for subject in SUBJECTS:
        np.testing.assert_array_equal(
            score.attrs["values"].sel(subject=subject), scored.attrs["values"].sel(subject=subject)
        )


def test_scaled_features_do_not_change_the_score(benchmark_of, candidate, scored):
    for area in AREAS:
        candidate.features[area] = {name: 3 * values + 2 for name, values in candidate.features[area].items()}
    assert float(benchmark_of()(candidate)) == pytest.approx(float(scored), abs=1e-10)


def test_unreliable_recordings_are_refused_not_divided_by(benchmark_of, candidate, monkeypatch):
    monkeypatch.setattr(neural_side, "split_half_reliability", lambda first, second: np.full(first.shape[1], -0.1))
    with pytest.raises(BadInputError, match=r"ceiling of SimTiny-rsa.* is 0.*in the window .*use another one"):
        benchmark_of(subjects=("sub-01",))(candidate)


def test_missing_data_are_reported_before_anything_is_asked_of_the_model(benchmark_of, data_of):
    def require(subjects):
        raise MissingDataError(f"no {', '.join(subjects)}")

    with pytest.raises(MissingDataError, match="no sub-01, sub-02, sub-03"):
        benchmark_of(data_of(require=require))(None)


def test_recording_of_other_images_is_refused(benchmark_of, data_of, recording_of, candidate):
    data = data_of(recording=lambda subject: recording_of(subject, n_images=12 if subject == "sub-01" else 7))
    with pytest.raises(BadInputError, match="sub-02 has 7 images, expected the 12"):
        benchmark_of(data)(candidate)


def test_recording_at_other_times_is_refused(benchmark_of, data_of, recording_of, candidate):
    data = data_of(recording=lambda subject: recording_of(subject, n_times=10 if subject == "sub-01" else 9))
    with pytest.raises(BadInputError, match="sub-02 was sampled at other times than sub-01"):
        benchmark_of(data)(candidate)


def test_model_is_asked_for_one_bin_over_the_window(benchmark_of, candidate):
    benchmark_of()(candidate)
    assert candidate.time_bins == [(50, 150)]


def test_ceiling_follows_the_data_under_the_same_identifier(benchmark_of, data_of, recording_of):
    other = data_of(recording=lambda subject: recording_of(subject, seed=1))
    first, second = benchmark_of(), benchmark_of(other)
    assert first.identifier == second.identifier
    assert float(first.ceiling) != float(second.ceiling)


def test_no_time_is_missing_after_scoring(benchmark_of, data_of, recording_of, candidate):
    data = data_of(recording=lambda subject: recording_of(subject, seed=17))
    headline, one = benchmark_of(data), benchmark_of(data, subjects=("sub-01",))
    assert headline.missing_seconds() > 0
    headline(candidate)
    assert headline.missing_seconds() == 0
    assert one.missing_seconds() > 0  # the halves for its ceiling
    one(candidate)
    assert one.missing_seconds() == 0


def test_provenance_names_data_options_and_recordings(scored, recording_of):
    provenance = scored.attrs["benchmark_provenance"]
    assert provenance["recordings"] == {subject: recording_of(subject).sha256 for subject in SUBJECTS}
    assert provenance["options"]["pseudotrial_size"] == 2
    assert provenance["simulated"] is True
    assert provenance["stimulus_set"] == "SimTiny_test--0123456789ab"
