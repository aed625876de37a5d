"""Simulated Shen2019 and Horikawa2017: images and fMRI of virtual subjects in the published file formats.

The three subjects of a simulated Shen2019 come in the three generations of files that were published.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
from tqdm import tqdm

from brainscore_realnet.datasets import kamitani as reader
from brainscore_realnet.datasets._registered import SIMULATED_FILE
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.simulation import artificial_images, fmri, kamitani_stimuli
from brainscore_realnet.simulation.bdata import roi_keys, write_bdata
from brainscore_realnet.simulation.components import fitted_components
from brainscore_realnet.simulation.kamitani_labels import GENERATIONS, horikawa2017_labels, trials
from brainscore_realnet.simulation.kamitani_stimuli import Stimulus
from brainscore_realnet.simulation.registering import registered, virtual_subjects
from brainscore_realnet.store.atomic import folder_made_once
from brainscore_realnet.store.folders import folder

VERSION = 1
"""Increased whenever the bytes that a specification leads to change."""

ROIS = {
    "shen2019": ("V1", "V2", "V3", "V4", "LOC"),
    "horikawa2017": ("V1", "V2", "V3", "V4", "LOC", "FFA", "PPA"),
}
FIRST_SYNSET = {"shen2019": 90000001, "horikawa2017": 91000001}
"""WordNet's numbers end below 20 million: no simulated image can be taken for one of ImageNet."""

SPLITS = ("training", "test", "shapes", "letters", "imagery")
"""Numbers in the seeds of noise and order."""

_ONLY_IN = {
    "shen2019": ("shapes", "shape_repetitions", "letters", "letter_repetitions"),
    "horikawa2017": ("imagery_repetitions",),
}
# A label that is the same in all trials cannot be told from a constant column.
_LEAST = {"shapes": 2, "letters": 2}
_MOST = {
    "subjects": 99,
    "training_exemplars": 1000,
    "shapes": artificial_images.N_SHAPES,
    "letters": artificial_images.N_LETTERS,
}

VIVIDNESS = {"V1": 0.1, "V2": 0.15, "V3": 0.2, "V4": 0.3, "LOC": 0.5, "FFA": 0.6, "PPA": 0.6}
"""Response to an imagined image relative to a seen one."""


@dataclass(frozen=True)
class Specification:
    """Form, size and seed of a simulated set.

    Equal specifications lead to equal files with the same versions of the packages. Elsewhere values agree to 1e-6 as
    long as the JPEG images decode to the same pixels.
    """

    form: str = "shen2019"
    """``shen2019`` or ``horikawa2017``."""
    subjects: int = 3
    """Number of virtual subjects."""
    voxels: int = 60
    """Voxels of a region (real ones have 300 to 1500)."""
    test_images: int = 24
    """Test images, each of a concept of its own (the real sets have 50)."""
    test_repetitions: int = 8
    """Trials of a test image (the real sets have 24 and 35)."""
    training_concepts: int = 30
    """Training concepts (the real sets have 150)."""
    training_exemplars: int = 2
    """Images of a training concept (the real sets have 8)."""
    training_repetitions: int = 2
    """Trials of a training image (the real sets have 5 and 1)."""
    shapes: int = 12
    """Coloured shapes (Shen2019 has 40; Horikawa2017 none)."""
    shape_repetitions: int = 8
    """Trials of a shape (Shen2019 has 20)."""
    letters: int = 10
    """Letters (Shen2019 has 10; Horikawa2017 none)."""
    letter_repetitions: int = 8
    """Trials of a letter (Shen2019 has 12)."""
    imagery_repetitions: int = 0
    """Trials in which the concept of a test image is imagined (Horikawa2017 has 10; Shen2019 none)."""
    image_size: int = 128
    """Width and height of an image in pixels (the real sets have 500)."""
    signal: float = 0.5
    """Amplitude of the responses relative to the noise of a voxel."""
    seed: int = 41
    """Seed of images, subjects and noise."""

    def __post_init__(self) -> None:
        if self.form not in ROIS:
            raise BadInputError(f"Got form {self.form!r}; expected one of {', '.join(ROIS)}.")
        sizes = {name: value for name, value in asdict(self).items() if name not in ("form", "signal", "seed")}
        absent = _ONLY_IN["horikawa2017" if self.form == "shen2019" else "shen2019"]
        wrong = [
            f"{name} = {value} (expected {'0' if name in absent else f'{least} … {most}'})"
            for name, value in sizes.items()
            for least, most in [(_LEAST.get(name, 1), _MOST.get(name, 100_000))]
            if not (value == 0 if name in absent else least <= value <= most)
        ]
        fewest = fmri.fewest_voxels(ROIS[self.form])
        if self.voxels < fewest:
            wrong.append(f"voxels = {self.voxels} (expected {fewest} or more)")
        images = self.test_images + self.training_concepts * self.training_exemplars + self.shapes + self.letters
        if images <= fmri.COMPONENTS:
            wrong.append(f"{images} images in all (expected more than {fmri.COMPONENTS})")
        if not (np.isfinite(self.signal) and self.signal >= 0):
            wrong.append(f"signal = {self.signal} (expected 0 or more)")
        if self.seed < 0:
            wrong.append(f"seed = {self.seed} (expected 0 or more)")
        if wrong:
            raise BadInputError(f"Got sizes that a simulated {self.form} cannot have: {', '.join(wrong)}.")

    @property
    def subject_names(self) -> tuple[str, ...]:
        """Subjects as the data set names them, such as ``sub-01``."""
        return virtual_subjects(self.subjects)

    @property
    def stored_as(self) -> str:
        """Name of the set in the store."""
        return f"sim-{self.form}-{self.digest}"

    @property
    def digest(self) -> str:
        """Short hash that names the specification and the version of this simulation."""
        text = json.dumps([VERSION, asdict(self)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


_NO_ARTIFICIAL_IMAGES = {"shapes": 0, "shape_repetitions": 0, "letters": 0, "letter_repetitions": 0}

SHEN2019 = Specification()
HORIKAWA2017 = Specification(
    "horikawa2017", subjects=5, training_repetitions=1, imagery_repetitions=2, seed=42, **_NO_ARTIFICIAL_IMAGES
)
FULL_SIZE = Specification(
    voxels=1000,
    test_images=50,
    test_repetitions=24,
    training_concepts=150,
    training_exemplars=8,
    training_repetitions=5,
    shapes=40,
    shape_repetitions=20,
    letter_repetitions=12,
    image_size=500,
)
"""Shen2019 as it was published: 1200 × 5, 50 × 24, 40 × 20 and 10 × 12 trials of three subjects."""
FULL_SIZE_HORIKAWA2017 = Specification(
    "horikawa2017",
    subjects=5,
    voxels=600,
    test_images=50,
    test_repetitions=35,
    training_concepts=150,
    training_exemplars=8,
    training_repetitions=1,
    imagery_repetitions=10,
    image_size=500,
    seed=42,
    **_NO_ARTIFICIAL_IMAGES,
)
"""Horikawa2017 as it was published: 1200 × 1, 50 × 35 and 50 × 10 trials of five subjects."""


def stored(specification: Specification, progress: bool = True) -> str:
    """Make a simulated set and register it in the store, unless all of it is there; give its name there.

    Raises
    ------
    StoreError
        When the store cannot be written.
    """
    make = partial(ensure, specification, progress=progress)
    splits = reader.data_set(specification.form).image_splits
    return registered(reader, specification.stored_as, specification.subject_names, splits, make)


def ensure(specification: Specification = SHEN2019, progress: bool = False) -> Path:
    """Folder with the simulated set, made when it is not there yet.

    Parameters
    ----------
    specification : Specification
    progress : bool
        Whether to show a progress bar while the set is made.

    Returns
    -------
    pathlib.Path
        Laid out like a download: h5 files, and the images in folders below ``images/``.

    Raises
    ------
    StoreError
        When the store cannot be written.
    """
    target = folder("simulated") / specification.stored_as
    return folder_made_once(target, lambda unfinished: write(unfinished, specification, progress))


def write(target: Path, specification: Specification, progress: bool = False) -> None:
    """Write the simulated set into the existing, empty folder ``target``."""
    from threadpoolctl import threadpool_limits

    from brainscore_realnet.simulation.hidden_network import activity

    sets = stimuli(specification)
    for split, of_split in sets.items():
        for stimulus in tqdm(of_split, f"sim {split} images", disable=not progress):
            path = target / stimulus.path
            path.parent.mkdir(parents=True, exist_ok=True)
            stimulus.draw().save(path, **({"quality": 95} if path.suffix == ".JPEG" else {}))
    (target / SIMULATED_FILE).write_text(json.dumps(asdict(specification) | {"version": VERSION}, indent=2) + "\n")

    paths = {split: [target / stimulus.path for stimulus in of_split] for split, of_split in sets.items()}
    write_subject = {"shen2019": _write_shen2019, "horikawa2017": _write_horikawa2017}[specification.form]
    with threadpool_limits(1):  # sums depend on how they are shared out between threads
        components = fitted_components(
            {split: activity(of_split) for split, of_split in paths.items()}, fmri.COMPONENTS
        )
        for number in tqdm(range(1, specification.subjects + 1), "sim subjects", disable=not progress):
            write_subject(target, specification, number, sets, components)


def stimuli(specification: Specification) -> dict[str, list[Stimulus]]:
    """Give the images of each split in which images are shown, in the order of the image index."""
    seed, size = specification.seed, specification.image_size
    synset, n_test = FIRST_SYNSET[specification.form], specification.test_images
    # Test images first: together with the artificial ones they are sure to determine the components.
    sets = {
        "test": kamitani_stimuli.natural_images("test", 0, n_test, 1, synset, seed, size),
        "shapes": kamitani_stimuli.shapes(specification.shapes, size),
        "letters": kamitani_stimuli.letters(specification.letters, size),
        "training": kamitani_stimuli.natural_images(
            "training", n_test, specification.training_concepts, specification.training_exemplars, synset, seed, size
        ),
    }
    return {split: of_split for split, of_split in sets.items() if of_split}


def _write_shen2019(
    target: Path,
    specification: Specification,
    number: int,
    sets: Mapping[str, list[Stimulus]],
    components: Mapping[str, Mapping[str, np.ndarray]],
) -> None:
    """Write a subject's file of each split, in the generation that falls to the subject."""
    cortex = fmri.virtual_cortex(number, ROIS[specification.form], specification.voxels, specification.seed)
    generation = GENERATIONS[(number - 1) % len(GENERATIONS)]
    repetitions = {
        "test": specification.test_repetitions,
        "shapes": specification.shape_repetitions,
        "letters": specification.letter_repetitions,
        "training": specification.training_repetitions,
    }
    for split, of_split in sets.items():
        rng = _rng(specification, number, split)
        sequence = trials(len(of_split), repetitions[split], rng)
        responses = fmri.simulate_responses(components[split], sequence.shown, cortex, specification.signal, rng)
        write_bdata(
            target / f"sub-{number:02d}_{generation.file_names[split]}.h5",
            responses,
            cortex.coordinates,
            roi_keys(cortex, generation.name_of_v4, groups=False),
            generation.labels(of_split, sequence),
        )


def _write_horikawa2017(
    target: Path,
    specification: Specification,
    number: int,
    sets: Mapping[str, list[Stimulus]],
    components: Mapping[str, Mapping[str, np.ndarray]],
) -> None:
    """Write a subject's one file, with training, test and imagery one below the other."""
    cortex = fmri.virtual_cortex(number, ROIS[specification.form], specification.voxels, specification.seed)
    parts = (
        ("training", "training", specification.training_repetitions, None),
        ("test", "test", specification.test_repetitions, None),
        ("imagery", "test", specification.imagery_repetitions, VIVIDNESS),
    )
    responses, labels = [], []
    for split, images, repetitions, vividness in parts:
        rng = _rng(specification, number, split)
        sequence = trials(len(sets[images]), repetitions, rng)
        responses.append(
            fmri.simulate_responses(components[images], sequence.shown, cortex, specification.signal, rng, vividness)
        )
        labels.append((sets[images], sequence))
    write_bdata(
        target / f"Subject{number}.h5",
        np.concatenate(responses),
        cortex.coordinates,
        roi_keys(cortex, "V4", groups=True),
        horikawa2017_labels(labels),
    )


def _rng(specification: Specification, number: int, split: str) -> np.random.Generator:
    return np.random.default_rng([specification.seed, 14, number, SPLITS.index(split)])
