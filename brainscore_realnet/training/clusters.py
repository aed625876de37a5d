"""Where a sweep's models are trained: Dask workers on this machine, on a running scheduler, or in SLURM jobs.

Each worker has one thread and trains one model at a time, in a child process (`training.child`).
"""

import importlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from brainscore_realnet.errors import BadInputError, MissingDataError, RealnetError
from brainscore_realnet.training.child import Ending, Job, train_in_child

PATIENCE = "10s"
"""How long a scheduler may take to answer."""

INSTALL = "pip install 'brainscore_realnet[cluster]'"

_LOCAL_CONFIGURATION = {
    # Dask gives each worker's libraries one thread unless it is told otherwise
    "distributed.nanny.pre-spawn-environ": {},
    # a worker holds no second model back that another could train
    "distributed.scheduler.worker-saturation": 1.0,
}

_WORKER_BEGINS = """
import signal
from dask import config

signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the sweep, which stops its trainings
config.set({"distributed.nanny.pre-spawn-environ": {}})  # so that one that replaces another knows of it too
"""
"""What each worker on this machine runs first."""


@dataclass(frozen=True)
class Workers:
    """Workers that models are handed to."""

    client: Any
    """Dask's ``Client``"""
    share: int
    """Workers on a machine, which share its processors"""


@dataclass(frozen=True)
class SlurmProfile:
    """How to ask SLURM for workers.

    Raises
    ------
    BadInputError
        `jobs` or `gpus` is no whole number from 1, or an argument is missing or not the user's to set.
    """

    cluster: Mapping[str, Any]
    """Arguments of ``dask_jobqueue.SLURMCluster``; ``cores`` are the processors of a job"""
    jobs: int = 1
    """Jobs at once, at most"""
    gpus: int = 1
    """GPUs of a job"""

    def __post_init__(self) -> None:
        wrong = [
            f"{name} = {getattr(self, name)!r} (expected a whole number from 1)"
            for name in ("jobs", "gpus")
            if type(getattr(self, name)) is not int or getattr(self, name) < 1
        ]
        wrong += [f"no {name}" for name in ("cores", "memory") if name not in self.cluster]
        wrong += [f"{name} (a sweep sets it)" for name in ("processes", "job_cpu", "n_workers") if name in self.cluster]
        if not isinstance(self.cluster.get("walltime", ""), str):
            wrong.append(f"walltime = {self.cluster['walltime']!r} (expected it in quotes, as '08:00:00')")
        if wrong:
            raise BadInputError(f"Got a SLURM profile with {', '.join(wrong)}. Mend it; examples/slurm has one.")

    def arguments(self, per_gpu: int) -> dict[str, Any]:
        """Give the arguments of ``SLURMCluster``: one process of one thread for each model at once."""
        processes = self.gpus * per_gpu
        usual = {"scheduler_options": {"dashboard_address": None}}
        ours = {"cores": processes, "processes": processes, "job_cpu": self.cluster["cores"]}
        return {**usual, **self.cluster, **ours}


def read_profile(path: str | Path) -> SlurmProfile:
    """Read a SLURM profile: YAML (or JSON) with ``jobs``, ``gpus`` and arguments of ``SLURMCluster``.

    Raises
    ------
    MissingDataError
        There is no such file.
    BadInputError
        It is not YAML, no mapping, or no profile.
    """
    import yaml

    path = Path(path)
    advice = "Expected jobs, gpus and arguments of dask_jobqueue.SLURMCluster, as in examples/slurm."
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise MissingDataError(
            f"Got no SLURM profile at {path} ({error.strerror}). {advice} Check the path."
        ) from error
    except (ValueError, yaml.YAMLError) as error:
        raise BadInputError(f"Got {path}, which is not YAML ({error}). {advice} Mend it.") from error
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise BadInputError(f"Got a {type(content).__name__} in {path}. {advice} Mend it.")
    own = {name: content.pop(name) for name in ("jobs", "gpus") if name in content}
    try:
        return SlurmProfile(content, **own)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from error


@contextmanager
def local_workers(n_workers: int) -> Iterator[Workers]:
    """Start workers on this machine, one process each; one that dies is replaced."""
    import dask
    import distributed

    with ExitStack() as stack:
        with dask.config.set(_LOCAL_CONFIGURATION):
            cluster = distributed.LocalCluster(
                n_workers=n_workers,
                threads_per_worker=1,
                memory_limit=0,  # of the worker itself; what trains is its child
                dashboard_address=":0",
                silence_logs="CRITICAL",
                preload=[_WORKER_BEGINS],
            )
        stack.enter_context(cluster)
        yield Workers(stack.enter_context(distributed.Client(cluster)), n_workers)


def connected(address: str) -> Any:
    """Connect with a Dask scheduler: its ``Client``. Raises BadInputError when it does not answer."""
    import distributed

    client: Any = distributed.Client.__new__(distributed.Client)
    try:
        client.__init__(address, timeout=PATIENCE)
    except (OSError, ValueError, TypeError, ImportError) as error:
        # A client that was half made is closed when garbage is collected, and then waits for locks that whoever makes
        # the next one may hold for ever. So it is kept until here and closed.
        client.close()
        raise BadInputError(
            f"Got no answer from the Dask scheduler {address!r} ({error}): expected the address that the scheduler "
            "prints, such as tcp://10.0.0.5:8786."
        ) from error
    return client


@contextmanager
def scheduler_workers(address: str) -> Iterator[Workers]:
    """Connect with a scheduler that runs; its workers train as many models at once as they have threads.

    Raises
    ------
    BadInputError
        It does not answer, or has no workers.
    """
    with connected(address) as client:
        by_machine = Counter[str]()
        for worker, n_threads in client.nthreads().items():
            by_machine[worker.rpartition(":")[0]] += n_threads
        if not by_machine:
            raise BadInputError(
                f"Got no workers on the Dask scheduler {address!r}: expected at least one. Start some, with "
                "`dask worker ADDRESS --nthreads 1 --name NAME-0`."
            )
        yield Workers(client, max(by_machine.values()))


@contextmanager
def slurm_workers(profile: SlurmProfile, per_gpu: int) -> Iterator[Workers]:
    """Ask SLURM for as many jobs as there are models to train, up to the profile's; a job that ends is replaced.

    Raises
    ------
    BadInputError
        dask-jobqueue does not know an argument, or SLURM's commands are not here.
    """
    import dask
    import distributed

    jobqueue = _jobqueue()
    try:
        with dask.config.set(_LOCAL_CONFIGURATION):
            cluster = jobqueue.SLURMCluster(**profile.arguments(per_gpu))
    except (TypeError, ValueError, OSError) as error:
        raise BadInputError(
            f"Got a SLURM profile that dask-jobqueue does not take ({error}): expected arguments of "
            "dask_jobqueue.SLURMCluster. Mend it; examples/slurm has one."
        ) from error
    with cluster, distributed.Client(cluster) as client:
        # by its own measure, Dask would begin with one job, as it does not know that a model takes hours
        cluster.adapt(minimum_jobs=0, maximum_jobs=profile.jobs, target_duration="1ms")
        yield Workers(client, profile.gpus * per_gpu)


def n_local_workers(device: str | None, per_gpu: int) -> int:
    """Count the models that are trained at once on this machine.

    Parameters
    ----------
    device : str or None
        None for all GPUs, or the CPU where there is none.
    per_gpu : int
        Models at once on a GPU.

    Raises
    ------
    BadInputError
        `per_gpu` is below 1, or above 1 without a GPU.
    """
    import torch

    if per_gpu < 1:
        raise BadInputError(f"Got {per_gpu} models a GPU: expected 1 or more.")
    n_gpus = torch.cuda.device_count() if device is None else int(str(device).startswith("cuda"))
    if not n_gpus and per_gpu > 1:
        raise BadInputError(
            f"Got {per_gpu} models a GPU to train on {device or 'a computer without a GPU'}: expected a GPU. Leave "
            "--per-gpu away: on a processor, one model uses all cores."
        )
    return max(1, n_gpus) * per_gpu


def train_on_worker(job: Job) -> Ending:
    """Train in a child process of the Dask worker that this runs on."""
    import dask
    import distributed

    set_by_dask = dask.config.get("distributed.nanny.pre-spawn-environ", {})
    environment = _environment_without(set_by_dask)
    return train_in_child(replace(job, worker=worker_number(distributed.get_worker().name)), environment)


def _environment_without(set_by_dask: Mapping[str, Any]) -> dict[str, str]:
    """Give the environment but for the thread counts of 1 that Dask sets for its workers."""
    return {name: value for name, value in os.environ.items() if value != str(set_by_dask.get(name))}


def worker_number(name: Any) -> int:
    """Read a worker's number from its name: 3 or ``SLURMCluster-0-3``; 0 for one that was not given a name."""
    found = re.search(r"\d+$", str(name))
    return int(found[0]) if found and "://" not in str(name) else 0


def _jobqueue() -> Any:
    """Import what only SLURM needs."""
    try:
        return importlib.import_module("dask_jobqueue")
    except ModuleNotFoundError as error:
        raise RealnetError(f"Got no package {error.name}: expected it for SLURM. Install it: {INSTALL}") from error
