"""The installed library with a submission in it, in a temporary folder, and runs there that cannot do harm.

    library/brainscore_vision/      a copy; installed plugins are links, those of the submission are copies
    library/submission_probes/      a copy of `probes`
    library/sitecustomize.py        the guard, which every Python process there begins with
    work/                           where runs begin; nothing may be written there
    home/, temporary/, …            what a machine has, empty
    brainscore_home/, brainio_home/ links to weights and data that are given

The library's folder stands first on the path of the runs, and shadows the installed one.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from brainscore_realnet.errors import MissingDataError, UnsafeFileError
from brainscore_realnet.submission.checking import probes
from brainscore_realnet.submission.layout import REGISTRIES, Plugin, Submission

LIBRARY = "brainscore_vision"
PROBES = "submission_probes"
"""Name of the probes as a package of the runs."""

SECONDS = 15 * 60
"""How long one run may take."""

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
_IMAGES = ("rgb1.jpg", "rgb2.jpg", "rgb3.png")
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
    """Each with `kind` (network, write, program, import), `what`, and `where` in the plugin."""


@dataclass
class Overlay:
    """A library with a submission in it, and its runs, one at a time."""

    root: Path
    plugins: Sequence[Plugin]
    environment: Mapping[str, str]
    _starter: Any = field(default=None, repr=False)
    _n_runs: int = 0

    @property
    def library(self) -> Path:
        """The copy of the library's package."""
        return self.root / "library" / LIBRARY

    @property
    def unattributed(self) -> Path:
        """The record of processes that forgot their environment."""
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
        answer = self._asked(json.dumps(order) + "\n")
        refusals = [json.loads(line) for path in (record, self.unattributed) for line in _text(path).splitlines()]
        self.unattributed.write_bytes(b"")
        refusals += [{"kind": "write", "what": str(path), "where": ""} for path in self._left_behind()]
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

    def _asked(self, order: str) -> dict[str, Any]:
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
        answer = b""
        with contextlib.suppress(BrokenPipeError):
            self._starter.stdin.write(order.encode())
            self._starter.stdin.flush()
            answer = self._starter.stdout.readline()
        if not answer:
            self.close()
            return {"status": -signal.SIGKILL, "late": False}
        return json.loads(answer)

    def _left_behind(self) -> list[Path]:
        """Find what compiled code wrote, which no guard sees; put things back as they were."""
        found = []
        for plugin in self.plugins:
            folder = self.folder(plugin)
            for path in _files(folder):
                name = path.relative_to(folder).as_posix()
                if path.is_symlink() or path.read_bytes() != plugin.files.get(name):
                    found.append(path.relative_to(self.library))
                    path.unlink()
            _write(folder, {name: content for name, content in plugin.files.items() if not (folder / name).is_file()})
        for path in _files(self.root / "work"):
            found.append(path.relative_to(self.root / "work"))
            path.unlink()
        return found


@contextlib.contextmanager
def overlay(submission: Submission, weights: Path | None = None, data: Path | None = None) -> Iterator[Overlay]:
    """Make a temporary overlay of the installed library; it is deleted, and what runs in it killed, at the end.

    Parameters
    ----------
    submission : Submission
        A plugin of its takes the place of an installed one in a folder of the same name.
    weights, data : Path, optional
        What ``BRAINSCORE_HOME`` and ``BRAINIO_HOME`` hold for the runs. Default: the user's own.

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
        for name in ("library", "work", "records", *_OWN_FOLDERS.values()):
            (root / name).mkdir(parents=True, exist_ok=True)
        caches = _caches(root, weights, data)
        made = Overlay(root, submission.plugins, _environment(root, caches))
        _copy_library(made)
        _install_guard(made, list(caches.values()))
        try:
            yield made
        finally:
            made.close()


def _copy_library(made: Overlay) -> None:
    installed = Path(str(find_spec(LIBRARY).origin)).parent  # type: ignore[union-attr]
    caches = shutil.ignore_patterns("__pycache__")
    shutil.copytree(installed, made.library, ignore=lambda folder, names: _left_out(folder, names, installed, caches))
    for kind in REGISTRIES:
        (made.library / kind).mkdir()
        own = {plugin.name for plugin in made.plugins if plugin.type == kind}
        for path in (installed / kind).iterdir():
            if path.is_file():
                shutil.copyfile(path, made.library / kind / path.name)
            elif path.name not in own and path.name != "__pycache__":
                (made.library / kind / path.name).symlink_to(path, target_is_directory=True)
    for plugin in made.plugins:
        if Path(plugin.name).name != plugin.name:
            raise UnsafeFileError(f"Got plugin {plugin.name!r}: expected the name of a folder.")
        _write(made.folder(plugin), plugin.files)
    _draw_images(made.library / "model_helpers" / "generic_plugin_tests_resources")
    shutil.copytree(Path(str(probes.__file__)).parent, made.root / "library" / PROBES, ignore=caches)


def _left_out(folder: str, names: list[str], installed: Path, caches: Any) -> set[str]:
    plugins = set(REGISTRIES) if Path(folder) == installed else set()
    return set(caches(folder, names)) | plugins


def _draw_images(folder: Path) -> None:
    """Draw the images that Brain-Score's own tests want and its wheel lacks."""
    import numpy as np
    from PIL import Image

    folder.mkdir(exist_ok=True)
    for seed, name in enumerate(_IMAGES):
        pixels = np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)
        if not (folder / name).exists():
            Image.fromarray(pixels).save(folder / name)


def _install_guard(made: Overlay, caches: Sequence[str]) -> None:
    own = {folder.partition("/")[0] for folder in _OWN_FOLDERS.values()}
    settings = {
        "allowed": [*(str(made.root / name) for name in sorted({*own, "records"})), *caches],
        "scores": str(made.library.parent / _SCORES),
        "plugins": [str(made.folder(plugin)) for plugin in made.plugins],
        "absent": [__name__.partition(".")[0]],
        "record": str(made.unattributed),
    }
    made.unattributed.touch()
    (made.root / "library" / "guard.json").write_text(json.dumps(settings), encoding="utf-8")
    (made.root / "library" / "sitecustomize.py").write_text(_GUARD, encoding="utf-8")


def _caches(root: Path, weights: Path | None, data: Path | None) -> dict[str, str]:
    """Give the variables of folders that plugins may fill."""
    home = Path.home()
    own = {
        "TORCH_HOME": home / ".cache" / "torch",
        "HF_HOME": home / ".cache" / "huggingface",
        "BRAINSCORE_HOME": home / ".brain-score",
        "BRAINIO_HOME": home / ".brainio",
    }
    folders = {name: Path(os.environ.get(name) or default).expanduser() for name, default in own.items()}
    for name, given in (("BRAINSCORE_HOME", weights), ("BRAINIO_HOME", data)):
        if given is not None:
            folders[name] = root / name.lower()
            _link(given, folders[name])
    return {name: str(folder.resolve()) for name, folder in folders.items()}


def _link(given: Path, folder: Path) -> None:
    """Make a folder whose files are links to those of another; new ones stay in it."""
    folder.mkdir()
    for path in given.resolve().rglob("*"):
        if path.is_file():
            link = folder / path.relative_to(given.resolve())
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(path)


def _environment(root: Path, caches: Mapping[str, str]) -> dict[str, str]:
    passed_on = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    own = {name: str(root / folder) for name, folder in _OWN_FOLDERS.items()}
    return {**passed_on, **_SETTINGS, **own, **caches, "PYTHONPATH": str(root / "library")}


def _files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*"))
    return [path for path in found if "__pycache__" not in path.parts and (path.is_symlink() or path.is_file())]


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise UnsafeFileError(f"Got file {name!r} in plugin {folder.name!r}: expected paths inside the plugin.")
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")
