"""Deep image reconstruction (Shen et al., PLoS Computational Biology 2019) and its simulated twin for Brain-Score."""

from typing import Any

from brainscore_realnet.adapters.kamitani import parse
from brainscore_realnet.adapters.sources import subject_of


def get_stimulus_set(identifier: str) -> Any:
    """Stimulus set of ``Shen2019_<split>``."""
    source, split, _ = parse(identifier)
    return source.stimuli(split)


def get_assembly(identifier: str) -> Any:
    """Assembly of ``Shen2019.sub01_<split>``: presentation × neuroid."""
    source, split, part = parse(identifier)
    return source.assembly(str(subject_of(part)), split)
