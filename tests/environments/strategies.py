"""Random but valid table_talk scenarios, as the data of a scenario file: for property tests of all rooms."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

NAMES = ("alice", "bob", "carol", "dan", "erin")
VARIABLES: dict[str, tuple[str, ...]] = {
    "house": ("kept", "sold"),
    "cake": ("kitchen", "cellar", "pantry"),
    "train": ("early", "late"),
    "key": ("drawer", "shelf", "pocket"),
}
ROOMS = ("table", "hall", "garden")
LIMIT = 8


@st.composite
def table_scenarios(draw: st.DrawFn, *, min_seats: int = 2, max_seats: int = 4, limit: int = LIMIT) -> dict[str, Any]:
    """Whispers, comings and goings, scripts with partial and unnoticed witnesses, secrets, false beliefs, rooms.

    Every variable has a truth that somebody can come to know. `secrets` are only ever told by the script where the
    event's words are a whisper or a `say` by anybody: look at `script` before asserting that one is kept.
    """
    names = NAMES[: draw(st.integers(min_seats, max_seats))]
    rooms = ROOMS[: draw(st.integers(1, len(ROOMS)))]
    chosen = draw(st.lists(st.sampled_from(sorted(VARIABLES)), min_size=1, max_size=3, unique=True))
    variables = {name: draw(_variable(name)) for name in chosen}
    participants = [draw(_seat(name, names, variables, rooms)) for name in names]
    script = _without_the_absent(draw(st.lists(_event(names, variables, rooms, limit), max_size=7)), participants)
    told = {name for seat in participants for name in seat["knows"]}
    facts = [name for name in chosen if name not in told]
    facts += [name for name in chosen if name in told and draw(st.integers(0, 5)) == 0]
    ends = ["limit", *(["agreement"] if draw(st.booleans()) else [])]
    return {
        "scenario": "random", "world": "table_talk", "premise": "Some people talk.", "variables": variables,
        "facts": facts, "rooms": list(rooms), "participants": participants, "script": script, "ends": ends,
        "turns": {"policy": "bidding", "limit": limit},
    }  # fmt: skip


def _without_the_absent(script: list[dict[str, Any]], participants: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The script without words and deeds of those who are away for certain, which is refused."""
    away = {seat["name"] for seat in participants if seat["room"] == "away"}
    kept = []
    for event in sorted(script, key=lambda one: one["turn"]):
        if "leave" in event:
            away.add(event["leave"])
        away -= {event.get("enter"), event.get("move")}
        if event.get("by") not in away or ("whisper" not in event and event["seen_by"] != "present"):
            kept.append(event)
    return kept


@st.composite
def _variable(draw: st.DrawFn, name: str) -> dict[str, Any]:
    values = VARIABLES[name]
    found: dict[str, Any] = {"values": list(values), "truth": draw(st.sampled_from(values))}
    if draw(st.booleans()):
        found["say"] = f"As to the {name}: it is {{value}}."
    return found


@st.composite
def _seat(
    draw: st.DrawFn, name: str, names: tuple[str, ...], variables: dict[str, Any], rooms: tuple[str, ...]
) -> dict[str, Any]:
    kinds = {variable: draw(st.sampled_from(["knows", "believes", "", ""])) for variable in variables}
    others = [other for other in names if other != name]
    return {
        "name": name,
        "persona": f"{name} as ever",
        "knows": {variable: variables[variable]["truth"] for variable, kind in kinds.items() if kind == "knows"},
        "believes": {
            v: draw(st.sampled_from(variables[v]["values"])) for v, kind in kinds.items() if kind == "believes"
        },
        "secrets": [variable for variable in variables if draw(st.integers(0, 3)) == 0],
        "confides_in": draw(st.lists(st.sampled_from(others), max_size=2, unique=True)),
        "room": draw(st.sampled_from([rooms[0], *rooms, "away"])),
    }


@st.composite
def _event(
    draw: st.DrawFn, names: tuple[str, ...], variables: dict[str, Any], rooms: tuple[str, ...], limit: int
) -> dict[str, Any]:
    kind = draw(st.sampled_from(["leave", "enter", "move", "set", "set", "say", "whisper", "whisper", "text"]))
    event: dict[str, Any] = {"turn": draw(st.integers(0, limit))}
    by = draw(st.sampled_from(names))
    others = [name for name in names if name != by]
    variable = draw(st.sampled_from(sorted(variables)))
    fact = {variable: draw(st.sampled_from(variables[variable]["values"]))}
    if kind in ("leave", "enter", "move"):
        event[kind] = by
        if kind != "leave":
            event["room"] = draw(st.sampled_from(rooms))
    elif kind in ("say", "whisper"):
        to = draw(st.lists(st.sampled_from(others), min_size=int(kind == "whisper"), max_size=2, unique=True))
        event |= {
            kind: f"{draw(st.sampled_from(['Listen', 'By the way', 'Hm']))}.",
            "by": by,
            "to": to,
            "asserts": fact,
        }
    else:
        event |= {"set": fact} if kind == "set" else {"text": "A door slams."}
        if draw(st.booleans()):
            event["by"] = by
    seers = [["present"], list(rooms), [[], *([name] for name in names), list(names[:2])]]
    event["seen_by"] = draw(st.sampled_from(draw(st.sampled_from(seers))))
    if draw(st.integers(0, 3)) == 0:
        event["unnoticed"] = [draw(st.sampled_from(others))]
    return event
