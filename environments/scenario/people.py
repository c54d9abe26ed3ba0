"""The key `people` of a scenario: the text of its consent is read from its file, and its questions must be askable."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

from tertulia.environments.people.consent import ConsentText
from tertulia.environments.people.spec import HUMAN, SELF, PersonQuestion
from tertulia.environments.scenario.model import Scenario
from tertulia.environments.scenario.source import KeyPath, Source
from tertulia.storage.nearest import nearest
from tertulia.storage.rows import Variable

_DEEPEST = 4
Wrong = Callable[[KeyPath, str, str], None]
"""Notes a problem: where, what is wrong, what would be right."""


def read_people(source: Source, own: dict[str, Any], wrong: Wrong) -> None:
    """Put the text of `people.consent` in the place of its path. Relative paths begin at the file's folder, and those
    typed after `-S` at the current one."""
    people = own.get("people")
    if not isinstance(people, dict) or not isinstance(people.get("consent"), str):
        return
    path = ("people", "consent")
    typed = path in source.options or ("people",) in source.options
    base = source.option_base or Path.cwd() if typed else source.base
    given = people["consent"]
    try:
        text = ((base or Path.cwd()) / given).read_bytes().decode()
        own["people"] = {**people, "consent": ConsentText.of(text).model_dump()}
        return
    except FileNotFoundError:
        wrong(path, f"there is no file '{given}'", "give the path of the text that people agree to")
    except OSError as error:
        wrong(path, f"'{given}' cannot be read ({error.strerror})", "give the path of a text file")
    except UnicodeDecodeError:
        wrong(path, f"'{given}' is not UTF-8", "save it in the encoding UTF-8")
    except ValueError as error:
        what, _, right = str(error).partition("; ")
        wrong(path, f"'{given}': {what}", right)
    own["people"] = {key: value for key, value in people.items() if key != "consent"}


def check_people(scenario: Scenario, wrong: Wrong) -> None:
    """Questions name variables that there are, along chains of those who take part."""
    if not scenario.people.questions:
        return
    world = scenario.build_world()
    state, _ = world.reset(Random(0))
    variables = {one.name: one for one in world.variables(state)}
    for index, question in enumerate(scenario.people.questions):
        _check(question, ("people", "questions", index), scenario, variables, wrong)


def _check(
    question: PersonQuestion, path: KeyPath, scenario: Scenario, variables: dict[str, Variable], wrong: Wrong
) -> None:
    names = list(scenario.names)
    if question.about not in variables:
        wrong((*path, "about"), f"no variable '{question.about}'", nearest(question.about, list(variables)))
    elif variables[question.about].momentary:
        wrong((*path, "about"), f"'{question.about}' is about a single act", "ask about one that lasts")
    links = question.of.split(">")
    strange = next((one for one in links if one not in (SELF, *names)), None)
    if strange is not None:
        wrong((*path, "of"), f"no participant '{strange}'", nearest(strange, [SELF, *names]))
    elif any(one == other for one, other in pairwise(links)):
        wrong((*path, "of"), "nobody follows itself in a chain", "write names from outside to inside: alice>self")
    elif len(links) > _DEEPEST - 1:
        wrong((*path, "of"), f"a chain of {len(links)} names", f"give at most {_DEEPEST - 1}")
    for place, name in enumerate(question.to or ()):
        if name not in names:
            wrong((*path, "to", place), f"no participant '{name}'", nearest(name, names))
        elif scenario.model_of(name) != HUMAN:
            wrong((*path, "to", place), f"{name} is no person here", f"set participants.{name}.model to {HUMAN}")
