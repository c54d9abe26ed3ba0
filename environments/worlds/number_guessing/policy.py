"""Rules that guess numbers: by a strategy of their seat, with a model of each other player behind the number."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from random import Random

from tertulia.environments.world import Candidate, Claim, RulesPolicy, Stance, Stated
from tertulia.environments.worlds.number_guessing.arithmetic import HIGHEST, LOWEST, as_fraction
from tertulia.environments.worlds.number_guessing.strategies import (
    Plan,
    Strategy,
    Table,
    model_of,
    number_of,
    outlook,
    plan,
)
from tertulia.environments.worlds.number_guessing.world import VALUES, Guess
from tertulia.storage.seen import Seen

CERTAINTY = 0.9
"""The probability of what is expected; the rest is spread evenly, since anybody may name anything."""
_SENTENCE = re.compile(
    r"(?:(?P<believer>[a-z][a-z0-9_-]*) thinks that )?"
    r"(?P<name>[a-z][a-z0-9_-]*) will (?P<no>not )?name (?P<n>\d+) next\."
)


class NumberGuessingRules(RulesPolicy):
    """Plays the `strategy` of its seat, as its observation says; `adaptive` where it says none.

    Every number follows from a prediction of the others, except for those of the fixed sequences, which still predict
    (that all repeat their last number). `rng` is used for the seat's `noise` alone.
    """

    def consider(self, seen: Seen, rng: Random) -> Stance:
        private = seen.observation.data
        strategy: Strategy = private.get("strategy", "adaptive")
        known: Mapping[str, Strategy] = private.get("others", {})
        table = table_of(seen)
        made = plan(strategy, seen.participant, table, known)
        beliefs = tuple(_beliefs(seen, strategy, table, known, made)) if seen.variables else ()
        if not seen.can_act:
            return Stance(beliefs=beliefs)
        noise = private.get("noise", 0)
        trembled = made.number + rng.randint(-noise, noise) if noise else made.number
        number = min(HIGHEST, max(LOWEST, trembled))
        return Stance(beliefs=beliefs, candidates=tuple(_candidates(seen, strategy, table, made, number)))

    def render(self, claims: Sequence[Claim]) -> str:
        return " ".join(map(_sentence, claims))

    def parse(self, text: str) -> tuple[Claim, ...]:
        return tuple(
            Claim(variable=f"{found['name']}.next", value=found["n"], holds=not found["no"], believer=found["believer"])
            for found in _SENTENCE.finditer(text)
        )


def table_of(seen: Seen) -> Table:
    """The rounds that were seen, and the factor."""
    rounds = [event.data["numbers"] for event in seen.events if event.kind == "round"]
    factor = as_fraction(seen.observation.data.get("factor", 0.8))
    return Table(seen.cast, tuple(tuple(numbers.get(name) for name in seen.cast) for numbers in rounds), factor)


def _candidates(seen: Seen, strategy: Strategy, table: Table, made: Plan, number: int) -> Iterator[Candidate]:
    """The plan; and what else comes to mind: what would have won the last round."""
    predictions = dict(made.predictions)
    last = next((event.id for event in reversed(seen.events) if event.kind == "round"), None)
    stimuli = (last,) if last else ()
    expected = ", ".join(f"{other} {expected}" for other, expected in predictions.items())
    yield Candidate(
        gloss=f"I expect {expected}; I name {number}.", act=Guess(predictions=predictions, number=number),
        stimuli=stimuli, scores={"relevance": 5.0, "expected_impact": 4.0, "fills_gap": 3.0}, motivation=4.0,
    )  # fmt: skip
    if not table.rounds:
        return
    target = number_of("copy-last-gold", seen.participant, table)
    yield Candidate(
        gloss=f"Last time {target} would have won.", act=Guess(predictions=predictions, number=target), system=1,
        stimuli=stimuli, scores={"relevance": 3.0, "expected_impact": 2.0}, motivation=2.0,
    )  # fmt: skip
    if strategy == "adaptive":
        for other in table.others(seen.participant)[:1]:
            yield Candidate(
                gloss=f"{other} plays as if by {model_of(other, table)}.", stimuli=stimuli, motivation=1.5,
                act=Guess(predictions=predictions, number=number),
            )  # fmt: skip


def _beliefs(
    seen: Seen, strategy: Strategy, table: Table, known: Mapping[str, Strategy], made: Plan
) -> Iterator[Stated]:
    """`a` on what each will name, and `a>b` on what b expects each to name; deeper ones rules do not hold."""
    me, asked = seen.participant, {variable.name for variable in seen.variables}
    source = next((event.id for event in reversed(seen.events) if event.kind == "round"), None)
    chains: dict[tuple[str, str], Mapping[int, float]] = {(me, me): {made.number: 1.0}}
    for other in table.others(me):
        chains[me, other] = outlook(strategy, me, other, table, known)
        if seen.order >= 2:
            theirs = known.get(other) or model_of(other, table)
            chains[f"{me}>{other}", other] = chains[me, other]
            for name, number in plan(theirs, other, table).predictions.items():
                chains[f"{me}>{other}", name] = {number: 1.0}
    for (chain, about), numbers in chains.items():
        if f"{about}.next" in asked:
            probabilities = _spread(numbers, 1.0 if (chain, about) == (me, me) else CERTAINTY)
            yield Stated(chain=chain, variable=f"{about}.next", probabilities=probabilities, source=source)


def _spread(numbers: Mapping[int, float], certainty: float) -> dict[str, float]:
    even = (1.0 - certainty) / len(VALUES)
    return {value: even + certainty * numbers.get(int(value), 0.0) for value in VALUES}


def _sentence(claim: Claim) -> str:
    name = claim.variable.removesuffix(".next")
    said = f"{name} will {'' if claim.holds else 'not '}name {claim.value} next."
    return said if claim.believer is None else f"{claim.believer} thinks that {said}"
