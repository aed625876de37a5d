"""A simulated THINGS-EEG2: images, metadata and preprocessed EEG of virtual subjects in the published file formats."""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from tqdm import tqdm

from brainscore_realnet.datasets import things_eeg2 as reader
from brainscore_realnet.datasets.things_eeg2 import CHANNELS, SIMULATED_FILE
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.simulation import eeg
from brainscore_realnet.simulation.components import fitted_components
from brainscore_realnet.simulation.concepts import properties
from brainscore_realnet.simulation.images import draw_image
from brainscore_realnet.simulation.registering import registered, virtual_subjects
from brainscore_realnet.store.atomic import folder_made_once
from brainscore_realnet.store.folders import folder

VERSION = 1
"""Increased whenever the bytes that a specification leads to change."""


@dataclass(frozen=True)
class Specification:
    """Size and seed of a simulated set.

    Equal specifications lead to equal files with the same versions of the packages. Elsewhere values agree to 1e-6 as
    long as the JPEG images decode to the same pixels.
    """

    subjects: int = 2
    """Number of virtual subjects."""
    test_images: int = 24
    """Test images, each of a concept of its own (the real set has 200)."""
    test_repetitions: int = 40
    """Trials of a test image (the real set has 80)."""
    training_concepts: int = 20
    """Training concepts (the real set has 1654)."""
    training_exemplars: int = 2
    """Images of a training concept (the real set has 10)."""
    training_repetitions: int = 4
    """Trials of a training image, as in the real set."""
    image_size: int = 128
    """Width and height of an image in pixels (the real set has 500)."""
    signal: float = 1.4
    """Amplitude of the evoked responses relative to the noise."""
    seed: int = 7
    """Seed of images, subjects and noise."""
    late: Literal["areas", "concepts"] = "areas"
    """What the late responses are made of: the hidden network's areas V4 and IT, or the properties of the image's
    concept, which the subjects weigh more differently."""
    epoch: tuple[float, float] = (-0.2, 0.79)
    """First and last time, seconds after stimulus onset, as in the preprocessed data."""

    def __post_init__(self) -> None:
        images = self.test_images + self.training_concepts * self.training_exemplars
        sizes = [value for name, value in asdict(self).items() if name not in ("signal", "seed", "late", "epoch")]
        if min(sizes) < 1 or images <= eeg.COMPONENTS or self.late not in ("areas", "concepts") or not len(self.times):
            raise BadInputError(
                f"Got {self}; expected positive sizes, more than {eeg.COMPONENTS} images in all, test and training, "
                "late='areas' or 'concepts', and an epoch whose last time is not before its first."
            )

    @property
    def times(self) -> np.ndarray:
        """Times of the samples, (n_times,) float64 in seconds after stimulus onset: 100 Hz."""
        first, last = (round(100 * edge) for edge in self.epoch)
        return np.arange(first, last + 1) / 100

    @property
    def subject_names(self) -> tuple[str, ...]:
        """Subjects as the data set names them, such as ``sub-01``."""
        return virtual_subjects(self.subjects)

    @property
    def stored_as(self) -> str:
        """Name of the set in the store."""
        return f"sim-things-eeg2-{self.digest}"

    @property
    def digest(self) -> str:
        """Short hash that names the specification and the version of this simulation."""
        text = json.dumps([VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


DEFAULT = Specification()
FULL_SIZE = Specification(
    subjects=10, test_images=200, test_repetitions=80, training_concepts=1654, training_exemplars=10, image_size=500
)
ALIGNMENT = Specification(
    subjects=8,
    test_images=48,
    training_concepts=160,
    training_exemplars=2,
    image_size=64,
    signal=2.5,
    seed=11,
    late="concepts",
    epoch=(-0.1, 0.3),
)
"""What networks are aligned with on a CPU within seconds: enough subjects for a test over them, small images, and
responses that networks can learn and that differ between subjects."""


def stored(specification: Specification, progress: bool = True) -> str:
    """Make a simulated set and register it in the store, unless all of it is there; give its name there.

    Raises
    ------
    StoreError
        When the store cannot be written.
    """
    make = partial(ensure, specification, progress=progress)
    return registered(reader, specification.stored_as, specification.subject_names, reader.SPLITS, make)


def ensure(specification: Specification = DEFAULT, progress: bool = False) -> Path:
    """Folder with the simulated set, made when it is not there yet.

    Parameters
    ----------
    specification : Specification
    progress : bool
        Whether to show a progress bar while the set is made.

    Returns
    -------
    pathlib.Path
        Laid out like a download of THINGS-EEG2: ``image_metadata.npy``, ``test_images/``, ``training_images/``,
        ``sub-XX/preprocessed_eeg_{training,test}.npy``.

    Raises
    ------
    StoreError
        When the store cannot be written.
    """
    target = folder("simulated") / specification.stored_as
    return folder_made_once(target, lambda unfinished: write(unfinished, specification, progress))


def write(target: Path, specification: Specification, progress: bool = False) -> None:
    """Write the simulated set into the existing, empty folder ``target``."""
    images = {split: list(_image_list(specification, split)) for split in ("training", "test")}
    metadata: dict[str, list[str]] = {}
    for split, prefix in (("training", "train"), ("test", "test")):
        for concept, exemplar, concept_folder, name in tqdm(images[split], f"sim {split} images", disable=not progress):
            path = target / f"{split}_images" / concept_folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            draw_image(concept, exemplar, specification.seed, specification.image_size).save(path, quality=95)
        metadata[f"{prefix}_img_concepts"] = [concept_folder for _, _, concept_folder, _ in images[split]]
        metadata[f"{prefix}_img_concepts_THINGS"] = [concept_folder for _, _, concept_folder, _ in images[split]]
        metadata[f"{prefix}_img_files"] = [name for _, _, _, name in images[split]]
    _save_dict(target / "image_metadata.npy", metadata)
    (target / SIMULATED_FILE).write_text(json.dumps(asdict(specification) | {"version": VERSION}, indent=2) + "\n")

    components = _components(target, metadata)
    if specification.late == "concepts":
        for split in images:
            concepts = [concept for concept, *_ in images[split]]
            components[split][eeg.CONCEPTS] = properties(concepts, specification.seed)
    draw = eeg.concept_subject if specification.late == "concepts" else eeg.virtual_subject
    for number in tqdm(range(1, specification.subjects + 1), "sim subjects", disable=not progress):
        subject = draw(number, len(CHANNELS), specification.seed)
        subject_folder = target / f"sub-{number:02d}"
        subject_folder.mkdir()
        for index, split in enumerate(("training", "test")):
            trials = eeg.simulate_trials(
                components[split],
                subject,
                specification.times,
                specification.training_repetitions if split == "training" else specification.test_repetitions,
                specification.signal,
                np.random.default_rng([specification.seed, 4, number, index]),
            )
            contents = {"preprocessed_eeg_data": trials, "ch_names": list(CHANNELS), "times": specification.times}
            _save_dict(subject_folder / f"preprocessed_eeg_{split}.npy", contents)


def _image_list(specification: Specification, split: str) -> Iterator[tuple[int, int, str, str]]:
    """Yield (concept, exemplar, concept folder, file name) in the order of the events."""
    in_test = split == "test"
    n_concepts = specification.test_images if in_test else specification.training_concepts
    first = 0 if in_test else specification.test_images
    for number in range(n_concepts):
        for exemplar in range(1 if in_test else specification.training_exemplars):
            concept = first + number
            yield concept, exemplar, f"{number + 1:05d}_sim_{concept:04d}", f"sim_{concept:04d}_{exemplar + 1:02d}s.jpg"


def _components(target: Path, metadata: dict[str, list[str]]) -> dict[str, dict[str, np.ndarray]]:
    """Principal components of the hidden network's activity: split -> area -> (n_images, COMPONENTS)."""
    from brainscore_realnet.simulation.hidden_network import activity

    paths = {
        split: [
            target / f"{split}_images" / concept / name
            for concept, name in zip(metadata[f"{prefix}_img_concepts"], metadata[f"{prefix}_img_files"], strict=True)
        ]
        for split, prefix in (("training", "train"), ("test", "test"))
    }
    return fitted_components({split: activity(paths[split]) for split in ("test", "training")})


def _save_dict(path: Path, contents: dict) -> None:
    np.save(path, np.array(contents, dtype=object), allow_pickle=True)
