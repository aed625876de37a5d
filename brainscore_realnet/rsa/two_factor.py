"""Variance over images and subjects at once, from similarities that were drawn before (Schütt et al. 2023)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa.statistics import check_draws, finite, values_of_subjects


@dataclass(frozen=True, eq=False)
class TwoFactorBootstrap:
    """Mean similarity over subjects, and its variance if other images and other subjects had been measured (S23).

    All arrays are float64 with the leading dimensions of the model's RDMs, then those of a subject's RDMs.
    """

    estimate: NDArray[np.float64]
    """Mean over subjects of the Spearman similarity of all images."""
    variance_images: NDArray[np.float64]
    """Variance over draws of images, with the subjects as they are."""
    variance_subjects: NDArray[np.float64]
    """Variance over draws of subjects, with the images as they are."""
    variance_both: NDArray[np.float64]
    """Variance over draws of images and subjects at once: too large, for noise within both counts three times."""
    n_images: int
    n_subjects: int

    @property
    def variance(self) -> NDArray[np.float64]:
        """Corrected variance of the estimate, at least that of each factor and at most that of both."""
        # Schütt et al. 2023: var = 2 (var_images + var_subjects) - var_both
        corrected = 2 * (self.variance_images + self.variance_subjects) - self.variance_both
        at_least = np.maximum(self.variance_images, self.variance_subjects)
        return np.minimum(np.maximum(corrected, at_least), self.variance_both)

    @property
    def standard_error(self) -> NDArray[np.float64]:
        """Square root of the corrected variance."""
        return np.sqrt(self.variance)

    def interval(self, level: float = 0.95) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the confidence interval of the estimate, from Student's t as in S23.

        Parameters
        ----------
        level : float
            Coverage, between 0 and 1.

        Returns
        -------
        low, high : float64 arrays of the shape of `estimate`
            estimate ± t · standard_error, with one degree of freedom less than there are subjects or images, whichever
            are fewer. Not clipped to [-1, 1].

        Raises
        ------
        BadInputError
            `level` is not between 0 and 1.
        """
        return student_interval(self.estimate, self.standard_error, min(self.n_images, self.n_subjects) - 1, level)


def student_interval(
    estimate: ArrayLike, standard_error: ArrayLike, degrees_of_freedom: int, level: float = 0.95
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return estimate ± t · standard_error, low and high; raises BadInputError unless 0 < level < 1."""
    if not 0 < level < 1:
        raise BadInputError(f"Got level={level!r}; expected a number between 0 and 1, such as 0.95.")
    centre = np.asarray(estimate, dtype=np.float64)
    reach = stats.t.ppf((1 + level) / 2, degrees_of_freedom) * np.asarray(standard_error, dtype=np.float64)
    return centre - reach, centre + reach


def two_factor_bootstrap(
    similarities: ArrayLike, image_draws: ArrayLike, n_images: int, draws: int = 1000, seed: int = 0
) -> TwoFactorBootstrap:
    """Bootstrap a mean over images, subjects and both where the images were drawn before, as by `bootstrap_stimuli`.

    Parameters
    ----------
    similarities : (n_subjects, ...) array
        Similarities of all images, or differences of them, of at least 4 subjects.
    image_draws : (n_image_draws, n_subjects, ...) array
        The same in at least 2 bootstrap samples of the images.
    n_images : int
        How many images there are.
    draws : int
        Draws of subjects, at least 2. Each is combined with the next draw of images, which begin anew when all were
        used.
    seed : int
        Seed of the draws of subjects, not negative. They do not repeat the random numbers by which
        `bootstrap_stimuli` draws images with the same seed.

    Returns
    -------
    TwoFactorBootstrap
        Estimate and variances of shape (...).

    Raises
    ------
    BadInputError
        Fewer than 4 subjects or 2 draws, shapes that do not fit, NaN or infinity (with their place), or a negative
        seed.
    """
    check_draws(draws, seed, fewest=2)
    values, drawn = values_of_subjects(similarities, "similarities"), finite(image_draws, "image_draws")
    if drawn.shape[1:] != values.shape or len(drawn) < 2:
        raise BadInputError(
            f"Got similarities of shape {values.shape} and image_draws of shape {drawn.shape}; expected (n_subjects, "
            "...) and (n_image_draws, n_subjects, ...) of the same subjects, with at least 2 draws."
        )
    rng = np.random.default_rng(np.random.SeedSequence(seed).spawn(1)[0])
    return combined(values, drawn, multiplicities_of(rng, len(values), draws) / len(values), n_images)


def combined(
    similarities: NDArray[np.float64], image_draws: NDArray[np.float64], weights: NDArray[np.float64], n_images: int
) -> TwoFactorBootstrap:
    """Compute the variances of a mean over subjects from draws of images and weights of subjects, without checks.

    Parameters
    ----------
    similarities : (n_subjects, ...) array
    image_draws : (n_image_draws, n_subjects, ...) array
    weights : (n_draws, n_subjects) array
        Share of every subject in each draw of subjects.
    n_images : int
    """
    of_images = np.arange(len(weights)) % len(image_draws)
    return TwoFactorBootstrap(
        estimate=similarities.mean(axis=0),
        variance_images=image_draws.mean(axis=1).var(axis=0, ddof=1),
        variance_subjects=np.tensordot(weights, similarities, axes=1).var(axis=0, ddof=1),
        variance_both=np.einsum("ds,ds...->d...", weights, image_draws[of_images]).var(axis=0, ddof=1),
        n_images=n_images,
        n_subjects=len(similarities),
    )


def multiplicities_of(rng: np.random.Generator, n: int, draws: int) -> NDArray[np.int64]:
    """Draw n out of n with replacement: how often each is drawn, (draws, n)."""
    return rng.multinomial(n, np.full(n, 1 / n), size=draws)
