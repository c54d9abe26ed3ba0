"""Records to train with: a conversation as one seat lived it, its own words as the assistant's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Literal

from tertulia.storage.exports import sft_text as words
from tertulia.storage.exports.chosen import People
from tertulia.storage.exports.whose_words import barred_from, people_of
from tertulia.storage.rows import (
    AppraisalRow,
    EpisodeRow,
    EventRow,
    ObservationRow,
    ParticipantRow,
    ThoughtRow,
    WitnessRow,
)
from tertulia.storage.seen import SeenEvent, see
from tertulia.storage.traces import FORGOTTEN

if TYPE_CHECKING:
    from tertulia.storage.log import Log

Thought = dict[str, Any]
Premise = Callable[[EpisodeRow], str]


@dataclass(frozen=True, slots=True)
class Options:
    """What a record is, and of whom."""

    per: Literal["episode", "turn"] = "episode"
    """`episode`: all that a seat lived through, each of its acts an assistant's message; `turn`: a record for each of
    its acts, which ends with it."""
    thoughts: Literal["none", "tag", "field"] = "none"
    """`tag`: what the seat thought since it last acted stands before its words, between `<inner>` and `</inner>`;
    `field`: it stands beside the messages, a list for each of the assistant's."""
    system: bool = True
    """Whether a record begins with who the seat is, the place, and what it alone knows."""
    seats: tuple[str, ...] = ()
    """Only these; a person's seat is only taken when it is named here."""
    least_reward: float | None = None
    people: People = People.agreed


@dataclass(slots=True)
class Act:
    """Something the seat did, with what it had witnessed and thought since it last did something."""

    turn: int
    before: list[str]
    text: str
    thoughts: list[Thought] = field(default_factory=list)


def records(
    log: Log, row: EpisodeRow, options: Options, premise: Premise, left_out: Counter[str], *, local_only: bool = False
) -> Iterator[dict[str, Any]]:
    """The records of one episode. What is not one, and why, is counted in `left_out`."""
    if options.least_reward is not None and not (row.reward is not None and row.reward >= options.least_reward):
        left_out[f"episodes: reward below {options.least_reward:g}"] += 1
        return
    seats, events = log.participants(row.id), log.rows(EventRow, row.id)
    witnesses: dict[tuple[int, int], list[WitnessRow]] = {}
    for witness in log.rows(WitnessRow, row.id):
        witnesses.setdefault((witness.turn, witness.event), []).append(witness)
    people = people_of(log, row)
    barred, why = barred_from(events, people, options.people, local_only=local_only)
    told = premise(row)
    for seat in seats:
        if options.seats and seat.name not in options.seats:
            continue
        mine = [see(event, witnesses.get((event.turn, event.ordinal), []), [], seat.name) for event in events]
        lived = _acts(log, row.id, seat.name, [event for event in mine if event is not None])
        if seat.name in people and seat.name not in options.seats:
            if lived:
                left_out["seats: a person's, not named by --seat"] += 1
            continue
        known = next((one.text for one in log.rows(ObservationRow, row.id, participant=seat.name, turn=0)), "")
        system = words.system_text(seat, [one.name for one in seats], told, known) if options.system else ""
        for acts in _cut(lived, row, options, left_out):
            if acts[-1].turn >= barred:
                left_out[f"records: {why}"] += 1
            elif _forgotten(acts, system):
                left_out["records: a person was forgotten"] += 1
            else:
                yield _record(row, seat, acts, system, options)


def _acts(log: Log, episode: str, seat: str, seen: Sequence[SeenEvent]) -> list[Act]:
    """Everything the seat did, in order, each act with what came before it."""
    shown = {one.turn: one.text for one in log.rows(ObservationRow, episode, participant=seat) if one.turn > 0}
    thoughts = _thoughts(log, episode, seat)
    found: list[Act] = []
    waiting: list[str] = []
    last = -1
    turns = {turn: list(some) for turn, some in groupby(seen, key=lambda event: event.turn)}
    for turn in sorted({*turns, *shown}):
        own = [event for event in turns.get(turn, []) if event.actor == seat and event.origin == "participant"]
        if own:
            text = "\n".join(words.own_line(event) for event in own)
            mind = [thought for thought in thoughts if last < thought["turn"] <= turn or thought["spoken"] == turn]
            found.append(Act(turn, waiting, text, mind))
            waiting, last = [], turn
        waiting = [*waiting, *(words.seen_line(event) for event in turns.get(turn, []) if event not in own)]
        if shown.get(turn):
            waiting.append(f"(What you see now: {words.plain(shown[turn])})")
    return found


def _thoughts(log: Log, episode: str, seat: str) -> list[Thought]:
    """The seat's thoughts in the order in which they were formed, with how much each wanted to be said then, and the
    turn that it was spoken in."""
    appraisals = log.rows(AppraisalRow, episode, holder=seat)
    first = {one.thought: one.motivation for one in reversed(appraisals)}
    spoken = {one.thought: one.turn for one in appraisals if one.status == "spoken"}
    formed = sorted(log.rows(ThoughtRow, episode, holder=seat), key=lambda one: (one.turn, one.thought))
    return [
        {
            "turn": one.turn, "system": one.system, "text": words.plain(one.text),
            "motivation": first.get(one.thought), "spoken": spoken.get(one.thought),
        }
        for one in formed
    ]  # fmt: skip


def _cut(lived: Sequence[Act], row: EpisodeRow, options: Options, left_out: Counter[str]) -> Iterable[Sequence[Act]]:
    """What each record holds; turns that a fork shares with its parent are the parent's."""
    if options.per == "episode":
        return [lived] if lived else []
    shared = row.parent_turn if row.parent_turn is not None else -1
    own = [place for place, act in enumerate(lived, 1) if act.turn > shared]
    if len(own) < len(lived):
        left_out["records: of turns that a fork shares with its parent"] += len(lived) - len(own)
    return [lived[:place] for place in own]


def _forgotten(acts: Sequence[Act], system: str) -> bool:
    texts = [
        system,
        *(text for act in acts for text in (*act.before, act.text, *(one["text"] for one in act.thoughts))),
    ]
    return any(FORGOTTEN in text for text in texts)


def _record(
    row: EpisodeRow, seat: ParticipantRow, acts: Sequence[Act], system: str, options: Options
) -> dict[str, Any]:
    messages = [{"role": "system", "content": system}] if system else []
    for act in acts:
        inner = [words.BEGIN, *(f"- {one['text']}" for one in act.thoughts), words.END] if act.thoughts else []
        content = "\n".join([*inner, act.text]) if options.thoughts == "tag" else act.text
        messages.append({"role": "user", "content": "\n".join(act.before) or words.NOTHING})
        messages.append({"role": "assistant", "content": content})
    record: dict[str, Any] = {
        "messages": messages, "episode": row.id, "seat": seat.name, "turn": acts[-1].turn, "scenario": row.scenario,
        "model": seat.model, "status": row.status, "reward": row.reward,
    }  # fmt: skip
    if options.thoughts == "field":
        record["thoughts"] = [act.thoughts for act in acts]
    return record
