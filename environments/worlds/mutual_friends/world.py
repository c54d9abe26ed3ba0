"""Mutual friends: two people, two private lists of friends, one friend in common; find out which by talking."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from random import Random
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, create_model

from tertulia.environments.world import (
    Action,
    Event,
    Observation,
    Outcome,
    Pass,
    Variable,
    World,
    WorldError,
    WorldParams,
    one_of,
)
from tertulia.environments.world import Say as AnySay
from tertulia.environments.worlds.mutual_friends.generator import Row, draw_cards, feasible
from tertulia.environments.worlds.mutual_friends.schema import load_schema
from tertulia.storage.once import once_in_use

OTHER = "other"
"""The value of `NAME.friend` for "none of my rows"."""
LABEL_LENGTH = 28
FEWEST, MOST = 5, 12


class FriendsParams(WorldParams):
    """`friends` 5-12 and `attributes` 3-4 are drawn from the seed where they are not given; `schema` is a path."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    friends: Annotated[int | None, Field(ge=FEWEST, le=MOST)] = None
    """How many friends each has; drawn from the seed where it is not given."""
    attributes: Annotated[int | None, Field(ge=3, le=4)] = None
    """How many attributes describe a friend; drawn from the seed where it is not given."""
    alpha: Annotated[
        tuple[Annotated[float, Field(gt=0, allow_inf_nan=False)], ...], Field(min_length=1, max_length=16)
    ] = (0.3, 1.0, 3.0)
    """How alike friends are: for each attribute one of these is drawn, small values for much alike."""
    schema_path: Path | None = Field(default=None, alias="schema")
    """The path of a JSON file in place of the shipped one, in the form that the data set publishes:
    `{"attributes": [{"name": "hobby", "value_type": "hobby"}, ...], "values": {"hobby": ["chess", ...], ...}}`."""


class Say(AnySay):
    """Something said to the other. `asserts` are claims about the speaker's own list, such as
    `alice.count(hobby=chess)` = `3` (`0`: none, `>=1`: at least one)."""


class Select(Action):
    """Name one of your own friends, by label, as the one you share. May be changed at any time."""

    kind: Literal["select"] = "select"
    friend: str


@once_in_use
def select_among(labels: tuple[str, ...]) -> type[Select]:
    """`Select` with `friend` limited to `labels`. The same labels give the same class."""
    choice: Any = Literal[labels]
    return create_model("Select", __base__=Select, __doc__=Select.__doc__, friend=(choice, ...))


@once_in_use
def say_to(other: str) -> type[Say]:
    """`Say` whose only possible addressee is `other`."""
    names = (other,)
    choice: Any = Literal[names]
    addressees: Any = Annotated[tuple[choice, ...], Field(max_length=1)]
    return create_model("Say", __base__=Say, __doc__=Say.__doc__, to=(addressees, ()))


class State(BaseModel):
    """Everything there is to know: both lists, the shared row, and the latest selections (labels)."""

    model_config = ConfigDict(frozen=True)

    attributes: tuple[str, ...]
    sizes: tuple[int, ...]
    rows: dict[str, tuple[Row, ...]]
    shared: Row
    selected: dict[str, str] = {}


class MutualFriends(World[State]):
    """After the MutualFriends task (He et al. 2017): reward 1 once both latest selections are the same friend."""

    name: ClassVar[str] = "mutual_friends"
    Params: ClassVar[type[WorldParams]] = FriendsParams
    StateType: ClassVar[type[BaseModel]] = State
    seats_allowed: ClassVar[tuple[int, int]] = (2, 2)

    def __init__(self, params: FriendsParams, seats: Mapping[str, Any]) -> None:
        super().__init__(params, seats)
        if len(self.names) != 2:
            raise WorldError("participants", f"mutual_friends is for exactly 2 participants, not {len(self.names)}")
        self.schema = load_schema(str(params.schema_path) if params.schema_path else None)
        self._check_sizes(params)

    def _check_sizes(self, params: FriendsParams) -> None:
        if params.attributes is not None and params.attributes > len(self.schema.attributes):
            raise WorldError("attributes", f"the schema has only {len(self.schema.attributes)} attributes")
        fewest = sorted(len(listed) for listed in self.schema.values)[: params.attributes or 3]
        friends = params.friends or FEWEST
        if not feasible(fewest, friends):
            raise WorldError(
                "friends" if params.friends else "schema",
                f"{friends} friends each need {2 * friends - 1} different rows, more than {len(fewest)} attributes "
                f"with {', '.join(map(str, fewest))} values can give; lower friends or add values",
            )

    def premise(self) -> str:
        one, two = self.names
        return (
            f"{one} and {two} each have a private list of {_span(self.params.friends, FEWEST, MOST)} friends, "
            f"as many as the other, with {_span(self.params.attributes, 3, 4)} attributes each. "
            "Exactly one friend stands on both lists, equal in every attribute. Talk to find out which friend that is; "
            "say only what is true of your own list. At any time you may select the friend you believe you share, "
            "by its label on your own list, and change your mind later. The other sees that you selected, not whom. "
            "You both win as soon as both latest selections are the same friend."
        )

    def reset(self, rng: Random) -> tuple[State, list[Event]]:
        available = len(self.schema.attributes)
        many = self.params.attributes or rng.randint(3, min(4, available))
        columns = sorted(rng.sample(range(available), many))
        sizes = [len(self.schema.values[c]) for c in columns]
        numbers = [self.params.friends] if self.params.friends else range(FEWEST, MOST + 1)
        friends = rng.choice([n for n in numbers if feasible(sizes, n)])
        cards = draw_cards(self.schema, columns, friends, self.params.alpha, rng)
        state = State(
            attributes=cards.attributes,
            sizes=cards.sizes,
            rows=dict(zip(self.names, cards.rows, strict=True)),
            shared=cards.shared,
        )
        text = (
            f"{' and '.join(self.names)} meet. Each has {friends} friends, described by "
            f"{', '.join(cards.attributes[:-1])} and {cards.attributes[-1]}; one friend they have in common."
        )
        return state, [Event(kind="opening", text=text, origin="world", content=self.names)]

    def observe(self, state: State, seat: str) -> Observation:
        rows, labels, mine = state.rows[seat], labels_of(state.rows[seat]), state.selected.get(seat)
        lines = [f"Your friends ({len(rows)}), one of whom is also a friend of {self._other(seat)}:"]
        for label, row in zip(labels, rows, strict=True):
            lines.append(f"- {label}: " + "; ".join(f"{a}: {v}" for a, v in zip(state.attributes, row, strict=True)))
        lines.append(f"Your selection: {mine or 'none yet'}.")
        data = {
            "attributes": list(state.attributes),
            "labels": list(labels),
            "rows": [list(row) for row in rows],
            "n": len(rows),
            "values_in_play": list(state.sizes),
            "alpha": list(self.params.alpha),
            "selected": mine,
        }
        return Observation(text="\n".join(lines), data=data)

    def legal(self, state: State, seat: str) -> type[RootModel[Any]] | None:
        return one_of(say_to(self._other(seat)), select_among(labels_of(state.rows[seat])), Pass)

    def step(self, state: State, acts: Mapping[str, Action], rng: Random) -> tuple[State, list[Event]]:
        events: list[Event] = []
        selected = dict(state.selected)
        for seat, act in acts.items():
            if seat not in state.rows:
                raise ValueError(f"{seat} has no seat here")
            if isinstance(act, AnySay):
                events.append(self._said(seat, act))
            elif isinstance(act, Select):
                events.append(self._selection(state, seat, act.friend))
                selected[seat] = act.friend
            elif not isinstance(act, Pass):
                raise ValueError(f"{seat} cannot {act.kind} here")
        after = state.model_copy(update={"selected": selected})
        if any(isinstance(act, Select) for act in acts.values()):
            events += self._verdict(after)
        return after, events

    def _said(self, seat: str, act: AnySay) -> Event:
        if any(name not in self.names or name == seat for name in act.to):
            raise ValueError(f"{seat} can only speak to {self._other(seat)}")
        return Event(kind="say", text=act.text, actor=seat, addressees=act.to, content=self.names, claims=act.asserts)

    def _selection(self, state: State, seat: str, friend: str) -> Event:
        labels = labels_of(state.rows[seat])
        if friend not in labels:
            raise ValueError(f"{seat} has no friend {friend!r}; there are: {', '.join(labels)}")
        return Event(
            kind="select",
            text=f"{seat} selects {friend}.",
            occurrence=f"{seat} has made a selection.",
            actor=seat,
            data={"friend": friend},
            content=(seat,),
            glimpsed=(self._other(seat),),
        )

    def _verdict(self, state: State) -> list[Event]:
        chosen = [_selected_row(state, seat) for seat in self.names]
        if None in chosen:
            return []
        if chosen[0] == chosen[1]:
            text = "Both have selected the same friend."
            return [Event(kind="solved", text=text, origin="world", content=self.names)]
        text = "Both have made a selection, but not of the same friend. Neither learns what the other selected."
        return [Event(kind="differ", text=text, origin="world", content=self.names)]

    def variables(self, state: State) -> list[Variable]:
        found = []
        for seat in self.names:
            rows = state.rows[seat]
            labels = labels_of(rows)
            truth = labels[rows.index(state.shared)]
            say = f"The friend both have is {seat}'s {{value}}."
            found.append(
                Variable(
                    name=f"{seat}.friend",
                    values=(*labels, OTHER),
                    truth=truth,
                    static=True,
                    truthful=True,
                    holder=seat,
                    say=say,
                )
            )
        return found

    def assumes(self, state: State, seat: str) -> Mapping[str, Mapping[str, float]]:
        """The shared friend stands on everybody's own list, and may be any one of it."""
        labels = labels_of(state.rows[seat])
        return {f"{seat}.friend": dict.fromkeys(labels, 1.0 / len(labels))}

    def outcome(self, state: State) -> Outcome:
        chosen = [_selected_row(state, seat) for seat in self.names]
        solved = chosen[0] is not None and chosen[0] == chosen[1]
        detail = {"selected": dict(state.selected), "friends": len(state.rows[self.names[0]])}
        return Outcome(done=solved, reason="solved" if solved else "", reward=float(solved), detail=detail)

    def _other(self, seat: str) -> str:
        return self.names[1] if seat == self.names[0] else self.names[0]


@lru_cache(maxsize=4096)
def labels_of(rows: tuple[Row, ...]) -> tuple[str, ...]:
    """A name for each row that reads well and is unique among its holder's: first attribute, then place in the list."""
    return tuple(f"{_short(row[0])}#{place}" for place, row in enumerate(rows, start=1))


def _short(text: str) -> str:
    return text if len(text) <= LABEL_LENGTH else text[: LABEL_LENGTH - 1].rstrip() + "…"


def _selected_row(state: State, seat: str) -> Row | None:
    label = state.selected.get(seat)
    return None if label is None else state.rows[seat][labels_of(state.rows[seat]).index(label)]


def _span(fixed: int | None, low: int, high: int) -> str:
    return str(fixed) if fixed is not None else f"{low} to {high}"
