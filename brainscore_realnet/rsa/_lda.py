"""Linear discriminant analysis of every pair of images at once, from one covariance a fold."""

from __future__ import annotations

from typing import Any

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa.noise import shrunk_covariances


def lda_evidence(module: Any, pseudotrials: Any, fold_sizes: list[int], weighting: str | None) -> Any:
    """Average over repeats and folds how well the images of each pair are told apart.

    The images share one covariance, that of all training pseudotrials around their image's mean (Ledoit-Wolf), so that
    one factorisation a fold serves all pairs.

    Parameters
    ----------
    module
        `numpy` or `torch`.
    pseudotrials : (n_repeats, n_images, m, n_channels) float64 array or tensor
        Responses.
    fold_sizes : list of int
        How many consecutive pseudotrials each fold holds out; their sum is m.
    weighting : {"decision"} or None
        Mean decision value for the right image, or proportion of correct classifications.

    Returns
    -------
    (n_images, n_images) float64 array or tensor
        Symmetric evidence; the diagonal means nothing.

    Raises
    ------
    BadInputError
        The pseudotrials of no image differ.
    """
    # With training means μ_i and covariance Σ, the score of a held-out x for image j is
    #   s_j(x) = xᵀ Σ⁻¹ μ_j - μ_jᵀ Σ⁻¹ μ_j / 2,
    # and x of image i is classified right against j if s_i(x) > s_j(x); the decision value is their difference.
    repeats, n_images, _, n_channels = pseudotrials.shape
    total: Any = 0.0
    start = 0
    for size in fold_sizes:
        held_out = pseudotrials[:, :, start : start + size]
        training = module.concatenate([pseudotrials[:, :, :start], pseudotrials[:, :, start + size :]], axis=2)
        start += size
        means = training.mean(axis=2)
        residuals = (training - means[:, :, None]).reshape(repeats, -1, n_channels)
        scatter, shrinkage, variance = shrunk_covariances(module, residuals, "ledoit-wolf")
        if not bool((variance > 0).all()):
            raise BadInputError(
                "Got training pseudotrials that do not differ within any image, or by so little that their squares "
                "vanish; expected noise to estimate a covariance from. Rescale the responses."
            )
        identity = module.diag(module.ones_like(scatter[0, 0]))
        covariance = (1 - shrinkage)[:, None, None] * scatter + (shrinkage * variance)[:, None, None] * identity
        weights = module.linalg.solve(covariance, module.swapaxes(means, 1, 2))
        offsets = module.einsum("rjc,rcj->rj", means, weights)[:, None] / 2
        # As one more weight of a channel that is always 1, offsets cost no pass over the scores.
        ones = module.ones_like(held_out[..., :1])
        samples = module.concatenate([held_out, ones], axis=3).reshape(repeats, -1, n_channels + 1)
        scores = samples @ module.concatenate([weights, -offsets], axis=1)
        scores = scores.reshape(repeats, n_images, size, n_images)
        own = module.einsum("riki->rik", scores)[..., None]
        evidence = own - scores if weighting == "decision" else (own > scores)
        total = total + evidence.sum(axis=(0, 2)) / (repeats * size)
    mean = total / len(fold_sizes)
    return (mean + mean.T) / 2
