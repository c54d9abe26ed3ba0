"""Rules instead of a model: the world's own policy answers every faculty, exact and seeded, calling nothing."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from random import Random
from typing import Any, ClassVar

from pydantic import BaseModel

from tertulia.agents.backends.extractive import extract
from tertulia.agents.policy import Candidate, Policy, Ruled, Stance
from tertulia.mind.faculties.appraise import HEURISTICS, OpenThoughts
from tertulia.mind.faculties.believe import Held
from tertulia.mind.faculties.forming import LONGEST, NEW_LABELS, Ground
from tertulia.mind.faculties.interpret import LastWords
from tertulia.mind.faculties.mirror import Reflections, worth_checking
from tertulia.mind.faculties.speak import Occasion
from tertulia.mind.model import Reply, Request, T
from tertulia.mind.probing import ASK, PROBE, Question
from tertulia.storage.rows import CallRow
from tertulia.storage.types import dump_json, now, write_json

URI = "rules"
NO_FREE_QUESTIONS = "rules understand no free questions, only the names of variables; ask for `beliefs`, or a model"
_LONGEST_READING = 200
_SURE = 0.75
"""From this probability on, rules stand by a belief of their own when others speak of it."""

Formed = dict[str, str]
"""The thoughts formed in a request, by their labels in it."""


@dataclass(slots=True)
class RulesModel:
    """A `LanguageModel` for one seat in one turn. Its calls are rows of the turn: there is nothing to pay twice.

    `rng` is the seat's own generator of this turn. A faculty that rules know no answer for gets a declared fallback.
    """

    waits: ClassVar[bool] = False
    exact: ClassVar[bool] = True
    policy: Policy
    episode: str
    turn: int
    take: int
    participant: str
    rng: Random
    rows: list[CallRow] = field(default_factory=list)
    _stance: Stance | None = None

    async def ask(self, request: Request[T]) -> Reply[T]:
        """Answer from the policy's stance, which is considered once a turn."""
        started, clock = now(), time.perf_counter()
        given = [*request.inputs.values()][-1]
        if isinstance(given, Ruled):
            value = request.schema.model_validate(given.by_rules(self.rng))
            return Reply(value, self._log(request, started, clock, value, "ok", None), "rules")
        if self._stance is None:
            self._stance = self.policy.consider(request.seen, self.rng)
        unknown = [name for name in request.inputs if name not in _ANSWERS]
        if unknown:
            reason = f"rules have no answer for the faculty {unknown[0]!r}"
            call = self._log(request, started, clock, None, "fallback", reason)
            return Reply(None, call, "rules", reason)
        parts = _answer(self._stance, request.inputs)
        [*_, last] = request.inputs
        if last == ASK and parts[ASK]["answer"] is None:
            call = self._log(request, started, clock, None, "fallback", NO_FREE_QUESTIONS)
            return Reply(None, call, "rules", NO_FREE_QUESTIONS)
        fused = request.purpose not in (*request.inputs, PROBE)
        value = request.schema.model_validate(parts if fused else parts[last])
        call = self._log(request, started, clock, value, "ok", None)
        return Reply(value, call, "rules")

    def _log(
        self, request: Request[Any], started: Any, clock: float, value: BaseModel | None, status: str, error: str | None
    ) -> str:
        call = f"{self.turn}/{self.take}/{self.participant}/{request.purpose}/{request.ordinal}/0"
        row = CallRow.made(
            episode=self.episode, call=call, turn=self.turn, take=self.take, participant=self.participant,
            purpose=request.purpose, ordinal=request.ordinal, attempt=0, hash=_hash(request.schema.__name__), uri=URI,
            schema_name=request.schema.__name__, reply=_as_json(value),
            status=status, error=error, served_model=URI, cost_usd=0.0, started_at=started,
            latency_ms=1000 * (time.perf_counter() - clock),
        )  # fmt: skip
        self.rows.append(row)
        return call


def _as_json(value: BaseModel | None) -> str | None:
    return None if value is None else write_json(value.model_dump(mode="json", by_alias=True))


@cache
def _hash(schema: str) -> str:
    """Rules read no messages: what went in is the log itself, so the hash says which schema was answered."""
    return hashlib.sha256(dump_json([URI, schema]).encode()).hexdigest()


def _answer(stance: Stance, inputs: Mapping[str, BaseModel]) -> dict[str, Any]:
    """Faculty by faculty, in the order of their phases; later ones may name the thoughts formed by earlier ones."""
    formed: Formed = {}
    return {name: _ANSWERS[name](stance, given, formed) for name, given in inputs.items()}


def _believe(stance: Stance, held: Held, formed: Formed) -> dict[str, Any]:
    askable = {variable.name for variable in held.variables}
    changes = [
        {
            "variable": stated.variable,
            "chain": stated.chain,
            "percent": {value: 100 * probability for value, probability in stated.probabilities.items()},
        }
        for stated in stance.beliefs
        if stated.variable in askable and stated.chain in held.chains
    ]
    return {"changes": changes, "propositions": []}


def _mirror(stance: Stance, given: Reflections, formed: Formed) -> dict[str, Any]:
    held = {(stated.chain, stated.variable): stated.probabilities for stated in stance.beliefs}
    me = given.holder
    recognised = [
        {"told": label, "kind": _recognise(held.get((me, said.variable), {}), said.value, said.holds)}
        for label, said in given.told.items()
    ]
    revised = []
    for label, said in given.answers.items():
        model = held.get((f"{me}>{said.by}", said.variable))
        if model:
            mode = min(model, key=lambda value: (-model[value], value))
            revised.append({"answer": label, "value": mode, "percent": min(100.0, 100 * model[mode])})
    best = next((worth for worth in worth_checking(me, held) if worth.gap > 0), None)
    check = [] if best is None else [{"of": best.of, "variable": best.variable}]
    return {"check": check, "recognised": recognised, "revised": revised}


def _recognise(own: Mapping[str, float], value: str, holds: bool) -> str:
    """Confirm or correct by what one is sure of; resist what one has ruled out; else let it pass."""
    best = max(own, key=lambda one: (own[one], one), default="")
    if own.get(best, 0.0) >= _SURE:
        return "confirm" if (best == value) == holds else "correct"
    return "resist" if holds and own and own.get(value, 0.0) <= 1.0 - _SURE else "ignore"


def _interpret(stance: Stance, given: LastWords, formed: Formed) -> dict[str, Any]:
    """What the last words claim: rules read no more into them."""
    said = given.words[-1]
    claims = [f"{claim.variable} is {'' if claim.holds else 'not '}{claim.value}" for claim in said.claims]
    return {"interpretation": f"{said.actor} says: {', '.join(claims)}"[:_LONGEST_READING] if claims else ""}


def _think(stance: Stance, ground: Ground, formed: Formed) -> dict[str, Any]:
    drafts = _drafts(stance.candidates, ground, NEW_LABELS, formed)
    return {"thoughts": [{"system": candidate.system, **draft} for candidate, draft in drafts]}


def _react(stance: Stance, ground: Ground, formed: Formed) -> dict[str, Any]:
    quick = [candidate for candidate in stance.candidates if candidate.system == 1]
    return {"thoughts": [draft for _, draft in _drafts(quick, ground, NEW_LABELS[:1], formed)]}


def _reflect(stance: Stance, ground: Ground, formed: Formed) -> dict[str, Any]:
    considered = [candidate for candidate in stance.candidates if candidate.system == 2]
    return {"thoughts": [draft for _, draft in _drafts(considered, ground, NEW_LABELS[1:], formed)]}


def _drafts(
    candidates: Sequence[Candidate], ground: Ground, labels: Sequence[str], formed: Formed
) -> list[tuple[Candidate, dict[str, Any]]]:
    """The best candidates that are not on the mind yet, one for each label."""
    known = {*ground.open_thoughts.values(), *formed.values()}
    called = {event: label for label, event in ground.events.items()}
    free, drafts = list(labels), []
    for candidate in candidates:
        thought = _thought(candidate)
        if thought not in known and free:
            known.add(thought)
            formed[free.pop(0)] = thought
            stimuli = [called.get(stimulus, stimulus) for stimulus in candidate.stimuli][:3]
            drafts.append((candidate, {"text": thought, "stimuli": stimuli}))
    return drafts


def _appraise(stance: Stance, shown: OpenThoughts, formed: Formed) -> dict[str, Any]:
    by_thought = {_thought(candidate): candidate for candidate in reversed(stance.candidates)}
    labelled = {**shown.thoughts, **formed}
    return {"ratings": [_rate(label, by_thought.get(thought)) for label, thought in labelled.items()]}


def _rate(label: str, candidate: Candidate | None) -> dict[str, Any]:
    """A thought the policy no longer stands behind has lost its point."""
    scores = candidate.scores if candidate else {}
    return {
        "thought": label,
        "reason_for": "",
        "reason_against": "" if candidate else "no longer holds",
        **{name: scores.get(name, 1.0) for name in (*HEURISTICS, "fills_gap")},
        "motivation_tenths": 10 * candidate.motivation if candidate else 10,
        "keep": candidate is not None,
    }


def _dial(stance: Stance, given: BaseModel, formed: Formed) -> dict[str, Any]:
    kind = getattr(stance.candidates[0].act, "kind", "pass") if stance.candidates else "pass"
    return {"act": {"say": "speak", "whisper": "speak", "pass": "end_turn"}.get(kind, "act")}


def _speak(stance: Stance, occasion: Occasion, formed: Formed) -> dict[str, Any]:
    if not stance.candidates:
        return {"thought": "none", "act": {"kind": "pass"}}
    labelled = {**occasion.thoughts, **formed}
    meant = labelled.get(occasion.chosen or "")
    best = next((c for c in stance.candidates if _thought(c) == meant), stance.candidates[0])
    label = next((label for label, thought in labelled.items() if thought == _thought(best)), "none")
    return {"thought": label, "act": best.act.model_dump(mode="json")}


def _ask(stance: Stance, question: Question, formed: Formed) -> dict[str, Any]:
    return {"answer": extract(stance, question)}


def _thought(candidate: Candidate) -> str:
    return candidate.gloss[:LONGEST]


_ANSWERS: dict[str, Callable[[Stance, Any, Formed], dict[str, Any]]] = {
    "believe": _believe,
    "mirror": _mirror,
    "interpret": _interpret,
    "think": _think,
    "react": _react,
    "reflect": _reflect,
    "appraise": _appraise,
    "dial": _dial,
    "speak": _speak,
    ASK: _ask,
}
__all__ = ["URI", "RulesModel"]
