"""Which images are trained on and which are held out, and whose signals an image gets in the ``unpaired`` control."""

from collections.abc import Sequence
from math import floor

import numpy as np

from brainscore_realnet.errors import BadInputError


def holdout(concepts: Sequence[str], fraction: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Divide the images by concept into those to train on and those to validate on.

    Of n concepts, fraction · n rounded to the nearest whole number (halves up) are held out, at least one and at most
    n − 1; none when the fraction is 0. Which they are depends on the seed and the names of the concepts only.

    Parameters
    ----------
    concepts : sequence of str
        One an image.
    fraction : float
        0 … 0.5.
    seed : int

    Returns
    -------
    training, validation : ndarray of int64
        Indices of images, ascending; together all of them, and no concept is in both.

    Raises
    ------
    BadInputError
        A fraction out of range, or a single concept of which none can be held out.
    """
    if not 0 <= fraction <= 0.5:
        raise BadInputError(f"Got {fraction} of the concepts to hold out: expected 0 to 0.5.")
    names = np.unique(concepts)
    if fraction and len(names) < 2:
        raise BadInputError(f"Got one concept, {names[0]}: expected two or more to hold one out. Use holdout=0.")
    n_held = min(max(1, floor(fraction * len(names) + 0.5)), len(names) - 1) if fraction else 0
    held = np.random.default_rng([seed, 1]).permutation(names)[:n_held]
    in_validation = np.isin(concepts, held)
    return np.flatnonzero(~in_validation), np.flatnonzero(in_validation)


def derangement(concepts: Sequence[str], seed: int) -> np.ndarray:
    """Give every image another image's signals: the ``unpaired`` control.

    A random permutation is mended by swaps until it is what is promised: no image keeps its own signals, and none gets
    signals of its own concept; where one concept has more than half of the images that is impossible, and as few as
    can be do.

    Parameters
    ----------
    concepts : sequence of str, length n
        One an image, of the images that are trained on.
    seed : int

    Returns
    -------
    ndarray of int64, shape (n,)
        A permutation: image i gets the signals of image ``derangement[i]``.

    Raises
    ------
    BadInputError
        Fewer than two images.
    """
    n_images = len(concepts)
    if n_images < 2:
        raise BadInputError(f"Got {n_images} images to unpair: expected at least two.")
    rng = np.random.default_rng([seed, 2])
    _, own = np.unique(list(concepts), return_inverse=True)
    order = rng.permutation(n_images)
    for image in np.flatnonzero(own[order] == own):
        if own[order[image]] != own[image]:  # mended by an earlier swap
            continue
        # after the swap neither of the two has signals of its own concept, so every swap mends at least one
        partners = np.flatnonzero((own != own[image]) & (own[order] != own[image]))
        if partners.size:
            other = rng.choice(partners)
            order[[image, other]] = order[[other, image]]
    for image in np.flatnonzero(order == np.arange(n_images)):
        if order[image] == image:
            other = rng.choice(np.flatnonzero((own == own[image]) & (np.arange(n_images) != image)))
            order[[image, other]] = order[[other, image]]
    return order
