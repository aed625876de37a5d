import importlib.util
from pathlib import Path

import pytest

TOOL = Path(__file__).parents[2] / "tools" / "registrations.py"
spec = importlib.util.spec_from_file_location("registrations", TOOL)
registrations = importlib.util.module_from_spec(spec)
spec.loader.exec_module(registrations)


@pytest.mark.parametrize("name", registrations.FILES)
def test_written_registrations_are_current(name):
    source = (registrations.PACKAGE / name).read_text()
    assert source == registrations.updated(source, list(registrations.FILES[name]()))


def test_outdated_block_is_rewritten_and_the_rest_kept():
    source = f"before\n{registrations.BEGIN}\nold\n{registrations.END}\nafter\n"
    assert registrations.updated(source, ["new"]) == source.replace("old", "new")
