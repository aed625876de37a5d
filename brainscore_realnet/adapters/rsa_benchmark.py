"""What the RSA benchmarks with EEG and with fMRI have in common.

s_k,a(c)  = Spearman(model RDM of area a, neural RDM of subject k in condition c), upper triangles
s_k(c)    = Σ_a w_k,a(c) s_k,a(c), weights that sum to one over the areas
raw_k     = mean of s_k(c) over conditions, raw = mean of raw_k over subjects
ceiling   = mean over conditions of the upper noise ceiling               (N14, pooled in rank space)
score     = raw / ceiling
raw_k     = mean over parts p of s_k,p, a part being an area of the model (EEG) or a region of interest (fMRI)

A condition is a time point of EEG or a region of interest of fMRI. The weights and the conditions are what a benchmark
adds.
"""

import abc
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, Self

import numpy as np
import xarray as xr
from brainscore_core.metrics import Score
from brainscore_vision.benchmarks import BenchmarkBase

from brainscore_realnet.adapters.model_rdms import AREAS, model_rdms
from brainscore_realnet.adapters.neural_side import NeuralData, NeuralSide
from brainscore_realnet.adapters.options import Options
from brainscore_realnet.adapters.screen import show
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.rsa import bootstrap_stimuli, compare_rdms, upper_triangle

CEILING_OF_SUBJECTS = "the upper noise ceiling (Nili et al. 2014, pooled in rank space)"
CEILING_OF_ONE = "sqrt(Spearman-Brown corrected split-half reliability), one subject"


class RSABenchmark(NeuralSide, BenchmarkBase):
    """RSA of a model's areas with one kind of recordings.

    Parameters
    ----------
    identifier : str
        As registered; variants append theirs.
    data : NeuralData
    subjects : tuple of str, optional
        All of the data set's by default. One subject is scored against its own reliability.
    areas : tuple of str
        The model's areas that are compared.
    options : Options
    parent : str
        Brain-Score's place for the benchmark: a region, or the benchmark that this one is a part of.
    version : int
    bibtex : str
    """

    condition: str
    """Name of the dimension of conditions, such as time."""
    options_type: type[Options]
    """What can be varied."""

    def __init__(
        self,
        identifier: str,
        data: NeuralData,
        *,
        subjects: Sequence[str] | None = None,
        areas: Sequence[str] = AREAS,
        options: Options | None = None,
        parent: str,
        version: int,
        bibtex: str,
    ):
        self.options: Any = options or self.options_type()
        super().__init__(
            identifier=identifier + self.options.suffix(),
            ceiling_func=lambda: self.ceiling,
            version=version,
            parent=parent,
            bibtex=bibtex,
        )
        self.registered_identifier = identifier
        self.data = data
        self.subjects = tuple(subjects or data.subjects)
        self.areas = tuple(areas)

    def with_options(self, **changes: Any) -> Self:
        """Return a variant of this benchmark; ``changes`` are fields of its options. Raises BadInputError."""
        return type(self)(
            self.registered_identifier,
            self.data,
            options=self.options.changed(changes),
            parent=self.parent,
            version=self.version,
            bibtex=self.bibtex,
            **self._part(),
        )

    def __call__(self, candidate: Any) -> Score:
        """Score a BrainModel; see the module's formulas.

        Returns
        -------
        Score
            With attributes ``raw``, ``ceiling``, ``error`` (SEM over subjects of raw_k / ceiling; over stimuli when
            there is one subject), ``error_over``, ``error_stimulus`` (bootstrap over stimuli), ``formula``, ``values``
            (subject × area × condition), ``weights`` (likewise), ``scored_values`` (subject × condition: s_k(c)),
            ``ceiling_values`` (bound × condition), ``part_draws`` (draw × subject × part: the parts in bootstrap
            samples of the stimuli; no draw where these are undefined), ``model_rdms`` (area × pair of stimuli),
            ``neural_rdms`` (part of the recordings × pair, mean over subjects), ``benchmark_provenance``, and
            ``caveat`` where there are few subjects or they share no signal.

        Raises
        ------
        MissingDataError, BadInputError
        """
        self.require_data()
        shown = show(self._stimuli, candidate, self.data.visual_degrees, self.options.screen)
        return self._compare(model_rdms(candidate, shown, self.areas, self._time_bin))

    def provenance(self) -> dict[str, Any]:
        """All that determines the neural side of a score, as plain values."""
        return {
            "dataset": self.data.name,
            "simulated": self.data.simulated,
            "version": self.version,
            "stimulus_set": self._stimuli.identifier,
            "n_stimuli": len(self._stimuli),
            "visual_degrees": self.data.visual_degrees,
            "options": asdict(self.options),
            "recordings": {subject: recording.sha256 for subject, recording in self._recordings.items()},
        }

    @property
    @abc.abstractmethod
    def formula(self) -> str:
        """The score's formula as text."""

    @property
    @abc.abstractmethod
    def _time_bin(self) -> tuple[int, int]:
        """Milliseconds of the one bin that the model is recorded in."""

    @abc.abstractmethod
    def _scored_values(self, models: np.ndarray, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Give s_k(c) (n_subjects, n_conditions) and the weights (n_subjects, n_areas, n_conditions).

        ``models`` are the model's RDMs (n_areas, n_images, n_images), ``values`` its similarities (n_subjects, n_areas,
        n_conditions).
        """

    @property
    @abc.abstractmethod
    def _parts(self) -> tuple[str, ...]:
        """Names of the areas or regions that raw is the mean of."""

    @abc.abstractmethod
    def _values_of_parts(self, values: np.ndarray, weights: np.ndarray) -> np.ndarray:
        """Average similarities to (..., n_subjects, n_parts).

        ``values`` (..., n_subjects, n_areas, n_conditions) and the weights are those of the conditions in the score.
        """

    @abc.abstractmethod
    def _mean_rdms(self) -> dict[str, np.ndarray]:
        """Give neural RDMs (n_images, n_images) to be looked at, means over subjects, by name."""

    def _part(self) -> dict[str, Any]:
        """Give the arguments that say which part of the data set is scored."""
        return {"subjects": self.subjects, "areas": self.areas}

    def _compare(self, models: np.ndarray) -> Score:
        """Score from the model's RDMs (n_areas, n_images, n_images)."""
        values = compare_rdms(models[None, :, None], self._neural_rdms[:, None])  # subject × area × condition
        scored, weights = self._scored_values(models, values)
        of_subject = scored[:, self._in_score].mean(axis=1)
        ceiling = self.ceiling
        bound = float(ceiling)
        if not bound > 0:
            raise BadInputError(
                f"The noise ceiling of {self.identifier} is {bound:.3g}: these recordings are not reliable in "
                f"{self._extent}; use another one or more trials."
            )
        part_draws, nan_reason = self._drawn_parts(models, weights)
        error_stimulus = float(part_draws.mean(axis=(1, 2)).std(ddof=1) / bound) if part_draws.size else np.nan
        mean_rdms = self._mean_rdms()
        score = Score(of_subject.mean() / bound)
        score.attrs["raw"] = Score(of_subject.mean())
        score.attrs["ceiling"] = ceiling
        if len(self.subjects) > 1:
            error, over = of_subject.std(ddof=1) / np.sqrt(len(self.subjects)) / bound, "subject"
        else:
            error, over = error_stimulus, "stimulus"
        if np.isnan(error):
            score.attrs["error_nan_reason"] = nan_reason
        if self.caveat:
            score.attrs["caveat"] = self.caveat
        coordinates = {"subject": list(self.subjects), "area": list(self.areas), **self._conditions}
        dims = ("subject", "area", self.condition)
        score.attrs.update(
            error=float(error),
            error_over=[over],
            error_stimulus=error_stimulus,
            formula=self.formula,
            values=xr.DataArray(values, dims=dims, coords=coordinates, name="similarity"),
            weights=xr.DataArray(weights, dims=dims, coords=coordinates, name="weight"),
            scored_values=xr.DataArray(
                scored,
                dims=("subject", self.condition),
                coords={"subject": list(self.subjects), **self._conditions},
                name="similarity",
            ),
            ceiling_values=xr.DataArray(
                np.stack(self._bounds),
                dims=("bound", self.condition),
                coords={"bound": ["lower", "upper"], **self._conditions},
            ),
            part_draws=xr.DataArray(
                part_draws,
                dims=("draw", "subject", "part"),
                coords={"subject": list(self.subjects), "part": list(self._parts)},
                name="similarity",
            ),
            model_rdms=_pairs(models, area=list(self.areas)),
            neural_rdms=_pairs(np.stack(list(mean_rdms.values())), recordings=list(mean_rdms)),
            benchmark_provenance=self.provenance(),
        )
        return score

    @property
    def _extent(self) -> str:
        """Where the recordings are looked at, in words."""
        return ", ".join(map(str, self._conditions[self.condition]))

    def _drawn_parts(self, models: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, str]:
        """Give the parts in bootstrap samples of the stimuli (n_draws, n_subjects, n_parts), or none and why."""
        scored = self._in_score
        try:
            draws = bootstrap_stimuli(models, self._neural_rdms[:, scored])  # draw × area × subject × condition
        except BadInputError as error:  # few images, most of them told apart perfectly
            return np.empty((0, len(self.subjects), len(self._parts))), str(error)
        return self._values_of_parts(np.moveaxis(draws, 1, 2), weights[..., scored]), ""


def _pairs(rdms: np.ndarray, **names: list[str]) -> xr.DataArray:
    """Label the upper triangles of RDMs (n_names, n_images, n_images)."""
    return xr.DataArray(upper_triangle(rdms), dims=(*names, "pair"), coords=names, name="dissimilarity")
