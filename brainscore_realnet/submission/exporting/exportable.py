"""What the export of models and of benchmarks gives to the export as a whole."""

from dataclasses import dataclass
from pathlib import Path

from brainscore_realnet.submission.layout import Plugin
from brainscore_realnet.submission.uploads import Upload


@dataclass(frozen=True)
class Exportable:
    """A plugin, and the files that it needs in Brain-Score's storage."""

    plugin: Plugin
    files: tuple[tuple[Upload, Path], ...] = ()
    """Each with where it lies now."""
    notes: tuple[str, ...] = ()
    """Sentences for whoever submits it."""
