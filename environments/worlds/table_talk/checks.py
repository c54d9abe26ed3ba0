"""What cannot be in a table_talk scenario, each said with its key and what would be right."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tertulia.environments.world import Variable, WorldError
from tertulia.environments.worlds.table_talk.params import AWAY, PRESENT, ScriptEvent, TableParams, TableSeat
from tertulia.environments.worlds.table_talk.words import Phrasebook, contains_words, sentence, words_of
from tertulia.storage.nearest import nearest


def variables_of(params: TableParams, truth: Mapping[str, str] | None = None) -> list[Variable]:
    """The variables with their true values: those at the start, or those given."""
    return [
        Variable(
            name=name, values=spec.values, static=spec.static, say=spec.say,
            truth=spec.truth if truth is None else truth.get(name),
        )
        for name, spec in params.variables.items()
    ]  # fmt: skip


def problems(params: TableParams, seats: Mapping[str, TableSeat]) -> Iterator[WorldError]:
    """Everything that is wrong, in the order of the keys; what only follows from it is left out."""
    found = list(_words_and_names(params, seats))
    yield from found or [*_knowable(params, seats), *_given_away(params, seats)]


def _words_and_names(params: TableParams, seats: Mapping[str, TableSeat]) -> Iterator[WorldError]:
    yield from _variables(params)
    yield from _known_names("facts", params.facts, params.variables, "variable")
    for name in params.facts:
        if name in params.variables and params.variables[name].truth is None:
            yield WorldError("facts", f"'{name}' has no truth to announce; give variables.{name} a `truth`")
    for name, seat in seats.items():
        yield from _seat(params, name, seat, tuple(seats))
    for index, event in enumerate(params.script):
        yield from _event(params, f"script.{index}", event, tuple(seats))
    yield from _unheard(params, seats)
    yield from _endings(params, seats)


def _variables(params: TableParams) -> Iterator[WorldError]:
    for name, spec in params.variables.items():
        if len(set(spec.values)) != len(spec.values):
            yield WorldError(f"variables.{name}.values", "a value stands twice; write each once")
        if spec.truth is not None and spec.truth not in spec.values:
            wrong = f"the truth '{spec.truth}' is none of the values"
            yield WorldError(f"variables.{name}.truth", f"{wrong}; {nearest(spec.truth, spec.values)}")
    for one, other in Phrasebook(variables_of(params)).clashes():
        wrong = f"'{other.value}' cannot be told in words from {one.variable} = '{one.value}'"
        yield WorldError(f"variables.{other.variable}", f"{wrong}; give it another `say` or other values")


def _knowable(params: TableParams, seats: Mapping[str, TableSeat]) -> Iterator[WorldError]:
    told = set(params.facts)
    for seat in seats.values():
        told |= set(seat.knows)
    for event in params.script:
        if event.seen_by != () or event.unnoticed:
            told |= {*(event.set or {}), *(event.asserts if event.believer is None else ())}
    for name, spec in params.variables.items():
        if spec.truth is not None and name not in told:
            right = f"put {name} into somebody's `knows`, into `facts`, or into an event of the script"
            yield WorldError(f"variables.{name}", f"a fact nobody can come to know; {right}")


def _seat(params: TableParams, name: str, seat: TableSeat, names: tuple[str, ...]) -> Iterator[WorldError]:
    key = f"participants.{name}"
    yield from _values(f"{key}.knows", seat.knows, params)
    yield from _values(f"{key}.believes", seat.believes, params)
    for variable, value in seat.knows.items():
        spec = params.variables.get(variable)
        if spec is not None and spec.truth != value and {spec.truth, value} <= set(spec.values):
            wrong = f"{name} cannot know '{value}', the truth is '{spec.truth}'"
            yield WorldError(f"{key}.knows.{variable}", f"{wrong}; move it to `believes` if {name} is to be wrong")
        if variable in seat.believes:
            yield WorldError(f"{key}.believes.{variable}", "it stands in `knows` as well; keep one of the two")
    yield from _known_names(f"{key}.secrets", seat.secrets, params.variables, "variable")
    others = [other for other in names if other != name]
    yield from _known_names(f"{key}.confides_in", seat.confides_in, others, "other participant")
    if seat.room is not None:
        yield from _known_names(f"{key}.room", (seat.room,), (*params.rooms, AWAY), "room")


def _event(params: TableParams, key: str, event: ScriptEvent, names: tuple[str, ...]) -> Iterator[WorldError]:
    for field in ("leave", "enter", "move", "by"):
        if (name := getattr(event, field)) is not None:
            yield from _known_names(f"{key}.{field}", (name,), names, "participant")
    if event.believer is not None:
        others = [n for n in names if n != event.by]
        yield from _known_names(f"{key}.believer", (event.believer,), others, "participant to speak of")
    yield from _known_names(f"{key}.to", event.to, [n for n in names if n != event.by], "participant to speak to")
    yield from _known_names(f"{key}.unnoticed", event.unnoticed, names, "participant")
    for field, facts in (("set", event.set or {}), ("asserts", event.asserts), ("denies", event.denies)):
        yield from _values(f"{key}.{field}", facts, params)
    for name in event.set or {}:
        if name in params.variables and params.variables[name].static:
            yield WorldError(f"{key}.set.{name}", f"'{name}' is static and never changes; take `static` away")
    yield from _witnesses(params, key, event, names)
    yield from _deed(params, key, event)


def _witnesses(params: TableParams, key: str, event: ScriptEvent, names: tuple[str, ...]) -> Iterator[WorldError]:
    if not isinstance(event.seen_by, str):
        yield from _known_names(f"{key}.seen_by", event.seen_by, names, "participant")
    elif event.seen_by not in (PRESENT, *params.rooms):
        options = [PRESENT, *params.rooms, *(f"[{name}]" for name in names)]
        wrong = f"'{event.seen_by}' is neither `present` nor a room nor a list of names"
        yield WorldError(f"{key}.seen_by", f"{wrong}; {nearest(event.seen_by, options)}")


def _deed(params: TableParams, key: str, event: ScriptEvent) -> Iterator[WorldError]:
    deed = event.deed
    if deed in ("say", "whisper") and event.by is None:
        yield WorldError(f"{key}.{deed}", "nobody says it; add `by: NAME`")
    if deed == "whisper" and not event.to:
        yield WorldError(f"{key}.whisper", "nobody hears it; add `to: [NAME]`")
    if deed in ("leave", "enter", "move") and event.by is not None:
        yield WorldError(f"{key}.by", f"`{deed}` says already who it is; take `by` away")
    if deed not in ("say", "whisper"):
        for field in ("to", "asserts", "denies", "believer"):
            if getattr(event, field):
                yield WorldError(f"{key}.{field}", f"only `say` and `whisper` have `{field}`; take it away")
    if deed in ("say", "whisper") and event.text is not None:
        yield WorldError(f"{key}.text", f"the words stand under `{deed}` already; take `text` away")
    if event.room is not None and deed in ("enter", "move"):
        yield from _known_names(f"{key}.room", (event.room,), params.rooms, "room")
    elif event.room is not None:
        yield WorldError(f"{key}.room", "only `enter` and `move` lead to a room; take it away, or use `seen_by`")
    elif deed == "move":
        yield WorldError(f"{key}.move", f"to which room; add `room:`, one of {', '.join(params.rooms)}")


def _unheard(params: TableParams, seats: Mapping[str, TableSeat]) -> Iterator[WorldError]:
    """Deeds of somebody who is away for certain: only the script brings people back, so its own order tells."""
    away = {name: "from the start" for name, seat in seats.items() if seat.room == AWAY}
    for index, event in sorted(enumerate(params.script), key=lambda numbered: numbered[1].turn):
        if event.leave is not None:
            away[event.leave] = f"since turn {event.turn}"
        elif event.enter is not None or event.move is not None:
            away.pop(event.enter or event.move or "", None)
        elif event.by in away and (event.seen_by == PRESENT or event.whisper is not None):
            wrong = f"{event.by} is away at turn {event.turn} ({away[event.by]}), and nobody would notice"
            right = f"bring {event.by} back before with `enter: {event.by}`"
            if event.whisper is None:
                right += ", or name in `seen_by` who hears or sees it, as by telephone"
            yield WorldError(f"script.{index}.by", f"{wrong}; {right}")


def _endings(params: TableParams, seats: Mapping[str, TableSeat]) -> Iterator[WorldError]:
    for index, end in enumerate(params.ends):
        if isinstance(end, dict) and isinstance(end.get("condition"), dict):
            yield from _values(f"ends.{index}.condition", end["condition"], params)
    if params.goal is not None:
        yield from _known_names("goal.shared", params.goal.shared, params.variables, "variable")
        yield from _known_names("goal.kept", params.goal.kept, params.variables, "variable")
        yield from _values("goal.truth", params.goal.truth, params)
        for name in params.goal.kept:
            if name in params.variables and not any(name in seat.secrets for seat in seats.values()):
                yield WorldError("goal.kept", f"nobody keeps '{name}'; put it into somebody's `secrets`")


def _given_away(params: TableParams, seats: Mapping[str, TableSeat]) -> Iterator[WorldError]:
    """A fact that only some know must not stand in the premise, as its sentence or its value beside its name."""
    public = words_of(params.premise)
    for variable in variables_of(params):
        knowing = [(name, seat.knows[variable.name]) for name, seat in seats.items() if variable.name in seat.knows]
        if variable.name in params.facts or len(knowing) == len(seats):
            continue
        for name, value in knowing:
            named, told = words_of(variable.name), words_of(value)
            forms = [words_of(sentence(variable, value)), named + told, told + named]
            given = next((form for form in forms if contains_words(public, form)), None)
            if given is not None:
                wrong = (
                    f"it gives away '{' '.join(given)}', which participants.{name}.knows.{variable.name} keeps private"
                )
                right = f"say it otherwise, or put {variable.name} into `facts`"
                yield WorldError("premise", f"{wrong}; {right}")
                break


def _values(key: str, facts: Mapping[str, str], params: TableParams) -> Iterator[WorldError]:
    for name, value in facts.items():
        spec = params.variables.get(name)
        if spec is None:
            yield WorldError(f"{key}.{name}", f"no variable '{name}'; {nearest(name, list(params.variables))}")
        elif value not in spec.values:
            yield WorldError(f"{key}.{name}", f"'{value}' is no value of {name}; {nearest(str(value), spec.values)}")


def _known_names(
    key: str, given: Sequence[str], known: Sequence[str] | Mapping[str, object], kind: str
) -> Iterator[WorldError]:
    for name in given:
        if name not in known:
            yield WorldError(key, f"no {kind} '{name}'; {nearest(name, list(known))}")
