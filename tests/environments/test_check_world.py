"""The conformance kit passes for a proper world and names the broken law for every improper one."""

from __future__ import annotations

import random
from random import Random
from typing import ClassVar, Literal

import pytest
from pydantic import BaseModel, ConfigDict, ValidationError

from tertulia.environments.testing import check_world
from tertulia.environments.world import (
    Action,
    Event,
    Observation,
    Outcome,
    Pass,
    SeatParams,
    Variable,
    World,
    WorldParams,
    one_of,
)
from tertulia.environments.worlds.mutual_friends import FriendsParams, MutualFriends


class Bet(Action):
    kind: Literal["bet"] = "bet"
    on: Literal["heads", "tails"]


class State(BaseModel):
    model_config = ConfigDict(frozen=True)
    coin: str
    hands: dict[str, str]
    bets: dict[str, str] = {}


class CoinTable(World[State]):
    """Everybody holds a card in private and bets on a coin."""

    name: ClassVar[str] = "coin_table"
    StateType: ClassVar[type[BaseModel]] = State

    def premise(self):
        return "A coin lies under a cup."

    def reset(self, rng):
        cards = rng.sample(["the queen of hearts", "the king of clubs", "the ten of spades"], len(self.names))
        state = State(coin=rng.choice(["heads", "tails"]), hands=dict(zip(self.names, cards, strict=True)))
        return state, [Event(kind="opening", text="The cup is down.", origin="world", content=self.names)]

    def observe(self, state, seat):
        return Observation(text=f"You hold {state.hands[seat]}.")

    def legal(self, state, seat):
        return one_of(Bet, Pass)

    def step(self, state, acts, rng):
        events = []
        for seat, act in acts.items():
            if seat not in self.names or not isinstance(act, (Bet, Pass)):
                raise ValueError("not legal")
            if isinstance(act, Bet):
                if act.on not in ("heads", "tails"):
                    raise ValueError("not a side")
                others = tuple(name for name in self.names if name != seat)
                events.append(
                    Event(kind="bet", text=act.on, occurrence="a bet", actor=seat, content=(seat,), glimpsed=others)
                )
        bets = {**state.bets, **{seat: act.on for seat, act in acts.items() if isinstance(act, Bet)}}
        return state.model_copy(update={"bets": bets}), events

    def variables(self, state):
        held = [Variable(name=f"{seat}.card", values=(state.hands[seat], "none"), holder=seat) for seat in self.names]
        return [Variable(name="coin", values=("heads", "tails"), truth=state.coin), *held]

    def outcome(self, state):
        return Outcome(reward=sum(b == state.coin for b in state.bets.values()) / len(self.names))


def table(kind=CoinTable):
    return kind(WorldParams(), {"ann": SeatParams(), "ben": SeatParams()})


class RollsGlobalDice(CoinTable):
    def step(self, state, acts, rng):
        random.random()
        return super().step(state, acts, rng)


class Remembers(CoinTable):
    calls = 0

    def observe(self, state, seat):
        self.calls += 1
        return Observation(text=f"You look for the {self.calls}th time.")


class ShowsCards(CoinTable):
    def observe(self, state, seat):
        return Observation(text="On the table: " + ", ".join(sorted(state.hands.values())))


class ChangesState(CoinTable):
    def step(self, state, acts, rng):
        after, events = super().step(state, acts, rng)
        state.bets.update(after.bets)
        return state, events


class InvitesStrangers(CoinTable):
    def reset(self, rng):
        state, events = super().reset(rng)
        return state, [events[0].model_copy(update={"content": (*self.names, "zoe")})]


class SeesTwice(CoinTable):
    def step(self, state, acts, rng):
        after, events = super().step(state, acts, rng)
        return after, [event.model_copy(update={"glimpsed": self.names}) for event in events]


class LyingTruth(CoinTable):
    def variables(self, state):
        return [Variable(name="coin", values=("heads", "tails"), truth="edge")]


class NewVariables(CoinTable):
    def variables(self, state):
        return [Variable(name=f"coin after {len(state.bets)}", values=("heads", "tails"))]


class Generous(CoinTable):
    def outcome(self, state):
        return Outcome(reward=1.5)


class AcceptsAnything(CoinTable):
    def step(self, state, acts, rng):
        return state, []


class AcceptsAnySide(CoinTable):
    def step(self, state, acts, rng):
        if any(seat not in self.names or act.kind not in ("bet", "pass") for seat, act in acts.items()):
            raise ValueError("not legal")
        return state, []


class RaisesKeyError(CoinTable):
    def step(self, state, acts, rng):
        for seat in acts:
            state.hands[seat]
        return super().step(state, acts, rng)


class RefusesItsOwn(CoinTable):
    def step(self, state, acts, rng):
        if any(isinstance(act, Bet) and act.on == "tails" for act in acts.values()):
            raise ValueError("no tails today")
        return super().step(state, acts, rng)


class FirstInTheMapping(CoinTable):
    def observe(self, state, seat):
        return Observation(text=f"{next(iter(state.hands))} sits at the head of the table.")


class ThawedState(State):
    model_config = ConfigDict(frozen=False)


class Thawed(CoinTable):
    StateType: ClassVar[type[BaseModel]] = ThawedState

    def reset(self, rng):
        state, events = super().reset(rng)
        return ThawedState(**state.model_dump()), events


class IgnoresItsSeed(CoinTable):
    def reset(self, rng):
        return super().reset(Random(random.SystemRandom().random()))


class DoneForNoReason(CoinTable):
    def outcome(self, state):
        return Outcome(done=True)


class KnowsNothingThereIs(CoinTable):
    def knows(self, state, seat):
        return {"coin": "edge"}


class AssumesTooMuch(CoinTable):
    def assumes(self, state, seat):
        return {"coin": {"heads": 0.9, "tails": 0.9}}


class AssumesOnceMore(CoinTable):
    def assumes(self, state, seat):
        return {"coin": {"heads": 0.5, "edge": 0.5}}


class SecretGlimpse(CoinTable):
    def step(self, state, acts, rng):
        after, events = super().step(state, acts, rng)
        return after, [event.model_copy(update={"occurrence": None}) for event in events]


BROKEN = {
    RollsGlobalDice: "global random",
    Remembers: r"observe\(\) is not pure",
    ShowsCards: "only ann may see",
    ChangesState: "changed the state",
    InvitesStrangers: "no seat",
    SeesTwice: "both content and glimpsed",
    LyingTruth: "none of its values",
    NewVariables: "changed in an episode",
    Generous: "not in 0-1",
    AcceptsAnything: "must raise ValueError",
    AcceptsAnySide: r"illegal action of (ann|ben) \(bet\) must raise ValueError",
    RaisesKeyError: "not KeyError",
    RefusesItsOwn: "legal",
    FirstInTheMapping: "order of keys",
    Thawed: "frozen",
    IgnoresItsSeed: r"reset\(\) (is not pure|depends on more than its arguments)",
    DoneForNoReason: "needs a reason",
    KnowsNothingThereIs: r"knows\(\) of ann: coin = 'edge' is not declared",
    AssumesTooMuch: r"assumes\(\) of ann: coin does not sum to 1",
    AssumesOnceMore: r"assumes\(\) of ann: coin has other values",
    SecretGlimpse: "no text of the occurrence",
}


def test_a_proper_world_passes():
    check_world(table())
    check_world(table, private=lambda state, seat: [state.hands[seat]])


@pytest.mark.parametrize("broken", BROKEN, ids=lambda kind: kind.__name__)
def test_a_broken_world_fails_with_its_law_in_one_line(broken):
    with pytest.raises(AssertionError, match=BROKEN[broken]) as caught:
        check_world(table(broken))
    assert "\n" not in str(caught.value)
    assert "coin_table" in str(caught.value)


def test_what_the_caller_names_as_private_is_looked_for():
    with pytest.raises(AssertionError, match="observe"):
        check_world(table(FirstInTheMapping), private=lambda state, seat: ["at the head"] if seat == "ben" else [])


@pytest.mark.parametrize("params", [{}, {"friends": 5, "attributes": 3}, {"friends": 12, "attributes": 4}])
def test_mutual_friends_keeps_every_law(params):
    def private(state, seat):
        return ["; ".join(row) for row in state.rows[seat]]

    def make():
        return MutualFriends(FriendsParams(**params), {"alice": SeatParams(), "bob": SeatParams()})

    check_world(make, seeds=range(3))
    check_world(make(), seeds=range(1), private=private)


@pytest.mark.parametrize("reward", [float("inf"), float("nan")])
def test_a_reward_that_is_no_number_is_refused_where_it_is_made(reward: float) -> None:
    with pytest.raises(ValidationError, match="finite"):
        Outcome(reward=reward)
