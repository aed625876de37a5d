"""Scoring where nothing can be written but the store and temporary files, as on shared machines and in containers."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import brainscore_realnet

CODE = r"""
import json, os, sys

benchmark, *writable = sys.argv[1:]
place, refused = writable[0], []
WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
WRITTEN = {
    "open": lambda path, mode, flags: [path] if flags & WRITES else [],
    "os.rename": lambda source, target, *_: [source, target],
    "os.link": lambda source, target, *_: [target],
    "os.symlink": lambda source, target, *_: [target],
} | dict.fromkeys(
    ["os.mkdir", "os.remove", "os.rmdir", "os.truncate", "os.chmod", "os.utime"], lambda path, *_: [path]
)

def refuse(event, arguments):
    # Permissions do not stop the root user, whom tests may run as.
    for path in WRITTEN.get(event, lambda *_: [])(*arguments):
        path = path if isinstance(path, int) else os.path.abspath(os.fsdecode(path))
        if isinstance(path, str) and not path.startswith(tuple(writable)):
            refused.append(path)
            raise PermissionError(13, "Permission denied", path)

sys.addaudithook(refuse)

import brainscore_realnet
from brainscore_realnet.cli import main

ours = float(brainscore_realnet.score("sim-hidden", benchmark))
status = main(["score", "--model", "sim-hidden", "--benchmark", benchmark, "--json", place + "/record.json"])

import numpy
from brainscore_realnet.rsa import check_rdm
check_rdm(numpy.zeros((100, 100, 100)))

import brainscore_vision
until_here = list(refused)
try:
    stock = float(brainscore_vision.score("sim-hidden", benchmark))
except PermissionError as error:
    stock = error.filename
with open(place + "/found.json", "w") as file:
    json.dump({"ours": ours, "status": status, "stock": stock, "refused": until_here}, file)
"""
BENCHMARK = "SimThingsEEG2.V4-rsa"
KERNELS = Path(brainscore_realnet.__file__).parent / "rsa" / "__pycache__"


@pytest.fixture(scope="module")
def home(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    """The temporary folder."""
    return tmp_path_factory.mktemp("temporary")


@pytest.fixture(scope="module")
def elsewhere() -> float:
    """The score where everything can be written; it leaves the neural RDMs in the store."""
    return float(brainscore_realnet.score("sim-hidden", BENCHMARK))


@pytest.fixture(scope="module")
def found(home, place, elsewhere) -> dict:
    """What happened in a process that may write to the store and the temporary folder only."""
    store = Path(os.environ["BRAINSCORE_REALNET_HOME"])
    theirs = {name for name in os.environ if name.startswith(("XDG_", "NUMBA_", "TORCHINDUCTOR_"))}
    theirs |= {"BRAINSCORE_HOME", "BRAINIO_HOME", "RESULTCACHING_HOME"}
    environment = {
        **{name: value for name, value in os.environ.items() if name not in theirs},
        "PYTHONPATH": str(Path(brainscore_realnet.__file__).parents[1]),
        "HOME": str(home),
        "TMPDIR": str(place),
    }
    done = subprocess.run(
        [sys.executable, "-c", CODE, BENCHMARK, str(place), str(store), "/dev/"],
        capture_output=True,
        text=True,
        check=False,
        cwd=place,
        env=environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((place / "found.json").read_text()) | {"messages": done.stderr}


def test_our_score_and_command_line_need_neither_library_nor_home(found, elsewhere, home, place):
    assert found["status"] == 0
    assert found["ours"] == elsewhere
    assert json.loads((place / "record.json").read_text())["score"] == elsewhere
    assert list(home.iterdir()) == []


def test_stock_score_fails_there(found):
    import brainscore_vision

    written = f"conda_score--sim-hidden_{BENCHMARK}.pkl"
    assert found["stock"] == str(Path(brainscore_vision.__file__).parents[1] / written)


def test_compiled_kernels_are_kept_in_the_store_when_package_and_home_cannot_be_written(found, home):
    refused = [Path(path) for path in found["refused"]]
    assert KERNELS in refused
    assert any(path.is_relative_to(home) for path in refused)
    kept = Path(os.environ["BRAINSCORE_REALNET_HOME"]) / "cache" / "numba"
    assert list(kept.rglob("_extents.*.nbi"))
    assert "cannot cache" not in found["messages"]


def test_kernels_are_compiled_anew_where_not_even_the_store_can_be_written(monkeypatch):
    from numba.core import caching

    from brainscore_realnet.rsa._kernels import kernel

    monkeypatch.setattr(caching.CacheImpl, "_locator_classes", [])
    monkeypatch.setattr(numba.config, "CACHE_DIR", "chosen")
    assert kernel()(twice)(3) == 6
    assert numba.config.CACHE_DIR == "chosen"


def twice(number):
    return 2 * number
