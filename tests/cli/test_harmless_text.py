"""Nothing that agents or files say is obeyed by a terminal."""

from __future__ import annotations

import csv
import io
import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from tertulia.cli.display.bars import bar, belief_bars
from tertulia.cli.display.console import ASCII, UNICODE, Signs
from tertulia.cli.display.harmless import harmless, one_line
from tertulia.cli.display.paint import WHOLE, Painter
from tertulia.cli.display.plain import plain_lines
from tertulia.cli.display.table import cell, fit, table_lines
from tertulia.cli.display.turns import BeliefView, BidView, EventView, MindView, ThoughtView, TurnView

TURNING = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
NASTY = "\x1b[31mred\x1b]0;title\x07 \x9b2J \x00 \ud800 \u202egnp.exe [bold]markup[/bold] :smile: \r\x08 \u2028 end"

anything = st.text(alphabet=st.characters(), max_size=60) | st.sampled_from([NASTY, TURNING, "\r\n\t\x1b\x7f\x85"])


def obeyed(text: str) -> list[str]:
    """The characters of a text that a terminal would obey, newlines aside, found by Unicode's own categories."""
    return [c for c in text if c != "\n" and (unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") or c in TURNING)]


@given(anything)
def test_no_control_character_but_newline_comes_through(text: str) -> None:
    assert obeyed(harmless(text)) == []
    assert obeyed(one_line(text)) == []
    assert "\n" not in one_line(text)


@given(anything)
def test_harmless_text_stays_as_it_is(text: str) -> None:
    assert harmless(harmless(text)) == harmless(text)
    if not obeyed(text):
        assert harmless(text) == text


def test_what_was_there_can_still_be_seen() -> None:
    assert harmless("a\x00b\x1b[1m\x7f") == "a\u2400b\u241b[1m\u2421"
    assert harmless("x\ud800y\u202ez\x9b") == "x\ufffdy\ufffdz\ufffd"
    assert harmless("one\r\ntwo\tthree") == "one\ntwo    three"


def a_view(text: str) -> TurnView:
    """A turn in which everything that can be said by somebody else is this text."""
    event = EventView("1.0", "say", text, text, (text,), text, "participant", (text,), ())
    odd = EventView("1.1", text, text, text, (text,), None, "scripted", (), (text,))
    mind = MindView(
        text,
        [ThoughtView("t1.1", text, "kept", 3.0, 2), ThoughtView("t1.2", text, text, 2.0, 1)],
        [BeliefView(text, text, {text: 0.7, text + "x": 0.3}, {}, "rules")],
    )
    return TurnView(1, events=[event, odd], minds=[mind], bids=[BidView(text, True, 3.0, True, text)])


@given(anything, st.sampled_from([40, 80]))
def test_a_painted_turn_has_no_control_characters_and_keeps_to_its_width(text: str, width: int) -> None:
    stream = io.StringIO()
    painter = Painter(Console(file=stream, width=width, markup=False), (text,), WHOLE)
    painter.turn(a_view(text))
    assert obeyed(stream.getvalue()) == []
    assert max(map(cell_len, stream.getvalue().splitlines())) <= width


@given(anything)
def test_plain_lines_are_lines_without_control_characters(text: str) -> None:
    for line in plain_lines(a_view(text), minds=True):
        assert "\n" not in line
        assert obeyed(line) == []


@given(
    st.lists(st.lists(anything | st.none() | st.floats() | st.binary(max_size=9), min_size=3, max_size=3), max_size=4)
)
def test_a_table_keeps_to_its_width_and_has_no_control_characters(rows: list[list[object]]) -> None:
    for line in table_lines(("first", "second", NASTY), rows, 60):
        assert obeyed(line) == []
        assert "\n" not in line
        assert cell_len(line) <= 60


@given(st.lists(st.integers(0, 200), min_size=1, max_size=12), st.integers(0, 300))
def test_columns_share_what_room_there_is(wanted: list[int], room: int) -> None:
    widths = fit(wanted, room)
    if sum(wanted) <= room:
        assert widths == wanted
    elif widths is None:
        assert sum(min(size, 6) for size in wanted) > room
    else:
        assert sum(widths) <= room
        assert all(
            least <= got <= most for got, most in zip(widths, wanted, strict=True) if (least := min(most, 6)) >= 0
        )
        narrower = [got for got, most in zip(widths, wanted, strict=True) if got < most]
        assert all(got >= min(narrower) for got, most in zip(widths, wanted, strict=True) if most >= max(narrower))


def test_markup_is_text() -> None:
    stream = io.StringIO()
    view = a_view("[bold]loud[/bold] [link=http://x]y[/link] :smile:")
    Painter(Console(file=stream, width=120, force_terminal=True, markup=True), ("a",), WHOLE).turn(view)
    assert "[bold]loud[/bold] [link=http://x]y[/link] :smile:" in stream.getvalue()


def test_a_hundred_thousand_characters_are_wrapped_and_none_is_lost() -> None:
    for text in ("x" * 100_000, "word " * 20_000, "漢" * 50_000):
        stream = io.StringIO()
        event = EventView("1.0", "say", "alice", text, (), None, "participant", (), ())
        Painter(Console(file=stream, width=80), ("alice",)).turn(TurnView(1, events=[event]))
        lines = stream.getvalue().splitlines()
        assert "".join(line[12:].strip() for line in lines).replace(" ", "") == text.replace(" ", "")
        assert max(map(cell_len, lines)) <= 80


@given(st.floats(0, 1), st.integers(1, 20), st.sampled_from([UNICODE, ASCII]))
def test_a_bar_is_as_long_as_its_share(share: float, cells: int, signs: Signs) -> None:
    drawn = bar(share, cells, signs)
    assert len(drawn) == cells
    steps = len(signs.bar)
    length = sum((steps - signs.bar.index(sign)) / steps for sign in drawn.rstrip())
    assert abs(length - share * cells) <= 1 / steps
    assert (length > 0) == (share > 0)


@given(st.dictionaries(anything, st.floats(0.001, 1), min_size=1, max_size=12), st.integers(24, 100))
def test_bars_keep_to_their_width_and_begin_with_the_likeliest(weights: dict[str, float], width: int) -> None:
    total = sum(weights.values())
    belief = BeliefView("a", "v", {value: weight / total for value, weight in weights.items()}, {}, "rules")
    line = belief_bars(belief, width, "cyan", UNICODE).plain
    assert cell_len(line) <= width
    best = one_line(belief.top()[0]) or "''"
    assert line.startswith((best[0], "…")) or " alike " in line


@pytest.mark.parametrize(
    ("value", "shown"),
    [(None, ""), (1 / 3, "0.333333"), (2.0, "2"), (b"\x00\xff", "x'00ff'"), ("a\nb\x1b", "a b\u241b"), (7, "7")],
)
def test_cells_say_what_a_value_is(value: object, shown: str) -> None:
    assert cell(value) == shown


def test_csv_and_json_give_back_exactly_what_was_said(tertulia, tmp_path) -> None:  # type: ignore[no-untyped-def]
    tertulia("db", "migrate")
    query = "SELECT char(27, 0, 91, 8238, 34, 44, 10) AS said, 1.5 AS said, x'00ff' AS raw"
    said = tertulia("sql", query, "--json").lines()
    assert said == [{"said": '\x1b\x00[\u202e",\n', "said_2": 1.5, "raw": "00ff"}]
    table = list(csv.reader(io.StringIO(tertulia("sql", query, "--csv").out)))
    assert table == [["said", "said", "raw"], ['\x1b\x00[\u202e",\n', "1.5", "00ff"]]
    assert obeyed(tertulia("sql", query).out) == []
    assert json.dumps(said)
