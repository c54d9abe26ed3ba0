"""`tertulia report`: the file it writes, and what it says."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import re
import time
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tertulia.cli.report.page import page
from tertulia.storage.log import Log
from tertulia.storage.reporting import Answered
from tertulia.storage.rows import BatchRow
from tests.cli.command import Tertulia
from tests.playing import play
from tests.storage.made import START


class Parts(HTMLParser):
    """The elements of a page with their attributes, and what stands in its style and its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.inside: dict[str, str] = {}
        self._open = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._open = f"{tag} {dict(attrs).get('id') or ''}".strip() if tag in ("style", "script") else ""

    def handle_endtag(self, tag: str) -> None:
        self._open = ""

    def handle_data(self, data: str) -> None:
        if self._open:
            self.inside[self._open] = self.inside.get(self._open, "") + data


def data_of(text: str) -> Any:
    return json.loads(Parts(text).inside["script data"])


@pytest.fixture
def played(tertulia: Tertulia) -> str:
    """A short dinner, in which minds are wrong about each other."""
    result = asyncio.run(play("log.db", "dinner-secret", seed=3))
    return result.episode


def test_every_number_can_be_asked_again_by_the_query_it_names(tertulia: Tertulia, played: str) -> None:
    assert tertulia("report", "last", "-o", "page.html").code == 0
    queries = data_of(Path("page.html").read_text())["queries"]
    assert len(queries) == 12
    for query in queries.values():
        answer = tertulia("sql", query["sql"], "--json").lines()
        assert answer == [dict(zip(query["columns"], row, strict=True)) for row in query["rows"]]
        assert answer or query["about"].startswith("What was asserted")


def test_the_page_allows_its_own_style_and_script_and_nothing_else(tertulia: Tertulia, played: str) -> None:
    assert tertulia("report", played, "-o", "page.html").code == 0
    parts = Parts(Path("page.html").read_text())
    [policy] = [a["content"] or "" for tag, a in parts.elements if a.get("http-equiv") == "Content-Security-Policy"]
    allowed = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert allowed.pop("default-src") == "'none'"
    for kind in ("style", "script"):
        digest = base64.b64encode(hashlib.sha256(parts.inside[kind].encode()).digest()).decode()
        assert allowed.pop(f"{kind}-src") == f"'sha256-{digest}'"
    assert allowed == {"base-uri": "'none'", "form-action": "'none'", "require-trusted-types-for": "'script'"}
    for _, attributes in parts.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href", "style")]
    assert (
        re.findall(r"innerHTML|outerHTML|insertAdjacent|document\.write|\beval\b|url\(|@import", str(parts.inside))
        == []
    )


def test_what_was_said_cannot_leave_the_data(tertulia: Tertulia) -> None:
    hostile = "</script><script>x</script><!-- {{script}} {{data}} \x1b[31m \x00 \ud800 \u202e =HYPERLINK(1) é 猫"
    text = page("x", [Answered("transcript", "", "SELECT 1", ("text",), [(hostile,)])])
    assert text.isascii()
    assert text.count("</script>") == 2
    assert text.count("<!--") == 0
    assert data_of(text)["queries"]["transcript"]["rows"] == [[hostile]]


def test_a_blind_page_holds_no_secret(tertulia: Tertulia, played: str) -> None:
    with Log.open() as log:
        thought = log.query("SELECT text FROM v_thoughts WHERE spoken_turn IS NULL LIMIT 1").rows[0][0]
    for flags, there in (((), True), (("--blind",), False)):
        assert tertulia("report", "last", "-o", "page.html", *flags).code == 0
        data = json.dumps(data_of(Path("page.html").read_text()))
        for secret in (thought, "dinner-secret", "rules", "motivation", "agent"):
            assert (secret in data) == there
        assert "The cake is in the kitchen." in data


def test_it_says_what_it_wrote_and_where(tertulia: Tertulia, played: str) -> None:
    said = tertulia("report", "last")
    assert (said.out, said.err.split(":")[0]) == ("", "report.html")
    [line] = tertulia("report", "last", "--json", "-o", "x.html").lines()
    file = Path("x.html").resolve()
    assert line == {"episode": played, "file": str(file), "bytes": file.stat().st_size, "blind": False}
    assert tertulia("report", "last", "-o", "-").out == Path("x.html").read_text() == Path("report.html").read_text()


def test_what_cannot_be_is_said_in_a_line(tertulia: Tertulia, played: str) -> None:
    said = tertulia("report", "last", "-o", "no/such/folder.html")
    assert (said.code, said.err) == (
        2,
        "error: -o no/such/folder.html: No such file or directory; another place: -o FILE\n",
    )
    assert "no episode and no batch 'nothing'" in tertulia("report", "nothing").err
    batch = "01ARZ3NDEKTSV4RRFFQ69G5BAT"
    with Log.open() as log:
        asyncio.run(log.record([BatchRow(id=batch, name="study", created_at=START)]))
    said = tertulia("report", batch)
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert f"tertulia episodes --batch {batch}" in said.err


def test_fifty_turns_take_three_seconds_and_three_megabytes_at_most(tertulia: Tertulia) -> None:
    asyncio.run(play("log.db", "dinner-secret", seed=3, sets=["turns.limit=50", "ends=[limit]"]))
    begun = time.process_time()
    [line] = tertulia("report", "last", "--json").lines()
    assert time.process_time() - begun < 3
    assert line["bytes"] < 3_000_000
