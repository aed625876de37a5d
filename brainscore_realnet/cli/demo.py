"""``brainscore demo``: the main job on virtual subjects, from nothing to a figure."""

from dataclasses import dataclass
from pathlib import Path

from brainscore_realnet.cli.table import score_table
from brainscore_realnet.store.atomic import require_writable

MODELS = ("sim-hidden", "sim-random", "sim-noise")
BENCHMARK = "SimThingsEEG2-rsa"
COURSE = (-0.1, 0.4)


@dataclass(frozen=True)
class Demo:
    """Make virtual subjects, score simulated models on them and draw the result. Nothing is downloaded."""

    out: Path = Path("brainscore-demo.png")
    """PNG to write the figure to."""

    def run(self) -> None:
        """Score the simulated reference models and draw areas × time."""
        from brainscore_realnet.scoring import load_benchmark, score
        from brainscore_realnet.scoring.figures import draw_time_courses
        from brainscore_realnet.scoring.record import as_record

        require_writable(self.out)
        print(f"Simulated data: {', '.join(MODELS)} on virtual subjects ({BENCHMARK}).\n")
        benchmark = load_benchmark(BENCHMARK).with_options(course=COURSE)
        records = []
        for model in MODELS:
            records.append(as_record(score(model, benchmark)))
            print(score_table(records[-1]) + "\n")
        draw_time_courses(records, self.out)
        print(f"Figure: {self.out}")
        print("With real data: brainscore score --model realnet-eeg-sub01 --benchmark ThingsEEG2-rsa")
