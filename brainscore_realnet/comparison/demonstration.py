"""Alignment shown from nothing: virtual subjects, models trained on their EEG, and what that changes on other concepts.

Every subject gets an aligned model and an unpaired control, both made from one pretrained network; all are scored on
the test split, whose concepts no network was trained on.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

from brainscore_realnet.comparison.compare import Compared, compare, timed
from brainscore_realnet.comparison.settings import COURSE
from brainscore_realnet.training.recipes import SIM_REALNET_EEG, Recipe
from brainscore_realnet.training.side_by_side import train_side_by_side

BENCHMARK = "SimThingsEEG2concepts-rsa"


def demonstrate(
    out: str | Path,
    recipe: Recipe = SIM_REALNET_EEG,
    benchmark: Any = None,
    *,
    replaced: bool = False,
    progress: bool = True,
) -> Compared:
    """Align a model with every virtual subject and compare what they are similar to.

    Models that the store has are not trained again, and an interrupted demonstration goes on where it stopped.

    Parameters
    ----------
    out : path
        Folder of the comparison, as `compare.compare` writes it.
    recipe : Recipe
        Of a simulated EEG data set; its subject is set here.
    benchmark : Benchmark, optional
        With the test split of the same data set, of at least 4 subjects. Default: `BENCHMARK`.
    replaced : bool
        Whether models of other trainings under the same identifiers, and another comparison in the folder, are
        replaced.
    progress : bool
        Show progress bars.

    Returns
    -------
    Compared
        The aligned models, compared with the network that all were made from and with the unpaired controls.

    Raises
    ------
    RealnetError
        A model could not be trained; the message says why.
    StoreError
        The store or the folder cannot be written.
    """
    from brainscore_realnet.scoring import load_benchmark
    from brainscore_realnet.simulation import pretraining

    seconds: dict[str, float] = {}
    with timed(seconds, "simulation"):
        chosen = (benchmark or load_benchmark(BENCHMARK)).with_options(screen="fullfield", course=COURSE)
        chosen.require_data()
    with timed(seconds, "pretraining"):
        pretraining.make_if_missing(recipe.backbone, progress)
    numbers = [int(subject.removeprefix("sub-")) for subject in chosen.subjects]
    aligned = [recipe.changed(subject=number) for number in numbers]
    unpaired = [one.changed(unpaired=True) for one in aligned]
    with timed(seconds, "training"):
        train_side_by_side([*aligned, *unpaired], replaced, progress)
    found = compare(
        [one.identifier for one in aligned],
        [chosen],
        out,
        baselines=[pretraining.IDENTIFIER, *(one.identifier for one in unpaired)],
        device="cpu",
        replaced=replaced,
        progress=progress,
    )
    return replace(found, seconds={**seconds, **found.seconds})
