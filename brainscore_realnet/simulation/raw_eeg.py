"""Simulated raw EEG of virtual subjects, written as THINGS-EEG2 publishes it: continuous voltages and their events.

    v_c(s) = a Σ_trials Σ_area g_area(s − onset) Σ_k w_area,k p_image,area,k m_area,k,c  +  noise_c(s)

with p the image's standard normal components (no images are drawn: `things_eeg2` makes those), w, m and g the subject's
weights and mixing and the areas' time courses of `eeg`, and noise correlated over channels and time.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from brainscore_realnet.datasets.things_eeg2 import SIMULATED_FILE, SPLITS
from brainscore_realnet.datasets.things_eeg2.raw import SAMPLING_HZ, SESSIONS, TARGET_EVENT, raw_file
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.simulation import eeg

VERSION = 1
"""Increased whenever the bytes that a specification leads to change."""
# fmt: off
CHANNELS = (
    "Fp1", "F3", "F7", "FT9", "FC5", "FC1", "C3", "T7", "TP9", "CP5", "CP1", "Pz", "P3", "P7", "O1", "Oz", "O2", "P4",
    "P8", "TP10", "CP6", "CP2", "Cz", "C4", "T8", "FT10", "FC6", "FC2", "F4", "F8", "Fp2", "AF7", "AF3", "AFz", "F1",
    "F5", "FT7", "FC3", "FCz", "C1", "C5", "TP7", "CP3", "P1", "P5", "PO7", "PO3", "POz", "PO4", "PO8", "P6", "P2",
    "CPz", "CP4", "TP8", "C6", "C2", "FC4", "FT8", "F6", "F2", "AF4", "AF8",
)
# fmt: on
"""63 places of the 10-10 system in an amplifier's order; the 64th, Fz, is the reference."""
_VOLT = 1e-5
"""Standard deviation of the noise: 10 µV."""
_REST = 1500
"""Samples before the first and after the last trial of a file."""


@dataclass(frozen=True)
class RawSpecification:
    """Size and seed of simulated raw EEG; four sessions, each training image in two of them, as published."""

    subjects: int = 1
    """Number of virtual subjects."""
    test_images: int = 4
    """Test images (the real set has 200), shown in every session."""
    test_repetitions: int = 21
    """Trials of a test image in a session (the real preprocessing keeps 20)."""
    training_images: int = 8
    """Training images (the real set has 16540); a session shows half of them."""
    training_repetitions: int = 3
    """Trials of a training image in each of its sessions (the real preprocessing keeps 2)."""
    targets: int = 3
    """Target trials in a session and split."""
    interval: int = 200
    """Samples from one image to the next, milliseconds."""
    signal: float = 0.8
    """Amplitude of the evoked responses relative to the noise."""
    seed: int = 7
    """Seed of subjects, images, order and noise."""

    def __post_init__(self) -> None:
        sizes = (value for name, value in asdict(self).items() if name not in ("signal", "seed", "targets"))
        if min(sizes) < 1 or self.targets < 0 or self.training_images % 2:
            raise BadInputError(f"Got {self}; expected positive sizes and an even number of training images.")


def write_raw(target: Path, specification: RawSpecification | None = None) -> None:
    """Write ``sub-XX/ses-0Y/raw_eeg_{training,test}.npy`` of all subjects into the existing folder ``target``.

    The folder may be that of a set of `things_eeg2` with as many images. What it holds says that it is simulated.

    Raises
    ------
    BadInputError
        The folder is not there.
    """
    chosen = specification or RawSpecification()
    if not target.is_dir():
        raise BadInputError(
            f"Got {target}: expected an existing folder to write simulated raw EEG into. Make it first."
        )
    mark = target / SIMULATED_FILE
    said = json.loads(mark.read_text()) if mark.exists() else {}
    mark.write_text(json.dumps(said | {"raw_eeg": asdict(chosen) | {"version": VERSION}}, indent=2) + "\n")
    for number in range(1, chosen.subjects + 1):
        for index, session in enumerate(SESSIONS):
            for split in SPLITS:
                path = target / f"sub-{number:02d}" / raw_file(session, split)
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, np.array(simulate_session(chosen, number, index, split), dtype=object), allow_pickle=True)


def simulate_session(specification: RawSpecification, number: int, session: int, split: str) -> dict[str, object]:
    """Simulate one split of one session of a subject.

    Parameters
    ----------
    specification : RawSpecification
    number : int
        The subject's, counted from 1.
    session : int
        Counted from 0.
    split : {"training", "test"}

    Returns
    -------
    dict
        As published: ``raw_eeg_data`` (64, samples) float64, volts and in the last row events; ``ch_names``,
        ``ch_types``, ``sfreq``, ``highpass``, ``lowpass``.
    """
    rng = np.random.default_rng([specification.seed, 5, number, session, SPLITS.index(split)])
    events = _order_of_events(specification, number, session, split, rng)
    onsets = _REST + specification.interval * np.arange(len(events))
    samples = 2 * _REST + specification.interval * len(events)
    subject = eeg.virtual_subject(number, len(CHANNELS), specification.seed)
    data = np.zeros((len(CHANNELS) + 1, samples))
    data[:-1] = _VOLT * _noise(subject, samples, rng)
    responses = _VOLT * specification.signal * _evoked(specification, subject, split)
    for onset, event in zip(onsets, events, strict=True):
        if event != TARGET_EVENT:
            data[:-1, onset : onset + responses.shape[-1]] += responses[event - 1]
    data[-1, onsets] = events
    return {
        "raw_eeg_data": data,
        "ch_names": [*CHANNELS, "stim"],
        "ch_types": ["eeg"] * len(CHANNELS) + ["stim"],
        "sfreq": SAMPLING_HZ,
        "highpass": 0.01,
        "lowpass": 100,
    }


def _order_of_events(
    specification: RawSpecification, number: int, session: int, split: str, rng: np.random.Generator
) -> np.ndarray:
    """Draw the order of a session's trials, targets among them: (trials,) int64 array of event numbers."""
    if split == "test":
        images, repetitions = np.arange(specification.test_images), specification.test_repetitions
    else:
        # Sessions 0 and 1 share the images out between them, and so do 2 and 3, in another way.
        sharing = np.random.default_rng([specification.seed, 6, number, session // 2])
        half = specification.training_images // 2
        images = sharing.permutation(specification.training_images).reshape(2, half)[session % 2]
        repetitions = specification.training_repetitions
    targets = np.full(specification.targets, TARGET_EVENT)
    return rng.permutation(np.concatenate([np.repeat(images + 1, repetitions), targets]))


def _evoked(specification: RawSpecification, subject: eeg.VirtualSubject, split: str) -> np.ndarray:
    """Responses to all images of a split over 0.6 s: (images, 63, 600) float64 array, in units of the noise."""
    n_images = specification.test_images if split == "test" else specification.training_images
    rng = np.random.default_rng([specification.seed, 7, SPLITS.index(split)])
    times = np.arange(int(0.6 * SAMPLING_HZ)) / SAMPLING_HZ
    evoked = np.zeros((n_images, len(CHANNELS), len(times)))
    for area in eeg.AREAS:
        components = rng.standard_normal((n_images, eeg.COMPONENTS)) * subject.weights[area]
        evoked += np.einsum("ic,t->ict", components @ subject.mixing[area], eeg.time_course(area, times))
    return evoked


def _noise(subject: eeg.VirtualSubject, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise with the subject's correlation of channels, slow and fast in equal parts: (63, samples) float64 array."""
    from scipy.signal import lfilter

    memory = 0.98
    white = rng.standard_normal((2, len(CHANNELS), samples))
    slow = lfilter([np.sqrt(1 - memory**2)], [1.0, -memory], white[0])
    return subject.noise_mixing @ (slow + white[1]) / np.sqrt(2)
