"""Models that belong together: the personal models of one recipe, one of each subject."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from brainscore_realnet.errors import BadInputError

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
    grouped: dict[str, dict[str, str]] = {}
    for identifier in identifiers:
        found = re.search(r"-sub(\d+)(?=-|$)", identifier)
        subject = f"sub-{found[1]}" if found else ""
        name = identifier.replace(found[0], "", 1) if found else identifier
        grouped.setdefault(name, {})[subject] = identifier
    return tuple(
        Family(name, tuple(dict(sorted(of.items())).values()), tuple(sorted(filter(None, of))), role)
        for name, of in grouped.items()
    )


def require_matching(models: Sequence[Family], baselines: Sequence[Family]) -> None:
    """Refuse baselines that lack a subject, or that are compared with themselves.

    Raises
    ------
    BadInputError
        A personal baseline lacks a subject whose own model is to be compared with it (models of the same kind of
        signal), or a model is among the baselines.
    """
    both = {one for family in models for one in family.models} & {one for family in baselines for one in family.models}
    if both:
        raise BadInputError(
            f"Got {', '.join(sorted(both))} as model and as baseline: expected each once. Leave it away on one side."
        )
    for baseline in baselines:
        for family in models:
            lacking = [subject for subject in family.subjects if subject not in baseline.subjects]
            if baseline.personal and lacking and _signal(family.name) == _signal(baseline.name):
                raise BadInputError(
                    f"Got the baseline {baseline.name} of {', '.join(baseline.subjects)} for {family.name} of "
                    f"{', '.join(family.subjects)}: expected a model of every subject, since models are compared "
                    f"subject by subject; {', '.join(lacking)} is missing. Add its model, or leave the subject away."
                )


def _signal(name: str) -> str:
    """Kind of signal that a recipe's identifier names: models of fMRI have other subjects than those of EEG."""
    return "fmri" if "fmri" in name.split("-") else "eeg"
