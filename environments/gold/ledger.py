"""An episode's gold, turn by turn: what should be believed along every chain a mind may hold, as rows of the log."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from tertulia.environments.gold.engine import Given, Gold
from tertulia.environments.gold.evidence import Evidence, evidence_of
from tertulia.environments.gold.held import Golden
from tertulia.environments.gold.trust import RULES, rule_named
from tertulia.environments.seeing import Happened
from tertulia.storage.rows import GoldRow, Variable

Item = tuple[str, str]
"""A chain and a variable."""
SAME = 1e-9
"""Up to this difference of probabilities two rules agree: they may have ruled values out in another order."""


class GoldLedger:
    """Gold of one episode under every rule of `RULES`; `rule` names the one whose distributions are written.

    `asked` are the chains and variables to keep, in the order of the rows. Only a claim about a variable moves what is
    held about it, so that a turn without claims costs next to nothing. Raises `LookupError` for an unknown rule.
    """

    def __init__(
        self,
        episode: str,
        cast: Sequence[str],
        variables: Iterable[Variable],
        asked: Iterable[Item],
        *,
        rule: str,
        knows: Mapping[str, Mapping[str, str]] | None = None,
        prior: Mapping[str, Given] | None = None,
    ) -> None:
        self.episode, self.rule = episode, rule_named(rule).name
        declared = tuple(variables)
        self.variables = {variable.name: variable for variable in declared}
        self.by_rule = {name: Gold(cast, declared, each, knows=knows, prior=prior) for name, each in RULES.items()}
        self._asked: dict[str, list[str]] = {}
        for chain, variable in asked:
            self._asked.setdefault(variable, []).append(chain)
        self._written: dict[Item, tuple[Golden, bool]] = {}
        self._moved = set(self._asked)

    def take_in(self, events: Iterable[Happened]) -> None:
        """Let these events have happened, oldest first. All rules share the evidence."""
        evidence: list[Evidence] = [evidence_of(one) for one in events]
        for gold in self.by_rule.values():
            gold.take_in(evidence)
        self._moved.update(claim.variable for one in evidence for claim in one.claims)

    def rows(self, turn: int) -> list[GoldRow]:
        """What changed since it was last written, at the first call everything: distribution, basis, source or
        whether all rules agree. It covers the events taken in so far; whole distributions."""
        rows: list[GoldRow] = []
        for variable, chains in self._asked.items():
            if variable not in self._moved:
                continue
            for chain in chains:
                found = self.item(chain, variable)
                if self._written.get((chain, variable)) != found:
                    self._written[chain, variable] = found
                    rows += self._as_rows(turn, chain, variable, *found)
        self._moved.clear()
        return rows

    def unwritten_but(self, written: Collection[Item]) -> None:
        """Take everything but these items for unwritten: a fork may ask for chains that its parent did not keep."""
        for item in [item for item in self._written if item not in written]:
            del self._written[item]
            self._moved.add(item[1])

    def item(self, chain: str, variable: str) -> tuple[Golden, bool]:
        """What should be believed now under the ledger's rule, and whether all rules agree. Deeper chains than those
        asked for may be asked too. Raises `LookupError`."""
        headline = self.by_rule[self.rule].belief(chain, variable)
        others = (gold.belief(chain, variable) for name, gold in self.by_rule.items() if name != self.rule)
        return headline, all(agree(headline, other) for other in others)

    def _as_rows(self, turn: int, chain: str, variable: str, held: Golden, robust: bool) -> list[GoldRow]:
        return [
            GoldRow.made(
                episode=self.episode, turn=turn, chain=chain, variable=variable, value=value, rule=self.rule,
                probability=probability, basis=held.basis, robust=robust, established=held.established,
                source_event=held.source,
            )
            for value, probability in zip(self.variables[variable].values, held.probabilities, strict=True)
        ]  # fmt: skip


def agree(one: Golden, other: Golden) -> bool:
    """Whether two rules come to the same distribution, whatever each rests on."""
    if one.probabilities == other.probabilities:
        return True
    return all(abs(p - q) <= SAME for p, q in zip(one.probabilities, other.probabilities, strict=True))
