"""``brainscore list``: identifiers."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

KINDS = {"models": ["model"], "benchmarks": ["benchmark"], "data": ["stimulus_set", "dataset"], "metrics": ["metric"]}


@dataclass(frozen=True)
class List:
    """List what can be scored, on what, and with which data."""

    what: Annotated[Literal["all", "models", "benchmarks", "data", "metrics"], tyro.conf.Positional] = "all"
    """Kind of identifiers."""
    upstream: bool = False
    """Also list what the installed Brain-Score registers."""

    def run(self) -> None:
        """Print one identifier a line, under a heading when there are several kinds."""
        from brainscore_realnet.scoring.identifiers import package_identifiers, upstream_identifiers

        chosen = list(KINDS) if self.what == "all" else [self.what]
        for name in chosen:
            if len(chosen) > 1:
                print(f"{name}:")
            for kind in KINDS[name]:
                for identifier in [*package_identifiers(kind), *(upstream_identifiers(kind) if self.upstream else [])]:
                    print(f"  {identifier}" if len(chosen) > 1 else identifier)
