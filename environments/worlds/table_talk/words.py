"""What is believed, in words and back: every value of every variable has one sentence, and its denial another."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache

from tertulia.environments.world import Claim, Variable

_DENIAL = "It is not the case that {sentence}"
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
    return _DENIAL.format(sentence="the " + text[4:] if text.startswith("The ") else text)


def _spoken(name: str) -> str:
    return name.replace("_", " ").replace("-", " ")


class Phrasebook:
    """All sentences of a set of variables: `parse(render(claims)) == claims` for all claims about them."""

    def __init__(self, variables: Iterable[Variable]) -> None:
        self.variables = {variable.name: variable for variable in variables}

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
        longest_first = sorted(self._claims, key=lambda body: (-len(body), body))
        bodies = "|".join(re.escape(body).replace(r"\ ", r"\s+") for body in longest_first) or r"(?!)"
        return re.compile(rf"{_BEGINS}({bodies})(?=\s*(?:[{_MARKS}]|$))")

    def render(self, claims: Sequence[Claim]) -> str:
        """The claims as sentences in their order. Raises `KeyError` for a variable that is not in the book."""
        return " ".join(sentence(self.variables[claim.variable], claim.value, claim.holds) for claim in claims)

    def sentences(self, facts: Mapping[str, str]) -> str:
        """The same for facts as they stand in a file."""
        return self.render([Claim(variable=name, value=value) for name, value in facts.items()])

    def parse(self, text: str) -> tuple[Claim, ...]:
        """The claims of a text, in order; questions and sentences inside longer ones are not claims."""
        return tuple(self._claims[_body(found[1])] for found in self._pattern.finditer(text.casefold()))

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
