"""The folder of a comparison: written whole, read back as it was, and never over something else unasked."""

import dataclasses
import json
import os
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from synthetic_comparison import EEG, FMRI, comparison

from brainscore_realnet.comparison import results
from brainscore_realnet.comparison.provenances import PARTS, gathered, provenance_of
from brainscore_realnet.comparison.results import check_folder, plan_of, read_results, write_results
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.tables.schema import SCHEMA, TABLES, VERSION
from brainscore_realnet.errors import BadFileError, BadInputError, MissingDataError, StoreError

SETTINGS = Settings(draws=50)
SENTENCES = ("Simulated: sim-realnet-eeg is more similar, +0.012 “so”.", "β")


@dataclasses.dataclass(frozen=True)
class Options:
    """Options of a stand-in for a benchmark."""

    window: tuple[float, float] = (0.05, 0.2)
    course: tuple[float, float] | None = None


def benchmark(identifier, version=1, **options):
    return SimpleNamespace(identifier=identifier, version=version, options=Options(**options))


def planned(models=None, baselines=("sim-cornet-s-narrow",), benchmarks=None, settings=SETTINGS):
    models = models or [f"sim-realnet-eeg-sub{number:02d}" for number in range(1, 7)]
    return plan_of(models, baselines, benchmarks or [benchmark(EEG), benchmark(FMRI)], settings)


@pytest.fixture(scope="module")
def compared():
    return comparison()


@pytest.fixture(scope="module")
def tables():
    """A table by every name, with cells of every kind."""
    found = {name: pd.DataFrame(columns=list(columns)) for name, columns in TABLES.items()}
    rng = np.random.default_rng(0)
    found["similarities"] = pd.DataFrame(
        {
            **dict.fromkeys(TABLES["similarities"]),
            "model": np.repeat(['a, "b"', "ü"], 20),
            "own": np.arange(40) % 2 == 0,
            "roi": None,
            "time": [*np.linspace(0, 0.3, 39), np.nan],
            "similarity": rng.standard_normal(40) * 10.0 ** rng.integers(-12, 12, 40),
        }
    )
    found["tests"] = pd.DataFrame(
        {
            **dict.fromkeys(TABLES["tests"], 1.5),
            "n": np.arange(3, dtype=np.int32),
            "statistic": [np.inf, -np.inf, np.float32(0.1)],
            "correction": ["none", None, "BH-FDR over 4 areas x 16 times"],
        }
    )
    return found


@pytest.fixture
def written(tmp_path, compared, tables):
    write_results(tmp_path / "out", compared, tables, SETTINGS, SENTENCES, planned())
    return tmp_path / "out"


def same(found, table):
    """Equal in every bit; what is not a finite number is null."""
    assert list(found.columns) == list(table.columns)
    assert len(found) == len(table)
    for name in table.columns:
        for ours, theirs in zip(found[name], table[name], strict=True):
            if theirs is None or (isinstance(theirs, float | np.floating) and not np.isfinite(theirs)):
                assert ours is None or np.isnan(ours)
            else:
                assert ours == theirs


def test_results_are_read_back_as_they_were(written, compared, tables):
    for path in (written, written / "results.json", str(written)):
        found = read_results(path)
        assert list(found.tables) == list(TABLES)
        for name, table in tables.items():
            same(found.tables[name], table)
    record = found.record
    assert (record["schema"], record["version"], record["simulated"]) == (SCHEMA, VERSION, True)
    assert record["summaries"] == list(SENTENCES)
    assert record["settings"] == dataclasses.asdict(SETTINGS)
    assert record["plan"] == planned()
    assert record["versions"]["numpy"] == np.__version__
    assert {path.name for path in written.iterdir()} == {"results.json", "results.csv", "statistics.csv"}


@given(
    cells=st.lists(
        st.tuples(
            st.floats(),
            st.integers(-(2**60), 2**60),
            st.none() | st.text(st.characters(exclude_categories=["Cs"])),
            st.booleans(),
        ),
        min_size=1,
        max_size=5,
    )
)
def test_any_cell_is_read_back_or_null_where_it_is_no_number(cells):
    table = pd.DataFrame(cells, columns=["number", "count", "name", "own"])
    text = results._table(table)
    found = json.loads(text, parse_constant=pytest.fail)
    for row, (number, *others) in zip(found["data"], cells, strict=True):
        assert row[1:] == others
        assert row[0] == (number if np.isfinite(number) else None)
    assert len(text.split("\n")) == len(cells) + 2


def test_tables_can_be_read_by_pandas_alone_and_json_is_strict(written, tables):
    record = json.loads((written / "results.json").read_text(encoding="utf-8"), parse_constant=pytest.fail)
    same(pd.DataFrame(**record["tables"]["similarities"]), tables["similarities"])
    similarities = pd.read_csv(written / "results.csv", float_precision="round_trip")
    same(
        similarities[["model", "own", "time", "similarity"]],
        tables["similarities"][["model", "own", "time", "similarity"]],
    )
    assert list(similarities.columns) == list(TABLES["similarities"])
    statistics = pd.read_csv(written / "statistics.csv", keep_default_na=False)
    assert list(statistics.columns) == list(TABLES["tests"])
    assert statistics["correction"].tolist() == ["none", "", "BH-FDR over 4 areas x 16 times"]


def test_provenance_is_told_once_and_put_together_again(written, compared):
    shared = read_results(written).record["provenance"]
    assert {part: len(of) for part, of in shared["parts"].items()} == {
        "model": 7,
        "benchmark": 2,
        "versions": 1,
        "machine": 1,
    }
    assert set(shared["parts"]) == set(PARTS)
    for (model, on), scored in compared.scored.items():
        assert provenance_of(shared, model, on) == scored.record["provenance"]
    assert len(json.dumps(shared)) < 0.5 * sum(
        len(json.dumps(one.record["provenance"])) for one in compared.scored.values()
    )
    with pytest.raises(BadInputError, match="cornet-z on"):
        provenance_of(shared, "cornet-z", EEG)


def test_differing_provenances_are_all_kept():
    compared = comparison(models=("sim-a", "sim-b"), baselines=(), benchmarks=(EEG,))
    first, second = compared.scored.values()
    second.record["provenance"]["versions"] = {"torch": "1"}
    shared = gathered(compared.scored)
    assert shared["parts"]["versions"] == [first.record["provenance"]["versions"], {"torch": "1"}]
    assert provenance_of(shared, "sim-b", EEG)["versions"] == {"torch": "1"}


def test_a_plan_is_plain_and_names_what_decides(written):
    plan = planned(benchmarks=[benchmark(EEG, 2, course=(-0.1, 0.3)), benchmark(FMRI)])
    assert plan["benchmarks"] == {EEG: 2, FMRI: 1}
    assert plan["options"][EEG] == {"window": [0.05, 0.2], "course": [-0.1, 0.3]}
    assert plan["schema_version"] == VERSION
    assert json.loads(json.dumps(plan)) == plan


def test_a_new_folder_an_empty_one_and_one_with_other_files_are_taken(tmp_path):
    check_folder(tmp_path / "a" / "new", planned())
    check_folder(tmp_path, planned())
    (tmp_path / "notes.txt").write_text("mine")
    check_folder(tmp_path, planned())
    assert {path.name for path in tmp_path.iterdir()} == {"a", "notes.txt"}


def test_the_same_comparison_goes_on_also_in_another_order_or_with_other_seeds(written, compared, tables):
    before = (written / "results.json").read_bytes()
    (written / "notes.txt").write_text("mine")
    check_folder(written, planned())
    check_folder(written, planned(models=planned()["models"][::-1], settings=Settings(seed=3)))
    assert (written / "results.json").read_bytes() == before
    write_results(written, compared, tables, SETTINGS, (), planned(settings=Settings(seed=3)))
    assert read_results(written).record["plan"]["settings"]["seed"] == 3
    assert (written / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"models": ["sim-realnet-eeg-sub01", "sim-x"]}, r"models: also sim-realnet-eeg-sub02, .*, not sim-x"),
        ({"baselines": ()}, "baselines: also sim-cornet-s-narrow"),
        ({"benchmarks": [benchmark(EEG)]}, f"benchmarks: also {FMRI}"),
        ({"benchmarks": [benchmark(EEG, course=(0.0, 0.3)), benchmark(FMRI)]}, f"other options of {EEG}"),
    ],
)
def test_a_folder_with_another_comparison_is_refused_unless_it_is_to_be_replaced(written, changed, told):
    before = (written / "results.json").read_bytes()
    with pytest.raises(BadInputError, match=f"holds another comparison .*{told}.*--replace"):
        check_folder(written, planned(**changed), rescore=True)
    check_folder(written, planned(**changed), replaced=True)
    assert (written / "results.json").read_bytes() == before


def test_results_of_another_version_of_a_benchmark_are_refused_unless_they_are_to_be_rescored(written):
    newer = planned(benchmarks=[benchmark(EEG, 2), benchmark(FMRI)])
    with pytest.raises(BadInputError, match=f"version 1 of {EEG} instead of 2.*--rescore"):
        check_folder(written, newer)
    check_folder(written, newer, rescore=True)
    check_folder(written, newer, replaced=True)


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda text: text[: len(text) // 2], "truncated or no JSON"),
        (lambda text: text[:-3], "truncated or no JSON"),
        (lambda text: "", "truncated or no JSON"),
        (lambda text: "[" * 100_000, "truncated or no JSON"),
        (lambda text: "<html>", "truncated or no JSON"),
        (lambda text: "[1, 2]", "not of a comparison"),
        (lambda text: '{"model": "alexnet"}', "not of a comparison"),
        (lambda text: text.replace(f'"version": {VERSION},', '"version": 99,', 1), "schema version 99"),
        (lambda text: text.replace('"plan"', '"plane"', 1), "lacks a part"),
        (lambda text: text.replace('"tables"', '"tablets"', 1), "lacks a part"),
    ],
)
def test_results_that_cannot_be_read_are_told_of_and_can_be_replaced(written, damage, told, compared, tables):
    path = written / "results.json"
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")
    for refused in (lambda: read_results(written), lambda: check_folder(written, planned(), rescore=True)):
        with pytest.raises(BadFileError, match=rf"results\.json, .*{told}.*--replace"):
            refused()
    check_folder(written, planned(), replaced=True)
    write_results(written, compared, tables, SETTINGS, (), planned())
    assert len(read_results(written).tables) == len(TABLES)


def test_bytes_that_are_no_text_and_damaged_tables_are_told_of(written):
    path = written / "results.json"
    whole = json.loads(path.read_text(encoding="utf-8"))
    for table in ({"columns": ["a"], "data": [[1, 2]]}, {"columns": ["a"]}, None, {"columns": 3, "data": 4}):
        path.write_text(json.dumps({**whole, "tables": {"tests": table}}))
        with pytest.raises(BadFileError, match="table 'tests' is damaged"):
            read_results(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadFileError, match="no JSON"):
        read_results(path)


def test_no_results_at_all_are_told_of(tmp_path):
    with pytest.raises(MissingDataError, match=r"results\.json"):
        read_results(tmp_path)


@pytest.mark.parametrize("name", ["index.html", "results.csv", "figures"])
def test_files_of_others_by_names_of_ours_are_not_written_over(tmp_path, name):
    if name == "figures":
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_text("mine")
    with pytest.raises(BadInputError, match=rf"which has {name} but no results\.json.*--replace"):
        check_folder(tmp_path, planned())
    check_folder(tmp_path, planned(), replaced=True)


def test_a_place_where_nothing_can_be_written_is_told_of(tmp_path):
    (tmp_path / "file").write_text("")
    for out in (tmp_path / "file", tmp_path / "file" / "out"):
        with pytest.raises(StoreError, match="file"):
            check_folder(out, planned())
    (tmp_path / "out" / "results.json").mkdir(parents=True)
    with pytest.raises(StoreError, match="is a folder"):
        check_folder(tmp_path / "out", planned())


def test_what_is_interrupted_leaves_whole_files(written, compared, tables, monkeypatch):
    before = {path.name: path.read_bytes() for path in written.iterdir()}

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_results(written, compared, tables, SETTINGS, ("new",), planned())
    assert {path.name: path.read_bytes() for path in written.iterdir()} == before
