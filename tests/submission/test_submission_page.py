import re
from pathlib import Path

from brainscore_realnet.submission import checking
from brainscore_realnet.submission.checking.check import OF_PLUGINS, OF_SUBMISSIONS

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "submission.md").read_text()
CHECKING = Path(checking.__file__).parent


def names_in_table(heading: str) -> set[str]:
    table = PAGE.partition(heading)[2].partition("\n\n")[0]
    return set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))


def test_every_check_by_text_has_a_line_on_the_page():
    assert names_in_table("| check | what Brain-Score does |") == {*OF_SUBMISSIONS, *OF_PLUGINS}


def test_every_check_by_running_has_a_line_on_the_page():
    asked = [re.findall(r'\bask\(\s*"([^"]+)"', path.read_text()) for path in (CHECKING / "probes").glob("*.py")]
    running = (CHECKING / "running.py").read_text()
    tested = re.findall(r'_tested\("([^"]+)"', running)
    refused = re.findall(r'^    "([^"]+)": "no', running, re.MULTILINE)
    assert len(tested) == 2
    assert len(refused) == 4
    assert names_in_table("| check | what is done |") == {*set().union(*asked), *tested, *refused}
