"""The table as one participant sees it: own rows, and what each has claimed, told in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tertulia.environments.worlds.mutual_friends.posterior import (
    Game,
    Likelihood,
    Row,
    gather,
    own_posterior,
    public_posterior,
)
from tertulia.storage.seen import Claim, Seen, SeenEvent

Reader = Callable[[str, str], tuple[Claim, ...]]
"""(text, speaker) -> the claims of a text that came without any"""


@dataclass(frozen=True)
class Utterance:
    """Something said, with its claims about the speaker's own list."""

    event: SeenEvent
    speaker: str
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Table:
    """Everything of `Seen` that matters here. `selected` is my latest selection (a label)."""

    me: str
    partner: str
    game: Game
    rows: tuple[Row, ...]
    labels: tuple[str, ...]
    selected: str | None
    talk: tuple[Utterance, ...]
    partner_selected: SeenEvent | None
    """The partner's latest selection, where no verdict "not the same" has come after it."""
    differ: SeenEvent | None
    """The verdict that the selections are not of the same friend, where nobody has selected anew since."""

    @classmethod
    def of(cls, seen: Seen, read: Reader) -> Table | None:
        """None where the observation holds no list of friends."""
        data = seen.observation.data
        partner = next((name for name in seen.cast if name != seen.participant), None)
        if partner is None or not {"attributes", "labels", "rows", "n", "values_in_play", "alpha"} <= data.keys():
            return None
        talk = tuple(
            Utterance(event, event.actor, event.claims or read(event.text, event.actor))
            for event in seen.events
            if event.kind == "say" and event.level == "content" and event.actor in (seen.participant, partner)
        )
        selects = [e for e in seen.events if e.kind in ("select", "differ")]
        verdict = selects[-1] if selects and selects[-1].kind == "differ" else None
        latest = next((e for e in reversed(selects) if e.kind == "select" and e.actor == partner), None)
        rows = tuple(tuple(row) for row in data["rows"])
        game = Game(tuple(data["attributes"]), data["n"], tuple(data["values_in_play"]), tuple(data["alpha"]))
        table = cls(
            me=seen.participant, partner=partner, game=game, rows=rows, labels=tuple(data["labels"]),
            selected=data.get("selected"), talk=talk, partner_selected=None if verdict else latest, differ=verdict,
        )  # fmt: skip
        return table._widened()

    def _widened(self) -> Table:
        """With at least as many values in play as are known by name."""
        said = [gather(self.game, who, self.claims_of(who)) for who in (self.me, self.partner)]
        named = [
            [*(row[c] for row in self.rows), *(value for evidence in said for value in evidence.values(c))]
            for c in range(len(self.game.attributes))
        ]
        return Table(**{**self.__dict__, "game": self.game.widened(named)})

    def claims_of(self, who: str) -> list[Claim]:
        return [claim for utterance in self.talk if utterance.speaker == who for claim in utterance.claims]

    def likelihood(self, who: str, claims: Sequence[Claim] | None = None) -> Likelihood:
        """Of everything `who` said, or of `claims`."""
        said = self.claims_of(who) if claims is None else claims
        return Likelihood(self.game, gather(self.game, who, said))

    def own_beliefs(self) -> tuple[list[float], Likelihood]:
        """My posterior over my rows. Where what the partner said cannot all be true, the oldest of it is doubted."""
        claims = self.claims_of(self.partner)
        for doubted in range(len(claims) + 1):
            said = self.likelihood(self.partner, claims[doubted:])
            beliefs = own_posterior(self.rows, said)
            if beliefs is not None:
                return beliefs, said
        raise AssertionError("nothing said is always possible")

    def common_ground(self) -> list[float]:
        """The public posterior over my rows, the oldest claims doubted where not all can be true."""
        spoken = [(u.speaker, claim) for u in self.talk for claim in u.claims]
        for doubted in range(len(spoken) + 1):
            mine, theirs = (
                self.likelihood(who, [claim for speaker, claim in spoken[doubted:] if speaker == who])
                for who in (self.me, self.partner)
            )
            beliefs = public_posterior(self.rows, mine, theirs)
            if beliefs is not None:
                return beliefs
        raise AssertionError("nothing said is always possible")

    def last_said(self, who: str) -> Utterance | None:
        return next((utterance for utterance in reversed(self.talk) if utterance.speaker == who), None)
