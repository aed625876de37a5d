"""Models scored by several processes at once: on this machine, or on a Dask scheduler. One task is one model."""

import functools
import json
import os
import uuid
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from brainscore_realnet.comparison.scores import kept
from brainscore_realnet.comparison.scores.attempts import Outcome, attempt
from brainscore_realnet.training import clusters

WORKER_BYTES = 3 * 10**9
"""Memory that a worker may need: its libraries, a network's activations for 200 images, neural RDMs of ten subjects."""

_QUIET = "TQDM_DISABLE"
"""Has bars in workers not be shown: one terminal cannot show several at once."""

_ELSEWHERE = (
    "its worker computed it, but not into this store. Workers need the same store, data and version of this package: "
    "set BRAINSCORE_REALNET_HOME to one folder for this command and the workers"
)
_LOST = (
    "its worker could not go on ({error}). Where it died for want of memory, free some or give the workers more, and "
    "run the same command again"
)

Wanted = tuple[tuple[str, dict[str, Any]], ...]
"""Registered identifiers and changed options of benchmarks: what travels to a worker."""


def n_workers(n_models: int, device: str | None) -> int:
    """Count the processes that score at once here: one a GPU, else one a core, as far as memory allows.

    Parameters
    ----------
    n_models : int
        That are to be scored, from 1.
    device : str or None
        None for all GPUs, or the CPU where there is none.
    """
    import psutil
    import torch

    if device is None or device.startswith("cuda"):
        n_gpus = torch.cuda.device_count() if device is None else 1
        if n_gpus:
            return min(n_models, n_gpus)
    fit = psutil.virtual_memory().available // WORKER_BYTES
    return max(1, min(n_models, _n_cores(), fit))


def _n_cores() -> int:
    """Count the cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def score_on_workers(
    missing: Mapping[str, Sequence[Any]], n_here: int, scheduler: str | None, device: str | None
) -> Iterator[Outcome]:
    """Score models on workers, which keep every score in the store as soon as it is computed.

    Parameters
    ----------
    missing : mapping of str to sequence of RSABenchmark
        Identifiers of models to benchmarks, all of them registered.
    n_here : int
        Processes on this machine, unless there is a scheduler.
    scheduler : str or None
        Address of a Dask scheduler, whose workers see the same store.
    device : str or None
        Of every worker. None: worker k takes GPU k, counted round, or the CPU where there is none.

    Yields
    ------
    Outcome
        Of every model with every benchmark, as models are finished.

    Raises
    ------
    BadInputError
        The scheduler does not answer, or has no workers.
    """
    from distributed import as_completed

    run = uuid.uuid4().hex
    place = clusters.scheduler_workers(scheduler) if scheduler else clusters.local_workers(n_here)
    with _quiet(), place as workers:
        futures = {}
        for model, benchmarks in missing.items():
            wanted = tuple((one.registered_identifier, one.options.changes()) for one in benchmarks)
            task = (score_on_worker, run, model, wanted, device, workers.share)
            futures[workers.client.submit(*task, key=f"{model}-{run[:8]}", pure=False)] = model
        for future in as_completed(futures):
            model = futures[future]
            yield from _outcomes(future, model, missing[model])


def score_on_worker(run: str, model: str, wanted: Wanted, device: str | None, share: int) -> dict[str, tuple[str, str]]:
    """Be the task: score a model in the Dask worker that this runs in.

    Returns
    -------
    dict of str to (str, str)
        Benchmark's identifier to when its score was finished, or an empty text and why there is none.
    """
    import numba
    import torch
    from threadpoolctl import threadpool_limits

    # xarray warns about Brain-Score's own classes on import: nothing that a user could mend
    warnings.filterwarnings("ignore", category=FutureWarning, message="xarray subclass")
    n_threads = max(1, (os.cpu_count() or 1) // share)
    torch.set_num_threads(n_threads)
    numba.set_num_threads(min(n_threads, numba.config.NUMBA_NUM_THREADS))  # type: ignore[attr-defined]
    with threadpool_limits(n_threads, user_api="blas"), _gpu(device):
        benchmarks = [_benchmark(run, identifier, json.dumps(changes)) for identifier, changes in wanted]
        outcomes = list(attempt(model, benchmarks, device))
    return {one.benchmark: (_finished(one.scored) if one.scored else "", one.why) for one in outcomes}


def _outcomes(future: Any, model: str, benchmarks: Sequence[Any]) -> Iterator[Outcome]:
    """Read in the store what a worker says that it computed."""
    try:
        told = future.result()
    except Exception as error:  # of Dask: whatever goes wrong with a model is told
        why = _LOST.format(error=f"{type(error).__name__}: {str(error).partition(chr(10))[0]}")
        yield from (Outcome(model, benchmark.identifier, why=why) for benchmark in benchmarks)
        return
    for benchmark in benchmarks:
        finished, why = told.get(benchmark.identifier, ("", _ELSEWHERE))
        scored = kept.find(model, benchmark) if finished else None
        if finished and (scored is None or _finished(scored) != finished):
            scored, why = None, _ELSEWHERE
        yield Outcome(model, benchmark.identifier, scored, why)


def _finished(scored: Any) -> str:
    return scored.record["provenance"]["finished"]


@functools.lru_cache(maxsize=4)
def _benchmark(run: str, identifier: str, changes: str) -> Any:
    """Load a benchmark; the next model of a comparison finds it with its neural RDMs in memory."""
    from brainscore_realnet.scoring import load_benchmark

    return load_benchmark(identifier).with_options(**json.loads(changes))


def _gpu(device: str | None) -> AbstractContextManager[Any]:
    """Make the worker's own GPU the current one, which models take that are given no device."""
    import torch
    from distributed import get_worker

    if device is not None or not torch.cuda.device_count():
        return nullcontext()
    return torch.cuda.device(clusters.worker_number(get_worker().name) % torch.cuda.device_count())


@contextmanager
def _quiet() -> Iterator[None]:
    """Have workers that are started meanwhile show no bars."""
    before = os.environ.get(_QUIET)
    os.environ[_QUIET] = "1"
    try:
        yield
    finally:
        if before is None:
            del os.environ[_QUIET]
        else:
            os.environ[_QUIET] = before
