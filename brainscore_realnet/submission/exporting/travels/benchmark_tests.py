"""Tests of the benchmarks that ``benchmark.json`` beside this file describes."""

import pytest
from brainscore_vision import load_benchmark
from brainscore_vision.benchmark_helpers.validate_error import assert_valid_uncertainty

from brainscore_realnet.submission.exporting.travels.rsa_benchmark import settings
from brainscore_realnet.submission.exporting.travels.stand_in import StandIn

# The images may be shared with those alone who have the right to them.
pytestmark = pytest.mark.private_access

BENCHMARKS = settings()["benchmarks"]


@pytest.mark.parametrize("identifier", BENCHMARKS)
def test_identifier(identifier: str) -> None:
    """The benchmark bears the identifier that it is registered under."""
    benchmark = load_benchmark(identifier)
    assert benchmark.identifier == identifier
    assert benchmark.parent == BENCHMARKS[identifier]["parent"]


@pytest.mark.parametrize("identifier", BENCHMARKS)
def test_ceiling(identifier: str) -> None:
    """The ceiling is a correlation and the one that was computed at export."""
    ceiling = load_benchmark(identifier).ceiling
    assert 0 < float(ceiling) <= 1
    assert float(ceiling) == pytest.approx(BENCHMARKS[identifier]["expected"]["ceiling"], abs=1e-6)


@pytest.mark.parametrize("identifier", BENCHMARKS)
def test_score_of_the_stand_in(identifier: str) -> None:
    """The score on this machine is the one that was computed at export."""
    expected = BENCHMARKS[identifier]["expected"]
    score = load_benchmark(identifier)(StandIn(settings()["visual_degrees"]))
    assert float(score) == pytest.approx(expected["score"], abs=1e-6)
    assert float(score.attrs["raw"]) == pytest.approx(expected["raw"], abs=1e-6)
    if expected["error"] is not None:
        assert score.attrs["error"] == pytest.approx(expected["error"], abs=1e-6)
        assert_valid_uncertainty(score)
