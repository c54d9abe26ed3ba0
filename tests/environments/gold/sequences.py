"""Random sequences of events: people in rooms who whisper, peek, lie, deny and come back, or witnesses at random.

Each comes twice: as rows of the log for the engine, and as happenings for the oracle.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise, product
from random import Random

from tertulia.environments.gold import RULES, Gold
from tertulia.environments.seeing import Happened
from tertulia.storage.rows import ClaimRow, EventRow, Variable, WitnessRow
from tests.environments.gold.possible_worlds import Assertion, Happening, Thing

NAMES = ("alice", "bob", "carol")
ROOMS = ("hall", "cellar")


@dataclass
class Sequence:
    """What happened among whom, about what; `engine_events[n]` and `history[n]` are one event."""

    cast: tuple[str, ...]
    things: dict[str, Thing]
    engine_events: list[Happened] = field(default_factory=list)
    history: list[Happening] = field(default_factory=list)

    def happens(
        self, kind: str, actor: str | None, place: str | None, content: dict[str, list[str]],
        claims: list[Assertion], glimpsed: tuple[str, ...] = (),
    ) -> None:  # fmt: skip
        """Let something happen. `content[w]` are those who noticed `w`, who got the content."""
        moment = len(self.history)
        at = {"episode": "E", "turn": moment}
        event = EventRow(**at, ordinal=0, kind=kind, actor=actor, place=place, text="...")
        witnesses = [
            WitnessRow(**at, event=0, participant=name, level="content", noticed_by=by) for name, by in content.items()
        ]
        others = [*content, *glimpsed]
        witnesses += [
            WitnessRow(**at, event=0, participant=name, level="occurrence", noticed_by=others) for name in glimpsed
        ]
        rows = [
            ClaimRow(
                **at, event=0, ordinal=n, speaker=actor, variable=c.variable, value=c.value, holds=c.holds,
                established="scripted", believer=c.believer,
            )
            for n, c in enumerate(claims)
        ]  # fmt: skip
        self.engine_events.append(Happened(event, witnesses, rows))
        noticed = frozenset((who, name) for name, by in content.items() for who in by)
        self.history.append(Happening(moment, kind, actor, place, frozenset(content), noticed, tuple(claims)))

    def gold(self, rule: str, events: list[Happened] | None = None) -> Gold:
        """The engine over all events, or over these."""
        made = Gold(
            self.cast,
            [
                Variable(name=t.name, values=t.values, static=t.static, known_to=t.known_to)
                for t in self.things.values()
            ],
            RULES[rule],
            knows={
                name: {t.name: dict(t.knows)[name] for t in self.things.values() if name in dict(t.knows)}
                for name in self.cast
            },
            prior={
                name: {
                    t.name: {
                        v: w / sum(dict(t.assumes)[name]) for v, w in zip(t.values, dict(t.assumes)[name], strict=True)
                    }
                    for t in self.things.values()
                    if name in dict(t.assumes)
                }
                for name in self.cast
            },
        )
        made.take_in(self.engine_events if events is None else events)
        return made

    def chains(self, order: int = 3) -> list[tuple[str, ...]]:
        """All chains up to an order in which nobody stands beside itself."""
        return [
            chain
            for size in range(1, order + 1)
            for chain in product(self.cast, repeat=size)
            if all(x != y for x, y in pairwise(chain))
        ]

    def groups(self) -> list[tuple[str, ...]]:
        pairs = [(x, y) for i, x in enumerate(self.cast) for y in self.cast[i + 1 :]]
        return [*pairs, self.cast] if len(self.cast) > 2 else pairs


def draw_sequence(rng: Random, longest: int = 8) -> Sequence:
    """2 or 3 people, 1 or 2 variables, up to `longest` events."""
    cast = NAMES[: rng.choice((2, 3, 3))]
    things = {name: draw_thing(rng, name, cast) for name in ("cake", "key")[: rng.choice((1, 1, 2))]}
    sequence = Sequence(cast, things)
    in_rooms = rng.random() < 0.6
    where: dict[str, str | None] = {name: rng.choice((*ROOMS, "hall", None)) for name in cast}
    for _ in range(rng.randint(1, longest)):
        if in_rooms:
            in_a_room(rng, sequence, where)
        else:
            at_random(rng, sequence)
    return sequence


def draw_thing(rng: Random, name: str, cast: tuple[str, ...]) -> Thing:
    values = ("red", "green", "blue")[: rng.choice((2, 3))]
    known_to = tuple(n for n in cast if rng.random() < 0.12)
    knows = tuple((n, rng.choice(values)) for n in cast if n in known_to or rng.random() < 0.1)
    assumes = ()
    if rng.random() < 0.2:
        weights = [rng.randint(0, 3) for _ in values[1:]]
        assumes = ((rng.choice(cast), (1, *weights)),)
    return Thing(name, values, rng.random() < 0.4, known_to, knows, assumes)


def draw_claims(rng: Random, sequence: Sequence, actor: str | None, most: int = 2) -> list[Assertion]:
    """Claims, true or not; some deny, some are about what somebody believes, a few name a value that is none."""
    claims = []
    for _ in range(rng.randint(0, most) or rng.randint(0, 1)):
        thing = sequence.things[rng.choice(list(sequence.things))]
        value = "plaid" if rng.random() < 0.02 else rng.choice(thing.values)
        believer = rng.choice(sequence.cast) if rng.random() < 0.2 else None
        claims.append(Assertion(actor, thing.name, value, rng.random() < 0.7, believer))
    return claims


def in_a_room(rng: Random, sequence: Sequence, where: dict[str, str | None]) -> None:
    """Somebody comes, goes, speaks, whispers or moves a thing; who is away may peek in, and who is there may not look
    up."""
    actor = rng.choice(sequence.cast)
    if where[actor] is None or rng.random() < 0.25:
        room = rng.choice(ROOMS)
        where[actor] = room
        there = [name for name in sequence.cast if where[name] == room]
        sequence.happens("enter", actor, room, all_notice(there), [])
        return
    room = where[actor]
    there = [name for name in sequence.cast if where[name] == room]
    if rng.random() < 0.25:
        sequence.happens("leave", actor, room, all_notice(there), [])
        where[actor] = None
        return
    kind = rng.choice(("say", "say", "whisper", "move"))
    glimpsed: tuple[str, ...] = ()
    content = there
    if kind == "whisper":
        content = [name for name in there if name == actor or rng.random() < 0.5]
        glimpsed = tuple(name for name in there if name not in content)
    witnesses = all_notice(content)
    for name in sequence.cast:
        if name not in content and name not in glimpsed and rng.random() < 0.25:
            for noticed_by in witnesses.values():
                noticed_by.append(name)  # who peeks sees the others, and none of them notices
            witnesses[name] = []
    sequence.happens(kind, actor, room, witnesses, draw_claims(rng, sequence, actor), glimpsed)


def all_notice(names: list[str]) -> dict[str, list[str]]:
    return {name: [other for other in names if other != name] for name in names}


def at_random(rng: Random, sequence: Sequence) -> None:
    """Any witnesses, any noticing, any claims: also what could hardly come about."""
    kind = rng.choice(("say", "whisper", "move", "leave", "look"))
    actor = rng.choice((*sequence.cast, *sequence.cast, None))
    often = rng.choice((0.6, 0.8, 1.0))
    content = [name for name in sequence.cast if rng.random() < 0.8]
    witnesses = {name: [n for n in sequence.cast if n != name and rng.random() < often] for name in content}
    glimpsed = tuple(name for name in sequence.cast if name not in content and rng.random() < 0.5)
    place = rng.choice((*ROOMS, None))
    sequence.happens(kind, actor, place, witnesses, draw_claims(rng, sequence, actor), glimpsed)
