"""RSA benchmarks of Generic object decoding (Horikawa & Kamitani 2017)."""

from typing import Any

from brainscore_realnet.adapters.kamitani import rsa_benchmark

VERSION = 1

BIBTEX = """@article{horikawa_generic_decoding_2017,
    title = {Generic decoding of seen and imagined objects using hierarchical visual features},
    author = {Horikawa, Tomoyasu and Kamitani, Yukiyasu},
    year = {2017},
    journal = {Nature Communications},
    volume = {8},
    pages = {15037},
    doi = {10.1038/ncomms15037},
    url = {https://doi.org/10.1038/ncomms15037},
}"""


def get_benchmark(identifier: str) -> Any:
    """Benchmark of all subjects and regions, of one region, or of one subject."""
    return rsa_benchmark(identifier, VERSION, BIBTEX)
