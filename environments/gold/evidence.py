"""Evidence: an event as gold reads it, with who got its content and who noticed whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import combinations

from tertulia.environments.seeing import Happened
from tertulia.storage.rows import ClaimRow, Variable
from tertulia.storage.seen import SPEECH


@dataclass(frozen=True, slots=True)
class Evidence:
    """One event. `content` are those who got all of it; `noticed_by[w]` those who noticed `w` among the witnesses."""

    id: str
    """`turn.ordinal`."""
    turn: int
    kind: str
    actor: str | None
    place: str | None
    content: frozenset[str]
    noticed_by: Mapping[str, frozenset[str]]
    claims: tuple[ClaimRow, ...]

    @property
    def told(self) -> bool:
        """Whether its claims are somebody's word, to be believed or not."""
        return self.kind in SPEECH

    def along(self, names: tuple[str, ...]) -> bool:
        """Whether it counts along a chain: all in it got the content, and each noticed all that come after it."""
        return self.content.issuperset(names) and all(
            before == name or before in self.noticed_by[name] for before, name in combinations(names, 2)
        )

    def among(self, group: frozenset[str]) -> bool:
        """Whether it is joint evidence of a group: all got the content, and each noticed every other."""
        return self.content >= group and all(group - {name} <= self.noticed_by[name] for name in group)

    def noticed_along(self, names: tuple[str, ...]) -> Evidence:
        """The same with only those witnesses whom all of `names` noticed (each of them notices itself)."""
        content = frozenset(
            one for one in self.content if all(name == one or name in self.noticed_by[one] for name in names)
        )
        if content == self.content:
            return self
        return replace(self, content=content, noticed_by={one: self.noticed_by[one] & content for one in content})

    def read_with(self, variables: Mapping[str, Variable]) -> Evidence:
        """The same with the claims that can be about something: those about other variables, or values that these
        cannot have, say nothing. What one who always knows the value (`known_to`) believes of it is the value itself:
        everybody knows that they know."""
        claims = tuple(
            claim.model_copy(update={"believer": None})
            if claim.believer in variables[claim.variable].known_to
            else claim
            for claim in self.claims
            if claim.variable in variables and claim.value in variables[claim.variable].values
        )
        return self if claims == self.claims else replace(self, claims=claims)


def evidence_of(happened: Happened) -> Evidence:
    """What gold reads of an event of the log."""
    event = happened.event
    return Evidence(
        id=f"{event.turn}.{event.ordinal}",
        turn=event.turn,
        kind=event.kind,
        actor=event.actor,
        place=event.place,
        content=frozenset(w.participant for w in happened.witnesses if w.level == "content"),
        noticed_by={w.participant: frozenset(w.noticed_by) for w in happened.witnesses if w.level == "content"},
        claims=tuple(happened.claims),
    )
