"""fMRI benchmarks on virtual subjects through the public interface, from images to records and tables."""

import json

import numpy as np
import pytest

from brainscore_realnet import load_benchmark, score
from brainscore_realnet.cli.table import score_table
from brainscore_realnet.scoring.record import as_record

MODELS = ("sim-hidden", "sim-random", "sim-noise")
HEADLINES = ("SimShen2019-rsa", "SimShen2019shapes-rsa", "SimShen2019letters-rsa", "SimHorikawa2017-rsa")
AREA_OF = {"V1": "V1", "V2": "V2", "V4": "V4", "LOC": "IT"}


@pytest.fixture(scope="module")
def cross_validated():
    """Benchmark -> model -> score with areas chosen on other images."""
    return {
        name: {model: score(model, load_benchmark(name).with_options(area="cv")) for model in MODELS}
        for name in HEADLINES
    }


@pytest.fixture(scope="module")
def headline():
    return score("sim-hidden", "SimShen2019-rsa")


@pytest.mark.parametrize("name", HEADLINES)
def test_generator_scores_highest_and_noise_zero(cross_validated, name):
    scores = cross_validated[name]
    hidden, random, noise = (float(scores[model]) for model in MODELS)
    assert hidden > random + 0.2
    error = np.hypot(scores["sim-noise"].attrs["error"], scores["sim-noise"].attrs["error_stimulus"])
    assert abs(noise) < 2 * error
    assert hidden > 0.7


def test_each_region_is_compared_with_the_area_that_it_was_made_from(headline):
    rois = as_record(headline)["rois"]
    assert {roi: rois[roi]["area"] for roi in AREA_OF} == AREA_OF
    assert rois["V3"]["area"] in ("V2", "V4")


def test_record_is_strict_json_with_regions_subjects_and_caveat(headline):
    record = json.loads(json.dumps(as_record(headline), allow_nan=False))
    assert record["values"]["dims"] == ["subject", "area", "roi"]
    assert list(record["rois"]) == ["V1", "V2", "V3", "V4", "LOC"]
    assert np.mean([found["raw"] for found in record["rois"].values()]) == pytest.approx(record["raw"], abs=1e-12)
    assert np.mean(list(record["subjects"].values())) == pytest.approx(record["raw"], abs=1e-12)
    assert record["caveat"].startswith("3 subjects")
    assert record["areas"] is None
    assert record["provenance"]["simulated"] is True
    assert record["provenance"]["benchmark"]["options"]["area"] == "best"


def test_table_shows_regions_bounds_every_subject_and_the_caveat(headline):
    table = score_table(as_record(headline))
    for text in ("SIMULATED", "LOC", "with area IT", "sub-01", "sub-02", "sub-03", "upper bound", "3 subjects"):
        assert text in table
    assert max(map(len, table.splitlines())) <= 120


def test_region_and_subject_benchmarks_decompose_the_headline(headline):
    region = score("sim-hidden", "SimShen2019.LOC-rsa")
    rois = as_record(headline)["rois"]
    assert float(region.raw) == pytest.approx(rois["LOC"]["raw"], abs=1e-12)
    assert float(region.ceiling) == pytest.approx(rois["LOC"]["upper"], abs=1e-12)
    subject = score("sim-hidden", "SimShen2019.sub02-rsa")
    values = headline.attrs["values"].sel(subject="sub-02")
    assert float(subject.raw) == pytest.approx(float(values.max("area").mean()), abs=1e-12)
    record = json.loads(json.dumps(as_record(subject), allow_nan=False))
    assert record["rois"]["V1"]["lower"] is None
    assert 0 < record["ceiling"]["upper"] <= 1


def test_personal_model_also_shows_the_subject_it_was_trained_on(headline):
    mine = headline.copy(deep=True)
    mine.attrs = {**headline.attrs, "provenance": json.loads(json.dumps(headline.attrs["provenance"]))}
    mine.attrs["provenance"]["model"]["origin"] = {
        "weights": "store",
        "trained_on": {"dataset": mine.attrs["provenance"]["benchmark"]["dataset"], "subject": "sub-03"},
    }
    record = as_record(mine)
    assert record["matched_subject"]["raw"] == record["subjects"]["sub-03"]
    assert "own subject" in score_table(record)


def test_stock_brainscore_scores_ours_after_enable(headline):
    import brainscore_vision
    from brainscore_core.benchmarks import score_benchmark

    stock = score_benchmark(
        brainscore_vision.load_benchmark("SimShen2019-rsa"), brainscore_vision.load_model("sim-hidden")
    )
    assert float(stock) == pytest.approx(float(headline), abs=1e-12)


@pytest.mark.parametrize("rdm", ["crossnobis", "lda"])
def test_other_dissimilarities_rank_the_models_alike(rdm):
    options = {"pseudotrial_size": 2, "folds": 2} if rdm == "lda" else {}
    benchmark = load_benchmark("SimShen2019.V1-rsa").with_options(rdm=rdm, area="V1", **options)
    hidden, noise = (float(score(model, benchmark)) for model in ("sim-hidden", "sim-noise"))
    assert hidden > noise + 0.3
    assert f"-{rdm}" in benchmark.identifier
