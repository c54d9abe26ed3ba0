"""What might be said now: facts and memories that somebody here lacks, or asked for, each with its motivation."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import fsum

from tertulia.environments.world import Action, Candidate, Claim, Say
from tertulia.environments.worlds.table_talk.acts import Whisper
from tertulia.environments.worlds.table_talk.filter import TRUST, Filter, Held
from tertulia.environments.worlds.table_talk.words import Phrasebook, contains_words, words_of
from tertulia.storage.seen import SPEECH, Seen, SeenEvent

SURE = 0.75
"""From this probability on, something is said as a fact, and somebody counts as knowing it."""
TOPIC = 3
"""How many of the last utterances make up what is being talked about."""
HALF_LIFE = 3
"""After how many turns news is half as urgent."""
QUESTION_OPEN = 8
"""For how many turns a question waits for its answer."""
LONGEST = 600
"""Characters an utterance may have."""

WEIGHTS = {
    "fills_gap": 0.30,
    "expected_impact": 0.15,
    "originality": 0.15,
    "relevance": 0.10,
    "coherence": 0.10,
    "balance": 0.10,
    "urgency": 0.05,
    "dynamics": 0.05,
}
"""How much each of the heuristics of Inner Thoughts (Liu et al. 2025) counts; the weights are ours.

`information_gap` (the speaker's own) is told and does not count: these rules never ask.
"""


@dataclass(frozen=True)
class Talk:
    """One participant's view of the talk, as remarks are weighed."""

    seen: Seen
    filter: Filter
    book: Phrasebook

    @property
    def me(self) -> str:
        return self.seen.participant

    @cached_property
    def others(self) -> tuple[str, ...]:
        """Those here, besides the one who sees."""
        return tuple(name for name in self.seen.present if name != self.me)

    @cached_property
    def speech(self) -> list[SeenEvent]:
        """Every utterance it heard or made."""
        return [e for e in self.seen.events if e.kind in SPEECH and e.level == "content"]

    def private(self, key: str) -> list[str]:
        """A list among its private data: `secrets`, `confides_in`."""
        return list(self.seen.observation.data.get(key, ()))

    def knows(self, other: str, claim: Claim) -> bool:
        """Whether it has reason to think that `other` takes the claim to be so."""
        return self.filter.probability((self.me, other), claim) >= SURE

    def said_to(self, other: str, event: SeenEvent) -> bool:
        """Whether `other` got this utterance, as far as was noticed."""
        return other == event.actor or other in event.witnesses


@dataclass(frozen=True)
class Item:
    """Something that could be said, to whom, and what it answers or comes from."""

    gloss: str
    text: str
    claims: tuple[Claim, ...]
    hearers: tuple[str, ...]
    """Those who lack it, or who asked."""
    gaps: tuple[float, ...]
    """How far each of the others here is from it, 0-1."""
    learned: int
    said: int
    """How often it was said before, in its hearing."""
    topical: float
    sources: tuple[str, ...] = ()
    question: SeenEvent | None = None
    whispered: bool = False
    doubt: float = 0.0


def remarks(talk: Talk, further: Sequence[Item] = (), without: Collection[str] = ()) -> list[Candidate]:
    """All candidates, the most motivated first; equal ones by their words. `further` ones stand for weighing too, and
    of the variables `without` nothing else is said."""
    if not talk.others:
        return []
    items = [*further, *(item for name in talk.book.variables if name not in without for item in _about(talk, name))]
    items += [item for event in talk.seen.events if (item := _memory(talk, event)) is not None]
    found = [_candidate(talk, item) for item in items]
    return sorted(found, key=lambda candidate: (-candidate.motivation, candidate.gloss))


def _about(talk: Talk, name: str) -> list[Item]:
    """What might be said about a variable: aloud, or in a whisper where it is a secret."""
    held = talk.filter.along((talk.me,))[name]
    variable = talk.book.variables[name]
    best = held.best()
    if held.probabilities[best] < SURE:
        return []
    claim = Claim(variable=name, value=variable.values[best])
    lacking = tuple(o for o in talk.others if not talk.knows(o, claim) and not _told_already(talk, o, claim, held))
    question = _question(talk, name)
    if question is not None and question.actor == talk.me:
        return []  # it waits for the answer to its own question
    if confidential(talk, name):
        if question is not None and all(talk.knows(other, claim) for other in talk.others):
            return [_item(talk, claim, held, (question.actor or "",), question)]
        close = talk.private("confides_in") if name in talk.private("secrets") else []
        trusted = tuple(other for other in lacking if other in close)
        return [_item(talk, claim, held, trusted, None, whispered=True)] if trusted else []
    if question is not None and question.actor in talk.others:
        return [_item(talk, claim, held, (question.actor,), question)]
    return [_item(talk, claim, held, lacking, None)] if lacking else []


def _item(
    talk: Talk, claim: Claim, held: Held, hearers: tuple[str, ...], question: SeenEvent | None, whispered: bool = False
) -> Item:
    told = talk.book.render([claim])
    source = next((event for event in talk.seen.events if event.id == held.source), None)
    around = hearers if whispered else talk.others
    even = 1.0 / len(held.probabilities)
    gaps = [(1.0 - talk.filter.probability((talk.me, other), claim)) / (1.0 - even) for other in around]
    return Item(
        gloss=f"{told} ({_purpose(talk, claim, hearers, question, whispered)})",
        text=_words(talk, told, source),
        claims=(claim,),
        hearers=hearers,
        gaps=tuple(min(1.0, gap) for gap in gaps),
        learned=question.turn if question is not None else source.turn if source is not None else 0,
        said=sum(claim in event.claims for event in talk.speech),
        topical=topical(talk, claim.variable),
        sources=tuple(event.id for event in (source, question) if event is not None),
        question=question,
        whispered=whispered,
        doubt=(1.0 - max(held.probabilities)) / (1.0 - even),
    )


def _purpose(talk: Talk, claim: Claim, hearers: tuple[str, ...], question: SeenEvent | None, whispered: bool) -> str:
    """What tells one thought with these words from another, and stays the same until it is spoken."""
    if question is not None:
        return f"{question.actor} asked in turn {question.turn}"
    if whispered:
        return f"for {' and '.join(hearers)} alone"
    mine = sum(event.actor == talk.me and claim in event.claims for event in talk.speech)
    return f"worth telling again, after {mine}" if mine else "worth telling"


def _words(talk: Talk, told: str, source: SeenEvent | None) -> str:
    """The claim's own sentence, after what was witnessed or who said it; so that its claims are all it claims."""
    if source is None or source.actor == talk.me or (told in source.text and source.kind not in SPEECH):
        return told
    if source.kind in SPEECH:
        text = f"{source.actor} said: {told}"
    else:
        text = told if talk.book.parse(source.text) else f"{source.text} {told}"
    return text if len(text) <= LONGEST else told


def _memory(talk: Talk, event: SeenEvent) -> Item | None:
    """Something witnessed that changed no variable, for those who were not there and have not been told."""
    if event.kind != "happening" or event.level != "content" or talk.book.parse(event.text):
        return None
    text = f"I saw this: {event.text}"
    told = [one for one in talk.speech if event.text in one.text]
    missed = tuple(
        other for other in talk.others
        if other not in event.witnesses and not any(talk.said_to(other, one) for one in told)
    )  # fmt: skip
    if not missed or len(text) > LONGEST:
        return None
    gaps = tuple(float(other in missed) for other in talk.others)
    return Item(
        gloss=f"{text} (worth telling)", text=text, claims=(), hearers=missed, gaps=gaps, learned=event.turn,
        said=len(told), topical=0.0, sources=(event.id,),
    )  # fmt: skip


def _told_already(talk: Talk, other: str, claim: Claim, held: Held) -> bool:
    """Whether it has told `other` the same since it learned it; it does not insist."""
    ids = [event.id for event in talk.seen.events]
    start = ids.index(held.source) if held.source in ids else 0
    return any(
        e.kind in SPEECH and e.actor == talk.me and claim in e.claims and other in e.witnesses
        for e in talk.seen.events[start:]
    )


def confidential(talk: Talk, name: str) -> bool:
    """Its own secrets, and what it knows only because it was whispered to it."""
    if name in talk.private("secrets"):
        return True
    data = talk.seen.observation.data
    if name in data.get("knows", {}) or name in data.get("believes", {}):
        return False
    ways = {e.kind for e in talk.seen.events if e.says_of(name) and e.actor != talk.me}
    return ways == {"whisper"}


def _question(talk: Talk, name: str) -> SeenEvent | None:
    """The last question that names the variable, mine or put to me or to all, and not yet answered in my hearing."""
    for event in reversed(talk.speech):
        if event.says_of(name) or event.turn < talk.seen.turn - QUESTION_OPEN:
            return None
        concerns_me = talk.me in (*event.addressees, event.actor) or not event.addressees
        if concerns_me and "?" in event.text and contains_words(words_of(event.text), words_of(name)):
            return event
    return None


def topical(talk: Talk, name: str) -> float:
    """How much of the last utterances was about a variable, 0-1."""
    recent = talk.speech[-TOPIC:]
    if not recent:
        return 0.5
    named = [
        any(c.variable == name for c in e.claims) or contains_words(words_of(e.text), words_of(name)) for e in recent
    ]
    return fsum(named) / len(recent)


def _candidate(talk: Talk, item: Item) -> Candidate:
    scores = {key: round(1.0 + 4.0 * share, 4) for key, share in _shares(talk, item).items()}
    motivation = fsum(weight * scores[key] for key, weight in WEIGHTS.items())
    return Candidate(
        gloss=item.gloss,
        act=_act(talk, item),
        system=1 if item.question is not None else 2,
        stimuli=item.sources,
        scores=scores,
        motivation=round(min(5.0, max(1.0, motivation)), 4),
    )


def _act(talk: Talk, item: Item) -> Action:
    if item.whispered:
        return Whisper(text=item.text, to=item.hearers, asserts=item.claims)
    everybody = len(item.hearers) == len(talk.others) > 1
    return Say(text=item.text, to=() if everybody else item.hearers, asserts=item.claims)


def _shares(talk: Talk, item: Item) -> dict[str, float]:
    """The heuristics, each from 0 (nothing speaks for saying it) to 1."""
    asked = item.question is not None
    last = talk.speech[-1] if talk.speech else None
    mine = sum(event.actor == talk.me for event in talk.speech)
    silent_for = talk.seen.turn - 1 - (talk.seen.last_spoke or 0)
    fair = 1.0 / (len(talk.others) + 1)
    return {
        "relevance": 1.0 if asked else item.topical,
        "information_gap": item.doubt,
        "fills_gap": 1.0 if asked else _mean(item.gaps),
        "expected_impact": TRUST * (1.0 if asked else max(item.gaps, default=0.0)),
        "urgency": 0.5 ** ((talk.seen.turn - item.learned) / HALF_LIFE),
        "coherence": 1.0 if asked else _coherence(talk.me, last),
        "originality": 1.0 if asked else 1.0 / (1 + item.said),
        "balance": 1.0 - (mine / len(talk.speech) if talk.speech else fair),
        "dynamics": min(1.0, silent_for / len(talk.seen.cast)),
    }


def _coherence(me: str, last: SeenEvent | None) -> float:
    """How well it follows on the last utterance: best when that was for me, not at all when it was mine,
    or a question that somebody else is to answer."""
    if last is None or not (last.addressees or last.actor == me):
        return 0.5
    if me in last.addressees:
        return 0.75
    return 0.0 if last.actor == me or "?" in last.text else 0.25


def _mean(numbers: Sequence[float]) -> float:
    return fsum(numbers) / len(numbers) if numbers else 0.0
