"""Words, looks and sources are the same in all figures, and every module that draws is used."""

import importlib
import itertools
import pkgutil

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_comparison import EEG, FMRI, comparison

from brainscore_realnet.comparison import figures
from brainscore_realnet.comparison.families import families
from brainscore_realnet.comparison.figures.captions import (
    BOTH,
    about_both,
    about_ceiling,
    about_matched,
    about_stars,
    level_text,
    p_text,
    source,
    stars,
    symbol_of,
)
from brainscore_realnet.comparison.figures.style import broken_name, looks
from brainscore_realnet.comparison.settings import ALPHA, Settings
from brainscore_realnet.comparison.tables import tables


def rows(*cells):
    names = ("scope", "area", "correction", "q")
    same = {"test": "paired t test", "n": 8, "unit": "subject"}
    return pd.DataFrame([same | dict(zip(names, of, strict=True)) for of in cells])


def test_every_module_that_draws_is_in_the_list_of_figures():
    found = {
        importlib.import_module(f"{figures.__name__}.{one.name}") for one in pkgutil.iter_modules(figures.__path__)
    }
    assert {module for module in found if hasattr(module, "draw")} == set(figures.FIGURES)


def test_uncorrected_is_p_and_corrected_is_q():
    assert [symbol_of("none"), symbol_of("BH-FDR over 4 areas")] == ["p", "q"]
    alone = about_stars(rows(("score", "mean", "none", 0.01)), 8)
    assert alone == ("* p < .05, ** p < .01, *** p < .001: paired t test, two-sided, n = 8 subjects, uncorrected (p).")
    both = about_stars(rows(("peak", "V1", "BH-FDR over 2 areas", 0.01), ("peak", "mean", "none", 0.01)), 8)
    assert both.startswith("* p or q < .05")
    assert "; mean over areas: paired t test" in both


def test_too_few_subjects_and_undefined_tests_are_told_apart():
    none = rows(("roi", None, "none", 0.5)).iloc[:0]
    assert "n = 3, too few" in about_stars(none, 3)
    assert about_stars(none, 8) == "No test is defined, and nothing is marked."


@pytest.mark.parametrize(("interval", "q", "said"), [("stimuli and subjects", 0.01, BOTH), ("stimuli alone", 0.01, "")])
def test_intervals_over_more_than_tests_are_explained_beside_marks(interval, q, said):
    assert about_both([f"bootstrap over {interval}", None], rows(("roi", None, "x", q))) == said
    assert about_both([f"bootstrap over {interval}"], rows(("roi", None, "x", ALPHA))) == ""


def test_levels_and_p_are_written_as_journals_do():
    assert (level_text(), p_text(0.0312), p_text(0.0002, "q")) == (".05", "p = .031", "q < .001")
    assert [stars(p) for p in (ALPHA, 0.049, 0.009, 0.0009)] == ["", "*", "**", "***"]


def test_families_of_the_same_kind_are_named_together():
    compared = comparison(baselines=("cornet-s", "resnet-101"))
    matched = {one.name: compared.matched(one, compared.benchmark(EEG)) for one in compared.families}
    assert about_matched(matched) == (
        "Compared: each subject's own model, n = 6 subjects: sim-realnet-eeg; one model, n = 6 subjects: cornet-s, "
        "resnet-101."
    )


def test_ceiling_is_defined_with_its_n():
    words = about_ceiling(comparison().benchmark(FMRI), "Bands: noise ceiling", "Dashed")
    assert words.startswith("Bands: noise ceiling (lower bound: ")
    assert words.endswith("n = 3 subjects).")


@pytest.mark.parametrize(
    ("shown", "models", "expected"),
    [
        ("rois", ["realnet-eeg-sub01", "realnet-eeg-sub02"], "R24 Fig. 3A"),
        ("rois", ["realnet-fmri-sub01"], "RF24 Fig. 1B–C"),
        ("time courses", ["realnet-eeg-sub01", "realnet-fmri-sub01"], "R24 Fig. 2A; RF24 Fig. 4"),
        ("generalisation", ["realnet-eeg-sub01", "realnet-eeg-sub02"], ""),
    ],
)
def test_papers_figures_are_those_of_the_models_signal(shown, models, expected):
    assert source(shown, families(models, "model"), families(["cornet-s"], "baseline")) == expected


def test_a_lone_model_without_a_baseline_is_no_figure_of_a_paper():
    assert source("rois", families(["cornet-s"], "model"), ()) == ""


def test_seventeen_families_differ_on_lines_and_on_bars():
    found = list(looks(comparison(models=[f"model-{place}" for place in range(17)], benchmarks=(EEG,))).values())[:17]
    assert len({(look.colour, look.marker, look.line) for look in found}) == 17
    assert len({(look.colour, look.hatch) for look in found}) == 17
    assert len({look.colour for look in found}) == 8


@given(st.text(alphabet="ab-_.:/", min_size=1, max_size=60), st.integers(4, 20))
def test_broken_names_keep_their_letters_and_break_as_late_as_they_can(name, longest):
    lines = broken_name(name, longest).split("\n")
    assert "".join(lines) == name
    for line, following in itertools.pairwise(lines):
        assert line[-1] in "-_.:/"
        piece = next((k for k, letter in enumerate(following) if letter in "-_.:/"), len(following) - 1)
        assert len(line) + piece + 1 > longest
    assert all(len(line) <= longest or not set(line[:-1]) & set("-_.:/") for line in lines)


def test_drawings_say_whether_they_are_simulated():
    compared = comparison(benchmarks=(EEG,))

    found = tables(compared, Settings(permutations=50, draws=20))
    drawings = figures.draw_all(compared, found)
    assert len(drawings) >= 5
    assert all(drawing.simulated and "SIMULATED" in drawing.caption for drawing in drawings)
    for scored in compared.scored.values():
        scored.record["provenance"]["simulated"] = False
    assert not any(drawing.simulated for drawing in figures.draw_all(compared, found))
