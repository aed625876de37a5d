"""Stimuli of a simulated Shen2019 or Horikawa2017: names, numbers and pictures, in the order of the image index."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from brainscore_realnet.simulation.artificial_images import SHAPES, draw_letter, draw_shape
from brainscore_realnet.simulation.images import draw_image


@dataclass(frozen=True)
class Stimulus:
    """One image.

    Attributes
    ----------
    name : str
        As loaders name it: ``n90000001_17``, ``shape_01``, ``letter_01``.
    path : str
        Relative to the set's folder.
    category : int
        Concept, form of a shape, or letter, counted from 1.
    identifier : float
        ``90000001.000017`` for a natural image, the number of a shape or letter.
    draw : callable
        Gives the picture.
    """

    name: str
    path: str
    category: int
    identifier: float
    draw: Callable[[], Image.Image]


def natural_images(
    split: str, first_concept: int, concepts: int, exemplars: int, synset: int, seed: int, size: int
) -> list[Stimulus]:
    """Images of concepts with names and numbers of ImageNet's kind.

    Parameters
    ----------
    split : str
        Names the folder.
    first_concept, concepts, exemplars : int
        Concepts ``first_concept`` … ``first_concept + concepts − 1``, so many images of each.
    synset : int
        Number of concept 0, of eight digits.
    seed, size : int
        As of :func:`~brainscore_realnet.simulation.images.draw_image`.

    Returns
    -------
    list of Stimulus
        Sorted by name, as the published lists are: ``n90000001_10042`` stands before ``n90000001_5958``.
    """
    found = []
    for category, concept in enumerate(range(first_concept, first_concept + concepts), start=1):
        numbers = 1 + np.random.default_rng([seed, 15, concept]).choice(99_999, exemplars, replace=False)
        for exemplar, number in enumerate(numbers):
            name = f"n{synset + concept:08d}_{number}"
            # Six decimals hold the number of the image: the published form, exact in float64 only.
            identifier = float(f"{synset + concept}.{number:06d}")
            draw = partial(draw_image, concept, exemplar, seed, size)
            found.append(Stimulus(name, f"images/natural_{split}/{name}.JPEG", category, identifier, draw))
    return sorted(found, key=lambda stimulus: stimulus.name)


def shapes(n: int, size: int) -> list[Stimulus]:
    """Give the first ``n`` coloured shapes."""
    return [
        Stimulus(
            f"shape_{number + 1:02d}",
            f"images/shapes/shape_{number + 1:02d}.tiff",
            number % len(SHAPES) + 1,
            float(number + 1),
            partial(draw_shape, number, size),
        )
        for number in range(n)
    ]


def letters(n: int, size: int) -> list[Stimulus]:
    """Give the first ``n`` letters."""
    return [
        Stimulus(
            f"letter_{number + 1:02d}",
            f"images/letters/letter_{number + 1:02d}.tif",
            number + 1,
            float(number + 1),
            partial(draw_letter, number, size),
        )
        for number in range(n)
    ]
