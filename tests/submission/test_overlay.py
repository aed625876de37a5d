import json
import os
import signal
import threading
import time
from pathlib import Path
from xml.etree import ElementTree

import brainscore_vision
import pytest

import brainscore_realnet
from brainscore_realnet.errors import MissingDataError, UnsafeFileError
from brainscore_realnet.submission.checking import overlay as overlays
from brainscore_realnet.submission.checking.library_copy import LARGEST_COPY
from brainscore_realnet.submission.checking.overlay import PROBES, overlay
from brainscore_realnet.submission.layout import Plugin, Submission

READING = b"""OURS = True

def read(path):
    open(path, "rb").close()
"""
PIXELS = Plugin("models", "pixels", {"__init__.py": READING, "notes.txt": b"unlike alexnet"})
NAMED = Plugin("models", "alexnet", {})
CHANGED = (
    *("HOME", "TMPDIR", "RESULTCACHING_HOME", "MPLCONFIGDIR"),
    *("BRAINSCORE_HOME", "BRAINIO_HOME", "TORCH_HOME", "HF_HOME"),
)
SUBMISSION = Submission("sim-overlay", (PIXELS,))

ASKED = """
import importlib.util, json, os, shutil, socket, sqlite3, subprocess, sys, tempfile, urllib.request
from pathlib import Path

import brainscore_vision
from brainscore_core.plugin_management.conda_score import CondaScore
from brainscore_vision.models import pixels

PLUGIN = Path(pixels.__file__).parent
MODELS = Path(os.environ["BRAINSCORE_HOME"]) / "models"
SEEDED, WRITTEN, DELETED = (MODELS / f"{name}.bin" for name in ("weights", "written", "deleted"))


def refused(act):
    try:
        act()
    except (OSError, ImportError, sqlite3.Error) as error:
        return str(error)
    return ""


def told():
    import brainscore_realnet


def child_writes():
    subprocess.run([sys.executable, "-c", f"open({str(PLUGIN / 'child')!r}, 'w')"], capture_output=True)
    forgetful = {"PYTHONPATH": os.environ["PYTHONPATH"]}
    subprocess.run([sys.executable, "-c", f"open({str(PLUGIN / 'forgot')!r}, 'w')"], capture_output=True, env=forgetful)


ACTS = {
    "network": lambda: socket.create_connection(("example.org", 80)),
    "address": lambda: socket.socket().connect(("192.0.2.1", 443)),
    "url": lambda: urllib.request.urlopen("https://example.com/weights"),
    "beside": lambda: (PLUGIN / "new.txt").write_text("x"),
    "folder": lambda: (PLUGIN / "new").mkdir(),
    "removed": lambda: (PLUGIN / "notes.txt").unlink(),
    "moved": lambda: os.replace(PLUGIN / "notes.txt", PLUGIN / "moved.txt"),
    "tree": lambda: shutil.rmtree(PLUGIN),
    "outside": lambda: open("OUTSIDE/kept", "w"),
    "here": lambda: open("here.txt", "w"),
    "seeded": lambda: SEEDED.open("ab"),
    "database": lambda: sqlite3.connect(PLUGIN / "rows.db"),
    "pip": lambda: subprocess.run([sys.executable, "-m", "pip", "install", "x"]),
    "git": lambda: subprocess.run("cd / && git clone https://example.org/x", shell=True),
    "ours": told,
}
ALLOWED = {
    "temporary": lambda: tempfile.NamedTemporaryFile("w").write("x"),
    "temporary folder": lambda: shutil.rmtree(tempfile.mkdtemp()),
    "home": lambda: (Path.home() / "x").write_text("x"),
    "cache": lambda: (Path(os.environ["BRAINSCORE_HOME"]) / "new.bin").write_text("x"),
    "cached already": lambda: WRITTEN.write_text("other"),
    "deleted": lambda: DELETED.unlink(),
    "database": lambda: sqlite3.connect(Path.home() / "rows.db").close(),
    "database in memory": lambda: sqlite3.connect(":memory:").close(),
    "database to read": lambda: sqlite3.connect(f"file:{Path.home()}/rows.db?mode=ro", uri=True).close(),
    "null": lambda: open(os.devnull, "w").close(),
    "folder that is there": lambda: PLUGIN.mkdir(exist_ok=True),
    "this machine": lambda: socket.getaddrinfo("localhost", 80),
    "Brain-Score's own score": lambda: CondaScore.save_score(1, Path(brainscore_vision.__file__), "sim_sim"),
    "git log": lambda: subprocess.run(["git", "log", "-1"], capture_output=True),
}
answer = {
    "library": brainscore_vision.__file__,
    "ours": getattr(pixels, "OURS", False),
    "secret": os.environ.get("SECRET_OF_THE_CALLER"),
    "environment": dict(os.environ),
    "seeded": SEEDED.read_text(),
    "refused": {name: refused(act) for name, act in ACTS.items()},
    "allowed": {name: refused(act) for name, act in ALLOWED.items()},
}
child_writes()
# As compiled code writes: not seen by the guard.
for path in (PLUGIN / "compiled.bin", PLUGIN.parent / "alexnet" / "__init__.py"):
    subprocess.run(["/bin/sh", "-c", f"echo x >> {path}"])
open("OUTSIDE-of-the-author", "rb").close()
pixels.read("OUTSIDE-of-the-author")
pixels.read("OUTSIDE/models/by_a_plugin")
pixels.read(SEEDED)
pixels.read(json.__file__)
print(json.dumps(answer))
"""

DETACHED = """
import subprocess, sys
child = subprocess.Popen(["sleep", "600"], start_new_session=True)
helper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True)
print(child.pid)
"""
TESTS = """
import socket, pytest

def test_network():
    socket.create_connection(("example.org", 80))

def test_write():
    open("out.txt", "w")

def test_both():
    with pytest.raises(OSError):
        test_network()
    test_write()
"""
ENDLESS = """
import subprocess
child = subprocess.Popen(["sleep", "600"])
print(child.pid, flush=True)
child.wait()
"""


@pytest.fixture(scope="module")
def seeded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("weights")
    (folder / "models").mkdir()
    for name in ("weights.bin", "written.bin", "deleted.bin", "by_a_plugin"):
        (folder / "models" / name).write_text("seeded")
    folder.with_name(f"{folder.name}-of-the-author").write_text("weights")
    return folder


@pytest.fixture(scope="module")
def library(seeded):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SECRET_OF_THE_CALLER", "secret")
        patch.setenv("BRAINSCORE_HOME", str(seeded))
        with overlay(SUBMISSION) as made:
            yield made


@pytest.fixture(scope="module")
def asked(library, seeded):
    program(library, "asked", ASKED.replace("OUTSIDE", str(seeded)))
    ended = library.run("asked", [])
    assert ended.status == 0, ended.errors
    return json.loads(ended.output.splitlines()[-1]), ended


def program(library, name, text):
    (library.root / "library" / PROBES / f"{name}.py").write_text(text)


def test_the_library_of_the_runs_is_the_overlay(library, asked):
    assert asked[0]["library"] == str(library.library / "__init__.py")


def test_a_plugin_of_the_submission_replaces_the_installed_one(asked):
    assert asked[0]["ours"]


def test_files_of_the_library_are_copies_but_for_large_ones_and_models_that_nobody_names(library):
    links = [path for path in library.library.rglob("*") if path.is_symlink()]
    assert {path.parent for path in links if path.is_dir()} == {library.library / "models"}
    assert all(path.stat().st_size > LARGEST_COPY for path in links if path.is_file())
    (installed,) = brainscore_vision.__path__
    assert all(path.resolve().is_relative_to(installed) for path in links)
    assert not library.folder(NAMED).is_symlink()


def test_the_images_of_the_generic_tests_are_there(library):
    folder = library.library / "model_helpers" / "generic_plugin_tests_resources"
    assert {path.name for path in folder.iterdir()} >= {"rgb1.jpg", "rgb2.jpg", "rgb3.png"}


def test_variables_of_the_caller_are_not_passed_on(asked):
    assert asked[0]["secret"] is None


@pytest.mark.parametrize("name", CHANGED)
def test_folders_of_the_runs_lie_in_the_temporary_one(library, asked, name):
    assert asked[0]["environment"][name].startswith(str(library.root))


def test_nothing_is_installed_and_revisions_are_on(asked):
    environment = asked[0]["environment"]
    assert (environment["BS_INSTALL_DEPENDENCIES"], environment["BRAINSCORE_CACHE_PLUGIN_REVISION"]) == ("no", "1")


def test_seeded_weights_are_found_and_stay_as_they_are(asked, seeded):
    assert asked[0]["seeded"] == "seeded"
    assert {path.read_text() for path in (seeded / "models").iterdir()} == {"seeded"}
    assert {path.stem for path in (seeded / "models").iterdir()} == {"weights", "written", "deleted", "by_a_plugin"}


def test_what_a_submission_must_not_do_is_refused(asked):
    refused = asked[0]["refused"]
    assert {name for name, said in refused.items() if not said} == set()
    assert all("refused while a submission is checked" in said for said in refused.values())


def test_what_a_submission_may_do_is_allowed(asked):
    assert {name: said for name, said in asked[0]["allowed"].items() if said} == {}


def test_refusals_are_recorded_though_they_were_swallowed(asked):
    told = {(one["kind"], Path(one["what"]).name) for one in asked[1].refusals}
    expected = {
        *(("write", name) for name in ("new.txt", "new", "notes.txt", "pixels", "kept", "here.txt", "weights.bin")),
        ("write", "rows.db"),
        *(("network", name) for name in ("example.org:80", "192.0.2.1:443", "example.com:443")),
        ("import", "brainscore_realnet"),
    }
    assert expected <= told
    assert sum(one["kind"] == "program" for one in asked[1].refusals) == 2


def test_children_of_a_plugin_are_guarded_too(asked):
    assert {"child", "forgot"} <= {Path(one["what"]).name for one in asked[1].refusals}


def test_what_compiled_code_wrote_is_found_and_removed(library, asked):
    written = {"/".join(Path(one["what"]).parts[-2:]) for one in asked[1].refusals if not one["where"]}
    assert {"pixels/compiled.bin", "alexnet/__init__.py"} <= written
    (installed,) = brainscore_vision.__path__
    of_alexnet = [Path(folder, "models", "alexnet", "__init__.py") for folder in (installed, library.library)]
    assert of_alexnet[0].read_bytes() == of_alexnet[1].read_bytes()
    assert {path.name for path in library.folder(PIXELS).iterdir()} == set(PIXELS.files)


def test_what_was_written_beyond_a_link_is_told_and_let_be(library, tmp_path):
    (tmp_path / "model.py").write_text("as it was")
    (library.library / "models" / "sim_linked").symlink_to(tmp_path)
    program(library, "touching", f"import os\nos.system('echo x >> {tmp_path}/model.py; touch {tmp_path}/new')")
    told = {Path(one["what"]).name for one in library.run("touching", []).refusals if one["kind"] == "write"}
    assert told == {"model.py", "new"}
    assert {path.name for path in tmp_path.iterdir()} == told


def test_only_tests_that_lack_nothing_but_the_network_are_excused(library, tmp_path):
    (tmp_path / "test.py").write_text(TESTS)
    report = library.root / "records" / "tests.xml"
    library.run("tests", ["-pno:cacheprovider", "-c/dev/null", f"--junitxml={report}", str(tmp_path / "test.py")])
    cases = ElementTree.parse(report).iter("testcase")
    excused = {case.get("name"): case.find("properties") is not None for case in cases}
    assert excused == {"test_network": True, "test_write": False, "test_both": False}


def test_reads_of_a_plugin_outside_the_caches_are_told(seeded, asked):
    told = [(one["what"], one["where"]) for one in asked[1].refusals if one["kind"] == "read"]
    assert told == [(f"{seeded}-of-the-author", "__init__.py, line 4")]


def test_what_detached_itself_is_killed_and_told_but_not_what_ends_by_itself(library):
    program(library, "detached", DETACHED)
    ended = library.run("detached", [])
    assert [(one["kind"], one["what"]) for one in ended.refusals] == [("process", "sleep 600")]
    assert gone(int(ended.output))


def test_a_run_that_takes_too_long_is_ended_with_its_children(library):
    program(library, "endless", ENDLESS)
    ended = library.run("endless", [], seconds=1)
    assert (ended.late, ended.status) == (True, -signal.SIGKILL)
    assert gone(int(ended.output))


def test_a_starter_that_stands_still_is_given_up(monkeypatch):
    monkeypatch.setattr(overlays, "copy_library", lambda target, plugins: target.mkdir(parents=True))
    monkeypatch.setattr(overlays, "_GRACE_SECONDS", 0)
    with overlay(SUBMISSION) as made:
        (made.root / "library" / PROBES / "starter.py").write_text("import time\ntime.sleep(600)\n")
        ended = made.run("well", [], seconds=0.5)
    assert (ended.late, ended.status) == (True, -signal.SIGKILL)


def test_a_run_that_crashes_tells_the_signal_and_the_next_one_runs(library):
    program(library, "crashing", "import os\nos.kill(os.getpid(), 11)\n")
    program(library, "well", "print('well')\n")
    assert library.run("crashing", []).status == -signal.SIGSEGV
    assert library.run("well", []).output == "well\n"


@pytest.fixture
def interruptible():
    """Let Ctrl-C interrupt also where the tests were started in the background, which ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_an_interrupted_check_leaves_nothing(monkeypatch, interruptible):
    monkeypatch.setattr(overlays, "copy_library", lambda target, plugins: target.mkdir(parents=True))
    with pytest.raises(KeyboardInterrupt), overlay(SUBMISSION) as made:  # noqa: PT012
        without_libraries(made)
        program(made, "endless", ENDLESS)
        threading.Thread(target=interrupt_once_it_runs, args=(made,)).start()
        made.run("endless", [], seconds=60)
    assert gone(made.child)
    assert not made.root.exists()


def without_libraries(made):
    path = made.root / "library" / PROBES / "starter.py"
    path.write_text(path.read_text().replace("_LIBRARIES = (", "_LIBRARIES = () and ("))


def interrupt_once_it_runs(made):
    deadline = time.monotonic() + 60
    while not (told := "".join(path.read_text() for path in made.root.glob("records/*-output"))).endswith("\n"):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    made.child = int(told)
    os.kill(os.getpid(), signal.SIGINT)


def test_folders_that_are_not_there_are_refused(tmp_path):
    absent = overlay(SUBMISSION, weights=tmp_path / "absent")
    with pytest.raises(MissingDataError, match=r"absent with weights"), absent:
        pass


@pytest.mark.parametrize(
    "plugin", [Plugin("models", "sim", {"../escaped.py": b""}), Plugin("models", "../../sim", {"__init__.py": b""})]
)
def test_paths_out_of_the_plugin_are_refused(plugin):
    with pytest.raises(UnsafeFileError, match=r"expected"), overlay(Submission("sim", (plugin,))):
        pass


def test_probes_import_nothing_of_the_package():
    folder = Path(brainscore_realnet.__file__).parent / "submission" / "checking" / "probes"
    assert list(folder.glob("*.py"))
    assert [path.name for path in folder.glob("*.py") if "import brainscore_realnet" in path.read_text()] == []


def gone(pid):
    for _ in range(200):
        try:
            os.kill(pid, 0)
            if Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z":
                return True
        except (ProcessLookupError, FileNotFoundError):
            return True
        time.sleep(0.05)
    return False
