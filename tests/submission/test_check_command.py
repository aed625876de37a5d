import json
import signal

import pytest
import tyro
from broken_plugins import MODEL, breaking, good_data_plugin, good_model_plugin

from brainscore_realnet.cli.submit_check import SubmitCheck, report_table
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.submission.checking import requirements, running
from brainscore_realnet.submission.checking.check import check
from brainscore_realnet.submission.checking.naming import library
from brainscore_realnet.submission.checking.report import Found, Report


@pytest.fixture
def calls(monkeypatch):
    """Let nothing be run, and give what would have been."""
    seen = []

    def found_by_running(submission, **options):
        seen.append((submission, options))
        return []

    monkeypatch.setattr(running, "found_by_running", found_by_running)
    return seen


def failed(report):
    return {one.check: one.found for one in report.found if one.status == "fail"}


def noted(report):
    return {one.check for one in report.found if one.status == "note"}


def run(*arguments):
    tyro.cli(SubmitCheck, args=list(map(str, arguments))).run()


def test_what_is_run_is_the_submission_with_the_options(tmp_path, calls):
    good_model_plugin(tmp_path / "sim")
    (tmp_path / "weights").mkdir()
    (tmp_path / "uploads.json").write_text("{}")
    assert check(tmp_path / "sim", n_images=3, progress=False).passed
    check(tmp_path / "sim", weights=tmp_path, data=tmp_path, progress=False)
    (submission, options), (_, others) = calls
    assert submission.name == "sim"
    assert options == {"n_images": 3, "weights": tmp_path / "weights", "data": None, "progress": False}
    assert (others["weights"], others["data"], others["n_images"]) == (tmp_path, tmp_path, 200)


@pytest.mark.parametrize("name", ["a file that is no Python", "no __init__.py"])
def test_nothing_is_run_of_what_cannot_be_imported(tmp_path, calls, name):
    breaking(tmp_path / "sim", name)
    report = check(tmp_path / "sim")
    assert not calls
    assert (report.found[-1].check, report.found[-1].status) == ("running", "not run")
    assert not report.passed


def test_what_the_text_alone_fails_is_run_all_the_same(tmp_path, calls):
    breaking(tmp_path / "sim", "numpy 2")
    assert "requirements" in failed(check(tmp_path / "sim"))
    assert calls


def test_options_that_cannot_be_are_refused(tmp_path, calls):
    good_model_plugin(tmp_path / "sim")
    with pytest.raises(BadInputError, match=r"Got -1 images, expected 0"):
        check(tmp_path / "sim", n_images=-1)
    with pytest.raises(BadInputError, match=r"absent for weights, expected a folder"):
        check(tmp_path / "sim", weights=tmp_path / "absent")
    assert not calls


def test_installed_pixels_passes_with_notes_on_reference_and_vocabulary(calls):
    report = check(library() / "models" / "pixels")
    assert not failed(report)
    assert noted(report) == {"bibtex", "metadata"}


def test_installed_cornet_s_passes_and_asks_for_what_is_not_installed(calls, monkeypatch):
    others = {name: version for name, version in requirements.installed().items() if name != "cornet"}
    monkeypatch.setattr(requirements, "installed", lambda: others)
    report = check(library() / "models" / "cornet_s")
    assert not failed(report)
    assert {one.found for one in report.found if one.check == "requirements"} == {"CORnet is not installed here"}


def test_installed_realnet_is_too_much_for_the_website_and_has_no_test(calls):
    folder = library() / "models" / "ReAlnet"
    assert failed(check(folder)) == {"archive": "10 identifiers, the website takes 5"}
    report = check(folder, form="pull-request")
    assert not failed(report)
    assert {"tests", "bibtex"} <= noted(report)


def test_installed_metrics_that_upstream_misreads_fail_the_parser_alone(calls):
    report = check(library() / "metrics" / "regression_correlation", form="pull-request")
    assert set(failed(report)) == {"parser"}
    assert "pls'] = metric_registry['pls_cv" in failed(report)["parser"]


def test_the_command_prints_a_table_that_fits_and_ends_quietly(tmp_path, calls, capsys):
    good_model_plugin(tmp_path / "sim")
    good_data_plugin(tmp_path / "sim")
    run(tmp_path / "sim", "--images", "0")
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "sim, website"
    of_the_model = lines[lines.index("models/sim_tiny_cnn") :]
    assert ["pass", "parser", "1", "identifier:", MODEL] in map(str.split, of_the_model)
    assert lines[-1] == "26 passed"
    assert max(map(len, lines)) <= 100
    assert calls[0][1]["n_images"] == 0


def test_the_command_ends_with_status_1_and_says_what_to_do(tmp_path, calls, capsys):
    breaking(tmp_path / "sim", "an import of brainio")
    with pytest.raises(SystemExit) as ended:
        run(tmp_path / "sim", "--form", "pull-request")
    assert ended.value.code == 1
    out = capsys.readouterr().out
    assert out.startswith("sim, pull-request")
    assert "do: Brain-Score's is brainscore_core.supported_data_standards.brainio" in " ".join(out.split())
    assert out.splitlines()[-1] == "14 passed, 1 failed"


def test_the_command_prints_json_alone(tmp_path, calls, capsys):
    breaking(tmp_path / "sim", "numpy 2")
    with pytest.raises(SystemExit):
        run(tmp_path / "sim", "--json")
    record = json.loads(capsys.readouterr().out)
    assert (record["submission"], record["form"], record["passed"]) == ("sim", "website", False)
    (one,) = (row for row in record["checks"] if row["status"] == "fail")
    assert (one["check"], one["plugin"]) == ("requirements", "models/sim_tiny_cnn")
    assert one["advice"]
    assert calls[0][1]["progress"] is False


def test_long_names_and_texts_are_wrapped():
    row = Found("discovery", "models/" + 60 * "a", "fail", 40 * "word ", 40 * "do so ")
    table = report_table(Report("sim", "website", (row, Found("tests", "models/b", "not run", "", "see"))))
    assert max(map(len, table.splitlines())) <= 100
    assert " ".join(table.split()).count("word") == 40
    assert table.splitlines()[-1] == "1 failed, 1 not run"


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_signal_that_would_end_the_process_lets_the_check_clean_up(tmp_path, monkeypatch, name):
    def told_to_end(submission, **options):
        try:
            signal.raise_signal(signal.Signals[name])
        finally:
            (tmp_path / "cleaned").touch()

    monkeypatch.setattr(running, "found_by_running", told_to_end)
    good_model_plugin(tmp_path / "sim")
    before = signal.getsignal(signal.Signals[name])
    with pytest.raises(SystemExit) as ended:
        run(tmp_path / "sim")
    assert ended.value.code == 128 + signal.Signals[name]
    assert (tmp_path / "cleaned").exists()
    assert signal.getsignal(signal.Signals[name]) is before


def test_a_signal_that_is_ignored_stays_ignored(tmp_path, monkeypatch):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        monkeypatch.setattr(running, "found_by_running", lambda submission, **options: signal.raise_signal(1) or [])
        good_model_plugin(tmp_path / "sim")
        run(tmp_path / "sim")
    finally:
        signal.signal(signal.SIGHUP, before)
