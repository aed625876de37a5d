"""Whether models that improve more with EEG improve more with fMRI (R24 Fig. 3B)."""

from typing import TYPE_CHECKING

import numpy as np

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.figures.captions import about_benchmark, caption, p_text, source
from brainscore_realnet.comparison.figures.rows import is_simulated, table_rows
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Look,
    Tables,
    broken_name,
    file_stem,
    head,
    looks,
    new_figure,
    styled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from pandas import DataFrame

LONGEST = 34
"""Letters in a line of a panel's title"""
COEFFICIENTS = {"Pearson": "r", "Spearman": "ρ"}
"""What tests of the table of correlations begin with, and their symbol"""


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw each personal model's improvement with fMRI against that with EEG, a panel for every family and baseline."""
    drawings = []
    for eeg in comparison.of_kind("eeg"):
        for fmri in comparison.of_kind("fmri"):
            both = {"eeg_benchmark": eeg.identifier, "fmri_benchmark": fmri.identifier}
            rows, correlations = (table_rows(tables[name], **both) for name in ("modalities", "correlations"))
            if not rows.empty:
                drawings.append(_draw_pair(comparison, rows, correlations, eeg, fmri))
    return drawings


def _draw_pair(
    comparison: Comparison, rows: "DataFrame", correlations: "DataFrame", eeg: Measured, fmri: Measured
) -> Drawing:
    look = looks(comparison)
    panels = list(rows.groupby(["family", "baseline"], sort=False))
    columns = min(len(panels), max(2, min(3, rows["baseline"].nunique())))
    n_rows = -(-len(panels) // columns)
    figure = new_figure(3.2 * columns if columns > 1 else 4.4, 3.1 * n_rows + 0.3)
    axes = list(figure.subplots(n_rows, columns, squeeze=False).flat)
    for axis in axes[len(panels) :]:
        axis.remove()
    for axis, ((family, baseline), models) in zip(axes, panels, strict=False):
        of_panel = table_rows(correlations, family=family, baseline=baseline)
        _draw_panel(axis, models, of_panel, look[str(family)])
        names = broken_name(str(family), LONGEST), broken_name(f"on {baseline}", LONGEST)
        axis.set_title("\n".join((*names, correlation_words(of_panel))), loc="left", fontsize=8)
        axis.set_xlabel("improvement with EEG (Δρ)")
        axis.set_ylabel("improvement with fMRI (Δρ)")
    simulated = is_simulated(comparison, eeg, fmri)
    head(figure, f"{eeg.identifier} and {fmri.identifier}", simulated)
    return Drawing(
        name=file_stem("modalities", eeg.identifier, fmri.identifier),
        title=f"Improvement with fMRI ({fmri.identifier}) against improvement with EEG ({eeg.identifier})",
        caption=caption(
            about_benchmark(eeg),
            about_benchmark(fmri),
            "Each dot is a personal model; improvement is its similarity (Spearman ρ) minus the baseline's, with its "
            "own subject where that was measured, else as mean over subjects. Line: least squares.",
            "Too few models for a correlation."
            if correlations.empty
            else "Correlations over models: Pearson's r and Spearman's ρ, two-sided, uncorrected.",
            simulated=simulated,
        ),
        figure=figure,
        source=source(
            "modalities",
            [family for family in comparison.models if (rows["family"] == family.name).any()],
            comparison.baselines,
        ),
        simulated=simulated,
    )


def _draw_panel(axis: "Axes", models: "DataFrame", correlations: "DataFrame", look: Look) -> None:
    x, y = (models[name].astype(float).to_numpy() for name in ("eeg_improvement", "fmri_improvement"))
    if not correlations.empty and np.ptp(x) > 0:
        slope, intercept = np.polyfit(x, y, 1)
        ends = np.array([x.min(), x.max()])
        axis.plot(ends, intercept + slope * ends, color="0.3", linewidth=1.2, zorder=1)
    axis.plot(x, y, look.marker, color=look.colour, markersize=5.5, markeredgecolor="white", markeredgewidth=0.6)
    axis.ticklabel_format(style="plain", useOffset=False)
    axis.locator_params(nbins=4)
    axis.margins(0.1)
    for line, limits in ((axis.axhline, axis.get_ylim()), (axis.axvline, axis.get_xlim())):
        if limits[0] < 0 < limits[1]:
            line(0, color="0.8", linewidth=0.8, zorder=0)


def correlation_words(rows: "DataFrame") -> str:
    """Write coefficients, p and n of a panel's correlations, one a line, as ``r = .92, p < .001, n = 10``.

    Parameters
    ----------
    rows : DataFrame
        Of the table of correlations, one a test.

    Returns
    -------
    str
        "no correlation computed" where there is none.
    """
    lines = []
    for row in rows.itertuples():
        symbol = COEFFICIENTS[row.test.partition(" ")[0]]
        coefficient = f"{row.statistic:.2f}".replace("0.", ".", 1).replace("-", "−")
        lines.append(f"{symbol} = {coefficient}, {p_text(row.p)}, n = {row.n}")
    return "\n".join(lines) or "no correlation computed"
