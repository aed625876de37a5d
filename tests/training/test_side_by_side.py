"""Small trainings, one a processor: skipped when done, named when they fail, stopped together."""

import threading

import pytest

from brainscore_realnet.errors import RealnetError
from brainscore_realnet.training import side_by_side
from brainscore_realnet.training.child import Ending
from brainscore_realnet.training.recipes import SIM_REALNET_EEG
from brainscore_realnet.training.side_by_side import train_side_by_side

RECIPES = [SIM_REALNET_EEG.changed(subject=number) for number in range(1, 6)]


@pytest.fixture(autouse=True)
def two_processors(own_store, monkeypatch):
    monkeypatch.setattr(side_by_side.os, "cpu_count", lambda: 2)
    monkeypatch.setattr(side_by_side, "_LOOK_SECONDS", 0.01)


def test_what_is_there_is_not_trained_and_all_else_once(monkeypatch):
    done, trained = {RECIPES[1].identifier}, []

    def train(job):
        trained.append((job.recipe.identifier, job.device, job.share))
        done.add(job.recipe.identifier)
        return Ending("trained")

    there = {"curves": []}
    monkeypatch.setattr(side_by_side, "finished", lambda recipe: there if recipe.identifier in done else None)
    monkeypatch.setattr(side_by_side, "train_in_child", train)
    train_side_by_side(RECIPES, progress=False)
    left = [one.identifier for one in RECIPES if one is not RECIPES[1]]
    assert sorted(trained) == sorted((identifier, "cpu", 2) for identifier in left)
    train_side_by_side(RECIPES, progress=False)
    assert len(trained) == 4


def test_model_that_fails_is_named_with_its_reason(monkeypatch):
    monkeypatch.setattr(side_by_side, "train_in_child", lambda job: Ending("failed", "the disk is full"))
    with pytest.raises(RealnetError, match=r"sim-realnet-eeg-sub0\d failed: the disk is full"):
        train_side_by_side(RECIPES, progress=False)


def test_interruption_stops_all_trainings_and_waits_for_their_checkpoints(monkeypatch):
    stopped, ended = threading.Event(), []

    def train(job):
        assert stopped.wait(60)
        ended.append(job.recipe.identifier)
        return Ending("stopped", "as asked")

    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(side_by_side, "train_in_child", train)
    monkeypatch.setattr(side_by_side, "stop_trainings", lambda sweep: stopped.set())
    monkeypatch.setattr(side_by_side, "_wait", interrupted)
    with pytest.raises(KeyboardInterrupt):
        train_side_by_side(RECIPES, progress=False)
    assert sorted(ended) == [one.identifier for one in RECIPES]
