"""What is computed on held-out concepts: similarity of layers with the brain, and of generated with measured signals.

A layer's similarity is as in Lu et al., arXiv 2401.17231 §2.4, but for what one epoch can afford: concepts take the
place of images, so that noise is averaged over all images of a concept, and correlation distances the place of decoding
accuracies. With f_c a layer's features and s_c the measured signals of concept c, means over its images,

    D^model_cd = 1 − Pearson(f_c, f_d),    D^brain_cd = 1 − Pearson(s_c − s̄, s_d − s̄),
    similarity = Spearman(D^model, D^brain) over c < d.

s̄ is the mean over the concepts: all images evoke much of an EEG response alike, and without s̄ that part would make the
distances tell how strong responses are more than how they differ. (Principal components of fMRI have hardly any s̄.)
"""

import logging
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import BadRowsError, compare_rdms, correlation_rdm
from brainscore_realnet.training._tensors import centred, check_tensors, unit

MIN_CONCEPTS = 4
"""Fewer have at most three distances, whose ranks can hardly disagree."""

_LEAST_SPREAD = 1e-6  # distances that differ by less differ by rounding errors of float32
_logger = logging.getLogger(__name__)


class ConceptMeans:
    """Mean features of concepts, added up where the network runs, and their similarity with brain signals.

    Parameters
    ----------
    concepts : sequence of str
        One an image, of the images that a network is validated on.
    """

    def __init__(self, concepts: Sequence[str]) -> None:
        self._names, counts = [values.tolist() for values in np.unique(list(concepts), return_counts=True)]
        self._counts = torch.tensor(counts, dtype=torch.float64)
        place = {name: number for number, name in enumerate(self._names)}
        self._concept_of = [place[name] for name in concepts]
        self._missing: dict[str, set[int]] = {}
        self._sums: dict[str, Tensor] = {}

    @torch.no_grad()
    def add(self, features: Mapping[str, Tensor], rows: slice | Sequence[int] | Tensor) -> None:
        """Add a batch; sums are the same in every run, also on a GPU, which is not waited for if rows are a slice.

        Parameters
        ----------
        features : mapping of layer to Tensor, shape (n, …), any floating dtype
            They are added up in float32, or in float64 where they are of it.
        rows : slice, or int64 of shape (n,)
            Which images they are of, as places in `concepts`.

        Raises
        ------
        BadInputError
            Not n images that are there, or one that was added before; a layer of another shape than before.
        """
        check_tensors(features)
        images = self._images(rows)
        if len(self._names) < MIN_CONCEPTS:
            return
        for layer, values in features.items():
            missing = self._missing.setdefault(layer, set(range(len(self._concept_of))))
            fits = values.ndim > 1 and len(values) == len(missing.intersection(images)) == len(images)
            if not fits or not values[:1].numel():
                raise BadInputError(
                    f"Got features of {layer} of shape {tuple(values.shape)} for the images {_listed(images)}: "
                    "expected a row for each, and each image once. Make a new ConceptMeans for every validation."
                )
            if layer not in self._sums:
                self._sums[layer] = self._zeros(values)
            sums = self._sums[layer]
            if sums.shape[1:] != values.shape[1:] or sums.device != values.device:
                raise BadInputError(
                    f"Got features of {layer} of shape {tuple(values.shape[1:])} on {values.device}: expected "
                    f"{tuple(sums.shape[1:])} on {sums.device}, as in the batch before. Validate on images of one size."
                )
            # One image after another, since index_add_ adds in no certain order on a GPU.
            for image, one in zip(images, values, strict=True):
                sums[self._concept_of[image]] += one
            missing.difference_update(images)

    def similarity(self, *signals: Tensor) -> dict[str, float]:
        """Compare the layers with measured signals, in each subject by itself.

        Parameters
        ----------
        *signals : Tensor, shape (n_images, n_signals)
            Of all images in the order of `concepts`; one tensor a subject.

        Returns
        -------
        dict of layer to float
            Spearman correlations in [−1, 1], means over the subjects. Empty when there are fewer than `MIN_CONCEPTS`
            concepts, no signals, or signals without distances (one signal an image): what is empty in one epoch is in
            all. A layer whose features have no distances, because they are constant within a concept or do not differ
            between concepts, gets 0 and a warning.

        Raises
        ------
        BadInputError
            Signals of another number of images, images that were not added, or values that are not finite.
        """
        n_images = len(self._concept_of)
        for one in signals:
            check_tensors({"signals": one})
            if one.ndim != 2 or len(one) != n_images:
                raise BadInputError(
                    f"Got signals of shape {tuple(one.shape)}: expected ({n_images}, n_signals), a row for each image."
                )
        if len(self._names) < MIN_CONCEPTS or not signals:
            return {}
        for layer, missing in self._missing.items():
            if missing:
                raise BadInputError(
                    f"Got features of {layer} of {n_images - len(missing)} images: expected all {n_images}; "
                    f"{_listed(sorted(missing))} are missing. Add every batch first."
                )
        distances = [self._distances(self._signal_means(one), "signals") for one in signals]
        brain = [rdm for rdm in distances if rdm is not None]
        if len(brain) < len(signals):
            return {}
        return {layer: self._compared(layer, np.stack(brain)) for layer in self._sums}

    def _compared(self, layer: str, brain: np.ndarray) -> float:
        sums = self._sums[layer].flatten(1)
        model = self._distances(sums / self._counts.to(sums)[:, None], f"features of {layer}")
        if model is None:
            _logger.warning("features of %s do not tell concepts apart: its validation similarity counts as 0", layer)
            return 0.0
        return float(compare_rdms(model, brain).mean())

    def _signal_means(self, signals: Tensor) -> Tensor:
        """Average over the images of a concept, and take off the mean over concepts: (n_concepts, n_signals)."""
        means = torch.zeros(len(self._names), signals.shape[1], dtype=torch.float64)
        means.index_add_(0, torch.tensor(self._concept_of), signals.detach().to("cpu", torch.float64))
        return centred(means / self._counts[:, None], dim=0)

    def _distances(self, values: Tensor, what: str) -> np.ndarray | None:
        """Compute 1 − Pearson between rows, (n, n) float64; None where that is not defined or everywhere the same."""
        broken = ~values.isfinite().all(1)
        if bool(broken.any()):
            name = self._names[int(broken.nonzero()[0])]
            raise BadInputError(
                f"Got {what} of the concept {name} that are not finite: expected numbers. Look at its images and at "
                "the steps before."
            )
        if values.shape[1] < 2:
            return None
        try:
            # Elsewhere than on CUDA devices there may be no float64.
            rdm = correlation_rdm(values, values.device if values.device.type == "cuda" else None)
        except BadRowsError:
            return None
        distances = rdm[np.triu_indices_from(rdm, 1)]
        return rdm if np.ptp(distances) > _LEAST_SPREAD else None

    def _zeros(self, values: Tensor) -> Tensor:
        """Make room for sums, in the order in memory that the layer has: others are added ten times slower."""
        last = values.ndim == 4 and values.is_contiguous(memory_format=torch.channels_last)
        dtype = torch.promote_types(torch.float32, values.dtype)
        sums = torch.zeros(len(self._names), *values.shape[1:], dtype=dtype, device=values.device)
        return sums.to(memory_format=torch.channels_last) if last else sums

    def _images(self, rows: slice | Sequence[int] | Tensor) -> list[int]:
        n_images = len(self._concept_of)
        if isinstance(rows, slice):
            return list(range(n_images)[rows])
        images = [int(row) for row in (rows.tolist() if isinstance(rows, Tensor) else rows)]
        if images and not 0 <= min(images) <= max(images) < n_images:
            raise BadInputError(f"Got the images {_listed(images)}: expected places from 0 to {n_images - 1}.")
        return images


def spearman_by_image(generated: Tensor, measured: Tensor) -> Tensor:
    """Correlate the exact ranks of each image's signals; signals that are all equal correlate 0.

    Parameters
    ----------
    generated, measured : Tensor, shape (n, n_signals), floating
        Signals of the same images in the same order.

    Returns
    -------
    Tensor, shape (n,), float64
        On the CPU.

    Raises
    ------
    BadInputError
        Shapes or devices differ, or a value is not finite.
    """
    from scipy.stats import rankdata

    given = {"generated": generated, "measured": measured}
    check_tensors(given)
    if generated.ndim != 2 or generated.shape != measured.shape:
        raise BadInputError(
            f"Got generated signals of shape {tuple(generated.shape)} and measured ones of {tuple(measured.shape)}: "
            "expected (n, n_signals) of both. Pass both of the same images."
        )
    ranks = []
    for name, signals in given.items():
        values = signals.detach().to("cpu", torch.float64)
        if not bool(values.isfinite().all()):
            image = int((~values.isfinite().all(1)).nonzero()[0])
            raise BadInputError(f"Got {name} signals of image {image} that are not finite: expected numbers.")
        ranks.append(torch.from_numpy(rankdata(values.numpy(), axis=1)))
    return (unit(centred(ranks[0], dim=1)) * unit(centred(ranks[1], dim=1))).sum(1)


def _listed(numbers: Sequence[int]) -> str:
    shown = ", ".join(map(str, numbers[:5]))
    return f"{shown or 'none'}{f' and {len(numbers) - 5} more' if len(numbers) > 5 else ''}"
