"""What pytest reports of the tests of a plugin, and the plugins of pytest that they run with."""

from importlib.metadata import entry_points
from pathlib import Path
from xml.etree import ElementTree

NO_TESTS = 5
"""Exit status of pytest when there were no tests, which Brain-Score lets pass."""

_REFUSED = "refused"
"""Property that the run gives tests during which something was refused."""

_PYTEST_PLUGINS = ("pytest-check", "pytest_check", "pytest-mock", "pytest-timeout")


class Case:
    """One test of a JUnit report."""

    def __init__(self, element: ElementTree.Element):
        wrong = [child for child in element if child.tag in ("failure", "error")]
        self.name = element.get("name", "?")
        self.skipped = any(child.tag == "skipped" for child in element)
        self.text = "\n".join(f"{child.get('message', '')}\n{child.text or ''}" for child in wrong)
        self.refused = any(one.get("name") == _REFUSED for one in element.iter("property"))
        lines = [line for child in wrong for line in (child.get("message") or child.text or "?").splitlines()]
        self.failure = (lines[0][:300] or "failed") if wrong else ""


def read_cases(path: Path) -> list[Case]:
    """Read a JUnit report."""
    # The report is pytest's own; tests can only put text into it, which pytest escapes.
    return [Case(element) for element in ElementTree.parse(path).iter("testcase")]


def plugins_of_pytest() -> list[str]:
    """Give the plugins of pytest that Brain-Score installs for tests, as far as they are here."""
    return [point.name for point in entry_points(group="pytest11") if point.dist and point.dist.name in _PYTEST_PLUGINS]
