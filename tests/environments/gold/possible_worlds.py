"""A second opinion on gold: who believes what, by brute force over possible worlds.

It is written from the words of docs/gold.md, shares nothing with the engine, and is slow on purpose.
What an agent lived through is a smaller history; what it thinks another lived through is a smaller one still.
A belief is the weight of all courses of a variable that fit the evidence and change only where evidence forces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cache
from itertools import groupby

WORDS = ("say", "whisper")
NEVER = -1
STILL_THERE = 10**9
"""A moment after every other."""


@dataclass(frozen=True)
class Assertion:
    """A variable has a value (or has it not), or `believer` is said to think so."""

    speaker: str | None
    variable: str
    value: str
    holds: bool = True
    believer: str | None = None


@dataclass(frozen=True)
class Happening:
    """One event: who got its content, and who noticed whom (the first noticed that the second got it)."""

    moment: int
    kind: str
    actor: str | None
    place: str | None
    got: frozenset[str]
    noticed: frozenset[tuple[str, str]]
    claims: tuple[Assertion, ...]


@dataclass(frozen=True)
class Thing:
    """A variable, with who starts out knowing or assuming what about it."""

    name: str
    values: tuple[str, ...]
    static: bool = False
    known_to: tuple[str, ...] = ()
    knows: tuple[tuple[str, str], ...] = ()
    assumes: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """By name, whole weights of the values."""


History = tuple[Happening, ...]
Belief = tuple[tuple[float, ...], str]
"""The probabilities in the order of the values, and the basis."""
Accepted = tuple[str, frozenset[str]]
"""A piece of evidence that was taken up: witnessed or told, and the values it leaves."""


def as_seen_by(agent: str, history: History) -> History:
    """What of a history an agent got: each event with the witnesses that it noticed and what went on among them."""
    seen = []
    for event in history:
        if agent not in event.got:
            continue
        got = frozenset(w for w in event.got if w == agent or (agent, w) in event.noticed)
        noticed = frozenset((x, y) for x, y in event.noticed if x in got and y in got)
        seen.append(replace(event, got=got, noticed=noticed))
    return tuple(seen)


def as_shared_by(group: tuple[str, ...], history: History) -> History:
    """What of a history all of a group got, each seeing that the others did; with the witnesses all of them noticed."""
    shared = []
    for event in history:
        if all((x, y) in event.noticed or x == y for x in group for y in group if {x, y} <= event.got) and (
            set(group) <= event.got
        ):
            got = frozenset(w for w in event.got if all(w == x or (x, w) in event.noticed for x in group))
            noticed = frozenset((x, y) for x, y in event.noticed if x in got and y in got)
            shared.append(replace(event, got=got, noticed=noticed))
    return tuple(shared)


@cache
def courses(values: tuple[str, ...], prior: tuple[int, ...], allowed: tuple[frozenset[str], ...]) -> tuple[
    tuple[Fraction, ...], tuple[bool, ...]
]:  # fmt: skip
    """The distribution over the last value, and at which pieces of evidence the variable must have changed.

    All courses that fit are written out: the first value, then the value after each piece of evidence. Those are
    kept whose first change comes as late as it can, then whose second does, ...: nothing changes without need.
    """
    fitting: list[tuple[tuple[bool, ...], str, Fraction]] = []

    def go(value: str, weight: Fraction, changes: tuple[bool, ...]) -> None:
        if len(changes) == len(allowed):
            fitting.append((changes, value, weight))
            return
        options = allowed[len(changes)]
        for then in values:
            if then in options:
                moved = then != value
                others = len(options - {value})
                go(then, weight / others if moved else weight, (*changes, moved))

    for value, weight in zip(values, prior, strict=True):
        if weight:
            go(value, Fraction(weight), ())
    least = min(changes for changes, _, _ in fitting)
    kept = [(value, weight) for changes, value, weight in fitting if changes == least]
    total = sum(weight for _, weight in kept)
    return tuple(sum((w for v, w in kept if v == value), Fraction(0)) / total for value in values), least


@cache
def weigh(values: tuple[str, ...], prior: tuple[int, ...], known: bool, accepted: tuple[Accepted, ...]) -> Belief:
    """The distribution, and its basis: `told` if any of what it rests on is words, else `witnessed` if anything is.

    It rests on what narrowed it since it last had to change. What settles the value by itself takes the place of the
    rest, unless it is words that add nothing.
    """
    rests = {"witnessed"} if known else set()
    allowed = tuple(fits for _, fits in accepted)
    now = tuple(Fraction(weight, sum(prior)) for weight in prior)
    for upto, (how, fits) in enumerate(accepted, 1):
        then, changes = courses(values, prior, allowed[:upto])
        if changes[-1] or (len(fits) == 1 and (how == "witnessed" or then != now)):
            rests = {how}
        elif then != now:
            rests.add(how)
        now = then
    return tuple(float(p) for p in now), "told" if "told" in rests else "witnessed" if rests else "prior"


class Views:
    """A history as the chains and groups of its cast have it."""

    def __init__(self, history: History) -> None:
        self.history = history
        self._made: dict[tuple[tuple[str, ...], bool], History] = {((), False): history}

    def of(self, names: tuple[str, ...], joint: bool = False) -> History:
        if (names, joint) not in self._made:
            made = as_shared_by(names, self.history) if joint else as_seen_by(names[-1], self.of(names[:-1]))
            self._made[names, joint] = made
        return self._made[names, joint]


class Oracle:
    """Answers for one history under one trust rule. A chain is a tuple of names; a group is asked for with `common`."""

    def __init__(self, views: Views, things: Mapping[str, Thing], rule: str) -> None:
        self.views, self.things, self.rule = views, things, rule
        self._found: dict[tuple[object, ...], Belief] = {}

    def belief(self, chain: tuple[str, ...], variable: str, before: int = STILL_THERE) -> Belief:
        """What should be believed along the chain about a variable, from the events with a moment below `before`."""
        thing = self.things[variable]
        chain = tuple(name for name, _ in groupby(chain))
        while len(chain) > 1 and chain[-1] in thing.known_to:
            chain = chain[:-1]
        return self._belief(chain, False, thing, before)

    def common(self, group: tuple[str, ...], variable: str, before: int = STILL_THERE) -> Belief:
        """What should be common ground in a group."""
        return self._belief(group, True, self.things[variable], before)

    def _belief(self, names: tuple[str, ...], joint: bool, thing: Thing, before: int) -> Belief:
        key = names, joint, thing.name, before
        if key not in self._found:
            self._found[key] = self._work_out(names, joint, thing, before)
        return self._found[key]

    def _work_out(self, names: tuple[str, ...], joint: bool, thing: Thing, before: int) -> Belief:
        prior, known = (1,) * len(thing.values), False
        if len(names) == 1 and not joint:
            prior = dict(thing.assumes).get(names[0], prior)
            if names[0] in dict(thing.knows):
                prior, known = tuple(int(v == dict(thing.knows)[names[0]]) for v in thing.values), True
        accepted: tuple[Accepted, ...] = ()
        belief = weigh(thing.values, prior, known, accepted)
        witnessed = {event.moment for event in self.views.of(names, joint)}
        # Of what is said about somebody's belief, that somebody need not know: it is for those before it in a chain.
        heard = self.views.of(names, joint) if joint else self.views.of(names[:-1])
        for event in heard:
            if event.moment >= before:
                break
            for claim in event.claims:
                if claim.variable != thing.name or claim.value not in thing.values:
                    continue  # a value that the variable cannot have says nothing
                about_a_mind = claim.believer is not None and claim.believer not in thing.known_to
                if about_a_mind and (joint or len(names) < 2 or names[-1] != claim.believer):
                    continue
                if not about_a_mind and event.moment not in witnessed:
                    continue
                if self._moves(names, joint, thing, event, claim, about_a_mind, belief):
                    how = "told" if event.kind in WORDS else "witnessed"
                    fits = frozenset(v for v in thing.values if (v == claim.value) == claim.holds)
                    accepted = (*accepted, (how, fits))
                    belief = weigh(thing.values, prior, known, accepted)
        return belief

    def _moves(
        self, names: tuple[str, ...], joint: bool, thing: Thing, event: Happening, claim: Assertion,
        about_a_mind: bool, belief: Belief,
    ) -> bool:  # fmt: skip
        """Whether a claim of an event that counts is taken up."""
        speaker = event.actor
        if event.kind not in WORDS:
            return not (about_a_mind and names[-2] == speaker)
        if contradicts(thing, belief, claim):
            return False
        if joint:
            return all(self._trusts(names, True, m, thing, event, claim, False) for m in names if m != speaker)
        hearers = names[:-1] if about_a_mind else names
        hearers = hearers[:-1] if hearers[-1] == speaker else hearers
        return bool(hearers) and self._trusts(hearers, False, hearers[-1], thing, event, claim, about_a_mind)

    def _trusts(
        self, names: tuple[str, ...], joint: bool, hearer: str, thing: Thing, event: Happening, claim: Assertion,
        about_a_mind: bool,
    ) -> bool:  # fmt: skip
        """Whether a hearer (the last of a chain, or one of a group) believes a claim."""
        if not about_a_mind and contradicts(thing, self._belief(names, joint, thing, event.moment), claim):
            return False
        if self.rule != "later-exit":
            return self.rule == "credulous"
        past = [e for e in self.views.of(names, joint) if e.moment < event.moment]
        shown = [e for e in past if e.kind not in WORDS and any(shows(c, thing) for c in e.claims)]
        if not shown or event.actor is None:
            return True
        place = shown[-1].place
        return last_there(event.actor, place, past) > last_there(hearer, place, past)


def shows(claim: Assertion, thing: Thing) -> bool:
    """Whether a claim is about the thing itself. What one who knows the value believes of it is the value."""
    about_it = claim.variable == thing.name and claim.value in thing.values
    return about_it and (claim.believer is None or claim.believer in thing.known_to)


def contradicts(thing: Thing, belief: Belief, claim: Assertion) -> bool:
    """Whether a claim goes against the certain, witnessed value of a variable that never changes."""
    probabilities, basis = belief
    if not thing.static or basis != "witnessed" or max(probabilities) < 1:
        return False
    value = thing.values[probabilities.index(1.0)]
    return (value == claim.value) != claim.holds


def last_there(name: str, place: str | None, past: list[Happening]) -> int:
    """When somebody was last known to leave a place (no place: anywhere)."""
    when = NEVER
    for event in past:
        if place is not None and event.place != place:
            continue
        if event.kind == "leave" and event.actor == name:
            when = event.moment
        elif event.kind != "leave" and name in event.got:
            when = STILL_THERE
    return when
