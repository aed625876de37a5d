"""``brainscore compare``: several models on several benchmarks, with statistics, figures and a page."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brainscore_realnet.cli.options import BenchmarkOptions
from brainscore_realnet.cli.score import confirm_neural_rdms
from brainscore_realnet.cli.table import duration
from brainscore_realnet.comparison.settings import COURSE, Settings


@dataclass(frozen=True)
class Compare:
    """Score models, compare them with baselines, and write results, figures and a page.

    What was scored before is not scored again, and an interrupted comparison goes on with the same command.
    """

    models: tuple[str, ...]
    """Identifiers of the models, of this package or of Brain-Score; ranges (realnet-eeg-sub01..10) and wildcards
    ('realnet-fmri-sub*', in quotes) too. Personal models of one recipe are compared subject by subject."""
    benchmarks: tuple[str, ...]
    """Identifiers of benchmarks of this package, such as ThingsEEG2-rsa and Shen2019-rsa."""
    out: Path
    """Folder for results.json, results.csv, statistics.csv, figures and index.html."""
    baselines: tuple[str, ...] = ()
    """What they are compared with, such as cornet-s and realnet-eeg-beta0."""
    device: str | None = None
    """Torch device such as cpu or cuda:0 (default: every GPU, or all processors where there is none)."""
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers score, such as tcp://10.0.0.5:8786 (default: this machine)."""
    settings: Settings = field(default_factory=Settings)
    options: BenchmarkOptions = field(default_factory=BenchmarkOptions)
    rescore: bool = False
    """Score again what was scored before, also where the folder's results are of another version of a benchmark."""
    replace: bool = False
    """Replace what the folder holds of another comparison."""
    yes: bool = False
    """Do not ask before work that takes minutes."""

    def run(self) -> None:
        """Compare, and say in a sentence for each model what came out."""
        from brainscore_realnet.comparison.compare import compare
        from brainscore_realnet.comparison.selection import benchmarks_of_this_package

        benchmarks = self.options.benchmarks(benchmarks_of_this_package(self.benchmarks), {"course": COURSE})
        found = compare(
            self.models,
            benchmarks,
            self.out,
            baselines=self.baselines,
            settings=self.settings,
            device=self.device,
            scheduler=self.scheduler,
            rescore=self.rescore,
            replaced=self.replace,
            confirm=lambda benchmark: confirm_neural_rdms(benchmark, self.yes),
        )
        print_comparison(found)


def print_comparison(found: Any) -> None:
    """Print the summary and where the files are."""
    if found.comparison.simulated:
        print("SIMULATED: virtual subjects or models; this says nothing about brains.")
    for sentence in found.summaries:
        print("\n  ".join(sentence.split("; ")))
    print("time: " + ", ".join(f"{part} {duration(seconds)}" for part, seconds in found.seconds.items()))
    print(f"Page: {found.page}")
