"""Tests of a plugin folder's models, which Brain-Score runs: they compute here what they computed at export.

Travels inside submissions as `test.py`, and needs nothing beside it but `models.json`.
"""

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet
from brainscore_vision import load_model
from PIL import Image

TABLE = Path(__file__).with_name("models.json")
SIZE = 128
"""Width and height of the image, pixels."""
TOLERANCE = 1e-2
"""Relative; processors and libraries differ by much less."""


def areas_of_one_image(model: Any, folder: Path) -> dict[str, np.ndarray]:
    """Record V1, V2, V4 and IT of an image that is computed here and written to a folder; each of shape (n_units,)."""
    row, column = np.indices((SIZE, SIZE))
    red, green = 128 + 127 * np.sin(row / 5), 128 + 127 * np.sin((row + column) / 11)
    blue = np.hypot(row - SIZE / 2, column - SIZE / 2) * 2.5
    path = folder / "computed.png"
    Image.fromarray(np.stack([red, green, blue], axis=-1).clip(0, 255).astype(np.uint8)).save(path)
    stimuli = StimulusSet([{"stimulus_id": "computed"}])
    stimuli.stimulus_paths = {"computed": path}
    stimuli.identifier = None  # so that no cache keeps what it gives
    recorded = {}
    for area in ("V1", "V2", "V4", "IT"):
        model.start_recording(area, [(70, 170)])
        recorded[area] = np.asarray(model.look_at(stimuli)).ravel()
    return recorded


def magnitudes(recorded: dict[str, np.ndarray]) -> dict[str, float]:
    """Average the absolute activations of each area, rounded to four digits."""
    return {area: float(f"{np.abs(values).mean():.4g}") for area, values in recorded.items()}


@pytest.fixture(scope="module", params=sorted(json.loads(TABLE.read_text())) if TABLE.is_file() else [])
def about(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Give what the table says of a model, and the model."""
    model = load_model(request.param)
    return {"identifier": request.param, "model": model, **json.loads(TABLE.read_text())[request.param]}


def test_model_bears_its_identifier(about: dict[str, Any]) -> None:
    """Brain-Score keeps results under the identifier."""
    assert about["model"].identifier == about["identifier"]
    assert about["model"].visual_degrees() == about["visual_degrees"]


def test_areas_are_committed_to_their_layers(about: dict[str, Any]) -> None:
    """Without a map of all four areas Brain-Score would choose layers itself."""
    assert dict(about["model"].layer_model.region_layer_map) == about["areas"]
    assert sorted(about["areas"]) == ["IT", "V1", "V2", "V4"]


def test_areas_differ_and_are_what_they_were_at_export(about: dict[str, Any], tmp_path: Path) -> None:
    """Each area is a recording of its own, with the weights and the arithmetic of the export."""
    recorded = areas_of_one_image(about["model"], tmp_path)
    for first, second in itertools.combinations(recorded, 2):
        if about["areas"][first] != about["areas"][second]:
            assert not np.array_equal(recorded[first], recorded[second]), (first, second)
    assert magnitudes(recorded) == pytest.approx(about["expected"], rel=TOLERANCE)
