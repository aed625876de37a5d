"""Load anything by its identifier, ours or upstream's, through the stock ``brainscore_vision.load_*`` functions."""

from typing import Any

from brainscore_realnet.scoring.enable import enable
from brainscore_realnet.scoring.identifiers import require_identifier


def load_model(identifier: str) -> Any:
    """Load a ``BrainModel``.

    Parameters
    ----------
    identifier : str
        Of this package (``realnet-eeg-sub01``), of a model trained here, or of ``brainscore_vision`` (``alexnet``).

    Raises
    ------
    UnknownIdentifierError
        With the nearest valid identifiers.
    MissingWeightsError
        When the model's weights cannot be had; the message names the ways to get them.
    """
    return _load("model", identifier)


def load_benchmark(identifier: str) -> Any:
    """Load a ``Benchmark``; raises :class:`UnknownIdentifierError`. Its data are read when it is used."""
    return _load("benchmark", identifier)


def load_dataset(identifier: str) -> Any:
    """Load a data assembly; raises :class:`UnknownIdentifierError` or :class:`MissingDataError`."""
    return _load("dataset", identifier)


def load_stimulus_set(identifier: str) -> Any:
    """Load a ``StimulusSet``; raises :class:`UnknownIdentifierError` or :class:`MissingDataError`."""
    return _load("stimulus_set", identifier)


def load_metric(identifier: str, *args: Any, **kwargs: Any) -> Any:
    """Load a ``Metric``, passing the arguments on; raises :class:`UnknownIdentifierError`."""
    return _load("metric", identifier, *args, **kwargs)


def _load(kind: str, identifier: str, *args: Any, **kwargs: Any) -> Any:
    require_identifier(kind, identifier)
    enable()
    import brainscore_vision

    return getattr(brainscore_vision, f"load_{kind}")(identifier, *args, **kwargs)
