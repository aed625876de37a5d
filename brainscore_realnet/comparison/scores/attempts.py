"""One model scored on several benchmarks, whatever goes wrong with it."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from brainscore_realnet.comparison.scored import Scored
from brainscore_realnet.comparison.scores import kept
from brainscore_realnet.errors import RealnetError
from brainscore_realnet.scoring import load_model, score

_ADVICE = {
    ModuleNotFoundError: "Install it, or set BS_INSTALL_DEPENDENCIES=yes to let Brain-Score install what its plugins "
    "ask for",
    MemoryError: "Free memory, or score on a computer with more",
    OSError: "Check the path or the network",
}
"""What to do about errors of plugins that say nothing of it."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Outcome:
    """What became of one model on one benchmark."""

    model: str
    """Identifier"""
    benchmark: str
    """Identifier, options included"""
    scored: Scored | None = None
    why: str = ""
    """Why there is no score"""


def attempt(model: str, benchmarks: Sequence[Any], device: str | None = None) -> Iterator[Outcome]:
    """Load a model, score it on one benchmark after the other and keep each score; errors become outcomes.

    Parameters
    ----------
    model : str
        Identifier, registered.
    benchmarks : sequence of RSABenchmark
        Whose data are there.
    device : str, optional
        Torch device for this package's models. Default: the current CUDA device, or the CPU where there is none.

    Yields
    ------
    Outcome
        Of each benchmark, in their order, as soon as it is known.
    """
    try:
        loaded = load_model(model)
    except Exception as error:
        yield from (Outcome(model, benchmark.identifier, why=explained(error)) for benchmark in benchmarks)
        return
    for benchmark in benchmarks:
        try:
            scored = Scored.of(score(loaded, benchmark, device=device))
            # some of Brain-Score's plugins call their model otherwise than they register it
            scored = replace(scored, record={**scored.record, "model": model})
            kept.keep(scored, benchmark)
        except Exception as error:
            yield Outcome(model, benchmark.identifier, why=explained(error))
        else:
            yield Outcome(model, benchmark.identifier, scored)


def explained(error: BaseException) -> str:
    """Say in a line why a model has no score; the traceback goes to the log, for those who want it."""
    if isinstance(error, RealnetError):
        return str(error)
    _logger.debug("a model could not be scored", exc_info=error)
    kind = type(error).__name__
    advice = next((text for of, text in _ADVICE.items() if isinstance(error, of)), "")
    if kind == "OutOfMemoryError":
        advice = _ADVICE[MemoryError]
    return f"{kind}: {str(error).partition(chr(10))[0]}. {advice or 'Look into its plugin'}."
