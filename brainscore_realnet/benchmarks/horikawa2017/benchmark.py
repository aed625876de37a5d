"""RSA benchmarks of Generic object decoding (Horikawa & Kamitani 2017)."""

from typing import Any

from brainscore_vision.data.horikawa2017.data import BIBTEX

from brainscore_realnet.adapters.kamitani import rsa_benchmark

VERSION = 1


def get_benchmark(identifier: str) -> Any:
    """Benchmark of all subjects and regions, of one region, or of one subject."""
    return rsa_benchmark(identifier, VERSION, BIBTEX)
