"""Rules that answer as gold would, from nothing but what their seat saw of the story."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from random import Random
from typing import Any, Self

from tertulia.environments.gold import Evidence, Gold, Golden, rule_named
from tertulia.environments.stories.story import WORLD
from tertulia.environments.world import Candidate, Claim, RulesPolicy, Stance, Stated, Variable, World
from tertulia.environments.worlds.story.asking import answers_to
from tertulia.environments.worlds.story.words import Phrases
from tertulia.storage.rows import ClaimRow
from tertulia.storage.seen import Seen, SeenEvent


class StoryRules(RulesPolicy):
    """Works out who saw and heard what, as gold does; certain of what follows, and the likeliest option elsewhere."""

    def __init__(self, variables: Iterable[Variable] = ()) -> None:
        self.phrases = Phrases(variables)

    @classmethod
    def of(cls, world: World[Any]) -> Self:
        """Takes over how the world's variables are called and put into words, not their truth."""
        named = getattr(world, "story", None)
        return cls(variable.model_copy(update={"truth": None}) for variable in named.variables) if named else cls()

    def consider(self, seen: Seen, rng: Random) -> Stance:
        replay = Replay(seen)
        beliefs = [_stated(seen.participant, variable, replay) for variable in seen.variables]
        asked = next((event for event in reversed(seen.events) if event.kind == "ask"), None)
        if not seen.can_act or asked is None:
            return Stance(beliefs=tuple(beliefs))
        return Stance(beliefs=tuple(beliefs), candidates=tuple(_candidates(asked, replay)))

    def render(self, claims: Sequence[Claim]) -> str:
        return self.phrases.render(claims)

    def parse(self, text: str) -> tuple[Claim, ...]:
        return self.phrases.parse(text)


def _stated(seat: str, variable: Variable, replay: Replay) -> Stated:
    held = replay.held(replay.viewer or WORLD, variable.name, None)
    probabilities = dict(zip(variable.values, held.probabilities, strict=True))
    return Stated(chain=seat, variable=variable.name, probabilities=probabilities, source=held.source)


def _candidates(asked: SeenEvent, replay: Replay) -> Iterable[Candidate]:
    """The answer that follows, and the next likeliest as an afterthought."""
    options, variable = asked.data["options"], asked.data["variable"]
    held = replay.held(asked.data["chain"], variable, asked.data["remembered"])
    likely = dict(zip(replay.values[variable], held.probabilities, strict=True))
    ranked = sorted(options, key=lambda option: (-likely.get(option, 0.0), option))
    answer_type = answers_to(tuple(options)).model_fields["root"].annotation
    assert answer_type is not None
    sure = max(likely.values()) == 1.0
    for option, motivation in zip(ranked[:2], (5.0, 2.0), strict=False):
        how = "It must be" if sure and option == ranked[0] else "It may be"
        yield Candidate(
            gloss=f"{how} {option}.", act=answer_type(answer=option), stimuli=(asked.id,),
            scores={"relevance": 5.0 if option == ranked[0] else 2.0}, motivation=motivation,
        )  # fmt: skip


class Replay:
    """What a seat saw of the story, played again for gold."""

    def __init__(self, seen: Seen) -> None:
        private = seen.observation.data
        self.viewer: str | None = private.get("viewer")
        self.values: dict[str, list[str]] = private.get("values", {})
        self._rule = rule_named(private.get("rule", "credulous"))
        self._evidence = [
            _evidence(event, number, one)
            for event in seen.events
            for number, one in enumerate(event.data.get("story", ()))
        ]

    def held(self, chain: str, variable: str, remembered: int | None) -> Golden:
        """What is held along a chain after the first `remembered` events (None: all). `world` is what was last seen to
        be so: for one who watches, the truth."""
        evidence = self._evidence[:remembered]
        variables = [Variable(name=name, values=tuple(values)) for name, values in self.values.items()]
        if chain == WORLD:
            return self._watched(variable, evidence)
        names = dict.fromkeys([*chain.split(">"), *(n for one in evidence for n in sorted(one.content))])
        gold = Gold(tuple(names), variables, self._rule)
        gold.take_in(evidence)
        return gold.belief(chain, variable)

    def _watched(self, variable: str, evidence: Sequence[Evidence]) -> Golden:
        values = self.values[variable]
        for one in reversed(evidence):
            for claim in reversed(one.claims):
                if not one.told and claim.variable == variable and claim.holds and claim.believer is None:
                    at = tuple(float(value == claim.value) for value in values)
                    return Golden(at, "witnessed", None, one.id)
        return Golden((1.0 / len(values),) * len(values))


def _evidence(event: SeenEvent, number: int, one: Mapping[str, Any]) -> Evidence:
    """An event of the story as gold reads it, from what the seat noticed of it."""
    content, unnoticed = one["content"], one["unnoticed"]
    others = {name: frozenset(other for other in content if other != name) for name in content}
    claims = tuple(
        ClaimRow(
            episode="", turn=event.turn, event=number, ordinal=ordinal, speaker=one["actor"],
            variable=claim["variable"], value=claim["value"], holds=claim["holds"], believer=claim["believer"],
            established="scripted",
        )
        for ordinal, claim in enumerate(one["claims"])
    )  # fmt: skip
    return Evidence(
        id=event.id, turn=event.turn, kind=one["kind"], actor=one["actor"], place=one["place"],
        content=frozenset(content),
        noticed_by={name: frozenset() if name in unnoticed else others[name] for name in content}, claims=claims,
    )  # fmt: skip
