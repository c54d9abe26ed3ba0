"""What people do and what the script brings, as events with their witnesses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from tertulia.environments.world import Action, Claim, Event, Pass, Say
from tertulia.environments.worlds.table_talk.acts import Leave, Move, Part, Whisper
from tertulia.environments.worlds.table_talk.params import AWAY, PRESENT, TABLE, ScriptEvent, TableParams
from tertulia.environments.worlds.table_talk.state import TableState
from tertulia.environments.worlds.table_talk.words import Phrasebook

Happening = tuple[TableState, list[Event]]


def and_list(names: Sequence[str]) -> str:
    """Names in a sentence: `alice, bob and carol`."""
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def place_words(room: str) -> str:
    """Where one is, in words: `at the table`, `in the kitchen`."""
    if room == AWAY:
        return "away"
    return f"{'at' if room == TABLE else 'in'} the {room.replace('_', ' ').replace('-', ' ')}"


def each_once(names: Sequence[str]) -> tuple[str, ...]:
    """Names in the order given, without repetitions."""
    return tuple(dict.fromkeys(names))


def plain_claims(claims: Iterable[Claim]) -> tuple[Claim, ...]:
    """Claims as they are logged, whatever schema they came through."""
    return tuple(
        Claim.made(variable=claim.variable, value=claim.value, holds=claim.holds, believer=claim.believer)
        for claim in claims
    )


def act(state: TableState, name: str, action: Action) -> Happening:
    """What one participant's action brings about. It must be legal; what became idle meanwhile comes to nothing."""
    room = state.where[name]
    here = state.here(room)
    if isinstance(action, Pass) or room == AWAY:
        return state, []
    if isinstance(action, Say):
        said = Event.made(
            kind="say", text=action.text, actor=name, addressees=each_once(action.to), place=room, content=here,
            claims=plain_claims(action.asserts),
        )  # fmt: skip
        return state.after([said]), [said]
    if isinstance(action, Whisper):
        heard = tuple(one for one in here if one == name or one in action.to)
        whispered = _whisper(name, action.text, each_once(action.to), room, heard, here, plain_claims(action.asserts))
        return state.after([whispered]), [whispered]
    if isinstance(action, Leave):
        return leave(state, name)
    if isinstance(action, Move):
        return enter(state, name, action.room)
    if isinstance(action, Part):
        parted = Event(kind="part", text=f"{name} is ready to part.", actor=name, place=room, content=here)
        return state.after([parted]), [parted]
    raise ValueError(f"table_talk knows no action {action.kind}")


def _whisper(
    speaker: str, text: str, to: tuple[str, ...], room: str, heard: tuple[str, ...], here: tuple[str, ...],
    claims: tuple[Claim, ...],
) -> Event:  # fmt: skip
    return Event.made(
        kind="whisper", text=text, actor=speaker, addressees=to, place=room, claims=claims,
        occurrence=f"{speaker} whispers something to {and_list(to)}.",
        content=heard, glimpsed=tuple(name for name in here if name not in heard),
    )  # fmt: skip


def leave(state: TableState, name: str, text: str | None = None) -> Happening:
    """Somebody goes away, seen by those in the room; nothing happens when it is away already."""
    room = state.where[name]
    if room == AWAY:
        return state, []
    gone = Event(kind="leave", text=text or f"{name} leaves.", actor=name, place=room, content=state.here(room))
    return state.moved(name, AWAY).after([gone]), [gone]


def enter(state: TableState, name: str, room: str, text: str | None = None) -> Happening:
    """Somebody comes in, from elsewhere or from another room; those in either see their end of it."""
    origin = state.where[name]
    if origin == room:
        return state, []
    events = []
    if origin != AWAY:
        words = text or f"{name} goes from the {place_words(origin).split(' the ')[-1]}."
        events.append(Event(kind="leave", text=words, actor=name, place=origin, content=state.here(origin)))
    state = state.moved(name, room)
    words = text or f"{name} comes in."
    events.append(Event(kind="enter", text=words, actor=name, place=room, content=state.here(room)))
    return state.after(events), events


def scripted(state: TableState, event: ScriptEvent, params: TableParams, book: Phrasebook) -> Happening:
    """One event of the script, with the witnesses it names."""
    if event.leave is not None:
        state, events = leave(state, event.leave, event.text)
    elif event.enter is not None:
        state, events = enter(state, event.enter, event.room or params.rooms[0], event.text)
    elif event.move is not None and event.room is not None:
        state, events = enter(state, event.move, event.room, event.text)
    else:
        state = state.changed(event.set or {})
        events = [_told(state, event, book)]
        return state.after(events), events
    return _with_witnesses(state, event, events)


def _with_witnesses(state: TableState, event: ScriptEvent, events: list[Event]) -> Happening:
    """Comings and goings are seen by those there, unless the script says by whom."""
    if event.seen_by != PRESENT or event.unnoticed:
        who = event.leave or event.enter or event.move or ""
        events = [
            one.model_copy(
                update={
                    "content": state.ordered({who, *_seers(state, event, one.content), *event.unnoticed}),
                    "unnoticed": event.unnoticed,
                }
            )
            for one in events
        ]
    return state, [one.model_copy(update={"origin": "scripted"}) for one in events]


def _told(state: TableState, event: ScriptEvent, book: Phrasebook) -> Event:
    by = () if event.by is None else (event.by,)
    room = state.where[event.by] if event.by is not None else None
    facts, of = event.set or event.asserts, event.believer
    claims = tuple(Claim(variable=name, value=value, believer=of) for name, value in facts.items())
    claims += tuple(Claim(variable=n, value=value, holds=False, believer=of) for n, value in event.denies.items())
    told = Event(
        kind=_kind(event), text=event.say or event.whisper or event.text or book.render(claims), actor=event.by,
        addressees=each_once(event.to), place=room, origin="scripted", claims=claims, unnoticed=event.unnoticed,
    )  # fmt: skip
    if room == AWAY and (event.seen_by == PRESENT or event.whisper is not None):
        # whoever went away by its own act, unforeseen by the script, does it alone: nobody is there to witness it
        return told.model_copy(update={"addressees": (), "place": None, "content": by, "unnoticed": ()})
    around = state.ordered(_seers(state, event, state.present if room is None else state.here(room)))
    if event.whisper is None or room is None:
        content = state.ordered({*by, *around, *event.unnoticed})
        return told.model_copy(update={"place": None if room == AWAY else room, "content": content})
    heard = state.ordered({*by, *(name for name in event.to if state.where[name] != AWAY), *event.unnoticed})
    whispered = _whisper(event.by or "", told.text, told.addressees, room, heard, around, claims)
    return whispered.model_copy(update={"origin": "scripted", "unnoticed": event.unnoticed})


def _kind(event: ScriptEvent) -> str:
    if event.deed in ("say", "whisper"):
        return event.deed
    return "change" if event.set is not None else "happening"


def _seers(state: TableState, event: ScriptEvent, present: Sequence[str]) -> tuple[str, ...]:
    """Who `seen_by` means, where `present` means those given."""
    if not isinstance(event.seen_by, str):
        return event.seen_by
    return tuple(present) if event.seen_by == PRESENT else state.here(event.seen_by)


def opening(state: TableState, facts: Mapping[str, str], book: Phrasebook) -> Event:
    """Who is where, and what everybody is told."""
    rooms = dict.fromkeys(state.where[name] for name in state.present)
    who = " ".join(f"{place_words(room).capitalize()}: {and_list(state.here(room))}." for room in rooms)
    claims = tuple(Claim(variable=name, value=value) for name, value in facts.items())
    return Event(
        kind="opening", text=" ".join(part for part in (who, book.render(claims)) if part), origin="world",
        claims=claims, content=state.cast,
    )  # fmt: skip
