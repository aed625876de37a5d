"""What every field of a recipe must be, in words and as a test, and the one form that equal values are given."""

import math
import re
import sys
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any


def _whole(least: int, most: float = math.inf) -> tuple[str, Callable[[Any], bool]]:
    def fits(value: Any) -> bool:
        return isinstance(value, Integral) and not isinstance(value, bool) and least <= int(value) <= most

    return f"a whole number from {least}{'' if math.isinf(most) else f' to {most}'}", fits


def _real(wanted: str, inside: Callable[[float], bool]) -> tuple[str, Callable[[Any], bool]]:
    def fits(value: Any) -> bool:
        number = isinstance(value, Real) and not isinstance(value, bool)
        return number and abs(value) <= sys.float_info.max and inside(float(value))  # NaN fails, huge ints too

    return wanted, fits


def _pair(wanted: str, inside: Callable[[Any, Any], bool]) -> tuple[str, Callable[[Any], bool]]:
    _, is_number = _real("", lambda value: True)

    def fits(value: Any) -> bool:
        return isinstance(value, list | tuple) and len(value) == 2 and all(map(is_number, value)) and inside(*value)

    return wanted, fits


def _one_of(*choices: Any) -> tuple[str, Callable[[Any], bool]]:
    return " or ".join(map(str, choices)), lambda value: type(value) in map(type, choices) and value in choices


def _or_none(expected: tuple[str, Callable[[Any], bool]]) -> tuple[str, Callable[[Any], bool]]:
    return f"{expected[0]}, or None", lambda value: value is None or expected[1](value)


def _name(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9._-]*", value) is not None


def _layer_names(value: Any) -> bool:
    fits = isinstance(value, list | tuple) and all(isinstance(layer, str) and layer for layer in value)
    return bool(fits and value and len(set(value)) == len(value))


EXPECTED: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "signal": _one_of("eeg", "fmri"),
    "dataset": ("letters, digits, '.', '_' and '-'", _name),
    "subject": _or_none(_whole(1)),
    "backbone": ("a network's name", lambda value: isinstance(value, str) and value.strip() == value != ""),
    "layers": ("different names of layers, or None", lambda value: value is None or _layer_names(value)),
    "image_size": _whole(1),
    "beta": _real("0 or more", lambda value: value >= 0),
    "contrastive": _one_of("spearman", "pearson", "published", "none"),
    "unpaired": _one_of(True, False),
    "hidden": _whole(1),
    "window": _or_none(_pair("first and last second, as (0.0, 0.2)", lambda first, last: first < last)),
    "n_components": _or_none(_whole(1)),
    "epochs": _whole(1),
    "batch_size": _whole(2),
    "learning_rate": _real("a number above 0", lambda value: value > 0),
    "adam_betas": _pair("two numbers from 0 to below 1", lambda *both: all(0 <= value < 1 for value in both)),
    "adam_epsilon": _real("a number above 0", lambda value: value > 0),
    "weight_decay": _real("0 or more", lambda value: value >= 0),
    "clip_norm": _or_none(_real("a number above 0", lambda value: value > 0)),
    "holdout": _real("0 to 0.5", lambda value: 0 <= value <= 0.5),
    "precision": _one_of("bf16", "fp32"),
    "seed": _whole(0, 2**32 - 1),
    "reference": _one_of(True, False),
    "checkpoint_every": _whole(1),
}
"""What every field must be, in words and as a test."""


def plain(value: Any, name: str) -> Any:
    """Give equal numbers one form, so that 100 and 100.0 lead to one digest."""
    if isinstance(value, list | tuple):
        return tuple(plain(item, name) for item in value)
    if isinstance(value, bool | str) or value is None:
        return value
    whole = EXPECTED[name][0].startswith("a whole number")
    return int(value) if whole else float(value) + 0.0
