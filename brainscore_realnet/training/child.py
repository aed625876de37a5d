"""One training in a process of its own, for a thread that can wait for it but gets no signals.

Python hands signals to the main thread of a process alone. A training that is to write a checkpoint before it ends thus
runs in a child's main thread. The child holds a pipe to its parent: when the parent dies, however it dies, the pipe
ends, and the child stops as if SIGTERM had come.
"""

import json
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

from brainscore_realnet.errors import RealnetError, StoreError
from brainscore_realnet.store.folders import HOME_VARIABLE
from brainscore_realnet.training.recipes import Recipe

LOG = "log.txt"
"""File in a run's folder with what its trainings logged."""

_LOCK_SECONDS = 60
"""How long a training that lost its parent may take to write its checkpoint and let go of the run."""

_running: dict[str, set[subprocess.Popen[bytes]]] = {}
_stopped: set[str] = set()
_guard = threading.Lock()


@dataclass(frozen=True)
class Job:
    """A training that a child is asked for."""

    recipe: Recipe
    sweep: str
    """Whose trainings are stopped together"""
    home: str
    """Root of the store"""
    run: str
    """Folder of the run"""
    device: str | None = None
    """None for GPU number `worker`, counted round, or the CPU where there is none"""
    worker: int = 0
    """Number of the worker on its machine"""
    share: int = 1
    """Workers on a machine, which share its processors"""
    pretrained_weights: str | None = None
    """File with the weights to start from"""
    replace: bool = False
    """Whether another model of this identifier is replaced"""

    def record(self) -> dict[str, Any]:
        """Give the job as JSON can express it; `from_record` reads it back."""
        return {**asdict(self), "recipe": self.recipe.record()}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Read what `record` gave."""
        return cls(**{**record, "recipe": Recipe.from_record(record["recipe"])})


@dataclass(frozen=True)
class Ending:
    """How a training ended."""

    state: Literal["trained", "stopped", "failed", "killed"]
    """stopped: as asked, and it can go on; killed: its process ended without a word"""
    why: str = ""
    """What the user should know; empty for a model that was trained"""


def train_in_child(job: Job, environment: Mapping[str, str] | None = None) -> Ending:
    """Train in a child process and wait for it; nothing is raised for what goes wrong in the child.

    Parameters
    ----------
    job : Job
    environment : mapping of str to str, optional
        The child's environment variables. Default: this process's own.

    Returns
    -------
    Ending
    """
    if not Path(job.home).is_dir():
        return Ending(
            "failed",
            f"Got no folder {job.home} on {socket.gethostname()}: expected the store, at the same path for all "
            "workers. Mount it there, or set BRAINSCORE_REALNET_HOME to a folder that all share.",
        )
    variables = {**(os.environ if environment is None else environment), HOME_VARIABLE: job.home}
    Path(job.run).mkdir(parents=True, exist_ok=True)
    # a session of its own: Ctrl-C in the terminal reaches the sweep, which then asks its trainings to stop
    command = [sys.executable, "-c", f"from {__name__} import main; main()"]
    with open(Path(job.run) / LOG, "a", encoding="utf-8") as log, _started(job.sweep, command, variables, log) as child:
        if child is None:
            return Ending("stopped", "it had not begun")
        answer = _asked(child, json.dumps(job.record()))
    if answer:
        return Ending(**json.loads(answer))
    if job.sweep in _stopped:
        return Ending("stopped", "it was asked to stop before its first step")
    how = signal.Signals(-child.returncode).name if child.returncode < 0 else f"exit status {child.returncode}"
    return Ending("killed", f"its process on {socket.gethostname()} ended with {how}")


def stop_trainings(sweep: str) -> None:
    """Ask all trainings of a sweep in this process to write a checkpoint and stop; later ones do not begin."""
    with _guard:
        _stopped.add(sweep)
        for child in _running.get(sweep, ()):
            child.terminate()


def n_running(sweep: str) -> int:
    """Count the trainings of a sweep that this process waits for."""
    with _guard:
        return len(_running.get(sweep, ()))


def main() -> None:
    """Be the child: read the job from standard input, train, write the ending to standard output."""
    answer = os.dup(1)
    os.dup2(2, 1)  # what libraries print goes to the log
    job = Job.from_record(json.loads(sys.stdin.buffer.readline()))
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    logging.info("%s in process %d on %s", job.recipe.identifier, os.getpid(), socket.gethostname())
    ending = _trained(job)
    logging.info("%s %s", ending.state, ending.why)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # the parent closes its pipe as soon as it has the answer
    with suppress(BrokenPipeError):  # it died
        os.write(answer, json.dumps(asdict(ending)).encode())


def _trained(job: Job) -> Ending:
    from brainscore_realnet.training.checkpoints import Interrupted
    from brainscore_realnet.training.runs import finished, train_model

    try:
        _wait_for_other_trainer(job.run)
        if finished(job.recipe) is None:  # the training before, if it lost its parent in the end
            train_model(
                job.recipe,
                device=_device(job),
                pretrained_weights=job.pretrained_weights,
                replace=job.replace,
                progress=False,
            )
    except Interrupted as stopped:
        return Ending("stopped", str(stopped))
    except RealnetError as error:
        return Ending("failed", str(error))
    except Exception as error:  # whatever it is, the other models are trained
        traceback.print_exc()
        return Ending("failed", _explained(error, Path(job.run) / LOG))
    return Ending("trained")


def _device(job: Job) -> str | None:
    """Choose the GPU, and share the processors out among the workers of this machine."""
    import torch

    torch.set_num_threads(max(1, torch.get_num_threads() // job.share))
    n_gpus = torch.cuda.device_count()
    return f"cuda:{job.worker % n_gpus}" if job.device is None and n_gpus else job.device


def _wait_for_other_trainer(run: str) -> None:
    """Wait a while for a training that lost its parent to let go of the run; raises StoreError where it does not."""
    from brainscore_realnet.training.checkpoints import only_trainer

    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            with only_trainer(run):
                return
        except StoreError:
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOCK_SECONDS / 300)


def _explained(error: Exception, log: Path) -> str:
    kind = type(error).__name__
    if kind == "OutOfMemoryError" or isinstance(error, MemoryError):
        advice = "Train fewer models a GPU at once (--per-gpu), or with a smaller --batch-size"
    else:
        advice = "Read the log"
    return f"{kind}: {str(error).partition(chr(10))[0]}. {advice}: {log}"


def _stop_with_parent() -> None:
    while os.read(0, 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


@contextmanager
def _started(
    sweep: str, command: list[str], variables: Mapping[str, str], log: Any
) -> Iterator[subprocess.Popen[bytes] | None]:
    """Start a child that `stop_trainings` knows, unless it was called already; wait for its end."""
    with _guard:
        if sweep in _stopped:
            child = None
        else:
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": log}
            child = subprocess.Popen(command, env=variables, bufsize=0, start_new_session=True, **pipes)
            _running.setdefault(sweep, set()).add(child)
    try:
        yield child
    finally:
        if child is not None:
            with child:  # closes the pipes and waits
                pass
            with _guard:
                _running[sweep].discard(child)


def _asked(child: Any, job: str) -> bytes:
    """Hand the job over, and read what the child answers at its end."""
    with suppress(BrokenPipeError):  # it ended before it could read
        child.stdin.write(f"{job}\n".encode())
    return child.stdout.read()
