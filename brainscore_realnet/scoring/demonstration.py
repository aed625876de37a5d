"""Alignment shown from nothing: virtual subjects, models trained on their EEG, and what that changes on other concepts.

Every subject gets an aligned model and an unpaired control, both made from one pretrained network; all are scored on
the test split, whose concepts no network was trained on.
"""

import os
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.errors import RealnetError
from brainscore_realnet.scoring.loading import load_benchmark
from brainscore_realnet.scoring.personal import Comparison, others, own, personal_comparisons
from brainscore_realnet.training.recipes import SIM_REALNET_EEG, Recipe

BENCHMARK = "SimThingsEEG2concepts-rsa"
COURSE = (-0.05, 0.3)

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, eq=False)
class Demonstration:
    """What the models' similarities with the subjects are; similarities are means over the model's areas."""

    subjects: tuple[str, ...]
    baseline: str
    """Identifier of the network that all models were made from"""
    n_images: int
    """Held-out images, one a concept"""
    times: NDArray[np.float64]
    """(n_times,) seconds"""
    in_window: NDArray[np.bool_]
    """(n_times,) whether a time point counts in the score"""
    courses: dict[str, NDArray[np.float64]]
    """``baseline``, ``aligned``, ``unpaired``, ``others`` to (n_subjects, n_times): of each subject with its own model,
    with ``others`` the mean over the other subjects' models"""
    scores: dict[str, NDArray[np.float64]]
    """The same to (n_subjects,), means over the window"""
    matrix: NDArray[np.float64]
    """(n_models, n_subjects): of the aligned model of each subject with each subject, means over the window"""
    ceiling: tuple[float, float]
    """Lower and upper noise ceiling, means over the window"""
    comparisons: tuple[Comparison, ...]
    seconds: dict[str, float] = field(default_factory=dict)
    """What took how long"""

    def record(self) -> dict[str, Any]:
        """Give everything as JSON can express it."""
        return {
            "simulated": True,
            "subjects": list(self.subjects),
            "baseline": self.baseline,
            "n_images": self.n_images,
            "times": self.times.tolist(),
            "in_window": self.in_window.tolist(),
            "courses": {name: values.tolist() for name, values in self.courses.items()},
            "scores": {name: values.tolist() for name, values in self.scores.items()},
            "matrix": self.matrix.tolist(),
            "ceiling": list(self.ceiling),
            "comparisons": [one.record() for one in self.comparisons],
            "seconds": self.seconds,
        }


def demonstrate(
    recipe: Recipe = SIM_REALNET_EEG, benchmark: Any = None, *, replace: bool = False, progress: bool = True
) -> Demonstration:
    """Align a model with every virtual subject and compare what they are similar to.

    Models that the store has are not trained again, and an interrupted demonstration goes on where it stopped.

    Parameters
    ----------
    recipe : Recipe
        Of a simulated EEG data set; its subject is set here.
    benchmark : Benchmark, optional
        With the test split of the same data set, of at least 4 subjects. Default: `BENCHMARK`.
    replace : bool
        Whether models of other trainings under the same identifiers are replaced.
    progress : bool
        Show progress bars.

    Returns
    -------
    Demonstration

    Raises
    ------
    RealnetError
        A model could not be trained; the message says why.
    StoreError
        The store cannot be written.
    """
    from brainscore_realnet.simulation import pretraining

    seconds: dict[str, float] = {}
    with _timed(seconds, "simulation"):
        chosen = (benchmark or load_benchmark(BENCHMARK)).with_options(screen="fullfield", course=COURSE)
        chosen.require_data()
    with _timed(seconds, "pretraining"):
        pretraining.make_if_missing(recipe.backbone, progress)
    numbers = [int(subject.removeprefix("sub-")) for subject in chosen.subjects]
    aligned = [recipe.changed(subject=number) for number in numbers]
    unpaired = [one.changed(unpaired=True) for one in aligned]
    with _timed(seconds, "training"):
        _train([*aligned, *unpaired], replace, progress)
    with _timed(seconds, "neural RDMs"):
        ceiling = chosen.ceiling
    with _timed(seconds, "scoring"), pretraining.one_thread():
        of_model = {
            name: _similarities(name, chosen)
            for name in [pretraining.IDENTIFIER, *(one.identifier for one in [*aligned, *unpaired])]
        }
    about = {
        "baseline": pretraining.IDENTIFIER,
        "ceiling": (float(ceiling.attrs["lower"]), float(ceiling.attrs["upper"])),
        "seconds": seconds,
    }
    stacked = [np.stack([of_model[one.identifier].values for one in several]) for several in (aligned, unpaired)]
    return _summary(chosen, of_model[pretraining.IDENTIFIER], stacked[0], stacked[1], about)


def _summary(
    benchmark: Any, baseline: Any, aligned: np.ndarray, unpaired: np.ndarray, about: dict[str, Any]
) -> Demonstration:
    """Average over areas and window; ``aligned`` and ``unpaired`` are (n_models, n_subjects, n_times)."""
    in_window = baseline["in_window"].values
    courses = {
        "baseline": baseline.values,
        "aligned": own(aligned),
        "unpaired": own(unpaired),
        "others": others(aligned),
    }
    scores = {name: values[:, in_window].mean(axis=1) for name, values in courses.items()}
    matrix = aligned[..., in_window].mean(axis=-1)
    return Demonstration(
        subjects=benchmark.subjects,
        n_images=benchmark.provenance()["n_stimuli"],
        times=baseline["time"].values,
        in_window=in_window,
        courses=courses,
        scores=scores,
        matrix=matrix,
        comparisons=personal_comparisons(scores["baseline"], matrix, scores["unpaired"]),
        **about,
    )


def _similarities(identifier: str, benchmark: Any) -> Any:
    """Similarity of a stored model with every subject over time, mean over areas: (subject, time) DataArray."""
    from brainscore_realnet.scoring.scores import score

    return score(identifier, benchmark, device="cpu").attrs["values"].mean("area")


def _train(recipes: Sequence[Recipe], replace: bool, progress: bool) -> None:
    """Train what the store has not yet, one model a processor; Ctrl-C has all write a checkpoint."""
    from brainscore_realnet.store import home
    from brainscore_realnet.training.child import Job, stop_trainings, train_in_child
    from brainscore_realnet.training.outcomes import Progress
    from brainscore_realnet.training.runs import finished, run_folder

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
        "replace": replace,
    }
    with ThreadPoolExecutor(min(n_processors, len(runs))) as pool, Progress(runs, progress) as shown:
        futures = {one: pool.submit(train_in_child, Job(one, run=str(run), **shared)) for one, run in runs.items()}
        try:
            _wait(futures, shown)
        finally:
            stop_trainings(shared["sweep"])


def _wait(futures: dict[Recipe, "Future[Any]"], shown: Any) -> None:
    """Wait for all trainings and show how far they are; raises RealnetError at the first that fails."""
    from brainscore_realnet.training.outcomes import Outcome
    from brainscore_realnet.training.runs import finished

    left = dict(futures)
    while left:
        time.sleep(_LOOK_SECONDS)
        shown.look()
        for recipe in [one for one, future in left.items() if future.done()]:
            ending = left.pop(recipe).result()
            if ending.state != "trained":
                raise RealnetError(f"{recipe.identifier} {ending.state}: {ending.why}")
            shown.ended(recipe, Outcome.of(recipe, "trained", (finished(recipe) or {}).get("curves", [])))


@contextmanager
def _timed(seconds: dict[str, float], part: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[part] = round(time.perf_counter() - started, 1)
