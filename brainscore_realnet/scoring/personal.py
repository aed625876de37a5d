"""What models of single subjects gain: over their baseline, over mispaired signals, and over other subjects' models.

With s_mk the similarity of the model of subject m with subject k, and for every subject k

    own_k = s_kk,    others_k = mean over m ≠ k of s_mk,

each comparison is a paired test over subjects: what is compared is always measured on the same subject, so that how
clear a subject's signals are does not count (subject-matched tests: Lu & Wang, arXiv 2407.10414).
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import PairedTest, paired_test
from brainscore_realnet.rsa.statistics import finite

TEST = "two-sided paired t test over subjects"


@dataclass(frozen=True, eq=False)
class Comparison:
    """Two similarities of every subject."""

    name: str
    """Such as ``aligned > baseline``"""
    better: NDArray[np.float64]
    """(n_subjects,) of what is expected to be the more similar one"""
    worse: NDArray[np.float64]
    """(n_subjects,)"""
    test: PairedTest
    """Of ``better`` − ``worse``"""

    @property
    def n_better(self) -> int:
        """Subjects in whom the expected one is the more similar one."""
        return int((self.better > self.worse).sum())

    def holds(self, alpha: float = 0.05) -> bool:
        """Whether the expected difference is there, and not by chance."""
        return bool(self.test.difference > 0 and self.test.p < alpha)

    def record(self) -> dict[str, Any]:
        """Give everything as JSON can express it."""
        return {
            "name": self.name,
            "test": TEST,
            "n_subjects": self.test.n,
            "difference": float(self.test.difference),
            "sem": float(self.test.sem),
            "t": float(self.test.t),
            "degrees_of_freedom": self.test.degrees_of_freedom,
            "p": float(self.test.p),
            "n_better": self.n_better,
            "better": self.better.tolist(),
            "worse": self.worse.tolist(),
        }


def personal_comparisons(baseline: ArrayLike, aligned: ArrayLike, unpaired: ArrayLike) -> tuple[Comparison, ...]:
    """Compare every subject's own model with the baseline, with its unpaired control, and with other subjects' models.

    Parameters
    ----------
    baseline : (n_subjects,) array
        Similarity of the network that all models were made from; at least 4 subjects.
    aligned : (n_subjects, n_subjects) array
        Row m: the model of subject m; column k: its similarity with subject k.
    unpaired : (n_subjects,) array
        Of every subject's control, whose signals belonged to other images, with its own subject.

    Returns
    -------
    tuple of Comparison
        ``aligned > baseline``, ``aligned > unpaired``, ``own > others``.

    Raises
    ------
    BadInputError
        Fewer than 4 subjects, shapes that do not fit, NaN or infinity.
    """
    matrix = finite(aligned, "aligned")
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise BadInputError(
            f"Got aligned of shape {matrix.shape}; expected (n_subjects, n_subjects), a model of every subject."
        )
    better = own(matrix)
    pairs = {"aligned > baseline": baseline, "aligned > unpaired": unpaired, "own > others": others(matrix)}
    return tuple(
        Comparison(name, better, np.asarray(worse, dtype=np.float64), paired_test(better, worse))
        for name, worse in pairs.items()
    )


def others(aligned: NDArray[np.float64]) -> NDArray[np.float64]:
    """Average every subject's similarity with the other subjects' models: (n_models, n_subjects, …) to (n_subjects, …).

    Models and subjects are the same people in the same order.
    """
    return (aligned.sum(axis=0) - own(aligned)) / (len(aligned) - 1)


def own(aligned: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give every subject's similarity with its own model: (n_models, n_subjects, …) to (n_subjects, …)."""
    every = np.arange(len(aligned))
    return aligned[every, every]
