"""One temporary store for the whole run, shared by all workers, set before Brain-Score binds its folders."""

import os
import pickle
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import FileLock

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


@pytest.fixture(scope="session")
def once() -> Callable[[str, Callable[[], Any]], Any]:
    """Give what computes something once for all workers: a name of its own and a function, whose result is pickled."""

    def computed(name: str, compute: Callable[[], Any]) -> Any:
        path = _ROOT / f"{name}.pickle"
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{path}.lock"):
            if not path.is_file():
                path.write_bytes(pickle.dumps(compute()))
        return pickle.loads(path.read_bytes())

    return computed
