import json
import subprocess
import sys
from typing import get_args, get_type_hints

import numpy as np
import pytest

from brainscore_realnet.cli import main
from brainscore_realnet.cli.options import BenchmarkOptions


def test_score_prints_a_table_and_writes_the_record(tmp_path, capsys):
    path = tmp_path / "deep" / "score.json"
    status = main(["score", "--model", "sim-hidden", "--benchmark", "SimThingsEEG2-rsa", "--json", str(path)])
    out = capsys.readouterr().out
    assert status == 0
    assert "SIMULATED" in out.splitlines()[0]
    record = json.loads(path.read_text())
    assert f"{record['score']:.4f}" in out
    assert f"{record['ceiling']['lower']:.4f} – {record['ceiling']['upper']:.4f}" in out
    assert all(area in out for area in ("V1", "V2", "V4", "IT"))
    assert record["provenance"]["benchmark"]["dataset"].startswith("sim-")
    assert not list(path.parent.glob(".*"))


def test_options_reach_the_benchmark_and_its_identifier(tmp_path):
    path = tmp_path / "score.json"
    arguments = ["--screen", "fullfield", "--window", "0.1", "0.15", "--json", str(path)]
    assert main(["score", "--model", "sim-noise", "--benchmark", "SimThingsEEG2-rsa", *arguments]) == 0
    record = json.loads(path.read_text())
    assert record["benchmark"] == "SimThingsEEG2-rsa-fullfield-window100-150ms"
    assert record["values"]["coords"]["time"] == [0.1, 0.11, 0.12, 0.13, 0.14, 0.15]
    assert record["provenance"]["benchmark"]["options"]["screen"] == "fullfield"


WRONG = {
    "unknown model": (["score", "--model", "realnet-eeg-sub1", "--benchmark", "ThingsEEG2-rsa"], "realnet-eeg-sub01"),
    "unknown benchmark": (["score", "--model", "sim-noise", "--benchmark", "ThingsEEG2"], "ThingsEEG2-rsa"),
    "missing data": (
        ["score", "--model", "realnet-eeg-sub01", "--benchmark", "ThingsEEG2-rsa"],
        "brainscore data add things-eeg2",
    ),
    "bad window": (
        ["score", "--model", "sim-noise", "--benchmark", "SimThingsEEG2-rsa", "--window", "0.2", "0.1"],
        "window=(0.2, 0.1)",
    ),
    "window outside the epoch": (
        ["score", "--model", "sim-noise", "--benchmark", "SimThingsEEG2-rsa", "--window", "3", "4"],
        "No sample lies in the window",
    ),
    "no repeats": (
        ["score", "--model", "sim-noise", "--benchmark", "SimThingsEEG2-rsa", "--repeats", "0"],
        "repeats",
    ),
    "unknown device": (
        ["score", "--model", "sim-noise", "--benchmark", "SimThingsEEG2-rsa", "--device", "tpu7"],
        "tpu7",
    ),
    "method without such options": (
        ["rdm", "compute", "--benchmark", "SimThingsEEG2-rsa", "--rdm", "crossnobis", "--repeats", "3"],
        "repeats with rdm='crossnobis'",
    ),
    "even smoothing": (
        ["rdm", "status", "--benchmark", "SimThingsEEG2-rsa", "--smooth", "4"],
        "smooth=4; expected an odd number",
    ),
    "RDMs of missing data": (["rdm", "compute", "--benchmark", "ThingsEEG2-rsa"], "brainscore data add things-eeg2"),
    "RDMs of an unknown benchmark": (["rdm", "status", "--benchmark", "ThingsEEG2"], "ThingsEEG2-rsa"),
    "missing folder": (["data", "add", "things-eeg2", "no/such/folder"], "no/such/folder"),
}


@pytest.mark.parametrize(("arguments", "told"), WRONG.values(), ids=WRONG)
def test_wrong_input_gives_one_message_and_status_2(arguments, told, own_store, capsys):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert told in error
    assert "brainscore: " in error
    assert "Traceback" not in error


def test_options_that_a_benchmark_does_not_take_are_refused(monkeypatch, capsys):
    import brainscore_realnet.scoring as scoring

    monkeypatch.setattr(scoring, "load_benchmark", lambda identifier: object())
    arguments = ["--model", "sim-noise", "--benchmark", "MajajHong2015public.IT-pls", "--screen", "fullfield"]
    assert main(["score", *arguments]) == 2
    assert "takes no options, but --screen was given" in capsys.readouterr().err


def test_plugin_that_lacks_a_package_is_told_without_traceback(monkeypatch, capsys):
    import brainscore_realnet.scoring as scoring

    def lacking(*_, **__):
        raise ModuleNotFoundError("No module named 'cornet'")

    monkeypatch.setattr(scoring, "score", lacking)
    assert main(["score", "--model", "CORnet-S", "--benchmark", "SimThingsEEG2-rsa"]) == 2
    error = capsys.readouterr().err
    assert "No module named 'cornet'" in error
    assert "BS_INSTALL_DEPENDENCIES" in error


def test_network_failure_of_an_upstream_model_is_told_without_traceback(monkeypatch, capsys):
    from urllib.error import URLError

    import brainscore_realnet.scoring as scoring

    def unreachable(*_, **__):
        raise URLError("Name or service not known")

    monkeypatch.setattr(scoring, "score", unreachable)
    assert main(["score", "--model", "alexnet", "--benchmark", "SimThingsEEG2-rsa"]) == 2
    assert "Name or service not known" in capsys.readouterr().err


def test_missing_arguments_exit_with_status_2_without_traceback(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["score", "--model", "sim-noise"])
    assert stopped.value.code == 2
    assert "--benchmark" in capsys.readouterr().err


def test_json_that_cannot_be_written_is_said_and_nothing_is_left(tmp_path, capsys):
    (tmp_path / "file").write_text("here")
    path = tmp_path / "file" / "score.json"
    assert main(["score", "--model", "sim-noise", "--benchmark", "SimThingsEEG2-rsa", "--json", str(path)]) == 2
    assert str(tmp_path / "file") in capsys.readouterr().err
    assert (tmp_path / "file").read_text() == "here"
    assert main(["demo", "--out", str(tmp_path / "file" / "demo.png")]) == 2
    assert main(["score", "--model", "sim-noise", "--benchmark", "SimThingsEEG2-rsa", "--json", str(tmp_path)]) == 2


def test_long_work_gives_its_estimate_and_waits_for_yes(monkeypatch, capsys):
    from brainscore_realnet.adapters.eeg_rsa import EEGRSABenchmark

    monkeypatch.setattr(EEGRSABenchmark, "missing_seconds", lambda self: 7.5 * 3600)
    arguments = ["score", "--model", "sim-noise", "--benchmark", "SimThingsEEG2-rsa"]
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert "about 7.5 h" in error
    assert "--yes" in error
    assert main([*arguments, "--yes"]) == 0


def test_rdms_are_computed_ahead_and_their_status_is_shown(capsys):
    arguments = [
        "--benchmark",
        "SimThingsEEG2-rsa",
        "--window",
        "0.1",
        "0.12",
        "--preset",
        "neurora-1",
        "--repeats",
        "1",
    ]
    assert main(["rdm", "status", *arguments]) == 0
    before = capsys.readouterr().out
    assert "svm accuracy, 5 trials a pseudotrial, 4 folds, 1 repeats" in before
    assert before.count("0 of 7") == 2
    assert "on this machine" in before
    assert main(["rdm", "compute", *arguments]) == 0
    assert "All neural RDMs of SimThingsEEG2-rsa" in capsys.readouterr().out
    assert main(["rdm", "status", *arguments]) == 0
    after = capsys.readouterr().out
    assert after.count("7 of 7") == after.count("complete") == 2


def test_choices_of_the_command_line_are_those_of_the_benchmarks():
    from brainscore_realnet.adapters.neural_rdms import RDMS
    from brainscore_realnet.adapters.options import AREA_CHOICES
    from brainscore_realnet.adapters.screen import SCREENS
    from brainscore_realnet.rsa import PRESETS

    hints = get_type_hints(BenchmarkOptions)
    for option, valid in {"rdm": RDMS, "preset": PRESETS, "screen": SCREENS, "area": AREA_CHOICES}.items():
        choices, _ = get_args(hints[option])
        assert set(get_args(choices)) == set(valid)


def test_a_scheduler_that_does_not_answer_exits_with_status_2(monkeypatch, capsys):
    from brainscore_realnet.training import clusters

    monkeypatch.setattr(clusters, "PATIENCE", "0.5s")
    arguments = [
        "rdm",
        "compute",
        "--benchmark",
        "SimThingsEEG2-rsa",
        "--repeats",
        "2",
        "--scheduler",
        "tcp://127.0.0.1:9",
    ]
    assert main(arguments) == 2
    assert "tcp://127.0.0.1:9" in capsys.readouterr().err


def test_list_answers_in_one_identifier_a_line(capsys):
    assert main(["list", "models"]) == 0
    models = capsys.readouterr().out.splitlines()
    assert {"realnet-eeg-sub01", "realnet-fmri-sub03", "cornet-s", "sim-hidden"} <= set(models)
    assert main(["list", "benchmarks"]) == 0
    benchmarks = capsys.readouterr().out.splitlines()
    assert {"ThingsEEG2-rsa", "ThingsEEG2.V1-rsa", "ThingsEEG2.sub10-rsa", "SimThingsEEG2-rsa"} <= set(benchmarks)
    assert main(["list", "models", "--upstream"]) == 0
    assert "alexnet" in capsys.readouterr().out.splitlines()
    assert main(["list"]) == 0
    assert {"models:", "benchmarks:", "data:", "metrics:"} <= set(capsys.readouterr().out.splitlines())


def test_data_status_says_what_is_missing_and_how_to_get_it(own_store, capsys):
    assert main(["data", "status", "things-eeg2"]) == 0
    out = capsys.readouterr().out
    assert out.count("missing") >= 20
    assert "osf.io" in out


def test_user_adds_a_download_and_scores_on_it(own_store, tmp_path, capsys):
    from brainscore_realnet.datasets.things_eeg2 import SUBJECTS
    from brainscore_realnet.simulation.things_eeg2 import Specification, write

    download = tmp_path / "download"
    download.mkdir()
    few = Specification(subjects=len(SUBJECTS), test_images=12, test_repetitions=20, training_concepts=10)
    write(download, few)
    assert main(["data", "add", "things-eeg2", str(download)]) == 2  # simulated is never passed off as real
    assert "simulated" in capsys.readouterr().err
    (download / "SIMULATED.json").unlink()
    assert main(["data", "add", "things-eeg2", str(download)]) == 0
    assert main(["data", "status"]) == 0
    assert "missing" not in capsys.readouterr().out
    path = tmp_path / "score.json"
    assert main(["score", "--model", "sim-hidden", "--benchmark", "ThingsEEG2-rsa", "--json", str(path)]) == 0
    record = json.loads(path.read_text())
    assert np.shape(record["values"]["data"]) == (10, 4, 16)
    assert record["ceiling"]["n_subjects"] == 10
    assert record["provenance"]["benchmark"]["dataset"] == "things-eeg2"


def test_interrupted_scoring_ends_with_status_130_and_without_traceback():
    code = (
        "import sys, brainscore_realnet.scoring as s\n"
        "def interrupted(*args, **kwargs): raise KeyboardInterrupt\n"
        "s.score = interrupted\n"
        "from brainscore_realnet.cli import main\n"
        "sys.exit(main(['score', '--model', 'sim-noise', '--benchmark', 'SimThingsEEG2-rsa']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert "Traceback" not in done.stderr
