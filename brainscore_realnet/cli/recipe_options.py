"""A recipe as it is typed on the command line."""

from dataclasses import dataclass, fields
from typing import Self

from brainscore_realnet.training.recipes import RECIPES, Recipe


@dataclass(frozen=True)
class RecipeOptions(Recipe):
    """Every number of a training; those that are not given are the recipe's."""

    def __post_init__(self) -> None:
        """Check nothing: what was typed is checked as a whole, by `applied_to`, where errors become one message."""

    @classmethod
    def of(cls, name: str) -> Self:
        """Give the options of the recipe of that name when none is typed."""
        return cls(**{field.name: getattr(RECIPES[name], field.name) for field in fields(Recipe)})

    def applied_to(self, name: str) -> Recipe:
        """Give the named recipe with what was typed; raises BadInputError when that cannot be trained."""
        usual = RECIPES[name]
        typed = {field.name: getattr(self, field.name) for field in fields(Recipe)}
        return usual.changed(**{name: value for name, value in typed.items() if value != getattr(usual, name)})
