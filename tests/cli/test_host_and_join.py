"""Several people at one table, each in a terminal of their own: what one seat may not see never reaches its line."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tertulia.environments.people.hosting import PROTOCOL
from tertulia.storage.log import Log
from tertulia.storage.rows import EventRow, ThoughtRow
from tests.cli.command import Tertulia
from tests.cli.screen import CTRL_C, Screen

SLOW = ("-S", "people.gap_s=0.1", "-S", "people.pause_s=1", "-S", "people.words_per_second=0", "-S", "turns.limit=40")
SECRET = "canary-whisper-4711"


@contextmanager
def hosted(at: Path, *arguments: str) -> Iterator[tuple[Screen, dict[str, tuple[str, str]]]]:
    """A table that is hosted, and for each seat its address and token."""
    with Screen("host", *arguments, "--display", "plain", "--minds", at=at, columns=250) as host:
        yield host, invited(host, 2)


def invited(host: Screen, people: int) -> dict[str, tuple[str, str]]:
    """Address and token of each seat, once the host has printed all of them."""
    shown = host.until("--token")
    while len(found := re.findall(r"(\w+): \S*tertulia join (\S+) --as \w+ --token ([\w-]{22})", shown)) < people:
        shown = host.more()
    return {seat: (address, token) for seat, address, token in found}


def joined(at: Path, seats: dict[str, tuple[str, str]], seat: str) -> Screen:
    address, token = seats[seat]
    return Screen("join", address, "--as", seat, at=at, TERTULIA_JOIN_TOKEN=token)


def test_two_people_talk_and_neither_sees_the_others_whisper_or_any_thought(tmp_path: Path) -> None:
    with hosted(tmp_path, "dinner-secret", "--seats", "carol,dan", *SLOW) as (host, seats):
        with joined(tmp_path, seats, "carol") as carol, joined(tmp_path, seats, "dan") as dan:
            carol.until("You are carol", "(whisper → carol) The house is to be sold.")
            dan.until("You are dan", "alice whispers something to carol")
            carol.type(f"/whisper alice {SECRET}")
            carol.until(f"(whisper → alice) {SECRET}")
            dan.until("carol whispers something to alice")
            dan.type("what a fine evening")
            carol.until("dan    what a fine evening")
            carol.type("/think")
            carol.until("minds are not shown at this table")
            dan.press(CTRL_C)
            assert dan.ended() == 130
            host.until("dan is gone")
            carol.type("where did he go?")
            carol.until("carol  where did he go?")
            with joined(tmp_path, seats, "dan") as again:
                again.until("dan    what a fine evening", "carol  where did he go?")
                again.type("here I am again")
                carol.until("dan    here I am again")
                carol.type("/stop yes")
                assert carol.ended() == 0
                assert again.ended() == 0
                told_dan, told_carol = again.sent + dan.sent, carol.sent
        assert host.ended() == 0
    with Log.open(tmp_path / "log.db", create=False) as log:
        [(episode, status)] = log.query("SELECT id, status FROM episode").rows
        assert status == "cancelled"
        assert any(SECRET in event.text for event in log.rows(EventRow, episode))
        thoughts = [row.text for row in log.rows(ThoughtRow, episode)]
        assert "The house is to be sold. (for carol alone)" in thoughts
        assert SECRET.encode() not in told_dan
        assert b"house is to be sold" not in told_dan
        for sent in (told_dan, told_carol):
            assert not [text for text in thoughts if text.endswith(")") and text.encode() in sent]


async def asked(address: str, *messages: Any, until: int = 1) -> list[dict[str, Any]]:
    """What a program that speaks the protocol by hand is told."""
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as socket:
        for message in messages:
            await socket.send_str(message if isinstance(message, str) else json.dumps(message))
        told = []
        async for message in socket:
            told.append(message.json())
            if len(told) == until:
                break
        return told


async def test_without_its_token_nobody_gets_a_seat_or_anything_else(tmp_path: Path) -> None:
    with hosted(tmp_path, "dinner-secret", "--seats", "alice,bob", *SLOW) as (_, seats):
        address, token = seats["alice"]
        sits = {"protocol": PROTOCOL, "seat": "bob", "token": token}
        assert (await asked(address, sits))[0]["kind"] == "denied"
        assert (await asked(address, {**sits, "seat": "carol"}))[0]["kind"] == "denied"
        assert (await asked(address, {**sits, "protocol": 0}))[0]["kind"] == "denied"
        assert await asked(address, "[]") == []
        assert await asked(address, "no json") == []
        http = address.replace("ws://", "http://")
        async with aiohttp.ClientSession() as session:
            for path in ("", "/", "/../tertulia.db", "/log.db", "/seat"):
                async with session.get(http + path) as answer:
                    assert answer.status in (400, 404)


async def test_what_is_no_message_of_the_protocol_ends_the_line_and_harms_nothing(tmp_path: Path) -> None:
    with hosted(tmp_path, "dinner-secret", "--seats", "alice,bob", *SLOW) as (host, seats):
        address, token = seats["alice"]
        sits = {"protocol": PROTOCOL, "seat": "alice", "token": token}
        for wrong in ("{}", "[1]", {"n": 1, "input": {"kind": "sql", "text": "drop"}}, {"n": "x", "input": {}}):
            told = await asked(address, sits, wrong, until=10)
            assert told[-1]["kind"] == "denied", told
        with joined(tmp_path, seats, "alice") as alice, joined(tmp_path, seats, "bob") as bob:
            bob.until("You are bob")
            alice.until("You are alice")
            host.until("alice is here", "bob is here")


def test_a_table_over_tls(tmp_path: Path) -> None:
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "cert.pem",
         "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
        check=True, cwd=tmp_path, capture_output=True,
    )  # fmt: skip
    tls = ("--tls-cert", "cert.pem", "--tls-key", "key.pem")
    with Screen("host", "dinner-secret", "--seats", "alice", *tls, *SLOW, at=tmp_path, columns=250) as host:
        address, token = invited(host, 1)["alice"]
        assert address.startswith("wss://")
        given = ("join", address, "--as", "alice")
        with Screen(*given, at=tmp_path, TERTULIA_JOIN_TOKEN=token) as distrusts:
            assert distrusts.ended() == 1
            assert "certificate" in distrusts.text().lower()
        with Screen(*given, "--tls-ca", "cert.pem", at=tmp_path, TERTULIA_JOIN_TOKEN=token) as alice:
            alice.until("You are alice")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("host",), "host what? give a scenario, or --resume EPISODE"),
        (("host", "dinner-secret"), "who is a person? --seats with some of: alice, bob, carol, dan"),
        (
            ("host", "dinner-secret", "--seats", "alise"),
            "--seats alise: nobody in dinner-secret is called that; nearest:",
        ),
        (
            ("host", "dinner-secret", "--seats", "bob", "--tls-cert", "x.pem"),
            "--tls-cert and --tls-key belong together",
        ),
        (
            ("host", "dinner-secret", "--seats", "bob", "--tls-cert", "x.pem", "--tls-key", "y.pem"),
            "--tls-cert x.pem: No such file or directory",
        ),
        (
            ("host", "dinner-secret", "--seats", "bob,dan", "--pseudonym", "alice=p1"),
            "--pseudonym alice=p1: write SEAT=NAME, where SEAT is bob or dan",
        ),
        (
            ("host", "dinner-secret", "--seats", "bob,dan", "--pseudonym", "bob=p1", "--pseudonym", "dan=p1"),
            "--pseudonym: two people have the same one",
        ),
        (("join", "nowhere", "--as", "bob", "--token", "t"), "nowhere: an address is ws://HOST:PORT"),
    ],
)
def test_what_cannot_be_hosted_or_joined_is_said_in_a_line(
    tertulia: Tertulia, arguments: tuple[str, ...], told: str
) -> None:
    said = tertulia(*arguments)
    assert said.code == 2
    assert said.err.startswith(f"error: {told}")
    assert said.err.count("\n") == 1


def test_a_host_whose_terminal_goes_pauses_and_frees_the_episode(tmp_path: Path) -> None:
    named = ("--pseudonym", "bob=p 17", "--seats", "alice,bob")
    with (
        hosted(tmp_path, "dinner-secret", *named, *SLOW) as (host, seats),
        joined(tmp_path, seats, "bob") as bob,
        joined(tmp_path, seats, "alice") as alice,
    ):
        host.until("; it begins when ")
        bob.until("You are bob", "The log knows you as p 17.")
        alice.until("You are alice")
        os.kill(host.process.pid, signal.SIGHUP)
        assert host.ended() == 130
        host.until("paused; go on with: tertulia resume")
    with Log.open(tmp_path / "log.db", create=False) as log:
        assert log.query("SELECT status, lease FROM episode").rows == [("paused", None)]


def test_a_table_that_is_not_there(tertulia: Tertulia) -> None:
    said = tertulia("join", "127.0.0.1:9", "--as", "bob", "--token", "t")
    assert said.code == 1
    assert said.err.startswith("ws://127.0.0.1:9: ")


STUDY = """
scenario: tea
world: table_talk
premise: Four at tea.
variables: {cake: {values: [kitchen, cellar], truth: kitchen, say: "The cake is in the {value}."}}
participants: [{name: ann, knows: {cake: kitchen}}, {name: bea}, {name: cai}]
people:
  consent: consent.md
  times: offer
  before: [{name: colour, kind: choice, ask: "Choose blue.", choices: [red, blue], check: blue}]
  gap_s: 0.1
  pause_s: 1
  words_per_second: 0
turns: {policy: addressed, limit: 40}
"""


def test_people_who_join_agree_and_answer_before_they_see_anything(tmp_path: Path) -> None:
    (tmp_path / "tea.yaml").write_text(STUDY)
    (tmp_path / "consent.md").write_text("version: 3\nWe study tea.\n")
    with hosted(tmp_path, "tea.yaml", "--seats", "bea,cai") as (host, seats):
        with joined(tmp_path, seats, "bea") as bea, joined(tmp_path, seats, "cai") as cai:
            for person in (bea, cai):
                person.until("We study tea.", "Do you agree? yes or no")
                person.type("yes")
                person.until("May the times of what you do be kept as well?")
                person.type("no")
                person.until("Choose blue.")
                assert "You are" not in person.text()
                person.type("2")
            bea.until("You are bea.")
            bea.type("where is the cake?")
            cai.until("bea  where is the cake?")
            cai.press(CTRL_C)
            assert cai.ended() == 130
            with joined(tmp_path, seats, "cai") as again:  # who has agreed is not asked again
                again.until("bea  where is the cake?")
                assert "Do you agree" not in again.text()
                bea.type("/stop yes")
                assert bea.ended() == 0
        assert host.ended() == 0
    with Log.open(tmp_path / "log.db", create=False) as log:
        agreed = log.query("SELECT participant, version, times, withdrawn_at IS NOT NULL FROM consent ORDER BY 1").rows
        assert agreed == [("bea", "3", 0, 1), ("cai", "3", 0, 0)]
        assert log.query("SELECT DISTINCT answer, correct FROM v_answers WHERE form = 'before'").rows == [("blue", 1)]
        assert log.query("SELECT COUNT(*) FROM inbox WHERE arrived_at IS NOT NULL").rows == [(0,)]
