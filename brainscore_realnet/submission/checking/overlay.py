"""The installed library with a submission in it, in a temporary folder, and runs there that cannot do harm.

    library/brainscore_vision/      a copy, with the submission's plugins; see `library_copy`
    library/submission_probes/      a copy of `probes`
    library/sitecustomize.py        the guard, which every Python process there begins with
    work/                           where runs begin; nothing may be written there
    home/, temporary/, …            what a machine has, empty
    brainscore_home/, torch_home/, … links to weights and data that are given, or to those in the user's own folders

The library's folder stands first on the path of the runs, and shadows the installed one.
"""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brainscore_realnet.errors import MissingDataError
from brainscore_realnet.submission.checking import probes
from brainscore_realnet.submission.checking.library_copy import LIBRARY, copy_library, restore_library, sizes_and_times
from brainscore_realnet.submission.layout import Plugin, Submission

PROBES = "submission_probes"
"""Name of the probes as a package of the runs."""

SECONDS = 15 * 60
"""How long one run may take."""

_GRACE_SECONDS = 120
"""How much later the starter, which imports the libraries first and ends what is late, is itself given up."""

_PASSED_ON = (
    *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "CUDA_HOME"),
    *("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"),
)
_OWN_FOLDERS = {
    "HOME": "home",
    "TMPDIR": "temporary",
    "RESULTCACHING_HOME": "results",
    "MPLCONFIGDIR": "home/matplotlib",
    "XDG_CACHE_HOME": "home/cache",
    "XDG_CONFIG_HOME": "home/config",
    "NUMBA_CACHE_DIR": "home/numba",
    "TORCHINDUCTOR_CACHE_DIR": "home/inductor",
    "TRITON_CACHE_DIR": "home/triton",
}
_SETTINGS = {
    "BS_INSTALL_DEPENDENCIES": "no",
    "BRAINSCORE_CACHE_PLUGIN_REVISION": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONNOUSERSITE": "1",
    # What was downloaded is read without asking whether there is anything newer.
    "HF_HUB_OFFLINE": "1",
    # What happens to be installed beside pytest here is not there.
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    # Nothing comes of asking again, or of asking a cloud's own machines who one is.
    "AWS_MAX_ATTEMPTS": "1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
_CACHES = {
    "TORCH_HOME": "~/.cache/torch",
    "HF_HOME": "~/.cache/huggingface",
    "BRAINSCORE_HOME": "~/.brain-score",
    "BRAINIO_HOME": "~/.brainio",
}
"""Folders that plugins may fill, and where the user's own are by default."""

_NOT_LINKED = ("stimuli_on_screen",)
"""Folders of caches that every run makes for itself."""

_SCORES = "conda_score--"
_GUARD = f"""from {PROBES} import guard

guard.install(__file__[: -len("sitecustomize.py")] + "guard.json")
"""


@dataclass(frozen=True)
class Ended:
    """How one run ended and what it did."""

    status: int
    """Exit status; negative for a signal."""
    late: bool
    """Whether it was ended because its time was over."""
    output: str
    errors: str
    refusals: tuple[Mapping[str, str], ...]
    """Each with `kind` (network, write, program, process, import, read), `what`, and `where` in the plugin.

    What was read was not refused, and a process was let run until the run's end.
    """


@dataclass
class Overlay:
    """A library with a submission in it, and its runs, one at a time."""

    root: Path
    plugins: Sequence[Plugin]
    environment: Mapping[str, str]
    caches: Mapping[str, Path]
    """Variable of a cache to the folder whose files its links lead to."""
    _starter: Any = field(default=None, repr=False)
    _n_runs: int = 0

    @property
    def library(self) -> Path:
        """The copy of the library's package."""
        return self.root / "library" / LIBRARY

    @property
    def unattributed(self) -> Path:
        """The record of processes that forgot their environment, and of what was not refused."""
        return self.root / "records" / "unattributed"

    @property
    def _starter_log(self) -> Path:
        return self.root / "records" / "starter"

    def folder(self, plugin: Plugin) -> Path:
        """Give the folder of a plugin in the library."""
        return self.library / plugin.type / plugin.name

    def output(self, name: str) -> Path:
        """Give the path of a file for a run to write to, which no other run has."""
        return self.root / "records" / f"{self._n_runs}-{name}"

    def run(self, module: str, arguments: Sequence[str], seconds: float = SECONDS) -> Ended:
        """Run a module of the probes in a process of its own.

        Parameters
        ----------
        module : str
            Such as ``models``.
        arguments : sequence of str
        seconds : float
            Before it is killed, with all that it started.
        """
        self._n_runs += 1
        before = self._state()
        record, output, errors = (self.output(name) for name in ("refusals", "output", "errors"))
        for path in (record, output, errors):
            path.touch()
        order = {
            "module": f"{PROBES}.{module}",
            "arguments": list(arguments),
            "environment": {"SUBMISSION_CHECK_RECORD": str(record)},
            "output": str(output),
            "errors": str(errors),
            "seconds": seconds,
        }
        answer = self._asked(json.dumps(order) + "\n", seconds + _GRACE_SECONDS)
        refusals = [json.loads(line) for path in (record, self.unattributed) for line in _text(path).splitlines()]
        self.unattributed.write_bytes(b"")
        refusals += [{"kind": "process", "what": line, "where": ""} for line in answer.pop("left")]
        refusals += [{"kind": "write", "what": path, "where": ""} for path in self._left_behind(before)]
        # Without a word from the run itself, what started it may tell.
        told = _text(errors) or (_text(self._starter_log) if self._starter is None else "")
        return Ended(**answer, output=_text(output), errors=told, refusals=tuple(refusals))

    def close(self) -> None:
        """End whatever runs."""
        starter, self._starter = self._starter, None
        if starter is None:
            return
        with contextlib.suppress(OSError):
            starter.stdin.close()
        try:
            starter.wait(5)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(starter.pid, signal.SIGKILL)
            starter.wait()
        starter.stdout.close()

    def _asked(self, order: str, seconds: float) -> dict[str, Any]:
        if self._starter is None:
            with open(self._starter_log, "ab") as errors:
                self._starter = subprocess.Popen(
                    [sys.executable, "-m", f"{PROBES}.starter"],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=errors,
                    cwd=self.root / "work",
                    env=dict(self.environment),
                    start_new_session=True,
                )
        answer, answered = b"", True
        with contextlib.suppress(BrokenPipeError):
            self._starter.stdin.write(order.encode())
            self._starter.stdin.flush()
            answered = bool(select.select([self._starter.stdout], [], [], seconds)[0])
            answer = self._starter.stdout.readline() if answered else b""
        if not answer:
            self.close()
            return {"status": -signal.SIGKILL, "late": not answered, "left": []}
        return json.loads(answer)

    def install_probes(self) -> None:
        """Write the probes and the guard, in place of what may be there."""
        library = self.root / "library"
        folder, caches = Path(str(probes.__file__)).parent, shutil.ignore_patterns("__pycache__")
        shutil.copytree(folder, library / PROBES, ignore=caches, dirs_exist_ok=True)
        (library / "sitecustomize.py").write_text(_GUARD, encoding="utf-8")
        own = {folder.partition("/")[0] for folder in _OWN_FOLDERS.values()}
        writable = [str(self.root / name) for name in sorted({*own, "records"})]
        settings = {
            "allowed": [*writable, *(self.environment[name] for name in self.caches)],
            "readable": [str(self.root), *map(str, self.caches.values())],
            "scores": str(library / _SCORES),
            "plugins": [str(self.folder(plugin)) for plugin in self.plugins],
            "absent": [__name__.partition(".")[0]],
            "record": str(self.unattributed),
        }
        (library / "guard.json").write_text(json.dumps(settings), encoding="utf-8")

    def _state(self) -> dict[str, tuple[int, int]]:
        return sizes_and_times(self.root / "library", self.root / "work")

    def _left_behind(self, before: Mapping[str, tuple[int, int]]) -> list[str]:
        """Find what compiled code wrote, which no guard sees; put things back as they were."""
        after, scores = self._state(), str(self.root / "library" / _SCORES)
        paths = sorted({*before, *after})
        found = [path for path in paths if before.get(path) != after.get(path) and not path.startswith(scores)]
        in_library = [Path(path) for path in found if Path(path).is_relative_to(self.library)]
        for path in {Path(path) for path in found} - set(in_library):
            path.unlink(missing_ok=True)
        if found:
            restore_library(self.library, self.plugins, in_library)
            self.install_probes()
        return found


@contextlib.contextmanager
def overlay(submission: Submission, weights: Path | None = None, data: Path | None = None) -> Iterator[Overlay]:
    """Make a temporary overlay of the installed library; it is deleted, and what runs in it killed, at the end.

    Parameters
    ----------
    submission : Submission
        A plugin of its takes the place of an installed one in a folder of the same name.
    weights, data : Path, optional
        What ``BRAINSCORE_HOME`` and ``BRAINIO_HOME`` hold for the runs, by links. Default: what the user's own hold.

    Raises
    ------
    MissingDataError
        Such a folder is not there.
    UnsafeFileError
        A plugin's file lies outside its folder.
    """
    for folder, what in ((weights, "weights"), (data, "data")):
        if folder is not None and not folder.is_dir():
            raise MissingDataError(
                f"Got no folder {folder} with {what}; expected what an export wrote. Check the path."
            )
    with tempfile.TemporaryDirectory(prefix="submission-check-", ignore_cleanup_errors=True) as temporary:
        root = Path(temporary).resolve()
        for name in ("work", "records", *_OWN_FOLDERS.values()):
            (root / name).mkdir(parents=True, exist_ok=True)
        caches = {name: Path(os.environ.get(name) or default).expanduser() for name, default in _CACHES.items()}
        caches |= {name: one for name, one in (("BRAINSCORE_HOME", weights), ("BRAINIO_HOME", data)) if one}
        caches = {name: folder.resolve() for name, folder in caches.items()}
        made = Overlay(root, submission.plugins, _environment(root), caches)
        made.unattributed.touch()
        for name, folder in caches.items():
            _link(folder, Path(made.environment[name]))
        copy_library(made.library, made.plugins)
        made.install_probes()
        try:
            yield made
        finally:
            made.close()


def _link(given: Path, folder: Path) -> None:
    """Make a folder whose files are links to those of another, if there is one; new ones stay in it."""
    folder.mkdir()
    for place, below, names in os.walk(given):
        below[:] = [name for name in below if name not in _NOT_LINKED]
        own = folder / Path(place).relative_to(given)
        own.mkdir(exist_ok=True)
        for name in [*names, *(name for name in below if os.path.islink(os.path.join(place, name)))]:
            (own / name).symlink_to(os.path.join(place, name))


def _environment(root: Path) -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    own = {name: str(root / folder) for name, folder in _OWN_FOLDERS.items()}
    caches = {name: str(root / name.lower()) for name in _CACHES}
    return {**passed_on, **_SETTINGS, **own, **caches, "PYTHONPATH": str(root / "library")}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
