"""A copied mind under question, out of band: what it would answer now, and nothing of it kept.

The copy takes in what it has seen as it would before a turn, then one question stands in the tail of its prompt.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, create_model

from tertulia.mind.bounds import bound_tokens
from tertulia.mind.deliberate import Deliberation
from tertulia.mind.faculties.appraise import label_open
from tertulia.mind.faculties.believe import Believe
from tertulia.mind.faculty import Faculty, text
from tertulia.mind.model import ModelTrouble, Reply, Request, Sampling
from tertulia.mind.spec import PHASES
from tertulia.mind.state import BeliefChange
from tertulia.storage.once import once_in_use
from tertulia.storage.rows import Estimator, Variable
from tertulia.storage.seen import Length, Seen

PROBE = "probe"
"""The purpose of all calls that probes make."""
ASK = "ask"
"""Under which name a question in words stands among the inputs of a request."""
NARROWER = 100_000
"""A probe too long for its model is asked again with less of the past, as a call with an ordinal so much higher."""
LONGEST_ANSWER = 400
_SAMPLING = Sampling(temperature=0.3)
_QUIET = PHASES[: PHASES.index("think")]
"""The phases in which a copied mind takes in what it has seen, before it is asked."""


class Question(BaseModel):
    """A question in words, for rules: they answer from their beliefs on the variables it names, or not at all."""

    holder: str
    others: tuple[str, ...]
    text: str
    about: str | None = None
    choices: tuple[str, ...] = ()
    variables: list[Variable] = Field(default_factory=list)


class Answer(BaseModel):
    """An answer in words."""

    model_config = ConfigDict(extra="forbid")

    answer: Annotated[str, Length(LONGEST_ANSWER, 1)]


@once_in_use
def answer_type(choices: tuple[str, ...]) -> type[BaseModel]:
    """The schema of an answer: words, or exactly one of the choices."""
    if not choices:
        return Answer
    one: Any = Literal[choices]
    return create_model("Choice", __config__=ConfigDict(extra="forbid"), answer=(one, ...))


@dataclass(frozen=True, slots=True)
class Distribution:
    """What a copied mind stated along one chain."""

    chain: str
    variable: str
    probabilities: dict[str, float]
    declared: bool


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a probe. Without a valid reply, `reason` says why, and nothing else is there."""

    call: str | None
    estimator: Estimator
    reason: str = ""
    answer: str | None = None
    beliefs: tuple[Distribution, ...] = ()


def with_believe(faculties: Sequence[Faculty]) -> tuple[Faculty, ...]:
    """The same faculties, with the one that believes in its place where a mind has none."""
    if any(faculty.name == Believe.name for faculty in faculties):
        return tuple(faculties)
    return tuple(sorted((*faculties, Believe()), key=lambda faculty: PHASES.index(faculty.phase)))


@dataclass(slots=True)
class CopiedMind(Deliberation):
    """One probe of one copied mind. `ordinal` is that of the probe: no call of another probe of the turn shares it."""

    ordinal: int = 0

    async def beliefs(self) -> Told:
        """Everything it believes, by the believe faculty's own inputs, schema and update. Raises `ModelTrouble`."""
        await self._take_in()
        believe = next(faculty for faculty in self.instructed if faculty.name == Believe.name)
        inputs, schema = believe.inputs(self.mind.state, self.moment), believe.reply_type(self.moment)
        assert inputs is not None
        assert schema is not None
        seen = self.moment.seen
        reply = await self._put(believe.name, inputs, schema, text("probe.md"), believe.sampling, seen)
        if reply.value is None:
            return Told(reply.call, reply.estimator, reply.reason)
        update = believe.update(self.mind.state, self.moment, inputs, reply.value)
        return Told(reply.call, reply.estimator, beliefs=tuple(map(_distribution, update.beliefs)))

    async def answer(self, question: Question, rules_see: Seen) -> Told:
        """An answer in words, or one of the choices. Rules read `rules_see`, where the variables stand also if minds
        are not told of them. Raises `ModelTrouble`."""
        await self._take_in()
        asked = f"A question to you alone; nobody hears it, and nothing comes of it: {question.text}"
        asked += (
            f"\nAnswer with one of: {', '.join(question.choices)}."
            if question.choices
            else "\nAnswer in a sentence or two, from what you know and believe."
        )
        reply = await self._put(ASK, question, answer_type(question.choices), asked, _SAMPLING, rules_see)
        return Told(reply.call, reply.estimator, reply.reason, answer=getattr(reply.value, "answer", None))

    async def _take_in(self) -> None:
        """All that this mind does before it asks anything: perceive, recall, choose what stands before it."""
        self._begin_transcript()
        for faculty in self.faculties:
            if faculty.phase in _QUIET and faculty.reply_type(self.moment) is None:
                self.moment.labels = label_open(self.mind.state)
                inputs = faculty.inputs(self.mind.state, self.moment)
                if inputs is not None:
                    await self._update(faculty, inputs, None)
        self.moment.labels = label_open(self.mind.state)

    async def _put(
        self, name: str, inputs: BaseModel, schema: type[BaseModel], question: str, sampling: Sampling, seen: Seen
    ) -> Reply[Any]:
        self.types.hold(schema)
        for narrower in count():
            request = Request(
                purpose=PROBE, schema=schema, seen=seen, inputs={name: inputs},
                messages=partial(self._messages, [question]), sampling=partial(self._drawn, sampling, schema),
                ordinal=self.ordinal + narrower * NARROWER,
            )  # fmt: skip
            try:
                return await self.model.ask(request)
            except ModelTrouble as trouble:
                if trouble.kind != "too_long" or not self._forget_block():
                    raise
        raise AssertionError("unreachable")

    def _drawn(self, sampling: Sampling, schema: type[BaseModel]) -> Sampling:
        """A seed of the probe's own, so that nothing else of the turn is drawn otherwise because of it."""
        seed = self.moment.draw(PROBE, self.ordinal).getrandbits(31)
        return replace(sampling, max_tokens=bound_tokens(schema), seed=seed)


def _distribution(change: BeliefChange) -> Distribution:
    total = math.fsum(change.weights.values())
    probabilities = {value: weight / total for value, weight in change.weights.items()}
    return Distribution(change.chain, change.variable, probabilities, change.declared)
