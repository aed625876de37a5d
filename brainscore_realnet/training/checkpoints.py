"""Checkpoints of a training run: whole or absent, the last two kept, and only ever continued by the same training.

A checkpoint is ``checkpoint-00001000.pt`` with its sha256 in ``checkpoint-00001000.json``, which is written second: a
file without it is unfinished.
"""

import hashlib
import logging
import os
import signal
import socket
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import IO, Any

import torch

from brainscore_realnet.errors import BadFileError, BadInputError, RealnetError, StoreError
from brainscore_realnet.networks.checkpoints import read_checkpoint
from brainscore_realnet.store import atomic_file, read_json, sha256_file, write_json
from brainscore_realnet.store.folders import make_folder
from brainscore_realnet.training.recipes import Recipe

FORMAT_VERSION = 1
"""Increased whenever older checkpoints cannot be continued."""

KEPT = 2
"""Checkpoints that stay in a run's folder."""

_SIGNALS = ("SIGTERM", "SIGINT", "SIGUSR1")
_logger = logging.getLogger(__name__)


class Interrupted(RealnetError):  # noqa: N818 - being stopped is no mistake of anyone
    """Training was asked to stop, and did after it had written a checkpoint."""

    def __init__(self, message: str, signal_name: str | None = None) -> None:
        super().__init__(message)
        self.exit_status = 128 + signal.Signals[signal_name] if signal_name else super().exit_status


@dataclass(frozen=True)
class Origin:
    """What decides the result of a run: a checkpoint is continued only where all of it is the same."""

    recipe: Recipe
    data_sha256: str
    """`TrainingData.sha256`: images and signals"""
    images_sha256: str
    """`ImageCache.sha256`: decoded pixels"""
    network_sha256: str
    """Hash of the pretrained weights"""

    def record(self) -> dict[str, Any]:
        """Give it as a checkpoint holds it."""
        hashes = {"data": self.data_sha256, "images": self.images_sha256, "network": self.network_sha256}
        return {"version": FORMAT_VERSION, "recipe": self.recipe.record(), "sha256": hashes}


@dataclass
class Stop:
    """Whether the run was asked to stop."""

    name: str | None = None
    """The signal that asked, such as ``SIGTERM``."""


def save(run: str | Path, step: int, state: Mapping[str, Any], origin: Origin) -> Path:
    """Write a checkpoint atomically, then remove all but it and the newest one of an earlier step.

    Parameters
    ----------
    run : path
        The run's folder.
    step : int
        Steps done.
    state : mapping
        Tensors, numbers, texts, and lists and dicts of them.
    origin : Origin

    Returns
    -------
    Path
        The ``.pt`` file.

    Raises
    ------
    StoreError
        It cannot be written, as on a full disk; checkpoints that are there stay.
    """
    path = Path(run) / f"checkpoint-{step:08d}.pt"
    with atomic_file(path) as part, open(part, "wb") as file:
        writer: Any = _HashingWriter(file)  # torch only writes to it
        try:
            torch.save({"origin": origin.record(), "step": step, "state": dict(state)}, writer)
        except RuntimeError as error:  # torch's own, in place of what the file system said
            if writer.error is None:
                raise StoreError(f"Got {error} while writing {path}: expected it to be written. Try again.") from error
            raise writer.error from error
    write_json(_card(path), {"sha256": writer.digest.hexdigest(), "step": step})
    others = [other for other in _files(path.parent) if other != path]
    earlier = [other for other in others if other.name < path.name]  # later ones were not whole, or it had been them
    for other in set(others) - set(earlier[: KEPT - 1]):
        _remove(other)
    return path


def load(run: str | Path, origin: Origin) -> dict[str, Any] | None:
    """Read the state of the newest whole checkpoint, onto the CPU; a damaged one is passed over with a warning.

    Parameters
    ----------
    run : path
        The run's folder, which need not exist.
    origin : Origin
        Of the run that is to be continued. `Recipe.checkpoint_every` may differ.

    Returns
    -------
    dict or None
        What `save` was given; None when there is no whole checkpoint.

    Raises
    ------
    BadInputError
        The checkpoint is of another recipe, data, images or pretrained network; each difference is shown.
    """
    for path in _files(Path(run)):
        try:
            content = _read(path)
        except (RealnetError, OSError) as error:
            _logger.warning("%s is damaged or unfinished (%s): trying the checkpoint before it", path, error)
            continue
        _refuse_other_origin(path, content["origin"], origin)
        return content["state"]
    return None


class Writer:
    """Writes checkpoints beside the training, one at a time and in order."""

    def __init__(self, run: str | Path, origin: Origin) -> None:
        self.run, self.origin = run, origin
        self.beside = ThreadPoolExecutor(1, thread_name_prefix="checkpoint")
        self.writing: Future[Path] | None = None

    def save(self, step: int, state: Mapping[str, Any]) -> None:
        """Write a checkpoint as `checkpoints.save`, after the one before it; `state` must not change any more."""
        self.finish()
        self.writing = self.beside.submit(save, self.run, step, state, self.origin)

    def check(self) -> None:
        """Raise what went wrong with a checkpoint that is written or given up; one that is being written may be."""
        if self.writing is not None and self.writing.done():
            self.finish()

    def finish(self) -> None:
        """Wait until the last checkpoint is on the disk; raises as `checkpoints.save`."""
        writing, self.writing = self.writing, None
        if writing is not None:
            writing.result()

    def close(self) -> None:
        """Let the checkpoint that is being written be finished; what goes wrong with it is logged."""
        self.beside.shutdown()
        if self.writing is not None and (error := self.writing.exception()):
            _logger.warning("the last checkpoint in %s was not written: %s", self.run, error)


def remove_all(run: str | Path) -> None:
    """Delete all checkpoints of a run."""
    for path in _files(Path(run)):
        _remove(path)


def bytes_in(run: str | Path) -> int:
    """Give the size of all checkpoints of a run together."""
    return sum(path.stat().st_size for path in _files(Path(run)))


@contextmanager
def only_trainer(run: str | Path) -> Iterator[None]:
    """Hold a run's folder, which is made if absent, against other trainers; a dead one holds nothing.

    Raises
    ------
    StoreError
        Another trainer holds it: refused at once, with its process and computer. Or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    run = Path(run)
    make_folder(run)
    holder = run / "trainer.json"
    held = FileLock(run / "trainer.lock")
    try:
        held.acquire(timeout=0)
    except Timeout as error:
        who = "another process"
        with suppress(RealnetError, KeyError, TypeError):
            about = read_json(holder)
            who = f"process {about['process']} on {about['computer']}"
        raise StoreError(
            f"Got the run folder {run}, in which {who} trains: expected one trainer at a time. Wait for it, stop it, "
            "or choose another folder."
        ) from error
    except OSError as error:
        raise StoreError(
            f"Got the run folder {run}, in which nothing can be written ({error.strerror}): expected a writable "
            "folder. Choose another."
        ) from error
    try:
        write_json(holder, {"process": os.getpid(), "computer": socket.gethostname()})
        yield
    finally:
        held.release()


@contextmanager
def stop_signals() -> Iterator[Stop]:
    """Note SIGTERM, SIGINT and SIGUSR1 (which SLURM sends before the time is up) instead of ending at once.

    A second SIGINT ends at once. Outside the main thread, where Python gives no signals, nothing is noted.
    """
    stop = Stop()

    def note(number: int, _frame: FrameType | None) -> None:
        if stop.name and number == signal.SIGINT:
            raise KeyboardInterrupt
        stop.name = signal.Signals(number).name

    before: dict[int, Any] = {}
    try:
        if threading.current_thread() is threading.main_thread():
            for number in (getattr(signal, name) for name in _SIGNALS if hasattr(signal, name)):
                before[number] = signal.signal(number, note)
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _HashingWriter:
    """What `torch.save` writes to: hashes on the way, and remembers the error that torch would hide."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.digest = hashlib.sha256()
        self.error: OSError | None = None

    def write(self, chunk: bytes) -> int:
        try:
            written = self.file.write(chunk)
        except OSError as error:
            self.error = error
            raise
        self.digest.update(chunk)
        return written

    def flush(self) -> None:
        self.file.flush()


def _files(run: Path) -> list[Path]:
    """Give a run's checkpoints, whole or not, the newest first."""
    return sorted(run.glob("checkpoint-*.pt"), reverse=True)


def _card(path: Path) -> Path:
    return path.with_suffix(".json")


def _remove(path: Path) -> None:
    with suppress(OSError):
        _card(path).unlink(missing_ok=True)
        path.unlink()


def _read(path: Path) -> dict[str, Any]:
    card = read_json(_card(path))
    if not isinstance(card, dict) or sha256_file(path) != card.get("sha256"):
        raise BadFileError(f"Got other content in {path} than was written: expected the sha256 in {_card(path).name}")
    return read_checkpoint(path)


def _refuse_other_origin(path: Path, found: Mapping[str, Any], origin: Origin) -> None:
    if found["version"] != FORMAT_VERSION:
        raise BadInputError(
            f"Got the checkpoint {path} of format {found['version']}: expected {FORMAT_VERSION}. It was written by "
            "another version of this package: use that one, or choose another folder for this run."
        )
    theirs, different = Recipe.from_record(found["recipe"]), []
    if theirs.digest != origin.recipe.digest:
        different = [
            f"{name} = {its!r} instead of {ours!r}"
            for name, (its, ours) in theirs.differences(origin.recipe).items()
            if name != "checkpoint_every"
        ]
    different += [
        f"{name} with sha256 {found['sha256'][name][:8]}… instead of {sha256[:8]}…"
        for name, sha256 in origin.record()["sha256"].items()
        if found["sha256"][name] != sha256
    ]
    if different:
        raise BadInputError(
            f"Got the checkpoint {path} of another training: it has {'; '.join(different)}. Expected the same recipe, "
            "data, images and network: choose another folder for this run, or delete its checkpoints."
        )
