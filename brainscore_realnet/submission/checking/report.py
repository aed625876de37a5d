"""What a check found: one line a check, as a table and as plain values."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, cast

Status = Literal["pass", "fail", "note", "not run"]

Problem = tuple[str, str]
"""What was got, and what to do."""

_TOLD = 5


def printable(text: str) -> str:
    """Escape what a terminal cannot show or would obey; line ends are kept."""
    return "".join(one if one.isprintable() or one == "\n" else repr(one)[1:-1] for one in text)


@dataclass(frozen=True)
class Found:
    """One check of one plugin."""

    check: str
    """What was looked at, such as `discovery`."""
    plugin: str
    """`models/realnet_eeg`, or the submission's name for what concerns all of it."""
    status: Status
    """`note`: it passes, but somebody has to see to something; `not run`: it could not be looked at here."""
    found: str
    """What was got."""
    advice: str = ""
    """What to do; always there when it failed."""

    def __post_init__(self) -> None:
        for name in ("plugin", "found", "advice"):
            object.__setattr__(self, name, printable(getattr(self, name)))


@dataclass(frozen=True)
class Report:
    """All checks of a submission."""

    submission: str
    form: str
    found: tuple[Found, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "submission", printable(self.submission))

    @property
    def passed(self) -> bool:
        """Whether nothing failed."""
        return all(one.status != "fail" for one in self.found)

    def record(self) -> dict[str, Any]:
        """Give plain values."""
        return {
            "submission": self.submission,
            "form": self.form,
            "passed": self.passed,
            "checks": [asdict(one) for one in self.found],
        }


def judged(
    check: str, plugin: str, passed: str, problems: Sequence[Problem] = (), notes: Sequence[Problem] = ()
) -> Found:
    """Make one line of a check: it fails where there are problems, else passes, with notes or without.

    Parameters
    ----------
    check, plugin : str
    passed : str
        What is told when there is neither.
    problems, notes : sequence of (str, str)
        What was got, and what to do.
    """
    for status, told in (("fail", problems), ("note", notes)):
        if told:
            got, advice = (list(dict.fromkeys(column)) for column in zip(*told, strict=True))
            more = [f"and {len(got) - _TOLD} more"] if len(got) > _TOLD else []
            return Found(check, plugin, cast(Status, status), "; ".join(got[:_TOLD] + more), " ".join(advice[:_TOLD]))
    return Found(check, plugin, "pass", passed)


def counts(found: Sequence[Found]) -> dict[str, int]:
    """Count the checks of each status that occurs."""
    return {status: n for status in Status.__args__ if (n := sum(one.status == status for one in found))}  # type: ignore[attr-defined]
