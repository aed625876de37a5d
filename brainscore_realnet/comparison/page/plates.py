"""Figures as a page shows them: inlined as far as the page's size allows, else linked."""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from brainscore_realnet.comparison.figures.style import Drawing
from brainscore_realnet.comparison.page.several import plural
from brainscore_realnet.errors import StoreError

SVG_BYTES = 200_000
"""Size from which a figure is inlined as PNG if that is smaller: PNGs do not grow with what is drawn."""

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
    """Data URI; empty where the figure is linked only"""
    simulated: bool
    files: tuple[tuple[str, str], ...]
    """Kind and address relative to the page, of the files beside it"""


def plates(drawings: Sequence[Drawing], files: Files, folder: Path, budget: int) -> list[Plate]:
    """Inline figures in the order in which they are given, the more important first, as long as there is room.

    Parameters
    ----------
    drawings : sequence of Drawing
    files : mapping of str to (Path, Path)
        PNG and SVG of each drawing by its name.
    folder : Path
        Of the page.
    budget : int
        Bytes that all images may take together; one that takes more than what is left is linked.

    Raises
    ------
    StoreError
        A figure's file cannot be read.
    """
    made, left = [], budget
    for place, drawing in enumerate(drawings, start=1):
        image = _image(*files[drawing.name], left)
        left -= len(image)
        made.append(
            Plate(
                identifier=f"figure-{place}",
                title=drawing.title,
                caption=drawing.caption,
                source=drawing.source,
                image=image,
                simulated=drawing.simulated,
                files=_links(files[drawing.name], folder),
            )
        )
    return made


def about_left_out(made: Sequence[Plate], limit: int) -> str:
    """Say which figures are linked only, and why; empty where all are shown."""
    numbers = [str(number) for number, plate in enumerate(made, start=1) if not plate.image]
    if not numbers:
        return ""
    which = f"{plural(len(numbers), 'Figure')} {', '.join(numbers)}"
    return (
        f"So that this page stays below {limit / 1e6:g} MB, figures are shown in the order of their importance, which "
        f"is that of their numbers, as long as there is room. {which}: only caption and links to the files beside the "
        "page."
    )


def _image(png: Path, svg: Path, most: int) -> str:
    """Give a figure as a data URI of at most so many bytes; empty where neither of its files is small enough."""
    drawn = _content(svg)
    as_svg = _svg_uri(drawn)
    if len(drawn) < SVG_BYTES and len(as_svg) <= most:
        return as_svg
    smaller = min(as_svg, f"data:image/png;base64,{base64.b64encode(_content(png)).decode()}", key=len)
    return smaller if len(smaller) <= most else ""


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
    found = [(path.suffix[1:].upper(), os.path.relpath(path.absolute(), folder.absolute())) for path in pair]
    return tuple((kind, quote(Path(place).as_posix())) for kind, place in found if not place.startswith(os.pardir))
