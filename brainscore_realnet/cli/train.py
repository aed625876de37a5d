"""``brainscore train``: a model aligned with a subject's brain signals."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from brainscore_realnet.cli.recipe_options import RecipeOptions
from brainscore_realnet.cli.table import duration, size
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.training.recipes import RECIPES, Recipe

BENCHMARKS = {
    "realnet-eeg": "ThingsEEG2-rsa",
    "realnet-fmri": "Shen2019-rsa",
    "sim-realnet-eeg": "SimThingsEEG2concepts-rsa",
    "sim-realnet-fmri": "SimShen2019-rsa",
}
"""What models of a recipe are scored on."""


@dataclass(frozen=True)
class Train:
    """Train, and put the model into the store under its identifier; an interrupted training goes on."""

    recipe: RecipeOptions
    name: tyro.conf.Suppress[str]
    all: bool = False
    """One model across all subjects, with a head for each, instead of one subject's."""
    device: str | None = None
    """Device, such as cuda:1 or cpu (default: a GPU if there is one)."""
    pretrained: Path | None = None
    """File with the weights to start from (default: those in the store under the backbone's name, or published)."""
    replace: bool = False
    """Train even though the store has a model of this identifier, and replace it."""

    def run(self) -> None:
        """Train with progress bars and print what was made."""
        recipe = self._recipe()
        from brainscore_realnet.training.runs import finished, train_model

        was_there = finished(recipe) is not None and not self.replace
        card = train_model(recipe, device=self.device, pretrained_weights=self.pretrained, replace=self.replace)
        print(f"{recipe.identifier}{', trained before: --replace trains it anew' * was_there}")
        for label, text in _summary(recipe, card):
            print(f"  {label:<9}  {text}")
        if recipe.dataset == RECIPES[self.name].dataset:
            print(f"Score it: brainscore score --model {recipe.identifier} --benchmark {BENCHMARKS[self.name]}")

    def _recipe(self) -> Recipe:
        recipe = self.recipe.applied_to(self.name)
        if recipe.beta and (recipe.subject is None) is not self.all:
            got = f"--subject {recipe.subject} and --all" if self.all else "neither --subject nor --all"
            raise BadInputError(f"Got {got}: expected one of them, such as --subject 1, or --all for one model of all.")
        return recipe


def _summary(recipe: Recipe, card: dict[str, Any]) -> list[tuple[str, str]]:
    from brainscore_realnet.training.runs import BEST, run_folder

    last = card["curves"][-1]
    rows = [("SIMULATED", "virtual subjects: this says nothing about brains")] if recipe.simulated else []
    rows.append(("trained", f"{recipe.epochs} epochs, {card['steps']} steps in {duration(card['seconds'])}"))
    rows.append(("loss", f"{last['training_loss']:.4f}"))
    measures = (("validation_spearman", "signals"), ("validation_rsa", "RSA"))
    rows += [(label, f"Spearman {last[key]:.4f} on held-out concepts") for key, label in measures if key in last]
    rows.append(("weights", f"{size(card['bytes'])}, sha256 {card['weights_sha256'][:12]}"))
    if recipe.holdout:
        rows.append(("best", f"the weights of the best epoch are kept as {recipe.identifier}{BEST}"))
    return [*rows, ("curves", str(run_folder(recipe)))]


def _command(name: str) -> Any:
    default = Train(RecipeOptions.of(name), name)
    return tyro.conf.subcommand(name, default=default, description=f"{RECIPE_WORDS[name]} {Train.__doc__}")


RECIPE_WORDS = {
    "realnet-eeg": "ReAlnet, aligned with EEG.",
    "realnet-fmri": "ReAlnet-fMRI, aligned with fMRI of the visual cortex.",
    "sim-realnet-eeg": "SIMULATED: a small network, aligned within seconds with a virtual subject's EEG.",
    "sim-realnet-fmri": "SIMULATED: the same with a virtual subject's fMRI.",
}

TrainCommand = Annotated[
    Annotated[Train, _command("realnet-eeg")]
    | Annotated[Train, _command("realnet-fmri")]
    | Annotated[Train, _command("sim-realnet-eeg")]
    | Annotated[Train, _command("sim-realnet-fmri")],
    tyro.conf.subcommand("train", description="Align a network with a subject's brain signals."),
]
