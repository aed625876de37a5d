"""Simulated EEG of one virtual subject, made from the activity of a hidden network's areas.

    x_i,r,c,t = Σ_a g_a(t) Σ_k w_s,a,k  p_a,i,k  m_s,a,k,c  +  noise_i,r,c,t

with p_a the leading principal components of area a's activity, w_s,a how strongly subject s weighs each of them, m_s,a
the subject's mixing of components into channels, g_a the area's time course, and noise correlated over channels and
time.
"""

from dataclasses import dataclass

import numpy as np

from brainscore_realnet.simulation.components import AREAS, COMPONENTS, ComponentAxes

__all__ = [
    "AREAS",
    "COMPONENTS",
    "LATENCIES",
    "RISE",
    "ComponentAxes",
    "VirtualSubject",
    "simulate_trials",
    "time_course",
    "virtual_subject",
]

LATENCIES = {"V1": 0.08, "V2": 0.105, "V4": 0.135, "IT": 0.17}
"""Peak of each area's response, seconds after stimulus onset."""
RISE = 0.022
"""Standard deviation of the rise of a response, seconds; its decay is half as long again."""


@dataclass(frozen=True)
class VirtualSubject:
    """What is particular about one virtual subject.

    Attributes
    ----------
    weights : dict of area to (COMPONENTS,) float array
        How strongly the subject weighs each component of an area.
    mixing : dict of area to (COMPONENTS, n_channels) float array
        Where on the scalp each component appears.
    noise_mixing : (n_channels, n_channels) float array
        Square root of the channels' noise covariance.
    """

    weights: dict[str, np.ndarray]
    mixing: dict[str, np.ndarray]
    noise_mixing: np.ndarray


def virtual_subject(number: int, n_channels: int, seed: int) -> VirtualSubject:
    """Draw subject ``number`` (counted from 1); the same numbers give the same subject."""
    rng = np.random.default_rng([seed, 3, number])
    weights = {area: np.exp(0.5 * rng.standard_normal(COMPONENTS)) for area in AREAS}
    mixing = {}
    for area in AREAS:
        orthonormal, triangular = np.linalg.qr(rng.standard_normal((n_channels, COMPONENTS)))
        mixing[area] = (orthonormal * np.sign(np.diag(triangular))).T
    distance = np.abs(np.subtract.outer(np.arange(n_channels), np.arange(n_channels)))
    covariance = 0.5 * np.exp(-distance / 4.0) + 0.5 * np.diag(rng.uniform(0.5, 1.5, n_channels))
    return VirtualSubject(weights, mixing, np.linalg.cholesky(covariance))


def time_course(area: str, times: np.ndarray) -> np.ndarray:
    """Response of an area over ``times`` (n_times,) in seconds: a skewed bump that peaks with 1 at its latency."""
    lag = times - LATENCIES[area]
    return np.exp(-0.5 * (lag / np.where(lag < 0, RISE, 1.5 * RISE)) ** 2)


def simulate_trials(
    components: dict[str, np.ndarray],
    subject: VirtualSubject,
    times: np.ndarray,
    n_repetitions: int,
    signal: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Trials of one virtual subject.

    Parameters
    ----------
    components : dict of area to (n_images, COMPONENTS) float array
        From :meth:`ComponentAxes.scores`.
    subject : VirtualSubject
    times : (n_times,) float array
        Seconds after stimulus onset.
    n_repetitions : int
    signal : float
        Amplitude of the responses relative to the noise's standard deviation of about 1.
    rng : numpy.random.Generator
        Source of the noise.

    Returns
    -------
    (n_images, n_repetitions, n_channels, n_times) float64 array
    """
    evoked = sum(
        np.einsum(
            "ik,kc,t->ict", components[area] * subject.weights[area], subject.mixing[area], time_course(area, times)
        )
        for area in AREAS
    )
    n_images, n_channels, n_times = evoked.shape
    noise = rng.standard_normal((n_images, n_repetitions, n_times, n_channels))
    for t in range(1, n_times):  # first-order autoregression over time, variance kept at one
        noise[:, :, t] = 0.6 * noise[:, :, t - 1] + 0.8 * noise[:, :, t]
    trials = np.einsum("irtc,dc->irdt", noise, subject.noise_mixing, optimize=True)
    trials += signal * evoked[:, None]
    return trials
