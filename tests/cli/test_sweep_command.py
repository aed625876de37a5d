import csv
from typing import get_args, get_type_hints

import pytest

from brainscore_realnet.cli import main
from brainscore_realnet.cli.sweep import Control, Sweep, SweepOptions
from brainscore_realnet.datasets import things_eeg2
from brainscore_realnet.simulation import things_eeg2 as simulated
from brainscore_realnet.training import sweep as training
from brainscore_realnet.training.outcomes import Outcome
from brainscore_realnet.training.recipes import CONTROL_BETAS, REALNET_EEG, REALNET_FMRI, controls

SET = simulated.Specification(
    subjects=3, test_images=3, test_repetitions=2, training_concepts=4, training_exemplars=4, image_size=32
)


@pytest.fixture(scope="module", autouse=True)
def _store(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path_factory.mktemp("store")))
        things_eeg2.add(simulated.ensure(SET), SET.stored_as, progress=False)
        yield


COMMAND = ["sweep", "realnet-eeg", "--dataset", SET.stored_as, "--epochs", "2"]


@pytest.fixture
def swept(monkeypatch):
    """Have models end as a test wants, without training; give the calls."""
    calls = []

    def install(*states, why="it diverged"):
        def sweep(plan, **options):
            calls.append((plan, options))
            return [
                Outcome(
                    one.recipe.identifier, state, 2, 0.25, None, 75.0, why * (state not in ("trained", "was there"))
                )
                for one, state in zip(plan, states, strict=True)
            ]

        monkeypatch.setattr(training, "sweep", sweep)
        return calls

    return install


def test_dry_run_shows_the_plan_and_trains_nothing(swept, capsys):
    calls = swept()
    assert main([*COMMAND, "--subjects", "1-2", "--betas", "1", "100", "0", "--seeds", "0", "1", "--dry-run"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 11
    assert lines[0].startswith("sim-realnet-eeg-sub01-")
    assert lines[0].endswith("  to be trained")
    assert len(set(lines)) == 11
    assert lines[-1] == "10 models, of which 10 are to be trained"
    assert calls == []


def test_controls_are_all_or_those_named(capsys):
    assert main([*COMMAND, "--subjects", "3", "--controls", "--dry-run"]) == 0
    assert capsys.readouterr().out.endswith("8 models, of which 8 are to be trained\n")
    assert main([*COMMAND, "--subjects", "1", "3", "--controls", "unpaired", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert out.endswith("4 models, of which 4 are to be trained\n")
    assert out.count("unpaired") == 2


def test_the_table_ends_a_sweep_and_is_written(swept, capsys, tmp_path):
    calls = swept("trained", "was there")
    path = tmp_path / "deep" / "table.csv"
    places = ["--device", "cpu", "--scheduler", "tcp://10.0.0.5:8786", "--pretrained", "start.pth", "--replace"]
    assert main([*COMMAND, "--subjects", "1-2", *places, "--out", str(path)]) == 0
    table = capsys.readouterr().out.splitlines()[3:]
    assert table[0].split() == ["model", "state", "epochs", "Spearman", "RSA", "time"]
    assert table[1].split()[1:] == ["trained", "2", "0.2500", "-", "75", "s"]
    assert " was there " in table[2]
    assert table[3] == f"Written to {path}"
    assert [row["state"] for row in csv.DictReader(path.open())] == ["trained", "was there"]
    plan, options = calls[0]
    assert [one.recipe.subject for one in plan] == [1, 2]
    assert {one.recipe.epochs for one in plan} == {2}
    assert options["device"] == "cpu"
    assert options["scheduler"] == "tcp://10.0.0.5:8786"
    assert str(options["pretrained_weights"]) == "start.pth"
    assert options["replaced"]
    assert options["per_gpu"] == 1


def test_a_failure_is_explained_below_the_table_and_exits_with_status_2(swept, capsys, tmp_path):
    swept("trained", "failed", "stopped")
    assert main([*COMMAND, "--out", str(tmp_path / "table.csv")]) == 2
    told = capsys.readouterr()
    assert " failed: it diverged" in told.out
    assert "Got 1 of 3 models that failed" in told.err
    assert [row["why"] for row in csv.DictReader((tmp_path / "table.csv").open())] == ["", "it diverged", "it diverged"]


def test_an_interrupted_sweep_says_how_to_go_on_and_exits_with_status_130(swept, capsys):
    swept("trained", "trained", "stopped", why="a checkpoint was written")
    assert main(COMMAND) == 130
    assert "Stopped before 1 of 3 models were finished. The same command goes on" in capsys.readouterr().err


WRONG = {
    "unknown subject": (["--subjects", "1-4"], "Got subject 'sub-04'"),
    "negative beta": (["--betas", "-1"], "beta = -1"),
    "missing data": (["--dataset", "things-eeg2"], "sub-10 training (missing)"),
    "unknown network": (["--backbone", "cornet_x"], "cornet_s"),
    "scheduler and SLURM": (["--scheduler", "tcp://a:1", "--slurm", "a.yaml"], "expected one of them"),
    "no profile": (["--slurm", "no/such.yaml"], "no/such.yaml"),
    "no GPU": (["--per-gpu", "2", "--device", "cpu"], "expected a GPU"),
    "unknown device": (["--device", "tpu7"], "tpu7"),
    "table in a file's place": (["--out", __file__ + "/table.csv"], "table.csv"),
    "control of the other signal": (["--controls", "beta20"], "Got the control 'beta20' of"),
}


@pytest.mark.parametrize(("arguments", "told"), WRONG.values(), ids=WRONG)
def test_wrong_input_gives_one_message_and_status_2(arguments, told, capsys):
    assert main([*COMMAND, *arguments]) == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("brainscore: ") == 1
    assert "Traceback" not in error


@pytest.mark.parametrize("option", ["--beta", "--subject", "--seed"])
def test_what_a_sweep_varies_has_no_option_of_one_model(option, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([*COMMAND, option, "1"])
    assert stopped.value.code == 2
    assert f"{option}s" in capsys.readouterr().err


def test_controls_of_the_command_line_are_those_of_the_recipes():
    known = {name for recipe in (REALNET_EEG, REALNET_FMRI) for name in controls(recipe.changed(subject=1))}
    betas = {f"beta{beta}" for values in CONTROL_BETAS.values() for beta in values}
    assert set(get_args(Control)) == known | betas
    assert get_type_hints(Sweep)["recipe"] is SweepOptions
