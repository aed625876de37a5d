"""A score as a plain record: what ``brainscore score --json`` writes.

model, benchmark, score, raw, error, error_over, error_stimulus,
ceiling {lower, upper, n_subjects}, peak_time {area: seconds},
matched_subject {subject, raw, score} for a personal model,
values {dims, coords, data}, ceiling_course {dims, coords, data}, provenance
"""

from typing import Any

import numpy as np


def as_record(score: Any) -> dict[str, Any]:
    """Turn a Score of :func:`brainscore_realnet.score` into plain values; what a benchmark does not give is None."""
    attrs = score.attrs
    ceiling = attrs.get("ceiling")
    values, course = attrs.get("values"), attrs.get("ceiling_course")
    return {
        "model": attrs["model_identifier"],
        "benchmark": attrs["benchmark_identifier"],
        "score": _number(score),
        "raw": _number(attrs.get("raw")),
        "ceiling": None if ceiling is None else _ceiling(ceiling),
        "error": _number(attrs.get("error")),
        "error_over": attrs.get("error_over"),
        "error_stimulus": _number(attrs.get("error_stimulus")),
        "peak_time": None if values is None else _peak_times(values),
        "matched_subject": _matched_subject(score),
        "values": None if values is None else _array(values),
        "ceiling_course": None if course is None else _array(course),
        "provenance": attrs["provenance"],
    }


def _number(value: Any) -> float | None:
    """Plain number; None for what is not given or not defined, because JSON has no NaN."""
    return None if value is None or np.isnan(float(value)) else float(value)


def _ceiling(ceiling: Any) -> dict[str, float | int | None]:
    return {
        "lower": _number(ceiling.attrs.get("lower")),
        "upper": _number(ceiling.attrs.get("upper", ceiling)),
        "n_subjects": ceiling.attrs.get("n_subjects"),
    }


def _array(values: Any) -> dict[str, Any]:
    coords = {dim: values[dim].values.tolist() for dim in values.dims}
    return {"dims": list(values.dims), "coords": coords, "data": _numbers(values.values)}


def _numbers(values: np.ndarray) -> list[Any]:
    plain = values.astype(object)
    plain[np.isnan(values)] = None
    return plain.tolist()


def _peak_times(values: Any) -> dict[str, float]:
    """Time of the maximum of each area's mean over subjects, seconds."""
    mean = values.mean("subject")
    return {
        str(area): float(values["time"].values[mean.sel(area=area).argmax().item()]) for area in values["area"].values
    }


def _matched_subject(score: Any) -> dict[str, Any] | None:
    """Score of a personal model on the subject that it was trained on: the papers' number."""
    origin, values = score.attrs["provenance"]["model"]["origin"], score.attrs.get("values")
    trained_on = origin.get("trained_on") if isinstance(origin, dict) else None
    benchmark = score.attrs["provenance"]["benchmark"]
    if not trained_on or values is None or trained_on.get("dataset") != benchmark.get("dataset"):
        return None
    subject = trained_on.get("subject")
    if subject not in values["subject"].values:
        return None
    first, last = benchmark["options"]["window"]
    # Labels are rounded to samples: half a microsecond of slack includes the window's edges.
    in_window = values.sel(subject=subject, time=slice(first - 5e-7, last + 5e-7))
    raw = float(in_window.mean())
    return {"subject": subject, "raw": raw, "score": raw / float(score.attrs["ceiling"])}
