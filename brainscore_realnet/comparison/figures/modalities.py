"""Whether models that improve more with EEG improve more with fMRI (R24 Fig. 3B)."""

from typing import Any

import numpy as np

from brainscore_realnet.comparison.comparison import Comparison, Measured
from brainscore_realnet.comparison.figures.style import (
    Drawing,
    Look,
    Tables,
    about_benchmark,
    caption,
    file_stem,
    head,
    is_simulated,
    looks,
    new_figure,
    p_text,
    styled,
)


@styled
def draw(comparison: Comparison, tables: Tables) -> list[Drawing]:
    """Draw each personal model's improvement with fMRI against that with EEG.

    Parameters
    ----------
    comparison : Comparison
    tables : mapping of str to DataFrame
        As `schema.TABLES` describes them.

    Returns
    -------
    list of Drawing
        One a pair of benchmarks, with a panel for every family and baseline; none without personal models that were
        scored with both.
    """
    table = tables["modalities"]
    drawings = []
    for eeg in comparison.of_kind("eeg"):
        for fmri in comparison.of_kind("fmri"):
            rows = _of(table, eeg, fmri)
            if not rows.empty:
                drawings.append(_draw_pair(comparison, rows, _of(tables["correlations"], eeg, fmri), eeg, fmri))
    return drawings


def _of(table: Any, eeg: Measured, fmri: Measured) -> Any:
    return table[(table["eeg_benchmark"] == eeg.identifier) & (table["fmri_benchmark"] == fmri.identifier)]


def _draw_pair(comparison: Comparison, rows: Any, correlations: Any, eeg: Measured, fmri: Measured) -> Drawing:
    look = looks(comparison)
    panels = list(rows.groupby(["family", "baseline"], sort=False))
    columns = min(3, max(2, len(rows["baseline"].unique())))
    n_rows = -(-len(panels) // columns)
    figure = new_figure(3.2 * columns, 3.0 * n_rows + 0.3)
    axes = list(figure.subplots(n_rows, columns, squeeze=False).flat)
    for axis in axes[len(panels) :]:
        axis.remove()
    for axis, ((family, baseline), models) in zip(axes, panels, strict=False):
        of_panel = correlations[(correlations["family"] == family) & (correlations["baseline"] == baseline)]
        _draw_panel(axis, models, of_panel, look[str(family)])
        axis.set_title(f"{family}\non {baseline}\n{correlation_words(of_panel)}", loc="left", fontsize=8)
        axis.set_xlabel("improvement with EEG (Δ ρ)")
        axis.set_ylabel("improvement with fMRI (Δ ρ)")
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
            _about(correlations),
            simulated=simulated,
        ),
        figure=figure,
        source="R24 Fig. 3B",
    )


def _draw_panel(axis: Any, models: Any, correlations: Any, look: Look) -> None:
    x, y = (models[name].astype(float).to_numpy() for name in ("eeg_improvement", "fmri_improvement"))
    if not correlations.empty and np.ptp(x) > 0:
        slope, intercept = np.polyfit(x, y, 1)
        ends = np.array([x.min(), x.max()])
        axis.plot(ends, intercept + slope * ends, color="0.3", linewidth=1.2, zorder=1)
    axis.plot(x, y, look.marker, color=look.colour, markersize=5.5, markeredgecolor="white", markeredgewidth=0.6)
    axis.ticklabel_format(style="sci", scilimits=(-3, 3))
    axis.locator_params(nbins=5)
    axis.margins(0.1)
    for line, limits in ((axis.axhline, axis.get_ylim()), (axis.axvline, axis.get_xlim())):
        if limits[0] < 0 < limits[1]:
            line(0, color="0.8", linewidth=0.8, zorder=0)


def correlation_words(rows: Any) -> str:
    """Write coefficient, p and n of a panel's correlations, as ``r = .92, p < .001, n = 10``.

    Parameters
    ----------
    rows : DataFrame
        Of the table of correlations, one a test.

    Returns
    -------
    str
        Pearson's alone; "no correlation computed" where there is none.
    """
    pearson = rows[rows["test"].str.contains("Pearson")]
    if pearson.empty:
        return "no correlation computed"
    row = pearson.iloc[0]
    r = f"{row['statistic']:.2f}".replace("0.", ".", 1).replace("-", "−")
    return f"r = {r}, {p_text(row['p'])}, n = {row['n']}"


def _about(correlations: Any) -> str:
    if correlations.empty:
        return "Too few models for a correlation."
    numbers = "; ".join(
        f"{row.family} on {row.baseline}, {row.test}: {row.statistic:.3f}, p = {row.p:.3g} (two-sided, n = {row.n} "
        f"{row.unit}s, {'uncorrected' if row.correction == 'none' else row.correction})"
        for row in correlations.itertuples()
    )
    return f"Correlations over models: {numbers}."
