"""Starts the runs of a check, each in a process of its own that finds the large libraries already imported.

Reads one JSON object a line from standard input: ``module`` and ``arguments`` to run, ``environment`` variables to add,
``output`` and ``errors``, files for the two streams, ``seconds`` before it is killed. Answers on standard output, one
line a run: ``status``, negative for a signal, ``late``, whether the time was over, and ``left``, the processes that had
to be killed since they did not end with the run. When standard input ends, it kills what runs and ends too.
"""

import contextlib
import ctypes
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

import psutil

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
_GRACE_SECONDS = 1.0
"""How long helpers of a run have to find that it ended."""

_LAST_SECONDS = 5.0
_PR_SET_CHILD_SUBREAPER = 36

# Apple's own libraries do not outlive a fork; there each run imports for itself.
_FORKS = sys.platform != "darwin"


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    if sys.platform == "linux":
        # What detaches itself from a run becomes a child of this process rather than of the machine's first.
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
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
            return {"status": os.waitstatus_to_exitcode(how), "late": late, "left": _cleared(_GRACE_SECONDS)}
        if not late and time.monotonic() > deadline:
            late = True
            _kill(child)
        if select.select([0], [], [], _POLL_SECONDS)[0]:
            # Whoever asked waits for the answer and says nothing more: this is the end of its pipe.
            _kill(child)
            _cleared(0)
            os._exit(1)


def _kill(group: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, signal.SIGKILL)


def _cleared(seconds: float) -> list[str]:
    """Kill what did not end by itself in that time, in whatever session it is, and give how it was started."""
    begun, left = time.monotonic(), dict[int, str]()
    while (rest := _descendants()) and (passed := time.monotonic() - begun) < seconds + _LAST_SECONDS:
        for process in rest if passed >= seconds else ():
            with contextlib.suppress(psutil.Error):
                left.setdefault(process.pid, " ".join(process.cmdline())[:200] or process.name())
                process.kill()
        time.sleep(_POLL_SECONDS)
    return list(left.values())


def _descendants() -> list[psutil.Process]:
    """Give the processes below this one, after those that ended were waited for."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return psutil.Process().children(recursive=True)


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
