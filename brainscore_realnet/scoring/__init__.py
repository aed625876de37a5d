"""Use Brain-Score with this package's plugins: enable them, load any identifier, score models on benchmarks."""

from brainscore_realnet.scoring.enable import enable
from brainscore_realnet.scoring.loading import (
    load_benchmark,
    load_dataset,
    load_metric,
    load_model,
    load_stimulus_set,
)
from brainscore_realnet.scoring.scores import score

__all__ = ["enable", "load_benchmark", "load_dataset", "load_metric", "load_model", "load_stimulus_set", "score"]
