"""Negotiation: two people talk, offer, accept, reject or walk away; neither knows what the other needs most."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel, field_validator

from tertulia.environments.world import (
    Action,
    Claim,
    Event,
    Observation,
    Outcome,
    Pass,
    Say,
    SeatParams,
    Variable,
    World,
    WorldError,
    WorldParams,
)
from tertulia.environments.worlds.negotiation.acts import Accept, Offer, Reject, WalkAway, legal_acts, priorities_of
from tertulia.environments.worlds.negotiation.casino import read_priorities
from tertulia.environments.worlds.negotiation.goods import (
    ITEMS,
    ORDERS,
    PACKAGES,
    WALK_AWAY,
    WORTH,
    Item,
    Share,
    as_packages,
    in_words,
    most_joint,
    pareto_gap,
    rest_of,
    worth_of,
)

Strategy = Literal["fair", "conceder", "hard-liner", "liar"]


class NegotiationParams(WorldParams):
    """What no deal is worth, and where priorities come from that no seat names: the seed, or a file."""

    no_deal: Annotated[int, Field(ge=0, le=36)] = WALK_AWAY
    """Points of each if somebody walks away, or if the turns run out."""
    file: Path | None = None
    """A file of the CaSiNo data set: priorities as two of its participants had them together."""
    dialogue: int | None = None
    """The `dialogue_id` in that file; without it, one is drawn from the seed."""


class NegotiationSeat(SeatParams):
    """What a participant needs, and how rules bargain for it. A model or a person bargains as it likes."""

    priorities: tuple[Item, ...] | None = None
    """What is needed most first, for example `[water, food, firewood]`; drawn where it is not given."""
    strategy: Strategy = "fair"
    """`fair` looks for an even split and says truly what it needs; `conceder` asks for much and soon gives way;
    `hard-liner` hardly moves, and walks away in the end; `liar` claims to need most what it needs least."""

    @field_validator("priorities")
    @classmethod
    def _each_once(cls, priorities: tuple[Item, ...] | None) -> tuple[Item, ...] | None:
        if priorities is not None and sorted(priorities) != sorted(ITEMS):
            raise ValueError("all three stand in it once; write for example [water, food, firewood]")
        return priorities


class Standing(BaseModel):
    """An offer on the table: who made it, and what that one would keep."""

    model_config = ConfigDict(frozen=True)

    by: str
    keeps: Share


class NegotiationState(BaseModel):
    """Both priorities, the offer on the table, and how it ended (`agreement`, `walked_away`)."""

    model_config = ConfigDict(frozen=True)

    priorities: dict[str, str]
    standing: Standing | None = None
    ended: str = ""
    deal: dict[str, Share] | None = None
    walked: str | None = None
    offers: int = 0


class Negotiation(World[NegotiationState]):
    """After CaSiNo (Chawla et al. 2021): 3 packages each of food, water and firewood, worth 5, 4 and 3 points a package
    by one's own priorities; 5 points each without a deal."""

    name: ClassVar[str] = "negotiation"
    Params: ClassVar[type[WorldParams]] = NegotiationParams
    Seat: ClassVar[type[SeatParams]] = NegotiationSeat
    StateType: ClassVar[type[BaseModel]] = NegotiationState
    seats_allowed: ClassVar[tuple[int, int]] = (2, 2)

    params: NegotiationParams
    seats: dict[str, NegotiationSeat]

    def __init__(self, params: NegotiationParams, seats: Mapping[str, NegotiationSeat]) -> None:
        super().__init__(params, seats)
        if len(self.names) != 2:
            raise WorldError("participants", f"negotiation is for exactly 2 participants, not {len(self.names)}")
        if params.dialogue is not None and params.file is None:
            raise WorldError("dialogue", "a dialogue of which file; add `file:`, the path of a file of CaSiNo")
        self._pairs = read_priorities(params.file, params.dialogue) if params.file else ()

    def premise(self) -> str:
        one, two = self.names
        goods = f"{', '.join(ITEMS[:-1])} and {ITEMS[-1]}"
        return (
            f"{one} and {two} go camping, each for itself, and divide {PACKAGES} packages each of {goods}. Each has "
            f"its own priorities: a package of what it needs most is worth {WORTH[0]} points to it, of the second "
            f"{WORTH[1]}, of what it needs least {WORTH[2]}. Nobody is shown the other's priorities. Talk, make "
            "offers, and answer those of the other. A new offer takes the place of the one before. Without a deal, "
            f"because somebody walks away or time runs out, each has {self.params.no_deal} points. "
            "Each tries to get many points for itself."
        )

    def reset(self, rng: Random) -> tuple[NegotiationState, list[Event]]:
        drawn = rng.choice(self._pairs) if self._pairs else (rng.choice(ORDERS), rng.choice(ORDERS))
        orders = {name: self._given(name) or order for name, order in zip(self.names, drawn, strict=True)}
        one, two = self.names
        text = f"{one} and {two} meet to divide {PACKAGES} food, {PACKAGES} water and {PACKAGES} firewood."
        events = [Event(kind="opening", text=text, origin="world", content=self.names)]
        events += [
            Event(
                kind="priorities", text=f"{name}'s priorities: {_ranked(order)}.", origin="world", content=(name,),
            )
            for name, order in orders.items()
        ]  # fmt: skip
        return NegotiationState(priorities=orders), events

    def _given(self, name: str) -> str | None:
        given = self.seats[name].priorities
        return ">".join(given) if given is not None else None

    def knows(self, state: NegotiationState, seat: str) -> Mapping[str, str]:
        """One's own priorities."""
        return {priorities_of(seat): state.priorities[seat]}

    def observe(self, state: NegotiationState, seat: str) -> Observation:
        lines = [f"Your priorities: {_ranked(state.priorities[seat])}."]
        standing = state.standing
        if standing is not None and standing.by == seat:
            lines.append(f"Your offer stands: {in_words(standing.keeps)} for you.")
        elif standing is not None:
            lines.append(f"{standing.by} offers you {in_words(rest_of(standing.keeps))}.")
        data = {"priorities": state.priorities[seat], "strategy": self.seats[seat].strategy}
        return Observation(text="\n".join(lines), data=data)

    def legal(self, state: NegotiationState, seat: str) -> type[RootModel[Any]] | None:
        if state.ended:
            return None
        offered = state.standing is not None and state.standing.by != seat
        return legal_acts(seat, self._other(seat), offered, self.names_variables)

    def step(
        self, state: NegotiationState, acts: Mapping[str, Action], rng: Random
    ) -> tuple[NegotiationState, list[Event]]:
        """An answer is to the offer that stood when the turn began; if that was replaced meanwhile, it is idle."""
        for name, act in acts.items():
            self._check(state, name, act)
        asked, events = state.standing, []
        for name, act in acts.items():
            if state.ended or (isinstance(act, Accept | Reject) and state.standing != asked):
                continue
            state, happened = self._act(state, name, act)
            events += happened
        return state, events

    def _check(self, state: NegotiationState, name: str, act: Action) -> None:
        if name not in self.names:
            raise ValueError(f"nobody here is called {name!r}")
        schema = self.legal(state, name)
        if schema is None:
            raise ValueError("the negotiation is over")
        schema.model_validate(act.model_dump())

    def _act(self, state: NegotiationState, name: str, act: Action) -> tuple[NegotiationState, list[Event]]:
        standing = state.standing
        if isinstance(act, Say):
            return state, [self._event("say", act.text, name, addressees=act.to, claims=_plain(act.asserts))]
        if isinstance(act, Offer):
            after = {"standing": Standing(by=name, keeps=act.keeps), "offers": state.offers + 1}
            return state.model_copy(update=after), [self._offered(name, act.keeps)]
        if isinstance(act, Reject):
            event = self._event("reject", f"{name} turns the offer down.", name)
            return state.model_copy(update={"standing": None}), [event]
        if isinstance(act, Accept) and standing is not None:
            deal = {who: standing.keeps if who == standing.by else rest_of(standing.keeps) for who in self.names}
            event = self._event("accept", f"{name} accepts. The deal: {self._split(deal)}.", name, data=_split(deal))
            return state.model_copy(update={"standing": None, "ended": "agreement", "deal": deal}), [event]
        if isinstance(act, WalkAway):
            after = {"standing": None, "ended": "walked_away", "walked": name}
            return state.model_copy(update=after), [self._event("walk_away", f"{name} walks away: no deal.", name)]
        if isinstance(act, Pass):
            return state, []
        raise ValueError(f"negotiation knows no action {act.kind}")

    def _offered(self, name: str, keeps: Share) -> Event:
        shares = {who: keeps if who == name else rest_of(keeps) for who in (name, self._other(name))}
        return self._event("offer", f"{name} offers: {self._split(shares)}.", name, data=_split(shares))

    def _split(self, shares: Mapping[str, Share]) -> str:
        return "; ".join(f"{in_words(share)} for {name}" for name, share in shares.items())

    def _event(self, kind: str, text: str, actor: str, **rest: Any) -> Event:
        return Event(kind=kind, text=text, actor=actor, content=self.names, **rest)

    def variables(self, state: NegotiationState) -> list[Variable]:
        """Each one's priorities, which it knows itself, as everybody knows. Speakers may lie about them."""
        return [
            Variable(
                name=priorities_of(name), values=ORDERS, truth=state.priorities[name], static=True, known_to=(name,),
                say=f"{name}'s priorities are {{value}}.",
            )
            for name in self.names
        ]  # fmt: skip

    def outcome(self, state: NegotiationState) -> Outcome:
        """`reward`: joint points as a share of the most these two can have together. Until a deal, as without one."""
        one, two = self.names
        orders = state.priorities
        won = {
            name: worth_of(state.deal[name], orders[name]) if state.deal else self.params.no_deal for name in self.names
        }
        joint, most = won[one] + won[two], most_joint(orders[one], orders[two])
        gap = pareto_gap(won[one], won[two], orders[one], orders[two])
        detail = {
            "deal": _split({name: state.deal[name] for name in self.names}) if state.deal else None,
            "points": won,
            "joint": joint,
            "most_joint": most,
            "joint_share": round(joint / most, 3),
            "pareto_gap": gap,
            "pareto": gap == 0,
            "offers": state.offers,
            "walked_away": state.walked,
            "strategies": {name: self.seats[name].strategy for name in self.names},
        }
        return Outcome(done=bool(state.ended), reason=state.ended, reward=min(1.0, joint / most), detail=detail)

    def _other(self, seat: str) -> str:
        return self.names[1] if seat == self.names[0] else self.names[0]


def _ranked(order: str) -> str:
    """`water (high, 5 points a package), food (medium, 4), firewood (low, 3)`."""
    first, second, third = order.split(">")
    high, medium, low = WORTH
    return f"{first} (high, {high} points a package), {second} (medium, {medium}), {third} (low, {low})"


def _split(shares: Mapping[str, Share]) -> dict[str, Any]:
    return {name: as_packages(share) for name, share in shares.items()}


def _plain(claims: tuple[Claim, ...]) -> tuple[Claim, ...]:
    """Claims as they are logged, whatever schema they came through."""
    return tuple(Claim(variable=c.variable, value=c.value, holds=c.holds, believer=c.believer) for c in claims)
