"""What a sweep trains: a grid of recipes, checked as a whole before the first training begins."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from brainscore_realnet.datasets import kamitani, things_eeg2
from brainscore_realnet.errors import BadInputError
from brainscore_realnet.networks.backbones import backbone as described
from brainscore_realnet.simulation.public import make_if_public
from brainscore_realnet.training.recipes import Recipe, controls, known_subjects


@dataclass(frozen=True)
class Planned:
    """A model of a sweep."""

    recipe: Recipe
    card: dict[str, Any] | None
    """Of the model in the store; None when it is to be trained"""


def chosen_subjects(recipe: Recipe, words: Sequence[str] = ()) -> tuple[int, ...]:
    """Read subjects as users write them, such as ``1-3 5``: their numbers, ascending.

    Parameters
    ----------
    recipe : Recipe
        Whose data set has the subjects.
    words : sequence of str
        An empty one for all: of a published set its subjects, of another those that the store has.

    Raises
    ------
    BadInputError
        The data set has no such subject.
    MissingDataError
        It is no published set, and the store has nothing of it.
    """
    from brainscore_realnet.datasets.catalogue import choose_subjects, find

    make_if_public(recipe.dataset)
    known = _all_subjects(recipe)
    if not known:
        _reader(recipe).require(["sub-01"], "training", recipe.dataset)  # it says how to get them
    data_set = find(things_eeg2.NAME if recipe.signal == "eeg" else kamitani.SHEN2019)
    chosen = choose_subjects(words or None, replace(data_set, name=recipe.dataset, subjects=known))
    return tuple(int(name.removeprefix("sub-")) for name in chosen or known)


def grid(
    recipe: Recipe,
    subjects: Iterable[int],
    betas: Iterable[float] = (),
    seeds: Iterable[int] = (),
    control_names: Sequence[str] | None = None,
) -> tuple[Recipe, ...]:
    """Vary a recipe; a model that several combinations lead to is there once.

    Parameters
    ----------
    recipe : Recipe
        What all have in common.
    subjects : iterable of int
        Numbers, from 1.
    betas : iterable of float
        Default: that of the recipe. With 0 there is one model a seed, whoever the subject is.
    seeds : iterable of int
        Default: that of the recipe.
    control_names : sequence of str, optional
        Which of `recipes.controls` are trained too, each for every subject and seed with the recipe's own β; an empty
        one means all. Default: none.

    Returns
    -------
    tuple of Recipe
        By seed, then by subject.

    Raises
    ------
    BadInputError
        A combination cannot be trained, a control has another name, or there is no subject.
    """
    found: dict[str, Recipe] = {}
    betas, subjects = tuple(betas) or (recipe.beta,), tuple(subjects)
    for seed in tuple(seeds) or (recipe.seed,):
        for subject in subjects:
            variants = [_varied(recipe, subject, beta, seed) for beta in betas]
            if control_names is not None:
                variants += _chosen_controls(_varied(recipe, subject, recipe.beta, seed), control_names)
            found |= {variant.digest: variant for variant in variants if variant.digest not in found}
    if not found:
        raise BadInputError("Got no subject: expected at least one. Name some, as in --subjects 1-10.")
    return tuple(found.values())


def planned(recipes: Sequence[Recipe], replaced: bool = False) -> tuple[Planned, ...]:
    """Check all that can be known before the first training, and find what is in the store already.

    Parameters
    ----------
    recipes : sequence of Recipe
        Different ones.
    replaced : bool
        Whether models of other trainings, and imported ones, may be replaced.

    Raises
    ------
    MissingDataError
        Images or signals of a subject are not in the store; all that are not are named.
    UnknownIdentifierError
        No network is called so.
    BadInputError
        The store has other models of these identifiers, and they may not be replaced.
    BadFileError
        A model card is broken.
    """
    from brainscore_realnet.training.runs import finished, refuse_taken

    for name, layers in {(recipe.backbone, recipe.layers) for recipe in recipes}:
        described(name, layers)
    plan = tuple(Planned(recipe, finished(recipe)) for recipe in recipes)
    left = [one.recipe for one in plan if one.card is None]
    if not replaced:
        refuse_taken(left)
    _require_data(left)
    return plan


def _varied(recipe: Recipe, subject: int, beta: float, seed: int) -> Recipe:
    """Give a recipe of another subject, β and seed; without signals it is nobody's, and mispairs nothing."""
    if not beta:
        return recipe.changed(beta=0, subject=None, unpaired=False, seed=seed)
    return recipe.changed(beta=beta, subject=subject, seed=seed)


def _chosen_controls(recipe: Recipe, names: Sequence[str]) -> list[Recipe]:
    """Give the controls of these names, all where there is none."""
    known = controls(recipe)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise BadInputError(
            f"Got the control {unknown[0]!r} of {recipe.identifier}: expected some of {', '.join(known)}."
        )
    return [known[name] for name in names or known]


def _reader(recipe: Recipe) -> Any:
    return things_eeg2 if recipe.signal == "eeg" else kamitani


def _all_subjects(recipe: Recipe) -> tuple[str, ...]:
    """Name all subjects of a set that is known here, or those of another one that the store has."""
    return known_subjects(recipe.dataset) or tuple(_reader(recipe).subjects("training", recipe.dataset))


def _require_data(recipes: Sequence[Recipe]) -> None:
    """Raise unless the images and all subjects' signals are in the store; one message names all that lacks."""
    wanted: dict[str, set[str]] = {}
    readers = {recipe.dataset: _reader(recipe) for recipe in recipes}
    for recipe in recipes:
        whose = [recipe.subject_name] if recipe.subject_name else _all_subjects(recipe) if recipe.beta else []
        wanted.setdefault(recipe.dataset, set()).update(whose)
    for dataset, reader in readers.items():
        make_if_public(dataset)
        reader.require(sorted(wanted[dataset]), "training", dataset)
