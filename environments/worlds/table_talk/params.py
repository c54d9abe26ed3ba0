"""What a table_talk scenario says beside the common keys: what can be believed, rooms, and a script of events."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator, model_validator

from tertulia.environments.world import SeatParams, WorldParams

AWAY = "away"
"""The room of those who are nowhere to be seen."""
PRESENT = "present"
TABLE = "table"


def _word(value: Any) -> Any:
    """YAML's 3 and true are the words `3` and `true`."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, (int, float)) else value


def _listed(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Word = Annotated[
    str, BeforeValidator(_word), StringConstraints(min_length=1, max_length=80, pattern=r"^[^\s].*[^\s]$|^[^\s]$")
]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]*$", max_length=60)]
Text = Annotated[str, Field(min_length=1, max_length=600)]
Facts = dict[str, Word]


def _named(value: Any) -> Any:
    if isinstance(value, str):
        return value
    what = "a mapping" if isinstance(value, dict) else "a list" if isinstance(value, list) else repr(value)
    raise ValueError(f"{what} stands here, not the name of a variable; write names that stand in `variables`")


VariableNames = tuple[Annotated[str, BeforeValidator(_named)], ...]
"""Names that stand in `variables`."""
Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class VariableSpec(_Part):
    """Something that can be believed. `truth` None: nothing in the world decides it (an opinion)."""

    values: Annotated[tuple[Word, ...], Field(min_length=2, max_length=50)]
    """What can be believed of it, each value a word or a few."""
    truth: Annotated[str | None, BeforeValidator(_word)] = None
    """The value that is true at the start; without one it is an opinion."""
    static: bool = False
    """It never changes, so that no event of the script may set it."""
    say: str | None = None
    """How a value is put into words, with `{value}` in it; else "The NAME is VALUE."."""

    @field_validator("say")
    @classmethod
    def _has_a_value(cls, say: str | None) -> str | None:
        if say is not None and say.count("{value}") != 1:
            raise ValueError(
                "the sentence must have `{value}` in it once; write for example 'The cake is in the {value}.'"
            )
        return say


Deed = Literal["leave", "enter", "move", "set", "say", "whisper", "text"]
DEEDS: tuple[Deed, ...] = ("leave", "enter", "move", "set", "say", "whisper")


class ScriptEvent(_Part):
    """One event of the script. It happens after the actions of its turn; turn 0 is the opening.

    Exactly one of `leave`, `enter`, `move`, `set`, `say`, `whisper` says what happens; with `text` alone, something
    happens that changes no variable. What somebody who is away says or does, only those witness whom `seen_by` names;
    where it went away by its own act and nobody is named, it alone. An event after `turns.limit` never happens.
    """

    turn: Annotated[int, Field(ge=0, strict=True)]
    """When: after the actions of this turn."""
    leave: str | None = None
    """Who goes away, until the script brings it back."""
    enter: str | None = None
    """Who comes in, from away or from another room."""
    move: str | None = None
    """Who goes to another room, given in `room`."""
    set: Facts | None = None
    """Variables that truly take these values now; its witnesses witness that."""
    say: Text | None = None
    """Words that `by` says aloud."""
    whisper: Text | None = None
    """Words that `by` whispers to those in `to`; the others there see only that it happens."""
    text: Text | None = None
    """What witnesses see; each kind of event has words of its own where this is left out."""
    by: str | None = None
    """Who says or does it."""
    to: Names = ()
    """To whom it is said or whispered."""
    room: str | None = None
    """Where `enter` and `move` lead."""
    asserts: Facts = {}
    """What the words of `say` or `whisper` claim to be so, true or not."""
    denies: Facts = {}
    """What they claim not to be so."""
    believer: str | None = None
    """Whose beliefs `asserts` and `denies` are about, where the words claim what this one thinks."""
    seen_by: Annotated[str | tuple[str, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)] = (
        PRESENT
    )
    """Who witnesses it: `present` (all in the room of `by`; without `by` all not away), a room, or names."""
    unnoticed: Names = ()
    """Those who witness it too, as by peeking, and nobody notices them."""

    @property
    def deed(self) -> Deed:
        """Which kind of event this is."""
        return next((deed for deed in DEEDS if getattr(self, deed) is not None), "text")

    @model_validator(mode="after")
    def _one_deed(self) -> ScriptEvent:
        given = [deed for deed in DEEDS if getattr(self, deed) is not None]
        if len(given) > 1:
            raise ValueError(f"{' and '.join(given)} in one event; write one event for each")
        if not given and self.text is None:
            raise ValueError(f"nothing happens in this event; give one of {', '.join(DEEDS)}, text")
        return self


class Goal(_Part):
    """What the table is to reach; reward 1 when all of it holds at the end, else 0."""

    shared: VariableNames = ()
    """Variables whose true value everybody in the cast has come to hear or knew."""
    kept: VariableNames = ()
    """Variables whose true value nobody has heard who did not know it, apart from those confided in."""
    truth: Facts = {}
    """Variables and the true values they are to have."""


class TableParams(WorldParams):
    """The keys of table_talk at the top level of a scenario file."""

    variables: dict[Key, VariableSpec] = {}
    """What can be believed, by name."""
    facts: VariableNames = ()
    """Variables whose true values are announced to everybody in the opening."""
    rooms: Annotated[tuple[Key, ...], Field(min_length=1, max_length=12)] = (TABLE,)
    """Where one can be; with more than one, people go from room to room and hear only their own."""
    script: tuple[ScriptEvent, ...] = ()
    """What happens by itself. An event after `turns.limit` never happens."""
    goal: Goal | None = None
    """What the table is to reach; without it there is no reward."""
    premise: str = ""
    """The scenario's own premise: it must not give away what only some know."""
    ends: tuple[Any, ...] = ("limit",)
    """The scenario's own endings: `agreement` and `{condition: ...}` are judged here."""

    @field_validator("script")
    @classmethod
    def _in_order(cls, script: tuple[ScriptEvent, ...]) -> tuple[ScriptEvent, ...]:
        return script

    @property
    def agreement(self) -> bool:
        """Whether the episode may end by everybody agreeing to part."""
        return "agreement" in self.ends

    @property
    def conditions(self) -> tuple[dict[str, str], ...]:
        """The conditions that end the episode, each as wanted true values."""
        wanted = [end.get("condition") for end in self.ends if isinstance(end, dict)]
        return tuple(
            {name: str(_word(value)) for name, value in each.items()} for each in wanted if isinstance(each, dict)
        )


class TableSeat(SeatParams):
    """The keys of table_talk in each participant."""

    knows: Facts = {}
    """True private facts. Where a variable has a truth, this must be it."""
    believes: Facts = {}
    """What it takes to be so, perhaps wrongly, without having witnessed it."""
    secrets: VariableNames = ()
    """Variables it keeps from those who are not in the know."""
    confides_in: tuple[str, ...] = ()
    """Those to whom it may whisper its secrets."""
    room: str | None = None
    """Where it is at the start; `away` for somebody who comes later. Else the first room."""
