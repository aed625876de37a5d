import itertools
from dataclasses import dataclass, field

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from brainscore_realnet.adapters.fmri_rsa import CV_SPLITS, FMRIRSABenchmark
from brainscore_realnet.adapters.neural_side import NeuralData
from brainscore_realnet.errors import BadInputError, MissingDataError
from brainscore_realnet.rsa import compare_rdms, crossnobis_rdm, decoding_rdm
from brainscore_realnet.store import sha256_bytes

AREAS = ("V1", "V2", "V4", "IT")
SUBJECTS = ("sub-01", "sub-02", "sub-03")
ROIS = ("V1", "V3", "LOC")
NAMES = [f"n90000001_{number}" for number in range(12)]


@pytest.fixture(scope="module", autouse=True)
def _one_cache(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RESULTCACHING_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


@dataclass(frozen=True)
class Recorded:
    """What the benchmark needs of a recording."""

    subject: str
    seed: int = 0
    signal: float = 1.0
    stimuli: tuple[str, ...] = tuple(NAMES)
    rois: tuple[str, ...] = ROIS
    split: str = "test"
    n_repetitions: int = 8
    read: list[str] = field(default_factory=list)

    @property
    def sha256(self):
        return sha256_bytes(repr((self.subject, self.seed, self.signal, self.stimuli, self.n_repetitions)).encode())

    def n_voxels(self, roi):
        return 7 + ROIS.index(roi)

    def responses(self, roi):
        self.read.append(roi)
        n_images, n_voxels = len(self.stimuli), self.n_voxels(roi)
        shared = np.random.default_rng([99, ROIS.index(roi)]).standard_normal((n_images, 1, n_voxels))
        rng = np.random.default_rng([self.seed, int(self.subject[-2:]), ROIS.index(roi)])
        own = shared + 0.5 * rng.standard_normal(shared.shape)
        return self.signal * own + rng.standard_normal((n_images, self.n_repetitions, n_voxels))


@pytest.fixture
def fmri_of(stimuli_of):
    def make(recording=Recorded, subjects=SUBJECTS, names=NAMES, rois=ROIS, require=lambda subjects: None, **options):
        data = NeuralData(
            name="sim-tiny-fmri",
            subjects=SUBJECTS,
            visual_degrees=12,
            simulated=True,
            require=require,
            stimuli=lambda: stimuli_of([f"/images/{name}.png" for name in names]),
            recording=recording,
        )
        benchmark = FMRIRSABenchmark(
            "SimTiny-rsa", data, rois=rois, subjects=subjects, parent="IT", version=1, bibtex="@misc{any}"
        )
        return benchmark.with_options(screen="fullfield", **options)

    return make


@pytest.fixture
def candidate(stub_brain, random_features):
    return stub_brain(random_features(NAMES))


def triangle(rdm):
    return rdm[np.triu_indices(len(rdm), 1)]


def pattern_rdm(subject, roi, images=slice(None)):
    return (1 - np.corrcoef(Recorded(subject).responses(roi).mean(axis=1)))[images][:, images]


def model_rdm(candidate, area, images=slice(None)):
    return (1 - np.corrcoef(np.stack([candidate.features[area][name] for name in NAMES])))[images][:, images]


def literal_values(candidate, images=slice(None)):
    """Subject × area × region Spearman correlations, one scipy call each."""
    values = np.empty((len(SUBJECTS), len(AREAS), len(ROIS)))
    for (s, subject), (a, area), (r, roi) in itertools.product(*map(enumerate, (SUBJECTS, AREAS, ROIS))):
        neural, model = pattern_rdm(subject, roi, images), model_rdm(candidate, area, images)
        values[s, a, r] = spearmanr(triangle(model), triangle(neural)).statistic
    return values


def literal_ceiling(images=slice(None)):
    """Mean over regions of every subject's correlation with the mean of the subjects' z-scored ranks."""
    upper = []
    for roi in ROIS:
        ranks = [rankdata(triangle(pattern_rdm(subject, roi, images))) for subject in SUBJECTS]
        pool = np.mean([(rank - rank.mean()) / rank.std() for rank in ranks], axis=0)
        upper.append(np.mean([np.corrcoef(rank, pool)[0, 1] for rank in ranks]))
    return np.mean(upper)


def test_score_is_the_literal_computation_with_the_best_area_of_each_region(fmri_of, candidate):
    score = fmri_of()(candidate)
    values = literal_values(candidate)
    best = values.mean(axis=0).argmax(axis=0)
    of_subject = np.mean([values[:, best[r], r] for r in range(len(ROIS))], axis=0)
    np.testing.assert_allclose(score.attrs["values"].values, values, atol=1e-10)
    assert float(score.attrs["raw"]) == pytest.approx(of_subject.mean(), abs=1e-10)
    assert float(score.attrs["ceiling"]) == pytest.approx(literal_ceiling(), abs=1e-10)
    assert float(score) == pytest.approx(of_subject.mean() / literal_ceiling(), abs=1e-10)
    expected = (of_subject / literal_ceiling()).std(ddof=1) / np.sqrt(3)
    assert score.attrs["error"] == pytest.approx(expected, abs=1e-10)
    assert score.attrs["error_over"] == ["subject"]
    np.testing.assert_allclose(score.attrs["scored_values"].values.mean(axis=1), of_subject, atol=1e-10)


def test_area_chosen_on_other_images_is_scored_and_bounded_on_the_rest(fmri_of, candidate):
    score = fmri_of(area="cv")(candidate)
    raw, ceiling = [], []
    for split in range(CV_SPLITS):
        halves = np.array_split(np.random.default_rng([0, split]).permutation(len(NAMES)), 2)
        for here, there in (halves, halves[::-1]):
            best = literal_values(candidate, here).mean(axis=0).argmax(axis=0)
            values = literal_values(candidate, there)
            raw.append(np.mean([values[:, best[r], r].mean() for r in range(len(ROIS))]))
            ceiling.append(literal_ceiling(there))
    assert float(score.raw) == pytest.approx(np.mean(raw), abs=1e-10)
    assert float(score.ceiling) == pytest.approx(np.mean(ceiling), abs=1e-10)
    assert float(score) == pytest.approx(np.mean(raw) / np.mean(ceiling), abs=1e-10)
    assert score.attrs["error_stimulus"] > 0


def test_area_chosen_on_other_subjects_is_scored_on_the_one_left_out(fmri_of, stub_brain, random_features):
    candidate = stub_brain(random_features(NAMES, 2))
    score = fmri_of(area="cv-subjects")(candidate)
    values = literal_values(candidate)
    best = [np.delete(values, s, axis=0).mean(axis=0).argmax(axis=0) for s in range(len(SUBJECTS))]
    expected = [np.mean([values[s, best[s][r], r] for r in range(len(ROIS))]) for s in range(len(SUBJECTS))]
    assert len({tuple(areas) for areas in best}) > 1, "the subjects' areas must differ for this to tell anything"
    np.testing.assert_allclose(score.attrs["scored_values"].values.mean(axis=1), expected, atol=1e-10)


@pytest.mark.parametrize("area", AREAS)
def test_named_area_is_used_for_every_region(fmri_of, candidate, area):
    score = fmri_of(area=area)(candidate)
    assert float(score.raw) == pytest.approx(literal_values(candidate)[:, AREAS.index(area)].mean(), abs=1e-10)
    assert f"area {area}" in score.attrs["formula"]


def test_choosing_on_the_same_data_flatters_a_model_of_noise_and_cross_validation_does_not(
    fmri_of, stub_brain, random_features
):
    models = [stub_brain(random_features(NAMES, seed)) for seed in range(40)]
    raw = {area: np.array([float(fmri_of(area=area)(model).raw) for model in models]) for area in ("best", "cv")}
    sem = {area: values.std(ddof=1) / np.sqrt(len(values)) for area, values in raw.items()}
    assert raw["best"].mean() > 5 * sem["best"]
    assert abs(raw["cv"].mean()) < 2.5 * sem["cv"]
    assert raw["cv"].mean() < raw["best"].mean() - 5 * sem["best"]


def test_weights_choose_one_area_for_each_region(fmri_of, candidate):
    for area in ("best", "cv", "cv-subjects", "IT"):
        weights = fmri_of(area=area)(candidate).attrs["weights"]
        assert weights.dims == ("subject", "area", "roi")
        np.testing.assert_allclose(weights.sum("area"), 1, atol=1e-12)
    best = fmri_of()(candidate).attrs["weights"].values
    assert set(np.unique(best)) == {0.0, 1.0}
    assert (best == best[0]).all()  # one area for all subjects: the ceiling bounds one RDM


@pytest.fixture(scope="module")
def benchmarks():
    """One benchmark for each way of choosing the area, for RDMs that are at hand."""
    data = NeuralData("sim", SUBJECTS, 12, True, lambda subjects: None, lambda: StimuliNamed(NAMES), Recorded)
    plain = FMRIRSABenchmark("SimTiny-rsa", data, rois=ROIS, parent="IT", version=1, bibtex="")
    return {area: plain.with_options(area=area) for area in ("best", "cv", "cv-subjects")}


def models_near(neural, rng):
    """RDMs of four areas, each a noisy mixture of the subjects' RDMs of some region."""
    mixtures = [np.einsum("s,src->rc", rng.dirichlet(np.ones(3)), neural[:, rng.integers(3)]) for _ in range(4)]
    noise = rng.uniform(0, 0.3, (4, 1, 1)) * np.abs(rng.standard_normal(np.shape(mixtures)))
    models = mixtures + noise + noise.swapaxes(1, 2)
    models[:, range(12), range(12)] = 0
    return models


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_no_model_exceeds_the_ceiling_however_its_areas_are_chosen(benchmarks, seed):
    models = models_near(benchmarks["best"]._neural_rdms, np.random.default_rng(seed))
    scores = {area: float(benchmark._compare(models)) for area, benchmark in benchmarks.items()}
    assert max(scores.values()) <= 1 + 1e-12
    # An area chosen on the others is never better for all than the best one: the ceiling bounds this too.
    assert scores["cv-subjects"] <= scores["best"] + 1e-12


class StimuliNamed(dict):
    """As much of a stimulus set as RDMs that are at hand need."""

    identifier = "SimTiny_test--0"

    def __init__(self, names):
        super().__init__(stimulus_id=np.array(names).view(WithValues))

    def __len__(self):
        return len(self["stimulus_id"])


class WithValues(np.ndarray):
    @property
    def values(self):
        return np.asarray(self)


def test_one_subject_is_scored_against_the_root_of_its_reliability(fmri_of, candidate):
    score = fmri_of(subjects=("sub-02",))(candidate)
    assert 0 < float(score.ceiling) < 1
    assert np.isnan(score.ceiling.attrs["lower"])
    assert score.attrs["error"] == score.attrs["error_stimulus"]
    assert "one subject" in score.attrs["formula"]
    # A noise-free copy of what both halves share: reliabilities are high where signal is.
    strong = fmri_of(subjects=("sub-02",), recording=lambda subject: Recorded(subject, signal=10.0))
    assert float(strong.ceiling) > 0.99


def test_one_subjects_ceiling_on_other_images_is_the_root_of_their_mean_reliability(fmri_of, candidate):
    benchmark = fmri_of(subjects=("sub-02",), area="cv")
    first, second = benchmark.compute("sub-02", "halves").values
    reliability = []
    for split in range(CV_SPLITS):
        for there in np.array_split(np.random.default_rng([0, split]).permutation(len(NAMES)), 2):
            pairs = np.array(list(itertools.combinations(there, 2))).T
            half = [
                [spearmanr(a[roi][tuple(pairs)], b[roi][tuple(pairs)]).statistic for roi in range(len(ROIS))]
                for a, b in zip(first, second, strict=True)
            ]
            reliability.append(2 * np.mean(half, axis=0) / (1 + np.mean(half, axis=0)))
    expected = np.sqrt(np.clip(np.mean(reliability, axis=0), 0, None)).mean()
    assert float(benchmark(candidate).ceiling) == pytest.approx(expected, abs=1e-10)


@pytest.mark.parametrize("area", ["best", "cv"])
def test_one_subject_without_signal_is_refused_however_the_area_is_chosen(fmri_of, candidate, area):
    silent = {"subjects": ("sub-01",), "rois": ("V1",), "recording": lambda subject: Recorded(subject, 3, signal=0.0)}
    with pytest.raises(BadInputError, match="not reliable in V1"):
        fmri_of(**silent, area=area)(candidate)


def test_few_subjects_come_with_what_their_ceiling_cannot_mean(fmri_of, candidate):
    score = fmri_of()(candidate)
    assert score.attrs["caveat"].startswith("3 subjects")
    assert "inflated" in score.attrs["caveat"]
    assert score.ceiling.attrs["lower"] < float(score.ceiling)
    assert fmri_of(subjects=("sub-01",))(candidate).attrs["caveat"].startswith("One subject")


def test_subjects_that_share_no_signal_say_that_the_score_means_nothing(fmri_of, candidate):
    @dataclass(frozen=True)
    class Noise(Recorded):
        def responses(self, roi):
            rng = np.random.default_rng([16, int(self.subject[-2:]), ROIS.index(roi)])
            return rng.standard_normal((len(self.stimuli), self.n_repetitions, self.n_voxels(roi)))

    score = fmri_of(lambda subject: Noise(subject, seed=100))(candidate)
    assert score.ceiling.attrs["lower"] <= 0 < float(score.ceiling)
    assert "hardly share any signal" in score.attrs["caveat"]


def test_brain_score_accepts_score_and_error(fmri_of, candidate):
    from brainscore_vision.benchmark_helpers.validate_error import assert_valid_uncertainty, validate_score_uncertainty

    for score in (fmri_of()(candidate), fmri_of(subjects=("sub-01",))(candidate)):
        assert_valid_uncertainty(score)
        assert validate_score_uncertainty(score).warnings == []


def literal_rdm(kind, responses):
    if kind == "crossnobis":
        return crossnobis_rdm(responses[..., None])[0]
    return decoding_rdm(responses[..., None], kind, pseudotrial_size=2, folds=2, repeats=1, seed=0)[0]


@pytest.mark.parametrize("kind", ["svm", "lda", "crossnobis"])
def test_other_dissimilarities_take_voxels_for_channels_and_repetitions_for_trials(fmri_of, candidate, kind):
    decoding = {} if kind == "crossnobis" else {"pseudotrial_size": 2, "folds": 2, "repeats": 1}
    score = fmri_of(rdm=kind, **decoding)(candidate)
    neural = literal_rdm(kind, Recorded("sub-02").responses("LOC"))
    model = model_rdm(candidate, "V4")
    expected = float(compare_rdms(model, neural))
    assert float(score.attrs["values"].sel(subject="sub-02", area="V4", roi="LOC")) == pytest.approx(expected, abs=1e-9)
    assert kind in score.attrs["formula"]


def test_options_are_part_of_identifier_and_provenance(fmri_of, candidate):
    plain = fmri_of()
    assert plain.identifier == "SimTiny-rsa-fullfield"
    assert fmri_of(area="cv", rdm="crossnobis").identifier == "SimTiny-rsa-crossnobis-fullfield-areacv"
    options = fmri_of(area="cv")(candidate).attrs["benchmark_provenance"]["options"]
    assert (options["area"], options["rdm"], options["screen"]) == ("cv", "correlation", "fullfield")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"area": "V3"}, "area='V3'; expected one of best, cv, cv-subjects, V1"),
        ({"window": (0, 1)}, "unknown options window; expected some of .*area"),
        ({"smooth": 3}, "smooth=3 for fMRI"),
        ({"rdm": "euclid"}, "rdm='euclid'"),
        ({"repeats": 3}, "repeats with rdm='correlation', which does not decode"),
        ({"preset": "gifford"}, "preset='gifford' with rdm='correlation'"),
    ],
)
def test_bad_options_are_refused_at_once(fmri_of, options, message):
    with pytest.raises(BadInputError, match=message):
        fmri_of(**options)


def test_area_cannot_be_chosen_on_other_subjects_when_there_are_none(fmri_of):
    with pytest.raises(BadInputError, match=r"has one subject.*area='cv'"):
        fmri_of(subjects=("sub-01",), area="cv-subjects")


def test_too_few_images_to_choose_on_half_of_them_are_refused(fmri_of, candidate):
    few = fmri_of(names=NAMES[:6], recording=lambda subject: Recorded(subject, stimuli=tuple(NAMES[:6])), area="cv")
    with pytest.raises(BadInputError, match="6 images; expected at least 8"):
        few(candidate)


def test_region_missing_from_one_subject_is_named_with_the_subject(fmri_of, candidate):
    def lacking(subject):
        return Recorded(subject, rois=("V1", "V3") if subject == "sub-03" else ROIS)

    with pytest.raises(MissingDataError, match=r"recording of sub-03 has no LOC, expected V1, V3, LOC"):
        fmri_of(lacking)(None)  # before anything is asked of the model
    assert float(fmri_of(lacking, rois=("V1",))(candidate)) != 0


def test_recording_of_other_images_or_another_order_is_refused(fmri_of, candidate):
    with pytest.raises(BadInputError, match=r"sub-01 saw 11 images, expected the 12.*n90000001_11"):
        fmri_of(lambda subject: Recorded(subject, stimuli=tuple(NAMES[:11])))(candidate)
    with pytest.raises(BadInputError, match="the order alone"):
        fmri_of(lambda subject: Recorded(subject, stimuli=tuple(NAMES[::-1])))(candidate)


def test_missing_data_are_reported_before_anything_is_asked_of_the_model(fmri_of):
    def require(subjects):
        raise MissingDataError(f"no {', '.join(subjects)}")

    with pytest.raises(MissingDataError, match="no sub-01, sub-02, sub-03"):
        fmri_of(require=require)(None)


def test_mean_of_the_regions_benchmarks_is_the_headline(fmri_of, candidate):
    whole = fmri_of()(candidate)
    alone = [fmri_of(rois=(roi,))(candidate) for roi in ROIS]
    assert np.mean([float(each.raw) for each in alone]) == pytest.approx(float(whole.raw), abs=1e-12)
    assert np.mean([float(each.ceiling) for each in alone]) == pytest.approx(float(whole.ceiling), abs=1e-12)


def test_second_score_reads_no_responses(fmri_of, candidate):
    first = Recorded("sub-01", seed=6)
    recordings = {subject: Recorded(subject, seed=6, read=first.read) for subject in SUBJECTS}
    once = fmri_of(recordings.__getitem__)(candidate)
    assert sorted(first.read) == sorted(ROIS * 3)
    first.read.clear()
    assert float(fmri_of(recordings.__getitem__)(candidate)) == float(once)
    assert first.read == []


def test_work_is_counted_for_each_subject_over_its_regions(fmri_of, candidate):
    fresh = fmri_of(lambda subject: Recorded(subject, seed=5), subjects=("sub-01",))
    works = {each.kind: each for each in fresh.work()}
    assert (works["whole"].matrices, works["whole"].missing) == (len(ROIS), len(ROIS))
    assert works["halves"].missing == works["halves"].matrices == len(ROIS) * fresh.options.matrices["halves"]
    fresh(candidate)
    assert fresh.missing_seconds() == 0
    assert all(each.missing == 0 for each in fresh.work())
