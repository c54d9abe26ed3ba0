"""`tertulia browse`: a real server over a real log, asked over HTTP."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote, urlencode, urlsplit

import pytest

import tertulia
from tertulia.storage.examples import EXAMPLES
from tertulia.storage.named import named
from tertulia.storage.tables import METADATA
from tertulia.storage.views import views
from tests.cli.command import Tertulia
from tests.storage.made import a_turn, an_episode, an_event

HOSTILE = "<script>alert(1)</script>\x1b[2J '; DROP TABLE turn; --"
FORMULA = "=HYPERLINK(1)"
WRITES = (
    "DELETE FROM turn",
    "WITH x AS (SELECT 1) DELETE FROM turn",
    "ATTACH 'other.db' AS o",
    "PRAGMA user_version = 9",
    "SELECT load_extension('x')",
    "SELECT * FROM pragma_journal_mode('delete')",
)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    text: str


@dataclass
class Browsed:
    """A log that is served."""

    process: subprocess.Popen[str]
    db: Path
    address: str
    cookie: str = ""

    def get(self, path: str, *, method: str = "GET", **headers: str) -> Answer:
        where = urlsplit(self.address)
        connection = HTTPConnection("127.0.0.1", where.port or 0, timeout=60)
        connection.request(method, path, headers={"Cookie": self.cookie, **headers})
        answer = connection.getresponse()
        text = answer.read().decode()
        connection.close()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)


async def hostile_log(db: Path) -> None:
    await tertulia.arun("dinner-secret", seed=3, db=db)
    with tertulia.open_log(db) as log:
        await log.begin(an_episode("01ZRZ3NDEKTSV4RRFFQ69G5FAV"))
        events = (an_event(0, HOSTILE, 0), an_event(0, FORMULA, 1, actor=FORMULA))
        for event in events:
            event.episode = "01ZRZ3NDEKTSV4RRFFQ69G5FAV"
        await log.commit(a_turn(0, *events, episode="01ZRZ3NDEKTSV4RRFFQ69G5FAV"))


@pytest.fixture(scope="module")
def browsed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browsed]:
    db = tmp_path_factory.mktemp("odd ?#% place") / "my log.db"
    asyncio.run(hostile_log(db))
    process = subprocess.Popen(
        [Path(sys.executable).with_name("tertulia"), "browse", "--db", db, "--port", "0"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=db.parent,
    )  # fmt: skip
    assert process.stdout is not None
    one = Browsed(process, db, process.stdout.readline().strip())
    where = urlsplit(one.address)
    assert (where.hostname, where.path) == ("127.0.0.1", "/log")
    entered = one.get(f"{where.path}?{where.query}")
    assert (entered.status, entered.headers["location"]) == (303, "/log")
    assert "HttpOnly; SameSite=Strict" in entered.headers["set-cookie"]
    one.cookie = entered.headers["set-cookie"].partition(";")[0]
    yield one
    if process.poll() is None:
        process.kill()
        process.communicate()


def test_the_first_page_leads_to_every_view_and_every_query(browsed: Browsed) -> None:
    page = browsed.get("/log").text
    assert page.index('href="/log/v_transcript"') < page.index("Custom SQL query")
    for name in [*(view.name for view in views()), *named()]:
        assert f'<a href="/log/{name}">' in page


@pytest.mark.parametrize("name", [*(view.name for view in views()), *METADATA.tables])
def test_every_view_and_table_opens_with_what_its_columns_mean(browsed: Browsed, name: str) -> None:
    answer = browsed.get(f"/log/{name}?_size=100")
    assert answer.status == 200
    assert "timed out" not in answer.text
    for view in views():
        if view.name == name:
            for column, meaning in view.columns.items():
                assert column in answer.text
                assert meaning.partition("`")[0].partition("'")[0].partition(">")[0].partition('"')[0] in answer.text


@pytest.mark.parametrize("name", list(named()))
def test_a_named_query_answers_as_it_does_at_the_terminal(browsed: Browsed, name: str) -> None:
    one = named()[name]
    with tertulia.open_log(browsed.db) as log:
        whole = log.query(*one.bound({}, "sqlite")).dicts()
        assert rows(browsed, name) == whole
        given = {key: str(param.default) for key, param in one.params.items() if param.default is not None}
        assert rows(browsed, name, **given) == whole
        if one.takes_episodes:
            id = log.episodes()[-1].id
            kept = log.query(*one.bound({}, "sqlite", episode=id)).dicts()
            assert rows(browsed, name, episode=id) == rows(browsed, name, episode=id[:4].lower()) == kept
            assert rows(browsed, name, batch="none") == log.query(*one.bound({}, "sqlite", batch="none")).dicts()
            newest = log.query(*one.bound({}, "sqlite", episode=log.episodes(1)[0].id)).dicts()
            assert rows(browsed, name, episode="last") == newest
    assert browsed.get(f"/log/{name}?_hide_sql=1").status == 200


def test_a_page_opens_with_the_newest_episode(browsed: Browsed) -> None:
    with tertulia.open_log(browsed.db) as log:
        newest = log.episodes(1)[0].id
    for name in ("v_beliefs_held", "who-talks-most"):
        opened = browsed.get(f"/log/{name}")
        assert (opened.status, opened.headers["location"]) == (302, f"/log/{name}?episode={newest}")
        assert browsed.get(opened.headers["location"]).status == 200
    assert browsed.get("/log/v_outcomes").status == 200


def rows(browsed: Browsed, name: str, **given: str) -> object:
    return json.loads(browsed.get(f"/log/{name}.json?{urlencode({'_shape': 'array', **given})}").text)


def test_the_examples_are_answered(browsed: Browsed) -> None:
    for _, sql in EXAMPLES.values():
        assert browsed.get(f"/log.json?{urlencode({'sql': sql, '_shape': 'array'})}").status == 200


def test_what_agents_said_is_text_there_and_in_tables_for_spreadsheets(browsed: Browsed) -> None:
    for path in ("/log/v_transcript?_size=100", "/log/event", f"/log?sql={quote('SELECT text FROM event')}",
                 f"/log/v_transcript?text={quote(HOSTILE)}", f"/log?sql={quote(HOSTILE)}", f"/log/{quote(HOSTILE)}",
                 f"/log/never-spoken?episode={quote(HOSTILE)}"):  # fmt: skip
        answer = browsed.get(path)
        assert "<script>alert" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert policy.startswith("default-src 'none'; ")
        assert "http" not in policy
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in browsed.get("/log/v_transcript?_size=100").text
    for path in ("/log/v_transcript.csv?_size=max", "/log/v_transcript.csv?_stream=on", "/log/v_transcript.csv?_dl=on"):
        table = browsed.get(path).text
        assert f",'{FORMULA}," in table
        assert f",{FORMULA}" not in table
    assert FORMULA in browsed.get("/log/v_transcript.json").text


@pytest.mark.parametrize("sql", WRITES)
def test_nothing_can_be_written_or_opened(browsed: Browsed, sql: str) -> None:
    before = sha256(browsed.db.read_bytes()).hexdigest()
    answer = browsed.get(f"/log.json?{urlencode({'sql': sql})}")
    assert answer.status == 400
    assert json.loads(answer.text)["ok"] is False
    assert browsed.get(f"/log?{urlencode({'sql': sql})}", method="POST").status == 405
    assert browsed.get("/log.db").status in (403, 404)
    assert sha256(browsed.db.read_bytes()).hexdigest() == before
    assert [path.name for path in browsed.db.parent.iterdir() if not path.name.startswith("my log.db")] == []


def test_nobody_without_the_key_and_no_page_from_elsewhere_comes_in(browsed: Browsed) -> None:
    assert browsed.get("/log", Cookie="").status == 403
    assert browsed.get("/log", Cookie=f"{browsed.cookie}x").status == 403
    assert browsed.get("/log?key=wrong", Cookie="").status == 403
    assert browsed.get("/log?key=%ff", Cookie='"; \\').status == 403
    assert browsed.get("/log", Host="evil.example:80").status == 421
    assert browsed.get("/_internal").status == 403


def test_what_a_run_writes_meanwhile_shows_when_the_page_is_loaded_anew(browsed: Browsed) -> None:
    before = rows(browsed, "v_outcomes")
    result = tertulia.run("sally-anne", seed=1, db=browsed.db)
    after = rows(browsed, "v_outcomes")
    assert isinstance(before, list)
    assert isinstance(after, list)
    assert [row["episode"] for row in after if row not in before] == [result.episode]
    page = browsed.get("/log/v_outcomes").text
    assert f'href="/log/v_transcript?episode={result.episode}&amp;_sort=turn"' in page


def test_a_statement_that_takes_too_long_is_ended(browsed: Browsed) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n"
    answer = browsed.get(f"/log.json?{urlencode({'sql': endless, '_timelimit': '200'})}")
    assert answer.status == 400
    assert "took too long" in answer.text
    large = browsed.get(f"/log.json?{urlencode({'sql': 'SELECT length(zeroblob(900000000))'})}")
    assert large.status == 400


def test_an_address_of_which_no_page_can_be_made_is_told_in_a_line(browsed: Browsed) -> None:
    odd = quote("1; \x1b]0;owned\x07")
    assert browsed.get(f"/log/turn?_where={odd}").status == 500
    assert browsed.get("/log/event/x").status == 500


def test_ctrl_c_ends_it_and_leaves_no_file_but_sqlites_own(browsed: Browsed) -> None:
    browsed.process.send_signal(signal.SIGINT)
    _, err = browsed.process.communicate(timeout=60)
    assert browsed.process.returncode == 0
    first, *others = err.splitlines()
    assert first == "the log, for reading alone; Ctrl-C ends it"
    assert all(line.startswith("a page could not be shown: ") for line in others)
    assert "\x1b" not in err
    left = {path.name for path in browsed.db.parent.iterdir()}
    assert left <= {"my log.db", "my log.db-wal", "my log.db-shm"}  # who only reads cannot tidy up after a run


def test_what_cannot_be_browsed_is_told_in_a_line(tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> None:
    said = tertulia("browse")
    assert (said.code, said.err) == (2, f"error: there is no log at {_db()}; the first run makes one\n")
    said = tertulia("browse", "--db", "postgresql+psycopg://me:secret@localhost/x")
    assert said.code == 2
    assert "only a log in a file can be browsed; of one on PostgreSQL: tertulia sql" in said.err
    assert "secret" not in said.err
    tertulia("run", "sally-anne", "--display", "none")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = tertulia("browse", "--port", str(port))
    assert said.code == 2
    assert said.err == (
        f"error: --port {port}: address already in use; any that is free: tertulia browse --port 0\n"
    )  # fmt: skip
    for name in [name for name in sys.modules if name.startswith("tertulia.cli.browse.s")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "datasette", None)
    said = tertulia("browse")
    assert (said.code, said.err) == (2, "error: browse needs the extra: pip install 'tertulia[browse]'\n")


def _db() -> str:
    import os

    return os.environ["TERTULIA_DB"]
