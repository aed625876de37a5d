"""A training from its recipe to a model in the store: data, pretrained network, training, model card."""

import logging
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from brainscore_realnet.errors import BadInputError, StoreError
from brainscore_realnet.networks.pretrained import pretrained
from brainscore_realnet.simulation.pretraining import make_if_missing
from brainscore_realnet.simulation.public import make_if_public
from brainscore_realnet.store import folder, sha256_file, weights
from brainscore_realnet.store.versions import machine, versions
from brainscore_realnet.training import checkpoints, figures
from brainscore_realnet.training.data import AcrossSubjects, TrainingData
from brainscore_realnet.training.devices import checked_device, device_name
from brainscore_realnet.training.images import image_cache
from brainscore_realnet.training.reading import selection_data, training_data
from brainscore_realnet.training.recipes import Recipe
from brainscore_realnet.training.run_state import Trained, by_subject_of, layers_of
from brainscore_realnet.training.trainer import train

BEST = "-best"
"""What follows a model's identifier for the weights of the epoch with the lowest validation loss."""

_logger = logging.getLogger(__name__)


def train_model(
    recipe: Recipe,
    *,
    device: str | torch.device | None = None,
    pretrained_weights: str | Path | None = None,
    replace: bool = False,
    progress: bool = True,
) -> dict[str, Any]:
    """Train by a recipe and put the model into the store, where Brain-Score finds it under the recipe's identifier.

    The weights of the last epoch are the model; those of the epoch with the lowest validation loss are kept beside it
    under `BEST`. (With ``recipe.reference`` the model is picked on the test images, as by the released code.)
    An interrupted training goes on where it stopped; one that is finished is not repeated. Curves and figures stay in
    `run_folder`; its checkpoints are deleted once the store has the weights.

    Parameters
    ----------
    recipe : Recipe
    device : str or torch.device, optional
        Default: a GPU if there is one.
    pretrained_weights : path, optional
        File with the weights that training starts from, see `networks.pretrained`. Default: the published ones.
    replace : bool
        Train even though the store has a model of that identifier, and replace it.
    progress : bool
        Show progress bars.

    Returns
    -------
    dict
        The model card.

    Raises
    ------
    MissingDataError, MissingWeightsError
        The data or the pretrained weights are not there; the message says how to get them.
    BadInputError
        The store has another model of that identifier; or as `training.trainer.train`.
    Interrupted, BadFileError, StoreError
        As `training.trainer.train`.
    """
    card = finished(recipe)
    if card is not None and not replace:
        _refuse_other_start(card, pretrained_weights)
        checkpoints.remove_all(run_folder(recipe))  # of a training that was killed just before it removed them
        return card
    if not replace:
        refuse_taken([recipe])
    place = checked_device(device, recipe.precision)
    make_if_public(recipe.dataset, progress)
    data = training_data(recipe)  # what is missing is told before anything is made
    network, origin = starting_network(recipe, pretrained_weights, progress)
    cache = image_cache(data.images, recipe.image_size, progress=progress)
    run = run_folder(recipe)
    card = finished(recipe)
    if card is not None and not replace:  # by another process, meanwhile
        return card
    selection = None
    if recipe.reference:
        test = selection_data(recipe, data)
        selection = test, image_cache(test.images, recipe.image_size, progress=progress)
    trained = train(recipe, network, data, cache, run, device=place, progress=progress, selection=selection)
    about = {"images_sha256": cache.sha256, "pretrained": origin, "device": device_name(place)}
    card = _card(recipe, data, trained, about)
    _draw(recipe, data, trained, run)
    return _keep(recipe, trained, card, run)


def starting_network(
    recipe: Recipe, pretrained_weights: str | Path | None, progress: bool
) -> tuple[nn.Module, dict[str, Any]]:
    """Give what a training starts from, as `networks.pretrained` does; that of simulated trainings is made if absent.

    Raises
    ------
    MissingWeightsError
        No weights can be had.
    StoreError
        The store cannot be written.
    """
    if pretrained_weights is None:
        make_if_missing(recipe.backbone, progress)
    return pretrained(recipe.backbone, pretrained_weights, recipe.layers)


def finished(recipe: Recipe) -> dict[str, Any] | None:
    """Give the model card of a recipe whose training is in the store, or None."""
    card = weights.find_card(recipe.identifier)
    return card if card and card.get("recipe_digest") == recipe.digest else None


def run_folder(recipe: Recipe) -> Path:
    """Give the folder of a recipe's training: checkpoints until it is finished, curves and figures.

    Raises
    ------
    StoreError
        It cannot be made.
    """
    return folder("runs", f"{recipe.identifier}-{recipe.digest}")


def taken(recipe: Recipe) -> list[str]:
    """Give the identifiers, of those that a training would save under, of which the store has other models."""
    found = {name: weights.find_card(name) for name in (recipe.identifier, f"{recipe.identifier}{BEST}")}
    # the best epoch of the same training, which was then interrupted before the last one was kept, is no other model
    return [name for name, card in found.items() if card is not None and card.get("recipe") != recipe.record()]


def refuse_taken(recipes: Iterable[Recipe]) -> None:
    """Raise BadInputError when the store has other models under the recipes' identifiers; all are named."""
    names = [name for recipe in recipes for name in taken(recipe)]
    if names:
        raise BadInputError(
            f"Got {', '.join(names)}, of which the store has models that were imported or come of other trainings: "
            "expected none. Give --replace to replace them, or change the recipe."
        )


def _refuse_other_start(card: dict[str, Any], pretrained_weights: str | Path | None) -> None:
    if pretrained_weights is None or sha256_file(pretrained_weights) == card["pretrained"].get("sha256"):
        return
    raise BadInputError(
        f"Got {pretrained_weights} to start from for {card['identifier']}, which the store has, trained from other "
        "weights: expected none. Give --replace to replace it."
    )


def _card(
    recipe: Recipe, data: TrainingData | AcrossSubjects, trained: Trained, about: dict[str, Any]
) -> dict[str, Any]:
    """Say what is to be known of a trained model."""
    subjects = by_subject_of(recipe, data)
    named = {"subject": recipe.subject_name} if recipe.subject_name else {}
    signals = [
        {"subject": one.subject, "mean": one.mean, "std": one.std, "shape": list(one.signal_shape)} for one in subjects
    ]
    return {
        "backbone": recipe.backbone,
        "layers": list(recipe.layers) if recipe.layers else None,
        "image_size": recipe.image_size,
        "trained_on": {"dataset": recipe.dataset, **named},
        "simulated": recipe.simulated,
        "head": {"layers": list(layers_of(recipe)), "n_signals": data.n_signals} if subjects else None,
        "recipe": recipe.record(),
        "recipe_digest": recipe.digest,
        "departures": list(recipe.departures),
        "data_sha256": data.sha256,
        "signals": signals,
        "n_images": len(data.images),
        **about,
        "threads": torch.get_num_threads(),
        "versions": versions(),
        "machine": machine(),
        "steps": trained.steps,
        "seconds": round(trained.seconds, 1),
        "curves": trained.curves,
    }


def _draw(recipe: Recipe, data: TrainingData | AcrossSubjects, trained: Trained, run: Path) -> None:
    """Draw curves and examples; a disk that is full costs the figures, not the model."""
    try:
        figures.draw_curves(trained.curves, recipe, data, run / "curves.png")
        if trained.examples:
            figures.draw_examples(trained.examples, recipe, data, run / "examples.png")
    except (OSError, StoreError) as error:
        _logger.warning("the figures in %s could not be written: %s", run, error)


def _keep(recipe: Recipe, trained: Trained, card: dict[str, Any], run: Path) -> dict[str, Any]:
    """Put the last and the best weights into the store, then delete the checkpoints that led to them."""
    chosen = trained.weights
    about: dict[str, Any] = {"epoch": recipe.epochs, "selected_by": "last epoch"}
    if trained.best is not None:
        best: dict[str, Any] = {"epoch": trained.best_epoch, "selected_by": "lowest validation loss"}
        if recipe.reference:
            chosen, about = trained.best, best | {"selected_by": "lowest loss on the test images, as released"}
        else:
            # The recipe leads to the last epoch's weights: its digest belongs to that model alone.
            weights.save(f"{recipe.identifier}{BEST}", trained.best, {**card, **best, "recipe_digest": None})
    weights.save(recipe.identifier, chosen, {**card, **about})
    with suppress(OSError):
        checkpoints.remove_all(run)
    return weights.find_card(recipe.identifier) or card
