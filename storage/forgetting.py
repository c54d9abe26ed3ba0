"""All that is changed in one episode when a person is forgotten; `forget.py` says what goes, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Table, delete, select, update

from tertulia.storage import rows as r
from tertulia.storage import rows_of_people as p
from tertulia.storage.tables import key_of, table_of
from tertulia.storage.traces import FORGOTTEN, Traces, cleaned, texts_in
from tertulia.storage.types import Json, Text, dump_json, now
from tertulia.storage.work import insert_all

TARGET = "(forgotten)"
"""The target of the intervention that says from which turn on an episode cannot be played again."""
EVER = 2**31 - 1
_PROMPT = [{"role": "user", "content": FORGOTTEN}]


@dataclass(frozen=True, slots=True)
class Part:
    """A person's part in one episode: their seat, and the last turn in which what it did was theirs."""

    episode: str
    seat: str
    upto: int = EVER
    own: bool = True
    """False for a fork that only shares turns with one they played."""


@dataclass(slots=True)
class Forgetting:
    """What is, or would be, changed: rows by table, in which episodes, and who else was given the words."""

    parts: list[Part]
    touched: set[tuple[Any, ...]] = field(default_factory=set)
    """Table and key of every row that is changed or removed."""
    since: dict[str, int] = field(default_factory=dict)
    """By episode, the first turn that cannot be played again."""
    sent_to: Counter[str] = field(default_factory=Counter)
    """Models behind an API that got prompts with their words, and how many."""
    left: list[str] = field(default_factory=list)
    """What could not be reached, a line each."""

    @property
    def changed(self) -> Counter[str]:
        """How many rows of each table."""
        return Counter(str(table) for table, *_ in self.touched)

    @property
    def episodes(self) -> list[str]:
        return list(dict.fromkeys(part.episode for part in self.parts))


class EpisodeWithout:
    """All changes in one episode."""

    def __init__(
        self, connection: Connection, found: Forgetting, episode: str, calls: list[r.CallRow], pseudonym: str,
        *, whole: bool,
    ) -> None:  # fmt: skip
        self.connection, self.found, self.id, self.calls = connection, found, episode, calls
        self.pseudonym, self.whole = pseudonym, whole
        self.parts = {part.seat: part for part in found.parts if part.episode == episode}
        [self.row] = self._rows(r.EpisodeRow)
        self.traces = self._traces()
        self.heard = self._heard()

    def run(self) -> None:
        """Own words, what was made of them, then whatever still has one of their words."""
        self._own_words()
        self._prompts()
        self._minds()
        self._search()
        self._mark()

    # what is whose

    def _rows(self, kind: type[r.Row]) -> list[Any]:
        table = table_of(kind)
        mine = table.c["id" if kind is r.EpisodeRow else "episode"] == self.id
        return [
            kind.model_construct(None, **dict(row))
            for row in self.connection.execute(select(table).where(mine)).mappings()
        ]

    def _theirs(self, row: Any) -> bool:
        """Whether an event, or an input, is by the person."""
        seat = getattr(row, "actor", None) or getattr(row, "participant", None)
        part = self.parts.get(str(seat))
        return (
            part is not None
            and getattr(row, "turn", 0) <= part.upto
            and getattr(row, "origin", "participant") == "participant"
        )

    def _traces(self) -> Traces:
        """Their words, beside those that others had used before them."""
        events = self._rows(r.EventRow)
        theirs = [event for event in events if self._theirs(event)]
        first = min((event.turn for event in theirs), default=EVER)
        words = [event.text for event in theirs]
        if any(part.own for part in self.parts.values()):
            own = [row for row in (*self._rows(p.InboxRow), *self._rows(p.AnswerRow)) if row.participant in self.parts]
            words += [
                text
                for row in own
                for column in ("text", "data", "answer")
                for text in texts_in(getattr(row, column, None))
            ]
            words += [text for row in self._rows(r.ProbeRow) if self._asked(row) for text in texts_in(row.answer)]
        known = [
            *texts_in(self.row.config),
            *(event.text for event in events if event.turn < first and not self._theirs(event)),
        ]
        known += _said_by_rules(self.row.config)
        known += [text for row in self._rows(p.AnswerRow) for text in texts_in([row.question, row.options])]
        return Traces.of(words, known, [self.pseudonym])

    def _asked(self, row: r.ProbeRow) -> bool:
        return row.kind == "person" and row.participant in self.parts and row.turn <= self.parts[row.participant].upto

    def _heard(self) -> dict[str, int]:
        """By participant, the first turn whose thoughts may rest on what the person said: the one after they heard it,
        or heard somebody who had."""
        events = sorted(self._rows(r.EventRow), key=lambda row: (row.turn, row.ordinal))
        witnesses: dict[tuple[int, int], list[str]] = {}
        for row in self._rows(r.WitnessRow):
            witnesses.setdefault((row.turn, row.event), []).append(row.participant)
        heard: dict[str, int] = {}
        for event in events:
            if self._theirs(event) or (event.actor in heard and event.turn >= heard[event.actor]):
                for name in witnesses.get((event.turn, event.ordinal), ()):
                    heard.setdefault(name, event.turn + 1)
        return heard

    def _may_rest_on(self, name: str, turn: int) -> bool:
        return self.whole or (name in self.heard and turn >= self.heard[name])

    # what is done

    def _own_words(self) -> None:
        for event in self._rows(r.EventRow):
            if self.whole or self._theirs(event):
                self._set(event, text=FORGOTTEN, data=None)
        for turn in self._rows(r.TurnRow):
            actions = {
                name: _without_words(act) if self.whole or self._seat_acts(name, turn.turn) else act
                for name, act in (turn.actions or {}).items()
            }
            self._set(turn, actions=actions)
        for row in self._rows(p.InboxRow):
            if self.whole or row.participant in self.parts:
                self._set(row, text=FORGOTTEN if row.text else "", data=None, refused=row.refused and FORGOTTEN)
        for row in self._rows(p.AnswerRow):
            if row.participant in self.parts:
                self._set(row, answer=None, correct=None)
        for row in self._rows(r.ProbeRow):
            if self._asked(row):
                self._set(row, answer=None, error="forgotten")
        for row in self._rows(r.BeliefRow):
            part = self.parts.get(row.holder)
            if part is not None and row.estimator == "person" and row.turn <= part.upto:
                self._remove(row)
        for row in self._rows(r.ScoreRow):  # of few answers, a score gives the answers away
            if row.estimator == "person" and any(part.own for part in self.parts.values()):
                self._remove(row)
        for kind in (r.ParticipantRow, p.ConsentRow):
            for row in self._rows(kind):
                if row.pseudonym == self.pseudonym:
                    self._set(row, pseudonym=None)

    def _seat_acts(self, name: str, turn: int) -> bool:
        return name in self.parts and turn <= self.parts[name].upto

    def _prompts(self) -> None:
        """What models read and answered. A prompt that stays and begins in one that goes is made whole first."""
        gone = {
            call.call for call in self.calls
            if self._may_rest_on(call.participant, call.turn) or self._has_a_trace(call)
        }  # fmt: skip
        kept = {row.call: row for row in self._rows(r.CallRow)}
        for call in self.calls:
            row = kept[call.call]
            if call.call in gone:
                messages = _PROMPT if call.messages else call.messages
                made: dict[str, Any] = {"messages": messages, "base": None, "shared": None, "rest": None}
                self._set(row, **made, reply=call.reply and FORGOTTEN, error=call.error and FORGOTTEN, hash=FORGOTTEN)
                if call.messages and call.uri.partition("/")[0] not in ("hf", "rules"):
                    self.found.sent_to[self._server(call.uri)] += 1
            elif row.base in gone:
                self._set(row, messages=call.messages, base=None, shared=None, rest=None)

    def _has_a_trace(self, call: r.CallRow) -> bool:
        return any(self.traces.in_(text) for text in texts_in([call.messages, call.reply, call.error]))

    def _server(self, uri: str) -> str:
        models = (self.row.versions or {}).get("models") or {}
        where = (models.get(uri) or {}).get("base_url")
        return f"{uri} at {where}" if where else uri

    def _minds(self) -> None:
        declared = {row.variable for row in self._rows(r.GoldRow)}
        for thought in self._rows(r.ThoughtRow):
            if self._may_rest_on(thought.holder, thought.turn):
                self._set(thought, text=FORGOTTEN)
        for row in self._rows(r.AppraisalRow):
            if self._may_rest_on(row.holder, row.turn):
                self._set(row, reason_for=row.reason_for and FORGOTTEN, reason_against=row.reason_against and FORGOTTEN)
        for memory in self._rows(r.MemoryRow):
            if self._may_rest_on(memory.holder, memory.turn):
                self._set(memory, text=FORGOTTEN)
        for note in self._rows(r.MindDeltaRow):
            if self._may_rest_on(note.holder, note.turn):
                self._set(note, value=None)
        for belief in self._rows(r.BeliefRow):
            if not belief.declared and self._may_rest_on(belief.holder, belief.turn):
                self._remove(belief)
        for element in self._rows(r.WorkspaceRow):
            named = element.element.rpartition("|")[2]
            if element.kind == "belief" and named not in declared and self._may_rest_on(element.holder, element.turn):
                self._remove(element)
        for probe in self._rows(r.ProbeRow):
            if probe.kind != "person" and probe.answer is not None and self._may_rest_on(probe.participant, probe.turn):
                self._set(probe, answer=FORGOTTEN, error=probe.error and FORGOTTEN)
        for bid in self._rows(r.BidRow):
            if self.whole:
                self._set(bid, reason=FORGOTTEN)
        if self.whole:
            for seen in self._rows(r.ObservationRow):
                self._set(seen, text=FORGOTTEN, data=None)

    def _search(self) -> None:
        """Every text of the episode that is left, in every table there is, also such as later versions add."""
        for kind in (kind for kind in _KINDS if "episode" in table_of(kind).c or kind is r.EpisodeRow):
            for row in self._rows(kind):
                self._set(row, **self._cleaned(row, table_of(kind)))
        if self.row.batch is not None:
            table = table_of(r.BatchRow)
            batch = self.connection.execute(select(table).where(table.c.id == self.row.batch)).mappings().one()
            row = r.BatchRow.model_construct(None, **dict(batch))
            self._set(row, **self._cleaned(row, table))

    def _cleaned(self, row: r.Row, table: Table) -> dict[str, Any]:
        kept = {*key_of(type(row)), *_NO_WORDS, *(["value"] if "variable" in table.c else [])}
        found = {}
        for column in table.columns:
            value = getattr(row, column.name)
            if value is not None and column.name not in kept and isinstance(column.type, Text | Json):
                found[column.name] = cleaned(value, self.traces)
        return found

    def _mark(self) -> None:
        """From its first turn that has changed on, the episode cannot be played again."""
        since = min((turn for turn in self._changed_turns), default=None)
        if since is None:
            return
        self.found.since[self.id] = since
        taken = [row.ordinal for row in self._rows(r.InterventionRow) if row.turn == since]
        insert_all(self.connection, [
            r.InterventionRow(
                episode=self.id, turn=since, ordinal=max(taken, default=-1) + 1, target=TARGET, old=None,
                new={"seats": sorted(self.parts), "whole": self.whole}, created_at=now(),
            )
        ])  # fmt: skip

    @property
    def _changed_turns(self) -> list[int]:
        events = [event.turn for event in self._rows(r.EventRow) if self.whole or self._theirs(event)]
        asked = [probe.turn for probe in self._rows(r.ProbeRow) if self._asked(probe)]
        return [*events, *asked, *self.heard.values()]

    def _set(self, row: Any, **values: Any) -> None:
        new = {name: value for name, value in values.items() if not _same(getattr(row, name), value)}
        if not new:
            return
        table = table_of(type(row))
        self.found.touched.add((table.name, *(getattr(row, name) for name in key_of(type(row)))))
        for name, value in new.items():
            setattr(row, name, value)
        self.connection.execute(update(table).where(*self._key(row)).values(new))

    def _remove(self, row: Any) -> None:
        table = table_of(type(row))
        self.found.touched.add((table.name, *(getattr(row, name) for name in key_of(type(row)))))
        self.connection.execute(delete(table).where(*self._key(row)))

    @staticmethod
    def _key(row: Any) -> list[Any]:
        table = table_of(type(row))
        return [table.c[name] == getattr(row, name) for name in key_of(type(row))]


_NO_WORDS = frozenset({
    "config", "versions", "scenario", "world", "status", "kind", "model", "uri", "hash", "purpose", "participant",
    "actor", "speaker", "addressee", "addressees", "noticed_by", "place", "policy", "state_hash", "estimator", "base",
    "rest", "shared", "messages", "batch", "cell", "parent_episode", "lease", "variable", "chain", "believer", "call",
    "schema_name", "question", "options", "mind", "persona", "goal", "name", "words_go_to", "version", "thought",
    "source_event", "stimuli", "served_model", "fingerprint", "finish", "form", "item", "sampling", "basis", "rule",
})  # fmt: skip
"""Columns that hold names, ids and words of the scenario's own: nobody who plays writes them. Prompts are decided call
by call before."""

_KINDS: tuple[type[r.Row], ...] = tuple(
    kind for kind in vars(r).values() if isinstance(kind, type) and issubclass(kind, r.Row) and kind is not r.Row
)


def _said_by_rules(config: Any) -> list[str]:
    """The sentences by which a scenario's own rules name values: nobody brought them in."""
    variables = config.get("variables") if isinstance(config, Mapping) else None
    found = []
    for variable in variables.values() if isinstance(variables, Mapping) else ():
        if isinstance(variable, Mapping) and variable.get("say"):
            found += [str(variable["say"]).replace("{value}", str(value)) for value in variable.get("values") or ()]
    return found


def _without_words(act: Any) -> Any:
    """An act without its words; what kind it was, to whom, and its claims stay."""
    if not isinstance(act, Mapping):
        return act
    return {key: FORGOTTEN if key == "text" and value else value for key, value in act.items()}


def _same(one: Any, other: Any) -> bool:
    return bool(one == other) or (one is not None and other is not None and _canonical(one) == _canonical(other))


def _canonical(value: Any) -> str | None:
    """Canonical JSON, for comparing; None for what is none (times)."""
    try:
        return dump_json(value)
    except (TypeError, ValueError):
        return None
