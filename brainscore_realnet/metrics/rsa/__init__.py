"""Similarity of two assemblies' RDMs, and the noise ceiling pooled in rank space."""

from brainscore_vision import metric_registry

from .metric import RankCeiling, RDMSpearman

metric_registry["rdm-spearman"] = RDMSpearman
metric_registry["rdm-rank-ceiling"] = RankCeiling
