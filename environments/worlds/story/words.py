"""What answers assert, in words and back: one line for each claim."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from tertulia.environments.world import Claim, Variable

_BELIEVER = re.compile(r"(?P<who>\S(?:.*?\S)?) thinks: (?P<what>.+)")
_BETWEEN = " thinks that "
_NOT = "not so: "


class Phrases:
    """The sentences of a story's variables: `parse(render(claims)) == claims` for all claims about them.

    A claim about a belief begins with whose it is: `Avery thinks that Ella thinks: The lime is in the box.`
    """

    def __init__(self, variables: Iterable[Variable]) -> None:
        listed = [(variable, value) for variable in variables for value in variable.values]
        spoken = [_line(_template(variable).replace("{value}", value)) for variable, value in listed]
        self._claims: dict[str, tuple[str, str]] = {}
        for (variable, value), sentence in zip(listed, spoken, strict=True):
            plain = spoken.count(sentence) == 1 and not sentence.startswith(_NOT) and " thinks: " not in sentence
            self._claims[sentence if plain else f"{variable.name} = {_line(value)}"] = (variable.name, value)
        self._sentences = {named: sentence for sentence, named in self._claims.items()}

    def render(self, claims: Sequence[Claim]) -> str:
        """A line for each. Raises `KeyError` for a claim that is about no variable or value of the story."""
        return "\n".join(map(self._rendered, claims))

    def _rendered(self, claim: Claim) -> str:
        text = self._sentences[claim.variable, claim.value]
        text = text if claim.holds else f"{_NOT}{text}"
        return text if claim.believer is None else f"{claim.believer.replace('>', _BETWEEN)} thinks: {text}"

    def parse(self, text: str) -> tuple[Claim, ...]:
        """The claims of a text in their order; lines that are none are left out."""
        return tuple(claim for line in text.split("\n") if (claim := self._parsed(line.strip())) is not None)

    def _parsed(self, line: str) -> Claim | None:
        plain = line.removeprefix(_NOT) in self._claims
        found = None if plain else _BELIEVER.fullmatch(line)
        believer = found["who"].replace(_BETWEEN, ">") if found else None
        rest = found["what"] if found else line
        named = self._claims.get(rest.removeprefix(_NOT))
        if named is None or (believer is not None and len(believer) > 40):
            return None
        return Claim(variable=named[0], value=named[1], holds=not rest.startswith(_NOT), believer=believer)


def _template(variable: Variable) -> str:
    return (variable.say or "The {name} is in the {value}.").replace("{name}", variable.name)


def _line(text: str) -> str:
    return " ".join(text.split())
