"""How rules answer a question in words: with their beliefs on the variables it names, or not at all."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tertulia.agents.policy import Stance
from tertulia.mind.probing import LONGEST_ANSWER, Question

_MOST_VALUES = 4


def extract(stance: Stance, question: Question) -> str | None:
    """The beliefs a question asks for, in words, or the choice they favour; None where it names no variable.

    A variable is named where every word of its name stands in the question. Whoever else is named there is who is
    taken to believe it ("where does bob think the cake is?"), as far as the rules hold that; else one's own belief.
    """
    said = _words(question.text)
    named = [variable.name for variable in question.variables if _words(variable.name) <= said]
    taken = set().union(*(_words(name) for name in named))
    others = [name for name in question.others if (words := _words(name)) <= said and not words <= taken]
    if question.choices:
        return _choose(stance, question, named, others)
    lines = [
        f"I take {other} to believe {name}: {_values(held)}" if other else f"{name}: {_values(held)}"
        for name in named
        for other in ("", *others)
        if (held := _held(stance, f"{question.holder}>{other}" if other else question.holder, name)) is not None
    ]
    return "; ".join(lines)[:LONGEST_ANSWER] or None


def _choose(stance: Stance, question: Question, named: Sequence[str], others: Sequence[str]) -> str | None:
    """The likeliest choice, the first among equals, of the first variable that has any of them among its values."""
    chains = [f"{question.holder}>{other}" for other in others[:1]] + [question.holder]
    for name in named:
        held = next((found for chain in chains if (found := _held(stance, chain, name)) is not None), {})
        known = {value.casefold(): probability for value, probability in held.items()}
        fitting = [choice for choice in question.choices if choice.casefold() in known]
        if fitting:
            return max(fitting, key=lambda choice: known[choice.casefold()])
    return None


def _held(stance: Stance, chain: str, variable: str) -> Mapping[str, float] | None:
    return next((b.probabilities for b in stance.beliefs if (b.chain, b.variable) == (chain, variable)), None)


def _values(held: Mapping[str, float]) -> str:
    likeliest = sorted(held.items(), key=lambda item: (-item[1], item[0]))[:_MOST_VALUES]
    return ", ".join(f"{value} {100 * probability:.0f} %" for value, probability in likeliest)


def _words(text: str) -> set[str]:
    return set(re.findall(r"[^\W_]+", text.casefold()))
