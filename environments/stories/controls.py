"""Controls: the same story with one thing changed that a mind has to take into account, and its gold worked out anew.

In the true-belief control everybody who missed a change comes back and sees it: whoever still answers with the old
place follows a pattern, not the story. In the transparent control the contents of containers are to be seen: whoever
comes back sees where things are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tertulia.environments.gold import TrustRule
from tertulia.environments.stories.answer import Answering
from tertulia.environments.stories.story import Question, Sentence, Story
from tertulia.environments.world import Claim, Event
from tertulia.storage.seen import SPEECH

DROPPED = "label_dropped"
"""The tag of a question whose label no longer applies: its answer is gold's."""
GLASS = "Everything here in which a thing could lie is of clear glass: whoever comes into a room sees what is in it."
_DENIES = re.compile(r"\b(not|never|unaware|unnoticed|oblivious)\b|n't\b", re.IGNORECASE)

Control = Callable[[Story], list[tuple[Sentence, int]]]
"""The new sentences, each with how many of the old ones are told once it is."""


def true_belief(story: Story) -> list[tuple[Sentence, int]]:
    """After each change, those who had seen how things were and missed it come back for a moment, and all who are there
    see that they see. A sentence without events that denies that one of them noticed is left out."""
    scene, told = _Scene(story), []
    seers: set[str] = set()
    for number, sentence in enumerate(story.sentences, 1):
        changes = [
            (event, claim) for event in sentence.events for claim in event.claims if scene.is_change(event, claim)
        ]
        missing = {name: None for event, claim in changes for name in story.cast if scene.missed(name, event, claim)}
        denied = any(re.search(rf"\b{re.escape(name)}\b", sentence.text) for name in seers)
        if not (denied and not sentence.events and _DENIES.search(sentence.text)):
            told.append((sentence, number))
        scene.take_in(sentence.events)
        if missing:
            back = scene.return_of(tuple(missing), sentence.text, changes)
            told.append((back, number))
            scene.take_in(back.events)
            seers |= missing.keys()
    return told


def transparent(story: Story) -> list[tuple[Sentence, int]]:
    """Whoever comes into a place sees where the things in it are, and all who are there see that it does."""
    scene = _Scene(story)
    told = [(Sentence(GLASS), 0)]
    for number, sentence in enumerate(story.sentences, 1):
        events: list[Event] = []
        for event in sentence.events:
            scene.take_in([event])
            sight = scene.sight(event) if event.kind == "enter" else None
            events += [event] if sight is None else [event, sight]
            scene.take_in([] if sight is None else [sight])
        told.append((replace(sentence, events=tuple(events)), number))
    return told


CONTROLS: Mapping[str, Control] = {"true-belief": true_belief, "transparent": transparent}


def controlled(story: Story, control: str, rule: TrustRule) -> Story:
    """The story under a control of `CONTROLS`. A question whose gold is no longer what it was has gold's answer for a
    label (none where gold is not certain) and the tag `label_dropped`; the others keep their own."""
    told = CONTROLS[control](story)
    changed = replace(story, sentences=tuple(sentence for sentence, _ in told))
    ends = [count for _, count in told]
    questions = tuple(_moved(question, ends) for question in story.questions)
    changed = replace(changed, questions=questions)
    before, after = Answering(story, rule), Answering(changed, rule)
    relabelled = [
        _relabelled(new, before.answer(old), after.answer(new))
        for old, new in zip(story.questions, questions, strict=True)
    ]
    return replace(changed, questions=tuple(relabelled))


def _moved(question: Question, ends: Sequence[int]) -> Question:
    """The question at the same moment of the story: after all that is told within its old sentences."""
    if question.upto is None:
        return question
    return replace(question, upto=sum(end <= question.upto for end in ends))


def _relabelled(question: Question, before: str | None, after: str | None) -> Question:
    if before == after:
        return question
    return replace(question, answer=after or "", tags={**question.tags, DROPPED: True})


@dataclass
class _Scene:
    """How things are and who has seen what, as the story goes on."""

    story: Story
    truth: dict[str, str] = field(default_factory=dict)
    place: dict[str, str | None] = field(default_factory=dict)
    """By variable, the place where it was last seen."""
    saw: dict[tuple[str, str], str] = field(default_factory=dict)
    """By person and variable, the value last seen."""
    gone: set[str] = field(default_factory=set)

    def take_in(self, events: Sequence[Event]) -> None:
        for event in events:
            if event.kind in ("enter", "leave") and event.actor is not None:
                (self.gone.add if event.kind == "leave" else self.gone.discard)(event.actor)
            for claim in event.claims:
                if _shows(event, claim):
                    self.truth[claim.variable] = claim.value
                    self.place[claim.variable] = event.place
                    self.saw |= {(name, claim.variable): claim.value for name in event.content}

    def is_change(self, event: Event, claim: Claim) -> bool:
        return _shows(event, claim) and self.truth.get(claim.variable) not in (None, claim.value)

    def missed(self, name: str, event: Event, claim: Claim) -> bool:
        """Whether somebody who had seen the thing misses this change of it."""
        return name not in event.content and (name, claim.variable) in self.saw

    def return_of(self, names: tuple[str, ...], done: str, changes: Sequence[tuple[Event, Claim]]) -> Sentence:
        """Those who missed what was `done` see it now, with all who were there."""
        event = changes[-1][0]
        there, hidden = list(event.content), event.unnoticed
        away = [name for name in names if name in self.gone]
        many, listed = len(names) > 1, _and(names)
        if away:
            verbs = ("come", "see", "go") if many else ("comes", "sees", "goes")
            text = f"{listed} {verbs[0]} back, {verbs[1]} what has been done, and {verbs[2]} away again: {done}"
        else:
            looks, sees = ("look", "see") if many else ("looks", "sees")
            text = f"{listed} {looks} over and {sees} what has been done: {done}"
        events = []
        for name in away:
            there.append(name)
            events.append(self._event("enter", text, event.place, there, hidden, name))
        there += [name for name in names if name not in there]
        claims = tuple(claim for _, claim in changes)
        events.append(self._event("see", text, event.place, there, hidden, None, claims))
        for name in away:
            events.append(self._event("leave", text, event.place, there, hidden, name))
            there.remove(name)
        return Sentence(text, tuple(events))

    def sight(self, entering: Event) -> Event | None:
        """What is to be seen in the place that somebody enters; None where that is nothing new."""
        here = [name for name, place in self.place.items() if place == entering.place]
        claims = tuple(Claim(variable=name, value=self.truth[name]) for name in here)
        told = {(claim.variable, claim.value) for claim in entering.claims}
        claims = tuple(claim for claim in claims if (claim.variable, claim.value) not in told)
        there = [*entering.content, *((entering.actor,) if entering.actor else ())]
        if not claims:
            return None
        return self._event("see", entering.text, entering.place, there, entering.unnoticed, None, claims)

    def _event(
        self, kind: str, text: str, place: str | None, there: Sequence[str], hidden: tuple[str, ...],
        actor: str | None, claims: tuple[Claim, ...] = (),
    ) -> Event:  # fmt: skip
        """An event before the eyes of those there; those who were hidden before stay unnoticed."""
        content = tuple(name for name in self.story.cast if name in there)
        return Event(
            kind=kind, text=text, actor=actor, place=place, content=content, unnoticed=hidden, claims=claims,
            origin="scripted",
        )  # fmt: skip


def _shows(event: Event, claim: Claim) -> bool:
    """Whether it is to be seen that the claim is so."""
    return event.kind not in SPEECH and claim.holds and claim.believer is None


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
