"""Questions put to a plugin of data, each stimulus set and assembly on its own."""

from pathlib import Path
from typing import Any

import numpy as np
from brainscore_vision import load_dataset, load_stimulus_set
from brainscore_vision.model_helpers.activations.cache_key import stimulus_set_cache_identifier

from .answers import Failed, registrations

_COORDINATES = {"presentation": 2, "neuroid": 3}
"""With fewer, xarray loses the coordinate's name on reading, or the dimension's on selecting."""

_UPLOADED = "Make it load with the files that you upload, and nothing else."


class _Stimuli:
    """One stimulus set."""

    def __init__(self, identifier: str):
        self.identifier = identifier
        self._stimuli: Any = None

    def loads(self) -> str:
        self._stimuli = load_stimulus_set(self.identifier)
        return f"load_stimulus_set: {len(self._stimuli)} stimuli"

    def named(self) -> str:
        name = getattr(self._stimuli, "identifier", None)
        if not name:
            raise Failed("the stimulus set has no identifier", "Set .identifier after the last merge: merges lose it.")
        if stimulus_set_cache_identifier(name) is None:
            raise Failed(
                f"no revision for the stimulus set's identifier {name!r}: nothing is stored of it",
                f"Name it {self.identifier!r}; what is derived from it goes after --.",
            )
        return f"identifier {name}"

    def whole(self) -> str:
        ids = list(self._stimuli["stimulus_id"])
        paths = [Path(self._stimuli.get_stimulus(one)) for one in ids]
        wrong = []
        if len(set(ids)) < len(ids):
            wrong.append(f"{len(ids) - len(set(ids))} stimulus_ids occur before")
        if len({path.name for path in paths}) < len(set(paths)):
            wrong.append("different images have the same file name, and overwrite one another on the screen")
        if lacking := [path for path in paths if not path.is_file()]:
            wrong.append(f"{len(lacking)} of {len(paths)} images are not there, the first {lacking[0].name}")
        if wrong or not ids:
            raise Failed("; ".join(wrong) or "no stimuli", "Give every stimulus an image and names of its own.")
        return f"{len(ids)} stimuli, all there, all with names of their own"


class _Assembly:
    """One data set; what is no assembly only has to load."""

    def __init__(self, identifier: str):
        self.identifier = identifier
        self._assembly: Any = None

    def loads(self) -> str:
        self._assembly = load_dataset(self.identifier)
        return f"load_dataset: {type(self._assembly).__name__}"

    @property
    def is_neural(self) -> bool:
        return set(_COORDINATES) <= set(getattr(self._assembly, "dims", ()))

    def whole(self) -> str:
        wrong = []
        if not self._assembly.attrs.get("identifier"):
            wrong.append("no identifier in attrs")
        for dim, least in _COORDINATES.items():
            names = [str(name) for name, dims, _ in self._coordinates() if dims == (dim,)]
            if len(names) < least:
                wrong.append(f"{len(names)} coordinates on {dim} ({', '.join(names)}), expected {least}")
        wrong += _faults(self._assembly.transpose("presentation", ...))
        if wrong:
            raise Failed("; ".join(wrong), "Give all coordinates, and leave out stimuli and neuroids without answers.")
        sizes = " × ".join(f"{size} {dim}" for dim, size in self._assembly.sizes.items())
        return f"{sizes}, nothing missing"

    def _coordinates(self) -> list[tuple[str, tuple[str, ...], Any]]:
        from brainscore_core.supported_data_standards.brainio.assemblies import walk_coords

        return list(walk_coords(self._assembly))


def _faults(assembly: Any) -> list[str]:
    """Name what would make scores of an assembly (presentation first) NaN."""
    values = np.asarray(assembly, dtype=np.float64).reshape(assembly.shape[0], -1)
    if not values.size:
        return ["no values"]
    if n_missing := int((~np.isfinite(values)).sum()):
        return [f"{n_missing} of {values.size} values are not finite"]
    if values.shape[1] > 1 and (still := np.flatnonzero(np.ptp(values, axis=1) == 0)).size:
        return [f"{still.size} rows are constant, the first {still[0]}: their correlations are NaN"]
    return []


def main() -> None:
    """Put all questions to all stimulus sets and assemblies of the plugin."""
    _, answers, registered = registrations()
    for registry, identifier in dict.fromkeys(registered):
        if registry == "stimulus_set_registry":
            stimuli = _Stimuli(identifier)
            if answers.ask("loads", identifier, stimuli.loads, _UPLOADED):
                answers.ask("identifier", identifier, stimuli.named, _UPLOADED)
                answers.ask("stimuli", identifier, stimuli.whole, _UPLOADED)
        else:
            assembly = _Assembly(identifier)
            if answers.ask("loads", identifier, assembly.loads, _UPLOADED) and assembly.is_neural:
                answers.ask("assembly", identifier, assembly.whole, _UPLOADED)


if __name__ == "__main__":
    main()
