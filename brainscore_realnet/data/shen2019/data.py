"""Deep image reconstruction (Shen et al., PLoS Computational Biology 2019) and its simulated twin for Brain-Score."""

from typing import Any

from brainscore_realnet.adapters.kamitani import parse
from brainscore_realnet.adapters.sources import subject_of

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


def get_stimulus_set(identifier: str) -> Any:
    """Stimulus set of ``Shen2019_<split>``."""
    source, split, _ = parse(identifier)
    return source.stimuli(split)


def get_assembly(identifier: str) -> Any:
    """Assembly of ``Shen2019.sub01_<split>``: presentation × neuroid."""
    source, split, part = parse(identifier)
    return source.assembly(str(subject_of(part)), split)
