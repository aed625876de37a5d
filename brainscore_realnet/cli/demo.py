"""``brainscore demo``: models aligned with virtual subjects, from nothing to a figure."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainscore_realnet.cli.table import duration
from brainscore_realnet.store.atomic import require_writable, write_json

if TYPE_CHECKING:
    from brainscore_realnet.scoring.demonstration import Demonstration

REFERENCES = ("sim-hidden", "sim-random", "sim-noise")
"""Models whose scores are known beforehand: the generator of the virtual subjects, another network, and noise."""
REFERENCE_BENCHMARK = "SimThingsEEG2-rsa"

INTRODUCTION = """\
SIMULATED: virtual subjects and their models; this says nothing about brains.
A narrow CORnet-S that knows such images is aligned with the EEG of each virtual subject, and once more with EEG that
belongs to other images (unpaired). All are scored on images of concepts that no network was trained on. With nothing
in the store this takes some minutes; Ctrl-C keeps what is finished, and the same command goes on.
"""


@dataclass(frozen=True)
class Demo:
    """Align small models with virtual subjects, show what that changes, and draw it. Nothing is downloaded."""

    out: Path = Path("brainscore-demo.png")
    """PNG to write the figure to."""
    json: Path | None = None
    """Also write all values and tests to this file."""
    replace: bool = False
    """Train anew where the store has models of other trainings under the same identifiers."""

    def run(self) -> None:
        """Score the simulated reference models, train, compare, draw."""
        require_writable(self.out)
        if self.json is not None:
            require_writable(self.json)
        print(INTRODUCTION)
        print(_references() + "\n")

        from brainscore_realnet.scoring.demonstration import demonstrate
        from brainscore_realnet.scoring.figures import draw_alignment

        shown = demonstrate(replace=self.replace)
        print(f"{_scores(shown)}\n\n{_comparisons(shown)}\n")
        print("time: " + ", ".join(f"{part} {duration(seconds)}" for part, seconds in shown.seconds.items()))
        draw_alignment(shown, self.out)
        print(f"Figure: {self.out}")
        if self.json is not None:
            write_json(self.json, shown.record())
            print(f"Values: {self.json}")
        print("With real data: brainscore score --model realnet-eeg-sub01 --benchmark ThingsEEG2-rsa")


def _references() -> str:
    """Score the reference models, one line each."""
    from brainscore_realnet.scoring import load_benchmark, score

    benchmark = load_benchmark(REFERENCE_BENCHMARK)
    lines = [f"Reference models on {REFERENCE_BENCHMARK} (SIMULATED), score ± SEM over subjects:"]
    for model in REFERENCES:
        found = score(model, benchmark)
        lines.append(f"  {model:<10}  {float(found):.3f} ± {found.attrs['error']:.3f}")
    return "\n".join(lines)


def _scores(shown: "Demonstration") -> str:
    """Lay the similarities out: a row a subject, then the mean."""
    lower, upper = shown.ceiling
    names = ("baseline", "unpaired", "others", "aligned")
    rows = [
        [subject, *(f"{shown.scores[name][row]:.3f}" for name in names)] for row, subject in enumerate(shown.subjects)
    ]
    rows.append(["mean", *(f"{shown.scores[name].mean():.3f}" for name in names)])
    heading = ["subject", shown.baseline, "unpaired", "aligned with another", "aligned with this subject"]
    title = (
        f"Similarity with EEG (SIMULATED): Spearman, mean over V1, V2, V4, IT and 50–200 ms; {shown.n_images}\n"
        f"held-out images; noise ceiling {lower:.3f} – {upper:.3f}"
    )
    return f"{title}\n{_table([heading, *rows])}"


def _comparisons(shown: "Demonstration") -> str:
    """Lay the tests out."""
    rows: list[list[str]] = [["comparison", "difference ± SEM", "t", "p", "subjects"]]
    for one in shown.comparisons:
        test: Any = one.test
        difference = f"{test.difference:+.4f} ± {test.sem:.4f}"
        rows.append([one.name, difference, f"{test.t:.2f}", f"{test.p:.2g}", f"{one.n_better} of {test.n}"])
    held = all(one.holds() for one in shown.comparisons)
    verdict = "All three hold at p < .05." if held else "Not all three hold at p < .05."
    return f"Two-sided paired t tests over n = {len(shown.subjects)} subjects\n{_table(rows)}\n{verdict}"


def _table(rows: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return "\n".join(
        "  " + "  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )
