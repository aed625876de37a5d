"""The page of a comparison: one file without a network, from the scores, tables and figures.

Everything is inlined: style, script, data and figures. The same input gives the same bytes.
"""

import base64
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import quote

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures.style import SIMULATED, Drawing, Tables, looks
from brainscore_realnet.comparison.page.courses import Course, time_courses
from brainscore_realnet.comparison.page.methods import Section, methods
from brainscore_realnet.comparison.page.rows import table_of_families, table_of_models
from brainscore_realnet.comparison.settings import ALPHA, Settings
from brainscore_realnet.errors import StoreError
from brainscore_realnet.store.atomic import write_text
from brainscore_realnet.store.versions import versions

SVG_BYTES = 200_000
"""Size from which a figure is inlined as PNG if that is smaller: PNGs do not grow with what is drawn."""

SHOWN_ROWS = 20
"""Rows of a section of the methods beyond which they are folded away."""

SHOWN_HASHES = 1
"""Hashes of a section beyond which these are folded away by themselves."""

Files = Mapping[str, tuple[Path, Path]]
"""Name of a drawing to its PNG and SVG."""


@dataclass(frozen=True)
class Plate:
    """A figure as the page shows it."""

    identifier: str
    title: str
    caption: str
    source: str
    image: str
    """Data URI"""
    simulated: bool
    files: tuple[tuple[str, str], ...]
    """Kind and address relative to the page, of the files beside it"""


def write_page(
    path: str | Path,
    comparison: Comparison,
    tables: Tables,
    drawings: Sequence[Drawing],
    files: Files,
    summaries: Sequence[str],
    settings: "Settings",
) -> None:
    """Write a comparison as one HTML file, whole or not at all.

    Parameters
    ----------
    path : str or Path
        ``index.html`` in the folder of the comparison; it links to ``results.json`` and ``results.csv`` there.
    comparison : Comparison
    tables : mapping of str to DataFrame
        As `schema.TABLES`.
    drawings : sequence of Drawing
        In the order in which they are shown.
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
    from markupsafe import Markup

    path = Path(path)
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    courses = time_courses(comparison, tables)
    finished = sorted(one.record["provenance"]["finished"] for one in comparison.scored.values())
    text = environment.from_string(_read("template.html")).render(
        title=_title(comparison),
        simulated=SIMULATED if comparison.simulated else None,
        partly=not all(one.record["provenance"]["simulated"] for one in comparison.scored.values()),
        benchmarks=[one.identifier for one in comparison.benchmarks],
        n_models=len({model for model, _ in comparison.scored}),
        first_day=finished[0][:10],
        last_day=finished[-1][:10],
        version=versions()["brainscore_realnet"],
        summaries=summaries,
        page_tables=(table_of_families(comparison, tables), table_of_models(comparison, tables)),
        courses=courses,
        plates=_plates(drawings, files, path.parent),
        methods=methods(comparison, tables, settings),
        fold=_fold,
        models=[family.name for family in comparison.models],
        baselines=[family.name for family in comparison.baselines],
        alpha=f"{ALPHA:g}".removeprefix("0"),
        style=Markup(_read("page.css")),
        script=Markup(_read("page.js")),
        data=Markup(_as_json(comparison, courses)),
    )
    write_text(path, text)


def _title(comparison: Comparison) -> str:
    models, baselines = ([one.name for one in side] for side in (comparison.models, comparison.baselines))
    return _joined(models) + (f" compared with {_joined(baselines)}" if baselines else "")


def _joined(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last


def _as_json(comparison: Comparison, courses: list[Course]) -> str:
    """Give what the script draws, such that no text in it can end the element that it stands in."""
    data = {"courses": courses, "lines": {name: look.line for name, look in looks(comparison).items()}}
    return json.dumps(data, ensure_ascii=False, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")


def _plates(drawings: Sequence[Drawing], files: Files, folder: Path) -> list[Plate]:
    return [
        Plate(
            identifier=f"figure-{place}",
            title=drawing.title,
            caption=drawing.caption,
            source=drawing.source,
            image=_image(*files[drawing.name]),
            simulated=_is_marked(drawing),
            files=_links(files[drawing.name], folder),
        )
        for place, drawing in enumerate(drawings, start=1)
    ]


def _fold(section: Section) -> list[tuple[str, list[tuple[str, str]]]]:
    """Divide the rows of a section of the methods: what they are folded under, empty where they are shown."""
    hashes = [row for row in section.rows if "sha256" in row[0]]
    hashes = hashes if len(hashes) > SHOWN_HASHES else []
    others = [row for row in section.rows if row not in hashes]
    divided = [(f"{len(others)} values" if len(others) > SHOWN_ROWS else "", others), (f"{len(hashes)} hashes", hashes)]
    return [(name, rows) for name, rows in divided if rows]


def _is_marked(drawing: Drawing) -> bool:
    """Whether the figure itself says that it is simulated: `figures.style.mark_simulated`."""
    return any("SIMULATED" in text.get_text() for text in drawing.figure.texts)


def _image(png: Path, svg: Path) -> str:
    """Give a figure as a data URI."""
    drawn = _content(svg)
    as_svg = _svg_uri(drawn)
    if len(drawn) < SVG_BYTES:
        return as_svg
    return min(as_svg, f"data:image/png;base64,{base64.b64encode(_content(png)).decode()}", key=len)


def _svg_uri(content: bytes) -> str:
    # Per cent signs are shorter than base64 for text; line ends would be dropped from an address.
    return f"data:image/svg+xml,{quote(' '.join(content.decode().split(chr(10))), safe=' /:;=,()!*+-._~@$?[]{}|^')}"


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise StoreError(
            f"Got {path}, which cannot be read ({error.strerror}): expected a figure that was just written. Check the "
            "folder and compare again."
        ) from error


def _links(pair: tuple[Path, Path], folder: Path) -> tuple[tuple[str, str], ...]:
    """Address the files beside the page; those elsewhere are left out, since the folder may be moved."""
    found: list[tuple[str, Any]] = [
        (path.suffix[1:].upper(), os.path.relpath(path.absolute(), folder.absolute())) for path in pair
    ]
    return tuple((kind, quote(Path(place).as_posix())) for kind, place in found if not place.startswith(os.pardir))


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
