import subprocess
import sys

import pytest
from synthetic_comparison import EEG, comparison

from brainscore_realnet.cli import demo, main
from brainscore_realnet.comparison import demonstration
from brainscore_realnet.comparison.compare import Compared
from brainscore_realnet.comparison.settings import Settings
from brainscore_realnet.comparison.summaries import summaries
from brainscore_realnet.comparison.tables import tables


@pytest.fixture
def found(tmp_path):
    """A demonstration of six subjects without any training."""
    unpaired = [f"sim-realnet-eeg-sub{number:02d}-unpaired" for number in range(1, 7)]
    compared = comparison(baselines=("sim-cornet-s-narrow", *unpaired), benchmarks=(EEG,))
    made = tables(compared, Settings())
    sentences = tuple(summaries(compared, made))
    return Compared(compared, made, sentences, tmp_path / "demo" / "index.html", {"training": 130.0})


@pytest.fixture
def quick(found, monkeypatch):
    given = []
    monkeypatch.setattr(demonstration, "demonstrate", lambda out, **options: given.append((out, options)) or found)
    monkeypatch.setattr(demo, "_references", lambda: "Reference models (SIMULATED)")
    return given


def test_demo_prints_tests_summary_and_page(quick, found, tmp_path, capsys):
    assert main(["demo", "--out", str(tmp_path / "demo"), "--replace"]) == 0
    assert quick == [(tmp_path / "demo", {"replaced": True})]
    out = capsys.readouterr().out
    assert out.startswith("SIMULATED")
    assert out.count("SIMULATED") >= 3
    tests = found.tables["tests"]
    scores = tests[(tests["scope"] == "score") & (tests["contrast"] != "others - baseline")]
    for one in scores.itertuples():
        assert f"{one.difference:+.4f} ± {one.sem:.4f}" in out
    for compared_with in ("sim-cornet-s-narrow", "sim-realnet-eeg-unpaired", "models of other subjects"):
        assert out.count(f"sim-realnet-eeg - {compared_with}  ") == 1
    assert all(clause in out for clause in found.summaries[0].split("; "))
    assert f"Page: {found.page}" in out


def test_reference_models_are_scored_first(capsys):
    text = demo._references()
    scores = {line.split()[0]: float(line.split()[1]) for line in text.splitlines()[1:]}
    assert list(scores) == list(demo.REFERENCES)
    assert scores["sim-hidden"] > scores["sim-random"] > scores["sim-noise"]
    assert "SIMULATED" in text.splitlines()[0]


def test_folder_that_cannot_be_written_is_told_before_any_work(tmp_path, capsys):
    (tmp_path / "file").write_text("in the way")
    assert main(["demo", "--out", str(tmp_path / "file" / "b")]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "file" in err


@pytest.mark.parametrize("module", ["demo", "compare", "reproduce"])
def test_command_line_stays_light(module):
    heavy = "{'torch', 'pandas', 'matplotlib', 'xarray', 'jinja2'}"
    code = f"import sys, brainscore_realnet.cli.{module}; sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
