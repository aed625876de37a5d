"""THINGS-EEG2 (Gifford et al., NeuroImage 2022) and its simulated twin as stimulus sets and assemblies."""

from typing import Any

from brainscore_realnet.adapters.sources import subject_of
from brainscore_realnet.adapters.things_eeg2 import source_of

BIBTEX = """@article{gifford_things_eeg2_2022,
    title = {A large and rich {EEG} dataset for modeling human visual object recognition},
    author = {Gifford, Alessandro T. and Dwivedi, Kshitij and Roig, Gemma and Cichy, Radoslaw M.},
    year = {2022},
    journal = {NeuroImage},
    volume = {264},
    pages = {119754},
    doi = {10.1016/j.neuroimage.2022.119754},
    url = {https://doi.org/10.1016/j.neuroimage.2022.119754},
}"""


def get_stimulus_set(identifier: str) -> Any:
    """Stimulus set of ``<source>_<split>``."""
    source, rest = source_of(identifier)
    return source.stimuli(rest.removeprefix("_"))


def get_assembly(identifier: str) -> Any:
    """Assembly of ``<source>.sub01_<split>``: presentation × neuroid × time_bin."""
    source, rest = source_of(identifier)
    subject, _, split = rest.removeprefix(".").partition("_")
    return source.assembly(str(subject_of(subject)), split)
