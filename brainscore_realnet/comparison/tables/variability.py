"""How far the personal models of a family differ from each other, by area (R24 §3.3)."""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.rsa.compare import vectors_in_metric_space


def variability(comparison: Comparison) -> Iterator[dict[str, Any]]:
    """Give the rows of the table ``variability``: all pairs of a family's personal models, on each one's stimuli."""
    for benchmark in comparison.benchmarks:
        for family in comparison.families:
            if not family.personal or len(family.models) < 2:
                continue
            rdms = np.stack([comparison.scored[model, benchmark.identifier].model_rdms for model in family.models])
            first, second = np.triu_indices(len(rdms), 1)
            for place, area in enumerate(benchmark.areas):
                between = dissimilarities(rdms[:, place])
                for a, b in zip(first.tolist(), second.tolist(), strict=True):
                    yield {
                        "benchmark": benchmark.identifier,
                        "family": family.name,
                        "area": area,
                        "depth": place + 1,
                        "model_a": family.models[a],
                        "model_b": family.models[b],
                        "dissimilarity": None if np.isnan(between[a, b]) else float(between[a, b]),
                    }


def dissimilarities(rdms: NDArray[np.float32]) -> NDArray[np.float64]:
    """Compute 1 - Spearman between RDMs.

    Parameters
    ----------
    rdms : (n, n_pairs) float32 array
        Upper triangles.

    Returns
    -------
    (n, n) float64 array
        NaN for those with an RDM that is constant, which has no correlation.
    """
    vectors = np.full(rdms.shape, np.nan)
    varying = np.ptp(rdms, axis=-1) > 0
    vectors[varying] = vectors_in_metric_space(rdms[varying].astype(np.float64), "spearman")
    return 1 - np.clip(vectors @ vectors.T, -1, 1)
