"""The log through one participant's eyes: the only thing a mind or a policy is ever given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import SkipJsonSchema
from pydantic_core import CoreSchema, core_schema

from tertulia.storage.made import Made
from tertulia.storage.rows import ClaimRow, EventRow, Level, Variable, WitnessRow

SILENCE = "silence"
"""The kind of an event that is a turn in which nobody spoke."""
SPEECH = ("say", "whisper")
"""The kinds of events that are words: what they claim is somebody's word; what others claim was witnessed."""


@dataclass(frozen=True, slots=True)
class Length:
    """`Annotated[str, Length(longest, shortest)]`: a text of any content, of so many characters.

    Pydantic's own `Field(max_length=...)` refuses lone surrogates, which models and people do write.
    """

    longest: int
    shortest: int = 0

    def check(self, text: str) -> str:
        if not self.shortest <= len(text) <= self.longest:
            raise ValueError(f"{len(text)} characters; it must have {self.shortest} to {self.longest}")
        return text

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        bounds = {"minLength": self.shortest} if self.shortest else {}
        return {**handler(schema), "maxLength": self.longest, **bounds}


class Claim(Made, BaseModel):
    """`variable = value`, or `variable != value` where `holds` is False.

    With a `believer` it says what that participant believes ("you think the cake is in the kitchen"), not what is so.
    """

    model_config = ConfigDict(frozen=True)

    variable: Annotated[str, Length(320)]
    value: Annotated[str, Length(160)]
    holds: bool = True
    believer: SkipJsonSchema[Annotated[str, Length(40, 1)] | None] = None
    """In no schema that a model is shown, unless an act's own claim type shows it."""


class SeenEvent(Made, BaseModel):
    """One event as a participant witnessed it. At level `occurrence`, `text` is what was noticed, without claims."""

    model_config = ConfigDict(frozen=True)

    id: str
    """`turn.ordinal`: where it stands in the log. Never shown to a mind: the number tells of events it did not see."""
    label: str = ""
    """`turn.n`: the n-th event of that turn that this participant witnessed; how it is called in prompts."""
    turn: int
    kind: str
    actor: str | None
    text: str
    level: Level
    addressees: tuple[str, ...] = ()
    place: str | None = None
    origin: str = "participant"
    claims: tuple[Claim, ...] = ()
    data: dict[str, Any] = {}
    witnesses: tuple[str, ...] = ()
    """The others this participant noticed getting the content."""
    onlookers: tuple[str, ...] = ()
    """The others this participant noticed seeing only that it happened."""
    noticed_by: tuple[str, ...] = ()
    """Those among the noticed who noticed this participant too; nobody, where it peeked."""

    def says_of(self, variable: str) -> bool:
        """Whether it claims something about the variable itself, not about somebody's belief."""
        return any(claim.variable == variable and claim.believer is None for claim in self.claims)


class Observation(Made, BaseModel):
    """What the world shows one participant in private: in words, and as data for rules."""

    model_config = ConfigDict(frozen=True)

    text: str = ""
    data: dict[str, Any] = {}


class Given(BaseModel):
    """A belief that was set from outside at the beginning of a turn, after the events before it."""

    model_config = ConfigDict(frozen=True)

    chain: str
    variable: str
    probabilities: dict[str, float]
    turn: int


class Seen(Made, BaseModel):
    """Everything a participant may draw on at a turn. Nothing in it depends on what it did not witness."""

    model_config = ConfigDict(frozen=True)

    participant: str
    turn: int
    cast: tuple[str, ...]
    """All participants by seat order, this one included."""
    present: tuple[str, ...]
    """Those this participant can see now, itself included."""
    premise: str
    persona: str = ""
    goal: str = ""
    opening: Observation = Observation()
    """What it was shown at the start."""
    observation: Observation = Observation()
    """What it is shown now."""
    events: tuple[SeenEvent, ...] = ()
    """Oldest first; only events before this turn."""
    variables: tuple[Variable, ...] = ()
    """Those it may hold beliefs about, without their truth."""
    order: int = 1
    """The deepest chain its mind holds: 1 `a`, 2 `a>b` and `a&b`, 3 `a>b>a`."""
    discloses: bool = False
    """Its mind tells others what it takes them to believe, and answers to what others say of its own beliefs."""
    last_spoke: int | None = None
    can_act: bool = True
    given: tuple[Given, ...] = ()
    """Beliefs that were set from outside, at a fork; for rules that say so (`takes_beliefs`) to go on from."""

    @property
    def pause(self) -> int:
        """For how many turns nothing has happened that it noticed: 0 after a turn in which something did."""
        last = next((event.turn for event in reversed(self.events) if event.kind != SILENCE), 0)
        return max(0, self.turn - 1 - last)

    @property
    def pause_s(self) -> float:
        """How long that was on the conversation's clock, as far as it noticed."""
        since = self.turn - self.pause
        silences = [event for event in self.events if event.kind == SILENCE and event.turn >= since]
        return sum(float(event.data.get("seconds", 0.0)) for event in silences)


def see(
    event: EventRow, witnesses: list[WitnessRow], claims: list[ClaimRow], participant: str, label: str = ""
) -> SeenEvent | None:
    """The event as `participant` witnessed it, or None if it did not. `witnesses` and `claims` are this event's."""
    mine = next((w for w in witnesses if w.participant == participant), None)
    if mine is None:
        return None
    noticed = [w for w in witnesses if w.participant != participant and participant in w.noticed_by]
    whole = mine.level == "content"
    return SeenEvent.made(
        id=f"{event.turn}.{event.ordinal}",
        label=label,
        turn=event.turn,
        kind=event.kind,
        actor=event.actor,
        text=event.text if whole else (event.occurrence or ""),
        level="content" if whole else "occurrence",
        addressees=tuple(event.addressees or ()),
        place=event.place,
        origin=event.origin,
        claims=tuple(_claim(claim) for claim in claims) if whole else (),
        data=dict(event.data or {}) if whole else {},
        witnesses=tuple(w.participant for w in noticed if w.level == "content"),
        onlookers=tuple(w.participant for w in noticed if w.level == "occurrence"),
        noticed_by=tuple(w.participant for w in noticed if w.participant in mine.noticed_by),
    )


def _claim(row: ClaimRow) -> Claim:
    return Claim.made(variable=row.variable, value=row.value, holds=row.holds, believer=row.believer)
