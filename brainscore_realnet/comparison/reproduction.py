"""Do a paper again: see what it needs, train what is missing, compare, and set our numbers beside the reported ones."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from brainscore_realnet.comparison.compare import Compared, compare
from brainscore_realnet.comparison.papers import Paper
from brainscore_realnet.comparison.settings import COURSE, Settings
from brainscore_realnet.errors import BadInputError, MissingDataError, MissingWeightsError, RealnetError
from brainscore_realnet.training.recipes import Recipe


@dataclass(frozen=True)
class Need:
    """Something that a paper needs."""

    what: str
    state: str
    """``there``, ``missing``, or what will be done about it"""
    how: str = ""
    """How to get what is missing"""
    seconds: float = 0.0
    """How long it will take to compute, as estimated"""
    to_train: int = 0
    """Models that are still to be trained"""

    @property
    def missing(self) -> bool:
        """Whether the user has to get it."""
        return self.state == "missing"


@dataclass(frozen=True)
class Beside:
    """A reported number and ours."""

    what: str
    theirs: str
    ours: float
    """NaN where it is not defined, such as a ratio to a baseline below zero"""
    percent: bool


def needs(paper: Paper, published: bool = False) -> list[Need]:
    """Tell what a paper needs and whether it is there.

    Parameters
    ----------
    paper : Paper
    published : bool
        Whether the headline's models are those that the authors published, if the store has none.

    Returns
    -------
    list of Need
        Data of every benchmark, training data, weights of baselines, models to be trained, neural RDMs.
    """
    return [
        *_data(paper),
        *_training_data(paper, published),
        *_weights(paper),
        *_models(paper, published),
        *_rdms(paper),
    ]


def require(found: Sequence[Need]) -> None:
    """Raise MissingDataError, naming everything that the user has to get, unless all is there."""
    missing = [need for need in found if need.missing]
    if missing:
        listed = "\n".join(f"- {need.what}: {need.how}" for need in missing)
        raise MissingDataError(f"Got no\n{listed}\nGet these, then run the same command.")


def reproduce(
    paper: Paper,
    out: str | Path,
    *,
    published: bool = False,
    settings: Settings | None = None,
    device: str | None = None,
    scheduler: str | None = None,
    slurm: str | Path | None = None,
    per_gpu: int = 1,
    progress: bool = True,
) -> tuple[dict[str, Compared], list[Beside]]:
    """Train what is missing, run every study, and take the numbers that the paper reports.

    What is done is skipped: trained models, neural RDMs and scores are found in the store. An interrupted run goes on.

    Parameters
    ----------
    paper : Paper
    out : path
        A folder a study is written into it.
    published : bool
        Whether the headline's models are those that the authors published, if the store has none.
    settings : Settings, optional
        Of the statistics.
    device, scheduler, slurm, per_gpu
        Where models are trained and scored, as `training.sweep.sweep` and `compare.compare` take them.
    progress : bool
        Show bars.

    Returns
    -------
    studies : dict of str to Compared
        By name.
    numbers : list of Beside

    Raises
    ------
    MissingDataError
        The message names everything that has to be got first.
    RealnetError
        A model could not be trained or scored; what is finished is kept.
    StoreError
        Store or folder cannot be written.
    """
    from brainscore_realnet.simulation.pretraining import make_if_missing
    from brainscore_realnet.training.side_by_side import train_side_by_side

    require(needs(paper, published))
    make_if_missing(paper.recipe.backbone, progress)
    recipes = to_train(paper, published)
    if paper.simulated and not (scheduler or slurm):
        train_side_by_side(recipes, progress=progress)
    else:
        _train(recipes, device, scheduler, slurm, per_gpu, progress)
    studies = {
        study.name: compare(
            study.models,
            _benchmarks(study.benchmarks),
            Path(out) / study.name,
            baselines=study.baselines,
            settings=settings,
            device=device,
            scheduler=scheduler,
            progress=progress,
        )
        for study in paper.studies
    }
    numbers = [Beside(one.what, one.theirs, one.ours(studies[one.study].tables), one.percent) for one in paper.reported]
    return studies, numbers


def _train(
    recipes: Sequence[Recipe],
    device: str | None,
    scheduler: str | None,
    slurm: str | Path | None,
    per_gpu: int,
    progress: bool,
) -> None:
    from brainscore_realnet.training.plan import planned
    from brainscore_realnet.training.sweep import require_all_ended, sweep

    plan = planned(recipes)
    if all(one.card for one in plan):
        return
    outcomes = sweep(plan, device=device, scheduler=scheduler, slurm=slurm, per_gpu=per_gpu, progress=progress)
    for outcome in outcomes:
        if outcome.why:
            print(f"{outcome.identifier} {outcome.state}: {outcome.why}")
    require_all_ended(outcomes)


def to_train(paper: Paper, published: bool = False) -> tuple[Recipe, ...]:
    """Give the recipes of the models that are trained here: not those of published models that are taken.

    Raises
    ------
    BadInputError
        Published models are to be taken of a paper whose authors published none.
    """
    if published and not paper.published:
        raise BadInputError(
            f"Got --published for {paper.name}{' on virtual subjects' * paper.simulated}, whose headline's models "
            "nobody published: expected realnet-2024. Leave it away to train them."
        )
    taken = set(paper.headline) if published else set()
    return tuple(one for one in paper.recipes if one not in taken)


def _benchmarks(given: Sequence[Any]) -> list[Any]:
    """Load benchmarks with the time courses that are compared."""
    from brainscore_realnet.scoring import load_benchmark

    loaded = [load_benchmark(one) if isinstance(one, str) else one for one in given]
    return [one.with_options(course=COURSE) if one.condition == "time" else one for one in loaded]


def _all_benchmarks(paper: Paper) -> list[Any]:
    given = {str(getattr(one, "identifier", one)): one for study in paper.studies for one in study.benchmarks}
    return _benchmarks(list(given.values()))


def _data(paper: Paper) -> Iterator[Need]:
    # Benchmarks of one stimulus set need the same files.
    first: dict[str, Any] = {}
    for benchmark in _all_benchmarks(paper):
        first.setdefault(re.split(r"[.-]", benchmark.identifier)[0], benchmark)
    for benchmark in first.values():
        yield _checked(f"data of {benchmark.identifier}", benchmark.require_data)


def _training_data(paper: Paper, published: bool) -> Iterator[Need]:
    from brainscore_realnet.training.plan import planned

    recipes = to_train(paper, published)
    what = f"training data {paper.recipe.dataset} of {len(paper.headline)} subjects"
    yield _checked(what, lambda: planned(recipes))


def _weights(paper: Paper) -> Iterator[Need]:
    from brainscore_realnet.networks.backbones import NAMES, backbone
    from brainscore_realnet.networks.pretrained import how_to_get
    from brainscore_realnet.store import weights

    for identifier in paper.baselines:
        name = identifier.replace("-", "_")
        known = backbone(name).published if name in NAMES else None
        if weights.find_card(identifier) is not None:
            yield Need(f"weights of {identifier}", "there")
        elif identifier.startswith("sim-"):
            yield Need(f"weights of {identifier}", "made here")
        elif known is None:
            yield Need(f"weights of {identifier}", "missing", how_to_get(identifier))
        else:
            yield Need(f"weights of {identifier}", "published, fetched unless they were before")


def _models(paper: Paper, published: bool) -> Iterator[Need]:
    from brainscore_realnet.training.runs import finished

    recipes = to_train(paper, published)
    done = sum(finished(one) is not None for one in recipes)
    left = len(recipes) - done
    yield Need(f"{len(recipes)} trained models", f"{done} there, {left} to be trained", to_train=left)
    if len(recipes) < len(paper.recipes):
        yield Need(f"{len(paper.headline)} headline models", "published, fetched unless they were before")


def _rdms(paper: Paper) -> Iterator[Need]:
    for benchmark in _all_benchmarks(paper):
        try:
            left = [work for work in benchmark.work() if work.missing]
        except RealnetError:
            continue  # its data are missing, which was said above
        seconds = sum(work.seconds for work in left)
        yield Need(f"neural RDMs of {benchmark.identifier}", "to be computed" if left else "there", seconds=seconds)


def _checked(what: str, check: Any) -> Need:
    try:
        check()
    except (MissingDataError, MissingWeightsError) as error:
        return Need(what, "missing", str(error))
    return Need(what, "there")
