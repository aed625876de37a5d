"""``brainscore submit export``: a submission to Brain-Score, as a folder with all that has to be uploaded."""

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
    """Folder to write: a new or an empty one."""
    model: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Model with weights, such as realnet-eeg-sub01 or realnet-eeg-sub01..05; may be given several times."""
    benchmark: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """Benchmark of this package, such as ThingsEEG2-rsa; may be given several times."""
    name: str | None = None
    """Name of the submission's folder and zip (default: that of its plugin)."""
    form: Literal["website", "pull-request"] = "website"
    """How it is submitted: the website takes at most five identifiers and 50 MB."""
    uploads: Path | None = None
    """uploads.json of an earlier export, with the places that Brain-Score told after the upload."""
    replace: bool = False
    """Replace an earlier export in the folder."""

    def run(self) -> None:
        """Export, and say what was written and what comes next."""
        from brainscore_realnet.comparison.selection import benchmarks_of_this_package, expand
        from brainscore_realnet.submission.exporting.export import README, export

        exported = export(
            expand(self.model, "model"),
            benchmarks_of_this_package(self.benchmark),
            self.out,
            form=self.form,
            name=self.name,
            uploads=self.uploads,
            replace=self.replace,
        )
        rows = [("submission", str(exported.archive), size(exported.archive.stat().st_size))]
        rows += [("to upload", str(self.out / one.local), size(one.bytes)) for one in exported.uploads]
        print(laid_out(rows))
        for note in exported.notes:
            print(textwrap.fill(note, WIDTH))
        print(f"Next: `brainscore submit check {self.out} --form {self.form}`; then see {self.out / README}.")
