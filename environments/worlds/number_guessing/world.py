"""Number guessing: predict, act, score, revise. Whoever is nearest 0.8 times the mean wins the round."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import fsum
from random import Random
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model, with_config
from typing_extensions import TypedDict

from tertulia.environments.world import (
    Action,
    Claim,
    Event,
    Observation,
    Outcome,
    SeatParams,
    Variable,
    World,
    WorldError,
    WorldParams,
    one_of,
)
from tertulia.environments.worlds.number_guessing.arithmetic import (
    HIGHEST,
    LOWEST,
    as_fraction,
    target_of,
    winners_of,
)
from tertulia.environments.worlds.number_guessing.strategies import DRAWN, Strategy
from tertulia.storage.once import once_in_use

Number = Annotated[int, Field(ge=LOWEST, le=HIGHEST)]
VALUES = tuple(str(number) for number in range(LOWEST, HIGHEST + 1))


class Turns(BaseModel):
    """What this world reads of the scenario's `turns`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    policy: str = "simultaneous"


class GuessingParams(WorldParams):
    """The rounds, and the share of the mean that is aimed at."""

    rounds: Annotated[int, Field(ge=1, le=50)] = 10
    """How many rounds are played."""
    factor: Annotated[float, Field(gt=0, le=2, allow_inf_nan=False)] = 0.8
    """The target is this times the mean of all numbers."""
    turns: Turns = Turns()
    """The scenario's own; all must name their numbers at once."""


class GuessingSeat(SeatParams):
    """How rules play in a seat. A model or a person in it plays as it likes."""

    strategy: Strategy | Literal["drawn"] = "adaptive"
    """`adaptive` predicts each other by the strategies that have fitted best; `constant` names 50; `arithmetic` 50, 45,
    40, ...; `copy-last-gold` 50, then the last target; `level-0` repeats itself; `level-1` to `level-3` respond best to
    the level below; `exact` is told what the others play; `drawn`: one of four is drawn from the seed."""
    noise: Annotated[int, Field(ge=0, le=20)] = 0
    """How far rules may miss the number they meant to name, up or down: a seeded draw each round."""


class Guess(Action):
    """Predict what each of the others will name in this round; then name a number of your own."""

    kind: Literal["guess"] = "guess"
    predictions: dict[str, Number]
    """First: what each of the others will name. Nobody else sees it."""
    number: Number


@once_in_use
def guess_against(others: tuple[str, ...]) -> type[Guess]:
    """`Guess` with a prediction for each of `others` and nobody else. The same names give the same class."""
    fields = TypedDict("Predictions", dict.fromkeys(others, Number))  # type: ignore[misc]
    predictions = with_config(ConfigDict(extra="forbid"))(fields)
    return create_model("Guess", __base__=Guess, __doc__=Guess.__doc__, predictions=(predictions, ...))


class Round(BaseModel):
    """One round: what each named, and what each had predicted of the others. Those who did nothing are missing."""

    model_config = ConfigDict(frozen=True)

    numbers: dict[str, int]
    predictions: dict[str, dict[str, int]]
    winners: tuple[str, ...]


class GuessingState(BaseModel):
    """All rounds so far, and what the rules of each seat play."""

    model_config = ConfigDict(frozen=True)

    strategies: dict[str, Strategy]
    rounds: tuple[Round, ...] = ()


class NumberGuessing(World[GuessingState]):
    """After EgoSocialArena's G0.8A (Hou et al., arXiv 2410.06195), for 2-8 players; ties share the point.

    Theory of mind (the predictions) is measured apart from skill (the points). Predictions are seen by nobody but the
    one who makes them; the numbers are revealed to all after the round.
    """

    name: ClassVar[str] = "number_guessing"
    Params: ClassVar[type[WorldParams]] = GuessingParams
    Seat: ClassVar[type[SeatParams]] = GuessingSeat
    StateType: ClassVar[type[BaseModel]] = GuessingState
    seats_allowed: ClassVar[tuple[int, int]] = (2, 8)

    params: GuessingParams
    seats: dict[str, GuessingSeat]

    def __init__(self, params: GuessingParams, seats: Mapping[str, GuessingSeat]) -> None:
        super().__init__(params, seats)
        if params.turns.policy != "simultaneous":
            wrong = f"with '{params.turns.policy}' whoever comes later knows the numbers of those before"
            raise WorldError("turns.policy", f"{wrong}; write simultaneous")
        exact = [name for name, seat in seats.items() if seat.strategy == "exact"]
        if len(exact) > 1:
            wrong = f"{exact[0]} and {exact[1]} would each have to know beforehand what the other makes of it"
            raise WorldError(f"participants.{exact[1]}.strategy", f"{wrong}; let only one play exact")
        self.factor = as_fraction(params.factor)

    def premise(self) -> str:
        return (
            f"{self.params.rounds} rounds. In each, everybody at the same time first predicts what each of the others "
            f"will name, and then names a whole number from {LOWEST} to {HIGHEST}. The target is "
            f"{self.params.factor:g} times the mean of all numbers named. Whoever is nearest to the target wins a "
            "point; those who are equally near share it. Then all numbers are shown. Predictions stay private, and "
            "how well they were met is counted apart from the points."
        )

    def reset(self, rng: Random) -> tuple[GuessingState, list[Event]]:
        strategies: dict[str, Strategy] = {}
        for name, seat in self.seats.items():
            strategies[name] = rng.choice(DRAWN) if seat.strategy == "drawn" else seat.strategy
        text = f"The game begins: {self.params.rounds} rounds, {self.params.factor:g} times the mean."
        return GuessingState(strategies=strategies), [
            Event(kind="opening", text=text, origin="world", content=self.names)
        ]

    def observe(self, state: GuessingState, seat: str) -> Observation:
        lines = [f"Points so far: {self._standings(state)}." if state.rounds else "No round has been played yet."]
        if state.rounds and (met := self._met(state.rounds[-1], seat)):
            lines.append(f"Your last predictions: {'; '.join(met)}.")
        mine = self.seats[seat]
        data: dict[str, Any] = {
            "strategy": state.strategies[seat],
            "noise": mine.noise,
            "factor": self.params.factor,
            "rounds": self.params.rounds,
        }
        if state.strategies[seat] == "exact":
            data["others"] = {name: state.strategies[name] for name in self.names if name != seat}
        return Observation(text="\n".join(lines), data=data)

    def _met(self, played: Round, seat: str) -> list[str]:
        """Each of somebody's predictions of a round, and what came of it."""
        predicted, errors = played.predictions.get(seat, {}), _errors(played, seat)
        return [
            f"{name} {predicted[name]}, named {played.numbers[name]} ({f'off by {off}' if off else 'exact'})"
            for name in self.names
            if (off := errors.get(name)) is not None
        ]

    def _standings(self, state: GuessingState) -> str:
        return ", ".join(f"{name} {points:g}" for name, points in self._points(state).items())

    def legal(self, state: GuessingState, seat: str) -> type[RootModel[Any]] | None:
        if len(state.rounds) >= self.params.rounds:
            return None
        return one_of(guess_against(tuple(name for name in self.names if name != seat)))

    def step(self, state: GuessingState, acts: Mapping[str, Action], rng: Random) -> tuple[GuessingState, list[Event]]:
        for name, act in acts.items():
            self._check(state, name, act)
        guesses = {name: guess for name in self.names if isinstance(guess := acts.get(name), Guess)}
        if not guesses:
            return state, []
        numbers = {name: guess.number for name, guess in guesses.items()}
        named = tuple(numbers)
        winners = tuple(named[place] for place in winners_of(tuple(numbers.values()), self.factor))
        predictions = {name: dict(guess.predictions) for name, guess in guesses.items()}
        played = Round(numbers=numbers, predictions=predictions, winners=winners)
        after = state.model_copy(update={"rounds": (*state.rounds, played)})
        events = [self._predicted(name, predictions[name]) for name in named]
        events += [self._named(name, number) for name, number in numbers.items()]
        return after, [*events, self._scored(played, len(after.rounds))]

    def _check(self, state: GuessingState, name: str, act: Action) -> None:
        if name not in self.names:
            raise ValueError(f"nobody here is called {name!r}")
        schema = self.legal(state, name)
        if schema is None:
            raise ValueError("all rounds are played")
        schema.model_validate(act.model_dump())

    def _predicted(self, name: str, predictions: Mapping[str, int]) -> Event:
        ordered = {other: predictions[other] for other in self.names if other in predictions}
        return Event(
            kind="predict", text=f"{name} predicts: {_listed(ordered)}.", actor=name, content=(name,),
            data={"predictions": ordered}, claims=_claims(ordered),
        )  # fmt: skip

    def _named(self, name: str, number: int) -> Event:
        """An act of the player's own, so that a model of this player can be scored on it."""
        claims = (Claim(variable=f"{name}.next", value=str(number)),)
        data = {"number": number}
        return Event(
            kind="guess", text=f"{name} names {number}.", actor=name, content=self.names, data=data, claims=claims
        )

    def _scored(self, played: Round, number: int) -> Event:
        target = target_of(tuple(played.numbers.values()), self.factor)
        text = f"Round {number}: {self.params.factor:g} x mean = {float(target):.2f}. {_won(played.winners)}"
        data = {
            "round": number, "numbers": dict(played.numbers), "target": float(target), "winners": list(played.winners),
        }  # fmt: skip
        return Event(kind="round", text=text, origin="world", content=self.names, data=data)

    def variables(self, state: GuessingState) -> list[Variable]:
        """What each will name next. Momentary: nobody can know it, so there is no truth and no gold."""
        return [
            Variable(name=f"{name}.next", values=VALUES, momentary=True, say=f"{name} will name {{value}} next.")
            for name in self.names
        ]

    def outcome(self, state: GuessingState) -> Outcome:
        done = len(state.rounds) >= self.params.rounds
        detail = {
            "rounds": len(state.rounds),
            "points": self._points(state),
            "predictions": {name: predictions_of(state.rounds, name) for name in self.names},
            "strategies": {name: state.strategies[name] for name in self.names},
        }
        return Outcome(done=done, reason="played" if done else "", detail=detail)

    def _points(self, state: GuessingState) -> dict[str, float]:
        return {
            name: fsum(1 / len(played.winners) for played in state.rounds if name in played.winners)
            for name in self.names
        }


def predictions_of(rounds: Sequence[Round], name: str) -> dict[str, Any]:
    """How well somebody predicted: how many were `scored` (of those who then named a number), how many `exact`, and
    the mean `error` in points, None where none were scored."""
    off = [error for played in rounds for error in _errors(played, name).values()]
    return {"scored": len(off), "exact": off.count(0), "error": round(sum(off) / len(off), 3) if off else None}


def _errors(played: Round, name: str) -> dict[str, int]:
    predicted = played.predictions.get(name, {})
    return {other: abs(predicted[other] - named) for other, named in played.numbers.items() if other in predicted}


def _claims(numbers: Mapping[str, int]) -> tuple[Claim, ...]:
    return tuple(Claim(variable=f"{name}.next", value=str(number)) for name, number in numbers.items())


def _listed(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {number}" for name, number in numbers.items())


def _won(winners: Sequence[str]) -> str:
    if len(winners) == 1:
        return f"{winners[0]} wins the point."
    return f"{', '.join(winners[:-1])} and {winners[-1]} share the point."
