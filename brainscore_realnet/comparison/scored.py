"""One model's score on one benchmark, with all that statistics and figures need of it, as a file."""

import io
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.errors import BadFileError, BadInputError
from brainscore_realnet.scoring.record import as_record
from brainscore_realnet.store.atomic import atomic_file

ARRAYS = ("part_draws", "model_rdms", "neural_rdms")
"""Attributes of a score that are kept as float32 arrays beside its record."""


@dataclass(frozen=True, eq=False)
class Scored:
    """What a benchmark of this package says of a model.

    A condition is a time point (EEG) or a region of interest (fMRI). A part is what raw is the mean of: an area of the
    model, averaged over the window (EEG), or a region (fMRI).
    """

    record: dict[str, Any]
    """As `scoring.record.as_record` gives it"""
    part_draws: NDArray[np.float32]
    """(n_draws, n_subjects, n_parts) similarities in bootstrap samples of the stimuli, the same ones for every model of
    a benchmark; n_draws is 0 where they are undefined"""
    model_rdms: NDArray[np.float32]
    """(n_areas, n_pairs) upper triangles"""
    neural_rdms: NDArray[np.float32]
    """(n_recordings, n_pairs) the same of the recordings, mean over subjects"""
    recordings: tuple[str, ...]
    """What `neural_rdms` are of: ``mean over the window``, or regions"""

    @property
    def model(self) -> str:
        """Identifier of the model."""
        return self.record["model"]

    @property
    def benchmark(self) -> str:
        """Identifier of the benchmark."""
        return self.record["benchmark"]

    @property
    def trained_on(self) -> dict[str, str]:
        """``dataset`` and ``subject`` that the model was trained on, so far as they are known."""
        origin = self.record["provenance"]["model"]["origin"]
        return (origin.get("trained_on") or {}) if isinstance(origin, dict) else {}

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """(n_subjects, n_areas, n_conditions) similarities."""
        return np.array(self.record["values"]["data"], dtype=np.float64)

    @cached_property
    def scored_values(self) -> NDArray[np.float64]:
        """(n_subjects, n_conditions) similarities after the choice of, or mean over, the model's areas."""
        return np.array(self.record["scored_values"]["data"], dtype=np.float64)

    @cached_property
    def part_values(self) -> NDArray[np.float64]:
        """(n_subjects, n_parts) similarities that raw is the mean of."""
        in_window = self.record["in_window"]
        return self.scored_values if in_window is None else self.values[..., in_window].mean(axis=-1)

    @classmethod
    def of(cls, score: Any) -> "Scored":
        """Take what is needed from a Score of `scoring.score`.

        Raises
        ------
        BadInputError
            The benchmark is none of this package's.
        """
        if not all(name in score.attrs for name in ARRAYS):
            raise BadInputError(
                f"Got the benchmark {score.attrs['benchmark_identifier']}, which gives a score alone: expected one of "
                "this package's (`brainscore list benchmarks`), which compare subject by subject. Leave it away."
            )
        record = json.loads(json.dumps(as_record(score), allow_nan=False))
        arrays = {name: np.asarray(score.attrs[name].values, dtype=np.float32) for name in ARRAYS}
        return cls(record, **arrays, recordings=tuple(score.attrs["neural_rdms"]["recordings"].values.tolist()))

    def save(self, path: Path) -> None:
        """Write an ``.npz``, whole or not at all; raises StoreError."""
        content = io.BytesIO()
        text = json.dumps({"record": self.record, "recordings": self.recordings}, allow_nan=False)
        np.savez_compressed(content, text=np.array(text), **{name: getattr(self, name) for name in ARRAYS})
        with atomic_file(path) as part:
            part.write_bytes(content.getvalue())

    @classmethod
    def load(cls, path: Path) -> "Scored":
        """Read what `save` wrote.

        Raises
        ------
        BadFileError
            It is not such a file, or not all of it.
        """
        try:
            with np.load(path, allow_pickle=False) as found:
                text = json.loads(str(found["text"]))
                arrays = {name: found[name] for name in ARRAYS}
            return cls(text["record"], **arrays, recordings=tuple(text["recordings"]))
        except Exception as error:
            raise BadFileError(
                f"Got {path}, which cannot be read ({type(error).__name__}: {error}): expected a score as a comparison "
                "keeps it. Delete the file; it is made again."
            ) from error
