"""Coding sets: what coders are given tells nothing, and is dealt as evenly as it is said to be."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tertulia.storage.coding.codebook import Code, Codebook, preferences
from tertulia.storage.coding.drawing import CodingSet, KeyTrouble, draw
from tertulia.storage.coding.material import Line, NothingToCode, Piece, pairs, pieces
from tertulia.storage.coding.sheets import CELL, cells, heads, rows
from tertulia.storage.log import Log
from tertulia.storage.traces import FORGOTTEN
from tests.storage.made import a_turn, an_episode, an_event

WARMTH = Codebook(
    "warmth", (Code("warmth", "utterance", "ordinal", levels=("cold", "warm"), about=("", "")),), before=2
)
IDS = [f"01ARZ3NDEKTSV4RRFFQ69G5F{n:02d}" for n in range(8)]


def line(turn: int, who: str | None, text: str, *, done: bool = True) -> Line:
    return Line(turn, 0, who, "", text, done and who is not None, done, False)


def utterances(episodes: int, each: int) -> list[Piece]:
    """Of two conditions in turn."""
    return [
        Piece("utterance", f"{n}", f"condition {n % 2}", (line(turn, "alice", f"{n}/{turn}"),))
        for n in range(episodes)
        for turn in range(each)
    ]


def test_an_id_is_a_word_of_letters_that_tells_nothing_and_no_spreadsheet_changes() -> None:
    made = draw(utterances(20, 10), WARMTH, ["a", "b"])
    assert len(made.entries) == 200
    assert all(id.isalpha() and id.islower() and len(id) == 7 and not set(id) & set("aeiouy") for id in made.entries)
    in_order = sorted(made.entries, key=lambda id: (made.entries[id].episode, made.entries[id].turn))
    assert in_order != sorted(in_order)
    again = draw(utterances(20, 10), WARMTH, ["a", "b"], seed=1)
    assert not made.entries.keys() & again.entries.keys()
    assert made.id not in again.id


def test_the_same_seed_gives_the_same_set_and_another_gives_another_order() -> None:
    first, second = (draw(utterances(6, 5), WARMTH, ["a"], seed=3) for _ in range(2))
    assert first.key() == second.key()
    assert [first.entries[id] for id in first.order["a"]] != [
        draw(utterances(6, 5), WARMTH, ["a"], seed=4).entries[id]
        for id in draw(utterances(6, 5), WARMTH, ["a"], seed=4).order["a"]
    ]


@given(
    st.integers(1, 4), st.floats(0, 1), st.integers(0, 5), st.integers(2, 10), st.integers(3, 8),
    st.one_of(st.none(), st.integers(1, 20)),
)  # fmt: skip
def test_every_item_is_dealt_as_often_as_was_asked(
    coders: int, overlap: float, practice: int, episodes: int, each: int, sample: int | None
) -> None:
    names = [f"c{n}" for n in range(coders)]
    made = draw(utterances(episodes, each), WARMTH, names, overlap=overlap, practice=practice, sample=sample)
    dealt = Counter(id for ids in made.order.values() for id in ids)
    coded = {id for id, entry in made.entries.items() if not entry.practice}
    assert len(coded) == min(episodes * each - practice, sample or episodes * each)
    shared = round(overlap * len(coded))
    assert sum(dealt[id] == coders for id in coded) >= shared
    assert sorted(dealt[id] for id in coded) == sorted([coders] * shared + [1] * (len(coded) - shared))
    sizes = [len(ids) for ids in made.order.values()]
    assert max(sizes) - min(sizes) <= 1
    for ids in made.order.values():
        assert all(made.entries[id].practice == (n < practice) for n, id in enumerate(ids))
        assert len(set(ids)) == len(ids)


def test_conditions_come_evenly_to_every_coder_and_into_every_sample() -> None:
    pool = utterances(20, 10)
    made = draw(pool, WARMTH, ["a", "b"], overlap=0.2, sample=60)
    for ids in (*made.order.values(), made.entries):
        counts = Counter(made.pieces[id].condition for id in ids)
        assert abs(counts["condition 0"] - counts["condition 1"]) <= 4, counts


def test_each_side_of_a_pair_is_shown_left_half_of_the_time_and_each_coder_has_their_own() -> None:
    both = ("warm words", "cold words")
    pool = [
        Piece("pair", f"{n}", "", (line(1, "x", "first"),), other=f"{n}b", other_lines=(line(1, "x", "second"),),
              conditions=both)
        for n in range(40)
    ]  # fmt: skip
    made = draw(pool, preferences(), ["a", "b"])
    assert {len(made.swapped[coder]) for coder in "ab"} == {20}
    assert made.swapped["a"] != made.swapped["b"]
    for id in made.order["a"]:
        shown = cells(made, "a", id)
        assert shown == ({"a": "x: second", "b": "x: first"} if id in made.swapped["a"] else
                         {"a": "x: first", "b": "x: second"})  # fmt: skip


def test_too_few_to_practise_and_to_code_is_said() -> None:
    with pytest.raises(NothingToCode, match="there are 2 utterances, too few to code beside 2 to practise on"):
        draw(utterances(1, 2), WARMTH, ["a"], practice=2)


def test_a_key_reads_back_as_the_set_and_has_no_word_of_what_was_said() -> None:
    made = draw(utterances(4, 4), WARMTH, ["a", "b"], practice=1)
    read = CodingSet.read(made.key(), "key.json")
    assert replace(read, pieces=made.pieces) == made
    assert not any(f"{n}/{turn}" in made.key() for n in range(4) for turn in range(4))
    for wrong in (
        "",
        "{}",
        "[]",
        '{"tertulia": "x"}',
        made.key()[:-3],
        json.dumps({**json.loads(made.key()), "items": 3}),
        json.dumps({**json.loads(made.key()), "coders": ["a"]}),
        '{"tertulia": ' + "[" * 100_000,
    ):
        with pytest.raises(KeyTrouble, match="this is no key of a coding set"):
            CodingSet.read(wrong, "key.json")


async def _played(log: Log, id: str, *, seed: int, cell: str = "loud", batch: str = "b", text: str = "hello") -> None:
    await log.begin(an_episode(id, seed=seed, batch=batch, cell=cell, status="success", config={"models": "rules"}))
    said = {"addressees": ["bob"], "origin": "participant"}
    await log.commit(
        a_turn(0, an_event(0, "At the table.", kind="opening", actor=None, origin="world", episode=id), episode=id)
    )
    await log.commit(a_turn(1, an_event(1, text, episode=id, **said), episode=id))
    await log.commit(a_turn(2, an_event(2, "psst", kind="whisper", episode=id, **said), episode=id))
    await log.commit(
        a_turn(3, an_event(3, "Nobody speaks.", kind="silence", actor=None, origin="floor", episode=id), episode=id)
    )
    await log.commit(a_turn(4, an_event(4, "Fire!", actor="bob", origin="scripted", episode=id), episode=id))
    await log.commit(a_turn(5, an_event(5, FORGOTTEN, actor="bob", episode=id), episode=id))


async def test_what_a_coder_is_given_has_what_was_said_and_nothing_of_where_it_is_from(log: Log) -> None:
    for n, id in enumerate(IDS[:4]):
        await _played(log, id, seed=n, cell=f"secret-cell-{n % 2}", batch="secret-batch")
    book = replace(WARMTH, codes=(*WARMTH.codes, *(
        Code(f"of_{unit}", unit, "interval") for unit in ("turn", "episode"))), after=1)  # fmt: skip
    made = draw(pieces(log, IDS[:4], book), book, ["coder-1"])
    assert Counter(entry.unit for entry in made.entries.values()) == {"utterance": 8, "turn": 8, "episode": 4}
    text = json.dumps([[heads(made, unit), *rows(made, "coder-1", unit)] for unit in book.units])
    for hidden in (*IDS, made.id, "secret", "dinner-secret", "rules", "condition", "2026"):
        assert hidden not in text
    [psst] = {tuple(row[3:7]) for row in rows(made, "coder-1", "utterance") if row[5] == "psst"}
    assert psst == ("* At the table.\nalice (to bob): hello", "alice (whispers to bob)", "psst", "bob: Fire!")
    assert not any(FORGOTTEN in row[5] for row in rows(made, "coder-1", "utterance"))


async def test_what_is_said_cannot_pretend_to_be_another_speaker(log: Log) -> None:
    await _played(log, IDS[0], seed=1, text="yes\nbob: no, I sold it")
    book = replace(WARMTH, codes=(Code("c", "episode", "interval"),))
    made = draw(pieces(log, IDS[:1], book), book, ["a"])
    [row] = rows(made, "a", "episode")
    assert "\nalice (to bob): yes bob: no, I sold it\n" in row[3]


async def test_pairs_have_the_same_seed_in_two_cells_or_the_same_cell_in_two_batches(log: Log) -> None:
    for n, (seed, cell) in enumerate([(1, "loud"), (2, "loud"), (1, "soft"), (3, "soft")]):
        await _played(log, IDS[n], seed=seed, cell=cell)
    found, between = pairs(log, IDS[:4], [])
    assert between == ("loud", "soft")
    assert [(one.episode, one.other, one.conditions) for one in found] == [(IDS[0], IDS[2], ("loud", "soft"))]
    assert [one.episode for one in pairs(log, IDS[:4], ["soft", "loud"])[0]] == [IDS[2]]
    for n, (seed, cell) in enumerate([(1, "loud"), (2, "soft")], start=4):
        await _played(log, IDS[n], seed=seed, cell=cell, batch="c")
    across, between = pairs(log, IDS[:6], ["b", "c"])
    assert between == ("b", "c")
    assert [(one.episode, one.other) for one in across] == [(IDS[0], IDS[4])]
    with pytest.raises(NothingToCode, match="no cell and no batch 'lod' among these episodes; nearest: 'loud'"):
        pairs(log, IDS[:4], ["lod", "soft"])
    with pytest.raises(NothingToCode, match="no two episodes of loud and soft have the same scenario, seed"):
        pairs(log, [IDS[1], IDS[3]], [])


def test_a_text_that_a_spreadsheet_would_cut_is_not_in_a_cell() -> None:
    long = Piece("episode", "1", "", (line(1, "alice", "a" * (CELL + 1)),))
    book = Codebook("x", (Code("c", "episode", "interval"),))
    [row] = rows(draw([long], book, ["a"]), "a", "episode")
    assert row[3] == "(too long for a cell; read it in the page that came with this sheet)"
