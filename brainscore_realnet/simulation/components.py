"""Principal components of the hidden network's activity: what every virtual subject's signals are mixed from."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

AREAS = ("V1", "V2", "V4", "IT")
COMPONENTS = 10

IMAGES_TO_FIT = 500
"""At most so many images determine the components."""


@dataclass(frozen=True)
class ComponentAxes:
    """Principal components of an area's activity, fitted once and applied to every image.

    Attributes
    ----------
    mean : (n_features,) float64 array
    axes : (n_features, n_components) float64 array
        Scaled so that two fitted images lie a mean squared distance of one apart.
    """

    mean: np.ndarray
    axes: np.ndarray

    @classmethod
    def fit(cls, features: np.ndarray, n_components: int = COMPONENTS) -> "ComponentAxes":
        """Fit on ``features`` (n_images, n_features) with more than ``n_components`` images."""
        z = _standardised(features)
        mean = z.mean(axis=0)
        _, singular_values, right = np.linalg.svd(z - mean, full_matrices=False)
        axes = right[:n_components].T
        # Singular vectors are known up to their sign: make the largest entry positive, so that machines agree.
        axes = axes * np.sign(axes[np.abs(axes).argmax(axis=0), np.arange(n_components)])
        mean_squared_distance = 2.0 * (singular_values[:n_components] ** 2).sum() / len(features)
        axes = axes / np.sqrt(mean_squared_distance)
        return cls(mean, axes)

    def scores(self, features: np.ndarray) -> np.ndarray:
        """Map activity (n_images, n_features) to components (n_images, n_components)."""
        return (_standardised(features) - self.mean) @ self.axes


def fitted_components(
    features: Mapping[str, Mapping[str, np.ndarray]], n_components: int = COMPONENTS
) -> dict[str, dict[str, np.ndarray]]:
    """Fit one set of axes an area on the images of all splits and map these to components.

    Parameters
    ----------
    features : dict of split to dict of area to (n_images, n_features) float array
        The first ``IMAGES_TO_FIT`` images, in the order of the splits, determine the axes.
    n_components : int

    Returns
    -------
    dict of split to dict of area to (n_images, n_components) float64 array
    """
    components: dict[str, dict[str, np.ndarray]] = {split: {} for split in features}
    for area in AREAS:
        fitted = np.concatenate([of_areas[area] for of_areas in features.values()])[:IMAGES_TO_FIT]
        axes = ComponentAxes.fit(fitted, n_components)
        for split, of_areas in features.items():
            components[split][area] = axes.scores(of_areas[area])
    return components


def _standardised(features: np.ndarray) -> np.ndarray:
    """Z-score each image over features, so that squared distances equal 2 n (1 − Pearson)."""
    z = features.astype(np.float64)
    z -= z.mean(axis=1, keepdims=True)
    return z / z.std(axis=1, keepdims=True)
