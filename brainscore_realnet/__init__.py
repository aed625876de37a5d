"""Brain-aligned vision models and EEG/fMRI representational-similarity benchmarks for Brain-Score.

``score("realnet-eeg-sub01", "ThingsEEG2-rsa")`` is the whole of it; ``enable()`` makes the stock
``brainscore_vision.load_*`` functions find this package's models, benchmarks, data and metrics. Everything is imported
on first use: importing the package itself costs nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from brainscore_realnet.scoring import (
        enable,
        load_benchmark,
        load_dataset,
        load_metric,
        load_model,
        load_stimulus_set,
        score,
    )

__all__ = ["enable", "load_benchmark", "load_dataset", "load_metric", "load_model", "load_stimulus_set", "score"]
__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from brainscore_realnet import scoring

    return getattr(scoring, name)
