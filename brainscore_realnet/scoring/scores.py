"""Score a model on a benchmark, with all that is needed to know where the number came from."""

import time
from typing import TYPE_CHECKING, Any

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.scoring.enable import enable
from brainscore_realnet.scoring.loading import load_benchmark, load_model
from brainscore_realnet.scoring.provenance import provenance

if TYPE_CHECKING:
    from brainscore_core.metrics import Score
    from brainscore_vision.benchmarks import Benchmark
    from brainscore_vision.model_interface import BrainModel


def score(model: "str | BrainModel", benchmark: "str | Benchmark", *, device: str | None = None) -> "Score":
    """Score a model on a benchmark.

    Goes to Brain-Score's ``score_benchmark`` directly: the stock ``brainscore_vision.score`` writes a file into
    site-packages after every run.

    Parameters
    ----------
    model : str or BrainModel
        Identifier (of this package, of the store, of ``brainscore_vision``) or a model.
    benchmark : str or Benchmark
        Identifier or a benchmark, such as a variant from ``benchmark.with_options(screen="fullfield")``.
    device : str, optional
        Torch device for this package's models. Default: the first CUDA device when there is one, otherwise the CPU.

    Returns
    -------
    Score
        With ``model_identifier``, ``benchmark_identifier`` and ``provenance`` (plain values) among its attributes.

    Raises
    ------
    UnknownIdentifierError, MissingDataError, MissingWeightsError, BadInputError
        Missing data are reported before missing weights.
    """
    enable()
    from brainscore_core.benchmarks import score_benchmark

    started = time.perf_counter()
    scored_benchmark = load_benchmark(benchmark) if isinstance(benchmark, str) else benchmark
    if hasattr(scored_benchmark, "require_data"):
        scored_benchmark.require_data()
    scored_model = load_model(model) if isinstance(model, str) else model
    if device is not None:
        _move(scored_model, device)
    loaded = time.perf_counter()
    result = score_benchmark(scored_benchmark, scored_model)
    finished = time.perf_counter()
    result.attrs["model_identifier"] = scored_model.identifier
    result.attrs["benchmark_identifier"] = scored_benchmark.identifier
    result.attrs["provenance"] = provenance(
        scored_model, scored_benchmark, result, {"loading": loaded - started, "scoring": finished - loaded}
    )
    return result


def _move(model: Any, device: str) -> None:
    """Move one of this package's models to a torch device."""
    import torch

    activations_model: Any = getattr(model, "activations_model", None)
    if not hasattr(activations_model, "to"):
        raise BadInputError(
            f"Got device={device!r} for {model.identifier!r}, which chooses its device itself; leave the option away."
        )
    try:
        activations_model.to(device)
    except (RuntimeError, AssertionError) as error:
        available = "cpu" + "".join(f", cuda:{index}" for index in range(torch.cuda.device_count()))
        raise BadInputError(f"Cannot use device {device!r} ({error}); available here: {available}.") from error
