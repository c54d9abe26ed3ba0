"""Plays a scenario along a fixed transcript with all minds at work, and keeps every request that each of them makes."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any
from unittest.mock import patch

from tertulia.agents.backends.schema import canonical_schema
from tertulia.environments.floor import POLICIES, Ask, Award, Bid, FloorPolicy, FloorView
from tertulia.environments.floor.clock import Time
from tertulia.environments.scenario import Scenario
from tertulia.environments.seeing import Happened
from tertulia.environments.stage import Seat, Stage
from tertulia.environments.take import TurnWork
from tertulia.environments.turn import play_turn
from tertulia.environments.world import Action
from tertulia.mind.model import LanguageModel, Reply, Request
from tertulia.mind.samples import sample
from tertulia.storage.rows import Row
from tests.environments.table_talk_play import scenario_of

Acts = list[dict[str, dict[str, Any]]]
"""By turn, from turn 1 on: participant -> action, as data."""
Requests = dict[str, list[tuple[str, str, str]]]
"""By participant: (purpose, all messages, reply schema) of every request it made."""


@dataclass
class Recorder:
    """A model that keeps what it is asked and answers with seeded random replies, whose texts `say` may choose."""

    seat: str
    salt: str
    kept: list[tuple[str, str, str]]
    say: Callable[[str, str], str] | None = None
    rows: list[Any] = field(default_factory=list)

    async def ask(self, request: Request[Any]) -> Reply[Any]:
        messages = "\n\n".join(f"{message.role}: {message.content}" for message in request.messages())
        self.kept.append((request.purpose, messages, canonical_schema(request.schema)))
        value = sample(request.schema, Random(f"{self.seat}/{request.purpose}/{request.seen.turn}/{self.salt}"))
        if self.say is not None:
            value = request.schema.model_validate(self._worded(value.model_dump(mode="json", by_alias=True)))
        return Reply(value, "call", "verbalised")

    def _worded(self, value: Any) -> Any:
        """The reply with every free text replaced by `say(seat, field)`."""
        assert self.say is not None
        if isinstance(value, dict):
            texts = ("text", "reason_for", "reason_against", "interpretation")
            return {
                key: self.say(self.seat, key) if key in texts and isinstance(inner, str) else self._worded(inner)
                for key, inner in value.items()
            }
        return [self._worded(inner) for inner in value] if isinstance(value, list) else value


class Fixed(Stage):
    """A stage on which, whatever minds want, the transcript happens."""

    could_act: Counter[str]
    """In how many turns each could act."""
    fixed: dict[str, Action]

    def step(
        self, turn: int, take: int, acts: Mapping[str, Action], time: Time | None = None
    ) -> tuple[list[Happened], list[Row]]:
        return super().step(turn, take, self.fixed, time)


def play_along(
    data: Mapping[str, Any],
    acts: Acts,
    salts: Mapping[str, str],
    say: Callable[[str, str], str] | None = None,
) -> tuple[Requests, Stage]:
    """Everything every mind is asked along `acts`. `salts` changes what a seat's model answers."""
    scenario = scenario_of(data)
    stage = Fixed.of(scenario, 0, "e")
    assert isinstance(stage, Fixed)
    stage.could_act = Counter()
    stage.open()
    kept: Requests = {name: [] for name in stage.seats}
    for raw in [*acts, None]:
        _turn(stage, raw, kept, salts, say)
    return kept, stage


def _turn(
    stage: Fixed,
    raw: Mapping[str, Mapping[str, Any]] | None,
    kept: Requests,
    salts: Mapping[str, str],
    say: Callable[[str, str], str] | None,
) -> None:
    """One turn in which minds deliberate as ever, and then what the transcript says happens. None: the closing turn."""

    def model_for(seat: Seat, turn: int, take: int) -> LanguageModel:
        return Recorder(seat.name, salts.get(seat.name, ""), kept[seat.name], say)

    work = TurnWork(stage, stage.head + 1, 0, model_for, closing=raw is None)
    stage.fixed = {name: legal_act(stage, name, act) for name, act in (raw or {}).items()}
    stage.could_act.update(stage.able() if raw is not None else ())
    policy = stage.scenario.turns.policy
    happens = partial(as_it_happened, tuple(stage.fixed), POLICIES[policy] if policy == "moderated" else None)
    with patch.dict(POLICIES, {policy: happens}):
        asyncio.run(play_turn(work))


async def as_it_happened(
    actors: tuple[str, ...], asks: FloorPolicy | None, view: FloorView, bids: Sequence[Bid], rng: Random, ask: Ask
) -> Award:
    """The floor goes to those who act in the transcript: who else wanted it is not part of what is fixed.

    Who moderates is asked all the same. The hands that it can see are part of the transcript: here everybody's is up in
    every other turn.
    """
    if asks is not None:
        up, sees = {"volunteers": view.turn % 2 == 0}, view.in_sight or ()
        fixed = [bid.model_copy(update=up) if bid.participant in sees else bid for bid in bids]
        await asks(view, fixed, rng, ask)
    return Award(actors, {bid.participant: "the transcript" for bid in bids})


def legal_act(stage: Stage, name: str, raw: Mapping[str, Any]) -> Action:
    legal = stage.world.legal(stage.state, name)
    assert legal is not None, f"{name} cannot act"
    act = legal.model_validate(raw).root
    assert isinstance(act, Action)
    return act


def some_acts(scenario: Scenario, seed: int, turns: int) -> Acts:
    """A random legal transcript: at each turn nobody or somebody does something that is legal then."""
    stage, rng = Stage.of(scenario, 0, "e"), Random(seed)
    stage.open()
    acts: Acts = []
    for turn in range(1, turns + 1):
        if stage.ending(stage.head) is not None:
            break
        able = [name for name in stage.seats if stage.world.legal(stage.state, name) is not None]
        chosen: dict[str, Action] = {}
        if able and rng.random() < 0.85:
            name = rng.choice(able)
            legal = stage.world.legal(stage.state, name)
            assert legal is not None
            chosen[name] = sample(legal, rng).root
        stage.step(turn, 0, chosen)
        acts.append({name: act.model_dump(mode="json") for name, act in chosen.items()})
    return acts


def heard(stage: Stage, name: str) -> str:
    """Everything `name` got the content of, as one text."""
    return json.dumps([event.text for event in stage.eyes.seen.get(name, []) if event.level == "content"])


def names_of(data: Mapping[str, Any]) -> Sequence[str]:
    return [seat["name"] for seat in data["participants"]]


__all__ = ["Acts", "Requests", "heard", "names_of", "play_along", "some_acts"]
