"""``brainscore submit export``: a submission to Brain-Score, as a folder with all that has to be uploaded."""

import shlex
import sys
import textwrap
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from brainscore_realnet.cli.table import WIDTH, laid_out, size


@dataclass(frozen=True)
class SubmitExport:
    """Write plugins of models and benchmarks that run on Brain-Score's machines, and their weights and data.

    The folder's README.md says what to do next.
    """

    out: Path
    """Folder to write: a new or an empty one, or with --replace an earlier export."""
    model: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Model with weights, such as realnet-eeg-sub01 or realnet-eeg-sub01..05; may be given several times."""
    benchmark: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Benchmark of this package, such as ThingsEEG2-rsa; may be given several times."""
    name: str | None = None
    """Name of the submission's folder and zip (default: that of its plugin)."""
    metadata: Path | None = None
    """What is to be added to the models' metadata, or changed: YAML or JSON of Brain-Score's schema 2.0, `models:`
    identifier to entry."""
    form: Literal["website", "pull-request"] = "website"
    """How it is submitted: the website takes at most five identifiers and 50 MB."""
    uploads: Path | None = None
    """uploads.json of an earlier export, with the places that Brain-Score told after the upload."""
    replace: bool = False
    """Replace an earlier export in the folder."""

    def run(self) -> None:
        """Export, and say what was written and what comes next."""
        from brainscore_realnet.comparison.selection import benchmarks_of_this_package, expand
        from brainscore_realnet.submission.exporting.benchmarks import of_wildcards_left_out
        from brainscore_realnet.submission.exporting.export import export
        from brainscore_realnet.submission.exporting.folder import README

        benchmarks = benchmarks_of_this_package(self.benchmark)
        left_out = of_wildcards_left_out(benchmarks, self.benchmark)
        if left_out:
            print(f"left out, of a layer that only models of this package have: {', '.join(left_out)}", file=sys.stderr)
        exported = export(
            expand(self.model, "model"),
            [benchmark for benchmark in benchmarks if benchmark not in left_out],
            self.out,
            form=self.form,
            name=self.name,
            uploads=self.uploads,
            metadata=self.metadata,
            replace=self.replace,
        )
        rows = [("submission", str(exported.archive), size(exported.archive.stat().st_size))]
        rows += [("to upload", str(self.out / one.local), size(one.bytes)) for one in exported.uploads]
        print(laid_out(rows))
        for note in exported.notes:
            print(textwrap.fill(note, WIDTH))
        check = f"brainscore submit check {shlex.quote(str(self.out))} --form {self.form}"
        print(f"Next: `{check}`; then see {self.out / README}.")
