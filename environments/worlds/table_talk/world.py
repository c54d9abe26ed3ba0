"""Table talk: 2-8 people converse, aloud or in whispers, around a table or in rooms, while a script moves the world."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, ClassVar

from pydantic import BaseModel, RootModel

from tertulia.environments.world import Action, Event, Observation, Outcome, Variable, World, WorldError
from tertulia.environments.worlds.table_talk.acts import key_of, legal_acts
from tertulia.environments.worlds.table_talk.checks import problems, variables_of
from tertulia.environments.worlds.table_talk.happenings import act, and_list, opening, place_words, scripted
from tertulia.environments.worlds.table_talk.params import AWAY, TableParams, TableSeat
from tertulia.environments.worlds.table_talk.state import TableState, first_state
from tertulia.environments.worlds.table_talk.words import Phrasebook


@dataclass(slots=True)
class _Placed:
    """What follows from where everybody is: the same until somebody moves."""

    where: Mapping[str, str]
    shown: dict[str, Observation] = field(default_factory=dict)
    legal: dict[str, type[RootModel[Any]] | None] = field(default_factory=dict)


class TableTalk(World[TableState]):
    """An open conversation. Ends by agreement to part, by a condition, or when everybody has left for good.

    Whoever is in the same room hears what is said aloud; a whisper is heard by those it is whispered to and noticed
    by the others there. The script's events of a turn happen after the actions of that turn. There is no chance in it.
    """

    name: ClassVar[str] = "table_talk"
    Params: ClassVar[type[TableParams]] = TableParams
    Seat: ClassVar[type[TableSeat]] = TableSeat
    StateType: ClassVar[type[BaseModel]] = TableState
    seats_allowed: ClassVar[tuple[int, int]] = (2, 8)
    hears_silence: ClassVar[bool] = True

    params: TableParams
    seats: dict[str, TableSeat]

    def __init__(self, params: TableParams, seats: Mapping[str, TableSeat]) -> None:
        super().__init__(params, seats)
        for problem in problems(params, seats):
            raise problem
        self.book = Phrasebook(variables_of(params), seats)
        self._acts_key = key_of(variables_of(params))
        self._own = {name: seat.model_dump(mode="json", exclude={"room"}) for name, seat in seats.items()}
        self._knew = first_state(params, seats).informed
        """Who knew what is true before anybody said a word."""
        self._parting, self._wanted = params.agreement, params.conditions
        self._latest = _Placed({})

    @classmethod
    def problems(cls, params: Any, seats: Mapping[str, Any]) -> list[WorldError]:
        """All of them, in the order of the keys."""
        return list(problems(params, seats))

    def premise(self) -> str:
        """How talk works here; what can be believed is not told, since a question gives away that there is one."""
        rules = [
            "Everybody in the room hears what is said aloud. A whisper is heard only by those it is whispered to;"
            " the others in the room see who whispers to whom. Those who are elsewhere hear and see nothing of it."
        ]
        if len(self.params.rooms) > 1:
            rules.append(f"There are these rooms: {and_list([r.replace('_', ' ') for r in self.params.rooms])}.")
        if self.params.agreement:
            rules.append("When everybody is ready to part, one after the other, the conversation is over.")
        return " ".join(rules)

    def reset(self, rng: Random) -> tuple[TableState, list[Event]]:
        state = first_state(self.params, self.seats)
        events = [opening(state, {name: state.truth[name] for name in self.params.facts}, self.book)]
        return self._play_script(state.after(events), events)

    def step(self, state: TableState, acts: Mapping[str, Action], rng: Random) -> tuple[TableState, list[Event]]:
        events: list[Event] = []
        chosen = {name: self._legal(state, name, action) for name, action in acts.items()}
        state = state.with_(turn=state.turn + 1)
        for name, action in chosen.items():
            state, happened = act(state, name, action)
            events += happened
        return self._play_script(state, events)

    def pending(self, state: TableState) -> bool:
        return any(event.turn > state.turn for event in self.params.script)

    def _play_script(self, state: TableState, events: list[Event]) -> tuple[TableState, list[Event]]:
        for event in self.params.script:
            if event.turn == state.turn:
                state, happened = scripted(state, event, self.params, self.book)
                events = [*events, *happened]
        return state, events

    def _legal(self, state: TableState, seat: str, action: Action) -> Action:
        if seat not in state.where:
            raise ValueError(f"nobody here is called {seat!r}")
        schema = self.legal(state, seat)
        if schema is None:
            raise ValueError(f"{seat} is away and cannot act")
        schema.model_validate(action.model_dump())
        return action

    def _placed(self, state: TableState) -> _Placed:
        if self._latest.where is not state.where:
            self._latest = _Placed(state.where)
        return self._latest

    def observe(self, state: TableState, seat: str) -> Observation:
        shown = self._placed(state).shown
        if seat not in shown:
            shown[seat] = self._observed(state, seat)
        return shown[seat]

    def _observed(self, state: TableState, seat: str) -> Observation:
        mine, room = self.seats[seat], state.where[seat]
        others = [name for name in state.here(room) if name != seat]
        lines = [f"You are {place_words(room)}" + (f" with {and_list(others)}." if others else ".")]
        if mine.knows:
            lines.append(f"You know: {self._facts(mine.knows)}")
        if mine.believes:
            lines.append(f"You take it that: {self._facts(mine.believes)}")
        if mine.secrets:
            secret = and_list([name.replace("_", " ") for name in mine.secrets])
            lines.append(f"Keep to yourself what you know about: {secret}.")
        if mine.confides_in:
            lines.append(f"You may confide in {and_list(mine.confides_in)}.")
        data = {**self._own[seat], "room": room, "parting": self._parting}
        return Observation.made(text="\n".join(lines), data=data)

    def _facts(self, facts: Mapping[str, str]) -> str:
        return self.book.sentences(facts)

    def legal(self, state: TableState, seat: str) -> type[RootModel[Any]] | None:
        legal = self._placed(state).legal
        if seat not in legal:
            legal[seat] = self._allowed(state, seat)
        return legal[seat]

    def _allowed(self, state: TableState, seat: str) -> type[RootModel[Any]] | None:
        room = state.where[seat]
        if room == AWAY:
            return None
        others = tuple(name for name in state.here(room) if name != seat)
        rooms = tuple(other for other in self.params.rooms if other != room)
        named = self._acts_key if self.names_variables else ()
        return legal_acts(others, rooms, named, self._parting, bool(named) and seat in self.disclosers)

    def variables(self, state: TableState) -> list[Variable]:
        return variables_of(self.params, state.truth)

    def knows(self, state: TableState, seat: str) -> Mapping[str, str]:
        return self.seats[seat].knows

    def assumes(self, state: TableState, seat: str) -> Mapping[str, Mapping[str, float]]:
        return {name: {value: 1.0} for name, value in self.seats[seat].believes.items()}

    def present(self, state: TableState, seat: str) -> tuple[str, ...]:
        room = state.where[seat]
        return (seat,) if room == AWAY else state.here(room)

    def outcome(self, state: TableState) -> Outcome:
        present = state.present
        coming = any(event.turn > state.turn and (event.enter or event.move) for event in self.params.script)
        reason = ""
        if not present and not coming:
            reason = "all_left"
        elif self._parting and present and set(present) <= set(state.parted):
            reason = "agreement"
        elif any(all(state.truth.get(k) == v for k, v in wanted.items()) for wanted in self._wanted):
            reason = "condition"
        detail = {
            "present": list(present),
            "informed": {name: list(who) for name, who in state.informed.items()},
            "secrets": self._secrets(state),
        }
        return Outcome.made(done=bool(reason), reason=reason, reward=self._reward(state), detail=detail)

    def _secrets(self, state: TableState) -> dict[str, dict[str, Any]]:
        """Per keeper and secret: who came to hear it, and whether it stayed among those confided in."""
        found: dict[str, dict[str, Any]] = {}
        for keeper, seat in self.seats.items():
            for secret in seat.secrets:
                heard = [
                    n for n in state.informed.get(secret, ()) if n != keeper and n not in self._knew.get(secret, ())
                ]
                kept = all(name in seat.confides_in for name in heard)
                found.setdefault(keeper, {})[secret] = {"kept": kept, "heard_by": heard}
        return found

    def _reward(self, state: TableState) -> float | None:
        goal = self.params.goal
        if goal is None:
            return None
        shared = all(set(state.informed.get(name, ())) == set(self.names) for name in goal.shared)
        secrets = self._secrets(state)
        kept = all(of[name]["kept"] for of in secrets.values() for name in goal.kept if name in of)
        true = all(state.truth.get(name) == value for name, value in goal.truth.items())
        return float(shared and kept and true)
