"""Training records: nothing that a seat did not witness, nothing of who did not agree, no sign that is obeyed."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ulid import ULID

from tertulia.storage.exports.chosen import People, choose, local_only
from tertulia.storage.exports.sft import Options, records
from tertulia.storage.exports.sft_text import NOTHING, plain
from tertulia.storage.log import Log
from tertulia.storage.record import EpisodeRecord
from tertulia.storage.rows import ObservationRow, Row, WitnessRow
from tertulia.storage.rows_of_people import ConsentRow
from tests.storage.made import (
    ID,
    START,
    a_thought,
    a_turn,
    a_witness,
    an_appraisal,
    an_episode,
    an_event,
)  # fmt: skip

CAST = ("alice", "bob", "carol")


def made(log: Log, options: Options | None = None, id: str = ID) -> tuple[list[dict[str, Any]], Counter[str]]:
    left_out: Counter[str] = Counter()
    row = log.episode(id)
    found = records(
        log, row, options or Options(), lambda row: "A dinner.", left_out, local_only=id in local_only(log)
    )  # fmt: skip
    return list(found), left_out


async def begin(log: Log, *turns: list[Row], episode: EpisodeRecord | None = None, id: str = ID) -> None:
    await log.begin(episode or an_episode(id, cast=CAST, status="success"))
    for number, rows in enumerate(turns):
        await log.commit(a_turn(number, *rows, episode=id))


def all_hear(turn: int, *, id: str = ID, event: int = 0) -> list[WitnessRow]:
    return [a_witness(turn, name, event, episode=id) for name in CAST]


async def test_an_episode_as_one_seat_lived_it(log: Log) -> None:
    await begin(
        log,
        [
            an_event(0, "A table.", actor=None, kind="opening", origin="world"), *all_hear(0),
            ObservationRow(episode=ID, turn=0, participant="bob", text="You know: the cake is gone."),
        ],
        [an_event(1, "Hello", actor="alice", addressees=["bob"]), *all_hear(1)],
        [
            an_event(2, "I ate it", actor="alice", kind="whisper", addressees=["carol"],
                     occurrence="alice whispers something to carol."),
            a_witness(2, "alice"), a_witness(2, "carol"), a_witness(2, "bob", level="occurrence"),
        ],
        [an_event(3, "Hi\ncarol: I am a thief", actor="bob"), *all_hear(3)],
        [
            an_event(4, "Again", actor="bob", kind="whisper", addressees=["carol"]),
            a_witness(4, "bob"), a_witness(4, "carol"),
        ],
    )  # fmt: skip
    found, _ = made(log)
    assert [record["seat"] for record in found] == ["alice", "bob"]  # carol did nothing
    assert found[1]["messages"] == [
        {"role": "system", "content": "You are bob.\n\nThe others: alice, carol.\n\nA dinner.\n\n"
                                      "What you alone know:\nYou know: the cake is gone."},
        {"role": "user", "content": "(A table.)\nalice (to bob): Hello\n(alice whispers something to carol.)"},
        {"role": "assistant", "content": "Hi\ncarol: I am a thief"},
        {"role": "user", "content": NOTHING},
        {"role": "assistant", "content": "(whispers to carol) Again"},
    ]  # fmt: skip
    by_turn, _ = made(log, Options(per="turn", system=False, seats=("bob",)))
    assert [(one["turn"], one["messages"][-1]["content"]) for one in by_turn] == [
        (3, "Hi\ncarol: I am a thief"), (4, "(whispers to carol) Again"),
    ]  # fmt: skip
    carol, _ = made(log, Options(seats=("carol",)))
    assert carol == []


async def test_words_of_several_lines_pass_for_nobody_elses(log: Log) -> None:
    await begin(
        log,
        [an_event(0, "Hi\ncarol: I am a thief", actor="alice"), *all_hear(0)],
        [an_event(1, "Oh", actor="bob"), *all_hear(1)],
    )
    [_, bob], _ = made(log)
    assert bob["messages"][1]["content"] == "alice: Hi\n    carol: I am a thief"


async def test_thoughts_stand_where_they_are_wanted(log: Log) -> None:
    await begin(
        log,
        [an_event(0, "Hello", actor="alice"), *all_hear(0), a_thought(0, "t1", "bob lies </inner> now", holder="alice"),
         an_appraisal(0, "t1", "kept", 3.5), a_thought(0, "b1", "alice is loud", holder="bob")],
        [an_event(1, "You lie", actor="alice"), *all_hear(1), an_appraisal(1, "t1", "spoken", 4.5),
         a_thought(1, "t2", "he will deny it", holder="alice")],
        [a_thought(2, "t3", "too late to matter", holder="alice")],
    )  # fmt: skip
    [plainly], _ = made(log)
    assert "lies" not in json.dumps(plainly)
    [tagged], _ = made(log, Options(thoughts="tag"))
    said = [one["content"] for one in tagged["messages"] if one["role"] == "assistant"]
    assert said == [
        "<inner>\n- bob lies < /inner> now\n</inner>\nHello",
        "<inner>\n- bob lies < /inner> now\n- he will deny it\n</inner>\nYou lie",
    ]
    [apart], _ = made(log, Options(thoughts="field"))
    assert [[one["text"] for one in act] for act in apart["thoughts"]] == [
        ["bob lies < /inner> now"], ["bob lies < /inner> now", "he will deny it"],
    ]  # fmt: skip
    assert apart["thoughts"][1][0] == {
        "turn": 0, "system": 2, "text": "bob lies < /inner> now", "motivation": 3.5, "spoken": 1
    }  # fmt: skip
    assert apart["messages"] == plainly["messages"]
    assert "alice is loud" not in json.dumps([tagged, apart])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(
    story=st.lists(
        st.tuples(
            st.sampled_from(CAST), st.sampled_from(["say", "whisper", "select"]),
            st.fixed_dictionaries({name: st.sampled_from(["content", "occurrence", None]) for name in CAST}),
        ),
        min_size=1, max_size=8,
    ),
    options=st.builds(Options, per=st.sampled_from(["episode", "turn"]), thoughts=st.sampled_from(["tag", "field"])),
)  # fmt: skip
async def test_no_record_has_what_its_seat_did_not_witness(sqlite_log: Log, story: list[Any], options: Options) -> None:
    """Unique marks in every event's words, in every occurrence and in every thought: exactly those that the seat got by
    its last act are in its record."""
    id = str(ULID())
    turns: list[list[Row]] = []
    for number, (actor, kind, levels) in enumerate(story):
        told = {**levels, actor: "content"}
        rows: list[Row] = [
            an_event(number, f"<w{number}>", actor=actor, kind=kind, occurrence=f"<o{number}>", episode=id)
        ]
        rows += [a_witness(number, name, level=level, episode=id) for name, level in told.items() if level]
        rows += [a_thought(number, f"t{number}", f"<{name}{number}>", holder=name, episode=id) for name in CAST]
        turns.append(rows)
    await begin(sqlite_log, *turns, id=id)
    found, _ = made(sqlite_log, options, id)
    for record in found:
        text, seat = json.dumps(record), record["seat"]
        for number, (actor, _, levels) in enumerate(story):
            level = "content" if actor == seat else levels[seat]
            before = number <= record["turn"]
            assert (f"<w{number}>" in text) == (before and level == "content")
            assert (f"<o{number}>" in text) == (before and level == "occurrence")
            assert [name for name in CAST if f"<{name}{number}>" in text] == ([seat] if before else [])
        roles = [one["role"] for one in record["messages"]]
        assert roles == ["system", *["user", "assistant"] * (len(roles) // 2)]
    acted = {actor for actor, _, _ in story}
    assert {record["seat"] for record in found} == acted


@pytest.mark.parametrize(
    "sign", ["<|im_end|>", "<|eot_id|>", "<\uff5cend\u2581of\u2581sentence\uff5c>", "</s>", "[/INST]", "<<SYS>>",
             "<end_of_turn>", "</inner>", "<think>", "<eos>"],
)  # fmt: skip
def test_signs_of_chat_templates_are_parted(sign: str) -> None:
    assert sign not in plain(f"I say {sign} you")
    assert plain(f"I say {sign} you").replace(" ", "") == f"Isay{sign}you"


def test_other_words_stay() -> None:
    text = "a < b, <b>bold</b>, [1], 3|4, <script>alert(1)</script>"
    assert plain(text) == text
    assert plain("\x00\ud800") == "\ufffd\ufffd"


async def with_a_person(log: Log, consent: bool, *, withdrew: bool = False, **people: Any) -> None:
    record = an_episode(cast=CAST, status="success", config={"people": people})
    record.participants[2].kind, record.participants[2].pseudonym = "person", "blue-heron"
    await begin(
        log,
        [an_event(0, "Good evening", actor="alice"), *all_hear(0)],
        [an_event(1, "My secret", actor="carol"), *all_hear(1)],
        [an_event(2, "Your secret", actor="alice"), *all_hear(2)],
        [an_event(3, "Well", actor="bob"), *all_hear(3)],
        episode=record,
    )
    if consent:
        row = ConsentRow(
            episode=ID, participant="carol", ordinal=0, pseudonym="blue-heron", version="1", hash="h", agreed_at=START
        )
        await log.agree(row)
    if withdrew:
        await log.withdraw(ID, "carol")


async def test_a_persons_seat_goes_out_only_when_it_is_named(log: Log) -> None:
    await with_a_person(log, consent=True)
    found, left_out = made(log)
    assert [record["seat"] for record in found] == ["alice", "bob"]
    assert left_out == {"seats: a person's, not named by --seat": 1}
    named, _ = made(log, Options(seats=("carol",)))
    assert [record["messages"][-1]["content"] for record in named] == ["My secret"]


@pytest.mark.parametrize(
    ("given", "people", "why"),
    [
        ({"consent": False}, People.agreed, "no consent that stands"),
        ({"consent": True, "withdrew": True}, People.agreed, "no consent that stands"),
        ({"consent": True, "local_only": True}, People.agreed, "local_only"),
        ({"consent": True}, People.none, "words of a person"),
    ],
)
async def test_nothing_after_words_that_were_not_given_is_trained_on(
    log: Log, given: dict[str, Any], people: People, why: str
) -> None:
    """Not even by others: they may have taken them up."""
    await with_a_person(log, **given)
    whole, left_out = made(log, Options(people=people))
    assert whole == []
    assert [text for text in left_out if why in text]
    parts, left_out = made(log, Options(per="turn", people=people, seats=CAST))
    assert [record["messages"][-1]["content"] for record in parts] == ["Good evening"]
    assert "My secret" not in json.dumps(parts)
    assert sum(count for text, count in left_out.items() if why in text) == 3
    all_of_them, _ = made(log, Options(people=People.all))
    assert len(all_of_them) == 2


async def test_who_took_their_part_back_leaves_with_no_export(log: Log) -> None:
    await with_a_person(log, consent=True, withdrew=True)
    chosen = choose(log, None)
    assert (chosen.episodes, chosen.left_out) == ([], {"a person took their part back": 1})
    assert choose(log, None, People.all).episodes == [ID]
    assert choose(log, None, People.none).left_out == {"a person took part": 1}


async def test_a_fork_keeps_what_holds_for_its_parents_people(log: Log) -> None:
    await with_a_person(log, consent=False)
    other = "01ARZ3NDEKTSV4RRFFQ69G5FAW"
    fork = an_episode(other, cast=CAST, status="success", parent_episode=ID, parent_turn=1, created_at=START)
    await begin(
        log,
        [an_event(0, "Good evening", actor="alice", episode=other), *all_hear(0, id=other)],
        [an_event(1, "My secret", actor="carol", episode=other), *all_hear(1, id=other)],
        [an_event(2, "A model's words", actor="carol", episode=other), *all_hear(2, id=other)],
        episode=fork, id=other,
    )  # fmt: skip
    found, left_out = made(log, Options(per="turn", seats=CAST), other)
    assert found == []
    assert left_out["records: of turns that a fork shares with its parent"] == 2
    assert choose(log, [other], People.none).left_out == {"a person took part": 1}


async def test_what_was_forgotten_is_not_trained_on(log: Log) -> None:
    await begin(
        log,
        [an_event(0, "[forgotten]", actor="carol"), *all_hear(0)],
        [an_event(1, "Hm", actor="alice"), *all_hear(1)],
    )
    found, left_out = made(log, Options(seats=("alice",)))
    assert (found, left_out) == ([], {"records: a person was forgotten": 1})


async def test_reward_is_asked_for(log: Log) -> None:
    await begin(log, [an_event(0, "Hm"), *all_hear(0)], episode=an_episode(cast=CAST, reward=0.4, status="success"))
    assert made(log, Options(least_reward=0.5))[1] == {"episodes: reward below 0.5": 1}
    assert len(made(log, Options(least_reward=0.4))[0]) == 1
