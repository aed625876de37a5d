"""Representational dissimilarity matrices of any Brain-Score model, through the public BrainModel interface alone."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet
from brainscore_vision.model_interface import BrainModel

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import correlation_rdm

AREAS = ("V1", "V2", "V4", "IT")
"""The areas that can be recorded from any model."""


def model_rdms(
    candidate: BrainModel, stimuli: StimulusSet, areas: Sequence[str], time_bin: tuple[int, int]
) -> np.ndarray:
    """Record the areas one after the other and compare every two stimuli in each.

    Parameters
    ----------
    candidate : BrainModel
        Any; this package's models answer all areas from one forward pass.
    stimuli : StimulusSet
    areas : sequence of str
        Of ``V1``, ``V2``, ``V4``, ``IT``; others, such as the readout, only of models that name a layer for them.
    time_bin : (int, int)
        Start and end of the recording in milliseconds. One bin, because models without time repeat their features for
        each.

    Returns
    -------
    (n_areas, n_images, n_images) float64 array
        1 − Pearson between the areas' features, in the order of ``stimuli``.

    Raises
    ------
    BadInputError
        When the model names no layer for an area, its answer does not fit the stimuli, or its features of a stimulus
        are constant or not finite.
    """
    # A model that was given another task before would answer with its behaviour.
    candidate.start_task(BrainModel.Task.passive)
    stimulus_ids = list(stimuli["stimulus_id"].values)
    rdms = []
    for area in areas:
        _start_recording(candidate, area, time_bin)
        # Upstream's CORnet family remembers its answer by the names of model and stimulus set alone: under one name it
        # would give the first area's recording for all. `--` is upstream's mark of a derived set.
        shown = stimuli.copy()
        shown.identifier = f"{stimuli.identifier}--{area}-{time_bin[0]}-{time_bin[1]}ms"
        recording = candidate.look_at(shown, number_of_trials=1)
        features = _features(recording, stimulus_ids, f"{candidate.identifier} {area}")
        try:
            rdms.append(correlation_rdm(features))
        except BadInputError as error:
            rows = getattr(error, "rows", ())
            named = f" (stimulus {', '.join(str(stimulus_ids[row]) for row in rows[:5])})" if rows else ""
            raise BadInputError(f"Features of {candidate.identifier} in {area}{named}: {error}") from error
    return np.stack(rdms)


def _start_recording(candidate: BrainModel, area: str, time_bin: tuple[int, int]) -> None:
    """Have a model record an area; only the four areas can be asked of every model."""
    layers = getattr(getattr(candidate, "layer_model", None), "region_layer_map", None)
    if area not in AREAS and (layers is None or area not in layers):
        raise BadInputError(
            f"Got {candidate.identifier}, which names no layer for {area}: expected a model of this package, or one "
            f"that was trained or imported here. Leave it away from the benchmarks of {area}."
        )
    candidate.start_recording(area, time_bins=[time_bin])


def _features(assembly: Any, stimulus_ids: Sequence[str], what: str) -> np.ndarray:
    """(n_images, n_neuroids) values of a recording, rows in the order of ``stimulus_ids``."""
    if not {"presentation", "neuroid"} <= set(assembly.dims):
        raise BadInputError(
            f"{what}: got an answer over {', '.join(map(str, assembly.dims))}, expected a recording over presentation "
            "and neuroid. Load the model anew if it was given a behavioural task before."
        )
    if "time_bin" in assembly.dims:
        if assembly.sizes["time_bin"] != 1:
            raise BadInputError(f"{what}: got {assembly.sizes['time_bin']} time bins, expected the one asked for.")
        assembly = assembly.isel(time_bin=0)
    values = assembly.transpose("presentation", "neuroid").values
    row_of = {stimulus: row for row, stimulus in enumerate(assembly["stimulus_id"].values)}
    if len(values) != len(stimulus_ids) or set(row_of) != set(stimulus_ids):
        raise BadInputError(
            f"{what}: got {len(values)} presentations of {len(row_of)} stimuli, expected one of each of the "
            f"{len(stimulus_ids)} stimuli shown."
        )
    order = [row_of[stimulus] for stimulus in stimulus_ids]
    return values if order == list(range(len(order))) else values[order]
