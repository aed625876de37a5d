"""Scores, times and sizes as text for the terminal."""

import textwrap
from collections.abc import Sequence
from typing import Any

WIDTH = 100
"""Columns that longer text is wrapped at."""


def score_table(record: dict[str, Any]) -> str:
    """Lay a record of ``scoring.record.as_record`` out as text."""
    rows = [
        ("score", f"{figure(record['score'])} ± {figure(record['error'])}{_over(record)}"),
        ("raw", figure(record["raw"])),
        ("ceiling", _ceiling(record["ceiling"])),
    ]
    if record["error_stimulus"] is not None:
        rows.append(("± over stimuli", f"{figure(record['error_stimulus'])} (bootstrap)"))
    for area, found in (record["areas"] or {}).items():
        rows.append((f"  {area}", f"{figure(found['raw'])}, peak at {1000 * found['peak_time']:.0f} ms"))
    for roi, found in (record["rois"] or {}).items():
        bounds = f"{figure(found['lower'])} – {figure(found['upper'])}"
        mostly = "mostly " * (record["provenance"]["benchmark"]["options"]["area"] == "cv")
        rows.append((f"  {roi}", f"{figure(found['raw'])} with {mostly}area {found['area']}, ceiling {bounds}"))
    if record["caveat"]:
        rows += [(f"  {subject}", f"raw {figure(value)}") for subject, value in record["subjects"].items()]
    if record["matched_subject"]:
        matched = record["matched_subject"]
        rows.append(
            ("own subject", f"{matched['subject']}: score {figure(matched['score'])}, raw {figure(matched['raw'])}")
        )
    rows += _sources(record["provenance"])
    width = max(len(name) for name, _ in rows)
    title = f"{record['model']} on {record['benchmark']}"
    marks = [title, "=" * len(title)]
    if record["provenance"]["simulated"]:
        marks.insert(0, "SIMULATED: virtual subjects or models; this says nothing about brains.")
    caveat = textwrap.wrap(record["caveat"], WIDTH) if record["caveat"] else []
    return "\n".join([*marks, *(f"{name:<{width}}  {text}" for name, text in rows), *caveat])


def laid_out(rows: Sequence[Sequence[str]]) -> str:
    """Lay rows of cells out in columns, indented."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)) for row in rows)
    return "\n".join(f"  {line}".rstrip() for line in lines)


def figure(value: float | None) -> str:
    """Lay a similarity out; "-" for none."""
    return "-" if value is None or value != value else f"{value:.4f}"


def _over(record: dict[str, Any]) -> str:
    return f" (SEM over {', '.join(record['error_over'])}s)" if record["error_over"] == ["subject"] else ""


def _ceiling(ceiling: dict[str, Any] | None) -> str:
    if ceiling is None:
        return "-"
    subjects = (
        ""
        if ceiling["n_subjects"] is None
        else f" ({ceiling['n_subjects']} subject{'s' * (ceiling['n_subjects'] > 1)})"
    )
    return f"{figure(ceiling['lower'])} – {figure(ceiling['upper'])}{subjects}"


def _sources(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    origin, benchmark = provenance["model"]["origin"], provenance["benchmark"]
    weights = origin["weights"] if isinstance(origin, dict) else origin
    sha256 = provenance["model"]["weights_sha256"]
    rows = [("weights", f"{weights}{f' (sha256 {sha256[:12]})' if sha256 else ''}")]
    if "stimulus_set" in benchmark:
        rows.append(("data", f"{benchmark['dataset']}, {benchmark['n_stimuli']} images ({benchmark['stimulus_set']})"))
    timing = ", ".join(f"{part} {seconds:.1f} s" for part, seconds in provenance["seconds"].items())
    return [*rows, ("time", timing)]


def duration(seconds: float) -> str:
    """Lay a time out in the unit that suits it."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def size(n_bytes: float) -> str:
    """Lay a number of bytes out in the unit that suits it."""
    unit, name = next((one for one in ((1e9, "GB"), (1e6, "MB")) if n_bytes >= one[0]), (1e3, "kB"))
    return f"{n_bytes / unit:.2f} {name}"
