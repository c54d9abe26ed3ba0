"""Story: one agent lives through a story as one of its characters, or watches it, and is then asked about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from random import Random
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, RootModel

from tertulia.environments.gold import rule_named
from tertulia.environments.stories.answer import Answering
from tertulia.environments.world import (
    Action,
    Event,
    Observation,
    Outcome,
    SeatParams,
    Variable,
    World,
    WorldParams,
)
from tertulia.environments.worlds.story.asking import Answer, answer_event, answers_to, ask_event, questions_of
from tertulia.environments.worlds.story.loading import load
from tertulia.environments.worlds.story.params import StoryParams, StorySeat
from tertulia.environments.worlds.story.telling import turns_of


class StoryState(BaseModel):
    """How far the story is told, and the answers so far; None for a question that was not answered."""

    model_config = ConfigDict(frozen=True)

    story: str = ""
    """A digest of the story: an episode is not gone on with, nor asked about, by a file that has changed."""
    told: int = 0
    answers: tuple[str | None, ...] = ()


class StoryWorld(World[StoryState]):
    """A published story (ToMi, BigToM, Hi-ToM) or one of your own, sentence by sentence; then its questions.

    A turn is a sentence that the seat witnesses; while the story is told, nobody can act. Each question has one turn:
    who says nothing to it has not answered. The reward is the share of questions answered as gold does, over those to
    which gold is certain. There is no chance in it.
    """

    name: ClassVar[str] = "story"
    Params: ClassVar[type[WorldParams]] = StoryParams
    Seat: ClassVar[type[SeatParams]] = StorySeat
    StateType: ClassVar[type[BaseModel]] = StoryState
    seats_allowed: ClassVar[tuple[int, int]] = (1, 1)

    params: StoryParams
    seats: dict[str, StorySeat]

    def __init__(self, params: StoryParams, seats: Mapping[str, StorySeat]) -> None:
        super().__init__(params, seats)
        self.loaded = load(params)
        self.story, self.viewer = self.loaded.story, self.loaded.viewer
        self.seat = self.names[0]
        self.turns = turns_of(self.story, self.viewer, self.seat)
        self.asked = questions_of(self.story, self.viewer, params.gold.rule, self.turns)
        self._answering = Answering(self.story, rule_named(params.gold.rule))
        self._ends = [0]
        for sentence in self.story.sentences:
            self._ends.append(self._ends[-1] + len(sentence.events))
        self._variables = {variable.name: variable for variable in self._now(0)}

    def premise(self) -> str:
        who = (
            f'You are {self.viewer}, a person in a story. What is told of "you" is about you, and you see and hear only'
        )
        who += " what that person does."
        if self.viewer is None:
            who = "You watch a story from outside and take no part in it: you see and hear everything that is told."
        return (
            f"{who} The story is told sentence by sentence; nobody can do anything about it. Then come questions about"
            " it. Each offers its answers; choose one of them. You learn nothing about whether it was right."
        )

    def reset(self, rng: Random) -> tuple[StoryState, list[Event]]:
        told = repr(replace(self.story, where=""))
        state = StoryState(story=sha256(told.encode("utf-8", "surrogatepass")).hexdigest()[:16])
        opening = Event(kind="opening", text="The story begins.", origin="world", content=self.names)
        return state, [opening, *self._next_question(state)]

    def observe(self, state: StoryState, seat: str) -> Observation:
        """Nothing to read. For rules: who one is, what can be so, and whom one believes."""
        values = {variable.name: list(variable.values) for variable in self._variables.values()}
        return Observation(data={"viewer": self.viewer, "values": values, "rule": self.params.gold.rule})

    def legal(self, state: StoryState, seat: str) -> type[RootModel[Any]] | None:
        if state.told < len(self.turns) or len(state.answers) >= len(self.asked):
            return None
        return answers_to(self.asked[len(state.answers)].options)

    def step(self, state: StoryState, acts: Mapping[str, Action], rng: Random) -> tuple[StoryState, list[Event]]:
        for name, given in acts.items():
            self._check(state, name, given)
        if state.told < len(self.turns):
            after = state.model_copy(update={"told": state.told + 1})
            return after, [*self.turns[state.told].events, *self._next_question(after)]
        if len(state.answers) >= len(self.asked):
            return state, []
        number = len(state.answers)
        act = acts.get(self.seat)
        answer = act.answer if isinstance(act, Answer) else None
        after = state.model_copy(update={"answers": (*state.answers, answer)})
        said = [] if answer is None else [
            answer_event(self.asked[number], number, self.seat, answer, self._variables)
        ]  # fmt: skip
        return after, [*said, *self._next_question(after)]

    def _next_question(self, state: StoryState) -> list[Event]:
        number = len(state.answers)
        if state.told < len(self.turns) or number >= len(self.asked):
            return []
        return [ask_event(self.asked[number], number, self.seat)]

    def _check(self, state: StoryState, name: str, act: Action) -> None:
        if name not in self.names:
            raise ValueError(f"nobody here is called {name!r}")
        schema = self.legal(state, name)
        if schema is None:
            raise ValueError("there is nothing to answer now")
        schema.model_validate(act.model_dump())

    def variables(self, state: StoryState) -> list[Variable]:
        return self._now(self.turns[state.told - 1].upto if state.told else 0)

    def _now(self, sentences: int) -> list[Variable]:
        """The story's variables, true as they are after so many sentences; unknown before the story shows them."""
        return [
            Variable(
                name=variable.name, values=variable.values, say=variable.say, static=variable.static,
                truth=self._answering.truth(variable.name, self._ends[sentences]),
            )
            for variable in self.story.variables
        ]  # fmt: skip

    def pending(self, state: StoryState) -> bool:
        return state.told < len(self.turns) or len(state.answers) < len(self.asked)

    def outcome(self, state: StoryState) -> Outcome:
        done = state.told >= len(self.turns) and len(state.answers) >= len(self.asked)
        questions = [self._judged(number, state) for number in range(len(self.asked))]
        counted = [row["agrees"] for row in questions if row["agrees"] is not None]
        by: dict[str, dict[str, int]] = {}
        for row in questions:
            tally = by.setdefault(row["kind"], {"asked": 0, "answered": 0, "certain": 0, "agree": 0})
            tally["asked"] += 1
            tally["answered"] += row["answer"] is not None
            tally["certain"] += row["agrees"] is not None
            tally["agree"] += row["agrees"] is True
        detail = {
            "story": self.story.id,
            "view": self.params.view,
            "as": self.viewer,
            "skin": self.params.skin,
            "skinned": len(self.loaded.skin.words),
            "control": self.params.control,
            "relabelled": self.loaded.relabelled,
            "by_kind": by,
            "questions": questions,
        }
        reward = sum(counted) / len(counted) if counted else None
        return Outcome(done=done, reason="answered" if done else "", reward=reward, detail=detail)

    def _judged(self, number: int, state: StoryState) -> dict[str, Any]:
        """One question's answer beside gold and beside the set's own label. `agrees` is with gold, None where gold is
        not certain; `watched` is gold for one who watches everything."""
        asked = self.asked[number]
        answer = state.answers[number] if number < len(state.answers) else None
        return {
            "kind": asked.question.kind,
            "question": asked.question.text,
            "chain": asked.chain,
            "answer": answer,
            "gold": asked.gold,
            "watched": asked.watched,
            "label": asked.question.answer,
            "agrees": None if asked.gold is None else answer == asked.gold,
            "agrees_with_label": answer == asked.question.answer,
        }
