"""Why a label is not gold's answer: what the story itself shows about it, computed from who witnessed what.

Nothing here looks at the set it comes from. That a label is wrong is said only where nobody in the story has spoken of
the variable, and where it does not rest on how gold reads nested beliefs: the thing was never so; the person did not
witness it, or witnessed something else since; the thinker has never come to know of it; the thinker, coming to know it,
saw that the other was not there; or the other came to know it later, by what the thinker had no sign of.
"""

from __future__ import annotations

from tertulia.environments.gold import Evidence, evidence_of
from tertulia.environments.stories.answer import Answering, Reason
from tertulia.environments.stories.story import WORLD, Question
from tertulia.storage.rows import ClaimRow


def explain(answering: Answering, question: Question) -> Reason | None:
    """The reason, by the first of these that holds; None where none does."""
    look = _Look(answering, question)
    if question.answer not in look.ever_shown():
        because = f"nothing in the story puts the {question.variable} there"
        return Reason("label names an impossible place", because, label_wrong=True)
    if question.chain == WORLD:
        because = f"the story says '{look.gold}'"
        return Reason("label contradicts what the story says is so", because, label_wrong=True)
    if not look.shows_label():
        return Reason("label follows what happens only later", label_wrong=True)
    if look.gold is None:
        return Reason("gold is not certain", f"{look.who} witnessed nothing that settles it")
    if look.told:
        return _of_words(look)
    return _first_order(look) if len(look.names) == 1 else _nested(look)


class _Look:
    """A question with what has happened when it is asked."""

    def __init__(self, answering: Answering, question: Question) -> None:
        self.answering, self.question = answering, question
        self.variable, self.label = question.variable, question.answer
        self.names = tuple(question.chain.split(">"))
        self.who = self.names[0]
        self.end = answering.end_of(question)
        self.gold = answering.answer(question)
        self.truth = answering.truth(self.variable, self.end)
        self.events = [evidence_of(one) for one in answering.events[: self.end]]
        self.about = [one for one in self.events if any(claim.variable == self.variable for claim in one.claims)]
        self.told = any(one.told for one in self.about)

    def ever_shown(self) -> list[str]:
        """Every value that is so or is said to be so anywhere in the story, in order."""
        claims = (claim for one in self.answering.events for claim in one.claims)
        return list(dict.fromkeys(c.value for c in claims if c.variable == self.variable and c.holds))

    def shows_label(self) -> list[Evidence]:
        """The events so far that show what the label says."""
        return [one for one in self.about if any(self._says_label(claim) for claim in one.claims)]

    def _says_label(self, claim: ClaimRow) -> bool:
        return claim.variable == self.variable and claim.value == self.label and claim.holds

    def came_to_know(self, name: str) -> Evidence | None:
        """The first event that showed `name` what the label says; None where none did."""
        return next((one for one in self.shows_label() if name in one.content), None)

    def had_left(self, name: str, before: Evidence) -> bool:
        """Whether the last that is told of where `name` went, before that event, is that it left."""
        went = [one.kind for one in self.events[: self.events.index(before)] if one.actor == name]
        return next((kind == "leave" for kind in reversed(went) if kind in ("leave", "enter")), False)

    def sentence(self, one: Evidence) -> str:
        """The words of the sentence in which an event happened."""
        return self.answering.story.sentences[one.turn].text

    def own(self, name: str) -> str | None:
        """What `name` itself believes."""
        return self.answering.along(name, self.variable, self.end)


def _first_order(look: _Look) -> Reason | None:
    if look.came_to_know(look.who) is None:
        missed = look.shows_label()[-1]
        category = "label follows the world although the person did not witness it"
        if look.had_left(look.who, missed):
            category = "label follows the world although the person had left"
        return Reason(category, f"{look.who} did not witness '{look.sentence(missed)}'", label_wrong=True)
    last = next(one for one in reversed(look.about) if look.who in one.content)
    because = f"{look.who} witnessed '{look.sentence(last)}'"
    return Reason("label is older than what the person witnessed", because, label_wrong=True)


def _nested(look: _Look) -> Reason | None:
    if any(one.along(look.names) for one in look.shows_label()):
        since = next(one for one in reversed(look.about) if one.along(look.names))
        because = f"{_all(look.names)} witnessed '{look.sentence(since)}' together"
        return Reason("label is older than what all of the chain witnessed together", because, label_wrong=True)
    asker, other = look.names[0], look.names[-1]
    known, learned = look.came_to_know(asker), look.came_to_know(other)
    last = f"'{look.sentence(look.shows_label()[-1])}'"
    if known is None:
        category = "label follows the world, of which the one who thinks knows nothing"
        if look.label != look.truth:
            category = "label names a place of which the one who thinks knows nothing"
        return Reason(category, f"{asker} did not witness {last}", label_wrong=True)
    two = len(look.names) == 2
    if learned is None:
        category = "label takes the one thought about to know what only the thinker knows"
        return Reason(category, f"{asker} knows it, {other} did not witness {last}", label_wrong=two)
    missing = next((name for name in look.names if name not in learned.content), None)
    how = f"which {missing} did not witness" if missing else f"at which {_all(look.names)} did not notice each other"
    because = f"{other} came to know it at '{look.sentence(learned)}', {how}"
    if look.about.index(learned) > look.about.index(known):
        category = "label is what both know, though the other came to know it later, unseen by the thinker"
        return Reason(category, because, label_wrong=two and missing is not None)
    return Reason("label is what both know, though the thinker did not see the other come to know it", because)


def _of_words(look: _Look) -> Reason | None:
    """Somebody has spoken of it: whether that is believed is the rules', and a label that differs is no error."""
    if look.label == look.truth and look.own(look.who) != look.truth:
        return Reason("label follows the world although the person does not know it")
    if len(look.names) > 1 and look.label == look.own(look.who):
        return Reason("label is the belief of the one who thinks")
    if len(look.names) > 1 and look.label == look.own(look.names[-1]):
        return Reason("label is the belief of the one thought about")
    said = [one for one in look.shows_label() if one.told]
    if said:
        return Reason("label follows somebody's word", f"'{look.sentence(said[-1])}'")
    return Reason("label goes by witnessing, against somebody's word") if look.came_to_know(look.who) else None


def _all(names: tuple[str, ...]) -> str:
    return " and ".join(dict.fromkeys(names))
