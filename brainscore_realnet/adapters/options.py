"""What can be varied about an RSA benchmark."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self

import numpy as np

from brainscore_realnet.adapters.model_rdms import AREAS
from brainscore_realnet.adapters.neural_rdms import DECODERS, Dissimilarity
from brainscore_realnet.adapters.screen import SCREENS
from brainscore_realnet.datasets.things_eeg2 import variant_of
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import PRESETS

PUBLISHED = "published"
"""Recordings as their authors preprocessed them."""

AREA_CHOICES = ("best", "cv", "cv-subjects", *AREAS)
"""How the model's area is chosen for a region of interest; see `FMRIOptions.area`."""


@dataclass(frozen=True)
class Options(Dissimilarity):
    """Variants that every benchmark has; what differs from the defaults becomes part of its identifier."""

    screen: str = "degrees"
    """``degrees``: stimuli at the experiment's visual angle; ``fullfield``: they fill the model's field of view."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.screen not in SCREENS:
            raise BadInputError(f"Got screen={self.screen!r}; expected one of {', '.join(SCREENS)}.")

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """Return these options with some of them changed; raises BadInputError for one that does not exist.

        ``preset`` is short for the options of :data:`brainscore_realnet.rsa.PRESETS`; others given beside it win.
        """
        wanted = dict(changes)
        preset = wanted.pop("preset", None)
        if preset is not None:
            if preset not in PRESETS:
                raise BadInputError(f"Got preset={preset!r}; expected one of {', '.join(PRESETS)}.")
            rdm = wanted.get("rdm", self.rdm)
            if rdm not in DECODERS:
                raise BadInputError(
                    f"Got preset={preset!r} with rdm={rdm!r}, which does not decode; expected rdm="
                    f"{' or '.join(map(repr, DECODERS))} beside a preset, or no preset."
                )
            wanted = {**PRESETS[preset], **wanted}
        valid = [field.name for field in fields(self)]
        unknown = sorted(set(wanted) - set(valid))
        if unknown:
            raise BadInputError(
                f"Got unknown options {', '.join(unknown)}; expected some of {', '.join([*valid, 'preset'])}."
            )
        return replace(self, **wanted)

    def changes(self) -> dict[str, Any]:
        """Give the options that differ from the defaults."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) != field.default}

    def suffix(self) -> str:
        """What the identifier of this variant ends with: empty for the defaults."""
        return "".join(f"-{part}" for name, value in self.changes().items() if (part := _in_words(name, value)))


@dataclass(frozen=True)
class EEGOptions(Options):
    """Variants of a benchmark with EEG over time."""

    window: tuple[float, float] = (0.05, 0.20)
    """First and last time of the score, seconds after stimulus onset, both included."""
    course: tuple[float, float] | None = None
    """First and last time of the time courses; the window when not given. Does not change the score."""
    recordings: str = PUBLISHED
    """``published``: as the data set's authors preprocessed them; or those that `brainscore data prepare` made from raw
    EEG, named by their options: ``mvnn-training-100hz``."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.recordings != PUBLISHED and variant_of(f"set-{self.recordings}") is None:
            raise BadInputError(
                f"Got recordings={self.recordings!r}; expected {PUBLISHED!r} or the options with which they were "
                "prepared, such as 'mvnn-training-100hz'."
            )
        for name in ("window", "course"):
            edges = None if getattr(self, name) is None else tuple(getattr(self, name))
            object.__setattr__(self, name, edges)  # lists and tuples name the same variant
            if edges is not None and not (len(edges) == 2 and edges[0] <= edges[1]):
                raise BadInputError(
                    f"Got {name}={edges}; expected first and last time in seconds, such as (0.05, 0.2)."
                )

    def in_window(self, times: np.ndarray) -> np.ndarray:
        """Which of ``times`` (n_times,) in seconds the score is the mean of: (n_times,) bool."""
        return _between(times, self.window)

    def time_indices(self, times: np.ndarray) -> np.ndarray:
        """Consecutive indices into ``times`` that cover window and course.

        Raises
        ------
        BadInputError
            When no sample lies in the window.
        """
        if not self.in_window(times).any():
            raise BadInputError(
                f"No sample lies in the window {self.window}; expected times from {times[0]} to {times[-1]} s."
            )
        edges = [*self.window, *(self.course or ())]
        return np.flatnonzero(_between(times, (min(edges), max(edges))))


@dataclass(frozen=True)
class FMRIOptions(Options):
    """Variants of a benchmark with fMRI of regions of interest."""

    rdm: str = "correlation"
    """``correlation``: 1 − Pearson over voxels between mean patterns; ``crossnobis``, ``lda``, ``svm``: as for EEG,
    with voxels for channels and repetitions for trials."""
    area: str = "best"
    """The model's area that a region is compared with. ``best``: the most similar one on average over subjects, as in
    the papers; ``cv``: chosen so on half of the images, scored on the others; ``cv-subjects``: chosen on the other
    subjects; or an area's name."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.area not in AREA_CHOICES:
            raise BadInputError(f"Got area={self.area!r}; expected one of {', '.join(AREA_CHOICES)}.")
        if self.smooth is not None:
            raise BadInputError(f"Got smooth={self.smooth} for fMRI, which has one time; leave it away.")


def _in_words(name: str, value: Any) -> str | None:
    """Name a changed option in an identifier; None for what does not change the score."""
    if name == "course":
        return None
    if name in ("screen", "rdm", "recordings"):
        return str(value)
    if name == "window":
        return "window{:g}-{:g}ms".format(*(round(1000 * edge, 6) for edge in value))
    return f"{name.replace('_', '')}{value}"


def _between(times: np.ndarray, edges: tuple[float, float]) -> np.ndarray:
    # Half a microsecond of slack: 0.15 and 0.15000000000000002 are the same sample.
    return (times >= edges[0] - 5e-7) & (times <= edges[1] + 5e-7)
