"""Number guessing: everybody predicts the others and names a number; nearest to a share of the mean wins the round."""

from tertulia.environments.worlds.number_guessing.policy import NumberGuessingRules
from tertulia.environments.worlds.number_guessing.world import (
    Guess,
    GuessingParams,
    GuessingSeat,
    GuessingState,
    NumberGuessing,
    Round,
)

__all__ = [
    "Guess", "GuessingParams", "GuessingSeat", "GuessingState", "NumberGuessing", "NumberGuessingRules", "Round",
]  # fmt: skip
