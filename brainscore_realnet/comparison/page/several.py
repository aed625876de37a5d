"""Values of several scores in words: what is the same for all is said once, what differs is listed."""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

Key = TypeVar("Key")


def listed(values: Mapping[str, Any]) -> str:
    """Say what is the same for all, or list the different values with what they are of.

    Parameters
    ----------
    values : mapping of str to value
        By model, or model and benchmark.
    """
    of: dict[str, list[str]] = {}
    for name, value in values.items():
        of.setdefault(_in_words(value), []).append(name)
    if len(of) == 1:
        return next(iter(of))
    return "; ".join(f"{text} ({', '.join(names)})" for text, names in of.items())


def taken(every: Mapping[Key, Mapping[str, Any]], name: str) -> dict[Key, Any]:
    """Give one value of each."""
    return {key: about.get(name) for key, about in every.items()}


def parts_of(every: Mapping[Key, Mapping[str, Any]], part: str) -> dict[Key, dict[str, Any]]:
    """Give one part of each, empty where it is not there."""
    return {key: about.get(part) or {} for key, about in every.items()}


def names_in(every: Mapping[Key, Mapping[str, Any]]) -> list[str]:
    """Give the names that are in any of them, in the order in which they come."""
    return list(dict.fromkeys(name for about in every.values() for name in about))


def by_model(cells: Mapping[tuple[str, str], Any]) -> dict[str, Any]:
    """Name values by model where each model has one on all benchmarks, else by model and benchmark."""
    of_model = {model: value for (model, _), value in cells.items()}
    if all(value == of_model[model] for (model, _), value in cells.items()):
        return of_model
    return {f"{model} on {benchmark}": value for (model, benchmark), value in cells.items()}


def spread(values: Sequence[float]) -> str:
    """Write the range of numbers, or the number that they all are."""
    low, high = min(values), max(values)
    return f"{low:.4g}" if low == high else f"{low:.4g} – {high:.4g}"


def _in_words(value: Any) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{name} = {_in_words(one)}" for name, one in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_in_words, value)) or "none"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def plural(number: int, word: str) -> str:
    """Give a word as it is said of a number of things."""
    return word if number == 1 else f"{word}s"
