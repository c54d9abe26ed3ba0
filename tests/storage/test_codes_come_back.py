"""Filled sheets: what spreadsheets make of them is read, what is wrong in them is told, what is right is kept once."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.storage.coding.checking import Coded, check
from tertulia.storage.coding.codebook import Code, Codebook, preferences
from tertulia.storage.coding.drawing import CodingSet, draw
from tertulia.storage.coding.keeping import CodesDiffer, heads, judged, keep
from tertulia.storage.coding.material import Line, Piece
from tertulia.storage.coding.reading import SheetTrouble, read_sheet
from tertulia.storage.coding.results import agreements, wins
from tertulia.storage.coding.sheets import heads as columns_of
from tertulia.storage.coding.sheets import rows as rows_of
from tertulia.storage.log import Log

BOOK = Codebook(
    "talk",
    (
        Code("warmth", "utterance", "ordinal", levels=("cold", "neutral", "warm"), about=("", "", "")),
        Code("act", "utterance", "nominal", levels=("ask", "tell"), about=("", "")),
        Code("effort", "utterance", "interval", low=0, high=100),
    ),
)


def a_set(items: int = 6, coders: tuple[str, ...] = ("coder-1", "coder-2"), practice: int = 0) -> CodingSet:
    said = [
        Piece("utterance", f"E{n // 2}", "", (Line(n % 2, 0, "alice", "", f'say "{n}",\nand more', True, True, False),))
        for n in range(items)
    ]
    return draw(said, BOOK, list(coders), practice=practice)


Fill = Callable[[str, int], dict[str, str]]


def warm(item: str, n: int) -> dict[str, str]:
    return {"warmth": ("cold", "neutral", "warm")[n % 3], "act": "ask", "effort": str(n * 10)}


def sheet(made: CodingSet, coder: str, fill: Fill = warm, *, delimiter: str = ",", ends: str = "\r\n") -> str:
    """The sheet as it was given, filled in, saved anew."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ends)
    columns = columns_of(made, made.codebook.units[0])
    writer.writerow(columns)
    order = sorted(made.order[coder])
    for row in rows_of(made, coder, made.codebook.units[0]):
        cells = dict(zip(columns, row, strict=True))
        cells |= fill(cells["item"], order.index(cells["item"]))
        writer.writerow([cells[name] for name in columns])
    return text.getvalue()


def coded(made: CodingSet, *texts: str | bytes, names: tuple[str, ...] = ()) -> list[Coded]:
    raws = [text.encode() if isinstance(text, str) else text for text in texts]
    sheets = [read_sheet(raw, names[n] if names else f"{n}.csv") for n, raw in enumerate(raws)]
    return check(made, sheets)


def upside_down(text: str) -> str:
    """Rows and columns in another order, the columns that only show something gone."""
    head, *rows = csv.reader(io.StringIO(text, newline=""))
    keep = [n for n in reversed(range(len(head))) if head[n] not in ("text", "who", "context", "part", "note")]
    out = io.StringIO(newline="")
    csv.writer(out).writerows([row[n] for n in keep] for row in (head, *reversed(rows)))
    return out.getvalue()


@pytest.mark.parametrize(
    "saved",
    [
        lambda text: text.encode("utf-8-sig"),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("cp1252"),
        lambda text: upside_down(text).encode(),
        lambda text: text.replace("warm,", "Warm ,").replace(",cold", ",'COLD").encode(),
        lambda text: text.replace(",10,", ",10.0,").replace(",20,", ',"20,0",').encode(),
        lambda text: text.replace("coder-1,", "CODER-1,").encode(),
        lambda text: (text + ",,,,,,,,\r\n\r\n").encode(),
    ],
    ids=["bom", "utf-16", "cp1252", "reordered", "case", "decimals", "coder's case", "empty rows"],
)
def test_what_a_spreadsheet_makes_of_a_sheet_is_the_same_sheet(saved: Callable[[str], bytes]) -> None:
    made = a_set()
    plain = sheet(made, "coder-1")
    [expected] = coded(made, plain)
    [found] = coded(made, saved(plain))
    assert found.codes == expected.codes
    assert found.digest == expected.digest
    assert expected.given == 18


@pytest.mark.parametrize("delimiter", [";", "\t"])
@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_other_delimiters_and_line_ends_are_read(delimiter: str, ends: str) -> None:
    made = a_set()
    [expected] = coded(made, sheet(made, "coder-1"))
    [found] = coded(made, sheet(made, "coder-1", delimiter=delimiter, ends=ends))
    assert found.digest == expected.digest


def test_a_column_that_was_dropped_because_it_was_empty_is_missing_data() -> None:
    made = a_set()
    text = sheet(made, "coder-1", lambda item, n: {"warmth": "warm"})
    [found] = coded(made, upside_down(text))
    assert {tuple(given) for given in found.codes.values()} == {("warmth",)}


def test_every_wrong_cell_is_told_with_file_row_column_and_what_would_be_right() -> None:
    made = a_set()
    [first, second, *_] = [row[1] for row in rows_of(made, "coder-1", "utterance")]
    wrong = {first: {"warmth": "wram", "effort": "101"}, second: {"act": "3"}}
    text = sheet(made, "coder-1", lambda item, n: {**warm(item, n), **wrong.get(item, {})})
    with pytest.raises(SheetTrouble) as told:
        coded(made, text, names=("study/coder-1.csv",))
    assert str(told.value).splitlines() == [
        "study/coder-1.csv: row 2, column warmth: 'wram' cannot be given; nearest: 'warm' (others: cold, neutral)",
        "study/coder-1.csv: row 2, column effort: '101' cannot be given; a number from 0 to 100",
        "study/coder-1.csv: row 3, column act: '3' cannot be given; one of: ask, tell",
    ]


def test_rows_of_nobody_of_nothing_and_twice_are_told() -> None:
    made = draw(a_set().pieces.values(), BOOK, ["coder-1", "coder-2"], overlap=0.0)  # type: ignore[arg-type]
    mine, theirs = made.order["coder-1"], made.order["coder-2"]
    text = "coder,item,warmth,wramth\n" + "".join(
        f"{coder},{item},warm,{x}\n"
        for coder, item, x in [
            ("coder-1", mine[0], ""), ("coder-1", mine[0], ""), ("coder-1", "zzzzzzz", "x"), ("coder-1", theirs[0], ""),
            ("anna", mine[1], ""), ("", mine[1], ""), ("coder-1", "", ""),
        ]
    )  # fmt: skip
    with pytest.raises(SheetTrouble) as told:
        coded(made, text, names=("s.csv",))
    lines = str(told.value).splitlines()
    for n, words in enumerate([
        "s.csv: row 1, column wramth: no code is called so; nearest: 'warmth'",
        f"s.csv: row 3, column item: {mine[0]} stands in row 2 of s.csv too; keep one of the two",
        f"s.csv: row 4, column item: 'zzzzzzz' is no item of set {made.id}; ",
        f"s.csv: row 5, column item: {theirs[0]} was not given to coder-1; it was given to coder-2",
        "s.csv: row 6, column coder: 'anna' is no coder of this set; ",
        "s.csv: row 7, column coder: it does not say who coded; write who it was (coder-1, coder-2), or give --coder",
        "s.csv: row 8, column item: there is no id; write the id that the row came with",
    ]):  # fmt: skip
        assert lines[n].startswith(words), lines[n]


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "the file is empty"),
        (b"PK\x03\x04rest", "this is a workbook (.xlsx or .ods), not CSV; save it as CSV UTF-8"),
        (b"a,b\n1,2\n", "row 1 has no column 'item'"),
        (b"item,warmth,warmth\n", "the column 'warmth' stands twice"),
        (b"item,warmth\nx,warm,what is this\n", "row 2: something stands under no column"),
        (b'item,note\nx,"open\n', "not CSV"),
        (b",,\nitem,x\n", "row 1 is empty"),
        (b"item\x00\xff,x", "the encoding cannot be told"),
    ],
)
def test_what_is_no_sheet_is_told_in_a_line(raw: bytes, words: str) -> None:
    with pytest.raises(SheetTrouble, match=r"x\.csv: ") as told:
        read_sheet(raw, "x.csv")
    assert words in str(told.value)
    assert "\n" not in str(told.value)


@given(st.text(max_size=30))
def test_a_cell_is_a_level_or_an_error_that_says_what_would_be_right(text: str) -> None:
    for code in BOOK.codes:
        try:
            found = code.read(text)
        except ValueError as error:
            said = str(error)
        else:
            said = "a level" if found is None or code.scale == "interval" or found[0] in code.levels else ""
        assert said


def test_an_empty_sheet_is_not_taken_for_one_that_was_filled_in() -> None:
    made = a_set()
    with pytest.raises(SheetTrouble, match=r"0\.csv: no code is filled in; fill in a sheet"):
        coded(made, sheet(made, "coder-1", lambda item, n: {}))


def test_who_coded_is_told_by_the_column_or_by_the_name_of_the_file() -> None:
    made = a_set()
    text = "item,warmth\n" + "".join(f"{item},warm\n" for item in made.order["coder-2"])
    [found] = coded(made, text, names=("somewhere/coder-2.csv",))
    assert found.coder == "coder-2"
    [other] = check(made, [read_sheet(text.encode(), "x.csv")], "coder-1")
    assert other.coder == "coder-1"


async def test_codes_are_kept_once_and_other_answers_only_as_a_version_that_then_counts(log: Log) -> None:
    made = a_set(practice=1)
    both = coded(made, sheet(made, "coder-1"), sheet(made, "coder-2"))
    kept = await keep(log, made, both)
    assert [(one.coder, one.codes, one.empty, one.version, one.new) for one in kept] == [
        ("coder-1", 18, 0, 1, True), ("coder-2", 18, 0, 1, True),
    ]  # fmt: skip
    count = log.query("SELECT count(*) FROM score").rows
    assert count == [(38,)]
    again = await keep(log, made, coded(made, upside_down(sheet(made, "coder-1"))))
    assert [one.new for one in again] == [False]
    assert log.query("SELECT count(*) FROM score").rows == count
    item = made.order["coder-1"][-1]
    changed = coded(
        made, sheet(made, "coder-1", lambda one, n: {**warm(one, n), **({"act": "tell"} if one == item else {})})
    )
    with pytest.raises(CodesDiffer, match=f"differing cells: 1, the first: act of {item} is ask there and tell here"):
        await keep(log, made, changed)
    assert log.query("SELECT count(*) FROM score").rows == count
    [version] = await keep(log, made, changed, revise=True)
    assert (version.version, version.new) == (2, True)
    now = {(one.coder, one.item): one.level for one in judged(log, heads(log)) if one.code == "act"}
    assert now["coder-1", item] == "tell"
    assert len(now) == 12
    [once_more] = await keep(log, made, changed)
    assert not once_more.new


async def test_agreement_is_of_what_counts_without_what_was_coded_to_practise(log: Log) -> None:
    made = a_set(items=9, practice=1)
    trained = next(id for id, entry in made.entries.items() if entry.practice)

    def other(item: str, n: int) -> dict[str, str]:
        return {**warm(item, n), **({"act": "tell"} if item == trained else {})}

    await keep(log, made, coded(made, sheet(made, "coder-1"), sheet(made, "coder-2", other)))
    there = heads(log)
    by_code = {one.code: {f.name: f for f in one.figures} for one in agreements(there, judged(log, there))}
    assert by_code["warmth"]["cohen_kappa_linear"].value == 1.0
    assert by_code["warmth"]["krippendorff_alpha_ordinal"].items == 8
    assert by_code["act"]["agreement"].value == 1.0
    assert by_code["act"]["cohen_kappa"].why == "undefined: every code is 1, so chance would agree as well"
    practised = {one.code: one.figures[0] for one in agreements(there, judged(log, there), practice=True)}
    assert (practised["act"].value, practised["act"].items) == (0.0, 1)


async def test_two_that_write_at_once_keep_one_version(log: Log) -> None:
    import asyncio

    made = a_set()
    some = coded(made, sheet(made, "coder-1"))
    results = await asyncio.gather(*(keep(log, made, some) for _ in range(4)), return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in results) >= 1
    assert log.query("SELECT count(*) FROM score").rows == [(19,)]


async def test_pairs_give_a_win_rate_for_the_condition_not_for_the_side(log: Log) -> None:
    """Whoever always prefers `loud`, on whichever side it stands: 1 but for one tie, which is half."""
    said = (Line(1, 0, "x", "", "hm", True, True, False),)
    pool = [
        Piece("pair", f"A{n}", "", said, other=f"B{n}", other_lines=said, conditions=("loud", "soft")) for n in range(5)
    ]
    made = draw(pool, preferences(), ["coder-1", "coder-2"])
    tied = made.order["coder-1"][0]

    def loud(coder: str) -> Fill:
        def fill(item: str, n: int) -> dict[str, str]:
            return {"preferred": "tie" if item == tied and coder == "coder-1" else "AB"[item in made.swapped[coder]]}

        return fill

    texts = [sheet(made, coder, loud(coder)) for coder in made.order]
    await keep(log, made, coded(made, *texts))
    [win] = wins(judged(log, heads(log)))
    assert (win.first, win.second, win.pairs, win.judgements, win.ties) == ("loud", "soft", 5, 10, 1)
    assert win.rate == pytest.approx(0.95)
    assert (win.decided, win.high) == (1.0, 1.0)
    assert win.left == pytest.approx(
        sum(one.detail["given"] == "A" for one in judged(log, heads(log)) if one.value != 0.5) / 9
    )
    rows = log.query("SELECT target, value FROM score WHERE measure = 'code_preference' ORDER BY value").rows
    assert rows == [("tie", 0.5), *[("loud", 1.0)] * 9]


async def test_codes_are_measures_by_level_and_by_mean_and_a_revision_replaces_what_it_revises(log: Log) -> None:
    from tertulia.storage.measures.catalogue import among, measure

    made = a_set(practice=1)
    await keep(log, made, coded(made, sheet(made, "coder-1", lambda item, n: {"act": "ask", "effort": "10"})))
    await keep(
        log, made, coded(made, sheet(made, "coder-1", lambda _, n: {"act": ("ask", "tell")[n % 2], "effort": "40"})),
        revise=True,
    )  # fmt: skip
    episodes = among(["E0", "E1", "E2"])
    shares = log.query(measure("code_share").query(log.target.dialect, episodes)).dicts()
    assert {row["level"] for row in shares} == {"ask", "tell"}
    assert sum(row["total"] for row in shares) == sum(row["n"] for row in shares) / 2 == 5
    values = log.query(measure("code_value").query(log.target.dialect, episodes)).dicts()
    assert (sum(row["total"] for row in values), sum(row["n"] for row in values)) == (200, 5)
    assert {(row["coding_set"], row["coder"]) for row in values} == {(made.id, "coder-1")}


def test_a_codebook_is_read_back_from_its_data() -> None:
    assert Codebook.from_data(BOOK.data()) == BOOK
    assert BOOK.codes[0].values == (1.0, 2.0, 3.0)
    numbers = replace(BOOK.codes[0], levels=("-1", "0", "2"))
    assert numbers.values == (-1.0, 0.0, 2.0)
    assert numbers.read(" 2,0 ") == ("2", 2.0)
