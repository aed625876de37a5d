"""Representational similarity analysis on plain arrays: dissimilarity matrices, their comparison, ceilings, statistics.

Arrays in, arrays out: nothing here knows Brain-Score. Importing the package needs NumPy and SciPy only; numba is
imported by the first call that needs a compiled kernel, torch by the first that is given a device.
"""

from brainscore_realnet.rsa._trials import check_decoding_options
from brainscore_realnet.rsa.bootstrap import (
    TwoFactorBootstrap,
    bootstrap_both,
    bootstrap_stimuli,
    bootstrap_subjects,
)
from brainscore_realnet.rsa.clusters import Cluster, ClusterTest, cluster_permutation
from brainscore_realnet.rsa.compare import compare_rdms, partial_compare
from brainscore_realnet.rsa.correlation import BadRowsError, correlation_rdm, rdm_stream
from brainscore_realnet.rsa.crossnobis import crossnobis_rdm
from brainscore_realnet.rsa.decoding import PRESETS, decoding_rdm, estimate_seconds
from brainscore_realnet.rsa.improvement import Gain, Improvement, improvement
from brainscore_realnet.rsa.noise import noise_covariance, whiten
from brainscore_realnet.rsa.noise_ceiling import noise_ceiling, single_subject_ceiling, split_half_reliability
from brainscore_realnet.rsa.rdm import check_rdm, upper_triangle
from brainscore_realnet.rsa.smoothing import averaged_times, smoothed, tied
from brainscore_realnet.rsa.statistics import PairedTest, fdr, paired_test
from brainscore_realnet.rsa.svm import held_out_decision_values
from brainscore_realnet.rsa.two_factor import two_factor_bootstrap

__all__ = [
    "PRESETS",
    "BadRowsError",
    "Cluster",
    "ClusterTest",
    "Gain",
    "Improvement",
    "PairedTest",
    "TwoFactorBootstrap",
    "averaged_times",
    "bootstrap_both",
    "bootstrap_stimuli",
    "bootstrap_subjects",
    "check_decoding_options",
    "check_rdm",
    "cluster_permutation",
    "compare_rdms",
    "correlation_rdm",
    "crossnobis_rdm",
    "decoding_rdm",
    "estimate_seconds",
    "fdr",
    "held_out_decision_values",
    "improvement",
    "noise_ceiling",
    "noise_covariance",
    "paired_test",
    "partial_compare",
    "rdm_stream",
    "single_subject_ceiling",
    "smoothed",
    "split_half_reliability",
    "tied",
    "two_factor_bootstrap",
    "upper_triangle",
    "whiten",
]
