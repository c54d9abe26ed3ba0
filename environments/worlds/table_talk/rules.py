"""The rules policy of table talk: it says only what it knows or witnessed, to those who lack it, when it matters."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from random import Random
from typing import Any, ClassVar, Self

from tertulia.environments.world import Candidate, Claim, RulesPolicy, Stance, Stated, Variable, World
from tertulia.environments.worlds.table_talk.acts import Part
from tertulia.environments.worlds.table_talk.filter import Filter, Held, chains
from tertulia.environments.worlds.table_talk.mirroring import mirroring
from tertulia.environments.worlds.table_talk.remarks import Talk, remarks
from tertulia.environments.worlds.table_talk.words import Phrasebook
from tertulia.storage.seen import SILENCE, Seen

PARTING = 3.6
"""The motivation to part once nothing is left to say: just above the usual threshold for taking the floor (3.5)."""


class TableTalkRules(RulesPolicy):
    """Extractive and honest: never invents, never says a secret to those not in the know, passes when all is said.

    Whispers secrets to those it confides in; answers questions that name a variable it is sure of; what it was
    itself told in a whisper it keeps. Beliefs are those of `Filter`. Where the mind discloses, it asks itself first
    whether what it takes another to believe is so (`mirroring`).
    """

    takes_beliefs: ClassVar[bool] = True

    def __init__(self, variables: Iterable[Variable] = (), names: Iterable[str] = ()) -> None:
        self.book = Phrasebook((variable.model_copy(update={"truth": None}) for variable in variables), names)

    @classmethod
    def of(cls, world: World[Any]) -> Self:
        """Takes over names, values and sentences of the world's variables, not their truth."""
        book = getattr(world, "book", Phrasebook(()))
        return cls(book.variables.values(), book.names)

    def consider(self, seen: Seen, rng: Random) -> Stance:
        book = self.book if self.book.variables else Phrasebook(seen.variables, seen.cast)
        private = seen.observation.data
        sure, held = private.get("knows", {}), private.get("believes", {})
        filtered = Filter(seen, list(book.variables.values()), sure, held)
        talk = Talk(seen, filtered, book)
        candidates = (remarks(talk, *mirroring(talk)) if seen.discloses else remarks(talk)) if seen.can_act else []
        if seen.can_act and not candidates and private.get("parting") and _nothing_left(seen):
            candidates = [Candidate(gloss="Everything is said; we can part.", act=Part(), motivation=PARTING)]
        return Stance(beliefs=tuple(_beliefs(seen, filtered)), candidates=tuple(candidates))

    def render(self, claims: Sequence[Claim]) -> str:
        return self.book.render(claims)

    def parse(self, text: str) -> tuple[Claim, ...]:
        return self.book.parse(text)


def _nothing_left(seen: Seen) -> bool:
    """Whether nobody had anything to say last turn, or others are ready to part; and I have not said so yet."""
    last = max((event.turn for event in seen.events if event.kind not in ("part", SILENCE)), default=0)
    parted = {event.actor for event in seen.events if event.kind == "part" and event.turn >= last}
    quiet = seen.turn >= 2 and last < seen.turn - 1
    return (quiet or bool(parted)) and seen.participant not in parted


def _beliefs(seen: Seen, filtered: Filter) -> Iterable[Stated]:
    me = seen.participant
    for chain in chains(me, seen.cast, seen.order):
        minds = filtered.along(chain)
        yield from (_stated(">".join(chain), variable, minds[variable.name]) for variable in seen.variables)
    if seen.order >= 2:
        for other in seen.cast:
            if other != me:
                ground = filtered.ground(other)
                yield from (_stated(f"{me}&{other}", v, ground[v.name]) for v in seen.variables)


def _stated(chain: str, variable: Variable, held: Held) -> Stated:
    probabilities = dict(zip(variable.values, held.probabilities, strict=True))
    return Stated(chain=chain, variable=variable.name, probabilities=probabilities, source=held.source)
