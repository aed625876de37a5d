"""What can be watched while a network is trained: ``curves.csv`` always, TensorBoard events where it is installed.

The events are written here and not by torch's SummaryWriter, whose thread reports a full disk with a traceback of its
own. They are in two folders, which TensorBoard shows as two runs, because their steps are not the same:

- ``tensorboard/steps``: parts of the loss and images/s; steps are training steps
- ``tensorboard/epochs``: all columns of the curves; steps are epochs
"""

import csv
import io
import logging
import os
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from brainscore_realnet.store import write_text

CURVES = "curves.csv"
EVENTS = "tensorboard"
"""Folder of the events in a run's folder."""

_SIDES = ("training", "validation")
_logger = logging.getLogger(__name__)


class Watcher:
    """Shows how a training goes; `close` it at the end, or use it in a `with` block.

    Parameters
    ----------
    run : path
        The run's folder.
    step : int
        Steps done when the training starts or goes on. Events of later steps, which an interrupted training left, are
        then not shown any more.
    """

    def __init__(self, run: str | Path, step: int = 0) -> None:
        self.run, self.first_step = Path(run), step + 1
        self._files: dict[str, _EventFile] = {}
        self._writes_events = find_spec("tensorboard") is not None
        if not self._writes_events:
            _logger.info("no TensorBoard events are written: pip install 'brainscore_realnet[tensorboard]' for them")

    def steps(self, step: int, parts: Mapping[str, float], images_per_second: float) -> None:
        """Show the loss of a step, and how fast the steps until it were.

        Parameters
        ----------
        step : int
            Counted from 1.
        parts : mapping of str to float
            Parts of the loss.
        images_per_second : float
        """
        values = {**parts, "images_per_second": images_per_second}
        self._write("steps", self.first_step, [(step, time.time(), values)])

    def epoch(self, curves: Sequence[Mapping[str, float]]) -> None:
        """Write the curves anew; the file is the old one or the new one at every instant.

        Parameters
        ----------
        curves : sequence of mapping
            As `Trained.curves`, of all epochs so far. Rows may have different columns; what a row lacks stays empty.

        Raises
        ------
        StoreError
            ``curves.csv`` cannot be written. Events that cannot be written are a warning, once.
        """
        write_text(self.run / CURVES, _as_csv(curves))
        # All epochs the first time: those before may have been lost with a full disk, or without TensorBoard.
        rows = curves[-1:] if "epochs" in self._files else curves
        now, latest = time.time(), curves[-1].get("seconds", 0.0)
        events = [(int(row["epoch"]), now - latest + row.get("seconds", 0.0), _tagged(row)) for row in rows]
        self._write("epochs", 1, events)

    def close(self) -> None:
        """Close the files; the watcher writes no events after that."""
        self._writes_events = False
        for file in self._files.values():
            with suppress(OSError):
                file.close()
        self._files.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _write(self, name: str, first: int, events: Iterable[tuple[int, float, Mapping[str, float]]]) -> None:
        """Write events (step, time in seconds, values by tag); those of earlier files from step `first` on are void."""
        if not self._writes_events:
            return
        try:
            if name not in self._files:
                self._files[name] = _EventFile(self.run / EVENTS / name, first)
            self._files[name].write(events)
        except Exception as error:  # full disks, and packages that do not fit each other: no reason to stop a training
            _logger.warning("no more TensorBoard events are written to %s: %s", self.run / EVENTS, error)
            self.close()


class _EventFile:
    """A new file of TensorBoard events, each record written before the call returns."""

    def __init__(self, folder: Path, first: int) -> None:
        from tensorboard.compat.proto import event_pb2, summary_pb2
        from tensorboard.summary.writer.record_writer import RecordWriter

        self._event: Any = event_pb2.Event
        self._summary: Any = summary_pb2.Summary
        folder.mkdir(parents=True, exist_ok=True)
        self._file = open(_next_path(folder), "xb")  # noqa: SIM115 - open as long as the training goes on
        self._records = RecordWriter(self._file)
        start = event_pb2.SessionLog(status=event_pb2.SessionLog.START)
        # A start at a step voids what earlier files hold from that step on.
        self._record(wall_time=time.time(), file_version="brain.Event:2")
        self._record(wall_time=time.time(), step=first, session_log=start)

    def write(self, events: Iterable[tuple[int, float, Mapping[str, float]]]) -> None:
        for step, seconds, values in events:
            scalars = [self._summary.Value(tag=tag, simple_value=value) for tag, value in values.items()]
            self._record(step=step, wall_time=seconds, summary=self._summary(value=scalars))
        self._file.flush()

    def close(self) -> None:
        self._file.close()

    def _record(self, **fields: Any) -> None:
        self._records.write(self._event(**fields).SerializeToString())


def _next_path(folder: Path) -> Path:
    """Name a file after those that are there: TensorBoard reads files in the order of their names."""
    seconds = [name.split(".")[3] for name in os.listdir(folder) if name.startswith("events.out.tfevents.")]
    latest = max((int(text) for text in seconds if text.isdecimal()), default=0)
    return folder / f"events.out.tfevents.{max(int(time.time()), latest + 1):010d}.{socket.gethostname()}.{os.getpid()}"


def _tagged(row: Mapping[str, float]) -> dict[str, float]:
    """Name the values so that TensorBoard groups them: ``validation_rsa_V1`` is ``validation/rsa_V1``."""
    tags = {name: name.replace("_", "/", 1) if name.startswith(_SIDES) else name for name in row if name != "epoch"}
    return {tag: row[name] for name, tag in tags.items()}


def _as_csv(curves: Sequence[Mapping[str, float]]) -> str:
    text = io.StringIO()
    columns = dict.fromkeys(name for row in curves for name in row)
    writer = csv.DictWriter(text, list(columns), lineterminator="\n")
    writer.writeheader()
    writer.writerows(curves)
    return text.getvalue()
