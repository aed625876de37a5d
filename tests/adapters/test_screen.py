import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from brainscore_realnet.adapters.screen import show
from brainscore_realnet.errors import BadInputError


@pytest.fixture
def stimuli(image_paths, stimuli_of, request):
    # Brain-Score remembers converted sets by identifier: each test has its own.
    return stimuli_of(image_paths[:3], content_hash=hashlib.sha256(request.node.name.encode()).hexdigest())


@pytest.fixture
def viewer(stub_brain):
    return lambda degrees: stub_brain({}, visual_degrees=degrees)


def pixels(path):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def test_fullfield_returns_the_same_set(stimuli, viewer):
    assert show(stimuli, viewer(8), 4.0, "fullfield") is stimuli


def test_equal_degrees_return_the_same_set(stimuli, viewer):
    assert show(stimuli, viewer(8), 8.0, "degrees") is stimuli


def test_smaller_stimuli_are_placed_on_a_grey_screen(stimuli, viewer):
    shown = show(stimuli, viewer(8), 4.0, "degrees")
    assert shown.identifier == f"{stimuli.identifier}--target8.00--source4.00"
    assert list(shown["stimulus_id"]) == list(stimuli["stimulus_id"])
    for name in stimuli["stimulus_id"]:
        screen, image = pixels(shown.get_stimulus(name)), pixels(stimuli.get_stimulus(name))
        assert screen.shape == (96, 96, 3)
        np.testing.assert_array_equal(screen[24:72, 24:72], image)
        assert (np.delete(screen, np.arange(24, 72), axis=0) == 128).all()


def test_larger_stimuli_are_cropped_to_the_field_of_view(stimuli, viewer):
    shown = show(stimuli, viewer(8), 16.0, "degrees")
    name = stimuli["stimulus_id"].values[0]
    np.testing.assert_array_equal(pixels(shown.get_stimulus(name)), pixels(stimuli.get_stimulus(name))[12:36, 12:36])


@pytest.mark.parametrize("lost", ["folder", "one image"])
def test_deleted_conversions_are_made_again_under_the_same_identifier(stimuli, viewer, lost):
    first = show(stimuli, viewer(8), 4.0, "degrees")
    before = {name: pixels(path) for name, path in first.stimulus_paths.items()}
    gone = Path(first.get_stimulus("image01"))
    if lost == "folder":
        shutil.rmtree(gone.parent)
    else:
        gone.unlink()
    second = show(stimuli, viewer(8), 4.0, "degrees")
    assert second.identifier == first.identifier
    for name, path in second.stimulus_paths.items():
        np.testing.assert_array_equal(pixels(path), before[name])
    assert all(Path(path).is_file() for path in show(stimuli, viewer(8), 4.0, "degrees").stimulus_paths.values())


def test_other_contents_under_the_same_names_are_converted_anew(image_paths, stimuli_of, viewer):
    one = show(stimuli_of(image_paths[:1], content_hash="contents-one"), viewer(8), 4.0, "degrees")
    Path(image_paths[0]).write_bytes(Path(image_paths[1]).read_bytes())
    other = show(stimuli_of(image_paths[:1], content_hash="contents-two"), viewer(8), 4.0, "degrees")
    assert not np.array_equal(pixels(one.get_stimulus("image00")), pixels(other.get_stimulus("image00")))


def test_unknown_screen_names_those_there_are(stimuli, viewer):
    with pytest.raises(BadInputError, match=r"'cinema'.*degrees, fullfield"):
        show(stimuli, viewer(8), 4.0, "cinema")
