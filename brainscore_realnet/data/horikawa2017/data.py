"""Generic object decoding (Horikawa & Kamitani, Nature Communications 2017) and its simulated twin for Brain-Score."""

from brainscore_realnet.adapters.kamitani import get_assembly, get_stimulus_set

__all__ = ["BIBTEX", "get_assembly", "get_stimulus_set"]

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
