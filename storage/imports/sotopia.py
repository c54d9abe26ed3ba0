"""Episodes of Sotopia (Zhou et al. 2024) as conversations: its `EpisodeLog`, and the lines it is published in.

Both shapes hold the same: `messages`, a list of turns, each a list of (sender, receiver, text), and one entry of
`rewards` for each agent. The published `sotopia_episodes_v1.jsonl` calls them `raw_messages` and `raw_rewards`, and
adds `scenario`, `codename`, `agents_background` and `social_goals`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tertulia.storage.imports.conversation import Conversation, Happening, Seat, Turn, seat_names
from tertulia.storage.imports.reading import Record, Unreadable
from tertulia.storage.imports.sotopia_scores import reward_of, scores_of
from tertulia.storage.types import dump_json

SOURCE = "sotopia"
UNKNOWN = "unknown"
_ENVIRONMENT, _EVALUATION = "Environment", "Evaluation"
_PRIVATE = re.compile(r"\[private to (\[.*?\])\]\s*", re.DOTALL)
_SAID = re.compile(r'(?:\[speak\]\s*)?said:\s*"(.*)"?\s*\Z', re.DOTALL)
_DID = re.compile(r"\[(non-verbal communication|action)\]\s*(.*)\Z", re.DOTALL)
_KINDS = {"non-verbal communication": "gesture", "action": "act"}
_SCENARIO = re.compile(r"^\s*Scenario: (.*?)^\s*Participants: ", re.DOTALL | re.MULTILINE)
_SCENARIO_ALONE = re.compile(r"^\s*Scenario: (.*)$", re.MULTILINE)

Message = tuple[str, str, str]


class Empty(Exception):
    """An episode in which nobody did anything: a run that failed, not a silence."""


def conversation_of(record: Record) -> Conversation:
    """One episode. Raises `Unreadable` for what is none, and `Empty`."""
    data = record.value
    turns = _messages(record)
    raw_names = _names(turns)
    if not raw_names or not any(sender not in (_ENVIRONMENT, _EVALUATION) for turn in turns for sender, _, _ in turn):
        raise Empty
    names = seat_names(raw_names)
    own = str(_either(data, "pk", "episode_id") or "")
    codename = str(data.get("codename") or _either(data, "environment", "environment_id") or UNKNOWN)
    rewards = _either(data, "rewards", "raw_rewards")
    judged = rewards if isinstance(rewards, list) else []
    parsed = [_turn(turn, names) for turn in turns if any(sender in names for sender, _, _ in turn)]
    scores = scores_of(judged, list(names.values()))
    models = _models(data, len(names))
    return Conversation(
        source=SOURCE, title=" ".join(codename.split())[:120], key=dump_json([own, turns]),
        seats=[_seat(data, turns, raw, name, model) for (raw, name), model in zip(names.items(), models, strict=True)],
        turns=parsed, premise=str(data.get("scenario") or _scenario(turns)),
        reason=_reason(parsed), outcome={"rewards": judged, "reasoning": str(data.get("reasoning") or "")},
        reward=reward_of(scores), scores=scores, about=_about(data, own, raw_names, names, parsed),
    )  # fmt: skip


def _about(
    data: Mapping[str, Any], own: str, raw_names: Sequence[str], names: Mapping[str, str], turns: Sequence[Turn]
) -> dict[str, Any]:
    unclear = sum(bool(one.data and one.data.get("as_given")) for turn in turns for one in turn.happenings)
    about: dict[str, Any] = {
        "id": own, "environment": _either(data, "environment", "environment_id"),
        "agents": _either(data, "agents", "agent_ids"), "tag": _either(data, "tag", "experiment_tag"),
        "models": _either(data, "models", "experiment_model_name_pairs"), "acts_kept_as_given": unclear,
    }  # fmt: skip
    renamed = {names[raw]: raw for raw in raw_names if names[raw] != raw}
    return {**about, "renamed": renamed} if renamed else about


def _either(data: Mapping[str, Any], one: str, other: str) -> Any:
    """What both shapes hold, by either name; the published `rewards` are a copy of the raw ones."""
    return data[other] if other in data else data.get(one)


def _messages(record: Record) -> list[list[Message]]:
    given = _either(record.value, "messages", "raw_messages")
    if not isinstance(given, list):
        raise Unreadable(
            f"{record.where}: no episode of Sotopia: it has no list `messages` (or `raw_messages`); it has "
            f"{', '.join(sorted(record.value)[:6]) or 'nothing'}"
        )
    turns: list[list[Message]] = []
    for number, turn in enumerate(given):
        if not isinstance(turn, list) or not all(
            isinstance(one, list | tuple) and len(one) == 3 and all(isinstance(part, str) for part in one)
            for one in turn
        ):
            raise Unreadable(f"{record.where}: messages.{number}: each turn is a list of [sender, receiver, text]")
        turns.append([(one[0], one[1], one[2]) for one in turn])
    return turns


def _names(turns: Sequence[Sequence[Message]]) -> list[str]:
    """The agents, in the order in which the environment first speaks to them."""
    told = [receiver for sender, receiver, _ in (turns[0] if turns else []) if sender == _ENVIRONMENT]
    acting = [sender for turn in turns for sender, _, _ in turn]
    return [
        name for name in dict.fromkeys((*told, *acting)) if name.strip() and name not in (_ENVIRONMENT, _EVALUATION)
    ]


def _turn(turn: Sequence[Message], names: Mapping[str, str]) -> Turn:
    """What the agents did at the same time. The environment's own messages repeat it to each of them, and are left."""
    done = [_happening(names[sender], text, names) for sender, _, text in turn if sender in names]
    return Turn([one for one in done if one is not None])


def _happening(actor: str, text: str, names: Mapping[str, str]) -> Happening | None:
    """An act, from the words in which Sotopia keeps it; None for `did nothing`."""
    words = text.strip()
    private = _PRIVATE.match(words)
    to = _recipients(private[1], names) if private else ()
    words = words[private.end() :] if private else words
    content = tuple(dict.fromkeys((actor, *to))) if to else None
    if words == "did nothing":
        return None
    if said := _SAID.match(words):
        spoken = said[1].removesuffix('"')
        return Happening("whisper" if to else "say", spoken, actor, to, content)
    if did := _DID.match(words):
        return Happening(_KINDS[did[1]], did[2], actor, to, content)
    if words == "left the conversation":
        return Happening("leave", f"{actor} leaves the conversation.", actor, to, content)
    return Happening("act", words, actor, to, content, data={"as_given": True})


def _recipients(listed: str, names: Mapping[str, str]) -> tuple[str, ...]:
    """The seats in a list as Python prints it; who is unknown is left out."""
    try:
        found = ast.literal_eval(listed)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return ()
    return tuple(names[one] for one in found if isinstance(one, str) and one in names)


def _reason(turns: Sequence[Turn]) -> str:
    left = any(one.kind == "leave" for turn in turns[-2:] for one in turn.happenings)
    return "imported: somebody left" if left else "imported: it ended"


def _scenario(turns: Sequence[Sequence[Message]]) -> str:
    for _, _, text in turns[0]:
        found = _SCENARIO.search(text) or _SCENARIO_ALONE.search(text)
        if found:
            return found[1].strip()
    return ""


def _seat(
    data: Mapping[str, Any], turns: Sequence[Sequence[Message]], raw: str, name: str, model: str
) -> Seat:  # fmt: skip
    shown = next((text for sender, receiver, text in turns[0] if sender == _ENVIRONMENT and receiver == raw), "")
    backgrounds, goals = data.get("agents_background"), data.get("social_goals")
    return Seat(
        name=name, model=model, kind="person" if model == "human" else "agent",
        persona=_given(backgrounds, raw) or _line_of(shown, raw, "background"),
        goal=_given(goals, raw) or _line_of(shown, raw, "goal"),
        knows=shown.strip().removesuffix("Conversation Starts:").strip(),
    )  # fmt: skip


def _given(told: Any, raw: str) -> str | None:
    found = told.get(raw) if isinstance(told, dict) else None
    return found.strip() or None if isinstance(found, str) else None


def _line_of(shown: str, raw: str, what: str) -> str | None:
    """From what an agent was shown: its own background or goal, up to the next person's or the beginning."""
    end = r"(?=^\s*[^\n:]{1,60}'s (?:background|goal): |^\s*Conversation Starts:|\Z)"
    found = re.search(rf"^\s*{re.escape(raw)}'s {what}: (.*?){end}", shown, re.DOTALL | re.MULTILINE)
    text = found[1].strip() if found else ""
    return text if text and text != "Unknown" else None


def _models(data: Mapping[str, Any], agents: int) -> list[str]:
    """The model of each agent. Sotopia's list begins with that of the environment, who judges."""
    given = _either(data, "models", "experiment_model_name_pairs")
    listed = [str(one) for one in given] if isinstance(given, list) else []
    mine = listed[1:] if len(listed) == agents + 1 else listed if len(listed) == agents else [UNKNOWN] * agents
    return ["human" if one.lower() in ("human", "redis") else one or UNKNOWN for one in mine]
