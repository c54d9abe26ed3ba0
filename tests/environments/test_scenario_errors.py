# ruff: noqa: E501  one mistake a line: the table below is read across
"""Every mistake in a scenario file is told with its line, its key, what is wrong and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from tertulia.environments.scenario import ScenarioError, load_scenario
from tests.environments.table_talk_play import scenario_of

GOOD = """\
scenario: dinner
world: table_talk
premise: Friends at dinner.
variables:
  house: {values: [kept, sold], truth: sold, static: true}
  cake: {values: [kitchen, cellar], truth: kitchen}
participants:
  - {name: alice, knows: {house: sold}}
  - name: bob
    knows: {cake: kitchen}
  - name: carol
    mind:
      preset: minddial
turns: {policy: addressed, limit: 24}
script:
  - {turn: 5, leave: bob}
  - turn: 6
    set: {cake: cellar}
    seen_by: present
ends: [limit, {all_silent: 3}]
"""

CASES = {
    "unknown key": ("turns:", "trns:", 14, "trns", "unknown key 'trns'", "nearest: 'turns'"),
    "unknown key within ours": ("limit: 24", "limt: 24", 14, "turns.limt", "unknown key 'limt'", "nearest: 'limit'"),
    "unknown key within the world's": ("truth: kitchen", "thruth: kitchen", 6, "variables.cake.thruth", "unknown key", "nearest: 'truth'"),
    "unknown key of a participant": ("    knows: {cake", "    nows: {cake", 10, "participants.bob.nows", "unknown key 'nows'", "nearest: 'knows'"),
    "unknown key in the script": ("    seen_by", "    seenby", 19, "script.1.seenby", "unknown key", "nearest: 'seen_by'"),
    "wrong type": ("limit: 24", "limit: many", 14, "turns.limit", "the text 'many' stands here", "write a whole number"),
    "a truth value for a number": ("limit: 24", "limit: true", 14, "turns.limit", "truth value true", "whole number"),
    "a list for text": ("premise: Friends at dinner.", "premise: [Friends]", 3, "premise", "a list stands here", "write text"),
    "text for a list": ("ends: [limit, {all_silent: 3}]", "ends: limit", 20, "ends", "the text 'limit' stands here", "a list"),
    "unknown preset": ("minddial", "mindial", 13, "participants.carol.mind.preset", "no preset 'mindial'", "nearest: 'minddial' (others: reactive"),
    "unknown turn policy": ("addressed", "adressed", 14, "turns.policy", "no turn policy 'adressed'", "nearest: 'addressed'"),
    "unknown world": ("world: table_talk", "world: table_tal", 2, "world", "no world 'table_tal'", "nearest: 'table_talk'"),
    "unknown name among witnesses": ("seen_by: present", "seen_by: [alice, carl]", 19, "script.1.seen_by", "no participant 'carl'", "nearest: 'carol'"),
    "unknown room among witnesses": ("seen_by: present", "seen_by: tabel", 19, "script.1.seen_by", "'tabel' is neither", "nearest: 'table'"),
    "unknown name in the script": ("leave: bob", "leave: bop", 16, "script.0.leave", "no participant 'bop'", "nearest: 'bob'"),
    "unknown variable": ("knows: {house: sold}", "knows: {hose: sold}", 8, "participants.alice.knows.hose", "no variable 'hose'", "nearest: 'house'"),
    "unknown value": ("set: {cake: cellar}", "set: {cake: celar}", 18, "script.1.set.cake", "'celar' is no value of cake", "nearest: 'cellar'"),
    "truth outside the values": ("truth: kitchen", "truth: kitchn", 6, "variables.cake.truth", "'kitchn' is none of the values", "nearest: 'kitchen'"),
    "a static variable changes": ("set: {cake: cellar}", "set: {house: kept}", 18, "script.1.set.house", "'house' is static", "take `static` away"),
    "knowing what is not so": ("{house: sold}}", "{house: kept}}", 8, "participants.alice.knows.house", "the truth is 'sold'", "move it to `believes`"),
    "the premise gives a secret away": ("at dinner.", "at dinner; the house is sold!", 3, "premise", "gives away 'the house is sold'", "say it otherwise"),
    "the premise says name and value": ("at dinner.", "see their house (sold).", 3, "premise", "gives away 'house sold'", "`facts`"),
    "a turn limit of 0": ("limit: 24", "limit: 0", 14, "turns.limit", "0 is too small", "a number of 1 or more"),
    "a silence of 0 turns": ("all_silent: 3", "all_silent: 0", 20, "ends.1", "all_silent: 0", "1 or more"),
    "an unknown ending": ("[limit, {", "[limt, {", 20, "ends.0", "no ending 'limt'", "nearest: 'limit'"),
    "a duplicate participant": ("name: carol", "name: bob", 11, "participants.bob.name", "the name 'bob' is taken", "another name"),
    "a duplicate key": ("premise: Friends", "world: table_talk\npremise: Friends", 3, "world", "stands twice, first on line 2", "keep one"),
    "a duplicate key inside": ("seen_by: present", "turn: 7", 19, "script.1.turn", "stands twice, first on line 17", "keep one"),
    "the reserved name": ("name: carol", "name: world", 11, "participants.world.name", "taken by the truth itself", "another name"),
    "a name that cannot be": ("name: carol", "name: Carol!", 11, "participants.Carol!.name", "'Carol!' does not fit", "like `alice`"),
    "a missing key": ("scenario: dinner\n", "", 1, "scenario", "is missing", "add `scenario: ...`"),
    "a missing name": ("  - name: carol\n    mind:", "  - mind:", 11, "participants.2.name", "is missing", "add `name: ...`"),
    "an order too deep": ("      preset: minddial", "      order: 9", 13, "participants.carol.mind.order", "9 is too large", "4 or less"),
    "an unknown faculty": ("      preset: minddial", "      faculties: [perceive, belive]", 13, "participants.carol.mind.faculties", "no faculty 'belive'", "nearest: 'believe'"),
    "faculties out of order": ("      preset: minddial", "      faculties: [speak, perceive]", 13, "participants.carol.mind.faculties", "fixed order", "[perceive, speak]"),
    "a syntax error": ("turns: {policy: addressed, limit: 24}", "turns: {policy: addressed, limit: 24", 15, "", "not YAML", "brackets"),
    "a tab": ("    seen_by: present", "\tseen_by: present", 19, "", "not YAML", "indentation"),
    "an unknown alias": ("premise: Friends at dinner.", "premise: *nowhere", 3, "", "not YAML", "check"),
    "an object": ("premise: Friends at dinner.", "premise: !!python/name:os.system x", 3, "", "cannot be read", "plain text"),
    "a probe without a time": ("ends:", "probes: [{ask: beliefs}]\nends:", 20, "probes.0", "says when to ask", "`every: 4`"),
    "a probe with two times": ("ends:", "probes: [{every: 4, at: [2], ask: beliefs}]\nends:", 20, "probes.0", "says when to ask", "`every: 4`"),
    "a probe at turn 0": ("ends:", "probes: [{at: [0], ask: beliefs}]\nends:", 20, "probes.0.at.0", "0 is too small", "1 or more"),
    "a probe of nothing": ("ends:", "probes: [{every: 4}]\nends:", 20, "probes.0.ask", "is missing", "add `ask: ...`"),
    "an unknown question": ("ends:", "probes: [{every: 4, ask: [belifs]}]\nends:", 20, "probes.0.ask", "no question 'belifs'", "nearest: 'beliefs'"),
    "a strange blank in a question": ("ends:", 'probes: [{every: 4, ask: "Who is {somebody}?"}]\nends:', 20, "probes.0.ask", "{somebody} stands in a question", "only {other}"),
    "a probe of a stranger": ("ends:", "probes: [{every: 4, of: [alise], ask: sees}]\nends:", 20, "probes.0.of.0", "no participant 'alise'", "nearest: 'alice'"),
    "a choice of beliefs": ("ends:", "probes: [{every: 4, ask: beliefs, choices: [yes it is, not at all]}]\nends:", 20, "probes.0", "beliefs have no choices", "an item of its own"),
    "the same choice twice": ("ends:", "probes: [{every: 4, ask: 'Is it so?', choices: [so, so]}]\nends:", 20, "probes.0.choices", "stands twice", "different words"),
    "an order of words": ("ends:", "probes: [{every: 4, ask: sees, order: 2}]\nends:", 20, "probes.0", "`order` is for beliefs", "take `order` away"),
    "an unknown key of a probe": ("ends:", "probes: [{evry: 4, every: 4, ask: sees}]\nends:", 20, "probes.0.evry", "unknown key 'evry'", "nearest: 'every'"),
    "people": ("ends:", "people: {pauses: 3}\nends:", 20, "people.pauses", "unknown key 'pauses'", "nearest: 'pause_s'"),
    "two deeds in one event": ("leave: bob}", "leave: bob, enter: bob}", 16, "script.0", "leave and enter in one event", "one event for each"),
    "no deed": (", leave: bob}", "}", 16, "script.0", "nothing happens", "give one of leave"),
    "a whisper to nobody": ("leave: bob}", "whisper: psst, by: bob}", 16, "script.0.whisper", "nobody hears it", "add `to: [NAME]`"),
    "a claim by a deed": ("leave: bob}", "leave: bob, asserts: {cake: cellar}}", 16, "script.0.asserts", "only `say` and `whisper`", "take it away"),
    "a leaver named twice": ("leave: bob}", "leave: bob, by: carol}", 16, "script.0.by", "`leave` says already who", "take `by` away"),
    "only wrong items in a list": ("[limit, {all_silent: 3}]", "[limt]", 20, "ends.0", "no ending 'limt'", "nearest: 'limit'"),
    "a goal to keep what nobody keeps": ("ends: [limit", "goal: {kept: [cake]}\nends: [limit", 20, "goal.kept", "nobody keeps 'cake'", "`secrets`"),
    "one value only": ("values: [kitchen, cellar]", "values: [kitchen]", 6, "variables.cake.values", "a list of 1 is too short", "at least 2"),
    "a sentence without its value": ("truth: kitchen}", "truth: kitchen, say: The cake.}", 6, "variables.cake.say", "must have `{value}`", "for example"),
    "a word that is no choice": ("ends:", "elicit: loud\nends:", 20, "elicit", "'loud' is not one of the choices", "one of: inline, probe, none"),
    "a sentence among the facts": ("ends:", "facts: [{text: Rain}]\nends:", 20, "facts.0", "a mapping stands here, not the name of a variable", "names that stand in `variables`"),
    "an impossible condition": ("{all_silent: 3}", "{condition: {cake: celler}}", 20, "ends.1.condition.cake", "'celler' is no value", "nearest: 'cellar'"),
}  # fmt: skip


def problems_of(text: str) -> list[str]:
    with pytest.raises(ScenarioError) as caught:
        scenario_of(text)
    return str(caught.value).splitlines()


def test_the_file_that_the_cases_start_from_is_good() -> None:
    assert scenario_of(GOOD).names == ("alice", "bob", "carol")


@pytest.mark.parametrize("case", CASES)
def test_a_mistake_is_told_with_line_key_fault_and_remedy(case: str) -> None:
    old, new, line, key, wrong, right = CASES[case]
    assert GOOD.count(old) == 1, old
    found = problems_of(GOOD.replace(old, new))
    assert len(found) == 1, found
    start = f"test.yaml:{line}: {key}: " if key else f"test.yaml:{line}: "
    assert found[0].startswith(start), found[0]
    fault, _, remedy = found[0].removeprefix(start).partition("; ")
    assert wrong in fault
    assert right in remedy


AWAY = {
    "words": ("say: Hm., by: bob", "as by telephone"),
    "a whisper": ("whisper: Hm., by: bob, to: [alice], seen_by: [carol]", "with `enter: bob`"),
    "a change": ("set: {cake: cellar}, by: bob", "as by telephone"),
    "a deed": ("text: Steps., by: bob, unnoticed: [alice]", "as by telephone"),
}


@pytest.mark.parametrize("case", AWAY)
def test_what_somebody_does_who_is_away_for_certain_is_refused(case: str) -> None:
    event, remedy = AWAY[case]
    at = "test.yaml:18: script.2.by: bob is away at turn 7 (since turn 5), and nobody would notice; bring bob back"
    late = GOOD.replace("  - turn: 6\n", f"  - {{turn: 2, leave: carol}}\n  - {{turn: 7, {event}}}\n  - turn: 6\n")
    [line] = problems_of(late)
    assert line.startswith(at)
    assert line.endswith(remedy)
    assert scenario_of(late.replace("turn: 7", "turn: 5").replace("turn: 5, leave: bob", "turn: 6, leave: bob"))
    assert scenario_of(late.replace("{turn: 2, leave: carol}", "{turn: 7, enter: bob}"))
    [line] = problems_of(
        late.replace("leave: bob", "leave: carol").replace("- name: bob", "- name: bob\n    room: away")
    )
    assert "bob is away at turn 7 (from the start)" in line


def test_a_fact_nobody_can_know_is_refused() -> None:
    text = GOOD.replace("    knows: {cake: kitchen}\n", "").replace("    set: {cake: cellar}\n", "    text: Rain.\n")
    [line] = problems_of(text)
    assert line.startswith("test.yaml:6: variables.cake: a fact nobody can come to know; put cake into")


def test_all_problems_of_a_file_are_told_together_in_its_order() -> None:
    text = GOOD.replace("limit: 24", "limit: 0").replace("leave: bob", "leave: bop")
    text = text.replace("truth: kitchen", "truth: cupboard").replace("preset: minddial", "preset: ful")
    lines = [int(line.split(":")[1]) for line in problems_of(text)]
    assert lines == [13, 14]
    text = text.replace("limit: 0", "limit: 5").replace("preset: ful", "preset: full")
    found = problems_of(text)
    assert [line.split(":")[1] for line in found] == ["6", "16"], "what the world finds comes once the rest can be read"


@pytest.mark.parametrize(("count", "wrong"), [(1, "1 participant;"), (9, "9 participants;")])
def test_too_few_or_too_many_participants_are_refused(count: int, wrong: str) -> None:
    seats = "\n".join(f"  - {{name: p{number}}}" for number in range(count))
    [line] = problems_of(f"scenario: x\nworld: table_talk\nparticipants:\n{seats}\n")
    assert line == f"test.yaml:3: participants: {wrong} table_talk takes 2 to 8"


def test_exactly_two_play_mutual_friends() -> None:
    seats = "[{name: a}, {name: b}, {name: c}]"
    [line] = problems_of(f"scenario: x\nworld: mutual_friends\nparticipants: {seats}\n")
    assert line.startswith("test.yaml:3: participants: 3 participants; mutual_friends takes exactly 2")


@pytest.mark.parametrize(
    ("content", "wrong"),
    [
        (None, "cannot read {}: No such file or directory; "),
        ("{]", "{}:1: not JSON: "),
        ("{}", "{}: attributes: Field"),
    ],
)
def test_a_schema_of_friends_that_is_none_is_told_with_the_form_it_should_have(
    content: str | None, wrong: str, tmp_path: Path
) -> None:
    path = tmp_path / "friends.json"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ScenarioError) as caught:
        load_scenario("mutual-friends", [f"schema={path}"])
    assert str(caught.value).startswith("-S schema: " + wrong.replace("{}", str(path), 1))
    assert '; give the path of a JSON file in the published form, {"attributes": [' in str(caught.value)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", ":1: the file is empty; begin with"),
        (b"# only a comment\n", ":1: the file is empty; begin with"),
        (b"- a\n- b\n", ":1: the file holds a list, not keys and values; begin with"),
        (b"scenario: x\npremise: caf\xe9\n", ":2: byte 0xe9 is not UTF-8; save the file in the encoding UTF-8"),
        (b"scenario: x\npremise: a\x00b\n", ":2: not YAML"),
        (b"a: &a [*a]\n", ": an alias or nesting that never ends; write it out"),
        (b"a: &a [x,x,x,x,x,x,x,x]\n" + b"".join(
            b"%c: &%c [%s]\n" % (n + 1, n + 1, b",".join([b"*%c" % n] * 8)) for n in range(97, 104)
        ), "an alias or nesting that never ends"),
        (b"[" * 2000, ""),
    ],
)  # fmt: skip
def test_a_file_that_is_no_scenario_says_so(tmp_path: Path, content: bytes, expected: str) -> None:
    path = tmp_path / "bad.yaml"
    path.write_bytes(content)
    with pytest.raises(ScenarioError) as caught:
        load_scenario(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert expected in message
    assert "\n" not in message


def test_a_missing_file_an_unreadable_one_and_an_unknown_name_say_so(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="there is no such file; check the path"):
        load_scenario(tmp_path / "none.yaml")
    with pytest.raises(ScenarioError, match="cannot be read"):
        load_scenario(tmp_path)
    with pytest.raises(ScenarioError, match=r"no scenario 'diner-secret'; nearest: 'dinner-secret' \(others: "):
        load_scenario("diner-secret")


def test_yes_no_dates_and_numbers_stay_the_words_they_are() -> None:
    text = """\
scenario: words
world: table_talk
variables:
  vote: {values: [yes, no], truth: no}
  day: {values: [2026-01-01, 12:30, 3], truth: 3}
facts: [vote, day]
participants: [{name: on}, {name: off}]
"""
    scenario = scenario_of(text)
    variables = {v.name: v for v in scenario.build_world().variables(scenario.build_world().reset(None)[0])}  # type: ignore[arg-type]
    assert variables["vote"].values == ("yes", "no")
    assert variables["day"].values == ("2026-01-01", "12:30", "3")
    assert (variables["vote"].truth, variables["day"].truth) == ("no", "3")


def test_anchors_and_merge_keys_work_and_errors_inside_them_have_lines() -> None:
    text = GOOD.replace("turns: {policy", "turns: &t {policy").replace(
        "      preset: minddial", "      <<: {order: 3, preset: full}\n      order: 1"
    )
    scenario = scenario_of(text)
    assert (scenario.participants[2].mind.order, scenario.participants[2].mind.preset) == (1, "full")
    [line] = problems_of(text.replace("preset: full}", "preset: ful}"))
    assert line.startswith("test.yaml:13: participants.carol.mind.preset: no preset 'ful'")


def test_what_a_file_says_is_escaped_where_an_error_repeats_it() -> None:
    [line] = problems_of(GOOD.replace("turns:", '"tu\\e[31mrns\\n":'))
    assert line.startswith(r"test.yaml:14: tu\x1b[31mrns\n: unknown key 'tu\x1b[31mrns\n'")


OWN = {
    "own_syntax": ("x = 1\ndef broken(:\n", " at own_syntax.py:2: SyntaxError: invalid syntax"),
    "own_trouble": ("import json\njson.loads('{')\n", " at own_trouble.py:2: JSONDecodeError: Expecting"),
    "own_need": ("import os\nimport no_such_module\n", " at own_need.py:2: ModuleNotFoundError: No module named"),
    "own_exit": ("import sys\nsys.exit('usage, x')\n", " at own_exit.py:2: SystemExit: usage, x"),
}


@pytest.mark.parametrize("name", OWN)
def test_trouble_in_a_world_of_ones_own_is_one_line_with_its_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, said = OWN[name]
    (tmp_path / f"{name}.py").write_text(source)
    good = GOOD.replace("world: table_talk", f"world: {name}:World")
    [line] = problems_of(good)
    missing = (
        f"test.yaml:2: world: Python finds no module '{name}'; run with `PYTHONPATH=FOLDER`, the folder that holds"
    )
    assert line.startswith(missing)
    monkeypatch.syspath_prepend(tmp_path)
    [line] = problems_of(good)
    assert line.startswith(f"test.yaml:2: world: importing {name} failed{said}")
    assert line.endswith(f"; correct the module until `python -c 'import {name}'` is silent")
