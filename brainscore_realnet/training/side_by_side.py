"""Small networks trained on this machine's processors, one model a processor and thread.

For networks so small that more threads would wait for each other; the same weights come out whatever the processors.
"""

import os
import time
import uuid
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from brainscore_realnet.errors import RealnetError
from brainscore_realnet.store import home
from brainscore_realnet.training.child import Ending, Job, stop_trainings, train_in_child
from brainscore_realnet.training.outcomes import Outcome, Progress
from brainscore_realnet.training.recipes import Recipe
from brainscore_realnet.training.runs import finished, run_folder

_LOOK_SECONDS = 0.5


def train_side_by_side(recipes: Sequence[Recipe], replaced: bool = False, progress: bool = True) -> None:
    """Train what the store has not yet, one model a processor; Ctrl-C has all write a checkpoint.

    Parameters
    ----------
    recipes : sequence of Recipe
        Whose data are there.
    replaced : bool
        Whether models of other trainings under the same identifiers are replaced.
    progress : bool
        Show a bar a model.

    Raises
    ------
    RealnetError
        A model could not be trained; the message says why.
    """
    runs = {one: run_folder(one) for one in recipes if finished(one) is None}
    if not runs:
        return
    n_processors = os.cpu_count() or 1
    # One thread each: that is quicker than threads that wait for each other, and leads to the same weights everywhere.
    shared: dict[str, Any] = {
        "sweep": uuid.uuid4().hex,
        "home": str(home()),
        "device": "cpu",
        "share": n_processors,
        "replace": replaced,
    }
    with ThreadPoolExecutor(min(n_processors, len(runs))) as pool, Progress(runs, progress) as shown:
        futures = {one: pool.submit(train_in_child, Job(one, run=str(run), **shared)) for one, run in runs.items()}
        try:
            _wait(futures, shown)
        finally:
            stop_trainings(shared["sweep"])


def _wait(futures: dict[Recipe, Future[Ending]], shown: Progress) -> None:
    """Wait for all trainings and show how far they are; raises RealnetError at the first that fails."""
    left = dict(futures)
    while left:
        time.sleep(_LOOK_SECONDS)
        shown.look()
        for recipe in [one for one, future in left.items() if future.done()]:
            ending = left.pop(recipe).result()
            if ending.state != "trained":
                raise RealnetError(f"{recipe.identifier} {ending.state}: {ending.why}")
            shown.ended(recipe, Outcome.of(recipe, "trained", (finished(recipe) or {}).get("curves", [])))
