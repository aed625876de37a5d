"""Scores of a comparison: kept in the store, or computed here and on workers."""

from brainscore_realnet.comparison.scores.scoring import score_all

__all__ = ["score_all"]
