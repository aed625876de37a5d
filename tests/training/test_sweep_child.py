import json
import os
import stat
import sys
import threading
import time

import pytest

from brainscore_realnet.training import child
from brainscore_realnet.training.child import Ending, Job, n_running, stop_trainings, train_in_child
from brainscore_realnet.training.recipes import REALNET_EEG


@pytest.fixture
def job(tmp_path, request):
    recipe = REALNET_EEG.changed(dataset="sim-things-eeg2-none", subject=1, precision="fp32")
    return Job(recipe, request.node.name, str(tmp_path), str(tmp_path / "run"), device="cpu")


@pytest.fixture
def python_that(tmp_path, monkeypatch):
    """Have the child be a shell script in place of Python."""

    def replaced(script):
        path = tmp_path / "python"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setattr(sys, "executable", str(path))

    return replaced


def test_a_job_survives_json(job):
    assert Job.from_record(job.record()) == job


@pytest.mark.parametrize(("script", "how"), [("kill -9 $$", "SIGKILL"), ("exit 3", "exit status 3")])
def test_a_child_that_ends_without_a_word_was_killed(job, python_that, script, how):
    python_that(script)
    ending = train_in_child(job)
    assert ending.state == "killed"
    assert ending.why.endswith(f"ended with {how}")
    assert n_running(job.sweep) == 0


def test_the_child_gets_the_job_the_store_and_an_open_pipe(job, python_that, tmp_path):
    python_that('read line; echo "$line" > job.json; echo "$BRAINSCORE_REALNET_HOME" > home; echo oops >&2; cat > rest')
    environment = {"PATH": os.environ["PATH"], "HERE": "yes"}
    folder = os.getcwd()
    os.chdir(tmp_path)
    try:
        thread = threading.Thread(target=train_in_child, args=(job, environment))
        thread.start()
        until(lambda: (tmp_path / "rest").exists())
        assert n_running(job.sweep) == 1  # `cat` waits for the pipe's end
        stop_trainings(job.sweep)
        thread.join(20)
    finally:
        os.chdir(folder)
    assert not thread.is_alive()
    assert Job.from_record(json.loads((tmp_path / "job.json").read_text())) == job
    assert (tmp_path / "home").read_text().strip() == str(tmp_path)
    assert "oops" in (tmp_path / "run" / child.LOG).read_text()


def test_trainings_are_stopped_by_sweep_and_later_ones_do_not_begin(job, python_that, tmp_path):
    python_that("exec sleep 60")
    endings = []
    thread = threading.Thread(target=lambda: endings.append(train_in_child(job)))
    thread.start()
    until(lambda: n_running(job.sweep))
    stop_trainings("another sweep")
    time.sleep(0.1)
    assert thread.is_alive()
    stop_trainings(job.sweep)
    thread.join(20)
    assert [ending.state for ending in endings] == ["stopped"]
    python_that("exit 3")
    assert train_in_child(job) == Ending("stopped", "it had not begun")


def test_a_worker_without_the_store_says_so(job, tmp_path):
    lost = child.Job(job.recipe, job.sweep, str(tmp_path / "nowhere"), str(tmp_path / "nowhere" / "run"))
    ending = train_in_child(lost)
    assert ending.state == "failed"
    assert "nowhere" in ending.why
    assert "BRAINSCORE_REALNET_HOME" in ending.why
    assert not (tmp_path / "nowhere").exists()


def test_a_run_that_is_held_is_waited_for(tmp_path, monkeypatch):
    from brainscore_realnet.errors import StoreError
    from brainscore_realnet.training.checkpoints import only_trainer

    monkeypatch.setattr(child, "_LOCK_SECONDS", 0.3)
    with only_trainer(tmp_path), pytest.raises(StoreError, match="one trainer at a time"):
        child._wait_for_other_trainer(tmp_path)
    monkeypatch.setattr(child, "_LOCK_SECONDS", 20)
    held = only_trainer(tmp_path)
    held.__enter__()
    threading.Timer(0.3, held.__exit__, (None, None, None)).start()
    started = time.monotonic()
    child._wait_for_other_trainer(tmp_path)
    assert 0.2 < time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("n_gpus", "device", "worker", "found"),
    [
        (4, None, 5, "cuda:1"),
        (1, None, 3, "cuda:0"),
        (0, None, 3, None),
        (4, "cpu", 1, "cpu"),
        (4, "cuda:3", 0, "cuda:3"),
    ],
)
def test_worker_k_takes_gpu_k_counted_round(monkeypatch, job, n_gpus, device, worker, found):
    import torch

    threads = []
    monkeypatch.setattr(torch.cuda, "device_count", lambda: n_gpus)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    monkeypatch.setattr(torch, "set_num_threads", threads.append)
    assert child._device(Job(job.recipe, "", "", "", device=device, worker=worker, share=3)) == found
    assert threads == [2]


def test_too_little_memory_says_what_to_do(tmp_path):
    import torch

    told = child._explained(torch.OutOfMemoryError("CUDA out of memory.\nMore"), tmp_path / "log.txt")
    assert "--per-gpu" in told
    assert "More" not in told
    assert "log.txt" in child._explained(ValueError("odd"), tmp_path / "log.txt")


def until(happened, seconds=20):
    deadline = time.monotonic() + seconds
    while not happened():
        assert time.monotonic() < deadline
        time.sleep(0.01)
