"""`tertulia report BATCH`: every number has a query or a command, and the page does what it says in a real browser."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import shlex
import time
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tertulia.storage.log import Log
from tertulia.storage.record import Closing
from tertulia.storage.rows import BatchRow, ParticipantRow
from tests.browser import Tab, browser
from tests.cli.command import Tertulia
from tests.cli.study import BATCH, played_study
from tests.cli.test_report_command import Parts, data_of
from tests.cli.test_report_in_a_browser import HOSTILE, quiet
from tests.storage.made import START, a_call, a_turn, an_episode, an_event, beliefs, truth


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return played_study(tmp_path_factory.mktemp("study"))


@pytest.fixture
def page(study: Path, tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The report of the batch; commands find its log."""
    monkeypatch.setenv("TERTULIA_DB", str(study))
    assert tertulia("report", BATCH, "-o", "study.html").code == 0
    return Path("study.html").resolve()


def test_every_answer_can_be_asked_again(page: Path, tertulia: Tertulia) -> None:
    queries = data_of(page.read_text())["queries"]
    assert list(queries) == ["episodes", "endings", "spending"]
    for query in queries.values():
        answer = tertulia("sql", query["sql"], "--json").lines()
        assert answer == [dict(zip(query["columns"], row, strict=True)) for row in query["rows"]]
        assert answer
    assert len(queries["episodes"]["rows"]) == 12


def near(row: dict[str, Any]) -> dict[str, Any]:
    """To twelve digits: the sums of beliefs are taken turn by turn on the page, and all at once by the measure."""
    return {key: float(f"{value:.12g}") if isinstance(value, float) else value for key, value in row.items()}


def test_every_number_by_condition_is_what_its_command_gives(page: Path, tertulia: Tertulia) -> None:
    measures = data_of(page.read_text())["measures"]
    assert {"reward", "belief_accuracy", "belief_brier", "fallback_rate", "turn_gini"} <= {m["name"] for m in measures}
    for one in measures:
        _, *command = shlex.split(one["command"])
        told = tertulia(*command, "--json").lines()
        assert [near(row) for row in told] == [near(row) for row in one["rows"]]
        assert all(row["n"] > 0 for row in one["rows"])
    kinds = {row["kind"] for one in measures for row in one["rows"]}
    assert kinds == {"figure", "difference"}


def test_every_curve_is_the_table_that_its_command_gives_and_adds_up_from_its_query(
    page: Path, tertulia: Tertulia
) -> None:
    data = data_of(page.read_text())
    assert [curve["y"] for curve in data["curves"]] == ["accuracy", "brier"]
    sums = tertulia("sql", data["curve_sql"], "--json").lines()
    for curve in data["curves"]:
        _, *command = shlex.split(curve["command"])
        told = list(csv.DictReader(io.StringIO(tertulia(*command).out)))
        assert told == [{k: "" if v is None else str(v) for k, v in row.items()} for row in curve["rows"]]
        assert len(told) > 20
        cells = {row[0]: row[2] for row in data["queries"]["episodes"]["rows"]}
        for row in curve["rows"]:
            key = (row["estimator"], row["rule"], row["level"], row["turn"])
            mine = [s for s in sums if (s["estimator"], s["rule"], s["level"], s["turn"]) == key]
            mine = [s for s in mine if cells[s["episode"]] == row["cell"]]
            n = sum(s["n"] for s in mine)
            assert (n, len(mine)) == (row["n"], row["episodes"])
            assert sum(s[curve["y"]] for s in mine) / n == pytest.approx(row["value"])


def test_another_baseline_and_more_measures(page: Path, tertulia: Tertulia) -> None:
    said = tertulia("report", BATCH, "-o", "other.html", "--baseline", "turns.limit=6", "-m", "turn_share", "--json")
    assert said.lines() == [
        {"batch": BATCH, "file": str(Path("other.html").resolve()), "bytes": Path("other.html").stat().st_size,
         "blind": False}
    ]  # fmt: skip
    data = data_of(Path("other.html").read_text())
    assert data["baseline"] == "turns.limit=6"
    by_name = {one["name"]: one for one in data["measures"]}
    [difference] = [row for row in by_name["reward"]["rows"] if row["kind"] == "difference"]
    assert (difference["cell"], difference["baseline"], difference["value"] > 0) == (
        "turns.limit=20",
        "turns.limit=6",
        True,
    )
    assert "turn_share" in by_name
    assert "--baseline turns.limit=6" in by_name["reward"]["command"]


def test_scenarios_with_baselines_of_their_own_can_be_asked_for_again(tertulia: Tertulia, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(
        "batch: two\nscenario: mutual-friends\nseeds: 0:2\n"
        "grid: {scenario: [mutual-friends, dinner-secret], turns.limit: [3, 4]}\n"
    )
    assert tertulia("batch", "two.yaml", "--json").code == 0
    assert tertulia("report", "two", "-o", "two.html").code == 0
    data = data_of((tmp_path / "two.html").read_text())
    bases = [f"scenario={name}, turns.limit=3" for name in ("dinner-secret", "mutual-friends")]
    assert [one["cell"] for one in data["conditions"] if one["baseline"]] == bases
    [shown] = [one for one in data["measures"] if one["name"] == "silence"]
    differences = [row for row in shown["rows"] if row["kind"] == "difference"]
    assert [row["baseline"] for row in differences] == bases
    again = tertulia(*shlex.split(shown["command"])[1:], "--json").lines()
    assert [row for row in again if row.get("kind") == "difference"] == differences
    said = tertulia("measures", "run", "two", "--measure", "silence").out
    assert "differences to the first cell of each scenario, pair by pair" in said


def test_what_cannot_be_is_said_in_a_line(page: Path, tertulia: Tertulia) -> None:
    episode = data_of(page.read_text())["queries"]["episodes"]["rows"][0][0]
    for arguments, told in (
        ((BATCH, "--blind"), "--blind is of one episode"),
        ((BATCH, "--baseline", "turns.limit=7"), "nearest: 'turns.limit=6'"),
        ((BATCH, "-m", "rewrd"), "nearest: 'reward'"),
        ((episode, "-m", "reward"), "--measure is of a batch"),
        ((episode, "--baseline", "x"), "--baseline is of a batch"),
        (("nothing",), "no episode and no batch 'nothing'"),
    ):
        said = tertulia("report", *arguments, "-o", "none.html")
        assert (said.code, len(said.err.splitlines())) == (2, 1), said.err
        assert told in said.err
    assert not Path("none.html").exists()
    Path("thesis.txt").write_text("years of work")
    said = tertulia("report", BATCH, "-o", "thesis.txt")
    assert (said.code, said.err) == (
        2,
        "error: -o thesis.txt: there is another kind of file; another place: -o FILE\n",
    )
    assert Path("thesis.txt").read_text() == "years of work"


def test_a_report_that_cannot_be_written_leaves_the_former_one(
    page: Path, tertulia: Tertulia, monkeypatch: pytest.MonkeyPatch
) -> None:
    former = page.read_text()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    said = tertulia("report", BATCH, "-o", "study.html")
    assert (said.code, said.err) == (
        2,
        "error: -o study.html: No space left on device; another place: -o FILE\n",
    )
    assert page.read_text() == former
    assert [path.name for path in Path().iterdir() if path.suffix != ".db"] == ["study.html"]


def written(page: Path) -> Any:
    return data_of(page.read_text())


async def numbers_of(tab: Tab, place: str, column: int) -> list[float]:
    cells = f"[...document.querySelectorAll('{place} tbody tr')].map(tr => tr.children[{column}].textContent)"
    return [float(text.replace(",", "")) for text in await tab.run(cells)]


@asynccontextmanager
async def shown(page: Path, **size: Any) -> Any:
    async with browser(page.parent / "profile") as tab:
        await tab.see(**{"width": 1200, **size})
        await tab.open(page)
        yield tab
        quiet(tab, page)


@pytest.fixture
def titles() -> str:
    return "[...document.querySelectorAll('#episodes th button')].map(b => b.textContent.trim())"


async def test_the_table_of_episodes_sorts_by_mouse_and_by_keyboard(page: Path, titles: str) -> None:
    async with shown(page) as tab:
        at = (await tab.run(titles)).index("turns")
        button = f"document.querySelectorAll('#episodes th button')[{at}]"
        before = await numbers_of(tab, "#episodes", at)
        await tab.run(f"{button}.click()")
        assert await numbers_of(tab, "#episodes", at) == sorted(before, reverse=True)
        assert await tab.run(f"{button}.parentElement.getAttribute('aria-sort')") == "descending"
        await tab.run(f"{button}.focus()")
        await tab.press("Enter")
        assert await numbers_of(tab, "#episodes", at) == sorted(before)
        assert await tab.run("document.querySelectorAll('#episodes [aria-sort]').length") == 1
        assert await tab.run(f"document.activeElement === {button}")
        first = await tab.run("document.querySelector('#episodes tbody th').textContent")
        await tab.run("document.querySelector('#episodes tbody tr').click()")
        assert await tab.run("document.querySelector('[data-open]').textContent") == (
            f"tertulia report {first} -o {first}.html"
        )


async def test_the_table_of_episodes_filters_by_words_and_by_numbers(page: Path, titles: str) -> None:
    asked = written(page)["queries"]["episodes"]
    rows = [dict(zip(asked["columns"], row, strict=True)) for row in asked["rows"]]
    solved = [row for row in rows if row["reason"] == "solved"]
    assert 0 < len(solved) < 12
    async with shown(page) as tab:
        for text, n in (
            ("solved", len(solved)),
            ("reward<1", 12 - len(solved)),
            ("solved seed>=3", sum(row["seed"] >= 3 for row in solved)),
            ("no-such-word", 0),
            ("", 12),
        ):
            await tab.run(
                f"(() => {{ const box = document.querySelector('#filter'); box.value = {json.dumps(text)};"
                " box.dispatchEvent(new Event('input')) })()"
            )
            assert await tab.run("document.querySelectorAll('#episodes tbody tr').length") == n
            assert await tab.run("document.querySelector('#episodes output').textContent") == f"{n} of 12 episodes"


async def test_curves_show_what_the_log_has_and_hide_what_is_not_wanted(page: Path) -> None:
    [accuracy, brier] = written(page)["curves"]
    async with shown(page) as tab:
        lines = (
            "[...document.querySelectorAll('#curves polyline')].map(l => l.getAttribute('points').split(' ').length)"
        )
        own = [row for row in accuracy["rows"] if row["level"] == "own"]
        cells = sorted({row["cell"] for row in own})
        assert await tab.run(lines) == [sum(row["cell"] == cell for row in own) for cell in cells]
        await tab.run("document.querySelector('#curves details').open = true")
        shown_values = await numbers_of(tab, "#curves", 2)
        assert shown_values == pytest.approx([row["value"] for row in own], abs=5e-4)
        await tab.run("document.querySelector('#curves input').click()")
        assert len(await tab.run(lines)) == 1
        assert await tab.run("document.activeElement === document.querySelector('#curves input')")
        await tab.run(
            "(() => { const one = document.querySelector('#curves select'); one.selectedIndex = 1; one.focus();"
            " one.dispatchEvent(new Event('change')) })()"
        )
        assert await tab.run("document.activeElement.value") == "Brier distance"
        assert len([row for row in brier["rows"] if row["level"] == "own"]) == len(own)


@pytest.mark.parametrize(
    ("width", "dark", "media"), [(390, False, "screen"), (390, True, "screen"), (800, False, "print")]
)
async def test_it_fits_a_phone_and_paper(page: Path, width: int, dark: bool, media: str) -> None:
    async with shown(page, width=width, dark=dark, media=media) as tab:
        assert await tab.run("document.documentElement.scrollWidth <= innerWidth")
        sections = await tab.run("[...document.querySelectorAll('section')].map(one => one.id)")
        assert sections == ["success", "curves", "beliefs", "spread", "measures", "failures", "costs", "episodes"]
        assert await tab.run("document.querySelectorAll('.numbers tbody tr').length") > 20


def test_the_page_is_held_by_its_policy(page: Path) -> None:
    parts = Parts(page.read_text())
    [policy] = [a["content"] or "" for tag, a in parts.elements if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    for _, attributes in parts.elements:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "href", "style")]


async def write_hostile(log: Log) -> None:
    """A batch in which every text that somebody else chooses is hostile."""
    html, image, sql, terminal, formula, url = HOSTILE
    await log.record([BatchRow(id=sql, name=html, created_at=START)])
    for at, cell in enumerate((html, image, formula, terminal)):
        id = f"01ARZ3NDEKTSV4RRFFQ69G5FA{at}"
        record = an_episode(id, cast=("alice",), batch=sql, cell=cell, scenario=url, seed=1)
        record.participants[0] = ParticipantRow(episode=id, name="alice", ordinal=0, model=f"{html}{terminal}\x00")
        await log.begin(record)
        await log.record_call(a_call(1, episode=id, uri=formula, purpose=html))
        rows = [an_event(1, html, episode=id), *beliefs(1, "alice", sql, episode=id, **{html: 0.75, formula: 0.25}),
                *truth(1, sql, html, formula, episode=id)]  # fmt: skip
        await log.commit(a_turn(0, an_event(0, url, actor=None, episode=id), episode=id, silent=True))
        last = a_turn(1, *rows, episode=id)
        last.closing = Closing("success", image, None, 1.0)
        await log.commit(last)


async def test_hostile_names_are_shown_and_do_nothing(tertulia: Tertulia, tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        await write_hostile(log)
    said = await asyncio.to_thread(tertulia, "report", HOSTILE[2], "-o", "page.html")
    assert said.code == 0, said.err
    assert "\x1b" not in said.err
    async with shown((tmp_path / "page.html").resolve()) as tab:
        assert await tab.run("typeof owned") == "undefined"
        assert await tab.run("document.querySelectorAll('main img, main svg [onload], main script').length") == 0
        assert await tab.run("document.querySelector('h1').textContent") == HOSTILE[0]
        cells = await tab.run("[...document.querySelectorAll('#failures tbody th')].map(th => th.textContent)")
        assert len(cells) >= 4
        assert set(HOSTILE[:2]) <= set(cells)
        assert all("\x1b" not in cell for cell in cells)


def test_a_command_of_a_hostile_batch_is_one_word_to_a_shell(tertulia: Tertulia, tmp_path: Path) -> None:
    with Log.open(tmp_path / "log.db") as log:
        asyncio.run(write_hostile(log))
    assert tertulia("report", HOSTILE[2], "-o", "page.html").code == 0
    text = Path("page.html").read_text()
    assert text.isascii()
    assert text.count("</script>") == 2
    data = data_of(text)
    for command in (*(one["command"] for one in data["measures"]), *(one["command"] for one in data["curves"])):
        assert shlex.split(command)[3] == HOSTILE[2]


def test_hundreds_of_episodes_take_seconds_and_a_fraction_of_three_megabytes(page: Path, tertulia: Tertulia) -> None:
    begun = time.process_time()
    [line] = tertulia("report", BATCH, "--json").lines()
    assert line["bytes"] < 120_000 + 12 * 400  # an episode of a thousand is a row of a table
    assert time.process_time() - begun < 10
