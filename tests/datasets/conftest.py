import sys
from pathlib import Path

import pytest
from things_eeg2_downloads import responses, write_images, write_metadata, write_responses

import brainscore_realnet.store as store


@pytest.fixture(autouse=True)
def store_home(tmp_path, monkeypatch):
    home = tmp_path / "home"
    monkeypatch.setenv("BRAINSCORE_REALNET_HOME", str(home))
    return home


@pytest.fixture
def python_command(monkeypatch):
    """Start of a command that runs Python code in another process with this package on its path."""
    monkeypatch.setenv("PYTHONPATH", str(Path(store.__file__).parents[2]))
    return [sys.executable, "-c"]


@pytest.fixture
def download(tmp_path):
    """A small download in the published layout: 4 test and 5 training images, two subjects."""
    folder = tmp_path / "download"
    metadata = write_metadata(folder / "image_metadata.npy")
    write_images(folder, metadata)
    for number in (1, 2):
        subject = folder / f"sub-{number:02d}"
        write_responses(subject / "preprocessed_eeg_test.npy", responses(number))
        write_responses(subject / "preprocessed_eeg_training.npy", responses(10 + number, images=5, repetitions=2))
    return folder
