"""``brainscore compare`` on virtual subjects, as a user types it, and what it answers to wrong arguments."""

import json

import pandas as pd
import pytest

from brainscore_realnet.cli import main
from brainscore_realnet.cli.options import BenchmarkOptions

FMRI = "SimShen2019-rsa"


def run(*arguments):
    return main(["compare", *map(str, arguments)])


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Folder of a comparison of simulated reference models."""
    out = tmp_path_factory.mktemp("compared") / "models"
    assert (
        run("--models", "sim-hidden", "sim-rand*", "--baselines", "sim-noise", "--benchmarks", FMRI, "--out", out) == 0
    )
    return out


def test_results_figures_and_page_are_written(compared):
    results = json.loads((compared / "results.json").read_text())
    assert results["simulated"] is True
    scores = pd.DataFrame(**results["tables"]["scores"]).set_index("model")["score"]
    assert list(scores.index) == ["sim-hidden", "sim-random", "sim-noise"]
    assert scores["sim-hidden"] > scores["sim-random"] > scores["sim-noise"]
    assert len(pd.read_csv(compared / "results.csv")) == 3 * 3 * 4 * 5
    page = (compared / "index.html").read_text()
    assert "SIMULATED" in page
    assert all(model in page for model in scores.index)
    figures = {path.name for path in (compared / "figures").iterdir()}
    assert figures
    assert {path.rpartition(".")[0] + ".svg" for path in figures} <= figures


def test_same_command_scores_nothing_again_and_says_what_came_out(compared, capsys, monkeypatch):
    from brainscore_realnet.comparison.scores import attempts

    monkeypatch.setattr(attempts, "score", lambda *_, **__: pytest.fail("scored again"))
    before = json.loads((compared / "results.json").read_text())["tables"]
    assert (
        run("--models", "sim-hidden", "sim-rand*", "--baselines", "sim-noise", "--benchmarks", FMRI, "--out", compared)
        == 0
    )
    out = capsys.readouterr().out
    assert out.startswith("SIMULATED")
    assert "sim-hidden" in out
    assert str(compared / "index.html") in out
    assert json.loads((compared / "results.json").read_text())["tables"] == before


WRONG = {
    "range that matches nothing": (["--models", "sim-nothing-sub01..10"], "sim-nothing-sub01..10"),
    "wildcard that matches nothing": (["--models", "sim-nothing*"], "sim-nothing"),
    "reversed range": (["--models", "realnet-eeg-sub10..01"], "10..01"),
    "range with members that are not there": (["--models", "realnet-eeg-sub09..12"], "realnet-eeg-sub11"),
    "unknown model": (["--models", "cornet"], "Did you mean"),
    "unknown benchmark": (["--benchmarks", "ThingsEEG-rsa"], "ThingsEEG2-rsa"),
    "baseline that lacks a subject": (
        ["--models", "realnet-eeg-sub01..03", "--baselines", "realnet-eeg-sub01..02-unpaired"],
        "sub-03 is missing",
    ),
    "model that is a baseline too": (["--baselines", "sim-hidden"], "as model and as baseline"),
    "option of no benchmark": (["--window", "0.05", "0.1"], "--window"),
    "benchmark of Brain-Score": (["--benchmarks", "Ferguson2024circle_line-value_delta"], "this package"),
    "settings": (["--draws", "1"], "at least 2 draws"),
    "another comparison": (["--models", "sim-random"], "--replace"),
}


@pytest.mark.parametrize("what", WRONG)
def test_wrong_arguments_are_one_message_and_nothing_is_changed(compared, capsys, what):
    given, told = WRONG[what]
    arguments = {"--models": ["sim-hidden"], "--benchmarks": [FMRI], "--out": [str(compared)]}
    name = ""
    for word in given:
        if word.startswith("--"):
            name = word
            arguments[name] = []
        else:
            arguments[name].append(word)
    before = {path: path.read_bytes() for path in compared.rglob("*") if path.is_file()}
    assert run(*(word for option, words in arguments.items() for word in (option, *words))) == 2
    out, err = capsys.readouterr()
    assert told in err
    assert "Traceback" not in err
    assert out == ""
    assert {path: path.read_bytes() for path in compared.rglob("*") if path.is_file()} == before


def test_a_model_of_brain_score_is_compared_like_any_other(tmp_path):
    assert run("--models", "pixels", "--baselines", "sim-noise", "--benchmarks", FMRI, "--out", tmp_path) == 0
    results = json.loads((tmp_path / "results.json").read_text())
    scores = pd.DataFrame(**results["tables"]["scores"]).set_index("model")["score"]
    assert scores["pixels"] > scores["sim-noise"]
    assert results["summaries"][0].startswith("Simulated: pixels is on average more similar")


def test_pictures_that_are_not_ours_stay_and_those_of_another_comparison_go(tmp_path):
    assert run("--models", "sim-hidden", "--baselines", "sim-noise", "--benchmarks", FMRI, "--out", tmp_path) == 0
    mine = tmp_path / "figures" / "mine.svg"
    mine.write_text("<svg/>")
    before = {path.name for path in (tmp_path / "figures").iterdir()} - {mine.name}
    assert json.loads((tmp_path / "results.json").read_text())["figures"] == sorted({name[:-4] for name in before})
    assert run("--models", "sim-hidden", "--benchmarks", FMRI, "--out", tmp_path, "--replace") == 0
    after = {path.name for path in (tmp_path / "figures").iterdir()} - {mine.name}
    assert mine.read_text() == "<svg/>"
    assert after
    assert {name[:-4] for name in after} <= set(json.loads((tmp_path / "results.json").read_text())["figures"])


def test_nothing_is_asked_or_made_before_the_names_are_right(tmp_path, monkeypatch):
    from brainscore_realnet.cli import compare

    monkeypatch.setattr(compare, "confirm_neural_rdms", lambda *_: pytest.fail("asked too early"))
    assert run("--models", "sim-hiden", "--benchmarks", "SimHorikawa2017-rsa", "--out", tmp_path / "a") == 2
    assert not (tmp_path / "a").exists()


def test_results_of_another_version_are_refused_and_scored_again_on_request(tmp_path, capsys):
    arguments = ("--models", "sim-hidden", "--benchmarks", FMRI, "--out", tmp_path)
    assert run(*arguments) == 0
    file = tmp_path / "results.json"
    file.write_text(file.read_text().replace(f'"{FMRI}": 1', f'"{FMRI}": 0'))
    capsys.readouterr()
    assert run(*arguments) == 2
    assert "--rescore" in capsys.readouterr().err
    assert run(*arguments, "--rescore") == 0
    assert run(*arguments) == 0


def test_truncated_results_are_told_and_replaced_on_request(tmp_path, capsys):
    arguments = ("--models", "sim-hidden", "--benchmarks", FMRI, "--out", tmp_path)
    assert run(*arguments) == 0
    file = tmp_path / "results.json"
    file.write_bytes(file.read_bytes()[:1000])
    capsys.readouterr()
    assert run(*arguments) == 2
    assert "results.json" in capsys.readouterr().err
    assert run(*arguments, "--replace") == 0
    json.loads(file.read_text())


def test_options_go_to_the_benchmarks_that_have_them():
    eeg, fmri = BenchmarkOptions(area="V1", rdm="crossnobis").benchmarks(
        ["SimThingsEEG2-rsa", FMRI], {"course": (0.0, 0.2)}
    )
    assert (eeg.options.rdm, eeg.options.course) == ("crossnobis", (0.0, 0.2))
    assert (fmri.options.rdm, fmri.options.area) == ("crossnobis", "V1")
    assert BenchmarkOptions().benchmarks([FMRI])[0].identifier == FMRI
