"""``brainscore sweep``: many models of one recipe, on this machine or a cluster."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from brainscore_realnet.cli.recipe_options import RecipeOptions
from brainscore_realnet.cli.table import duration, figure
from brainscore_realnet.cli.train import RECIPE_WORDS
from brainscore_realnet.store.atomic import require_writable

if TYPE_CHECKING:
    from brainscore_realnet.training.outcomes import Outcome
    from brainscore_realnet.training.plan import Planned

Control = Literal["beta0", "beta1", "beta10", "beta20", "beta30", "beta50", "beta1000", "nocont", "unpaired", "all"]


@dataclass(frozen=True)
class SweepOptions(RecipeOptions):
    """What all models of a sweep have in common."""

    subject: tyro.conf.Suppress[int | None] = None
    """Varied by the sweep."""
    beta: tyro.conf.Suppress[float] = 0.0
    """Varied by the sweep."""
    seed: tyro.conf.Suppress[int] = 0
    """Varied by the sweep."""


@dataclass(frozen=True)
class Sweep:
    """Train a grid of models: subjects × betas × seeds, and controls. What is finished is skipped.

    It can be interrupted at any time: the same command goes on.
    """

    recipe: SweepOptions
    name: tyro.conf.Suppress[str]
    subjects: tuple[str, ...] = ()
    """Subjects, as in 1 2 or 1-10 (default: all)."""
    betas: tuple[float, ...] = ()
    """Weights of the generation loss (default: the recipe's). 0 trains without signals: one model a seed."""
    seeds: tuple[int, ...] = ()
    """Seeds (default: the recipe's)."""
    controls: Annotated[tuple[Control, ...] | None, tyro.conf.arg(metavar="[NAME [NAME ...]]")] = None
    """Also train the controls of the papers, or only those named: of realnet-eeg beta1, beta10, beta1000, beta0,
    nocont, unpaired and all (one model across subjects); of realnet-fmri beta10, beta20, beta30, beta50 and beta0."""
    dry_run: bool = False
    """Only show what would be trained."""
    per_gpu: int = 1
    """Models at once on each GPU."""
    scheduler: str | None = None
    """Address of a Dask scheduler whose workers train, such as tcp://10.0.0.5:8786 (default: this machine)."""
    slurm: Path | None = None
    """Profile by which workers are asked of SLURM, as in examples/slurm."""
    device: str | None = None
    """Device of every worker, such as cpu (default: worker k takes GPU k, or the processor where there is none)."""
    pretrained: Path | None = None
    """File with the weights to start from (default: those in the store under the backbone's name, or published)."""
    replace: bool = False
    """Replace models of other trainings, and imported ones, that the store has under these identifiers."""
    out: Path | None = None
    """Also write the table to this file, as CSV."""

    def run(self) -> None:
        """Print the plan, train, and print what became of each model; exit status 2 when one failed."""
        from brainscore_realnet.training.outcomes import write_outcomes
        from brainscore_realnet.training.sweep import require_all_ended, sweep

        if self.out is not None:
            require_writable(self.out)
        plan = self._plan()
        _print_plan(plan)
        if self.dry_run:
            return
        outcomes = sweep(
            plan,
            device=self.device,
            per_gpu=self.per_gpu,
            scheduler=self.scheduler,
            slurm=self.slurm,
            pretrained_weights=self.pretrained,
            replaced=self.replace,
        )
        _print_outcomes(outcomes)
        if self.out is not None:
            write_outcomes(self.out, outcomes)
            print(f"Written to {self.out}")
        require_all_ended(outcomes)

    def _plan(self) -> "tuple[Planned, ...]":
        from brainscore_realnet.training.plan import chosen_subjects, grid, planned

        recipe = self.recipe.applied_to(self.name)
        subjects = chosen_subjects(recipe, self.subjects)
        return planned(grid(recipe, subjects, self.betas, self.seeds, self.controls), self.replace)


def _print_plan(plan: "Sequence[Planned]") -> None:
    for one in plan:
        print(f"{one.recipe.identifier}  {'is there' if one.card else 'to be trained'}")
    n_left = sum(one.card is None for one in plan)
    print(f"{len(plan)} models, of which {n_left} are to be trained")


def _print_outcomes(outcomes: "Sequence[Outcome]") -> None:
    rows = [("model", "state", "epochs", "Spearman", "RSA", "time")]
    rows += [
        (
            outcome.identifier,
            outcome.state,
            str(outcome.epochs),
            figure(outcome.validation_spearman),
            figure(outcome.validation_rsa),
            duration(outcome.seconds),
        )
        for outcome in outcomes
    ]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for name, state, *figures in rows:
        right = "  ".join(f"{figure:>{width}}" for figure, width in zip(figures, widths[2:], strict=True))
        print(f"{name:<{widths[0]}}  {state:<{widths[1]}}  {right}")
    for outcome in outcomes:
        if outcome.why:
            print(f"{outcome.identifier} {outcome.state}: {outcome.why}")


def _command(name: str) -> Any:
    default = Sweep(SweepOptions.of(name), name)
    return tyro.conf.subcommand(name, default=default, description=f"{RECIPE_WORDS[name]} {Sweep.__doc__}")


_COMMANDS: list[Any] = [Annotated[Sweep, _command(name)] for name in RECIPE_WORDS]

SweepCommand: Any = Annotated[
    reduce(or_, _COMMANDS),
    tyro.conf.subcommand("sweep", description="Train many models: subjects, betas, seeds, controls."),
]
