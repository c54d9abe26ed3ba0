"""What is believed, in words and back: every value of every variable has one sentence, and its denial another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache

from tertulia.environments.world import Claim, Variable

_DENIAL = "It is not the case that {sentence}"
_TOLD_TO = {True: "{name}, you think that {sentence}", False: "{name}, you do not think that {sentence}"}
_TOLD_OF = {True: "{name} thinks that {sentence}", False: "{name} does not think that {sentence}"}
_BEGINS = r"(?:^|(?<=[.!?:;,\n\"“(]))\s*"
"""Where a sentence may begin: not after words like "I doubt that"."""
_MARKS = '.!;,:)\n"”'
"""What may follow a sentence; not a question mark."""


def sentence(variable: Variable, value: str, holds: bool = True) -> str:
    """The sentence for `variable = value`, or its denial; it ends with a full stop."""
    template = (variable.say or "The {name} is {value}.").strip()
    text = template.replace("{name}", _spoken(variable.name)).replace("{value}", value)
    if not text.endswith((".", "!")):
        text += "."
    if holds:
        return text
    return _DENIAL.format(sentence=_inside(text))


def disclosure(variable: Variable, claim: Claim, to: Sequence[str] = ()) -> str:
    """The sentence for what somebody is said to believe: in the second person where it is said to that one alone."""
    words = (_TOLD_TO if tuple(to) == (claim.believer,) else _TOLD_OF)[claim.holds]
    return words.format(name=claim.believer, sentence=_inside(sentence(variable, claim.value)))


def _inside(text: str) -> str:
    """A sentence as it stands within another."""
    return "the " + text[4:] if text.startswith("The ") else text


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


class Phrasebook:
    """All sentences of a set of variables: `parse(render(claims)) == claims` for all claims about them.

    With `names`, also those that say what one of these believes. A sentence that a variable has of its own goes first:
    where it reads `Bob thinks that ...`, that is what it means.
    """

    def __init__(self, variables: Iterable[Variable], names: Iterable[str] = ()) -> None:
        self.variables = {variable.name: variable for variable in variables}
        self.names = tuple(names)

    @cached_property
    def _sentences(self) -> list[tuple[str, Claim]]:
        return [
            (_body(sentence(variable, value, holds)), Claim(variable=variable.name, value=value, holds=holds))
            for variable in self.variables.values() for value in variable.values for holds in (True, False)
        ]  # fmt: skip

    @cached_property
    def _claims(self) -> dict[str, Claim]:
        return dict(self._sentences)

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return _any_of(_longest_first(self._claims))

    @cached_property
    def _disclosures(self) -> dict[str, Claim]:
        return {
            _body(disclosure(variable, claim, to)): claim
            for name in self.names for variable in self.variables.values() for value in variable.values
            for holds in (True, False) for to in ((name,), ())
            for claim in [Claim(variable=variable.name, value=value, holds=holds, believer=name)]
        }  # fmt: skip

    @cached_property
    def _pattern_of_minds(self) -> re.Pattern[str]:
        return _any_of([*_longest_first(self._claims), *_longest_first(self._disclosures)])

    def render(self, claims: Sequence[Claim], to: Sequence[str] = ()) -> str:
        """The claims as sentences in their order, said to these. Raises `KeyError` for a variable not in the book."""
        return " ".join(self._said(claim, to) for claim in claims)

    def _said(self, claim: Claim, to: Sequence[str]) -> str:
        variable = self.variables[claim.variable]
        if claim.believer is not None:
            return disclosure(variable, claim, to)
        return sentence(variable, claim.value, claim.holds)

    def sentences(self, facts: Mapping[str, str]) -> str:
        """The same for facts as they stand in a file."""
        return self.render([Claim(variable=name, value=value) for name, value in facts.items()])

    def parse(self, text: str) -> tuple[Claim, ...]:
        """The claims of a text, in order; questions and sentences inside longer ones are not claims."""
        text = text.casefold()
        pattern = self._pattern_of_minds if "think" in text else self._pattern
        bodies = [_body(found[1]) for found in pattern.finditer(text)]
        return tuple(self._claims.get(body) or self._disclosures[body] for body in bodies)

    def clashes(self) -> list[tuple[Claim, Claim]]:
        """Pairs of claims that cannot be told apart in words: equal ones, and one that begins with the other."""
        first: dict[str, Claim] = {}
        found = []
        for body, claim in self._sentences:
            if (other := first.setdefault(body, claim)) != claim:
                found.append((other, claim))
        for body, claim in self._sentences:
            cuts = {body[:i].rstrip() for i, mark in enumerate(body) if mark in _MARKS} - {body}
            found += [(first[cut], claim) for cut in sorted(cuts) if cut in first]
        return found


@lru_cache(maxsize=64)
def phrasebook(variables: tuple[Variable, ...]) -> Phrasebook:
    """The book for these variables; equal variables share one."""
    return Phrasebook(variables)


def _longest_first(bodies: Iterable[str]) -> list[str]:
    return sorted(bodies, key=lambda body: (-len(body), body))


def _any_of(bodies: Sequence[str]) -> re.Pattern[str]:
    """One of these, where a sentence may begin and end."""
    options = "|".join(re.escape(body).replace(r"\ ", r"\s+") for body in bodies) or r"(?!)"
    return re.compile(rf"{_BEGINS}({options})(?=\s*(?:[{_MARKS}]|$))")


def _body(text: str) -> str:
    """A sentence for comparison: one case, single spaces, without its final mark."""
    return " ".join(text.casefold().split()).rstrip(".! ")


def words_of(text: str) -> list[str]:
    """The words of a text for comparison: letters and digits only, in one case."""
    return re.findall(r"[^\W_]+", text.casefold())


def contains_words(words: Sequence[str], wanted: Sequence[str]) -> bool:
    """Whether `wanted` stands in `words` in one piece."""
    size = len(wanted)
    return size > 0 and any(list(words[i : i + size]) == list(wanted) for i in range(len(words) - size + 1))
