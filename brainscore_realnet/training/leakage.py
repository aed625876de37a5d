"""No test image and no test concept is ever trained on: what is on the test side, and the check."""

import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from brainscore_realnet.datasets import kamitani, things_eeg2
from brainscore_realnet.datasets.things_eeg2.images import has_images as has_eeg_images
from brainscore_realnet.datasets.things_eeg2.images import metadata
from brainscore_realnet.errors import BadInputError, MissingDataError
from brainscore_realnet.store import sha256_file
from brainscore_realnet.training.data import TrainingData


def refuse_test_images(data: TrainingData, test_images: Sequence[Path], test_concepts: Sequence[str]) -> None:
    """Raise BadInputError, which names it, when a test image or concept is among the training images.

    Images are compared by content, so that a copy under another name is found; only those of equal size are read.
    """
    if shared := sorted(set(data.concepts) & set(test_concepts)):
        raise BadInputError(
            f"Got {len(shared)} test concepts among the training images of {data.dataset}, the first is {shared[0]} "
            f"({data.images[data.concepts.index(shared[0])]}): expected none. Take its images out of the training set."
        )
    by_size: dict[int, list[Path]] = {}
    for image in test_images:
        by_size.setdefault(image.stat().st_size, []).append(image)
    hashes: dict[int, dict[str, Path]] = {}
    for image in data.images if by_size else ():
        size = image.stat().st_size
        if size not in by_size:
            continue
        if size not in hashes:
            hashes[size] = {sha256_file(test_image): test_image for test_image in by_size[size]}
        if same := hashes[size].get(sha256_file(image)):
            raise BadInputError(
                f"Got the test image {same} among the training images of {data.dataset}, as {image}: expected none. "
                "Take it out of the training set."
            )


def eeg_test_side(name: str) -> tuple[list[Path], list[str]]:
    """Give the test images, where they are registered, and the test concepts, which the metadata always list."""
    lists = metadata(name)
    return _paths(things_eeg2.open_images, has_eeg_images, name), list(lists["test"].unique_ids) if lists else []


def fmri_test_side(name: str) -> tuple[list[Path], list[str]]:
    """Give the test images and concepts where they are registered."""
    stimuli = kamitani.same_stimuli("test", name) if kamitani.subjects("test", name) else ()
    synsets = [stimulus.partition("_")[0] for stimulus in stimuli]
    return _paths(kamitani.open_images, kamitani.has_images, name), synsets


def _paths(open_images: Callable[..., Any], has_images: Callable[..., bool], name: str) -> list[Path]:
    # training needs no test images: some that were moved away do no harm
    with contextlib.suppress(MissingDataError):
        if has_images("test", name):
            return [Path(row["path"]) for row in open_images("test", name).rows]
    return []
