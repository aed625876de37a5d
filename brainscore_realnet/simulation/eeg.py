"""Simulated EEG of one virtual subject, made from the activity of a hidden network's areas.

    x_i,r,c,t = Σ_a g_a(t) Σ_k w_s,a,k  p_a,i,k  m_s,a,k,c  +  noise_i,r,c,t

with p_a the leading principal components of area a's activity, w_s,a how strongly subject s weighs each of them, m_s,a
the subject's mixing of components into channels, g_a the area's time course, and noise correlated over channels and
time. Of subjects who respond to concepts, the late source is no area but the properties of the image's concept.
"""

from dataclasses import dataclass

import numpy as np

from brainscore_realnet.simulation.components import AREAS, COMPONENTS, ComponentAxes
from brainscore_realnet.simulation.concepts import PROPERTIES

__all__ = [
    "AREAS",
    "COMPONENTS",
    "CONCEPTS",
    "EARLY_AREAS",
    "LATENCIES",
    "RISE",
    "ComponentAxes",
    "VirtualSubject",
    "concept_subject",
    "simulate_trials",
    "time_course",
    "virtual_subject",
]

CONCEPTS = "concepts"
"""The source of late responses to an image's concept."""
EARLY_AREAS = ("V1", "V2")
"""Areas that subjects who respond to concepts have besides."""
LATENCIES = {"V1": 0.08, "V2": 0.105, "V4": 0.135, "IT": 0.17, CONCEPTS: 0.15}
"""Peak of each source's response, seconds after stimulus onset."""
RISE = 0.022
"""Standard deviation of the rise of a response, seconds; its decay is half as long again."""
SPREAD = 0.5
"""Standard deviation over subjects of the logarithm of a component's weight."""
CONCEPT_SPREAD = 1.3
"""The same of subjects who respond to concepts."""


@dataclass(frozen=True)
class VirtualSubject:
    """What is particular about one virtual subject.

    Attributes
    ----------
    weights : dict of source to (n_components,) float array
        How strongly the subject weighs each component of an area, or each property of a concept.
    mixing : dict of source to (n_components, n_channels) float array
        Where on the scalp each of them appears.
    noise_mixing : (n_channels, n_channels) float array
        Square root of the channels' noise covariance.
    """

    weights: dict[str, np.ndarray]
    mixing: dict[str, np.ndarray]
    noise_mixing: np.ndarray


def virtual_subject(number: int, n_channels: int, seed: int) -> VirtualSubject:
    """Draw subject ``number`` (counted from 1); the same numbers give the same subject."""
    rng = np.random.default_rng([seed, 3, number])
    weights = {area: np.exp(SPREAD * rng.standard_normal(COMPONENTS)) for area in AREAS}
    mixing = {area: _mixing(COMPONENTS, n_channels, rng) for area in AREAS}
    distance = np.abs(np.subtract.outer(np.arange(n_channels), np.arange(n_channels)))
    covariance = 0.5 * np.exp(-distance / 4.0) + 0.5 * np.diag(rng.uniform(0.5, 1.5, n_channels))
    return VirtualSubject(weights, mixing, np.linalg.cholesky(covariance))


def concept_subject(number: int, n_channels: int, seed: int) -> VirtualSubject:
    """Draw subject ``number``, who responds early to V1 and V2 and late to the properties of concepts.

    The subject differs more from others than the :func:`virtual_subject` of the same numbers, from whom mixing and
    noise are: the logarithm of a weight has a standard deviation of `CONCEPT_SPREAD` over subjects. The mean square of
    a source's weights is one, so that subjects' responses are about as strong.
    """
    usual = virtual_subject(number, n_channels, seed)
    rng = np.random.default_rng([seed, 8, number])
    drawn = {area: np.log(usual.weights[area]) / SPREAD for area in EARLY_AREAS}
    drawn[CONCEPTS] = rng.standard_normal(len(PROPERTIES))
    weights = {source: np.exp(CONCEPT_SPREAD * values) for source, values in drawn.items()}
    mixing = {area: usual.mixing[area] for area in EARLY_AREAS}
    mixing[CONCEPTS] = _mixing(len(PROPERTIES), n_channels, rng)
    return VirtualSubject(
        {source: values / np.sqrt(np.mean(values**2)) for source, values in weights.items()}, mixing, usual.noise_mixing
    )


def _mixing(n_components: int, n_channels: int, rng: np.random.Generator) -> np.ndarray:
    """Draw orthonormal rows, (n_components, n_channels)."""
    orthonormal, triangular = np.linalg.qr(rng.standard_normal((n_channels, n_components)))
    return (orthonormal * np.sign(np.diag(triangular))).T


def time_course(source: str, times: np.ndarray) -> np.ndarray:
    """Response of a source over ``times`` (n_times,) in seconds: a skewed bump that peaks with 1 at its latency."""
    lag = times - LATENCIES[source]
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
    components : dict of source to (n_images, n_components) float array
        From :meth:`ComponentAxes.scores`, and of concepts their properties; of all sources of the subject.
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
        np.einsum("ik,kc,t->ict", components[source] * weights, subject.mixing[source], time_course(source, times))
        for source, weights in subject.weights.items()
    )
    n_images, n_channels, n_times = evoked.shape
    noise = rng.standard_normal((n_images, n_repetitions, n_times, n_channels))
    for t in range(1, n_times):  # first-order autoregression over time, variance kept at one
        noise[:, :, t] = 0.6 * noise[:, :, t - 1] + 0.8 * noise[:, :, t]
    trials = np.einsum("irtc,dc->irdt", noise, subject.noise_mixing, optimize=True)
    trials += signal * evoked[:, None]
    return trials
