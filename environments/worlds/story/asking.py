"""What is asked at the end of a story, which answers may be given, and what gold says to each question."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pydantic import RootModel, create_model

from tertulia.environments.gold import rule_named
from tertulia.environments.stories.answer import Answering
from tertulia.environments.stories.story import WORLD, Question, Story
from tertulia.environments.world import Action, Claim, Event, Variable, WorldError, one_of
from tertulia.environments.worlds.story.telling import Told
from tertulia.environments.worlds.story.you import as_you
from tertulia.storage.once import once_in_use

BELIEVER_CHARACTERS = 40
"""A claim names whose belief it is about in at most so many characters."""


class Answer(Action):
    """Answer the question that was asked last, with one of its options."""

    kind: Literal["answer"] = "answer"
    answer: str


@dataclass(frozen=True, slots=True)
class Asked:
    """One question as it is put to the seat: from where it looks, with its options and what gold says."""

    question: Question
    text: str
    chain: str
    """Along which gold answers: the question's own for one who watches; from the viewer's own mind in the first
    person; `world` for the truth."""
    options: tuple[str, ...]
    gold: str | None
    """None where gold is not certain, or none of the options."""
    watched: str | None
    """Gold for one who watches everything: in the first person it may differ."""
    claim_about: tuple[str | None] | None
    """Whose belief an answer asserts (None: how things are), or None where it asserts nothing about now."""
    remembered: int | None
    """Where it asks about an earlier moment: how many of the events the seat witnessed count."""

    def claims(self, answer: str, variables: dict[str, Variable]) -> tuple[Claim, ...]:
        """What an answer asserts; nothing where it is about the past, or no value of its variable."""
        variable = variables.get(self.question.variable)
        if self.claim_about is None or variable is None or answer not in variable.values:
            return ()
        return (Claim(variable=variable.name, value=answer, believer=self.claim_about[0]),)


def questions_of(story: Story, viewer: str | None, rule: str, turns: tuple[Told, ...]) -> tuple[Asked, ...]:
    """All questions in their order. Raises `WorldError` for one that is about nobody in the story."""
    answering = Answering(story, rule_named(rule))
    try:
        return tuple(_asked(question, story, viewer, answering, turns) for question in story.questions)
    except LookupError as error:
        raise WorldError("item", f"{story.id}: {error.args[0]}") from None


def _asked(
    question: Question, story: Story, viewer: str | None, answering: Answering, turns: tuple[Told, ...]
) -> Asked:
    options = options_of(question, story)
    chain = from_where(question.chain, viewer)
    gold = answering.along(chain, question.variable, answering.end_of(question))
    text = question.text if viewer is None else as_you(question.text, viewer)
    past = question.upto is not None and question.upto < len(story.sentences)
    return Asked(
        question=question,
        text=f"{text} One of: {'; '.join(options)}.",
        chain=chain,
        options=options,
        gold=gold if gold in options else None,
        watched=answering.answer(question),
        claim_about=None if past else _about(chain, viewer),
        remembered=_witnessed(question.upto or 0, story, viewer) if past else None,
    )


def from_where(chain: str, viewer: str | None) -> str:
    """The chain of a question as the viewer has it: what Ella makes of where Avery looks is `Ella>Avery`."""
    if viewer is None:
        return chain
    names = [] if chain == WORLD else chain.split(">")
    return ">".join(names if names[:1] == [viewer] else [viewer, *names])


def _about(chain: str, viewer: str | None) -> tuple[str | None] | None:
    """Whose belief an answer asserts: the chain without the one who answers."""
    names = [] if chain == WORLD else chain.split(">")
    believer = ">".join(names if viewer is None else names[1:]) or None
    return (believer,) if believer is None or len(believer) <= BELIEVER_CHARACTERS else None


def options_of(question: Question, story: Story) -> tuple[str, ...]:
    """The set's choices; else every value that the story speaks of. Sorted: some sets list the right one first."""
    if question.choices:
        return tuple(sorted(set(question.choices)))
    named = {claim.value for one in story.sentences for event in one.events for claim in event.claims
             if claim.variable == question.variable}  # fmt: skip
    if len(named) < 2:
        named = {
            value for variable in story.variables if variable.name == question.variable for value in variable.values
        }
    return tuple(sorted(named))


def _witnessed(upto: int, story: Story, viewer: str | None) -> int:
    """How many of the events in the first sentences the viewer got the content of."""
    events = [event for sentence in story.sentences[:upto] for event in sentence.events]
    return sum(viewer is None or viewer in event.content for event in events)


@once_in_use
def answers_to(options: tuple[str, ...]) -> type[RootModel[Any]]:
    """The only legal act: one of the options. The same options give the same class."""
    given: Any = Literal[options]
    return one_of(create_model("Answer", __base__=Answer, __doc__=Answer.__doc__, answer=(given, ...)))


def ask_event(asked: Asked, number: int, seat: str) -> Event:
    """The question as the seat hears it; for rules, what they need to answer it, and never the answer."""
    data = {
        "question": number,
        "chain": asked.chain,
        "variable": asked.question.variable,
        "options": list(asked.options),
        "remembered": asked.remembered,
    }
    return Event(kind="ask", text=asked.text, origin="world", content=(seat,), data=data)


def answer_event(asked: Asked, number: int, seat: str, answer: str, variables: dict[str, Variable]) -> Event:
    """The answer as the seat's own word: it moves nobody's gold, and what it asserts stands in the log as its claim."""
    return Event(
        kind="say", text=answer, actor=seat, content=(seat,), data={"question": number, "answer": answer},
        claims=asked.claims(answer, variables),
    )  # fmt: skip
