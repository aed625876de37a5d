"""Whether the leaderboard can name a reference: one entry of bibtex with author, year, and a url or doi."""

import ast
from collections.abc import Iterator

from brainscore_realnet.scoring.bibtex import problems_of_bibtex
from brainscore_realnet.submission.checking.reading import Opened, label
from brainscore_realnet.submission.checking.report import Found, Problem, judged
from brainscore_realnet.submission.checking.scan import modules
from brainscore_realnet.submission.layout import Plugin

_ADVICE = "Give one entry of bibtex with author, year, and url or doi: the leaderboard links to it."


def check_bibtex(plugin: Plugin, opened: Opened) -> Found | None:
    """Judge the bibtex of a benchmark, and whether a model has any; other plugins need none."""
    if plugin.type == "models":
        return _of_models(plugin)
    return _of_benchmarks(plugin) if plugin.type == "benchmarks" else None


def _of_models(plugin: Plugin) -> Found:
    """Look for ``get_bibtex`` in ``model.py``, where Brain-Score asks for it."""
    trees = modules(plugin)
    tree = trees.get("model.py")
    functions = [node for node in (tree.body if tree else ()) if getattr(node, "name", "") == "get_bibtex"]
    if not functions or not isinstance(functions[0], ast.FunctionDef):
        text = "no get_bibtex in model.py: the leaderboard will show no reference"
        return judged("bibtex", label(plugin), "", notes=[(text, "Write get_bibtex(identifier) in model.py.")])
    returned = [node.value for node in ast.walk(functions[0]) if isinstance(node, ast.Return) and node.value]
    constants = _constants(trees)
    texts = [known for value in returned if (known := _text(value, constants)) is not None]
    notes = [problem for known in texts for problem in _problems(known)]
    return judged("bibtex", label(plugin), "get_bibtex in model.py", notes=notes)


def _of_benchmarks(plugin: Plugin) -> Found | None:
    """Look for what is handed to ``BenchmarkBase`` as ``bibtex``, or a property or attribute of that name.

    What is computed, or read from a file, is looked at when the benchmark is run.
    """
    trees = modules(plugin)
    constants = _constants(trees)
    given = [value for tree in trees.values() for value in _given(tree)]
    texts = [text for value in given if (text := _text(value, constants)) is not None]
    unknown = [value for value in given if _text(value, constants) is None and not _is_none(value)]
    problems = [problem for text in dict.fromkeys(texts) for problem in _problems(text)]
    if not texts and not unknown:
        problems.append(("no bibtex", "Pass bibtex=… to BenchmarkBase. " + _ADVICE))
    if unknown and not problems and not texts:
        return None
    return judged("bibtex", label(plugin), f"{len(texts)} given, each with author, year and address", problems)


def _given(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield from (keyword.value for keyword in node.keywords if keyword.arg == "bibtex")
        elif isinstance(node, ast.FunctionDef) and node.name == "bibtex":
            yield from (one.value for one in ast.walk(node) if isinstance(one, ast.Return) and one.value)
        elif isinstance(node, ast.ClassDef):
            for one in node.body:
                if isinstance(one, ast.Assign) and any(getattr(target, "id", "") == "bibtex" for target in one.targets):
                    yield one.value


def _constants(trees: dict[str, ast.Module]) -> dict[str, str]:
    """Give the strings that modules of a plugin hold under a name."""
    return {
        target.id: node.value.value
        for tree in trees.values()
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _text(value: ast.expr, constants: dict[str, str]) -> str | None:
    if isinstance(value, ast.Constant) and isinstance(value.value, str):
        return value.value
    if isinstance(value, ast.Name):
        return constants.get(value.id)
    return constants.get(value.attr) if isinstance(value, ast.Attribute) else None


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None


def _problems(text: str) -> list[Problem]:
    return [(problem, _ADVICE) for problem in problems_of_bibtex(text)]
