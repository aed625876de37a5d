"""Models that belong together: the personal models of one recipe, one of each subject."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from brainscore_realnet.datasets.things_eeg2 import parent_of
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store import weights

Role = Literal["model", "baseline"]


@dataclass(frozen=True)
class Family:
    """Personal models of several subjects (``realnet-eeg``), or one model of no subject (``cornet-s``)."""

    name: str
    """What the models' identifiers have in common: ``realnet-eeg-beta10`` of ``realnet-eeg-sub01-beta10``."""
    models: tuple[str, ...]
    """Identifiers"""
    subjects: tuple[str, ...]
    """Subjects that they were trained on, in the same order (``sub-01``); none for a model of no subject."""
    role: Role
    """Whether it is compared, or compared with."""

    @property
    def personal(self) -> bool:
        """Whether it holds models of single subjects."""
        return bool(self.subjects)

    def model_of(self, subject: str) -> str:
        """Identifier of a subject's own model."""
        return self.models[self.subjects.index(subject)]


def families(identifiers: Iterable[str], role: Role) -> tuple[Family, ...]:
    """Group identifiers by what remains without the subject, in the order in which they come first.

    Parameters
    ----------
    identifiers : iterable of str
        Personal models have ``-sub01`` in theirs.
    role : {"model", "baseline"}

    Returns
    -------
    tuple of Family
        With the models of each in the order of their subjects.
    """
    grouped: dict[tuple[str, bool], dict[str, str]] = {}
    for identifier in identifiers:
        found = re.search(r"-sub(\d+)(?=-|$)", identifier)
        subject = f"sub-{int(found[1]):02d}" if found else ""
        name = identifier.replace(found[0], "", 1) if found else identifier
        grouped.setdefault((name, bool(found)), {})[subject] = identifier
    return tuple(
        Family(name, tuple(dict(sorted(of.items())).values()), tuple(sorted(of)) if personal else (), role)
        for (name, personal), of in grouped.items()
    )


def require_matching(models: Sequence[Family], baselines: Sequence[Family]) -> None:
    """Refuse baselines that lack a subject, what is compared with itself, and families of one name.

    Raises
    ------
    BadInputError
        A personal baseline lacks a subject whose own model is to be compared with it (models of the same people), a
        model is among the baselines, or a model of no subject is called as personal models are without theirs.
    """
    both = {one for family in models for one in family.models} & {one for family in baselines for one in family.models}
    if both:
        raise BadInputError(
            f"Got {', '.join(sorted(both))} as model and as baseline: expected each once. Leave it away on one side."
        )
    names = [family.name for family in (*models, *baselines)]
    if alike := sorted({name for name in names if names.count(name) > 1}):
        raise BadInputError(
            f"Got several families called {', '.join(alike)}: a model of that name beside models of single subjects, "
            "or models of some subjects on either side. Expected different names. Leave one of them away."
        )
    for baseline in baselines:
        for family in models:
            lacking = [subject for subject in family.subjects if subject not in baseline.subjects]
            if baseline.personal and lacking and _people(family) == _people(baseline):
                raise BadInputError(
                    f"Got the baseline {baseline.name} of {', '.join(baseline.subjects)} for {family.name} of "
                    f"{', '.join(family.subjects)}: expected a model of every subject, since models are compared "
                    f"subject by subject; {', '.join(lacking)} is missing. Add its model, or leave the subject away."
                )


def _people(family: Family) -> str:
    """Name the data set whose subjects a personal family was trained on: by its card, else by its name."""
    card = weights.find_card(family.models[0]) if family.models[0] in weights.identifiers() else None
    dataset = ((card or {}).get("trained_on") or {}).get("dataset")
    return parent_of(dataset) if dataset else "fmri" if "fmri" in family.name.split("-") else "eeg"
