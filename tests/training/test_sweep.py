import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from brainscore_realnet.datasets import things_eeg2
from brainscore_realnet.errors import BadInputError, RealnetError, StoreError
from brainscore_realnet.networks.backbones import build
from brainscore_realnet.simulation import pretraining
from brainscore_realnet.simulation import things_eeg2 as simulated
from brainscore_realnet.store import weights, write_text
from brainscore_realnet.training import clusters, outcomes, sweep
from brainscore_realnet.training.checkpoints import Interrupted
from brainscore_realnet.training.child import LOG, Ending, Job
from brainscore_realnet.training.outcomes import Outcome, Progress, read_curves, write_outcomes
from brainscore_realnet.training.plan import planned
from brainscore_realnet.training.recipes import REALNET_EEG
from brainscore_realnet.training.runs import run_folder, train_model

SET = simulated.Specification(
    subjects=2,
    test_images=3,
    test_repetitions=2,
    training_concepts=8,
    training_exemplars=2,
    training_repetitions=2,
    image_size=32,
)
RECIPE = REALNET_EEG.changed(
    dataset=SET.stored_as,
    subject=1,
    backbone="sim_cornet_s_narrow",
    image_size=32,
    contrastive="pearson",
    hidden=4,
    batch_size=4,
    epochs=3,
    learning_rate=1e-3,
    holdout=0.4,
    precision="fp32",
    checkpoint_every=2,
)


def fill(home):
    """Make a store with a tiny data set, and a network to start from."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSCORE_REALNET_HOME", str(home))
        things_eeg2.add(simulated.ensure(SET), SET.stored_as, progress=False)
        with torch.random.fork_rng():
            torch.manual_seed(0)
            start = build("sim_cornet_s_narrow").state_dict()
        weights.save("sim-cornet-s-narrow", start, {"backbone": "sim_cornet_s_narrow", "simulated": True})


@pytest.fixture(scope="module", autouse=True)
def _store(tmp_path_factory):
    """Have a store for this module, and one thread for each training: results depend on their number."""
    home = tmp_path_factory.mktemp("store")
    fill(home)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BRAINSCORE_REALNET_HOME", str(home))
        patch.setenv("OMP_NUM_THREADS", "1")
        yield
    torch.set_num_threads(threads)


def until(happened, seconds=60):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def trainer_of(run):
    return json.loads((run / "trainer.json").read_text())["process"]


def is_alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_killed_workers_training_goes_on_elsewhere_and_a_failure_stops_no_other(capfd, monkeypatch, tmp_path):
    import psutil

    hopeless = RECIPE.changed(subject=2, learning_rate=1e30)
    run, killed = run_folder(RECIPE), []

    def kill_worker_and_training():
        until(lambda: list(run.glob("checkpoint-*.json")))
        worker = psutil.Process(trainer_of(run)).parent()
        killed.extend([worker.pid, trainer_of(run)])
        for process in killed:
            os.kill(process, signal.SIGKILL)

    thread = threading.Thread(target=kill_worker_and_training)
    thread.start()
    found = sweep.sweep(planned([RECIPE, hopeless]), device="cpu")
    thread.join()
    assert len(killed) == 2
    assert [outcome.state for outcome in found] == ["trained", "failed"]
    assert "lower learning rate" in found[1].why
    assert found[1].why in (run_folder(hopeless) / LOG).read_text()
    assert "going on after step" in (run / LOG).read_text()
    told = capfd.readouterr().err
    assert f"{RECIPE.identifier}: trained" in told
    assert f"{hopeless.identifier}: failed" in told
    again = sweep.sweep(planned([RECIPE]), device="cpu")
    assert again == [replace(found[0], state="was there")]
    through_sweep, card = weights.load(RECIPE.identifier)
    assert card["threads"] == 1  # also where a new worker took over
    assert found[0].validation_spearman == card["curves"][-1]["validation_spearman"]
    assert found[0].epochs == len(card["curves"]) == 3
    fill(tmp_path)
    monkeypatch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path))
    train_model(RECIPE, device="cpu", progress=False)
    without_interruption, _ = weights.load(RECIPE.identifier)
    assert all(torch.equal(through_sweep[name], value) for name, value in without_interruption.items())


SCRIPT = """
import json
import sys
from brainscore_realnet.training.plan import planned
from brainscore_realnet.training.recipes import Recipe
from brainscore_realnet.training.sweep import sweep

if __name__ == "__main__":
    recipe = Recipe.from_record(json.loads(sys.argv[1]))
    found = sweep(planned([recipe, recipe.changed(subject=2)]), device="cpu")
    print(json.dumps([(outcome.state, outcome.why) for outcome in found]))
"""


def test_ctrl_c_has_trainings_write_checkpoints_before_all_processes_end():
    recipe = RECIPE.changed(epochs=100000, seed=3, checkpoint_every=10**6)
    run = run_folder(recipe)
    script = [sys.executable, "-c", SCRIPT, json.dumps(recipe.record())]
    whole = subprocess.Popen(script, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    try:
        until(lambda: len(read_curves(run)) > 1)
        trainer = trainer_of(run)
        os.killpg(whole.pid, signal.SIGINT)  # as a terminal does: to this script and the workers
        out, error = whole.communicate(timeout=60)
    finally:
        whole.kill()
    assert whole.returncode == 0
    assert "Got SIGINT: trainings write their checkpoints." in error
    assert "Traceback" not in error
    (state, why), (other_state, _) = json.loads(out)
    assert (state, other_state) == ("stopped", "stopped")
    assert "a checkpoint was written" in why
    assert len(list(run.glob("checkpoint-*.pt"))) == 1
    assert not is_alive(trainer)


def test_simulated_trainings_start_from_a_network_that_is_made_where_there_is_none(tmp_path, monkeypatch):
    fill(tmp_path)
    monkeypatch.setenv("BRAINSCORE_REALNET_HOME", str(tmp_path))
    weights.remove(pretraining.IDENTIFIER)
    started = []

    class BeganError(Exception):
        """The workers are asked for."""

    def began(_):
        started.append(weights.identifiers())
        raise BeganError

    monkeypatch.setattr(pretraining, "pretrain", lambda **_: (build("sim_cornet_s_narrow"), {"simulated": True}))
    monkeypatch.setattr(clusters, "local_workers", began)
    with pytest.raises(BeganError):
        sweep.sweep(planned([RECIPE]), device="cpu", progress=False)
    assert started == [[pretraining.IDENTIFIER]]


class Future:
    """What a worker gives: an ending, or something that goes wrong around it."""

    def __init__(self, given):
        self.given = given

    def done(self):
        return True

    def result(self):
        if isinstance(self.given, Exception):
            raise self.given
        return self.given


class Client:
    """Workers that give what a test wants, one after the other; they may write a checkpoint before."""

    def __init__(self, *given, checkpoints=()):
        self.given, self.checkpoints, self.jobs = list(given), list(checkpoints), []

    def submit(self, task, job, **_):
        assert task is clusters.train_on_worker
        self.jobs.append(job)
        return Late(self, Path(job.run))


class Late(Future):
    def __init__(self, client, run):
        self.client, self.run = client, run

    def result(self):
        if self.client.checkpoints and (name := self.client.checkpoints.pop(0)):
            (self.run / f"checkpoint-{name}.pt").touch()
        self.given = self.client.given.pop(0)
        return super().result()


@pytest.fixture
def ended(tmp_path, monkeypatch):
    """Give a model's outcome with workers that give so."""
    monkeypatch.setattr(sweep, "_LOOK_SECONDS", 0)

    def outcome_of(client, stop=None):
        from brainscore_realnet.training.checkpoints import Stop

        job = Job(RECIPE.changed(seed=9), "a", str(tmp_path), str(tmp_path))
        with Progress({job.recipe: tmp_path}, show=False) as progress:
            trainings = sweep._Trainings([job], client, progress)
            return trainings.until_ended(Stop(stop))[job.recipe]

    return outcome_of


KILLED = Ending("killed", "its process on here ended with SIGKILL")


def test_a_training_that_is_killed_again_and_again_without_progress_is_given_up(ended):
    client = Client(*[KILLED] * 10)
    outcome = ended(client)
    assert len(client.jobs) == sweep.DEATHS
    assert outcome.state == "failed"
    assert "SIGKILL, 3 times without a new checkpoint" in outcome.why


def test_a_training_that_makes_progress_may_be_killed_any_number_of_times(ended):
    checkpoints = [None, "1", None, "2", "3", None, "4"]
    client = Client(*[KILLED] * 7, Ending("failed", "enough"), checkpoints=checkpoints)
    assert ended(client).why == "enough"
    assert len(client.jobs) == 8


def test_a_training_that_another_stopped_goes_on(ended):
    client = Client(Ending("stopped", "Got SIGTERM"), Ending("failed", "enough"), checkpoints=["1"])
    assert ended(client).why == "enough"


def test_workers_and_schedulers_that_are_lost_become_outcomes(ended):
    from distributed import KilledWorker

    client = Client(*[KilledWorker("task", None, 3)] * 3)
    assert "its workers died one after the other, 3 times" in ended(client).why
    assert "scheduler was lost (gone). Run the same command again" in ended(Client(CancelledError("gone"))).why
    assert (
        "ModuleNotFoundError: No module named 'brainscore_realnet'"
        in ended(Client(ModuleNotFoundError("No module named 'brainscore_realnet'"))).why
    )


def test_a_model_in_another_store_is_no_model(ended):
    outcome = ended(Client(Ending("trained")))
    assert outcome.state == "failed"
    assert "Set BRAINSCORE_REALNET_HOME" in outcome.why


def test_options_that_contradict_each_other_are_refused_before_anything_runs(tmp_path):
    plan = planned([RECIPE.changed(seed=11)])
    profile = tmp_path / "profile.yaml"
    profile.write_text("cores: 1\nmemory: 1GB\n")
    for options, told in [
        ({"scheduler": "tcp://a:1", "slurm": profile}, "expected one of them"),
        ({"scheduler": "tcp://a:1", "per_gpu": 2}, "Start more of them"),
        ({"device": "cpu", "per_gpu": 2}, "expected a GPU"),
        ({"device": "cuda:77"}, "Got device 'cuda:77', which cannot be used"),
    ]:
        with pytest.raises(BadInputError, match=told):
            sweep.sweep(plan, **options)
    assert not run_folder(plan[0].recipe).joinpath(LOG).exists()


def outcome(state, **changes):
    return Outcome(
        **{
            "identifier": "m",
            "state": state,
            "epochs": 2,
            "validation_spearman": 0.25,
            "validation_rsa": None,
            "seconds": 3.5,
            "why": "",
            **changes,
        }
    )


def test_a_sweep_with_failures_or_interruptions_ends_with_an_error():
    sweep.require_all_ended([outcome("trained"), outcome("was there")])
    with pytest.raises(RealnetError, match="Got 1 of 3 models that failed") as failed:
        sweep.require_all_ended([outcome("trained"), outcome("failed"), outcome("stopped")])
    assert failed.value.exit_status == 2
    with pytest.raises(Interrupted, match=r"Stopped before 1 of 2 models were finished\. The same command") as stopped:
        sweep.require_all_ended([outcome("trained"), outcome("stopped")])
    assert stopped.value.exit_status == 130


def test_the_table_is_written_as_csv(tmp_path):
    found = [outcome("trained"), outcome("failed", identifier="n", epochs=0, why='a "reason", long')]
    write_outcomes(tmp_path / "table.csv", found)
    rows = list(csv.DictReader((tmp_path / "table.csv").open()))
    assert [row["identifier"] for row in rows] == ["m", "n"]
    assert (rows[0]["epochs"], rows[0]["validation_spearman"], rows[0]["validation_rsa"]) == ("2", "0.25", "")
    assert rows[1]["why"] == 'a "reason", long'
    with pytest.raises(StoreError):
        write_outcomes(tmp_path, found)


def test_curves_of_a_running_training_are_read_and_broken_ones_are_none(tmp_path):
    assert read_curves(tmp_path) == []
    write_text(tmp_path / "curves.csv", "epoch,seconds,validation_rsa\n1,2.5,0.5\n2,5,\n")
    assert read_curves(tmp_path) == [{"epoch": 1, "seconds": 2.5, "validation_rsa": 0.5}, {"epoch": 2, "seconds": 5}]
    (tmp_path / "curves.csv").write_text("epoch\nx\n")
    assert read_curves(tmp_path) == []


def test_a_model_has_a_line_from_its_first_word_to_its_end(tmp_path, monkeypatch):
    runs = {RECIPE.changed(seed=seed): tmp_path / str(seed) for seed in (1, 2)}
    first, second = runs
    for run in runs.values():
        run.mkdir()
        (run / LOG).write_text("of the last time\n")
    with Progress(runs, show=False) as progress:
        progress.look()
        assert not progress.bars
        with (runs[first] / LOG).open("a") as log:
            log.write("it begins\n")
        write_text(runs[first] / "curves.csv", "epoch,validation_spearman\n1,0.125\n")
        progress.look()
        assert [recipe for recipe in progress.bars] == [first]
        assert progress.bars[first].n == 1
        assert progress.bars[first].total == first.epochs
        progress.ended(first, outcome("trained"))
        assert not progress.bars
        assert list(progress.runs) == [second]
    assert outcomes.SIMILARITIES == ("validation_spearman", "validation_rsa")
