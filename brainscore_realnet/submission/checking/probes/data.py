"""Questions put to a plugin of data, each stimulus set and assembly on its own."""

from pathlib import Path
from typing import Any

import numpy as np
from brainscore_core.supported_data_standards.brainio.assemblies import walk_coords
from brainscore_vision import load_dataset, load_stimulus_set
from brainscore_vision.model_helpers.activations.cache_key import stimulus_set_cache_identifier
from PIL import Image

from .answers import Failed, Noted, registrations
from .stand_in import IMAGES

_COORDINATES = {"presentation": 2, "neuroid": 3, "choice": 1}
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
            wrong.append(f"{len(lacking)} of {len(paths)} stimuli are not there, the first {lacking[0].name}")
        elif broken := [path for path in paths if _is_broken(path)]:
            wrong.append(f"{len(broken)} of {len(paths)} stimuli cannot be opened, the first {broken[0].name}")
        if wrong or not ids:
            raise Failed("; ".join(wrong) or "no stimuli", "Give every stimulus a whole file and names of its own.")
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
    def has_values(self) -> bool:
        dims = set(getattr(self._assembly, "dims", ()))
        return any({"presentation", other} <= dims for other in ("neuroid", "choice"))

    def whole(self) -> str:
        assembly = self._assembly
        wrong = [] if assembly.attrs.get("identifier") else ["no identifier in attrs"]
        for dim in assembly.dims:
            names = [str(name) for name, dims, _ in walk_coords(assembly) if dims == (dim,)]
            if len(names) < (least := _COORDINATES.get(dim, 0)):
                wrong.append(f"{len(names)} coordinates on {dim} ({', '.join(names)}), expected {least}")
        if loose := [str(name) for name, one in assembly.coords.items() if one.dims == ("neuroid",) != (name,)]:
            wrong.append(f"{', '.join(loose)} set after the assembly was made, which RDMs of it cannot be")
        wrong += self._strangers() + _faults(assembly.transpose("presentation", ...))
        if wrong:
            raise Failed(
                "; ".join(wrong),
                "Give all coordinates when the assembly is made, and leave out stimuli and neuroids without answers.",
            )
        self._note()
        sizes = " × ".join(f"{size} {dim}" for dim, size in assembly.sizes.items())
        return f"{sizes}, nothing missing"

    def _strangers(self) -> list[str]:
        """Name stimuli that are answered and not in the stimulus set."""
        shown = self._assembly.attrs.get("stimulus_set")
        if "stimulus_id" not in (coordinates := {name: values for name, _, values in walk_coords(self._assembly)}):
            return ["no stimulus_id"]
        known = coordinates["stimulus_id"] if shown is None else shown["stimulus_id"]
        strange = sorted(set(map(str, coordinates["stimulus_id"])) - set(map(str, known)))
        return [f"{len(strange)} stimulus_ids are not in the stimulus set, the first {strange[0]}"] if strange else []

    def _note(self) -> None:
        # Brain-Score's own data are of both kinds, and benchmarks may do without.
        if self._assembly.attrs["identifier"] != self.identifier:
            found = f"the assembly calls itself {self._assembly.attrs['identifier']!r}"
            raise Noted(found, f"See that no other data are meant: it is registered as {self.identifier!r}.")
        if self._assembly.attrs.get("stimulus_set") is None:
            raise Noted("no stimulus_set in attrs", "Put it there, or let the benchmark load it by its identifier.")


def _is_broken(path: Path) -> bool:
    """Tell whether a stimulus is empty, or an image that cannot be opened; what is no image is not looked into."""
    if not path.stat().st_size:
        return True
    if path.suffix.lower() in IMAGES:
        try:
            with Image.open(path) as image:
                image.verify()
        except Exception:
            return True
    return False


def _faults(assembly: Any) -> list[str]:
    """Name what would make scores of an assembly (presentation first) NaN."""
    if not assembly.size:
        return ["no values"]
    if assembly.dtype.kind not in "biuf":  # choices by name
        return []
    values = np.asarray(assembly, dtype=np.float64).reshape(assembly.shape[0], -1)
    if n_missing := int((~np.isfinite(values)).sum()):
        return [f"{n_missing} of {values.size} values are not finite"]
    # All choices may be equally likely.
    still = np.flatnonzero(np.ptp(values, axis=1) == 0)
    if "neuroid" in assembly.dims and values.shape[1] > 1 and still.size:
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
            if answers.ask("loads", identifier, assembly.loads, _UPLOADED) and assembly.has_values:
                answers.ask("assembly", identifier, assembly.whole, _UPLOADED)


if __name__ == "__main__":
    main()
