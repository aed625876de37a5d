"""Neural RDMs computed ahead of scoring: here, on all cores, or on a Dask scheduler."""

from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

from brainscore_realnet.errors import BadInputError, RealnetError, StoreError
from brainscore_realnet.scoring.loading import load_benchmark

BAR = "{desc} {percentage:3.0f}%|{bar}| {elapsed} passed, {remaining} left{postfix}"
"""The unit is a second as estimated beforehand; what is left follows from the speed so far."""

PATIENCE = "10s"
"""How long a scheduler may take to answer."""


def compute(benchmark: Any, scheduler: str | None = None) -> None:
    """Compute and keep all RDMs of a benchmark that are not in the store.

    Parameters
    ----------
    benchmark
        As ``load_benchmark`` gives it, with options or without.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://10.0.0.5:8786``: each subject is one task. The workers must see
        the same store. By default subjects are computed here, one after the other, each on all cores.

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
    with tqdm(total=sum(map(_weight, jobs)), desc="EEG RDMs", bar_format=BAR, disable=not jobs) as bar:
        if scheduler is None:
            for job in jobs:
                share = _weight(job) / job.missing
                bar.set_postfix_str(f"{job.subject} ({job.kind})")
                benchmark.compute(job.subject, job.kind, lambda matrices, share=share: _advance(bar, matrices * share))
        else:
            for job in _on_scheduler(benchmark, jobs, scheduler):
                bar.set_postfix_str(f"{job.subject} ({job.kind})")
                _advance(bar, _weight(job))
    left = [job.subject for job in benchmark.work() if job.missing]
    if scheduler is not None and left:
        raise StoreError(
            f"The workers are done, but the RDMs of {', '.join(sorted(set(left)))} are not in this store; expected "
            "workers that share it. Set BRAINSCORE_REALNET_HOME to one folder for them and for this command."
        )


def require_neural_rdms(benchmark: Any) -> None:
    """Raise BadInputError unless a benchmark computes neural RDMs."""
    if not hasattr(benchmark, "work"):
        raise BadInputError(
            f"{benchmark.identifier} has no EEG RDMs to compute; expected one of this package's EEG benchmarks "
            "(`brainscore list benchmarks`)."
        )


def _weight(job: Any) -> float:
    """Seconds that a job is expected to take; RDMs too quick for an estimate count a little too."""
    return job.seconds + 1e-3 * job.missing


def _advance(bar: tqdm, seconds: float) -> None:
    # Rounding must not carry a bar beyond its end.
    bar.update(min(seconds, bar.total - bar.n))


def _on_scheduler(benchmark: Any, jobs: list[Any], scheduler: str) -> Iterable[Any]:
    """Yield the jobs as they are finished by the workers."""
    try:
        from distributed import Client, as_completed
    except ModuleNotFoundError as error:
        raise RealnetError(
            f"Got --scheduler, which needs a package that is not installed ({error}): "
            "pip install 'brainscore_realnet[cluster]'."
        ) from error
    try:
        client = Client(scheduler, timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise BadInputError(
            f"Got no answer from the Dask scheduler {scheduler!r} ({error}); expected the address that the scheduler "
            "prints, such as tcp://10.0.0.5:8786."
        ) from error
    with client:
        names = benchmark.registered_identifier, benchmark.options.changes()
        futures = {client.submit(_compute_on_worker, *names, job.subject, job.kind, pure=False): job for job in jobs}
        for future in as_completed(futures):
            future.result()
            yield futures[future]


def _compute_on_worker(identifier: str, changes: dict[str, Any], subject: str, kind: str) -> None:
    import numba
    from distributed import get_worker

    numba.set_num_threads(min(get_worker().state.nthreads, numba.get_num_threads()))
    load_benchmark(identifier).with_options(**changes).compute(subject, kind)
