"""The prompt a language model reads: a prefix that never changes, a transcript that only grows, a short tail."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from tertulia.mind.faculty import Faculty, Moment, text
from tertulia.mind.model import Message
from tertulia.mind.spec import MindSpec
from tertulia.mind.state import Element
from tertulia.storage.rows import Variable
from tertulia.storage.seen import Seen


def messages(moment: Moment, faculties: Sequence[Faculty], questions: Iterable[str]) -> list[Message]:
    """The whole prompt. Nothing in it depends on anything this participant did not witness."""
    seen = moment.seen
    lines = moment.transcript.lines(seen, moment.first_turn)
    return [
        prefix(seen, faculties, moment.spec),
        Message("user", "\n".join([*lines, "", tail(moment, questions)])),
    ]


def prefix(seen: Seen, faculties: Sequence[Faculty], spec: MindSpec) -> Message:
    """Who one is, the rules of the place, what one alone knows, and how one's mind works.

    Only a mind that is asked what it believes is told what there is to believe: asking is a treatment.
    """
    instructions = tuple(told for faculty in faculties if (told := faculty.instruct(spec)))
    variables = seen.variables if any(faculty.name == "believe" for faculty in faculties) else ()
    return _prefix(
        seen.participant, seen.cast, seen.persona, seen.goal, seen.premise, seen.opening.text, variables, instructions
    )


@lru_cache(maxsize=4096)
def _prefix(
    name: str,
    cast: tuple[str, ...],
    persona: str,
    goal: str,
    premise: str,
    known: str,
    variables: tuple[Variable, ...],
    instructions: tuple[str, ...],
) -> Message:
    others = ", ".join(other for other in cast if other != name)
    parts = [
        f"You are {name}. {persona}".strip(),
        f"What you want: {goal}" if goal else "",
        f"The others: {others}." if others else "",
        premise,
        f"What you alone know:\n{known}" if known else "",
        text("frame.md"),
        *instructions,
        "\n".join(["What can be believed, and its values:", *map(_values, variables)]) if variables else "",
    ]
    return Message("system", "\n\n".join(part for part in parts if part))


def _values(variable: Variable) -> str:
    return f"- {variable.name}: {', '.join(variable.values)}"


def tail(moment: Moment, questions: Iterable[str]) -> str:
    """The moment: where one stands, the inner elements chosen for it, and what is asked."""
    seen = moment.seen
    here = ", ".join(name for name in seen.present if name != seen.participant)
    parts = [f"It is turn {seen.turn}. With you now: {here or 'nobody'}."]
    if seen.observation is not seen.opening and seen.observation.text and seen.observation != seen.opening:
        parts.append(f"What you see now: {seen.observation.text}")
    if seen.pause:
        seconds = f" ({seen.pause_s:g} seconds)" if seen.pause_s else ""
        turns = "a turn" if seen.pause == 1 else f"{seen.pause} turns"
        parts.append(f"Nobody has said or done anything for {turns}{seconds}.")
    if moment.inner:
        parts.append("\n".join(["On your mind:", *(f"- {_inner(element, moment)}" for element in moment.inner)]))
    parts += [question for question in questions if question]
    parts.append(f"Answer as {seen.participant}, with one JSON object.")
    return "\n\n".join(parts)


def _inner(element: Element, moment: Moment) -> str:
    """An inner element with what it may be called by: a thought's label, a memory's id."""
    if element.kind == "thought":
        label = next((label for label, name in moment.labels.items() if name == element.ref), element.ref)
        return f"{label} (a thought of yours): {element.text}"
    return f"{element.ref} (a memory): {element.text}" if element.kind == "memory" else element.text
