from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_hex
from scipy.stats import spearmanr

from brainscore_realnet.datasets.things_eeg2 import CHANNELS
from brainscore_realnet.errors import BadInputError, StoreError
from brainscore_realnet.training import figures
from brainscore_realnet.training.data import TrainingData, across_subjects
from brainscore_realnet.training.division import holdout
from brainscore_realnet.training.figures import curves_figure, draw_curves, draw_examples, examples_figure
from brainscore_realnet.training.recipes import REALNET_EEG, REALNET_FMRI
from brainscore_realnet.training.run_state import Examples

CONCEPTS = tuple(f"{number:05d}_thing" for number in range(1, 11) for _ in range(4))
IMAGES = tuple(Path(f"images/thing_{number:02d}s.jpg") for number in range(len(CONCEPTS)))
TIMES = tuple(sample / 100 for sample in range(20))
RECIPE = REALNET_EEG.changed(dataset="sim-things-eeg2-toy", subject=1, holdout=0.3)
LAYERS = ("V1", "V2", "V4", "IT")


def eeg(subject="sub-01", seed=0, dataset="sim-things-eeg2-toy"):
    signals = np.random.default_rng(seed).normal(size=(len(IMAGES), 340)).astype(np.float32)
    facts = ((17, 20), 0.0, 1.0, tuple(CHANNELS), TIMES, "aa", f"{seed:02x}")
    return TrainingData(dataset, subject, IMAGES, CONCEPTS, signals, *facts)


def fmri():
    signals = np.random.default_rng(5).normal(size=(len(IMAGES), 50)).astype(np.float32)
    return TrainingData("shen2019", "sub-01", IMAGES, CONCEPTS, signals, (50,), 0.0, 1.0, (), (), "aa", "bb")


def examples_of(*subjects, n=12):
    """Generated signals that are the worse the later the image is."""
    _, held = holdout(CONCEPTS, 0.3, 0)
    rng = np.random.default_rng(9)
    measured = {one.subject: one.signals[held[:n]] for one in subjects}
    share = np.linspace(0.95, 0.05, len(held[:n]), dtype=np.float32)[:, None]
    generated = {
        name: share * values + (1 - share) * rng.normal(size=values.shape).astype(np.float32)
        for name, values in measured.items()
    }
    return Examples(tuple(IMAGES[row] for row in held[:n]), generated, measured)


def curves_of(n_epochs=6):
    rng = np.random.default_rng(0)
    names = [f"{side}_{part}" for side in ("training", "validation") for part in figures._LOSSES]
    names += ["validation_spearman", *(f"validation_rsa_{layer}" for layer in LAYERS), "validation_rsa"]
    return [{"epoch": epoch + 1, **{name: float(rng.random()) for name in names}} for epoch in range(n_epochs)]


def drawn(axis):
    """Lines with data of an axis by label, as (x, y) lists."""
    return {line.get_label(): (list(line.get_xdata()), list(line.get_ydata())) for line in axis.get_lines()}


def panels(figure):
    return [axis for axis in figure.axes if axis.axison]


def caption(figure):
    return figure.get_supxlabel().replace("\n", " ")


def column(curves, name):
    rows = [row for row in curves if name in row]
    return [row["epoch"] for row in rows], [row[name] for row in rows]


def test_every_curve_is_drawn_over_epochs_with_its_unit():
    curves = curves_of()
    axes = panels(curves_figure(curves, RECIPE, eeg()))
    assert len(axes) == 6
    for axis, (part, (title, unit)) in zip(axes, figures._LOSSES.items(), strict=False):
        lines = drawn(axis)
        assert lines["training"] == column(curves, f"training_{part}")
        assert lines["validation"] == column(curves, f"validation_{part}")
        assert (axis.get_title(), axis.get_ylabel(), axis.get_xlabel()) == (title, unit, "epoch")
    assert drawn(axes[4])["validation"] == column(curves, "validation_spearman")
    lines = drawn(axes[5])
    for layer in LAYERS:
        assert lines[layer] == column(curves, f"validation_rsa_{layer}")
    assert lines["mean"] == column(curves, "validation_rsa")
    assert ["Spearman" in axis.get_ylabel() for axis in axes] == [False] * 4 + [True] * 2
    for axis in axes:
        low, high = axis.get_ylim()
        values = np.concatenate([y for _, y in drawn(axis).values()])
        assert low <= values.min() <= values.max() <= high


def test_lowest_validation_loss_is_marked():
    curves = curves_of()
    lowest = min(curves, key=lambda row: row["validation_loss"])
    lines = drawn(panels(curves_figure(curves, RECIPE, eeg()))[0])
    assert lines[f"lowest: epoch {lowest['epoch']}"] == ([lowest["epoch"]], [lowest["validation_loss"]])


def test_sides_and_layers_can_be_told_without_colours_or_by_safe_ones():
    loss, *_, layers = panels(curves_figure(curves_of(), RECIPE, eeg()))
    training, validation = loss.get_lines()[:2]
    assert training.get_linestyle() != validation.get_linestyle()
    assert training.get_marker() != validation.get_marker()
    okabe_ito = {"#0072b2", "#009e73", "#e69f00", "#d55e00", "#cc79a7", "#56b4e9", "#000000"}
    colours = [to_hex(line.get_color()) for line in layers.get_lines() if line.get_label() in (*LAYERS, "mean")]
    assert len(set(colours)) == 5
    assert set(colours) <= okabe_ito


def test_more_layers_than_colours_differ_in_their_lines():
    curves = [{"epoch": 1, "training_loss": 1.0, **{f"validation_rsa_layer{i}": 0.1 * i for i in range(8)}}]
    axis = panels(curves_figure(curves, RECIPE, eeg()))[-1]
    lines = [line for line in axis.get_lines() if line.get_label().startswith("layer")]
    assert len({(line.get_color(), line.get_linestyle()) for line in lines}) == len(lines) == 8


def test_what_was_not_computed_has_no_panel():
    signals = ("mse", "contrastive", "spearman", "rsa")
    curves = [
        {name: 0.0 if name.endswith(signals[:2]) else value for name, value in row.items() if "rsa" not in name}
        for row in curves_of()
    ]
    bare = [{name: value for name, value in row.items() if "spearman" not in name} for row in curves]
    assert len(panels(curves_figure(curves, RECIPE, eeg()))) == 3
    assert [axis.get_title() for axis in panels(curves_figure(bare, RECIPE, eeg()))][1:] == ["classification"]
    unvalidated = [{name: value for name, value in row.items() if "validation" not in name} for row in bare]
    loss = panels(curves_figure(unvalidated, RECIPE, eeg()))[0]
    assert list(drawn(loss)) == ["training"]


def test_one_epoch_is_seen_and_new_columns_start_where_they_do():
    curves = curves_of(3)
    for name in LAYERS:
        del curves[0][f"validation_rsa_{name}"]
    lines = drawn(panels(curves_figure(curves, RECIPE, eeg()))[-1])
    assert lines["IT"] == column(curves[1:], "validation_rsa_IT")
    for axis in panels(curves_figure(curves_of(1), RECIPE, eeg())):
        assert all(
            line.get_marker() not in ("", "None") for line in axis.get_lines() if line.get_label() in figures._SIDES
        )
        assert [tick for tick in axis.get_xticks() if 0.5 <= tick <= 1.5] == [1]


def test_title_and_caption_say_what_was_trained_on():
    training, held = holdout(CONCEPTS, 0.3, 0)
    figure = curves_figure(curves_of(), RECIPE, eeg())
    assert figure.get_suptitle() == f"SIMULATED (sim-things-eeg2-toy) · {RECIPE.identifier}"
    assert caption(figure) == f"n = {len(training)} training images; {len(held)} held-out images of 3 concepts; sub-01"
    several = across_subjects([eeg(f"sub-{number:02d}", number) for number in (1, 2)])
    assert caption(curves_figure(curves_of(), RECIPE.changed(subject=None), several)).endswith("; 2 subjects")
    bare = replace(eeg(), subject=None, signals=np.empty((40, 0), np.float32), signal_shape=(0,))
    none = curves_figure(curves_of(), RECIPE.changed(subject=None, beta=0, holdout=0), bare)
    assert caption(none) == "n = 40 training images; none held out; without brain signals"
    released = RECIPE.changed(reference=True, holdout=0)
    assert "validated on the test images, as by the released code" in caption(
        curves_figure(curves_of(), released, eeg())
    )
    assert figures.curves_figure(curves_of(), REALNET_FMRI.changed(subject=1), fmri()).get_suptitle() == (
        "realnet-fmri-sub01"
    )


def test_eeg_is_drawn_as_maps_and_traces_of_the_data():
    examples = examples_of(eeg())
    figure = examples_figure(examples, RECIPE, eeg())
    rho = [
        spearmanr(*pair).statistic
        for pair in zip(examples.generated["sub-01"], examples.measured["sub-01"], strict=True)
    ]
    order = np.argsort(rho)
    [block] = figure.subfigs
    axes = [axis for axis in block.axes if axis.get_label() != "<colorbar>"]
    assert len(axes) == 9
    for row, place in zip(np.reshape(axes, (3, 3)), (10, 6, 1), strict=True):
        image = order[place]
        measured, generated = (
            values["sub-01"][image].reshape(17, 20) for values in (examples.measured, examples.generated)
        )
        for axis, values, title in zip(row, (measured, generated), ("measured", "generated"), strict=False):
            np.testing.assert_array_equal(axis.images[0].get_array(), values)
            limit = max(np.abs(measured).max(), np.abs(generated).max())
            assert axis.images[0].get_clim() == pytest.approx((-limit, limit))
            assert [label.get_text() for label in axis.get_yticklabels()] == list(CHANNELS)
            assert axis.images[0].get_extent() == pytest.approx([-5, 195, 16.5, -0.5])
            assert axis.get_title() == title
        assert row[2].get_title() == f"ρ = {rho[image]:.2f} (rank {12 - place} of 12)"
        assert row[0].get_ylabel().replace("\n", " ").endswith(examples.images[image].name)
        traces = [line for line in row[2].get_lines() if len(line.get_xdata()) == 20]
        assert len(traces) == 6
        for number, channel in enumerate(("Oz", "PO8", "Pz")):
            offset = row[2].get_yticks()[number]
            for line, values in zip(traces[2 * number : 2 * number + 2], (measured, generated), strict=True):
                np.testing.assert_allclose(line.get_ydata() - offset, values[CHANNELS.index(channel)], atol=1e-6)
                np.testing.assert_allclose(line.get_xdata(), np.arange(0, 200, 10), atol=1e-9)
        assert [label.get_text() for label in row[2].get_yticklabels()] == ["Oz", "PO8", "Pz"]
    assert [axis.get_xlabel() for axis in axes[6:]] == ["time after image onset (ms)"] * 3
    [legend] = [axis.get_legend() for axis in axes if axis.get_legend()]
    assert [text.get_text() for text in legend.get_texts()] == ["measured", "generated", "bar: 1 SD"]
    assert block.get_suptitle() == f"sub-01: mean ρ = {np.mean(rho):.2f} over n = 12 held-out images"
    assert figure.get_suptitle().startswith("SIMULATED")


def test_bar_of_one_sd_is_as_long_as_one_unit():
    figure = examples_figure(examples_of(eeg()), RECIPE, eeg())
    for axis in figure.subfigs[0].axes:
        for line in axis.get_lines():
            if line.get_label() == "bar: 1 SD":
                assert np.ptp(line.get_ydata()) == pytest.approx(1)


def test_components_are_drawn_as_bars_and_points_of_the_data():
    examples = examples_of(fmri())
    figure = examples_figure(examples, REALNET_FMRI.changed(subject=1), fmri())
    generated, measured = examples.generated["sub-01"], examples.measured["sub-01"]
    order = np.argsort([spearmanr(*pair).statistic for pair in zip(generated, measured, strict=True)])
    axes = np.reshape(figure.subfigs[0].axes, (3, 2))
    for (bars, points), place in zip(axes, (10, 6, 1), strict=True):
        image = order[place]
        heights = [patch.get_height() for patch in bars.patches]
        np.testing.assert_allclose(heights, np.concatenate([measured[image][:30], generated[image][:30]]), atol=1e-6)
        [cloud] = [line for line in points.get_lines() if line.get_marker() == "o"]
        np.testing.assert_array_equal(cloud.get_xdata(), measured[image])
        np.testing.assert_array_equal(cloud.get_ydata(), generated[image])
        assert points.get_ylabel() == "generated (SD)"
    assert axes[2, 0].get_xlabel() == "principal component (the first 30 of 50)"
    assert axes[2, 1].get_xlabel() == "measured (SD)"
    assert "SIMULATED" not in figure.get_suptitle()


def test_across_subjects_the_first_three_have_a_block_each():
    subjects = [eeg(f"sub-{number:02d}", number) for number in (1, 2, 3, 4)]
    examples = examples_of(*subjects)
    figure = examples_figure(examples, RECIPE.changed(subject=None), across_subjects(subjects))
    assert [block.get_suptitle()[:7] for block in figure.subfigs] == ["sub-01:", "sub-02:", "sub-03:"]
    first, second = (block.axes[0].images[0].get_array() for block in figure.subfigs[:2])
    assert not np.array_equal(first, second)
    assert caption(figure).endswith("3 of 4 subjects")


@pytest.mark.parametrize("n", [1, 2, 3])
def test_few_images_are_each_drawn_once(n):
    figure = examples_figure(examples_of(eeg(), n=n), RECIPE, eeg())
    ranks = [axis.get_title() for axis in figure.subfigs[0].axes if "rank" in axis.get_title()]
    assert [title.partition("(")[2] for title in ranks] == [f"rank {place} of {n})" for place in range(1, n + 1)]


def test_examples_of_a_released_training_are_called_test_images():
    examples = replace(examples_of(eeg(), n=2), images=(Path("test/one.jpg"), Path("test/two.jpg")))
    figure = examples_figure(examples, RECIPE.changed(reference=True, holdout=0), eeg())
    assert figure.subfigs[0].get_suptitle().endswith("over n = 2 test images")
    assert {axis.get_ylabel() for axis in figure.subfigs[0].axes[::3]} >= {"one.jpg"}


def test_other_channels_and_constant_signals_are_drawn():
    few = replace(eeg(), signals=np.random.default_rng(0).normal(size=(40, 6)).astype(np.float32), signal_shape=(2, 3))
    few = replace(few, ch_names=("A", "B"), times=(0.0, 0.01, 0.02))
    examples = examples_of(few)
    flat = replace(examples, generated={"sub-01": np.zeros((12, 6), np.float32)})
    figure = examples_figure(flat, RECIPE, few)
    traces = next(axis for axis in figure.subfigs[0].axes if "rank" in axis.get_title())
    assert [label.get_text() for label in traces.get_yticklabels()] == ["A", "B"]
    assert traces.get_title().startswith("ρ = 0.00")


def test_files_are_whole_pngs_whatever_images_are_called(tmp_path):
    draw_curves(curves_of(2), RECIPE, eeg(), tmp_path / "new" / "curves.png")
    examples = examples_of(eeg(), n=1)
    draw_examples(replace(examples, images=(Path("a_$b$_{ äöü.jpg"),)), RECIPE, eeg(), tmp_path / "examples.png")
    for path in (tmp_path / "new" / "curves.png", tmp_path / "examples.png"):
        content = path.read_bytes()
        assert content.startswith(b"\x89PNG\r\n")
        assert content.endswith(b"IEND\xaeB`\x82")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["examples.png", "new"]


def test_a_figure_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    path = tmp_path / "curves.png"
    path.write_bytes(b"old")

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", full)
    with pytest.raises(StoreError, match=r"curves\.png"):
        draw_curves(curves_of(2), RECIPE, eeg(), path)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_what_cannot_be_drawn_is_refused(tmp_path):
    examples = examples_of(eeg())
    wrong_size = replace(examples, generated={"sub-01": examples.generated["sub-01"][:, :-1]})
    broken = {"sub-01": examples.generated["sub-01"].copy()}
    broken["sub-01"][3, 4] = np.nan
    cases = [
        (replace(examples, images=()), "Got signals of 1 subjects to 0 images"),
        (replace(examples, generated={}), "Got signals of 0 subjects to 12 images"),
        (wrong_size, r"\(12, 339\) and \(12, 340\): expected \(12, 340\)"),
        (replace(examples, measured={}), r"\(12, 340\) and None"),
        (replace(examples, generated={"sub-07": broken["sub-01"]}), "sub-07 .* expected a subject of the data"),
        (replace(examples, generated=broken), "generated signals of image 3 that are not finite"),
    ]
    for wrong, message in cases:
        with pytest.raises(BadInputError, match=message):
            draw_examples(wrong, RECIPE, eeg(), tmp_path / "examples.png")
    with pytest.raises(BadInputError, match="Got no curves"):
        draw_curves([], RECIPE, eeg(), tmp_path / "curves.png")
    assert list(tmp_path.iterdir()) == []
