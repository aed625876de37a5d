"""Variants of one recipe beside each other: other β (R24 A.3-A.6), control models (R24 3.6)."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.rsa.statistics import standard_error
from brainscore_realnet.training.recipes import RECIPES

_BETA = re.compile(r"-beta(\d+(?:\.\d+)?(?:e[-+]?\d+)?)(?=-|$)")


@dataclass(frozen=True)
class Variant:
    """What a family's name says of how its models were trained."""

    recipe: str
    """``realnet-eeg``, ``sim-realnet-eeg``, …"""
    beta: float
    """Weight of the generation loss"""
    control: str
    """``none``, ``nocont``, ``unpaired``, ``all``, ``beta0``, or what else the name says"""

    @classmethod
    def of(cls, name: str) -> "Variant | None":
        """Read a family's name; None if it is none of this package's recipes'.

        A name without β has the recipe's own.
        """
        recipe = next((one for one in RECIPES if f"{name}-".startswith(f"{one}-")), None)
        if recipe is None:
            return None
        options = name.removeprefix(recipe)
        said = _BETA.search(options)
        beta = float(said[1]) if said else RECIPES[recipe].beta
        others = _BETA.sub("", options, count=1).strip("-")
        control = "-".join(filter(None, ("" if beta else "beta0", others)))
        return cls(recipe, beta, control or "none")


def variants(comparison: Comparison, variability: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Give the rows of the table ``variants`` for recipes of which there are several families.

    Parameters
    ----------
    comparison : Comparison
    variability : sequence of dict
        Rows of that table.
    """
    by_recipe: dict[str, list[tuple[Family, Variant]]] = {}
    for family in comparison.families:
        if variant := Variant.of(family.name):
            by_recipe.setdefault(variant.recipe, []).append((family, variant))
    for benchmark in comparison.benchmarks:
        for of_recipe in by_recipe.values():
            if len(of_recipe) > 1:
                yield from _of_recipe(comparison, benchmark, of_recipe, variability)


def _of_recipe(
    comparison: Comparison,
    benchmark: Measured,
    of_recipe: Sequence[tuple[Family, Variant]],
    variability: Sequence[dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    # Variants are comparable on the same subjects only; families without any in common keep their own.
    of_families = [set(comparison.matched(family, benchmark).subjects) for family, _ in of_recipe]
    common = [subject for subject in benchmark.subjects if all(subject in subjects for subjects in of_families)]
    for family, variant in of_recipe:
        names = {
            "benchmark": benchmark.identifier,
            "recipe": variant.recipe,
            "family": family.name,
            "beta": _trained_with(comparison, family, benchmark, variant.beta),
            "control": variant.control,
        }
        raw = comparison.matched(family, benchmark, common or None).raw
        sem = standard_error(raw)
        yield {**names, "measure": "score", "value": float(raw.mean()), "sem": sem, "n": len(raw)}
        between = _dissimilarities(variability, family, benchmark)
        if between:
            n_pairs = len(family.models) * (len(family.models) - 1) // 2
            value = float(np.mean(between))
            yield {**names, "measure": "variability", "value": value, "sem": None, "n": n_pairs}


def _trained_with(comparison: Comparison, family: Family, benchmark: Measured, said: float) -> float:
    """Give the β that the provenance of the first model holds, or else what its name says."""
    origin = comparison.scored[family.models[0], benchmark.identifier].record["provenance"]["model"]["origin"]
    if not isinstance(origin, dict):
        return said
    recipe = origin.get("recipe") or (origin.get("card") or {}).get("recipe") or {}
    return float(recipe.get("beta", said))


def _dissimilarities(variability: Sequence[dict[str, Any]], family: Family, benchmark: Measured) -> list[float]:
    return [
        row["dissimilarity"]
        for row in variability
        if (row["family"], row["benchmark"]) == (family.name, benchmark.identifier) and row["dissimilarity"] is not None
    ]
