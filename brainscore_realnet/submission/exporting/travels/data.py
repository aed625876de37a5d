"""A stimulus set and neural RDMs in Brain-Score's storage, as ``data.json`` beside this file names them."""

import json
from pathlib import Path
from typing import Any

from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
from brainscore_core.supported_data_standards.brainio.s3 import load_assembly_from_s3, load_stimulus_set_from_s3
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet


def settings() -> dict[str, Any]:
    """Read what the export wrote: what to load, with the files' hashes, and ``bibtex``."""
    return json.loads(Path(__file__).with_name("data.json").read_text(encoding="utf-8"))


def get_stimulus_set() -> StimulusSet:
    """Load the images that the subjects saw."""
    return load_stimulus_set_from_s3(**settings()["stimulus_set"])


def get_assembly() -> NeuroidAssembly:
    """Load the neural RDMs.

    Returns
    -------
    NeuroidAssembly, float64
        Of EEG presentation × neuroid × time_bin, of fMRI presentation × neuroid. A presentation is a stimulus; a
        neuroid is a ``subject`` and a ``region`` and the stimulus ``compared_stimulus_id`` that the first one is
        compared with. The attribute ``ceilings`` holds the noise ceilings as JSON, for every benchmark: its
        ``subjects`` and ``conditions`` (starts of time bins in milliseconds, or regions), and for each condition
        ``lower`` and ``upper``. Of one subject, upper is the root of its reliability, and lower is null.
    """
    arguments = settings()["assembly"]
    loaded = load_assembly_from_s3(**arguments, cls=NeuroidAssembly, stimulus_set_loader=get_stimulus_set)
    # What is loaded lies in the file still.
    assembly = loaded.load()
    # The library loses it when it merges the stimuli's columns.
    assembly.attrs["identifier"] = arguments["identifier"]
    return assembly
