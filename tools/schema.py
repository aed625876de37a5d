"""Write the tables of a comparison into ``docs/comparison.md``, between its markers.

``python tools/schema.py`` rewrites them from ``comparison/tables/schema.py``; a test fails when they are out of date.
"""

from pathlib import Path

from brainscore_realnet.comparison.tables.schema import TABLES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "comparison.md"
BEGIN = "<!-- tables written by tools/schema.py: begin -->"
END = "<!-- tables written by tools/schema.py: end -->"


def written(page: str) -> str:
    """Give the page with the tables as the schema describes them."""
    before, _, rest = page.partition(BEGIN)
    after = rest.partition(END)[2]
    parts = [f"**{name}**\n\n| column | meaning |\n|---|---|\n{_rows(columns)}" for name, columns in TABLES.items()]
    return f"{before}{BEGIN}\n\n" + "\n\n".join(parts) + f"\n\n{END}{after}"


def _rows(columns: dict[str, str]) -> str:
    return "\n".join(f"| `{column}` | {meaning.replace('|', chr(92) + '|')} |" for column, meaning in columns.items())


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
