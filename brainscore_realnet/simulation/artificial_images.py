"""Coloured shapes and letters, drawn as in reconstruction experiments: one figure in the middle of an even field."""

from itertools import pairwise

import numpy as np
from PIL import Image

SHAPES = ("square", "small frame", "large frame", "plus", "cross")
COLOURS = {
    "red": (1.0, 0.1, 0.1),
    "green": (0.1, 0.8, 0.1),
    "blue": (0.1, 0.2, 1.0),
    "cyan": (0.1, 0.9, 0.9),
    "magenta": (0.9, 0.1, 0.9),
    "yellow": (0.95, 0.9, 0.1),
    "white": (1.0, 1.0, 1.0),
    "black": (0.0, 0.0, 0.0),
    "orange": (1.0, 0.55, 0.0),
    "purple": (0.4, 0.0, 0.55),
}
SHAPE_COLOURS = tuple(COLOURS)[:8]
N_SHAPES = len(SHAPES) * len(SHAPE_COLOURS)

# Corners of each stroke as (x, y), from −1 at the left and bottom to 1 at the right and top.
LETTERS = {
    "A": (((-0.8, -1), (0, 1), (0.8, -1)), ((-0.4, -0.2), (0.4, -0.2))),
    "C": (((0.7, 0.7), (0.2, 1), (-0.4, 0.9), (-0.8, 0), (-0.4, -0.9), (0.2, -1), (0.7, -0.7)),),
    "E": (((0.7, 1), (-0.7, 1), (-0.7, -1), (0.7, -1)), ((-0.7, 0), (0.5, 0))),
    "I": (((0, -1), (0, 1)),),
    "N": (((-0.7, -1), (-0.7, 1), (0.7, -1), (0.7, 1)),),
    "O": (((0, 1), (-0.6, 0.7), (-0.8, 0), (-0.6, -0.7), (0, -1), (0.6, -0.7), (0.8, 0), (0.6, 0.7), (0, 1)),),
    "R": (((-0.6, -1), (-0.6, 1), (0.3, 1), (0.7, 0.6), (0.3, 0.1), (-0.6, 0.1)), ((0, 0.1), (0.7, -1))),
    "S": (((0.7, 0.8), (0, 1), (-0.6, 0.6), (-0.4, 0.1), (0.4, -0.1), (0.6, -0.6), (0, -1), (-0.7, -0.8)),),
    "T": (((-0.8, 1), (0.8, 1)), ((0, 1), (0, -1))),
    "U": (((-0.7, 1), (-0.7, -0.5), (-0.4, -0.9), (0, -1), (0.4, -0.9), (0.7, -0.5), (0.7, 1)),),
}
N_LETTERS = len(LETTERS)


def draw_shape(number: int, size: int) -> Image.Image:
    """Draw shape ``number`` (0 … 39: five forms in eight colours) on grey, RGB, ``size`` × ``size`` pixels."""
    u, v = _grid(size, scale=0.7)
    colour = COLOURS[SHAPE_COLOURS[number // len(SHAPES)]]
    return _painted(_inside(SHAPES[number % len(SHAPES)], u, v), colour)


def draw_letter(number: int, size: int) -> Image.Image:
    """Draw letter ``number`` (0 … 9) in a colour of its own on grey, RGB, ``size`` × ``size`` pixels."""
    # Letters of one colour have the same geometry for all convolutional networks: they could not tell models apart.
    u, v = _grid(size, scale=0.6)
    strokes = tuple(LETTERS.values())[number]
    distances = [_distance(u, v, start, end) for stroke in strokes for start, end in pairwise(stroke)]
    return _painted(np.min(distances, axis=0) < 0.17, tuple(COLOURS.values())[number])


def _grid(size: int, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Coordinates of the pixels in units of a figure's half width, the vertical one upwards."""
    grid = np.linspace(-1.0, 1.0, size) / scale
    u, v = np.meshgrid(grid, -grid)
    return u, v


def _inside(shape: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    edge, diagonal = np.maximum(abs(u), abs(v)), np.minimum(abs(u + v), abs(u - v)) / np.sqrt(2)
    outlines = {
        "square": edge < 0.6,
        "small frame": (edge < 0.6) & (edge > 0.3),
        "large frame": (edge < 1.0) & (edge > 0.7),
        "plus": (np.minimum(abs(u), abs(v)) < 0.2) & (edge < 1.0),
        "cross": (diagonal < 0.2) & (edge < 0.9),
    }
    return outlines[shape]


def _distance(u: np.ndarray, v: np.ndarray, start: tuple[float, float], end: tuple[float, float]) -> np.ndarray:
    """Distance of every pixel to the segment between two points."""
    along = np.subtract(end, start)
    share = np.clip(((u - start[0]) * along[0] + (v - start[1]) * along[1]) / (along @ along), 0.0, 1.0)
    return np.hypot(u - start[0] - share * along[0], v - start[1] - share * along[1])


def _painted(inside: np.ndarray, colour: tuple[float, float, float]) -> Image.Image:
    pixels = np.where(inside[..., None], np.array(colour), 0.5)
    return Image.fromarray((pixels * 255).astype(np.uint8))
