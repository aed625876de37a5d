"""What all figures of a comparison look like: colours, marks, sizes, files.

Colours are those of Okabe and Ito, which colour-blind people can tell apart; families also differ in marker and line.
"""

import io
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from brainscore_realnet.comparison.comparison import Comparison, Matched, Measured
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
SUBJECT_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")
"""A subject has the same one in every panel."""


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


def head(figure: "Figure", title: str, simulated: bool) -> None:
    """Write a figure's title at its upper left, where it leaves room for the mark of simulated results."""
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    mark_simulated(figure, simulated)


def legend_below(figure: "Figure", handles: Sequence[Any]) -> None:
    """Write a legend below all panels, its entries row by row (matplotlib goes down its columns)."""
    longest = max(len(handle.get_label()) for handle in handles)
    columns = min(len(handles), max(1, int(72 * figure.get_figwidth() / (38 + 4.8 * longest))))
    ordered = [handle for column in range(columns) for handle in handles[column::columns]]
    figure.legend(handles=ordered, loc="outside lower center", ncols=columns, fontsize=8)


def broken_name(name: str, longest: int) -> str:
    """Break an identifier that is too long for its place at the hyphen nearest to its middle."""
    hyphens = [place + 1 for place, letter in enumerate(name) if letter == "-"]
    if len(name) <= longest or not hyphens:
        return name
    place = min(hyphens, key=lambda place: abs(place - len(name) / 2))
    return f"{name[:place]}\n{name[place:]}"


def p_text(p: float) -> str:
    """Write a p value as journals do: ``p = .031``, ``p < .001``."""
    return "p < .001" if p < 0.001 else f"p = {p:.3f}".replace("0.", ".", 1)


def file_stem(*words: str) -> str:
    """Join words to a file name, without ending, that every system takes."""
    return re.sub(r"[^A-Za-z0-9]+", "-", "-".join(words)).strip("-")


def table_rows(table: "DataFrame", **wanted: object) -> "DataFrame":
    """Select the rows of a table that hold what is wanted of their columns."""
    for column, value in wanted.items():
        table = table[table[column] == value]
    return table


def stars(q: float) -> str:
    """Give the marks of a corrected p value; none from .05."""
    return "*" * sum(q < level for level in (0.05, 0.01, 0.001))


def is_simulated(comparison: Comparison, *benchmarks: Measured) -> bool:
    """Whether recordings of these benchmarks, or any model scored on them, are simulated."""
    names = {benchmark.identifier for benchmark in benchmarks}
    return any(one.record["provenance"]["simulated"] for (_, name), one in comparison.scored.items() if name in names)


def about_benchmark(benchmark: Measured) -> str:
    """Sentence of a caption: which benchmark, how many images and subjects."""
    subjects = f"{len(benchmark.subjects)} subject{'s' * (len(benchmark.subjects) > 1)}"
    return f"{benchmark.identifier}: {benchmark.n_images} images, {subjects} of {benchmark.dataset}."


def about_matched(matched: Mapping[str, Matched]) -> str:
    """Sentence of a caption: which models were compared with whom, by family."""
    words = []
    for name, one in matched.items():
        models = "each subject's own model" if one.own else f"mean over {one.n_models} models"
        who = "one model" if one.n_models == 1 else models
        words.append(f"{name} ({who}, n = {len(one.subjects)} subject{'s' * (len(one.subjects) > 1)})")
    return f"{', '.join(words)}."


def about_tests(tests: "DataFrame", n: int, what: str = "* q < .05, ** q < .01, *** q < .001") -> str:
    """Sentence of a caption: what marks mean, from rows of the table of tests, or why there are none."""
    if tests.empty:
        return f"No test is run and nothing is marked: n = {n}, too few for one; look at every subject."
    sentences = (
        f"{row.test}, two-sided, n = {row.n} {row.unit}s, "
        f"{'uncorrected' if row.correction == 'none' else row.correction}"
        for row in tests[["test", "n", "unit", "correction"]].drop_duplicates().itertuples()
    )
    return f"{what}: {'; '.join(sentences)}."


def about_intervals(intervals: Iterable[Any]) -> str:
    """Sentence of a caption: how the 95 % intervals of a table were computed; empty where there are none."""
    found = dict.fromkeys(text for text in intervals if isinstance(text, str) and text)
    return f"Error bars: 95 % interval, {'; '.join(found)}." if found else ""


def caption(*sentences: str, simulated: bool = False) -> str:
    """Join the sentences of a caption that are not empty."""
    return " ".join(filter(None, (*sentences, f"{SIMULATED}." if simulated else "")))


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
