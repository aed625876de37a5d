"""A score as a plain record: what ``brainscore score --json`` writes.

model, benchmark, score, raw, error, error_over, error_stimulus,
ceiling {lower, upper, n_subjects}, areas {area: {raw, peak_time (seconds)}},
matched_subject {subject, raw, score} for a personal model,
values {dims, coords, data} (subject × area × time), ceiling_course {dims, coords, data} (bound × time), provenance
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
        "areas": None if values is None else _areas(values),
        "matched_subject": _matched_subject(score),
        "values": None if values is None else _array(values),
        "ceiling_course": None if course is None else _array(course),
        "provenance": attrs["provenance"],
    }


def _number(value: Any) -> float | None:
    """Plain number; None for what is not given, not defined (JSON has no NaN) or, from upstream, not one number."""
    if value is None or np.size(value) != 1 or np.isnan(value).any():
        return None
    return float(value)


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


def _areas(values: Any) -> dict[str, dict[str, float]]:
    """Mean similarity in the window, and the time of the maximum of the mean over subjects, of each area."""
    times = values["time"].values
    return {
        str(area): {
            "raw": float(course[values["in_window"].values].mean()),
            "peak_time": float(times[course.argmax()]),
        }
        for area, course in zip(values["area"].values, values.mean("subject").values, strict=True)
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
    raw = float(values.sel(subject=subject).values[:, values["in_window"].values].mean())
    return {"subject": subject, "raw": raw, "score": raw / float(score.attrs["ceiling"])}
