"""Figures over time show the similarities and the statistics that are in the tables, and say so legibly."""

import copy
import itertools
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.text import Text
from scipy.stats import sem
from synthetic_comparison import AREAS, EEG, FMRI, TIMES, comparison

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures import early_late, heat_maps, improvements, marks, time_courses
from brainscore_realnet.comparison.figures.captions import stars
from brainscore_realnet.comparison.figures.style import MODEL_COLOURS, encoded, looks
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.tables import tables

READOUT = "SimThingsEEG2.readout-rsa"
MODULES = (time_courses, improvements, heat_maps, early_late)


def personal(name, n):
    """Identifiers of n personal models: ``@`` stands for the subject."""
    return tuple(name.replace("@", f"sub{number:02d}") for number in range(1, n + 1))


SIZES = {
    "one family": {"models": personal("sim-realnet-eeg-@", 6)},
    "three families, two baselines, ten subjects": {
        "models": (*personal("sim-realnet-eeg-@", 10), *personal("sim-realnet-eeg-@-beta10", 10), "sim-resnet-101"),
        "baselines": ("sim-cornet-s-narrow", *personal("sim-realnet-eeg-@-unpaired", 10)),
        "n_subjects": 10,
    },
    "three subjects": {"models": personal("sim-realnet-eeg-@", 3), "n_subjects": 3},
    "seven families, two baselines": {
        "models": tuple(
            itertools.chain.from_iterable(
                personal(f"sim-realnet-eeg-@-beta{beta}", 6) for beta in (1, 3, 10, 20, 30, 300, 1000)
            )
        ),
        "baselines": ("sim-cornet-s-narrow", "sim-resnet-101"),
    },
    "one subject": {"models": ("sim-realnet-fmri-sub01",), "n_subjects": 1},
}


def made(benchmarks=(EEG,), **options):
    compared = comparison(benchmarks=benchmarks, **options)
    return compared, tables(compared, Settings(permutations=200, draws=50))


@pytest.fixture(scope="module")
def three():
    """Three families, two baselines, ten subjects, with the layer before the classifier."""
    return made((EEG, READOUT, FMRI), gain=0.015, **SIZES["three families, two baselines, ten subjects"])


@pytest.fixture(scope="module")
def two():
    """Two families and two baselines, whose improvements are on one figure."""
    models = (*personal("sim-realnet-eeg-@", 10), *personal("sim-realnet-eeg-@-beta10", 10))
    baselines = ("sim-cornet-s-narrow", "sim-resnet-101")
    return made(models=models, baselines=baselines, n_subjects=10, gain=0.015)


@pytest.fixture(scope="module")
def drawings(three):
    """By module, what it draws of the three families."""
    return {module: module.draw(*three) for module in MODULES}


def changed(compared, change):
    """Change a copy of every score's record."""
    scored = {}
    for key, one in compared.scored.items():
        record = copy.deepcopy(one.record)
        change(record)
        scored[key] = replace(one, record=record)
    return Comparison(compared.models, compared.baselines, scored)


def lines(axis, start=""):
    """By gid, what remains of it: the lines of an axis."""
    return {
        line.get_gid().removeprefix(start): line
        for line in axis.get_lines()
        if (line.get_gid() or "").startswith(start) and line.get_gid()
    }


def panel(figure, title):
    return next(axis for axis in figure.axes if title in (axis.get_title(), axis.get_title(loc="left")))


def with_gid(axis, gid):
    return [artist for artist in axis.get_children() if artist.get_gid() == gid]


def values_of(compared, name, area, subjects):
    """Literally: every subject's own model's course, or the mean over the family's models."""
    family = next(one for one in compared.families if one.name == name)
    benchmark = compared.benchmark(EEG)
    own = len(family.subjects) > 1
    courses = []
    for subject in subjects:
        row = benchmark.subjects.index(subject)
        models = [family.model_of(subject)] if own else family.models
        each = np.array([compared.scored[model, EEG].values[row] for model in models]).mean(axis=0)
        courses.append(each.mean(axis=0) if area == "mean" else each[AREAS.index(area)])
    return np.array(courses)


def test_curves_and_bands_are_means_and_errors_of_the_matched_similarities(three, drawings):
    compared, _ = three
    [drawing] = drawings[time_courses]
    subjects = compared.benchmark(EEG).subjects
    for area, title in [*((area, area) for area in AREAS), ("mean", "mean over areas")]:
        axis = panel(drawing.figure, title)
        drawn = lines(axis, "mean ")
        assert len(drawn) == 5
        for name, line in drawn.items():
            values = values_of(compared, name, area, subjects)
            np.testing.assert_allclose(line.get_xdata(), 1000 * np.array(TIMES), atol=1e-9)
            np.testing.assert_allclose(line.get_ydata(), values.mean(axis=0), atol=1e-12)
            [band] = with_gid(axis, f"error {name}")
            corners = band.get_paths()[0].vertices
            for side in (-1, 1):
                for time, edge in zip(1000 * np.array(TIMES), values.mean(0) + side * sem(values, axis=0), strict=True):
                    assert np.isclose(corners, (time, edge), atol=1e-9).all(axis=1).any()


def test_families_keep_their_looks_and_baselines_are_grey(three, drawings):
    compared, _ = three
    [drawing] = drawings[time_courses]
    drawn = lines(drawing.figure.axes[0], "mean ")
    for name, look in looks(compared).items():
        assert (drawn[name].get_color(), drawn[name].get_linestyle()) == (look.colour, look.line)
    assert [drawn[family.name].get_color() for family in compared.models] == list(MODEL_COLOURS[:3])
    assert all(drawn[family.name].get_color().startswith("0.") for family in compared.baselines)


def test_marks_below_the_curves_are_those_of_the_tables(three, drawings):
    compared, computed = three
    [drawing] = drawings[time_courses]
    tests, clusters = (computed[name].query(f"benchmark == '{EEG}' and area == 'V4'") for name in ("tests", "clusters"))
    axis, n_marked = panel(drawing.figure, "V4"), 0
    lowest = min(axis.get_yticks())
    for family, baseline in compared.pairs():
        pair = f"family == '{family.name}' and baseline == '{baseline.name}'"
        mine = tests.query(f"{pair} and scope == 'course' and contrast == 'family - baseline' and q < .05")
        for side, sign in (("above", 1), ("below", -1)):
            [dots] = with_gid(axis, f"{side} {family.name} {baseline.name}")
            expected = 1000 * mine["time"][mine["difference"] * sign > 0]
            np.testing.assert_allclose(dots.get_xdata(), expected.to_numpy(float), atol=1e-9)
            assert (np.array(dots.get_ydata()) < lowest).all()
            assert dots.get_color() == looks(compared)[family.name].colour
            n_marked += len(expected)
        bars = [bar.get_xdata() for bar in with_gid(axis, f"cluster {family.name} {baseline.name}")]
        mine = clusters.query(f"{pair} and p < .05")[["start", "stop"]].to_numpy(float)
        np.testing.assert_allclose(np.reshape(bars, (-1, 2)), 1000 * mine + (-5, 5), atol=1e-9)
    assert n_marked > 20
    shown = [text.get_text() for text in axis.texts]
    assert shown == [f"against {baseline.name}" for baseline in compared.baselines]


def test_differences_below_the_baseline_are_open_and_their_clusters_hollow():
    compared, computed = made(gain=-0.06)
    [drawing] = time_courses.draw(compared, computed)
    axis, name = panel(drawing.figure, "IT"), "sim-realnet-eeg sim-cornet-s-narrow"
    [below] = with_gid(axis, f"below {name}")
    assert len(below.get_xdata()) > 3
    assert below.get_markerfacecolor() == "white"
    [cluster] = with_gid(axis, f"cluster {name}")
    [core] = [line for line in axis.get_lines() if line.get_color() == "white" and line.get_linestyle() == "-"]
    np.testing.assert_array_equal(core.get_xydata(), cluster.get_xydata())
    assert core.get_linewidth() < cluster.get_linewidth()


def test_with_three_subjects_nothing_is_marked_and_the_caption_says_why():
    compared, computed = made((EEG, READOUT), **SIZES["three subjects"])
    drawings = [drawing for module in MODULES for drawing in module.draw(compared, computed)]
    assert len(drawings) == 5
    for drawing in drawings:
        assert "No test is run and nothing is marked: n = 3" in drawing.caption
        gids = {artist.get_gid() for axis in drawing.figure.axes for artist in axis.get_children()}
        assert not any((gid or "").startswith(("above", "below", "cluster", "stars")) for gid in gids)
        assert not any("against" in text.get_text() for axis in drawing.figure.axes for text in axis.texts)


def test_ceiling_is_a_band_beside_the_curves_where_it_does_not_squash_them(three, drawings):
    compared, _ = three
    [drawing] = drawings[time_courses]
    lower, upper = compared.benchmark(EEG).ceiling
    for axis in drawing.figure.axes[:5]:
        [band] = with_gid(axis, "ceiling")
        corners = band.get_paths()[0].vertices
        assert corners[:, 1].max() == pytest.approx(upper.max())
        assert axis.get_ylim()[1] > upper.max()
        for time, low in zip(1000 * np.array(TIMES), lower, strict=True):
            assert np.isclose(corners, (time, low), atol=1e-9).all(axis=1).any()


def test_ceiling_far_above_the_curves_has_a_panel_of_its_own():
    compared, _ = made()

    def raise_ceiling(record):
        record["ceiling_values"]["data"] = (6 * np.array(record["ceiling_values"]["data"])).tolist()

    compared = changed(compared, raise_ceiling)
    [drawing] = time_courses.draw(compared, tables(compared, Settings(permutations=200, draws=50)))
    *areas, last = [axis for axis in drawing.figure.axes if axis.axison]
    assert len(areas) == 5
    highest = max(line.get_ydata().max() for axis in areas for line in lines(axis, "mean ").values())
    assert all(not with_gid(axis, "ceiling") for axis in areas)
    assert all(axis.get_ylim()[1] < 1.4 * highest for axis in areas)
    [band] = with_gid(last, "ceiling")
    assert band.get_paths()[0].vertices[:, 1].max() == pytest.approx(compared.benchmark(EEG).ceiling.max())
    assert last.get_ylim()[1] > compared.benchmark(EEG).ceiling.max()
    assert "in a panel of its own" in drawing.caption


def test_ceiling_of_one_subject_is_a_dashed_line():
    compared, computed = made(**SIZES["one subject"])

    def forget_lower(record):
        record["ceiling_values"]["data"][0] = [None] * len(TIMES)

    compared = changed(compared, forget_lower)
    [drawing] = time_courses.draw(compared, computed)
    [line] = with_gid(drawing.figure.axes[0], "ceiling")
    assert line.get_linestyle() == "--"
    np.testing.assert_array_equal(line.get_ydata(), compared.benchmark(EEG).ceiling[1])
    assert not with_gid(drawing.figure.axes[0], "error sim-realnet-fmri")
    assert "±1 SEM" not in drawing.caption
    assert "Dashed grey line: noise ceiling of the one subject" in drawing.caption


def test_window_of_the_score_is_shaded(drawings):
    [drawing] = drawings[time_courses]
    [span] = [patch for patch in drawing.figure.axes[0].patches if patch.get_facecolor()[:3] == (0.94,) * 3]
    assert span.get_x() == pytest.approx(50)
    assert span.get_width() == pytest.approx(150)


def test_baselines_are_shown_on_the_subjects_of_the_models():
    compared, computed = made(models=personal("sim-realnet-eeg-@", 4))
    [drawing] = time_courses.draw(compared, computed)
    baseline = lines(panel(drawing.figure, "V1"), "mean ")["sim-cornet-s-narrow"]
    expected = values_of(compared, "sim-cornet-s-narrow", "V1", ["sub-01", "sub-02", "sub-03", "sub-04"]).mean(axis=0)
    np.testing.assert_allclose(baseline.get_ydata(), expected, atol=1e-12)
    assert drawing.caption.count("n = 4 subjects") >= 3


def test_families_of_other_subjects_are_shown_together():
    models = (*personal("sim-realnet-eeg-@", 5), *personal("sim-realnet-fmri-@", 3))
    compared, computed = made(models=models)
    [drawing] = time_courses.draw(compared, computed)
    assert "each subject's own model, n = 5 subjects: sim-realnet-eeg;" in drawing.caption
    assert "mean over 3 models, n = 6 subjects: sim-realnet-fmri;" in drawing.caption
    assert drawing.source == "R24 Fig. 2A; RF24 Fig. 4"
    only_fmri, computed = made(models=personal("sim-realnet-fmri-@", 3))
    assert time_courses.draw(only_fmri, computed)[0].source == "RF24 Fig. 4"


def test_early_and_late_are_the_first_area_and_the_layer_before_the_classifier(three, drawings):
    compared, computed = three
    [drawing] = drawings[early_late]
    early, late = panel(drawing.figure, "early: V1"), panel(drawing.figure, "late: readout")
    for family in compared.families:
        for axis, benchmark in ((early, EEG), (late, READOUT)):
            matched = compared.matched(family, compared.benchmark(benchmark))
            drawn = lines(axis, "mean ")[family.name].get_ydata()
            np.testing.assert_allclose(drawn, matched.values[:, 0].mean(axis=0), atol=1e-12)
    marked = computed["tests"].query(
        f"benchmark == '{READOUT}' and contrast == 'family - baseline' and scope == 'course' and area == 'readout' "
        "and q < .05"
    )
    drawn = sum(len(line.get_xdata()) for side in ("above ", "below ") for line in lines(late, side).values())
    assert drawn == len(marked) > 0
    assert (drawing.source, drawing.name) == ("R24 Fig. 1B", "early-late-SimThingsEEG2-rsa")


def test_layer_before_the_classifier_has_courses_of_its_own_only_without_its_whole(three, drawings):
    compared, computed = three
    assert [one.name for one in drawings[time_courses]] == ["time-courses-SimThingsEEG2-rsa"]
    compared, computed = made((READOUT,))
    assert early_late.draw(compared, computed) == []
    [drawing] = time_courses.draw(compared, computed)
    assert [axis.get_title() for axis in drawing.figure.axes if axis.axison] == ["readout"]


def test_nothing_is_drawn_without_eeg():
    compared, computed = made((FMRI,))
    assert [module.draw(compared, computed) for module in MODULES] == [[], [], [], []]


def test_without_a_baseline_families_are_shown_and_nothing_is_marked():
    compared, computed = made((EEG, READOUT), baselines=())
    assert improvements.draw(compared, computed) == []
    for module in (time_courses, early_late):
        [drawing] = module.draw(compared, computed)
        assert "Without a baseline nothing is tested." in drawing.caption
        assert list(lines(drawing.figure.axes[0], "mean ")) == ["sim-realnet-eeg"]
    [drawing] = heat_maps.draw(compared, computed)
    assert [axis.get_title(loc="left") for axis in drawing.figure.axes if axis.images] == ["sim-realnet-eeg"]
    assert "No test" not in drawing.caption


def test_dots_means_and_intervals_of_improvements_are_those_of_the_tables(two):
    compared, computed = two
    [drawing] = improvements.draw(compared, computed)
    places = [*AREAS, "mean"]
    for axis, (scope, measure) in zip(
        drawing.figure.axes, itertools.product(("peak", "window"), ("difference", "ratio")), strict=True
    ):
        where = f"benchmark == '{EEG}' and scope == '{scope}' and area in @places"
        dots = np.concatenate([line.get_ydata() for line in axis.get_lines() if line.get_gid() == "subjects"])
        each = computed["improvements_of_subjects"].query(where, local_dict={"places": places})
        factor = 100 if measure == "ratio" else 1
        assert len(dots) == 4 * 5 * 10
        np.testing.assert_allclose(np.sort(dots), np.sort(factor * each[measure].to_numpy(float)), atol=1e-12)
        means = computed["improvements"].query(where, local_dict={"places": places})
        [drawn] = with_gid(axis, "means")
        heights = drawn.get_ydata()[::3]
        np.testing.assert_allclose(np.sort(heights), np.sort(factor * means[measure].to_numpy(float)), atol=1e-12)
        [intervals] = with_gid(axis, "intervals")
        ends = np.sort(intervals.get_ydata()[np.isfinite(intervals.get_ydata())])
        if (scope, measure) == ("window", "difference"):
            np.testing.assert_allclose(ends, np.sort(means[["low", "high"]].to_numpy(float).ravel()), atol=1e-12)
        else:
            assert len(ends) == 0
        assert (len(axis.containers) == 1) == ((scope, measure) == ("peak", "difference"))


def test_many_pairs_have_a_figure_for_each_baseline_and_no_code_of_fills(three, drawings):
    compared, computed = three
    of_whole = [drawing for drawing in drawings[improvements] if "readout" not in drawing.name]
    for drawing, baseline in zip(of_whole, compared.baselines, strict=True):
        assert drawing.name == f"improvements-SimThingsEEG2-rsa-{baseline.name}"
        shown = [line for line in drawing.figure.axes[0].get_lines() if line.get_gid() == "subjects"]
        assert {line.get_fillstyle() for line in shown} == {"full"}
        rows = computed["improvements_of_subjects"].query(
            f"benchmark == '{EEG}' and scope == 'peak' and baseline == '{baseline.name}' and area in @areas",
            local_dict={"areas": [*AREAS, "mean"]},
        )
        dots = np.concatenate([line.get_ydata() for line in shown])
        np.testing.assert_allclose(np.sort(dots), np.sort(rows["difference"].to_numpy(float)), atol=1e-12)
        [legend] = drawing.figure.legends
        assert [text.get_text() for text in legend.get_texts()] == [family.name for family in compared.models]


def test_a_column_of_improvements_holds_one_area_of_one_pair(two):
    compared, computed = two
    figure = improvements.draw(compared, computed)[0].figure
    axis, rows = (
        figure.axes[2],
        computed["improvements_of_subjects"].query(f"benchmark == '{EEG}' and scope == 'window'"),
    )
    for line in axis.get_lines():
        if line.get_gid() != "subjects":
            continue
        area = [*AREAS, "mean"][round(line.get_xdata().mean())]
        fill = line.get_fillstyle()
        [family] = [one for one in compared.models if looks(compared)[one.name].colour == line.get_color()]
        baseline = compared.baselines[improvements.FILLS.index(fill)]
        mine = rows.query(f"family == '{family.name}' and baseline == '{baseline.name}' and area == '{area}'")
        np.testing.assert_allclose(line.get_ydata(), mine["difference"].to_numpy(float), atol=1e-12)
        assert (np.diff(line.get_xdata()) > 0).all()


def test_stars_are_of_corrected_p_values(two):
    _, computed = two
    figure = improvements.draw(*two)[0].figure
    for axis, scope in ((figure.axes[0], "peak"), (figure.axes[2], "window")):
        where = f"benchmark == '{EEG}' and scope == '{scope}' and contrast == 'family - baseline' and q < .05"
        expected = sorted(stars(q) for q in computed["tests"].query(where)["q"])
        assert sorted(text.get_text() for text in axis.texts) == expected
        assert len(expected) > 3
    assert not figure.axes[1].texts
    assert not figure.axes[3].texts


def test_ratios_far_beyond_the_others_are_arrows_at_the_edge():
    compared, computed = made()
    each = computed["improvements_of_subjects"].copy()
    place = each.query("scope == 'window' and area == 'V2' and subject == 'sub-03'").index[0]
    each.loc[place, "ratio"] = -90.0
    [drawing] = improvements.draw(compared, computed | {"improvements_of_subjects": each})
    arrows = [(axis, line) for axis in drawing.figure.axes for line in axis.get_lines() if line.get_gid() == "beyond"]
    [(axis, line)] = arrows
    assert axis is drawing.figure.axes[3]
    assert line.get_marker() == "v"
    means = computed["improvements"].query(
        "scope == 'window' and area in @shown", local_dict={"shown": [*AREAS, "mean"]}
    )
    edge = 100 * improvements.FURTHEST * means["ratio"].abs().max()
    np.testing.assert_allclose(line.get_ydata(), [-edge])
    assert -1.5 * edge < axis.get_ylim()[0] < -edge
    assert "Arrows at the edge" in drawing.caption
    assert "Arrows" not in improvements.draw(compared, computed)[0].caption


def test_a_ratio_without_a_positive_baseline_is_left_out():
    compared, computed = made()
    mean = computed["improvements"].copy()
    mean.loc[mean.query("scope == 'peak' and area == 'IT'").index, "ratio"] = np.nan
    [drawing] = improvements.draw(compared, computed | {"improvements": mean})
    drawn = [
        len(line.get_ydata()[::3][np.isfinite(line.get_ydata()[::3])])
        for axis in drawing.figure.axes
        for line in axis.get_lines()
        if line.get_gid() == "means"
    ]
    assert sorted(drawn) == [4, 5, 5, 5]


def test_heat_maps_show_means_and_differences_and_outline_what_is_significant(three, drawings):
    compared, computed = three
    [drawing] = drawings[heat_maps]
    benchmark = compared.benchmark(EEG)
    maps = [axis for axis in drawing.figure.axes if axis.images and axis.get_label() != "<colorbar>"]
    assert len(maps) == 5 + 6
    subjects, remaining, n_marked = benchmark.subjects, iter(maps), 0
    headings = [axis.get_title(loc="left") for axis in maps if "minus" in axis.get_title(loc="left")]
    assert headings == [f"minus {baseline.name}" for baseline in compared.baselines]
    for family in (*compared.models, *compared.baselines):
        axis = next(remaining)
        assert axis.get_title(loc="left") == family.name
        dashed = [line.get_xdata()[0] for line in axis.get_lines() if line.get_linestyle() == "--"]
        np.testing.assert_allclose(dashed, [50, 200])
        mean = np.array([values_of(compared, family.name, area, subjects).mean(axis=0) for area in AREAS])
        np.testing.assert_allclose(axis.images[0].get_array(), mean, atol=1e-12)
        assert [label.get_text() for label in axis.get_yticklabels()] == list(AREAS)
        for baseline in compared.baselines if family.role == "model" else ():
            axis = next(remaining)
            theirs = np.array([values_of(compared, baseline.name, area, subjects).mean(axis=0) for area in AREAS])
            np.testing.assert_allclose(axis.images[0].get_array(), mean - theirs, atol=1e-12)
            low, high = axis.images[0].get_clim()
            assert low == -high
            [line] = with_gid(axis, "outline")
            marked = computed["tests"].query(
                f"benchmark == '{EEG}' and family == '{family.name}' and baseline == '{baseline.name}' and "
                "contrast == 'family - baseline' and scope == 'course' and area != 'mean' and q < .05"
            )
            cells = np.zeros((4, len(TIMES)), dtype=bool)
            for area, time in zip(marked["area"], marked["time"], strict=True):
                cells[AREAS.index(area), TIMES.index(pytest.approx(time))] = True
            n_marked += cells.sum()
            assert pieces(line.get_xydata()) == borders(cells, 1000 * TIMES[0] - 5, 10)
    assert n_marked > 20


def pieces(points):
    return {tuple(np.round(piece[:2].ravel(), 6)) for piece in np.reshape(points, (-1, 3, 2))}


def borders(cells, first, step):
    """Literally: each side of each marked cell whose neighbour there is not marked."""
    found = set()
    for row, column in np.argwhere(cells):
        left, right, top, bottom = first + column * step, first + (column + 1) * step, row - 0.5, row + 0.5
        sides = {
            (row, column - 1): (left, top, left, bottom),
            (row, column + 1): (right, top, right, bottom),
            (row - 1, column): (left, top, right, top),
            (row + 1, column): (left, bottom, right, bottom),
        }
        for (y, x), side in sides.items():
            inside = 0 <= y < cells.shape[0] and 0 <= x < cells.shape[1]
            if not inside or not cells[y, x]:
                found.add(tuple(np.round(side, 6)))
    return found


@given(arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 7))))
def test_outline_is_the_border_of_the_marked_cells(cells):
    edges = 10.0 * np.arange(cells.shape[1] + 1) - 55
    assert pieces(heat_maps.outline(cells, edges)) == borders(cells, -55, 10)


def test_captions_hold_n_errors_tests_corrections_and_seeds(drawings):
    course, gain, heat, early = (drawings[module][0].caption for module in MODULES)
    for text in (course, gain, heat, early):
        for words in ("n = 10 subjects", "paired t test, two-sided", "12 images", EEG, "q < .05", "SIMULATED"):
            assert words in text
    for text in (course, early):
        assert "±1 SEM over subjects" in text
        assert "200 sign flips, seed 0" in text
    for text in (course, heat, early):
        assert "BH-FDR over 4 areas x 36 times" in text
        assert "50–200 ms" in text
    assert "areas: paired t test, two-sided, n = 10 subjects, BH-FDR over 4 areas (q)" in gain
    assert "mean over areas: paired t test, two-sided, n = 10 subjects, uncorrected (p)" in gain
    assert "n = 10 subjects, BH-FDR over 4 areas x 36 times (q); mean over areas: paired t test" in course
    assert "V1: paired t test, two-sided, n = 10 subjects, BH-FDR over 4 areas x 36 times (q); readout: " in early
    assert "tests over subjects alone, so that an interval can include 0 beside a mark" in gain
    for text in (course, early):
        assert "upper bound: with the mean of all; n = 10 subjects" in text
    assert "95 % interval, bootstrap over stimuli and subjects" in gain
    assert "sim-cornet-s-narrow V1 90 ms, V2 100 ms" in gain
    small, computed = made(models=personal("sim-realnet-eeg-@", 6), gain=0.06)
    assert "64 sign flips (all that there are)" in time_courses.draw(small, computed)[0].caption


def test_what_is_simulated_says_so_and_what_is_not_does_not():
    compared, computed = made((EEG, READOUT), models=personal("sim-realnet-eeg-@", 3), n_subjects=3)

    def make_real(record):
        record["provenance"]["simulated"] = record["provenance"]["benchmark"]["simulated"] = False

    real = changed(compared, make_real)
    for module in MODULES:
        for one, expected in ((compared, True), (real, False)):
            drawing = module.draw(one, computed)[0]
            marked = any(text.get_text() == "SIMULATED" for text in drawing.figure.texts)
            assert (marked, "SIMULATED" in drawing.caption) == (expected, expected)


def test_names_are_safe_and_differ(drawings):
    names = [drawing.name for module in MODULES for drawing in drawings[module]]
    assert len(set(names)) == len(names) == 7
    assert all(name.replace("-", "").isalnum() for name in names)


@pytest.mark.parametrize("size", SIZES)
def test_texts_do_not_overlap_and_files_are_small(size, monkeypatch):
    compared, computed = made((EEG, READOUT) if size == "one family" else (EEG,), **SIZES[size])
    boxes, draw_text = {}, Text.draw

    def record(text, renderer):
        draw_text(text, renderer)
        boxes[text] = text.get_window_extent(renderer).get_points()  # in points, as the file is a vector graphic

    monkeypatch.setattr(Text, "draw", record)
    for drawing in itertools.chain.from_iterable(module.draw(compared, computed) for module in MODULES):
        boxes.clear()
        assert len(encoded(drawing.figure, "svg")) < 300_000, drawing.name
        shown = [(text.get_text(), box) for text, box in boxes.items() if text.get_text().strip()]
        texts, corners = zip(*shown, strict=True)
        first, last = np.array(corners).swapaxes(0, 1)
        assert len(shown) > 10
        inside = (first >= -1).all(axis=1) & (last <= 72 * drawing.figure.get_size_inches() + 1).all(axis=1)
        assert inside.all(), (drawing.name, [text for text, fits in zip(texts, inside, strict=True) if not fits])
        overlaps = np.minimum(last, last[:, None]) - np.maximum(first, first[:, None])
        touching = np.argwhere(np.triu((overlaps > 1).all(axis=-1), k=1))
        assert not len(touching), (drawing.name, [(texts[one], texts[other]) for one, other in touching])


def test_many_marks_are_stored_as_pixels_and_stay_where_they_are(three, monkeypatch):
    compared, computed = three
    [vectors] = time_courses.draw(compared, computed)
    monkeypatch.setattr(marks, "MOST_VECTORS", 10)
    [pixels] = time_courses.draw(compared, computed)
    for one, other in zip(vectors.figure.axes, pixels.figure.axes, strict=True):
        for side in ("above ", "below "):
            for name, line in lines(one, side).items():
                same = lines(other, side)[name]
                np.testing.assert_array_equal(line.get_xydata(), same.get_xydata())
                assert same.get_rasterized()
                assert not line.get_rasterized()


def test_files_are_small_with_many_times(monkeypatch):
    monkeypatch.setattr("synthetic_comparison.TIMES", tuple(np.round(np.arange(-0.2, 0.8, 0.01), 2).tolist()))
    six = SIZES["seven families, two baselines"]["models"][6:]
    compared, computed = made(models=six)
    for module in (time_courses, heat_maps):
        [drawing] = module.draw(compared, computed)
        assert len(encoded(drawing.figure, "svg")) < 300_000, drawing.name


def test_a_ceiling_that_is_not_defined_is_not_drawn():
    compared, computed = made(**SIZES["one subject"])

    def forget(record):
        record["ceiling_values"]["data"] = [[None] * len(TIMES)] * 2

    [drawing] = time_courses.draw(changed(compared, forget), computed)
    highest = max(line.get_ydata().max() for axis in drawing.figure.axes for line in lines(axis, "mean ").values())
    assert all(axis.get_ylim()[1] < 1.4 * highest for axis in drawing.figure.axes[:5])
    assert not drawing.figure.axes[5].axison
