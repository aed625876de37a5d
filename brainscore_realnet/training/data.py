"""What a network is trained on: images, concepts, and one subject's or several subjects' signals to the images."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.store import sha256_bytes


@dataclass(frozen=True)
class TrainingData:
    """Training images and one subject's signals to them.

    Raises
    ------
    BadInputError
        No image; not as many signals and concepts as images; signals of another size or dtype than is said, not
        finite (the image is named), or all equal.
    """

    dataset: str
    """Name of the data set in the store"""
    subject: str | None
    """``sub-01`` …; None without signals"""
    images: tuple[Path, ...]
    """In the order of the signals"""
    concepts: tuple[str, ...]
    """One an image: THINGS uniqueIDs or ImageNet synsets"""
    signals: np.ndarray
    """(images, signals) float32, without unit: mean 0 and standard deviation 1 over all values"""
    signal_shape: tuple[int, ...]
    """What an image's signals are: (channels, samples) of EEG, (components,) of fMRI, (0,) without signals"""
    mean: float
    """That was taken off"""
    std: float
    """That was divided by, with n in the denominator"""
    ch_names: tuple[str, ...]
    """Of EEG, in the order of the signals; else empty"""
    times: tuple[float, ...]
    """Of EEG, seconds from image onset; else empty"""
    images_sha256: str
    """Hash over the contents of the images in their order"""
    sha256: str
    """Hash over all that went in, signals and contents of the images"""

    def __post_init__(self) -> None:
        n_images, whose = len(self.images), f"{self.subject or 'nobody'} in {self.dataset}"
        refuse_other_counts(len(self.signals), n_images, len(self.concepts), whose)
        if self.signals.shape[1:] != (prod(self.signal_shape),) or self.signals.dtype != np.float32:
            raise BadInputError(
                f"Got {self.signals.dtype} signals of shape {self.signals.shape} of {whose}: expected float32 of shape "
                f"({n_images}, {prod(self.signal_shape)}) for signals of {self.signal_shape} an image."
            )
        refuse_unusable(self.signals, self.images, whose)

    @property
    def n_signals(self) -> int:
        """Signals an image: 17 channels × 20 samples = 340 of EEG."""
        return prod(self.signal_shape)


@dataclass(frozen=True)
class AcrossSubjects:
    """Several subjects' signals to the same images, for one trunk with a head for each subject."""

    by_subject: tuple[TrainingData, ...]
    """Different subjects in the order given"""
    images: tuple[Path, ...]
    """The same for all"""
    concepts: tuple[str, ...]
    """One an image"""
    sha256: str
    """Hash over all that went in"""

    @property
    def n_signals(self) -> int:
        """Signals an image and subject."""
        return self.by_subject[0].n_signals


def across_subjects(by_subject: Sequence[TrainingData]) -> AcrossSubjects:
    """Join several subjects' data to the same images; each subject keeps its own mean and standard deviation.

    Raises
    ------
    BadInputError
        No subject, one twice, or other images or signals than the first one's.
    """
    names = [data.subject for data in by_subject]
    if not names or None in names or len(set(names)) < len(names):
        raise BadInputError(f"Got the subjects {', '.join(map(str, names)) or 'none'}: expected different ones.")
    first = by_subject[0]
    for data in by_subject[1:]:
        for what in ("images_sha256", "concepts", "signal_shape", "ch_names", "times"):
            if getattr(data, what) != getattr(first, what):
                raise BadInputError(
                    f"Got other {what.partition('_sha256')[0]} of {data.subject} than of {first.subject}: expected the "
                    "same for one model across subjects. Train on recordings of one kind."
                )
    sha256 = sha256_bytes(*(bytes.fromhex(data.sha256) for data in by_subject))
    return AcrossSubjects(tuple(by_subject), first.images, first.concepts, sha256)


def refuse_other_counts(n_signals: int, n_images: int, n_concepts: int, whose: str) -> None:
    """Refuse numbers that are not the same, or none."""
    if not n_signals == n_images == n_concepts or not n_images:
        raise BadInputError(
            f"Got {n_signals} signals, {n_images} images and {n_concepts} concepts of {whose}: expected as many of "
            "each, and at least one. Register recordings and images that belong together."
        )


def refuse_unusable(values: np.ndarray, images: Sequence[Path], whose: str) -> None:
    """Refuse values of shape (images, …) that are not finite, the first image with one named, or all equal."""
    finite = np.isfinite(values).reshape(len(values), -1).all(axis=1)
    if not finite.all():
        first = int(np.argmin(finite))
        raise BadInputError(
            f"Got NaN or infinite signals of {whose} to {int((~finite).sum())} images, the first is {images[first]}: "
            "expected finite numbers. Register the recording anew."
        )
    if values.size and values.min() == values.max():
        raise BadInputError(
            f"Got signals of {whose} that are all {values.flat[0]:g}: expected signals that vary. Register the "
            "recording anew."
        )
