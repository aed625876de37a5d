"""Shen2019, Horikawa2017 and their simulated twins as Brain-Score sees them."""

import re
from dataclasses import dataclass
from functools import partial

from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet

from brainscore_realnet.adapters.assemblies import fmri_assembly, stimulus_set
from brainscore_realnet.adapters.fmri_rsa import FMRIRSABenchmark
from brainscore_realnet.adapters.neural_side import NeuralData
from brainscore_realnet.adapters.sources import Source, subject_of
from brainscore_realnet.datasets import kamitani
from brainscore_realnet.errors import UnknownIdentifierError
from brainscore_realnet.simulation import kamitani as simulation

VISUAL_DEGREES = 12.0
"""Width of the images in both experiments (Shen et al. 2019; Horikawa & Kamitani 2017)."""

SIMULATED_DEGREES = 7.0
"""Virtual subjects saw the images as the simulated reference models do, filling a field of view of seven degrees."""

ROIS = ("V1", "V2", "V3", "V4", "LOC")
"""Regions that the papers score and that both data sets have."""


@dataclass(frozen=True)
class FMRISource(Source):
    """One data set with fMRI of regions of interest in the store.

    Attributes
    ----------
    splits : tuple of str
        Those in which images were shown.
    more_rois : tuple of str
        Regions that it has besides ``ROIS``.
    """

    splits: tuple[str, ...]
    more_rois: tuple[str, ...]

    @property
    def rois(self) -> tuple[str, ...]:
        """All regions."""
        return (*ROIS, *self.more_rois)

    def require(self, subjects: tuple[str, ...], split: str) -> None:
        """Raise MissingDataError, naming all that is missing, unless subjects and images are in the store."""
        self.prepare()
        kamitani.require(subjects, split, self.stored_as)

    def stimuli(self, split: str) -> StimulusSet:
        """Images of a split in the order of the recordings; raises MissingDataError."""
        self.prepare()
        table = kamitani.open_images(split, self.stored_as)
        return stimulus_set(table.rows, f"{self.name}_{split}", table.sha256)

    def recording(self, subject: str, split: str) -> kamitani.FMRIRecording:
        """Responses of a subject; raises MissingDataError."""
        self.prepare()
        return kamitani.open_subject(subject, split, self.stored_as)

    def assembly(self, subject: str, split: str) -> NeuroidAssembly:
        """Responses of a subject as presentation × neuroid; raises MissingDataError."""
        recording = self.recording(subject, split)
        identifier = f"{self.name}.{subject.replace('-', '')}_{split}"
        rois = [roi for roi in self.rois if roi in recording.rois]
        return fmri_assembly(
            {roi: recording.responses(roi) for roi in rois},
            {roi: recording.voxel_coordinates(roi) for roi in rois},
            self.stimuli(split),
            subject,
            identifier,
        )

    def neural_data(self, split: str) -> NeuralData:
        """One split as the RSA benchmarks take it."""
        return NeuralData(
            name=self.stored_as,
            subjects=self.subjects,
            visual_degrees=SIMULATED_DEGREES if self.simulated else VISUAL_DEGREES,
            simulated=self.simulated,
            require=partial(self.require, split=split),
            stimuli=partial(self.stimuli, split),
            recording=partial(self.recording, split=split),
        )


def simulated_source(name: str, real: FMRISource, specification: simulation.Specification) -> FMRISource:
    """Source of virtual subjects, made on first use."""

    def prepare() -> None:
        simulation.stored(specification)

    subjects = specification.subject_names
    return FMRISource(name, specification.stored_as, subjects, prepare, real.splits, real.more_rois)


def _published(name: str, stored_as: str, more_rois: tuple[str, ...]) -> FMRISource:
    published = kamitani.data_set(stored_as)
    return FMRISource(name, stored_as, published.subjects, lambda: None, published.image_splits, more_rois)


SHEN2019 = _published("Shen2019", kamitani.SHEN2019, ())
HORIKAWA2017 = _published("Horikawa2017", kamitani.HORIKAWA2017, ("FFA", "PPA"))
_SOURCES = (
    SHEN2019,
    HORIKAWA2017,
    simulated_source("SimShen2019", SHEN2019, simulation.SHEN2019),
    simulated_source("SimHorikawa2017", HORIKAWA2017, simulation.HORIKAWA2017),
)
SOURCES = {source.name: source for source in _SOURCES}


def parse(identifier: str) -> tuple[FMRISource, str, str]:
    """Split an identifier into its source, the split, and the part: a region, a subject, or nothing.

    ``Shen2019shapes.V1-rsa`` gives ``shapes`` and ``V1``, ``Horikawa2017.sub01_training`` gives ``training`` and
    ``sub01``; benchmarks without a split in their name are on ``test``.

    Raises
    ------
    UnknownIdentifierError
        When it does not have such a form.
    """
    match = re.fullmatch(rf"({'|'.join(SOURCES)})([a-z]*)(?:\.(\w+?))?(?:-rsa|_(\w+))", identifier)
    if match is not None:
        source, split = SOURCES[match[1]], match[2] or match[4] or "test"
        if split in source.splits:
            return source, split, match[3] or ""
    raise UnknownIdentifierError(
        f"Got {identifier!r}; expected one of {', '.join(SOURCES)}, as in 'Shen2019shapes.V1-rsa' or "
        "'Shen2019.sub01_test'."
    )


def rsa_benchmark(identifier: str, version: int, bibtex: str) -> FMRIRSABenchmark:
    """Benchmark of all regions and subjects (``Shen2019-rsa``), of a region (``.V1``) or of a subject (``.sub01``).

    The headlines' parent is IT, where Brain-Score's convention puts what is not one of its four regions; all others are
    parts of their headline.
    """
    source, split, part = parse(identifier)
    subject = subject_of(part)
    return FMRIRSABenchmark(
        identifier,
        source.neural_data(split),
        subjects=(subject,) if subject else None,
        rois=(part,) if part in source.rois else ROIS,
        parent=f"{identifier.partition('.')[0]}-rsa" if part else "IT",
        version=version,
        bibtex=bibtex,
    )


def get_stimulus_set(identifier: str) -> StimulusSet:
    """Stimulus set of ``Shen2019_<split>``; raises MissingDataError."""
    source, split, _ = parse(identifier)
    return source.stimuli(split)


def get_assembly(identifier: str) -> NeuroidAssembly:
    """Assembly of ``Shen2019.sub01_<split>``, presentation × neuroid; raises MissingDataError."""
    source, split, part = parse(identifier)
    return source.assembly(str(subject_of(part)), split)
