"""How much more similar to the brain an aligned model is than its baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa.statistics import at, matched


@dataclass(frozen=True, eq=False)
class Gain:
    """Improvement at the peak or over a window; float64 arrays, the group's scalars if there are no middle axes."""

    difference: NDArray[np.float64]
    """(...) mean over subjects of aligned - baseline."""
    ratio: NDArray[np.float64]
    """(...) ratio of means: `difference` over the mean of the baseline over subjects."""
    subject_difference: NDArray[np.float64]
    """(n_subjects, ...) aligned - baseline of each subject."""
    subject_ratio: NDArray[np.float64]
    """(n_subjects, ...) difference over baseline of each subject; NaN where the subject's own baseline is not positive,
    as with a noisy subject. The mean of these is not `ratio`."""


@dataclass(frozen=True, eq=False)
class Improvement:
    """Improvement of aligned models on their baseline."""

    difference: NDArray[np.float64]
    """(n_subjects, ..., n_times) aligned - baseline."""
    peak_index: NDArray[np.intp]
    """(...) index of the time at which the baseline's mean over subjects is largest."""
    peak: Gain
    """At that time, the same for all subjects."""
    window: Gain
    """From means over the window."""


def improvement(
    aligned: ArrayLike,
    baseline: ArrayLike,
    times: ArrayLike | None = None,
    window: tuple[float, float] | None = None,
) -> Improvement:
    """Compute the improvement aligned - baseline and its ratio to the baseline, at the peak and over a window.

    Parameters
    ----------
    aligned, baseline : (n_subjects, ..., n_times) arrays
        Subject-matched similarities, equal shapes; the middle axes are for example areas.
    times : (n_times,) array, optional
        Times in seconds, needed for a window.
    window : (float, float), optional
        First and last time in seconds, both included, for example (0.05, 0.20); None for all times.

    Returns
    -------
    Improvement
        Differences of every subject and time, and difference and ratio at the peak and over the window, for the group
        and for every subject.

    Raises
    ------
    BadInputError
        Different shapes, NaN or infinity (with their place), times that do not fit, a window without times, or a
        baseline whose mean over subjects is not positive at the peak or over the window: a ratio to it means nothing.
    """
    # ratio = mean_s (aligned_s - baseline_s) / mean_s baseline_s
    after, before = matched(aligned, baseline, ("aligned", "baseline"))
    if after.ndim < 2:
        raise BadInputError(
            f"Got aligned of shape {after.shape}; expected (n_subjects, ..., n_times). Insert a last dimension of "
            "length 1 for data without time."
        )
    inside = _inside(times, window, after.shape[-1])
    peak_index = before.mean(axis=0).argmax(axis=-1)
    at_peak = np.expand_dims(peak_index, (0, -1))
    peak_after, peak_before = (np.take_along_axis(course, at_peak, axis=-1)[..., 0] for course in (after, before))
    window_after, window_before = (course[..., inside].mean(axis=-1) for course in (after, before))
    return Improvement(
        difference=after - before,
        peak_index=peak_index,
        peak=_gain(peak_after, peak_before, "at its peak"),
        window=_gain(window_after, window_before, "over the window"),
    )


def _gain(aligned: NDArray[np.float64], baseline: NDArray[np.float64], where: str) -> Gain:
    group = baseline.mean(axis=0)
    if (group <= 0).any():
        place = tuple(int(index) for index in np.argwhere(group <= 0)[0])
        raise BadInputError(
            f"Got a baseline of {group[place]:.3g} {where}{at(place)}, mean over subjects; expected a positive one, "
            "as the ratio to it is undefined otherwise. Leave it out, choose another window, or report differences."
        )
    difference = aligned - baseline
    return Gain(
        difference=difference.mean(axis=0),
        ratio=difference.mean(axis=0) / group,
        subject_difference=difference,
        subject_ratio=np.divide(difference, baseline, out=np.full_like(difference, np.nan), where=baseline > 0),
    )


def _inside(times: ArrayLike | None, window: tuple[float, float] | None, n_times: int) -> NDArray[np.bool_]:
    if times is None and window is None:
        return np.ones(n_times, dtype=bool)
    if times is None:
        raise BadInputError(f"Got window={window} without times; expected `times` in seconds, one a time point.")
    seconds = np.asarray(times, dtype=np.float64)
    if seconds.shape != (n_times,) or not np.isfinite(seconds).all():
        raise BadInputError(
            f"Got times of shape {seconds.shape}; expected {n_times} finite numbers in seconds, one a time point."
        )
    if window is None:
        return np.ones(n_times, dtype=bool)
    # Half a microsecond of slack: times such as 0.2 are not exact in float64.
    inside = (seconds >= window[0] - 5e-7) & (seconds <= window[1] + 5e-7)
    if not inside.any():
        raise BadInputError(
            f"Got window={window}, which holds none of the times {seconds.min():g} to {seconds.max():g} s; expected "
            "first and last time in seconds."
        )
    return inside
