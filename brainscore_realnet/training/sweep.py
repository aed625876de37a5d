"""Sweeps: many models trained by workers that may die, so that each model is trained once."""

import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from contextlib import AbstractContextManager, ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainscore_realnet.datasets import kamitani
from brainscore_realnet.errors import BadInputError, RealnetError
from brainscore_realnet.store import home
from brainscore_realnet.training import clusters
from brainscore_realnet.training.child import Ending, Job, n_running, stop_trainings
from brainscore_realnet.training.clusters import Workers
from brainscore_realnet.training.outcomes import Outcome, Progress, read_curves
from brainscore_realnet.training.plan import Planned
from brainscore_realnet.training.recipes import Recipe

if TYPE_CHECKING:
    from brainscore_realnet.training.checkpoints import Stop

DEATHS = 3
"""How often a training may be killed without a new checkpoint in between."""

_LOOK_SECONDS = 0.5
_ANSWER_SECONDS = 5


def sweep(
    plan: Sequence[Planned],
    *,
    device: str | None = None,
    per_gpu: int = 1,
    scheduler: str | None = None,
    slurm: str | Path | None = None,
    pretrained_weights: str | Path | None = None,
    replaced: bool = False,
    progress: bool = True,
) -> list[Outcome]:
    """Train what is planned and not done: one model a GPU of this machine, or on a cluster.

    What one model fails of does not stop the others. A training whose worker dies goes on from its last checkpoint on
    another one. SIGINT, SIGTERM or SIGUSR1 stop the sweep: all trainings write a checkpoint, and the same sweep goes on
    later. A script calls this below ``if __name__ == "__main__":``, since workers import it.

    Parameters
    ----------
    plan : sequence of Planned
        From `planned`.
    device : str, optional
        Of every worker. Default: worker k takes GPU k, counted round, or the CPU where there is no GPU.
    per_gpu : int
        Models at once on a GPU of this machine or of a SLURM job; they share the decoded images.
    scheduler : str, optional
        Address of a Dask scheduler, whose workers see the store at the same path.
    slurm : path, optional
        Profile for `clusters.read_profile`.
    pretrained_weights : path, optional
        File with the weights that trainings start from.
    replaced : bool
        As for `planned`.
    progress : bool
        Show a bar a model.

    Returns
    -------
    list of Outcome
        In the order of the plan.

    Raises
    ------
    BadInputError
        The options contradict each other, the device is not there, or the scheduler or profile cannot be used.
    MissingWeightsError
        The pretrained weights are not there.
    RealnetError
        dask-jobqueue, which a SLURM profile needs, is not installed.
    """
    place = _place(device, per_gpu, scheduler, slurm)
    outcomes = {one.recipe: Outcome.of(one.recipe, "was there", one.card["curves"]) for one in plan if one.card}
    left = [one.recipe for one in plan if one.card is None]
    if left:
        if not (scheduler or slurm):
            _require_device(device, left)
        _prepare(left, pretrained_weights, progress)
        weights = str(Path(pretrained_weights).absolute()) if pretrained_weights else None
        job = Job(left[0], uuid.uuid4().hex, str(home()), "", device, pretrained_weights=weights, replace=replaced)
        outcomes |= _trained(left, job, place(len(left)), progress)
    return [outcomes[one.recipe] for one in plan]


def require_all_ended(outcomes: Sequence[Outcome]) -> None:
    """Raise when not every model is there.

    Raises
    ------
    RealnetError
        Models failed.
    Interrupted
        None failed, but the sweep was stopped.
    """
    from brainscore_realnet.training.checkpoints import Interrupted

    by_state = Counter(outcome.state for outcome in outcomes)
    if by_state["failed"]:
        raise RealnetError(
            f"Got {by_state['failed']} of {len(outcomes)} models that failed: expected all to be trained. What was "
            "wrong with each is told above; mend it and run the same command, which skips what is finished."
        )
    if by_state["stopped"]:
        raise Interrupted(
            f"Stopped before {by_state['stopped']} of {len(outcomes)} models were finished. The same command goes on "
            "where they are.",
            "SIGINT",
        )


def _trained(
    recipes: Sequence[Recipe], job: Job, place: AbstractContextManager[Workers], show: bool
) -> dict[Recipe, Outcome]:
    """Train all recipes by jobs like one."""
    from brainscore_realnet.training.checkpoints import stop_signals
    from brainscore_realnet.training.runs import run_folder

    runs = {recipe: run_folder(recipe) for recipe in recipes}
    with ExitStack() as stack:
        workers = stack.enter_context(place)
        stop = stack.enter_context(stop_signals())
        progress = stack.enter_context(Progress(runs, show))
        jobs = [replace(job, recipe=recipe, run=str(run), share=workers.share) for recipe, run in runs.items()]
        return _Trainings(jobs, workers.client, progress).until_ended(stop)


@dataclass(frozen=True)
class _Attempt:
    """A training that was handed over to the workers."""

    job: Job
    future: Any
    """Dask's, of an `Ending`"""
    checkpoint: str
    """The newest one when it was handed over"""
    deaths: int
    """How often it was killed since a checkpoint was new"""


class _Trainings:
    """Models that are being trained."""

    def __init__(self, jobs: Sequence[Job], client: Any, progress: Progress) -> None:
        self.client, self.progress = client, progress
        self.sweep = jobs[0].sweep
        self.attempts = {job.recipe: self._handed_over(job) for job in jobs}
        self.outcomes: dict[Recipe, Outcome] = {}

    def until_ended(self, stop: "Stop") -> dict[Recipe, Outcome]:
        """Look after the trainings until each has ended, or all were asked to stop."""
        while self.attempts:
            if stop.name:
                self._stop(stop.name)
            for recipe, attempt in list(self.attempts.items()):
                if attempt.future.done():
                    self._take(recipe, attempt, stop)
                elif stop.name:
                    self._end(recipe, Ending("stopped", "it was waiting for a worker"))
            self.progress.look()
            time.sleep(_LOOK_SECONDS * bool(self.attempts))
        return self.outcomes

    def _handed_over(self, job: Job, deaths: int = 0) -> _Attempt:
        name = f"{job.recipe.identifier}-{uuid.uuid4().hex[:8]}"
        future = self.client.submit(clusters.train_on_worker, job, key=name, pure=False)
        return _Attempt(job, future, _newest_checkpoint(job), deaths)

    def _take(self, recipe: Recipe, attempt: _Attempt, stop: "Stop") -> None:
        """Take what a worker gave; a training that was killed, or stopped by another, is handed over again."""
        ending = _ending(attempt.future)
        if ending.state in ("trained", "failed"):
            return self._end(recipe, ending)
        if stop.name:
            return self._end(recipe, Ending("stopped", ending.why))
        deaths = 1 if _newest_checkpoint(attempt.job) != attempt.checkpoint else attempt.deaths + 1
        if deaths >= DEATHS:
            why = f"{ending.why}, {deaths} times without a new checkpoint. Look for too little memory on its computer."
            return self._end(recipe, Ending("failed", why))
        self.progress.say(f"{recipe.identifier}: {ending.why}; it goes on from its last checkpoint")
        self.attempts[recipe] = self._handed_over(attempt.job, deaths)
        return None

    def _end(self, recipe: Recipe, ending: Ending) -> None:
        attempt = self.attempts.pop(recipe)
        self.outcomes[recipe] = _outcome(attempt.job, ending)
        self.progress.ended(recipe, self.outcomes[recipe])

    def _stop(self, why: str) -> None:
        """Have all trainings write a checkpoint, and wait for them."""
        from distributed import wait

        self.progress.say(f"Got {why}: trainings write their checkpoints. Ctrl-C leaves without waiting for them.")
        self.client.run(stop_trainings, self.sweep, on_error="ignore")  # a worker that is lost stops by itself
        while any(self.client.run(n_running, self.sweep, on_error="ignore").values()):
            time.sleep(_LOOK_SECONDS)
        with suppress(TimeoutError):  # what did not begin is still waiting for a worker
            wait([attempt.future for attempt in self.attempts.values()], timeout=_ANSWER_SECONDS)


def _ending(future: Any) -> Ending:
    """Read how a training ended; what went wrong around it is an ending too."""
    from distributed import KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return Ending("killed", "its workers died one after the other")
    except CancelledError as error:
        why = " ".join(str(error).split()).rstrip(".")
        return Ending("failed", f"The Dask scheduler was lost ({why}). Run the same command again to go on")
    except Exception as error:  # such as a worker that lacks this package
        return Ending("failed", f"Its worker could not train ({type(error).__name__}: {error})")


def _outcome(job: Job, ending: Ending) -> Outcome:
    """Take a model's figures from its card, or from the curves of a training that has none."""
    from brainscore_realnet.training.runs import finished

    recipe = job.recipe
    if ending.state == "trained":
        card = finished(recipe)
        if card is not None:
            return Outcome.of(recipe, "trained", card["curves"])
        why = f"its worker put it into another store than {job.home}. Set BRAINSCORE_REALNET_HOME to one that all share"
        return Outcome.of(recipe, "failed", (), why)
    state: Any = "stopped" if ending.state == "stopped" else "failed"
    return Outcome.of(recipe, state, read_curves(job.run), ending.why)


def _newest_checkpoint(job: Job) -> str:
    return max((path.name for path in Path(job.run).glob("checkpoint-*.pt")), default="")


def _prepare(recipes: Sequence[Recipe], pretrained_weights: str | Path | None, progress: bool) -> None:
    """Do once what all trainings would begin with: fetch or make the weights, fit components, decode the images."""
    from brainscore_realnet.training.images import image_cache
    from brainscore_realnet.training.reading import without_signals
    from brainscore_realnet.training.runs import starting_network

    for recipe in {(one.backbone, one.layers): one for one in recipes}.values():
        starting_network(recipe, pretrained_weights, progress)
    fitted = {
        (one.dataset, str(one.subject_name), one.n_components) for one in recipes if one.n_components and one.subject
    }
    for dataset, subject, n_components in sorted(fitted):
        kamitani.prepare(dataset, [subject], n_components, progress=progress)
    for dataset, size, signal in {(recipe.dataset, recipe.image_size, recipe.signal) for recipe in recipes}:
        image_cache(without_signals(dataset, fmri=signal == "fmri").images, size, progress=progress)


def _require_device(device: str | None, recipes: Sequence[Recipe]) -> None:
    """Raise unless this machine has the device; a GPU is not touched, since that takes some of its memory."""
    import torch

    from brainscore_realnet.training.devices import checked_device

    n_gpus = torch.cuda.device_count()
    gpus = ["cuda", *(f"cuda:{number}" for number in range(n_gpus))] if n_gpus else []
    if device not in gpus and (device or not gpus):
        for precision in sorted({recipe.precision for recipe in recipes}):
            checked_device(device, precision)


def _place(
    device: str | None, per_gpu: int, scheduler: str | None, slurm: str | Path | None
) -> Callable[[int], AbstractContextManager[Workers]]:
    """Choose where so many models are trained, or refuse options that contradict each other."""
    if scheduler and slurm:
        raise BadInputError(f"Got the scheduler {scheduler} and the SLURM profile {slurm}: expected one of them.")
    if scheduler and per_gpu != 1:
        raise BadInputError(
            f"Got {per_gpu} models a GPU and the scheduler {scheduler}: expected 1, since its workers train as many "
            "models as they have threads. Start more of them."
        )
    if slurm:
        profile = clusters.read_profile(slurm)
        return lambda _: clusters.slurm_workers(profile, per_gpu)
    if scheduler:
        return lambda _: clusters.scheduler_workers(scheduler)
    n_here = clusters.n_local_workers(device, per_gpu)
    return lambda n_models: clusters.local_workers(min(n_here, n_models))
