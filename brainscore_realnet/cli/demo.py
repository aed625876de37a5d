"""``brainscore demo``: models aligned with virtual subjects, from nothing to the page of their comparison."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from brainscore_realnet.cli.compare import print_comparison
from brainscore_realnet.cli.table import laid_out
from brainscore_realnet.store.atomic import require_writable

if TYPE_CHECKING:
    from brainscore_realnet.comparison.compare import Compared

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
    """Align small models with virtual subjects and write the page that compares them. Nothing is downloaded."""

    out: Path = Path("brainscore-demo")
    """Folder for the page, its figures and results."""
    replace: bool = False
    """Replace models of other trainings that the store has under the same identifiers, and what the folder holds of
    another comparison."""

    def run(self) -> None:
        """Score the simulated reference models, train, compare."""
        require_writable(self.out / "index.html")
        print(INTRODUCTION)
        print(_references() + "\n")

        from brainscore_realnet.comparison.demonstration import demonstrate

        found = demonstrate(self.out, replaced=self.replace)
        print(f"{_tests(found)}\n")
        print_comparison(found)
        print("With real data: brainscore compare --help")


def _references() -> str:
    """Score the reference models, one line each."""
    from brainscore_realnet.scoring import load_benchmark, score

    benchmark = load_benchmark(REFERENCE_BENCHMARK)
    lines = [f"Reference models on {REFERENCE_BENCHMARK} (SIMULATED), score ± SEM over subjects:"]
    for model in REFERENCES:
        found = score(model, benchmark)
        lines.append(f"  {model:<10}  {float(found):.3f} ± {found.attrs['error']:.3f}")
    return "\n".join(lines)


def _tests(found: "Compared") -> str:
    """Lay the tests of the mean over areas and window out."""
    tests = found.tables["tests"]
    tests = tests[(tests["scope"] == "score") & (tests["contrast"] != "others - baseline")]
    rows = [["comparison", "difference ± SEM", "t", "p", "subjects"]]
    for one in tests.drop_duplicates(["contrast", "difference"]).itertuples():
        versus = one.baseline if one.contrast == "family - baseline" else "models of other subjects"
        difference = f"{one.difference:+.4f} ± {one.sem:.4f}"
        rows.append(
            [
                f"{one.family} - {versus}",
                difference,
                f"{one.statistic:.2f}",
                f"{one.p:.2g}",
                f"{one.n_positive} of {one.n}",
            ]
        )
    return f"Two-sided paired t tests over subjects (SIMULATED)\n{laid_out(rows)}"
