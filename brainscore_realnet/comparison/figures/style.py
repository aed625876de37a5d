"""What all figures of a comparison look like: colours, marks, sizes, files.

Colours are those of Okabe and Ito, which colour-blind people can tell apart; families also differ in marker and line.
"""

import functools
import io
import re
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.store.atomic import atomic_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

_Arguments = ParamSpec("_Arguments")
_Drawn = TypeVar("_Drawn")

Tables = Mapping[str, "DataFrame"]
"""Name in `schema.TABLES` to its table."""

MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
BASELINE_COLOURS = ("0.4", "0.65", "0.25", "0.8")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":")
HATCHES = ("", "////", "....", "xxxx")
"""Of bars: each time that the colours begin again."""
SUBJECT_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
"""A subject has the same one in every panel."""

SIMULATED = "SIMULATED: virtual subjects or models; this says nothing about brains"
DPI = 150
_PER_INCH = 12.0  # letters of a figure's title

_SETTINGS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9.5,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "svg.fonttype": "none",  # text stays text: small files that can be searched
    "svg.hashsalt": "brainscore_realnet",  # the same bytes from the same figure
}


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure and what is said about it."""

    name: str
    """Of its files, without ending"""
    title: str
    caption: str
    """What is shown, n, the errors' definition, and how marks were tested"""
    figure: "Figure"
    source: str = ""
    """Figure of a paper that it corresponds to, such as ``R24 Fig. 2A``"""
    simulated: bool = False
    """Whether anything that it shows is simulated"""


@dataclass(frozen=True)
class Look:
    """How a family is drawn everywhere."""

    colour: str
    marker: str
    line: str
    hatch: str = ""
    """Of its bars"""

    @property
    def bar(self) -> dict[str, Any]:
        """Arguments of `Axes.bar`."""
        return {"color": self.colour, "alpha": 0.75, "hatch": self.hatch, "edgecolor": "white", "linewidth": 0}


def looks(comparison: Comparison) -> dict[str, Look]:
    """Give every family its look, by name: baselines are grey.

    Families whose colours repeat differ in marker, line and hatch.
    """
    return {
        family.name: _look(place, colours)
        for families, colours in ((comparison.models, MODEL_COLOURS), (comparison.baselines, BASELINE_COLOURS))
        for place, family in enumerate(families)
    }


def _look(place: int, colours: Sequence[str]) -> Look:
    turn, colour = divmod(place, len(colours))
    line = LINES[(place + turn) % len(LINES)]
    return Look(colours[colour], MARKERS[place % len(MARKERS)], line, HATCHES[turn % len(HATCHES)])


def new_figure(width: float, height: float, **arguments: Any) -> "Figure":
    """Make a figure of so many inches, without pyplot's global state."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained", **arguments)
        FigureCanvasAgg(figure)
    return figure


def styled(draw: Callable[_Arguments, _Drawn]) -> Callable[_Arguments, _Drawn]:
    """Decorate a function that draws: the settings hold while it runs."""

    @functools.wraps(draw)
    def wrapper(*arguments: _Arguments.args, **options: _Arguments.kwargs) -> _Drawn:
        import matplotlib

        with matplotlib.rc_context(_SETTINGS):
            return draw(*arguments, **options)

    return wrapper


def mark_simulated(figure: "Figure", simulated: bool) -> None:
    """Say on the figure itself that what it shows is simulated."""
    if simulated:
        figure.text(0.995, 0.995, "SIMULATED", ha="right", va="top", color="#B3261E", fontsize=9, fontweight="bold")


def window_edges(benchmark: Measured) -> tuple[float, float]:
    """Give the first and last of the times, in milliseconds, that an EEG score is the mean of."""
    inside = 1000 * benchmark.times[benchmark.in_score]
    return float(inside[0]), float(inside[-1])


def shade_window(axis: "Axes", benchmark: Measured) -> None:
    """Shade the window of an EEG score; the axis is in milliseconds."""
    axis.axvspan(*window_edges(benchmark), color="0.94", zorder=0, linewidth=0)


def head(figure: "Figure", title: str, simulated: bool) -> None:
    """Write a figure's title at its upper left, where it leaves room for the mark of simulated results."""
    words = textwrap.fill(title, int(_PER_INCH * (figure.get_figwidth() - 0.9 * simulated)))
    figure.suptitle(words, x=0.01, ha="left", fontsize=10)
    mark_simulated(figure, simulated)


def legend_below(figure: "Figure", handles: Sequence[Any]) -> None:
    """Write a legend below all panels, its entries row by row (matplotlib goes down its columns)."""
    longest = max(len(handle.get_label()) for handle in handles)
    columns = min(len(handles), max(1, int(72 * figure.get_figwidth() / (38 + 4.8 * longest))))
    ordered = [handle for column in range(columns) for handle in handles[column::columns]]
    figure.legend(handles=ordered, loc="outside lower center", ncols=columns, fontsize=8)


def broken_name(name: str, longest: int) -> str:
    """Break an identifier into lines that are no longer than wanted, where it has one of the letters ``-_.:/``."""
    lines = [""]
    for piece in re.findall(r"[^-_.:/]*[-_.:/]|[^-_.:/]+", name):
        if lines[-1] and len(lines[-1] + piece) > longest:
            lines.append("")
        lines[-1] += piece
    return "\n".join(lines)


def slanted_labels(axis: "Axes", labels: Sequence[str], rotation: float = 40) -> None:
    """Name the places 0, 1, … of the horizontal axis by slanted labels that end at them."""
    axis.set_xticks(range(len(labels)), labels, rotation=rotation)
    axis.tick_params(axis="x", labelsize=7.5)
    for label in axis.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor")


def file_stem(*words: str) -> str:
    """Join words to a file name, without ending, that every system takes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", "-".join(words)).strip("-")


def save(drawing: Drawing, folder: Path) -> tuple[Path, Path]:
    """Write a drawing as PNG and SVG, each whole or not at all, and give their paths; raises StoreError."""
    paths = folder / f"{drawing.name}.png", folder / f"{drawing.name}.svg"
    for path in paths:
        content = encoded(drawing.figure, path.suffix[1:])
        drawing.figure.set_layout_engine("none")  # the second file is laid out as the first
        with atomic_file(path) as part:
            part.write_bytes(content)
    return paths


def encoded(figure: "Figure", kind: str) -> bytes:
    """Give the content of a figure's file, ``png`` or ``svg``: the same bytes whenever it is written."""
    import matplotlib

    content, is_svg = io.BytesIO(), kind == "svg"
    with matplotlib.rc_context(_SETTINGS):
        figure.savefig(content, format=kind, dpi=DPI, metadata={"Date": None} if is_svg else {})
    # Coordinates are cut to a hundredth of a point: finer digits, which nobody sees, are a third of a file.
    return _COORDINATES.sub(_cut, content.getvalue()) if is_svg else content.getvalue()


_COORDINATES = re.compile(rb' (?:d|x|y)="[^"]*"')


def _cut(found: re.Match[bytes]) -> bytes:
    return re.sub(rb"(\.\d\d)\d+", rb"\1", found[0])
