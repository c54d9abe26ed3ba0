"""Questions to people while they play: when, in which order of options, and what an answer says that they believe.

A question is a treatment: it tells that there is something to ask. So each one that was asked is in the log, answered
or not; when it comes and how its options are ordered follows from the seed alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from tertulia.environments.people.errors import Unreadable
from tertulia.environments.people.spec import HUMAN, SELF, PersonQuestion
from tertulia.storage.nearest import nearest
from tertulia.storage.rows import ProbeRow, Variable

if TYPE_CHECKING:
    from tertulia.environments.scenario.model import Scenario
    from tertulia.environments.stage import Stage

_PLACE = "question"
_TOLERANCE = 1.0
"""By how much percents may miss 100 in sum: people round."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question as it is put to one person before a turn."""

    turn: int
    seat: str
    chain: str
    variable: Variable
    options: tuple[str, ...]
    """The values in the order in which they are offered."""
    answer: str

    @property
    def id(self) -> str:
        return f"q{self.turn}.{self.seat}"

    @property
    def text(self) -> str:
        names = ["you" if name == self.seat else name for name in self.chain.split(">")[1:]]
        if not names:
            return f"What do you believe about {self.variable.name}?"
        thinking = "".join(f" that {name} {'think' if name == 'you' else 'thinks'}" for name in names[:-1])
        believes = "believe" if names[-1] == "you" else "believes"
        return f"What do you think{thinking} that {names[-1]} {believes} about {self.variable.name}?"

    def message(self) -> dict[str, Any]:
        """As its person is shown it."""
        say = self.variable.say
        return {
            "kind": "question", "id": self.id, "text": self.text, "options": list(self.options),
            "labels": [say.format(value=value) if say else value for value in self.options], "scale": self.answer,
        }  # fmt: skip

    def distribution(self, data: Mapping[str, Any]) -> dict[str, float] | None:
        """What an answer gives each value, in the variable's own order; None where the person skips it.

        With `sure` s (0-100) of k values, the chosen one has 1/k + (1 - 1/k) s/100, and the others share the rest
        equally: 0 is a guess, 100 certainty. With `percent`, each has what it was given. Raises `Unreadable`.
        """
        if data.get("skip"):
            return None
        values = self.variable.values
        if self.answer == "percent":
            return _percents(values, data.get("percent"))
        choice = str(data.get("choice", ""))
        if choice not in values:
            raise Unreadable(f"'{choice}' is not one of the answers; {nearest(choice, values)}")
        sure = _number(data.get("sure"))
        if sure is None or not 0 <= sure <= 100:
            raise Unreadable("how sure are you? give a number from 0 to 100")
        if len(values) == 1:
            return {choice: 1.0}
        even = 1 / len(values)
        chosen = even + (1 - even) * sure / 100
        return {value: chosen if value == choice else (1 - chosen) / (len(values) - 1) for value in values}


def _percents(values: Sequence[str], given: Any) -> dict[str, float]:
    if not isinstance(given, Mapping):
        raise Unreadable(f"give a percentage for each of: {', '.join(values)}")
    strange = next((str(name) for name in given if name not in values), None)
    if strange is not None:
        raise Unreadable(f"'{strange}' is not one of the answers; {nearest(strange, values)}")
    found = {value: _number(given.get(value, 0)) for value in values}
    wrong = next((value for value, number in found.items() if number is None or number < 0), None)
    if wrong is not None:
        raise Unreadable(f"{wrong}: give a number from 0 to 100")
    total = math.fsum(number or 0.0 for number in found.values())
    if abs(total - 100) > _TOLERANCE:
        raise Unreadable(f"together they make {total:g}; they must make 100")
    return {value: (number or 0.0) / total for value, number in found.items()}


def _number(given: Any) -> float | None:
    if isinstance(given, bool) or given is None:
        return None
    try:
        found = float(str(given).strip().removesuffix("%"))
    except ValueError:
        return None
    return found if math.isfinite(found) else None


def chain_of(question: PersonQuestion, seat: str) -> str | None:
    """The chain a question is about when `seat` is asked; None where it makes none (Dan's belief of himself)."""
    names = [] if question.of == SELF else [seat if name == SELF else name for name in question.of.split(">")]
    chain = [seat, *names] if not names or names[0] != seat else names
    return None if any(one == other for one, other in pairwise(chain)) else ">".join(chain)


def asked_of(scenario: Scenario) -> Iterator[tuple[str, str, str]]:
    """All that people may be asked in a scenario: seat, chain and variable."""
    for name in scenario.names:
        if scenario.model_of(name) == HUMAN:
            for question in scenario.people.questions:
                chain = chain_of(question, name)
                if chain is not None and name in (question.to or (name,)):
                    yield name, chain, question.about


def reserved(stage: Stage) -> int:
    """How many ordinals of a turn's probes are kept for people: at most one question each."""
    return len({seat for seat, _, _ in asked_of(stage.scenario)})


def question_of(row: ProbeRow, stage: Stage) -> Question:
    """A question that is in the log, as it was put."""
    variable = next(one for one in stage.variables if one.name == row.variable)
    answer = "percent" if "percent" in (row.answer or {}) else "sure"
    return Question(row.turn, row.participant, str(row.chain), variable, tuple(row.options or ()), answer)


def schedule(stage: Stage, seat: str) -> dict[int, Question]:
    """All questions that a person will be asked, by the turn before which they come.

    Drawn from the seed alone, a place at a time, so that an episode that is resumed asks what it would have asked.
    Two never come within `people.apart` turns; what its window has no room for is not asked.
    """
    spec = stage.scenario.people
    items = [
        (index, one, chain, variable)
        for index, one in enumerate(spec.questions)
        if seat in (one.to or (seat,))
        and (chain := chain_of(one, seat)) is not None
        and (variable := next((v for v in stage.variables if v.name == one.about), None)) is not None
        and variable.holder in (None, seat)
    ]
    drawn = {
        index: stage.draw(one.window[0], 0, seat, _PLACE, index).randint(*one.window)
        for index, one, _, _ in items
        if one.window is not None
    }
    found: dict[int, Question] = {}
    times: dict[int, int] = {}
    last = -spec.apart
    for turn in range(1, stage.scenario.turns.limit + 2):  # the closing turn is the last at which anybody believes
        due = [item for item in items if _is_due(stage, seat, turn, item[0], item[1], drawn, times.get(item[0], 0))]
        if not due or turn - last < spec.apart:
            continue
        index, one, chain, variable = stage.draw(turn, 0, seat, f"{_PLACE}/which").choice(due)
        times[index], last = times.get(index, 0) + 1, turn
        found[turn] = Question(turn, seat, chain, variable, _order(stage, seat, variable, len(found)), one.answer)
    return found


def _is_due(
    stage: Stage, seat: str, turn: int, index: int, one: PersonQuestion, drawn: Mapping[int, int], times: int
) -> bool:
    if one.window is not None:
        return not times and drawn[index] <= turn <= one.window[1]
    if one.most is not None and times >= one.most:
        return False
    return stage.draw(turn, 0, seat, _PLACE, index).random() < (one.chance or 0.0)


def _order(stage: Stage, seat: str, variable: Variable, nth: int) -> tuple[str, ...]:
    """The order of the options: turned on by one from seed to seed, seat to seat and question to question, backwards
    every other round. Over 2k seeds in a row each of k values stands at each place equally often, after and before each
    of its neighbours."""
    values, count = variable.values, len(variable.values)
    step = stage.seed + list(stage.seats).index(seat) + nth
    turned = values[step % count :] + values[: step % count]
    return turned[::-1] if (step // count) % 2 else turned
