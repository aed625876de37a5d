"""What travels of an RSA benchmark's neural side: RDMs, noise ceilings, and the score of a stand-in for a model."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from brainscore_realnet.errors import BadInputError

if TYPE_CHECKING:
    from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly


@dataclass(frozen=True)
class Scored:
    """A benchmark of ours and the score that it gave the stand-in."""

    identifier: str
    benchmark: Any
    score: Any
    time_bin: tuple[int, int]
    """Milliseconds that a model is recorded in."""

    @property
    def of_eeg(self) -> bool:
        """Whether conditions are time points, and not regions."""
        return bool(self.benchmark.condition == "time")

    @property
    def in_score(self) -> np.ndarray:
        """(n_conditions,) bool: of the conditions that RDMs are computed for, those that count."""
        bounds = self.score.attrs["ceiling_values"]
        return bounds["in_window"].values if self.of_eeg else np.ones(bounds.sizes["roi"], dtype=bool)

    @property
    def conditions(self) -> list[Any]:
        """Those in the score: starts of time bins in milliseconds, or regions."""
        bounds = self.score.attrs["ceiling_values"]
        if self.of_eeg:
            return [round(1000 * float(time)) for time in bounds["time"].values[self.in_score]]
        return [str(roi) for roi in bounds["roi"].values]

    @property
    def ceilings(self) -> dict[str, Any]:
        """What the assembly tells of this benchmark's noise ceiling."""
        bounds = self.score.attrs["ceiling_values"].values[:, self.in_score]
        lower, upper = ([None if np.isnan(one) else float(one) for one in bound] for bound in bounds)
        return {
            "subjects": list(self.benchmark.subjects),
            "conditions": self.conditions,
            "lower": lower,
            "upper": upper,
        }

    @property
    def settings(self) -> dict[str, Any]:
        """Entry of ``benchmark.json``."""
        attributes = self.score.attrs
        values = {"score": self.score, "raw": attributes["raw"], "ceiling": attributes["ceiling"]}
        return {
            "areas": list(self.benchmark.areas),
            "choice": "mean" if self.of_eeg else "best",
            "parent": self.benchmark.parent,
            "version": self.benchmark.version,
            "formula": attributes["formula"],
            "caveat": attributes.get("caveat"),
            "provenance": attributes["benchmark_provenance"],
            "expected": {name: float(value) for name, value in values.items()}
            | {"error": None if np.isnan(attributes["error"]) else attributes["error"]},
        }

    def rdms(self) -> dict[tuple[str, str], np.ndarray]:
        """(n_images, n_images, n_times) of every subject and region; of fMRI, there is one time."""
        found = {}
        for subject in self.benchmark.subjects:
            values = np.moveaxis(self.benchmark.compute(subject, "whole").values[self.in_score], 0, -1)
            if self.of_eeg:
                # EEG has no cortical area; Brain-Score's convention maps it to IT.
                found[subject, "IT"] = values
            else:
                found |= {(subject, roi): values[..., at : at + 1] for at, roi in enumerate(self.conditions)}
        return found


def scored_by_stand_in(identifier: str, benchmark: Any) -> Scored:
    """Score the stand-in on an RSA benchmark; raises what the benchmark raises."""
    from brainscore_realnet.submission.exporting.travels.stand_in import StandIn

    stand_in = StandIn(benchmark.data.visual_degrees)
    score = benchmark(stand_in)
    return Scored(identifier, benchmark, score, stand_in.time_bin)


def neural_assembly(scored: Sequence[Scored], stimuli: Any, identifier: str) -> "NeuroidAssembly":
    """Build the assembly of neural RDMs and noise ceilings of benchmarks of one data set.

    Parameters
    ----------
    scored : sequence of Scored
    stimuli : StimulusSet
        Under its registered name; its columns become coordinates of ``presentation``.
    identifier : str
        Of the assembly.

    Returns
    -------
    NeuroidAssembly, float64
        As :func:`brainscore_realnet.submission.exporting.travels.data.get_assembly` describes it.

    Raises
    ------
    BadInputError
        The benchmarks' recordings were sampled at different times.
    """
    from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly

    rdms: dict[tuple[str, str], np.ndarray] = {}
    for each in scored:
        rdms |= each.rdms()
    stimulus_ids = [str(one) for one in stimuli["stimulus_id"]]
    keys = [(subject, region, other) for subject, region in rdms for other in stimulus_ids]
    subject, region, compared = zip(*keys, strict=True)
    presentations = {column: ("presentation", stimuli[column].values) for column in stimuli.columns}
    coordinates = {
        **presentations,
        "neuroid_id": ("neuroid", [".".join(key) for key in keys]),
        "subject": ("neuroid", list(subject)),
        "region": ("neuroid", list(region)),
        "compared_stimulus_id": ("neuroid", list(compared)),
    }
    dims = ["presentation", "neuroid"]
    if scored[0].of_eeg:
        _refuse_other_times(scored)
        starts = np.array(scored[0].conditions)
        width = int(np.median(np.diff(starts))) if len(starts) > 1 else 10
        coordinates |= {"time_bin_start": ("time_bin", starts), "time_bin_end": ("time_bin", starts + width)}
        dims = [*dims, "time_bin"]
    values = np.concatenate(list(rdms.values()), axis=1)
    values = values if "time_bin" in dims else values[..., 0]
    assembly = NeuroidAssembly(values, coords=coordinates, dims=dims)
    assembly.attrs.update(
        identifier=identifier,
        stimulus_set_identifier=stimuli.identifier,
        dissimilarity=scored[0].benchmark.options.method,
        ceilings=json.dumps({each.identifier: each.ceilings for each in scored}, allow_nan=False),
    )
    return assembly


def _refuse_other_times(scored: Sequence[Scored]) -> None:
    for each in scored:
        if each.conditions != scored[0].conditions:
            raise BadInputError(
                f"Got {each.identifier} with samples at {each.conditions} ms and {scored[0].identifier} with samples "
                f"at {scored[0].conditions} ms; expected the same times in both. Export them one by one."
            )
