"""Figures of a finished training: its curves, and generated beside measured signals of held-out images."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
import torch

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store import atomic_file
from brainscore_realnet.training.data import AcrossSubjects, TrainingData
from brainscore_realnet.training.division import holdout
from brainscore_realnet.training.recipes import Recipe
from brainscore_realnet.training.run_state import Examples
from brainscore_realnet.training.validation import spearman_by_image

SUBJECTS_SHOWN = 3
"""Subjects of a model across subjects whose examples are drawn."""

QUANTILES = (0.9, 0.5, 0.1)
"""Which images are drawn, by how well generated and measured signals correlate: a good, a middle and a bad one."""

COMPONENTS_SHOWN = 30
CHANNELS_SHOWN = ("Oz", "PO8", "Pz")

_MEASURED, _GENERATED = "black", "#D55E00"
# Of the colour-blind safe palette by Okabe and Ito; V1, V2, V4 and IT as in other figures of this package.
_LAYER_COLOURS = ("#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#56B4E9")
_LINE_STYLES = ("-", "--", ":", "-.")
_SIDES = {
    "training": {"color": "#0072B2", "linestyle": "-", "marker": "o"},
    "validation": {"color": "#D55E00", "linestyle": "--", "marker": "s"},
}
# Part of the loss: title of its panel, and its axis with the unit.
_LOSSES = {
    "loss": ("total loss, $L^C$ + β $L^G$", "$L^A$ (weighted sum)"),
    "classification": ("classification", "$L^C$ (nats)"),
    "mse": ("signals: squared error", "$L^{MSE}$ (SD²)"),
    "contrastive": ("signals: contrast between images", "$L^{Cont}$ (difference of 1 − ρ)"),
}
_MARKERS = {"markersize": 3, "linewidth": 1.5}


def draw_curves(
    curves: Sequence[Mapping[str, float]], recipe: Recipe, data: TrainingData | AcrossSubjects, path: str | Path
) -> None:
    """Draw losses and validation similarities over epochs; what was not computed or is 0 throughout is left out.

    Parameters
    ----------
    curves : sequence of mapping
        As `Trained.curves`: one an epoch.
    recipe : Recipe
    data : TrainingData or AcrossSubjects
        What was trained on, of the recipe.
    path : path
        PNG to write, whole or not at all.

    Raises
    ------
    BadInputError
        There is no epoch.
    StoreError
        The file cannot be written.
    """
    _write(curves_figure(curves, recipe, data), path)


def draw_examples(examples: Examples, recipe: Recipe, data: TrainingData | AcrossSubjects, path: str | Path) -> None:
    """Draw generated beside measured signals of an image of high, middle and low correlation in each subject.

    EEG is drawn as maps of channels and times and as traces of three channels, anything else as bars of the first
    components and as points, one a component.

    Parameters
    ----------
    examples : Examples
        Signals to held-out images, z-scored; the more images, the better the percentiles.
    recipe : Recipe
    data : TrainingData or AcrossSubjects
        What was trained on: it says what the signals are.
    path : path
        PNG to write, whole or not at all.

    Raises
    ------
    BadInputError
        No image or subject, signals of another shape than in `data`, or signals that are not finite.
    StoreError
        The file cannot be written.
    """
    _write(examples_figure(examples, recipe, data), path)


def curves_figure(curves: Sequence[Mapping[str, float]], recipe: Recipe, data: TrainingData | AcrossSubjects) -> Any:
    """Give what `draw_curves` draws as a matplotlib Figure."""
    if not curves:
        raise BadInputError("Got no curves: expected a row for each epoch. Draw them after the first epoch.")
    parts = [part for part in _LOSSES if any(row.get(f"{side}_{part}") for row in curves for side in _SIDES)]
    layers = [name for name in curves[-1] if name.startswith("validation_rsa_")]
    similarities = [
        draw
        for draw, names in ((_draw_signals, ["validation_spearman"]), (_draw_layers, layers))
        if any(name in row for row in curves for name in names)
    ]
    drawn = len(parts) + len(similarities)
    n_rows = 1 if drawn <= 3 else 2
    columns = (drawn + n_rows - 1) // n_rows
    figure = _figure((max(3.7 * columns, 6), 3.1 * n_rows + 0.7))
    axes = list(figure.subplots(n_rows, columns, squeeze=False).flat)
    for axis, part in zip(axes, parts, strict=False):
        _draw_loss(axis, curves, part)
    for axis, draw in zip(axes[len(parts) :], similarities, strict=False):
        draw(axis, curves)
    for axis in axes[:drawn]:
        _finish_epochs(axis, max(row["epoch"] for row in curves))
    for axis in axes[drawn:]:
        axis.set_axis_off()
    _explain(figure, recipe, f"{_counts(recipe, data)}; {_of_subjects(recipe, data)}")
    return figure


def examples_figure(examples: Examples, recipe: Recipe, data: TrainingData | AcrossSubjects) -> Any:
    """Give what `draw_examples` draws as a matplotlib Figure."""
    subjects = {one.subject: one for one in (data.by_subject if isinstance(data, AcrossSubjects) else (data,))}
    _refuse_misfits(examples, subjects)
    shown = list(examples.generated)[:SUBJECTS_SHOWN]
    n_images, kind = len(examples.images), "test" if recipe.reference else "held-out"
    places = dict.fromkeys(round(quantile * (n_images - 1)) for quantile in QUANTILES)
    figure = _figure((10.5, (1.95 * len(places) + 0.55) * len(shown) + 0.9))
    blocks = figure.subfigures(len(shown), 1, squeeze=False)[:, 0]
    for block, subject in zip(blocks, shown, strict=True):
        about, generated, measured = subjects[subject], examples.generated[subject], examples.measured[subject]
        rho = spearman_by_image(torch.from_numpy(generated), torch.from_numpy(measured)).numpy()
        order = np.argsort(rho, kind="stable")
        block.suptitle(f"{subject}: mean ρ = {rho.mean():.2f} over n = {n_images} {kind} images", fontsize=10)
        draw, widths = (_draw_eeg, (1, 1, 1.1)) if len(about.signal_shape) == 2 else (_draw_components, (2.4, 1))
        axes = block.subplots(len(places), len(widths), squeeze=False, width_ratios=widths)
        for row, place in zip(axes, places, strict=True):
            image = order[place]
            rank = f"ρ = {rho[image]:.2f} (rank {n_images - place} of {n_images})"
            draw(row, about, generated[image], measured[image], (_named(examples.images[image], data), rank))
        _name_axes(axes, about)
    _explain(
        figure,
        recipe,
        "ρ: Spearman correlation of an image's generated and measured signals; SD: standard deviation of the subject's "
        f"training signals{f'; {len(shown)} of {len(subjects)} subjects' if len(subjects) > 1 else ''}",
    )
    return figure


def _draw_loss(axis: Any, curves: Sequence[Mapping[str, float]], part: str) -> None:
    for side, style in _SIDES.items():
        _draw_column(axis, curves, f"{side}_{part}", label=side, **style)
    title, unit = _LOSSES[part]
    axis.set_title(title, fontsize=10)
    axis.set_ylabel(unit)
    validated = [row for row in curves if "validation_loss" in row]
    if part == "loss" and validated:
        lowest = min(validated, key=lambda row: row["validation_loss"])
        label = f"lowest: epoch {lowest['epoch']:g}"
        axis.plot(lowest["epoch"], lowest["validation_loss"], "*", color="black", markersize=9, zorder=4, label=label)
    axis.legend(frameon=False, fontsize=8)


def _draw_signals(axis: Any, curves: Sequence[Mapping[str, float]]) -> None:
    _draw_column(axis, curves, "validation_spearman", label="validation", **_SIDES["validation"])
    axis.set_title("generated ~ measured signals", fontsize=10)
    axis.set_ylabel("Spearman ρ, mean over images")
    axis.axhline(0, color="0.6", linewidth=0.8, zorder=0)


def _draw_layers(axis: Any, curves: Sequence[Mapping[str, float]]) -> None:
    layers = [name for name in curves[-1] if name.startswith("validation_rsa_")]
    for number, name in enumerate(layers):
        colour = _LAYER_COLOURS[number % len(_LAYER_COLOURS)]
        style = _LINE_STYLES[number // len(_LAYER_COLOURS) % len(_LINE_STYLES)]
        label = name.removeprefix("validation_rsa_")
        _draw_column(axis, curves, name, label=label, color=colour, linestyle=style, marker="s")
    if len(layers) > 1:
        _draw_column(axis, curves, "validation_rsa", label="mean", color="black", linestyle="--", marker=None)
    axis.set_title("layers ~ brain, RDMs of concepts", fontsize=10)
    axis.set_ylabel("Spearman ρ")
    axis.axhline(0, color="0.6", linewidth=0.8, zorder=0)
    axis.legend(frameon=False, fontsize=8, ncols=2)


def _finish_epochs(axis: Any, last: float) -> None:
    from matplotlib.ticker import MaxNLocator

    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True, min_n_ticks=1))
    axis.yaxis.get_major_formatter().set_useOffset(False)
    axis.set_xlim(0.5, last + 0.5)
    axis.set_xlabel("epoch")
    axis.spines[["top", "right"]].set_visible(False)


def _draw_column(axis: Any, curves: Sequence[Mapping[str, float]], name: str, **style: Any) -> None:
    points = [(row["epoch"], row[name]) for row in curves if name in row]
    if points:
        axis.plot(*zip(*points, strict=True), **{**_MARKERS, **style})


def _draw_eeg(
    row: Sequence[Any], about: TrainingData, generated: np.ndarray, measured: np.ndarray, titles: tuple[str, str]
) -> None:
    """Maps of channels × times on one colour scale, and traces."""
    n_channels, n_samples = about.signal_shape
    times = 1000 * np.array(about.times or range(n_samples))
    step = times[1] - times[0] if n_samples > 1 else 10.0
    signals = [values.reshape(about.signal_shape) for values in (measured, generated)]
    limit = max(np.abs(values).max() for values in signals) or 1.0
    for axis, values, title in zip(row, signals, ("measured", "generated"), strict=False):
        image = axis.imshow(
            values,
            aspect="auto",
            cmap="RdBu_r",
            vmin=-limit,
            vmax=limit,
            extent=(times[0] - step / 2, times[-1] + step / 2, n_channels - 0.5, -0.5),
            interpolation="nearest",
        )
        axis.set_yticks(range(n_channels), about.ch_names or range(n_channels), fontsize=5)
        axis.set_title(title, fontsize=9)
    row[0].set_ylabel(fill(titles[0], 24), fontsize=8, parse_math=False)
    row[1].figure.colorbar(image, ax=list(row[:2]), label="signal (SD)", pad=0.01)
    _draw_traces(row[2], about, times, signals)
    row[2].set_title(titles[1], fontsize=9)


def _draw_traces(axis: Any, about: TrainingData, times: np.ndarray, signals: Sequence[np.ndarray]) -> None:
    """Draw three channels one above the other, each around a zero line of its own."""
    names = [str(name) for name in about.ch_names or range(len(signals[0]))]
    shown = [name for name in CHANNELS_SHOWN if name in names]
    if len(shown) < len(CHANNELS_SHOWN):
        shown = [names[index] for index in np.unique(np.linspace(0, len(names) - 1, 3).round().astype(int))]
    rows = [names.index(name) for name in shown]
    distance = max(np.ptp(values[index]) for values in signals for index in rows) or 1.0
    for place, index in enumerate(rows):
        offset = -place * distance
        axis.axhline(offset, color="0.8", linewidth=0.8, zorder=0)
        for values, colour, label in zip(signals, (_MEASURED, _GENERATED), ("measured", "generated"), strict=True):
            axis.plot(times, values[index] + offset, color=colour, linewidth=1.4, label=label if not place else None)
    axis.set_yticks([-place * distance for place in range(len(rows))], shown)
    low = -(len(rows) - 0.15) * distance
    axis.set_ylim(low, 1.2 * distance)
    axis.plot([times[-1]] * 2, [low, low + 1], color="0.4", linewidth=3, solid_capstyle="butt", label="bar: 1 SD")
    axis.spines[["top", "right"]].set_visible(False)


def _draw_components(
    row: Sequence[Any], about: TrainingData, generated: np.ndarray, measured: np.ndarray, titles: tuple[str, str]
) -> None:
    """Bars of the first components, and points of all."""
    shown = min(COMPONENTS_SHOWN, about.n_signals)
    places = np.arange(1, shown + 1)
    bars = ((measured, _MEASURED, "measured", -0.2), (generated, _GENERATED, "generated", 0.2))
    for values, colour, label, shift in bars:
        row[0].bar(places + shift, values[:shown], 0.4, color=colour, label=label)
    row[0].axhline(0, color="0.3", linewidth=0.8)
    row[0].set_xlim(0.3, shown + 0.7)
    row[0].margins(y=0.15)
    row[0].set_ylabel("signal (SD)")
    row[0].set_title(titles[0], fontsize=9, parse_math=False)
    limits = [min(generated.min(), measured.min()), max(generated.max(), measured.max())]
    row[1].plot(limits, limits, color="0.7", linewidth=0.8, zorder=0)
    row[1].plot(measured, generated, "o", color=_GENERATED, markersize=3, markeredgewidth=0, alpha=0.7)
    row[1].set_ylabel("generated (SD)")
    row[1].set_title(titles[1], fontsize=9)
    for axis in row:
        axis.spines[["top", "right"]].set_visible(False)


def _name_axes(axes: np.ndarray, about: TrainingData) -> None:
    """Name what goes to the right, in the last row, and the colours, in the first."""
    shown = min(COMPONENTS_SHOWN, about.n_signals)
    names = [f"principal component (the first {shown} of {about.n_signals})", "measured (SD)"]
    if len(about.signal_shape) == 2:
        names = ["time after image onset (ms)"] * 3
    for axis, name in zip(axes[-1], names, strict=True):
        axis.set_xlabel(name)
    style = {"fontsize": 7, "frameon": False, "ncols": 3, "borderaxespad": 0, "columnspacing": 1, "handlelength": 1.2}
    axes[0, 0 if len(names) == 2 else 2].legend(loc="upper right", **style)


def _named(image: Path, data: TrainingData | AcrossSubjects) -> str:
    """Name an image and, of training images, its concept."""
    return f"{data.concepts[data.images.index(image)]} · {image.name}" if image in data.images else image.name


def _refuse_misfits(examples: Examples, subjects: Mapping[str | None, TrainingData]) -> None:
    n_images = len(examples.images)
    if not n_images or not examples.generated:
        raise BadInputError(
            f"Got signals of {len(examples.generated)} subjects to {n_images} images: expected at least one of each. "
            "Without held-out concepts or signals there are no examples to draw."
        )
    for subject, generated in examples.generated.items():
        shapes = generated.shape, getattr(examples.measured.get(subject), "shape", None)
        expected = (n_images, subjects[subject].n_signals) if subject in subjects else None
        if shapes != (expected, expected):
            raise BadInputError(
                f"Got generated and measured signals of {subject} of shapes {shapes[0]} and {shapes[1]}: expected "
                f"{expected or 'a subject of the data'}. Draw with the data that was trained on."
            )


def _counts(recipe: Recipe, data: TrainingData | AcrossSubjects) -> str:
    training, held = holdout(data.concepts, recipe.holdout, recipe.seed)
    counted = f"n = {len(training)} training images"
    if recipe.reference:
        return f"{counted}; validated on the test images, as by the released code"
    n_concepts = len({data.concepts[image] for image in held})
    return f"{counted}; " + (f"{len(held)} held-out images of {n_concepts} concepts" if n_concepts else "none held out")


def _of_subjects(recipe: Recipe, data: TrainingData | AcrossSubjects) -> str:
    names = [str(one.subject) for one in (data.by_subject if isinstance(data, AcrossSubjects) else (data,))]
    if not recipe.beta:
        return "without brain signals"
    return names[0] if len(names) == 1 else f"{len(names)} subjects"


def _figure(size: tuple[float, float]) -> Any:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _explain(figure: Any, recipe: Recipe, caption: str) -> None:
    """Name the model above the panels and say below them what they are of."""
    simulated = f"SIMULATED ({recipe.dataset}) · " if recipe.simulated else ""
    figure.suptitle(f"{simulated}{recipe.identifier}", fontsize=12, parse_math=False)
    figure.supxlabel(fill(caption, int(13 * figure.get_figwidth())), fontsize=8, parse_math=False)


def _write(figure: Any, path: str | Path) -> None:
    with atomic_file(path) as part:
        figure.savefig(part, format="png", dpi=150)
