"""Runs pytest as a command would, and notes at each test whether it was refused the network meanwhile."""

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from .answers import n_refusals
from .guard import RECORD_VARIABLE

REFUSED = "refused"
"""Property, in the JUnit report, of a test that was refused what other machines have, and nothing else."""

_ELSEWHERE = {"network", "program"}


class _Noting:
    """Plugin of pytest."""

    def __init__(self) -> None:
        self._before = 0

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logstart(self) -> None:
        self._before = n_refusals()

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item: Any) -> Iterator[None]:
        if _network_alone(self._before) and (REFUSED, "yes") not in item.user_properties:
            item.user_properties.append((REFUSED, "yes"))
        return (yield)


def _network_alone(n_before: int) -> bool:
    """Tell whether there was a refusal since, and of nothing but the network."""
    with open(os.environ[RECORD_VARIABLE], encoding="utf-8") as file:
        kinds = {json.loads(line)["kind"] for line in file.readlines()[n_before:]}
    return bool(kinds) and kinds <= _ELSEWHERE


if __name__ == "__main__":
    raise SystemExit(int(pytest.main(sys.argv[1:], plugins=[_Noting()])))
