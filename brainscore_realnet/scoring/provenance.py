"""Where a score came from: identifiers, hashes, versions, hardware, timings."""

from datetime import UTC, datetime
from typing import Any

from brainscore_realnet.store.versions import machine, versions


def provenance(model: Any, benchmark: Any, score: Any, seconds: dict[str, float]) -> dict[str, Any]:
    """Collect, as plain values that JSON can express, what a score depended on.

    Parameters
    ----------
    model : BrainModel
    benchmark : Benchmark
    score : Score
        As the benchmark returned it.
    seconds : dict
        Durations of the run's parts.
    """
    activations_model: Any = getattr(model, "activations_model", None)
    origin = getattr(activations_model, "origin", "chosen by the model's own plugin")
    return {
        "model": {
            "identifier": model.identifier,
            "visual_degrees": model.visual_degrees(),
            "layers": _layers(model),
            "origin": origin,
            "weights_sha256": activations_model.weights_hash() if hasattr(activations_model, "weights_hash") else None,
            "device": getattr(activations_model, "device", None),
        },
        "benchmark": {
            "identifier": benchmark.identifier,
            "version": benchmark.version,
            "parent": getattr(benchmark, "parent", None),
            "formula": score.attrs.get("formula"),
            **score.attrs.get("benchmark_provenance", {}),
        },
        "simulated": model.identifier.startswith("sim-") or _is_simulated(origin, score),
        "versions": versions(),
        "machine": machine(),
        "seconds": {part: round(duration, 3) for part, duration in seconds.items()},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _is_simulated(origin: Any, score: Any) -> bool:
    """Whether the model was simulated, trained on simulated data, or scored on simulated data."""
    if score.attrs.get("benchmark_provenance", {}).get("simulated", False):
        return True
    if not isinstance(origin, dict):
        return False
    trained_on = (origin.get("trained_on") or {}).get("dataset", "")
    return bool(origin.get("simulated")) or trained_on.startswith("sim-")


def _layers(model: Any) -> dict[str, str] | None:
    region_layer_map = getattr(getattr(model, "layer_model", None), "region_layer_map", None)
    return {region: str(layer) for region, layer in region_layer_map.items()} if region_layer_map else None
