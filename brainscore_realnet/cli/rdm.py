"""``brainscore rdm``: neural RDMs ahead of scoring."""

from dataclasses import dataclass, field

from brainscore_realnet.cli.options import BenchmarkOptions
from brainscore_realnet.cli.table import duration


@dataclass(frozen=True)
class Compute:
    """Compute the neural RDMs of a benchmark that are not in the store yet; what is finished is kept at any time."""

    benchmark: str
    """Identifier of the benchmark, whose subjects, time points and method decide what is computed."""
    options: BenchmarkOptions = field(default_factory=BenchmarkOptions)
    scheduler: str | None = None
    """Address of a Dask scheduler to compute on, one task a subject; default: here, on all cores."""

    def run(self) -> None:
        """Compute with a progress bar."""
        from brainscore_realnet.scoring import neural_rdms

        benchmark = self.options.benchmark(self.benchmark)
        neural_rdms.compute(benchmark, self.scheduler)
        print(f"All neural RDMs of {benchmark.identifier} are in the store.")


@dataclass(frozen=True)
class Status:
    """Show which neural RDMs of a benchmark are in the store, and how long the others will take."""

    benchmark: str
    """Identifier of the benchmark."""
    options: BenchmarkOptions = field(default_factory=BenchmarkOptions)

    def run(self) -> None:
        """Print one line for each subject and kind of RDM."""
        from brainscore_realnet.scoring import neural_rdms

        benchmark = self.options.benchmark(self.benchmark)
        neural_rdms.require_neural_rdms(benchmark)
        benchmark.require_data()
        jobs = benchmark.work()
        print(f"{benchmark.identifier}: {benchmark.options.method}")
        for job in jobs:
            left = f"about {duration(job.seconds)} on this machine" if job.missing else "complete"
            print(f"  {job.subject}  {job.kind:<6}  {job.matrices - job.missing:>5} of {job.matrices:<5}  {left}")
        seconds = sum(job.seconds for job in jobs)
        if any(job.missing for job in jobs):
            print(f"In all about {duration(seconds)}, with `brainscore rdm compute` and the same options.")
