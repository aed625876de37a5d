import subprocess
import sys

import pytest
import torch

from brainscore_realnet.cli import main
from brainscore_realnet.cli.recipe_options import RecipeOptions
from brainscore_realnet.datasets import things_eeg2
from brainscore_realnet.networks.backbones import build
from brainscore_realnet.simulation import things_eeg2 as simulation
from brainscore_realnet.store import weights
from brainscore_realnet.training import runs
from brainscore_realnet.training.checkpoints import Interrupted
from brainscore_realnet.training.recipes import RECIPES

SPECIFICATION = simulation.Specification(
    subjects=2, test_images=8, test_repetitions=4, training_concepts=6, training_exemplars=2, image_size=64
)
DATASET = f"sim-things-eeg2-{SPECIFICATION.digest}"
SMALL = f"--dataset {DATASET} --backbone sim_cornet_s_narrow --image-size 64 --hidden 8"
QUICK = f"{SMALL} --epochs 1 --batch-size 4 --precision fp32 --device cpu".split()


def run(capsys, *arguments):
    status = main(["train", *map(str, arguments)])
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return status, captured.out, captured.err


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path_factory.mktemp("store")))
        things_eeg2.add(simulation.ensure(SPECIFICATION), DATASET, progress=False)
        torch.manual_seed(3)
        state = build("sim_cornet_s_narrow").state_dict()
        weights.save("sim-cornet-s-narrow", state, {"backbone": "sim_cornet_s_narrow"})
        yield
    torch.set_num_threads(threads)


@pytest.mark.parametrize("name", RECIPES)
def test_untyped_options_are_the_recipe(name):
    assert RecipeOptions.of(name).applied_to(name) == RECIPES[name]


def test_trained_model_is_listed_and_scored_at_once(store, capsys):
    status, out, _ = run(capsys, "realnet-eeg", "--subject", "1", *QUICK)
    assert status == 0
    identifier, *rows = out.splitlines()
    assert identifier.startswith("sim-realnet-eeg-sub01")
    assert rows[0] == "  SIMULATED  virtual subjects: this says nothing about brains"
    card = weights.find_card(identifier)
    assert f"1 epochs, {card['steps']} steps" in rows[1]
    assert any(card["weights_sha256"][:12] in row for row in rows)
    assert main(["list", "models"]) == 0
    assert {identifier, f"{identifier}-best"} <= set(capsys.readouterr().out.split())
    assert main(["score", "--model", identifier, "--benchmark", "SimThingsEEG2.sub01-rsa"]) == 0
    scored = capsys.readouterr().out
    assert scored.startswith("SIMULATED")
    assert identifier in scored
    status, out, _ = run(capsys, "realnet-eeg", "--subject", "1", *QUICK)
    assert (status, "trained before: --replace trains it anew" in out) == (0, True)


def test_reference_takes_over_what_the_released_code_does(store, monkeypatch, capsys):
    asked = []

    def stopped(recipe, **_more):
        asked.append(recipe)
        raise Interrupted("Got SIGUSR1: stopped", "SIGUSR1")

    monkeypatch.setattr(runs, "train_model", stopped)
    status, _, err = run(capsys, "realnet-eeg", "--subject", "3", "--reference", "--learning-rate", "2e-6")
    assert (status, err) == (128 + 10, "brainscore: Got SIGUSR1: stopped\n")
    assert asked == [RECIPES["realnet-eeg"].changed(subject=3, reference=True, learning_rate=2e-6)]
    assert asked[0].holdout == 0
    run(capsys, "realnet-fmri", "--all", "--beta", "10")
    assert asked[1] == RECIPES["realnet-fmri"].changed(beta=10)
    run(capsys, "realnet-eeg", "--beta", "0")
    assert asked[2] == RECIPES["realnet-eeg"].changed(beta=0)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("realnet-eeg", "Got neither --subject nor --all"),
        ("realnet-eeg --subject 1 --all", "Got --subject 1 and --all"),
        ("realnet-eeg --subject 11", "expected 1 to 10"),
        ("realnet-eeg --subject 1 --beta -1", "beta = -1.0 (expected 0 or more)"),
        ("realnet-eeg --subject 1 --batch-size 1", "batch_size = 1 (expected a whole number from 2)"),
        ("realnet-fmri --subject 1 --dataset things-eeg2", "expected a data set with that signal"),
        ("realnet-eeg --subject 1 --precision fp32", "brainscore data"),
        ("realnet-eeg --subject 1 --precision fp32 --device cuda:77", "Got device 'cuda:77', which cannot be used"),
        ("realnet-fmri --subject 1 --precision fp32", "brainscore data"),
    ],
)
def test_wrong_arguments_are_one_message_and_status_2(own_store, capsys, arguments, message):
    status, out, err = run(capsys, *arguments.split())
    assert (status, out) == (2, "")
    assert err.startswith("brainscore: ")
    assert message in err
    assert not (own_store / "runs").exists()


def test_help_names_every_field_and_imports_no_torch():
    code = (
        "import sys\nfrom brainscore_realnet.cli import main\ntry:\n    main(['train', 'realnet-eeg', '--help'])\n"
        "except SystemExit:\n    pass\nassert 'torch' not in sys.modules, 'torch'"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    for field in RecipeOptions.of("realnet-eeg").record():
        assert f"--{field.replace('_', '-')}" in told


def test_help_for_a_reader_that_has_seen_enough_ends_without_a_traceback():
    code = "from brainscore_realnet.cli import main; main(['train', 'realnet-eeg', '--help'])"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.close()
        assert child.stderr.read() == b""
