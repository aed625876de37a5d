import ast
from pathlib import Path

import pytest

import brainscore_realnet

PACKAGE = Path(brainscore_realnet.__file__).parent
FLOOR = {
    "errors": 0,
    "store": 0,
    # Within the first floor, readers may compute, and the simulation writes what readers read.
    "rsa": 1,
    "networks": 1,
    "datasets": 1.3,
    "simulation": 1.6,
    "training": 2,
    "adapters": 3,
    "models": 4,
    "benchmarks": 4,
    "data": 4,
    "metrics": 4,
    "scoring": 5,
    "comparison": 6,
    "submission": 6,
    "cli": 7,
}
KNOW_NO_BRAINSCORE = {folder for folder, floor in FLOOR.items() if floor <= 2}


def imported_modules(path: Path) -> list[str]:
    nodes = list(ast.walk(ast.parse(path.read_text())))
    plain = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return plain + [node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.level == 0]


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_downwards_only(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    if parts == ("__init__",):
        return
    here = parts[0]
    for module in imported_modules(path):
        package, _, rest = module.partition(".")
        if package == "brainscore_realnet" and rest:
            there = rest.partition(".")[0]
            assert FLOOR[there] < FLOOR[here] or there in (here, "errors"), module
        if here in KNOW_NO_BRAINSCORE:
            assert not package.startswith("brainscore_") or package == "brainscore_realnet", module


def test_every_folder_has_a_floor():
    folders = {path.name for path in PACKAGE.iterdir() if path.is_dir() and not path.name.startswith("_")}
    assert folders <= set(FLOOR)
