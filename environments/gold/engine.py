"""The gold engine: what should be believed about any variable, along any chain or in any group, after any event.

Every chain and every group has a line: the events that count for it, in order, each moving what is held. Lines are made
when they are asked for, go on where they stopped, and remember every change, so that any earlier moment can be asked.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence

from tertulia.environments.gold.evidence import Evidence, evidence_of
from tertulia.environments.gold.held import Basis, Golden, even
from tertulia.environments.gold.trust import Scene, TrustRule, Whereabouts
from tertulia.environments.seeing import Happened
from tertulia.storage.nearest import nearest
from tertulia.storage.rows import ClaimRow, Variable

Given = Mapping[str, Mapping[str, float]]
"""By variable, a distribution over its values."""


class Gold:
    """Gold under one trust rule. Takes events in as they happen; answers for any chain, variable and moment.

    `knows[name]` is what a participant knows from the start (basis `witnessed`), `prior[name]` what it takes to be so
    without having seen it (basis `prior`); where neither says anything, all values are equally likely.
    """

    def __init__(
        self,
        cast: Sequence[str],
        variables: Iterable[Variable],
        rule: TrustRule,
        *,
        knows: Mapping[str, Mapping[str, str]] | None = None,
        prior: Mapping[str, Given] | None = None,
    ) -> None:
        self.cast = tuple(cast)
        self.variables = {variable.name: variable for variable in variables}
        self.rule = rule
        self.evidence: list[Evidence] = []
        self._knows, self._prior = knows or {}, prior or {}
        self._even = {name: Golden(even(len(variable.values))) for name, variable in self.variables.items()}
        self._lines: dict[tuple[tuple[str, ...], bool], Line] = {}
        self._asked: dict[tuple[str, str], Line] = {}
        """By chain and variable as they are asked for; several may share a line."""

    def take_in(self, events: Iterable[Happened | Evidence]) -> None:
        """Let these events have happened, oldest first."""
        for one in events:
            evidence = one if isinstance(one, Evidence) else evidence_of(one)
            self.evidence.append(evidence.read_with(self.variables))

    def belief(self, chain: str, variable: str, upto: int | None = None) -> Golden:
        """What should be believed along a chain (`alice>bob`, `alice&bob`) after the first `upto` events, by default
        all. Raises `LookupError` for a name, variable or moment that is not there, a chain that is none, and a
        `momentary` variable: what somebody will do next follows from no evidence."""
        line = self._asked.get((chain, variable))
        if line is None:
            line = self._asked[chain, variable] = self._line_for(chain, variable)
        happened = len(self.evidence)
        end = happened if upto is None else upto
        if not 0 <= end <= happened:
            raise LookupError(f"no moment {end}; after 0 to {happened} events can be asked")
        return line.at(variable, end)

    def distribution(self, chain: str, variable: str, upto: int | None = None) -> dict[str, float]:
        """The same as probabilities by value."""
        values = self.variables[variable].values if variable in self.variables else ()
        return dict(zip(values, self.belief(chain, variable, upto).probabilities, strict=False))

    def _line_for(self, chain: str, variable: str) -> Line:
        if variable not in self.variables:
            raise LookupError(f"no variable '{variable}'; {nearest(variable, list(self.variables))}")
        if self.variables[variable].momentary:
            raise LookupError(f"variable '{variable}' is about somebody's next act: it has no gold")
        names, joint = self._parse(chain)
        return self._line(names if joint else canonical(names, self.variables[variable]), joint)

    def _parse(self, chain: str) -> tuple[tuple[str, ...], bool]:
        joint = "&" in chain
        if joint and ">" in chain:
            raise LookupError(f"chain '{chain}' mixes > and &; {self._examples()}")
        names = tuple(chain.split("&" if joint else ">"))
        if "" in names:
            raise LookupError(f"chain '{chain}' lacks a name; {self._examples()}")
        for name in names:
            if name not in self.cast:
                raise LookupError(f"chain '{chain}': nobody here is called '{name}'; {nearest(name, list(self.cast))}")
        if joint:
            names = tuple(name for name in self.cast if name in names)
            joint = len(names) > 1
        return names, joint

    def _examples(self) -> str:
        """What a chain looks like, with names of this cast."""
        one, other = (*self.cast, "alice", "bob")[:2]
        return f"a chain is like '{one}>{other}', common ground like '{one}&{other}'"

    def _line(self, names: tuple[str, ...], joint: bool = False) -> Line:
        key = names, joint
        if key not in self._lines:
            self._lines[key] = Line(self, names, joint)
        return self._lines[key]

    def start(self, names: tuple[str, ...], joint: bool, variable: str) -> Golden:
        """What is held before anything has happened: one's own knowledge and assumptions, and nobody else's."""
        if joint or len(names) > 1:
            return self._even[variable]
        values, name = self.variables[variable].values, names[0]
        if (known := self._knows.get(name, {}).get(variable)) is not None:
            return Golden(tuple(float(value == known) for value in values), "witnessed")
        if (assumed := self._prior.get(name, {}).get(variable)) is not None:
            return Golden(tuple(assumed.get(value, 0.0) for value in values))
        return self._even[variable]


def canonical(names: tuple[str, ...], variable: Variable) -> tuple[str, ...]:
    """The chain that is asked about: what Alice believes that Alice believes is what she believes, and of one who
    always knows the value (`known_to`) one can believe nothing but what one believes oneself."""
    kept: list[str] = []
    for name in names:
        if not kept or kept[-1] != name:
            kept.append(name)
    while len(kept) > 1 and kept[-1] in variable.known_to:
        kept.pop()
    return tuple(kept)


class Line:
    """One chain (or, `joint`, one group): what counts for it, and what is held after each event that did."""

    def __init__(self, gold: Gold, names: tuple[str, ...], joint: bool) -> None:
        self.names, self.joint = names, joint
        self.whereabouts = Whereabouts(self)
        self._gold = gold
        self._group = frozenset(names)
        self._done = 0
        self._counted: list[int] = []
        """Numbers of the events that count."""
        self._showed: dict[str, list[int]] = {}
        """By variable, the numbers of those that showed it."""
        self._seen: dict[int, Evidence] = {}
        self._held: dict[str, Golden] = {}
        self._changes: dict[str, list[tuple[int, Golden]]] = {}

    def at(self, variable: str, end: int) -> Golden:
        """What is held after the first `end` events."""
        self._go_on(end)
        changes = self._changes.get(variable, ())
        place = bisect_right(changes, end, key=lambda change: change[0])
        return changes[place - 1][1] if place else self._start(variable)

    def counted(self, end: int, start: int = 0) -> list[int]:
        """Numbers of the events that count, of those from `start` up to and without `end`."""
        self._go_on(end)
        return self._counted[bisect_left(self._counted, start) : bisect_left(self._counted, end)]

    def last_showing(self, variable: str, end: int) -> int | None:
        """The number of the last of the first `end` events that counts and showed the variable."""
        self._go_on(end)
        numbers = self._showed.get(variable, [])
        place = bisect_left(numbers, end)
        return numbers[place - 1] if place else None

    def seen(self, number: int) -> Evidence:
        """An event that counts, with those of its witnesses only whom all of the chain or group noticed."""
        if number not in self._seen:
            self._seen[number] = self._gold.evidence[number].noticed_along(self.names)
        return self._seen[number]

    def _start(self, variable: str) -> Golden:
        return self._gold.start(self.names, self.joint, variable)

    def _go_on(self, end: int) -> None:
        """Take in the events up to number `end`. Rules may ask this very line about earlier moments meanwhile."""
        while self._done < end:
            index = self._done
            self._done = index + 1
            event = self._gold.evidence[index]
            counts = event.among(self._group) if self.joint else event.along(self.names)
            if counts:
                self._counted.append(index)
            for claim in event.claims:
                if claim.believer is None:
                    if not counts:
                        continue
                    if not event.told:
                        self._showed.setdefault(claim.variable, []).append(index)
                elif not self._concerned(event, claim):
                    continue
                if not event.told or self._believed(event, claim, index):
                    self._move(event, claim, index)

    def _believed(self, event: Evidence, claim: ClaimRow, index: int) -> bool:
        """Whether what is told moves what is held along this line."""
        if self._refuted(claim, index):
            return False
        if self.joint:
            return all(self._trusts(name, event, claim, index) for name in self.names if name != event.actor)
        names = self.names[:-1] if claim.believer is not None else self.names
        if names[-1] == event.actor:
            # What a speaker says shows what it believes, to those who believe it; its own words never move it.
            names = names[:-1]
        return bool(names) and self._gold._line(names)._trusts(names[-1], event, claim, index)

    def _concerned(self, event: Evidence, claim: ClaimRow) -> bool:
        """Whether a claim about somebody's belief is about the last of this chain, and was heard by those before."""
        if self.joint or len(self.names) < 2 or self.names[-1] != claim.believer:
            return False
        return event.along(self.names[:-1]) and (event.told or self.names[-2] != event.actor)

    def _trusts(self, hearer: str, event: Evidence, claim: ClaimRow, index: int) -> bool:
        """Whether the hearer believes it: by the rule, but never against what it knows cannot have changed."""
        if claim.believer is None and self._refuted(claim, index):
            return False
        return self._gold.rule.believes(Scene(self, hearer, index), claim, self.seen(index))

    def _refuted(self, claim: ClaimRow, index: int) -> bool:
        """Whether a claim goes against a witnessed, certain value that never changes."""
        variable = self._gold.variables[claim.variable]
        if not variable.static:
            return False
        held = self.at(claim.variable, index)
        if held.basis != "witnessed" or held.certain is None:
            return False
        return (variable.values[held.certain] == claim.value) != claim.holds

    def _move(self, event: Evidence, claim: ClaimRow, index: int) -> None:
        variable = self._gold.variables[claim.variable]
        before = self._held.get(variable.name) or self._start(variable.name)
        how: Basis = "told" if event.told else "witnessed"
        held = before.after(variable.values.index(claim.value), claim.holds, how, claim.established, event.id)
        if held is not before:
            self._held[variable.name] = held
            self._changes.setdefault(variable.name, []).append((index + 1, held))
