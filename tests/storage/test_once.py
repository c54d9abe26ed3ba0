"""Types made for one episode go with it; those that somebody holds, or that are wanted again soon, are made once."""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Literal
from weakref import ref

import pytest
from pydantic import BaseModel, create_model

from tertulia.agents.backends.schema import canonical_schema
from tertulia.environments.scenario import load_scenario
from tertulia.environments.stage import Stage
from tertulia.environments.worlds.mutual_friends.world import Select
from tertulia.mind.bounds import bound_tokens
from tertulia.mind.deliberate import _composite
from tertulia.mind.faculties.believe import Believe
from tertulia.mind.faculties.speak import Speak
from tertulia.storage.once import LATELY, Held, once_a_type, once_in_use

made: list[Any] = []


@once_in_use
def among(values: tuple[str, ...]) -> type[BaseModel]:
    made.append(values)
    one: Any = Literal[values]
    return create_model("Among", value=(one, ...))


@once_a_type
def told(cls: type[BaseModel], times: int) -> tuple[str, ...]:
    made.append(cls)
    return (cls.__name__,) * times


@pytest.fixture(autouse=True)
def _nothing_made() -> None:
    made.clear()


def others(count: int, mark: str) -> None:
    for number in range(count):
        among((mark, str(number)))


def test_a_type_that_is_held_is_made_once_however_many_come_between() -> None:
    mine = among(("a", "b"))
    others(LATELY + 10, "held")
    assert among(("a", "b")) is mine
    assert made.count(("a", "b")) == 1


def test_a_type_that_nobody_holds_is_there_for_some_time_and_then_gone() -> None:
    gone = ref(among(("c", "d")))
    others(LATELY - 1, "soon")
    assert among(("c", "d")) is gone()
    others(LATELY, "late")
    others(200, "caches of typing's own")
    gc.collect()
    assert gone() is None
    assert among(("c", "d")).model_validate({"value": "c"})
    assert made.count(("c", "d")) == 2


def test_what_is_made_of_a_type_is_made_once_for_each_and_for_what_lies_below_it() -> None:
    class Above(BaseModel):
        pass

    class Below(Above):
        pass

    for _ in range(3):
        assert told(Above, 2) == ("Above", "Above")
        assert told(Below, 2) == ("Below", "Below")
        assert told(Above, 1) == ("Above",)
    assert made == [Above, Below, Above]
    assert Above.model_json_schema()["properties"] == {}


def test_the_latest_types_are_held_and_the_first_let_go() -> None:
    held = Held()
    first = create_model("First")
    gone = ref(first)
    held.hold(first)
    held.hold(first)
    del first
    for number in range(Held.MOST - 1):
        held.hold(create_model(f"T{number}"))
    gc.collect()
    assert gone() is not None
    held.hold(create_model("Last"))
    gc.collect()
    assert gone() is None


def test_the_types_of_a_world_go_with_their_episodes() -> None:
    """In a process of its own, in which nothing else looks at what is in memory."""
    code = "from tests.storage.test_once import let_episodes_go; let_episodes_go()"
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def let_episodes_go() -> None:
    """Begin many episodes of a world with types of its own, of which one is kept."""
    scenario = load_scenario("mutual-friends")

    def begin(seed: int) -> Stage:
        stage = Stage.of(scenario, seed, f"e{seed}")
        stage.open()
        for name in stage.seats:
            legal = stage.legal(name)
            now: Any = SimpleNamespace(legal=legal, seen=stage.seen_by(name, 1))
            parts = (("believe", Believe().reply_type(now)), ("speak", Speak().reply_type(now)))
            schema = _composite(parts)
            assert bound_tokens(schema) > 100
            assert canonical_schema(schema) is canonical_schema(schema)
            made.extend(map(ref, (legal, schema, *(part for _, part in parts))))  # type: ignore[arg-type]
        return stage

    made: list[ref[type]] = []
    kept = begin(0)
    mine = made[: len(kept.seats)]
    for seed in range(1, 2 * LATELY):
        begin(seed)
    kept.state = kept.state.model_copy()  # what follows from the state as it was is forgotten
    kept.legal("bob")
    gc.collect()
    assert mine[0]() is not None
    assert kept.legal("alice") is mine[0]()
    for place, kind in enumerate(("legal", "whole", "beliefs", "draft")):
        alive = sum(one() is not None for one in made[place::4])
        assert alive < 2 * LATELY, f"{alive} of {len(made) // 4} types are still there: {kind}"
    assert len(Select.__subclasses__()) < 2 * LATELY
