"""What the concepts of procedural images are: a shape, its colours, texture and size.

`properties` are what responses to concepts are made of: the colours and the size of a concept's objects, the same for
all its exemplars, whatever their place, turn and background.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

N_SHAPES = 6

COLOURS = (0.05, 0.95)
FREQUENCIES = (3.0, 22.0)
SIZES = (0.35, 0.8)

PROPERTIES = ("lightness", "red-green", "blue-yellow", "contrast", "size")
"""What a virtual subject may weigh: of the mean of the two stripes' colours, R + G + B, R − G and 2 B − R − G; how far
the two are apart; and the size of the shape."""


@dataclass(frozen=True)
class Concept:
    """What all images of a concept have in common."""

    shape: int
    """0 … `N_SHAPES` − 1"""
    colours: np.ndarray
    """(2, 3) float64: RGB in 0 … 1 of the two stripes"""
    frequency: float
    """Stripes' angular frequency, radians per half image width"""
    orientation: float
    """Of the stripes, radians in 0 … π"""
    size: float
    """Half width of the shape, as a part of half the image's width"""


def concept(number: int, seed: int) -> Concept:
    """Draw concept ``number`` of the images of a seed, as `simulation.images.draw_image` draws it."""
    rng = np.random.default_rng([seed, 1, number])
    shape, colours = int(rng.integers(N_SHAPES)), rng.uniform(*COLOURS, (2, 3))
    frequency, orientation = rng.uniform(*FREQUENCIES), rng.uniform(0.0, np.pi)
    return Concept(shape, colours, frequency, orientation, rng.uniform(*SIZES))


def properties(numbers: Sequence[int], seed: int) -> np.ndarray:
    """Describe concepts by numbers that all count the same.

    Parameters
    ----------
    numbers : sequence of int
        Concepts.
    seed : int
        Of their images.

    Returns
    -------
    (n_concepts, len(PROPERTIES)) float64 array
        A concept's numbers do not depend on which others there are. Over all possible concepts each property has mean 0
        and the same variance, such that two concepts lie a mean squared distance of 1 apart.
    """
    concepts = [concept(number, seed) for number in numbers]
    red, green, blue = np.stack([one.colours.mean(axis=0) for one in concepts]).T
    contrast = np.array([np.abs(np.subtract(*one.colours)).sum() for one in concepts])
    raw = (red + green + blue, red - green, 2 * blue - red - green, contrast, np.array([one.size for one in concepts]))
    # Of independent draws, the mean squared distance is twice the summed variance.
    scaled = [
        (values - mean) / np.sqrt(2 * len(PROPERTIES) * variance)
        for values, (mean, variance) in zip(raw, _MOMENTS, strict=True)
    ]
    return np.stack(scaled, axis=1)


_RANGE = COLOURS[1] - COLOURS[0]
_OF_A_COLOUR = _RANGE**2 / 12 / 2  # variance of the mean of two uniform draws
_MOMENTS = (
    (3 * (COLOURS[0] + COLOURS[1]) / 2, 3 * _OF_A_COLOUR),
    (0.0, 2 * _OF_A_COLOUR),
    (0.0, 6 * _OF_A_COLOUR),
    (_RANGE, _RANGE**2 / 6),
    ((SIZES[0] + SIZES[1]) / 2, (SIZES[1] - SIZES[0]) ** 2 / 12),
)
"""Mean and variance of each property over all possible concepts."""
