"""Gold: what each participant should believe, computed from witnesses and claims, with no judge and no model.

`docs/gold.md` says what it means. `Gold` answers for one trust rule; `GoldLedger` keeps an episode's gold under all
rules.
"""

from tertulia.environments.gold.engine import Gold
from tertulia.environments.gold.evidence import Evidence, evidence_of
from tertulia.environments.gold.held import Golden
from tertulia.environments.gold.ledger import GoldLedger
from tertulia.environments.gold.trust import RULES, Scene, TrustRule, rule_named

__all__ = ["RULES", "Evidence", "Gold", "GoldLedger", "Golden", "Scene", "TrustRule", "evidence_of", "rule_named"]
