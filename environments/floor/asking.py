"""Whoever answers what the floor asks: the model of the seat that moderates, or a model of the floor's own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from tertulia.environments.floor.questions import FloorQuestion, Prediction
from tertulia.environments.seeing import acted
from tertulia.environments.stage import Seat, Stage
from tertulia.mind.bounds import bound_tokens
from tertulia.mind.model import LanguageModel, Message, Reply, Request, Sampling
from tertulia.mind.prompt import messages
from tertulia.mind.spec import MindSpec
from tertulia.storage.rows import WORLD
from tertulia.storage.seen import Seen

if TYPE_CHECKING:
    from tertulia.mind.deliberate import Deliberation


def seen_by_moderator(stage: Stage, turn: int) -> dict[str, Any]:
    """What a `FloorView` has of one who moderates: whom it can see now, how often it witnessed each speak or act, and
    whether somebody did in the turn before. Nothing, where nobody moderates."""
    moderator = stage.scenario.turns.moderator
    if moderator is None:
        return {}
    acts = [event for event in stage.eyes.seen.get(moderator, ()) if event.actor is not None and acted(event)]
    return {
        "moderator": moderator,
        "in_sight": stage.world.present(stage.state, moderator),
        "spoke": Counter(event.actor for event in acts),
        "cut_in": any(event.turn == turn - 1 and event.actor not in stage.interrupted for event in acts),
    }


@dataclass(slots=True)
class FloorModel:
    """Asks on behalf of the floor in one take of one turn. Raises what the model raises.

    Its own calls stand in the ledger under `world`, those put to a moderator under its name.
    """

    stage: Stage
    turn: int
    take: int
    model_for: Callable[[Seat, int, int], LanguageModel]
    deliberations: Mapping[str, Deliberation] = field(default_factory=dict)
    model: LanguageModel | None = None
    """The floor's own, once it was asked."""

    async def __call__(self, question: FloorQuestion) -> Reply[Any]:
        schema = question.schema_of_reply()
        model, seen, prompt = self._of_seat(question) if question.asked is not None else self._own(question)
        rng = self.stage.draw(self.turn, self.take, question.asked or WORLD, question.purpose)
        seed = rng.getrandbits(31)
        sampling = Sampling(question.sampling.temperature, 1.0, bound_tokens(schema), seed)
        return await model.ask(
            Request(
                purpose=question.purpose,
                schema=schema,
                seen=seen,
                inputs={question.purpose: question},
                messages=prompt,
                sampling=lambda: sampling,
            )
        )

    def _of_seat(self, question: FloorQuestion) -> tuple[LanguageModel, Seen, Callable[[], list[Message]]]:
        """Who moderates is asked as its mind is: the same prefix and transcript, and the question in the tail."""
        deliberation = self.deliberations[question.asked or ""]
        moment = deliberation.moment
        return deliberation.model, moment.seen, partial(messages, moment, deliberation.instructed, [question.words()])

    def _own(self, question: FloorQuestion) -> tuple[LanguageModel, Seen, Callable[[], list[Message]]]:
        assert isinstance(question, Prediction)
        turns, cast = self.stage.scenario.turns, tuple(self.stage.seats)
        seat = Seat(WORLD, "", "", turns.model or self.stage.scenario.model, MindSpec(), ())
        self.model = self.model_for(seat, self.turn, self.take)
        seen = Seen(participant=WORLD, turn=self.turn, cast=cast, present=cast, premise=self.stage.premise)
        return self.model, seen, question.messages
