"""Write the literal registrations of the families with many identifiers.

Brain-Score finds plugins by scanning their source for literal lines, so loops will not do.
``python tools/registrations.py`` rewrites what stands between the markers of each file below; a test fails when they
are out of date.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path

from brainscore_realnet.simulation import kamitani
from brainscore_realnet.simulation.things_eeg2 import ALIGNMENT, DEFAULT

PACKAGE = Path(__file__).resolve().parents[1] / "brainscore_realnet"
BEGIN = "# registrations written by tools/registrations.py: begin"
END = "# registrations written by tools/registrations.py: end"
AREAS = ("V1", "V2", "V4", "IT", "readout")
ROIS = ("V1", "V2", "V3", "V4", "LOC")
SOURCES = (("ThingsEEG2", 10), ("SimThingsEEG2", DEFAULT.subjects), ("SimThingsEEG2concepts", ALIGNMENT.subjects))
"""Data sets with EEG and how many subjects they have."""
FMRI = {
    "shen2019": (("Shen2019", 3), ("SimShen2019", kamitani.SHEN2019.subjects)),
    "horikawa2017": (("Horikawa2017", 5), ("SimHorikawa2017", kamitani.HORIKAWA2017.subjects)),
}
"""The same with fMRI, by plugin folder."""
EXPERIMENTS = {"shen2019": ("", "shapes", "letters"), "horikawa2017": ("",)}
"""What is scored besides natural images, as identifiers name it."""
SPLITS = {"shen2019": ("test", "training", "shapes", "letters"), "horikawa2017": ("test", "training")}
MORE_ROIS = {"shen2019": (), "horikawa2017": ("FFA", "PPA")}


def realnet_eeg() -> Iterator[str]:
    """Ten personal models and their variants, the beta = 0 control and the across-subject model."""
    for variant in ("", "-beta1", "-beta10", "-beta1000", "-nocont", "-unpaired"):
        for subject in range(1, 11):
            yield _line("model_registry", f"realnet-eeg-sub{subject:02d}{variant}", "get_model")
    for control in ("beta0", "all"):
        yield _line("model_registry", f"realnet-eeg-{control}", "get_model")


def realnet_fmri() -> Iterator[str]:
    """Three personal models and their variants, and the beta = 0 control."""
    for variant in ("", "-beta10", "-beta20", "-beta30", "-beta50"):
        for subject in range(1, 4):
            yield _line("model_registry", f"realnet-fmri-sub{subject:02d}{variant}", "get_model")
    yield _line("model_registry", "realnet-fmri-beta0", "get_model")


def things_eeg2_benchmarks() -> Iterator[str]:
    """Headline, areas and subjects, and the same on virtual subjects."""
    for dataset, subjects in SOURCES:
        for part in ("", *(f".{area}" for area in AREAS), *(f".sub{number:02d}" for number in range(1, subjects + 1))):
            yield _line("benchmark_registry", f"{dataset}{part}-rsa", "get_benchmark")


def things_eeg2_data() -> Iterator[str]:
    """Stimulus sets and each subject's recordings, real and simulated."""
    yield from _data(SOURCES, ("test", "training"))


def fmri_benchmarks(folder: str) -> Iterator[str]:
    """Headline, regions and subjects of each experiment, and the same on virtual subjects."""
    for dataset, subjects in FMRI[folder]:
        for experiment in EXPERIMENTS[folder]:
            regions = (f".{roi}" for roi in (*ROIS, *MORE_ROIS[folder]))
            for part in ("", *regions, *(f".sub{number:02d}" for number in range(1, subjects + 1))):
                yield _line("benchmark_registry", f"{dataset}{experiment}{part}-rsa", "get_benchmark")


def fmri_data(folder: str) -> Iterator[str]:
    """Stimulus sets and each subject's responses, real and simulated."""
    yield from _data(FMRI[folder], SPLITS[folder])


def _data(sources: Iterable[tuple[str, int]], splits: Iterable[str]) -> Iterator[str]:
    for dataset, subjects in sources:
        for split in splits:
            yield _line("stimulus_set_registry", f"{dataset}_{split}", "get_stimulus_set")
            for number in range(1, subjects + 1):
                yield _line("data_registry", f"{dataset}.sub{number:02d}_{split}", "get_assembly")


FILES = {
    "models/realnet_eeg/__init__.py": realnet_eeg,
    "models/realnet_fmri/__init__.py": realnet_fmri,
    "benchmarks/things_eeg2/__init__.py": things_eeg2_benchmarks,
    "data/things_eeg2/__init__.py": things_eeg2_data,
    **{f"benchmarks/{folder}/__init__.py": partial(fmri_benchmarks, folder) for folder in FMRI},
    **{f"data/{folder}/__init__.py": partial(fmri_data, folder) for folder in FMRI},
}


def updated(source: str, lines: list[str]) -> str:
    """Source text with the block between the markers replaced."""
    head, _, rest = source.partition(BEGIN + "\n")
    _, _, tail = rest.partition(END + "\n")
    return "\n".join([head + BEGIN, *lines, END, tail])


def _line(registry: str, identifier: str, loader: str) -> str:
    return f'{registry}["{identifier}"] = lambda: {loader}("{identifier}")'


if __name__ == "__main__":
    for name, lines in FILES.items():
        path = PACKAGE / name
        path.write_text(updated(path.read_text(), list(lines())))
