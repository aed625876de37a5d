"""``brainscore reproduce``: a paper's models, comparisons and numbers, done again."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from brainscore_realnet.cli.compare import print_comparison
from brainscore_realnet.cli.score import ASK_ABOVE_SECONDS
from brainscore_realnet.cli.table import duration, laid_out
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.errors import BadInputError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from brainscore_realnet.comparison.reproduction import Beside, Need


@dataclass(frozen=True)
class Reproduce:
    """Do a paper again: list what it needs, train, score, compare, and print our numbers beside the reported ones.

    What is done is skipped, and an interrupted run goes on with the same command.
    """

    paper: tyro.conf.Positional[Literal["realnet-2024", "realnet-fmri-2024"]]
    """ReAlnet (arXiv 2401.17231) or ReAlnet-fMRI (arXiv 2407.10414)."""
    out: Path | None = None
    """Folder for a page a study (default: a folder of the paper's name)."""
    list: Annotated[bool, tyro.conf.arg(name="list")] = False
    """Only list what is needed and what is there."""
    simulated: bool = False
    """On virtual subjects: everything is made here, within minutes, and says nothing about brains."""
    published: bool = False
    """Take the headline's EEG models as published, unless the store has them, instead of training them."""
    device: str | None = None
    """Torch device (default: every GPU, or the processor where there is none)."""
    per_gpu: int = 1
    """Trainings at once on each GPU."""
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers train and score."""
    slurm: Path | None = None
    """Profile by which workers are asked of SLURM to train, as in examples/slurm."""
    settings: Settings = field(default_factory=Settings)
    yes: bool = False
    """Begin work that takes hours."""

    def run(self) -> None:
        """List, train, compare, and set the numbers side by side."""
        from brainscore_realnet.comparison.papers import PAPERS
        from brainscore_realnet.comparison.reproduction import needs, reproduce, require

        paper = PAPERS[self.paper](self.simulated)
        if paper.simulated:
            print("SIMULATED: virtual subjects and their models; this says nothing about brains.")
        print(f"{paper.name}: {paper.citation}\n")
        found = needs(paper, self.published)
        print(_listed(found) + "\n")
        if self.list:
            print("\n".join(f"{need.what}: {need.how}" for need in found if need.missing))
            return
        require(found)
        work = any(need.to_train or need.seconds > ASK_ABOVE_SECONDS for need in found)
        if work and not (self.yes or paper.simulated):
            raise BadInputError(
                "Training and neural RDMs take hours, on many GPUs too. Expected --yes to begin, or --list to see the "
                "above alone. What is finished is kept at any time."
            )
        studies, numbers = reproduce(
            paper,
            self.out or Path(self.paper),
            published=self.published,
            settings=self.settings,
            device=self.device,
            scheduler=self.scheduler,
            slurm=self.slurm,
            per_gpu=self.per_gpu,
        )
        for study in paper.studies:
            print(f"\n{study.name} ({study.figures})")
            print_comparison(studies[study.name])
        print(f"\n{_beside(numbers, paper.simulated)}\nNot made: {paper.left_out}.")


def _listed(found: "Sequence[Need]") -> str:
    """Lay what is needed out."""
    rows = [(need.what, need.state + (f", about {duration(need.seconds)}" if need.seconds else "")) for need in found]
    return laid_out(rows)


def _beside(numbers: "Sequence[Beside]", simulated: bool) -> str:
    """Lay reported numbers and ours out side by side."""
    ours = "ours (SIMULATED)" if simulated else "ours"
    rows = [("reported", "theirs", ours), *((one.what, one.theirs, _number(one)) for one in numbers)]
    return laid_out(rows)


def _number(one: "Beside") -> str:
    if one.ours != one.ours:
        return "not defined"
    return f"{100 * one.ours:.1f} %" if one.percent else f"{one.ours:.2f}"
