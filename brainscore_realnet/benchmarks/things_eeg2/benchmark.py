"""RSA benchmarks of THINGS-EEG2 (Gifford et al. 2022) as ReAlnet's authors use it (arXiv 2401.17231, §2.4)."""

from typing import Any

from brainscore_vision.data.things_eeg2.data import BIBTEX

from brainscore_realnet.adapters.commitment import READOUT
from brainscore_realnet.adapters.eeg_rsa import EEGRSABenchmark
from brainscore_realnet.adapters.model_rdms import AREAS
from brainscore_realnet.adapters.sources import subject_of
from brainscore_realnet.adapters.things_eeg2 import source_of

VERSION = 1


def get_benchmark(identifier: str) -> Any:
    """Benchmark of ``ThingsEEG2-rsa``, of an area (``ThingsEEG2.V1-rsa``) or of a subject (``ThingsEEG2.sub01-rsa``).

    ``ThingsEEG2.readout-rsa`` is of the layer before the classifier, which only models of this package name.

    The headline's parent is IT: EEG has no cortical area, and Brain-Score's convention maps it there. All others are
    parts of the headline.
    """
    source, rest = source_of(identifier)
    part = rest.removesuffix("-rsa").removeprefix(".")
    subject = subject_of(part)
    return EEGRSABenchmark(
        identifier,
        source.neural_data(),
        subjects=(subject,) if subject else None,
        areas=(part,) if part in (*AREAS, READOUT) else AREAS,
        parent=f"{source.name}-rsa" if part else "IT",
        version=VERSION,
        bibtex=BIBTEX,
    )
