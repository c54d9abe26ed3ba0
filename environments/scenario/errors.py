"""What is wrong with a scenario: one line each, saying where, what, and what would be right."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong. `where` is a file, or the option it came from (`-S`); `line` counts from 1."""

    where: str
    line: int | None
    key: str
    wrong: str
    right: str

    def __str__(self) -> str:
        if self.line is None:
            place = f"{self.where} {self.key}" if self.where.startswith("-") else f"{self.where}: {self.key}"
        else:
            place = f"{self.where}:{self.line}: {self.key}"
        text = ": ".join(part for part in (place.rstrip(": "), f"{self.wrong}; {self.right}") if part)
        return "".join(one if one.isprintable() else _escaped(one) for one in text)


def _escaped(character: str) -> str:
    """What a file says must not break the line, nor reach the terminal as a control sequence."""
    return character.encode("unicode_escape").decode()


class ScenarioError(ValueError):
    """A scenario that cannot be played; `str` is one line for each of its `problems`, in the order of the file."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))
