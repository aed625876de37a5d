"""Identifiers from what a user types: plain ones, ranges and wildcards."""

import fnmatch
import itertools
import re
from collections.abc import Sequence
from typing import Literal

from brainscore_realnet.errors import BadInputError, UnknownIdentifierError
from brainscore_realnet.scoring.identifiers import package_identifiers, require_identifier, upstream_identifiers

Kind = Literal["model", "benchmark"]

LARGEST_RANGE = 1000
"""Identifiers that ranges may stand for; more are a slip of the keyboard."""

_RANGE = re.compile(r"(\d+)\.\.(\d+)")
_WILDCARDS = re.compile(r"[*?\[]")
_BEST = "-best"
"""What a training adds to the identifier of the model of its best epoch (`training.runs`)."""


def expand(patterns: Sequence[str], kind: Kind) -> tuple[str, ...]:
    """Give the identifiers that are meant, each once, in the order in which they come first.

    A range ``realnet-eeg-sub01..10-beta10`` stands for its numbers, with the zeros of the first one; there may be
    several in one. Wildcards (``*``, ``?``, ``[13]``) stand for what this package, the store and Brain-Score register,
    numbers in their order. They leave out ``-best`` twins of trained models, which are the same training again, unless
    the pattern ends in ``-best``.

    Parameters
    ----------
    patterns : sequence of str
    kind : {"model", "benchmark"}

    Returns
    -------
    tuple of str
        All are registered.

    Raises
    ------
    UnknownIdentifierError
        An identifier, or a member of a range, is not registered, or a wildcard matches nothing; the message names the
        nearest.
    BadInputError
        A range begins with its larger number, or is too long.
    """
    found = (identifier for pattern in patterns for identifier in _meant(pattern, kind))
    return tuple(dict.fromkeys(found))


def benchmarks_of_this_package(patterns: Sequence[str]) -> tuple[str, ...]:
    """Expand the identifiers of benchmarks that compare subject by subject.

    Raises
    ------
    UnknownIdentifierError
        As `expand`.
    BadInputError
        A benchmark is one of Brain-Score's own.
    """
    identifiers = expand(patterns, "benchmark")
    others = [identifier for identifier in identifiers if identifier not in package_identifiers("benchmark")]
    if others:
        raise BadInputError(
            f"Got {', '.join(others)}, of Brain-Score, which gives a score alone: expected benchmarks of this package "
            "(`brainscore list benchmarks`), which compare subject by subject. Leave it away."
        )
    return identifiers


def _meant(pattern: str, kind: Kind) -> list[str]:
    """Identifiers that one pattern stands for."""
    known = {*package_identifiers(kind), *upstream_identifiers(kind)}
    if pattern in known or not (_RANGE.search(pattern) or _WILDCARDS.search(pattern)):
        require_identifier(kind, pattern)
        return [pattern]
    members = _members(pattern)
    matches = {member: _matches(member, known) if _WILDCARDS.search(member) else [member] for member in members}
    lacking = [member for member, of in matches.items() if not of or not known.issuperset(of)]
    if lacking:
        raise _unknown(pattern, members, lacking, kind)
    identifiers = [identifier for of in matches.values() for identifier in of]
    for shadowed in {*identifiers}.intersection(package_identifiers(kind)).intersection(upstream_identifiers(kind)):
        require_identifier(kind, shadowed)
    return identifiers


def _members(pattern: str) -> list[str]:
    """Write ranges out: every combination of their numbers, those of the first range slowest."""
    texts = _RANGE.split(pattern)  # text, first, last, text, first, last, …, text
    ranges = list(zip(texts[1::3], texts[2::3], strict=True))
    length = 1
    for first, last in ranges:
        if int(first) > int(last):
            raise BadInputError(
                f"Got the range {first}..{last} in {pattern!r}: expected the smaller number first. Turn it round."
            )
        length *= int(last) - int(first) + 1
    if length > LARGEST_RANGE:
        raise BadInputError(
            f"Got {pattern!r}, which stands for {length} identifiers: expected at most {LARGEST_RANGE}. Correct it."
        )
    numbers = [[f"{number:0{len(first)}d}" for number in range(int(first), int(last) + 1)] for first, last in ranges]
    return [
        "".join(itertools.chain.from_iterable(zip(texts[::3], [*chosen, ""], strict=True)))
        for chosen in itertools.product(*numbers)
    ]


def _matches(wildcard: str, known: set[str]) -> list[str]:
    """Known identifiers that a wildcard matches, numbers in their order."""
    matched = fnmatch.filter(known, wildcard)
    if not wildcard.endswith(_BEST):
        matched = [one for one in matched if not (one.endswith(_BEST) and one.removesuffix(_BEST) in known)]
    return sorted(matched, key=_natural)


def _natural(identifier: str) -> list[tuple[int, int, str]]:
    """Key by which ``beta10`` comes after ``beta2``."""
    parts = re.split(r"(\d+)", identifier)
    return [(1, int(part), part) if part.isdigit() else (0, 0, part) for part in parts]


def _unknown(pattern: str, members: list[str], lacking: list[str], kind: Kind) -> UnknownIdentifierError:
    """Say which members of a pattern are not there, and what is like the first of them."""
    named = f"{', '.join(lacking[:10])}{' …' if len(lacking) > 10 else ''}"
    none = len(lacking) == len(members)
    what = f"which matches no {kind}" if none else f"of which {len(lacking)} of {len(members)} are missing: {named}"
    try:
        require_identifier(kind, lacking[0])
    except UnknownIdentifierError as error:
        nearest = str(error)
    return UnknownIdentifierError(f"Got {pattern!r}, {what}. {nearest}")
