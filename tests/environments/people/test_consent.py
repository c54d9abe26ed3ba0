"""People agree before anything is shown to them or kept of them; what they are asked before and after is kept."""

from __future__ import annotations

import asyncio
import getpass
import hashlib
import platform
import re
from pathlib import Path
from typing import Any

import pytest

import tertulia
from tertulia.agents.registry import Backends
from tertulia.environments.episode import Episode
from tertulia.environments.people.chair import Chair
from tertulia.environments.people.consent import ConsentText
from tertulia.environments.people.errors import Unreadable
from tertulia.environments.people.pseudonyms import new_pseudonym, read_pseudonym
from tertulia.environments.people.table import Table
from tertulia.environments.scenario import ScenarioError
from tertulia.storage.log import Log
from tertulia.storage.rows import CallRow, EpisodeRow, EventRow, ParticipantRow, ProbeRow, TurnRow
from tertulia.storage.rows_of_people import ConsentRow, InboxRow
from tests.environments.people.test_table import QUICK, Playing, playing

TEXT = "version: 2026-1\nYou will talk with three computer programs.\n"


@pytest.fixture
def consent(tmp_path: Path) -> str:
    path = tmp_path / "consent.md"
    path.write_text(TEXT)
    return f"people.consent={path}"


async def told(game: Playing, seat: str, kind: str) -> dict[str, Any]:
    """The first message of this kind."""
    await game.until(lambda: any(message["kind"] == kind for message in game.heard[seat]))
    return next(message for message in game.heard[seat] if message["kind"] == kind)


def kept_in(folder: Path) -> bytes:
    """All bytes of the log in a folder."""
    return b"".join(path.read_bytes() for path in folder.glob("log.db*"))


def test_a_text_has_the_hash_of_its_file_and_the_version_it_names() -> None:
    found = ConsentText.of(TEXT)
    assert found.hash == hashlib.sha256(TEXT.encode()).hexdigest()
    assert (found.version, found.shown) == ("2026-1", "You will talk with three computer programs.")
    front = ConsentText.of("---\ntitle: Study\nversion: '4'\n---\nHello.\n")
    assert (front.version, front.shown) == ("4", "Hello.")
    plain = ConsentText.of("Hello.\n")
    assert plain.version == plain.hash[:12]
    with pytest.raises(ValueError, match="empty"):
        ConsentText.of("version: 3\n\n")


def test_a_consent_file_that_cannot_be_read_is_told_where_it_stands(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"people\.consent: there is no file 'gone\.md'; give the path"):
        tertulia.load_scenario("dinner-secret", ["people.consent=gone.md"])
    (tmp_path / "bytes.md").write_bytes(b"\xff\xfe")
    with pytest.raises(ScenarioError, match="is not UTF-8"):
        tertulia.load_scenario("dinner-secret", [f"people.consent={tmp_path / 'bytes.md'}"])


def test_a_path_in_a_file_begins_at_the_files_folder_and_the_text_stays_with_the_episode(tmp_path: Path) -> None:
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/yes.md").write_text(TEXT)
    shipped = Path(tertulia.__file__).parent / "environments/scenarios/dinner-secret.yaml"
    (tmp_path / "mine.yaml").write_text(shipped.read_text() + "\npeople: {consent: texts/yes.md}\n")
    config = tertulia.load_scenario(str(tmp_path / "mine.yaml")).resolved()
    assert config["people"]["consent"]["text"] == TEXT
    config["people"]["consent"]["text"] += "and more"
    from tertulia.environments.scenario.model import Scenario

    with pytest.raises(ScenarioError, match="not the one with this hash"):
        Scenario.from_resolved(config)


async def test_nothing_is_shown_or_kept_of_a_person_before_they_agree(tmp_path: Path, consent: str) -> None:
    async with playing(tmp_path, consent, "people.times=offer") as game:
        game.sit("dan")
        asked = await told(game, "dan", "consent")
        assert asked["text"] == "You will talk with three computer programs."
        assert asked["words_go_to"] == [
            "alice, bob, carol: the rules of the game, on this machine", "the log log.db, a file on this machine",
        ]  # fmt: skip
        assert asked["offers_times"] is True
        assert {message["kind"] for message in game.heard["dan"]} <= {"consent", "waiting"}
        with pytest.raises(Unreadable, match="first say whether you agree"):
            await game.table.hand_in("dan", "say", "hello")
        with pytest.raises(Unreadable, match="yes or no"):
            await game.table.hand_in("dan", "consent", data={"agreed": "perhaps"})
        assert game.log.rows(ConsentRow, game.id) == game.log.rows(InboxRow, game.id) == []
        assert all(row.pseudonym is None for row in game.log.rows(ParticipantRow, game.id))
        await game.table.hand_in("dan", "consent", data={"agreed": True, "times": False})
        await told(game, "dan", "past")
        [row] = game.log.rows(ConsentRow, game.id)
        assert (row.pseudonym, row.version, row.times, row.withdrawn_at) == ("p-dan", "2026-1", False, None)
        assert (
            row.hash
            == hashlib.sha256(game.log.episode(game.id).config["people"]["consent"]["text"].encode()).hexdigest()
        )
        assert [p.pseudonym for p in game.log.rows(ParticipantRow, game.id) if p.name == "dan"] == ["p-dan"]


async def test_who_does_not_agree_does_not_play_and_nothing_of_them_is_kept(tmp_path: Path, consent: str) -> None:
    async with playing(tmp_path, consent) as game:
        game.sit("dan")
        await told(game, "dan", "consent")
        await game.table.hand_in("dan", "consent", data={"agreed": False})
        result = await game.task
        assert (result.status, result.reason) == ("cancelled", "whoever was to play dan did not agree to take part")
        assert game.log.rows(ConsentRow, game.id) == game.log.rows(TurnRow, game.id) == []
    assert b"p-dan" not in kept_in(tmp_path)


async def test_consent_holds_when_the_episode_goes_on_and_not_when_words_go_elsewhere(
    tmp_path: Path, consent: str
) -> None:
    async with playing(tmp_path, consent, "turns.policy=round-robin") as game:
        game.sit("dan")
        await told(game, "dan", "consent")
        await game.table.hand_in("dan", "consent", data={"agreed": True})
        await game.waits("dan", "it is the turn of dan")
        game.task.cancel()
        await asyncio.gather(game.task, return_exceptions=True)
        for go_to, kinds in ((None, ["past"]), (["a new server"], ["consent"])):
            heard: list[Any] = []
            table, stage = Table(), game.episode.stage
            table.open(stage, game.log, go_to or game.episode._words_go_to())
            assert table.chairs["dan"].pseudonym == "p-dan"
            table.sit("dan", heard.append)
            assert [message["kind"] for message in heard] == kinds


async def test_withdrawing_marks_the_consent(tmp_path: Path, consent: str) -> None:
    async with playing(tmp_path, consent, "turns.policy=round-robin") as game:
        game.sit("dan")
        await told(game, "dan", "consent")
        await game.table.hand_in("dan", "consent", data={"agreed": True})
        await game.waits("dan", "it is the turn of dan")
        await game.table.hand_in("dan", "withdraw")
        assert (await game.task).status == "cancelled"
        [row] = game.log.rows(ConsentRow, game.id)
        assert row.withdrawn_at is not None


BEFORE = (
    "people.before=[{name: mood, kind: likert, ask: I feel well, scale: 5, required: true}, {name: read, kind: choice,"
    " ask: Choose blue, choices: [red, blue], check: blue}, {name: why, kind: text, ask: Why are you here}]"
)
AFTER = "people.after=[{name: fun, kind: likert, ask: It was fun}]"


async def test_questionnaires_are_answered_before_and_after(tmp_path: Path) -> None:
    async with playing(tmp_path, BEFORE, AFTER, "turns.limit=3") as game:
        game.sit("dan")
        form = await told(game, "dan", "form")
        assert [item["name"] for item in form["items"]] == ["mood", "read", "why"]
        assert "check" not in str(form)
        for answers, why in (
            ({}, "mood: this one needs an answer"),
            ({"mood": 6}, "mood: give a number from 1 to 5"),
            ({"mood": 5, "read": "green"}, "read: 'green' is not one of the choices"),
            ({"mod": 5}, "no item 'mod'; nearest: 'mood'"),
        ):
            with pytest.raises(Unreadable, match=why):
                await game.table.hand_in("dan", "answer", data={"form": "before", "answers": answers})
        await game.table.hand_in("dan", "answer", data={"form": "before", "answers": {"mood": 4, "read": "red"}})
        await game.until(lambda: any(m.get("id") == "after" for m in game.heard["dan"]))
        await game.table.hand_in("dan", "answer", data={"form": "after", "answers": {"fun": "7"}})
        await game.task
        assert game.heard["dan"][-1]["kind"] == "end"
        found = game.log.query(
            "SELECT form, item, answer, correct, answered_at FROM v_answers WHERE episode = ? ORDER BY form, ordinal",
            [game.id],
        ).rows
        assert [tuple(row) for row in found] == [
            ("after", "fun", "7", None, None), ("before", "mood", "4", None, None), ("before", "read", "red", 0, None),
            ("before", "why", None, None, None),
        ]  # fmt: skip


async def test_without_a_yes_no_time_tells_how_fast_a_person_answered(tmp_path: Path, consent: str) -> None:
    sets = (consent, "people.times=offer", "turns.limit=4", "probes=[{every: 2, ask: beliefs}]")
    for times in (False, True):
        async with playing(tmp_path, *sets) as game:
            game.sit("dan")
            await told(game, "dan", "consent")
            await game.table.hand_in("dan", "consent", data={"agreed": True, "times": times})
            await told(game, "dan", "past")
            await game.table.hand_in("dan", "say", "hello", composed_ms=1234.5)
            await game.task
            moments = [
                moment
                for kind, column in (
                    (TurnRow, "started_at"), (CallRow, "started_at"), (ProbeRow, "created_at"),
                    (EpisodeRow, "ended_at"),
                )
                for moment in (getattr(row, column) for row in game.log.rows(kind, game.id))
            ]  # fmt: skip
            assert len(moments) > 5
            exact = [m for m in moments if (m.minute, m.second, m.microsecond) != (0, 0, 0)]
            assert bool(exact) == times
            assert any(turn.wall_ms for turn in game.log.rows(TurnRow, game.id)) == times
            [row] = game.log.rows(InboxRow, game.id)
            assert (row.arrived_at is not None, row.composed_ms) == (times, 1234.5 if times else None)


async def test_no_name_of_user_machine_or_folder_is_in_the_log_of_an_episode_with_people(
    tmp_path: Path, consent: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER", "canaryuser")
    monkeypatch.setenv("LOGNAME", "canaryuser")
    monkeypatch.setenv("HOME", "/home/canaryuser")
    monkeypatch.setenv("SSH_CONNECTION", "203.0.113.77 50000 198.51.100.7 22")
    monkeypatch.setenv("SSH_TTY", "/dev/pts/99")
    monkeypatch.setattr(platform, "node", lambda: "canaryhost.example.org")
    assert getpass.getuser() == "canaryuser"
    folder = tmp_path / "canaryuser"
    folder.mkdir()
    async with playing(folder, consent, seated=()) as game:
        await game.until(lambda: "dan" in game.table.chairs)
        game.sit("dan")
        await told(game, "dan", "consent")
        await game.table.hand_in("dan", "consent", data={"agreed": True})
        await game.task
        [row] = game.log.rows(ConsentRow, game.id)
        assert re.fullmatch(r"[a-z]+-[a-z]+-\d{4}", row.pseudonym or "")
        assert game.log.episode(game.id).lease is None
    kept = kept_in(folder)
    for canary in (b"canaryuser", b"canaryhost", b"203.0.113.77", b"pts/99", str(tmp_path).encode()):
        assert canary not in kept


def test_pseudonyms_are_made_up_or_typed_and_never_ones_own(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len({new_pseudonym() for _ in range(50)}) > 40
    assert read_pseudonym("  blue   heron ") == "blue heron"
    monkeypatch.setenv("LOGNAME", "mmuster")
    for given in ("", "a@b.org", "x" * 41, "MMuster"):
        with pytest.raises(ValueError, match="made"):
            read_pseudonym(given)


async def test_an_episode_with_people_still_needs_them(tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        scenario = tertulia.load_scenario("dinner-secret", QUICK)
        table = Table({"dan": Chair("dan")})
        episode = await Episode.begin(scenario, seed=0, log=log, backends=Backends(), people=table)
        [dan] = [row for row in log.rows(ParticipantRow, episode.stage.episode) if row.name == "dan"]
        assert dan.pseudonym == table.pseudonym("dan")
        assert log.rows(EventRow, episode.stage.episode) == []
