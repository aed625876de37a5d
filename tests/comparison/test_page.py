"""The page of a comparison, as a file."""

import base64
import copy
import dataclasses
import hashlib
import json
import re
import urllib.parse
from html.parser import HTMLParser

import numpy as np
import pytest
from synthetic_comparison import EEG, FMRI
from written_page import SETTINGS, SUMMARIES, comparison, drawings, real, write

from brainscore_realnet.comparison.comparison import Comparison
from brainscore_realnet.comparison.figures import draw_all
from brainscore_realnet.comparison.figures.style import Drawing
from brainscore_realnet.comparison.page.courses import time_courses
from brainscore_realnet.comparison.page.page import PAGE_BYTES, write_page
from brainscore_realnet.comparison.page.plates import SVG_BYTES
from brainscore_realnet.comparison.page.rows import number, probability, table_of_families, table_of_models
from brainscore_realnet.comparison.results import CSV_OF, RESULTS
from brainscore_realnet.comparison.settings import ALPHA
from brainscore_realnet.comparison.summaries import summaries
from brainscore_realnet.comparison.tables import tables
from brainscore_realnet.errors import StoreError

VOID = {"meta", "link", "img", "input", "br", "hr"}


class Page(HTMLParser):
    """Elements with attributes and text; a page whose elements do not nest is refused."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.open = [], []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        element = {"tag": tag, "text": "", **dict(attributes)}
        element["inside"] = [other["tag"] for other in self.open]
        self.elements.append(element)
        if tag not in VOID:
            self.open.append(element)

    def handle_endtag(self, tag):
        assert self.open.pop()["tag"] == tag

    def handle_data(self, data):
        for element in self.open:
            element["text"] += data

    def all(self, tag, **wanted):
        return [one for one in self.elements if one["tag"] == tag and wanted.items() <= one.items()]

    @property
    def data(self):
        (script,) = self.all("script", id="data")
        return json.loads(script["text"])


@pytest.fixture(scope="module")
def compared():
    return comparison(baselines=("sim-cornet-s-narrow", "sim-realnet-eeg-beta0"))


@pytest.fixture(scope="module")
def written(compared, tmp_path_factory):
    path, computed = write(tmp_path_factory.mktemp("comparison"), compared, drawings())
    return path, computed


@pytest.fixture(scope="module")
def page(written):
    return Page(written[0].read_text(encoding="utf-8"))


def words(text):
    return " ".join(text.split())


def test_everything_is_inlined_or_beside_the_page(page, written):
    addresses = [one[name] for one in page.elements for name in ("src", "href") if name in one]
    beside = [address for address in addresses if not address.startswith(("data:", "#"))]
    results = {RESULTS, *CSV_OF}
    assert results <= set(beside)
    for address in set(beside) - results:
        assert (written[0].parent / urllib.parse.unquote(address)).is_file()
    assert not re.search(r"@import|url\(", written[0].read_text(encoding="utf-8").partition("</style>")[0])


def test_only_the_style_and_the_script_of_the_page_are_allowed(page):
    (policy,) = [one["content"] for one in page.all("meta") if one.get("http-equiv") == "Content-Security-Policy"]
    (style,) = page.all("style")
    (script,) = [one for one in page.all("script") if "type" not in one]
    parts = policy.split("; ")
    assert parts[:2] == ["default-src 'none'", "img-src data:"]
    for kind, element in (("style", style), ("script", script)):
        digest = base64.b64encode(hashlib.sha256(element["text"].encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in parts
    assert "unsafe" not in policy
    assert not [one for one in page.elements if "style" in one or any(name.startswith("on") for name in one)]


def test_same_input_gives_the_same_bytes(compared, written, tmp_path):
    again, _ = write(tmp_path, compared, drawings())
    assert again.read_bytes() == written[0].read_bytes()


def test_header_names_families_benchmarks_and_when(page):
    (title,) = page.all("h1")
    assert words(title["text"]) == "sim-realnet-eeg compared with sim-cornet-s-narrow and sim-realnet-eeg-beta0"
    about = next(words(one["text"]) for one in page.all("p", **{"class": "about"}))
    assert about.startswith(f"8 models on {EEG} and {FMRI}. Scored on 2026-01-01; brainscore_realnet ")


def test_summaries_are_whole_sentences(page):
    assert [words(one["text"]) for one in page.all("p", **{"class": "sentence"})] == list(SUMMARIES)


def rows_of(page, name):
    """Texts of the rows of one of the sortable tables."""
    tables, found = 0, []
    for element in page.elements:
        if element["tag"] == "table":
            inside = element.get("id") == f"table-{name}"
            tables += inside
        elif element["tag"] == "tr" and tables and inside and "tbody" in element["inside"]:
            found.append([])
        elif element["tag"] in ("td", "th") and tables and inside and "tbody" in element["inside"]:
            found[-1].append(words(element["text"]))
    return found


def test_table_of_families_holds_the_numbers_of_the_tables(page, written):
    _, computed = written
    rows = rows_of(page, "families")
    assert len(rows) == 2 * 2 + 2 * 2  # the family against two baselines, and these, on two benchmarks
    for row in rows:
        name, benchmark, baseline, score, raw, interval, _, difference, ratio, p, n = row
        name = name.removesuffix(" SIMULATED")
        (of,) = computed["families"].query("family == @name and benchmark == @benchmark").to_dict("records")
        assert (score, raw, n) == (number(of["score"]), number(of["raw"]), str(of["n"]))
        assert interval == f"{number(of['low'])} – {number(of['high'])}"
        where = "family == @name and benchmark == @benchmark and baseline == @baseline and scope == 'score'"
        improved = computed["improvements"].query(where).to_dict("records")
        assert (baseline == "–") == (not improved)
        if improved:
            assert difference == number(improved[0]["difference"], signed=True)
            assert ratio == f"{number(100 * improved[0]['ratio'], 1, signed=True)} %"
        tested = computed["tests"].query(f"{where} and contrast == 'family - baseline'").to_dict("records")
        assert len(tested) == (benchmark == EEG and baseline != "–")  # no test with three subjects
        assert p == (probability(tested[0]["p"]) if tested else "–")


def labels_of(table):
    return [column.label for column in table.columns]


def test_q_is_shown_where_a_test_was_corrected_and_only_there(compared, written):
    tests = written[1]["tests"]
    plain = table_of_families(compared, written[1])
    assert "q" not in labels_of(plain)
    assert "p: paired t test, uncorrected. Bold: p < .05, uncorrected." in plain.notes
    corrected = tests.assign(correction="BH-FDR over 2 baselines", q=np.minimum(1, 2 * tests["p"]))
    table = table_of_families(compared, {**written[1], "tests": corrected})
    assert "p and q: paired t test; q: BH-FDR over 2 baselines. Bold: q < .05." in table.notes
    shown = [[row.cells[labels_of(table).index(label)].order for row in table.rows] for label in "pq"]
    pairs = [pair for pair in zip(*shown, strict=True) if pair != (None, None)]
    assert len(pairs) == 2  # against two baselines, with EEG
    assert all(q == min(1, 2 * p) for p, q in pairs)
    for one in (plain, table):
        assert {len(row.cells) for row in one.rows} == {len(one.columns)}


def test_meaning_of_every_column_is_told_under_its_table(page, compared, written):
    told = dict(zip(*([words(one["text"]) for one in page.all(tag)] for tag in ("dt", "dd")), strict=True))
    for table in (table_of_families(compared, written[1]), table_of_models(compared, written[1])):
        for column in table.columns:
            assert column.label in told
    assert told["Score"] == "raw similarity / upper noise ceiling, all subjects"


def test_table_of_models_has_every_model_on_every_benchmark(page, compared, written):
    rows = rows_of(page, "models")
    assert [(row[0].removesuffix(" SIMULATED"), row[1]) for row in rows] == list(
        written[1]["scores"][["model", "benchmark"]].itertuples(index=False, name=None)
    )
    assert {(row[0].removesuffix(" SIMULATED"), row[1]) for row in rows} == set(compared.scored)


@pytest.mark.parametrize("benchmark", [EEG])
def test_time_courses_are_means_and_errors_over_subjects(page, compared, benchmark):
    (course,) = page.data["courses"]
    measured = compared.benchmark(benchmark)
    np.testing.assert_allclose(course["times"], 1000 * measured.times, atol=1e-6)
    np.testing.assert_allclose(course["ceiling"]["upper"], measured.ceiling[1], rtol=1e-5)
    assert course["window"] == [50, 200]
    for shown, family in zip(course["families"], compared.families, strict=True):
        values = compared.matched(family, measured).values
        by_area = {area: values[:, place] for place, area in enumerate(measured.areas)} | {"mean": values.mean(axis=1)}
        for area, of in by_area.items():
            np.testing.assert_allclose(shown["mean"][area], [np.mean(column) for column in of.T], rtol=1e-5, atol=1e-12)
            errors = [np.std(column, ddof=1) / len(column) ** 0.5 for column in of.T]
            np.testing.assert_allclose(shown["sem"][area], errors, rtol=1e-5)
            inside = of[:, measured.in_score].mean(axis=1)
            expected = [inside.mean(), inside.std(ddof=1) / len(inside) ** 0.5]
            np.testing.assert_allclose(shown["window"][area], expected, rtol=1e-5)


def test_marks_are_where_the_corrected_p_is_small(page, written):
    (course,) = page.data["courses"]
    assert [(mark["family"], mark["baseline"]) for mark in course["marks"]] == [
        ("sim-realnet-eeg", "sim-cornet-s-narrow"),
        ("sim-realnet-eeg", "sim-realnet-eeg-beta0"),
    ]
    tests = written[1]["tests"]
    for mark in course["marks"]:
        where = f"scope == 'course' and contrast == 'family - baseline' and baseline == {mark['baseline']!r}"
        for area, sides in mark["at"].items():
            rows = tests.query(f"{where} and area == {area!r} and q < {ALPHA}")
            for side, sign in (("above", 1), ("below", -1)):
                times = [course["times"][place] for place in sides[side]]
                expected = rows[np.sign(rows["difference"]) == sign]["time"].to_numpy()
                np.testing.assert_allclose(np.sort(times), np.sort(1000 * expected), atol=1e-6)
    assert any(sides["above"] for mark in course["marks"] for sides in mark["at"].values())


def test_caption_of_a_chart_defines_ceiling_n_test_and_correction(page):
    (course,) = page.data["courses"]
    (section,) = page.all("section", **{"class": "course"})
    assert course["caption"] in words(section["text"])
    for part in (
        "±1 standard error over subjects",
        "lower bound: correlation with the mean of the other subjects, upper bound: with the mean of all; n = 6 subj",
        "window of the score, 50–200 ms",
        "each subject's own model, n = 6 subjects: sim-realnet-eeg",
        "q < .05",
        "areas: paired t test, two-sided, n = 6 subjects, BH-FDR over 4 areas x 36 times",
        "mean over areas: paired t test, two-sided, n = 6 subjects, BH-FDR over 36 times",
    ):
        assert part in course["caption"], part


def with_ceiling(compared, value):
    """Give the same comparison with the same noise ceiling at all times."""
    scored = {}
    for cell, one in compared.scored.items():
        record = copy.deepcopy(one.record)
        record["ceiling_values"]["data"] = np.full_like(record["ceiling_values"]["data"], value).tolist()
        scored[cell] = dataclasses.replace(one, record=record)
    return Comparison(compared.models, compared.baselines, scored)


@pytest.mark.parametrize("times", [0.5, 3.0])
def test_ceiling_far_above_the_curves_is_drawn_only_when_chosen(compared, times):
    measured = compared.benchmark(EEG)
    highest = max(compared.matched(family, measured).values.mean(axis=0).max() for family in compared.families)
    other = with_ceiling(compared, times * highest)
    (course,) = time_courses(other, tables(other, SETTINGS))
    assert course["ceiling"]["fits"] == (times < 2)
    assert ("drawn once it is chosen" in course["caption"]) == (times > 2)


def test_ceiling_that_is_not_defined_does_not_break_the_page(compared, tmp_path):
    other = with_ceiling(compared, np.nan)
    path, _ = write(tmp_path, other)
    ceiling = Page(path.read_text(encoding="utf-8")).data["courses"][0]["ceiling"]
    assert ceiling["lower"] is None
    assert set(ceiling["upper"]) == {None}


def test_style_has_a_colour_for_every_look(page):
    style = page.all("style")[0]["text"]
    for role, places in page.data["colours"].items():
        assert all(f"--{role}-{place}:" in style for place in range(places))


def test_simulated_is_said_in_title_banner_rows_and_figures(page):
    assert page.all("title")[0]["text"].startswith("SIMULATED: ")
    assert "SIMULATED" in page.all("p", **{"class": "banner"})[0]["text"]
    for name in ("families", "models"):
        assert all(row[0].endswith(" SIMULATED") for row in rows_of(page, name))
    captions = page.all("figcaption")
    assert len(captions) == 3
    assert all("SIMULATED" in one["text"] for one in captions)


def test_nothing_real_is_called_simulated(compared, tmp_path):
    path, _ = write(tmp_path, real(compared), drawings(simulated=False), summaries=["One."])
    page = Page(path.read_text(encoding="utf-8"))
    shown = [one for one in page.elements if one["tag"] in ("title", "p", "span", "tr", "figcaption", "h3")]
    assert not any("SIMULATED" in one["text"] for one in shown)
    assert "SIMULATED" not in path.read_text(encoding="utf-8")


def test_simulated_rows_are_told_from_real_ones(compared, tmp_path):
    path, _ = write(tmp_path, real(compared, [FMRI]))
    page = Page(path.read_text(encoding="utf-8"))
    assert "in part" in page.all("p", **{"class": "banner"})[0]["text"]
    for name in ("families", "models"):
        for row in rows_of(page, name):
            assert row[0].endswith(" SIMULATED") == (row[1] == EEG)


def test_text_never_becomes_markup(compared, tmp_path):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(1)> \"quoted\" & 'so'"
    drawn = [Drawing("figure-1", evil, evil, drawings(1)[0].figure, evil)]
    path, _ = write(tmp_path, compared, drawn, summaries=[evil])
    page = Page(path.read_text(encoding="utf-8"))
    assert len(page.all("script")) == 2
    assert not [one for one in page.elements if "onerror" in one]
    assert words(page.all("p", **{"class": "sentence"})[0]["text"]) == evil
    assert page.all("figure")[0]["data-title"] == evil


def test_names_in_the_data_never_end_the_script(tmp_path):
    path, _ = write(tmp_path, comparison(models=("sim-</script><b>",), benchmarks=(EEG,)))
    page = Page(path.read_text(encoding="utf-8"))
    assert page.data["courses"][0]["families"][0]["name"] == "sim-</script><b>"
    assert not page.all("b")


def test_small_figures_are_inlined_as_they_are(page, written):
    images = [one["src"] for one in page.all("img") if one.get("src")]
    assert len(images) == 3
    for place, image in enumerate(images, start=1):
        kind, _, content = image.partition(",")
        assert kind == "data:image/svg+xml"
        drawn = (written[0].parent / "figures of it" / f"figure-{place}.svg").read_text(encoding="utf-8")
        assert urllib.parse.unquote(content).split() == drawn.split()


def test_large_figures_are_inlined_as_png(compared, tmp_path):
    (drawing,) = drawings(1)
    png, svg = tmp_path / "a.png", tmp_path / "a.svg"
    png.write_bytes(b"png" * 100)
    svg.write_text("<svg>" + " " * SVG_BYTES + "</svg>", encoding="utf-8")
    path, computed = write(tmp_path, compared)
    write_page(path, compared, computed, [drawing], {drawing.name: (png, svg)}, SUMMARIES, SETTINGS)
    (image,) = [one["src"] for one in Page(path.read_text(encoding="utf-8")).all("img") if one.get("src")]
    assert image.startswith("data:image/png;base64,")


def test_page_keeps_to_its_size_and_links_what_does_not_fit(compared, tmp_path):
    drawn = drawings(8)
    path, computed = write(tmp_path, compared, drawn)
    files = {}
    for drawing, size in zip(drawn, (1.1, 1.1, 1.1, 0.2, 0.2, 0.2, 0.2, 0.2), strict=True):  # MB
        png, svg = tmp_path / f"{drawing.name}.png", tmp_path / f"{drawing.name}.svg"
        png.write_bytes(bytes(int(1e6 * size) * 3 // 4))
        svg.write_text("<svg>" + "a" * int(1e6 * size) + "</svg>", encoding="utf-8")
        files[drawing.name] = png, svg
    write_page(path, compared, computed, drawn, files, SUMMARIES, SETTINGS)
    assert PAGE_BYTES - 250_000 < path.stat().st_size <= PAGE_BYTES
    page = Page(path.read_text(encoding="utf-8"))
    assert len(page.all("figcaption")) == 8
    figures = [one for one in page.elements if one["tag"] == "img" and one.get("src")]
    assert [one["alt"].partition(":")[0] for one in figures] == [f"Picture {place}" for place in (1, 2, 4, 5, 6)]
    (said,) = [words(one["text"]) for one in page.all("p") if "stays below 3 MB" in one["text"]]
    assert "Figures 3, 7, 8: only caption and links" in said
    links = {one["href"] for one in page.all("a")}
    assert {f"figure-{place}.svg" for place in (3, 7, 8)} <= links


def test_page_says_nothing_of_its_size_where_all_figures_are_shown(page):
    assert not [one for one in page.all("p") if "MB" in one["text"]]


def test_figures_elsewhere_are_not_linked(compared, tmp_path):
    (drawing,) = drawings(1)
    path, computed = write(tmp_path / "page", compared, [drawing])
    assert path.read_text(encoding="utf-8").count('">SVG</a>') == 1
    elsewhere = {drawing.name: tuple((path.parent / "figures of it").glob("figure-1.*"))}
    files = {name: tuple(sorted(pair)) for name, pair in elsewhere.items()}
    write_page(tmp_path / "other" / "index.html", compared, computed, [drawing], files, SUMMARIES, SETTINGS)
    assert ">SVG</a>" not in (tmp_path / "other" / "index.html").read_text(encoding="utf-8")


def test_figure_that_is_gone_is_an_error_and_leaves_the_page_as_it_was(compared, tmp_path):
    path, computed = write(tmp_path, compared)
    before = path.read_bytes()
    gone = {"figure-1": (tmp_path / "no.png", tmp_path / "no.svg")}
    with pytest.raises(StoreError, match=r"no\.svg, which cannot be read .*compare again"):
        write_page(path, compared, computed, drawings(1), gone, SUMMARIES, SETTINGS)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["index.html"]


@pytest.mark.parametrize(
    "arguments",
    [
        {"baselines": ()},
        {"models": ("sim-hidden",)},
        {"benchmarks": (FMRI,)},
        {"benchmarks": ("SimThingsEEG2.readout-rsa",)},
        {"n_subjects": 3, "models": ("sim-realnet-eeg-sub01", "sim-realnet-eeg-sub02")},
    ],
    ids=["no baseline", "one model", "no EEG", "one area", "few subjects"],
)
def test_small_comparisons_have_a_page(arguments, tmp_path):
    path, _ = write(tmp_path, comparison(**arguments))
    page = Page(path.read_text(encoding="utf-8"))
    assert rows_of(page, "families")
    assert "nan" not in re.findall(r"\w+", " ".join(one["text"] for one in page.all("main")).lower())


def test_twelve_models_on_two_benchmarks_fit_the_limit_of_size(tmp_path):
    models = tuple(f"sim-realnet-eeg-sub{place:02d}" for place in range(1, 11))
    compared = comparison(models, ("sim-cornet-s-narrow", "sim-realnet-eeg-beta0"), n_subjects=10)
    drawn = drawings(12)
    path, computed = write(tmp_path, compared, drawn[:1])
    svg = tmp_path / "figures of it" / "figure-1.svg"
    content = svg.read_text(encoding="utf-8")
    body = "M 0 0 \nL 10.123 20.456 \n" * ((180_000 - len(content)) // 23)
    svg.write_text(content.replace("</svg>", f'<path d="{body}"/></svg>'), encoding="utf-8")
    files = {drawing.name: (svg.with_suffix(".png"), svg) for drawing in drawn}
    write_page(path, compared, computed, drawn, files, SUMMARIES, SETTINGS)
    assert 170_000 < svg.stat().st_size < SVG_BYTES
    assert path.stat().st_size < 3_000_000


def test_personal_baseline_of_some_of_the_measured_people_is_compared_on_these(tmp_path):
    models = tuple(f"sim-realnet-fmri-sub{place:02d}" for place in (1, 2, 3))
    compared = comparison(models, ("sim-realnet-eeg-sub01", "sim-realnet-eeg-sub02", "sim-cornet-s-narrow"))
    computed = tables(compared, SETTINGS)
    assert all(drawing.caption for drawing in draw_all(compared, computed))
    path = tmp_path / "index.html"
    write_page(path, compared, computed, [], {}, summaries(compared, computed), SETTINGS)
    assert "sim-realnet-eeg" in path.read_text(encoding="utf-8")
    of_eeg = computed["improvements"].query("benchmark == @EEG and scope == 'score'").set_index("baseline")["n"]
    assert (of_eeg["sim-realnet-eeg"], of_eeg["sim-cornet-s-narrow"]) == (2, 6)


@pytest.mark.parametrize(("value", "text"), [(0.0004, "< .001"), (0.001, ".001"), (0.05, ".050"), (1.0, "1.000")])
def test_probabilities_are_written_as_in_journals(value, text):
    assert probability(value) == text


def test_negative_numbers_have_a_minus_sign():
    assert number(-0.0123) == "−0.012"
    assert number(0.5, 1, signed=True) == "+0.5"
