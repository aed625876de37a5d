"""What the files of a submission tell without being run: its archive, folders, syntax, tests, stray files."""

import ast
import contextlib
import re
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from types import SimpleNamespace

from brainscore_realnet.submission.checking.naming import library
from brainscore_realnet.submission.checking.reading import Opened, label
from brainscore_realnet.submission.checking.registrations import UNREADABLE, counted, parsed
from brainscore_realnet.submission.checking.report import Found, Problem, judged
from brainscore_realnet.submission.layout import REGISTRIES, WEBSITE_BYTES, WEBSITE_PLUGINS, Form, Plugin

KEPT_ELSEWHERE = {
    ".pt": "weights",
    ".pth": "weights",
    ".ckpt": "weights",
    ".h5": "weights",
    ".hdf5": "weights",
    ".onnx": "weights",
    ".safetensors": "weights",
    ".tar": "weights",
    ".pkl": "weights",
    ".nc": "data",
    ".npy": "data",
    ".npz": "data",
    ".mat": "data",
}
"""Suffixes of files that do not belong in a plugin, and what they hold."""

LARGEST_BINARY_BYTES = 10**6

_FIXTURES = {"test_resources", "data_packaging"}

_STORAGE = {
    "weights": "Upload it to Brain-Score's storage, and load it with load_weight_file.",
    "data": "Package it, upload it to Brain-Score's storage, and load it with load_assembly_from_s3.",
}
_ROOT = "Put everything into one folder <name>/ with models/<plugin>/, benchmarks/<plugin>/ or data/<plugin>/ in it."
_AS_UTF8 = "Save it as UTF-8: Brain-Score reads it so, and every load of a plugin breaks on another coding."
_FOLDER_NAME = re.compile(r"[A-Za-z0-9][\w-]*", re.ASCII)


def check_archive(opened: Opened, form: Form) -> Found:
    """Judge the zip as the website does, and the number and size of what is submitted."""
    submission = opened.submission
    problems: list[Problem] = []
    if not submission.plugins:
        problems.append(("it holds no plugin", _ROOT))
    if opened.entries is not None:
        problems += _entries(opened.entries)
    other = "Export again, or check what you submit by its own path."
    problems += [(f"{file} differs between the folder and the zip", other) for file in opened.other_than_zip]
    identifiers = [identifier for plugin in submission.plugins for identifier in plugin.identifiers]
    if form == "website":
        advice = "Divide the submission, or send a pull request (--form pull-request)."
        if len(identifiers) > WEBSITE_PLUGINS:
            problems.append((f"{len(identifiers)} identifiers, the website takes {WEBSITE_PLUGINS}", advice))
        if opened.n_bytes > WEBSITE_BYTES:
            text = f"{opened.n_bytes / 1e6:.1f} MB, the website takes {WEBSITE_BYTES / 1e6:.0f} MB"
            problems.append((text, f"Keep weights and data out of it. {advice}"))
    notes = [
        (f"{file} belongs to no plugin", "Remove it: a submission holds nothing but plugins.") for file in opened.loose
    ]
    what = "a folder" if opened.entries is None else "a zip"
    passed = f"{what} of {opened.n_bytes / 1000:.1f} kB, {counted(identifiers)}"
    return judged("archive", submission.name, passed, problems, notes)


def _entries(entries: tuple[str, ...]) -> Iterator[Problem]:
    """Tell what the website's reader of zips would stumble over."""
    roots = sorted({PurePosixPath(entry).parts[0] for entry in entries if PurePosixPath(entry).parts})
    shown = [root for root in roots if not root.startswith((".", "_"))]
    if len(shown) != 1 or set(shown) & set(REGISTRIES):
        yield f"{len(shown)} folders or files at the root ({', '.join(shown[:5])})", _ROOT
    if litter := [root for root in roots if root not in shown]:
        yield (
            f"{', '.join(litter)} at the root",
            f"Zip without what the machine adds: zip -r name.zip name -x '{litter[0]}/*'.",
        )
    if not any(entry.endswith("/") for entry in entries):
        yield (
            "no entries for folders, by which the website finds plugins",
            "Zip the folder itself: zip -r name.zip name (without -D), or use `submit export`.",
        )


def check_layout(plugin: Plugin, opened: Opened) -> Found:
    """Judge a plugin's folder: its name, its ``__init__.py``, and whether the library has one of that name."""
    problems: list[Problem] = []
    if "__init__.py" not in plugin.files:
        problems.append(("no __init__.py", "Write one, with the registrations."))
    if plugin.name.startswith((".", "_")):
        problems.append(("Brain-Score skips folders that begin with . or _", "Give the folder another name."))
    elif not _FOLDER_NAME.fullmatch(plugin.name):
        problems.append((f"the folder's name {plugin.name!r}", "Use letters, digits, _ and - only: it is imported."))
    there = library() / plugin.type / plugin.name
    own = opened.folders.get(label(plugin))
    if there.is_dir() and (own is None or own.resolve() != there.resolve()):
        problems.append(
            (
                f"the library has a folder {plugin.type}/{plugin.name}",
                "Choose another name for the folder: yours would replace that plugin.",
            )
        )
    return judged("layout", label(plugin), f"{len(plugin.files)} files", problems)


def check_syntax(plugin: Plugin, opened: Opened) -> Found:
    """Compile every Python file."""
    problems = []
    for file, content in plugin.files.items():
        if not file.endswith(".py"):
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if file == "__init__.py":
                    content.decode("utf-8")
                compile(content, file, "exec", dont_inherit=True)
        except UnicodeDecodeError as error:
            line_number = content.count(b"\n", 0, error.start) + 1
            problems.append((f"{file}, line {line_number} is not UTF-8", _AS_UTF8))
        except UNREADABLE as error:
            line = f", line {error.lineno}" if isinstance(error, SyntaxError) and error.lineno else ""
            text = error.msg if isinstance(error, SyntaxError) else str(error) or type(error).__name__
            problems.append((f"{file}{line}: {text}", "Correct it for Python 3.11, which Brain-Score runs."))
    number = sum(file.endswith(".py") for file in plugin.files)
    return judged("syntax", label(plugin), f"{number} Python files compile", problems)


def modules(plugin: Plugin) -> dict[str, ast.Module]:
    """Parse a plugin's Python files, those left out that cannot be (`check_syntax` names them)."""
    found = {}
    for file, content in plugin.files.items():
        if file.endswith(".py"):
            with contextlib.suppress(*UNREADABLE):
                found[file] = parsed(content)
    return found


def check_tests(plugin: Plugin, opened: Opened) -> Found:
    """Judge the tests' file names, which Brain-Score's scripts take in one form only."""
    problems: list[Problem] = []
    notes: list[Problem] = []
    names = [PurePosixPath(file) for file in plugin.files]
    if "test.py" not in plugin.files:
        others = [str(name) for name in names if re.match(r"test.*\.py", name.name)]
        instead = f" ({', '.join(others)} is never run)" if others else ""
        problems.append((f"no test.py{instead}", "Write test.py: Brain-Score runs exactly that file."))
    nested = [str(name) for name in names if len(name.parts) > 1 and re.match(r"test.*\.py$", name.name)]
    if nested:
        advice = "Rename it or put it into test.py: Brain-Score's scripts refuse files test*.py in subfolders."
        problems.append((f"{', '.join(nested)} in a subfolder", advice))
    tree = modules(plugin).get("test.py")
    functions = [
        node.name
        for node in (ast.walk(tree) if tree else ())
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")
    ]
    if not functions:
        notes.append(("test.py has no test", "Write a function test_… that loads what the plugin registers."))
    return judged("tests", label(plugin), f"{len(functions)} in test.py", problems, notes)


def check_files(plugin: Plugin, opened: Opened) -> Found:
    """Find weights, data and large binary files, hidden files, and a conda environment that will not do."""
    problems: list[Problem] = []
    notes: list[Problem] = []
    for file, content in plugin.files.items():
        path = PurePosixPath(file)
        kind = KEPT_ELSEWHERE.get(path.suffix.lower())
        if kind == "data" and _FIXTURES & set(path.parts) and len(content) <= LARGEST_BINARY_BYTES:
            notes.append((f"{file} holds data ({len(content) / 1e6:.1f} MB)", "See that what loads it is a test only."))
        elif kind:
            problems.append((f"{file} holds {kind} ({len(content) / 1e6:.1f} MB)", _STORAGE[kind]))
        elif len(content) > LARGEST_BINARY_BYTES and _is_binary(content):
            problems.append(
                (f"{file} is binary and has {len(content) / 1e6:.1f} MB", "Load it from Brain-Score's storage.")
            )
        if any(part.startswith(".") for part in path.parts):
            notes.append((f"{file} is hidden", "Remove it, unless the plugin needs it."))
    if "environment.yml" in plugin.files:
        problems += _environment(plugin.files["environment.yml"])
    size = sum(map(len, plugin.files.values())) / 1000
    return judged("files", label(plugin), f"{size:.1f} kB, no weights or data", problems, notes)


def _is_binary(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return b"\0" in content


def _environment(content: bytes) -> Iterator[Problem]:
    """Judge an ``environment.yml`` by Brain-Score's own validation."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from brainscore_core.plugin_management.test_plugins import PluginTestRunner

    advice = 'Leave "name" and other Pythons than 3.11 out of environment.yml.'
    with tempfile.TemporaryDirectory(prefix="brainscore-environment-") as folder:
        Path(folder, "environment.yml").write_bytes(content)
        try:
            PluginTestRunner._validate_environment_yml(SimpleNamespace(plugin_directory=Path(folder)))
        except AssertionError as error:
            yield f"environment.yml: {str(error).strip() or 'another Python than 3.11'}", advice
        # A document that its code did not think of breaks it in any way; so it would there.
        except Exception as error:
            yield f"environment.yml: {' '.join(str(error).split()) or type(error).__name__}", advice
