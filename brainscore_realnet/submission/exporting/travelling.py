"""Copies of this package's modules that run without the package: side by side, importing each other relatively."""

import ast
import re
from collections.abc import Mapping
from pathlib import Path

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store.versions import versions

PACKAGE = Path(__file__).resolve().parents[2]
_NAME = PACKAGE.name


def travelling(modules: Mapping[str, str], written: Mapping[str, str] | None = None) -> dict[str, str]:
    """Copy modules and all that they import of this package.

    Parameters
    ----------
    modules : mapping of str to str
        Module, such as ``brainscore_realnet.adapters.activations``, to the name of its copy, such as ``activations``.
    written : mapping of str to str, optional
        Module to the source that travels in the place of its own.

    Returns
    -------
    dict of str to str
        File name to source; modules that are imported only by others bear their own last name.

    Raises
    ------
    BadInputError
        A module takes something from a package's ``__init__``, whose copy would need all of the package; or two modules
        would have the same name; or an import is relative, or of a module that is not there.
    """
    written = written or {}
    names = dict(modules)
    copies: dict[str, str] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop(0)
        source = written.get(module) or _file_of(module).read_text(encoding="utf-8")
        for node in _imports_of_ours(source, module):
            for imported in _modules_of(node, module):
                if imported not in names:
                    names[imported] = imported.rpartition(".")[2]
                    waiting.append(imported)
        origin = "Written by" if module in written else f"A copy of {_file_of(module).relative_to(PACKAGE.parent)} of"
        told = f"# {origin} {_NAME} {versions()[_NAME]}, with relative imports.\n"
        copies[f"{names[module]}.py"] = told + _relative(source, module, names)
    if len(copies) < len(names):
        raise BadInputError(f"Got modules {', '.join(names)}, two of which have the same name: name their copies.")
    return dict(sorted(copies.items()))


def _imports_of_ours(source: str, module: str) -> list[ast.ImportFrom]:
    """Give the imports of this package in a module, in the order of its lines."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and any(alias.name.partition(".")[0] == _NAME for alias in node.names):
            raise BadInputError(f"{module}, line {node.lineno}: got a plain import, expected `from {_NAME}… import …`.")
        if isinstance(node, ast.ImportFrom) and node.level:
            raise BadInputError(
                f"{module}, line {node.lineno}: got a relative import, expected `from {_NAME}… import …`."
            )
        if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == _NAME:
            found.append(node)
    return sorted(found, key=lambda node: node.lineno)


def _modules_of(node: ast.ImportFrom, module: str) -> list[str]:
    """Give the modules that an import needs: the one that names are taken from, or those that are the names."""
    package = str(node.module)
    single = _file_of(package).name != "__init__.py"
    named = [package] if single else [f"{package}.{alias.name}" for alias in node.names]
    for one in named:
        if not _file_of(one).is_file() or _file_of(one).name == "__init__.py":
            raise BadInputError(
                f"{module}, line {node.lineno}: got {one}, which is no module; expected an import from the module "
                "that defines it, so that the module can travel alone."
            )
    return named


def _relative(source: str, module: str, names: Mapping[str, str]) -> str:
    """Rewrite a module's imports of this package."""
    lines = source.rstrip("\n").split("\n")  # as line numbers count, which know no other separators
    for node in _imports_of_ours(source, module):
        package = str(node.module)
        copy = names.get(package, "")
        at = node.lineno - 1
        lines[at] = re.sub(rf"from\s+{re.escape(package)}\s+import", f"from .{copy} import", lines[at], count=1)
        if not copy:
            for alias in node.names:
                wanted = names[f"{package}.{alias.name}"]
                if wanted != alias.name:
                    raise BadInputError(f"{module}: {alias.name} travels as {wanted}: import from the module instead.")
    return "\n".join(lines) + "\n"


def _file_of(module: str) -> Path:
    """Give the file of a module or package of ours, whether it is there or not."""
    path = PACKAGE.parent.joinpath(*module.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
