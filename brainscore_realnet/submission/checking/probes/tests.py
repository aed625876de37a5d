"""Runs pytest as a command would, and notes at each test whether anything was refused meanwhile."""

import sys
from collections.abc import Iterator
from typing import Any

import pytest

from .answers import n_refusals

REFUSED = "refused"
"""Property of a test in the JUnit report."""


class _Noting:
    """Plugin of pytest."""

    def __init__(self) -> None:
        self._before = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        self._before = n_refusals()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any) -> Iterator[None]:
        if n_refusals() > self._before and (REFUSED, "yes") not in item.user_properties:
            item.user_properties.append((REFUSED, "yes"))
        return (yield)


if __name__ == "__main__":
    raise SystemExit(int(pytest.main(sys.argv[1:], plugins=[_Noting()])))
