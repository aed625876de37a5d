"""Score every model on every benchmark of a comparison: what the store has is found there, the rest is computed.

Each score is kept as soon as it is finished, so that an interrupted comparison goes on with the same command.

Where a model is scored decides how many threads it has, and that changes its RDMs in the last digit of float32.
Similarities, which are correlations of ranks, stay the same unless that digit decides between two ranks.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tqdm import tqdm

from brainscore_realnet.comparison.scored import Scored
from brainscore_realnet.comparison.scores import kept
from brainscore_realnet.comparison.scores.attempts import Outcome, attempt, explained
from brainscore_realnet.comparison.scores.workers import n_workers, score_on_workers
from brainscore_realnet.errors import BadInputError, RealnetError
from brainscore_realnet.scoring import neural_rdms
from brainscore_realnet.scoring.identifiers import package_identifiers, require_identifier

Missing = dict[str, list[Any]]
"""Identifiers of models to the benchmarks that they are still to be scored on."""


def score_all(
    models: Sequence[str],
    benchmarks: Sequence[Any],
    *,
    device: str | None = None,
    scheduler: str | None = None,
    rescore: bool = False,
    progress: bool = True,
) -> dict[tuple[str, str], Scored]:
    """Give every model's score on every benchmark, scoring what the store has not.

    Neural RDMs come first. Models are then scored one a GPU or, without one, one a core, as far as memory allows; in
    this process where that is one, or where a benchmark is not registered. What one model fails of does not stop the
    others. A script calls this below ``if __name__ == "__main__":``, since worker processes import it.

    Parameters
    ----------
    models : sequence of str
        Identifiers.
    benchmarks : sequence of RSABenchmark
        As ``load_benchmark`` gives them, with options or without.
    device : str, optional
        Torch device of every process. Default: all GPUs, or the CPU where there is none.
    scheduler : str, optional
        Address of a Dask scheduler, such as ``tcp://10.0.0.5:8786``, whose workers see the same store and have one
        thread each.
    rescore : bool
        Whether scores are computed that the store has.
    progress : bool
        Show a bar over scores.

    Returns
    -------
    dict of (str, str) to Scored
        By identifiers of model and benchmark, benchmark after benchmark.

    Raises
    ------
    UnknownIdentifierError
        A model is not registered.
    BadInputError
        A benchmark is none of this package's or is given twice, the device is not there, or the scheduler does not
        answer. Nothing was computed.
    MissingDataError
        The data of a benchmark are not in the store. Nothing was computed.
    RealnetError
        Scores could not be computed; the message names each with its reason. The others are kept.
    StoreError
        Neural RDMs cannot be kept.
    """
    _require(models, benchmarks, device, scheduler)
    wanted = dict.fromkeys(models)
    outcomes = [] if rescore else [*_looked_up(wanted, benchmarks)]
    known = {(one.model, one.benchmark): one for one in outcomes}
    missing: Missing = {}
    for model in wanted:
        lacking = [benchmark for benchmark in benchmarks if (model, benchmark.identifier) not in known]
        missing |= {model: lacking} if lacking else {}
    if missing:
        _compute_neural_rdms(missing, scheduler, progress)
        with tqdm(
            desc="scores", total=len(wanted) * len(benchmarks), initial=len(known), unit="score", disable=not progress
        ) as bar:
            for one in _scored(missing, device, scheduler, bar):
                known[one.model, one.benchmark] = one
                bar.update()
    _require_scored(known)
    return {
        (model, benchmark.identifier): scored
        for benchmark in benchmarks
        for model in wanted
        if (scored := known[model, benchmark.identifier].scored) is not None
    }


def _require(models: Sequence[str], benchmarks: Sequence[Any], device: str | None, scheduler: str | None) -> None:
    """Refuse what cannot be scored, before anything is."""
    from brainscore_realnet.adapters.rsa_benchmark import RSABenchmark
    from brainscore_realnet.training.devices import checked_device

    for model in dict.fromkeys(models):
        require_identifier("model", model)
    for benchmark in benchmarks:
        if not isinstance(benchmark, RSABenchmark):
            raise BadInputError(
                f"Got the benchmark {benchmark.identifier}, which gives a score alone: expected one of this package's "
                "(`brainscore list benchmarks`), which compare subject by subject. Leave it away."
            )
    names = [benchmark.identifier for benchmark in benchmarks]
    if twice := {name for name in names if names.count(name) > 1}:
        raise BadInputError(f"Got {', '.join(sorted(twice))} twice: expected each benchmark once. Leave one away.")
    if device is not None and scheduler is None:
        checked_device(device, "fp32")
    for benchmark in benchmarks:
        benchmark.require_data()


def _looked_up(models: Iterable[str], benchmarks: Sequence[Any]) -> Iterator[Outcome]:
    """Find what is kept; a model of which that cannot be told, since its card is broken, cannot be scored either."""
    for model in models:
        for benchmark in benchmarks:
            try:
                scored = kept.find(model, benchmark)
            except RealnetError as error:
                yield Outcome(model, benchmark.identifier, why=explained(error))
            else:
                if scored is not None:
                    yield Outcome(model, benchmark.identifier, scored)


def _compute_neural_rdms(missing: Missing, scheduler: str | None, progress: bool) -> None:
    """Compute those of benchmarks that are needed."""
    needed = {benchmark.identifier: benchmark for lacking in missing.values() for benchmark in lacking}
    for benchmark in needed.values():
        neural_rdms.compute(benchmark, scheduler if _is_registered(benchmark) else None, progress)


def _scored(missing: Missing, device: str | None, scheduler: str | None, bar: tqdm) -> Iterator[Outcome]:
    """Score all that is missing, here or on workers, and name the model beside the bar."""
    registered = all(_is_registered(benchmark) for lacking in missing.values() for benchmark in lacking)
    n_here = n_workers(len(missing), device)
    if registered and (scheduler or n_here > 1):
        for one in score_on_workers(missing, n_here, scheduler, device):
            bar.set_postfix_str(one.model)
            yield one
        return
    for model, lacking in missing.items():
        bar.set_postfix_str(model)
        yield from attempt(model, lacking, device)


def _is_registered(benchmark: Any) -> bool:
    """Whether another process can load the benchmark."""
    return benchmark.registered_identifier in package_identifiers("benchmark")


def _require_scored(known: Mapping[tuple[str, str], Outcome]) -> None:
    """Raise RealnetError, naming every score that there is not, with its reason."""
    failed: dict[tuple[str, str], list[str]] = {}
    for one in known.values():
        if one.scored is None:
            failed.setdefault((one.model, one.why), []).append(one.benchmark)
    if failed:
        listed = "\n".join(f"- {model} on {', '.join(names)}: {why}" for (model, why), names in failed.items())
        raise RealnetError(
            f"Got {sum(map(len, failed.values()))} of {len(known)} scores that could not be computed:\n{listed}\n"
            "The others are kept. Mend this, or leave these models away, and run the same command to go on."
        )
