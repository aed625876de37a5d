"""Figures of score records."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from brainscore_realnet.store.atomic import atomic_file

if TYPE_CHECKING:
    from brainscore_realnet.scoring.demonstration import Demonstration

AREA_COLOURS = {"V1": "#0072B2", "V2": "#009E73", "V4": "#E69F00", "IT": "#D55E00"}
"""Of the colour-blind safe palette by Okabe and Ito."""
MODEL_COLOURS = {"baseline": "0.35", "unpaired": "#E69F00", "others": "#009E73", "aligned": "#0072B2"}
"""Of the same palette."""
MODEL_WORDS = {
    "baseline": "baseline",
    "unpaired": "unpaired",
    "others": "aligned with\nanother subject",
    "aligned": "aligned with\nthis subject",
}


def draw_time_courses(records: Sequence[dict[str, Any]], path: Path) -> None:
    """Draw each model's similarity with EEG, areas × time: a heat map above the areas' courses and the noise ceiling.

    Parameters
    ----------
    records : sequence of dict
        From ``scoring.record.as_record``, all of one EEG benchmark.
    path : pathlib.Path
        PNG to write, whole or not at all.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(4.2 * len(records) + 1.2, 5.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, len(records), sharex=True, squeeze=False, height_ratios=(1, 2))
    values = [np.array(record["values"]["data"]) for record in records]
    ceilings = [np.array(record["ceiling_values"]["data"], dtype=float) for record in records]
    means = [each.mean(axis=0) for each in values]
    limit = max(np.nanmax(ceilings), *(np.abs(mean).max() for mean in means))
    for column, record in enumerate(records):
        times = 1000 * np.array(record["values"]["coords"]["time"])
        heat = _draw_heat_map(axes[0, column], times, means[column], record, limit)
        _draw_courses(axes[1, column], times, values[column], ceilings[column], record)
        axes[1, column].set_ylim(-0.35 * limit, 1.1 * limit)
    figure.colorbar(heat, ax=axes[0].tolist(), label="Spearman ρ")
    axes[1, 0].set_ylabel("similarity with EEG (Spearman ρ)")
    handles, labels = axes[1, 0].get_legend_handles_labels()
    figure.legend(handles, labels, frameon=False, fontsize=9, loc="outside lower center", ncols=len(labels))
    figure.suptitle(_title(records), fontsize=11)
    with atomic_file(path) as part:
        figure.savefig(part, format="png", dpi=150)


def draw_alignment(shown: "Demonstration", path: Path) -> None:
    """Draw what alignment changes: courses over time, each subject's similarities, and every model with every subject.

    Parameters
    ----------
    shown : Demonstration
    path : pathlib.Path
        PNG to write, whole or not at all.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(14.5, 4.9), layout="constrained")
    FigureCanvasAgg(figure)
    courses, pairs, matrix = figure.subplots(1, 3, width_ratios=(1.25, 1.15, 1))
    _draw_aligned_courses(courses, shown)
    _draw_pairs(pairs, shown)
    _draw_matrix(figure, matrix, shown)
    for axis, letter in zip((courses, pairs, matrix), "ABC", strict=True):
        axis.set_title(f"{letter}  {axis.get_title()}", loc="left", fontsize=10)
        axis.set_title("")
    figure.suptitle(
        f"SIMULATED · {len(shown.subjects)} virtual subjects · {shown.n_images} images of concepts that no network was "
        "trained on · Spearman ρ, mean over V1, V2, V4, IT",
        fontsize=11,
    )
    with atomic_file(path) as part:
        figure.savefig(part, format="png", dpi=150)


def _draw_aligned_courses(axis: Any, shown: "Demonstration") -> None:
    times = 1000 * shown.times
    inside = times[shown.in_window]
    axis.axvspan(inside[0], inside[-1], color="0.93", zorder=0, label="window of the score")
    for name in ("baseline", "unpaired", "aligned"):
        values = shown.courses[name]
        mean, sem = values.mean(axis=0), values.std(axis=0, ddof=1) / np.sqrt(len(values))
        axis.fill_between(times, mean - sem, mean + sem, color=MODEL_COLOURS[name], alpha=0.2, linewidth=0)
        axis.plot(times, mean, color=MODEL_COLOURS[name], linewidth=1.8, label=name)
    axis.axhline(0, color="0.3", linewidth=0.8)
    axis.set_xlabel("time after stimulus onset (ms)")
    axis.set_ylabel("similarity with own subject's EEG")
    axis.set_title(f"over time, ±1 SEM over subjects (n = {len(shown.subjects)})")
    axis.legend(frameon=False, fontsize=9, loc="upper left")
    axis.spines[["top", "right"]].set_visible(False)


def _draw_pairs(axis: Any, shown: "Demonstration") -> None:
    """Draw each subject's similarities as a line, their mean as a bar, and what the tests say above."""
    names = list(MODEL_WORDS)
    values = np.stack([shown.scores[name] for name in names])
    axis.plot(range(len(names)), values, color="0.75", linewidth=0.9, zorder=1)
    for place, name in enumerate(names):
        axis.scatter(np.full(values.shape[1], place), values[place], s=26, color=MODEL_COLOURS[name], zorder=3)
        axis.hlines(values[place].mean(), place - 0.24, place + 0.24, color=MODEL_COLOURS[name], linewidth=3, zorder=2)
    step = 0.09 * np.ptp(values)
    worse = {"aligned > baseline": "baseline", "aligned > unpaired": "unpaired", "own > others": "others"}
    heights = {name: values.max() + step * height for name, height in (("others", 1), ("unpaired", 2), ("baseline", 3))}
    for one in shown.comparisons:
        left, height = names.index(worse[one.name]), heights[worse[one.name]]
        axis.plot([left, len(names) - 1], [height, height], color="0.2", linewidth=0.9)
        axis.text(len(names) - 1, height, _test_words(one), fontsize=8, ha="right", va="bottom")
    axis.set_ylim(values.min() - step, values.max() + 4.2 * step)
    axis.set_xlim(-0.5, len(names) - 0.5)
    axis.set_xticks(range(len(names)), MODEL_WORDS.values(), fontsize=9)
    axis.set_ylabel("similarity, mean over the window")
    axis.set_title("one line a subject; paired t tests")
    axis.spines[["top", "right"]].set_visible(False)


def _test_words(one: Any) -> str:
    p = "p < .0001" if one.test.p < 1e-4 else f"p = {one.test.p:.4f}"
    return f"{float(one.test.difference):+.3f}, {p}, {one.n_better} of {one.test.n}"


def _draw_matrix(figure: Any, axis: Any, shown: "Demonstration") -> None:
    gain = shown.matrix - shown.scores["baseline"]
    limit = np.abs(gain).max()
    image = axis.imshow(gain, cmap="RdBu_r", vmin=-limit, vmax=limit)
    for row, column in np.ndindex(*gain.shape):
        colour = "white" if abs(gain[row, column]) > 0.6 * limit else "0.15"
        weight = "bold" if row == column else "normal"
        style = {"ha": "center", "va": "center", "fontsize": 8, "color": colour, "fontweight": weight}
        axis.text(column, row, f"{gain[row, column]:+.2f}", **style)
    numbers = [subject.removeprefix("sub-") for subject in shown.subjects]
    axis.set_xticks(range(len(numbers)), numbers)
    axis.set_yticks(range(len(numbers)), numbers)
    axis.set_xlabel("EEG of subject")
    axis.set_ylabel("model aligned with subject")
    axis.set_title("gain over the baseline")
    figure.colorbar(image, ax=axis, shrink=0.8, label="aligned − baseline")


def _draw_heat_map(axis: Any, times: np.ndarray, mean: np.ndarray, record: dict[str, Any], limit: float) -> Any:
    areas = record["values"]["coords"]["area"]
    step = times[1] - times[0] if len(times) > 1 else 10.0
    image = axis.imshow(
        mean,
        aspect="auto",
        cmap="RdBu_r",
        vmin=-limit,
        vmax=limit,
        extent=(times[0] - step / 2, times[-1] + step / 2, len(areas) - 0.5, -0.5),
        interpolation="nearest",
    )
    axis.set_yticks(range(len(areas)), areas)
    errors = {"subjects": record["error"], "images": record["error_stimulus"]}
    error = "".join(f" ± {value:.2f} ({over})" for over, value in errors.items() if value is not None)
    axis.set_title(f"{record['model']}\nscore {record['score']:.2f}{error}", fontsize=10)
    return image


def _draw_courses(
    axis: Any, times: np.ndarray, values: np.ndarray, ceiling: np.ndarray, record: dict[str, Any]
) -> None:
    """Mean over subjects with a band of one SEM for each area, over the ceiling's bounds and the score's window."""
    first, last = (1000 * edge for edge in record["provenance"]["benchmark"]["options"]["window"])
    axis.axvspan(first, last, color="0.93", zorder=0, label="window of the score")
    if np.isfinite(ceiling).all():
        axis.fill_between(times, ceiling[0], ceiling[1], color="0.8", zorder=1, label="noise ceiling, lower to upper")
    else:
        axis.plot(times, ceiling[1], color="0.6", linestyle="--", zorder=1, label="ceiling (reliability)")
    for index, area in enumerate(record["values"]["coords"]["area"]):
        mean = values[:, index].mean(axis=0)
        colour = AREA_COLOURS.get(area, "0.2")
        if len(values) > 1:
            sem = values[:, index].std(axis=0, ddof=1) / np.sqrt(len(values))
            axis.fill_between(times, mean - sem, mean + sem, color=colour, alpha=0.25, linewidth=0, zorder=2)
        axis.plot(times, mean, color=colour, linewidth=1.6, label=area, zorder=3)
    axis.axhline(0, color="0.3", linewidth=0.8)
    axis.set_xlabel("time after stimulus onset (ms)")
    axis.spines[["top", "right"]].set_visible(False)


def _title(records: Sequence[dict[str, Any]]) -> str:
    n_subjects = len(records[0]["values"]["coords"]["subject"])
    n_stimuli = records[0]["provenance"]["benchmark"]["n_stimuli"]
    simulated = "SIMULATED · " if any(record["provenance"]["simulated"] for record in records) else ""
    return (
        f"{simulated}{records[0]['benchmark']}: {n_subjects} subjects, {n_stimuli} images, "
        f"bands ±1 SEM over subjects (n = {n_subjects})"
    )
