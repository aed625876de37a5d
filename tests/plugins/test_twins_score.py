"""Every simulated benchmark scores the model that made its virtual subjects, within bounds and with uncertainty."""

import math

import pytest

from brainscore_realnet import load_benchmark, load_model
from brainscore_realnet.scoring.identifiers import package_identifiers


@pytest.fixture(scope="module")
def hidden():
    return load_model("sim-hidden")


@pytest.mark.parametrize("identifier", [name for name in package_identifiers("benchmark") if name.startswith("Sim")])
def test_generator_scores_on_every_simulated_benchmark(hidden, identifier):
    from brainscore_vision.benchmark_helpers.validate_error import assert_valid_uncertainty

    benchmark = load_benchmark(identifier)
    score = benchmark(hidden)
    assert 0 < float(score) < 1.2
    assert 0 < float(score.ceiling) <= 1
    assert float(score.raw) == pytest.approx(float(score) * float(score.ceiling), abs=1e-12)
    assert score.attrs["error"] >= 0 or (math.isnan(score.attrs["error"]) and score.attrs["error_nan_reason"])
    assert_valid_uncertainty(score)
    assert score.attrs["benchmark_provenance"]["simulated"] is True
