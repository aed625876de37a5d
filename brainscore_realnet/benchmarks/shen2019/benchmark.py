"""RSA benchmarks of Deep image reconstruction (Shen et al. 2019) as in arXiv 2401.17231 and 2407.10414."""

from typing import Any

from brainscore_realnet.adapters.kamitani import rsa_benchmark

VERSION = 1

BIBTEX = """@article{shen_deep_image_reconstruction_2019,
    title = {Deep image reconstruction from human brain activity},
    author = {Shen, Guohua and Horikawa, Tomoyasu and Majima, Kei and Kamitani, Yukiyasu},
    year = {2019},
    journal = {PLOS Computational Biology},
    volume = {15},
    number = {1},
    pages = {e1006633},
    doi = {10.1371/journal.pcbi.1006633},
    url = {https://doi.org/10.1371/journal.pcbi.1006633},
}"""


def get_benchmark(identifier: str) -> Any:
    """Benchmark of all subjects and regions, of one region, or of one subject."""
    return rsa_benchmark(identifier, VERSION, BIBTEX)
