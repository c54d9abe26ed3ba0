"""What Hi-ToM's labels take for granted beyond our semantics, as a rule set of its own (`--rules hi-tom`).

Fitted on the items with even sample ids (all items of a story are on the same side), reported on those with odd ones;
`docs/hi-tom.md` has the figures. Two of the five conventions are not about minds: they tell the nested labels of the
set's vanilla prompts ("VP") from those of its chain-of-thought prompts ("CoTP"), which another state of its published
generator made. 30 questions that the file asks with both prompts have two different labels, so that no rules that look
at the story alone can agree with more than 94.6 % of the labels without deception, or 95.6 % with.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tertulia.environments.stories.answer import Reason
from tertulia.environments.stories.story import WORLD, Question, Story
from tertulia.storage.nearest import nearest
from tertulia.storage.seen import SPEECH

if TYPE_CHECKING:
    from tertulia.environments.stories.answer import Answering
    from tertulia.environments.world import Event

ENTERING, TRUST, BETWEEN, TOGETHER, ORDERLY = "entering", "trust", "between", "together", "orderly"
ALL = (ENTERING, TRUST, BETWEEN, TOGETHER, ORDERLY)

_TAKES = {
    ENTERING: "takes coming into a room to show where the thing is",
    TRUST: "believes a claim of one who left the thing's room later, and no other",
    BETWEEN: "lets a claim move what speaker and hearer think of each other",
    TOGETHER: "takes coming into a room together to be seeing the thing together",
    ORDERLY: "leaves out a move that all of the chain saw",
}
"""What one does who follows a convention: with `label` before it, a category of disagreements."""


@dataclass(frozen=True, slots=True)
class HiToM:
    """The conventions, one sentence each:

    - `entering`: who comes into the room of a thing sees where it is; what others think of its belief stays as it was.
    - `trust`: a claim, public or private, moves the first-order belief of a hearer who left the thing's room earlier
      than the speaker (or never was in it), and of nobody else.
    - `between`: nested beliefs are moved by claims only at second order, and only between speaker and hearer: speakers
      think that whoever hears them believes them, and hearers who believe a speaker think that it believes itself.
    - `together` (labels of vanilla prompts): once the last of a chain has come into the room of a thing, all of them
      see it together.
    - `orderly` (labels of vanilla prompts): a move counts for a nested belief only where the chain names its people in
      the order in which they came into the room, with the mover last.

    Otherwise a belief is where the last event that all of the chain saw together put the thing.
    """

    without: Collection[str] = ()
    """Conventions that are left out: an `entering`, `together` or `between` left out moves nothing, a `trust` left out
    moves nobody, an `orderly` left out counts every move."""

    def answer(self, story: Story, question: Question) -> str | None:
        """Raises `LookupError` for a name or a thing that is not in the story."""
        if question.variable not in (names := [variable.name for variable in story.variables]):
            raise LookupError(f"no variable '{question.variable}'; {nearest(question.variable, names)}")
        chain = () if question.chain == WORLD else tuple(question.chain.split(">"))
        for name in chain:
            if name not in story.cast:
                raise LookupError(f"nobody here is called '{name}'; {nearest(name, story.cast)}")
        seen = _Seen(chain, question.variable, self._held(question))
        answer = None
        for event in _events(story):
            moved = seen.after(event)
            answer = answer if moved is None else moved
        return answer

    def _held(self, question: Question) -> frozenset[str]:
        """The conventions that hold for a question."""
        vanilla = question.tags.get("prompting_type") == "VP"
        held = ALL if vanilla else (ENTERING, TRUST, BETWEEN)
        return frozenset(name for name in held if name not in self.without)


CONVENTIONS = {"hi-tom": HiToM()}


class _Seen:
    """What is believed along one chain about one thing, while the events go by."""

    def __init__(self, chain: tuple[str, ...], thing: str, held: frozenset[str]) -> None:
        self.chain, self.thing, self._held = chain, thing, held
        self._truth: str | None = None
        self._room: str | None = None
        """The thing's."""
        self._inside: list[str] = []
        """Those who are in the room of the thing, as they came in."""
        self._places: dict[str, list[str]] = {}
        self._left: dict[str, int] = {}
        """By name, the number of the event with which they last left the thing's room."""
        self._number = 0

    def after(self, event: Event) -> str | None:
        """Where the event moves the belief, if it does."""
        self._number += 1
        if event.kind == "enter":
            return self._enter(event)
        if event.kind == "leave":
            self._leave(event)
            return None
        claim = next((claim for claim in event.claims if claim.variable == self.thing), None)
        if claim is None:
            return None
        if event.kind in SPEECH:
            return claim.value if self._moved_by_word(event) else None
        self._truth, self._room = claim.value, event.place
        return claim.value if self._moved_by_sight(event) else None

    def _enter(self, event: Event) -> str | None:
        inside = self._places.setdefault(str(event.place), [])
        inside.append(str(event.actor))
        if event.place != self._room or event.actor not in self.chain or not set(self.chain) <= set(inside):
            return None
        shows = ENTERING if len(self.chain) == 1 else TOGETHER
        return self._truth if shows in self._held else None

    def _leave(self, event: Event) -> None:
        if event.actor in (inside := self._places.get(str(event.place), [])):
            inside.remove(str(event.actor))
        if event.place == self._room:
            self._left[str(event.actor)] = self._number

    def _moved_by_sight(self, event: Event) -> bool:
        if not set(event.content) >= set(self.chain):
            return False
        if len(self.chain) < 2 or event.actor is None or ORDERLY not in self._held:
            return True
        inside = [name for name in self._places.get(str(event.place), []) if name != event.actor]
        return tuple(name for name in (*inside, event.actor) if name in self.chain) == self.chain

    def _moved_by_word(self, event: Event) -> bool:
        speaker, heard = str(event.actor), set(event.content) - {event.actor}
        if len(self.chain) == 1:
            return TRUST in self._held and self.chain[0] in heard and self._trusts(self.chain[0], speaker)
        if len(self.chain) != 2 or BETWEEN not in self._held:
            return False
        one, other = self.chain
        return (one == speaker and other in heard) or (other == speaker and one in heard and self._trusts(one, speaker))

    def _trusts(self, hearer: str, speaker: str) -> bool:
        return self._left.get(speaker, 0) > self._left.get(hearer, 0)


def _events(story: Story) -> Iterator[Event]:
    for sentence in story.sentences:
        yield from sentence.events


def explain(answering: Answering, question: Question) -> Reason | None:
    """Why a label is not gold's answer: which of the set's conventions it needs, or what the story says against it.

    Asked about the conventions' own answer in the label's place, it says why they are not gold.
    """
    story, label = answering.story, question.answer
    named = _named(story, question.variable)
    if label not in named:
        return Reason("label names a place where the object never was", f"it was in {', '.join(named)}", True)
    twin = _twin(story, question)
    name = decisive(story, question)
    if HiToM().answer(story, question) == label and name is not None:
        without = HiToM(without=(name,)).answer(story, question)
        wrong = name == ORDERLY and label not in _named(story, question.variable, told=True)
        return Reason(f"label {_TAKES[name]}", f"without that it would be {without}{twin}", wrong)
    if HiToM(without=ALL).answer(story, question) == label:
        return Reason(f"label {_unmoved(question)}", f"all of the chain saw it in the {label} last{twin}")
    if _place_at_last_exit(story, question) == label:
        because = f"it was there when the first of them left for good, but they did not see it together{twin}"
        return Reason("label follows the one of the chain who was the first to leave for good", because)
    return None


def decisive(story: Story, question: Question) -> str | None:
    """The convention that makes the answer of the rule set: the first without which it is another, else the first that
    alone is enough; None where the answer is what all of the chain saw last."""
    answer = HiToM().answer(story, question)
    for name in ALL:
        if HiToM(without=(name,)).answer(story, question) != answer:
            return name
    if HiToM(without=ALL).answer(story, question) == answer:
        return None
    return next((one for one in ALL if HiToM(without=set(ALL) - {one}).answer(story, question) == answer), None)


def _unmoved(question: Question) -> str:
    order = question.chain.count(">") + 1
    return "does not believe a claim" if order == 1 else "leaves nested beliefs as they were before a claim"


def _named(story: Story, thing: str, told: bool = False) -> list[str]:
    """The places where the story or somebody in it puts a thing; `told`: where somebody's word puts it."""
    events = (event for event in _events(story) if event.kind in SPEECH or not told)
    claims = (claim for event in events for claim in event.claims if claim.variable == thing)
    return list(dict.fromkeys(claim.value for claim in claims))


def _twin(story: Story, question: Question) -> str:
    """The item that asks the same of the same story, where its label is another."""
    for other in story.questions:
        if other.text == question.text and other.answer != question.answer:
            return f"; item {other.line} asks the same and is labelled {other.answer}"
    return ""


def _place_at_last_exit(story: Story, question: Question) -> str | None:
    """Where the thing was when the first of the chain left its room for the last time, having seen it that time."""
    truth: str | None = None
    saw: set[str] = set()
    last: dict[str, tuple[int, str | None]] = {}
    for number, event in enumerate(_events(story)):
        claim = next((claim for claim in event.claims if claim.variable == question.variable), None)
        if claim is not None and event.kind not in SPEECH:
            truth = claim.value
            saw.update(event.content)
        elif event.kind == "leave" and event.actor is not None and event.actor in saw:
            saw.discard(event.actor)
            last[event.actor] = (number, truth)
    left = [last[name] for name in question.chain.split(">") if name in last]
    return min(left, key=lambda exit: exit[0])[1] if left else None
