"""Simulated fMRI of one virtual subject: voxel responses made from the activity of a hidden network's areas.

    y_i,r,v = o_v + g_v (signal · Σ_a √f_a Σ_k w_s,roi,a,k  p_a,i,k  m_s,roi,a,k,v  +  noise_i,r,v)

for voxel v of a region: p_a the leading principal components of area a's activity, f_a the power of area a in the
region, w how strongly subject s weighs each component there, m the subject's mixing of components into the region's
voxels, o_v what the voxel answers to any image and g_v its gain, in percent signal change. Noise is correlated between
neighbouring voxels, across the borders of regions too, and independent from trial to trial.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice

import numpy as np

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.simulation.components import AREAS

COMPONENTS = 16
"""More than for EEG: natural images, shapes and letters share the components of one brain."""

POWERS: dict[str, dict[str, float]] = {
    "V1": {"V1": 1.0},
    "V2": {"V2": 1.0},
    "V3": {"V2": 0.6, "V4": 0.6},
    "V4": {"V4": 1.0},
    "LOC": {"IT": 0.7},
    "FFA": {"IT": 0.7},
    "PPA": {"IT": 0.7},
}
"""Areas of the hidden network that a region's responses are made of, and the power of each in squared distances."""

CENTRES = {
    "V1": (8.0, -90.0, 0.0),
    "V2": (14.0, -88.0, 12.0),
    "V3": (22.0, -86.0, -6.0),
    "V4": (28.0, -78.0, -14.0),
    "LOC": (42.0, -72.0, -2.0),
    "FFA": (40.0, -50.0, -18.0),
    "PPA": (26.0, -44.0, -10.0),
}
"""Rough middle of each region in the right hemisphere (x, y, z), mm, when regions have ``USUAL_VOXELS``."""
POLE = (14.0, -88.0, 0.0)
"""Place that regions move towards when they have fewer voxels, so that they keep touching each other."""
USUAL_VOXELS = 500

VOXEL_SIZE = 3.0
"""Width of a voxel, mm."""
NOISE_REACH = 4.0
"""Distance over which the correlated part of the noise falls by e, mm."""
GAIN = 0.8
"""Median of the voxels' gain: percent signal change of one standard deviation of noise."""


@dataclass(frozen=True)
class VirtualCortex:
    """Visual cortex of one virtual subject, its voxels in the order of the columns of a file.

    Attributes
    ----------
    roi : (n_voxels,) str array
        Region of each voxel.
    coordinates : (n_voxels, 3) float64 array
        Middle of each voxel, mm.
    mixing : dict of region to dict of area to (COMPONENTS, n_roi_voxels) float64 array
        Response of the region's voxels to each component, with the subject's weights.
    offset, gain : (n_voxels,) float64 array
        Percent signal change.
    noise_mixing : (n_voxels, n_voxels) float64 array
        Lower root of the voxels' noise covariance, which has about one on its diagonal.
    """

    roi: np.ndarray
    coordinates: np.ndarray
    mixing: dict[str, dict[str, np.ndarray]]
    offset: np.ndarray
    gain: np.ndarray
    noise_mixing: np.ndarray


def fewest_voxels(rois: tuple[str, ...]) -> int:
    """Voxels that regions need to hold the components of their areas side by side, and one more."""
    return 1 + COMPONENTS * max((len(POWERS[roi]) for roi in rois if roi in POWERS), default=0)


def virtual_cortex(number: int, rois: tuple[str, ...], voxels: int, seed: int) -> VirtualCortex:
    """Draw the cortex of a subject; the same numbers give the same cortex.

    Parameters
    ----------
    number : int
        The subject, counted from 1.
    rois : tuple of str
        Regions, each a key of ``POWERS``.
    voxels : int
        Voxels of a region, at least :func:`fewest_voxels`.
    seed : int

    Raises
    ------
    BadInputError
        A region is unknown, or has too few voxels.
    """
    unknown = [roi for roi in rois if roi not in POWERS]
    if unknown or voxels < fewest_voxels(rois):
        raise BadInputError(
            f"Got regions {', '.join(rois)} of {voxels} voxels; expected regions out of {', '.join(POWERS)} with at "
            f"least {fewest_voxels(rois)} voxels each."
        )
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng([seed, 13, number])
    roi, coordinates = _placed(rois, voxels, rng)
    mixing = {one: _mixing(one, voxels, rng) for one in rois}
    gain = GAIN * np.exp(0.3 * rng.standard_normal(len(roi)))
    # What all images share dominates patterns of real voxels too; 1 − Pearson then follows the images' distances.
    offset = 2.0 * gain * rng.standard_normal(len(roi))
    covariance = 0.4 * np.exp(-cdist(coordinates, coordinates) / NOISE_REACH)
    covariance += np.diag(0.6 * rng.uniform(0.5, 1.5, len(roi)))
    return VirtualCortex(roi, coordinates, mixing, offset, gain, np.linalg.cholesky(covariance))


def _placed(rois: tuple[str, ...], voxels: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Grow every region around its middle in both hemispheres; voxels in the order of a scanner's slices."""
    taken: dict[tuple[int, int, int], str] = {}
    spread = (voxels / USUAL_VOXELS) ** (1 / 3)
    for roi in rois:
        for side, size in ((1, voxels - voxels // 2), (-1, voxels // 2)):
            middle = np.array(POLE) + spread * np.subtract(CENTRES[roi], POLE) + rng.normal(0.0, 1.5, 3)
            for index in _nearest(middle * (side, 1, 1) / VOXEL_SIZE, side, taken, size):
                taken[index] = roi
    indices = sorted(taken, key=lambda index: index[::-1])
    return np.array([taken[index] for index in indices]), VOXEL_SIZE * np.array(indices, dtype=np.float64)


def _nearest(
    middle: np.ndarray, side: int, taken: Mapping[tuple[int, int, int], str], size: int
) -> list[tuple[int, int, int]]:
    """Indices of the ``size`` free voxels of a hemisphere that are nearest to a place in it."""
    # Half of the cube lies in the hemisphere and holds four times the taken and wanted voxels.
    half = int(np.ceil((len(taken) + size) ** (1 / 3))) + 1
    steps = np.arange(-half, half + 1)
    cube = np.round(middle).astype(int) + np.stack(np.meshgrid(steps, steps, steps), axis=-1).reshape(-1, 3)
    cube = cube[side * cube[:, 0] > 0]
    order = np.argsort(((cube - middle) ** 2).sum(axis=1), kind="stable")
    indices = ((int(x), int(y), int(z)) for x, y, z in cube[order])
    return list(islice((index for index in indices if index not in taken), size))


def _mixing(roi: str, voxels: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Mixing of a region's areas into its voxels, without overlap between components: area -> (COMPONENTS, voxels)."""
    powers = POWERS[roi]
    orthonormal, triangular = np.linalg.qr(rng.standard_normal((voxels, COMPONENTS * len(powers))))
    # Scaled by the number of voxels, so that a voxel's signal does not depend on it.
    axes = (orthonormal * np.sign(np.diag(triangular))).T.reshape(len(powers), COMPONENTS, voxels) * np.sqrt(voxels)
    return {
        area: np.sqrt(power) * (_region_weights(roi) * np.exp(0.35 * rng.standard_normal(COMPONENTS)))[:, None] * own
        for (area, power), own in zip(powers.items(), axes, strict=True)
    }


def _region_weights(roi: str) -> np.ndarray:
    """Weights of the components that all subjects share: regions fed by one area differ in them."""
    if roi not in ("FFA", "PPA"):
        return np.ones(COMPONENTS)
    weights = np.exp(0.6 * np.random.default_rng([17, ("FFA", "PPA").index(roi)]).standard_normal(COMPONENTS))
    return weights / np.sqrt(np.mean(weights**2))


def simulate_responses(
    components: Mapping[str, np.ndarray],
    shown: np.ndarray,
    cortex: VirtualCortex,
    signal: float,
    rng: np.random.Generator,
    vividness: Mapping[str, float] | None = None,
) -> np.ndarray:
    """Responses of all voxels in a sequence of trials.

    Parameters
    ----------
    components : dict of area to (n_images, COMPONENTS) float array
        From :meth:`~brainscore_realnet.simulation.components.ComponentAxes.scores`.
    shown : (n_trials,) int array
        Row of the image that each trial shows.
    cortex : VirtualCortex
    signal : float
        Amplitude of the responses relative to the noise's standard deviation of about 1.
    rng : numpy.random.Generator
        Source of the noise.
    vividness : dict of region to float, optional
        Factor of the signal in a region, 1 where it is not named: imagined images answer less than seen ones.

    Returns
    -------
    (n_trials, n_voxels) float64 array
        Percent signal change.

    Raises
    ------
    BadInputError
        An area's components are missing or of another number.
    """
    wrong = {area: np.shape(values) for area, values in components.items() if np.shape(values)[1:] != (COMPONENTS,)}
    if wrong or set(AREAS) - set(components):
        raise BadInputError(
            f"Got components of {tuple(components)}, of these with wrong shapes {wrong}; expected (n_images, "
            f"{COMPONENTS}) for each of {AREAS}."
        )
    responses = rng.standard_normal((len(shown), len(cortex.roi))) @ cortex.noise_mixing.T
    for roi, of_areas in cortex.mixing.items():
        evoked = np.sum([components[area] @ mixing for area, mixing in of_areas.items()], axis=0)
        responses[:, cortex.roi == roi] += (vividness or {}).get(roi, 1.0) * signal * evoked[shown]
    return cortex.offset + cortex.gain * responses
