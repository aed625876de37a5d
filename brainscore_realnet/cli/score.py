"""``brainscore score``: one model on one benchmark."""

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from brainscore_realnet.cli.options import BenchmarkOptions
from brainscore_realnet.cli.table import duration, score_table
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store.atomic import require_writable, write_json

ASK_ABOVE_SECONDS = 300.0
"""Work that is estimated to take longer waits for ``--yes``."""


@dataclass(frozen=True)
class Score:
    """Score a model on a benchmark."""

    model: str
    """Identifier of the model, of this package or of Brain-Score; `brainscore list models` shows them."""
    benchmark: str
    """Identifier of the benchmark; `brainscore list benchmarks` shows them."""
    json: Path | None = None
    """Also write everything (values, ceilings, provenance) to this file."""
    device: str | None = None
    """Torch device such as cpu or cuda:0; default: a GPU when there is one."""
    options: BenchmarkOptions = field(default_factory=BenchmarkOptions)
    yes: bool = False
    """Do not ask before work that takes minutes."""

    def run(self) -> None:
        """Score, print the table and write the record."""
        from brainscore_realnet.scoring import score
        from brainscore_realnet.scoring.identifiers import require_identifier
        from brainscore_realnet.scoring.record import as_record

        require_identifier("model", self.model)
        if self.json is not None:
            require_writable(self.json)
        benchmark = self.options.benchmark(self.benchmark)
        confirm_neural_rdms(benchmark, self.yes)
        record = as_record(score(self.model, benchmark, device=self.device))
        print(score_table(record))
        if self.json is not None:
            write_json(self.json, record)
            print(f"Written to {self.json}")


def confirm_neural_rdms(benchmark: Any, yes: bool) -> None:
    """Raise unless the neural RDMs are there, quickly made, or wanted with ``--yes``."""
    if not hasattr(benchmark, "missing_seconds"):
        return
    benchmark.require_data()
    seconds = benchmark.missing_seconds()
    if seconds > ASK_ABOVE_SECONDS and not yes:
        raise BadInputError(
            f"The neural RDMs of {benchmark.identifier} are not computed yet and will take about "
            f"{duration(seconds)} on this machine, once; each time point is kept. Run the same command with --yes "
            "to go ahead."
        )
    if seconds > 1:
        print(f"neural RDMs to compute: about {duration(seconds)}", file=sys.stderr)
