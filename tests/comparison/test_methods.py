"""The methods section of a page, read off the provenance of the scores."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_comparison import EEG, FMRI
from written_page import SETTINGS, changed, comparison, real

from brainscore_realnet.comparison.page.methods import OPTIONS, methods
from brainscore_realnet.comparison.page.several import listed
from brainscore_realnet.comparison.tables import tables

MODEL = "sim-realnet-eeg-sub03"


def sections_of(compared, settings=SETTINGS):
    return {section.title: section for section in methods(compared, tables(compared, settings), settings)}


def text_of(section):
    return "\n".join([*section.paragraphs, *(f"{name}: {value}" for name, value in section.rows)])


@pytest.fixture(scope="module")
def compared():
    return comparison()


@pytest.fixture(scope="module")
def sections(compared):
    return sections_of(compared)


def test_every_benchmark_and_family_has_a_section(sections):
    assert list(sections) == [
        "Simulation",
        f"Benchmark {EEG}",
        f"Benchmark {FMRI}",
        "Model sim-realnet-eeg",
        "Baseline sim-cornet-s-narrow",
        "Noise ceiling",
        "Statistics",
        "Software, hardware and time",
        "References",
    ]


def test_benchmark_says_formula_options_stimuli_and_hashes(compared, sections):
    for benchmark in compared.benchmarks:
        section = sections[f"Benchmark {benchmark.identifier}"]
        about, rows, text = benchmark.provenance, dict(section.rows), text_of(section)
        assert about["formula"] in section.paragraphs[0]
        assert about["stimulus_set"] in text
        assert f"who saw {benchmark.n_images} images" in text
        for subject, sha256 in about["recordings"].items():
            assert rows[f"Recording of {subject}, sha256"] == sha256
        assert set(about["options"]) <= set(OPTIONS)
        assert {OPTIONS[name] for name in about["options"]} <= set(rows)
        assert rows[OPTIONS["rdm"]] == about["options"]["rdm"]
    assert "16 time points from 50 to 200 ms" in text_of(sections[f"Benchmark {EEG}"])
    assert "36 from −50 to 300 ms" in text_of(sections[f"Benchmark {EEG}"])
    assert "V1, V2, V3, V4, LOC" in text_of(sections[f"Benchmark {FMRI}"])


def test_option_without_words_is_shown_under_its_own_name(compared):
    other = changed(compared, (MODEL, EEG), ("benchmark", "options", "novel"), [1, 2])
    assert dict(sections_of(other)[f"Benchmark {EEG}"].rows)["novel"].startswith("none (")


def test_options_of_decoding_are_told_only_where_recordings_are_decoded(compared):
    other = compared
    for cell in compared.scored:
        other = changed(other, cell, ("benchmark", "options", "folds"), 4)
    found = sections_of(other)
    assert dict(found[f"Benchmark {EEG}"].rows)[OPTIONS["folds"]] == "4"
    assert OPTIONS["folds"] not in dict(found[f"Benchmark {FMRI}"].rows)


def test_values_that_differ_are_listed_with_what_they_are_of(compared):
    other = changed(compared, (MODEL, EEG), ("benchmark", "options", "seed"), 7)
    other = changed(other, (MODEL, EEG), ("versions", "numpy"), "9.9")
    other = changed(other, (MODEL, EEG), ("model", "device"), "cuda:0")
    found = sections_of(other)
    assert f"7 ({MODEL})" in dict(found[f"Benchmark {EEG}"].rows)[OPTIONS["seed"]]
    assert f"9.9 ({MODEL} on {EEG})" in dict(found["Software, hardware and time"].rows)["numpy"]
    device = dict(found["Model sim-realnet-eeg"].rows)["Device"]
    assert f"cuda:0 ({MODEL} on {EEG})" in device
    assert f"{MODEL} on {FMRI}" in device.partition("; ")[0]


def test_models_say_layers_weights_and_what_they_were_trained_on(compared):
    card = {"recipe": {"beta": 100.0, "optimiser": {"rate": 2e-05}}, "curves": list(range(1000)), "epoch": 30}
    other = changed(compared, (MODEL, EEG), ("model", "origin", "card"), card)
    section = sections_of(other)["Model sim-realnet-eeg"]
    rows = dict(section.rows)
    assert "6 personal models" in section.paragraphs[0]
    assert rows["Layers"] == "V1 = V1, V2 = V2, V4 = V4, IT = IT"
    assert rows["Visual field, degrees"] == "7"
    assert "sub-03 (sim-realnet-eeg-sub03)" in rows["Origin: trained_on · subject"]
    assert rows[f"Weights of {MODEL}, sha256"] == "0" * 64
    assert f"100 ({MODEL} on {EEG})" in rows["Origin: recipe · beta"]
    assert f"2e-05 ({MODEL} on {EEG})" in rows["Origin: recipe · optimiser · rate"]
    assert "999" not in text_of(section)


def test_origin_may_be_told_in_words(compared):
    other = changed(compared, ("sim-cornet-s-narrow", EEG), ("model", "origin"), "chosen by the model's own plugin")
    other = changed(other, ("sim-cornet-s-narrow", FMRI), ("model", "origin"), "chosen by the model's own plugin")
    rows = dict(sections_of(other)["Baseline sim-cornet-s-narrow"].rows)
    assert rows["Origin: weights"] == "chosen by the model's own plugin"


def test_statistics_say_level_seed_tests_and_corrections(compared, sections):
    found, text = tables(compared, SETTINGS), text_of(sections["Statistics"])
    rows = dict(sections["Statistics"].rows)
    assert (rows["Level of significance"], rows["Seed"]) == ("0.05, two-sided", "3")
    assert (rows["Sign flips asked for"], rows["Bootstrap draws of subjects"]) == ("64", "20")
    for correction in found["tests"]["correction"]:
        assert correction in text
    for interval in found["families"]["interval"]:
        assert interval in text
    assert "all that there are" in rows["Cluster permutation over time: sign flips"]  # 2⁶ = 64


def test_drawn_sign_flips_come_with_their_seed():
    section = sections_of(comparison(n_subjects=8, models=tuple(f"sim-realnet-eeg-sub{k:02d}" for k in range(1, 9))))
    assert "(drawn, seed 3)" in text_of(section["Statistics"])


def test_few_subjects_are_not_tested_and_the_methods_say_so(sections):
    assert f"No test is run with fewer than 4 subjects; subjects are shown one by one instead ({FMRI})." in text_of(
        sections["Statistics"]
    )
    assert f"the upper bound of {FMRI} is too high" in text_of(sections["Noise ceiling"])


def test_family_with_few_own_subjects_is_named():
    few = comparison(models=("sim-realnet-eeg-sub01", "sim-realnet-eeg-sub02"), benchmarks=(EEG,))
    assert f"(sim-realnet-eeg on {EEG})" in text_of(sections_of(few)["Statistics"])


def test_ceilings_are_those_of_the_benchmarks(compared, sections):
    for benchmark in compared.benchmarks:
        lower, upper = benchmark.score_ceiling
        assert dict(sections["Noise ceiling"].rows)[benchmark.identifier] == f"{lower:.4f} – {upper:.4f}"


def test_time_is_told_as_range_and_total(compared):
    other = changed(compared, (MODEL, EEG), ("seconds", "scoring"), 5.5)
    other = changed(other, (MODEL, EEG), ("finished",), "2026-02-03T04:05:06+00:00")
    section = sections_of(other)["Software, hardware and time"]
    n_scores = len(compared.scored)
    assert dict(section.rows)["Seconds a score: scoring"] == f"1 – 5.5, {n_scores - 1 + 5.5:.1f} in total"
    assert section.paragraphs[0] == (
        f"{n_scores} scores, finished between 2026-01-01T00:00:00+00:00 and 2026-02-03T04:05:06+00:00."
    )


def test_only_what_was_used_is_cited(compared, sections):
    cited = "\n".join(sections["References"].paragraphs)
    for name in ("Kriegeskorte", "Nili", "Benjamini", "Maris", "Schütt", "Gifford", "Shen", "ReAlnet", "Kubilius"):
        assert name in cited
    for name in ("Radford", "Horikawa T, Kamitani Y (2017)", "Guggenmos", "Teaching CORnet"):
        assert name not in cited
    small = sections_of(comparison(models=("clip-rn101",), baselines=(), benchmarks=(FMRI,)))["References"].paragraphs
    assert any("Radford" in text for text in small)
    assert not any("Benjamini" in text or "Maris" in text or "Gifford" in text for text in small)


def test_real_comparisons_have_no_section_on_simulation(compared):
    assert "Simulation" not in sections_of(real(compared))
    partly = text_of(sections_of(real(compared, [FMRI]))["Simulation"])
    assert EEG in partly
    assert FMRI not in partly


@given(st.dictionaries(st.sampled_from("abcdefgh"), st.integers(0, 3), min_size=1))
def test_listing_names_everything_that_differs_and_nothing_else(values):
    text = listed(values)
    if len(set(values.values())) == 1:
        assert text == str(next(iter(values.values())))
    else:
        told = dict(part.removesuffix(")").split(" (") for part in text.split("; "))
        assert {name: int(value) for value, names in told.items() for name in names.split(", ")} == values
