"""One episode as a sample of an Inspect eval log: its messages, what went on inside as events, usage and scores."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import TYPE_CHECKING, Any

from tertulia.storage import rows as r
from tertulia.storage.seen import SPEECH

if TYPE_CHECKING:
    from tertulia.storage.log import Log

Json = dict[str, Any]
_UNENCODABLE = re.compile("[\ud800-\udfff]")
_STOPS = {"stop": "stop", "length": "max_tokens", "content_filter": "content_filter", "tool_calls": "tool_calls"}


def clean(value: Any) -> Any:
    """The same without lone surrogates, which Inspect's readers refuse: U+FFFD stands for them."""
    if isinstance(value, str):
        return _UNENCODABLE.sub("\ufffd", value)
    if isinstance(value, dict):
        return {clean(str(key)): clean(one) for key, one in value.items()}
    return [clean(one) for one in value] if isinstance(value, list | tuple) else value


def sample_of(log: Log, row: r.EpisodeRow) -> Json:
    """The sample. Its id is the episode's; who it was made of stands in `metadata`."""
    seats, calls = log.participants(row.id), log.rows(r.CallRow, row.id)
    turns = log.rows(r.TurnRow, row.id)
    messages = _messages(log, row, seats)
    began = turns[0].started_at if turns else row.created_at
    ended = row.ended_at or (turns[-1].started_at if turns else row.created_at)
    sample: Json = {
        "id": row.id, "epoch": 1, "input": _input(row, seats), "target": "", "messages": messages,
        "output": _output(messages), "scores": _scores(log, row), "metadata": _metadata(row, seats), "store": {},
        "events": list(_events(log, row, turns, calls, began)), "model_usage": usage_of(calls), "role_usage": {},
        "started_at": began.isoformat(), "completed_at": ended.isoformat(),
        "total_time": max(0.0, (ended - began).total_seconds()), "uuid": row.id, "attachments": {},
        "turn_count": max(row.head, 0),
    }  # fmt: skip
    if row.status == "error":
        sample["error"] = {"message": row.reason or "error", "traceback": "", "traceback_ansi": ""}
    cleaned: Json = clean(sample)
    return cleaned


def summary_of(sample: Json) -> Json:
    """What the viewer lists of a sample, as Inspect shortens it."""
    kept = ("id", "epoch", "target", "scores", "model_usage", "role_usage", "started_at", "completed_at", "total_time")
    metadata = {
        name: value if len(json.dumps(value)) <= 1024 else "Key removed from summary (> 1k)"
        for name, value in sample["metadata"].items()
    }
    return {
        **{name: sample[name] for name in kept}, "input": sample["input"][:1024], "metadata": metadata,
        "uuid": sample["uuid"], "completed": "error" not in sample, "message_count": len(sample["messages"]),
        "turn_count": sample["turn_count"], **({"error": sample["error"]["message"]} if "error" in sample else {}),
    }  # fmt: skip


def usage_of(calls: Sequence[r.CallRow]) -> dict[str, Json]:
    """Tokens and dollars by model. Inspect counts tokens from a cache beside the others, the log among them."""
    found: dict[str, Json] = {}
    for uri, some in groupby(sorted(calls, key=lambda call: call.uri), key=lambda call: call.uri):
        mine = list(some)
        read, cached, written = (
            sum(getattr(call, name) or 0 for call in mine)
            for name in ("input_tokens", "cached_tokens", "output_tokens")
        )
        usage: Json = {
            "input_tokens": read - cached, "output_tokens": written, "total_tokens": read + written,
            "input_tokens_cache_read": cached,
        }  # fmt: skip
        if all(call.cost_usd is not None for call in mine if call.status != "error"):
            usage["total_cost"] = sum(call.cost_usd or 0.0 for call in mine)
        found[uri] = usage
    return found


def _input(row: r.EpisodeRow, seats: Sequence[r.ParticipantRow]) -> str:
    config = row.config if isinstance(row.config, dict) else {}
    listed = [f"- {seat.name}: {seat.persona or ''}{f' (wants: {seat.goal})' if seat.goal else ''}" for seat in seats]
    return "\n".join([str(config.get("premise") or row.scenario), *listed])


def _messages(log: Log, row: r.EpisodeRow, seats: Sequence[r.ParticipantRow]) -> list[Json]:
    """Everything that happened, each with who did it: agents are assistants, people and the world users."""
    models = {seat.name: seat.model for seat in seats if seat.kind != "person"}
    found: list[Json] = []
    for event in log.rows(r.EventRow, row.id):
        own = event.actor in models and event.origin == "participant"
        message: Json = {
            "id": f"{row.id}.{event.turn}.{event.ordinal}", "role": "assistant" if own else "user",
            "content": _line(event), "source": "generate" if own else "input",
        }  # fmt: skip
        found.append({**message, "model": models[str(event.actor)]} if own else message)
    return found


def _line(event: r.EventRow) -> str:
    if event.actor is None or event.kind not in SPEECH:
        return f"({event.text})"
    to = f" to {', '.join(event.addressees)}" if event.addressees else ""
    return f"{event.actor}{' whispers' if event.kind == 'whisper' else ''}{to}: {event.text}"


def _output(messages: Sequence[Json]) -> Json:
    last = next((one for one in reversed(messages) if one["role"] == "assistant"), None)
    if last is None:
        return {"model": "none", "choices": [], "completion": ""}
    return {
        "model": last["model"], "choices": [{"message": last, "stop_reason": "stop"}], "completion": last["content"]
    }  # fmt: skip


def _metadata(row: r.EpisodeRow, seats: Sequence[r.ParticipantRow]) -> Json:
    return {
        "scenario": row.scenario, "world": row.world, "seed": row.seed, "status": row.status, "reason": row.reason,
        "reward": row.reward, "batch": row.batch, "cell": row.cell, "replicate": row.replicate,
        "parent_episode": row.parent_episode, "parent_turn": row.parent_turn, "outcome": row.outcome,
        "seats": {seat.name: {"kind": seat.kind, "model": seat.model} for seat in seats},
    }  # fmt: skip


def _scores(log: Log, row: r.EpisodeRow) -> Json:
    """The reward, and the latest of each measure in the table `score` over the whole episode, by holder where it has
    one. What is missing there is missing here."""
    found: Json = {} if row.reward is None else {"reward": {"value": row.reward, "explanation": row.reason}}
    by_measure: dict[str, dict[str, tuple[datetime, float]]] = defaultdict(dict)
    for one in log.rows(r.ScoreRow, row.id):
        if one.value is None or one.turn is not None:
            continue
        parts = (one.holder, one.chain, one.variable, one.estimator, one.target)
        name = " ".join(part for part in parts if part) or "all"
        there = by_measure[one.measure].get(name)
        if there is None or there[0] <= one.created_at:
            by_measure[one.measure][name] = (one.created_at, one.value)
    for measure, values in sorted(by_measure.items()):
        plain = {name: value for name, (_, value) in values.items()}
        found[measure] = {"value": plain["all"] if set(plain) == {"all"} else plain}
    return found


def _events(
    log: Log, row: r.EpisodeRow, turns: Sequence[r.TurnRow], calls: Sequence[r.CallRow], began: datetime
) -> Iterator[Json]:
    """A span for each turn: what models were asked in it, what was thought and believed, and what happened."""
    by_turn: dict[int, list[Json]] = defaultdict(list)
    starts = {turn.turn: turn.started_at for turn in turns}

    def base(turn: int, at: datetime | None, id: str) -> Json:
        moment = at or starts.get(turn, began)
        return {
            "uuid": f"{row.id}/{id}", "span_id": f"{row.id}/turn{turn}", "timestamp": moment.isoformat(),
            "working_start": max(0.0, (moment - began).total_seconds()),
        }  # fmt: skip

    for call in calls:
        if call.messages:
            by_turn[call.turn].append(_model_event(call, base(call.turn, call.started_at, f"call/{call.call}")))
    for turn, source, data in (*_inner(log, row), *_happened(log, row)):
        id = f"{source}/{turn}/{len(by_turn[turn])}"
        by_turn[turn].append({**base(turn, None, id), "event": "info", "source": source, "data": data})
    for turn in sorted({*starts, *by_turn}):
        span = {**base(turn, None, f"begin{turn}"), "id": f"{row.id}/turn{turn}"}
        yield {**span, "event": "span_begin", "type": "turn", "name": f"turn {turn}"}
        yield from by_turn[turn]
        yield {**span, "uuid": f"{row.id}/end{turn}", "event": "span_end"}


def _model_event(call: r.CallRow, base: Json) -> Json:
    message = {"role": "assistant", "content": call.reply or "", "source": "generate", "model": call.uri}
    answered = call.reply is not None
    output: Json = {
        "model": call.served_model or call.uri, "completion": call.reply or "",
        "choices": [{"message": message, "stop_reason": _STOPS.get(call.finish or "", "unknown")}] if answered else [],
        "usage": next(iter(usage_of([call]).values())), "time": call.latency_ms / 1000,
    }  # fmt: skip
    return {
        **base, "event": "model", "model": call.uri, "role": call.participant,
        "input": [{"role": one["role"], "content": one["content"]} for one in call.messages if "role" in one],
        "tools": [], "tool_choice": "none", "config": _generating(call.sampling), "output": output,
        "metadata": {"purpose": call.purpose, "take": call.take, "attempt": call.attempt, "status": call.status},
        "working_time": call.latency_ms / 1000, **({"error": call.error} if call.error else {}),
    }  # fmt: skip


def _generating(sampling: Any) -> Json:
    """What of the sampling Inspect has a name for."""
    known = ("temperature", "top_p", "max_tokens", "seed")
    return (
        {name: sampling[name] for name in known if sampling.get(name) is not None} if isinstance(sampling, dict) else {}
    )


def _inner(log: Log, row: r.EpisodeRow) -> Iterator[tuple[int, str, Any]]:
    ratings = {(one.holder, one.thought, one.turn): one for one in log.rows(r.AppraisalRow, row.id)}
    for thought in log.rows(r.ThoughtRow, row.id):
        rated = ratings.get((thought.holder, thought.thought, thought.turn))
        data = {
            "thought": thought.thought, "text": thought.text, "system": thought.system,
            "motivation": rated.motivation if rated else None, "status": rated.status if rated else None,
        }  # fmt: skip
        yield thought.turn, f"thought of {thought.holder}", data
    beliefs: dict[tuple[int, str], dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for one in log.rows(r.BeliefRow, row.id):
        beliefs[one.turn, one.holder][f"{one.chain}: {one.variable}"][one.value] = one.probability
    for (turn, holder), changed in beliefs.items():
        yield turn, f"beliefs of {holder}", {name: dict(values) for name, values in changed.items()}


def _happened(log: Log, row: r.EpisodeRow) -> Iterator[tuple[int, str, Any]]:
    for event in log.rows(r.EventRow, row.id):
        yield event.turn, event.actor or event.origin, {"kind": event.kind, "text": event.text}
