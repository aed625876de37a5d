"""Multivariate noise normalisation: the covariance of trials around their condition means, and whitening by it.

Guggenmos, Sterzer & Cichy, NeuroImage 173, 434-447 (2018); the shrinkage is that of Ledoit & Wolf, Journal of
Multivariate Analysis 88, 365-411 (2004).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa._device import as_numpy
from brainscore_realnet.rsa._time_points import refuse_not_finite, time_points
from brainscore_realnet.rsa._trials import checked_trials, refuse_flat_channels
from brainscore_realnet.rsa.rdm import SYMMETRY_TOLERANCE

OVER = ("epoch", "time")

SINGULAR = 1e-12
"""Smallest eigenvalue, relative to the largest, with which a covariance has an inverse worth computing."""


def noise_covariance(
    trials: NDArray[Any],
    over: str = "epoch",
    shrinkage: str | float | None = "ledoit-wolf",
    sessions: ArrayLike | None = None,
    training: ArrayLike | None = None,
    device: Any = None,
) -> NDArray[np.float64]:
    """Estimate the covariance of the noise: of single trials around the mean of their image (Gu18).

    Parameters
    ----------
    trials : (n_images, n_trials, n_channels, n_times) array of real numbers
        Responses. Memory maps are read in blocks of time points and never copied whole.
    over : {"epoch", "time"}
        One covariance for the whole epoch, the mean of those of all time points, or one for every time point.
    shrinkage : {"ledoit-wolf"}, float or None
        Weight, in [0, 1], of the identity times the mean variance. "ledoit-wolf" estimates it for each image and time
        point (`sklearn.covariance.ledoit_wolf` of the trials); None is 0, the empirical covariance. As there, squares
        are divided by the number of trials, not by one less.
    sessions : (n_trials,) array of labels, optional
        Session of each trial: one estimate for each session.
    training : (n_trials,) array of bool, or array of int, optional
        The trials that may be used, as a mask or as indices; all by default.
    device : None or torch device, such as "cuda:0"
        Where to compute; None is NumPy.

    Returns
    -------
    float64 array
        (n_channels, n_channels) over the epoch, (n_times, n_channels, n_channels) over time; with `sessions` their
        sorted labels (`np.unique`) are a further first axis.

    Raises
    ------
    BadInputError
        Trials of another shape or dtype, fewer than 2 for an image (in a session), NaN or infinity among those used, a
        channel that is constant at some time point, or an option that there is not.
    """
    data = checked_trials(trials)
    _, n_trials, n_channels, n_times = data.shape
    _check_options(over, shrinkage)
    used = slice(None) if training is None else _training_trials(training, n_trials)
    groups = _trials_of_sessions(sessions, n_trials, used)
    _refuse_single_trials(groups, sessions)
    covariance = np.empty((len(groups), n_times, n_channels, n_channels))
    for time, (module, responses) in enumerate(time_points(data, np.arange(n_times), used, device)):
        for session, group in enumerate(groups):
            chosen = responses if len(groups) == 1 else responses[:, group]
            refuse_flat_channels(chosen, chosen[:, :1], time)
            covariance[session, time] = mean_covariance(module, chosen, shrinkage)
    if over == "epoch":
        covariance = covariance.mean(axis=1)
    return covariance[0] if sessions is None else covariance


def whiten(trials: NDArray[Any], covariance: ArrayLike, sessions: ArrayLike | None = None) -> NDArray[np.float64]:
    """Multiply the responses by the inverse symmetric root of the noise covariance (Gu18).

    Parameters
    ----------
    trials : (n_images, n_trials, n_channels, n_times) array of real numbers
        Responses.
    covariance : (n_channels, n_channels) or (n_times, n_channels, n_channels) array
        As `noise_covariance` returns it, with a further first axis if there are sessions.
    sessions : (n_trials,) array of labels, optional
        Session of each trial; their sorted labels are the first axis of `covariance`.

    Returns
    -------
    (n_images, n_trials, n_channels, n_times) float64 array
        Responses in units of the standard deviation of the noise.

    Raises
    ------
    BadInputError
        Trials or covariances of another shape or dtype or with NaN or infinity; covariances that are not symmetric or
        not positive definite.
    """
    # x ← Σ^(-1/2) x
    data = checked_trials(trials)
    n_images, n_trials, n_channels, n_times = data.shape
    groups = _trials_of_sessions(sessions, n_trials)
    given = check_covariance(covariance, n_channels, n_times, None if sessions is None else len(groups))
    roots = inverse_root(given)
    whitened = np.empty(data.shape)
    for image in range(n_images):
        with np.errstate(invalid="ignore", over="ignore"):
            for root, group in zip(roots if sessions is not None else roots[None], groups, strict=True):
                whitened[image, group] = _multiplied(root, data[image, group].astype(np.float64))
            suspect = not np.isfinite(whitened[image].sum())
        if suspect:
            for time in range(n_times):
                refuse_not_finite(data, time, np.arange(n_trials))
    return whitened


def shrunk_covariances(module: Any, responses: Any, shrinkage: str | float | None) -> tuple[Any, Any, Any]:
    """Estimate the covariance of the trials of every image, as the parts (1 - s) S + s μ I.

    Parameters
    ----------
    module
        `numpy` or `torch`.
    responses : (n_images, n_trials, n_channels) float64 array or tensor
        Responses at one time point, as from `time_points`: their squares are finite.
    shrinkage : {"ledoit-wolf"}, float or None
        As in `noise_covariance`.

    Returns
    -------
    S : (n_images, n_channels, n_channels) float64 array or tensor
        Empirical covariances.
    s, μ : (n_images,) float64 arrays or tensors
        Weights of the identity, and mean variances.
    """
    # For the k trials x of an image less their mean, c channels, and ‖.‖ the Frobenius norm,
    #   S = Σ x xᵀ / k,    μ = tr S / c,
    # Ledoit and Wolf estimate s = min(b², d²) / d² with
    #   d² = ‖S - μ I‖² = ‖S‖² - c μ²,    b² = Σ ‖x xᵀ - S‖² / k² = (Σ ‖x‖⁴ / k - ‖S‖²) / k.
    _, n_trials, n_channels = responses.shape
    with np.errstate(invalid="ignore", over="ignore"):
        x = responses - module.einsum("ikc->ic", responses)[:, None] / n_trials
        scatter = module.swapaxes(x, 1, 2) @ x / n_trials
        mean_variance = module.einsum("icc->i", scatter) / n_channels
        if shrinkage != "ledoit-wolf":
            return scatter, module.full_like(mean_variance, shrinkage or 0.0), mean_variance
        # In units of μ, fourth powers neither overflow nor vanish.
        unit = module.where(mean_variance > 0, mean_variance, 1.0)
        fourth_moment = ((module.einsum("ikc,ikc->ik", x, x) / unit[:, None]) ** 2).mean(axis=1)
        scaled = scatter / unit[:, None, None]
        norm = module.einsum("icd,icd->i", scaled, scaled)
        d2 = norm - n_channels
        b2 = (fourth_moment - norm) / n_trials
        # Without any spread of the eigenvalues S is its own target.
        weight = module.where(d2 > 0, module.minimum(b2, d2) / module.where(d2 > 0, d2, 1.0), 0.0)
        return scatter, weight, mean_variance


def mean_covariance(module: Any, responses: Any, shrinkage: str | float | None) -> NDArray[np.float64]:
    """Average the covariances of the trials of every image; arguments as of `shrunk_covariances`.

    Returns
    -------
    (n_channels, n_channels) float64 array
        Mean over images.
    """
    scatter, weight, mean_variance = shrunk_covariances(module, responses, shrinkage)
    shrunk = as_numpy(module.einsum("i,icd->cd", 1 - weight, scatter)) / len(scatter)
    return shrunk + float((weight * mean_variance).mean()) * np.eye(len(shrunk))


def inverse_root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute Σ^(-1/2), the symmetric root of the inverse, of symmetric matrices.

    Parameters
    ----------
    covariance : (..., n_channels, n_channels) float64 array
        Symmetric matrices.

    Returns
    -------
    (..., n_channels, n_channels) float64 array
        Σ^(-1/2) = U Λ^(-1/2) Uᵀ with Σ = U Λ Uᵀ.

    Raises
    ------
    BadInputError
        A matrix is singular or not positive definite.
    """
    variances = np.diagonal(covariance, axis1=-2, axis2=-1)
    if (variances <= 0).any():
        *where, channel = (int(index) for index in np.argwhere(variances <= 0)[0])
        raise BadInputError(
            f"Got a covariance{_at(where)} with variance {variances[(*where, channel)]:.3g} of channel {channel}; "
            "expected positive variances. Leave out the channels that are constant."
        )
    eigenvalues, vectors = np.linalg.eigh(covariance)
    singular = eigenvalues[..., 0] <= SINGULAR * eigenvalues[..., -1]
    if singular.any():
        where = [int(index) for index in np.argwhere(singular)[0]]
        smallest, largest = eigenvalues[(*where, 0)], eigenvalues[(*where, -1)]
        raise BadInputError(
            f"Got a covariance{_at(where)} with eigenvalues from {smallest:.3g} to {largest:.3g}, which has no inverse;"
            " expected a positive definite matrix. Channels that are sums of others (as after an average reference) or "
            "fewer trials than channels make it singular: use shrinkage."
        )
    return (vectors / np.sqrt(eigenvalues)[..., None, :]) @ np.swapaxes(vectors, -2, -1)


def check_covariance(
    covariance: ArrayLike, n_channels: int, n_times: int, n_sessions: int | None = None
) -> NDArray[np.float64]:
    """Return covariances as float64 if they are symmetric and fit the trials.

    Parameters
    ----------
    covariance : (n_channels, n_channels) or (n_times, n_channels, n_channels) array
        Covariances, with a further first axis of `n_sessions`.
    n_channels, n_times : int
        Size of the trials.
    n_sessions : int, optional
        None: there are no sessions.

    Returns
    -------
    float64 array
        The same numbers, exactly symmetric.

    Raises
    ------
    BadInputError
        Another shape or dtype, NaN or infinity, or asymmetry beyond a relative tolerance of 1e-6.
    """
    given = np.asarray(covariance)
    sessions = () if n_sessions is None else (n_sessions,)
    shapes = [(*sessions, n_channels, n_channels), (*sessions, n_times, n_channels, n_channels)]
    if given.shape not in shapes or given.dtype.kind not in "fiub":
        raise BadInputError(
            f"Got a covariance of shape {given.shape} and dtype {given.dtype}; expected real numbers of shape "
            f"{shapes[0]} or {shapes[1]}, as noise_covariance returns them for these trials."
        )
    matrices = given.astype(np.float64)
    if not np.isfinite(matrices).all():
        where = tuple(int(index) for index in np.argwhere(~np.isfinite(matrices))[0])
        raise BadInputError(f"Got {matrices[where]} at {where} of the covariance; expected finite numbers.")
    transposed = np.swapaxes(matrices, -2, -1)
    asymmetry = np.abs(matrices - transposed).max()
    if asymmetry > SYMMETRY_TOLERANCE * np.abs(matrices).max():
        raise BadInputError(
            f"Got a covariance whose entries (i, j) and (j, i) differ by up to {asymmetry:.3g}; expected symmetric "
            "matrices. Pass the covariance itself, not its root or the data."
        )
    return (matrices + transposed) / 2


def checked_labels(labels: ArrayLike, n_trials: int, name: str) -> NDArray[Any]:
    """Return the labels (n_trials,) of trials as an array; `name` is what messages call them."""
    given = np.asarray(labels)
    if given.shape != (n_trials,) or given.dtype.kind not in "iubSU":
        raise BadInputError(
            f"Got {name} of shape {given.shape} and dtype {given.dtype}; expected {n_trials} labels, one a trial, that "
            "are whole numbers or text."
        )
    return given


def _check_options(over: str, shrinkage: str | float | None) -> None:
    if over not in OVER:
        raise BadInputError(f"Got over={over!r}; expected one of {', '.join(OVER)}.")
    if shrinkage is None or (isinstance(shrinkage, str) and shrinkage == "ledoit-wolf"):
        return
    is_number = isinstance(shrinkage, int | float | np.number) and not isinstance(shrinkage, bool)
    if not (is_number and 0 <= float(shrinkage) <= 1):
        raise BadInputError(f"Got shrinkage={shrinkage!r}; expected 'ledoit-wolf', a number in [0, 1], or None.")


def _trials_of_sessions(
    sessions: ArrayLike | None, n_trials: int, used: NDArray[np.integer] | slice = slice(None)
) -> list[NDArray[np.intp]]:
    """Return where the trials of every session are among those used; without sessions there is one."""
    labels = np.zeros(n_trials, dtype=int) if sessions is None else checked_labels(sessions, n_trials, "sessions")
    return [np.flatnonzero(labels[used] == label) for label in np.unique(labels)]


def _refuse_single_trials(groups: list[NDArray[np.intp]], sessions: ArrayLike | None) -> None:
    sizes = [len(group) for group in groups]
    if min(sizes) < 2:
        place = "" if sessions is None else f" in session {np.unique(np.asarray(sessions))[np.argmin(sizes)]}"
        raise BadInputError(
            f"Got {min(sizes)} trial(s) an image{place} to estimate the noise from; expected at least 2. Use more "
            "trials for training, or fewer sessions."
        )


def _training_trials(training: ArrayLike, n_trials: int) -> NDArray[np.integer]:
    given = np.asarray(training)
    is_mask = given.dtype.kind == "b" and given.shape == (n_trials,)
    is_indices = given.dtype.kind in "iu" and given.ndim == 1 and given.size > 0
    if not is_mask and not (is_indices and given.min() >= 0 and given.max() < n_trials):
        raise BadInputError(
            f"Got training={training!r}; expected a mask of {n_trials} bools or indices of 0 to {n_trials - 1}."
        )
    return np.unique(np.flatnonzero(given) if is_mask else given)


def _multiplied(root: NDArray[np.float64], responses: NDArray[np.float64]) -> NDArray[np.float64]:
    """Multiply responses (n_trials, n_channels, n_times) by a root (c, c), or one for each time (n_times, c, c)."""
    if root.ndim == 2:
        return root @ responses
    # A root is symmetric: responses with time first can be multiplied from the right.
    return np.moveaxis(np.moveaxis(responses, -1, 0) @ root, 0, -1)


def _at(where: list[int]) -> str:
    return f" at {tuple(where)}" if where else ""
