"""The world contract: a pure, seeded state machine that knows no agent, no mind, no model, no database."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from random import Random
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, RootModel

from tertulia.storage.made import Made
from tertulia.storage.once import once_in_use
from tertulia.storage.rows import Variable
from tertulia.storage.seen import Claim, Length, Observation, Seen

__all__ = [
    "Action", "Candidate", "Claim", "Event", "Observation", "Outcome", "Pass", "RulesPolicy", "Say", "SeatParams",
    "Stance", "Stated", "Variable", "World", "WorldError", "WorldParams", "one_of",
]  # fmt: skip


class WorldError(ValueError):
    """A parameter that cannot be: `key` says which (`participants.bob.knows.house`), `message` what would be right."""

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message


class Action(BaseModel):
    """Something a participant may do. `kind` tells the types apart."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str


class Say(Action):
    """An utterance to everyone who can hear. `asserts` are its claims, declared by whoever speaks."""

    kind: Literal["say"] = "say"
    text: Annotated[str, Length(600, 1)]
    to: Annotated[tuple[str, ...], Field(max_length=8)] = ()
    asserts: Annotated[tuple[Claim, ...], Field(max_length=8)] = ()


class Pass(Action):
    """Say and do nothing, on purpose."""

    kind: Literal["pass"] = "pass"


@once_in_use
def one_of(*actions: type[Action]) -> type[RootModel[Any]]:
    """The legal actions as one pydantic schema; `.root` is the action. The same types give the same class."""
    if len(actions) == 1:
        return RootModel[actions[0]]  # type: ignore[valid-type]
    union: Any = actions[0]
    for action in actions[1:]:
        union = union | action
    return RootModel[Annotated[union, Field(discriminator="kind")]]


class Event(Made, BaseModel):
    """Something that happened, and who witnessed it.

    `content` got all of it; `glimpsed` only saw that it happened and get `occurrence` as its text.
    A witness is noticed by all other witnesses unless it stands in `unnoticed` (somebody who peeks or eavesdrops).
    """

    model_config = ConfigDict(frozen=True)

    kind: str
    text: str
    actor: str | None = None
    occurrence: str | None = None
    addressees: tuple[str, ...] = ()
    place: str | None = None
    data: dict[str, Any] = {}
    origin: Literal["participant", "scripted", "world", "floor"] = "participant"
    content: tuple[str, ...] = ()
    glimpsed: tuple[str, ...] = ()
    unnoticed: tuple[str, ...] = ()
    claims: tuple[Claim, ...] = ()


class Outcome(Made, BaseModel):
    """How things stand. `done` ends the episode with `reason`; `reward` is 0-1 where there is a task, else None."""

    model_config = ConfigDict(frozen=True)

    done: bool = False
    reason: str = ""
    reward: FiniteFloat | None = None
    detail: dict[str, Any] = {}


class WorldParams(BaseModel):
    """A world's own keys at the top level of a scenario file."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class SeatParams(BaseModel):
    """A world's own keys of one participant in a scenario file, beside name, persona, goal, mind and model."""

    model_config = ConfigDict(frozen=True, extra="forbid")


State = TypeVar("State", bound=BaseModel)


class World(ABC, Generic[State]):
    """The rules of a place. Every method is pure: equal arguments give equal results, and no argument is changed.

    `params` and `seats` are fixed for an episode. All chance comes from the `rng` handed in. A state is a frozen
    pydantic model that survives JSON both ways. `check_world` in `tertulia.environments.testing` tests all of this.
    """

    name: ClassVar[str]
    Params: ClassVar[type[WorldParams]] = WorldParams
    Seat: ClassVar[type[SeatParams]] = SeatParams
    StateType: ClassVar[type[BaseModel]]
    seats_allowed: ClassVar[tuple[int, int]] = (2, 8)
    hears_silence: ClassVar[bool] = False
    """Whether those who are together notice that nobody speaks, as people in a conversation do: each such turn is then
    an event of kind `silence`. A scenario may say otherwise (`turns.silence`)."""

    def __init__(self, params: Any, seats: Mapping[str, Any]) -> None:
        """`params` is an instance of `Params`; `seats` maps names, in seat order, to instances of `Seat`.

        Raises `WorldError` where they do not fit together.
        """
        self.params = params
        self.seats = dict(seats)
        self.names: tuple[str, ...] = tuple(seats)
        self.names_variables = True
        """Whether legal actions may name variables and their values. Where minds are not asked what they believe,
        they do not: a schema that speaks of the house tells that there is a question."""
        self.disclosers: tuple[str, ...] = ()
        """Those whose minds tell others what they take them to believe: their claims may name a `believer`."""

    @classmethod
    def problems(cls, params: Any, seats: Mapping[str, Any]) -> list[WorldError]:
        """Everything about the parameters that cannot be, so that a file's errors are told together."""
        try:
            cls(params, seats)
        except WorldError as error:
            return [error]
        return []

    @abstractmethod
    def premise(self) -> str:
        """The public rules of the place, in words for a participant to read. The same for all, for a whole episode."""

    @abstractmethod
    def reset(self, rng: Random) -> tuple[State, list[Event]]:
        """The first state, and the events of the opening (turn 0)."""

    @abstractmethod
    def observe(self, state: State, seat: str) -> Observation:
        """What `seat` alone is shown now."""

    @abstractmethod
    def legal(self, state: State, seat: str) -> type[RootModel[Any]] | None:
        """What `seat` may do now, as `one_of(...)`; None when it cannot act at all (it has left)."""

    @abstractmethod
    def step(self, state: State, acts: Mapping[str, Action], rng: Random) -> tuple[State, list[Event]]:
        """One turn: the actions of those admitted, in the mapping's order (none in a silence), then the script.

        Raises `ValueError` for an action that is not legal for its seat.
        """

    @abstractmethod
    def variables(self, state: State) -> list[Variable]:
        """What can be believed, with the true values now. Names and values are the same for a whole episode."""

    @abstractmethod
    def outcome(self, state: State) -> Outcome:
        """How things stand after the last step; also asked when a limit ends the episode."""

    def knows(self, state: State, seat: str) -> Mapping[str, str]:
        """What `seat` knows for certain from the start, by variable: for gold, witnessed by this seat alone.
        Asked once, of the state after `reset`. That a variable is `known_to` a seat need not be said again."""
        return {}

    def assumes(self, state: State, seat: str) -> Mapping[str, Mapping[str, float]]:
        """What `seat` takes to be so from the start without having seen it: by variable, a distribution over values.
        Asked once, like `knows`. Gold has it as this seat's prior; without one, all values are equally likely."""
        return {}

    def pending(self, state: State) -> bool:
        """Whether something is still to happen by itself, so that silence alone is no reason to end."""
        return False

    def present(self, state: State, seat: str) -> tuple[str, ...]:
        """Those whom `seat` can see now, itself included, by seat order."""
        return self.names


class Stated(BaseModel):
    """A distribution along a chain, as rules hold it: `chain` is `alice`, `alice>bob`, `alice&bob`, ..."""

    model_config = ConfigDict(frozen=True)

    chain: str
    variable: str
    probabilities: dict[str, float]
    source: str | None = None
    """The id of the event that moved it, where there is one."""


class Candidate(BaseModel):
    """Something rules would say or do now, with the eight named sub-scores of its motivation (1.0-5.0)."""

    model_config = ConfigDict(frozen=True)

    gloss: str
    """The thought behind it, in words; equal thoughts have equal glosses from turn to turn."""
    act: Action
    system: Literal[1, 2] = 2
    stimuli: tuple[str, ...] = ()
    scores: dict[str, float] = {}
    motivation: float


class Stance(BaseModel):
    """What rules make of everything one participant has seen: beliefs, and candidates with the best first."""

    model_config = ConfigDict(frozen=True)

    beliefs: tuple[Stated, ...] = ()
    candidates: tuple[Candidate, ...] = ()


class RulesPolicy(ABC):
    """A world's rules for playing in it, with no model: exact, seeded, and honest about what it can do.

    `consider` is pure: it may use nothing but what it is given.
    """

    takes_beliefs: ClassVar[bool] = False
    """Whether `consider` goes on from beliefs that were set from outside (`Seen.given`), as forks may set them."""

    @classmethod
    def of(cls, world: World[Any]) -> Self:
        """The policy for this instance of its world; it may take over words and names, not what is private."""
        return cls()

    @abstractmethod
    def consider(self, seen: Seen, rng: Random) -> Stance:
        """Beliefs up to `seen.order` over `seen.variables`, and what might be said or done now."""

    @abstractmethod
    def render(self, claims: Sequence[Claim]) -> str:
        """Claims in words, such that `parse(render(claims)) == claims`."""

    @abstractmethod
    def parse(self, text: str) -> tuple[Claim, ...]:
        """The claims a text makes, as far as the rules understand it."""
