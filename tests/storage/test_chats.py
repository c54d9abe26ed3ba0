"""Group chats of people: what their tables say, whatever they look like, and no name that should not be there."""

from __future__ import annotations

import json
import re
import unicodedata
from datetime import UTC, datetime, tzinfo
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from tertulia.environments.people.pseudonyms import drawn_pseudonyms
from tertulia.storage.coding.reading import read_table
from tertulia.storage.forget import forget
from tertulia.storage.imports.chat import Chats, ChatTrouble, Reading, chats, columns_of
from tertulia.storage.imports.entering import enter
from tertulia.storage.log import Log

CHAT = """\
time,speaker,text,addressee,conversation
2026-03-01 18:30:00,Maria Lopez,who brings the cake?,,one
2026-03-01 18:31:30,Ben,me! Maria knows,Maria Lopez; Zoe,one
2026-03-01 18:31:00,system,Ben joined,,one
2026-03-01 18:33:00,maria lopez,"thanks, BEN
you rock",ben,one
2026-03-01 18:40:00,Ben,,,one
2026-03-02 09:00:00,Ana,hello all,everyone,two
"""


def read(text: str = CHAT, *, seed: int = 1, zone: tzinfo = UTC, **given: Any) -> Chats:
    sheet = read_table(text.encode(), "chat.csv")
    pseudonyms = partial(drawn_pseudonyms, seed=seed)
    how = Reading(
        columns_of(sheet, given.pop("columns", {})), zone=zone, system=frozenset({"system"}),
        people={"local_only": True, "consent": {"text": "IRB 17"}}, **{"pseudonyms": pseudonyms, **given},
    )  # fmt: skip
    return chats(sheet, how)


def said(found: Chats, which: int = 0) -> list[tuple[str | None, str, tuple[str, ...]]]:
    return [(h.actor, h.text, h.to) for turn in found.conversations[which].turns for h in turn.happenings]


def test_a_chat_is_what_was_said_in_the_order_of_time_by_pseudonyms() -> None:
    found = read()
    maria, ben, zoe = (found.mapping[name] for name in ("Maria Lopez", "Ben", "Zoe"))
    assert said(found) == [
        (maria, "who brings the cake?", ()),
        (None, f"{ben} joined", ()),
        (ben, f"me! {maria} knows", (maria, zoe)),
        (maria, f"thanks, {ben}\nyou rock", (ben,)),
    ]
    assert said(found, 1) == [(found.mapping["Ana"], "hello all", ())]
    assert (found.moved, found.replaced, dict(found.left_out)) == (2, 3, {"nothing is said in them": 1})
    assert [turn.clock_s for turn in found.conversations[0].turns] == [0.0, 60.0, 90.0, 180.0]


def test_no_name_is_anywhere_in_what_comes_of_it() -> None:
    text = repr(read().conversations)
    assert not re.search(r"\b(maria|lopez|ben|ana|zoe)\b", text, re.IGNORECASE)
    names = repr(read(pseudonyms=lambda names: {name: name for name in names}, keep_names=True).conversations)
    assert "Maria Lopez" in names


def test_a_seed_gives_a_name_its_pseudonym_whoever_else_is_there() -> None:
    assert read(seed=7).mapping == read(seed=7).mapping
    assert read(seed=7).mapping != read(seed=8).mapping
    few = drawn_pseudonyms(["Ben"], 7)
    assert read(seed=7).mapping["Ben"] == few["Ben"]
    assert len(set(drawn_pseudonyms((f"n{i}" for i in range(3000)), 1).values())) == 3000


@pytest.mark.parametrize(
    ("written", "zone", "format", "moment"),
    [
        ("2026-03-01 18:30:00", ZoneInfo("Europe/Madrid"), None, datetime(2026, 3, 1, 17, 30, tzinfo=UTC)),
        ("2026-07-01T18:30:00", ZoneInfo("Europe/Madrid"), None, datetime(2026, 7, 1, 16, 30, tzinfo=UTC)),
        ("2026-03-01T18:30:00Z", ZoneInfo("Europe/Madrid"), None, datetime(2026, 3, 1, 18, 30, tzinfo=UTC)),
        ("2026-03-01T18:30:00+05:30", UTC, None, datetime(2026, 3, 1, 13, 0, tzinfo=UTC)),
        ("1772389800", UTC, None, datetime(2026, 3, 1, 18, 30, tzinfo=UTC)),
        ("1772389800000", UTC, None, datetime(2026, 3, 1, 18, 30, tzinfo=UTC)),
        ("01.03.26 18:30", UTC, "%d.%m.%y %H:%M", datetime(2026, 3, 1, 18, 30, tzinfo=UTC)),
    ],
)
def test_times_are_moments_whatever_zone_they_are_written_in(
    written: str, zone: tzinfo, format: str | None, moment: datetime
) -> None:
    text = f"time,speaker,text\n{written},a,x\n"
    [one] = read(text, zone=zone, time_format=format, keep_times=True).conversations
    assert (one.began, one.turns[0].started_at) == (moment, moment)
    [hidden] = read(text, zone=zone, time_format=format).conversations
    assert hidden.began == moment.replace(minute=0)


def test_a_chat_without_times_or_with_seconds_keeps_its_order() -> None:
    assert [text for _, text, _ in said(read("speaker,text\na,1\nb,2\n"))] == ["1", "2"]
    timed = read("time,speaker,text\n5,a,1\n,b,2\n9.5,a,3\n")
    assert [text for _, text, _ in said(timed)] == ["1", "2", "3"]
    assert [turn.clock_s for turn in timed.conversations[0].turns] == [0.0, None, 4.5]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "time,who,text\n1,a,x\n",
            "chat.csv: which column is the speaker? say --speaker COLUMN; there are: time, who, text",
        ),
        ("speaker,text\na,\n", "chat.csv: nobody says anything in it"),
        (
            "time,speaker,text\nyesterday,a,x\n",
            "chat.csv: row 2, column time: 'yesterday' is no time; give it as 2026-",
        ),
        ("time,speaker,text\n2026-13-01,a,x\n1,b,y\n9e99,c,z\n", "row 4, column time: '9e99' is no time"),
    ],
)
def test_what_is_wrong_in_a_chat_is_told_with_its_row(text: str, words: str) -> None:
    with pytest.raises(ChatTrouble) as told:
        read(text)
    assert words in str(told.value)


def test_a_column_that_is_named_must_be_there() -> None:
    with pytest.raises(ChatTrouble, match="row 1 has no column 'speakr'; nearest: 'speaker'"):
        read(columns={"speaker": "speakr"})
    found = read("Wer,Was,speaker\nAda,hm,x\n", columns={"speaker": "Wer", "text": "was"})
    assert list(found.mapping) == ["Ada"]


async def test_chats_are_episodes_like_others_and_a_person_in_them_can_be_forgotten(log: Log) -> None:
    found = read()
    ids = [(await enter(log, one, batch="chats")).episode for one in found.conversations]
    again = [await enter(log, one, batch="chats") for one in read(seed=99).conversations]
    assert [(one.episode, one.new) for one in again] == [(id, False) for id in ids]
    row = log.episode(ids[0])
    assert row.config["people"] == {"local_only": True, "consent": {"text": "IRB 17"}}
    assert {seat.kind for seat in log.participants(ids[0])} == {"person"}
    rows = log.query("SELECT turn, actor, witnesses FROM v_transcript WHERE episode = ? ORDER BY turn", [ids[0]]).rows
    everybody = ", ".join(sorted(seat.name for seat in log.participants(ids[0])))
    assert [turn for turn, *_ in rows] == [0, 1, 2, 3, 4]
    assert {witnesses for *_, witnesses in rows[1:]} == {everybody}
    ben = found.mapping["Ben"]
    done = await forget(log, ben)
    assert done.episodes == [ids[0]]
    left = json.dumps(log.query("SELECT actor, text FROM v_transcript WHERE episode = ?", [ids[0]]).rows)
    assert "knows" not in left
    assert "[forgotten]" in left
    assert "who brings the cake?" in left


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("Strau\u00df", "Strau\u00df"),
        ("Strau\u00df", "STRAUSS"),
        ("\u0130lker", "\u0130lker"),
        ("Jos\u00e9", "Jose\u0301"),
        ("Jose\u0301", "Jos\u00c9"),
        ("Iris", "\u0131r\u0131s"),
    ],
)
def test_a_name_is_recognised_however_its_letters_are_written(name: str, written: str) -> None:
    found = read(f"speaker,text\n{name},hello\nAna,thank you {written}!\n")
    assert said(found)[1][1] == f"thank you {found.mapping[unicodedata.normalize('NFC', name)]}!"
    assert found.replaced == 1


def test_a_name_written_in_two_ways_is_of_one_person() -> None:
    found = read("speaker,text,to\nJos\u00e9  Ruiz,hi,\nJose\u0301 Ruiz,there,\nAna,you,Jos\u00e9   Ruiz\n")
    assert len(found.mapping) == 2


def test_a_text_without_a_name_stays_as_it_was() -> None:
    assert said(read("speaker,text\nBen,cafe\u0301\n"))[0][1] == "cafe\u0301"


@pytest.mark.parametrize("time", ["0001-01-01 00:00:00", "9999-12-31 23:59:59", "inf", "-inf", "nan", "1e400"])
def test_a_time_that_no_calendar_has_is_told_with_its_row(time: str) -> None:
    zone = ZoneInfo("Asia/Tokyo" if time < "1" else "America/New_York")
    with pytest.raises(ChatTrouble, match=r"row 2, column time: .* is no time"):
        read(f"time,speaker,text\n{time},Ben,hi\n", zone=zone)


def test_names_are_found_whole_wherever_they_stand_and_however_many_there_are() -> None:
    names = "".join(f"Name{n},hi\n" for n in range(2000))
    found = read(
        f'speaker,text\n@ann,a\nmaria jose,b\nMaria,c\nZed,"@ANN! x@ann maria\n jose, maria; mariana"\n{names}'
    )
    ann, both, maria = (found.mapping[name] for name in ("@ann", "maria jose", "Maria"))
    assert said(found)[3][1] == f"{ann}! x@ann {both}, {maria}; mariana"
