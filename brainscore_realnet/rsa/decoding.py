"""Pairwise decoding RDMs: how well a linear classifier tells two images apart from held-out responses."""

from __future__ import annotations

import contextlib
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa._device import as_numpy
from brainscore_realnet.rsa._lda import lda_evidence
from brainscore_realnet.rsa._neurora import replayed_rdm
from brainscore_realnet.rsa._time_points import time_points
from brainscore_realnet.rsa._trials import (
    check_decoding_options,
    checked_times,
    checked_trials,
    pseudotrial_count,
    refuse_flat_channels,
    refuse_same_trials,
)
from brainscore_realnet.rsa.smoothing import averaged_times, smoothed, tied
from brainscore_realnet.rsa.svm import decision_values, svm_evidence

REPEATS_BYTES = 4 * 2**20
"""Size of what is computed for several repeats together: larger ones leave the processor's caches."""

DEVICE_REPEATS_BYTES = 256 * 2**20
"""The same on a device, where few large steps are faster."""

VOLTS = 1e-3
"""Standard deviation of single trials below which responses are taken for volts or tesla."""

PRESETS: dict[str, dict[str, Any]] = {
    "neurora-1": {"pseudotrial_size": 5, "folds": 4, "repeats": 5, "smooth": 5},
    "neurora-2": {"pseudotrial_size": 5, "folds": 4, "repeats": 5, "smooth": None},
    "gifford": {"pseudotrial_size": 4, "folds": 2, "repeats": 100, "smooth": None},
}
"""What others decode with: NeuroRA 1.1.6, which smooths over time; NeuroRA 2.0.1, which does not; and 100 half splits
(Gifford et al. 2022), of which each half is tested here. Without a preset NeuroRA 2.0.1's options are the defaults."""


def decoding_rdm(
    trials: NDArray[Any],
    classifier: str = "svm",
    pseudotrial_size: int | None = None,
    folds: int | None = None,
    repeats: int | None = None,
    seed: int = 0,
    smooth: int | None = None,
    weighting: str | None = None,
    times: Sequence[int] | NDArray[np.integer] | None = None,
    *,
    preset: str | None = None,
    replay: bool = False,
    device: Any = None,
    progress: Callable[[int], None] | None = None,
) -> NDArray[np.float64]:
    """Compute the pairwise decoding accuracy of all images at every time point (R24 §2.4).

    For every time point and repeat the trials of each image are shuffled, once for all pairs, and averaged in groups
    of `pseudotrial_size`; left-over trials are dropped. The m pseudotrials are cut into contiguous folds (as
    `np.array_split` cuts). For each pair of images a classifier trained on the pseudotrials outside a fold classifies
    those inside. The entry is the accuracy, averaged over folds and repeats.

    Features are not scaled, as in NeuroRA, so results of the SVM depend on the units: in volts it turns into a
    nearest-mean classifier. Accuracies of SVM and LDA are on different scales (LDA's lie higher) and must
    not be mixed in one analysis.

    The random numbers of a repeat and time point follow from `seed`, the repeat and the index of the time point
    alone: neither the selection of times nor the number of threads changes a matrix.

    Parameters
    ----------
    trials : (n_images, n_trials, n_channels, n_times) array of real numbers
        Responses, usually in µV or in units of their noise. Memory maps are read in blocks of time points.
    classifier : {"svm", "lda"}
        Linear SVM with C = 1 (libsvm's optimum), or linear discriminant analysis with one covariance for all images,
        that of the training pseudotrials around their image's mean (Ledoit-Wolf).
    pseudotrial_size : int, default 5
        Trials averaged into one pseudotrial.
    folds : int, default 4
        Folds of the cross-validation, at least 2 and at most m = n_trials // pseudotrial_size.
    repeats : int, default 5
        How often everything is done with newly shuffled trials.
    seed : int
        Seed of the shuffling, not negative.
    smooth : odd int, optional
        Average accuracies over so many neighbouring time points of `trials`, fewer at the ends of the epoch.
    weighting : {"decision"}, optional
        Instead of counting correct classifications, average the decision value for the right image, negative where
        the classification is wrong (decision-value weighting, Gu18): unbounded, and zero instead of one half by chance.
    times : sequence of int, optional
        Indices of the time points to compute, in the order wanted; all by default.
    preset : str, optional
        A key of `PRESETS`: what pseudotrial_size, folds, repeats and smooth are where they are not given.
    replay : bool
        With preset "neurora-1": draw the very random numbers that NeuroRA 1.1.6 draws after
        ``numpy.random.seed(seed)``. It shuffles anew for each pair, in both orders of its images, so the matrices are
        not symmetric. Slow; for comparison on small problems.
    device : None or torch device, such as "cuda:0"
        Where to compute LDA; the SVM is computed on the CPU.
    progress : callable, optional
        Called with 1 after each time point.

    Returns
    -------
    (n_times, n_images, n_images) float64 array
        Accuracies in [0, 1], exactly symmetric, with a zero diagonal; `len(times)` matrices if `times` is given.

    Raises
    ------
    BadInputError
        Trials of another shape or dtype, with NaN or infinity, a constant channel or the same trials for two images;
        or an option that cannot be computed.

    Warns
    -----
    RuntimeWarning
        Responses look like volts, or classifiers did not converge within libsvm's bound on steps.
    """
    options = _options(preset, pseudotrial_size=pseudotrial_size, folds=folds, repeats=repeats, smooth=smooth)
    check_decoding_options(classifier, seed=seed, weighting=weighting, device=device, **options)
    data = checked_trials(trials)
    n_times = data.shape[3]
    sizes = options["pseudotrial_size"], options["folds"], options["repeats"]
    m = pseudotrial_count(data.shape[1], *sizes[:2], classifier)
    indices = checked_times(times, n_times)
    refuse_same_trials(data, indices)
    needed = averaged_times(indices, n_times, options["smooth"])
    if replay:
        _refuse_replay_of_others(preset, classifier, weighting, seed)
    decoded = {}
    with _mapping(classifier, device) as apply:
        for index, (module, responses) in zip(needed, time_points(data, np.array(needed), device=device), strict=True):
            refuse_flat_channels(responses, responses[:1, :1], index)
            if classifier == "svm" and index == needed[0]:
                _warn_of_volts(responses)
            if replay:
                decoded[index] = replayed_rdm(responses, index, n_times, *sizes, seed, decision_values)
            else:
                draws = _draws(data.shape[0], data.shape[1], options["repeats"], seed, index)
                decoded[index] = _decode(module, responses, m, options, classifier, weighting, draws, apply)
            if progress is not None:
                progress(1)
    rdms = smoothed(decoded, indices, n_times, options["smooth"])
    return rdms if weighting == "decision" else tied(rdms)


def estimate_seconds(
    n_images: int,
    n_times: int,
    n_trials: int,
    n_channels: int = 17,
    classifier: str = "svm",
    pseudotrial_size: int = 5,
    folds: int = 4,
    repeats: int = 5,
    trials: NDArray[Any] | None = None,
) -> float:
    """Estimate how long `decoding_rdm` takes on this machine, by timing a small part of it.

    Parameters
    ----------
    n_images, n_times, n_trials, n_channels : int
        Size of the job; smoothing needs as many time points as are averaged.
    classifier, pseudotrial_size, folds, repeats
        As in `decoding_rdm`.
    trials : (n_images, n_trials, n_channels, n_times) array, optional
        The data themselves: up to 40 of their images and 3 of their time points are timed. Without them noise of unit
        variance is timed, on which classifiers work longer than on clear differences.

    Returns
    -------
    float
        Seconds, without the compilation on first use.

    Raises
    ------
    BadInputError
        As in `decoding_rdm`.
    """
    check_decoding_options(classifier, pseudotrial_size, folds, repeats)
    if min(n_images, n_times, n_trials, n_channels) < 1 or n_images < 2:
        raise BadInputError(
            f"Got n_images={n_images}, n_times={n_times}, n_trials={n_trials}, n_channels={n_channels}; expected "
            "positive numbers and at least 2 images."
        )
    pseudotrial_count(n_trials, pseudotrial_size, folds, classifier)
    rng = np.random.default_rng(0)
    sample_images, sample_times = min(n_images, 40), min(n_times, 3)
    if trials is None:
        sample = rng.standard_normal((sample_images, n_trials, n_channels, sample_times))
    else:
        data = checked_trials(trials)
        if data.shape[0] < sample_images or data.shape[1] != n_trials or data.shape[3] < sample_times:
            raise BadInputError(
                f"Got trials of shape {data.shape} for a job of {n_images} images, {n_trials} trials and {n_times} "
                "times; expected the trials of that job."
            )
        images = np.sort(rng.choice(len(data), sample_images, replace=False))
        moments = np.sort(rng.choice(data.shape[3], sample_times, replace=False))
        sample = np.stack([np.asarray(data[..., moment])[images] for moment in moments], axis=-1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        decoding_rdm(sample[:2, :, :, :1], classifier, pseudotrial_size, folds, 1)
        start = time.perf_counter()
        decoding_rdm(sample, classifier, pseudotrial_size, folds, 1)
        elapsed = time.perf_counter() - start
    pairs, sample_pairs = n_images * (n_images - 1), sample_images * (sample_images - 1)
    return elapsed * (pairs / sample_pairs) * (n_times / sample_times) * repeats


def _options(preset: str | None, **given: int | None) -> dict[str, Any]:
    """Return what is given, elsewhere what the preset says, elsewhere the defaults."""
    if preset is not None and (not isinstance(preset, str) or preset not in PRESETS):
        raise BadInputError(f"Got preset={preset!r}; expected one of {', '.join(PRESETS)}.")
    options = PRESETS["neurora-2" if preset is None else preset]
    return {**options, **{name: value for name, value in given.items() if value is not None}}


def _refuse_replay_of_others(preset: str | None, classifier: str, weighting: str | None, seed: int) -> None:
    if preset != "neurora-1" or classifier != "svm" or weighting is not None:
        raise BadInputError(
            f"Got replay=True with preset={preset!r}, classifier={classifier!r} and weighting={weighting!r}; expected "
            "preset='neurora-1', 'svm' and None: only NeuroRA 1.1.6 is replayed."
        )
    if seed >= 2**32:
        raise BadInputError(
            f"Got seed={seed} with replay=True; expected one that numpy.random.seed takes, below 2**32."
        )


def _draws(n_images: int, n_trials: int, repeats: int, seed: int, time_index: int) -> list[NDArray[np.intp]]:
    """Return the order (n_images, n_trials) of the trials in every repeat at one time point."""
    unshuffled = np.tile(np.arange(n_trials), (n_images, 1))
    sequences = [np.random.SeedSequence(seed, spawn_key=(repeat, time_index)) for repeat in range(repeats)]
    return [np.random.default_rng(sequence).permuted(unshuffled, axis=1) for sequence in sequences]


def _decode(
    module: Any,
    responses: Any,
    m: int,
    options: dict[str, Any],
    classifier: str,
    weighting: str | None,
    draws: list[NDArray[np.intp]],
    apply: Callable[..., Any],
) -> NDArray[np.float64]:
    """Return the RDM (n, n) at one time point from its responses (n_images, n_trials, n_channels)."""
    n_images, n_trials, n_channels = responses.shape
    size = options["pseudotrial_size"]
    fold_sizes = [len(part) for part in np.array_split(np.arange(m), options["folds"])]
    once_bytes = REPEATS_BYTES if module is np else DEVICE_REPEATS_BYTES
    at_once = max(1, once_bytes // (8 * n_images * m * max(n_images, size * n_channels)))
    flat = responses.reshape(-1, n_channels)
    rows_of_image = n_trials * np.arange(n_images)[:, None]

    def evidence(some: list[NDArray[np.intp]]) -> NDArray[np.float64]:
        chosen = np.stack(some)[:, :, : m * size] + rows_of_image
        groups = chosen.reshape(len(some), n_images, m, size)
        pseudotrials = sum(flat[groups[..., member]] for member in range(size)) / size
        return len(some) * as_numpy(EVIDENCE[classifier](module, pseudotrials, fold_sizes, weighting))

    blocks = [draws[start : start + at_once] for start in range(0, len(draws), at_once)]
    rdm = sum(apply(evidence, blocks), np.zeros((n_images, n_images))) / len(draws)
    np.fill_diagonal(rdm, 0)
    return rdm if weighting == "decision" else tied(rdm)


@contextlib.contextmanager
def _mapping(classifier: str, device: Any) -> Iterator[Callable[..., Any]]:
    """Give the `map` that goes through blocks of repeats: with threads where the classifier has none of its own."""
    if classifier == "svm" or device is not None:
        yield map
    else:
        from threadpoolctl import threadpool_limits

        with threadpool_limits(1, user_api="blas"), ThreadPoolExecutor(os.cpu_count()) as pool:
            yield pool.map


EVIDENCE = {"svm": svm_evidence, "lda": lda_evidence}
"""The classifiers."""


def _warn_of_volts(responses: NDArray[np.float64]) -> None:
    spread = float(responses.std())
    if spread < VOLTS:
        # Rounded, so that one recording is warned of once.
        warnings.warn(
            f"Got responses with a standard deviation near {spread:.0e}, which look like volts or tesla; a linear SVM "
            "with C = 1 depends on units, and in these it turns into a nearest-mean classifier. Multiply the responses "
            "(by 1e6 for µV) or whiten them.",
            RuntimeWarning,
            stacklevel=3,
        )
