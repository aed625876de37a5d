"""What can be varied about an EEG benchmark."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from brainscore_realnet.adapters.neural_rdms import Dissimilarity
from brainscore_realnet.adapters.screen import SCREENS
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import PRESETS


@dataclass(frozen=True)
class Options(Dissimilarity):
    """Variants of the benchmark; what differs from the defaults becomes part of its identifier."""

    screen: str = "degrees"
    """``degrees``: stimuli at the experiment's visual angle; ``fullfield``: they fill the model's field of view."""
    window: tuple[float, float] = (0.05, 0.20)
    """First and last time of the score, seconds after stimulus onset, both included."""
    course: tuple[float, float] | None = None
    """First and last time of the time courses; the window when not given. Does not change the score."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.screen not in SCREENS:
            raise BadInputError(f"Got screen={self.screen!r}; expected one of {', '.join(SCREENS)}.")
        for name in ("window", "course"):
            edges = None if getattr(self, name) is None else tuple(getattr(self, name))
            object.__setattr__(self, name, edges)  # lists and tuples name the same variant
            if edges is not None and not (len(edges) == 2 and edges[0] <= edges[1]):
                raise BadInputError(
                    f"Got {name}={edges}; expected first and last time in seconds, such as (0.05, 0.2)."
                )

    def changed(self, changes: Mapping[str, Any]) -> "Options":
        """Return these options with some of them changed; raises BadInputError for one that does not exist.

        ``preset`` is short for the options of :data:`brainscore_realnet.rsa.PRESETS`; others given beside it win.
        """
        wanted = dict(changes)
        preset = wanted.pop("preset", None)
        if preset is not None:
            if preset not in PRESETS:
                raise BadInputError(f"Got preset={preset!r}; expected one of {', '.join(PRESETS)}.")
            if wanted.get("rdm", self.rdm) == "crossnobis":
                raise BadInputError(
                    f"Got preset={preset!r} with rdm='crossnobis', which does not decode; give only one."
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
        parts = []
        for name, value in self.changes().items():
            if name in ("screen", "rdm"):
                parts.append(value)
            elif name == "window":
                parts.append("window{:g}-{:g}ms".format(*(round(1000 * edge, 6) for edge in value)))
            elif name != "course":
                parts.append(f"{name.replace('_', '')}{value}")
        return "".join(f"-{part}" for part in parts)

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


def _between(times: np.ndarray, edges: tuple[float, float]) -> np.ndarray:
    # Half a microsecond of slack: 0.15 and 0.15000000000000002 are the same sample.
    return (times >= edges[0] - 5e-7) & (times <= edges[1] + 5e-7)
