import csv
import errno
import logging
import subprocess
import sys

import pytest

from brainscore_realnet.errors import StoreError
from brainscore_realnet.training import watching
from brainscore_realnet.training.watching import Watcher

pytest.importorskip("tensorboard", reason="needs the extra tensorboard")


def row(epoch, **others):
    return {
        "epoch": epoch,
        "steps": 10 * epoch,
        "seconds": 60.5 * epoch,
        "training_loss": 1 / epoch,
        "validation_rsa_V1": 0.25 * epoch,
        **others,
    }


def parts(step):
    return {"loss": step / 2, "mse": step / 4}


def shown(folder):
    """Give what TensorBoard reads: tag to [(step, value), …]."""
    return {tag: [(event.step, event.value) for event in events] for tag, events in _events(folder).items()}


def _events(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    accumulator = EventAccumulator(str(folder), size_guidance={"scalars": 0})
    accumulator.Reload()
    return {tag: accumulator.Scalars(tag) for tag in accumulator.Tags()["scalars"]}


def full(*_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_curves_are_a_table_that_grows_with_the_epochs(tmp_path):
    with Watcher(tmp_path) as watcher:
        for n in (1, 2):
            curves = [row(epoch + 1) for epoch in range(n)]
            watcher.epoch(curves)
            rows = list(csv.DictReader((tmp_path / "curves.csv").open()))
            assert [{name: float(value) for name, value in each.items()} for each in rows] == curves
    assert sorted(path.name for path in tmp_path.iterdir()) == ["curves.csv", "tensorboard"]


def test_rows_may_gain_columns(tmp_path):
    with Watcher(tmp_path) as watcher:
        watcher.epoch([row(1), row(2, validation_rsa=0.5)])
    first, second = csv.DictReader((tmp_path / "curves.csv").open())
    assert list(first) == [*row(1), "validation_rsa"]
    assert (first["validation_rsa"], second["validation_rsa"]) == ("", "0.5")


def test_curves_survive_a_failing_disk(tmp_path, monkeypatch):
    with Watcher(tmp_path) as watcher:
        watcher.epoch([row(1)])
        before = (tmp_path / "curves.csv").read_text()
        monkeypatch.setattr("os.replace", full)
        with pytest.raises(StoreError, match=r"curves\.csv"):
            watcher.epoch([row(1), row(2)])
    assert (tmp_path / "curves.csv").read_text() == before


def test_events_hold_every_column_by_epoch_and_every_part_by_step(tmp_path):
    with Watcher(tmp_path) as watcher:
        for step in (20, 40):
            watcher.steps(step, parts(step), 1000 + step)
        watcher.epoch([row(1)])
        watcher.epoch([row(1), row(2)])
    assert shown(tmp_path / "tensorboard/steps") == {
        "loss": [(20, 10), (40, 20)],
        "mse": [(20, 5), (40, 10)],
        "images_per_second": [(20, 1020), (40, 1040)],
    }
    assert shown(tmp_path / "tensorboard/epochs") == {
        "steps": [(1, 10), (2, 20)],
        "seconds": [(1, 60.5), (2, 121)],
        "training/loss": [(1, 1), (2, 0.5)],
        "validation/rsa_V1": [(1, 0.25), (2, 0.5)],
    }


def test_events_can_be_read_while_the_training_goes_on(tmp_path):
    watcher = Watcher(tmp_path)
    watcher.steps(20, parts(20), 1)
    assert shown(tmp_path / "tensorboard/steps")["loss"] == [(20, 10)]
    watcher.steps(40, parts(40), 1)
    assert shown(tmp_path / "tensorboard/steps")["loss"] == [(20, 10), (40, 20)]
    watcher.close()


@pytest.mark.parametrize("closed", [True, False])
def test_after_a_resume_no_step_shows_twice(tmp_path, closed):
    """The second training goes on from step 30, the third from step 50, and the fourth starts anew."""
    for restored, value in ((0, 1), (30, 2), (50, 3)):
        watcher = Watcher(tmp_path, restored)
        for step in range(restored + 10, 80, 10):
            watcher.steps(step, {"loss": value}, 1)
        for epoch in range(restored // 20, 4):
            watcher.epoch([row(number + 1, training_loss=value) for number in range(epoch + 1)])
        if closed:
            watcher.close()
    loss = [(10, 1), (20, 1), (30, 1), (40, 2), (50, 2), (60, 3), (70, 3)]
    assert shown(tmp_path / "tensorboard/steps")["loss"] == loss
    assert shown(tmp_path / "tensorboard/epochs")["training/loss"] == [(epoch, 3) for epoch in (1, 2, 3, 4)]
    with Watcher(tmp_path, 0) as watcher:
        watcher.steps(10, {"loss": 4}, 1)
    assert shown(tmp_path / "tensorboard/steps")["loss"] == [(10, 4)]


def test_a_resume_shows_the_epochs_whose_events_were_lost(tmp_path):
    with Watcher(tmp_path, 30) as watcher:
        watcher.epoch([row(1), row(2), row(3)])
        watcher.epoch([row(1), row(2), row(3), row(4)])
    events = _events(tmp_path / "tensorboard/epochs")["training/loss"]
    assert [event.step for event in events] == [1, 2, 3, 4]
    # of those at once, the times differ by the training's seconds
    times = [event.wall_time for event in events]
    assert [times[1] - times[0], times[2] - times[1]] == pytest.approx([60.5, 60.5], abs=1e-3)


def test_a_record_cut_by_a_power_failure_hides_nothing_else(tmp_path):
    with Watcher(tmp_path) as watcher:
        watcher.steps(10, {"loss": 1}, 1)
        watcher.steps(20, {"loss": 1}, 1)
    [path] = (tmp_path / "tensorboard/steps").iterdir()
    path.write_bytes(path.read_bytes()[:-5])
    with Watcher(tmp_path, 10) as watcher:
        watcher.steps(20, {"loss": 2}, 1)
    assert shown(tmp_path / "tensorboard/steps")["loss"] == [(10, 1), (20, 2)]


def test_files_are_named_in_the_order_in_which_they_were_made(tmp_path, monkeypatch):
    now = watching.time.time()
    for late in (0, 0, -3600):  # a clock may be set back
        monkeypatch.setattr(watching.time, "time", lambda late=late: now + late)
        with Watcher(tmp_path, 0) as watcher:
            watcher.steps(10, {"loss": late}, 1)
    (tmp_path / "tensorboard/steps/events.out.tfevents.of-someone").touch()
    paths = [path for path in (tmp_path / "tensorboard/steps").iterdir() if path.stat().st_size]
    assert [path.name for path in sorted(paths)] == [
        path.name for path in sorted(paths, key=lambda path: path.stat().st_mtime_ns)
    ]
    assert len(paths) == 3


@pytest.mark.parametrize("when", ["opening", "writing", "folder"])
def test_events_that_cannot_be_written_are_a_warning_once(tmp_path, monkeypatch, caplog, capfd, when):
    watcher = Watcher(tmp_path)
    if when == "folder":
        (tmp_path / "tensorboard").write_text("in the way")
    elif when == "opening":
        monkeypatch.setattr(watching, "_next_path", full)
    else:
        watcher.steps(10, parts(10), 1)
        monkeypatch.setattr(watching._EventFile, "_record", full)
    for epoch in (1, 2):
        watcher.steps(10 * epoch, parts(10), 1)
        watcher.epoch([row(number + 1) for number in range(epoch)])
    watcher.close()
    assert len(list(csv.DictReader((tmp_path / "curves.csv").open()))) == 2
    warnings = [record.message for record in caplog.records if record.levelno == logging.WARNING]
    assert len(warnings) == 1
    assert warnings[0].startswith(f"no more TensorBoard events are written to {tmp_path / 'tensorboard'}: ")
    assert "Traceback" not in capfd.readouterr().err


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /dev/full")
def test_a_disk_that_is_really_full_stops_nothing(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr("builtins.open", lambda path, mode, opener=open: opener("/dev/full", "wb"))
    with Watcher(tmp_path) as watcher:
        for step in range(1, 400):
            watcher.steps(step, parts(step), 1)
    assert caplog.text.count("No space left on device") == 1


def test_without_tensorboard_there_are_curves_and_a_hint(tmp_path, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(watching, "find_spec", lambda _: None)
    with Watcher(tmp_path) as watcher:
        watcher.steps(10, parts(10), 1)
        watcher.epoch([row(1)])
    assert [path.name for path in tmp_path.iterdir()] == ["curves.csv"]
    assert "pip install 'brainscore_realnet[tensorboard]'" in caplog.text


def test_a_closed_watcher_writes_no_events(tmp_path):
    with Watcher(tmp_path) as watcher:
        watcher.steps(10, parts(10), 1)
    watcher.steps(20, parts(20), 1)
    watcher.close()
    assert shown(tmp_path / "tensorboard/steps")["loss"] == [(10, 5)]


def test_importing_it_imports_neither_tensorboard_nor_torch():
    code = (
        "import sys, brainscore_realnet.training.watching\n"
        "print([name for name in ('tensorboard', 'torch', 'google.protobuf') if name in sys.modules])"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout == "[]\n"
