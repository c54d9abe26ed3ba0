"""From a batch to sheets and back: `export --blind` and `--pairs`, `import codes`, `agreement`, `--to preferences`."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from tertulia.storage.log import Log
from tertulia.storage.record import Closing
from tertulia.storage.rows import BatchRow
from tests.cli.command import Tertulia
from tests.cli.test_report_in_a_browser import HOSTILE
from tests.storage.made import START, a_turn, an_episode, an_event

BOOK = """\
codebook: warmth
context: {before: 1}
codes:
  warmth: {ask: "How warm is it?", scale: ordinal, levels: [cold, neutral, warm]}
  act: {levels: {ask: it asks, tell: it tells}}
"""
IDS = [f"01ARZ3NDEKTSV4RRFFQ69G5F{n:02d}" for n in range(4)]
SAID = ("Hello.", *HOSTILE, "nul\x00 and \ud800", "+49 170", "@SUM(A1)")
Row = dict[str, str]


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    """Four episodes of two cells and two seeds, in which hostile things are said, and a codebook."""
    (tmp_path / "warmth.yaml").write_text(BOOK)

    async def enter() -> None:
        with Log.open(tmp_path / "log.db") as log:
            await log.record([BatchRow(id="b", name="b", created_at=START)])
            for n, id in enumerate(IDS):
                cell = f"cell={'xy'[n % 2]}"
                await log.begin(an_episode(id, seed=n // 2, batch="b", cell=cell, cast=("=2+5", "bob")))
                for turn, text in enumerate(SAID):
                    said = an_event(turn, text, episode=id, actor="=2+5" if turn % 2 else "bob")
                    record = a_turn(turn, said, episode=id)
                    record.closing = Closing("success", "limit") if turn == len(SAID) - 1 else None
                    await log.commit(record)

    asyncio.run(enter())
    return tmp_path


def table(path: Path) -> list[Row]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill(path: Path, code: Callable[[Row], Row]) -> None:
    rows = table(path)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, rows[0].keys())
    writer.writeheader()
    writer.writerows({**row, **code(row)} for row in rows)
    path.write_bytes(text.getvalue().encode("utf-8-sig"))


def test_a_batch_becomes_sheets_and_these_an_agreement(tertulia: Tertulia, talk: Path) -> None:
    options = ("--codebook", "warmth.yaml", "--overlap", "0.5", "--practice", "2", "--coders", "anna,ben")
    said = tertulia("export", "b", "--blind", *options, "-o", "study")
    assert (said.code, said.out) == (0, "")
    assert "38 items, 19 of them for every coder, 2 more to practise on; anna, ben" in said.err
    study = talk / "study"
    assert sorted(path.name for path in (study / "for-coders").iterdir()) == [
        "anna.csv", "anna.html", "ben.csv", "ben.html", "codebook.md",
    ]  # fmt: skip
    assert stat.S_IMODE((study / "key.json").stat().st_mode) == 0o600
    for coder in ("anna", "ben"):
        fill(
            study / "for-coders" / f"{coder}.csv",
            lambda row: {"warmth": "warm" if "H" in row["text"] else "cold", "act": "ask"},
        )
    sheets = [str(study / "for-coders" / f"{coder}.csv") for coder in ("anna", "ben")]
    said = tertulia("import", "codes", *sheets)
    assert said.code == 0, said.err
    assert f"Agreement, set {json.loads((study / 'key.json').read_text())['set']}" in said.out
    assert "act: undefined: every code is 1, so chance would agree as well" in said.out
    found = json.loads(tertulia("agreement", "--code", "warmth", "--json").out)
    figures = {one["name"]: one for one in found["agreement"][0]["figures"]}
    assert (figures["cohen_kappa"]["value"], figures["cohen_kappa"]["items"]) == (1.0, 19)
    assert {one["coders"] for one in figures.values()} == {2}
    again = json.loads(tertulia("import", "codes", *sheets, "--json").out)
    assert [one["new"] for one in again["coded"]] == [False, False]
    measured = tertulia("measures", "run", "b", "--measure", "judgements", "--json").lines()
    assert {one["measure"] for one in measured} == {"code_share", "code_value"}
    assert {one["condition"]["cell"] for one in measured if "condition" in one} <= {"cell=x", "cell=y"}


def test_nothing_in_what_coders_are_given_tells_where_it_is_from_or_runs(tertulia: Tertulia, talk: Path) -> None:
    tertulia("export", "b", "--blind", "--codebook", "warmth.yaml", "-o", "study", "--coders", "1")
    given = {path.name: path.read_bytes() for path in (talk / "study" / "for-coders").iterdir()}
    secret = json.loads((talk / "study" / "key.json").read_text())["set"].partition("-")[2]
    for hidden in (*IDS, "01ARZ3", "dinner-secret", "rules", "cell=", "log.db", secret, "seed"):
        assert not any(hidden.encode() in raw for raw in given.values()), hidden
    rows = table(talk / "study" / "for-coders" / "coder-1.csv")
    cells = [cell for row in rows for cell in row.values()]
    assert not any(cell[:1] in tuple("=+-@\t\r") for cell in cells if cell)
    assert '\'=HYPERLINK("http://127.0.0.1:9/owned")' in cells
    assert "nul\u2400 and \ufffd" in cells
    assert not any("\x1b" in cell for cell in cells)


def test_sheets_in_which_somebody_wrote_are_not_replaced(tertulia: Tertulia, talk: Path) -> None:
    export = ("export", "b", "--blind", "--codebook", "warmth.yaml", "-o", "study")
    tertulia(*export)
    said = tertulia(*export)
    assert (said.code, said.err) == (
        2,
        "error: -o study: there is such a folder already; --force replaces it, or name another one\n",
    )
    assert tertulia(*export, "--force", "--seed", "2").code == 0
    fill(talk / "study" / "for-coders" / "coder-2.csv", lambda row: {"act": "ask"})
    said = tertulia(*export, "--force")
    assert said.err == "error: -o study: for-coders/coder-2.csv was changed since it was written; name another folder\n"
    assert {row["act"] for row in table(talk / "study" / "for-coders" / "coder-2.csv")} == {"ask"}
    other = tertulia("export", "b", "--to", "csv", "-o", "study", "--force")
    assert "for-coders/coder-2.csv was changed" in other.err
    (talk / "mine").mkdir()
    (talk / "mine" / "thesis.txt").write_text("years of work")
    assert (
        "holds something else"
        in tertulia("export", "b", "--blind", "--codebook", "warmth.yaml", "-o", "mine", "--force").err
    )
    assert (talk / "mine" / "thesis.txt").exists()
    assert not [path for path in talk.iterdir() if path.name.startswith(".")]


def test_nothing_is_written_where_any_cell_is_wrong(tertulia: Tertulia, talk: Path) -> None:
    tertulia("export", "b", "--blind", "--codebook", "warmth.yaml", "-o", "study")
    one, two = (talk / "study" / "for-coders" / f"coder-{n}.csv" for n in (1, 2))
    fill(one, lambda row: {"act": "ask"})
    fill(two, lambda row: {"act": "ask" if row["text"] != "Hello." else "asks"})
    said = tertulia("import", "codes", str(one), str(two))
    assert said.code == 2
    assert len(said.err.splitlines()) == 4
    assert "column act: 'asks' cannot be given; nearest: 'ask' (others: tell)" in said.err.splitlines()[0]
    assert tertulia("sql", "SELECT count(*) AS n FROM score", "--json").lines() == [{"n": 0}]
    assert "no codes are in" in tertulia("agreement").err


def test_a_sheet_of_another_log_is_refused(tertulia: Tertulia, talk: Path) -> None:
    tertulia("export", "b", "--blind", "--codebook", "warmth.yaml", "-o", "study")
    sheet = talk / "study" / "for-coders" / "coder-1.csv"
    fill(sheet, lambda row: {"act": "ask"})
    tertulia("run", "mutual-friends", "--db", "other.db", "--display", "none")
    said = tertulia("import", "codes", str(sheet), "--db", "other.db")
    assert said.err == (
        f"error: 4 of the 4 episodes of set {json.loads((talk / 'study' / 'key.json').read_text())['set']} are not in "
        f"other.db (the first: {IDS[0]}); give the log they were exported from: --db\n"
    )


def test_pairs_are_judged_blind_and_become_a_win_rate_and_preference_data(tertulia: Tertulia, talk: Path) -> None:
    said = tertulia("export", "b", "--pairs", "-o", "pairs", "--coders", "2")
    assert "2 items, 2 of them for every coder" in said.err
    key = json.loads((talk / "pairs" / "key.json").read_text())
    for coder in key["coders"]:
        swapped = key["swapped"][coder]
        fill(
            talk / "pairs" / "for-coders" / f"{coder}.csv",
            lambda row, swapped=swapped: {"preferred": "B" if row["item"] in swapped else "a"},  # type: ignore[misc]
        )
    said = tertulia(
        "import", "codes", *(str(talk / "pairs" / "for-coders" / f"{coder}.csv") for coder in key["coders"])
    )
    assert "cell=x over cell=y" in said.out
    assert "win rate 1.000 (95 %: 1.000 to 1.000), ties counted half, n = 2 pairs, 4 judgements" in said.out
    assert tertulia("export", "--to", "preferences", "-o", "p.jsonl").code == 0
    records = [json.loads(line) for line in (talk / "p.jsonl").read_text().splitlines()]
    assert {(one["chosen_condition"], one["rejected_condition"]) for one in records} == {("cell=x", "cell=y")}
    assert records[0]["judgements"] == {"chosen": 2, "rejected": 0, "tie": 0}
    assert {one["chosen_episode"] for one in records} == {IDS[0], IDS[2]}
    assert "there is such a file already" in tertulia("export", "--to", "preferences", "-o", "p.jsonl").err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--blind",), "what is coded? give a codebook: --codebook FILE.yaml"),
        (("--blind", "--to", "csv"), "--blind and --to csv: choose one of the two"),
        (("--coders", "2"), "--coders goes with --blind or --pairs"),
        (("--blind", "--codebook", "warmth.yaml", "--coders", "0"), "--coders 0: these are no coders"),
        (("--blind", "--codebook", "warmth.yaml", "--coders", "a,a"), "--coders a,a: these are no coders"),
        (("--blind", "--codebook", "warmth.yaml", "--coders", "../x"), "--coders ../x: these are no coders"),
        (("--blind", "--codebook", "warmth.yaml", "--between", "x"), "--between: this is for --pairs"),
        (("--pairs", "--between", "x"), "--between x: give it twice"),
        (("--pairs", "--between", "x", "--between", "x"), "--between x: this is given twice"),
        (("--blind", "--codebook", "none.yaml"), "none.yaml: there is no such file; check the path\n"),
        (("--blind", "--codebook", "/dev/null"), "/dev/null:1: the file is empty; begin with `codebook: NAME`"),
        (
            ("--blind", "--codebook", "warmth.yaml", "--practice", "99"),
            "there are 40 utterances, too few to code beside 99",
        ),
    ],
)
def test_what_cannot_be_exported_is_told_in_a_line(
    tertulia: Tertulia, talk: Path, options: tuple[str, ...], words: str
) -> None:
    said = tertulia("export", "b", *options, "-o", "x")
    assert said.code == 2
    assert words in said.err
    assert len(said.err.splitlines()) == 1
    assert not (talk / "x").exists()


@pytest.mark.parametrize(
    ("was", "now", "line"),
    [
        ("codes:", "code:", "4: code: there is no such key; nearest: 'codes'"),
        ("ordinal", "ordnal", "5: codes.warmth.scale: this is the text 'ordnal'; nearest: 'ordinal'"),
        (
            "[cold, neutral, warm]",
            "[cold, Cold]",
            "5: codes.warmth.levels: two levels are the same; write at least two",
        ),
        ("[cold, neutral, warm]", "[cold]", "5: codes.warmth.levels: there are fewer than two levels"),
        ("  act:", "  Act:", "6: codes.Act: this cannot be the name of a code; a name has lower-case letters"),
        ("  act:", "  note:", "6: codes.note: a column of every sheet is called so"),
        ("{before: 1}", "{befor: 1}", "3: context.befor: there is no such key; nearest: 'before'"),
        (
            "{before: 1}",
            "{before: many}",
            "3: context.before: this is the text 'many'; write a number of lines, 0 to 200",
        ),
        ("context", "unit: word\ncontext", "3: unit: this is the text 'word'; one of: utterance, turn, episode"),
    ],
)
def test_what_is_wrong_in_a_codebook_is_told_with_its_line(
    tertulia: Tertulia, talk: Path, was: str, now: str, line: str
) -> None:
    (talk / "warmth.yaml").write_text("# mine\n" + BOOK.replace(was, now))
    said = tertulia("export", "b", "--blind", "--codebook", "warmth.yaml", "-o", "x")
    number = line.partition(":")[0]
    assert any(
        f"warmth.yaml:{int(number)}" in one and line.partition(": ")[2] in one for one in said.err.splitlines()
    ), said.err


def test_episodes_in_which_somebody_took_their_part_back_stay_out(tertulia: Tertulia, talk: Path) -> None:
    from datetime import UTC, datetime

    from tertulia.storage.rows_of_people import ConsentRow

    moment = datetime(2026, 3, 1, tzinfo=UTC)
    consent = ConsentRow(
        episode=IDS[0], participant="bob", ordinal=0, pseudonym="p", version="1", hash="h", agreed_at=moment,
        withdrawn_at=moment,
    )  # fmt: skip
    with Log.open(talk / "log.db") as log:
        asyncio.run(log.record([consent]))
    said = tertulia("export", "b", "--blind", "--codebook", "warmth.yaml", "-o", "study")
    assert said.err.splitlines()[0] == "1 episode is left out: a person took their part back"
    assert IDS[0] not in (talk / "study" / "key.json").read_text()


def test_words_of_people_are_judged_in_pairs_but_do_not_become_data_to_train_with(
    tertulia: Tertulia, tmp_path: Path
) -> None:
    for name in ("x", "y"):
        (tmp_path / f"{name}.csv").write_text(f"speaker,text\nann,hello {name}\nben,hm\n")
        tertulia("import", "chat", f"{name}.csv", "--consent-note", "IRB 17", "--batch", name)
    said = tertulia("export", "x", "y", "--pairs", "--coders", "anna", "-o", "pairs")
    assert "1 items, 1 of them for every coder" in said.err
    sheet = tmp_path / "pairs" / "for-coders" / "anna.csv"
    fill(sheet, lambda row: {"preferred": "A" if "hello x" in row["a"] else "B"})
    assert "x over y\nwin rate 1.000, ties counted half, n = 1 pairs" in tertulia("import", "codes", str(sheet)).out
    refused = tertulia("export", "--to", "preferences", "-o", "p.jsonl")
    assert refused.code == 2
    assert "1: pairs: words of a person that were to stay on the machine (local_only)" in refused.err
    assert not (tmp_path / "p.jsonl").exists()
    assert tertulia("export", "--to", "preferences", "--people", "all", "-o", "p.jsonl").code == 0
    assert "hello x" in json.loads((tmp_path / "p.jsonl").read_text())["chosen"]
