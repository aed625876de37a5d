"""One temporary store for the whole run, shared by all workers, set before Brain-Score binds its folders."""

import os
import shutil
import tempfile
from pathlib import Path

import pytest

_RUN = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"single-{os.getpid()}"
_ROOT = Path(tempfile.gettempdir()) / f"brainscore-realnet-tests-{_RUN}"

os.environ["BRAINSCORE_REALNET_HOME"] = str(_ROOT / "store")
os.environ["BRAINSCORE_HOME"] = str(_ROOT / "brain-score")
os.environ["BRAINIO_HOME"] = str(_ROOT / "brainio")
os.environ["RESULTCACHING_HOME"] = str(_ROOT / "store" / "cache")
os.environ.pop("BS_INSTALL_DEPENDENCIES", None)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Remove the store once every worker is done."""
    if not hasattr(session.config, "workerinput"):
        run = _testrun_uid(session.config)
        shutil.rmtree(Path(tempfile.gettempdir()) / f"brainscore-realnet-tests-{run}", ignore_errors=True)


def _testrun_uid(config: pytest.Config) -> str:
    """Return the identifier that workers share; the controlling process learns it from its plugin."""
    dist = config.pluginmanager.getplugin("dsession")
    nodemanager = getattr(dist, "nodemanager", None)
    return getattr(nodemanager, "testrunuid", _RUN)


@pytest.fixture
def own_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a test a store of its own."""
    monkeypatch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path / "own-store"))
    return tmp_path / "own-store"
