"""The page of a comparison: one file without a network, from the scores, tables and figures.

Everything is inlined: style, script, data and figures. The same input gives the same bytes.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures.style import (
    BASELINE_COLOURS,
    MODEL_COLOURS,
    SIMULATED,
    Drawing,
    Tables,
    looks,
)
from brainscore_realnet.comparison.page.courses import Course, time_courses
from brainscore_realnet.comparison.page.methods import methods
from brainscore_realnet.comparison.page.plates import Files, about_left_out, plates
from brainscore_realnet.comparison.page.rows import table_of_families, table_of_models
from brainscore_realnet.comparison.page.sections import Section
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.store.atomic import write_text
from brainscore_realnet.store.versions import versions

SHOWN_ROWS = 20
"""Rows of a section of the methods beyond which they are folded away."""

SHOWN_HASHES = 1
"""Hashes of a section beyond which these are folded away by themselves."""

PAGE_BYTES = 3_000_000
"""Size that the page keeps to: figures beyond it are links, the last ones first."""

SIMULATED_PRINT = """
@page { @top-right { content: "SIMULATED"; color: #a3211a; font: 700 9pt sans-serif; letter-spacing: .1em; } }
"""
"""Style that says on every printed page that it is simulated."""

_AROUND_IMAGE = 1000  # bytes of the elements around an image, its title among them


def write_page(
    path: str | Path,
    comparison: Comparison,
    tables: Tables,
    drawings: Sequence[Drawing],
    files: Files,
    summaries: Sequence[str],
    settings: Settings,
) -> None:
    """Write a comparison as one HTML file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        ``index.html`` in the folder of the comparison; it links to the results there.
    comparison : Comparison
    tables : mapping of str to DataFrame
        As `schema.TABLES`.
    drawings : sequence of Drawing
        In the order in which they are shown, which is that of their importance: the last ones are linked where the page
        would be larger than `PAGE_BYTES`.
    files : mapping of str to (Path, Path)
        PNG and SVG of each drawing by its name, as `figures.style.save` wrote them.
    summaries : sequence of str
        One sentence a family.
    settings : Settings
        What the statistics were computed with.

    Raises
    ------
    StoreError
        A figure's file cannot be read, or the page cannot be written.
    """
    import jinja2

    path = Path(path)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    template, about = environment.from_string(_read("template.html")), _about(comparison, tables, summaries, settings)

    def render(budget: int) -> str:
        shown = plates(drawings, files, path.parent, budget)
        return template.render(**about, plates=shown, left_out=about_left_out(shown, PAGE_BYTES))

    bare = len(render(0).encode())
    write_text(path, render(PAGE_BYTES - bare - _AROUND_IMAGE * len(drawings)))


def _about(comparison: Comparison, tables: Tables, summaries: Sequence[str], settings: Settings) -> dict[str, Any]:
    """Give everything but the figures that the template asks for."""
    from markupsafe import Markup

    courses = time_courses(comparison, tables)
    finished = sorted(one.record["provenance"]["finished"] for one in comparison.scored.values())
    style = _read("page.css") + (SIMULATED_PRINT if comparison.simulated else "")
    script = _read("page.js")
    return {
        "title": _title(comparison),
        "simulated": SIMULATED if comparison.simulated else None,
        "partly": not all(one.record["provenance"]["simulated"] for one in comparison.scored.values()),
        "benchmarks": [one.identifier for one in comparison.benchmarks],
        "n_models": len({model for model, _ in comparison.scored}),
        "first_day": finished[0][:10],
        "last_day": finished[-1][:10],
        "version": versions()["brainscore_realnet"],
        "summaries": summaries,
        "page_tables": (table_of_families(comparison, tables), table_of_models(comparison, tables)),
        "courses": courses,
        "methods": methods(comparison, tables, settings),
        "fold": _fold,
        "models": [family.name for family in comparison.models],
        "baselines": [family.name for family in comparison.baselines],
        "style": Markup(style),
        "style_hash": _hash(style),
        "script": Markup(script),
        "script_hash": _hash(script),
        "data": Markup(_as_json(comparison, courses)),
    }


def _hash(text: str) -> str:
    """Give the source by which a content security policy allows an element with this text, and no other."""
    return f"sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}"


def _title(comparison: Comparison) -> str:
    models, baselines = ([one.name for one in side] for side in (comparison.models, comparison.baselines))
    return _joined(models) + (f" compared with {_joined(baselines)}" if baselines else "")


def _joined(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _as_json(comparison: Comparison, courses: list[Course]) -> str:
    """Give what the script draws, such that no text in it can end the element that it stands in."""
    data = {
        "courses": courses,
        "lines": {name: look.line for name, look in looks(comparison).items()},
        "colours": {"model": len(MODEL_COLOURS), "baseline": len(BASELINE_COLOURS)},
    }
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _fold(section: Section) -> list[tuple[str, list[tuple[str, str]]]]:
    """Divide the rows of a section of the methods: what they are folded under, empty where they are shown."""
    hashes = [row for row in section.rows if "sha256" in row[0]]
    hashes = hashes if len(hashes) > SHOWN_HASHES else []
    others = [row for row in section.rows if row not in hashes]
    divided = [(f"{len(others)} values" if len(others) > SHOWN_ROWS else "", others), (f"{len(hashes)} hashes", hashes)]
    return [(name, rows) for name, rows in divided if rows]


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
