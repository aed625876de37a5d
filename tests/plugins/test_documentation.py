"""Whatever this package registers is named in the documentation."""

import re
from pathlib import Path

import pytest

from brainscore_realnet.scoring.identifiers import package_identifiers

DOCS = Path(__file__).parents[2] / "docs"
PAGE_AND_FAMILY_OF = {
    "model": ("models.md", r"(.+-sub01)(-\w+)"),
    "benchmark": ("benchmarks.md", r"(\w+)(\.\w+)-rsa"),
    "dataset": ("data.md", r"(.+)(_[\w-]+)"),
    "stimulus_set": ("data.md", r"(.+)(_[\w-]+)"),
    "metric": ("benchmarks.md", r"(?!)"),
}
"""Where a kind is documented, and how an identifier splits into the name that begins a row and the row's ending."""


def is_named(identifier, spans, family):
    """Whether a page's code spans name an identifier in full, or by its family's row: subjects by the first one."""
    identifier = re.sub(r"(?<=sub)\d\d", "01", identifier)
    if "Sim…" in spans and is_named(identifier.removeprefix("Sim"), spans - {"Sim…"}, family):
        return True
    parts = re.fullmatch(family, identifier)
    return identifier in spans or (
        parts is not None
        and any(span.startswith(parts[1]) for span in spans)
        and any(span.endswith((parts[2], f"{parts[2]}-rsa")) for span in spans)
    )


@pytest.mark.parametrize("kind", PAGE_AND_FAMILY_OF)
def test_every_identifier_is_documented(kind):
    page, family = PAGE_AND_FAMILY_OF[kind]
    spans = set(re.findall(r"`([^`\n]+)`", (DOCS / page).read_text()))
    assert not [name for name in package_identifiers(kind) if not is_named(name, spans, family)]


@pytest.mark.parametrize(
    "identifier", [name for name in package_identifiers("benchmark") if "." not in name and not name.startswith("Sim")]
)
def test_headline_is_documented_literally(identifier):
    assert f"`{identifier}`" in (DOCS / "benchmarks.md").read_text()


@pytest.mark.parametrize(
    ("identifier", "named"),
    [
        ("Shen2019.V2-rsa", True),
        ("SimShen2019.sub03-rsa", True),
        ("Shen2019.V7-rsa", False),
        ("Other2020.V2-rsa", False),
        ("Shen2019faces-rsa", False),
    ],
)
def test_new_families_and_parts_would_be_missed(identifier, named):
    spans = {"Shen2019-rsa", "Shen2019.V1-rsa", ".V2", "Shen2019.sub01-rsa", "Sim…"}
    assert is_named(identifier, spans, PAGE_AND_FAMILY_OF["benchmark"][1]) is named
