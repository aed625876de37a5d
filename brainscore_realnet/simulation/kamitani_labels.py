"""Order of trials, and how each published generation of files says what was shown in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from brainscore_realnet.simulation.bdata import LabelColumn
from brainscore_realnet.simulation.kamitani_stimuli import Stimulus

TRIALS_A_RUN = 50
RUNS_A_SESSION = 8
IMAGERY = 3
"""Number of imagery trials in Horikawa2017's column ``DataType``; training is 1, test 2."""


@dataclass(frozen=True)
class Trials:
    """Sequence of presentations of one split.

    Attributes
    ----------
    shown : (n_trials,) int array
        Number of the stimulus in the split, counted from 0.
    run, session : (n_trials,) int array
        Counted from 1.
    """

    shown: np.ndarray
    run: np.ndarray
    session: np.ndarray


def trials(n_stimuli: int, repetitions: int, rng: np.random.Generator) -> Trials:
    """Show every stimulus once in a random order, then all again, in runs of at most ``TRIALS_A_RUN`` trials."""
    shown = np.concatenate([rng.permutation(n_stimuli) for _ in range(repetitions)])
    of_repetition = np.arange(n_stimuli) // TRIALS_A_RUN
    run = np.concatenate([of_repetition + index * (of_repetition[-1] + 1) for index in range(repetitions)])
    return Trials(shown, run + 1, run // RUNS_A_SESSION + 1)


@dataclass(frozen=True)
class Generation:
    """One of the three forms in which Shen2019 was published.

    Attributes
    ----------
    file_names : dict of split to str
        What follows ``sub-01_`` in a file's name.
    name_of_v4 : str
    stimulus_labels : callable
        Gives the columns that say what was shown.
    """

    file_names: Mapping[str, str]
    name_of_v4: str
    stimulus_labels: Callable[[Sequence[Stimulus], np.ndarray], list[LabelColumn]]

    def labels(self, stimuli: Sequence[Stimulus], sequence: Trials) -> list[LabelColumn]:
        """All columns beside the voxels."""
        return [
            LabelColumn(("Session",), sequence.session.astype(np.float64)),
            LabelColumn(("Run",), sequence.run.astype(np.float64)),
            *self.stimulus_labels(stimuli, sequence.shown),
        ]


def _original(stimuli: Sequence[Stimulus], shown: np.ndarray) -> list[LabelColumn]:
    return [
        LabelColumn(("Label",), shown + 1.0),
        LabelColumn(("Label",), np.array([stimulus.identifier for stimulus in stimuli])[shown]),
    ]


def _version_2(stimuli: Sequence[Stimulus], shown: np.ndarray) -> list[LabelColumn]:
    return [
        LabelColumn(("Label", "image_index"), shown + 1.0),
        LabelColumn(("Label",), np.array([float(stimulus.category) for stimulus in stimuli])[shown]),
        LabelColumn(("Label",), np.array([stimulus.identifier for stimulus in stimuli])[shown]),
    ]


def _fmriprep(stimuli: Sequence[Stimulus], shown: np.ndarray) -> list[LabelColumn]:
    names = {float(index): stimulus.name for index, stimulus in enumerate(stimuli, start=1)}
    return [LabelColumn(("stimulus_name",), shown + 1.0, names)]


def _perception(suffix: str) -> dict[str, str]:
    sessions = {
        "test": "NaturalImageTest",
        "training": "NaturalImageTraining",
        "shapes": "ArtificialImage",
        "letters": "LetterImage",
    }
    return {split: f"perception{session}_{suffix}" for split, session in sessions.items()}


GENERATIONS = (
    Generation(_perception("original_VC"), "V4", _original),
    Generation(_perception("VC_v2"), "V4", _version_2),
    Generation(
        {
            "test": "ImageNetTest_fmriprep_volume_native",
            "training": "ImageNetTraining_fmriprep_volume_native",
            "shapes": "ArtificialShapes_fmriprep_volume_native",
            "letters": "LetterImage_fmriprep_volume_native",
        },
        "hV4",
        _fmriprep,
    ),
)
"""In the order of the subjects that a simulated set has them for."""


def horikawa2017_labels(parts: Sequence[tuple[Sequence[Stimulus], Trials]]) -> list[LabelColumn]:
    """Columns of a file that holds training, test and imagery trials, one below the other.

    Parameters
    ----------
    parts : sequence of (stimuli, trials)
        Training, test, imagery.
    """
    columns: dict[str, list[np.ndarray]] = {}
    for data_type, (stimuli, sequence) in enumerate(parts, start=1):
        identifiers = np.array([stimulus.identifier for stimulus in stimuli])[sequence.shown]
        of_part = {
            "DataType": np.full(len(sequence.shown), data_type),
            "Session": sequence.session,
            "Run": sequence.run,
            # A concept is imagined and no image of it: its number has no decimals.
            "stimulus_id": np.floor(identifiers) if data_type == IMAGERY else identifiers,
            "category_index": np.array([stimulus.category for stimulus in stimuli])[sequence.shown],
            "image_index": sequence.shown + 1,
        }
        for key, values in of_part.items():
            columns.setdefault(key, []).append(values.astype(np.float64))
    return [LabelColumn((key,), np.concatenate(values)) for key, values in columns.items()]
