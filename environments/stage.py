"""The stage: everything about one episode that stands between two turns, and how a turn changes it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from random import Random
from typing import Any

from pydantic import RootModel

from tertulia.environments.chance import draw
from tertulia.environments.floor import Heard, Standings, after
from tertulia.environments.floor.clock import Time, lasts_s
from tertulia.environments.floor.questions import LAST
from tertulia.environments.floor.silence import silence
from tertulia.environments.gold.ledger import GoldLedger
from tertulia.environments.interventions import Interventions
from tertulia.environments.people.questions import asked_of
from tertulia.environments.people.spec import HUMAN
from tertulia.environments.scenario.model import Scenario
from tertulia.environments.seeing import Eyes, Happened, acted, happened
from tertulia.environments.world import Action, Event, Observation, Outcome, RulesPolicy, World
from tertulia.mind.chains import chains_of
from tertulia.mind.faculties import make_faculties
from tertulia.mind.faculty import Faculty
from tertulia.mind.nearness import Embedded, Lexical, Nearness, Vector
from tertulia.mind.rows import TurnOfMind
from tertulia.mind.spec import MindSpec
from tertulia.mind.state import MindState
from tertulia.mind.transcript import Transcript
from tertulia.storage.once import Held
from tertulia.storage.rows import WORLD, Established, GoldRow, ObservationRow, Row, Variable
from tertulia.storage.seen import Seen
from tertulia.storage.types import dump_json


@dataclass(frozen=True, slots=True)
class Seat:
    """Who sits where: persona, goal, mind and model of one participant, fixed for an episode."""

    name: str
    persona: str
    goal: str
    model: str
    spec: MindSpec
    faculties: tuple[Faculty, ...]

    @property
    def established(self) -> Established:
        """How the claims of this seat's utterances come about."""
        return "rules" if self.model == "rules" else "person" if self.model == HUMAN else "declared"


@dataclass(slots=True)
class Stage:
    """One episode between two turns. `head` is the last turn played; -1 before the opening."""

    episode: str
    seed: int
    scenario: Scenario
    world: World[Any]
    policy: RulesPolicy
    seats: dict[str, Seat]
    state: Any = None
    head: int = -1
    minds: dict[str, MindState] = field(default_factory=dict)
    vectors: dict[str, dict[str, Vector]] = field(default_factory=dict)
    """The embeddings that each seat has been given, by text. Each has its own: what one asks for depends on nobody."""
    transcripts: dict[str, Transcript] = field(default_factory=lambda: defaultdict(Transcript))
    """What each seat has witnessed, in the words of its prompts."""
    eyes: Eyes = field(default_factory=lambda: Eyes(()))
    shown: dict[str, Observation] = field(default_factory=dict)
    opening: dict[str, Observation] = field(default_factory=dict)
    truths: dict[str, str | None] = field(default_factory=dict)
    gold: GoldLedger | None = None
    """What each should believe; from the opening on."""
    silent_turns: int = 0
    last_actor: str | None = None
    last_owner: str | None = None
    """Whose turn it was when turns go round the table."""
    addressed: tuple[str, ...] = ()
    """Whom the last utterance was addressed to, where it was to anybody in particular."""
    interrupted: tuple[str, ...] = ()
    """Who lost the floor to one who interrupted, last turn."""
    heard: tuple[Heard, ...] = ()
    """The last utterances whose words everybody got who could act then."""
    standings: Standings = field(default_factory=Standings)
    """How motivated each has been so far."""
    clock_s: float = 0.0
    """Seconds of the conversation since its opening."""
    lasted_s: float = 0.0
    """How long the last turn took."""
    in_real_time: bool = False
    """Whether the clock is a real one: where people take part who all agreed to have times kept."""
    premise: str = ""
    hears_silence: bool = False
    """Whether a silence is an event here."""
    variables: tuple[Variable, ...] = ()
    interventions: Interventions = field(default_factory=Interventions)
    """What was changed from outside, where the episode is a fork."""
    hours_only: bool = False
    """No times are kept that would tell how fast a person answers."""
    established: dict[tuple[int, int, int], Established] = field(default_factory=dict)
    """How logged claims (turn, event, ordinal) came about, for a past whose speakers may have had other models."""
    types: Held = field(default_factory=Held)
    """The types of what may be said and done here; in some worlds they are this episode's own."""
    _legal: tuple[Any, dict[str, type[RootModel[Any]] | None]] = (None, {})
    """A state, and what each may do in it, as far as somebody has asked."""
    _able: tuple[Any, tuple[str, ...]] = (None, ())
    """A state, and those who can act in it."""
    _true_in: Any = None
    """The state whose truths were written last."""
    _observed: Any = None
    """The state as it was last shown."""
    _hashed: tuple[Any, str] = (None, "")
    """The state that was hashed last, and its hash."""

    @classmethod
    def of(cls, scenario: Scenario, seed: int, episode: str) -> Stage:
        """An empty stage for a scenario: nothing has happened yet."""
        world = scenario.build_world()
        seats = {
            p.name: Seat(p.name, p.persona, p.goal, scenario.model_of(p.name), p.mind, make_faculties(p.mind.parts()))
            for p in scenario.participants
        }
        minds = {name: MindState(holder=name) for name in seats}
        premise = "\n\n".join(part for part in (scenario.premise.strip(), world.premise().strip()) if part)
        return cls(
            episode,
            seed,
            scenario,
            world,
            scenario.policy(),
            seats,
            minds=minds,
            eyes=Eyes(tuple(seats)),
            premise=premise,
            hears_silence=scenario.hears_silence,
        )

    def open(self) -> tuple[list[Happened], list[Row]]:
        """Turn 0: the world is set up and its opening events happen."""
        rng = self.draw(0, 0, WORLD, "reset")
        self.state, events = self.world.reset(rng)
        self.variables = tuple(
            variable.model_copy(update={"truth": None}) for variable in self.world.variables(self.state)
        )
        self.gold = self._ledger()
        return self._settle(0, events)

    def step(
        self, turn: int, take: int, acts: Mapping[str, Action], time: Time | None = None
    ) -> tuple[list[Happened], list[Row]]:
        """Play one turn's actions in the world; the events, and what else changed. Without a `time` it is simulated, as
        is how long the turn took where a `time` does not say."""
        rng = self.draw(turn, take, WORLD, "step")
        self.last_owner = self.owner() or self.last_owner
        before = self._as_it_stands(turn)
        self.state, events = self.world.step(self.state, acts, rng)
        self.silent_turns = 0 if events else self.silent_turns + 1
        whole, rows = self._settle(turn, [*events, *self._silence(events, time)])
        pace = self.scenario.turns
        given = time.lasted_s if time is not None else None
        self.lasted_s = lasts_s([one.event for one in whole], len(acts), pace) if given is None else given
        self.clock_s = round(self.clock_s + self.lasted_s, 3)
        return whole, [*before, *rows]

    def _silence(self, events: Sequence[Event], time: Time | None) -> list[Event]:
        """What those notice who notice nothing else, if anything. A simulated pause is told by its nominal length: how
        long others talk in another room is no business of theirs."""
        told = time.pause_s if time is not None else None
        if not (self.hears_silence if told is None else told):
            return []
        if told is None:
            lasted = time.lasted_s if time is not None else None
            told = self.scenario.turns.pause_s if lasted is None else max(1, round(lasted))
        heard = silence({name: self.world.present(self.state, name) for name in self.seats}, events, told)
        return [heard] if heard is not None else []

    def preview(self, turn: int, take: int, acts: Mapping[str, Action]) -> set[str]:
        """Who would get the content of what these acts make happen. Worlds are pure: nothing happens by asking."""
        _, events = self.world.step(self.state, acts, self.draw(turn, take, WORLD, "step"))
        return {name for event in events if event.actor in acts for name in event.content}

    def stamp(self, moment: datetime) -> datetime:
        """A moment as it may be kept: to the hour, where somebody at the table did not agree to more."""
        return moment.replace(minute=0, second=0, microsecond=0) if self.hours_only else moment

    def draw(self, turn: int, take: int, participant: str, faculty: str, ordinal: int = 0) -> Random:
        """A generator of its own for each place where this episode draws something (`chance.draw`)."""
        return draw(self.interventions.seed(self.seed, turn), turn, take, participant, faculty, ordinal)

    def mind_at(self, name: str, turn: int) -> TurnOfMind:
        """A mind at the beginning of a turn, with what it is given from outside then."""
        return self.interventions.begin(TurnOfMind(self.episode, turn, self.minds[name]))

    def nearness_at(self, name: str) -> Nearness:
        """By what a seat's mind finds texts alike, with a copy of the vectors it has."""
        uri = self.seats[name].spec.embeddings
        return Embedded(uri, dict(self.vectors.get(name, {}))) if uri else Lexical()

    def keep_vectors(self, name: str, near: Nearness) -> None:
        """What a seat has been given in a turn stays, once the turn is whole."""
        if isinstance(near, Embedded):
            self.vectors[name] = near.vectors

    def able(self) -> tuple[str, ...]:
        """Those who can act at all now, in seat order."""
        if self._able[0] is not self.state:
            self._able = self.state, tuple(name for name in self.seats if self.legal(name) is not None)
        return self._able[1]

    def legal(self, name: str) -> type[RootModel[Any]] | None:
        """The acts open to a seat now; None where it cannot act. Worlds are pure, so each is asked once a state."""
        state, found = self._legal
        if state is not self.state:
            self._legal = self.state, (found := {})
        if name not in found:
            found[name] = legal = self.world.legal(self.state, name)
            if legal is not None:
                self.types.hold(legal)
        return found[name]

    def called(self) -> tuple[str, ...]:
        """Those who count as addressed: who was interrupted last turn, and whom the last utterance was for."""
        return tuple(dict.fromkeys((*self.interrupted, *self.addressed)))

    def owner(self) -> str | None:
        """Whose turn it is when turns go round the table: the next who can act."""
        able = self.able()
        return next((name for name in after(self.last_owner, tuple(self.seats)) if name in able), None)

    def close(self, turn: int) -> list[Row]:
        """The closing turn: nothing happens any more; what the last turn made true is written."""
        self.head = turn
        return self._as_it_stands(turn)

    def _settle(self, turn: int, events: Sequence[Event]) -> tuple[list[Happened], list[Row]]:
        whole = happened(self.episode, turn, events, self._established)
        if self.established:
            for claim in (claim for one in whole for claim in one.claims):
                key = (claim.turn, claim.event, claim.ordinal)
                claim.established = self.established.get(key, claim.established)
        self.eyes.take_in(whole)
        if self.gold is not None:
            self.gold.take_in(whole)
        self.head = turn
        for one in whole:
            actor = one.event.actor
            if actor is not None and acted(one.event):
                self.last_actor, self.addressed = actor, tuple(one.event.addressees)
                words = {witness.participant for witness in one.witnesses if witness.level == "content"}
                if one.event.kind == "say" and words.issuperset(self.able()):
                    said = Heard(speaker=actor, text=one.event.text, to=self.addressed)
                    self.heard = (*self.heard, said)[-LAST:]
        return whole, self._observations(turn)

    def _established(self, event: Event) -> Established:
        if event.origin == "participant" and event.actor is not None:
            return self.seats[event.actor].established
        return "scripted"

    def _observations(self, turn: int) -> list[Row]:
        rows: list[Row] = []
        if self.state is self._observed:
            return rows
        self._observed = self.state
        for name in self.seats:
            observation, before = self.world.observe(self.state, name), self.shown.get(name)
            if before is None or (observation.text, observation.data) != (before.text, before.data):
                self.shown[name] = observation
                self.opening.setdefault(name, observation)
                rows.append(
                    ObservationRow.made(
                        episode=self.episode, turn=turn, participant=name, text=observation.text, data=observation.data
                    )
                )
        return rows

    def _ledger(self) -> GoldLedger:
        """Gold for every chain that a mind here may hold, about every variable that is its business."""
        variables, cast = self.world.variables(self.state), tuple(self.seats)
        asked = [
            (chain, variable.name)
            for name, seat in self.seats.items()
            for chain in chains_of(name, cast, seat.spec.order)
            for variable in variables
            if variable.holder in (None, name) and not variable.momentary
        ]
        asked += [(chain, name) for _, chain, name in asked_of(self.scenario) if (chain, name) not in asked]
        known = {
            name: {v.name: v.truth for v in variables if name in v.known_to and v.truth is not None} for name in cast
        }
        return GoldLedger(
            self.episode, cast, variables, asked, rule=self.scenario.gold.rule,
            knows={name: {**known[name], **self.world.knows(self.state, name)} for name in cast},
            prior={name: self.world.assumes(self.state, name) for name in cast},
        )  # fmt: skip

    def _as_it_stands(self, turn: int) -> list[Row]:
        """Truth and gold, where they changed: like beliefs of a turn, as the events before it left them, so that all
        three can be compared row by row."""
        return [*self._truths(turn), *(self.gold.rows(turn) if self.gold is not None else ())]

    def _truths(self, turn: int) -> list[Row]:
        """The truths that changed since they were last written."""
        rows: list[Row] = []
        if self.state is self._true_in:
            return rows
        self._true_in = self.state
        for variable in self.world.variables(self.state):
            if variable.truth is not None and self.truths.get(variable.name) != variable.truth:
                self.truths[variable.name] = variable.truth
                rows += [
                    GoldRow(
                        episode=self.episode, turn=turn, chain=WORLD, variable=variable.name, value=value,
                        probability=float(value == variable.truth), basis=WORLD,
                    )
                    for value in variable.values
                ]  # fmt: skip
        return rows

    def seen_by(self, name: str, turn: int) -> Seen:
        """All that `name` may draw on at `turn`: nothing it did not witness, no truth, no other mind."""
        seat = self.seats[name]
        askable = self.variables if self.scenario.elicit == "inline" else ()
        return Seen.made(
            participant=name,
            turn=turn,
            cast=tuple(self.seats),
            present=self.world.present(self.state, name),
            premise=self.premise,
            persona=seat.persona,
            goal=seat.goal,
            opening=self.opening[name],
            observation=self.shown[name],
            events=tuple(self.eyes.seen.get(name, ())),
            variables=tuple(variable for variable in askable if variable.holder in (None, name)),
            order=seat.spec.order,
            discloses=seat.spec.discloses(),
            last_spoke=self.eyes.last_spoke.get(name),
            can_act=self.legal(name) is not None,
            given=self.interventions.given(name, turn),
        )

    def outcome(self) -> Outcome:
        return self.world.outcome(self.state)

    def ending(self, turn: int) -> str | None:
        """Why the episode ends after `turn`, if it does: the world's reason, `all_silent` or `limit`."""
        outcome = self.outcome()
        if outcome.done:
            return outcome.reason or "done"
        silence = self.scenario.silence_limit
        if silence is not None and self.silent_turns >= silence and not self.world.pending(self.state):
            return "all_silent"
        return "limit" if turn >= self.scenario.turns.limit else None

    def state_hash(self) -> str:
        """What the world's state comes to, in 16 hex digits: a resumed episode must arrive at the same."""
        hashed, found = self._hashed
        if self.state is not hashed or not found:
            found = sha256(dump_json(self.state.model_dump(mode="json")).encode()).hexdigest()[:16]
            self._hashed = self.state, found
        return found
