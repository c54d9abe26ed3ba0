"""The faculties we ship, and how to add one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.metadata import entry_points
from itertools import pairwise

from tertulia.mind.faculties.appraise import Appraise
from tertulia.mind.faculties.believe import Believe
from tertulia.mind.faculties.dial import Dial
from tertulia.mind.faculties.interpret import Interpret
from tertulia.mind.faculties.mirror import Mirror
from tertulia.mind.faculties.perceive import Perceive
from tertulia.mind.faculties.react import React
from tertulia.mind.faculties.recall import Recall
from tertulia.mind.faculties.reflect import Reflect
from tertulia.mind.faculties.speak import Speak
from tertulia.mind.faculties.tend import Tend
from tertulia.mind.faculties.think import Think
from tertulia.mind.faculties.workspace import Workspace
from tertulia.mind.faculty import Faculty
from tertulia.mind.spec import PHASES

SHIPPED: dict[str, type[Faculty]] = {
    kind.name: kind
    for kind in (
        Perceive, Tend, Interpret, Recall, Believe, Mirror, Workspace, Think, React, Reflect, Appraise, Dial, Speak,
    )
}  # fmt: skip
GROUP = "tertulia.faculties"
"""The entry-point group under which a package offers faculties of its own."""


def faculty_names() -> list[str]:
    """All faculties a scenario may name, ours first."""
    return [*SHIPPED, *sorted(entry.name for entry in entry_points(group=GROUP))]


def find_faculty(name: str) -> type[Faculty]:
    """The class behind a name. Raises `LookupError` for a name nobody offers."""
    if name in SHIPPED:
        return SHIPPED[name]
    for entry in entry_points(group=GROUP):
        if entry.name == name:
            found: type[Faculty] = entry.load()
            return found
    raise LookupError(f"no faculty {name!r}; there are {', '.join(faculty_names())}")


def in_order(names: Iterable[str]) -> list[str]:
    """The same faculties by phase; those of one phase keep the order given. `LookupError` for a name nobody offers."""
    return sorted(names, key=lambda name: PHASES.index(find_faculty(name).phase))


def make_faculties(names: Sequence[str]) -> tuple[Faculty, ...]:
    """Instances in the order given. Raises `ValueError` when the list breaks the order of phases or repeats one."""
    made = tuple(find_faculty(name)() for name in names)
    if len(set(names)) != len(names):
        raise ValueError(f"a faculty stands twice in {', '.join(names)}")
    for before, after in pairwise(made):
        if PHASES.index(after.phase) < PHASES.index(before.phase):
            raise ValueError(f"{after.name} works before {before.name}; the order is {', '.join(PHASES)}")
    return made
