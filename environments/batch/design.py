"""How a batch is designed: what its words mean, how cells are named, who sits where in which episode.

`paired` (the default): every cell is played with the same seeds, so the same worlds and scripts.
`independent`: every cell has seeds of its own.
`swap`: every cell is played once more for each way to move models and minds round the seats; personas, goals and
private facts stay where they are.
`counterbalance`: the order of the seats, which decides who begins, goes round from one seed to the next, and from one
replicate of a seed to the next, the same in every cell.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from tertulia.environments.scenario import Scenario

DESIGN = ("paired", "independent", "swap", "counterbalance")
ALL = "all"
"""The one cell of a batch in which nothing varies."""


def cell_name(labels: Mapping[str, str]) -> str:
    """`mind.preset=full, model=rules`: by the names of what varies, so that their order in a file changes nothing."""
    return ", ".join(f"{name}={label}" for name, label in sorted(labels.items())) or ALL


def variants(scenario: Scenario, swap: bool) -> Iterator[tuple[dict[str, str], Scenario]]:
    """A scenario itself, and with `swap` once more for each number of seats by which its models and minds can be moved
    round, as far as that makes a difference."""
    data = scenario.resolved()
    who = [(scenario.model_of(seat["name"]), seat["mind"]) for seat in data["participants"]]
    rounds = [who[turn:] + who[:turn] for turn in range(len(who))] if swap else [who]
    distinct = [assigned for place, assigned in enumerate(rounds) if assigned not in rounds[:place]]
    for number, assigned in enumerate(distinct):
        named = {"swap": str(number)} if len(distinct) > 1 else {}
        yield named, scenario if number == 0 else Scenario.from_resolved(_seated(data, assigned))


def _seated(data: dict[str, Any], assigned: list[tuple[str, Any]]) -> dict[str, Any]:
    seats = [
        seat | {"model": model, "mind": mind}
        for seat, (model, mind) in zip(data["participants"], assigned, strict=True)
    ]
    return data | {"participants": seats}


def turned(scenario: Scenario, places: int) -> Scenario:
    """The same scenario with its seats in another order: the first `places` of them come last."""
    if places == 0:
        return scenario
    data = scenario.resolved()
    seats = data["participants"]
    return Scenario.from_resolved(data | {"participants": seats[places:] + seats[:places]})


def seed_in(cell: str, seed: int, *, independent: bool) -> int:
    """The seed with which a cell plays what the grid calls `seed`."""
    if not independent:
        return seed
    return int.from_bytes(sha256(f"{cell}/{seed}".encode()).digest()[:6], "big")
