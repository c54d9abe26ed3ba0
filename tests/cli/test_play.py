"""A person at the table, in a real terminal: types, waits, is interrupted, interrupts, leaves, resumes, withdraws."""

from __future__ import annotations

from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import pytest

from tertulia.storage.log import Log
from tertulia.storage.rows import EpisodeRow, EventRow, ParticipantRow, TurnRow
from tertulia.storage.rows_of_people import InboxRow
from tests.cli.command import Tertulia
from tests.cli.screen import CTRL_C, Screen
from tests.loopback import Loopback

SOON = ("-S", "people.gap_s=0", "-S", "people.pause_s=0.2", "-S", "people.patience_s=1")
AT_ONCE = ("-S", "people.gap_s=1", "-S", "people.pause_s=0.2", "-S", "people.words_per_second=0")
SLOWLY = ("-S", "people.gap_s=0", "-S", "people.pause_s=60", "-S", "people.words_per_second=2")


def log_of(at: Path) -> Log:
    return Log.open(at / "log.db", create=False)


def newest(log: Log) -> EpisodeRow:
    return log.episode(log.query("SELECT id FROM episode ORDER BY id DESC LIMIT 1").rows[0][0])


def said(log: Log, episode: str) -> list[tuple[str | None, str]]:
    return [(event.actor, event.text) for event in log.rows(EventRow, episode) if event.kind in ("say", "whisper")]


def test_a_person_types_waits_leaves_resumes_and_withdraws(tmp_path: Path) -> None:
    with Screen("play", "dinner-secret", "--as", "dan", "--pseudonym", "quiet-owl", *SOON, at=tmp_path) as screen:
        screen.until("You are dan: quiet, kind.", "The cake is in the kitchen.")  # bob speaks first, unasked
        screen.type("bob: who ate of the cake?")
        screen.until("(→ bob) who ate of the cake?")
        screen.type("/whisper nobody psst")
        screen.until("'nobody' is not here; one of: alice")
        screen.press(CTRL_C)
        assert screen.ended() == 130
        assert "not sent: /whisper nobody psst" in screen.text()  # what could not be sent stood in the line again
        assert "paused after turn" in screen.text()
        assert screen.cooked()
    with log_of(tmp_path) as log:
        episode = newest(log)
        assert episode.status == "paused"
        assert ("dan", "who ate of the cake?") in said(log, episode.id)
        [row] = log.rows(InboxRow, episode.id)
        assert (row.kind, row.text, row.arrived_at, row.composed_ms) == ("say", "bob: who ate of the cake?", None, None)
        [dan] = [seat for seat in log.rows(ParticipantRow, episode.id) if seat.name == "dan"]
        assert (dan.kind, dan.pseudonym) == ("person", "quiet-owl")
    with Screen("resume", "last", at=tmp_path) as screen:
        screen.until("(→ bob) who ate of the cake?")
        screen.type("good night, all")
        screen.until("dan    good night, all")
        screen.type("/stop yes")
        assert screen.ended() == 0
        assert "cancelled: the person who played dan withdrew" in screen.text()
    with log_of(tmp_path) as log:
        assert log.episode(episode.id).status == "cancelled"
        assert ("dan", "good night, all") in said(log, episode.id)


def test_whoever_speaks_while_an_agents_words_appear_cuts_it_off(tmp_path: Path) -> None:
    with Screen("play", "dinner-secret", "--as", "dan", *SLOWLY, at=tmp_path) as screen:
        screen.until("bob: The cake")
        screen.type("Let me say something first.")
        shown = screen.until("—", "dan    Let me say something first.")
        assert "The cake is in the kitchen." not in shown
    with log_of(tmp_path) as log:
        cut, mine = said(log, newest(log).id)[-2:]
        assert cut[1].endswith("—")
        assert mine == ("dan", "Let me say something first.")


def test_agents_let_one_finish_typing(tmp_path: Path) -> None:
    polite = ("-S", "mind.interrupt_threshold=5", "-S", "participants.carol.mind.interrupt_threshold=5")
    at_once = ("-S", "people.gap_s=0.1", "-S", "people.pause_s=0.1", "-S", "people.words_per_second=0")
    with Screen("play", "dinner-secret", "--as", "dan", *polite, *at_once, at=tmp_path) as screen:
        screen.press("I have a th")
        screen.until("dan> I have a th")
        with log_of(tmp_path) as log:
            before = newest(log).head
            for key in "ough":
                screen.press(key)
                screen.pause(1.0)
            assert newest(log).head <= before + 1  # a turn that had begun before the first key
        screen.type("t.")
        screen.until("dan    I have a thought.")


def test_an_agent_with_something_urgent_interrupts_who_is_typing_and_no_word_is_lost(tmp_path: Path) -> None:
    urgent = ("-S", "mind.interrupt_threshold=1", "-S", "people.hold_s=600", *AT_ONCE)
    with Screen("play", "dinner-secret", "--as", "dan", *urgent, at=tmp_path) as screen:
        screen.until("You are dan")
        screen.press("I was about to s")
        screen.until("alice whispers something to carol.", "dan> I was about to s")
        screen.type("ay something")
        screen.until("dan    I was about to say something")


def test_what_was_said_is_taken_back_by_a_fork(tmp_path: Path) -> None:
    with Screen("play", "dinner-secret", "--as", "dan", *SOON, at=tmp_path) as screen:
        screen.type("I regret this already.")
        screen.until("dan    I regret this already.")
        screen.type("/undo")
        screen.until("taken back; goes on as")
        screen.type("/save")
        screen.until("every turn up to")
        screen.press(CTRL_C)
        assert screen.ended() == 130
    with log_of(tmp_path) as log:
        fork = newest(log)
        assert fork.parent_episode is not None
        parent = log.episode(fork.parent_episode)
        assert parent.status == "cancelled"
        assert fork.id in (parent.reason or "")
        assert ("dan", "I regret this already.") not in said(log, fork.id)
        assert ("dan", "I regret this already.") in said(log, parent.id)


def test_a_persons_other_acts_and_their_mistakes(tmp_path: Path) -> None:
    slow = ("-S", "people.gap_s=0", "-S", "people.words_per_second=0", "-S", "turns.policy=round-robin")
    with Screen("play", "mutual-friends", "--as", "bob", *slow, at=tmp_path) as screen:
        screen.until("it is your turn")
        screen.type("/acts")
        screen.until("/select FRIEND")
        screen.type("/slect x")
        screen.until("no command /slect; nearest: '/select'", "bob> /slect x")
        screen.press("\x15")
        screen.type("/select Nobody At All")
        screen.until("select: 'Nobody At All' is none; one of:", "bob> /select Nobody At All")
        label = next(line for line in screen.text().splitlines() if line.startswith("- ")).split(":")[0][2:]
        screen.press("\x15")
        screen.type(f"/select {label}")
        screen.until("(select) bob selects")
    with log_of(tmp_path) as log:
        [turn] = [turn for turn in log.rows(TurnRow, newest(log).id) if "bob" in turn.actions]
        assert turn.actions["bob"] == {"kind": "select", "friend": label}


def test_without_a_terminal_lines_are_read_and_plain_lines_come(
    tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", StringIO("good evening\n/who\n"))
    told = tertulia("play", "dinner-secret", "--as", "dan", *SOON)
    assert told.code == 0, told
    assert "dan    good evening" in told.out
    assert "here: alice, bob, carol" in told.out
    assert "\x1b" not in told.out
    assert "success" in told.err


def test_a_seat_that_is_not_there(tertulia: Tertulia) -> None:
    told = tertulia("play", "dinner-secret", "--as", "dna")
    assert told.code == 2
    nearest = "nearest: 'dan' (others: alice, bob, carol)"
    assert told.err == f"error: --as dna: nobody in dinner-secret is called that; {nearest}\n"
    assert "--as one of: alice, bob, carol, dan" in tertulia("play", "dinner-secret").err


def test_trouble_with_a_model_is_shown_and_nothing_typed_is_lost(tmp_path: Path) -> None:
    with ExitStack() as running:
        server = running.enter_context(Loopback(latency_ms=2000))
        api = {"OPENAI_BASE_URL": server.url, "OPENAI_API_KEY": "none"}
        model = ("--model", "openai/some-model", "-S", "mind.preset=full", *SOON)
        screen = Screen("play", "dinner-secret", "--as", "dan", *model, at=tmp_path, **api)
        with screen:
            screen.until("carol", "think", "(1 s)")
            screen.type("is anybody there?")
            screen.until("sent: is anybody there?")
            screen.until("dan    is anybody there?")
            screen.press("and this is a dra")
            running.close()
            screen.until("no answer yet", "trying again")
            screen.press("ft")
            assert screen.ended() == 1
            assert "not sent: and this is a draft" in screen.text()
            assert "go on with" in screen.text()
            assert screen.cooked()
    with log_of(tmp_path) as log:
        assert ("dan", "is anybody there?") in said(log, newest(log).id)
        assert newest(log).status == "paused"
