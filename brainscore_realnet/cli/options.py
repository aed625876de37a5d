"""Options of benchmarks, for every command that takes a benchmark."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any, Literal

from brainscore_realnet.errors import BadInputError


@dataclass(frozen=True)
class BenchmarkOptions:
    """Variants of a benchmark."""

    screen: Literal["degrees", "fullfield"] | None = None
    """How stimuli are shown: at the experiment's visual angle (default) or filling the model's field of view."""
    window: tuple[float, float] | None = None
    """First and last time of an EEG score in seconds (default 0.05 0.20)."""
    course: tuple[float, float] | None = None
    """First and last time of the EEG time courses in seconds (default: the window)."""
    recordings: str | None = None
    """EEG as published (default) or as `brainscore data prepare` made it from raw EEG, such as mvnn-training-100hz."""
    area: Literal["best", "cv", "cv-subjects", "V1", "V2", "V4", "IT"] | None = None
    """Model's area that a region of fMRI is compared with: the most similar one as in the papers (default), one chosen
    on other images (cv) or on the other subjects (cv-subjects), or the one named."""
    rdm: Literal["svm", "lda", "crossnobis", "correlation"] | None = None
    """Neural dissimilarity: accuracy of a linear SVM (default for EEG) or of LDA, cross-validated Mahalanobis distance,
    or 1 - Pearson between mean responses (default for fMRI)."""
    preset: Literal["neurora-1", "neurora-2", "gifford"] | None = None
    """Decode as others do: NeuroRA 1.1.6, NeuroRA 2.0.1, or 100 half splits of pseudotrials of 4."""
    repeats: int | None = None
    """Shuffles of the trials that decoding accuracies are averaged over (default 5)."""
    pseudotrial_size: int | None = None
    """Trials averaged into one pseudotrial before decoding (default 5)."""
    folds: int | None = None
    """Folds of the decoders' cross-validation (default 4)."""
    smooth: int | None = None
    """Neighbouring time points that RDMs of EEG are averaged over (default: no smoothing)."""
    weighting: Literal["decision"] | None = None
    """Mean decision value instead of accuracy."""

    @property
    def given(self) -> dict[str, Any]:
        """Options that are not left to the benchmark."""
        return {field.name: value for field in fields(self) if (value := getattr(self, field.name)) is not None}

    def benchmark(self, identifier: str) -> Any:
        """Load the benchmark with these options."""
        from brainscore_realnet.scoring import load_benchmark

        benchmark = load_benchmark(identifier)
        if not self.given:
            return benchmark
        if not hasattr(benchmark, "with_options"):
            raise BadInputError(
                f"{identifier} takes no options, but --{', --'.join(self.given)} was given; leave it away."
            )
        return benchmark.with_options(**self.given)

    def benchmarks(self, identifiers: Sequence[str], usual: Mapping[str, Any] | None = None) -> list[Any]:
        """Load several benchmarks, each with those of these options that its kind has.

        ``usual`` options hold where none is given; no benchmark needs to have them.

        Raises
        ------
        BadInputError
            None of them has an option that was given.
        """
        from brainscore_realnet.scoring import load_benchmark

        loaded = [load_benchmark(identifier) for identifier in identifiers]
        known = {one.identifier: _options_of(one) for one in loaded}
        nowhere = [name for name in self.given if not any(name in names for names in known.values())]
        if nowhere:
            raise BadInputError(
                f"Got --{', --'.join(nowhere)}, which none of {', '.join(identifiers)} has; leave it away."
            )
        wanted = {**(usual or {}), **self.given}
        changes = [{name: wanted[name] for name in known[one.identifier] if name in wanted} for one in loaded]
        return [one.with_options(**changed) if changed else one for one, changed in zip(loaded, changes, strict=True)]


def _options_of(benchmark: Any) -> list[str]:
    """Name the options of a benchmark; Brain-Score's own have none."""
    return [*(field.name for field in fields(benchmark.options_type)), "preset"] * hasattr(benchmark, "options_type")
