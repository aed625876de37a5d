"""Starts the runs of a check, each in a process of its own that finds the large libraries already imported.

Reads one JSON object a line from standard input: ``module`` and ``arguments`` to run, ``environment`` variables to add,
``output`` and ``errors``, files for the two streams, ``seconds`` before it is killed. Answers on standard output, one
line a run: ``status``, negative for a signal, and ``late``, whether the time was over. When standard input ends, it
kills what runs and ends too.
"""

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import sys
import time
import traceback
from typing import Any

_LIBRARIES = (
    "torch",
    "torchvision.transforms",
    "sklearn.multioutput",
    "brainscore_vision",
    "brainscore_vision.model_helpers.activations.pytorch",
    "brainscore_vision.model_helpers.brain_transformation",
    "brainscore_vision.benchmark_helpers.screen",
    "pytest",
    "_pytest.junitxml",
)
_POLL_SECONDS = 0.02

# Apple's own libraries do not outlive a fork; there each run imports for itself.
_FORKS = sys.platform != "darwin"


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    if _FORKS:
        for name in _LIBRARIES:
            # What is wrong with a library, each run tells better.
            with contextlib.suppress(Exception):
                importlib.import_module(name)
        # What stays for good need not be searched, and copied, by every run that collects its garbage.
        gc.freeze()
    while line := sys.stdin.buffer.readline():
        answers.write(json.dumps(_ran(json.loads(line))) + "\n")
        answers.flush()


def _ran(run: dict[str, Any]) -> dict[str, Any]:
    """Run once, and leave nothing of it running."""
    child = os.fork()
    if child == 0:
        _be(run)
    with contextlib.suppress(OSError):
        os.setpgid(child, child)
    deadline = time.monotonic() + run["seconds"]
    late = False
    while True:
        ended, how = os.waitpid(child, os.WNOHANG)
        if ended:
            _kill(child)
            return {"status": os.waitstatus_to_exitcode(how), "late": late}
        if not late and time.monotonic() > deadline:
            late = True
            _kill(child)
        if select.select([0], [], [], _POLL_SECONDS)[0]:
            # Whoever asked waits for the answer and says nothing more: this is the end of its pipe.
            _kill(child)
            os._exit(1)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _be(run: dict[str, Any]) -> None:
    """Become the run; never returns."""
    status = 1
    try:
        with contextlib.suppress(OSError):
            os.setpgid(0, 0)
        for number, name, flags in (
            (0, os.devnull, os.O_RDONLY),
            (1, run["output"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
            (2, run["errors"], os.O_WRONLY | os.O_CREAT | os.O_APPEND),
        ):
            os.dup2(os.open(name, flags, 0o600), number)
        os.environ.update(run["environment"])
        if not _FORKS:
            os.execv(sys.executable, [sys.executable, "-m", run["module"], *run["arguments"]])
        sys.argv = [run["module"], *run["arguments"]]
        runpy.run_module(run["module"], run_name="__main__", alter_sys=True)
        status = 0
    except SystemExit as asked:
        status = asked.code if isinstance(asked.code, int) else int(asked.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
