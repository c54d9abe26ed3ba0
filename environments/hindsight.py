"""Gold of a logged episode, asked afterwards: along any chain, about any variable, at any turn, by any trust rule."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from tertulia.environments.gold import Golden, rule_named
from tertulia.environments.gold.ledger import GoldLedger, agree
from tertulia.environments.restore import RestoreError, stage_of
from tertulia.environments.seeing import by_event
from tertulia.storage.log import Log
from tertulia.storage.nearest import nearest
from tertulia.storage.rows import WORLD, ClaimRow, EpisodeRow, EventRow, GoldRow, TurnRow, Variable, WitnessRow


@dataclass(frozen=True, slots=True)
class Held:
    """What should be believed along one chain about one variable; for the chain `world`, what is so."""

    chain: str
    variable: str
    distribution: dict[str, float]
    basis: str
    established: str | None
    source: str | None
    """The event (`turn.ordinal`) that moved it last."""
    robust: bool | None
    """Whether all rules agree; None for the chain `world`."""


class Hindsight:
    """One logged episode, its events taken in once. Beliefs of a turn cover all events before it.

    Raises `RestoreError` where the world does not begin as it did when the episode was played.
    """

    def __init__(self, log: Log, row: EpisodeRow) -> None:
        self.row = row
        self._stage = stage_of(log, row)
        self._stage.open()
        begun = next((turn.state_hash for turn in log.rows(TurnRow, row.id) if turn.turn == 0), None)
        if begun not in (None, self._stage.state_hash()):
            raise RestoreError(
                f"episode {row.id} begins otherwise than it did when it was played; was the code or a file changed?"
            )
        self.cast = tuple(self._stage.seats)
        self.rule = self._stage.scenario.gold.rule
        happened = by_event(log.rows(EventRow, row.id), log.rows(WitnessRow, row.id), log.rows(ClaimRow, row.id))
        self._turns = [one.event.turn for one in happened]
        opened = bisect_left(self._turns, 1)
        self._ledger().take_in(happened[opened:])
        self._truths = [one for one in log.rows(GoldRow, row.id, chain=WORLD) if one.probability == 1.0]

    @property
    def variables(self) -> tuple[Variable, ...]:
        """Those that have gold: not those about somebody's next act."""
        return tuple(one for one in self._ledger().variables.values() if not one.momentary)

    def _ledger(self) -> GoldLedger:
        assert self._stage.gold is not None, "an open stage has a ledger"
        return self._stage.gold

    def variable(self, name: str) -> Variable:
        """Raises `LookupError` where there is none, or none with gold."""
        found = self._ledger().variables.get(name)
        if found is None:
            raise LookupError(f"no variable '{name}'; {nearest(name, [one.name for one in self.variables])}")
        if found.momentary:
            raise LookupError(f"'{name}' is somebody's next act, and has no gold")
        return found

    def held(self, chain: str, variable: Variable, turn: int, rule: str | None = None) -> Held:
        """What should be believed at a turn. Raises `LookupError` for an unknown name or rule."""
        if chain == WORLD:
            return self._truth(variable, turn)
        upto = bisect_left(self._turns, turn)
        name = rule_named(rule or self.rule).name
        all_rules = {each: gold.belief(chain, variable.name, upto) for each, gold in self._ledger().by_rule.items()}
        held: Golden = all_rules[name]
        shares = dict(zip(variable.values, held.probabilities, strict=True))
        robust = all(agree(held, other) for other in all_rules.values())
        return Held(chain, variable.name, shares, held.basis, held.established, held.source, robust)

    def _truth(self, variable: Variable, turn: int) -> Held:
        rows = [one for one in self._truths if one.variable == variable.name and one.turn <= turn]
        true = max(rows, key=lambda one: one.turn).value if rows else None
        shares = {value: float(value == true) for value in variable.values} if rows else {}
        return Held(WORLD, variable.name, shares, WORLD, None, None, None)

    def all_held(
        self,
        chains: Sequence[str] = (),
        variables: Sequence[str] = (),
        turn: int | None = None,
        rule: str | None = None,
    ) -> list[Held]:
        """For each chain (by default everybody's own) and variable (by default all that are its business)."""
        at = self.row.head + 1 if turn is None else turn
        wanted = tuple(self.variable(name) for name in variables) or self.variables
        return [
            self.held(chain, variable, at, rule)
            for chain in chains or self.cast
            for variable in wanted
            if variables or variable.holder is None or variable.holder == chain.split(">")[0]
        ]
