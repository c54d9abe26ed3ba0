"""What a batch would take: some of its episodes are played by rules, beside which the prompts that a model would read
are rendered and measured. Nothing is asked, nothing is written."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from math import gcd
from typing import Any

from tertulia.agents.backends.rules import URI as RULES
from tertulia.agents.backends.rules import RulesModel
from tertulia.agents.registry import price_of
from tertulia.environments.batch.plan import Plan, Point
from tertulia.environments.stage import Seat, Stage
from tertulia.environments.take import TurnWork
from tertulia.environments.turn import play_turn
from tertulia.mind.embedding import encode
from tertulia.mind.model import LanguageModel, Reply, Request, T

_SAMPLE = 24
"""So many episodes are played at most, spread evenly over the batch."""
_CHARACTERS_PER_TOKEN = (4.5, 3.0)
"""English prose to JSON and names: fewer tokens, more tokens."""
_LONGER = 4.0
"""Models may use up to so many times the words that rules do."""
_LEAST_LONG = 300
"""Tokens that a reply may take at least, in the upper estimate, where its bound allows it: some models think first."""
_REASKED = 1.1
"""In the upper estimate, a tenth more for replies that are asked for again."""


_ANY_VECTOR = encode([1.0])


@dataclass(frozen=True, slots=True)
class Range:
    """From what is likely the least to what is likely the most."""

    low: float
    high: float


@dataclass(slots=True)
class OfModel:
    """What one model would be asked, in the whole batch. Dollars are None where its price is unknown."""

    calls: Range
    input_tokens: Range
    output_tokens: Range
    cost_usd: Range | None


@dataclass(slots=True)
class Estimate:
    """Ranges by model URI. `played` episodes were tried out of `episodes`."""

    cells: int
    episodes: int
    played: int
    models: dict[str, OfModel] = field(default_factory=dict)

    @property
    def cost_usd(self) -> Range | None:
        """For all models together; None where any price is unknown."""
        known = [one.cost_usd for one in self.models.values() if one.cost_usd is not None]
        if len(known) < len(self.models):
            return None
        return Range(sum(one.low for one in known), sum(one.high for one in known))

    def report(self) -> dict[str, Any]:
        """Everything as plain data."""
        return asdict(self) | {"cost_usd": None if self.cost_usd is None else asdict(self.cost_usd)}


@dataclass(slots=True)
class _Meter:
    """What one model was asked in one episode, in characters; `longest` is what its replies may come to in tokens."""

    calls: int = 0
    read: int = 0
    written: int = 0
    longest: float = 0.0


class _Metered:
    """Rules that answer in a model's place, while the prompts that it would have read are measured."""

    def __init__(self, rules: RulesModel, meter: _Meter) -> None:
        self._rules, self._meter = rules, meter

    async def ask(self, request: Request[T]) -> Reply[T]:
        reply = await self._rules.ask(request)
        said = len(reply.value.model_dump_json(by_alias=True)) if reply.value is not None else 0
        self._meter.calls += 1
        self._meter.read += sum(len(message.content) for message in request.messages())
        self._meter.written += said
        likely = max(_LEAST_LONG, _LONGER * said / _CHARACTERS_PER_TOKEN[1])
        self._meter.longest += min(request.sampling().max_tokens, likely)
        return reply


class _Embedded:
    """An embedding model's place: every text has the same vector, and what it would have read is measured."""

    def __init__(self, meter: _Meter) -> None:
        self._meter = meter

    async def ask(self, request: Request[T]) -> Reply[T]:
        texts = [message.content for message in request.messages()]
        self._meter.calls += 1
        self._meter.read += sum(map(len, texts))
        return Reply(request.schema.model_validate({"vectors": [_ANY_VECTOR] * len(texts)}), None, "rules")


async def estimate(plan: Plan) -> Estimate:
    """Play a sample of a plan by rules and reckon up to all of it."""
    points = list(plan.points())
    sample = _sample(plan, points)
    tried: list[tuple[dict[str, _Meter], float]] = []
    for point in sample:
        tried.append(await _try(plan, point))
        await asyncio.sleep(0)
    found = Estimate(len(plan.cells), len(points), len(sample))
    for uri in sorted({uri for meters, _ in tried for uri in meters}):
        found.models[uri] = _of_model(uri, tried, len(points) / len(sample))
    return found


def _sample(plan: Plan, points: Sequence[Point]) -> list[Point]:
    """Some of all, evenly, in which every model has a seat. Cells alternate: a step that shares a divisor with their
    number would pass over some of them."""
    step = max(1, -(-len(points) // _SAMPLE))
    while gcd(step, len(plan.cells)) > 1:
        step += 1
    sample = list(points[::step])
    missing = set(plan.models()) - {uri for point in sample for uri in plan.models_of(point.cell)}
    for point in points:
        if not missing.isdisjoint(plan.models_of(point.cell)):
            sample.append(point)
            missing.difference_update(plan.models_of(point.cell))
    return sample


def _of_model(uri: str, tried: Sequence[tuple[dict[str, _Meter], float]], scale: float) -> OfModel:
    """Up from the sample to the batch. `stretch` is how much longer an episode may last than it did by rules."""
    total: dict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
    for meters, stretch in tried:
        meter = meters.get(uri, _Meter())
        longer = stretch * _REASKED
        few, many = _CHARACTERS_PER_TOKEN
        for name, low, high in (
            ("calls", meter.calls, meter.calls * longer),
            ("read", meter.read / few, meter.read / many * longer * stretch),  # later prompts are longer ones
            ("written", meter.written / few, meter.longest * longer),
        ):
            total[name][0] += scale * low
            total[name][1] += scale * high
    calls, read, written = (Range(*map(round, total[name])) for name in ("calls", "read", "written"))
    least, most = price_of(uri, read.low, written.low), price_of(uri, read.high, written.high)
    return OfModel(calls, read, written, None if least is None or most is None else Range(least, most))


async def _try(plan: Plan, point: Point) -> tuple[dict[str, _Meter], float]:
    """One episode by rules: what each model would have read and written; by how much longer it may last."""
    scenario = plan.scenario(point)
    stage = Stage.of(scenario, point.seed, "estimate")
    meters: dict[str, _Meter] = {}

    def model_for(seat: Seat, turn: int, take: int) -> LanguageModel:
        rng = stage.draw(turn, take, seat.name, RULES)
        rules = RulesModel(stage.policy, stage.episode, turn, take, seat.name, rng)
        return rules if seat.model == RULES else _Metered(rules, meters.setdefault(seat.model, _Meter()))

    def embedder_for(seat: Seat, turn: int, take: int) -> LanguageModel:
        return _Embedded(meters.setdefault(seat.spec.embeddings or "", _Meter()))

    stage.open()
    while stage.ending(stage.head) is None:
        work = TurnWork(stage, stage.head + 1, 0, model_for, embedder_for=embedder_for)
        await play_turn(work)
        if work.failures:
            raise work.failures[0]
    closing = TurnWork(stage, stage.head + 1, 0, model_for, closing=True, embedder_for=embedder_for)
    played = max(1, stage.head)
    await play_turn(closing)
    return meters, scenario.turns.limit / played
