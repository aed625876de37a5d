import errno
import json
import logging
import os
import signal
import subprocess
import sys
import threading

import pytest
import torch

from brainscore_realnet.errors import BadInputError, StoreError
from brainscore_realnet.training import checkpoints
from brainscore_realnet.training.checkpoints import Origin, bytes_in, load, only_trainer, save, stop_signals
from brainscore_realnet.training.recipes import REALNET_EEG

ORIGIN = Origin(REALNET_EEG.changed(subject=1), "a" * 64, "b" * 64, "c" * 64)


def state(step):
    return {"step": step, "weights": torch.full((3, 2), step / 7), "curves": [{"loss": 0.1}], "best": None}


def names(run):
    return sorted(path.name for path in run.iterdir())


def test_what_was_saved_is_loaded(tmp_path):
    assert load(tmp_path / "absent", ORIGIN) is None
    save(tmp_path, 3, state(3), ORIGIN)
    found = load(tmp_path, ORIGIN)
    torch.testing.assert_close(found.pop("weights"), state(3).pop("weights"), rtol=0, atol=0)
    assert found == {"step": 3, "curves": [{"loss": 0.1}], "best": None}


def test_the_last_two_are_kept(tmp_path):
    for step in (1, 2, 3, 10):
        path = save(tmp_path, step, state(step), ORIGIN)
    assert names(tmp_path) == [f"checkpoint-{step:08d}.{form}" for step in (3, 10) for form in ("json", "pt")]
    assert path.name == "checkpoint-00000010.pt"
    assert load(tmp_path, ORIGIN)["step"] == 10
    assert bytes_in(tmp_path) == sum(path.stat().st_size for path in tmp_path.glob("*.pt"))


def broken_byte(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    "damage",
    [
        broken_byte,
        lambda path: path.write_bytes(path.read_bytes()[:-100]),
        lambda path: path.write_bytes(b""),
        lambda path: path.with_suffix(".json").unlink(),
        lambda path: path.with_suffix(".json").write_text("{"),
        lambda path: path.with_suffix(".json").write_text("[]"),
    ],
    ids=["byte", "truncated", "empty", "no card", "broken card", "other card"],
)
def test_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, caplog, damage):
    save(tmp_path, 5, state(5), ORIGIN)
    damage(save(tmp_path, 10, state(10), ORIGIN))
    assert load(tmp_path, ORIGIN)["step"] == 5
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    assert "checkpoint-00000010.pt is damaged or unfinished" in caplog.text
    save(tmp_path, 7, state(7), ORIGIN)  # the one that training went on from stays, the damaged one goes
    assert [path.name for path in sorted(tmp_path.glob("*.pt"))] == ["checkpoint-00000005.pt", "checkpoint-00000007.pt"]
    assert load(tmp_path, ORIGIN)["step"] == 7


def test_nothing_whole_is_nothing(tmp_path, caplog):
    broken_byte(save(tmp_path, 5, state(5), ORIGIN))
    assert load(tmp_path, ORIGIN) is None
    assert "damaged" in caplog.text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"beta": 10, "seed": 4}, r"it has beta = 100.0 instead of 10.0; seed = 0 instead of 4\. Expected"),
        ({"layers": ("V1",)}, r"layers = None instead of \('V1',\)"),
    ],
)
def test_other_recipe_is_refused_with_the_differences(tmp_path, changes, message):
    save(tmp_path, 5, state(5), ORIGIN)
    other = Origin(ORIGIN.recipe.changed(**changes, checkpoint_every=7), "a" * 64, "b" * 64, "c" * 64)
    with pytest.raises(BadInputError, match=message) as caught:
        load(tmp_path, other)
    assert "checkpoint_every" not in str(caught.value)
    assert load(tmp_path, ORIGIN)["step"] == 5


@pytest.mark.parametrize("place", [0, 1, 2])
def test_other_data_images_or_network_is_refused(tmp_path, place):
    save(tmp_path, 5, state(5), ORIGIN)
    hashes = ["a" * 64, "b" * 64, "c" * 64]
    was = hashes[place][:8]
    hashes[place] = "d" * 64
    what = ("data", "images", "network")[place]
    with pytest.raises(BadInputError, match=f"it has {what} with sha256 {was}… instead of dddddddd…. Expected"):
        load(tmp_path, Origin(ORIGIN.recipe, *hashes))


def test_other_interval_between_checkpoints_is_no_other_training(tmp_path):
    save(tmp_path, 5, state(5), ORIGIN)
    other = Origin(ORIGIN.recipe.changed(checkpoint_every=7), "a" * 64, "b" * 64, "c" * 64)
    assert load(tmp_path, other)["step"] == 5


def test_other_format_is_refused(tmp_path, monkeypatch):
    save(tmp_path, 5, state(5), ORIGIN)
    monkeypatch.setattr(checkpoints, "FORMAT_VERSION", 99)
    with pytest.raises(BadInputError, match="of format 1: expected 99"):
        load(tmp_path, ORIGIN)


@pytest.mark.parametrize("n_bytes", [0, 500, 2000])
def test_full_disk_keeps_the_checkpoints_that_are_there(tmp_path, monkeypatch, n_bytes):
    save(tmp_path, 5, state(5), ORIGIN)
    before = names(tmp_path)
    write = checkpoints._HashingWriter.write
    room = [n_bytes]

    def full(self, chunk):
        room[0] -= len(chunk)
        if room[0] < 0:
            failing = type("Full", (), {"write": staticmethod(raise_full)})
            self.file = failing()
        return write(self, chunk)

    monkeypatch.setattr(checkpoints._HashingWriter, "write", full)
    with pytest.raises(StoreError, match="the disk is full: free space there"):
        save(tmp_path, 10, state(10), ORIGIN)
    assert names(tmp_path) == before
    assert load(tmp_path, ORIGIN)["step"] == 5


def raise_full(_chunk):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_checkpoint_without_its_card_written_is_unfinished(tmp_path, monkeypatch):
    save(tmp_path, 5, state(5), ORIGIN)

    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "write_json", killed)
        with pytest.raises(KeyboardInterrupt):
            save(tmp_path, 10, state(10), ORIGIN)
    assert load(tmp_path, ORIGIN)["step"] == 5


def test_second_trainer_is_refused_at_once_and_told_who_trains(tmp_path):
    with only_trainer(tmp_path / "run"):
        code = (
            "import sys; from brainscore_realnet.training.checkpoints import only_trainer\n"
            "try:\n    with only_trainer(sys.argv[1]): pass\n"
            "except Exception as error: print(type(error).__name__, error)"
        )
        other = subprocess.run(
            [sys.executable, "-c", code, str(tmp_path / "run")], capture_output=True, text=True, check=True
        )
        assert other.stdout.startswith("StoreError Got the run folder")
        assert f"process {os.getpid()} on " in other.stdout
        with pytest.raises(StoreError, match="expected one trainer at a time"), only_trainer(tmp_path / "run"):
            pass
        (tmp_path / "run" / "trainer.json").write_text(json.dumps([]))
        with pytest.raises(StoreError, match="in which another process trains"), only_trainer(tmp_path / "run"):
            pass
        with only_trainer(tmp_path / "elsewhere"):
            pass
    with only_trainer(tmp_path / "run"):
        pass


HOLD = """
import signal
import sys
from brainscore_realnet.training.checkpoints import only_trainer
with only_trainer(sys.argv[1]):
    print("held", flush=True)
    signal.pause()
"""


def test_dead_trainer_holds_nothing(tmp_path):
    # Not a fork of this process: whoever forks a process of many threads may stand still.
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as child:
        try:
            assert child.stdout.readline() == "held\n"
            with pytest.raises(StoreError, match=f"process {child.pid} on "), only_trainer(tmp_path):
                pass
        finally:
            child.kill()
    with only_trainer(tmp_path):
        pass


def test_file_in_place_of_the_run_folder_is_refused(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="a file stands where a folder should be"), only_trainer(tmp_path / "file"):
        pass


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGUSR1"])
def test_signals_are_noted_and_handlers_given_back(name):
    number = getattr(signal, name)
    before = signal.getsignal(number)
    with stop_signals() as stop:
        assert stop.name is None
        os.kill(os.getpid(), number)
        assert stop.name == name
    assert signal.getsignal(number) is before


def test_second_interrupt_ends_at_once():
    with stop_signals() as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop.name == "SIGINT"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_other_threads_train_without_signals():
    before, seen = signal.getsignal(signal.SIGTERM), []

    def within():
        with stop_signals() as stop:
            seen.append((stop.name, signal.getsignal(signal.SIGTERM)))

    thread = threading.Thread(target=within)
    thread.start()
    thread.join()
    assert seen == [(None, before)]
