"""What all figures of a comparison look like: colours, marks, sizes, files.

Colours are those of Okabe and Ito, which colour-blind people can tell apart; families also differ in marker and line.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.store.atomic import atomic_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from pandas import DataFrame

Tables = Mapping[str, "DataFrame"]
"""Name in `schema.TABLES` to its table."""

AREA_COLOURS = {"V1": "#0072B2", "V2": "#009E73", "V4": "#E69F00", "IT": "#D55E00", "readout": "#CC79A7"}
MODEL_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
BASELINE_COLOURS = ("0.35", "0.6", "0.15", "0.75")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
LINES = ("-", "--", "-.", ":")

SIMULATED = "SIMULATED: virtual subjects or models; this says nothing about brains"
DPI = 150

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


@dataclass(frozen=True)
class Look:
    """How a family is drawn everywhere."""

    colour: str
    marker: str
    line: str


def looks(comparison: Comparison) -> dict[str, Look]:
    """Give every family its look, by name: baselines are grey."""
    return {
        family.name: Look(colours[place % len(colours)], MARKERS[place % len(MARKERS)], LINES[place % len(LINES)])
        for families, colours in ((comparison.models, MODEL_COLOURS), (comparison.baselines, BASELINE_COLOURS))
        for place, family in enumerate(families)
    }


def new_figure(width: float, height: float, **arguments: Any) -> "Figure":
    """Make a figure of so many inches, without pyplot's global state."""
    import matplotlib
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=(width, height), layout="constrained", **arguments)
        FigureCanvasAgg(figure)
    return figure


def styled(draw: Any) -> Any:
    """Decorate a function that draws: the settings hold while it runs."""
    import functools

    @functools.wraps(draw)
    def wrapper(*arguments: Any, **options: Any) -> Any:
        import matplotlib

        with matplotlib.rc_context(_SETTINGS):
            return draw(*arguments, **options)

    return wrapper


def mark_simulated(figure: "Figure", simulated: bool) -> None:
    """Say on the figure itself that what it shows is simulated."""
    if simulated:
        figure.text(0.995, 0.995, "SIMULATED", ha="right", va="top", color="#B3261E", fontsize=9, fontweight="bold")


def shade_window(axis: "Axes", benchmark: Measured) -> None:
    """Shade the time points that an EEG score is the mean of; the axis is in milliseconds."""
    inside = 1000 * benchmark.times[benchmark.in_score]
    axis.axvspan(inside[0], inside[-1], color="0.94", zorder=0, linewidth=0)


def save(drawing: Drawing, folder: Path) -> tuple[Path, Path]:
    """Write a drawing as PNG and SVG, each whole or not at all, and give their paths; raises StoreError."""
    import matplotlib

    paths = folder / f"{drawing.name}.png", folder / f"{drawing.name}.svg"
    with matplotlib.rc_context(_SETTINGS):
        for path in paths:
            content = io.BytesIO()
            metadata = {"Date": None} if path.suffix == ".svg" else {}
            drawing.figure.savefig(content, format=path.suffix[1:], dpi=DPI, metadata=metadata)
            with atomic_file(path) as part:
                part.write_bytes(content.getvalue())
    return paths
