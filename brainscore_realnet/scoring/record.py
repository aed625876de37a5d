"""A score as a plain record: what ``brainscore score --json`` writes.

model, benchmark, score, raw, error, error_over, error_stimulus,
ceiling {lower, upper, n_subjects}, caveat (what the ceiling of few subjects cannot tell),
areas {area: {raw, peak_time (seconds)}} of EEG, rois {roi: {raw, area, lower, upper}} of fMRI,
subjects {subject: raw}, matched_subject {subject, raw, score} for a personal model,
values {dims, coords, data} (subject × area × time or roi), in_window [bool of each time] of EEG,
scored_values {dims, coords, data} (subject × time or roi, after the choice of areas),
ceiling_values {dims, coords, data} (bound × time or roi),
provenance
"""

from typing import Any

import numpy as np

from brainscore_realnet.datasets.things_eeg2 import parent_of


def as_record(score: Any) -> dict[str, Any]:
    """Turn a Score of :func:`brainscore_realnet.score` into plain values; what a benchmark does not give is None."""
    attrs = score.attrs
    ceiling = attrs.get("ceiling")
    values, bounds = attrs.get("values"), attrs.get("ceiling_values")
    dims = () if values is None else values.dims
    return {
        "model": attrs["model_identifier"],
        "benchmark": attrs["benchmark_identifier"],
        "score": _number(score),
        "raw": _number(attrs.get("raw")),
        "ceiling": None if ceiling is None else _ceiling(ceiling),
        "error": _number(attrs.get("error")),
        "error_over": attrs.get("error_over"),
        "error_stimulus": _number(attrs.get("error_stimulus")),
        "caveat": attrs.get("caveat"),
        "areas": _areas(values) if "time" in dims else None,
        "rois": _rois(score) if "roi" in dims else None,
        "subjects": _subjects(attrs.get("scored_values")),
        "matched_subject": _matched_subject(score),
        "values": None if values is None else _array(values),
        "in_window": values["in_window"].values.tolist() if "time" in dims else None,
        "scored_values": None if values is None else _array(attrs["scored_values"]),
        "ceiling_values": None if bounds is None else _array(bounds),
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


def _rois(score: Any) -> dict[str, dict[str, Any]]:
    """Similarity of each region averaged over subjects, the model's area that it was most compared with, the bounds."""
    scored, weights, bounds = (score.attrs[name] for name in ("scored_values", "weights", "ceiling_values"))
    chosen = weights.mean("subject").argmax("area")
    return {
        str(roi): {
            "raw": float(scored.sel(roi=roi).mean("subject")),
            "area": str(weights["area"].values[int(chosen.sel(roi=roi))]),
            **{bound: _number(bounds.sel(roi=roi, bound=bound).values) for bound in ("lower", "upper")},
        }
        for roi in scored["roi"].values
    }


def _subjects(scored: Any) -> dict[str, float] | None:
    """Raw value of each subject: the mean over regions, or over the time points in the window."""
    if scored is None:
        return None
    if "in_window" in scored.coords:
        scored = scored.isel(time=scored["in_window"].values)
    return {str(subject): float(scored.sel(subject=subject).mean()) for subject in scored["subject"].values}


def _matched_subject(score: Any) -> dict[str, Any] | None:
    """Score of a personal model on the subject that it was trained on: the papers' number."""
    origin, of_subject = score.attrs["provenance"]["model"]["origin"], _subjects(score.attrs.get("scored_values"))
    trained_on = origin.get("trained_on") if isinstance(origin, dict) else None
    benchmark = score.attrs["provenance"]["benchmark"]
    if not trained_on or of_subject is None or "dataset" not in benchmark:
        return None
    if parent_of(trained_on.get("dataset", "")) != parent_of(benchmark["dataset"]):
        return None
    subject = trained_on.get("subject")
    if subject not in of_subject:
        return None
    raw = of_subject[subject]
    return {"subject": subject, "raw": raw, "score": raw / float(score.attrs["ceiling"])}
