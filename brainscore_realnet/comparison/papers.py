"""What the papers of ReAlnet trained, compared and reported, so that it can be done again.

R24: Lu et al., arXiv 2401.17231 (2024 preprint; Communications Biology 9:463, 2026). RF24: Lu & Wang, arXiv 2407.10414.
What a reported number is a mean or maximum over is our reading of the text; it is said beside each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from brainscore_realnet.training.plan import grid
from brainscore_realnet.training.recipes import CONTROL_BETAS, RECIPES, Recipe, known_subjects

if TYPE_CHECKING:
    from pandas import DataFrame


@dataclass(frozen=True)
class Study:
    """One comparison, whose page has some of a paper's figures."""

    name: str
    """Of its folder"""
    figures: str
    """Of the paper"""
    models: tuple[str, ...]
    """As `selection.expand` takes them"""
    baselines: tuple[str, ...]
    benchmarks: tuple[Any, ...]
    """Identifiers, or benchmarks"""


@dataclass(frozen=True)
class Reported:
    """A number that a paper reports, and how ours is taken from the tables of its study."""

    what: str
    theirs: str
    study: str
    ours: "Callable[[Mapping[str, DataFrame]], float]"
    percent: bool = True
    """Whether it is a ratio that is shown in per cent"""


@dataclass(frozen=True)
class Paper:
    """All that is done again."""

    name: str
    """As the command line takes it"""
    citation: str
    recipe: Recipe
    """Of the headline models; its subject is set here"""
    baselines: tuple[str, ...]
    """Models whose weights others trained"""
    studies: tuple[Study, ...]
    reported: tuple[Reported, ...]
    left_out: str
    """Figures that are not made"""
    published: bool = False
    """Whether the authors published the headline's models"""

    @property
    def simulated(self) -> bool:
        """Whether it is done on virtual subjects."""
        return self.recipe.simulated

    @property
    def headline(self) -> tuple[Recipe, ...]:
        """Recipes of the headline's personal models."""
        return grid(self.recipe, self._subjects)

    @property
    def recipes(self) -> tuple[Recipe, ...]:
        """Recipes of all models that the studies compare, the headline's first."""
        every = grid(self.recipe, self._subjects, control_names=())
        first = set(self.headline)
        return (*self.headline, *(one for one in every if one not in first))

    @property
    def _subjects(self) -> range:
        return range(1, len(known_subjects(self.recipe.dataset)) + 1)


def realnet_2024(simulated: bool = False) -> Paper:
    """ReAlnet, on THINGS-EEG2 and Shen2019 or on virtual subjects."""
    if simulated:
        eeg, fmri, recipe = "SimThingsEEG2concepts", "SimShen2019-rsa", RECIPES["sim-realnet-eeg"]
        # The networks that stand in for other people's know nothing of any subject either.
        cornet, others = "sim-cornet-s-narrow", ("sim-hidden", "sim-random")
    else:
        eeg, fmri, recipe = "ThingsEEG2", "Shen2019-rsa", RECIPES["realnet-eeg"]
        cornet, others = "cornet-s", ("resnet-101", "clip-rn101")
    family, models = _families(recipe)
    benchmarks = f"{eeg}-rsa", fmri
    variants = [models(f"-beta{beta}") for beta in CONTROL_BETAS["eeg"]]
    studies = (
        Study("main", "Fig. 2A, 2B, 3A, 3B, 4", (models(),), (cornet,), benchmarks),
        Study("models", "Fig. 1B", (models(), *others), (cornet,), (f"{eeg}-rsa", f"{eeg}.readout-rsa")),
        Study("beta", "Fig. 6, A.3 – A.5", (models(), *variants), (cornet, f"{family}-beta0"), benchmarks),
        Study(
            "controls",
            "Fig. 7, A.7",
            (models(), f"{family}-all"),
            (cornet, f"{family}-beta0", models("-unpaired"), models("-nocont")),
            benchmarks,
        ),
    )
    name = f"{family}, EEG"
    reported = (
        Reported(f"{name}: gain over {cornet}, mean over areas, at the peak", "8 % (preprint)", "main", _mean("peak")),
        Reported("  the same, highest area of a subject", "80 % (preprint)", "main", _highest("peak")),
        Reported("  mean over areas, 50–200 ms", "5 % (preprint), 3 % (2026)", "main", _mean("window")),
        Reported("  the same, highest area of a subject", "40 %", "main", _highest("window")),
        Reported("  EEG against fMRI improvement over models, Pearson r", ".92", "main", _correlation, percent=False),
    )
    left_out = (
        "Fig. 5 (adversarial images), the same per β and control, ImageNet accuracies (A.1) and generated EEG (A.2)"
    )
    citation = "Lu et al., arXiv 2401.17231"
    return Paper(
        "realnet-2024", citation, recipe, (cornet, *others), studies, reported, left_out, published=not simulated
    )


def realnet_fmri_2024(simulated: bool = False) -> Paper:
    """ReAlnet-fMRI, on Shen2019 and THINGS-EEG2 or on virtual subjects."""
    prefix, cornet = ("Sim", "sim-cornet-s-narrow") if simulated else ("", "cornet-s")
    recipe = RECIPES["sim-realnet-fmri" if simulated else "realnet-fmri"]
    family, models = _families(recipe)
    images = tuple(f"{prefix}Shen2019{kind}-rsa" for kind in ("", "shapes", "letters"))
    baselines = (cornet, f"{family}-beta0")
    variants = [models(f"-beta{beta}") for beta in CONTROL_BETAS["fmri"]]
    eeg = "SimThingsEEG2concepts-rsa" if simulated else "ThingsEEG2-rsa"
    studies = (
        Study("main", "Fig. 1B, 1C, 2, 3", (models(),), baselines, images),
        Study("eeg", "Fig. 4", (models(),), baselines, (eeg,)),
        Study("beta", "S2", (models(), *variants), baselines, images[:1]),
    )
    reported = (
        Reported(f"{family}, fMRI: gain over {cornet}, mean over regions", "over 10 %", "main", _mean_of_regions),
        Reported("  the same, highest region of a subject", "43 %", "main", _highest("roi")),
    )
    left_out = "object dimensions (2.4) and ImageNet accuracies (S1)"
    return Paper("realnet-fmri-2024", "Lu & Wang, arXiv 2407.10414", recipe, (cornet,), studies, reported, left_out)


PAPERS: dict[str, Callable[[bool], Paper]] = {"realnet-2024": realnet_2024, "realnet-fmri-2024": realnet_fmri_2024}
"""By the name that `brainscore reproduce` takes."""


def _families(recipe: Recipe) -> tuple[str, Callable[..., str]]:
    """Give the name of a recipe's family, and what names all its personal models of a variant."""
    last = len(known_subjects(recipe.dataset))
    family = f"{'sim-' * recipe.simulated}realnet-{recipe.signal}"

    def models(variant: str = "") -> str:
        return f"{family}-sub01..{last:02d}{variant}"

    return family, models


def _first_baseline(table: "DataFrame") -> "DataFrame":
    """Rows of the first benchmark and baseline: the headline's and CORnet-S."""
    first = table.iloc[:1]
    if not len(first):
        return table
    return table[(table["benchmark"] == first["benchmark"].iloc[0]) & (table["baseline"] == first["baseline"].iloc[0])]


def _mean(scope: str) -> "Callable[[Mapping[str, DataFrame]], float]":
    def ours(tables: "Mapping[str, DataFrame]") -> float:
        found = _first_baseline(tables["improvements"])
        found = found[(found["scope"] == scope) & (found["area"] != "mean")]
        return float(found["ratio"].astype(float).mean(skipna=False))

    return ours


def _highest(scope: str) -> "Callable[[Mapping[str, DataFrame]], float]":
    def ours(tables: "Mapping[str, DataFrame]") -> float:
        found = _first_baseline(tables["improvements_of_subjects"])
        found = found[(found["scope"] == scope) & (found["area"] != "mean") & (found["roi"] != "mean")]
        return float(found["ratio"].astype(float).max())

    return ours


def _mean_of_regions(tables: "Mapping[str, DataFrame]") -> float:
    found = _first_baseline(tables["improvements"])
    found = found[(found["scope"] == "roi") & (found["roi"] != "mean")]
    return float(found["ratio"].astype(float).mean(skipna=False))


def _correlation(tables: "Mapping[str, DataFrame]") -> float:
    found = tables["correlations"]
    found = found[found["test"].str.startswith("Pearson")]
    return float(found["statistic"].iloc[0]) if len(found) else float("nan")
