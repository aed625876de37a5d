"""Brain-Score metrics on assemblies of presentation × neuroid; the numerics are those of ``brainscore_realnet.rsa``."""

from typing import Any

import numpy as np
from brainscore_core.metrics import Metric, Score

from brainscore_realnet.adapters.assemblies import ordered_values
from brainscore_realnet.rsa import compare_rdms, correlation_rdm, noise_ceiling


class RDMSpearman(Metric):
    """Spearman correlation between the 1 − Pearson RDMs of two assemblies of the same stimuli."""

    def __call__(self, assembly1: Any, assembly2: Any) -> Score:
        """Compare two (presentation × neuroid) assemblies; rows are matched by ``stimulus_id``."""
        first, second = (correlation_rdm(ordered_values(assembly)) for assembly in (assembly1, assembly2))
        return Score(float(compare_rdms(first, second)))


class RankCeiling(Metric):
    """Noise ceiling of subjects' RDMs (Nili et al. 2014), pooled in rank space so that it bounds every model."""

    def __call__(self, assembly: Any) -> Score:
        """Ceiling of a (presentation × neuroid) assembly with a ``subject`` on each neuroid.

        Returns
        -------
        Score
            The upper bound, with ``lower``, ``upper`` and ``n_subjects`` as attributes.
        """
        values, subject_of = ordered_values(assembly), assembly["subject"].values
        subjects = np.unique(subject_of)
        lower, upper = noise_ceiling(np.stack([correlation_rdm(values[:, subject_of == name]) for name in subjects]))
        ceiling = Score(float(upper))
        ceiling.attrs.update(lower=float(lower), upper=float(upper), n_subjects=len(subjects))
        return ceiling
