"""Questions put to a plugin of benchmarks, each registered one on its own."""

import contextlib
import io
from typing import Any

import numpy as np
from brainscore_core.metrics import Score
from brainscore_vision import load_benchmark
from brainscore_vision.benchmark_helpers.validate_error import assert_valid_uncertainty
from pybtex.database.input import bibtex
from pybtex.exceptions import PybtexError

from .answers import Failed, Noted, registrations
from .stand_in import stand_in

_MODEL = "a small model that records and does every task"
_AS_BASE = "Derive it from brainscore_vision.benchmarks.BenchmarkBase and give its constructor all that it takes."
_REFERENCE = (("author",), ("year",), ("url", "doi"))
"""Fields that a reference needs, alternatives together."""


class _Benchmark:
    """One loaded benchmark and its score of the stand-in for a model."""

    def __init__(self, identifier: str):
        self.identifier = identifier
        self.benchmark: Any = None
        self._score: Any = None

    def loads(self) -> str:
        self.benchmark = load_benchmark(self.identifier)
        return "load_benchmark"

    def named(self) -> str:
        if self.benchmark.identifier != self.identifier:
            raise Failed(
                f"the benchmark calls itself {self.benchmark.identifier!r}",
                f"Give it the identifier that it is registered under, {self.identifier!r}.",
            )
        return "the benchmark bears the identifier that it is registered under"

    def described(self) -> str:
        given = {name: getattr(self.benchmark, name, None) for name in ("version", "parent", "bibtex")}
        if lacking := [name for name, value in given.items() if value is None or value == ""]:
            raise Failed(f"no {', no '.join(lacking)}", _AS_BASE)
        if wrong := wrong_bibtex(str(given["bibtex"])):
            raise Failed(wrong, "Give one entry of bibtex with author, year, and url or doi.")
        return f"version {given['version']}, parent {given['parent']}, bibtex"

    def ceiling(self) -> str:
        ceiling = self.benchmark.ceiling
        if np.size(ceiling) != 1 or not np.isfinite(value := float(ceiling)) or value <= 0:
            raise Failed(f"ceiling {np.asarray(ceiling)!r}", "Give one number above 0, at most 1, as a Score.")
        if value > 1:
            raise Noted(f"ceiling {value:.4g}", "See that it is meant: ceilings of correlations are at most 1.")
        return f"ceiling {value:.4g}"

    def scores(self) -> str:
        self._score = self.benchmark(stand_in())
        if np.size(self._score) != 1 or not np.isfinite(float(self._score)):
            raise Failed(f"{_MODEL} scores {np.asarray(self._score)!r}", "Give one finite number.")
        attributes = self._score.attrs
        raw = attributes.get("raw")
        if lacking := [name for name in ("raw", "ceiling") if attributes.get(name) is None]:
            raise Failed(f"no {', no '.join(lacking)} in the score's attrs", "Put both there, as Scores.")
        if not isinstance(raw, Score) or raw.ndim:
            shape = getattr(raw, "shape", "no shape")
            raise Failed(f"raw is a {type(raw).__name__} of {shape}", "Put arrays under other keys: raw is one Score.")
        return f"{_MODEL} scores {float(self._score):.4g}"

    def uncertain(self) -> str:
        advice = "Give attrs['error'], on the scale of the ceiled score, and attrs['error_over'] (attach_error does)."
        if "error" not in self._score.attrs:
            raise Noted("no error in the score's attrs", advice)
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            try:
                assert_valid_uncertainty(self._score)
            except AssertionError as error:
                raise Failed(" ".join(str(error).split()), advice) from error
        if printed.getvalue():
            raise Noted(" ".join(printed.getvalue().split()), advice)
        return f"error {float(self._score.attrs['error']):.4g} over {self._score.attrs['error_over']}"

    def repeats(self) -> str:
        again = float(self.benchmark(stand_in()))
        if not np.isclose(again, float(self._score), rtol=1e-6, atol=1e-9):
            raise Failed(
                f"{_MODEL} scores {float(self._score):.6g}, then {again:.6g}",
                "Fix the seed of whatever is drawn, and leave data and model as they were.",
            )
        return "a second score is the same"


def main() -> None:
    """Put all questions to all benchmarks of the plugin."""
    _, answers, registered = registrations()
    for identifier in dict.fromkeys(identifier for _, identifier in registered):
        one = _Benchmark(identifier)
        if not answers.ask("loads", identifier, one.loads, "Make load_benchmark work with the data that you upload."):
            continue
        answers.ask("identifier", identifier, one.named, _AS_BASE)
        answers.ask("described", identifier, one.described, _AS_BASE)
        answers.ask("ceiling", identifier, one.ceiling, "Give a ceiling.")
        if answers.ask("score", identifier, one.scores, f"Make it score {_MODEL} as Brain-Score's own do."):
            answers.ask("error", identifier, one.uncertain, "Give attrs['error'] and attrs['error_over'].")
            answers.ask("determinism", identifier, one.repeats, "Let a score change nothing.")


def wrong_bibtex(text: str) -> str | None:
    """Say why the leaderboard could make no reference of a text."""
    try:
        entries = list(bibtex.Parser().parse_string(text).entries.values())
    except PybtexError as error:
        return f"bibtex cannot be read: {error}"
    if len(entries) != 1:
        return f"bibtex with {len(entries)} entries"
    given = {"author": entries[0].persons.get("author"), **entries[0].fields}
    lacking = [" or ".join(names) for names in _REFERENCE if not any(given.get(name) for name in names)]
    return f"bibtex without {', '.join(lacking)}" if lacking else None


if __name__ == "__main__":
    main()
