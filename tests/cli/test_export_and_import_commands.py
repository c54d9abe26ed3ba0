"""`tertulia export` and `tertulia import sotopia`: what they write and say, and how they refuse."""

from __future__ import annotations

import asyncio
import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from zipfile import ZipFile

import pytest

from tertulia.storage.log import Log
from tests.cli.command import Tertulia
from tests.storage.made import an_episode
from tests.storage.test_imports_from_sotopia import an_episode_log


@pytest.fixture
def played(tertulia: Tertulia) -> list[str]:
    """Two scenarios, played."""
    for name, seed in (("dinner-secret", "3"), ("mutual-friends", "7")):
        assert tertulia("run", name, "--seed", seed, "--display", "none").code == 0
    return [row["id"] for row in tertulia("sql", "SELECT id FROM episode ORDER BY created_at, id", "--json").lines()]


@pytest.fixture
def written() -> None:
    """The smallest log: an episode in which nothing has happened yet."""

    async def write() -> None:
        with Log.open() as log:
            await log.begin(an_episode())

    asyncio.run(write())


@pytest.mark.parametrize("format", ["parquet", "jsonl", "csv"])
def test_all_views_in_a_folder(tertulia: Tertulia, played: list[str], format: str) -> None:
    if format == "parquet":
        pytest.importorskip("pyarrow")
    said = tertulia("export", "--to", format, "-o", "out", "--json")
    [told] = said.lines()
    about = json.loads(Path("out/export.json").read_text())
    assert told["episodes"] == about["episodes"] == 2
    names = {path.name for path in Path("out").iterdir()}
    assert names == {"export.json", *(f"{table['name']}.{format}" for table in about["tables"])}
    counted = {table["name"]: table["rows"] for table in about["tables"]}
    for name, rows in counted.items():
        assert tertulia("sql", f"SELECT count(*) AS n FROM {name}", "--json").lines() == [{"n": rows}]
    assert counted["v_transcript"] > 0
    again = tertulia("export", "--to", format, "-o", "out")
    assert (again.code, len(again.err.splitlines())) == (2, 1)
    assert tertulia("export", played[0], "--to", format, "-o", "out", "--force").code == 0
    assert json.loads(Path("out/export.json").read_text())["episodes"] == 1


def test_one_view_as_a_file_or_on_stdout(tertulia: Tertulia, played: list[str]) -> None:
    assert tertulia("export", "last", "--to", "csv", "--table", "v_outcomes", "-o", "o.csv").code == 0
    with Path("o.csv").open(newline="") as file:
        [row] = csv.DictReader(file)
    assert (row["episode"], row["scenario"]) == (played[1], "mutual-friends")
    out = tertulia("export", "--to", "jsonl", "--table", "v_outcomes", "-o", "-")
    assert [line["episode"] for line in out.lines()] == played
    assert "2 rows of 1 view, 2 episodes" in out.err


@pytest.mark.usefixtures("written")
@pytest.mark.parametrize("what", ["jsonl", "csv"])
def test_the_log_is_never_overwritten(tertulia: Tertulia, what: str) -> None:
    before = Path("log.db").read_bytes()
    said = tertulia("export", "--to", what, "--table", "v_outcomes", "-o", "log.db", "--force")
    assert (said.code, "something else" in said.err) == (2, True)
    assert Path("log.db").read_bytes() == before
    assert tertulia("episodes").code == 0


def test_training_records(tertulia: Tertulia, played: list[str]) -> None:
    said = tertulia("export", played[0], "--to", "sft", "--thoughts", "tag", "-o", "train.jsonl", "--json")
    [told] = said.lines()
    found = [json.loads(line) for line in Path("train.jsonl").read_text("ascii").splitlines()]
    assert told["records"] == len(found) == 3
    by_seat = {record["seat"]: record for record in found}
    assert set(by_seat) == {"alice", "bob", "dan"}
    assert "sold" in json.dumps(by_seat["alice"])
    assert "sold" not in json.dumps([by_seat["bob"], by_seat["dan"]])  # whispered to carol
    system = by_seat["bob"]["messages"][0]["content"]
    assert "Everybody in the room hears what is said aloud." in system  # the world's own rules
    assert "you brought the cake" in system
    assert "<inner>" in by_seat["bob"]["messages"][2]["content"]
    few = tertulia("export", "--to", "sft", "--seat", "alice", "--no-system", "--per", "turn", "-o", "-")
    assert {record["seat"] for record in few.lines()} == {"alice"}
    assert {record["messages"][0]["role"] for record in few.lines()} == {"user"}
    poor = tertulia("export", "--to", "sft", "--min-reward", "0.5", "-o", "-")
    assert {record["scenario"] for record in poor.lines()} == {"mutual-friends"}
    assert "left out: 1: episodes: reward below 0.5" in poor.err


def test_a_log_for_inspect(tertulia: Tertulia, played: list[str]) -> None:
    said = tertulia("export", "--to", "inspect", "-o", "log.eval")
    assert "2 samples" in said.err
    with ZipFile("log.eval") as file:
        header = json.loads(file.read("header.json"))
        assert header["eval"]["dataset"]["sample_ids"] == played
        sample = json.loads(file.read(f"samples/{played[0]}_epoch_1.json"))
    assert sample["metadata"]["scenario"] == "dinner-secret"
    assert any(message["content"].startswith("alice whispers to carol") for message in sample["messages"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "--to: which format?"),
        (["--to", "csv"], "-o: where to?"),
        (["--to", "xml", "-o", "x"], "xml"),
        (["--to", "csv", "-o", "-"], "name one view"),
        (["--to", "parquet", "-o", "-", "--table", "v_calls"], "take jsonl or csv"),
        (["--to", "csv", "-o", "all.csv"], "15 views make a folder"),
        (["--to", "csv", "-o", "x", "--table", "v_belief"], "nearest: 'v_beliefs'"),
        (["--to", "csv", "-o", "x", "--seat", "alice"], "--seat goes with --to sft, not with csv"),
        (["--to", "sft", "-o", "x", "--table", "v_calls"], "--table goes with --to parquet or jsonl or csv"),
        (["--to", "sft", "-o", "x", "--seat", "alic"], "nearest: 'alice'"),
        (["--to", "sft", "-o", "x", "--min-reward", "2", "nope"], "no episode and no batch 'nope'"),
        (["--to", "csv", "-o", "x", "--batch", "nope"], "no batch 'nope'"),
        (["--to", "inspect", "-o", "x"], "ends in .eval or .json"),
        (["--to", "csv", "-o", "no/where"], "No such file"),
        (["--to", "csv", "-o", "x", "--people", "none", "--db", "nowhere.db"], "there is no log"),
    ],
)
def test_export_refuses_in_one_line(tertulia: Tertulia, written: None, arguments: list[str], said: str) -> None:
    found = tertulia("export", *arguments)
    assert (found.code, len(found.err.splitlines())) == (2, 1)
    assert said in found.err
    assert not [path for path in Path().iterdir() if path.name not in ("log.db", "log.db-shm", "log.db-wal")]


def test_parquet_without_its_extra_says_what_to_install(
    tertulia: Tertulia, written: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    found = tertulia("export", "--to", "parquet", "-o", "x")
    assert found.err == "error: parquet needs the extra: pip install 'tertulia[data]'; or take --to jsonl\n"
    assert not Path("x").exists()


def test_a_person_leaves_only_as_it_was_agreed(tertulia: Tertulia, played: list[str]) -> None:
    async def withdraw() -> None:
        from tertulia.storage.rows_of_people import ConsentRow
        from tests.storage.made import START

        with Log.open() as log:
            row = ConsentRow(
                episode=played[0], participant="bob", ordinal=0, pseudonym="blue-heron", version="1", hash="h",
                agreed_at=START,
            )  # fmt: skip
            await log.agree(row)
            await log.withdraw(played[0], "bob")

    asyncio.run(withdraw())
    said = tertulia("export", "--to", "jsonl", "--table", "v_outcomes", "-o", "-")
    assert [line["episode"] for line in said.lines()] == played[1:]
    assert "left out: 1: a person took their part back" in said.err
    everybody = tertulia("export", "--to", "jsonl", "--table", "v_outcomes", "-o", "-", "--people", "all")
    assert len(everybody.lines()) == 2
    assert "1 episode with words of people" in everybody.err
    none = tertulia("export", played[0], "--to", "csv", "-o", "x")
    assert (none.code, none.err.splitlines()) == (
        2, [f"error: nothing to export from {Path('log.db').resolve()}: 1: a person took their part back"]
    )  # fmt: skip


def test_an_export_that_is_killed_leaves_nothing_in_its_place(tertulia: Tertulia, played: list[str]) -> None:
    """Stopped in the middle by a real signal, as often as it takes to meet it there."""
    slow = (
        "import time\nfrom tertulia.storage.exports import tables\nreal = tables._copy\n"
        "def copy(*given):\n    time.sleep(0.05)\n    return real(*given)\n"
        "tables._copy = copy\nfrom tertulia.cli.main import main\nmain(['export', '--to', 'csv', '-o', 'out'])\n"
    )
    process = subprocess.Popen([sys.executable, "-c", slow], env=os.environ)
    until = time.monotonic() + 60
    while not list(Path().glob(".out.*.part/v_answers.csv")) and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    assert not Path("out").exists()
    assert tertulia("export", "--to", "csv", "-o", "out").code == 0
    assert Path("out/export.json").exists()


@pytest.fixture
def sotopia_file(tmp_path: Path) -> str:
    lines = [an_episode_log(pk="1"), an_episode_log(pk="2", messages=[]), an_episode_log(pk="3", rewards=[0.0, 0.0])]
    (tmp_path / "episodes.jsonl").write_text("\n".join(map(json.dumps, lines)))
    return str(tmp_path / "episodes.jsonl")


def test_sotopia_comes_in_once_and_says_what_did_not(tertulia: Tertulia, sotopia_file: str) -> None:
    said = tertulia("import", "sotopia", sotopia_file, "--batch", "theirs")
    assert len(said.out.splitlines()) == 2
    assert "2 episodes entered" in said.err
    assert "1 left out: nobody did anything in them" in said.err
    [again] = tertulia("import", "sotopia", sotopia_file, "--json").lines()
    assert (again["entered"], len(again["there"])) == ([], 2)
    assert len(tertulia("episodes", "--json").lines()) == 2


def test_what_reads_the_log_reads_what_was_imported(tertulia: Tertulia, sotopia_file: str) -> None:
    tertulia("import", "sotopia", sotopia_file, "--batch", "theirs")
    shown = tertulia("show", "last").out
    assert 'He said "no" to me' in shown
    assert "\x1b[2J" not in shown
    assert "Samuel Anderson" in tertulia("search", "cake").out
    figures = tertulia("measures", "run", "theirs", "--measure", "participation", "--json").lines()
    assert {"turn_share", "silence"} <= {figure["measure"] for figure in figures}
    assert tertulia("report", "last", "-o", "r.html").code == 0
    assert "Samuel Anderson" in Path("r.html").read_text()
    assert tertulia("export", "theirs", "--to", "csv", "-o", "out").code == 0
    records = tertulia("export", "theirs", "--to", "sft", "-o", "-").lines()
    assert records[0]["messages"][0]["content"].startswith("You are Samuel Anderson. Samuel Anderson bakes.")
    assert tertulia("export", "theirs", "--to", "inspect", "-o", "log.eval").code == 0


@pytest.mark.parametrize(
    "command",
    [
        ["replay", "last"], ["fork", "last", "--at", "2"], ["gold", "last"],
        ["probe", "last", "--at", "2", "--ask", "Samuel Anderson", "Well?"],
    ],
)  # fmt: skip
def test_what_would_play_it_says_in_a_line_that_it_cannot(
    tertulia: Tertulia, sotopia_file: str, command: list[str]
) -> None:
    tertulia("import", "sotopia", sotopia_file)
    said = tertulia(*command)
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "was not played here and cannot be played" in said.err


def test_a_bad_line_is_told_before_anything_comes_in(tertulia: Tertulia, sotopia_file: str) -> None:
    with Path(sotopia_file).open("a") as file:
        file.write('\n{"pk": "4"}\n')
    said = tertulia("import", "sotopia", sotopia_file)
    assert (said.code, len(said.err.splitlines())) == (2, 1)
    assert "episodes.jsonl:4: no episode of Sotopia" in said.err
    assert not Path("log.db").exists()
