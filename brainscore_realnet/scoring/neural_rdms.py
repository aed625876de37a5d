"""Neural RDMs computed ahead of scoring: here, on all cores, or on a Dask scheduler."""

import contextlib
import functools
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from typing import Any

from tqdm import tqdm

from brainscore_realnet.errors import BadInputError, RealnetError, StoreError
from brainscore_realnet.scoring.loading import load_benchmark
from brainscore_realnet.training.clusters import connected

BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed} passed, {remaining} left{postfix}"
"""The unit is a second as estimated beforehand; what is left follows from the speed so far."""

Advance = Callable[[Any, int], None]


def compute(benchmark: Any, scheduler: str | None = None, progress: bool = True) -> None:
    """Compute and keep all RDMs of a benchmark that are not in the store.

    Parameters
    ----------
    benchmark
        As ``load_benchmark`` gives it, with options or without.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://10.0.0.5:8786``: each subject is one task. The workers must see
        the same store. By default subjects are computed here, one after the other, each on all cores.
    progress : bool
        Show a bar.

    Raises
    ------
    BadInputError
        The benchmark has no neural RDMs, or the scheduler does not answer.
    MissingDataError
        Its data are not in the store.
    StoreError
        What the workers computed is not in this store.
    """
    require_neural_rdms(benchmark)
    benchmark.require_data()
    jobs = [job for job in benchmark.work() if job.missing]
    if not jobs:
        return
    with (
        contextlib.nullcontext() if scheduler is None else connected(scheduler) as client,
        _bar(jobs, progress) as advance,
    ):
        if client is None:
            for job in jobs:
                benchmark.compute(job.subject, job.kind, functools.partial(advance, job))
        else:
            _on_workers(client, benchmark, jobs, advance)
    left = sorted({job.subject for job in benchmark.work() if job.missing})
    if left:
        raise StoreError(
            f"The RDMs of {', '.join(left)} were computed but are not in this store; expected one that can be written "
            "to and that all workers share. Look for a warning above, for RESULTCACHING_DISABLE, and set "
            "BRAINSCORE_REALNET_HOME to one folder for this command and the workers."
        )


def require_neural_rdms(benchmark: Any) -> None:
    """Raise BadInputError unless a benchmark computes neural RDMs."""
    if not hasattr(benchmark, "work"):
        raise BadInputError(
            f"{benchmark.identifier} has no neural RDMs to compute; expected one of this package's benchmarks "
            "(`brainscore list benchmarks`)."
        )


def _weight(job: Any) -> float:
    """Seconds that a job is expected to take; RDMs too quick for an estimate count a little too."""
    return job.seconds + 1e-3 * job.missing


@contextlib.contextmanager
def _bar(jobs: list[Any], shown: bool) -> Iterator[Advance]:
    """Show a bar; give the function that is told of a job and how many of its RDMs are finished."""
    with tqdm(total=sum(map(_weight, jobs)), desc="neural RDMs", bar_format=BAR, disable=not shown) as bar:

        def advance(job: Any, matrices: int) -> None:
            bar.set_postfix_str(f"{job.subject} ({job.kind})")
            # Rounding must not carry the bar beyond its end.
            bar.update(min(_weight(job) * matrices / job.missing, bar.total - bar.n))

        yield advance
        bar.update(bar.total - bar.n)


def _on_workers(client: Any, benchmark: Any, jobs: list[Any], advance: Advance) -> None:
    """Compute each job as one task."""
    from distributed import as_completed
    from distributed.comm import CommClosedError
    from distributed.scheduler import KilledWorker

    names = benchmark.registered_identifier, benchmark.options.changes()
    futures = {client.submit(_compute_on_worker, *names, job.subject, job.kind, pure=False): job for job in jobs}
    try:
        for future in as_completed(futures):
            future.result()
            advance(futures[future], futures[future].missing)
    except (KilledWorker, CommClosedError, CancelledError, TimeoutError) as error:
        raise RealnetError(
            f"The Dask workers were lost ({type(error).__name__}: {error}). What is finished is kept; run the same "
            "command again, with more memory for each worker if they were killed."
        ) from error


def _compute_on_worker(identifier: str, changes: dict[str, Any], subject: str, kind: str) -> None:
    import numba
    from distributed import get_worker

    numba.set_num_threads(min(get_worker().state.nthreads, numba.get_num_threads()))
    load_benchmark(identifier).with_options(**changes).compute(subject, kind)
