"""THINGS-EEG2 (Gifford et al., NeuroImage 2022) and its simulated twin as stimulus sets and assemblies."""

from typing import Any

from brainscore_realnet.adapters.sources import subject_of
from brainscore_realnet.adapters.things_eeg2 import source_of


def get_stimulus_set(identifier: str) -> Any:
    """Stimulus set of ``<source>_<split>``."""
    source, rest = source_of(identifier)
    return source.stimuli(rest.removeprefix("_"))


def get_assembly(identifier: str) -> Any:
    """Assembly of ``<source>.sub01_<split>``: presentation × neuroid × time_bin."""
    source, rest = source_of(identifier)
    subject, _, split = rest.removeprefix(".").partition("_")
    return source.assembly(str(subject_of(subject)), split)
