"""Which episodes a worker takes up: workers keep out of each other's way, and look at the batch seldom."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest

from tertulia.environments.batch import dask_parts
from tertulia.environments.batch.claims import Claims
from tertulia.environments.batch.plan import Point
from tertulia.environments.batch.settings import Settings
from tertulia.storage.readers import Standing


class Batch:
    """A plan of `many` episodes, and the log that says which of them have been begun."""

    batch = "b"

    def __init__(self, many: int) -> None:
        self.many, self.looks = many, 0
        self.begun: dict[Any, Standing] = {}

    def points(self) -> Any:
        return (Point("all", seed, 0) for seed in range(self.many))

    def standing(self, _: str) -> list[Standing]:
        self.looks += 1
        return list(self.begun.values())

    def begin(self, point: Point) -> bool:
        """False where somebody else has begun it."""
        if point.key in self.begun:
            return False
        self.begun[point.key] = Standing(f"e{point.seed}", *point.key, "success", led=False)
        return True


def claims_on(batch: Batch) -> Claims:
    return Claims(cast(Any, batch), cast(Any, batch), poll_s=0.01)


async def some(claims: Claims, many: int) -> list[Point]:
    found = [await claims.next() for _ in range(many)]
    assert all(isinstance(one, Point) for one in found)
    return cast(list[Point], found)


async def test_a_worker_begins_at_the_beginning_and_goes_on_in_order() -> None:
    batch = Batch(10)
    claims = claims_on(batch)
    await claims.start()
    assert [point.seed for point in await some(claims, 10)] == list(range(10))


async def test_all_players_of_a_worker_who_come_too_late_look_once_and_go_where_nobody_is() -> None:
    batch = Batch(400)
    early, late = claims_on(batch), claims_on(batch)
    for one in (early, late):
        await one.start()
    assert all(map(batch.begin, await some(early, 100)))
    looks, taken = batch.looks, await some(late, 50)
    assert not any(map(batch.begin, taken))
    for point in taken:
        await late.taken(point)
    assert batch.looks == looks + 1
    assert all(map(batch.begin, await some(late, 50)))


async def test_what_another_was_faster_to_begin_is_waited_for_and_taken_over_where_that_one_dies() -> None:
    batch = Batch(1)
    claims = claims_on(batch)
    await claims.start()
    [point] = await some(claims, 1)
    assert await claims.next() is None, "for whoever else plays here"
    batch.begun[point.key] = Standing("e0", *point.key, "running", led=True)
    await claims.taken(point)
    waiting = asyncio.create_task(claims.next())
    await asyncio.sleep(0.05)
    assert not waiting.done()
    dead = batch.begun[point.key] = Standing("e0", *point.key, "running", led=False)
    assert await asyncio.wait_for(waiting, 30) == dead


async def test_eight_workers_of_fifty_begin_everything_once_and_seldom_meet() -> None:
    batch, met = Batch(4000), 0
    workers = [claims_on(batch) for _ in range(8)]

    async def player(claims: Claims) -> None:
        nonlocal met
        while (point := await claims.next()) is not None:
            assert isinstance(point, Point)
            await asyncio.sleep(0)
            if not batch.begin(point):
                met += 1
                await claims.taken(point)
                continue
            claims.played(point, f"e{point.seed}")
            await asyncio.sleep(0.001)

    for number, one in enumerate(workers):
        one._rng.seed(number)
        await one.start()
    await asyncio.gather(*(player(one) for one in workers for _ in range(50)))
    assert len(batch.begun) == batch.many
    assert met < batch.many / 2
    assert batch.looks < batch.many / 10


def test_a_part_that_comes_after_its_run_was_stopped_is_not_begun(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = dask_parts._Run(1)
    run.why = "enough for today"
    monkeypatch.setitem(dask_parts._RUNS, "r", run)
    settings = Settings("b", str(tmp_path / "no log at all.db"))
    assert dask_parts.play_part(settings, [Point("all", 0, 0)], "r") == ([], "enough for today")
    dask_parts.forget("r")
    assert not dask_parts._RUNS
