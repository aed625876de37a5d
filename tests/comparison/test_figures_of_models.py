"""Figures of regions, image types, subjects, modalities, variability, RDMs and variants show what was computed."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from matplotlib.text import Text
from scipy.stats import rankdata
from synthetic_comparison import EEG, FMRI, comparison

from brainscore_realnet.comparison.figures import (
    betas,
    controls,
    generalisation,
    image_types,
    modalities,
    rdm_gallery,
    rois,
    variability,
)
from brainscore_realnet.comparison.figures.captions import p_text, stars
from brainscore_realnet.comparison.figures.style import save
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.tables import tables
from brainscore_realnet.comparison.tables.contrasts import own_and_others
from brainscore_realnet.comparison.tables.schema import TABLES

SETTINGS = Settings(permutations=50, draws=20)
MODULES = (rois, image_types, generalisation, modalities, variability, rdm_gallery, betas, controls)
TYPES = (FMRI, "SimShen2019shapes-rsa", "SimShen2019letters-rsa")
MOST_KILOBYTES = 300
BARS = "((scope == 'roi' and roi != 'mean') or scope == 'score')"
"""Rows that a panel of improvements shows: every region, and the score as their mean."""


def personal(recipe, n, option=""):
    return tuple(f"sim-{recipe}-sub{number:02d}{option}" for number in range(1, n + 1))


def computed(**options):
    compared = comparison(**options)
    return compared, tables(compared, SETTINGS)


@pytest.fixture(scope="module")
def six():
    """One family of six personal models, one baseline, EEG and fMRI."""
    return computed()


@pytest.fixture(scope="module")
def fmri():
    """Models of three fMRI subjects, two baselines, three types of images."""
    baselines = ("cornet-s", "sim-realnet-fmri-beta0")
    return computed(models=personal("realnet-fmri", 3), baselines=baselines, benchmarks=TYPES)


@pytest.fixture(scope="module")
def ten():
    """Three families of ten subjects, which are variants, and two baselines."""
    models = (
        *personal("realnet-eeg", 10),
        *personal("realnet-eeg", 10, "-beta10"),
        *personal("realnet-eeg", 10, "-nocont"),
    )
    return computed(models=models, baselines=("cornet-s", "sim-realnet-eeg-beta0"), n_subjects=10)


def axis_titled(figure, words):
    return [axis for axis in figure.axes if words in axis.get_title("left") + axis.get_title()]


def bars_of(axis):
    """Heights and places of all bars, in the order in which they were drawn."""
    patches = [patch for container in axis.containers for patch in container if hasattr(patch, "get_height")]
    return np.array([(patch.get_x() + patch.get_width() / 2, patch.get_height()) for patch in patches]).T


def dots_of(axis):
    """Values of each line that has markers only."""
    return [line.get_ydata() for line in axis.lines if line.get_linestyle() == "None" and line.get_marker() != "_"]


# Regions of interest


def test_bars_are_means_over_subjects_and_dots_are_the_subjects(six):
    compared, found = six
    (drawing,) = rois.draw(compared, found)
    top, benchmark = drawing.figure.axes[0], compared.benchmark(FMRI)
    matched = [compared.matched(family, benchmark) for family in compared.families]
    expected = np.concatenate([[*one.scored_values.mean(axis=0), one.raw.mean()] for one in matched])
    np.testing.assert_allclose(bars_of(top)[1], expected)
    drawn = [values for values in dots_of(top) if len(values) == len(benchmark.conditions) + 1]
    of_subjects = np.concatenate([np.column_stack([one.scored_values, one.raw]) for one in matched])
    np.testing.assert_allclose(drawn, of_subjects)
    markers = [line.get_marker() for line in top.lines if len(line.get_ydata()) == len(benchmark.conditions) + 1]
    assert len(set(markers)) == 3
    assert markers[:3] == markers[3:]


def test_noise_ceiling_of_each_region_is_a_band_from_lower_to_upper(six):
    compared, found = six
    top = rois.draw(compared, found)[0].figure.axes[0]
    filled = [one for one in top.collections if len(one.get_facecolor()) and len(one.get_paths())]
    bounds = [np.sort(one.get_paths()[0].vertices[:, 1])[[0, -1]] for one in filled]
    benchmark = compared.benchmark(FMRI)
    np.testing.assert_allclose(bounds[: len(benchmark.conditions)], benchmark.ceiling.T)
    np.testing.assert_allclose(bounds[len(benchmark.conditions)], benchmark.score_ceiling)


def with_ceiling(change):
    compared = comparison()
    found = tables(compared, SETTINGS)
    vars(compared)["benchmarks"] = tuple(replace(one, ceiling=change(one.ceiling)) for one in compared.benchmarks)
    return rois.draw(compared, found)[0]


def test_ceiling_far_above_the_bars_is_written_and_does_not_press_them_flat():
    drawing = with_ceiling(lambda ceiling: 8 * ceiling)
    top = drawing.figure.axes[0]
    assert top.get_ylim()[1] < 2 * bars_of(top)[1].max()
    assert [text.get_text()[-1] for text in top.texts] == ["↑"] * 6
    assert "written above each region" in drawing.caption


def test_ceiling_of_a_single_subject_is_a_dashed_line():
    drawing = with_ceiling(lambda ceiling: np.stack([np.full_like(ceiling[0], np.nan), ceiling[1]]))
    assert "Dashed: noise ceiling" in drawing.caption
    assert not any("nan" in text.get_text() for text in drawing.figure.findobj(Text))


@pytest.mark.parametrize(("measure", "scale", "column"), [("difference", 1, 0), ("ratio", 100, 1)])
def test_improvements_are_those_of_the_table(ten, measure, scale, column):
    compared, found = ten
    (drawing,) = rois.draw(compared, found)
    table = found["improvements"]
    table = table.query(f"benchmark == @FMRI and {BARS}")
    for baseline in compared.baselines:
        axis = axis_titled(drawing.figure, f"improvement on {baseline.name}")[column]
        expected = table[table["baseline"] == baseline.name]
        assert len(expected) == 3 * 6
        np.testing.assert_allclose(bars_of(axis)[1], scale * expected[measure].astype(float))
    every = found["improvements_of_subjects"]
    every = every.query(f"benchmark == @FMRI and baseline == 'cornet-s' and {BARS}")
    dots = np.sort(np.concatenate(dots_of(axis_titled(drawing.figure, "improvement on cornet-s")[column])))
    np.testing.assert_allclose(dots, np.sort(scale * every[measure].astype(float)))


def test_intervals_of_improvements_are_those_of_the_table(six):
    compared, found = six
    (drawing,) = rois.draw(compared, found)
    axis = axis_titled(drawing.figure, "improvement on")[0]
    (errors,) = [one for one in axis.containers if hasattr(one, "has_yerr")]
    ends = np.array([segment[:, 1] for segment in errors[2][0].get_segments()])
    rows = found["improvements"].query(f"benchmark == @FMRI and {BARS}")
    np.testing.assert_allclose(ends, rows[["low", "high"]].astype(float))
    assert rows["interval"].iloc[0] in drawing.caption


def test_three_subjects_are_shown_without_a_test(six):
    compared, found = six
    assert found["tests"].query("benchmark == @FMRI").empty
    (drawing,) = rois.draw(compared, found)
    assert "No test is run and nothing is marked: n = 3" in drawing.caption
    assert not any("*" in text.get_text() for text in drawing.figure.findobj(Text))


def with_tests(compared, found, q):
    """Add made-up tests of every region, as if there had been enough subjects."""
    (family,), (baseline,) = compared.models, compared.baselines
    row = dict.fromkeys(TABLES["tests"]) | {"benchmark": FMRI, "family": family.name, "baseline": baseline.name}
    row |= {"contrast": "family - baseline", "scope": "roi", "test": "paired t test", "unit": "subject", "n": 9}
    row |= {"correction": "BH-FDR over 5 regions"}
    rows = [row | {"roi": roi, "q": value} for roi, value in q.items()]
    return {**found, "tests": pd.DataFrame(rows, columns=list(TABLES["tests"]))}


def test_marks_are_those_of_the_table_of_tests(six):
    compared, found = six
    q = {"V1": 0.2, "V2": 0.04, "V3": 0.004, "V4": 0.0004, "LOC": 0.05}
    (drawing,) = rois.draw(compared, with_tests(compared, found, q))
    axis = axis_titled(drawing.figure, "improvement on")[0]
    marks = {round(text.get_position()[0]): text.get_text() for text in axis.texts}
    assert marks == {1: "*", 2: "**", 3: "***"}
    assert "paired t test, two-sided, n = 9 subjects, BH-FDR over 5 regions" in drawing.caption


def test_ratio_without_bound_does_not_press_the_bars_flat(six):
    compared, found = six
    wild = found["improvements_of_subjects"].copy()
    place = wild.query("benchmark == @FMRI and roi == 'V2' and subject == 'sub-02'").index[0]
    wild.loc[place, "ratio"] = 1000.0
    (drawing,) = rois.draw(compared, {**found, "improvements_of_subjects": wild})
    assert "Outside the axes: 1 ratio of single subjects." in drawing.caption
    assert axis_titled(drawing.figure, "improvement on")[1].get_ylim()[1] < 200


def test_ratio_that_is_not_defined_is_not_drawn(six):
    compared, found = six
    empty = {name: found[name].assign(ratio=None) for name in ("improvements", "improvements_of_subjects")}
    (drawing,) = rois.draw(compared, {**found, **empty})
    difference, ratio = axis_titled(drawing.figure, "improvement on")
    assert np.isnan(bars_of(ratio)[1]).all()
    assert np.isfinite(bars_of(difference)[1]).all()
    drawing.figure.draw_without_rendering()


def test_regions_are_drawn_without_a_baseline():
    compared, found = computed(baselines=())
    (drawing,) = rois.draw(compared, found)
    assert len(drawing.figure.axes) == 1
    assert "baseline" not in drawing.caption
    assert len(generalisation.draw(compared, found)[0].figure.axes) == 3


# Types of images


def test_types_of_images_stand_side_by_side(fmri):
    compared, found = fmri
    (drawing,) = image_types.draw(compared, found)
    axes = axis_titled(drawing.figure, "improvement on")
    assert [axis.get_title("left") for axis in axes] == [
        "improvement on cornet-s",
        "improvement on sim-realnet-fmri-beta0",
    ]
    for axis, name in zip(axes, ("cornet-s", "sim-realnet-fmri-beta0"), strict=True):
        rows = found["improvements"].query(f"baseline == '{name}' and {BARS}")
        of_types = [rows[rows["benchmark"] == benchmark]["difference"] for benchmark in TYPES]
        np.testing.assert_allclose(bars_of(axis)[1], np.concatenate(of_types))
    assert all(name in drawing.caption for name in TYPES)


def test_one_type_of_images_alone_is_no_figure(six):
    assert image_types.draw(*six) == []


def test_virtual_and_real_recordings_and_single_regions_are_not_mixed():
    names = ("Shen2019-rsa", "SimShen2019shapes-rsa", "Shen2019.V1-rsa", "SimShen2019-rsa", "Horikawa2017-rsa")
    grouped = image_types.by_recordings(comparison(benchmarks=names))
    assert {stem: [one.identifier for one in of.values()] for stem, of in grouped.items()} == {
        "Shen2019-rsa": ["Shen2019-rsa"],
        "SimShen2019-rsa": ["SimShen2019-rsa", "SimShen2019shapes-rsa"],
        "Shen2019.V1-rsa": ["Shen2019.V1-rsa"],
    }


# Across subjects


def test_matrices_hold_every_model_with_every_subject(six):
    compared, found = six
    (drawing,) = generalisation.draw(compared, found)
    (family,), (baseline,) = compared.models, compared.baselines
    eeg = compared.benchmark(EEG)
    raw, gain = (axis.images[0].get_array() for axis in drawing.figure.axes[:2])
    expected = compared.generalisation(family, eeg)
    np.testing.assert_allclose(raw, expected)
    for column, subject in enumerate(family.subjects):
        theirs = compared.scored[baseline.models[0], EEG].part_values[eeg.subjects.index(subject)].mean()
        np.testing.assert_allclose(gain[:, column], expected[:, column] - theirs)
    framed = {patch.get_xy() for patch in drawing.figure.axes[0].patches}
    assert framed == {(place - 0.5, place - 0.5) for place in range(6)}
    low, high = drawing.figure.axes[1].images[0].get_clim()
    assert low == -high


def test_own_is_the_diagonal_and_others_the_rest_of_the_column():
    raw = np.random.default_rng(0).normal(size=(5, 5))
    own, others = own_and_others(raw)
    for subject in range(5):
        assert own[subject] == raw[subject, subject]
        np.testing.assert_allclose(others[subject], np.mean([raw[k, subject] for k in range(5) if k != subject]))


def test_own_against_others_says_the_p_of_the_table(six):
    compared, found = six
    (drawing,) = generalisation.draw(compared, found)
    (axis,) = axis_titled(drawing.figure, "by subject")
    rows = found["tests"].query("benchmark == @EEG and scope == 'score' and contrast in @generalisation.CONTRASTS")
    assert len(rows) == 2
    assert {text.get_text() for text in axis.texts} == {p_text(q) for q in rows["q"]}
    own, others = own_and_others(compared.generalisation(compared.models[0], compared.benchmark(EEG)))
    drawn = dots_of(axis)
    np.testing.assert_allclose(drawn[-2], others)
    np.testing.assert_allclose(drawn[-1], own)
    assert rows["test"].iloc[0] in drawing.caption


def test_own_against_others_of_three_subjects_has_no_p(fmri):
    compared, found = fmri
    drawings = generalisation.draw(compared, found)
    assert len(drawings) == 3
    for drawing in drawings:
        (axis,) = axis_titled(drawing.figure, "by subject")
        assert not axis.texts
        assert "No test is run" in drawing.caption


def test_model_of_nobody_measured_has_no_matrix():
    compared, found = computed(models=("cornet-z",))
    assert generalisation.draw(compared, found) == []
    assert variability.draw(compared, found) == []
    assert modalities.draw(compared, found) == []
    assert betas.draw(compared, found) == controls.draw(compared, found) == []


# EEG and fMRI


def test_improvements_with_eeg_and_fmri_are_dots_on_a_least_squares_line(six):
    compared, found = six
    (drawing,) = modalities.draw(compared, found)
    (axis,) = drawing.figure.axes
    (dots,) = [line for line in axis.lines if line.get_linestyle() == "None"]
    np.testing.assert_allclose(dots.get_xdata(), found["modalities"]["eeg_improvement"])
    np.testing.assert_allclose(dots.get_ydata(), found["modalities"]["fmri_improvement"])
    line = next(line for line in axis.lines if line.get_linestyle() == "-" and len(line.get_xdata()) == 2)
    x, y = dots.get_xdata(), dots.get_ydata()
    slope = ((x - x.mean()) * (y - y.mean())).sum() / ((x - x.mean()) ** 2).sum()
    np.testing.assert_allclose(line.get_ydata(), y.mean() + slope * (line.get_xdata() - x.mean()))
    pearson = found["correlations"].query("test.str.contains('Pearson')").iloc[0]
    assert f"n = {pearson['n']}" in axis.get_title("left")
    assert f"{abs(pearson['statistic']):.2f}"[1:] in axis.get_title("left")
    spearman = found["correlations"].query("test.str.contains('Spearman')").iloc[0]
    assert f"ρ = {spearman['statistic']:.2f}".replace("0.", ".").replace("-", "−") in axis.get_title("left")
    assert p_text(spearman["p"]) in axis.get_title("left")
    assert "two-sided, uncorrected" in drawing.caption


@pytest.mark.parametrize(
    ("statistic", "p", "words"),
    [(0.918, 0.0002, "r = .92, p < .001, n = 10"), (-0.05, 0.8, "r = −.05, p = .800, n = 10")],
)
def test_correlation_is_written_as_journals_do(statistic, p, words):
    rows = pd.DataFrame([{"test": "Pearson correlation over models", "statistic": statistic, "p": p, "n": 10}])
    assert modalities.correlation_words(rows) == words
    assert modalities.correlation_words(rows.iloc[:0]) == "no correlation computed"


def test_one_modality_alone_has_no_scatter():
    assert modalities.draw(*computed(benchmarks=(EEG,))) == []


# Variability


def test_variability_matrices_and_depth_are_those_of_the_table(six):
    compared, found = six
    drawing = variability.draw(compared, found)[0]
    models = compared.models[0].models
    rows = found["variability"].query("benchmark == @EEG")
    images = [axis.images[0].get_array() for axis in drawing.figure.axes if axis.images]
    for area, image in zip(("V1", "V2", "V4", "IT"), images, strict=True):
        assert np.ma.getmaskarray(image).diagonal().all()
        for row in rows[rows["area"] == area].itertuples():
            first, second = models.index(row.model_a), models.index(row.model_b)
            assert image[first, second] == image[second, first] == row.dissimilarity
    depth = next(axis for axis in drawing.figure.axes if "early to late" in axis.get_xlabel())
    means = [np.mean(rows[rows["area"] == area]["dissimilarity"]) for area in ("V1", "V2", "V4", "IT")]
    deviations = [np.std(rows[rows["area"] == area]["dissimilarity"], ddof=1) for area in ("V1", "V2", "V4", "IT")]
    line, _, (bars,) = depth.containers[0]
    np.testing.assert_allclose(line.get_ydata(), means)
    reach = [np.ptp(segment[:, 1]) / 2 for segment in bars.get_segments()]
    np.testing.assert_allclose(reach, deviations)
    assert "6 models, 15 pairs" in drawing.caption
    assert "±1 SD over pairs" in drawing.caption


def test_models_of_one_area_and_pairs_without_a_correlation_are_drawn():
    compared, found = computed(models=personal("realnet-eeg", 3), benchmarks=("SimThingsEEG2.readout-rsa",))
    found["variability"].loc[0, "dissimilarity"] = None
    for module in (variability, rdm_gallery, generalisation):
        (drawing,) = module.draw(compared, found)
        assert_legible(drawing)
    empty = found["variability"].assign(dissimilarity=None)
    assert variability.draw(compared, {**found, "variability": empty}) == []


# RDMs


def test_rdms_are_percentiles_in_the_lower_triangle(six):
    compared, found = six
    drawing = rdm_gallery.draw(compared, found)[0]
    benchmark, family = compared.benchmark(EEG), compared.models[0]
    images = [np.ma.filled(axis.images[0].get_array(), np.nan) for axis in drawing.figure.axes if axis.images]
    assert len(images) == 1 + 4 + 4
    n = benchmark.n_images
    pairs = [(first, second) for first in range(n) for second in range(first + 1, n)]
    neural = 100 * rankdata(benchmark.neural_rdms[0]) / len(pairs)
    ours = np.mean([rankdata(compared.scored[model, EEG].model_rdms[3]) for model in family.models], axis=0)
    for image, values in ((images[0], neural), (images[4], 100 * ours / len(pairs))):
        for (first, second), value in zip(pairs, values, strict=True):
            assert image[second, first] == pytest.approx(value)
        assert np.isnan(image[np.triu_indices(n)]).all()


def test_many_images_are_shown_in_part_and_ranked_in_full():
    compared, found = computed(models=("cornet-z",), benchmarks=(EEG,), n_images=203)
    drawing = rdm_gallery.draw(compared, found)[0]
    benchmark = compared.benchmark(EEG)
    square = np.zeros((203, 203))
    square[np.triu_indices(203, 1)] = 100 * rankdata(benchmark.neural_rdms[0]) / benchmark.neural_rdms.shape[1]
    shown = drawing.figure.axes[0].images[0].get_array()
    expected = square.T[::3, ::3]
    below = np.tril_indices(len(expected), -1)
    np.testing.assert_allclose(shown[below], expected[below])
    assert "one image in 3 is shown" in drawing.caption


# Variants


def test_beta_curves_hold_the_table_with_zero_left_of_the_break(ten):
    compared, found = ten
    drawing = betas.draw(compared, found)[0]
    rows = found["variants"].query("benchmark == @EEG and measure == 'score' and control in ['none', 'beta0']")
    axis = drawing.figure.axes[0]
    assert [label.get_text() for label in axis.get_xticklabels()] == ["0", "10", "100"]
    curve, zero = (container[0] for container in axis.containers)
    values = rows.set_index("beta")["value"]
    np.testing.assert_allclose(curve.get_xdata(), [1, 2])
    np.testing.assert_allclose(curve.get_ydata(), values.loc[[10.0, 100.0]])
    np.testing.assert_allclose(zero.get_ydata(), values.loc[[0.0]])
    assert zero.get_xdata()[0] == pytest.approx(0.75)
    baseline = compared.matched(compared.baselines[0], compared.benchmark(EEG)).raw.mean()
    assert any(np.allclose(line.get_ydata(), baseline) for line in axis.lines if len(line.get_ydata()) == 2)
    assert "45 pairs" in drawing.caption
    spread = drawing.figure.axes[2]
    assert spread.get_ylim()[0] == 0
    rows = (
        found["variability"].query("benchmark == @EEG and family == 'sim-realnet-eeg'").astype({"dissimilarity": float})
    )
    each = [of["dissimilarity"].mean() for _, of in rows.groupby(["model_a", "model_b"])]
    (segments,) = [bars.get_segments() for _, _, (bars,) in spread.containers]
    assert len(each) == 45
    assert np.ptp(segments[1][:, 1]) / 2 == pytest.approx(np.std(each, ddof=1))
    assert "±1 SD over pairs" in drawing.caption
    assert "n = 10 subjects" in drawing.caption


def test_control_bars_hold_variants_then_baselines_and_marks_of_the_recipe(ten):
    compared, found = ten
    drawing = controls.draw(compared, found)[0]
    axis = drawing.figure.axes[0]
    names = [label.get_text() for label in axis.get_xticklabels()]
    assert names == ["recipe itself", "no contrastive\nloss", "β = 0", "cornet-s"]
    values = found["variants"].query("benchmark == @EEG and measure == 'score'").set_index("family")["value"]
    families = ["sim-realnet-eeg", "sim-realnet-eeg-nocont", "sim-realnet-eeg-beta0"]
    np.testing.assert_allclose(bars_of(axis)[1][:3], values.loc[families])
    np.testing.assert_allclose([dots.mean() for dots in dots_of(axis)], bars_of(axis)[1])
    tests = found["tests"].query(
        "benchmark == @EEG and family == 'sim-realnet-eeg' and scope == 'score' and contrast == 'family - baseline'"
    )
    q = dict(zip(tests["baseline"], tests["q"], strict=True))
    assert q["cornet-s"] < 0.05
    marks = {round(text.xy[0]): text.get_text() for text in axis.texts}
    assert marks == {2: stars(q["sim-realnet-eeg-beta0"]), 3: stars(q["cornet-s"])}
    assert tests["test"].iloc[0] in drawing.caption


def test_dots_of_variants_are_the_subjects_of_the_table():
    models = (*personal("realnet-eeg", 6), *personal("realnet-eeg", 4, "-nocont"))
    compared, found = computed(models=models)
    (drawing,) = controls.draw(compared, found)
    rows = found["variants"].query("benchmark == @EEG and measure == 'score'")
    dots = dots_of(drawing.figure.axes[0])
    assert [len(values) for values in dots] == [4, 4, 4]
    np.testing.assert_allclose([values.mean() for values in dots[:2]], rows["value"])


def test_many_benchmarks_come_on_several_figures_of_variants():
    names = ("SimThingsEEG2-rsa", *TYPES)
    compared, found = computed(
        models=personal("realnet-fmri", 3), baselines=personal("realnet-fmri", 3, "-nocont"), benchmarks=names
    )
    drawings = controls.draw(compared, found)
    titles = [[axis.get_title("left") for axis in drawing.figure.axes] for drawing in drawings]
    assert [set(each) for each in titles] == [set(names[:3]), set(names[3:])]


def test_one_family_of_a_recipe_has_no_variants(six):
    assert betas.draw(*six) == controls.draw(*six) == []


# All of them


@pytest.mark.parametrize("case", ["six", "fmri", "ten"])
def test_every_figure_is_marked_explained_and_legible(case, request):
    compared, found = request.getfixturevalue(case)
    drawings = [drawing for module in MODULES for drawing in module.draw(compared, found)]
    assert len({drawing.name for drawing in drawings}) == len(drawings)
    layouts = {}
    for drawing in drawings:
        assert any(one.identifier.replace(".", "-") in drawing.name for one in compared.benchmarks)
        assert set(drawing.name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-")
        assert f"{compared.benchmarks[0].n_images} images" in drawing.caption
        assert "subjects" in drawing.caption
        assert "SIMULATED" in drawing.caption
        assert "nan" not in drawing.caption.lower().split()
        assert any(text.get_text() == "SIMULATED" for text in drawing.figure.texts)
        layouts[drawing.source, len(drawing.figure.axes)] = drawing
    for drawing in layouts.values():  # one of each, for time
        assert_legible(drawing)


def test_figures_of_real_recordings_and_models_are_not_marked_as_simulated():
    compared = comparison(models=personal("realnet-eeg", 4))
    for scored in compared.scored.values():
        scored.record["provenance"]["simulated"] = False
    found = tables(compared, SETTINGS)
    drawings = [drawing for module in MODULES for drawing in module.draw(compared, found)]
    assert len(drawings) >= 5
    for drawing in drawings:
        assert not any(text.get_text() == "SIMULATED" for text in drawing.figure.texts)
        assert "SIMULATED" not in drawing.caption


def test_figures_without_baselines_or_with_one_subject_are_legible():
    two = personal("realnet-eeg", 2)
    for options in ({"models": two, "baselines": ()}, {"models": ("cornet-z",), "n_subjects": 1}, {"models": two}):
        compared, found = computed(**options)
        for module in (rois, generalisation, variability):
            for drawing in module.draw(compared, found)[:1]:
                assert_legible(drawing)


def test_control_of_beta_alone_is_no_figure_of_controls():
    compared, found = computed(models=personal("realnet-eeg", 4), baselines=("sim-realnet-eeg-beta0",))
    assert len(found["variants"])
    assert controls.draw(compared, found) == []


def test_bars_without_a_test_are_named(ten):
    compared, found = ten
    (drawing,) = controls.draw(compared, found)
    assert "Not tested: sim-realnet-eeg-nocont." in drawing.caption
    assert "* p < .05" in drawing.caption
    assert "uncorrected (p)" in drawing.caption


def test_a_measure_of_one_family_is_no_row_of_controls():
    models = (*personal("realnet-eeg", 4), "sim-realnet-eeg-all")
    compared, found = computed(models=models, benchmarks=(EEG,))
    assert "variability" in set(found["variants"]["measure"])
    (drawing,) = controls.draw(compared, found)
    assert len(drawing.figure.axes) == 1


def test_same_control_of_two_betas_is_told_apart():
    options = ("", "-nocont", "-beta10-nocont")
    models = tuple(one for option in options for one in personal("realnet-eeg", 2, option))
    compared, found = computed(models=models, benchmarks=(EEG,))
    (drawing,) = controls.draw(compared, found)
    names = [label.get_text().replace("\n", "") for label in drawing.figure.axes[0].get_xticklabels()]
    assert names[:3] == ["recipe itself", "sim-realnet-eeg-nocont", "sim-realnet-eeg-beta10-nocont"]


def test_files_of_the_largest_figures_are_small(tmp_path):
    options = ("", "-beta1", "-beta10", "-beta1000")
    models = tuple(one for option in options for one in personal("realnet-eeg", 2, option))
    compared, found = computed(models=models, baselines=("cornet-s", "sim-realnet-eeg-beta0"), n_images=200)
    for module in (rois, rdm_gallery):
        drawing = module.draw(compared, found)[0]
        for path in save(drawing, tmp_path):
            assert path.stat().st_size < 1024 * MOST_KILOBYTES, path.name


def assert_legible(drawing):
    """No two texts overlap, and none leaves the figure."""
    figure = drawing.figure
    figure.draw_without_rendering()
    texts = [*figure.texts, *(text for legend in figure.legends for text in legend.get_texts())]
    for axis in figure.axes:
        texts += [axis.title, axis._left_title, axis.xaxis.label, axis.yaxis.label, *axis.texts]
        for side in (axis.xaxis, axis.yaxis):
            texts += [label for tick in side._update_ticks() for label in (tick.label1, tick.label2)]
    texts = [text for text in texts if text.get_visible() and text.get_text().strip()]
    boxes = [text.get_window_extent() for text in texts]
    for place, (text, box) in enumerate(zip(texts, boxes, strict=True)):
        words = f"{drawing.name}: {text.get_text()!r}"
        assert box.x0 > -1, words
        assert box.y0 > -1, words
        assert box.x1 < figure.bbox.width + 1, words
        assert box.y1 < figure.bbox.height + 1, words
        for other, its_box in zip(texts[:place], boxes[:place], strict=True):
            # Slanted labels overlap as boxes alone.
            if text.get_rotation() % 90 == other.get_rotation() % 90 == 0:
                assert not box.padded(-1).overlaps(its_box.padded(-1)), f"{words} on {other.get_text()!r}"
