"""Whether Brain-Score will find what a plugin registers: it reads ``__init__.py`` as text, line by line.

>>> model_registry["sim-x"] = lambda: …          # found
>>> for one in ("sim-x", "sim-y"):
...     model_registry[one] = lambda: …          # not found
>>> # model_registry["sim-old"] = lambda: …      # found, although nothing registers it
"""

import ast
import contextlib
import io
import re
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from brainscore_realnet.submission.checking.reading import Opened, label
from brainscore_realnet.submission.checking.report import Found, Problem, judged
from brainscore_realnet.submission.layout import REGISTRIES, Plugin

_ALL = {registry: plugin_type for plugin_type, registries in REGISTRIES.items() for registry in registries}
_CORRECT = 'Write one line for each identifier in __init__.py: registry["identifier"] = lambda: …'
_READERS = {"len", "list", "print", "set", "sorted"}

UNREADABLE = (KeyError, SyntaxError, ValueError, RecursionError, MemoryError)
"""What reading a plugin's file as Python raises where that is missing or no Python."""


@dataclass(frozen=True)
class Registration:
    """One identifier and where its line stands."""

    registry: str
    identifier: str
    line: int


def parsed(content: bytes) -> ast.Module:
    """Parse a file's code quietly; raises what `UNREADABLE` names."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(content)


def written(node: ast.AST) -> str:
    """Give a node's code; points where it is nested too deeply, or a number too long, to be written."""
    try:
        return ast.unparse(node)
    except (RecursionError, ValueError):
        return "…"


def registered(plugin: Plugin, file: str = "__init__.py") -> tuple[list[Registration], list[Problem]]:
    """Read the registrations that a file's code makes, and the uses of a registry that a text scan cannot follow.

    Raises
    ------
    KeyError
        There is no such file.
    SyntaxError, ValueError, RecursionError, MemoryError
        The file is no Python.
    """
    found: list[Registration] = []
    problems: list[Problem] = []
    content = plugin.files[file]
    if file == "__init__.py":
        content.decode("utf-8")  # Brain-Score opens it so, whatever coding the file declares
    tree = parsed(content)
    names = _names_of_registries(tree)
    accounted: set[ast.AST] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Subscript) and (registry := _registry(node.value, names)):
            accounted.add(node.value)
            if not isinstance(node.ctx, ast.Store):
                continue
            if isinstance(node.slice, ast.Constant) and isinstance(node.slice.value, str):
                found.append(Registration(registry, node.slice.value, node.lineno))
            else:
                problems.append(
                    (f"{file}, line {node.lineno}: {registry}[{written(node.slice)[:60]}] is no literal", _CORRECT)
                )
        elif isinstance(node, ast.Compare):
            accounted.update(node.comparators)
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") in _READERS:
            accounted.update(node.args)
    problems += [
        (f'{file}, line {node.lineno}: {registry} is changed or handed on otherwise than by ["…"] = …', _CORRECT)
        for node in ast.walk(tree)
        if isinstance(node, ast.Name | ast.Attribute)
        and node not in accounted
        and isinstance(node.ctx, ast.Load)
        and (registry := _registry(node, names))
    ]
    return found, problems


def _names_of_registries(tree: ast.Module) -> dict[str, str]:
    """Give the names by which a module knows registries."""
    return {
        alias.asname or alias.name: alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
        if alias.name in _ALL
    }


def _registry(node: ast.expr, names: dict[str, str]) -> str | None:
    if isinstance(node, ast.Name):
        return names.get(node.id)
    return node.attr if isinstance(node, ast.Attribute) and node.attr in _ALL else None


def scanned(text: str, plugin_type: str) -> list[Registration]:
    """Find what Brain-Score's text scan finds in an ``__init__.py``, comments and docstrings included."""
    return [
        Registration(registry, identifier, number)
        for number, line in enumerate(io.StringIO(text, newline=None), 1)
        for registry in REGISTRIES[plugin_type]
        for identifier in re.findall(rf"\b{registry}\['([^']*)'\]", line.replace('"', "'"))
    ]


def check_registrations(plugin: Plugin, opened: Opened) -> Found:
    """Compare what the text scan finds with what the code registers."""
    try:
        found, problems = registered(plugin)
    except UNREADABLE:
        return Found("registrations", label(plugin), "not run", "there is no __init__.py that can be read")
    text = scanned(text_of(plugin), plugin.type)
    problems += _misplaced(plugin, found)
    for one in found:
        if one.registry in REGISTRIES[plugin.type] and not any(
            (other.registry, other.identifier) == (one.registry, one.identifier) for other in text
        ):
            problems.append(
                (f"line {one.line}: {one.registry}[{one.identifier!r}] is not found by the text scan", _CORRECT)
            )
    known = {(one.registry, one.identifier) for one in found}
    for one in text:
        if (one.registry, one.identifier) not in known:
            problems.append(
                (
                    f"line {one.line}: {one.registry}['{one.identifier}'] is found by the text scan, but nothing "
                    "registers it",
                    "Remove the comment, or write the docstring otherwise: Brain-Score would try to load it.",
                )
            )
    if not found and not problems:
        problems.append((f"nothing registers in {' or '.join(REGISTRIES[plugin.type])}", _CORRECT))
    return judged("registrations", label(plugin), counted([one.identifier for one in found]), problems)


def _misplaced(plugin: Plugin, found: list[Registration]) -> Iterator[Problem]:
    """Tell of registrations in a folder of another type, and of those in other files than ``__init__.py``."""
    for one in found:
        if one.registry not in REGISTRIES[plugin.type]:
            yield (
                f"line {one.line}: {one.registry} in a plugin of {plugin.type}",
                f"Brain-Score looks for it in {_ALL[one.registry]}/ only: make a plugin there.",
            )
    for file in plugin.files:
        name = file.rpartition("/")[2]
        if file == "__init__.py" or not name.endswith(".py") or name.startswith("test"):
            continue
        try:
            elsewhere, uses = registered(plugin, file)
        except UNREADABLE:
            continue
        if elsewhere or uses:
            yield f"{file} registers too, where the text scan does not look", _CORRECT


def check_parser(plugin: Plugin, opened: Opened) -> Found:
    """Compare what Brain-Score's own parser of changed plugins reads with what the code registers."""
    try:
        found, _ = registered(plugin)
    except UNREADABLE:
        return Found("parser", label(plugin), "not run", "there is no __init__.py that can be read")
    main = REGISTRIES[plugin.type][0]
    expected = Counter(one.identifier for one in found if one.registry == main)
    advice = 'Write registry["identifier"] on one line, with no other ] after it on that line, comments included.'
    once = 'Write registry["identifier"] where it is registered only: Brain-Score would score it twice.'
    try:
        read = Counter(_parsed_by_upstream(plugin))
    except AttributeError:
        problem = f"Brain-Score's parser breaks on a line with {main}[ that has no ]"
        return judged("parser", label(plugin), "", [(problem, advice)])
    lines = {one.line for one in found}
    again = {
        one.identifier: f" in line {one.line}"
        for one in scanned(text_of(plugin), plugin.type)
        if one.registry == main and one.line not in lines
    }
    problems = [
        (f"reads {identifier!r} again{again.get(identifier, '')}", once)
        if identifier in expected
        else (f"reads {identifier!r}, which is not registered", advice)
        for identifier in read - expected
    ]
    problems += [(f"does not read {identifier!r}", advice) for identifier in expected - read]
    return judged("parser", label(plugin), counted(sorted(read)), problems)


def _parsed_by_upstream(plugin: Plugin) -> list[str]:
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        from brainscore_core.plugin_management.parse_plugin_changes import get_plugin_ids

        with tempfile.TemporaryDirectory(prefix="brainscore-parser-") as root:
            file = Path(root, plugin.type, "plugin", "__init__.py")
            file.parent.mkdir(parents=True)
            file.write_text(text_of(plugin), errors="replace")
            return list(get_plugin_ids(plugin.type, ["plugin"], root))


def counted(identifiers: list[str]) -> str:
    """Count and name identifiers: ``1 identifier: sim-x``."""
    unique = list(dict.fromkeys(identifiers))
    named = ", ".join(unique[:3]) + (", …" if len(unique) > 3 else "")
    return f"{len(unique)} identifier{'s' * (len(unique) != 1)}{': ' * bool(unique)}{named}"


def text_of(plugin: Plugin) -> str:
    """Give the text of a plugin's ``__init__.py``; none where there is no such file."""
    return plugin.files.get("__init__.py", b"").decode("utf-8", "replace")
