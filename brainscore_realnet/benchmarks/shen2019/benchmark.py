"""RSA benchmarks of Deep image reconstruction (Shen et al. 2019) as in arXiv 2401.17231 and 2407.10414."""

from typing import Any

from brainscore_vision.data.shen2019.data import BIBTEX

from brainscore_realnet.adapters.kamitani import rsa_benchmark

VERSION = 1


def get_benchmark(identifier: str) -> Any:
    """Benchmark of all subjects and regions, of one region, or of one subject."""
    return rsa_benchmark(identifier, VERSION, BIBTEX)
