"""``brainscore submit check``: whether a submission will pass."""

import json
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from brainscore_realnet.cli.table import WIDTH

if TYPE_CHECKING:
    from brainscore_realnet.submission.report import Report


@dataclass(frozen=True)
class SubmitCheck:
    """Check a submission to Brain-Score on this machine, without a network; it need not be made by this program.

    Ends with status 1 when a check failed.
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
        from brainscore_realnet.submission.check import check

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


def report_table(report: "Report") -> str:
    """Lay a report out as text of `WIDTH` columns: a row a check, what to do below it, and the counts."""
    from brainscore_realnet.submission.report import counts

    heads = ("check", "plugin", "status")
    rows = [(one.check, one.plugin, one.status, one.found, one.advice) for one in report.found]
    widths = [max(len(row[place]) for row in [heads, *rows]) for place in range(3)]
    # Long names of plugins leave no room beside them.
    indent = min(sum(widths) + 2 * len(widths), WIDTH // 2)
    lines = [f"{report.submission}, {report.form}", *_row((*heads, "found"), widths, indent)]
    for *cells, found, advice in rows:
        lines += _row((*cells, found), widths, indent)
        if advice and cells[2] != "pass":
            lines += textwrap.wrap(
                f"do: {advice}",
                WIDTH,
                initial_indent=" " * indent,
                subsequent_indent=" " * (indent + 4),
                break_on_hyphens=False,
            )
    words = {"pass": "passed", "fail": "failed", "note": "to note", "not run": "not run"}
    summary = ", ".join(f"{number} {words[status]}" for status, number in counts(report.found).items())
    return "\n".join([*lines, summary])


def _row(cells: tuple[str, ...], widths: list[int], indent: int) -> Iterator[str]:
    """Lay one row out: its text stands beside its cells, or below them where they are too long."""
    start = "  ".join(f"{cell:<{width}}" for cell, width in zip(cells[:-1], widths, strict=True))
    texts = textwrap.wrap(cells[-1], WIDTH - indent, break_on_hyphens=False) or [""]
    if len(start) + 2 > indent:
        yield start.rstrip()
    else:
        yield f"{start:<{indent}}{texts.pop(0)}".rstrip()
    yield from (" " * indent + text for text in texts)
