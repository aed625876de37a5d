"""Whether the modules and files that a plugin's code names will be there on Brain-Score's machines."""

import ast
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from packaging.utils import canonicalize_name

from brainscore_realnet.submission.checking.reading import Opened, label
from brainscore_realnet.submission.checking.registrations import written
from brainscore_realnet.submission.checking.report import Found, Problem, judged
from brainscore_realnet.submission.checking.requirements import (
    TRAVELS,
    UNRELATED,
    distributions,
    given,
    installed,
    is_address,
    lines_of,
    of_setup,
    readable,
)
from brainscore_realnet.submission.checking.scan import KEPT_ELSEWHERE, modules
from brainscore_realnet.submission.layout import Plugin

REFUSED_IMPORTS = {"brainscore_realnet": TRAVELS, "brainio": UNRELATED}
"""Top-level modules that no plugin may import, and what to do."""

_ENTRIES = ("__init__.py", "model.py", "test.py")
_DECLARE = "Add its distribution to requirements.txt, or do without it."
# A path with a letter, digit or point before it is part of an address.
_HOME = r"(?<![\w.:/])(?:/home/\w|/Users/\w|/root/|[A-Za-z]:\\{1,2}\w[\w ]*\\)"
# What else begins with / may be a key or part of an address, unless it is the whole string and names a disk or a file.
_DISKS = "Volumes|content|data|gpfs|kaggle|lustre|media|mnt|n|net|nfs|scratch|users|workspace"
_KEPT = "|".join(map(re.escape, KEPT_ELSEWHERE))
_MACHINE_PATH = re.compile(rf"{_HOME}|\A(?:/(?:{_DISKS})/\w|(?:/\w[^/:]*){{2,}}(?:{_KEPT})\Z|~/\w|[A-Za-z]:[\\/]\w)")
_NEVER_TRUE = {"TYPE_CHECKING", "typing.TYPE_CHECKING", "__name__ == '__main__'"}
_IMPORT_ERRORS = re.compile(r"\b(ImportError|ModuleNotFoundError|Exception)\b")


def check_imports(plugin: Plugin, opened: Opened) -> Found:
    """Judge the imports of the files that Brain-Score runs: those of ``__init__.py``, ``model.py``, ``test.py`` on."""
    trees = modules(plugin)
    run = reached(trees)
    declared: set[str] = {canonicalize_name(one.name) for one in readable(plugin)}
    unsure = _may_bring_more(plugin)
    problems: list[Problem] = []
    notes: list[Problem] = []
    for file in sorted(run):
        for node in _imports(trees[file]):
            where = f"{file}, line {node.lineno}"
            if isinstance(node, ast.ImportFrom) and node.level:
                if (missing := _missing(plugin, file, node)) is not None:
                    problems.append((f"{where}: {missing} is not in the plugin", "Put the module into the plugin."))
                continue
            for module in _top_level(node):
                kind, text, advice = _judge(module, declared, unsure, plugin)
                target = {"fail": problems, "note": notes}.get(kind)
                if target is not None:
                    target.append((f"{where}: {text}", advice))
    return judged("imports", label(plugin), f"those of {len(run)} files can be had", problems, notes)


def _judge(module: str, declared: set[str], unsure: bool, plugin: Plugin) -> tuple[str, str, str]:
    """Give the status of one top-level module, what to tell and what to do."""
    names = {canonicalize_name(one) for one in (module, *distributions().get(module, ()))}
    own = f"{module}.py" in plugin.files or any(file.startswith(f"{module}/") for file in plugin.files)
    if module in REFUSED_IMPORTS:
        return "fail", f"{module} is imported", REFUSED_IMPORTS[module]
    if module in sys.stdlib_module_names or names & (given() | declared):
        return "pass", "", ""
    if own:
        # A plugin that adds its folder to the path finds its own modules, and those of others by these names.
        status = "note" if any(b"sys.path" in content for content in plugin.files.values()) else "fail"
        return status, f"{module} is the plugin's own", f"Import it relatively: from .{module} import …"
    if module in distributions():
        return "note", f"{module} is installed here, but neither Brain-Score nor requirements.txt asks for it", _DECLARE
    if unsure:
        return "note", f"{module} may come with what the plugin installs; it is not installed here", "See that it does."
    return "fail", f"{module} comes neither with Brain-Score nor with requirements.txt", _DECLARE


def _may_bring_more(plugin: Plugin) -> bool:
    """Say whether something is to be installed of which it cannot be told here what modules it brings."""
    if "environment.yml" in plugin.files or ("setup.py" in plugin.files and of_setup(plugin) is None):
        return True
    unknown = any(canonicalize_name(one.name) not in installed() for one in readable(plugin))
    return unknown or any(is_address(line) for line in lines_of(plugin))


def reached(trees: Mapping[str, ast.Module]) -> set[str]:
    """Give the files that are run, following relative imports from those that Brain-Score opens."""
    found: set[str] = set()
    waiting = [file for file in _ENTRIES if file in trees]
    while waiting:
        file = waiting.pop()
        if file in found:
            continue
        found.add(file)
        for node in _imports(trees[file], attempted=True):
            if isinstance(node, ast.ImportFrom) and node.level:
                folder = _folder(file, node.level)
                names = [node.module] if node.module else []
                names += [".".join(filter(None, (node.module, alias.name))) for alias in node.names]
                for name in names:
                    path = "/".join([*folder, *name.split(".")])
                    waiting += [one for one in (f"{path}.py", f"{path}/__init__.py") if one in trees]
    return found


def _folder(file: str, level: int) -> tuple[str, ...]:
    parts = PurePosixPath(file).parent.parts
    return parts[: len(parts) - level + 1] if level <= len(parts) + 1 else ("..",)


def _missing(plugin: Plugin, file: str, node: ast.ImportFrom) -> str | None:
    """Give the module of a relative import that the plugin lacks, or None."""
    if not node.module or node.level > len(PurePosixPath(file).parent.parts) + 1:
        return None
    path = "/".join([*_folder(file, node.level), *node.module.split(".")])
    # A folder without __init__.py can be imported from as well.
    there = any(one.startswith((f"{path}.", f"{path}/")) for one in plugin.files)
    return None if there else "." * node.level + node.module


def _imports(tree: ast.Module, *, attempted: bool = False) -> Iterator[ast.Import | ast.ImportFrom]:
    """Give a module's imports, those left out that are never made and, unless `attempted`, those that may fail."""
    left_out = {
        id(inner)
        for node in ast.walk(tree)
        for statement in (*_never_run(node), *([] if attempted else _may_fail(node)))
        for inner in ast.walk(statement)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom) and id(node) not in left_out:
            yield node


def _never_run(node: ast.AST) -> list[ast.stmt]:
    """Give the statements that are for tools, or for a file that is called by itself."""
    return node.body if isinstance(node, ast.If) and written(node.test) in _NEVER_TRUE else []


def _may_fail(node: ast.AST) -> list[ast.AST]:
    """Give the statements of ``try: … except ImportError: …`` and ``with suppress(ImportError): …``."""
    if isinstance(node, ast.Try) and any(_names_import_errors(handler.type) for handler in node.handlers):
        return [*node.body, *node.handlers, *node.orelse]
    if isinstance(node, ast.With) and any(
        "suppress(" in written(item.context_expr) and _names_import_errors(item.context_expr) for item in node.items
    ):
        return [*node.body]
    return []


def _names_import_errors(caught: ast.expr | None) -> bool:
    return caught is None or _IMPORT_ERRORS.search(written(caught)) is not None


def _top_level(node: ast.Import | ast.ImportFrom) -> list[str]:
    names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [str(node.module)]
    return [name.partition(".")[0] for name in names]


def check_paths(plugin: Plugin, opened: Opened) -> Found:
    """Find paths of one machine in strings of the code; docstrings may name them, and files that nothing runs."""
    trees = modules(plugin)
    run = reached(trees)
    advice = "Load files relatively to __file__, or from the storage."
    told: dict[bool, list[Problem]] = {True: [], False: []}
    for file, tree in trees.items():
        for line, text in _strings(tree):
            if _MACHINE_PATH.search(text):
                told[file in run].append((f"{file}, line {line}: {text[:60]!r}", advice))
    return judged("paths", label(plugin), "no path of one machine", told[True], told[False])


def _strings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Give a module's strings and their lines, but for docstrings, keys, and what stands behind other text."""
    others = {id(inner) for node in ast.walk(tree) for inner in _no_paths(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in others:
            yield node.lineno, node.value


def _no_paths(node: ast.AST) -> list[ast.expr]:
    """Give what in a node is no path, whatever it looks like: ``"…"`` alone, ``x["…"]``, ``x + "…"``, ``f"{x}…"``."""
    match node:
        case ast.Expr(value=inner) | ast.Subscript(slice=inner) | ast.BinOp(op=ast.Add(), right=inner):
            return [inner]
        case ast.JoinedStr(values=values):
            return values[1:]
    return []
