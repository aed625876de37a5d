"""THINGS-EEG2 and its simulated twin as Brain-Score sees them."""

from dataclasses import dataclass

from brainscore_core.supported_data_standards.brainio.assemblies import NeuroidAssembly
from brainscore_core.supported_data_standards.brainio.stimuli import StimulusSet

from brainscore_realnet.adapters.assemblies import eeg_assembly, stimulus_set
from brainscore_realnet.adapters.neural_side import NeuralData
from brainscore_realnet.adapters.options import PUBLISHED
from brainscore_realnet.adapters.sources import Source
from brainscore_realnet.datasets import things_eeg2
from brainscore_realnet.errors import UnknownIdentifierError
from brainscore_realnet.simulation import things_eeg2 as simulation

VISUAL_DEGREES = 7.0
"""Width of the images in the experiment (Gifford et al. 2022)."""


@dataclass(frozen=True)
class EEGSource(Source):
    """One data set in the form of THINGS-EEG2 in the store."""

    def require(self, subjects: tuple[str, ...], split: str = "test", recordings: str = PUBLISHED) -> None:
        """Raise MissingDataError, naming all that is missing, unless subjects and images are in the store."""
        self.prepare()
        things_eeg2.require(subjects, split, self._stored(recordings))

    def stimuli(self, split: str = "test") -> StimulusSet:
        """Images of a split in the order of the recordings; raises MissingDataError."""
        self.prepare()
        table = things_eeg2.open_images(split, self.stored_as)
        # THINGS itself writes uniqueID, and tables of its concepts are joined by it.
        rows = [{"uniqueID" if key == "unique_id" else key: value for key, value in row.items()} for row in table.rows]
        return stimulus_set(rows, f"{self.name}_{split}", table.sha256)

    def recording(self, subject: str, split: str = "test", recordings: str = PUBLISHED) -> things_eeg2.SubjectRecording:
        """Epochs of a subject, as published or as prepared from raw EEG; raises MissingDataError."""
        self.prepare()
        return things_eeg2.open_subject(subject, split, self._stored(recordings))

    def _stored(self, recordings: str) -> str:
        """Name in the store of published or prepared recordings."""
        return self.stored_as if recordings == PUBLISHED else f"{self.stored_as}-{recordings}"

    def assembly(self, subject: str, split: str = "test") -> NeuroidAssembly:
        """Epochs of a subject as presentation × neuroid × time_bin; raises MissingDataError."""
        recording = self.recording(subject, split)
        identifier = f"{self.name}.{subject.replace('-', '')}_{split}"
        return eeg_assembly(
            recording.data, self.stimuli(split), subject, recording.ch_names, recording.times, identifier
        )

    def neural_data(self) -> NeuralData:
        """Test split as the RSA benchmarks take it."""
        return NeuralData(
            name=self.stored_as,
            subjects=self.subjects,
            visual_degrees=VISUAL_DEGREES,
            simulated=self.simulated,
            require=self.require,
            stimuli=self.stimuli,
            recording=self.recording,
        )


def simulated_source(specification: simulation.Specification, name: str | None = None) -> EEGSource:
    """Source of virtual subjects, made and converted on first use; its name follows from the specification."""

    def prepare() -> None:
        simulation.stored(specification)

    return EEGSource(
        name or f"SimThingsEEG2_{specification.digest}", specification.stored_as, specification.subject_names, prepare
    )


REAL = EEGSource("ThingsEEG2", "things-eeg2", things_eeg2.SUBJECTS, lambda: None)
SIMULATED = simulated_source(simulation.DEFAULT, "SimThingsEEG2")
CONCEPTS = simulated_source(simulation.ALIGNMENT, "SimThingsEEG2concepts")
_SOURCES = {source.name: source for source in (REAL, CONCEPTS, SIMULATED)}
"""Of names that begin alike, the longer ones first."""


def source_of(identifier: str) -> tuple[EEGSource, str]:
    """Split ``ThingsEEG2.sub01_test`` or ``SimThingsEEG2_test`` into its source and what follows the source's name.

    Raises
    ------
    UnknownIdentifierError
        When it begins with the name of no source.
    """
    for name, source in _SOURCES.items():
        if identifier.startswith(name):
            return source, identifier.removeprefix(name)
    raise UnknownIdentifierError(f"Got {identifier!r}; expected it to begin with one of {', '.join(_SOURCES)}.")
