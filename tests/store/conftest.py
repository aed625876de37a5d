import sys
from pathlib import Path

import pytest

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
