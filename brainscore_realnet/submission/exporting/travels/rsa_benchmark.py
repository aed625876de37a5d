"""RSA of a model's areas with measured RDMs: the benchmarks that ``benchmark.json`` beside this file describes.

s_k,a(c)  = Spearman(1 - Pearson RDM of area a, neural RDM of subject k in condition c), upper triangles
s_k(c)    = mean over areas of s_k,a(c) for time points c of EEG; for regions c of fMRI that of one area for all
            subjects, argmax_a mean_k s_k,a(c)
raw       = mean over subjects k and conditions c of s_k(c)
ceiling   = mean over conditions of their upper noise ceilings, which come with the data
score     = raw / ceiling
error     = standard error over subjects of mean_c s_k(c), or, for one subject, standard deviation over bootstrap
            samples of the stimuli, both relative to the ceiling
"""

import json
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from brainscore_core.metrics import Score
from brainscore_vision import load_dataset, load_stimulus_set
from brainscore_vision.benchmark_helpers.screen import place_on_screen
from brainscore_vision.benchmarks import BenchmarkBase
from brainscore_vision.model_interface import BrainModel
from scipy.stats import rankdata

DRAWS = 200
"""Bootstrap samples of the stimuli."""


def settings() -> dict[str, Any]:
    """Read what the export wrote."""
    return json.loads(Path(__file__).with_name("benchmark.json").read_text(encoding="utf-8"))


def get_benchmark(identifier: str) -> "RSABenchmark":
    """Build the benchmark of an identifier; its data are loaded when they are needed."""
    common = settings()
    return RSABenchmark(identifier, common, common["benchmarks"][identifier])


class RSABenchmark(BenchmarkBase):
    """RSA of a model's areas with the neural RDMs of one data set.

    Parameters
    ----------
    identifier : str
    common : mapping
        What all benchmarks of the data set share: ``stimulus_set``, ``assembly``, ``visual_degrees``, ``time_bin``,
        ``bibtex``.
    own : mapping
        ``areas`` that are compared, ``choice`` of them (``mean`` or ``best``), ``parent``, ``version``, ``formula``,
        ``caveat``.
    """

    def __init__(self, identifier: str, common: Mapping[str, Any], own: Mapping[str, Any]):
        super().__init__(
            identifier=identifier,
            ceiling_func=lambda: self.ceiling,
            version=own["version"],
            parent=own["parent"],
            bibtex=common["bibtex"],
        )
        self._common, self._own = common, own

    def __call__(self, candidate: BrainModel) -> Score:
        """Score a model; see the module's formulas.

        Raises
        ------
        ValueError
            The model's answer does not fit the stimuli, or is constant or not finite for one.
        """
        shown = place_on_screen(
            self._stimuli,
            target_visual_degrees=candidate.visual_degrees(),
            source_visual_degrees=self._common["visual_degrees"],
        )
        # A model that was given another task before would answer with its behaviour.
        candidate.start_task(BrainModel.Task.passive)
        areas = unit_ranks(np.stack([self._model_rdm(candidate, area, shown) for area in self._own["areas"]]))
        measured = unit_ranks(self._neural_rdms)
        values = np.clip(np.einsum("ap,kcp->kac", areas, measured), -1, 1)
        weights = area_weights(values, self._own["choice"])
        of_subject = (values * weights).sum(axis=1).mean(axis=1)
        ceiling = self.ceiling
        bound = float(ceiling)
        score = Score(of_subject.mean() / bound)
        score.attrs["raw"] = Score(of_subject.mean())
        score.attrs["ceiling"] = ceiling
        score.attrs["formula"] = self._own["formula"]
        if self._own["caveat"]:
            score.attrs["caveat"] = self._own["caveat"]
        if len(of_subject) > 1:
            error, over = of_subject.std(ddof=1) / np.sqrt(len(of_subject)), "subject"
        else:
            error, over = error_over_stimuli(areas, measured[0], weights[0], len(self._stimuli)), "stimulus"
        if np.isnan(error):
            score.attrs["error_nan_reason"] = "Too few stimuli: in a bootstrap sample all dissimilarities are equal."
        score.attrs.update(error=float(error / bound), error_over=[over])
        return score

    @property
    def ceiling(self) -> Score:
        """Upper noise ceiling, with ``lower``, ``upper`` and ``n_subjects`` as attributes."""
        # The library's own property would keep it by the identifier alone, whatever the data.
        lower, upper = (
            float(np.mean([np.nan if bound is None else bound for bound in self._bounds[name]]))
            for name in ("lower", "upper")
        )
        ceiling = Score(upper)
        ceiling.attrs.update(lower=lower, upper=upper, n_subjects=len(self._bounds["subjects"]))
        return ceiling

    @cached_property
    def _stimuli(self) -> Any:
        return load_stimulus_set(self._common["stimulus_set"])

    @cached_property
    def _assembly(self) -> Any:
        return load_dataset(self._common["assembly"])

    @property
    def _bounds(self) -> dict[str, Any]:
        """``subjects`` and ``conditions`` of this benchmark, and ``lower`` and ``upper`` for each condition."""
        return json.loads(self._assembly.attrs["ceilings"])[self.identifier]

    @cached_property
    def _neural_rdms(self) -> np.ndarray:
        """(n_subjects, n_conditions, n_pairs) dissimilarities in the order of the stimuli."""
        stimulus_ids = list(self._stimuli["stimulus_id"].values)
        return neural_rdms(self._assembly, stimulus_ids, self._bounds["subjects"], self._bounds["conditions"])

    def _model_rdm(self, candidate: BrainModel, area: str, shown: Any) -> np.ndarray:
        """(n_pairs,) dissimilarities of an area."""
        first, last = self._common["time_bin"]
        candidate.start_recording(area, time_bins=[(first, last)])
        # Some models remember their answer by the name of the stimulus set alone: under one name they would give the
        # first area's recording for all. `--` is the library's mark of a derived set.
        stimuli = shown.copy()
        stimuli.identifier = f"{shown.identifier}--{area}-{first}-{last}ms"
        recording = candidate.look_at(stimuli, number_of_trials=1)
        stimulus_ids = list(shown["stimulus_id"].values)
        what = f"{candidate.identifier} {area}"
        return correlation_rdm(features(recording, stimulus_ids, what), stimulus_ids, what)


def features(recording: Any, stimulus_ids: Sequence[str], what: str) -> np.ndarray:
    """(n_images, n_neuroids) float64 values of a recording, rows in the order of ``stimulus_ids``."""
    if "time_bin" in recording.dims:
        if recording.sizes["time_bin"] != 1:
            raise ValueError(f"{what}: got {recording.sizes['time_bin']} time bins, expected the one asked for.")
        recording = recording.isel(time_bin=0)
    if set(recording.dims) != {"presentation", "neuroid"}:
        raise ValueError(f"{what}: got an answer over {recording.dims}, expected presentation and neuroid.")
    row_of = {stimulus: row for row, stimulus in enumerate(recording["stimulus_id"].values)}
    if recording.sizes["presentation"] != len(stimulus_ids) or set(row_of) != set(stimulus_ids):
        raise ValueError(f"{what}: got {len(row_of)} stimuli, expected one answer to each of {len(stimulus_ids)}.")
    values = recording.transpose("presentation", "neuroid").values
    return values[[row_of[stimulus] for stimulus in stimulus_ids]].astype(np.float64)


def correlation_rdm(features: np.ndarray, stimulus_ids: Sequence[str], what: str) -> np.ndarray:
    """1 - Pearson between rows of features (n_images, n_features): (n_pairs,) float64, the upper triangle."""
    with np.errstate(invalid="ignore"):
        # Without a common offset first, which would leave rounding errors of its size.
        centred = features - features[:, :1]
        centred = centred - centred.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(centred, axis=1)
    bad = np.flatnonzero(~np.isfinite(lengths) | (lengths == 0))
    if bad.size:
        named = ", ".join(str(stimulus_ids[row]) for row in bad[:5])
        raise ValueError(
            f"{what}: got features that are constant or not finite for {bad.size} stimuli ({named}), whose correlation "
            "is undefined; expected features that vary. Check the layer that is committed to the area."
        )
    unit = centred / lengths[:, None]
    return 1 - np.clip((unit @ unit.T)[np.triu_indices(len(unit), 1)], -1, 1)


def neural_rdms(
    assembly: Any, stimulus_ids: Sequence[str], subjects: Sequence[str], conditions: Sequence[Any]
) -> np.ndarray:
    """(n_subjects, n_conditions, n_pairs) upper triangles of the RDMs in an assembly.

    ``conditions`` are starts of time bins in milliseconds, or regions where there is no time.
    """
    rows = _places(assembly["stimulus_id"].values, stimulus_ids)
    values = assembly.transpose("presentation", "neuroid", ...).values[rows]
    timed = "time_bin" in assembly.dims
    of_subject, region = assembly["subject"].values, assembly["region"].values
    compared = assembly["compared_stimulus_id"].values
    pairs = np.triu_indices(len(rows), 1)

    def triangle(subject: str, condition: Any) -> np.ndarray:
        neuroids = np.flatnonzero((of_subject == subject) & (timed | (region == condition)))
        rdm = values[:, neuroids[_places(compared[neuroids], stimulus_ids)]]
        return (rdm[..., list(assembly["time_bin_start"].values).index(condition)] if timed else rdm)[pairs]

    return np.array([[triangle(subject, condition) for condition in conditions] for subject in subjects])


def _places(found: Sequence[Any], wanted: Sequence[Any]) -> list[int]:
    place_of = {one: place for place, one in enumerate(found)}
    return [place_of[one] for one in wanted]


def unit_ranks(rdms: np.ndarray) -> np.ndarray:
    """Centred mid-ranks of dissimilarities (..., n_pairs), of unit length: their inner products are Spearman's rho."""
    ranks = rankdata(rdms, axis=-1) - (rdms.shape[-1] + 1) / 2
    lengths = np.linalg.norm(ranks, axis=-1, keepdims=True)
    if (lengths == 0).any():
        raise ValueError("Got an RDM whose dissimilarities are all equal; expected stimuli that differ.")
    return ranks / lengths


def area_weights(values: np.ndarray, choice: str) -> np.ndarray:
    """Weights of the areas for similarities (n_subjects, n_areas, n_conditions): all alike, or the best one alone."""
    if choice == "mean":
        return np.full(values.shape, 1 / values.shape[1])
    chosen = values.mean(axis=0).argmax(axis=0)
    weights = (np.arange(values.shape[1])[:, None] == chosen).astype(float)
    return np.broadcast_to(weights, values.shape)


def error_over_stimuli(areas: np.ndarray, measured: np.ndarray, weights: np.ndarray, n_images: int) -> float:
    """Standard deviation of raw over bootstrap samples of the stimuli; NaN where a sample leaves nothing to correlate.

    A stimulus drawn c times counts c times, pairs with its own copy are dropped, ranks stay those of all stimuli.
    ``areas`` (n_areas, n_pairs) and ``measured`` (n_conditions, n_pairs) are unit ranks, ``weights`` (n_areas,
    n_conditions).
    """
    # w_ij = c_i c_j, scaled to Σ w = 1
    #   ρ = (Σ w x y - Σ w x Σ w y) / √[(Σ w x² - (Σ w x)²) (Σ w y² - (Σ w y)²)]
    counts = np.random.default_rng(0).multinomial(n_images, np.full(n_images, 1 / n_images), size=DRAWS)
    rows, columns = np.triu_indices(n_images, 1)
    raws = []
    for count in counts.astype(float):
        weight = count[rows] * count[columns]
        if not weight.any():
            return float("nan")
        weight = weight / weight.sum()
        x, y = (vectors - (vectors @ weight)[:, None] for vectors in (areas, measured))
        variances = x**2 @ weight, y**2 @ weight
        if min(map(np.min, variances)) < 1e-12 / len(weight):
            return float("nan")
        similarity = np.clip((x * weight) @ y.T / np.sqrt(np.outer(*variances)), -1, 1)
        raws.append((similarity * weights).sum(axis=0).mean())
    return float(np.std(raws, ddof=1))
