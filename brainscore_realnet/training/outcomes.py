"""What becomes of a sweep's models: shown while they train, and as a table at the end."""

import csv
import io
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from tqdm import tqdm

from brainscore_realnet.store import write_text
from brainscore_realnet.training.child import LOG
from brainscore_realnet.training.recipes import Recipe
from brainscore_realnet.training.watching import CURVES

SIMILARITIES = ("validation_spearman", "validation_rsa")
"""Columns of a run's curves that are shown; a run without signals or held-out concepts lacks them."""


@dataclass(frozen=True)
class Outcome:
    """What became of a model."""

    identifier: str
    state: Literal["trained", "was there", "failed", "stopped"]
    """stopped: it can go on"""
    epochs: int
    """Epochs done"""
    validation_spearman: float | None
    """Of generated and measured signals of held-out concepts after the last epoch done"""
    validation_rsa: float | None
    """Spearman of the layers' RDMs and that of measured signals, the mean over layers"""
    seconds: float
    """Time of the training, interruptions left out"""
    why: str = ""
    """Why it failed or stopped"""

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        state: Literal["trained", "was there", "failed", "stopped"],
        curves: Sequence[Mapping[str, Any]],
        why: str = "",
    ) -> Self:
        """Take the figures from a training's curves, which may have no epoch yet."""
        last = curves[-1] if curves else {}
        similarities = {name: last.get(name) for name in SIMILARITIES}
        return cls(recipe.identifier, state, len(curves), **similarities, seconds=last.get("seconds", 0.0), why=why)


def read_curves(run: str | Path) -> list[dict[str, float]]:
    """Read the curves of a run, one row an epoch; those that are not there, or are none, have no rows."""
    with suppress(OSError, ValueError, UnicodeDecodeError):
        text = (Path(run) / CURVES).read_text(encoding="utf-8")
        rows = csv.DictReader(io.StringIO(text))
        return [{name: float(value) for name, value in row.items() if value} for row in rows]
    return []


def write_outcomes(path: str | Path, outcomes: Sequence[Outcome]) -> None:
    """Write a table as CSV, atomically; raises StoreError when it cannot be written."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [field.name for field in fields(Outcome)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(outcome) for outcome in outcomes)
    write_text(path, text.getvalue())


class Progress:
    """One bar a model that trains, with its epochs and similarities, and one of all models.

    Where standard error is no terminal, there are no bars but a line when a model ends.
    """

    def __init__(self, runs: Mapping[Recipe, Path], show: bool = True) -> None:
        self.runs = dict(runs)
        self.show = show
        self.logged = {recipe: _logged(run) for recipe, run in self.runs.items()}
        self.bars: dict[Recipe, Any] = {}
        self.whole = self._bar("models", len(self.runs), "model")

    def __enter__(self) -> Self:
        """Bars close at the end."""
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Close all bars."""
        for bar in (*self.bars.values(), self.whole):
            bar.close()

    def look(self) -> None:
        """Read how far each model is; whose log has not grown has not begun."""
        for recipe, run in self.runs.items():
            if recipe not in self.bars and _logged(run) > self.logged[recipe]:
                self.bars[recipe] = self._bar(recipe.identifier, recipe.epochs, "epoch", len(read_curves(run)))
            if recipe in self.bars and (curves := read_curves(run)):
                bar = self.bars[recipe]
                bar.n = len(curves)
                bar.set_postfix({name.partition("_")[2]: f"{curves[-1][name]:.3f}" for name in _shown(curves[-1])})

    def ended(self, recipe: Recipe, outcome: Outcome) -> None:
        """Close a model's bar and tell how it ended."""
        del self.runs[recipe]
        if recipe in self.bars:
            self.bars.pop(recipe).close()
        self.whole.update()
        if self.show:
            tqdm.write(f"{outcome.identifier}: {outcome.state}{f' ({outcome.why})' * bool(outcome.why)}", sys.stderr)

    def say(self, sentence: str) -> None:
        """Print a line above the bars."""
        if self.show:
            tqdm.write(sentence, sys.stderr)

    def _bar(self, name: str, total: int, unit: str, done: int = 0) -> Any:
        hidden = None if self.show else True  # None: where standard error is no terminal
        return tqdm(desc=name, total=total, initial=done, unit=unit, leave=False, disable=hidden)


def _shown(row: Iterable[str]) -> list[str]:
    return [name for name in SIMILARITIES if name in row]


def _logged(run: Path) -> int:
    """Give the size of a run's log."""
    with suppress(OSError):
        return (run / LOG).stat().st_size
    return 0
