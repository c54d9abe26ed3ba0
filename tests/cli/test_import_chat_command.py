"""`tertulia import chat`, and what the other commands make of what it brings."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from tests.cli.command import Tertulia
from tests.storage.test_chats import CHAT

NOTE = ("--consent-note", "IRB 2026-17, written consent")


@pytest.fixture
def chat(tmp_path: Path) -> str:
    path = tmp_path / "chat.csv"
    path.write_text(CHAT)
    return str(path)


def test_a_chat_is_shown_searched_measured_reported_and_coded(tertulia: Tertulia, chat: str, tmp_path: Path) -> None:
    said = tertulia("import", "chat", chat, *NOTE, "--system", "system", "--batch", "chats", "--seed", "5")
    assert said.code == 0, said.err
    first, _ = said.out.split()
    assert "2 episodes entered into" in said.err
    assert f"to look at it: tertulia show {said.out.split()[0]}\n" in said.err
    assert "4 names became pseudonyms, also 3 times within messages" in said.err
    shown = tertulia("show", first)
    assert "who brings the cake?" in shown.out
    assert "Maria" not in shown.out + shown.err
    assert tertulia("search", "cake", "--json").lines()[0]["episode"] == first
    measured = tertulia("measures", "run", "chats", "--measure", "turn_share", "--json").lines()
    assert sorted(row["value"] for row in measured)[-2:] == [pytest.approx(2 / 3), 1.0]
    assert tertulia("report", first, "-o", "report.html").code == 0
    (tmp_path / "book.yaml").write_text("codebook: b\ncodes: {kind: {levels: ['yes', 'no']}}\n")
    coded = tertulia("export", "chats", "--blind", "--codebook", "book.yaml", "-o", "study")
    assert "in 2 episodes people were told that their words stay on this machine; the sheets too" in coded.err
    assert "set b-" in coded.err
    again = tertulia("import", "chat", chat, *NOTE, "--system", "system")
    assert again.out == ""
    assert "0 episodes entered" in again.err
    assert "2 were there already" in again.err


def test_the_people_of_one_table_are_nameless_in_every_other(tertulia: Tertulia, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("speaker,text\nBen,have you seen Carla?\n")
    (tmp_path / "b.csv").write_text("speaker,text\ncarla,Ben knows\n")
    for seed, files in (("1", ("a.csv", "b.csv")), ("2", ("b.csv", "a.csv"))):
        said = tertulia("import", "chat", *files, *NOTE, "--seed", seed, "--db", f"{seed}.db")
        assert "2 names became pseudonyms, also 2 times within messages" in said.err
        texts = tertulia("sql", "SELECT text FROM event", "--csv", "--db", f"{seed}.db").out
        assert not any(name in texts for name in ("Carla", "carla", "Ben"))


def test_a_very_long_message_is_a_message(tertulia: Tertulia, tmp_path: Path) -> None:
    (tmp_path / "long.csv").write_text(f"speaker,text\nBen,{'word ' * 40_000}\nCarla,well\n")
    assert tertulia("import", "chat", "long.csv", *NOTE).code == 0
    assert tertulia("sql", "SELECT max(length(text)) FROM event", "--csv").out.split()[1] == "200000"


def test_who_became_whom_is_written_only_where_it_is_asked_for(tertulia: Tertulia, chat: str, tmp_path: Path) -> None:
    assert tertulia("import", "chat", chat, *NOTE, "--mapping", "names.csv", "--db", str(tmp_path)).code == 2
    assert not (tmp_path / "names.csv").exists()
    said = tertulia("import", "chat", chat, *NOTE, "--mapping", "names.csv", "--seed", "5")
    assert said.code == 0, said.err
    mapping = tmp_path / "names.csv"
    assert stat.S_IMODE(mapping.stat().st_mode) == 0o600
    assert "Maria Lopez," in mapping.read_text(encoding="utf-8-sig")
    refused = tertulia("import", "chat", chat, *NOTE, "--mapping", "names.csv")
    assert (refused.code, refused.err) == (
        2, "error: --mapping names.csv: File exists; give a file that is not there yet\n",
    )  # fmt: skip


def test_without_a_seed_a_new_one_is_drawn_and_told(tertulia: Tertulia, chat: str) -> None:
    said = tertulia("import", "chat", chat, *NOTE)
    assert "the same people get the same pseudonyms with --seed " in said.err
    assert tertulia("sql", "SELECT count(*) AS n FROM participant WHERE name LIKE 'Maria%'", "--json").lines() == [
        {"n": 0}
    ]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "--consent-note"),
        (("--consent-note", " "), "--consent-note: there is nothing in it"),
        ((*NOTE, "--timezone", "Mars/Olympus"), "--timezone Mars/Olympus: no such zone"),
        ((*NOTE, "--text", "txt"), "row 1 has no column 'txt'; nearest: 'text'"),
        ((*NOTE, "--time-format", "%d.%m.%Y"), "row 2, column time: '2026-03-01 18:30:00' is no time"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_is_entered(
    tertulia: Tertulia, chat: str, tmp_path: Path, options: tuple[str, ...], words: str
) -> None:
    said = tertulia("import", "chat", chat, *options)
    assert said.code == 2
    assert words in said.err
    assert not (tmp_path / "log.db").exists()
