"""Rank-transformed RDMs of recordings and models, side by side."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.families import Family
from brainscore_realnet.comparison.figures.captions import about_benchmark, caption, counted, over_subjects
from brainscore_realnet.comparison.figures.rows import is_simulated
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Tables,
    broken_name,
    file_stem,
    head,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

MOST_SHOWN = 100
"""Images up to which each is shown. Of more, a screen or a page shows no single cell, and files become large."""
MOST_FAMILIES = 6
"""Rows of a figure; further families come on figures of their own."""
MOST_CELLS = 180_000
"""Of all RDMs of a figure: they do not compress, and files become large."""
STEPS = 10
"""Colours: deciles; with fewer colours, files are smaller."""
PANEL = 1.2
"""Width of an RDM in inches."""


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw the RDMs of each benchmark's recordings and of every family's areas as percentiles."""
    drawings = []
    for benchmark in comparison.benchmarks:
        families, at_once = comparison.families, _families_at_once(benchmark)
        parts = [families[start : start + at_once] for start in range(0, len(families), at_once)]
        drawings += [
            _draw_part(comparison, benchmark, part, (number, len(parts))) for number, part in enumerate(parts, 1)
        ]
    return drawings


def percentiles(rdms: NDArray[Any]) -> NDArray[np.float64]:
    """Rank-transform RDMs.

    Parameters
    ----------
    rdms : (..., n_pairs) array
        Upper triangles.

    Returns
    -------
    (..., n_pairs) float64 array
        Mid-ranks from just above 0 to 100 percent.
    """
    from scipy.stats import rankdata

    return 100 * rankdata(rdms, axis=-1) / rdms.shape[-1]


def of_family(comparison: Comparison, family: Family, benchmark: Measured) -> NDArray[np.float64]:
    """Give the mean over a family's models of their rank-transformed RDMs.

    Parameters
    ----------
    comparison : Comparison
    family : Family
    benchmark : Measured

    Returns
    -------
    (n_areas, n_pairs) float64 array
        Percent
    """
    every = [percentiles(comparison.scored[model, benchmark.identifier].model_rdms) for model in family.models]
    return np.mean(every, axis=0)


def _draw_part(
    comparison: Comparison, benchmark: Measured, families: Sequence[Family], part: tuple[int, int]
) -> Drawing:
    rows: list[tuple[str, Sequence[str], NDArray[np.float64]]] = [
        ("recordings", benchmark.recordings, percentiles(benchmark.neural_rdms))
    ]
    rows += [(family.name, benchmark.areas, of_family(comparison, family, benchmark)) for family in families]
    columns = max(4, *(len(names) for _, names, _ in rows))
    figure = new_figure(PANEL * columns + 1.1, (PANEL + 0.15) * len(rows) + 0.9)
    axes = figure.subplots(len(rows), columns, squeeze=False)
    for place, (line, (name, names, rdms)) in enumerate(zip(axes, rows, strict=True)):
        for axis in line[len(names) :]:
            axis.remove()
        for axis, title, rdm in zip(line, names, rdms, strict=False):
            image = _draw_rdm(axis, rdm, benchmark)
            if place < 2:
                axis.set_title(title.replace("mean over the ", "mean over\n"), fontsize=8)
        line[0].set_ylabel(broken_name(name, 16), fontsize=8)
    shown = [axis for axis in axes.flat if axis.figure is not None]
    shrink = min(0.8, 1.6 / len(rows))
    bar = figure.colorbar(image, ax=shown, label="dissimilarity (percentile)", aspect=16, shrink=shrink, pad=0.02)
    bar.set_ticks(range(0, 101, 20))
    bar.outline.set_visible(False)
    simulated = is_simulated(comparison, benchmark)
    words = f" ({part[0]} of {part[1]})" if part[1] > 1 else ""
    head(figure, f"RDMs on {benchmark.identifier}{words}", simulated)
    n = len(benchmark.subjects)
    models = ", ".join(
        f"{family.name} ({f'mean over {len(family.models)} models' if len(family.models) > 1 else 'one model'})"
        for family in families
    )
    return Drawing(
        name=file_stem("rdms", benchmark.identifier, *([str(part[0])] if part[1] > 1 else [])),
        title=f"RDMs on {benchmark.identifier}{words}",
        caption=caption(
            about_benchmark(benchmark),
            "Lower triangles of representational dissimilarity matrices, image × image, as percentiles of their ranks "
            "in steps of ten: dark for images that are alike, bright for images that differ.",
            f"Ranks are over all pairs of images; one image in {_every(benchmark)} is shown."
            if _every(benchmark) > 1
            else "",
            f"Recordings: {over_subjects(n, f'RDM averaged over {counted(n)}, then ')}ranked. Models, by area: "
            f"{models}, ranked, then averaged.",
            simulated=simulated,
        ),
        figure=figure,
        simulated=simulated,
    )


def _families_at_once(benchmark: Measured) -> int:
    """Give the number of families on one figure."""
    panels = MOST_CELLS // (-(-benchmark.n_images // _every(benchmark))) ** 2
    return min(MOST_FAMILIES, max(1, (panels - len(benchmark.recordings)) // len(benchmark.areas)))


def _every(benchmark: Measured) -> int:
    """Give the step from one image that is shown to the next."""
    return -(-benchmark.n_images // MOST_SHOWN)


def _draw_rdm(axis: "Axes", rdm: NDArray[np.float64], benchmark: Measured) -> "AxesImage":
    import matplotlib

    square = np.full((benchmark.n_images, benchmark.n_images), np.nan)
    # The upper triangle goes row by row, as the columns of the lower one do.
    first, second = np.triu_indices(benchmark.n_images, 1)
    square[second, first] = rdm
    step = _every(benchmark)
    colours = matplotlib.colormaps["cividis"].resampled(STEPS)
    # Without interpolation an SVG holds the cells themselves, not the many dots of a picture of them.
    image = axis.imshow(square[::step, ::step], cmap=colours, vmin=0, vmax=100, interpolation="none")
    axis.set_xticks([])
    axis.set_yticks([])
    axis.spines[:].set_visible(False)
    return image
