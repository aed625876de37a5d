"""What the statistics of a comparison depend on besides the scores."""

from dataclasses import dataclass

from brainscore_realnet.errors import BadInputError

COURSE = (-0.05, 0.3)
"""EEG time courses that are compared unless others are asked for, seconds"""
ALPHA = 0.05
"""Level of significance of every mark and sentence: of q where tests are corrected for their number, else of p."""


@dataclass(frozen=True)
class Settings:
    """Seeds and numbers of draws."""

    permutations: int = 10_000
    """Most sign flips of a cluster permutation test; all 2ⁿ of n subjects are used where they are no more."""
    draws: int = 1000
    """Draws of subjects for intervals; those of the stimuli come with the scores."""
    seed: int = 0
    """Of sign flips and of draws of subjects."""

    def __post_init__(self) -> None:
        whole = all(isinstance(number, int) for number in (self.permutations, self.draws, self.seed))
        if not (whole and self.permutations >= 1 and self.draws >= 2 and self.seed >= 0):
            raise BadInputError(
                f"Got {self}: expected whole numbers: at least 1 permutation, at least 2 "
                "draws, and a seed of 0 or more."
            )
