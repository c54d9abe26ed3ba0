"""BigToM (Gandhi et al. 2023): 200 templates, recombined into 5,000 questions as the set's own script does.

A row has 19 columns separated by `;`, without a header: five sentences (who, wish, what is seen, what is believed,
what changes it), the agent becomes aware of the change or does not, the act after each, questions about belief, desire
and act, their answers when aware, their answers when not, a random event, the agent is aware of it or not, two notes.

What is read from the words:
- The third sentence shows the agent how things are; the fifth is a change that nobody is said to witness.
- Whether the agent witnesses the change: the awareness sentence does not deny it (`not`, `unaware`, `too ... to`).
- Which belief answer is the one before the change: the one whose own words stand in the fourth sentence; where neither
  has more of them, the one that shares less with the fifth; where that does not tell either, the set's column. So a row
  whose two belief answers are swapped is found out.

What is not read but taken from the columns: which act fits which belief (`action` follows `belief`), and that the
random event changes neither. Desire is not asked: the answers are either the same for both, or depend on more than the
story tells; the set's script leaves it out too.

Versions of a row, each with the fourth sentence (`initial_belief`) and without: forward (awareness is told; belief and
act are asked) and backward (an act is told; an onlooker infers the belief that fits it), under four conditions:
`true_belief` (aware), `false_belief` (not aware), `true_control` and `false_control` (the random event instead of the
change, aware and not). Percept to belief: the first three sentences alone. The set's script lists the answer after the
change first there; the right one is the answer before it, and that is the label here.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from tertulia.environments.stories.answer import Answering, Reason
from tertulia.environments.stories.story import Question, Sentence, Story, StoryError
from tertulia.environments.world import Claim, Event
from tertulia.storage.nearest import quoted
from tertulia.storage.rows import Variable

ONLOOKER = "onlooker"
"""Who infers a belief from an act: sees all that the agent sees, and the agent."""
CONDITIONS = ("true_belief", "false_belief", "true_control", "false_control")

_DENIES = re.compile(
    r"\b(not|never|unaware|unnoticed|oblivious|misses|missed|fails|overlooks|cannot)\b|n't\b|\btoo \w+ .*\bto\b", re.I
)
_ORDINARY = frozenset(
    "a an and are as at be been being believe believes but by for from had has have he her his in is it its of on or "
    "she that the their they this to was were which who with".split()
)


class _Row(NamedTuple):
    """The 19 columns, in their order."""

    story: str
    aware: str
    unaware: str
    act_aware: str
    act_unaware: str
    ask_belief: str
    ask_desire: str
    ask_action: str
    belief_aware: str
    desire_aware: str
    action_aware: str
    belief_unaware: str
    desire_unaware: str
    action_unaware: str
    random: str
    random_aware: str
    random_unaware: str
    author: str
    note: str


@dataclass(frozen=True, slots=True)
class _Template:
    """A row as it is understood."""

    number: int
    where: str
    line: int
    row: _Row
    name: str
    parts: tuple[str, ...]
    before: str
    """The belief answer before the change, by the words of the story."""
    after: str
    variables: tuple[Variable, ...]

    def claims(self, changed: bool) -> tuple[Claim, ...]:
        """What is so before and after the change, and the act that fits it."""
        return (
            Claim(variable="belief", value=self.after if changed else self.before),
            Claim(variable="action", value=self.row.action_aware if changed else self.row.action_unaware),
        )


def read(text: str, where: str) -> Iterator[Story | StoryError]:
    """The stories of a file, 17 for each row: eight forward with two questions, eight backward, one of the percept
    alone. A row that cannot be read is a `StoryError` instead."""
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=";")
    number, line = 0, 1
    while True:
        try:
            columns = next(rows, None)
        except csv.Error as error:
            yield StoryError(where, line, f"cannot be read ({error})", "a row has 19 columns separated by ';'")
            return
        if columns is None:
            return
        if columns:
            number += 1
            try:
                yield from _versions(_template(columns, where, line, number))
            except StoryError as error:
                yield error
        line = rows.line_num + 1


def _template(columns: list[str], where: str, line: int, number: int) -> _Template:
    if len(columns) != len(_Row._fields):
        wrong = f"{len(columns)} columns"
        raise StoryError(where, line, wrong, f"a row has {len(_Row._fields)} columns separated by ';'")
    row = _Row(*(" ".join(column.split()) for column in columns))
    for name, column in zip(_Row._fields[:-2], row, strict=False):
        if not column:
            raise StoryError(where, line, f"the column '{name}' is empty", "all but the last two have words")
    parts = tuple(f"{part.strip()}." for part in row.story.split(".") if part.strip())
    if len(parts) != 5:
        right = "a story has five: who, wish, what is seen, what is believed, what changes it"
        raise StoryError(where, line, f"the story has {len(parts)} sentences", right)
    for one, other, what in (
        (row.belief_aware, row.belief_unaware, "belief"),
        (row.action_aware, row.action_unaware, "action"),
    ):
        if one == other:
            raise StoryError(where, line, f"the two {what} answers are the same", "the change must make a difference")
    names = [
        found[1] if (found := re.match(r"(\w+) ", text)) else "" for text in (row.belief_aware, row.belief_unaware)
    ]
    if not names[0] or names[0] != names[1]:
        wrong = f"the belief answers {quoted(row.belief_aware)} and {quoted(row.belief_unaware)} are about two"
        raise StoryError(where, line, wrong, "both begin with the same name")
    before, after = _in_time(row, parts)
    variables = (
        Variable(name="belief", values=(row.belief_aware, row.belief_unaware), truth=after),
        Variable(name="action", values=(row.action_aware, row.action_unaware), truth=row.action_aware),
    )
    return _Template(number, where, line, row, names[0], parts, before, after, variables)


def _in_time(row: _Row, parts: tuple[str, ...]) -> tuple[str, str]:
    """The two belief answers, the one before the change first."""
    aware, unaware = _words(row.belief_aware), _words(row.belief_unaware)
    believed, change = _words(parts[3]), _words(parts[4])
    for evidence in (
        len((unaware - aware) & believed) - len((aware - unaware) & believed),
        len((aware - unaware) & change) - len((unaware - aware) & change),
    ):
        if evidence:
            swapped = evidence < 0
            return (row.belief_aware, row.belief_unaware) if swapped else (row.belief_unaware, row.belief_aware)
    return row.belief_unaware, row.belief_aware


def _words(text: str) -> frozenset[str]:
    return frozenset(re.findall(r"[a-z0-9]+", text.lower())) - _ORDINARY


def _versions(template: _Template) -> Iterator[Story]:
    for initial in (False, True):
        for condition in CONDITIONS:
            yield _forward(template, condition, initial)
            yield _backward(template, condition, initial)
    row = template.row
    asked = [("percept_to_belief", row.ask_belief, "belief", row.belief_unaware, row.belief_aware)]
    yield _story(template, "percept", "percept", True, _opening(template, True, False)[:3], asked, template.name)


def _forward(template: _Template, condition: str, initial: bool) -> Story:
    """Awareness is told: what is believed, and what will be done?"""
    row = template.row
    control, aware = condition.endswith("control"), condition.startswith("true")
    told = ((row.unaware, row.aware), (row.random_unaware, row.random_aware))[control][aware]
    witnessed = _DENIES.search(told) is None
    shown = () if control else template.claims(True)
    seen = (Event(kind="notice", text=told, content=(template.name,), claims=shown),) if witnessed else ()
    sentences = [*_opening(template, initial, control), Sentence(told, seen, template.line)]
    belief, action = (row.belief_aware, row.belief_unaware), (row.action_aware, row.action_unaware)
    if control or not aware:
        belief, action = belief[::-1], action[::-1]
    asked = [
        ("forward_belief", row.ask_belief, "belief", *belief),
        ("forward_action", row.ask_action, "action", *action),
    ]
    return _story(template, "forward", condition, initial, sentences, asked, template.name)


def _backward(template: _Template, condition: str, initial: bool) -> Story:
    """An act is told: what does one believe who does that?"""
    row = template.row
    control, changed = condition.endswith("control"), condition == "true_belief"
    told = row.act_aware if changed else row.act_unaware
    (about, _) = template.claims(changed)
    shows = about.model_copy(update={"believer": template.name})
    both = (template.name, ONLOOKER)
    act = Event(kind="act", actor=template.name, text=told, content=both, claims=(shows,))
    belief = (row.belief_aware, row.belief_unaware) if changed else (row.belief_unaware, row.belief_aware)
    sentences = [*_opening(template, initial, control, ONLOOKER), Sentence(told, (act,), template.line)]
    asked = [("backward_belief", row.ask_belief, "belief", *belief)]
    return _story(template, "backward", condition, initial, sentences, asked, f"{ONLOOKER}>{template.name}")


def _opening(template: _Template, initial: bool, control: bool, *onlookers: str) -> list[Sentence]:
    """Everything before the last sentence: who, wish, what is seen, what is believed if told, and what happens."""
    who, wish, sight, belief, change = template.parts
    seen = Event(kind="see", text=sight, content=(template.name, *onlookers), claims=template.claims(False))
    happens = template.row.random if control else change
    shown = () if control else template.claims(True)
    happening = Event(kind="happen", text=happens, content=onlookers, claims=shown)
    told = [(who, ()), (wish, ()), (sight, (seen,)), *([(belief, ())] if initial else []), (happens, (happening,))]
    return [Sentence(text, events, template.line) for text, events in told]


def _story(
    template: _Template, version: str, condition: str, initial: bool, sentences: list[Sentence],
    asked: list[tuple[str, str, str, str, str]], chain: str,
) -> Story:  # fmt: skip
    names = tuple(chain.split(">"))
    tags = {"row": template.number, "condition": condition, "initial_belief": initial}
    questions = tuple(
        Question(kind, text, chain, variable, label, choices=(label, other), line=template.line, tags=tags)
        for kind, text, variable, label, other in asked
    )
    name = f"bigtom-{template.number}-{version}-{condition}-{'told' if initial else 'untold'}"
    return Story(name, template.where, template.line, names, template.variables, tuple(sentences), questions)


def explain(answering: Answering, question: Question) -> Reason | None:
    """A template whose two belief answers are the wrong way round by the story's own words. The label is shown to be
    wrong where the agent has witnessed nothing since it came to its first belief; elsewhere that is a reading."""
    before = answering.along(question.chain, "belief", 1)
    if question.variable != "belief" or before is None:
        return None
    because = f"by the story's words '{before}' is what is believed before the change"
    unmoved = question.kind != "backward_belief" and answering.answer(question) == before
    return Reason("label swaps the belief before the change with the one after it", because, label_wrong=unmoved)
