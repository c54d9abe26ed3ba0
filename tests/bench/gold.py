"""What gold costs: one deep chain asked at the end of a long episode, and all chains to order 2 kept turn by turn."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from itertools import permutations
from random import Random

from tertulia.environments.gold import RULES, Gold
from tertulia.environments.gold.ledger import GoldLedger
from tertulia.environments.seeing import Eyes, Happened, happened
from tertulia.environments.world import Claim, Event
from tertulia.storage.rows import Variable

SEATS = ("alice", "bob", "carol", "dan", "eve", "frank", "grace", "heidi")
ONE, TWO = ("hall",), ("hall", "cellar")
EVENTS = 1000
THINGS = tuple(
    Variable(name=name, values=("kitchen", "cellar", "attic", "hall"), static=name == "house")
    for name in ("cake", "key", "letter", "house")
)
UNSEEN = Variable(name="map", values=("kept", "lost"))
"""Much talked about and never shown: nobody's trust in words about it can rest on what was seen last."""


def busy(rng: Random, rooms: tuple[str, ...], count: int = EVENTS) -> list[Happened]:
    """Eight people in these rooms, one event a turn: two in three speak or whisper, some move things or come and go."""
    where = {name: rng.choice(rooms) for name in SEATS}
    whole: list[Happened] = []
    for turn in range(count):
        actor = rng.choice(SEATS)
        kind = rng.choice(("say", "say", "say", "whisper", "move", "leave"))
        here = [name for name in SEATS if where[name] == where[actor]]
        content = [name for name in here if kind != "whisper" or name == actor or rng.random() < 0.4]
        thing = rng.choice((*THINGS, UNSEEN) if kind != "move" else THINGS)
        claims = [] if kind == "leave" else [Claim(variable=thing.name, value=rng.choice(thing.values))]
        event = Event(
            kind=kind, text="...", occurrence="...", actor=actor, place=where[actor], content=tuple(content),
            glimpsed=tuple(name for name in here if name not in content), claims=tuple(claims),
        )  # fmt: skip
        if kind == "leave":
            where[actor] = rng.choice(rooms)
        whole += happened("E", turn, [event], lambda _: "rules")
    return whole


def deep(events: list[Happened], told: str) -> None:
    """A chain of four names about every variable at the end, each time by an engine that was never asked before."""
    chain = ">".join(SEATS[:4])
    for rule in RULES.values():
        gold = Gold(SEATS, [*THINGS, UNSEEN], rule)
        gold.take_in(events)
        begun = time.process_time()
        for variable in gold.variables:
            gold.belief(chain, variable)
        took = 1000 * (time.process_time() - begun)
        print(f"order 4, {len(SEATS)} seats in {told}, {len(events)} events, {rule.name:12} {took:8.1f} ms CPU")


def per_turn(work: Callable[[list[Happened]], object], events: list[Happened]) -> float:
    """CPU milliseconds a turn."""
    gc.collect()
    begun = time.process_time()
    for one in events:
        work([one])
    return 1000 * (time.process_time() - begun) / len(events)


def kept(events: list[Happened]) -> None:
    """Eyes alone (each seat's view of the log), and with gold under all rules, rows made, beside."""
    chains = [*SEATS, *(f"{a}>{b}" for a, b in permutations(SEATS, 2))]
    pairs = [f"{a}&{b}" for n, a in enumerate(SEATS) for b in SEATS[n + 1 :]]
    asked = [(chain, variable.name) for variable in (*THINGS, UNSEEN) for chain in (*chains, *pairs)]
    for repeat in (1, 2):
        eyes, other = Eyes(SEATS), Eyes(SEATS)
        ledger = GoldLedger("E", SEATS, [*THINGS, UNSEEN], asked, rule="credulous")
        rows = 0

        def with_gold(whole: list[Happened], eyes: Eyes = other, ledger: GoldLedger = ledger) -> None:
            nonlocal rows
            eyes.take_in(whole)
            ledger.take_in(whole)
            rows += len(ledger.rows(whole[0].event.turn))

        bare, full = per_turn(eyes.take_in, events), per_turn(with_gold, events)
        print(
            f"run {repeat}: taking events in {bare:.3f} ms, with gold of {len(chains) + len(pairs)} chains x "
            f"{len(THINGS) + 1} variables x {len(RULES)} rules {full:.3f} ms CPU a turn: {full / bare:.1f} x, "
            f"{rows / len(events):.0f} rows a turn"
        )


def main() -> None:
    together, apart = busy(Random(7), ONE), busy(Random(7), TWO)
    deep(together, "one room")
    deep(apart, "two rooms")
    kept(apart)


if __name__ == "__main__":
    main()
