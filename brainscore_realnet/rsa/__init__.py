"""Representational similarity analysis on plain arrays: dissimilarity matrices, their comparison, ceilings, bootstrap.

Arrays in, arrays out: nothing here knows Brain-Score. Importing the package needs NumPy and SciPy only; the compiled
classifier is imported by the first call that decodes.
"""

from brainscore_realnet.rsa.compare import compare_rdms
from brainscore_realnet.rsa.decoding import decoding_rdm, estimate_seconds, held_out_decision_values
from brainscore_realnet.rsa.noise_ceiling import noise_ceiling, single_subject_ceiling, split_half_reliability
from brainscore_realnet.rsa.rdm import BadRowsError, check_rdm, correlation_rdm, rdm_stream, upper_triangle
from brainscore_realnet.rsa.statistics import bootstrap_stimuli

__all__ = [
    "BadRowsError",
    "bootstrap_stimuli",
    "check_rdm",
    "compare_rdms",
    "correlation_rdm",
    "decoding_rdm",
    "estimate_seconds",
    "held_out_decision_values",
    "noise_ceiling",
    "rdm_stream",
    "single_subject_ceiling",
    "split_half_reliability",
    "upper_triangle",
]
