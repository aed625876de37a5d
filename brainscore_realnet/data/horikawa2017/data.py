"""Generic object decoding (Horikawa & Kamitani, Nature Communications 2017) and its simulated twin for Brain-Score."""

from typing import Any

from brainscore_realnet.adapters.kamitani import parse
from brainscore_realnet.adapters.sources import subject_of

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


def get_stimulus_set(identifier: str) -> Any:
    """Stimulus set of ``Horikawa2017_<split>``."""
    source, split, _ = parse(identifier)
    return source.stimuli(split)


def get_assembly(identifier: str) -> Any:
    """Assembly of ``Horikawa2017.sub01_<split>``: presentation × neuroid."""
    source, split, part = parse(identifier)
    return source.assembly(str(subject_of(part)), split)
