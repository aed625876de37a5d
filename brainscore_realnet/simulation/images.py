"""Procedural images by concept: a shape, a palette and a texture of its own, with an exemplar's variations."""

import numpy as np
from PIL import Image

from brainscore_realnet.simulation.concepts import concept as described

SHAPES = ("disc", "square", "triangle", "star", "ring", "cross")


def draw_image(concept: int, exemplar: int, seed: int, size: int) -> Image.Image:
    """Draw one exemplar of a concept.

    Parameters
    ----------
    concept, exemplar, seed : int
        Together they determine every pixel. The concept fixes the shape, its texture and the palette; the exemplar
        moves, turns and scales the shape and changes the background.
    size : int
        Width and height in pixels.

    Returns
    -------
    PIL.Image.Image
        RGB, ``size`` × ``size``.
    """
    drawn = described(concept, seed)
    of_exemplar = np.random.default_rng([seed, 2, concept, exemplar])
    grid = np.linspace(-1.0, 1.0, size)
    x, y = np.meshgrid(grid, grid)

    scale = drawn.size * of_exemplar.uniform(0.9, 1.1)

    turn = of_exemplar.uniform(-0.3, 0.3)
    shift_x, shift_y = of_exemplar.uniform(-0.15, 0.15, 2)
    u = ((x - shift_x) * np.cos(turn) + (y - shift_y) * np.sin(turn)) / scale
    v = (-(x - shift_x) * np.sin(turn) + (y - shift_y) * np.cos(turn)) / scale

    texture = _grating(x, y, drawn.frequency, drawn.orientation)[..., None]
    figure = drawn.colours[0] * texture + drawn.colours[1] * (1.0 - texture)
    pixels = np.where(_inside(SHAPES[drawn.shape], u, v)[..., None], figure, _background(x, y, of_exemplar))
    return Image.fromarray((np.clip(pixels, 0.0, 1.0) * 255).astype(np.uint8))


def _grating(x: np.ndarray, y: np.ndarray, frequency: float, orientation: float) -> np.ndarray:
    phase = frequency * (x * np.cos(orientation) + y * np.sin(orientation))
    return 0.5 + 0.5 * np.sign(np.sin(phase))


def _background(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    colours = rng.uniform(0.2, 0.8, (2, 3))
    blend = _grating(x, y, rng.uniform(1.0, 12.0), rng.uniform(0.0, np.pi))[..., None]
    return colours[0] + (colours[1] - colours[0]) * blend


def _inside(shape: str, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    radius, angle = np.hypot(u, v), np.arctan2(v, u)
    outlines = {
        "disc": radius < 0.8,
        "square": np.maximum(abs(u), abs(v)) < 0.7,
        "triangle": (v > -0.5) & (v < 0.8 - 1.6 * abs(u)),
        "star": radius < 0.55 + 0.3 * np.cos(5 * angle),
        "ring": (radius < 0.85) & (radius > 0.45),
        "cross": (np.minimum(abs(u), abs(v)) < 0.25) & (np.maximum(abs(u), abs(v)) < 0.85),
    }
    return outlines[shape]
