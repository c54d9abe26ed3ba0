"""What a seat may see of its episode, as JSON-ready messages: nothing its participant did not witness."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tertulia.environments.people.reading import act_types, fields_of
from tertulia.environments.stage import Stage


def shows_minds(stage: Stage) -> bool:
    """Whether people may look into agents' minds."""
    return "minds" not in stage.scenario.people.blind


def shows_ai(stage: Stage) -> bool:
    """Whether people may be told who is an agent and who is a person."""
    return "ai" not in stage.scenario.people.blind


def shows_condition(stage: Stage) -> bool:
    """Whether people may be told which scenario they play, in which cell of which batch, with which seed and models."""
    return "condition" not in stage.scenario.people.blind


def veiled(stage: Stage, seat: str, message: Mapping[str, Any]) -> Mapping[str, Any]:
    """A message as this seat may get it, by what its scenario blinds."""
    kind = message["kind"]
    if kind == "past" and not shows_condition(stage):
        return {**message, "scenario": ""}
    if kind == "waiting" and not shows_ai(stage) and message["why"]:
        if seat in message["for"]:  # no word of who else is waited for: only people are
            return {**message, "for": [seat], "why": "it is for you to speak, answer or pass"}
        return {**message, "for": [], "why": "somebody may speak"}
    if kind == "end" and not shows_ai(stage) and message["status"] not in ("success", "degraded"):
        return {**message, "reason": "it has ended"}
    if kind == "trouble" and not shows_ai(stage):
        return {**message, "text": "somebody takes longer"}
    return message


def waits_for(stage: Stage, seat: str, names: Sequence[str], kind: str, why: str) -> tuple[list[str], str]:
    """For whom the table waits, as a seat may know: itself; others only where everybody knows, or can see them."""
    if seat in names:
        return [seat], why.replace(", ".join(names), seat)
    if kind == "public":
        return list(names), why
    seen = stage.world.present(stage.state, seat) if stage.head >= 0 else tuple(stage.seats)
    there = [name for name in names if name in seen]
    if kind == "seen" and there and len(there) == len(names):
        return there, why
    return [], "somebody is waited for" if names else why


def past_of(stage: Stage, seat: str) -> dict[str, Any]:
    """Everything so far: who one is, the rules of the place, and all that was witnessed."""
    mine = stage.seats[seat]
    return {
        "kind": "past", "episode": stage.episode, "scenario": stage.scenario.scenario, "seat": seat,
        "cast": list(stage.seats), "premise": stage.premise, "persona": mine.persona, "goal": mine.goal,
        **_now(stage, seat), "events": [_event(event) for event in stage.eyes.seen.get(seat, ())],
    }  # fmt: skip


def turn_of(stage: Stage, seat: str, turn: int) -> dict[str, Any]:
    """One turn, as this seat witnessed it."""
    seen = stage.eyes.seen.get(seat, ())
    return {"kind": "turn", **_now(stage, seat), "turn": turn, "events": [_event(e) for e in seen if e.turn == turn]}


def _now(stage: Stage, seat: str) -> dict[str, Any]:
    """How things stand for a seat: what it is shown, whom it sees, what it may do."""
    legal = stage.legal(seat)
    return {
        "turn": stage.head,
        "shown": stage.shown[seat].text,
        "here": [name for name in stage.world.present(stage.state, seat) if name != seat],
        "acts": {} if legal is None else {kind: fields_of(type_) for kind, type_ in act_types(legal).items()},
    }


def _event(event: Any) -> dict[str, Any]:
    """A witnessed event. Claims and data stay out: they are for minds, and a person has the words."""
    return {
        "id": event.label, "turn": event.turn, "kind": event.kind, "actor": event.actor, "text": event.text,
        "whole": event.level == "content", "to": list(event.addressees), "place": event.place, "origin": event.origin,
    }  # fmt: skip
