"""Rules that play mutual friends: exact beliefs, the most telling facts first, a selection once sure."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from random import Random
from typing import Any, Self

from tertulia.environments.world import Candidate, Pass, RulesPolicy, Stance, Stated, World
from tertulia.environments.worlds.mutual_friends.candidates import candidates
from tertulia.environments.worlds.mutual_friends.language import Language
from tertulia.environments.worlds.mutual_friends.posterior import Likelihood
from tertulia.environments.worlds.mutual_friends.schema import Schema, load_schema
from tertulia.environments.worlds.mutual_friends.speaking import Speaking, described, share_of
from tertulia.environments.worlds.mutual_friends.table import Table
from tertulia.environments.worlds.mutual_friends.world import OTHER, MutualFriends
from tertulia.storage.seen import Claim, Seen


class MutualFriendsRules(RulesPolicy):
    """Plays for whoever it is shown the world through; truthful, and takes what it hears as the literal truth.

    `schema` is the vocabulary it understands in other people's sentences. `render` and `parse` speak of everybody by
    name; in play, the rules speak in the first person.
    """

    def __init__(self, schema: Schema | None = None) -> None:
        self.schema = schema or load_schema(None)
        self._languages: dict[str | None, Language] = {}

    @classmethod
    def of(cls, world: World[Any]) -> Self:
        """With the words of this world's schema."""
        return cls(world.schema if isinstance(world, MutualFriends) else None)

    def consider(self, seen: Seen, rng: Random) -> Stance:
        """Beliefs on `NAME.friend` up to `seen.order`, and candidates, best first. Draws nothing from `rng`."""
        table = Table.of(seen, lambda text, speaker: self.language(speaker).parse(text))
        if table is None:
            return Stance(candidates=(_wait("There is nothing here for me to go by."),))
        beliefs, heard = table.own_beliefs()
        told = table.likelihood(table.me)
        speaking = Speaking(table.game, table.rows, beliefs, told, heard)
        found = candidates(table, speaking, self.language(table.me), seen)
        return Stance(
            beliefs=self._beliefs(seen, table, speaking, heard, told) if seen.variables else (),
            candidates=tuple(sorted(found, key=lambda c: -c.motivation)),
        )

    def _beliefs(
        self, seen: Seen, table: Table, speaking: Speaking, heard: Likelihood, told: Likelihood
    ) -> tuple[Stated, ...]:
        """Along each chain, over my labels and `other`.

        `a`: the posterior. `a>b`: what I expect B to have inferred; B can only weigh a row he holds, so each of my rows
        gets my belief in it times `Speaking.inferred`. `a&b`: the public posterior. `a>b>a`: what I expect B to take me
        to have inferred, the same with our parts exchanged: what B said, weighed against a list as I described mine.
        """
        me, partner = table.me, table.partner
        variable = f"{me}.friend"
        if all(v.name != variable for v in seen.variables):
            return ()
        chains = {me: speaking.beliefs}
        if seen.order >= 2:
            chains[f"{me}>{partner}"] = _times(speaking.beliefs, speaking.inferred)
            chains[f"{me}&{partner}"] = table.common_ground()
        if seen.order >= 3:
            mirrored = share_of(table.game, table.rows, heard, described(table.game, told, heard))
            chains[f"{me}>{partner}>{me}"] = _times(speaking.beliefs, mirrored)
        last = table.talk[-1].event.id if table.talk else None
        source = next((u.event.id for u in reversed(table.talk) if u.speaker == partner), None)
        return tuple(
            Stated(
                chain=chain,
                variable=variable,
                probabilities=_over(table.labels, chances),
                source=source if chain == me else last,
            )
            for chain, chances in chains.items()
        )

    def language(self, speaker: str | None) -> Language:
        """English as `speaker` uses it; None: everybody by name."""
        if speaker not in self._languages:
            self._languages[speaker] = Language(self.schema, speaker)
        return self._languages[speaker]

    def render(self, claims: Sequence[Claim]) -> str:
        return self.language(None).render(claims)

    def parse(self, text: str) -> tuple[Claim, ...]:
        return self.language(None).parse(text)


def _wait(gloss: str) -> Candidate:
    return Candidate(gloss=gloss, act=Pass(), motivation=1.0)


def _times(one: Sequence[float], two: Sequence[float]) -> list[float]:
    return [p * q for p, q in zip(one, two, strict=True)]


def _over(labels: Sequence[str], chances: Sequence[float]) -> dict[str, float]:
    """A distribution over the labels and `other`, which takes what is missing to 1."""
    rest = 1.0 - fsum(chances)
    rest = rest if rest > 1e-12 else 0.0  # below that it is rounding
    whole = fsum((*chances, rest))
    return {**{label: p / whole for label, p in zip(labels, chances, strict=True)}, OTHER: rest / whole}
