"""``brainscore submit check``: whether a submission will pass."""

import contextlib
import json
import signal
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, Never

import tyro

from brainscore_realnet.cli.table import WIDTH

if TYPE_CHECKING:
    from brainscore_realnet.submission.checking.report import Report


@dataclass(frozen=True)
class SubmitCheck:
    """Check a submission to Brain-Score on this machine, without a network; it need not be made by this program.

    Ends with status 1 when a check failed, and with 128 and its number after a signal.
    """

    path: Annotated[Path, tyro.conf.Positional]
    """Zip, folder of a submission, folder that `submit export` wrote, or folder of one plugin."""
    form: Literal["website", "pull-request"] = "website"
    """How it will be submitted: the website takes at most 5 identifiers and 50 MB."""
    images: int = 200
    """Images to record from each model, for time and memory; 0: no such recording."""
    weights: Path | None = None
    """Folder laid out as $BRAINSCORE_HOME, in place of the storage; default: what the export put beside PATH."""
    data: Path | None = None
    """Folder laid out as $BRAINIO_HOME, in place of the storage; default: what the export put beside PATH."""
    json: bool = False
    """Print the report as JSON in place of a table."""

    def run(self) -> None:
        """Print the report, and end with status 1 when a check failed."""
        from brainscore_realnet.submission.checking.check import check

        with _ending_in_order():
            report = check(
                self.path,
                form=self.form,
                n_images=self.images,
                weights=self.weights,
                data=self.data,
                progress=not self.json,
            )
        print(json.dumps(report.record(), indent=2, ensure_ascii=False) if self.json else report_table(report))
        if not report.passed:
            raise SystemExit(1)


@contextlib.contextmanager
def _ending_in_order() -> Iterator[None]:
    """Raise where SIGTERM and SIGHUP would end the process, so that what runs is killed and temporary files deleted."""
    numbers = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    # A signal that is ignored, as under nohup, stays so.
    before = {number: signal.getsignal(number) for number in numbers if signal.getsignal(number) is not signal.SIG_IGN}

    def end(number: int, frame: object) -> Never:
        for one in before:
            signal.signal(one, signal.SIG_IGN)
        raise SystemExit(128 + number)

    try:
        for number in before:
            signal.signal(number, end)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def report_table(report: "Report") -> str:
    """Lay a report out as text of `WIDTH` columns: the checks below their plugin, what to do below a check, counts."""
    from brainscore_realnet.submission.checking.report import counts

    names = max((len(one.check) for one in report.found), default=0)
    statuses = max((len(one.status) for one in report.found), default=0)
    indent = statuses + names + 6
    lines = [f"{report.submission}, {report.form}"]
    for plugin in dict.fromkeys(one.plugin for one in report.found):
        lines += [plugin] if plugin != report.submission else []
        for one in (one for one in report.found if one.plugin == plugin):
            lines += _wrapped(one.found, f"  {one.status:<{statuses}}  {one.check:<{names}}  ", indent)
            if one.advice and one.status != "pass":
                lines += _wrapped(f"do: {one.advice}", " " * indent, indent + 4)
    words = {"pass": "passed", "fail": "failed", "note": "to note", "not run": "not run"}
    summary = ", ".join(f"{number} {words[status]}" for status, number in counts(report.found).items())
    return "\n".join([*lines, summary])


def _wrapped(text: str, start: str, indent: int) -> list[str]:
    lines = textwrap.wrap(text, WIDTH, initial_indent=start, subsequent_indent=" " * indent, break_on_hyphens=False)
    return lines or [start.rstrip()]
