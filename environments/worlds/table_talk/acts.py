"""What can be done at the table, as schemas in which only present people and existing values fit."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal, Union

from pydantic import Field, RootModel, create_model

from tertulia.environments.world import Action, Claim, Pass, Say, Variable, one_of
from tertulia.storage.once import once_in_use
from tertulia.storage.seen import Length


class Whisper(Action):
    """A word to some who are here; the others here see that it happens and do not hear it."""

    kind: Literal["whisper"] = "whisper"
    text: Annotated[str, Length(600, 1)]
    to: Annotated[tuple[str, ...], Field(min_length=1, max_length=8)]
    asserts: Annotated[tuple[Claim, ...], Field(max_length=8)] = ()


class Leave(Action):
    """Go away. Only the script brings one back."""

    kind: Literal["leave"] = "leave"


class Move(Action):
    """Go to another room."""

    kind: Literal["move"] = "move"
    room: str


class Part(Action):
    """Be ready to part. When all who have not left have said so in a row, the talk is over."""

    kind: Literal["part"] = "part"


@once_in_use
def legal_acts(
    others: tuple[str, ...],
    rooms: tuple[str, ...],
    variables: tuple[tuple[str, tuple[str, ...]], ...],
    parting: bool,
    discloses: bool = False,
) -> type[RootModel[Any]]:
    """The actions of somebody here with `others`, who may go to `rooms` (none: may leave altogether). One who
    `discloses` may also assert what one of the others believes."""
    actions: list[type[Action]] = [Pass]
    if others:
        actions = [*_speech(others, variables, others if discloses else ()), Pass]
    if rooms:
        actions.append(_move(rooms))
    else:
        actions.append(Leave)
    if parting:
        actions.append(Part)
    return one_of(*actions)


def _speech(
    others: tuple[str, ...], variables: tuple[tuple[str, tuple[str, ...]], ...], believers: tuple[str, ...]
) -> list[type[Action]]:
    claims: Any = _claim_type(variables, believers)
    asserts: Any = (Annotated[tuple[claims, ...], Field(max_length=8)], ())
    someone: Any = Literal[others]
    say = create_model(
        "Say", __base__=Say, to=(Annotated[tuple[someone, ...], Field(max_length=len(others))], ()), asserts=asserts
    )
    to: Any = (Annotated[tuple[someone, ...], Field(min_length=1, max_length=len(others))], ...)
    return [say, create_model("Whisper", __base__=Whisper, to=to, asserts=asserts)]


def _move(rooms: tuple[str, ...]) -> type[Action]:
    one_of_them: Any = Literal[rooms]
    return create_model("Move", __base__=Move, room=(one_of_them, ...))


def _claim(name: str, values: tuple[str, ...], believers: tuple[str, ...]) -> type[Claim]:
    names = (name,)
    named: Any = Literal[names]
    valued: Any = Literal[values]
    fields: dict[str, Any] = {"variable": (named, ...), "value": (valued, ...)}
    if believers:
        someone: Any = Literal[believers]
        fields["believer"] = (someone | None, None)
    return create_model(f"Claim_{name}", __base__=Claim, **fields)


@lru_cache(maxsize=4096)
def _claim_type(variables: tuple[tuple[str, tuple[str, ...]], ...], believers: tuple[str, ...] = ()) -> Any:
    """One type per variable, so that a value can only stand beside its own variable."""
    kinds: list[Any] = [_claim(name, values, believers) for name, values in variables]
    if len(kinds) < 2:
        return kinds[0] if kinds else Claim
    return Annotated[Union[tuple(kinds)], Field(discriminator="variable")]  # noqa: UP007


def key_of(variables: list[Variable]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Names and values alone: what schemas depend on."""
    return tuple((variable.name, variable.values) for variable in variables)
