"""Provenance of every score of a comparison, with what many scores share told once.

``scores`` has an entry for each score: ``model`` and ``benchmark`` (identifiers), ``at`` (part to its place in the list
of distinct ones) and what is its own; ``parts`` has the lists.
"""

from collections.abc import Mapping
from typing import Any

from brainscore_realnet.comparison.scored import Scored
from brainscore_realnet.errors import BadInputError

PARTS = ("model", "benchmark", "versions", "machine")
"""Parts of a provenance that scores share"""


def gathered(scored: Mapping[tuple[str, str], Scored]) -> dict[str, Any]:
    """Gather the provenance of scores, by identifiers of model and benchmark, as JSON can express it."""
    parts: dict[str, list[Any]] = {part: [] for part in PARTS}
    scores = []
    for (model, benchmark), one in scored.items():
        about = dict(one.record["provenance"])
        at = {}
        for part, distinct in parts.items():
            value = about.pop(part)
            if value not in distinct:
                distinct.append(value)
            at[part] = distinct.index(value)
        scores.append({"model": model, "benchmark": benchmark, "at": at, **about})
    return {"parts": parts, "scores": scores}


def provenance_of(shared: Mapping[str, Any], model: str, benchmark: str) -> dict[str, Any]:
    """Give one score's provenance as `scoring.provenance` made it.

    Parameters
    ----------
    shared : mapping
        From `gathered`.
    model, benchmark : str
        Identifiers.

    Raises
    ------
    BadInputError
        There is no such score.
    """
    for one in shared["scores"]:
        if (one["model"], one["benchmark"]) == (model, benchmark):
            own = {key: value for key, value in one.items() if key not in ("model", "benchmark", "at")}
            return {part: shared["parts"][part][place] for part, place in one["at"].items()} | own
    raise BadInputError(f"Got {model} on {benchmark}: expected a score of this comparison. See its plan.")
