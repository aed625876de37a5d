"""The documented tables are those of the schema."""

import importlib.util
from pathlib import Path

from brainscore_realnet.comparison.tables.schema import TABLES

ROOT = Path(__file__).resolve().parents[2]


def test_documentation_of_the_tables_is_current():
    specification = importlib.util.spec_from_file_location("tool_schema", ROOT / "tools" / "schema.py")
    tool = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(tool)
    page = (ROOT / "docs" / "comparison.md").read_text(encoding="utf-8")
    assert page == tool.written(page), "run: python tools/schema.py"
    assert all(f"**{name}**" in page for name in TABLES)
