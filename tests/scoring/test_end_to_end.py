"""The main job on virtual subjects: files in the published formats -> data -> RDMs -> model -> score."""

import copy
import json

import numpy as np
import pytest

from brainscore_realnet import load_benchmark, load_model, score
from brainscore_realnet.cli.table import score_table
from brainscore_realnet.scoring.record import as_record
from brainscore_realnet.simulation.eeg import LATENCIES

AREAS = ["V1", "V2", "V4", "IT"]


@pytest.fixture(scope="module")
def sim_benchmark():
    return load_benchmark("SimThingsEEG2-rsa").with_options(course=(-0.1, 0.4))


@pytest.fixture(scope="module")
def scores(sim_benchmark):
    return {name: score(name, sim_benchmark) for name in ("sim-hidden", "sim-random", "sim-noise")}


def test_generator_scores_highest_and_random_network_between_it_and_noise(scores):
    hidden, between, noise = (float(scores[name]) for name in ("sim-hidden", "sim-random", "sim-noise"))
    gap = 2 * max(each.attrs["error_stimulus"] for each in scores.values())
    assert hidden > between + gap / 2
    assert between > noise + gap / 2


def test_noise_scores_zero_within_its_error(scores):
    noise = scores["sim-noise"]
    error = np.hypot(noise.attrs["error"], noise.attrs["error_stimulus"])
    assert abs(float(noise)) < 2 * error
    assert error < 0.1


def test_areas_of_the_generator_peak_in_the_order_of_the_simulated_latencies(scores):
    peaks = {area: found["peak_time"] for area, found in as_record(scores["sim-hidden"])["areas"].items()}
    assert [peaks[area] for area in AREAS] == sorted(peaks.values())
    assert len(set(peaks.values())) == 4
    assert all(abs(peaks[area] - LATENCIES[area]) <= 0.02 for area in AREAS)


def test_nothing_is_similar_before_the_stimulus(scores):
    values = scores["sim-hidden"].attrs["values"]
    assert abs(float(values.sel(time=slice(-0.1, 0.0)).mean())) < 0.1


def test_score_is_raw_over_the_upper_ceiling(scores):
    for each in scores.values():
        ceiling = each.attrs["ceiling"]
        assert float(each) == pytest.approx(float(each.attrs["raw"]) / ceiling.attrs["upper"], abs=1e-12)
        assert ceiling.attrs["lower"] < ceiling.attrs["upper"] == float(ceiling)


def test_area_and_subject_benchmarks_decompose_the_headline(scores):
    values = scores["sim-hidden"].attrs["values"].sel(time=slice(0.0499, 0.2001))
    v4 = score("sim-hidden", "SimThingsEEG2.V4-rsa")
    assert float(v4.attrs["raw"]) == pytest.approx(float(values.sel(area="V4").mean()), abs=1e-12)
    first = score("sim-hidden", "SimThingsEEG2.sub01-rsa")
    assert float(first.attrs["raw"]) == pytest.approx(float(values.sel(subject="sub-01").mean()), abs=1e-12)
    assert first.attrs["error_over"] == ["stimulus"]
    assert np.isnan(first.attrs["ceiling"].attrs["lower"])
    assert 0 < float(first.attrs["ceiling"]) <= 1
    record = json.loads(json.dumps(as_record(first), allow_nan=False))
    assert record["ceiling"]["lower"] is None
    assert record["ceiling_values"]["data"][0] == [None] * 16


def test_record_is_strict_json_with_everything_to_trace_the_score(scores):
    record = json.loads(json.dumps(as_record(scores["sim-hidden"]), allow_nan=False))
    assert record["model"] == "sim-hidden"
    assert record["benchmark"] == "SimThingsEEG2-rsa"
    assert record["values"]["dims"] == ["subject", "area", "time"]
    assert np.shape(record["values"]["data"]) == (2, 4, len(record["values"]["coords"]["time"]))
    assert record["values"]["coords"]["subject"] == ["sub-01", "sub-02"]
    provenance = record["provenance"]
    assert provenance["simulated"] is True
    assert len(provenance["model"]["weights_sha256"]) == 64
    assert set(provenance["benchmark"]["recordings"]) == {"sub-01", "sub-02"}
    assert provenance["benchmark"]["options"]["window"] == [0.05, 0.2]
    assert provenance["versions"]["brainscore_vision"]
    assert "Spearman" in provenance["benchmark"]["formula"]


def test_personal_model_also_shows_the_subject_it_was_trained_on(scores):
    mine = scores["sim-hidden"].copy(deep=True)
    mine.attrs = copy.deepcopy(scores["sim-hidden"].attrs)
    dataset = mine.attrs["provenance"]["benchmark"]["dataset"]
    mine.attrs["provenance"]["model"]["origin"] = {
        "weights": "store",
        "trained_on": {"dataset": dataset, "subject": "sub-02"},
    }
    raw = float(mine.attrs["values"].sel(subject="sub-02", time=slice(0.0499, 0.2001)).mean())
    assert as_record(mine)["matched_subject"] == {
        "subject": "sub-02",
        "raw": pytest.approx(raw, abs=1e-12),
        "score": pytest.approx(raw / float(mine.attrs["ceiling"]), abs=1e-12),
    }
    assert "own subject" in score_table(as_record(mine))
    # Subject 2 of another data set is another person.
    mine.attrs["provenance"]["model"]["origin"]["trained_on"]["dataset"] = "shen2019"
    assert as_record(mine)["matched_subject"] is None
    assert as_record(scores["sim-hidden"])["matched_subject"] is None


def test_scores_repeat_exactly(scores):
    again = score("sim-hidden", load_benchmark("SimThingsEEG2-rsa").with_options(course=(-0.1, 0.4)))
    assert float(again) == float(scores["sim-hidden"])


def test_score_does_not_depend_on_batch_size(sim_benchmark, scores):
    model = load_model("sim-hidden")
    model.activations_model._extractor._batch_size = 5
    assert float(sim_benchmark(model)) == pytest.approx(float(scores["sim-hidden"]), abs=1e-6)


def test_model_with_changed_weights_under_the_same_identifier_is_scored_anew(sim_benchmark, scores):
    import torch

    model = load_model("sim-hidden")
    before = float(sim_benchmark(model))
    with torch.no_grad():
        for parameter in model.activations_model._model.parameters():
            parameter.copy_(torch.randn(parameter.shape, generator=torch.Generator().manual_seed(0)))
    assert before == float(scores["sim-hidden"])
    assert abs(float(sim_benchmark(model)) - before) > 0.01


def test_fullfield_is_a_variant_with_its_own_identifier(scores):
    variant = load_benchmark("SimThingsEEG2-rsa").with_options(screen="fullfield")
    assert variant.identifier == "SimThingsEEG2-rsa-fullfield"
    # The reference models' field of view is the stimuli's seven degrees: both screens show them the same.
    assert float(score("sim-hidden", variant)) == pytest.approx(float(scores["sim-hidden"]), abs=1e-9)


def test_stock_brainscore_scores_ours_after_enable(scores):
    import brainscore_vision
    from brainscore_core.benchmarks import score_benchmark

    stock = score_benchmark(
        brainscore_vision.load_benchmark("SimThingsEEG2-rsa"), brainscore_vision.load_model("sim-hidden")
    )
    assert float(stock) == pytest.approx(float(scores["sim-hidden"]), abs=1e-12)
