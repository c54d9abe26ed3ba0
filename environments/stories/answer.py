"""Gold answers the questions of a story; a report counts how often a set's own labels agree, and why they do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import accumulate
from typing import Any, Protocol

from tertulia.environments.gold import Gold, TrustRule
from tertulia.environments.seeing import Happened, happened
from tertulia.environments.stories.story import WORLD, Question, Story, StoryError
from tertulia.storage.nearest import nearest, quoted
from tertulia.storage.seen import SPEECH


class Convention(Protocol):
    """A set's own way of answering, where it is not gold's."""

    def answer(self, story: Story, question: Question) -> str | None: ...


class Answering:
    """One story under one trust rule, worked through once for all its questions."""

    def __init__(self, story: Story, rule: TrustRule) -> None:
        self.story = story
        self.rule = rule
        self.events = events_of(story)
        self.gold = Gold(story.cast, story.variables, rule)
        self.gold.take_in(self.events)
        self._ends = [0, *accumulate(len(sentence.events) for sentence in story.sentences)]

    def end_of(self, question: Question) -> int:
        """How many events there were when the question is asked."""
        return self._ends[-1] if question.upto is None else self._ends[question.upto]

    def along(self, chain: str, variable: str, upto: int | None = None) -> str | None:
        """The only value that is possible along the chain (`world`: the truth) after the first `upto` events; None
        where gold is not certain. Raises `LookupError` for a name or variable that is not there."""
        if chain == WORLD:
            return self.truth(variable, upto)
        certain = self.gold.belief(chain, variable, upto).certain
        return None if certain is None else self.gold.variables[variable].values[certain]

    def truth(self, variable: str, upto: int | None = None) -> str | None:
        """What is so after the first `upto` events: what the last of them that showed it showed, whoever saw it."""
        if variable not in self.gold.variables:
            raise LookupError(f"no variable '{variable}'; {nearest(variable, list(self.gold.variables))}")
        for one in reversed(self.events[:upto]):
            if one.event.kind in SPEECH:
                continue
            for claim in reversed(one.claims):
                if claim.variable == variable and claim.holds and claim.believer is None:
                    return claim.value
        return None

    def answer(self, question: Question) -> str | None:
        """Gold's answer; None where gold is not certain. Raises `LookupError` as `along` does."""
        return self.along(question.chain, question.variable, self.end_of(question))


def events_of(story: Story) -> list[Happened]:
    """All events of a story as the log would have them, each sentence a turn."""
    return [
        one
        for turn, sentence in enumerate(story.sentences)
        for one in happened(story.id, turn, sentence.events, lambda _: "scripted")
    ]


def answer(story: Story, question: Question, rule: TrustRule) -> str | None:
    """Gold's answer to one question; None where gold is not certain. For many questions, one `Answering`."""
    return Answering(story, rule).answer(question)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a label is not gold's answer."""

    category: str
    """The same words for all disagreements of the same kind."""
    because: str = ""
    """What in this story shows it."""
    label_wrong: bool = False
    """Whether the story itself contradicts the label: no reading of it makes the label right."""


Explainer = Callable[[Answering, Question], Reason | None]
"""Why this question's label is not gold's answer, shown from the story; None where it cannot tell."""

UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A question whose label is not what the rules answer."""

    story: str
    where: str
    line: int | None
    kind: str
    question: str
    label: str
    gold: str | None
    category: str
    because: str
    label_error: bool


@dataclass(slots=True)
class Tally:
    """How many were asked, and how many labels agree."""

    items: int = 0
    agree: int = 0

    def add(self, agrees: bool) -> None:
        self.items += 1
        self.agree += agrees

    def data(self) -> dict[str, int]:
        return {"items": self.items, "agree": self.agree}


@dataclass(slots=True)
class Report:
    """How far the labels of a set agree with the rules."""

    total: Tally = field(default_factory=Tally)
    by: dict[str, Tally] = field(default_factory=dict)
    by_tag: dict[str, dict[str, Tally]] = field(default_factory=dict)
    """The same by the values of the tags that were to be counted."""
    disagreements: list[Disagreement] = field(default_factory=list)
    skipped: list[StoryError] = field(default_factory=list)
    departures: Counter[str] = field(default_factory=Counter)
    """With a convention: by category, how often it answers otherwise than gold."""

    @property
    def label_errors(self) -> int:
        """Labels that the story itself contradicts."""
        return sum(one.label_error for one in self.disagreements)

    @property
    def unexplained(self) -> int:
        return sum(one.category == UNEXPLAINED for one in self.disagreements)

    def categories(self) -> dict[str, int]:
        """How many disagreements there are of each category, the most frequent first."""
        return dict(Counter(one.category for one in self.disagreements).most_common())

    def data(self) -> dict[str, Any]:
        """As one JSON object."""
        return {
            "items": self.total.items,
            "agree": self.total.agree,
            "by": {kind: tally.data() for kind, tally in self.by.items()},
            "by_tag": {
                tag: {value: tally.data() for value, tally in found.items()} for tag, found in self.by_tag.items()
            },
            "label_errors": self.label_errors,
            "unexplained": self.unexplained,
            "categories": self.categories(),
            "departures": dict(self.departures.most_common()),
            "skipped": len(self.skipped),
            "disagreements": [
                {name: getattr(one, name) for name in Disagreement.__dataclass_fields__} for one in self.disagreements
            ],
        }


def report(
    stories: Iterable[Story | StoryError],
    rule: TrustRule,
    *,
    explainers: Iterable[Explainer] = (),
    convention: Convention | None = None,
    counted_by: Sequence[str] = (),
    skip_bad: bool = False,
) -> Report:
    """Ask every question of every story. With a `convention`, that answers instead of gold. `counted_by` are tags of
    questions.

    A story that cannot be read, or a question that cannot be asked, raises its `StoryError`; with `skip_bad` it is
    counted instead.
    """
    found, reasons = Report(), tuple(explainers)
    for story in stories:
        if isinstance(story, StoryError):
            _bad(found, story, skip_bad)
            continue
        answering = Answering(story, rule)
        for question in story.questions:
            try:
                gold = answering.answer(question)
                given = convention.answer(story, question) if convention else gold
            except LookupError as error:
                _bad(found, StoryError(story.where, question.line, quoted(question.text), str(error)), skip_bad)
                continue
            agrees = given == question.answer
            found.total.add(agrees)
            found.by.setdefault(question.kind, Tally()).add(agrees)
            for tag in counted_by:
                value = str(question.tags.get(tag, "none")).lower()
                found.by_tag.setdefault(tag, {}).setdefault(value, Tally()).add(agrees)
            if not agrees:
                found.disagreements.append(_disagreement(answering, question, given, reasons))
            if given != gold and given is not None:
                found.departures[_reason(answering, replace(question, answer=given), reasons).category] += 1
    return found


def _bad(found: Report, error: StoryError, skip: bool) -> None:
    if not skip:
        raise error
    found.skipped.append(error)


def _disagreement(
    answering: Answering, question: Question, given: str | None, explainers: tuple[Explainer, ...]
) -> Disagreement:
    reason = _reason(answering, question, explainers)
    story = answering.story
    return Disagreement(
        story.id, story.where, question.line, question.kind, question.text, question.answer, given,
        reason.category, reason.because, reason.label_wrong,
    )  # fmt: skip


def _reason(answering: Answering, question: Question, explainers: tuple[Explainer, ...]) -> Reason:
    """The first that an explainer finds why this answer is not gold's."""
    found = (explain(answering, question) for explain in explainers)
    return next((one for one in found if one is not None), Reason(UNEXPLAINED))
