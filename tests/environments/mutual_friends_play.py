"""A small driver that plays mutual friends by its rules, with no engine around it."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from tertulia.environments.world import Event, Stance
from tertulia.environments.worlds.mutual_friends import FriendsParams, MutualFriends, MutualFriendsRules
from tertulia.storage.seen import Seen, SeenEvent


@dataclass
class Play:
    """What happened: `events` by turn, `stances` of those who moved, and the final state."""

    world: MutualFriends
    state: object = None
    events: list[tuple[int, Event]] = field(default_factory=list)
    stances: list[tuple[int, str, Stance]] = field(default_factory=list)
    turns: int = 0

    @property
    def utterances(self) -> int:
        return sum(event.kind == "say" for _, event in self.events)

    @property
    def transcript(self) -> list[tuple[int, str | None, str]]:
        return [(turn, event.actor, event.text) for turn, event in self.events]


def seen_by(play: Play, seat: str, turn: int, order: int) -> Seen:
    ordinals: dict[int, int] = {}
    events = []
    for at, event in play.events:
        ordinal = ordinals[at] = ordinals.get(at, -1) + 1
        whole = seat in event.content
        if whole or seat in event.glimpsed:
            events.append(
                SeenEvent(
                    id=f"{at}.{ordinal}",
                    turn=at,
                    kind=event.kind,
                    actor=event.actor,
                    text=event.text if whole else event.occurrence or "",
                    level="content" if whole else "occurrence",
                    claims=event.claims if whole else (),
                    data=event.data if whole else {},
                    origin=event.origin,
                )
            )
    spoke = [at for at, event in play.events if event.kind == "say" and event.actor == seat]
    variables = [v.model_copy(update={"truth": None}) for v in play.world.variables(play.state) if v.holder == seat]
    return Seen(
        participant=seat,
        turn=turn,
        cast=play.world.names,
        present=play.world.names,
        premise=play.world.premise(),
        observation=play.world.observe(play.state, seat),
        events=tuple(events),
        variables=tuple(variables),
        order=order,
        last_spoke=spoke[-1] if spoke else None,
    )


def play(seed, params=None, limit=40, together=False, order=1, deaf=False) -> Play:
    """One episode: seats alternate, or all act `together`. `deaf`: claims are taken off, so that words must do."""
    world = MutualFriends(params or FriendsParams(), {"alice": None, "bob": None})
    policy = MutualFriendsRules.of(world)
    now = Play(world)
    now.state, opening = world.reset(Random(seed))
    now.events = [(0, event) for event in opening]
    for turn in range(1, limit + 1):
        movers = world.names if together else (world.names[(turn + seed) % 2],)
        acts = {}
        for seat in movers:
            stance = policy.consider(seen_by(now, seat, turn, order), Random(0))
            now.stances.append((turn, seat, stance))
            acts[seat] = world.legal(now.state, seat).model_validate(stance.candidates[0].act.model_dump()).root
        now.state, events = world.step(now.state, acts, Random(0))
        now.events += [(turn, e.model_copy(update={"claims": ()}) if deaf else e) for e in events]
        now.turns = turn
        if world.outcome(now.state).done:
            break
    return now
